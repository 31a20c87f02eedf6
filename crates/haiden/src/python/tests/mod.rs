//! Replays the cases recorded from Python (`tests/record`, `tests/data/python`).
//!
//! A case is `[function, arguments, result]` or `[function, arguments, null, exception, text]`. Invariant: a
//! function that the dispatcher does not know fails the test, so no case is skipped in silence.

mod filters;
mod format;
mod number;
mod text;

use std::path::Path;

use num_bigint::BigInt;
use serde_json::{Value, json};

use super::error::{Error, Result};
use super::number::{Int, Number};

/// The arguments of one case, read as the function needs them.
struct Args<'a>(&'a [Value]);

impl<'a> Args<'a> {
    fn text(&self, at: usize) -> &'a str {
        self.0[at].as_str().expect("a text argument")
    }

    fn int(&self, at: usize) -> Int {
        let text = self.0[at].as_number().expect("an int argument").to_string();
        text.parse::<BigInt>().expect("a whole number").into()
    }

    fn i64(&self, at: usize) -> i64 {
        self.int(at).to_i64().expect("a small int argument")
    }

    fn some_text(&self, at: usize) -> Option<&'a str> {
        (!self.0[at].is_null()).then(|| self.text(at))
    }

    fn some_i64(&self, at: usize) -> Option<i64> {
        (!self.0[at].is_null()).then(|| self.i64(at))
    }

    fn bool(&self, at: usize) -> bool {
        self.0[at].as_bool().expect("a bool argument")
    }

    fn float(&self, at: usize) -> f64 {
        let bits = self.0[at]["f"].as_str().expect("a float argument");
        f64::from_bits(u64::from_str_radix(bits, 16).expect("hexadecimal"))
    }

    fn number(&self, at: usize) -> Number {
        if self.0[at].is_number() { Number::Int(self.int(at)) } else { Number::Float(self.float(at)) }
    }
}

/// A result as the recorder writes it.
fn int_json(value: &Int) -> Value {
    Value::Number(value.to_big().to_string().parse().expect("digits are a JSON number"))
}

fn float_json(value: f64) -> Value {
    let bits = if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
    json!({ "f": format!("{bits:016x}") })
}

fn number_json(value: &Number) -> Value {
    match value {
        Number::Int(value) => int_json(value),
        Number::Float(value) => float_json(*value),
    }
}

fn written(write: impl FnOnce(&mut String) -> Result<()>) -> Result<Value> {
    let mut out = String::new();
    write(&mut out)?;
    Ok(Value::String(out))
}

/// Replay one recorded file.
fn check(group: &str, call: impl Fn(&str, &Args<'_>) -> Result<Value>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/python/{group}.json"));
    let text = std::fs::read_to_string(path).expect("the recorded file is there");
    let cases: Vec<Vec<Value>> = serde_json::from_str(&text).expect("the recorded file is JSON");
    assert!(!cases.is_empty());
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case[0].as_str().expect("a function's name");
        let args = case[1].as_array().expect("arguments");
        let expected = match case.get(3) {
            None => Ok(case[2].clone()),
            Some(class) => Err((class.clone(), case[4].clone())),
        };
        let got = call(name, &Args(args)).map_err(|error| failure(&error));
        if !same(&got, &expected) {
            let mut shown = format!("{name}{}: got {got:?}, expected {expected:?}", case[1]);
            shown.truncate(shown.char_indices().nth(600).map_or(shown.len(), |(at, _)| at));
            wrong.push(shown);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases of {group} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong[..wrong.len().min(12)].join("\n")
    );
}

type Outcome = std::result::Result<Value, (Value, Value)>;

fn failure(error: &Error) -> (Value, Value) {
    match error {
        // The recorder marks what has no counterpart.
        Error::Complex => (json!("RuntimeError"), json!("complex")),
        Error::TooLarge => (json!("RuntimeError"), json!("toolarge")),
        _ => (json!(error.class()), json!(error.message())),
    }
}

/// Equal, where all NaNs are one.
fn same(got: &Outcome, expected: &Outcome) -> bool {
    match (got, expected) {
        (Ok(got), Ok(expected)) => got == &normalise(expected),
        (Err(got), Err(expected)) => got == expected,
        _ => false,
    }
}

fn normalise(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(normalise).collect(),
        Value::Object(map) if map.contains_key("f") => {
            let bits = map["f"].as_str().and_then(|text| u64::from_str_radix(text, 16).ok());
            float_json(f64::from_bits(bits.expect("hexadecimal")))
        }
        _ => value.clone(),
    }
}
