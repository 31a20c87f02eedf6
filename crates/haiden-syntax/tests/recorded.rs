//! Tokens, trees, line numbers and errors, as recorded from Jinja2 3.1.6 in `corpus/syntax/`.
//!
//! A case that is known to differ stands in `ledger.json` with its reason; one that stands there and passes is an error.

#![expect(clippy::disallowed_methods, reason = "the tests read the corpus")]
#![expect(clippy::print_stdout, reason = "the count is worth seeing")]

use std::collections::BTreeMap;
use std::fs;

use haiden_syntax::{ErrorKind, Extensions, Syntax, lex_raw, parse};
use serde_json::{Value, json};

fn corpus(name: &str) -> Value {
    let path = format!("{}/../../corpus/syntax/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).expect(&path);
    serde_json::from_str(&text).expect(&path)
}

fn syntax(options: &Value) -> Syntax {
    let mut syntax = Syntax::default();
    for (name, value) in options.as_object().expect("options are an object") {
        let text = || value.as_str().expect("a text option").to_owned().into();
        let flag = || value.as_bool().expect("a switch");
        match name.as_str() {
            "block_start_string" => syntax.block_start_string = text(),
            "block_end_string" => syntax.block_end_string = text(),
            "variable_start_string" => syntax.variable_start_string = text(),
            "variable_end_string" => syntax.variable_end_string = text(),
            "comment_start_string" => syntax.comment_start_string = text(),
            "comment_end_string" => syntax.comment_end_string = text(),
            "line_statement_prefix" => syntax.line_statement_prefix = Some(text()),
            "line_comment_prefix" => syntax.line_comment_prefix = Some(text()),
            "newline_sequence" => syntax.newline_sequence = text(),
            "trim_blocks" => syntax.trim_blocks = flag(),
            "lstrip_blocks" => syntax.lstrip_blocks = flag(),
            "keep_trailing_newline" => syntax.keep_trailing_newline = flag(),
            "extensions" => {
                for extension in value.as_array().expect("a list of extensions") {
                    syntax.extensions = syntax.extensions.with(match extension.as_str() {
                        Some("jinja2.ext.i18n") => Extensions::I18N,
                        Some("jinja2.ext.do") => Extensions::DO,
                        Some("jinja2.ext.loopcontrols") => Extensions::LOOP_CONTROLS,
                        Some("jinja2.ext.debug") => Extensions::DEBUG,
                        other => panic!("unknown extension {other:?}"),
                    });
                }
            }
            other => panic!("unknown option {other}"),
        }
    }
    syntax
}

/// What differs from the recording, if anything.
fn difference(case: &Value) -> Option<String> {
    let template = case["template"].as_str().expect("a template");
    let syntax = syntax(&case["options"]);
    if let Some(expected) = case.get("tokens") {
        let tokens = match lex_raw(template, &syntax) {
            Ok(tokens) => tokens,
            Err(error) => return Some(format!("lex: {error}")),
        };
        let tokens: Vec<Value> = tokens.iter().map(|t| json!([t.line, t.name, t.text])).collect();
        if json!(tokens) != *expected {
            return Some(format!("tokens\n  {}\n  {expected}", json!(tokens)));
        }
    }
    match (parse(template, &syntax), case.get("error")) {
        (Err(error), None) => Some(format!("{}: {error}", error.line())),
        (Err(error), Some(class)) => {
            let got = match error.kind() {
                ErrorKind::Assertion => "TemplateAssertionError",
                _ => "TemplateSyntaxError",
            };
            let got = json!([got, error.message(), error.line()]);
            let expected = json!([class, case["error_message"], case["error_lineno"]]);
            (got != expected).then(|| format!("error\n  {got}\n  {expected}"))
        }
        (Ok(_), Some(class)) => match class.as_str() {
            // The compiler's errors are not this crate's.
            Some("TemplateAssertionError") => None,
            _ => Some(format!("no error, but {}", case["error_message"])),
        },
        (Ok(ast), None) => {
            if let Some(expected) = case.get("ast")
                && json!(ast.to_repr()) != *expected
            {
                return Some(format!("ast\n  {}\n  {expected}", ast.to_repr()));
            }
            let linenos: Vec<Value> = ast
                .linenos()
                .into_iter()
                .map(|(class, line)| json!([class, (line > 0).then_some(line)]))
                .collect();
            if let Some(expected) = case.get("linenos")
                && json!(linenos) != *expected
            {
                return Some(format!("lines\n  {}\n  {expected}", json!(linenos)));
            }
            let referenced = json!(ast.referenced());
            if let Some(expected) = case.get("referenced")
                && referenced != *expected
            {
                return Some(format!("referenced\n  {referenced}\n  {expected}"));
            }
            None
        }
    }
}

#[test]
fn recorded_cases_are_reproduced() {
    let cases = corpus("lex_parse.json");
    let cases = cases.as_array().expect("a list of cases");
    let ledger = corpus("ledger.json");
    let mut known: BTreeMap<String, &Value> =
        ledger.as_array().expect("a list").iter().map(|entry| (key(entry), &entry["reason"])).collect();
    let (mut passed, mut failures) = (0, Vec::new());
    for case in cases {
        match (difference(case), known.remove(&key(case))) {
            (None, None) => passed += 1,
            (None, Some(reason)) => {
                failures.push(format!("{}\n  passes now; strike its line ({reason})", key(case)));
            }
            (Some(_), Some(_)) => {}
            (Some(difference), None) => failures.push(format!("{}\n  {difference}", key(case))),
        }
    }
    failures.extend(known.keys().map(|key| format!("{key}\n  is in the ledger but no case")));
    println!("{passed} passed of {}", cases.len());
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// A case is known by its template, its options and what was recorded.
fn key(case: &Value) -> String {
    format!("{} {} {}", case["template"], case["options"], case["ast"])
}
