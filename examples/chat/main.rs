//! A chat as the text that a language model continues: `cargo run -p haiden --example chat [TEMPLATE CONTEXT.json]`.
//!
//! Without arguments it renders `template.jinja` with `context.json`, both beside this file.

mod chat;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chat::{Generations, environment};

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

fn main() -> ExitCode {
    let here = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/chat"));
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let outcome = match &arguments[..] {
        [] => run(&here.join("template.jinja"), &here.join("context.json")),
        [template, context] => run(template, context),
        _ => Err("usage: chat [TEMPLATE CONTEXT.json]".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error:?}");
            ExitCode::FAILURE
        }
    }
}
