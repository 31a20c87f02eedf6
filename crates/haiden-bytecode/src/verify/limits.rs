//! Limits: what may stand in the parts of an instruction's word, in one number.
//!
//! In: [`RULES`], and the numbers that an image and a function put in for its [`Bound`]s. Out: for each class of
//! instructions, of which the same is demanded, the limits of their words; one subtraction compares all parts of a word with
//! them. Invariant: what limits allow is within its bounds, and passes its extra check. What they do not allow may do so, too:
//! that is for who looks at each operand.

use crate::image::MAX_CELLS;
use crate::rules::{Bound, Bounds, Extra, RULES, Rule};

/// The bit above each part of 15 bits of an instruction's word. Limits have it where something is allowed: it goes when more
/// is subtracted from a part than it holds.
pub(super) const TOPS: u64 = 0x8000_8000_8000_8000;
/// Limits that allow nothing. A part without its top bit has all others, so that nothing is ever borrowed.
pub(super) const NONE: u64 = !TOPS;

/// The parts of a word: the instruction's number, to which limits say nothing, and its fields; the last is `b` and `c` as one.
const NUMBER: u64 = 0xFF;
const FIELDS: [u64; 5] = [0xFF << 8, 0xFFFF << 16, 0xFFFF << 32, 0xFFFF << 48, 0xFFFF_FFFF << 32];
/// Where in [`FIELDS`], and among a rule's bounds, the operand of 32 bits is.
const WIDE: usize = 4;

/// Are all of these words within their limits? One with the top bit in a part, which is rare, is within none.
#[inline(always)]
pub(super) fn all_within(words: &[[u8; 8]], limits: impl Fn(u8) -> u64) -> bool {
    let (mut left, mut seen) = (TOPS, 0);
    for word in words {
        let word = u64::from_le_bytes(*word);
        left &= limits(word as u8).wrapping_sub(word);
        seen |= word;
    }
    left & !seen & TOPS == TOPS
}

/// The limit of a part, or of the `width` bits at its end, for what must stay below `bound`.
#[inline(always)]
const fn below(bound: u64, width: u32) -> u64 {
    let (top, most) = (1 << (width - 1), (1 << (width - 1)) - 1);
    let last = bound.wrapping_sub(1);
    // For 0 there is no last one.
    (if last > most { most } else { last }) | if bound > 0 { top } else { 0 }
}

/// What numbers allow, by [`Bound`]: to each part, and behind that, from [`Allowed::OF_WIDE`] on, to `w`.
#[derive(Clone, Copy)]
pub(super) struct Allowed([u64; 64]);

impl Allowed {
    const OF_WIDE: usize = 32;

    /// What those allow that are the same for all.
    pub(super) const fn new() -> Allowed {
        let mut bounds: Bounds = [0; 32];
        set_numbers(&mut bounds);
        let mut allowed = [NONE; 64];
        let mut bound = 0;
        while bound < bounds.len() {
            allowed[bound] = narrow(bounds[bound]);
            allowed[Self::OF_WIDE + bound] = wide(bounds[bound]);
            bound += 1;
        }
        Allowed(allowed)
    }

    /// Puts in a number that has a say in parts.
    #[inline(always)]
    pub(super) fn set(&mut self, bound: Bound, value: u64) {
        let part = below(value, 16);
        self.0[bound as usize] = part << 16 | part << 32 | part << 48;
    }

    /// Puts in a number that has a say in `x`.
    #[inline(always)]
    pub(super) fn set_of_x(&mut self, bound: Bound, value: u64) {
        self.0[bound as usize] = below(value, 8) << 8;
    }

    /// Puts in a number that has a say in `w`.
    #[inline(always)]
    pub(super) fn set_of_wide(&mut self, bound: Bound, value: u64) {
        self.0[Self::OF_WIDE + bound as usize] = wide(value);
    }

    /// What is allowed to instructions of this number.
    #[inline(always)]
    pub(super) fn limits_of(&self, op: u8) -> u64 {
        self.limits(&CLASSES[usize::from(CLASS[usize::from(op)])])
    }

    /// By class: what is allowed to its instructions.
    pub(super) fn set_limits(&self, limits: &mut [u64; 256]) {
        for (limits, class) in limits.iter_mut().zip(&CLASSES) {
            *limits = self.limits(class);
        }
    }

    #[inline(always)]
    fn limits(&self, class: &Class) -> u64 {
        class.says.iter().fold(class.always, |all, say| all | self.0[say.by & 63] & say.parts)
    }
}

/// The bounds that every image has.
pub(super) const fn set_numbers(bounds: &mut Bounds) {
    bounds[Bound::Any as usize] = 1 << 32;
    bounds[Bound::Two as usize] = 2;
    bounds[Bound::Three as usize] = 3;
    bounds[Bound::Four as usize] = 4;
    bounds[Bound::Seven as usize] = 7;
    bounds[Bound::Sixteen as usize] = 16;
    bounds[Bound::Cells as usize] = MAX_CELLS as u64 + 1;
}

/// Is it one of those?
const fn is_number(bound: Bound) -> bool {
    bound as u8 <= Bound::Cells as u8
}

/// The limits of parts that must stay below `bound`.
const fn narrow(bound: u64) -> u64 {
    let part = below(bound, 16);
    NUMBER | below(bound, 8) << 8 | part << 16 | part << 32 | part << 48
}

/// The limits of a `w` that must stay below `bound`: a small one is a small third part and no fourth one. Parts cannot tell of
/// others.
#[inline(always)]
const fn wide(bound: u64) -> u64 {
    if bound > 0x8000 { NONE } else { below(bound, 16) << 32 | below(1, 16) << 48 }
}

/// Instructions of which the same is demanded.
#[derive(Clone, Copy)]
struct Class {
    /// The limits that are always the same.
    always: u64,
    /// In which parts numbers of image and function have a say.
    says: [Say; 3],
}

/// A number has a say in parts of a word.
#[derive(Clone, Copy)]
struct Say {
    /// Which entry of [`Allowed`].
    by: usize,
    parts: u64,
}

const SILENT: Say = Say { by: 0, parts: 0 };
/// The first class: those whose limits allow nothing, since an instruction of them has to be looked at.
const LOOKED_AT: Class = Class { always: NONE, says: [SILENT; 3] };

impl Class {
    /// The class of instructions with this rule.
    const fn of(rule: &Rule) -> Class {
        let mut bounds = rule.bounds;
        match rule.extra {
            Extra::None => {}
            Extra::Call(first, _) => bounds[first as usize] = Bound::Callees,
            Extra::Filter(first) => bounds[first as usize] = Bound::Filtered,
            Extra::Test(first) => bounds[first as usize] = Bound::Tested,
            Extra::Locals => bounds[WIDE] = Bound::OwnLocals,
            Extra::List(..)
            | Extra::Near
            | Extra::Overlay
            | Extra::LocalsOrNone
            | Extra::IsMacro
            | Extra::IsLoop
            | Extra::InLoop
            | Extra::Cells => return LOOKED_AT,
        }
        let is_wide = !matches!(bounds[WIDE], Bound::Any);
        let mut class = Class { always: NUMBER, says: [SILENT; 3] };
        let (mut field, mut count) = (0, 0);
        while field < bounds.len() {
            let bound = bounds[field];
            let by = bound as usize + if field == WIDE { Allowed::OF_WIDE } else { 0 };
            // `b` and `c`, or `w`.
            let parts = if field > 1 && is_wide != (field == WIDE) { 0 } else { FIELDS[field] };
            if is_number(bound) {
                class.always |= Allowed::new().0[by] & parts;
            } else if count > 0 && class.says[count - 1].by == by {
                class.says[count - 1].parts |= parts;
            } else {
                class.says[count] = Say { by, parts };
                count += 1;
            }
            field += 1;
        }
        class
    }

    const fn is(&self, other: &Class) -> bool {
        let (mut say, mut same) = (0, self.always == other.always);
        while say < self.says.len() {
            same &= self.says[say].by == other.says[say].by && self.says[say].parts == other.says[say].parts;
            say += 1;
        }
        same
    }
}

/// All classes, how many there are, and by an instruction's number which is its own.
const CLASSED: ([Class; 256], usize, [u8; 256]) = {
    let (mut classes, mut count, mut own) = ([LOOKED_AT; 256], 1, [0; 256]);
    let mut number = 0;
    while number < own.len() {
        let class = Class::of(&RULES[number]);
        let mut place = 0;
        while place < count && !classes[place].is(&class) {
            place += 1;
        }
        if place == count {
            classes[count] = class;
            count += 1;
        }
        own[number] = place as u8;
        number += 1;
    }
    (classes, count, own)
};
static CLASSES: [Class; CLASSED.1] = {
    let (mut classes, mut place) = ([LOOKED_AT; CLASSED.1], 0);
    while place < classes.len() {
        classes[place] = CLASSED.0[place];
        place += 1;
    }
    classes
};
/// By an instruction's number: its class.
pub(super) static CLASS: [u8; 256] = CLASSED.2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Field, OPS};

    /// What limits allow is what each field's bound allows, if parts can tell.
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
            let mut rule = RULES[usize::from(op)];
            // As if any call needed one register more: the number says so.
            match rule.extra {
                Extra::Call(first, _) => rule.bounds[first as usize] = Bound::Callees,
                Extra::Filter(first) => rule.bounds[first as usize] = Bound::Filtered,
                Extra::Test(first) => rule.bounds[first as usize] = Bound::Tested,
                Extra::Locals => rule.bounds[WIDE] = Bound::OwnLocals,
                _ => {}
            }
            let mut bounds: Bounds = [0; 32];
            for bound in &mut bounds {
                *bound = [0, 1, next(300), next(40_000), next(70_000), next(1 << 31)][next(6) as usize];
            }
            set_numbers(&mut bounds);
            bounds[Bound::Never as usize] = 0;
            let mut numbers = Allowed::new();
            for bound in Bound::ALL.into_iter().filter(|&bound| !is_number(bound)) {
                match bound {
                    Bound::Loops => numbers.set_of_x(bound, bounds[bound as usize]),
                    _ => numbers.set(bound, bounds[bound as usize]),
                }
                numbers.set_of_wide(bound, bounds[bound as usize]);
            }
            let bound = |field: Field| bounds[rule.bounds[field as usize] as usize];
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
            let tells =
                word & TOPS == 0 && (!is_wide || bound(Field::W) <= 1 << 15) && CLASS[usize::from(op)] != 0;
            let mut limits = [NONE; 256];
            numbers.set_limits(&mut limits);
            assert_eq!(numbers.limits_of(op), limits[usize::from(CLASS[usize::from(op)])]);
            let is_allowed =
                all_within(&[word.to_le_bytes()], |op| limits[usize::from(CLASS[usize::from(op)])]);
            assert_eq!(is_allowed, each && tells, "{word:#x} in {bounds:?}");
            within += usize::from(each);
            allowed += usize::from(is_allowed);
        }
        assert!((10_000..within).contains(&allowed) && within < 300_000, "{allowed} of {within}: all kinds");
    }

    /// A word that is not within its limits shows among others that are.
    #[test]
    fn one_among_many() {
        const LIMIT: u64 = 0x8007_8003_8001_82FF;
        let good = [0x0007_0003_0001_0200_u64, 0x0000_0001_0000_0105].map(u64::to_le_bytes);
        let limits = |_| LIMIT;
        for place in 0..8 {
            let mut words = [good[place % 2]; 8];
            assert!(all_within(&words, limits), "{place}");
            for part in [0x0000_0000_0000_0300_u64, 2 << 16, 4 << 32, 8 << 48, 0xFFFF << 16, 0x8000 << 48] {
                words[place] = part.to_le_bytes();
                assert!(!all_within(&words, limits), "{part:#x} at {place}");
            }
        }
    }
}
