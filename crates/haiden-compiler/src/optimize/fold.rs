//! Constant folding: a small evaluator over scalars.
//!
//! Expressions lie in post-order, so one loop folds from the leaves up. What could raise, grow without bound or call
//! anything is left for run time: filters, tests, calls, division by zero, integers beyond 64 bits.

use std::borrow::Cow;
use std::cmp::Ordering;

use haiden_syntax::ast::CompareOp;

use crate::ir::{Expr, ExprId, Ir, List, Operator};

/// Folded texts are at most this long, in bytes.
const MAX_TEXT: usize = 1 << 16;

/// Replaces expressions by the constants they are.
pub(super) fn fold(ir: &mut Ir<'_>) {
    for index in 0..ir.exprs.len() {
        if let Some(folded) = folded(ir, &ir.exprs[index]) {
            ir.exprs[index] = folded;
        }
    }
}

fn folded<'a>(ir: &Ir<'a>, expr: &Expr<'a>) -> Option<Expr<'a>> {
    let constant = |id: ExprId| Some(ir.expr(id)).filter(|expr| is_constant(expr));
    match *expr {
        Expr::Binary { op, left, right } => binary(op, constant(left)?, constant(right)?),
        Expr::Neg(value) => match *constant(value)? {
            Expr::Int(value) => value.checked_neg().map(Expr::Int),
            Expr::Float(value) => Some(Expr::Float(-value)),
            _ => None,
        },
        Expr::Pos(value) => match *constant(value)? {
            Expr::Int(value) => Some(Expr::Int(value)),
            Expr::Float(value) => Some(Expr::Float(value)),
            _ => None,
        },
        Expr::Not(value) => Some(Expr::Bool(!truth(ir.expr(value))?)),
        Expr::And(left, right) => {
            let first = ir.expr(left);
            if truth(first)? { constant(right).cloned() } else { Some(first.clone()) }
        }
        Expr::Or(left, right) => {
            let first = ir.expr(left);
            if truth(first)? { Some(first.clone()) } else { constant(right).cloned() }
        }
        Expr::Cond { test, then, otherwise: Some(otherwise) } => {
            let chosen = if truth(ir.expr(test))? { then } else { otherwise };
            constant(chosen).cloned()
        }
        Expr::Compare { first, ops, operators } => compare(ir, first, ops, operators),
        Expr::Concat(list, ..) => concat(ir, list),
        _ => None,
    }
}

fn is_constant(expr: &Expr<'_>) -> bool {
    matches!(expr, Expr::None | Expr::Bool(_) | Expr::Int(_) | Expr::Float(_) | Expr::Str(_))
}

/// The truth of a constant; an integer beyond 64 bits is not zero.
fn truth(expr: &Expr<'_>) -> Option<bool> {
    Some(match expr {
        Expr::None => false,
        Expr::Bool(value) => *value,
        Expr::Int(value) => *value != 0,
        Expr::BigInt(_) => true,
        Expr::Float(value) => *value != 0.0,
        Expr::Str(text) => !text.is_empty(),
        _ => return None,
    })
}

fn binary<'a>(op: Operator, left: &Expr<'a>, right: &Expr<'a>) -> Option<Expr<'a>> {
    match (left, right) {
        (Expr::Int(left), Expr::Int(right)) => {
            let value = match op {
                Operator::Add => left.checked_add(*right)?,
                Operator::Sub => left.checked_sub(*right)?,
                Operator::Mul => left.checked_mul(*right)?,
                Operator::FloorDiv if *right > 0 => left.checked_div_euclid(*right)?,
                Operator::Mod if *right > 0 => left.checked_rem_euclid(*right)?,
                Operator::Pow => left.checked_pow(u32::try_from(*right).ok()?)?,
                _ => return None,
            };
            Some(Expr::Int(value))
        }
        (Expr::Float(left), Expr::Float(right)) => Some(Expr::Float(match op {
            Operator::Add => left + right,
            Operator::Sub => left - right,
            Operator::Mul => left * right,
            _ => return None,
        })),
        (Expr::Str(left), Expr::Str(right))
            if op == Operator::Add && left.len() + right.len() <= MAX_TEXT =>
        {
            Some(Expr::Str(Cow::Owned(format!("{left}{right}"))))
        }
        _ => None,
    }
}

fn compare<'a>(ir: &Ir<'a>, first: ExprId, ops: List, operators: u32) -> Option<Expr<'a>> {
    let mut left = ir.expr(first);
    let mut holds = true;
    for (place, &id) in ir.list(ops).iter().enumerate() {
        let right = ir.expr(id);
        let order = match (left, right) {
            (Expr::Int(left), Expr::Int(right)) => left.cmp(right),
            (Expr::Str(left), Expr::Str(right)) => left.cmp(right),
            (Expr::Bool(left), Expr::Bool(right)) => left.cmp(right),
            _ => return None,
        };
        holds &= match ir.operators[operators as usize + place] {
            CompareOp::Eq => order == Ordering::Equal,
            CompareOp::Ne => order != Ordering::Equal,
            CompareOp::Lt => order == Ordering::Less,
            CompareOp::LtEq => order != Ordering::Greater,
            CompareOp::Gt => order == Ordering::Greater,
            CompareOp::GtEq => order != Ordering::Less,
            CompareOp::In | CompareOp::NotIn => return None,
        };
        left = right;
    }
    Some(Expr::Bool(holds))
}

fn concat<'a>(ir: &Ir<'a>, list: List) -> Option<Expr<'a>> {
    let mut text = String::new();
    for &id in ir.list(list) {
        match ir.expr(id) {
            Expr::Str(part) => text.push_str(part),
            Expr::Int(value) => text.push_str(&value.to_string()),
            Expr::Bool(true) => text.push_str("True"),
            Expr::Bool(false) => text.push_str("False"),
            Expr::None => text.push_str("None"),
            _ => return None,
        }
        if text.len() > MAX_TEXT {
            return None;
        }
    }
    Some(Expr::Str(Cow::Owned(text)))
}
