//! Python's `bytes`, as text in which each byte is one character (Latin-1).
//!
//! In: such a text, or bytes. Out: what the methods make that are not those of text: only ASCII has letters, digits and white
//! space here. Invariant: as many characters as bytes.

use crate::python::error::{Error, Result};
use crate::python::text::classify;

/// The white space of bytes.
pub(crate) const SPACES: &str = "\t\n\r\u{b}\u{c} ";

/// Is it white space?
pub(crate) fn is_space(c: char) -> bool {
    SPACES.contains(c)
}

/// Bytes as a text of as many characters.
pub(crate) fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// `bytes.hex(separator, group)`: groups are counted from the end, those of a negative number from the start.
pub(crate) fn hex(bytes: &[u8], separator: Option<char>, group: i64) -> String {
    let size = usize::try_from(group.unsigned_abs()).unwrap_or(usize::MAX);
    let mut text = String::with_capacity(bytes.len() * 2);
    for (place, &byte) in bytes.iter().enumerate() {
        let counted = if group < 0 { place } else { bytes.len() - place };
        if let Some(separator) = separator
            && place > 0
            && size > 0
            && counted % size == 0
        {
            text.push(separator);
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
    }
    text
}

/// What methods make that change letters only.
pub(crate) fn same_length(whole: &str, name: &str) -> Option<String> {
    Some(match name {
        "upper" => whole.to_ascii_uppercase(),
        "lower" => whole.to_ascii_lowercase(),
        "swapcase" => {
            let swap = |c: char| {
                if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
            };
            whole.chars().map(swap).collect()
        }
        "capitalize" | "title" => {
            let mut inside = false;
            let change = |c: char| {
                let changed = if inside { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
                inside = name == "capitalize" || c.is_ascii_alphabetic();
                changed
            };
            whole.chars().map(change).collect()
        }
        _ => return None,
    })
}

/// `bytes.is…()`: what is not ASCII is of no class, nor are the separators that are white space in text.
pub(crate) fn classified(whole: &str, name: &str) -> bool {
    let plain = |c: char| if c.is_ascii() && !matches!(c, '\u{1c}'..='\u{1f}') { c } else { '\u{80}' };
    let text: String = whole.chars().map(plain).collect();
    match name {
        "isalnum" => classify::is_alnum(&text),
        "isalpha" => classify::is_alpha(&text),
        "isdigit" => classify::is_digit(&text),
        "islower" => classify::is_lower(&text),
        "isspace" => classify::is_space(&text),
        "istitle" => classify::is_title(&text),
        "isupper" => classify::is_upper(&text),
        _ => whole.is_ascii(),
    }
}

/// `bytes.fromhex(text)`: white space may stand between bytes.
pub(crate) fn from_hex(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut rest = text.chars().enumerate();
    while let Some((place, c)) = rest.next() {
        if is_space(c) {
            continue;
        }
        let wrong = |place: usize| {
            let message = format!("non-hexadecimal number found in fromhex() arg at position {place}");
            Error::Value(message.into())
        };
        let high = c.to_digit(16).ok_or_else(|| wrong(place))?;
        let low = rest.next().and_then(|(_, c)| c.to_digit(16)).ok_or_else(|| wrong(place + 1))?;
        bytes.push((high * 16 + low) as u8);
    }
    Ok(bytes)
}
