//! `striptags`, and the unescaping of HTML it ends with.
//!
//! In: text from anywhere. Out: text, appended. Invariant: time is linear in the text, whatever is nested.

use super::entities::ENTITIES;
use super::{Characters, TextError, byte_of, is_space};
use crate::builtins::ErrorClass;

/// Appends `text|striptags`, as MarkupSafe 3.0.4 has it: older ones take comments out first.
///
/// # Errors
/// The `ValueError` of `int()` for a numeric reference of thousands of digits.
pub fn striptags(out: &mut String, text: &str, characters: &impl Characters) -> Result<(), TextError> {
    let without_tags = strip_tags(text);
    let mut collapsed = String::with_capacity(without_tags.len());
    for word in without_tags.split(|c| is_space(characters, c)).filter(|word| !word.is_empty()) {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.push_str(word);
    }
    unescape(out, &collapsed)
}

/// Remove comments and tags, up to the first that is not closed.
fn strip_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let size = if rest[open..].starts_with("<!--") {
            rest[open + 4..].find("-->").map(|size| size + 7)
        } else {
            rest[open..].find('>').map(|size| size + 1)
        };
        let Some(size) = size else { break };
        kept.push_str(&rest[..open]);
        rest = &rest[open + size..];
    }
    kept.push_str(rest);
    kept
}

/// Append `html.unescape(text)`.
pub fn unescape(out: &mut String, text: &str) -> Result<(), TextError> {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let used = match after.strip_prefix('#') {
            Some(number) => numeric(out, number)?.map(|used| used + 1),
            None => named(out, after),
        };
        if used.is_none() {
            out.push('&');
        }
        rest = &after[used.unwrap_or(0)..];
    }
    out.push_str(rest);
    Ok(())
}

/// The most digits that Python makes an integer of.
const MAX_DIGITS: usize = 4300;

/// Append what a numeric reference stands for; how many bytes it has.
fn numeric(out: &mut String, text: &str) -> Result<Option<usize>, TextError> {
    let hex = text.starts_with(['x', 'X']);
    let start = usize::from(hex);
    let is_digit = |b: u8| if hex { b.is_ascii_hexdigit() } else { b.is_ascii_digit() };
    let count = text.bytes().skip(start).position(|b| !is_digit(b)).unwrap_or(text.len() - start);
    if count == 0 {
        return Ok(None);
    }
    let end = start + count;
    if !hex && count > MAX_DIGITS {
        let message = format!(
            "Exceeds the limit ({MAX_DIGITS} digits) for integer string conversion: value has {count} digits; use \
             sys.set_int_max_str_digits() to increase the limit"
        );
        return Err(TextError::new(ErrorClass::Value, message));
    }
    let digits = text[start..end].chars().filter_map(|c| c.to_digit(16));
    let radix = if hex { 16 } else { 10_u32 };
    let point = digits.fold(0_u32, |point, digit| point.saturating_mul(radix).saturating_add(digit));
    push_point(out, point);
    Ok(Some(end + usize::from(text[end..].starts_with(';'))))
}

/// What the references 0x80 to 0x9f stand for: Windows' code page 1252.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn push_point(out: &mut String, point: u32) {
    match point {
        0 => out.push('\u{fffd}'),
        0x80..=0x9f => out.push(WINDOWS[(point - 0x80) as usize]),
        // References to what is no character vanish.
        1..=8 | 0xb | 0xe..=0x1f | 0x7f | 0xfdd0..=0xfdef => {}
        _ if point <= 0x10_ffff && point & 0xfffe == 0xfffe => {}
        _ => out.push(char::from_u32(point).unwrap_or('\u{fffd}')),
    }
}

/// Append what a named reference stands for, or the longest name it starts with; how many bytes it has.
fn named(out: &mut String, text: &str) -> Option<usize> {
    let stop = text.find(['\t', '\n', '\x0c', ' ', '<', '&', '#', ';']).unwrap_or(text.len());
    let name = byte_of(&text[..stop], 32);
    if name == 0 {
        return None;
    }
    let end = name + usize::from(text[name..].starts_with(';'));
    let entity = |name: &str| {
        let found = ENTITIES.binary_search_by(|(known, _)| (*known).cmp(name));
        found.ok().map(|at| ENTITIES[at].1)
    };
    if let Some(shown) = entity(&text[..end]) {
        out.push_str(shown);
        return Some(end);
    }
    for (at, _) in text[..end].char_indices().skip(2).collect::<Vec<_>>().into_iter().rev() {
        if let Some(shown) = entity(&text[..at]) {
            out.push_str(shown);
            return Some(at);
        }
    }
    None
}
