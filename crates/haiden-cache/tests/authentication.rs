//! Who can write the store, but has no key: what he writes, copies, changes, strips and puts back is never used.

#![cfg(unix)]

#[expect(dead_code, reason = "each test binary uses its part")]
mod common;

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use common::{Scratch, chmod, filled, without_root};
use haiden_cache::testkit::{Server, StoreSuite};
use haiden_cache::{
    Authenticated, Bucket, BytecodeCache, CacheError, CacheErrorKind, Clock, FileSystemBytecodeCache, Frame,
    KeyRing, MemcachedBytecodeCache, MemoryBytecodeCache, RedisBytecodeCache, Rejection, SqliteBytecodeCache,
};
use xxhash_rust::xxh3::xxh3_128;

const MAX: usize = 1 << 20;
const TAG: usize = 32;
const PATIENT: Duration = Duration::from_secs(20);

fn ring(secret: &str) -> KeyRing {
    KeyRing::new(secret.repeat(32)).unwrap()
}

/// A store anybody can write: what an attacker sees of the store behind the cache. Its keys are Jinja2's, so that
/// versions of one template meet in one place.
#[derive(Clone, Default)]
struct Open(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Open {
    fn get(&self, key: &str) -> Vec<u8> {
        self.0.lock().unwrap()[key].clone()
    }

    fn put(&self, key: &str, entry: Vec<u8>) {
        self.0.lock().unwrap().insert(key.to_owned(), entry);
    }
}

impl BytecodeCache for Open {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        if let Some(bytes) = self.0.lock().unwrap().get(bucket.key()) {
            bucket.bytecode_from_string(bytes);
        }
        Ok(())
    }

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        self.put(bucket.key(), bucket.bytecode_to_string()?);
        Ok(())
    }
}

#[track_caller]
fn check<S: BytecodeCache>(cache: &S, key: &str, expected: Result<&[u8], Rejection>) {
    let mut bucket = Bucket::new(key, "sum");
    cache.lookup(&mut bucket).unwrap();
    let found = bucket.bytecode().map(|code| &code[..]).ok_or(bucket.rejection());
    assert_eq!(found, expected.map_err(Some));
}

/// Makes the digest right, as everybody can.
fn with_digest(mut entry: Vec<u8>, tag: usize) -> Vec<u8> {
    let end = entry.len() - tag;
    let digest = xxh3_128(&entry[32..end]);
    entry[16..32].copy_from_slice(&digest.to_le_bytes());
    entry
}

#[test]
fn a_poisoned_entry_is_a_miss() {
    let open = Open::default();
    let cache = Authenticated::new(open.clone(), ring("ours"));
    cache.set_bucket(&filled("page", b"code")).unwrap();
    check(&cache, "page", Ok(b"code"));
    // Without a tag; with a tag of another key; that one with our key's id.
    open.set_bucket(&filled("page", b"evil")).unwrap();
    check(&cache, "page", Err(Rejection::Authentication));
    Authenticated::new(open.clone(), ring("theirs")).set_bucket(&filled("page", b"evil")).unwrap();
    check(&cache, "page", Err(Rejection::Authentication));
    let mut entry = open.get("page");
    let id = ring("ours").ids().next().unwrap();
    entry[36..40].copy_from_slice(&id.to_le_bytes());
    open.put("page", with_digest(entry, TAG));
    check(&cache, "page", Err(Rejection::Authentication));
    // The next compilation puts it right.
    cache.set_bucket(&filled("page", b"code")).unwrap();
    check(&cache, "page", Ok(b"code"));
}

#[test]
fn a_changed_entry_is_a_miss() {
    let open = Open::default();
    let cache = Authenticated::new(open.clone(), ring("ours"));
    cache.set_bucket(&filled("page", b"some bytecode")).unwrap();
    let good = open.get("page");
    for at in 0..good.len() {
        let mut entry = good.clone();
        entry[at] ^= 1;
        let tag = if at < 40 { 0 } else { TAG };
        open.put("page", if at < good.len() - TAG { with_digest(entry, tag) } else { entry });
        let mut bucket = Bucket::new("page", "sum");
        cache.lookup(&mut bucket).unwrap();
        let digest_made_right = (16..32).contains(&at) && bucket.rejection().is_none();
        assert!(bucket.bytecode().is_none() || digest_made_right, "byte {at}");
    }
    // The tag cut off, flag and id with it: an entry as one without keys writes it.
    let mut stripped = good[..good.len() - TAG].to_vec();
    stripped[32] = 0;
    stripped[36..40].fill(0);
    open.put("page", with_digest(stripped, 0));
    check(&open, "page", Ok(b"some bytecode"));
    check(&cache, "page", Err(Rejection::Authentication));
}

#[test]
fn a_swapped_entry_is_a_miss() {
    let open = Open::default();
    let cache = Authenticated::new(open.clone(), ring("ours"));
    for key in ["page", "other"] {
        cache.set_bucket(&filled(key, key.as_bytes())).unwrap();
    }
    open.put("page", open.get("other"));
    check(&cache, "page", Err(Rejection::Key));
    // With the content key overwritten, which the tag covers.
    let mut entry = open.get("other");
    entry[56..88].copy_from_slice(Bucket::new("page", "sum").content_key().as_bytes());
    open.put("page", with_digest(entry, TAG));
    check(&cache, "page", Err(Rejection::Authentication));
}

/// An old entry put back: of the same content, it is the same; of another version of the source, it is another key's.
#[test]
fn a_replayed_entry_is_harmless() {
    let open = Open::default();
    let cache = Authenticated::new(open.clone(), ring("ours"));
    cache.set_bucket(&filled("page", b"code")).unwrap();
    let old = open.get("page");
    cache.set_bucket(&filled("page", b"code")).unwrap();
    open.put("page", old.clone());
    check(&cache, "page", Ok(b"code"));
    let mut bucket = Bucket::new("page", "sum of the next version");
    bucket.set_bytecode(&b"next"[..]);
    cache.set_bucket(&bucket).unwrap();
    open.put("page", old);
    cache.lookup(&mut bucket).unwrap();
    assert_eq!((bucket.bytecode(), bucket.rejection()), (None, Some(Rejection::Key)));
}

#[test]
fn keys_are_rotated() {
    let open = Open::default();
    let with = |keys: KeyRing| Authenticated::new(open.clone(), keys);
    let both = || ring("new").with("old".repeat(32)).unwrap();
    with(ring("old")).set_bucket(&filled("page", b"code")).unwrap();
    check(&with(both()), "page", Ok(b"code"));
    check(&with(ring("new")), "page", Err(Rejection::Authentication));
    with(both()).set_bucket(&filled("page", b"code")).unwrap();
    check(&with(ring("new")), "page", Ok(b"code"));
    check(&with(ring("old")), "page", Err(Rejection::Authentication));
}

#[test]
fn caches_without_keys_take_signed_entries() {
    let open = Open::default();
    let cache = Authenticated::new(open.clone(), ring("ours"));
    cache.set_bucket(&filled("page", b"code")).unwrap();
    check(&open, "page", Ok(b"code"));
    let entry = open.get("page");
    let (frame, signature) = Frame::parse_signed(&entry, MAX).unwrap();
    assert_eq!((frame.bytecode, frame.checksum), (&b"code"[..], "sum"));
    assert_eq!(signature.unwrap().key_id(), ring("ours").ids().next().unwrap());
}

/// What is put into the bucket past the frame cannot be checked.
#[test]
fn a_store_that_bypasses_the_frame_is_not_trusted() {
    struct Bypass;
    impl BytecodeCache for Bypass {
        fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
            bucket.set_bytecode(&b"evil"[..]);
            Ok(())
        }
        fn dump_bytecode(&self, _: &Bucket<'_>) -> Result<(), CacheError> {
            Ok(())
        }
    }
    check(&Bypass, "page", Ok(b"evil"));
    let cache = Authenticated::new(Bypass, ring("ours"));
    check(&cache, "page", Err(Rejection::Authentication));
    let mut bucket = Bucket::new("page", "sum");
    cache.load_many(&mut [&mut bucket]).unwrap();
    assert_eq!(bucket.rejection(), Some(Rejection::Authentication));
}

/// The keys leave a bucket with the cache they belong to.
#[test]
fn a_bucket_keeps_no_keys() {
    let (open, signed) = (Open::default(), Open::default());
    let cache = Authenticated::new(signed, ring("ours"));
    let mut bucket = Bucket::new("page", "sum");
    cache.lookup(&mut bucket).unwrap();
    bucket.set_bytecode(&b"code"[..]);
    open.set_bucket(&bucket).unwrap();
    assert_eq!(Frame::parse_signed(&open.get("page"), MAX).unwrap().1, None);
    open.lookup(&mut bucket).unwrap();
    assert!(bucket.bytecode().is_some());
}

#[test]
fn what_happens_is_counted_once() {
    let made = SystemTime::UNIX_EPOCH + Duration::from_secs(7);
    let store = MemoryBytecodeCache::with_clock(10, MAX, Clock::new(move || made));
    let cache: Arc<dyn BytecodeCache> = Arc::new(Authenticated::new(store, ring("ours")));
    let mut bucket = cache.get_bucket("a.html", None, "source", *filled("x", b"").content_key()).unwrap();
    assert_eq!(bucket.key(), cache.get_cache_key("a.html", None));
    bucket.set_bytecode(&b"code"[..]);
    cache.set_bucket(&bucket).unwrap();
    cache.lookup(&mut bucket).unwrap();
    assert_eq!((bucket.bytecode().is_some(), bucket.created_at()), (true, Some(made)));
    let entry = cache.entries().unwrap().next().unwrap().unwrap();
    assert_eq!(entry.checksum, cache.get_source_checksum("source"));
    let figures = cache.statistics();
    assert_eq!((figures.hits, figures.misses, figures.writes, figures.size), (1, 1, 1, Some(1)));
}

#[test]
fn a_file_of_secrets() {
    without_root("a_file_of_secrets", || {
        let scratch = Scratch::new();
        let path = scratch.join("secrets");
        fs::write(
            &path,
            "# made by: openssl rand -hex 32\n0123456789abcdef0123456789abcdef0123456789abcdef\n",
        )
        .unwrap();
        for (mode, good) in [(0o600, true), (0o400, true), (0o640, true), (0o644, false), (0o660, false)] {
            chmod(&path, mode);
            let keys = KeyRing::from_file(&path);
            assert_eq!(keys.as_ref().err().map(CacheError::kind), (!good).then_some(CacheErrorKind::Secret));
        }
        chmod(&path, 0o600);
        fs::write(&path, "too short").unwrap();
        let error = KeyRing::from_file(&path).unwrap_err();
        assert!(error.to_string().contains("secrets: a secret of 9 bytes"), "{error}");
        fs::write(&path, [0xff; 32]).unwrap();
        let error = KeyRing::from_file(&path).unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Secret);
        assert!(error.to_string().contains("openssl rand -hex 32"), "{error}");
        // One secret more than fits: the last is not cut into another one.
        let line = format!("{}\n", "f".repeat(63));
        fs::write(&path, line.repeat(1024)).unwrap();
        assert_eq!(KeyRing::from_file(&path).unwrap().ids().count(), 1024);
        fs::write(&path, line.repeat(1025)).unwrap();
        let error = KeyRing::from_file(&path).unwrap_err();
        assert!(error.kind() == CacheErrorKind::Secret && error.to_string().contains("64 KiB"), "{error}");
        chmod(&path, 0);
        assert_eq!(KeyRing::from_file(&path).unwrap_err().kind(), CacheErrorKind::Denied);
        assert_eq!(KeyRing::from_file(scratch.join("none")).unwrap_err().kind(), CacheErrorKind::Missing);
    });
}

/// Behind the wrapper, every store is what it was.
#[test]
fn every_store_passes_the_suite() {
    let scratch = Scratch::new();
    let turn = std::cell::Cell::new(0);
    let next = || {
        turn.set(turn.get() + 1);
        turn.get().to_string()
    };
    let signed = |store: Box<dyn BytecodeCache>| Authenticated::new(store, ring("ours"));
    let check = |make: &dyn Fn() -> Box<dyn BytecodeCache>| {
        StoreSuite::new(|| signed(make())).run().assert_passed();
    };
    check(&|| Box::new(MemoryBytecodeCache::new(1000, 64 << 20)));
    check(&|| Box::new(Open::default()));
    check(&|| Box::new(FileSystemBytecodeCache::new(Some(&scratch.join(&next())), "%s").unwrap()));
    check(&|| Box::new(SqliteBytecodeCache::new(scratch.join(&next())).unwrap()));
    if let Some(server) = Server::memcached(&[]) {
        check(&|| {
            let builder = MemcachedBytecodeCache::builder(server.url("memcached")).prefix(next());
            Box::new(builder.operation_timeout(PATIENT).unauthenticated().connect().unwrap())
        });
    }
    if let Some(server) = Server::redis(&[]) {
        check(&|| {
            let builder = RedisBytecodeCache::builder(server.url("redis")).prefix(next() + "/");
            Box::new(builder.operation_timeout(PATIENT).unauthenticated().connect().unwrap())
        });
    }
}

/// Opens a cache in three ways: as it comes, with the waiver, with these keys.
fn check_opening(
    unkeyed: Result<impl BytecodeCache, CacheError>,
    waived: Result<impl BytecodeCache, CacheError>,
    signed: &dyn Fn(KeyRing) -> Box<dyn BytecodeCache>,
) {
    let refused = unkeyed.map(drop).unwrap_err();
    assert_eq!(refused.kind(), CacheErrorKind::Secret);
    assert!(refused.to_string().contains("name the keys"), "{refused}");
    let (waived, ours, theirs) = (waived.unwrap(), signed(ring("ours")), signed(ring("theirs")));
    let found = |cache: &dyn BytecodeCache| {
        let mut bucket = Bucket::new("page", "sum");
        cache.lookup(&mut bucket).unwrap();
        bucket.bytecode().is_some()
    };
    waived.set_bucket(&filled("page", b"code")).unwrap();
    assert_eq!((found(&waived), found(&*ours), found(&*theirs)), (true, false, false));
    ours.set_bucket(&filled("page", b"code")).unwrap();
    assert_eq!((found(&waived), found(&*ours), found(&*theirs)), (true, true, false));
}

#[test]
fn a_server_wants_keys_or_a_waiver() {
    if let Some(server) = Server::memcached(&[]) {
        let build = || MemcachedBytecodeCache::builder(server.url("memcached")).operation_timeout(PATIENT);
        let signed = |keys| Box::new(build().connect_signed(keys).unwrap()) as _;
        check_opening(build().read_only(true).connect(), build().unauthenticated().connect(), &signed);
    }
    if let Some(server) = Server::redis(&[]) {
        let build = || RedisBytecodeCache::builder(server.url("redis")).operation_timeout(PATIENT);
        let signed = |keys| Box::new(build().connect_signed(keys).unwrap()) as _;
        check_opening(build().connect(), build().unauthenticated().connect(), &signed);
    }
}
