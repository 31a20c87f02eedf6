//! Tidy: what no compiler checks.
//!
//! In: the files of the repository. Out: errors (they fail) and warnings (they are printed).
//! One file a rule: [`arrows`], [`unsafe_code`], [`sizes`], [`headers`], [`words`], [`examples`]; [`source`] blanks comments and strings.
//!
//! Invariant: a rule's exceptions are a table in its own file, each with a reason.

use std::fmt::Display;

use crate::Outcome;
use crate::tree::{self, File};

pub(crate) mod arrows;
mod examples;
mod headers;
mod sizes;
mod source;
mod unsafe_code;
mod words;

/// What the rules found.
#[derive(Default)]
struct Report {
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl Report {
    fn error(&mut self, place: impl Display, what: impl Display) {
        self.errors.push(format!("{place}: {what}"));
    }

    fn warn(&mut self, place: impl Display, what: impl Display) {
        self.warnings.push(format!("{place}: {what}"));
    }
}

/// Runs every rule and prints what they found.
pub(crate) fn main() -> Outcome {
    let (files, report) = run()?;
    for warning in &report.warnings {
        println!("warning: {warning}");
    }
    for error in &report.errors {
        println!("error: {error}");
    }
    match report.errors.len() {
        0 => {
            println!("tidy: {files} files, {} warnings", report.warnings.len());
            Ok(())
        }
        count => Err(format!("tidy found {count} errors")),
    }
}

/// Runs every rule; yields how many files there were, too.
fn run() -> Result<(usize, Report), String> {
    let files = tree::files()?;
    let mut report = Report::default();
    arrows::check(&mut report)?;
    unsafe_code::check(&files, &mut report)?;
    sizes::check(&files, &mut report);
    headers::check(&files, &mut report);
    words::check(&files, &mut report);
    examples::check(&files, &mut report);
    Ok((files.len(), report))
}

/// The Rust files among all files.
fn rust(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| file.is_rust())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let (_, report) = run().expect("the tree can be read");
        assert!(report.errors.is_empty(), "cargo xtask tidy finds:\n{}", report.errors.join("\n"));
    }
}
