//! Prefetching: how often a cache is asked, what is in memory afterwards, what is left for the render.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use haiden::cache::{Bucket, Bundle, BytecodeCache, CacheError, Counters, MemoryBytecodeCache, Rejection};
use haiden::loader::DictLoader;
use haiden::{Environment, ErrorKind, context};

const SITE: [(&str, &str); 6] = [
    ("page.html", "{% extends 'layout.html' %}{% block body %}{% include 'part.html' %}{% endblock %}"),
    ("layout.html", "{% extends 'base.html' %}{% from 'macros.html' import m %}"),
    ("base.html", "<{% block body %}{% endblock %}>"),
    ("macros.html", "{% macro m() %}m{% endmacro %}"),
    ("part.html", "part{% include ['absent.html', 'wrong.html'] ignore missing %}{% include name %}"),
    ("named.html", "!"),
];

/// A cache far away: counts round trips.
struct Far {
    cache: MemoryBytecodeCache,
    trips: AtomicU64,
}

impl BytecodeCache for Far {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        self.load_many(&mut [bucket])
    }
    fn load_many(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
        self.trips.fetch_add(u64::from(!buckets.is_empty()), Relaxed);
        self.cache.load_many(buckets)
    }
    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        self.cache.dump_bytecode(bucket)
    }
    fn counters(&self) -> Option<&Counters> {
        self.cache.counters()
    }
}

fn far() -> Arc<Far> {
    Arc::new(Far { cache: MemoryBytecodeCache::new(100, 1 << 20), trips: AtomicU64::new(0) })
}

fn environment(cache: Option<Arc<Far>>) -> Environment {
    let mut environment = Environment::new();
    environment.set_loader(DictLoader::new(SITE));
    environment.set_bytecode_cache(cache.map(|cache| cache as Arc<dyn BytecodeCache>));
    environment
}

/// The page, and how many templates had to be loaded for it.
fn page(environment: &Environment) -> (String, u64) {
    let before = environment.cache_statistics().misses;
    let template = environment.get_template("page.html").unwrap();
    let page = template.render(context! { name => "named.html" }).unwrap();
    (page, environment.cache_statistics().misses - before)
}

#[test]
fn a_page_costs_a_round_trip_for_each_level() {
    let far = far();
    let cold = environment(Some(Arc::clone(&far)));
    assert_eq!(cold.prefetch(["page.html"]).unwrap(), 5);
    assert_eq!((far.trips.load(Relaxed), far.statistics().writes, far.statistics().misses), (3, 5, 5));
    assert_eq!(cold.prefetch(["page.html"]).unwrap(), 0, "they are in memory");

    let warm = environment(Some(Arc::clone(&far)));
    assert_eq!(warm.prefetch(SITE.map(|(name, _)| name)).unwrap(), 6);
    assert_eq!(far.trips.load(Relaxed), 4, "a whole site is one level");
    assert_eq!((far.statistics().hits, far.statistics().misses), (5, 6));
    // Two names lead to no template; each render asks for them anew.
    assert_eq!(page(&warm), ("<part!>".to_owned(), 2));
    assert_eq!(page(&cold), ("<part!>".to_owned(), 3), "a name that only the render knows");
}

/// A name that is said twice is one template: loaded, counted and told once.
#[test]
fn a_name_that_is_named_twice_is_loaded_once() {
    let far = far();
    let cached = environment(Some(Arc::clone(&far)));
    assert_eq!(cached.prefetch(["named.html", "base.html", "named.html"]).unwrap(), 2);
    assert_eq!((far.statistics().misses, far.statistics().writes), (2, 2));
    assert_eq!(environment(None).prefetch(["named.html", "named.html"]).unwrap(), 1);
}

#[test]
fn it_works_without_a_cache_and_from_bundles() {
    let plain = environment(None);
    assert_eq!(plain.prefetch(["page.html"]).unwrap(), 5);
    assert_eq!(page(&plain).0, "<part!>");
    for sealed in [false, true] {
        let bundle = Arc::new(Bundle::from_bytes(plain.bundle(sealed).unwrap()).unwrap());
        let far = far();
        let mut bundled = environment(Some(Arc::clone(&far)));
        bundled.set_bundle(Some(Arc::clone(&bundle)));
        assert_eq!(bundled.prefetch(["page.html"]).unwrap(), 5);
        assert_eq!((far.trips.load(Relaxed), bundle.statistics().hits), (0, 5), "sealed: {sealed}");
        assert_eq!(page(&bundled), ("<part!>".to_owned(), 3));
    }
    let mut keeps_nothing = environment(None);
    keeps_nothing.set_cache_size(0);
    assert_eq!(keeps_nothing.prefetch(["page.html"]).unwrap(), 0);
}

#[test]
fn what_is_wrong_is_left_for_the_render_unless_it_was_named() {
    let mut environment = environment(Some(far()));
    environment.set_loader(DictLoader::new([
        ("page.html", "{% if false %}{% include 'wrong.html' %}{% include 'absent.html' %}{% endif %}fine"),
        ("wrong.html", "{% if %}"),
        ("circle.html", "{% include 'circle.html' %}"),
    ]));
    assert_eq!(environment.prefetch(["page.html", "circle.html"]).unwrap(), 2);
    for (name, kind) in [("wrong.html", ErrorKind::Syntax), ("absent.html", ErrorKind::TemplateNotFound)] {
        assert_eq!(environment.prefetch(["page.html", name]).unwrap_err().kind(), kind);
    }
}

#[test]
fn a_poisoned_entry_is_a_miss() {
    let far = far();
    let warm = environment(Some(Arc::clone(&far)));
    warm.prefetch(["base.html"]).unwrap();
    let key = far.cache.entries().unwrap().next().unwrap().unwrap().key;
    let mut poison = Bucket::new("", "").with_content_key(haiden::cache::ContentKey::from_hex(&key).unwrap());
    poison.set_bytecode(&b"not an image"[..]);
    far.cache.dump_bytecode(&poison).unwrap();

    let environment = environment(Some(Arc::clone(&far)));
    assert_eq!(environment.prefetch(["base.html"]).unwrap(), 1);
    assert_eq!((far.statistics().rejections.get(Rejection::Magic), far.statistics().writes), (1, 2));
    assert_eq!(environment.get_template("base.html").unwrap().render(context! {}).unwrap(), "<>");
}
