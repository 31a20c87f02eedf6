//! What may stand at an entry's place, and what may happen to a process that writes one.

#![cfg(unix)]

#[expect(dead_code, reason = "each test binary uses its part")]
mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Scratch, again, assert_success, filled, names, role};
use haiden_cache::{Bucket, BytecodeCache, CacheErrorKind, FileSystemBytecodeCache, Frame, Rejection};

fn open(directory: &Path) -> FileSystemBytecodeCache {
    FileSystemBytecodeCache::new(Some(directory), "%s.cache").unwrap()
}

/// Puts something at an entry's place: a lookup has to be a miss for this reason, and, if it is no directory, writing
/// has to replace it.
fn check(what: &str, reason: Rejection, replaceable: bool, place: impl FnOnce(&Path)) {
    let scratch = Scratch::new();
    let cache = open(scratch.path());
    let bucket = filled("one", b"code");
    place(&cache.path_of(&bucket));
    cache.lookup(&mut Bucket::new("one", "sum")).unwrap();
    let figures = cache.statistics();
    assert_eq!((figures.misses, figures.rejections.get(reason)), (1, 1), "{what}: {figures}");

    let written = cache.dump_bytecode(&bucket);
    assert_eq!(written.is_ok(), replaceable, "{what}: {written:?}");
    let mut again = Bucket::new("one", "sum");
    cache.lookup(&mut again).unwrap();
    assert_eq!(again.bytecode().is_some(), replaceable, "{what}");
    assert!(
        names(scratch.path()).iter().all(|name| !name.contains(".tmp")),
        "{what}: a temporary file is left"
    );
}

#[test]
fn what_is_no_file_is_a_miss() {
    check("a directory", Rejection::NotAFile, false, |path| fs::create_dir(path).unwrap());
    check("a FIFO", Rejection::NotAFile, true, |path| {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    });
    check("a socket", Rejection::NotAFile, true, |path| drop(UnixListener::bind(path).unwrap()));
    check("a link to itself", Rejection::NotAFile, true, |path| symlink(path, path).unwrap());
    check("a link to a device", Rejection::NotAFile, true, |path| symlink("/dev/zero", path).unwrap());
    check("a dangling link", Rejection::NotAFile, true, |path| symlink("/nowhere", path).unwrap());
    check("a link to a good entry", Rejection::NotAFile, true, |path| {
        let target = path.with_file_name("target");
        fs::write(&target, filled("one", b"code").bytecode_to_string().unwrap()).unwrap();
        symlink(target, path).unwrap();
    });
}

#[test]
fn a_link_is_replaced_not_followed() {
    let scratch = Scratch::new();
    let cache = open(scratch.path());
    let bucket = filled("one", b"code");
    let precious = scratch.join("precious");
    fs::write(&precious, "precious").unwrap();
    symlink(&precious, cache.path_of(&bucket)).unwrap();
    cache.set_bucket(&bucket).unwrap();
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
}

#[test]
fn what_is_no_entry_is_a_miss() {
    check("an empty file", Rejection::Truncated, true, |path| fs::write(path, "").unwrap());
    check("garbage", Rejection::Magic, true, |path| fs::write(path, "j2\u{80}\u{2}K\u{5}.").unwrap());
    check("another entry", Rejection::Key, true, |path| {
        fs::write(path, filled("two", b"code").bytecode_to_string().unwrap()).unwrap();
    });
    check("a sparse file of a TiB", Rejection::Oversize, true, |path| {
        fs::File::create(path).unwrap().set_len(1 << 40).unwrap();
    });
    check("an entry that promises 20 GB", Rejection::Oversize, true, |path| {
        let mut bytes = filled("one", b"code").bytecode_to_string().unwrap();
        bytes[88..96].copy_from_slice(&20_000_000_000u64.to_le_bytes());
        fs::write(path, bytes).unwrap();
    });
}

#[test]
fn damage_anywhere_is_a_miss() {
    let scratch = Scratch::new();
    let cache = open(scratch.path());
    let bucket = filled("one", b"some bytecode");
    let good = bucket.bytecode_to_string().unwrap();
    let path = cache.path_of(&bucket);
    let miss = |bytes: &[u8], what: String| {
        fs::write(&path, bytes).unwrap();
        let mut bucket = Bucket::new("one", "sum");
        cache.load_bytecode(&mut bucket).unwrap();
        assert!(bucket.bytecode().is_none() && bucket.rejection().is_some(), "{what}");
    };
    for at in 0..good.len() {
        miss(&good[..at], format!("cut off at {at}"));
        for flip in [1, 0x80, 0xFF] {
            let mut bytes = good.clone();
            bytes[at] ^= flip;
            miss(&bytes, format!("byte {at} ^ {flip}"));
        }
    }
    fs::write(&path, &good).unwrap();
    let mut bucket = Bucket::new("one", "sum");
    cache.load_bytecode(&mut bucket).unwrap();
    assert!(bucket.bytecode().is_some());
}

#[test]
fn the_largest_entry() {
    let scratch = Scratch::new();
    let builder = || FileSystemBytecodeCache::builder().directory(scratch.path()).pattern("%s");
    let small = builder().max_entry_bytes(1000).open().unwrap();
    small.dump_bytecode(&filled("fits", &[1; 1000])).unwrap();
    let error = small.dump_bytecode(&filled("does not", &[1; 1001])).unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::TooLarge);
    builder().open().unwrap().dump_bytecode(&filled("does not", &[1; 5000])).unwrap();
    for (key, hit) in [("fits", true), ("does not", false)] {
        let mut bucket = Bucket::new(key, "sum");
        small.lookup(&mut bucket).unwrap();
        assert_eq!(bucket.bytecode().is_some(), hit, "{key}");
    }
    assert_eq!(small.statistics().rejections.get(Rejection::Oversize), 1);
}

/// A limit on the size of files, as a full disk: the write stops half-way.
#[test]
fn a_write_that_stops_half_way_leaves_nothing() {
    let Some(directory) = role() else {
        let scratch = Scratch::new();
        // A shell sets the limit, and has the signal ignored that would end the process.
        let shell = ["sh", "-c", "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\""];
        let this = std::env::current_exe().unwrap();
        let test = "a_write_that_stops_half_way_leaves_nothing";
        let directory = scratch.path().to_str().unwrap();
        assert_success(&again(&shell, &this, test, directory).output().unwrap());
        assert_eq!(names(scratch.path()).len(), 1, "the small entry alone");
        return;
    };
    let cache = open(Path::new(&directory));
    let error = cache.dump_bytecode(&filled("large", &vec![1; 1 << 20])).unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::Full, "{error}");
    cache.set_bucket(&filled("large", &vec![1; 1 << 20])).unwrap();
    cache.set_bucket(&filled("small", b"1")).unwrap();
    assert_eq!((cache.statistics().dump_failures, cache.statistics().writes), (1, 1));
}

/// Processes that write and read the same entries. None ever sees an entry that is not whole.
#[test]
fn processes_share_a_directory() {
    const KEYS: usize = 8;
    const ROUNDS: usize = 100;
    let value = |key: usize| vec![key as u8; 4000 + key];
    let Some(directory) = role() else {
        let scratch = Scratch::new();
        let this = std::env::current_exe().unwrap();
        let directory = scratch.path().to_str().unwrap();
        let start = || {
            let mut command = again(&["env"], &this, "processes_share_a_directory", directory);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let processes = [start(), start(), start()];
        for process in processes {
            assert_success(&process.wait_with_output().unwrap());
        }
        assert_eq!(open(scratch.path()).size(), Some(KEYS as u64));
        assert_eq!(names(scratch.path()).len(), KEYS);
        return;
    };
    let cache = open(Path::new(&directory));
    for round in 0..ROUNDS {
        for key in 0..KEYS {
            let mut bucket = Bucket::new(format!("page {key}"), "sum");
            cache.lookup(&mut bucket).unwrap();
            match bucket.bytecode() {
                Some(code) => assert_eq!(code[..], value(key)),
                None => assert_eq!(round, 0, "a miss after the first round"),
            }
            bucket.set_bytecode(value(key));
            cache.set_bucket(&bucket).unwrap();
        }
    }
    let figures = cache.statistics();
    assert_eq!((figures.rejections.total(), figures.load_failures, figures.dump_failures), (0, 0, 0));
}

/// A writer that is killed leaves at most temporary files; every entry is whole, and the next one goes on.
#[test]
fn a_killed_writer_harms_nobody() {
    if let Some(directory) = role() {
        let cache = open(Path::new(&directory));
        for turn in 0u64.. {
            cache.set_bucket(&filled(&format!("page {}", turn % 4), &vec![7; 300_000])).unwrap();
        }
    }
    let scratch = Scratch::new();
    let this = std::env::current_exe().unwrap();
    let directory = scratch.path().to_str().unwrap();
    let mut writer = again(&["env"], &this, "a_killed_writer_harms_nobody", directory);
    let mut writer = writer.stdout(Stdio::null()).spawn().unwrap();
    let cache = open(scratch.path());
    while cache.size() != Some(4) {
        std::thread::yield_now();
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    for entry in cache.entries().unwrap() {
        assert_eq!(entry.unwrap().bytecode[..], vec![7; 300_000]);
    }
    cache.set_bucket(&filled("page 0", b"next")).unwrap();
    assert_eq!(cache.clear().unwrap().removed, Some(4));
}

/// Readers never fail while another clears and writes.
#[test]
fn clear_against_readers_and_writers() {
    let scratch = Scratch::new();
    let cache = open(scratch.path());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for turn in 0..200 {
                    let mut bucket = Bucket::new(format!("page {}", turn % 5), "sum");
                    cache.lookup(&mut bucket).unwrap();
                    cache.set_bucket(&filled(&format!("page {}", turn % 5), &[3; 500])).unwrap();
                }
            });
        }
        scope.spawn(|| (0..50).for_each(|_| assert_eq!(cache.clear().unwrap().failed, 0)));
    });
    let figures = cache.statistics();
    assert_eq!((figures.rejections.total(), figures.load_failures, figures.dump_failures), (0, 0, 0));
}

/// Any bytes: a frame or a reason. Pseudo-random changes of a good entry with its digest left as it was, and noise.
#[test]
fn noise_never_panics() {
    let good = filled("one", b"some bytecode").bytecode_to_string().unwrap();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..50_000 {
        let mut bytes = good.clone();
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
        }
        bytes.truncate(good.len() - random(3));
        if bytes != good {
            assert!(Frame::parse(&bytes, 1 << 20).is_err());
        }
    }
}
