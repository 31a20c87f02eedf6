//! Verify the code: is every operand of every instruction in range?
//!
//! In: an image whose other tables are good. Out: the first fault, or the one measure that only the code tells. An
//! instruction costs one subtraction, of all its parts at once ([`allows`]): from limits that are worked out once for each
//! instruction of the table that the image has, with what the function at hand allows put in where it has a say.

use super::demand;
use crate::format::Section;
use crate::image::{Function, FunctionKind, Image, MAX_CELLS};
use crate::ops::{self, Field, Flow};
use crate::rejection::Fault;
use crate::rules::{Bound, Bounds, Extra, RULES};

/// The code of all functions. Every other table is known to be good by now.
///
/// Returns how many cells the largest block of cells has.
pub(super) fn check_code(image: &Image) -> Result<u32, Fault> {
    let mut checker = Checker {
        image,
        bounds: table_bounds(image),
        cells: 0,
        kind: FunctionKind::Root,
        length: 0,
        of_function: [NONE; 2],
        locals_registers: (0..image.locals.len() as u32)
            .map(|table| image.locals(table).iter().map(|&(_, r)| 1 + u64::from(r)).max().unwrap_or(0))
            .collect(),
    };
    let mut limits = Limits { plain: WITHOUT_TABLES, more: [NONE; 256] };
    for function in &image.functions {
        checker.function(function, &mut limits)?;
    }
    Ok(checker.cells)
}

/// The bounds that every image has.
const fn set_numbers(bounds: &mut Bounds) {
    bounds[Bound::Any as usize] = 1 << 32;
    bounds[Bound::Two as usize] = 2;
    bounds[Bound::Three as usize] = 3;
    bounds[Bound::Four as usize] = 4;
    bounds[Bound::Seven as usize] = 7;
    bounds[Bound::Eight as usize] = 8;
    bounds[Bound::Cells as usize] = MAX_CELLS as u64 + 1;
}

fn table_bounds(image: &Image) -> Bounds {
    let mut bounds: Bounds = [0; 32];
    set_numbers(&mut bounds);
    let mut set = |bound: Bound, value: usize| bounds[bound as usize] = value as u64;
    set(Bound::Texts, image.string_count());
    set(Bound::Constants, image.constants.len());
    set(Bound::Names, image.name_count());
    set(Bound::Sites, image.sites().len());
    set(Bound::Shapes, image.shapes.len());
    set(Bound::FilterCalls, image.filter_calls.len());
    set(Bound::TestCalls, image.test_calls.len());
    set(Bound::Functions, image.functions.len());
    set(Bound::Locals, image.locals.len());
    bounds
}

/// The bit above each part of 15 bits of an instruction's word. Limits have it where something is allowed: it goes when more
/// is subtracted from a part than it holds.
const TOPS: u64 = 0x8000_8000_8000_8000;
/// Limits that allow nothing. A part without its top bit has all others, so that nothing is ever borrowed.
const NONE: u64 = !TOPS;

/// Are all parts of an instruction within limits? One with the top bit in a part, which is rare, is within none.
///
/// The parts are of 16 bits. The first is the instruction's number and, above it, `x`: with the number in the limit, too,
/// comparing it compares `x`.
#[inline(always)]
fn allows(limits: u64, word: u64) -> bool {
    limits.wrapping_sub(word) & !word & TOPS == TOPS
}

/// The limit of a part, or of the `width` bits at its end, for what must stay below `bound`.
const fn below(bound: u64, width: u32) -> u64 {
    let most = (1 << (width - 1)) - 1;
    match bound {
        0 => most,
        _ if bound > most => 1 << (width - 1) | most,
        _ => 1 << (width - 1) | (bound - 1),
    }
}

/// What the image's tables allow to an instruction of this number, without the parts in which the function has a say;
/// [`NONE`] if parts cannot tell.
const fn limits_of_tables(op: u8, bounds: &Bounds) -> u64 {
    let rule = &RULES[op as usize];
    let [x, a, b, c, wide] = rule.bounds;
    let first = op as u64 | below(bounds[x as usize], 8) << 8 | below(bounds[a as usize], 16) << 16;
    // A small `w` is a small third part and no fourth one.
    let rest = match bounds[wide as usize] {
        0 => return NONE,
        bound if bound <= 1 << 15 => below(bound, 16) | below(1, 16) << 16,
        bound if bound > u32::MAX as u64 => {
            below(bounds[b as usize], 16) | below(bounds[c as usize], 16) << 16
        }
        _ => return NONE,
    };
    (first | rest << 32) & !OF_FUNCTION[op as usize].parts
}

/// The parts of an instruction in which the function at hand has a say.
#[derive(Clone, Copy)]
struct OfFunction {
    parts: u64,
    /// Which of the function's limits are meant.
    limits: usize,
    /// There is more to check than limits can say.
    more: bool,
}

/// `b` and `c` are registers, if the function has a say in them.
const REGISTERS: usize = 0;
/// `w` is a place in the function.
const TARGET: usize = 1;
/// By an instruction's number.
static OF_FUNCTION: [OfFunction; 256] = of_function();

const fn of_function() -> [OfFunction; 256] {
    let mut all = [OfFunction { parts: 0, limits: REGISTERS, more: false }; 256];
    let mut number = 0;
    while number < all.len() {
        let rule = &RULES[number];
        let [x, a, b, c, _] = rule.bounds;
        let parts = &mut all[number].parts;
        if matches!(x, Bound::Loops) {
            *parts |= 0xFF00;
        }
        if matches!(a, Bound::Registers) {
            *parts |= 0xFFFF << 16;
        }
        if matches!(b, Bound::Registers) {
            *parts |= 0xFFFF << 32;
        }
        if matches!(c, Bound::Registers) {
            *parts |= 0xFFFF << 48;
        }
        match rule.extra {
            Extra::None => {}
            Extra::Target(0) => {
                *parts |= 0xFFFF_FFFF << 32;
                all[number].limits = TARGET;
            }
            _ => all[number].more = true,
        }
        number += 1;
    }
    all
}

/// By an instruction's number: its limits, if no table has a say in it.
static WITHOUT_TABLES: [u64; 256] = without_tables();

const fn without_tables() -> [u64; 256] {
    let mut bounds: Bounds = [0; 32];
    set_numbers(&mut bounds);
    let mut all = [NONE; 256];
    let mut number = 0;
    while number < all.len() {
        let rule = &RULES[number];
        let (mut field, mut known) = (0, true);
        while field < rule.bounds.len() {
            let bound = rule.bounds[field];
            let is_of_function = matches!(bound, Bound::Registers | Bound::Loops);
            known &= is_of_function || bounds[bound as usize] > 0;
            field += 1;
        }
        if known && !OF_FUNCTION[number].more {
            all[number] = limits_of_tables(number as u8, &bounds);
        }
        let parts = OF_FUNCTION[number].parts;
        assert!(all[number] != NONE || parts & TOPS != TOPS, "limits that are not there yet allow it");
        number += 1;
    }
    all
}

/// By an instruction's number: what the image's tables allow, as far as it is known, in the parts in which the function has
/// no say.
struct Limits {
    /// To those of which limits say all there is to check; [`NONE`] for others.
    plain: [u64; 256],
    /// To the others.
    more: [u64; 256],
}

/// From so many instructions on it pays to put together, for all instructions, what tables and function allow.
const LONG: usize = 512;

/// What a function allows: by [`OfFunction::limits`], in all parts in which it may have a say.
fn limits_of(function: &Function) -> [u64; 2] {
    let registers = below(u64::from(function.registers), 16);
    let first = below(u64::from(function.loops), 8) << 8 | registers << 16;
    let target = match u64::from(function.code.1 - function.code.0) {
        length @ ..=0x8000 => below(length, 16) | below(1, 16) << 16,
        _ => NONE >> 32,
    };
    [first | registers << 32 | registers << 48, first | target << 32]
}

/// Checks code, function by function.
struct Checker<'a> {
    image: &'a Image,
    bounds: Bounds,
    /// The largest block of cells up to here.
    cells: u32,
    /// The kind of the function at hand, and how many instructions it has.
    kind: FunctionKind,
    length: usize,
    /// What it allows.
    of_function: [u64; 2],
    /// How many registers a function needs for each table of locals.
    locals_registers: Vec<u64>,
}

impl Checker<'_> {
    /// Checks a function. `limits` are those of the image's tables, by an instruction's number, as far as they are known.
    fn function(&mut self, function: &Function, limits: &mut Limits) -> Result<(), Fault> {
        let (start, end) = (function.code.0 as usize, function.code.1 as usize);
        self.kind = function.kind;
        self.length = end - start;
        self.bounds[Bound::Registers as usize] = u64::from(function.registers);
        self.bounds[Bound::Loops as usize] = u64::from(function.loops);
        self.of_function = limits_of(function);
        let code = self.image.code().run(start..end);
        let fault = |at: usize, what| Fault::new("code", start + at, what);
        // These loops are what verifying costs.
        if code.len() < LONG {
            for (at, word) in code.iter().enumerate() {
                if !allows(self.limits_in_function(limits, word as u8), word) {
                    self.look(word, at, limits).map_err(|what| fault(at, what))?;
                }
            }
        } else {
            let mut all = [0; 256];
            for op in 0..=u8::MAX {
                all[usize::from(op)] = self.limits_in_function(limits, op);
            }
            for (at, word) in code.iter().enumerate() {
                let own = &mut all[usize::from(word as u8)];
                if !allows(*own, word) {
                    self.look(word, at, limits).map_err(|what| fault(at, what))?;
                    *own = self.limits_in_function(limits, word as u8);
                }
            }
        }
        let last = code.iter().next_back().map(|word| RULES[usize::from(word as u8)].flow);
        let ends = matches!(last, Some(Flow::Jump | Flow::End));
        demand(ends, Section::Code, end - 1, "a function that does not end")
    }

    /// What is allowed to instructions of this number, of which limits say all there is to check.
    #[inline(always)]
    fn limits_in_function(&self, limits: &Limits, op: u8) -> u64 {
        let own = OF_FUNCTION[usize::from(op)];
        limits.plain[usize::from(op)] | self.of_function[own.limits] & own.parts
    }

    /// Checks an instruction that needs more than a look at limits, or that these do not allow: the first of its number, one
    /// of which limits cannot tell, or one that is not within its bounds.
    #[inline(never)]
    fn look(&mut self, word: u64, at: usize, limits: &mut Limits) -> Result<(), &'static str> {
        let op = usize::from(word as u8);
        let (rule, own) = (&RULES[op], OF_FUNCTION[op]);
        let known = if own.more { &mut limits.more[op] } else { &mut limits.plain[op] };
        if *known == NONE {
            *known = limits_of_tables(word as u8, &self.bounds);
        }
        if !allows(*known | self.of_function[own.limits] & own.parts, word) {
            let fields = [Field::X, Field::A, Field::B, Field::C, Field::W];
            let bound = |field: Field| self.bounds[rule.bounds[field as usize] as usize];
            if !fields.into_iter().all(|field| u64::from(field.of(word)) < bound(field)) {
                return Err(self.explain(word));
            }
        }
        self.extra(rule.extra, word, at)
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
            Some(Bound::Loops) => "no such loop",
            Some(Bound::Cells) => "too many cells",
            _ => "a number that means nothing",
        }
    }

    /// The check that bounds cannot say. `at` counts from the start of the function.
    #[inline]
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
            Extra::Fixed(first, count) => run(value(first), u64::from(count)),
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
                good(target < self.length as u64, "a jump out of the function")
            }
            Extra::Target(count) => {
                good((ops::w(word) as usize) < self.length, "a jump out of the function")?;
                if count == 0 { Ok(()) } else { run(value(Field::A), u64::from(count)) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::OPS;

    /// What limits allow is what each field's bound allows.
    #[test]
    fn limits_are_the_bounds() {
        let mut seed = 1_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let fields = [Field::X, Field::A, Field::B, Field::C, Field::W];
        let (mut within, mut allowed) = (0, 0);
        for turn in 0..400_000_u64 {
            let op = (turn % (OPS.len() as u64 + 1)) as u8;
            let rule = &RULES[usize::from(op)];
            let own = OF_FUNCTION[usize::from(op)];
            let mut bounds: Bounds = [0; 32];
            for bound in &mut bounds {
                *bound = [0, 1, next(300), next(40_000), next(70_000), next(1 << 31)][next(6) as usize];
            }
            set_numbers(&mut bounds);
            bounds[Bound::Never as usize] = 0;
            let function = Function {
                kind: FunctionKind::Root,
                flags: 0,
                name: u32::MAX,
                registers: bounds[Bound::Registers as usize] as u16,
                loops: bounds[Bound::Loops as usize] as u8,
                parameters: (0, 0),
                code: (10, 11 + [next(300), next(70_000)][next(2) as usize] as u32),
                line: 1,
            };
            bounds[Bound::Registers as usize] = u64::from(function.registers);
            bounds[Bound::Loops as usize] = u64::from(function.loops);
            let length = u64::from(function.code.1 - 10);
            let bound = |field: Field| match rule.bounds[field as usize] {
                _ if field == Field::W && own.limits == TARGET => length,
                bound => bounds[bound as usize],
            };
            // Around the bounds is where it matters.
            let mut at = |field: Field| match bound(field) {
                bound if bound > u64::from(u32::MAX) => {
                    let bits = [8, 15, 16, 32][next(4) as usize];
                    next(1 << bits)
                }
                bound => (bound + next(2)).saturating_sub(1 + next(2)),
            };
            let [x, a, b, c, wide] = [Field::X, Field::A, Field::B, Field::C, Field::W].map(&mut at);
            let is_wide = u32::try_from(bound(Field::W)).is_ok();
            let (b, c) = if is_wide { (wide, wide >> 16) } else { (b, c) };
            let [x, a, b, c] = [x & 0xFF, a & 0xFFFF, b & 0xFFFF, c & 0xFFFF];
            let word = u64::from(op) | x << 8 | a << 16 | b << 32 | c << 48;

            let each = fields.into_iter().all(|field| u64::from(field.of(word)) < bound(field));
            let tells = word & TOPS == 0 && (!is_wide || bound(Field::W) <= 1 << 15);
            let of_function = limits_of(&function)[own.limits] & own.parts;
            let is_allowed = |limits: u64| allows(limits | of_function, word);
            let limits = limits_of_tables(op, &bounds);
            assert_eq!(is_allowed(limits), each && tells, "{word:#x} in {bounds:?}");
            // So do those that are there from the start, if they allow anything.
            let first = WITHOUT_TABLES[usize::from(op)];
            assert!(!is_allowed(first) || (each && first == limits), "{word:#x} in {bounds:?}");
            within += usize::from(each);
            allowed += usize::from(is_allowed(limits));
        }
        assert!((10_000..within).contains(&allowed) && within < 300_000, "{allowed} of {within}: all kinds");
    }
}
