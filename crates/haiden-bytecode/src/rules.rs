//! What the instruction table demands of each instruction's operands, prepared for the verifier.
//!
//! In: [`OPS`], at compile time. Out: [`RULES`], one [`Rule`] per value of an instruction's first byte: for each field
//! the [`Bound`] that its value must stay below, and the one [`Extra`] check that a bound cannot say. So verifying an
//! instruction compares its fields and, for few, does one more check; nothing in it depends on which instruction it is.
//! Instructions of which the same is demanded are one class: see `verify/limits.rs`.

use crate::ops::{Count, Field, Flow, Kind, OPS, Op};

/// What a field's value must stay below. The number indexes [`Bounds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Bound {
    /// Anything goes.
    Any,
    /// Nothing goes: no such instruction.
    Never,
    /// Small numbers.
    Two,
    /// As above.
    Three,
    /// As above.
    Four,
    /// `LoopField`'s codes.
    Seven,
    /// `include_flags`.
    Sixteen,
    /// The size of a block of cells.
    Cells,
    /// Entries of the image's tables.
    Texts,
    /// As above.
    Constants,
    /// As above.
    Names,
    /// As above.
    Sites,
    /// As above.
    Shapes,
    /// As above.
    FilterCalls,
    /// As above.
    TestCalls,
    /// As above.
    Functions,
    /// As above.
    Locals,
    /// Registers of the function.
    Registers,
    /// Registers of the function that have one behind them.
    Pairs,
    /// Registers of the function that have two behind them.
    Triples,
    /// Loop slots of the function.
    Loops,
    /// Instructions of the function.
    Places,
    /// Registers from which each call of the image fits into the function: if a first one is not below it, its own call has
    /// to be looked at.
    Callees,
    /// The same for calls of filters.
    Filtered,
    /// The same for calls of tests.
    Tested,
    /// The image's tables of locals, if the function has all their registers; else each has to be looked at.
    OwnLocals,
}

#[cfg(test)]
impl Bound {
    /// All of them.
    pub(crate) const ALL: [Bound; 26] = {
        use Bound::*;
        [
            Any,
            Never,
            Two,
            Three,
            Four,
            Seven,
            Sixteen,
            Cells,
            Texts,
            Constants,
            Names,
            Sites,
            Shapes,
            FilterCalls,
            TestCalls,
            Functions,
            Locals,
            Registers,
            Pairs,
            Triples,
            Loops,
            Places,
            Callees,
            Filtered,
            Tested,
            OwnLocals,
        ]
    };
}

/// The values of the [`Bound`]s. A power of two, so that indexing needs no check.
pub(crate) type Bounds = [u64; 32];

/// A check that a bound cannot say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Extra {
    /// None.
    #[default]
    None,
    /// Field times a number of registers from the one in the first field.
    List(Field, Field, u16),
    /// The registers of a call shape, and one for the callee.
    Call(Field, Field),
    /// The registers of a filter call.
    Filter(Field),
    /// The registers of a test call.
    Test(Field),
    /// Operand `c` as a distance.
    Near,
    /// Table `w` of locals has registers of this function only.
    Locals,
    /// The same for table `b`, and function `c` is the body of an overlay scope.
    Overlay,
    /// The same for table `a`, or 0xFFFF.
    LocalsOrNone,
    /// Function `w` is a macro or call block.
    IsMacro,
    /// Function `w` is a recursive loop.
    IsLoop,
    /// This function is a recursive loop.
    InLoop,
    /// None, but the number of cells in `w` is one of the image's measures.
    Cells,
}

/// What is demanded of one instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// Bounds of fields x, a, b, c, w.
    pub(crate) bounds: [Bound; 5],
    pub(crate) extra: Extra,
    pub(crate) flow: Flow,
}

/// The rules by first byte of the instruction.
pub(crate) static RULES: [Rule; 256] = rules();

const fn rules() -> [Rule; 256] {
    let unknown = Rule { bounds: [Bound::Never; 5], extra: Extra::None, flow: Flow::Next };
    let mut rules = [unknown; 256];
    let mut number = 0;
    while number < OPS.len() {
        rules[number] = rule(number);
        number += 1;
    }
    rules
}

const fn rule(number: usize) -> Rule {
    let info = &OPS[number];
    let Some(op) = Op::from_code(number as u8) else { panic!("the table is dense") };
    let mut rule = Rule { bounds: [Bound::Any; 5], extra: Extra::None, flow: info.flow };
    let mut fixed = None;
    if let Some(span) = &info.span {
        rule.extra = match span.count {
            Count::Fixed(n) => {
                fixed = Some((span.first, n));
                Extra::None
            }
            Count::Field(count, times) => Extra::List(span.first, count, times),
            Count::Call(shape) => Extra::Call(span.first, shape),
            Count::Filter(call) => Extra::Filter(only_w(call, span.first)),
            Count::Test(call) => Extra::Test(only_w(call, span.first)),
        };
    }
    let mut i = 0;
    while i < info.operands.len() {
        let (field, kind) = info.operands[i];
        rule.bounds[field as usize] = bound(op, field, kind);
        let extra = extra(op, field, kind);
        rule.extra = match (rule.extra, extra) {
            (only, Extra::None) | (Extra::None, only) => only,
            _ => panic!("an instruction has one extra check"),
        };
        i += 1;
    }
    if let Some((first, count)) = fixed {
        rule.bounds[first as usize] = match count {
            2 => Bound::Pairs,
            3 => Bound::Triples,
            _ => panic!("say what first registers of so many stay below"),
        };
    }
    match op {
        Op::Recurse => rule.extra = Extra::InLoop,
        Op::MakeCells => rule.extra = Extra::Cells,
        _ => {}
    }
    rule
}

/// Filters and tests have their call in `w`: the field of the first register is all there is to know.
const fn only_w(call: Field, first: Field) -> Field {
    assert!(matches!(call, Field::W), "filter and test calls stand in w");
    first
}

const fn bound(op: Op, field: Field, kind: Kind) -> Bound {
    match kind {
        Kind::Out | Kind::In | Kind::InOut => Bound::Registers,
        // The extra check judges these.
        Kind::First | Kind::Count | Kind::Near | Kind::LocalsOrNone => Bound::Any,
        Kind::Target => Bound::Places,
        Kind::Text => Bound::Texts,
        Kind::Const => Bound::Constants,
        Kind::Name => Bound::Names,
        Kind::Site => Bound::Sites,
        Kind::Shape => Bound::Shapes,
        Kind::Filter => Bound::FilterCalls,
        Kind::Test => Bound::TestCalls,
        Kind::Function => Bound::Functions,
        Kind::Locals => Bound::Locals,
        Kind::Loop => Bound::Loops,
        Kind::Escape => Bound::Three,
        Kind::Imm => match (op, field) {
            (Op::LoadBool | Op::LoadContext | Op::Test, Field::X) => Bound::Two,
            (Op::Export, Field::X) => Bound::Three,
            (Op::For, Field::W) => Bound::Four,
            (Op::LoopGet, Field::B) => Bound::Seven,
            (Op::Include | Op::Import, Field::X) => Bound::Sixteen,
            (Op::MakeCells, Field::W) => Bound::Cells,
            _ => Bound::Any,
        },
    }
}

const fn extra(op: Op, field: Field, kind: Kind) -> Extra {
    match (kind, field) {
        (Kind::Near, Field::C) => Extra::Near,
        (Kind::Locals, Field::W) => Extra::Locals,
        (Kind::Locals, Field::B) => Extra::Overlay,
        // A function is judged together with the locals, and a target by its bound.
        (Kind::Function, Field::C) | (Kind::Target, Field::W) => Extra::None,
        (Kind::LocalsOrNone, Field::A) => Extra::LocalsOrNone,
        (Kind::Function, Field::W) => match op {
            Op::MakeMacro => Extra::IsMacro,
            Op::EnterLoop => Extra::IsLoop,
            _ => panic!("say what kind of function this instruction takes"),
        },
        (Kind::Near | Kind::Target | Kind::Locals | Kind::LocalsOrNone | Kind::Function, _) => {
            panic!("the verifier does not look for this kind of operand in this field")
        }
        _ => Extra::None,
    }
}
