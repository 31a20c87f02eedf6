//! Analyses the frames, outer ones first.
//!
//! A queue holds the frames to do; each is visited to its end, without entering the frames inside it, which are
//! appended to the queue. Two branches of an `if` share a frame: what Jinja2 computes by copying and merging symbol
//! tables comes down to one rule, that a name whose first store lies in a branch starts with the outer value.

use std::collections::HashMap;

use haiden_bytecode::FunctionKind;
use haiden_syntax::ast::{
    AssignBlock, Ast, Block, CallBlock, Ctx, Expr, FilterBlock, For, If, Macro, NSRef, Name, Scope, Stmt,
    Symbol, With,
};

use super::mentions::{has_scoped_block, mentions};
use super::visit::{Visit, walk, walk_all, walk_arguments, walk_maybe};
use crate::tables::{Tables, fill};

use super::{Frame, FrameId, Function, FunctionId, Load, Role, Scopes, Variable, VariableId};

/// What a frame belongs to.
#[derive(Clone, Copy)]
enum Owner<'a, 's> {
    Root(&'a Ast<'s>),
    Block(&'a Block<'s>),
    LoopBody(&'a For<'s>),
    LoopTest(&'a For<'s>),
    LoopElse(&'a For<'s>),
    Macro(&'a Macro<'s>),
    CallBlock(&'a CallBlock<'s>),
    FilterBlock(&'a FilterBlock<'s>),
    With(&'a With<'s>),
    AssignBlock(&'a AssignBlock<'s>),
    Scope(&'a Scope<'s>),
    /// The body of an overlay scope.
    Body(&'a [Stmt<'s>]),
}

/// What the present frame knows of a name.
#[derive(Clone, Copy)]
pub(crate) enum Seen {
    Own(VariableId),
    Outer,
}

struct Analyzer<'t, 'a, 's> {
    scopes: &'t mut Scopes<'a, 's>,
    /// `captured` by variable; `seen` by symbol: the frame (plus 1) that has seen the name, and what it knows of it.
    tables: &'t mut Tables,
    todo: Vec<Owner<'a, 's>>,
    frame: FrameId,
    function: FunctionId,
    /// How many branches of `if`s are around.
    branches: u32,
}

/// Fills the scopes of a tree.
pub(super) fn analyze(scopes: &mut Scopes<'_, '_>, tables: &mut Tables) {
    let ast = scopes.ast;
    fill(&mut tables.seen, ast.symbols.len() + 1, (0, Seen::Outer));
    let mut analyzer = Analyzer {
        scopes,
        tables,
        todo: Vec::with_capacity(4),
        frame: FrameId(0),
        function: FunctionId(0),
        branches: 0,
    };
    analyzer.add(Owner::Root(ast), None, Some(FunctionKind::Root));
    let mut next = 0;
    while next < analyzer.todo.len() {
        analyzer.run(next);
        next += 1;
    }
    analyzer.finish();
}

impl<'a, 's> Analyzer<'_, 'a, 's> {
    /// Appends a frame; with a kind, one that starts a function.
    fn add(&mut self, owner: Owner<'a, 's>, parent: Option<FrameId>, kind: Option<FunctionKind>) -> FrameId {
        let frame = FrameId(self.todo.len() as u32);
        let outer = parent.map(|parent| self.scopes.frames[parent.index()]);
        let function = match (kind, outer) {
            (None, Some(outer)) => outer.function,
            (kind, _) => {
                let function = FunctionId(self.scopes.functions.len() as u32);
                self.scopes.functions.push(Function {
                    kind: kind.unwrap_or(FunctionKind::Root),
                    parent: outer.map(|outer| outer.function),
                    frame,
                    cells: 0,
                    mentions: [false; 3],
                });
                function
            }
        };
        self.scopes.frames.push(Frame {
            parent,
            function,
            level: outer.map_or(0, |outer| outer.level + 1),
            variables: (0, 0),
            first_child: 0,
        });
        self.todo.push(owner);
        frame
    }

    fn child(&mut self, owner: Owner<'a, 's>) {
        self.add(owner, Some(self.frame), None);
    }

    fn child_function(&mut self, owner: Owner<'a, 's>, kind: FunctionKind) {
        self.add(owner, Some(self.frame), Some(kind));
    }

    fn run(&mut self, index: usize) {
        self.frame = FrameId(index as u32);
        self.function = self.scopes.frames[index].function;
        let start = self.scopes.variables.len();
        self.scopes.frames[index].first_child = self.todo.len() as u32;
        self.visit_frame(self.todo[index]);
        let variables = &mut self.scopes.variables[start..];
        variables.sort_unstable_by_key(|variable| variable.name);
        self.scopes.frames[index].variables = (start as u32, self.scopes.variables.len() as u32);
        self.tables.captured.resize(self.scopes.variables.len(), false);
    }

    fn visit_frame(&mut self, owner: Owner<'a, 's>) {
        let specials = self.scopes.specials;
        match owner {
            Owner::Root(ast) => {
                let [uses_self] = mentions(&ast.body, [specials.self_]);
                self.special(uses_self, specials.self_, Role::SelfRef);
                self.stmts(&ast.body);
            }
            Owner::Block(node) => {
                let [uses_self, uses_super] = mentions(&node.body, [specials.self_, specials.super_]);
                self.special(uses_self, specials.self_, Role::SelfRef);
                self.special(uses_super, specials.super_, Role::Super);
                self.stmts(&node.body);
            }
            Owner::LoopBody(node) => {
                let extended = node.recursive
                    || mentions(&node.body, [specials.loop_])[0]
                    || has_scoped_block(&node.body)
                    || has_scoped_block(&node.else_);
                self.special(extended, Some(specials.loop_always), Role::Loop);
                self.targets(&node.target);
                self.stmts(&node.body);
            }
            Owner::LoopTest(node) => {
                self.targets(&node.target);
                walk_maybe(self, node.test.as_ref());
            }
            Owner::LoopElse(node) => self.stmts(&node.else_),
            Owner::Macro(node) => self.function(&node.args, &node.defaults, &node.body),
            Owner::CallBlock(node) => self.function(&node.args, &node.defaults, &node.body),
            Owner::FilterBlock(node) => {
                self.stmts(&node.body);
                walk_maybe(self, node.filter.node.as_ref());
                walk_arguments(self, &node.filter.arguments);
            }
            Owner::With(node) => {
                walk_all(self, &node.targets);
                self.stmts(&node.body);
            }
            Owner::AssignBlock(node) => {
                self.stmts(&node.body);
                if let Some(filter) = &node.filter {
                    // Jinja2 forgets these and fails where the body does not name them too.
                    walk_maybe(self, filter.node.as_ref());
                    walk_arguments(self, &filter.arguments);
                }
            }
            Owner::Scope(node) => self.stmts(&node.body),
            Owner::Body(body) => self.stmts(body),
        }
    }

    fn function(&mut self, args: &'a [Name], defaults: &'a [Expr<'s>], body: &'a [Stmt<'s>]) {
        let specials = self.scopes.specials;
        let wanted = [specials.caller, specials.kwargs, specials.varargs];
        let found = mentions(body, wanted);
        let function = &mut self.scopes.functions[self.function.index()];
        function.mentions = found;
        for (name, found) in wanted.into_iter().zip(found) {
            if let Some(name) = name.filter(|name| found && args.iter().all(|arg| arg.name != *name)) {
                self.parameter(name, Role::Plain);
            }
        }
        for arg in args {
            self.name(arg);
        }
        walk_all(self, defaults);
        self.stmts(body);
    }

    // ---- statements: stop at inner frames --------------------------------------------------------------------

    fn stmts(&mut self, body: &'a [Stmt<'s>]) {
        for stmt in body {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &'a Stmt<'s>) {
        match stmt {
            Stmt::Output(node) => walk_all(self, &node.nodes),
            Stmt::Extends(node) => walk(self, &node.template),
            Stmt::For(node) => self.for_loop(node),
            Stmt::If(node) => self.branch(node),
            Stmt::Macro(node) => {
                self.store(node.name);
                self.child_function(Owner::Macro(node), FunctionKind::Macro);
            }
            Stmt::CallBlock(node) => {
                walk(self, &node.call.node);
                walk_arguments(self, &node.call.arguments);
                self.child_function(Owner::CallBlock(node), FunctionKind::CallBlock);
            }
            Stmt::FilterBlock(node) => {
                walk_maybe(self, node.filter.node.as_ref());
                walk_arguments(self, &node.filter.arguments);
                self.child(Owner::FilterBlock(node));
            }
            Stmt::With(node) => {
                walk_all(self, &node.values);
                self.child(Owner::With(node));
            }
            Stmt::Block(node) => {
                if node.scoped {
                    self.locals();
                }
                self.block(node);
            }
            Stmt::Include(node) => {
                walk(self, &node.template);
                if node.with_context {
                    self.locals();
                }
            }
            Stmt::Import(node) => {
                walk(self, &node.template);
                self.store(node.target);
                if node.with_context {
                    self.locals();
                }
            }
            Stmt::FromImport(node) => {
                walk(self, &node.template);
                for import in &node.names {
                    self.store(import.alias.unwrap_or(import.name));
                }
                if node.with_context {
                    self.locals();
                }
            }
            Stmt::ExprStmt(node) => walk(self, &node.node),
            Stmt::Assign(node) => {
                walk(self, &node.node);
                walk(self, &node.target);
            }
            Stmt::AssignBlock(node) => {
                walk(self, &node.target);
                self.child(Owner::AssignBlock(node));
            }
            Stmt::Continue(_) | Stmt::Break(_) => {}
            Stmt::Scope(node) => self.child(Owner::Scope(node)),
            Stmt::OverlayScope(node) => {
                walk(self, &node.context);
                self.locals();
                // It sees no variable of the frames around it: they are in its context.
                self.add(Owner::Body(&node.body), None, Some(FunctionKind::Overlay));
            }
            Stmt::EvalContextModifier(node) => node.options.iter().for_each(|o| walk(self, &o.value)),
            Stmt::ScopedEvalContextModifier(node) => {
                node.options.iter().for_each(|o| walk(self, &o.value));
                self.stmts(&node.body);
            }
        }
    }

    fn for_loop(&mut self, node: &'a For<'s>) {
        walk(self, &node.iter);
        let outer = self.frame;
        let kind = node.recursive.then_some(FunctionKind::Loop);
        let body = self.add(Owner::LoopBody(node), Some(outer), kind);
        let function = self.scopes.frames[body.index()].function;
        if node.test.is_some() {
            let frame = self.add(Owner::LoopTest(node), Some(outer), None);
            self.scopes.frames[frame.index()].function = function;
        }
        if !node.else_.is_empty() {
            let frame = self.add(Owner::LoopElse(node), Some(outer), None);
            self.scopes.frames[frame.index()].function = function;
        }
    }

    fn branch(&mut self, node: &'a If<'s>) {
        walk(self, &node.test);
        self.branches += 1;
        self.stmts(&node.body);
        for elif in &node.elif_ {
            self.branch(elif);
        }
        self.stmts(&node.else_);
        self.branches -= 1;
    }

    fn block(&mut self, node: &'a Block<'s>) {
        // The frame is made when all others are done: a block is no child of the frame it stands in.
        self.scopes.blocks.push((node, FrameId(u32::MAX)));
    }

    /// Binds a loop's targets, which are parameters of its frame.
    fn targets(&mut self, target: &Expr<'_>) {
        match target {
            Expr::Name(node) => {
                self.note_loop(node);
                self.parameter(node.name, Role::Plain);
            }
            Expr::Tuple(node) => node.items.iter().for_each(|item| self.targets(item)),
            other => walk(self, other),
        }
    }

    fn note_loop(&mut self, node: &Name) {
        if Some(node.name) == self.scopes.specials.loop_ && node.ctx == Ctx::Store {
            self.scopes.loop_is_stored = true;
        }
    }

    // ---- names -----------------------------------------------------------------------------------------------

    fn special(&mut self, used: bool, name: Option<Symbol>, role: Role) {
        if let Some(name) = name.filter(|_| used) {
            self.parameter(name, role);
        }
    }

    fn seen(&self, name: Symbol) -> Option<Seen> {
        let (frame, seen) = self.tables.seen[name.index()];
        (frame == self.frame.0 + 1).then_some(seen)
    }

    fn remember(&mut self, name: Symbol, seen: Seen) {
        self.tables.seen[name.index()] = (self.frame.0 + 1, seen);
    }

    fn define(&mut self, name: Symbol, load: Load, stored: bool, role: Role) {
        let id = VariableId(self.scopes.variables.len() as u32);
        self.scopes.variables.push(Variable {
            name,
            load,
            stored,
            role,
            function: self.function,
            cell: None,
        });
        self.remember(name, Seen::Own(id));
    }

    fn parameter(&mut self, name: Symbol, role: Role) {
        if let Some(Seen::Own(id)) = self.seen(name) {
            let variable = &mut self.scopes.variables[id.index()];
            variable.load = Load::Parameter;
            variable.stored = true;
            return;
        }
        self.define(name, Load::Parameter, true, role);
    }

    fn store(&mut self, name: Symbol) {
        if let Some(Seen::Own(id)) = self.seen(name) {
            self.scopes.variables[id.index()].stored = true;
            return;
        }
        let load = match self.outer(name) {
            Some(outer) => {
                self.capture(outer);
                Load::Alias(outer)
            }
            None if self.branches > 0 => Load::Resolve,
            None => Load::Undefined,
        };
        self.define(name, load, true, Role::Plain);
    }

    fn load(&mut self, name: Symbol) {
        if self.seen(name).is_some() {
            return;
        }
        match self.outer(name) {
            Some(outer) => {
                self.capture(outer);
                self.remember(name, Seen::Outer);
            }
            None => self.define(name, Load::Resolve, false, Role::Plain),
        }
    }

    fn outer(&self, name: Symbol) -> Option<VariableId> {
        self.scopes.find(self.scopes.frames[self.frame.index()].parent?, name)
    }

    /// Notes that the present function uses a variable of an outer frame.
    fn capture(&mut self, id: VariableId) {
        let variable = &self.scopes.variables[id.index()];
        if variable.function != self.function && !variable.is_free() {
            self.tables.captured[id.index()] = true;
        }
    }

    fn finish(&mut self) {
        self.blocks();
        let mut cells = HashMap::new();
        for frame in &self.scopes.frames {
            for index in frame.variables.0..frame.variables.1 {
                let variable = &mut self.scopes.variables[index as usize];
                if !self.tables.captured[index as usize] {
                    continue;
                }
                // Frames side by side share the cells of their names, as they share the names in Python.
                let function = &mut self.scopes.functions[variable.function.index()];
                let cell =
                    *cells.entry((variable.function.0, frame.level, variable.name)).or_insert_with(|| {
                        function.cells += 1;
                        function.cells - 1
                    });
                variable.cell = Some(cell);
            }
        }
    }

    /// Analyses the blocks, and the blocks in them.
    fn blocks(&mut self) {
        let mut done = 0;
        while done < self.scopes.blocks.len() {
            let (node, _) = self.scopes.blocks[done];
            let next = self.todo.len();
            let frame = self.add(Owner::Block(node), None, Some(FunctionKind::Block));
            self.scopes.blocks[done].1 = frame;
            done += 1;
            let mut index = next;
            while index < self.todo.len() {
                self.run(index);
                index += 1;
            }
        }
        self.scopes.blocks.sort_by_key(|(node, _)| node.at.offset);
    }
}

impl Visit for Analyzer<'_, '_, '_> {
    fn name(&mut self, name: &Name) {
        match name.ctx {
            Ctx::Load => self.load(name.name),
            Ctx::Store => {
                self.note_loop(name);
                self.store(name.name);
            }
            Ctx::Param => self.parameter(name.name, Role::Plain),
        }
    }

    fn namespace(&mut self, name: &NSRef) {
        self.load(name.name);
    }

    /// All variables that are bound around here are read: those of outer functions are captured.
    fn locals(&mut self) {
        let mut next = self.scopes.frames[self.frame.index()].parent;
        while let Some(id) = next {
            let frame = self.scopes.frames[id.index()];
            if frame.function != self.function {
                for index in frame.variables.0..frame.variables.1 {
                    if self.scopes.variables[index as usize].stored {
                        self.tables.captured[index as usize] = true;
                    }
                }
            }
            next = frame.parent;
        }
    }
}
