//! `corpus/load/evil/`: broken images, one sin each, with the reason for which each must be rejected.
//!
//! The images are made here out of the sample image. A change of the instruction set or the format changes them all:
//! `UPDATE_EXPECT=1 cargo test -p haiden-bytecode --test evil` writes them again.

mod common;

use std::fmt::Write as _;
use std::path::Path;

use common::{HEADER, at, function, sample_bytes};
use expect_test::expect_file;
use haiden_bytecode::format::Section;
use haiden_bytecode::ops::{abc, aw};
use haiden_bytecode::{Code, Expected, FunctionKind, Op, Rejection, load_expected};

/// A broken image: file name, reason, what is wrong (of structural faults), and the sin.
type Case = (&'static str, &'static str, &'static str, fn(&mut Vec<u8>));

const HEADER_CASES: &[Case] = &[
    ("empty", "truncated", "", |bytes| bytes.clear()),
    ("text-mode", "magic", "", |bytes| {
        bytes.remove(4);
    }),
    ("not-an-image", "magic", "", |bytes| bytes[..4].copy_from_slice(b"\x7fELF")),
    ("other-format", "version", "", |bytes| put(bytes, 8, 1)),
    ("other-semantics", "semantics", "", |bytes| put(bytes, 12, 2)),
    ("other-instructions", "instruction-set", "", |bytes| bytes[16] ^= 1),
    ("unknown-flag", "structure", "a flag that means nothing", |bytes| put(bytes, 24, 4)),
    ("cut-in-header", "truncated", "", |bytes| bytes.truncate(100)),
    ("cut-in-body", "truncated", "", |bytes| bytes.truncate(600)),
    ("longer-than-said", "structure", "bytes after the end", |bytes| bytes.push(0)),
    ("other-source", "source", "", |bytes| bytes[40] ^= 1),
    ("other-options", "options", "", |bytes| bytes[70] ^= 1),
    ("lying-maxima", "structure", "the maxima are not those of the image", |bytes| put(bytes, 96, 5)),
    ("section-count", "structure", "not the format's number of sections", |bytes| put(bytes, 112, 18)),
    ("section-order", "structure", "a section out of order", |bytes| put(bytes, 116, 2)),
    ("section-overlap", "structure", "a section that does not follow the one before", |bytes| {
        put(bytes, 116 + 12 + 4, 0);
    }),
    ("section-huge", "structure", "a section longer than the image", |bytes| {
        put(bytes, 116 + 8, 0xFFFF_FFF8);
    }),
    ("section-ragged", "structure", "a section with a part of an entry", |bytes| {
        let length = get(bytes, 116 + 8);
        put(bytes, 116 + 8, length - 4);
    }),
];

const TABLE_CASES: &[Case] = &[
    ("second-root", "structure", "the root is function 0 and no other", |b| {
        entry(b, Section::Functions, 3)[0] = 0;
    }),
    ("unknown-function-kind", "structure", "an unknown kind", |b| entry(b, Section::Functions, 1)[0] = 9),
    ("empty-function", "structure", "code out of order, or none", |b| {
        let end = get(entry(b, Section::Functions, 0), 16);
        put(entry(b, Section::Functions, 1), 16, end);
    }),
    ("code-of-nobody", "structure", "code of no function, or less than they say", |b| {
        put(entry(b, Section::Functions, 3), 16, 29);
    }),
    ("parameters-without-registers", "structure", "more parameters than registers", |b| {
        entry(b, Section::Functions, 2)[2] = 2;
    }),
    ("parameter-name", "structure", "no such name", |b| put(entry(b, Section::Parameters, 0), 0, 99)),
    ("constant-kind", "structure", "an unknown kind", |b| put(entry(b, Section::Constants, 1), 0, 10)),
    ("constant-too-many", "structure", "a container of more values than there are", |b| {
        put(entry(b, Section::Constants, 2), 4, u32::MAX);
    }),
    ("constant-unhashable-key", "structure", "a dict with a key that cannot be one", |b| {
        put(entry(b, Section::Constants, 2), 0, 8);
    }),
    ("constant-bool", "structure", "neither true nor false", |b| put(entry(b, Section::Constants, 5), 4, 2)),
    ("constant-string", "structure", "no such string", |b| put(entry(b, Section::Constants, 3), 4, 99)),
    ("constants-of-one-text", "structure", "a text there twice", |b| {
        // The text of a constant is as long as all of it.
        let (dash, strings) = (get(entry(b, Section::Constants, 3), 4), 13);
        let all = get(entry(b, Section::Strings, strings), 0);
        put(entry(b, Section::Constants, 4), 0, 5);
        put(entry(b, Section::Constants, 4), 4, dash);
        for string in 0..=strings as u32 {
            put(entry(b, Section::Strings, string as usize), 0, if string <= dash { 0 } else { all });
        }
    }),
    ("constant-index", "structure", "not an index", |b| put(entry(b, Section::Constants, 3), 8, 1)),
    ("big-integer-letters", "structure", "not a canonical large integer", |b| {
        let string = get(entry(b, Section::Constants, 3), 4);
        put(entry(b, Section::Constants, 0), 4, string);
    }),
    ("text-not-utf8", "structure", "not UTF-8", |b| entry(b, Section::Text, 0)[0] = 0xFF),
    ("string-within-character", "structure", "ends within a character", |b| {
        let dash = get(entry(b, Section::Constants, 3), 4) as usize;
        let end = get(entry(b, Section::Strings, 1 + dash), 0);
        put(entry(b, Section::Strings, 1 + dash), 0, end - 1);
    }),
    ("string-backwards", "structure", "strings out of order", |b| put(entry(b, Section::Strings, 3), 0, 0)),
    ("string-beyond-text", "structure", "ends within a character", |b| {
        put(entry(b, Section::Strings, 13), 0, u32::MAX);
    }),
    ("strings-start-late", "structure", "text before the strings", |b| {
        put(entry(b, Section::Strings, 0), 0, 1);
    }),
    ("strings-nowhere", "structure", "no start of the text", |b| {
        let directory = |section: Section| 116 + (section as usize - 1) * 12;
        let own = directory(Section::Strings);
        let (start, length) = (get(b, own + 4), get(b, own + 8));
        b.drain(start as usize..(start + length) as usize);
        put(b, own + 8, 0);
        for section in Section::ALL.into_iter().filter(|section| *section as u32 > Section::Strings as u32) {
            let offset = get(b, directory(section) + 4);
            put(b, directory(section) + 4, offset - length);
        }
        let total = b.len() as u32;
        put(b, 28, total);
    }),
    ("name-twice", "structure", "strings not in ascending order", |b| put(entry(b, Section::Names, 1), 0, 0)),
    ("site-name", "structure", "no such name", |b| put(entry(b, Section::Sites, 0), 0, 99)),
    ("site-reader", "structure", "no such filter or test", |b| put(entry(b, Section::Sites, 0), 4, 99)),
    ("shape-flag", "structure", "a flag that means nothing", |b| entry(b, Section::Shapes, 0)[2] = 4),
    ("shape-keywords", "structure", "keywords out of range", |b| put(entry(b, Section::Shapes, 1), 4, 9)),
    ("keyword-name", "structure", "no such name", |b| put(entry(b, Section::Keywords, 0), 0, 99)),
    ("filter-name", "structure", "no such name", |b| put(entry(b, Section::Filters, 0), 0, 99)),
    ("filter-call", "structure", "no such filter or test", |b| put(entry(b, Section::FilterCalls, 0), 0, 1)),
    ("test-call-shape", "structure", "no such call shape", |b| put(entry(b, Section::TestCalls, 0), 4, 2)),
    ("block-function", "structure", "no such block function", |b| put(entry(b, Section::Blocks, 0), 4, 2)),
    ("locals-end", "structure", "not the entries there are", |b| put(entry(b, Section::Locals, 0), 0, 1)),
    ("locals-register", "structure", "a run of registers out of range", |b| {
        put(entry(b, Section::LocalEntries, 1), 4, 6);
    }),
    ("dependency-kind", "structure", "an unknown kind", |b| put(entry(b, Section::Dependencies, 0), 0, 3)),
    ("lines-unordered", "structure", "not in ascending order", |b| wide_line(b, [0, 0, 9999, 1])),
    ("lines-beyond-code", "structure", "no such instruction", |b| wide_line(b, [0, 9999, 9999, 1])),
    ("lines-too-wide", "structure", "a place in more words than it needs", |b| wide_line(b, [0, 9, 1, 1])),
    ("lines-still", "structure", "a place that does not advance", |b| {
        let word = get(entry(b, Section::Lines, 1), 0);
        put(entry(b, Section::Lines, 1), 0, word & !63);
    }),
    ("lines-cut", "structure", "a part of a place", |b| {
        let directory = 116 + 12 * (Section::Lines as usize - 1);
        let last = get(b, directory + 8) as usize / 4 - 1;
        put(entry(b, Section::Lines, last), 0, 0);
    }),
];

/// Instead of four places behind the first one of the line table, one of four words.
fn wide_line(bytes: &mut [u8], words: [u32; 4]) {
    for (at, word) in words.into_iter().enumerate() {
        put(entry(bytes, Section::Lines, 1 + at), 0, word);
    }
}

const CODE_CASES: &[Case] = &[
    ("unknown-instruction", "structure", "no such instruction", |b| word(b, 0, 0xFF)),
    ("register", "structure", "no such register", |b| word(b, 0, abc(Op::Move, 0, 6, 0, 0))),
    ("register-run", "structure", "a run of registers out of range", |b| {
        word(b, 0, abc(Op::MakeList, 0, 0, 5, 2));
    }),
    ("register-run-overflow", "structure", "a run of registers out of range", |b| {
        word(b, 0, abc(Op::MakeDict, 0, 0, 0xFFFF, 0xFFFF));
    }),
    ("register-pair", "structure", "a run of registers out of range", |b| {
        word(b, 4, aw(Op::NextPair, 0, 5, 7));
    }),
    ("call-arguments", "structure", "a run of registers out of range", |b| {
        word(b, 0, aw(Op::Call, 0, 5, 0));
    }),
    ("filter-arguments", "structure", "a run of registers out of range", |b| {
        word(b, 0, aw(Op::Filter, 0, 5, 0));
    }),
    ("jump-out", "structure", "a jump out of the function", |b| word(b, 0, aw(Op::Jump, 0, 0, 23))),
    ("near-jump-out", "structure", "a jump out of the function", |b| {
        word(b, 0, abc(Op::JumpUnlessEq, 0, 0, 0, -2_i16 as u16));
    }),
    ("falls-through", "structure", "a function that does not end", |b| {
        word(b, 22, abc(Op::LoadNone, 0, 0, 0, 0));
    }),
    ("loop-slot", "structure", "no such loop", |b| word(b, 3, aw(Op::For, 1, 0, 0))),
    ("text", "structure", "no such string", |b| word(b, 0, aw(Op::Text, 0, 0, 99))),
    ("constant", "structure", "no such constant", |b| word(b, 0, aw(Op::LoadConst, 0, 0, 10))),
    ("name", "structure", "no such name", |b| word(b, 0, aw(Op::Resolve, 0, 0, 99))),
    ("site", "structure", "no such attribute site", |b| word(b, 0, abc(Op::GetAttr, 0, 0, 0, 1))),
    ("escape", "structure", "a number that means nothing", |b| word(b, 0, abc(Op::Emit, 3, 0, 0, 0))),
    ("loop-field", "structure", "a number that means nothing", |b| {
        word(b, 0, abc(Op::LoopGet, 0, 0, 7, 0));
    }),
    ("cells", "structure", "too many cells", |b| word(b, 0, aw(Op::MakeCells, 0, 0, 0x1_0001))),
    ("macro-of-a-block", "structure", "a function that is no macro", |b| {
        word(b, 0, aw(Op::MakeMacro, 0, 0, 1));
    }),
    ("loop-of-a-macro", "structure", "a function that is no recursive loop", |b| {
        word(b, 0, aw(Op::EnterLoop, 0, 0, 2));
    }),
    ("overlay-of-a-macro", "structure", "a function that is no overlay", |b| {
        word(b, 0, abc(Op::EnterOverlay, 0, 0, 0, 2));
    }),
    ("overlay-locals", "structure", "no such table of locals", |b| {
        word(b, 0, abc(Op::EnterOverlay, 0, 0, 1, 2));
    }),
    ("outside-text", "structure", "no such string", |b| word(b, 0, aw(Op::LoadOutside, 0, 0, 99))),
    ("recurse-outside", "structure", "an instruction of recursive loops outside of one", |b| {
        word(b, 0, abc(Op::Recurse, 0, 0, 0, 0));
    }),
    ("locals-table", "structure", "no such table of locals", |b| {
        word(b, 0, aw(Op::CallBlock, 0, 1, 0));
    }),
];

fn get(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// The bytes from entry `index` of a section on.
fn entry(bytes: &mut [u8], section: Section, index: usize) -> &mut [u8] {
    let directory = 116 + (section as usize - 1) * 12;
    let start = get(bytes, directory + 4) as usize + index * section.entry_size();
    &mut bytes[start..]
}

/// Replaces instruction `index` (of the root) in the sample.
fn word(bytes: &mut [u8], index: usize, word: u64) {
    entry(bytes, Section::Code, index)[..8].copy_from_slice(&word.to_le_bytes());
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for line in bytes.chunks(32) {
        for byte in line {
            write!(out, "{byte:02x}").expect("a string takes all text");
        }
        out.push('\n');
    }
    out
}

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/load/evil").join(name)
}

const EXPECTED: Expected =
    Expected { semantics: HEADER.semantics, fingerprint: HEADER.fingerprint, source: Some(HEADER.source) };

#[test]
fn each_sin_has_its_reason() {
    let good = sample_bytes();
    assert!(load_expected(&good, &EXPECTED).is_ok());
    expect_file![file("good.hex")].assert_eq(&hex(&good));
    let mut manifest = String::from("file\treason\twhat\ngood.hex\t\t\n");
    for &(name, reason, what, sin) in HEADER_CASES.iter().chain(TABLE_CASES).chain(CODE_CASES) {
        let mut bytes = good.clone();
        sin(&mut bytes);
        let rejection = load_expected(&bytes, &EXPECTED).expect_err(name);
        let found = if let Rejection::Structure(fault) = rejection { fault.what } else { "" };
        assert_eq!((rejection.reason(), found), (reason, what), "{name}: {rejection}");
        expect_file![file(&format!("{name}.hex"))].assert_eq(&hex(&bytes));
        writeln!(manifest, "{name}.hex\t{reason}\t{what}").expect("a string takes all text");
    }
    expect_file![file("manifest.tsv")].assert_eq(&manifest);
}

#[test]
#[should_panic(expected = "no such register")]
#[cfg(debug_assertions)]
fn the_assembler_finds_the_compilers_mistakes() {
    let mut code = Code::new();
    let root = code.reserve_function();
    code.start_function();
    code.abc(at(1, 1), Op::LoadNone, 0, 0, 0, 0);
    code.abc(at(1, 1), Op::Return, 0, 0, 0, 0);
    code.finish_function(root, function(FunctionKind::Root, u32::MAX, 0, 0, 0), &[]);
    _ = haiden_bytecode::assemble(code);
}
