//! The tree seen as `jinja2.nodes` shows it: each node's class and fields, in Jinja2's order.
//!
//! In: any node. Out: [`NodeRef::class`], [`NodeRef::fields`], and the walk in the order of `find_all`. What
//! prints or searches trees is built on these two. Invariant: nothing here recurses, so depth costs no stack.

use std::borrow::Cow;

use crate::ast::{
    Arguments, Assign, AssignBlock, Ast, At, Binary, Block, Break, Call, CallBlock, Compare, Concat,
    CondExpr, Const, Constant, ContextReference, Continue, Data, DerivedContextReference, Dict,
    EnvironmentAttribute, EvalContextModifier, Expr, ExprStmt, Extends, ExtensionAttribute, Filter,
    FilterBlock, For, FromImport, Getattr, Getitem, If, Import, ImportName, ImportedName, Include,
    InternalName, Keyword, List, Macro, MarkSafe, MarkSafeIfAutoescape, NSRef, Name, Operand, Output,
    OverlayScope, Pair, Scope, ScopedEvalContextModifier, Slice, Stmt, Symbol, TemplateData, Test, Tuple,
    Unary, With,
};

/// Declares [`NodeRef`]: one variant a node struct.
macro_rules! node_refs {
    ($($variant:ident $($life:lifetime)?;)*) => {
        /// A node of any class.
        #[derive(Debug, Clone, Copy)]
        #[expect(missing_docs, reason = "each variant is documented at its struct")]
        pub enum NodeRef<'a, 's> {
            Template(&'a Ast<'s>),
            $($variant(&'a $variant$(<$life>)?),)*
        }

        impl NodeRef<'_, '_> {
            /// Where the node comes from.
            pub fn at(self) -> At {
                match self {
                    Self::Template(_) => At { line: 1, offset: 0 },
                    $(Self::$variant(node) => node.at,)*
                }
            }

            /// The name of its class in `jinja2.nodes`.
            pub fn class(self) -> &'static str {
                match self {
                    Self::Binary(node) => return node.op.class(),
                    Self::Unary(node) => return node.op.class(),
                    _ => {}
                }
                match self {
                    Self::Template(_) => "Template",
                    $(Self::$variant(_) => stringify!($variant),)*
                }
            }
        }
    };
}

node_refs! {
    Output 's; Extends 's; For 's; If 's; Macro 's; CallBlock 's; FilterBlock 's; With 's; Block 's; Include 's;
    Import 's; FromImport 's; ExprStmt 's; Assign 's; AssignBlock 's; Continue; Break; Scope 's; OverlayScope 's;
    EvalContextModifier 's; ScopedEvalContextModifier 's; Name; NSRef; Const 's; TemplateData; Tuple 's;
    List 's; Dict 's; Pair 's; Keyword 's; CondExpr 's; Filter 's; Test 's; Call 's; Getitem 's; Getattr 's;
    Slice 's; Concat 's; Compare 's; Operand 's; Binary 's; Unary 's; EnvironmentAttribute; ExtensionAttribute;
    ImportedName; InternalName; MarkSafe 's; MarkSafeIfAutoescape 's; ContextReference; DerivedContextReference;
}

/// The value of a field.
#[derive(Debug, Clone, Copy)]
pub enum Field<'a, 's> {
    /// A node, or `None`.
    Node(Option<NodeRef<'a, 's>>),
    /// A list of statements.
    Stmts(&'a [Stmt<'s>]),
    /// A list of expressions.
    Exprs(&'a [Expr<'s>]),
    /// The `elif`s of an `if`.
    Ifs(&'a [If<'s>]),
    /// Parameters.
    Names(&'a [Name]),
    /// Named arguments or options.
    Keywords(&'a [Keyword<'s>]),
    /// The items of a dict.
    Pairs(&'a [Pair<'s>]),
    /// The operands of a comparison.
    Operands(&'a [Operand<'s>]),
    /// What a `from` imports.
    Imports(&'a [ImportName]),
    /// A name.
    Symbol(Symbol),
    /// A text.
    Text(&'a str),
    /// A text of the template.
    Data(Data),
    /// A flag.
    Bool(bool),
    /// The value of a literal.
    Constant(&'a Constant<'s>),
}

/// A node's fields, name and value.
pub type Fields<'a, 's> = Vec<(&'static str, Field<'a, 's>)>;

impl<'a, 's> From<&'a Stmt<'s>> for NodeRef<'a, 's> {
    fn from(stmt: &'a Stmt<'s>) -> Self {
        macro_rules! arms {
            ($($variant:ident)*) => { match stmt { $(Stmt::$variant(node) => Self::$variant(node),)* } };
        }
        arms!(Output Extends For If Macro CallBlock FilterBlock With Block Include Import FromImport ExprStmt
            Assign AssignBlock Continue Break Scope OverlayScope EvalContextModifier ScopedEvalContextModifier)
    }
}

impl<'a, 's> From<&'a Expr<'s>> for NodeRef<'a, 's> {
    fn from(expr: &'a Expr<'s>) -> Self {
        macro_rules! arms {
            ($($variant:ident)*) => { match expr { $(Expr::$variant(node) => Self::$variant(node),)* } };
        }
        arms!(Name NSRef Const TemplateData Tuple List Dict CondExpr Filter Test Call Getitem Getattr Slice
            Concat Compare Binary Unary EnvironmentAttribute ExtensionAttribute ImportedName InternalName
            MarkSafe MarkSafeIfAutoescape ContextReference DerivedContextReference)
    }
}

fn node<'a, 's>(expr: &'a Expr<'s>) -> Field<'a, 's> {
    Field::Node(Some(expr.into()))
}

fn maybe<'a, 's>(expr: Option<&'a Expr<'s>>) -> Field<'a, 's> {
    Field::Node(expr.map(NodeRef::from))
}

fn arguments<'a, 's>(first: Fields<'a, 's>, arguments: &'a Arguments<'s>) -> Fields<'a, 's> {
    let mut fields = first;
    fields.extend([
        ("args", Field::Exprs(&arguments.args)),
        ("kwargs", Field::Keywords(&arguments.kwargs)),
        ("dyn_args", maybe(arguments.dyn_args.as_ref())),
        ("dyn_kwargs", maybe(arguments.dyn_kwargs.as_ref())),
    ]);
    fields
}

impl<'a, 's> NodeRef<'a, 's> {
    /// Its fields in Jinja2's order.
    pub fn fields(self) -> Fields<'a, 's> {
        match self {
            Self::Template(n) => vec![("body", Field::Stmts(&n.body))],
            Self::Output(n) => vec![("nodes", Field::Exprs(&n.nodes))],
            Self::Extends(n) => vec![("template", node(&n.template))],
            Self::For(n) => vec![
                ("target", node(&n.target)),
                ("iter", node(&n.iter)),
                ("body", Field::Stmts(&n.body)),
                ("else_", Field::Stmts(&n.else_)),
                ("test", maybe(n.test.as_ref())),
                ("recursive", Field::Bool(n.recursive)),
            ],
            Self::If(n) => vec![
                ("test", node(&n.test)),
                ("body", Field::Stmts(&n.body)),
                ("elif_", Field::Ifs(&n.elif_)),
                ("else_", Field::Stmts(&n.else_)),
            ],
            Self::Macro(n) => vec![
                ("name", Field::Symbol(n.name)),
                ("args", Field::Names(&n.args)),
                ("defaults", Field::Exprs(&n.defaults)),
                ("body", Field::Stmts(&n.body)),
            ],
            Self::CallBlock(n) => vec![
                ("call", Field::Node(Some(NodeRef::Call(&n.call)))),
                ("args", Field::Names(&n.args)),
                ("defaults", Field::Exprs(&n.defaults)),
                ("body", Field::Stmts(&n.body)),
            ],
            Self::FilterBlock(n) => vec![
                ("body", Field::Stmts(&n.body)),
                ("filter", Field::Node(Some(NodeRef::Filter(&n.filter)))),
            ],
            Self::With(n) => vec![
                ("targets", Field::Exprs(&n.targets)),
                ("values", Field::Exprs(&n.values)),
                ("body", Field::Stmts(&n.body)),
            ],
            Self::Block(n) => vec![
                ("name", Field::Symbol(n.name)),
                ("body", Field::Stmts(&n.body)),
                ("scoped", Field::Bool(n.scoped)),
                ("required", Field::Bool(n.required)),
            ],
            Self::Include(n) => vec![
                ("template", node(&n.template)),
                ("with_context", Field::Bool(n.with_context)),
                ("ignore_missing", Field::Bool(n.ignore_missing)),
            ],
            Self::Import(n) => vec![
                ("template", node(&n.template)),
                ("target", Field::Symbol(n.target)),
                ("with_context", Field::Bool(n.with_context)),
            ],
            Self::FromImport(n) => vec![
                ("template", node(&n.template)),
                ("names", Field::Imports(&n.names)),
                ("with_context", Field::Bool(n.with_context)),
            ],
            Self::ExprStmt(n) => vec![("node", node(&n.node))],
            Self::Assign(n) => vec![("target", node(&n.target)), ("node", node(&n.node))],
            Self::AssignBlock(n) => vec![
                ("target", node(&n.target)),
                ("filter", Field::Node(n.filter.as_deref().map(NodeRef::Filter))),
                ("body", Field::Stmts(&n.body)),
            ],
            Self::Continue(_)
            | Self::Break(_)
            | Self::ContextReference(_)
            | Self::DerivedContextReference(_) => Vec::new(),
            Self::Scope(n) => vec![("body", Field::Stmts(&n.body))],
            Self::OverlayScope(n) => vec![("context", node(&n.context)), ("body", Field::Stmts(&n.body))],
            Self::EvalContextModifier(n) => vec![("options", Field::Keywords(&n.options))],
            Self::ScopedEvalContextModifier(n) => {
                vec![("options", Field::Keywords(&n.options)), ("body", Field::Stmts(&n.body))]
            }
            _ => self.expression_fields(),
        }
    }

    fn expression_fields(self) -> Fields<'a, 's> {
        match self {
            Self::Name(n) => vec![("name", Field::Symbol(n.name)), ("ctx", Field::Text(n.ctx.as_str()))],
            Self::NSRef(n) => vec![("name", Field::Symbol(n.name)), ("attr", Field::Symbol(n.attr))],
            Self::Const(n) => vec![("value", Field::Constant(&n.value))],
            Self::TemplateData(n) => vec![("data", Field::Data(n.data))],
            Self::Tuple(n) => vec![("items", Field::Exprs(&n.items)), ("ctx", Field::Text(n.ctx.as_str()))],
            Self::List(n) => vec![("items", Field::Exprs(&n.items))],
            Self::Dict(n) => vec![("items", Field::Pairs(&n.items))],
            Self::Pair(n) => vec![("key", node(&n.key)), ("value", node(&n.value))],
            Self::Keyword(n) => vec![("key", Field::Symbol(n.key)), ("value", node(&n.value))],
            Self::CondExpr(n) => {
                vec![("test", node(&n.test)), ("expr1", node(&n.expr1)), ("expr2", maybe(n.expr2.as_ref()))]
            }
            Self::Filter(n) => arguments(
                vec![("node", maybe(n.node.as_ref())), ("name", Field::Symbol(n.name))],
                &n.arguments,
            ),
            Self::Test(n) => {
                arguments(vec![("node", node(&n.node)), ("name", Field::Symbol(n.name))], &n.arguments)
            }
            Self::Call(n) => arguments(vec![("node", node(&n.node))], &n.arguments),
            Self::Getitem(n) => {
                vec![("node", node(&n.node)), ("arg", node(&n.arg)), ("ctx", Field::Text(n.ctx.as_str()))]
            }
            Self::Getattr(n) => vec![
                ("node", node(&n.node)),
                ("attr", Field::Symbol(n.attr)),
                ("ctx", Field::Text(n.ctx.as_str())),
            ],
            Self::Slice(n) => vec![
                ("start", maybe(n.start.as_ref())),
                ("stop", maybe(n.stop.as_ref())),
                ("step", maybe(n.step.as_ref())),
            ],
            Self::Concat(n) => vec![("nodes", Field::Exprs(&n.nodes))],
            Self::Compare(n) => vec![("expr", node(&n.expr)), ("ops", Field::Operands(&n.ops))],
            Self::Operand(n) => vec![("op", Field::Text(n.op.as_str())), ("expr", node(&n.expr))],
            Self::Binary(n) => vec![("left", node(&n.left)), ("right", node(&n.right))],
            Self::Unary(n) => vec![("node", node(&n.node))],
            Self::EnvironmentAttribute(n) => vec![("name", Field::Symbol(n.name))],
            Self::ExtensionAttribute(n) => {
                vec![("identifier", Field::Symbol(n.identifier)), ("name", Field::Symbol(n.name))]
            }
            Self::ImportedName(n) => vec![("importname", Field::Symbol(n.importname))],
            Self::InternalName(n) => vec![("name", Field::Symbol(n.name))],
            Self::MarkSafe(n) => vec![("expr", node(&n.expr))],
            Self::MarkSafeIfAutoescape(n) => vec![("expr", node(&n.expr))],
            _ => Vec::new(),
        }
    }
}

impl<'a, 's> Field<'a, 's> {
    /// The nodes in it, in order.
    pub fn nodes(self) -> Vec<NodeRef<'a, 's>> {
        match self {
            Self::Node(node) => node.into_iter().collect(),
            Self::Stmts(list) => list.iter().map(NodeRef::from).collect(),
            Self::Exprs(list) => list.iter().map(NodeRef::from).collect(),
            Self::Ifs(list) => list.iter().map(NodeRef::If).collect(),
            Self::Names(list) => list.iter().map(NodeRef::Name).collect(),
            Self::Keywords(list) => list.iter().map(NodeRef::Keyword).collect(),
            Self::Pairs(list) => list.iter().map(NodeRef::Pair).collect(),
            Self::Operands(list) => list.iter().map(NodeRef::Operand).collect(),
            Self::Imports(_)
            | Self::Symbol(_)
            | Self::Text(_)
            | Self::Data(_)
            | Self::Bool(_)
            | Self::Constant(_) => Vec::new(),
        }
    }
}

/// All nodes below a template, in the order of `Template.find_all`.
pub struct Walk<'a, 's> {
    todo: Vec<NodeRef<'a, 's>>,
}

impl<'a, 's> Walk<'a, 's> {
    fn push_children(&mut self, node: NodeRef<'a, 's>) {
        let from = self.todo.len();
        for (_, field) in node.fields() {
            self.todo.extend(field.nodes());
        }
        self.todo[from..].reverse();
    }
}

impl<'a, 's> Iterator for Walk<'a, 's> {
    type Item = NodeRef<'a, 's>;

    fn next(&mut self) -> Option<Self::Item> {
        let node = self.todo.pop()?;
        self.push_children(node);
        Some(node)
    }
}

impl<'s> Ast<'s> {
    /// All nodes below the template, in the order of `find_all`.
    pub fn walk(&self) -> Walk<'_, 's> {
        let mut walk = Walk { todo: Vec::new() };
        walk.push_children(NodeRef::Template(self));
        walk
    }

    /// Class and line of every node, in the order of `find_all`; line 0 stands for `None`.
    pub fn linenos(&self) -> Vec<(&'static str, u32)> {
        self.walk().map(|node| (node.class(), node.at().line)).collect()
    }

    /// The templates that are extended, included or imported, as `meta.find_referenced_templates` gives them:
    /// `None` where the name is computed.
    pub fn referenced(&self) -> Vec<Option<Cow<'s, str>>> {
        let mut found = Vec::new();
        for node in self.walk() {
            let template = match node {
                NodeRef::Extends(node) => &node.template,
                NodeRef::Include(node) => &node.template,
                NodeRef::Import(node) => &node.template,
                NodeRef::FromImport(node) => &node.template,
                _ => continue,
            };
            let items = match template {
                Expr::Const(constant) => {
                    found.push(text_of(constant));
                    continue;
                }
                Expr::Tuple(tuple) => &tuple.items,
                Expr::List(list) => &list.items,
                _ => {
                    found.push(None);
                    continue;
                }
            };
            for item in items {
                match item {
                    Expr::Const(constant) => found.extend(text_of(constant).map(Some)),
                    _ => found.push(None),
                }
            }
        }
        found
    }
}

fn text_of<'s>(constant: &Const<'s>) -> Option<Cow<'s, str>> {
    match &constant.value {
        Constant::Str(text) => Some(text.clone()),
        _ => None,
    }
}
