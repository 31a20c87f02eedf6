//! Values on their way through serde, which itself cannot carry objects and markup.
//!
//! A [`Value`] announces itself as a newtype of a reserved name and lies ready beside; our own serializers take it from
//! there, all others see its content. The way back is the same: a value asks for a newtype of that name.

use std::any::type_name;
use std::cell::RefCell;
use std::fmt;

use num_bigint::BigInt;
use serde::ser::{Impossible, Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::error::Error;
use crate::value::object::Foreign;
use crate::value::serialize::Writer;
use crate::value::value::{Repr, Value};
use crate::value::word::Word;

thread_local! {
    /// A value on its way through serde into a [`Writer`]: serde itself cannot carry objects and markup.
    static HANDOVER: RefCell<Option<Value>> = const { RefCell::new(None) };
}

/// The newtype's name that announces a value in [`HANDOVER`], or asks for one.
pub(super) const HANDOVER_NAME: &str = "\0haiden::Value";

/// Hands `value` over to what `take` calls.
pub(super) fn hand_over<T>(value: Value, take: impl FnOnce() -> T) -> T {
    HANDOVER.with_borrow_mut(|place| *place = Some(value));
    let outcome = take();
    HANDOVER.with_borrow_mut(Option::take);
    outcome
}

/// The value that is being handed over.
pub(super) fn take() -> Option<Value> {
    HANDOVER.with_borrow_mut(Option::take)
}

/// A newtype struct on its way into a writer: usually its content, but see [`HANDOVER`].
pub(super) fn special_newtype<T: Serialize + ?Sized>(
    writer: &mut Writer,
    name: &'static str,
    content: &T,
) -> Result<Word, Error> {
    if name == HANDOVER_NAME
        && let Some(value) = take()
    {
        if writer.is_fresh() {
            // The value is all there is: it is taken as it is.
            writer.whole = Some(value);
            return Ok(Word::None);
        }
        let depth = writer.depth;
        return value.write_to(&mut writer.arena, depth);
    }
    writer.write_nested(content)
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        hand_over(self.clone(), || serializer.serialize_newtype_struct(HANDOVER_NAME, &Content(self)))
    }
}

/// The content of a value for serializers other than ours.
struct Content<'a>(&'a Value);

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.0 {
            Repr::Invalid(error) => Err(serde::ser::Error::custom(error.message())),
            Repr::Undefined(_) | Repr::None => serializer.serialize_unit(),
            Repr::Bool(value) => serializer.serialize_bool(*value),
            Repr::Int(value) => serializer.serialize_i64(*value),
            Repr::Float(value) => serializer.serialize_f64(*value),
            Repr::Big(value) => serialize_big(value, serializer),
            Repr::Str(text, _) => serializer.serialize_str(text),
            Repr::Foreign(foreign) => serialize_foreign(foreign, serializer),
            Repr::Arena(arena, word) => match *word {
                Word::Str(text) => serializer.serialize_str(arena.str(text)),
                Word::Big { index, .. } => serialize_big(&arena.bigs[index as usize], serializer),
                Word::Items { start, len, .. } | Word::Tuple { start, len, .. } => {
                    let mut list = serializer.serialize_seq(Some(len as usize))?;
                    for &item in &arena.words[start as usize..(start + len) as usize] {
                        list.serialize_element(&Value::of(arena, item))?;
                    }
                    list.end()
                }
                Word::Map { shape, start, .. } => {
                    let keys = &arena.shapes[shape as usize].keys;
                    let mut map = serializer.serialize_map(Some(keys.len()))?;
                    for (place, &key) in keys.iter().enumerate() {
                        let value = arena.words[start as usize + place];
                        map.serialize_entry(&Value::of(arena, key), &Value::of(arena, value))?;
                    }
                    map.end()
                }
                Word::Foreign { index, .. } => serialize_foreign(&arena.foreign[index as usize], serializer),
                _ => serializer.serialize_unit(),
            },
        }
    }
}

/// Bytes as such, everything else as its text.
fn serialize_foreign<S: Serializer>(foreign: &Foreign, serializer: S) -> Result<S::Ok, S::Error> {
    match foreign.bytes() {
        Some(bytes) => serializer.serialize_bytes(bytes),
        None => serializer.serialize_str(&format!("{foreign:?}")),
    }
}

/// An integer beyond 64 bits: as an integer of serde's if one has it, or else as text.
fn serialize_big<S: Serializer>(value: &BigInt, serializer: S) -> Result<S::Ok, S::Error> {
    if let Ok(value) = u64::try_from(value) {
        return serializer.serialize_u64(value);
    }
    if let Ok(value) = i128::try_from(value) {
        return serializer.serialize_i128(value);
    }
    match u128::try_from(value) {
        Ok(value) => serializer.serialize_u128(value),
        Err(_) => serializer.collect_str(value),
    }
}

/// The value that the data is, if it is one. Nothing is asked of data that is none.
pub(super) fn value_of<T: Serialize + ?Sized>(data: &T) -> Option<Value> {
    // The name is a guess that costs nothing when compiled; what settles it is what the data does.
    if type_name::<T>() != type_name::<Value>() {
        return None;
    }
    data.serialize(Taker).ok()
}

/// A serializer that takes a value and nothing else.
struct Taker;

/// The data is no value.
#[derive(Debug)]
struct NoValue;

impl fmt::Display for NoValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no value")
    }
}
impl std::error::Error for NoValue {}
impl serde::ser::Error for NoValue {
    fn custom<T: fmt::Display>(_: T) -> NoValue {
        NoValue
    }
}

type Never = Impossible<Value, NoValue>;

/// Methods that refuse what they get.
macro_rules! refuse {
    ($($method:ident($($Type:ty),*) -> $Ok:ty;)*) => {
        $(fn $method(self, $(_: $Type),*) -> Result<$Ok, NoValue> {
            Err(NoValue)
        })*
    };
}

impl Serializer for Taker {
    type Ok = Value;
    type Error = NoValue;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: &T,
    ) -> Result<Value, NoValue> {
        if name != HANDOVER_NAME {
            return Err(NoValue);
        }
        take().ok_or(NoValue)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Value, NoValue> {
        Err(NoValue)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Value, NoValue> {
        Err(NoValue)
    }
    refuse! {
        serialize_bool(bool) -> Value;
        serialize_i8(i8) -> Value;
        serialize_i16(i16) -> Value;
        serialize_i32(i32) -> Value;
        serialize_i64(i64) -> Value;
        serialize_u8(u8) -> Value;
        serialize_u16(u16) -> Value;
        serialize_u32(u32) -> Value;
        serialize_u64(u64) -> Value;
        serialize_f32(f32) -> Value;
        serialize_f64(f64) -> Value;
        serialize_char(char) -> Value;
        serialize_str(&str) -> Value;
        serialize_bytes(&[u8]) -> Value;
        serialize_none() -> Value;
        serialize_unit() -> Value;
        serialize_unit_struct(&'static str) -> Value;
        serialize_unit_variant(&'static str, u32, &'static str) -> Value;
        serialize_seq(Option<usize>) -> Never;
        serialize_tuple(usize) -> Never;
        serialize_tuple_struct(&'static str, usize) -> Never;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never;
        serialize_map(Option<usize>) -> Never;
        serialize_struct(&'static str, usize) -> Never;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never;
    }
}
