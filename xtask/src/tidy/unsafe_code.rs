//! Addresses of unsafe code.
//!
//! In: the Rust files. Out: an error for the keyword `unsafe` outside the table, and for a crate root that does not forbid it.
//!
//! Invariant: what each block promises is clippy's to ask (`undocumented_unsafe_blocks`); where it may stand is asked here.

use super::{Report, source};
use crate::tree::{self, File};

/// Where unsafe code may stand, and for what. A path that ends in `/` is a folder.
const ADDRESSES: &[(&str, &str)] = &[
    (
        "crates/haiden-runtime/src/window.rs",
        "register windows: reads and writes whose range the verifier proved",
    ),
    ("crates/haiden-runtime/src/vm/run.rs", "the dispatch loop: operands and jumps that the verifier proved"),
    (
        "crates/haiden-runtime/src/vm/rare.rs",
        "the dispatch loop's rarer arms: operands that the verifier proved",
    ),
    ("crates/haiden-runtime/src/append.rs", "short copies to a page: ranges checked beside them"),
    ("crates/haiden-runtime/src/escape.rs", "vectorised escape: loads inside the text's bounds"),
    ("crates/haiden-python/src/", "CPython's C interface and its layouts, per version"),
];

/// Crates that lift the ban in the files above; every other crate forbids unsafe code in its root.
const LIFTED: &[&str] = &["haiden-runtime", "haiden-python"];

/// Looks for the keyword, then at the roots.
pub(super) fn check(files: &[File], report: &mut Report) -> Result<(), String> {
    for file in super::rust(files).filter(|file| !has_address(&file.path)) {
        for line in lines_with_unsafe(&file.text) {
            report.error(format!("{}:{line}", file.path), "`unsafe` has no address here");
        }
    }
    let roots = tree::crates()?.into_iter().filter(|name| !LIFTED.contains(&name.as_str()));
    for folder in roots.map(|name| format!("crates/{name}")).chain(["xtask".to_owned()]) {
        for root in ["src/lib.rs", "src/main.rs"].map(|root| format!("{folder}/{root}")) {
            let Some(file) = files.iter().find(|file| file.path == root) else { continue };
            let code = source::code_only(&file.text);
            if !code.trim().is_empty() && !code.contains("#![forbid(unsafe_code)]") {
                report.error(root, "the crate root lacks #![forbid(unsafe_code)]");
            }
        }
    }
    Ok(())
}

fn has_address(path: &str) -> bool {
    ADDRESSES
        .iter()
        .any(|(address, _)| if address.ends_with('/') { path.starts_with(address) } else { path == *address })
}

/// The lines, counted from one, on which the keyword stands in code.
fn lines_with_unsafe(text: &str) -> Vec<usize> {
    let is_part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let has = |line: &str| line.split(|c| !is_part_of_word(c)).any(|word| word == "unsafe");
    source::code_only(text).lines().enumerate().filter(|(_, line)| has(line)).map(|(at, _)| at + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_counts() {
        let text = "// unsafe\nfn a() { unsafe { b() } }\nlet c = \"unsafe\"; /* unsafe\n unsafe */\n#![forbid(unsafe_code)]";
        assert_eq!(lines_with_unsafe(text), [2]);
    }

    #[test]
    fn addresses_are_exact_or_folders() {
        assert!(has_address("crates/haiden-runtime/src/escape.rs"));
        assert!(has_address("crates/haiden-python/src/fast/dict.rs"));
        assert!(!has_address("crates/haiden-runtime/src/escape/extra.rs"));
        assert!(!has_address("crates/haiden-python/tests/a.rs"));
    }
}
