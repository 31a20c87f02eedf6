//! `float`: its text, division with Python's signs, rounding.
//!
//! In: `f64`. Out: `f64` or text. Invariant: `repr` gives the shortest text that reads back as the same
//! number; rounding is correct on the exact decimal value, half to even.

#![expect(clippy::float_cmp, reason = "what Python compares exactly is compared exactly")]

use std::cmp::Ordering;

use super::Int;
use super::compare::compare_int_float;
use crate::python::error::{Error, Result};

/// Append `repr(value)` (also `str(value)`).
pub(crate) fn write_repr(out: &mut String, value: f64) {
    if !value.is_finite() {
        out.push_str(if value.is_nan() {
            "nan"
        } else if value > 0.0 {
            "inf"
        } else {
            "-inf"
        });
        return;
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    // Below 1e-4 the layouts differ: Python turns to exponents at once, and gives them two digits.
    if value.abs() < 1e-4 && value != 0.0 {
        write_small(out, text, value.is_sign_negative());
    } else {
        out.push_str(text);
    }
}

/// Append `0.0000ddd` as `d.dde-05`, `d.de-7` as `d.de-07`.
fn write_small(out: &mut String, text: &str, negative: bool) {
    if let Some((digits, exponent)) = text.split_once("e-") {
        out.push_str(digits);
        out.push_str(if exponent.len() < 2 { "e-0" } else { "e-" });
        out.push_str(exponent);
        return;
    }
    let digits = text.trim_start_matches(['-', '0', '.']);
    let zeros = text.len() - digits.len() - usize::from(negative) - "0.".len();
    if negative {
        out.push('-');
    }
    out.push_str(&digits[..1]);
    if digits.len() > 1 {
        out.push('.');
        out.push_str(&digits[1..]);
    }
    write_exponent(out, 'e', -(zeros as i32) - 1);
}

/// Append an exponent: sign and at least two digits.
pub(crate) fn write_exponent(out: &mut String, letter: char, exponent: i32) {
    out.push(letter);
    out.push(if exponent < 0 { '-' } else { '+' });
    if exponent.abs() < 10 {
        out.push('0');
    }
    out.push_str(itoa::Buffer::new().format(exponent.unsigned_abs()));
}

/// `a / b`.
pub(crate) fn true_div(a: f64, b: f64) -> Result<f64> {
    if b == 0.0 { Err(Error::ZeroDivision("float division by zero")) } else { Ok(a / b) }
}

/// `a // b`.
pub(crate) fn floor_div(a: f64, b: f64) -> Result<f64> {
    if b == 0.0 {
        return Err(Error::ZeroDivision("float floor division by zero"));
    }
    Ok(div_mod_nonzero(a, b).0)
}

/// `a % b`.
pub(crate) fn modulo(a: f64, b: f64) -> Result<f64> {
    if b == 0.0 {
        return Err(Error::ZeroDivision("float modulo"));
    }
    let rest = a % b;
    if rest == 0.0 {
        return Ok(0f64.copysign(b));
    }
    Ok(if (b < 0.0) == (rest < 0.0) { rest } else { rest + b })
}

/// `divmod(a, b)`.
pub(crate) fn div_mod(a: f64, b: f64) -> Result<(f64, f64)> {
    if b == 0.0 { Err(Error::ZeroDivision("float divmod()")) } else { Ok(div_mod_nonzero(a, b)) }
}

fn div_mod_nonzero(a: f64, b: f64) -> (f64, f64) {
    let mut rest = a % b;
    // Subtracting first makes the quotient whole, or very nearly.
    let mut quotient = (a - rest) / b;
    if rest == 0.0 {
        rest = 0f64.copysign(b);
    } else if (b < 0.0) != (rest < 0.0) {
        rest += b;
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return (0f64.copysign(a / b), rest);
    }
    let floor = quotient.floor();
    (if quotient - floor > 0.5 { floor + 1.0 } else { floor }, rest)
}

/// `a ** b`.
pub(crate) fn power(a: f64, b: f64) -> Result<f64> {
    let b_odd = (b.abs() % 2.0) == 1.0;
    if b == 0.0 || a == 1.0 {
        return Ok(1.0);
    }
    if a.is_nan() || b.is_nan() {
        return Ok(f64::NAN);
    }
    if b.is_infinite() {
        let size = a.abs();
        return Ok(if size == 1.0 {
            1.0
        } else if (b > 0.0) == (size > 1.0) {
            f64::INFINITY
        } else {
            0.0
        });
    }
    if a.is_infinite() {
        return Ok(match (b > 0.0, b_odd) {
            (true, true) => a,
            (true, false) => f64::INFINITY,
            (false, true) => 0f64.copysign(a),
            (false, false) => 0.0,
        });
    }
    if a == 0.0 {
        if b < 0.0 {
            return Err(Error::ZeroDivision("0.0 cannot be raised to a negative power"));
        }
        return Ok(if b_odd { a } else { 0.0 });
    }
    if a < 0.0 && b != b.floor() {
        return Err(Error::Complex);
    }
    // 1 to any power is 1, and -1 too but for the sign: what the C library says of them is never asked.
    let size = a.abs();
    let value = if size == 1.0 { 1.0 } else { size.powf(b) };
    if value.is_infinite() {
        return Err(Error::Overflow("(34, 'Numerical result out of range')"));
    }
    Ok(if a < 0.0 && b_odd { -value } else { value })
}

/// `round(value)`: the nearest int, half to even.
pub(crate) fn round_to_int(value: f64) -> Result<Int> {
    Int::from_f64(value.round_ties_even())
}

/// `round(value, digits)`.
pub(crate) fn round(value: f64, digits: i64) -> Result<f64> {
    if !value.is_finite() || value == 0.0 || digits > 323 {
        return Ok(value);
    }
    if digits < -308 {
        return Ok(0.0 * value);
    }
    let rounded = if digits >= 0 {
        let text = format!("{value:.*}", digits.unsigned_abs() as usize);
        text.parse().unwrap_or(value)
    } else {
        round_whole(value, digits.unsigned_abs() as i32)
    };
    if f64::is_infinite(rounded) {
        return Err(Error::Overflow("rounded value too large to represent"));
    }
    Ok(rounded)
}

/// Round to a multiple of `10**places`.
fn round_whole(value: f64, places: i32) -> f64 {
    // The exponent of the first digit; one place of a correctly rounded text may carry it up, so cut instead.
    let exact = format!("{:e}", value.abs());
    let leading: i32 = exact.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let kept = leading - places;
    if kept >= 0 {
        return format!("{value:.*e}", kept.unsigned_abs() as usize).parse().unwrap_or(value);
    }
    let half = Int::from(num_bigint::BigInt::from(10u8).pow(places.unsigned_abs() - 1) * 5u8);
    let up = kept == -1 && compare_int_float(&half, value.abs()) == Some(Ordering::Less);
    if up {
        format!("1e{places}").parse::<f64>().unwrap_or(0.0).copysign(value)
    } else {
        0f64.copysign(value)
    }
}
