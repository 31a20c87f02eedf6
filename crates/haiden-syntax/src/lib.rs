//! Jinja2's syntax: tokens, tree and parser.

#![forbid(unsafe_code)]

pub mod ast;
mod symbols;

/// The deepest expression tree that is accepted.
pub const MAX_TREE_DEPTH: u32 = 500;
/// The deepest nesting of statements and brackets that is accepted.
pub const MAX_NESTING: u32 = 200;
