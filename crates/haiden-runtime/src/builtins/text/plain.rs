//! `title`, `wordcount`, `filesizeformat`.

use std::fmt::Write as _;

use super::{Characters, TextError, is_space, is_word};
use crate::builtins::ErrorClass;

/// Appends `text|title`: upper case after white space and opening brackets, lower case elsewhere.
pub fn title(out: &mut String, text: &str, characters: &impl Characters) {
    let separates = |c: char| matches!(c, '-' | '(' | '{' | '[' | '<') || is_space(characters, c);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let separator = separates(first);
        let end = rest.find(|c| separates(c) != separator).unwrap_or(rest.len());
        let (item, after) = rest.split_at(end);
        rest = after;
        if separator {
            out.push_str(item);
            continue;
        }
        if first.is_ascii() {
            out.push(first.to_ascii_uppercase());
        } else {
            characters.push_upper(out, first);
        }
        let others = &item[first.len_utf8()..];
        if others.is_ascii() {
            let start = out.len();
            out.push_str(others);
            out[start..].make_ascii_lowercase();
        } else {
            characters.push_lower(out, others);
        }
    }
}

/// `text|wordcount`.
pub fn wordcount(text: &str, characters: &impl Characters) -> usize {
    text.split(|c| !is_word(characters, c)).filter(|word| !word.is_empty()).count()
}

/// Appends `value|filesizeformat(binary)`.
///
/// # Errors
/// The `OverflowError` of `int()` of negative infinity.
pub fn filesizeformat(out: &mut String, value: f64, binary: bool) -> Result<(), TextError> {
    const DECIMAL: [&str; 8] = ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
    const BINARY: [&str; 8] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];
    let (base, names) = if binary { (1024_i128, BINARY) } else { (1000, DECIMAL) };
    #[expect(clippy::float_cmp, reason = "exactly one byte is singular")]
    if value == 1.0 {
        out.push_str("1 Byte");
        return Ok(());
    }
    if value < base as f64 {
        if value.is_infinite() {
            let message = "cannot convert float infinity to integer";
            return Err(TextError::new(ErrorClass::Overflow, message));
        }
        // Adding zero makes a negative zero positive.
        let _ = write!(out, "{:.0} Bytes", value.trunc() + 0.0);
        return Ok(());
    }
    let mut unit = base;
    let mut name = names[0];
    for next in names {
        unit *= base;
        name = next;
        // Below 2^127 the whole part decides, exactly; beyond, the cast gives the largest number.
        if !value.is_nan() && (value as i128) < unit {
            break;
        }
    }
    let shown = base as f64 * value / unit as f64;
    if shown.is_nan() {
        out.push_str("nan ");
    } else {
        let _ = write!(out, "{shown:.1} ");
    }
    out.push_str(name);
    Ok(())
}
