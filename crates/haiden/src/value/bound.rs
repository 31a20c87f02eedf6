//! Bound values: what lives in a render and can leave it only as a handle: macros, blocks, methods of values.
//!
//! A handle says which render it is of and where it lies in that render's heap. It can be called while the render goes on,
//! and is what it was when it comes back; anywhere else it is its text.

use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::value::object::{Keywords, Object};
use crate::value::typed::TypedCall;
use crate::value::value::Value;

/// A handle for an object of a render's heap.
pub(crate) struct Bound {
    /// The number of the render.
    pub(crate) render: u64,
    /// How often the render's host had given up what later calls had made: see [`settle`](crate::value::host).
    pub(crate) epoch: u32,
    /// Its place in the heap.
    pub(crate) index: u32,
    /// What it prints as.
    pub(crate) shown: String,
    /// What messages call its type.
    pub(crate) class: String,
    pub(crate) is_callable: bool,
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Object for Bound {
    fn to_text(&self) -> String {
        format!("{self:?}")
    }
    fn type_name(&self) -> &str {
        &self.class
    }
    fn is_callable(&self) -> bool {
        self.is_callable
    }
    fn call(&self, _: &[Value], _: Keywords<'_>) -> Result<Value, Error> {
        let message = format!("{} can be called only while its template runs: State::call", self.shown);
        Err(Error::new(ErrorKind::Runtime, message))
    }
    fn call_typed(&self, method: Option<&str>, call: &mut TypedCall<'_>) -> bool {
        if method.is_some() {
            return false;
        }
        match call.host.resolve_bound(self) {
            Some(word) => {
                let keywords: Vec<_> =
                    call.arguments.keywords.iter().map(|(name, word)| ((*name).into(), *word)).collect();
                call.outcome = call.host.call_checked(word, call.arguments.positional, &keywords);
                true
            }
            None => false,
        }
    }
}
