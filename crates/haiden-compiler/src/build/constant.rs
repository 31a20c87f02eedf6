//! What Jinja2 evaluates while it compiles, where that shows in the output.
//!
//! Jinja2 folds constants, filters and tests of constants included, and writes the result into Python source. Two
//! effects are part of its language: a constant `~` joins plain text, so markup in it is escaped again; and a negative
//! constant loses its parentheses, so `-1 ** x`, `(-1) ** x` and `(1 - 2) ** x` all mean `-(1 ** x)`, unless operators are
//! intercepted. They hold without our optimizer too. Source: `jinja2/nodes.py` (`as_const`), `jinja2/compiler.py` (`visit_Const`), 3.1.6.

use haiden_syntax::ast::{Arguments, BinaryOp, Constant, Expr, UnaryOp};

use super::Builder;

/// Filters that leave a constant as true, or as false, as it was.
const KEEPING_TRUTH: [&str; 9] =
    ["abs", "capitalize", "d", "default", "e", "escape", "lower", "safe", "upper"];

/// Filters that Jinja2 never folds: they take the context.
const WITH_CONTEXT: [&str; 6] = ["map", "random", "reject", "rejectattr", "select", "selectattr"];

impl Builder<'_, '_, '_> {
    /// Would Jinja2 know the value while it compiles?
    pub(super) fn is_constant(&self, expr: &Expr<'_>) -> bool {
        match expr {
            Expr::Const(_) | Expr::TemplateData(_) => true,
            Expr::Binary(node) => {
                self.is_constant(&node.left)
                    && (self.is_decided(node.op, &node.left) || self.is_constant(&node.right))
            }
            Expr::Unary(node) => self.is_constant(&node.node),
            Expr::Concat(node) => node.nodes.iter().all(|part| self.is_constant(part)),
            Expr::List(node) => node.items.iter().all(|item| self.is_constant(item)),
            Expr::Tuple(node) => node.items.iter().all(|item| self.is_constant(item)),
            Expr::Dict(node) => {
                node.items.iter().all(|pair| self.is_constant(&pair.key) && self.is_constant(&pair.value))
            }
            Expr::CondExpr(node) => {
                let otherwise = node.expr2.as_ref();
                match self.known_truth(&node.test) {
                    Some(true) => self.is_constant(&node.expr1),
                    Some(false) => otherwise.is_some_and(|value| self.is_constant(value)),
                    None => {
                        let all = [&node.test, &node.expr1];
                        all.into_iter().chain(otherwise).all(|value| self.is_constant(value))
                    }
                }
            }
            Expr::Compare(node) => {
                self.is_constant(&node.expr) && node.ops.iter().all(|operand| self.is_constant(&operand.expr))
            }
            Expr::Getattr(node) => self.is_constant(&node.node),
            Expr::Getitem(node) => self.is_constant(&node.node) && self.is_constant(&node.arg),
            Expr::Slice(node) => {
                [&node.start, &node.stop, &node.step].into_iter().flatten().all(|part| self.is_constant(part))
            }
            Expr::Test(node) => {
                !self.eval.volatile && self.is_constant(&node.node) && self.are_constant(&node.arguments)
            }
            Expr::Filter(node) => {
                !self.eval.volatile
                    && !WITH_CONTEXT.contains(&self.ir.text(node.name))
                    && node.node.as_ref().is_some_and(|value| self.is_constant(value))
                    && self.are_constant(&node.arguments)
            }
            _ => false,
        }
    }

    /// Whether a constant counts as true, if that shows without calling anything.
    pub(super) fn known_truth(&self, expr: &Expr<'_>) -> Option<bool> {
        match expr {
            Expr::Const(node) => Some(match &node.value {
                Constant::None => false,
                Constant::Bool(value) => *value,
                Constant::Int(value) => *value != 0,
                Constant::Float(value) => *value != 0.0,
                Constant::Str(value) => !value.is_empty(),
                Constant::BigInt(_) => true,
                Constant::Object(_) => return None,
            }),
            Expr::List(node) => self.is_constant(expr).then_some(!node.items.is_empty()),
            Expr::Tuple(node) => self.is_constant(expr).then_some(!node.items.is_empty()),
            Expr::Unary(node) if node.op == UnaryOp::Not => self.known_truth(&node.node).map(|truth| !truth),
            Expr::Filter(node)
                if KEEPING_TRUTH.contains(&self.ir.text(node.name)) && self.is_constant(expr) =>
            {
                let truth = self.known_truth(node.node.as_ref()?)?;
                // `default("", true)` has another value for what is false, and `abs` refuses what is no number.
                let is_sure = match self.ir.text(node.name) {
                    "abs" => {
                        matches!(&node.node, Some(Expr::Const(node)) if !matches!(node.value, Constant::Str(_) | Constant::None))
                    }
                    _ => truth || node.arguments.args.is_empty() && node.arguments.kwargs.is_empty(),
                };
                is_sure.then_some(truth)
            }
            Expr::Binary(node) => match (node.op, self.known_truth(&node.left)?) {
                (BinaryOp::And, true) | (BinaryOp::Or, false) => self.known_truth(&node.right),
                (BinaryOp::And | BinaryOp::Or, left) => Some(left),
                _ => None,
            },
            _ => None,
        }
    }

    /// Does the left side of an `and` or an `or` settle it? Jinja2 does not look at the right one then.
    pub(super) fn is_decided(&self, op: BinaryOp, left: &Expr<'_>) -> bool {
        matches!(op, BinaryOp::And | BinaryOp::Or) && self.known_truth(left) == Some(op == BinaryOp::Or)
    }

    fn are_constant(&self, arguments: &Arguments<'_>) -> bool {
        let named = arguments.kwargs.iter().map(|keyword| &keyword.value);
        let dynamic = arguments.dyn_args.iter().chain(&arguments.dyn_kwargs);
        arguments.args.iter().chain(named).chain(dynamic).all(|value| self.is_constant(value))
    }

    /// Is it a power of a negative constant, the exponent of which is not known? The negation moves out of it.
    pub(super) fn negates_power(&self, op: BinaryOp, left: &Expr<'_>, right: &Expr<'_>) -> bool {
        op == BinaryOp::Pow
            && !self.options.intercepted
            && Number::of(left).is_some_and(Number::is_negative)
            && !self.is_constant(right)
    }
}

/// A constant number, as far as its sign needs it.
#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    /// The value of an expression of numbers and operators; `None` for what is more, or beyond 64 bits.
    fn of(expr: &Expr<'_>) -> Option<Number> {
        match expr {
            Expr::Const(node) => match node.value {
                Constant::Bool(value) => Some(Number::Int(i64::from(value))),
                Constant::Int(value) => Some(Number::Int(value)),
                Constant::Float(value) => Some(Number::Float(value)),
                _ => None,
            },
            Expr::Unary(node) => match (node.op, Number::of(&node.node)?) {
                (UnaryOp::Pos, value) => Some(value),
                (UnaryOp::Neg, Number::Int(value)) => value.checked_neg().map(Number::Int),
                (UnaryOp::Neg, Number::Float(value)) => Some(Number::Float(-value)),
                (UnaryOp::Not, _) => None,
            },
            Expr::Binary(node) => Number::of(&node.left)?.combined(node.op, Number::of(&node.right)?),
            _ => None,
        }
    }

    fn combined(self, op: BinaryOp, other: Number) -> Option<Number> {
        if let (Number::Int(left), Number::Int(right)) = (self, other) {
            let result = match op {
                BinaryOp::Add => left.checked_add(right),
                BinaryOp::Sub => left.checked_sub(right),
                BinaryOp::Mul => left.checked_mul(right),
                BinaryOp::Div if right != 0 => return Some(Number::Float(left as f64 / right as f64)),
                _ => None,
            };
            return result.map(Number::Int);
        }
        let (left, right) = (self.float(), other.float());
        let result = match op {
            BinaryOp::Add => left + right,
            BinaryOp::Sub => left - right,
            BinaryOp::Mul => left * right,
            BinaryOp::Div if right != 0.0 => left / right,
            _ => return None,
        };
        Some(Number::Float(result))
    }

    fn float(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Float(value) => value,
        }
    }

    fn is_negative(self) -> bool {
        match self {
            Number::Int(value) => value < 0,
            Number::Float(value) => value.is_sign_negative() && !value.is_nan(),
        }
    }
}
