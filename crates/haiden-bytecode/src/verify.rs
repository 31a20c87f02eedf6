//! Verify: is every index of an image in range, and is its code safe to run?
//!
//! In: an [`Image`], from the assembler (debug builds) or from bytes (always). Out: nothing, or the first [`Fault`].
//! One linear pass per table. Beyond ranges it keeps an image from naming the same long text over and over where
//! linking would have to do work for each: what linking costs is bounded by the image's length.
//!
//! What it leaves to the virtual machine, which must answer with an error: loops and captures that are ended but were
//! never begun, cells that no block has, instructions that run where their value does not exist (`LoadSuper` outside a
//! block), and everything that fuel and limits are for.

mod code;
mod limits;

use self::code::{Most, check_code};
use crate::format::{Maxima, Section};
use crate::image::{
    AUTOESCAPE, CATCH_CALLER, CATCH_KWARGS, CATCH_VARARGS, Constant, EXPLICIT_CALLER, Function, FunctionKind,
    Image, MAX_BIG_INT_DIGITS, MAX_CONSTANT_DEPTH, Reference, ReferenceCall, VOLATILE,
};
use crate::lines;
use crate::plain::Numbers;
use crate::rejection::Fault;

/// Checks an image; see the module's text.
pub fn verify(image: &Image) -> Result<(), Fault> {
    measure(image).map(drop)
}

/// Checks an image, and tells its maxima: those of [`Maxima::of`], without another pass.
pub(crate) fn measure(image: &Image) -> Result<Maxima, Fault> {
    check_strings(image)?;
    check_names(image)?;
    let of_shapes = check_shapes(image)?;
    check_references(image, Section::Filters, &image.filters)?;
    let of_filters = check_calls(image, Section::FilterCalls, &image.filter_calls, image.filters.len())?;
    check_references(image, Section::Tests, &image.tests)?;
    let of_tests = check_calls(image, Section::TestCalls, &image.test_calls, image.tests.len())?;
    let constant_depth = check_constants(image)?;
    check_functions(image)?;
    check_blocks(image)?;
    check_locals(image)?;
    lines::check(image.plain.lines(), image.code().len())?;
    let cells = check_code(image, Most { shapes: of_shapes, filters: of_filters, tests: of_tests })?;
    Ok(Maxima { constant_depth, cells, ..Maxima::of_functions(&image.functions) })
}

/// A fault unless `good`.
fn demand(good: bool, section: Section, at: usize, what: &'static str) -> Result<(), Fault> {
    if good { Ok(()) } else { Err(Fault::new(section.name(), at, what)) }
}

/// Each index is below `bound`.
fn in_range(
    indices: impl Iterator<Item = u32> + Clone,
    bound: usize,
    section: Section,
    what: &'static str,
) -> Result<(), Fault> {
    // All are compared: that takes less than to stop at the first one.
    let mut good = true;
    for index in indices.clone() {
        good &= (index as usize) < bound;
    }
    if good {
        return Ok(());
    }
    let at = { indices }.position(|index| index as usize >= bound);
    Err(Fault::new(section.name(), at.unwrap_or_default(), what))
}

/// Strings follow each other through the whole text.
fn check_strings(image: &Image) -> Result<(), Fault> {
    let (last, ends, text) = (image.string_count(), image.string_ends(), image.padded_text().as_bytes());
    let reach = ends.at(last) as usize;
    let mut good = ends.at(0) == 0 && reach == image.text.len();
    if image.text_is_ascii() {
        good &= ascend(ends);
    } else {
        let mut before = 0;
        for end in ends.iter() {
            // What lies behind the text is no part of a character.
            good &= end >= before && text.get(end as usize).is_some_and(|byte| byte & 0xC0 != 0x80);
            before = end;
        }
    }
    if good {
        return Ok(());
    }
    demand(ends.at(0) == 0, Section::Strings, 0, "text before the strings")?;
    for (at, (start, end)) in ends.iter().zip(ends.iter().skip(1)).enumerate() {
        demand(end >= start, Section::Strings, at, "strings out of order")?;
        let good = image.text.is_char_boundary(end as usize);
        demand(good, Section::Strings, at, "ends within a character")?;
    }
    demand(reach == image.text.len(), Section::Strings, last, "text after the strings")
}

/// Are none of these numbers lower than the one before? Those beyond 31 bits are no answer.
fn ascend(numbers: Numbers<'_>) -> bool {
    let pairs = numbers.iter().zip(numbers.iter().skip(1));
    // A difference of two that have no sign has one if it is negative.
    let signs =
        pairs.fold(numbers.at(0), |signs, (before, number)| signs | number | number.wrapping_sub(before));
    signs >> 31 == 0
}

/// Names, and what names strings and names one by one.
fn check_names(image: &Image) -> Result<(), Fault> {
    let names = image.plain.names().len();
    increasing(image.plain.names().iter(), image.string_count(), Section::Names)?;
    let dependencies = image.dependencies.iter().map(|dependency| dependency.name);
    increasing(dependencies, image.string_count(), Section::Dependencies)?;
    in_range(image.sites().map(|site| site.name), names, Section::Sites, "no such name")?;
    let readers = 1 + image.filters.len() + image.tests.len();
    in_range(image.sites().map(|site| site.reader), readers, Section::Sites, "no such filter or test")?;
    in_range(image.plain.parameters().iter(), names, Section::Parameters, "no such name")
}

/// Strings, each named once.
fn increasing(strings: impl Iterator<Item = u32>, bound: usize, section: Section) -> Result<(), Fault> {
    let mut least = 0;
    for (at, string) in strings.enumerate() {
        demand(string as usize >= least, section, at, "strings not in ascending order")?;
        demand((string as usize) < bound, section, at, "no such string")?;
        least = string as usize + 1;
    }
    Ok(())
}

/// Call shapes. Returns how many registers the largest takes.
fn check_shapes(image: &Image) -> Result<usize, Fault> {
    let mut most = 0;
    for (at, shape) in image.shapes.iter().enumerate() {
        let good = shape.keywords.iter().all(|&name| (name as usize) < image.plain.names().len());
        demand(good, Section::Shapes, at, "no such name")?;
        most = most.max(shape.registers());
    }
    Ok(most)
}

/// How many names an image may have for what is noted of each to stand on the stack.
const FEW_NAMES: usize = 256;

/// Does something with a byte for each name, zero at first.
fn with_names(image: &Image, check: impl FnOnce(&mut [u8]) -> Result<(), Fault>) -> Result<(), Fault> {
    let (names, mut few) = (image.plain.names().len(), [0; FEW_NAMES]);
    match few.get_mut(..names) {
        Some(seen) => check(seen),
        None => check(&mut vec![0; names]),
    }
}

/// Filters or tests: each pair of name and hardness once.
fn check_references(image: &Image, section: Section, references: &[Reference]) -> Result<(), Fault> {
    if references.is_empty() {
        return Ok(());
    }
    with_names(image, |seen| {
        for (at, reference) in references.iter().enumerate() {
            let Some(seen) = seen.get_mut(reference.name as usize) else {
                return Err(Fault::new(section.name(), at, "no such name"));
            };
            let bit = 1 << u8::from(reference.hard);
            demand(*seen & bit == 0, section, at, "there twice")?;
            *seen |= bit;
        }
        Ok(())
    })
}

/// Calls of filters or tests. Returns how many registers the largest takes for its arguments, or more.
fn check_calls(
    image: &Image,
    section: Section,
    calls: &[ReferenceCall],
    references: usize,
) -> Result<usize, Fault> {
    let (mut good, mut used) = (true, 0_u64);
    for call in calls {
        good &= (call.reference as usize) < references && (call.shape as usize) < image.shapes.len();
        used |= 1 << (call.shape % u64::BITS);
    }
    if !good {
        let known = |call: &ReferenceCall| (call.reference as usize) < references;
        let at = calls.iter().position(|call| !known(call) || call.shape as usize >= image.shapes.len());
        let at = at.expect("one of them is not good");
        let what = if known(&calls[at]) { "no such call shape" } else { "no such filter or test" };
        return Err(Fault::new(section.name(), at, what));
    }
    // Of more shapes than bits some others may be among those.
    let is_used = |at: usize| used >> (at as u32 % u64::BITS) & 1 == 1;
    let shapes = image.shapes.iter().enumerate().filter(|&(at, _)| is_used(at));
    Ok(shapes.map(|(_, shape)| shape.registers()).max().unwrap_or(0))
}

/// Set in a value's entry on the stack if it can be a dict's key.
const HASHABLE: u8 = 0x80;

/// Constants are well-formed in post-order, of bounded depth, and their numbers are canonical. Returns the largest depth.
fn check_constants(image: &Image) -> Result<u32, Fault> {
    // Each has a text of its own, or linking would copy one over and over.
    let (ends, mut texts, mut plain) = (image.string_ends(), 0_u64, true);
    for (at, constant) in image.constants.iter().enumerate() {
        let bad = |what| Err(Fault::new(Section::Constants.name(), at, what));
        match *constant {
            Constant::None | Constant::Bool(_) | Constant::Int(_) | Constant::Float(_) => {}
            Constant::Str(string) | Constant::Markup(string) | Constant::BigInt(string) => {
                if string as usize >= image.string_count() {
                    return bad("no such string");
                }
                texts += u64::from(ends.at(string as usize + 1) - ends.at(string as usize));
                if texts > image.text.len() as u64 {
                    return bad("a text there twice");
                }
                plain &= !matches!(constant, Constant::BigInt(_));
            }
            Constant::Tuple(_) | Constant::List(_) | Constant::Dict(_) => plain = false,
        }
    }
    // Most images have texts and numbers only: nothing to take apart.
    if plain {
        return Ok(u32::from(!image.constants.is_empty()));
    }
    // Per value that no container has taken yet: its depth, and whether it is hashable.
    let mut stack: Vec<u8> = Vec::with_capacity(image.constants.len());
    let mut deepest = 0;
    for (at, constant) in image.constants.iter().enumerate() {
        let bad = |what| Err(Fault::new(Section::Constants.name(), at, what));
        if let Constant::BigInt(string) = *constant
            && !is_canonical_big_int(image.string(string))
        {
            return bad("not a canonical large integer");
        }
        let Some(first) = stack.len().checked_sub(constant.parts()) else {
            return bad("a container of more values than there are");
        };
        let parts = &stack[first..];
        let depth = 1 + parts.iter().map(|part| part & !HASHABLE).max().unwrap_or(0);
        if usize::from(depth) > MAX_CONSTANT_DEPTH {
            return bad("nested too deep");
        }
        deepest = deepest.max(depth);
        let hashable = match constant {
            Constant::List(_) | Constant::Dict(_) => false,
            _ => parts.iter().all(|part| part & HASHABLE != 0),
        };
        if matches!(constant, Constant::Dict(_)) && parts.iter().step_by(2).any(|key| key & HASHABLE == 0) {
            return bad("a dict with a key that cannot be one");
        }
        stack.truncate(first);
        stack.push(depth | if hashable { HASHABLE } else { 0 });
    }
    Ok(u32::from(deepest))
}

/// The digits of an integer that 64 bits do not hold: no zeros or plus sign before it.
fn is_canonical_big_int(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    (19..=MAX_BIG_INT_DIGITS).contains(&digits.len())
        && digits[0] != b'0'
        && digits.iter().all(u8::is_ascii_digit)
        && (digits.len() > 19 || text.parse::<i64>().is_err())
}

/// Functions: their code and parameters follow each other through the whole tables.
fn check_functions(image: &Image) -> Result<(), Fault> {
    const SECTION: Section = Section::Functions;
    const FLAGS: u8 = CATCH_VARARGS | CATCH_KWARGS | CATCH_CALLER | EXPLICIT_CALLER | AUTOESCAPE | VOLATILE;
    let (mut parameters, mut code) = (0, 0);
    demand(!image.functions.is_empty(), SECTION, 0, "no root")?;
    for (at, f) in image.functions.iter().enumerate() {
        let root = f.kind == FunctionKind::Root;
        demand(root == (at == 0), SECTION, at, "the root is function 0 and no other")?;
        demand(f.flags & !FLAGS == 0, SECTION, at, "a flag that means nothing")?;
        let named = f.name == u32::MAX || (f.name as usize) < image.plain.names().len();
        demand(named, SECTION, at, "no such name")?;
        demand(f.code.0 == code && f.code.1 > code, SECTION, at, "code out of order, or none")?;
        demand(
            f.parameters.0 == parameters && f.parameters.1 >= parameters,
            SECTION,
            at,
            "parameters out of order",
        )?;
        demand(arguments(f) <= u64::from(f.registers), SECTION, at, "more parameters than registers")?;
        (parameters, code) = (f.parameters.1, f.code.1);
    }
    let end = image.functions.len();
    demand(code as usize == image.code().len(), SECTION, end, "code of no function, or less than they say")?;
    demand(
        parameters as usize == image.plain.parameters().len(),
        SECTION,
        end,
        "parameters of no function, or less than they say",
    )
}

/// How many registers the caller of a function fills.
fn arguments(f: &Function) -> u64 {
    let catches = f.flags & (CATCH_VARARGS | CATCH_KWARGS | CATCH_CALLER);
    let iterable = u64::from(f.kind == FunctionKind::Loop);
    (u64::from(f.parameters.1 - f.parameters.0) + u64::from(catches.count_ones())).max(iterable)
}

fn check_blocks(image: &Image) -> Result<(), Fault> {
    if image.blocks.is_empty() {
        return Ok(());
    }
    with_names(image, |seen| {
        for (at, block) in image.blocks.iter().enumerate() {
            let function = image.functions.get(block.function as usize);
            let good = function.is_some_and(|function| function.kind == FunctionKind::Block);
            demand(good, Section::Blocks, at, "no such block function")?;
            let Some(seen) = seen.get_mut(block.name as usize) else {
                return Err(Fault::new(Section::Blocks.name(), at, "no such name"));
            };
            demand(std::mem::replace(seen, 1) == 0, Section::Blocks, at, "there twice")?;
        }
        Ok(())
    })
}

fn check_locals(image: &Image) -> Result<(), Fault> {
    let mut end = 0;
    for (at, run) in image.locals.iter().enumerate() {
        demand(run.0 == end && run.1 >= end, Section::Locals, at, "tables out of order")?;
        end = run.1;
    }
    let all = image.local_entries.len();
    demand(end as usize == all, Section::Locals, image.locals.len(), "not the entries there are")?;
    let names = image.local_entries.iter().map(|&(name, _)| name);
    in_range(names, image.plain.names().len(), Section::LocalEntries, "no such name")
}
