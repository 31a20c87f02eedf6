//! What a source needs, of every recorded source: undeclared variables and referenced templates.

use haiden::{Environment, Extensions, GettextStyle, NullTranslations};
use haiden_testkit::conformance::root;
use serde_json::Value as Json;

/// The recorded names, sorted.
fn names(recorded: &Json) -> Vec<Option<String>> {
    let items = recorded.as_array().into_iter().flatten();
    items.map(|name| name.as_str().map(str::to_owned)).collect()
}

fn environment(options: &Json) -> Option<Environment> {
    let mut environment = Environment::new();
    let options = options.as_object()?;
    for (option, value) in options {
        match option.as_str() {
            "trim_blocks" => environment.set_trim_blocks(value.as_bool()?),
            "lstrip_blocks" => environment.set_lstrip_blocks(value.as_bool()?),
            "keep_trailing_newline" => environment.set_keep_trailing_newline(value.as_bool()?),
            "extensions" => {
                environment
                    .add_extensions(Extensions::DO.with(Extensions::LOOP_CONTROLS).with(Extensions::DEBUG));
                // The recordings have it with translations.
                environment.install_translations(NullTranslations, GettextStyle::Old);
            }
            _ => return None,
        }
    }
    Some(environment)
}

#[test]
fn recorded_sources_need_what_jinja2_says() {
    let text = std::fs::read_to_string(root().join("corpus/syntax/lex_parse.json")).expect("the corpus");
    let cases: Vec<Json> = serde_json::from_str(&text).expect("a list");
    let mut seen = (0, 0);
    for case in &cases {
        let source = case["template"].as_str().expect("a template");
        let Some(environment) = environment(&case["options"]) else { continue };
        if case.get("referenced").is_some() {
            let found = environment.referenced_templates(source).expect("it parses");
            assert_eq!(found, names(&case["referenced"]), "{source}");
            seen.0 += 1;
        }
        if case.get("undeclared").is_some() {
            let found: Vec<Option<String>> = environment
                .undeclared_variables(source)
                .expect("it compiles")
                .into_iter()
                .map(Some)
                .collect();
            let mut expected = names(&case["undeclared"]);
            expected.sort();
            assert_eq!(found, expected, "{source}");
            seen.1 += 1;
        }
    }
    assert!(seen.0 > 300 && seen.1 > 300, "{seen:?}");
}

#[test]
fn messages_are_extracted_as_jinja2_extracts_them() {
    let mut environment = Environment::new();
    environment.add_extensions(Extensions::I18N);
    let source = "{{ gettext('Hello World') }}\n{% trans %}Hello World{% endtrans %}\n\
                  {% trans %}{{ users }} user{% pluralize %}{{ users }} users{% endtrans %}\n\
                  {{ _('a' ~ b) }}{{ other('x') }}{{ _('x', y, z=1, *s, **k) }}";
    let found = environment.extract_translations(source, &haiden::GETTEXT_FUNCTIONS).expect("messages");
    let shown: Vec<String> = found
        .iter()
        .map(|message| format!("{} {} {:?}", message.line, message.function, message.arguments))
        .collect();
    assert_eq!(
        shown,
        [
            r#"1 gettext [Some("Hello World")]"#,
            r#"2 gettext [Some("Hello World")]"#,
            r#"3 ngettext [Some("%(users)s user"), Some("%(users)s users"), None]"#,
            r"4 _ [None]",
            r#"4 _ [Some("x"), None, None, None, None]"#,
        ]
    );
}
