//! Image to bytes.
//!
//! In: an [`Image`] and where it comes from. Out: its one encoding, as `docs/image-format.md` draws it: the same image
//! and header give the same bytes, and `load` gives them back.

use crate::format::{FORMAT_VERSION, HEADER_LEN, Header, MAGIC, Maxima, Section, at, encoded_len, tag};
use crate::image::{Constant, Image, Reference, ReferenceCall};
use crate::ops::INSTRUCTION_SET_HASH;

/// The bytes of an image.
pub fn to_bytes(image: &Image, header: &Header) -> Vec<u8> {
    let total = encoded_len(image);
    let mut out = Vec::with_capacity(total as usize);
    out.extend(MAGIC);
    put(&mut out, &[FORMAT_VERSION, header.semantics]);
    out.extend(INSTRUCTION_SET_HASH.to_le_bytes());
    put(&mut out, &[header.flags, total as u32]);
    out.extend(header.source);
    out.extend(header.fingerprint);
    let maxima = Maxima::of(image);
    put(&mut out, &[maxima.registers, maxima.loops, maxima.constant_depth, maxima.cells]);
    put(&mut out, &[Section::COUNT as u32]);
    debug_assert_eq!(out.len(), at::DIRECTORY, "the header has the size it says");
    let mut offset = HEADER_LEN;
    for section in Section::ALL {
        let length = section.entry_size() * section.entries(image);
        put(&mut out, &[section as u32, offset as u32, length as u32]);
        offset += length;
    }
    for section in Section::ALL {
        write_section(&mut out, section, image);
    }
    debug_assert_eq!(out.len() as u64, total, "the sections have the sizes they say");
    out
}

fn write_section(out: &mut Vec<u8>, section: Section, image: &Image) {
    match section {
        Section::Code => out.extend(image.code().raw().as_flattened()),
        Section::Functions => each(out, &image.functions, |out, f| {
            out.extend([f.kind as u8, f.flags]);
            out.extend(f.registers.to_le_bytes());
            put(out, &[f.name, u32::from(f.loops), f.parameters.1, f.code.1, f.line]);
        }),
        Section::Parameters => out.extend(image.plain.parameters().raw().as_flattened()),
        Section::Constants => each(out, &image.constants, write_constant),
        Section::Strings => out.extend(image.plain.ends().raw().as_flattened()),
        Section::Names => out.extend(image.plain.names().raw().as_flattened()),
        Section::Sites => out.extend(image.plain.sites().raw().as_flattened()),
        Section::Shapes => {
            let mut end = 0;
            each(out, &image.shapes, |out, shape| {
                end += shape.keywords.len() as u32;
                let flags = u16::from(shape.star) | u16::from(shape.star_star) << 1;
                out.extend(shape.positional.to_le_bytes());
                out.extend(flags.to_le_bytes());
                put(out, &[end]);
            });
        }
        Section::Keywords => each(out, &image.shapes, |out, shape| put(out, &shape.keywords)),
        Section::Filters => each(out, &image.filters, write_reference),
        Section::FilterCalls => each(out, &image.filter_calls, |out, call| write_call(out, *call)),
        Section::Tests => each(out, &image.tests, write_reference),
        Section::TestCalls => each(out, &image.test_calls, |out, call| write_call(out, *call)),
        Section::Blocks => each(out, &image.blocks, |out, block| {
            put(out, &[block.name, block.function, u32::from(block.required)]);
        }),
        Section::Locals => each(out, &image.locals, |out, range| put(out, &[range.1])),
        Section::LocalEntries => each(out, &image.local_entries, |out, &(name, register)| {
            put(out, &[name, u32::from(register)]);
        }),
        Section::Dependencies => {
            each(out, &image.dependencies, |out, d| put(out, &[d.kind as u32, d.name]));
        }
        Section::Text => out.extend(image.text.as_bytes()),
        Section::Lines => out.extend(image.plain.lines().raw().as_flattened()),
    }
}

fn write_constant(out: &mut Vec<u8>, constant: &Constant) {
    let (tag, payload) = match *constant {
        Constant::None => (tag::NONE, 0),
        Constant::Bool(value) => (tag::BOOL, u64::from(value)),
        Constant::Int(value) => (tag::INT, value as u64),
        Constant::BigInt(string) => (tag::BIG_INT, u64::from(string)),
        Constant::Float(value) => (tag::FLOAT, value.to_bits()),
        Constant::Str(string) => (tag::STR, u64::from(string)),
        Constant::Markup(string) => (tag::MARKUP, u64::from(string)),
        Constant::Tuple(n) => (tag::TUPLE, u64::from(n)),
        Constant::List(n) => (tag::LIST, u64::from(n)),
        Constant::Dict(n) => (tag::DICT, u64::from(n)),
    };
    put(out, &[tag]);
    out.extend(payload.to_le_bytes());
}

fn write_reference(out: &mut Vec<u8>, reference: &Reference) {
    let hard_and_place = reference.place << 1 | u32::from(reference.hard);
    put(out, &[reference.name, hard_and_place, reference.line, reference.column]);
}

fn write_call(out: &mut Vec<u8>, call: ReferenceCall) {
    put(out, &[call.reference, call.shape]);
}

fn each<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    for item in items {
        write(out, item);
    }
}

fn put(out: &mut Vec<u8>, numbers: &[u32]) {
    for number in numbers {
        out.extend(number.to_le_bytes());
    }
}
