//! One environment, many threads; templates that change; stores that lie.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use haiden::cache::{BytecodeCache, DEFAULT_PATTERN, FileSystemBytecodeCache, MemoryBytecodeCache};
use haiden::loader::{DictLoader, FileSystemLoader, FunctionLoader, LoadError, Source};
use haiden::{AutoEscape, CacheSize, Environment, Value, context};

const THREADS: usize = 8;
const TURNS: usize = 40;

/// Runs on each of the threads at once, with the thread's number.
fn on_threads(run: impl Fn(usize) + Send + Sync) {
    let barrier = Barrier::new(THREADS);
    let (run, barrier) = (&run, &barrier);
    thread::scope(|scope| {
        for number in 0..THREADS {
            scope.spawn(move || {
                barrier.wait();
                run(number);
            });
        }
    });
}

fn render(environment: &Environment, name: &str, x: usize) -> String {
    let page = environment.get_template(name).and_then(|template| template.render(context! { x }));
    page.unwrap_or_else(|error| panic!("{}", error.report()))
}

/// Pages with a layout, an include and a macro; page `n` says `n`.
fn site(pages: usize) -> DictLoader {
    let loader = DictLoader::new([
        ("base", "<{% block body %}{% endblock %}|{% include 'part' %}>"),
        ("part", "{{ x }}"),
        ("macros", "{% macro twice(t) %}{{ t }}{{ t }}{% endmacro %}"),
    ]);
    for page in 0..pages {
        let source = format!(
            "{{% extends 'base' %}}{{% from 'macros' import twice %}}{{% block body %}}{{{{ twice({page}) }}}}{{% endblock %}}"
        );
        loader.insert(format!("page{page}"), source);
    }
    loader
}

fn expected(page: usize, x: usize) -> String {
    format!("<{page}{page}|{x}>")
}

#[test]
fn threads_share_an_environment() {
    for size in [-1, 0, 1, 2, 5, 400] {
        let mut environment = Environment::new();
        environment.set_loader(site(10));
        environment.set_cache_size(size);
        on_threads(|thread| {
            for turn in 0..TURNS {
                let page = if turn % 2 == 0 { 0 } else { (thread + turn) % 10 };
                assert_eq!(
                    render(&environment, &format!("page{page}"), turn),
                    expected(page, turn),
                    "size {size}"
                );
            }
        });
    }
}

#[test]
fn threads_share_a_template_and_its_data() {
    let mut environment = Environment::new();
    environment.set_loader(site(1));
    environment.add_template("list", "{% for i in items %}{{ i.name ~ loop.index }}{% endfor %}{% set _ = items.append(1) %}{{ items | length }}").expect("it compiles");
    let template = environment.get_template("list").expect("it is there");
    let item: Value = [("name", Value::from("n"))].into_iter().collect();
    let data: Value = [("items", Value::from(vec![item; 20]))].into_iter().collect();
    let page = template.render(&data).expect("a page");
    assert!(page.starts_with("n1n2n3") && page.ends_with("n2021"), "{page}");
    on_threads(|_| {
        for _ in 0..TURNS {
            assert_eq!(
                template.render(&data).expect("a page"),
                page,
                "one render changed the data of another"
            );
        }
    });
}

#[test]
fn threads_with_one_bytecode_cache() {
    let directory = tempfile::tempdir().expect("a directory");
    let store: Arc<dyn BytecodeCache> =
        Arc::new(FileSystemBytecodeCache::new(Some(directory.path()), DEFAULT_PATTERN).expect("a store"));
    on_threads(|thread| {
        for turn in 0..TURNS {
            let mut environment = Environment::new();
            environment.set_loader(site(4));
            environment.set_bytecode_cache(Some(store.clone()));
            let page = (thread + turn) % 4;
            assert_eq!(render(&environment, &format!("page{page}"), turn), expected(page, turn));
        }
    });
    let statistics = store.statistics();
    assert!(
        statistics.hits > 0 && statistics.load_failures == 0 && statistics.dump_failures == 0,
        "{statistics}"
    );
}

#[test]
fn templates_change_while_threads_render() {
    let loader = site(0);
    loader.insert("changing", "{% include 'part' %} v0");
    let mut environment = Environment::new();
    environment.set_loader(loader.clone());
    on_threads(|thread| {
        let mut newest = 0;
        for turn in 0..TURNS {
            if thread == 0 {
                loader.insert("changing", format!("{{% include 'part' %}} v{turn}"));
                assert_eq!(render(&environment, "changing", turn), format!("{turn} v{turn}"));
            } else {
                let page = render(&environment, "changing", turn);
                let version: usize = page
                    .strip_prefix(&format!("{turn} v"))
                    .and_then(|version| version.parse().ok())
                    .unwrap_or_else(|| panic!("{page:?}"));
                assert!(version >= newest, "version {version} after {newest}");
                newest = version;
            }
        }
    });
}

// ---- the templates in memory -------------------------------------------------------------------------------------

/// An environment whose loader counts how often it is asked for a source.
fn counting(size: CacheSize) -> (Environment, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let mut environment = Environment::new();
    environment.set_loader(FunctionLoader::new(move |name: &str| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok::<_, LoadError>((name != "none").then(|| Source::new(format!("this is {name}"))))
    }));
    environment.set_cache_size(size);
    (environment, asked)
}

#[test]
fn the_template_used_longest_ago_makes_room() {
    let (environment, asked) = counting(CacheSize::Entries(2));
    for (name, loads) in
        [("a", 1), ("a", 1), ("b", 2), ("a", 2), ("c", 3), ("a", 3), ("b", 4), ("c", 5), ("c", 5)]
    {
        assert_eq!(render(&environment, name, 0), format!("this is {name}"));
        assert_eq!(asked.load(Ordering::Relaxed), loads, "{name}");
    }
    environment.clear_cache();
    render(&environment, "c", 0);
    assert_eq!(asked.load(Ordering::Relaxed), 6);
    assert!(environment.get_template("none").is_err() && environment.get_template("none").is_err());
    assert_eq!(asked.load(Ordering::Relaxed), 8, "that there is none is not kept");
}

#[test]
fn sizes_of_the_cache() {
    for (size, loads) in [
        (CacheSize::Nothing, 1500),
        (CacheSize::Entries(499), 1500),
        (CacheSize::Entries(500), 500),
        (CacheSize::Unbounded, 500),
    ] {
        let (environment, asked) = counting(size);
        for _ in 0..3 {
            for number in 0..500 {
                render(&environment, &number.to_string(), 0);
            }
        }
        assert_eq!(asked.load(Ordering::Relaxed), loads, "{size:?}");
    }
}

#[test]
fn a_changed_source_is_loaded_again() {
    for reload in [true, false] {
        let loader = DictLoader::new([
            ("page", "{% include 'part' %}{% extends 'base' %}"),
            ("base", "base1 {% include 'part' %}"),
            ("part", "part1"),
        ]);
        let mut environment = Environment::new();
        environment.set_loader(loader.clone());
        environment.set_auto_reload(reload);
        let first = render(&environment, "page", 0);
        assert!(first.ends_with("base1 part1"), "{first}");
        loader.insert("part", "part2");
        loader.insert("base", "base2 {% include 'part' %}");
        let second = render(&environment, "page", 0);
        assert_eq!(second.ends_with("base2 part2"), reload, "{second}");
        assert_eq!(second == first, !reload, "{second}");
        loader.remove("page");
        assert_eq!(environment.get_template("page").is_err(), reload);
    }
}

#[test]
fn a_changed_file_is_loaded_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("page.txt");
    let store = tempfile::tempdir().expect("a directory");
    let store: Arc<dyn BytecodeCache> =
        Arc::new(FileSystemBytecodeCache::new(Some(store.path()), DEFAULT_PATTERN).expect("a store"));
    fs::write(&file, "one").expect("a file");
    for (reload, bytecode) in [(true, None), (true, Some(store.clone())), (false, Some(store))] {
        fs::write(&file, "one").expect("a file");
        let mut environment = Environment::new();
        environment.set_loader(FileSystemLoader::new(directory.path()));
        environment.set_auto_reload(reload);
        environment.set_bytecode_cache(bytecode);
        assert_eq!(render(&environment, "page.txt", 0), "one");
        for text in ["longer than before", "t"] {
            fs::write(&file, text).expect("a file");
            // A clock that is too coarse must not hide the change.
            let later = std::time::SystemTime::now() + std::time::Duration::from_secs(text.len() as u64);
            fs::File::options()
                .write(true)
                .open(&file)
                .and_then(|f| f.set_modified(later))
                .expect("our file");
            assert_eq!(render(&environment, "page.txt", 0), if reload { text } else { "one" });
        }
        fs::remove_file(&file).expect("our file");
        assert_eq!(environment.get_template("page.txt").is_err(), reload);
    }
}

#[test]
fn settings_change_one_handle_only() {
    let mut environment = Environment::new();
    environment.add_template("page.html", "{{ '<' }}{{ x }}").expect("it compiles");
    let old = environment.clone();
    let template = old.get_template("page.html").expect("it is there");
    environment.set_autoescape(AutoEscape::On);
    assert_eq!(render(&environment, "page.html", 1), "&lt;1");
    assert_eq!(render(&old, "page.html", 1), "<1");
    assert_eq!(template.render(context! { x => 1 }).expect("a page"), "<1");
}

// ---- poisoned stores ---------------------------------------------------------------------------------------------

struct Poisoned {
    directory: tempfile::TempDir,
    entries: Vec<(PathBuf, Vec<u8>)>,
}

const SOURCES: [(&str, &str); 2] = [
    (
        "page",
        "{% macro m(a, b=2) %}{{ a }}{{ b | upper }}{% endmacro %}{% for i in [1, 'two'] %}{{ m(i) }},{% endfor %}{% include 'part' %}",
    ),
    ("part", "part {{ x + 1 }}"),
];
const PAGE: &str = "12,two2,part 2";

/// Renders with a store in this directory; its hits and misses.
fn page_of(directory: &Path) -> (u64, u64) {
    let store: Arc<dyn BytecodeCache> =
        Arc::new(FileSystemBytecodeCache::new(Some(directory), DEFAULT_PATTERN).expect("a store"));
    let mut environment = Environment::new();
    environment.set_loader(DictLoader::new(SOURCES));
    environment.set_bytecode_cache(Some(store.clone()));
    assert_eq!(render(&environment, "page", 1), PAGE);
    let statistics = store.statistics();
    (statistics.hits, statistics.misses)
}

impl Poisoned {
    fn new() -> Poisoned {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(page_of(directory.path()), (0, 2));
        assert_eq!(page_of(directory.path()), (2, 0));
        let mut entries: Vec<_> = fs::read_dir(directory.path())
            .expect("a directory")
            .map(|entry| entry.expect("an entry").path())
            .map(|path| (path.clone(), fs::read(path).expect("a file")))
            .collect();
        entries.sort();
        assert_eq!(entries.len(), 2);
        Poisoned { directory, entries }
    }

    /// With these bytes in place of an entry, that one is a miss and the page is right.
    fn check(&self, entry: usize, bytes: &[u8], what: &str) {
        for (path, bytes) in &self.entries {
            fs::write(path, bytes).expect("a file");
        }
        fs::write(&self.entries[entry].0, bytes).expect("a file");
        assert_eq!(page_of(self.directory.path()), (1, 1), "{what}");
        assert_eq!(page_of(self.directory.path()), (2, 0), "{what}: it is replaced");
    }
}

#[test]
fn truncated_entries_are_misses() {
    let poisoned = Poisoned::new();
    for (entry, (_, bytes)) in poisoned.entries.iter().enumerate() {
        for length in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
            poisoned.check(entry, &bytes[..length], &format!("entry {entry} of {length} bytes"));
        }
        poisoned.check(entry, &[&bytes[..], b"\0"].concat(), "a byte more");
        poisoned.check(entry, &bytes.repeat(2), "twice");
    }
}

#[test]
fn entries_with_a_flipped_byte_are_misses() {
    let poisoned = Poisoned::new();
    for (entry, (_, bytes)) in poisoned.entries.iter().enumerate() {
        for at in (0..bytes.len()).step_by(5) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << (at % 8);
            poisoned.check(entry, &bytes, &format!("entry {entry}, byte {at}"));
        }
    }
}

#[test]
fn entries_of_others_are_misses() {
    let poisoned = Poisoned::new();
    let [(_, first), (_, second)] = &poisoned.entries[..] else { panic!("two entries") };
    poisoned.check(0, second, "the entry of another template");
    poisoned.check(1, first, "the entry of another template");
    poisoned.check(0, b"", "nothing");
    poisoned.check(0, &vec![0xff; 100_000], "rubbish");
}

/// Loads a template once all threads have asked for it.
fn slow_loader(
    asked: Arc<AtomicUsize>,
    source: impl Fn(usize) -> String + Send + Sync + 'static,
) -> impl haiden::loader::Loader {
    let turns = AtomicUsize::new(0);
    FunctionLoader::new(move |_: &str| {
        let turn = turns.fetch_add(1, Ordering::SeqCst);
        // The others are about to wait; that they do, no clock can promise. What is asserted holds either way.
        while asked.load(Ordering::SeqCst) < THREADS {
            thread::yield_now();
        }
        thread::sleep(std::time::Duration::from_millis(20));
        Ok::<_, LoadError>(Some(Source::new(source(turn))))
    })
}

#[test]
fn threads_load_a_cold_template_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let cache = Arc::new(haiden::cache::MemoryBytecodeCache::new(10, 1 << 20));
    let mut environment = Environment::new();
    environment.set_loader(slow_loader(Arc::clone(&asked), |turn| format!("loaded {turn}")));
    environment.set_bytecode_cache(Some(Arc::clone(&cache) as Arc<dyn BytecodeCache>));
    on_threads(|_| {
        asked.fetch_add(1, Ordering::SeqCst);
        assert_eq!(render(&environment, "page", 0), "loaded 0");
    });
    assert_eq!((cache.statistics().misses, cache.statistics().writes), (1, 1));
    assert_eq!(environment.cache_statistics().size, Some(1));
}

/// A site is deployed: files change, then memory is cleared. What was read before must not come back after.
#[test]
fn what_is_loaded_while_memory_is_cleared_is_not_kept() {
    for bytecode in [false, true] {
        let source = Arc::new(AtomicUsize::new(0));
        let (read, cleared) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (text, reads, clears) = (source.clone(), read.clone(), cleared.clone());
        let mut environment = Environment::new();
        environment.set_auto_reload(false);
        environment.set_loader(FunctionLoader::new(move |_| {
            let version = text.load(Ordering::SeqCst);
            if version == 0 {
                reads.wait();
                clears.wait();
            }
            Ok(Some(Source::new(format!("version {version}"))))
        }));
        if bytecode {
            environment.set_bytecode_cache(Some(Arc::new(MemoryBytecodeCache::new(10, 1 << 20))));
        }
        thread::scope(|scope| {
            let old = scope.spawn(|| {
                if bytecode {
                    environment.prefetch(["page"]).unwrap();
                } else {
                    assert_eq!(render(&environment, "page", 0), "version 0");
                }
            });
            read.wait();
            source.store(1, Ordering::SeqCst);
            environment.clear_cache();
            assert_eq!(render(&environment, "page", 0), "version 1", "nobody waits for the old one");
            cleared.wait();
            old.join().unwrap();
        });
        assert_eq!(render(&environment, "page", 0), "version 1");
    }
}

#[test]
fn threads_share_the_error_of_a_cold_template() {
    let asked = Arc::new(AtomicUsize::new(0));
    let mut environment = Environment::new();
    environment.set_loader(slow_loader(Arc::clone(&asked), |_| "{% if %}".to_owned()));
    on_threads(|_| {
        asked.fetch_add(1, Ordering::SeqCst);
        let error = environment.get_template("page").expect_err("its syntax is wrong");
        assert_eq!((error.kind(), error.line()), (haiden::ErrorKind::Syntax, Some(1)));
    });
}

#[test]
fn a_loader_that_panics_fails_its_own_thread_only() {
    let asked = Arc::new(AtomicUsize::new(0));
    let mut environment = Environment::new();
    environment.set_loader(slow_loader(Arc::clone(&asked), |turn| {
        assert!(turn > 0, "the first load panics");
        "fine".to_owned()
    }));
    let panicked = AtomicUsize::new(0);
    on_threads(|_| {
        asked.fetch_add(1, Ordering::SeqCst);
        let load = || render(&environment, "page", 0);
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(load)) {
            Ok(page) => assert_eq!(page, "fine"),
            Err(_) => drop(panicked.fetch_add(1, Ordering::SeqCst)),
        }
    });
    assert_eq!(panicked.load(Ordering::SeqCst), 1);
}
