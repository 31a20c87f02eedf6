//! Arenas: immutable data as a few flat vectors.
//!
//! A context, a constant pool or a value that a user holds is one [`Arena`]: one string for all text, one vector of words
//! for the items of all containers, a table of shapes for the keys of dicts. Making one allocates a handful of times
//! however large the data is; dropping one never recurses. Offsets are 32 bits: data beyond that is an error when it is
//! put in.

use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock};

use hashbrown::{DefaultHashBuilder, HashTable};
use num_bigint::BigInt;

use crate::error::{Error, ErrorKind};
use crate::python::number::convert::{hash_float, hash_int};
use crate::python::number::int::Int;
use crate::value::object::Foreign;
use crate::value::serialize::Memory;
use crate::value::shape::new_shape_id;
use crate::value::word::{HEAP, Str, Word};

/// Dicts with more keys than this are searched through a table.
const SMALL: usize = 8;

static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// The hash of a text key.
#[inline]
pub(crate) fn hash_text(text: &str) -> u64 {
    HASHER.hash_one(text)
}

/// The hash of a number key: equal numbers have equal hashes, whatever their type.
pub(crate) fn hash_number(number: i64) -> u64 {
    HASHER.hash_one(number)
}

/// The keys of a dict, in order.
#[derive(Debug)]
pub(crate) struct Shape {
    /// A number that in this process only shapes with the same text keys have, for attribute sites to remember.
    pub(crate) id: u64,
    /// The keys, of the shape's arena.
    pub(crate) keys: Vec<Word>,
    /// Places of keys by hash, if there are many.
    table: Option<HashTable<u32>>,
}

/// Flat immutable data.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    pub(crate) text: String,
    pub(crate) words: Vec<Word>,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) bigs: Vec<BigInt>,
    pub(crate) foreign: Vec<Foreign>,
    /// What its writer knows, if it is to be written again.
    pub(crate) memory: Option<Box<Memory>>,
}

/// How deep data may be nested.
pub(crate) const MAX_DEPTH: usize = 400;

/// Data that is nested too deeply.
#[cold]
pub(crate) fn too_deep() -> Error {
    Error::new(ErrorKind::Recursion, format!("the data is nested too deeply: more than {MAX_DEPTH} levels"))
}

/// A data structure that is too large for 32-bit offsets.
#[cold]
pub(crate) fn too_large() -> Error {
    Error::new(ErrorKind::Memory, "the data is larger than 4 GiB")
}

fn offset(length: usize) -> Result<u32, Error> {
    u32::try_from(length).map_err(|_| too_large())
}

impl Arena {
    /// Has it nothing that a word could name?
    pub(crate) fn is_empty(&self) -> bool {
        let Arena { text, words, shapes, bigs, foreign, .. } = self;
        text.is_empty() && words.is_empty() && shapes.is_empty() && bigs.is_empty() && foreign.is_empty()
    }

    #[inline]
    pub(crate) fn str(&self, text: Str) -> &str {
        &self.text[text.start as usize..(text.start + text.len) as usize]
    }

    pub(crate) fn push_text(&mut self, text: &str, markup: bool) -> Result<Word, Error> {
        let start = offset(self.text.len())?;
        self.text.push_str(text);
        offset(self.text.len())?;
        Ok(Word::Str(Str { slot: HEAP, markup, start, len: text.len() as u32 }))
    }

    pub(crate) fn push_big(&mut self, value: BigInt) -> Word {
        self.bigs.push(value);
        Word::Big { slot: HEAP, index: (self.bigs.len() - 1) as u32 }
    }

    pub(crate) fn push_foreign(&mut self, value: Foreign) -> Word {
        self.foreign.push(value);
        Word::Foreign { slot: HEAP, index: (self.foreign.len() - 1) as u32 }
    }

    /// Appends items; says where they start. No two runs start at one place: it is what tells containers apart.
    pub(crate) fn push_words(&mut self, words: &[Word]) -> Result<u32, Error> {
        let start = offset(self.words.len())?;
        self.words.extend_from_slice(words);
        if words.is_empty() {
            self.words.push(Word::Missing);
        }
        offset(self.words.len())?;
        Ok(start)
    }

    pub(crate) fn push_list(&mut self, words: &[Word]) -> Result<Word, Error> {
        Ok(Word::Items { slot: HEAP, start: self.push_words(words)?, len: words.len() as u32 })
    }

    pub(crate) fn push_tuple(&mut self, words: &[Word]) -> Result<Word, Error> {
        Ok(Word::Tuple { slot: HEAP, start: self.push_words(words)?, len: words.len() as u32 })
    }

    /// A dict of different keys and their values in turn.
    pub(crate) fn push_map(&mut self, keys: Vec<Word>, values: &[Word]) -> Result<Word, Error> {
        let shape = self.push_shape(keys, None);
        Ok(Word::Map { slot: HEAP, shape, start: self.push_words(values)? })
    }

    /// Adds a shape; the keys must be different. `id`: what shapes with just these text keys have.
    pub(crate) fn push_shape(&mut self, keys: Vec<Word>, id: Option<u64>) -> u32 {
        let id = id.unwrap_or_else(new_shape_id);
        let table = (keys.len() > SMALL).then(|| {
            let hash = |place: &u32| self.hash_key(keys[*place as usize]);
            let mut table = HashTable::with_capacity(keys.len());
            for place in 0..keys.len() as u32 {
                table.insert_unique(hash(&place), place, hash);
            }
            table
        });
        self.shapes.push(Shape { id, keys, table });
        (self.shapes.len() - 1) as u32
    }

    /// The hash of a key of this arena. Containers that cannot be keys hash like nothing else matters: they are only
    /// compared.
    pub(crate) fn hash_key(&self, key: Word) -> u64 {
        match key {
            Word::Str(text) => hash_text(self.str(text)),
            Word::Bool(value) => hash_number(i64::from(value)),
            Word::Int(value) => hash_number(hash_int(&Int::Small(value))),
            Word::Float(value) => hash_number(hash_float(value)),
            Word::Big { index, .. } => {
                hash_number(hash_int(&Int::Big(Box::new(self.bigs[index as usize].clone()))))
            }
            Word::None => 1,
            _ => 2,
        }
    }

    /// The place of a text key in a shape.
    #[inline]
    pub(crate) fn find_text(&self, shape: u32, name: &str) -> Option<usize> {
        let shape = &self.shapes[shape as usize];
        let is_name = |key: Word| matches!(key, Word::Str(text) if self.str(text) == name);
        match &shape.table {
            None => shape.keys.iter().position(|&key| is_name(key)),
            Some(table) => {
                table.find(hash_text(name), |&place| is_name(shape.keys[place as usize])).map(|&p| p as usize)
            }
        }
    }

    /// The place of a key with this hash for which `equal` holds.
    pub(crate) fn find_key(
        &self,
        shape: u32,
        hash: u64,
        mut equal: impl FnMut(Word) -> bool,
    ) -> Option<usize> {
        let shape = &self.shapes[shape as usize];
        match &shape.table {
            None => shape.keys.iter().position(|&key| equal(key)),
            Some(table) => {
                table.find(hash, |&place| equal(shape.keys[place as usize])).map(|&place| place as usize)
            }
        }
    }

    /// Copies a value of another arena into this one, `depth` levels down in it.
    pub(crate) fn import(&mut self, from: &Arc<Arena>, word: Word, depth: usize) -> Result<Word, Error> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        Ok(match word {
            Word::Str(text) => self.push_text(from.str(text), text.markup)?,
            Word::Big { index, .. } => self.push_big(from.bigs[index as usize].clone()),
            Word::Foreign { index, .. } => self.push_foreign(from.foreign[index as usize].clone()),
            Word::Items { start, len, .. } => {
                let items = self.import_run(from, start, len, depth + 1)?;
                self.push_list(&items)?
            }
            Word::Tuple { start, len, .. } => {
                let items = self.import_run(from, start, len, depth + 1)?;
                self.push_tuple(&items)?
            }
            Word::Map { shape, start, .. } => {
                let keys = from.shapes[shape as usize].keys.clone();
                let values = self.import_run(from, start, keys.len() as u32, depth + 1)?;
                let keys = keys
                    .into_iter()
                    .map(|key| self.import(from, key, depth + 1))
                    .collect::<Result<_, _>>()?;
                self.push_map(keys, &values)?
            }
            other => other,
        })
    }

    fn import_run(
        &mut self,
        from: &Arc<Arena>,
        start: u32,
        len: u32,
        depth: usize,
    ) -> Result<Vec<Word>, Error> {
        (start..start + len).map(|at| self.import(from, from.words[at as usize], depth)).collect()
    }
}
