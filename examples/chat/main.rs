//! A chat as the text that a language model continues: `cargo run -p haiden --example chat [TEMPLATE CONTEXT.json | --batch]`.
//!
//! Without arguments it renders `template.jinja` with `context.json`, both beside this file.

mod chat;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chat::{Generations, environment};
use haiden::Error;

/// When the template asks for the time, it is always the same: so is the output.
fn now(format: &str) -> String {
    let mut text = format.to_owned();
    for (directive, value) in [("%Y", "2026"), ("%B", "November"), ("%b", "Nov"), ("%m", "11"), ("%d", "25")]
    {
        text = text.replace(directive, value);
    }
    text
}

fn run(template: &Path, context: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let source = std::fs::read_to_string(template)?;
    let context: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(context)?)?;
    let generations = Generations::default();
    let environment = environment(now, generations.clone());
    let page = environment.template_from_str(&source)?.render(&context)?;
    let mut out = std::io::stdout().lock();
    out.write_all(page.as_bytes())?;
    for text in generations.take() {
        writeln!(std::io::stderr(), "generated: {text:?}")?;
    }
    Ok(())
}

/// A template and the chats to render with it: a line of `--batch`.
#[derive(serde::Deserialize)]
struct Job {
    template: String,
    contexts: Vec<serde_json::Value>,
}

/// What a render gives. Jinja2's errors are told by their message, Python's by their class.
fn outcome(rendered: Result<String, Error>) -> serde_json::Value {
    match rendered {
        Ok(page) => serde_json::json!({ "page": page }),
        Err(error) => {
            let class = error.kind().class();
            let is_own = class.starts_with("Template") || matches!(class, "UndefinedError" | "SecurityError");
            serde_json::json!({ "error": if is_own { error.message() } else { class } })
        }
    }
}

/// Renders what stands on the lines of the standard input: `compare.py` asks for it.
fn batch() -> Result<(), Box<dyn std::error::Error>> {
    let environment = environment(now, Generations::default());
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lines() {
        let job: Job = serde_json::from_str(&line?)?;
        let template = environment.template_from_str(&job.template);
        for context in &job.contexts {
            let rendered = template.clone().and_then(|template| template.render(context));
            writeln!(out, "{}", outcome(rendered))?;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let here = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/chat"));
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let outcome = match &arguments[..] {
        [] => run(&here.join("template.jinja"), &here.join("context.json")),
        [flag] if flag.as_os_str() == "--batch" => batch(),
        [template, context] => run(template, context),
        _ => Err("usage: chat [TEMPLATE CONTEXT.json | --batch]".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error:?}");
            ExitCode::FAILURE
        }
    }
}
