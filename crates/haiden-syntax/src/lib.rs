//! Jinja2's syntax: tokens, tree and parser.
