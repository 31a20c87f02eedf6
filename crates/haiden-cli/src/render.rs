//! `haiden render`: templates and data become pages.
//!
//! A page is rendered completely before a byte of it is written, and a file is written under another name first: an
//! error leaves no partial page behind, and the page of the last run stays.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use haiden::loader::{FileSystemLoader, Loader};
use haiden::{AutoEscape, Environment, Value};
use haiden_cache::{BytecodeCache, FileSystemBytecodeCache};

use crate::Failure;
use crate::data::Context;

/// Render templates, or all pages of a directory.
///
/// A template is a file; what it extends, includes and imports is searched in its directory, then in those given with
/// --search. For a directory, every file below it is a page, except those whose name, or a folder of theirs, begins
/// with `_` (layouts, macros, includes) or with `.`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Template files, or one directory of pages.
    #[arg(required = true, value_name = "TEMPLATE|DIR")]
    templates: Vec<PathBuf>,
    /// A data file (.json, .yaml, .toml); its top-level keys are variables. Later files win.
    #[arg(long, value_name = "FILE")]
    data: Vec<PathBuf>,
    /// A variable with a text value. Wins over data files.
    #[arg(long, value_name = "NAME=VALUE")]
    define: Vec<String>,
    /// A further directory to search for templates.
    #[arg(long, value_name = "DIR")]
    search: Vec<PathBuf>,
    /// The directory of the bytecode cache, or `none`. [default: a safe directory of your own]
    #[arg(long, value_name = "DIR|none")]
    cache: Option<PathBuf>,
    /// Which templates escape what they print.
    #[arg(long, value_enum, default_value_t = Mode::Auto, value_name = "MODE")]
    autoescape: Mode,
    /// The file to write, or the directory if there are several pages. [default: standard output]
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Print what the bytecode cache did, on standard error.
    #[arg(long)]
    stats: bool,
}

/// Which templates escape what they print.
#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Those whose name ends in .html, .htm or .xml.
    Auto,
    /// All.
    On,
    /// None.
    Off,
}

/// One page: where its template is, the template's name there, and the path below the output.
struct Page {
    directory: PathBuf,
    template: String,
    path: PathBuf,
}

pub(crate) fn main(arguments: &Arguments) -> Result<(), Failure> {
    let pages = pages(arguments)?;
    let mut context = Context::default();
    for file in &arguments.data {
        context.add_file(file)?;
    }
    for definition in &arguments.define {
        context.define(definition).map_err(Failure::Usage)?;
    }
    let context = Value::from_serialize(&context).map_err(|error| format!("cannot use the data: {error}"))?;
    let cache = cache(arguments)?;
    let mut environments = BTreeMap::new();
    let single = pages.len() == 1 && !arguments.templates[0].is_dir();
    let outcome = pages.iter().try_for_each(|page| {
        let text = environments
            .entry(&page.directory)
            .or_insert_with_key(|directory| environment(arguments, directory, cache.clone()))
            .get_template(&page.template)
            .and_then(|template| template.render(&context))
            .map_err(|error| Failure::Failed(error.report()))?;
        match &arguments.output {
            None => io::stdout().write_all(text.as_bytes()).map_err(|error| Failure::output(&error)),
            Some(path) if single => write(path, &text),
            Some(directory) => write(&directory.join(&page.path), &text),
        }
    });
    if arguments.stats {
        print_statistics(pages.len(), cache.as_deref());
    }
    outcome
}

/// The environment of the templates in a directory: that is searched first, so that each file is the page it was
/// named for.
fn environment(
    arguments: &Arguments,
    directory: &Path,
    cache: Option<Arc<dyn BytecodeCache>>,
) -> Environment {
    let mut environment = Environment::new();
    let searched = iter::once(directory).chain(arguments.search.iter().map(PathBuf::as_path));
    environment.set_loader(FileSystemLoader::with_search_paths(searched));
    environment.set_autoescape(match arguments.autoescape {
        Mode::Auto => AutoEscape::by_extension(),
        Mode::On => AutoEscape::On,
        Mode::Off => AutoEscape::Off,
    });
    environment.set_bytecode_cache(cache);
    environment
}

/// The pages that were asked for.
fn pages(arguments: &Arguments) -> Result<Vec<Page>, Failure> {
    for directory in &arguments.search {
        if !directory.is_dir() {
            return Err(Failure::Usage(format!(
                "--search {}: there is no such directory",
                directory.display()
            )));
        }
    }
    let mut pages = Vec::new();
    if let [directory] = &arguments.templates[..]
        && directory.is_dir()
    {
        let names = FileSystemLoader::new(directory).list_templates().map_err(|error| error.to_string())?;
        pages.extend(
            names.into_iter().filter(|name| is_page(name)).map(|name| Page::new(directory.clone(), name)),
        );
        if pages.is_empty() {
            return Err(Failure::Failed(format!(
                "{}: there is no page; files and folders that begin with `_` or `.` are none",
                directory.display()
            )));
        }
    } else {
        for path in &arguments.templates {
            let (directory, name) = split(path)?;
            pages.push(Page::new(directory, name));
        }
    }
    if pages.len() > 1 && arguments.output.as_ref().is_some_and(|path| path.is_file()) {
        return Err(Failure::Usage(
            "-o names a file, but there are several pages: name a directory".to_owned(),
        ));
    }
    let mut written: BTreeMap<&Path, &Page> = BTreeMap::new();
    for page in &pages {
        if let Some(other) = written.insert(&page.path, page)
            && arguments.output.is_some()
        {
            return Err(Failure::Usage(format!(
                "two templates would be written to {}: {} and {}",
                page.path.display(),
                other.directory.join(&other.template).display(),
                page.directory.join(&page.template).display()
            )));
        }
    }
    Ok(pages)
}

impl Page {
    fn new(directory: PathBuf, template: String) -> Page {
        let path = PathBuf::from(&template);
        Page { directory, template, path }
    }
}

fn is_page(name: &str) -> bool {
    name.split('/').all(|part| !part.starts_with('_') && !part.starts_with('.'))
}

/// A template file's directory and its name there.
fn split(path: &Path) -> Result<(PathBuf, String), Failure> {
    if path.is_dir() {
        return Err(Failure::Usage(format!(
            "{} is a directory: it can be rendered only by itself",
            path.display()
        )));
    }
    if !path.is_file() {
        let why = if path.exists() { "it is no regular file" } else { "there is no such file" };
        return Err(Failure::Failed(format!("{}: {why}", path.display())));
    }
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(name) = name else {
        return Err(Failure::Failed(format!("{}: its name is not UTF-8", path.display())));
    };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    Ok((directory, name.to_owned()))
}

fn cache(arguments: &Arguments) -> Result<Option<Arc<dyn BytecodeCache>>, Failure> {
    let directory = match &arguments.cache {
        Some(path) if path.as_os_str() == "none" => return Ok(None),
        directory => directory,
    };
    let opened = open_cache(directory.as_deref());
    match (opened, directory) {
        (Ok(cache), _) => Ok(Some(Arc::new(cache))),
        (Err(error), Some(directory)) => Err(Failure::Failed(format!(
            "cannot use the cache directory {}: {error}; name another one, or --cache none",
            directory.display()
        ))),
        // Nobody asked for this directory: without it pages are as right, only slower.
        (Err(_), None) => Ok(None),
    }
}

/// The parents of the directory are made here; the directory itself is the cache's to make, for this user alone.
fn open_cache(directory: Option<&Path>) -> Result<FileSystemBytecodeCache, String> {
    if let Some(parent) = directory.and_then(Path::parent)
        && !parent.as_os_str().is_empty()
    {
        fs::create_dir_all(parent).map_err(|error| format!("its parent {}: {error}", parent.display()))?;
    }
    FileSystemBytecodeCache::new(directory, haiden_cache::DEFAULT_PATTERN).map_err(|error| error.to_string())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    write_atomically(path, text)
        .map_err(|error| Failure::Failed(format!("cannot write {}: {error}", path.display())))
}

fn write_atomically(path: &Path, text: &str) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(directory)?;
    if path.exists() && !path.is_file() {
        // A device or a pipe (`-o /dev/stdout`) is written to; nothing can be renamed over it.
        return fs::write(path, text);
    }
    let mut file = tempfile::Builder::new().prefix(".haiden-").tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    set_ordinary_mode(file.as_file())?;
    file.persist(path)?;
    Ok(())
}

/// Temporary files are private; a page is as readable as the user's umask makes files.
#[cfg(unix)]
fn set_ordinary_mode(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let probe = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o666)).tempfile();
    let mode = probe.and_then(|probe| probe.as_file().metadata()).map_or(0o644, |m| m.permissions().mode());
    file.set_permissions(fs::Permissions::from_mode(mode & 0o777))
}

#[cfg(not(unix))]
fn set_ordinary_mode(_: &fs::File) -> io::Result<()> {
    Ok(())
}

fn print_statistics(pages: usize, cache: Option<&dyn BytecodeCache>) {
    let mut report = format!("rendered {pages} page{}\n", if pages == 1 { "" } else { "s" });
    match cache {
        Some(cache) => report.push_str(&cache.statistics().to_string()),
        None => report.push_str("no bytecode cache"),
    }
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(io::stderr(), "{}", report.trim_end());
}
