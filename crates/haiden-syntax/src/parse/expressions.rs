//! Expressions: operators from loose to tight.
//!
//! One loop climbs over all binary operators, so that a level of brackets costs few frames. Lines are Jinja2's: an
//! operator's node has the line where its own chain began, later nodes of the same chain that of the token behind the
//! one before.

use crate::ast::{At, Binary, BinaryOp, Compare, CompareOp, Concat, CondExpr, Expr, Operand, Unary, UnaryOp};
use crate::lex::token::{TokenKind, Word};
use crate::parse::{Depth, Parser, Result};

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
        let at = self.here();
        let expr = self.unconditional()?;
        if self.at_word(Word::If) { self.conditional(at, expr) } else { Ok(expr) }
    }

    /// An expression that is not conditional.
    pub(super) fn unconditional(&mut self) -> Result<Expr<'s>> {
        self.enter(Depth::Level)?;
        let expr = self.operators(Level::Or)?;
        self.leave(Depth::Level);
        Ok(expr)
    }

    /// The right operand of an operator.
    fn operand(&mut self, loosest: Level) -> Result<Expr<'s>> {
        self.enter(Depth::Operand)?;
        let expr = self.operators(loosest)?;
        self.leave(Depth::Operand);
        Ok(expr)
    }

    /// What follows the first operand of a conditional expression.
    fn conditional(&mut self, mut at: At, mut expr: Expr<'s>) -> Result<Expr<'s>> {
        while self.skip_word(Word::If)? {
            let height = self.height;
            let test = self.unconditional()?;
            let mut parts = height.max(self.height);
            let expr2 = if self.skip_word(Word::Else)? {
                self.enter(Depth::Operand)?;
                let other = self.expression()?;
                self.leave(Depth::Operand);
                parts = parts.max(self.height);
                Some(other)
            } else {
                None
            };
            self.grow(parts)?;
            expr = Expr::CondExpr(Box::new(CondExpr { at, test, expr1: expr, expr2 }));
            at = self.here();
        }
        Ok(expr)
    }

    /// Operands and the operators between them that bind at least as tight as `loosest`.
    #[inline]
    fn operators(&mut self, loosest: Level) -> Result<Expr<'s>> {
        let start = self.here();
        let mut left =
            if loosest <= Level::Not && self.at_word(Word::Not) { self.negation()? } else { self.unary()? };
        let mut chain: Option<(Level, At)> = None;
        while let Some((operator, level)) = self.operator()? {
            if level < loosest {
                break;
            }
            let at = match chain {
                Some((last, at)) if last == level => at,
                _ => start,
            };
            left = match operator {
                Operator::Binary(op) => self.binary(at, op, level, left)?,
                Operator::Concat => self.concat(at, left)?,
                Operator::Compare(_) | Operator::NotIn => self.comparison(left)?,
            };
            chain = Some((level, self.here()));
        }
        Ok(left)
    }

    fn binary(&mut self, at: At, op: BinaryOp, level: Level, left: Expr<'s>) -> Result<Expr<'s>> {
        let at = At { line: at.line, offset: self.source.offset(self.current.start) };
        self.skip()?;
        let parts = self.height;
        let right = self.operand(level.tighter())?;
        self.grow(parts.max(self.height))?;
        Ok(Expr::Binary(Box::new(Binary { at, op, left, right })))
    }

    /// As many `not`s as there are, and what they negate.
    fn negation(&mut self) -> Result<Expr<'s>> {
        let mut nots = Vec::new();
        while self.at_word(Word::Not) {
            nots.push((self.here(), UnaryOp::Not));
            self.skip()?;
        }
        let node = self.operand(Level::Compare)?;
        self.apply(nots, node)
    }

    /// Puts unary operators around an operand, the last one innermost.
    fn apply(&mut self, ops: Vec<(At, UnaryOp)>, mut node: Expr<'s>) -> Result<Expr<'s>> {
        for (at, op) in ops.into_iter().rev() {
            self.grow(self.height)?;
            node = Expr::Unary(Box::new(Unary { at, op, node }));
        }
        Ok(node)
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
            nodes.push(self.operand(Level::Product)?);
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
            let at = At { line: self.operand_line, offset: self.source.offset(self.current.start) };
            self.skip()?;
            let op = if let Operator::Compare(op) = operator {
                op
            } else {
                self.skip()?;
                CompareOp::NotIn
            };
            let expr = self.operand(Level::Sum)?;
            parts = parts.max(self.height);
            ops.push(Operand { at, op, expr });
        }
        self.grow(parts)?;
        let at = At { line: self.current.line, offset: caret };
        Ok(Expr::Compare(Box::new(Compare { at, expr, ops })))
    }

    /// Signs, a primary and what follows it: subscripts and calls belong to the primary, filters and tests to it with
    /// its signs.
    fn unary(&mut self) -> Result<Expr<'s>> {
        let mut signs = Vec::new();
        loop {
            let op = match self.current.kind {
                TokenKind::Sub => UnaryOp::Neg,
                TokenKind::Add => UnaryOp::Pos,
                _ => break,
            };
            signs.push((self.here(), op));
            self.skip()?;
        }
        let node = self.primary(false)?;
        let node = self.postfix(node)?;
        let node = self.apply(signs, node)?;
        self.filters_and_tests(node)
    }
}
