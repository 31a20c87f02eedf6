//! What one tier of several did.

use std::fmt;
use std::time::Duration;

use super::Tier;
use crate::CacheStatistics;

/// The part of one tier in the statistics of a [`TieredBytecodeCache`](super::TieredBytecodeCache).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierStatistics {
    /// The tier.
    pub name: String,
    /// Lookups for which it was not asked, because compiling is cheaper.
    pub left_out: u64,
    /// What an answer takes; `None` before the first one.
    pub latency: Option<Duration>,
    /// What the cache of the tier did, for this process.
    pub statistics: CacheStatistics,
}

impl TierStatistics {
    pub(super) fn of(tier: &Tier) -> Self {
        Self {
            name: tier.name.clone(),
            left_out: tier.meter.left_out(),
            latency: tier.meter.latency(),
            statistics: tier.cache.statistics(),
        }
    }
}

/// One line.
impl fmt::Display for TierStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CacheStatistics { hits, misses, .. } = self.statistics;
        write!(f, "{}: {hits} hits, {misses} misses", self.name)?;
        if let Some(latency) = self.latency {
            write!(f, ", {latency:.1?} an answer")?;
        }
        let failures = self.statistics.load_failures + self.statistics.dump_failures;
        let counts = [
            (self.left_out, "left out, because compiling is cheaper"),
            (failures, "failures"),
            (self.statistics.rejections.total(), "rejected"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}
