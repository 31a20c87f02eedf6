//! What follows a primary: attributes, subscripts, calls, filters and tests.

use crate::ast::{
    Arguments, At, Call, Const, Ctx, Expr, Filter, Getattr, Getitem, Keyword, Slice, Symbol, Test, Tuple,
    Unary, UnaryOp,
};
use crate::lex::token::{Token, TokenKind, Word};
use crate::parse::{Parser, Result, error_at, push};

impl<'s> Parser<'s, '_> {
    /// Attributes, items and calls.
    pub(super) fn postfix(&mut self, mut node: Expr<'s>) -> Result<Expr<'s>> {
        loop {
            node = match self.current.kind {
                TokenKind::Dot => self.attribute(node)?,
                TokenKind::LBracket => self.subscript(node)?,
                TokenKind::LParen => self.call(node)?,
                _ => return Ok(node),
            };
        }
    }

    /// Filters, tests and calls of what they give.
    pub(super) fn filters_and_tests(&mut self, mut node: Expr<'s>) -> Result<Expr<'s>> {
        loop {
            node = match self.current.kind {
                TokenKind::Pipe => {
                    self.skip()?;
                    self.filter_call(Some(node))?
                }
                TokenKind::Name if self.at_word(Word::Is) => self.test(node)?,
                TokenKind::LParen => self.call(node)?,
                _ => return Ok(node),
            };
        }
    }

    fn attribute(&mut self, node: Expr<'s>) -> Result<Expr<'s>> {
        let dot = self.advance()?;
        let token = self.advance()?;
        let at = At { line: dot.line, offset: self.source.offset(token.start) };
        self.grow(self.height)?;
        match token.kind {
            TokenKind::Name => {
                let attr = self.symbol(token);
                Ok(Expr::Getattr(Box::new(Getattr { at, node, attr, ctx: Ctx::Load })))
            }
            TokenKind::Integer => {
                let value = self.integer(token)?;
                let arg = Expr::Const(Box::new(Const { at: self.at(token), value }));
                Ok(Expr::Getitem(Box::new(Getitem { at, node, arg, ctx: Ctx::Load })))
            }
            _ => Err(error_at("expected name or number", token)),
        }
    }

    fn subscript(&mut self, node: Expr<'s>) -> Result<Expr<'s>> {
        let at = self.here();
        self.skip()?;
        let mut parts = self.height;
        let mut args = Vec::new();
        while !self.at_kind(TokenKind::RBracket) {
            if !args.is_empty() {
                self.require(TokenKind::Comma)?;
            }
            args.push(self.subscribed()?);
            parts = parts.max(self.height + 1);
        }
        self.require(TokenKind::RBracket)?;
        self.grow(parts)?;
        let arg = match args.len() {
            1 => args.remove(0),
            _ => Expr::Tuple(Box::new(Tuple { at, items: args, ctx: Ctx::Load })),
        };
        Ok(Expr::Getitem(Box::new(Getitem { at, node, arg, ctx: Ctx::Load })))
    }

    /// An index or a slice.
    fn subscribed(&mut self) -> Result<Expr<'s>> {
        let at = self.here();
        let mut parts = 0;
        let start = if self.at_kind(TokenKind::Colon) {
            None
        } else {
            let node = self.expression()?;
            if !self.at_kind(TokenKind::Colon) {
                return Ok(node);
            }
            parts = self.height;
            Some(node)
        };
        self.skip()?;
        let stop = if self.at_kind(TokenKind::Colon) { None } else { self.slice_part(&mut parts)? };
        let step = if self.skip_kind(TokenKind::Colon)? { self.slice_part(&mut parts)? } else { None };
        self.grow(parts)?;
        Ok(Expr::Slice(Box::new(Slice { at, start, stop, step })))
    }

    fn slice_part(&mut self, parts: &mut u32) -> Result<Option<Expr<'s>>> {
        if matches!(self.current.kind, TokenKind::RBracket | TokenKind::Comma) {
            return Ok(None);
        }
        let node = self.expression()?;
        *parts = (*parts).max(self.height);
        Ok(Some(node))
    }

    fn call(&mut self, node: Expr<'s>) -> Result<Expr<'s>> {
        let at = self.here();
        let parts = self.height;
        let arguments = self.arguments()?;
        self.grow(parts.max(self.height))?;
        Ok(Expr::Call(Box::new(Call { at, node, arguments })))
    }

    /// What stands in the parentheses of a call.
    pub(super) fn arguments(&mut self) -> Result<Arguments<'s>> {
        let open = self.expect_kind(TokenKind::LParen)?;
        let mut given = Arguments::default();
        let (mut parts, mut first) = (0, true);
        while !self.at_kind(TokenKind::RParen) {
            if !std::mem::take(&mut first) {
                self.require(TokenKind::Comma)?;
                if self.at_kind(TokenKind::RParen) {
                    break;
                }
            }
            let kind = self.current.kind;
            let allowed = match kind {
                TokenKind::Mul => {
                    let allowed = given.dyn_args.is_none() && given.dyn_kwargs.is_none();
                    if allowed {
                        self.skip()?;
                        given.dyn_args = Some(self.expression()?);
                    }
                    allowed
                }
                TokenKind::Pow => {
                    let allowed = given.dyn_kwargs.is_none();
                    if allowed {
                        self.skip()?;
                        given.dyn_kwargs = Some(self.expression()?);
                    }
                    allowed
                }
                TokenKind::Name if self.look()?.kind == TokenKind::Assign => {
                    let allowed = given.dyn_kwargs.is_none();
                    if allowed {
                        let token = self.advance()?;
                        let key = self.symbol(token);
                        self.skip()?;
                        let value = self.expression()?;
                        given.kwargs.push(Keyword { at: value.at(), key, value });
                    }
                    allowed
                }
                _ => {
                    let allowed =
                        given.dyn_args.is_none() && given.dyn_kwargs.is_none() && given.kwargs.is_empty();
                    if allowed {
                        let arg = self.expression()?;
                        push(&mut given.args, arg);
                    }
                    allowed
                }
            };
            if !allowed {
                return Err(error_at("invalid syntax for function call expression", open));
            }
            parts = parts.max(self.height + 1);
        }
        self.require(TokenKind::RParen)?;
        self.height = parts;
        Ok(given)
    }

    /// A name with dots, whose first part is current; its token and its symbol.
    fn dotted_name(&mut self) -> Result<(Token, Symbol)> {
        let token = self.expect_kind(TokenKind::Name)?;
        if !self.at_kind(TokenKind::Dot) {
            return Ok((token, self.symbol(token)));
        }
        let mut name = self.text(token).to_owned();
        while self.skip_kind(TokenKind::Dot)? {
            let part = self.expect_kind(TokenKind::Name)?;
            name.push('.');
            name.push_str(self.text(part));
        }
        Ok((token, self.symbols.intern(&name)))
    }

    /// A filter's name and arguments, behind its bar.
    pub(super) fn filter_call(&mut self, node: Option<Expr<'s>>) -> Result<Expr<'s>> {
        let parts = if node.is_some() { self.height } else { 0 };
        let (token, name) = self.dotted_name()?;
        let arguments = if self.at_kind(TokenKind::LParen) {
            self.arguments()?
        } else {
            self.height = 0;
            Arguments::default()
        };
        self.grow(parts.max(self.height))?;
        Ok(Expr::Filter(Box::new(Filter { at: self.at(token), node, name, arguments })))
    }

    /// As many filters as there are; `None` if there is none and `node` is `None`.
    pub(super) fn filters(&mut self, mut node: Option<Expr<'s>>) -> Result<Option<Expr<'s>>> {
        while self.skip_kind(TokenKind::Pipe)? {
            node = Some(self.filter_call(node)?);
        }
        Ok(node)
    }

    fn test(&mut self, node: Expr<'s>) -> Result<Expr<'s>> {
        let is = self.advance()?;
        let mut parts = self.height;
        let negated = self.skip_word(Word::Not)?;
        let (token, name) = self.dotted_name()?;
        let mut arguments = Arguments::default();
        match self.current.kind {
            TokenKind::LParen => {
                arguments = self.arguments()?;
                parts = parts.max(self.height);
            }
            TokenKind::Name
            | TokenKind::String
            | TokenKind::Integer
            | TokenKind::Float
            | TokenKind::LBracket
            | TokenKind::LBrace
                if !matches!(self.current.word, Word::Else | Word::Or | Word::And) =>
            {
                if self.at_word(Word::Is) {
                    return Err(self.error("You cannot chain multiple tests with is"));
                }
                let argument = self.primary(false)?;
                arguments.args.push(self.postfix(argument)?);
                parts = parts.max(self.height);
            }
            _ => {}
        }
        self.grow(parts)?;
        let at = At { line: is.line, offset: self.source.offset(token.start) };
        let test = Expr::Test(Box::new(Test { at, node, name, arguments }));
        if !negated {
            return Ok(test);
        }
        self.grow(self.height)?;
        Ok(Expr::Unary(Box::new(Unary { at: self.at(is), op: UnaryOp::Not, node: test })))
    }
}
