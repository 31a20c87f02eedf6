//! What can go wrong between a cache and its store.
//!
//! One opaque error for the crate: a kind for programs, a message for people, the cause behind it. An entry that is
//! absent, damaged or foreign is *not* an error: it is a miss, and [`Rejection`] says why.

use std::error::Error;
use std::fmt;
use std::io;

use crate::Rejection;

/// What kind of failure a [`CacheError`] is.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CacheErrorKind {
    /// A bucket without bytecode was to be written.
    EmptyBucket,
    /// A file name pattern or a prefix of keys that cannot name entries.
    Pattern,
    /// A URL that names no server of this kind.
    Url,
    /// A secret that cannot be used: too short, or in a file that others can read.
    Secret,
    /// No directory that only this user can write.
    UnsafeDirectory,
    /// The store's directory (or file, or table) is not there.
    Missing,
    /// The operating system or the server refuses access.
    Denied,
    /// No room: the disk, a quota or a file size limit.
    Full,
    /// The store may not be written.
    ReadOnly,
    /// The entry is larger than the store takes.
    TooLarge,
    /// A stored entry is not usable (only from [`entries`](crate::BytecodeCache::entries)).
    Rejected(Rejection),
    /// The store cannot do this at all, or not with what it is given.
    Unsupported,
    /// The store cannot be reached, does not answer in time, or failed so often that it is not asked for a while.
    Unavailable,
    /// The server answers what its protocol does not allow.
    Protocol,
    /// The store's file is damaged, or no such file at all.
    Corrupt,
    /// Any other failure of input or output.
    Io,
    /// A failure of a store that somebody else wrote.
    Other,
}

impl CacheErrorKind {
    /// A bit per kind, for "warned about this already".
    pub(crate) fn bit(self) -> u32 {
        let index = match self {
            Self::EmptyBucket => 0,
            Self::Pattern => 1,
            Self::UnsafeDirectory => 2,
            Self::Missing => 3,
            Self::Denied => 4,
            Self::Full => 5,
            Self::ReadOnly => 6,
            Self::TooLarge => 7,
            Self::Rejected(_) => 8,
            Self::Unsupported => 9,
            Self::Io => 10,
            Self::Other => 11,
            Self::Unavailable => 12,
            Self::Protocol => 13,
            Self::Corrupt => 14,
            Self::Url => 15,
            Self::Secret => 16,
        };
        1 << index
    }

    fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Denied,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full
            }
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            io::ErrorKind::Unsupported => Self::Unsupported,
            _ => Self::Io,
        }
    }
}

/// A cache that could not do what it was asked.
///
/// A store returns it; [`Failures`](crate::Failures) decides whether anybody but the statistics hears of it.
///
/// ```
/// use haiden_cache::{CacheError, CacheErrorKind};
///
/// let error = CacheError::from(std::io::Error::from(std::io::ErrorKind::StorageFull));
/// assert_eq!(error.kind(), CacheErrorKind::Full);
/// assert!(error.is_temporary());
/// ```
#[derive(Debug)]
pub struct CacheError {
    kind: CacheErrorKind,
    message: String,
    key: Option<Box<str>>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl CacheError {
    /// An error of this kind with this message.
    pub fn new(kind: CacheErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), key: None, source: None }
    }

    /// Whatever a store's own client reports.
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = error.into();
        let message = source.to_string();
        Self { source: Some(source), ..Self::new(CacheErrorKind::Other, message) }
    }

    /// A failed operation: the kind comes from the cause, `doing` says what was attempted.
    pub(crate) fn io(doing: impl fmt::Display, error: impl Into<io::Error>) -> Self {
        let error = error.into();
        Self::new(CacheErrorKind::of(&error), format!("{doing}: {error}")).with_source(error)
    }

    /// The same error with a cause behind it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error, about the entry of this key.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<Box<str>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The key of the entry that it is about, as [`entries`](crate::BytecodeCache::entries) tells it.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The kind, for programs.
    pub fn kind(&self) -> CacheErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_temporary(&self) -> bool {
        use CacheErrorKind::{Full, Io, Other, Unavailable};
        matches!(self.kind, Full | Io | Other | Unavailable)
    }
}

impl fmt::Display for CacheError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for CacheError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl From<io::Error> for CacheError {
    fn from(error: io::Error) -> Self {
        Self::new(CacheErrorKind::of(&error), error.to_string()).with_source(error)
    }
}
