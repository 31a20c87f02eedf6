//! Deserialize: a value becomes any type that serde can deserialize.
//!
//! In: a [`Value`], a result of a render or an expression. Out: a user's type, or an [`Error`] that begins with the path to
//! what does not fit. Text is borrowed from the value where the type wants that. A [`Value`] in the type gets its part as
//! it is, objects and markup included. An object is what its attributes and items are.
//!
//! Invariant: recursion is bounded, since values are nested at most [`MAX_DEPTH`](crate::value::arena::MAX_DEPTH) deep, and
//! objects in objects are counted.

mod access;
mod error;
mod number;
mod object;
pub(crate) mod source;

use std::marker::PhantomData;
use std::sync::Arc;

use num_bigint::BigInt;
use serde::de::value::SeqDeserializer;
use serde::de::{Deserialize, Deserializer, Error as _, Expected, IntoDeserializer, Unexpected, Visitor};

use self::access::{Entries, Items, Variant};
use self::object::{Attributes, visit_items};
use self::source::{Lasting, Source};
use crate::error::{Error, ErrorKind};
use crate::value::arena::Arena;
use crate::value::handover::{self, HANDOVER_NAME};
use crate::value::object::{Foreign, Object};
use crate::value::value::{Repr, Value};
use crate::value::word::Word;

/// Reads a [`Value`] for serde: what `value.into_deserializer()` gives, for seeds and adapters of serde's. See
/// [`Value::deserialize_into`]. Its second parameter is its own affair.
///
/// ```
/// use serde::de::{Deserialize, IntoDeserializer};
///
/// let value = haiden::Value::from(vec![1, 2]);
/// assert_eq!(Vec::<u8>::deserialize(value.into_deserializer())?, [1, 2]);
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct ValueDeserializer<'a, S = Lasting> {
    place: Place<'a>,
    /// It is the key of a dict: text can stand for a number there, as in JSON.
    is_key: bool,
    /// In how many objects it lies.
    objects: u8,
    source: PhantomData<S>,
}

/// Where the value lies.
#[derive(Clone, Copy)]
enum Place<'a> {
    Whole(&'a Value),
    Part(&'a Arc<Arena>, Word),
}

/// What the value is.
#[derive(Clone, Copy)]
enum View<'de> {
    Undefined(Option<&'de str>),
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Big(&'de BigInt),
    Text(&'de str),
    Items(&'de Arc<Arena>, &'de [Word]),
    Entries(&'de Arc<Arena>, &'de [Word], &'de [Word]),
    Bytes(&'de [u8]),
    Foreign(&'de Foreign),
    Global,
    Invalid(&'de Error),
}

impl<'de> View<'de> {
    fn of_word(arena: &'de Arc<Arena>, word: Word) -> View<'de> {
        match word {
            Word::Bool(value) => View::Bool(value),
            Word::Int(value) => View::Int(value),
            Word::Float(value) => View::Float(value),
            Word::Str(text) => View::Text(arena.str(text)),
            Word::Big { index, .. } => View::Big(&arena.bigs[index as usize]),
            Word::Items { start, len, .. } | Word::Tuple { start, len, .. } => {
                View::Items(arena, &arena.words[start as usize..(start + len) as usize])
            }
            Word::Map { shape, start, .. } => {
                let keys = &arena.shapes[shape as usize].keys[..];
                View::Entries(arena, keys, &arena.words[start as usize..start as usize + keys.len()])
            }
            Word::Foreign { index, .. } => View::of_foreign(&arena.foreign[index as usize]),
            Word::Global(_) => View::Global,
            // The others do not occur in arenas.
            Word::None | Word::Missing | Word::List(_) | Word::Dict(_) | Word::Object(_) => View::None,
            Word::Undefined(_) => View::Undefined(None),
        }
    }

    fn of_foreign(foreign: &'de Foreign) -> View<'de> {
        foreign.bytes().map_or(View::Foreign(foreign), View::Bytes)
    }

    /// What messages call it.
    fn unexpected(self) -> Unexpected<'de> {
        match self {
            View::Undefined(_) | View::Invalid(_) | View::None => Unexpected::Unit,
            View::Bool(value) => Unexpected::Bool(value),
            View::Int(value) => Unexpected::Signed(value),
            View::Float(value) => Unexpected::Float(value),
            View::Big(_) => Unexpected::Other("a large integer"),
            View::Text(text) => Unexpected::Str(text),
            View::Bytes(bytes) => Unexpected::Bytes(bytes),
            View::Items(..) => Unexpected::Seq,
            View::Entries(..) => Unexpected::Map,
            View::Foreign(Foreign::Object(object)) => Unexpected::Other(object.type_name()),
            View::Foreign(Foreign::Function(_)) | View::Global => Unexpected::Other("a function"),
            View::Foreign(Foreign::Deferred(deferred)) => Unexpected::Other(deferred.type_name()),
        }
    }

    /// The error for a value of another type than is wanted.
    #[cold]
    fn misfit(self, expected: &dyn Expected) -> Error {
        match self {
            View::Undefined(why) => Error::new(ErrorKind::Undefined, why.unwrap_or("the value is undefined")),
            View::Invalid(error) => error.clone(),
            other => Error::invalid_type(other.unexpected(), expected),
        }
    }
}

impl<'a, S: Copy> ValueDeserializer<'a, S> {
    /// A part of this value.
    fn part(self, arena: &'a Arc<Arena>, word: Word) -> ValueDeserializer<'a, S> {
        ValueDeserializer { place: Place::Part(arena, word), is_key: false, ..self }
    }

    /// A key of this dict.
    fn key(self, arena: &'a Arc<Arena>, word: Word) -> ValueDeserializer<'a, S> {
        ValueDeserializer { place: Place::Part(arena, word), is_key: true, ..self }
    }

    fn view(self) -> View<'a> {
        let value = match self.place {
            Place::Part(arena, word) => return View::of_word(arena, word),
            Place::Whole(value) => value,
        };
        match &value.0 {
            Repr::Undefined(why) => View::Undefined(why.as_deref()),
            Repr::Invalid(error) => View::Invalid(error),
            Repr::None => View::None,
            Repr::Bool(value) => View::Bool(*value),
            Repr::Int(value) => View::Int(*value),
            Repr::Float(value) => View::Float(*value),
            Repr::Big(value) => View::Big(value),
            Repr::Str(text, _) => View::Text(text),
            Repr::Foreign(foreign) => View::of_foreign(foreign),
            Repr::Arena(arena, word) => View::of_word(arena, *word),
        }
    }

    fn value(self) -> Value {
        match self.place {
            Place::Whole(value) => value.clone(),
            Place::Part(arena, word) => Value::of(arena, word),
        }
    }

    /// The step of a path to the value of this key.
    fn step(self) -> String {
        match self.view() {
            View::Text(name) if is_identifier(name) => name.to_owned(),
            _ => format!("[{:?}]", self.value()),
        }
    }

    fn visit_text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error>
    where
        S: Source<'a, 'de>,
    {
        match self.view() {
            View::Text(text) => S::visit_text(text, visitor),
            _ => self.visit_scalar(visitor),
        }
    }

    /// What is neither a list nor a dict: no object is one.
    fn visit_scalar<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error>
    where
        S: Source<'a, 'de>,
    {
        match self.view() {
            object @ View::Foreign(_) => Err(object.misfit(&visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn visit_bytes<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error>
    where
        S: Source<'a, 'de>,
    {
        let byte = |word: &Word| if let Word::Int(byte) = *word { u8::try_from(byte).ok() } else { None };
        match self.view() {
            View::Text(text) => S::visit_bytes(text.as_bytes(), visitor),
            View::Bytes(bytes) => S::visit_bytes(bytes, visitor),
            View::Items(_, words) => match words.iter().map(byte).collect::<Option<Vec<u8>>>() {
                Some(bytes) => visitor.visit_byte_buf(bytes),
                None => self.deserialize_any(visitor),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    /// An object as the dict of its attributes: of these, or of all that it names.
    fn visit_attributes<'de, V: Visitor<'de>>(
        self,
        names: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.view() {
            View::Foreign(Foreign::Object(object)) => {
                visitor.visit_map(Attributes::new(object, names, self.objects)?)
            }
            other => Err(other.misfit(&visitor)),
        }
    }

    fn object(self) -> Option<&'a Arc<dyn Object>> {
        match self.view() {
            View::Foreign(Foreign::Object(object)) => Some(object),
            _ => None,
        }
    }
}

fn is_identifier(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c == '_' || c.is_alphanumeric())
}

/// Methods for integers of a type: those that fit are that type's, the others an error that says so.
macro_rules! integers {
    ($($method:ident $visit:ident $Type:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let fitting = match self.view() {
                View::Int(value) => $Type::try_from(value).ok(),
                View::Big(value) => $Type::try_from(value).ok(),
                View::Text(text) if self.is_key => match text.parse() {
                    Ok(value) => Some(value),
                    Err(_) => return S::visit_text(text, visitor),
                },
                _ => return self.visit_scalar(visitor),
            };
            match fitting {
                Some(value) => visitor.$visit(value),
                None => Err(number::does_not_fit(&self.value(), stringify!($Type))),
            }
        })*
    };
}

/// Methods that do what another one does.
macro_rules! alike {
    ($($method:ident($($argument:ident: $Type:ty),*) => $like:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $Type,)* visitor: V) -> Result<V::Value, Error> {
            $(let _ = $argument;)*
            self.$like(visitor)
        })*
    };
}

impl<'a, 'de, S: Source<'a, 'de>> Deserializer<'de> for ValueDeserializer<'a, S> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.view() {
            View::None => visitor.visit_unit(),
            View::Bool(value) => visitor.visit_bool(value),
            View::Int(value) => visitor.visit_i64(value),
            View::Float(value) => visitor.visit_f64(value),
            View::Big(value) => number::visit_big(value, visitor),
            View::Text(text) => S::visit_text(text, visitor),
            // As a list: formats know that, and so do vectors.
            View::Bytes(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied())),
            View::Items(arena, words) => Items::new(self, arena, words).visit(visitor),
            View::Entries(arena, keys, values) => Entries::new(self, arena, keys, values).visit(visitor),
            View::Foreign(Foreign::Object(object)) => {
                if object::is_list(object)? {
                    visit_items(object, self.objects, visitor)
                } else {
                    self.visit_attributes(None, visitor)
                }
            }
            other => Err(other.misfit(&visitor)),
        }
    }

    integers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.view() {
            View::Big(value) => visitor.visit_f64(number::float_of(value)?),
            View::Text(text) if self.is_key => match text.parse() {
                Ok(value) => visitor.visit_f64(value),
                Err(_) => S::visit_text(text, visitor),
            },
            _ => self.visit_scalar(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.view() {
            View::None | View::Undefined(_) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == HANDOVER_NAME {
            return handover::hand_over(self.value(), || visitor.visit_unit());
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.view() {
            View::Text(variant) => visitor.visit_enum(Variant::<S>::unit(variant)),
            View::Entries(arena, &[Word::Str(variant)], &[content]) => {
                let step = self.key(arena, Word::Str(variant)).step();
                let variant = Variant::with(arena.str(variant), self.part(arena, content));
                visitor.visit_enum(variant).map_err(|error| error.inside(&step))
            }
            other => {
                Err(other
                    .misfit(&&*format!("a variant of {name}: its name, or a dict of its name and content")))
            }
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.object() {
            Some(object) => visit_items(object, self.objects, visitor),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.object() {
            Some(_) => self.visit_attributes(None, visitor),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.object() {
            Some(_) => self.visit_attributes(Some(fields), visitor),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.view() {
            // No field is meant, whatever its place may be.
            View::Int(_) | View::Float(_) | View::Bool(_) | View::None | View::Big(_) => {
                visitor.visit_string(self.value().to_string())
            }
            _ => self.visit_text(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    alike! {
        deserialize_bool() => visit_scalar;
        deserialize_f32() => deserialize_f64;
        deserialize_char() => visit_text;
        deserialize_str() => visit_text;
        deserialize_string() => visit_text;
        deserialize_bytes() => visit_bytes;
        deserialize_byte_buf() => visit_bytes;
        deserialize_unit() => visit_scalar;
        deserialize_unit_struct(_name: &'static str) => visit_scalar;
        deserialize_tuple(_len: usize) => deserialize_seq;
        deserialize_tuple_struct(_name: &'static str, _len: usize) => deserialize_seq;
    }
}

impl<'de> IntoDeserializer<'de, Error> for &'de Value {
    type Deserializer = ValueDeserializer<'de>;
    fn into_deserializer(self) -> ValueDeserializer<'de> {
        ValueDeserializer { place: Place::Whole(self), is_key: false, objects: 0, source: PhantomData }
    }
}

impl<'a, 'de, S: Source<'a, 'de>> IntoDeserializer<'de, Error> for ValueDeserializer<'a, S> {
    type Deserializer = ValueDeserializer<'a, S>;
    fn into_deserializer(self) -> ValueDeserializer<'a, S> {
        self
    }
}

impl Value {
    /// The value as any type that serde can deserialize: what a render
    /// ([`render_native`](crate::Template::render_native)), an [`Expression`](crate::Expression) or a call made, or an argument
    /// of a function.
    ///
    /// Lists and tuples are sequences, dicts are maps and structs, `None` is an absent `Option` and the unit. Enums are
    /// read in each of serde's forms. Integers must fit their type. An undefined value is an absent `Option`, and an error
    /// for anything else. A [`Value`] in the type takes its part as it is. Errors begin with the path to what does not fit.
    ///
    /// An [`Object`](trait@crate::Object) is a struct: each field is the attribute of its name. It is a map of the attributes that it
    /// [names](crate::Object::attributes), and a sequence of what it can be [iterated](crate::Object::iterate) over. A type that takes
    /// anything gets the map, or the sequence of an object that names no attributes. Text of an object's attributes cannot be
    /// borrowed.
    ///
    /// ```
    /// use haiden::{Environment, ErrorKind, context};
    ///
    /// #[derive(serde::Deserialize, Debug, PartialEq)]
    /// struct Order { id: u32, lines: Vec<Line>, note: Option<String> }
    /// #[derive(serde::Deserialize, Debug, PartialEq)]
    /// struct Line { price: f64 }
    ///
    /// let environment = Environment::new();
    /// let order = environment.compile_expression("{'id': n + 1, 'lines': [{'price': 2.5}], 'note': none}")?;
    /// let made: Order = order.eval(context! { n => 6 })?.deserialize_into()?;
    /// assert_eq!(made, Order { id: 7, lines: vec![Line { price: 2.5 }], note: None });
    ///
    /// let error = order.eval(context! { n => 1_u64 << 40 })?.deserialize_into::<Order>().unwrap_err();
    /// assert_eq!((error.kind(), error.message()), (ErrorKind::Overflow, "id: integer 1099511627777 does not fit in u32"));
    ///
    /// #[derive(Debug, haiden::Object)]
    /// struct Item { price: f64, weight: f64 }
    ///
    /// let item = haiden::Value::from_object(Item { price: 2.5, weight: 1.0 });
    /// assert_eq!(item.deserialize_into::<Line>()?, Line { price: 2.5 });
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// It does not fit: an [`ErrorKind::Type`], [`Value`](ErrorKind::Value), [`Overflow`](ErrorKind::Overflow) or
    /// [`Undefined`](ErrorKind::Undefined).
    pub fn deserialize_into<'de, T: Deserialize<'de>>(&'de self) -> Result<T, Error> {
        T::deserialize(self.into_deserializer())
    }
}
