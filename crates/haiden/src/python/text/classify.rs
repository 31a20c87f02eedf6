//! `isalpha`, `isupper`, `isidentifier` and the other questions about a whole text.
//!
//! Invariant: the answer for the empty text is Python's: no, but for `isascii` and `isprintable`.

use crate::python::unicode::{
    self, ALNUM, ALPHA, DECIMAL, DIGIT, LOWER, NUMERIC, SPACE, TITLE, UPPER, XID_CONTINUE, XID_START,
};

fn all(text: &str, wanted: u32) -> bool {
    !text.is_empty() && text.chars().all(|c| unicode::has(c, wanted))
}

/// `text.isalnum()`.
pub(crate) fn is_alnum(text: &str) -> bool {
    all(text, ALNUM)
}

/// `text.isalpha()`.
pub(crate) fn is_alpha(text: &str) -> bool {
    all(text, ALPHA)
}

/// `text.isdecimal()`.
pub(crate) fn is_decimal(text: &str) -> bool {
    all(text, DECIMAL)
}

/// `text.isdigit()`.
pub(crate) fn is_digit(text: &str) -> bool {
    all(text, DIGIT)
}

/// `text.isnumeric()`.
pub(crate) fn is_numeric(text: &str) -> bool {
    all(text, NUMERIC)
}

/// `text.isspace()`.
pub(crate) fn is_space(text: &str) -> bool {
    all(text, SPACE)
}

/// `text.isprintable()`.
pub(crate) fn is_printable(text: &str) -> bool {
    text.chars().all(unicode::is_printable)
}

/// `text.isidentifier()`.
pub(crate) fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| unicode::has(c, XID_START)) && chars.all(|c| unicode::has(c, XID_CONTINUE))
}

/// `text.islower()`.
pub(crate) fn is_lower(text: &str) -> bool {
    cased(text, LOWER, UPPER | TITLE)
}

/// `text.isupper()`.
pub(crate) fn is_upper(text: &str) -> bool {
    cased(text, UPPER, LOWER | TITLE)
}

/// Some code point of the wanted case, none of the other.
fn cased(text: &str, wanted: u32, other: u32) -> bool {
    let mut found = false;
    for c in text.chars() {
        let flags = unicode::flags(c);
        if flags & other != 0 {
            return false;
        }
        found |= flags & wanted != 0;
    }
    found
}

/// `text.istitle()`.
pub(crate) fn is_title(text: &str) -> bool {
    let (mut found, mut after_cased) = (false, false);
    for c in text.chars() {
        let flags = unicode::flags(c);
        let (capital, small) = (flags & (UPPER | TITLE) != 0, flags & LOWER != 0);
        if (capital && after_cased) || (!capital && small && !after_cased) {
            return false;
        }
        after_cased = capital || small;
        found |= after_cased;
    }
    found
}
