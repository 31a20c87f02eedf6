//! Numbers: how far they reach, and what they are worth.

use num_bigint::BigInt;

use crate::ast::Constant;

/// Python refuses to read longer decimal numbers.
const MAX_DIGITS: usize = 4300;

/// The end of `digit (_? digit)*` from `pos`, which is `pos` if there is none.
fn run(bytes: &[u8], mut pos: usize, digit: impl Fn(u8) -> bool) -> usize {
    if !bytes.get(pos).copied().is_some_and(&digit) {
        return pos;
    }
    pos += 1;
    loop {
        match bytes.get(pos) {
            Some(&byte) if digit(byte) => pos += 1,
            Some(b'_') if bytes.get(pos + 1).copied().is_some_and(&digit) => pos += 2,
            _ => return pos,
        }
    }
}

/// The end of the float at `pos`, where a digit is.
pub(crate) fn float_end(bytes: &[u8], pos: usize) -> Option<usize> {
    if pos > 0 && bytes[pos - 1] == b'.' {
        return None;
    }
    let digit = |byte: u8| byte.is_ascii_digit();
    let whole = run(bytes, pos, digit);
    let fraction = match bytes.get(whole) {
        Some(b'.') => Some(run(bytes, whole + 1, digit)).filter(|&end| end > whole + 1),
        _ => None,
    };
    let mut end = fraction.unwrap_or(whole);
    if let Some(b'e' | b'E') = bytes.get(end) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = run(bytes, end + 1 + sign, digit);
        if exponent > end + 1 + sign {
            return Some(exponent);
        }
    }
    end = fraction?;
    Some(end)
}

/// The end of the integer at `pos`, where a digit is.
pub(crate) fn integer_end(bytes: &[u8], pos: usize) -> usize {
    if bytes[pos] != b'0' {
        return run(bytes, pos, |byte| byte.is_ascii_digit());
    }
    let based = |digit: fn(u8) -> bool| {
        let from = pos + 2 + usize::from(bytes.get(pos + 2) == Some(&b'_'));
        let end = run(bytes, from, digit);
        (end > from).then_some(end)
    };
    let end = match bytes.get(pos + 1) {
        Some(b'b' | b'B') => based(|byte| matches!(byte, b'0' | b'1')),
        Some(b'o' | b'O') => based(|byte| matches!(byte, b'0'..=b'7')),
        Some(b'x' | b'X') => based(|byte| byte.is_ascii_hexdigit()),
        _ => None,
    };
    end.unwrap_or_else(|| run(bytes, pos, |byte| byte == b'0'))
}

/// Python's complaint about an integer that is too long to read.
pub(crate) fn check_integer(text: &str) -> Result<(), String> {
    if text.len() <= MAX_DIGITS || radix(text).is_some() {
        return Ok(());
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
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
    let digits = if digits.contains('_') {
        clean = digits.replace('_', "");
        clean.as_str()
    } else {
        digits
    };
    match i64::from_str_radix(digits, radix) {
        Ok(value) => Constant::Int(value),
        Err(_) => Constant::BigInt(Box::new(
            BigInt::parse_bytes(digits.as_bytes(), radix).expect("the lexer saw only digits"),
        )),
    }
}

/// The value of a float token.
pub(crate) fn float<'s>(text: &str) -> Constant<'s> {
    let value = text.replace('_', "").parse();
    Constant::Float(value.expect("the lexer's floats are a subset of Rust's"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, float: Option<usize>, integer: usize) {
        assert_eq!(float_end(source.as_bytes(), 0), float, "{source}");
        assert_eq!(integer_end(source.as_bytes(), 0), integer, "{source}");
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
        assert_eq!(float_end(b".1.2", 1), None);
    }
}
