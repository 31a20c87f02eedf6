//! Builds the engines, compares their pages, times them, and writes the tables.
//!
//! In: options (`--help`). Out: a report on standard output and, unless `--quick`, between the
//! markers of `bench/README.md`. Invariant: nothing is timed before all pages agree.

mod build;
mod callgrind;
mod entrant;
mod figures;
mod measure;
mod options;
mod report;
mod verify;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::entrant::Engine;
use crate::options::Options;

/// Folder of the benchmark, where the templates and the README are.
fn home() -> PathBuf {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    package.parent().map_or_else(|| PathBuf::from("."), PathBuf::from)
}

fn main() -> ExitCode {
    let outcome = Options::read(std::env::args().skip(1)).and_then(|options| match options {
        Some(options) => run(&options),
        None => Ok(()),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let home = home();
    if options.cache_only {
        return cache(&home, options);
    }
    let engines = build::engines(&home, options)?;
    let pages = home.join("target/pages");
    verify::pages(&engines, &pages)?;
    if options.verify_only {
        return Ok(());
    }
    let mut groups = measure::groups(&engines, options);
    measure::times(&mut groups, options, &pages)?;
    if options.callgrind {
        callgrind::counts(&mut groups, &home.join("target/callgrind"))?;
    }
    let tables = report::tables(&groups, &options.focus);
    println!("{tables}");
    if options.write {
        report::write(&home.join("README.md"), &tables)?;
    }
    if options.python {
        python(&home, options)?;
    }
    if options.cache {
        cache(&home, options)?;
    }
    Ok(())
}

/// Cache hits against compiling: a program of its own, which writes its own page.
fn cache(home: &std::path::Path, options: &Options) -> Result<(), String> {
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--release", "--package", "bench-cache", "--"]).current_dir(home);
    if options.quick || !options.write {
        command.arg("--quick");
    }
    let status = command.status().map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err("the comparison of cache hits failed".to_owned());
    }
    if options.python {
        return script(home, "caches.py", &["--rust", "target/release/bench-cache"], options);
    }
    Ok(())
}

/// The other host: the script compares with Jinja2 and writes its own table.
fn python(home: &std::path::Path, options: &Options) -> Result<(), String> {
    script(home, "compare.py", &[], options)
}

/// Runs a script of the Python host, in the folder of the benchmarks.
fn script(home: &std::path::Path, name: &str, arguments: &[&str], options: &Options) -> Result<(), String> {
    let mut command = Command::new("python3");
    command.current_dir(home).arg(format!("python/{name}")).args(arguments);
    if options.quick {
        command.arg("--quick");
    }
    if options.write {
        command.arg("--write");
    }
    let status = command.status().map_err(|error| format!("python3: {error} (skip it with --no-python)"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} failed on the Python host")) }
}

/// What the engines are called, in the order of the tables.
const ENGINES: [Engine; 7] = [
    Engine { name: "haiden", dynamic: true },
    Engine { name: "minijinja", dynamic: true },
    Engine { name: "minijinja-fast", dynamic: true },
    Engine { name: "tera", dynamic: true },
    Engine { name: "tera-fast", dynamic: true },
    Engine { name: "askama", dynamic: false },
    Engine { name: "byhand", dynamic: false },
];
