//! Jinja2's syntax: tokens, tree and parser.
//!
//! [`lex`](lex()) gives the tokens of a source, [`parse`](parse()) its tree ([`ast`]); [`walk`] shows a tree as `jinja2.nodes`
//! would. Everything that decides how a source is read stands in [`Syntax`].

#![forbid(unsafe_code)]

pub mod ast;
mod error;
mod lex;
mod options;
mod parse;
mod repr;
mod symbols;
mod tags;
pub mod walk;

pub use ast::Ast;
pub use error::{ErrorKind, SyntaxError};
pub use lex::stream::StreamToken;
pub use lex::strings::character;
pub use lex::token::TokenKind;
pub use lex::{TokenRef, Tokens, lex, lex_raw};
pub use options::{Extensions, Syntax};
pub use parse::{
    Arguments, Body, Expression, FreeName, Nodes, Parser, Signature, Statement, Target, Workspace, parse,
    parse_expression, parse_with,
};
pub use symbols::Key;
pub use tags::{CustomTags, TagSet};

/// The deepest expression tree that is accepted.
pub const MAX_TREE_DEPTH: u32 = 500;
/// The deepest nesting of statements and brackets that is accepted.
pub const MAX_NESTING: u32 = 100;
