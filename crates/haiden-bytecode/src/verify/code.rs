//! Verify the code: is every operand of every instruction in range?
//!
//! In: an image whose other tables are good. Out: the first fault, or the one measure that only the code tells. What an
//! instruction may hold is worked out once for each function that has it ([`Limit`]), from the rules and the function's
//! measures; after that an instruction costs two subtractions, each of two of its parts at once ([`Parts`]).

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
        locals_registers: (0..image.locals.len() as u32)
            .map(|table| image.locals(table).iter().map(|&(_, r)| 1 + u64::from(r)).max().unwrap_or(0))
            .collect(),
    };
    let (mut limits, mut ordinary) = ([Limit::NONE; 256], Ordinary::new());
    for (function, turn) in image.functions.iter().zip(1..) {
        checker.function(function, turn, &mut limits, &mut ordinary)?;
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

impl Parts {
    /// Allows nothing: there are no guards.
    const NONE: Parts = Parts { even: PARTS, odd: PARTS };

    #[inline(always)]
    fn allow(self, word: u64) -> bool {
        let left = (self.even - (word & PARTS)) & (self.odd - (word >> 16 & PARTS));
        left & GUARDS == GUARDS
    }
}

/// The most that the fields of an instruction may hold in the function at hand.
#[derive(Clone, Copy)]
struct Limit {
    parts: Parts,
    /// Field `w`.
    wide: u32,
    /// The turn of the function for which it was made.
    turn: u32,
}

impl Limit {
    const NONE: Limit = Limit { parts: Parts::NONE, wide: 0, turn: 0 };

    /// The limits of an instruction whose fields must stay below `bounds`; `None` if nothing can.
    fn new(op: u8, bounds: [u64; 5], turn: u32) -> Option<Limit> {
        if bounds.contains(&0) {
            return None;
        }
        let most = |field: Field, width: u32| (bounds[field as usize] - 1).min((1 << width) - 1);
        let first = u64::from(op) | most(Field::X, 8) << 8;
        let even = first | most(Field::B, 16) << 32 | GUARDS;
        let odd = most(Field::A, 16) | most(Field::C, 16) << 32 | GUARDS;
        Some(Limit { parts: Parts { even, odd }, wide: most(Field::W, 32) as u32, turn })
    }

    /// The same as limits of parts alone, if they can say it: a small `w` is a small third part and no fourth one.
    fn as_parts(&self) -> Option<Parts> {
        let Parts { even, odd } = self.parts;
        match self.wide {
            u32::MAX => Some(self.parts),
            wide @ ..=0xFFFF => {
                let third = (even >> 32 & 0xFFFF).min(u64::from(wide));
                let even = even & !(0xFFFF << 32) | third << 32;
                Some(Parts { even, odd: odd & !(0xFFFF << 32) })
            }
            _ => None,
        }
    }

    /// Are all fields of an instruction within the limits?
    fn allows(&self, word: u64) -> bool {
        self.parts.allow(word) && ops::w(word) <= self.wide
    }
}

/// By an instruction's number: what parts it may have that need no other look; nothing before a function has the first one.
struct Ordinary {
    parts: [Parts; 256],
    /// The numbers of those that are there, and how many there are.
    known: [u8; 256],
    count: usize,
}

impl Ordinary {
    fn new() -> Ordinary {
        Ordinary { parts: [Parts::NONE; 256], known: [0; 256], count: 0 }
    }

    fn learn(&mut self, op: u8, parts: Parts) {
        self.parts[usize::from(op)] = parts;
        self.known[self.count] = op;
        self.count += 1;
    }

    fn forget(&mut self) {
        for &op in &self.known[..self.count] {
            self.parts[usize::from(op)] = Parts::NONE;
        }
        self.count = 0;
    }

    /// The first instruction of these that needs another look: its place. This is what verifying costs.
    #[inline]
    fn first_other(&self, code: &[u64]) -> Option<usize> {
        code.iter().position(|&word| !self.parts[usize::from(word as u8)].allow(word))
    }
}

/// Checks code, function by function.
struct Checker<'a> {
    image: &'a Image,
    bounds: Bounds,
    /// The largest block of cells up to here.
    cells: u32,
    /// The kind of the function at hand.
    kind: FunctionKind,
    /// How many registers a function needs for each table of locals.
    locals_registers: Vec<u64>,
}

/// By an instruction's number, made when a function has the first one of it.
type Limits = [Limit; 256];

impl Checker<'_> {
    /// Checks a function, the `turn`th, counted from 1.
    fn function(
        &mut self,
        function: &Function,
        turn: u32,
        limits: &mut Limits,
        ordinary: &mut Ordinary,
    ) -> Result<(), Fault> {
        let (start, end) = (function.code.0 as usize, function.code.1 as usize);
        self.kind = function.kind;
        self.bounds[Bound::Registers as usize] = u64::from(function.registers);
        self.bounds[Bound::Loops as usize] = u64::from(function.loops);
        self.bounds[Bound::Code as usize] = (end - start) as u64;
        ordinary.forget();
        let code = &self.image.code[start..end];
        let mut rest = code;
        while let Some(other) = ordinary.first_other(rest) {
            let at = code.len() - rest.len() + other;
            let word = rest[other];
            let op = usize::from(word as u8);
            self.look(word, at, turn, &mut limits[op])
                .map_err(|what| Fault::new("code", start + at, what))?;
            if matches!(RULES[op].extra, Extra::None)
                && let Some(parts) = limits[op].as_parts()
            {
                ordinary.learn(word as u8, parts);
            }
            rest = &rest[other + 1..];
        }
        let last = code.last().map(|&word| RULES[usize::from(word as u8)].flow);
        let ends = matches!(last, Some(Flow::Jump | Flow::End));
        demand(ends, Section::Code, end - 1, "a function that does not end")
    }

    /// Checks an instruction that is the first of its number in the function, or that has more to check than bounds.
    fn look(&mut self, word: u64, at: usize, turn: u32, limit: &mut Limit) -> Result<(), &'static str> {
        let rule = &RULES[usize::from(word as u8)];
        if limit.turn != turn {
            match self.limit(word, turn) {
                Some(new) => *limit = new,
                None => return Err(self.explain(word)),
            }
        }
        if !limit.allows(word) {
            return Err(self.explain(word));
        }
        self.extra(rule.extra, word, at)
    }

    /// The limits of instructions of this number in the function at hand.
    #[cold]
    fn limit(&self, word: u64, turn: u32) -> Option<Limit> {
        let rule = &RULES[usize::from(word as u8)];
        Limit::new(word as u8, rule.bounds.map(|bound| self.bounds[bound as usize]), turn)
    }

    /// What is wrong with an instruction that is not within its bounds.
    #[cold]
    fn explain(&self, word: u64) -> &'static str {
        use crate::ops::Field::{A, B, C, W, X};
        let rule = &RULES[usize::from(word as u8)];
        let outside = [X, A, B, C, W].into_iter().find(|field| {
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
            Some(Bound::Code) => "a jump out of the function",
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
        let value = |field: crate::ops::Field| u64::from(field.of(word));
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
                let target = at as i64 + 1 + i64::from(ops::c(word) as i16);
                let inside = (0..self.bounds[Bound::Code as usize] as i64).contains(&target);
                good(inside, "a jump out of the function")
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

    /// All fields at once say what each says by itself.
    #[test]
    fn limits_are_the_bounds() {
        let mut seed = 1_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let fields = [Field::X, Field::A, Field::B, Field::C, Field::W];
        let (mut allowed, mut by_parts) = (0, 0);
        for _ in 0..100_000 {
            let wide = if next(2) == 0 { next(70_000) } else { next(1 << 31) * 3 };
            let bounds = [next(300), next(70_000), next(70_000), next(70_000), wide];
            let near_wide = next(2) == 0;
            // Around the bounds is where it matters.
            let mut at = |bound: u64| bound.saturating_sub(next(3)).wrapping_add(next(2));
            let (x, a, b, c) = (at(bounds[0]), at(bounds[1]), at(bounds[2]), at(bounds[3]));
            let wide = at(bounds[4]);
            let (b, c) = if near_wide { (wide, wide >> 16) } else { (b, c) };
            let word = ops::abc(ops::Op::Add, x as u8, a as u16, b as u16, c as u16);
            let each = fields.iter().all(|field| u64::from(field.of(word)) < bounds[*field as usize]);
            let limit = Limit::new(word as u8, bounds, 1);
            let all = limit.is_some_and(|limit| limit.allows(word));
            let parts = limit.and_then(|limit| limit.as_parts());
            let at_once = parts.map_or(all, |parts| parts.allow(word));
            assert_eq!(at_once, all, "{word:#x} in {bounds:?}");
            assert_eq!(all, each, "{word:#x} in {bounds:?}");
            by_parts += usize::from(parts.is_some());
            allowed += usize::from(all);
        }
        for count in [allowed, by_parts] {
            assert!((1_000..99_000).contains(&count), "{count}: the cases are of both kinds");
        }
        assert!(!Parts::NONE.allow(0) && !Parts::NONE.allow(u64::MAX));
    }
}
