//! Redis and Memcached over TLS: who is believed, who is not, and that a server gains nothing by being slow.

#![cfg(all(unix, feature = "tls"))]

mod asking;
#[expect(dead_code, reason = "each test binary uses its part")]
mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use asking::load;
use common::{Scratch, filled};
use haiden_cache::testkit::{Answer, FakeServer, Server};
use haiden_cache::{
    Bucket, BytecodeCache, CacheError, CacheErrorKind, MemcachedBytecodeCache, RedisBytecodeCache,
};

/// Longer than any machine is busy, for everything that is to succeed.
const PATIENT: Duration = Duration::from_secs(20);
const LATE: Duration = Duration::from_hours(1);

fn openssl(folder: &Path, arguments: &str) {
    let ran = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output();
    let ran = ran.expect("`openssl` is needed to make certificates");
    assert!(ran.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// An authority `NAME.pem`, and a certificate of it for this host, `NAME-server.pem`.
fn certificates(folder: &Path, name: &str, host: &str) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    openssl(
        folder,
        &format!(
            "req -x509 {key} -keyout {name}.key -out {name}.pem -subj /CN={name} -addext keyUsage=keyCertSign"
        ),
    );
    openssl(folder, &format!("req {key} -keyout {name}-server.key -out {name}.csr -subj /CN=server"));
    std::fs::write(folder.join("extensions"), format!("subjectAltName={host}\nbasicConstraints=CA:FALSE\n"))
        .unwrap();
    let sign = format!("x509 -req -in {name}.csr -CA {name}.pem -CAkey {name}.key -CAcreateserial -days 2");
    openssl(folder, &format!("{sign} -extfile extensions -out {name}-server.pem"));
}

const SCHEMES: [&str; 2] = ["rediss", "memcacheds"];

fn server(scheme: &str, folder: &Path, name: &str, more: &[&str]) -> Option<Server> {
    let file = |rest: &str| folder.join(format!("{name}{rest}")).to_str().unwrap().to_owned();
    let (certificate, key, authority) = (file("-server.pem"), file("-server.key"), file(".pem"));
    if scheme == "memcacheds" {
        return Server::memcached_tls(&certificate, &key);
    }
    let arguments =
        ["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &authority];
    Server::redis_tls(&[&arguments[..], more].concat())
}

fn open(url: &str, authority: &Path, limit: Duration) -> Box<dyn BytecodeCache> {
    open_at(&format!("{url}?ca={}", authority.display()), limit)
}

fn open_at(url: &str, limit: Duration) -> Box<dyn BytecodeCache> {
    macro_rules! opened {
        ($builder:expr) => {{
            let builder = $builder.connect_timeout(limit).operation_timeout(limit).retry_after(LATE);
            Box::new(builder.unauthenticated().connect().unwrap())
        }};
    }
    if url.starts_with("redis") {
        opened!(RedisBytecodeCache::builder(url))
    } else {
        opened!(MemcachedBytecodeCache::builder(url).max_entry_bytes(4_000_000))
    }
}

fn fails(cache: &dyn BytecodeCache) -> String {
    let error = load(cache, "page").unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::Unavailable, "{error}");
    error.to_string()
}

#[test]
fn a_redis_that_proves_its_name_is_used() {
    let scratch = Scratch::new();
    certificates(scratch.path(), "ours", "IP:127.0.0.1");
    let Some(server) = server("rediss", scratch.path(), "ours", &["--requirepass", "s3cret"]) else { return };
    let url = server.url("rediss").replace("//", "//:s3cret@") + "/3";
    let cache = open(&url, &scratch.join("ours.pem"), PATIENT);
    let large = vec![7; 3_000_000];
    cache.dump_bytecode(&filled("large", &large)).unwrap();
    assert_eq!(load(&*cache, "large").unwrap(), Some(large));
    assert_eq!(cache.entries().unwrap().flatten().count(), 1);
    check_use(server, &url, &*cache, &scratch);
}

#[test]
fn a_memcached_that_proves_its_name_is_used() {
    let scratch = Scratch::new();
    certificates(scratch.path(), "ours", "IP:127.0.0.1");
    let Some(server) = server("memcacheds", scratch.path(), "ours", &[]) else { return };
    let url = server.url("memcacheds");
    let cache = open(&url, &scratch.join("ours.pem"), PATIENT);
    let large = vec![7; 900_000];
    cache.dump_bytecode(&filled("large", &large)).unwrap();
    assert_eq!(load(&*cache, "large").unwrap(), Some(large));
    check_use(server, &url, &*cache, &scratch);
}

/// Many entries, and a restart; then somebody who does not believe the server, or does not speak TLS.
fn check_use(mut server: Server, url: &str, cache: &dyn BytecodeCache, scratch: &Scratch) {
    for n in 0..300 {
        cache.dump_bytecode(&filled(&format!("page {n}"), format!("code {n}").as_bytes())).unwrap();
    }
    let mut buckets: Vec<_> = (0..300).map(|n| Bucket::new(format!("page {n}"), "sum")).collect();
    cache.load_many(&mut buckets.iter_mut().collect::<Vec<_>>()).unwrap();
    for (n, bucket) in buckets.iter().enumerate() {
        assert_eq!(bucket.bytecode().unwrap()[..], *format!("code {n}").as_bytes());
    }
    server.restart();
    assert_eq!(load(cache, "page 1").unwrap(), None, "an idle connection that was closed is replaced");
    assert_eq!(cache.statistics().load_failures, 0);

    let plain = url.replacen("s://", "://", 1);
    fails(&*open_at(&plain, Duration::from_secs(1)));
    certificates(scratch.path(), "others", "IP:127.0.0.1");
    let why = fails(&*open(url, &scratch.join("others.pem"), PATIENT));
    assert!(why.contains("invalid peer certificate"), "{why}");
    assert!(!why.contains("s3cret"), "{why}");
}

#[test]
fn a_certificate_for_another_host_is_none() {
    let scratch = Scratch::new();
    certificates(scratch.path(), "ours", "DNS:elsewhere.example,IP:127.0.0.2");
    for scheme in SCHEMES {
        let Some(server) = server(scheme, scratch.path(), "ours", &[]) else { continue };
        let why = fails(&*open(&server.url(scheme), &scratch.join("ours.pem"), PATIENT));
        assert!(why.contains("invalid peer certificate") && why.contains("127.0.0.1"), "{why}");
    }
}

#[test]
fn slow_servers_gain_nothing() {
    let scratch = Scratch::new();
    certificates(scratch.path(), "ours", "IP:127.0.0.1");
    let limit = Duration::from_millis(50);
    let authority = scratch.join("ours.pem");
    // A record of the handshake that never ends, byte by byte: each read is in time, the whole is not.
    let drip = [&[22, 3, 3, 0x3F, 0xFF, 2][..], &[0; 10_000]].concat();
    for scheme in SCHEMES {
        for answer in [Answer::Silence, Answer::Drip(drip.clone(), Duration::from_millis(5))] {
            let server = FakeServer::start(move |_| answer.clone());
            let why = fails(&*open(&server.url(scheme), &authority, limit));
            assert!(!why.contains("not asked"), "{why}");
        }
        let garbage = FakeServer::start(|_| Answer::Bytes(b"+PONG\r\n".to_vec()));
        fails(&*open(&garbage.url(scheme), &authority, PATIENT));
        let Some(server) = server(scheme, scratch.path(), "ours", &[]) else { continue };
        open(&server.url(scheme), &authority, PATIENT).dump_bytecode(&filled("page", b"code")).unwrap();
        let hasty = open(&server.url(scheme), &authority, Duration::from_secs(1));
        assert!(load(&*hasty, "page").unwrap().is_some());
        server.pause();
        let why = fails(&*hasty);
        assert!(why.contains("no answer within 1s"), "{why}");
        assert!(fails(&*hasty).contains("not asked"), "the second did not wait");
        server.resume();
    }
}

#[test]
fn what_is_wrong_is_told_at_once() {
    let scratch = Scratch::new();
    std::fs::write(scratch.join("empty.pem"), "").unwrap();
    let told = |url: &str| {
        let opened = RedisBytecodeCache::builder(url).unauthenticated().connect();
        opened.map(drop).map_err(|error: CacheError| error.kind())
    };
    let memcached = |url: &str| {
        let opened = MemcachedBytecodeCache::builder(url).unauthenticated().connect();
        opened.map(drop).map_err(|error: CacheError| error.kind())
    };
    let path = scratch.path().display();
    for (url, kind) in [
        ("redis://host?ca=x.pem".to_owned(), CacheErrorKind::Url),
        ("rediss+unix:///socket".to_owned(), CacheErrorKind::Url),
        ("rediss://ho_st:1/x?ca=x".to_owned(), CacheErrorKind::Io),
        (format!("rediss://host?ca={path}/absent.pem"), CacheErrorKind::Io),
        (format!("rediss://host?ca={path}/empty.pem"), CacheErrorKind::Io),
    ] {
        assert_eq!(told(&url), Err(kind), "{url}");
        let url = url.replace("redis", "memcached").replace("/x?", "?");
        assert_eq!(memcached(&url), Err(kind), "{url}");
    }
    assert_eq!(memcached("rediss://host"), Err(CacheErrorKind::Url));
}
