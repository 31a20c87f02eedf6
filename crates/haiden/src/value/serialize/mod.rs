//! Serialize: any `serde::Serialize` becomes an arena.
//!
//! In: a user's data. Out: its root word in an [`Arena`], written in one pass. Structs and maps with the same text keys as
//! one before share its shape: while the keys come in the same order, each costs one comparison. Depth is bounded; what
//! a user's `Serialize` fails with becomes our error.

mod key;
mod map;
mod recycle;
mod transcode;

use std::cell::Cell;
use std::fmt::Display;

use num_bigint::BigInt;
use serde::ser::{
    Serialize, SerializeSeq, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::error::{Error, ErrorKind};
use crate::value::arena::{Arena, MAX_DEPTH, too_deep};
use crate::value::word::Word;
pub(crate) use map::Paused;
use map::{MapWriter, Recent, Wrapper};
pub(crate) use recycle::{Memory, recycle};

/// The most room, in bytes, that is made ahead.
const MOST_EXPECTED: usize = 1 << 18;

thread_local! {
    /// How much text and how many words the last data had: the next is likely to be like it.
    static EXPECTED: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// Writes values into an arena.
pub(crate) struct Writer {
    pub(crate) arena: Arena,
    pub(crate) depth: usize,
    /// A value that was handed over whole.
    pub(crate) whole: Option<crate::value::value::Value>,
    memory: Box<Memory>,
}

impl Writer {
    /// A writer of data that is kept.
    pub(crate) fn new() -> Writer {
        Writer { arena: Arena::default(), depth: 0, whole: None, memory: Box::default() }
    }

    /// A writer of data for one render, after which the arena comes back to [`recycle()`].
    pub(crate) fn for_render() -> Writer {
        let mut arena = recycle::take();
        let memory = arena.memory.take().unwrap_or_default();
        Writer { arena, depth: 0, whole: None, memory }
    }

    /// Makes room for as much as there was last time.
    #[inline(never)]
    fn reserve(&mut self) {
        let (text, words) = EXPECTED.get();
        self.arena.text.reserve(text);
        self.arena.words.reserve(words);
        self.memory.stack.reserve(16);
    }

    /// The arena, once all is written.
    pub(crate) fn finish(self) -> Arena {
        let Arena { mut text, mut words, .. } = self.arena;
        EXPECTED.set((text.len().min(MOST_EXPECTED), words.len().min(MOST_EXPECTED / 16)));
        if text.len() < text.capacity() / 2 {
            text.shrink_to_fit();
        }
        if words.len() < words.capacity() / 2 {
            words.shrink_to_fit();
        }
        Arena { text, words, ..self.arena }
    }

    /// As [`Writer::finish`], of a writer for one render.
    pub(crate) fn finish_for_render(mut self) -> Arena {
        EXPECTED
            .set((self.arena.text.len().min(MOST_EXPECTED), self.arena.words.len().min(MOST_EXPECTED / 16)));
        self.arena.memory = Some(self.memory);
        self.arena
    }

    /// Writes one value; the result is its word.
    pub(crate) fn write<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Word, Error> {
        value.serialize(&mut *self)
    }

    /// Writes the content of a newtype, which is a level of its own: types can recurse through nothing else.
    pub(crate) fn write_nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Word, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        let word = self.write(value);
        self.depth -= 1;
        word
    }

    /// Has nothing been written yet?
    pub(crate) fn is_fresh(&self) -> bool {
        self.depth == 0 && self.memory.stack.is_empty() && self.arena.words.is_empty()
    }

    fn open(&mut self) -> Result<usize, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        let Memory { stack, recent, .. } = &mut *self.memory;
        if recent.len() < self.depth {
            recent.resize(self.depth, Recent::default());
        }
        if stack.capacity() == 0 {
            self.reserve();
        }
        Ok(self.memory.stack.len())
    }

    fn list(&mut self, start: usize) -> Result<Word, Error> {
        self.depth -= 1;
        let word = self.arena.push_list(&self.memory.stack[start..])?;
        self.memory.stack.truncate(start);
        Ok(word)
    }

    fn tuple(&mut self, start: usize) -> Result<Word, Error> {
        self.depth -= 1;
        let word = self.arena.push_tuple(&self.memory.stack[start..])?;
        self.memory.stack.truncate(start);
        Ok(word)
    }

    /// A dict with one entry, as enum variants are written.
    fn tagged(&mut self, variant: &str, word: Word) -> Result<Word, Error> {
        let key = self.arena.push_text(variant, false)?;
        self.arena.push_map(vec![key], &[word])
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
        self.writer.memory.stack.push(word);
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
        crate::value::handover::special_newtype(self, name, value)
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
        MapWriter::new(self, Wrapper::None, 0)
    }
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<MapWriter<'a>, Error> {
        MapWriter::new(self, Wrapper::of(name), len)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<MapWriter<'a>, Error> {
        MapWriter::new(self, Wrapper::Variant(variant), len)
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
