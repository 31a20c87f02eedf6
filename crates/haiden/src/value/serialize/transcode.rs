//! Transcode: data of any deserializer becomes an arena, as [`Serialize`](serde::Serialize) does.
//!
//! In: a deserializer of a self-describing format. Out: the root's word in a [`Writer`]'s arena; dicts share shapes as those
//! of the writer do.

use std::any::type_name;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as DeserializeError, MapAccess, SeqAccess, Visitor,
};

use super::Writer;
use super::map::{MapWriter, Wrapper, json_number};
use crate::error::Error;
use crate::value::deserialize::ValueDeserializer;
use crate::value::deserialize::source::Passing;
use crate::value::handover;
use crate::value::value::Value;
use crate::value::word::Word;

/// The key of the one entry that stands for a number, as `serde_json` writes it where it keeps all digits.
const JSON_NUMBER: &str = "$serde_json::private::Number";
/// The key of the one entry that stands for a date of `toml`.
const TOML_DATE: &str = "$__toml_private_datetime";

impl<'de> Deserialize<'de> for Value {
    /// From any self-describing format, such as JSON. From a [`Value`] it is that value itself, or its part.
    ///
    /// ```
    /// let value: haiden::Value = serde_json::from_str(r#"{"name": "Ann", "tags": [1, 2.5, null]}"#)?;
    /// assert_eq!(value.to_string(), "{'name': 'Ann', 'tags': [1, 2.5, None]}");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        // The name is a guess that costs nothing when compiled; what settles it is what the deserializer hands over.
        let names = [type_name::<ValueDeserializer<'_>>(), type_name::<ValueDeserializer<'_, Passing>>()];
        if names.contains(&type_name::<D>()) {
            return deserializer.deserialize_newtype_struct(handover::HANDOVER_NAME, Taker);
        }
        let mut writer = Writer::new();
        let word = Seed(&mut writer).deserialize(deserializer)?;
        Ok(Value::from_arena(writer.finish(), word))
    }
}

/// Takes the value that a [`ValueDeserializer`] hands over.
struct Taker;

impl Visitor<'_> for Taker {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a template")
    }
    fn visit_unit<E: DeserializeError>(self) -> Result<Value, E> {
        handover::take().ok_or_else(|| E::custom("no value was handed over"))
    }
}

/// Writes one value of a deserializer.
struct Seed<'a>(&'a mut Writer);

fn ours<E: DeserializeError>(error: &Error) -> E {
    E::custom(error.message())
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Word;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Word, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Methods that write what serde gives as the writer would.
macro_rules! written {
    ($($method:ident: $Type:ty;)*) => {
        $(fn $method<E: DeserializeError>(self, value: $Type) -> Result<Word, E> {
            self.0.write(&value).map_err(|error| ours(&error))
        })*
    };
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Word;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("data that templates can use")
    }
    written! {
        visit_bool: bool;
        visit_i64: i64;
        visit_i128: i128;
        visit_u64: u64;
        visit_u128: u128;
        visit_f64: f64;
        visit_str: &str;
        visit_bytes: &[u8];
    }
    fn visit_unit<E>(self) -> Result<Word, E> {
        Ok(Word::None)
    }
    fn visit_none<E>(self) -> Result<Word, E> {
        Ok(Word::None)
    }
    fn visit_some<D: Deserializer<'de>>(self, content: D) -> Result<Word, D::Error> {
        self.visit_newtype_struct(content)
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, content: D) -> Result<Word, D::Error> {
        self.0.open().map_err(|error| ours(&error))?;
        let word = Seed(self.0).deserialize(content)?;
        self.0.depth -= 1;
        Ok(word)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Word, A::Error> {
        let start = self.0.open().map_err(|error| ours(&error))?;
        while let Some(word) = items.next_element_seed(Seed(self.0))? {
            self.0.memory.stack.push(word);
        }
        self.0.list(start).map_err(|error| ours(&error))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Word, A::Error> {
        let mut map = MapWriter::new(self.0, Wrapper::None, 0).map_err(|error| ours(&error))?;
        while let Some(key) = entries.next_key_seed(KeySeed(&mut map))? {
            match key {
                Key::Noted => {
                    let word = entries.next_value_seed(Seed(map.writer()))?;
                    map.push_value(word);
                }
                Key::JsonNumber => {
                    let digits: String = entries.next_value()?;
                    return Ok(json_number(map.abandon(), &digits));
                }
                Key::TomlDate => {
                    let date: String = entries.next_value()?;
                    return map.abandon().push_text(&date, false).map_err(|error| ours(&error));
                }
            }
        }
        map.finish().map_err(|error| ours(&error))
    }
}

/// Writes one key of a map.
struct KeySeed<'a, 'w>(&'a mut MapWriter<'w>);

/// What a key is.
enum Key {
    /// One like any other: the map has it.
    Noted,
    JsonNumber,
    TomlDate,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_, '_> {
    type Value = Key;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Methods for keys that are no text.
macro_rules! scalar_keys {
    ($($method:ident: $Type:ty;)*) => {
        $(fn $method<E: DeserializeError>(self, key: $Type) -> Result<Key, E> {
            self.0.scalar_key(key).map_err(|error| ours(&error))?;
            Ok(Key::Noted)
        })*
    };
}

impl Visitor<'_> for KeySeed<'_, '_> {
    type Value = Key;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping's key: text, a number, a boolean or none")
    }
    scalar_keys! {
        visit_bool: bool;
        visit_i64: i64;
        visit_i128: i128;
        visit_u64: u64;
        visit_u128: u128;
        visit_f64: f64;
    }
    fn visit_str<E: DeserializeError>(self, key: &str) -> Result<Key, E> {
        match key {
            JSON_NUMBER if self.0.is_fresh() => return Ok(Key::JsonNumber),
            TOML_DATE if self.0.is_fresh() => return Ok(Key::TomlDate),
            _ => self.0.text_key(key).map_err(|error| ours(&error))?,
        }
        Ok(Key::Noted)
    }
    fn visit_unit<E>(self) -> Result<Key, E> {
        self.0.other_key(Word::None);
        Ok(Key::Noted)
    }
    fn visit_none<E>(self) -> Result<Key, E> {
        self.0.other_key(Word::None);
        Ok(Key::Noted)
    }
}
