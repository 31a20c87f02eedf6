//! Caches by their URLs.
//!
//! In: a URL, and who may have written what the cache holds. Out: the cache. Invariant: a server that others share is not
//! opened without keys, be it for reading alone, unless the caller says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::policy::Listener;
use crate::remote::{wants_keys, without_password};
use crate::{
    Authenticated, Bounds, Bundle, BytecodeCache, CacheError, CacheErrorKind, Failures, KeyRing,
    MemcachedBytecodeCache, RedisBytecodeCache,
};
#[cfg(unix)]
use crate::{DEFAULT_PATTERN, FileSystemBytecodeCache};

/// Schemes of servers.
const SERVERS: [&str; 6] = ["memcached", "memcacheds", "memcached+unix", "redis", "rediss", "redis+unix"];

/// How a cache is opened by its URL.
///
/// ```
/// use haiden_cache::{BytecodeCache, CacheErrorKind, Failures, Opening};
///
/// let shared = "redis://cache.example/0?prefix=shop/&timeout=86400";
/// let refused = Opening::new().open(shared).err().map(|error| error.kind());
/// assert_eq!(refused, Some(CacheErrorKind::Secret), "others may write there, too");
/// let cache = Opening::new().unauthenticated().failures(Failures::Warn).open(shared)?.cache;
/// assert_eq!(cache.statistics().hits, 0);
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Opening {
    keys: Option<Arc<KeyRing>>,
    unauthenticated: bool,
    read_only: bool,
    failures: Failures,
    listener: Option<Listener>,
}

/// A cache that was opened by its URL.
#[non_exhaustive]
pub struct Opened {
    /// The cache.
    pub cache: Arc<dyn BytecodeCache>,
}

/// What a URL names.
///
/// ```
/// use haiden_cache::{Bounds, CacheUrl};
///
/// let none = Bounds::default();
/// assert_eq!(CacheUrl::parse("build/cache")?, CacheUrl::Directory(Some("build/cache".into()), none));
/// let bounds = Bounds { max_bytes: Some(64 << 20), ..none };
/// assert_eq!(
///     CacheUrl::parse("sqlite:///var/cache/site.db?max_bytes=64M")?,
///     CacheUrl::Sqlite("/var/cache/site.db".into(), bounds)
/// );
/// assert!(CacheUrl::parse("redis://cache.example")?.is_shared());
/// assert!(CacheUrl::parse("ftp://cache.example").is_err());
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheUrl {
    /// `file:DIRECTORY[?max_bytes=SIZE&max_entries=NUMBER]` or a path; `file:` alone is the user's own directory under the
    /// temporary one.
    Directory(Option<PathBuf>, Bounds),
    /// `bundle:FILE`.
    Bundle(PathBuf),
    /// `sqlite:FILE[?max_bytes=SIZE&max_entries=NUMBER]`.
    Sqlite(PathBuf, Bounds),
    /// `memcached://HOST:PORT`, `memcached+unix:///PATH`; `memcacheds://HOST[?ca=FILE]` with TLS.
    Memcached(String),
    /// `redis://HOST:PORT/DATABASE`, `redis+unix:///PATH`; `rediss://HOST[?ca=FILE]` with TLS.
    Redis(String),
}

impl CacheUrl {
    /// What a URL names; an error of kind [`Url`](CacheErrorKind::Url) if its scheme is unknown.
    pub fn parse(url: &str) -> Result<Self, CacheError> {
        Ok(match scheme(url) {
            None if url.is_empty() => {
                let message = "a path or a URL of a cache is wanted, and this one is empty";
                return Err(CacheError::new(CacheErrorKind::Url, message));
            }
            None => Self::Directory(Some(url.into()), Bounds::default()),
            Some(("file", rest)) => {
                let (path, bounds) = bounded(rest)?;
                Self::Directory(local(path), bounds)
            }
            Some(("bundle", path)) => Self::Bundle(file("bundle", path)?),
            Some(("sqlite", rest)) => {
                let (path, bounds) = bounded(rest)?;
                Self::Sqlite(file("sqlite", path)?, bounds)
            }
            // What stands there is not repeated: it may be a password.
            Some((scheme, rest)) if SERVERS.contains(&scheme) && !rest.starts_with("//") => {
                let message = format!("expected {scheme}://HOST[:PORT]");
                return Err(CacheError::new(CacheErrorKind::Url, message));
            }
            Some(("memcached" | "memcacheds" | "memcached+unix", _)) => Self::Memcached(url.to_owned()),
            Some(("redis" | "rediss" | "redis+unix", _)) => Self::Redis(url.to_owned()),
            Some((other, _)) => {
                let message = format!(
                    "{other:?} is no kind of cache; there are file, bundle, sqlite, memcached and redis"
                );
                return Err(CacheError::new(CacheErrorKind::Url, message));
            }
        })
    }

    /// A URL as it may be shown: without the user and the password for a server.
    ///
    /// ```
    /// use haiden_cache::CacheUrl;
    ///
    /// assert_eq!(CacheUrl::without_password("redis://:secret@cache.example/0"), "redis://***@cache.example/0");
    /// assert_eq!(CacheUrl::without_password("file:///srv/a@b"), "file:///srv/a@b");
    /// ```
    pub fn without_password(url: &str) -> String {
        match scheme(url) {
            Some(("file" | "bundle" | "sqlite", _)) | None => url.to_owned(),
            Some(_) => without_password(url),
        }
    }

    /// The bounds that it names; a server and a bundle have none here.
    pub fn bounds(&self) -> Bounds {
        match self {
            Self::Directory(_, bounds) | Self::Sqlite(_, bounds) => *bounds,
            _ => Bounds::default(),
        }
    }

    /// The file or folder that it names; none for a server, and for the user's own directory.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Directory(path, _) => path.as_deref(),
            Self::Sqlite(path, _) | Self::Bundle(path) => Some(path),
            _ => None,
        }
    }

    /// Whether it names a server, which others may write, too.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Memcached(_) | Self::Redis(_))
    }
}

/// A builder with what an opening says of every store.
macro_rules! told {
    ($opening:expr, $builder:expr) => {{
        let builder = $builder.read_only($opening.read_only).failures($opening.failures);
        match $opening.listener.clone() {
            Some(listener) => builder.warn_with(move |error| listener.hears(error)),
            None => builder,
        }
    }};
}

impl Opening {
    /// For reading and writing, without keys, its failures ignored.
    pub fn new() -> Self {
        Self::default()
    }

    /// Entries are signed with the first of these keys, and those that are signed with none of them are misses.
    pub fn keys(mut self, keys: impl Into<Arc<KeyRing>>) -> Self {
        self.keys = Some(keys.into());
        self
    }

    /// A server may be used without keys: everybody who can write there can then change your pages.
    pub fn unauthenticated(mut self) -> Self {
        self.unauthenticated = true;
        self
    }

    /// Whether entries are only read.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// What happens when the store fails; by default it is ignored.
    pub fn failures(mut self, failures: Failures) -> Self {
        self.failures = failures;
        self
    }

    /// Who hears of failures under [`Failures::Warn`], instead of standard error.
    pub fn warn_with(mut self, listener: impl Fn(&CacheError) + Send + Sync + 'static) -> Self {
        self.listener = Some(Listener::new(listener));
        self
    }

    /// Opens the cache at a URL.
    ///
    /// A URL that names no cache is an error of kind [`Url`](CacheErrorKind::Url); a server without keys or a waiver is one
    /// of kind [`Secret`](CacheErrorKind::Secret).
    pub fn open(&self, url: &str) -> Result<Opened, CacheError> {
        let named = CacheUrl::parse(url)?;
        if named.is_shared() && self.keys.is_none() && !self.unauthenticated {
            return Err(wants_keys());
        }
        let signs_itself = matches!(named, CacheUrl::Bundle(_));
        let mut cache = self.store(named)?;
        if let (Some(keys), false) = (&self.keys, signs_itself) {
            cache = Arc::new(Authenticated::new(cache, Arc::clone(keys)));
        }
        Ok(Opened { cache })
    }

    fn store(&self, named: CacheUrl) -> Result<Arc<dyn BytecodeCache>, CacheError> {
        Ok(match named {
            CacheUrl::Directory(path, bounds) => self.directory(path, bounds)?,
            // Its index is signed, too.
            CacheUrl::Bundle(path) => Arc::new(match &self.keys {
                Some(keys) => Bundle::open_signed(path, Arc::clone(keys))?,
                None => Bundle::open(path)?,
            }),
            CacheUrl::Sqlite(path, bounds) => self.sqlite(path, bounds)?,
            CacheUrl::Memcached(url) => {
                Arc::new(told!(self, MemcachedBytecodeCache::builder(url)).unauthenticated().connect()?)
            }
            CacheUrl::Redis(url) => {
                Arc::new(told!(self, RedisBytecodeCache::builder(url)).unauthenticated().connect()?)
            }
        })
    }

    #[cfg(unix)]
    fn directory(&self, path: Option<PathBuf>, bounds: Bounds) -> Result<Arc<dyn BytecodeCache>, CacheError> {
        let builder = told!(self, FileSystemBytecodeCache::builder().pattern(DEFAULT_PATTERN));
        let builder = match path {
            Some(path) => builder.directory(path),
            None => builder,
        };
        Ok(Arc::new(builder.bounds(bounds).open()?))
    }

    #[cfg(not(unix))]
    fn directory(&self, _: Option<PathBuf>, _: Bounds) -> Result<Arc<dyn BytecodeCache>, CacheError> {
        Err(CacheError::new(CacheErrorKind::Unsupported, "no directories of entries on this system"))
    }

    #[cfg(feature = "sqlite")]
    fn sqlite(&self, path: PathBuf, bounds: Bounds) -> Result<Arc<dyn BytecodeCache>, CacheError> {
        let builder = told!(self, crate::SqliteBytecodeCache::builder(path));
        Ok(Arc::new(builder.bounds(bounds).open()?))
    }

    #[cfg(not(feature = "sqlite"))]
    #[expect(clippy::unused_self, reason = "as the one that is built with SQLite")]
    fn sqlite(&self, _: PathBuf, _: Bounds) -> Result<Arc<dyn BytecodeCache>, CacheError> {
        Err(CacheError::new(CacheErrorKind::Unsupported, "this was built without SQLite"))
    }
}

/// The scheme of a URL and the rest. A path has none, not even one with a colon further on, but `Redis://` and `s3://` are
/// meant as one.
fn scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let all = |belongs: fn(u8) -> bool| scheme.len() > 1 && scheme.bytes().all(belongs);
    let is_scheme = all(|byte| byte.is_ascii_lowercase() || byte == b'+')
        || rest.starts_with("//")
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some((scheme, rest))
}

/// The part of a URL that is a path, and the bounds that it names behind a question mark.
fn bounded(rest: &str) -> Result<(&str, Bounds), CacheError> {
    let Some((path, options)) = rest.split_once('?') else { return Ok((rest, Bounds::default())) };
    let mut bounds = Bounds::default();
    for option in options.split('&') {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let (place, number) = match name {
            "max_bytes" => (&mut bounds.max_bytes, Bounds::parse_bytes(value)),
            "max_entries" => (&mut bounds.max_entries, value.parse().ok()),
            _ => {
                let message = format!(
                    "{name:?} is no option of such a cache; there are max_bytes and max_entries (a path that has a \
                     question mark in it is written without `file:`)"
                );
                return Err(CacheError::new(CacheErrorKind::Url, message));
            }
        };
        let refuse = |why: &str| CacheError::new(CacheErrorKind::Url, format!("{option:?}: {why}"));
        let wanted = "a number is wanted; of bytes, it may be one with K, M or G";
        if place.replace(number.ok_or_else(|| refuse(wanted))?).is_some() {
            return Err(refuse("this bound is named twice"));
        }
    }
    Ok((path, bounds))
}

/// The path in a URL of a local cache: `///path`, `/path`, or a relative one; none in `file:` and `file://`.
fn local(path: &str) -> Option<PathBuf> {
    let path = path.strip_prefix("//").unwrap_or(path);
    (!path.is_empty()).then(|| PathBuf::from(path))
}

/// The file in a URL of this scheme.
fn file(scheme: &str, path: &str) -> Result<PathBuf, CacheError> {
    local(path).ok_or_else(|| {
        let message = format!("{scheme}: names a file, and this URL has none");
        CacheError::new(CacheErrorKind::Url, message)
    })
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
            ("v1.2:x", None),
            ("a/b://c", None),
            (".x://c", None),
            ("s3://b", Some(("s3", "//b"))),
            ("redis-sentinel://b", Some(("redis-sentinel", "//b"))),
            ("file:", Some(("file", ""))),
            ("file:dir", Some(("file", "dir"))),
            ("redis://h:1/0", Some(("redis", "//h:1/0"))),
            ("redis+unix:///s", Some(("redis+unix", "///s"))),
        ] {
            assert_eq!(scheme(url), expected, "{url}");
        }
        for (path, expected) in [("///a/b", "/a/b"), ("/a", "/a"), ("a/b", "a/b"), ("//a", "a")] {
            assert_eq!(local(path), Some(PathBuf::from(expected)), "{path}");
        }
        assert!(CacheUrl::parse("").unwrap_err().to_string().contains("empty"));
        let own = CacheUrl::Directory(None, Bounds::default());
        for url in ["file:", "file://"] {
            assert_eq!(CacheUrl::parse(url).unwrap(), own, "{url}");
        }
        let nameless =
            ["sqlite:", "sqlite://", "sqlite:?max_bytes=1", "sqlite://?max_bytes=1", "bundle:", "bundle://"];
        for url in nameless {
            let error = CacheUrl::parse(url).unwrap_err();
            assert_eq!(error.kind(), CacheErrorKind::Url, "{url}");
            assert!(error.to_string().contains("names a file"), "{error}");
        }
        for url in ["redis:user:secret@host", "redis:/user:secret@host", "memcached:user:secret@host"] {
            let error = CacheUrl::parse(url).unwrap_err();
            assert_eq!(error.kind(), CacheErrorKind::Url);
            assert!(
                error.to_string().contains("://HOST") && !error.to_string().contains("secret"),
                "{error}"
            );
            let shown = CacheUrl::without_password(url);
            assert!(shown.ends_with(":***@host"), "{shown}");
        }
        for url in ["file:x?max_bytes=1&max_bytes=2", "sqlite:x?max_entries=1&max_entries=1"] {
            let error = CacheUrl::parse(url).unwrap_err();
            assert!(error.to_string().contains("twice"), "{error}");
        }
    }

    #[test]
    fn a_server_wants_keys() {
        let url = "memcached://127.0.0.1:1";
        let kind = |opening: Opening| opening.open(url).err().map(|error| error.kind());
        let keys = KeyRing::new("0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(kind(Opening::new()), Some(CacheErrorKind::Secret));
        assert_eq!(kind(Opening::new().read_only(true)), Some(CacheErrorKind::Secret));
        assert_eq!(kind(Opening::new().unauthenticated()), None);
        assert_eq!(kind(Opening::new().keys(keys)), None);
    }
}
