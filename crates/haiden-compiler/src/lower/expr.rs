//! Expressions: into a register of one's choice, or into whichever is at hand.

use haiden_bytecode::{Constant, Escape, LoopField, Op};
use haiden_syntax::ast::CompareOp;

use super::{Lower, Patch, Reg, Result};
use crate::ir::{Expr, ExprId, List, Operator, Place};

/// Literals of more items are made in pieces.
const CHUNK: usize = 64;

impl Lower<'_, '_> {
    /// The register that holds a value: a variable's own, or a new temporary.
    pub(super) fn operand(&mut self, id: ExprId) -> Result<Reg> {
        match *self.ir.expr(id) {
            Expr::Variable { place: Place::Local(local), check: false, .. } => Ok(local as Reg),
            Expr::Free(number) if self.function.free[number as usize].shared => {
                self.resolve(number);
                Ok(self.tables.free[number as usize].0)
            }
            _ => {
                let register = self.alloc()?;
                self.expr(id, register)?;
                Ok(register)
            }
        }
    }

    /// Evaluates into `dst`.
    pub(super) fn expr(&mut self, id: ExprId, dst: Reg) -> Result<()> {
        self.set_at(self.ir.place(id));
        let top = self.top;
        let ir = self.ir;
        match ir.expr(id) {
            Expr::None => {
                self.abc(Op::LoadNone, 0, dst, 0, 0);
            }
            Expr::Bool(value) => {
                self.abc(Op::LoadBool, u8::from(*value), dst, 0, 0);
            }
            Expr::Int(value) => match i32::try_from(*value) {
                Ok(small) => {
                    self.aw(Op::LoadInt, 0, dst, small as u32);
                }
                Err(_) => self.load(Constant::Int(*value), dst),
            },
            Expr::BigInt(value) => {
                let digits = self.code.string(&value.to_string());
                self.load(Constant::BigInt(digits), dst);
            }
            Expr::Float(value) => self.load(Constant::Float(*value), dst),
            Expr::Str(text) => {
                let constant = self.text_constant(text);
                self.aw(Op::LoadConst, 0, dst, constant);
            }
            Expr::Markup(text, _) => {
                let string = self.code.string(text);
                self.load(Constant::Markup(string), dst);
            }
            Expr::Tuple(list) => match self.constant_tuple(*list) {
                Some(constant) => {
                    self.aw(Op::LoadConst, 0, dst, constant);
                }
                None => self.sequence(*list, dst, true)?,
            },
            Expr::List(list) => self.sequence(*list, dst, false)?,
            Expr::Dict(list) => self.dict(*list, dst)?,
            Expr::Variable { place, name, check } => self.variable(*place, *name, *check, dst),
            Expr::Free(number) => self.read_free(*number, dst),
            Expr::LoopObject(slot) => {
                self.abc(Op::LoopObject, *slot as u8, dst, 0, 0);
            }
            Expr::LoopIndex(slot) => {
                self.abc(Op::LoopIndex, *slot as u8, dst, 0, 0);
            }
            Expr::LoopIndex0(slot) => {
                self.abc(Op::LoopIndex0, *slot as u8, dst, 0, 0);
            }
            Expr::LoopFirst(slot) => {
                self.abc(Op::LoopFirst, *slot as u8, dst, 0, 0);
            }
            Expr::LoopLast(slot) => {
                self.look_ahead(*slot as u8, false);
                self.abc(Op::LoopLast, *slot as u8, dst, 0, 0);
            }
            Expr::LoopGet(slot, field) => {
                match field {
                    LoopField::Nextitem => self.look_ahead(*slot as u8, false),
                    LoopField::Length | LoopField::Revindex | LoopField::Revindex0 => {
                        self.look_ahead(*slot as u8, true);
                    }
                    _ => {}
                }
                self.abc(Op::LoopGet, *slot as u8, dst, *field as u16, 0);
            }
            Expr::LoopCycle(slot, list) => self.loop_values(Op::LoopCycle, *slot, *list, dst)?,
            Expr::LoopChanged(slot, list) => self.loop_values(Op::LoopChanged, *slot, *list, dst)?,
            Expr::Recurse(iter) => {
                let base = self.base(dst)?;
                self.expr(*iter, base)?;
                self.set_at(ir.place(id));
                self.abc(Op::Recurse, 0, base, 0, 0);
                self.settle(base, dst);
            }
            Expr::SelfRef => {
                self.abc(Op::LoadSelf, 0, dst, 0, 0);
            }
            Expr::Super => {
                self.abc(Op::LoadSuper, 0, dst, 0, 0);
            }
            Expr::Captured(escape) => {
                self.abc(Op::EndCapture, *escape as u8, dst, 0, 0);
                self.captures = self.captures.saturating_sub(1);
            }
            Expr::Attr { object, name } => {
                let object = self.operand(*object)?;
                self.set_at(ir.place(id));
                self.attr(object, *name, dst);
            }
            Expr::Item { object, key } => self.item(id, *object, *key, dst)?,
            Expr::Slice { object, parts } => {
                let object = self.operand(*object)?;
                let parts: Vec<ExprId> = ir.list(*parts).to_vec();
                let first = self.run(&parts)?;
                self.set_at(ir.place(id));
                let slice = self.alloc()?;
                self.abc(Op::MakeSlice, 0, slice, first, 0);
                self.abc(Op::GetSlice, 0, dst, object, slice);
            }
            Expr::Call { .. } | Expr::Filter { .. } | Expr::Test { .. } => {
                let base = self.base(dst)?;
                self.call_like(id, base)?;
                self.settle(base, dst);
            }
            Expr::Macro(function) => {
                self.aw(Op::MakeMacro, 0, dst, *function);
            }
            Expr::Cond { test, then, otherwise } => self.conditional(id, *test, *then, *otherwise, dst)?,
            Expr::And(left, right) => self.either(*left, *right, Op::JumpUnless, dst)?,
            Expr::Or(left, right) => self.either(*left, *right, Op::JumpIf, dst)?,
            Expr::Not(value) => self.unary(id, Op::Not, *value, dst)?,
            Expr::Neg(value) => self.unary(id, Op::Neg, *value, dst)?,
            Expr::Pos(value) => self.unary(id, Op::Pos, *value, dst)?,
            Expr::Binary { op, left, right } => self.binary(id, *op, *left, *right, dst)?,
            Expr::Compare { first, ops, operators } => self.compare(id, *first, *ops, *operators, dst)?,
            Expr::Concat(list, escape, guards) => {
                let parts: Vec<ExprId> = ir.list(*list).to_vec();
                let first = self.run(&parts)?;
                let (mut others, mut end) = (Vec::new(), Vec::new());
                for &guard in ir.list(*guards) {
                    self.branch(guard, false, &mut others)?;
                }
                self.set_at(ir.place(id));
                if !others.is_empty() {
                    self.abc(Op::Concat, Escape::No as u8, dst, first, parts.len() as u16);
                    end.push(self.jump());
                    self.patch_here(&others)?;
                }
                self.abc(Op::Concat, *escape as u8, dst, first, parts.len() as u16);
                self.patch_here(&end)?;
            }
            Expr::Folds(name) => {
                let name = self.name(*name);
                self.aw(Op::Folds, 0, dst, name);
            }
            Expr::MarkSafe(value, escape) => {
                let base = self.base(dst)?;
                self.expr(*value, base)?;
                self.set_at(ir.place(id));
                self.abc(Op::MarkSafe, *escape as u8, base, 0, 0);
                self.settle(base, dst);
            }
            Expr::Outside(path) => {
                let path = self.code.string(path);
                self.aw(Op::LoadOutside, 0, dst, path);
            }
            Expr::Context { locals } => {
                let table = self.locals_table(*locals)?;
                self.aw(Op::LoadContext, u8::from(locals.is_some()), dst, table);
            }
        }
        self.top = top;
        Ok(())
    }

    fn load(&mut self, constant: Constant, dst: Reg) {
        let constant = self.code.constant(constant);
        self.aw(Op::LoadConst, 0, dst, constant);
    }

    /// A register in which a value may be made step by step: `dst` itself if it is a temporary that nothing reads.
    pub(super) fn base(&mut self, dst: Reg) -> Result<Reg> {
        if u32::from(dst) + 1 == self.top && self.is_temporary(dst) { Ok(dst) } else { self.alloc() }
    }

    pub(super) fn settle(&mut self, from: Reg, dst: Reg) {
        if from != dst {
            self.abc(Op::Move, 0, dst, from, 0);
        }
    }

    /// Evaluates values into new registers that follow each other; says which is the first.
    pub(super) fn run(&mut self, values: &[ExprId]) -> Result<Reg> {
        let first = self.top as Reg;
        for &value in values {
            let register = self.alloc()?;
            self.expr(value, register)?;
        }
        Ok(first)
    }

    // ---- names and members -----------------------------------------------------------------------------------

    fn variable(&mut self, place: Place, name: haiden_syntax::ast::Symbol, check: bool, dst: Reg) {
        // A checked value is made in a register of its own: the variable itself stays missing.
        match place {
            Place::Local(local) if local as Reg == dst && !check => {}
            Place::Local(local) => {
                self.abc(Op::Move, 0, dst, local as Reg, 0);
            }
            Place::Cell { hops, cell } => {
                self.abc(Op::LoadCell, hops as u8, dst, 0, cell as u16);
            }
        }
        if check {
            let name = self.name(name);
            self.aw(Op::Check, 0, dst, name);
        }
    }

    fn read_free(&mut self, number: u32, dst: Reg) {
        let free = self.function.free[number as usize];
        if free.shared {
            self.resolve(number);
            let register = self.tables.free[number as usize].0;
            self.abc(Op::Move, 0, dst, register, 0);
        } else {
            let name = self.name(free.name);
            self.aw(Op::ResolveName, 0, dst, name);
        }
    }

    pub(super) fn attr(&mut self, object: Reg, name: haiden_syntax::ast::Symbol, dst: Reg) {
        let name = self.name(name);
        let site = self.code.site(name);
        match u16::try_from(site) {
            Ok(site) => {
                self.abc(Op::GetAttr, 0, dst, object, site);
            }
            Err(_) => {
                self.settle(object, dst);
                self.aw(Op::GetAttrWide, 0, dst, site);
            }
        }
    }

    fn item(&mut self, id: ExprId, object: ExprId, key: ExprId, dst: Reg) -> Result<()> {
        let object = self.operand(object)?;
        if let Expr::Int(value) = *self.ir.expr(key)
            && let Ok(small) = i16::try_from(value)
        {
            self.set_at(self.ir.place(id));
            self.abc(Op::GetItemInt, 0, dst, object, small as u16);
            return Ok(());
        }
        let key = self.operand(key)?;
        self.set_at(self.ir.place(id));
        self.abc(Op::GetItem, 0, dst, object, key);
        Ok(())
    }

    fn loop_values(&mut self, op: Op, slot: u32, list: List, dst: Reg) -> Result<()> {
        let values = self.ir.list(list).to_vec();
        let first = self.run(&values)?;
        self.abc(op, slot as u8, dst, first, values.len() as u16);
        Ok(())
    }

    // ---- containers ------------------------------------------------------------------------------------------

    fn sequence(&mut self, list: List, dst: Reg, tuple: bool) -> Result<()> {
        let values = self.ir.list(list).to_vec();
        let at = self.at;
        if values.len() <= CHUNK {
            let first = self.run(&values)?;
            self.at = at;
            let op = if tuple { Op::MakeTuple } else { Op::MakeList };
            self.abc(op, 0, dst, first, values.len() as u16);
            return Ok(());
        }
        let base = self.base(dst)?;
        self.abc(Op::MakeList, 0, base, 0, 0);
        for chunk in values.chunks(CHUNK) {
            let top = self.top;
            let first = self.run(chunk)?;
            self.abc(Op::ExtendList, 0, base, first, chunk.len() as u16);
            self.top = top;
        }
        if tuple {
            self.abc(Op::ListToTuple, 0, base, 0, 0);
        }
        self.settle(base, dst);
        Ok(())
    }

    fn dict(&mut self, list: List, dst: Reg) -> Result<()> {
        let values = self.ir.list(list).to_vec();
        if values.len() <= CHUNK * 2 {
            let first = self.run(&values)?;
            self.abc(Op::MakeDict, 0, dst, first, (values.len() / 2) as u16);
            return Ok(());
        }
        let base = self.base(dst)?;
        self.abc(Op::MakeDict, 0, base, 0, 0);
        for chunk in values.chunks(CHUNK * 2) {
            let top = self.top;
            let first = self.run(chunk)?;
            self.abc(Op::ExtendDict, 0, base, first, (chunk.len() / 2) as u16);
            self.top = top;
        }
        self.settle(base, dst);
        Ok(())
    }

    /// A tuple of constants is one itself.
    fn constant_tuple(&mut self, list: List) -> Option<u32> {
        let values = self.ir.list(list).to_vec();
        let scalar = |id: &ExprId| {
            matches!(
                self.ir.expr(*id),
                Expr::None | Expr::Bool(_) | Expr::Int(_) | Expr::Float(_) | Expr::Str(_)
            )
        };
        if !self.optimize || !values.iter().all(scalar) {
            return None;
        }
        for id in &values {
            let constant = match self.ir.expr(*id) {
                Expr::Bool(value) => Constant::Bool(*value),
                Expr::Int(value) => Constant::Int(*value),
                Expr::Float(value) => Constant::Float(*value),
                Expr::Str(text) => Constant::Str(self.code.string(text)),
                _ => Constant::None,
            };
            self.code.constant(constant);
        }
        Some(self.code.constant(Constant::Tuple(values.len() as u32)))
    }

    // ---- operators -------------------------------------------------------------------------------------------

    fn unary(&mut self, id: ExprId, op: Op, value: ExprId, dst: Reg) -> Result<()> {
        let value = self.operand(value)?;
        self.set_at(self.ir.place(id));
        match op {
            Op::Neg if self.intercepted => self.abc(Op::InterceptUnary, 0, dst, value, 0),
            Op::Pos if self.intercepted => self.abc(Op::InterceptUnary, 1, dst, value, 0),
            op => self.abc(op, 0, dst, value, 0),
        };
        Ok(())
    }

    fn binary(&mut self, id: ExprId, op: Operator, left: ExprId, right: ExprId, dst: Reg) -> Result<()> {
        let left = self.operand(left)?;
        if self.optimize
            && !self.intercepted
            && let Expr::Int(value) = *self.ir.expr(right)
            && let Ok(small) = i16::try_from(value)
        {
            let fused = match op {
                Operator::Add => Some(Op::AddInt),
                Operator::Sub => Some(Op::SubInt),
                Operator::Mul => Some(Op::MulInt),
                Operator::FloorDiv => Some(Op::FloorDivInt),
                Operator::Mod => Some(Op::ModInt),
                Operator::Div | Operator::Pow => None,
            };
            if let Some(fused) = fused {
                self.set_at(self.ir.place(id));
                self.abc(fused, 0, dst, left, small as u16);
                return Ok(());
            }
        }
        let right = self.operand(right)?;
        self.set_at(self.ir.place(id));
        // The number is the interception's name of the operator.
        let (number, op) = match op {
            Operator::Add => (0, Op::Add),
            Operator::Sub => (1, Op::Sub),
            Operator::Mul => (2, Op::Mul),
            Operator::Div => (3, Op::Div),
            Operator::FloorDiv => (4, Op::FloorDiv),
            Operator::Mod => (5, Op::Mod),
            Operator::Pow => (6, Op::Pow),
        };
        if self.intercepted {
            self.abc(Op::InterceptBinary, number, dst, left, right);
        } else {
            self.abc(op, 0, dst, left, right);
        }
        Ok(())
    }

    fn compare(&mut self, id: ExprId, first: ExprId, ops: List, operators: u32, dst: Reg) -> Result<()> {
        let operands = self.ir.list(ops).to_vec();
        let result = if operands.len() > 1 { self.base(dst)? } else { dst };
        let mut left = self.operand(first)?;
        let mut ends = Vec::new();
        let mut certain = None;
        for (place, &operand) in operands.iter().enumerate() {
            let op = compare_op(self.ir.operators[operators as usize + place]);
            let is_last = place + 1 == operands.len();
            let right = match op {
                Op::In | Op::NotIn if is_last => self.searched(operand)?,
                _ => self.operand(operand)?,
            };
            // What comes behind the first comparison may not be reached: names that are looked up there are not known after.
            certain.get_or_insert_with(|| self.mark());
            self.set_at(self.ir.place(id));
            self.abc(op, 0, result, left, right);
            if !is_last {
                ends.push(Patch::Wide(self.aw(Op::JumpUnless, 0, result, 0)));
            }
            left = right;
        }
        if let Some(mark) = certain {
            self.back_to(mark);
        }
        self.patch_here(&ends)?;
        self.settle(result, dst);
        Ok(())
    }

    /// What `in` looks into: nothing else sees a list that is written there, so it may be a tuple, which is a constant.
    fn searched(&mut self, id: ExprId) -> Result<Reg> {
        if let Expr::List(list) = *self.ir.expr(id)
            && let Some(constant) = self.constant_tuple(list)
        {
            self.set_at(self.ir.place(id));
            let register = self.alloc()?;
            self.aw(Op::LoadConst, 0, register, constant);
            return Ok(register);
        }
        self.operand(id)
    }

    /// `and`, `or` as values.
    fn either(&mut self, left: ExprId, right: ExprId, jump: Op, dst: Reg) -> Result<()> {
        let base = self.base(dst)?;
        self.expr(left, base)?;
        let end = Patch::Wide(self.aw(jump, 0, base, 0));
        let mark = self.mark();
        self.expr(right, base)?;
        self.back_to(mark);
        self.patch_here(&[end])?;
        self.settle(base, dst);
        Ok(())
    }

    fn conditional(
        &mut self,
        id: ExprId,
        test: ExprId,
        then: ExprId,
        otherwise: Option<ExprId>,
        dst: Reg,
    ) -> Result<()> {
        let base = self.base(dst)?;
        let mut skips = Vec::new();
        self.branch(test, false, &mut skips)?;
        let mark = self.mark();
        self.expr(then, base)?;
        self.back_to(mark);
        let end = self.jump();
        self.patch_here(&skips)?;
        let mark = self.mark();
        match otherwise {
            Some(otherwise) => self.expr(otherwise, base)?,
            None => {
                self.set_at(self.ir.place(id));
                self.aw(Op::LoadUndefined, 0, base, self.ir.ats[id.index()].line);
            }
        }
        self.back_to(mark);
        self.patch_here(&[end])?;
        self.settle(base, dst);
        Ok(())
    }
}

pub(super) fn compare_op(op: CompareOp) -> Op {
    match op {
        CompareOp::Eq => Op::Eq,
        CompareOp::Ne => Op::Ne,
        CompareOp::Lt => Op::Lt,
        CompareOp::LtEq => Op::Le,
        CompareOp::Gt => Op::Gt,
        CompareOp::GtEq => Op::Ge,
        CompareOp::In => Op::In,
        CompareOp::NotIn => Op::NotIn,
    }
}
