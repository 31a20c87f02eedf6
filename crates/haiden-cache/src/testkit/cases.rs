//! The cases of the conformance suite, one function each: in, an empty store; out, a verdict.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use super::{Damage, Verdict};
use crate::{Bucket, BytecodeCache, CacheError, CacheErrorKind, ClearReach, ContentKey};

pub(super) fn missing<S: BytecodeCache>(store: &S) -> Verdict {
    expect(load(store, "nothing here", "sum")?.as_deref(), None)
}

pub(super) fn round_trip<S: BytecodeCache>(store: &S) -> Verdict {
    let all: Vec<u8> = (0..=255).collect();
    for bytecode in [&b"x"[..], b"\0", b"\r\n\r\n", &all] {
        dump(store, "page", "sum", bytecode)?;
        expect(load(store, "page", "sum")?.as_deref(), Some(bytecode))?;
    }
    Ok(())
}

pub(super) fn overwrite<S: BytecodeCache>(store: &S) -> Verdict {
    for bytecode in [&b"first, and longer"[..], b"second", b"second"] {
        dump(store, "page", "sum", bytecode)?;
    }
    expect(load(store, "page", "sum")?.as_deref(), Some(b"second"))
}

pub(super) fn keys_do_not_meet<S: BytecodeCache>(store: &S) -> Verdict {
    for n in 0..50 {
        dump(store, &format!("page {n}"), "sum", format!("code {n}").as_bytes())?;
    }
    for n in 0..50 {
        expect(load(store, &format!("page {n}"), "sum")?.as_deref(), Some(format!("code {n}").as_bytes()))?;
    }
    Ok(())
}

/// More than one round trip's worth, with gaps, in another order than they were written.
pub(super) fn many<S: BytecodeCache>(store: &S) -> Verdict {
    const COUNT: usize = 500;
    // The first that is asked for is there, and so is the last.
    let code = |n: usize| (n % 3 != 2).then(|| format!("code {n} {}", "x".repeat(n)).into_bytes());
    for n in 0..COUNT {
        if let Some(code) = code(n) {
            dump(store, &format!("page {n}"), "sum", &code)?;
        }
    }
    store.load_many(&mut []).map_err(|error| format!("reading nothing: {error}"))?;
    let mut buckets: Vec<_> =
        (0..COUNT).rev().map(|n| (n, Bucket::new(format!("page {n}"), "sum"))).collect();
    buckets[7].1.set_bytecode(&b"left over"[..]);
    let mut asked: Vec<_> = buckets.iter_mut().map(|(_, bucket)| bucket).collect();
    store.lookup_many(&mut asked).map_err(|error| format!("reading {COUNT} at once: {error}"))?;
    for (n, bucket) in &buckets {
        let found = bucket.bytecode().map(|bytecode| &bytecode[..]);
        expect(found, code(*n).as_deref()).map_err(|error| format!("number {n} of {COUNT}: {error}"))?;
    }
    // Past the policy, which may be to ignore failures.
    let mut asked: Vec<_> = buckets.iter_mut().map(|(_, bucket)| bucket).collect();
    for bucket in &mut asked {
        bucket.reset();
    }
    store.load_many(&mut asked).map_err(|error| format!("reading {COUNT} at once: {error}"))
}

pub(super) fn empty<S: BytecodeCache>(store: &S) -> Verdict {
    for result in
        [store.dump_bytecode(&Bucket::new("page", "sum")), store.set_bucket(&Bucket::new("page", "sum"))]
    {
        match result {
            Err(error) if error.kind() == CacheErrorKind::EmptyBucket => {}
            other => return Err(format!("expected \"can't write empty bucket\", got {other:?}")),
        }
    }
    expect(load(store, "page", "sum")?.as_deref(), None)
}

/// A store may refuse what is too large for it, but says so; what it had under that key may be gone then.
pub(super) fn large<S: BytecodeCache>(store: &S) -> Verdict {
    let bytecode: Vec<u8> = (0..2u32 << 20).map(|n| (n ^ (n >> 8)) as u8).collect();
    let mut stored = b"small".to_vec();
    dump(store, "page", "sum", &stored)?;
    for length in [200_000, 900_000, 2 << 20] {
        let mut bucket = Bucket::new("page", "sum");
        bucket.set_bytecode(&bytecode[..length]);
        let refused = match store.dump_bytecode(&bucket) {
            Ok(()) => false,
            Err(error) if error.kind() == CacheErrorKind::TooLarge && length > 900_000 => true,
            Err(error) => return Err(format!("writing {length} bytes: {error}")),
        };
        if !refused {
            stored = bytecode[..length].to_vec();
        }
        match load(store, "page", "sum")? {
            Some(read) if read == stored => {}
            Some(read) => return Err(format!("read {} other bytes", read.len())),
            None if refused => {}
            None => return Err("a miss".to_owned()),
        }
    }
    Ok(())
}

pub(super) fn odd_keys<S: BytecodeCache>(store: &S) -> Verdict {
    let long = "k".repeat(5000);
    let longer = "k".repeat(5001);
    let keys = [
        "",
        ".",
        "..",
        "/",
        "../../etc/passwd",
        "a b",
        "A b",
        "a\r\nset evil 0 0 1",
        "a\0b",
        "größe",
        "%s",
        "*",
        &long,
        &longer,
    ];
    for key in keys {
        dump(store, key, "sum", key.as_bytes().get(..1).unwrap_or(b"-"))?;
    }
    for key in keys {
        let found = load(store, key, "sum")?;
        expect(found.as_deref(), Some(key.as_bytes().get(..1).unwrap_or(b"-")))
            .map_err(|error| format!("the key {key:.20?} of {} bytes: {error}", key.len()))?;
    }
    Ok(())
}

pub(super) fn other_source<S: BytecodeCache>(store: &S) -> Verdict {
    dump(store, "page", "old", b"old code")?;
    expect(load(store, "page", "new")?.as_deref(), None)?;
    // The same names and source under other options, as an engine asks.
    let of = |options: &'static [u8]| ContentKey::new([("options", options), ("source", b"Hello")]);
    let mut bucket = store.get_bucket("page", None, "Hello", of(b"autoescape off")).map_err(text)?;
    bucket.set_bytecode(&b"unescaped"[..]);
    store.set_bucket(&bucket).map_err(text)?;
    let other = store.get_bucket("page", None, "Hello", of(b"autoescape on")).map_err(text)?;
    expect(other.bytecode().map(|code| &code[..]), None)?;
    let same =
        store.get_bucket("another name", Some("file"), "Hello", of(b"autoescape off")).map_err(text)?;
    match same.bytecode() {
        Some(code) if code[..] != *b"unescaped" => Err("another entry's bytecode".to_owned()),
        _ => Ok(()), // a store may find it again or, if it goes by names, not
    }
}

/// Readers see nothing or a whole value of one of the writers, never a mixture.
pub(super) fn concurrent<S: BytecodeCache>(store: &S) -> Verdict {
    const ROUNDS: usize = 60;
    let value = |writer: u8| vec![writer; 3000 + usize::from(writer) * 1000];
    let writing = AtomicBool::new(true);
    let (value, writing) = (&value, &writing);
    let write = |writer: u8| (0..ROUNDS).try_for_each(|_| dump(store, "page", "sum", &value(writer)));
    let read = || {
        while writing.load(SeqCst) {
            if let Some(found) = load(store, "page", "sum")?
                && found != value(found.first().copied().unwrap_or(0))
            {
                return Err(format!("a mixture of {} bytes", found.len()));
            }
        }
        Ok(())
    };
    let verdicts: Vec<Verdict> = thread::scope(|scope| {
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(read)).collect();
        let writers: Vec<_> = (1..=3).map(|writer| scope.spawn(move || write(writer))).collect();
        let mut verdicts: Vec<_> = writers.into_iter().map(|writer| finish(writer.join())).collect();
        writing.store(false, SeqCst);
        verdicts.extend(readers.into_iter().map(|reader| finish(reader.join())));
        verdicts
    });
    verdicts.into_iter().collect::<Verdict>()?;
    match load(store, "page", "sum")? {
        Some(_) => Ok(()),
        None => Err("a miss after all writers were done".to_owned()),
    }
}

pub(super) fn clear<S: BytecodeCache>(store: &S) -> Verdict {
    store.clear().map_err(|error| format!("clearing an empty store: {error}"))?;
    for n in 0..10 {
        dump(store, &format!("page {n}"), "sum", b"code")?;
    }
    let cleared = store.clear().map_err(text)?;
    if cleared.failed > 0 {
        return Err(format!("{} entries could not be deleted", cleared.failed));
    }
    if cleared.removed.is_some_and(|removed| removed != 10) {
        return Err(format!("10 entries, but {:?} removed", cleared.removed));
    }
    for n in 0..10 {
        let left = load(store, &format!("page {n}"), "sum")?;
        match (cleared.reach, left) {
            (ClearReach::Nothing, None) => {
                return Err(format!("{:?}, and entry {n} is not found any more", cleared.reach));
            }
            (ClearReach::Invalidates | ClearReach::Deletes, Some(_)) => {
                return Err(format!("{:?}, and entry {n} is still found", cleared.reach));
            }
            _ => {}
        }
    }
    dump(store, "page 3", "sum", b"new")?;
    expect(load(store, "page 3", "sum")?.as_deref(), Some(b"new"))
}

/// Listing is optional; a store that lists, lists everything.
pub(super) fn entries<S: BytecodeCache>(store: &S) -> Verdict {
    match store.entries() {
        Err(error) if error.kind() == CacheErrorKind::Unsupported => return Ok(()),
        Err(error) => return Err(format!("an empty store: {error}")),
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err("an entry in an empty store".to_owned());
            }
        }
    }
    dump(store, "one", "sum 1", b"code 1")?;
    dump(store, "two", "sum 2", b"code 2")?;
    let entries: Result<Vec<_>, _> = store.entries().map_err(text)?.collect();
    let mut listed: Vec<_> = entries.map_err(text)?;
    listed.sort_by(|a, b| a.bytecode.cmp(&b.bytecode));
    let told: Vec<_> = listed.iter().map(|entry| (entry.checksum.as_str(), &entry.bytecode[..])).collect();
    if told != [("sum 1", &b"code 1"[..]), ("sum 2", b"code 2")] {
        return Err(format!("listed {listed:?}"));
    }
    if listed[0].key == listed[1].key {
        return Err("two entries with one key".to_owned());
    }
    if listed.iter().any(|entry| entry.accessed_at.is_some() && entry.accessed_at < entry.created_at) {
        return Err("an entry was used before it was made".to_owned());
    }
    if let Some(most) = store.max_size().filter(|&most| most < 2) {
        return Err(format!("two entries, but max_size says {most}"));
    }
    match store.size() {
        Some(2) | None => Ok(()),
        Some(size) => Err(format!("two entries, but size says {size}")),
    }
}

/// Counting is optional; a store that counts leaves it to the methods that engines call.
pub(super) fn counted<S: BytecodeCache>(store: &S) -> Verdict {
    let mut written = Bucket::new("page", "sum");
    written.set_bytecode(&b"code"[..]);
    store.set_bucket(&written).map_err(text)?;
    for (key, expected) in [("page", Some(&b"code"[..])), ("another", None)] {
        let mut bucket = Bucket::new(key, "sum");
        store.lookup(&mut bucket).map_err(text)?;
        expect(bucket.bytecode().map(|code| &code[..]), expected)?;
    }
    if store.counters().is_none() {
        return Ok(());
    }
    let figures = store.statistics();
    match (figures.writes, figures.hits, figures.misses) {
        (1, 1, 1) => Ok(()),
        counted => Err(format!("one write, one hit, one miss, but counted are {counted:?}")),
    }
}

pub(super) fn damaged<S: BytecodeCache>(store: &S, damage: &Damage<'_, S>) -> Verdict {
    let code = b"some bytecode";
    dump(store, "page", "sum", code)?;
    let bucket = Bucket::new("page", "sum");
    let length = {
        let seen = std::cell::Cell::new(0);
        damage(store, &bucket, &|bytes| seen.set(bytes.len()));
        seen.get()
    };
    let check = |what: String, change: &dyn Fn(&mut Vec<u8>)| {
        damage(store, &bucket, change);
        expect(load(store, "page", "sum")?.as_deref(), None).map_err(|error| format!("{what}: {error}"))?;
        dump(store, "page", "sum", code)?;
        expect(load(store, "page", "sum")?.as_deref(), Some(code))
            .map_err(|error| format!("after {what}: {error}"))
    };
    for at in 0..length {
        check(format!("cut off at {at}"), &|bytes| bytes.truncate(at))?;
        check(format!("byte {at} flipped"), &|bytes| bytes[at] ^= 0xFF)?;
    }
    check("a byte appended".to_owned(), &|bytes| bytes.push(0))?;
    check("garbage".to_owned(), &|bytes| *bytes = b"<html>404</html>".to_vec())?;
    let mut other = Bucket::new("other", "sum");
    other.set_bytecode(&b"other code"[..]);
    let other = other.bytecode_to_string().map_err(text)?;
    check("another key's entry".to_owned(), &|bytes| bytes.clone_from(&other))
}

fn dump<S: BytecodeCache>(store: &S, key: &str, checksum: &str, bytecode: &[u8]) -> Verdict {
    let mut bucket = Bucket::new(key, checksum);
    bucket.set_bytecode(bytecode);
    store.dump_bytecode(&bucket).map_err(|error| format!("writing {key:.40?}: {error}"))
}

fn load<S: BytecodeCache>(store: &S, key: &str, checksum: &str) -> Result<Option<Vec<u8>>, String> {
    let mut bucket = Bucket::new(key, checksum);
    store.load_bytecode(&mut bucket).map_err(|error| format!("reading {key:.40?}: {error}"))?;
    Ok(bucket.bytecode().map(|bytecode| bytecode.to_vec()))
}

fn expect(found: Option<&[u8]>, expected: Option<&[u8]>) -> Verdict {
    if found == expected {
        return Ok(());
    }
    let show = |bytes: Option<&[u8]>| {
        bytes.map_or("a miss".to_owned(), |bytes| format!("{:.60}", bytes.escape_ascii()))
    };
    Err(format!("expected {}, got {}", show(expected), show(found)))
}

fn finish(joined: thread::Result<Verdict>) -> Verdict {
    joined.unwrap_or_else(|_| Err("a thread panicked".to_owned()))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape `map_err` wants")]
fn text(error: CacheError) -> String {
    error.to_string()
}
