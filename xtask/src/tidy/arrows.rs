//! Arrows: which crate may import which.
//!
//! In: each `Cargo.toml` in `crates/`. Out: an error for each arrow that the table does not hold.
//!
//! Invariant: arrows go down, and crates of one layer never import each other; a test proves it of the table itself.

use toml::{Table, Value};

use super::Report;
use crate::tree;

/// One crate of ours, and what it may import.
pub(crate) struct Crate {
    /// The package and its folder in `crates/`.
    pub(crate) name: &'static str,
    /// Its layer; an arrow leads from a higher layer to a lower one.
    pub(crate) layer: u8,
    /// Crates of ours it may import.
    pub(crate) imports: &'static [&'static str],
    /// Crates of others it must never import: they would bring I/O, clocks or one host's values where none belong.
    pub(crate) never: &'static [&'static str],
}

/// The crate that may be a development dependency of any other.
const TESTKIT: &str = "haiden-testkit";

/// Pure crates: no I/O, no clock, no random source, no host's values.
const PURE: &[&str] =
    &["pyo3", "serde", "serde_json", "rustix", "libc", "rand", "getrandom", "tracing-subscriber"];

/// No Python.
const NATIVE: &[&str] = &["pyo3"];

/// The table: a new line or a longer one is a decision for `docs/adr/`.
pub(crate) const CRATES: &[Crate] = &[
    Crate { name: "haiden-syntax", layer: 0, imports: &[], never: PURE },
    Crate { name: "haiden-bytecode", layer: 0, imports: &[], never: PURE },
    Crate { name: "haiden-cache", layer: 0, imports: &[], never: NATIVE },
    Crate { name: "haiden-derive", layer: 0, imports: &[], never: NATIVE },
    Crate { name: "haiden-compiler", layer: 1, imports: &["haiden-syntax", "haiden-bytecode"], never: PURE },
    Crate { name: "haiden-runtime", layer: 1, imports: &["haiden-bytecode"], never: PURE },
    Crate { name: "haiden", layer: 2, imports: FACADE, never: NATIVE },
    Crate { name: "haiden-python", layer: 2, imports: ENGINE, never: &[] },
    Crate { name: "haiden-cli", layer: 3, imports: &["haiden", "haiden-cache"], never: NATIVE },
    Crate { name: TESTKIT, layer: 4, imports: EVERYTHING, never: NATIVE },
];

/// What both façades stand on.
const ENGINE: &[&str] =
    &["haiden-syntax", "haiden-compiler", "haiden-bytecode", "haiden-runtime", "haiden-cache"];

/// What the crate for Rust stands on: the engine, and its macros.
const FACADE: &[&str] = &[
    "haiden-syntax",
    "haiden-compiler",
    "haiden-bytecode",
    "haiden-runtime",
    "haiden-cache",
    "haiden-derive",
];

/// What development crates may import.
const EVERYTHING: &[&str] = &[
    "haiden-syntax",
    "haiden-compiler",
    "haiden-bytecode",
    "haiden-runtime",
    "haiden-cache",
    "haiden",
    "haiden-cli",
];

/// Compares each manifest with the table.
pub(super) fn check(report: &mut Report) -> Result<(), String> {
    for folder in tree::crates()? {
        let path = format!("crates/{folder}/Cargo.toml");
        let text = tree::read(&path).ok_or_else(|| format!("cannot read {path}"))?;
        let manifest: Table = text.parse().map_err(|error| format!("{path}: {error}"))?;
        let Some(rules) = CRATES.iter().find(|known| known.name == folder) else {
            report.error(path, "this crate is not in the table of xtask/src/tidy/arrows.rs");
            continue;
        };
        check_manifest(rules, &path, &manifest, report);
    }
    Ok(())
}

fn check_manifest(rules: &Crate, path: &str, manifest: &Table, report: &mut Report) {
    if text_at(manifest, &["package", "name"]) != Some(rules.name) {
        report.error(path, "the package is not named as its folder");
    }
    if manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool) != Some(true) {
        report.error(path, "the workspace's lints are not switched on ([lints] workspace = true)");
    }
    for (section, import) in imports(manifest) {
        let dev = section == "dev-dependencies";
        let ours = CRATES.iter().any(|known| known.name == import);
        // A crate may import itself for its tests, with features that users switch on.
        let for_tests = dev && (import == TESTKIT || import == rules.name);
        if ours && !rules.imports.contains(&import.as_str()) && !for_tests {
            report.error(path, format!("`{}` must not import `{import}`", rules.name));
        }
        if !dev && rules.never.contains(&import.as_str()) {
            report.error(path, format!("`{}` must not import `{import}`", rules.name));
        }
    }
}

/// Every dependency of a manifest with the section it stands in, those for one target included.
fn imports(manifest: &Table) -> Vec<(&'static str, String)> {
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = std::iter::once(manifest).chain(targets.filter_map(Value::as_table));
    let mut found = Vec::new();
    for table in tables {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (key, value) in table.get(section).and_then(Value::as_table).into_iter().flatten() {
                let package = value.get("package").and_then(Value::as_str).unwrap_or(key);
                found.push((section, package.to_owned()));
            }
        }
    }
    found
}

fn text_at<'t>(table: &'t Table, path: &[&str]) -> Option<&'t str> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(key))?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> &'static Crate {
        CRATES.iter().find(|known| known.name == name).expect("the table names the crate")
    }

    #[test]
    fn the_table_leads_down() {
        for from in CRATES {
            for to in from.imports {
                assert!(named(to).layer < from.layer, "{} -> {to}", from.name);
            }
        }
    }

    #[track_caller]
    fn check(name: &str, manifest: &str, errors: &[&str]) {
        let head = format!("lints.workspace = true\npackage.name = \"{name}\"\n");
        let mut report = Report::default();
        let manifest = (head + manifest).parse().expect("the manifest is TOML");
        check_manifest(named(name), "M", &manifest, &mut report);
        assert_eq!(report.errors, errors);
    }

    #[test]
    fn arrows_of_the_table_pass() {
        check("haiden-compiler", "dependencies.haiden-syntax.workspace = true", &[]);
        check("haiden-syntax", "dev-dependencies.haiden-testkit.workspace = true", &[]);
    }

    #[test]
    fn other_arrows_are_found() {
        let error = "M: `haiden-runtime` must not import `haiden-compiler`";
        check("haiden-runtime", "dependencies.haiden-compiler.workspace = true", &[error]);
        check("haiden-runtime", "dependencies.c = { package = \"haiden-compiler\", path = \"x\" }", &[error]);
        check("haiden-runtime", "target.'cfg(unix)'.dependencies.haiden-compiler.path = \"x\"", &[error]);
        check("haiden-runtime", "dependencies.pyo3 = \"1\"", &["M: `haiden-runtime` must not import `pyo3`"]);
    }
}
