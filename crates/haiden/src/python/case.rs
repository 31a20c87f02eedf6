//! `upper`, `lower`, `title`, `capitalize`, `swapcase`, `casefold` of text.
//!
//! In: text. Out: the mapped text, appended to the caller's. Invariant: full mappings of Unicode 14, and the
//! final sigma where Python puts it.

use crate::python::unicode::{self, CASE_IGNORABLE, CASED, LOWER, Mapping, UPPER, map_into};

/// Append `text.upper()`.
pub(crate) fn upper(out: &mut String, text: &str) {
    let rest = ascii_prefix(out, text, str::make_ascii_uppercase);
    for c in rest.chars() {
        map(out, c, Mapping::Upper);
    }
}

/// Append `text.lower()`.
pub(crate) fn lower(out: &mut String, text: &str) {
    let rest = ascii_prefix(out, text, str::make_ascii_lowercase);
    lower_tail(out, text, text.len() - rest.len());
}

/// Append `text.casefold()`.
pub(crate) fn casefold(out: &mut String, text: &str) {
    let rest = ascii_prefix(out, text, str::make_ascii_lowercase);
    for c in rest.chars() {
        map(out, c, Mapping::Fold);
    }
}

/// Append `text.capitalize()`.
pub(crate) fn capitalize(out: &mut String, text: &str) {
    let Some(first) = text.chars().next() else { return };
    map(out, first, Mapping::Title);
    let rest = ascii_prefix(out, &text[first.len_utf8()..], str::make_ascii_lowercase);
    lower_tail(out, text, text.len() - rest.len());
}

/// Append `text.title()`.
pub(crate) fn title(out: &mut String, text: &str) {
    out.reserve(text.len());
    let mut after_cased = false;
    for (at, c) in text.char_indices() {
        if after_cased {
            lower_char(out, text, at, c);
        } else {
            map(out, c, Mapping::Title);
        }
        after_cased = if c.is_ascii() { c.is_ascii_alphabetic() } else { unicode::has(c, CASED) };
    }
}

/// Append `text.swapcase()`.
pub(crate) fn swapcase(out: &mut String, text: &str) {
    out.reserve(text.len());
    for (at, c) in text.char_indices() {
        if unicode::has(c, UPPER) {
            lower_char(out, text, at, c);
        } else if unicode::has(c, LOWER) {
            map(out, c, Mapping::Upper);
        } else {
            out.push(c);
        }
    }
}

/// Append the mapped ASCII part that `text` starts with; the rest is returned.
fn ascii_prefix<'a>(out: &mut String, text: &'a str, change: fn(&mut str)) -> &'a str {
    let start = out.len();
    if text.is_ascii() {
        out.push_str(text);
        change(&mut out[start..]);
        return "";
    }
    out.reserve(text.len());
    let ascii = text.bytes().position(|b| !b.is_ascii()).unwrap_or(text.len());
    out.push_str(&text[..ascii]);
    change(&mut out[start..]);
    &text[ascii..]
}

/// Append one code point mapped.
fn map(out: &mut String, c: char, mapping: Mapping) {
    if !c.is_ascii() {
        map_into(out, c, mapping);
        return;
    }
    out.push(match mapping {
        Mapping::Upper | Mapping::Title => c.to_ascii_uppercase(),
        Mapping::Lower | Mapping::Fold => c.to_ascii_lowercase(),
    });
}

/// Append what follows byte `from` of `text` in lower case; the whole text decides on a sigma.
fn lower_tail(out: &mut String, text: &str, from: usize) {
    for (at, c) in text[from..].char_indices() {
        lower_char(out, text, from + at, c);
    }
}

fn lower_char(out: &mut String, text: &str, at: usize, c: char) {
    if c == 'Σ' {
        out.push(if is_final(text, at) { 'ς' } else { 'σ' });
    } else {
        map(out, c, Mapping::Lower);
    }
}

/// Whether the sigma at byte `at` ends a word: a cased letter before it, none after it.
fn is_final(text: &str, at: usize) -> bool {
    let seen = |c: &char| !unicode::has(*c, CASE_IGNORABLE);
    let cased = |c: Option<char>| c.is_some_and(|c| unicode::has(c, CASED));
    let before = text[..at].chars().rev().find(seen);
    let after = text[at + 'Σ'.len_utf8()..].chars().find(seen);
    cased(before) && !cased(after)
}
