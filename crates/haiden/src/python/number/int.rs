//! The form of an `int`, and its text.
//!
//! In: machine or big integers. Out: a normalised [`Int`]; decimal and other text. Invariant: `Big` never
//! holds what fits `i64`.

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use crate::python::error::{Error, Result};

/// An integer of any size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Int {
    /// What fits a machine word.
    Small(i64),
    /// What does not.
    Big(Box<BigInt>),
}

/// How many decimal digits an `int` may have when it becomes text or comes from text.
pub(crate) const MAX_STR_DIGITS: usize = 4300;

impl From<i64> for Int {
    fn from(value: i64) -> Self {
        Self::Small(value)
    }
}

impl From<u64> for Int {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or_else(|_| Self::Big(Box::new(value.into())), Self::Small)
    }
}

impl From<i128> for Int {
    fn from(value: i128) -> Self {
        i64::try_from(value).map_or_else(|_| Self::Big(Box::new(value.into())), Self::Small)
    }
}

impl From<BigInt> for Int {
    fn from(value: BigInt) -> Self {
        value.to_i64().map_or_else(|| Self::Big(Box::new(value)), Self::Small)
    }
}

impl Int {
    /// The number as a big integer.
    pub(crate) fn to_big(&self) -> BigInt {
        match self {
            Self::Small(value) => BigInt::from(*value),
            Self::Big(value) => (**value).clone(),
        }
    }

    /// The number if it fits a machine word.
    pub(crate) fn to_i64(&self) -> Option<i64> {
        match self {
            Self::Small(value) => Some(*value),
            Self::Big(_) => None,
        }
    }

    /// Whether the number is 0.
    pub(crate) fn is_zero(&self) -> bool {
        matches!(self, Self::Small(0))
    }

    /// Whether the number is below 0.
    pub(crate) fn is_negative(&self) -> bool {
        match self {
            Self::Small(value) => *value < 0,
            Self::Big(value) => value.sign() == num_bigint::Sign::Minus,
        }
    }

    /// Whether the number is odd.
    pub(crate) fn is_odd(&self) -> bool {
        match self {
            Self::Small(value) => value & 1 == 1,
            Self::Big(value) => value.bit(0),
        }
    }

    /// How many bits the magnitude has (`int.bit_length`).
    pub(crate) fn bit_length(&self) -> u64 {
        match self {
            Self::Small(value) => u64::from(64 - value.unsigned_abs().leading_zeros()),
            Self::Big(value) => value.bits(),
        }
    }

    /// Append the decimal text (`str(int)`).
    pub(crate) fn write(&self, out: &mut String) -> Result<()> {
        match self {
            Self::Small(value) => out.push_str(itoa::Buffer::new().format(*value)),
            Self::Big(value) => out.push_str(&big_to_decimal(value)?),
        }
        Ok(())
    }

    /// Append the text of the magnitude in base 2, 8, 10 or 16, without sign or prefix.
    pub(crate) fn write_magnitude(&self, out: &mut String, base: u32) -> Result<()> {
        let start = out.len();
        match (self, base) {
            (_, 10) => self.write(out)?,
            (Self::Small(value), _) => write_small(out, value.unsigned_abs(), base),
            (Self::Big(value), _) => out.push_str(&value.to_str_radix(base)),
        }
        if out[start..].starts_with('-') {
            out.remove(start);
        }
        Ok(())
    }
}

fn write_small(out: &mut String, value: u64, base: u32) {
    use std::fmt::Write;
    let written = match base {
        2 => write!(out, "{value:b}"),
        8 => write!(out, "{value:o}"),
        _ => write!(out, "{value:x}"),
    };
    written.expect("a String takes all text");
}

fn big_to_decimal(value: &BigInt) -> Result<String> {
    let too_long = || {
        Error::Value(
            "Exceeds the limit (4300 digits) for integer string conversion; \
             use sys.set_int_max_str_digits() to increase the limit"
                .into(),
        )
    };
    // 2**14285 has 4301 digits: what is longer need not be converted to know.
    if value.bits() > 14286 {
        return Err(too_long());
    }
    let text = value.to_string();
    if text.len() - usize::from(text.starts_with('-')) > MAX_STR_DIGITS {
        return Err(too_long());
    }
    Ok(text)
}
