//! The command line of haiden: `haiden render`, `haiden compile`, `haiden cache`, `haiden dump`, `haiden help`.
//!
//! In: arguments. Out: pages, a bundle, or what a stage of the compiler makes of a template. Each command is a file. Messages go
//! to standard error; the status is 0 (fine), 1 (a template, data file or page failed) or 2 (the arguments are wrong).
#![forbid(unsafe_code)]

mod cache;
mod compile;
mod data;
mod dump;
mod render;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Render Jinja2 templates, fast, through a bytecode cache.
#[derive(Parser)]
#[command(name = "haiden", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Render templates, or all pages of a directory.
    Render(render::Arguments),
    /// Compile the templates of a directory into one file, a bundle.
    Compile(compile::Arguments),
    /// Look into a bytecode cache, fill it, empty it.
    Cache(cache::Arguments),
    /// Show what a stage of the compiler makes of a template.
    Dump(dump::Arguments),
}

/// Why a command failed.
enum Failure {
    /// What was asked for makes no sense: status 2.
    Usage(String),
    /// Something went wrong while doing it: status 1.
    Failed(String),
    /// Whoever read the output has closed it: status 0, and not a word.
    ClosedPipe,
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure::Failed(message)
    }
}

impl Failure {
    /// The failure to write to standard output.
    fn output(error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
            _ => Failure::Failed(format!("cannot write the output: {error}")),
        }
    }
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Render(arguments) => render::main(&arguments),
        Command::Compile(arguments) => compile::main(&arguments),
        Command::Cache(arguments) => cache::main(&arguments),
        Command::Dump(arguments) => dump::main(&arguments),
    };
    match outcome {
        Ok(()) | Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Err(Failure::Failed(message)) => report(&message, 1),
        Err(Failure::Usage(message)) => report(&message, 2),
    }
}

fn report(message: &str, status: u8) -> ExitCode {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(io::stderr(), "error: {message}");
    ExitCode::from(status)
}
