//! `str.encode` and `bytes.decode`: UTF-8, ASCII and Latin-1.
//!
//! In: text or bytes, names of an encoding and of an error handler. Out: bytes or text. Invariant: an error handler is only
//! looked up where there is an error, as in CPython.

use std::fmt::Write as _;

use crate::python::error::{Error, Result};

/// The encodings that native values know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Ascii,
    Latin1,
}

impl Encoding {
    fn of(name: &str) -> Result<Encoding> {
        let known: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        match known.trim_matches('-') {
            "utf-8" | "utf8" | "u8" | "utf" | "cp65001" => Ok(Encoding::Utf8),
            "ascii" | "us-ascii" | "646" => Ok(Encoding::Ascii),
            "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" => {
                Ok(Encoding::Latin1)
            }
            _ => Err(Error::Lookup(format!("unknown encoding: {name}").into())),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Ascii => "ascii",
            Encoding::Latin1 => "latin-1",
        }
    }

    /// The first code point that it has no byte for.
    fn end(self) -> u32 {
        match self {
            Encoding::Utf8 => u32::MAX,
            Encoding::Ascii => 0x80,
            Encoding::Latin1 => 0x100,
        }
    }
}

fn unknown_handler(errors: &str) -> Error {
    Error::Lookup(format!("unknown error handler name '{errors}'").into())
}

/// `text.encode(encoding, errors)`.
pub(crate) fn encode(text: &str, encoding: &str, errors: &str) -> Result<Vec<u8>> {
    let encoding = Encoding::of(encoding)?;
    if encoding == Encoding::Utf8 || text.is_ascii() {
        return Ok(text.as_bytes().to_vec());
    }
    let mut out = Vec::with_capacity(text.len());
    for (place, c) in text.chars().enumerate() {
        let code = u32::from(c);
        if code < encoding.end() {
            out.push(code as u8);
            continue;
        }
        match errors {
            "ignore" => {}
            "replace" => out.push(b'?'),
            "xmlcharrefreplace" => out.extend(format!("&#{code};").into_bytes()),
            "backslashreplace" => out.extend(escaped(code).into_bytes()),
            "strict" | "surrogateescape" | "surrogatepass" => {
                let (name, shown, end) = (encoding.name(), escaped(code), encoding.end());
                let message = format!(
                    "'{name}' codec can't encode character '{shown}' in position {place}: ordinal not in range({end})"
                );
                return Err(Error::UnicodeEncode(message.into()));
            }
            _ => return Err(unknown_handler(errors)),
        }
    }
    Ok(out)
}

/// A code point as a literal has it.
fn escaped(code: u32) -> String {
    match code {
        0..=0xFF => format!("\\x{code:02x}"),
        0x100..=0xFFFF => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    }
}

/// `bytes.decode(encoding, errors)`.
pub(crate) fn decode(bytes: &[u8], encoding: &str, errors: &str) -> Result<String> {
    if bytes.is_empty() {
        // CPython does not ask for the encoding of nothing.
        return Ok(String::new());
    }
    let encoding = Encoding::of(encoding)?;
    if encoding == Encoding::Latin1 {
        return Ok(bytes.iter().map(|&byte| char::from(byte)).collect());
    }
    let mut out = String::with_capacity(bytes.len());
    let mut place = 0;
    if encoding == Encoding::Ascii {
        for (place, &byte) in bytes.iter().enumerate() {
            if byte.is_ascii() {
                out.push(char::from(byte));
            } else {
                let error = || undecodable("ascii", &[byte], place, "ordinal not in range(128)");
                handle(&mut out, &[byte], errors, error)?;
            }
        }
        return Ok(out);
    }
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        place += chunk.valid().len();
        let invalid = chunk.invalid();
        if let Some(&first) = invalid.first() {
            let starts = matches!(first, 0xC2..=0xF4);
            let at_end = place + invalid.len() == bytes.len();
            let why = match (starts, at_end) {
                (false, _) => "invalid start byte",
                (true, true) => "unexpected end of data",
                (true, false) => "invalid continuation byte",
            };
            handle(&mut out, invalid, errors, || undecodable("utf-8", invalid, place, why))?;
        }
        place += invalid.len();
    }
    Ok(out)
}

fn undecodable(encoding: &str, invalid: &[u8], place: usize, why: &str) -> Error {
    let what = match invalid {
        [byte] => format!("byte 0x{byte:02x} in position {place}"),
        _ => format!("bytes in position {place}-{}", place + invalid.len().saturating_sub(1)),
    };
    let message = format!("'{encoding}' codec can't decode {what}: {why}");
    Error::UnicodeDecode(message.into())
}

/// What becomes of bytes that mean nothing.
fn handle(out: &mut String, invalid: &[u8], errors: &str, error: impl FnOnce() -> Error) -> Result<()> {
    match errors {
        "ignore" => {}
        "replace" => out.push('\u{FFFD}'),
        "backslashreplace" => {
            for byte in invalid {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
        "strict" | "surrogateescape" | "surrogatepass" => return Err(error()),
        _ => return Err(unknown_handler(errors)),
    }
    Ok(())
}
