//! Tags of one's own: what they can build, how they enter the cache's keys, what hostile ones can do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use haiden::cache::{BytecodeCache, MemoryBytecodeCache};
use haiden::extension::{
    Arguments, BinaryOp, Body, Call, CompareOp, Extension, Parser, Signature, Statement, SyntaxError,
    TokenKind,
};
use haiden::loader::DictLoader;
use haiden::{AutoEscape, Environment, Error, ErrorKind, RenderLimits, Sandbox, Syntax, Value, context};

type Parsed<'s> = Result<Vec<Statement<'s>>, SyntaxError>;

/// `{% cache key [, seconds] %}…{% endcache %}`: renders its body once a key. As in the documentation of Jinja2.
#[derive(Clone, Default)]
struct FragmentCache {
    fragments: Arc<Mutex<HashMap<String, Value>>>,
    /// The times that were asked for.
    seconds: Arc<Mutex<Vec<String>>>,
}

impl Extension for FragmentCache {
    fn name(&self) -> &'static str {
        "tests.FragmentCache"
    }
    fn version(&self) -> &'static str {
        "1"
    }
    fn tags(&self) -> Vec<&str> {
        vec!["cache"]
    }
    fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Parsed<'s> {
        let key = parser.parse_expression()?;
        let seconds = if parser.skip_if(TokenKind::Comma)? {
            parser.parse_expression()?
        } else {
            parser.nodes().none()
        };
        let (body, _) = parser.parse_body(&["endcache"])?;
        let call = parser.nodes().call_method("fragment", [key, seconds])?;
        Ok(vec![parser.nodes().call_block(call, Signature::default(), body)?])
    }
    fn call(&self, method: &str, call: &mut Call<'_>) -> Result<Value, Error> {
        assert_eq!((method, call.len(), call.has_caller()), ("fragment", 2, true));
        let key = call.argument(0)?.to_string();
        self.seconds.lock().unwrap().push(call.argument(1)?.to_string());
        if let Some(fragment) = self.fragments.lock().unwrap().get(&key) {
            return Ok(fragment.clone());
        }
        let fragment = call.caller(&[])?;
        self.fragments.lock().unwrap().insert(key, fragment.clone());
        Ok(fragment)
    }
}

/// `{% generation %}…{% endgeneration %}`: tells where in the page its bodies are. As in chat templates.
#[derive(Clone, Default)]
struct Generation {
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Extension for Generation {
    fn name(&self) -> &'static str {
        "tests.Generation"
    }
    fn version(&self) -> &'static str {
        "1"
    }
    fn tags(&self) -> Vec<&str> {
        vec!["generation"]
    }
    fn parse<'s>(&self, tag: &str, parser: &mut Parser<'s, '_>) -> Parsed<'s> {
        assert_eq!(tag, "generation");
        let (body, _) = parser.parse_body(&["endgeneration"])?;
        let call = parser.nodes().call_method("generated", [])?;
        Ok(vec![parser.nodes().call_block(call, Signature::default(), body)?])
    }
    fn call(&self, _: &str, call: &mut Call<'_>) -> Result<Value, Error> {
        let body = call.caller(&[])?;
        self.bodies.lock().unwrap().push(body.to_string());
        Ok(body)
    }
}

#[test]
fn bodies_that_user_code_renders_share_one_fuel() {
    let mut environment = Environment::new();
    environment.add_extension(Generation::default());
    let mut limits = RenderLimits::default();
    limits.machine.fuel = 10_000;
    environment.set_limits(limits);
    let body = "{% generation %}{% for i in range(900) %}{% endfor %}{% endgeneration %}";
    let page = |times: usize| environment.render_str(&body.repeat(times), context! {});
    assert_eq!(page(10).expect("within the limit"), "");
    assert_eq!(page(10).expect("each render has its own"), "");
    let error = page(50).expect_err("the fuel is used up");
    assert_eq!(error.kind(), ErrorKind::Limit, "{}", error.report());
}

#[test]
fn a_fragment_is_rendered_once_a_key() {
    let cache = FragmentCache::default();
    let (fragments, seconds) = (cache.fragments.clone(), cache.seconds.clone());
    let mut environment = Environment::new();
    environment.set_autoescape(AutoEscape::On);
    environment.add_extension(cache);
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    environment.add_function("costly", move || counted.fetch_add(1, Ordering::Relaxed) as i64);
    let template = environment
        .template_from_str("{% for key in keys %}{% cache 'a' ~ key, 60 %}<{{ key }}{{ '&' }}{{ costly() }}>{% endcache %}{% endfor %}")
        .unwrap();
    let page = template.render(context! { keys => vec![1, 2, 1] }).unwrap();
    assert_eq!(page, "<1&amp;0><2&amp;1><1&amp;0>");
    assert_eq!(count.load(Ordering::Relaxed), 2);
    assert_eq!(fragments.lock().unwrap().len(), 2);
    assert_eq!(*seconds.lock().unwrap(), ["60", "60", "60"]);
}

#[test]
fn bodies_of_generation_tags_are_told() {
    let generation = Generation::default();
    let bodies = generation.bodies.clone();
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_sandbox(Some(Sandbox::immutable()));
    environment.add_extension(generation);
    let source = "{% for m in messages %}
{% if loop.index is even %}
A: {% generation %}
{{ m }}{% if not loop.last %};{% endif %}

{% endgeneration %}
{% else %}
U: {{ m }}
{% endif %}{% endfor %}";
    let page = environment.render_str(source, context! { messages => vec!["hi", "ho", "he", "hu"] }).unwrap();
    assert_eq!(page, "U: hi\nA: ho;\nU: he\nA: hu\n");
    assert_eq!(*bodies.lock().unwrap(), ["ho;\n", "hu\n"]);
}

/// An extension made of closures: what a tag `x`, ended by `endx`, means.
struct Made {
    version: String,
    parse: for<'a, 's, 't> fn(&'a str, &'a mut Parser<'s, 't>) -> Parsed<'s>,
    call: fn(&str, &mut Call<'_>) -> Result<Value, Error>,
}

impl Extension for Made {
    fn name(&self) -> &'static str {
        "tests.Made"
    }
    fn version(&self) -> &str {
        &self.version
    }
    fn tags(&self) -> Vec<&str> {
        vec!["x", "y", "for", "custom"]
    }
    fn parse<'s>(&self, tag: &str, parser: &mut Parser<'s, '_>) -> Parsed<'s> {
        (self.parse)(tag, parser)
    }
    fn call(&self, method: &str, call: &mut Call<'_>) -> Result<Value, Error> {
        (self.call)(method, call)
    }
}

fn no_call(method: &str, _: &mut Call<'_>) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::Value, format!("no {method}")))
}

/// An environment whose tag `x` means this.
fn environment(parse: for<'a, 's, 't> fn(&'a str, &'a mut Parser<'s, 't>) -> Parsed<'s>) -> Environment {
    let mut environment = Environment::new();
    environment
        .set_loader(DictLoader::new([("m", "{% macro n(a) %}n{{ a }}{% endmacro %}"), ("i", "i{{ v }}")]));
    environment.add_extension(Made { version: "1".to_owned(), parse, call: no_call });
    environment
}

/// What a template makes, or class, message and line of the error.
fn outcome(environment: &Environment, source: &str) -> String {
    match environment.render_str(source, context! { items => vec![1, 2], v => 7 }) {
        Ok(page) => page,
        Err(error) => {
            format!("{}: {} ({})", error.kind().class(), error.message(), error.line().unwrap_or_default())
        }
    }
}

#[test]
fn every_node_can_be_built() {
    let check = |parse: for<'a, 's, 't> fn(&'a str, &'a mut Parser<'s, 't>) -> Parsed<'s>,
                 source: &str,
                 page: &str| {
        assert_eq!(outcome(&environment(parse), source), page, "{source}");
    };
    check(
        |_, parser| {
            let value = parser.parse_tuple()?;
            let n = parser.nodes();
            let list =
                n.list([n.none(), n.boolean(true), n.integer(-3), n.float(0.5), n.string("s"), value])?;
            let pair = n.tuple([n.integer(1)])?;
            let dict = n.dict([(n.string("k"), list), (n.string("t"), pair)])?;
            Ok(vec![n.print(dict)])
        },
        "{% x 1, v %}",
        "{'k': [None, True, -3, 0.5, 's', (1, 7)], 't': (1,)}",
    );
    check(
        |_, parser| {
            let mut n = parser.nodes();
            let items = n.name("items")?;
            let (first, second) =
                (n.item(items.clone(), n.integer(0))?, n.item(items.clone(), n.integer(1))?);
            let sum = n.binary(first.clone(), BinaryOp::Add, second)?;
            let less = n.compare(first.clone(), CompareOp::Lt, sum.clone())?;
            let more = n.not(less.clone())?;
            let chosen = n.conditional(more, n.string("no"), Some(n.string("yes")))?;
            let joined = n.filter(items.clone(), "join", [n.string("-")])?;
            let test = n.test(first, "divisibleby", [n.integer(2)])?;
            let attribute = n.attribute(items, "append")?;
            let arguments = n.keyword([], "d", sum.clone())?;
            let filtered = n.filter(n.none(), "default", Arguments::default())?;
            let called = n.call(attribute, [n.integer(5)])?;
            let _ = arguments;
            Ok([chosen, joined, test, filtered, called, sum]
                .into_iter()
                .map(|value| n.print(value))
                .collect())
        },
        "{% x %}",
        "yes1-2FalseNoneNone3",
    );
    check(
        |_, parser| {
            let target = parser.parse_target()?;
            parser.expect(TokenKind::Assign)?;
            let items = parser.parse_unconditional()?;
            let has_test = parser.skip_if_name("if")?;
            assert!(
                !has_test
                    && parser.is_at(TokenKind::BlockEnd)
                    && parser.current().kind == TokenKind::BlockEnd
            );
            let (body, end) = parser.parse_body(&["endx", "otherwise"])?;
            let otherwise = if end == 1 { parser.parse_body(&["endx"])?.0 } else { Body::default() };
            Ok(vec![parser.nodes().for_loop(target, items, body, otherwise)?])
        },
        "{% x a = items %}{{ loop.index }}{{ a }};{% endx %}{% x a = [] %}{% otherwise %}none{% endx %}{% x (a, b) = [(1, 2)] %}{{ b }}{% endx %}",
        "11;22;none2",
    );
    check(
        |_, parser| {
            let (body, _) = parser.parse_body(&["endx"])?;
            let (kept, other) = (parser.free_name(), parser.free_name());
            let mut n = parser.nodes();
            let set = n.assign_block(n.free_target(kept), body)?;
            let value = n.free(kept);
            let name = n.target("shown")?;
            let text = n.text("<");
            let with = n.with([(name, value)], [text, n.include(n.string("i"), true, false)])?;
            let signature = n.signature(&["v"])?;
            let printed = n.name("v")?;
            let block = n.block("b", n.print(printed.clone()), true)?;
            let wrapper = n.macro_definition("mac", signature, n.print(printed))?;
            let mac = n.name("mac")?;
            let call = n.call(mac, [n.string("M")])?;
            let upper = n.filter_block("upper", [], [n.print(n.free(kept)), n.print(call)])?;
            let off = n.autoescape(n.boolean(false), n.print(n.string("&")))?;
            let assign = n.assign(n.free_target(other), n.integer(9));
            let nine = n.print(n.free(other));
            let missing = n.include(n.string("nope"), false, true);
            let import = n.import(n.string("m"), "module", false)?;
            let module = n.name("module")?;
            let function = n.attribute(module, "n")?;
            let imported = n.call(function, [n.integer(1)])?;
            let safe = n.mark_safe_if_autoescape(n.string("<"))?;
            let safer = n.mark_safe(n.concat([n.string("<"), safe])?)?;
            let statements = [
                set,
                with,
                block,
                wrapper,
                upper,
                off,
                assign,
                nine,
                missing,
                import,
                n.print(imported),
                n.print(safer),
            ];
            Ok(vec![n.scope(statements)?])
        },
        "{% x %}a{% set shown = 1 %}{% endx %}{{ shown is defined }}{{ module is defined }}",
        "<i77AM&9n1<<FalseFalse",
    );
    check(
        |_, parser| {
            let arguments = parser.parse_arguments()?;
            let signature = if parser.skip_if(TokenKind::Pipe)? {
                parser.parse_signature()?
            } else {
                Signature::default()
            };
            let (body, _) = parser.parse_body(&["endx"])?;
            let mut n = parser.nodes();
            let function = n.name("mac")?;
            let call = n.call(function, arguments)?;
            Ok(vec![n.call_block(call, signature, body)?])
        },
        "{% macro mac(a, b=2) %}{{ a }}{{ b }}{{ caller(a) }}{% endmacro %}{% x (1, b=3) | (c, d=4) %}{{ c }}{{ d }}{% endx %}",
        "1314",
    );
}

#[test]
fn tags_that_are_wrong() {
    let body: for<'a, 's, 't> fn(&'a str, &'a mut Parser<'s, 't>) -> Parsed<'s> = |_, parser| {
        let (body, _) = parser.parse_body(&["endx", "endy"])?;
        Ok(vec![parser.nodes().scope(body)?])
    };
    let environment = environment(body);
    let check =
        |source: &str, expected: &str| assert_eq!(outcome(&environment, source), expected, "{source}");
    check("{% x %}a{% endx %}{% y %}b{% endy %}{% for a in items %}{{ a }}{% endfor %}", "ab12");
    check(
        "\n{% x %}a",
        "TemplateSyntaxError: Unexpected end of template. Jinja was looking for the following tags: 'endx' or 'endy'. \
         The innermost block that needs to be closed is 'x'. (2)",
    );
    check(
        "{% x %}\n{% if v %}{% endx %}",
        "TemplateSyntaxError: Encountered unknown tag 'endx'. You probably made a nesting mistake. Jinja is expecting \
         this tag, but currently looking for 'elif' or 'else' or 'endif'. The innermost block that needs to be closed \
         is 'if'. (2)",
    );
    check(
        "{% x 1 %}{% endx %}",
        "TemplateSyntaxError: expected token 'end of statement block', got 'integer' (1)",
    );
    check(
        "{% x %}{% endx 1 %}",
        "TemplateSyntaxError: expected token 'end of statement block', got 'integer' (1)",
    );
    check("{% x %}\n\n{{ v.w.u }}{% endx %}", "UndefinedError: 'int object' has no attribute 'w' (3)");
    let error = environment.template_from_str("{% custm %}").err().unwrap();
    assert_eq!(error.hint(), Some("did you mean `custom`?"));
    let deep = "{% x %}".repeat(99) + &"{% endx %}".repeat(99);
    assert_eq!(outcome(&environment, &deep), "");
    let deep = "{% x %}".repeat(101) + &"{% endx %}".repeat(101);
    check(&deep, "TemplateSyntaxError: nested too deeply: more than 100 levels (1)");
}

#[test]
fn hostile_extensions_make_errors() {
    let check = |parse: for<'a, 's, 't> fn(&'a str, &'a mut Parser<'s, 't>) -> Parsed<'s>, expected: &str| {
        let source = "\n{% x %}{{ v }}{% endx %}{% x %}{% endx %}";
        assert_eq!(outcome(&environment(parse), source), expected);
    };
    check(|_, parser| Err(parser.fail("not today")), "TemplateSyntaxError: not today (2)");
    check(|_, _| panic!("oh"), "TemplateSyntaxError: the extension 'tests.Made' panicked: oh (2)");
    check(|_, _| Ok(Vec::new()), "TemplateSyntaxError: Encountered unknown tag 'endx'. (2)");
    check(
        |_, parser| {
            while !parser.is_at(TokenKind::Eof) {
                let kind = parser.current().kind;
                parser.expect(kind)?;
            }
            parser.skip_if(TokenKind::Eof)?;
            Ok(Vec::new())
        },
        "TemplateSyntaxError: unexpected end of template, expected 'end of statement block'. (2)",
    );
    check(
        |_, parser| {
            let _ = parser.parse_body(&["nothing"]);
            Ok(Vec::new())
        },
        "TemplateSyntaxError: the extension hides an error in its tag 'x' (2)",
    );
    check(
        |_, parser| parser.parse_body(&[]).map(|_| Vec::new()),
        "TemplateSyntaxError: a body must end with some tag (2)",
    );
    check(
        |_, parser| {
            let n = parser.nodes();
            Ok(vec![n.call_block(n.none(), Signature::default(), Body::default())?])
        },
        "TemplateSyntaxError: a call block needs a call (2)",
    );
    check(
        |_, parser| parser.nodes().name("a b").map(|_| Vec::new()),
        "TemplateSyntaxError: 'a b' is no name (2)",
    );
    check(
        |_, parser| parser.nodes().target("none").map(|_| Vec::new()),
        "TemplateSyntaxError: can't assign to 'name' (2)",
    );
    check(
        |_, parser| parser.nodes().call_method("", []).map(|_| Vec::new()),
        "TemplateSyntaxError: '' is no name (2)",
    );
    check(
        |_, parser| {
            let mut n = parser.nodes();
            let value = n.none();
            let arguments = n.keyword([], "a", value.clone())?;
            n.keyword(arguments, "a", value).map(|_| Vec::new())
        },
        "TemplateSyntaxError: the keyword argument 'a' is given twice (2)",
    );
    check(
        |_, parser| {
            let n = parser.nodes();
            let mut value = n.none();
            loop {
                value = n.not(value)?;
            }
        },
        "TemplateSyntaxError: expression is nested too deeply: more than 500 levels (2)",
    );
    check(
        |_, parser| {
            let mut n = parser.nodes();
            let mut statement = n.text("");
            loop {
                statement = n.scope(statement)?;
            }
        },
        "TemplateSyntaxError: nested too deeply: more than 100 levels (2)",
    );
    check(
        |_, parser| {
            let (body, _) = parser.parse_body(&["endx"])?;
            let mut statement = parser.nodes().scope(body)?;
            for _ in 0..40 {
                let n = parser.nodes();
                statement = n.if_else(n.boolean(true), statement, Body::default())?;
            }
            Ok(vec![statement])
        },
        "\n7",
    );
    check(
        |_, parser| {
            let mut n = parser.nodes();
            let value = n.filter(n.none(), "no.such", [])?;
            let (_, _) = parser.parse_body(&["endx"])?;
            Ok(vec![parser.nodes().print(value)])
        },
        "TemplateAssertionError: No filter named 'no.such'. (2)",
    );
}

#[test]
fn wrapped_bodies_count_their_levels() {
    // Each tag wraps its body in forty levels: three of them inside one another are too deep.
    let environment = environment(|_, parser| {
        let (body, _) = parser.parse_body(&["endx"])?;
        let mut statement = parser.nodes().scope(body)?;
        for _ in 0..40 {
            statement = parser.nodes().scope(statement)?;
        }
        Ok(vec![statement])
    });
    let nested = |count: usize| "{% x %}".repeat(count) + "{{ v }}" + &"{% endx %}".repeat(count);
    assert_eq!(outcome(&environment, &nested(2)), "7");
    let error = "TemplateSyntaxError: nested too deeply: more than 100 levels (1)";
    assert_eq!(outcome(&environment, &nested(3)), error);
    let inside_if = format!("{}{}", "{% if v %}".repeat(60), nested(1)) + &"{% endif %}".repeat(60);
    assert_eq!(outcome(&environment, &inside_if), error);
}

#[test]
fn methods_that_fail() {
    let check = |call: fn(&str, &mut Call<'_>) -> Result<Value, Error>, expected: &str| {
        let mut environment = Environment::new();
        let parse: for<'a, 's, 't> fn(&'a str, &'a mut Parser<'s, 't>) -> Parsed<'s> = |_, parser| {
            let (body, _) = parser.parse_body(&["endx"])?;
            let call = parser.nodes().call_method("go", [])?;
            Ok(vec![parser.nodes().call_block(call, Signature::default(), body)?])
        };
        environment.add_extension(Made { version: "1".to_owned(), parse, call });
        let source = "{% macro m() %}{% x %}{{ m() }}{% endx %}{% endmacro %}\n{% x %}{{ nope.a }}{% endx %}";
        let source = if expected.starts_with("RecursionError") {
            source.replace("nope.a", "m()")
        } else {
            source.to_owned()
        };
        let found = outcome(&environment, &source);
        assert!(found.starts_with(expected), "{found}\n{expected}");
    };
    check(no_call, "ValueError: no go (2)");
    check(|_, _| panic!("oh"), "TemplateRuntimeError: tests.Made.go panicked: oh (2)");
    check(|_, call| call.caller(&[]), "UndefinedError: 'nope' is undefined (2)");
    check(
        |_, call| call.caller(&[Value::from(1)]),
        "TypeError: macro None takes not more than 0 argument(s)",
    );
    check(|_, call| call.argument(9), "\n");
    check(|_, call| call.caller(&[]), "RecursionError: maximum recursion depth exceeded");
}

#[test]
fn extensions_take_part_in_the_key() {
    let cache = Arc::new(MemoryBytecodeCache::new(100, 1 << 20));
    let with = |version: &str, text: for<'a, 's, 't> fn(&'a str, &'a mut Parser<'s, 't>) -> Parsed<'s>| {
        let mut environment = Environment::new();
        environment.set_loader(DictLoader::new([("a", "{% x %}")]));
        environment.set_bytecode_cache(Some(cache.clone()));
        environment.add_extension(Made { version: version.to_owned(), parse: text, call: no_call });
        environment.get_template("a").unwrap().render(context! {}).unwrap()
    };
    assert_eq!(with("1", |_, parser| Ok(vec![parser.nodes().text("one")])), "one");
    // One name, one version: whoever changes the meaning must change the version.
    assert_eq!(with("1", |_, parser| Ok(vec![parser.nodes().text("changed")])), "one");
    assert_eq!(with("2", |_, parser| Ok(vec![parser.nodes().text("two")])), "two");
    assert_eq!(with("", |_, parser| Ok(vec![parser.nodes().text("none")])), "none");
    assert_eq!(cache.statistics().size, Some(3));

    let mut plain = Environment::new();
    plain.set_loader(DictLoader::new([("a", "{% x %}")]));
    plain.set_bytecode_cache(Some(cache.clone()));
    assert_eq!(plain.get_template("a").err().unwrap().kind(), ErrorKind::Syntax);
}

#[test]
fn an_image_without_its_extension_is_an_error() {
    let mut maker = environment(|_, parser| {
        let call = parser.nodes().call_method("go", [])?;
        Ok(vec![parser.nodes().print(call)])
    });
    // The syntax changes, the tags stay.
    maker.set_syntax(Syntax { trim_blocks: true, ..Syntax::default() }).unwrap();
    let bytes = maker.compile_to_image(None, "\n{% x %}").unwrap();
    let error = maker.load_image(None, &bytes).unwrap().render(context! {}).unwrap_err();
    assert_eq!((error.message(), error.line()), ("no go", Some(2)));
    let error = Environment::new().load_image(None, &bytes).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Bytecode);
}

/// Does something else with each tag, by a number that follows from where it stands; errors are sometimes passed over.
struct Erratic;

impl Extension for Erratic {
    fn name(&self) -> &'static str {
        "tests.Erratic"
    }
    fn version(&self) -> &'static str {
        "1"
    }
    fn tags(&self) -> Vec<&str> {
        vec!["x", "endx", "else"]
    }
    fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Parsed<'s> {
        let mut dice = parser.current().offset.wrapping_mul(0x9E37_79B9) ^ parser.tag_line();
        let mut statements = Vec::new();
        for _ in 0..3 {
            dice = dice.rotate_left(5).wrapping_mul(0x85EB_CA6B) + 1;
            let swallow = dice.is_multiple_of(7);
            let done = match dice / 8 % 10 {
                0 => parser.parse_expression().map(|value| statements.push(parser.nodes().print(value))),
                1 => parser.parse_tuple().map(|value| statements.push(parser.nodes().evaluate(value))),
                2 => parser.parse_target().map(|target| {
                    let n = parser.nodes();
                    statements.push(n.assign(target, n.none()));
                }),
                3 => parser.parse_arguments().and_then(|arguments| {
                    let call = parser.nodes().call_method("f", arguments)?;
                    statements.push(parser.nodes().call_block(
                        call,
                        Signature::default(),
                        Body::default(),
                    )?);
                    Ok(())
                }),
                4 => parser.parse_signature().map(drop),
                5 => parser.peek().map(drop),
                6 => parser.skip_if(TokenKind::Name).map(drop),
                7 | 8 => parser.parse_body(&["endx", "x", "else", "endif"]).and_then(|(body, _)| {
                    statements.push(parser.nodes().scope(body)?);
                    Ok(())
                }),
                _ => return Ok(statements),
            };
            if !swallow {
                done?;
            }
        }
        Ok(statements)
    }
    fn call(&self, _: &str, call: &mut Call<'_>) -> Result<Value, Error> {
        call.argument(1)?;
        call.caller(&[])
    }
}

#[test]
fn no_extension_and_no_source_makes_a_panic() {
    const PIECES: &[&str] = &[
        "{% x %}",
        "{% endx %}",
        "{% x a %}",
        "{% x (1, b=2) %}",
        "{% x a.b = c %}",
        "{% else %}",
        "{% if a %}",
        "{% endif %}",
        "{% for a in b %}",
        "{% endfor %}",
        "text\n",
        "{{ a }}",
        "{% x",
        " a ",
        "%}",
        "{% macro m(a) %}",
        "{% endmacro %}",
        "{# #}",
        "{% raw %}",
        "{% endraw %}",
        "{% x (((( %}",
        "'",
        "{% block b %}",
        "{% endblock %}",
        "é",
    ];
    let mut environment = Environment::new();
    environment.add_extension(Erratic);
    let (mut state, mut pages) = (1_u64, 0);
    for _ in 0..20_000 {
        let mut source = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            source.push_str(PIECES[(state >> 33) as usize % PIECES.len()]);
        }
        match environment.render_str(&source, context! { a => 1, b => vec![1, 2] }) {
            Ok(_) => pages += 1,
            Err(error) => assert_ne!(error.message(), "", "{source}"),
        }
    }
    assert!(pages > 50, "{pages} pages");
}
