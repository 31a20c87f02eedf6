//! Integers of any size for types that have one.

use num_bigint::BigInt;
use serde::de::Visitor;

use crate::error::{Error, ErrorKind};
use crate::python::number::Int;
use crate::value::value::Value;

/// The error for an integer that is too large or too small for its type.
#[cold]
pub(super) fn does_not_fit(value: &Value, what: &str) -> Error {
    Error::new(ErrorKind::Overflow, format!("integer {value:?} does not fit in {what}"))
}

/// Shows an integer beyond 64 bits to a visitor that takes anything, as the smallest type that has it.
pub(super) fn visit_big<'de, V: Visitor<'de>>(value: &BigInt, visitor: V) -> Result<V::Value, Error> {
    if let Ok(value) = u64::try_from(value) {
        return visitor.visit_u64(value);
    }
    if let Ok(value) = i128::try_from(value) {
        return visitor.visit_i128(value);
    }
    if let Ok(value) = u128::try_from(value) {
        return visitor.visit_u128(value);
    }
    let message = format!(
        "integer {value} does not fit in 128 bits, expected {}",
        &visitor as &dyn serde::de::Expected
    );
    Err(Error::new(ErrorKind::Overflow, message))
}

/// Python's `float(value)`.
pub(super) fn float_of(value: &BigInt) -> Result<f64, Error> {
    Ok(Int::from(value.clone()).to_f64()?)
}
