//! Images survive their bytes, bytes are the same each time, and any damage is rejected or harmless.

mod common;

use std::sync::Arc;

use common::{HEADER, at, function, sample, sample_bytes};
use expect_test::expect_file;
use haiden_bytecode::{
    Code, Expected, FunctionKind, Image, Op, Rejection, assemble, describe, disassemble, load, load_expected,
    load_shared, ops, peek_header, to_bytes, verify,
};

/// The smallest image: a root that returns.
fn tiny() -> Image {
    let mut code = Code::new();
    let root = code.reserve_function();
    code.start_function();
    code.abc(at(1, 1), Op::Return, 0, 0, 0, 0);
    code.finish_function(root, function(FunctionKind::Root, u32::MAX, 0, 0, 0), &[]);
    assemble(code).expect("a small image")
}

#[test]
fn bytes_give_the_image_back() {
    for image in [sample(), tiny()] {
        let bytes = to_bytes(&image, &HEADER);
        let (header, loaded) = load(&bytes).expect("our own bytes");
        assert_eq!((header, &loaded), (HEADER, &image));
        assert_eq!(to_bytes(&loaded, &header), bytes);
        assert_eq!(peek_header(&bytes), Ok(HEADER));
    }
}

#[test]
fn bytes_among_others_give_the_same_image() {
    let (bytes, expected) = (sample_bytes(), Expected::of(&HEADER));
    for before in 0..9 {
        let among: Arc<[u8]> = [&vec![0xFF; before][..], &bytes, &[0xFF]].concat().into();
        let (header, image) =
            load_shared(&among, before..before + bytes.len(), &expected).expect("our own bytes");
        assert_eq!((header, &image), (HEADER, &sample()), "behind {before} bytes");
        assert_eq!(to_bytes(&image, &header), bytes);
        let cut = load_shared(&among, before..before + bytes.len() - 1, &expected);
        assert_eq!(cut.err(), Some(Rejection::Truncated));
    }
}

#[test]
fn the_same_code_gives_the_same_bytes() {
    assert_eq!(sample_bytes(), sample_bytes());
}

#[test]
fn functions_lie_in_the_order_of_their_numbers() {
    let image = sample();
    assert!(image.functions().is_sorted_by_key(|function| function.code));
    assert_eq!(image.parameters(&image.functions()[2]).len(), 2);
    let root = &image.functions()[0];
    assert_eq!(image.code().at(root.code.0 as usize) as u8, Op::Text as u8);
    assert_eq!(image.line_at(root.code.1), (7, 1));
}

#[test]
fn what_is_expected_is_checked() {
    let expected = Expected::of(&HEADER);
    let check = |expected: Expected, wanted: Result<(), Rejection>| {
        assert_eq!(load_expected(&sample_bytes(), &expected).map(|_| ()), wanted);
    };
    check(expected, Ok(()));
    check(Expected { source: None, ..expected }, Ok(()));
    check(Expected { semantics: 2, ..expected }, Err(Rejection::Semantics));
    check(Expected { fingerprint: [0; 32], ..expected }, Err(Rejection::Options));
    check(Expected { source: Some([0; 32]), ..expected }, Err(Rejection::Source));
}

#[test]
fn every_truncation_is_rejected() {
    for bytes in [sample_bytes(), to_bytes(&tiny(), &HEADER)] {
        for length in 0..bytes.len() {
            assert_eq!(load(&bytes[..length]).err(), Some(Rejection::Truncated), "{length} bytes");
        }
    }
}

/// What is accepted must verify, print, and come back from its own bytes.
fn check_harmless(bytes: &[u8]) -> bool {
    let Ok((header, image)) = load(bytes) else { return false };
    assert_eq!(verify(&image), Ok(()));
    assert!(!disassemble(&image).is_empty());
    assert_eq!(to_bytes(&image, &header), bytes, "an image has one encoding");
    walk(&image);
    true
}

/// Follows every index.
fn walk(image: &Image) {
    for function in image.functions() {
        image.parameters(function).iter().for_each(|name| _ = image.name(name));
    }
    (0..image.string_count() as u32).for_each(|string| _ = image.string(string));
    (0..image.locals_count() as u32).for_each(|table| _ = image.locals(table));
    image.sites().for_each(|site| _ = image.name(site.name));
}

#[test]
fn every_flip_is_rejected_or_harmless() {
    let bytes = sample_bytes();
    let mut accepted = 0;
    for at in 0..bytes.len() {
        for mask in [0x01, 0x02, 0x10, 0x80, 0xFF] {
            let mut flipped = bytes.clone();
            flipped[at] ^= mask;
            accepted += usize::from(check_harmless(&flipped));
        }
    }
    assert!(accepted > 0, "digests and columns may be anything");
}

/// xorshift64*: the same numbers on each run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

#[test]
fn random_words_in_the_code_are_rejected_or_harmless() {
    let good = sample_bytes();
    let code = haiden_bytecode::format::HEADER_LEN;
    let count = sample().code().len();
    let mut numbers = Numbers(42);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..=numbers.below(3) {
            let op = Op::from_code(numbers.below(ops::OPS.len()) as u8).expect("the table is dense");
            let mut small = || if numbers.below(20) == 0 { numbers.next() } else { numbers.below(4) as u64 };
            let word =
                ops::abc(op, small() as u8, small() as u16, small() as u16, (small() as u16).wrapping_sub(1));
            let at = code + 8 * numbers.below(count);
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        accepted += usize::from(check_harmless(&bytes));
    }
    assert!((1000..19_000).contains(&accepted), "{accepted}: the generator should hit both");
}

#[test]
fn every_instruction_of_a_long_function_is_looked_at() {
    let mut code = Code::new();
    let root = code.reserve_function();
    code.start_function();
    for line in 1..1000 {
        code.abc(at(line, 1), Op::Emit, 0, 3, 0, 0);
    }
    code.abc(at(1000, 1), Op::Return, 0, 0, 0, 0);
    code.finish_function(root, function(FunctionKind::Root, u32::MAX, 4, 0, 0), &[]);
    let good = to_bytes(&assemble(code).expect("a small image"), &HEADER);
    assert!(load(&good).is_ok());
    let cases = [
        (ops::abc(Op::Emit, 0, 4, 0, 0), "no such register"),
        (ops::abc(Op::Emit, 0, 0x8000, 0, 0), "no such register"),
        (ops::abc(Op::Emit, 3, 0, 0, 0), "a number that means nothing"),
        (ops::abc(Op::Move, 0, 0, 4, 0), "no such register"),
        (ops::aw(Op::Jump, 0, 0, 1000), "a jump out of the function"),
        (ops::aw(Op::Text, 0, 0, 0), "no such string"),
        (ops::abc(Op::MakeList, 0, 0, 2, 3), "a run of registers out of range"),
        (0xFF, "no such instruction"),
    ];
    for (word, what) in cases {
        for place in [0, 1, 511, 512, 700, 998] {
            let mut bytes = good.clone();
            let at = haiden_bytecode::format::HEADER_LEN + 8 * place;
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
            let Err(Rejection::Structure(fault)) = load(&bytes) else {
                panic!("{word:#x} at {place} is taken")
            };
            assert_eq!((fault.what, fault.at), (what, place as u32));
        }
    }
}

#[test]
fn random_numbers_in_the_tables_are_rejected_or_harmless() {
    let good = sample_bytes();
    let mut numbers = Numbers(7);
    let values = [0, 1, 2, 3, 5, 64, 0xFF, 0x7FFF_FFFF, 0x8000_0000, u32::MAX - 1, u32::MAX];
    for _ in 0..40_000 {
        let mut bytes = good.clone();
        for _ in 0..=numbers.below(2) {
            let at = 4 * numbers.below(bytes.len() / 4);
            let value = values[numbers.below(values.len())];
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        check_harmless(&bytes);
    }
}

#[test]
fn the_printer_is_stable() {
    let text = describe(&sample_bytes()).expect("our own bytes");
    // The hash changes with every change of the instruction set; the rest should not.
    let hash = format!("{:016x}", ops::INSTRUCTION_SET_HASH);
    expect_file!["golden/sample.txt"].assert_eq(&text.replace(&hash, "(hash)"));
}
