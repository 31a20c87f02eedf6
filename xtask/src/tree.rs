//! The tree of files: where the repository is, which files belong to it, and what their text is.
//!
//! In: the folder this crate was compiled in. Out: paths relative to the root, with `/`, sorted.
//!
//! Invariant: built, cached and hidden things (other than the project's own) are never listed.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours, wherever they are.
const SKIPPED: &[&str] = &["target", "build", "dist", "__pycache__", "node_modules", "venv"];

/// Hidden folders that are ours all the same.
const OWN_HIDDEN: &[&str] = &[".cargo", ".ci"];

/// Folders of projects of their own, deeper than any tree of ours: a bound, not a limit anyone meets.
const MAX_DEPTH: usize = 24;

/// One text file of the repository.
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
}

impl File {
    /// Whether the file is Rust source.
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask is a folder of the workspace").to_path_buf()
}

/// Reads every text file of the repository; what is no UTF-8 is no text.
pub(crate) fn files() -> Result<Vec<File>, String> {
    let mut paths = Vec::new();
    collect(&root(), "", MAX_DEPTH, &mut paths)?;
    paths.sort();
    let read = |path: String| {
        let bytes = fs::read(root().join(&path)).map_err(|error| format!("cannot read {path}: {error}"))?;
        Ok(String::from_utf8(bytes).ok().map(|text| File { path, text }))
    };
    paths.into_iter().filter_map(|path| read(path).transpose()).collect()
}

/// Reads one file by its path from the root; `None` when there is no such file.
pub(crate) fn read(path: &str) -> Option<String> {
    fs::read_to_string(root().join(path)).ok()
}

/// Names the crates in `crates/`, sorted.
pub(crate) fn crates() -> Result<Vec<String>, String> {
    let entries =
        fs::read_dir(root().join("crates")).map_err(|error| format!("cannot list crates: {error}"))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

fn collect(folder: &Path, prefix: &str, depth: usize, paths: &mut Vec<String>) -> Result<(), String> {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    for entry in entries.filter_map(Result::ok) {
        let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else { continue };
        let path = format!("{prefix}{name}");
        if kind.is_file() && name != ".git" {
            paths.push(path);
        } else if kind.is_dir() && depth > 0 && is_ours(&name) {
            collect(&entry.path(), &format!("{path}/"), depth - 1, paths)?;
        }
    }
    Ok(())
}

fn is_ours(folder: &str) -> bool {
    if folder.starts_with('.') { OWN_HIDDEN.contains(&folder) } else { !SKIPPED.contains(&folder) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_files_are_listed_and_built_ones_are_not() {
        let files = files().expect("the tree can be read");
        assert!(files.iter().any(|file| file.path == "xtask/src/tree.rs"));
        assert!(files.iter().all(|file| !file.path.contains("target/") && !file.path.starts_with(".git/")));
    }
}
