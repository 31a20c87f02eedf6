//! What is known of constant expressions while they are compiled, as far as a decision of Jinja2's compiler hangs on it.
//!
//! In: literals, operators. Out: a value, if it is small enough to be worth computing. Invariant: what is known is what Python
//! computes; whatever is in doubt (rounding, errors, sizes) is not known.

use std::borrow::Cow;
use std::cmp::Ordering;

use haiden_syntax::ast::{BinaryOp, CompareOp, Constant, UnaryOp};
use num_bigint::BigInt;
use num_traits::{FromPrimitive, Signed, ToPrimitive, Zero};

/// Integers are computed up to this many bits.
const MAX_BITS: u64 = 4096;

/// Texts are computed up to this many bytes.
const MAX_TEXT: usize = 4096;

/// Dictionaries are computed up to this many pairs.
const MAX_PAIRS: usize = 32;

/// What Jinja2 would know of an expression's value while it compiles.
#[derive(Clone, Debug)]
pub(super) enum Fold<'t> {
    /// Nothing: it depends on the run.
    No,
    /// The value, which we do not compute.
    Yes,
    /// The value, of which we know whether it counts as true.
    Truth(bool),
    /// The value, and so do we.
    Value(Known<'t>),
}

/// The value of a constant expression; `True` and `False` are integers.
#[derive(Clone, Debug)]
pub(super) enum Known<'t> {
    None,
    Int(BigInt),
    Float(f64),
    Str(Cow<'t, str>),
    List(Vec<Fold<'t>>),
    Tuple(Vec<Fold<'t>>),
    /// No key twice.
    Dict(Vec<(Known<'t>, Fold<'t>)>),
}

impl<'t> Fold<'t> {
    pub(super) fn is_constant(&self) -> bool {
        !matches!(self, Fold::No)
    }

    /// Whether it counts as true, if that is known.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Fold::No | Fold::Yes => None,
            Fold::Truth(truth) => Some(*truth),
            Fold::Value(value) => Some(value.truth()),
        }
    }

    /// The value, if we know it.
    pub(super) fn value(&self) -> Option<&Known<'t>> {
        match self {
            Fold::Value(value) => Some(value),
            _ => None,
        }
    }

    /// A constant: with this value, or with one that is not computed.
    pub(super) fn of(value: Option<Known<'t>>) -> Fold<'t> {
        value.map_or(Fold::Yes, Fold::Value)
    }
}

impl From<bool> for Known<'_> {
    fn from(value: bool) -> Self {
        Known::Int(BigInt::from(u8::from(value)))
    }
}

impl<'t> Known<'t> {
    /// A literal's.
    pub(super) fn literal(value: &'t Constant<'_>) -> Option<Self> {
        Some(match value {
            Constant::None => Known::None,
            Constant::Bool(value) => Known::from(*value),
            Constant::Int(value) => Known::Int(BigInt::from(*value)),
            Constant::BigInt(value) => Known::Int(BigInt::clone(value)),
            Constant::Float(value) => Known::Float(*value),
            Constant::Str(value) => Known::Str(Cow::Borrowed(value)),
            Constant::Object(_) => return None,
        })
    }

    /// A dictionary's; of equal keys the first one stays, with the last value.
    pub(super) fn dict(pairs: Vec<(Fold<'t>, Fold<'t>)>) -> Fold<'t> {
        let is_empty = pairs.is_empty();
        let mut dict: Vec<(Known<'t>, Fold<'t>)> = Vec::new();
        for (key, value) in pairs {
            let Fold::Value(key @ (Known::None | Known::Int(_) | Known::Float(_) | Known::Str(_))) = key
            else {
                return Fold::Truth(!is_empty);
            };
            if let Some(place) = dict.iter_mut().find(|(other, _)| other.equals(&key) == Some(true)) {
                place.1 = value;
            } else if dict.len() < MAX_PAIRS {
                dict.push((key, value));
            } else {
                return Fold::Truth(true);
            }
        }
        Fold::Value(Known::Dict(dict))
    }

    /// The item under a key or an index, if there is one.
    pub(super) fn item(&self, key: &Self) -> Option<Fold<'t>> {
        match (self, key) {
            (Known::Str(text), Known::Int(index)) => {
                let place = place(index, text.chars().count())?;
                let item = text.chars().nth(place)?;
                Some(Fold::Value(Known::Str(Cow::Owned(item.to_string()))))
            }
            (Known::List(items) | Known::Tuple(items), Known::Int(index)) => {
                items.get(place(index, items.len())?).cloned()
            }
            (Known::Dict(pairs), _) => pairs
                .iter()
                .find(|(other, _)| other.equals(key) == Some(true))
                .map(|(_, value)| value.clone()),
            _ => None,
        }
    }

    /// Whether it counts as true.
    pub(super) fn truth(&self) -> bool {
        match self {
            Known::None => false,
            Known::Int(value) => !value.is_zero(),
            Known::Float(value) => *value != 0.0,
            Known::Str(text) => !text.is_empty(),
            Known::List(items) | Known::Tuple(items) => !items.is_empty(),
            Known::Dict(pairs) => !pairs.is_empty(),
        }
    }

    /// Does Python write it with a minus sign in front?
    pub(super) fn is_negative(&self) -> bool {
        match self {
            Known::Int(value) => value.is_negative(),
            Known::Float(value) => value.is_sign_negative() && !value.is_nan(),
            _ => false,
        }
    }

    /// The absolute value of a number.
    pub(super) fn abs(&self) -> Option<Self> {
        match self {
            Known::Int(value) => Some(Known::Int(value.abs())),
            Known::Float(value) => Some(Known::Float(value.abs())),
            _ => None,
        }
    }

    /// What a sign in front makes of it.
    pub(super) fn signed(&self, op: UnaryOp) -> Option<Self> {
        match (op, self) {
            (UnaryOp::Pos, Known::Int(_) | Known::Float(_)) => Some(self.clone()),
            (UnaryOp::Neg, Known::Int(value)) => Some(Known::Int(-value)),
            (UnaryOp::Neg, Known::Float(value)) => Some(Known::Float(-value)),
            _ => None,
        }
    }

    /// What an arithmetic operator makes of two values.
    pub(super) fn combined(&self, op: BinaryOp, other: &Self) -> Option<Self> {
        match (self, other) {
            (Known::Int(left), Known::Int(right)) => integer(op, left, right),
            (Known::Str(left), Known::Str(right)) if op == BinaryOp::Add => (left.len() + right.len()
                <= MAX_TEXT)
                .then(|| Known::Str(Cow::Owned(format!("{left}{right}")))),
            (Known::Str(text), Known::Int(times)) | (Known::Int(times), Known::Str(text))
                if op == BinaryOp::Mul =>
            {
                let times = if times.is_negative() { 0 } else { times.to_usize()? };
                let fits = text.len().checked_mul(times).is_some_and(|len| len <= MAX_TEXT);
                fits.then(|| Known::Str(Cow::Owned(text.repeat(times))))
            }
            _ => {
                let (left, right) = (self.float()?, other.float()?);
                Some(Known::Float(match op {
                    BinaryOp::Add => left + right,
                    BinaryOp::Sub => left - right,
                    BinaryOp::Mul => left * right,
                    BinaryOp::Div if right != 0.0 => left / right,
                    _ => return None,
                }))
            }
        }
    }

    /// The number as a float, if it is exactly that.
    fn float(&self) -> Option<f64> {
        match self {
            Known::Int(value) if value.bits() <= u64::from(f64::MANTISSA_DIGITS) => value.to_f64(),
            Known::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether a comparison of two values holds.
    pub(super) fn holds(&self, op: CompareOp, other: &Self) -> Option<bool> {
        match op {
            CompareOp::Eq => self.equals(other),
            CompareOp::Ne => self.equals(other).map(|equal| !equal),
            CompareOp::Lt => self.order(other).map(Ordering::is_lt),
            CompareOp::LtEq => self.order(other).map(Ordering::is_le),
            CompareOp::Gt => self.order(other).map(Ordering::is_gt),
            CompareOp::GtEq => self.order(other).map(Ordering::is_ge),
            CompareOp::In => other.contains(self),
            CompareOp::NotIn => other.contains(self).map(|contains| !contains),
        }
    }

    fn equals(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Known::None, Known::None) => Some(true),
            (Known::Str(left), Known::Str(right)) => Some(left == right),
            (Known::Int(_) | Known::Float(_), Known::Int(_) | Known::Float(_)) => {
                self.number_order(other).map(Ordering::is_eq)
            }
            (Known::List(left), Known::List(right)) | (Known::Tuple(left), Known::Tuple(right)) => {
                Some(left.len() == right.len() && first_difference(left, right)?.is_none())
            }
            (Known::Dict(left), Known::Dict(right)) => {
                for (key, value) in left {
                    let Some(other) = right.iter().find(|(other, _)| other.equals(key) == Some(true)) else {
                        return Some(false);
                    };
                    if !value.value()?.equals(other.1.value()?)? {
                        return Some(false);
                    }
                }
                Some(left.len() == right.len())
            }
            _ => Some(false),
        }
    }

    /// How two values are ordered, if Python can order them.
    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Known::Str(left), Known::Str(right)) => Some(left.cmp(right)),
            (Known::List(left), Known::List(right)) | (Known::Tuple(left), Known::Tuple(right)) => {
                match first_difference(left, right)? {
                    Some((left, right)) => left.order(right),
                    None => Some(left.len().cmp(&right.len())),
                }
            }
            _ => self.number_order(other),
        }
    }

    fn contains(&self, item: &Self) -> Option<bool> {
        match (self, item) {
            (Known::Str(text), Known::Str(item)) => Some(text.contains(&**item)),
            (Known::List(items) | Known::Tuple(items), _) => {
                for other in items {
                    if other.value()?.equals(item)? {
                        return Some(true);
                    }
                }
                Some(false)
            }
            (Known::Dict(pairs), Known::None | Known::Int(_) | Known::Float(_) | Known::Str(_)) => {
                Some(pairs.iter().any(|(key, _)| key.equals(item) == Some(true)))
            }
            _ => None,
        }
    }

    fn number_order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Known::Int(left), Known::Int(right)) => Some(left.cmp(right)),
            (Known::Float(left), Known::Float(right)) => left.partial_cmp(right),
            (Known::Int(left), Known::Float(right)) => integer_and_float(left, *right),
            (Known::Float(left), Known::Int(right)) => integer_and_float(right, *left).map(Ordering::reverse),
            _ => None,
        }
    }
}

fn integer<'t>(op: BinaryOp, left: &BigInt, right: &BigInt) -> Option<Known<'t>> {
    Some(Known::Int(match op {
        BinaryOp::Add if left.bits().max(right.bits()) < MAX_BITS => left + right,
        BinaryOp::Sub if left.bits().max(right.bits()) < MAX_BITS => left - right,
        BinaryOp::Mul if left.bits() + right.bits() <= MAX_BITS => left * right,
        BinaryOp::Pow => {
            let exponent =
                right.to_u32().filter(|&exponent| left.bits() * u64::from(exponent) <= MAX_BITS)?;
            left.pow(exponent)
        }
        BinaryOp::Div if !right.is_zero() => {
            let (left, right) = (Known::Int(left.clone()).float()?, Known::Int(right.clone()).float()?);
            return Some(Known::Float(left / right));
        }
        BinaryOp::FloorDiv if !right.is_zero() => {
            let quotient = left / right;
            if goes_down(left, right) { quotient - 1 } else { quotient }
        }
        BinaryOp::Mod if !right.is_zero() => {
            let rest = left % right;
            if goes_down(left, right) { rest + right } else { rest }
        }
        _ => return None,
    }))
}

/// Where Python finds an index in a sequence of `len` items.
fn place(index: &BigInt, len: usize) -> Option<usize> {
    let index = if index.is_negative() { index + len } else { index.clone() };
    index.to_usize().filter(|&place| place < len)
}

/// Is the quotient, cut off towards zero, one above Python's, which is rounded down?
fn goes_down(left: &BigInt, right: &BigInt) -> bool {
    !(left % right).is_zero() && left.is_negative() != right.is_negative()
}

/// How an integer and a float are ordered: exactly, as in Python.
fn integer_and_float(integer: &BigInt, float: f64) -> Option<Ordering> {
    if float.is_infinite() {
        return Some(if float > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let whole = BigInt::from_f64(float.trunc())?;
    Some(integer.cmp(&whole).then_with(|| 0.0.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal)))
}

/// The first items that differ, if any do up to the end of the shorter sequence.
fn first_difference<'x, 't>(left: &'x [Fold<'t>], right: &'x [Fold<'t>]) -> Option<Difference<'x, 't>> {
    for (left, right) in left.iter().zip(right) {
        let (left, right) = (left.value()?, right.value()?);
        if !left.equals(right)? {
            return Some(Some((left, right)));
        }
    }
    Some(None)
}

type Difference<'x, 't> = Option<(&'x Known<'t>, &'x Known<'t>)>;
