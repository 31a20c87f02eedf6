//! Several caches as one: the fastest first, the one that everybody shares last.
//!
//! In: caches in order, each with its policy. Out: a cache. Invariant: a lookup asks from the top until one answers, and
//! what a lower tier had is then also in the tiers above that could have had it; no tier's illness reaches the caller unless its
//! policy says so; no tier is asked that would take longer than compiling.

mod gate;
mod statistics;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

pub use self::gate::Gate;
use self::gate::{Average, Meter, nanos};
pub use self::statistics::TierStatistics;
use crate::cache::{Kept, keep};
use crate::{
    BestEffort, Bucket, BytecodeCache, CacheEntry, CacheError, CacheErrorKind, CacheStatistics, ClearReach,
    Cleared, ContentKey, Counters, Entries, Failures, ReadOnly, Rejection,
};

/// What compiling takes until the engine has measured it: 10 ns a byte, in nanoseconds for 1024 bytes.
const COMPILE_NANOS_PER_KIB: u64 = 10 * 1024;

/// In a bucket: no tier has filled it.
const NO_TIER: usize = 0;

/// One cache of several, with how it is treated.
///
/// ```
/// use haiden_cache::{Failures, Gate, MemoryBytecodeCache, Tier};
///
/// let memory = Tier::new("memory", MemoryBytecodeCache::new(1000, 64 << 20)).gate(Gate::Always);
/// let shared = Tier::new("shared", MemoryBytecodeCache::new(1000, 64 << 20)).failures(Failures::Warn).read_only();
/// ```
#[must_use]
pub struct Tier {
    name: String,
    cache: Arc<dyn BytecodeCache>,
    meter: Meter,
}

impl Tier {
    /// A tier under a name that statistics and `explain` show.
    pub fn new(name: impl Into<String>, cache: impl BytecodeCache + 'static) -> Self {
        Self { name: name.into(), cache: Arc::new(cache), meter: Meter::new(Gate::Auto) }
    }

    /// When the tier is asked; by default when it answers sooner than the compiler.
    pub fn gate(mut self, gate: Gate) -> Self {
        self.meter = Meter::new(gate);
        self
    }

    /// What happens when the tier fails, instead of what the cache itself says.
    pub fn failures(mut self, failures: Failures) -> Self {
        self.cache = Arc::new(BestEffort::new(self.cache, failures));
        self
    }

    /// The tier is asked and never written.
    pub fn read_only(mut self) -> Self {
        self.cache = Arc::new(ReadOnly::new(self.cache));
        self
    }
}

impl fmt::Debug for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tier").field("name", &self.name).field("meter", &self.meter).finish_non_exhaustive()
    }
}

/// Asks several caches in turn.
///
/// ```
/// use std::sync::Arc;
/// use haiden_cache::{Bucket, BytecodeCache, MemoryBytecodeCache, Tier, TieredBytecodeCache};
///
/// let shared = Arc::new(MemoryBytecodeCache::new(1000, 64 << 20));
/// let own = || Tier::new("own", MemoryBytecodeCache::new(100, 1 << 20));
/// let worker = TieredBytecodeCache::new([own(), Tier::new("shared", Arc::clone(&shared))]);
/// let mut bucket = Bucket::new("key", "checksum");
/// bucket.set_bytecode(&b"bytecode"[..]);
/// worker.set_bucket(&bucket)?; // into both
///
/// let another = TieredBytecodeCache::new([own(), Tier::new("shared", shared)]);
/// for _ in 0..2 {
///     another.lookup(&mut Bucket::new("key", "checksum"))?;
/// }
/// let statistics = another.statistics();
/// assert_eq!(statistics.hits, 2);
/// let hits: Vec<_> = statistics.tiers.iter().map(|tier| tier.statistics.hits).collect();
/// assert_eq!(hits, [1, 1], "the first time from the shared one, then from its own");
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
///
/// **Writes** go to every tier that is not read-only. **Back-fill**: what a tier had goes into those above it. **The
/// [gate](Gate)** leaves a tier out, for reading and for writing, when its answers take longer than compiling the source would;
/// [`TierStatistics::left_out`] counts it. **Failures** follow each tier's own policy: one that is ill is a miss, and the next one
/// is asked. **`clear()`** clears every tier that is not read-only, and says how far the weakest of them reaches.
#[derive(Debug)]
pub struct TieredBytecodeCache {
    tiers: Vec<Tier>,
    counters: Counters,
    compile_nanos_per_kib: Average,
    timer: Timer,
}

/// Tells how much time has passed since some moment.
struct Timer(Box<dyn Fn() -> Duration + Send + Sync>);

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timer")
    }
}

/// What a tier says about one key.
#[non_exhaustive]
#[derive(Debug)]
pub enum TierOutcome {
    /// It has a sound entry: so many bytes of bytecode, made at this time.
    Hit {
        /// Bytes of bytecode.
        bytes: usize,
        /// When the entry was made.
        created_at: Option<SystemTime>,
    },
    /// It has none.
    Absent,
    /// It has one that is not used.
    Rejected(Rejection),
    /// It failed.
    Failed(CacheError),
}

/// A tier's part in an [explanation](TieredBytecodeCache::explain).
#[non_exhaustive]
#[derive(Debug)]
pub struct TierAnswer {
    /// The tier.
    pub name: String,
    /// What it says when it is asked.
    pub outcome: TierOutcome,
    /// How long that took.
    pub took: Duration,
    /// Whether a lookup would ask it, as far as its gate is concerned.
    pub admitted: bool,
}

impl TieredBytecodeCache {
    /// These caches, in the order in which they are asked.
    pub fn new(tiers: impl IntoIterator<Item = Tier>) -> Self {
        let start = Instant::now();
        Self {
            tiers: tiers.into_iter().collect(),
            counters: Counters::new(),
            compile_nanos_per_kib: Average::starting_at(COMPILE_NANOS_PER_KIB),
            timer: Timer(Box::new(move || start.elapsed())),
        }
    }

    /// What compiling is expected to take, until [`observe_compile`](BytecodeCache::observe_compile) tells better.
    #[must_use]
    pub fn compile_cost(mut self, time_per_kib: Duration) -> Self {
        self.compile_nanos_per_kib = Average::starting_at(nanos(time_per_kib).max(1));
        self
    }

    /// A clock of your own for the times of answers: the time since any fixed moment.
    #[must_use]
    pub fn timer(mut self, elapsed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.timer = Timer(Box::new(elapsed));
        self
    }

    /// What each tier says about a key. Asks all of them, counts nothing and fills nothing in.
    pub fn explain(&self, key: &ContentKey, source_bytes: Option<usize>) -> Vec<TierAnswer> {
        let compiling = self.compiling(source_bytes);
        let explain = |tier: &Tier| {
            let mut bucket = Bucket::new("", "").with_content_key(*key);
            let admitted = tier.meter.pays(compiling);
            let start = (self.timer.0)();
            let result = tier.cache.load_bytecode(&mut bucket);
            let took = (self.timer.0)().saturating_sub(start);
            let outcome = match (result, bucket.bytecode(), bucket.rejection()) {
                (Err(error), ..) => TierOutcome::Failed(error),
                (_, Some(code), _) => TierOutcome::Hit { bytes: code.len(), created_at: bucket.created_at() },
                (_, None, Some(reason)) => TierOutcome::Rejected(reason),
                _ => TierOutcome::Absent,
            };
            TierAnswer { name: tier.name.clone(), outcome, took, admitted }
        };
        self.tiers.iter().map(explain).collect()
    }

    /// What compiling a source of this size is expected to take.
    fn compiling(&self, source_bytes: Option<usize>) -> Option<Duration> {
        let per_kib = u128::from(self.compile_nanos_per_kib.get()?);
        let whole = per_kib * source_bytes? as u128 / 1024;
        Some(Duration::from_nanos(u64::try_from(whole).unwrap_or(u64::MAX)))
    }

    /// Asks one tier for buckets, in one round trip if it can.
    fn ask(&self, tier: &Tier, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
        // Of several buckets each takes its share.
        let share = u32::try_from(buckets.len()).unwrap_or(u32::MAX).max(1);
        let start = (self.timer.0)();
        let result = match buckets {
            [bucket] => tier.cache.lookup(bucket),
            buckets => tier.cache.lookup_many(buckets),
        };
        tier.meter.answered((self.timer.0)().saturating_sub(start) / share);
        result
    }

    /// Puts what tier `found` had into those above it. The best that became of it tells.
    fn back_fill(&self, found: usize, bucket: &Bucket<'_>) -> Result<Kept, CacheError> {
        let compiling = self.compiling(bucket.source_bytes());
        let mut best = Kept::Skipped;
        for tier in self.tiers[..found].iter().filter(|tier| !tier.cache.is_read_only()) {
            if tier.meter.pays(compiling) {
                best = best.max(keep(&*tier.cache, bucket)?);
            }
        }
        Ok(best)
    }

    /// How a bucket notes that tier `at` filled it, and which tier of that one did if it has tiers itself.
    fn path(&self, at: usize, below: usize) -> usize {
        let path = below.checked_mul(self.tiers.len()).and_then(|path| path.checked_add(at + 1));
        path.unwrap_or(at + 1)
    }

    /// The other way round; none if no tier of this cache did.
    fn step(&self, path: usize) -> Option<(usize, usize)> {
        let path = path.checked_sub(1)?;
        Some((path.checked_rem(self.tiers.len())?, path / self.tiers.len()))
    }

    /// Asks tier after tier for those of the buckets that are still empty.
    fn load(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
        let mut reasons = vec![None; buckets.len()];
        for (at, tier) in self.tiers.iter().enumerate() {
            let mut asked = Vec::new();
            let mut pending: Vec<&mut Bucket<'_>> = Vec::new();
            for (number, bucket) in buckets.iter_mut().enumerate() {
                if bucket.bytecode().is_none() && tier.meter.admits(self.compiling(bucket.source_bytes())) {
                    asked.push(number);
                    pending.push(bucket);
                }
            }
            if pending.is_empty() {
                continue;
            }
            for bucket in &mut pending {
                bucket.set_tier(NO_TIER);
            }
            self.ask(tier, &mut pending)?;
            for (number, bucket) in asked.into_iter().zip(pending) {
                reasons[number] = reasons[number].or(bucket.rejection());
                if bucket.bytecode().is_some() {
                    bucket.set_tier(self.path(at, bucket.tier().unwrap_or(NO_TIER)));
                    self.back_fill(at, bucket)?;
                }
            }
        }
        for (bucket, reason) in buckets.iter_mut().zip(reasons) {
            if let (None, Some(reason)) = (bucket.bytecode(), reason) {
                bucket.reject(reason);
            }
        }
        Ok(())
    }
}

impl BytecodeCache for TieredBytecodeCache {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        self.load(&mut [bucket])
    }

    fn load_many(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
        self.load(buckets)
    }

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        bucket.filled()?;
        self.back_fill(self.tiers.len(), bucket).map(drop)
    }

    /// Counts a write if a tier took it, a failure if none did and one failed, and a write that was skipped if all were left
    /// out.
    fn set_bucket(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        let bytes = bucket.filled()?.len();
        let kept = self.back_fill(self.tiers.len(), bucket);
        kept.as_ref().copied().unwrap_or(Kept::Failed).count(&self.counters, bytes);
        kept.map(drop)
    }

    /// Every tier is cleared, whatever becomes of the others. One that fails counts as one entry that could not be deleted,
    /// unless its policy is to raise.
    fn clear(&self) -> Result<Cleared, CacheError> {
        let mut all: Option<Cleared> = None;
        let mut raised = None;
        for tier in self.tiers.iter().filter(|tier| !tier.cache.is_read_only()) {
            let cleared = tier.cache.clear().unwrap_or_else(|error| {
                match tier.cache.failures() {
                    Failures::Ignore => {}
                    Failures::Warn => tier.cache.warn(&error),
                    Failures::Raise => raised = raised.take().or(Some(error)),
                }
                Cleared { reach: ClearReach::Nothing, removed: None, failed: 1 }
            });
            all = Some(match all {
                None => cleared,
                Some(all) => Cleared {
                    reach: all.reach.min(cleared.reach),
                    removed: None, // an entry that was in both is one
                    failed: all.failed + cleared.failed,
                },
            });
        }
        match raised {
            Some(error) => Err(error),
            None => Ok(all.unwrap_or_default()),
        }
    }

    fn counters(&self) -> Option<&Counters> {
        Some(&self.counters)
    }

    /// What a tier does not settle by its own policy is for the caller.
    fn failures(&self) -> Failures {
        Failures::Raise
    }

    fn is_read_only(&self) -> bool {
        self.tiers.iter().all(|tier| tier.cache.is_read_only())
    }

    fn statistics(&self) -> CacheStatistics {
        let mut statistics = self.counters.snapshot();
        statistics.tiers = self.tiers.iter().map(TierStatistics::of).collect();
        statistics.others_can_write = statistics.tiers.iter().any(|tier| tier.statistics.others_can_write);
        statistics.is_link = statistics.tiers.iter().any(|tier| tier.statistics.is_link);
        statistics
    }

    /// The entries of all tiers that can list them, from the top; a key that several have is listed once.
    fn entries(&self) -> Result<Entries<'_>, CacheError> {
        let mut all: Vec<Entries<'_>> = Vec::new();
        for tier in &self.tiers {
            match tier.cache.entries() {
                Ok(entries) => all.push(entries),
                Err(error) if error.kind() == CacheErrorKind::Unsupported => {}
                Err(error) => all.push(Box::new(std::iter::once(Err(error)))),
            }
        }
        let mut seen = BTreeSet::new();
        let mut is_new = move |entry: &CacheEntry| seen.insert(entry.key.clone());
        Ok(Box::new(all.into_iter().flatten().filter(move |entry| entry.as_ref().map_or(true, &mut is_new))))
    }

    fn revoke_load(&self, bucket: &mut Bucket<'_>, reason: Rejection) {
        if let Some((at, below)) = bucket.tier().and_then(|path| self.step(path)) {
            bucket.set_tier(below);
            self.tiers[at].cache.reject_bucket(bucket, reason);
        }
    }

    fn observe_compile(&self, source_bytes: usize, took: Duration) {
        // A source of a few bytes says more about the clock than about the compiler.
        if source_bytes >= 256 {
            self.compile_nanos_per_kib.add(nanos(took).saturating_mul(1024) / source_bytes as u64);
        }
    }
}

#[cfg(test)]
mod tests;
