//! From `int` to `float` and back, exactly or correctly rounded, and the hash both share.
//!
//! Invariant: rounding is half to even; equal numbers have equal hashes, whatever their types.

use num_bigint::{BigInt, BigUint};
use num_traits::{ToPrimitive, Zero};

use super::Int;
use crate::python::error::{Error, Result};

/// The float nearest to `mantissa * 2**exponent` (plus something smaller if `sticky`), half to even;
/// `None` if it is too large.
pub(super) fn assemble(mantissa: &BigUint, exponent: i64, sticky: bool) -> Option<f64> {
    let bits = i64::try_from(mantissa.bits()).ok()?;
    if bits == 0 {
        return Some(0.0);
    }
    // Cut to 64 significant bits, the last of which remembers whether anything was cut.
    let (mut top, exponent) = if bits > 64 {
        let cut = (bits - 64).unsigned_abs();
        let top = (mantissa >> cut).to_u64()?;
        let lost = mantissa.trailing_zeros().is_some_and(|zeros| zeros < cut);
        (top | u64::from(lost), exponent + (bits - 64))
    } else {
        (mantissa.to_u64()? << (64 - bits), exponent - (64 - bits))
    };
    top |= u64::from(sticky);
    // top is in [2**63, 2**64): the value is top * 2**exponent, its leading bit worth 2**(exponent + 63).
    let leading = exponent + 63;
    if leading > 1023 {
        return None;
    }
    let kept = if leading >= -1022 { 53 } else { leading + 1075 };
    if kept < 0 {
        return Some(0.0);
    }
    let dropped = (64 - kept).unsigned_abs() as u32;
    let (whole, rest, half) = if dropped == 64 {
        (0, top, 1u64 << 63)
    } else {
        (top >> dropped, top & ((1 << dropped) - 1), 1u64 << (dropped - 1))
    };
    let rounded = whole + u64::from(rest > half || (rest == half && whole & 1 == 1));
    // rounded is at most 2**53, and exact from here: two steps keep the scale itself in range.
    let scale = (exponent + i64::from(dropped)) as i32;
    let value = rounded as f64 * 2f64.powi(scale / 2) * 2f64.powi(scale - scale / 2);
    value.is_finite().then_some(value)
}

impl Int {
    /// `float(self)`.
    pub(crate) fn to_f64(&self) -> Result<f64> {
        match self {
            Self::Small(value) => Ok(*value as f64),
            Self::Big(value) => {
                let magnitude = assemble(value.magnitude(), 0, false)
                    .ok_or(Error::Overflow("int too large to convert to float"))?;
                Ok(if self.is_negative() { -magnitude } else { magnitude })
            }
        }
    }

    /// `int(value)`: towards zero.
    pub(crate) fn from_f64(value: f64) -> Result<Self> {
        if value.is_nan() {
            return Err(Error::Value("cannot convert float NaN to integer".into()));
        }
        if value.is_infinite() {
            return Err(Error::Overflow("cannot convert float infinity to integer"));
        }
        Ok(Self::from_finite(value))
    }

    /// The whole part of a finite float.
    pub(super) fn from_finite(value: f64) -> Self {
        if value.abs() < 9.0e18 {
            return Self::Small(value as i64);
        }
        let (mantissa, exponent) = decode(value);
        let magnitude = BigInt::from(mantissa) << exponent.max(0).unsigned_abs();
        if value < 0.0 { (-magnitude).into() } else { magnitude.into() }
    }
}

/// A finite float's magnitude as `mantissa * 2**exponent`.
pub(super) fn decode(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent - 1075) }
}

const MODULUS: u64 = (1 << 61) - 1;

fn signed_hash(magnitude: u64, negative: bool) -> i64 {
    let hash = if negative { -magnitude.cast_signed() } else { magnitude.cast_signed() };
    if hash == -1 { -2 } else { hash }
}

/// `hash(int)`.
pub(crate) fn hash_int(value: &Int) -> i64 {
    match value {
        Int::Small(small) => signed_hash(small.unsigned_abs() % MODULUS, *small < 0),
        Int::Big(big) => {
            let rest = big.magnitude() % MODULUS;
            signed_hash(rest.to_u64().unwrap_or(0), value.is_negative())
        }
    }
}

/// `hash(float)`. Python hashes a NaN by identity; here all have the hash 0.
pub(crate) fn hash_float(value: f64) -> i64 {
    if value.is_nan() || value.is_zero() {
        return 0;
    }
    if value.is_infinite() {
        return if value > 0.0 { 314_159 } else { -314_159 };
    }
    // 2**61 is 1 in this arithmetic: a shift is a rotation of 61 bits.
    let (mantissa, exponent) = decode(value);
    let turn = exponent.rem_euclid(61).unsigned_abs();
    let rest = mantissa % MODULUS;
    let turned = if turn == 0 { rest } else { ((rest << turn) & MODULUS) | (rest >> (61 - turn)) };
    signed_hash(turned % MODULUS, value < 0.0)
}
