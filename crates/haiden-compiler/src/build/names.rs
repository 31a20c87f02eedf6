//! Variables: where they live, whether they are bound, what a frame does when it is entered.

use haiden_syntax::ast::{At, Symbol};

use super::{Builder, FreeOf};
use crate::ir::{Entry, Expr, ExprId, Free, Local, Place, Stmt, StmtKind};
use crate::resolve::{FrameId, FunctionId, Load, Role, Variable, VariableId};

/// What [`Builder::enter`] leaves for [`Builder::leave`].
pub(super) struct Entered {
    frame: FrameId,
    locals: u32,
    /// Where the `Enter` statement stands in its body.
    place: usize,
    /// For each variable: the outer variable it takes its value of was surely bound.
    outer_assigned: Vec<bool>,
    /// Registers and cells of this frame may hold old values.
    again: bool,
}

impl<'a> Builder<'_, 'a, '_> {
    pub(super) fn variable(&self, id: VariableId) -> Variable {
        self.scopes.variables[id.index()]
    }

    // ---- reading ---------------------------------------------------------------------------------------------

    /// Reads a name.
    pub(super) fn read_name(&mut self, name: Symbol, at: At) -> ExprId {
        match self.scopes.find(self.frame.id, name) {
            Some(id) => self.read(id, at, true),
            None => self.read_free(name, at),
        }
    }

    /// Reads a variable; with `check`, a missing one reads as undefined.
    pub(super) fn read(&mut self, id: VariableId, at: At, check: bool) -> ExprId {
        let variable = self.variable(id);
        if variable.is_free() {
            return self.read_free(variable.name, at);
        }
        let own = variable.function == self.function.id;
        let expr = match variable.role {
            Role::Loop if own => {
                let slot = self.tables.states[id.index()].slot;
                self.loop_use(slot).escapes = true;
                Expr::LoopObject(slot)
            }
            Role::SelfRef if own => Expr::SelfRef,
            Role::Super if own => Expr::Super,
            _ => {
                let state = &mut self.tables.states[id.index()];
                state.read_early |= own && !state.assigned;
                let surely = own && (state.assigned || state.defined);
                let place = self.place(id);
                Expr::Variable { place, name: variable.name, check: check && !surely }
            }
        };
        self.push(at, expr)
    }

    /// Reads a name of the context.
    pub(super) fn read_free(&mut self, name: Symbol, at: At) -> ExprId {
        let number = self.free(name);
        self.push(at, Expr::Free(number))
    }

    fn free(&mut self, name: Symbol) -> u32 {
        let known = &mut self.tables.free_of[name.index()];
        if known.function == self.function.stamp {
            self.function.free[known.number as usize].shared = true;
        } else {
            let number = self.function.free.len() as u32;
            self.function.free.push(Free { name, shared: false });
            *known = FreeOf { function: self.function.stamp, number, hoisted: 0 };
        }
        if let Some(hoist) = &mut self.function.hoist {
            self.function.free[known.number as usize].shared = true;
            if known.hoisted != self.function.hoist_stamp {
                known.hoisted = self.function.hoist_stamp;
                hoist.push(known.number);
            }
        }
        known.number
    }

    /// Where a variable lives, seen from the present function.
    pub(super) fn place(&self, id: VariableId) -> Place {
        let variable = self.variable(id);
        match variable.cell {
            Some(cell) => Place::Cell { hops: self.hops(variable.function), cell },
            None => Place::Local(self.tables.states[id.index()].local),
        }
    }

    /// How many blocks of cells lie between the present function and `owner`.
    fn hops(&self, owner: FunctionId) -> u32 {
        let mut hops = 0;
        let mut id = self.function.id;
        while id != owner {
            let function = &self.scopes.functions[id.index()];
            hops += u32::from(function.cells > 0);
            let Some(parent) = function.parent else { break };
            id = parent;
        }
        hops
    }

    // ---- binding ---------------------------------------------------------------------------------------------

    /// Binds a variable of the present function; says where it lives.
    pub(super) fn assign(&mut self, id: VariableId) -> Place {
        let state = &mut self.tables.states[id.index()];
        if !state.assigned {
            state.assigned = true;
            self.tables.log.push(id);
        }
        self.place(id)
    }

    /// The frame's variable of a name that it binds.
    pub(super) fn bound(&self, name: Symbol) -> VariableId {
        self.scopes.find(self.frame.id, name).expect("the analysis defines every name that is bound")
    }

    /// Forgets what was bound since the log had `length` entries.
    pub(super) fn forget(&mut self, length: usize) {
        for id in self.tables.log.drain(length..) {
            self.tables.states[id.index()].assigned = false;
        }
    }

    /// As [`Builder::forget`], and counts what was forgotten.
    pub(super) fn forget_counting(&mut self, length: usize, all: &mut Vec<VariableId>) {
        for id in self.tables.log.drain(length..) {
            self.tables.states[id.index()].assigned = false;
            self.tables.counts[id.index()] += 1;
            all.push(id);
        }
    }

    /// Marks as bound what each of `branches` has bound.
    pub(super) fn merge(&mut self, all: &[VariableId], branches: u32) {
        for id in all {
            let count = std::mem::take(&mut self.tables.counts[id.index()]);
            if count == branches {
                self.assign(*id);
            }
        }
    }

    // ---- frames ----------------------------------------------------------------------------------------------

    /// Takes a register for a local.
    pub(super) fn local(&mut self) -> u32 {
        let local = self.function.locals;
        self.function.locals += 1;
        self.function.locals_max = self.function.locals_max.max(self.function.locals);
        local
    }

    /// Enters a frame: gives its variables places. `again`: the frame's registers may have been used before.
    pub(super) fn enter(&mut self, frame: FrameId, again: bool, body: &mut Vec<Stmt<'a>>) -> Entered {
        let entered = Entered {
            frame,
            locals: self.function.locals,
            place: body.len(),
            outer_assigned: Vec::new(),
            again,
        };
        let (start, end) = self.scopes.frames[frame.index()].variables;
        let mut outer_assigned = Vec::new();
        for index in start..end {
            let id = VariableId(index);
            let variable = self.variable(id);
            if variable.is_free() || variable.role != Role::Plain {
                continue;
            }
            if let Load::Alias(outer) = variable.load {
                let outer_state = self.tables.states[outer.index()];
                let own = self.variable(outer).function == self.function.id;
                outer_assigned.push(own && outer_state.assigned);
                let surely =
                    self.variable(outer).is_free() || (own && (outer_state.assigned || outer_state.defined));
                self.tables.states[id.index()].defined = surely;
            }
            if variable.cell.is_none() && variable.load != Load::Parameter {
                self.tables.states[id.index()].local = self.local();
            }
        }
        body.push(Stmt { at: At::default(), kind: StmtKind::Enter(Vec::new()) });
        self.frame.id = frame;
        self.frame.next_child = 0;
        Entered { outer_assigned, ..entered }
    }

    /// Leaves a frame: now it is known which variables must start with a value.
    pub(super) fn leave(&mut self, entered: &Entered, body: &mut [Stmt<'a>]) {
        let (start, end) = self.scopes.frames[entered.frame.index()].variables;
        let mut entries = Vec::new();
        let mut aliases = entered.outer_assigned.iter();
        for index in start..end {
            let id = VariableId(index);
            let variable = self.variable(id);
            // Functions inside read `self` and `super` out of a cell.
            let special = match variable.role {
                Role::SelfRef => Some(Expr::SelfRef),
                Role::Super => Some(Expr::Super),
                Role::Plain | Role::Loop => None,
            };
            if let Some(special) = special.filter(|_| variable.cell.is_some()) {
                let value = self.push(At::default(), special);
                entries.push(Entry::Value(self.place(id), value));
                continue;
            }
            if variable.is_free() || variable.role != Role::Plain {
                continue;
            }
            let needed = self.tables.states[id.index()].read_early || variable.cell.is_some();
            let place = self.place(id);
            match variable.load {
                Load::Resolve if needed => entries.push(Entry::Resolve(place, variable.name)),
                Load::Undefined if needed && entered.again => entries.push(Entry::Missing(place)),
                Load::Parameter | Load::Resolve | Load::Undefined => {}
                Load::Alias(outer) => {
                    let assigned = aliases.next().copied().unwrap_or(false);
                    if needed {
                        let known = self.tables.states[outer.index()].assigned;
                        self.tables.states[outer.index()].assigned = assigned;
                        let value = self.read(outer, At::default(), false);
                        self.tables.states[outer.index()].assigned = known;
                        entries.push(Entry::Value(place, value));
                    }
                }
            }
        }
        body[entered.place].kind = StmtKind::Enter(entries);
        self.function.locals = entered.locals;
    }

    /// What clears the cells of a frame that is over.
    pub(super) fn clear_cells(&self, frame: FrameId, at: At, body: &mut Vec<Stmt<'a>>) {
        let (start, end) = self.scopes.frames[frame.index()].variables;
        let entries: Vec<Entry> = (start..end)
            .map(VariableId)
            .filter(|id| self.variable(*id).cell.is_some())
            .map(|id| Entry::Missing(self.place(id)))
            .collect();
        if !entries.is_empty() {
            body.push(Stmt { at, kind: StmtKind::Enter(entries) });
        }
    }

    /// The next frame inside the present one.
    pub(super) fn child(&mut self) -> FrameId {
        let first = self.scopes.frames[self.frame.id.index()].first_child;
        let frame = FrameId(first + self.frame.next_child);
        self.frame.next_child += 1;
        frame
    }

    /// The table of all variables that are bound around here.
    pub(super) fn locals(&mut self, at: At) -> u32 {
        self.mark += 1;
        let mut table: Vec<Local> = Vec::new();
        let mut next = Some(self.frame.id);
        while let Some(frame) = next {
            let record = self.scopes.frames[frame.index()];
            for index in record.variables.0..record.variables.1 {
                let variable = self.variable(VariableId(index));
                if !variable.stored || self.tables.marks[variable.name.index()] == self.mark {
                    continue;
                }
                self.tables.marks[variable.name.index()] = self.mark;
                if self.scopes.text(variable.name).starts_with(super::INTERNAL) {
                    continue;
                }
                let value = self.read(VariableId(index), at, false);
                table.push((variable.name, value));
            }
            next = record.parent;
        }
        self.ir.locals.push(table);
        (self.ir.locals.len() - 1) as u32
    }

    /// The table of the variables that the loop or block around here has set; `None` if it sets none.
    pub(super) fn shown(&mut self, at: At) -> Option<u32> {
        let record = self.scopes.frames[self.frame.id.index()];
        let mut table: Vec<Local> = Vec::new();
        for index in record.variables.0..record.variables.1 {
            let variable = self.variable(VariableId(index));
            if variable.stored && variable.load != Load::Parameter && variable.role == Role::Plain {
                let value = self.read(VariableId(index), at, false);
                table.push((variable.name, value));
            }
        }
        if table.is_empty() {
            return None;
        }
        self.ir.locals.push(table);
        Some((self.ir.locals.len() - 1) as u32)
    }
}
