//! Functions: the root, blocks, macros, the bodies of call blocks and of recursive loops.

use haiden_bytecode::FunctionKind;
use haiden_bytecode::image::{
    AUTOESCAPE, CATCH_CALLER, CATCH_KWARGS, CATCH_VARARGS, EXPLICIT_CALLER, VOLATILE,
};
use haiden_syntax::ast::{self, At, Block, Name, Symbol};

use super::stmt::room;
use super::{Builder, Building, Eval, Frame, Result};
use crate::error::{CompileError, ErrorKind};
use crate::ir::{Entry, Expr, ExprId, Function, Place, Stmt, StmtKind};
use crate::resolve::{FrameId, VariableId};

/// What a function is made of, beyond its body.
struct Signature {
    kind: FunctionKind,
    flags: u8,
    name: Option<Symbol>,
    parameters: Vec<Symbol>,
    at: At,
}

/// The parts of a macro or a call block.
pub(super) struct MacroParts<'a, 's> {
    pub(super) kind: FunctionKind,
    pub(super) name: Option<Symbol>,
    pub(super) args: &'a [Name],
    pub(super) defaults: &'a [ast::Expr<'s>],
    pub(super) body: &'a [ast::Stmt<'s>],
    pub(super) at: At,
}

impl<'a, 's> Builder<'_, 'a, 's> {
    pub(super) fn root(&mut self) -> Result<()> {
        let scopes = self.scopes;
        let mut body = Vec::with_capacity(room(&scopes.ast.body));
        let entered = self.enter(FrameId(0), false, &mut body);
        self.body(&scopes.ast.body, &mut body)?;
        self.leave(&entered, &mut body);
        let at = At { line: 1, offset: 0 };
        let signature = Signature {
            kind: FunctionKind::Root,
            flags: self.autoescape_flag(),
            name: None,
            parameters: Vec::new(),
            at,
        };
        self.finish_function(0, signature, body);
        Ok(())
    }

    pub(super) fn block_function(&mut self, block: &'a Block<'s>, frame: FrameId) -> Result<()> {
        let index = self.reserve();
        self.eval = Eval::new(self.options.autoescape);
        let outer = self.begin_function(
            frame,
            Frame {
                id: frame,
                next_child: 0,
                toplevel: false,
                rootlevel: false,
                soft: false,
                check_output: false,
                shows: true,
            },
        );
        self.mark_line(block.at);
        let mut body = Vec::with_capacity(room(&block.body));
        let entered = self.enter(frame, false, &mut body);
        self.body(&block.body, &mut body)?;
        self.leave(&entered, &mut body);
        let signature = Signature {
            kind: FunctionKind::Block,
            flags: self.autoescape_flag(),
            name: Some(block.name),
            parameters: Vec::new(),
            at: block.at,
        };
        self.finish_function(index, signature, body);
        self.end_function(outer);
        self.ir.blocks.push(crate::ir::Block { name: block.name, function: index, required: block.required });
        Ok(())
    }

    fn autoescape_flag(&self) -> u8 {
        let flag = |flag: u8, on: bool| if on { flag } else { 0 };
        flag(AUTOESCAPE, self.eval.autoescape) | flag(VOLATILE, self.eval.volatile || self.eval.later)
    }

    /// Starts a function; returns what [`Builder::end_function`] brings back.
    pub(super) fn begin_function(&mut self, frame: FrameId, inner: Frame) -> (Building, Frame, usize) {
        self.stamps += 1;
        let id = self.scopes.frames[frame.index()].function;
        let building = std::mem::replace(&mut self.function, Building::new(id, self.stamps));
        let outer = std::mem::replace(&mut self.frame, inner);
        (building, outer, self.tables.log.len())
    }

    pub(super) fn end_function(&mut self, (building, frame, log): (Building, Frame, usize)) {
        self.forget(log);
        self.function = building;
        self.frame = frame;
    }

    fn finish_function(&mut self, index: u32, signature: Signature, body: Vec<Stmt<'a>>) {
        let Signature { kind, flags, name, parameters, at } = signature;
        let cells = self.scopes.functions[self.function.id.index()].cells;
        self.ir.functions[index as usize] = Function {
            kind,
            flags,
            name,
            parameters,
            locals: self.function.locals_max,
            loops: self.function.loops_max,
            cells,
            free: std::mem::take(&mut self.function.free),
            body,
            at,
        };
    }

    /// Finishes the function of a recursive loop.
    pub(super) fn finish_loop_function(&mut self, index: u32, at: At, body: Vec<Stmt<'a>>) {
        self.finish_plain_function(FunctionKind::Loop, index, at, body);
    }

    /// Finishes a function without name and parameters.
    pub(super) fn finish_plain_function(
        &mut self,
        kind: FunctionKind,
        index: u32,
        at: At,
        body: Vec<Stmt<'a>>,
    ) {
        let flags = self.autoescape_flag();
        let signature = Signature { kind, flags, name: None, parameters: Vec::new(), at };
        self.finish_function(index, signature, body);
    }

    /// Two parameters of one name are an error of the function that Jinja2 writes, where their names say how deep it lies.
    fn refuse_twins(&mut self, frame: FrameId, parts: &MacroParts<'a, 's>) -> Result<()> {
        self.mark += 1;
        for arg in parts.args {
            if std::mem::replace(&mut self.tables.marks[arg.name.index()], self.mark) == self.mark {
                let (level, name) = (self.scopes.frames[frame.index()].level, self.ir.text(arg.name));
                let message = format!("duplicate argument 'l_{level}_{name}' in function definition");
                return Err(CompileError::new(ErrorKind::Python, message, parts.at));
            }
        }
        Ok(())
    }

    /// The function of a macro or call block; the expression is the macro.
    pub(super) fn macro_function(&mut self, parts: &MacroParts<'a, 's>) -> Result<ExprId> {
        self.mark_line(parts.at);
        let frame = self.child();
        let index = self.reserve();
        let inner = Frame { check_output: false, ..self.inner_frame(frame) };
        let outer = self.begin_function(frame, inner);
        let extends = (self.extends, self.known_extends);
        let [caller, kwargs, varargs] = self.scopes.functions[self.function.id.index()].mentions;
        let specials = self.scopes.specials;
        let named = |symbol: Option<Symbol>| parts.args.iter().any(|arg| Some(arg.name) == symbol);
        let explicit = named(specials.caller);
        if caller && explicit {
            let place = parts.args.iter().position(|arg| Some(arg.name) == specials.caller).unwrap_or(0);
            if place + parts.defaults.len() < parts.args.len() {
                return Err(CompileError::assertion(
                    "When defining macros or call blocks the special \"caller\" argument must be omitted or be given \
                     a default.",
                    parts.at,
                ));
            }
        }
        let mut flags = self.autoescape_flag();
        flags |= if explicit { EXPLICIT_CALLER } else { 0 };
        flags |= if caller { CATCH_CALLER } else { 0 };
        let takes_varargs = varargs && !named(specials.varargs);
        let takes_kwargs = kwargs && !named(specials.kwargs);
        flags |= if takes_varargs { CATCH_VARARGS } else { 0 };
        flags |= if takes_kwargs { CATCH_KWARGS } else { 0 };

        let mut body = Vec::new();
        let mut extra = Vec::new();
        let mut locals = Vec::new();
        for arg in parts.args {
            let local = self.local();
            locals.push((arg, local));
            if let Some(id) = self.scopes.own(frame, arg.name) {
                self.tables.states[id.index()].local = local;
            }
        }
        let special = [
            (takes_varargs, specials.varargs),
            (takes_kwargs, specials.kwargs),
            (caller && !explicit, specials.caller),
        ];
        for (_, name) in special.into_iter().filter(|(taken, _)| *taken) {
            let local = self.local();
            if let Some(id) = name.and_then(|name| self.scopes.own(frame, name)) {
                self.tables.states[id.index()].local = local;
                extra.push((id, local));
            }
        }
        let entered = self.enter(frame, false, &mut body);
        for (id, local) in extra {
            self.bind_special(id, local, parts.at, &mut body);
        }
        self.parameters(frame, parts, &locals, &mut body)?;
        self.body(parts.body, &mut body)?;
        self.refuse_twins(frame, parts)?;
        self.leave(&entered, &mut body);
        let signature = Signature {
            kind: parts.kind,
            flags,
            name: parts.name,
            parameters: parts.args.iter().map(|arg| arg.name).collect(),
            at: parts.at,
        };
        self.finish_function(index, signature, body);
        (self.extends, self.known_extends) = extends;
        self.end_function(outer);
        Ok(self.push(parts.at, Expr::Macro(index)))
    }

    /// `varargs`, `kwargs` or `caller`: bound from the start, in a cell if inner functions use it.
    fn bind_special(&mut self, id: VariableId, local: u32, at: At, body: &mut Vec<Stmt<'a>>) {
        let variable = self.variable(id);
        let place = self.assign(id);
        if matches!(place, Place::Cell { .. }) {
            let read = Expr::Variable { place: Place::Local(local), name: variable.name, check: false };
            let value = self.push(at, read);
            body.push(Stmt { at, kind: StmtKind::Enter(vec![Entry::Value(place, value)]) });
        }
    }

    /// Defaults of parameters that were not given, in order.
    fn parameters(
        &mut self,
        frame: FrameId,
        parts: &MacroParts<'a, 's>,
        locals: &[(&'a Name, u32)],
        body: &mut Vec<Stmt<'a>>,
    ) -> Result<()> {
        let required = parts.args.len() - parts.defaults.len();
        // A default may read a later parameter: what the caller gave for it must be in its cell by then.
        let mut given = Vec::new();
        for &(arg, local) in locals.iter().skip(required + 1) {
            let Some(id) = self.scopes.own(frame, arg.name) else { continue };
            let cell = self.place(id);
            if matches!(cell, Place::Cell { .. }) {
                let variable = Expr::Variable { place: Place::Local(local), name: arg.name, check: false };
                given.push(Entry::Value(cell, self.push(parts.at, variable)));
            }
        }
        if !given.is_empty() {
            body.push(Stmt { at: parts.at, kind: StmtKind::Enter(given) });
        }
        for (place, &(arg, local)) in locals.iter().enumerate() {
            let value = match place.checked_sub(required) {
                Some(default) => Some(self.expr(&parts.defaults[default])?),
                None => None,
            };
            let cell = match self.scopes.own(frame, arg.name) {
                Some(id) => Some(self.assign(id)).filter(|place| matches!(place, Place::Cell { .. })),
                None => None,
            };
            let at = parts.at;
            body.push(Stmt { at, kind: StmtKind::Default { local, name: arg.name, value, cell } });
        }
        Ok(())
    }

    /// A frame inside the present one, as Jinja2's `Frame.inner` makes it.
    pub(super) fn inner_frame(&self, id: FrameId) -> Frame {
        Frame {
            id,
            next_child: 0,
            toplevel: false,
            rootlevel: false,
            soft: false,
            check_output: self.frame.check_output,
            shows: false,
        }
    }
}
