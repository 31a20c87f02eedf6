//! What Jinja2 evaluates while it compiles, where that shows in the output.
//!
//! Jinja2 folds constants, filters and tests of constants included, and writes the result into Python source. Three
//! effects are part of its language: a constant `~` joins plain text, so markup in it is escaped again; a printed constant is
//! escaped by what is known at that place, whatever `{% autoescape name %}` will say; and a negative constant loses its
//! parentheses, so `-1 ** x`, `(-1) ** x` and `(1 - 2) ** x` all mean `-(1 ** x)`, unless operators are intercepted. They hold
//! without our optimizer too. Source: `jinja2/nodes.py` (`as_const`), `jinja2/compiler.py` (`visit_Const`), 3.1.6.

use haiden_syntax::ast::{self, Arguments, BinaryOp, Expr, Symbol, UnaryOp};

use super::Builder;
use super::known::{Fold, Known};
use crate::options::KNOWN_FILTERS;

/// Filters that Jinja2 never folds: they take the context.
const WITH_CONTEXT: [&str; 6] = ["map", "random", "reject", "rejectattr", "select", "selectattr"];

impl<'s> Builder<'_, '_, 's> {
    /// Would Jinja2 know the value while it compiles?
    pub(super) fn is_constant(&self, expr: &Expr<'s>) -> bool {
        self.fold(expr).is_constant()
    }

    /// Whether a constant counts as true, if that shows without calling anything.
    pub(super) fn known_truth(&self, expr: &Expr<'s>) -> Option<bool> {
        self.fold(expr).truth()
    }

    /// What Jinja2 would know of the value while it compiles. Looks at each part once.
    pub(super) fn fold<'t>(&self, expr: &'t Expr<'s>) -> Fold<'t> {
        match expr {
            Expr::Const(node) => Fold::of(Known::literal(&node.value)),
            Expr::TemplateData(_) if !self.eval.volatile => Fold::Yes,
            Expr::Binary(node) => self.fold_binary(node),
            Expr::Unary(node) => self.fold_unary(node),
            Expr::Concat(node) => match self.fold_all(&node.nodes) {
                Some(parts) if parts.iter().any(writes_something) => Fold::Truth(true),
                Some(_) => Fold::Yes,
                None => Fold::No,
            },
            Expr::List(node) => {
                self.fold_all(&node.items).map_or(Fold::No, |items| Fold::Value(Known::List(items)))
            }
            Expr::Tuple(node) => {
                self.fold_all(&node.items).map_or(Fold::No, |items| Fold::Value(Known::Tuple(items)))
            }
            Expr::Dict(node) => {
                let pair = |pair: &'t ast::Pair<'s>| {
                    let (key, value) = (self.fold(&pair.key), self.fold(&pair.value));
                    (key.is_constant() && value.is_constant()).then_some((key, value))
                };
                let pairs: Option<Vec<_>> = node.items.iter().map(pair).collect();
                pairs.map_or(Fold::No, Known::dict)
            }
            Expr::CondExpr(node) => self.fold_condition(node),
            Expr::Compare(node) => self.fold_comparison(node),
            Expr::Getattr(node) => constant_if(self.is_constant(&node.node), Fold::Yes),
            Expr::Getitem(node) => {
                let (container, key) = (self.fold(&node.node), self.fold(&node.arg));
                let item =
                    container.value().zip(key.value()).and_then(|(container, key)| container.item(key));
                constant_if(container.is_constant() && key.is_constant(), item.unwrap_or(Fold::Yes))
            }
            Expr::Slice(node) => {
                let mut parts = [&node.start, &node.stop, &node.step].into_iter().flatten();
                constant_if(parts.all(|part| self.is_constant(part)), Fold::Yes)
            }
            Expr::Test(node) if !self.eval.volatile => {
                constant_if(self.is_constant(&node.node) && self.are_constant(&node.arguments), Fold::Yes)
            }
            Expr::Filter(node) if !self.eval.volatile => self.fold_filter(node),
            _ => Fold::No,
        }
    }

    /// All of them, if all are constant.
    fn fold_all<'t>(&self, exprs: &'t [Expr<'s>]) -> Option<Vec<Fold<'t>>> {
        exprs.iter().map(|expr| Some(self.fold(expr)).filter(Fold::is_constant)).collect()
    }

    fn fold_binary<'t>(&self, node: &'t ast::Binary<'s>) -> Fold<'t> {
        let is_logic = matches!(node.op, BinaryOp::And | BinaryOp::Or);
        if self.options.intercepted && !is_logic {
            return Fold::No;
        }
        let left = self.fold(&node.left);
        match left.truth() {
            _ if !left.is_constant() => Fold::No,
            Some(truth) if is_logic && truth == (node.op == BinaryOp::Or) => left,
            Some(_) if is_logic => self.fold(&node.right),
            _ => match (left.value(), self.fold(&node.right)) {
                (_, Fold::No) => Fold::No,
                (Some(left), Fold::Value(right)) if !is_logic => Fold::of(left.combined(node.op, &right)),
                _ => Fold::Yes,
            },
        }
    }

    fn fold_unary<'t>(&self, node: &'t ast::Unary<'s>) -> Fold<'t> {
        if self.options.intercepted && node.op != UnaryOp::Not {
            return Fold::No;
        }
        match (node.op, self.fold(&node.node)) {
            (_, Fold::No) => Fold::No,
            (UnaryOp::Not, operand) => Fold::of(operand.truth().map(|truth| Known::from(!truth))),
            (op, operand) => Fold::of(operand.value().and_then(|value| value.signed(op))),
        }
    }

    fn fold_condition<'t>(&self, node: &'t ast::CondExpr<'s>) -> Fold<'t> {
        let test = self.fold(&node.test);
        match test.truth() {
            _ if !test.is_constant() => Fold::No,
            Some(true) => self.fold(&node.expr1),
            // Without an `else` it is undefined, which Jinja2 leaves for run time.
            Some(false) => node.expr2.as_ref().map_or(Fold::No, |otherwise| self.fold(otherwise)),
            None => {
                let mut branches = [Some(&node.expr1), node.expr2.as_ref()].into_iter().flatten();
                constant_if(branches.all(|branch| self.is_constant(branch)), Fold::Yes)
            }
        }
    }

    /// Operands after the one that settles it are not looked at.
    fn fold_comparison<'t>(&self, node: &'t ast::Compare<'s>) -> Fold<'t> {
        let mut left = self.fold(&node.expr);
        let mut is_known = true;
        for operand in &node.ops {
            let right = self.fold(&operand.expr);
            if !(left.is_constant() && right.is_constant()) {
                return Fold::No;
            }
            let holds =
                left.value().zip(right.value()).and_then(|(left, right)| left.holds(operand.op, right));
            match holds {
                Some(false) if is_known => return Fold::Value(Known::from(false)),
                Some(_) => {}
                None => is_known = false,
            }
            left = right;
        }
        if is_known { Fold::Value(Known::from(true)) } else { Fold::Yes }
    }

    fn fold_filter<'t>(&self, node: &'t ast::Filter<'s>) -> Fold<'t> {
        let name = self.ir.text(node.name);
        let Some(operand) = &node.node else { return Fold::No };
        let others = &self.options.filters;
        if let Ok(place) = others.binary_search_by_key(&name, |other| other.0) {
            let folds = others[place].1 && self.is_constant(operand) && self.are_constant(&node.arguments);
            return constant_if(folds, Fold::Yes);
        }
        if WITH_CONTEXT.contains(&name) || !self.are_constant(&node.arguments) {
            return Fold::No;
        }
        let is_plain = node.arguments.args.is_empty() && node.arguments.kwargs.is_empty();
        match (name, self.fold(operand)) {
            (_, Fold::No) => Fold::No,
            ("abs", Fold::Value(value)) => Fold::of(value.abs()),
            // `default("", true)` has another value for what is false.
            ("d" | "default", operand) if is_plain || operand.truth() == Some(true) => operand,
            ("capitalize" | "e" | "escape" | "lower" | "safe" | "upper", operand) => match operand {
                Fold::Value(Known::Str(text)) => Fold::Truth(!text.is_empty()),
                // The text of anything else has a letter or a bracket in it.
                Fold::Value(_) | Fold::Truth(true) => Fold::Truth(true),
                _ => Fold::Yes,
            },
            _ => Fold::Yes,
        }
    }

    /// The filters in a constant expression of which the compiler knows nothing, each once.
    pub(super) fn filters_in(&self, expr: &Expr<'s>, names: &mut Vec<Symbol>) {
        let mut all = |exprs: &[Expr<'s>]| exprs.iter().for_each(|expr| self.filters_in(expr, names));
        match expr {
            Expr::Filter(node) => {
                all(node.node.as_slice());
                self.filters_in_arguments(&node.arguments, names);
                if !KNOWN_FILTERS.contains(&self.ir.text(node.name)) && !names.contains(&node.name) {
                    names.push(node.name);
                }
            }
            Expr::Test(node) => {
                self.filters_in(&node.node, names);
                self.filters_in_arguments(&node.arguments, names);
            }
            Expr::Concat(node) => all(&node.nodes),
            Expr::List(node) => all(&node.items),
            Expr::Tuple(node) => all(&node.items),
            Expr::Dict(node) => {
                for pair in &node.items {
                    self.filters_in(&pair.key, names);
                    self.filters_in(&pair.value, names);
                }
            }
            Expr::Binary(node) => {
                self.filters_in(&node.left, names);
                self.filters_in(&node.right, names);
            }
            Expr::Unary(node) => self.filters_in(&node.node, names),
            Expr::CondExpr(node) => {
                self.filters_in(&node.test, names);
                self.filters_in(&node.expr1, names);
                node.expr2.iter().for_each(|expr| self.filters_in(expr, names));
            }
            Expr::Compare(node) => {
                self.filters_in(&node.expr, names);
                node.ops.iter().for_each(|operand| self.filters_in(&operand.expr, names));
            }
            Expr::Getattr(node) => self.filters_in(&node.node, names),
            Expr::Getitem(node) => {
                self.filters_in(&node.node, names);
                self.filters_in(&node.arg, names);
            }
            _ => {}
        }
    }

    fn filters_in_arguments(&self, arguments: &Arguments<'s>, names: &mut Vec<Symbol>) {
        let named = arguments.kwargs.iter().map(|keyword| &keyword.value);
        let dynamic = arguments.dyn_args.iter().chain(&arguments.dyn_kwargs);
        arguments.args.iter().chain(named).chain(dynamic).for_each(|value| self.filters_in(value, names));
    }

    /// Does the left side of an `and` or an `or` settle it? Jinja2 does not look at the right one then.
    pub(super) fn is_decided(&self, op: BinaryOp, left: &Expr<'s>) -> bool {
        matches!(op, BinaryOp::And | BinaryOp::Or) && self.known_truth(left) == Some(op == BinaryOp::Or)
    }

    fn are_constant(&self, arguments: &Arguments<'s>) -> bool {
        let named = arguments.kwargs.iter().map(|keyword| &keyword.value);
        let dynamic = arguments.dyn_args.iter().chain(&arguments.dyn_kwargs);
        arguments.args.iter().chain(named).chain(dynamic).all(|value| self.is_constant(value))
    }

    /// Is it a power of a negative constant, the exponent of which is not known? The negation moves out of it, unless it stands
    /// in the source that Jinja2 generates: so it does without its optimizer.
    pub(super) fn negates_power(&self, op: BinaryOp, left: &Expr<'s>, right: &Expr<'s>) -> bool {
        op == BinaryOp::Pow
            && !self.options.intercepted
            && (self.options.optimize || !matches!(left, Expr::Unary(_)))
            && self.fold(left).value().is_some_and(Known::is_negative)
            && !self.is_constant(right)
    }
}

fn constant_if(is_constant: bool, constant: Fold<'_>) -> Fold<'_> {
    if is_constant { constant } else { Fold::No }
}

/// Is it sure that printing it writes something?
fn writes_something(part: &Fold<'_>) -> bool {
    match part {
        Fold::Value(Known::Str(text)) => !text.is_empty(),
        Fold::Value(_) => true,
        _ => false,
    }
}
