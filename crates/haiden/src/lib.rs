//! A template engine that speaks Jinja2 exactly: the Rust facade and its native values.

#[expect(dead_code, reason = "the native host, which is its only user, is being built")]
mod python;
