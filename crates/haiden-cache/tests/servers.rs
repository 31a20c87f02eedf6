//! Memcached and Redis as they are: killed, restarted, paused, full, small, shared with others, across a fork.

#![cfg(unix)]

mod asking;
#[expect(dead_code, reason = "each test binary uses its part")]
mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use asking::load;
use common::{Scratch, again, assert_success, filled, role};
use haiden_cache::testkit::Server;
use haiden_cache::{
    Bucket, BytecodeCache, CacheErrorKind, ClearReach, MemcachedBytecodeCache, RedisBytecodeCache,
};

type Cache = Box<dyn BytecodeCache>;

/// Longer than any machine is busy, for everything that is to succeed.
const PATIENT: Duration = Duration::from_secs(20);

/// A kind of server, and how its store is opened.
#[derive(Clone, Copy)]
struct Kind {
    start: fn(&[&str]) -> Option<Server>,
    open: fn(&Server, limit: Duration, pause: Duration) -> Cache,
}

const MEMCACHED: Kind = Kind {
    start: Server::memcached,
    open: |server, limit, pause| {
        let builder = MemcachedBytecodeCache::builder(server.url("memcached"));
        Box::new(
            builder
                .operation_timeout(limit)
                .connect_timeout(PATIENT)
                .retry_after(pause)
                .unauthenticated()
                .connect()
                .unwrap(),
        )
    },
};

const REDIS: Kind = Kind {
    start: Server::redis,
    open: |server, limit, pause| {
        let builder = RedisBytecodeCache::builder(server.url("redis"));
        Box::new(
            builder
                .operation_timeout(limit)
                .connect_timeout(PATIENT)
                .retry_after(pause)
                .unauthenticated()
                .connect()
                .unwrap(),
        )
    },
};

const SOON: Duration = Duration::from_millis(20);
const LATE: Duration = Duration::from_hours(1);

fn fill(cache: &Cache) {
    for n in 0..10 {
        cache.dump_bytecode(&filled(&format!("page {n}"), format!("code {n}").as_bytes())).unwrap();
    }
}

/// Every key has its own value, or none.
fn assert_no_mix_up(cache: &Cache) {
    for n in (0..10).chain(0..10) {
        if let Ok(Some(code)) = load(cache, &format!("page {n}")) {
            assert_eq!(code, format!("code {n}").into_bytes());
        }
    }
}

/// Until a lookup succeeds again, as it has to.
fn assert_recovers(cache: &Cache) {
    while load(cache, "page 0").is_err() {
        sleep(SOON);
    }
    fill(cache);
    for n in 0..10 {
        assert_eq!(load(cache, &format!("page {n}")).unwrap(), Some(format!("code {n}").into_bytes()));
    }
}

#[test]
fn a_killed_server_is_left_alone_and_found_again() {
    for kind in [MEMCACHED, REDIS] {
        let Some(mut server) = (kind.start)(&[]) else { continue };
        let cache = (kind.open)(&server, PATIENT, LATE);
        let eager = (kind.open)(&server, PATIENT, SOON);
        fill(&cache);
        fill(&eager);
        server.kill();
        for _ in 0..20 {
            cache.lookup(&mut Bucket::new("page 1", "sum")).unwrap();
            cache.set_bucket(&filled("page 1", b"code 1")).unwrap();
        }
        let figures = cache.statistics();
        assert_eq!((figures.misses, figures.load_failures, figures.dump_failures), (20, 20, 20));
        let error = load(&cache, "page 1").unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Unavailable);
        assert!(error.to_string().contains("not asked for a while"), "{error}");
        server.restart();
        assert!(load(&cache, "page 1").is_err(), "still left alone");
        assert_recovers(&eager);
    }
}

#[test]
fn a_restart_between_two_lookups_is_not_noticed() {
    for kind in [MEMCACHED, REDIS] {
        let Some(mut server) = (kind.start)(&[]) else { continue };
        let cache = (kind.open)(&server, PATIENT, LATE);
        fill(&cache);
        server.restart();
        cache.lookup(&mut Bucket::new("page 1", "sum")).unwrap();
        let figures = cache.statistics();
        assert_eq!((figures.misses, figures.load_failures), (1, 0), "its connection was replaced");
        assert_recovers(&cache);
    }
}

#[test]
fn a_paused_server_costs_one_deadline() {
    for kind in [MEMCACHED, REDIS] {
        let Some(server) = (kind.start)(&[]) else { continue };
        let cache = (kind.open)(&server, PATIENT, SOON);
        fill(&cache);
        let hasty = (kind.open)(&server, Duration::from_millis(30), LATE);
        server.pause();
        let error = load(&hasty, "page 1").unwrap_err();
        assert!(error.to_string().contains("no answer within 30ms"), "{error}");
        let error = load(&hasty, "page 1").unwrap_err();
        assert!(error.to_string().contains("not asked"), "the second did not wait: {error}");
        server.resume();
        assert_no_mix_up(&cache);
        assert_recovers(&cache);
    }
}

/// What the server answers late must not become the answer to the next question.
#[test]
fn a_late_answer_meets_no_other_question() {
    for kind in [MEMCACHED, REDIS] {
        let Some(server) = (kind.start)(&[]) else { continue };
        fill(&(kind.open)(&server, PATIENT, SOON));
        let hasty = (kind.open)(&server, Duration::from_millis(10), Duration::from_millis(1));
        for n in 0..10 {
            server.pause();
            let _ = load(&hasty, &format!("page {n}"));
            server.resume();
            assert_no_mix_up(&hasty);
        }
    }
}

#[test]
fn threads_share_a_cache() {
    for kind in [MEMCACHED, REDIS] {
        let Some(server) = (kind.start)(&[]) else { continue };
        let cache = (kind.open)(&server, PATIENT, SOON);
        std::thread::scope(|scope| {
            for thread in 0..12 {
                let cache = &cache;
                scope.spawn(move || {
                    for turn in 0..40 {
                        let (key, code) = (format!("page {}", turn % 7), vec![(turn % 7) as u8; 3000]);
                        if let Some(found) = load(cache, &key).unwrap() {
                            assert_eq!(found, code, "thread {thread}");
                        }
                        cache.dump_bytecode(&filled(&key, &code)).unwrap();
                    }
                });
            }
        });
    }
}

/// The parent connects; four children and the parent go on at once. Every one of them gets its own answers.
#[test]
fn a_fork_after_connecting() {
    const TEST: &str = "a_fork_after_connecting";
    if role().is_none() {
        // In a process of its own, with no other test's thread in it.
        let this = std::env::current_exe().unwrap();
        assert_success(&again(&["env"], &this, TEST, "forks").output().unwrap());
        return;
    }
    let scratch = Scratch::new();
    let servers: Vec<_> =
        [MEMCACHED, REDIS].into_iter().filter_map(|kind| Some((kind, (kind.start)(&[])?))).collect();
    let mut caches: Vec<_> =
        servers.iter().map(|(kind, server)| (kind.open)(server, PATIENT, SOON)).collect();
    caches.push(Box::new(
        haiden_cache::SqliteBytecodeCache::builder(scratch.join("cache.sqlite"))
            .busy_timeout(PATIENT)
            .open()
            .unwrap(),
    ));
    caches.iter().for_each(fill);
    let work = |me: usize| {
        for cache in &caches {
            for turn in 0..200 {
                let (key, code) = (format!("process {me}"), format!("code {me} {turn}").into_bytes());
                cache.dump_bytecode(&filled(&key, &code)).unwrap();
                assert_eq!(load(cache, &key).unwrap(), Some(code), "process {me}");
                let shared = load(cache, &format!("page {}", turn % 10)).unwrap();
                assert_eq!(shared, Some(format!("code {}", turn % 10).into_bytes()), "process {me}");
            }
        }
    };
    let children: Vec<_> = (1..5)
        .map(|me| match fork::fork().unwrap() {
            fork::Fork::Parent(child) => child,
            fork::Fork::Child => {
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(me)));
                std::process::exit(i32::from(outcome.is_err()));
            }
        })
        .collect();
    work(0);
    for child in children {
        assert_eq!(fork::waitpid(child).unwrap(), 0, "a child failed");
    }
    work(0); // what the children closed was not the parent's
}

/// A line of conversation, as another program on the same server would have it.
fn say(server: &Server, question: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(question.as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer.trim_end().to_owned()
}

#[test]
fn clear_spares_what_others_keep() {
    if let Some(server) = Server::memcached(&[]) {
        say(&server, "set other 0 0 1\r\nx\r\n");
        let open = |prefix: &str, notice: Duration| {
            let builder = MemcachedBytecodeCache::builder(server.url("memcached")).prefix(prefix);
            builder.operation_timeout(PATIENT).notice_clear_after(notice).unauthenticated().connect().unwrap()
        };
        let (cache, neighbour) = (open("a/", LATE), open("b/", LATE));
        let (patient, eager) = (open("a/", LATE), open("a/", Duration::ZERO));
        for cache in [&cache, &neighbour, &patient, &eager] {
            cache.dump_bytecode(&filled("page", b"code")).unwrap();
        }
        assert_eq!(cache.clear().unwrap().reach, ClearReach::Invalidates);
        let found = |cache| load(cache, "page").unwrap().is_some();
        assert!(!found(&cache) && found(&neighbour));
        assert!(!found(&eager), "another process notices");
        assert!(found(&patient), "but not before it looks");
        assert_eq!(say(&server, "get other\r\n"), "VALUE other 0 1");
    }
    if let Some(server) = Server::redis(&[]) {
        for key in ["other", "a/other", "a/da39a3ee5e6b4b0d3255bfef95601890afd80709"] {
            say(&server, &format!("SET {key} x\r\n"));
        }
        let open = |prefix: &str| {
            let builder = RedisBytecodeCache::builder(server.url("redis")).prefix(prefix);
            builder.operation_timeout(PATIENT).unauthenticated().connect().unwrap()
        };
        let (cache, neighbour) = (open("a/"), open("b/"));
        for n in 0..2500 {
            cache.dump_bytecode(&filled(&format!("page {n}"), b"code")).unwrap();
        }
        neighbour.dump_bytecode(&filled("page 0", b"code")).unwrap();
        assert_eq!((cache.size(), neighbour.size()), (Some(2500), Some(1)));
        assert_eq!(cache.entries().unwrap().flatten().count(), 2500);
        let cleared = cache.clear().unwrap();
        assert_eq!((cleared.removed, cache.size(), neighbour.size()), (Some(2500), Some(0), Some(1)));
        assert_eq!(say(&server, "DBSIZE\r\n"), ":4");
    }
}

/// When the server drops the namespace (it may), what was cleared before does not come back.
#[test]
fn an_evicted_namespace_brings_nothing_back() {
    let Some(server) = Server::memcached(&[]) else { return };
    let open = || {
        let builder = MemcachedBytecodeCache::builder(server.url("memcached")).prefix("p/");
        builder
            .operation_timeout(PATIENT)
            .notice_clear_after(Duration::ZERO)
            .unauthenticated()
            .connect()
            .unwrap()
    };
    let cache = open();
    cache.dump_bytecode(&filled("old", b"code")).unwrap();
    cache.clear().unwrap();
    cache.dump_bytecode(&filled("page", b"code")).unwrap();
    assert_eq!(say(&server, "delete p/namespace\r\n"), "DELETED");
    assert_eq!((load(&cache, "page").unwrap(), load(&cache, "old").unwrap()), (None, None));
    cache.dump_bytecode(&filled("page", b"code")).unwrap();
    assert!(load(&open(), "page").unwrap().is_some(), "and everybody agrees on the new one");
    // What nobody of us wrote there is replaced.
    for odd in ["xyz", "0000000000000000", "zzzzzzzzzzzzzzzz"] {
        assert_eq!(say(&server, &format!("set p/namespace 0 0 {}\r\n{odd}\r\n", odd.len())), "STORED");
        cache.dump_bytecode(&filled("page", b"code")).unwrap();
        assert!(load(&open(), "page").unwrap().is_some());
    }
}

#[test]
fn memcached_limits() {
    let Some(server) = Server::memcached(&["--max-item-size=512k"]) else { return };
    let open = |ttl: Duration| {
        let builder = MemcachedBytecodeCache::builder(server.url("memcached")).operation_timeout(PATIENT);
        builder.expire_after(ttl).unauthenticated().connect().unwrap()
    };
    let cache = open(Duration::ZERO);
    // Beyond our bound nothing is sent; beyond the server's, it says so, and the connection goes on.
    for length in [1_000_001, 900_000] {
        let error = cache.dump_bytecode(&filled("page", &vec![1; length])).unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::TooLarge, "{error}");
    }
    cache.dump_bytecode(&filled("page", b"code")).unwrap();
    assert!(load(&cache, "page").unwrap().is_some());
    // More than thirty days: as a number, it would be a date of 1970.
    let months = open(Duration::from_hours(31 * 24));
    months.dump_bytecode(&filled("months", b"code")).unwrap();
    let second = open(Duration::from_millis(1));
    second.dump_bytecode(&filled("second", b"code")).unwrap();
    while load(&second, "second").unwrap().is_some() {
        sleep(SOON);
    }
    assert!(load(&months, "months").unwrap().is_some());
}

#[test]
fn redis_expiry() {
    let Some(server) = Server::redis(&[]) else { return };
    let builder = || RedisBytecodeCache::builder(server.url("redis")).operation_timeout(PATIENT);
    let cache = builder().expire_after(Duration::from_hours(24 * 365)).unauthenticated().connect().unwrap();
    cache.dump_bytecode(&filled("year", b"code")).unwrap();
    let left = say(&server, &format!("TTL {}\r\n", cache.key_of(&filled("year", b"code"))));
    assert!(left.starts_with(":3153"), "{left}");
    let brief = builder().expire_after(Duration::from_millis(50)).unauthenticated().connect().unwrap();
    brief.dump_bytecode(&filled("brief", b"code")).unwrap();
    while load(&brief, "brief").unwrap().is_some() {
        sleep(SOON);
    }
    assert!(load(&cache, "year").unwrap().is_some());
}

#[test]
fn redis_passwords_and_databases() {
    let acl = ["--requirepass", "s3c:ret@", "--user", "app", "on", ">pa%ss", "~jinja2/*", "+@all"];
    let Some(server) = Server::redis(&acl) else { return };
    let at = |who: &str, rest: &str| {
        let url = format!("redis://{who}{}{rest}", server.address());
        let builder = RedisBytecodeCache::builder(url).operation_timeout(PATIENT).retry_after(LATE);
        builder.unauthenticated().connect().unwrap()
    };
    for good in [at(":s3c%3Aret%40@", ""), at("app:pa%25ss@", ""), at("default:s3c:ret@@", "/3")] {
        good.dump_bytecode(&filled("page", b"code")).unwrap();
        assert!(load(&good, "page").unwrap().is_some());
        assert!(!format!("{good:?}").contains("s3c"));
    }
    assert!(load(&at(":s3c:ret@@", "/4"), "page").unwrap().is_none(), "another database");
    for bad in [at("", ""), at(":wrong@", ""), at("app:wrong@", ""), at("nobody:x@", "")] {
        let error = load(&bad, "page").unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Denied, "{error}");
        assert!(!error.to_string().contains("wrong"), "{error}");
        bad.set_bucket(&filled("page", b"code")).unwrap();
        let error = bad.dump_bytecode(&filled("page", b"code")).unwrap_err();
        assert!(error.to_string().contains("only read for a while"), "{error}");
    }
    let foreign = at("app:pa%25ss@", "?prefix=elsewhere/");
    assert_eq!(load(&foreign, "page").unwrap_err().kind(), CacheErrorKind::Denied, "keys it may not read");
    let absent = at(":s3c:ret@@", "/4000");
    assert_eq!(load(&absent, "page").unwrap_err().kind(), CacheErrorKind::Other, "no such database");
}

#[test]
fn a_redis_that_may_not_be_written_is_read() {
    let full = ["--maxmemory", "3mb", "--maxmemory-policy", "noeviction"];
    let replica = ["--replicaof", "127.0.0.1", "1"];
    for (arguments, kind) in [(&full[..], CacheErrorKind::Full), (&replica, CacheErrorKind::ReadOnly)] {
        let Some(server) = Server::redis(arguments) else { return };
        let builder = RedisBytecodeCache::builder(server.url("redis")).operation_timeout(PATIENT);
        let cache = builder.retry_after(LATE).unauthenticated().connect().unwrap();
        let mut written = 0;
        let error = loop {
            match cache.dump_bytecode(&filled(&format!("page {written}"), &vec![1; 100_000])) {
                Ok(()) => written += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), kind, "{error}");
        let error = cache.dump_bytecode(&filled("page", b"code")).unwrap_err();
        assert!(error.to_string().contains("only read for a while"), "{error}");
        assert_eq!(load(&cache, "page 0").unwrap().is_some(), written > 0);
    }
}

#[test]
fn sockets_in_the_file_system() {
    let scratch = Scratch::new();
    let path = scratch.join("redis.sock");
    let Some(server) = Server::redis(&["--unixsocket", path.to_str().unwrap()]) else { return };
    let url = format!("redis+unix://{}?db=2", path.display());
    let cache =
        RedisBytecodeCache::builder(url).operation_timeout(PATIENT).unauthenticated().connect().unwrap();
    cache.dump_bytecode(&filled("page", b"code")).unwrap();
    assert!(load(&cache, "page").unwrap().is_some());
    assert_eq!(say(&server, "SELECT 2\r\n"), "+OK");
    drop(server);
    assert_eq!(load(&cache, "page").unwrap_err().kind(), CacheErrorKind::Unavailable);
    let nowhere = MemcachedBytecodeCache::builder("memcached+unix:///nowhere/memcached.sock");
    let nowhere = nowhere.unauthenticated().connect().unwrap();
    assert_eq!(load(&nowhere, "page").unwrap_err().kind(), CacheErrorKind::Unavailable);
}

#[test]
fn what_is_no_url_is_told_at_once() {
    for url in
        ["", "memcached", "redis://host", "memcached://user@host", "memcached://host/0", "memcached://h?x=1"]
    {
        let error = MemcachedBytecodeCache::builder(url).connect().unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Url, "{url}");
    }
    for url in
        ["memcached://host", "redis://host/x", "redis://host/-1", "redis://h?timeout=soon", "http://host"]
    {
        let error = RedisBytecodeCache::builder(url).connect().unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Url, "{url}");
    }
    for prefix in ["a b", "a\r\nset evil 0 0 1", "é", "a*", &"x".repeat(129)] {
        let error = RedisBytecodeCache::builder("redis://host").prefix(prefix).connect().unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Pattern, "{prefix:?}");
        let error = MemcachedBytecodeCache::builder("memcached://host").prefix(prefix).connect().unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Pattern, "{prefix:?}");
    }
    RedisBytecodeCache::builder("redis://host").prefix("").unauthenticated().connect().unwrap();
}
