//! Calls, filters and tests: what is called and its arguments lie in registers that follow each other.

use haiden_bytecode::{Escape, Op};

use super::{Lower, Reg, Result};
use crate::ir::{Args, Expr, ExprId};

impl Lower<'_, '_> {
    /// Evaluates a call, filter or test; the result is in `base`, above which every register is free.
    pub(super) fn call_like(&mut self, id: ExprId, base: Reg) -> Result<()> {
        let ir = self.ir;
        match ir.expr(id) {
            Expr::Call { callee, args } => {
                if let Expr::Attr { object, name } = ir.expr(*callee) {
                    return self.method(id, (*object, *name), args, base, None);
                }
                self.expr(*callee, base)?;
                self.arguments(args)?;
                self.show_locals(args)?;
                let shape = self.shape(args);
                self.set_at(ir.place(id));
                self.aw(Op::Call, 0, base, shape);
            }
            Expr::Filter { value, .. } => {
                let call = self.filter_call(id, *value, base)?;
                self.aw(Op::Filter, 0, base, call);
            }
            Expr::Test { value, name, args, hard } => {
                self.expr(*value, base)?;
                self.arguments(args)?;
                let shape = self.shape(args);
                self.set_at(ir.place(id));
                let name = self.name(*name);
                let at = self.places.count(self.ir.ats[id.index()]);
                let call = self.code.test_call(name, *hard, at, shape);
                self.aw(Op::Test, 0, base, call);
            }
            // Nothing else is called.
            _ => self.expr(id, base)?,
        }
        Ok(())
    }

    /// A call of an attribute: its result is in `base`, or is written as `escape` says.
    pub(super) fn method(
        &mut self,
        id: ExprId,
        (object, name): (ExprId, haiden_syntax::ast::Symbol),
        args: &Args,
        base: Reg,
        escape: Option<Escape>,
    ) -> Result<()> {
        self.expr(object, base)?;
        let shape = self.shape(args);
        let name_index = self.name(name);
        let site = self.code.site(name_index);
        if let (Ok(site), Ok(shape)) = (u16::try_from(site), u16::try_from(shape)) {
            // The attribute is read with the call; what reading it raises comes before what the arguments raise.
            if !self.ir.list(args.values).iter().all(|&value| self.is_quiet(value)) {
                self.set_at(self.ir.place(id));
                self.abc(Op::CheckObject, 0, base, 0, site);
            }
            self.arguments(args)?;
            self.set_at(self.ir.place(id));
            match escape {
                None => self.abc(Op::CallMethod, 0, base, site, shape),
                Some(escape) => self.abc(Op::EmitCallMethod, escape as u8, base, site, shape),
            };
            return Ok(());
        }
        self.aw(Op::GetAttrWide, 0, base, site);
        self.arguments(args)?;
        self.set_at(self.ir.place(id));
        match escape {
            None => self.aw(Op::Call, 0, base, shape),
            Some(escape) => self.aw(Op::EmitCall, escape as u8, base, shape),
        };
        Ok(())
    }

    /// Can evaluating it neither raise nor change anything?
    fn is_quiet(&self, id: ExprId) -> bool {
        match self.ir.expr(id) {
            Expr::None
            | Expr::Bool(_)
            | Expr::Int(_)
            | Expr::BigInt(_)
            | Expr::Float(_)
            | Expr::Str(_)
            | Expr::Markup(..)
            | Expr::Variable { .. }
            | Expr::Free(_)
            | Expr::LoopIndex(_)
            | Expr::LoopIndex0(_)
            | Expr::LoopFirst(_)
            | Expr::Macro(_) => true,
            Expr::List(items) | Expr::Tuple(items) => {
                self.ir.list(*items).iter().all(|&item| self.is_quiet(item))
            }
            _ => false,
        }
    }

    /// Evaluates a filter's value and arguments; the filter call is still to be made.
    pub(super) fn filter_call(&mut self, id: ExprId, value: ExprId, base: Reg) -> Result<u32> {
        let Expr::Filter { name, args, hard, .. } = self.ir.expr(id) else { return Ok(0) };
        self.expr(value, base)?;
        self.arguments(args)?;
        let shape = self.shape(args);
        self.set_at(self.ir.place(id));
        let name = self.name(*name);
        let at = self.places.count(self.ir.ats[id.index()]);
        Ok(self.code.filter_call(name, *hard, at, shape))
    }

    /// Says which variables the call shows to a function that asks for the context.
    pub(super) fn show_locals(&mut self, args: &Args) -> Result<()> {
        if args.seen.is_some() {
            let table = self.locals_table(args.seen)?;
            self.aw(Op::ShowLocals, 0, 0, table);
        }
        Ok(())
    }

    /// Evaluates arguments into the registers above the present top.
    pub(super) fn arguments(&mut self, args: &Args) -> Result<()> {
        let values = self.ir.list(args.values).to_vec();
        if values.len() > usize::from(u16::MAX) {
            return Err(self.too_large("a call has too many arguments"));
        }
        if !args.star || args.keywords.len == 0 {
            self.run(&values)?;
            return Ok(());
        }
        // Python evaluates `*args` before keywords, wherever it stands.
        let star = values.len() - 1 - usize::from(args.star_star);
        let named = args.positional as usize..star;
        let first = self.top as usize;
        for _ in &values {
            self.alloc()?;
        }
        let order = (0..named.start).chain(std::iter::once(star)).chain(named).chain(star + 1..values.len());
        for place in order {
            self.expr(values[place], (first + place) as Reg)?;
        }
        Ok(())
    }
}
