//! Length, item and slice by code point.
//!
//! In: Python's indices, negative ones and absent ones included. Out: pieces of the text. Invariant: text
//! that is ASCII is indexed without a walk.

use crate::python::error::{Error, Result};
use crate::python::number::Int;

/// `len(text)`.
pub(crate) fn len(text: &str) -> usize {
    text.chars().count()
}

/// An index clamped to what a machine word holds, as Python clamps the parts of a slice.
pub(crate) fn clamp(index: &Int) -> i64 {
    index.to_i64().unwrap_or(if index.is_negative() { i64::MIN } else { i64::MAX })
}

/// The byte at which code point `index` starts; the length of the text if it has no such code point.
pub(crate) fn byte_of(text: &str, index: usize) -> usize {
    if index >= text.len() {
        return text.len();
    }
    let bytes = text.as_bytes();
    // Where the first `index` bytes are ASCII, bytes and code points agree.
    if bytes[..index].is_ascii() {
        return index;
    }
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}

/// `text[index]`, or `None` where Python raises `IndexError: string index out of range`.
pub(crate) fn item(text: &str, index: i64) -> Option<&str> {
    let from = if let Ok(index) = usize::try_from(index) {
        byte_of(text, index)
    } else {
        let back = usize::try_from(index.checked_neg()?).ok()?;
        text.char_indices().nth_back(back - 1)?.0
    };
    let rest = &text[from..];
    rest.chars().next().map(|c| &rest[..c.len_utf8()])
}

/// What `slice(start, stop, step).indices(len)` gives, and how many items that selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SliceIndices {
    /// The first index.
    pub(crate) start: i64,
    /// The index before which the slice ends.
    pub(crate) stop: i64,
    /// The distance; never 0.
    pub(crate) step: i64,
    /// How many items.
    pub(crate) count: usize,
}

/// `slice(start, stop, step).indices(len)`.
pub(crate) fn slice_indices(
    len: usize,
    start: Option<i64>,
    stop: Option<i64>,
    step: Option<i64>,
) -> Result<SliceIndices> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Error::Value("slice step cannot be zero".into()));
    }
    let backwards = step < 0;
    let (low, high) = if backwards { (-1, len - 1) } else { (0, len) };
    let place = |index: i64| if index < 0 { (index.saturating_add(len)).max(low) } else { index.min(high) };
    let start = start.map_or(if backwards { high } else { low }, place);
    let stop = stop.map_or(if backwards { low } else { high }, place);
    let distance = if backwards { start - stop } else { stop - start };
    let count = if distance <= 0 { 0 } else { (distance - 1).unsigned_abs() / step.unsigned_abs() + 1 };
    Ok(SliceIndices { start, stop, step, count: count as usize })
}

/// `text[start:stop]`.
pub(crate) fn substring(text: &str, start: Option<i64>, stop: Option<i64>) -> &str {
    // Indices from the front need no length.
    if let (0.., 0..) = (start.unwrap_or(0), stop.unwrap_or(i64::MAX)) {
        let from = byte_of(text, start.unwrap_or(0) as usize);
        let rest = &text[from..];
        let Some(stop) = stop else { return rest };
        let wanted = stop.saturating_sub(start.unwrap_or(0)).max(0);
        return &rest[..byte_of(rest, wanted as usize)];
    }
    let Ok(found) = slice_indices(len(text), start, stop, None) else { return "" };
    let from = byte_of(text, found.start as usize);
    let rest = &text[from..];
    &rest[..byte_of(rest, found.count)]
}

/// Append `text[start:stop:step]`.
pub(crate) fn slice(
    out: &mut String,
    text: &str,
    start: Option<i64>,
    stop: Option<i64>,
    step: Option<i64>,
) -> Result<()> {
    if step.unwrap_or(1) == 1 {
        out.push_str(substring(text, start, stop));
        return Ok(());
    }
    let found = slice_indices(len(text), start, stop, step)?;
    let every = usize::try_from(found.step.unsigned_abs()).unwrap_or(usize::MAX);
    if found.count == 0 {
        return Ok(());
    }
    let from = byte_of(text, found.start as usize);
    if found.step > 0 {
        out.extend(text[from..].chars().step_by(every).take(found.count));
    } else {
        let end = from + text[from..].chars().next().map_or(0, char::len_utf8);
        out.extend(text[..end].chars().rev().step_by(every).take(found.count));
    }
    Ok(())
}

/// Append the text backwards (`text[::-1]`).
pub(crate) fn reverse(out: &mut String, text: &str) {
    out.extend(text.chars().rev());
}
