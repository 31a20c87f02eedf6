//! Linking attribute sites: each with the filter or test that alone gets its value, if that makes a difference to the host.
//!
//! In: an image, its names and references as they are linked. Out: the host's sites, in their order. Invariant: a site that is
//! linked for its reader has one instruction, and that reader gets what it yields.

use haiden_bytecode::ops::{self, code};
use haiden_bytecode::{Image, Words};

use crate::host::{Host, LinkedReader, Linker};

/// What alone gets the value of an attribute site, as its number in the image's table.
#[derive(Clone, Copy)]
enum Reader {
    Filter(u32),
    Test(u32),
}

/// Is it an instruction that calls a filter or a test? By its number.
const CALLS: [bool; 256] = {
    let mut calls = [false; 256];
    calls[code::Filter as usize] = true;
    calls[code::EmitFilter as usize] = true;
    calls[code::Test as usize] = true;
    calls
};

/// Says where filters and tests are called: the place, and the instruction. Most do something else, and it is not for the
/// processor to guess which: some are looked at together.
#[inline(always)]
fn each_call(words: Words<'_>, mut called: impl FnMut(usize, u64)) {
    const SOME: usize = 8;
    let mut look = |first: usize, some: &[[u8; 8]]| {
        let is_call = |(place, word): (usize, &[u8; 8])| u32::from(CALLS[usize::from(word[0])]) << place;
        let mut calls = some.iter().enumerate().map(is_call).fold(0, |calls, call| calls | call);
        while calls != 0 {
            let place = calls.trailing_zeros() as usize;
            called(first + place, u64::from_le_bytes(some[place]));
            calls &= calls - 1;
        }
    };
    let (blocks, rest) = words.raw().as_chunks::<SOME>();
    for (block, first) in blocks.iter().zip((0..).step_by(SOME)) {
        look(first, block);
    }
    look(words.len() - rest.len(), rest);
}

/// Tells of the attribute sites of which a filter or test alone gets the value, and of that: as in `x.y|default(z)` and
/// `x.y is defined`. It is the next instruction but for one that loads an argument, and puts its result where the value was.
///
/// `reads` tells which filters and tests are asked for. A site that `GetAttr` reads has no other instruction: the
/// compiler promises it, and where a foreign image does not keep it, a value is missing that was undefined.
fn each_reader(image: &Image, reads: impl Fn(Reader) -> bool, mut found: impl FnMut(u32, Reader)) {
    let (code, filters, tests) = (image.code(), image.filter_calls(), image.test_calls());
    each_call(code, |place, word| {
        let call = ops::w(word) as usize;
        let reader = if word as u8 == code::Test {
            tests.get(call).map(|call| Reader::Test(call.reference))
        } else {
            filters.get(call).map(|call| Reader::Filter(call.reference))
        };
        if let Some(reader) = reader.filter(|&reader| reads(reader))
            && let Some(site) = read_by(image, code.run(0..place), word)
        {
            found(site, reader);
        }
    });
}

/// The attribute site of which this filter or test, which the instructions come before, gets the value. A filter has one
/// argument, a test none.
fn read_by(image: &Image, before: Words<'_>, word: u64) -> Option<u32> {
    let register = ops::a(word);
    let (calls, arguments) = match word as u8 {
        code::Test => (image.test_calls(), 0),
        _ => (image.filter_calls(), 1),
    };
    let shape = image.shapes().get(calls.get(ops::w(word) as usize)?.shape as usize)?;
    if !shape.keywords.is_empty() || shape.star || shape.star_star || shape.positional != arguments {
        return None;
    }
    let mut before = before.iter().rev();
    for _ in 0..arguments {
        let load = before.next()?;
        let is_load = matches!(load as u8, code::LoadConst | code::LoadInt | code::LoadBool | code::LoadNone);
        if !is_load || ops::a(load) == register {
            return None;
        }
    }
    let get = before.next()?;
    (get as u8 == code::GetAttr && ops::a(get) == register).then(|| u32::from(ops::c(get)))
}

/// The attribute sites, each with the filter or test that alone gets its value.
pub(crate) fn link_sites<H: Host>(
    image: &Image,
    names: &[H::Name],
    filters: &[Option<H::Filter>],
    tests: &[Option<H::Test>],
    linker: &mut impl Linker<H>,
) -> Box<[H::Site]> {
    // There are many of them, and each is made where it will be.
    let mut sites: Box<[H::Site]> =
        image.sites().iter().map(|name| linker.site(&names[name as usize])).collect();
    let linked = |reader| match reader {
        Reader::Filter(filter) => filters[filter as usize].as_ref().map(LinkedReader::Filter),
        Reader::Test(test) => tests[test as usize].as_ref().map(LinkedReader::Test),
    };
    let reads = |reader| linked(reader).is_some_and(|reader| linker.reads(&reader));
    let of_filters = (0..filters.len() as u32).map(Reader::Filter).map(reads);
    let of_tests = (0..tests.len() as u32).map(Reader::Test).map(reads);
    if sites.is_empty() || !(of_filters.clone().any(|reads| reads) || of_tests.clone().any(|reads| reads)) {
        return sites;
    }
    let of_filters: Vec<bool> = of_filters.collect();
    let of_tests: Vec<bool> = of_tests.collect();
    let reads = |reader| match reader {
        Reader::Filter(filter) => of_filters[filter as usize],
        Reader::Test(test) => of_tests[test as usize],
    };
    each_reader(image, reads, |site, reader| {
        if let (Some(site), Some(reader)) = (sites.get_mut(site as usize), linked(reader)) {
            linker.read_by(site, reader);
        }
    });
    sites
}
