//! The conformance suite for stores, ours and yours.
//!
//! In: a function that makes an empty store. Out: a table of cases, each passed or failed with a reason. Invariant: the
//! suite uses the public trait only, so a store that passes works in an engine.
//!
//! ```
//! use haiden_cache::MemoryBytecodeCache;
//! use haiden_cache::testkit::store_suite;
//!
//! store_suite(|| MemoryBytecodeCache::new(1000, 64 << 20));
//! ```

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use crate::{Bucket, BytecodeCache, CacheErrorKind, ClearReach, ContentKey};

/// Runs every case; panics with the table if one fails.
pub fn store_suite<S: BytecodeCache>(make: impl Fn() -> S) {
    StoreSuite::new(make).run().assert_passed();
}

/// Changes the stored bytes of a bucket's entry behind the store's back.
pub type Damage<'d, S> = dyn Fn(&S, &Bucket<'_>, &dyn Fn(&mut Vec<u8>)) + 'd;

/// The suite with its hooks.
///
/// ```
/// use std::{collections::BTreeMap, sync::Mutex};
/// use haiden_cache::{Bucket, BytecodeCache, CacheError};
/// use haiden_cache::testkit::StoreSuite;
///
/// #[derive(Default)]
/// struct Map(Mutex<BTreeMap<String, Vec<u8>>>);
///
/// impl BytecodeCache for Map {
///     fn load_bytecode(&self, bucket: &mut Bucket) -> Result<(), CacheError> {
///         if let Some(bytes) = self.0.lock().unwrap().get(bucket.key()) {
///             bucket.bytecode_from_string(bytes);
///         }
///         Ok(())
///     }
///     fn dump_bytecode(&self, bucket: &Bucket) -> Result<(), CacheError> {
///         self.0.lock().unwrap().insert(bucket.key().to_owned(), bucket.bytecode_to_string()?);
///         Ok(())
///     }
/// }
///
/// let report = StoreSuite::new(Map::default)
///     .damage(|map, bucket, change| change(map.0.lock().unwrap().get_mut(bucket.key()).unwrap()))
///     .run();
/// report.assert_passed();
/// println!("{report}");
/// ```
pub struct StoreSuite<'s, S> {
    make: Box<dyn Fn() -> S + 's>,
    damage: Option<Box<Damage<'s, S>>>,
}

impl<'s, S: BytecodeCache> StoreSuite<'s, S> {
    /// The suite for stores that `make` makes. Each has to be empty and share nothing with the others.
    pub fn new(make: impl Fn() -> S + 's) -> Self {
        Self { make: Box::new(make), damage: None }
    }

    /// Also judges what the store does with damaged entries. The hook applies the function it gets to the stored bytes
    /// of the bucket's entry; a store that keeps no frames has none.
    #[must_use]
    pub fn damage(mut self, damage: impl Fn(&S, &Bucket<'_>, &dyn Fn(&mut Vec<u8>)) + 's) -> Self {
        self.damage = Some(Box::new(damage));
        self
    }

    /// Runs every case on a store of its own.
    pub fn run(&self) -> SuiteReport {
        let cases: [(&'static str, fn(&Self, &S) -> Verdict); 11] = [
            ("a missing entry is a miss", Self::missing),
            ("what was written is read", Self::round_trip),
            ("the same key is overwritten", Self::overwrite),
            ("keys do not meet", Self::keys_do_not_meet),
            ("an empty bucket is an error", Self::empty),
            ("2 MiB of bytecode", Self::large),
            ("odd keys", Self::odd_keys),
            ("another source is a miss", Self::other_source),
            ("writers and readers of one key", Self::concurrent),
            ("clear keeps its promise", Self::clear),
            ("entries tell the truth", Self::entries),
        ];
        let mut results: Vec<_> =
            cases.iter().map(|(name, case)| (*name, case(self, &(self.make)()))).collect();
        if let Some(damage) = &self.damage {
            results.push(("damaged entries are misses", Self::damaged(&(self.make)(), damage.as_ref())));
        }
        SuiteReport { results }
    }

    fn missing(&self, store: &S) -> Verdict {
        expect(&load(store, "nothing here", "sum")?, None)
    }

    fn round_trip(&self, store: &S) -> Verdict {
        let all: Vec<u8> = (0..=255).collect();
        for bytecode in [&b"x"[..], b"\0", b"\r\n\r\n", &all] {
            dump(store, "page", "sum", bytecode)?;
            expect(&load(store, "page", "sum")?, Some(bytecode))?;
        }
        Ok(())
    }

    fn overwrite(&self, store: &S) -> Verdict {
        for bytecode in [&b"first, and longer"[..], b"second", b"second"] {
            dump(store, "page", "sum", bytecode)?;
        }
        expect(&load(store, "page", "sum")?, Some(b"second"))
    }

    fn keys_do_not_meet(&self, store: &S) -> Verdict {
        for n in 0..50 {
            dump(store, &format!("page {n}"), "sum", format!("code {n}").as_bytes())?;
        }
        for n in 0..50 {
            expect(&load(store, &format!("page {n}"), "sum")?, Some(format!("code {n}").as_bytes()))?;
        }
        Ok(())
    }

    fn empty(&self, store: &S) -> Verdict {
        for result in
            [store.dump_bytecode(&Bucket::new("page", "sum")), store.set_bucket(&Bucket::new("page", "sum"))]
        {
            match result {
                Err(error) if error.kind() == CacheErrorKind::EmptyBucket => {}
                other => return Err(format!("expected \"can't write empty bucket\", got {other:?}")),
            }
        }
        expect(&load(store, "page", "sum")?, None)
    }

    fn large(&self, store: &S) -> Verdict {
        let bytecode: Vec<u8> = (0..2u32 << 20).map(|n| (n ^ (n >> 8)) as u8).collect();
        dump(store, "page", "sum", &bytecode)?;
        match load(store, "page", "sum")? {
            Some(read) if read == bytecode => Ok(()),
            Some(read) => Err(format!("read {} other bytes", read.len())),
            None => Err("a miss".to_owned()),
        }
    }

    fn odd_keys(&self, store: &S) -> Verdict {
        let long = "k".repeat(5000);
        let keys = [
            "",
            ".",
            "..",
            "/",
            "../../etc/passwd",
            "a b",
            "a\r\nset evil 0 0 1",
            "a\0b",
            "größe",
            "%s",
            "*",
            &long,
        ];
        for key in keys {
            dump(store, key, "sum", key.as_bytes().get(..1).unwrap_or(b"-"))?;
        }
        for key in keys {
            expect(&load(store, key, "sum")?, Some(key.as_bytes().get(..1).unwrap_or(b"-")))?;
        }
        Ok(())
    }

    fn other_source(&self, store: &S) -> Verdict {
        dump(store, "page", "old", b"old code")?;
        expect(&load(store, "page", "new")?, None)?;
        // The same names and source under other options, as an engine asks.
        let of = |options: &'static [u8]| ContentKey::new([("options", options), ("source", b"Hello")]);
        let mut bucket = store.get_bucket("page", None, "Hello", of(b"autoescape off")).map_err(text)?;
        bucket.set_bytecode(&b"unescaped"[..]);
        store.set_bucket(&bucket).map_err(text)?;
        let other = store.get_bucket("page", None, "Hello", of(b"autoescape on")).map_err(text)?;
        expect(&other.bytecode().map(|code| code.to_vec()), None)?;
        let same =
            store.get_bucket("another name", Some("file"), "Hello", of(b"autoescape off")).map_err(text)?;
        match same.bytecode() {
            Some(code) if code[..] != *b"unescaped" => Err("another entry's bytecode".to_owned()),
            _ => Ok(()), // a store may find it again or, if it goes by names, not
        }
    }

    /// Readers see nothing or a whole value of one of the writers, never a mixture.
    fn concurrent(&self, store: &S) -> Verdict {
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

    fn clear(&self, store: &S) -> Verdict {
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
            if cleared.reach != ClearReach::Nothing && left.is_some() {
                return Err(format!("{:?}, and entry {n} is still found", cleared.reach));
            }
        }
        dump(store, "page 3", "sum", b"new")?;
        expect(&load(store, "page 3", "sum")?, Some(b"new"))
    }

    /// Listing is optional; a store that lists, lists everything.
    fn entries(&self, store: &S) -> Verdict {
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
        let told: Vec<_> =
            listed.iter().map(|entry| (entry.checksum.as_str(), &entry.bytecode[..])).collect();
        if told != [("sum 1", &b"code 1"[..]), ("sum 2", b"code 2")] {
            return Err(format!("listed {listed:?}"));
        }
        if listed[0].key == listed[1].key {
            return Err("two entries with one key".to_owned());
        }
        if listed.iter().any(|entry| entry.accessed_at.is_some() && entry.accessed_at < entry.created_at) {
            return Err("an entry was used before it was made".to_owned());
        }
        match store.size() {
            Some(2) | None => Ok(()),
            Some(size) => Err(format!("two entries, but size says {size}")),
        }
    }

    fn damaged(store: &S, damage: &Damage<'_, S>) -> Verdict {
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
            expect(&load(store, "page", "sum")?, None).map_err(|error| format!("{what}: {error}"))?;
            dump(store, "page", "sum", code)?;
            expect(&load(store, "page", "sum")?, Some(code)).map_err(|error| format!("after {what}: {error}"))
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
}

type Verdict = Result<(), String>;

/// What became of each case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteReport {
    results: Vec<(&'static str, Verdict)>,
}

impl SuiteReport {
    /// The cases in the order in which they ran, each passed or failed with a reason.
    pub fn results(&self) -> impl Iterator<Item = (&'static str, Result<(), &str>)> {
        self.results.iter().map(|(name, verdict)| (*name, verdict.as_ref().copied().map_err(String::as_str)))
    }

    /// Whether every case passed.
    pub fn passed(&self) -> bool {
        self.results.iter().all(|(_, verdict)| verdict.is_ok())
    }

    /// Panics with the table, if a case failed.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.passed(), "the store fails its conformance suite:\n{self}");
    }
}

impl fmt::Display for SuiteReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, verdict) in self.results() {
            match verdict {
                Ok(()) => writeln!(f, "  passed  {name}")?,
                Err(why) => writeln!(f, "  FAILED  {name}: {why}")?,
            }
        }
        Ok(())
    }
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

fn expect(found: &Option<Vec<u8>>, expected: Option<&[u8]>) -> Verdict {
    if found.as_deref() == expected {
        return Ok(());
    }
    let show = |bytes: Option<&[u8]>| {
        bytes.map_or("a miss".to_owned(), |bytes| format!("{:.60}", bytes.escape_ascii()))
    };
    Err(format!("expected {}, got {}", show(expected), show(found.as_deref())))
}

fn finish(joined: thread::Result<Verdict>) -> Verdict {
    joined.unwrap_or_else(|_| Err("a thread panicked".to_owned()))
}

fn text(error: crate::CacheError) -> String {
    error.to_string()
}
