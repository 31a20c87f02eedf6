//! Bundles from the outside: sites without sources, sites whose sources changed, bundles that are of no use.
#![forbid(unsafe_code)]

use std::sync::Arc;

use haiden::cache::{Bundle, BytecodeCache, MemoryBytecodeCache, Rejection};
use haiden::loader::DictLoader;
use haiden::{AutoEscape, Environment, ErrorKind, Syntax, context};

const SITE: [(&str, &str); 5] = [
    ("layout.html", "<title>{% block title %}{% endblock %}</title>{% block body %}{% endblock %}"),
    ("macros.html", "{% macro item(x) %}<li>{{ x }}</li>{% endmacro %}"),
    ("foot.txt", "-- {{ name }}"),
    (
        "page.html",
        "{% extends 'layout.html' %}{% from 'macros.html' import item %}{% block title %}{{ name }}{% endblock %}\
         {% block body %}{{ item(name) }}{% include 'foot.txt' %}{% endblock %}",
    ),
    ("sub/größe.txt", "{{ name }}\n{{ 1 // 0 }}"),
];
const PAGE: &str = "<title>A &amp; B</title><li>A &amp; B</li>-- A & B";

fn environment(sources: &[(&str, &str)]) -> Environment {
    let mut environment = Environment::new();
    environment.set_loader(DictLoader::new(
        sources.iter().map(|&(name, source)| (name.to_owned(), source.to_owned())),
    ));
    environment.set_autoescape(AutoEscape::by_extension());
    environment
}

/// An environment without sources.
fn bare(bundle: &Arc<Bundle>) -> Environment {
    let mut environment = Environment::new();
    environment.set_autoescape(AutoEscape::by_extension());
    environment.set_bundle(Some(Arc::clone(bundle)));
    environment
}

fn bundle(sealed: bool) -> Arc<Bundle> {
    Arc::new(Bundle::from_bytes(environment(&SITE).bundle(sealed).unwrap()).unwrap())
}

#[track_caller]
fn renders(environment: &Environment, name: &str, page: &str) {
    let template = environment.get_template(name).unwrap();
    assert_eq!(template.render(context! { name => "A & B" }).unwrap(), page);
}

#[test]
fn a_sealed_site_needs_no_sources() {
    let bundle = bundle(true);
    let environment = bare(&bundle);
    renders(&environment, "page.html", PAGE);
    renders(&environment, "page.html", PAGE);
    let figures = bundle.statistics();
    assert_eq!((figures.hits, figures.misses, figures.rejections.total()), (4, 0, 0));
    let mut names: Vec<_> = SITE.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(environment.list_templates().unwrap(), names);

    let error = environment.get_template("pge.html").err().unwrap();
    assert_eq!(error.kind(), ErrorKind::TemplateNotFound);
    assert!(error.report().contains("did you mean `page.html`"), "{}", error.report());
    // Without the source there is no excerpt, but the place is known.
    let template = environment.get_template("sub/größe.txt").unwrap();
    let error = template.render(context! { name => "x" }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ZeroDivision);
    assert!(error.report().contains("sub/größe.txt:2"), "{}", error.report());
}

#[test]
fn who_wins() {
    let bundle = bundle(true);
    let mut environment = environment(&[("foot.txt", "the loader's"), ("new.txt", "new")]);
    environment.set_bundle(Some(bundle));
    renders(&environment, "foot.txt", "-- A & B");
    renders(&environment, "new.txt", "new");
    environment.add_template("foot.txt", "added").unwrap();
    renders(&environment, "foot.txt", "added");
    environment.set_bundle(None);
    assert!(environment.get_template("page.html").is_err());
}

#[test]
fn a_source_checked_bundle_is_never_stale() {
    let bundle = bundle(false);
    assert!(bare(&bundle).get_template("page.html").is_err(), "no source, no template");

    let mut changed = SITE;
    changed[2].1 = "== {{ name }}";
    let mut environment = environment(&changed);
    environment.set_bundle(Some(Arc::clone(&bundle)));
    let memory = Arc::new(MemoryBytecodeCache::new(100, 1 << 20));
    environment.set_bytecode_cache(Some(Arc::clone(&memory) as Arc<dyn BytecodeCache>));
    renders(&environment, "page.html", &PAGE.replace("--", "=="));
    let (figures, behind) = (bundle.statistics(), memory.statistics());
    assert_eq!((figures.hits, figures.misses, behind.hits, behind.misses, behind.writes), (3, 1, 0, 1, 1));
    environment.clear_cache();
    renders(&environment, "page.html", &PAGE.replace("--", "=="));
    assert_eq!((bundle.statistics().hits, memory.statistics().hits), (6, 1));
}

#[test]
fn other_options_are_a_miss() {
    let bundle = bundle(true);
    let mut other = bare(&bundle);
    other.set_autoescape(false);
    let error = other.get_template("page.html").err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Bytecode);
    assert!(error.report().contains("other options"), "{}", error.report());
    assert_eq!(bundle.statistics().rejections.get(Rejection::Options), 1);

    let mut with_sources = environment(&SITE);
    with_sources.set_bundle(Some(Arc::clone(&bundle)));
    with_sources.set_autoescape(false);
    renders(&with_sources, "page.html", &PAGE.replace("&amp;", "&"));

    let mut syntax = environment(&SITE);
    syntax.set_syntax(Syntax { variable_start_string: "<<".into(), ..Syntax::default() }).unwrap();
    syntax.set_bundle(Some(bundle));
    assert!(syntax.get_template("page.html").unwrap().render(context! {}).unwrap().contains("{{ name }}"));
}

/// Each byte of a bundle flipped: it cannot be opened, or the page is right, or (without sources) an error says why.
#[test]
fn damage_is_a_miss() {
    let site = [("page.txt", "{% for x in [1, 2] %}{{ x }}{% endfor %}"), ("other.txt", "{{ 1 }}")];
    let good = environment(&site).bundle(true).unwrap();
    let (mut opened, mut fell_back) = (0, 0);
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        let Ok(bundle) = Bundle::from_bytes(bytes) else { continue };
        let bundle = Arc::new(bundle);
        opened += 1;
        let mut checked = environment(&site);
        checked.set_bundle(Some(Arc::clone(&bundle)));
        renders(&checked, "page.txt", "12");
        match bare(&bundle).get_template("page.txt") {
            Ok(template) => assert_eq!(template.render(context! {}).unwrap(), "12"),
            Err(error) => {
                fell_back += 1;
                assert_eq!(error.kind(), ErrorKind::Bytecode, "byte {at}: {error}");
            }
        }
    }
    assert!(opened > 500 && fell_back > 200, "{opened} {fell_back}");
}

#[test]
fn the_same_site_is_the_same_bundle() {
    let mut reversed = SITE;
    reversed.reverse();
    for sealed in [false, true] {
        assert_eq!(
            environment(&SITE).bundle(sealed).unwrap(),
            environment(&reversed).bundle(sealed).unwrap()
        );
    }
}

#[test]
fn a_template_that_is_wrong_is_not_bundled() {
    for (source, kind) in [("{% if %}", ErrorKind::Syntax), ("{{ 1 | nosuchfilter }}", ErrorKind::Assertion)]
    {
        let error = environment(&[("a.txt", "fine"), ("b.txt", source)]).bundle(true).unwrap_err();
        assert_eq!((error.kind(), error.template()), (kind, Some("b.txt")));
    }
}

#[test]
fn templates_in_memory_are_listed() {
    let before = std::time::SystemTime::now();
    let mut environment = environment(&SITE);
    environment.add_template("empty.txt", "").unwrap();
    for name in ["foot.txt", "macros.html", "empty.txt", "foot.txt"] {
        environment.get_template(name).unwrap();
    }
    let entries: Vec<_> = environment.cache_entries().collect();
    let keys: Vec<_> = entries.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["macros.html", "empty.txt", "foot.txt"], "the one used longest ago first");
    let foot = &entries[2];
    // Jinja2's figure, from Jinja2.
    assert_eq!(foot.checksum, "1a17c31faf3694192487c4ada4f3f5210f9253db");
    assert_eq!(foot.bytecode[..], environment.compile_to_image(Some("foot.txt"), "-- {{ name }}").unwrap());
    assert!(foot.created_at >= Some(before) && foot.accessed_at > foot.created_at);
    let statistics = environment.cache_statistics();
    assert_eq!((statistics.hits, statistics.misses, statistics.size), (1, 3, Some(3)));

    let bundle = bundle(true);
    let sealed = bare(&bundle);
    sealed.get_template("foot.txt").unwrap();
    let entry = sealed.cache_entries().next().unwrap();
    assert_eq!(
        (entry.key.as_str(), &entry.checksum, &entry.bytecode),
        ("foot.txt", &foot.checksum, &foot.bytecode)
    );
    assert_eq!(bundle.statistics().hits, 1, "listing is no use");
    environment.clear_cache();
    assert_eq!(environment.cache_entries().count(), 0);
}
