//! Text: methods of `str`, case, `repr`; and every code point once.

use serde_json::{Map, Value, json};

use super::{Args, check, written};
use crate::python::error::{Error, Result};
use crate::python::text::find::{self, Bounds};
use crate::python::text::{classify, index, pad, replace, split, strip};
use crate::python::{case, repr};

const MAX: usize = 10_000;

#[test]
fn texts() {
    check("text", call);
}

type Question = fn(&str) -> bool;
type Change = fn(&mut String, &str);

fn question(name: &str) -> Option<Question> {
    Some(match name {
        "isalnum" => classify::is_alnum,
        "isalpha" => classify::is_alpha,
        "isascii" => str::is_ascii,
        "isdecimal" => classify::is_decimal,
        "isdigit" => classify::is_digit,
        "isidentifier" => classify::is_identifier,
        "islower" => classify::is_lower,
        "isnumeric" => classify::is_numeric,
        "isprintable" => classify::is_printable,
        "isspace" => classify::is_space,
        "istitle" => classify::is_title,
        "isupper" => classify::is_upper,
        _ => return None,
    })
}

fn change(name: &str) -> Option<Change> {
    Some(match name {
        "upper" => case::upper,
        "lower" => case::lower,
        "title" => case::title,
        "capitalize" => case::capitalize,
        "swapcase" => case::swapcase,
        "casefold" => case::casefold,
        "repr" => repr::write_repr,
        "ascii" => repr::write_ascii,
        "reverse" => index::reverse,
        _ => return None,
    })
}

fn call(name: &str, args: &Args<'_>) -> Result<Value> {
    if let Some(question) = question(name) {
        return Ok(question(args.text(0)).into());
    }
    if let Some(change) = change(name) {
        return Ok(changed(change, args.text(0)).into());
    }
    Ok(match name {
        "bytes_repr" => {
            let bytes = args.0[0]["b"].as_array().expect("bytes");
            let bytes: Vec<u8> = bytes.iter().filter_map(Value::as_u64).map(|b| b as u8).collect();
            let mut out = String::new();
            repr::write_bytes_repr(&mut out, &bytes);
            out.into()
        }
        "len" => index::len(args.text(0)).into(),
        "item" => index::item(args.text(0), args.i64(1))
            .ok_or(Error::Index("string index out of range".into()))?
            .into(),
        "slice" => {
            return written(|out| {
                index::slice(out, args.text(0), args.some_i64(1), args.some_i64(2), args.some_i64(3))
            });
        }
        "slice_indices" => {
            let len = args.i64(0) as usize;
            let found = index::slice_indices(len, args.some_i64(1), args.some_i64(2), args.some_i64(3))?;
            json!([found.start, found.stop, found.step])
        }
        _ => return call_search(name, args),
    })
}

fn changed(change: Change, text: &str) -> String {
    // Appending must not disturb, nor look at, what is there.
    let mut out = String::from("Σ");
    change(&mut out, text);
    out.split_off('Σ'.len_utf8())
}

fn call_search(name: &str, args: &Args<'_>) -> Result<Value> {
    if matches!(name, "find" | "rfind" | "index" | "rindex" | "count" | "startswith" | "endswith") {
        let (text, wanted) = (args.text(0), args.text(1));
        let bounds = Bounds { start: args.some_i64(2), end: args.some_i64(3) };
        let or_minus_one = |at: Option<usize>| at.map_or(json!(-1), |at| json!(at));
        return Ok(match name {
            "find" => or_minus_one(find::find(text, wanted, bounds)),
            "rfind" => or_minus_one(find::rfind(text, wanted, bounds)),
            "index" => find::index(text, wanted, bounds)?.into(),
            "rindex" => find::rindex(text, wanted, bounds)?.into(),
            "count" => find::count(text, wanted, bounds).into(),
            "startswith" => find::starts_with(text, wanted, bounds).into(),
            _ => find::ends_with(text, wanted, bounds).into(),
        });
    }
    let text = args.text(0);
    Ok(match name {
        "contains" => find::contains(text, args.text(1)).into(),
        "split" => split::split(text, args.some_text(1), args.i64(2))?.into(),
        "rsplit" => split::rsplit(text, args.some_text(1), args.i64(2))?.into(),
        "partition" => json!(split::partition(text, args.text(1))?),
        "rpartition" => json!(split::rpartition(text, args.text(1))?),
        "splitlines" => split::lines(text, args.bool(1)).collect(),
        "strip" => strip::strip(text, args.some_text(1)).into(),
        "lstrip" => strip::lstrip(text, args.some_text(1)).into(),
        "rstrip" => strip::rstrip(text, args.some_text(1)).into(),
        "removeprefix" => strip::remove_prefix(text, args.text(1)).into(),
        "removesuffix" => strip::remove_suffix(text, args.text(1)).into(),
        _ => return written(|out| call_growing(out, name, args)),
    })
}

fn call_growing(out: &mut String, name: &str, args: &Args<'_>) -> Result<()> {
    let text = args.text(0);
    match name {
        "replace" => replace::replace(out, text, args.text(1), args.text(2), args.i64(3), MAX),
        "center" => pad::center(out, text, args.i64(1), pad::fill_char(args.text(2))?, MAX),
        "ljust" => pad::ljust(out, text, args.i64(1), pad::fill_char(args.text(2))?, MAX),
        "rjust" => pad::rjust(out, text, args.i64(1), pad::fill_char(args.text(2))?, MAX),
        "zfill" => pad::zfill(out, text, args.i64(1), MAX),
        "expandtabs" => pad::expandtabs(out, text, args.i64(1), MAX),
        "repeat" => pad::repeat(out, text, args.i64(1), MAX),
        _ => panic!("no function {name}"),
    }
}

#[test]
fn every_code_point() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/python/chars.json");
    let text = std::fs::read_to_string(path).expect("the recorded file is there");
    let recorded: Map<String, Value> = serde_json::from_str(&text).expect("the recorded file is JSON");
    for (name, expected) in &recorded {
        match (question(name), change(name)) {
            (Some(question), _) => assert_eq!(&yes_ranges(question), expected, "{name}"),
            (_, Some(change)) => assert_eq!(&changes(change), expected, "{name}"),
            _ => panic!("no function {name}"),
        }
    }
}

fn yes_ranges(question: Question) -> Value {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for c in '\0'..=char::MAX {
        if !question(c.encode_utf8(&mut [0; 4])) {
            continue;
        }
        match ranges.last_mut() {
            Some(last) if last.1 == u32::from(c) - 1 => last.1 = c.into(),
            _ => ranges.push((c.into(), c.into())),
        }
    }
    json!(ranges)
}

fn changes(change: Change) -> Value {
    let mut changes = Vec::new();
    let mut out = String::new();
    for c in '\0'..=char::MAX {
        out.clear();
        change(&mut out, c.encode_utf8(&mut [0; 4]));
        if out.chars().ne([c]) {
            changes.push((u32::from(c), out.clone()));
        }
    }
    json!(changes)
}

#[test]
fn limits_hold_before_work() {
    let refused = |write: &dyn Fn(&mut String) -> Result<()>| {
        let mut out = String::new();
        assert_eq!(write(&mut out), Err(Error::TooLarge));
        assert!(out.is_empty());
    };
    refused(&|out| pad::center(out, "a", i64::MAX, '*', MAX));
    refused(&|out| pad::ljust(out, "a", i64::MAX, 'é', MAX));
    refused(&|out| pad::rjust(out, "a", 10_001, ' ', MAX));
    refused(&|out| pad::zfill(out, "a", i64::MAX, MAX));
    refused(&|out| pad::expandtabs(out, "\t", i64::MAX, MAX));
    refused(&|out| pad::repeat(out, "ab", i64::MAX, MAX));
    refused(&|out| replace::replace(out, &"a".repeat(200), "a", &"b".repeat(200), -1, MAX));
    refused(&|out| replace::replace(out, &"a".repeat(200), "", &"b".repeat(200), -1, MAX));
}
