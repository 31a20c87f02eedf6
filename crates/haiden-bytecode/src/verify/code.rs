//! Verify the code: is every operand of every instruction in range?
//!
//! In: an image whose other tables are good. Out: the first fault, or the one measure that only the code tells. An
//! instruction costs two subtractions, each of two of its parts at once ([`Parts`]): from limits that are worked out once for
//! each instruction of the table that the image has, with what the function at hand allows put in where it has a say.

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
        locals_registers: (0..image.locals.len() as u32)
            .map(|table| image.locals(table).iter().map(|&(_, r)| 1 + u64::from(r)).max().unwrap_or(0))
            .collect(),
    };
    let mut limits = [Parts::NONE; 256];
    for function in &image.functions {
        checker.function(function, &mut limits)?;
    }
    Ok(checker.cells)
}

fn table_bounds(image: &Image) -> Bounds {
    let mut bounds: Bounds = [0; 32];
    bounds[Bound::Any as usize] = 1 << 32;
    let mut set = |bound: Bound, value: usize| bounds[bound as usize] = value as u64;
    set(Bound::Two, 2);
    set(Bound::Three, 3);
    set(Bound::Four, 4);
    set(Bound::Seven, 7);
    set(Bound::Eight, 8);
    set(Bound::Cells, MAX_CELLS as usize + 1);
    set(Bound::Texts, image.string_count());
    set(Bound::Constants, image.constants.len());
    set(Bound::Names, image.names.len());
    set(Bound::Sites, image.sites.len());
    set(Bound::Shapes, image.shapes.len());
    set(Bound::FilterCalls, image.filter_calls.len());
    set(Bound::TestCalls, image.test_calls.len());
    set(Bound::Functions, image.functions.len());
    set(Bound::Locals, image.locals.len());
    bounds
}

/// Every other part of 16 bits.
const PARTS: u64 = 0x0000_FFFF_0000_FFFF;
/// The bit above each of [`PARTS`]: it goes when more is subtracted from a part than it holds.
const GUARDS: u64 = 0x0001_0000_0001_0000;

/// The most that the four parts of an instruction's word may hold.
#[derive(Clone, Copy)]
struct Parts {
    /// The first and the third, with [`GUARDS`] above them. The first part is the instruction's number and, above it, `x`:
    /// with the number in the limit, too, comparing it compares `x`.
    even: u64,
    /// The second and the fourth, likewise.
    odd: u64,
}

/// The bits of a part and of its guard, if they were the lowest ones.
const PART: u64 = 0x1_FFFF;

impl Parts {
    /// Allows nothing: there are no guards. A part without a guard has all bits, so that nothing is ever borrowed.
    const NONE: Parts = Parts { even: PARTS, odd: PARTS };

    #[inline(always)]
    fn allow(self, word: u64) -> bool {
        let left = (self.even - (word & PARTS)) & (self.odd - (word >> 16 & PARTS));
        left & GUARDS == GUARDS
    }

    /// These limits where the function has no say, and the function's elsewhere.
    #[inline(always)]
    fn with(self, function: Parts, mask: Parts) -> Parts {
        Parts { even: self.even | function.even & mask.even, odd: self.odd | function.odd & mask.odd }
    }
}

/// A limit of `width` bits for what must stay below `bound`, with its guard; nothing can where the bound is 0.
const fn below(bound: u64, width: u32) -> u64 {
    let most = (1 << width) - 1;
    match bound {
        0 => most,
        _ if bound > most => 1 << width | most,
        _ => 1 << width | (bound - 1),
    }
}

/// By an instruction's number: the parts in which the function at hand has a say. No instruction has nothing but those:
/// limits that were not worked out yet allow nothing.
static OF_FUNCTION: [Parts; 256] = of_function();

const fn of_function() -> [Parts; 256] {
    let mut masks = [Parts { even: 0, odd: 0 }; 256];
    let mut number = 0;
    while number < masks.len() {
        let [x, a, b, c, _] = RULES[number].bounds;
        let mask = &mut masks[number];
        if matches!(x, Bound::Loops) {
            mask.even |= PART & !0xFF;
        }
        if matches!(b, Bound::Registers) {
            mask.even |= PART << 32;
        }
        if matches!(a, Bound::Registers) {
            mask.odd |= PART;
        }
        if matches!(c, Bound::Registers) {
            mask.odd |= PART << 32;
        }
        assert!((mask.even | !GUARDS) & (mask.odd | !GUARDS) != !0, "limits that are not there yet allow it");
        number += 1;
    }
    masks
}

/// What a function allows in all parts in which it may have a say.
fn limits_of(function: &Function) -> Parts {
    let registers = below(u64::from(function.registers), 16);
    let loops = below(u64::from(function.loops), 8) << 8;
    Parts { even: loops | registers << 32, odd: registers | registers << 32 }
}

/// What the image's tables allow to an instruction of this number; nothing if parts cannot say it.
fn limits_of_tables(op: u8, bounds: &Bounds) -> Parts {
    let [x, a, b, c, w] = RULES[usize::from(op)].bounds;
    let below = |bound: Bound, width| below(bounds[bound as usize], width);
    let even = u64::from(op) | below(x, 8) << 8 | below(b, 16) << 32;
    let odd = below(a, 16) | below(c, 16) << 32;
    // A small `w` is a small third part and no fourth one.
    let (even, odd) = match bounds[w as usize] {
        0 => return Parts::NONE,
        bound @ ..=0x1_0000 => {
            (even & !(PART << 32) | self::below(bound, 16) << 32, odd & !(PART << 32) | 1 << 48)
        }
        bound if bound > u64::from(u32::MAX) => (even, odd),
        _ => return Parts::NONE,
    };
    let mask = OF_FUNCTION[usize::from(op)];
    Parts { even: even & !mask.even, odd: odd & !mask.odd }
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
    /// How many registers a function needs for each table of locals.
    locals_registers: Vec<u64>,
}

impl Checker<'_> {
    /// Checks a function. `limits` are those of the image's tables, by an instruction's number, as far as they are known.
    fn function(&mut self, function: &Function, limits: &mut [Parts; 256]) -> Result<(), Fault> {
        let (start, end) = (function.code.0 as usize, function.code.1 as usize);
        self.kind = function.kind;
        self.length = end - start;
        self.bounds[Bound::Registers as usize] = u64::from(function.registers);
        self.bounds[Bound::Loops as usize] = u64::from(function.loops);
        let of_function = limits_of(function);
        let code = &self.image.code[start..end];
        // This loop is what verifying costs.
        for (at, &word) in code.iter().enumerate() {
            let op = usize::from(word as u8);
            let good = if limits[op].with(of_function, OF_FUNCTION[op]).allow(word) {
                Ok(())
            } else {
                self.look(word, &mut limits[op])
            };
            let extra = RULES[op].extra;
            let good = if matches!(extra, Extra::None) {
                good
            } else {
                good.and_then(|()| self.extra(extra, word, at))
            };
            good.map_err(|what| Fault::new("code", start + at, what))?;
        }
        let last = code.last().map(|&word| RULES[usize::from(word as u8)].flow);
        let ends = matches!(last, Some(Flow::Jump | Flow::End));
        demand(ends, Section::Code, end - 1, "a function that does not end")
    }

    /// Checks an instruction that limits do not allow: the first of its number, one of which limits cannot tell, or one
    /// that is not within its bounds.
    #[cold]
    fn look(&self, word: u64, limits: &mut Parts) -> Result<(), &'static str> {
        let rule = &RULES[usize::from(word as u8)];
        let fields = [Field::X, Field::A, Field::B, Field::C, Field::W];
        let within =
            |field: &Field| u64::from(field.of(word)) < self.bounds[rule.bounds[*field as usize] as usize];
        if !fields.iter().all(within) {
            return Err(self.explain(word));
        }
        *limits = limits_of_tables(word as u8, &self.bounds);
        Ok(())
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

    /// What limits allow is what each field's bound allows; where they cannot tell, nothing.
    #[test]
    fn limits_are_the_bounds() {
        let mut seed = 1_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let fields = [Field::X, Field::A, Field::B, Field::C, Field::W];
        let (mut allowed, mut untold) = (0, 0);
        for turn in 0..200_000_u64 {
            let op = (turn % (OPS.len() as u64 + 1)) as u8;
            let rule = &RULES[usize::from(op)];
            let mut bounds: Bounds = [0; 32];
            for bound in &mut bounds {
                *bound = [0, 1, next(300), next(70_000), next(70_000), next(1 << 32)][next(6) as usize];
            }
            bounds[Bound::Any as usize] = 1 << 32;
            bounds[Bound::Never as usize] = 0;
            let function = Function {
                kind: FunctionKind::Root,
                flags: 0,
                name: u32::MAX,
                registers: bounds[Bound::Registers as usize] as u16,
                loops: bounds[Bound::Loops as usize] as u8,
                parameters: (0, 0),
                code: (0, 1),
                line: 1,
            };
            bounds[Bound::Registers as usize] = u64::from(function.registers);
            bounds[Bound::Loops as usize] = u64::from(function.loops);
            let limits = limits_of_tables(op, &bounds);
            let limits = limits.with(limits_of(&function), OF_FUNCTION[usize::from(op)]);
            // Around the bounds is where it matters.
            let mut at = |field: Field| {
                let bound = bounds[rule.bounds[field as usize] as usize];
                if bound > u64::from(u32::MAX) {
                    next(1 << 32)
                } else {
                    (bound + next(2)).saturating_sub(1 + next(2))
                }
            };
            let (x, a, wide) = (at(Field::X), at(Field::A), at(Field::W));
            let (b, c) = match rule.bounds[Field::W as usize] {
                Bound::Any => (at(Field::B), at(Field::C)),
                _ => (wide, wide >> 16),
            };
            let [x, a, b, c] = [x & 0xFF, a & 0xFFFF, b & 0xFFFF, c & 0xFFFF];
            let word = u64::from(op) | x << 8 | a << 16 | b << 32 | c << 48;
            let within =
                |field: &Field| u64::from(field.of(word)) < bounds[rule.bounds[*field as usize] as usize];
            let each = fields.iter().all(within);
            let tells = (0..=0x1_0000).contains(&bounds[rule.bounds[Field::W as usize] as usize])
                || rule.bounds[Field::W as usize] == Bound::Any;
            assert_eq!(limits.allow(word), each && tells, "{word:#x} in {bounds:?}");
            assert!(!Parts::NONE.with(limits_of(&function), OF_FUNCTION[usize::from(op)]).allow(word));
            allowed += usize::from(each);
            untold += usize::from(!tells);
        }
        for count in [allowed, untold] {
            assert!((5_000..195_000).contains(&count), "{count}: the cases are of both kinds");
        }
    }
}
