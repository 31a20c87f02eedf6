//! Renders that wait in the middle of every statement and expression, on no runtime.

#[path = "support/block_on.rs"]
mod block_on;
#[path = "support/later.rs"]
mod later;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use block_on::block_on;
use haiden::loader::{LoadError, Source};
use haiden::{Environment, ErrorKind, Object, Value, context};
use later::{later, trickle};

/// An environment whose functions, filters, tests and templates all wait.
fn environment() -> Environment {
    let mut environment = Environment::new();
    environment.add_async_function("get", |value: Value| later(value));
    environment.add_async_function("fail", |_: Option<i64>| async {
        later(()).await;
        Err::<(), _>(haiden::Error::new(ErrorKind::Value, "it failed"))
    });
    environment.add_async_filter("twice", |n: i64| later(2 * n));
    environment.add_async_function("total", |numbers: Vec<i64>| later(numbers.iter().sum::<i64>()));
    environment.add_async_test("even", |n: i64| later(n % 2 == 0));
    environment.add_async_test("more_than", |n: i64, than: i64| later(n > than));
    let mut syntax = environment.syntax().clone();
    syntax.extensions =
        syntax.extensions.with(haiden::Extensions::DO).with(haiden::Extensions::LOOP_CONTROLS);
    environment.set_syntax(syntax).expect("a syntax");
    environment.set_async_loader(|name: String| async move {
        later(()).await;
        let source = match &*name {
            "base" => "<{% block title %}{{ get('base') }}{% endblock %}|{% block body %}{{ get(0) }}{% endblock %}>",
            "middle" => "{% extends get('base') %}{% block body %}{{ get('m') }}{{ super() }}{% endblock %}",
            "part" => "[{{ get(x) }}{{ get(y)|default('-') }}]",
            "tools" => "{% macro add(a, b=get(10)) %}{{ get(a) + b }}{% endmacro %}{% set answer = get(42) %}{{ get('body') }}",
            _ => return Err(LoadError::NotFound(None)),
        };
        Ok(Source::new(source))
    });
    environment
}

/// Values of which some are still to come.
fn variables() -> haiden::Context {
    let numbers: Value = (1..4).map(|n| Value::from_future(later(n))).collect();
    let user: Value = [("name", Value::from_future(later("Ann"))), ("age", Value::from_future(later(40)))]
        .into_iter()
        .collect();
    context! {
        x => Value::from_future(later("x")),
        n => Value::from_future(later(3)),
        yes => Value::from_future(later(true)),
        no => Value::from_future(later(false)),
        nothing => Value::from_future(later(Value::UNDEFINED)),
        numbers,
        users => vec![user.clone()],
        user => Value::from_future(later(user)),
        stream => Value::from_stream(trickle(1..5)),
        pairs => Value::from_stream(trickle([vec![1, 2], vec![3, 4]])),
        pair => Value::from_future(later(Value::from(vec![5, 6]))),
        futures => Value::from(vec![Value::from_future(later(tuple(1, 2))), Value::from_future(later(tuple(3, 4)))]),
        trees => vec![context_of("a", vec!["b", "c"])],
    }
}

fn tuple(a: i64, b: i64) -> Value {
    Value::from_serialize(&(a, b)).expect("a value")
}

fn context_of(name: &str, children: Vec<&str>) -> Value {
    let children: Value =
        children.into_iter().map(|name| Value::from_iter([("name", Value::from(name))])).collect();
    [("name", Value::from(name)), ("children", children)].into_iter().collect()
}

/// The page, rendered as a whole and part by part.
fn check(source: &str, page: &str) {
    let template = environment().template_from_str(source).expect(source);
    match block_on(template.render_async(variables())) {
        Ok(rendered) => assert_eq!(rendered, page, "{source}"),
        Err(error) => panic!("{source}: {}", error.report()),
    }
    let parts = block_on(async {
        let mut stream = template.stream_async(variables())?;
        let mut parts = String::new();
        while let Some(part) = stream.next_chunk().await {
            parts.push_str(&part?);
        }
        Ok::<_, haiden::Error>(parts)
    });
    assert_eq!(parts.expect(source), page, "{source}, part by part");
}

fn check_all(cases: &[(&str, &str)]) {
    for (source, page) in cases {
        check(source, page);
    }
}

#[test]
fn expressions() {
    check_all(&[
        ("{{ get(1) }}{{ get(2) }}", "12"),
        ("{{ get(get(1) + get(2)) }}", "3"),
        ("{{ get('a')|upper }} {{ 3|twice }} {{ 3|twice|twice }}", "A 6 12"),
        ("{{ get({'a': 1}).a }} {{ get([1, 2])[1] }}", "1 2"),
        ("{{ get('abc')[1:]|length }}", "2"),
        ("{{ 4 is even }} {{ 3 is not even }} {{ 3 is more_than(get(2)) }}", "True True True"),
        ("{{ get(1) if get(true) else get(2) }}{{ get(1) if get(false) else get(2) }}", "12"),
        ("{{ get(false) or get('b') }}{{ get(1) and get('c') }}{{ not get(0) }}", "bcTrue"),
        ("{{ get(1) < get(2) < get(3) }} {{ get(2) in [1, get(2)] }}", "True True"),
        ("{{ get('a') ~ get(1) }} {{ [get(1), (get(2),)] }} {{ {'a': get(1)} }}", "a1 [1, (2,)] {'a': 1}"),
        ("{{ get(*[7]) }} {{ get('%s-%s')|format(get(1), get(2)) }}", "7 1-2"),
        ("{{ get('a').upper() }}{{ get([1, 2]).index(get(2)) }}", "A1"),
    ]);
}

#[test]
fn values_that_are_still_to_come() {
    check_all(&[
        ("{{ x }}{{ x }}", "xx"),
        ("{{ user.name }} {{ user['age'] + 1 }} {{ user.nope is defined }}", "Ann 41 False"),
        ("{{ n + 1 }} {{ n * n }} {{ 2 ** n }} {{ n // 2 }} {{ -get(n) }} {{ n ~ n }}", "4 9 8 1 -3 33"),
        (
            "{{ n == 3 }} {{ 2 < n }} {{ n in [3] }} {{ n is odd }} {{ [1, 3, 3] is eq([1, n, 3]) }}",
            "True True True True True",
        ),
        ("{% if yes %}y{% endif %}{% if no %}n{% else %}e{% endif %}{{ not no }}", "yeTrue"),
        (
            "{{ nothing is defined }}{{ nothing|default('d') }}{{ (nothing.a is defined) if nothing is defined }}",
            "Falsed",
        ),
        ("{% for n in numbers %}{{ n }}{{ ',' if not loop.last }}{% endfor %}", "1,2,3"),
        ("{{ numbers|join('-') }} {{ numbers|sum }} {{ numbers|map('twice')|list }}", "1-2-3 6 [2, 4, 6]"),
        (
            "{{ users|map(attribute='name')|join }} {{ users|selectattr('age', 'more_than', 30)|list|length }}",
            "Ann 1",
        ),
        ("{% for user in users %}{{ user.name|lower }}{% endfor %}", "ann"),
        (
            "{{ 'a' if n == 3 }} {{ range(n)|list }} {{ 'abc'|truncate(n) }} {{ '%d'|format(n) }}",
            "a [0, 1, 2] abc 3",
        ),
        (
            "{{ [x, (n,)] }} {{ {'n': n}|tojson }} {{ '%s %d' % (x, n) }} {{ -n }} {{ n }}{{ [x] }}",
            "['x', (3,)] {\"n\": 3} x 3 -3 3['x']",
        ),
        (
            "{{ [n, 1, 2]|sort }} {{ [n, 5]|max }} {{ 'abcdef'[:n] }} {{ [0, 1, 2, 3, 4][n] }} {{ {3: 'c'}[n] }}",
            "[1, 2, 3] 5 abc 3 c",
        ),
        (
            "{{ 3 in numbers|map('abs') }} {{ numbers|map('string')|join }} {{ [[n]] == [[3]] }}",
            "True 123 True",
        ),
        ("{{ '%d'|format(n) }}{{ 1|default(n) }}{{ x.upper() }}{{ x[0] }}{{ dict(a=n).a }}", "31Xx3"),
    ]);
}

#[test]
fn loops() {
    check_all(&[
        ("{% for i in get([1, 2]) %}{{ get(i) }}{% endfor %}", "12"),
        ("{% for i in [] %}x{% else %}{{ get('none') }}{% endfor %}", "none"),
        ("{% for i in [1, 2, 3, 4] if i is even %}{{ loop.index }}:{{ i }} {% endfor %}", "1:2 2:4 "),
        ("{% for i in [1, 2, 3] %}{% if i is even %}{% continue %}{% endif %}{{ get(i) }}{% endfor %}", "13"),
        ("{% for i in [1, 2, 3] %}{{ get(i) }}{% if i is even %}{% break %}{% endif %}{% endfor %}", "12"),
        (
            "{% for i in get([1, 2]) %}{% for j in get([3, 4]) %}{{ get(i) * get(j) }} {% endfor %}{% endfor %}",
            "3 4 6 8 ",
        ),
        (
            "{% for t in trees recursive %}{{ get(t.name) }}{% if t.children %}({{ loop(get(t.children)) }}){% endif %}{% endfor %}",
            "a(bc)",
        ),
        (
            "{% for i in [1, 2] %}{{ loop.cycle(get('a'), get('b')) }}{{ loop.changed(get(1)) }}{% endfor %}",
            "aTruebFalse",
        ),
    ]);
}

#[test]
fn streams() {
    check_all(&[
        (
            "{% for i in stream %}{{ loop.index }}={{ i }}{{ ' ' if not loop.last }}{% endfor %}",
            "1=1 2=2 3=3 4=4",
        ),
        ("{% for i in stream %}{{ loop.length }}{{ loop.revindex }} {% endfor %}", "44 43 42 41 "),
        ("{% for i in stream %}{{ loop.previtem }}{{ i }}{{ loop.nextitem }} {% endfor %}", "12 123 234 34 "),
        ("{% for i in stream if i is even %}{{ i }}{% else %}none{% endfor %}", "24"),
        (
            "{% for i in stream %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}{{ stream|list }}",
            "1[3, 4]",
        ),
        ("{% for a, b in pairs %}{{ a }}{{ b }},{% endfor %}", "12,34,"),
        (
            "{{ stream|list }} {{ stream|list }} {% for i in stream %}{{ i }}{% endfor %}",
            "[1, 2, 3, 4] [1, 2, 3, 4] 1234",
        ),
        ("{{ stream|join(',') }}", "1,2,3,4"),
        ("{{ stream|first }}{{ stream|first }}{{ stream|list }}", "12[3, 4]"),
        ("{{ stream|sum }} {{ stream|max }} {{ stream|sort(reverse=true) }}", "10 4 [4, 3, 2, 1]"),
        ("{{ stream|map('twice')|select('more_than', 2)|list }}", "[4, 6, 8]"),
        ("{{ stream|select('even')|list }} {{ pairs|map('first')|list }}", "[2, 4] [1, 3]"),
        (
            "{{ stream|batch(2)|list }} {{ pairs|groupby(0)|map(attribute='grouper')|list }}",
            "[[1, 2], [3, 4]] [1, 3]",
        ),
        ("{% set a, b, c, d = stream %}{{ d }}", "4"),
        ("{{ 3 in stream }} {{ get(*pairs)|length if false }}", "True "),
        ("{% for a, b in [get([1, 2]), get(pair)] %}{{ a }}{{ b }}{% endfor %}", "1256"),
        (
            "{% for a, b in futures %}{{ loop.previtem }}{{ a }}{{ b }}{{ loop.nextitem }}{% endfor %}",
            "12(3, 4)(1, 2)34",
        ),
        (
            "{% for a, b in futures %}{{ a }}{{ b }}{% endfor %}{% for (a, b) in futures %}{{ b }}{% endfor %}",
            "123424",
        ),
        (
            "{{ futures|map('first')|list }}{{ futures|list }}{{ futures|first|first }}",
            "[1, 3][(1, 2), (3, 4)]1",
        ),
        ("{{ total(stream) }} {{ total(numbers|list) if false }}{{ get(stream)|first }}", "10 1"),
        ("{{ stream }} {{ stream is defined }}", "<async_generator object> True"),
        ("{% for i in get(stream) %}{{ get(i) }}{% endfor %}", "1234"),
    ]);
}

#[test]
fn set_and_blocks_of_filters() {
    check_all(&[
        ("{% set a = get(1) %}{% set b, c = get([2, 3]) %}{{ a }}{{ b }}{{ c }}", "123"),
        ("{% set text %}<{{ get('x') }}>{% endset %}{{ text }}{{ text|length }}", "<x>3"),
        ("{% set n | upper %}{{ get('a') }}{% endset %}{{ n }}", "A"),
        ("{% set ns = namespace(a=get(1)) %}{% set ns.a = ns.a + get(1) %}{{ ns.a }}", "2"),
        (
            "{% filter upper %}a{{ get('b') }}{% for i in get([1]) %}{{ get(i) }}{% endfor %}{% endfilter %}",
            "AB1",
        ),
        ("{% with a = get(1), b = get(2) %}{{ get(a + b) }}{% endwith %}", "3"),
        ("{% set list = [] %}{% do list.append(get(1)) %}{% do get(2) %}{{ list }}", "[1]"),
        ("{% autoescape get(true) %}{{ get('<') }}{% endautoescape %}", "&lt;"),
        ("{% if get(0) %}a{% elif get(1) %}b{{ get('c') }}{% else %}d{% endif %}", "bc"),
    ]);
}

#[test]
fn macros_and_callers() {
    check_all(&[
        ("{% macro m(a, b=get(2)) %}{{ get(a) }}{{ b }}{% endmacro %}{{ m(get(1)) }}{{ m(1, b=3) }}", "1213"),
        ("{% macro m() %}{{ get(1) }}{% endmacro %}{% set x = m() %}[{{ x ~ m() }}]", "[11]"),
        (
            "{% macro m() %}<{{ caller(get(1)) }}>{% endmacro %}{% call(x) m() %}{{ get(x) }}{{ get(2) }}{% endcall %}",
            "<12>",
        ),
        ("{% macro m(n) %}{{ n }}{% if get(n) %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}", "3210"),
        (
            "{% macro m() %}{% for i in stream %}{{ get(i) }}{% endfor %}{% endmacro %}{{ m() }}{{ m() }}",
            "1234",
        ),
        (
            "{% macro m() %}{{ varargs|map('twice')|list }}{{ kwargs.k }}{% endmacro %}{{ m(1, 2, k=get(3)) }}",
            "[2, 4]3",
        ),
    ]);
}

#[test]
fn templates() {
    check_all(&[
        ("{% extends 'base' %}{% block title %}{{ get('t') }}{% endblock %}", "<t|0>"),
        (
            "{% extends get('middle') %}{% block body %}{{ super() }}{{ get(1) }}{{ super.super() }}{% endblock %}",
            "<base|m010>",
        ),
        ("{% block a %}{{ get(1) }}{% endblock %}{{ self.a() }}{% set t = self.a() %}{{ t }}", "111"),
        (
            "{% set y = get('y') %}{% include 'part' %}{% for y in [1, 2] %}{% include get('part') %}{% endfor %}",
            "[xy][x1][x2]",
        ),
        (
            "{% include ['nope', 'part'] %}{% include 'nope' ignore missing %}{% include x ignore missing %}",
            "[x-]",
        ),
        ("{% include ['nope', 'part']|map('string') %}", "[x-]"),
        (
            "{% import 'tools' as t %}{{ t.add(1) }} {{ t.add(1, b=get(2)) }} {{ t.answer }} {{ t }}",
            "11 3 42 body",
        ),
        ("{% from 'tools' import add, answer as a with context %}{{ add(get(5)) }}{{ a }}", "1542"),
        ("{% import get('tools') as t %}{% import 'tools' as u %}{{ u.add(0) }}", "10"),
    ]);
}

#[test]
fn the_order_is_that_of_the_page() {
    let order: Arc<Mutex<Vec<i64>>> = Arc::default();
    let noted = order.clone();
    let mut environment = environment();
    environment.add_async_function("note", move |n: i64| {
        let noted = noted.clone();
        async move {
            later(()).await;
            noted.lock().expect("no panic").push(n);
            n
        }
    });
    let noted = order.clone();
    environment.add_async_filter("note", move |n: i64| {
        let noted = noted.clone();
        async move {
            later(()).await;
            noted.lock().expect("no panic").push(n);
            n
        }
    });
    let source = "{{ note(1) + note(2) }}{% set a = note(3) %}{{ [4, 5]|map('note')|list }}{% do note(6) %}{{ [7]|map('note')|map('note')|join }}";
    let template = environment.template_from_str(source).expect("a template");
    let page = block_on(template.render_async(context! {})).expect("a page");
    assert_eq!(page, "3[4, 5]7");
    assert_eq!(*order.lock().expect("no panic"), [1, 2, 3, 4, 5, 6, 7, 7]);
}

/// Its attributes are futures that it keeps, and it counts how often they are read.
#[derive(Debug)]
struct Row {
    n: Value,
    reads: Arc<AtomicUsize>,
}

impl Object for Row {
    fn get_attr(&self, name: &str) -> Option<Value> {
        self.reads.fetch_add(1, SeqCst);
        (name == "n").then(|| self.n.clone())
    }
}

#[test]
fn filters_look_ahead() {
    const ROWS: i64 = 50;
    let (reads, calls) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut environment = environment();
    let counted = calls.clone();
    environment.add_filter("plain", move |n: i64| {
        counted.fetch_add(1, SeqCst);
        n + 1
    });
    for (source, page) in [
        ("{{ rows|sum(attribute='n') }}", "1225"),
        ("{{ (rows|sort(attribute='n', reverse=true)|first).n }}", "49"),
        ("{{ (rows|max(attribute='n')).n }}", "49"),
        ("{{ rows|selectattr('n', 'even')|list|length }}", "25"),
        ("{{ rows|map(attribute='n')|map('plain')|sum }}", "1275"),
        ("{{ rows|map(attribute='n')|list|string|length }}", "190"),
        ("{{ rows|groupby('n')|length }}", "50"),
    ] {
        reads.store(0, SeqCst);
        calls.store(0, SeqCst);
        let row = |n| Row { n: Value::from_future(later(n)), reads: reads.clone() };
        let rows: Value = (0..ROWS).map(|n| Value::from_object(row(n))).collect();
        let template = environment.template_from_str(source).expect(source);
        let rendered = block_on(template.render_async(context! { rows }));
        assert_eq!(rendered.expect(source), page, "{source}");
        let (reads, calls) = (reads.load(SeqCst), calls.load(SeqCst));
        assert!(reads <= 5 * ROWS as usize, "{source}: {reads} reads of {ROWS} rows");
        assert!(calls <= ROWS as usize, "{source}: {calls} calls for {ROWS} rows");
    }
}

#[test]
fn futures_in_futures_in_filters() {
    let numbers = |from: i64| (from..from + 3).map(|n| Value::from_future(later(n))).collect::<Value>();
    let mixed = || -> Value {
        [
            3.into(),
            Value::from_future(later(1)),
            2.into(),
            Value::from_future(later(Value::from_future(later(0)))),
        ]
        .into_iter()
        .collect()
    };
    let lists: Value = (0..3).map(|n| Value::from_future(later(numbers(n)))).collect();
    for (source, page) in [
        ("{{ lists|map('sum')|list }}", "[3, 6, 9]"),
        ("{{ lists|map('sum')|map('twice')|list }}", "[6, 12, 18]"),
        ("{{ lists|map('join', '-')|join(' ') }}", "0-1-2 1-2-3 2-3-4"),
        ("{{ lists|map('map', 'twice')|map('list')|list }}", "[[0, 2, 4], [2, 4, 6], [4, 6, 8]]"),
        (
            "{{ lists }} {{ lists|tojson }}",
            "[[0, 1, 2], [1, 2, 3], [2, 3, 4]] [[0, 1, 2], [1, 2, 3], [2, 3, 4]]",
        ),
        ("{{ mixed|sort }} {{ mixed|map('twice')|sum }} {{ mixed|max }}", "[0, 1, 2, 3] 12 3"),
        (
            "{{ mixed ~ mixed }}{{ [mixed, lists|first] }}",
            "[3, 1, 2, 0][3, 1, 2, 0][[3, 1, 2, 0], [0, 1, 2]]",
        ),
        ("{{ lists|sum(start=[])|select('even')|list }}", "[0, 2, 2, 2, 4]"),
    ] {
        let template = environment().template_from_str(source).expect(source);
        let rendered = block_on(template.render_async(context! { lists => lists.clone(), mixed => mixed() }));
        assert_eq!(rendered.expect(source), page, "{source}");
    }
}

fn check_error(source: &str, kind: ErrorKind, line: u32, message: &str) {
    let template = environment().template_from_str(source).expect(source);
    let error = block_on(template.render_async(variables())).expect_err(source);
    assert_eq!((error.kind(), error.line(), error.message()), (kind, Some(line), message), "{source}");
}

#[test]
fn errors_say_where() {
    check_error("a\n{{ fail() }}", ErrorKind::Value, 2, "it failed");
    check_error(
        "a\n{{ [1]|map('twice')|list }}\n{{ ['a']|map('twice')|list }}",
        ErrorKind::Type,
        3,
        "twice() argument 1 must be an integer, not str",
    );
    check_error("\n\n{% include 'nope' %}", ErrorKind::TemplateNotFound, 3, "nope");
    check_error("\n{{ stream() }}", ErrorKind::Type, 2, "'async_generator' object is not callable");
    check_error(
        "\n{{ 1 + stream }}",
        ErrorKind::Type,
        2,
        "unsupported operand type(s) for +: 'int' and 'async_generator'",
    );
}

/// In a render that cannot wait: the message.
fn check_sync(source: &str, message: &str) {
    let template = environment().template_from_str(source).expect(source);
    let error = template.render(variables()).expect_err(source);
    assert_eq!((error.kind(), error.message()), (ErrorKind::Async, message), "{source}");
    assert_eq!(error.hint(), Some("render the template with `render_async`"), "{source}");
}

#[test]
fn what_cannot_wait_says_what_to_do() {
    check_sync("{{ get(1) }}", "what get() gives has to be awaited, and this render cannot wait");
    check_sync("{{ 1|twice }}", "what twice() gives has to be awaited, and this render cannot wait");
    check_sync(
        "{{ [1]|select('even')|list }}",
        "what even() gives has to be awaited, and this render cannot wait",
    );
    check_sync("{{ n }}", "a value has to be awaited, and this render cannot wait");
    check_sync("{{ user.name }}", "a value has to be awaited, and this render cannot wait");
    check_sync(
        "{% for i in stream %}{% endfor %}",
        "an asynchronous sequence has to be awaited, and this render cannot wait",
    );
    check_sync(
        "{{ stream|list }}",
        "an asynchronous sequence has to be awaited, and this render cannot wait",
    );
    check_sync("{% include 'part' %}", "template \"part\" has to be awaited, and this render cannot wait");
    assert_eq!(
        environment().get_template("part").map(drop).map_err(|error| error.kind()),
        Err(ErrorKind::Async)
    );
}
