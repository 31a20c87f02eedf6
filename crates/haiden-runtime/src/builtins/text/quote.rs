//! Percent-encoding, as the filter `urlencode` does it.
//!
//! In: text, as its bytes. Out: ASCII, appended.

/// Appends `bytes` quoted: for a path (`/` stays) or, with `for_query`, for a query (spaces become `+`).
pub fn quote(out: &mut String, bytes: &[u8], for_query: bool) {
    out.reserve(bytes.len());
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(char::from(byte)),
            b'/' if !for_query => out.push('/'),
            b' ' if for_query => out.push('+'),
            _ => {
                out.push('%');
                for digit in [byte >> 4, byte & 15] {
                    out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
                }
            }
        }
    }
}
