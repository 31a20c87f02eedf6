//! The public conformance suite, run on our stores and on one as a user would write it.

#![cfg(unix)]

#[expect(dead_code, reason = "each test binary uses its part")]
mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::Scratch;
use haiden_cache::testkit::{Server, StoreSuite, SuiteReport, SuiteTable, store_suite};
use haiden_cache::{
    BestEffort, Bucket, BytecodeCache, CacheEntry, CacheError, Cleared, Counted, Counters, Entries, Failures,
    FileSystemBytecodeCache, Frame, MemcachedBytecodeCache, MemoryBytecodeCache, RedisBytecodeCache,
    SqliteBytecodeCache, Tier, TieredBytecodeCache,
};

fn memory() -> SuiteReport {
    StoreSuite::new(|| MemoryBytecodeCache::new(1000, 64 << 20)).run()
}

#[test]
fn behind_pointers() {
    store_suite(|| -> Arc<dyn BytecodeCache> { Arc::new(MemoryBytecodeCache::new(1000, 64 << 20)) });
    store_suite(|| -> Box<dyn BytecodeCache> { Box::new(MemoryBytecodeCache::new(1000, 64 << 20)) });
}

fn file_system() -> SuiteReport {
    let scratch = Scratch::new();
    let turn = std::cell::Cell::new(0);
    let make = || {
        turn.set(turn.get() + 1);
        let directory = scratch.join(&turn.get().to_string());
        FileSystemBytecodeCache::new(Some(&directory), "%s.cache").unwrap()
    };
    let damage = |store: &FileSystemBytecodeCache, bucket: &Bucket<'_>, change: &dyn Fn(&mut Vec<u8>)| {
        let path = store.path_of(bucket);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    };
    StoreSuite::new(make).damage(damage).run()
}

fn sqlite() -> SuiteReport {
    let scratch = Scratch::new();
    let turn = std::cell::Cell::new(0);
    let make = || {
        turn.set(turn.get() + 1);
        SqliteBytecodeCache::new(scratch.join(&format!("{}.sqlite", turn.get()))).unwrap()
    };
    let damage = |store: &SqliteBytecodeCache, bucket: &Bucket<'_>, change: &dyn Fn(&mut Vec<u8>)| {
        let connection = rusqlite::Connection::open(store.path()).unwrap();
        let key = &bucket.content_key().as_bytes()[..];
        let select = "SELECT frame FROM entries WHERE content_key = ?1";
        let mut frame: Vec<u8> = connection.query_row(select, [key], |row| row.get(0)).unwrap();
        change(&mut frame);
        let update = "UPDATE entries SET frame = ?1 WHERE content_key = ?2";
        assert_eq!(connection.execute(update, (frame, key)).unwrap(), 1);
    };
    StoreSuite::new(make).damage(damage).run()
}

/// Prefixes of their own, so that stores on one server share nothing.
fn prefixes() -> impl Fn() -> String {
    let turn = std::cell::Cell::new(0);
    move || {
        turn.set(turn.get() + 1);
        format!("suite/{}/", turn.get())
    }
}

/// What a client of any kind would say and hear, in one go.
fn say(address: std::net::SocketAddr, question: &[u8], end: &[u8]) -> Vec<u8> {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(question).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(end) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    answer
}

fn memcached() -> Option<SuiteReport> {
    let server = Server::memcached(&[])?;
    let next = prefixes();
    let make = || {
        let builder = MemcachedBytecodeCache::builder(server.url("memcached")).prefix(next());
        builder.operation_timeout(Duration::from_secs(20)).unauthenticated().connect().unwrap()
    };
    let damage = |store: &MemcachedBytecodeCache, bucket: &Bucket<'_>, change: &dyn Fn(&mut Vec<u8>)| {
        let key = store.item_key(bucket).unwrap();
        let answer = say(server.address(), format!("get {key}\r\n").as_bytes(), b"END\r\n");
        let head = answer.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        let mut item = answer[head..answer.len() - b"\r\nEND\r\n".len()].to_vec();
        change(&mut item);
        let command = format!("set {key} 0 0 {}\r\n", item.len());
        say(server.address(), &[command.as_bytes(), &item, b"\r\n"].concat(), b"STORED\r\n");
    };
    Some(StoreSuite::new(make).damage(damage).run())
}

fn redis() -> Option<SuiteReport> {
    let server = Server::redis(&[])?;
    let next = prefixes();
    let make = || {
        let builder = RedisBytecodeCache::builder(server.url("redis")).prefix(next());
        builder.operation_timeout(Duration::from_secs(20)).unauthenticated().connect().unwrap()
    };
    let damage = |store: &RedisBytecodeCache, bucket: &Bucket<'_>, change: &dyn Fn(&mut Vec<u8>)| {
        let key = store.key_of(bucket);
        // An inline command after it gives the end something to be recognized by.
        let question = format!("GET {key}\r\nECHO the-end\r\n");
        let answer = say(server.address(), question.as_bytes(), b"$7\r\nthe-end\r\n");
        let head = answer.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        let mut value = answer[head..answer.len() - b"\r\n$7\r\nthe-end\r\n".len()].to_vec();
        change(&mut value);
        let command = format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${}\r\n", key.len(), value.len());
        say(server.address(), &[command.as_bytes(), &value, b"\r\n"].concat(), b"+OK\r\n");
    };
    Some(StoreSuite::new(make).damage(damage).run())
}

#[test]
fn tiers_and_wrappers() {
    let memory = || MemoryBytecodeCache::new(1000, 64 << 20);
    store_suite(|| TieredBytecodeCache::new([Tier::new("one", memory()), Tier::new("two", memory())]));
    let scratch = Scratch::new();
    let turn = std::cell::Cell::new(0);
    store_suite(|| {
        turn.set(turn.get() + 1);
        let directory = scratch.join(&turn.get().to_string());
        let disk = FileSystemBytecodeCache::new(Some(&directory), "%s.cache").unwrap();
        TieredBytecodeCache::new([
            Tier::new("small", MemoryBytecodeCache::new(2, 64 << 20)),
            Tier::new("disk", disk),
        ])
    });
    store_suite(|| Counted::new(Dictionary::default()));
    store_suite(|| BestEffort::new(memory(), Failures::Raise));
}

/// A store as Jinja2's documentation shows them: under `bucket.key`, with nothing but the two methods and `clear`.
#[derive(Default)]
struct Dictionary(Mutex<BTreeMap<String, Vec<u8>>>);

impl BytecodeCache for Dictionary {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        if let Some(bytes) = self.0.lock().unwrap().get(bucket.key()) {
            bucket.bytecode_from_string(bytes);
        }
        Ok(())
    }

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        self.0.lock().unwrap().insert(bucket.key().to_owned(), bucket.bytecode_to_string()?);
        Ok(())
    }

    fn clear(&self) -> Result<Cleared, CacheError> {
        let removed = std::mem::take(&mut *self.0.lock().unwrap()).len();
        Ok(Cleared::deleted(Some(removed as u64), 0))
    }
}

fn a_users_own() -> SuiteReport {
    let damage = |store: &Dictionary, bucket: &Bucket<'_>, change: &dyn Fn(&mut Vec<u8>)| {
        change(store.0.lock().unwrap().get_mut(bucket.key()).unwrap());
    };
    StoreSuite::new(Dictionary::default).damage(damage).run()
}

/// Every store, every case; the table goes to standard output.
#[test]
fn every_store_passes_every_case() {
    type Run = fn() -> Option<SuiteReport>;
    let stores: [(&str, Run); 6] = [
        ("memory", || Some(memory())),
        ("file system", || Some(file_system())),
        ("SQLite", || Some(sqlite())),
        ("Memcached", memcached),
        ("Redis", redis),
        ("a user's own", || Some(a_users_own())),
    ];
    let mut table = SuiteTable::default();
    std::thread::scope(|scope| {
        let running = stores.map(|(store, run)| (store, scope.spawn(run)));
        for (store, run) in running {
            let report = run.join().expect("the suite catches what stores do");
            if let Some(report) = &report {
                let hook = usize::from(store != "memory"); // which keeps no frames to damage
                assert_eq!(report.results().count(), 13 + hook, "{store}");
            }
            table.add(store, report);
        }
    });
    // Past the test harness, which shows the output of failures only.
    write!(std::io::stdout(), "\n{table}").unwrap();
    table.assert_passed();
}

/// A suite that cannot fail proves nothing.
#[test]
fn bad_stores_fail() {
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Sin {
        Forgets,
        IgnoresTheFrame,
        ClearsNothing,
        ClearsSecretly,
        Swallows,
        Panics,
        CutsKeys,
        LosesTheLast,
        FailsAtMany,
        CountsTwice,
        SaysItIsReadOnly,
        ExceedsItsBound,
    }
    use Sin::*;
    struct Bad(Sin, Dictionary, Counters);
    impl BytecodeCache for Bad {
        fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
            match self.0 {
                Forgets => return Ok(()),
                IgnoresTheFrame => {
                    if let Some(bytes) = self.1.0.lock().unwrap().get(bucket.key()) {
                        bucket.set_bytecode(&bytes[..]);
                    }
                }
                CutsKeys => {
                    let key: String = bucket.key().chars().take(250).collect();
                    if let Some(bytes) = self.1.0.lock().unwrap().get(&key) {
                        bucket.bytecode_from_string(bytes);
                    }
                }
                _ => self.1.load_bytecode(bucket)?,
            }
            if self.0 == CountsTwice {
                self.2.looked_up(bucket);
            }
            Ok(())
        }
        fn load_many(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
            let lost = usize::from(self.0 == LosesTheLast).min(buckets.len());
            let asked = buckets.len() - lost;
            buckets[..asked].iter_mut().try_for_each(|bucket| self.load_bytecode(bucket))?;
            if self.0 == FailsAtMany && asked > 100 { Err(CacheError::other("too many")) } else { Ok(()) }
        }
        fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
            match self.0 {
                Swallows => {
                    let _ = self.1.dump_bytecode(bucket);
                    Ok(())
                }
                CutsKeys => {
                    let key = bucket.key().chars().take(250).collect();
                    self.1.0.lock().unwrap().insert(key, bucket.bytecode_to_string()?);
                    Ok(())
                }
                _ => self.1.dump_bytecode(bucket),
            }
        }
        fn clear(&self) -> Result<Cleared, CacheError> {
            match self.0 {
                ClearsNothing => Ok(Cleared::deleted(None, 0)),
                ClearsSecretly => self.1.clear().map(|_| Cleared::default()),
                Panics => panic!("not written yet"),
                _ => self.1.clear(),
            }
        }
        fn counters(&self) -> Option<&Counters> {
            Some(&self.2)
        }
        fn is_read_only(&self) -> bool {
            self.0 == SaysItIsReadOnly
        }
        fn max_size(&self) -> Option<u64> {
            (self.0 == ExceedsItsBound).then_some(1)
        }
        fn entries(&self) -> Result<Entries<'_>, CacheError> {
            let entry = |bytes: &Vec<u8>| Ok(CacheEntry::from_frame(&Frame::parse(bytes, 1 << 30).unwrap()));
            let entries: Vec<_> = self.1.0.lock().unwrap().values().map(entry).collect();
            Ok(Box::new(entries.into_iter()))
        }
    }
    for (sin, case) in [
        (Forgets, "what was written is read"),
        (IgnoresTheFrame, "another source is a miss"),
        (ClearsNothing, "clear keeps its promise"),
        (ClearsSecretly, "clear keeps its promise"),
        (Swallows, "an empty bucket is an error"),
        (Panics, "clear keeps its promise"),
        (CutsKeys, "odd keys"),
        (LosesTheLast, "500 buckets at once"),
        (FailsAtMany, "500 buckets at once"),
        (CountsTwice, "each call is counted once"),
        (SaysItIsReadOnly, "each call is counted once"),
        (ExceedsItsBound, "entries tell the truth"),
    ] {
        let report = StoreSuite::new(|| Bad(sin, Dictionary::default(), Counters::new())).run();
        let failed: Vec<_> =
            report.results().filter(|(_, verdict)| verdict.is_err()).map(|(name, _)| name).collect();
        assert!(failed.contains(&case), "{sin:?}: {report}");
    }
}

/// A bound that is smaller than the suite's largest entry is no fault.
#[test]
fn a_small_store_passes() {
    store_suite(|| MemoryBytecodeCache::new(1000, 1 << 20));
}
