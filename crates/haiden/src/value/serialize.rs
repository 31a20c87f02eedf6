//! Serialize: any `serde::Serialize` becomes an arena.
//!
//! In: a user's data. Out: its root word in an [`Arena`], written in one pass. Structs and maps with the same text keys as
//! one before share its shape: while the keys come in the same order, each costs one comparison. Depth is bounded; what
//! a user's `Serialize` fails with becomes our error.

use std::fmt::Display;

use hashbrown::HashTable;
use num_bigint::BigInt;
use serde::ser::{
    Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::error::{Error, ErrorKind};
use crate::value::arena::{Arena, MAX_DEPTH, too_deep};
use crate::value::word::Word;

/// Writes values into an arena.
pub(crate) struct Writer {
    pub(crate) arena: Arena,
    /// Items of containers that are open.
    stack: Vec<Word>,
    pub(crate) depth: usize,
    /// A value that was handed over whole.
    pub(crate) whole: Option<super::value::Value>,
    /// The shape that the last dict ended with, at each depth: the next one is likely to have it too.
    recent: Vec<Option<u32>>,
}

impl Writer {
    pub(crate) fn new() -> Writer {
        Writer { arena: Arena::default(), stack: Vec::new(), depth: 0, whole: None, recent: Vec::new() }
    }

    /// Writes one value; the result is its word.
    pub(crate) fn write<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Word, Error> {
        value.serialize(&mut *self)
    }

    /// Has nothing been written yet?
    pub(crate) fn is_fresh(&self) -> bool {
        self.depth == 0 && self.arena.text.is_empty()
    }

    fn open(&mut self) -> Result<usize, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        if self.recent.len() < self.depth {
            self.recent.resize(self.depth, None);
        }
        Ok(self.stack.len())
    }

    fn list(&mut self, start: usize) -> Result<Word, Error> {
        self.depth -= 1;
        let word = self.arena.push_list(&self.stack[start..])?;
        self.stack.truncate(start);
        Ok(word)
    }

    fn tuple(&mut self, start: usize) -> Result<Word, Error> {
        self.depth -= 1;
        let word = self.arena.push_tuple(&self.stack[start..])?;
        self.stack.truncate(start);
        Ok(word)
    }

    /// A dict with one entry, as enum variants are written.
    fn tagged(&mut self, variant: &str, word: Word) -> Result<Word, Error> {
        let key = self.arena.push_text(variant, false)?;
        self.arena.push_map(vec![key], &[word])
    }
}

/// A dict in the making: values are on the writer's stack.
pub(crate) struct MapWriter<'a> {
    writer: &'a mut Writer,
    start: usize,
    /// The shape whose first keys were met so far.
    guess: Option<u32>,
    /// The keys, once they differ from the guess.
    keys: Vec<Word>,
    /// A key whose value is still to come.
    key: Option<Word>,
    wrapper: Wrapper,
}

/// What a struct stands for.
#[derive(Clone, Copy)]
enum Wrapper {
    /// Itself.
    None,
    /// The content of an enum's variant.
    Variant(&'static str),
    /// A number, as `serde_json` writes it where it keeps all digits.
    JsonNumber,
    /// The text of its one field: a date of `toml`.
    Transparent,
}

impl Wrapper {
    /// What a struct of this name stands for.
    fn of(name: &str) -> Wrapper {
        match name {
            "$serde_json::private::Number" => Wrapper::JsonNumber,
            "$__toml_private_Datetime" => Wrapper::Transparent,
            _ => Wrapper::None,
        }
    }
}

/// A number of JSON.
fn json_number(arena: &mut Arena, text: &str) -> Word {
    if let Ok(value) = text.parse() {
        return Word::Int(value);
    }
    let is_integer = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    match text.parse::<BigInt>() {
        Ok(value) if is_integer => arena.push_big(value),
        _ => Word::Float(text.parse().unwrap_or(f64::NAN)),
    }
}

impl<'a> MapWriter<'a> {
    fn new(writer: &'a mut Writer, wrapper: Wrapper) -> Result<MapWriter<'a>, Error> {
        let start = writer.open()?;
        let guess = writer.recent[writer.depth - 1];
        Ok(MapWriter { writer, start, guess, keys: Vec::new(), key: None, wrapper })
    }

    fn count(&self) -> usize {
        self.writer.stack.len() - self.start
    }

    /// Notes a text key: the value follows.
    fn text_key(&mut self, key: &str) -> Result<(), Error> {
        let place = self.count();
        if let Some(shape) = self.guess {
            let keys = &self.writer.arena.shapes[shape as usize].keys;
            if let Some(&known @ Word::Str(text)) = keys.get(place)
                && self.writer.arena.str(text) == key
            {
                self.key = Some(known);
                return Ok(());
            }
            self.give_up();
        }
        let word = self.writer.arena.push_text(key, false)?;
        self.key = Some(word);
        Ok(())
    }

    fn other_key(&mut self, key: Word) {
        self.give_up();
        self.key = Some(key);
    }

    /// The keys differ from the guess: from here on they are listed.
    fn give_up(&mut self) {
        let place = self.count();
        if let Some(shape) = self.guess.take() {
            self.keys = self.writer.arena.shapes[shape as usize].keys[..place].to_vec();
        }
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        if let Wrapper::JsonNumber | Wrapper::Transparent = self.wrapper {
            let word = self.writer.write(value)?;
            self.writer.stack.push(word);
            return Ok(());
        }
        self.text_key(key)?;
        self.value(value)
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let Some(key) = self.key.take() else {
            return Err(Error::new(ErrorKind::Type, "a mapping gave a value without a key"));
        };
        let word = self.writer.write(value)?;
        if self.guess.is_none() {
            self.keys.push(key);
        }
        self.writer.stack.push(word);
        Ok(())
    }

    /// A key that came again: its last value takes the place of the first.
    fn merge_equal_keys(&mut self) {
        let arena = &self.writer.arena;
        let values = &mut self.writer.stack[self.start..];
        let mut seen: HashTable<usize> = HashTable::with_capacity(self.keys.len());
        let mut kept = 0;
        for place in 0..self.keys.len() {
            let (key, value) = (self.keys[place], values[place]);
            let hash = arena.hash_key(key);
            if let Some(&first) = seen.find(hash, |&other| same_key(arena, self.keys[other], key)) {
                values[first] = value;
                continue;
            }
            self.keys[kept] = key;
            values[kept] = value;
            seen.insert_unique(hash, kept, |&other| arena.hash_key(self.keys[other]));
            kept += 1;
        }
        self.keys.truncate(kept);
        let end = self.start + kept;
        self.writer.stack.truncate(end);
    }

    /// A struct that stands for its one field, which is text.
    #[cold]
    fn unwrap_field(self) -> Result<Word, Error> {
        let writer = self.writer;
        writer.depth -= 1;
        let word = writer.stack.get(self.start).copied().unwrap_or(Word::None);
        writer.stack.truncate(self.start);
        if let (Wrapper::JsonNumber, Word::Str(text)) = (self.wrapper, word) {
            // The digits are the last text of the arena: they go again.
            let digits = writer.arena.text.split_off(text.start as usize);
            return Ok(json_number(&mut writer.arena, &digits));
        }
        Ok(word)
    }

    fn finish(mut self) -> Result<Word, Error> {
        if let Wrapper::JsonNumber | Wrapper::Transparent = self.wrapper {
            return self.unwrap_field();
        }
        let count = self.count();
        let complete =
            self.guess.filter(|&shape| self.writer.arena.shapes[shape as usize].keys.len() == count);
        let shape = match complete {
            Some(shape) => shape,
            None => {
                self.give_up();
                self.merge_equal_keys();
                self.writer.arena.push_shape(std::mem::take(&mut self.keys))
            }
        };
        let writer = self.writer;
        writer.depth -= 1;
        writer.recent[writer.depth] = Some(shape);
        let start = writer.arena.push_words(&writer.stack[self.start..])?;
        writer.stack.truncate(self.start);
        let word = Word::Map { slot: super::word::HEAP, shape, start };
        match self.wrapper {
            Wrapper::Variant(variant) => writer.tagged(variant, word),
            _ => Ok(word),
        }
    }
}

/// Are two scalar keys of one arena the same key?
fn same_key(arena: &Arena, left: Word, right: Word) -> bool {
    match (left, right) {
        (Word::Str(left), Word::Str(right)) => arena.str(left) == arena.str(right),
        (Word::Str(_), _) | (_, Word::Str(_)) => false,
        // Numbers with equal hashes are equal but for collisions of very large ones.
        _ => arena.hash_key(left) == arena.hash_key(right),
    }
}

/// A list or tuple in the making.
pub(crate) struct SeqWriter<'a> {
    writer: &'a mut Writer,
    start: usize,
    tuple: bool,
    variant: Option<&'static str>,
}

impl SeqWriter<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let word = self.writer.write(value)?;
        self.writer.stack.push(word);
        Ok(())
    }

    fn finish(self) -> Result<Word, Error> {
        let word = if self.tuple { self.writer.tuple(self.start)? } else { self.writer.list(self.start)? };
        match self.variant {
            Some(variant) => self.writer.tagged(variant, word),
            None => Ok(word),
        }
    }
}

impl serde::ser::Error for Error {
    fn custom<T: Display>(message: T) -> Error {
        Error::new(ErrorKind::Type, format!("the data cannot be serialized: {message}"))
    }
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = Word;
    type Error = Error;
    type SerializeSeq = SeqWriter<'a>;
    type SerializeTuple = SeqWriter<'a>;
    type SerializeTupleStruct = SeqWriter<'a>;
    type SerializeTupleVariant = SeqWriter<'a>;
    type SerializeMap = MapWriter<'a>;
    type SerializeStruct = MapWriter<'a>;
    type SerializeStructVariant = MapWriter<'a>;

    fn serialize_bool(self, value: bool) -> Result<Word, Error> {
        Ok(Word::Bool(value))
    }
    fn serialize_i8(self, value: i8) -> Result<Word, Error> {
        Ok(Word::Int(value.into()))
    }
    fn serialize_i16(self, value: i16) -> Result<Word, Error> {
        Ok(Word::Int(value.into()))
    }
    fn serialize_i32(self, value: i32) -> Result<Word, Error> {
        Ok(Word::Int(value.into()))
    }
    fn serialize_i64(self, value: i64) -> Result<Word, Error> {
        Ok(Word::Int(value))
    }
    fn serialize_i128(self, value: i128) -> Result<Word, Error> {
        Ok(i64::try_from(value).map_or_else(|_| self.arena.push_big(BigInt::from(value)), Word::Int))
    }
    fn serialize_u8(self, value: u8) -> Result<Word, Error> {
        Ok(Word::Int(value.into()))
    }
    fn serialize_u16(self, value: u16) -> Result<Word, Error> {
        Ok(Word::Int(value.into()))
    }
    fn serialize_u32(self, value: u32) -> Result<Word, Error> {
        Ok(Word::Int(value.into()))
    }
    fn serialize_u64(self, value: u64) -> Result<Word, Error> {
        Ok(i64::try_from(value).map_or_else(|_| self.arena.push_big(BigInt::from(value)), Word::Int))
    }
    fn serialize_u128(self, value: u128) -> Result<Word, Error> {
        Ok(i64::try_from(value).map_or_else(|_| self.arena.push_big(BigInt::from(value)), Word::Int))
    }
    fn serialize_f32(self, value: f32) -> Result<Word, Error> {
        Ok(Word::Float(value.into()))
    }
    fn serialize_f64(self, value: f64) -> Result<Word, Error> {
        Ok(Word::Float(value))
    }
    fn serialize_char(self, value: char) -> Result<Word, Error> {
        self.arena.push_text(value.encode_utf8(&mut [0; 4]), false)
    }
    fn serialize_str(self, value: &str) -> Result<Word, Error> {
        self.arena.push_text(value, false)
    }
    fn serialize_bytes(self, value: &[u8]) -> Result<Word, Error> {
        let words: Vec<Word> = value.iter().map(|&byte| Word::Int(byte.into())).collect();
        self.arena.push_list(&words)
    }
    fn serialize_none(self) -> Result<Word, Error> {
        Ok(Word::None)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Word, Error> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Word, Error> {
        Ok(Word::None)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Word, Error> {
        Ok(Word::None)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Word, Error> {
        self.arena.push_text(variant, false)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Word, Error> {
        super::value::special_newtype(self, name, value)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Word, Error> {
        self.open()?;
        let word = self.write(value)?;
        self.depth -= 1;
        self.tagged(variant, word)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<SeqWriter<'a>, Error> {
        let start = self.open()?;
        Ok(SeqWriter { writer: self, start, tuple: false, variant: None })
    }
    fn serialize_tuple(self, _: usize) -> Result<SeqWriter<'a>, Error> {
        let start = self.open()?;
        Ok(SeqWriter { writer: self, start, tuple: true, variant: None })
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<SeqWriter<'a>, Error> {
        let start = self.open()?;
        Ok(SeqWriter { writer: self, start, tuple: true, variant: None })
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<SeqWriter<'a>, Error> {
        let start = self.open()?;
        Ok(SeqWriter { writer: self, start, tuple: true, variant: Some(variant) })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<MapWriter<'a>, Error> {
        MapWriter::new(self, Wrapper::None)
    }
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<MapWriter<'a>, Error> {
        MapWriter::new(self, Wrapper::of(name))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<MapWriter<'a>, Error> {
        MapWriter::new(self, Wrapper::Variant(variant))
    }
}

/// Implements the five traits of sequences by their one method.
macro_rules! sequences {
    ($($Trait:ident::$method:ident)*) => {
        $(impl $Trait for SeqWriter<'_> {
            type Ok = Word;
            type Error = Error;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }
            fn end(self) -> Result<Word, Error> {
                self.finish()
            }
        })*
    };
}
sequences! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

impl SerializeMap for MapWriter<'_> {
    type Ok = Word;
    type Error = Error;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        key.serialize(KeyWriter(self))
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }
    fn end(self) -> Result<Word, Error> {
        self.finish()
    }
}

/// Implements the two traits of structs by their one method.
macro_rules! structs {
    ($($Trait:ident)*) => {
        $(impl $Trait for MapWriter<'_> {
            type Ok = Word;
            type Error = Error;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
                self.field(key, value)
            }
            fn end(self) -> Result<Word, Error> {
                self.finish()
            }
        })*
    };
}
structs! { SerializeStruct SerializeStructVariant }

/// Writes a key: text without a copy where it is known, other scalars as they are.
struct KeyWriter<'a, 'b>(&'a mut MapWriter<'b>);

fn bad_key<T>() -> Result<T, Error> {
    Err(Error::new(ErrorKind::Type, "a mapping's key must be text, a number, a boolean or none"))
}

/// Implements the methods for scalar keys.
macro_rules! scalar_keys {
    ($($method:ident: $Type:ty),*) => {
        $(fn $method(self, value: $Type) -> Result<(), Error> {
            let word = (&mut *self.0.writer).$method(value)?;
            self.0.other_key(word);
            Ok(())
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
        self.0.text_key(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.0.text_key(value)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), Error> {
        bad_key()
    }
    fn serialize_none(self) -> Result<(), Error> {
        self.0.other_key(Word::None);
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
        self.0.text_key(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
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
