//! Who alone gets the value of an attribute: the image says it where it is a filter with one argument, or a test without.

use haiden_compiler::{Options, compile};

/// Of each attribute: its name, and the filter or test that alone gets its value.
#[track_caller]
fn check(source: &str, expected: &[(&str, Option<&str>)]) {
    let image = compile(source, &Options::default()).expect("the template is right");
    let references: Vec<_> = image.filters().iter().chain(image.tests()).collect();
    let sites = image.sites().map(|site| {
        let reader = (site.reader as usize).checked_sub(1).map(|place| image.name(references[place].name));
        (image.name(site.name), reader)
    });
    assert_eq!(sites.collect::<Vec<_>>(), expected, "{source}");
}

#[test]
fn filters_with_an_argument() {
    check(r#"{{ x.y|default("z") }}"#, &[("y", Some("default"))]);
    check("{% set a = x.y|default(1) %}{{ a }}", &[("y", Some("default"))]);
    check("{{ x.y|upper }}{{ x.y|default }}", &[("y", None), ("y", None)]);
    check("{{ x.y|default(x.z) }}", &[("y", None), ("z", None)]);
    check("{{ x.y|default(default_value=1) }}", &[("y", None)]);
}

#[test]
fn tests_without_arguments() {
    check(
        "{% if x.y is defined and x.z is not none %}{% endif %}",
        &[("y", Some("defined")), ("z", Some("none"))],
    );
    check("{{ x.y|join(1) }}{{ x.y is even }}", &[("y", Some("join")), ("y", Some("even"))]);
    check("{{ x.y is divisibleby(3) }}", &[("y", None)]);
}

#[test]
fn values_that_others_get_too() {
    check("{% set a = x.y %}{{ a|default(1) }}", &[("y", None)]);
    check("{{ x.y }}{{ x.y.z|default(1) }}", &[("y", None), ("y", None), ("z", Some("default"))]);
}
