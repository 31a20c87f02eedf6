//! The circuit breaker: a store that is ill is left alone for a while.
//!
//! In: how each call went. Out: whether the next one may be made. Invariant: while the breaker is open, no call costs
//! more than a look at a clock; when a pause ends, one caller tries and the others go on without. It holds no lock, so
//! a fork at any moment leaves it sound.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Errors in a row that open the breaker, if they came quickly.
const PATIENCE: u32 = 3;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    /// At once: three in a row open the breaker.
    Quick,
    /// After the caller had waited: this opens the breaker by itself.
    Slow,
}

/// Counts failures in a row and says when to pause.
#[derive(Debug)]
pub(crate) struct Breaker {
    start: Instant,
    first_pause: Duration,
    /// Failures in a row.
    failures: AtomicU32,
    /// Pauses in a row.
    pauses: AtomicU32,
    /// Nanoseconds after `start` until which nobody calls; zero while closed.
    open_until: AtomicU64,
}

impl Breaker {
    /// A closed breaker. Each pause is twice as long as the one before, up to 30 seconds.
    pub(crate) fn new(first_pause: Duration) -> Self {
        Self {
            start: Instant::now(),
            first_pause,
            failures: AtomicU32::new(0),
            pauses: AtomicU32::new(0),
            open_until: AtomicU64::new(0),
        }
    }

    /// Whether a call may be made now. Every admitted call reports by `succeeded` or `failed`.
    pub(crate) fn admits(&self) -> bool {
        let open_until = self.open_until.load(Relaxed);
        if open_until == 0 {
            return true;
        }
        let now = self.now();
        // Who moves the time on is the one who tries; the others wait for another pause, or for his success.
        let next = now.saturating_add(nanos(self.first_pause)).max(1);
        now >= open_until && self.open_until.compare_exchange(open_until, next, Relaxed, Relaxed).is_ok()
    }

    /// Whether no pause has begun, or it was ended by a call that went well.
    pub(crate) fn is_closed(&self) -> bool {
        self.open_until.load(Relaxed) == 0
    }

    /// Notes a call that went well.
    pub(crate) fn succeeded(&self) {
        if self.failures.load(Relaxed) != 0 || self.open_until.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
            self.pauses.store(0, Relaxed);
            self.open_until.store(0, Relaxed);
        }
    }

    /// Notes a call that failed.
    pub(crate) fn failed(&self, harm: Harm) {
        let failures = self.failures.fetch_add(1, Relaxed).saturating_add(1);
        if harm == Harm::Slow || failures >= PATIENCE {
            let pauses = self.pauses.fetch_add(1, Relaxed).min(16);
            let pause = self.first_pause.saturating_mul(1 << pauses).min(LONGEST_PAUSE);
            // A tenth more at random, or all workers come back at one moment.
            let jitter = nanos(pause) / 10 * (RandomState::new().hash_one(pauses) % 100) / 100;
            self.open_until.store(self.now().saturating_add(nanos(pause) + jitter).max(1), Relaxed);
        }
    }

    fn now(&self) -> u64 {
        nanos(self.start.elapsed())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn three_in_a_row_open_it() {
        let breaker = Breaker::new(LONG);
        for _ in 0..5 {
            breaker.failed(Harm::Quick);
            breaker.failed(Harm::Quick);
            assert!(breaker.admits());
            breaker.succeeded();
        }
        for admitted in [true, true, false] {
            breaker.failed(Harm::Quick);
            assert_eq!(breaker.admits(), admitted);
        }
    }

    #[test]
    fn one_slow_failure_opens_it() {
        let breaker = Breaker::new(LONG);
        breaker.failed(Harm::Slow);
        assert!(!breaker.admits());
    }

    #[test]
    fn one_tries_after_the_pause() {
        let breaker = Breaker::new(LONG);
        breaker.failed(Harm::Slow);
        breaker.open_until.store(1, Relaxed); // the pause is over
        assert!(breaker.admits());
        assert!(!breaker.admits(), "the others wait for the first");
        breaker.succeeded();
        assert!(breaker.admits() && breaker.admits());
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let breaker = Breaker::new(Duration::from_secs(1));
        let mut last = 0;
        for turn in 0..40 {
            let before = breaker.now();
            breaker.failed(Harm::Slow);
            let pause = breaker.open_until.load(Relaxed) - before;
            assert!(turn > 4 || pause > last, "{turn}: {pause}");
            assert!(pause < nanos(LONGEST_PAUSE) / 10 * 12);
            last = pause;
        }
        assert!(last >= nanos(LONGEST_PAUSE));
    }
}
