//! Templates in directories of the file system.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::loader::{LoadError, Loader, Source};
use crate::python::repr::write_repr;

/// How deep [`FileSystemLoader::list_templates`] looks: deeper is a loop of links.
const MAX_DEPTH: usize = 64;

/// Loads templates from directories, the first that has the file wins.
///
/// A name is a path with `/` between its parts, below a search path. Names with `..`, backslashes or empty parts at the
/// front find nothing: a template's name never leads out of the search path by itself (a symbolic link may). What is no
/// regular file (a directory, a pipe, a device) is no template.
///
/// ```no_run
/// let mut environment = haiden::Environment::new();
/// environment.set_loader(haiden::loader::FileSystemLoader::new("templates"));
/// let page = environment.get_template("index.html")?.render(haiden::context! {})?;
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileSystemLoader {
    search_paths: Vec<PathBuf>,
    follow_links: bool,
}

impl FileSystemLoader {
    /// The loader of one directory.
    ///
    /// ```
    /// use haiden::loader::{FileSystemLoader, Loader};
    ///
    /// # let folder = std::env::temp_dir().join(format!("haiden-doc-new-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// std::fs::write(folder.join("hello.txt"), "Hello {{ name }}!")?;
    /// let mut environment = haiden::Environment::new();
    /// environment.set_loader(FileSystemLoader::new(&folder));
    /// assert_eq!(environment.get_template("hello.txt")?.render(haiden::context! { name => "Ann" })?, "Hello Ann!");
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(search_path: impl Into<PathBuf>) -> FileSystemLoader {
        FileSystemLoader { search_paths: vec![search_path.into()], follow_links: false }
    }

    /// The loader of several directories, looked at in this order.
    ///
    /// ```
    /// use haiden::loader::{FileSystemLoader, Loader};
    ///
    /// # let folder = std::env::temp_dir().join(format!("haiden-doc-paths-{}", std::process::id()));
    /// # for part in ["own", "shared"] { std::fs::create_dir_all(folder.join(part))?; }
    /// std::fs::write(folder.join("own/a.txt"), "own a")?;
    /// std::fs::write(folder.join("shared/a.txt"), "shared a")?;
    /// std::fs::write(folder.join("shared/b.txt"), "shared b")?;
    /// let loader = FileSystemLoader::with_search_paths([folder.join("own"), folder.join("shared")]);
    /// assert_eq!((loader.get_source("a.txt")?.text, loader.get_source("b.txt")?.text), ("own a".into(), "shared b".into()));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_search_paths<P: Into<PathBuf>>(
        search_paths: impl IntoIterator<Item = P>,
    ) -> FileSystemLoader {
        FileSystemLoader {
            search_paths: search_paths.into_iter().map(Into::into).collect(),
            follow_links: false,
        }
    }

    /// Whether [`Loader::list_templates`] follows links to directories (off by default).
    ///
    /// ```
    /// use haiden::loader::FileSystemLoader;
    ///
    /// let mut environment = haiden::Environment::new();
    /// environment.set_loader(FileSystemLoader::new("templates").follow_links(true));
    /// ```
    #[must_use]
    pub fn follow_links(mut self, follow: bool) -> FileSystemLoader {
        self.follow_links = follow;
        self
    }

    /// The directories.
    ///
    /// ```
    /// let loader = haiden::loader::FileSystemLoader::new("templates");
    /// assert_eq!(loader.search_paths(), [std::path::Path::new("templates")]);
    /// ```
    pub fn search_paths(&self) -> &[PathBuf] {
        &self.search_paths
    }

    fn not_found(&self, name: &str) -> LoadError {
        let mut message = String::new();
        write_repr(&mut message, name);
        message.push_str(" not found in search path");
        message.push_str(if self.search_paths.len() == 1 { ": " } else { "s: " });
        for (index, path) in self.search_paths.iter().enumerate() {
            if index > 0 {
                message.push_str(", ");
            }
            write_repr(&mut message, &path.to_string_lossy());
        }
        LoadError::NotFound(Some(message))
    }
}

/// The path of a template below a search path; `None` if the name leads elsewhere.
fn relative_path(name: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in name.split('/') {
        if part == ".." || part.contains('\\') || part.contains('\0') {
            return None;
        }
        if !part.is_empty() && part != "." {
            path.push(part);
        }
    }
    (path.components().next().is_some()).then_some(path)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

impl Loader for FileSystemLoader {
    fn get_source(&self, name: &str) -> Result<Source, LoadError> {
        let Some(relative) = relative_path(name) else { return Err(self.not_found(name)) };
        for search_path in &self.search_paths {
            let path = search_path.join(&relative);
            // A pipe would block whoever opens it: look first. Whatever cannot be looked at does not exist for us.
            let Some(metadata) = fs::metadata(&path).ok().filter(fs::Metadata::is_file) else { continue };
            let before = metadata.modified().ok();
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    return Err(LoadError::Unreadable(format!("cannot read {}: {error}", path.display())));
                }
            };
            let text = String::from_utf8(bytes).map_err(|error| not_utf8(&path, &error))?;
            let watched = path.clone();
            let up_to_date = move || modified(&watched).is_some_and(|now| Some(now) == before);
            return Ok(Source { text, filename: Some(path), up_to_date: Some(Arc::new(up_to_date)) });
        }
        Err(self.not_found(name))
    }

    fn list_templates(&self) -> Result<Vec<String>, LoadError> {
        let mut names = BTreeSet::new();
        for search_path in &self.search_paths {
            list(search_path, "", self.follow_links, MAX_DEPTH, &mut names)
                .map_err(|error| LoadError::Unreadable(cannot_list(search_path, &error)))?;
        }
        Ok(names.into_iter().collect())
    }
}

/// Why a search path has no templates.
fn cannot_list(path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    match (error.kind(), path.is_relative().then(std::env::current_dir)) {
        (io::ErrorKind::NotFound, Some(Ok(here))) => {
            format!("there is no folder {shown} in {}", here.display())
        }
        (io::ErrorKind::NotFound, _) => format!("there is no folder {shown}"),
        (io::ErrorKind::NotADirectory, _) => format!("{shown} is no folder"),
        _ => format!("cannot list {shown}: {error}"),
    }
}

fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> LoadError {
    let at = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    let line = memchr::memchr_iter(b'\n', &bytes[..at]).count() + 1;
    LoadError::Unreadable(format!(
        "{} is not UTF-8: byte 0x{:02x} at offset {at} (line {line})",
        path.display(),
        bytes.get(at).copied().unwrap_or_default(),
    ))
}

fn list(
    directory: &Path,
    prefix: &str,
    follow: bool,
    depth: usize,
    names: &mut BTreeSet<String>,
) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(file_name) = entry.file_name().into_string() else { continue };
        let name = format!("{prefix}{file_name}");
        let link = entry.file_type()?.is_symlink();
        let Ok(metadata) = fs::metadata(entry.path()) else { continue };
        if metadata.is_file() {
            names.insert(name);
        } else if metadata.is_dir() && depth > 0 && (follow || !link) {
            list(&entry.path(), &format!("{name}/"), follow, depth - 1, names)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_lead_out() {
        for name in ["../x", "a/../../x", "..", "a\\b", "", "/", ".", "a\0b"] {
            assert_eq!(relative_path(name), None, "{name:?}");
        }
        assert_eq!(relative_path("/a//./b"), Some(PathBuf::from("a/b")));
    }

    #[test]
    fn only_regular_files_are_templates() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        fs::create_dir(directory.path().join("sub"))?;
        fs::write(directory.path().join("sub/a.html"), "a")?;
        fs::write(directory.path().join("bad.html"), b"ok\n\xff")?;
        std::os::unix::fs::symlink("loop", directory.path().join("loop"))?;
        let loader = FileSystemLoader::new(directory.path());
        assert_eq!(loader.get_source("sub/a.html").map(|source| source.text), Ok("a".to_owned()));
        assert_eq!(loader.list_templates(), Ok(vec!["bad.html".to_owned(), "sub/a.html".to_owned()]));
        for name in ["sub", "loop", "missing"] {
            assert!(matches!(loader.get_source(name), Err(LoadError::NotFound(_))), "{name}");
        }
        let Err(LoadError::Unreadable(why)) = loader.get_source("bad.html") else {
            panic!("invalid UTF-8 was accepted")
        };
        assert!(why.ends_with("is not UTF-8: byte 0xff at offset 3 (line 2)"), "{why}");
        Ok(())
    }
}
