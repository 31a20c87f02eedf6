//! What `json.dumps` writes for text and floats, safe inside HTML if wanted.
//!
//! In: text or a float. Out: ASCII, appended.

use crate::python::number::float;
use crate::python::repr::push_hex;

/// Append text as `json.dumps` writes it; with `html_safe` without `<`, `>`, `&` and `'`, as `tojson` does.
pub(crate) fn write_string(out: &mut String, text: &str, html_safe: bool) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut rest = text;
    let plain = |b: u8| {
        matches!(b, b' '..=b'~')
            && !matches!(b, b'"' | b'\\')
            && !(html_safe && matches!(b, b'<' | b'>' | b'&' | b'\''))
    };
    while let Some(at) = rest.bytes().position(|b| !plain(b)) {
        out.push_str(&rest[..at]);
        let mut chars = rest[at..].chars();
        if let Some(c) = chars.next() {
            escape(out, c);
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// As [`write_string`], with only those characters as escapes that JSON demands: `ensure_ascii=False`.
pub(crate) fn write_string_unicode(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        if c < ' ' || matches!(c, '"' | '\\') {
            escape(out, c);
        } else {
            out.push(c);
        }
    }
    out.push('"');
}

fn escape(out: &mut String, c: char) {
    let short = match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\x0c' => "\\f",
        '\x08' => "\\b",
        _ => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                push_hex(out, 'u', u32::from(*unit), 4);
            }
            return;
        }
    };
    out.push_str(short);
}

/// Append a float as `json.dumps` writes it.
pub(crate) fn write_float(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        float::write_repr(out, value);
    }
}
