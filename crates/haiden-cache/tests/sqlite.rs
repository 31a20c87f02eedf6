//! The cache in a SQLite file: many processes, damage, foreign files, waiting.

#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use common::{Scratch, again, assert_success, chmod, filled, names, role, without_root};
use haiden_cache::{
    Bucket, BytecodeCache, CacheError, CacheErrorKind, Clock, Failures, Rejection, SqliteBytecodeCache,
};
use rusqlite::Connection;

const FILE: &str = "cache.sqlite";

fn open(path: &Path) -> SqliteBytecodeCache {
    SqliteBytecodeCache::builder(path).failures(Failures::Raise).open().unwrap()
}

fn hits(cache: &SqliteBytecodeCache, key: &str) -> bool {
    let mut bucket = Bucket::new(key, "sum");
    cache.lookup(&mut bucket).unwrap();
    bucket.bytecode().is_some()
}

fn another_process(test: &str, role: &Path) -> Child {
    let this = std::env::current_exe().unwrap();
    let mut command = again(&["env"], &this, test, role.to_str().unwrap());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn the_next_process_hits() {
    let scratch = Scratch::new();
    let path = scratch.join(FILE);
    let made = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let clock = move || Clock::new(move || made);
    let cache = SqliteBytecodeCache::builder(&path).clock(clock()).open().unwrap();
    cache.set_bucket(&filled("one", b"code")).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    drop(cache);
    assert_eq!(names(scratch.path()), [FILE], "the log is gone when the last connection is closed");

    let cache = SqliteBytecodeCache::builder(&path).clock(clock()).open().unwrap();
    assert!(hits(&cache, "one") && !hits(&cache, "two"));
    let figures = cache.statistics();
    assert_eq!((figures.hits, figures.misses, figures.size), (1, 1, Some(1)));
    let entry = cache.entries().unwrap().next().unwrap().unwrap();
    assert_eq!((entry.checksum.as_str(), &entry.bytecode[..]), ("sum", &b"code"[..]));
    assert_eq!((entry.created_at, entry.accessed_at), (Some(made), Some(made)));
}

#[test]
fn a_hit_notes_the_time_of_use_once_an_hour() {
    let scratch = Scratch::new();
    let path = scratch.join(FILE);
    let at = |seconds: u64| {
        let clock = Clock::new(move || SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds));
        SqliteBytecodeCache::builder(&path).clock(clock).open().unwrap()
    };
    at(0).set_bucket(&filled("one", b"code")).unwrap();
    let used = |cache: &SqliteBytecodeCache| {
        assert!(hits(cache, "one"));
        let entry = cache.entries().unwrap().next().unwrap().unwrap();
        entry.accessed_at.unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() - 1_000_000
    };
    assert_eq!([used(&at(1800)), used(&at(3601)), used(&at(7000))], [0, 3601, 3601]);
}

/// Three processes write and read at once; a fourth is killed while it writes. No write of the three is lost.
#[test]
fn three_writers_and_a_killed_one() {
    const TEST: &str = "three_writers_and_a_killed_one";
    const KEYS: usize = 40;
    let patient = |path: &Path| {
        let builder = SqliteBytecodeCache::builder(path).failures(Failures::Raise);
        builder.busy_timeout(Duration::from_mins(1)).open().unwrap()
    };
    if let Some(role) = role() {
        let role = Path::new(&role);
        let (path, name) = (role.parent().unwrap(), role.file_name().unwrap().to_str().unwrap());
        let cache = patient(path);
        if name == "victim" {
            for turn in 0u64.. {
                cache.set_bucket(&filled(&format!("victim {}", turn % 4), &vec![7; 300_000])).unwrap();
            }
        }
        for key in 0..KEYS {
            cache.set_bucket(&filled(&format!("{name} {key}"), &vec![1; 6000])).unwrap();
            cache.set_bucket(&filled(&format!("shared {key}"), &vec![key as u8; 6000])).unwrap();
            assert!(hits(&cache, &format!("{name} {key}")) && hits(&cache, &format!("shared {key}")));
        }
        let figures = cache.statistics();
        assert_eq!((figures.dump_failures, figures.load_failures, figures.rejections.total()), (0, 0, 0));
        return;
    }
    let scratch = Scratch::new();
    let path = scratch.join(FILE);
    let cache = patient(&path);
    let mut victim = another_process(TEST, &path.join("victim"));
    while cache.size() < Some(2) {
        std::thread::yield_now();
    }
    let writers: Vec<_> = (0..3).map(|n| another_process(TEST, &path.join(format!("writer {n}")))).collect();
    while cache.size() < Some(20) {
        std::thread::yield_now();
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    for writer in writers {
        assert_success(&writer.wait_with_output().unwrap());
    }
    let whole =
        cache.entries().unwrap().filter(|entry| entry.as_ref().unwrap().bytecode.len() == 6000).count();
    assert_eq!(whole, 4 * KEYS);
    drop(cache);
    let connection = Connection::open(&path).unwrap();
    let verdict: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

/// Somebody else's transaction: readers do not notice, writers wait a bounded time and then leave it for a while.
#[test]
fn a_locked_file_stops_no_reader() {
    let scratch = Scratch::new();
    let path = scratch.join(FILE);
    let builder = SqliteBytecodeCache::builder(&path).busy_timeout(Duration::from_millis(10));
    let cache = builder.retry_after(Duration::from_mins(10)).open().unwrap();
    cache.set_bucket(&filled("one", b"code")).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE; DELETE FROM entries").unwrap();
    assert!(hits(&cache, "one"));
    assert_eq!(cache.dump_bytecode(&filled("two", b"code")).unwrap_err().kind(), CacheErrorKind::Unavailable);
    let error = cache.dump_bytecode(&filled("two", b"code")).unwrap_err();
    assert!(error.to_string().contains("paused"), "{error}");
    cache.set_bucket(&filled("two", b"code")).unwrap(); // ignored and counted
    assert_eq!(cache.statistics().dump_failures, 1);
    assert!(hits(&cache, "one"));
}

/// Who has the file to himself for a moment does not keep others from opening it.
#[test]
fn opening_waits_longer_than_a_write() {
    let scratch = Scratch::new();
    let path = scratch.join(FILE);
    let other = Connection::open(&path).unwrap();
    // Not in WAL mode yet, so that the lock is everybody's.
    other.execute_batch("BEGIN EXCLUSIVE; CREATE TABLE x (y)").unwrap();
    let unlocking = thread::spawn(move || {
        thread::sleep(Duration::from_millis(600));
        other.execute_batch("ROLLBACK").unwrap();
    });
    let opened = SqliteBytecodeCache::new(&path);
    unlocking.join().unwrap();
    assert!(opened.is_ok(), "{opened:?}");
}

#[test]
fn foreign_files_are_refused_and_left_alone() {
    let scratch = Scratch::new();
    let text = scratch.join("notes.txt");
    fs::write(&text, "dear diary, ".repeat(500)).unwrap();
    let other = scratch.join("other.sqlite");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE entries (x)").unwrap();
    let newer = scratch.join("newer.sqlite");
    drop(open(&newer));
    Connection::open(&newer).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    for (path, kind) in [
        (&text, CacheErrorKind::Corrupt),
        (&other, CacheErrorKind::Unsupported),
        (&newer, CacheErrorKind::Unsupported),
    ] {
        let before = fs::read(path).unwrap();
        let error = SqliteBytecodeCache::new(path).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(fs::read(path).unwrap(), before);
    }
    for path in ["", ":memory:"] {
        assert_eq!(SqliteBytecodeCache::new(path).unwrap_err().kind(), CacheErrorKind::Unsupported);
    }
    let error = SqliteBytecodeCache::new(scratch.join("no/folder.sqlite")).unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::Missing, "{error}");
    assert!(SqliteBytecodeCache::new(scratch.path()).is_err(), "a folder");
}

/// Damages a closed file from this byte on: the next to open it begins anew.
#[track_caller]
fn check_damage(at: usize) {
    let scratch = Scratch::new();
    let path = scratch.join(FILE);
    for key in ["one", "two", "three"] {
        open(&path).set_bucket(&filled(key, &[5; 9000])).unwrap();
    }
    let mut bytes = fs::read(&path).unwrap();
    bytes[at..].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let cache = open(&path);
    for key in ["one", "two", "three"] {
        assert!(!hits(&cache, key));
        cache.set_bucket(&filled(key, b"new")).unwrap();
    }
    assert_eq!(cache.size(), Some(3));
    drop(cache);
    assert!(hits(&open(&path), "two"));
    assert_eq!(names(scratch.path()), [FILE]);
}

#[test]
fn a_damaged_file_is_begun_anew() {
    check_damage(100);
    check_damage(4096);
}

#[test]
fn a_file_damaged_in_use_is_begun_anew() {
    let scratch = Scratch::new();
    let path = scratch.join(FILE);
    let cache = open(&path);
    cache.set_bucket(&filled("one", &[5; 9000])).unwrap();
    for beside in ["", "-wal", "-shm"] {
        let path = scratch.join(&format!("{FILE}{beside}"));
        let length = fs::metadata(&path).map_or(0, |data| data.len());
        fs::write(path, vec![0xA5; length as usize]).unwrap();
    }
    // More connections than there are, so that some are made now and see the damage.
    std::thread::scope(|scope| {
        for n in 0..6 {
            let cache = &cache;
            scope.spawn(move || {
                for turn in 0..20 {
                    let mut bucket = Bucket::new("one", "sum");
                    let _ = cache.load_bytecode(&mut bucket); // whatever is left in its memory
                    let _ = cache.dump_bytecode(&filled(&format!("page {n} {turn}"), b"new"));
                }
            });
        }
    });
    cache.set_bucket(&filled("two", b"new")).unwrap();
    assert!(hits(&cache, "two"));
    assert!(hits(&open(&path), "two"));
}

#[test]
fn a_removed_file_is_made_again_by_the_next_write() {
    let scratch = Scratch::new();
    let path = scratch.join(FILE);
    let (cache, other) = (open(&path), open(&path));
    cache.set_bucket(&filled("one", b"code")).unwrap();
    for name in names(scratch.path()) {
        fs::remove_file(scratch.join(&name)).unwrap();
    }
    cache.set_bucket(&filled("two", b"code")).unwrap();
    other.set_bucket(&filled("three", b"code")).unwrap();
    assert!(hits(&cache, "three") && hits(&other, "two") && !hits(&cache, "one"));
}

#[test]
fn read_only_writes_nothing() {
    let scratch = Scratch::new();
    let path = scratch.join(FILE);
    let read_only = || SqliteBytecodeCache::builder(&path).read_only(true).open();
    assert_eq!(read_only().unwrap_err().kind(), CacheErrorKind::Missing);
    assert!(!path.exists());
    let writer = open(&path);
    writer.set_bucket(&filled("one", b"1")).unwrap();
    let cache = read_only().unwrap();
    assert!(hits(&cache, "one"));
    cache.set_bucket(&filled("two", b"2")).unwrap();
    let figures = cache.statistics();
    assert_eq!((figures.writes, figures.skipped_writes, figures.size), (0, 1, Some(1)));
    for error in [cache.dump_bytecode(&filled("two", b"2")).unwrap_err(), cache.clear().unwrap_err()] {
        assert_eq!(error.kind(), CacheErrorKind::ReadOnly);
    }
}

/// As in an image of a container: neither the file nor its folder can be written, so no log can be made beside it.
#[test]
fn a_file_in_a_folder_that_may_not_be_written_is_read() {
    without_root("a_file_in_a_folder_that_may_not_be_written_is_read", || {
        let scratch = Scratch::new();
        let folder = scratch.join("50% of ?a=b#c");
        fs::create_dir(&folder).unwrap();
        let path = folder.join(FILE);
        open(&path).set_bucket(&filled("one", b"1")).unwrap();
        let before = names(&folder);
        chmod(&path, 0o400);
        chmod(&folder, 0o500);
        let cache = SqliteBytecodeCache::builder(&path).read_only(true).open().unwrap();
        assert!(hits(&cache, "one") && !hits(&cache, "two"));
        assert_eq!((cache.size(), cache.entries().unwrap().count()), (Some(1), 1));
        assert_eq!(names(&folder), before);
        let error = SqliteBytecodeCache::builder(folder.join("none")).read_only(true).open().unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Missing);
        chmod(&path, 0);
        let error = SqliteBytecodeCache::builder(&path).read_only(true).open().unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Denied);
        chmod(&folder, 0o700);
    });
}

#[test]
fn no_time_limit_is_a_limit_too() {
    let scratch = Scratch::new();
    for limit in [Duration::ZERO, Duration::MAX] {
        let builder = SqliteBytecodeCache::builder(scratch.join(FILE)).busy_timeout(limit);
        let cache = builder.retry_after(limit).open().unwrap();
        cache.set_bucket(&filled("one", b"1")).unwrap();
        assert!(hits(&cache, "one"));
    }
}

#[test]
fn a_file_that_may_not_be_written_is_an_error_of_its_kind() {
    without_root("a_file_that_may_not_be_written_is_an_error_of_its_kind", || {
        let scratch = Scratch::new();
        let path = scratch.join(FILE);
        drop(open(&path));
        chmod(&path, 0o400);
        let error =
            SqliteBytecodeCache::new(&path).and_then(|cache| cache.dump_bytecode(&filled("one", b"1")));
        assert_eq!(error.unwrap_err().kind(), CacheErrorKind::ReadOnly);
        chmod(&path, 0);
        assert_eq!(SqliteBytecodeCache::new(&path).unwrap_err().kind(), CacheErrorKind::Denied);
        chmod(scratch.path(), 0o500);
        let error = SqliteBytecodeCache::new(scratch.join("new.sqlite")).unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Denied);
        chmod(scratch.path(), 0o700);
    });
}

#[test]
fn the_largest_entry() {
    let scratch = Scratch::new();
    let path = scratch.join(FILE);
    let small = SqliteBytecodeCache::builder(&path).max_entry_bytes(1000).open().unwrap();
    small.dump_bytecode(&filled("fits", &[1; 1000])).unwrap();
    let error = small.dump_bytecode(&filled("does not", &[1; 1001])).unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::TooLarge);
    open(&path).dump_bytecode(&filled("does not", &[1; 5000])).unwrap();
    assert!(hits(&small, "fits") && !hits(&small, "does not"));
    assert_eq!(small.statistics().rejections.get(Rejection::Oversize), 1);
}

/// Rows as nobody but this store should write them.
#[test]
fn odd_rows_are_misses() {
    let scratch = Scratch::new();
    let path = scratch.join(FILE);
    let cache = open(&path);
    let connection = Connection::open(&path).unwrap();
    for frame in ["'text'", "17", "x''", "zeroblob(90000000)"] {
        cache.set_bucket(&filled("one", b"1")).unwrap();
        connection.execute(&format!("UPDATE entries SET frame = {frame}"), ()).unwrap();
        assert!(!hits(&cache, "one"), "{frame}");
        cache.set_bucket(&filled("two", b"2")).unwrap();
        let listed = cache.entries().unwrap().collect::<Vec<_>>();
        let told = listed.iter().filter_map(|entry| entry.as_ref().err().map(CacheError::kind));
        assert!(matches!(told.collect::<Vec<_>>()[..], [CacheErrorKind::Rejected(_)]), "{frame}: {listed:?}");
        assert_eq!(listed.len(), 2, "{frame}: what is sound is listed");
        connection.execute("DELETE FROM entries", ()).unwrap();
    }
    assert_eq!(cache.statistics().rejections.total(), 4);
    cache.set_bucket(&filled("one", b"1")).unwrap();
    connection.execute("UPDATE entries SET content_key = x'01'", ()).unwrap();
    let listed: Vec<_> = cache.entries().unwrap().collect();
    assert!(matches!(&listed[..], [Err(_)]), "{listed:?}");
}
