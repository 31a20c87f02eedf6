//! Bytes outside of a render: what `'…'.encode()` and `int.to_bytes` are once they leave it.
//!
//! In a render they are an object of its heap again as soon as something is done with them.

use std::any::Any;
use std::fmt;

use crate::python::repr::write_bytes_repr;
use crate::value::object::{Foreign, Object};
use crate::value::value::Value;

/// Bytes.
pub(crate) struct Bytes(pub(crate) Box<[u8]>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = String::new();
        write_bytes_repr(&mut shown, &self.0);
        f.write_str(&shown)
    }
}

impl Object for Bytes {
    fn to_text(&self) -> String {
        format!("{self:?}")
    }
    fn type_name(&self) -> &'static str {
        "bytes"
    }
    fn iterate(&self) -> Option<Vec<Value>> {
        Some(self.0.iter().map(|&byte| Value::from(byte)).collect())
    }
    fn length(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

impl Foreign {
    /// The bytes that it is.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        let Foreign::Object(object) = self else { return None };
        let any: &dyn Any = &**object;
        any.downcast_ref::<Bytes>().map(|bytes| &*bytes.0)
    }
}

impl Value {
    /// The bytes, if it is Python's `bytes`: what templates make with `encode` and `to_bytes`.
    ///
    /// ```
    /// use haiden::{Environment, context};
    ///
    /// let encode = Environment::new().compile_expression("text.encode('latin-1')")?;
    /// assert_eq!(encode.eval(context! { text => "é" })?.as_bytes(), Some(&b"\xe9"[..]));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn as_bytes(&self) -> Option<&[u8]> {
        self.foreign()?.bytes()
    }
}
