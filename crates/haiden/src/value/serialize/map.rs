//! Structs and maps: their keys become a shape, their values a run of words.
//!
//! The shapes that came last at a depth are guesses for the next dict: while its keys come as a guess has them, none is
//! written or compared as text (fields of structs are compared by where their names lie).

use hashbrown::HashTable;
use num_bigint::BigInt;
use serde::ser::{Serialize, SerializeMap, SerializeStruct, SerializeStructVariant};

use super::Writer;
use super::key::KeyWriter;
use crate::error::{Error, ErrorKind};
use crate::value::arena::Arena;
use crate::value::shape::struct_shape;
use crate::value::word::{HEAP, Word};

/// Maps with more keys than this look for equal ones through a table.
const FEW: usize = 8;

/// How many shapes are remembered for a depth.
const WAYS: usize = 4;

/// Shapes, the latest first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recent([Option<u32>; WAYS]);

impl Recent {
    /// The shapes are elsewhere now; those that are nowhere are forgotten.
    pub(super) fn rename(&mut self, places: &[Option<u32>]) {
        let known = self.0.into_iter().flatten();
        let mut known = known.filter_map(|shape| places.get(shape as usize).copied().flatten());
        self.0 = std::array::from_fn(|_| known.next());
    }

    #[inline]
    fn note(&mut self, shape: u32) {
        if self.0[0] == Some(shape) {
            return;
        }
        let place = self.0.iter().position(|&known| known == Some(shape)).unwrap_or(WAYS - 1);
        self.0.copy_within(..place, 1);
        self.0[0] = Some(shape);
    }
}

/// A field's name, by where it lies: a `'static` text never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    address: usize,
    len: usize,
}

impl Field {
    #[inline]
    fn of(name: &'static str) -> Field {
        Field { address: name.as_ptr().addr(), len: name.len() }
    }
}

/// A dict in the making: values are on the writer's stack.
pub(crate) struct MapWriter<'a> {
    writer: &'a mut Writer,
    start: usize,
    /// The shape whose first keys were met so far.
    guess: Option<u32>,
    /// The keys, once no guess has them.
    keys: Vec<Word>,
    /// The fields, as far as all keys are such.
    fields: Vec<Field>,
    /// A key whose value is still to come.
    key: Option<Word>,
    wrapper: Wrapper,
}

/// A dict in the making without its writer: what `context!` keeps between two variables.
pub(crate) struct Paused {
    start: usize,
    guess: Option<u32>,
    keys: Vec<Word>,
    fields: Vec<Field>,
}

impl Paused {
    /// A dict that starts now.
    pub(crate) fn new(writer: &mut Writer) -> Result<Paused, Error> {
        MapWriter::new(writer, Wrapper::None, 0).map(MapWriter::pause)
    }

    fn resume(self, writer: &mut Writer) -> MapWriter<'_> {
        let Paused { start, guess, keys, fields } = self;
        MapWriter { writer, start, guess, keys, fields, key: None, wrapper: Wrapper::None }
    }

    /// Adds a field.
    pub(crate) fn with<T: Serialize + ?Sized>(
        self,
        writer: &mut Writer,
        name: &'static str,
        value: &T,
    ) -> Result<Paused, Error> {
        let mut map = self.resume(writer);
        map.field(name, value)?;
        Ok(map.pause())
    }

    /// The dict.
    pub(crate) fn finish(self, writer: &mut Writer) -> Result<Word, Error> {
        self.resume(writer).finish()
    }
}

/// What a struct stands for.
#[derive(Clone, Copy)]
pub(super) enum Wrapper {
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
    pub(super) fn of(name: &str) -> Wrapper {
        match name {
            "$serde_json::private::Number" => Wrapper::JsonNumber,
            "$__toml_private_Datetime" => Wrapper::Transparent,
            _ => Wrapper::None,
        }
    }
}

/// A number of JSON.
pub(super) fn json_number(arena: &mut Arena, text: &str) -> Word {
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
    /// A struct of so many fields, or a map (0).
    pub(super) fn new(
        writer: &'a mut Writer,
        wrapper: Wrapper,
        fields: usize,
    ) -> Result<MapWriter<'a>, Error> {
        let start = writer.open()?;
        let guess = writer.memory.recent[writer.depth - 1].0[0];
        let count = if guess.is_none() { fields } else { 0 };
        let (keys, fields) = (Vec::with_capacity(count), Vec::with_capacity(count));
        Ok(MapWriter { writer, start, guess, keys, fields, key: None, wrapper })
    }

    fn pause(self) -> Paused {
        let MapWriter { start, guess, keys, fields, .. } = self;
        Paused { start, guess, keys, fields }
    }

    #[inline]
    fn count(&self) -> usize {
        self.writer.memory.stack.len() - self.start
    }

    /// Has the shape this field at this place?
    #[inline]
    fn has_field(&self, shape: u32, place: usize, field: Field) -> bool {
        self.writer.memory.fields.get(shape as usize).is_some_and(|fields| fields.get(place) == Some(&field))
    }

    /// The shape's key at this place, if it is this text.
    fn known_key(&self, shape: u32, place: usize, key: &str) -> Option<Word> {
        let arena = &self.writer.arena;
        match arena.shapes[shape as usize].keys.get(place) {
            Some(&known @ Word::Str(text)) if arena.str(text) == key => Some(known),
            _ => None,
        }
    }

    /// Have the shapes the same first keys?
    fn same_start(&self, left: u32, right: u32, count: usize) -> bool {
        let arena = &self.writer.arena;
        let (left, right) = (&arena.shapes[left as usize].keys, &arena.shapes[right as usize].keys);
        left.len() >= count
            && right.len() >= count
            && left[..count].iter().zip(&right[..count]).all(|(&left, &right)| same_key(arena, left, right))
    }

    /// Another guess that has the keys so far and fits.
    fn guess_again(&self, guess: u32, count: usize, fits: impl Fn(u32) -> bool) -> Option<u32> {
        let recent = self.writer.memory.recent[self.writer.depth - 1];
        let others = recent.0.into_iter().flatten().filter(|&other| other != guess);
        others.into_iter().find(|&other| fits(other) && self.same_start(guess, other, count))
    }

    /// Notes a text key: the value follows.
    pub(super) fn text_key(&mut self, key: &str) -> Result<(), Error> {
        let place = self.count();
        if let Some(guess) = self.guess {
            let other =
                || self.guess_again(guess, place, |other| self.known_key(other, place, key).is_some());
            let found = match self.known_key(guess, place, key) {
                Some(known) => Some((guess, known)),
                None => other().and_then(|other| Some((other, self.known_key(other, place, key)?))),
            };
            if let Some((guess, known)) = found {
                self.guess = Some(guess);
                self.key = Some(known);
                return Ok(());
            }
            self.give_up();
        }
        let word = self.writer.arena.push_text(key, false)?;
        self.key = Some(word);
        Ok(())
    }

    pub(super) fn other_key(&mut self, key: Word) {
        self.give_up();
        self.key = Some(key);
    }

    /// Writes a scalar key that is no text.
    pub(super) fn scalar_key<T: Serialize>(&mut self, key: T) -> Result<(), Error> {
        let word = self.writer.write(&key)?;
        self.other_key(word);
        Ok(())
    }

    /// The keys differ from all guesses: from here on they are listed.
    fn give_up(&mut self) {
        let place = self.count();
        if let Some(shape) = self.guess.take() {
            self.keys = self.writer.arena.shapes[shape as usize].keys[..place].to_vec();
            let fields = self.writer.memory.fields.get(shape as usize).and_then(|fields| fields.get(..place));
            self.fields = fields.unwrap_or_default().to_vec();
        }
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if let Some(guess) = self.guess
            && self.has_field(guess, self.count(), Field::of(name))
        {
            let word = self.writer.write(value)?;
            self.writer.memory.stack.push(word);
            return Ok(());
        }
        self.new_field(name, value)
    }

    /// A field that the guess does not have.
    #[inline(never)]
    fn new_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if let Wrapper::JsonNumber | Wrapper::Transparent = self.wrapper {
            let word = self.writer.write(value)?;
            self.writer.memory.stack.push(word);
            return Ok(());
        }
        let (place, field) = (self.count(), Field::of(name));
        if let Some(guess) = self.guess {
            let other = self.guess_again(guess, place, |other| self.has_field(other, place, field));
            if let Some(other) = other {
                self.guess = Some(other);
                let word = self.writer.write(value)?;
                self.writer.memory.stack.push(word);
                return Ok(());
            }
        }
        self.text_key(name)?;
        if self.guess.is_none() && self.fields.len() == place {
            self.fields.push(field);
        }
        self.value(value)
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let Some(key) = self.key.take() else {
            return Err(Error::new(ErrorKind::Type, "a mapping gave a value without a key"));
        };
        let word = self.writer.write(value)?;
        self.entry(key, word);
        Ok(())
    }

    /// The value of the key that was noted last, which lies in the arena.
    pub(super) fn push_value(&mut self, word: Word) {
        if let Some(key) = self.key.take() {
            self.entry(key, word);
        }
    }

    fn entry(&mut self, key: Word, word: Word) {
        if self.guess.is_none() {
            self.keys.push(key);
        }
        self.writer.memory.stack.push(word);
    }

    /// What the values are written with.
    pub(super) fn writer(&mut self) -> &mut Writer {
        self.writer
    }

    /// Has it no entry yet?
    pub(super) fn is_fresh(&self) -> bool {
        self.count() == 0
    }

    /// It was no dict: the arena for what it was.
    pub(super) fn abandon(self) -> &'a mut Arena {
        self.writer.depth -= 1;
        &mut self.writer.arena
    }

    /// A key that came again: its last value takes the place of the first.
    fn merge_equal_keys(&mut self) {
        let arena = &self.writer.arena;
        let values = &mut self.writer.memory.stack[self.start..];
        let few = self.keys.len() <= FEW;
        let mut seen: HashTable<usize> = HashTable::with_capacity(if few { 0 } else { self.keys.len() });
        let mut kept = 0;
        for place in 0..self.keys.len() {
            let (key, value) = (self.keys[place], values[place]);
            let first = if few {
                self.keys[..kept].iter().position(|&known| same_key(arena, known, key))
            } else {
                seen.find(arena.hash_key(key), |&other| same_key(arena, self.keys[other], key)).copied()
            };
            if let Some(first) = first {
                values[first] = value;
                continue;
            }
            self.keys[kept] = key;
            values[kept] = value;
            if !few {
                seen.insert_unique(arena.hash_key(key), kept, |&other| arena.hash_key(self.keys[other]));
            }
            kept += 1;
        }
        self.keys.truncate(kept);
        let end = self.start + kept;
        self.writer.memory.stack.truncate(end);
    }

    /// A struct that stands for its one field, which is text.
    #[cold]
    fn unwrap_field(self) -> Word {
        let writer = self.writer;
        writer.depth -= 1;
        let word = writer.memory.stack.get(self.start).copied().unwrap_or(Word::None);
        writer.memory.stack.truncate(self.start);
        if let (Wrapper::JsonNumber, Word::Str(text)) = (self.wrapper, word) {
            // The digits are the last text of the arena: they go again.
            let digits = writer.arena.text.split_off(text.start as usize);
            return json_number(&mut writer.arena, &digits);
        }
        word
    }

    /// A shape that no dict at this depth had lately.
    #[inline(never)]
    fn new_shape(&mut self) -> u32 {
        self.give_up();
        self.merge_equal_keys();
        let all_fields = self.fields.len() == self.keys.len();
        let arena = &mut self.writer.arena;
        let id = if all_fields { struct_shape(arena, &self.keys) } else { None };
        let shape = arena.push_shape(std::mem::take(&mut self.keys), id);
        if all_fields {
            self.writer.memory.fields.resize(shape as usize + 1, Vec::new());
            self.writer.memory.fields[shape as usize] = std::mem::take(&mut self.fields);
        }
        shape
    }

    pub(super) fn finish(mut self) -> Result<Word, Error> {
        if let Wrapper::JsonNumber | Wrapper::Transparent = self.wrapper {
            return Ok(self.unwrap_field());
        }
        let count = self.count();
        let fits = |shape: u32| self.writer.arena.shapes[shape as usize].keys.len() == count;
        let guess = self
            .guess
            .and_then(|guess| if fits(guess) { Some(guess) } else { self.guess_again(guess, count, fits) });
        let shape = match guess {
            Some(shape) => shape,
            None => self.new_shape(),
        };
        let writer = self.writer;
        writer.depth -= 1;
        writer.memory.recent[writer.depth].note(shape);
        let start = writer.arena.push_words(&writer.memory.stack[self.start..])?;
        writer.memory.stack.truncate(self.start);
        let word = Word::Map { slot: HEAP, shape, start };
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

impl SerializeMap for MapWriter<'_> {
    type Ok = Word;
    type Error = Error;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        key.serialize(KeyWriter { map: self, depth: 0 })
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
