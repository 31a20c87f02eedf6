//! `load` on any bytes: it rejects them, or gives an image that verifies, has just these bytes, and runs.
//!
//! In: a mode byte and noise. Noise reaches deep only behind a valid start, so the mode says how much of a header is put
//! before it. Out: nothing; a panic is a find.
#![no_main]

use std::sync::{Arc, LazyLock};

use haiden_bytecode::format::{FORMAT_VERSION, HEADER_LEN, MAGIC, Section};
use haiden_bytecode::{Expected, disassemble, load, load_shared, ops, to_bytes, verify};
use haiden_fuzz::{OWN, environment, page};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((mode, noise)) = input.split_first() else { return };
    match mode % 4 {
        3 => run(noise),
        0 => check(noise),
        1 => check(&[&start(noise.len() as u32)[..], noise].concat()),
        _ => check(&whole(noise)),
    }
});

/// The image of a seed, changed anywhere: the header is made this environment's again, so that what is accepted is run.
fn run(noise: &[u8]) {
    static EXPECTED: LazyLock<Vec<u8>> =
        LazyLock::new(|| environment(0).compile_to_image(Some(OWN), "").expect("an empty template compiles"));
    let (environment, expected) = (environment(0), &*EXPECTED);
    let mut bytes = noise.to_vec();
    let Some(head) = bytes.get_mut(..HEADER_LEN) else { return };
    // Format, semantics, instruction set and flags; then the fingerprint of the options.
    for field in [0..28, 64..96] {
        head[field.clone()].copy_from_slice(&expected[field]);
    }
    check(&bytes);
    let _page = page(environment.load_image(Some(OWN), &bytes));
}

/// The fixed start of a header up to its flags, and the length that makes the whole right.
fn start(rest: u32) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FORMAT_VERSION.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(ops::INSTRUCTION_SET_HASH.to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend((32 + rest).to_le_bytes());
    bytes
}

/// A whole header whose directory fits: the first bytes of the noise say how many entries each section has, then come
/// the maxima, then the sections.
fn whole(noise: &[u8]) -> Vec<u8> {
    let (counts, noise) = noise.split_at(noise.len().min(Section::COUNT));
    let (maxima, body) = noise.split_at(noise.len().min(4));
    let count = |section: usize| usize::from(counts.get(section).copied().unwrap_or(0));
    let lengths = Section::ALL.map(|section| count(section as usize - 1) * section.entry_size());
    let total: usize = lengths.iter().sum();
    let mut bytes = start((HEADER_LEN - 32 + total) as u32);
    bytes.extend([0; 64]);
    for index in 0..4 {
        bytes.extend(u32::from(maxima.get(index).copied().unwrap_or(0)).to_le_bytes());
    }
    bytes.extend((Section::COUNT as u32).to_le_bytes());
    let mut offset = HEADER_LEN;
    for (section, length) in Section::ALL.into_iter().zip(lengths) {
        bytes.extend([section as u32, offset as u32, length as u32].map(u32::to_le_bytes).concat());
        offset += length;
    }
    bytes.extend(body);
    bytes.resize(HEADER_LEN + total, 0);
    bytes
}

fn check(bytes: &[u8]) {
    let Ok((header, image)) = load(bytes) else { return };
    assert_eq!(verify(&image), Ok(()));
    assert_eq!(to_bytes(&image, &header), bytes);
    // The same where it lies among other bytes, at an odd place.
    let among: Arc<[u8]> = [&[0xFF; 3][..], bytes, &[0xFF; 3]].concat().into();
    let (header, image) =
        load_shared(&among, 3..3 + bytes.len(), &Expected::of(&header)).expect("they are an image");
    assert_eq!(to_bytes(&image, &header), bytes);
    std::hint::black_box(disassemble(&image).len());
}
