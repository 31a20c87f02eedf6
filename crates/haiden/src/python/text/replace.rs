//! `replace`.
//!
//! In: text, old and new, how often (below 0: always), a limit in bytes. Out: the text, appended.
//! Invariant: the size of the result is known before it is written.

use crate::python::error::{Error, Result};

/// Append `text.replace(old, new, count)`.
pub(crate) fn replace(
    out: &mut String,
    text: &str,
    old: &str,
    new: &str,
    count: i64,
    max_bytes: usize,
) -> Result<()> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if new.len() > old.len() {
        let found = if old.is_empty() {
            text.chars().count() + 1
        } else {
            super::find::count(text, old, super::find::Bounds::default())
        };
        let more = found.min(count).saturating_mul(new.len() - old.len());
        if more > 0 && more.saturating_add(text.len()) > max_bytes {
            return Err(Error::TooLarge);
        }
        out.reserve(text.len() + more);
    } else {
        out.reserve(text.len());
    }
    if old.is_empty() {
        interleave(out, text, new, count);
        return Ok(());
    }
    let mut done = 0;
    for at in memchr::memmem::find_iter(text.as_bytes(), old.as_bytes()).take(count) {
        out.push_str(&text[done..at]);
        out.push_str(new);
        done = at + old.len();
    }
    out.push_str(&text[done..]);
    Ok(())
}

/// The empty text is found before each code point and at the end.
fn interleave(out: &mut String, text: &str, new: &str, count: usize) {
    let mut left = count;
    for c in text.chars() {
        if left > 0 {
            out.push_str(new);
            left -= 1;
        }
        out.push(c);
    }
    if left > 0 {
        out.push_str(new);
    }
}
