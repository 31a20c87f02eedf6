//! Translations and policies through the public API.

use haiden::{Environment, GettextStyle, JsonOptions, Policies, Translations, Value, context};

struct German;

impl Translations for German {
    fn gettext(&self, message: &str) -> Option<String> {
        match message {
            "Hello %(name)s <b>!" => Some("Hallo %(name)s <b>!".to_owned()),
            "yes" => Some("ja".to_owned()),
            _ => None,
        }
    }
    fn ngettext(&self, singular: &str, _: &str, n: i64) -> Option<String> {
        (singular == "%(num)s tree").then(|| if n == 1 { "%(num)s Baum" } else { "%(num)s Bäume" }.to_owned())
    }
    fn pgettext(&self, context: &str, message: &str) -> Option<String> {
        (context == "month" && message == "May").then(|| "Mai".to_owned())
    }
    fn npgettext(&self, context: &str, _: &str, _: &str, n: i64) -> Option<String> {
        Some(format!("{context}:{n}"))
    }
}

#[track_caller]
fn check(style: GettextStyle, autoescape: bool, template: &str, expected: &str) {
    let mut environment = Environment::new();
    environment.install_translations(German, style);
    environment.set_autoescape(autoescape);
    let page = environment.render_str(template, context! { name => "A&B", n => 3 });
    assert_eq!(page.expect("a page"), expected, "{template}");
}

#[test]
fn both_styles_translate() {
    for style in [GettextStyle::Old, GettextStyle::New] {
        check(style, false, "{% trans %}Hello {{ name }} <b>!{% endtrans %}", "Hallo A&B <b>!");
        check(style, true, "{% trans %}Hello {{ name }} <b>!{% endtrans %}", "Hallo A&amp;B <b>!");
        check(
            style,
            false,
            "{% trans num=n %}{{ num }} tree{% pluralize %}{{ num }} trees{% endtrans %}",
            "3 Bäume",
        );
        check(
            style,
            false,
            "{% trans num=1 %}{{ num }} tree{% pluralize %}{{ num }} trees{% endtrans %}",
            "1 Baum",
        );
        check(style, false, "{% trans 'month' %}May{% endtrans %}{% trans %}May{% endtrans %}", "MaiMay");
        check(style, false, "{{ _('yes') }}{{ gettext('no') }}", "jano");
        check(style, false, "{{ npgettext('c', 'a', 'b', 2) }}", "c:2");
    }
    check(GettextStyle::Old, true, "{{ gettext('<b>') }}", "&lt;b&gt;");
    check(GettextStyle::New, true, "{{ gettext('<b>%(x)s', x='<') }}", "<b>&lt;");
}

#[test]
fn the_alias_calls_the_gettext_of_its_context() {
    let template = "{% macro gettext(m) %}[{{ m }}]{% endmacro %}{{ _('x') }}";
    check(GettextStyle::Old, false, template, "[x]");
}

#[track_caller]
fn check_policies(policies: Policies, template: &str, expected: &str) {
    let mut environment = Environment::new();
    environment.set_policies(policies);
    assert_eq!(environment.render_str(template, context! {}).expect("a page"), expected, "{template}");
}

#[test]
fn policies_reach_their_filters() {
    let plain = Policies::default;
    let json = |options| Policies { json_dumps_kwargs: options, ..plain() };
    check_policies(
        Policies { urlize_rel: None, urlize_target: Some("_top".into()), ..plain() },
        "{{ 'http://a.org'|urlize }}",
        "<a href=\"http://a.org\" target=\"_top\">http://a.org</a>",
    );
    check_policies(
        Policies { urlize_extra_schemes: vec!["tel:".into()], ..plain() },
        "{{ 'tel:1'|urlize }}",
        "<a href=\"tel:1\" rel=\"noopener\">tel:1</a>",
    );
    check_policies(
        json(JsonOptions {
            ensure_ascii: false,
            separators: Some((",".into(), ":".into())),
            ..JsonOptions::default()
        }),
        "{{ {'b': ['ä\\n', '<'], 'a': 1}|tojson }}",
        r#"{"a":1,"b":["ä\n","\u003c"]}"#,
    );
    check_policies(
        json(JsonOptions { indent: Some(" ".into()), ..JsonOptions::default() }),
        "{{ [1]|tojson }}",
        "[\n 1\n]",
    );
    check_policies(
        Policies {
            json_dumps_function: Some(std::sync::Arc::new(|value: &Value, _| Ok(format!("<{value}>")))),
            ..plain()
        },
        "{{ 5|tojson }}",
        "\\u003c5\\u003e",
    );
}
