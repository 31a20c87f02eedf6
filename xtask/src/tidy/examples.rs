//! Examples of the public crate.
//!
//! In: the Rust files of `haiden`. Out: an error for a public item whose documentation has no example of its own; rustdoc's own
//! lint for that wants a nightly compiler, and does not see through private modules.
//!
//! Invariant: fields, variants, modules, re-exports and what is hidden need none; other exceptions are in [`INSIDE`] and
//! [`WITHOUT`]. (`unreachable_pub` sees to it that what is `pub` can be reached.)

use super::Report;
use crate::tree::File;

const CRATE: &str = "crates/haiden/src/";

/// Files whose items are `pub` only because something hidden names them, and what that is.
const INSIDE: &[(&str, &str)] = &[
    ("value/deserialize/source.rs", "the deserializer's parameter, of which users see one case"),
    ("value/heap.rs", "what a register refers to"),
    ("value/host/context.rs", "the host's own types"),
    ("value/host/filters.rs", "the host's own types"),
    ("value/host/iterate.rs", "the host's own types"),
    ("value/host/link.rs", "the host's own types"),
    ("value/host/mod.rs", "the host's own types"),
    ("value/host/printing.rs", "the host's own types"),
    ("value/host/text.rs", "the host's own types"),
    ("value/typed.rs", "what the derive macros' code stands on, in a hidden module"),
    ("value/word.rs", "what a register holds"),
];

/// Single items, and why they need no example.
const WITHOUT: &[(&str, &str)] = &[("BoxedFunction", "named in hidden signatures alone")];

const STRIKE: &str = "strike it from xtask/src/tidy/examples.rs";

/// Looks at the documentation of every public item.
pub(super) fn check(files: &[File], report: &mut Report) {
    let mut used = Vec::new();
    for file in super::rust(files) {
        let Some(path) = file.path.strip_prefix(CRATE) else { continue };
        for item in without_example(&file.text) {
            if let Some((inside, _)) = INSIDE.iter().find(|(inside, _)| *inside == path) {
                used.push(*inside);
            } else if let Some((name, _)) = WITHOUT.iter().find(|(name, _)| *name == item.name) {
                used.push(*name);
            } else {
                let what = format!("`{}` has no example of its own", item.name);
                report.error(format!("{}:{}", file.path, item.line), what);
            }
        }
    }
    for (excused, _) in INSIDE.iter().chain(WITHOUT).filter(|(excused, _)| !used.contains(excused)) {
        report.error(excused, format!("needs no excuse: {STRIKE}"));
    }
}

/// A public item.
#[derive(Debug, PartialEq)]
struct Item<'t> {
    name: &'t str,
    line: usize,
}

/// The items of a file whose documentation has no block of code.
fn without_example(text: &str) -> Vec<Item<'_>> {
    let mut found = Vec::new();
    let mut hidden_types = Vec::new();
    // The documentation and attributes so far; what is open, and whether that is hidden.
    let (mut has_example, mut is_hidden, mut in_trait, mut in_hidden) = (false, false, false, false);
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        if trimmed == "#[cfg(test)]" {
            break;
        }
        if trimmed.starts_with("///") || trimmed.starts_with("#[") {
            has_example |= trimmed.starts_with("/// ```") || trimmed.starts_with("#[doc = include_str!");
            is_hidden |= trimmed.starts_with("#[doc(hidden)]");
            continue;
        }
        if ["message = ", "label = ", "note = ", ")]"].iter().any(|rest| trimmed.starts_with(rest)) {
            continue; // the rest of an attribute
        }
        if let Some(name) = item(trimmed, in_trait) {
            if is_hidden {
                hidden_types.push(name);
            } else if !(has_example || in_hidden) {
                found.push(Item { name, line: index + 1 });
            }
        }
        if line.starts_with("pub trait ") && !line.ends_with('}') {
            (in_trait, in_hidden) = (true, is_hidden);
        } else if let Some(of) = line.strip_prefix("impl ") {
            in_hidden = hidden_types.iter().any(|hidden| of.starts_with(hidden));
        } else if line == "}" {
            (in_trait, in_hidden) = (false, false);
        }
        (has_example, is_hidden) = (false, false);
    }
    found
}

/// The name of the public item that begins on this line.
fn item(line: &str, in_trait: bool) -> Option<&str> {
    const KINDS: [&str; 7] = ["fn ", "struct ", "enum ", "trait ", "type ", "const ", "static "];
    let mut rest = match line.strip_prefix("pub ") {
        Some(rest) => rest,
        None if in_trait && line.starts_with("fn ") => line,
        None => return None,
    };
    rest = rest.strip_prefix("async ").unwrap_or(rest);
    if rest.starts_with("const fn ") {
        rest = &rest["const ".len()..];
    }
    let name = KINDS.iter().find_map(|kind| rest.strip_prefix(kind))?;
    let end = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(name.len());
    Some(&name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let names: Vec<_> = without_example(text).into_iter().map(|item| item.name).collect();
        assert_eq!(names, expected, "{text}");
    }

    #[test]
    fn public_items_want_one() {
        check("/// A.\npub struct A {\n    /// A field.\n    pub field: u8,\n}", &["A"]);
        check(
            "/// A.\n/// ```\n/// let a = 1;\n/// ```\n#[derive(Debug)]\npub struct A;\n/// B.\npub enum B {}",
            &["B"],
        );
        check(
            "impl A {\n    /// F.\n    pub async fn f() {}\n    /// G.\n    pub const fn g() {}\n    fn h() {}\n}",
            &["f", "g"],
        );
        check("#[doc = include_str!(\"a.md\")]\npub use a::B;\npub mod c;\npub(crate) fn d() {}", &[]);
        check("#[cfg(test)]\nmod tests {\n    pub fn f() {}\n}", &[]);
    }

    #[test]
    fn methods_of_public_traits_do_too() {
        check("/// T.\npub trait T {\n    /// F.\n    fn f();\n}\nfn g() {}", &["T", "f"]);
        check("#[doc(hidden)]\npub trait T {\n    /// F.\n    fn f();\n}\n/// G.\npub fn g() {}", &["g"]);
        check(
            "#[doc(hidden)]\npub struct H;\nimpl H {\n    /// F.\n    pub fn f() {}\n}\nimpl A {\n    pub fn g() {}\n}",
            &["g"],
        );
        check("pub trait T {}\nimpl T for A {\n    fn f() {}\n}", &["T"]);
    }

    #[test]
    fn long_attributes_are_passed_over() {
        let text = "/// ```\n/// ```\n#[diagnostic::on_unimplemented(\n    message = \"m\",\n    note = \"n\"\n)]\npub trait T {}";
        check(text, &[]);
    }
}
