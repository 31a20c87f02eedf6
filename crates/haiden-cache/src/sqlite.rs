//! The cache in one SQLite file, shared by any number of processes of one machine.
//!
//! In: buckets. Out: rows of one table, under content keys. Invariant: every statement is a transaction of its own, so
//! a process may be killed at any point and leaves whole rows; a reader never waits for a writer (write-ahead log).
//!
//! Reading order: `file` (which files are taken, and what becomes of a damaged one), this, `collect` (bounds).
//!
//! The client is rusqlite with SQLite compiled in: nobody should write that himself, and a system's library may be
//! too old for what is used here.

mod collect;
mod file;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _};

use self::file::StoreFile;
use crate::bounds::{Budget, Plan};
use crate::breaker::{Breaker, Harm};
use crate::policy::{Listener, Policy};
use crate::{
    Bounds, Bucket, BytecodeCache, CacheEntry, CacheError, CacheErrorKind, Cleared, Clock, Collected,
    ContentKey, Counters, DEFAULT_MAX_ENTRY_BYTES, Entries, Failures, Frame, Rejection,
};

/// How long a statement waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_millis(250);
/// How long writing pauses after it failed; longer when it fails again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// A hit updates an entry's time of last use at most this often.
const TOUCH_AFTER: Duration = Duration::from_hours(1);

/// Keeps bytecode in a file of SQLite's, for this process, others at the same time, and all later ones.
///
/// ```
/// use haiden_cache::{Bucket, BytecodeCache, SqliteBytecodeCache};
///
/// let path = std::env::temp_dir().join(format!("bytecode-{}.sqlite", std::process::id()));
/// let cache = SqliteBytecodeCache::new(&path)?;
///
/// let mut bucket = Bucket::new("key", "checksum");
/// bucket.set_bytecode(&b"bytecode"[..]);
/// cache.set_bucket(&bucket)?;
///
/// let mut bucket = Bucket::new("key", "checksum");
/// cache.lookup(&mut bucket)?;
/// assert!(bucket.bytecode().is_some());
/// assert_eq!(cache.clear()?.removed, Some(1));
/// # drop(cache);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
///
/// **The file** is made if it is missing, readable for this user alone, with two more beside it (`-wal`, `-shm`). Its
/// folder is not made. A file that is there must be this store's: another program's database, or no database at all, is
/// an error when the cache is opened, and left as it is. A file of this store that turns out to be damaged is thrown
/// away and begun anew. It must not lie on a network file system (SQLite's shared memory does not work there), and no
/// other copy of SQLite in the same process may open it (closing one drops the locks of the other).
///
/// **Waiting.** Reading waits for nobody. Writing waits for other writers, 250 ms at most unless
/// [`busy_timeout`](SqliteBuilder::busy_timeout) says otherwise; after a write that failed so, writes are left out for a
/// second, then two, then four.
///
/// **Forking.** Connections are not used across a fork: a child opens its own.
///
/// **`clear()`** deletes every entry and gives the space back to the file system.
///
/// **Bounds.** With [`max_bytes`](SqliteBuilder::max_bytes) or [`max_entries`](SqliteBuilder::max_entries), entries that were
/// used longest ago (to the hour) make room for new ones, in a transaction of its own before the one that writes. A
/// process reads all sizes before it writes its first entry, and whenever it has written a sixteenth of a bound.
#[derive(Debug)]
pub struct SqliteBytecodeCache {
    file: StoreFile,
    writing: Breaker,
    max_entry_bytes: usize,
    budget: Option<Budget>,
    policy: Policy,
    clock: Clock,
    counters: Counters,
}

impl SqliteBytecodeCache {
    /// Opens the cache in this file, or makes it.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, CacheError> {
        Self::builder(path).open()
    }

    /// All options.
    pub fn builder(path: impl Into<PathBuf>) -> SqliteBuilder {
        SqliteBuilder {
            path: path.into(),
            read_only: false,
            busy_timeout: BUSY_TIMEOUT,
            first_pause: FIRST_PAUSE,
            max_entry_bytes: DEFAULT_MAX_ENTRY_BYTES,
            bounds: Bounds::default(),
            policy: Policy::default(),
            clock: Clock::default(),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    fn max_row_bytes(&self) -> usize {
        self.max_entry_bytes.saturating_add(Frame::MAX_OVERHEAD)
    }

    /// Runs a statement that writes, unless writing is paused.
    fn write<T>(&self, work: impl FnMut(&Connection) -> rusqlite::Result<T>) -> Result<T, CacheError> {
        if self.file.is_read_only() {
            let message = format!("the cache in {} is opened read-only", self.path().display());
            return Err(CacheError::new(CacheErrorKind::ReadOnly, message));
        }
        if !self.writing.admits() {
            let message = format!("{}: writing failed and is paused", self.path().display());
            return Err(CacheError::new(CacheErrorKind::Unavailable, message));
        }
        self.file.notice_replacement();
        let result = self.file.with(work);
        match &result {
            Ok(_) => self.writing.succeeded(),
            Err(error) if error.kind() == CacheErrorKind::Unavailable => self.writing.failed(Harm::Slow),
            Err(_) => self.writing.failed(Harm::Quick),
        }
        result
    }

    /// Notes the use of an entry, once an hour. Nobody waits for it, and nothing depends on it.
    fn touch(&self, connection: &Connection, key: &ContentKey, accessed_at: i64) -> rusqlite::Result<()> {
        let now = seconds(self.clock.now());
        if self.file.is_read_only() || now.saturating_sub(accessed_at) <= TOUCH_AFTER.as_secs() as i64 {
            return Ok(());
        }
        let mut update =
            connection.prepare_cached("UPDATE entries SET accessed_at = ?1 WHERE content_key = ?2")?;
        update.execute((now, &key.as_bytes()[..])).map(drop)
    }

    /// The first row behind a key.
    fn row_after(&self, key: &[u8]) -> Result<Option<Row>, CacheError> {
        self.file.with(|connection| {
            let sql = "SELECT content_key, accessed_at, CASE WHEN length(frame) <= ?2 THEN frame END
                       FROM entries WHERE content_key > ?1 ORDER BY content_key LIMIT 1";
            let mut select = connection.prepare_cached(sql)?;
            let row = select.query_row((key, length_of(self.max_row_bytes())), |row| {
                let frame = match row.get_ref(2)? {
                    ValueRef::Blob(bytes) => Ok(bytes.to_vec()),
                    odd => Err(reason(odd)),
                };
                Ok(Row { key: row.get(0)?, accessed_at: row.get(1)?, frame })
            });
            row.optional()
        })
    }

    /// A row as listings show it.
    fn entry(&self, row: &Row) -> Result<CacheEntry, CacheError> {
        let frame = row.frame.as_ref().map_err(|reason| *reason);
        let frame = frame.and_then(|bytes| Frame::parse(bytes, self.max_row_bytes())).and_then(|frame| {
            if frame.content_key.as_bytes()[..] == row.key { Ok(frame) } else { Err(Rejection::Key) }
        });
        let frame = frame.map_err(|reason| {
            let key = crate::content_key::hex(&row.key);
            let message = format!("{}: {key}: {reason}", self.path().display());
            CacheError::new(CacheErrorKind::Rejected(reason), message).with_key(key)
        })?;
        let accessed_at = u64::try_from(row.accessed_at).unwrap_or(0);
        let accessed_at = UNIX_EPOCH.checked_add(Duration::from_secs(accessed_at));
        let mut entry = CacheEntry::from_frame(&frame);
        entry.accessed_at = accessed_at.map(|time| time.max(frame.created_at));
        Ok(entry)
    }
}

/// What a listing reads of a row.
struct Row {
    key: Vec<u8>,
    frame: Result<Vec<u8>, Rejection>,
    accessed_at: i64,
}

impl BytecodeCache for SqliteBytecodeCache {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        let key = *bucket.content_key();
        let max = self.max_row_bytes();
        self.file.with(|connection| {
            // A row that is too large is not read.
            let sql = "SELECT accessed_at, CASE WHEN length(frame) <= ?2 THEN frame END
                       FROM entries WHERE content_key = ?1";
            let mut select = connection.prepare_cached(sql)?;
            let mut rows = select.query((&key.as_bytes()[..], length_of(max)))?;
            let Some(row) = rows.next()? else { return Ok(()) };
            let accessed_at = row.get(0)?;
            match row.get_ref(1)? {
                ValueRef::Blob(bytes) => bucket.bytecode_from_entry(bytes, max),
                odd => bucket.reject(reason(odd)),
            }
            drop(rows);
            if bucket.bytecode().is_some() {
                let _ = self.touch(connection, &key, accessed_at); // next time, then
            }
            Ok(())
        })
    }

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        let length = bucket.filled()?.len();
        if length > self.max_entry_bytes {
            let message = format!("{length} bytes of bytecode: at most {}", self.max_entry_bytes);
            return Err(CacheError::new(CacheErrorKind::TooLarge, message));
        }
        let now = self.clock.now();
        let frame = bucket.entry_written_at(bucket.created_at().unwrap_or(now))?;
        let size = frame.len() as u64;
        if let Some(budget) = &self.budget
            && !self.file.is_read_only()
            && let Some(room) = budget.admit(size)?
        {
            self.make_room(room)?;
        }
        self.write(|connection| {
            let sql = "INSERT OR REPLACE INTO entries (content_key, accessed_at, frame) VALUES (?1, ?2, ?3)";
            let mut insert = connection.prepare_cached(sql)?;
            insert.execute((&bucket.content_key().as_bytes()[..], seconds(now), &frame)).map(drop)
        })?;
        if let Some(budget) = &self.budget {
            budget.wrote(size);
        }
        Ok(())
    }

    /// Deletes every entry and shrinks the file.
    fn clear(&self) -> Result<Cleared, CacheError> {
        if let Some(budget) = &self.budget {
            budget.forget();
        }
        let removed = self.write(|connection| connection.execute("DELETE FROM entries", ()))?;
        // Needs that nobody else reads just then; the space is used again in any case.
        let _ =
            self.file.with(|connection| connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"));
        Ok(Cleared::deleted(Some(removed as u64), 0))
    }

    fn counters(&self) -> Option<&Counters> {
        Some(&self.counters)
    }

    fn failures(&self) -> Failures {
        self.policy.failures
    }

    fn warn(&self, error: &CacheError) {
        self.policy.warn(error);
    }

    fn is_read_only(&self) -> bool {
        self.file.is_read_only()
    }

    fn size(&self) -> Option<u64> {
        let count = |connection: &Connection| {
            connection.query_row("SELECT count(*) FROM entries", (), |row| row.get::<_, i64>(0))
        };
        self.file.with(count).ok().and_then(|count| u64::try_from(count).ok())
    }

    fn max_size(&self) -> Option<u64> {
        self.budget.as_ref()?.bounds().max_entries
    }

    fn max_bytes(&self) -> Option<u64> {
        self.budget.as_ref()?.bounds().max_bytes
    }

    /// The time of last use is known to the hour. The file does not shrink: what is free in it is used again.
    fn collect(&self, bounds: &Bounds, dry_run: bool) -> Result<Collected, CacheError> {
        self.collect_as(&Plan::collection(bounds), dry_run)
    }

    /// In the order of keys, read one by one. The time of last use is at most an hour behind.
    fn entries(&self) -> Result<Entries<'_>, CacheError> {
        self.row_after(&[])?; // a file that cannot be read is told here
        let mut last = Some(Vec::new());
        Ok(Box::new(std::iter::from_fn(move || match self.row_after(&last.take()?) {
            Ok(row) => row.map(|row| {
                let entry = self.entry(&row);
                last = Some(row.key);
                entry
            }),
            Err(error) => Some(Err(error)),
        })))
    }
}

/// The options of a [`SqliteBytecodeCache`].
///
/// ```no_run
/// use haiden_cache::{Failures, SqliteBytecodeCache};
///
/// let cache = SqliteBytecodeCache::builder("/var/cache/site/bytecode.sqlite")
///     .read_only(true)
///     .failures(Failures::Warn)
///     .open()?;
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct SqliteBuilder {
    path: PathBuf,
    read_only: bool,
    busy_timeout: Duration,
    first_pause: Duration,
    max_entry_bytes: usize,
    bounds: Bounds,
    policy: Policy,
    clock: Clock,
}

impl SqliteBuilder {
    /// Only reads entries; the file has to exist. Not even times of last use are written. In a folder that may not be
    /// written, the file is read as it lies: what is still in the log of a process that writes is not seen.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// How long a write waits for other writers; 250 ms by default. Without waiting, two of three writers lose what
    /// they write.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// For how long nothing is written after a write failed; a second by default, doubled each time.
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }

    /// The largest bytecode that is written or read; [`DEFAULT_MAX_ENTRY_BYTES`] by default.
    pub fn max_entry_bytes(mut self, bytes: usize) -> Self {
        self.max_entry_bytes = bytes;
        self
    }

    /// Both bounds at once; their age does not count here.
    pub(crate) fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Keeps at most so many entries: those that were used longest ago make room for new ones. By default there is no
    /// such bound.
    pub fn max_entries(mut self, entries: u64) -> Self {
        self.bounds.max_entries = Some(entries);
        self
    }

    /// Keeps entries of at most so many bytes, as [`max_entries`](Self::max_entries) does. The file is a little larger.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.bounds.max_bytes = Some(bytes);
        self
    }

    /// What happens when the file cannot be read or written.
    pub fn failures(mut self, failures: Failures) -> Self {
        self.policy.failures = failures;
        self
    }

    /// Who hears of failures under [`Failures::Warn`], instead of standard error. Each kind of failure is told once.
    pub fn warn_with(mut self, listener: impl Fn(&CacheError) + Send + Sync + 'static) -> Self {
        self.policy.listener = Some(Listener::new(listener));
        self
    }

    /// Where entries get their times from.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the cache. Fails if the file cannot be opened or made, or is not this store's.
    pub fn open(self) -> Result<SqliteBytecodeCache, CacheError> {
        Ok(SqliteBytecodeCache {
            file: StoreFile::open(self.path, self.read_only, self.busy_timeout)?,
            writing: Breaker::new(self.first_pause),
            max_entry_bytes: self.max_entry_bytes,
            budget: Budget::new(self.bounds),
            policy: self.policy,
            clock: self.clock,
            counters: Counters::new(),
        })
    }
}

/// A limit as SQLite counts.
fn length_of(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Why what is no blob, or was too long to be read, is no entry. This store writes neither.
fn reason(value: ValueRef<'_>) -> Rejection {
    if value == ValueRef::Null { Rejection::Oversize } else { Rejection::Structure }
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}
