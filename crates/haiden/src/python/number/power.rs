//! `**` of ints.
//!
//! In: [`Int`]s and a limit in bits. Out: an int, or a float where the exponent is negative. Invariant: the
//! size of the result is known to be within the limit before anything is multiplied.

use num_bigint::BigInt;

use super::float;
use super::{Int, Number};
use crate::python::error::{Error, Result};

impl Int {
    /// `self ** exponent`; [`Error::TooLarge`] if the result would need more than `max_bits`.
    pub(crate) fn power(&self, exponent: &Self, max_bits: u64) -> Result<Number> {
        if exponent.is_negative() {
            return Ok(Number::Float(float::power(self.to_f64()?, exponent.to_f64()?)?));
        }
        // Whatever the exponent: these never grow.
        match (self, exponent) {
            (_, Self::Small(0)) | (Self::Small(1), _) => return Ok(Number::Int(Self::Small(1))),
            (Self::Small(0), _) => return Ok(Number::Int(Self::Small(0))),
            (Self::Small(-1), _) => {
                return Ok(Number::Int(Self::Small(if exponent.is_odd() { -1 } else { 1 })));
            }
            _ => {}
        }
        let times = exponent.to_i64().and_then(|n| u32::try_from(n).ok()).ok_or(Error::TooLarge)?;
        if let Self::Small(base) = self
            && let Some(value) = base.checked_pow(times)
        {
            return Ok(Number::Int(Self::Small(value)));
        }
        if self.power_bits(times) > max_bits {
            return Err(Error::TooLarge);
        }
        let base: BigInt = self.to_big();
        Ok(Number::Int(base.pow(times).into()))
    }

    /// At most so many bits has `self ** times`; one base bit short for a power of two.
    fn power_bits(&self, times: u32) -> u64 {
        let bits = self.bit_length();
        let exact = match self {
            Self::Small(value) => value.unsigned_abs().is_power_of_two(),
            Self::Big(value) => value.magnitude().trailing_zeros() == Some(bits - 1),
        };
        if exact { (bits - 1).saturating_mul(times.into()) + 1 } else { bits.saturating_mul(times.into()) }
    }
}
