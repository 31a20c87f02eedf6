//! Undefined types against Jinja2: every recorded use gives the same output, or the same class and message, and the same log.
//!
//! `tests/record/undefined.py` says how the cases are recorded, and has the classes that stand here as Rust types.

use std::sync::{Arc, Mutex};

use haiden::loader::DictLoader;
use haiden::{
    Environment, Error, ErrorKind, LogLevel, LoggingUndefined, Missing, Misuse, Undefined, UndefinedKind,
    Value, context,
};

type Result<T> = std::result::Result<T, Error>;

/// Has an answer to everything.
struct Loud;

impl Undefined for Loud {
    fn type_name(&self) -> &'static str {
        "__main__.Loud"
    }
    fn to_text(&self, missing: &Missing<'_>) -> Result<String> {
        Ok(format!("<{}>", missing.message()))
    }
    fn is_true(&self, _: &Missing<'_>) -> Result<bool> {
        Ok(true)
    }
    fn iterate(&self, _: &Missing<'_>) -> Result<Vec<Value>> {
        Ok(vec![Value::from("a"), Value::from("b")])
    }
    fn length(&self, _: &Missing<'_>) -> Result<usize> {
        Ok(2)
    }
    fn get_attr(&self, _: &Missing<'_>, name: &str) -> Result<Option<Value>> {
        Ok(Some(Value::from(format!("attribute {name}"))))
    }
    fn get_item(&self, _: &Missing<'_>, _: &Value) -> Result<Option<Value>> {
        Ok(None)
    }
    fn call(&self, _: &Missing<'_>, values: &[Value], keywords: &[(&str, Value)]) -> Result<Option<Value>> {
        let names: Vec<String> = keywords.iter().map(|(name, _)| format!("'{name}'")).collect();
        Ok(Some(Value::from(format!("called with {} and [{}]", values.len(), names.join(", ")))))
    }
}

/// Has its own error for what is overridable.
struct Fussy;

impl Undefined for Fussy {
    fn type_name(&self) -> &'static str {
        "__main__.Fussy"
    }
    fn fail(&self, missing: &Missing<'_>, misuse: Misuse) -> Error {
        match misuse {
            Misuse::Attribute | Misuse::Call | Misuse::Template => {
                Error::new(ErrorKind::Runtime, format!("fussy: {}", missing.message()))
            }
            _ => missing.error(),
        }
    }
}

/// Is markup.
struct Html;

impl Undefined for Html {
    fn type_name(&self) -> &'static str {
        "__main__.Html"
    }
    fn to_text(&self, _: &Missing<'_>) -> Result<String> {
        Ok("<b>nothing</b>".to_owned())
    }
    fn is_markup(&self) -> bool {
        true
    }
}

type Log = Arc<Mutex<Vec<String>>>;

/// Sets the type of this name, a plain one or one that logs.
fn set(environment: &mut Environment, name: &str, log: &Log) {
    fn either(environment: &mut Environment, undefined: impl Undefined + 'static, log: Option<&Log>) {
        let Some(log) = log.cloned() else { return environment.set_undefined(undefined) };
        environment.set_undefined(LoggingUndefined::new(undefined, move |level, message: &str| {
            let level = if level == LogLevel::Error { "ERROR" } else { "WARNING" };
            log.lock().unwrap().push(format!("{level}:{message}"));
        }));
    }
    let (name, log) = name.strip_prefix("Logging ").map_or((name, None), |name| (name, Some(log)));
    match name {
        "Default" => either(environment, UndefinedKind::Default, log),
        "Chainable" => either(environment, UndefinedKind::Chainable, log),
        "Debug" => either(environment, UndefinedKind::Debug, log),
        "Strict" => either(environment, UndefinedKind::Strict, log),
        "Loud" => either(environment, Loud, log),
        "Fussy" => either(environment, Fussy, log),
        "Html" => either(environment, Html, log),
        other => panic!("no type {other}"),
    }
}

#[derive(serde::Deserialize)]
struct Case(String, bool, String, Vec<Option<String>>, Vec<String>);

#[test]
fn every_type_does_what_it_does_in_jinja2() {
    let text = std::fs::read_to_string("tests/data/undefined.json").unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    let mut different = Vec::new();
    for Case(name, escape, template, outcome, log) in &cases {
        let found_log = Log::default();
        let mut environment = Environment::new();
        environment.set_autoescape(*escape);
        environment.set_loader(DictLoader::new(Vec::<(String, String)>::new()));
        set(&mut environment, name, &found_log);
        let data = context! { d => std::collections::BTreeMap::from([("a", 1)]), l => vec![1] };
        let found = match environment.render_str(template, data) {
            Ok(page) => page,
            Err(error) => format!("{}: {}", error.kind().class(), error.message()),
        };
        let recorded = match &outcome[..] {
            [Some(page)] => page.clone(),
            [_, Some(class), Some(message)] => format!("{class}: {message}"),
            _ => panic!("no outcome of {template}"),
        };
        let found_log = std::mem::take(&mut *found_log.lock().unwrap());
        if (&found, &found_log) != (&recorded, log) {
            different.push(format!(
                "{name} {escape} {template}\n  is     {found} {found_log:?}\n  was {recorded} {log:?}"
            ));
        }
    }
    assert!(different.is_empty(), "{} of {}:\n{}", different.len(), cases.len(), different.join("\n"));
}

/// Does what no type should.
struct Hostile;

impl Undefined for Hostile {
    fn to_text(&self, _: &Missing<'_>) -> Result<String> {
        panic!("no text")
    }
    fn length(&self, _: &Missing<'_>) -> Result<usize> {
        Ok(usize::MAX)
    }
    fn get_item(&self, missing: &Missing<'_>, key: &Value) -> Result<Option<Value>> {
        Err(Error::new(ErrorKind::Key, format!("{key} of {:?} in {:?}", missing.name(), missing.object())))
    }
}

#[test]
fn a_hostile_type_is_an_error_with_a_line() {
    let mut environment = Environment::new();
    environment.set_undefined(Hostile);
    let check = |template: &str, expected: &str| {
        let error = environment.render_str(&format!("\n{template}"), context! { l => vec![1] }).unwrap_err();
        assert_eq!((error.message(), error.line()), (expected, Some(2)), "{template}");
    };
    check("{{ x }}", "an undefined type panicked: no text");
    check("{{ x ~ 1 }}", "an undefined type panicked: no text");
    check("{{ x|reverse|list }}", "more than the limit of 100000000 items or characters");
    check("{{ x['a'] }}", "a of Some(\"x\") in None");
    check("{{ x[1:2] }}", "slice(1, 2, None) of Some(\"x\") in None");
    check("{{ l[7][none] }}", "None of Some(\"7\") in Some(\"list object\")");
}
