//! Conditions: jumps instead of values.

use haiden_bytecode::Op;
use haiden_syntax::ast::CompareOp;

use super::{Lower, Patch, Result};
use crate::ir::{Expr, ExprId};

impl Lower<'_, '_> {
    /// Jumps (to be patched) if the truth of a value is `when`; else goes on.
    pub(super) fn branch(&mut self, id: ExprId, when: bool, jumps: &mut Vec<Patch>) -> Result<()> {
        let top = self.top;
        match *self.ir.expr(id) {
            Expr::Not(value) => self.branch(value, !when, jumps)?,
            Expr::And(left, right) => self.both(left, right, true, when, jumps)?,
            Expr::Or(left, right) => self.both(left, right, false, when, jumps)?,
            Expr::Bool(value) => {
                if value == when {
                    jumps.push(self.jump());
                }
            }
            Expr::Compare { first, ops, operators } if ops.len == 1 && !when && !self.wide => {
                let op = self.ir.operators[operators as usize];
                match self.fused(id, first, self.ir.list(ops)[0], op)? {
                    Some(patch) => jumps.push(patch),
                    None => self.plain(id, when, jumps)?,
                }
            }
            _ => self.plain(id, when, jumps)?,
        }
        self.top = top;
        Ok(())
    }

    /// `and` (`or` if not `all`): the second operand is looked at only if the first does not decide.
    fn both(
        &mut self,
        left: ExprId,
        right: ExprId,
        all: bool,
        when: bool,
        jumps: &mut Vec<Patch>,
    ) -> Result<()> {
        if all == when {
            let mut skips = Vec::new();
            self.branch(left, !when, &mut skips)?;
            let mark = self.mark();
            self.branch(right, when, jumps)?;
            self.back_to(mark);
            return self.patch_here(&skips);
        }
        self.branch(left, when, jumps)?;
        let mark = self.mark();
        self.branch(right, when, jumps)?;
        self.back_to(mark);
        Ok(())
    }

    fn plain(&mut self, id: ExprId, when: bool, jumps: &mut Vec<Patch>) -> Result<()> {
        let value = self.operand(id)?;
        let op = if when { Op::JumpIf } else { Op::JumpUnless };
        jumps.push(Patch::Wide(self.aw(op, 0, value, 0)));
        Ok(())
    }

    /// Compare and jump in one instruction.
    fn fused(&mut self, id: ExprId, left: ExprId, right: ExprId, op: CompareOp) -> Result<Option<Patch>> {
        let (plain, small) = match op {
            CompareOp::Eq => (Op::JumpUnlessEq, Op::JumpUnlessEqInt),
            CompareOp::Ne => (Op::JumpUnlessNe, Op::JumpUnlessNeInt),
            CompareOp::Lt => (Op::JumpUnlessLt, Op::JumpUnlessLtInt),
            CompareOp::LtEq => (Op::JumpUnlessLe, Op::JumpUnlessLeInt),
            CompareOp::Gt => (Op::JumpUnlessGt, Op::JumpUnlessGtInt),
            CompareOp::GtEq => (Op::JumpUnlessGe, Op::JumpUnlessGeInt),
            CompareOp::In | CompareOp::NotIn => return Ok(None),
        };
        let left = self.operand(left)?;
        if let Expr::Int(value) = *self.ir.expr(right)
            && let Ok(value) = i16::try_from(value)
        {
            self.set_at(self.ir.place(id));
            return Ok(Some(Patch::Near(self.abc(small, 0, left, value as u16, 0))));
        }
        let right = self.operand(right)?;
        self.set_at(self.ir.place(id));
        Ok(Some(Patch::Near(self.abc(plain, 0, left, right, 0))))
    }
}
