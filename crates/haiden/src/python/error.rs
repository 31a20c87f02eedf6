//! Errors with the class and the text that Python raises.
//!
//! Invariant: `message` is what `str(exception)` gives, `class` the exception's name.

use std::borrow::Cow;
use std::fmt;

/// The text of an error: mostly a constant.
pub(crate) type Message = Cow<'static, str>;

/// What Python would raise, or a limit of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// `ZeroDivisionError`.
    ZeroDivision(&'static str),
    /// `OverflowError`.
    Overflow(&'static str),
    /// `ValueError`.
    Value(Message),
    /// `TypeError`.
    Type(Message),
    /// `IndexError`.
    Index(Message),
    /// `KeyError`; the text is the `repr` of the key.
    Key(Message),
    /// `AttributeError`.
    Attribute(Message),
    /// `LookupError`.
    Lookup(Message),
    /// `UnicodeEncodeError`.
    UnicodeEncode(Message),
    /// `UnicodeDecodeError`.
    UnicodeDecode(Message),
    /// `AssertionError`.
    Assertion(Message),
    /// The result would be a complex number, which has no place here.
    Complex,
    /// The result would be larger than the caller allows.
    TooLarge,
}

/// The result of what can fail as Python does.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The name of the Python exception.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::ZeroDivision(_) => "ZeroDivisionError",
            Self::Overflow(_) | Self::TooLarge => "OverflowError",
            Self::Value(_) => "ValueError",
            Self::Type(_) | Self::Complex => "TypeError",
            Self::Index(_) => "IndexError",
            Self::Key(_) => "KeyError",
            Self::Attribute(_) => "AttributeError",
            Self::Lookup(_) => "LookupError",
            Self::UnicodeEncode(_) => "UnicodeEncodeError",
            Self::UnicodeDecode(_) => "UnicodeDecodeError",
            Self::Assertion(_) => "AssertionError",
        }
    }

    /// The text of the exception.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::ZeroDivision(text) | Self::Overflow(text) => text,
            Self::Value(text)
            | Self::Type(text)
            | Self::Index(text)
            | Self::Key(text)
            | Self::Attribute(text)
            | Self::Lookup(text)
            | Self::UnicodeEncode(text)
            | Self::UnicodeDecode(text)
            | Self::Assertion(text) => text,
            Self::Complex => "complex numbers are not supported",
            Self::TooLarge => "the result is larger than the limit allows",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Error {}
