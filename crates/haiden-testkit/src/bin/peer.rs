//! Renders cases as they come: the native side of `cargo xtask differential`.
//!
//! In: a case a line on standard input (`docs/conformance.md`), with a context in typed JSON (`corpus/differential/values.py`).
//! Out: its outcome as a line of JSON: the page, or class, text and line of the error. Invariant: an answer a line, whatever
//! the case; a panic is an outcome of its own.

#![expect(clippy::print_stdout, reason = "a program that answers on standard output")]

use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use haiden::{Error, Value};
use haiden_testkit::conformance::{self, Case};
use haiden_testkit::typed;
use serde::Deserialize;
use serde_json::{Value as Json, json};

/// Values as deep as contexts are fit any stack; templates need what a main thread has.
const STACK: usize = 8 << 20;

/// A case and its typed context.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    name: String,
    typed_context: serde_json::Map<String, Json>,
    #[serde(flatten)]
    rest: serde_json::Map<String, Json>,
}

fn main() -> ExitCode {
    let serving = std::thread::Builder::new().stack_size(STACK).spawn(serve);
    match serving.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn serve() -> std::io::Result<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let answer = catch_unwind(AssertUnwindSafe(|| answer(&line)));
        let answer = answer.unwrap_or_else(|_| json!({"error": "a panic", "message": "", "line": null}));
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn answer(line: &str) -> Json {
    let failed = |message: String| json!({"error": "no case", "message": message, "line": null});
    let asked = match serde_json::from_str::<Asked>(line) {
        Ok(asked) => asked,
        Err(error) => return failed(error.to_string()),
    };
    let mut fields = asked.rest;
    fields.insert("name".to_owned(), asked.name.into());
    let case: Case = match serde_json::from_value(Json::Object(fields)) {
        Ok(case) => case,
        Err(error) => return failed(error.to_string()),
    };
    match typed::context(&asked.typed_context) {
        Ok(context) => page(&case, &context).unwrap_or_else(failed),
        Err(error) => failed(error),
    }
}

fn page(case: &Case, context: &Value) -> Result<Json, String> {
    let environment = conformance::environment(case)?;
    let native = case.environment.as_deref() == Some("NativeEnvironment");
    let page = environment.template_from_str(&case.template).and_then(|template| {
        if !native {
            return template.render(context);
        }
        let value = template.render_native(context)?;
        Ok(value.as_str().map_or_else(|| format!("value {value:?}"), str::to_owned))
    });
    Ok(page.map_or_else(|error| failure(&error), |page| json!({"page": page})))
}

fn failure(error: &Error) -> Json {
    json!({"error": error.kind().class(), "message": error.message(), "line": error.line()})
}
