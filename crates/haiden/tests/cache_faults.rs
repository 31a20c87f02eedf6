//! The fault table: whatever is wrong with the store, the page renders, and is right.
//!
//! Each fault meets twenty cold workers: environments that have nothing in memory and render a page of four templates
//! through the ill store. The table, on standard output, says what the statistics told and what time was lost, against
//! workers without a cache. The pause is the default's, a second; so is the deadline, 100 ms, where there is one to wait for.

#![cfg(unix)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use haiden::cache::testkit::{Answer, FakeServer, Server};
use haiden::cache::{
    Authenticated, BytecodeCache, CacheStatistics, FileSystemBytecodeCache, KeyRing, MemcachedBytecodeCache,
    RedisBytecodeCache, SqliteBytecodeCache,
};
use haiden::{Environment, context};

const WORKERS: u64 = 20;
/// The default, where a fault is to be waited for.
const DEADLINE: Duration = Duration::from_millis(100);
/// Where nothing is to be waited for, so that a busy machine is not taken for an ill server.
const PATIENT: Duration = Duration::from_secs(20);
const LOOKUPS: u64 = WORKERS * TEMPLATES.len() as u64;

const TEMPLATES: &[(&str, &str)] = &[
    ("base", "<title>{% block title %}{% endblock %}</title>{% block body %}{% endblock %}"),
    ("macros", "{% macro link(item) %}<a href='{{ item.url }}'>{{ item.name|upper }}</a>{% endmacro %}"),
    ("row", "<li>{{ link(item) }}{{ ', ' if item.name != 'c' }}</li>"),
    (
        "page",
        "{% extends 'base' %}{% from 'macros' import link %}{% block title %}{{ title }}{% endblock %}
         {% block body %}{% for item in items %}{% include 'row' %}{% endfor %}{% endblock %}",
    ),
];

type Cache = Arc<dyn BytecodeCache>;

/// A worker that has just started renders the page.
fn render(cache: Option<&Cache>) -> String {
    let mut environment = Environment::new();
    for (name, source) in TEMPLATES {
        environment.add_template(name, source).unwrap();
    }
    environment.set_bytecode_cache(cache.cloned());
    let item = |name| std::collections::BTreeMap::from([("name", name), ("url", "/x")]);
    let items: Vec<_> = ["a & b", "größe", "c"].into_iter().map(item).collect();
    environment.get_template("page").unwrap().render(context! { title => "T", items => items }).unwrap()
}

/// What one fault did.
struct Outcome {
    store: &'static str,
    fault: &'static str,
    figures: Option<CacheStatistics>,
    lost: Duration,
}

#[derive(Default)]
struct Table(Vec<Outcome>);

impl Table {
    /// Twenty workers meet a store; `before` is called with each worker's number, and does the harm.
    #[track_caller]
    fn check(
        &mut self,
        store: &'static str,
        fault: &'static str,
        cache: &Cache,
        mut before: impl FnMut(u64),
        told: impl Fn(&CacheStatistics) -> bool,
    ) {
        let expected = render(None);
        let (mut with, mut without) = (Duration::ZERO, Duration::ZERO);
        for worker in 0..WORKERS {
            before(worker);
            let start = Instant::now();
            let page = render(Some(cache));
            with += start.elapsed();
            assert_eq!(page, expected, "{store}, {fault}, worker {worker}");
            let start = Instant::now();
            render(None);
            without += start.elapsed();
        }
        let figures = cache.statistics();
        assert_eq!(figures.hits + figures.misses, LOOKUPS, "{store}, {fault}");
        assert!(told(&figures), "{store}, {fault}: the statistics do not tell:\n{figures}");
        let lost = with.saturating_sub(without);
        self.0.push(Outcome { store, fault, figures: Some(figures), lost });
    }

    fn not_tested(&mut self, store: &'static str, fault: &'static str) {
        self.0.push(Outcome { store, fault, figures: None, lost: Duration::ZERO });
    }

    /// One line a fault. Past the test harness, which shows the output of failures only.
    fn print(&self) {
        let mut text = format!("\n{WORKERS} cold workers, {LOOKUPS} lookups; every page was right.\n");
        text += "store        fault                          hits  misses  load failed  dump failed  rejected  time lost\n";
        for Outcome { store, fault, figures, lost } in &self.0 {
            let told = figures.as_ref().map_or("not tested here".to_owned(), |figures| {
                format!(
                    "{:>4}  {:>6}  {:>11}  {:>11}  {:>8}  {:>6.1} ms",
                    figures.hits,
                    figures.misses,
                    figures.load_failures,
                    figures.dump_failures,
                    figures.rejections.total(),
                    lost.as_secs_f64() * 1e3,
                )
            });
            text.extend([format!("{store:<12} {fault:<30} "), told, "\n".to_owned()]);
        }
        std::io::stdout().write_all(text.as_bytes()).unwrap();
    }
}

/// A kind of server: its URL, and what it says to promise a value.
struct Kind {
    store: &'static str,
    start: fn() -> Option<Server>,
    open: fn(&str, deadline: Duration) -> Cache,
    scheme: &'static str,
    value: fn(question: &str, length: u64, value: &[u8]) -> Vec<u8>,
}

const KINDS: [Kind; 2] = [
    Kind {
        store: "Memcached",
        start: || Server::memcached(&[]),
        open: |url, deadline| {
            let builder = MemcachedBytecodeCache::builder(url).connect_timeout(PATIENT);
            Arc::new(builder.operation_timeout(deadline).connect().unwrap())
        },
        scheme: "memcached",
        value: |question, length, value| {
            let key = question.split(' ').nth(1).unwrap_or_default();
            [format!("VA {length} k{key}\r\n").as_bytes(), value, b"\r\n"].concat()
        },
    },
    Kind {
        store: "Redis",
        start: || Server::redis(&[]),
        open: |url, deadline| {
            let builder = RedisBytecodeCache::builder(url).connect_timeout(PATIENT);
            Arc::new(builder.operation_timeout(deadline).connect().unwrap())
        },
        scheme: "redis",
        value: |_, length, value| [format!("${length}\r\n").as_bytes(), value, b"\r\n"].concat(),
    },
];

fn servers(table: &mut Table, kind: &Kind) {
    let store = kind.store;
    let Some(mut server) = (kind.start)() else { return table.not_tested(store, "everything") };
    let url = server.url(kind.scheme);
    let open = || (kind.open)(&url, PATIENT);
    table.check(store, "none", &open(), |_| {}, |figures| figures.hits == LOOKUPS - 4 && figures.writes == 4);
    let keys = KeyRing::new("0123456789abcdef0123456789abcdef").unwrap();
    let signed = || -> Cache { Arc::new(Authenticated::new(open(), keys.clone())) };
    table.check(
        store,
        "poisoned (no tag), keyed",
        &signed(),
        |_| {},
        |figures| figures.rejections.total() == 4 && figures.hits == LOOKUPS - 4,
    );
    let other = KeyRing::new("another secret, as long as it has to be").unwrap();
    let others = || -> Cache { Arc::new(Authenticated::new(open(), other.clone())) };
    table.check(
        store,
        "poisoned (another's key)",
        &others(),
        |_| {},
        |figures| figures.rejections.total() == 4 && figures.hits == LOOKUPS - 4,
    );
    let failed = |figures: &CacheStatistics| figures.load_failures > 0 && figures.hits > 0;
    let at = |turn, worker| turn == worker;
    table.check(
        store,
        "restarted",
        &open(),
        |worker| {
            if at(7, worker) {
                server.restart();
            }
        },
        |figures| figures.load_failures == 0 && figures.writes == 4,
    );
    table.check(
        store,
        "paused",
        &(kind.open)(&url, DEADLINE),
        |worker| {
            if at(7, worker) {
                server.pause();
            }
        },
        |figures| figures.load_failures > 0,
    );
    server.resume();
    table.check(
        store,
        "killed",
        &open(),
        |worker| {
            if at(7, worker) {
                server.kill();
            }
        },
        failed,
    );
    table.check(store, "never there", &open(), |_| {}, |figures| figures.load_failures == LOOKUPS);
}

fn liars(table: &mut Table, kind: &Kind) {
    let value = kind.value;
    let mut check = |fault,
                     deadline,
                     told: fn(&CacheStatistics) -> bool,
                     answer: Box<dyn Fn(&str) -> Answer + Send + Sync>| {
        let server = FakeServer::start(move |question| {
            let question = String::from_utf8_lossy(question);
            if question.starts_with("mg ") && question.contains("namespace") {
                return Answer::Bytes(value(&question, 16, b"00000000000000aa"));
            }
            answer(&question)
        });
        table.check(kind.store, fault, &(kind.open)(&server.url(kind.scheme), deadline), |_| {}, told);
        // Between contacts lie pauses. A server whose answers are sound is asked each time, over one connection.
        assert!(server.connections() <= 8, "{fault}: {}", server.connections());
    };
    let promise = move |length: u64, value_: &'static [u8]| {
        move |question: &str| {
            let mut bytes = value(question, length, value_);
            bytes.truncate(bytes.len() - 2);
            bytes
        }
    };
    let (huge, half) = (promise(20_000_000_000, b"x"), promise(100_000, b"x"));
    check("silent", DEADLINE, failed, Box::new(|_| Answer::Silence));
    check(
        "drips bytes",
        DEADLINE,
        failed,
        Box::new(move |question| {
            Answer::Drip(value(question, 100_000, &vec![0; 100_000]), Duration::from_millis(5))
        }),
    );
    check(
        "garbage",
        PATIENT,
        failed,
        Box::new(|_| Answer::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())),
    );
    check("announces 20 GB", PATIENT, failed, Box::new(move |question| Answer::Bytes(huge(question))));
    check("half a value", DEADLINE, failed, Box::new(move |question| Answer::Bytes(half(question))));
    check("hangs up", PATIENT, failed, Box::new(|_| Answer::Last(Vec::new())));
    let mut other = haiden::cache::Bucket::new("another", "template");
    other.set_bytecode(&b"its bytecode"[..]);
    let other = other.bytecode_to_string().unwrap();
    check(
        "another key's value",
        PATIENT,
        rejected,
        Box::new(move |question| match question {
            set if set.starts_with("ms ") => Answer::Bytes(b"HD\r\n".to_vec()),
            set if set.contains("\r\nSET\r\n") => Answer::Bytes(b"+OK\r\n".to_vec()),
            get => Answer::Bytes(value(get, other.len() as u64, &other)),
        }),
    );
}

fn failed(figures: &CacheStatistics) -> bool {
    figures.load_failures == LOOKUPS && figures.hits == 0
}

fn rejected(figures: &CacheStatistics) -> bool {
    figures.rejections.total() == LOOKUPS && figures.hits == 0
}

/// Applies some harm to every entry file.
fn each_file(folder: &Path, harm: impl Fn(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        harm(&entry.unwrap().path());
    }
}

fn files(table: &mut Table, scratch: &Path) {
    let store = "file system";
    let mut turn = 0;
    let mut check = |fault, harm: &dyn Fn(&Path), told: fn(&CacheStatistics) -> bool| {
        turn += 1;
        let folder = scratch.join(turn.to_string());
        let cache: Cache = Arc::new(FileSystemBytecodeCache::new(Some(&folder), "%s").unwrap());
        table.check(
            store,
            fault,
            &cache,
            |worker| {
                if worker == 7 {
                    harm(&folder);
                }
            },
            told,
        );
    };
    let once = |figures: &CacheStatistics| figures.rejections.total() == 4 && figures.hits == LOOKUPS - 8;
    check("none", &|_| {}, |figures| figures.hits == LOOKUPS - 4);
    check(
        "entries cut short",
        &|folder| {
            each_file(folder, |path| {
                let bytes = fs::read(path).unwrap();
                fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            });
        },
        once,
    );
    check(
        "entries flipped",
        &|folder| {
            each_file(folder, |path| {
                let mut bytes = fs::read(path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(path, bytes).unwrap();
            });
        },
        once,
    );
    check(
        "entries are FIFOs",
        &|folder| {
            each_file(folder, |path| {
                fs::remove_file(path).unwrap();
                assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
            });
        },
        once,
    );
    check("folder removed", &|folder| fs::remove_dir_all(folder).unwrap(), |figures| {
        figures.dump_failures > 0 && figures.hits > 0
    });
}

fn sqlite(table: &mut Table, scratch: &Path) {
    let store = "SQLite";
    let path = scratch.join("cache.sqlite");
    let open = || -> Cache { Arc::new(SqliteBytecodeCache::new(&path).unwrap()) };
    table.check(store, "none", &open(), |_| {}, |figures| figures.hits == LOOKUPS - 4);
    // All but the head, which says whose file it is.
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    table.check(store, "file damaged", &open(), |_| {}, |figures| figures.hits == LOOKUPS - 4);
    let cache = open();
    let remove = |worker| {
        if worker == 7 {
            each_file(scratch, |path| fs::remove_file(path).unwrap());
        }
    };
    table.check(store, "file removed", &cache, remove, |figures| figures.hits > 0);
}

/// A disk of 64 KiB, filled up. Needs the right to mount.
fn full_disk(table: &mut Table, scratch: &Path) {
    let disk = scratch.join("disk");
    fs::create_dir(&disk).unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "none"]).arg(&disk).output();
    if !mount.is_ok_and(|output| output.status.success()) {
        table.not_tested("file system", "disk full");
        return table.not_tested("SQLite", "disk full");
    }
    let full = |figures: &CacheStatistics| figures.dump_failures > 0 && figures.writes < 4;
    let file_system: Cache = Arc::new(FileSystemBytecodeCache::new(Some(&disk), "%s").unwrap());
    let sqlite =
        SqliteBytecodeCache::new(disk.join("cache.sqlite")).map(|cache| -> Cache { Arc::new(cache) });
    let _ = fs::File::create(disk.join("ballast")).unwrap().write_all(&vec![1; 1 << 20]);
    table.check("file system", "disk full", &file_system, |_| {}, full);
    match sqlite {
        Ok(cache) => table.check("SQLite", "disk full", &cache, |_| {}, full),
        Err(_) => table.not_tested("SQLite", "disk full"),
    }
    assert!(Command::new("umount").arg("-l").arg(&disk).status().unwrap().success());
}

#[test]
fn every_page_renders_whatever_is_wrong() {
    let mut table = Table::default();
    let scratch = tempfile::tempdir().unwrap();
    for name in ["files", "sqlite", "full"] {
        fs::create_dir(scratch.path().join(name)).unwrap();
    }
    files(&mut table, &scratch.path().join("files"));
    sqlite(&mut table, &scratch.path().join("sqlite"));
    full_disk(&mut table, &scratch.path().join("full"));
    for kind in &KINDS {
        servers(&mut table, kind);
        liars(&mut table, kind);
    }
    table.print();
}
