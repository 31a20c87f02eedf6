//! Build: the tree with names becomes the tree with places.
//!
//! In: the tree and its [`Scopes`]. Out: [`Ir`], or the error that Jinja2's code generator raises. It walks the tree
//! once, in Jinja2's order, and keeps what Jinja2's `Frame` and `EvalContext` keep: whether a frame is top level,
//! whether output needs a check for a parent, whether autoescape is known. It also proves which variables are
//! surely bound where they are read, so that only the others are checked.

mod call;
mod constant;
mod expr;
mod function;
mod known;
mod loops;
mod modify;
mod names;
mod output;
mod stmt;

use std::mem::take;

use haiden_bytecode::{Escape, FunctionKind};
use haiden_syntax::ast::{At, Symbol};

use crate::error::{CompileError, ErrorKind};
use crate::ir::{Expr, ExprId, Free, Function, Ir, List};
use crate::options::Options;
use crate::resolve::{FrameId, FunctionId, Scopes};
use crate::tables::{Tables, fill};

/// What the names of variables begin with that no template can name: `Parser.free_identifier` in trees made elsewhere.
const INTERNAL: char = '\0';

type Result<T> = std::result::Result<T, CompileError>;

/// What is known of escaping: Jinja2's `EvalContext`.
#[derive(Clone, Copy, Debug)]
struct Eval {
    autoescape: bool,
    volatile: bool,
    /// `autoescape` is a constant for Jinja2, but one that only a run of ours evaluates: a filter's or a test's.
    later: bool,
}

impl Eval {
    /// What is known at the start of a function.
    fn new(autoescape: bool) -> Eval {
        Eval { autoescape, volatile: false, later: false }
    }

    /// How a printed value is escaped.
    fn escape(self) -> Escape {
        if self.volatile { Escape::Dynamic } else { self.folded() }
    }

    /// How a printed constant is escaped.
    fn folded(self) -> Escape {
        match self {
            Eval { later: true, .. } => Escape::Dynamic,
            Eval { autoescape: true, .. } => Escape::Html,
            _ => Escape::No,
        }
    }
}

/// What Jinja2's `Frame` knows, without the names.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not a state")]
struct Frame {
    id: FrameId,
    /// Which of the frames inside it comes next.
    next_child: u32,
    toplevel: bool,
    rootlevel: bool,
    soft: bool,
    check_output: bool,
    /// It is the body of a loop or a block: what it sets is shown to functions that ask for the context.
    shows: bool,
}

/// A variable's state while its function is built.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    /// Its local register, if it has one.
    local: u32,
    /// Its loop slot, if it is a `loop`.
    slot: u32,
    /// It is surely bound here.
    assigned: bool,
    /// It is not missing when its frame is entered.
    defined: bool,
    /// It may be read before it is bound.
    read_early: bool,
}

/// What a loop's body does with `loop`.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not a state")]
struct LoopUse {
    look_ahead: bool,
    previous: bool,
    escapes: bool,
    leaves: bool,
}

/// The function that is built.
#[derive(Debug)]
struct Building {
    id: FunctionId,
    locals: u32,
    locals_max: u32,
    loops: Vec<LoopUse>,
    loops_max: u32,
    free: Vec<Free>,
    /// The function's key in `Builder::free_of`.
    stamp: u32,
    /// Names that the outermost loop around here reads.
    hoist: Option<Vec<u32>>,
    /// Which outermost loop that is.
    hoist_stamp: u32,
}

/// What is known of a name that is read from the context.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FreeOf {
    /// The stamp of the function that reads it.
    function: u32,
    /// Its number there.
    number: u32,
    /// The stamp of the outermost loop that reads it.
    hoisted: u32,
}

struct Builder<'t, 'a, 's> {
    scopes: &'a Scopes<'a, 's>,
    options: &'a Options,
    ir: &'t mut Ir<'a>,
    /// By variable: `states`, and `counts` of the branches that assigned it while they are counted. By symbol: `free_of`
    /// and `marks` of the names that a table of locals has. `log` has the variables that became assigned, latest last.
    tables: &'t mut Tables,
    function: Building,
    frame: Frame,
    eval: Eval,
    extends: u32,
    known_extends: bool,
    has_extends: bool,
    /// The rest of this body is never reached.
    dead: bool,
    stamps: u32,
    mark: u32,
    /// The line that Jinja2's code generator has marked last: errors are said to be there. Statements mark theirs, and
    /// so do printed values; what is inside of an expression does not, nor do `with` and `autoescape`.
    line: u32,
}

/// The tree with names becomes the tree with places.
///
/// # Errors
/// What Jinja2's code generator raises for the tree.
pub fn build<'a>(scopes: &'a Scopes<'a, '_>, options: &'a Options) -> Result<Ir<'a>> {
    build_with(scopes, options, &mut Tables::default())
}

/// As [`build`], in tables that were used before.
pub(crate) fn build_with<'a>(
    scopes: &'a Scopes<'a, '_>,
    options: &'a Options,
    tables: &mut Tables,
) -> Result<Ir<'a>> {
    let symbols = &scopes.ast.symbols;
    let mut ir = Ir::new(symbols, tables);
    fill(&mut tables.states, scopes.variables.len(), State::default());
    fill(&mut tables.counts, scopes.variables.len(), 0);
    fill(&mut tables.free_of, symbols.len() + 1, FreeOf::default());
    fill(&mut tables.marks, symbols.len() + 1, 0);
    let free = take(&mut tables.root_free);
    let mut builder = Builder {
        scopes,
        options,
        ir: &mut ir,
        tables,
        function: Building { free, ..Building::new(FunctionId(0), 1) },
        frame: Frame {
            id: FrameId(0),
            next_child: 0,
            toplevel: true,
            rootlevel: true,
            soft: false,
            check_output: false,
            shows: false,
        },
        eval: Eval::new(options.autoescape),
        extends: 0,
        known_extends: false,
        has_extends: stmt::has_extends(&scopes.ast.body),
        dead: false,
        stamps: 1,
        mark: 0,
        line: 1,
    };
    builder.template()?;
    Ok(ir)
}

impl Building {
    fn new(id: FunctionId, stamp: u32) -> Building {
        Building {
            id,
            locals: 0,
            locals_max: 0,
            loops: Vec::new(),
            loops_max: 0,
            free: Vec::new(),
            stamp,
            hoist: None,
            hoist_stamp: 0,
        }
    }
}

impl<'a> Builder<'_, 'a, '_> {
    fn template(&mut self) -> Result<()> {
        let scopes = self.scopes;
        self.check_blocks()?;
        self.reserve();
        self.frame.check_output = self.has_extends;
        self.root()?;
        for &(block, frame) in &scopes.blocks {
            self.block_function(block, frame)?;
        }
        Ok(())
    }

    fn check_blocks(&self) -> Result<()> {
        if self.scopes.blocks.is_empty() {
            return Ok(());
        }
        let mut seen = vec![false; self.ir.symbols.len()];
        for (block, _) in &self.scopes.blocks {
            if std::mem::replace(&mut seen[block.name.index()], true) {
                let name = crate::ir::quoted(self.ir.text(block.name));
                return Err(CompileError::assertion(format!("block {name} defined twice"), block.at));
            }
        }
        Ok(())
    }

    /// The index of a function that will be built.
    fn reserve(&mut self) -> u32 {
        self.ir.functions.push(Function {
            kind: FunctionKind::Root,
            flags: 0,
            name: None,
            parameters: Vec::new(),
            locals: 0,
            loops: 0,
            cells: 0,
            free: Vec::new(),
            body: Vec::new(),
            at: At::default(),
        });
        (self.ir.functions.len() - 1) as u32
    }

    /// What follows is at the line of this node. What extensions make may have none.
    fn mark_line(&mut self, at: At) {
        if at.line != 0 {
            self.line = at.line;
        }
    }

    /// Where an error in a node is said to be.
    fn marked(&self, at: At) -> At {
        At { line: self.line, offset: at.offset }
    }

    fn push(&mut self, at: At, expr: Expr<'a>) -> ExprId {
        self.ir.exprs.push(expr);
        self.ir.ats.push(at);
        self.ir.marks.push(self.line);
        ExprId((self.ir.exprs.len() - 1) as u32)
    }

    /// Makes a list of what was pushed to the scratch stack since `start`.
    fn list(&mut self, start: usize) -> List {
        let scratch = &mut self.tables.scratch;
        let list = List { start: self.ir.lists.len() as u32, len: (scratch.len() - start) as u32 };
        self.ir.lists.extend(scratch.drain(start..));
        list
    }

    fn is(&self, symbol: Symbol, text: &str) -> bool {
        self.ir.text(symbol) == text
    }

    fn unsupported<T>(node: &str, at: At) -> Result<T> {
        Err(CompileError::new(
            ErrorKind::Unsupported,
            format!("the node {node} needs an object of the host, which an image cannot hold"),
            at,
        ))
    }
}
