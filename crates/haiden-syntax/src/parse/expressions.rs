//! Expressions: operators from loose to tight, then literals, subscripts, calls, filters and tests.
//!
//! One loop climbs over all binary operators, so that a level of brackets costs few frames. Lines are Jinja2's: an
//! operator's node has the line where its own chain began, later nodes of the same chain that of the token behind the
//! one before.

use std::borrow::Cow;

use crate::ast::{
    Arguments, At, Binary, BinaryOp, Call, Compare, CompareOp, Concat, CondExpr, Const, Constant, Ctx, Dict,
    Expr, Filter, Getattr, Getitem, Keyword, List, Name, Operand, Pair, Slice, Symbol, Test, Tuple, Unary,
    UnaryOp,
};
use crate::lex::token::{Token, TokenKind, Word};
use crate::lex::{numbers, strings};
use crate::parse::{Parser, Result, error_at};

/// Where a tuple without parentheses stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TupleRule {
    /// In `{{ … }}`.
    Output,
    /// In a tag.
    Plain,
    /// In a tag that gives `if` another meaning: no conditional expressions.
    NoConditional,
    /// Inside parentheses.
    Parentheses,
    /// Where something is bound.
    Target { namespaces: bool },
}

/// How tight an operator binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or = 1,
    And,
    Not,
    Compare,
    Sum,
    Concat,
    Product,
    Power,
    Unary,
}

impl Level {
    fn tighter(self) -> Level {
        match self {
            Level::Or => Level::And,
            Level::And => Level::Not,
            Level::Not => Level::Compare,
            Level::Compare => Level::Sum,
            Level::Sum => Level::Concat,
            Level::Concat => Level::Product,
            Level::Product => Level::Power,
            Level::Power | Level::Unary => Level::Unary,
        }
    }
}

/// A binary operator.
#[derive(Clone, Copy)]
enum Operator {
    Binary(BinaryOp),
    Compare(CompareOp),
    NotIn,
    Concat,
}

impl<'s> Parser<'s, '_> {
    /// An expression, conditional ones included.
    pub(super) fn expression(&mut self) -> Result<Expr<'s>> {
        self.nested(|parser| {
            let mut at = parser.here();
            let mut expr = parser.operators(Level::Or)?;
            while parser.at_word(Word::If) {
                parser.advance()?;
                let height = parser.height;
                let test = parser.operators(Level::Or)?;
                let mut parts = height.max(parser.height);
                let expr2 = if parser.skip_word(Word::Else)? {
                    let other = parser.expression()?;
                    parts = parts.max(parser.height);
                    Some(other)
                } else {
                    None
                };
                parser.grow(parts)?;
                expr = Expr::CondExpr(Box::new(CondExpr { at, test, expr1: expr, expr2 }));
                at = parser.here();
            }
            Ok(expr)
        })
    }

    /// An expression whose operators bind at least as tight as `loosest`.
    fn operators(&mut self, loosest: Level) -> Result<Expr<'s>> {
        let start = self.here();
        let mut left = if loosest <= Level::Not && self.at_word(Word::Not) {
            self.negation(start)?
        } else {
            self.unary(true)?
        };
        let mut chain: Option<(Level, At)> = None;
        loop {
            let Some((operator, level)) = self.operator()? else { return Ok(left) };
            if level < loosest {
                return Ok(left);
            }
            let at = match chain {
                Some((last, at)) if last == level => at,
                _ => start,
            };
            left = match operator {
                Operator::Binary(op) => {
                    let caret = self.current.start;
                    self.advance()?;
                    let parts = self.height;
                    let right = self.operators(level.tighter())?;
                    self.grow(parts.max(self.height))?;
                    let at = At { line: at.line, offset: self.source.offset(caret) };
                    Expr::Binary(Box::new(Binary { at, op, left, right }))
                }
                Operator::Concat => self.concat(at, left)?,
                Operator::Compare(_) | Operator::NotIn => self.comparison(left)?,
            };
            chain = Some((level, self.here()));
        }
    }

    fn negation(&mut self, at: At) -> Result<Expr<'s>> {
        self.nested(|parser| {
            parser.advance()?;
            let node = parser.operators(Level::Not)?;
            parser.grow(parser.height)?;
            Ok(Expr::Unary(Box::new(Unary { at, op: UnaryOp::Not, node })))
        })
    }

    /// The operator that is current, if one is.
    #[inline]
    fn operator(&mut self) -> Result<Option<(Operator, Level)>> {
        use TokenKind as K;
        let binary = |op, level| Ok(Some((Operator::Binary(op), level)));
        let compare = |op| Ok(Some((Operator::Compare(op), Level::Compare)));
        let (kind, word) = (self.current.kind, self.current.word);
        match kind {
            K::Name => match word {
                Word::Or => binary(BinaryOp::Or, Level::Or),
                Word::And => binary(BinaryOp::And, Level::And),
                Word::In => compare(CompareOp::In),
                Word::Not if self.look()?.is(Word::In) => Ok(Some((Operator::NotIn, Level::Compare))),
                _ => Ok(None),
            },
            K::Add => binary(BinaryOp::Add, Level::Sum),
            K::Sub => binary(BinaryOp::Sub, Level::Sum),
            K::Mul => binary(BinaryOp::Mul, Level::Product),
            K::Div => binary(BinaryOp::Div, Level::Product),
            K::FloorDiv => binary(BinaryOp::FloorDiv, Level::Product),
            K::Mod => binary(BinaryOp::Mod, Level::Product),
            K::Pow => binary(BinaryOp::Pow, Level::Power),
            K::Tilde => Ok(Some((Operator::Concat, Level::Concat))),
            K::Eq => compare(CompareOp::Eq),
            K::Ne => compare(CompareOp::Ne),
            K::Gt => compare(CompareOp::Gt),
            K::GtEq => compare(CompareOp::GtEq),
            K::Lt => compare(CompareOp::Lt),
            K::LtEq => compare(CompareOp::LtEq),
            _ => Ok(None),
        }
    }

    fn concat(&mut self, at: At, first: Expr<'s>) -> Result<Expr<'s>> {
        let mut parts = self.height;
        let mut nodes = vec![first];
        while self.skip_kind(TokenKind::Tilde)? {
            nodes.push(self.operators(Level::Product)?);
            parts = parts.max(self.height);
        }
        self.grow(parts)?;
        Ok(Expr::Concat(Box::new(Concat { at, nodes })))
    }

    fn comparison(&mut self, expr: Expr<'s>) -> Result<Expr<'s>> {
        let mut parts = self.height;
        let mut ops = Vec::new();
        let caret = self.source.offset(self.current.start);
        while let Some((operator, Level::Compare)) = self.operator()? {
            let at = At { line: 0, offset: self.source.offset(self.current.start) };
            self.advance()?;
            let op = if let Operator::Compare(op) = operator {
                op
            } else {
                self.advance()?;
                CompareOp::NotIn
            };
            let expr = self.operators(Level::Sum)?;
            parts = parts.max(self.height);
            ops.push(Operand { at, op, expr });
        }
        self.grow(parts)?;
        let at = At { line: self.current.line, offset: caret };
        Ok(Expr::Compare(Box::new(Compare { at, expr, ops })))
    }

    /// A sign and its operand, or a primary with what follows it.
    fn unary(&mut self, with_filter: bool) -> Result<Expr<'s>> {
        let op = match self.current.kind {
            TokenKind::Sub => Some(UnaryOp::Neg),
            TokenKind::Add => Some(UnaryOp::Pos),
            _ => None,
        };
        let mut node = match op {
            None => self.primary(false)?,
            Some(op) => {
                let at = self.here();
                self.nested(|parser| {
                    parser.advance()?;
                    let node = parser.unary(false)?;
                    parser.grow(parser.height)?;
                    Ok(Expr::Unary(Box::new(Unary { at, op, node })))
                })?
            }
        };
        node = self.postfix(node)?;
        if with_filter { self.filters_and_tests(node) } else { Ok(node) }
    }

    // ---- primaries -------------------------------------------------------------------------------------------

    /// A name, a literal or something in brackets.
    fn primary(&mut self, namespaces: bool) -> Result<Expr<'s>> {
        let token = self.current;
        let at = self.at(token);
        self.height = 1;
        let constant = |value| Expr::Const(Box::new(Const { at, value }));
        match token.kind {
            TokenKind::Name => {
                self.advance()?;
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
                self.advance()?;
                while self.at_kind(TokenKind::String) {
                    let more = self.string(self.current)?;
                    value.to_mut().push_str(&more);
                    self.advance()?;
                }
                Ok(constant(Constant::Str(value)))
            }
            TokenKind::Integer => {
                let value = self.integer(token)?;
                self.advance()?;
                Ok(constant(value))
            }
            TokenKind::Float => {
                let value = numbers::float(self.text(token));
                self.advance()?;
                Ok(constant(value))
            }
            TokenKind::LParen => {
                self.advance()?;
                let node = self.nested(|parser| parser.tuple(TupleRule::Parentheses))?;
                self.expect_kind(TokenKind::RParen)?;
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

    fn integer(&self, token: Token) -> Result<Constant<'s>> {
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
                self.expect_kind(TokenKind::Comma)?;
            }
            if self.at_tuple_end() {
                break;
            }
            items.push(match rule {
                TupleRule::Target { namespaces } => self.primary(namespaces)?,
                TupleRule::NoConditional => self.nested(|parser| parser.operators(Level::Or))?,
                _ => self.expression()?,
            });
            parts = parts.max(self.height);
            if !self.at_kind(TokenKind::Comma) {
                break;
            }
            is_tuple = true;
            at = self.here();
        }
        if !is_tuple {
            if let Some(only) = items.pop() {
                return Ok(only);
            }
            if rule != TupleRule::Parentheses {
                let got = super::errors::repr(&self.describe(self.current));
                return Err(self.error(format!("Expected an expression, got {got}")));
            }
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
        self.advance()?;
        let mut items = Vec::new();
        let mut parts = 0;
        while !self.at_kind(TokenKind::RBracket) {
            if !items.is_empty() {
                self.expect_kind(TokenKind::Comma)?;
                if self.at_kind(TokenKind::RBracket) {
                    break;
                }
            }
            items.push(self.expression()?);
            parts = parts.max(self.height);
        }
        self.expect_kind(TokenKind::RBracket)?;
        self.grow(parts)?;
        Ok(Expr::List(Box::new(List { at, items })))
    }

    fn dict(&mut self) -> Result<Expr<'s>> {
        let at = self.here();
        self.advance()?;
        let mut items = Vec::new();
        let mut parts = 0;
        while !self.at_kind(TokenKind::RBrace) {
            if !items.is_empty() {
                self.expect_kind(TokenKind::Comma)?;
                if self.at_kind(TokenKind::RBrace) {
                    break;
                }
            }
            let key = self.expression()?;
            parts = parts.max(self.height);
            self.expect_kind(TokenKind::Colon)?;
            let value = self.expression()?;
            parts = parts.max(self.height);
            items.push(Pair { at: key.at(), key, value });
        }
        self.expect_kind(TokenKind::RBrace)?;
        self.grow(parts + 1)?;
        Ok(Expr::Dict(Box::new(Dict { at, items })))
    }

    // ---- what follows a primary --------------------------------------------------------------------------------

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
    fn filters_and_tests(&mut self, mut node: Expr<'s>) -> Result<Expr<'s>> {
        loop {
            node = match self.current.kind {
                TokenKind::Pipe => {
                    self.advance()?;
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
        self.advance()?;
        let mut parts = self.height;
        let mut args = Vec::new();
        while !self.at_kind(TokenKind::RBracket) {
            if !args.is_empty() {
                self.expect_kind(TokenKind::Comma)?;
            }
            args.push(self.subscribed()?);
            parts = parts.max(self.height + 1);
        }
        self.expect_kind(TokenKind::RBracket)?;
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
        self.advance()?;
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
    fn arguments(&mut self) -> Result<Arguments<'s>> {
        let open = self.expect_kind(TokenKind::LParen)?;
        let mut given = Arguments::default();
        let (mut parts, mut first) = (0, true);
        while !self.at_kind(TokenKind::RParen) {
            if !std::mem::take(&mut first) {
                self.expect_kind(TokenKind::Comma)?;
                if self.at_kind(TokenKind::RParen) {
                    break;
                }
            }
            let kind = self.current.kind;
            let allowed = match kind {
                TokenKind::Mul => {
                    let allowed = given.dyn_args.is_none() && given.dyn_kwargs.is_none();
                    if allowed {
                        self.advance()?;
                        given.dyn_args = Some(self.expression()?);
                    }
                    allowed
                }
                TokenKind::Pow => {
                    let allowed = given.dyn_kwargs.is_none();
                    if allowed {
                        self.advance()?;
                        given.dyn_kwargs = Some(self.expression()?);
                    }
                    allowed
                }
                TokenKind::Name if self.look()?.kind == TokenKind::Assign => {
                    let allowed = given.dyn_kwargs.is_none();
                    if allowed {
                        let token = self.advance()?;
                        let key = self.symbol(token);
                        self.advance()?;
                        let value = self.expression()?;
                        given.kwargs.push(Keyword { at: value.at(), key, value });
                    }
                    allowed
                }
                _ => {
                    let allowed =
                        given.dyn_args.is_none() && given.dyn_kwargs.is_none() && given.kwargs.is_empty();
                    if allowed {
                        given.args.push(self.expression()?);
                    }
                    allowed
                }
            };
            if !allowed {
                return Err(error_at("invalid syntax for function call expression", open));
            }
            parts = parts.max(self.height + 1);
        }
        self.expect_kind(TokenKind::RParen)?;
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
