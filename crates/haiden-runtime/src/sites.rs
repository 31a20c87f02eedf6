//! Linking attribute sites: each with the filter or test that alone gets its value, if that makes a difference to the host.
//!
//! In: an image, its names and references as they are linked. Out: the host's sites, in their order. Invariant: a site that is
//! linked for its reader has one instruction, and that reader gets what it yields.

use haiden_bytecode::Image;
use haiden_bytecode::ops::{self, code};

use crate::host::{Host, LinkedReader, Linker};

/// What alone gets the value of an attribute site, as its number in the image's table.
#[derive(Clone, Copy)]
enum Reader {
    Filter(u32),
    Test(u32),
}

/// What an instruction means for attribute sites.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    None,
    /// It has a site in `c`; in `c` and its value in `a`; in `b`; in `w`.
    C,
    Value,
    B,
    W,
}

/// By an instruction's number.
const USES: [Use; 256] = {
    let mut uses = [Use::None; 256];
    uses[code::GetAttr as usize] = Use::Value;
    uses[code::EmitAttr as usize] = Use::C;
    uses[code::TextEmitAttr as usize] = Use::C;
    uses[code::SetAttr as usize] = Use::C;
    uses[code::CallMethod as usize] = Use::B;
    uses[code::EmitCallMethod as usize] = Use::B;
    uses[code::GetAttrWide as usize] = Use::W;
    uses
};

/// For each attribute site what alone gets its value, if that is a filter or a test, as in `x.y|default(z)` and
/// `x.y is defined`: it is the next instruction but for such as load arguments, and puts its result where the value was.
fn readers(image: &Image) -> Vec<Option<Reader>> {
    let mut sites = vec![(0, None); image.sites().len()];
    let code = image.code();
    for (place, &word) in code.iter().enumerate() {
        let use_ = USES[usize::from(word as u8)];
        let site = match use_ {
            Use::None => continue,
            Use::C | Use::Value => usize::from(ops::c(word)),
            Use::B => usize::from(ops::b(word)),
            Use::W => ops::w(word) as usize,
        };
        let Some((uses, reader)) = sites.get_mut(site) else { continue };
        *uses += 1_u32;
        if use_ == Use::Value {
            *reader = reader_of(image, ops::a(word), &code[place + 1..]);
        }
    }
    sites.into_iter().map(|(uses, reader)| reader.filter(|_| uses == 1)).collect()
}

/// The filter or test that the instructions begin with, if it is of this register. A filter has one argument, a test none.
fn reader_of(image: &Image, register: u16, code: &[u64]) -> Option<Reader> {
    let is_load = |word: &&u64| {
        matches!(**word as u8, code::LoadConst | code::LoadInt | code::LoadBool | code::LoadNone)
            && ops::a(**word) != register
    };
    let loads = code.iter().take(1).take_while(is_load).count();
    let word = *code.get(loads)?;
    if ops::a(word) != register {
        return None;
    }
    let (calls, arguments) = match word as u8 {
        code::Test => (image.test_calls(), 0),
        code::Filter | code::EmitFilter => (image.filter_calls(), 1),
        _ => return None,
    };
    let call = calls.get(ops::w(word) as usize)?;
    let shape = image.shapes().get(call.shape as usize)?;
    let is_plain = shape.keywords.is_empty() && !shape.star && !shape.star_star;
    if !is_plain || shape.positional != arguments || loads != usize::from(arguments) {
        return None;
    }
    Some(if arguments == 0 { Reader::Test(call.reference) } else { Reader::Filter(call.reference) })
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
    let mut filters_read = filters.iter().flatten().map(LinkedReader::Filter);
    let mut tests_read = tests.iter().flatten().map(LinkedReader::Test);
    let is_read = filters_read.any(|f| linker.reads(&f)) || tests_read.any(|t| linker.reads(&t));
    let readers = if is_read { readers(image) } else { Vec::new() };
    let readers = readers.into_iter().chain(std::iter::repeat(None));
    let mut first = vec![usize::MAX; names.len()];
    for (&name, reader) in image.sites().iter().zip(readers) {
        let reader = reader.and_then(|reader| match reader {
            Reader::Filter(filter) => filters[filter as usize].as_ref().map(LinkedReader::Filter),
            Reader::Test(test) => tests[test as usize].as_ref().map(LinkedReader::Test),
        });
        let reader = reader.filter(|reader| linker.reads(reader));
        let (name, first) = (&names[name as usize], &mut first[name as usize]);
        let site = match (reader, sites.get(*first)) {
            (Some(reader), _) => linker.site_of(name, reader),
            (None, Some(like)) => linker.another_site(name, like),
            (None, None) => {
                *first = sites.len();
                linker.site(name)
            }
        };
        sites.push(site);
    }
    sites.into_boxed_slice()
}
