//! Python 3.11's meaning of numbers and text, as pure functions.
//!
//! In: Rust's own types (`i64`, `BigInt`, `f64`, `&str`) and options. Out: values, or text appended to a
//! `String` the caller owns. Invariant: every result and every error text equals Python's; the recorded
//! cases in `tests/data/python` judge it. Nothing here knows a template or a template's value.

pub(crate) mod bytes;
pub(crate) mod case;
pub(crate) mod characters;
pub(crate) mod codec;
pub(crate) mod error;
pub(crate) mod filters;
pub(crate) mod format;
pub(crate) mod json;
pub(crate) mod literal;
pub(crate) mod number;
pub(crate) mod percent;
pub(crate) mod repr;
pub(crate) mod strformat;
pub(crate) mod text;
pub(crate) mod unicode;

#[cfg(test)]
mod tests;
