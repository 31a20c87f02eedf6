//! Lower: the tree with places becomes operations over registers.
//!
//! In: [`Ir`]. Out: [`Code`]. A function's variables have fixed registers; behind them come the names of the context that
//! are read more than once, then temporaries as a stack. Text is held back until something else is written, so that
//! neighbours become one. Conditions become jumps and no values. A fused jump that turns out too far makes the function
//! start again with plain ones.
//!
//! [`expr`] has expressions, [`branch`] conditions, [`emit`] what is printed, [`call`] calls, [`stmt`] statements,
//! [`loops`] loops, [`places`] lines and columns.

mod branch;
mod call;
mod emit;
mod expr;
mod loops;
mod places;
mod stmt;

use std::collections::HashMap;
use std::mem::take;

use haiden_bytecode::{BlockEntry, CallShape, Code, Constant, Function as ImageFunction, FunctionKind, Op};
use haiden_syntax::ast::{At as Place, Symbol};

use crate::error::{CompileError, ErrorKind};
use crate::ir::{Function, Ir};
use crate::options::Options;
use crate::tables::{Tables, fill};

use self::places::{Places, uncounted};

type Result<T> = std::result::Result<T, Failure>;
/// A register.
type Reg = u16;

/// The most registers a function may have: a few are left for the run behind the last.
const MAX_REGISTERS: u32 = 65_000;
/// The most loops inside each other.
const MAX_LOOPS: u32 = 200;

/// Why the lowering of a function stops.
enum Failure {
    /// A fused jump was too far: again, with plain ones.
    TooFar,
    Error(CompileError),
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Failure {
        Failure::Error(error)
    }
}

/// A jump whose target is not known yet.
#[derive(Clone, Copy)]
enum Patch {
    Wide(u32),
    Near(u32),
}

/// A loop around the statement that is lowered.
struct Around {
    /// Jumps out of it, and to its next turn.
    breaks: Vec<Patch>,
    continues: Vec<Patch>,
    /// How many captures were open when it started.
    captures: usize,
}

#[expect(clippy::struct_excessive_bools, reason = "three of the options, and a fact about the function")]
struct Lower<'i, 'a> {
    ir: &'i Ir<'a>,
    code: &'i mut Code,
    places: Places<'i>,
    optimize: bool,
    intercepted: bool,
    finalize: bool,
    /// `names` by symbol: name index + 1. `pending` is text that is to be written before anything else. `free` by number:
    /// the register of a name of the context, and whether it holds its value here; `resolved` are the names that became
    /// so, latest last.
    tables: &'i mut Tables,
    strings: HashMap<String, u32>,

    // ---- of the function that is lowered ----
    function: &'i Function<'a>,
    wide: bool,
    /// Where the next instruction comes from.
    at: Place,
    pending_at: Place,
    /// The first temporary, and the next.
    temporaries: u32,
    top: u32,
    max: u32,
    around: Vec<Around>,
    /// The loops around the statement: slot, and where the filter is if they look ahead through one.
    filters: Vec<(u8, Option<u32>)>,
    captures: usize,
}

/// The tree with places becomes code.
///
/// # Errors
/// A measure of the template is beyond what an image can hold.
pub fn lower(ir: &Ir<'_>, source: &str, options: &Options) -> std::result::Result<Code, CompileError> {
    let mut code = room_for(ir, source);
    lower_with(ir, source, options, &mut Tables::default(), &mut code)?;
    Ok(code)
}

/// Empty code with about the room that the tree will take.
pub(crate) fn room_for(ir: &Ir<'_>, source: &str) -> Code {
    Code::with_capacity(ir.exprs.len() + ir.exprs.len() / 2 + 8, source.len() / 2 + 64)
}

/// As [`lower`], in tables that were used before, into code that is empty.
pub(crate) fn lower_with(
    ir: &Ir<'_>,
    source: &str,
    options: &Options,
    tables: &mut Tables,
    code: &mut Code,
) -> std::result::Result<(), CompileError> {
    fill(&mut tables.names, ir.symbols.len() + 2, 0);
    let places = Places::new(source, take(&mut tables.lines));
    let mut lower = Lower {
        ir,
        code,
        places,
        optimize: options.optimize,
        intercepted: options.intercepted,
        finalize: options.finalize,
        tables,
        strings: HashMap::new(),
        function: &ir.functions[0],
        wide: false,
        at: Place::default(),
        pending_at: Place::default(),
        temporaries: 0,
        top: 0,
        max: 0,
        around: Vec::new(),
        filters: Vec::new(),
        captures: 0,
    };
    for _ in &ir.functions {
        lower.code.reserve_function();
    }
    for asked in &ir.references {
        let at = lower.places.count(asked.at);
        let name = lower.name(asked.name);
        lower.code.refer(asked.is_filter, name, asked.hard, at);
    }
    for (index, function) in ir.functions.iter().enumerate() {
        lower.one(index as u32, function)?;
    }
    for block in &ir.blocks {
        let name = lower.name(block.name);
        lower.code.block(BlockEntry { name, function: block.function, required: block.required });
    }
    let Lower { code, mut places, tables, .. } = lower;
    code.place_lines(|at| places.count(Place { line: at.line, offset: at.column }));
    tables.lines = places.lines;
    Ok(())
}

impl<'i, 'a> Lower<'i, 'a> {
    fn one(&mut self, index: u32, function: &'i Function<'a>) -> std::result::Result<(), CompileError> {
        self.function = function;
        self.code.start_function();
        for wide in [!self.optimize, true] {
            self.wide = wide;
            match self.body_of(function) {
                Ok(()) => break,
                Err(Failure::TooFar) => self.code.restart_function(),
                Err(Failure::Error(error)) => return Err(error),
            }
        }
        let parameters: Vec<u32> = function.parameters.iter().map(|&name| self.name(name)).collect();
        let image = ImageFunction {
            kind: function.kind,
            flags: function.flags,
            name: function.name.map_or(u32::MAX, |name| self.name(name)),
            registers: self.max as u16,
            loops: function.loops as u8,
            parameters: (0, 0),
            code: (0, 0),
            line: function.at.line,
        };
        self.code.finish_function(index, image, &parameters);
        Ok(())
    }

    fn body_of(&mut self, function: &'i Function<'a>) -> Result<()> {
        self.tables.pending.clear();
        self.around.clear();
        self.filters.clear();
        self.tables.resolved.clear();
        self.captures = 0;
        self.set_at(function.at);
        if function.loops > MAX_LOOPS {
            return Err(self.too_large("too many loops inside each other"));
        }
        let mut next = function.locals;
        self.tables.free.clear();
        self.tables.free.extend(function.free.iter().map(|free| {
            let register = next;
            next += u32::from(free.shared);
            (register.min(MAX_REGISTERS) as Reg, false)
        }));
        if function.kind == FunctionKind::Loop {
            next = next.max(1);
        }
        self.temporaries = next;
        self.top = next;
        self.max = next;
        if next > MAX_REGISTERS {
            return Err(self.too_large("too many variables"));
        }
        if function.cells > 0 {
            self.code.aw(uncounted(self.at), Op::MakeCells, 0, 0, function.cells);
        }
        self.stmts(&function.body)?;
        self.flush();
        self.code.abc(uncounted(self.at), Op::Return, 0, 0, 0, 0);
        Ok(())
    }

    #[cold]
    fn too_large(&self, what: &str) -> Failure {
        let at = Place { line: self.at.line, offset: 0 };
        Failure::Error(CompileError::new(
            ErrorKind::TooLarge,
            format!("the template is too large: {what}"),
            at,
        ))
    }

    // ---- places ----------------------------------------------------------------------------------------------

    /// Later instructions come from here. A place without a line changes nothing.
    #[inline]
    fn set_at(&mut self, at: Place) {
        if at.line != 0 {
            self.at = at;
        }
    }

    // ---- registers -------------------------------------------------------------------------------------------

    fn alloc(&mut self) -> Result<Reg> {
        let register = self.top;
        if register >= MAX_REGISTERS {
            return Err(self.too_large("an expression needs too many registers"));
        }
        self.top += 1;
        self.max = self.max.max(self.top);
        Ok(register as Reg)
    }

    /// Is it a temporary?
    fn is_temporary(&self, register: Reg) -> bool {
        u32::from(register) >= self.temporaries
    }

    // ---- tables ----------------------------------------------------------------------------------------------

    fn name(&mut self, symbol: Symbol) -> u32 {
        let known = self.tables.names[symbol.index()];
        if known > 0 {
            return known - 1;
        }
        let name = self.code.name(self.ir.text(symbol));
        self.tables.names[symbol.index()] = name + 1;
        name
    }

    /// The constant of a text.
    fn text_constant(&mut self, text: &str) -> u32 {
        if let Some(&constant) = self.strings.get(text) {
            return constant;
        }
        let string = self.code.string(text);
        let constant = self.code.constant(Constant::Str(string));
        self.strings.insert(text.to_owned(), constant);
        constant
    }

    fn shape(&mut self, args: &crate::ir::Args) -> u32 {
        let keywords = &self.ir.keywords[args.keywords.range()];
        let keywords = keywords.iter().map(|&name| self.name(name)).collect();
        self.code.shape(CallShape {
            positional: args.positional as u16,
            keywords,
            star: args.star,
            star_star: args.star_star,
        })
    }

    // ---- instructions ----------------------------------------------------------------------------------------

    /// Writes the text that was held back.
    fn flush(&mut self) {
        if !self.tables.pending.is_empty() {
            let text = self.code.template_text(&self.tables.pending);
            self.code.aw(uncounted(self.pending_at), Op::Text, 0, 0, text);
            self.tables.pending.clear();
        }
    }

    fn hold_text(&mut self, text: &str) {
        if self.tables.pending.is_empty() {
            self.pending_at = self.at;
        }
        self.tables.pending.push_str(text);
    }

    fn abc(&mut self, op: Op, x: u8, a: u16, b: u16, c: u16) -> u32 {
        self.flush();
        self.code.abc(uncounted(self.at), op, x, a, b, c)
    }

    fn aw(&mut self, op: Op, x: u8, a: u16, w: u32) -> u32 {
        self.flush();
        self.code.aw(uncounted(self.at), op, x, a, w)
    }

    /// A place that is jumped to.
    fn here(&mut self) -> u32 {
        self.flush();
        self.code.here()
    }

    fn jump(&mut self) -> Patch {
        Patch::Wide(self.aw(Op::Jump, 0, 0, 0))
    }

    fn patch(&mut self, patches: &[Patch], target: u32) -> Result<()> {
        for patch in patches {
            match *patch {
                Patch::Wide(place) => self.code.patch(place, target),
                Patch::Near(place) => self.code.patch_near(place, target).map_err(|_| Failure::TooFar)?,
            }
        }
        Ok(())
    }

    fn patch_here(&mut self, patches: &[Patch]) -> Result<()> {
        if patches.is_empty() {
            return Ok(());
        }
        let here = self.here();
        self.patch(patches, here)
    }

    // ---- names of the context ----------------------------------------------------------------------------------

    /// From here on only some paths run: what is resolved meanwhile may not be behind them.
    fn mark(&self) -> usize {
        self.tables.resolved.len()
    }

    fn back_to(&mut self, mark: usize) {
        for number in self.tables.resolved.drain(mark..) {
            self.tables.free[number as usize].1 = false;
        }
    }

    /// Resolves a shared name, unless it is already.
    fn resolve(&mut self, number: u32) {
        let (register, done) = self.tables.free[number as usize];
        if !done {
            let name = self.name(self.function.free[number as usize].name);
            self.aw(Op::ResolveName, 0, register, name);
            self.tables.free[number as usize].1 = true;
            self.tables.resolved.push(number);
        }
    }
}
