//! The tree between scopes and code: names are places, statements are flat runs per function.
//!
//! In: `build` makes it. Out: `lower` reads it. Expressions lie in one array in post-order (operands before
//! operators), so a pass over them is a loop and no recursion. Invariant: an expression stands for one evaluation, at
//! the one place that refers to it.

mod print;

use std::borrow::Cow;
use std::mem::take;
use std::ops::Range;

use haiden_bytecode::{Escape, FunctionKind, LoopField};
use haiden_syntax::ast::{At, CompareOp, Symbol, Symbols};
use num_bigint::BigInt;

use crate::tables::Tables;

/// An expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExprId(pub(crate) u32);

impl ExprId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A run of `Ir::lists`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct List {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

impl List {
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..(self.start + self.len) as usize
    }
}

/// Arguments in the order of evaluation: positional, named, `*`, `**`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Args {
    /// All of them.
    pub values: List,
    /// How many are positional.
    pub positional: u32,
    /// The names of the named ones: a run of `Ir::keywords`.
    pub keywords: List,
    /// One is `*args`.
    pub star: bool,
    /// One is `**kwargs`.
    pub star_star: bool,
    /// Variables that a function sees that asks for the context: what the loop or block around the call has set.
    pub seen: Option<u32>,
}

/// An operator on two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the operators' own names")]
pub enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
}

/// A place that holds a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A register of the function, counted from the first local.
    Local(u32),
    /// A cell, so many blocks of cells outwards.
    Cell {
        /// How many blocks outwards.
        hops: u32,
        /// Which cell.
        cell: u32,
    },
}

/// An expression's kind and operands.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names of the tree's classes")]
pub enum Expr<'a> {
    None,
    Bool(bool),
    Int(i64),
    BigInt(&'a BigInt),
    Float(f64),
    Str(Cow<'a, str>),
    /// Template text as a value: safe as the flag says.
    Markup(Cow<'a, str>, Escape),
    Tuple(List),
    List(List),
    /// Keys and values in turn.
    Dict(List),
    /// A variable. `check`: it may be missing here.
    Variable {
        place: Place,
        name: Symbol,
        check: bool,
    },
    /// A name of the context.
    Free(u32),
    /// The loop object of a loop slot.
    LoopObject(u32),
    LoopIndex(u32),
    LoopIndex0(u32),
    LoopFirst(u32),
    LoopLast(u32),
    LoopGet(u32, LoopField),
    LoopCycle(u32, List),
    LoopChanged(u32, List),
    /// `loop(…)` of the function's own recursive loop.
    Recurse(ExprId),
    SelfRef,
    Super,
    /// The text that the block around a filter has captured.
    Captured(Escape),
    Attr {
        object: ExprId,
        name: Symbol,
    },
    Item {
        object: ExprId,
        key: ExprId,
    },
    Slice {
        object: ExprId,
        parts: List,
    },
    Call {
        callee: ExprId,
        args: Args,
    },
    Filter {
        value: ExprId,
        name: Symbol,
        args: Args,
        hard: bool,
    },
    Test {
        value: ExprId,
        name: Symbol,
        args: Args,
        hard: bool,
    },
    Macro(u32),
    Cond {
        test: ExprId,
        then: ExprId,
        otherwise: Option<ExprId>,
    },
    And(ExprId, ExprId),
    Or(ExprId, ExprId),
    Not(ExprId),
    Neg(ExprId),
    Pos(ExprId),
    Binary {
        op: Operator,
        left: ExprId,
        right: ExprId,
    },
    /// The first operand and the others.
    Compare {
        first: ExprId,
        ops: List,
        operators: u32,
    },
    /// Parts, and how they are joined: as text if all guards hold.
    Concat(List, Escape, List),
    /// Does Jinja2 call the filter of this name while it compiles?
    Folds(Symbol),
    MarkSafe(ExprId, Escape),
    Context {
        locals: Option<u32>,
    },
    /// What the host knows by this path.
    Outside(Cow<'a, str>),
}

/// What a value is bound to.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A variable.
    Place(Place),
    /// An attribute of a namespace.
    Attr(ExprId, Symbol),
    /// The items of the value, one by one.
    Tuple(Vec<Target>),
}

/// What happens to variables when a frame is entered.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// The variable becomes missing.
    Missing(Place),
    /// The variable takes the context's value of its name.
    Resolve(Place, Symbol),
    /// The variable takes this value.
    Value(Place, ExprId),
}

/// A loop.
#[derive(Clone, Debug, PartialEq)]
pub struct For<'a> {
    /// Its slot in the function.
    pub slot: u32,
    /// What is iterated; `None` in the function of a recursive loop: register 0.
    pub iter: Option<ExprId>,
    /// What each item is bound to.
    pub target: Target,
    /// The filter.
    pub test: Option<ExprId>,
    /// How the filter finds the items that pass.
    pub ahead: Ahead,
    /// Bits of [`loop_flags`](haiden_bytecode::loop_flags).
    pub flags: u32,
    /// The body leaves by `break` or `continue` somewhere.
    pub leaves: bool,
    /// Cells that the loop object goes to.
    pub object: Option<Place>,
    /// The body.
    pub body: Vec<Stmt<'a>>,
    /// What runs when no iteration reached the end of the body.
    pub otherwise: Vec<Stmt<'a>>,
    /// Names of the context that the loop reads: looked up before it starts.
    pub hoist: Vec<u32>,
}

/// How a loop's filter finds the items that pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Ahead {
    /// One at a time, before the body: nothing looks ahead, or there is no filter.
    No,
    /// The next one when it is asked for. The filter has targets of its own, since the body's still hold the present item.
    Lazy(Target),
    /// All of them before the loop starts: `loop` is a value, which anything may ask for what is ahead.
    Eager,
}

/// One entry of the table of local variables: name and value.
pub type Local = (Symbol, ExprId);

/// A statement with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt<'a> {
    /// Where it comes from.
    pub at: At,
    /// What it does.
    pub kind: StmtKind<'a>,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are what the variant says")]
pub enum StmtKind<'a> {
    /// Write this text.
    Text(&'a str),
    /// Write a value; `folded` is how it is escaped if it turns out to be constant. `constant`: Jinja2 knows it already.
    Emit {
        value: ExprId,
        escape: Escape,
        folded: Escape,
        constant: bool,
    },
    /// Write a value that is text already, as it is.
    EmitText(ExprId),
    /// Only while the template has no parent.
    Unextended(Vec<Stmt<'a>>),
    /// Evaluate and drop.
    Eval(ExprId),
    /// An error if the value is no namespace.
    CheckNamespace(ExprId),
    /// Bind a value.
    Set {
        target: Target,
        value: ExprId,
    },
    /// Capture the body; the value refers to what was captured.
    Capture {
        body: Vec<Stmt<'a>>,
        then: Box<Stmt<'a>>,
    },
    /// Publish a variable.
    Export {
        mode: u8,
        place: Place,
        name: Symbol,
    },
    /// A frame begins.
    Enter(Vec<Entry>),
    /// `if`, `elif`…, `else`.
    If {
        arms: Vec<(ExprId, Vec<Stmt<'a>>)>,
        otherwise: Vec<Stmt<'a>>,
    },
    For(Box<For<'a>>),
    /// Run a recursive loop's function.
    EnterLoop {
        iter: ExprId,
        function: u32,
    },
    Break,
    Continue,
    /// Run the default of a macro's parameter if it was not given.
    Default {
        local: u32,
        name: Symbol,
        value: Option<ExprId>,
        cell: Option<Place>,
    },
    CallBlock {
        name: Symbol,
        locals: Option<u32>,
    },
    Extends(ExprId),
    Include {
        template: ExprId,
        flags: u8,
        locals: Option<u32>,
    },
    Import {
        template: ExprId,
        flags: u8,
        locals: Option<u32>,
        target: Place,
    },
    FromImport {
        template: ExprId,
        flags: u8,
        locals: Option<u32>,
        names: Vec<(At, Symbol, Place)>,
    },
    /// Run the body with another autoescape.
    Autoescape {
        value: ExprId,
        body: Vec<Stmt<'a>>,
    },
    /// Change autoescape from here on.
    SetAutoescape(ExprId),
    /// Run a function with the items of a mapping as variables.
    Overlay {
        variables: ExprId,
        locals: u32,
        function: u32,
    },
}

/// A function to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Function<'a> {
    /// What it is.
    pub kind: FunctionKind,
    /// Flags as in the image.
    pub flags: u8,
    /// Its name.
    pub name: Option<Symbol>,
    /// Its parameters.
    pub parameters: Vec<Symbol>,
    /// How many registers its variables take.
    pub locals: u32,
    /// How many loop slots.
    pub loops: u32,
    /// How many cells.
    pub cells: u32,
    /// The names of the context it reads, and how often each.
    pub free: Vec<Free>,
    /// Its statements.
    pub body: Vec<Stmt<'a>>,
    /// Where it is defined.
    pub at: At,
}

/// A name of the context that a function reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    /// The name.
    pub name: Symbol,
    /// Whether it is read more than once, so that it is worth a register.
    pub shared: bool,
}

/// A block that the template defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its name.
    pub name: Symbol,
    /// Its function.
    pub function: u32,
    /// It must be overridden.
    pub required: bool,
}

/// A filter or a test that the template names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) name: Symbol,
    pub(crate) is_filter: bool,
    pub(crate) hard: bool,
    pub(crate) at: At,
}

/// A template in names that are places.
#[derive(Clone, Debug)]
pub struct Ir<'a> {
    pub(crate) exprs: Vec<Expr<'a>>,
    pub(crate) ats: Vec<At>,
    /// The line where an error in each expression is said to be.
    pub(crate) marks: Vec<u32>,
    /// The filters and tests in the order in which Jinja2's code generator meets them: it objects to the first unknown one.
    pub(crate) references: Vec<Asked>,
    pub(crate) lists: Vec<ExprId>,
    pub(crate) keywords: Vec<Symbol>,
    /// The operators of comparisons; `Expr::Compare` says where its own start.
    pub(crate) operators: Vec<CompareOp>,
    pub(crate) locals: Vec<Vec<Local>>,
    pub(crate) functions: Vec<Function<'a>>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) symbols: &'a Symbols,
    /// Autoescape is unknown somewhere: constants must be folded, since Jinja2 escapes them by the static flag.
    pub(crate) volatile: bool,
}

impl<'a> Ir<'a> {
    /// A tree without anything, in tables that were used before.
    pub(crate) fn new(symbols: &'a Symbols, tables: &mut Tables) -> Ir<'a> {
        Ir {
            exprs: tables.take_exprs(),
            ats: take(&mut tables.ats),
            marks: take(&mut tables.marked),
            references: take(&mut tables.asked),
            lists: take(&mut tables.lists),
            keywords: take(&mut tables.keywords),
            operators: take(&mut tables.operators),
            locals: Vec::new(),
            functions: Vec::with_capacity(1),
            blocks: Vec::new(),
            symbols,
            volatile: false,
        }
    }

    /// Where an error in an expression is said to be: on the line that Jinja2 marks, at the expression's own offset.
    pub(crate) fn place(&self, id: ExprId) -> At {
        At { line: self.marks[id.index()], offset: self.ats[id.index()].offset }
    }

    /// Gives the tables back for the next compile.
    pub(crate) fn give_back(self, tables: &mut Tables) {
        tables.give_exprs(self.exprs);
        tables.ats = self.ats;
        tables.marked = self.marks;
        tables.asked = self.references;
        tables.lists = self.lists;
        tables.keywords = self.keywords;
        tables.operators = self.operators;
        tables.root_free = self.functions.into_iter().next().map(|root| root.free).unwrap_or_default();
    }

    /// The functions; 0 is the root.
    pub fn functions(&self) -> &[Function<'a>] {
        &self.functions
    }
    /// The blocks.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }
    /// An expression.
    pub fn expr(&self, id: ExprId) -> &Expr<'a> {
        &self.exprs[id.index()]
    }
    /// The expressions of a list.
    pub fn list(&self, list: List) -> &[ExprId] {
        &self.lists[list.range()]
    }
    /// The text of a symbol.
    pub(crate) fn text(&self, symbol: Symbol) -> &'a str {
        match symbol.index().checked_sub(self.symbols.len()) {
            None => self.symbols.name(symbol),
            Some(0) => "loop",
            Some(_) => "caller",
        }
    }
}

/// A name as Python's `repr` shows it.
pub(crate) fn quoted(name: &str) -> String {
    let quote = if name.contains('\'') && !name.contains('"') { '"' } else { '\'' };
    let mut text = String::with_capacity(name.len() + 2);
    text.push(quote);
    for character in name.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c == quote => text.extend(['\\', c]),
            c => text.push(c),
        }
    }
    text.push(quote);
    text
}
