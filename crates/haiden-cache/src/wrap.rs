//! Behaviour that is added to a cache by wrapping it: read-only, counted, best-effort, left alone while it is ill.
//!
//! In: any cache. Out: the same cache with one thing changed. Invariant: a wrapper moves no bytes and changes none; what it
//! does not name it hands on. Lookups and writes are counted once, by the wrapper's provided methods.

use std::time::{Duration, Instant};

use crate::breaker::{Breaker, Harm};
use crate::policy::Policy;
use crate::{
    Bounds, Bucket, BytecodeCache, CacheError, CacheErrorKind, CacheStatistics, Cleared, Collected, Counters,
    Entries, Failures, Rejection,
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
    };
    (@ facts) => {
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
        fn revoke_load(&self, bucket: &mut Bucket<'_>, reason: Rejection) {
            self.cache.revoke_load(bucket, reason);
        }
        fn observe_compile(&self, source_bytes: usize, took: Duration) {
            self.cache.observe_compile(source_bytes, took);
        }
    };
    (@ dump) => {
        fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
            self.cache.dump_bytecode(bucket)
        }
    };
    (@ upkeep) => {
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
    hand_on!(load facts counters failures);

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
    hand_on!(load facts dump upkeep failures);

    fn counters(&self) -> Option<&Counters> {
        Some(&self.counters)
    }

    /// The figures of its own, with what is true of the cache inside: its size, its bounds, who can write it, its tiers.
    fn statistics(&self) -> CacheStatistics {
        let CacheStatistics { size, max_size, max_bytes, others_can_write, is_link, tiers, .. } =
            self.cache.statistics();
        let own = self.counters.snapshot();
        CacheStatistics { size, max_size, max_bytes, others_can_write, is_link, tiers, ..own }
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
    hand_on!(load facts dump upkeep counters);

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

/// A failure that took as long is one that was waited for.
const WAITED: Duration = Duration::from_millis(50);

/// A cache that is left alone for a while after it failed: for one of your own behind a network.
///
/// A failure that was waited for, or the third in a row, begins a pause of a second; it doubles, up to thirty. Meanwhile a
/// lookup is a miss, and a failure in the statistics, that costs nothing. When a pause ends, one lookup tries. Writing that
/// fails at once pauses alone. The stores of this crate that speak to servers do this by themselves.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
/// use haiden_cache::{Bucket, BytecodeCache, CacheError, Pausing};
///
/// #[derive(Default)]
/// struct Broken(AtomicU32);
/// impl BytecodeCache for Broken {
///     fn load_bytecode(&self, _: &mut Bucket) -> Result<(), CacheError> {
///         self.0.fetch_add(1, Relaxed);
///         Err(CacheError::other("it is broken"))
///     }
///     fn dump_bytecode(&self, _: &Bucket) -> Result<(), CacheError> {
///         Ok(())
///     }
/// }
///
/// let cache = Pausing::new(Broken::default());
/// for _ in 0..100 {
///     cache.lookup(&mut Bucket::new("key", ""))?;
/// }
/// assert_eq!(cache.into_inner().0.into_inner(), 3);
/// # Ok::<(), CacheError>(())
/// ```
#[derive(Debug)]
pub struct Pausing<C> {
    cache: C,
    health: Breaker,
    writing: Breaker,
}

impl<C: BytecodeCache> Pausing<C> {
    /// This cache, with pauses.
    pub fn new(cache: C) -> Self {
        let first = Duration::from_secs(1);
        Self { cache, health: Breaker::new(first), writing: Breaker::new(first) }
    }

    /// The cache inside.
    pub fn into_inner(self) -> C {
        self.cache
    }

    fn ask<T>(&self, work: impl FnOnce(&C) -> Result<T, CacheError>) -> Result<T, CacheError> {
        if !self.health.admits() {
            let message = "it failed lately, and is not asked for a while";
            return Err(CacheError::new(CacheErrorKind::Unavailable, message));
        }
        let start = Instant::now();
        let result = work(&self.cache);
        match &result {
            Ok(_) => self.health.succeeded(),
            Err(_) => self.health.failed(harm(start)),
        }
        result
    }
}

fn harm(start: Instant) -> Harm {
    if start.elapsed() >= WAITED { Harm::Slow } else { Harm::Quick }
}

impl<C: BytecodeCache> BytecodeCache for Pausing<C> {
    hand_on!(facts upkeep counters failures);

    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        self.ask(|cache| cache.load_bytecode(bucket))
    }

    fn load_many(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
        self.ask(|cache| cache.load_many(buckets))
    }

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        bucket.filled()?;
        if !self.health.is_closed() || !self.writing.admits() {
            let message = "it failed lately, and is not written for a while";
            return Err(CacheError::new(CacheErrorKind::Unavailable, message));
        }
        let start = Instant::now();
        let result = self.cache.dump_bytecode(bucket);
        match result.as_ref().map_err(CacheError::kind) {
            Ok(()) => self.writing.succeeded(),
            Err(CacheErrorKind::TooLarge) => {}
            Err(_) => {
                let harm = harm(start);
                self.writing.failed(harm);
                if harm == Harm::Slow {
                    self.health.failed(harm);
                }
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;

    /// Fails, at once or late; counts how often it was read and written.
    struct Ill {
        late: bool,
        fails_reading: bool,
        calls: [AtomicU32; 2],
    }

    impl Ill {
        fn call(&self, which: usize, fails: bool) -> Result<(), CacheError> {
            self.calls[which].fetch_add(1, Relaxed);
            if !fails {
                return Ok(());
            }
            if self.late {
                std::thread::sleep(WAITED);
            }
            Err(CacheError::other("ill"))
        }
    }

    impl BytecodeCache for Ill {
        fn load_bytecode(&self, _: &mut Bucket<'_>) -> Result<(), CacheError> {
            self.call(0, self.fails_reading)
        }
        fn dump_bytecode(&self, _: &Bucket<'_>) -> Result<(), CacheError> {
            self.call(1, true)
        }
    }

    #[test]
    fn counting_hides_nothing() {
        struct Open;
        impl BytecodeCache for Open {
            fn load_bytecode(&self, _: &mut Bucket<'_>) -> Result<(), CacheError> {
                Ok(())
            }
            fn dump_bytecode(&self, _: &Bucket<'_>) -> Result<(), CacheError> {
                Ok(())
            }
            fn statistics(&self) -> CacheStatistics {
                CacheStatistics {
                    hits: 7,
                    others_can_write: true,
                    is_link: true,
                    ..CacheStatistics::default()
                }
            }
        }
        let figures = Counted::new(Open).statistics();
        assert_eq!((figures.hits, figures.others_can_write, figures.is_link), (0, true, true));
        let tiers = crate::TieredBytecodeCache::new([crate::Tier::new("open", Open)]);
        let figures = Counted::new(tiers).statistics();
        assert_eq!((figures.tiers.len(), figures.others_can_write, figures.is_link), (1, true, true));
    }

    #[test]
    fn an_ill_cache_is_left_alone() {
        for (late, fails_reading, expected) in
            [(false, true, [3, 2]), (true, true, [1, 0]), (false, false, [20, 3]), (true, false, [1, 1])]
        {
            let calls = [AtomicU32::new(0), AtomicU32::new(0)];
            let cache = Pausing::new(Ill { late, fails_reading, calls });
            let mut bucket = Bucket::new("key", "");
            bucket.set_bytecode(&b"code"[..]);
            for _ in 0..20 {
                cache.lookup(&mut Bucket::new("key", "")).unwrap();
                cache.set_bucket(&bucket).unwrap();
            }
            let calls = cache.into_inner().calls.map(AtomicU32::into_inner);
            assert_eq!(calls, expected, "late {late}, reading fails {fails_reading}: reads and writes");
        }
    }
}
