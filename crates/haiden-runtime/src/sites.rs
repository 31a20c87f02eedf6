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

/// Where filters and tests are called. Most instructions do something else: many are passed by at once.
fn calls(words: Words<'_>) -> impl Iterator<Item = usize> {
    const MANY: usize = 8;
    let is_call = |word: &[u8; 8]| CALLS[usize::from(word[0])];
    let (blocks, rest) = words.raw().as_chunks::<MANY>();
    let any = move |(block, _): &(&[_; MANY], _)| block.iter().fold(false, |any, word| any | is_call(word));
    let blocks = blocks.iter().zip((0..).step_by(MANY)).filter(any).map(|(block, first)| (&block[..], first));
    let last = std::iter::once((rest, words.len() - rest.len()));
    blocks.chain(last).flat_map(move |(some, first)| {
        (first..).zip(some).filter(move |(_, word)| is_call(word)).map(|(place, _)| place)
    })
}

/// The attribute sites of which a filter or test alone gets the value, with that, in their order: as in `x.y|default(z)` and
/// `x.y is defined`. It is the next instruction but for one that loads an argument, and puts its result where the value was.
///
/// `reads` tells which filters and tests are asked for. A site that `GetAttr` reads has no other instruction: the
/// compiler promises it, and where a foreign image does not keep it, a value is missing that was undefined.
fn readers(image: &Image, reads: impl Fn(Reader) -> bool) -> Vec<(u32, Reader)> {
    let code = image.code();
    let mut found = Vec::new();
    for place in calls(code) {
        let word = code.at(place);
        let reader = if word as u8 == code::Test {
            let Some(call) = image.test_calls().get(ops::w(word) as usize) else { continue };
            Reader::Test(call.reference)
        } else {
            let Some(call) = image.filter_calls().get(ops::w(word) as usize) else { continue };
            Reader::Filter(call.reference)
        };
        if reads(reader) {
            found.extend(read_by(image, code.run(0..place), word).map(|site| (site, reader)));
        }
    }
    if !found.is_sorted_by_key(|&(site, _)| site) {
        found.sort_by_key(|&(site, _)| site);
    }
    found
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

/// The attribute sites, each with the filter or test that alone gets its value. The first one of a name is what the others
/// are made like.
pub(crate) fn link_sites<H: Host>(
    image: &Image,
    names: &[H::Name],
    filters: &[Option<H::Filter>],
    tests: &[Option<H::Test>],
    linker: &mut impl Linker<H>,
) -> Box<[H::Site]> {
    let mut sites: Vec<H::Site> = Vec::with_capacity(image.sites().len());
    if image.sites().is_empty() {
        return sites.into_boxed_slice();
    }
    let linked = |reader| match reader {
        Reader::Filter(filter) => filters[filter as usize].as_ref().map(LinkedReader::Filter),
        Reader::Test(test) => tests[test as usize].as_ref().map(LinkedReader::Test),
    };
    let reads = |reader| linked(reader).is_some_and(|reader| linker.reads(&reader));
    let mut all =
        (0..filters.len() as u32).map(Reader::Filter).chain((0..tests.len() as u32).map(Reader::Test));
    let readers = if all.any(reads) { readers(image, reads) } else { Vec::new() };
    let mut readers = readers.into_iter().peekable();
    let mut first = vec![usize::MAX; names.len()];
    for (place, name) in (0..).zip(image.sites().iter()) {
        let mut reader = None;
        while let Some((_, next)) = readers.next_if(|&(site, _)| site == place) {
            reader = linked(next);
        }
        let (name, first) = (&names[name as usize], &mut first[name as usize]);
        // Each is made where it will be: there are many of them.
        match (reader, sites.get(*first)) {
            (Some(reader), like) => {
                let read = linker.site_of(name, like, reader);
                if like.is_none() {
                    *first = sites.len();
                }
                sites.push(read);
            }
            (None, Some(like)) => {
                let another = linker.another_site(name, like);
                sites.push(another);
            }
            (None, None) => {
                *first = sites.len();
                sites.push(linker.site(name));
            }
        }
    }
    sites.into_boxed_slice()
}
