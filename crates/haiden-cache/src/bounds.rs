//! Bounds of what a store keeps: which entries have to go, and when somebody has to look.
//!
//! In: how many entries there are, when each was used last, what is to be written. Out: the ones to remove. Invariant: what was
//! used longest ago goes first; a lookup never meets any of this. The stores measure and remove, this only decides.
//!
//! A store on a disk cannot know its size for nothing, and other processes write, too. So a writer measures before its first
//! write, counts what it writes itself, and measures again when that is a sixteenth of a bound. Meanwhile other threads of its
//! process wait if their entries do not fit: when they went on, eight of them wrote 1200 entries within a bound of 20, because
//! the more there is, the longer it takes to measure. There is no lock, so a fork at any moment leaves it sound.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::breaker::{Breaker, Harm};
use crate::{CacheError, CacheErrorKind};

/// An entry this young may be about to be read by the one who is waiting for it.
const YOUNG: Duration = Duration::from_mins(1);
/// The part of a bound that is written before somebody measures again, and by which the rest is less when room was made.
const SHARE: u64 = 16;
/// For how long nothing is written after no room could be made; longer when it fails again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How long a thread that writes waits for another one that makes room, and how often it looks.
const PATIENCE: Duration = Duration::from_millis(50);
const GLANCE: Duration = Duration::from_micros(200);

/// How much a store, or a [collection](crate::BytecodeCache::collect), lets stay. `None` is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Entries unused for longer go.
    pub max_age: Option<Duration>,
    /// The entries take this many bytes at most.
    pub max_bytes: Option<u64>,
    /// This many entries stay at most.
    pub max_entries: Option<u64>,
}

/// What a [collection](crate::BytecodeCache::collect) did.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// Entries removed.
    pub removed: u64,
    /// What they took, in bytes.
    pub removed_bytes: u64,
    /// Entries that stay.
    pub kept: u64,
    /// What they take.
    pub kept_bytes: u64,
    /// Entries that were to go, and could not be removed.
    pub failed: u64,
}

/// An entry that may have to go.
pub(crate) struct Candidate<K> {
    pub(crate) used: SystemTime,
    pub(crate) bytes: u64,
    pub(crate) key: K,
}

/// When something has to go, and how far it goes then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    limit: Bounds,
    low: Bounds,
    spare_young: bool,
}

impl Bounds {
    /// A number of bytes as people write it: `1000`, `64K`, `2M`, `1G`.
    ///
    /// ```
    /// use haiden_cache::Bounds;
    ///
    /// assert_eq!(Bounds::parse_bytes("64K"), Some(65536));
    /// assert_eq!(Bounds::parse_bytes("64X"), None);
    /// ```
    pub fn parse_bytes(text: &str) -> Option<u64> {
        let (digits, factor) = match text.as_bytes().last()? {
            b'k' | b'K' => (&text[..text.len() - 1], 1 << 10),
            b'm' | b'M' => (&text[..text.len() - 1], 1 << 20),
            b'g' | b'G' => (&text[..text.len() - 1], 1 << 30),
            _ => (text, 1),
        };
        let all_digits = digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse::<u64>().ok().filter(|_| all_digits)?.checked_mul(factor)
    }

    /// Whether there is none.
    pub fn is_unbounded(&self) -> bool {
        *self == Self::default()
    }

    fn hold(&self, entries: u64, bytes: u64) -> bool {
        self.max_entries.is_none_or(|max| entries <= max) && self.max_bytes.is_none_or(|max| bytes <= max)
    }
}

impl Plan {
    /// What somebody asked for: it is brought within these bounds, and what may be about to be read stays.
    pub(crate) fn collection(bounds: &Bounds) -> Self {
        Self { limit: *bounds, low: *bounds, spare_young: true }
    }
}

impl Collected {
    /// Removes candidates as planned; `remove` says whether it was there, or that it could not be removed.
    pub(crate) fn by<K: Ord, E>(
        plan: &Plan,
        mut candidates: Vec<Candidate<K>>,
        now: SystemTime,
        mut remove: impl FnMut(&K) -> Result<bool, E>,
    ) -> Self {
        // What others put into a directory may have any size: a few files with holes exceed 64 bits together.
        let mut kept_bytes: u128 = candidates.iter().map(|candidate| u128::from(candidate.bytes)).sum();
        let figure = |bytes: u128| u64::try_from(bytes).unwrap_or(u64::MAX);
        let mut result =
            Self { kept: candidates.len() as u64, kept_bytes: figure(kept_bytes), ..Self::default() };
        let crowded = !plan.limit.hold(result.kept, result.kept_bytes);
        // A time to come is that of a clock that was wrong (within a minute, of another machine's): of the use of such an
        // entry nothing is known. If it counted as the last one, new entries would make room for it until that time comes.
        for candidate in &mut candidates {
            if candidate.used.duration_since(now).is_ok_and(|ahead| ahead > YOUNG) {
                candidate.used = SystemTime::UNIX_EPOCH;
            }
        }
        candidates.sort_unstable_by(|a, b| (a.used, &a.key).cmp(&(b.used, &b.key)));
        for candidate in candidates {
            let age = now.duration_since(candidate.used).unwrap_or_default();
            let too_old = plan.limit.max_age.is_some_and(|max| age > max);
            let too_much = crowded && !plan.low.hold(result.kept, result.kept_bytes);
            if (plan.spare_young && age < YOUNG) || !(too_old || too_much) {
                continue;
            }
            match remove(&candidate.key) {
                Ok(true) => {
                    result.removed += 1;
                    result.removed_bytes = result.removed_bytes.saturating_add(candidate.bytes);
                }
                Ok(false) => {} // somebody else was quicker
                Err(_) => {
                    result.failed += 1;
                    continue;
                }
            }
            result.kept -= 1;
            kept_bytes -= u128::from(candidate.bytes);
            result.kept_bytes = figure(kept_bytes);
        }
        result
    }
}

/// Keeps a store within bounds, as far as one process can.
#[derive(Debug)]
pub(crate) struct Budget {
    bounds: Bounds,
    /// Whether the two figures that follow rest on a measurement.
    measured: AtomicBool,
    entries: AtomicU64,
    bytes: AtomicU64,
    /// What was written since the measurement: entries and bytes.
    since: [AtomicU64; 2],
    /// The process of which a thread is making room; zero if none is. A forked child does not wait for its parent's.
    at_work: AtomicU32,
    failing: Breaker,
}

/// Room has to be made, and nobody else in this process is at it.
pub(crate) struct MakeRoom<'a> {
    budget: &'a Budget,
    pub(crate) plan: Plan,
    /// What had been written since the last measurement when this began: what is written meanwhile may not be seen.
    since: [u64; 2],
}

impl Budget {
    /// None without bounds of size.
    pub(crate) fn new(bounds: Bounds) -> Option<Self> {
        (bounds.max_bytes.is_some() || bounds.max_entries.is_some()).then(|| Self {
            bounds,
            measured: AtomicBool::new(false),
            entries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            since: Default::default(),
            at_work: AtomicU32::new(0),
            failing: Breaker::new(FIRST_PAUSE),
        })
    }

    pub(crate) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// What has to be done before an entry of this size is written: mostly nothing.
    pub(crate) fn admit(&self, bytes: u64) -> Result<Option<MakeRoom<'_>>, CacheError> {
        if !self.bounds.hold(1, bytes) {
            let message = format!("an entry of {bytes} bytes does not fit into the cache's bounds");
            return Err(CacheError::new(CacheErrorKind::TooLarge, message));
        }
        let start = Instant::now();
        loop {
            let is_known = self.measured.load(Relaxed);
            let fits = is_known && self.fits(bytes);
            let since = [self.since[0].load(Relaxed), self.since[1].load(Relaxed)];
            if fits && self.news().hold(since[0], since[1]) {
                return Ok(None);
            }
            if let Some(room) = self.begin(bytes, since) {
                // Not before: who asks and does nothing would have used up the one try of a pause that ends.
                if self.failing.admits() {
                    return Ok(Some(room));
                }
                let message = "no room could be made; writing is paused";
                return Err(CacheError::new(CacheErrorKind::Full, message));
            }
            // Another thread is at it. What fits as far as is known does not wait for it, and nobody waits for long.
            if fits || start.elapsed() >= PATIENCE {
                return Ok(None);
            }
            thread::sleep(GLANCE);
        }
    }

    /// Whether one more entry of this size is within the bounds, as far as is known.
    fn fits(&self, bytes: u64) -> bool {
        let (entries, all) = (self.entries.load(Relaxed), self.bytes.load(Relaxed));
        self.bounds.hold(entries.saturating_add(1), all.saturating_add(bytes))
    }

    /// How much may be written before somebody measures again.
    fn news(&self) -> Bounds {
        let share = |bound: Option<u64>| bound.map(|bound| bound / SHARE);
        Bounds {
            max_entries: share(self.bounds.max_entries),
            max_bytes: share(self.bounds.max_bytes),
            max_age: None,
        }
    }

    /// Begins to make room, unless another thread of this process is at it.
    fn begin(&self, bytes: u64, since: [u64; 2]) -> Option<MakeRoom<'_>> {
        let (me, before) = (std::process::id(), self.at_work.load(Relaxed));
        if before == me || self.at_work.compare_exchange(before, me, Relaxed, Relaxed).is_err() {
            return None;
        }
        let less = |bound: Option<u64>, by: u64| bound.map(|bound| bound.saturating_sub(by));
        let limit = Bounds {
            max_entries: less(self.bounds.max_entries, 1),
            max_bytes: less(self.bounds.max_bytes, bytes),
            max_age: None,
        };
        let news = self.news();
        let low = Bounds {
            max_entries: less(limit.max_entries, news.max_entries.unwrap_or(0)),
            max_bytes: less(limit.max_bytes, news.max_bytes.unwrap_or(0)),
            max_age: None,
        };
        Some(MakeRoom { budget: self, plan: Plan { limit, low, spare_young: false }, since })
    }

    /// Notes an entry that was written.
    pub(crate) fn wrote(&self, bytes: u64) {
        for (figure, more) in [(&self.entries, 1), (&self.bytes, bytes), (&self.since[0], 1)] {
            figure.fetch_add(more, Relaxed);
        }
        self.since[1].fetch_add(bytes, Relaxed);
    }

    /// What was known is not true any more: the store was cleared.
    pub(crate) fn forget(&self) {
        self.measured.store(false, Relaxed);
    }
}

impl MakeRoom<'_> {
    /// Notes how it went. An error if there still is no room.
    pub(crate) fn done(self, collected: &Collected) -> Result<(), CacheError> {
        let budget = self.budget;
        let figures = [(&budget.entries, collected.kept), (&budget.bytes, collected.kept_bytes)];
        for ((figure, kept), (since, before)) in figures.into_iter().zip(budget.since.iter().zip(self.since))
        {
            since.fetch_sub(before, Relaxed);
            figure.store(kept.saturating_add(since.load(Relaxed)), Relaxed);
        }
        budget.measured.store(true, Relaxed);
        if self.plan.limit.hold(collected.kept, collected.kept_bytes) {
            budget.failing.succeeded();
            return Ok(());
        }
        budget.failing.failed(Harm::Slow);
        let message = format!("the cache is full, and {} entries could not be removed", collected.failed);
        Err(CacheError::new(CacheErrorKind::Full, message))
    }
}

impl Drop for MakeRoom<'_> {
    fn drop(&mut self) {
        self.budget.at_work.store(0, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(max_entries: u64, max_bytes: u64) -> Bounds {
        Bounds { max_entries: Some(max_entries), max_bytes: Some(max_bytes), max_age: None }
    }

    /// Writes entries of these sizes to a list, as a store would; how many stay, and how often it was measured.
    fn write(budget: &Budget, list: &mut Vec<u64>, sizes: impl IntoIterator<Item = u64>) -> (usize, u32) {
        let mut measured = 0;
        for size in sizes {
            if let Some(room) = budget.admit(size).unwrap() {
                measured += 1;
                let candidates = list.iter().enumerate();
                let candidates = candidates.map(|(at, &bytes)| Candidate {
                    used: SystemTime::UNIX_EPOCH + Duration::from_secs(at as u64),
                    bytes,
                    key: at,
                });
                let mut gone = 0;
                let now = SystemTime::UNIX_EPOCH + Duration::from_secs(list.len() as u64);
                let collected = Collected::by(&room.plan, candidates.collect(), now, |&at| {
                    assert_eq!(at, gone, "the oldest first");
                    gone += 1;
                    Ok::<_, ()>(true)
                });
                room.done(&collected).unwrap();
                list.drain(..gone);
            }
            list.push(size);
            budget.wrote(size);
            assert!(budget.bounds.hold(list.len() as u64, list.iter().sum()), "{list:?}");
        }
        (list.len(), measured)
    }

    #[test]
    fn one_writer_never_exceeds_a_bound_and_measures_rarely() {
        for (max_entries, max_bytes, most) in [(1, 1000, 1000), (2, 1000, 1000), (160, 1 << 20, 100)] {
            let budget = Budget::new(bounds(max_entries, max_bytes)).unwrap();
            let mut list = Vec::new();
            let (kept, measured) = write(&budget, &mut list, (0..1000).map(|n| 1 + n % 9));
            assert!(kept as u64 > max_entries / SHARE * (SHARE - 2), "{kept}");
            assert!(measured <= most, "{measured}");
        }
        let budget = Budget::new(bounds(1 << 20, 1600)).unwrap();
        let (kept, measured) = write(&budget, &mut Vec::new(), std::iter::repeat_n(10, 1000));
        assert!((140..=160).contains(&kept) && measured <= 100, "{kept} {measured}");
    }

    #[test]
    fn what_others_write_is_noticed() {
        let budget = Budget::new(bounds(160, 1 << 20)).unwrap();
        let mut list = Vec::new();
        write(&budget, &mut list, std::iter::repeat_n(1, 100));
        list.extend([1; 80]); // another process
        let mut over = 0;
        for _ in 0..20 {
            if let Some(room) = budget.admit(1).unwrap() {
                let collected = Collected { kept: list.len() as u64, ..Collected::default() };
                assert!(!room.plan.limit.hold(collected.kept, 0));
                room.done(&Collected { kept: 100, ..collected }).unwrap();
                list.truncate(100);
            }
            list.push(1);
            budget.wrote(1);
            over += usize::from(list.len() > 160);
        }
        assert!(over <= 10, "a sixteenth at most: {over}");
    }

    #[test]
    fn what_cannot_fit_is_refused_and_so_is_what_finds_no_room() {
        for (max_entries, max_bytes) in [(0, 100), (10, 5)] {
            let budget = Budget::new(bounds(max_entries, max_bytes)).unwrap();
            assert_eq!(budget.admit(6).err().unwrap().kind(), CacheErrorKind::TooLarge);
        }
        let budget = Budget::new(bounds(2, 100)).unwrap();
        let room = budget.admit(6).unwrap().unwrap();
        let stuck = Collected { kept: 7, failed: 7, ..Collected::default() };
        let error = room.done(&stuck).unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Full);
        assert!(error.to_string().contains("7 entries could not be removed"), "{error}");
        let error = budget.admit(6).err().unwrap();
        assert!(error.kind() == CacheErrorKind::Full && error.to_string().contains("paused"), "{error}");
        assert!(Budget::new(Bounds::default()).is_none());
    }

    /// The clock was wrong once, and is right now: what was written then must not outlive all that comes.
    #[test]
    fn times_to_come_go_first() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(1000);
        let [hour, second] = [Duration::from_hours(1), Duration::from_secs(1)];
        let used = [now - hour, now + hour, now - 2 * hour, now + second];
        let collect = |bounds: &Bounds| {
            let candidates = used.into_iter().zip(0..).map(|(used, key)| Candidate { used, bytes: 10, key });
            let mut gone = Vec::new();
            Collected::by(&Plan::collection(bounds), candidates.collect(), now, |&key| {
                gone.push(key);
                Ok::<_, ()>(true)
            });
            gone
        };
        assert_eq!(collect(&bounds(3, 100)), [1]);
        assert_eq!(collect(&bounds(1, 100)), [1, 2, 0]);
        assert_eq!(collect(&bounds(0, 0)), [1, 2, 0], "a second is not the clock's fault");
    }

    /// Files with holes: three of the largest size exceed 64 bits together.
    #[test]
    fn sizes_beyond_all_bounds_make_room_all_the_same() {
        const HUGE: u64 = i64::MAX as u64;
        let budget = Budget::new(bounds(10, 100)).unwrap();
        for stuck in [true, false] {
            let Some(room) = budget.admit(50).unwrap() else { panic!("nobody else makes room") };
            let candidates = (0..4).map(|key| Candidate { used: SystemTime::UNIX_EPOCH, bytes: HUGE, key });
            let now = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
            let remove = |_: &i32| if stuck { Err(()) } else { Ok(true) };
            let collected = Collected::by(&room.plan, candidates.collect(), now, remove);
            let expected = if stuck { (0, 4, u64::MAX) } else { (4, 0, 0) };
            assert_eq!((collected.removed, collected.kept, collected.kept_bytes), expected);
            assert_eq!(room.done(&collected).is_err(), stuck);
            budget.failing.succeeded();
        }
        budget.wrote(50);
        assert!(budget.admit(50).is_ok());
    }

    #[test]
    fn nobody_waits_for_long_for_who_makes_room() {
        let budget = Budget::new(bounds(2, 100)).unwrap();
        let room = budget.admit(1).unwrap();
        assert!(room.is_some() && budget.admit(1).unwrap().is_none());
        drop(room); // it failed
        assert!(budget.admit(1).unwrap().is_some());
        budget.at_work.store(std::process::id() + 1, Relaxed); // as a fork leaves it
        assert!(budget.admit(1).unwrap().is_some());
    }

    /// Eight threads, and a store in which making room takes long. Each may be about to write one entry more.
    #[test]
    fn threads_keep_a_bound() {
        const THREADS: usize = 8;
        let budget = Budget::new(bounds(20, 1 << 20)).unwrap();
        let (list, most) = (std::sync::Mutex::new(Vec::new()), AtomicU64::new(0));
        let write = || {
            for _ in 0..100 {
                if let Some(room) = budget.admit(10).unwrap() {
                    thread::sleep(Duration::from_millis(1));
                    let mut list = list.lock().unwrap();
                    let candidates = list.iter().enumerate();
                    let candidates =
                        candidates.map(|(at, &used)| Candidate { used, bytes: 10, key: at }).collect();
                    let mut gone = 0;
                    let collected = Collected::by(&room.plan, candidates, SystemTime::now(), |_| {
                        gone += 1;
                        Ok::<_, ()>(true)
                    });
                    list.drain(..gone);
                    drop(list);
                    room.done(&collected).unwrap();
                }
                let mut list = list.lock().unwrap();
                list.push(SystemTime::now());
                most.fetch_max(list.len() as u64, Relaxed);
                drop(list);
                budget.wrote(10);
            }
        };
        thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(write))));
        let most = most.into_inner();
        // On a machine that stands still for longer than anybody waits, some go on: by a round, not by hundreds of entries.
        assert!(most <= 20 + 4 * THREADS as u64, "{most}");
    }

    #[test]
    fn numbers_of_bytes() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("12", Some(12)),
            ("3k", Some(3072)),
            ("1G", Some(1 << 30)),
            ("", None),
            ("K", None),
            ("+1", None),
            ("1.5M", None),
            ("1é", None),
            ("99999999999G", None),
        ] {
            assert_eq!(Bounds::parse_bytes(text), bytes, "{text}");
        }
    }
}
