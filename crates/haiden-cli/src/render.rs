//! `haiden render`: templates and data become pages.
//!
//! A page is rendered completely before a byte of it is written, and a file is written under another name first: an
//! error leaves no partial page behind, and the page of the last run stays.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use haiden::loader::{FileSystemLoader, Loader};
use haiden::{AutoEscape, Environment, Value};
use haiden_cache::{
    Bundle, BytecodeCache, CacheErrorKind, CacheUrl, FileSystemBytecodeCache, KeyRing, Opening,
};

use crate::Failure;
use crate::cache::why;
use crate::data::Context;

/// Render templates, or all pages of a directory.
///
/// A template is a file; what it extends, includes and imports is searched in its directory, then in those given with
/// --search. For a directory, every file below it is a page, except those whose name, or a folder of theirs, begins
/// with `_` (layouts, macros, includes) or with `.`. With a sealed --bundle the templates are names in it; without any,
/// all its pages are rendered.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Template files, or one directory of pages.
    #[arg(required_unless_present = "bundle", value_name = "TEMPLATE|DIR")]
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
    /// The bytecode cache: its directory, a URL as `haiden cache` takes it (sqlite:, redis://, memcached://), or `none`.
    /// [default: a safe directory of your own]
    #[arg(long, value_name = "DIR|URL|none")]
    cache: Option<PathBuf>,
    /// A bundle that `haiden compile` made: it is asked before the cache and, if it is sealed, instead of the sources.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// A file of secrets, one a line: only a bundle that was signed with one of them is used; entries of the cache are
    /// signed with the first, and those signed with none are misses.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Write to a server's cache without signing: everybody who can write there can then change your pages.
    #[arg(long, conflicts_with = "key")]
    unauthenticated: bool,
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
pub(crate) enum Mode {
    /// Those whose name ends in .html, .htm or .xml.
    Auto,
    /// All.
    On,
    /// None.
    Off,
}

impl From<Mode> for AutoEscape {
    fn from(mode: Mode) -> AutoEscape {
        match mode {
            Mode::Auto => AutoEscape::by_extension(),
            Mode::On => AutoEscape::On,
            Mode::Off => AutoEscape::Off,
        }
    }
}

/// One page: where its template is, the template's name there, and the path below the output.
struct Page {
    directory: PathBuf,
    template: String,
    path: PathBuf,
}

pub(crate) fn main(arguments: &Arguments) -> Result<(), Failure> {
    for directory in &arguments.search {
        if !directory.is_dir() {
            return Err(Failure::Usage(format!(
                "--search {}: there is no such directory",
                directory.display()
            )));
        }
    }
    let bundle = bundle(arguments)?;
    let sealed = bundle.as_ref().filter(|bundle| bundle.is_sealed());
    let pages = match sealed {
        Some(bundle) => bundled_pages(arguments, bundle)?,
        None => pages(arguments)?,
    };
    check_outputs(arguments, &pages)?;
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
    let single = arguments.templates.len() == 1
        && pages.len() == 1
        && (sealed.is_some() || !arguments.templates[0].is_dir());
    let outcome = pages.iter().try_for_each(|page| {
        let text = environments
            .entry(&page.directory)
            .or_insert_with_key(|directory| environment(arguments, directory, cache.clone(), bundle.clone()))
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
        print_statistics(pages.len(), bundle.as_deref(), cache.as_deref());
    }
    outcome
}

/// The environment of the templates in a directory: that is searched first, so that each file is the page it was
/// named for.
fn environment(
    arguments: &Arguments,
    directory: &Path,
    cache: Option<Arc<dyn BytecodeCache>>,
    bundle: Option<Arc<Bundle>>,
) -> Environment {
    let mut environment = Environment::new();
    let own = (!directory.as_os_str().is_empty()).then_some(directory);
    let searched = own.into_iter().chain(arguments.search.iter().map(PathBuf::as_path));
    environment.set_loader(FileSystemLoader::with_search_paths(searched));
    environment.set_autoescape(arguments.autoescape);
    environment.set_bytecode_cache(cache);
    environment.set_bundle(bundle);
    environment
}

/// The pages that were asked for.
fn pages(arguments: &Arguments) -> Result<Vec<Page>, Failure> {
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
    Ok(pages)
}

/// The pages of a sealed bundle that were asked for: those that are named, or all.
fn bundled_pages(arguments: &Arguments, bundle: &Bundle) -> Result<Vec<Page>, Failure> {
    let shown = || arguments.bundle.as_deref().unwrap_or(Path::new("")).display().to_string();
    let mut pages = Vec::new();
    for path in &arguments.templates {
        let name = path.to_str().filter(|wanted| bundle.names().any(|name| name == *wanted));
        let Some(name) = name else {
            return Err(Failure::Failed(format!(
                "{}: there is no such template in {}; a sealed bundle's templates are named as they were in their \
                 directory",
                path.display(),
                shown()
            )));
        };
        pages.push(Page::new(PathBuf::new(), name.to_owned()));
    }
    if arguments.templates.is_empty() {
        let names = bundle.names().filter(|name| is_page(name));
        pages.extend(names.map(|name| Page::new(PathBuf::new(), name.to_owned())));
        if pages.is_empty() {
            return Err(Failure::Failed(format!("{}: there is no page in it", shown())));
        }
    }
    // Names in a bundle are whatever its maker wrote.
    let leads_out = |page: &&Page| !page.path.components().all(|part| matches!(part, Component::Normal(_)));
    match pages.iter().find(leads_out) {
        Some(page) if arguments.output.is_some() && arguments.templates.len() != 1 => Err(Failure::Failed(
            format!("{}: the page {:?} would be written outside the output", shown(), page.template),
        )),
        _ => Ok(pages),
    }
}

/// Each page needs a file of its own.
fn check_outputs(arguments: &Arguments, pages: &[Page]) -> Result<(), Failure> {
    if pages.len() > 1 && arguments.output.as_ref().is_some_and(|path| path.is_file()) {
        return Err(Failure::Usage(
            "-o names a file, but there are several pages: name a directory".to_owned(),
        ));
    }
    let mut written: BTreeMap<&Path, &Page> = BTreeMap::new();
    for page in pages {
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
    Ok(())
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
pub(crate) fn split(path: &Path) -> Result<(PathBuf, String), Failure> {
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

fn bundle(arguments: &Arguments) -> Result<Option<Arc<Bundle>>, Failure> {
    let Some(path) = &arguments.bundle else { return Ok(None) };
    let opened = match &arguments.key {
        Some(key) => KeyRing::from_file(key).and_then(|keys| Bundle::open_signed(path, keys)),
        None => Bundle::open(path),
    };
    let bundle = opened.map_err(|error| error.to_string())?;
    if arguments.templates.is_empty() && !bundle.is_sealed() {
        return Err(Failure::Usage(format!(
            "{} is not sealed: name the templates, or the directory, that it was compiled from",
            path.display()
        )));
    }
    Ok(Some(Arc::new(bundle)))
}

fn cache(arguments: &Arguments) -> Result<Option<Arc<dyn BytecodeCache>>, Failure> {
    let none = arguments.cache.as_ref().is_none_or(|path| path.as_os_str() == "none");
    if arguments.key.is_some() && arguments.bundle.is_none() && none {
        return Err(Failure::Usage(
            "--key: for what? Name a cache with --cache, or a bundle with --bundle".into(),
        ));
    }
    let directory = match &arguments.cache {
        Some(path) if path.as_os_str() == "none" => return Ok(None),
        directory => directory,
    };
    if let Some(url) = directory.as_deref().and_then(Path::to_str)
        && (arguments.key.is_some() || is_url(url))
    {
        return opened_cache(url, arguments).map(Some);
    }
    if arguments.key.is_some() && arguments.bundle.is_none() {
        return Err(Failure::Usage(
            "--key: for what? Name a cache with --cache, or a bundle with --bundle".into(),
        ));
    }
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

/// Does this name a cache by its URL? A directory may have a colon in its name.
fn is_url(name: &str) -> bool {
    match CacheUrl::parse(name) {
        Ok(CacheUrl::Directory(..)) => name.starts_with("file:"),
        Ok(_) => true,
        Err(_) => name.contains("://") || ["file:", "sqlite:"].iter().any(|scheme| name.starts_with(scheme)),
    }
}

/// The cache at a URL. Pages do without it when it fails later, and the statistics tell.
fn opened_cache(url: &str, arguments: &Arguments) -> Result<Arc<dyn BytecodeCache>, Failure> {
    let shown = CacheUrl::without_password(url);
    let mut opening = Opening::new();
    if let Some(path) = &arguments.key {
        opening = opening.keys(KeyRing::from_file(path).map_err(|error| Failure::Failed(error.to_string()))?);
    }
    if arguments.unauthenticated {
        opening = opening.unauthenticated();
    }
    opening.open(url).map(|opened| opened.cache).map_err(|error| match error.kind() {
        CacheErrorKind::Url => Failure::Usage(format!("--cache {shown}: {error}")),
        CacheErrorKind::Secret => Failure::Usage(format!(
            "--cache {shown}: others may write there, too: name a file of secrets with --key, or say --unauthenticated"
        )),
        _ => Failure::Failed(format!("--cache {shown}: {}", why(&error))),
    })
}

/// The parents of the directory are made here; the directory itself is the cache's to make, for this user alone.
fn open_cache(directory: Option<&Path>) -> Result<FileSystemBytecodeCache, String> {
    if let Some(parent) = directory.and_then(Path::parent)
        && !parent.as_os_str().is_empty()
    {
        fs::create_dir_all(parent).map_err(|error| format!("its parent {}: {error}", parent.display()))?;
    }
    FileSystemBytecodeCache::new(directory, haiden_cache::DEFAULT_PATTERN).map_err(|error| why(&error))
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

fn print_statistics(pages: usize, bundle: Option<&Bundle>, cache: Option<&dyn BytecodeCache>) {
    let pages = format!("rendered {pages} page{}\n", if pages == 1 { "" } else { "s" });
    let bundle = bundle.map(|bundle| format!("bundle\n{}", bundle.statistics())).unwrap_or_default();
    let cache = match cache {
        Some(cache) if bundle.is_empty() => cache.statistics().to_string(),
        Some(cache) => format!("cache\n{}", cache.statistics()),
        None => "no bytecode cache".to_owned(),
    };
    let report = pages + &bundle + &cache;
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(io::stderr(), "{}", report.trim_end());
}
