//! Corpus reader, conformance runners and the toy host.
#![forbid(unsafe_code)]

mod awaiting;
pub mod conformance;
pub mod toy;
pub mod typed;
