//! Differential runs: random templates, rendered by haiden and by Jinja2 itself.
//!
//! In: how long, from which seed, on which hosts. Out: what differs, made small; what was accepted; what the templates used.
//!
//! Invariant: the program that generates and compares is `corpus/differential`; this file builds what it compares with.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::{Outcome, tree};

/// How much to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Stop after so many seconds.
    #[arg(long)]
    seconds: Option<f64>,
    /// Stop after so many templates (1000 if no time is given).
    #[arg(long)]
    cases: Option<u64>,
    /// Where the random numbers start; the same seed gives the same templates.
    #[arg(long)]
    seed: Option<u32>,
    /// `native`: native values. `python`: the package, as it is installed in the virtual environment. `both`.
    #[arg(long, default_value = "native", value_parser = ["native", "python", "both"])]
    host: String,
    /// Takes the corpus's templates, with mistakes in them.
    #[arg(long)]
    mutate: bool,
    /// Stop after so many differences.
    #[arg(long, default_value_t = 20)]
    most: u32,
}

/// Compares.
pub(crate) fn main(arguments: &Arguments) -> Outcome {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--package", "haiden-testkit", "--bin", "peer"]);
    succeed(&mut build)?;
    let mut compare = Command::new(python()?);
    compare.args(["-W", "ignore"]).arg(tree::root().join("corpus/differential"));
    compare.arg("--native").arg(built("peer")?);
    compare.args(arguments.mutate.then_some("--mutate"));
    compare.args(["--host", &arguments.host, "--most", &arguments.most.to_string()]);
    for (name, value) in [
        ("--seconds", arguments.seconds.map(|seconds| seconds.to_string())),
        ("--cases", arguments.cases.map(|cases| cases.to_string())),
        ("--seed", arguments.seed.map(|seed| seed.to_string())),
    ] {
        if let Some(value) = value {
            compare.args([name, &value]);
        }
    }
    succeed(&mut compare)
}

/// A Python that has Jinja2: the one this is told to use, or that of the virtual environment.
fn python() -> Result<PathBuf, String> {
    let told = env::var_os("PYO3_PYTHON").map(PathBuf::from);
    let python = told.unwrap_or_else(|| tree::root().join(".cache/venv/bin/python"));
    if python.is_file() {
        return Ok(python);
    }
    Err(format!("there is no {}: ./test makes it", python.display()))
}

/// A program of this workspace that was built just now; it lies beside this one.
fn built(name: &str) -> Result<PathBuf, String> {
    let own = env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    Ok(own.with_file_name(name).with_extension(env::consts::EXE_EXTENSION))
}

fn succeed(command: &mut Command) -> Outcome {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| format!("{program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program}: {status}")) }
}
