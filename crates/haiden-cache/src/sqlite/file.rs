//! The file and its connections: which file is this store's, and what happens to one that is damaged.
//!
//! In: a path. Out: open connections. Invariant: a file is made or thrown away only if it is this store's (its
//! application id says so), and only while it is still the file in which the damage was seen.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::pool::Pool;
use crate::{CacheError, CacheErrorKind};

/// "hdbc": how a file of this store is told from others.
const APPLICATION_ID: i32 = 0x6864_6263;
/// Where SQLite keeps it in the file, big-endian.
const APPLICATION_ID_AT: usize = 68;
const SCHEMA_VERSION: i32 = 1;
/// How long opening waits for others at most.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest time to wait for others that SQLite can be told.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);
const MAX_IDLE: usize = 8;
const MAX_IDLE_AGE: Duration = Duration::from_mins(5);

/// The table, in one transaction with the id. A rowid table, because a key is small and an entry is not.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS entries (
        content_key BLOB NOT NULL PRIMARY KEY,
        accessed_at INTEGER NOT NULL,
        frame BLOB NOT NULL
    );
    PRAGMA application_id = 0x68646263;
    PRAGMA user_version = 1;
    COMMIT";

/// The path of a store, and its idle connections.
#[derive(Debug)]
pub(super) struct StoreFile {
    path: PathBuf,
    read_only: bool,
    busy_timeout: Duration,
    pool: Pool<Database>,
    /// The file that was this store's when it was connected to last: device and number. Zeros before.
    known: [AtomicU64; 2],
}

/// An open connection, and which file it is connected to.
pub(super) struct Database {
    connection: Connection,
    identity: Option<(u64, u64)>,
}

impl StoreFile {
    /// Opens or makes the file.
    pub(super) fn open(path: PathBuf, read_only: bool, busy_timeout: Duration) -> Result<Self, CacheError> {
        if path.as_os_str().is_empty() || path == Path::new(":memory:") {
            let message = "SQLite in memory would be one database per connection; use MemoryBytecodeCache";
            return Err(CacheError::new(CacheErrorKind::Unsupported, message));
        }
        if path.is_dir() {
            let message = format!("{} is a directory: SQLite wants a file", path.display());
            return Err(CacheError::new(CacheErrorKind::Unsupported, message));
        }
        // What a parent process left here is not even closed: its locks are the parent's.
        let pool = Pool::new(MAX_IDLE, MAX_IDLE_AGE, std::mem::forget);
        let known = [AtomicU64::new(0), AtomicU64::new(0)];
        let busy_timeout = busy_timeout.min(LONGEST);
        let file = Self { path, read_only, busy_timeout, pool, known };
        let database = file.connect_patiently()?;
        file.pool.give(database);
        Ok(file)
    }

    /// The first connection. Nobody opens a store for one look-up, so this waits longer than those do for who has the file to
    /// himself: one who clears it, say.
    fn connect_patiently(&self) -> Result<Database, CacheError> {
        let start = Instant::now();
        loop {
            match self.connect() {
                Err(error) if error.kind() == CacheErrorKind::Unavailable && start.elapsed() < PATIENCE => {
                    thread::sleep(Duration::from_millis(5));
                }
                outcome => return outcome,
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Drops the connections if the path names another file by now, or none.
    pub(super) fn notice_replacement(&self) {
        if let Some(database) = self.pool.take() {
            if database.identity == self.identity() {
                self.pool.give(database);
            } else {
                self.pool.clear();
            }
        }
    }

    /// Runs some work on a connection. If the file turns out to be damaged, it is begun anew and the work is done
    /// there.
    pub(super) fn with<T>(
        &self,
        mut work: impl FnMut(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        let database = match self.pool.take() {
            Some(database) => database,
            None => self.connect()?,
        };
        let error = match work(&database.connection) {
            Ok(done) => {
                self.pool.give(database);
                return Ok(done);
            }
            Err(error) => self.error(error),
        };
        if error.kind() == CacheErrorKind::Unavailable {
            self.pool.give(database); // somebody else's transaction; the connection is sound
        } else if error.kind() == CacheErrorKind::Corrupt && !self.read_only {
            self.begin_anew(database.identity)?;
            drop(database); // as late as this: while it is open, no new file can have its identity
            let database = self.connect()?;
            let done = work(&database.connection).map_err(|error| self.error(error))?;
            self.pool.give(database);
            return Ok(done);
        }
        Err(error)
    }

    /// A connection; to a new file, if the one that is there was this store's and is no database any more.
    fn connect(&self) -> Result<Database, CacheError> {
        let database = match self.connect_to_what_is_there() {
            Err(error) if error.kind() == CacheErrorKind::Corrupt && self.was_ours() => {
                self.begin_anew(self.identity())?;
                self.connect_to_what_is_there()?
            }
            other => other?,
        };
        if let Some((device, number)) = database.identity {
            self.known[0].store(device, Relaxed);
            self.known[1].store(number, Relaxed);
        }
        Ok(database)
    }

    fn connect_to_what_is_there(&self) -> Result<Database, CacheError> {
        let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX
            | if self.read_only {
                OpenFlags::SQLITE_OPEN_READ_ONLY
            } else {
                self.make()?;
                OpenFlags::SQLITE_OPEN_READ_WRITE
            };
        let set_up = |path: &Path, flags: OpenFlags| -> rusqlite::Result<_> {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(self.busy_timeout)?;
            let ours = prepare(&connection, self.read_only)?;
            Ok((connection, ours))
        };
        let opened = set_up(&self.path, flags).or_else(|error| match self.as_it_lies(&error) {
            Some(url) => set_up(&url, flags | OpenFlags::SQLITE_OPEN_URI),
            None => Err(error),
        });
        let (connection, ours) = opened.map_err(|error| self.error(error))?;
        if !ours {
            let message = format!("{}: a database of another program, or version", self.path.display());
            return Err(CacheError::new(CacheErrorKind::Unsupported, message));
        }
        Ok(Database { connection, identity: self.identity() })
    }

    /// The URL by which SQLite reads a file without making the two beside it, after it failed to make them: in a folder
    /// that may not be written. It takes the file as one that nobody changes. Should somebody do, what was read before may
    /// be seen for a while: whole entries under their keys, as in any other cache, or damage, which is a miss.
    fn as_it_lies(&self, error: &rusqlite::Error) -> Option<PathBuf> {
        let cannot_make =
            matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen));
        if !self.read_only || !cannot_make {
            return None;
        }
        let mut url = "file:".to_owned();
        for &byte in self.path.as_os_str().as_encoded_bytes() {
            match byte {
                b'/' | b'.' | b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {
                    url.push(char::from(byte));
                }
                _ => url.extend(format!("%{byte:02x}").chars()),
            }
        }
        Some(PathBuf::from(url + "?immutable=1"))
    }

    /// Makes an empty file if there is none, for this user alone. One that exists is not opened: closing it would drop
    /// the locks which this process's connections hold.
    fn make(&self) -> Result<(), CacheError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                Err(CacheError::io(format_args!("cannot make {}", self.path.display()), error))
            }
            _ => Ok(()),
        }
    }

    /// Throws the file away, if it is still the damaged one. Who comes second finds another file, or the lock taken.
    fn begin_anew(&self, damaged: Option<(u64, u64)>) -> Result<(), CacheError> {
        self.pool.clear();
        let beside = |suffix: &str| {
            let mut name = self.path.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        let failed = |error: std::io::Error| {
            CacheError::io(format_args!("cannot replace the damaged {}", self.path.display()), error)
        };
        let lock = File::create(beside("-rebuild")).map_err(failed)?;
        if lock.try_lock().is_err() || self.identity() != damaged {
            return Ok(());
        }
        // The log goes first: a new file must never meet an old log.
        for path in [beside("-wal"), beside("-shm"), self.path.clone()] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        let _ = fs::remove_file(beside("-rebuild")); // it holds nothing; the next rebuild makes another
        Ok(())
    }

    /// Whether a file that SQLite cannot read was once this store's: it was when it was opened last, or says so.
    fn was_ours(&self) -> bool {
        let known = Some((self.known[0].load(Relaxed), self.known[1].load(Relaxed)));
        if !self.read_only && self.identity() == known {
            return true;
        }
        let mut header = [0; APPLICATION_ID_AT + 4];
        let read = File::open(&self.path).and_then(|mut file| file.read_exact(&mut header));
        !self.read_only && read.is_ok() && header[APPLICATION_ID_AT..] == APPLICATION_ID.to_be_bytes()
    }

    #[cfg(unix)]
    fn identity(&self) -> Option<(u64, u64)> {
        use std::os::unix::fs::MetadataExt as _;
        fs::metadata(&self.path).ok().map(|data| (data.dev(), data.ino()))
    }

    /// Not to be had elsewhere; there, a file in use cannot be replaced.
    #[cfg(not(unix))]
    fn identity(&self) -> Option<(u64, u64)> {
        None
    }

    fn error(&self, error: rusqlite::Error) -> CacheError {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => CacheErrorKind::Unavailable,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => CacheErrorKind::Corrupt,
            Some(ErrorCode::DiskFull) => CacheErrorKind::Full,
            Some(ErrorCode::ReadOnly) => CacheErrorKind::ReadOnly,
            Some(ErrorCode::PermissionDenied) => CacheErrorKind::Denied,
            Some(ErrorCode::CannotOpen) if self.path.exists() => CacheErrorKind::Denied,
            Some(ErrorCode::CannotOpen) => CacheErrorKind::Missing,
            Some(ErrorCode::TooBig) => CacheErrorKind::TooLarge,
            Some(ErrorCode::SystemIoFailure) => CacheErrorKind::Io,
            _ => CacheErrorKind::Other,
        };
        CacheError::new(kind, format!("{}: {error}", self.path.display())).with_source(error)
    }
}

/// Sets a connection up, and the table if the file is new. Says whether the file is this store's.
fn prepare(connection: &Connection, read_only: bool) -> rusqlite::Result<bool> {
    let number = |sql: &str| connection.query_row(sql, (), |row| row.get::<_, i32>(0));
    // Nothing that a file brings along is run: no triggers, no views with functions in them.
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA synchronous = NORMAL;")?;
    let is_ours = || -> rusqlite::Result<bool> {
        let ids = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
        let tables = number("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'entries'")?;
        Ok(ids == (APPLICATION_ID, SCHEMA_VERSION) && tables == 1)
    };
    if !is_ours()? {
        // Another process may be making it just now, all at once: then it is there on the second look, all of it.
        let is_empty =
            || -> rusqlite::Result<bool> { Ok(number("SELECT count(*) FROM sqlite_schema")? == 0) };
        if !read_only && is_empty()? {
            connection.execute_batch("BEGIN IMMEDIATE")?;
            connection.execute_batch(if is_empty()? { SCHEMA } else { "COMMIT" })?;
        }
        if !is_ours()? {
            return Ok(false);
        }
    }
    if !read_only {
        // May need that nobody else is at it just now; the next connection tries again.
        let _ = connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 4194304;");
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_bears_our_marks() {
        assert!(SCHEMA.contains(&format!("{APPLICATION_ID:#x}")));
        assert!(SCHEMA.contains(&format!("user_version = {SCHEMA_VERSION}")));
    }
}
