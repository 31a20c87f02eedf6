//! The builtin filters and tests, written once for all hosts.
//!
//! Each is declared in a table ([`FILTER_SPECS`], [`TEST_SPECS`]) with its names, parameters and documentation, and has
//! a body over [`BuiltinHost`]. The global functions ([`GLOBAL_SPECS`]) make objects that are the hosts' business; only
//! [`lipsum`] has its body here.

mod apply;
mod catalog;
pub mod host;
mod indent;
mod lorem;
mod markup;
mod numbers;
mod order;
mod path;
mod places;
mod pretty;
mod sequences;
mod sort;
pub mod spec;
mod table;
mod tests;
pub mod text;
mod texts;

pub use catalog::{markdown, suggest};
pub use host::{BuiltinHost, ErrorClass, Items, RoundMethod, TextOp, ValueKind};
pub use lorem::lipsum;
pub use sort::sorted;
pub use spec::{Bound, Example, Further, Parameter, Spec, Style, bind};
pub use table::{
    BuiltinFilter, BuiltinTest, FILTER_SPECS, GLOBAL_SPECS, TEST_SPECS, find_filter, find_global, find_test,
};
