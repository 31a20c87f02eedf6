//! The builtin filters and tests, written once for all hosts.
//!
//! Each is declared in a table with its names, parameters and documentation, and has
//! a body over [`BuiltinHost`].

mod apply;
pub mod host;
mod markup;
mod numbers;
mod order;
mod path;
mod sequences;
mod sort;
pub mod spec;
mod tests;
mod texts;

pub use host::{BuiltinHost, ErrorClass, Items, RoundMethod, TextOp, ValueKind};
pub use spec::{Bound, Parameter, Spec, Style};
