//! String literals: Python's `unicode-escape`, as Jinja2 applies it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The value of what stands between the quotes, or Python's complaint.
///
/// `newline` is what a line break inside becomes. A backslash before a character outside ASCII gives that
/// character's escape as text, because Jinja2 encodes such characters before it decodes.
pub(crate) fn unescape<'a>(body: &'a str, newline: &str) -> Result<Cow<'a, str>, &'static str> {
    if !body.contains('\\') {
        return Ok(if newline == "\n" || !body.contains('\n') {
            Cow::Borrowed(body)
        } else {
            Cow::Owned(body.replace('\n', newline))
        });
    }
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find(['\\', '\n']) {
        out.push_str(&rest[..at]);
        let broken = rest.as_bytes()[at] == b'\n';
        rest = &rest[at + 1..];
        if broken {
            out.push_str(newline);
        } else {
            rest = escape(rest, newline, &mut out)?;
        }
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// Reads one escape, of which the backslash is gone; gives what is left.
fn escape<'a>(rest: &'a str, newline: &str, out: &mut String) -> Result<&'a str, &'static str> {
    let mut chars = rest.chars();
    let Some(c) = chars.next() else { return Err("\\ at end of string") };
    let after = chars.as_str();
    match c {
        '\n' if newline == "\n" => {}
        '\n' => {
            out.push('\\');
            out.push_str(newline);
        }
        '\\' | '\'' | '"' => out.push(c),
        'a' => out.push('\x07'),
        'b' => out.push('\x08'),
        'f' => out.push('\x0c'),
        'n' => out.push('\n'),
        'r' => out.push('\r'),
        't' => out.push('\t'),
        'v' => out.push('\x0b'),
        '0'..='7' => {
            let digits = rest.bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            let value = u32::from_str_radix(&rest[..digits], 8).unwrap_or(0);
            out.push(char::from_u32(value).unwrap_or('\0'));
            return Ok(&rest[digits..]);
        }
        'x' => return hex(after, 2, "truncated \\xXX escape", out),
        'u' => return hex(after, 4, "truncated \\uXXXX escape", out),
        'U' => return hex(after, 8, "truncated \\UXXXXXXXX escape", out),
        'N' => return named(after, out),
        _ if c.is_ascii() => {
            out.push('\\');
            out.push(c);
        }
        _ => {
            let code = u32::from(c);
            let written = match code {
                0..=0xFF => write!(out, "\\x{code:02x}"),
                0x100..=0xFFFF => write!(out, "\\u{code:04x}"),
                _ => write!(out, "\\U{code:08x}"),
            };
            written.expect("writing to a string");
        }
    }
    Ok(after)
}

fn hex<'a>(
    rest: &'a str,
    digits: usize,
    truncated: &'static str,
    out: &mut String,
) -> Result<&'a str, &'static str> {
    let text = rest.get(..digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let value = text.and_then(|text| u32::from_str_radix(text, 16).ok()).ok_or(truncated)?;
    if value > 0x10_FFFF {
        return Err("illegal Unicode character");
    }
    // Python would make a string here that no output can hold.
    out.push(char::from_u32(value).ok_or("surrogates are not allowed in strings")?);
    Ok(&rest[digits..])
}

fn named<'a>(rest: &'a str, out: &mut String) -> Result<&'a str, &'static str> {
    let malformed = "malformed \\N character escape";
    let inner = rest.strip_prefix('{').ok_or(malformed)?;
    let end = inner.find('}').filter(|&end| end > 0).ok_or(malformed)?;
    out.push(character(&inner[..end]).ok_or("unknown Unicode character name")?);
    Ok(&inner[end + 1..])
}

/// The character of a name, as `\N{…}` means it. Python takes names in any case, but not with other blanks or hyphens, as the crate does.
pub fn character(name: &str) -> Option<char> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-');
    if name.starts_with('-') || !name.bytes().all(plain) {
        return None;
    }
    let c = unicode_names2::character(name)?;
    let real = unicode_names2::name(c).map(|name| name.to_string()).unwrap_or_default();
    let letters = |name: &str| name.replace([' ', '-'], "").to_ascii_uppercase();
    // What is spelled otherwise is an alias, unless only blanks and hyphens differ.
    (real.eq_ignore_ascii_case(name) || letters(&real) != letters(name)).then_some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Result<&str, &str>) {
        assert_eq!(unescape(body, "\n").as_deref(), expected.as_deref(), "{body}");
    }

    #[test]
    fn escapes_are_pythons() {
        check(r#"a\tb\\n\x41\u2713\101\N{BULLET}\'\""#, Ok("a\tb\\nA\u{2713}A\u{2022}'\""));
        check(r"\q\d\(", Ok(r"\q\d\("));
        check("a\\\nb", Ok("ab"));
        check(r"\777\08", Ok("\u{1ff}\08"));
        check("\\\u{e9}\\\u{2713}\\\u{1f600}", Ok(r"\xe9\u2713\U0001f600"));
        check(r"\N{line feed}\N{LATIN SMALL LETTER E WITH ACUTE}", Ok("\n\u{e9}"));
        check(r"\x4", Err(r"truncated \xXX escape"));
        check(r"\u12g4", Err(r"truncated \uXXXX escape"));
        check(r"\U0011FFFF", Err("illegal Unicode character"));
        check(r"\N{}", Err(r"malformed \N character escape"));
        for name in ["NOPE", "-a", "BUL LET", "LATIN_SMALL_LETTER_A", " ", "\u{e9}", "A\u{e9}"] {
            check(&format!(r"\N{{{name}}}"), Err("unknown Unicode character name"));
        }
        check(r"\ud800", Err("surrogates are not allowed in strings"));
        assert_eq!(unescape("a\\\nb\nc", "\r\n").as_deref(), Ok("a\\\r\nb\r\nc"));
    }
}
