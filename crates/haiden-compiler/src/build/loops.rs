//! Loops.

use haiden_bytecode::loop_flags;
use haiden_syntax::ast::{self, At, Ctx, Expr as Node, If, Stmt as NodeStmt, Symbol};

use super::stmt::room;
use super::{Builder, LoopUse, Result};
use crate::error::{CompileError, ErrorKind};
use crate::ir::{Ahead, Entry, Expr, ExprId, For, Place, Stmt, StmtKind, Target};
use crate::resolve::{FrameId, Role};

/// The frames of a loop.
#[derive(Clone, Copy)]
struct Frames {
    body: FrameId,
    test: Option<FrameId>,
    otherwise: Option<FrameId>,
}

impl<'a, 's> Builder<'_, 'a, 's> {
    pub(super) fn for_loop(&mut self, node: &'a ast::For<'s>, out: &mut Vec<Stmt<'a>>) -> Result<()> {
        if self.scopes.loop_is_stored
            && let Some(name) = self.scopes.specials.loop_
            && let Some(at) = stored_in_loop(node, name)
        {
            return Err(CompileError::assertion(
                "Can't assign to special loop variable in for-loop target",
                at,
            ));
        }
        let frames = Frames {
            body: self.child(),
            test: if node.test.is_some() { Some(self.child()) } else { None },
            otherwise: if node.else_.is_empty() { None } else { Some(self.child()) },
        };
        self.mark_line(node.at);
        // A filtered loop takes its items in the function of its test.
        let line = node.test.as_ref().map_or(0, |test| test.at().line);
        let at = if line == 0 { node.at } else { At { line, ..node.at } };
        let iter = self.expr(&node.iter)?;
        if !node.recursive {
            let loop_ = self.loop_body(node, frames, Some(iter), 0)?;
            out.push(Stmt { at, kind: StmtKind::For(Box::new(loop_)) });
            self.clear_cells(frames.body, node.at, out);
            return Ok(());
        }
        let index = self.reserve();
        let inner = self.inner_frame(frames.body);
        let outer = self.begin_function(frames.body, inner);
        // Register 0 is the iterable.
        self.local();
        let loop_ = self.loop_body(node, frames, None, loop_flags::RECURSIVE)?;
        let body = vec![Stmt { at, kind: StmtKind::For(Box::new(loop_)) }];
        self.finish_loop_function(index, node.at, body);
        self.end_function(outer);
        self.mark_line(node.at);
        out.push(Stmt { at: node.at, kind: StmtKind::EnterLoop { iter, function: index } });
        Ok(())
    }

    fn loop_body(
        &mut self,
        node: &'a ast::For<'s>,
        frames: Frames,
        iter: Option<ExprId>,
        flags: u32,
    ) -> Result<For<'a>> {
        let outermost = self.function.hoist.is_none();
        if outermost {
            self.function.hoist = Some(Vec::with_capacity(4));
            self.function.hoist_stamp += 1;
        }
        let slot = self.function.loops.len() as u32;
        self.function.loops.push(LoopUse::default());
        self.function.loops_max = self.function.loops_max.max(slot + 1);
        let (outer, log, locals) = (self.frame, self.tables.log.len(), self.function.locals);

        self.frame = super::Frame { shows: true, ..self.inner_frame(frames.body) };
        let loop_id = self.scopes.own(frames.body, self.scopes.specials.loop_always);
        let loop_id = loop_id.filter(|id| self.variable(*id).role == Role::Loop);
        if let Some(id) = loop_id {
            self.tables.states[id.index()].slot = slot;
        }
        let mut copies = Vec::new();
        let target = self.loop_target(&node.target, frames, &mut copies);
        let mut body = Vec::with_capacity(room(&node.body));
        let entered = self.enter(frames.body, true, &mut body);
        if !copies.is_empty() {
            body.push(Stmt { at: node.at, kind: StmtKind::Enter(copies) });
        }
        self.body(&node.body, &mut body)?;
        self.leave(&entered, &mut body);
        self.forget(log);
        let used = self.function.loops[slot as usize];
        let object = loop_id.map(|id| self.place(id)).filter(|place| matches!(place, Place::Cell { .. }));
        let escapes = used.escapes || object.is_some();
        let ahead = match frames.test {
            Some(_) if escapes => Ahead::Eager,
            Some(frame) if used.look_ahead || used.previous => {
                // Whatever the body has may be in use when the filter runs.
                self.function.locals = self.function.locals_max;
                Ahead::Lazy(self.test_target(&node.target, frame))
            }
            _ => Ahead::No,
        };

        let test = match (&node.test, frames.test) {
            (Some(test), Some(frame)) => {
                self.frame = outer;
                self.frame = self.inner_frame(frame);
                self.assign_test_targets(frame);
                // The test is a function of its own, before the loop.
                let line = self.line;
                self.mark_line(test.at());
                let test = self.expr(test)?;
                self.line = line;
                self.forget(log);
                Some(test)
            }
            _ => None,
        };
        self.function.loops.truncate(slot as usize);
        let otherwise = match frames.otherwise {
            Some(frame) => {
                self.frame = outer;
                self.frame = self.inner_frame(frame);
                let mut body = Vec::new();
                let entered = self.enter(frame, true, &mut body);
                self.body(&node.else_, &mut body)?;
                self.leave(&entered, &mut body);
                self.forget(log);
                body
            }
            None => Vec::new(),
        };
        self.frame = outer;
        self.function.locals = locals;
        let previous = if used.previous || escapes { loop_flags::PREVIOUS } else { 0 };
        let hoist = if outermost { self.function.hoist.take().unwrap_or_default() } else { Vec::new() };
        Ok(For {
            slot,
            iter,
            target,
            test,
            ahead,
            flags: flags | previous,
            leaves: used.leaves,
            object,
            body,
            otherwise,
            hoist,
        })
    }

    /// Binds a loop's targets to registers; those that live in cells are copied when an iteration starts.
    fn loop_target(&mut self, target: &Node<'s>, frames: Frames, copies: &mut Vec<Entry>) -> Target {
        match target {
            Node::Name(node) => {
                let local = self.local();
                if let Some(id) = self.scopes.own(frames.body, node.name) {
                    let place = self.assign(id);
                    if matches!(place, Place::Cell { .. }) {
                        let read =
                            Expr::Variable { place: Place::Local(local), name: node.name, check: false };
                        let value = self.push(node.at, read);
                        copies.push(Entry::Value(place, value));
                    } else {
                        self.tables.states[id.index()].local = local;
                    }
                }
                if let Some(id) = frames.test.and_then(|frame| self.scopes.own(frame, node.name)) {
                    self.tables.states[id.index()].local = local;
                }
                Target::Place(Place::Local(local))
            }
            Node::Tuple(node) => {
                Target::Tuple(node.items.iter().map(|item| self.loop_target(item, frames, copies)).collect())
            }
            // The parser lets nothing else be a loop's target.
            _ => Target::Tuple(Vec::new()),
        }
    }

    /// Registers for a filter's own targets.
    fn test_target(&mut self, target: &Node<'s>, frame: FrameId) -> Target {
        match target {
            Node::Name(node) => {
                let local = self.local();
                if let Some(id) = self.scopes.own(frame, node.name) {
                    self.tables.states[id.index()].local = local;
                }
                Target::Place(Place::Local(local))
            }
            Node::Tuple(node) => {
                Target::Tuple(node.items.iter().map(|item| self.test_target(item, frame)).collect())
            }
            // The parser lets nothing else be a loop's target.
            _ => Target::Tuple(Vec::new()),
        }
    }

    fn assign_test_targets(&mut self, frame: FrameId) {
        let (start, end) = self.scopes.frames[frame.index()].variables;
        for index in start..end {
            let id = crate::resolve::VariableId(index);
            if !self.variable(id).is_free() {
                self.assign(id);
            }
        }
    }

    pub(super) fn leave_loop(&mut self, what: &str, at: At) -> Result<()> {
        match self.function.loops.last_mut() {
            Some(used) => {
                used.leaves = true;
                Ok(())
            }
            None => {
                let message =
                    if what == "break" { "'break' outside loop" } else { "'continue' not properly in loop" };
                Err(CompileError::new(ErrorKind::Python, message, at))
            }
        }
    }
}

/// Where the name `loop` is assigned inside a loop, its own target included.
fn stored_in_loop(node: &ast::For<'_>, name: Symbol) -> Option<At> {
    target(&node.target, name).or_else(|| body(&node.body, name)).or_else(|| body(&node.else_, name))
}

fn target(expr: &Node<'_>, name: Symbol) -> Option<At> {
    match expr {
        Node::Name(node) => (node.name == name && node.ctx == Ctx::Store).then_some(node.at),
        Node::Tuple(node) => node.items.iter().find_map(|item| target(item, name)),
        _ => None,
    }
}

fn body(stmts: &[NodeStmt<'_>], name: Symbol) -> Option<At> {
    stmts.iter().find_map(|stmt| match stmt {
        NodeStmt::Assign(node) => target(&node.target, name),
        NodeStmt::AssignBlock(node) => target(&node.target, name).or_else(|| body(&node.body, name)),
        NodeStmt::For(node) => stored_in_loop(node, name),
        NodeStmt::If(node) => branch(node, name),
        NodeStmt::Macro(node) => body(&node.body, name),
        NodeStmt::CallBlock(node) => body(&node.body, name),
        NodeStmt::FilterBlock(node) => body(&node.body, name),
        NodeStmt::With(node) => body(&node.body, name),
        NodeStmt::Block(node) => body(&node.body, name),
        NodeStmt::Scope(node) => body(&node.body, name),
        NodeStmt::OverlayScope(node) => body(&node.body, name),
        NodeStmt::ScopedEvalContextModifier(node) => body(&node.body, name),
        _ => None,
    })
}

fn branch(node: &If<'_>, name: Symbol) -> Option<At> {
    body(&node.body, name)
        .or_else(|| node.elif_.iter().find_map(|elif| branch(elif, name)))
        .or_else(|| body(&node.else_, name))
}
