//! File sizes.
//!
//! In: the Rust files. Out: a warning above 500 lines, an error above 800.
//!
//! Invariant: a longer file is generated or a table, and says so in [`LONGER`].

use super::Report;
use crate::tree::File;

const WARN: usize = 500;
const FAIL: usize = 800;

/// Files that may be longer, and why. A line that names no file, or a short one, is an error.
const LONGER: &[(&str, &str)] = &[(
    "crates/haiden-runtime/src/vm/run.rs",
    "the dispatch loop: one arm per instruction, in the order of the instruction table",
)];

const STRIKE: &str = "strike it from LONGER in xtask/src/tidy/sizes.rs";

/// Counts lines.
pub(super) fn check(files: &[File], report: &mut Report) {
    lengths(files, report);
    gone(files, report);
}

fn lengths(files: &[File], report: &mut Report) {
    for file in super::rust(files) {
        let lines = file.text.lines().count();
        let excused = LONGER.iter().any(|(path, _)| *path == file.path);
        if excused && lines <= WARN {
            report.error(&file.path, format!("is short now: {STRIKE}"));
        } else if !excused && lines > FAIL {
            report.error(&file.path, format!("{lines} lines, at most {FAIL}: what is it made of?"));
        } else if !excused && lines > WARN {
            report.warn(&file.path, format!("{lines} lines, better at most {WARN}"));
        }
    }
}

/// Lines of the table that name no file.
fn gone(files: &[File], report: &mut Report) {
    for (path, _) in LONGER.iter().filter(|(path, _)| files.iter().all(|file| file.path != *path)) {
        report.error(path, format!("is gone: {STRIKE}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: usize, errors: usize, warnings: usize) {
        let mut report = Report::default();
        lengths(&[File { path: "a.rs".into(), text: "\n".repeat(lines) }], &mut report);
        assert_eq!((report.errors.len(), report.warnings.len()), (errors, warnings), "{lines} lines");
    }

    #[test]
    fn limits_are_inclusive() {
        check(WARN, 0, 0);
        check(WARN + 1, 0, 1);
        check(FAIL, 0, 1);
        check(FAIL + 1, 1, 0);
    }
}
