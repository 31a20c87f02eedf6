//! Bytes to image: the only door for bytes from outside.
//!
//! In: any bytes. Out: an [`Image`] in which every index is in range, or a typed [`Rejection`]. The header is judged
//! first, then the directory, then each section is decoded and [`measure`] judges the whole.
//! Sizes are checked before anything is allocated: what `load` allocates is at most four times what it was given.

use std::ops::Range;
use std::sync::Arc;

use crate::format::{
    DIRECTORY_ENTRY, FORMAT_VERSION, HEADER_LEN, Header, MAGIC, Maxima, Section, at, header_flags, tag,
};
use crate::image::{
    Blob, BlockEntry, CallShape, Constant, Dependency, DependencyKind, Function, FunctionKind, Image,
    Reference, ReferenceCall,
};
use crate::ops::INSTRUCTION_SET_HASH;
use crate::plain::{Plain, Span};
use crate::rejection::{Fault, Rejection};
use crate::verify::measure;

/// What an image must have been made from to be of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The version of the compiler's semantics.
    pub semantics: u32,
    /// The environment fingerprint.
    pub fingerprint: [u8; 32],
    /// The digest of the source, where there is one (a bundle is loaded without source).
    pub source: Option<[u8; 32]>,
}

impl Expected {
    /// What an image with this header was made from.
    pub fn of(header: &Header) -> Expected {
        Expected { semantics: header.semantics, fingerprint: header.fingerprint, source: Some(header.source) }
    }

    /// Is this header what is expected?
    pub fn check(&self, header: &Header) -> Result<(), Rejection> {
        if header.semantics != self.semantics {
            return Err(Rejection::Semantics);
        }
        if header.fingerprint != self.fingerprint {
            return Err(Rejection::Options);
        }
        if self.source.is_some_and(|source| source != header.source) {
            return Err(Rejection::Source);
        }
        Ok(())
    }
}

/// The header alone, if the bytes begin like an image that this engine reads. Says nothing about the rest.
pub fn peek_header(bytes: &[u8]) -> Result<Header, Rejection> {
    let start = &bytes[..bytes.len().min(MAGIC.len())];
    if start != &MAGIC[..start.len()] {
        return Err(Rejection::Magic);
    }
    let head: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(Rejection::Truncated)?;
    let version = u32_at(head, at::VERSION);
    if version != FORMAT_VERSION {
        return Err(Rejection::Version(version));
    }
    if u64_at(head, at::INSTRUCTION_SET) != INSTRUCTION_SET_HASH {
        return Err(Rejection::InstructionSet);
    }
    let flags = u32_at(head, at::FLAGS);
    if flags & !header_flags::ALL != 0 {
        return Err(Fault::new("header", at::FLAGS, "a flag that means nothing").into());
    }
    Ok(Header {
        semantics: u32_at(head, at::SEMANTICS),
        flags,
        source: digest_at(head, at::SOURCE),
        fingerprint: digest_at(head, at::FINGERPRINT),
    })
}

/// The image in `bytes`, verified. It keeps a copy of them: see [`load_shared`].
pub fn load(bytes: &[u8]) -> Result<(Header, Image), Rejection> {
    let header = peek_header(bytes)?;
    let image = load_body(bytes, || (bytes.into(), 0))?;
    Ok((header, image))
}

/// The image in `bytes`, verified, if it was made from what is expected. It keeps a copy of them: see [`load_shared`].
pub fn load_expected(bytes: &[u8], expected: &Expected) -> Result<(Header, Image), Rejection> {
    let header = peek_header(bytes)?;
    expected.check(&header)?;
    let image = load_body(bytes, || (bytes.into(), 0))?;
    Ok((header, image))
}

/// The image in a range of bytes, verified, if it was made from what is expected. It keeps them alive, and reads its plain
/// tables where they lie: nothing that is long is copied but the text.
///
/// # Panics
/// If the bytes have no such range.
pub fn load_shared(
    bytes: &Arc<[u8]>,
    range: Range<usize>,
    expected: &Expected,
) -> Result<(Header, Image), Rejection> {
    let start = range.start;
    let own = &bytes[range];
    let header = peek_header(own)?;
    expected.check(&header)?;
    let image = load_body(own, || (Arc::clone(bytes), start))?;
    Ok((header, image))
}

/// `keep` tells what the image will keep, and where in that `bytes` start.
fn load_body(bytes: &[u8], keep: impl FnOnce() -> (Arc<[u8]>, usize)) -> Result<Image, Rejection> {
    let sections = split(bytes)?;
    let image = decode(&sections, keep)?;
    let measured = measure(&image)?;
    let declared = Maxima {
        registers: u32_at(bytes, at::MAXIMA),
        loops: u32_at(bytes, at::MAXIMA + 4),
        constant_depth: u32_at(bytes, at::MAXIMA + 8),
        cells: u32_at(bytes, at::MAXIMA + 12),
    };
    if declared != measured {
        return Err(Fault::new("header", at::MAXIMA, "the maxima are not those of the image").into());
    }
    Ok(image)
}

/// The bytes of each section, in order.
struct Sections<'a> {
    bytes: &'a [u8],
    ranges: [(u32, u32); Section::COUNT],
}

impl<'a> Sections<'a> {
    fn bytes(&self, section: Section) -> &'a [u8] {
        let (start, end) = self.ranges[section as usize - 1];
        &self.bytes[start as usize..end as usize]
    }

    /// The entries of a section. Their size divides the section's length: `split` checked it.
    fn entries<const N: usize>(&self, section: Section) -> &'a [[u8; N]] {
        debug_assert_eq!(section.entry_size(), N, "the entry has the size the format says");
        self.bytes(section).as_chunks().0
    }

    /// The plain tables, in the bytes that the image keeps.
    fn plain(&self, (bytes, start): (Arc<[u8]>, usize)) -> Plain {
        let span = |section: Section| {
            let (first, end) = self.ranges[section as usize - 1];
            Span { start: start + first as usize, count: (end - first) as usize / section.entry_size() }
        };
        Plain {
            bytes,
            code: span(Section::Code),
            parameters: span(Section::Parameters),
            ends: span(Section::Strings),
            names: span(Section::Names),
            sites: span(Section::Sites),
            lines: span(Section::Lines),
        }
    }

    /// A section whose entries decode to `T` or are at fault.
    fn table<const N: usize, T>(
        &self,
        section: Section,
        mut entry: impl FnMut(&[u8; N]) -> Result<T, &'static str>,
    ) -> Result<Vec<T>, Fault> {
        let entries = self.entries::<N>(section);
        let mut table = Vec::with_capacity(entries.len());
        for (index, bytes) in entries.iter().enumerate() {
            table.push(entry(bytes).map_err(|what| Fault::new(section.name(), index, what))?);
        }
        Ok(table)
    }
}

/// The directory: sections in their order, without gaps, with lengths that their entries divide, up to the end.
fn split(bytes: &[u8]) -> Result<Sections<'_>, Rejection> {
    let total = u32_at(bytes, at::TOTAL) as usize;
    if bytes.len() < total {
        return Err(Rejection::Truncated);
    }
    if bytes.len() > total {
        return Err(Fault::new("header", at::TOTAL, "bytes after the end").into());
    }
    if u32_at(bytes, at::SECTION_COUNT) as usize != Section::COUNT {
        return Err(Fault::new("header", at::SECTION_COUNT, "not the format's number of sections").into());
    }
    let mut sections = Sections { bytes, ranges: [(0, 0); Section::COUNT] };
    let mut start = HEADER_LEN;
    for (index, section) in Section::ALL.into_iter().enumerate() {
        let entry = at::DIRECTORY + index * DIRECTORY_ENTRY;
        let length = u32_at(bytes, entry + 8) as usize;
        let fault = |what| Fault::new("header", entry, what);
        if u32_at(bytes, entry) != section as u32 {
            return Err(fault("a section out of order").into());
        }
        if u32_at(bytes, entry + 4) as usize != start {
            return Err(fault("a section that does not follow the one before").into());
        }
        if !length.is_multiple_of(section.entry_size()) {
            return Err(fault("a section with a part of an entry").into());
        }
        if length > total - start {
            return Err(fault("a section longer than the image").into());
        }
        sections.ranges[index] = (start as u32, (start + length) as u32);
        start += length;
    }
    if start != total {
        return Err(Fault::new("header", at::TOTAL, "bytes after the last section").into());
    }
    Ok(sections)
}

fn decode(sections: &Sections<'_>, keep: impl FnOnce() -> (Arc<[u8]>, usize)) -> Result<Image, Fault> {
    let text = sections.bytes(Section::Text);
    // What is wrong is found once more by who tells where.
    let text = simdutf8::basic::from_utf8(text).map_err(|_| {
        let place = std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
        Fault::new(Section::Text.name(), place, "not UTF-8")
    })?;
    if sections.bytes(Section::Strings).is_empty() {
        return Err(Fault::new(Section::Strings.name(), 0, "no start of the text"));
    }
    Ok(Image {
        functions: decode_functions(sections)?,
        constants: sections.table::<12, _>(Section::Constants, decode_constant)?,
        text: Blob::copied(text),
        shapes: decode_shapes(sections)?,
        filters: sections.entries::<16>(Section::Filters).iter().map(decode_reference).collect(),
        filter_calls: decode_calls(sections, Section::FilterCalls),
        tests: sections.entries::<16>(Section::Tests).iter().map(decode_reference).collect(),
        test_calls: decode_calls(sections, Section::TestCalls),
        blocks: sections.table::<12, _>(Section::Blocks, |entry| {
            let (name, function) = (u32_at(entry, 0), u32_at(entry, 4));
            Ok(BlockEntry { name, function, required: decode_bool(u32_at(entry, 8))? })
        })?,
        locals: decode_runs(sections, Section::Locals),
        local_entries: sections.table::<8, _>(Section::LocalEntries, |entry| {
            let register = u16::try_from(u32_at(entry, 4)).map_err(|_| "not a register")?;
            Ok((u32_at(entry, 0), register))
        })?,
        dependencies: sections.table::<8, _>(Section::Dependencies, |entry| {
            let kind = match u32_at(entry, 0) {
                0 => DependencyKind::Extends,
                1 => DependencyKind::Include,
                2 => DependencyKind::Import,
                _ => return Err("an unknown kind"),
            };
            Ok(Dependency { kind, name: u32_at(entry, 4) })
        })?,
        plain: sections.plain(keep()),
    })
}

fn decode_functions(sections: &Sections<'_>) -> Result<Vec<Function>, Fault> {
    let (mut parameters, mut code) = (0, 0);
    sections.table::<24, _>(Section::Functions, |entry| {
        let kind = match entry[0] {
            0 => FunctionKind::Root,
            1 => FunctionKind::Block,
            2 => FunctionKind::Macro,
            3 => FunctionKind::CallBlock,
            4 => FunctionKind::Loop,
            5 => FunctionKind::Overlay,
            _ => return Err("an unknown kind"),
        };
        let function = Function {
            kind,
            flags: entry[1],
            registers: u16::from_le_bytes([entry[2], entry[3]]),
            name: u32_at(entry, 4),
            loops: u8::try_from(u32_at(entry, 8)).map_err(|_| "too many loops")?,
            parameters: (parameters, u32_at(entry, 12)),
            code: (code, u32_at(entry, 16)),
            line: u32_at(entry, 20),
        };
        (parameters, code) = (function.parameters.1, function.code.1);
        Ok(function)
    })
}

fn decode_constant(entry: &[u8; 12]) -> Result<Constant, &'static str> {
    let payload = u64_at(entry, 4);
    let index = || u32::try_from(payload).map_err(|_| "not an index");
    Ok(match u32_at(entry, 0) {
        tag::NONE if payload == 0 => Constant::None,
        tag::BOOL => Constant::Bool(decode_bool(index()?)?),
        tag::INT => Constant::Int(payload as i64),
        tag::BIG_INT => Constant::BigInt(index()?),
        tag::FLOAT => Constant::Float(f64::from_bits(payload)),
        tag::STR => Constant::Str(index()?),
        tag::MARKUP => Constant::Markup(index()?),
        tag::TUPLE => Constant::Tuple(index()?),
        tag::LIST => Constant::List(index()?),
        tag::DICT => Constant::Dict(index()?),
        _ => return Err("an unknown kind"),
    })
}

fn decode_shapes(sections: &Sections<'_>) -> Result<Vec<CallShape>, Fault> {
    let mut keywords = sections.entries::<4>(Section::Keywords);
    let all = keywords.len();
    let shapes = sections.table::<8, _>(Section::Shapes, |entry| {
        let flags = u16::from_le_bytes([entry[2], entry[3]]);
        if flags > 3 {
            return Err("a flag that means nothing");
        }
        let count = (u32_at(entry, 4) as usize).checked_sub(all - keywords.len());
        let (own, rest) =
            count.and_then(|count| keywords.split_at_checked(count)).ok_or("keywords out of range")?;
        keywords = rest;
        Ok(CallShape {
            positional: u16::from_le_bytes([entry[0], entry[1]]),
            keywords: own.iter().map(|name| u32::from_le_bytes(*name)).collect(),
            star: flags & 1 != 0,
            star_star: flags & 2 != 0,
        })
    })?;
    if keywords.is_empty() {
        Ok(shapes)
    } else {
        Err(Fault::new(Section::Keywords.name(), all - keywords.len(), "a keyword of no shape"))
    }
}

fn decode_reference(entry: &[u8; 16]) -> Reference {
    let hard_and_place = u32_at(entry, 4);
    Reference {
        name: u32_at(entry, 0),
        hard: hard_and_place & 1 != 0,
        place: hard_and_place >> 1,
        line: u32_at(entry, 8),
        column: u32_at(entry, 12),
    }
}

fn decode_calls(sections: &Sections<'_>, section: Section) -> Vec<ReferenceCall> {
    let call = |entry: &[u8; 8]| ReferenceCall { reference: u32_at(entry, 0), shape: u32_at(entry, 4) };
    sections.entries::<8>(section).iter().map(call).collect()
}

/// Runs that follow each other, of which only the ends are written.
fn decode_runs(sections: &Sections<'_>, section: Section) -> Vec<(u32, u32)> {
    let mut start = 0;
    let run = |entry: &[u8; 4]| {
        let end = u32::from_le_bytes(*entry);
        (std::mem::replace(&mut start, end), end)
    };
    sections.entries::<4>(section).iter().map(run).collect()
}

fn decode_bool(number: u32) -> Result<bool, &'static str> {
    match number {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err("neither true nor false"),
    }
}

/// The number at a fixed place, which the caller knows to be there.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// As [`u32_at`].
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// As [`u32_at`].
fn digest_at(bytes: &[u8; HEADER_LEN], at: usize) -> [u8; 32] {
    *bytes[at..].first_chunk().expect("the header is longer than this")
}
