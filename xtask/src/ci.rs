//! CI: everything that must hold before a change lands, in the order in which it fails fastest.
//!
//! In: the repository. Out: each step with its time, and a summary; stops at the first failure unless told to keep going.
//!
//! Invariant: a tool that is not installed is skipped with a word on how to get it, never silently.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{Outcome, codegen, tidy, tree};

/// How to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run the remaining steps after a failure.
    #[arg(long)]
    keep_going: bool,
}

struct Step {
    name: &'static str,
    work: Work,
}

enum Work {
    /// A function of ours.
    Task(fn() -> Outcome),
    /// A cargo command, with variables of its environment.
    Cargo(&'static [&'static str], &'static [(&'static str, &'static str)]),
    /// A program that may be missing: its name, its arguments, how to get it.
    Optional(&'static str, &'static [&'static str], &'static str),
}

const STEPS: &[Step] = &[
    Step { name: "fmt", work: Work::Cargo(&["fmt", "--all", "--check"], &[]) },
    Step { name: "tidy", work: Work::Task(tidy::main) },
    Step { name: "codegen", work: Work::Task(codegen::check) },
    Step { name: "typos", work: Work::Optional("typos", &[], "./test installs it") },
    Step {
        name: "deny",
        work: Work::Optional("cargo-deny", &["check", "bans", "licenses", "sources"], "./test installs it"),
    },
    Step {
        name: "clippy",
        work: Work::Cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[]),
    },
    Step { name: "test", work: Work::Cargo(&["test", "--workspace", "--all-targets"], &[]) },
    Step { name: "conformance", work: Work::Cargo(&["xtask", "conformance"], &[]) },
    Step { name: "doctest", work: Work::Cargo(&["test", "--workspace", "--doc"], &[]) },
    Step {
        name: "rustdoc",
        work: Work::Cargo(
            &["doc", "--workspace", "--no-deps", "--document-private-items"],
            &[("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links")],
        ),
    },
];

/// Folders, from the root, where the project keeps tools of its own.
const TOOLS: &[&str] = &[".cache/tools/bin", ".cache/venv/bin"];

enum Verdict {
    Passed,
    Skipped(&'static str),
    Failed(String),
}

/// Runs the steps.
pub(crate) fn main(arguments: &Arguments) -> Outcome {
    let mut done: Vec<(&str, Verdict, Duration)> = Vec::new();
    for step in STEPS {
        println!("\n==> {}", step.name);
        let start = Instant::now();
        let verdict = run(&step.work);
        let failed = matches!(verdict, Verdict::Failed(_));
        done.push((step.name, verdict, start.elapsed()));
        if failed && !arguments.keep_going {
            break;
        }
    }
    summary(&done)
}

fn summary(done: &[(&str, Verdict, Duration)]) -> Outcome {
    println!("\n{:<10} {:>8}  result", "step", "seconds");
    for (name, verdict, time) in done {
        let verdict = match verdict {
            Verdict::Passed => "ok".to_owned(),
            Verdict::Skipped(how) => format!("skipped: not installed ({how})"),
            Verdict::Failed(why) => format!("FAILED: {why}"),
        };
        println!("{name:<10} {:>8.1}  {verdict}", time.as_secs_f64());
    }
    for step in &STEPS[done.len()..] {
        println!("{:<10} {:>8}  not run", step.name, "");
    }
    match done.iter().filter(|(_, verdict, _)| matches!(verdict, Verdict::Failed(_))).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} steps failed", STEPS.len())),
    }
}

fn run(work: &Work) -> Verdict {
    match work {
        Work::Task(task) => task().map_or_else(Verdict::Failed, |()| Verdict::Passed),
        Work::Cargo(arguments, variables) => {
            let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let mut command = Command::new(cargo);
            command.args(*arguments).envs(variables.iter().copied());
            spawn(command)
        }
        Work::Optional(program, arguments, how) => match find(program) {
            Some(path) => {
                let mut command = Command::new(path);
                command.args(*arguments);
                spawn(command)
            }
            None => Verdict::Skipped(how),
        },
    }
}

fn spawn(mut command: Command) -> Verdict {
    match command.current_dir(tree::root()).status() {
        Ok(status) if status.success() => Verdict::Passed,
        Ok(status) => Verdict::Failed(status.to_string()),
        Err(error) => Verdict::Failed(format!("cannot run {}: {error}", command.get_program().display())),
    }
}

/// The program among the project's own tools, or on the path.
fn find(program: &str) -> Option<PathBuf> {
    let own = TOOLS.iter().map(|folder| tree::root().join(folder));
    let path = env::var_os("PATH").unwrap_or_default();
    own.chain(env::split_paths(&path)).map(|folder| folder.join(program)).find(|file| file.is_file())
}
