//! Values on their way through serde, which itself cannot carry objects and markup.
//!
//! A [`Value`] announces itself as a newtype of a reserved name and lies ready beside; our own serializers take it from
//! there, all others see its content.

use std::any::type_name;
use std::cell::RefCell;
use std::fmt;

use serde::ser::{Impossible, Serialize, Serializer};

use crate::error::Error;
use crate::value::serialize::Writer;
use crate::value::value::{Content, Value};
use crate::value::word::Word;

thread_local! {
    /// A value on its way through serde into a [`Writer`]: serde itself cannot carry objects and markup.
    static HANDOVER: RefCell<Option<Value>> = const { RefCell::new(None) };
}

/// The newtype's name that announces a value in [`HANDOVER`].
const HANDOVER_NAME: &str = "\0haiden::Value";

/// A newtype struct on its way into a writer: usually its content, but see [`HANDOVER`].
pub(super) fn special_newtype<T: Serialize + ?Sized>(
    writer: &mut Writer,
    name: &'static str,
    content: &T,
) -> Result<Word, Error> {
    if name == HANDOVER_NAME
        && let Some(value) = HANDOVER.with_borrow_mut(Option::take)
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
        HANDOVER.with_borrow_mut(|place| *place = Some(self.clone()));
        let outcome = serializer.serialize_newtype_struct(HANDOVER_NAME, &Content(self));
        HANDOVER.with_borrow_mut(Option::take);
        outcome
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
        HANDOVER.with_borrow_mut(Option::take).ok_or(NoValue)
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
