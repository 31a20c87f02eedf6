//! `title`, `wordcount`, `indent`, `truncate`, `filesizeformat`, and the check of `xmlattr`.
//!
//! In: text and options. Out: text, appended. Invariant: lengths are code points.

use std::cmp::Ordering;

use crate::python::case;
use crate::python::error::{Error, Result};
use crate::python::format::format_float;
use crate::python::number::Int;
use crate::python::number::compare::compare_int_float;
use crate::python::repr::write_repr;
use crate::python::text::index::{byte_of, len};
use crate::python::text::split::{is_line_end, lines};
use crate::python::unicode::{self, Mapping};

/// Append `text|title`: upper case after white space and opening brackets, lower case elsewhere.
pub(crate) fn title(out: &mut String, text: &str) {
    let separates = |c: char| matches!(c, '-' | '(' | '{' | '[' | '<') || unicode::is_space(c);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| separates(c) != separates(first)).unwrap_or(rest.len());
        let (item, after) = rest.split_at(end);
        if separates(first) {
            out.push_str(item);
        } else {
            unicode::map_into(out, first, Mapping::Upper);
            case::lower(out, &item[first.len_utf8()..]);
        }
        rest = after;
    }
}

/// `text|wordcount`.
pub(crate) fn wordcount(text: &str) -> usize {
    text.split(|c| !unicode::is_word(c)).filter(|word| !word.is_empty()).count()
}

/// Append `text|indent(…)`.
pub(crate) fn indent(
    out: &mut String,
    text: &str,
    indention: &str,
    first: bool,
    blank: bool,
    max_bytes: usize,
) -> Result<()> {
    let count = lines(text, false).count() + 1;
    if count.saturating_mul(indention.len() + 1).saturating_add(text.len()) > max_bytes {
        return Err(Error::TooLarge);
    }
    if first {
        out.push_str(indention);
    }
    // The filter adds a newline before it splits: one more line, unless that newline completes `\r\n`.
    let more = text.chars().next_back().is_none_or(|c| is_line_end(c) && c != '\r');
    for (at, line) in lines(text, false).chain(more.then_some("")).enumerate() {
        if at > 0 {
            out.push('\n');
            if blank || !line.is_empty() {
                out.push_str(indention);
            }
        }
        out.push_str(line);
    }
    Ok(())
}

/// Append `text|truncate(…)`.
pub(crate) fn truncate(
    out: &mut String,
    text: &str,
    length: i64,
    killwords: bool,
    end: &str,
    leeway: i64,
) -> Result<()> {
    let end_len = len(end) as i64;
    if length < end_len {
        return Err(Error::Assertion(format!("expected length >= {end_len}, got {length}").into()));
    }
    if leeway < 0 {
        return Err(Error::Assertion(format!("expected leeway >= 0, got {leeway}").into()));
    }
    let fits = usize::try_from(length.saturating_add(leeway)).unwrap_or(usize::MAX);
    if text.len() <= fits || len(text) <= fits {
        out.push_str(text);
        return Ok(());
    }
    let kept = &text[..byte_of(text, (length - end_len).unsigned_abs() as usize)];
    let kept = if killwords { kept } else { kept.rsplit_once(' ').map_or(kept, |(before, _)| before) };
    out.push_str(kept);
    out.push_str(end);
    Ok(())
}

/// Append `value|filesizeformat(binary)`.
pub(crate) fn filesizeformat(out: &mut String, value: f64, binary: bool) -> Result<()> {
    const DECIMAL: [&str; 8] = ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
    const BINARY: [&str; 8] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];
    let (base, names) = if binary { (1024i128, BINARY) } else { (1000, DECIMAL) };
    #[expect(clippy::float_cmp, reason = "exactly one byte is singular")]
    if value == 1.0 {
        out.push_str("1 Byte");
        return Ok(());
    }
    if value < base as f64 {
        Int::from_f64(value)?.write(out)?;
        out.push_str(" Bytes");
        return Ok(());
    }
    let mut unit = base;
    let mut name = names[0];
    for next in names {
        unit *= base;
        name = next;
        if compare_int_float(&unit.into(), value) == Some(Ordering::Greater) {
            break;
        }
    }
    format_float(out, base as f64 * value / unit as f64, ".1f", 64)?;
    out.push(' ');
    out.push_str(name);
    Ok(())
}

/// Refuse a key that `xmlattr` refuses.
pub(crate) fn check_xmlattr_key(key: &str) -> Result<()> {
    if !key.bytes().any(|b| matches!(b, b'\t'..=b'\r' | b' ' | b'/' | b'>' | b'=')) {
        return Ok(());
    }
    let mut text = String::from("Invalid character in attribute name: ");
    write_repr(&mut text, key);
    Err(Error::Value(text.into()))
}
