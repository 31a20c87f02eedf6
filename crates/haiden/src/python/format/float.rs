//! The digits of a float in the styles `e`, `f`, `g` and `repr`.
//!
//! In: a float and a style. Out: the text of its magnitude, without sign, appended. Invariant: digits are
//! those of the exact value, rounded half to even.

use crate::python::error::{Error, Result};
use crate::python::number::float::{write_exponent, write_repr};
use crate::python::text::pad::push_fill;

/// How a float shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// `e`, `f`, `g`, their capitals, or `r` for `repr`.
    pub(crate) kind: char,
    /// Digits; without meaning for `r`.
    pub(crate) precision: usize,
    /// Keep the point (and the zeros of `g`).
    pub(crate) alternate: bool,
    /// End in `.0` rather than look like an int.
    pub(crate) point_zero: bool,
}

/// No float has more digits than these; the rest are zeros.
const MAX_DIGITS: usize = 1100;

/// Append the text of the magnitude of `value`.
pub(crate) fn write_magnitude(
    out: &mut String,
    value: f64,
    options: Options,
    max_bytes: usize,
) -> Result<()> {
    let precision = options.precision;
    if precision > i32::MAX as usize {
        return Err(Error::Value("precision too big".into()));
    }
    if !value.is_finite() {
        out.push_str(match (value.is_nan(), options.kind.is_ascii_uppercase()) {
            (true, false) => "nan",
            (true, true) => "NAN",
            (false, false) => "inf",
            (false, true) => "INF",
        });
        return Ok(());
    }
    if precision > MAX_DIGITS && precision.saturating_add(400) > max_bytes {
        return Err(Error::TooLarge);
    }
    let value = value.abs();
    match options.kind {
        'f' | 'F' => write_fixed(out, value, options),
        'e' | 'E' => {
            let (digits, exponent) = significant(value, precision + 1);
            write_digits(out, &digits, 1, precision + 1, options);
            write_exponent(out, options.kind, exponent);
        }
        'g' | 'G' => write_general(out, value, options),
        _ => write_shortest(out, value, options.alternate),
    }
    Ok(())
}

fn write_fixed(out: &mut String, value: f64, options: Options) {
    use std::fmt::Write;
    let exact = options.precision.min(MAX_DIGITS);
    write!(out, "{value:.exact$}").expect("a String takes all text");
    push_fill(out, '0', options.precision - exact);
    if options.precision == 0 && options.alternate {
        out.push('.');
    }
}

/// At most so many significant digits, without zeros at the end, and the exponent of the first.
fn significant(value: f64, digits: usize) -> (String, i32) {
    let after_point = digits.min(MAX_DIGITS) - 1;
    let text = format!("{value:.after_point$e}");
    let (mantissa, exponent) = text.split_once('e').expect("the exponent style has an exponent");
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    (digits.trim_end_matches('0').to_owned(), exponent.parse().expect("an exponent is a number"))
}

/// Append digits with the point after `point` of them, and zeros up to `end` digits.
fn write_digits(out: &mut String, digits: &str, point: usize, end: usize, options: Options) {
    let whole = digits.len().min(point);
    out.push_str(&digits[..whole]);
    push_fill(out, '0', point - whole);
    let fraction = end.saturating_sub(point);
    if fraction > 0 || options.alternate {
        out.push('.');
    }
    let rest = &digits[whole..];
    out.push_str(rest);
    push_fill(out, '0', fraction - rest.len());
}

fn write_general(out: &mut String, value: f64, options: Options) {
    let precision = options.precision.max(1);
    let (digits, exponent) = significant(value, precision);
    let point = i64::from(exponent) + 1;
    let kept = if options.alternate { precision } else { digits.len() };
    if point <= -4 || point > precision as i64 - i64::from(options.point_zero) {
        write_digits(out, &digits, 1, kept.max(1), options);
        write_exponent(out, if options.kind == 'G' { 'E' } else { 'e' }, exponent);
    } else if point <= 0 {
        let zeros = point.unsigned_abs() as usize;
        out.push_str("0.");
        push_fill(out, '0', zeros);
        out.push_str(&digits);
        push_fill(out, '0', kept - digits.len());
    } else {
        let point = point as usize;
        let end = if options.point_zero { kept.max(point + 1) } else { kept };
        write_digits(out, &digits, point, end, options);
    }
}

fn write_shortest(out: &mut String, value: f64, alternate: bool) {
    let start = out.len();
    write_repr(out, value);
    if alternate && !out[start..].contains('.') {
        let exponent = out[start..].find('e').map_or(out.len(), |at| start + at);
        out.insert(exponent, '.');
    }
}
