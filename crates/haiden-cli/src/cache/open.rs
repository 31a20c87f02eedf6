//! URLs of caches.
//!
//! In: a URL and the keys for it. Out: the cache, whose failures are errors. Invariant: a server that others share is not
//! written without a key, unless the user says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use haiden_cache::{
    Authenticated, Bundle, BytecodeCache, CacheError, DEFAULT_PATTERN, Failures, FileSystemBytecodeCache,
    KeyRing, MemcachedBytecodeCache, RedisBytecodeCache, SqliteBytecodeCache,
};

use super::failed;
use crate::Failure;

/// Who may have written what the cache holds.
#[derive(Args)]
pub(super) struct Access {
    /// A file of secrets, one a line: entries are signed with the first, and those signed with none are misses.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Write to a server without signing: everybody who can write there can then change your pages.
    #[arg(long, conflicts_with = "key")]
    unauthenticated: bool,
}

/// A cache, and what kind it is.
pub(super) struct Opened {
    pub(super) cache: Arc<dyn BytecodeCache>,
    pub(super) kind: Kind,
}

/// What can be done with some kinds and not with others.
pub(super) enum Kind {
    FileSystem(Arc<FileSystemBytecodeCache>),
    Server,
    Other,
}

/// Opens the cache at a URL, for reading only or for writing too.
pub(super) fn open(url: &str, access: &Access, read_only: bool) -> Result<Opened, Failure> {
    let (cache, kind) = by_scheme(url, read_only)?;
    if matches!(kind, Kind::Server) && !read_only && access.key.is_none() && !access.unauthenticated {
        return Err(Failure::Usage(format!(
            "{url}: others may write there, too: name a file of secrets with --key, or say --unauthenticated"
        )));
    }
    let Some(path) = &access.key else { return Ok(Opened { cache, kind }) };
    let keys = KeyRing::from_file(path).map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(Opened { cache: Arc::new(Authenticated::new(cache, keys)), kind })
}

fn by_scheme(url: &str, read_only: bool) -> Result<(Arc<dyn BytecodeCache>, Kind), Failure> {
    let opened = |result: Result<Arc<dyn BytecodeCache>, CacheError>, kind| match result {
        Ok(cache) => Ok((cache, kind)),
        Err(error) => Err(failed(url, &error)),
    };
    let raise = Failures::Raise;
    match scheme(url) {
        None => directory(url, Some(Path::new(url)), read_only),
        Some(("file", "")) => directory(url, None, read_only),
        Some(("file", path)) => directory(url, Some(&local(path)), read_only),
        Some(("bundle", path)) => {
            opened(Bundle::open(local(path)).map(|bundle| Arc::new(bundle) as _), Kind::Other)
        }
        Some(("sqlite", path)) => {
            let builder = SqliteBytecodeCache::builder(local(path)).read_only(read_only).failures(raise);
            opened(builder.open().map(|cache| Arc::new(cache) as _), Kind::Other)
        }
        Some(("memcached", _)) => {
            let builder = MemcachedBytecodeCache::builder(url).failures(raise);
            opened(builder.connect().map(|cache| Arc::new(cache) as _), Kind::Server)
        }
        Some(("redis" | "rediss" | "unix", _)) => {
            let builder = RedisBytecodeCache::builder(url).failures(raise);
            opened(builder.connect().map(|cache| Arc::new(cache) as _), Kind::Server)
        }
        Some((other, _)) => Err(Failure::Usage(format!(
            "{url}: {other:?} is no kind of cache; there are file, bundle, sqlite, memcached and redis"
        ))),
    }
}

fn directory(
    url: &str,
    path: Option<&Path>,
    read_only: bool,
) -> Result<(Arc<dyn BytecodeCache>, Kind), Failure> {
    let builder = FileSystemBytecodeCache::builder();
    let builder = builder.pattern(DEFAULT_PATTERN).read_only(read_only).failures(Failures::Raise);
    let builder = match path {
        Some(path) => builder.directory(path),
        None => builder,
    };
    let cache = Arc::new(builder.open().map_err(|error| failed(url, &error))?);
    Ok((Arc::clone(&cache) as _, Kind::FileSystem(cache)))
}

/// The scheme of a URL and the rest. A path has none, not even one with a colon further on.
fn scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let is_scheme = scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_lowercase());
    is_scheme.then_some((scheme, rest))
}

/// The path in a URL of a local cache: `///path`, `/path`, or a relative one.
fn local(path: &str) -> PathBuf {
    PathBuf::from(path.strip_prefix("//").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_urls() {
        for (url, expected) in [
            ("dir", None),
            ("./a:b", None),
            ("C:\\x", None),
            ("/tmp/x:y", None),
            ("file:", Some(("file", ""))),
            ("file:dir", Some(("file", "dir"))),
            ("redis://h:1/0", Some(("redis", "//h:1/0"))),
        ] {
            assert_eq!(scheme(url), expected, "{url}");
        }
        for (path, expected) in [("///a/b", "/a/b"), ("/a", "/a"), ("a/b", "a/b"), ("//a", "a")] {
            assert_eq!(local(path), Path::new(expected), "{path}");
        }
    }
}
