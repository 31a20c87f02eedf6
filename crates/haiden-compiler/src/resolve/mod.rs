//! Resolve: in which place does each name live?
//!
//! In: the tree. Out: [`Scopes`], a side table: the frames of the template (Jinja2's `Symbols`), the variables of
//! each, how each variable starts, and which of them are shared with inner functions and so live in cells. Jinja2's
//! `idtracking` is the law: a frame is analysed as a whole before the frames inside it.
//!
//! Invariants: the frames inside a frame are numbered one after another, in the order in which the tree shows them (a
//! loop has its body, then its filter if it has one, then its `else` if it has one). Variables of a frame are one
//! run, ordered by symbol. A name that has no variable is looked up in the context.

mod analyze;
mod mentions;
mod print;
mod visit;

use std::mem::take;

use haiden_bytecode::FunctionKind;
use haiden_syntax::Key;
use haiden_syntax::ast::{Ast, Block, Symbol, Symbols};

use crate::tables::Tables;
pub(crate) use analyze::Seen;

/// A frame: a run of statements that share variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FrameId(pub(crate) u32);

/// A function of the image to be: root, block, macro, call block, recursive loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FunctionId(pub(crate) u32);

/// A variable of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VariableId(pub(crate) u32);

impl FrameId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}
impl FunctionId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}
impl VariableId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a variable starts when its frame is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// It is there already: a parameter, a loop's target, a special name.
    Parameter,
    /// With the context's value of its name.
    Resolve,
    /// With the value of this variable of an outer frame.
    Alias(VariableId),
    /// Missing.
    Undefined,
}

/// What a variable is beyond a place for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nothing else.
    Plain,
    /// The `loop` of the frame's loop.
    Loop,
    /// `self`
    SelfRef,
    /// `super`
    Super,
}

/// A variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: Symbol,
    /// How it starts.
    pub load: Load,
    /// Whether the frame binds it; if not, it only stands for the context's value.
    pub stored: bool,
    /// What it is.
    pub role: Role,
    /// The function whose frame has it.
    pub function: FunctionId,
    /// The cell of that function it lives in, if an inner function uses it.
    pub cell: Option<u32>,
}

impl Variable {
    /// Whether it only stands for the context's value of its name.
    pub fn is_free(&self) -> bool {
        self.load == Load::Resolve && !self.stored
    }
}

/// A frame's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The frame around it; `None` for the root and for blocks.
    pub parent: Option<FrameId>,
    /// The function it is part of.
    pub function: FunctionId,
    /// How deep it lies below the root or the block.
    pub level: u32,
    /// Its variables.
    pub(crate) variables: (u32, u32),
    /// The first of the frames inside it.
    pub(crate) first_child: u32,
}

/// A function's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// What it is.
    pub kind: FunctionKind,
    /// The function around it.
    pub parent: Option<FunctionId>,
    /// Its outermost frame.
    pub frame: FrameId,
    /// How many cells it has.
    pub cells: u32,
    /// Whether a macro's body mentions `caller`, `kwargs`, `varargs`.
    pub mentions: [bool; 3],
}

/// The special names of a template, as far as it uses them at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Specials {
    pub(crate) loop_: Option<Symbol>,
    /// `loop`, or a number beyond the table: loops around scoped blocks bind it although nothing here names it.
    pub(crate) loop_always: Symbol,
    pub(crate) self_: Option<Symbol>,
    pub(crate) super_: Option<Symbol>,
    pub(crate) caller: Option<Symbol>,
    pub(crate) kwargs: Option<Symbol>,
    pub(crate) varargs: Option<Symbol>,
}

impl Specials {
    fn of(symbols: &Symbols) -> Specials {
        const NAMES: [Key<'_>; 6] = [
            Key::new("loop"),
            Key::new("self"),
            Key::new("super"),
            Key::new("caller"),
            Key::new("kwargs"),
            Key::new("varargs"),
        ];
        let [loop_, self_, super_, caller, kwargs, varargs] = NAMES.map(|key| symbols.find(&key));
        let loop_always = loop_.unwrap_or(Symbol(symbols.len() as u32));
        Specials { loop_, loop_always, self_, super_, caller, kwargs, varargs }
    }
}

/// Where each name of a template lives.
#[derive(Clone, Debug)]
pub struct Scopes<'a, 's> {
    pub(crate) frames: Vec<Frame>,
    pub(crate) functions: Vec<Function>,
    pub(crate) variables: Vec<Variable>,
    /// The blocks in the order of the source, with their frames.
    pub(crate) blocks: Vec<(&'a Block<'s>, FrameId)>,
    pub(crate) specials: Specials,
    /// Whether the name `loop` is assigned anywhere.
    pub(crate) loop_is_stored: bool,
    pub(crate) ast: &'a Ast<'s>,
}

impl Scopes<'_, '_> {
    /// Gives the tables back for the next compile.
    pub(crate) fn give_back(self, tables: &mut Tables) {
        tables.frames = self.frames;
        tables.functions = self.functions;
        tables.variables = self.variables;
    }

    /// The frames.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }
    /// The functions; 0 is the root.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }
    /// The variables of all frames.
    pub fn all_variables(&self) -> impl Iterator<Item = &Variable> {
        self.variables.iter()
    }
    /// The variables of a frame, ordered by symbol.
    pub fn variables(&self, frame: FrameId) -> &[Variable] {
        let (start, end) = self.frames[frame.index()].variables;
        &self.variables[start as usize..end as usize]
    }

    /// The text of a symbol.
    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        if symbol.index() < self.ast.symbols.len() { self.ast.symbols.name(symbol) } else { "loop" }
    }

    /// The frame's own variable of that name.
    pub(crate) fn own(&self, frame: FrameId, name: Symbol) -> Option<VariableId> {
        let (start, _) = self.frames[frame.index()].variables;
        let index = self.variables(frame).binary_search_by_key(&name, |v| v.name).ok()?;
        Some(VariableId(start + index as u32))
    }

    /// The variable that a name means in a frame.
    pub(crate) fn find(&self, frame: FrameId, name: Symbol) -> Option<VariableId> {
        let mut next = Some(frame);
        while let Some(frame) = next {
            if let Some(found) = self.own(frame, name) {
                return Some(found);
            }
            next = self.frames[frame.index()].parent;
        }
        None
    }
}

/// Says where each name of a template lives.
pub fn resolve<'a, 's>(ast: &'a Ast<'s>) -> Scopes<'a, 's> {
    resolve_with(ast, &mut Tables::default())
}

/// As [`resolve`], in tables that were used before.
pub(crate) fn resolve_with<'a, 's>(ast: &'a Ast<'s>, tables: &mut Tables) -> Scopes<'a, 's> {
    let mut scopes = Scopes {
        frames: take(&mut tables.frames),
        functions: take(&mut tables.functions),
        variables: take(&mut tables.variables),
        blocks: Vec::new(),
        specials: Specials::of(&ast.symbols),
        loop_is_stored: false,
        ast,
    };
    analyze::analyze(&mut scopes, tables);
    scopes
}
