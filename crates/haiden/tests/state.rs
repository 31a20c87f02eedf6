//! What functions, filters and tests see of the render that calls them.

use haiden::{AutoEscape, Environment, Error, ErrorKind, KeywordArguments, Sandbox, State, Value, context};

fn environment() -> Environment {
    let mut environment = Environment::new();
    environment.set_autoescape(AutoEscape::by_extension());
    environment.add_global("shop", "Corner");
    environment.add_function("see", |state: &State<'_>, name: &str| state.lookup(name));
    environment.add_function("all", |state: &State<'_>| state.variables());
    environment.add_function("exported", |state: &State<'_>| state.exported_names().join(","));
    environment.add_function("here", |state: &State<'_>| state.template_name());
    environment.add_function("escaping", |state: &State<'_>| state.is_autoescape());
    environment.add_filter(
        "within",
        |state: &State<'_>, text: &str, name: String| -> Result<String, Error> {
            Ok(format!("{text} in {:?}", state.lookup(&name)?))
        },
    );
    environment.add_test("known", |name: &str, state: &State<'_>| -> Result<bool, Error> {
        Ok(state.lookup(name)?.is_some())
    });
    environment.add_filter(
        "many",
        |texts: Vec<&str>, state: &State<'_>, last: Option<&str>, keywords: KeywordArguments| {
            let unit = keywords.get("unit").map(ToString::to_string).unwrap_or_default();
            format!("{}{}{unit}{}", texts.join("+"), last.unwrap_or("."), state.is_autoescape())
        },
    );
    environment.add_function(
        "call",
        |state: &State<'_>, callee: Value, first: Value, named: KeywordArguments| {
            let named: Vec<(&str, Value)> = named.iter().map(|(name, value)| (name, value.clone())).collect();
            state.call(&callee, &[first], &named)
        },
    );
    let templates = [
        ("inner.html", "{{ here() }} {{ escaping() }} {{ see('n') }}"),
        ("base.txt", "{% block body %}{% endblock %}"),
        (
            "child.txt",
            "{% extends 'base.txt' %}{% set top = 1 %}{% block body %}{{ here() }} {{ see('top') }} {{ see('n') }}{% endblock %}",
        ),
        (
            "lib.txt",
            "{% set mine = 5 %}{% macro m() %}{{ see('mine') }} {{ see('n') }} {{ here() }}{% endmacro %}",
        ),
    ];
    for (name, source) in templates {
        environment.add_template(name, source).expect("a template");
    }
    environment
}

#[track_caller]
fn check(source: &str, page: &str) {
    let template = environment().template_from_named_str(Some("t.txt"), source).expect("a template");
    match template.render(context! { n => 3, text => "t" }) {
        Ok(made) => assert_eq!(made, page, "{source}"),
        Err(error) => panic!("{source}: {error:?}"),
    }
}

#[track_caller]
fn fails(source: &str, kind: ErrorKind, message: &str) {
    let error = environment().render_str(source, context! { n => 3 }).expect_err(source);
    assert_eq!((error.kind(), error.message()), (kind, message), "{source}");
}

#[test]
fn a_function_sees_what_the_template_sees_at_its_top_level() {
    check(
        "{{ see('n') }} {{ see('shop') }} {{ see('nobody') }} {{ see('range') is none }}",
        "3 Corner None False",
    );
    check("{% set n = 4 %}{{ see('n') }}{{ all() }}", "4{'n': 4, 'text': 't'}");
    check("{% for n in [9] %}{{ see('n') }}{% set m = 1 %}{{ see('m') }}{% endfor %}", "3None");
    check("{% macro f(n) %}{{ see('n') }}{% endmacro %}{{ f(8) }}", "3");
    check("{% set a = 1 %}{% set _b = 2 %}{{ exported() }}", "a");
}

#[test]
fn the_state_is_that_of_the_template_that_calls() {
    check(
        "{{ here() }} {{ escaping() }}; {% include 'inner.html' %}; {{ here() }}",
        "t.txt False; inner.html True 3; t.txt",
    );
    check("{% include 'child.txt' %}", "child.txt 1 3");
    check("{% import 'lib.txt' as lib %}{{ lib.m() }}", "5 None lib.txt");
    check("{% import 'lib.txt' as lib with context %}{{ lib.m() }}", "5 3 lib.txt");
    check("{% autoescape true %}{{ escaping() }}{% endautoescape %}{{ escaping() }}", "TrueFalse");
}

#[test]
fn filters_and_tests_have_it_too_wherever_they_are_named() {
    check("{{ 'a'|within('n') }} {{ text|within('text') }}", "a in Some(3) t in Some('t')");
    check("{{ ['a', 'b']|map('within', 'n')|join(' ') }}", "a in Some(3) b in Some(3)");
    check("{{ 'n' is known }} {{ 'm' is known }} {{ ['n', 'm']|select('known')|list }}", "True False ['n']");
    check("{{ ['a', 'b']|many }} {{ ['a']|many('!', unit='EUR') }}", "a+b.false a!EURfalse");
    let mut environment = environment();
    environment.set_finalize(|state: &State<'_>, value: Value| {
        format!("{value}{}", state.template_name().unwrap_or_default())
    });
    assert_eq!(
        environment.get_template("child.txt").unwrap().render(context! {}).unwrap(),
        "child.txtchild.txt 1child.txt Nonechild.txt"
    );
}

#[test]
fn the_state_is_no_argument() {
    fails("{{ see() }}", ErrorKind::Type, "see() is missing argument 1");
    fails("{{ see('a', 'b') }}", ErrorKind::Type, "see() takes 1 positional argument but 2 were given");
    fails("{{ see(1) }}", ErrorKind::Type, "see() argument 1 must be text, not int");
    fails("{{ 'x'|within }}", ErrorKind::Type, "within() is missing argument 2");
    fails("{{ see(name='a') }}", ErrorKind::Type, "see() got an unexpected keyword argument 'name'");
}

#[test]
fn functions_call_what_they_are_given() {
    check("{{ call(see, 'n') }}", "3");
    check("{{ call(range, 2)|list }}{{ call(dict, {}, a=n) }}", "[0, 1]{'a': 3}");
    fails("{{ call(1, 2) }}", ErrorKind::Type, "'int' object is not callable");
    fails("{{ call(see, 1) }}", ErrorKind::Type, "see() argument 1 must be text, not int");
    fails("{{ call(nobody, 1) }}", ErrorKind::Undefined, "'nobody' is undefined");
    let mut sandboxed = environment();
    sandboxed.set_sandbox(Some(Sandbox::default()));
    assert_eq!(sandboxed.render_str("{{ call(see, 'n') }}", context! { n => 1 }).unwrap(), "1");
}

#[test]
fn the_environment_renders_other_templates_meanwhile() {
    let mut environment = environment();
    environment.add_function("render", |state: &State<'_>, name: &str, n: i64| -> Result<String, Error> {
        state.environment().get_template(name)?.render(context! { n })
    });
    let page = environment
        .render_str("{{ see('n') }} {{ render('inner.html', 5) }} {{ see('n') }}", context! { n => 3 });
    assert_eq!(page.unwrap(), "3 inner.html True 5 3");
}
