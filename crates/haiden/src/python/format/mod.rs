//! `format(value, spec)` and what it shares with `%`.
//!
//! In: a str, int, bool or float, a format specification, a limit in bytes. Out: text, appended. Invariant:
//! width and precision are held against the limit before anything is written.

pub(crate) mod float;
pub(crate) mod layout;
pub(crate) mod spec;

use self::layout::Parts;
use self::spec::{Align, Sign, Spec};
use crate::python::error::{Error, Result};
use crate::python::number::Int;
use crate::python::number::float::write_repr;
use crate::python::text::index::{byte_of, len};

/// Append `format(text, spec)`.
pub(crate) fn format_str(out: &mut String, text: &str, spec: &str, max_bytes: usize) -> Result<()> {
    if spec.is_empty() {
        out.push_str(text);
        return Ok(());
    }
    let spec = Spec::parse(spec, 's', Align::Left, "str")?;
    if spec.kind != 's' {
        return Err(unknown_kind(spec.kind, "str"));
    }
    let refused = |what: &'static str| Err(Error::Value(what.into()));
    match spec.sign {
        Some(Sign::Space) => return refused("Space not allowed in string format specifier"),
        Some(_) => return refused("Sign not allowed in string format specifier"),
        None => {}
    }
    if spec.no_negative_zero {
        return refused("Negative zero coercion (z) not allowed in string format specifier");
    }
    if spec.alternate {
        return refused("Alternate form (#) not allowed in string format specifier");
    }
    if spec.align == Align::AfterSign {
        return refused("'=' alignment not allowed in string format specifier");
    }
    let shown = spec.precision.map_or(text, |precision| &text[..byte_of(text, precision)]);
    layout::pad(out, shown, len(shown), &spec, max_bytes)
}

/// Append `format(value, spec)` of an int; `type_name` is `int` or `bool`.
pub(crate) fn format_int(
    out: &mut String,
    value: &Int,
    spec: &str,
    type_name: &str,
    max: usize,
) -> Result<()> {
    if spec.is_empty() {
        if type_name == "bool" {
            out.push_str(if value.is_zero() { "False" } else { "True" });
            return Ok(());
        }
        return value.write(out);
    }
    let spec = Spec::parse(spec, 'd', Align::Right, type_name)?;
    match spec.kind {
        'b' | 'c' | 'd' | 'o' | 'x' | 'X' | 'n' => int_by_spec(out, value, &spec, max),
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' => float_by_spec(out, value.to_f64()?, &spec, max),
        kind => Err(unknown_kind(kind, type_name)),
    }
}

/// Append `format(value, spec)` of a float.
pub(crate) fn format_float(out: &mut String, value: f64, spec: &str, max_bytes: usize) -> Result<()> {
    if spec.is_empty() {
        write_repr(out, value);
        return Ok(());
    }
    let spec = Spec::parse(spec, '\0', Align::Right, "float")?;
    match spec.kind {
        '\0' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%' => float_by_spec(out, value, &spec, max_bytes),
        kind => Err(unknown_kind(kind, "float")),
    }
}

fn int_by_spec(out: &mut String, value: &Int, spec: &Spec, max_bytes: usize) -> Result<()> {
    if spec.precision.is_some() {
        return Err(Error::Value("Precision not allowed in integer format specifier".into()));
    }
    if spec.no_negative_zero {
        return Err(Error::Value(
            "Negative zero coercion (z) not allowed in integer format specifier".into(),
        ));
    }
    if spec.kind == 'c' {
        let c = int_as_char(value, spec)?;
        let shown = c.encode_utf8(&mut [0; 4]).to_owned();
        return layout::number(
            out,
            &Parts { negative: false, prefix: "", digits: "", rest: &shown },
            spec,
            max_bytes,
        );
    }
    let (base, prefix) = match spec.kind {
        'b' => (2, "0b"),
        'o' => (8, "0o"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let mut digits = String::new();
    value.write_magnitude(&mut digits, base)?;
    if spec.kind == 'X' {
        digits.make_ascii_uppercase();
    }
    let prefix = if spec.alternate { prefix } else { "" };
    layout::number(
        out,
        &Parts { negative: value.is_negative(), prefix, digits: &digits, rest: "" },
        spec,
        max_bytes,
    )
}

fn int_as_char(value: &Int, spec: &Spec) -> Result<char> {
    if spec.sign.is_some() {
        return Err(Error::Value("Sign not allowed with integer format specifier 'c'".into()));
    }
    if spec.alternate {
        return Err(Error::Value("Alternate form (#) not allowed with integer format specifier 'c'".into()));
    }
    let value = value.to_i64().ok_or(Error::Overflow("Python int too large to convert to C long"))?;
    char_of(value)
}

/// The code point of `%c` or `c`. A surrogate has no place in our text.
pub(crate) fn char_of(value: i64) -> Result<char> {
    if !(0..0x11_0000).contains(&value) {
        return Err(Error::Overflow("%c arg not in range(0x110000)"));
    }
    char::from_u32(value as u32).ok_or(Error::Value("surrogates not allowed".into()))
}

fn float_by_spec(out: &mut String, value: f64, spec: &Spec, max_bytes: usize) -> Result<()> {
    let (value, percent) = if spec.kind == '%' { (value * 100.0, "%") } else { (value, "") };
    let options = float::Options {
        kind: match spec.kind {
            '%' => 'f',
            'n' => 'g',
            '\0' if spec.precision.is_some() => 'g',
            '\0' => 'r',
            kind => kind,
        },
        precision: spec.precision.unwrap_or(6),
        alternate: spec.alternate,
        point_zero: spec.kind == '\0',
    };
    let mut text = String::new();
    float::write_magnitude(&mut text, value, options, max_bytes)?;
    text.push_str(percent);
    let split = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(split);
    let zero = || text.bytes().take_while(|b| !matches!(b, b'e' | b'E')).all(|b| !matches!(b, b'1'..=b'9'));
    let negative = value.is_sign_negative()
        && !value.is_nan()
        && !(spec.no_negative_zero && value.is_finite() && zero());
    layout::number(out, &Parts { negative, prefix: "", digits, rest }, spec, max_bytes)
}

fn unknown_kind(kind: char, type_name: &str) -> Error {
    Error::Value(if kind > ' ' && kind < '\u{80}' {
        format!("Unknown format code '{kind}' for object of type '{type_name}'").into()
    } else {
        format!("Unknown format code '\\x{:x}' for object of type '{type_name}'", u32::from(kind)).into()
    })
}
