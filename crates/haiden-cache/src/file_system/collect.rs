//! Keeping a directory within bounds: entries that nobody used go, the ones unused for longest first.
//!
//! In: bounds. Out: what was removed and what stays. Invariant: nothing but entries of the pattern (and what its killed writers
//! left) is removed, and no entry that was written or used within the last minute. It takes no lock: a reader that has a
//! file open keeps it, and two collections at once remove the same files.

use std::time::{Duration, SystemTime};

use super::FileSystemBytecodeCache;
use crate::{CacheError, ContentKey};

/// An entry this young may be about to be read by the one who is waiting for it.
const YOUNG: Duration = Duration::from_mins(1);

/// How much a [collection](FileSystemBytecodeCache::collect) lets stay. `None` is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Entries unused for longer go.
    pub max_age: Option<Duration>,
    /// The files of the entries take this much at most.
    pub max_bytes: Option<u64>,
    /// This many entries stay at most.
    pub max_entries: Option<u64>,
}

/// What a collection did.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// Entries removed.
    pub removed: u64,
    /// What their files took.
    pub removed_bytes: u64,
    /// Entries that stay.
    pub kept: u64,
    /// What their files take.
    pub kept_bytes: u64,
    /// Entries that were to go, and could not be removed.
    pub failed: u64,
}

struct Candidate {
    used: SystemTime,
    bytes: u64,
    key: ContentKey,
}

impl FileSystemBytecodeCache {
    /// Removes entries until the bounds hold: first those that are too old, then those that were used longest ago. With
    /// `dry_run` it only says what it would do. The time of last use is known to the hour.
    pub fn collect(&self, bounds: &Bounds, dry_run: bool) -> Result<Collected, CacheError> {
        self.refuse_if_read_only()?;
        let now = SystemTime::now();
        let mut candidates = self.candidates(now, dry_run)?;
        candidates.sort_by_key(|candidate| (candidate.used, candidate.key));
        let mut result = Collected {
            kept: candidates.len() as u64,
            kept_bytes: candidates.iter().map(|candidate| candidate.bytes).sum(),
            ..Collected::default()
        };
        for candidate in candidates {
            // A time in the future is a clock that was wrong: as good as now.
            let age = now.duration_since(candidate.used).unwrap_or_default();
            let too_old = bounds.max_age.is_some_and(|max| age > max);
            let too_many = bounds.max_entries.is_some_and(|max| result.kept > max);
            let too_large = bounds.max_bytes.is_some_and(|max| result.kept_bytes > max);
            if age < YOUNG || !(too_old || too_many || too_large) {
                continue;
            }
            if !dry_run && self.directory.remove(&self.pattern.name(&candidate.key)).is_err() {
                result.failed += 1;
                continue;
            }
            result.removed += 1;
            result.removed_bytes += candidate.bytes;
            result.kept -= 1;
            result.kept_bytes -= candidate.bytes;
        }
        Ok(result)
    }

    /// All entries; sweeps what killed writers left.
    fn candidates(&self, now: SystemTime, dry_run: bool) -> Result<Vec<Candidate>, CacheError> {
        let mut candidates = Vec::new();
        for name in self.directory.names()? {
            let name = name?;
            if let Some(key) = self.pattern.key(&name) {
                // One that is gone by now is nobody's concern.
                if let Some((used, bytes)) = self.directory.status(&self.pattern.name(&key)) {
                    candidates.push(Candidate { used, bytes, key });
                }
            } else if !dry_run && self.pattern.is_temp(&name) {
                self.sweep(&name, now);
            }
        }
        Ok(candidates)
    }
}
