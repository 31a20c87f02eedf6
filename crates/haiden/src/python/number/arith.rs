//! Arithmetic of `int`: `+ - * // % divmod /`, negation, rounding.
//!
//! In: [`Int`]s. Out: the exact [`Int`], or the correctly rounded `f64` of a true division. Invariant: the
//! remainder has the divisor's sign. Work is bounded by a limit in bits where the result can be much larger
//! than its operands.

use num_bigint::BigInt;
use num_traits::{Signed, Zero};

use super::Int;
use super::convert::assemble;
use crate::python::error::{Error, Result};

impl Int {
    /// `self + other`.
    pub(crate) fn add(&self, other: &Self) -> Self {
        if let (Self::Small(a), Self::Small(b)) = (self, other) {
            return a.checked_add(*b).map_or_else(|| (i128::from(*a) + i128::from(*b)).into(), Self::Small);
        }
        (self.to_big() + other.to_big()).into()
    }

    /// `self - other`.
    pub(crate) fn sub(&self, other: &Self) -> Self {
        if let (Self::Small(a), Self::Small(b)) = (self, other) {
            return a.checked_sub(*b).map_or_else(|| (i128::from(*a) - i128::from(*b)).into(), Self::Small);
        }
        (self.to_big() - other.to_big()).into()
    }

    /// `self * other`; [`Error::TooLarge`] if the product may need more than `max_bits`.
    pub(crate) fn mul(&self, other: &Self, max_bits: u64) -> Result<Self> {
        if let (Self::Small(a), Self::Small(b)) = (self, other) {
            return Ok(a
                .checked_mul(*b)
                .map_or_else(|| (i128::from(*a) * i128::from(*b)).into(), Self::Small));
        }
        if self.bit_length().saturating_add(other.bit_length()) > max_bits {
            return Err(Error::TooLarge);
        }
        Ok((self.to_big() * other.to_big()).into())
    }

    /// `-self`.
    pub(crate) fn neg(&self) -> Self {
        match self {
            Self::Small(value) => {
                value.checked_neg().map_or_else(|| (-i128::from(*value)).into(), Self::Small)
            }
            Self::Big(value) => (-(**value).clone()).into(),
        }
    }

    /// `abs(self)`.
    pub(crate) fn abs(&self) -> Self {
        if self.is_negative() { self.neg() } else { self.clone() }
    }

    /// `self // other`.
    pub(crate) fn floor_div(&self, other: &Self) -> Result<Self> {
        if other.is_zero() {
            return Err(Error::ZeroDivision("integer division or modulo by zero"));
        }
        Ok(self.div_mod_nonzero(other).0)
    }

    /// `self % other`.
    pub(crate) fn modulo(&self, other: &Self) -> Result<Self> {
        if other.is_zero() {
            return Err(Error::ZeroDivision("integer modulo by zero"));
        }
        Ok(self.div_mod_nonzero(other).1)
    }

    /// `divmod(self, other)`.
    pub(crate) fn div_mod(&self, other: &Self) -> Result<(Self, Self)> {
        if other.is_zero() {
            return Err(Error::ZeroDivision("integer division or modulo by zero"));
        }
        Ok(self.div_mod_nonzero(other))
    }

    fn div_mod_nonzero(&self, other: &Self) -> (Self, Self) {
        if let (Self::Small(a), Self::Small(b)) = (self, other)
            && let (Some(quotient), Some(remainder)) = (a.checked_div(*b), a.checked_rem(*b))
        {
            if remainder != 0 && (remainder < 0) != (*b < 0) {
                return (Self::Small(quotient - 1), Self::Small(remainder + b));
            }
            return (Self::Small(quotient), Self::Small(remainder));
        }
        let (a, b) = (self.to_big(), other.to_big());
        let (quotient, remainder) = (&a / &b, &a % &b);
        if !remainder.is_zero() && remainder.is_negative() != b.is_negative() {
            return ((quotient - 1u8).into(), (remainder + b).into());
        }
        (quotient.into(), remainder.into())
    }

    /// `self / other`, correctly rounded.
    pub(crate) fn true_div(&self, other: &Self) -> Result<f64> {
        const EXACT: u64 = 1 << 53;
        if other.is_zero() {
            return Err(Error::ZeroDivision("division by zero"));
        }
        if let (Self::Small(a), Self::Small(b)) = (self, other)
            && a.unsigned_abs() <= EXACT
            && b.unsigned_abs() <= EXACT
        {
            return Ok(*a as f64 / *b as f64);
        }
        big_true_div(&self.to_big(), &other.to_big())
            .ok_or(Error::Overflow("integer division result too large for a float"))
    }

    /// `round(self, digits)`: half to even on a power of ten.
    pub(crate) fn round(&self, digits: i64) -> Self {
        if digits >= 0 {
            return self.clone();
        }
        let places = digits.unsigned_abs();
        // A number of n bits has at most n / 3 + 1 digits.
        if places > self.bit_length() / 3 + 2 {
            return Self::Small(0);
        }
        let unit = BigInt::from(10u8).pow(u32::try_from(places).unwrap_or(u32::MAX));
        let (quotient, remainder) = self.div_mod_nonzero(&unit.clone().into());
        let twice = remainder.to_big() * 2u8;
        let up = twice > unit || (twice == unit && quotient.is_odd());
        ((quotient.to_big() + u8::from(up)) * unit).into()
    }
}

/// A quotient as a float, or `None` if it is too large.
fn big_true_div(a: &BigInt, b: &BigInt) -> Option<f64> {
    if a.is_zero() {
        return Some(if b.is_negative() { -0.0 } else { 0.0 });
    }
    let negative = a.is_negative() != b.is_negative();
    let (a, b) = (a.magnitude(), b.magnitude());
    let difference = i64::try_from(a.bits()).ok()? - i64::try_from(b.bits()).ok()?;
    if difference < -1100 {
        return Some(if negative { -0.0 } else { 0.0 });
    }
    // A quotient of 66 or 67 bits: more than a float holds, and a bit for what is left over.
    let shift = 66 - difference;
    let (quotient, remainder) = if shift >= 0 {
        let scaled = a << shift.unsigned_abs();
        (&scaled / b, scaled % b)
    } else {
        let scaled = b << shift.unsigned_abs();
        (a / &scaled, a % scaled)
    };
    let value = assemble(&quotient, -shift, !remainder.is_zero())?;
    Some(if negative { -value } else { value })
}
