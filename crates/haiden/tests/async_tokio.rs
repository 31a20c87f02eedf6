//! Renders that wait, on tokio: spawned, many at once, cancelled, limited, woken from other threads.

#[path = "support/later.rs"]
mod later;

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use haiden::loader::Source;
use haiden::{Environment, Error, ErrorKind, Keywords, Limits, Object, RenderLimits, Value, context};
use later::{later, trickle};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_mins(1);

/// Counts how many of it are alive.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Alive {
        count.fetch_add(1, SeqCst);
        Alive(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

fn environment() -> Environment {
    let mut environment = Environment::new();
    environment.add_async_function("get", |value: Value| async move {
        tokio::task::yield_now().await;
        value
    });
    environment
}

fn is_send<T: Send + 'static>(value: T) -> T {
    value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_renders_at_once() {
    let mut environment = environment();
    let loads = Arc::new(AtomicUsize::new(0));
    let counted = loads.clone();
    environment.set_async_loader(move |name: String| {
        counted.fetch_add(1, SeqCst);
        async move {
            tokio::task::yield_now().await;
            Ok(Source::new(match &*name {
                "base" => "{% for i in rows %}{{ get(i) }},{% endfor %}{% block end %}{% endblock %}",
                _ => "{% extends 'base' %}{% block end %}{{ get(n) }}{{ shared }}{% endblock %}",
            }))
        }
    });
    let runs = Arc::new(AtomicUsize::new(0));
    let run = runs.clone();
    let shared = Value::from_future(async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        run.fetch_add(1, SeqCst);
        "!"
    });
    let renders: Vec<_> = (0..1000)
        .map(|n| {
            let (environment, shared) = (environment.clone(), shared.clone());
            tokio::spawn(async move {
                let template = environment.get_template_async("page").await?;
                let rows = Value::from_stream(trickle(0..n % 10));
                is_send(template.render_async(context! { n, shared, rows })).await
            })
        })
        .collect();
    for (n, render) in renders.into_iter().enumerate() {
        let rows = (0..n % 10).fold(String::new(), |rows, i| rows + &i.to_string() + ",");
        assert_eq!(render.await.expect("no panic").expect("a page"), format!("{rows}{n}!"));
    }
    assert_eq!(runs.load(SeqCst), 1, "a shared future runs once");
    assert_eq!(loads.load(SeqCst), 2, "a template is loaded once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_future_ends_the_render() {
    let alive = Arc::new(AtomicUsize::new(0));
    let mut environment = environment();
    let count = alive.clone();
    environment.add_async_function("never", move || {
        let alive = Alive::new(&count);
        async move {
            pending::<()>().await;
            drop(alive);
        }
    });
    let held = Arc::new(Alive::new(&alive));
    let kept = held.clone();
    let value = Value::from_function(move || Arc::strong_count(&kept) as i64);
    for source in [
        "{{ never() }}",
        "{% for i in [1] %}{% set x = never() %}{% endfor %}",
        "{{ [1]|map('default')|list }}{{ never() }}",
    ] {
        let template = environment.template_from_str(source).expect("a template");
        let render = tokio::spawn(template.render_async(context! { value => value.clone() }));
        while alive.load(SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        render.abort();
        assert!(render.await.is_err_and(|error| error.is_cancelled()));
        assert_eq!(alive.load(SeqCst), 1, "{source}: what it waited for is dropped");
    }
    drop(value);
    assert_eq!(Arc::strong_count(&held), 1, "nothing keeps the context");
}

#[tokio::test]
async fn a_waiter_that_gives_up_leaves_the_others_waiting() {
    let template = environment().template_from_str("{{ value }}").expect("a template");
    let (send, receive) = oneshot::channel::<&str>();
    let value = Value::from_future(async move {
        receive.await.map_err(|error| Error::new(ErrorKind::Value, error.to_string()))
    });
    let mut first = tokio::spawn(template.render_async(context! { value => value.clone() }));
    let second = tokio::spawn(template.render_async(context! { value }));
    assert!(timeout(Duration::from_millis(5), &mut first).await.is_err());
    first.abort();
    assert!(first.await.is_err());
    send.send("here").expect("somebody waits");
    assert_eq!(timeout(LONG, second).await.expect("in time").expect("no panic").expect("a page"), "here");
}

#[tokio::test]
async fn a_load_goes_on_when_who_began_it_gives_up() {
    let gate = Arc::new(Semaphore::new(0));
    let loads = Arc::new(AtomicUsize::new(0));
    let mut environment = Environment::new();
    let (opened, counted) = (gate.clone(), loads.clone());
    environment.set_async_loader(move |_: String| {
        let (gate, loads) = (opened.clone(), counted.clone());
        async move {
            loads.fetch_add(1, SeqCst);
            gate.acquire().await.expect("open").forget();
            Ok(Source::new("page"))
        }
    });
    let mut first = Box::pin(environment.get_template_async("page"));
    let second = environment.get_template_async("page");
    assert!(timeout(Duration::from_millis(5), &mut first).await.is_err());
    let second = tokio::spawn(second);
    tokio::task::yield_now().await;
    drop(first);
    gate.add_permits(1);
    assert!(timeout(LONG, second).await.expect("in time").expect("no panic").is_ok());
    assert_eq!(loads.load(SeqCst), 1);

    // A load that nobody waits for any more is forgotten, and begun anew.
    environment.clear_cache();
    assert!(timeout(Duration::from_millis(5), environment.get_template_async("page")).await.is_err());
    gate.add_permits(1);
    assert!(environment.get_template_async("page").await.is_ok());
    assert_eq!(loads.load(SeqCst), 3);
}

#[tokio::test]
async fn parts_are_there_before_what_follows_them() {
    let (send, receive) = oneshot::channel::<i64>();
    let value = Value::from_future(async move { receive.await.unwrap_or_default() });
    let template = environment().template_from_str("head {{ value }} tail").expect("a template");
    let mut parts = is_send(template.stream_async(context! { value }).expect("a stream"));
    assert_eq!(parts.next_chunk().await.expect("a part").expect("no error"), "head ");
    // Giving up waiting for a part loses nothing.
    assert!(timeout(Duration::from_millis(5), parts.next_chunk()).await.is_err());
    send.send(7).expect("it waits");
    let mut rest = Vec::new();
    while let Some(part) = parts.next_chunk().await {
        rest.push(part.expect("no error"));
    }
    assert_eq!(rest, ["7", " tail"]);
}

async fn check_limit(limits: RenderLimits, source: &str, kind: ErrorKind) {
    let mut environment = environment();
    environment.set_limits(limits);
    let template = environment.template_from_str(source).expect("a template");
    let rows = Value::from_stream(trickle(0..1000));
    let error = template.render_async(context! { rows }).await.expect_err(source);
    assert_eq!(error.kind(), kind, "{source}: {}", error.report());
}

#[tokio::test]
async fn limits_hold_across_waiting() {
    let all = RenderLimits::default();
    let fuel = RenderLimits { machine: Limits { fuel: 100, ..Limits::default() }, ..all };
    check_limit(fuel, "{% for row in rows %}{{ get(row) }}{% endfor %}", ErrorKind::Limit).await;
    check_limit(fuel, "{% macro m(n) %}{{ get(n) }}{{ m(n + 1) }}{% endmacro %}{{ m(1) }}", ErrorKind::Limit)
        .await;
    let output = RenderLimits { output: 100, ..all };
    check_limit(output, "{% for row in rows %}{{ get(row) }}{% endfor %}", ErrorKind::Limit).await;
    let size = RenderLimits { size: 100, ..all };
    check_limit(size, "{{ rows|list }}", ErrorKind::Memory).await;
    check_limit(all, "{% macro m() %}{{ get(1) }}{{ m() }}{% endmacro %}{{ m() }}", ErrorKind::Recursion)
        .await;
}

#[derive(Debug)]
struct Account(i64);

impl Object for Account {
    fn get_attr(&self, name: &str) -> Option<Value> {
        let owner = format!("owner {}", self.0);
        match name {
            "owner" => Some(Value::from_future(later(owner))),
            "next" => {
                let next = self.0 + 1;
                Some(Value::from_future(async move { Value::from_object(Account(next)) }))
            }
            "entries" => Some(Value::from_stream(trickle([self.0, 2 * self.0]))),
            _ => None,
        }
    }
    fn has_method(&self, name: &str) -> bool {
        name == "balance"
    }
    fn call_method(&self, _: &str, positional: &[Value], _: Keywords<'_>) -> Result<Value, Error> {
        let (number, more) = (self.0, positional.first().and_then(Value::as_i64).unwrap_or_default());
        Ok(Value::from_future(async move {
            tokio::task::yield_now().await;
            100 * number + more
        }))
    }
    fn is_safe_to_call(&self, method: Option<&str>) -> bool {
        method.is_some() && self.0 < 3
    }
}

async fn check_account(source: &str, page: &str) {
    let accounts: Vec<Value> = [1, 2].into_iter().map(|n| Value::from_object(Account(n))).collect();
    let template = environment().template_from_str(source).expect("a template");
    let outcome =
        template.render_async(context! { account => Value::from_object(Account(1)), accounts }).await;
    assert_eq!(outcome.unwrap_or_else(|error| panic!("{source}: {}", error.report())), page, "{source}");
}

#[tokio::test]
async fn objects_with_asynchronous_methods() {
    check_account("{{ account.balance() }} {{ account.balance(get(5)) }}", "100 105").await;
    check_account("{{ account.owner|upper }} {{ account['owner'][6:] }}", "OWNER 1 1").await;
    check_account("{{ account.next.balance() }} {{ account.next.next.owner }}", "200 owner 3").await;
    check_account("{% for entry in account.entries %}{{ entry }},{% endfor %}", "1,2,").await;
    check_account("{{ accounts|map(attribute='owner')|join('; ') }}", "owner 1; owner 2").await;
    check_account("{{ accounts|map(attribute='next.owner')|list }}", "['owner 2', 'owner 3']").await;
    check_account("{{ (accounts|sort(attribute='owner', reverse=true)|first).balance() }}", "200").await;
    check_account("{{ accounts|sum(attribute='next.entries.0') if false }}{{ accounts|map(attribute='entries')|map('sum')|list }}", "[3, 6]").await;
}

#[tokio::test]
async fn a_sandbox_sees_what_is_called() {
    let mut environment = environment();
    environment.set_sandbox(Some(haiden::Sandbox::new()));
    let render = async |source: &str| {
        let account = Value::from_future(later(Value::from_object(Account(2))));
        let template = environment.template_from_str(source).expect("a template");
        template.render_async(context! { account }).await.map_err(|error| error.kind())
    };
    assert_eq!(render("{{ account.balance() }}").await, Ok("200".to_owned()));
    assert_eq!(render("{{ account() }}").await, Err(ErrorKind::Security));
    assert_eq!(render("{{ account.next.balance() }}").await, Err(ErrorKind::Security));
}

#[tokio::test]
async fn a_future_that_waits_for_itself_is_an_error() {
    for source in ["{{ value }}", "{{ [value] }}", "{{ [1, value]|sum }}", "{{ value|upper }}"] {
        let itself: Arc<OnceLock<Value>> = Arc::default();
        let inner = itself.clone();
        let template = environment().template_from_str(source).expect("a template");
        let again = template.clone();
        let value = Value::from_future(async move {
            let value = inner.get().cloned().unwrap_or(Value::NONE);
            again.render_async(context! { value }).await
        });
        itself.set(value.clone()).expect("it is set once");
        let rendered = timeout(LONG, template.render_async(context! { value })).await.expect("in time");
        let error = rendered.expect_err(source);
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Async, "a future waits for itself"),
            "{source}"
        );
    }
}

#[tokio::test]
async fn what_user_code_does_wrong_is_an_error() {
    let mut environment = environment();
    environment.add_async_function("panics", |fail: bool| async move { assert!(!fail, "oh no") });
    environment.add_async_function("panics_at_once", |fail: bool| {
        assert!(!fail, "at once");
        async {}
    });
    let check = async |source: &str, message: &str| {
        let rows = Value::from_stream(trickle([Err(Error::new(ErrorKind::Value, "a bad row")), Ok(1)]));
        let template = environment.template_from_str(source).expect("a template");
        let error = template.render_async(context! { rows }).await.expect_err(source);
        assert_eq!((error.message(), error.line()), (message, Some(1)), "{source}");
    };
    check("{{ panics(true) }}", "a future panicked: oh no").await;
    check("{{ panics_at_once(true) }}", "panics_at_once panicked: at once").await;
    check("{{ panics_at_once(1, 2) }}", "panics_at_once() takes 1 positional argument but 2 were given")
        .await;
    check("{% for row in rows %}{{ row }}{% endfor %}", "a bad row").await;
    check("{{ rows|list }}", "a bad row").await;
}

#[tokio::test]
async fn values_of_every_kind_come_back() {
    let mut environment = environment();
    environment.add_async_function("nothing", || async {});
    environment.add_async_function("many", || async { vec![Some(1), None] });
    environment.add_async_function("safe", || async { Value::from_safe_string("<b>") });
    environment.add_async_function("unsafe", || async { "<b>".to_owned() });
    environment.add_async_function("later", || async { Value::from_future(later(5)) });
    environment.add_async_function("function", || async { Value::from_function(|n: i64| n + 1) });
    environment.set_autoescape(true);
    let template = environment
        .template_from_str(
            "{{ nothing() }} {{ many() }} {{ safe() ~ unsafe() }} {{ later() + 1 }} {{ function()(1) }}",
        )
        .expect("a template");
    assert_eq!(template.render_async(context! {}).await.expect("a page"), "None [1, None] <b>&lt;b&gt; 6 2");
}
