//! Statements.

use haiden_bytecode::{FunctionKind, include_flags};
use haiden_syntax::ast::{self, At, If, Stmt as Node, Symbol};

use super::function::MacroParts;
use super::{Builder, Result};
use crate::error::CompileError;
use crate::ir::{Expr, Place, Stmt, StmtKind, Target};
use crate::resolve::FrameId;

/// Whether a template has an `extends` anywhere.
pub(super) fn has_extends(body: &[Node<'_>]) -> bool {
    body.iter().any(|stmt| match stmt {
        Node::Extends(_) => true,
        Node::For(node) => has_extends(&node.body) || has_extends(&node.else_),
        Node::If(node) => branch_extends(node),
        Node::Macro(node) => has_extends(&node.body),
        Node::CallBlock(node) => has_extends(&node.body),
        Node::FilterBlock(node) => has_extends(&node.body),
        Node::With(node) => has_extends(&node.body),
        Node::Block(node) => has_extends(&node.body),
        Node::AssignBlock(node) => has_extends(&node.body),
        Node::Scope(node) => has_extends(&node.body),
        Node::OverlayScope(node) => has_extends(&node.body),
        Node::ScopedEvalContextModifier(node) => has_extends(&node.body),
        _ => false,
    })
}

fn branch_extends(node: &If<'_>) -> bool {
    has_extends(&node.body) || node.elif_.iter().any(branch_extends) || has_extends(&node.else_)
}

/// About how many statements a body becomes.
pub(super) fn room(body: &[Node<'_>]) -> usize {
    let of = |stmt: &Node<'_>| match stmt {
        Node::Output(node) => node.nodes.len(),
        _ => 2,
    };
    body.iter().map(of).sum::<usize>() + 1
}

impl<'a, 's> Builder<'_, 'a, 's> {
    /// The statements of a body, up to where Jinja2 stops generating.
    pub(super) fn body(&mut self, nodes: &'a [Node<'s>], out: &mut Vec<Stmt<'a>>) -> Result<()> {
        for node in nodes {
            self.stmt(node, out)?;
            if std::mem::take(&mut self.dead) {
                break;
            }
        }
        Ok(())
    }

    fn stmt(&mut self, stmt: &'a Node<'s>, out: &mut Vec<Stmt<'a>>) -> Result<()> {
        // Nothing marks the lines of these.
        let unmarked = matches!(
            stmt,
            Node::Output(_)
                | Node::Assign(_)
                | Node::With(_)
                | Node::FilterBlock(_)
                | Node::AssignBlock(_)
                | Node::Scope(_)
                | Node::OverlayScope(_)
                | Node::EvalContextModifier(_)
                | Node::ScopedEvalContextModifier(_)
        );
        if !unmarked {
            self.mark_line(stmt.at());
        }
        let at = self.marked(stmt.at());
        let kind = match stmt {
            Node::Output(node) => return self.output(node, out),
            Node::Extends(node) => return self.extends(node, out),
            Node::For(node) => return self.for_loop(node, out),
            Node::If(node) => self.branches(node)?,
            Node::Macro(node) => return self.macro_(node, out),
            Node::CallBlock(node) => self.call_block(node)?,
            Node::FilterBlock(node) => self.filter_block(node)?,
            Node::With(node) => return self.with(node, out),
            Node::Block(node) => {
                self.block(node, out);
                return Ok(());
            }
            Node::Include(node) => self.include(node)?,
            Node::Import(node) => return self.import(node, out),
            Node::FromImport(node) => return self.names_import(node, out),
            Node::ExprStmt(node) => StmtKind::Eval(self.expr(&node.node)?),
            Node::Assign(node) => return self.assign_stmt(node, out),
            Node::AssignBlock(node) => return self.assign_block(node, out),
            Node::Continue(node) => {
                self.leave_loop("continue", node.at)?;
                StmtKind::Continue
            }
            Node::Break(node) => {
                self.leave_loop("break", node.at)?;
                StmtKind::Break
            }
            Node::Scope(node) => return self.scope(&node.body, out),
            Node::OverlayScope(node) => self.overlay(node)?,
            Node::EvalContextModifier(node) => return self.modify(node, out),
            Node::ScopedEvalContextModifier(node) => self.autoescape(node)?,
        };
        out.push(Stmt { at, kind });
        Ok(())
    }

    fn extends(&mut self, node: &'a ast::Extends<'s>, out: &mut Vec<Stmt<'a>>) -> Result<()> {
        if !self.frame.toplevel {
            return Err(CompileError::assertion("cannot use extend from a non top-level scope", node.at));
        }
        let template = self.expr(&node.template)?;
        out.push(Stmt { at: node.at, kind: StmtKind::Extends(template) });
        if self.known_extends {
            // The second one always fails: nothing behind it runs.
            self.dead = true;
            return Ok(());
        }
        self.known_extends |= self.frame.rootlevel;
        self.extends += 1;
        Ok(())
    }

    fn branches(&mut self, node: &'a If<'s>) -> Result<StmtKind<'a>> {
        let (soft, rootlevel) = (self.frame.soft, self.frame.rootlevel);
        self.frame.soft = true;
        self.frame.rootlevel = false;
        let mut all = Vec::new();
        let mut arms = Vec::new();
        let known = self.known_extends;
        for arm in std::iter::once(node).chain(&node.elif_) {
            self.mark_line(arm.at);
            let test = self.expr(&arm.test)?;
            let start = self.tables.log.len();
            let mut body = Vec::with_capacity(room(&arm.body));
            self.body(&arm.body, &mut body)?;
            self.forget_counting(start, &mut all);
            arms.push((test, body));
        }
        let start = self.tables.log.len();
        let mut otherwise = Vec::new();
        self.body(&node.else_, &mut otherwise)?;
        self.forget_counting(start, &mut all);
        self.merge(&all, arms.len() as u32 + 1);
        self.known_extends = known;
        self.frame.soft = soft;
        self.frame.rootlevel = rootlevel;
        Ok(StmtKind::If { arms, otherwise })
    }

    fn macro_(&mut self, node: &'a ast::Macro<'s>, out: &mut Vec<Stmt<'a>>) -> Result<()> {
        let value = self.macro_function(&MacroParts {
            kind: FunctionKind::Macro,
            name: Some(node.name),
            args: &node.args,
            defaults: &node.defaults,
            body: &node.body,
            at: node.at,
        })?;
        let place = self.assign(self.bound(node.name));
        out.push(Stmt { at: node.at, kind: StmtKind::Set { target: Target::Place(place), value } });
        self.export(node.name, place, node.at, out);
        Ok(())
    }

    /// Publishes a variable that was bound at the top level.
    fn export(&mut self, name: Symbol, place: Place, at: At, out: &mut Vec<Stmt<'a>>) {
        if self.frame.toplevel && !self.ir.text(name).starts_with(super::INTERNAL) {
            let mode = u8::from(!self.ir.text(name).starts_with('_'));
            out.push(Stmt { at, kind: StmtKind::Export { mode, place, name } });
        }
    }

    fn call_block(&mut self, node: &'a ast::CallBlock<'s>) -> Result<StmtKind<'a>> {
        let caller = self.macro_function(&MacroParts {
            kind: FunctionKind::CallBlock,
            name: None,
            args: &node.args,
            defaults: &node.defaults,
            body: &node.body,
            at: node.at,
        })?;
        let name = self.scopes.specials.caller.unwrap_or(Symbol(self.ir.symbols.len() as u32 + 1));
        self.mark_line(node.at);
        let value = self.call(&node.call, Some((name, caller)))?;
        if self.options.finalize {
            return Ok(StmtKind::EmitText(value));
        }
        // What a macro writes goes straight to the page.
        let escape = haiden_bytecode::Escape::No;
        Ok(StmtKind::Emit { value, escape, folded: escape, constant: false })
    }

    fn filter_block(&mut self, node: &'a ast::FilterBlock<'s>) -> Result<StmtKind<'a>> {
        let frame = self.child();
        let outer = self.frame;
        self.frame = self.inner_frame(frame);
        let mut body = Vec::new();
        let entered = self.enter(frame, true, &mut body);
        self.body(&node.body, &mut body)?;
        self.mark_line(node.at);
        let value = self.filter(&node.filter)?;
        self.leave(&entered, &mut body);
        self.frame = outer;
        let then = Box::new(Stmt { at: node.at, kind: StmtKind::EmitText(value) });
        Ok(StmtKind::Capture { body, then })
    }

    fn with(&mut self, node: &'a ast::With<'s>, out: &mut Vec<Stmt<'a>>) -> Result<()> {
        let frame = self.child();
        let mut values = Vec::new();
        for value in &node.values {
            values.push(self.expr(value)?);
        }
        let outer = self.frame;
        self.frame = self.inner_frame(frame);
        let entered = self.enter(frame, true, out);
        for (target, value) in node.targets.iter().zip(values) {
            let target = self.with_target(target, frame)?;
            out.push(Stmt { at: self.marked(node.at), kind: StmtKind::Set { target, value } });
        }
        self.body(&node.body, out)?;
        self.leave(&entered, out);
        self.frame = outer;
        self.clear_cells(frame, node.at, out);
        Ok(())
    }

    fn with_target(&mut self, target: &'a ast::Expr<'s>, frame: FrameId) -> Result<Target> {
        match target {
            ast::Expr::Name(node) => {
                let id = self.bound(node.name);
                let unplaced = self.variable(id).cell.is_none() && !self.tables.states[id.index()].assigned;
                if unplaced && self.scopes.own(frame, node.name) == Some(id) {
                    self.tables.states[id.index()].local = self.local();
                }
                Ok(Target::Place(self.assign(id)))
            }
            ast::Expr::Tuple(node) => {
                let items = node.items.iter().map(|item| self.with_target(item, frame));
                items.collect::<Result<_>>().map(Target::Tuple)
            }
            other => Self::unsupported("a target of `with`", other.at()),
        }
    }

    fn block(&mut self, node: &'a ast::Block<'s>, out: &mut Vec<Stmt<'a>>) {
        if self.frame.toplevel && self.known_extends {
            return;
        }
        let locals = if node.scoped { Some(self.locals(node.at)) } else { None };
        let call = Stmt { at: node.at, kind: StmtKind::CallBlock { name: node.name, locals } };
        if self.frame.toplevel && self.extends > 0 {
            out.push(Stmt { at: node.at, kind: StmtKind::Unextended(vec![call]) });
        } else {
            out.push(call);
        }
    }

    fn flags(&mut self, with_context: bool, at: At) -> (u8, Option<u32>) {
        if with_context { (include_flags::WITH_CONTEXT, Some(self.locals(at))) } else { (0, None) }
    }

    fn include(&mut self, node: &'a ast::Include<'s>) -> Result<StmtKind<'a>> {
        let template = self.expr(&node.template)?;
        let (mut flags, locals) = self.flags(node.with_context, node.at);
        if node.ignore_missing {
            flags |= include_flags::IGNORE_MISSING;
        }
        if matches!(node.template, ast::Expr::Tuple(_) | ast::Expr::List(_)) {
            flags |= include_flags::SELECT;
        }
        if let ast::Expr::Const(node) = &node.template
            && matches!(node.value, ast::Constant::Str(_))
        {
            flags |= include_flags::NAMED;
        }
        Ok(StmtKind::Include { template, flags, locals })
    }

    fn import(&mut self, node: &'a ast::Import<'s>, out: &mut Vec<Stmt<'a>>) -> Result<()> {
        let template = self.expr(&node.template)?;
        let (flags, locals) = self.flags(node.with_context, node.at);
        let target = self.assign(self.bound(node.target));
        out.push(Stmt { at: node.at, kind: StmtKind::Import { template, flags, locals, target } });
        self.export_import(node.target, target, node.at, out);
        Ok(())
    }

    fn export_import(&mut self, name: Symbol, place: Place, at: At, out: &mut Vec<Stmt<'a>>) {
        if self.frame.toplevel {
            out.push(Stmt { at, kind: StmtKind::Export { mode: 2, place, name } });
        }
    }

    fn names_import(&mut self, node: &'a ast::FromImport<'s>, out: &mut Vec<Stmt<'a>>) -> Result<()> {
        let template = self.expr(&node.template)?;
        let (flags, locals) = self.flags(node.with_context, node.at);
        let mut names = Vec::new();
        for import in &node.names {
            let place = self.assign(self.bound(import.alias.unwrap_or(import.name)));
            names.push((import.at, import.name, place));
        }
        let places: Vec<Place> = names.iter().map(|(_, _, place)| *place).collect();
        out.push(Stmt { at: node.at, kind: StmtKind::FromImport { template, flags, locals, names } });
        for (import, place) in node.names.iter().zip(places) {
            self.export_import(import.alias.unwrap_or(import.name), place, node.at, out);
        }
        Ok(())
    }

    // ---- assignments -----------------------------------------------------------------------------------------

    fn assign_stmt(&mut self, node: &'a ast::Assign<'s>, out: &mut Vec<Stmt<'a>>) -> Result<()> {
        self.check_namespaces(&node.target, &mut Vec::new(), out);
        self.mark_line(node.at);
        let value = self.expr(&node.node)?;
        let target = self.target(&node.target)?;
        let exported = self.exported(&node.target);
        out.push(Stmt { at: node.at, kind: StmtKind::Set { target, value } });
        for (name, place) in exported {
            self.export(name, place, node.at, out);
        }
        Ok(())
    }

    /// Whether what has attributes assigned is a namespace is seen to before there is a value, each once.
    fn check_namespaces(&mut self, target: &ast::Expr<'s>, seen: &mut Vec<Symbol>, out: &mut Vec<Stmt<'a>>) {
        match target {
            ast::Expr::NSRef(node) if !seen.contains(&node.name) => {
                seen.push(node.name);
                let object = self.read_name(node.name, node.at);
                out.push(Stmt { at: self.marked(node.at), kind: StmtKind::CheckNamespace(object) });
            }
            ast::Expr::Tuple(node) => {
                node.items.iter().for_each(|item| self.check_namespaces(item, seen, out));
            }
            _ => {}
        }
    }

    fn target(&mut self, target: &'a ast::Expr<'s>) -> Result<Target> {
        match target {
            ast::Expr::Name(node) => Ok(Target::Place(self.assign(self.bound(node.name)))),
            ast::Expr::NSRef(node) => {
                let object = self.read_name(node.name, node.at);
                Ok(Target::Attr(object, node.attr))
            }
            ast::Expr::Tuple(node) => {
                let items = node.items.iter().map(|item| self.target(item));
                items.collect::<Result<_>>().map(Target::Tuple)
            }
            other => Self::unsupported("a target of `set`", other.at()),
        }
    }

    /// The names that a target binds, with their places.
    fn exported(&self, target: &ast::Expr<'s>) -> Vec<(Symbol, Place)> {
        match target {
            ast::Expr::Name(node) => vec![(node.name, self.place(self.bound(node.name)))],
            ast::Expr::Tuple(node) => node.items.iter().flat_map(|item| self.exported(item)).collect(),
            _ => Vec::new(),
        }
    }

    fn assign_block(&mut self, node: &'a ast::AssignBlock<'s>, out: &mut Vec<Stmt<'a>>) -> Result<()> {
        let frame = self.child();
        let outer = self.frame;
        self.frame = super::Frame { check_output: false, ..self.inner_frame(frame) };
        let mut body = Vec::new();
        let entered = self.enter(frame, true, &mut body);
        self.body(&node.body, &mut body)?;
        self.mark_line(node.at);
        let value = match &node.filter {
            Some(filter) => {
                let value = self.filter(filter)?;
                self.push(node.at, Expr::MarkSafe(value, haiden_bytecode::Escape::Dynamic))
            }
            None => self.push(node.at, Expr::Captured(haiden_bytecode::Escape::Dynamic)),
        };
        self.leave(&entered, &mut body);
        self.frame = super::Frame { next_child: outer.next_child, ..outer };
        let target = self.target(&node.target)?;
        let exported = self.exported(&node.target);
        let then = Box::new(Stmt { at: node.at, kind: StmtKind::Set { target, value } });
        out.push(Stmt { at: node.at, kind: StmtKind::Capture { body, then } });
        for (name, place) in exported {
            self.export(name, place, node.at, out);
        }
        Ok(())
    }

    // ---- scopes ----------------------------------------------------------------------------------------------

    fn scope(&mut self, body: &'a [Node<'s>], out: &mut Vec<Stmt<'a>>) -> Result<()> {
        let frame = self.child();
        let outer = self.frame;
        self.frame = self.inner_frame(frame);
        let entered = self.enter(frame, true, out);
        self.body(body, out)?;
        self.leave(&entered, out);
        self.frame = outer;
        Ok(())
    }
}
