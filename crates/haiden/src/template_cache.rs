//! The in-memory template cache: programs that were linked before, by name.
//!
//! Readers take no lock: they load a snapshot of a shard's map. Writers copy the shard's map under a mutex; that is
//! once per template, not once per render. Eviction is exact: the entry that was used longest ago goes.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use haiden_cache::CacheStatistics;
use hashbrown::DefaultHashBuilder;

/// So many that each has few entries: they are copied to add one.
const SHARDS: usize = 32;

/// How many templates an environment keeps in memory.
///
/// ```
/// use haiden::{CacheSize, Environment};
///
/// let mut environment = Environment::new();
/// environment.set_cache_size(CacheSize::Entries(1_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheSize {
    /// None: each request loads the template anew.
    Nothing,
    /// At most so many; the one that was used longest ago makes room.
    Entries(usize),
    /// All of them.
    Unbounded,
}

impl Default for CacheSize {
    /// Jinja2's: 400.
    fn default() -> CacheSize {
        CacheSize::Entries(400)
    }
}

impl From<i64> for CacheSize {
    /// Jinja2's numbers: 0 is none, a negative one is unbounded.
    fn from(size: i64) -> CacheSize {
        match usize::try_from(size) {
            Err(_) => CacheSize::Unbounded,
            Ok(0) => CacheSize::Nothing,
            Ok(size) => CacheSize::Entries(size),
        }
    }
}

struct Entry<T> {
    value: T,
    used: AtomicU64,
    created_at: SystemTime,
    /// When it was last used: nanoseconds behind `created_at`.
    accessed_after: AtomicU64,
}

/// What is kept under a name, and since when.
pub(crate) struct Kept<T> {
    pub(crate) name: Arc<str>,
    pub(crate) value: T,
    pub(crate) created_at: SystemTime,
    pub(crate) accessed_at: SystemTime,
}

type Shard<T> = HashMap<Arc<str>, Arc<Entry<T>>, DefaultHashBuilder>;

/// Values by name, bounded, read without locks.
pub(crate) struct TemplateCache<T> {
    size: CacheSize,
    shards: Box<[ArcSwap<Shard<T>>]>,
    hasher: DefaultHashBuilder,
    writers: Mutex<usize>,
    /// How often everything was dropped.
    generation: AtomicU64,
    clock: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
}

impl<T: Clone> TemplateCache<T> {
    pub(crate) fn new(size: CacheSize) -> TemplateCache<T> {
        TemplateCache {
            size,
            shards: TemplateCache::nothing(),
            hasher: DefaultHashBuilder::default(),
            writers: Mutex::new(0),
            generation: AtomicU64::new(0),
            clock: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
        }
    }

    /// Shards without entries. An environment that is being set up makes them over and over: they share what is empty.
    fn nothing() -> Box<[ArcSwap<Shard<T>>]> {
        let empty = Arc::new(HashMap::default());
        (0..SHARDS).map(|_| ArcSwap::new(Arc::clone(&empty))).collect()
    }

    pub(crate) fn size(&self) -> CacheSize {
        self.size
    }

    fn shard(&self, name: &str) -> &ArcSwap<Shard<T>> {
        &self.shards[(self.hasher.hash_one(name) as usize) % SHARDS]
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    /// The value of `name`, if it is here and `fresh` says it may be used.
    pub(crate) fn get(&self, name: &str, fresh: impl FnOnce(&T) -> bool) -> Option<T> {
        let found = self.shard(name).load().get(name).filter(|entry| fresh(&entry.value)).map(|entry| {
            entry.used.store(self.now(), Ordering::Relaxed);
            // A clock that was set back: not used since.
            let after = entry.created_at.elapsed().unwrap_or_default().as_nanos();
            entry.accessed_after.store(u64::try_from(after).unwrap_or(u64::MAX), Ordering::Relaxed);
            entry.value.clone()
        });
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// As [`get`](Self::get), without being counted or used.
    pub(crate) fn peek(&self, name: &str, fresh: impl FnOnce(&T) -> bool) -> Option<T> {
        self.shard(name).load().get(name).filter(|entry| fresh(&entry.value)).map(|entry| entry.value.clone())
    }

    /// What whoever is about to load a value has to know to keep it.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Keeps a value, unless everything was dropped since its load began: it may be of what was there before.
    pub(crate) fn insert(&self, name: Arc<str>, value: T, generation: u64) {
        if self.size == CacheSize::Nothing {
            return;
        }
        let mut count = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        if generation != self.generation() {
            return;
        }
        let shard = self.shard(&name);
        let mut map = HashMap::clone(&shard.load());
        let (used, created_at) = (AtomicU64::new(self.now()), SystemTime::now());
        let entry = Arc::new(Entry { value, used, created_at, accessed_after: AtomicU64::new(0) });
        if map.insert(name, entry).is_none() {
            *count += 1;
        }
        shard.store(Arc::new(map));
        while let CacheSize::Entries(limit) = self.size
            && *count > limit
            && self.evict()
        {
            *count -= 1;
            self.evictions.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Drops the entry that was used longest ago. Called with the writers' lock held.
    fn evict(&self) -> bool {
        let oldest = self.shards.iter().filter_map(|shard| {
            let map = shard.load();
            let (name, entry) = map.iter().min_by_key(|(_, entry)| entry.used.load(Ordering::Relaxed))?;
            Some((entry.used.load(Ordering::Relaxed), shard, name.clone()))
        });
        let Some((_, shard, name)) = oldest.min_by_key(|(used, ..)| *used) else { return false };
        let mut map = HashMap::clone(&shard.load());
        map.remove(&name);
        shard.store(Arc::new(map));
        true
    }

    /// All that is kept, the one used longest ago first.
    pub(crate) fn entries(&self) -> Vec<Kept<T>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(shard.load().iter().map(|(name, entry)| (Arc::clone(name), Arc::clone(entry))));
        }
        all.sort_by_key(|(_, entry)| entry.used.load(Ordering::Relaxed));
        let kept = |(name, entry): (Arc<str>, Arc<Entry<T>>)| {
            let after = Duration::from_nanos(entry.accessed_after.load(Ordering::Relaxed));
            let created_at = entry.created_at;
            Kept { name, value: entry.value.clone(), created_at, accessed_at: created_at + after }
        };
        all.into_iter().map(kept).collect()
    }

    /// Drops everything.
    pub(crate) fn clear(&self) {
        let mut count = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        self.generation.fetch_add(1, Ordering::AcqRel);
        for shard in &self.shards {
            shard.store(Arc::default());
        }
        *count = 0;
    }

    pub(crate) fn statistics(&self) -> CacheStatistics {
        let count = *self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statistics = CacheStatistics::default();
        statistics.hits = self.hits.load(Ordering::Relaxed);
        statistics.misses = self.misses.load(Ordering::Relaxed);
        statistics.evictions = self.evictions.load(Ordering::Relaxed);
        statistics.size = Some(count as u64);
        statistics.max_size = match self.size {
            CacheSize::Nothing => Some(0),
            CacheSize::Entries(limit) => Some(limit as u64),
            CacheSize::Unbounded => None,
        };
        statistics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(cache: &TemplateCache<u32>, names: &str) -> String {
        names
            .split(' ')
            .filter(|name| cache.shard(name).load().contains_key(*name))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn the_one_used_longest_ago_goes() {
        let cache = TemplateCache::new(CacheSize::from(2));
        cache.insert("a".into(), 1, cache.generation());
        cache.insert("b".into(), 2, cache.generation());
        assert_eq!(cache.get("a", |_| true), Some(1));
        cache.insert("c".into(), 3, cache.generation());
        assert_eq!(holds(&cache, "a b c"), "a c");
        assert_eq!(cache.get("b", |_| true), None);
        let statistics = cache.statistics();
        assert_eq!((statistics.hits, statistics.misses, statistics.size), (1, 1, Some(2)));
        assert_eq!(statistics.evictions, 1);
    }

    #[test]
    fn zero_keeps_nothing_and_negative_everything() {
        let cache = TemplateCache::new(CacheSize::from(0));
        cache.insert("a".into(), 1, cache.generation());
        assert_eq!(cache.get("a", |_| true), None);
        let cache = TemplateCache::new(CacheSize::from(-1));
        for index in 0..1000 {
            cache.insert(index.to_string().into(), index, cache.generation());
        }
        assert_eq!(cache.statistics().size, Some(1000));
        cache.clear();
        assert_eq!(cache.get("7", |_| true), None);
    }

    #[test]
    fn what_was_on_its_way_when_all_was_dropped_is_not_kept() {
        let cache = TemplateCache::new(CacheSize::default());
        let before = cache.generation();
        cache.clear();
        cache.insert("a".into(), 1, before);
        assert_eq!((cache.get("a", |_| true), cache.statistics().size), (None, Some(0)));
    }

    #[test]
    fn what_is_not_fresh_is_a_miss() {
        let cache = TemplateCache::new(CacheSize::default());
        cache.insert("a".into(), 1, cache.generation());
        assert_eq!(cache.get("a", |value| *value == 2), None);
        cache.insert("a".into(), 2, cache.generation());
        assert_eq!(cache.get("a", |value| *value == 2), Some(2));
    }
}
