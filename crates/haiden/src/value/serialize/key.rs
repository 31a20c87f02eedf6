//! Keys of maps: text without a copy where it is known, other scalars as they are.

use serde::ser::{Impossible, Serialize, Serializer};

use super::map::MapWriter;
use crate::error::{Error, ErrorKind};
use crate::value::arena::{MAX_DEPTH, too_deep};
use crate::value::word::Word;

/// Writes a key: text without a copy where it is known, other scalars as they are.
pub(super) struct KeyWriter<'a, 'b> {
    pub(super) map: &'a mut MapWriter<'b>,
    /// How many newtypes the key is wrapped in.
    pub(super) depth: usize,
}

fn bad_key<T>() -> Result<T, Error> {
    Err(Error::new(ErrorKind::Type, "a mapping's key must be text, a number, a boolean or none"))
}

/// Implements the methods for scalar keys.
macro_rules! scalar_keys {
    ($($method:ident: $Type:ty),*) => {
        $(fn $method(self, value: $Type) -> Result<(), Error> {
            self.map.scalar_key(value)
        })*
    };
}

impl Serializer for KeyWriter<'_, '_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    scalar_keys! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128, serialize_f32: f32, serialize_f64: f64
    }
    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.map.text_key(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.map.text_key(value)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), Error> {
        bad_key()
    }
    fn serialize_none(self) -> Result<(), Error> {
        self.map.other_key(Word::None);
        Ok(())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Error> {
        self.serialize_none()
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_none()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.map.text_key(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        if self.depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        value.serialize(KeyWriter { depth: self.depth + 1, ..self })
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        bad_key()
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        bad_key()
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        bad_key()
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Error> {
        bad_key()
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        bad_key()
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        bad_key()
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Error> {
        bad_key()
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        bad_key()
    }
}
