//! Values as a user holds them: owned, cheap to clone, free to travel between threads and renders.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use num_bigint::BigInt;
use serde::ser::Serialize;

use crate::error::Error;
use crate::policies::JsonOptions;
use crate::value::arena::Arena;
use crate::value::function::{Function, Parameters, Returned, boxed};
use crate::value::handover;
use crate::value::host::{call_value, json_of_value};
use crate::value::object::{Foreign, Keywords, Object};
use crate::value::serialize::Writer;
use crate::value::typed::downcast;
use crate::value::word::Word;

/// A value of a template.
///
/// Made from any [`serde::Serialize`] in one pass, from Rust's own types with `From`, or from an [`Object`](trait@crate::Object) or function.
/// A clone shares the data. `Display` gives what a template would print, `Debug` what Python's `repr` would.
///
/// ```
/// use haiden::Value;
///
/// #[derive(serde::Serialize)]
/// struct User { name: &'static str, tags: Vec<&'static str> }
///
/// let user = Value::from_serialize(&User { name: "Ann", tags: vec!["a", "b"] })?;
/// assert_eq!(user.to_string(), "{'name': 'Ann', 'tags': ['a', 'b']}");
/// assert_eq!(user.get_attr("name").and_then(|name| name.as_str().map(str::to_owned)), Some("Ann".to_owned()));
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone)]
pub struct Value(pub(crate) Repr);

#[derive(Clone)]
pub(crate) enum Repr {
    /// The message for using it, if it came from a template.
    Undefined(Option<Arc<str>>),
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Big(Arc<BigInt>),
    Str(Arc<str>, bool),
    Arena(Arc<Arena>, Word),
    Foreign(Foreign),
    /// Data that cannot be a value, and why: using it is an error.
    Invalid(Arc<Error>),
}

impl Value {
    /// The undefined value.
    ///
    /// ```
    /// use haiden::{Environment, Value};
    ///
    /// assert!(Value::UNDEFINED.is_undefined());
    /// let mut environment = Environment::new();
    /// environment.add_function("nothing", || Value::UNDEFINED);
    /// assert_eq!(environment.render_str("{{ nothing() is defined }} {{ nothing()|default('-') }}", haiden::context! {})?, "False -");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub const UNDEFINED: Value = Value(Repr::Undefined(None));

    /// `None`.
    ///
    /// ```
    /// use haiden::{Environment, Value, context};
    ///
    /// assert_eq!(Value::NONE.to_string(), "None");
    /// let page = Environment::new().render_str("{{ x is none }} {{ x is defined }}", context! { x => Value::NONE })?;
    /// assert_eq!(page, "True True");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub const NONE: Value = Value(Repr::None);

    /// The value of any data that serde can serialize.
    ///
    /// ```
    /// #[derive(serde::Serialize)]
    /// struct Point { x: i64, y: f64 }
    ///
    /// let point = haiden::Value::from_serialize(&Point { x: 1, y: 2.0 })?;
    /// assert_eq!(point.get_attr("x").and_then(|x| x.as_i64()), Some(1));
    /// assert_eq!(point.to_string(), "{'x': 1, 'y': 2.0}");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the data's `Serialize` fails with; data that is nested too deeply or larger than 4 GiB; a mapping's key that
    /// is no scalar.
    pub fn from_serialize<T: Serialize + ?Sized>(data: &T) -> Result<Value, Error> {
        let mut writer = Writer::new();
        let word = writer.write(data)?;
        Ok(match writer.whole.take() {
            Some(whole) => whole,
            None => Value::from_arena(writer.finish(), word),
        })
    }

    /// As [`Value::from_serialize`], for one render.
    pub(crate) fn for_render<T: Serialize + ?Sized>(data: &T) -> Result<Value, Error> {
        if let Some(value) = handover::value_of(data) {
            return Ok(value);
        }
        let mut writer = Writer::for_render();
        let word = writer.write(data)?;
        Ok(match writer.whole.take() {
            Some(whole) => whole,
            None => Value::from_arena(writer.finish_for_render(), word),
        })
    }

    /// Text that needs no escaping.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.set_autoescape(true);
    /// let context = haiden::context! { a => "<b>", b => haiden::Value::from_safe_string("<b>") };
    /// assert_eq!(environment.render_str("{{ a }} {{ b }}", context)?, "&lt;b&gt; <b>");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn from_safe_string(text: impl Into<Arc<str>>) -> Value {
        Value(Repr::Str(text.into(), true))
    }

    /// A value that behaves as `object` says. One in an [`Arc`] becomes a value with `From`, and is shared.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// #[derive(Debug)]
    /// struct Clock;
    /// impl haiden::Object for Clock {}
    ///
    /// let clock = Arc::new(Clock);
    /// let (first, second) = (haiden::Value::from(clock.clone()), haiden::Value::from_object(Clock));
    /// let page = haiden::Environment::new().render_str("{{ first }} {{ second }}", haiden::context! { first, second })?;
    /// assert_eq!(page, "<object object> <object object>");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn from_object(object: impl Object) -> Value {
        Value(Repr::Foreign(Foreign::Object(Arc::new(object))))
    }

    /// A function that templates can call.
    ///
    /// ```
    /// let double = haiden::Value::from_function(|n: i64| n * 2);
    /// let page = haiden::Environment::new().render_str("{{ double(21) }}", haiden::context! { double })?;
    /// assert_eq!(page, "42");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn from_function<R, A>(function: impl Function<R, A> + for<'a> Function<R, A::Given<'a>>) -> Value
    where
        R: Returned,
        A: Parameters,
    {
        Value(Repr::Foreign(Foreign::Function(boxed(function, "function"))))
    }

    pub(crate) fn from_arena(arena: Arena, word: Word) -> Value {
        match word {
            Word::None | Word::Missing => Value::NONE,
            Word::Bool(value) => Value(Repr::Bool(value)),
            Word::Int(value) => Value(Repr::Int(value)),
            Word::Float(value) => Value(Repr::Float(value)),
            word => Value(Repr::Arena(Arc::new(arena), word)),
        }
    }

    pub(crate) fn of(arena: &Arc<Arena>, word: Word) -> Value {
        match word {
            Word::None | Word::Missing => Value::NONE,
            Word::Bool(value) => Value(Repr::Bool(value)),
            Word::Int(value) => Value(Repr::Int(value)),
            Word::Float(value) => Value(Repr::Float(value)),
            word => Value(Repr::Arena(arena.clone(), word)),
        }
    }

    /// The value as JSON text, as Python's `json.dumps` writes it with these options. Unlike that of the filter `tojson` the
    /// text is not safe inside of HTML.
    ///
    /// ```
    /// use haiden::{JsonOptions, Value};
    ///
    /// let value = Value::from_serialize(&[("Ł", 1.0)])?;
    /// let options = JsonOptions { ensure_ascii: false, ..JsonOptions::default() };
    /// assert_eq!(value.to_json(&options)?, r#"[["Ł", 1.0]]"#);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// It holds something that JSON cannot express, or is nested too deeply.
    pub fn to_json(&self, options: &JsonOptions) -> Result<String, Error> {
        json_of_value(self, options)
    }

    /// Is it undefined?
    ///
    /// ```
    /// use haiden::{Environment, Value, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_filter("or_dash", |value: Value| if value.is_undefined() { Value::from("-") } else { value });
    /// assert_eq!(environment.render_str("{{ nobody|or_dash }}{{ none|or_dash }}", context! {})?, "-None");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn is_undefined(&self) -> bool {
        matches!(self.0, Repr::Undefined(_))
    }

    /// Is it `None`?
    ///
    /// ```
    /// assert!(haiden::Value::NONE.is_none());
    /// assert!(!haiden::Value::UNDEFINED.is_none());
    /// ```
    pub fn is_none(&self) -> bool {
        matches!(self.0, Repr::None)
    }

    /// The text, if it is text.
    ///
    /// ```
    /// assert_eq!(haiden::Value::from("a").as_str(), Some("a"));
    /// assert_eq!(haiden::Value::from(1).as_str(), None);
    /// ```
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Repr::Str(text, _) => Some(text),
            Repr::Arena(arena, Word::Str(text)) => Some(arena.str(*text)),
            _ => None,
        }
    }

    /// The integer, if it is one of 64 bits.
    ///
    /// ```
    /// assert_eq!(haiden::Value::from(3_u8).as_i64(), Some(3));
    /// assert_eq!(haiden::Value::from(3.0).as_i64(), None);
    /// ```
    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Int(value) => Some(value),
            _ => None,
        }
    }

    /// The number as a float, if it is an integer of 64 bits or a float.
    ///
    /// ```
    /// assert_eq!(haiden::Value::from(0.5).as_f64(), Some(0.5));
    /// assert_eq!(haiden::Value::from(3).as_f64(), Some(3.0));
    /// ```
    pub fn as_f64(&self) -> Option<f64> {
        match self.0 {
            Repr::Int(value) => Some(value as f64),
            Repr::Float(value) => Some(value),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    ///
    /// ```
    /// assert_eq!(haiden::Value::from(true).as_bool(), Some(true));
    /// assert_eq!(haiden::Value::from(1).as_bool(), None);
    /// ```
    pub fn as_bool(&self) -> Option<bool> {
        match self.0 {
            Repr::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The object, if it is one.
    ///
    /// ```
    /// #[derive(Debug, haiden::Object)]
    /// struct User { name: &'static str }
    ///
    /// let user = haiden::Value::from_object(User { name: "Ann" });
    /// assert_eq!(user.as_object().map(|user| user.type_name()), Some("User"));
    /// assert!(haiden::Value::from(1).as_object().is_none());
    /// ```
    pub fn as_object(&self) -> Option<&Arc<dyn Object>> {
        match self.foreign()? {
            Foreign::Object(object) => Some(object),
            Foreign::Function(_) | Foreign::Deferred(_) => None,
        }
    }

    pub(crate) fn foreign(&self) -> Option<&Foreign> {
        match &self.0 {
            Repr::Foreign(foreign) => Some(foreign),
            Repr::Arena(arena, Word::Foreign { index, .. }) => Some(&arena.foreign[*index as usize]),
            _ => None,
        }
    }

    /// The object as one of type `T`, if it is of that type.
    ///
    /// ```
    /// #[derive(Debug)]
    /// struct Clock(u8);
    /// impl haiden::Object for Clock {}
    ///
    /// let value = haiden::Value::from_object(Clock(12));
    /// assert_eq!(value.downcast_object::<Clock>().map(|clock| clock.0), Some(12));
    /// ```
    pub fn downcast_object<T: Object>(&self) -> Option<Arc<T>> {
        downcast(self.as_object()?)
    }

    /// Calls it outside of a render: a function, an object that can be called, a macro of a [`Module`](crate::Module). A
    /// function that takes a [`State`](crate::State) finds no variables in it; inside of a render see
    /// [`State::call`](crate::State::call).
    ///
    /// ```
    /// use haiden::{Environment, Value, context};
    ///
    /// let double = Value::from_function(|n: i64| n * 2);
    /// assert_eq!(double.call(&[21.into()], &[])?.as_i64(), Some(42));
    ///
    /// let template = Environment::new().template_from_str("{% macro greet(name) %}Hi {{ name }}!{% endmacro %}")?;
    /// let greet = template.module(context! {})?.get("greet").unwrap();
    /// assert_eq!(greet.call(&[], &[("name", "Ann".into())])?.as_str(), Some("Hi Ann!"));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// It cannot be called, or what the call fails with.
    pub fn call(&self, positional: &[Value], keywords: Keywords<'_>) -> Result<Value, Error> {
        call_value(self, positional, keywords)
    }

    /// How many items a list, tuple or dict has, or characters a text.
    ///
    /// ```
    /// assert_eq!(haiden::Value::from("süß").len(), Some(3));
    /// assert_eq!(haiden::Value::from(3).len(), None);
    /// ```
    pub fn len(&self) -> Option<usize> {
        match &self.0 {
            Repr::Str(text, _) => Some(text.chars().count()),
            Repr::Arena(arena, word) => match *word {
                Word::Str(text) => Some(arena.str(text).chars().count()),
                Word::Items { len, .. } | Word::Tuple { len, .. } => Some(len as usize),
                Word::Map { shape, .. } => Some(arena.shapes[shape as usize].keys.len()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Has it a length, and is that 0?
    ///
    /// ```
    /// assert!(haiden::Value::from("").is_empty());
    /// assert!(!haiden::Value::from(0).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Item `index` of a list or tuple.
    ///
    /// ```
    /// let list: haiden::Value = [1, 2].into_iter().map(haiden::Value::from).collect();
    /// assert_eq!(list.get_item(1).and_then(|item| item.as_i64()), Some(2));
    /// assert!(list.get_item(2).is_none());
    /// ```
    pub fn get_item(&self, index: usize) -> Option<Value> {
        let Repr::Arena(arena, Word::Items { start, len, .. } | Word::Tuple { start, len, .. }) = &self.0
        else {
            return None;
        };
        (index < *len as usize).then(|| Value::of(arena, arena.words[*start as usize + index]))
    }

    /// The value of key `name` of a dict, or of an object's attribute.
    ///
    /// ```
    /// let user = haiden::Value::from_iter([("name", haiden::Value::from("Ann"))]);
    /// assert_eq!(user.get_attr("name").unwrap().as_str(), Some("Ann"));
    /// assert!(user.get_attr("age").is_none());
    /// ```
    pub fn get_attr(&self, name: &str) -> Option<Value> {
        match &self.0 {
            Repr::Arena(arena, Word::Map { shape, start, .. }) => {
                let place = arena.find_text(*shape, name)?;
                Some(Value::of(arena, arena.words[*start as usize + place]))
            }
            _ => self.as_object()?.get_attr(name),
        }
    }

    /// Is it text that needs no escaping?
    ///
    /// ```
    /// assert!(haiden::Value::from_safe_string("<b>").is_safe());
    /// assert!(!haiden::Value::from("<b>").is_safe());
    /// ```
    pub fn is_safe(&self) -> bool {
        match &self.0 {
            Repr::Str(_, markup) => *markup,
            Repr::Arena(_, Word::Str(text)) => text.markup,
            _ => false,
        }
    }

    /// The items of a list or tuple, or the keys of a dict; nothing of anything else.
    ///
    /// ```
    /// let total = |prices: haiden::Value| prices.iter().filter_map(|price| price.as_f64()).sum::<f64>();
    /// let mut environment = haiden::Environment::new();
    /// environment.add_filter("total", total);
    /// assert_eq!(environment.render_str("{{ [1, 2.5]|total }}", haiden::context! {})?, "3.5");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Value> + '_ {
        let (arena, words) = match &self.0 {
            Repr::Arena(arena, Word::Items { start, len, .. } | Word::Tuple { start, len, .. }) => {
                (Some(arena), &arena.words[*start as usize..(*start + *len) as usize])
            }
            Repr::Arena(arena, Word::Map { shape, .. }) => {
                (Some(arena), &arena.shapes[*shape as usize].keys[..])
            }
            _ => (None, &[][..]),
        };
        words.iter().map(move |&word| arena.map_or(Value::NONE, |arena| Value::of(arena, word)))
    }

    /// The keys and values of a dict, in order; nothing of anything else.
    ///
    /// ```
    /// let dict = haiden::Value::from_serialize(&std::collections::BTreeMap::from([("a", 1), ("b", 2)]))?;
    /// let text: Vec<String> = dict.entries().map(|(key, value)| format!("{key}={value}")).collect();
    /// assert_eq!(text, ["a=1", "b=2"]);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (Value, Value)> + '_ {
        let values = match &self.0 {
            Repr::Arena(arena, Word::Map { start, .. }) => Some((arena, *start as usize)),
            _ => None,
        };
        let count = if values.is_some() { self.iter().len() } else { 0 };
        self.iter().take(count).enumerate().map(move |(place, key)| {
            let value =
                values.map_or(Value::NONE, |(arena, start)| Value::of(arena, arena.words[start + place]));
            (key, value)
        })
    }

    /// Writes this value into an arena, `depth` levels down in it.
    pub(crate) fn write_to(&self, arena: &mut Arena, depth: usize) -> Result<Word, Error> {
        Ok(match &self.0 {
            Repr::Invalid(error) => return Err((**error).clone()),
            Repr::Undefined(_) | Repr::None => Word::None,
            Repr::Bool(value) => Word::Bool(*value),
            Repr::Int(value) => Word::Int(*value),
            Repr::Float(value) => Word::Float(*value),
            Repr::Big(value) => arena.push_big((**value).clone()),
            Repr::Str(text, markup) => arena.push_text(text, *markup)?,
            Repr::Arena(from, word) => arena.import(from, *word, depth)?,
            Repr::Foreign(foreign) => arena.push_foreign(foreign.clone()),
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::value::host::show_value(self, false))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::value::host::show_value(self, true))
    }
}

impl PartialEq for Value {
    /// Python's equality.
    fn eq(&self, other: &Value) -> bool {
        crate::value::host::equal_values(self, other)
    }
}

impl PartialOrd for Value {
    /// Python's order; `None` where Python raises a `TypeError`.
    fn partial_cmp(&self, other: &Value) -> Option<std::cmp::Ordering> {
        crate::value::host::order_values(self, other)
    }
}

/// Implements `From` for types that are a value at once.
macro_rules! from {
    ($($Type:ty, $value:ident => $repr:expr;)*) => {
        $(impl From<$Type> for Value {
            fn from($value: $Type) -> Value {
                Value($repr)
            }
        })*
    };
}
from! {
    (), _value => Repr::None;
    bool, value => Repr::Bool(value);
    i8, value => Repr::Int(value.into());
    i16, value => Repr::Int(value.into());
    i32, value => Repr::Int(value.into());
    i64, value => Repr::Int(value);
    u8, value => Repr::Int(value.into());
    u16, value => Repr::Int(value.into());
    u32, value => Repr::Int(value.into());
    u64, value => i64::try_from(value).map_or_else(|_| Repr::Big(Arc::new(value.into())), Repr::Int);
    usize, value => i64::try_from(value).map_or_else(|_| Repr::Big(Arc::new(value.into())), Repr::Int);
    isize, value => Repr::Int(value as i64);
    i128, value => i64::try_from(value).map_or_else(|_| Repr::Big(Arc::new(value.into())), Repr::Int);
    u128, value => i64::try_from(value).map_or_else(|_| Repr::Big(Arc::new(value.into())), Repr::Int);
    f32, value => Repr::Float(value.into());
    f64, value => Repr::Float(value);
    char, value => Repr::Str(Arc::from(value.encode_utf8(&mut [0; 4]) as &str), false);
    &str, value => Repr::Str(Arc::from(value), false);
    String, value => Repr::Str(Arc::from(value), false);
    Arc<str>, value => Repr::Str(value, false);
    Cow<'_, str>, value => Repr::Str(Arc::from(value), false);
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::NONE, Into::into)
    }
}

/// A container that is too large or too deep for an arena becomes a value whose use is that error.
pub(crate) fn container(build: impl FnOnce(&mut Arena) -> Result<Word, Error>) -> Value {
    let mut arena = Arena::default();
    match build(&mut arena) {
        Ok(word) => Value(Repr::Arena(Arc::new(arena), word)),
        Err(error) => Value(Repr::Invalid(Arc::new(error))),
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Value {
        items.into_iter().map(Into::into).collect()
    }
}

impl<T: Into<Value>, const N: usize> From<[T; N]> for Value {
    fn from(items: [T; N]) -> Value {
        items.into_iter().map(Into::into).collect()
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Value {
        container(|arena| {
            let words =
                items.into_iter().map(|item| item.write_to(arena, 1)).collect::<Result<Vec<_>, _>>()?;
            arena.push_list(&words)
        })
    }
}

impl<K: Into<String>> FromIterator<(K, Value)> for Value {
    /// A dict; a key that comes again replaces the value of the first.
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(items: I) -> Value {
        let mut entries: Vec<(String, Value)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (key, value) in items {
            let key = key.into();
            if let Some(&place) = places.get(&key) {
                entries[place].1 = value;
            } else {
                places.insert(key.clone(), entries.len());
                entries.push((key, value));
            }
        }
        container(|arena| {
            let (mut keys, mut values) = (Vec::new(), Vec::new());
            for (key, value) in &entries {
                keys.push(arena.push_text(key, false)?);
                values.push(value.write_to(arena, 1)?);
            }
            arena.push_map(keys, &values)
        })
    }
}

impl<K: Into<String>, V: Into<Value>> From<BTreeMap<K, V>> for Value {
    fn from(map: BTreeMap<K, V>) -> Value {
        map.into_iter().map(|(key, value)| (key, value.into())).collect()
    }
}
