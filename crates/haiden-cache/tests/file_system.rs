//! The cache in a directory: what it writes, lists, counts and clears, and which directories it takes.

#![cfg(unix)]

#[expect(dead_code, reason = "each test binary uses its part")]
mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::{Scratch, chmod, filled, is_root, names, without_root};
use haiden_cache::{
    Bounds, Bucket, BytecodeCache, CacheErrorKind, Clock, ContentKey, DEFAULT_PATTERN, Failures,
    FileSystemBytecodeCache, Rejection,
};

fn open(directory: &Path) -> FileSystemBytecodeCache {
    FileSystemBytecodeCache::new(Some(directory), DEFAULT_PATTERN).unwrap()
}

#[test]
fn an_engine_hits_what_another_wrote() {
    let scratch = Scratch::new();
    let source = "Hello {{ name }}!";
    let content_key = ContentKey::new([("source", source.as_bytes())]);
    let cache = open(scratch.path());
    let mut bucket = cache.get_bucket("hello", Some("/srv/hello"), source, content_key).unwrap();
    assert!(bucket.bytecode().is_none());
    // Jinja2's figures, from Jinja2.
    assert_eq!(bucket.key(), "7141698c11840d6862a12f04b6ffeeb254fbfe3a");
    assert_eq!(bucket.checksum(), "a0eec493d935aa02a42ef6216a528786350add79");
    bucket.set_bytecode(&b"code"[..]);
    cache.set_bucket(&bucket).unwrap();
    assert_eq!(names(scratch.path()), [format!("__jinja2_{content_key}.cache")]);
    assert_eq!(fs::metadata(cache.path_of(&bucket)).unwrap().permissions().mode() & 0o7777, 0o600);

    let other = open(scratch.path());
    let bucket = other.get_bucket("another name", None, source, content_key).unwrap();
    assert_eq!(bucket.bytecode().map(|code| &code[..]), Some(&b"code"[..]));
    let figures = other.statistics();
    assert_eq!((figures.hits, figures.misses, figures.size, figures.bytes_read), (1, 0, Some(1), 4));
    assert_eq!((cache.statistics().writes, cache.statistics().bytes_written), (1, 4));
}

#[test]
fn clear_deletes_entries_and_nothing_else() {
    let scratch = Scratch::new();
    let cache = FileSystemBytecodeCache::new(Some(scratch.path()), "%s").unwrap();
    let key = Bucket::new("one", "sum").content_key().to_hex();
    let old_temp = format!("{key}.0123456789abcdef.tmp");
    let new_temp = format!("{key}.1123456789abcdef.tmp");
    let kept = ["notes", "__jinja2_da39a3ee5e6b4b0d3255bfef95601890afd80709.cache", &new_temp, "x.tmp"];
    for name in kept.into_iter().chain([old_temp.as_str()]) {
        fs::write(scratch.join(name), "kept").unwrap();
    }
    let long_ago = SystemTime::now() - Duration::from_hours(2);
    fs::File::open(scratch.join(&old_temp)).unwrap().set_modified(long_ago).unwrap();
    cache.set_bucket(&filled("one", b"1")).unwrap();
    cache.set_bucket(&filled("two", b"2")).unwrap();
    let directory = Bucket::new("three", "sum");
    fs::create_dir(cache.path_of(&directory)).unwrap();

    let cleared = cache.clear().unwrap();
    assert_eq!((cleared.removed, cleared.failed), (Some(2), 1));
    let mut expected: Vec<_> = kept.iter().map(|name| (*name).to_owned()).collect();
    expected.push(directory.content_key().to_hex());
    expected.sort();
    assert_eq!(names(scratch.path()), expected);
}

#[test]
fn entries_are_listed_with_their_times() {
    let scratch = Scratch::new();
    let made = UNIX_EPOCH + Duration::new(1_000_000_000, 7);
    let clock = Clock::new(move || made);
    let cache = FileSystemBytecodeCache::builder().directory(scratch.path()).clock(clock).open().unwrap();
    cache.set_bucket(&filled("one", b"1")).unwrap();
    cache.set_bucket(&filled("two", b"2")).unwrap();
    fs::write(cache.path_of(&Bucket::new("three", "sum")), "<html>").unwrap();
    let entries: Vec<_> = cache.entries().unwrap().collect();
    assert_eq!(entries.len(), 3);
    let (good, bad): (Vec<_>, Vec<_>) = entries.into_iter().partition(Result::is_ok);
    for entry in good.into_iter().map(Result::unwrap) {
        assert_eq!((entry.checksum.as_str(), entry.created_at), ("sum", Some(made)));
        assert!(entry.accessed_at > entry.created_at);
    }
    let error = bad.into_iter().next().unwrap().unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::Rejected(Rejection::Magic));
}

#[test]
fn a_hit_notes_the_time_of_use_once_an_hour() {
    let scratch = Scratch::new();
    let cache = open(scratch.path());
    let bucket = filled("one", b"1");
    cache.set_bucket(&bucket).unwrap();
    let path = cache.path_of(&bucket);
    let touched_after_hit = |age: u64, read_only: bool| {
        let then = SystemTime::now() - Duration::from_secs(age);
        fs::File::open(&path).unwrap().set_modified(then).unwrap();
        let before = fs::metadata(&path).unwrap().mtime();
        let builder = FileSystemBytecodeCache::builder().directory(scratch.path());
        let cache = builder.read_only(read_only).open().unwrap();
        cache.lookup(&mut Bucket::new("one", "sum")).unwrap();
        assert_eq!(cache.statistics().hits, 1);
        fs::metadata(&path).unwrap().mtime() != before
    };
    assert!(!touched_after_hit(1800, false));
    assert!(touched_after_hit(7200, false));
    assert!(!touched_after_hit(7200, true));
}

#[test]
fn a_named_directory_is_made_but_not_its_parents() {
    let scratch = Scratch::new();
    let directory = scratch.join("new");
    assert!(!open(&directory).statistics().others_can_write);
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o7777, 0o700);

    let deep = scratch.join("a/b");
    let error = FileSystemBytecodeCache::new(Some(&deep), DEFAULT_PATTERN).unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::Missing);
    assert!(error.to_string().contains("a/b"), "{error}");

    let absent = FileSystemBytecodeCache::builder().directory(scratch.join("absent")).read_only(true).open();
    assert_eq!(absent.unwrap_err().kind(), CacheErrorKind::Missing);
    assert!(!scratch.join("absent").exists());
    let own = || FileSystemBytecodeCache::builder().temp_root(scratch.path());
    let error = own().read_only(true).open().unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::Missing);
    assert!(error.to_string().contains("_haiden-cache-") && names(scratch.path()) == ["new"], "{error}");
    own().open().unwrap();
    own().read_only(true).open().unwrap();

    fs::write(scratch.join("file"), "").unwrap();
    assert!(FileSystemBytecodeCache::new(Some(&scratch.join("file")), DEFAULT_PATTERN).is_err());
    for pattern in ["", "x", "%s%s", "a/%s", "%s\0"] {
        let error = FileSystemBytecodeCache::new(Some(scratch.path()), pattern).unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Pattern, "{pattern:?}");
    }
}

#[test]
fn a_named_directory_others_can_write_is_taken_and_told() {
    let scratch = Scratch::new();
    for (mode, told) in [(0o700, false), (0o755, false), (0o770, true), (0o702, true), (0o1777, true)] {
        let directory = scratch.join(&format!("{mode:o}"));
        fs::create_dir(&directory).unwrap();
        chmod(&directory, mode);
        let cache = open(&directory);
        cache.set_bucket(&filled("one", b"1")).unwrap();
        let figures = cache.statistics();
        assert_eq!((figures.others_can_write, figures.size), (told, Some(1)), "{mode:o}");
        assert_eq!(figures.to_string().contains("others can write"), told);
        assert_eq!(
            fs::metadata(&directory).unwrap().permissions().mode() & 0o7777,
            mode,
            "not ours to change"
        );
    }
    let link = scratch.join("link");
    symlink(scratch.join("700"), &link).unwrap();
    for (path, is_link) in [(link, true), (scratch.join("700"), false)] {
        let figures = open(&path).statistics();
        assert_eq!((figures.size, figures.is_link), (Some(1), is_link));
        assert_eq!(figures.to_string().contains("symbolic link"), is_link);
    }
}

#[test]
fn a_collection_keeps_the_bounds() {
    let scratch = Scratch::new();
    let cache = open(scratch.path());
    let hours = |hours| SystemTime::now() - Duration::from_hours(hours);
    // Four of 104 bytes or more, unused for 0 to 3 days, and things that are none of ours.
    let keys = ["today", "yesterday", "earlier", "long ago"];
    for (days, key) in (0..).zip(keys) {
        let bucket = filled(key, &[7; 100]);
        cache.set_bucket(&bucket).unwrap();
        fs::File::open(cache.path_of(&bucket)).unwrap().set_modified(hours(days * 24)).unwrap();
    }
    let bytes = fs::metadata(cache.path_of(&filled("today", b"1"))).unwrap().len();
    fs::write(scratch.join("notes"), vec![0; 10_000]).unwrap();
    let old_temp = format!("{}.0123456789abcdef.tmp", names(scratch.path())[0]);
    fs::write(scratch.join(&old_temp), "").unwrap();
    fs::File::open(scratch.join(&old_temp)).unwrap().set_modified(hours(2)).unwrap();

    let has = || keys.map(|key| cache.path_of(&filled(key, b"1")).exists());
    let age = Bounds { max_age: Some(Duration::from_hours(60)), ..Bounds::default() };
    let would = cache.collect(&age, true).unwrap();
    assert_eq!((would.removed, would.removed_bytes, would.kept, would.kept_bytes), (1, bytes, 3, 3 * bytes));
    assert_eq!((has(), scratch.join(&old_temp).exists()), ([true; 4], true), "a dry run");
    assert_eq!(cache.collect(&age, false).unwrap(), would);
    assert_eq!((has(), scratch.join(&old_temp).exists()), ([true, true, true, false], false));
    let size = Bounds { max_bytes: Some(2 * bytes), ..Bounds::default() };
    assert_eq!(cache.collect(&size, false).unwrap().removed, 1);
    assert_eq!(has(), [true, true, false, false], "what was used longest ago goes first");
    let number = Bounds { max_entries: Some(0), ..Bounds::default() };
    assert_eq!((cache.collect(&number, false).unwrap().removed, has()), (1, [true, false, false, false]));
    assert_eq!(cache.collect(&Bounds::default(), false).unwrap().kept, 1);
    assert!(scratch.join("notes").exists());
    let read_only =
        FileSystemBytecodeCache::builder().directory(scratch.path()).read_only(true).open().unwrap();
    assert_eq!(read_only.collect(&number, false).unwrap_err().kind(), CacheErrorKind::ReadOnly);
}

/// Whoever reads and writes while entries are collected gets whole entries or misses.
#[test]
fn a_collection_against_readers_and_writers() {
    let scratch = Scratch::new();
    let cache = open(scratch.path());
    let nothing = Bounds { max_bytes: Some(0), ..Bounds::default() };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..200 {
                let bucket = filled(&format!("page {}", turn % 5), &[3; 500]);
                cache.set_bucket(&bucket).unwrap();
                // Old enough to be collected; it may have been.
                if let Ok(file) = fs::File::open(cache.path_of(&bucket)) {
                    file.set_modified(SystemTime::now() - Duration::from_hours(2)).unwrap();
                }
                cache.lookup(&mut Bucket::new(format!("page {}", turn % 3), "sum")).unwrap();
            }
        });
        scope.spawn(|| (0..100).for_each(|_| assert_eq!(cache.collect(&nothing, false).unwrap().failed, 0)));
    });
    let figures = cache.statistics();
    assert_eq!((figures.rejections.total(), figures.load_failures, figures.dump_failures), (0, 0, 0));
}

const UNSAFE: &str = "Cannot determine safe temp directory. You need to explicitly provide one.";

#[test]
fn the_default_directory_is_private_or_refused() {
    let name = format!("_haiden-cache-{}", rustix::process::geteuid().as_raw());
    let refused = |what: &str, prepare: &dyn Fn(&Path)| {
        let scratch = Scratch::new();
        prepare(&scratch.join(&name));
        let error = FileSystemBytecodeCache::builder().temp_root(scratch.path()).open().expect_err(what);
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (CacheErrorKind::UnsafeDirectory, UNSAFE),
            "{what}"
        );
        assert!(std::error::Error::source(&error).is_some_and(|detail| detail.to_string().contains(&name)));
    };
    let scratch = Scratch::new();
    let cache = FileSystemBytecodeCache::builder().temp_root(scratch.path()).open().unwrap();
    assert_eq!(cache.directory(), scratch.join(&name));
    assert_eq!(fs::metadata(cache.directory()).unwrap().permissions().mode() & 0o7777, 0o700);
    FileSystemBytecodeCache::builder().temp_root(scratch.path()).open().expect("it exists and is ours");

    for mode in [0o777, 0o770, 0o755, 0o701, 0o1700, 0o2700, 0o500] {
        refused(&format!("{mode:o}"), &|path| {
            fs::create_dir(path).unwrap();
            chmod(path, mode);
        });
    }
    refused("a file", &|path| fs::write(path, "").unwrap());
    refused("a link to a good directory", &|path| {
        let target = path.with_file_name("target");
        fs::create_dir(&target).unwrap();
        chmod(&target, 0o700);
        symlink(target, path).unwrap();
    });
    refused("a dangling link", &|path| symlink("/nowhere", path).unwrap());
    refused("no temporary directory", &|path| fs::remove_dir(path.parent().unwrap()).unwrap());
    if is_root() {
        refused("of another user", &|path| {
            fs::create_dir(path).unwrap();
            chmod(path, 0o700);
            std::os::unix::fs::chown(path, Some(65534), None).unwrap();
        });
    }
}

#[test]
fn an_unwritable_directory_stops_nobody() {
    without_root("an_unwritable_directory_stops_nobody", || {
        let scratch = Scratch::new();
        chmod(scratch.path(), 0o555);
        let heard = Arc::new(Mutex::new(Vec::new()));
        for failures in [Failures::Ignore, Failures::Warn, Failures::Raise] {
            let heard = Arc::clone(&heard);
            let builder = FileSystemBytecodeCache::builder().directory(scratch.path()).failures(failures);
            let listener = move |error: &haiden_cache::CacheError| heard.lock().unwrap().push(error.kind());
            let cache = builder.warn_with(listener).open().unwrap();
            for _ in 0..3 {
                let result = cache.set_bucket(&filled("one", b"1"));
                assert_eq!(result.is_err(), failures == Failures::Raise);
            }
            let figures = cache.statistics();
            assert_eq!((figures.writes, figures.dump_failures, figures.size), (0, 3, Some(0)));
        }
        assert_eq!(*heard.lock().unwrap(), [CacheErrorKind::Denied], "told once, and only under Warn");
        let inside = scratch.join("inside");
        let error = FileSystemBytecodeCache::new(Some(&inside), DEFAULT_PATTERN).unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Denied, "not that it is missing: why it was not made");
        chmod(scratch.path(), 0o700);
    });
}

#[test]
fn what_may_not_be_read_is_a_miss() {
    without_root("what_may_not_be_read_is_a_miss", || {
        let scratch = Scratch::new();
        let cache = open(scratch.path());
        let bucket = filled("one", b"1");
        cache.set_bucket(&bucket).unwrap();
        chmod(&cache.path_of(&bucket), 0);
        cache.lookup(&mut Bucket::new("one", "sum")).unwrap();
        assert_eq!(cache.statistics().rejections.get(Rejection::Unreadable), 1);

        chmod(scratch.path(), 0);
        cache.lookup(&mut Bucket::new("one", "sum")).unwrap();
        assert_eq!((cache.statistics().misses, cache.statistics().size), (2, None));
        let error = FileSystemBytecodeCache::new(Some(scratch.path()), DEFAULT_PATTERN).unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Denied);
        let default = FileSystemBytecodeCache::builder().temp_root(scratch.path()).open().unwrap_err();
        assert_eq!(default.to_string(), UNSAFE);
        chmod(scratch.path(), 0o700);
    });
}

#[test]
fn read_only_writes_nothing() {
    let scratch = Scratch::new();
    open(scratch.path()).set_bucket(&filled("one", b"1")).unwrap();
    let cache = FileSystemBytecodeCache::builder().directory(scratch.path()).read_only(true).open().unwrap();
    cache.lookup(&mut Bucket::new("one", "sum")).unwrap();
    cache.set_bucket(&filled("two", b"2")).unwrap();
    let figures = cache.statistics();
    assert_eq!((figures.hits, figures.writes, figures.skipped_writes, figures.size), (1, 0, 1, Some(1)));
    for error in [cache.dump_bytecode(&filled("two", b"2")).unwrap_err(), cache.clear().unwrap_err()] {
        assert_eq!(error.kind(), CacheErrorKind::ReadOnly);
    }
}

#[test]
fn an_engine_can_reject_what_it_gets() {
    let scratch = Scratch::new();
    let cache = open(scratch.path());
    cache.set_bucket(&filled("one", b"1")).unwrap();
    let mut bucket = Bucket::new("one", "sum");
    cache.lookup(&mut bucket).unwrap();
    cache.reject_bucket(&mut bucket, Rejection::Structure);
    assert!(bucket.bytecode().is_none());
    let figures = cache.statistics();
    assert_eq!((figures.hits, figures.misses, figures.rejections.get(Rejection::Structure)), (0, 1, 1));
}

#[test]
fn a_removed_directory_is_a_miss_and_a_counted_failure() {
    let scratch = Scratch::new();
    let directory = scratch.join("gone");
    let cache = open(&directory);
    cache.set_bucket(&filled("one", b"1")).unwrap();
    fs::remove_dir_all(&directory).unwrap();
    cache.lookup(&mut Bucket::new("one", "sum")).unwrap();
    cache.set_bucket(&filled("one", b"1")).unwrap();
    let figures = cache.statistics();
    assert_eq!((figures.misses, figures.load_failures, figures.dump_failures), (1, 0, 1));
    assert!(!directory.exists());
}

#[test]
fn a_synced_entry_is_an_entry() {
    let scratch = Scratch::new();
    let cache = FileSystemBytecodeCache::builder().directory(scratch.path()).sync(true).open().unwrap();
    cache.set_bucket(&filled("one", b"1")).unwrap();
    cache.lookup(&mut Bucket::new("one", "sum")).unwrap();
    assert_eq!(cache.statistics().hits, 1);
}

#[test]
fn a_full_device_is_an_error_of_its_kind() {
    let mut full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = filled("one", b"1").write_bytecode(&mut full).unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::Full);
    full.flush().unwrap();
}
