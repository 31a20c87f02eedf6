//! Tiers: who is asked, who is filled, who is left out, and what an ill one does to the rest.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::*;
use crate::{CacheErrorKind, MemoryBytecodeCache};

type Memory = Arc<MemoryBytecodeCache>;

fn memory() -> Memory {
    Arc::new(MemoryBytecodeCache::new(100, 1 << 20))
}

fn filled(key: &str) -> Bucket<'static> {
    let mut bucket = Bucket::new(key, "sum");
    bucket.set_bytecode(key.as_bytes());
    bucket
}

/// Three tiers, and the caches in them.
fn three(change: impl Fn(usize, Tier) -> Tier) -> (TieredBytecodeCache, [Memory; 3]) {
    let caches = [memory(), memory(), memory()];
    let tiers = caches.iter().zip(["top", "middle", "bottom"]).enumerate();
    let tiers =
        tiers.map(|(at, (cache, name))| change(at, Tier::new(name, Arc::clone(cache)).gate(Gate::Always)));
    (TieredBytecodeCache::new(tiers.collect::<Vec<_>>()), caches)
}

fn has(caches: &[Memory; 3], key: &str) -> [bool; 3] {
    [0, 1, 2].map(|at| {
        let mut bucket = Bucket::new(key, "sum");
        caches[at].load_bytecode(&mut bucket).unwrap();
        bucket.bytecode().is_some()
    })
}

fn hits_and_misses(cache: &dyn BytecodeCache) -> Vec<(u64, u64)> {
    let statistics = cache.statistics();
    let tiers = statistics.tiers.iter().map(|tier| (tier.statistics.hits, tier.statistics.misses));
    std::iter::once((statistics.hits, statistics.misses)).chain(tiers).collect()
}

#[test]
fn what_a_lower_tier_has_is_filled_in_above() {
    let (cache, caches) = three(|_, tier| tier);
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(7);
    let mut bucket = filled("a");
    bucket.set_created_at(time);
    caches[1].set_bucket(&bucket).unwrap();
    let mut bucket = Bucket::new("a", "sum");
    cache.lookup(&mut bucket).unwrap();
    assert_eq!(bucket.bytecode().map(|code| &code[..]), Some(&b"a"[..]));
    assert_eq!(has(&caches, "a"), [true, true, false], "above, not below");
    let entry = caches[0].entries().unwrap().next().unwrap().unwrap();
    assert_eq!((entry.created_at, entry.checksum.as_str()), (Some(time), "sum"));
    cache.lookup(&mut Bucket::new("a", "sum")).unwrap();
    cache.lookup(&mut Bucket::new("b", "sum")).unwrap();
    assert_eq!(hits_and_misses(&cache), [(2, 1), (1, 2), (1, 1), (0, 1)]);

    cache.set_bucket(&filled("b")).unwrap();
    assert_eq!(has(&caches, "b"), [true; 3]);
}

#[test]
fn a_read_only_tier_is_not_filled_nor_cleared() {
    let (cache, caches) = three(|at, tier| if at == 1 { tier.read_only() } else { tier });
    cache.set_bucket(&filled("a")).unwrap();
    assert_eq!(has(&caches, "a"), [true, false, true]);
    caches[2].set_bucket(&filled("b")).unwrap();
    cache.lookup(&mut Bucket::new("b", "sum")).unwrap();
    assert_eq!(has(&caches, "b"), [true, false, true]);
    caches[1].set_bucket(&filled("c")).unwrap();
    let cleared = cache.clear().unwrap();
    assert_eq!((cleared.reach, cleared.removed, cleared.failed), (ClearReach::Deletes, None, 0));
    assert_eq!(has(&caches, "c"), [false, true, false]);
    assert!(!cache.is_read_only());

    let only = TieredBytecodeCache::new([Tier::new("one", memory()).read_only()]);
    assert!(only.is_read_only());
    only.set_bucket(&filled("a")).unwrap();
    assert_eq!((only.statistics().skipped_writes, only.clear().unwrap()), (1, Cleared::default()));
}

#[test]
fn many_are_asked_for_at_once() {
    /// Counts round trips.
    struct Trips(Memory, AtomicU64);
    impl BytecodeCache for Trips {
        fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
            self.load_many(&mut [bucket])
        }
        fn load_many(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
            self.1.fetch_add(1, Relaxed);
            self.0.load_many(buckets)
        }
        fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
            self.0.dump_bytecode(bucket)
        }
    }
    let (top, bottom) = (memory(), Arc::new(Trips(memory(), AtomicU64::new(0))));
    let cache = TieredBytecodeCache::new([
        Tier::new("top", Arc::clone(&top)),
        Tier::new("bottom", Counted::new(Arc::clone(&bottom))),
    ]);
    for key in ["a", "b", "c", "d"] {
        bottom.set_bucket(&filled(key)).unwrap();
    }
    top.set_bucket(&filled("b")).unwrap();
    let mut buckets = ["a", "b", "c", "x"].map(|key| Bucket::new(key, "sum"));
    cache.lookup_many(&mut buckets.iter_mut().collect::<Vec<_>>()).unwrap();
    let found = buckets.map(|bucket| bucket.bytecode().map(|code| code.to_vec()));
    assert_eq!(found, [Some(b"a".to_vec()), Some(b"b".to_vec()), Some(b"c".to_vec()), None]);
    assert_eq!(bottom.1.load(Relaxed), 1);
    assert_eq!(hits_and_misses(&cache), [(3, 1), (1, 3), (2, 1)]);
    assert_eq!(top.size(), Some(3));
    cache.lookup_many(&mut []).unwrap();
}

use crate::Counted;

/// A cache that fails, or has something that is no entry.
#[derive(Debug, Clone, Copy)]
enum Ill {
    Fails,
    Garbage,
}

impl BytecodeCache for Ill {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        match self {
            Ill::Fails => Err(CacheError::new(CacheErrorKind::Denied, "no")),
            Ill::Garbage => {
                bucket.bytecode_from_string(b"garbage");
                Ok(())
            }
        }
    }
    fn dump_bytecode(&self, _: &Bucket<'_>) -> Result<(), CacheError> {
        Err(CacheError::new(CacheErrorKind::Full, "no"))
    }
    fn clear(&self) -> Result<Cleared, CacheError> {
        Err(CacheError::new(CacheErrorKind::Denied, "no"))
    }
}

#[test]
fn an_ill_tier_is_a_miss_unless_it_is_to_raise() {
    for ill in [Ill::Fails, Ill::Garbage] {
        let below = memory();
        below.set_bucket(&filled("a")).unwrap();
        let cache = TieredBytecodeCache::new([
            Tier::new("ill", Counted::new(ill)).failures(Failures::Ignore),
            Tier::new("below", Arc::clone(&below)),
        ]);
        let mut bucket = Bucket::new("a", "sum");
        cache.lookup(&mut bucket).unwrap();
        assert!(bucket.bytecode().is_some(), "{ill:?}");
        cache.set_bucket(&filled("b")).unwrap();
        let statistics = cache.statistics();
        let top = &statistics.tiers[0].statistics;
        assert_eq!(
            (statistics.hits, top.misses, top.dump_failures),
            (1, 1, 2),
            "{ill:?}: back-fill and write"
        );
        let (failed, rejected) = (top.load_failures, top.rejections.get(Rejection::Magic));
        assert_eq!((failed, rejected), if matches!(ill, Ill::Fails) { (1, 0) } else { (0, 1) });
        let cleared = cache.clear().unwrap();
        assert_eq!((cleared.reach, cleared.removed, cleared.failed), (ClearReach::Nothing, None, 1));
        assert_eq!(below.size(), Some(0), "the others are cleared all the same");

        let mut bucket = Bucket::new("absent", "sum");
        cache.lookup(&mut bucket).unwrap();
        assert_eq!(bucket.rejection(), matches!(ill, Ill::Garbage).then_some(Rejection::Magic));
    }
    let raising = TieredBytecodeCache::new([Tier::new("ill", Ill::Fails).failures(Failures::Raise)]);
    assert!(raising.lookup(&mut Bucket::new("a", "")).is_err());
    assert!(raising.set_bucket(&filled("a")).is_err());
    assert!(raising.clear().is_err());
    let bucket = Bucket::new("a", "");
    assert_eq!(raising.set_bucket(&bucket).unwrap_err().kind(), CacheErrorKind::EmptyBucket);
}

/// A cache that takes its time, by a clock that stands still otherwise.
struct Slow {
    cache: Memory,
    takes: AtomicU64,
    clock: Arc<AtomicU64>,
}

impl BytecodeCache for Slow {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        self.clock.fetch_add(self.takes.load(Relaxed), Relaxed);
        self.cache.load_bytecode(bucket)
    }
    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        self.cache.dump_bytecode(bucket)
    }
    fn counters(&self) -> Option<&Counters> {
        self.cache.counters()
    }
}

#[test]
fn a_tier_dearer_than_compiling_is_left_out() {
    let clock = Arc::new(AtomicU64::new(0));
    let slow = Arc::new(Slow { cache: memory(), takes: AtomicU64::new(200_000), clock: Arc::clone(&clock) });
    let cache =
        TieredBytecodeCache::new([Tier::new("memory", memory()), Tier::new("slow", Arc::clone(&slow))])
            .compile_cost(Duration::from_micros(10))
            .timer(move || Duration::from_nanos(clock.load(Relaxed)));

    let lookup = |key: &str, kib: usize| {
        cache.lookup(&mut Bucket::new(key, "sum").with_source_bytes(kib << 10)).unwrap();
        let statistics = cache.statistics();
        (statistics.tiers[1].statistics.misses, statistics.tiers[1].left_out)
    };
    assert_eq!(lookup("unknown", 1), (1, 0), "while its speed is unknown it is asked");
    assert_eq!(lookup("small", 1), (1, 1), "10 µs of compiling against 200 µs");
    assert_eq!(lookup("large", 100), (2, 1), "1 ms of compiling against 200 µs");
    let mut unknown = Bucket::new("hand-made", "sum");
    cache.lookup(&mut unknown).unwrap();
    assert_eq!(cache.statistics().tiers[1].statistics.misses, 3, "a source of unknown size");

    // What is not read is not written.
    let write = |key: &str, kib: usize| {
        let mut bucket = filled(key).with_source_bytes(kib << 10);
        bucket.set_bytecode(vec![1; 10]);
        cache.set_bucket(&bucket).unwrap();
        slow.cache.size()
    };
    assert_eq!((write("small", 1), write("large", 100)), (Some(0), Some(1)));

    // The engine says that compiling is dearer than was thought.
    for _ in 0..64 {
        cache.observe_compile(1 << 10, Duration::from_millis(1));
    }
    assert_eq!(lookup("small", 1).1, 1);
    assert_eq!(cache.statistics().tiers[1].latency, Some(Duration::from_micros(200)));
    assert!(cache.statistics().to_string().contains("1 left out, because compiling is cheaper"));
    cache.observe_compile(0, Duration::from_secs(1));
}

#[test]
fn what_the_engine_rejects_is_a_miss_of_the_tier_that_had_it() {
    let (cache, caches) = three(|_, tier| tier);
    caches[1].set_bucket(&filled("a")).unwrap();
    let mut bucket = Bucket::new("a", "sum");
    cache.lookup(&mut bucket).unwrap();
    cache.reject_bucket(&mut bucket, Rejection::Structure);
    assert_eq!((bucket.bytecode(), bucket.rejection()), (None, Some(Rejection::Structure)));
    assert_eq!(hits_and_misses(&cache), [(0, 1), (0, 1), (0, 1), (0, 0)]);
    assert_eq!(caches[1].statistics().rejections.get(Rejection::Structure), 1);
}

/// What no tier took was not written, whatever their policies let pass.
#[test]
fn a_write_is_one_if_a_tier_took_it() {
    let figures = |tiers: Vec<Tier>| {
        let cache = TieredBytecodeCache::new(tiers).compile_cost(Duration::from_nanos(1));
        let mut bucket = filled("a");
        for _ in 0..2 {
            cache.set_bucket(&bucket).unwrap();
            // From the second time on, no answer is worth its time.
            cache.lookup(&mut Bucket::new("b", "sum")).unwrap();
            bucket = bucket.with_source_bytes(1);
        }
        let figures = cache.statistics();
        (figures.writes, figures.dump_failures, figures.skipped_writes)
    };
    let ill = || Tier::new("ill", Ill::Fails);
    let always = |tier: Tier| tier.gate(Gate::Always);
    assert_eq!(figures(vec![always(ill())]), (0, 2, 0));
    assert_eq!(figures(vec![always(ill()), always(Tier::new("memory", memory()))]), (2, 0, 0));
    assert_eq!(figures(vec![Tier::new("memory", memory())]), (1, 0, 1));
    assert_eq!(figures(vec![Tier::new("memory", memory()).read_only()]), (0, 0, 2));
    let raises = TieredBytecodeCache::new([always(ill()).failures(Failures::Raise)]);
    assert!(raises.set_bucket(&filled("a")).is_err());
    assert_eq!((raises.statistics().writes, raises.statistics().dump_failures), (0, 1));
}

/// Tiers that are a tier of others, or wrapped: whoever counted the hit takes it back, and nobody else.
#[test]
fn what_the_engine_rejects_is_a_miss_wherever_the_tiers_are() {
    type Wrap = Box<dyn Fn(TieredBytecodeCache) -> Box<dyn BytecodeCache>>;
    let keys = Arc::new(crate::KeyRing::new("0123456789abcdef0123456789abcdef").unwrap());
    let wraps: [(&str, Wrap); 7] = [
        ("itself", Box::new(|cache| Box::new(cache))),
        ("a pointer", Box::new(|cache| Box::new(Arc::new(cache)))),
        ("best effort", Box::new(|cache| Box::new(BestEffort::new(cache, Failures::Warn)))),
        ("counted", Box::new(|cache| Box::new(crate::Counted::new(cache)))),
        ("pausing", Box::new(|cache| Box::new(crate::Pausing::new(cache)))),
        ("read-only", Box::new(|cache| Box::new(ReadOnly::new(cache)))),
        ("authenticated", Box::new(move |cache| Box::new(crate::Authenticated::new(cache, keys.clone())))),
    ];
    for (name, wrap) in &wraps {
        for place in 0..3 {
            let (inner, caches) = three(|_, tier| tier);
            caches[place].set_bucket(&filled("a")).unwrap();
            let cache = wrap(inner);
            let top = memory();
            let outer = TieredBytecodeCache::new([
                Tier::new("top", top.clone()).gate(Gate::Always),
                Tier::new("inner", cache).gate(Gate::Always),
            ]);
            // A bucket that is used again does not remember who filled it before.
            let mut bucket = Bucket::new("a", "sum");
            for _ in 0..2 {
                outer.lookup(&mut bucket).unwrap();
                outer.reject_bucket(&mut bucket, Rejection::Structure);
                top.clear().unwrap();
                for cache in &caches[..place] {
                    cache.clear().unwrap();
                }
            }
            assert_eq!(hits_and_misses(&outer)[..2], [(0, 2), (0, 2)], "{name}");
            for (at, cache) in caches.iter().enumerate() {
                let expected = if at <= place { (0, 2) } else { (0, 0) };
                assert_eq!(hits_and_misses(&**cache), [expected], "{name}, {place}: {at}");
            }
            assert_eq!(caches[place].statistics().rejections.get(Rejection::Structure), 2, "{name}");
        }
    }
}

#[test]
fn explaining_asks_everybody_and_changes_nothing() {
    let (cache, caches) = three(|_, tier| tier);
    caches[2].set_bucket(&filled("a")).unwrap();
    let key = *Bucket::new("a", "sum").content_key();
    let answers = cache.explain(&key, Some(1 << 10));
    let names: Vec<_> = answers.iter().map(|answer| answer.name.as_str()).collect();
    assert_eq!(names, ["top", "middle", "bottom"]);
    assert!(matches!(answers[0].outcome, TierOutcome::Absent));
    assert!(matches!(answers[2].outcome, TierOutcome::Hit { bytes: 1, created_at: Some(_) }));
    assert_eq!(has(&caches, "a"), [false, false, true]);
    assert_eq!(hits_and_misses(&cache), [(0, 0); 4]);

    let ill = TieredBytecodeCache::new([Tier::new("garbage", Ill::Garbage), Tier::new("fails", Ill::Fails)]);
    let outcomes: Vec<_> = ill.explain(&key, None).into_iter().map(|answer| answer.outcome).collect();
    assert!(
        matches!(outcomes[..], [TierOutcome::Rejected(Rejection::Magic), TierOutcome::Failed(_)]),
        "{outcomes:?}"
    );
}

#[test]
fn entries_of_all_tiers_are_listed() {
    let (cache, caches) = three(|_, tier| tier);
    caches[0].set_bucket(&filled("a")).unwrap();
    caches[2].set_bucket(&filled("b")).unwrap();
    caches[1].set_bucket(&filled("a")).unwrap();
    let listed: Vec<_> = cache.entries().unwrap().map(|entry| entry.unwrap().bytecode.to_vec()).collect();
    assert_eq!(listed, [b"a".to_vec(), b"b".to_vec()]);
    let blind = TieredBytecodeCache::new([Tier::new("blind", Ill::Fails)]);
    assert_eq!(blind.entries().unwrap().count(), 0);
}
