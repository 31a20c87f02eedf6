//! The text algorithms of Jinja2's filters.
//!
//! In: text and options, already of the right types. Out: text, appended. Invariant: equal to Jinja2 3.1.6
//! on Python 3.11, errors included. What is markup and what is not, the caller knows.

mod entities;
pub(crate) mod number;
pub(crate) mod plain;
pub(crate) mod striptags;
pub(crate) mod urlize;
pub(crate) mod wordwrap;
