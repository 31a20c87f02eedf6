//! What Jinja2 evaluates while it compiles, where that shows in the output.
//!
//! Jinja2 folds constants, filters and tests of constants included, and writes the result into Python source. Two
//! effects are part of its language: a constant `~` joins plain text, so markup in it is escaped again; and a negative
//! constant loses its parentheses, so `-1 ** x` and `(-1) ** x` both mean `-(1 ** x)`. They hold without our optimizer
//! too. Source: `jinja2/nodes.py` (`as_const`), `jinja2/compiler.py` (`visit_Const`), 3.1.6.

use haiden_syntax::ast::{Arguments, BinaryOp, Constant, Expr, Unary, UnaryOp};

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

    /// The operand of a negation that moves out of a power: that of a negative constant whose exponent is not known.
    pub(super) fn base_of_negation<'a, 's>(
        &self,
        op: BinaryOp,
        left: &'a Expr<'s>,
        right: &Expr<'s>,
    ) -> Option<&'a Unary<'s>> {
        match left {
            Expr::Unary(unary)
                if op == BinaryOp::Pow && unary.op == UnaryOp::Neg && !self.is_constant(right) =>
            {
                let is_positive = match &unary.node {
                    Expr::Const(node) => match node.value {
                        Constant::Int(value) => value > 0,
                        Constant::Float(value) => value > 0.0,
                        _ => false,
                    },
                    _ => false,
                };
                is_positive.then_some(&**unary)
            }
            _ => None,
        }
    }
}
