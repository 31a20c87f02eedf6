//! `int(text, base)` and `float(text)`.
//!
//! In: text from anywhere. Out: the number, or Python's `ValueError`. Invariant: digits and white space of
//! every script count, as in Python; at most 4300 digits are read where reading is not linear.

use std::borrow::Cow;

use num_bigint::BigInt;

use super::Int;
use super::int::MAX_STR_DIGITS;
use crate::python::error::{Error, Result};
use crate::python::repr::write_repr;
use crate::python::unicode;

/// `text` with decimal digits and white space of other scripts as ASCII; all else that is not ASCII is `?`.
fn to_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let ascii = |c: char| {
        if c.is_ascii() {
            c
        } else if unicode::is_space(c) {
            ' '
        } else {
            unicode::decimal(c).and_then(|d| char::from_digit(d, 10)).unwrap_or('?')
        }
    };
    Cow::Owned(text.chars().map(ascii).collect())
}

/// Without the white space of C: the ASCII separators 0x1c to 0x1f, white space elsewhere, stay.
fn trim(text: &str) -> &str {
    text.trim_matches(|c| matches!(c, '\t'..='\r' | ' '))
}

/// `int(text, base)`.
pub(crate) fn parse_int(text: &str, base: i64) -> Result<Int> {
    if base != 0 && !(2..=36).contains(&base) {
        return Err(Error::Value("int() base must be >= 2 and <= 36, or 0".into()));
    }
    let ascii = to_ascii(text);
    let trimmed = trim(&ascii);
    let invalid = || invalid_int(text, base);
    let (negative, unsigned) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, &trimmed[1..]),
        Some(b'+') => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let (base, digits) = split_prefix(unsigned, base as u32);
    let (base, only_zeros) = if base == 0 { (10, unsigned.starts_with('0')) } else { (base, false) };
    if !well_formed(digits, base) {
        return Err(invalid());
    }
    let value = read_digits(digits, base)?;
    // `int('012', 0)` is refused as a literal of old is; `int('00', 0)` is not.
    if only_zeros && !value.is_zero() {
        return Err(invalid());
    }
    Ok(if negative { value.neg() } else { value })
}

/// Take a prefix that goes with the base; one `_` may follow it.
fn split_prefix(text: &str, base: u32) -> (u32, &str) {
    let bytes = text.as_bytes();
    let meant = match bytes {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => return (base, text),
    };
    if base != 0 && base != meant {
        return (base, text);
    }
    let rest = &text[2..];
    (meant, rest.strip_prefix('_').unwrap_or(rest))
}

/// Digits of the base, single `_` between them.
fn well_formed(digits: &str, base: u32) -> bool {
    let mut previous = b'_';
    for byte in digits.bytes() {
        if byte == b'_' {
            if previous == b'_' {
                return false;
            }
        } else if !char::from(byte).is_digit(base) {
            return false;
        }
        previous = byte;
    }
    previous != b'_'
}

fn read_digits(digits: &str, base: u32) -> Result<Int> {
    if digits.len() <= 18
        && let Ok(value) = i64::from_str_radix(digits, base)
    {
        return Ok(Int::Small(value));
    }
    let plain: Vec<u8> = digits.bytes().filter(|&b| b != b'_').collect();
    if !base.is_power_of_two() && plain.len() > MAX_STR_DIGITS {
        let text = format!(
            "Exceeds the limit (4300 digits) for integer string conversion: value has {} digits; \
             use sys.set_int_max_str_digits() to increase the limit",
            plain.len()
        );
        return Err(Error::Value(text.into()));
    }
    let value = BigInt::parse_bytes(&plain, base).expect("only digits of the base are left");
    Ok(value.into())
}

fn invalid_int(text: &str, base: i64) -> Error {
    let mut shown = String::new();
    write_repr(&mut shown, text);
    // Python shows at most 200 code points of the text.
    if let Some((end, _)) = shown.char_indices().nth(200) {
        shown.truncate(end);
    }
    Error::Value(format!("invalid literal for int() with base {base}: {shown}").into())
}

/// `float(text)`.
pub(crate) fn parse_float(text: &str) -> Result<f64> {
    let ascii = to_ascii(text);
    let trimmed = trim(&ascii);
    float_of(trimmed).ok_or_else(|| {
        let mut message = String::from("could not convert string to float: ");
        write_repr(&mut message, text);
        Error::Value(message.into())
    })
}

fn float_of(text: &str) -> Option<f64> {
    if !text.contains('_') {
        return plain_float(text);
    }
    // An underscore stands between two digits, nowhere else.
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_digit);
    let between = |at: usize| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
    if !memchr::memchr_iter(b'_', bytes).all(between) {
        return None;
    }
    plain_float(&text.replace('_', ""))
}

fn plain_float(text: &str) -> Option<f64> {
    // Rust reads what Python reads, down to `inf` and `nan` in any case: `tests` compares them.
    text.parse().ok()
}
