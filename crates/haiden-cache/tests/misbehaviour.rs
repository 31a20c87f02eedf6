//! Servers that answer what they should not, late, in bits, too much, or never. Whatever they do, a lookup ends, takes
//! little memory, and yields this key's bytecode or none.

#![cfg(unix)]

mod asking;
#[expect(dead_code, reason = "each test binary uses its part")]
mod common;

use std::time::Duration;

use asking::load;
use common::filled;
use haiden_cache::testkit::{Answer, FakeServer};
use haiden_cache::{
    Bucket, BytecodeCache, CacheErrorKind, Failures, MemcachedBytecodeCache, RedisBytecodeCache, Rejection,
};

const LATE: Duration = Duration::from_hours(1);
/// Deadlines that these tests wait for.
const SHORT: Duration = Duration::from_millis(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Memcached,
    Redis,
}
use Protocol::{Memcached, Redis};

impl Protocol {
    /// A cache that leaves a server alone for an hour, so that a test sees each contact.
    fn open(self, server: &FakeServer, limit: Duration) -> Box<dyn BytecodeCache> {
        match self {
            Memcached => {
                let builder = MemcachedBytecodeCache::builder(server.url("memcached")).retry_after(LATE);
                Box::new(
                    builder
                        .operation_timeout(limit)
                        .connect_timeout(LATE)
                        .unauthenticated()
                        .connect()
                        .unwrap(),
                )
            }
            Redis => {
                let builder = RedisBytecodeCache::builder(server.url("redis")).retry_after(LATE);
                Box::new(
                    builder
                        .operation_timeout(limit)
                        .connect_timeout(LATE)
                        .unauthenticated()
                        .connect()
                        .unwrap(),
                )
            }
        }
    }

    /// The answer that this value is stored under the key that was asked for.
    fn value(self, question: &str, value: &[u8]) -> Vec<u8> {
        let head = match self {
            Memcached => {
                let key = question.split(' ').nth(1).unwrap_or_default();
                format!("VA {} k{key}\r\n", value.len())
            }
            Redis => format!("${}\r\n", value.len()),
        };
        [head.as_bytes(), value, b"\r\n"].concat()
    }

    /// The first line of an answer with a value of this length.
    fn promise(self, question: &str, length: &str) -> Vec<u8> {
        let line = self.value(question, b"");
        let line = String::from_utf8(line).unwrap();
        line.split("\r\n").next().unwrap().replacen('0', length, 1).into_bytes()
    }
}

/// A server that finds the namespace, and for every other question gives this answer.
fn serve(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> FakeServer {
    FakeServer::start(move |question| {
        let question = String::from_utf8_lossy(question);
        match question.strip_prefix("mg ").and_then(|question| question.split_once(' ')) {
            Some((key, _)) if key.ends_with("namespace") => {
                Answer::Bytes(format!("VA 16 k{key}\r\n00000000000000aa\r\n").into_bytes())
            }
            _ => answer(&question),
        }
    })
}

fn entry(key: &str) -> Vec<u8> {
    filled(key, format!("code of {key}").as_bytes()).bytecode_to_string().unwrap()
}

/// A lookup fails so, and the next ones do without the server after three quick failures, or one slow one.
#[track_caller]
fn check(
    protocol: Protocol,
    kind: CacheErrorKind,
    contacts: u64,
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
) {
    let server = serve(answer);
    let limit = if contacts == 1 { SHORT } else { LATE };
    let cache = protocol.open(&server, limit);
    for contact in 0..contacts {
        let error = load(&cache, "page").unwrap_err();
        assert_eq!(error.kind(), kind, "{protocol:?}, contact {contact}: {error}");
    }
    let connections = server.connections();
    let error = load(&cache, "page").unwrap_err();
    assert!(error.to_string().contains("not asked for a while"), "{protocol:?}: {error}");
    for _ in 0..20 {
        cache.lookup(&mut Bucket::new("page", "sum")).unwrap();
        cache.set_bucket(&filled("page", b"code")).unwrap();
    }
    let figures = cache.statistics();
    assert_eq!((figures.misses, figures.load_failures, figures.dump_failures), (20, 20, 20), "{protocol:?}");
    assert_eq!(server.connections(), connections, "{protocol:?}");
}

/// `Duration::MAX` is how one says that there is no limit.
#[test]
fn no_time_limit_is_a_limit_too() {
    let server = serve(|_| Answer::Last(b"nonsense\r\n".to_vec()));
    macro_rules! open {
        ($cache:ident, $scheme:literal, $limit:expr) => {{
            let builder = $cache::builder(server.url($scheme)).unauthenticated().failures(Failures::Raise);
            let builder = builder.connect_timeout($limit).operation_timeout($limit);
            builder.retry_after($limit).connect().unwrap()
        }};
    }
    for (limit, kind) in
        [(Duration::MAX, CacheErrorKind::Protocol), (Duration::ZERO, CacheErrorKind::Unavailable)]
    {
        let caches: [Box<dyn BytecodeCache>; 2] = [
            Box::new(open!(MemcachedBytecodeCache, "memcached", limit)),
            Box::new(open!(RedisBytecodeCache, "redis", limit)),
        ];
        for cache in caches {
            let error = cache.lookup(&mut Bucket::new("key", "sum")).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
}

#[test]
fn silence() {
    for protocol in [Memcached, Redis] {
        check(protocol, CacheErrorKind::Unavailable, 1, |_| Answer::Silence);
    }
}

/// Each byte comes in time; the answer does not.
#[test]
fn dripping() {
    for protocol in [Memcached, Redis] {
        check(protocol, CacheErrorKind::Unavailable, 1, move |question| {
            Answer::Drip(protocol.value(question, &vec![0; 100_000]), SHORT / 10)
        });
    }
}

#[test]
fn garbage() {
    for garbage in [
        &b"\r\n"[..],
        b"\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"220 smtp.example ESMTP\r\n",
        b"\xff\xfe\x00\r\n",
        b"$x\r\n",
        b"$-7\r\n",
        b"$99999999999999999999\r\n",
        b"*-1\r\n",
        b":12\r\n",
        b"+OK\r\n",
        b"VA\r\n",
        b"VA 10 kanother\r\n0123456789\r\n",
        b"VA -5 k\r\n",
        b"CLIENT_ERROR bad command line format\r\n",
        b"ERROR\r\n",
    ] {
        for protocol in [Memcached, Redis] {
            check(protocol, CacheErrorKind::Protocol, 3, |_| Answer::Bytes(garbage.to_vec()));
        }
    }
}

#[test]
fn a_line_without_an_end() {
    for protocol in [Memcached, Redis] {
        check(protocol, CacheErrorKind::Protocol, 3, |_| Answer::Bytes(vec![b'A'; 1 << 20]));
    }
}

#[test]
fn twenty_gigabytes() {
    for protocol in [Memcached, Redis] {
        for length in ["20000000000", "18446744073709551615", "9223372036854775807", "68000000"] {
            check(protocol, CacheErrorKind::Protocol, 3, move |question| {
                Answer::Bytes([&protocol.promise(question, length)[..], b"\r\nsome bytes"].concat())
            });
        }
    }
}

/// A promise within bounds, of which little comes.
#[test]
fn half_a_value() {
    for protocol in [Memcached, Redis] {
        check(protocol, CacheErrorKind::Unavailable, 1, move |question| {
            Answer::Bytes([&protocol.promise(question, "900000")[..], b"\r\nsome bytes"].concat())
        });
        check(protocol, CacheErrorKind::Unavailable, 3, move |question| {
            Answer::Last([&protocol.promise(question, "900000")[..], b"\r\nsome bytes"].concat())
        });
    }
}

#[test]
fn a_connection_closed_at_once() {
    for protocol in [Memcached, Redis] {
        check(protocol, CacheErrorKind::Unavailable, 3, |_| Answer::Last(Vec::new()));
    }
}

/// A server that closes each connection after an answer costs a connection each time, and nothing else.
#[test]
fn a_connection_closed_after_each_answer() {
    for protocol in [Memcached, Redis] {
        let server = serve(move |question| Answer::Last(protocol.value(question, &entry("page"))));
        let cache = protocol.open(&server, LATE);
        for _ in 0..5 {
            cache.lookup(&mut Bucket::new("page", "sum")).unwrap();
        }
        assert_eq!(server.connections(), 5); // counted first: for Redis, statistics ask too
        let figures = cache.statistics();
        assert_eq!((figures.hits, figures.load_failures), (5, 0));
    }
}

#[test]
fn another_keys_value() {
    for protocol in [Memcached, Redis] {
        let server = serve(move |question| Answer::Bytes(protocol.value(question, &entry("another"))));
        let cache = protocol.open(&server, LATE);
        for _ in 0..5 {
            cache.lookup(&mut Bucket::new("page", "sum")).unwrap();
        }
        let figures = cache.statistics();
        assert_eq!((figures.misses, figures.rejections.get(Rejection::Key)), (5, 5));
        assert_eq!(load(&cache, "another").unwrap().as_deref(), Some(&b"code of another"[..]));
    }
}

/// More than was asked for: the answer counts, the connection is not used again, so the rest meets no question.
#[test]
fn an_answer_and_more() {
    for protocol in [Memcached, Redis] {
        let server = serve(move |question| {
            let page = protocol.value(question, &entry("page"));
            Answer::Bytes([&page[..], &protocol.value(question, &entry("another"))].concat())
        });
        let cache = protocol.open(&server, LATE);
        for turn in 1..4 {
            assert_eq!(load(&cache, "page").unwrap().as_deref(), Some(&b"code of page"[..]));
            assert_eq!(server.connections(), turn);
        }
    }
}

/// The end of a value is not where it was announced.
#[test]
fn a_value_longer_than_announced() {
    for protocol in [Memcached, Redis] {
        check(protocol, CacheErrorKind::Protocol, 3, move |question| {
            let mut answer = protocol.value(question, b"0123456789");
            answer.splice(answer.len() - 2.., *b"and more\r\n");
            Answer::Bytes(answer)
        });
    }
}

#[test]
fn an_empty_value_is_a_miss() {
    let server = serve(|question| Answer::Bytes(Memcached.value(question, b"")));
    let cache = Memcached.open(&server, LATE);
    cache.lookup(&mut Bucket::new("page", "sum")).unwrap();
    assert_eq!((cache.statistics().misses, cache.statistics().rejections.total()), (1, 0));
}

/// A hundred lookups are one question; a thousand are five.
#[test]
fn many_are_one_round_trip() {
    for protocol in [Memcached, Redis] {
        for (count, trips) in [(1, 1), (100, 1), (1000, 5)] {
            let server = serve(move |question| match protocol {
                Memcached if question.ends_with("mn\r\n") => Answer::Bytes(b"MN\r\n".to_vec()),
                Memcached => Answer::Silence, // the rest of the question is to come
                Redis => {
                    let ends = question.matches("\r\n").count();
                    let keys: usize = question[1..].split("\r\n").next().unwrap().parse().unwrap();
                    assert_eq!(ends, 2 * keys + 1, "the question came in pieces");
                    Answer::Bytes(format!("*{}\r\n{}", keys - 1, "$-1\r\n".repeat(keys - 1)).into_bytes())
                }
            });
            let cache = protocol.open(&server, LATE);
            let mut buckets: Vec<_> = (0..count).map(|n| Bucket::new(format!("page {n}"), "sum")).collect();
            cache.lookup_many(&mut buckets.iter_mut().collect::<Vec<_>>()).unwrap();
            let namespace = usize::from(protocol == Memcached);
            assert_eq!(server.questions() - namespace, trips, "{protocol:?}, {count}");
            assert_eq!(cache.statistics().misses, count);
        }
    }
}

/// Answers to a batch that do not fit it.
#[test]
fn a_confused_batch() {
    let many = |cache: &dyn BytecodeCache| {
        let mut buckets: Vec<_> = (0..3).map(|n| Bucket::new(format!("page {n}"), "sum")).collect();
        cache.load_many(&mut buckets.iter_mut().collect::<Vec<_>>())
    };
    for answer in [
        &b"*2\r\n$-1\r\n$-1\r\n"[..],
        b"*4\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
        b"*3\r\n$-1\r\n:1\r\n$-1\r\n",
        b"*3\r\n*1\r\n*1\r\n*1\r\n",
        b"*1000000000\r\n",
        b"$-1\r\n",
    ] {
        let server = serve(|_| Answer::Bytes(answer.to_vec()));
        let error = many(&*Redis.open(&server, LATE)).unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Protocol, "{}: {error}", answer.escape_ascii());
    }
    // The same key twice; keys in another order; a key that nobody asked for.
    for order in [&[0, 0][..], &[1, 0], &[3]] {
        let server = serve(move |question| {
            let keys: Vec<_> = question.lines().filter_map(|line| line.split(' ').nth(1)).collect();
            let value = |&at: &usize| format!("VA 2 k{}\r\nxx\r\n", keys.get(at).unwrap_or(&"unknown"));
            Answer::Bytes(order.iter().map(value).collect::<String>().into_bytes())
        });
        let error = many(&*Memcached.open(&server, LATE)).unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Protocol, "{order:?}: {error}");
    }
}

/// A scan that goes on for ever, or answers nonsense.
#[test]
fn a_confused_scan() {
    for answer in [
        &b"*2\r\n$-1\r\n*0\r\n"[..],
        b"*2\r\n$1\r\nx\r\n*0\r\n",
        b"*2\r\n$1\r\n0\r\n*-1\r\n",
        b"*2\r\n$1\r\n0\r\n*99999999\r\n",
        b"*1\r\n$1\r\n0\r\n",
    ] {
        let server = serve(|_| Answer::Bytes(answer.to_vec()));
        let error = Redis.open(&server, LATE).clear().unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Protocol, "{}: {error}", answer.escape_ascii());
    }
    // Keys that are not ours are not deleted, whatever the server claims.
    let server = serve(|question| {
        assert!(!question.contains("UNLINK"), "{question}");
        Answer::Bytes(b"*2\r\n$1\r\n0\r\n*2\r\n$5\r\nother\r\n$20\r\njinja2/bytecode/abcd\r\n".to_vec())
    });
    assert_eq!(Redis.open(&server, LATE).clear().unwrap().removed, Some(0));
    // Five keys, and no end of them.
    let server = serve(|question| {
        let answer = if question.contains("DBSIZE") { ":5\r\n" } else { "*2\r\n$1\r\n7\r\n*0\r\n" };
        Answer::Bytes(answer.as_bytes().to_vec())
    });
    assert_eq!(Redis.open(&server, LATE).size(), None);
}

/// A queue of connections that nobody takes out: connecting itself has a deadline.
#[test]
fn a_server_that_accepts_nothing() {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&listener, &std::net::SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    listen(&listener, 0).unwrap();
    let address = std::net::SocketAddr::try_from(getsockname(&listener).unwrap()).unwrap();
    // Fill the queue.
    let mut waiting = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, SHORT) {
        waiting.push(stream);
        assert!(waiting.len() < 1000, "the queue has no end");
    }
    let url = format!("memcached://{address}");
    let builder = MemcachedBytecodeCache::builder(url).connect_timeout(SHORT).retry_after(LATE);
    let cache = builder.unauthenticated().connect().unwrap();
    let error = load(&cache, "page").unwrap_err();
    assert!(error.to_string().contains("cannot connect"), "{error}");
    let error = load(&cache, "page").unwrap_err();
    assert!(error.to_string().contains("not asked"), "one wait is enough: {error}");
}

#[test]
fn a_name_without_an_address() {
    let cache = RedisBytecodeCache::builder("redis://no-such-host.invalid")
        .retry_after(LATE)
        .unauthenticated()
        .connect()
        .unwrap();
    assert_eq!(load(&cache, "page").unwrap_err().kind(), CacheErrorKind::Unavailable);
}

/// Good answers with some bytes changed, left out, cut off or repeated, to single questions and to batches: each lookup ends,
/// and yields this key's bytecode or none.
#[test]
fn noise_never_yields_anything_else() {
    const ROUNDS: usize = 400;
    for protocol in [Memcached, Redis] {
        let state = std::sync::Mutex::new(0x9E37_79B9_7F4A_7C15_u64);
        let random = move |below: usize| {
            let mut state = state.lock().unwrap();
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            (*state % below as u64) as usize
        };
        let server = serve(move |question| {
            let keys: Vec<_> = match protocol {
                Memcached => question.lines().filter(|line| line.starts_with("mg ")).collect(),
                Redis => question.lines().filter(|line| line.contains("jinja2/")).collect(),
            };
            let entries =
                keys.iter().enumerate().map(|(n, key)| protocol.value(key, &entry(&format!("page {n}"))));
            let mut answer = entries.flatten().collect::<Vec<_>>();
            match protocol {
                Memcached if question.ends_with("mn\r\n") => answer.extend(b"MN\r\n"),
                Redis if question.contains("MGET") => {
                    answer = [format!("*{}\r\n", keys.len()).as_bytes(), &answer].concat();
                }
                _ => {}
            }
            for _ in 0..random(4) {
                // Mostly in what the protocol says, not in the entry.
                let at = random(answer.len().min(if random(2) == 0 { 12 } else { usize::MAX }));
                match random(4) {
                    0 => answer[at] = random(256) as u8,
                    1 => drop(answer.remove(at)),
                    2 => answer.insert(at, b"0123456789-\r\n$*:kVA "[random(19)]),
                    _ => answer.truncate(at + 1),
                }
            }
            Answer::Last(answer)
        });
        let open = || protocol.open(&server, LATE);
        let mut found = 0;
        for _ in 0..ROUNDS {
            if let Ok(Some(code)) = load(&open(), "page 0") {
                assert_eq!(code, b"code of page 0");
                found += 1;
            }
            let mut buckets: Vec<_> = (0..3).map(|n| Bucket::new(format!("page {n}"), "sum")).collect();
            let _ = open().load_many(&mut buckets.iter_mut().collect::<Vec<_>>()); // an error is as good
            for (n, bucket) in buckets.iter().enumerate() {
                let code = bucket.bytecode().map(|code| code.to_vec());
                assert!(code.is_none_or(|code| code == format!("code of page {n}").as_bytes()));
            }
        }
        assert!(
            (ROUNDS / 10..ROUNDS).contains(&found),
            "{protocol:?}: {found} of {ROUNDS} were left as they were"
        );
    }
}
