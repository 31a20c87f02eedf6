//! `find`, `index`, `count`, `startswith` and their kin, within optional bounds.
//!
//! In: text, what is looked for, Python's bounds. Out: positions in code points. Invariant: bounds are
//! clamped as slices are, but a start beyond the end finds nothing, not even the empty text.

use super::index::{byte_of, len};
use crate::python::error::{Error, Result};

/// Bounds of a search: both optional, negative from the end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    /// Where the search starts.
    pub(crate) start: Option<i64>,
    /// Where it ends.
    pub(crate) end: Option<i64>,
}

/// The part of the text within bounds, and how many code points precede it.
fn window(text: &str, bounds: Bounds) -> Option<(usize, &str)> {
    let Bounds { start, end } = bounds;
    if start.unwrap_or(0) == 0 && end.is_none() {
        return Some((0, text));
    }
    let size = len(text) as i64;
    let place = |index: i64| if index < 0 { index.saturating_add(size).max(0) } else { index };
    let start = place(start.unwrap_or(0));
    let end = place(end.unwrap_or(size)).min(size);
    if start > end {
        return None;
    }
    let from = byte_of(text, start as usize);
    let rest = &text[from..];
    Some((start as usize, &rest[..byte_of(rest, (end - start) as usize)]))
}

/// `text.find(wanted, …)`: `None` for -1.
pub(crate) fn find(text: &str, wanted: &str, bounds: Bounds) -> Option<usize> {
    let (before, part) = window(text, bounds)?;
    let at = memchr::memmem::find(part.as_bytes(), wanted.as_bytes())?;
    Some(before + len(&part[..at]))
}

/// `text.rfind(wanted, …)`: `None` for -1.
pub(crate) fn rfind(text: &str, wanted: &str, bounds: Bounds) -> Option<usize> {
    let (before, part) = window(text, bounds)?;
    Some(before + len(&part[..part.rfind(wanted)?]))
}

/// `text.index(wanted, …)`.
pub(crate) fn index(text: &str, wanted: &str, bounds: Bounds) -> Result<usize> {
    find(text, wanted, bounds).ok_or(Error::Value("substring not found".into()))
}

/// `text.rindex(wanted, …)`.
pub(crate) fn rindex(text: &str, wanted: &str, bounds: Bounds) -> Result<usize> {
    rfind(text, wanted, bounds).ok_or(Error::Value("substring not found".into()))
}

/// `text.count(wanted, …)`.
pub(crate) fn count(text: &str, wanted: &str, bounds: Bounds) -> usize {
    let Some((_, part)) = window(text, bounds) else { return 0 };
    match wanted.as_bytes() {
        [] => len(part) + 1,
        [byte] => memchr::memchr_iter(*byte, part.as_bytes()).count(),
        bytes => memchr::memmem::find_iter(part.as_bytes(), bytes).count(),
    }
}

/// `text.startswith(prefix, …)`.
pub(crate) fn starts_with(text: &str, prefix: &str, bounds: Bounds) -> bool {
    window(text, bounds).is_some_and(|(_, part)| part.starts_with(prefix))
}

/// `text.endswith(suffix, …)`.
pub(crate) fn ends_with(text: &str, suffix: &str, bounds: Bounds) -> bool {
    window(text, bounds).is_some_and(|(_, part)| part.ends_with(suffix))
}

/// `wanted in text`.
pub(crate) fn contains(text: &str, wanted: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), wanted.as_bytes()).is_some()
}
