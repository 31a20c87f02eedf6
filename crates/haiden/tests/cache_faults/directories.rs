//! Directories: what is in an entry's place, who owns them, what they lie on. And bundles.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use haiden::cache::{
    Authenticated, BytecodeCache as _, CacheStatistics, FileSystemBytecodeCache, KeyRing, Opening, Rejection,
    SqliteBytecodeCache,
};
use haiden::{Environment, context};

use crate::process::{another, heard, this_program};
use crate::table::{Cache, Figures, LOOKUPS, PARTS, Table, at, nothing, once, render};

const STORE: &str = "directory";

pub(crate) fn open(folder: &Path) -> Cache {
    Arc::new(FileSystemBytecodeCache::new(Some(folder), "%s").unwrap())
}

/// The entries' files, sorted.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn each_file(folder: &Path, harm: impl Fn(&Path)) {
    for path in files(folder) {
        harm(&path);
    }
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Something else in the place of a file.
fn instead(path: &Path, make: impl FnOnce(&Path)) {
    fs::remove_file(path).unwrap();
    make(path);
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Each file gets what was in the next one.
fn swap(folder: &Path) {
    let paths = files(folder);
    let mut contents: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    contents.rotate_left(1);
    for (path, bytes) in paths.iter().zip(contents) {
        fs::write(path, bytes).unwrap();
    }
}

type Harm = fn(&Path);
type Told = fn(&CacheStatistics) -> bool;

/// What may happen to a directory in use.
const HARMS: &[(&str, Harm, Told)] = &[
    ("none", |_| {}, |figures| figures.hits == LOOKUPS - PARTS),
    (
        "entries cut short",
        |folder| each_file(folder, |path| change(path, |bytes| bytes.truncate(bytes.len() / 2))),
        once,
    ),
    (
        "entries flipped",
        |folder| {
            each_file(folder, |path| {
                change(path, |bytes| {
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 1;
                });
            });
        },
        once,
    ),
    ("entries empty", |folder| each_file(folder, |path| change(path, Vec::clear)), once),
    (
        "entries of a TiB",
        |folder| {
            each_file(folder, |path| {
                fs::File::options().write(true).open(path).unwrap().set_len(1 << 40).unwrap();
            });
        },
        once,
    ),
    ("entries are FIFOs", |folder| each_file(folder, |path| instead(path, fifo)), once),
    (
        "entries are links",
        |folder| {
            each_file(folder, |path| {
                let elsewhere = path.with_file_name("elsewhere");
                fs::copy(path, &elsewhere).unwrap();
                instead(path, |path| symlink(elsewhere, path).unwrap());
            });
        },
        once,
    ),
    (
        "entries are directories",
        |folder| each_file(folder, |path| instead(path, |path| fs::create_dir(path).unwrap())),
        |figures| {
            let not_files = figures.rejections.get(Rejection::NotAFile);
            not_files == 13 * PARTS && figures.dump_failures == not_files && figures.hits > 0
        },
    ),
    ("entries swapped", swap, once),
    (
        "folder removed",
        |folder| fs::remove_dir_all(folder).unwrap(),
        |figures| figures.dump_failures > 0 && figures.hits > 0,
    ),
];

pub(crate) fn directories(table: &mut Table, scratch: &Path) {
    for (fault, harm, told) in HARMS {
        let folder = scratch.join(fault.replace(' ', "-"));
        table.check(STORE, fault, &open(&folder), at(7, || harm(&folder)), told);
    }
    every_length_and_every_byte(table, &scratch.join("all"));
    signed(table, &scratch.join("signed"));
    let (folder, name) = (scratch.join("none"), scratch.join("link"));
    fs::create_dir(scratch.join("bare")).unwrap();
    let builder = FileSystemBytecodeCache::builder().directory(scratch.join("bare")).read_only(true);
    let unwritten = |figures: &CacheStatistics| figures.skipped_writes == LOOKUPS && figures.size == Some(0);
    table.check(STORE, "read-only", &(Arc::new(builder.open().unwrap()) as Cache), nothing, unwritten);
    symlink(&folder, &name).unwrap();
    let told = |figures: &CacheStatistics| figures.is_link && figures.hits == LOOKUPS;
    table.check(STORE, "named by a link", &open(&name), nothing, told);
}

/// An entry cut off at every length, and with every byte changed.
fn every_length_and_every_byte(table: &mut Table, folder: &Path) {
    let cache = open(folder);
    let page = || {
        let mut environment = Environment::new();
        environment.add_template("row", "<li>{{ item|upper }}</li>").unwrap();
        environment.set_bytecode_cache(Some(cache.clone()));
        let start = Instant::now();
        let page = environment.get_template("row").unwrap().render(context! { item => "a" }).unwrap();
        assert_eq!(page, "<li>A</li>");
        start.elapsed()
    };
    page();
    let path = files(folder).remove(0);
    let whole = fs::read(&path).unwrap();
    let (mut lost, mut slowest) = (Duration::ZERO, Duration::ZERO);
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x20;
        for bytes in [&whole[..at], &flipped] {
            fs::write(&path, bytes).unwrap();
            let spent = page();
            (lost, slowest) = (lost + spent, slowest.max(spent));
        }
    }
    let figures = cache.statistics();
    // All but those bytes that nothing rests on (when it was made) are noticed, and these change no page.
    let spoiled = 2 * whole.len() as u64;
    assert_eq!(figures.rejections.total() + figures.hits, spoiled);
    assert!(figures.rejections.total() * 100 > 98 * spoiled, "{figures}");
    table.add(STORE, "every length, every byte", Figures::new(&figures, lost, slowest));
}

/// What whoever can write the directory, but has no key, does with entries that were signed.
fn signed(table: &mut Table, folder: &Path) {
    let keys = KeyRing::new("0123456789abcdef0123456789abcdef").unwrap();
    let open = || -> Cache { Arc::new(Authenticated::new(open(folder), keys.clone())) };
    render(Some(&open()));
    let old: Vec<_> = files(folder).into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect();
    // The same key is the same source and options, so that an old entry is as good as a new one.
    let replay = |_| old.iter().for_each(|(bytes, path)| fs::write(path, bytes).unwrap());
    table.check(STORE, "entries replayed, keyed", &open(), replay, |figures| figures.hits == LOOKUPS);
    let told = |figures: &CacheStatistics| {
        figures.rejections.total() == PARTS && figures.hits == LOOKUPS - PARTS && figures.writes == PARTS
    };
    table.check(STORE, "entries swapped, keyed", &open(), at(7, || swap(folder)), told);
}

/// A directory of root's, and workers that are not: without the right to become another user, one that nobody can write.
pub(crate) fn foreign(table: &mut Table) {
    let fault = "foreign-owned";
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("cache");
    fs::create_dir(&folder).unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let root = fs::metadata(&folder).is_ok_and(|data| std::os::unix::fs::MetadataExt::uid(&data) == 0);
    mode(scratch.path(), 0o755);
    mode(&folder, if root { 0o755 } else { 0o555 });
    let mut program = this_program();
    let mut drop: &[&str] = &["env"];
    if root {
        // Copied by another process: what this one had open for writing, the kernel would not run.
        let copy = scratch.path().join("program");
        assert!(Command::new("cp").arg(&program).arg(&copy).status().unwrap().success());
        mode(&copy, 0o755);
        program = copy;
        drop = &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    }
    let role = ["meets a foreign directory", folder.to_str().unwrap()];
    match another(drop, &program, &role).output() {
        Ok(output) => table.add(STORE, fault, heard(&output)),
        Err(_) => table.not_tested(STORE, fault, "root drops its rights by `setpriv` (util-linux)"),
    }
    assert!(files(&folder).is_empty());
}

/// A disk of 64 KiB, filled up. Needs the right to mount.
pub(crate) fn full_disk(table: &mut Table, scratch: &Path) {
    let disk = scratch.join("disk");
    fs::create_dir(&disk).unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "none"]).arg(&disk).output();
    if !mount.is_ok_and(|output| output.status.success()) {
        for store in [STORE, "SQLite"] {
            table.not_tested(store, "disk full", "only root can mount a small disk");
        }
        return;
    }
    let full = |figures: &CacheStatistics| figures.dump_failures > 0 && figures.writes < PARTS;
    let sqlite =
        SqliteBytecodeCache::new(disk.join("cache.sqlite")).map(|cache| -> Cache { Arc::new(cache) });
    let directory = open(&disk);
    let mut ballast = fs::File::create(disk.join("ballast")).unwrap();
    while ballast.write_all(&[1; 64]).is_ok() {}
    table.check(STORE, "disk full", &directory, nothing, full);
    table.check("SQLite", "disk full", &sqlite.unwrap(), nothing, full);
    assert!(Command::new("umount").arg("-l").arg(&disk).status().unwrap().success());
}

/// Bundles are read once, and are damaged before that.
pub(crate) fn bundles(table: &mut Table, scratch: &Path) {
    let mut site = Environment::new();
    for (name, source) in crate::table::sources() {
        site.add_template(name, &source).unwrap();
    }
    let good = site.bundle(false).unwrap();
    let path = scratch.join("site.haiden");
    let mut check = |fault, harm: fn(&mut Vec<u8>), told: Told| {
        let mut bytes = good.clone();
        harm(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let bundle = Opening::new().open(&format!("bundle:{}", path.display())).unwrap().cache;
        table.check("bundle", fault, &bundle, nothing, told);
    };
    check("none", |_| {}, |figures| figures.hits == LOOKUPS);
    check(
        "entries flipped",
        |bytes| bytes.iter_mut().rev().step_by(100).take(40).for_each(|byte| *byte ^= 1),
        |figures| figures.rejections.total() > 0,
    );
}
