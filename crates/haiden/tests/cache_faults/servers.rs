//! Memcached and Redis as they are: killed, paused, restarted, full, small, cleared by others, written by others.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use haiden::cache::testkit::Server;
use haiden::cache::{
    Authenticated, BytecodeCache as _, CacheStatistics, KeyRing, MemcachedBytecodeCache, RedisBytecodeCache,
};

use crate::table::{Cache, DEADLINE, LOOKUPS, PARTS, PATIENT, Table, at, nothing, once, unharmed};

/// What a cache of a server is opened with.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    deadline: Duration,
    prefix: &'static str,
    expire_after: Duration,
    max_entry_bytes: usize,
}

const DEFAULT: Options =
    Options { deadline: PATIENT, prefix: "p/", expire_after: Duration::ZERO, max_entry_bytes: 1_000_000 };

/// A kind of server: how it starts, how its cache is opened, and what it says to promise a value.
pub(crate) struct Kind {
    pub(crate) store: &'static str,
    pub(crate) scheme: &'static str,
    pub(crate) start: fn(&[&str]) -> Option<Server>,
    opened: fn(&str, Options) -> Cache,
    pub(crate) open: fn(&str, deadline: Duration) -> Cache,
    pub(crate) value: fn(question: &str, length: u64, value: &[u8]) -> Vec<u8>,
}

macro_rules! opened {
    ($builder:expr, $options:expr) => {
        Arc::new(
            $builder
                .connect_timeout(PATIENT)
                .operation_timeout($options.deadline)
                .prefix($options.prefix)
                .expire_after($options.expire_after)
                .max_entry_bytes($options.max_entry_bytes)
                .unauthenticated()
                .connect()
                .unwrap(),
        )
    };
}

fn memcached(url: &str, options: Options) -> Cache {
    opened!(MemcachedBytecodeCache::builder(url), options)
}

fn redis(url: &str, options: Options) -> Cache {
    opened!(RedisBytecodeCache::builder(url), options)
}

pub(crate) const KINDS: [Kind; 2] = [
    Kind {
        store: "Memcached",
        scheme: "memcached",
        start: Server::memcached,
        opened: memcached,
        open: |url, deadline| memcached(url, Options { deadline, ..DEFAULT }),
        value: |question, length, value| {
            let key = question.split(' ').nth(1).unwrap_or_default();
            [format!("VA {length} k{key}\r\n").as_bytes(), value, b"\r\n"].concat()
        },
    },
    Kind {
        store: "Redis",
        scheme: "redis",
        start: Server::redis,
        opened: redis,
        open: |url, deadline| redis(url, Options { deadline, ..DEFAULT }),
        value: |_, length, value| [format!("${length}\r\n").as_bytes(), value, b"\r\n"].concat(),
    },
];

pub(crate) fn servers(table: &mut Table, kind: &Kind) {
    let Some(mut server) = (kind.start)(&[]) else {
        return table.not_tested(kind.store, "everything", "it is not installed");
    };
    entries(table, kind, &server);
    deaths(table, kind, &mut server);
    if kind.scheme == "redis" {
        redis_only(table, kind);
    } else {
        memcached_only(table, kind);
    }
}

/// Entries of somebody else, and entries that are gone.
fn entries(table: &mut Table, kind: &Kind, server: &Server) {
    let (store, url) = (kind.store, server.url(kind.scheme));
    let open = || (kind.open)(&url, PATIENT);
    let filled = |figures: &CacheStatistics| figures.hits == LOOKUPS - PARTS && figures.writes == PARTS;
    table.check(store, "none", &open(), nothing, filled);
    for (fault, secret) in [
        ("poisoned (no tag), keyed", "0123456789abcdef0123456789abcdef"),
        ("poisoned (another's key)", "another secret, as long as it has to be"),
    ] {
        let cache: Cache = Arc::new(Authenticated::new(open(), KeyRing::new(secret).unwrap()));
        let told = |figures: &CacheStatistics| figures.rejections.total() == PARTS && filled(figures);
        table.check(store, fault, &cache, nothing, told);
    }
    let (other, cache) = (open(), open());
    table.check(store, "cleared by another", &cache, at(7, || assert!(other.clear().is_ok())), unharmed);
    let brief = Options { prefix: "brief/", expire_after: Duration::from_secs(1), ..DEFAULT };
    let expired = |figures: &CacheStatistics| figures.writes == 2 * PARTS && unharmed(figures);
    // A second of Memcached's may last two.
    let wait = at(7, || sleep(Duration::from_millis(2100)));
    table.check(store, "expired", &(kind.opened)(&url, brief), wait, expired);
    let months = Options { prefix: "months/", expire_after: Duration::from_hours(24 * 31), ..DEFAULT };
    table.check(store, "expires in 31 days", &(kind.opened)(&url, months), nothing, filled);
    let small = Options { prefix: "small/", max_entry_bytes: 10, ..DEFAULT };
    let refused = |figures: &CacheStatistics| figures.dump_failures == LOOKUPS && figures.writes == 0;
    table.check(store, "entries too large for us", &(kind.opened)(&url, small), nothing, refused);
}

fn deaths(table: &mut Table, kind: &Kind, server: &mut Server) {
    let (store, url) = (kind.store, server.url(kind.scheme));
    let open = || (kind.open)(&url, PATIENT);
    open().clear().unwrap();
    let anew = |figures: &CacheStatistics| figures.load_failures == 0 && figures.writes == 2 * PARTS;
    table.check(store, "restarted", &open(), at(7, || server.restart()), anew);
    let hasty = (kind.open)(&url, DEADLINE);
    table.check(store, "paused (SIGSTOP)", &hasty, at(7, || server.pause()), |figures| {
        figures.load_failures > 0
    });
    server.resume();
    let failed = |figures: &CacheStatistics| figures.load_failures > 0 && figures.hits > 0;
    table.check(store, "killed (kill -9)", &open(), at(7, || server.kill()), failed);
    table.check(store, "never there", &open(), nothing, |figures| figures.load_failures == LOOKUPS);
}

/// A line of conversation, as another program on the same server would have it.
fn say(server: &Server, question: &str) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(question.as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    assert_eq!(answer, "+OK\r\n", "{question}");
}

fn redis_only(table: &mut Table, kind: &Kind) {
    let unwritten = |figures: &CacheStatistics| figures.dump_failures > 0 && figures.writes == 0;
    for (fault, options) in
        [("full (maxmemory)", ["--maxmemory", "1"]), ("a replica, read-only", ["--replicaof", "127.0.0.1 1"])]
    {
        if let Some(server) = (kind.start)(&options) {
            table.check(kind.store, fault, &(kind.open)(&server.url("redis"), PATIENT), nothing, unwritten);
        }
    }
    let Some(server) = (kind.start)(&[]) else { return };
    let cache = (kind.open)(&server.url("redis"), PATIENT);
    // Each goes to the place before its own.
    let swap = || {
        let mut free = "p/x".to_owned();
        for entry in cache.entries().unwrap().collect::<Vec<_>>() {
            let place = format!("p/{}", entry.unwrap().key);
            say(&server, &format!("RENAME {place} {free}\r\n"));
            free = place;
        }
        say(&server, &format!("RENAME p/x {free}\r\n"));
    };
    table.check(kind.store, "entries swapped", &cache, at(7, swap), once);
}

fn memcached_only(table: &mut Table, kind: &Kind) {
    let limits = ["--max-item-size=1k", "--extended=slab_chunk_max=512"];
    let Some(server) = (kind.start)(&limits) else { return };
    let cache = (kind.open)(&server.url("memcached"), PATIENT);
    // Each worker writes what is too large anew, but for the pauses after it: what the server keeps is a hit.
    let told = |figures: &CacheStatistics| figures.dump_failures > 0 && figures.hits > 0 && unharmed(figures);
    table.check(kind.store, "entries too large for it", &cache, nothing, told);
}
