//! Many at once: processes that write and are killed, threads that clear and collect, forks, one cold template.

use std::borrow::Cow;
use std::io::{BufRead as _, BufReader, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant, SystemTime};

use haiden::cache::testkit::Server;
use haiden::cache::{
    Bounds, BytecodeCache, CacheStatistics, Clock, MemoryBytecodeCache, SqliteBytecodeCache,
};
use haiden::extension::{Extension, Preprocessor};
use haiden::loader::{FunctionLoader, LoadError, Source};
use haiden::{Environment, Error, context};

use crate::directories;
use crate::process::{another, heard, this_program};
use crate::servers::KINDS;
use crate::table::{Cache, Figures, LOOKUPS, PATIENT, Table, render, unharmed};

type Open = fn(&Path) -> Cache;
/// As they are by default: who writes into SQLite's file waits for others a quarter of a second, and then does not write.
const LOCAL: [(&str, Open); 2] = [("directory", directories::open), ("SQLite", hasty)];

fn hasty(path: &Path) -> Cache {
    Arc::new(SqliteBytecodeCache::new(path).unwrap())
}

/// The cache that another process named.
pub(crate) fn open(store: &str, at: &str) -> Cache {
    let local = LOCAL.iter().find(|(name, _)| *name == store).map(|(_, open)| open(Path::new(at)));
    let remote = || KINDS.iter().find(|kind| kind.store == store).map(|kind| (kind.open)(at, PATIENT));
    local.or_else(remote).expect("a store of these tests")
}

// ---- writers that are killed -------------------------------------------------------------------------------------

/// Writes and clears until it is killed.
pub(crate) fn write_for_ever(store: &str, at: &str) {
    let cache = open(store, at);
    for turn in 0_u64.. {
        render(Some(&cache));
        for number in 0..8 {
            let mut environment = Environment::new();
            let source = format!("{}{}", turn * 8 + number, "x".repeat(50_000));
            environment.add_template("large", &source).unwrap();
            environment.set_bytecode_cache(Some(cache.clone()));
            environment.get_template("large").unwrap();
        }
        cache.clear().unwrap();
        std::io::stdout().write_all(b"\nwritten\n").expect("somebody listens");
    }
}

fn writer(store: &str, at: &Path) -> Child {
    let mut command = another(&["env"], &this_program(), &["writes", store, at.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "written"), "{store}: a writer ended");
    // Nobody reads on, and nobody has to: what does not fit in the pipe stops no kill.
    std::thread::spawn(move || lines.count());
    child
}

/// Four processes write and clear all the while; each is killed at some point, and what they leave is whole.
fn killed_writers(table: &mut Table, scratch: &Path) {
    for (store, open) in LOCAL {
        let at = scratch.join(format!("killed-{store}"));
        let cache = open(&at);
        let mut writers: Vec<_> = (0..4).map(|_| writer(store, &at)).collect();
        let kill = |worker| {
            if worker % 5 == 0 {
                let writer: &mut Child = &mut writers[worker as usize / 5];
                writer.kill().unwrap();
                writer.wait().unwrap();
            }
        };
        table.check(store, "writers killed (kill -9)", &cache, kill, unharmed);
        assert!(cache.entries().unwrap().all(|entry| entry.is_ok()), "{store}");
        if store == "SQLite" {
            let connection = rusqlite::Connection::open(&at).unwrap();
            let sound: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
            assert_eq!(sound, "ok");
        }
    }
}

// ---- clearing and collecting -------------------------------------------------------------------------------------

/// A cache of another worker's, to which everything is old.
fn later(store: &str, at: &Path) -> Cache {
    if store == "directory" {
        return directories::open(at);
    }
    let clock = Clock::new(|| SystemTime::now() + Duration::from_hours(1));
    // Who clears has to, however many others write.
    Arc::new(SqliteBytecodeCache::builder(at).busy_timeout(PATIENT).clock(clock).open().unwrap())
}

fn collect(cache: &Cache, at: &Path) {
    for entry in at.read_dir().into_iter().flatten().flatten() {
        if let Ok(file) = std::fs::File::open(entry.path()) {
            file.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
        }
    }
    cache.collect(&Bounds { max_entries: Some(0), ..Bounds::default() }, false).unwrap();
}

fn meanwhile(table: &mut Table, scratch: &Path) {
    type Work = fn(&Cache, &Path);
    let works: [(&str, Work); 2] = [
        ("cleared all the while", |cache, _| assert!(cache.clear().is_ok())),
        ("collected all the while", collect),
    ];
    for (store, open) in LOCAL {
        for (fault, work) in works {
            let at = scratch.join(format!("{fault}-{store}"));
            let (cache, other) = (open(&at), later(store, &at));
            let (over, turns) = (AtomicBool::new(false), AtomicUsize::new(0));
            std::thread::scope(|scope| {
                let _over = OnDrop(|| over.store(true, SeqCst));
                scope.spawn(|| {
                    while !over.load(SeqCst) {
                        work(&other, &at);
                        turns.fetch_add(1, SeqCst);
                    }
                });
                // Each worker comes while another turn is under way.
                let wait = |worker| {
                    while turns.load(SeqCst) < worker as usize {
                        std::thread::yield_now();
                    }
                };
                table.check(store, fault, &cache, wait, unharmed);
            });
        }
    }
}

/// Does something when a scope is left, however it is.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

// ---- forks -------------------------------------------------------------------------------------------------------

/// Run in a process without other threads: a child every five workers goes on with what its parent had opened.
pub(crate) fn fork_after_connecting(store: &str, at: &str) -> Figures {
    let cache = open(store, at);
    let expected = render(Some(&cache));
    let mut children = Vec::new();
    let fork = |worker| {
        if worker % 5 != 0 {
            return;
        }
        match fork::fork().unwrap() {
            fork::Fork::Parent(child) => children.push(child),
            fork::Fork::Child => {
                let right =
                    || (0..20).all(|_| render(Some(&cache)) == expected) && unharmed(&cache.statistics());
                let right = catch_unwind(AssertUnwindSafe(right)).unwrap_or(false);
                std::process::exit(i32::from(!right));
            }
        }
    };
    let told = |figures: &CacheStatistics| figures.hits == LOOKUPS && unharmed(figures);
    let figures = Figures::of(store, &cache, fork, told);
    for child in children {
        assert_eq!(fork::waitpid(child).unwrap(), 0, "{store}: a child failed");
    }
    figures
}

fn forks(table: &mut Table, scratch: &Path) {
    let fault = "forks after connecting";
    let mut check = |store, at: &str| {
        let output = another(&["env"], &this_program(), &["forks", store, at]).output().unwrap();
        table.add(store, fault, heard(&output));
    };
    for (store, _) in LOCAL {
        check(store, scratch.join(format!("forks-{store}")).to_str().unwrap());
    }
    for kind in &KINDS {
        let server: Option<Server> = (kind.start)(&[]);
        if let Some(server) = server {
            check(kind.store, &server.url(kind.scheme));
        }
    }
}

// ---- eight threads on one cold template --------------------------------------------------------------------------

/// An extension whose hook panics; its users are to get an error.
struct Brittle;

impl Extension for Brittle {
    fn name(&self) -> &'static str {
        "tests.Brittle"
    }
    fn version(&self) -> &'static str {
        "1"
    }
    fn preprocessor(&self) -> Option<&dyn Preprocessor> {
        Some(self)
    }
}

impl Preprocessor for Brittle {
    fn preprocess<'s>(&self, source: &'s str, _: Option<&str>) -> Result<Cow<'s, str>, Error> {
        assert!(source.is_empty(), "a hook that panics");
        Ok(source.into())
    }
}

#[derive(Debug, Clone, Copy)]
enum Harm {
    Nothing,
    Syntax,
    HookPanics,
    /// The loader panics, so many times.
    LoaderPanics(usize),
}

/// Waits until all have asked; counts how often it is asked.
fn slow_loader(harm: Harm, asked: Arc<AtomicUsize>, loads: Arc<AtomicUsize>) -> impl haiden::loader::Loader {
    FunctionLoader::new(move |_: &str| {
        while asked.load(SeqCst) < 8 {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(20)); // the others are about to wait
        let turn = loads.fetch_add(1, SeqCst);
        assert!(!matches!(harm, Harm::LoaderPanics(times) if turn < times), "load {turn} panics");
        let source = if let Harm::Syntax = harm { "{% if %}" } else { "fine" };
        Ok::<_, LoadError>(Some(Source::new(source.to_owned())))
    })
}

/// How many pages, errors and panics eight threads get.
fn eight(harm: Harm, cache: &Cache) -> ([usize; 3], usize, Duration) {
    let (asked, loads) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    let mut environment = Environment::new();
    environment.set_loader(slow_loader(harm, asked.clone(), loads.clone()));
    if let Harm::HookPanics = harm {
        environment.add_extension(Brittle);
    }
    environment.set_bytecode_cache(Some(cache.clone()));
    let start = Instant::now();
    let mut outcomes = [0; 3];
    std::thread::scope(|scope| {
        let load = || {
            asked.fetch_add(1, SeqCst);
            environment.get_template("cold")?.render(context! {})
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(load)).collect();
        for thread in threads {
            match thread.join() {
                Ok(Ok(page)) => {
                    assert_eq!(page, "fine");
                    outcomes[0] += 1;
                }
                Ok(Err(_)) => outcomes[1] += 1,
                Err(_) => outcomes[2] += 1,
            }
        }
    });
    (outcomes, loads.load(SeqCst), start.elapsed())
}

fn threads(table: &mut Table) {
    for (fault, harm, expected, loaded) in [
        ("8 threads, one cold template", Harm::Nothing, [8, 0, 0], 1),
        ("8 threads, a wrong template", Harm::Syntax, [0, 8, 0], 1),
        ("8 threads, its compile panics", Harm::HookPanics, [0, 8, 0], 1),
        ("8 threads, its load panics once", Harm::LoaderPanics(1), [7, 0, 1], 2),
        ("8 threads, its load panics", Harm::LoaderPanics(usize::MAX), [0, 0, 8], 8),
    ] {
        let cache = Arc::new(MemoryBytecodeCache::new(10, 1 << 20));
        let (outcomes, loads, spent) = eight(harm, &(cache.clone() as Cache));
        let told = cache.statistics();
        assert_eq!((outcomes, loads), (expected, loaded), "{fault}: pages, errors, panics; loads");
        assert_eq!((told.writes, told.hits), (u64::from(expected[0] > 0), 0), "{fault}");
        table.add("memory", fault, Figures::new(&told, spent, spent));
    }
}

pub(crate) fn crowds(table: &mut Table, scratch: &Path) {
    killed_writers(table, scratch);
    meanwhile(table, scratch);
    forks(table, scratch);
    threads(table);
}
