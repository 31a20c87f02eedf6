//! Templates by name, by several names, as a list; overlays.

use std::sync::Arc;

use haiden::cache::{BytecodeCache, MemoryBytecodeCache};
use haiden::loader::{DictLoader, FunctionLoader, LoadError, Loader, Source};
use haiden::{
    AutoEscape, Candidate, Environment, Error, ErrorKind, Extensions, UndefinedKind, Value, context,
};

fn environment(templates: &[(&str, &str)]) -> Environment {
    let mut environment = Environment::new();
    environment.set_loader(DictLoader::new(templates.iter().map(|&(name, text)| (name, text))));
    environment
}

/// What came of it: the template's name, or class and message.
fn outcome(template: Result<haiden::Template, Error>) -> String {
    match template {
        Ok(template) => template.name().unwrap_or("none").to_owned(),
        Err(error) => format!("{}: {}", error.kind().class(), error.message()),
    }
}

#[test]
fn the_first_of_several_templates_that_exists() {
    let environment = environment(&[("a", "A"), ("broken", "{% if %}"), ("é", "")]);
    let check = |names: &[&str], expected: &str| {
        assert_eq!(outcome(environment.select_template(names)), expected, "{names:?}");
        assert_eq!(outcome(environment.get_or_select_template(names)), expected, "{names:?}");
    };
    check(&["a"], "a");
    check(&["x", "a", "y"], "a");
    check(&["", "é"], "é");
    check(&[], "TemplatesNotFound: Tried to select from an empty list of templates.");
    check(&["x"], "TemplatesNotFound: none of the templates given were found: x");
    check(&["x", "", "y"], "TemplatesNotFound: none of the templates given were found: x, , y");
    // One that exists and cannot be compiled is the first that exists.
    check(&["broken", "a"], "TemplateSyntaxError: Expected an expression, got 'end of statement block'");
}

#[test]
fn loaded_templates_stand_among_names() {
    let environment = environment(&[("a", "A")]);
    let loaded = environment.template_from_named_str(Some("loaded"), "L").unwrap();
    let check = |candidates: Vec<Candidate<'_>>, expected: &str| {
        assert_eq!(outcome(environment.select_template(&candidates)), expected);
        assert_eq!(outcome(environment.get_or_select_template(&candidates)), expected);
        assert_eq!(outcome(environment.get_or_select_template(candidates)), expected);
    };
    check(vec!["x".into(), (&loaded).into(), "a".into()], "loaded");
    check(vec!["a".into(), loaded.clone().into()], "a");
    check(
        vec!["x".into(), (&String::from("y")).into()],
        "TemplatesNotFound: none of the templates given were found: x, y",
    );
    assert_eq!(outcome(environment.select_template([loaded.clone()])), "loaded");
    assert_eq!(outcome(environment.get_or_select_template(vec![&loaded])), "loaded");
    assert_eq!(outcome(environment.get_or_select_template([loaded])), "loaded");
}

#[test]
fn templates_take_loaded_templates_in_place_of_names() {
    let environment = environment(&[
        (
            "page",
            "{% include t %} {% include ['x', t, 'page'] %} {% import t as m %}{{ m.f(1) }}{% from t import f %}{{ f(2) }}",
        ),
        ("child", "{% extends t %}{% block b %}child{% endblock %}"),
        ("shown", "{{ t }} {{ t.name }} {% include [[], t] %}"),
    ]);
    let loaded = environment.template_from_named_str(
        Some("lib"),
        "{% block b %}{{ n }}{% endblock %}{% macro f(x) %}<{{ x }}>{% endmacro %}",
    );
    let value = Value::from_object(loaded.unwrap());
    let render = |name: &str| environment.get_template(name).unwrap().render(context! { t => value, n => 3 });
    assert_eq!(render("page").unwrap(), "3 3 <1><2>");
    assert_eq!(render("child").unwrap(), "child");
    assert_eq!(render("shown").unwrap_err().message(), "unhashable type: 'list'");
    let page = environment.render_str("{{ t }} {{ t.name }} {{ t.filename }}", context! { t => value });
    assert_eq!(page.unwrap(), "<Template 'lib'> lib None");
    let source = "{{ t.render(n=1) }} {{ t.render({'n': 2}) }} {{ t.render({'n': 2}, n=3) }} {{ t.render() }} {{ t.module.f(4) }}";
    assert_eq!(environment.render_str(source, context! { t => value, n => 9 }).unwrap(), "1 2 3  <4>");
    let error = environment.render_str("{{ t.render(1, 2) }}", context! { t => value }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
}

#[test]
fn one_name_is_not_a_list() {
    let environment = environment(&[("a", "A")]);
    let owned = String::from("x");
    assert_eq!(outcome(environment.get_or_select_template(&owned)), "TemplateNotFound: x");
    assert_eq!(
        outcome(environment.get_or_select_template(&vec![owned])),
        "TemplatesNotFound: none of the templates given were found: x"
    );
    let text = environment.template_from_str("{{ 1 }}").unwrap();
    let same = environment.get_or_select_template(text).unwrap();
    assert_eq!((same.name(), same.render(context! {}).unwrap()), (None, "1".to_owned()));
    let none = outcome(Environment::new().get_or_select_template("a"));
    assert_eq!(none, "TypeError: no loader for this environment specified");
}

/// A loader whose list is an error.
struct Locked;

impl Loader for Locked {
    fn get_source(&self, _: &str) -> Result<Source, LoadError> {
        Err(LoadError::NotFound(None))
    }
    fn list_templates(&self) -> Result<Vec<String>, LoadError> {
        Err(LoadError::Unreadable("locked".to_owned()))
    }
}

#[test]
fn names_of_all_templates() {
    let mut environment = environment(&[("b", ""), ("a/c", "")]);
    environment.add_template("a", "").unwrap();
    environment.add_template("b", "").unwrap();
    assert_eq!(environment.list_templates().unwrap(), ["a", "a/c", "b"]);

    let check = |loader: Option<Box<dyn Loader>>, expected: &str| {
        let mut environment = Environment::new();
        if let Some(loader) = loader {
            environment.set_loader(loader);
        }
        let error = environment.list_templates().unwrap_err();
        assert_eq!(format!("{}: {}", error.kind().class(), error.message()), expected);
    };
    check(None, "AssertionError: No loader configured.");
    let function = FunctionLoader::new(|_: &str| Ok(None));
    check(Some(Box::new(function)), "TypeError: this loader cannot iterate over all templates");
    check(Some(Box::new(Locked)), "OSError: locked");
}

#[test]
fn an_overlay_differs_where_it_was_changed() {
    let mut base = environment(&[("page", "{% set x = 1 %}\n{{ shop }}{{ nobody }}{{ x|twice }}")]);
    base.add_global("shop", "A & B");
    base.add_filter("twice", |n: i64| n * 2);
    let page = |environment: &Environment| match environment.get_template("page") {
        Ok(template) => template.render(context! {}).map_err(|error| error.kind()),
        Err(error) => Err(error.kind()),
    };
    assert_eq!(page(&base).unwrap(), "\nA & B2");

    let mut escaping = base.overlay();
    escaping.set_autoescape(AutoEscape::On);
    let mut trimming = escaping.overlay();
    trimming.set_trim_blocks(true);
    let mut strict = trimming.overlay();
    strict.set_undefined(UndefinedKind::Strict);
    let mut other = base.overlay();
    other.add_global("shop", "C");
    other.add_filter("twice", |n: i64| n * 20);
    other.add_template("own", "own").unwrap();

    assert_eq!(page(&escaping).unwrap(), "\nA &amp; B2");
    assert_eq!(page(&trimming).unwrap(), "A &amp; B2");
    assert_eq!(page(&strict), Err(ErrorKind::Undefined));
    assert_eq!(page(&other).unwrap(), "\nC20");
    assert_eq!(page(&base).unwrap(), "\nA & B2");
    assert_eq!(outcome(base.get_template("own")), "TemplateNotFound: own");

    // Each has its own templates in memory, of the size of the first.
    base.set_cache_size(1);
    let small = base.overlay();
    assert_eq!((base.cache_statistics().hits, small.cache_statistics().max_size), (0, Some(1)));
    assert_eq!(escaping.cache_statistics().size, Some(1));
}

#[test]
fn overlays_share_a_bytecode_cache_and_never_an_entry() {
    let cache = Arc::new(MemoryBytecodeCache::new(100, 1 << 20));
    let mut base = environment(&[("a.html", "{{ '<' }}{% if true %}\n{% endif %}")]);
    base.set_bytecode_cache(Some(cache.clone()));
    let mut escaping = base.overlay();
    escaping.set_autoescape(AutoEscape::On);
    let mut trimming = base.overlay();
    trimming.set_trim_blocks(true);
    let mut extended = base.overlay();
    extended.add_extensions(Extensions::DO);
    let same = base.overlay();

    let pages = [&base, &escaping, &trimming, &extended, &same]
        .map(|environment| environment.get_template("a.html").unwrap().render(context! {}).unwrap());
    assert_eq!(pages, ["<\n", "&lt;\n", "<", "<\n", "<\n"]);
    let statistics = cache.statistics();
    assert_eq!((statistics.size, statistics.hits), (Some(4), 1));
}
