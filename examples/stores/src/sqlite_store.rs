//! The bytecode cache in a table of a SQLite database that the application has anyway.
//!
//! The twin of the `SQLiteBytecodeCache` that Jinja2's documentation shows as a subclass in Python, with the same table.

use std::path::{Path, PathBuf};
use std::time::Duration;

use haiden::cache::{Bucket, BytecodeCache, CacheError, Cleared, Counters};
use rusqlite::{Connection, OptionalExtension};

/// Without waiting for each other, writers lose what they write. As long as Python's `sqlite3` waits for the model.
const BUSY: Duration = Duration::from_secs(5);

/// Keeps bytecode in a table, and opens the database for each call, as its model does.
pub struct SqliteStore {
    path: PathBuf,
    counters: Counters,
}

impl SqliteStore {
    /// Makes the table if it is missing.
    pub fn new(path: impl AsRef<Path>) -> Result<Self, CacheError> {
        let store = Self { path: path.as_ref().to_owned(), counters: Counters::new() };
        store.run(|connection| {
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.execute_batch(
                "CREATE TABLE IF NOT EXISTS bytecode_cache (
                    key TEXT PRIMARY KEY,
                    bytecode BLOB,
                    checksum TEXT,
                    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
                )",
            )
        })?;
        Ok(store)
    }

    fn run<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, CacheError> {
        let connection = Connection::open(&self.path).map_err(CacheError::other)?;
        connection.busy_timeout(BUSY).and_then(|()| work(&connection)).map_err(CacheError::other)
    }
}

impl BytecodeCache for SqliteStore {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        let row: Option<Vec<u8>> = self.run(|connection| {
            let sql = "SELECT bytecode FROM bytecode_cache WHERE key = ? AND checksum = ?";
            connection.query_row(sql, (bucket.key(), bucket.checksum()), |row| row.get(0)).optional()
        })?;
        if let Some(data) = row {
            bucket.bytecode_from_string(&data);
        }
        Ok(())
    }

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        let data = bucket.bytecode_to_string()?;
        self.run(|connection| {
            let sql = "INSERT OR REPLACE INTO bytecode_cache (key, bytecode, checksum) VALUES (?, ?, ?)";
            connection.execute(sql, (bucket.key(), data, bucket.checksum())).map(drop)
        })
    }

    fn clear(&self) -> Result<Cleared, CacheError> {
        let removed = self.run(|connection| connection.execute("DELETE FROM bytecode_cache", ()))?;
        Ok(Cleared::deleted(Some(removed as u64), 0))
    }

    fn counters(&self) -> Option<&Counters> {
        Some(&self.counters)
    }
}
