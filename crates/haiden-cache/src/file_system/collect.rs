//! Keeping a directory within bounds: entries that nobody used go, the ones unused for longest first.
//!
//! In: a plan. Out: what was removed and what stays. Invariant: nothing but entries of the pattern (and what its killed writers
//! left) is removed. No reader and no writer waits for it: a reader that has a file open keeps it, and two collections at once
//! remove the same files. (With a lock, so that only one process makes room at a time, the others wrote on meanwhile: four
//! writers exceeded a bound of 64 entries by 85.)

use std::time::SystemTime;

use super::FileSystemBytecodeCache;
use crate::bounds::{Candidate, MakeRoom, Plan};
use crate::{CacheError, Collected, ContentKey};

impl FileSystemBytecodeCache {
    /// Removes what the plan says; with `dry_run` it only says what it would remove.
    pub(super) fn collect_as(&self, plan: &Plan, dry_run: bool) -> Result<Collected, CacheError> {
        self.refuse_if_read_only()?;
        let now = SystemTime::now(); // compared with the file system's times, not with our entries'
        let candidates = self.candidates(now, dry_run)?;
        let remove = |key: &ContentKey| {
            if dry_run { Ok(true) } else { self.directory.remove(&self.pattern.name(key)) }
        };
        Ok(Collected::by(plan, candidates, now, remove))
    }

    /// Makes room for what is to be written.
    pub(super) fn make_room(&self, room: MakeRoom<'_>) -> Result<(), CacheError> {
        let collected = self.collect_as(&room.plan, false)?;
        self.counters.evicted(collected.removed);
        room.done(&collected)
    }

    /// All entries; sweeps what killed writers left.
    fn candidates(&self, now: SystemTime, dry_run: bool) -> Result<Vec<Candidate<ContentKey>>, CacheError> {
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
