//! Corpus reader, conformance runners and the toy host.
#![forbid(unsafe_code)]

pub mod toy;
