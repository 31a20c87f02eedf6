//! The tree: the classes and fields of `jinja2.nodes`, as Rust types.
//!
//! What: one struct a node class, two enums ([`Stmt`], [`Expr`]) over them, names as [`Symbol`]s.
//! In: the parser (or a tree converted from Python) builds it. Out: the compiler reads it.
//! Invariants: the depth of a tree that the parser built is at most [`MAX_TREE_DEPTH`](crate::MAX_TREE_DEPTH)
//! for expressions plus [`MAX_NESTING`](crate::MAX_NESTING) statements around them, so recursion over it
//! (and dropping it) is bounded; text that needed no change borrows from the source.
//!
//! Differences from `jinja2.nodes`, each one a saving of variants and none of meaning: `Add`, `Sub`, `Mul`,
//! `Div`, `FloorDiv`, `Mod`, `Pow`, `And` and `Or` are one [`Binary`] with an operator, `Not`, `Neg` and `Pos`
//! one [`Unary`]; the four argument fields of `Call`, `Filter` and `Test` are one [`Arguments`].

mod expressions;

pub use self::expressions::*;
pub use crate::symbols::{Symbol, Symbols};

/// Where a node comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct At {
    /// Exactly Jinja2's `lineno` of this node; 0 stands for `None` (Jinja2 gives some helper nodes no line).
    pub line: u32,
    /// Byte offset into the source of the best place for a caret.
    pub offset: u32,
}

/// A whole template: `nodes.Template`.
#[derive(Debug, Clone, PartialEq)]
pub struct Ast<'s> {
    /// The statements of the template.
    pub body: Vec<Stmt<'s>>,
    /// The names that the tree's [`Symbol`]s stand for.
    pub symbols: Symbols,
    /// The texts that its [`TemplateData`] stands for.
    pub texts: Texts<'s>,
}

/// Statements.
#[derive(Debug, Clone, PartialEq)]
pub enum Stmt<'s> {
    /// Text and printed expressions.
    Output(Output<'s>),
    /// `{% extends %}`
    Extends(Box<Extends<'s>>),
    /// `{% for %}`
    For(Box<For<'s>>),
    /// `{% if %}`
    If(Box<If<'s>>),
    /// `{% macro %}`
    Macro(Box<Macro<'s>>),
    /// `{% call %}`
    CallBlock(Box<CallBlock<'s>>),
    /// `{% filter %}`
    FilterBlock(Box<FilterBlock<'s>>),
    /// `{% with %}`
    With(Box<With<'s>>),
    /// `{% block %}`
    Block(Box<Block<'s>>),
    /// `{% include %}`
    Include(Box<Include<'s>>),
    /// `{% import %}`
    Import(Box<Import<'s>>),
    /// `{% from … import %}`
    FromImport(Box<FromImport<'s>>),
    /// `{% do %}`
    ExprStmt(Box<ExprStmt<'s>>),
    /// `{% set a = … %}`
    Assign(Box<Assign<'s>>),
    /// `{% set a %}…{% endset %}`
    AssignBlock(Box<AssignBlock<'s>>),
    /// `{% continue %}`
    Continue(Continue),
    /// `{% break %}`
    Break(Break),
    /// An artificial scope.
    Scope(Box<Scope<'s>>),
    /// A scope whose names come from a mapping (only extensions make it).
    OverlayScope(Box<OverlayScope<'s>>),
    /// Changes the evaluation context from here on (only extensions make it).
    EvalContextModifier(Box<EvalContextModifier<'s>>),
    /// Changes the evaluation context for its body: `{% autoescape %}` is one in a [`Scope`].
    ScopedEvalContextModifier(Box<ScopedEvalContextModifier<'s>>),
}

/// Expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr<'s> {
    /// A variable, read or bound.
    Name(Name),
    /// `ns.attr` as the target of an assignment.
    NSRef(Box<NSRef>),
    /// A literal.
    Const(Box<Const<'s>>),
    /// Text of the template.
    TemplateData(TemplateData),
    /// `(a, b)`
    Tuple(Box<Tuple<'s>>),
    /// `[a, b]`
    List(Box<List<'s>>),
    /// `{a: b}`
    Dict(Box<Dict<'s>>),
    /// `a if b else c`
    CondExpr(Box<CondExpr<'s>>),
    /// `a|f`
    Filter(Box<Filter<'s>>),
    /// `a is t`
    Test(Box<Test<'s>>),
    /// `f(a)`
    Call(Box<Call<'s>>),
    /// `a[b]` and `a.0`
    Getitem(Box<Getitem<'s>>),
    /// `a.b`
    Getattr(Box<Getattr<'s>>),
    /// `a:b:c` in a subscript
    Slice(Box<Slice<'s>>),
    /// `a ~ b ~ c`, flat
    Concat(Box<Concat<'s>>),
    /// `a < b < c`, flat
    Compare(Box<Compare<'s>>),
    /// `a + b` and its eight sisters
    Binary(Box<Binary<'s>>),
    /// `not a`, `-a`, `+a`
    Unary(Box<Unary<'s>>),
    /// An attribute of the environment (only extensions make it).
    EnvironmentAttribute(Box<EnvironmentAttribute>),
    /// An attribute of an extension: `{% debug %}` calls one.
    ExtensionAttribute(Box<ExtensionAttribute>),
    /// An object named by its import path (only extensions make it).
    ImportedName(Box<ImportedName>),
    /// A name no template can spell (only extensions make it).
    InternalName(Box<InternalName>),
    /// Marks its value as safe (only extensions make it).
    MarkSafe(Box<MarkSafe<'s>>),
    /// Marks its value as safe where autoescape is on: `{% trans %}` makes it.
    MarkSafeIfAutoescape(Box<MarkSafeIfAutoescape<'s>>),
    /// The context: `{% debug %}` passes it.
    ContextReference(ContextReference),
    /// The context with the locals (only extensions make it).
    DerivedContextReference(DerivedContextReference),
}

/// A template's text and printed expressions, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Output<'s> {
    /// Where.
    pub at: At,
    /// What is written.
    pub nodes: Vec<Expr<'s>>,
}

/// `{% extends template %}`
#[derive(Debug, Clone, PartialEq)]
pub struct Extends<'s> {
    /// Where.
    pub at: At,
    /// The parent: a name or a template object.
    pub template: Expr<'s>,
}

/// `{% for target in iter if test recursive %}body{% else %}else_{% endfor %}`
#[derive(Debug, Clone, PartialEq)]
pub struct For<'s> {
    /// Where.
    pub at: At,
    /// A [`Name`] or [`Tuple`] of targets, [`Ctx::Store`].
    pub target: Expr<'s>,
    /// What is iterated.
    pub iter: Expr<'s>,
    /// The loop's body.
    pub body: Vec<Stmt<'s>>,
    /// What runs where no iteration reached its end.
    pub else_: Vec<Stmt<'s>>,
    /// The filter of the loop.
    pub test: Option<Expr<'s>>,
    /// Whether `loop(…)` may be called.
    pub recursive: bool,
}

/// `{% if test %}body{% elif … %}{% else %}else_{% endif %}`
#[derive(Debug, Clone, PartialEq)]
pub struct If<'s> {
    /// Where; the line of an `elif` is the line of its condition's first token.
    pub at: At,
    /// The condition.
    pub test: Expr<'s>,
    /// What runs where it holds.
    pub body: Vec<Stmt<'s>>,
    /// The `elif`s in order; their own `elif_` and `else_` are empty.
    pub elif_: Vec<If<'s>>,
    /// What runs where none held.
    pub else_: Vec<Stmt<'s>>,
}

/// `{% macro name(args, defaults) %}body{% endmacro %}`
#[derive(Debug, Clone, PartialEq)]
pub struct Macro<'s> {
    /// Where.
    pub at: At,
    /// Its name.
    pub name: Symbol,
    /// The parameters, [`Ctx::Param`].
    pub args: Vec<Name>,
    /// The defaults of the last `defaults.len()` parameters.
    pub defaults: Vec<Expr<'s>>,
    /// Its body.
    pub body: Vec<Stmt<'s>>,
}

/// `{% call(args) call %}body{% endcall %}`
#[derive(Debug, Clone, PartialEq)]
pub struct CallBlock<'s> {
    /// Where.
    pub at: At,
    /// The call that gets the body as `caller`.
    pub call: Box<Call<'s>>,
    /// The caller's parameters, [`Ctx::Param`].
    pub args: Vec<Name>,
    /// The defaults of the last `defaults.len()` parameters.
    pub defaults: Vec<Expr<'s>>,
    /// The caller's body.
    pub body: Vec<Stmt<'s>>,
}

/// `{% filter filter %}body{% endfilter %}`
#[derive(Debug, Clone, PartialEq)]
pub struct FilterBlock<'s> {
    /// Where.
    pub at: At,
    /// What is filtered.
    pub body: Vec<Stmt<'s>>,
    /// The filter; the innermost one's `node` is `None`.
    pub filter: Box<Filter<'s>>,
}

/// `{% with targets = values %}body{% endwith %}`
#[derive(Debug, Clone, PartialEq)]
pub struct With<'s> {
    /// Where.
    pub at: At,
    /// The targets, [`Ctx::Param`].
    pub targets: Vec<Expr<'s>>,
    /// As many values, evaluated outside.
    pub values: Vec<Expr<'s>>,
    /// The body.
    pub body: Vec<Stmt<'s>>,
}

/// `{% block name scoped required %}body{% endblock %}`
#[derive(Debug, Clone, PartialEq)]
pub struct Block<'s> {
    /// Where.
    pub at: At,
    /// Its name.
    pub name: Symbol,
    /// The body.
    pub body: Vec<Stmt<'s>>,
    /// Whether it sees the locals around it.
    pub scoped: bool,
    /// Whether a child must override it.
    pub required: bool,
}

/// `{% include template ignore missing with context %}`
#[derive(Debug, Clone, PartialEq)]
pub struct Include<'s> {
    /// Where.
    pub at: At,
    /// A name, a template object or several of them.
    pub template: Expr<'s>,
    /// Whether it sees this context.
    pub with_context: bool,
    /// Whether nothing is written if there is no such template.
    pub ignore_missing: bool,
}

/// `{% import template as target with context %}`
#[derive(Debug, Clone, PartialEq)]
pub struct Import<'s> {
    /// Where.
    pub at: At,
    /// A name or a template object.
    pub template: Expr<'s>,
    /// The name the module is bound to.
    pub target: Symbol,
    /// Whether it sees this context.
    pub with_context: bool,
}

/// `{% from template import names with context %}`
#[derive(Debug, Clone, PartialEq)]
pub struct FromImport<'s> {
    /// Where.
    pub at: At,
    /// A name or a template object.
    pub template: Expr<'s>,
    /// What is imported.
    pub names: Vec<ImportName>,
    /// Whether it sees this context.
    pub with_context: bool,
}

/// `name as alias` of a [`FromImport`] (a string or a pair of strings in `jinja2.nodes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportName {
    /// Where.
    pub at: At,
    /// The exported name.
    pub name: Symbol,
    /// The name it is bound to, if another one was given.
    pub alias: Option<Symbol>,
}

/// `{% do node %}`
#[derive(Debug, Clone, PartialEq)]
pub struct ExprStmt<'s> {
    /// Where.
    pub at: At,
    /// What is evaluated and dropped.
    pub node: Expr<'s>,
}

/// `{% set target = node %}`
#[derive(Debug, Clone, PartialEq)]
pub struct Assign<'s> {
    /// Where.
    pub at: At,
    /// A [`Name`], [`NSRef`] or [`Tuple`] of them, [`Ctx::Store`].
    pub target: Expr<'s>,
    /// The value.
    pub node: Expr<'s>,
}

/// `{% set target|filter %}body{% endset %}`
#[derive(Debug, Clone, PartialEq)]
pub struct AssignBlock<'s> {
    /// Where.
    pub at: At,
    /// A [`Name`], [`NSRef`] or [`Tuple`] of them, [`Ctx::Store`].
    pub target: Expr<'s>,
    /// The filters; the innermost one's `node` is `None`.
    pub filter: Option<Box<Filter<'s>>>,
    /// What is captured.
    pub body: Vec<Stmt<'s>>,
}

/// `{% continue %}`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continue {
    /// Where.
    pub at: At,
}

/// `{% break %}`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    /// Where.
    pub at: At,
}

/// An artificial scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope<'s> {
    /// Where (Jinja2 gives it no line).
    pub at: At,
    /// The body.
    pub body: Vec<Stmt<'s>>,
}

/// A scope whose names come from a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct OverlayScope<'s> {
    /// Where.
    pub at: At,
    /// Evaluates to the mapping.
    pub context: Expr<'s>,
    /// The body.
    pub body: Vec<Stmt<'s>>,
}

/// Changes options of the evaluation context from here on.
#[derive(Debug, Clone, PartialEq)]
pub struct EvalContextModifier<'s> {
    /// Where.
    pub at: At,
    /// The options, such as `autoescape`.
    pub options: Vec<Keyword<'s>>,
}

/// Changes options of the evaluation context for its body.
#[derive(Debug, Clone, PartialEq)]
pub struct ScopedEvalContextModifier<'s> {
    /// Where.
    pub at: At,
    /// The options, such as `autoescape`.
    pub options: Vec<Keyword<'s>>,
    /// The body.
    pub body: Vec<Stmt<'s>>,
}

/// `at` of whichever node it is: every variant holds a struct with that field.
macro_rules! at_of {
    ($value:expr, $kind:ident: $($variant:ident)*) => {
        match $value {
            $($kind::$variant(node) => node.at,)*
        }
    };
}

impl Stmt<'_> {
    /// Where it comes from.
    pub fn at(&self) -> At {
        at_of!(self, Stmt: Output Extends For If Macro CallBlock FilterBlock With Block Include Import
            FromImport ExprStmt Assign AssignBlock Continue Break Scope OverlayScope EvalContextModifier
            ScopedEvalContextModifier)
    }
}

impl Expr<'_> {
    /// Where it comes from.
    pub fn at(&self) -> At {
        at_of!(self, Expr: Name NSRef Const TemplateData Tuple List Dict CondExpr Filter Test Call Getitem
            Getattr Slice Concat Compare Binary Unary EnvironmentAttribute ExtensionAttribute ImportedName
            InternalName MarkSafe MarkSafeIfAutoescape ContextReference DerivedContextReference)
    }
}
