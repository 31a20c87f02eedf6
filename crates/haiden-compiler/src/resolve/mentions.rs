//! Which special names a body mentions: Jinja2's `find_undeclared`.
//!
//! A name counts as mentioned if the first place that names it, in Jinja2's order of fields and through inner
//! frames but not into blocks, reads it.

use haiden_syntax::ast::{Ctx, Expr, If, NSRef, Name, Stmt, Symbol};

use super::visit::{Visit, walk, walk_all, walk_arguments};

/// Says for each of `wanted` whether `body` mentions it.
pub(super) fn mentions<const N: usize>(body: &[Stmt<'_>], wanted: [Option<Symbol>; N]) -> [bool; N] {
    let mut search = Search { wanted, found: [None; N] };
    if wanted.iter().any(Option::is_some) {
        search.stmts(body);
    }
    search.found.map(|found| found == Some(true))
}

struct Search<const N: usize> {
    wanted: [Option<Symbol>; N],
    /// Whether the first place reads it.
    found: [Option<bool>; N],
}

impl<const N: usize> Visit for Search<N> {
    fn name(&mut self, name: &Name) {
        for (wanted, found) in self.wanted.iter().zip(&mut self.found) {
            if *wanted == Some(name.name) && found.is_none() {
                *found = Some(name.ctx == Ctx::Load);
            }
        }
    }

    fn namespace(&mut self, _: &NSRef) {}
}

impl<const N: usize> Search<N> {
    fn done(&self) -> bool {
        self.wanted.iter().zip(&self.found).all(|(wanted, found)| wanted.is_none() || found.is_some())
    }

    fn stmts(&mut self, body: &[Stmt<'_>]) {
        for stmt in body {
            self.stmt(stmt);
            if self.done() {
                return;
            }
        }
    }

    fn stmt(&mut self, stmt: &Stmt<'_>) {
        match stmt {
            Stmt::Output(node) => walk_all(self, &node.nodes),
            Stmt::Extends(node) => walk(self, &node.template),
            Stmt::For(node) => {
                walk(self, &node.target);
                walk(self, &node.iter);
                self.stmts(&node.body);
                self.stmts(&node.else_);
                self.maybe(node.test.as_ref());
            }
            Stmt::If(node) => self.branch(node),
            Stmt::Macro(node) => self.function(&node.args, &node.defaults, &node.body),
            Stmt::CallBlock(node) => {
                walk(self, &node.call.node);
                walk_arguments(self, &node.call.arguments);
                self.function(&node.args, &node.defaults, &node.body);
            }
            Stmt::FilterBlock(node) => {
                self.stmts(&node.body);
                self.maybe(node.filter.node.as_ref());
                walk_arguments(self, &node.filter.arguments);
            }
            Stmt::With(node) => {
                walk_all(self, &node.targets);
                walk_all(self, &node.values);
                self.stmts(&node.body);
            }
            Stmt::Block(_) | Stmt::Continue(_) | Stmt::Break(_) => {}
            Stmt::Include(node) => walk(self, &node.template),
            Stmt::Import(node) => walk(self, &node.template),
            Stmt::FromImport(node) => walk(self, &node.template),
            Stmt::ExprStmt(node) => walk(self, &node.node),
            Stmt::Assign(node) => {
                walk(self, &node.target);
                walk(self, &node.node);
            }
            Stmt::AssignBlock(node) => {
                walk(self, &node.target);
                if let Some(filter) = &node.filter {
                    self.maybe(filter.node.as_ref());
                    walk_arguments(self, &filter.arguments);
                }
                self.stmts(&node.body);
            }
            Stmt::Scope(node) => self.stmts(&node.body),
            Stmt::OverlayScope(node) => {
                walk(self, &node.context);
                self.stmts(&node.body);
            }
            Stmt::EvalContextModifier(node) => node.options.iter().for_each(|o| walk(self, &o.value)),
            Stmt::ScopedEvalContextModifier(node) => {
                node.options.iter().for_each(|o| walk(self, &o.value));
                self.stmts(&node.body);
            }
        }
    }

    fn branch(&mut self, node: &If<'_>) {
        walk(self, &node.test);
        self.stmts(&node.body);
        for elif in &node.elif_ {
            self.branch(elif);
        }
        self.stmts(&node.else_);
    }

    fn function(&mut self, args: &[Name], defaults: &[Expr<'_>], body: &[Stmt<'_>]) {
        for arg in args {
            self.name(arg);
        }
        walk_all(self, defaults);
        self.stmts(body);
    }

    fn maybe(&mut self, expr: Option<&Expr<'_>>) {
        if let Some(expr) = expr {
            walk(self, expr);
        }
    }
}

/// Whether any block in `body`, however deep, is scoped.
pub(super) fn has_scoped_block(body: &[Stmt<'_>]) -> bool {
    body.iter().any(|stmt| match stmt {
        Stmt::Block(node) => node.scoped || has_scoped_block(&node.body),
        Stmt::For(node) => has_scoped_block(&node.body) || has_scoped_block(&node.else_),
        Stmt::If(node) => {
            has_scoped_block(&node.body)
                || node.elif_.iter().any(|elif| has_scoped_block(&elif.body))
                || has_scoped_block(&node.else_)
        }
        Stmt::Macro(node) => has_scoped_block(&node.body),
        Stmt::CallBlock(node) => has_scoped_block(&node.body),
        Stmt::FilterBlock(node) => has_scoped_block(&node.body),
        Stmt::With(node) => has_scoped_block(&node.body),
        Stmt::AssignBlock(node) => has_scoped_block(&node.body),
        Stmt::Scope(node) => has_scoped_block(&node.body),
        Stmt::OverlayScope(node) => has_scoped_block(&node.body),
        Stmt::ScopedEvalContextModifier(node) => has_scoped_block(&node.body),
        _ => false,
    })
}
