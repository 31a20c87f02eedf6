//! Verify the code: is every operand of every instruction in range?
//!
//! In: an image whose other tables are good. Out: the first fault, or the one measure that only the code tells. What an
//! instruction may hold is worked out once for each function that has it ([`Limit`]), from the rules and the function's
//! measures; after that an instruction costs two subtractions, one of them of all its parts at once.

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
        shape_registers: image.shapes.iter().map(|shape| 1 + shape.registers() as u64).collect(),
        locals_registers: (0..image.locals.len() as u32)
            .map(|table| image.locals(table).iter().map(|&(_, r)| 1 + u64::from(r)).max().unwrap_or(0))
            .collect(),
    };
    let mut limits = [Limit::default(); 256];
    for (function, turn) in image.functions.iter().zip(1..) {
        checker.function(function, turn, &mut limits)?;
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

/// The most that the fields of an instruction may hold in the function at hand.
#[derive(Clone, Copy, Default)]
struct Limit {
    /// Of the word's four parts of 16 bits the first and the third, with [`GUARDS`] above them. The first part is the
    /// instruction's number and, above it, `x`: with the number in the limit, too, comparing it compares `x`.
    even: u64,
    /// The second and the fourth part, likewise.
    odd: u64,
    /// Field `w`.
    wide: u32,
    /// The turn of the function for which it was made; with [`SPECIAL`] if there is more to check.
    turn: u32,
}

/// There is something to check that bounds cannot say.
const SPECIAL: u32 = 1 << 31;

/// Every other part of 16 bits.
const PARTS: u64 = 0x0000_FFFF_0000_FFFF;
/// The bit above each of [`PARTS`]: it goes when more is subtracted from a part than it holds.
const GUARDS: u64 = 0x0001_0000_0001_0000;

impl Limit {
    /// The limits of an instruction whose fields must stay below `bounds`; `None` if nothing can.
    fn new(op: u8, bounds: [u64; 5], turn: u32) -> Option<Limit> {
        if bounds.contains(&0) {
            return None;
        }
        let most = |field: Field, width: u32| (bounds[field as usize] - 1).min((1 << width) - 1);
        let first = u64::from(op) | most(Field::X, 8) << 8;
        let even = first | most(Field::B, 16) << 32 | GUARDS;
        let odd = most(Field::A, 16) | most(Field::C, 16) << 32 | GUARDS;
        Some(Limit { even, odd, wide: most(Field::W, 32) as u32, turn })
    }

    /// What is left of the guards where a word's parts are within the limits, and less than nothing where `w` is not.
    #[inline(always)]
    fn left(&self, word: u64) -> (u64, i64) {
        let parts = (self.even - (word & PARTS)) & (self.odd - (word >> 16 & PARTS));
        (parts, i64::from(self.wide) - i64::from(ops::w(word)))
    }

    /// Are all fields of an instruction within the limits?
    fn allows(&self, word: u64) -> bool {
        let (parts, wide) = self.left(word);
        parts & GUARDS == GUARDS && wide >= 0
    }
}

/// How many instructions from the first on have limits for this turn, and whether these allow them all.
///
/// This is what verifying costs: there is one branch in it, and what is found is put together without looking.
fn ordinary(code: &[u64], limits: &Limits, turn: u32) -> (usize, bool) {
    let (mut parts, mut wide) = (GUARDS, 0);
    let mut count = code.len();
    for (at, &word) in code.iter().enumerate() {
        let limit = &limits[usize::from(word as u8)];
        if limit.turn != turn {
            count = at;
            break;
        }
        let left = limit.left(word);
        parts &= left.0;
        wide |= left.1;
    }
    (count, parts == GUARDS && wide >= 0)
}

/// Checks code, function by function.
struct Checker<'a> {
    image: &'a Image,
    bounds: Bounds,
    /// The largest block of cells up to here.
    cells: u32,
    /// The kind of the function at hand.
    kind: FunctionKind,
    /// How many registers callee and arguments of each call shape take.
    shape_registers: Vec<u64>,
    /// How many registers a function needs for each table of locals.
    locals_registers: Vec<u64>,
}

/// By an instruction's number, made when a function has the first one of it.
type Limits = [Limit; 256];

impl Checker<'_> {
    /// Checks a function, the `turn`th, counted from 1.
    fn function(&mut self, function: &Function, turn: u32, limits: &mut Limits) -> Result<(), Fault> {
        let (start, end) = (function.code.0 as usize, function.code.1 as usize);
        self.kind = function.kind;
        self.bounds[Bound::Registers as usize] = u64::from(function.registers);
        self.bounds[Bound::Loops as usize] = u64::from(function.loops);
        self.bounds[Bound::Code as usize] = (end - start) as u64;
        let code = &self.image.code[start..end];
        let mut rest = code;
        loop {
            let (ordinary, good) = ordinary(rest, limits, turn);
            let at = code.len() - rest.len();
            if !good && let Some(fault) = self.first_beyond(start + at, ordinary, limits) {
                return Err(fault);
            }
            let Some((&word, behind)) = rest[ordinary..].split_first() else { break };
            let at = at + ordinary;
            self.special(word, at, turn, limits).map_err(|what| Fault::new("code", start + at, what))?;
            rest = behind;
        }
        let last = code.last().map(|&word| RULES[usize::from(word as u8)].flow);
        let ends = matches!(last, Some(Flow::Jump | Flow::End));
        demand(ends, Section::Code, end - 1, "a function that does not end")
    }

    /// Checks an instruction that is the first of its number in the function, or that has more to check than bounds.
    fn special(&mut self, word: u64, at: usize, turn: u32, limits: &mut Limits) -> Result<(), &'static str> {
        let rule = &RULES[usize::from(word as u8)];
        let limit = &mut limits[usize::from(word as u8)];
        if limit.turn & !SPECIAL != turn {
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
        let bounds = rule.bounds.map(|bound| self.bounds[bound as usize]);
        let special = if matches!(rule.extra, Extra::None) { 0 } else { SPECIAL };
        Limit::new(word as u8, bounds, turn | special)
    }

    /// The first instruction that is beyond its limits, of the `count` from `start` on.
    #[cold]
    fn first_beyond(&self, start: usize, count: usize, limits: &Limits) -> Option<Fault> {
        let code = &self.image.code[start..start + count];
        let beyond = |word: u64| !limits[usize::from(word as u8)].allows(word);
        let (at, &word) = code.iter().enumerate().find(|&(_, &word)| beyond(word))?;
        Some(Fault::new("code", start + at, self.explain(word)))
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
        let kind = || self.image.functions[ops::w(word) as usize].kind;
        let good = |good: bool, what| if good { Ok(()) } else { Err(what) };
        match extra {
            Extra::None => Ok(()),
            Extra::Fixed(first, count) => run(value(first), u64::from(count)),
            Extra::List(first, count, times) => run(value(first), value(count) * u64::from(times)),
            Extra::Call(first, shape) => run(value(first), self.shape_registers[value(shape) as usize]),
            Extra::Filter(first) => {
                let call = self.image.filter_calls[ops::w(word) as usize];
                run(value(first), self.shape_registers[call.shape as usize])
            }
            Extra::Test(first) => {
                let call = self.image.test_calls[ops::w(word) as usize];
                run(value(first), self.shape_registers[call.shape as usize])
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
        let mut allowed = 0;
        for _ in 0..100_000 {
            let bounds = [next(300), next(70_000), next(70_000), next(70_000), next(1 << 31) * 3];
            // Around the bounds is where it matters.
            let mut at = |bound: u64| bound.saturating_sub(next(3)).wrapping_add(next(2));
            let (x, a, b, c) = (at(bounds[0]), at(bounds[1]), at(bounds[2]), at(bounds[3]));
            let word = ops::abc(ops::Op::Add, x as u8, a as u16, b as u16, c as u16);
            let each = fields.iter().all(|field| u64::from(field.of(word)) < bounds[*field as usize]);
            let limit = Limit::new(word as u8, bounds, 1);
            let all = limit.is_some_and(|limit| limit.allows(word));
            let at_once = limit.is_some_and(|limit| ordinary(&[word; 2], &[limit; 256], 1) == (2, true));
            assert_eq!(at_once, all, "{word:#x} in {bounds:?}");
            assert_eq!(all, each, "{word:#x} in {bounds:?}");
            allowed += usize::from(all);
        }
        assert!((1_000..99_000).contains(&allowed), "{allowed}: the cases are of both kinds");
    }
}
