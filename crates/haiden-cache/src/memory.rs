//! A cache in this process's memory: bounded, least recently used goes first.
//!
//! It keeps the bytecode itself, unframed: nothing here crosses a trust boundary. Invariant: after every call the
//! entries are within both bounds.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::{
    Bucket, BytecodeCache, CacheEntry, CacheError, CacheErrorKind, Cleared, Clock, ContentKey, Counters,
    Entries,
};

/// Keeps bytecode in memory, up to a number of entries and of bytes.
///
/// It pays where several environments of one process compile the same sources, and in front of a slower store.
///
/// ```
/// use haiden_cache::{Bucket, BytecodeCache, MemoryBytecodeCache};
///
/// let cache = MemoryBytecodeCache::new(2, 1 << 20);
/// for key in ["a", "b", "c"] {
///     let mut bucket = Bucket::new(key, "");
///     bucket.set_bytecode(&b"bytecode"[..]);
///     cache.set_bucket(&bucket)?;
/// }
/// assert_eq!((cache.size(), cache.statistics().evictions), (Some(2), 1));
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
#[derive(Debug)]
pub struct MemoryBytecodeCache {
    shelf: Mutex<Shelf>,
    max_entries: usize,
    max_bytes: usize,
    clock: Clock,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Shelf {
    slots: HashMap<ContentKey, Slot>,
    /// Every slot's `used`, oldest first.
    order: BTreeMap<u64, ContentKey>,
    turn: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Slot {
    used: u64,
    bytecode: Arc<[u8]>,
    checksum: String,
    created_at: SystemTime,
    accessed_at: SystemTime,
}

impl MemoryBytecodeCache {
    /// A cache of at most this many entries and bytes of bytecode.
    pub fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self::with_clock(max_entries, max_bytes, Clock::default())
    }

    /// As [`new`](Self::new), with the times of entries from this clock.
    pub fn with_clock(max_entries: usize, max_bytes: usize, clock: Clock) -> Self {
        Self { shelf: Mutex::default(), max_entries, max_bytes, clock, counters: Counters::new() }
    }

    /// A panic while the lock is held (out of memory, a clock that panics) leaves bounds that heal by themselves.
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    fn remove(&mut self, key: &ContentKey) {
        if let Some(slot) = self.slots.remove(key) {
            self.order.remove(&slot.used);
            self.bytes -= slot.bytecode.len();
        }
    }

    /// Drops the oldest entries until both bounds hold; says how many.
    fn shrink(&mut self, max_entries: usize, max_bytes: usize) -> u64 {
        let mut dropped = 0;
        while self.slots.len() > max_entries || self.bytes > max_bytes {
            let Some((_, key)) = self.order.pop_first() else { break };
            self.remove(&key);
            dropped += 1;
        }
        dropped
    }
}

impl BytecodeCache for MemoryBytecodeCache {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        let now = self.clock.now();
        let mut shelf = self.shelf();
        let turn = shelf.next_turn();
        let Shelf { slots, order, .. } = &mut *shelf;
        let Some(slot) = slots.get_mut(bucket.content_key()) else { return Ok(()) };
        order.remove(&slot.used);
        order.insert(turn, *bucket.content_key());
        slot.used = turn;
        slot.accessed_at = now;
        bucket.bytecode_from_memory(Arc::clone(&slot.bytecode), slot.created_at);
        Ok(())
    }

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        let bytecode = bucket.filled()?;
        if bytecode.len() > self.max_bytes || self.max_entries == 0 {
            // What was there under the key is not what was to be kept.
            self.shelf().remove(bucket.content_key());
            let message = format!("{} bytes of bytecode do not fit into the memory cache", bytecode.len());
            return Err(CacheError::new(CacheErrorKind::TooLarge, message));
        }
        let now = self.clock.now();
        let slot = Slot {
            used: 0,
            bytecode: Arc::clone(bytecode),
            checksum: bucket.checksum().to_owned(),
            created_at: bucket.created_at().unwrap_or(now),
            accessed_at: now,
        };
        let mut shelf = self.shelf();
        let key = *bucket.content_key();
        shelf.remove(&key);
        let used = shelf.next_turn();
        shelf.bytes += slot.bytecode.len();
        shelf.order.insert(used, key);
        shelf.slots.insert(key, Slot { used, ..slot });
        let dropped = shelf.shrink(self.max_entries, self.max_bytes);
        self.counters.evicted(dropped);
        Ok(())
    }

    /// Deletes every entry.
    fn clear(&self) -> Result<Cleared, CacheError> {
        let mut shelf = self.shelf();
        let removed = shelf.slots.len() as u64;
        *shelf = Shelf { turn: shelf.turn, ..Shelf::default() };
        Ok(Cleared::deleted(Some(removed), 0))
    }

    fn counters(&self) -> Option<&Counters> {
        Some(&self.counters)
    }

    fn size(&self) -> Option<u64> {
        Some(self.shelf().slots.len() as u64)
    }

    fn max_size(&self) -> Option<u64> {
        Some(self.max_entries as u64)
    }

    fn max_bytes(&self) -> Option<u64> {
        Some(self.max_bytes as u64)
    }

    /// Least recently used first; the list as it stands when it is asked for.
    fn entries(&self) -> Result<Entries<'_>, CacheError> {
        let shelf = self.shelf();
        let entry = |key: &ContentKey| {
            let slot = shelf.slots.get(key)?;
            let mut entry = CacheEntry::new(key.to_hex(), slot.checksum.clone(), Arc::clone(&slot.bytecode));
            entry.created_at = Some(slot.created_at);
            entry.accessed_at = Some(slot.accessed_at);
            Some(Ok(entry))
        };
        let list: Vec<_> = shelf.order.values().filter_map(entry).collect();
        Ok(Box::new(list.into_iter()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(key: &str, bytes: usize) -> Bucket<'static> {
        let mut bucket = Bucket::new(key, "sum");
        bucket.set_bytecode(vec![1; bytes]);
        bucket
    }

    fn has(cache: &MemoryBytecodeCache, key: &str) -> bool {
        let mut bucket = Bucket::new(key, "sum");
        cache.load_bytecode(&mut bucket).unwrap();
        bucket.bytecode().is_some()
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let cache = MemoryBytecodeCache::new(3, 100);
        for key in ["a", "b", "c"] {
            cache.set_bucket(&filled(key, 10)).unwrap();
        }
        assert!(has(&cache, "a"));
        cache.set_bucket(&filled("d", 10)).unwrap();
        assert!(!has(&cache, "b"));
        cache.set_bucket(&filled("e", 75)).unwrap();
        assert_eq!(["a", "c", "d", "e"].map(|key| has(&cache, key)), [true, false, true, true]);
        assert_eq!(cache.statistics().evictions, 2);
        assert_eq!(cache.shelf().bytes, 95);
    }

    #[test]
    fn replacing_counts_bytes_once() {
        let cache = MemoryBytecodeCache::new(3, 100);
        cache.set_bucket(&filled("a", 60)).unwrap();
        cache.set_bucket(&filled("a", 70)).unwrap();
        assert_eq!(cache.shelf().bytes, 70);
        assert_eq!((cache.size(), cache.statistics().evictions), (Some(1), 0));
        assert_eq!(cache.clear().unwrap().removed, Some(1));
        let shelf = cache.shelf();
        assert_eq!((shelf.bytes, shelf.order.len()), (0, 0));
    }

    #[test]
    fn what_cannot_fit_is_refused_and_evicts_nothing() {
        for (entries, bytes) in [(0, 100), (3, 5)] {
            let cache = MemoryBytecodeCache::new(entries, bytes);
            let error = cache.dump_bytecode(&filled("a", 10)).unwrap_err();
            assert_eq!(error.kind(), CacheErrorKind::TooLarge);
            cache.set_bucket(&filled("a", 10)).unwrap();
            assert_eq!(cache.statistics().dump_failures, 1);
        }
    }

    #[test]
    fn what_is_refused_does_not_leave_the_old_entry() {
        let cache = MemoryBytecodeCache::new(3, 100);
        cache.set_bucket(&filled("a", 10)).unwrap();
        cache.set_bucket(&filled("b", 10)).unwrap();
        assert!(cache.dump_bytecode(&filled("a", 101)).is_err());
        assert_eq!(["a", "b"].map(|key| has(&cache, key)), [false, true]);
        let shelf = cache.shelf();
        assert_eq!((shelf.bytes, shelf.order.len()), (10, 1));
    }

    #[test]
    fn entries_carry_times() {
        use std::time::{Duration, UNIX_EPOCH};
        let ticks = std::sync::atomic::AtomicU64::new(0);
        let clock = Clock::new(move || {
            UNIX_EPOCH + Duration::from_secs(ticks.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
        });
        let cache = MemoryBytecodeCache::with_clock(3, 100, clock);
        cache.dump_bytecode(&filled("a", 1)).unwrap();
        assert!(has(&cache, "a"));
        let entry = cache.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.checksum, "sum");
        assert_eq!(entry.created_at, Some(UNIX_EPOCH));
        assert_eq!(entry.accessed_at, Some(UNIX_EPOCH + Duration::from_secs(1)));
    }
}
