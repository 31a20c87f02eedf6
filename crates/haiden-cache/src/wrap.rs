//! Behaviour that is added to a cache by wrapping it: read-only, counted, best-effort.
//!
//! In: any cache. Out: the same cache with one thing changed. Invariant: a wrapper moves no bytes and changes none; what it
//! does not name it hands on. Lookups and writes are counted once, by the wrapper's provided methods.

use crate::policy::Policy;
use crate::{
    Bounds, Bucket, BytecodeCache, CacheError, CacheErrorKind, CacheStatistics, Cleared, Collected, Counters,
    Entries, Failures,
};

/// The methods that a wrapper hands on to the cache inside.
macro_rules! hand_on {
    ($($method:ident)*) => { $(hand_on!(@ $method);)* };
    (@ load) => {
        fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
            self.cache.load_bytecode(bucket)
        }
        fn load_many(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
            self.cache.load_many(buckets)
        }
        fn size(&self) -> Option<u64> {
            self.cache.size()
        }
        fn max_size(&self) -> Option<u64> {
            self.cache.max_size()
        }
        fn max_bytes(&self) -> Option<u64> {
            self.cache.max_bytes()
        }
        fn entries(&self) -> Result<Entries<'_>, CacheError> {
            self.cache.entries()
        }
        fn get_cache_key(&self, name: &str, filename: Option<&str>) -> String {
            self.cache.get_cache_key(name, filename)
        }
        fn get_source_checksum(&self, source: &str) -> String {
            self.cache.get_source_checksum(source)
        }
        fn observe_compile(&self, source_bytes: usize, took: std::time::Duration) {
            self.cache.observe_compile(source_bytes, took);
        }
    };
    (@ dump) => {
        fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
            self.cache.dump_bytecode(bucket)
        }
        fn clear(&self) -> Result<Cleared, CacheError> {
            self.cache.clear()
        }
        fn collect(&self, bounds: &Bounds, dry_run: bool) -> Result<Collected, CacheError> {
            self.cache.collect(bounds, dry_run)
        }
        fn is_read_only(&self) -> bool {
            self.cache.is_read_only()
        }
    };
    (@ counters) => {
        fn counters(&self) -> Option<&Counters> {
            self.cache.counters()
        }
        fn statistics(&self) -> CacheStatistics {
            self.cache.statistics()
        }
    };
    (@ failures) => {
        fn failures(&self) -> Failures {
            self.cache.failures()
        }
        fn warn(&self, error: &CacheError) {
            self.cache.warn(error);
        }
    };
}

/// A cache that is asked and never written.
///
/// ```
/// use haiden_cache::{Bucket, BytecodeCache, MemoryBytecodeCache, ReadOnly};
///
/// let cache = ReadOnly::new(MemoryBytecodeCache::new(10, 1 << 20));
/// let mut bucket = Bucket::new("key", "");
/// bucket.set_bytecode(&b"bytecode"[..]);
/// cache.set_bucket(&bucket)?; // does nothing, and is counted
/// assert_eq!((cache.size(), cache.statistics().skipped_writes), (Some(0), 1));
/// assert!(cache.clear().is_err());
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
#[derive(Debug)]
pub struct ReadOnly<C> {
    cache: C,
}

impl<C: BytecodeCache> ReadOnly<C> {
    /// This cache, for reading only.
    pub fn new(cache: C) -> Self {
        Self { cache }
    }
}

impl<C: BytecodeCache> BytecodeCache for ReadOnly<C> {
    hand_on!(load counters failures);

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        bucket.filled()?;
        Err(read_only())
    }

    fn clear(&self) -> Result<Cleared, CacheError> {
        Err(read_only())
    }

    fn collect(&self, _: &Bounds, _: bool) -> Result<Collected, CacheError> {
        Err(read_only())
    }

    fn is_read_only(&self) -> bool {
        true
    }
}

fn read_only() -> CacheError {
    CacheError::new(CacheErrorKind::ReadOnly, "the cache is used for reading only")
}

/// A cache with counters of its own: for one that keeps none, or to count one user of a shared cache.
///
/// ```
/// use std::sync::Arc;
/// use haiden_cache::{Bucket, BytecodeCache, Counted, MemoryBytecodeCache};
///
/// let shared = Arc::new(MemoryBytecodeCache::new(10, 1 << 20));
/// let (one, other) = (Counted::new(Arc::clone(&shared)), Counted::new(Arc::clone(&shared)));
/// one.lookup(&mut Bucket::new("key", ""))?;
/// assert_eq!((one.statistics().misses, other.statistics().misses), (1, 0));
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
#[derive(Debug)]
pub struct Counted<C> {
    cache: C,
    counters: Counters,
}

impl<C: BytecodeCache> Counted<C> {
    /// This cache, counted from zero.
    pub fn new(cache: C) -> Self {
        Self { cache, counters: Counters::new() }
    }
}

impl<C: BytecodeCache> BytecodeCache for Counted<C> {
    hand_on!(load dump failures);

    fn counters(&self) -> Option<&Counters> {
        Some(&self.counters)
    }
}

/// A cache with another policy for its failures.
///
/// ```
/// use haiden_cache::{BestEffort, Bucket, BytecodeCache, CacheError, Failures};
///
/// struct Broken;
/// impl BytecodeCache for Broken {
///     fn load_bytecode(&self, _: &mut Bucket) -> Result<(), CacheError> {
///         Err(CacheError::other("it is broken"))
///     }
///     fn dump_bytecode(&self, _: &Bucket) -> Result<(), CacheError> {
///         Err(CacheError::other("it is broken"))
///     }
///     fn failures(&self) -> Failures {
///         Failures::Raise
///     }
/// }
///
/// assert!(Broken.lookup(&mut Bucket::new("key", "")).is_err());
/// assert!(BestEffort::new(Broken, Failures::Ignore).lookup(&mut Bucket::new("key", "")).is_ok());
/// ```
#[derive(Debug)]
pub struct BestEffort<C> {
    cache: C,
    policy: Policy,
}

impl<C: BytecodeCache> BestEffort<C> {
    /// This cache under this policy.
    pub fn new(cache: C, failures: Failures) -> Self {
        let mut policy = Policy::default();
        policy.failures = failures;
        Self { cache, policy }
    }
}

impl<C: BytecodeCache> BytecodeCache for BestEffort<C> {
    hand_on!(load dump counters);

    fn failures(&self) -> Failures {
        self.policy.failures
    }

    /// As the cache inside warns, each kind once.
    fn warn(&self, error: &CacheError) {
        if self.policy.is_news(error) {
            self.cache.warn(error);
        }
    }
}
