//! Any bytes as a bundle: refused, or its templates render or fail.
//!
//! In: a bundle, more or less. Lengths and digests are made right first, for anyone who writes bundles can do that: they
//! find accidents. Out: nothing; a panic is a find.
#![no_main]

use haiden::cache::Bundle;
use haiden_fuzz::pages;
use libfuzzer_sys::fuzz_target;
use xxhash_rust::xxh3::xxh3_128;

/// Header of the bundle, one record of the entry table, one of the names; see `docs/bundle-format.md`.
const HEADER: usize = 64;
const ENTRY: usize = 48;
const NAME: usize = 8;
const TAG: usize = 32;
/// The digest of a bundle and of an entry: where it stands, where the digested part starts.
const DIGEST: std::ops::Range<usize> = 16..32;

fuzz_target!(|input: &[u8]| {
    let mut bytes = input.to_vec();
    let _repaired = repair(&mut bytes);
    let Ok(bundle) = Bundle::from_bytes(bytes) else { return };
    let entries = haiden::cache::BytecodeCache::entries(&bundle);
    std::hint::black_box(entries.map(Iterator::count).ok());
    pages(bundle);
});

/// Makes lengths and digests right as far as the tables allow.
fn repair(bytes: &mut [u8]) -> Option<()> {
    let total = bytes.len() as u64;
    bytes.get_mut(56..64)?.copy_from_slice(&total.to_le_bytes());
    let (entries, names, text) = (word(bytes, 40)?, word(bytes, 44)?, word(bytes, 48)?);
    for at in 0..entries.min(64) {
        let place = HEADER + at * ENTRY;
        let (offset, length) = (word(bytes, place + 32)?, word(bytes, place + 40)?);
        if let Some(entry) = bytes.get_mut(offset..offset.checked_add(length)?) {
            digest(entry, length);
        }
    }
    let end = HEADER + entries.checked_mul(ENTRY)? + names.checked_mul(NAME)? + text;
    digest(bytes, end);
    Some(())
}

/// A little-endian number; its upper half is of no use in files this small.
fn word(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize)
}

fn digest(bytes: &mut [u8], end: usize) {
    let tagged = bytes.get(32).is_some_and(|flags| flags & 2 != 0);
    let end = if bytes.starts_with(b"\x89HDB") || !tagged { end } else { end.saturating_sub(TAG) };
    if let Some(digested) = bytes.get(DIGEST.end..end) {
        let digest = xxh3_128(digested).to_le_bytes();
        bytes[DIGEST].copy_from_slice(&digest);
    }
}
