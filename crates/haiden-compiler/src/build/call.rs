//! Calls, filters, tests and their arguments.

use haiden_syntax::ast::{self, Arguments, At, Call, Filter, Symbol, Test};

use super::{Builder, Result};
use crate::error::{CompileError, ErrorKind};
use crate::ir::{Args, Asked, Expr, ExprId, List};

impl<'a, 's> Builder<'_, 'a, 's> {
    /// A call; `caller` is the macro of a call block.
    #[inline(never)]
    pub(super) fn call(&mut self, node: &'a Call<'s>, caller: Option<(Symbol, ExprId)>) -> Result<ExprId> {
        if caller.is_none()
            && let Some(expr) = self.loop_call(node)?
        {
            return Ok(self.push(node.at, expr));
        }
        let callee = self.expr(&node.node)?;
        let mut args = self.arguments(&node.arguments, caller)?;
        if self.frame.shows {
            args.seen = self.shown(node.at);
        }
        Ok(self.push(node.at, Expr::Call { callee, args }))
    }

    /// `loop(…)`, `loop.cycle(…)` and `loop.changed(…)` without the loop object.
    fn loop_call(&mut self, node: &'a Call<'s>) -> Result<Option<Expr<'a>>> {
        let arguments = &node.arguments;
        if !arguments.kwargs.is_empty() || arguments.dyn_args.is_some() || arguments.dyn_kwargs.is_some() {
            return Ok(None);
        }
        if let Some(id) = self.own_loop(&node.node) {
            let function = self.scopes.functions[self.function.id.index()];
            let recursive = function.kind == haiden_bytecode::FunctionKind::Loop
                && self.scopes.own(function.frame, self.variable(id).name) == Some(id);
            return match arguments.args.as_slice() {
                [iter] if recursive => Ok(Some(Expr::Recurse(self.expr(iter)?))),
                _ => Ok(None),
            };
        }
        let ast::Expr::Getattr(attr) = &node.node else { return Ok(None) };
        let Some(id) = self.own_loop(&attr.node) else { return Ok(None) };
        let slot = self.tables.states[id.index()].slot;
        match self.ir.text(attr.attr) {
            // Without values, `cycle` raises: that is the object's business.
            "cycle" if !arguments.args.is_empty() => {
                let list = self.exprs(&arguments.args)?;
                Ok(Some(Expr::LoopCycle(slot, list)))
            }
            "changed" => {
                let list = self.exprs(&arguments.args)?;
                Ok(Some(Expr::LoopChanged(slot, list)))
            }
            _ => Ok(None),
        }
    }

    #[inline(never)]
    pub(super) fn filter(&mut self, node: &'a Filter<'s>) -> Result<ExprId> {
        let hard = !self.frame.soft;
        self.ir.references.push(Asked { name: node.name, is_filter: true, hard, at: node.at });
        let value = match &node.node {
            Some(value) => self.expr(value)?,
            None => {
                let escape = self.eval.escape();
                self.push(node.at, Expr::Captured(escape))
            }
        };
        let args = self.arguments(&node.arguments, None)?;
        Ok(self.push(node.at, Expr::Filter { value, name: node.name, args, hard }))
    }

    #[inline(never)]
    pub(super) fn test(&mut self, node: &'a Test<'s>) -> Result<ExprId> {
        let hard = !self.frame.soft;
        self.ir.references.push(Asked { name: node.name, is_filter: false, hard, at: node.at });
        let value = self.expr(&node.node)?;
        let args = self.arguments(&node.arguments, None)?;
        Ok(self.push(node.at, Expr::Test { value, name: node.name, args, hard }))
    }

    fn arguments(&mut self, arguments: &'a Arguments<'s>, caller: Option<(Symbol, ExprId)>) -> Result<Args> {
        let start = self.tables.scratch.len();
        for arg in &arguments.args {
            let id = self.expr(arg)?;
            self.tables.scratch.push(id);
        }
        for keyword in &arguments.kwargs {
            let id = self.expr(&keyword.value)?;
            self.tables.scratch.push(id);
        }
        self.tables.scratch.extend(caller.map(|(_, value)| value));
        for dynamic in [&arguments.dyn_args, &arguments.dyn_kwargs].into_iter().flatten() {
            let id = self.expr(dynamic)?;
            self.tables.scratch.push(id);
        }
        let first = self.ir.keywords.len() as u32;
        for keyword in &arguments.kwargs {
            self.keyword(first, keyword.key, keyword.at)?;
        }
        if let Some((name, _)) = caller {
            self.keyword(first, name, At::default())?;
        }
        Ok(Args {
            values: self.list(start),
            positional: arguments.args.len() as u32,
            keywords: List { start: first, len: self.ir.keywords.len() as u32 - first },
            star: arguments.dyn_args.is_some(),
            star_star: arguments.dyn_kwargs.is_some(),
            seen: None,
        })
    }

    fn keyword(&mut self, first: u32, name: Symbol, at: At) -> Result<()> {
        if self.ir.keywords[first as usize..].contains(&name) {
            let message = format!("keyword argument repeated: {}", self.ir.text(name));
            return Err(CompileError::new(ErrorKind::Python, message, at));
        }
        self.ir.keywords.push(name);
        Ok(())
    }
}
