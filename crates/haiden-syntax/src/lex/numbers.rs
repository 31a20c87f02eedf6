//! Numbers: how far they reach, and what they are worth.

use num_bigint::BigInt;

use crate::ast::Constant;

/// Python refuses to read longer decimal numbers.
const MAX_DIGITS: usize = 4300;

/// The end of `digit (_? digit)*` from `pos`, which is `pos` if there is none.
fn run(text: &str, mut pos: usize, digit: impl Fn(char) -> bool) -> usize {
    let mut rest = text[pos..].chars();
    let Some(first) = rest.next().filter(|&c| digit(c)) else { return pos };
    pos += first.len_utf8();
    loop {
        let gap = usize::from(rest.as_str().starts_with('_'));
        match rest.nth(gap) {
            Some(c) if digit(c) => pos += gap + c.len_utf8(),
            _ => return pos,
        }
    }
}

/// The end of the float at `pos`, where a digit is. As in Python, a digit is any decimal digit of Unicode.
pub(crate) fn float_end(text: &str, pos: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    if pos > 0 && bytes[pos - 1] == b'.' {
        return None;
    }
    let whole = run(text, pos, is_decimal);
    let fraction = match bytes.get(whole) {
        Some(b'.') => Some(run(text, whole + 1, is_decimal)).filter(|&end| end > whole + 1),
        Some(b'e' | b'E') => None,
        _ => return None,
    };
    let end = fraction.unwrap_or(whole);
    if let Some(b'e' | b'E') = bytes.get(end) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = run(text, end + 1 + sign, is_decimal);
        if exponent > end + 1 + sign {
            return Some(exponent);
        }
    }
    fraction
}

/// The end of the integer at `pos`, or `pos` if there is none.
pub(crate) fn integer_end(text: &str, pos: usize) -> usize {
    let bytes = text.as_bytes();
    if bytes[pos] != b'0' {
        // Only the first digit has to be one of ours.
        return if bytes[pos].is_ascii_digit() { run(text, pos, is_decimal) } else { pos };
    }
    let based = |digit: fn(char) -> bool| {
        let from = pos + 2 + usize::from(bytes.get(pos + 2) == Some(&b'_'));
        let end = run(text, from, digit);
        (end > from).then_some(end)
    };
    let end = match bytes.get(pos + 1) {
        Some(b'b' | b'B') => based(|c| matches!(c, '0' | '1')),
        Some(b'o' | b'O') => based(|c| matches!(c, '0'..='7')),
        Some(b'x' | b'X') => based(|c| c.is_ascii_hexdigit() || is_decimal(c)),
        _ => None,
    };
    end.unwrap_or_else(|| run(text, pos, |c| c == '0'))
}

/// Python's complaint about an integer that is too long to read.
pub(crate) fn check_integer(text: &str) -> Result<(), String> {
    if text.len() <= MAX_DIGITS || radix(text).is_some() {
        return Ok(());
    }
    let digits = text.chars().filter(|&c| c != '_').count();
    if digits <= MAX_DIGITS {
        return Ok(());
    }
    Err(format!(
        "Exceeds the limit ({MAX_DIGITS} digits) for integer string conversion: value has {digits} digits; \
         use sys.set_int_max_str_digits() to increase the limit"
    ))
}

fn radix(text: &str) -> Option<u32> {
    match text.as_bytes().get(1)? {
        b'b' | b'B' => Some(2),
        b'o' | b'O' => Some(8),
        b'x' | b'X' => Some(16),
        _ => None,
    }
}

/// The value of an integer token.
pub(crate) fn integer<'s>(text: &str) -> Constant<'s> {
    let (digits, radix) = match radix(text) {
        Some(radix) => (&text[2..], radix),
        None => (text, 10),
    };
    let clean;
    let digits = if digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        digits
    } else {
        clean = plain(digits);
        clean.as_str()
    };
    match i64::from_str_radix(digits, radix) {
        Ok(value) => Constant::Int(value),
        Err(_) => Constant::BigInt(Box::new(
            BigInt::parse_bytes(digits.as_bytes(), radix).expect("the lexer saw only digits"),
        )),
    }
}

/// Python's complaint about a float with foreign digits, which its lexer takes and its parser does not.
pub(crate) fn check_float(text: &str) -> Result<(), String> {
    match text.chars().find(|c| !c.is_ascii()) {
        Some(c) => Err(format!("invalid character '{c}' (U+{:04X})", u32::from(c))),
        None => Ok(()),
    }
}

/// The value of a float token.
pub(crate) fn float<'s>(text: &str) -> Constant<'s> {
    let value = if text.contains('_') { plain(text).parse() } else { text.parse() };
    Constant::Float(value.expect("the lexer's floats are a subset of Rust's"))
}

/// Without underscores, and with our own digits.
fn plain(digits: &str) -> String {
    let ours = |c: char| match zero_of(c) {
        Some(zero) => char::from_digit(u32::from(c) - zero, 10).unwrap_or(c),
        None => c,
    };
    digits.chars().filter(|&c| c != '_').map(ours).collect()
}

/// Whether `\d` matches.
#[inline]
pub(crate) fn is_decimal(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && zero_of(c).is_some())
}

/// The zero of the digits that `c` belongs to, if it is one outside ASCII.
fn zero_of(c: char) -> Option<u32> {
    let code = u32::from(c);
    let next = ZEROS.partition_point(|&zero| zero <= code);
    next.checked_sub(1).map(|index| ZEROS[index]).filter(|zero| code - zero < 10)
}

/// The zeros outside ASCII (Unicode 14, as CPython 3.11).
const ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50,
    0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0,
    0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50,
    0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140,
    0x1e2f0, 0x1e950, 0x1fbf0,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, float: Option<usize>, integer: usize) {
        assert_eq!(float_end(source, 0), float, "{source}");
        assert_eq!(integer_end(source, 0), integer, "{source}");
    }

    #[test]
    fn numbers_end_where_jinja_ends_them() {
        check("1_000.5", Some(7), 5);
        check("1__0", None, 1);
        check("1.e3", None, 1);
        check("1.5e", Some(3), 1);
        check("1e+5", Some(4), 1);
        check("1.5_e3", Some(3), 1);
        check("0x_fg", None, 4);
        check("0b2", None, 1);
        check("0_0", None, 3);
        check("007", None, 2);
        check("1\u{663}", None, 3);
        check("\u{661}.\u{662}", Some(5), 0);
        assert_eq!(float_end(".1.2", 1), None);
        assert_eq!(integer("1_\u{663}"), Constant::Int(13));
        assert_eq!(integer("0x\u{663}f"), Constant::Int(63));
    }
}
