//! Values of Rust in templates: what serde makes of data, functions, objects, and limits.

use std::collections::BTreeMap;

use haiden::{Environment, Error, ErrorKind, KeywordArguments, Keywords, Object, Value, context};
use serde::Serialize;

fn check_with(environment: &Environment, template: &str, context: &Value, expected: &str) {
    match environment.render_str(template, context) {
        Ok(page) => assert_eq!(page, expected, "{template}"),
        Err(error) => panic!("{template}: {error:?}"),
    }
}

fn check(template: &str, context: &Value, expected: &str) {
    check_with(&Environment::new(), template, context, expected);
}

fn fails_with(environment: &Environment, template: &str, context: &Value, kind: ErrorKind, message: &str) {
    match environment.render_str(template, context) {
        Ok(page) => panic!("{template}: {page:?} instead of an error"),
        Err(error) => assert_eq!((error.kind(), error.message()), (kind, message), "{template}"),
    }
}

fn of<T: Serialize + ?Sized>(data: &T) -> Value {
    Value::from_serialize(data).expect("data")
}

#[derive(Serialize)]
enum Event {
    Quit,
    Move { x: i32, y: i32 },
    Write(String),
    Color(u8, u8, u8),
}

#[derive(Serialize)]
struct Everything<'a> {
    unit: (),
    none: Option<i32>,
    some: Option<&'a str>,
    large: u64,
    huge: i128,
    half: f32,
    letter: char,
    pair: (i32, &'a str),
    bytes: &'a [u8],
    events: Vec<Event>,
    map: BTreeMap<i32, bool>,
    nested: BTreeMap<&'a str, Vec<BTreeMap<&'a str, i32>>>,
}

fn everything() -> Value {
    of(&Everything {
        unit: (),
        none: None,
        some: Some("<x>"),
        large: u64::MAX,
        huge: -(1 << 100),
        half: 0.5,
        letter: 'ß',
        pair: (1, "b"),
        bytes: b"ab",
        events: vec![
            Event::Quit,
            Event::Move { x: 1, y: -2 },
            Event::Write("w".to_owned()),
            Event::Color(1, 2, 3),
        ],
        map: BTreeMap::from([(1, true), (2, false)]),
        nested: BTreeMap::from([(
            "a",
            vec![BTreeMap::from([("k", 1)]), BTreeMap::from([("k", 2), ("l", 3)])],
        )]),
    })
}

#[test]
fn serde_makes_what_python_would_have() {
    let all = everything();
    check(
        "{{ unit }} {{ none }} {{ some|e }} {{ large + 1 }} {{ huge }}",
        &all,
        "None None &lt;x&gt; 18446744073709551616 -1267650600228229401496703205376",
    );
    check("{{ half }} {{ letter|upper }} {{ pair }} {{ bytes }}", &all, "0.5 SS (1, 'b') [97, 98]");
    check(
        "{{ events }}",
        &all,
        "['Quit', {'Move': {'x': 1, 'y': -2}}, {'Write': 'w'}, {'Color': (1, 2, 3)}]",
    );
    check(
        "{{ events[1].Move.y }} {{ map[1] }} {{ map }} {{ map['1'] is defined }}",
        &all,
        "-2 True {1: True, 2: False} False",
    );
    check(
        "{% for m in nested.a %}{{ m.k }}{{ m.l }};{% endfor %}{{ nested }}",
        &all,
        "1;23;{'a': [{'k': 1}, {'k': 2, 'l': 3}]}",
    );
}

#[test]
fn numbers_of_json_keep_their_digits() {
    let json: serde_json::Value =
        serde_json::from_str(r#"{"n": [0, -5, 12345678901234567890123, 1.5, 1e3, -0.0]}"#).expect("JSON");
    check("{{ n }}{{ n[0] + 1 }}", &of(&json), "[0, -5, 12345678901234567890123, 1.5, 1000.0, -0.0]1");
}

#[test]
fn containers_of_the_context_can_change_and_keep_their_identity() {
    let data = of(&serde_json::json!({"empty": [], "hollow": {}, "also": [], "l": [1, [2]], "d": {"k": []}}));
    check("{% set _ = empty.append(1) %}{{ empty }}{{ also }}{{ hollow }}", &data, "[1][]{}");
    check("{% set _ = hollow.update(a=1) %}{{ hollow }}{{ hollow.a }}{{ empty }}", &data, "{'a': 1}1[]");
    check("{% set x = d.k %}{% set _ = x.append(5) %}{{ d }}{{ d['k'][0] }}", &data, "{'k': [5]}5");
    check(
        "{% for i in l %}{% if loop.first %}{% set _ = l.append(9) %}{% endif %}{{ i }};{% endfor %}",
        &data,
        "1;[2];9;",
    );
    // Another render sees nothing of it.
    check("{{ empty }}{{ hollow }}{{ d }}", &data, "[]{}{'k': []}");
}

#[test]
fn functions_take_and_give_rust_types() {
    let mut environment = Environment::new();
    environment.add_filter("shout", |text: &str| format!("{}!", text.to_uppercase()));
    environment.add_filter("times", |text: &str, count: Option<usize>| text.repeat(count.unwrap_or(2)));
    environment.add_filter("both", |left: &str, right: &str| left.len() == right.len());
    environment.add_filter("half", |n: i64| {
        if n % 2 == 0 { Ok(n / 2) } else { Err(Error::new(ErrorKind::Value, "odd")) }
    });
    environment.add_filter("total", |numbers: Vec<f64>| numbers.iter().sum::<f64>());
    environment.add_filter("big", |n: i128| n + 1);
    environment.add_filter("same", |value: Value| value);
    environment.add_filter("words", |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>());
    environment.add_test("tiny", |n: i64| n < 3);
    environment.add_test("under", |n: i64, keywords: KeywordArguments| {
        keywords.get("limit").and_then(Value::as_i64).is_some_and(|limit| n < limit)
    });
    environment.add_function("five", || 5);
    environment.add_function("join5", |a: &str, b: &str, c: i64, d: f64, e: bool| format!("{a}{b}{c}{d}{e}"));
    environment.add_filter("panics", |_: Value| -> bool { panic!("oh no") });
    let none = of(&());
    let ok = |template: &str, expected: &str| check_with(&environment, template, &none, expected);
    ok("{{ 3 is under(limit=4) }} {{ 3 is under(limit=3) }} {{ 3 is under }}", "True False False");
    ok(
        "{{ 'ab'|shout }} {{ 'ab'|times }} {{ 'ab'|times(3) }} {{ 'ab'|times(none) }}",
        "AB! abab ababab abab",
    );
    ok(
        "{{ 'ab'|both('cd') }} {{ 8|half }} {{ [1, 2.5]|total }} {{ 99999999999999999999|big }}",
        "True 4 3.5 100000000000000000000",
    );
    ok(
        "{{ [1, {'a': (2,)}]|same }} {{ 'a b'|words }} {{ 2 is tiny }} {{ five() }} {{ nope|same is defined }}",
        "[1, {'a': (2,)}] ['a', 'b'] True 5 False",
    );
    ok(
        "{{ join5('a', 'b', 1, 2, true) }} {{ ['x', 'y']|map('shout')|join }} {{ [1, 5]|select('tiny')|list }}",
        "ab12true X!Y! [1]",
    );
    let fail = |template: &str, kind, message: &str| fails_with(&environment, template, &none, kind, message);
    fail("{{ 5|shout }}", ErrorKind::Type, "shout() argument 1 must be text, not int");
    fail("{{ nope|shout }}", ErrorKind::Undefined, "'nope' is undefined");
    fail("{{ 'a'|times('x') }}", ErrorKind::Type, "times() argument 2 must be an integer, not str");
    fail("{{ 'a'|both }}", ErrorKind::Type, "both() is missing argument 2");
    fail("{{ five(1) }}", ErrorKind::Type, "five() takes 0 positional arguments but 1 were given");
    fail("{{ 3|half }}", ErrorKind::Value, "odd");
    fail("{{ 3|panics }}", ErrorKind::Runtime, "panics panicked: oh no");
}

#[derive(Debug)]
struct Account {
    name: &'static str,
}

impl Object for Account {
    fn type_name(&self) -> &'static str {
        "Account"
    }
    fn get_attr(&self, name: &str) -> Option<Value> {
        match name {
            "name" => Some(Value::from(self.name)),
            "breaks" => panic!("no"),
            _ => None,
        }
    }
    fn get_item(&self, key: &Value) -> Option<Value> {
        key.as_i64().map(|n| Value::from(n * 10))
    }
    fn has_method(&self, name: &str) -> bool {
        name == "greet"
    }
    fn call_method(&self, name: &str, positional: &[Value], keywords: Keywords<'_>) -> Result<Value, Error> {
        let keywords: Vec<String> = keywords.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(Value::from(format!("{name} {} {positional:?} {}", self.name, keywords.join(","))))
    }
    fn iterate(&self) -> Option<Vec<Value>> {
        Some(vec![Value::from(1), Value::from("two")])
    }
    fn length(&self) -> Option<usize> {
        Some(2)
    }
    fn to_text(&self) -> String {
        format!("<{}>", self.name)
    }
    fn to_html(&self) -> Option<String> {
        (self.name == "safe").then(|| "<b>safe</b>".to_owned())
    }
}

#[test]
fn objects_behave_as_they_say() {
    let mut environment = Environment::new();
    environment.set_autoescape(true);
    let data = of(&BTreeMap::from([
        ("a", Value::from_object(Account { name: "Ann" })),
        ("s", Value::from_object(Account { name: "safe" })),
    ]));
    let ok = |template: &str, expected: &str| check_with(&environment, template, &data, expected);
    ok(
        "{{ a.name }} {{ a[3] }} {{ a.nope is defined }} {{ a|length }} {{ a|list }} {{ a }} {{ s }}",
        "Ann 30 False 2 [1, &#39;two&#39;] &lt;Ann&gt; <b>safe</b>",
    );
    ok("{{ a.greet(1, 'x', k=[2]) }}", "greet Ann [1, &#39;x&#39;] k=[2]");
    ok(
        "{% for i in a %}{{ loop.index }}{{ i }}{% endfor %}{{ 'two' in a }}{{ a == a }}{{ a == s }}",
        "112twoTrueTrueFalse",
    );
    fails_with(
        &environment,
        "{{ a.breaks }}",
        &data,
        ErrorKind::Runtime,
        "get_attr of a Account panicked: no",
    );
    fails_with(
        &environment,
        "{{ a.nope.x }}",
        &data,
        ErrorKind::Undefined,
        "'Account object' has no attribute 'nope'",
    );
}

#[test]
fn depth_is_bounded_everywhere() {
    #[derive(Serialize)]
    struct Chain(Option<Box<Chain>>);
    let mut chain = Chain(None);
    for _ in 0..300 {
        chain = Chain(Some(Box::new(chain)));
    }
    assert!(Value::from_serialize(&chain).is_ok(), "300 levels are few");
    for _ in 0..100_000 {
        chain = Chain(Some(Box::new(chain)));
    }
    assert_eq!(Value::from_serialize(&chain).expect_err("too deep").kind(), ErrorKind::Recursion);
    // Dropping it would recurse.
    std::mem::forget(chain);

    let mut value = Value::from(1);
    for _ in 0..100_000 {
        value = Value::from(vec![value]);
    }
    let error = Environment::new().render_str("{{ v }}", context! { v => value }).expect_err("too deep");
    assert_eq!(error.kind(), ErrorKind::Recursion);
    assert!(error.message().contains("nested too deeply"), "{}", error.message());

    let environment = Environment::new();
    let deep =
        "{% set ns = namespace(x=()) %}{% for i in range(100000) %}{% set ns.x = (ns.x,) %}{% endfor %}";
    for use_of_it in [
        "{{ ns.x }}",
        "{{ ns.x == (ns.x,) }}",
        "{{ {ns.x: 1} }}",
        "{{ ns.x|pprint }}",
        "{{ ns.x|tojson }}",
        "{{ [ns.x, ns.x]|unique|list }}",
        "{{ [(ns.x,), (ns.x,)]|sort }}",
    ] {
        let outcome = environment.render_str(&format!("{deep}{use_of_it}"), &of(&()));
        let error = outcome.expect_err(use_of_it);
        assert_eq!(error.kind(), ErrorKind::Recursion, "{use_of_it}: {error:?}");
    }
}

#[test]
fn many_values_from_outside_are_no_trouble() {
    let mut environment = Environment::new();
    environment.add_function("fresh", |n: i64| Value::from(vec![n]));
    let page = environment
        .render_str(
            "{% set ns = namespace(t=0) %}{% for i in range(70000) %}{% set ns.t = ns.t + fresh(i)[0] %}{% endfor %}{{ ns.t }}",
            &of(&()),
        )
        .expect("renders");
    assert_eq!(page, "2449965000");
}

#[test]
fn values_show_and_compare_as_python_does() {
    assert_eq!(Value::from(2.0).to_string(), "2.0");
    assert_eq!(format!("{:?}", Value::from("a'b")), "\"a'b\"");
    assert_eq!(Value::from(1), Value::from(1.0));
    assert_eq!(Value::from(true), Value::from(1));
    assert_ne!(Value::from("1"), Value::from(1));
    assert_eq!(Value::from(vec![1, 2]), of(&[1.0, 2.0].to_vec()));
    let map: Value =
        [("a", Value::from(1)), ("b", Value::from(2)), ("a", Value::from(3))].into_iter().collect();
    assert_eq!(map.to_string(), "{'a': 3, 'b': 2}");
    assert!(Value::from(1) < Value::from(1.5) && Value::from("a") < Value::from("b"));
    assert_eq!(Value::from(1).partial_cmp(&Value::from("a")), None);
    assert_eq!(map.iter().map(|key| key.to_string()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(map.entries().map(|(key, value)| format!("{key}{value}")).collect::<Vec<_>>(), ["a3", "b2"]);
    assert_eq!(Value::from([1, 2]).iter().filter_map(|item| item.as_i64()).sum::<i64>(), 3);
    assert_eq!((Value::from("x").iter().len(), Value::from("x").entries().len()), (0, 0));
    assert!(Value::from_safe_string("<b>").is_safe() && !Value::from("<b>").is_safe());
    let back = serde_json::to_string(&of(&serde_json::json!({"a": [1, 2.5, null, "x"], "b": {}})))
        .expect("serializes");
    assert_eq!(back, r#"{"a":[1,2.5,null,"x"],"b":{}}"#);
}

/// Whatever is given to what takes numbers: an answer or an error, never a panic.
#[test]
fn extreme_numbers_do_not_panic() {
    const VALUES: [&str; 12] = [
        "9223372036854775807",
        "(-9223372036854775807 - 1)",
        "9223372036854775808",
        "(2 ** 200)",
        "0",
        "(-1)",
        "3",
        "1e308",
        "(1e308 * 10 - 1e308 * 10)",
        "none",
        "'é'",
        "nope",
    ];
    const USES: [&str; 40] = [
        "a + b",
        "a - b",
        "a * b",
        "a / b",
        "a // b",
        "a % b",
        "a ** b",
        "-a",
        "a < b",
        "a == b",
        "[a] * b",
        "'xé' * b",
        "[1, 2, 3][a:b]",
        "'aéb'[a:b]",
        "(1, 2)[::a]",
        "range(5)[a:b]",
        "range(a, b)|length",
        "range(a, b)|first",
        "range(0, a, b)[a]",
        "range(a, b, 3)[1:2]",
        "a in range(b)",
        "range(a).index(b)",
        "range(a).count(b)",
        "[1, 2].insert(a, b)",
        "[1, 2].pop(a)",
        "[1, 2].index(a, b)",
        "'abc'.center(a)",
        "'abc'.zfill(a)",
        "'a\\tb'.expandtabs(a)",
        "'abcabc'.replace('b', 'x', a)",
        "'a b c'.split(' ', a)",
        "'abc'.find('b', a, b)",
        "'%*d' % (a, b)",
        "'%.*f' % (a, b)",
        "'{:{}}'.format(a, b)",
        "a|round(b)",
        "a|int",
        "[a, b]|sort",
        "[1, 2, 3]|batch(a)|list",
        "'abc def'|truncate(a)",
    ];
    let mut environment = Environment::new();
    let limits = haiden::RenderLimits { size: 5000, output: 50_000, ..haiden::RenderLimits::default() };
    environment.set_limits(limits);
    let none = of(&());
    for left in VALUES {
        for right in VALUES {
            for expression in USES {
                let template = format!("{{% set a = {left} %}}{{% set b = {right} %}}{{{{ {expression} }}}}");
                let render = std::panic::AssertUnwindSafe(|| environment.render_str(&template, &none));
                let outcome = std::panic::catch_unwind(render);
                assert!(outcome.is_ok(), "{template} panicked");
            }
        }
    }
}

/// Jinja2 folds what a constant decides, and escapes it by what it knows while compiling: outside of `autoescape`, not at all.
#[test]
fn an_integer_beyond_64_bits_decides_what_is_folded() {
    let context = of(&BTreeMap::from([("on", true)]));
    for (test, page) in
        [("12345678901234567890", "<i>"), ("1", "<i>"), ("0", "<b>"), ("not 12345678901234567890", "<b>")]
    {
        let template =
            format!("{{% autoescape on %}}{{{{ '<i>' if {test} else '<b>' }}}}{{% endautoescape %}}");
        check(&template, &context, page);
    }
}
