//! Modules: what templates export, called from Rust and from other templates.

use std::sync::{Arc, OnceLock};
use std::thread;

use haiden::{Environment, ErrorKind, Limits, Module, Object, RenderLimits, State, Value, context};

const FORMS: &str = "{% set kinds = ['text', 'number'] %}{% set state = namespace(n=0) %}
{%- macro field(name, kind='text') %}<{{ kind }} {{ name }} {{ prefix }}>{% endmacro %}
{%- macro next() %}{% set state.n = state.n + 1 %}{{ state.n }}{% endmacro %}
{%- macro remember(x) %}{% set _ = kinds.append(x ~ '!') %}{{ kinds|join(',') }}{% endmacro %}
{%- macro many(n) %}{% for i in range(n) %}{{ [i, 'x' ~ i]|string }}{% endfor %}{% endmacro %}
{%- macro rest() %}{{ varargs }}{{ kwargs }}{% endmacro %}
{%- macro outer(n) %}{{ field('o') }}{{ call_back(n) if n }}{% endmacro %}
{%- macro fails() %}{{ 1 // 0 }}{% endmacro %}body";

fn module_of(environment: &Environment, source: &str) -> Module {
    let template = environment.template_from_str(source).expect("a template");
    template.module(context! { prefix => "p" }).expect("a module")
}

fn forms() -> Module {
    module_of(&Environment::new(), FORMS)
}

#[track_caller]
fn check(module: &Module, name: &str, positional: &[Value], keywords: &[(&str, Value)], text: &str) {
    match module.call(name, positional, keywords) {
        Ok(value) => assert_eq!(value.to_string(), text, "{name}"),
        Err(error) => panic!("{name}: {error:?}"),
    }
}

#[test]
fn macros_are_called_with_arguments_of_both_kinds() {
    let forms = forms();
    check(&forms, "field", &["a".into()], &[], "<text a p>");
    check(&forms, "field", &[], &[("kind", "k".into()), ("name", "n".into())], "<k n p>");
    check(&forms, "rest", &[1.into(), Value::NONE], &[("k", vec![1, 2].into())], "(1, None){'k': [1, 2]}");
    check(&forms, "many", &[3.into()], &[], "[0, 'x0'][1, 'x1'][2, 'x2']");
    assert_eq!(forms.body(), "body");
    assert_eq!(forms.names().next(), Some("fails"));
    assert_eq!(forms.get("kinds").map(|kinds| kinds.to_string()), Some("['text', 'number']".to_owned()));
    assert_eq!(forms.exports()["field"].to_string(), "<Macro 'field'>");
    assert!(forms.get("prefix").is_none());
}

#[test]
fn what_is_wrong_is_an_error_with_its_place() {
    let forms = forms();
    let fails = |name: &str, positional: &[Value], kind: ErrorKind, message: &str, line: Option<u32>| {
        let error = forms.call(name, positional, &[]).expect_err(name);
        assert_eq!((error.kind(), error.message(), error.line()), (kind, message, line), "{name}");
    };
    let too_many = "macro 'field' takes not more than 2 argument(s)";
    fails("field", &[1.into(), 2.into(), 3.into()], ErrorKind::Type, too_many, None);
    fails("fails", &[], ErrorKind::ZeroDivision, "integer division or modulo by zero", Some(8));
    fails("kinds", &[], ErrorKind::Type, "'list' object is not callable", None);
    fails("nothing", &[], ErrorKind::Undefined, "the template <template> does not export 'nothing'", None);
    check(&forms, "field", &["a".into()], &[], "<text a p>");
}

#[test]
fn macros_share_what_their_module_has() {
    let forms = forms();
    for n in 1..=3 {
        check(&forms, "next", &[], &[], &n.to_string());
    }
    check(&forms, "remember", &["a".into()], &[], "text,number,a!");
    check(&forms.clone(), "remember", &["b".into()], &[], "text,number,a!,b!");
}

#[test]
fn calls_leave_nothing_behind_but_what_the_module_remembers() {
    let mut environment = Environment::new();
    environment.set_limits(RenderLimits { heap: 1 << 20, ..RenderLimits::default() });
    let forms = module_of(&environment, FORMS);
    for turn in 1..=60 {
        assert!(forms.call("many", &[1000.into()], &[]).expect("a text").len() > Some(10_000));
        check(&forms, "next", &[], &[], &turn.to_string());
        if turn % 20 == 0 {
            let text = forms.call("remember", &[turn.into()], &[]).expect("a text").to_string();
            assert!(text.ends_with(&format!("{turn}!")), "{text}");
        }
    }
    assert_eq!(
        forms.call("remember", &[0.into()], &[]).expect("a text").to_string(),
        "text,number,20!,40!,60!,0!"
    );
}

#[test]
fn each_call_has_its_own_fuel() {
    let mut environment = Environment::new();
    let limits =
        RenderLimits { machine: Limits { fuel: 1000, ..Limits::default() }, ..RenderLimits::default() };
    environment.set_limits(limits);
    let forms = module_of(&environment, FORMS);
    for _ in 0..5 {
        forms.call("many", &[400.into()], &[]).expect("fuel for one call");
    }
    assert_eq!(forms.call("many", &[2000.into()], &[]).expect_err("no fuel").kind(), ErrorKind::Limit);
    forms.call("many", &[400.into()], &[]).expect("fuel for one call");
}

#[test]
fn a_module_is_a_value_of_other_templates() {
    let mut environment = Environment::new();
    environment.set_autoescape(true);
    environment.add_global("forms", Value::from_object(forms()));
    environment.add_global("field", forms().get("field").expect("a macro"));
    let check = |source: &str, page: &str| match environment.render_str(source, context! {}) {
        Ok(made) => assert_eq!(made, page, "{source}"),
        Err(error) => panic!("{source}: {error:?}"),
    };
    check("{{ forms.field('a')|safe }} {{ forms.kinds[1] }} {{ forms }}", "<text a p> number body");
    check(
        "{{ field(name='a')|safe }} {{ field is callable }} {{ field.name }} {{ field.arguments }}",
        "<text a p> True field (&#39;name&#39;, &#39;kind&#39;)",
    );
    check(
        "{{ ['a', 'b']|map('upper')|list|length }} {{ forms.nothing is defined }} {{ forms.field is callable }}",
        "2 False True",
    );
    let error = environment.render_str("\n{{ forms.fields.x }}", context! {}).expect_err("undefined");
    assert_eq!((error.hint(), error.line()), (Some("did you mean `field`?"), Some(2)));
    assert_eq!(forms().attributes().len(), 9);
}

#[test]
fn macros_of_a_module_are_handed_what_lives_in_the_render_that_calls() {
    let source = "{% set state = namespace(n=0) %}{% macro box(title) %}{% set state.n = state.n + 1 %}[{{ state.n }} {{ title }} {{ prefix }}: {{ caller(2) if caller else '-' }}]{% endmacro %}
{%- macro twice(f) %}{{ f(1) }}{{ f(2) }}{% endmacro %}{% macro fails() %}{{ caller() }}{{ 1 // 0 }}{% endmacro %}";
    let module = module_of(&Environment::new(), source);
    let mut environment = Environment::new();
    environment.add_global("box", module.get("box").expect("a macro"));
    environment.add_global("m", Value::from_object(module));
    let check = |source: &str, page: &str| match environment.render_str(source, context! { x => 5 }) {
        Ok(made) => assert_eq!(made, page, "{source}"),
        Err(error) => panic!("{source}: {error:?}"),
    };
    check("{% call(n) m.box('a') %}{{ n }}{{ x }}{% endcall %}{{ m.box('b') }}", "[1 a p: 25][1 b p: -]");
    check(
        "{% for i in [1, 2] %}{% call(n) m.box(i) %}{{ i }}{% endcall %}{% call(n) box(title=i) %}{{ n }}{% endcall %}{% endfor %}",
        "[1 1 p: 1][2 1 p: 2][3 2 p: 2][4 2 p: 2]",
    );
    check(
        "{% macro f(n) %}<{{ n }}{{ x }}>{% endmacro %}{{ m.twice(f) }}{{ m.twice(m.twice) if false }}",
        "<15><25>",
    );
    check(
        "{% call(n) m.box('o') %}{% call(k) m.box('i') %}{{ n }}{{ k }}{% endcall %}{% endcall %}",
        "[1 o p: [2 i p: 22]]",
    );
    // A host that is kept gives up its guests with all that calls made.
    let source = "{% macro o(i) %}{% call(n) m.box(i) %}{{ n }}{{ 'x' * 5000 }}{% endcall %}{% endmacro %}";
    let outer = module_of(&environment, source);
    for turn in 0..60 {
        let text = outer.call("o", &[turn.into()], &[]).expect("a text").to_string();
        assert!(text.contains(&format!(" {turn} p: 2xxx")), "{text:.40}");
    }
    let error =
        environment.render_str("\n{% call m.fails() %}{% endcall %}", context! {}).expect_err("it fails");
    assert_eq!((error.kind(), error.trace().len()), (ErrorKind::ZeroDivision, 2));
}

#[test]
fn what_else_lives_in_a_module_is_used_from_outside() {
    let source = "{% set c = cycler('a', 'b') %}{% set j = joiner('-') %}{% set up = 'x'.upper %}{% macro m() %}<{{ caller(1) }}>{% endmacro %}";
    let module = module_of(&Environment::new(), source);
    let caller = Value::from_function(|n: i64| format!("called {n}"));
    check(&module, "m", &[], &[("caller", caller)], "<called 1>");
    check(&module, "up", &[], &[], "X");
    let mut environment = Environment::new();
    environment.add_global("m", Value::from_object(module));
    let page = environment.render_str("{{ m.c.next() }}{{ m.c.next() }}{{ m.c.current }} {{ m.j() }}{{ m.j() }} {{ m.up() }} {{ m.c.x is defined }}", context! {});
    assert_eq!(page.expect("a page"), "aba - X False");
}

#[test]
fn a_module_is_called_by_many_at_once_and_from_inside_of_itself() {
    let itself: Arc<OnceLock<Module>> = Arc::default();
    let known = itself.clone();
    let mut environment = Environment::new();
    environment.add_function("call_back", move |n: i64| {
        known.get().expect("the module").call("outer", &[(n - 1).into()], &[])
    });
    let forms = module_of(&environment, FORMS);
    itself.set(forms.clone()).expect("it is set once");
    check(&forms, "outer", &[3.into()], &[], "<text o p><text o p><text o p><text o p>");
    thread::scope(|scope| {
        for turn in 0..4 {
            let forms = &forms;
            scope.spawn(move || {
                for _ in 0..50 {
                    check(forms, "field", &[turn.into()], &[], &format!("<text {turn} p>"));
                }
            });
        }
    });
}

#[test]
fn functions_that_render_templates_may_nest() {
    let mut environment = Environment::new();
    environment.add_template("again", "{{ n }}{{ again(n - 1) if n else '' }}").expect("a template");
    environment.add_function("again", |state: &State<'_>, n: i64| {
        state.environment().get_template("again")?.render(context! { n })
    });
    let page = |n: i64| environment.get_template("again").expect("a template").render(context! { n });
    assert_eq!(page(3).expect("a page"), "3210");
    assert_eq!(page(100).expect("a page").len(), 193);
    let error = page(100_000).expect_err("too deep");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Recursion, "maximum recursion depth exceeded"));
}
