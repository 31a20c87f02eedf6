//! Expressions.

use std::borrow::Cow;

use haiden_bytecode::{Escape, LoopField};
use haiden_syntax::ast::{
    self, At, BinaryOp, Compare, Concat, CondExpr, Dict, Getattr, Getitem, Slice, Symbol, UnaryOp,
};

use super::{Builder, LoopUse, Result};
use crate::error::{CompileError, ErrorKind};
use crate::ir::{Expr, ExprId, List, Operator};
use crate::resolve::{Role, VariableId};

impl<'a, 's> Builder<'_, 'a, 's> {
    /// An expression. It recurses as deep as the tree, so it only chooses; the work is elsewhere.
    pub(super) fn expr(&mut self, expr: &'a ast::Expr<'s>) -> Result<ExprId> {
        match expr {
            ast::Expr::Name(node) => Ok(self.read_name(node.name, node.at)),
            ast::Expr::Const(node) => Ok(self.constant(node)),
            ast::Expr::TemplateData(node) => Ok(self.template_data(*node)),
            ast::Expr::Tuple(node) => self.sequence(&node.items, node.at, Expr::Tuple),
            ast::Expr::List(node) => self.sequence(&node.items, node.at, Expr::List),
            ast::Expr::Dict(node) => self.dict(node),
            ast::Expr::CondExpr(node) => self.conditional(node),
            ast::Expr::Filter(node) => self.filter(node),
            ast::Expr::Test(node) => self.test(node),
            ast::Expr::Call(node) => self.call(node, None),
            ast::Expr::Getitem(node) => self.item(node),
            ast::Expr::Getattr(node) => self.attr(node),
            ast::Expr::Concat(node) => self.concat(node),
            ast::Expr::Compare(node) => self.compare(node),
            ast::Expr::Binary(node) => self.binary(node),
            ast::Expr::Unary(node) => self.unary(node),
            other => self.rare(other),
        }
    }

    /// Expressions that only extensions make, or that stand elsewhere.
    #[inline(never)]
    fn rare(&mut self, expr: &'a ast::Expr<'s>) -> Result<ExprId> {
        match expr {
            ast::Expr::MarkSafe(node) => {
                let value = self.expr(&node.expr)?;
                Ok(self.push(node.at, Expr::MarkSafe(value, Escape::Html)))
            }
            ast::Expr::MarkSafeIfAutoescape(node) => {
                let value = self.expr(&node.expr)?;
                Ok(self.push(node.at, Expr::MarkSafe(value, Escape::Dynamic)))
            }
            ast::Expr::ContextReference(node) => Ok(self.push(node.at, Expr::Context { locals: None })),
            ast::Expr::DerivedContextReference(node) => {
                let locals = self.locals(node.at);
                Ok(self.push(node.at, Expr::Context { locals: Some(locals) }))
            }
            ast::Expr::EnvironmentAttribute(node) => self.outside(
                "EnvironmentAttribute",
                format!("environment:{}", self.ir.text(node.name)),
                node.at,
            ),
            ast::Expr::ExtensionAttribute(node) => {
                let (identifier, name) = (self.ir.text(node.identifier), self.ir.text(node.name));
                self.outside("ExtensionAttribute", format!("extension:{identifier}:{name}"), node.at)
            }
            ast::Expr::ImportedName(node) => {
                self.outside("ImportedName", format!("import:{}", self.ir.text(node.importname)), node.at)
            }
            ast::Expr::InternalName(node) => Self::unsupported("InternalName", node.at),
            ast::Expr::NSRef(node) => Self::unsupported("NSRef", node.at),
            // A slice among others: Python refuses the source that Jinja2 generates.
            other => Err(CompileError::new(ErrorKind::Python, "invalid syntax", other.at())),
        }
    }

    /// Something outside of the template.
    fn outside(&mut self, node: &str, path: String, at: At) -> Result<ExprId> {
        if !self.options.outside {
            return Self::unsupported(node, at);
        }
        Ok(self.push(at, Expr::Outside(Cow::Owned(path))))
    }

    #[inline(never)]
    fn constant(&mut self, node: &'a ast::Const<'s>) -> ExprId {
        let expr = match &node.value {
            ast::Constant::None => Expr::None,
            ast::Constant::Bool(value) => Expr::Bool(*value),
            ast::Constant::Int(value) => Expr::Int(*value),
            ast::Constant::BigInt(value) => Expr::BigInt(value),
            ast::Constant::Float(value) => Expr::Float(*value),
            ast::Constant::Str(value) => Expr::Str(Cow::Borrowed(value)),
            ast::Constant::Object(number) => Expr::Outside(Cow::Owned(format!("object:{number}"))),
        };
        self.push(node.at, expr)
    }

    #[inline(never)]
    fn template_data(&mut self, node: ast::TemplateData) -> ExprId {
        let escape = self.eval.escape();
        self.push(node.at, Expr::Markup(Cow::Borrowed(self.scopes.ast.texts.get(node.data)), escape))
    }

    pub(super) fn exprs(&mut self, items: &'a [ast::Expr<'s>]) -> Result<List> {
        let start = self.tables.scratch.len();
        for item in items {
            let id = self.expr(item)?;
            self.tables.scratch.push(id);
        }
        Ok(self.list(start))
    }

    #[inline(never)]
    fn sequence(&mut self, items: &'a [ast::Expr<'s>], at: At, make: fn(List) -> Expr<'a>) -> Result<ExprId> {
        let list = self.exprs(items)?;
        Ok(self.push(at, make(list)))
    }

    #[inline(never)]
    fn dict(&mut self, node: &'a Dict<'s>) -> Result<ExprId> {
        let start = self.tables.scratch.len();
        for pair in &node.items {
            let key = self.expr(&pair.key)?;
            self.tables.scratch.push(key);
            let value = self.expr(&pair.value)?;
            self.tables.scratch.push(value);
        }
        let list = self.list(start);
        Ok(self.push(node.at, Expr::Dict(list)))
    }

    #[inline(never)]
    fn conditional(&mut self, node: &'a CondExpr<'s>) -> Result<ExprId> {
        let soft = std::mem::replace(&mut self.frame.soft, true);
        let then = self.expr(&node.expr1)?;
        let test = self.expr(&node.test)?;
        let otherwise = match &node.expr2 {
            Some(expr) => Some(self.expr(expr)?),
            None => None,
        };
        self.frame.soft = soft;
        Ok(self.push(node.at, Expr::Cond { test, then, otherwise }))
    }

    #[inline(never)]
    fn item(&mut self, node: &'a Getitem<'s>) -> Result<ExprId> {
        let object = self.expr(&node.node)?;
        let expr = match &node.arg {
            ast::Expr::Slice(slice) => {
                let parts = self.slice(slice)?;
                Expr::Slice { object, parts }
            }
            arg => Expr::Item { object, key: self.expr(arg)? },
        };
        Ok(self.push(node.at, expr))
    }

    fn slice(&mut self, node: &'a Slice<'s>) -> Result<List> {
        let start = self.tables.scratch.len();
        for part in [&node.start, &node.stop, &node.step] {
            let id = match part {
                Some(part) => self.expr(part)?,
                None => self.push(node.at, Expr::None),
            };
            self.tables.scratch.push(id);
        }
        Ok(self.list(start))
    }

    #[inline(never)]
    fn attr(&mut self, node: &'a Getattr<'s>) -> Result<ExprId> {
        if let Some(id) = self.own_loop(&node.node)
            && let Some(expr) = self.loop_field(id, node.attr)
        {
            return Ok(self.push(node.at, expr));
        }
        let object = self.expr(&node.node)?;
        Ok(self.push(node.at, Expr::Attr { object, name: node.attr }))
    }

    /// The `loop` of the present function that an expression names.
    pub(super) fn own_loop(&self, expr: &ast::Expr<'s>) -> Option<VariableId> {
        let ast::Expr::Name(name) = expr else { return None };
        if Some(name.name) != self.scopes.specials.loop_ {
            return None;
        }
        let id = self.scopes.find(self.frame.id, name.name)?;
        let variable = self.variable(id);
        (variable.role == Role::Loop && variable.function == self.function.id).then_some(id)
    }

    pub(super) fn loop_use(&mut self, slot: u32) -> &mut LoopUse {
        &mut self.function.loops[slot as usize]
    }

    fn loop_field(&mut self, id: VariableId, field: Symbol) -> Option<Expr<'a>> {
        let slot = self.tables.states[id.index()].slot;
        let expr = match self.ir.text(field) {
            "index" => Expr::LoopIndex(slot),
            "index0" => Expr::LoopIndex0(slot),
            "first" => Expr::LoopFirst(slot),
            "last" => Expr::LoopLast(slot),
            "revindex" => Expr::LoopGet(slot, LoopField::Revindex),
            "revindex0" => Expr::LoopGet(slot, LoopField::Revindex0),
            "length" => Expr::LoopGet(slot, LoopField::Length),
            "depth" => Expr::LoopGet(slot, LoopField::Depth),
            "depth0" => Expr::LoopGet(slot, LoopField::Depth0),
            "previtem" => Expr::LoopGet(slot, LoopField::Previtem),
            "nextitem" => Expr::LoopGet(slot, LoopField::Nextitem),
            _ => return None,
        };
        let used = self.loop_use(slot);
        match expr {
            Expr::LoopGet(_, LoopField::Depth | LoopField::Depth0)
            | Expr::LoopIndex(_)
            | Expr::LoopIndex0(_)
            | Expr::LoopFirst(_) => {}
            Expr::LoopGet(_, LoopField::Previtem) => {
                used.previous = true;
                used.look_ahead = true;
            }
            _ => used.look_ahead = true,
        }
        Some(expr)
    }

    #[inline(never)]
    fn concat(&mut self, node: &'a Concat<'s>) -> Result<ExprId> {
        let list = self.exprs(&node.nodes)?;
        // Where autoescape is unknown, and where it folds, Jinja2 joins as text.
        let folds = node.nodes.iter().all(|part| self.is_constant(part));
        let escape = if self.eval.volatile { Escape::No } else { self.eval.folded() };
        let mut guards = List::default();
        if folds && escape != Escape::No {
            // Unless a filter on the way takes the context, which only the environment knows.
            let mut filters = Vec::new();
            node.nodes.iter().for_each(|part| self.filters_in(part, &mut filters));
            let start = self.tables.scratch.len();
            for name in filters {
                let guard = self.push(node.at, Expr::Folds(name));
                self.tables.scratch.push(guard);
            }
            guards = self.list(start);
        }
        let escape = if folds && guards.len == 0 { Escape::No } else { escape };
        Ok(self.push(node.at, Expr::Concat(list, escape, guards)))
    }

    #[inline(never)]
    fn compare(&mut self, node: &'a Compare<'s>) -> Result<ExprId> {
        let first = self.expr(&node.expr)?;
        let start = self.tables.scratch.len();
        for operand in &node.ops {
            let id = self.expr(&operand.expr)?;
            self.tables.scratch.push(id);
        }
        let ops = self.list(start);
        let operators = self.ir.operators.len() as u32;
        self.ir.operators.extend(node.ops.iter().map(|operand| operand.op));
        // Jinja2's line of a comparison is that of the token after it; the operand's is the useful one.
        Ok(self.push(node.at, Expr::Compare { first, ops, operators }))
    }

    #[inline(never)]
    fn binary(&mut self, node: &'a ast::Binary<'s>) -> Result<ExprId> {
        let left = self.expr(&node.left)?;
        if self.negates_power(node.op, &node.left, &node.right) {
            let left = self.push(node.at, Expr::Neg(left));
            let right = self.expr(&node.right)?;
            let power = self.push(node.at, Expr::Binary { op: Operator::Pow, left, right });
            return Ok(self.push(node.at, Expr::Neg(power)));
        }
        if self.is_decided(node.op, &node.left) {
            // Jinja2 folds this, and never looks at the filters and tests on the right.
            return Ok(left);
        }
        let right = self.expr(&node.right)?;
        let op = match node.op {
            BinaryOp::And => return Ok(self.push(node.at, Expr::And(left, right))),
            BinaryOp::Or => return Ok(self.push(node.at, Expr::Or(left, right))),
            BinaryOp::Add => Operator::Add,
            BinaryOp::Sub => Operator::Sub,
            BinaryOp::Mul => Operator::Mul,
            BinaryOp::Div => Operator::Div,
            BinaryOp::FloorDiv => Operator::FloorDiv,
            BinaryOp::Mod => Operator::Mod,
            BinaryOp::Pow => Operator::Pow,
        };
        Ok(self.push(node.at, Expr::Binary { op, left, right }))
    }

    #[inline(never)]
    fn unary(&mut self, node: &'a ast::Unary<'s>) -> Result<ExprId> {
        let value = self.expr(&node.node)?;
        let expr = match node.op {
            UnaryOp::Not => Expr::Not(value),
            UnaryOp::Neg => Expr::Neg(value),
            UnaryOp::Pos => Expr::Pos(value),
        };
        Ok(self.push(node.at, expr))
    }
}
