//! Codegen: files that are written by the program that knows what they say.
//!
//! In: [`GENERATED`], a list of paths with the function that makes each text. Out: the files, or with `--check` an error
//! for each one that is stale.
//!
//! Invariant: a generated file is committed, begins with [`HEADER`], and depends on nothing but this repository's source.

use std::fmt::Write as _;
use std::fs;

use crate::tidy::arrows::{CRATES, Crate};
use crate::{Outcome, tree};

/// The first line of every generated Markdown page.
const HEADER: &str = "<!-- Written by `cargo xtask codegen`; do not edit. -->\n\n";

/// One generated file.
struct Generated {
    path: &'static str,
    text: fn() -> String,
}

/// All generated files. To add one: its path, and the function that makes its text.
const GENERATED: &[Generated] = &[
    Generated { path: "docs/crates.md", text: crates_page },
    Generated { path: "docs/bytecode.md", text: haiden_bytecode::markdown },
    Generated { path: "docs/builtins.md", text: builtins_page },
];

/// Writes what is stale.
pub(crate) fn write() -> Outcome {
    let stale = stale_files();
    for (path, text) in &stale {
        let target = tree::root().join(path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)
                .map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
        }
        fs::write(&target, text).map_err(|error| format!("cannot write {path}: {error}"))?;
        println!("wrote {path}");
    }
    println!("codegen: {} files, {} written", GENERATED.len(), stale.len());
    Ok(())
}

/// Compares only.
pub(crate) fn check() -> Outcome {
    let stale: Vec<String> = stale_files().into_iter().map(|(path, text)| difference(path, &text)).collect();
    if stale.is_empty() {
        println!("codegen: {} files are as they should be", GENERATED.len());
        return Ok(());
    }
    Err(format!("stale, run `cargo xtask codegen`:\n{}", stale.join("\n")))
}

/// The files whose text is not what it should be, with the text they should have.
fn stale_files() -> Vec<(&'static str, String)> {
    let all = GENERATED.iter().map(|file| (file.path, (file.text)()));
    all.filter(|(path, text)| tree::read(path).as_deref() != Some(text)).collect()
}

/// Names the first line that differs.
fn difference(path: &str, wanted: &str) -> String {
    let Some(found) = tree::read(path) else { return format!("  {path}: missing") };
    let equal = found.lines().zip(wanted.lines()).take_while(|(old, new)| old == new).count();
    let line = |text: &str| text.lines().nth(equal).unwrap_or("(end of file)").to_owned();
    format!(
        "  {path}:{}: is      {}\n  {path}:{}: must be {}",
        equal + 1,
        line(&found),
        equal + 1,
        line(wanted)
    )
}

/// `docs/crates.md`: the crates, their layers and arrows, from the table that `tidy` enforces.
fn crates_page() -> String {
    let mut page = format!("{HEADER}# Crates and arrows\n\n");
    page.push_str(
        "Arrows lead down; crates of one layer never import each other. `cargo xtask tidy` checks it.\n\n",
    );
    page.push_str("| layer | crate | imports | what it is |\n|---|---|---|---|\n");
    for Crate { name, layer, imports, .. } in CRATES {
        let imports = match imports {
            [] => "nothing of ours".to_owned(),
            some => some.iter().map(|import| format!("`{import}`")).collect::<Vec<_>>().join(", "),
        };
        let layer = if *layer > 3 { "dev".to_owned() } else { layer.to_string() };
        writeln!(page, "| {layer} | `{name}` | {imports} | {} |", description(name))
            .expect("a String takes any text");
    }
    page
}

/// `docs/builtins.md`: filters, tests and global functions, from the tables that bind their arguments.
fn builtins_page() -> String {
    format!("{HEADER}# Builtins\n\n{}", haiden_runtime::builtins::markdown())
}

/// The description in a crate's manifest.
fn description(name: &str) -> String {
    let manifest = tree::read(&format!("crates/{name}/Cargo.toml")).unwrap_or_default();
    let manifest: toml::Table = manifest.parse().unwrap_or_default();
    let text =
        manifest.get("package").and_then(|package| package.get("description")).and_then(toml::Value::as_str);
    text.unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn generated_files_are_fresh() {
        if let Err(why) = check() {
            panic!("{why}");
        }
    }

    #[test]
    fn generated_pages_say_so() {
        let is_page =
            |file: &&Generated| Path::new(file.path).extension().is_some_and(|extension| extension == "md");
        for file in GENERATED.iter().filter(is_page) {
            assert!((file.text)().starts_with(HEADER), "{}", file.path);
        }
    }
}
