//! The lexer: a small machine with one state a kind of place (text, comment, tag, …).
//!
//! In: normalised text and the options. Out: one [`Token`] a call of [`Lexer::next`], white space control
//! applied. Invariants: a token is never longer than the text; each call moves on or ends; errors come when the
//! parser asks for the token, so that of two errors the one Jinja2 reports is reported.

use super::chars::newlines;
use super::rules::Rules;
use super::token::{Token, TokenKind, Word};
use crate::error::{ErrorKind, SyntaxError};
use crate::options::Syntax;

/// Where the lexer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Root,
    Comment,
    Raw,
    LineComment,
    Block,
    Variable,
    LineStatement,
    /// The tokens are there already.
    Fed,
}

pub(crate) struct Lexer<'t> {
    pub(super) text: &'t str,
    pub(super) rules: Rules<'t>,
    pub(super) pos: usize,
    pub(super) line: u32,
    pub(super) state: State,
    /// Whether the last match ended with a newline.
    pub(super) line_starting: bool,
    /// The closing brackets that are due.
    pub(crate) brackets: Vec<u8>,
    /// The second token of a match that gave two.
    pub(super) pending: Option<Token>,
    /// Whether tokens come as `Environment.lex` gives them: unfiltered and unchecked.
    pub(super) raw: bool,
    /// The tokens that are there already.
    fed: std::vec::IntoIter<Token>,
}

impl<'t> Lexer<'t> {
    /// `brackets` is an empty table.
    #[inline(always)]
    pub(crate) fn new(text: &'t str, syntax: &'t Syntax, state: State, raw: bool, brackets: Vec<u8>) -> Self {
        Self {
            text,
            rules: Rules::new(syntax),
            pos: 0,
            line: 1,
            state,
            line_starting: true,
            brackets,
            pending: None,
            raw,
            fed: Vec::new().into_iter(),
        }
    }

    /// A lexer that gives these tokens of `text`.
    pub(crate) fn fed(text: &'t str, syntax: &'t Syntax, tokens: Vec<Token>, brackets: Vec<u8>) -> Self {
        let lexer = Self::new(text, syntax, State::Fed, false, brackets);
        Self { fed: tokens.into_iter(), ..lexer }
    }

    /// Puts the next token into `out`; [`TokenKind::Eof`] again and again at the end.
    ///
    /// Tokens are written field by field where they are wanted: copying one right after that stalls the processor,
    /// which showed as a tenth of the time.
    #[inline]
    pub(crate) fn next(&mut self, out: &mut Token) -> Result<(), SyntaxError> {
        // Most tokens by far stand in such a tag, where hardly anything is trivia.
        if matches!(self.state, State::Block | State::Variable) && !self.raw && self.pending.is_none() {
            self.tag(out)?;
            if !out.kind.is_trivia() {
                return Ok(());
            }
        }
        self.next_anywhere(out)
    }

    #[inline(never)]
    fn next_anywhere(&mut self, out: &mut Token) -> Result<(), SyntaxError> {
        loop {
            match self.pending.take() {
                Some(token) => *out = token,
                None => self.step(out)?,
            }
            if self.raw || !out.kind.is_trivia() {
                return Ok(());
            }
        }
    }

    fn step(&mut self, out: &mut Token) -> Result<(), SyntaxError> {
        match self.state {
            State::Block | State::Variable | State::LineStatement => return self.tag(out),
            State::Root => self.root(out),
            State::Comment => return self.comment(out),
            State::Raw => return self.raw_text(out),
            State::LineComment => self.line_comment(out),
            State::Fed => match self.fed.next() {
                Some(token) => {
                    *out = token;
                    self.line = token.line;
                }
                None => self.eof(out),
            },
        }
        Ok(())
    }

    /// Makes a token from the current position to `end`, which becomes the current position.
    #[inline]
    pub(super) fn take(&mut self, out: &mut Token, kind: TokenKind, end: usize) {
        out.kind = kind;
        out.word = Word::Other;
        out.line = self.line;
        out.start = self.pos as u32;
        out.end = end as u32;
        self.pos = end;
    }

    /// As [`Lexer::take`], counting the newlines in it.
    #[inline]
    pub(super) fn take_lines(&mut self, out: &mut Token, kind: TokenKind, end: usize) {
        let start = self.pos;
        self.take(out, kind, end);
        self.line += newlines(&self.text.as_bytes()[start..end]);
        self.line_starting = end > start && self.text.as_bytes()[end - 1] == b'\n';
    }

    /// Makes the token that ends the source.
    pub(super) fn eof(&self, out: &mut Token) {
        let end = self.text.len() as u32;
        *out = Token { kind: TokenKind::Eof, word: Word::Other, line: self.line, start: end, end };
    }

    #[cold]
    pub(super) fn error(&self, message: impl Into<String>, at: usize) -> SyntaxError {
        SyntaxError::new(ErrorKind::Syntax, message, self.line, at as u32)
    }
}
