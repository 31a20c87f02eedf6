//! Corpus reader, conformance runners and the toy host.
#![forbid(unsafe_code)]

pub mod conformance;
pub mod toy;
pub mod typed;
