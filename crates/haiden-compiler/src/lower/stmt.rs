//! Statements.

use haiden_bytecode::{DependencyKind, Op};
use haiden_syntax::ast::Symbol;

use super::{Lower, Patch, Reg, Result};
use crate::ir::{Entry, Expr, ExprId, Place, Stmt, StmtKind, Target};

impl<'a> Lower<'_, 'a> {
    pub(super) fn stmts(&mut self, stmts: &[Stmt<'a>]) -> Result<()> {
        for stmt in stmts {
            self.set_at(stmt.at);
            let top = self.top;
            self.stmt(stmt)?;
            self.top = top;
        }
        Ok(())
    }

    fn stmt(&mut self, stmt: &Stmt<'a>) -> Result<()> {
        match &stmt.kind {
            StmtKind::Text(text) => self.hold_text(text),
            StmtKind::Emit { value, escape, folded, constant: true } => {
                self.emit_folded(*value, *folded, *escape)?;
            }
            StmtKind::EmitText(value) => self.emit_text(*value)?,
            StmtKind::Emit { value, escape, folded, .. } => self.emit(*value, *escape, *folded)?,
            StmtKind::Unextended(body) => {
                let skip = Patch::Wide(self.aw(Op::JumpIfExtended, 0, 0, 0));
                let mark = self.mark();
                self.stmts(body)?;
                self.back_to(mark);
                self.patch_here(&[skip])?;
            }
            StmtKind::CheckNamespace(value) => {
                let value = self.operand(*value)?;
                self.abc(Op::CheckNamespace, 0, value, 0, 0);
            }
            StmtKind::Eval(value) => {
                let register = self.alloc()?;
                self.expr(*value, register)?;
            }
            StmtKind::Set { target, value } => self.set(target, *value)?,
            StmtKind::Capture { body, then } => {
                self.abc(Op::BeginCapture, 0, 0, 0, 0);
                self.captures += 1;
                self.stmts(body)?;
                self.flush();
                self.stmts(std::slice::from_ref(then))?;
            }
            StmtKind::Export { mode, place, name } => {
                let value = self.read_place(*place)?;
                let name = self.name(*name);
                self.aw(Op::Export, *mode, value, name);
            }
            StmtKind::Enter(entries) => self.enter(entries)?,
            StmtKind::If { arms, otherwise } => self.arms(arms, otherwise)?,
            StmtKind::For(node) => self.for_loop(node)?,
            StmtKind::EnterLoop { iter, function } => {
                let iter = self.operand(*iter)?;
                self.set_at(stmt.at);
                self.aw(Op::EnterLoop, 0, iter, *function);
            }
            StmtKind::Break => self.leave_loop(true)?,
            StmtKind::Continue => self.leave_loop(false)?,
            StmtKind::Default { local, name, value, cell } => {
                self.default(*local as Reg, *name, *value, *cell)?;
            }
            StmtKind::CallBlock { name, locals } => {
                let table = match locals {
                    Some(_) => {
                        let table = self.locals_table(*locals)?;
                        let fits = u16::try_from(table).ok().filter(|&table| table != u16::MAX);
                        fits.ok_or_else(|| self.too_large("too many scoped blocks"))?
                    }
                    None => u16::MAX,
                };
                let name = self.name(*name);
                self.aw(Op::CallBlock, 0, table, name);
            }
            StmtKind::Extends(template) => {
                self.depend(DependencyKind::Extends, *template);
                let template = self.operand(*template)?;
                self.set_at(stmt.at);
                self.abc(Op::Extends, 0, template, 0, 0);
            }
            StmtKind::Include { template, flags, locals } => {
                self.depend(DependencyKind::Include, *template);
                let template = self.operand(*template)?;
                let table = self.locals_table(*locals)?;
                self.set_at(stmt.at);
                self.aw(Op::Include, *flags, template, table);
            }
            StmtKind::Import { template, flags, locals, target } => {
                let module = self.import(stmt, *template, *flags, *locals)?;
                self.store(*target, module);
            }
            StmtKind::FromImport { template, flags, locals, names } => {
                let module = self.import(stmt, *template, *flags, *locals)?;
                for (_, name, place) in names {
                    let member = self.alloc()?;
                    self.abc(Op::Move, 0, member, module, 0);
                    let name = self.name(*name);
                    self.aw(Op::ImportName, 0, member, name);
                    self.store(*place, member);
                }
            }
            StmtKind::Autoescape { value, body } => {
                let saved = self.alloc()?;
                let value = self.operand(*value)?;
                self.abc(Op::SetAutoescape, 0, saved, value, 0);
                self.stmts(body)?;
                self.abc(Op::RestoreAutoescape, 0, saved, 0, 0);
            }
            StmtKind::Overlay { variables, locals, function } => {
                let variables = self.operand(*variables)?;
                let table = self.locals_table(Some(*locals))?;
                let (Ok(table), Ok(function)) = (u16::try_from(table), u16::try_from(*function)) else {
                    return Err(self.too_large("too many overlay scopes"));
                };
                self.abc(Op::EnterOverlay, 0, variables, table, function);
            }
            StmtKind::SetAutoescape(value) => {
                let saved = self.alloc()?;
                let value = self.operand(*value)?;
                self.abc(Op::SetAutoescape, 0, saved, value, 0);
            }
        }
        Ok(())
    }

    fn import(&mut self, stmt: &Stmt<'a>, template: ExprId, flags: u8, locals: Option<u32>) -> Result<Reg> {
        self.depend(DependencyKind::Import, template);
        let module = self.alloc()?;
        self.expr(template, module)?;
        let table = self.locals_table(locals)?;
        self.set_at(stmt.at);
        self.aw(Op::Import, flags, module, table);
        Ok(module)
    }

    /// Notes a template that is named with a constant.
    fn depend(&mut self, kind: DependencyKind, template: ExprId) {
        let names: Vec<ExprId> = match *self.ir.expr(template) {
            Expr::Tuple(list) | Expr::List(list) => self.ir.list(list).to_vec(),
            _ => vec![template],
        };
        for id in names {
            if let Expr::Str(name) = self.ir.expr(id) {
                self.code.dependency(kind, name);
            }
        }
    }

    /// The table of local variables `locals` of the tree; without one, an empty table.
    pub(super) fn locals_table(&mut self, locals: Option<u32>) -> Result<u32> {
        let mut entries = Vec::new();
        if let Some(locals) = locals {
            let ir = self.ir;
            for &(name, value) in &ir.locals[locals as usize] {
                let register = self.operand(value)?;
                entries.push((self.name(name), register));
            }
        }
        Ok(self.code.locals(&entries))
    }

    // ---- places ----------------------------------------------------------------------------------------------

    fn read_place(&mut self, place: Place) -> Result<Reg> {
        match place {
            Place::Local(local) => Ok(local as Reg),
            Place::Cell { hops, cell } => {
                let register = self.alloc()?;
                self.abc(Op::LoadCell, hops as u8, register, 0, cell as u16);
                Ok(register)
            }
        }
    }

    pub(super) fn store(&mut self, place: Place, value: Reg) {
        match place {
            Place::Local(local) => self.settle(value, local as Reg),
            Place::Cell { hops, cell } => {
                self.abc(Op::StoreCell, hops as u8, value, 0, cell as u16);
            }
        }
    }

    fn set(&mut self, target: &Target, value: ExprId) -> Result<()> {
        if let Target::Place(Place::Local(local)) = target {
            return self.expr(value, *local as Reg);
        }
        let value = self.operand(value)?;
        self.assign(target, value)
    }

    pub(super) fn assign(&mut self, target: &Target, value: Reg) -> Result<()> {
        match target {
            Target::Place(place) => self.store(*place, value),
            Target::Attr(object, name) => {
                let object = self.operand(*object)?;
                let name = self.name(*name);
                let site = self.code.site(name);
                let site = u16::try_from(site).map_err(|_| self.too_large("too many attributes"))?;
                self.abc(Op::SetAttr, 0, object, value, site);
            }
            Target::Tuple(targets) => {
                let first = self.top as Reg;
                for _ in targets {
                    self.alloc()?;
                }
                self.abc(Op::Unpack, 0, first, value, targets.len() as u16);
                for (place, target) in targets.iter().enumerate() {
                    self.assign(target, first + place as Reg)?;
                }
            }
        }
        Ok(())
    }

    fn enter(&mut self, entries: &[Entry]) -> Result<()> {
        for entry in entries {
            let top = self.top;
            match entry {
                Entry::Missing(Place::Local(local)) => {
                    self.abc(Op::LoadMissing, 0, *local as Reg, 0, 0);
                }
                Entry::Missing(place) => {
                    let register = self.alloc()?;
                    self.abc(Op::LoadMissing, 0, register, 0, 0);
                    self.store(*place, register);
                }
                Entry::Resolve(Place::Local(local), name) => {
                    let name = self.name(*name);
                    self.aw(Op::Resolve, 0, *local as Reg, name);
                }
                Entry::Resolve(place, name) => {
                    let register = self.alloc()?;
                    let name = self.name(*name);
                    self.aw(Op::Resolve, 0, register, name);
                    self.store(*place, register);
                }
                Entry::Value(Place::Local(local), value) => self.expr(*value, *local as Reg)?,
                Entry::Value(place, value) => {
                    let value = self.operand(*value)?;
                    self.store(*place, value);
                }
            }
            self.top = top;
        }
        Ok(())
    }

    fn default(
        &mut self,
        local: Reg,
        name: Symbol,
        value: Option<ExprId>,
        cell: Option<Place>,
    ) -> Result<()> {
        match value {
            Some(value) => {
                let given = Patch::Wide(self.aw(Op::JumpIfGiven, 0, local, 0));
                let mark = self.mark();
                // Not into the parameter itself: the default may read it while it is missing.
                let register = self.alloc()?;
                self.expr(value, register)?;
                self.settle(register, local);
                self.back_to(mark);
                self.patch_here(&[given])?;
            }
            None => {
                let name = self.name(name);
                self.aw(Op::CheckParameter, 0, local, name);
            }
        }
        if let Some(place) = cell {
            self.store(place, local);
        }
        Ok(())
    }

    fn arms(&mut self, arms: &[(ExprId, Vec<Stmt<'a>>)], otherwise: &[Stmt<'a>]) -> Result<()> {
        let mut ends = Vec::new();
        let outer = self.mark();
        for (index, (test, body)) in arms.iter().enumerate() {
            self.set_at(self.ir.place(*test));
            let mut skips = Vec::new();
            self.branch(*test, false, &mut skips)?;
            let mark = self.mark();
            self.stmts(body)?;
            self.back_to(mark);
            if index + 1 < arms.len() || !otherwise.is_empty() {
                ends.push(self.jump());
            }
            self.patch_here(&skips)?;
        }
        let mark = self.mark();
        self.stmts(otherwise)?;
        self.back_to(mark);
        // The tests behind the first one ran only on some paths.
        if arms.len() > 1 {
            self.back_to(outer);
        }
        self.patch_here(&ends)
    }
}
