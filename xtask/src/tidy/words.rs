//! Words that must not be written.
//!
//! In: all text files. Out: an error for a path of somebody's machine, a mark of an unresolved merge, a forgotten to-do.
//!
//! Invariant: the words are spelt in halves here, so that this file passes its own rule.

use super::Report;
use crate::tree::File;

struct Word {
    text: &'static str,
    why: &'static str,
    /// Only files with this ending; empty means all.
    only: &'static str,
}

const WORDS: &[Word] = &[
    Word { text: concat!("/wo", "rk/"), why: "a path of one machine", only: "" },
    Word { text: concat!("/ro", "ot/"), why: "a path of one machine", only: "" },
    Word { text: concat!("<<<<", "<<< "), why: "an unresolved merge", only: "" },
    Word { text: concat!(">>>>", ">>> "), why: "an unresolved merge", only: "" },
    Word { text: concat!("todo", "!("), why: "unfinished code", only: ".rs" },
    Word { text: concat!("TO", "DO"), why: "a note to oneself; file an issue", only: ".rs" },
    Word { text: concat!("FIX", "ME"), why: "a note to oneself; file an issue", only: ".rs" },
    Word { text: concat!("#[all", "ow("), why: "write #[expect(…, reason = \"…\")]", only: ".rs" },
];

/// Looks for each word on each line.
pub(super) fn check(files: &[File], report: &mut Report) {
    for file in files {
        for word in
            WORDS.iter().filter(|word| file.path.ends_with(word.only) && file.text.contains(word.text))
        {
            for (at, _) in file.text.lines().enumerate().filter(|(_, line)| line.contains(word.text)) {
                report.error(format!("{}:{}", file.path, at + 1), format!("`{}`: {}", word.text, word.why));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, lines: &[usize]) {
        let mut report = Report::default();
        super::check(&[File { path: path.into(), text: text.into() }], &mut report);
        let places: Vec<String> = lines.iter().map(|line| format!("{path}:{line}")).collect();
        assert_eq!(report.errors.len(), places.len(), "{:?}", report.errors);
        assert!(report.errors.iter().zip(&places).all(|(error, place)| error.starts_with(place)));
    }

    #[test]
    fn words_are_found_where_they_count() {
        check("a.md", concat!("a\nsee /wo", "rk/x\n"), &[2]);
        check("a.md", concat!("TO", "DO"), &[]);
        check("a.rs", concat!("// TO", "DO\n"), &[1]);
        check("a.rs", "// network/artwork and rooted", &[]);
    }
}
