//! Data files: JSON, YAML and TOML become one context.
//!
//! In: paths. Out: a [`Data`] map, top-level keys of later files over those of earlier ones. Every format deserialises to
//! the same [`Data`], which serialises into the engine's values; so a date of TOML is text, and a number keeps its digits.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

/// The key under which `toml` hands out a date.
const TOML_DATE: &str = "$__toml_private_datetime";

/// The key under which `serde_json` hands out the digits of a number that is no small integer.
const JSON_NUMBER: &str = "$serde_json::private::Number";

/// The most characters of a line of a parser's message that are shown: some quote the whole line of the file.
const SHOWN: usize = 160;

/// A value of a data file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// A whole number too large for the others: its digits.
    Digits(String),
    Text(String),
    List(Vec<Data>),
    Map(Vec<(Data, Data)>),
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Data::Null => serializer.serialize_unit(),
            Data::Bool(value) => serializer.serialize_bool(*value),
            Data::Int(value) => match i64::try_from(*value) {
                Ok(value) => serializer.serialize_i64(value),
                Err(_) => serializer.serialize_i128(*value),
            },
            Data::Float(value) => serializer.serialize_f64(*value),
            Data::Digits(digits) => {
                let mut number = serializer.serialize_struct(JSON_NUMBER, 1)?;
                number.serialize_field(JSON_NUMBER, digits)?;
                number.end()
            }
            Data::Text(value) => serializer.serialize_str(value),
            Data::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Data::Map(pairs) => {
                let mut map = serializer.serialize_map(Some(pairs.len()))?;
                for (key, value) in pairs {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Data, D::Error> {
        deserializer.deserialize_any(DataVisitor)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }
    fn visit_none<E>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Data, D::Error> {
        Data::deserialize(deserializer)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Data, E> {
        Ok(Data::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Data, E> {
        Ok(Data::Int(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Data, E> {
        Ok(Data::Int(value.into()))
    }
    fn visit_i128<E>(self, value: i128) -> Result<Data, E> {
        Ok(Data::Int(value))
    }
    fn visit_u128<E: serde::de::Error>(self, value: u128) -> Result<Data, E> {
        i128::try_from(value).map(Data::Int).map_err(|_| E::custom("an integer of more than 127 bits"))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Data, E> {
        Ok(Data::Float(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Data, E> {
        Ok(Data::Text(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Data, E> {
        Ok(Data::Text(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Data, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Data::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Data, A::Error> {
        let mut map: Vec<(Data, Data)> = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Data, Data>()? {
            if matches!(key, Data::List(_) | Data::Map(_)) {
                return Err(A::Error::custom("a list or a mapping as a key: keys must be plain values"));
            }
            map.push((key, value));
        }
        match &map[..] {
            [(Data::Text(name), date @ Data::Text(_))] if name == TOML_DATE => Ok(date.clone()),
            [(Data::Text(name), Data::Text(digits))] if name == JSON_NUMBER => {
                number(digits).map_err(A::Error::custom)
            }
            _ => Ok(Data::Map(map)),
        }
    }
}

/// A number of JSON from its text.
fn number(digits: &str) -> Result<Data, &'static str> {
    if let Ok(value) = digits.parse() {
        return Ok(Data::Int(value));
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return Ok(Data::Digits(digits.to_owned()));
    }
    digits.parse().map(Data::Float).map_err(|_| "a number that cannot be read")
}

/// What `--data` and `--define` give together.
#[derive(Debug, Default)]
pub(crate) struct Context {
    entries: Vec<(String, Data)>,
}

impl Context {
    /// Lays the top-level keys of a file over what is there.
    ///
    /// # Errors
    /// A message that says which file, where and why.
    pub(crate) fn add_file(&mut self, path: &Path) -> Result<(), String> {
        let data = read(path).map_err(|why| format!("cannot use {}: {why}", path.display()))?;
        let Data::Map(pairs) = data else {
            return Err(format!(
                "cannot use {}: it holds {}, but the top level must be a mapping of variable names to values",
                path.display(),
                kind_of(&data),
            ));
        };
        for (key, value) in pairs {
            let Data::Text(name) = key else {
                return Err(format!(
                    "cannot use {}: a top-level key is {}, but a variable's name must be text",
                    path.display(),
                    kind_of(&key),
                ));
            };
            self.set(name, value);
        }
        Ok(())
    }

    /// Sets the variable of `NAME=VALUE`; the value is text.
    ///
    /// # Errors
    /// A message if there is no `=` or no name.
    pub(crate) fn define(&mut self, definition: &str) -> Result<(), String> {
        match definition.split_once('=') {
            None => Err(format!("--define {definition}: there is no `=`; write --define NAME=VALUE")),
            Some(("", _)) => Err(format!("--define {definition}: there is no name before the `=`")),
            Some((name, value)) => {
                self.set(name.to_owned(), Data::Text(value.to_owned()));
                Ok(())
            }
        }
    }

    fn set(&mut self, name: String, value: Data) {
        match self.entries.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.entries.push((name, value)),
        }
    }
}

impl Serialize for Context {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.entries.len()))?;
        for (name, value) in &self.entries {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

fn kind_of(data: &Data) -> &'static str {
    match data {
        Data::Null => "null",
        Data::Bool(_) => "a boolean",
        Data::Int(_) | Data::Float(_) | Data::Digits(_) => "a number",
        Data::Text(_) => "text",
        Data::List(_) => "a list",
        Data::Map(_) => "a mapping",
    }
}

fn read(path: &Path) -> Result<Data, String> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if !matches!(extension, "json" | "yaml" | "yml" | "toml") {
        return Err("its name must end in .json, .yaml, .yml or .toml".to_owned());
    }
    if !fs::metadata(path).map_err(|error| error.to_string())?.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes)
        .map_err(|error| format!("it is not UTF-8 (offset {})", error.utf8_error().valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    match extension {
        "json" => serde_json::from_str(text).map_err(|error| shorten(&error.to_string())),
        "toml" => toml::from_str(text).map_err(|error| shorten(&error.to_string())),
        _ => serde_saphyr::from_str(text).map_err(|error| shorten(&error.to_string())),
    }
}

/// A message whose lines are of a length that can be read.
fn shorten(message: &str) -> String {
    let shorten = |line: &str| match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line.to_owned(),
    };
    message.trim_end().lines().map(shorten).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(extension: &str, text: &str) -> Result<String, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let path = directory.path().join(format!("data.{extension}"));
        fs::write(&path, text).map_err(|error| error.to_string())?;
        let mut context = Context::default();
        context.add_file(&path)?;
        serde_json::to_string(&context).map_err(|error| error.to_string())
    }

    #[test]
    fn three_formats_give_the_same_context() {
        let expected = Ok(r#"{"a":[1,2.5,"x",true],"b":{"c":"2024-01-02"}}"#.to_owned());
        assert_eq!(parse("json", r#"{"a": [1, 2.5, "x", true], "b": {"c": "2024-01-02"}}"#), expected);
        assert_eq!(parse("yaml", "a: [1, 2.5, x, true]\nb:\n  c: '2024-01-02'\n"), expected);
        assert_eq!(parse("toml", "a = [1, 2.5, 'x', true]\n[b]\nc = 2024-01-02\n"), expected);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (extension, text, why) in [
            ("json", "[1]", "it holds a list, but the top level must be a mapping"),
            ("json", "{\"a\": NaN}", "expected value at line 1 column 7"),
            ("json", "{\"a\": 1", "EOF while parsing"),
            ("yaml", "1: a", "a top-level key is a number, but a variable's name must be text"),
            ("toml", "a = ", "line 1"),
            ("ini", "a=1", "must end in .json, .yaml, .yml or .toml"),
        ] {
            let message = parse(extension, text).expect_err(text);
            assert!(message.contains(why), "{text}: {message}");
        }
    }

    #[test]
    fn a_yaml_bomb_is_refused() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let last = level - 1;
            let names = vec![format!("*a{last}"); 10].join(", ");
            bomb.extend(["a", &level.to_string(), ": &a", &level.to_string(), " [", &names, "]\n"]);
        }
        parse("yaml", &bomb).expect_err("it would be 10^12 items");
    }

    #[test]
    fn definitions_need_a_name_and_an_equals_sign() {
        let mut context = Context::default();
        assert_eq!(context.define("a=b=c"), Ok(()));
        assert_eq!(context.entries, [("a".to_owned(), Data::Text("b=c".to_owned()))]);
        context.define("a").expect_err("no equals sign");
        context.define("=b").expect_err("no name");
    }
}
