//! Keeping the rows within bounds: those that nobody used go, the ones unused for longest first.
//!
//! In: a plan. Out: what was removed and what stays. Invariant: it is one transaction, so that a process killed in it has
//! removed nothing, and no two remove the same; readers do not wait for it.

use std::time::{Duration, UNIX_EPOCH};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::SqliteBytecodeCache;
use crate::bounds::{Candidate, MakeRoom, Plan};
use crate::{CacheError, Collected};

impl SqliteBytecodeCache {
    /// Removes what the plan says; with `dry_run` it only says what it would remove.
    pub(super) fn collect_as(&self, plan: &Plan, dry_run: bool) -> Result<Collected, CacheError> {
        let now = self.clock.now();
        self.write(|connection| {
            let behavior =
                if dry_run { TransactionBehavior::Deferred } else { TransactionBehavior::Immediate };
            let transaction = Transaction::new_unchecked(connection, behavior)?;
            let candidates = candidates(&transaction)?;
            let mut delete = transaction.prepare_cached("DELETE FROM entries WHERE rowid = ?1")?;
            let mut failed = None;
            let collected = Collected::by(plan, candidates, now, |rowid| {
                if !dry_run && failed.is_none() {
                    failed = delete.execute([rowid]).err();
                }
                if failed.is_none() { Ok(true) } else { Err(()) }
            });
            drop(delete);
            match failed {
                Some(error) => Err(error),
                None => transaction.commit().map(|()| collected),
            }
        })
    }

    /// Makes room for what is to be written.
    pub(super) fn make_room(&self, room: MakeRoom<'_>) -> Result<(), CacheError> {
        let collected = self.collect_as(&room.plan, false)?;
        self.counters.evicted(collected.removed);
        room.done(&collected)
    }
}

/// All rows. Of those used in the same second the older ones, which have the smaller numbers, come first.
fn candidates(connection: &Connection) -> rusqlite::Result<Vec<Candidate<i64>>> {
    let mut select = connection.prepare_cached("SELECT rowid, accessed_at, length(frame) FROM entries")?;
    let rows = select.query_map((), |row| {
        let (seconds, bytes) = (row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?);
        let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        Ok(Candidate {
            used: UNIX_EPOCH.checked_add(seconds).unwrap_or(UNIX_EPOCH),
            bytes: bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
            key: row.get(0)?,
        })
    })?;
    rows.collect()
}
