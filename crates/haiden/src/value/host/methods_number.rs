//! Methods of integers and floats that templates call.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::python::number::{Int, Number};
use crate::value::host::NativeHost;
use crate::value::word::Word;

impl NativeHost {
    /// `receiver.name(…)` of a number.
    pub(super) fn number_method(
        &mut self,
        receiver: Word,
        name: &str,
        positional: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        if let ("to_bytes", Some(Number::Int(value))) = (name, self.number(receiver)) {
            return self.bytes_of(&value, positional, keywords);
        }
        if !positional.is_empty() || !keywords.is_empty() {
            return Err(super::arity::wrong_call(self.type_name(receiver), name, positional.len(), keywords));
        }
        Ok(match (name, self.number(receiver)) {
            ("conjugate", Some(number)) => self.new_number(number),
            ("is_integer", Some(Number::Float(value))) => {
                Word::Bool(value.is_finite() && value.fract() == 0.0)
            }
            ("bit_length", Some(Number::Int(value))) => Word::Int(value.bit_length() as i64),
            ("bit_count", Some(Number::Int(Int::Small(value)))) => {
                Word::Int(i64::from(value.unsigned_abs().count_ones()))
            }
            ("bit_count", Some(Number::Int(Int::Big(value)))) => {
                Word::Int(value.magnitude().count_ones() as i64)
            }
            ("as_integer_ratio", Some(Number::Float(value))) => return self.ratio_of(value),
            ("as_integer_ratio", Some(number)) => {
                let number = self.new_number(number);
                return self.new_tuple(&[number, Word::Int(1)]);
            }
            ("hex", Some(Number::Float(value))) => return self.new_text(&hex_of(value), false),
            _ => {
                let class = self.type_name(receiver);
                return Err(Error::new(
                    ErrorKind::Attribute,
                    format!("{class}.{name} is not available for native values"),
                ));
            }
        })
    }

    /// `int.to_bytes(length=1, byteorder='big', *, signed=False)`
    fn bytes_of(
        &mut self,
        value: &Int,
        positional: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        const NAMES: [&str; 3] = ["length", "byteorder", "signed"];
        if positional.len() > 2 || keywords.iter().any(|(name, _)| !NAMES.contains(&&**name)) {
            return Err(super::arity::wrong_call("int", "to_bytes", positional.len(), keywords));
        }
        if let Some(place) =
            (0..positional.len()).find(|&place| keywords.iter().any(|(name, _)| **name == *NAMES[place]))
        {
            return Err(super::arity::given_twice("to_bytes", NAMES[place], place + 1));
        }
        let given = |place: usize| {
            let named = keywords.iter().find(|(name, _)| **name == *NAMES[place]).map(|(_, word)| *word);
            positional.get(place).copied().or(named)
        };
        let length = given(0).map_or(Ok(1), |length| self.whole(length))?;
        let big = match given(1) {
            None => true,
            Some(Word::Str(order)) => match self.str(order) {
                "big" => true,
                "little" => false,
                _ => {
                    let message = "byteorder must be either 'little' or 'big'";
                    return Err(Error::new(ErrorKind::Value, message));
                }
            },
            Some(other) => {
                let name = self.type_name(other);
                let message = format!("to_bytes() argument 'byteorder' must be str, not {name}");
                return Err(Error::new(ErrorKind::Type, message));
            }
        };
        let signed = given(2).map_or(Ok(false), |signed| self.is_true(signed))?;
        let length = usize::try_from(length)
            .map_err(|_| Error::new(ErrorKind::Value, "length argument must be non-negative"))?;
        if length > self.limits.size {
            return Err(self.too_many());
        }
        let value = value.to_big();
        if !signed && value.sign() == num_bigint::Sign::Minus {
            return Err(Error::new(ErrorKind::Overflow, "can't convert negative int to unsigned"));
        }
        let negative = value.sign() == num_bigint::Sign::Minus;
        let mut bytes = if signed { value.to_signed_bytes_le() } else { value.to_bytes_le().1 };
        // Zero needs no byte at all.
        if value.sign() == num_bigint::Sign::NoSign {
            bytes.clear();
        }
        if bytes.len() > length {
            return Err(Error::new(ErrorKind::Overflow, "int too big to convert"));
        }
        bytes.resize(length, if negative { 0xFF } else { 0 });
        if big {
            bytes.reverse();
        }
        self.new_bytes(bytes)
    }

    /// `float.as_integer_ratio()`
    fn ratio_of(&mut self, value: f64) -> Result<Word, Error> {
        if !value.is_finite() {
            return Err(if value.is_nan() {
                Error::new(ErrorKind::Value, "cannot convert NaN to integer ratio")
            } else {
                Error::new(ErrorKind::Overflow, "cannot convert Infinity to integer ratio")
            });
        }
        // Multiplying by two is exact, and a float has fewer than 1100 binary digits behind the point.
        let (mut numerator, mut halvings) = (value, 0_u32);
        while numerator.fract() != 0.0 {
            numerator *= 2.0;
            halvings += 1;
        }
        let numerator = self.new_number(Number::Int(Int::from_f64(numerator)?));
        let denominator = self.new_number(Number::Int(Int::from(num_bigint::BigInt::from(1) << halvings)));
        self.new_tuple(&[numerator, denominator])
    }
}

/// `float.hex()`
fn hex_of(value: f64) -> String {
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return format!("{sign}inf");
    }
    if value == 0.0 {
        return format!("{sign}0x0.0p+0");
    }
    let bits = value.to_bits();
    let (exponent, mantissa) = ((bits >> 52 & 0x7FF) as i64, bits & ((1 << 52) - 1));
    let (first, exponent) = if exponent == 0 { (0, -1022) } else { (1, exponent - 1023) };
    format!("{sign}0x{first}.{mantissa:013x}p{exponent:+}")
}
