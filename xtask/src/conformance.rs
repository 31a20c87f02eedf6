//! Conformance: the corpus on every host and path.
//!
//! In: the corpus, and any file of cases named with `--cases`. Out: cases passed of total per host and path.
//!
//! Invariant: the judging is the testkit's; this file only hands over the arguments.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::Outcome;

/// Which cases, and what to do with them.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A file of recorded cases to run instead of the corpus; may be given more than once.
    #[arg(long, value_name = "FILE.json")]
    cases: Vec<PathBuf>,
}

/// Runs the corpus.
pub(crate) fn main(arguments: &Arguments) -> Outcome {
    if let Some(cases) = arguments.cases.iter().find(|cases| !cases.is_file()) {
        return Err(format!("no such file: {}", cases.display()));
    }
    run(&arguments.cases)
}

/// The judge is a program of the testkit: this tool stays small enough to build in seconds.
fn run(cases: &[PathBuf]) -> Outcome {
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--package", "haiden-testkit", "--bin", "conformance", "--"])
        .args(cases)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err("cases differ from what Jinja2 does".to_owned()) }
}
