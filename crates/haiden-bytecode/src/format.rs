//! The layout of an image's bytes: what `to_bytes` writes and `load` reads.
//!
//! `docs/image-format.md` draws it. Everything is little-endian; sections follow each other without gaps in the order
//! of [`Section::ALL`], so one image has exactly one encoding.

use crate::image::{Constant, Function, Image};
use crate::ops::{Op, code, w};

/// The first bytes of every image. As in PNG, they catch text-mode transfers: a byte with the top bit set, both line
/// endings, and the end-of-file character of DOS.
pub const MAGIC: [u8; 8] = *b"\x89HDN\r\n\x1a\n";

/// The version of the layout. Instructions version themselves: see
/// [`INSTRUCTION_SET_HASH`](crate::ops::INSTRUCTION_SET_HASH).
pub const FORMAT_VERSION: u32 = 4;

/// Bits of [`Header::flags`]. They are for people who look at an image; what must match is in the fingerprint.
pub mod header_flags {
    /// The optimizer ran.
    pub const OPTIMIZED: u32 = 1;
    /// The template was compiled with autoescape on.
    pub const AUTOESCAPE: u32 = 2;
    /// All bits that mean something; others are rejected.
    pub const ALL: u32 = OPTIMIZED | AUTOESCAPE;
}

/// Where an image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The version of the compiler's semantics: what the same source means.
    pub semantics: u32,
    /// Bits of [`header_flags`].
    pub flags: u32,
    /// The BLAKE3 digest of the source (see [`source_digest`](crate::fingerprint::source_digest)).
    pub source: [u8; 32],
    /// The environment fingerprint (see [`Fingerprint`](crate::Fingerprint)).
    pub fingerprint: [u8; 32],
}

impl Header {
    /// What a cache's key of the image is made of: everything that has a say in its bytes, labelled, in a fixed order.
    /// Every host makes its keys of these, so that each finds what another one wrote.
    pub fn key_parts<K>(&self, key: impl FnOnce([(&'static str, &[u8]); 5]) -> K) -> K {
        key([
            ("format", &FORMAT_VERSION.to_le_bytes()),
            ("instructions", &crate::ops::INSTRUCTION_SET_HASH.to_le_bytes()),
            ("semantics", &self.semantics.to_le_bytes()),
            ("options", &self.fingerprint),
            ("source digest", &self.source),
        ])
    }
}

/// The largest measures in an image, declared in its header and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Maxima {
    /// Registers of the function with the most.
    pub registers: u32,
    /// Loop slots of the function with the most.
    pub loops: u32,
    /// Levels of the deepest constant; a number has one, `[[1]]` three.
    pub constant_depth: u32,
    /// Cells of the largest block of cells.
    pub cells: u32,
}

impl Maxima {
    /// The maxima of an image.
    pub fn of(image: &Image) -> Maxima {
        let cells = image.code().iter().filter(|&word| word as u8 == code::MakeCells).map(w);
        Maxima {
            constant_depth: constant_depth(&image.constants),
            cells: cells.max().unwrap_or(0),
            ..Maxima::of_functions(&image.functions)
        }
    }

    /// Those maxima that the functions tell.
    pub(crate) fn of_functions(functions: &[Function]) -> Maxima {
        Maxima {
            registers: functions.iter().map(|f| u32::from(f.registers)).max().unwrap_or(0),
            loops: functions.iter().map(|f| u32::from(f.loops)).max().unwrap_or(0),
            ..Maxima::default()
        }
    }
}

/// Levels of the deepest constant, of constants that are well-formed.
fn constant_depth(constants: &[Constant]) -> u32 {
    let mut stack: Vec<u32> = Vec::new();
    let mut deepest = 0;
    for constant in constants {
        let parts = constant.parts().min(stack.len());
        let depth = 1 + stack.drain(stack.len() - parts..).max().unwrap_or(0);
        deepest = deepest.max(depth);
        stack.push(depth);
    }
    deepest
}

/// A section: one table of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[expect(missing_docs, reason = "the tables of `Image`; docs/image-format.md draws their entries")]
pub enum Section {
    Code = 1,
    Functions,
    Parameters,
    Constants,
    Strings,
    Names,
    Sites,
    Shapes,
    Keywords,
    Filters,
    FilterCalls,
    Tests,
    TestCalls,
    Blocks,
    Locals,
    LocalEntries,
    Dependencies,
    Text,
    Lines,
}

impl Section {
    /// How many sections an image has.
    pub const COUNT: usize = 19;

    /// All sections in the order in which they lie in an image.
    pub const ALL: [Section; Section::COUNT] = [
        Section::Code,
        Section::Functions,
        Section::Parameters,
        Section::Constants,
        Section::Strings,
        Section::Names,
        Section::Sites,
        Section::Shapes,
        Section::Keywords,
        Section::Filters,
        Section::FilterCalls,
        Section::Tests,
        Section::TestCalls,
        Section::Blocks,
        Section::Locals,
        Section::LocalEntries,
        Section::Dependencies,
        Section::Text,
        Section::Lines,
    ];

    /// How many bytes an entry takes.
    pub const fn entry_size(self) -> usize {
        match self {
            Section::Text => 1,
            Section::Parameters
            | Section::Strings
            | Section::Names
            | Section::Keywords
            | Section::Locals
            | Section::Lines => 4,
            Section::Sites
            | Section::Code
            | Section::Shapes
            | Section::FilterCalls
            | Section::TestCalls
            | Section::LocalEntries
            | Section::Dependencies => 8,
            Section::Constants | Section::Blocks => 12,
            Section::Filters | Section::Tests => 16,
            Section::Functions => 24,
        }
    }

    /// Its name, as printed and as in a [`Fault`](crate::Fault).
    pub const fn name(self) -> &'static str {
        match self {
            Section::Code => "code",
            Section::Functions => "functions",
            Section::Parameters => "parameters",
            Section::Constants => "constants",
            Section::Strings => "strings",
            Section::Names => "names",
            Section::Sites => "sites",
            Section::Shapes => "shapes",
            Section::Keywords => "keywords",
            Section::Filters => "filters",
            Section::FilterCalls => "filter calls",
            Section::Tests => "tests",
            Section::TestCalls => "test calls",
            Section::Blocks => "blocks",
            Section::Locals => "locals",
            Section::LocalEntries => "local entries",
            Section::Dependencies => "dependencies",
            Section::Text => "text",
            Section::Lines => "lines",
        }
    }

    /// How many entries it has in `image`.
    pub fn entries(self, image: &Image) -> usize {
        match self {
            Section::Code => image.code().len(),
            Section::Functions => image.functions.len(),
            Section::Parameters => image.plain.parameters().len(),
            Section::Constants => image.constants.len(),
            Section::Strings => image.plain.ends().len(),
            Section::Names => image.plain.names().len(),
            Section::Sites => image.plain.sites().len(),
            Section::Shapes => image.shapes.len(),
            Section::Keywords => image.shapes.iter().map(|shape| shape.keywords.len()).sum(),
            Section::Filters => image.filters.len(),
            Section::FilterCalls => image.filter_calls.len(),
            Section::Tests => image.tests.len(),
            Section::TestCalls => image.test_calls.len(),
            Section::Blocks => image.blocks.len(),
            Section::Locals => image.locals.len(),
            Section::LocalEntries => image.local_entries.len(),
            Section::Dependencies => image.dependencies.len(),
            Section::Text => image.text.len(),
            Section::Lines => image.plain.lines().len(),
        }
    }
}

/// How many bytes `image` takes.
pub fn encoded_len(image: &Image) -> u64 {
    let sections = Section::ALL.iter().map(|s| s.entry_size() as u64 * s.entries(image) as u64);
    HEADER_LEN as u64 + sections.sum::<u64>()
}

/// Where the header's fields lie.
pub(crate) mod at {
    pub(crate) const VERSION: usize = 8;
    pub(crate) const SEMANTICS: usize = 12;
    pub(crate) const INSTRUCTION_SET: usize = 16;
    pub(crate) const FLAGS: usize = 24;
    pub(crate) const TOTAL: usize = 28;
    pub(crate) const SOURCE: usize = 32;
    pub(crate) const FINGERPRINT: usize = 64;
    pub(crate) const MAXIMA: usize = 96;
    pub(crate) const SECTION_COUNT: usize = 112;
    pub(crate) const DIRECTORY: usize = 116;
}

/// How many bytes an entry of the directory takes: id, offset, length.
pub(crate) const DIRECTORY_ENTRY: usize = 12;

/// How many bytes stand before the first section. A multiple of 8, so the code is aligned.
pub const HEADER_LEN: usize = at::DIRECTORY + Section::COUNT * DIRECTORY_ENTRY;

const _: () = assert!(HEADER_LEN.is_multiple_of(8), "the code must be aligned");
const _: () =
    assert!(Op::Text as u8 == 0 && crate::ops::OPS.len() <= 256, "an instruction's number is a byte");

/// The numbers by which constants are told apart.
pub(crate) mod tag {
    pub(crate) const NONE: u32 = 0;
    pub(crate) const BOOL: u32 = 1;
    pub(crate) const INT: u32 = 2;
    pub(crate) const BIG_INT: u32 = 3;
    pub(crate) const FLOAT: u32 = 4;
    pub(crate) const STR: u32 = 5;
    pub(crate) const MARKUP: u32 = 6;
    pub(crate) const TUPLE: u32 = 7;
    pub(crate) const LIST: u32 = 8;
    pub(crate) const DICT: u32 = 9;
}
