//! One cache, many environments: two that could render differently never share an entry; names and files do not matter.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::Arc;

use haiden::cache::{BytecodeCache, MemoryBytecodeCache};
use haiden::loader::DictLoader;
use haiden::{Environment, Extensions, Syntax, context};

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

/// An environment for each option that reaches the compiler, and the plain one.
fn environments() -> BTreeMap<&'static str, Environment> {
    let mut all = BTreeMap::from([("plain", Environment::new())]);
    for (name, change) in SYNTAX {
        let mut environment = Environment::new();
        let mut syntax = environment.syntax().clone();
        change(&mut syntax);
        environment.set_syntax(syntax).unwrap();
        all.insert(name, environment);
    }
    let mut escaping = Environment::new();
    escaping.set_autoescape(true);
    all.insert("autoescape", escaping);
    let mut unoptimized = Environment::new();
    unoptimized.set_optimized(false);
    all.insert("optimized", unoptimized);
    for environment in all.values_mut() {
        environment.set_loader(DictLoader::new([("page", SOURCE), ("page.html", SOURCE)]));
    }
    all
}

fn page(environment: &Environment) -> String {
    let rendered =
        environment.get_template("page").and_then(|template| template.render(context! { x => "<x>" }));
    rendered.unwrap_or_else(|error| error.to_string())
}

#[test]
fn no_two_options_share_an_entry() {
    let mut keys = BTreeMap::new();
    for (name, environment) in environments() {
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
        environments().into_iter().map(|(name, environment)| (name, page(&environment))).collect();
    let distinct: std::collections::BTreeSet<_> = without.values().collect();
    assert!(distinct.len() > 8, "the source shows most options: {distinct:?}");
    for round in 0..2 {
        for (name, mut environment) in environments() {
            environment.set_bytecode_cache(Some(Arc::clone(&cache)));
            assert_eq!(page(&environment), without[name], "{name}, round {round}");
        }
    }
    let figures = cache.statistics();
    assert_eq!(figures.hits, figures.writes, "in the second round all that compiled hit");
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
        assert_eq!(page(&environment), format!("version {version}"));
    }
    assert_eq!((cache.statistics().misses, cache.statistics().hits), (2, 18));
}
