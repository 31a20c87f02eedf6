//! Project tasks: `cargo xtask tidy | codegen | conformance | differential | ci`.
//!
//! In: this repository. Out: findings and a status for the shell (0 fine, 1 findings, 2 wrong arguments).
//! What is cheap (`tidy`, `codegen --check`) also runs as a test of this crate, so `cargo test` tells the whole truth.
//!
//! Invariant: no task needs anything that `./test` does not set up, and `ci` runs nothing that a task does not.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "what a task says is its product")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod ci;
mod codegen;
mod conformance;
mod differential;
mod tidy;
mod tree;

/// A task either holds or says why it does not, in text for a person.
type Outcome = Result<(), String>;

/// Project tasks of haiden.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check what no compiler checks: arrows between crates, addresses of unsafe code, file sizes, file headers, words.
    Tidy,
    /// Write the generated files, or with `--check` only compare them.
    Codegen {
        /// Write nothing; fail when a generated file is stale.
        #[arg(long)]
        check: bool,
    },
    /// Run the corpus on every host and path, and print cases passed of total.
    Conformance(conformance::Arguments),
    /// Render random templates with haiden and with Jinja2, and compare.
    Differential(differential::Arguments),
    /// Run everything that must hold before a change lands.
    Ci(ci::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Tidy => tidy::main(),
        Task::Codegen { check: true } => codegen::check(),
        Task::Codegen { check: false } => codegen::write(),
        Task::Conformance(arguments) => conformance::main(&arguments),
        Task::Differential(arguments) => differential::main(&arguments),
        Task::Ci(arguments) => ci::main(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}
