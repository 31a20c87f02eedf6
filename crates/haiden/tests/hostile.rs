//! Hostile templates, data and functions: each ends in a clear error or a right page.
//!
//! Everything runs on a thread with a stack of 1 MiB: what recurses without a bound of its own would end the process.
#![forbid(unsafe_code)]

use std::thread;

use haiden::{Environment, Error, ErrorKind, RenderLimits, Value, context};
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

/// Runs on a small stack.
fn small_stack<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::Builder::new().stack_size(1 << 20).spawn(run).expect("a thread");
    thread.join().expect("no panic")
}

/// Renders the first of these templates on a small stack.
fn render(templates: &[(&str, &str)]) -> Result<String, Error> {
    let templates: Vec<(String, String)> =
        templates.iter().map(|(name, source)| ((*name).to_owned(), (*source).to_owned())).collect();
    small_stack(move || {
        let mut environment = Environment::new();
        for (name, source) in &templates {
            environment.add_template(name, source)?;
        }
        environment.get_template(&templates[0].0)?.render(context! {})
    })
}

/// A template must fail with this class, and its message must say this.
fn fails(source: &str, class: &str, says: &str) -> Error {
    let error = render(&[("t", source)]).map(|page| page.chars().take(100).collect::<String>());
    let short: String = source.chars().take(100).collect();
    let error = error.expect_err(&short);
    assert_eq!(error.kind().class(), class, "{short}: {}", error.report());
    assert!(error.message().contains(says), "{short}: {}", error.report());
    error
}

// ---- recursion ---------------------------------------------------------------------------------------------------

#[test]
fn circles_of_templates() {
    for (templates, says) in [
        (&[("a", "{% extends 'a' %}")][..], "a"),
        (&[("a", "{% extends 'b' %}"), ("b", "{% extends 'a' %}")], "b"),
        (&[("a", "{% include 'a' %}")], "a"),
        (&[("a", "{% include 'b' %}"), ("b", "{% include 'a' %}")], "b"),
        (&[("a", "{% import 'a' as m %}")], "a"),
        (&[("a", "{% from 'b' import x %}"), ("b", "{% from 'a' import x %}")], "b"),
        (&[("a", "{% extends 'b' %}"), ("b", "{% include 'a' %}")], "b"),
        (&[("a", "{% block x %}{% include 'a' %}{% endblock %}")], "a"),
        (&[("a", "{% include 'b' %}"), ("b", "{% import 'c' as c %}"), ("c", "{% extends 'b' %}")], "c"),
    ] {
        let error = render(templates).expect_err("a circle");
        assert_eq!(error.kind(), ErrorKind::Recursion, "{templates:?}: {}", error.report());
        assert!(error.line().is_some(), "{templates:?}: {}", error.report());
        let report = error.report();
        assert!(report.contains(says), "{templates:?}: {report}");
        assert!(report.lines().count() < 1000, "{templates:?}: a report of {} lines", report.lines().count());
    }
}

#[test]
fn endless_recursion() {
    for source in [
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% macro m(x) %}{{ x | string }}{{ m([x]) }}{% endmacro %}{{ m(1) }}",
        "{% macro m() %}{% if caller %}{% endif %}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}",
        "{% macro m() %}{{ caller() }}{% endmacro %}{% macro n() %}{% call m() %}{{ n() }}{% endcall %}{% endmacro %}{{ n() }}",
        "{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}",
        "{% for x in [1] recursive %}{% set l = loop %}{{ l([x]) }}{% endfor %}",
        "{% block b %}{{ self.b() }}{% endblock %}",
        "{% macro m() %}{% filter upper %}{{ m() }}{% endfilter %}{% endmacro %}{{ m() }}",
        "{% macro m() %}{% set x %}{{ m() }}{% endset %}{% endmacro %}{{ m() }}",
        "{% macro m(x=m2()) %}{% endmacro %}{% macro m2(x=1) %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(n) %}{{ [1] | map('string') | join }}{% for i in [1] %}{% if true %}{{ m(n) }}{% endif %}{% endfor %}{% endmacro %}{{ m(1) }}",
    ] {
        fails(source, "RecursionError", "");
    }
}

#[test]
fn recursion_up_to_the_limit_is_fine() {
    let page = render(&[(
        "t",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% else %}end{% endif %}{% endmacro %}{{ m(100) }}\
         {% for x in [[[[[]]]]] recursive %}<{{ loop(x) }}>{% endfor %}",
    )]);
    assert_eq!(page.expect("it is deep, not endless"), "end<<<<>>>>");
}

#[test]
fn values_that_hold_themselves() {
    for source in [
        "{% set l = [] %}{% set _ = l.append(l) %}{{ l }}",
        "{% set d = {} %}{% set _ = d.update(a=d) %}{{ d }}",
        "{% set l = [] %}{% set _ = l.append(l) %}{{ l | string }}{{ l is sequence }}",
        "{% set n = namespace() %}{% set n.n = n %}{{ n is mapping }}",
    ] {
        // Python prints `[[...]]`; what matters is that it ends.
        let page = render(&[("t", source)]);
        assert!(page.as_ref().is_ok_and(|page| page.len() < 100) || page.is_err(), "{source}: {page:?}");
    }
    for source in [
        "{% set l = [] %}{% set _ = l.append(l) %}{{ l == [l] }}{{ l == [[[1]]] }}",
        "{% set l = [] %}{% set _ = l.append(l) %}{% set k = [] %}{% set _ = k.append(k) %}{{ l == k }}",
        "{% set l = [] %}{% set _ = l.append(l) %}{{ l | tojson }}",
        "{% set l = [] %}{% set _ = l.append(l) %}{{ l | pprint }}",
        "{% set n = namespace(v=[]) %}{% for i in range(100000) %}{% set n.v = [n.v] %}{% endfor %}{{ n.v }}",
        "{% set n = namespace(v=[]) %}{% for i in range(100000) %}{% set n.v = [n.v] %}{% endfor %}{{ n.v | tojson }}",
        "{% set n = namespace(v=[], w=[]) %}{% for i in range(100000) %}{% set n.v = [n.v] %}{% set n.w = [n.w] %}{% endfor %}{{ n.v == n.w }}",
        "{% set n = namespace(v=[]) %}{% for i in range(100000) %}{% set n.v = [n.v] %}{% endfor %}{{ [n.v, n.v] | sort | length }}",
    ] {
        // Only that it ends, on this stack.
        let _ = render(&[("t", source)]);
    }
}

// ---- size --------------------------------------------------------------------------------------------------------

#[test]
fn fuel_ends_what_would_take_for_ever() {
    for source in [
        "{% for i in range(100000000) %}{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(100000000) if false %}{% endfor %}",
        "{% macro m() %}{% endmacro %}{% for i in range(100000000) %}{{ m() }}{% endfor %}",
    ] {
        let error = small_stack(move || {
            let mut environment = Environment::new();
            let mut limits = RenderLimits::default();
            limits.machine.fuel = 10_000;
            environment.set_limits(limits);
            environment.render_str(source, context! {}).expect_err("the fuel is used up")
        });
        assert_eq!(error.kind(), ErrorKind::Limit, "{source}: {}", error.report());
        assert_eq!(error.line(), Some(1), "{source}");
    }
}

/// Where a macro's or block's result is more than text, it runs on a machine of its own: out of the same fuel.
#[test]
fn machines_inside_one_another_share_the_fuel() {
    let turns = "{% for i in range(900) %}{% endfor %}";
    let nested = [
        format!(
            "{{% macro m() %}}{turns}{{% endmacro %}}{{% for i in range(50) %}}{{{{ m() }}}}{{% endfor %}}"
        ),
        format!("{{% extends 'p' %}}{{% block b %}}{}{{% endblock %}}", "{{ super() }}".repeat(50)),
        format!(
            "{{% macro m() %}}{turns}{{% endmacro %}}{{% for i in range(50) %}}{{% set x %}}{{{{ m() }}}}{{% endset %}}{{% endfor %}}"
        ),
    ];
    let ways: [fn(&mut Environment); 3] = [
        |environment| environment.set_finalize(|value: Value| value),
        |environment| environment.set_native_types(true),
        |_| {},
    ];
    for (source, way) in nested.iter().flat_map(|source| ways.iter().map(move |way| (source, way))) {
        let mut environment = Environment::new();
        let mut limits = RenderLimits::default();
        limits.machine.fuel = 10_000;
        environment.set_limits(limits);
        way(&mut environment);
        environment
            .add_template("p", &format!("{{% block b %}}{turns}{{% endblock %}}"))
            .expect("it compiles");
        let error = environment.render_str(source, context! {}).expect_err("the fuel is used up");
        assert_eq!(error.kind(), ErrorKind::Limit, "{source}: {}", error.report());
    }
}

#[test]
fn constants_in_one_another_are_looked_at_once() {
    // Forty levels of each: what doubled its work at a level would not end.
    let nests =
        ["([@] and 1)", "([@] == 1 or 1)", "([@] == [1])", "(1 if [@] else x)", "([@]|default(1) or {})"];
    for nest in nests {
        for innermost in ["1", "x"] {
            let nested = (0..40).fold(innermost.to_owned(), |inner, _| nest.replace('@', &inner));
            let source = format!("{{% autoescape y %}}{{{{ {nested} ~ 1 }}}}{{% endautoescape %}}");
            assert!(render(&[("t", &source)]).is_ok(), "{nest}");
        }
    }
}

#[test]
fn the_limit_of_the_output() {
    let mut environment = Environment::new();
    environment.set_limits(RenderLimits { output: 1000, ..RenderLimits::default() });
    assert_eq!(environment.render_str("{{ 'x' * 1000 }}", context! {}).expect("it fits").len(), 1000);
    for source in [
        "{{ 'x' * 1001 }}",
        "{% for i in range(1001) %}x{% endfor %}",
        "{% macro m(x) %}{{ x }}{{ x }}{% endmacro %}{% set n = namespace(x='x') %}{% for i in range(99) %}{% set n.x = m(n.x) %}{% endfor %}",
    ] {
        let error = environment.render_str(source, context! {}).expect_err(source);
        assert!(matches!(error.kind(), ErrorKind::Limit | ErrorKind::Memory), "{source}: {}", error.report());
    }
}

#[test]
fn what_would_be_too_large_is_an_error() {
    for source in [
        "{{ 'x' * 10 ** 10 }}",
        "{{ 10 ** 10 * 'x' }}",
        "{{ ['x'] * 10 ** 10 }}",
        "{{ (1, 2) * 10 ** 10 }}",
        "{{ 'x' * 10 ** 30 }}",
        "{{ 10 ** (10 ** 8) }}",
        "{{ (10 ** 10000) ** 10000 }}",
        "{{ 'x' | center(10 ** 11) }}",
        "{{ 'x' | indent(10 ** 11, first=true) }}",
        "{{ 'x'.ljust(10 ** 11) }}",
        "{{ 'x'.rjust(10 ** 11) }}",
        "{{ 'x'.zfill(10 ** 11) }}",
        "{{ '\t'.expandtabs(10 ** 11) }}",
        "{{ '%99999999999d' % 1 }}",
        "{{ '%.99999999999f' % 1 }}",
        "{{ '%*d' % (99999999999, 1) }}",
        "{{ '{:99999999999}'.format(1) }}",
        "{{ '{:.99999999999f}'.format(1.5) }}",
        "{{ [1] | batch(10 ** 11, 'x') | list }}",
        "{{ [1] | slice(10 ** 11) | list }}",
    ] {
        let error = render(&[("t", source)]).map(|page| page.len()).expect_err(source);
        let class = error.kind().class();
        let known = ["MemoryError", "OverflowError", "ValueError", "TemplateRuntimeError"];
        assert!(known.contains(&class), "{source}: {}", error.report());
    }
}

#[test]
fn what_grows_step_by_step_ends_at_the_limit() {
    for step in [
        "n.x ~ n.x",
        "n.x + n.x",
        "n.x * 2",
        "n.x | replace('x', 'xx')",
        "n.x | indent(n.x | length, first=true)",
        "(n.x | list + n.x | list) | join",
        "n.x | center((n.x | length) * 2)",
    ] {
        let error = small_stack(move || {
            let mut environment = Environment::new();
            environment.set_limits(RenderLimits { size: 10_000, ..RenderLimits::default() });
            let loops =
                "{% set n = namespace(x='xx') %}{% for i in range(60) %}{% set n.x = STEP %}{% endfor %}";
            let page = environment.render_str(&loops.replace("STEP", step), context! {});
            page.expect_err(step)
        });
        assert_eq!(error.kind(), ErrorKind::Memory, "{step}: {}", error.report());
    }
}

#[test]
fn lists_that_grow_end_at_the_limit() {
    for (start, step) in [("[1]", "n.x + n.x"), ("[1]", "n.x * 2"), ("(1,)", "n.x + n.x")] {
        let error = small_stack(move || {
            let mut environment = Environment::new();
            environment.set_limits(RenderLimits { size: 10_000, ..RenderLimits::default() });
            let page = format!(
                "{{% set n = namespace(x={start}) %}}{{% for i in range(20) %}}{{% set n.x = {step} %}}{{% endfor %}}"
            );
            environment.render_str(&page, context! {}).map(drop).expect_err(&page)
        });
        assert_eq!(error.kind(), ErrorKind::Memory, "{start} {step}: {}", error.report());
    }
}

#[test]
fn a_joined_text_ends_at_the_limit() {
    let mut environment = Environment::new();
    environment.set_limits(RenderLimits { size: 10_000, ..RenderLimits::default() });
    let source = "{% set n = namespace(x='xx') %}{% for i in range(30) %}{% set n.x = [n.x, n.x] | join %}{% endfor %}";
    let error =
        environment.render_str(source, context! {}).map(|page| page.len()).expect_err("it is too large");
    assert_eq!(error.kind(), ErrorKind::Memory, "{}", error.report());
}

#[test]
fn a_deep_key_is_an_error() {
    let deep = "{% set n = namespace(v=()) %}{% for i in range(100000) %}{% set n.v = (n.v,) %}{% endfor %}";
    for what in ["{n.v: 1}", "n.v in {1: 2}", "[n.v, n.v] | unique | list | length"] {
        fails(&format!("{deep}{{{{ {what} }}}}"), "RecursionError", "");
    }
}

// ---- data --------------------------------------------------------------------------------------------------------

struct Nested(usize, bool);

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = Nested(self.0.saturating_sub(1), self.1);
        if self.0 == 0 {
            serializer.serialize_unit()
        } else if self.1 {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry("k", &inner)?;
            map.end()
        } else {
            let mut list = serializer.serialize_seq(Some(1))?;
            list.serialize_element(&inner)?;
            list.end()
        }
    }
}

#[derive(Debug)]
struct Failing;

impl Serialize for Failing {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("this one does not serialize"))
    }
}

/// Says that it has more items than memory has bytes.
struct Liar;

impl Serialize for Liar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(usize::MAX))?;
        list.serialize_element(&1)?;
        list.end()
    }
}

#[test]
fn deep_data_is_an_error() {
    for maps in [false, true] {
        for depth in [10_000, 1_000_000] {
            let outcomes = small_stack(move || {
                let value = Value::from_serialize(&Nested(depth, maps)).map(drop);
                let page = Environment::new().render_str("", context! { data => Nested(depth, maps) });
                [value, page.map(drop)]
            });
            for outcome in outcomes {
                let error = outcome.expect_err("it is too deep");
                assert_eq!(error.kind(), ErrorKind::Recursion, "{}", error.report());
            }
        }
        let page = small_stack(move || {
            let value = Value::from_serialize(&Nested(50, maps)).expect("it is not too deep");
            Environment::new().render_str("{{ v }}", context! { v => value })
        });
        assert!(page.expect("it prints").len() > 100);
    }
}

#[test]
fn data_that_does_not_serialize() {
    let environment = Environment::new();
    for outcome in [
        environment.render_str("{{ a }}", context! { a => Failing }),
        environment.render_str("{{ a }}", context! { a => vec![Failing] }),
        environment.render_str("not used", context! { a => Some(Failing) }),
        Value::from_serialize(&Failing).map(|_| String::new()),
    ] {
        let error = outcome.expect_err("it does not serialize");
        assert!(error.message().contains("this one does not serialize"), "{}", error.report());
    }
    assert_eq!(environment.render_str("{{ a }}", context! { a => Liar }).expect("one item"), "[1]");
    for context in [Value::from(1), Value::from("text"), Value::from(vec![1, 2])] {
        let error = environment.render_str("", &context).expect_err("it is no mapping");
        assert!(error.message().contains("must be a mapping"), "{}", error.report());
    }
}

#[test]
fn numbers_of_serde_json() {
    let data: serde_json::Value =
        serde_json::from_str(r#"{"a": 1, "b": 1.5, "c": 100000000000000000000000, "d": [-2.5e3]}"#)
            .expect("JSON");
    let page = Environment::new().render_str("{{ a }} {{ b }} {{ c }} {{ d }}", &data);
    assert_eq!(page.expect("numbers"), "1 1.5 100000000000000000000000 [-2500.0]");
}

#[test]
fn a_render_holds_only_so_much() {
    let start = "{% set ns = namespace(x=[1] * 10, t='abcdefghij', n=2) %}{% for i in range(99) %}";
    for step in [
        "ns.x = ns.x + ns.x",
        "ns.x = ns.x * 2",
        "ns.x = ns.x|list + [1] * 1000",
        "ns.t = ns.t ~ ns.t",
        "ns.n = ns.n * ns.n",
    ] {
        let source = format!("{start}{{% set {step} %}}{{% endfor %}}");
        let error = small_stack(move || {
            let mut environment = Environment::new();
            environment.set_limits(RenderLimits { heap: 1 << 18, ..RenderLimits::default() });
            environment.render_str(&source, context! {})
        });
        let error = error.map(|page| page.len()).expect_err(step);
        assert_eq!(error.kind(), ErrorKind::Memory, "{step}: {}", error.report());
    }
    fails("{{ range(10 ** 8 + 1)|list }}", "MemoryError", "more than the limit");
}

#[test]
fn what_methods_add_is_counted() {
    for step in ["x.append(i)", "x.insert(i, i)", "x.extend([i])", "d.setdefault(i, i)", "d.update({i: i})"] {
        let source = format!(
            "{{% set x, d = [], {{}} %}}{{% for i in range(20000) %}}{{% set _ = {step} %}}{{% endfor %}}"
        );
        let mut environment = Environment::new();
        environment.set_limits(RenderLimits { heap: 1 << 18, ..RenderLimits::default() });
        let error = environment.render_str(&source, context! {}).expect_err(step);
        assert_eq!(error.kind(), ErrorKind::Memory, "{step}: {}", error.report());
    }
}

#[test]
fn what_looks_private_of_an_undefined_value_is_an_error() {
    fails("{{ u.__foo__ }}", "UndefinedError", "'u' is undefined");
}
