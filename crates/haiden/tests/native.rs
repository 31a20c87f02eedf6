//! Native values against Jinja2: every recorded case gives the same output, or the same class and message.
//!
//! `tests/record/native.py` says how the cases are recorded. What differs on purpose is in [`ACCEPTED`], with its reason.

use std::path::Path;

use haiden::loader::DictLoader;
use haiden::{Environment, UndefinedKind, Value};
use serde::Deserialize;

#[derive(Deserialize)]
struct Group {
    context: serde_json::Value,
    cases: Vec<Vec<serde_json::Value>>,
}

fn environment(kind: &str, escape: bool) -> Environment {
    let mut environment = Environment::new();
    environment.set_autoescape(escape);
    environment.set_loader(DictLoader::new(Vec::<(String, String)>::new()));
    environment.set_undefined(match kind {
        "Chainable" => UndefinedKind::Chainable,
        "Debug" => UndefinedKind::Debug,
        "Strict" => UndefinedKind::Strict,
        _ => UndefinedKind::Default,
    });
    environment
}

/// What came of a case, as the recording writes it.
fn outcome(environment: &Environment, template: &str, context: &Value) -> String {
    match environment.render_str(template, context) {
        Ok(page) => page,
        Err(error) => format!("{}: {}", error.kind().class(), error.message()),
    }
}

fn recorded(case: &[serde_json::Value]) -> String {
    let text = |place: usize| case[place].as_str().expect("text").to_owned();
    if case.len() == 4 { text(3) } else { format!("{}: {}", text(4), text(5)) }
}

fn check(group: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/native/{group}.json"));
    let group: Group = serde_json::from_str(&std::fs::read_to_string(path).expect("recorded")).expect("JSON");
    let context = Value::from_serialize(&group.context).expect("data");
    let environments: Vec<(&str, bool, Environment)> = ["Default", "Chainable", "Debug", "Strict"]
        .into_iter()
        .flat_map(|kind| [(kind, false), (kind, true)])
        .map(|(kind, escape)| (kind, escape, environment(kind, escape)))
        .collect();
    let mut failures = Vec::new();
    for case in &group.cases {
        let template = case[0].as_str().expect("text");
        let (kind, escape) = (case[1].as_str().expect("text"), case[2].as_bool().expect("boolean"));
        let (.., environment) =
            environments.iter().find(|(known, on, _)| *known == kind && *on == escape).expect("eight");
        let (got, wanted) = (outcome(environment, template, &context), recorded(case));
        if got != wanted {
            failures.push(format!("{template}   [{kind}, {escape}]\n  haiden: {got:?}\n  jinja2: {wanted:?}"));
        }
    }
    assert!(failures.is_empty(), "{} of {} differ:\n{}", failures.len(), group.cases.len(), failures.join("\n"));
}

#[test]
fn operators() {
    check("operators");
}
#[test]
fn methods() {
    check("methods");
}
#[test]
fn misc() {
    check("misc");
}
