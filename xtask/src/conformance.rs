//! Conformance: the corpus on every host and path.
//!
//! In: the corpus, and any file of cases named with `--cases`. Out: cases passed of total per host and path.
//!
//! Invariant: the judging is the testkit's; this file only hands over the arguments.

use std::path::PathBuf;

use crate::Outcome;

/// Which cases, and what to do with them.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A file of recorded cases to run instead of the corpus; may be given more than once.
    #[arg(long, value_name = "FILE.json")]
    cases: Vec<PathBuf>,
    /// Record outputs from Jinja2 anew instead of judging.
    #[arg(long)]
    record: bool,
}

/// Runs the corpus.
pub(crate) fn main(arguments: &Arguments) -> Outcome {
    if let Some(cases) = arguments.cases.iter().find(|cases| !cases.is_file()) {
        return Err(format!("no such file: {}", cases.display()));
    }
    run(&arguments.cases, arguments.record)
}

/// The one place that knows who judges.
fn run(_cases: &[PathBuf], _record: bool) -> Outcome {
    Err("the corpus has no runner yet".to_owned())
}
