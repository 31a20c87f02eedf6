//! The public doors beside the recorded cases: bare expressions, offsets, hints, limits, options.

use haiden_syntax::ast::{Expr, Stmt};
use haiden_syntax::{ErrorKind, Extensions, Syntax, lex, parse, parse_expression};

fn refused(source: &str) -> (String, u32, usize, Option<String>) {
    let error = parse(source, &Syntax::default()).expect_err(source);
    (error.message().to_owned(), error.line(), error.offset() as usize, error.hint().map(str::to_owned))
}

#[test]
fn bare_expressions_assign_to_result() {
    let check = |source: &str, expected: &str| {
        let got = match parse_expression(source, &Syntax::default()) {
            Ok(ast) => ast.to_repr(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "{source:?}");
    };
    check(
        "a\n+ 1\n",
        "Template(body=[Assign(target=Name(name='result', ctx='store'), \
         node=Add(left=Name(name='a', ctx='load'), right=Const(value=1)))])",
    );
    for source in ["a b", "a }}", "a}} {{b", " a , b"] {
        check(source, "chunk after expression");
    }
    for source in ["", "{", "1 if"] {
        check(source, "unexpected 'end of template'");
    }
}

#[test]
fn offsets_point_into_the_source_as_given() {
    let check = |source: &str, at: &str, line: u32| {
        let (message, got, offset, _) = refused(source);
        assert_eq!((got, &source[offset..]), (line, at), "{source:?}: {message}");
    };
    check("a\r\n\r\n{{ b c }}", "c }}", 3);
    check("a\rb\r\n{{ ? }}", "? }}", 3);
    check("{% if a %}{% endfor %}", "endfor %}", 1);
    check("\u{feff}\0{{ '\\x4' }}", "'\\x4' }}", 1);
}

#[test]
fn misspelled_tags_get_a_hint() {
    let check = |source: &str, expected: Option<&str>| {
        let (_, _, _, hint) = refused(source);
        assert_eq!(hint.as_deref(), expected, "{source}");
    };
    check("{% fro x in y %}", Some("did you mean `for`?"));
    check("{% for x in y %}{% endofr %}", Some("did you mean `endfor`?"));
    check("{% if a %}{% elseif b %}", Some("write `elif`"));
    check("{% do x %}", Some("the tag `do` needs the extension `do`, which is not switched on"));
    check("{% completely_different %}", None);
    check("{{ 'abc }}", Some("the text that begins here does not end"));
    check("{{ a && b }}", Some("write `and`"));
    check("{{ !a }}", Some("write `not`"));
    check("{{ a ? b : c }}", Some("write `a if condition else b`"));
    check("{% if a = 1 %}", Some("`==` compares; `=` gives a value to a name, in `{% set %}`"));
    check("{{ a = 1 }}", Some("`==` compares; `=` gives a value to a name, in `{% set %}`"));
}

#[test]
fn unchanged_text_is_borrowed() {
    for source in ["text {{ 'string' }}\nmore\n", "text {{ 'string' }}\r\n"] {
        let ast = parse(source, &Syntax::default()).expect(source);
        let Some(Stmt::Output(output)) = ast.body.first() else { panic!("text is an output") };
        let Some(Expr::TemplateData(text)) = output.nodes.first() else { panic!("text comes first") };
        assert_eq!(ast.texts.get(text.data), "text ");
        assert!(source.as_bytes().as_ptr_range().contains(&ast.texts.get(text.data).as_ptr()), "borrowed");
    }
}

#[test]
fn an_expression_is_two_words() {
    assert_eq!((size_of::<Expr<'_>>(), size_of::<Stmt<'_>>()), (16, 32));
}

#[test]
fn the_parsers_tokens_are_without_trivia() {
    let tokens = lex("a{# b #}{% raw %}{{{% endraw %}{{- c }}", &Syntax::default()).expect("tokens");
    let names: Vec<_> = tokens.iter().map(|token| (token.name, token.text)).collect();
    let expected =
        [("data", "a"), ("data", "{{"), ("variable_begin", "{{-"), ("name", "c"), ("variable_end", "}}")];
    assert_eq!(names, expected);
}

#[test]
fn options_are_checked() {
    let check = |syntax: Syntax, expected: &str| {
        let error = parse("", &syntax).expect_err(expected);
        assert_eq!((error.kind(), error.message()), (ErrorKind::Options, expected));
    };
    let differ = "block, variable and comment start strings must be different.";
    check(Syntax { variable_start_string: "{%".into(), ..Syntax::default() }, differ);
    check(Syntax { variable_start_string: "{#".into(), ..Syntax::default() }, differ);
    let newline = "'newline_sequence' must be one of '\\n', '\\r\\n', or '\\r'.";
    check(Syntax { newline_sequence: "\n\n".into(), ..Syntax::default() }, newline);
    let empty = "delimiters and prefixes must not be empty.";
    check(Syntax { comment_end_string: "".into(), ..Syntax::default() }, empty);
    check(Syntax { line_comment_prefix: Some("".into()), ..Syntax::default() }, empty);
    // Jinja2 lets block and comment start alike; the name that sorts last wins.
    let alike = Syntax { comment_start_string: "{%".into(), ..Syntax::default() };
    let ast = parse("{% if a #}b", &alike).expect("a comment");
    assert_eq!(ast.to_repr(), "Template(body=[Output(nodes=[TemplateData(data='b')])])");
}

#[test]
fn huge_integers_are_refused_as_python_refuses_them() {
    let (message, ..) = refused(&format!("{{{{ {} }}}}", "1".repeat(4301)));
    assert!(message.starts_with("Exceeds the limit (4300 digits)"), "{message}");
    let hex = format!("{{{{ 0x{} }}}}", "f".repeat(5000));
    assert!(parse(&hex, &Syntax::default()).is_ok());
}

#[test]
fn extensions_are_a_set() {
    let set = Extensions::I18N.with(Extensions::DO);
    assert!(set.contains(Extensions::DO) && !set.contains(Extensions::DEBUG));
    assert_eq!(set.bits(), 3);
}
