//! The trait every store implements, in Jinja2's vocabulary.
//!
//! Two methods are required. Counting, the failure policy and the Jinja2 keys are provided methods above them, once
//! for all stores. Invariant: engines call `get_bucket` and `set_bucket` (or `lookup`), stores implement
//! `load_bytecode` and `dump_bytecode`, and neither does the other's work.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use sha1::{Digest as _, Sha1};

use crate::bucket::Origin;
use crate::content_key::hex;
use crate::{
    Bounds, Bucket, CacheEntry, CacheError, CacheErrorKind, CacheStatistics, Collected, ContentKey, Counters,
    Rejection,
};

/// What happens when a store fails. An entry that is absent or damaged is no failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Failures {
    /// Count it and go on without the cache.
    #[default]
    Ignore,
    /// As `Ignore`, and tell somebody: see [`BytecodeCache::warn`].
    Warn,
    /// Count it and return the error.
    Raise,
}

/// What a call of [`BytecodeCache::clear`] reached.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cleared {
    /// What became of the entries.
    pub reach: ClearReach,
    /// How many were deleted; `None` if the store cannot tell.
    pub removed: Option<u64>,
    /// How many should have been deleted, but could not.
    pub failed: u64,
}

impl Cleared {
    /// The entries were deleted: `removed` of them, all but `failed`.
    pub fn deleted(removed: Option<u64>, failed: u64) -> Self {
        Self { reach: ClearReach::Deletes, removed, failed }
    }

    /// The entries cannot be found any more, their bytes remain for a while.
    pub fn invalidated() -> Self {
        Self { reach: ClearReach::Invalidates, removed: None, failed: 0 }
    }
}

/// How far a store's [`clear`](BytecodeCache::clear) reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ClearReach {
    /// Nothing: the store cannot clear.
    #[default]
    Nothing,
    /// Entries are not found any more; their bytes are not erased.
    Invalidates,
    /// Entries are deleted.
    Deletes,
}

/// The entries of a cache, one by one. An entry that cannot be read or used is an `Err`, and the listing goes on.
pub type Entries<'a> = Box<dyn Iterator<Item = Result<CacheEntry, CacheError>> + 'a>;

/// A place where bytecode is kept between loads of a template.
///
/// A store implements [`load_bytecode`](Self::load_bytecode) and [`dump_bytecode`](Self::dump_bytecode), and
/// [`clear`](Self::clear) if it can:
///
/// ```
/// use std::{fs, io, path::PathBuf};
/// use haiden_cache::{Bucket, BytecodeCache, CacheError, ContentKey};
///
/// struct Folder(PathBuf);
///
/// impl BytecodeCache for Folder {
///     fn load_bytecode(&self, bucket: &mut Bucket) -> Result<(), CacheError> {
///         match fs::File::open(self.0.join(bucket.key())) {
///             Ok(file) => Ok(bucket.load_bytecode(file)?),
///             Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
///             Err(error) => Err(error.into()),
///         }
///     }
///
///     fn dump_bytecode(&self, bucket: &Bucket) -> Result<(), CacheError> {
///         bucket.write_bytecode(fs::File::create(self.0.join(bucket.key()))?)
///     }
/// }
///
/// let directory = std::env::temp_dir().join(format!("folder-cache-{}", std::process::id()));
/// fs::create_dir_all(&directory)?;
/// let cache = Folder(directory.clone());
///
/// // What an engine does:
/// let source = "Hello {{ name }}!";
/// let content_key = ContentKey::new([("engine", &b"mine 1.0"[..]), ("source", source.as_bytes())]);
/// let mut bucket = cache.get_bucket("hello.txt", None, source, content_key)?;
/// assert!(bucket.bytecode().is_none(), "a miss: compile, then keep the result");
/// bucket.set_bytecode(&b"compiled"[..]);
/// cache.set_bucket(&bucket)?;
///
/// let bucket = cache.get_bucket("hello.txt", None, source, content_key)?;
/// assert_eq!(bucket.bytecode().map(|code| &code[..]), Some(&b"compiled"[..]));
/// # fs::remove_dir_all(directory)?;
/// # Ok::<(), CacheError>(())
/// ```
///
/// A store for which statistics matter keeps [`Counters`] and returns them from [`counters`](Self::counters). The
/// suite in `haiden_cache::testkit` (feature `testkit`) judges any store.
pub trait BytecodeCache: Send + Sync {
    /// Puts the stored bytecode into the bucket: [`Bucket::load_bytecode`] or [`Bucket::bytecode_from_string`] with
    /// the bytes found. If nothing is stored, leaves the bucket alone. `Err` means that the store is ill.
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError>;

    /// As [`load_bytecode`](Self::load_bytecode) for several buckets: in one round trip if the store can, else (the
    /// default) one by one. After an `Err` the buckets that are filled hold what was stored.
    fn load_many(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
        buckets.iter_mut().try_for_each(|bucket| self.load_bytecode(bucket))
    }

    /// Keeps the bucket's bytecode: the bytes of [`Bucket::write_bytecode`] or [`Bucket::bytecode_to_string`]. Must not
    /// fail silently; whether anybody hears of it is decided by [`failures`](Self::failures).
    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError>;

    /// Drops the entries of this cache, and only those; the result says how far that reaches. By default nothing.
    fn clear(&self) -> Result<Cleared, CacheError> {
        Ok(Cleared::default())
    }

    /// Where lookups are counted; `None` (the default) counts nothing.
    fn counters(&self) -> Option<&Counters> {
        None
    }

    /// What happens when the store fails: by default it is ignored (and counted).
    fn failures(&self) -> Failures {
        Failures::Ignore
    }

    /// Hears of failures under [`Failures::Warn`]. By default one line on standard error.
    fn warn(&self, error: &CacheError) {
        warn_on_stderr(error);
    }

    /// Whether entries are only read; then [`set_bucket`](Self::set_bucket) does not try to write.
    fn is_read_only(&self) -> bool {
        false
    }

    /// How many entries there are; `None` (the default) if that is unknown.
    fn size(&self) -> Option<u64> {
        None
    }

    /// How many entries are kept at most; `None` (the default) without such a bound.
    fn max_size(&self) -> Option<u64> {
        None
    }

    /// How many bytes the entries take at most; `None` (the default) without such a bound.
    fn max_bytes(&self) -> Option<u64> {
        None
    }

    /// Removes entries until the bounds hold: first those that are too old, then those that were used longest ago. What was
    /// written or used within the last minute stays. With `dry_run` it only says what it would do. By default an error
    /// of kind [`Unsupported`](CacheErrorKind::Unsupported): servers, and stores in memory, do it by themselves.
    fn collect(&self, bounds: &Bounds, dry_run: bool) -> Result<Collected, CacheError> {
        let _ = (bounds, dry_run);
        Err(CacheError::new(CacheErrorKind::Unsupported, "this cache cannot be collected"))
    }

    /// What the cache did in this process.
    fn statistics(&self) -> CacheStatistics {
        let mut statistics = self.counters().map(Counters::snapshot).unwrap_or_default();
        statistics.size = self.size();
        statistics.max_size = self.max_size();
        statistics.max_bytes = self.max_bytes();
        statistics
    }

    /// Lists the entries. By default an error of kind [`Unsupported`](CacheErrorKind::Unsupported).
    fn entries(&self) -> Result<Entries<'_>, CacheError> {
        Err(CacheError::new(CacheErrorKind::Unsupported, "this store cannot list its entries"))
    }

    /// Jinja2's key of a template: SHA-1 of the name and, if there is one, `|` and the filename.
    fn get_cache_key(&self, name: &str, filename: Option<&str>) -> String {
        cache_key(name, filename)
    }

    /// Jinja2's checksum of a source: its SHA-1.
    fn get_source_checksum(&self, source: &str) -> String {
        source_checksum(source)
    }

    /// The bucket of a template, filled if the cache has it. Name, filename and source are hashed only if somebody
    /// reads [`Bucket::key`] or [`Bucket::checksum`].
    fn get_bucket<'a>(
        &'a self,
        name: &'a str,
        filename: Option<&'a str>,
        source: &'a str,
        content_key: ContentKey,
    ) -> Result<Bucket<'a>, CacheError> {
        let mut bucket = self.empty_bucket(name, filename, source, content_key);
        self.lookup(&mut bucket)?;
        Ok(bucket)
    }

    /// The bucket of a template, not looked up yet: for [`lookup_many`](Self::lookup_many).
    fn empty_bucket<'a>(
        &'a self,
        name: &'a str,
        filename: Option<&'a str>,
        source: &'a str,
        content_key: ContentKey,
    ) -> Bucket<'a> {
        let origin = TemplateOrigin { cache: self, name, filename, source };
        Bucket::lazy(content_key, Box::new(origin)).with_source_bytes(source.len())
    }

    /// Loads a bucket, counts the outcome and applies the failure policy.
    fn lookup(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        bucket.reset();
        let result = self.load_bytecode(bucket);
        if result.is_err() {
            bucket.reset();
        }
        if let Some(counters) = self.counters() {
            counters.looked_up(bucket);
            if result.is_err() {
                counters.load_failed();
            }
        }
        result.or_else(|error| settle(self, error))
    }

    /// Loads several buckets at once, counts the outcome of each and applies the failure policy.
    fn lookup_many(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
        for bucket in buckets.iter_mut() {
            bucket.reset();
        }
        let result = self.load_many(buckets);
        if let Some(counters) = self.counters() {
            for bucket in buckets.iter() {
                counters.looked_up(bucket);
            }
            if result.is_err() {
                counters.load_failed();
            }
        }
        result.or_else(|error| settle(self, error))
    }

    /// Keeps a bucket's bytecode, counts the outcome and applies the failure policy. An empty bucket is an error under
    /// every policy.
    fn set_bucket(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        keep(self, bucket).map(drop)
    }

    /// For engines: the bytecode a hit returned cannot be used. Empties the bucket and turns the hit into a miss.
    fn reject_bucket(&self, bucket: &mut Bucket<'_>, reason: Rejection) {
        self.revoke_load(bucket, reason);
        bucket.reject(reason);
        if let Some(counters) = self.counters() {
            counters.revoke_hit(reason);
        }
    }

    /// For wrappers: what [`load_bytecode`](Self::load_bytecode) gave cannot be used. A cache made of others tells the one
    /// that had it, which has counted a hit; a wrapper hands it on; the default, for stores, does nothing.
    fn revoke_load(&self, bucket: &mut Bucket<'_>, reason: Rejection) {
        let _ = (bucket, reason);
    }

    /// For engines: compiling a source of this size took so long. A cache that weighs its costs learns from it; the
    /// default does nothing.
    fn observe_compile(&self, source_bytes: usize, took: Duration) {
        let _ = (source_bytes, took);
    }
}

/// Jinja2's key of a template: the SHA-1 of its name and, if there is one, of `|` and its file's name.
pub fn cache_key(name: &str, filename: Option<&str>) -> String {
    let mut hash = Sha1::new_with_prefix(name);
    if let Some(filename) = filename {
        hash.update("|");
        hash.update(filename);
    }
    hex(&hash.finalize())
}

/// Jinja2's checksum of a source: its SHA-1.
pub fn source_checksum(source: &str) -> String {
    hex(&Sha1::digest(source))
}

/// What became of an entry that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kept {
    /// Nobody was to write it.
    Skipped,
    /// It was not written, and the policy lets that pass.
    Failed,
    /// It was written.
    Written,
}

impl Kept {
    /// Counts it, with its size.
    pub(crate) fn count(self, counters: &Counters, bytes: usize) {
        match self {
            Self::Skipped => counters.skipped_write(),
            Self::Failed => counters.dump_failed(),
            Self::Written => counters.wrote(bytes),
        }
    }
}

/// What [`BytecodeCache::set_bucket`] does, and what became of the entry.
pub(crate) fn keep<C: BytecodeCache + ?Sized>(cache: &C, bucket: &Bucket<'_>) -> Result<Kept, CacheError> {
    let bytes = bucket.filled()?.len();
    let result = if cache.is_read_only() { None } else { Some(cache.dump_bytecode(bucket)) };
    let kept = match &result {
        None => Kept::Skipped,
        Some(Ok(())) => Kept::Written,
        Some(Err(_)) => Kept::Failed,
    };
    if let Some(counters) = cache.counters() {
        kept.count(counters, bytes);
    }
    match result {
        Some(Err(error)) => settle(cache, error).map(|()| kept),
        _ => Ok(kept),
    }
}

fn settle<C: BytecodeCache + ?Sized>(cache: &C, error: CacheError) -> Result<(), CacheError> {
    match cache.failures() {
        Failures::Ignore => Ok(()),
        Failures::Warn => {
            cache.warn(&error);
            Ok(())
        }
        Failures::Raise => Err(error),
    }
}

pub(crate) fn warn_on_stderr(error: &CacheError) {
    // Nowhere to report a standard error that is closed.
    let _ = writeln!(std::io::stderr(), "warning: bytecode cache: {error}");
}

/// A template's names and source, hashed when a bucket is asked.
struct TemplateOrigin<'a, C: ?Sized> {
    cache: &'a C,
    name: &'a str,
    filename: Option<&'a str>,
    source: &'a str,
}

impl<C: BytecodeCache + ?Sized> Origin for TemplateOrigin<'_, C> {
    fn key(&self) -> String {
        self.cache.get_cache_key(self.name, self.filename)
    }

    fn checksum(&self) -> String {
        self.cache.get_source_checksum(self.source)
    }
}

macro_rules! forward {
    ($($pointer:ident)*) => {$(
        /// A pointer to a cache is that cache.
        impl<C: BytecodeCache + ?Sized> BytecodeCache for $pointer<C> {
            fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
                (**self).load_bytecode(bucket)
            }
            fn load_many(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
                (**self).load_many(buckets)
            }
            fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
                (**self).dump_bytecode(bucket)
            }
            fn clear(&self) -> Result<Cleared, CacheError> {
                (**self).clear()
            }
            fn counters(&self) -> Option<&Counters> {
                (**self).counters()
            }
            fn failures(&self) -> Failures {
                (**self).failures()
            }
            fn warn(&self, error: &CacheError) {
                (**self).warn(error);
            }
            fn is_read_only(&self) -> bool {
                (**self).is_read_only()
            }
            fn size(&self) -> Option<u64> {
                (**self).size()
            }
            fn max_size(&self) -> Option<u64> {
                (**self).max_size()
            }
            fn max_bytes(&self) -> Option<u64> {
                (**self).max_bytes()
            }
            fn collect(&self, bounds: &Bounds, dry_run: bool) -> Result<Collected, CacheError> {
                (**self).collect(bounds, dry_run)
            }
            fn statistics(&self) -> CacheStatistics {
                (**self).statistics()
            }
            fn entries(&self) -> Result<Entries<'_>, CacheError> {
                (**self).entries()
            }
            fn get_cache_key(&self, name: &str, filename: Option<&str>) -> String {
                (**self).get_cache_key(name, filename)
            }
            fn get_source_checksum(&self, source: &str) -> String {
                (**self).get_source_checksum(source)
            }
            fn get_bucket<'a>(
                &'a self,
                name: &'a str,
                filename: Option<&'a str>,
                source: &'a str,
                content_key: ContentKey,
            ) -> Result<Bucket<'a>, CacheError> {
                (**self).get_bucket(name, filename, source, content_key)
            }
            fn empty_bucket<'a>(
                &'a self,
                name: &'a str,
                filename: Option<&'a str>,
                source: &'a str,
                content_key: ContentKey,
            ) -> Bucket<'a> {
                (**self).empty_bucket(name, filename, source, content_key)
            }
            fn lookup(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
                (**self).lookup(bucket)
            }
            fn lookup_many(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
                (**self).lookup_many(buckets)
            }
            fn set_bucket(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
                (**self).set_bucket(bucket)
            }
            fn reject_bucket(&self, bucket: &mut Bucket<'_>, reason: Rejection) {
                (**self).reject_bucket(bucket, reason);
            }
            fn revoke_load(&self, bucket: &mut Bucket<'_>, reason: Rejection) {
                (**self).revoke_load(bucket, reason);
            }
            fn observe_compile(&self, source_bytes: usize, took: Duration) {
                (**self).observe_compile(source_bytes, took);
            }
        }
    )*};
}

forward!(Arc Box);
