//! Macros in the hands of Rust: called by the functions that they are given to, and those of a module.

use haiden::{Environment, Error, ErrorKind, KeywordArguments, State, Value, context};

fn environment() -> Environment {
    let mut environment = Environment::new();
    environment.add_function(
        "call",
        |state: &State<'_>, callee: &Value, first: Option<Value>, named: &KeywordArguments| {
            let named: Vec<(&str, Value)> = named.iter().map(|(name, value)| (name, value.clone())).collect();
            state.call(callee, first.as_slice(), &named)
        },
    );
    environment.add_function(
        "panel",
        |state: &State<'_>, title: &str, named: &KeywordArguments| -> Result<Value, Error> {
            let body = match named.get("caller") {
                Some(caller) if named.get("plain").is_some() => state.call(caller, &[], &[])?,
                Some(caller) => state.call(caller, &[title.into()], &[])?,
                None => Value::from("empty"),
            };
            Ok(Value::from_safe_string(format!("[{title}: {body}]")))
        },
    );
    environment.add_function("again", |state: &State<'_>, callee: &Value, n: i64| {
        if n == 0 { Ok(Value::from("end")) } else { state.call(callee, &[(n - 1).into()], &[]) }
    });
    environment.add_filter("same", |value: Value| value);
    environment.add_filter(
        "all",
        |state: &State<'_>, callees: Vec<Value>, argument: Value| -> Result<Vec<Value>, Error> {
            callees.iter().map(|callee| state.call(callee, std::slice::from_ref(&argument), &[])).collect()
        },
    );
    environment
}

#[track_caller]
fn check(source: &str, page: &str) {
    match environment().render_str(source, context! { n => 3 }) {
        Ok(made) => assert_eq!(made, page, "{source}"),
        Err(error) => panic!("{source}: {error:?}"),
    }
}

#[track_caller]
fn fails(source: &str, kind: ErrorKind, message: &str) {
    match environment().render_str(source, context! { n => 3 }) {
        Ok(page) => panic!("{source}: {page}"),
        Err(error) => assert_eq!((error.kind(), error.message()), (kind, message), "{source}"),
    }
}

const M: &str = "{% macro m(a, b=2) %}{{ a }}+{{ b }}={{ n }}{% endmacro %}";

#[test]
fn a_function_calls_the_macro_that_it_is_given() {
    check(
        &format!("{M}{{{{ call(m, 1) }}}} {{{{ call(m, 1, b=5) }}}} {{{{ call(m) }}}}"),
        "1+2=3 1+5=3 +2=3",
    );
    check(
        "{% for x in [1, 2] %}{% macro m(a) %}{{ x }}{{ a }}{% endmacro %}{{ call(m, '!') }}{% endfor %}",
        "1!2!",
    );
    check(
        "{% autoescape true %}{% macro m(a) %}<{{ a }}>{% endmacro %}{{ call(m, '&') }}{% endautoescape %}",
        "<&amp;>",
    );
    check("{% macro m(a) %}{{ a }}{{ caller('x') }}{% endmacro %}{{ [m, m]|map('same')|list|length }}", "2");
    check(&format!("{M}{{{{ [m, 'a'.join, {{}}.get]|all('x') }}}}"), "['x+2=3', 'x', None]");
    fails(
        &format!("{M}{{{{ call(m, 1, c=5) }}}}"),
        ErrorKind::Type,
        "macro 'm' takes no keyword argument 'c'",
    );
    fails(
        "{% macro m() %}{{ 1 // 0 }}{% endmacro %}{{ call(m) }}",
        ErrorKind::ZeroDivision,
        "integer division or modulo by zero",
    );
}

#[test]
fn other_values_that_live_in_the_render_are_called_too() {
    check("{{ call('-'.join, ['a', 'b']) }} {{ call(joiner()) }}{{ call({'a': 1}.get, 'a') }}", "a-b 1");
    check("{% block b %}x{% endblock %}{{ call(self.b) }}", "xx");
    check(
        "{% for x in [[1, []], [2, []]] recursive %}{{ x[0] if x else '' }}{{ loop.cycle is callable }} {% endfor %}",
        "1True 2True ",
    );
}

#[test]
fn a_call_block_gives_its_body_to_a_function() {
    check("{% call panel('a', plain=1) %}body{% endcall %}", "[a: body]");
    check(
        "{% call(title) panel('a') %}<{{ title }}{{ n }}>{% endcall %}{{ panel('b') }}",
        "[a: <a3>][b: empty]",
    );
    check(
        "{% call(t) panel('a') %}{% call panel('b', plain=1) %}{{ n }}{% endcall %}{% endcall %}",
        "[a: [b: 3]]",
    );
}

#[test]
fn a_macro_that_comes_back_is_what_it_was() {
    check(
        &format!(
            "{M}{{% set f = m|same %}}{{{{ f(1) }}}} {{{{ f.name }}}} {{{{ f is sameas m }}}} {{{{ f is callable }}}}"
        ),
        "1+2=3 m True True",
    );
    check(&format!("{M}{{{{ [m]|same|first }}}} {{{{ call(([m]|same)[0], 1) }}}}"), "<Macro 'm'> 1+2=3");
    check(
        &format!("{M}{{% set fs = [m]|same %}}{{{{ fs[0](4) }}}} {{{{ fs[0] is callable }}}}"),
        "4+2=3 True",
    );
}

#[test]
fn a_macro_of_another_render_is_only_its_text() {
    let environment = environment();
    let template = environment.template_from_str(&format!("{M}{{% set all = [m] %}}")).expect("a template");
    let all = template.module(context! {}).expect("a module").get("all").expect("a list");
    let page = environment.render_str("{{ all[0] }}", context! { all => all });
    assert_eq!(page.expect("a page"), "<Macro 'm'>");
    let error = environment.render_str("{{ all[0]() }}", context! { all => all }).expect_err("no macro");
    assert_eq!(error.message(), "<Macro 'm'> can be called only while its template runs: State::call");
}

#[test]
fn calls_nest_as_deep_as_frames_may() {
    let nested = "{% macro m(n) %}{{ again(m, n) }}{% endmacro %}{{ m(depth) }}";
    let page = |depth: i64| environment().render_str(nested, context! { depth });
    assert_eq!(page(10).expect("a page"), "end");
    assert_eq!(page(200).expect("a page"), "end");
    let error = page(100_000).expect_err("too deep");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Recursion, "maximum recursion depth exceeded"));
}
