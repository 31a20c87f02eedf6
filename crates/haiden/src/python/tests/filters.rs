//! Algorithms of filters, JSON and URLs.

use serde_json::{Value, json};

use super::{Args, check, int_json, number_json, written};
use crate::python::error::{Error, Result};
use crate::python::filters::{number, plain, striptags, urlize, wordwrap};
use crate::python::{json as python_json, url};

const MAX: usize = 100_000;

#[test]
fn filters() {
    check("filters", call);
}

fn call(name: &str, args: &Args<'_>) -> Result<Value> {
    Ok(match name {
        "wordcount" => plain::wordcount(args.text(0)).into(),
        "xmlattr_key" => plain::check_xmlattr_key(args.text(0)).map(|()| true)?.into(),
        "urlize_scheme" => urlize::check_scheme(args.text(0)).map(|()| true)?.into(),
        "urlize_rel" => json!(urlize::rel(args.some_text(0), args.bool(1), args.some_text(2))),
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
        "filesizeformat" => return plain::filesizeformat(out, args.float(0), args.bool(1)),
        "json_float" => {
            python_json::write_float(out, args.float(0));
            return Ok(());
        }
        _ => {}
    }
    let text = args.text(0);
    match name {
        "title" => plain::title(out, text),
        "indent" => return plain::indent(out, text, args.text(1), args.bool(2), args.bool(3), MAX),
        "truncate" => {
            return plain::truncate(out, text, args.i64(1), args.bool(2), args.text(3), args.i64(4));
        }
        "striptags" => return striptags::striptags(out, text),
        "unescape" => return striptags::unescape(out, text),
        "wordwrap" => {
            let options = wordwrap::Options {
                width: args.i64(1),
                break_long_words: args.bool(2),
                wrapstring: args.text(3),
                break_on_hyphens: args.bool(4),
            };
            return wordwrap::wordwrap(out, text, options, MAX);
        }
        "urlize" => {
            let schemes: Vec<&str> =
                args.0[4].as_array().expect("schemes").iter().filter_map(Value::as_str).collect();
            let options = urlize::Options {
                trim_url_limit: args.some_i64(1),
                rel: args.some_text(2),
                target: args.some_text(3),
                extra_schemes: &schemes,
            };
            urlize::urlize(out, text, options);
        }
        "json_string" => python_json::write_string(out, text, false),
        "json_html_string" => python_json::write_string(out, text, true),
        "quote" => url::quote(out, text, false),
        "quote_query" => url::quote(out, text, true),
        _ => panic!("no function {name}"),
    }
    Ok(())
}

#[test]
fn limits_hold() {
    let mut out = String::new();
    let lines = "\n".repeat(1000);
    assert_eq!(plain::indent(&mut out, &lines, &" ".repeat(1000), false, true, MAX), Err(Error::TooLarge));
    assert!(out.is_empty());
    let wide = "x".repeat(1000);
    let options =
        wordwrap::Options { width: 1, break_long_words: true, wrapstring: &wide, break_on_hyphens: true };
    assert_eq!(wordwrap::wordwrap(&mut out, &"a ".repeat(1000), options, MAX), Err(Error::TooLarge));
}
