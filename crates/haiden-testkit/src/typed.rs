//! Typed JSON: values that say what they are, for contexts that JSON alone cannot write.
//!
//! In: `["int", "1"]` and its like (`corpus/differential/values.py` lists them). Out: values. Invariant: numbers of any size,
//! tuples and keys of any type arrive as what they are.

use haiden::Value;
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, SerializeTuple, Serializer};
use serde_json::{Map, Value as Json};

/// The context that a mapping of typed values means.
///
/// # Errors
/// A value says that it is of no known type, or is not what it says.
pub fn context(typed: &Map<String, Json>) -> Result<Value, String> {
    struct Context<'a>(&'a Map<String, Json>);
    impl Serialize for Context<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(self.0.len()))?;
            for (name, value) in self.0 {
                map.serialize_entry(name, &Typed(value))?;
            }
            map.end()
        }
    }
    Value::from_serialize(&Context(typed)).map_err(|error| error.to_string())
}

/// A typed value.
struct Typed<'a>(&'a Json);

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wrong = || S::Error::custom(format!("{} is no typed value", self.0));
        let kind = self.0.get(0).and_then(Json::as_str).ok_or_else(wrong)?;
        let text = || self.0.get(1).and_then(Json::as_str).ok_or_else(wrong);
        let items = || self.0.get(1).and_then(Json::as_array).ok_or_else(wrong);
        match kind {
            "none" => serializer.serialize_unit(),
            "bool" => serializer.serialize_bool(self.0.get(1).and_then(Json::as_bool).ok_or_else(wrong)?),
            "int" => serializer.serialize_i128(text()?.parse().map_err(|_| wrong())?),
            "float" => serializer.serialize_f64(text()?.parse().map_err(|_| wrong())?),
            "str" => serializer.serialize_str(text()?),
            "list" => {
                let mut list = serializer.serialize_seq(Some(items()?.len()))?;
                items()?.iter().try_for_each(|item| list.serialize_element(&Typed(item)))?;
                list.end()
            }
            "tuple" => {
                let mut tuple = serializer.serialize_tuple(items()?.len())?;
                items()?.iter().try_for_each(|item| tuple.serialize_element(&Typed(item)))?;
                tuple.end()
            }
            "dict" => {
                let mut dict = serializer.serialize_map(Some(items()?.len()))?;
                for entry in items()? {
                    let (key, value) = entry.get(0).zip(entry.get(1)).ok_or_else(wrong)?;
                    dict.serialize_entry(&Typed(key), &Typed(value))?;
                }
                dict.end()
            }
            _ => Err(wrong()),
        }
    }
}
