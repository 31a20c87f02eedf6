//! Stores with bounds: what goes, when, and that several processes keep to them.

#![cfg(unix)]

#[expect(dead_code, reason = "each test binary uses its part")]
mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use common::{Scratch, again, assert_success, filled, role};
use haiden_cache::{
    Bounds, Bucket, BytecodeCache, CacheErrorKind, CacheUrl, Clock, Failures, FileSystemBytecodeCache,
    Opening, SqliteBytecodeCache,
};

#[derive(Debug, Clone, Copy)]
enum Kind {
    Directory,
    Sqlite,
}
use Kind::{Directory, Sqlite};

impl Kind {
    /// A cache in a folder whose time is so many hours ago, and which has these bounds.
    fn open(self, scratch: &Path, hours_ago: u64, bounds: Bounds) -> Box<dyn BytecodeCache> {
        let clock = Clock::new(move || SystemTime::now() - Duration::from_hours(hours_ago));
        macro_rules! opened {
            ($builder:expr) => {{
                let mut builder = $builder.failures(Failures::Raise).clock(clock);
                if let Some(entries) = bounds.max_entries {
                    builder = builder.max_entries(entries);
                }
                if let Some(bytes) = bounds.max_bytes {
                    builder = builder.max_bytes(bytes);
                }
                Box::new(builder.open().unwrap())
            }};
        }
        match self {
            Directory => opened!(FileSystemBytecodeCache::builder().directory(scratch.join("cache"))),
            Sqlite => {
                let builder = SqliteBytecodeCache::builder(scratch.join("cache.db"));
                opened!(builder.busy_timeout(Duration::from_mins(1)))
            }
        }
    }

    /// Writes an entry that was last used so many hours ago.
    fn write(self, scratch: &Path, key: &str, hours_ago: u64) {
        let bucket = filled(key, &[7; 500]);
        self.open(scratch, hours_ago, Bounds::default()).set_bucket(&bucket).unwrap();
        if let Directory = self {
            let cache = FileSystemBytecodeCache::builder().directory(scratch.join("cache")).open().unwrap();
            let file = fs::File::open(cache.path_of(&bucket)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_hours(hours_ago)).unwrap();
        }
    }
}

fn entries(max: u64) -> Bounds {
    Bounds { max_entries: Some(max), ..Bounds::default() }
}

fn bytes(max: u64) -> Bounds {
    Bounds { max_bytes: Some(max), ..Bounds::default() }
}

fn has(cache: &dyn BytecodeCache, key: &str) -> bool {
    let mut bucket = Bucket::new(key, "sum");
    cache.load_bytecode(&mut bucket).unwrap();
    bucket.bytecode().is_some()
}

#[test]
fn the_least_recently_used_makes_room() {
    for kind in [Directory, Sqlite] {
        for bounds in [entries(3), bytes(3 * 700)] {
            let scratch = Scratch::new();
            for (key, hours_ago) in [("a", 9), ("b", 30), ("c", 20)] {
                kind.write(scratch.path(), key, hours_ago);
            }
            let cache = kind.open(scratch.path(), 0, bounds);
            assert!(has(&cache, "b"), "a hit notes that it was used");
            assert_eq!(cache.statistics().evictions, 0, "whatever is there already");
            cache.set_bucket(&filled("d", &[7; 500])).unwrap();
            let kept = ["a", "b", "c", "d"].map(|key| has(&cache, key));
            assert_eq!(kept, [true, true, false, true], "{kind:?}");
            let figures = cache.statistics();
            assert_eq!((figures.evictions, figures.size), (1, Some(3)), "{kind:?}");
            assert_eq!((figures.max_size, figures.max_bytes), (bounds.max_entries, bounds.max_bytes));
            assert!(figures.to_string().contains("at most"), "{figures}");

            cache.clear().unwrap();
            for turn in 0..40 {
                cache.set_bucket(&filled(&format!("page {turn}"), &[7; 500])).unwrap();
                assert!(cache.size() <= Some(3), "{kind:?}");
                assert!(has(&cache, &format!("page {turn}")), "{kind:?}: the newest stays");
            }
            assert_eq!(cache.statistics().evictions, 1 + 37, "{kind:?}");
            let bare = kind.open(scratch.path(), 0, Bounds::default()).statistics();
            assert_eq!((bare.size, bare.max_size, bare.evictions), (Some(3), None, 0));
        }
    }
}

#[test]
fn a_collection_is_the_same_in_both() {
    for kind in [Directory, Sqlite] {
        let scratch = Scratch::new();
        for (key, hours_ago) in [("today", 0), ("yesterday", 24), ("earlier", 48), ("long ago", 72)] {
            kind.write(scratch.path(), key, hours_ago);
        }
        let cache = kind.open(scratch.path(), 0, Bounds::default());
        let old = Bounds { max_age: Some(Duration::from_hours(60)), ..Bounds::default() };
        let would = cache.collect(&old, true).unwrap();
        assert_eq!((would.removed, would.kept, cache.size()), (1, 3, Some(4)), "{kind:?}: a dry run");
        assert_eq!(cache.collect(&old, false).unwrap(), would);
        assert_eq!(cache.collect(&bytes(2 * 700), false).unwrap().removed, 1);
        assert_eq!(cache.collect(&entries(0), false).unwrap().removed, 1, "what is young stays");
        let kept = ["today", "yesterday", "earlier", "long ago"].map(|key| has(&cache, key));
        assert_eq!(kept, [true, false, false, false], "{kind:?}");
        assert_eq!(cache.statistics().evictions, 0, "nothing had to make room");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for kind in [Directory, Sqlite] {
        let scratch = Scratch::new();
        for bounds in [entries(0), bytes(400)] {
            let cache = kind.open(scratch.path(), 0, bounds);
            let error = cache.set_bucket(&filled("a", &[7; 500])).unwrap_err();
            assert_eq!(error.kind(), CacheErrorKind::TooLarge, "{kind:?}");
            assert_eq!((cache.statistics().dump_failures, cache.size()), (1, Some(0)));
        }
    }
}

/// What cannot be removed: the bound holds all the same, nothing is written, and it is not tried for each template.
#[test]
fn what_cannot_be_removed_is_told() {
    let scratch = Scratch::new();
    let cache =
        FileSystemBytecodeCache::builder().directory(scratch.path()).max_entries(2).failures(Failures::Raise);
    let cache = cache.open().unwrap();
    for key in ["a", "b"] {
        fs::create_dir(cache.path_of(&filled(key, b""))).unwrap();
    }
    let error = cache.set_bucket(&filled("c", b"code")).unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::Full);
    assert!(error.to_string().contains("2 entries could not be removed"), "{error}");
    let error = cache.set_bucket(&filled("c", b"code")).unwrap_err();
    assert!(error.to_string().contains("paused"), "{error}");
    assert!(!has(&cache, "c"));
}

/// Four processes write and one is killed; meanwhile all is read. Each may exceed the bound by its share, and no entry is half.
#[test]
fn four_writers_keep_a_bound() {
    const TEST: &str = "four_writers_keep_a_bound";
    const MAX: u64 = 64;
    if let Some(role) = role() {
        let (kind, name, folder) = match role.splitn(3, ' ').collect::<Vec<_>>()[..] {
            ["directory", name, folder] => (Directory, name.to_owned(), folder.to_owned()),
            ["sqlite", name, folder] => (Sqlite, name.to_owned(), folder.to_owned()),
            _ => panic!("{role}"),
        };
        let cache = kind.open(Path::new(&folder), 0, entries(MAX));
        let last = if name == "victim" { u64::MAX } else { 150 };
        for turn in 0..last {
            cache.set_bucket(&filled(&format!("{name} {turn}"), &[7; 2000])).unwrap();
        }
        assert!(cache.statistics().evictions > 0);
        return;
    }
    for (kind, kind_name) in [(Directory, "directory"), (Sqlite, "sqlite")] {
        let scratch = Scratch::new();
        let cache = kind.open(scratch.path(), 0, entries(MAX));
        let this = std::env::current_exe().unwrap();
        let start = |name: &str| {
            let role = format!("{kind_name} {name} {}", scratch.path().display());
            let mut command = again(&["env"], &this, TEST, &role);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let mut victim = start("victim");
        let mut writers: Vec<_> = ["one", "two", "three"].map(start).into_iter().collect();
        let mut most = 0;
        while writers.iter_mut().any(|writer| writer.try_wait().unwrap().is_none()) {
            most = most.max(cache.size().unwrap());
            for turn in (0..150).step_by(10) {
                cache.lookup(&mut Bucket::new(format!("two {turn}"), "sum")).unwrap();
            }
        }
        victim.kill().unwrap();
        victim.wait().unwrap();
        for writer in writers {
            assert_success(&writer.wait_with_output().unwrap());
        }
        assert_eq!(cache.statistics().rejections.total(), 0, "{kind:?}");
        // A share of each, and what each was just writing.
        assert!(most <= MAX + 4 * (MAX / 16 + 2), "{kind:?}: {most}");
        cache.set_bucket(&filled("last", b"code")).unwrap();
        assert!(cache.size() <= Some(MAX), "{kind:?}: {:?}", cache.size());
    }
}

/// Who has no room waits for who makes it, so that threads exceed a bound by what each is about to write, and no more.
#[test]
fn eight_threads_keep_a_bound() {
    const MAX: u64 = 40;
    const THREADS: u64 = 8;
    for kind in [Directory, Sqlite] {
        let scratch = Scratch::new();
        let cache = kind.open(scratch.path(), 0, entries(MAX));
        let write = |thread: u64| {
            let turns = 0..100;
            turns.fold(0, |most, turn| {
                cache.set_bucket(&filled(&format!("{thread} {turn}"), &[7; 300])).unwrap();
                most.max(cache.size().unwrap())
            })
        };
        let most = std::thread::scope(|scope| {
            let write = &write;
            let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || write(thread))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).max().unwrap()
        });
        // A directory is not read in one instant: what came and went meanwhile is in the figure, too.
        assert!(most <= 2 * MAX, "{kind:?}: {most}");
        let figures = cache.statistics();
        assert_eq!((figures.writes, figures.dump_failures), (100 * THREADS, 0), "{kind:?}");
        cache.set_bucket(&filled("last", b"code")).unwrap();
        assert!(cache.size() <= Some(MAX), "{kind:?}: {:?}", cache.size());
    }
}

#[test]
fn urls_have_bounds() {
    let scratch = Scratch::new();
    for (scheme, file) in [("file", "cache"), ("sqlite", "cache.db")] {
        let path = scratch.join(file);
        let open = |query: &str| Opening::new().open(&format!("{scheme}:{}{query}", path.display()));
        let figures = open("?max_entries=7&max_bytes=3K").unwrap().cache.statistics();
        assert_eq!((figures.max_size, figures.max_bytes), (Some(7), Some(3072)));
        assert!(open("").unwrap().cache.statistics().max_size.is_none());
        for (query, why) in [
            ("?max_entries=", "max_entries"),
            ("?max_entries=3K", "max_entries"),
            ("?max_bytes=3X", "max_bytes"),
            ("?max_bytes", "max_bytes"),
            ("?", "option"),
            ("?prefix=x", "\"prefix\""),
        ] {
            let error = open(query).err().unwrap_or_else(|| panic!("{query}"));
            assert_eq!(error.kind(), CacheErrorKind::Url, "{error}");
            assert!(error.to_string().contains(why), "{query}: {error}");
        }
    }
    let names = common::names(scratch.path());
    assert_eq!(names.iter().filter(|name| name.contains('?')).count(), 0, "{names:?}");
    // A path is a path.
    let odd = scratch.join("what?");
    Opening::new().open(odd.to_str().unwrap()).unwrap();
    let url = CacheUrl::parse("file:what?max_bytes=1G").unwrap();
    assert_eq!((url.path(), url.bounds()), (Some(Path::new("what")), bytes(1 << 30)));
    assert!(odd.is_dir());
}
