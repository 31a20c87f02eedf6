//! The example of chat templates: its pages are Jinja2's, its errors have lines, its generations are told.

#[path = "../../../examples/chat/chat.rs"]
mod chat;

use chat::{Generations, environment};
use haiden::{ErrorKind, context};
use serde_json::{Map, Value};

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("../../examples/chat/{name}")).expect("a file of the example")
}

fn now(format: &str) -> String {
    format.replace("%d %B %Y", "25 November 2026")
}

#[test]
fn the_pages_are_those_of_jinja2() {
    let context: Map<String, Value> = serde_json::from_str(&read("context.json")).unwrap();
    let cases: Vec<Map<String, Value>> = serde_json::from_str(&read("expected.json")).unwrap();
    let template =
        environment(now, Generations::default()).template_from_str(&read("template.jinja")).unwrap();
    assert!(cases.len() > 5);
    for case in &cases {
        let mut context = context.clone();
        context.extend(case["change"].as_object().unwrap().clone());
        let (page, error) =
            (case.get("page").and_then(Value::as_str), case.get("error").and_then(Value::as_str));
        match template.render(&context) {
            Ok(found) => assert_eq!(Some(&*found), page, "{:?}", case["change"]),
            Err(found) => {
                assert_eq!(Some(found.message()), error, "{:?}", case["change"]);
                assert!(found.line().is_some());
            }
        }
    }
}

#[test]
fn generations_are_told() {
    let generations = Generations::default();
    let environment = environment(now, generations.clone());
    let context: Map<String, Value> = serde_json::from_str(&read("context.json")).unwrap();
    let page = environment.template_from_str(&read("template.jinja")).unwrap().render(&context).unwrap();
    let texts = generations.take();
    assert_eq!(texts.len(), 2);
    assert!(texts.iter().all(|text| page.contains(text) && text.ends_with("[end]\n")), "{texts:?}");
    assert!(generations.take().is_empty());
}

#[test]
fn what_the_settings_mean() {
    let environment = environment(|format| format!("<{format}>"), Generations::default());
    let check = |source: &str, expected: &str| {
        let page = environment.render_str(source, context! { v => vec!["é<", "b"], d => "x" });
        assert_eq!(page.unwrap_or_else(|error| error.message().to_owned()), expected, "{source}");
    };
    check("{{ v|tojson }}{{ '<&>'|tojson }}", r#"["é<", "b"]"<&>""#);
    check("{{ v|tojson(indent=1) }}", "[\n \"é<\",\n \"b\"\n]");
    check("{{ v|tojson(indent='--') }}", "[\n--\"é<\",\n--\"b\"\n]");
    check("{{ v|tojson(ensure_ascii=true, separators=(',', ':')) }}", r#"["\u00e9<","b"]"#);
    check(
        "{{ {'b': 1, 'a': none}|tojson }}{{ {'b': 1, 'a': 2}|tojson(sort_keys=true) }}",
        r#"{"b": 1, "a": null}{"a": 2, "b": 1}"#,
    );
    check("{{ v|tojson(cls=1) }}", "tojson() got an unexpected keyword argument 'cls'");
    check("{{ strftime_now('%d') }}", "<%d>");
    check("{{ raise_exception('no ' ~ d) }}", "no x");
    check("{{ v.append(1) }}", "access to attribute 'append' of 'list' object is unsafe.");
    check("{% for a in v %}\n  {% break %}\n{% endfor %}\n  {% if d %}\nx\n  {% endif %}\n", "x\n");
}

#[test]
fn wrong_templates_are_errors() {
    let environment = environment(now, Generations::default());
    let check = |source: &str, kind: ErrorKind, line: u32| {
        let error = environment.render_str(source, context! {}).unwrap_err();
        assert_eq!((error.kind(), error.line()), (kind, Some(line)), "{error}");
    };
    check("\n{% generation %}", ErrorKind::Syntax, 2);
    check("{% generation 1 %}{% endgeneration %}", ErrorKind::Syntax, 1);
    check("{% endgeneration %}", ErrorKind::Syntax, 1);
    check("{% generation %}\n{{ raise_exception('x') }}{% endgeneration %}", ErrorKind::Runtime, 2);
    check("{{ messages[0].content }}", ErrorKind::Undefined, 1);
}
