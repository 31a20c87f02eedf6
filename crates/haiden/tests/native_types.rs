//! Native types and `finalize` through the public API.

use haiden::{Environment, UndefinedKind, Value, context};

fn native() -> Environment {
    let mut environment = Environment::new();
    environment.set_native_types(true);
    environment
}

#[track_caller]
fn check_in(environment: &Environment, template: &str, repr: &str) {
    let template_ = environment.template_from_str(template).expect("a template");
    let value =
        template_.render_native(context! { n => 5, text => "5", items => vec![1, 2], none => Value::NONE });
    assert_eq!(format!("{:?}", value.expect("a value")), repr, "{template}");
}

#[test]
fn a_page_of_one_value_is_the_value() {
    let environment = native();
    for (template, repr) in [
        ("{{ items }}", "[1, 2]"),
        ("{{ n }}{{ n }}", "55"),
        ("{{ n }}.{{ n }}", "5.5"),
        ("{{ text }}", "5"),
        ("{{ n }} apples", "'5 apples'"),
        ("{{ none }}", "None"),
        ("", "None"),
        ("{% for i in items %}{{ i }}{% endfor %}", "12"),
        ("{% for i in items %}{{ i }},{% endfor %}", "(1, 2)"),
        ("{% macro m() %}{{ items }}{% endmacro %}{{ m() }}", "[1, 2]"),
        ("{% macro m() %}{{ items }}{% endmacro %}{{ m()[1] + 1 }}", "3"),
        ("{% set x %}{{ items }}{% endset %}{{ x|sum }}", "3"),
        ("{% set x %}[{{ n }}, 'a']{% endset %}{{ x }}", "[5, 'a']"),
        ("{% block b %}{{ n }}{% endblock %}{% if false %}{{ self.b() }}{% endif %}", "5"),
        ("{% block b %}{% endblock %}{{ self.b() is none }}", "True"),
        ("{{ u }}", "Undefined"),
        ("{{ u }}x", "'x'"),
        ("{{ {'a': [items, (1,)]} }}", "{'a': [[1, 2], (1,)]}"),
        ("{{ {1: 2} }}{{ '' }}", "{1: 2}"),
        ("{% raw %}{1}{% endraw %}", "'{1}'"),
        ("{{ '<b>'|e }}", "'&lt;b&gt;'"),
        // To Python, blanks at the end of a last line are an indentation.
        ("{}\n{{ '' }}", "{}"),
        ("{% raw %}{}\n {% endraw %}", "'{}\\n '"),
        ("{% raw %}{}\n \n\n{% endraw %}", "{}"),
        ("{% raw %}{}  {% endraw %}", "{}"),
        // A recursive loop prints one value.
        ("{% for x in [] recursive %}{% endfor %}-", "'None-'"),
        ("{% for x in [7] recursive %}{{ x }}{% endfor %}", "7"),
        ("{% for x in [[7], 1] recursive %}{{ loop(x) if x is sequence else x }}{% endfor %}", "71"),
    ] {
        check_in(&environment, template, repr);
    }
}

#[test]
fn bytes_leave_as_bytes_and_come_back() {
    let mut environment = native();
    for (template, repr) in [
        ("{{ 'é'.encode() }}", r"b'\xc3\xa9'"),
        ("{{ [n.to_bytes(2), (text.encode(),)] }}", r"[b'\x00\x05', (b'5',)]"),
        (r"{{ 'b' }}{{ '\'a\\x00\'' }}", r"b'a\x00'"),
        ("{% set x %}b'5'{% endset %}{{ x.decode() ~ x[0] }}", "553"),
    ] {
        check_in(&environment, template, repr);
    }
    let template = environment.template_from_str("{{ text.encode('latin-1') }}").expect("a template");
    let bytes = template.render_native(context! { text => "é" }).expect("bytes");
    assert_eq!(bytes.as_bytes(), Some(&[0xE9][..]));
    assert_eq!(bytes.deserialize_into::<Vec<u8>>().expect("a vector"), [0xE9]);
    assert_eq!(serde_json::to_string(&bytes).expect("JSON"), "[233]");
    // In a render they are what they were, also in a list.
    environment.add_function("echo", |value: Value| value);
    for (source, repr) in [
        ("{{ b.decode('latin-1') }}", "'é'"),
        ("{{ [b][0].hex() ~ (b + b)|length }}", "'e92'"),
        ("{{ echo(b) == b and 233 in [echo(b)][0] }}", "True"),
        ("{{ {b: 1}[b] }}", "1"),
    ] {
        let template = environment.template_from_str(source).expect("a template");
        let value = template.render_native(context! { b => bytes.clone() }).expect("a value");
        assert_eq!(format!("{value:?}"), repr, "{source}");
    }
}

#[test]
fn nothing_is_escaped_and_text_stays_text() {
    let mut environment = native();
    environment.set_autoescape(true);
    check_in(&environment, "{{ '<' }}{{ text }}", "'<5'");
    environment.set_undefined(UndefinedKind::Strict);
    check_in(&environment, "{{ u }}", "Undefined");
    let template = environment.template_from_str("{{ u }}{{ u }}").expect("a template");
    assert_eq!(template.render_native(context! {}).expect_err("strict").message(), "'u' is undefined");
    let plain = Environment::new().template_from_str("{{ [1] }}").expect("a template");
    assert_eq!(format!("{:?}", plain.render_native(context! {}).expect("text")), "'[1]'");
}

#[test]
fn finalize_sees_what_is_printed() {
    let mut environment = Environment::new();
    environment.set_finalize(|value: Value| if value.is_none() { Value::from("-") } else { value });
    let page = |source: &str| environment.render_str(source, context! { x => Value::NONE }).expect("a page");
    assert_eq!(page("None{{ x }}{{ none }}{{ 5 }}{{ x ~ 'a' }}"), "None--5Nonea");
    assert_eq!(
        page("{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% set y %}{{ none }}{% endset %}{{ y }}"),
        "--"
    );
    environment.set_autoescape(true);
    environment.set_finalize(|value: Value| Value::from(format!("<{value}>")));
    let page =
        |source: &str| environment.render_str(source, context! { v => "<v>", flag => true }).expect("a page");
    // A constant is escaped before, and what becomes of it is not.
    assert_eq!(page("{{ 1 }}{{ '<a>' }}<{{ v }}"), "<1><&lt;a&gt;><&lt;&lt;v&gt;&gt;");
    // Where escaping is not known yet, text of the template is a value; what a filter makes of a block is none.
    assert_eq!(
        page(
            "{% autoescape flag %}{{ '<a>' }}t{% endautoescape %}{% filter upper %}t{{ 'a' }}{% endfilter %}"
        ),
        "<&lt;a&gt;>&lt;t&gt;T<A>"
    );
}
