//! Authentication: entries of a store that others can write are used only if a holder of the key wrote them.
//!
//! In: any store, and keys. Out: the same store, whose entries carry a tag. Invariant: bytecode that comes out was
//! written, under this very content key, by somebody who held one of the keys; everything else is a miss
//! ([`Rejection::Authentication`]).
//!
//! Reading order: `keys` (from secrets to tags), then this.

mod keys;

use std::sync::Arc;
use std::time::Duration;

pub use self::keys::KeyRing;
use crate::{
    Bounds, Bucket, BytecodeCache, CacheError, CacheStatistics, Cleared, Collected, Counters, Entries,
    Failures, Rejection,
};

/// A store whose entries are signed when they are written and checked when they are read.
///
/// ```
/// use std::sync::Arc;
/// use haiden_cache::{Authenticated, KeyRing, MemoryBytecodeCache, RedisBytecodeCache};
///
/// let keys = Arc::new(KeyRing::new("read me from a file: openssl rand -hex 32")?);
/// let cache = Authenticated::new(MemoryBytecodeCache::new(100, 1 << 20), Arc::clone(&keys));
/// // What servers are opened with is the same:
/// let cache: Authenticated<RedisBytecodeCache> = RedisBytecodeCache::new("redis://cache.example", keys)?;
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
///
/// | somebody who can write the store | gets |
/// |---|---|
/// | writes bytecode of his own (with a right digest) | a miss |
/// | copies an entry to another key | a miss: the tag covers the content key |
/// | changes a byte, the time included | a miss |
/// | puts an old entry of the same key back | nothing: it is of the same source, options and compiler |
/// | deletes entries, or the whole store | misses |
///
/// **Rotation.** The ring's first key signs, all of them check. Put the new secret in front; when the entries of the old
/// one are of no more use, take it out. What it signed is a miss from then on.
///
/// **Roll-out.** A cache without keys takes entries with a tag; a cache with keys takes no others. So processes without
/// keys may share the store until the last one has them.
///
/// The wrapped store has to load through [`Bucket::bytecode_from_string`] or [`Bucket::load_bytecode`], as every store of
/// this crate and of Jinja2's interface does. Bytecode that it puts into the bucket in another way cannot be checked, and
/// is a miss. What this process keeps in memory needs no tag. [`entries`](BytecodeCache::entries) lists what lies in the
/// store, whoever wrote it.
#[derive(Debug)]
pub struct Authenticated<S> {
    store: S,
    keys: Arc<KeyRing>,
}

impl<S: BytecodeCache> Authenticated<S> {
    /// This store, with these keys.
    pub fn new(store: S, keys: impl Into<Arc<KeyRing>>) -> Self {
        Self { store, keys: keys.into() }
    }

    /// The store inside.
    pub fn store(&self) -> &S {
        &self.store
    }
}

impl<S: BytecodeCache> BytecodeCache for Authenticated<S> {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        let before = bucket.set_keys(Some(Arc::clone(&self.keys)));
        let result = self.store.load_bytecode(bucket);
        finish(bucket, before);
        result
    }

    fn load_many(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
        let before: Vec<_> =
            buckets.iter_mut().map(|bucket| bucket.set_keys(Some(Arc::clone(&self.keys)))).collect();
        let result = self.store.load_many(buckets);
        for (bucket, before) in buckets.iter_mut().zip(before) {
            finish(bucket, before);
        }
        result
    }

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        self.store.dump_bytecode(&bucket.signed_by(&self.keys))
    }

    fn clear(&self) -> Result<Cleared, CacheError> {
        self.store.clear()
    }

    fn counters(&self) -> Option<&Counters> {
        self.store.counters()
    }

    fn failures(&self) -> Failures {
        self.store.failures()
    }

    fn warn(&self, error: &CacheError) {
        self.store.warn(error);
    }

    fn is_read_only(&self) -> bool {
        self.store.is_read_only()
    }

    fn size(&self) -> Option<u64> {
        self.store.size()
    }

    fn max_size(&self) -> Option<u64> {
        self.store.max_size()
    }

    fn max_bytes(&self) -> Option<u64> {
        self.store.max_bytes()
    }

    fn collect(&self, bounds: &Bounds, dry_run: bool) -> Result<Collected, CacheError> {
        self.store.collect(bounds, dry_run)
    }

    fn statistics(&self) -> CacheStatistics {
        self.store.statistics()
    }

    fn entries(&self) -> Result<Entries<'_>, CacheError> {
        self.store.entries()
    }

    fn get_cache_key(&self, name: &str, filename: Option<&str>) -> String {
        self.store.get_cache_key(name, filename)
    }

    fn get_source_checksum(&self, source: &str) -> String {
        self.store.get_source_checksum(source)
    }

    fn revoke_load(&self, bucket: &mut Bucket<'_>, reason: Rejection) {
        self.store.revoke_load(bucket, reason);
    }

    fn observe_compile(&self, source_bytes: usize, took: Duration) {
        self.store.observe_compile(source_bytes, took);
    }
}

/// Lets nothing through that was not checked, and takes the keys out of the bucket again.
fn finish(bucket: &mut Bucket<'_>, before: Option<Arc<KeyRing>>) {
    if bucket.bytecode().is_some() && !bucket.is_authentic() {
        bucket.reject(Rejection::Authentication);
    }
    bucket.set_keys(before);
}
