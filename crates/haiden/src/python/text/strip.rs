//! `strip`, `lstrip`, `rstrip`, `removeprefix`, `removesuffix`.
//!
//! In: text, and which code points go (none given: Python's white space). Out: a part of the text.

use crate::python::unicode;

/// `text.lstrip(chars)`.
pub(crate) fn lstrip<'a>(text: &'a str, chars: Option<&str>) -> &'a str {
    match chars {
        None => text.trim_start_matches(unicode::is_space),
        Some(chars) => text.trim_start_matches(|c| chars.contains(c)),
    }
}

/// `text.rstrip(chars)`.
pub(crate) fn rstrip<'a>(text: &'a str, chars: Option<&str>) -> &'a str {
    match chars {
        None => text.trim_end_matches(unicode::is_space),
        Some(chars) => text.trim_end_matches(|c| chars.contains(c)),
    }
}

/// `text.strip(chars)`.
pub(crate) fn strip<'a>(text: &'a str, chars: Option<&str>) -> &'a str {
    rstrip(lstrip(text, chars), chars)
}

/// `text.removeprefix(prefix)`.
pub(crate) fn remove_prefix<'a>(text: &'a str, prefix: &str) -> &'a str {
    text.strip_prefix(prefix).unwrap_or(text)
}

/// `text.removesuffix(suffix)`.
pub(crate) fn remove_suffix<'a>(text: &'a str, suffix: &str) -> &'a str {
    text.strip_suffix(suffix).unwrap_or(text)
}
