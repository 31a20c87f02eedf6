//! `template % values`.
//!
//! In: a template, a source of values, a limit in bytes. Out: text, appended. Invariant: which value goes
//! where, and each error, are as in Python; what a value's `str` is, the source says.

use crate::python::error::{Error, Result};
use crate::python::format::{char_of, float};
use crate::python::number::Int;
use crate::python::text::index::{byte_of, len};
use crate::python::text::pad::push_fill;

/// What a value is to `%`.
#[derive(Clone, Debug)]
pub(crate) enum Kind<'a> {
    /// An int or bool.
    Int(Int),
    /// A float.
    Float(f64),
    /// A str.
    Text(&'a str),
    /// Anything else.
    Other,
}

/// How a value becomes text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// `str(value)`.
    Str,
    /// `repr(value)`.
    Repr,
    /// `ascii(value)`.
    Ascii,
}

/// The right side of `%`.
pub(crate) trait Values {
    /// A value.
    type Value;
    /// What goes wrong in values; ours among it.
    type Error: From<Error>;

    /// How many values the tuple has; `None` if the right side is no tuple.
    fn tuple_len(&self) -> Option<usize>;
    /// A value of the tuple; for 0 the right side itself if it is no tuple.
    fn positional(&mut self, index: usize) -> std::result::Result<Self::Value, Self::Error>;
    /// Whether the right side can be asked for keys (and is neither tuple nor str).
    fn is_mapping(&self) -> bool;
    /// The value of a key.
    fn keyed(&mut self, key: &str) -> std::result::Result<Self::Value, Self::Error>;
    /// What the value is.
    fn kind<'a>(&'a self, value: &'a Self::Value) -> Kind<'a>;
    /// What it is instead of a number that is required, if that is an error of its own.
    fn refuse(&self, _value: &Self::Value) -> std::result::Result<(), Self::Error> {
        Ok(())
    }
    /// What `int(value)` gives, for values that stand behind MarkupSafe's helper, which is no number itself; an inner
    /// `None` is its `TypeError`. Outer `None`: values are what they are.
    fn helped_int(&self, _value: &Self::Value) -> Option<std::result::Result<Option<Int>, Self::Error>> {
        None
    }
    /// What `float(value)` gives, for such values.
    fn helped_float(&self, _value: &Self::Value) -> Option<std::result::Result<f64, Self::Error>> {
        None
    }
    /// The name of the value's type.
    fn type_name(&self, value: &Self::Value) -> String;
    /// Append the value's text.
    fn write(
        &mut self,
        out: &mut String,
        value: &Self::Value,
        how: Conversion,
    ) -> std::result::Result<(), Self::Error>;
}

/// One conversion of the template, parsed.
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the conversion")]
#[derive(Clone, Debug, Default)]
struct Field {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// Which value is next.
enum Next<V> {
    /// This one of the tuple or, for 0, the right side as a whole.
    Index(usize),
    /// The value of the last key.
    Key(V),
    /// There is none: the value of a key, or the whole, was taken.
    None,
}

struct Formatter<'t, 'v, V: Values> {
    template: &'t str,
    at: usize,
    values: &'v mut V,
    next: Next<V::Value>,
    max_bytes: usize,
}

/// Append `template % values`.
pub(crate) fn format<V: Values>(
    out: &mut String,
    template: &str,
    values: &mut V,
    max_bytes: usize,
) -> std::result::Result<(), V::Error> {
    let mut formatter = Formatter { template, at: 0, values, next: Next::Index(0), max_bytes };
    let start = out.len();
    while let Some(found) = memchr::memchr(b'%', &template.as_bytes()[formatter.at..]) {
        out.push_str(&template[formatter.at..formatter.at + found]);
        formatter.at += found + 1;
        formatter.field(out)?;
        if out.len() - start > max_bytes {
            return Err(Error::TooLarge.into());
        }
    }
    out.push_str(&template[formatter.at..]);
    formatter.finish()
}

fn type_error(text: &'static str) -> Error {
    Error::Type(text.into())
}

fn value_error(text: &'static str) -> Error {
    Error::Value(text.into())
}

impl<V: Values> Formatter<'_, '_, V> {
    fn finish(self) -> std::result::Result<(), V::Error> {
        let left = match self.next {
            Next::Index(index) => index < self.values.tuple_len().unwrap_or(1),
            Next::Key(_) => true,
            Next::None => false,
        };
        if left && !self.values.is_mapping() {
            return Err(type_error("not all arguments converted during string formatting").into());
        }
        Ok(())
    }

    fn peek(&self) -> Result<char> {
        self.template[self.at..].chars().next().ok_or_else(|| value_error("incomplete format"))
    }

    fn skip(&mut self, c: char) {
        self.at += c.len_utf8();
    }

    fn value(&mut self) -> std::result::Result<V::Value, V::Error> {
        let missing = || type_error("not enough arguments for format string");
        let tuple = self.values.tuple_len();
        match std::mem::replace(&mut self.next, Next::None) {
            Next::Key(value) => Ok(value),
            Next::Index(index) if index < tuple.unwrap_or(1) => {
                if tuple.is_some() {
                    self.next = Next::Index(index + 1);
                }
                self.values.positional(index)
            }
            Next::Index(index) => {
                self.next = Next::Index(index);
                Err(missing().into())
            }
            Next::None => Err(missing().into()),
        }
    }

    fn field(&mut self, out: &mut String) -> std::result::Result<(), V::Error> {
        if self.template[self.at..].starts_with('%') {
            out.push('%');
            self.at += 1;
            return Ok(());
        }
        if self.template[self.at..].starts_with('(') {
            self.key()?;
        }
        let mut field = Field::default();
        self.flags(&mut field)?;
        self.width(&mut field)?;
        self.precision(&mut field)?;
        if let Ok(c @ ('h' | 'l' | 'L')) = self.peek() {
            self.skip(c);
        }
        let kind = self.peek()?;
        self.skip(kind);
        let value = self.value()?;
        self.convert(out, &field, kind, &value)
    }

    fn key(&mut self) -> std::result::Result<(), V::Error> {
        if !self.values.is_mapping() {
            return Err(type_error("format requires a mapping").into());
        }
        let start = self.at + 1;
        let mut depth = 0usize;
        for (at, byte) in self.template.bytes().enumerate().skip(self.at) {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.next = Next::Key(self.values.keyed(&self.template[start..at])?);
                self.at = at + 1;
                return Ok(());
            }
        }
        Err(value_error("incomplete format key").into())
    }

    fn flags(&mut self, field: &mut Field) -> Result<()> {
        loop {
            match self.peek()? {
                '-' => field.left = true,
                '+' => field.plus = true,
                ' ' => field.space = true,
                '#' => field.alternate = true,
                '0' => field.zero = true,
                _ => return Ok(()),
            }
            self.at += 1;
        }
    }

    fn star(&mut self) -> std::result::Result<i64, V::Error> {
        self.at += 1;
        let value = self.value()?;
        let Kind::Int(number) = self.values.kind(&value) else {
            return Err(type_error("* wants int").into());
        };
        number.to_i64().ok_or(Error::Overflow("Python int too large to convert to C ssize_t").into())
    }

    fn digits(&mut self, max: i64, too_big: &'static str) -> Result<Option<usize>> {
        let mut value = None;
        while let Some(byte @ b'0'..=b'9') = self.template.as_bytes().get(self.at) {
            let digit = i64::from(byte - b'0');
            let next = value
                .unwrap_or(0i64)
                .checked_mul(10)
                .and_then(|n| n.checked_add(digit))
                .filter(|&n| n <= max);
            value = Some(next.ok_or_else(|| value_error(too_big))?);
            self.at += 1;
        }
        Ok(value.map(|value| value as usize))
    }

    fn width(&mut self, field: &mut Field) -> std::result::Result<(), V::Error> {
        if self.peek()? == '*' {
            let width = self.star()?;
            field.left |= width < 0;
            field.width = width.unsigned_abs() as usize;
        } else {
            field.width = self.digits(i64::MAX, "width too big")?.unwrap_or(0);
        }
        if field.width > self.max_bytes {
            return Err(Error::TooLarge.into());
        }
        Ok(())
    }

    fn precision(&mut self, field: &mut Field) -> std::result::Result<(), V::Error> {
        if !self.template[self.at..].starts_with('.') {
            return Ok(());
        }
        self.at += 1;
        let precision = if self.peek()? == '*' {
            let precision = self.star()?;
            if precision > i64::from(i32::MAX) {
                return Err(Error::Overflow("Python int too large to convert to C int").into());
            }
            precision.max(0) as usize
        } else {
            self.digits(i32::MAX.into(), "precision too big")?.unwrap_or(0)
        };
        field.precision = Some(precision);
        Ok(())
    }

    fn convert(
        &mut self,
        out: &mut String,
        field: &Field,
        kind: char,
        value: &V::Value,
    ) -> std::result::Result<(), V::Error> {
        let how = match kind {
            's' => Conversion::Str,
            'r' => Conversion::Repr,
            'a' => Conversion::Ascii,
            'c' => {
                let field = Field { precision: None, ..field.clone() };
                write_text(out, &field, self.character(value)?.encode_utf8(&mut [0; 4]));
                return Ok(());
            }
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' => {
                if matches!(kind, 'd' | 'i' | 'u') {
                    self.values.refuse(value)?;
                }
                let number = self.integer(kind, value)?;
                return Ok(write_int(out, field, kind, &number, self.max_bytes)?);
            }
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                self.values.refuse(value)?;
                let number = self.float(value)?;
                return Ok(write_float(out, field, kind, number, self.max_bytes)?);
            }
            _ => return Err(self.unsupported(kind).into()),
        };
        if field.width == 0 && field.precision.is_none() {
            return self.values.write(out, value, how);
        }
        let mut text = String::new();
        self.values.write(&mut text, value, how)?;
        write_text(out, field, &text);
        Ok(())
    }

    fn unsupported(&self, kind: char) -> Error {
        let shown = if ('\x1f'..='~').contains(&kind) { kind } else { '?' };
        let index = len(&self.template[..self.at]) - 1;
        let code = u32::from(kind);
        Error::Value(format!("unsupported format character '{shown}' (0x{code:x}) at index {index}").into())
    }

    fn character(&self, value: &V::Value) -> Result<char> {
        let wanted = || type_error("%c requires int or char");
        match self.values.kind(value) {
            Kind::Text(text) => {
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => Ok(c),
                    _ => Err(wanted()),
                }
            }
            Kind::Int(number) => char_of(number.to_i64().unwrap_or(-1)),
            _ => Err(wanted()),
        }
    }

    fn integer(&self, kind: char, value: &V::Value) -> std::result::Result<Int, V::Error> {
        let decimal = matches!(kind, 'd' | 'i' | 'u');
        if decimal
            && let Some(helped) = self.values.helped_int(value)
            && let Some(number) = helped?
        {
            return Ok(number);
        }
        match self.values.kind(value) {
            Kind::Int(number) => Ok(number),
            Kind::Float(number) if decimal => Ok(Int::from_f64(number)?),
            _ => {
                let wanted = if decimal { "a real number" } else { "an integer" };
                let got = self.values.type_name(value);
                Err(Error::Type(format!("%{kind} format: {wanted} is required, not {got}").into()).into())
            }
        }
    }

    fn float(&self, value: &V::Value) -> std::result::Result<f64, V::Error> {
        if let Some(helped) = self.values.helped_float(value) {
            return helped;
        }
        match self.values.kind(value) {
            Kind::Int(number) => Ok(number.to_f64()?),
            Kind::Float(number) => Ok(number),
            _ => {
                let got = self.values.type_name(value);
                Err(Error::Type(format!("must be real number, not {got}").into()).into())
            }
        }
    }
}

fn write_text(out: &mut String, field: &Field, text: &str) {
    let shown = field.precision.map_or(text, |precision| &text[..byte_of(text, precision)]);
    let missing = if field.width == 0 { 0 } else { field.width.saturating_sub(len(shown)) };
    if !field.left {
        push_fill(out, ' ', missing);
    }
    out.push_str(shown);
    if field.left {
        push_fill(out, ' ', missing);
    }
}

fn write_int(out: &mut String, field: &Field, kind: char, value: &Int, max_bytes: usize) -> Result<()> {
    let (base, prefix) = match kind {
        'o' => (8, "0o"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let mut digits = String::new();
    value.write_magnitude(&mut digits, base)?;
    if kind == 'X' {
        digits.make_ascii_uppercase();
    }
    let precision = field.precision.unwrap_or(0);
    if precision > (i32::MAX - 3) as usize {
        return Err(value_error("prec too large"));
    }
    if precision > max_bytes {
        return Err(Error::TooLarge);
    }
    let zeros = precision.saturating_sub(digits.len());
    let prefix = if field.alternate { prefix } else { "" };
    write_number(out, field, value.is_negative(), prefix, zeros, &digits);
    Ok(())
}

fn write_float(out: &mut String, field: &Field, kind: char, value: f64, max_bytes: usize) -> Result<()> {
    let options = float::Options {
        kind,
        precision: field.precision.unwrap_or(6),
        alternate: field.alternate,
        point_zero: false,
    };
    let mut digits = String::new();
    float::write_magnitude(&mut digits, value, options, max_bytes)?;
    write_number(out, field, value.is_sign_negative() && !value.is_nan(), "", 0, &digits);
    Ok(())
}

/// Append sign, prefix, zeros and digits in the field.
fn write_number(out: &mut String, field: &Field, negative: bool, prefix: &str, zeros: usize, digits: &str) {
    let sign = if negative {
        "-"
    } else if field.plus {
        "+"
    } else if field.space {
        " "
    } else {
        ""
    };
    let missing = field.width.saturating_sub(sign.len() + prefix.len() + zeros + digits.len());
    if !field.left && !field.zero {
        push_fill(out, ' ', missing);
    }
    out.push_str(sign);
    out.push_str(prefix);
    if !field.left && field.zero {
        push_fill(out, '0', missing);
    }
    push_fill(out, '0', zeros);
    out.push_str(digits);
    if field.left {
        push_fill(out, ' ', missing);
    }
}
