//! parse: tokens → [`Ast`].
//!
//! In: a source and the options. Out: the tree Jinja2 would build, or the error it would raise. `statements` has a
//! method for each tag, `expressions` the operators from loose to tight, `primaries` what they stand between, `postfix`
//! what follows that, `i18n` the translation tags, `tags` and `nodes` what extensions build tags of their own with, `errors` what is said about tags that do not fit. Tokens are pulled one at a time, so of two errors the first one counts.
//!
//! Invariants: recursion is bounded by [`MAX_NESTING`], the depth of expression trees by [`MAX_TREE_DEPTH`]; each
//! expression method leaves the height of what it returns in `height`.

mod ends;
mod errors;
mod expressions;
mod i18n;
mod nodes;
mod postfix;
mod primaries;
mod statements;
mod tags;

use std::borrow::Cow;
use std::mem::take;

use crate::ast::{Assign, Ast, At, Ctx, Expr, Name, Output, Stmt, Symbol, Symbols, TemplateData, Texts};
use crate::error::{ErrorKind, SyntaxError};
use crate::lex::lexer::{Lexer, State};
use crate::lex::source::Source;
use crate::lex::stream::filtered;
use crate::lex::token::{Token, TokenKind, Word};
use crate::options::Syntax;
use crate::{MAX_NESTING, MAX_TREE_DEPTH};
use ends::Ends;
pub use nodes::{Arguments, Body, Expression, FreeName, Nodes, Signature, Statement, Target};

type Result<T> = std::result::Result<T, SyntaxError>;

/// The tree of a source.
///
/// # Errors
/// What Jinja2 raises for it: message, kind and line are the same.
pub fn parse<'s>(source: &'s str, syntax: &Syntax) -> Result<Ast<'s>> {
    parse_with(source, syntax, &mut Workspace::default())
}

/// As [`parse`], in memory that an earlier parse left.
///
/// # Errors
/// As [`parse`].
pub fn parse_with<'s>(source: &'s str, syntax: &Syntax, workspace: &mut Workspace) -> Result<Ast<'s>> {
    start(source, syntax, State::Root, workspace, |parser| parser.body(Ends::END))
}

/// Memory that a parse needs and leaves, for the next one.
#[derive(Debug, Default)]
pub struct Workspace {
    /// Becomes the tree's table of names; whoever drops a tree may put it back.
    pub symbols: Symbols,
    /// Becomes the tree's table of texts, likewise.
    pub texts: Texts<'static>,
    tags: Vec<Token>,
    ends: Vec<Ends>,
    brackets: Vec<u8>,
}

impl Workspace {
    /// Empties it; what holds more than `most` entries goes.
    pub fn clear(&mut self, most: usize) {
        self.symbols.clear();
        if self.symbols.capacity() > most {
            self.symbols = Symbols::new();
        }
        if self.texts.capacity() > most {
            self.texts = Texts::default();
        }
        // Nesting is limited, so these stay small.
        self.tags.clear();
        self.ends.clear();
        self.brackets.clear();
    }
}

/// The tree of a bare expression: a template that assigns its value to `result`, as the one behind
/// `Environment.compile_expression`.
///
/// # Errors
/// What Jinja2 raises for it: message, kind and line are the same.
pub fn parse_expression<'s>(source: &'s str, syntax: &Syntax) -> Result<Ast<'s>> {
    start(source, syntax, State::Variable, &mut Workspace::default(), |parser| {
        let node = parser.expression()?;
        if !parser.at_kind(TokenKind::Eof) {
            return Err(parser.error("chunk after expression"));
        }
        let at = At { line: 1, offset: 0 };
        let name = parser.symbols.intern("result");
        let target = Expr::Name(Name { at: At { line: 0, offset: 0 }, name, ctx: Ctx::Store });
        Ok(vec![Stmt::Assign(Box::new(Assign { at, target, node }))])
    })
}

/// Runs a parser over a source whose first token is read in `state`.
fn start<'s>(
    source: &'s str,
    syntax: &Syntax,
    state: State,
    workspace: &mut Workspace,
    body: impl FnOnce(&mut Parser<'s, '_>) -> Result<Vec<Stmt<'s>>>,
) -> Result<Ast<'s>> {
    syntax.validate()?;
    let mut source = Source::new(source, syntax.keep_trailing_newline)?;
    let mut fed = None;
    if syntax.custom_tags.filters_stream() {
        let (made, tokens) = filtered(&source, syntax, state)?;
        (source, fed) = (made, Some(tokens));
    }
    let brackets = take(&mut workspace.brackets);
    let lexer = match fed {
        None => Lexer::new(source.text(), syntax, state, false, brackets),
        Some(tokens) => Lexer::fed(source.text(), syntax, tokens, brackets),
    };
    let mut parser = Parser {
        source: &source,
        syntax,
        lexer,
        current: Token::START,
        ahead: None,
        symbols: take(&mut workspace.symbols),
        texts: take(&mut workspace.texts),
        tags: take(&mut workspace.tags),
        ends: take(&mut workspace.ends),
        custom_ends: Vec::new(),
        tallest: 0,
        custom: tags::Custom::default(),
        free_names: 0,
        depth: 0,
        height: 0,
        operand_line: 0,
    };
    let body = parser.advance().and_then(|_| body(&mut parser));
    let Parser { lexer, symbols, texts, tags, ends, .. } = parser;
    (workspace.brackets, workspace.tags, workspace.ends) = (lexer.brackets, tags, ends);
    match body {
        Ok(body) => Ok(Ast { body, symbols, texts }),
        Err(error) => Err(error.map_offset(|offset| source.offset(offset))),
    }
}

/// What a recursion costs: about its share of the stack.
#[derive(Clone, Copy)]
enum Depth {
    /// The right operand of an operator, or what follows `else`.
    Operand = 1,
    /// Brackets or a statement's body.
    Level = 3,
}

/// The parser, as a tag of an extension sees it: it stands behind the tag's name, and must stand at the tag's end when the
/// extension is done.
///
/// Tokens are looked at one by one ([`current`](Parser::current), [`skip`](Parser::skip_if), [`expect`](Parser::expect)),
/// expressions and bodies are parsed as Jinja2's own tags parse them, and [`nodes`](Parser::nodes) builds what the tag means.
pub struct Parser<'s, 't> {
    source: &'t Source<'s>,
    syntax: &'t Syntax,
    lexer: Lexer<'t>,
    current: Token,
    /// The token after the current one, if something looked at it.
    ahead: Option<Token>,
    symbols: Symbols,
    /// Text of the template.
    texts: Texts<'s>,
    /// The tags that are open, as they stand in the text.
    tags: Vec<Token>,
    /// What each open body ends with.
    ends: Vec<Ends>,
    /// The ends of tags of extensions.
    custom_ends: Vec<Vec<String>>,
    /// The height of the tallest statement of the body that is parsed.
    tallest: u32,
    /// The tag of an extension that is parsed.
    custom: tags::Custom,
    /// How many names were made that no template can spell.
    free_names: u32,
    /// How deep the recursion is, in units of [`Depth`].
    depth: u32,
    /// The height of the expression that was parsed last.
    height: u32,
    /// The line of the operands of comparisons: none, but in the head of a `trans`, which numbers what has no line.
    operand_line: u32,
}

impl<'s> Parser<'s, '_> {
    // ---- the token stream ------------------------------------------------------------------------------------

    /// Moves to the next token.
    #[inline]
    fn skip(&mut self) -> Result<()> {
        if let Some(token) = self.ahead.take() {
            self.current = token;
            return Ok(());
        }
        let line = self.current.line;
        self.lexer.next(&mut self.current)?;
        if self.current.kind == TokenKind::Eof {
            // Jinja2's end has the line of the last token.
            self.current.line = line;
        }
        Ok(())
    }

    /// Moves to the next token and returns the one that was current.
    #[inline]
    fn advance(&mut self) -> Result<Token> {
        let old = self.current;
        self.skip()?;
        Ok(old)
    }

    /// The token after the current one.
    fn look(&mut self) -> Result<Token> {
        if let Some(token) = self.ahead {
            return Ok(token);
        }
        let mut token = Token::START;
        self.lexer.next(&mut token)?;
        if token.kind == TokenKind::Eof {
            token.line = self.current.line;
        }
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
            self.skip()?;
        }
        Ok(found)
    }

    fn skip_word(&mut self, word: Word) -> Result<bool> {
        let found = self.at_word(word);
        if found {
            self.skip()?;
        }
        Ok(found)
    }

    #[inline]
    fn expect_kind(&mut self, kind: TokenKind) -> Result<Token> {
        if self.current.kind == kind { self.advance() } else { Err(self.unexpected(kind.describe())) }
    }

    /// As [`Parser::expect_kind`], for those who do not ask for the token.
    #[inline]
    fn require(&mut self, kind: TokenKind) -> Result<()> {
        if self.current.kind == kind { self.skip() } else { Err(self.unexpected(kind.describe())) }
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

    /// Goes deeper. After an error nobody counts on, so only success must [`leave`](Self::leave).
    #[inline]
    fn enter(&mut self, depth: Depth) -> Result<()> {
        self.depth += depth as u32;
        if self.depth > MAX_NESTING * Depth::Level as u32 {
            return Err(self.error(format!("nested too deeply: more than {MAX_NESTING} levels")));
        }
        Ok(())
    }

    #[inline]
    fn leave(&mut self, depth: Depth) {
        self.depth -= depth as u32;
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
    fn body(&mut self, ends: Ends) -> Result<Vec<Stmt<'s>>> {
        if ends == Ends::END {
            return self.statements(ends);
        }
        self.ends.push(ends);
        self.enter(Depth::Level)?;
        let outer = take(&mut self.tallest);
        let body = self.statements(ends)?;
        self.tallest = outer.max(self.tallest + 1);
        self.leave(Depth::Level);
        self.ends.pop();
        Ok(body)
    }

    fn statements(&mut self, ends: Ends) -> Result<Vec<Stmt<'s>>> {
        let mut body = Vec::with_capacity(4);
        let mut output: Vec<Expr<'s>> = Vec::new();
        loop {
            match self.current.kind {
                TokenKind::Data => {
                    let token = self.current;
                    if token.end > token.start {
                        let data = self.data(token);
                        let node = TemplateData { at: self.at(token), data: self.texts.push(data) };
                        if output.capacity() == 0 {
                            output = Vec::with_capacity(4);
                        }
                        output.push(Expr::TemplateData(node));
                    }
                    self.skip()?;
                }
                TokenKind::VariableBegin => {
                    self.skip()?;
                    output.push(self.tuple(expressions::TupleRule::Output)?);
                    self.require(TokenKind::VariableEnd)?;
                }
                TokenKind::BlockBegin => {
                    flush(&mut output, &mut body);
                    self.skip()?;
                    if self.at_end(ends) {
                        return Ok(body);
                    }
                    self.statement(&mut body)?;
                    self.require(TokenKind::BlockEnd)?;
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

/// Adds to a list that most often stays short: the first item gets no room to spare.
#[inline]
fn push<T>(list: &mut Vec<T>, item: T) {
    if list.capacity() == 0 {
        *list = Vec::with_capacity(1);
    }
    list.push(item);
}

fn flush<'s>(output: &mut Vec<Expr<'s>>, body: &mut Vec<Stmt<'s>>) {
    if let Some(first) = output.first() {
        let at = first.at();
        push(body, Stmt::Output(Output { at, nodes: std::mem::take(output) }));
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
