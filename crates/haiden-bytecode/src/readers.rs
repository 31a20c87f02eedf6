//! Who alone gets the value of an attribute site: the filter or test in `x.y|default(z)` and `x.y is defined`.
//!
//! In: code, and the calls in it. Out: for each site its [`Site::reader`]. A host may have nothing to make where nothing is
//! there for one who takes that as an undefined value. Invariant: such a site has one instruction, which reads it, and its reader
//! gets what it yields. The compiler promises that no other instruction has a site that `GetAttr` reads.

use crate::image::{CallShape, ReferenceCall, Site};
use crate::ops::{self, code};

/// The calls of an image.
#[derive(Clone, Copy)]
pub(crate) struct Calls<'a> {
    pub(crate) shapes: &'a [CallShape],
    pub(crate) of_filters: &'a [ReferenceCall],
    pub(crate) of_tests: &'a [ReferenceCall],
    /// How many filters are named.
    pub(crate) filters: u32,
}

impl Calls<'_> {
    /// The reader that this instruction is, how many arguments it has, and whether they are all plain.
    fn reader(&self, word: u64) -> Option<(u32, u16)> {
        let call = ops::w(word) as usize;
        let (call, before) = match word as u8 {
            code::Filter | code::EmitFilter => (self.of_filters.get(call)?, 1),
            code::Test => (self.of_tests.get(call)?, 1 + self.filters),
            _ => return None,
        };
        let shape = self.shapes.get(call.shape as usize)?;
        let is_plain = shape.keywords.is_empty() && !shape.star && !shape.star_star;
        is_plain.then_some((before + call.reference, shape.positional))
    }
}

/// Notes readers: a filter with one argument or a test without. It is the next instruction but for one that loads an argument,
/// and puts its result where the value was.
pub(crate) fn note(words: &[u64], calls: Calls<'_>, sites: &mut [Site]) {
    for (place, &word) in words.iter().enumerate() {
        let Some((reader, arguments)) = calls.reader(word) else { continue };
        if arguments == u16::from(word as u8 != code::Test)
            && let Some(site) = site_before(&words[..place], ops::a(word), arguments)
            && let Some(site) = sites.get_mut(usize::from(site))
        {
            site.reader = reader;
        }
    }
}

/// The site of which the value is in this register behind instructions that end with some that load arguments.
fn site_before(before: &[u64], register: u16, arguments: u16) -> Option<u16> {
    let mut before = before.iter().rev();
    for _ in 0..arguments {
        let load = *before.next()?;
        let is_load = matches!(load as u8, code::LoadConst | code::LoadInt | code::LoadBool | code::LoadNone);
        if !is_load || ops::a(load) == register {
            return None;
        }
    }
    let get = *before.next()?;
    (get as u8 == code::GetAttr && ops::a(get) == register).then(|| ops::c(get))
}
