//! The sandbox through the public API: rules, policies, intercepted operators.

use haiden::{Environment, Error, ErrorKind, Object, Sandbox, SandboxPolicy, Value, context};

#[derive(Debug)]
struct Door;

impl Object for Door {
    fn get_attr(&self, name: &str) -> Option<Value> {
        matches!(name, "color" | "_key").then(|| Value::from("red"))
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(name, "open" | "destroy")
    }
    fn call_method(&self, name: &str, _: &[Value], _: &[(&str, Value)]) -> Result<Value, Error> {
        Ok(Value::from(name))
    }
    fn is_safe_to_call(&self, method: Option<&str>) -> bool {
        method != Some("destroy")
    }
}

struct Rules;

impl SandboxPolicy for Rules {
    fn is_safe_attribute(&self, object: &Value, name: &str) -> bool {
        !(name == "upper" && object.as_str() == Some("quiet"))
    }
    fn is_safe_callable(&self, callable: &Value) -> bool {
        callable.as_str() != Some("title")
    }
    fn binary(&self, operator: &str, left: &Value, right: &Value) -> Option<Result<Value, Error>> {
        match operator {
            "**" => Some(Err(Error::new(ErrorKind::Security, format!("{left} ** {right} is too much")))),
            "+" => Some(Ok(Value::from(format!("{left} and {right}")))),
            _ => None,
        }
    }
    fn unary(&self, operator: &str, value: &Value) -> Option<Result<Value, Error>> {
        Some(Ok(Value::from(format!("{operator}({value})"))))
    }
}

fn render(sandbox: Sandbox, template: &str) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_sandbox(Some(sandbox));
    environment.render_str(
        template,
        context! { door => Value::from_object(Door), items => vec![1], text => "quiet" },
    )
}

#[track_caller]
fn check(sandbox: Sandbox, template: &str, expected: &str) {
    assert_eq!(render(sandbox, template).expect("a page"), expected, "{template}");
}

#[track_caller]
fn refused(sandbox: Sandbox, template: &str, message: &str) {
    let error = render(sandbox, template).expect_err("the sandbox refuses");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Security, message), "{template}");
}

#[test]
fn attributes_with_an_underscore_are_out_of_reach() {
    check(
        Sandbox::new(),
        "{{ door.color }}|{{ door._key }}|{{ door['_key'] }}|{{ {'_a': 1}._a }}",
        "red||| 1".replace(' ', "").as_str(),
    );
    let unsafe_key = "access to attribute '_key' of 'object' object is unsafe.";
    refused(Sandbox::new(), "{{ door._key.x }}", unsafe_key);
    refused(Sandbox::new(), "{{ '{0._key.x}'.format(door) }}", unsafe_key);
    refused(
        Sandbox::new(),
        "{{ [].__len__() }}",
        "access to attribute '__len__' of 'list' object is unsafe.",
    );
    refused(
        Sandbox::new(),
        "{% set ns = namespace(_a=1) %}{{ ns._a + 1 }}",
        "access to attribute '_a' of 'Namespace' object is unsafe.",
    );
}

#[test]
fn objects_say_what_may_be_called() {
    check(Sandbox::new(), "{{ door.open() }}", "open");
    assert_eq!(
        render(Sandbox::new(), "{{ door.destroy() }}").expect_err("unsafe").kind(),
        ErrorKind::Security
    );
}

#[test]
fn immutable_sandboxes_keep_lists_and_dicts() {
    check(Sandbox::new(), "{{ items.append(2) }}{{ items }}", "None[1, 2]");
    refused(
        Sandbox::immutable(),
        "{{ items.append(2) }}",
        "access to attribute 'append' of 'list' object is unsafe.",
    );
    refused(
        Sandbox::immutable(),
        "{% set f = {}.update %}{{ f({}) }}",
        "access to attribute 'update' of 'dict' object is unsafe.",
    );
    refused(
        Sandbox::immutable(),
        "{{ (items|attr('clear'))() }}",
        "access to attribute 'clear' of 'list' object is unsafe.",
    );
    check(Sandbox::immutable(), "{{ items.copy() }}{{ {'pop': 1}['pop'] }}", "[1]1");
}

#[test]
fn policies_decide_too() {
    let rules = || Sandbox::new().policy(Rules);
    check(rules(), "{{ 'loud'.upper() }}", "LOUD");
    refused(rules(), "{{ text.upper() }}", "access to attribute 'upper' of 'str' object is unsafe.");
    assert_eq!(render(rules(), "{{ text.title() }}").expect_err("unsafe").kind(), ErrorKind::Security);
}

#[test]
fn only_intercepted_operators_reach_the_policy() {
    let rules = || Sandbox::new().policy(Rules);
    check(rules(), "{{ 2 ** 3 }} {{ 1 + 1 }} {{ -1 }}", "8 2 -1");
    refused(rules().intercept("**"), "{{ 2 ** 3 }}", "2 ** 3 is too much");
    check(
        rules().intercept("+").intercept("*").intercept_unary("-"),
        "{{ 1 + 1 }} {{ 2 * 3 }} {{ -items[0] }} {{ +1 }}",
        "1 and 1 6 -(1) 1",
    );
}

#[test]
fn formatting_methods_show_as_the_functions_that_guard_them() {
    check(Sandbox::new(), "{{ 'x'.format }}", "<function str.format>");
    check(Sandbox::new(), "{{ ['x'['format_map']] }}", "[<function str.format_map>]");
    check(Sandbox::new(), "{{ ('x'|safe).format }}", "<function Markup.format>");
    check(Sandbox::new(), "{{ 'x'.upper }}", "<built-in method upper of str object>");
}

#[test]
fn ranges_are_short() {
    let error = render(Sandbox::new().max_range(3), "{{ range(4)|list }}").expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::Overflow);
    check(Sandbox::new().max_range(3), "{{ range(3)|list }}", "[0, 1, 2]");
}

#[test]
fn images_of_other_sandboxes_are_refused() {
    let plain = Environment::new();
    let image = plain.compile_to_image(None, "{{ 2 ** 3 }}").expect("an image");
    let mut environment = Environment::new();
    environment.set_sandbox(Some(Sandbox::new().policy(Rules).intercept("**")));
    assert_eq!(
        environment.load_image(None, &image).map(drop).expect_err("other options").kind(),
        ErrorKind::Bytecode
    );
}
