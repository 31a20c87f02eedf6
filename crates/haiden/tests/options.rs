//! One cache, many environments: two that could render differently never share an entry; names and files do not matter.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::Arc;

use haiden::cache::{BytecodeCache, CacheStatistics, FileSystemBytecodeCache, MemoryBytecodeCache};
use haiden::loader::{DictLoader, FileSystemLoader};
use haiden::{
    CacheSize, Environment, Error, Extensions, GettextStyle, JsonOptions, NullTranslations, Policies,
    Sandbox, SandboxPolicy, Syntax, UndefinedKind, Value, context,
};

/// Something for every option to change.
const SOURCE: &str = "{% if true %}\n  {% set y = x %}\n{{ y }}<% x %>[[ x ]](# x #){# a #}\n% set z = 1\n{{ 1 + 1 }} //c\n{% endif %}end\n";

type Change = fn(&mut Syntax);

/// Every option of the syntax, changed.
const SYNTAX: [(&str, Change); 14] = [
    ("block_start_string", |syntax| syntax.block_start_string = "{%%".into()),
    ("block_end_string", |syntax| syntax.block_end_string = "%%}".into()),
    ("variable_start_string", |syntax| syntax.variable_start_string = "[[".into()),
    ("variable_end_string", |syntax| syntax.variable_end_string = "]]".into()),
    ("comment_start_string", |syntax| syntax.comment_start_string = "(#".into()),
    ("comment_end_string", |syntax| syntax.comment_end_string = "#)".into()),
    ("line_statement_prefix", |syntax| syntax.line_statement_prefix = Some("%".into())),
    ("line_comment_prefix", |syntax| syntax.line_comment_prefix = Some("//".into())),
    ("trim_blocks", |syntax| syntax.trim_blocks = true),
    ("lstrip_blocks", |syntax| syntax.lstrip_blocks = true),
    ("newline_sequence", |syntax| syntax.newline_sequence = "\r\n".into()),
    ("keep_trailing_newline", |syntax| syntax.keep_trailing_newline = true),
    ("extensions: do", |syntax| syntax.extensions = syntax.extensions.with(Extensions::DO)),
    ("extensions: loopcontrols", |syntax| {
        syntax.extensions = syntax.extensions.with(Extensions::LOOP_CONTROLS);
    }),
];

type Choose = fn(&mut Environment);

/// Says what a sum is.
struct Sums;

impl SandboxPolicy for Sums {
    fn binary(&self, _: &str, _: &Value, _: &Value) -> Option<Result<Value, Error>> {
        Some(Ok(Value::from("sum")))
    }
}

/// What the other options change: the same sources come to something else.
const OTHERS: [(&str, Choose); 16] = [
    ("plain", |_| {}),
    ("autoescape", |environment| environment.set_autoescape(true)),
    ("optimized", |environment| environment.set_optimized(false)),
    ("extensions: i18n, old style", |environment| {
        environment.install_translations(NullTranslations, GettextStyle::Old);
    }),
    ("extensions: i18n, new style", |environment| {
        environment.install_translations(NullTranslations, GettextStyle::New);
    }),
    ("policies: i18n_trimmed", |environment| {
        environment.install_translations(NullTranslations, GettextStyle::Old);
        environment.set_policies(Policies { i18n_trimmed: true, ..Policies::default() });
    }),
    ("policies: json", |environment| {
        let json = JsonOptions { sort_keys: false, ..JsonOptions::default() };
        environment.set_policies(Policies { json_dumps_kwargs: json, ..Policies::default() });
    }),
    ("extensions: debug", |environment| environment.add_extensions(Extensions::DEBUG)),
    ("native_types", |environment| environment.set_native_types(true)),
    ("finalize", |environment| environment.set_finalize(|value: Value| format!("<{value}>"))),
    ("sandbox", |environment| environment.set_sandbox(Some(Sandbox::default()))),
    ("sandbox, intercepted", |environment| {
        environment.set_sandbox(Some(Sandbox::new().policy(Sums).intercept("+")));
    }),
    ("undefined", |environment| environment.set_undefined(UndefinedKind::Debug)),
    ("filters", |environment| environment.add_filter("upper", |text: String| format!("{text}!"))),
    ("tests", |environment| environment.add_test("odd", |_: i64| false)),
    ("globals", |environment| environment.add_global("nobody", "somebody")),
];

/// Something for each of them to change.
const PAGES: [(&str, &str); 9] = [
    ("page", SOURCE),
    ("words", "{% trans n=x %}\n  one %\n  {{ n }}\n{% endtrans %}"),
    ("debug", "{% debug %}"),
    (
        "names",
        "{{ 1 + 1 }}{{ x }}{{ nobody }}{{ 'a'|upper }}{{ 1 is odd }}{{ 3 + n }}{{ {'b': 1, 'a': 2}|tojson }}",
    ),
    ("set", "{% set v %}{{ [1] }}{% endset %}{{ v[0] }}"),
    ("range", "{{ range(200000)|length }}"),
    ("do", "{% do [1] %}done"),
    ("break", "{% for n in [1, 2] %}{% break %}{% else %}none{% endfor %}"),
    ("page.html", SOURCE),
];

/// An environment for each option.
fn environments() -> BTreeMap<&'static str, Environment> {
    let mut all = BTreeMap::new();
    for (name, change) in SYNTAX {
        let mut environment = Environment::new();
        let mut syntax = environment.syntax().clone();
        change(&mut syntax);
        environment.set_syntax(syntax).unwrap();
        all.insert(name, environment);
    }
    for (name, change) in OTHERS {
        let mut environment = Environment::new();
        change(&mut environment);
        all.insert(name, environment);
    }
    for environment in all.values_mut() {
        environment.set_loader(DictLoader::new(PAGES));
    }
    all
}

/// All pages, as text.
fn pages(environment: &Environment) -> String {
    PAGES.map(|(name, _)| page(environment, name)).join("\0")
}

fn page(environment: &Environment, name: &str) -> String {
    let context = context! { x => "<x>", n => 4 };
    let rendered = environment.get_template(name).and_then(|template| template.render(context));
    rendered.unwrap_or_else(|error| error.to_string())
}

/// The bytecode of every page, by its key.
fn bytecode(mut environment: Environment) -> BTreeMap<String, Arc<[u8]>> {
    let cache = Arc::new(MemoryBytecodeCache::new(100, 1 << 20));
    environment.set_bytecode_cache(Some(cache.clone()));
    pages(&environment);
    let entries = cache.entries().unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.key, entry.bytecode)).collect()
}

/// Whatever two environments differ in: where their bytecode differs, so do the keys.
#[test]
fn equal_keys_are_equal_bytecode() {
    let mut all: BTreeMap<String, (&str, Arc<[u8]>)> = BTreeMap::new();
    for (name, environment) in environments() {
        for (key, bytes) in bytecode(environment) {
            let (other, expected) = all.entry(key).or_insert((name, bytes.clone()));
            assert!(*expected == bytes, "{name} and {other} share a key, and not the bytecode");
        }
    }
}

/// Options that are part of what is compiled.
#[test]
fn no_two_options_share_an_entry() {
    let at_run_time = ["policies: json", "sandbox", "undefined", "filters", "tests", "globals"];
    let mut keys = BTreeMap::new();
    for (name, environment) in environments() {
        if at_run_time.contains(&name) {
            continue;
        }
        let (key, size) = environment.content_key("page").unwrap();
        assert_eq!(size, SOURCE.len());
        if let Some(other) = keys.insert(key, name) {
            panic!("{name} and {other} share a key");
        }
    }
}

/// Jinja2's issue 1738: there, a page compiled without autoescape is served to an environment with it.
#[test]
fn pages_out_of_a_shared_cache_are_those_without_one() {
    let cache: Arc<dyn BytecodeCache> = Arc::new(MemoryBytecodeCache::new(1000, 1 << 20));
    let without: BTreeMap<_, _> =
        environments().into_iter().map(|(name, environment)| (name, pages(&environment))).collect();
    for name in without.keys().filter(|&&name| !["plain", "optimized"].contains(&name)) {
        assert_ne!(without[name], without["plain"], "{name}: the pages show what it does");
    }
    for round in 0..2 {
        for (name, mut environment) in environments() {
            environment.set_bytecode_cache(Some(Arc::clone(&cache)));
            assert_eq!(pages(&environment), without[name], "{name}, round {round}");
        }
    }
    let figures = cache.statistics();
    assert!(figures.rejections.total() == 0 && figures.hits > figures.writes, "{figures}");
}

#[test]
fn a_name_does_not_matter() {
    for (name, environment) in environments() {
        let keys = ["page", "page.html"].map(|page| environment.content_key(page).unwrap());
        assert_eq!(keys[0], keys[1], "{name}");
    }
}

/// Two versions of a template in a rolling deployment: as many misses as versions, however the workers alternate.
#[test]
fn a_rolling_deployment_misses_once_a_version() {
    let cache: Arc<dyn BytecodeCache> = Arc::new(MemoryBytecodeCache::new(1000, 1 << 20));
    for worker in 0..20 {
        let version = worker % 2;
        let mut environment = Environment::new();
        environment.set_loader(DictLoader::new([("page", format!("version {version}"))]));
        environment.set_bytecode_cache(Some(Arc::clone(&cache)));
        assert_eq!(page(&environment, "page"), format!("version {version}"));
    }
    assert_eq!((cache.statistics().misses, cache.statistics().hits), (2, 18));
}

/// What a change of a source costs, and what it does not: the entry of the old source stays, and is a hit when it comes back.
#[test]
fn what_is_reloaded_is_looked_up_anew() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Arc::new(FileSystemBytecodeCache::new(Some(&folder.path().join("cache")), "%s").unwrap());
    let file = folder.path().join("page");
    let write = |text: &str| {
        std::fs::write(&file, text).unwrap();
        // Not the same time twice, however coarse the file system's clock is.
        let turn = std::time::Duration::from_secs(text.len() as u64 * 10);
        std::fs::File::open(&file).unwrap().set_modified(std::time::SystemTime::now() - turn).unwrap();
    };
    let since = |before: &CacheStatistics| {
        let now = cache.statistics();
        (now.hits - before.hits, now.misses - before.misses)
    };
    // For each size of the memory and whether it looks again: what is asked of the store by three renders of the old source,
    // two of the new one, and one after the memory was cleared; and whether the new source is seen.
    for (size, reload, old, new, cleared, sees) in [
        (CacheSize::Nothing, true, 3, 2, 1, true),
        (CacheSize::Nothing, false, 3, 2, 1, true),
        (CacheSize::Entries(10), true, 1, 1, 1, true),
        (CacheSize::Entries(10), false, 1, 0, 1, false),
        (CacheSize::Unbounded, true, 1, 1, 1, true),
        (CacheSize::Unbounded, false, 1, 0, 1, false),
    ] {
        for warm in [false, true] {
            if !warm {
                cache.clear().unwrap();
            }
            let case = format!("{size:?}, auto_reload {reload}, warm {warm}");
            write("old");
            let mut environment = Environment::new();
            environment.set_loader(FileSystemLoader::new(folder.path()));
            environment.set_cache_size(size);
            environment.set_auto_reload(reload);
            environment.set_bytecode_cache(Some(cache.clone()));
            let misses = |asked: u64| if warm { 0 } else { asked.min(1) };
            let start = cache.statistics();
            for _ in 0..3 {
                assert_eq!(page(&environment, "page"), "old", "{case}");
            }
            assert_eq!(since(&start), (old - misses(old), misses(old)), "{case}: the old source");
            write("newer");
            let start = cache.statistics();
            for _ in 0..2 {
                assert_eq!(page(&environment, "page"), if sees { "newer" } else { "old" }, "{case}");
            }
            assert_eq!(since(&start), (new - misses(new), misses(new)), "{case}: the new source");
            write("old");
            environment.clear_cache();
            let start = cache.statistics();
            assert_eq!(page(&environment, "page"), "old", "{case}");
            assert_eq!(since(&start), (cleared, 0), "{case}: what comes back is still there");
            if !sees {
                write("newer");
                environment.clear_cache();
                assert_eq!(page(&environment, "page"), "newer", "{case}"); // for the warm turn
            }
        }
    }
}
