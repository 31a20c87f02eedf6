//! Algorithms of filters, JSON and URLs.

use haiden_runtime::builtins::ErrorClass;
use haiden_runtime::builtins::text::{self, Links, TextError, Wrapping};
use serde_json::{Value, json};

use super::{Args, check, int_json, number_json, written};
use crate::python::characters::Unicode14;
use crate::python::error::{Error, Result};
use crate::python::filters::number;
use crate::python::json as python_json;
use crate::{Environment, ErrorKind, IntoContext, context};

const MAX: usize = 100_000;

#[test]
fn filters() {
    check("filters", call);
}

fn call(name: &str, args: &Args<'_>) -> Result<Value> {
    Ok(match name {
        "wordcount" => text::wordcount(args.text(0), &Unicode14).into(),
        "xmlattr_key" => {
            rendered("{{ {key: 1}|xmlattr }}", context! { key => args.text(0) }).map(|_| true)?.into()
        }
        "urlize_scheme" => {
            let schemes = vec![args.text(0).to_owned()];
            rendered("{{ ''|urlize(extra_schemes=schemes) }}", context! { schemes }).map(|_| true)?.into()
        }
        "urlize_rel" => json!(text::rel(args.some_text(0), args.bool(1), args.some_text(2), &Unicode14)),
        "round" => {
            let method = match args.text(2) {
                "common" => number::Method::Common,
                "ceil" => number::Method::Ceil,
                _ => number::Method::Floor,
            };
            number_json(&number::round(&args.number(0), args.i64(1), method, 1 << 20)?)
        }
        "int_of_text" => number::int_of_text(args.text(0), args.i64(1)).map_or(Value::Null, |n| int_json(&n)),
        "int_of_float" => number::int_of_float(args.float(0))?.map_or(Value::Null, |n| int_json(&n)),
        _ => return written(|out| call_writing(out, name, args)),
    })
}

fn call_writing(out: &mut String, name: &str, args: &Args<'_>) -> Result<()> {
    match name {
        "filesizeformat" => return text::filesizeformat(out, args.float(0), args.bool(1)).map_err(python),
        "json_float" => {
            python_json::write_float(out, args.float(0));
            return Ok(());
        }
        _ => {}
    }
    let whole = args.text(0);
    match name {
        "title" => text::title(out, whole, &Unicode14),
        "indent" => {
            let (width, first, blank) = (args.text(1), args.bool(2), args.bool(3));
            let variables = context! { text => whole, width, first, blank };
            out.push_str(&rendered("{{ text|indent(width, first, blank) }}", variables)?);
        }
        "truncate" => {
            let (length, killwords, end, leeway) = (args.i64(1), args.bool(2), args.text(3), args.i64(4));
            let variables = context! { text => whole, length, killwords, end, leeway };
            out.push_str(&rendered("{{ text|truncate(length, killwords, end, leeway) }}", variables)?);
        }
        "striptags" => return text::striptags(out, whole, &Unicode14).map_err(python),
        "unescape" => return text::unescape(out, whole).map_err(python),
        "wordwrap" => {
            let wrapping = Wrapping {
                width: args.i64(1),
                break_long_words: args.bool(2),
                wrapstring: args.text(3),
                break_on_hyphens: args.bool(4),
            };
            return text::wordwrap(out, whole, wrapping, &Unicode14, MAX).map_err(python);
        }
        "urlize" => {
            let given = args.0[4].as_array().expect("schemes");
            let schemes: Vec<String> = given.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            let links = Links {
                trim_url_limit: args.some_i64(1),
                rel: args.some_text(2),
                target: args.some_text(3),
                extra_schemes: &schemes,
            };
            text::urlize(out, whole, links, &Unicode14);
        }
        "json_string" => python_json::write_string(out, whole, false),
        "json_html_string" => python_json::write_string(out, whole, true),
        "quote" => text::quote(out, whole.as_bytes(), false),
        "quote_query" => text::quote(out, whole.as_bytes(), true),
        _ => panic!("no function {name}"),
    }
    Ok(())
}

/// An error of the text algorithms, as this module's tables have it.
fn python(error: TextError) -> Error {
    match error.class {
        ErrorClass::Overflow if error.message.contains("limit") => Error::TooLarge,
        ErrorClass::Overflow => Error::Overflow(error.message.leak()),
        ErrorClass::Type => Error::Type(error.message.into()),
        _ => Error::Value(error.message.into()),
    }
}

/// What a template makes of the variables: for filters whose work is in the builtin's body.
fn rendered(template: &str, variables: impl IntoContext) -> Result<String> {
    Environment::new().render_str(template, variables).map_err(|error| {
        let message = error.message().to_owned().into();
        match error.kind() {
            ErrorKind::PythonAssertion => Error::Assertion(message),
            ErrorKind::Type => Error::Type(message),
            _ => Error::Value(message),
        }
    })
}

#[test]
fn limits_hold() {
    let wide = "x".repeat(1000);
    let wrapping = Wrapping { width: 1, break_long_words: true, wrapstring: &wide, break_on_hyphens: true };
    let wrapped = text::wordwrap(&mut String::new(), &"a ".repeat(1000), wrapping, &Unicode14, MAX);
    assert_eq!(wrapped.map_err(python), Err(Error::TooLarge));
}
