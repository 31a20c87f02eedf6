//! Values as types of Rust: what fits, what does not and where, and values as types that serde reads from elsewhere.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use haiden::{Environment, ErrorKind, Object, Value, context};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Serialize};

/// The value of an expression.
fn eval(source: &str) -> Value {
    let mut environment = Environment::new();
    environment.add_global("gauge", Value::from_object(Gauge));
    let expression = environment.compile_expression(source).expect("an expression").undefined_to_none(false);
    expression.eval(context! {}).unwrap_or_else(|error| panic!("{source}: {error:?}"))
}

#[track_caller]
fn check<T: DeserializeOwned + PartialEq + Debug>(source: &str, expected: &T) {
    match eval(source).deserialize_into::<T>() {
        Ok(made) => assert_eq!(&made, expected, "{source}"),
        Err(error) => panic!("{source}: {error:?}"),
    }
}

#[track_caller]
fn fails<T: DeserializeOwned + Debug>(source: &str, kind: ErrorKind, message: &str) {
    match eval(source).deserialize_into::<T>() {
        Ok(made) => panic!("{source}: {made:?}"),
        Err(error) => assert_eq!((error.kind(), error.message()), (kind, message), "{source}"),
    }
}

/// What comes out of data that goes in.
#[track_caller]
fn round<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: &T) {
    let value = Value::from_serialize(data).expect("data");
    assert_eq!(value.deserialize_into::<T>().as_ref().map_err(ToString::to_string), Ok(data));
}

#[derive(Debug)]
struct Gauge;
impl Object for Gauge {
    fn type_name(&self) -> &'static str {
        "Gauge"
    }
    fn get_attr(&self, name: &str) -> Option<Value> {
        (name == "level").then(|| Value::from(3))
    }
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Event {
    Quit,
    Write(String),
    Color(u8, u8, u8),
    Move { x: i32, y: i32 },
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(tag = "kind")]
enum Tagged {
    Circle { radius: f64 },
    Nothing,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    One(u64),
    Two(String, i8),
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
    List(Vec<Untagged>),
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Unit;

#[derive(Serialize, Deserialize, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Id(u32);

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Everything {
    none: Option<i32>,
    some: Option<String>,
    unit: (),
    empty: Unit,
    small: [i8; 2],
    large: u64,
    huge: (i128, u128),
    floats: (f32, f64),
    letter: char,
    events: Vec<Event>,
    tagged: Vec<Tagged>,
    adjacent: Vec<Adjacent>,
    untagged: Untagged,
    ids: BTreeMap<Id, bool>,
    flags: BTreeMap<bool, Vec<u8>>,
    #[serde(flatten)]
    rest: BTreeMap<String, i64>,
}

#[test]
fn what_serde_writes_it_reads_again() {
    round(&Everything {
        none: None,
        some: Some("<x>".to_owned()),
        unit: (),
        empty: Unit,
        small: [-1, 127],
        large: u64::MAX,
        huge: (i128::MIN, u128::MAX),
        floats: (0.5, -1e300),
        letter: 'ß',
        events: vec![
            Event::Quit,
            Event::Write("w".to_owned()),
            Event::Color(1, 2, 3),
            Event::Move { x: 1, y: -2 },
        ],
        tagged: vec![Tagged::Circle { radius: 1.5 }, Tagged::Nothing],
        adjacent: vec![Adjacent::One(7), Adjacent::Two("x".to_owned(), -7)],
        untagged: Untagged::List(vec![Untagged::Number(1), Untagged::Text("a".to_owned())]),
        ids: BTreeMap::from([(Id(7), true), (Id(1), false)]),
        flags: BTreeMap::from([(true, vec![1, 2]), (false, vec![])]),
        rest: BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), i64::MIN)]),
    });
}

#[test]
fn values_of_templates_fit_types() {
    check("1 + 1", &2_u8);
    check("2 ** 100", &(1_i128 << 100));
    check("2 ** 100", &(1_u128 << 100));
    check("2 ** 70", &2_f64.powi(70));
    check("3", &3.0_f32);
    check("'a' ~ 1", &"a1".to_owned());
    check("'<b>'|escape", &"&lt;b&gt;".to_owned());
    check("(1, 'a', none)", &(1, "a".to_owned(), None::<i32>));
    check("range(3)", &vec![0, 1, 2]);
    check("{'b': 1, 'a': 2}.keys()|list", &vec!["b".to_owned(), "a".to_owned()]);
    check("{1: 'a', 2: 'b'}", &HashMap::from([(1_u8, "a".to_owned()), (2, "b".to_owned())]));
    check("{'1': 'a'}", &HashMap::from([(1_i64, "a".to_owned())]));
    check("{(1, 2): 3}", &BTreeMap::from([((1, 2), 3)]));
    check("{none: 1.5}", &BTreeMap::from([(None::<i32>, 1.5)]));
    check("nobody", &None::<i32>);
    check("none", &());
    check("namespace(a=1)", &BTreeMap::from([("a".to_owned(), 1)]));
    check("'Quit'", &Event::Quit);
    check("{'Quit': none}", &Event::Quit);
    check("{'Move': {'x': 1, 'y': 2, 'z': 3, 1: 4}}", &Event::Move { x: 1, y: 2 });
    check("{'Color': [1, 2, 3]}", &Event::Color(1, 2, 3));
    check("{'kind': 'Circle', 'radius': 2}", &Tagged::Circle { radius: 2.0 });
    check("{'a': [1, 2.5, none, true, 'x']}", &serde_json::json!({"a": [1, 2.5, null, true, "x"]}));
}

#[test]
fn text_is_borrowed() {
    #[derive(Deserialize)]
    struct Names<'a> {
        #[serde(borrow)]
        first: &'a str,
        #[serde(borrow)]
        second: Cow<'a, str>,
        bytes: &'a [u8],
    }
    let value = eval("{'first': 'Ann', 'second': 'Bo', 'bytes': 'xy'}");
    let names: Names<'_> = value.deserialize_into().expect("names");
    assert_eq!((names.first, &*names.second, names.bytes), ("Ann", "Bo", &b"xy"[..]));
    assert!(matches!(names.second, Cow::Borrowed(_)));
}

#[test]
fn what_does_not_fit_says_where() {
    use ErrorKind::{Overflow, Type, Undefined, Value};
    fails::<u8>("256", Overflow, "integer 256 does not fit in u8");
    fails::<u64>("-1", Overflow, "integer -1 does not fit in u64");
    fails::<i64>("2 ** 63", Overflow, "integer 9223372036854775808 does not fit in i64");
    fails::<Vec<u128>>(
        "[1, 2 ** 128]",
        Overflow,
        "[1]: integer 340282366920938463463374607431768211456 does not fit in u128",
    );
    fails::<f64>("10 ** 400", Overflow, "int too large to convert to float");
    fails::<i64>("1.5", Type, "invalid type: floating point `1.5`, expected i64");
    fails::<i64>("true", Type, "invalid type: boolean `true`, expected i64");
    fails::<String>("none", Type, "invalid type: none, expected a string");
    fails::<String>("nobody", Undefined, "'nobody' is undefined");
    fails::<String>("{'a': 1}.b", Undefined, "'dict object' has no attribute 'b'");
    fails::<Vec<i32>>("gauge", Type, "invalid type: Gauge, expected a sequence");
    fails::<i32>("gauge.pressure", Undefined, "'Gauge object' has no attribute 'pressure'");
    fails::<(i32, i32)>("[1, 2, 3]", Value, "invalid length 3, expected 2 items");
    fails::<(i32, i32)>("[1]", Value, "invalid length 1, expected a tuple of size 2");
    fails::<BTreeMap<String, i32>>("{1: 2}", Type, "[1]: invalid type: integer `1`, expected a string");
    fails::<BTreeMap<u8, i32>>("{'x': 2}", Type, "x: invalid type: string \"x\", expected u8");
    fails::<BTreeMap<String, Vec<BTreeMap<String, u8>>>>(
        "{'a': [{}, {'the key': 1, 'b': -1}]}",
        Overflow,
        "a[1].b: integer -1 does not fit in u8",
    );
    fails::<BTreeMap<String, Vec<char>>>(
        "{'the key': ['ab']}",
        Value,
        "['the key'][0]: invalid value: string \"ab\", expected a character",
    );
    fails::<Everything>("{}", Value, "missing field `unit`");
    fails::<Event>(
        "'Stop'",
        Value,
        "unknown variant `Stop`, expected one of `Quit`, `Write`, `Color`, `Move`",
    );
    fails::<Event>("{'Color': [1, 2, 256]}", Overflow, "Color[2]: integer 256 does not fit in u8");
    fails::<Event>("{'Move': 1}", Type, "Move: invalid type: integer `1`, expected a struct variant");
    fails::<Event>("'Move'", Type, "invalid type: unit variant, expected a struct variant");
    fails::<Event>(
        "{'Move': 1, 'Quit': 2}",
        Type,
        "invalid type: map, expected a variant of Event: its name, or a dict of its name and content",
    );
}

#[test]
fn a_value_inside_of_a_type_is_taken_as_it_is() {
    #[derive(Deserialize)]
    struct Parts {
        gauge: Value,
        safe: Value,
        list: Vec<Value>,
        missing: Option<Value>,
    }
    let parts: Parts =
        eval("{'gauge': gauge, 'safe': '<'|safe, 'list': [1, (2,)]}").deserialize_into().expect("parts");
    assert!(parts.gauge.as_object().is_some());
    assert!(parts.safe.is_safe());
    assert_eq!(format!("{:?}", parts.list), "[1, (2,)]");
    assert!(parts.missing.is_none());
    assert!(eval("nobody").deserialize_into::<Value>().expect("a value").is_undefined());
    let value = eval("[1, 2]");
    assert_eq!(Vec::<u8>::deserialize(value.into_deserializer()).expect("bytes"), [1, 2]);
}

#[test]
fn values_are_read_from_other_formats() {
    let check = |json: &str, repr: &str| match serde_json::from_str::<Value>(json) {
        Ok(value) => assert_eq!(format!("{value:?}"), repr),
        Err(error) => panic!("{json}: {error}"),
    };
    check(
        r#"{"a": [1, -2.5, null, true, "x"], "b": {"c": {}}}"#,
        "{'a': [1, -2.5, None, True, 'x'], 'b': {'c': {}}}",
    );
    check("123456789012345678901234567890", "123456789012345678901234567890");
    check(
        r#"[{"k": 1}, {"k": 2}, {"k": 3, "l": 4}, {"k": 5, "k": 6}]"#,
        "[{'k': 1}, {'k': 2}, {'k': 3, 'l': 4}, {'k': 6}]",
    );
    let error = serde_json::from_str::<Value>("[1, }").expect_err("broken JSON");
    assert_eq!(error.to_string(), "expected value at line 1 column 5");
    let deep = "[".repeat(100) + &"]".repeat(100);
    assert_eq!(serde_json::from_str::<Value>(&deep).expect("a value").to_string(), deep);
    let large = Value::from_serialize(&(u64::MAX, i128::MIN, u128::MAX)).expect("data");
    let json = "[18446744073709551615,-170141183460469231731687303715884105728,340282366920938463463374607431768211455]";
    assert_eq!(serde_json::to_string(&large).expect("JSON"), json);
    assert_eq!(serde_json::from_str::<Value>(json).expect("a value"), eval("[2**64-1, -2**127, 2**128-1]"));
}

#[test]
fn an_undefined_value_remembers_what_it_is() {
    let mut environment = Environment::new();
    environment.add_filter("same", |value: Value| value);
    let error = environment.render_str("{{ (user|same).name }}", context! {}).expect_err("undefined");
    assert_eq!(error.message(), "'user' is undefined");
}

#[test]
fn deep_values_are_read_or_refused() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum Nest {
        Leaf,
        List(Vec<Nest>),
        Struct { inner: Box<Nest> },
    }
    let nested = |depth: usize| (0..depth).fold(Nest::Leaf, |inner, _| Nest::List(vec![inner]));
    round(&nested(150));
    round(&(0..150).fold(Nest::Leaf, |inner, _| Nest::Struct { inner: Box::new(inner) }));
    let error = Value::from_serialize(&nested(1_000)).expect_err("too deep");
    assert_eq!(error.kind(), ErrorKind::Recursion);
    let lists = (0..390).fold(Value::from(1), |inner, _| Value::from(vec![inner]));
    let json: serde_json::Value = lists.deserialize_into().expect("JSON");
    assert_eq!(json.to_string().len(), 390 * 2 + 1);
    let back = Value::deserialize(&json).expect("a value");
    assert_eq!(back.deserialize_into::<serde_json::Value>().expect("JSON"), json);
    let deeper = (0..401).fold(json, |inner, _| serde_json::Value::Array(vec![inner]));
    let error = Value::deserialize(&deeper).expect_err("too deep");
    assert_eq!(error.to_string(), "the data is nested too deeply: more than 400 levels");
}

/// Some JSON: the generator's next number decides.
fn some_json(seed: &mut u64, depth: u32) -> serde_json::Value {
    let mut next = |below: u64| {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        *seed % below
    };
    match next(if depth == 0 { 6 } else { 9 }) {
        0 => serde_json::Value::Null,
        1 => (next(2) == 0).into(),
        2 => (next(u64::MAX) as i64).into(),
        3 => next(u64::MAX).into(),
        4 => (next(1_000) as f64 / 8.0).into(),
        5 => ["", "a", "ß\n", "key"][next(4) as usize].into(),
        6 | 7 => (0..next(4)).map(|_| some_json(seed, depth - 1)).collect::<Vec<_>>().into(),
        _ => {
            let keys = ["a", "b", "c d", "e"];
            let count = next(5) as usize;
            let entries = keys[..count].iter().map(|key| ((*key).to_owned(), some_json(seed, depth - 1)));
            serde_json::Value::Object(entries.collect())
        }
    }
}

#[test]
fn json_comes_back_as_it_went_in() {
    let mut seed = 0x9E37_79B9_7F4A_7C15;
    for _ in 0..2_000 {
        let json = some_json(&mut seed, 4);
        let value = Value::from_serialize(&json).expect("data");
        assert_eq!(value.deserialize_into::<serde_json::Value>().expect("JSON"), json);
        assert_eq!(format!("{:?}", Value::deserialize(&json).expect("a value")), format!("{value:?}"));
        let text = serde_json::to_string(&value).expect("a text");
        assert_eq!(
            format!("{:?}", serde_json::from_str::<Value>(&text).expect("a value")),
            format!("{value:?}")
        );
    }
}

/// A list of other objects, which names no attributes.
#[derive(Debug)]
struct Crew(Vec<Value>);

impl Object for Crew {
    fn iterate(&self) -> Option<Vec<Value>> {
        Some(self.0.clone())
    }
}

#[derive(Debug, haiden::Object)]
struct Member {
    name: &'static str,
    age: i64,
    tags: Vec<&'static str>,
    crew: Value,
    #[haiden(skip)]
    #[expect(dead_code, reason = "templates do not see it, nor do types")]
    secret: i64,
}

#[haiden::methods]
impl Member {
    fn greet(&self) -> String {
        format!("I am {}", self.name)
    }
}

fn member(name: &'static str, age: i64, crew: Vec<Value>) -> Value {
    Value::from_object(Member {
        name,
        age,
        tags: vec!["a", "b"],
        crew: Value::from_object(Crew(crew)),
        secret: 1,
    })
}

/// An object in which another one lies, and so on.
#[derive(Debug)]
struct Endless;

impl Object for Endless {
    fn attributes(&self) -> Vec<&str> {
        vec!["inner"]
    }
    fn get_attr(&self, _: &str) -> Option<Value> {
        Some(Value::from_object(Endless))
    }
}

#[test]
fn objects_are_their_attributes() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Person {
        name: String,
        #[serde(default)]
        greet: u8,
        age: Option<u8>,
        crew: Vec<Person>,
    }
    let captain = member("Ann", 40, vec![member("Bo", 20, vec![]), member("Cy", 30, vec![])]);
    let person = |name: &str, age, crew| Person { name: name.to_owned(), greet: 0, age: Some(age), crew };
    let crew = vec![person("Bo", 20, vec![]), person("Cy", 30, vec![])];
    assert_eq!(captain.deserialize_into::<Person>().expect("a person"), person("Ann", 40, crew));

    let json = captain.deserialize_into::<serde_json::Value>().expect("anything");
    let bo = serde_json::json!({"name": "Bo", "age": 20, "tags": ["a", "b"], "crew": []});
    assert_eq!((&json["crew"][0], json.get("greet"), json.get("secret")), (&bo, None, None));
    let map: BTreeMap<String, Value> = captain.deserialize_into().expect("a map");
    assert!(map["crew"].as_object().is_some());

    // In a list of a template's, in the argument of a function.
    let mut environment = Environment::new();
    environment.add_function("sum", |people: haiden::Serde<Vec<Person>>| {
        people.0.iter().filter_map(|person| person.age).map(i64::from).sum::<i64>()
    });
    let page =
        environment.render_str("{{ sum([captain] + captain.crew|list) }}", haiden::context! { captain });
    assert_eq!(page.expect("a page"), "90");
}

#[test]
fn objects_that_do_not_fit_say_where() {
    #[derive(Deserialize, Debug)]
    #[expect(dead_code, reason = "only whether it can be made is asked")]
    struct Nested {
        inner: Box<Nested>,
    }
    #[derive(Deserialize, Debug)]
    #[expect(dead_code, reason = "only whether it can be made is asked")]
    struct Aged {
        age: u8,
        crew: Vec<Aged>,
    }
    fn check<T: for<'de> Deserialize<'de> + std::fmt::Debug>(value: &Value, kind: ErrorKind, message: &str) {
        let error = value.deserialize_into::<T>().expect_err(message);
        assert_eq!(error.kind(), kind, "{message}");
        assert!(error.message().ends_with(message), "{message}: {error}");
    }
    let crew = member("Ann", 1, vec![member("Bo", 1, vec![]), member("Cy", 300, vec![])]);
    check::<Aged>(&crew, ErrorKind::Overflow, "crew[1].age: integer 300 does not fit in u8");
    check::<String>(&crew, ErrorKind::Type, "invalid type: Member, expected a string");
    check::<u8>(&crew, ErrorKind::Type, "invalid type: Member, expected u8");
    check::<Vec<u8>>(&crew, ErrorKind::Type, "invalid type: Member, expected a sequence");
    check::<Nested>(&Value::from_object(Endless), ErrorKind::Recursion, "objects are nested too deeply");
    check::<serde_json::Value>(
        &Value::from_object(Endless),
        ErrorKind::Recursion,
        "objects are nested too deeply",
    );
}
