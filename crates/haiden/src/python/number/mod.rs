//! Python's numbers: `int` of any size and `float`.
//!
//! Invariant: an [`Int`] that fits `i64` is always `Small`, so equal numbers have one form.

pub(crate) mod arith;
pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod float;
pub(crate) mod int;
pub(crate) mod mixed;
pub(crate) mod parse;
pub(crate) mod power;

pub(crate) use int::Int;

/// A number that is an int or a float.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Number {
    /// An `int` (or `bool`).
    Int(Int),
    /// A `float`.
    Float(f64),
}
