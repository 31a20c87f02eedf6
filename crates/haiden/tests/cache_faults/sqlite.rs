//! One file of SQLite's, its rows, and who else has it open.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use haiden::cache::{CacheStatistics, SqliteBytecodeCache};
use rusqlite::Connection;

use crate::table::{Cache, LOOKUPS, PARTS, PATIENT, Table, at, nothing, render, unharmed};

const STORE: &str = "SQLite";

pub(crate) fn open(path: &Path) -> Cache {
    Arc::new(SqliteBytecodeCache::builder(path).busy_timeout(PATIENT).open().unwrap())
}

fn execute(path: &Path, statements: &str) {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(PATIENT).unwrap();
    connection.execute_batch(statements).unwrap();
}

pub(crate) fn sqlite(table: &mut Table, scratch: &Path) {
    let path = scratch.join("cache.sqlite");
    let fresh = |figures: &CacheStatistics| figures.hits == LOOKUPS - PARTS && unharmed(figures);
    table.check(STORE, "none", &open(&path), nothing, fresh);
    for (fault, harm) in [
        ("entries cut short", "UPDATE entries SET frame = substr(frame, 1, length(frame) / 2)"),
        ("entries are no blobs", "UPDATE entries SET frame = 'text'"),
        ("entries of 70 MB", "UPDATE entries SET frame = zeroblob(70000000)"),
        (
            "entries swapped",
            "CREATE TEMP TABLE old AS SELECT row_number() OVER (ORDER BY rowid) AS n, rowid AS id, frame FROM entries;
             UPDATE entries SET frame = (SELECT next.frame FROM old, old AS next WHERE old.id = entries.rowid
                AND next.n = old.n % (SELECT count(*) FROM old) + 1)",
        ),
    ] {
        let told = |figures: &CacheStatistics| {
            figures.rejections.total() == PARTS && figures.hits == LOOKUPS - PARTS
        };
        let cache = open(&path);
        table.check(STORE, fault, &cache, at(7, || execute(&path, harm)), told);
    }
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let told = |figures: &CacheStatistics| figures.hits == LOOKUPS && unharmed(figures);
    table.check(STORE, "locked by a writer", &open(&path), nothing, told);
    execute_in(&writer, "DELETE FROM entries; COMMIT; BEGIN EXCLUSIVE");
    let hasty = SqliteBytecodeCache::builder(&path).busy_timeout(Duration::from_millis(50)).open().unwrap();
    let told = |figures: &CacheStatistics| figures.dump_failures == LOOKUPS && unharmed(figures);
    table.check(STORE, "locked, nothing in it", &(Arc::new(hasty) as Cache), nothing, told);
    execute_in(&writer, "COMMIT");
    drop(writer);
    render(Some(&open(&path)));
    let read_only = SqliteBytecodeCache::builder(&path).read_only(true).open().unwrap();
    let read = |figures: &CacheStatistics| figures.hits == LOOKUPS;
    table.check(STORE, "read-only", &(Arc::new(read_only) as Cache), nothing, read);
    whole_file(table, &path, scratch);
}

fn execute_in(connection: &Connection, statements: &str) {
    connection.execute_batch(statements).unwrap();
}

fn whole_file(table: &mut Table, path: &Path, scratch: &Path) {
    // All but the head, which says whose file it is.
    let mut bytes = fs::read(path).unwrap();
    bytes[100..].fill(0xA5);
    fs::write(path, bytes).unwrap();
    let fresh = |figures: &CacheStatistics| figures.hits == LOOKUPS - PARTS;
    table.check(STORE, "file damaged", &open(path), nothing, fresh);
    let remove = at(7, || {
        for entry in fs::read_dir(scratch).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    });
    table.check(STORE, "file removed", &open(path), remove, |figures| figures.hits > 0);
}
