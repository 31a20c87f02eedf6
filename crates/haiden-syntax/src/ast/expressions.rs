//! The classes of expressions and of their helpers.
//!
//! In: the parser builds them. Out: passes read them, by their names in [`crate::ast`]. Invariants: as there.

use std::borrow::Cow;

use num_bigint::BigInt;

use crate::ast::{At, Expr, Symbol};

/// What is done with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ctx {
    /// It is read.
    Load,
    /// It is bound.
    Store,
    /// It is bound as a parameter.
    Param,
}

/// A variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// Where.
    pub at: At,
    /// Its name.
    pub name: Symbol,
    /// What is done with it.
    pub ctx: Ctx,
}

/// `name.attr` as a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NSRef {
    /// Where.
    pub at: At,
    /// The namespace's name.
    pub name: Symbol,
    /// The attribute that is set.
    pub attr: Symbol,
}

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub struct Const<'s> {
    /// Where.
    pub at: At,
    /// Its value.
    pub value: Constant<'s>,
}

/// The value of a [`Const`].
#[derive(Debug, Clone, PartialEq)]
pub enum Constant<'s> {
    /// `none`
    None,
    /// `true`, `false`
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// One that does not.
    BigInt(Box<BigInt>),
    /// A float; `1e400` is infinite.
    Float(f64),
    /// A string, its escapes resolved.
    Str(Cow<'s, str>),
    /// An object of the host, by number (only trees that are made elsewhere have it).
    Object(u32),
}

/// Text of the template, white space control applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemplateData {
    /// Where.
    pub at: At,
    /// The text, never empty if the parser made it.
    pub data: Data,
}

/// A text of the template, among the [`Texts`] of its tree. It is a number, so that an expression stays two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Data(u32);

/// The texts of a tree, in the order in which they were met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts<'s>(Vec<Cow<'s, str>>);

impl<'s> Texts<'s> {
    /// Keeps a text.
    #[inline]
    pub fn push(&mut self, text: impl Into<Cow<'s, str>>) -> Data {
        // A source is below 4 GiB, and a text is at least a byte of it.
        let data = Data(self.0.len() as u32);
        self.0.push(text.into());
        data
    }

    /// The text; of another tree's, some text or none.
    #[inline]
    pub fn get(&self, data: Data) -> &str {
        self.0.get(data.0 as usize).map_or("", |text| text)
    }

    /// No texts, in the room that these take.
    pub fn emptied<'t>(mut self) -> Texts<'t> {
        self.0.clear();
        Texts(self.0.into_iter().map(|text| Cow::Owned(text.into_owned())).collect())
    }

    /// How many texts there is room for.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

/// `(a, b)`
#[derive(Debug, Clone, PartialEq)]
pub struct Tuple<'s> {
    /// Where.
    pub at: At,
    /// The items.
    pub items: Vec<Expr<'s>>,
    /// Whether it is a value or a target.
    pub ctx: Ctx,
}

/// `[a, b]`
#[derive(Debug, Clone, PartialEq)]
pub struct List<'s> {
    /// Where.
    pub at: At,
    /// The items.
    pub items: Vec<Expr<'s>>,
}

/// `{a: b}`
#[derive(Debug, Clone, PartialEq)]
pub struct Dict<'s> {
    /// Where.
    pub at: At,
    /// The items.
    pub items: Vec<Pair<'s>>,
}

/// `key: value` of a [`Dict`].
#[derive(Debug, Clone, PartialEq)]
pub struct Pair<'s> {
    /// Where.
    pub at: At,
    /// The key.
    pub key: Expr<'s>,
    /// The value.
    pub value: Expr<'s>,
}

/// `key=value` of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyword<'s> {
    /// Where.
    pub at: At,
    /// The argument's name.
    pub key: Symbol,
    /// The value.
    pub value: Expr<'s>,
}

/// `expr1 if test else expr2`
#[derive(Debug, Clone, PartialEq)]
pub struct CondExpr<'s> {
    /// Where.
    pub at: At,
    /// The condition.
    pub test: Expr<'s>,
    /// The value where it holds.
    pub expr1: Expr<'s>,
    /// The value where it does not: an undefined one if `None`.
    pub expr2: Option<Expr<'s>>,
}

/// The arguments of a call, a filter or a test.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arguments<'s> {
    /// Positional ones.
    pub args: Vec<Expr<'s>>,
    /// Named ones.
    pub kwargs: Vec<Keyword<'s>>,
    /// `*dyn_args`
    pub dyn_args: Option<Expr<'s>>,
    /// `**dyn_kwargs`
    pub dyn_kwargs: Option<Expr<'s>>,
}

/// `node|name(arguments)`
#[derive(Debug, Clone, PartialEq)]
pub struct Filter<'s> {
    /// Where.
    pub at: At,
    /// What is filtered; `None` stands for the body of the block around it.
    pub node: Option<Expr<'s>>,
    /// The filter's name, dots included.
    pub name: Symbol,
    /// Its arguments.
    pub arguments: Arguments<'s>,
}

/// `node is name(arguments)`
#[derive(Debug, Clone, PartialEq)]
pub struct Test<'s> {
    /// Where.
    pub at: At,
    /// What is tested.
    pub node: Expr<'s>,
    /// The test's name, dots included.
    pub name: Symbol,
    /// Its arguments.
    pub arguments: Arguments<'s>,
}

/// `node(arguments)`
#[derive(Debug, Clone, PartialEq)]
pub struct Call<'s> {
    /// Where.
    pub at: At,
    /// What is called.
    pub node: Expr<'s>,
    /// The arguments.
    pub arguments: Arguments<'s>,
}

/// `node[arg]`
#[derive(Debug, Clone, PartialEq)]
pub struct Getitem<'s> {
    /// Where.
    pub at: At,
    /// The container.
    pub node: Expr<'s>,
    /// The key.
    pub arg: Expr<'s>,
    /// Always [`Ctx::Load`] if the parser made it.
    pub ctx: Ctx,
}

/// `node.attr`
#[derive(Debug, Clone, PartialEq)]
pub struct Getattr<'s> {
    /// Where.
    pub at: At,
    /// The object.
    pub node: Expr<'s>,
    /// The attribute.
    pub attr: Symbol,
    /// Always [`Ctx::Load`] if the parser made it.
    pub ctx: Ctx,
}

/// `start:stop:step`
#[derive(Debug, Clone, PartialEq)]
pub struct Slice<'s> {
    /// Where.
    pub at: At,
    /// The first index.
    pub start: Option<Expr<'s>>,
    /// The index after the last one.
    pub stop: Option<Expr<'s>>,
    /// The step.
    pub step: Option<Expr<'s>>,
}

/// `a ~ b ~ c`
#[derive(Debug, Clone, PartialEq)]
pub struct Concat<'s> {
    /// Where.
    pub at: At,
    /// Two or more operands.
    pub nodes: Vec<Expr<'s>>,
}

/// `expr < a < b`
#[derive(Debug, Clone, PartialEq)]
pub struct Compare<'s> {
    /// Where; Jinja2's line is that of the token after it.
    pub at: At,
    /// The first operand.
    pub expr: Expr<'s>,
    /// The others, at least one.
    pub ops: Vec<Operand<'s>>,
}

/// An operator and its right operand.
#[derive(Debug, Clone, PartialEq)]
pub struct Operand<'s> {
    /// Where (Jinja2 gives it no line).
    pub at: At,
    /// The operator.
    pub op: CompareOp,
    /// The operand.
    pub expr: Expr<'s>,
}

/// The operators of a [`Compare`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `>`
    Gt,
    /// `>=`
    GtEq,
    /// `<`
    Lt,
    /// `<=`
    LtEq,
    /// `in`
    In,
    /// `not in`
    NotIn,
}

/// `left op right`
#[derive(Debug, Clone, PartialEq)]
pub struct Binary<'s> {
    /// Where: the line is Jinja2's, the offset the operator's.
    pub at: At,
    /// The operator, which names Jinja2's class.
    pub op: BinaryOp,
    /// The left operand.
    pub left: Expr<'s>,
    /// The right operand.
    pub right: Expr<'s>,
}

/// The operators of a [`Binary`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `//`
    FloorDiv,
    /// `%`
    Mod,
    /// `**`
    Pow,
    /// `and`
    And,
    /// `or`
    Or,
}

/// `op node`
#[derive(Debug, Clone, PartialEq)]
pub struct Unary<'s> {
    /// Where.
    pub at: At,
    /// The operator, which names Jinja2's class.
    pub op: UnaryOp,
    /// The operand.
    pub node: Expr<'s>,
}

/// The operators of a [`Unary`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `not`
    Not,
    /// `-`
    Neg,
    /// `+`
    Pos,
}

/// An attribute of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvironmentAttribute {
    /// Where.
    pub at: At,
    /// The attribute.
    pub name: Symbol,
}

/// An attribute of an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtensionAttribute {
    /// Where.
    pub at: At,
    /// The extension's identifier, such as `jinja2.ext.DebugExtension`.
    pub identifier: Symbol,
    /// The attribute.
    pub name: Symbol,
}

/// An object named by its import path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportedName {
    /// Where.
    pub at: At,
    /// The path, such as `html.escape`.
    pub importname: Symbol,
}

/// A name no template can spell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InternalName {
    /// Where.
    pub at: At,
    /// The name, such as `fi1`.
    pub name: Symbol,
}

/// Marks its value as safe.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkSafe<'s> {
    /// Where.
    pub at: At,
    /// The value.
    pub expr: Expr<'s>,
}

/// Marks its value as safe where autoescape is on.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkSafeIfAutoescape<'s> {
    /// Where.
    pub at: At,
    /// The value.
    pub expr: Expr<'s>,
}

/// The context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextReference {
    /// Where.
    pub at: At,
}

/// The context with the locals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DerivedContextReference {
    /// Where.
    pub at: At,
}

impl BinaryOp {
    /// The name of Jinja2's class.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Sub => "Sub",
            Self::Mul => "Mul",
            Self::Div => "Div",
            Self::FloorDiv => "FloorDiv",
            Self::Mod => "Mod",
            Self::Pow => "Pow",
            Self::And => "And",
            Self::Or => "Or",
        }
    }
}

impl UnaryOp {
    /// The name of Jinja2's class.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Not => "Not",
            Self::Neg => "Neg",
            Self::Pos => "Pos",
        }
    }
}

impl CompareOp {
    /// Jinja2's name of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Gt => "gt",
            Self::GtEq => "gteq",
            Self::Lt => "lt",
            Self::LtEq => "lteq",
            Self::In => "in",
            Self::NotIn => "notin",
        }
    }
}

impl Ctx {
    /// Jinja2's name of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Store => "store",
            Self::Param => "param",
        }
    }
}
