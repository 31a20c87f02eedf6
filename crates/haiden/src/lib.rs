//! A template engine that speaks Jinja2 exactly: the Rust facade and its native values.
