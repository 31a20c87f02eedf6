//! What a deserializer reads from: a value of the caller's, which text can be borrowed from, or one that is made on the way.
//!
//! Both are read by the same code, and only what makes text of a visitor's differs.

use serde::de::Visitor;

use crate::error::Error;

/// How long what is read from lasts.
pub trait Source<'a, 'de>: Copy {
    /// Shows text to a visitor.
    ///
    /// # Errors
    /// The visitor's.
    fn visit_text<V: Visitor<'de>>(text: &'a str, visitor: V) -> Result<V::Value, Error>;

    /// Shows bytes to a visitor.
    ///
    /// # Errors
    /// The visitor's.
    fn visit_bytes<V: Visitor<'de>>(bytes: &'a [u8], visitor: V) -> Result<V::Value, Error>;
}

/// It lasts as long as what is made of it may.
#[derive(Clone, Copy, Debug)]
pub struct Lasting;

/// It is gone once it has been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing;

impl<'de> Source<'de, 'de> for Lasting {
    fn visit_text<V: Visitor<'de>>(text: &'de str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(text)
    }
    fn visit_bytes<V: Visitor<'de>>(bytes: &'de [u8], visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_bytes(bytes)
    }
}

impl<'a, 'de> Source<'a, 'de> for Passing {
    fn visit_text<V: Visitor<'de>>(text: &'a str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(text)
    }
    fn visit_bytes<V: Visitor<'de>>(bytes: &'a [u8], visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bytes(bytes)
    }
}
