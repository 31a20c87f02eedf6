//! The cost gate: a tier that answers more slowly than the compiler is not asked.
//!
//! In: how long each answer took, and what compiling takes. Out: whether to ask. Invariant: while nothing is known a tier
//! is asked, and one that is left out is asked now and then, so that a tier that became faster is found.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Of so many lookups that a tier would be left out of, one asks it all the same.
const PROBE: u64 = 64;
/// The newest value has this share in an average.
const SHARE: u64 = 8;

/// When a tier is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Gate {
    /// When its answers are expected sooner than compiling would be done; always where the size of the source is unknown.
    #[default]
    Auto,
    /// Always.
    Always,
}

/// A moving average of times; zero is "none yet".
#[derive(Debug, Default)]
pub(super) struct Average(AtomicU64);

impl Average {
    pub(super) fn starting_at(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    /// Two threads at once may lose one of their values: it is an average.
    pub(super) fn add(&self, value: u64) {
        let old = self.0.load(Relaxed);
        let new = if old == 0 { value } else { old - old / SHARE + value / SHARE };
        self.0.store(new.max(1), Relaxed);
    }

    pub(super) fn get(&self) -> Option<u64> {
        Some(self.0.load(Relaxed)).filter(|&value| value > 0)
    }
}

/// What is known of one tier's speed.
#[derive(Debug, Default)]
pub(super) struct Meter {
    gate: Gate,
    latency: Average,
    left_out: AtomicU64,
}

impl Meter {
    pub(super) fn new(gate: Gate) -> Self {
        Self { gate, ..Self::default() }
    }

    /// Whether answers are expected sooner than `compiling` is done.
    pub(super) fn pays(&self, compiling: Option<Duration>) -> bool {
        match (self.gate, compiling, self.latency.get()) {
            (Gate::Auto, Some(compiling), Some(latency)) => u128::from(latency) < compiling.as_nanos(),
            _ => true,
        }
    }

    /// As [`pays`](Self::pays), for a lookup: counts the ones that leave the tier out, and lets one in 64 through.
    pub(super) fn admits(&self, compiling: Option<Duration>) -> bool {
        self.pays(compiling) || self.left_out.fetch_add(1, Relaxed) % PROBE == PROBE - 1
    }

    /// Notes how long an answer took.
    pub(super) fn answered(&self, took: Duration) {
        self.latency.add(nanos(took));
    }

    /// How often the tier was not asked.
    pub(super) fn left_out(&self) -> u64 {
        let refused = self.left_out.load(Relaxed);
        refused - refused / PROBE
    }

    /// What an answer takes.
    pub(super) fn latency(&self) -> Option<Duration> {
        self.latency.get().map(Duration::from_nanos)
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICRO: Duration = Duration::from_micros(1);

    #[test]
    fn what_is_unknown_is_asked() {
        let meter = Meter::new(Gate::Auto);
        assert!(meter.admits(Some(MICRO)));
        meter.answered(50 * MICRO);
        assert!(meter.admits(None));
        assert_eq!((meter.left_out(), meter.latency()), (0, Some(50 * MICRO)));
    }

    #[test]
    fn a_tier_that_is_dearer_than_compiling_is_left_out_and_probed() {
        let meter = Meter::new(Gate::Auto);
        meter.answered(50 * MICRO);
        assert!(meter.admits(Some(51 * MICRO)));
        assert!(!meter.pays(Some(50 * MICRO)));
        let asked = (0..640).filter(|_| meter.admits(Some(50 * MICRO))).count();
        assert_eq!((asked, meter.left_out()), (10, 630));

        let always = Meter::new(Gate::Always);
        always.answered(50 * MICRO);
        assert!(always.admits(Some(MICRO)));
    }

    #[test]
    fn a_tier_that_became_faster_is_asked_again() {
        let meter = Meter::new(Gate::Auto);
        meter.answered(1000 * MICRO);
        for _ in 0..64 {
            meter.answered(MICRO);
        }
        assert!(meter.pays(Some(10 * MICRO)));
        meter.answered(Duration::MAX);
        assert!(!meter.pays(Some(10 * MICRO)));
    }
}
