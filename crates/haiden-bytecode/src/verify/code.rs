//! Verify the code: is every operand of every instruction in range?
//!
//! In: an image whose other tables are good. Out: the first fault, or the one measure that only the code tells. Words are
//! compared with the limits of their class ([`limits`](super::limits)) by blocks; those of a block in which one is not within
//! them are looked at, operand by operand if need be.

use super::demand;
use super::limits::{Allowed, CLASS, NONE, all_within, set_numbers};
use crate::format::Section;
use crate::image::{Function, FunctionKind, Image};
use crate::ops::{self, Field, Flow};
use crate::plain::Words;
use crate::rejection::Fault;
use crate::rules::{Bound, Bounds, Extra, RULES};

/// The code of all functions. Every other table is known to be good by now. `most` tells how many registers calls take.
///
/// Returns how many cells the largest block of cells has.
pub(super) fn check_code(image: &Image, most: Most) -> Result<u32, Fault> {
    let mut checker = Checker {
        image,
        bounds: [0; 32],
        allowed: const { Allowed::new() },
        most,
        cells: 0,
        kind: FunctionKind::Root,
        locals_registers: (0..image.locals.len() as u32)
            .map(|table| image.locals(table).iter().map(|&(_, r)| 1 + u64::from(r)).max().unwrap_or(0))
            .collect(),
    };
    checker.set_tables();
    let mut limits = [NONE; 256];
    for function in &image.functions {
        checker.function(function, &mut limits)?;
    }
    Ok(checker.cells)
}

/// How many registers the largest call takes beyond its first one.
#[derive(Clone, Copy)]
pub(super) struct Most {
    pub(super) shapes: usize,
    pub(super) filters: usize,
    pub(super) tests: usize,
}

/// How many words are compared with their limits at once.
const BLOCK: usize = 8;

/// From so many words on it pays to work out the limits of all classes first, and from so many, to put them down for each
/// instruction.
const LONG: usize = 48;
const VERY_LONG: usize = 1024;

/// Checks code, function by function.
struct Checker<'a> {
    image: &'a Image,
    /// The numbers of the image, and of the function at hand.
    bounds: Bounds,
    /// What they allow.
    allowed: Allowed,
    most: Most,
    /// The largest block of cells up to here.
    cells: u32,
    /// The kind of the function at hand.
    kind: FunctionKind,
    /// How many registers a function needs for each table of locals.
    locals_registers: Vec<u64>,
}

impl Checker<'_> {
    /// Puts in the numbers of the image.
    fn set_tables(&mut self) {
        let image = self.image;
        set_numbers(&mut self.bounds);
        for (bound, value) in [
            (Bound::Texts, image.string_count()),
            (Bound::Constants, image.constants.len()),
            (Bound::Names, image.name_count()),
            (Bound::Sites, image.sites().len()),
            (Bound::Shapes, image.shapes.len()),
            (Bound::FilterCalls, image.filter_calls.len()),
            (Bound::TestCalls, image.test_calls.len()),
            (Bound::Functions, image.functions.len()),
            (Bound::Locals, image.locals.len()),
        ] {
            self.bounds[bound as usize] = value as u64;
            self.allowed.set(bound, value as u64);
            self.allowed.set_of_wide(bound, value as u64);
        }
    }

    /// Puts in the numbers of a function.
    fn set_function(&mut self, function: &Function) {
        self.kind = function.kind;
        let registers = u64::from(function.registers);
        let (loops, length) = (u64::from(function.loops), u64::from(function.code.1 - function.code.0));
        // The first of so many more is below this.
        let first = |more: usize| registers.saturating_sub(more as u64);
        let (most, tables) = (self.most, self.locals_registers.len() as u64);
        let has_locals = self.locals_registers.iter().all(|&count| count <= registers);
        for (bound, value) in [
            (Bound::Registers, registers),
            (Bound::Pairs, first(1)),
            (Bound::Triples, first(2)),
            (Bound::Loops, loops),
            (Bound::Places, length),
        ] {
            self.bounds[bound as usize] = value;
        }
        self.allowed.set(Bound::Registers, registers);
        self.allowed.set(Bound::Pairs, first(1));
        self.allowed.set(Bound::Triples, first(2));
        self.allowed.set_of_x(Bound::Loops, loops);
        self.allowed.set_of_wide(Bound::Places, length);
        self.allowed.set(Bound::Callees, first(most.shapes));
        self.allowed.set(Bound::Filtered, first(most.filters));
        self.allowed.set(Bound::Tested, first(most.tests));
        self.allowed.set_of_wide(Bound::OwnLocals, if has_locals { tables } else { 0 });
    }

    /// Checks a function. `limits` is room for those of its classes of instructions.
    fn function(&mut self, function: &Function, limits: &mut [u64; 256]) -> Result<(), Fault> {
        self.set_function(function);
        let (start, end) = (function.code.0 as usize, function.code.1 as usize);
        let code = self.image.code().run(start..end);
        if code.len() < LONG {
            let allowed = self.allowed;
            self.words(code, start, |op| allowed.limits_of(op))?;
        } else {
            self.allowed.set_limits(limits);
            if code.len() < VERY_LONG {
                self.words(code, start, |op| limits[usize::from(CLASS[usize::from(op)])])?;
            } else {
                let limits = CLASS.map(|class| limits[usize::from(class)]);
                self.words(code, start, |op| limits[usize::from(op)])?;
            }
        }
        let last = code.iter().next_back().map(|word| RULES[usize::from(word as u8)].flow);
        let ends = matches!(last, Some(Flow::Jump | Flow::End));
        demand(ends, Section::Code, end - 1, "a function that does not end")
    }

    /// Checks the words of the function that begins at `start`.
    #[inline(always)]
    fn words(&mut self, code: Words<'_>, start: usize, limits: impl Fn(u8) -> u64) -> Result<(), Fault> {
        let (blocks, rest) = code.raw().as_chunks::<BLOCK>();
        // This loop is what verifying costs.
        for (number, block) in blocks.iter().enumerate() {
            if !all_within(block, &limits) {
                self.each(block, start, BLOCK * number, &limits)?;
            }
        }
        if all_within(rest, &limits) {
            return Ok(());
        }
        self.each(rest, start, code.len() - rest.len(), &limits)
    }

    /// Checks some words, from `first` on in the function that begins at `start`, one by one.
    #[cold]
    #[inline(never)]
    fn each(
        &mut self,
        words: &[[u8; 8]],
        start: usize,
        first: usize,
        limits: &impl Fn(u8) -> u64,
    ) -> Result<(), Fault> {
        for (at, word) in (first..).zip(words) {
            if !all_within(&[*word], limits) {
                let looked = self.look(u64::from_le_bytes(*word), at);
                looked.map_err(|what| Fault::new(Section::Code.name(), start + at, what))?;
            }
        }
        Ok(())
    }

    /// Checks an instruction of which limits cannot tell: operand by operand.
    #[inline(never)]
    fn look(&mut self, word: u64, at: usize) -> Result<(), &'static str> {
        let rule = &RULES[usize::from(word as u8)];
        let fields = [Field::X, Field::A, Field::B, Field::C, Field::W];
        let bound = |field: Field| self.bounds[rule.bounds[field as usize] as usize];
        if fields.into_iter().all(|field| u64::from(field.of(word)) < bound(field)) {
            self.extra(rule.extra, word, at)
        } else {
            Err(self.explain(word))
        }
    }

    /// What is wrong with an instruction that is not within its bounds.
    #[cold]
    fn explain(&self, word: u64) -> &'static str {
        let rule = &RULES[usize::from(word as u8)];
        let fields = [Field::X, Field::A, Field::B, Field::C, Field::W];
        let outside = fields.into_iter().find(|field| {
            let bound = rule.bounds[*field as usize];
            u64::from(field.of(word)) >= self.bounds[bound as usize]
        });
        match outside.map(|field| rule.bounds[field as usize]) {
            Some(Bound::Never) => "no such instruction",
            Some(Bound::Texts) => "no such string",
            Some(Bound::Constants) => "no such constant",
            Some(Bound::Names) => "no such name",
            Some(Bound::Sites) => "no such attribute site",
            Some(Bound::Shapes) => "no such call shape",
            Some(Bound::FilterCalls) => "no such filter call",
            Some(Bound::TestCalls) => "no such test call",
            Some(Bound::Functions) => "no such function",
            Some(Bound::Locals) => "no such table of locals",
            Some(Bound::Registers) => "no such register",
            Some(Bound::Pairs | Bound::Triples) => "a run of registers out of range",
            Some(Bound::Places) => "a jump out of the function",
            Some(Bound::Loops) => "no such loop",
            Some(Bound::Cells) => "too many cells",
            _ => "a number that means nothing",
        }
    }

    /// The check that bounds cannot say. `at` counts from the start of the function.
    fn extra(&mut self, extra: Extra, word: u64, at: usize) -> Result<(), &'static str> {
        let registers = self.bounds[Bound::Registers as usize];
        let run = |first: u64, count: u64| {
            if first + count <= registers { Ok(()) } else { Err("a run of registers out of range") }
        };
        let value = |field: Field| u64::from(field.of(word));
        // Callee and arguments of a call shape.
        let call = |shape: usize| 1 + self.image.shapes[shape].registers() as u64;
        let kind = || self.image.functions[ops::w(word) as usize].kind;
        let good = |good: bool, what| if good { Ok(()) } else { Err(what) };
        match extra {
            Extra::None => Ok(()),
            Extra::List(first, count, times) => run(value(first), value(count) * u64::from(times)),
            Extra::Call(first, shape) => run(value(first), call(value(shape) as usize)),
            Extra::Filter(first) => {
                let filter = self.image.filter_calls[ops::w(word) as usize];
                run(value(first), call(filter.shape as usize))
            }
            Extra::Test(first) => {
                let test = self.image.test_calls[ops::w(word) as usize];
                run(value(first), call(test.shape as usize))
            }
            Extra::Near => {
                // Before the start it is a very large number.
                let target = (at as i64 + 1 + i64::from(ops::c(word) as i16)) as u64;
                good(target < self.bounds[Bound::Places as usize], "a jump out of the function")
            }
            Extra::Locals => run(0, self.locals_registers[ops::w(word) as usize]),
            Extra::Overlay => {
                let kind = self.image.functions[usize::from(ops::c(word))].kind;
                good(kind == FunctionKind::Overlay, "a function that is no overlay")?;
                run(0, self.locals_registers[usize::from(ops::b(word))])
            }
            Extra::LocalsOrNone if ops::a(word) == u16::MAX => Ok(()),
            Extra::LocalsOrNone => match self.locals_registers.get(usize::from(ops::a(word))) {
                Some(&count) => run(0, count),
                None => Err("no such table of locals"),
            },
            Extra::IsMacro => good(
                matches!(kind(), FunctionKind::Macro | FunctionKind::CallBlock),
                "a function that is no macro",
            ),
            Extra::IsLoop => good(kind() == FunctionKind::Loop, "a function that is no recursive loop"),
            Extra::Cells => {
                self.cells = self.cells.max(ops::w(word));
                Ok(())
            }
            Extra::InLoop => {
                good(self.kind == FunctionKind::Loop, "an instruction of recursive loops outside of one")
            }
        }
    }
}
