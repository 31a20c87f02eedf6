//! Errors of serde as ours: what has another type than is wanted is a `TypeError`, what has another value a `ValueError`.

use std::fmt::{Display, Write as _};

use serde::de::{Error as DeserializeError, Expected, Unexpected};

use crate::error::{Error, ErrorKind};

impl DeserializeError for Error {
    fn custom<T: Display>(message: T) -> Error {
        Error::new(ErrorKind::Value, message.to_string())
    }
    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Error {
        let mut message = String::from("invalid type: ");
        let written = match unexpected {
            Unexpected::Unit => write!(message, "none, expected {expected}"),
            other => write!(message, "{other}, expected {expected}"),
        };
        written.expect("writing to a string");
        Error::new(ErrorKind::Type, message)
    }
}
