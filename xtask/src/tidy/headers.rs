//! File headers.
//!
//! In: the Rust files. Out: an error for a file that does not begin by saying what it is.
//!
//! Invariant: only the first line counts; what it says is for people to judge.

use super::Report;
use crate::tree::File;

/// Folders whose Rust files are data for tests, not code of ours.
const DATA: &[&str] = &["/tests/data/", "/fuzz/corpus/"];

/// Looks at first lines.
pub(super) fn check(files: &[File], report: &mut Report) {
    for file in super::rust(files).filter(|file| DATA.iter().all(|data| !file.path.contains(data))) {
        if !file.text.starts_with("//! ") {
            report.error(&file.path, "does not begin with `//!` and what it is");
        }
    }
}
