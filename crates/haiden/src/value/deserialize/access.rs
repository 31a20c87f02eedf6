//! What is inside of values: items of lists, entries of dicts, variants of enums, each error with its step of the path.

use std::sync::Arc;

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};

use super::source::Source;
use super::{ValueDeserializer, View};
use crate::error::Error;
use crate::value::arena::Arena;
use crate::value::word::Word;

/// The items of a list or tuple.
pub(super) struct Items<'a, S> {
    list: ValueDeserializer<'a, S>,
    arena: &'a Arc<Arena>,
    words: &'a [Word],
    at: usize,
}

impl<'a, S> Items<'a, S> {
    pub(super) fn new(
        list: ValueDeserializer<'a, S>,
        arena: &'a Arc<Arena>,
        words: &'a [Word],
    ) -> Items<'a, S> {
        Items { list, arena, words, at: 0 }
    }

    /// Shows all of them to a visitor.
    pub(super) fn visit<'de, V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error>
    where
        S: Source<'a, 'de>,
    {
        let value = visitor.visit_seq(&mut self)?;
        if self.at < self.words.len() {
            return Err(Error::invalid_length(self.words.len(), &&*format!("{} items", self.at)));
        }
        Ok(value)
    }
}

impl<'a, 'de, S: Source<'a, 'de>> SeqAccess<'de> for Items<'a, S> {
    type Error = Error;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(&word) = self.words.get(self.at) else { return Ok(None) };
        let place = self.at;
        self.at += 1;
        let item = seed.deserialize(self.list.part(self.arena, word));
        item.map(Some).map_err(|error| error.inside(&format!("[{place}]")))
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.words.len() - self.at)
    }
}

/// The entries of a dict.
pub(super) struct Entries<'a, S> {
    dict: ValueDeserializer<'a, S>,
    arena: &'a Arc<Arena>,
    keys: &'a [Word],
    values: &'a [Word],
    /// How many keys were read.
    at: usize,
}

impl<'a, S: Copy> Entries<'a, S> {
    pub(super) fn new(
        dict: ValueDeserializer<'a, S>,
        arena: &'a Arc<Arena>,
        keys: &'a [Word],
        values: &'a [Word],
    ) -> Entries<'a, S> {
        Entries { dict, arena, keys, values, at: 0 }
    }

    /// Shows all of them to a visitor.
    pub(super) fn visit<'de, V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error>
    where
        S: Source<'a, 'de>,
    {
        let value = visitor.visit_map(&mut self)?;
        if self.at < self.keys.len() {
            return Err(Error::invalid_length(self.keys.len(), &&*format!("{} entries", self.at)));
        }
        Ok(value)
    }

    /// The key that was read last.
    fn key(&self) -> ValueDeserializer<'a, S> {
        self.dict.key(self.arena, self.keys[self.at.saturating_sub(1)])
    }
}

impl<'a, 'de, S: Source<'a, 'de>> MapAccess<'de> for Entries<'a, S> {
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
        let value = seed.deserialize(self.dict.part(self.arena, word));
        value.map_err(|error| error.inside(&self.key().step()))
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.keys.len() - self.at)
    }
}

/// A variant of an enum: its name, and what it holds.
pub(super) struct Variant<'a, S> {
    name: &'a str,
    content: Option<ValueDeserializer<'a, S>>,
}

impl<'a, S> Variant<'a, S> {
    pub(super) fn unit(name: &'a str) -> Variant<'a, S> {
        Variant { name, content: None }
    }

    pub(super) fn with(name: &'a str, content: ValueDeserializer<'a, S>) -> Variant<'a, S> {
        Variant { name, content: Some(content) }
    }

    fn content(self, expected: &'static str) -> Result<ValueDeserializer<'a, S>, Error> {
        self.content.ok_or_else(|| Error::invalid_type(Unexpected::UnitVariant, &expected))
    }
}

impl<'a, 'de, S: Source<'a, 'de>> EnumAccess<'de> for Variant<'a, S> {
    type Error = Error;
    type Variant = Variant<'a, S>;
    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Variant<'a, S>), Error> {
        Ok((seed.deserialize(StrDeserializer::<Error>::new(self.name))?, self))
    }
}

impl<'a, 'de, S: Source<'a, 'de>> VariantAccess<'de> for Variant<'a, S> {
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
