//! Structs as objects of templates, by `#[derive(Object)]` and `#[methods]`.
#![cfg(feature = "derive")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use haiden::{
    Environment, Error, ErrorKind, KeywordArguments, Object, Sandbox, State, ToValue, Value, context, methods,
};

#[derive(Debug, Clone, Object)]
struct Size {
    width: u32,
    height: u32,
}

#[derive(Debug, Object)]
#[haiden(name = "Article")]
struct Item {
    r#type: &'static str,
    #[haiden(rename = "label")]
    name: String,
    price: Option<f64>,
    size: Size,
    parts: Vec<Size>,
    maker: Arc<Maker>,
    pair: (i8, String),
    prices: BTreeMap<String, u128>,
    any: Value,
    #[haiden(skip)]
    reads: AtomicUsize,
}

#[derive(Debug, Object)]
struct Maker {
    name: &'static str,
}

#[derive(Debug, Clone, Object)]
#[haiden(debug)]
struct Point(i64, i64, #[haiden(skip)] ());

#[derive(Debug, Object)]
struct Marker;

#[derive(Debug, Object)]
#[haiden(methods)]
struct Page<T: Clone> {
    items: Vec<T>,
    next: Option<T>,
}

#[methods]
impl Item {
    const LIMIT: usize = 10;

    fn new() -> Item {
        Item {
            r#type: "tea",
            name: "Green & Black".to_owned(),
            price: None,
            size: Size { width: 2, height: 3 },
            parts: vec![Size { width: 1, height: 1 }],
            maker: Arc::new(Maker { name: "M" }),
            pair: (-1, "p".to_owned()),
            prices: BTreeMap::from([("EUR".to_owned(), u128::MAX)]),
            any: Value::from_safe_string("<i>"),
            reads: AtomicUsize::new(0),
        }
    }

    #[haiden(getter)]
    fn area(&self) -> u32 {
        self.size.area()
    }

    #[haiden(getter)]
    fn reads(&self) -> usize {
        self.reads.fetch_add(1, Ordering::Relaxed)
    }

    fn label_of(&self, prefix: &str, suffix: Option<&str>) -> String {
        format!("{prefix}{}{}", self.name, suffix.unwrap_or(""))
    }

    #[haiden(rename = "type_name")]
    fn own_type(&self) -> &str {
        self.r#type
    }

    fn scaled(&self, by: u32) -> Size {
        Size { width: self.size.width * by, height: self.size.height * by }
    }

    fn made_by(&self) -> Arc<Maker> {
        self.maker.clone()
    }

    fn larger(&self, other: &Item, state: &State<'_>) -> Result<bool, Error> {
        if state.lookup("broken")?.is_some() {
            return Err(Error::new(ErrorKind::Runtime, "broken"));
        }
        Ok(self.area() > other.area())
    }

    fn attributes_of(&self, named: &KeywordArguments) -> Vec<String> {
        assert_eq!(self.pair.0, -1);
        named.iter().map(|(name, value)| format!("{name}={value:?}")).take(Self::LIMIT).collect()
    }

    fn call(&self, state: &State<'_>, callee: &Value) -> Result<Value, Error> {
        state.call(callee, &[self.name.as_str().into()], &[])
    }

    fn panics(&self) {
        panic!("{}", self.name);
    }

    #[haiden(forbidden)]
    fn delete(&self) -> bool {
        self.price.is_none()
    }

    #[haiden(skip)]
    fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }
}

#[methods]
impl Maker {
    #[haiden(call)]
    fn make(&self, what: &str, times: Option<usize>) -> String {
        format!("{}{}", self.name, what.repeat(times.unwrap_or(1)))
    }
}

#[methods]
impl Marker {
    #[haiden(call, forbidden)]
    fn run(&self) -> String {
        format!("{self:?}!")
    }
}

#[methods]
impl Size {
    fn area(&self) -> u32 {
        self.width * self.height
    }
}

#[methods]
impl<T: Clone> Page<T> {
    fn count(&self) -> usize {
        self.items.len()
    }
}

fn render(environment: &Environment, source: &str) -> Result<String, Error> {
    let mut item = Item::new();
    item.rename("G&B");
    let page = Page { items: vec![Size { width: 1, height: 2 }], next: None };
    let context = context! {
        item => Value::from_object(item),
        point => Value::from_object(Point(3, 4, ())),
        marker => Value::from_object(Marker),
        page => Value::from_object(page),
    };
    environment.render_str(source, context)
}

#[track_caller]
fn check(source: &str, page: &str) {
    match render(&Environment::new(), source) {
        Ok(made) => assert_eq!(made, page, "{source}"),
        Err(error) => panic!("{source}: {error:?}"),
    }
}

#[track_caller]
fn fails(source: &str, kind: ErrorKind, message: &str) {
    match render(&Environment::new(), source) {
        Ok(page) => panic!("{source}: {page}"),
        Err(error) => assert_eq!((error.kind(), error.message()), (kind, message), "{source}"),
    }
}

#[test]
fn fields_are_attributes() {
    check("{{ item.type }} {{ item.label }} {{ item.price }} {{ item.size.width }}", "tea G&B None 2");
    check(
        "{{ item['label'] }} {{ item|attr('label') }} {{ [item]|map(attribute='label')|first }}",
        "G&B G&B G&B",
    );
    check(
        "{{ item.parts[0].height }} {{ item.maker.name }} {{ item.pair }} {{ item.prices }}",
        "1 M (-1, 'p') {'EUR': 340282366920938463463374607431768211455}",
    );
    check("{{ item.any|e }} {{ item.name is defined }} {{ item.reads }}{{ item.reads }}", "<i> False 01");
    assert_eq!(Value::from_object(Point(1, 2, ())).to_string(), "Point(1, 2, ())");
    check("{{ marker is defined }} {{ marker }} {{ marker.x is defined }}", "True <Marker object> False");
}

#[test]
fn fields_without_names_are_items() {
    check(
        "{{ point[0] }} {{ point.1 }} {{ point[2] is defined }} {{ point|length }} {{ point|join('-') }}",
        "3 4 False 2 3-4",
    );
}

#[test]
fn types_may_have_parameters() {
    check("{{ page.items[0].area() }} {{ page.next }} {{ page.count() }}", "2 None 1");
}

#[test]
fn methods_are_called_with_arguments_of_their_types() {
    check("{{ item.label_of('<') }} {{ item.label_of('<', '>') }} {{ item.type_name() }}", "<G&B <G&B> tea");
    check("{{ item.area }} {{ item.scaled(2).area() }} {{ item.made_by().name }}", "6 24 M");
    check("{{ item.larger(item) }} {{ item.attributes_of(a=1, b='x') }}", "False ['a=1', \"b='x'\"]");
    check("{% set f = item.label_of %}{{ f('-') }} {{ item.label_of is callable }}", "-G&B True");
    check(
        "{{ item.maker('x') }} {{ item.maker('x', 2) }} {{ item.maker is callable }} {{ item is callable }}",
        "Mx Mxx True False",
    );
    check("{{ item.maker.make is defined }} {{ marker() }}", "False Marker!");
    fails("{{ item() }}", ErrorKind::Type, "'Article' object is not callable");
    fails("{{ item.maker() }}", ErrorKind::Type, "make() is missing argument 1");
    check("{{ ['a', 'b']|map('upper')|join }}{{ item.call(item.scaled) if false else '' }}", "AB");
    fails("{{ item.label_of() }}", ErrorKind::Type, "label_of() is missing argument 1");
    fails(
        "{{ item.label_of('a', 'b', 'c') }}",
        ErrorKind::Type,
        "label_of() takes 2 positional arguments but 3 were given",
    );
    fails("{{ item.scaled(-1) }}", ErrorKind::Type, "scaled() argument 1 must be an integer, not int");
    fails(
        "{{ item.larger(marker) }}",
        ErrorKind::Type,
        "larger() argument 1 must be an object of another type, not Marker",
    );
    fails("{{ item.panics() }}", ErrorKind::Runtime, "panics of a Article panicked: G&B");
    fails("{% set broken = 1 %}{{ item.larger(item) }}", ErrorKind::Runtime, "broken");
    fails("{{ item.rename('x') }}", ErrorKind::Undefined, "'Article object' has no attribute 'rename'");
    fails("{{ item.area() }}", ErrorKind::Type, "'int' object is not callable");
}

#[test]
fn an_attribute_that_is_not_there_has_a_neighbour() {
    let error = render(&Environment::new(), "{{ item.labels.x }}").expect_err("no attribute");
    assert_eq!(error.hint(), Some("did you mean `label`?"));
}

#[test]
fn what_is_forbidden_is_so_in_a_sandbox() {
    let mut environment = Environment::new();
    assert_eq!(render(&environment, "{{ item.delete() }}").expect("a page"), "True");
    environment.set_sandbox(Some(Sandbox::default()));
    assert_eq!(render(&environment, "{{ item.scaled(2).width }}").expect("a page"), "4");
    environment.add_filter("same", |value: Value| value);
    environment.add_filter("run", |state: &State<'_>, callee: &Value| state.call(callee, &[], &[]));
    environment.add_function("module", |state: &State<'_>| -> Result<Value, Error> {
        let item = state.lookup("item")?;
        let template = state.environment().template_from_str("{% set delete = item.delete %}")?;
        Ok(Value::from_object(template.module(context! { item })?))
    });
    for call in [
        "item.delete()",
        "marker()",
        "([marker]|same)[0]()",
        "(item.delete)()",
        "(item.delete|same)()",
        "([item.delete]|same)[0]()",
        "item.delete|run",
        "[item.delete]|map('run')|list",
        "module().delete()",
        "(module().delete)()",
    ] {
        let error = render(&environment, &format!("{{{{ {call} }}}}")).expect_err(call);
        assert_eq!(error.kind(), ErrorKind::Security, "{call}");
    }
}

#[test]
fn rust_sees_the_object_too() {
    let item = Item::new();
    assert_eq!(item.type_name(), "Article");
    assert_eq!(item.attributes()[..2], ["type", "label"]);
    let text = item.call_method("label_of", &["<".into()], &[]).expect("a text");
    assert_eq!(text.as_str(), Some("<Green & Black"));
    assert_eq!(item.call_method("nothing", &[], &[]).expect_err("no method").kind(), ErrorKind::Undefined);
    assert_eq!(Marker.call(&[], &[]).expect("a text").as_str(), Some("Marker!"));
    assert_eq!(Object::call(&item, &[], &[]).expect_err("no call").kind(), ErrorKind::Type);
    let value = Value::from_object(Point(1, 2, ()));
    assert_eq!(value.downcast_object::<Point>().map(|point| point.1), Some(2));
    assert!(value.downcast_object::<Item>().is_none());
    let counts = HashMap::from([("b", 1), ("a", 2), ("c", 3)]);
    assert_eq!(counts.to_value().to_string(), "{'a': 2, 'b': 1, 'c': 3}");
    let shared: Arc<dyn Object> = Arc::new(Marker);
    assert_eq!(Value::from(shared).to_string(), "<Marker object>");
    assert_eq!((vec![Point(1, 2, ())], Some(1.5)).to_value().get_item(1), Some(Value::from(1.5)));
}

#[test]
fn functions_take_and_give_objects() {
    let mut environment = Environment::new();
    environment.add_filter("half", |size: Arc<Size>| Size { width: size.width / 2, height: size.height });
    environment
        .add_function("sum", |points: Vec<Arc<Point>>| points.iter().map(|point| point.0).sum::<i64>());
    assert_eq!(
        render(&environment, "{{ (item.size|half).area() }} {{ sum([point, point]) }}").expect("a page"),
        "3 6"
    );
}
