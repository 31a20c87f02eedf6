//! What is inside of values: items of lists, entries of dicts, variants of enums, each error with its step of the path.

use std::sync::Arc;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};

use super::{ValueDeserializer, View};
use crate::error::Error;
use crate::value::arena::Arena;
use crate::value::word::Word;

/// The items of a list or tuple.
pub(super) struct Items<'de> {
    arena: &'de Arc<Arena>,
    words: &'de [Word],
    at: usize,
}

impl<'de> Items<'de> {
    pub(super) fn new(arena: &'de Arc<Arena>, words: &'de [Word]) -> Items<'de> {
        Items { arena, words, at: 0 }
    }

    /// Shows all of them to a visitor.
    pub(super) fn visit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_seq(&mut self)?;
        if self.at < self.words.len() {
            return Err(Error::invalid_length(self.words.len(), &&*format!("{} items", self.at)));
        }
        Ok(value)
    }
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(&word) = self.words.get(self.at) else { return Ok(None) };
        let place = self.at;
        self.at += 1;
        let item = seed.deserialize(ValueDeserializer::part(self.arena, word));
        item.map(Some).map_err(|error| error.inside(&format!("[{place}]")))
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.words.len() - self.at)
    }
}

/// The entries of a dict.
pub(super) struct Entries<'de> {
    arena: &'de Arc<Arena>,
    keys: &'de [Word],
    values: &'de [Word],
    /// How many keys were read.
    at: usize,
}

impl<'de> Entries<'de> {
    pub(super) fn new(arena: &'de Arc<Arena>, keys: &'de [Word], values: &'de [Word]) -> Entries<'de> {
        Entries { arena, keys, values, at: 0 }
    }

    /// Shows all of them to a visitor.
    pub(super) fn visit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_map(&mut self)?;
        if self.at < self.keys.len() {
            return Err(Error::invalid_length(self.keys.len(), &&*format!("{} entries", self.at)));
        }
        Ok(value)
    }

    /// The key that was read last.
    fn key(&self) -> ValueDeserializer<'de> {
        ValueDeserializer::key(self.arena, self.keys[self.at.saturating_sub(1)])
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if self.at == self.keys.len() {
            return Ok(None);
        }
        self.at += 1;
        let key = seed.deserialize(self.key());
        key.map(Some).map_err(|error| error.inside(&self.key().step()))
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some(&word) = self.at.checked_sub(1).and_then(|place| self.values.get(place)) else {
            return Err(Error::custom("a value was read before its key"));
        };
        let value = seed.deserialize(ValueDeserializer::part(self.arena, word));
        value.map_err(|error| error.inside(&self.key().step()))
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.keys.len() - self.at)
    }
}

/// A variant of an enum: its name, and what it holds.
pub(super) struct Variant<'de> {
    name: &'de str,
    content: Option<ValueDeserializer<'de>>,
}

impl<'de> Variant<'de> {
    pub(super) fn unit(name: &'de str) -> Variant<'de> {
        Variant { name, content: None }
    }

    pub(super) fn with(name: &'de str, content: ValueDeserializer<'de>) -> Variant<'de> {
        Variant { name, content: Some(content) }
    }

    fn content(self, expected: &'static str) -> Result<ValueDeserializer<'de>, Error> {
        self.content.ok_or_else(|| Error::invalid_type(Unexpected::UnitVariant, &expected))
    }
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Variant<'de>;
    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Variant<'de>), Error> {
        Ok((seed.deserialize(BorrowedStrDeserializer::<Error>::new(self.name))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Error;
    fn unit_variant(self) -> Result<(), Error> {
        self.content.map_or(Ok(()), <()>::deserialize)
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.content("a newtype variant")?)
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        let content = self.content("a tuple variant")?;
        match content.view() {
            View::Items(..) => content.deserialize_any(visitor),
            other => Err(other.misfit(&"a tuple variant")),
        }
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let content = self.content("a struct variant")?;
        match content.view() {
            View::Items(..) | View::Entries(..) => content.deserialize_any(visitor),
            other => Err(other.misfit(&"a struct variant")),
        }
    }
}
