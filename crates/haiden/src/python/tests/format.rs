//! `format()`, `%` and `str.format`, over a small value model made of JSON.

use serde_json::{Value, json};

use super::{Args, check, written};
use crate::python::error::{Error, Result};
use crate::python::number::{Int, float};
use crate::python::percent::{self, Conversion, Kind, Values};
use crate::python::strformat::{self, Fields, Rules, missing_positional};
use crate::python::{format, repr};

const MAX: usize = 100_000;

#[test]
fn formats() {
    check("format", |name, args| {
        written(|out| match name {
            "format_int" => format::format_int(out, &args.int(0), args.text(1), "int", MAX),
            "format_bool" => {
                format::format_int(out, &Int::Small(args.bool(0).into()), args.text(1), "bool", MAX)
            }
            "format_float" => format::format_float(out, args.float(0), args.text(1), MAX),
            "format_str" => format::format_str(out, args.text(0), args.text(1), MAX),
            _ => panic!("no function {name}"),
        })
    });
}

#[test]
fn percents() {
    check("percent", |_, args| {
        written(|out| percent::format(out, args.text(0), &mut Right(args.0[1].clone()), MAX))
    });
}

#[test]
fn str_formats() {
    check("strformat", |_, args| {
        written(|out| strformat::format(out, args.text(0), &mut Model::new(), Rules::Str, MAX))
    });
}

#[test]
fn limits_hold_before_work() {
    let refused = |write: &dyn Fn(&mut String) -> Result<()>| {
        let mut out = String::new();
        assert_eq!(write(&mut out), Err(Error::TooLarge));
        assert!(out.is_empty());
    };
    for spec in ["999999999", "0999999999,d", "é>50000", "0100000x"] {
        refused(&|out| format::format_int(out, &Int::Small(5), spec, "int", MAX));
    }
    refused(&|out| format::format_float(out, 1.5, ".99999999f", MAX));
    refused(&|out| format::format_str(out, "a", "999999999", MAX));
    for template in ["%999999999d", "%.999999999d", "%999999999s", "%.99999999f", "%*d"] {
        refused(&|out| percent::format(out, template, &mut Right(json!([999_999_999])), MAX));
    }
}

/// A value of the recorded cases.
fn kind(value: &Value) -> Kind<'_> {
    match value {
        Value::Bool(value) => Kind::Int(Int::Small((*value).into())),
        Value::Number(_) => Kind::Int(Args(std::slice::from_ref(value)).int(0)),
        Value::String(text) => Kind::Text(text),
        Value::Object(map) if map.contains_key("f") => {
            Kind::Float(Args(std::slice::from_ref(value)).float(0))
        }
        _ => Kind::Other,
    }
}

fn write(out: &mut String, value: &Value, how: Conversion) -> Result<()> {
    match (value, kind(value)) {
        (Value::Bool(value), _) => out.push_str(if *value { "True" } else { "False" }),
        (Value::Null, _) => out.push_str("None"),
        (_, Kind::Int(value)) => return value.write(out),
        (_, Kind::Float(value)) => float::write_repr(out, value),
        (_, Kind::Text(text)) => match how {
            Conversion::Str => out.push_str(text),
            Conversion::Repr => repr::write_repr(out, text),
            Conversion::Ascii => repr::write_ascii(out, text),
        },
        (Value::Array(items), _) => {
            out.push('[');
            write_items(out, items, |out, item| write(out, item, Conversion::Repr))?;
            out.push(']');
        }
        (value, _) => {
            let pairs = value["d"].as_array().expect("a dict");
            out.push('{');
            write_items(out, pairs, |out, pair| {
                write(out, &pair[0], Conversion::Repr)?;
                out.push_str(": ");
                write(out, &pair[1], Conversion::Repr)
            })?;
            out.push('}');
        }
    }
    Ok(())
}

fn write_items(
    out: &mut String,
    items: &[Value],
    each: impl Fn(&mut String, &Value) -> Result<()>,
) -> Result<()> {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        each(out, item)?;
    }
    Ok(())
}

fn get(dict: &Value, key: &str) -> Result<Value> {
    let pairs = dict["d"].as_array().expect("a dict");
    let found = pairs.iter().find(|pair| pair[0] == key);
    found.map(|pair| pair[1].clone()).ok_or_else(|| {
        let mut shown = String::new();
        repr::write_repr(&mut shown, key);
        Error::Key(shown.into())
    })
}

/// The right side of `%`: an array is a tuple.
struct Right(Value);

impl Values for Right {
    type Value = Value;
    type Error = Error;

    fn tuple_len(&self) -> Option<usize> {
        self.0.as_array().map(Vec::len)
    }

    fn positional(&mut self, index: usize) -> Result<Value> {
        Ok(if self.0.is_array() { self.0[index].clone() } else { self.0.clone() })
    }

    fn is_mapping(&self) -> bool {
        self.0.get("d").is_some()
    }

    fn keyed(&mut self, key: &str) -> Result<Value> {
        get(&self.0, key)
    }

    fn kind<'a>(&'a self, value: &'a Value) -> Kind<'a> {
        kind(value)
    }

    fn type_name(&self, value: &Value) -> String {
        match (value, kind(value)) {
            (Value::Null, _) => "NoneType",
            (_, Kind::Text(_)) => "str",
            (_, Kind::Float(_)) => "float",
            _ => "dict",
        }
        .to_owned()
    }

    fn write(&mut self, out: &mut String, value: &Value, how: Conversion) -> Result<()> {
        write(out, value, how)
    }
}

/// The arguments the recorder gives to `str.format`.
struct Model {
    positional: Value,
    named: Value,
}

impl Model {
    fn new() -> Self {
        let dict = |pairs: Value| json!({ "d": pairs });
        let two_and_a_half = json!({ "f": "4004000000000000" });
        let inner = dict(json!([["e", dict(json!([["f", 9]]))]]));
        Self {
            positional: json!([
                "zero",
                1,
                two_and_a_half,
                ["i0", "i1"],
                dict(json!([["k", "v"], ["1", "one"], ["a b", 5]]))
            ]),
            named: dict(json!([
                ["a", "A"],
                ["n", 12],
                ["w", 7],
                ["x y", 1],
                ["l", [1, [2, 3]]],
                ["d", inner],
                ["s", ">"],
                ["", "never"]
            ])),
        }
    }
}

impl Fields for Model {
    type Value = Value;
    type Error = Error;

    fn positional(&mut self, index: usize) -> Result<Value> {
        self.positional.get(index).cloned().ok_or_else(|| missing_positional(index, Rules::Str))
    }

    fn named(&mut self, name: &str) -> Result<Value> {
        get(&self.named, name)
    }

    fn attribute(&mut self, _: Value, _: &str) -> Result<Value> {
        panic!("no recorded case reads an attribute");
    }

    fn item(&mut self, value: Value, index: usize) -> Result<Value> {
        if value.get("d").is_some() {
            return Err(Error::Key(index.to_string().into()));
        }
        let at = |text: &str| text.chars().nth(index).map(String::from);
        Ok(value.as_str().map_or_else(|| value[index].clone(), |text| json!(at(text))))
    }

    fn keyed(&mut self, value: Value, key: &str) -> Result<Value> {
        get(&value, key)
    }

    fn convert(&mut self, value: Value, how: Conversion) -> Result<Value> {
        let mut out = String::new();
        write(&mut out, &value, how)?;
        Ok(Value::String(out))
    }

    fn format(&mut self, out: &mut String, value: &Value, spec: &str) -> Result<()> {
        match kind(value) {
            Kind::Int(number) => format::format_int(out, &number, spec, "int", MAX),
            Kind::Float(number) => format::format_float(out, number, spec, MAX),
            Kind::Text(text) => format::format_str(out, text, spec, MAX),
            Kind::Other => write(out, value, Conversion::Str),
        }
    }
}
