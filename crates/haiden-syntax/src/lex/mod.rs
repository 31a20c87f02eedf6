//! lex: source → tokens.
//!
//! `source` makes line breaks equal; `lexer` is the machine, `rules` says where tags begin, `data` reads what
//! is outside of tags, `tags` what is inside, with `numbers`, `strings` and `chars` for their parts; `token`
//! names the kinds; `stream` lets extensions change what comes of it all.

mod chars;
mod data;
pub(crate) mod lexer;
pub(crate) mod numbers;
mod rules;
pub(crate) mod source;
pub(crate) mod stream;
pub(crate) mod strings;
mod tags;
pub(crate) mod token;

use std::fmt::Write as _;

use lexer::{Lexer, State};
use source::Source;
use token::{Token, TokenKind};

pub(crate) use chars::{is_identifier, is_space};

use crate::error::SyntaxError;
use crate::options::Syntax;
use crate::repr::push_str_repr;

/// The tokens of a source.
#[derive(Debug, Clone)]
pub struct Tokens<'s> {
    source: Source<'s>,
    list: Vec<Token>,
    raw: bool,
}

/// One token of [`Tokens`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRef<'a> {
    /// Its line, from 1.
    pub line: u32,
    /// What it is.
    pub kind: TokenKind,
    /// Jinja2's name of its type.
    pub name: &'static str,
    /// Its text, line breaks made `\n`.
    pub text: &'a str,
    /// Where it starts in the source.
    pub offset: u32,
}

impl Tokens<'_> {
    /// The tokens in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = TokenRef<'_>> {
        self.list.iter().map(|token| TokenRef {
            line: token.line,
            kind: token.kind,
            name: if self.raw { token.kind.raw_name() } else { token.kind.as_str() },
            text: &self.source.text()[token.start as usize..token.end as usize],
            offset: self.source.offset(token.start),
        })
    }

    /// One line a token: its line, its type and its text.
    pub fn dump(&self) -> String {
        let mut out = String::new();
        for token in self.iter() {
            write!(out, "{:>5}  {:<20} ", token.line, token.name).expect("writing to a string");
            push_str_repr(&mut out, token.text);
            out.push('\n');
        }
        out
    }
}

/// The tokens as the parser sees them: without white space, comments and raw marks, line statements as blocks.
pub fn lex<'s>(source: &'s str, syntax: &Syntax) -> Result<Tokens<'s>, SyntaxError> {
    collect(source, syntax, false)
}

/// All tokens, as `Environment.lex` gives them.
pub fn lex_raw<'s>(source: &'s str, syntax: &Syntax) -> Result<Tokens<'s>, SyntaxError> {
    collect(source, syntax, true)
}

fn collect<'s>(source: &'s str, syntax: &Syntax, raw: bool) -> Result<Tokens<'s>, SyntaxError> {
    syntax.validate()?;
    let source = Source::new(source, syntax.keep_trailing_newline)?;
    if !raw && syntax.custom_tags.filters_stream() {
        let (source, list) = stream::filtered(&source, syntax, State::Root)?;
        return Ok(Tokens { source, list, raw });
    }
    let mut list = Vec::new();
    let mut lexer = Lexer::new(source.text(), syntax, State::Root, raw, Vec::new());
    loop {
        let mut token = Token::START;
        lexer.next(&mut token).map_err(|error| error.map_offset(|offset| source.offset(offset)))?;
        if token.kind == TokenKind::Eof {
            break;
        }
        list.push(token);
    }
    Ok(Tokens { source, list, raw })
}
