//! parse: tokens → [`Ast`].
//!
//! In: a source and the options. Out: the tree Jinja2 would build, or the error it would raise. `statements` has a
//! method for each tag, `expressions` the operators from loose to tight, `i18n` the translation tags, `errors` what is
//! said about tags that do not fit. Tokens are pulled one at a time, so of two errors the first one counts.
//!
//! Invariants: recursion is bounded by [`MAX_NESTING`], the depth of expression trees by [`MAX_TREE_DEPTH`]; each
//! expression method leaves the height of what it returns in `height`.

mod errors;
mod expressions;
mod i18n;
mod statements;

use std::borrow::Cow;

use crate::ast::{Ast, At, Expr, Output, Stmt, Symbol, Symbols, TemplateData};
use crate::error::{ErrorKind, SyntaxError};
use crate::lex::lexer::{Lexer, State};
use crate::lex::source::Source;
use crate::lex::token::{Token, TokenKind, Word};
use crate::options::Syntax;
use crate::{MAX_NESTING, MAX_TREE_DEPTH};

type Result<T> = std::result::Result<T, SyntaxError>;

/// The tree of a source.
///
/// # Errors
/// What Jinja2 raises for it: message, kind and line are the same.
pub fn parse<'s>(source: &'s str, syntax: &Syntax) -> Result<Ast<'s>> {
    syntax.validate()?;
    let source = Source::new(source, syntax.keep_trailing_newline)?;
    let lexer = Lexer::new(source.text(), syntax, State::Root, false);
    let start = Token { kind: TokenKind::Eof, word: Word::Other, line: 1, start: 0, end: 0 };
    let mut parser = Parser {
        source: &source,
        syntax,
        lexer,
        current: start,
        ahead: None,
        symbols: Symbols::new(),
        tags: Vec::new(),
        ends: Vec::new(),
        nesting: 0,
        height: 0,
    };
    parser.run().map_err(|error| error.map_offset(|offset| source.offset(offset)))
}

struct Parser<'s, 't> {
    source: &'t Source<'s>,
    syntax: &'t Syntax,
    lexer: Lexer<'t>,
    current: Token,
    /// The token after the current one, if something looked at it.
    ahead: Option<Token>,
    symbols: Symbols,
    /// The tags that are open, as they stand in the text.
    tags: Vec<Token>,
    /// What each open body ends with.
    ends: Vec<&'static [Word]>,
    nesting: u32,
    /// The height of the expression that was parsed last.
    height: u32,
}

impl<'s> Parser<'s, '_> {
    fn run(&mut self) -> Result<Ast<'s>> {
        self.advance()?;
        let body = self.body(&[])?;
        Ok(Ast { body, symbols: std::mem::take(&mut self.symbols) })
    }

    // ---- the token stream ------------------------------------------------------------------------------------

    /// Moves to the next token and returns the one that was current.
    #[inline]
    fn advance(&mut self) -> Result<Token> {
        let next = match self.ahead.take() {
            Some(token) => token,
            None => self.pull()?,
        };
        Ok(std::mem::replace(&mut self.current, next))
    }

    #[inline]
    fn pull(&mut self) -> Result<Token> {
        let mut token = self.lexer.next()?;
        if token.kind == TokenKind::Eof {
            // Jinja2's end has the line of the last token.
            token.line = self.current.line;
        }
        Ok(token)
    }

    /// The token after the current one.
    fn look(&mut self) -> Result<Token> {
        if let Some(token) = self.ahead {
            return Ok(token);
        }
        let token = self.pull()?;
        self.ahead = Some(token);
        Ok(token)
    }

    #[inline]
    fn at_kind(&self, kind: TokenKind) -> bool {
        self.current.kind == kind
    }

    #[inline]
    fn at_word(&self, word: Word) -> bool {
        self.current.word == word
    }

    fn skip_kind(&mut self, kind: TokenKind) -> Result<bool> {
        let found = self.at_kind(kind);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn skip_word(&mut self, word: Word) -> Result<bool> {
        let found = self.at_word(word);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    #[inline]
    fn expect_kind(&mut self, kind: TokenKind) -> Result<Token> {
        if self.current.kind == kind { self.advance() } else { Err(self.unexpected(kind.describe())) }
    }

    fn expect_word(&mut self, word: Word) -> Result<Token> {
        if self.current.word == word { self.advance() } else { Err(self.unexpected(word.as_str())) }
    }

    // ---- what tokens say -------------------------------------------------------------------------------------

    #[inline]
    fn text(&self, token: Token) -> &str {
        &self.source.text()[token.start as usize..token.end as usize]
    }

    #[inline]
    fn symbol(&mut self, token: Token) -> Symbol {
        self.symbols.intern(&self.source.text()[token.start as usize..token.end as usize])
    }

    #[inline]
    fn at(&self, token: Token) -> At {
        At { line: token.line, offset: self.source.offset(token.start) }
    }

    /// Here, with the line of the current token.
    #[inline]
    fn here(&self) -> At {
        self.at(self.current)
    }

    fn data(&self, token: Token) -> Cow<'s, str> {
        self.source.piece(token.start, token.end, &self.syntax.newline_sequence)
    }

    // ---- limits ----------------------------------------------------------------------------------------------

    /// Runs `inner` one level deeper.
    #[inline]
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting >= MAX_NESTING {
            return Err(self.error(format!("nested too deeply: more than {MAX_NESTING} levels")));
        }
        self.nesting += 1;
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    /// The expression in hand has parts of at most `parts` levels.
    #[inline]
    fn grow(&mut self, parts: u32) -> Result<()> {
        if parts >= MAX_TREE_DEPTH {
            return Err(
                self.error(format!("expression is nested too deeply: more than {MAX_TREE_DEPTH} levels"))
            );
        }
        self.height = parts + 1;
        Ok(())
    }

    // ---- bodies ----------------------------------------------------------------------------------------------

    /// Statements and text up to one of the tags `ends`, which becomes current, or to the end of the source.
    fn body(&mut self, ends: &'static [Word]) -> Result<Vec<Stmt<'s>>> {
        if ends.is_empty() {
            return self.statements(ends);
        }
        self.ends.push(ends);
        let body = self.nested(|parser| parser.statements(ends));
        self.ends.pop();
        body
    }

    fn statements(&mut self, ends: &'static [Word]) -> Result<Vec<Stmt<'s>>> {
        let mut body = Vec::new();
        let mut output: Vec<Expr<'s>> = Vec::new();
        loop {
            match self.current.kind {
                TokenKind::Data => {
                    let token = self.current;
                    if token.end > token.start {
                        let node = TemplateData { at: self.at(token), data: self.data(token) };
                        output.push(Expr::TemplateData(Box::new(node)));
                    }
                    self.advance()?;
                }
                TokenKind::VariableBegin => {
                    self.advance()?;
                    output.push(self.tuple(expressions::TupleRule::Output)?);
                    self.expect_kind(TokenKind::VariableEnd)?;
                }
                TokenKind::BlockBegin => {
                    flush(&mut output, &mut body);
                    self.advance()?;
                    if self.current.word != Word::Other && ends.contains(&self.current.word) {
                        return Ok(body);
                    }
                    self.statement(&mut body)?;
                    self.expect_kind(TokenKind::BlockEnd)?;
                }
                TokenKind::Eof => {
                    flush(&mut output, &mut body);
                    return Ok(body);
                }
                _ => return Err(self.error("internal parsing error")),
            }
        }
    }
}

fn flush<'s>(output: &mut Vec<Expr<'s>>, body: &mut Vec<Stmt<'s>>) {
    if let Some(first) = output.first() {
        let at = first.at();
        body.push(Stmt::Output(Box::new(Output { at, nodes: std::mem::take(output) })));
    }
}

impl Parser<'_, '_> {
    #[cold]
    fn error(&self, message: impl Into<String>) -> SyntaxError {
        error_at(message, self.current)
    }
}

#[cold]
fn error_at(message: impl Into<String>, token: Token) -> SyntaxError {
    SyntaxError::new(ErrorKind::Syntax, message, token.line, token.start)
}
