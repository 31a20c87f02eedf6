//! `round`, and what `int` makes of text and floats.
//!
//! In: numbers or text. Out: numbers; `None` where the filter's default stands in.

use crate::python::error::{Error, Result};
use crate::python::number::parse::{parse_float, parse_int};
use crate::python::number::{Int, Number};

/// The filter `round`'s method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// To the nearest, half to even.
    Common,
    /// Up.
    Ceil,
    /// Down.
    Floor,
}

/// `value|round(precision, method)`.
pub(crate) fn round(value: &Number, precision: i64, method: Method, max_bits: u64) -> Result<Number> {
    if method == Method::Common {
        return value.round(precision);
    }
    let scale = Int::Small(10).power(&Int::Small(precision), max_bits)?;
    let whole = match value.mul(&scale, max_bits)? {
        Number::Int(scaled) => scaled,
        Number::Float(scaled) if method == Method::Ceil => Int::from_f64(scaled.ceil())?,
        Number::Float(scaled) => Int::from_f64(scaled.floor())?,
    };
    Number::Int(whole).true_div(&scale)
}

/// `text|int(base=…)`.
pub(crate) fn int_of_text(text: &str, base: i64) -> Option<Int> {
    parse_int(text, base).or_else(|_| parse_float(text).and_then(Int::from_f64)).ok()
}

/// `value|int` of a float: infinity raises, what is no number takes the default.
pub(crate) fn int_of_float(value: f64) -> Result<Option<Int>> {
    match Int::from_f64(value) {
        Ok(whole) => Ok(Some(whole)),
        Err(Error::Value(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
