//! A bundle's file: how it is written, and what may stand at its place.

#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::sync::Arc;

use common::{Scratch, again, chmod, filled, names, role, without_root};
use haiden_cache::{
    Bundle, BundleBuilder, BytecodeCache, CacheErrorKind, ContentKey, Failures, KeyRing, Opening, Rejection,
};

fn builder(bytecode: &[u8]) -> BundleBuilder {
    let mut builder = BundleBuilder::new().sealed(true);
    builder.add("page.html", ContentKey::new([("source", bytecode)]), "", bytecode).unwrap();
    builder
}

#[test]
fn a_file_is_replaced_whole() {
    let scratch = Scratch::new();
    let path = scratch.join("site.haiden");
    builder(b"first").write(&path).unwrap();
    let first = Bundle::open(&path).unwrap();
    builder(b"second").write(&path).unwrap();
    assert_eq!(names(scratch.path()), ["site.haiden"]);
    assert_eq!(fs::read(&path).unwrap(), builder(b"second").to_bytes().unwrap());

    let second = Bundle::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(first.template("page.html"), Some(Ok(&b"first"[..])), "it was read when it was opened");
    assert_eq!(second.template("page.html"), Some(Ok(&b"second"[..])));
    assert_eq!(second.path(), Some(&*path));
}

#[test]
fn what_is_no_bundle_says_so() {
    let scratch = Scratch::new();
    let path = scratch.join("site.haiden");
    let refused = |what: &str, kind: CacheErrorKind| {
        let error = Bundle::open(&path).expect_err(what);
        assert_eq!(error.kind(), kind, "{what}: {error}");
        assert!(error.to_string().contains("site.haiden"), "{error}");
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
    };
    refused("nothing", CacheErrorKind::Missing);
    fs::create_dir(&path).unwrap();
    refused("a directory", CacheErrorKind::Rejected(Rejection::NotAFile));
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    refused("a FIFO", CacheErrorKind::Rejected(Rejection::NotAFile));
    fs::write(&path, "").unwrap();
    refused("an empty file", CacheErrorKind::Rejected(Rejection::Truncated));
    fs::write(&path, "PK\u{3}\u{4}").unwrap();
    refused("an archive", CacheErrorKind::Rejected(Rejection::Magic));
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    refused("a sparse file of a TiB", CacheErrorKind::Rejected(Rejection::Oversize));
    symlink(&path, &path).unwrap();
    refused("a link to itself", CacheErrorKind::Io);
}

#[test]
fn a_bundle_others_can_write_is_told() {
    let scratch = Scratch::new();
    let path = scratch.join("site.haiden");
    builder(b"code").write(&path).unwrap();
    for (mode, told) in [(0o444, false), (0o644, false), (0o664, true), (0o646, true)] {
        chmod(&path, mode);
        assert_eq!(Bundle::open(&path).unwrap().statistics().others_can_write, told, "{mode:o}");
    }
}

#[test]
fn a_bundle_that_cannot_be_written_leaves_nothing() {
    without_root("a_bundle_that_cannot_be_written_leaves_nothing", || {
        let scratch = Scratch::new();
        let path = scratch.join("site.haiden");
        builder(b"first").write(&path).unwrap();
        chmod(scratch.path(), 0o555);
        let error = builder(b"second").write(&path).unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Denied, "{error}");
        chmod(scratch.path(), 0o755);
        assert_eq!(names(scratch.path()), ["site.haiden"]);
        assert_eq!(Bundle::open(&path).unwrap().template("page.html"), Some(Ok(&b"first"[..])));
        chmod(&path, 0o000);
        assert_eq!(Bundle::open(&path).unwrap_err().kind(), CacheErrorKind::Denied);
    });
    let scratch = Scratch::new();
    fs::create_dir(scratch.join("taken")).unwrap();
    assert!(builder(b"code").write(scratch.join("taken")).is_err());
    assert!(builder(b"code").write(scratch.join("absent/site.haiden")).is_err());
    assert!(builder(b"code").write("/").is_err());
    assert_eq!(names(scratch.path()), ["taken"]);
}

/// Whatever its policy would be: a bundle's damage is never a failure, and nothing is written to it.
#[test]
fn a_bundle_never_fails_a_lookup() {
    let bundle = Bundle::from_bytes(builder(b"code").to_bytes().unwrap()).unwrap();
    assert_eq!((bundle.failures(), bundle.is_read_only()), (Failures::Ignore, true));
    bundle.set_bucket(&filled("one", b"1")).unwrap();
    assert_eq!((bundle.statistics().skipped_writes, bundle.size()), (1, Some(1)));
}

/// While a bundle is written again and again, and when its writer is killed, there is always a whole one.
#[test]
fn a_killed_writer_leaves_a_bundle() {
    if let Some(path) = role() {
        for turn in 0u64.. {
            builder(&vec![turn as u8; 300_000]).write(&path).unwrap();
        }
    }
    let scratch = Scratch::new();
    let path = scratch.join("site.haiden");
    builder(b"first").write(&path).unwrap();
    let this = std::env::current_exe().unwrap();
    let mut writer = again(&["env"], &this, "a_killed_writer_leaves_a_bundle", path.to_str().unwrap());
    let mut writer = writer.stdout(Stdio::null()).spawn().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 5 {
        let bundle = Bundle::open(&path).unwrap();
        let code = bundle.template("page.html").unwrap().unwrap();
        assert!(code == b"first" || code == vec![code[0]; 300_000]);
        seen.insert(code[0]);
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert!(Bundle::open(&path).unwrap().template("page.html").is_some_and(|code| code.is_ok()));
}

/// A URL with keys means a bundle that is signed whole: its index, too.
#[test]
fn keys_refuse_an_unsigned_bundle_by_its_url() {
    let scratch = Scratch::new();
    let keys = Arc::new(KeyRing::new("0123456789abcdef0123456789abcdef").unwrap());
    let write = |name: &str, builder: BundleBuilder| {
        let path = scratch.join(name);
        builder.write(&path).unwrap();
        format!("bundle:{}", path.display())
    };
    let plain = write("plain", BundleBuilder::new());
    let signed = write("signed", BundleBuilder::new().signed_by(Arc::clone(&keys)));
    let opening = Opening::new().keys(keys);
    assert!(opening.open(&signed).is_ok());
    assert!(Opening::new().open(&plain).is_ok());
    let refused = opening.open(&plain).err().map(|error| error.kind());
    assert_eq!(refused, Some(CacheErrorKind::Rejected(Rejection::Authentication)));
}
