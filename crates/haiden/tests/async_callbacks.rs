//! Renders that wait for what futures ask them to call, and for what is printed.

#[path = "support/block_on.rs"]
mod block_on;
#[path = "support/later.rs"]
mod later;

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use block_on::block_on;
use haiden::{
    BoxFuture, Environment, Error, ErrorKind, Keywords, Limits, Object, RenderLimits, Sandbox, SandboxPolicy,
    State, Value, context,
};
use later::{later, trickle};

/// What a call gives.
type Called = BoxFuture<'static, Result<Value, Error>>;

/// Two futures at once.
async fn both<T>(left: BoxFuture<'static, T>, right: BoxFuture<'static, T>) -> (T, T) {
    let (mut left, mut right) = (pin!(left), pin!(right));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(move |context| {
        fn go<T>(
            future: Pin<&mut BoxFuture<'static, T>>,
            outcome: &mut Option<T>,
            context: &mut Context<'_>,
        ) {
            if outcome.is_none()
                && let Poll::Ready(value) = future.poll(context)
            {
                *outcome = Some(value);
            }
        }
        // The right one first: no order may matter.
        go(right.as_mut(), &mut second, context);
        go(left.as_mut(), &mut first, context);
        match (first.take(), second.take()) {
            (Some(left), Some(right)) => Poll::Ready((left, right)),
            (left, right) => {
                (first, second) = (left, right);
                Poll::Pending
            }
        }
    })
    .await
}

/// An object whose method calls what it is given.
#[derive(Debug)]
struct Caller;

impl Object for Caller {
    fn has_method(&self, name: &str) -> bool {
        matches!(name, "call" | "start")
    }

    fn call_method_in(
        &self,
        state: &State<'_>,
        name: &str,
        positional: &[Value],
        keywords: Keywords<'_>,
    ) -> Result<Value, Error> {
        let (callee, arguments) = positional.split_first().expect("an argument");
        let call = state.call_async(callee, arguments, keywords);
        let future = Value::from_future(async move {
            later(()).await;
            call.await
        });
        // In a list, it is not awaited at once.
        Ok(if name == "start" { Value::from(vec![future]) } else { future })
    }
}

/// Nobody may call `range`.
struct NoRange;

impl SandboxPolicy for NoRange {
    fn is_safe_callable(&self, callable: &Value) -> bool {
        !callable.to_string().contains("range")
    }
}

fn environment() -> Environment {
    let mut environment = Environment::new();
    environment.add_async_function("get", |value: Value| later(value));
    environment.add_async_filter("wrapped", |state: &State<'_>, value: Value, with: Value| {
        state.call_async(&with, &[value], &[("end", "!".into())])
    });
    environment
        .add_async_function("call", |state: &State<'_>, what: Value| state.call_async(&what, &[], &[]));
    environment.add_async_function("both", |state: &State<'_>, left: Value, right: Value| {
        let calls =
            both(state.call_async(&left, &[1.into()], &[]), state.call_async(&right, &[2.into()], &[]));
        async move {
            let (left, right) = calls.await;
            Ok::<_, Error>(format!("{}{}", left?, right?))
        }
    });
    environment.add_async_test("fine", |state: &State<'_>, value: Value, judge: Value| {
        let judged = state.call_async(&judge, &[value], &[]);
        async move { Ok::<_, Error>(judged.await?.to_string() == "ok") }
    });
    environment.add_function("at_once", |state: &State<'_>, what: Value| state.call(&what, &[], &[]));
    environment.add_global("caller_object", Value::from_object(Caller));
    environment.add_template("tools", "{% macro shout(x) %}{{ get(x)|upper }}{% endmacro %}").expect("tools");
    environment
}

fn check(source: &str, page: &str) {
    let template = environment().template_from_str(source).expect(source);
    match block_on(template.render_async(context! { stream => Value::from_stream(trickle(1..4)) })) {
        Ok(rendered) => assert_eq!(rendered, page, "{source}"),
        Err(error) => panic!("{source}: {}", error.report()),
    }
}

#[test]
fn futures_ask_for_calls() {
    for (source, page) in [
        ("{% macro m() %}a{{ get('b') }}{% endmacro %}{{ call(m) }}{{ call(m)|upper }}", "abAB"),
        ("{% macro m(x, end='') %}<{{ get(x) }}{{ end }}>{% endmacro %}{{ 'a'|wrapped(m) }}", "<a!>"),
        (
            "{% macro m(x, end) %}{{ get(x) }}{{ get(end) }}{% endmacro %}{{ [1, 2]|map('wrapped', m)|join(',') }}",
            "1!,2!",
        ),
        ("{% macro m(x) %}{{ get(x) }}{{ get('-') }}{{ x }}{% endmacro %}{{ both(m, m) }}", "1-12-2"),
        ("{% macro m(x) %}{{ get(x) }}{% endmacro %}{{ both(get, m) }}{{ both(m, get) }}", "1212"),
        (
            "{% macro in(x) %}{{ get(x) }}{% endmacro %}{% macro out(x) %}({{ x }}{{ both(in, in) }}){% endmacro %}{{ both(out, out) }}",
            "(112)(212)",
        ),
        (
            "{% macro m() %}{{ call(caller) }}{% endmacro %}{% call m() %}{{ get('body') }}{% endcall %}",
            "body",
        ),
        ("{% block b %}{{ get('b') }}{% endblock %}{{ call(self.b) }}", "bb"),
        ("{% import 'tools' as t %}{{ 'x'|map('string')|list|length }}{{ both(t.shout, t.shout) }}", "112"),
        (
            "{% macro ok(x) %}{{ 'ok' if get(x) > 1 }}{% endmacro %}{{ 1 is fine(ok) }}{{ [1, 2, 3]|select('fine', ok)|list }}",
            "False[2, 3]",
        ),
        ("{% macro m(x) %}{{ get(x) }}{% endmacro %}{{ caller_object.call(m, 'o') }}", "o"),
        (
            "{% autoescape true %}{% macro m() %}{{ get('<') }}{% endmacro %}{{ call(m) }}{% endautoescape %}",
            "&lt;",
        ),
        ("{% macro m() %}now{% endmacro %}{{ at_once(m) }}", "now"),
        (
            "{% macro m() %}{% for i in stream %}{{ get(i) }},{% endfor %}{% endmacro %}{{ call(m) }}",
            "1,2,3,",
        ),
    ] {
        check(source, page);
    }
}

fn check_error(environment: &Environment, source: &str, kind: ErrorKind, message: &str) {
    let template = environment.template_from_str(source).expect(source);
    let error = block_on(template.render_async(context! {})).expect_err(source);
    assert_eq!((error.kind(), error.message()), (kind, message), "{source}");
    assert!(error.line().is_some(), "{source}");
}

#[test]
fn what_calls_fail_with_is_what_is_awaited() {
    let environment = environment();
    let check = |source, kind, message| check_error(&environment, source, kind, message);
    check("{{ call(1) }}", ErrorKind::Type, "'int' object is not callable");
    check(
        "{% macro m() %}{{ get(1)/0 }}{% endmacro %}{{ call(m) }}",
        ErrorKind::ZeroDivision,
        "division by zero",
    );
    check(
        "{% macro m(x) %}{% endmacro %}{{ 1|wrapped(m) }}",
        ErrorKind::Type,
        "macro 'm' takes no keyword argument 'end'",
    );
    check(
        "{% macro m() %}{{ call(m) }}{% endmacro %}{{ call(m) }}",
        ErrorKind::Recursion,
        "maximum recursion depth exceeded",
    );
    // What runs inside of a synchronous function cannot wait, and says so.
    check(
        "{% macro m() %}{{ get(1) }}{% endmacro %}{{ at_once(m) }}",
        ErrorKind::Async,
        "what get() gives has to be awaited, and code that a Rust function calls back cannot wait",
    );
    let error =
        environment.render_str("{{ caller_object.call(at_once) }}", context! {}).expect_err("no wait");
    assert_eq!(error.kind(), ErrorKind::Async);
}

#[test]
fn calls_draw_on_the_fuel_and_obey_the_sandbox() {
    let mut environment = environment();
    environment
        .set_limits(RenderLimits { machine: Limits { depth: 50, fuel: 40 }, ..RenderLimits::default() });
    let spend = "{% macro m(x) %}{% for i in range(15) %}{{ get(i) }}{% endfor %}{% endmacro %}";
    let message = "the render has used up its fuel";
    let rendered =
        environment.template_from_str(&format!("{spend}{{{{ both(m, m) }}}}")).expect("a template");
    assert!(block_on(rendered.render_async(context! {})).is_ok());
    check_error(
        &environment,
        &format!("{spend}{{{{ both(m, m) }}}}{{{{ both(m, m) }}}}"),
        ErrorKind::Limit,
        message,
    );

    environment.set_sandbox(Some(Sandbox::new().policy(NoRange)));
    let error = "<function safe_range> is not safely callable";
    check_error(&environment, "{{ call(range) }}", ErrorKind::Security, error);
}

#[test]
fn a_render_that_is_over_answers() {
    let kept: Arc<Mutex<Vec<Called>>> = Arc::default();
    let mut environment = environment();
    let keep = kept.clone();
    environment.add_async_function("keep", move |state: &State<'_>, what: Value| {
        keep.lock().expect("no panic").push(state.call_async(&what, &[], &[]));
        async {}
    });
    let source = "{% macro m() %}{% endmacro %}{{ keep(m) }}";
    let template = environment.template_from_str(source).expect(source);
    assert_eq!(block_on(template.render_async(context! {})).expect("a page"), "None");
    let call = kept.lock().expect("no panic").pop().expect("a future");
    assert_eq!(block_on(call).map_err(|error| error.kind()).err(), Some(ErrorKind::Async));

    // One that was asked for before the render was dropped.
    let mut render = template.render_async(context! {});
    let mut context = Context::from_waker(Waker::noop());
    while render.as_mut().poll(&mut context).is_pending() && kept.lock().expect("no panic").is_empty() {}
    let mut call = kept.lock().expect("no panic").pop().expect("a future");
    drop(render);
    assert!(matches!(call.as_mut().poll(&mut context), Poll::Ready(Err(_))));
}

#[test]
fn finalize_can_wait() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let mut environment = environment();
    environment.set_async_finalize(move |value: Value| {
        counted.fetch_add(1, SeqCst);
        let value = if value.is_none() { Value::from("-") } else { value };
        later(value)
    });
    let source =
        "{{ none }}{{ 'a'|upper }}{{ get(none) }}{% set x %}{{ [1] }}{% endset %}{{ x }}{{ pair }}{{ 1 }}";
    for native in [false, true] {
        calls.store(0, SeqCst);
        environment.set_native_types(native);
        let template = environment.template_from_str(source).expect(source);
        let pair = || Value::from(vec![Value::from_future(later(1)), Value::from_future(later(2))]);
        let page = block_on(template.render_async(context! { pair => pair() })).expect("a page");
        assert_eq!(page, "-A-[1][1][1, 2]1".replacen("[1]", "", 1), "native types: {native}");
        assert_eq!(calls.load(SeqCst), 7, "native types: {native}");
        let error = template.render(context! { pair => pair() }).expect_err("no wait");
        assert_eq!(error.kind(), ErrorKind::Async);
    }
}

#[test]
fn a_call_cannot_wait_for_the_future_that_asks_for_it() {
    let check = |source: &str, expected: Result<&str, &str>| {
        let template = Environment::new().template_from_str(source).expect("a template");
        let context = context! { caller => Value::from_object(Caller) };
        let rendered = block_on(template.render_async(context));
        let found = rendered.as_deref().map_err(|error| (error.kind(), error.message()));
        assert_eq!(found, expected.map_err(|message| (ErrorKind::Async, message)), "{source}");
    };
    let itself = Err("a future waits for itself");
    let start = "{% set ns = namespace() %}{% macro m() %}{{ ns.f[0] }}{% endmacro %}";
    check(&format!("{start}{{% set ns.f = caller.start(m) %}}{{{{ ns.f[0] }}}}"), itself);
    // Round a corner: m waits for g, whose call of n waits for f, which waits for m.
    let corner = format!(
        "{start}{{% macro n() %}}{{{{ ns.g[0] }}}}{{% endmacro %}}\
         {{% set ns.g = caller.start(m) %}}{{% set ns.f = caller.start(n) %}}{{{{ ns.g[0] }}}}"
    );
    check(&corner, itself);
    // Two that wait for a third are no circle.
    let tree = "{% set ns = namespace() %}{% macro leaf() %}leaf{% endmacro %}{% set ns.f = caller.start(leaf) %}\
                {% macro m() %}{{ ns.f[0] }}{% endmacro %}{{ caller.call(m) }}{{ caller.call(m) }}{{ ns.f[0] }}";
    check(tree, Ok("leafleafleaf"));
}
