//! Templates that have to be waited for: once each, with caches, and with errors that say what is wrong.

#[path = "support/block_on.rs"]
mod block_on;
#[path = "support/later.rs"]
mod later;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use block_on::block_on;
use haiden::cache::MemoryBytecodeCache;
use haiden::loader::{DictLoader, LoadError, Source};
use haiden::{Environment, ErrorKind, context};
use later::{later, trickle};

/// Templates that can change, and how often each was loaded.
#[derive(Clone, Default)]
struct Library {
    sources: Arc<Mutex<BTreeMap<String, String>>>,
    loads: Arc<AtomicUsize>,
}

impl Library {
    fn new(sources: &[(&str, &str)]) -> Library {
        let library = Library::default();
        for (name, source) in sources {
            library.put(name, source);
        }
        library
    }

    fn put(&self, name: &str, source: &str) {
        self.sources.lock().expect("no panic").insert(name.to_owned(), source.to_owned());
    }

    fn get(&self, name: &str) -> Option<String> {
        self.sources.lock().expect("no panic").get(name).cloned()
    }

    async fn load(self, name: String) -> Result<Source, LoadError> {
        later(()).await;
        self.loads.fetch_add(1, SeqCst);
        let text = self.get(&name).ok_or(LoadError::NotFound(None))?;
        let mut source = Source::new(text.clone());
        source.up_to_date = Some(Arc::new(move || self.get(&name).as_ref() == Some(&text)));
        Ok(source)
    }

    fn environment(&self) -> Environment {
        let mut environment = Environment::new();
        let library = self.clone();
        environment.set_async_loader(move |name: String| library.clone().load(name));
        environment
    }

    fn loads(&self) -> usize {
        self.loads.load(SeqCst)
    }
}

fn site() -> Library {
    Library::new(&[
        ("base", "<{% block body %}{% endblock %}>"),
        (
            "page",
            "{% extends 'base' %}{% import 'tools' as t %}{% block body %}{% include 'part' %}{{ n }}{% endblock %}",
        ),
        ("part", "part "),
        ("tools", "{% macro m() %}{% endmacro %}"),
    ])
}

fn render(environment: &Environment, name: &str) -> Result<String, haiden::Error> {
    block_on(async { environment.get_template_async(name).await?.render_async(context! { n => 1 }).await })
}

#[test]
fn templates_in_memory_are_not_loaded_again() {
    let library = site();
    let environment = library.environment();
    assert_eq!(render(&environment, "page").expect("a page"), "<part 1>");
    assert_eq!(library.loads(), 4);
    assert_eq!(render(&environment, "page").expect("a page"), "<part 1>");
    assert_eq!(library.loads(), 4);
    // What is in memory needs no waiting.
    let page = environment.get_template("page").expect("a template").render(context! { n => 2 });
    assert_eq!(page.expect("a page"), "<part 2>");

    library.put("part", "new ");
    assert_eq!(render(&environment, "page").expect("a page"), "<new 1>");
    assert_eq!(library.loads(), 5);
}

#[test]
fn a_load_that_ended_in_the_meantime_is_enough() {
    // Whoever asks first whether the template is up to date gets the answer only after another load has replaced it.
    let (asked, loads) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let inside: Arc<Mutex<Option<Environment>>> = Arc::default();
    let mut environment = Environment::new();
    let (questions, environments, counted) = (asked.clone(), inside.clone(), loads.clone());
    environment.set_async_loader(move |_: String| {
        let load = counted.fetch_add(1, SeqCst);
        let (questions, environments) = (questions.clone(), environments.clone());
        async move {
            let mut source = Source::new(load.to_string());
            source.up_to_date = Some(Arc::new(move || {
                if load > 0 {
                    return true;
                }
                if questions.fetch_add(1, SeqCst) == 0 {
                    let environment = environments.lock().expect("no panic").take().expect("put there below");
                    assert_eq!(render(&environment, "page").expect("a page"), "1");
                }
                false
            }));
            Ok(source)
        }
    });
    assert_eq!(render(&environment, "page").expect("a page"), "0");
    *inside.lock().expect("no panic") = Some(environment.clone());
    assert_eq!(render(&environment, "page").expect("a page"), "1");
    assert_eq!(loads.load(SeqCst), 2, "what the load inside brought is used");
}

#[test]
fn what_is_loaded_while_memory_is_cleared_is_not_kept() {
    let version = Arc::new(AtomicUsize::new(0));
    let mut environment = Environment::new();
    environment.set_auto_reload(false);
    let read = version.clone();
    environment.set_async_loader(move |_: String| {
        let text = read.load(SeqCst).to_string();
        async move { Ok(later(Source::new(text)).await) }
    });
    let mut old = environment.get_template_async("page");
    let mut context = Context::from_waker(Waker::noop());
    assert!(old.as_mut().poll(&mut context).is_pending());
    version.store(1, SeqCst);
    environment.clear_cache();
    assert_eq!(render(&environment, "page").expect("a page"), "1", "nobody waits for the old one");
    assert_eq!(block_on(old).expect("a template").render(context! {}).expect("a page"), "0");
    assert_eq!(render(&environment, "page").expect("a page"), "1");
}

#[test]
fn without_room_in_memory_each_render_loads_what_it_needs() {
    let library = site();
    let mut environment = library.environment();
    environment.set_cache_size(0);
    for renders in 1..3 {
        assert_eq!(render(&environment, "page").expect("a page"), "<part 1>");
        assert_eq!(library.loads(), 4 * renders);
    }
}

#[test]
fn the_bytecode_cache_works_as_always() {
    let library = site();
    let cache = Arc::new(MemoryBytecodeCache::new(100, 1 << 20));
    for renders in 0..2 {
        let mut environment = library.environment();
        environment.set_bytecode_cache(Some(cache.clone()));
        assert_eq!(render(&environment, "page").expect("a page"), "<part 1>");
        assert_eq!(haiden::cache::BytecodeCache::statistics(&*cache).hits, 4 * renders);
    }
}

#[test]
fn what_was_added_needs_no_loader() {
    let mut environment = site().environment();
    environment.add_template("own", "own {% include 'part' %}").expect("a template");
    assert_eq!(render(&environment, "own").expect("a page"), "own part ");
    let error = environment.get_template("own").expect("at hand").render(context! {});
    assert_eq!(
        error.map_err(|error| error.kind()),
        Ok("own part ".to_owned()),
        "the part is in memory by now"
    );
    environment.clear_cache();
    let error = environment.get_template("own").expect("at hand").render(context! {}).unwrap_err();
    assert_eq!((error.kind(), error.line()), (ErrorKind::Async, Some(1)));
}

#[test]
fn a_loader_that_does_not_wait_is_asked_in_place() {
    let mut environment = Environment::new();
    environment.set_loader(DictLoader::new([("a", "{% include 'b' %}"), ("b", "B")]));
    assert_eq!(render(&environment, "a").expect("a page"), "B");
}

#[test]
fn the_loader_set_last_counts() {
    let mut environment = site().environment();
    environment.set_loader(DictLoader::new([("page", "sync")]));
    assert_eq!(render(&environment, "page").expect("a page"), "sync");
    environment.set_async_loader(|_: String| async { Ok(Source::new("async")) });
    assert_eq!(render(&environment, "page").expect("a page"), "async");
}

fn check_error(source: &str, kind: ErrorKind, message: &str) {
    let library = Library::new(&[("page", source), ("broken", "\n{% if %}")]);
    let mut environment = library.environment();
    environment.set_async_loader(move |name: String| {
        let library = library.clone();
        async move {
            match &*name {
                "gone" => Err(LoadError::Unreadable("the database is gone".to_owned())),
                "panic" => panic!("oh no"),
                _ => library.load(name).await,
            }
        }
    });
    let error = render(&environment, "page").expect_err(source);
    assert_eq!((error.kind(), error.message()), (kind, message), "{source}");
}

#[test]
fn errors() {
    check_error("{% include 'nope' %}", ErrorKind::TemplateNotFound, "nope");
    check_error(
        "{% include ['no', 'nope'] %}",
        ErrorKind::TemplatesNotFound,
        "none of the templates given were found: no, nope",
    );
    check_error("{% extends 'gone' %}", ErrorKind::Load, "the database is gone");
    check_error(
        "{% import 'broken' as b %}",
        ErrorKind::Syntax,
        "Expected an expression, got 'end of statement block'",
    );
    check_error("{% include 'panic' %}", ErrorKind::Runtime, "a future panicked: oh no");
    check_error("{% include 'page' %}", ErrorKind::Recursion, "maximum recursion depth exceeded");
}

#[test]
fn selections() {
    let environment = site().environment();
    block_on(async {
        let template = environment.select_template_async(&["nope", "part"]).await.expect("a template");
        assert_eq!(template.name(), Some("part"));
        let error = environment.select_template_async(&["x", "y"]).await.expect_err("none exists");
        assert_eq!(error.message(), "none of the templates given were found: x, y");
        let error = environment.select_template_async::<&str>(&[]).await.expect_err("none exists");
        assert_eq!(error.kind(), ErrorKind::TemplatesNotFound);
    });
}

#[test]
fn streams_and_templates_together() {
    let library = Library::new(&[("row", "<{{ row }}>")]);
    let template = library
        .environment()
        .template_from_str("{% for row in rows %}{% include 'row' %}{% endfor %}")
        .expect("a template");
    let rows = haiden::Value::from_stream(trickle(1..4));
    assert_eq!(block_on(template.render_async(context! { rows })).expect("a page"), "<1><2><3>");
    assert_eq!(library.loads(), 1);
}
