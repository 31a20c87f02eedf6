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

/// A difference that is accepted: why, and of which templates and recorded outcomes it is.
type Accepted = (&'static str, fn(&str, &str) -> bool);

const ACCEPTED: &[Accepted] = &[
    ("there are no complex numbers", |_, recorded| recorded.ends_with("j)")),
    ("there are no sets: views of dicts have no operators", |template, _| {
        (template.contains("{'a':1}.keys()") || template.contains("{'a':1}.items()"))
            && ["x - y", "x < y", "x > y", "x <= y", "x >= y", "x in y"]
                .iter()
                .any(|part| template.contains(part))
    }),
    ("ranges have integers of 64 bits", |template, _| template.contains("range(x)")),
    ("a folded `~` forgets that its parts were markup; the compiler's", |template, _| {
        template.contains("('<b>'|safe) ~ '<i>'")
    }),
    ("what is no name and no list of names", |template, _| {
        template.contains("{% include x") || template.contains("{% extends x")
    }),
    ("Python prints where an iterator lies in memory", |template, _| template.contains("x|wordcount")),
    ("filters bind their arguments before they look at the value", |template, _| {
        ["|round(", "|urlize(", "|indent", "|truncate(", "|wordwrap(", "|sort(", "|tojson(nope)"]
            .iter()
            .any(|part| template.contains(part))
    }),
    ("`int.is_integer` came with Python 3.12", |template, _| template.contains("x.is_integer")),
    ("a parameter of markup's that is positional only", |_, recorded| recorded.contains("positional-only")),
    ("the `repr` of a key that is markup", |template, _| template.contains("x[x]")),
    ("a list times markup", |template, _| template.ends_with("{{ x * y }}")),
];

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
    let mut hits = vec![0; ACCEPTED.len()];
    for case in &group.cases {
        let template = case[0].as_str().expect("text");
        let (kind, escape) = (case[1].as_str().expect("text"), case[2].as_bool().expect("boolean"));
        let (.., environment) =
            environments.iter().find(|(known, on, _)| *known == kind && *on == escape).expect("eight");
        let (got, wanted) = (outcome(environment, template, &context), recorded(case));
        if got == wanted {
            continue;
        }
        match ACCEPTED.iter().position(|(_, accepts)| accepts(template, &wanted)) {
            Some(place) => hits[place] += 1,
            None => failures
                .push(format!("{template}   [{kind}, {escape}]\n  haiden: {got:?}\n  jinja2: {wanted:?}")),
        }
    }
    let accepted: Vec<String> = ACCEPTED
        .iter()
        .zip(&hits)
        .filter(|(_, hits)| **hits > 0)
        .map(|((why, _), hits)| format!("{hits:>4} {why}"))
        .collect();
    let summary = format!("{} cases; accepted differences:\n{}", group.cases.len(), accepted.join("\n"));
    assert!(failures.is_empty(), "{} differ of {summary}\n{}", failures.len(), failures.join("\n"));
    // Shown by `--nocapture`, and with every failure.
    #[expect(clippy::print_stdout, reason = "the ledger's hit counts")]
    {
        println!("{summary}");
    }
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
