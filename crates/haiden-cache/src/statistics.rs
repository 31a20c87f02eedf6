//! What a cache is worth, in figures.
//!
//! [`Counters`] is the live side: atomics a store keeps in a field. [`CacheStatistics`] is the snapshot a reader gets.
//! Invariant: counting takes no lock, and only the trait's provided methods count (see [`crate::BytecodeCache`]), so a
//! lookup is counted once whoever wrote the store.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::{Bucket, Rejection, Rejections, TierStatistics};

/// The counters of one cache. Keep one in the store and return it from
/// [`counters`](crate::BytecodeCache::counters); the rest happens by itself.
#[derive(Debug, Default)]
pub struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    writes: AtomicU64,
    skipped_writes: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
    evictions: AtomicU64,
    load_failures: AtomicU64,
    dump_failures: AtomicU64,
    nanos_saved: AtomicU64,
    nanos_lost: AtomicU64,
    rejections: [AtomicU64; Rejection::COUNT],
}

impl Counters {
    /// Counters at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a lookup by what it left in the bucket.
    pub fn looked_up(&self, bucket: &Bucket<'_>) {
        if let Some(bytecode) = bucket.bytecode() {
            self.hits.fetch_add(1, Relaxed);
            self.bytes_read.fetch_add(bytecode.len() as u64, Relaxed);
            return;
        }
        self.misses.fetch_add(1, Relaxed);
        if let Some(reason) = bucket.rejection() {
            self.rejections[reason as usize].fetch_add(1, Relaxed);
        }
    }

    /// Counts a lookup that used no bucket: bytes of bytecode, a rejection, or nothing.
    pub(crate) fn found(&self, found: Option<Result<usize, Rejection>>) {
        match found {
            Some(Ok(bytes)) => {
                self.hits.fetch_add(1, Relaxed);
                self.bytes_read.fetch_add(bytes as u64, Relaxed);
            }
            missed => {
                self.misses.fetch_add(1, Relaxed);
                if let Some(Err(reason)) = missed {
                    self.rejections[reason as usize].fetch_add(1, Relaxed);
                }
            }
        }
    }

    /// Counts bytecode that a store took.
    pub fn wrote(&self, bytes: usize) {
        self.writes.fetch_add(1, Relaxed);
        self.bytes_written.fetch_add(bytes as u64, Relaxed);
    }

    /// Counts bytecode that was not offered to the store, because it is read-only.
    pub fn skipped_write(&self) {
        self.skipped_writes.fetch_add(1, Relaxed);
    }

    /// Counts entries that had to make room.
    pub fn evicted(&self, entries: u64) {
        self.evictions.fetch_add(entries, Relaxed);
    }

    /// Counts a store that failed to answer.
    pub fn load_failed(&self) {
        self.load_failures.fetch_add(1, Relaxed);
    }

    /// Counts a store that failed to take an entry.
    pub fn dump_failed(&self) {
        self.dump_failures.fetch_add(1, Relaxed);
    }

    /// Turns a counted hit into a miss: the engine could not use what the store returned.
    pub fn revoke_hit(&self, reason: Rejection) {
        self.hits.fetch_sub(1, Relaxed);
        self.misses.fetch_add(1, Relaxed);
        self.rejections[reason as usize].fetch_add(1, Relaxed);
    }

    /// Counts what a hit was worth: what compiling would have taken, and what loading took. Loading may be dearer;
    /// then the difference is counted as lost.
    pub fn record_time(&self, compiling: Duration, loading: Duration) {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanos_saved.fetch_add(nanos(compiling.saturating_sub(loading)), Relaxed);
        self.nanos_lost.fetch_add(nanos(loading.saturating_sub(compiling)), Relaxed);
    }

    /// Counts what a hit was worth, for a source of so many bytes: compiling takes about 10 ns a byte
    /// (`bench/README.md` has the figures).
    pub fn record_hit(&self, source_bytes: usize, loading: Duration) {
        self.record_time(Duration::from_nanos((source_bytes as u64).saturating_mul(10)), loading);
    }

    /// The figures as they stand. While other threads count, each figure is right, but not all of one instant.
    pub fn snapshot(&self) -> CacheStatistics {
        let mut rejections = Rejections::default();
        for &reason in Rejection::ALL {
            rejections.add(reason, self.rejections[reason as usize].load(Relaxed));
        }
        CacheStatistics {
            hits: self.hits.load(Relaxed),
            misses: self.misses.load(Relaxed),
            size: None,
            max_size: None,
            max_bytes: None,
            writes: self.writes.load(Relaxed),
            skipped_writes: self.skipped_writes.load(Relaxed),
            bytes_read: self.bytes_read.load(Relaxed),
            bytes_written: self.bytes_written.load(Relaxed),
            evictions: self.evictions.load(Relaxed),
            load_failures: self.load_failures.load(Relaxed),
            dump_failures: self.dump_failures.load(Relaxed),
            time_saved: Duration::from_nanos(self.nanos_saved.load(Relaxed)),
            time_lost: Duration::from_nanos(self.nanos_lost.load(Relaxed)),
            rejections,
            others_can_write: false,
            is_link: false,
            tiers: Vec::new(),
        }
    }
}

/// What a cache did since it was opened, in this process.
///
/// `hits + misses` is the number of lookups. A hit yielded bytecode that was used; everything else (absent, damaged,
/// foreign, a store that failed) is a miss.
///
/// ```
/// let figures = haiden_cache::CacheStatistics::default();
/// assert_eq!(figures.hit_ratio(), 0.0);
/// println!("{figures}");
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CacheStatistics {
    /// Lookups that yielded usable bytecode.
    pub hits: u64,
    /// All other lookups.
    pub misses: u64,
    /// Entries in the store now; `None` if it cannot tell.
    pub size: Option<u64>,
    /// The most entries it keeps; `None` if it sets no such bound.
    pub max_size: Option<u64>,
    /// The most bytes its entries take; `None` if it sets no such bound.
    pub max_bytes: Option<u64>,
    /// Entries written.
    pub writes: u64,
    /// Entries not written, because the cache is read-only, or no tier was worth it.
    pub skipped_writes: u64,
    /// Bytes of bytecode that lookups returned, also where the engine could not use it.
    pub bytes_read: u64,
    /// Bytes of bytecode written.
    pub bytes_written: u64,
    /// Entries that were dropped to make room.
    pub evictions: u64,
    /// Lookups that failed in the store (each is a miss, too).
    pub load_failures: u64,
    /// Writes that failed in the store.
    pub dump_failures: u64,
    /// Compile time that hits saved, as far as the engine measures it.
    pub time_saved: Duration,
    /// Time by which hits were dearer than compiling.
    pub time_lost: Duration,
    /// Entries found but not used, by reason (each is a miss, too).
    pub rejections: Rejections,
    /// Whether users other than the one we run as can write the store's directory, so that its entries are only as
    /// trustworthy as they are.
    pub others_can_write: bool,
    /// Whether the directory that was named is a symbolic link: who can change the link can lead the next process elsewhere.
    pub is_link: bool,
    /// What each tier did, if the cache is [made of several](crate::TieredBytecodeCache).
    pub tiers: Vec<TierStatistics>,
}

impl CacheStatistics {
    /// `hits / (hits + misses)`; 0.0 before the first lookup.
    pub fn hit_ratio(&self) -> f64 {
        let lookups = self.hits + self.misses;
        if lookups == 0 { 0.0 } else { self.hits as f64 / lookups as f64 }
    }
}

impl fmt::Display for CacheStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |value: Option<u64>, none: &str| value.map_or(none.to_owned(), |value| value.to_string());
        writeln!(f, "hits           {:>12}", self.hits)?;
        writeln!(f, "misses         {:>12}", self.misses)?;
        writeln!(f, "hit ratio      {:>10.1} %", self.hit_ratio() * 100.0)?;
        writeln!(f, "entries        {:>12}", count(self.size, "unknown"))?;
        if self.max_size.is_some() || self.max_bytes.is_none() {
            writeln!(f, "at most        {:>12}", count(self.max_size, "unbounded"))?;
        }
        if let Some(bytes) = self.max_bytes {
            writeln!(f, "at most        {bytes:>12} bytes")?;
        }
        writeln!(f, "written        {:>12}", self.writes)?;
        writeln!(f, "bytes read     {:>12}", self.bytes_read)?;
        writeln!(f, "bytes written  {:>12}", self.bytes_written)?;
        writeln!(f, "time saved     {:>12}", format!("{:.1?}", self.time_saved))?;
        let optional = [
            ("evicted", self.evictions),
            ("not written", self.skipped_writes),
            ("load failures", self.load_failures),
            ("dump failures", self.dump_failures),
            ("rejected", self.rejections.total()),
        ];
        if !self.time_lost.is_zero() {
            writeln!(f, "time lost      {:>12}", format!("{:.1?}", self.time_lost))?;
        }
        for (label, value) in optional.into_iter().filter(|&(_, value)| value > 0) {
            writeln!(f, "{label:<15}{value:>12}")?;
        }
        for (reason, times) in self.rejections.iter() {
            writeln!(f, "  {:<15}{times:>10}", reason.name())?;
        }
        if self.others_can_write {
            writeln!(f, "others can write the directory")?;
        }
        if self.is_link {
            writeln!(f, "the directory is a symbolic link")?;
        }
        for tier in &self.tiers {
            writeln!(f, "tier {tier}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_can_be_revoked() {
        let counters = Counters::new();
        let mut bucket = Bucket::new("key", "");
        counters.looked_up(&bucket);
        bucket.set_bytecode(&b"code"[..]);
        counters.looked_up(&bucket);
        counters.looked_up(&bucket);
        counters.revoke_hit(Rejection::InstructionSet);
        let figures = counters.snapshot();
        assert_eq!((figures.hits, figures.misses, figures.bytes_read), (1, 2, 8));
        assert_eq!(figures.rejections.iter().collect::<Vec<_>>(), [(Rejection::InstructionSet, 1)]);
        assert!((figures.hit_ratio() - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn time_goes_to_one_side() {
        let counters = Counters::new();
        counters.record_time(Duration::from_micros(50), Duration::from_micros(20));
        counters.record_time(Duration::from_micros(5), Duration::from_micros(12));
        let figures = counters.snapshot();
        assert_eq!(
            (figures.time_saved, figures.time_lost),
            (Duration::from_micros(30), Duration::from_micros(7))
        );
    }

    #[test]
    fn the_table_is_readable() {
        let mut figures = CacheStatistics { hits: 3, misses: 1, size: Some(4), ..CacheStatistics::default() };
        figures.time_saved = Duration::from_micros(1500);
        figures.rejections.add(Rejection::Truncated, 1);
        let expected = "\
hits                      3
misses                    1
hit ratio            75.0 %
entries                   4
at most           unbounded
written                   0
bytes read                0
bytes written             0
time saved            1.5ms
rejected                  1
  truncated               1
";
        assert_eq!(figures.to_string(), expected);
    }
}
