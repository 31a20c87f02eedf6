//! Runs recorded cases on every host and path: `cargo xtask conformance` calls it.
//!
//! In: files of cases, or nothing for the corpus. Out: a line per host and path; what failed; a failing status.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::path::Path;
use std::process::ExitCode;

use haiden_testkit::conformance::{self, Runner};

/// How many failures a runner shows.
const SHOWN: usize = 200;

fn main() -> ExitCode {
    match judge(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::FAILURE
        }
    }
}

fn judge(files: &[String]) -> Result<bool, String> {
    let whole = files.is_empty();
    let cases = if whole {
        conformance::corpus()?
    } else {
        files
            .iter()
            .map(|file| conformance::cases_of(Path::new(file)))
            .collect::<Result<Vec<_>, _>>()?
            .concat()
    };
    let mut tallies = Vec::new();
    for runner in Runner::ALL {
        let ledger = conformance::ledger(runner.host())?;
        tallies.push((runner, conformance::run(runner, &cases, &ledger, whole)));
    }
    print!("{}", conformance::report(&tallies, SHOWN));
    Ok(tallies.iter().all(|(_, tally)| tally.failures.is_empty()))
}
