//! To value: what an object's attribute can be made of.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::value::object::{Foreign, Object};
use crate::value::value::{Repr, Value, container};

/// What an attribute or a getter of an object can be: see [`derive@crate::Object`].
///
/// Numbers, texts, [`Value`]s, options, lists, tuples and maps of such, and objects: those that are [`Clone`], and those in an
/// [`Arc`], which is not copied.
///
/// ```
/// use haiden::{ToValue, Value};
///
/// /// Cents, which templates see as a price.
/// struct Cents(i64);
///
/// impl ToValue for Cents {
///     fn to_value(&self) -> Value { Value::from(self.0 as f64 / 100.0) }
/// }
///
/// assert_eq!(vec![Some(Cents(250)), None].to_value().to_string(), "[2.5, None]");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an attribute of an object",
    label = "templates do not know this type",
    note = "make it an object: `#[derive(Debug, Clone, haiden::Object)]`, or hold it in an `Arc`",
    note = "or say how it is given: `#[haiden(serialize)]`, `#[haiden(with = function)]`, `#[haiden(skip)]`, or `impl ToValue`"
)]
pub trait ToValue {
    /// The value that templates see.
    ///
    /// ```
    /// use haiden::ToValue;
    ///
    /// assert_eq!((1, "a", Some(2.5), None::<bool>).to_value().to_string(), "(1, 'a', 2.5, None)");
    /// ```
    fn to_value(&self) -> Value;
}

impl<T: Object + Clone> ToValue for T {
    fn to_value(&self) -> Value {
        Value::from_object(self.clone())
    }
}

impl<T: Object> ToValue for Arc<T> {
    fn to_value(&self) -> Value {
        Value(Repr::Foreign(Foreign::Object(self.clone())))
    }
}

impl ToValue for Arc<dyn Object> {
    fn to_value(&self) -> Value {
        Value(Repr::Foreign(Foreign::Object(self.clone())))
    }
}

/// Implements it for types that clone into a value.
macro_rules! cloned {
    ($($Type:ty)*) => {
        $(impl ToValue for $Type {
            fn to_value(&self) -> Value {
                self.clone().into()
            }
        })*
    };
}
cloned! {
    () bool i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64 char &str String Arc<str> Cow<'_, str> Value
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::NONE, T::to_value)
    }
}

impl<T: ToValue> ToValue for [T] {
    fn to_value(&self) -> Value {
        self.iter().map(T::to_value).collect()
    }
}

impl<T: ToValue> ToValue for Vec<T> {
    fn to_value(&self) -> Value {
        self[..].to_value()
    }
}

impl<T: ToValue, const N: usize> ToValue for [T; N] {
    fn to_value(&self) -> Value {
        self[..].to_value()
    }
}

impl<T: ToValue> ToValue for &[T] {
    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}

impl<K: AsRef<str>, T: ToValue> ToValue for BTreeMap<K, T> {
    fn to_value(&self) -> Value {
        self.iter().map(|(key, value)| (key.as_ref(), value.to_value())).collect()
    }
}

impl<K: AsRef<str>, T: ToValue, S> ToValue for HashMap<K, T, S> {
    /// A dict in the order of its keys.
    fn to_value(&self) -> Value {
        let mut entries: Vec<(&str, &T)> = self.iter().map(|(key, value)| (key.as_ref(), value)).collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries.into_iter().map(|(key, value)| (key, value.to_value())).collect()
    }
}

impl<T: Object> From<Arc<T>> for Value {
    fn from(object: Arc<T>) -> Value {
        object.to_value()
    }
}

impl From<Arc<dyn Object>> for Value {
    fn from(object: Arc<dyn Object>) -> Value {
        object.to_value()
    }
}

/// Implements it for tuples.
macro_rules! tuples {
    ($($($Type:ident $place:tt),*;)*) => {
        $(impl<$($Type: ToValue),*> ToValue for ($($Type,)*) {
            fn to_value(&self) -> Value {
                container(|arena| {
                    let words = [$(self.$place.to_value().write_to(arena, 1)?),*];
                    arena.push_tuple(&words)
                })
            }
        })*
    };
}
tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
}
