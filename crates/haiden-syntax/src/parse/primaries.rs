//! Primaries: names, literals, and what stands in brackets.

use std::borrow::Cow;

use crate::ast::{Const, Constant, Ctx, Dict, Expr, List, Name, Pair, Tuple};
use crate::lex::token::{Token, TokenKind, Word};
use crate::lex::{numbers, strings};
use crate::parse::expressions::TupleRule;
use crate::parse::{Parser, Result, error_at};

impl<'s> Parser<'s, '_> {
    /// A name, a literal or something in brackets.
    pub(super) fn primary(&mut self, namespaces: bool) -> Result<Expr<'s>> {
        let token = self.current;
        let at = self.at(token);
        self.height = 1;
        let constant = |value| Expr::Const(Box::new(Const { at, value }));
        match token.kind {
            TokenKind::Name => {
                self.skip()?;
                Ok(match token.word {
                    Word::TrueLower | Word::TrueUpper => constant(Constant::Bool(true)),
                    Word::FalseLower | Word::FalseUpper => constant(Constant::Bool(false)),
                    Word::NoneLower | Word::NoneUpper => constant(Constant::None),
                    _ => {
                        let name = self.symbol(token);
                        if namespaces && self.at_kind(TokenKind::Dot) {
                            return self.namespace_attribute(token, name);
                        }
                        Expr::Name(Name { at, name, ctx: Ctx::Load })
                    }
                })
            }
            TokenKind::String => {
                let mut value = self.string(token)?;
                self.skip()?;
                while self.at_kind(TokenKind::String) {
                    let more = self.string(self.current)?;
                    value.to_mut().push_str(&more);
                    self.skip()?;
                }
                Ok(constant(Constant::Str(value)))
            }
            TokenKind::Integer => {
                let value = self.integer(token)?;
                self.skip()?;
                Ok(constant(value))
            }
            TokenKind::Float => {
                let value = numbers::float(self.text(token));
                self.skip()?;
                Ok(constant(value))
            }
            TokenKind::LParen => {
                self.skip()?;
                let node = self.tuple(TupleRule::Parentheses)?;
                self.require(TokenKind::RParen)?;
                Ok(node)
            }
            TokenKind::LBracket => self.list(),
            TokenKind::LBrace => self.dict(),
            _ => {
                let what = super::errors::repr(&self.describe(token));
                Err(self.error(format!("unexpected {what}")))
            }
        }
    }

    pub(super) fn integer(&self, token: Token) -> Result<Constant<'s>> {
        let text = self.text(token);
        numbers::check_integer(text).map_err(|why| error_at(why, token))?;
        Ok(numbers::integer(text))
    }

    /// The value of a string token; the lexer has checked its escapes.
    pub(super) fn string(&self, token: Token) -> Result<Cow<'s, str>> {
        let (start, end) = (token.start + 1, token.end - 1);
        let body = &self.source.text()[start as usize..end as usize];
        if !body.contains('\\') {
            return Ok(self.source.piece(start, end, &self.syntax.newline_sequence));
        }
        let value = strings::unescape(body, &self.syntax.newline_sequence);
        value.map(|value| Cow::Owned(value.into_owned())).map_err(|why| error_at(why, token))
    }

    /// One expression, or several as a tuple.
    pub(super) fn tuple(&mut self, rule: TupleRule) -> Result<Expr<'s>> {
        let mut at = self.here();
        let mut items = Vec::new();
        let (mut is_tuple, mut parts) = (false, 0);
        loop {
            if !items.is_empty() {
                self.require(TokenKind::Comma)?;
            }
            if self.at_tuple_end() {
                break;
            }
            let item = match rule {
                TupleRule::Target { namespaces } => self.primary(namespaces)?,
                TupleRule::NoConditional => self.unconditional()?,
                _ => self.expression()?,
            };
            parts = parts.max(self.height);
            if !self.at_kind(TokenKind::Comma) {
                if !is_tuple {
                    return Ok(item);
                }
                items.push(item);
                break;
            }
            items.push(item);
            is_tuple = true;
            at = self.here();
        }
        if !is_tuple && rule != TupleRule::Parentheses {
            let got = super::errors::repr(&self.describe(self.current));
            return Err(self.error(format!("Expected an expression, got {got}")));
        }
        self.grow(parts)?;
        Ok(Expr::Tuple(Box::new(Tuple { at, items, ctx: Ctx::Load })))
    }

    /// Jinja2 means to end tuples at `in` and `recursive` too, but its check never holds: neither does ours.
    fn at_tuple_end(&self) -> bool {
        matches!(self.current.kind, TokenKind::VariableEnd | TokenKind::BlockEnd | TokenKind::RParen)
    }

    fn list(&mut self) -> Result<Expr<'s>> {
        let at = self.here();
        self.skip()?;
        let mut items = Vec::new();
        let mut parts = 0;
        while !self.at_kind(TokenKind::RBracket) {
            if !items.is_empty() {
                self.require(TokenKind::Comma)?;
                if self.at_kind(TokenKind::RBracket) {
                    break;
                }
            }
            items.push(self.expression()?);
            parts = parts.max(self.height);
        }
        self.require(TokenKind::RBracket)?;
        self.grow(parts)?;
        Ok(Expr::List(Box::new(List { at, items })))
    }

    fn dict(&mut self) -> Result<Expr<'s>> {
        let at = self.here();
        self.skip()?;
        let mut items = Vec::new();
        let mut parts = 0;
        while !self.at_kind(TokenKind::RBrace) {
            if !items.is_empty() {
                self.require(TokenKind::Comma)?;
                if self.at_kind(TokenKind::RBrace) {
                    break;
                }
            }
            let key = self.expression()?;
            parts = parts.max(self.height);
            self.require(TokenKind::Colon)?;
            let value = self.expression()?;
            parts = parts.max(self.height);
            items.push(Pair { at: key.at(), key, value });
        }
        self.require(TokenKind::RBrace)?;
        self.grow(parts + 1)?;
        Ok(Expr::Dict(Box::new(Dict { at, items })))
    }
}
