//! Corpus reader, conformance runners and the toy host.
