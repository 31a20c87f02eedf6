//! `repr` and `ascii` of text, `repr` of bytes.
//!
//! In: text or bytes. Out: what Python 3.11 shows, appended to the caller's text. Invariant: a character is
//! escaped exactly if Unicode 14 calls it not printable.

use crate::python::unicode;

/// Append `repr(text)`.
pub(crate) fn write_repr(out: &mut String, text: &str) {
    quoted(out, text, unicode::is_printable);
}

/// Append `ascii(text)`.
pub(crate) fn write_ascii(out: &mut String, text: &str) {
    quoted(out, text, |c| (' '..='~').contains(&c));
}

/// Append `repr(value)` of bytes.
pub(crate) fn write_bytes_repr(out: &mut String, value: &[u8]) {
    out.reserve(value.len() + 3);
    out.push('b');
    let quote = quote_for(value);
    out.push(quote);
    for &byte in value {
        let c = char::from(byte);
        if !escape_common(out, c, quote) {
            if (b' '..=b'~').contains(&byte) {
                out.push(c);
            } else {
                push_hex(out, 'x', byte.into(), 2);
            }
        }
    }
    out.push(quote);
}

/// Append what `ascii()` makes of text that is already a `repr`: only what is not ASCII is escaped.
pub(crate) fn write_ascii_escaped(out: &mut String, shown: &str) {
    for c in shown.chars() {
        if c.is_ascii() { out.push(c) } else { escape(out, c) }
    }
}

fn quoted(out: &mut String, text: &str, shown: impl Fn(char) -> bool) {
    out.reserve(text.len() + 2);
    let quote = quote_for(text.as_bytes());
    out.push(quote);
    let mut rest = text;
    while let Some(at) = rest.find(|c| c == quote || c == '\\' || !shown(c)) {
        out.push_str(&rest[..at]);
        let mut chars = rest[at..].chars();
        if let Some(c) = chars.next()
            && !escape_common(out, c, quote)
        {
            escape(out, c);
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push(quote);
}

/// Single quotes, unless there are single quotes inside and no double ones.
fn quote_for(bytes: &[u8]) -> char {
    if memchr::memchr(b'\'', bytes).is_some() && memchr::memchr(b'"', bytes).is_none() { '"' } else { '\'' }
}

fn escape_common(out: &mut String, c: char, quote: char) -> bool {
    let letter = match c {
        '\\' => '\\',
        '\t' => 't',
        '\n' => 'n',
        '\r' => 'r',
        _ if c == quote => quote,
        _ => return false,
    };
    out.push('\\');
    out.push(letter);
    true
}

fn escape(out: &mut String, c: char) {
    let point = u32::from(c);
    match point {
        0..=0xff => push_hex(out, 'x', point, 2),
        0x100..=0xffff => push_hex(out, 'u', point, 4),
        _ => push_hex(out, 'U', point, 8),
    }
}

/// Append `\`, a letter and lower case hexadecimal digits.
pub(crate) fn push_hex(out: &mut String, letter: char, value: u32, digits: u32) {
    out.push('\\');
    out.push(letter);
    for place in (0..digits).rev() {
        let digit = (value >> (4 * place)) & 15;
        out.push(char::from(b"0123456789abcdef"[digit as usize]));
    }
}
