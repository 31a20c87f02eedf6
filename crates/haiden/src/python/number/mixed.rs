//! Arithmetic of numbers whose types may differ: an int meets a float as a float.
//!
//! In: two [`Number`]s, and a limit in bits where the result can be much larger. Out: the number Python
//! computes, or its error.

use super::convert::{hash_float, hash_int};
use super::{Int, Number, float};
use crate::python::error::Result;

impl Number {
    /// `float(self)`.
    pub(crate) fn to_f64(&self) -> Result<f64> {
        match self {
            Self::Int(value) => value.to_f64(),
            Self::Float(value) => Ok(*value),
        }
    }

    fn by(
        &self,
        other: &Self,
        ints: impl FnOnce(&Int, &Int) -> Result<Self>,
        floats: impl FnOnce(f64, f64) -> Result<f64>,
    ) -> Result<Self> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => ints(a, b),
            _ => Ok(Self::Float(floats(self.to_f64()?, other.to_f64()?)?)),
        }
    }

    /// `self + other`.
    pub(crate) fn add(&self, other: &Self) -> Result<Self> {
        self.by(other, |a, b| Ok(Self::Int(a.add(b))), |a, b| Ok(a + b))
    }

    /// `self - other`.
    pub(crate) fn sub(&self, other: &Self) -> Result<Self> {
        self.by(other, |a, b| Ok(Self::Int(a.sub(b))), |a, b| Ok(a - b))
    }

    /// `self * other`.
    pub(crate) fn mul(&self, other: &Self, max_bits: u64) -> Result<Self> {
        self.by(other, |a, b| a.mul(b, max_bits).map(Self::Int), |a, b| Ok(a * b))
    }

    /// `self / other`.
    pub(crate) fn true_div(&self, other: &Self) -> Result<Self> {
        self.by(other, |a, b| a.true_div(b).map(Self::Float), float::true_div)
    }

    /// `self // other`.
    pub(crate) fn floor_div(&self, other: &Self) -> Result<Self> {
        self.by(other, |a, b| a.floor_div(b).map(Self::Int), float::floor_div)
    }

    /// `self % other`.
    pub(crate) fn modulo(&self, other: &Self) -> Result<Self> {
        self.by(other, |a, b| a.modulo(b).map(Self::Int), float::modulo)
    }

    /// `self ** other`.
    pub(crate) fn power(&self, other: &Self, max_bits: u64) -> Result<Self> {
        self.by(other, |a, b| a.power(b, max_bits), float::power)
    }

    /// `-self`.
    pub(crate) fn neg(&self) -> Self {
        match self {
            Self::Int(value) => Self::Int(value.neg()),
            Self::Float(value) => Self::Float(-value),
        }
    }

    /// `abs(self)`.
    pub(crate) fn abs(&self) -> Self {
        match self {
            Self::Int(value) => Self::Int(value.abs()),
            Self::Float(value) => Self::Float(value.abs()),
        }
    }

    /// `hash(self)`: equal for equal numbers.
    pub(crate) fn hash(&self) -> i64 {
        match self {
            Self::Int(value) => hash_int(value),
            Self::Float(value) => hash_float(*value),
        }
    }

    /// `round(self, digits)`: the type stays.
    pub(crate) fn round(&self, digits: i64) -> Result<Self> {
        Ok(match self {
            Self::Int(value) => Self::Int(value.round(digits)),
            Self::Float(value) => Self::Float(float::round(*value, digits)?),
        })
    }

    /// Append `str(self)`.
    pub(crate) fn write(&self, out: &mut String) -> Result<()> {
        match self {
            Self::Int(value) => value.write(out)?,
            Self::Float(value) => float::write_repr(out, *value),
        }
        Ok(())
    }
}
