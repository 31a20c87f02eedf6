//! Objects as what serde reads: a dict of their attributes, or a list of what they can be iterated over.
//!
//! Their attributes are asked for one by one, while the type is made. Invariant: objects in objects end somewhere.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Error as _, Expected, MapAccess, SeqAccess, Unexpected, Visitor};

use super::source::Passing;
use super::{Place, ValueDeserializer};
use crate::error::{Error, ErrorKind};
use crate::value::object::{Object, guarded};
use crate::value::value::Value;

/// In how many objects a value may lie.
const MOST: u8 = 100;

/// How an attribute or item of an object is read that lies in so many.
fn reader(value: &Value, objects: u8) -> ValueDeserializer<'_, Passing> {
    ValueDeserializer { place: Place::Whole(value), is_key: false, objects, source: PhantomData }
}

/// One object more.
fn deeper(objects: u8) -> Result<u8, Error> {
    if objects >= MOST {
        return Err(Error::new(ErrorKind::Recursion, "objects are nested too deeply"));
    }
    Ok(objects + 1)
}

fn named(object: &Arc<dyn Object>) -> Result<Vec<String>, Error> {
    guarded(object, "attributes", |object| object.attributes().into_iter().map(str::to_owned).collect())
}

fn iterated(object: &Arc<dyn Object>) -> Result<Option<Vec<Value>>, Error> {
    guarded(object, "iterate", Object::iterate)
}

/// Is the object a list rather than a dict?
pub(super) fn is_list(object: &Arc<dyn Object>) -> Result<bool, Error> {
    Ok(named(object)?.is_empty() && iterated(object)?.is_some())
}

#[cold]
fn misfit(object: &Arc<dyn Object>, expected: &dyn Expected) -> Error {
    Error::invalid_type(Unexpected::Other(object.type_name()), expected)
}

/// Shows a visitor what an object can be iterated over.
pub(super) fn visit_items<'de, V: Visitor<'de>>(
    object: &Arc<dyn Object>,
    objects: u8,
    visitor: V,
) -> Result<V::Value, Error> {
    let Some(values) = iterated(object)? else { return Err(misfit(object, &visitor)) };
    let mut items = Items { values, at: 0, objects: deeper(objects)? };
    let value = visitor.visit_seq(&mut items)?;
    if items.at < items.values.len() {
        return Err(Error::invalid_length(items.values.len(), &&*format!("{} items", items.at)));
    }
    Ok(value)
}

struct Items {
    values: Vec<Value>,
    at: usize,
    objects: u8,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Error;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(item) = self.values.get(self.at) else { return Ok(None) };
        let place = self.at;
        self.at += 1;
        let item = seed.deserialize(reader(item, self.objects));
        item.map(Some).map_err(|error| error.inside(&format!("[{place}]")))
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.values.len() - self.at)
    }
}

/// The attributes of an object that it has.
pub(super) struct Attributes<'a> {
    object: &'a Arc<dyn Object>,
    names: Names,
    /// The one whose name was read last.
    last: Option<(usize, Value)>,
    at: usize,
    objects: u8,
}

enum Names {
    /// Those of a struct's fields.
    Asked(&'static [&'static str]),
    /// Those that the object names.
    Given(Vec<String>),
}

impl Names {
    fn get(&self, at: usize) -> Option<&str> {
        match self {
            Names::Asked(names) => names.get(at).copied(),
            Names::Given(names) => names.get(at).map(String::as_str),
        }
    }
}

impl<'a> Attributes<'a> {
    pub(super) fn new(
        object: &'a Arc<dyn Object>,
        fields: Option<&'static [&'static str]>,
        objects: u8,
    ) -> Result<Attributes<'a>, Error> {
        let names = match fields {
            Some(fields) => Names::Asked(fields),
            None => Names::Given(named(object)?),
        };
        Ok(Attributes { object, names, last: None, at: 0, objects: deeper(objects)? })
    }
}

impl<'de> MapAccess<'de> for Attributes<'_> {
    type Error = Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        while let Some(name) = self.names.get(self.at) {
            self.at += 1;
            // What it has under a name that is no attribute is a method.
            if let Some(value) = guarded(self.object, "get_attr", |object| object.get_attr(name))? {
                let key = seed.deserialize(StrDeserializer::<Error>::new(name));
                let key = key.map_err(|error| error.inside(name))?;
                self.last = Some((self.at - 1, value));
                return Ok(Some(key));
            }
        }
        Ok(None)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((place, value)) = self.last.take() else {
            return Err(Error::custom("a value was read before its key"));
        };
        let value = seed.deserialize(reader(&value, self.objects));
        value.map_err(|error| error.inside(self.names.get(place).unwrap_or_default()))
    }
}
