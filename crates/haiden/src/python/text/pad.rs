//! `center`, `ljust`, `rjust`, `zfill`, `expandtabs` and repetition: what makes text longer.
//!
//! In: text, a width, and a limit in bytes. Out: the text, appended. Invariant: what would be longer than
//! the limit is refused before anything is written.

use super::index::len;
use crate::python::error::{Error, Result};

/// The one code point of a fill text.
pub(crate) fn fill_char(fill: &str) -> Result<char> {
    let mut chars = fill.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(c),
        _ => Err(Error::Type("The fill character must be exactly one character long".into())),
    }
}

/// How many code points are missing to the width.
fn missing(text: &str, width: i64, fill: char, max_bytes: usize) -> Result<usize> {
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(len(text));
    if missing > 0 && missing.saturating_mul(fill.len_utf8()).saturating_add(text.len()) > max_bytes {
        return Err(Error::TooLarge);
    }
    Ok(missing)
}

/// Append `fill` so many times.
pub(crate) fn push_fill(out: &mut String, fill: char, count: usize) {
    out.extend(std::iter::repeat_n(fill, count));
}

/// Append `text.center(width, fill)`.
pub(crate) fn center(out: &mut String, text: &str, width: i64, fill: char, max_bytes: usize) -> Result<()> {
    let missing = missing(text, width, fill, max_bytes)?;
    // An odd rest goes left if the width is odd.
    let left = missing / 2 + (missing & (width & 1).unsigned_abs() as usize);
    push_fill(out, fill, left);
    out.push_str(text);
    push_fill(out, fill, missing - left);
    Ok(())
}

/// Append `text.ljust(width, fill)`.
pub(crate) fn ljust(out: &mut String, text: &str, width: i64, fill: char, max_bytes: usize) -> Result<()> {
    let missing = missing(text, width, fill, max_bytes)?;
    out.push_str(text);
    push_fill(out, fill, missing);
    Ok(())
}

/// Append `text.rjust(width, fill)`.
pub(crate) fn rjust(out: &mut String, text: &str, width: i64, fill: char, max_bytes: usize) -> Result<()> {
    let missing = missing(text, width, fill, max_bytes)?;
    push_fill(out, fill, missing);
    out.push_str(text);
    Ok(())
}

/// Append `text.zfill(width)`.
pub(crate) fn zfill(out: &mut String, text: &str, width: i64, max_bytes: usize) -> Result<()> {
    let missing = missing(text, width, '0', max_bytes)?;
    let (sign, rest) = text.split_at(usize::from(text.starts_with(['+', '-'])));
    out.push_str(sign);
    push_fill(out, '0', missing);
    out.push_str(rest);
    Ok(())
}

/// Append `text.expandtabs(size)`.
pub(crate) fn expandtabs(out: &mut String, text: &str, size: i64, max_bytes: usize) -> Result<()> {
    let size = usize::try_from(size).unwrap_or(0);
    let start = out.len();
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' if size > 0 => {
                let spaces = size - column % size;
                if spaces > max_bytes.saturating_sub(out.len() - start) {
                    return Err(Error::TooLarge);
                }
                push_fill(out, ' ', spaces);
                column += spaces;
            }
            '\t' => {}
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            _ => {
                out.push(c);
                column += 1;
            }
        }
    }
    Ok(())
}

/// Append `text * times`.
pub(crate) fn repeat(out: &mut String, text: &str, times: i64, max_bytes: usize) -> Result<()> {
    let times = usize::try_from(times).unwrap_or(0);
    if text.is_empty() || times == 0 {
        return Ok(());
    }
    let total = text.len().checked_mul(times).filter(|&total| total <= max_bytes).ok_or(Error::TooLarge)?;
    out.reserve(total);
    for _ in 0..times {
        out.push_str(text);
    }
    Ok(())
}
