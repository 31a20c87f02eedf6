//! HTML escaping, as both hosts print text.
//!
//! In: text. Out: the text with `&`, `<`, `>`, `'` and `"` as `MarkupSafe` 2 and 3 write them: `&amp;`, `&lt;`, `&gt;`,
//! `&#39;`, `&#34;`. Bytes are looked at sixteen at a time where the processor can, eight at a time elsewhere.
#![expect(unsafe_code, reason = "the design's audited file for vectorised escaping")]

/// The entity of each special byte by its low four bits, which differ for all five: its bytes as one word, and how many
/// there are. A table, since a `match` would be a branch that nothing predicts.
static ENTITIES: [(u64, usize); 16] = {
    let mut table = [(0, 0); 16];
    table[0x6] = (u64::from_le_bytes(*b"&amp;\0\0\0"), 5);
    table[0xC] = (u64::from_le_bytes(*b"&lt;\0\0\0\0"), 4);
    table[0xE] = (u64::from_le_bytes(*b"&gt;\0\0\0\0"), 4);
    table[0x7] = (u64::from_le_bytes(*b"&#39;\0\0\0"), 5);
    table[0x2] = (u64::from_le_bytes(*b"&#34;\0\0\0"), 5);
    table
};

/// Is this one of the five?
#[inline]
const fn is_special(byte: u8) -> bool {
    matches!(byte, b'&' | b'<' | b'>' | b'\'' | b'"')
}

/// Appends `text`, escaped.
#[inline]
pub fn escape_into(out: &mut String, text: &str) {
    // SAFETY: whole ASCII characters of UTF-8 are replaced by ASCII, so what is appended is UTF-8.
    escape_bytes(unsafe { out.as_mut_vec() }, text.as_bytes());
}

/// Appends `text`, escaped: the bytes of UTF-8, of Latin-1 or of any other encoding that has ASCII in one byte each and
/// nowhere else.
#[inline]
pub fn escape_bytes(out: &mut Vec<u8>, text: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    {
        if text.len() <= FEW {
            escape_few(out, text);
        } else if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            unsafe { escape_avx2(out, text) }
        } else {
            escape_sse2(out, text);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    escape_plain(out, text);
}

/// From one special byte to the next, copying what lies between.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn escape_plain(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    while let Some(found) = find_special(rest) {
        out.extend_from_slice(&rest[..found]);
        let (entity, length) = ENTITIES[usize::from(rest[found] & 15)];
        out.extend_from_slice(&entity.to_le_bytes()[..length]);
        rest = &rest[found + 1..];
    }
    out.extend_from_slice(rest);
}

/// At most 32 bytes, escaped: two overlapping halves are looked at and copied at once.
#[cfg(target_arch = "x86_64")]
#[inline]
fn escape_few(out: &mut Vec<u8>, text: &[u8]) {
    use std::arch::x86_64::{_mm_loadu_si128, _mm_set_epi64x, _mm_storeu_si128};
    let length = text.len();
    if out.capacity() - out.len() < FEW {
        make_room(out);
    }
    // SAFETY: SSE2 is part of every x86-64 processor. Each half is a chunk of the text; there is room for 32 bytes behind
    // the end, and the two stores fill the first `length` of them.
    let specials = unsafe {
        let end = out.as_mut_ptr().add(out.len());
        if let (Some(first), Some(last)) = (text.first_chunk::<16>(), text.last_chunk::<16>()) {
            let first = _mm_loadu_si128(first.as_ptr().cast());
            let last = _mm_loadu_si128(last.as_ptr().cast());
            _mm_storeu_si128(end.cast(), first);
            _mm_storeu_si128(end.add(length - 16).cast(), last);
            special_mask(first) | special_mask(last) << (length - 16)
        } else if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
            let (first, last) = (i64::from_ne_bytes(*first), i64::from_ne_bytes(*last));
            end.cast::<i64>().write_unaligned(first);
            end.add(length - 8).cast::<i64>().write_unaligned(last);
            let mask = special_mask(_mm_set_epi64x(last, first));
            mask & 0xFF | (mask >> 8) << (length - 8)
        } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
            let (first, last) = (i32::from_ne_bytes(*first), i32::from_ne_bytes(*last));
            end.cast::<i32>().write_unaligned(first);
            end.add(length - 4).cast::<i32>().write_unaligned(last);
            // The four bytes above each are signs, which are not special.
            let mask = special_mask(_mm_set_epi64x(last.into(), first.into()));
            mask & 0xF | (mask >> 8 & 0xF) << (length - 4)
        } else {
            let mut mask = 0;
            for (place, &byte) in text.iter().enumerate() {
                *end.add(place) = byte;
                mask |= u32::from(is_special(byte)) << place;
            }
            mask
        }
    };
    if specials != 0 {
        return escape_some(out, text, specials);
    }
    // SAFETY: so many bytes have been written.
    unsafe { out.set_len(out.len() + length) };
}

/// How many bytes are few.
#[cfg(target_arch = "x86_64")]
const FEW: usize = 32;

#[cfg(target_arch = "x86_64")]
#[cold]
#[inline(never)]
fn make_room(out: &mut Vec<u8>) {
    out.reserve(2 * FEW);
}

/// What the blocks left: less than two of them.
#[cfg(target_arch = "x86_64")]
fn escape_rest(out: &mut Vec<u8>, text: &[u8]) {
    let (first, last) = text.split_at(text.len().min(FEW));
    escape_few(out, first);
    escape_few(out, last);
}

/// At most 32 bytes of which those in `specials` are special.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn escape_some(out: &mut Vec<u8>, text: &[u8], specials: u32) {
    escape_marked::<FEW>(out, text, specials.into());
}

/// At most `MOST` bytes, which are no more than 64, of which those in `specials` are special: from one to the next, copying
/// `MOST` bytes each time.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn escape_marked<const MOST: usize>(out: &mut Vec<u8>, text: &[u8], mut specials: u64) {
    let mut block = [[0; MOST]; 2];
    block.as_flattened_mut()[..text.len()].copy_from_slice(text);
    out.reserve(text.len() * 5 + MOST + 8);
    let (mut filled, mut at) = (out.len(), 0);
    // SAFETY: no byte becomes more than five, so there is room for a block behind what is filled, and for an entity's
    // word behind its clean bytes; what is counted as filled was written. `at` is at most `MOST`, so a block starts there.
    unsafe {
        let (from, to) = (block.as_ptr().cast::<u8>(), out.as_mut_ptr());
        let copy = |at: usize, filled: usize| {
            to.add(filled).cast::<[u8; MOST]>().write(from.add(at).cast::<[u8; MOST]>().read());
        };
        while specials != 0 {
            let place = specials.trailing_zeros() as usize;
            copy(at, filled);
            filled += place - at;
            let (entity, length) = ENTITIES[usize::from(text[place] & 15)];
            to.add(filled).cast::<u64>().write_unaligned(entity.to_le());
            filled += length;
            at = place + 1;
            specials &= specials - 1;
        }
        copy(at, filled);
        out.set_len(filled + text.len() - at);
    }
}

/// Which of sixteen bytes are special.
#[cfg(target_arch = "x86_64")]
#[inline]
fn special_mask(block: std::arch::x86_64::__m128i) -> u32 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8};
    // SAFETY: SSE2 is part of every x86-64 processor.
    unsafe {
        let is = |byte: u8| _mm_cmpeq_epi8(block, _mm_set1_epi8(byte.cast_signed()));
        let quotes = _mm_or_si128(is(b'"'), is(b'\''));
        let angles = _mm_or_si128(is(b'<'), is(b'>'));
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, angles), is(b'&'))).cast_unsigned()
    }
}

/// A block is copied whole and looked at; behind each special byte that it has, its entity and then the rest of the block are
/// written. `$width` bytes at a time; `$load`, `$store` and `$mask` are the block's operations. What is left at the end is
/// less than two blocks.
#[cfg(target_arch = "x86_64")]
macro_rules! escape_blocks {
    ($out:ident, $text:ident, $width:literal, |$p:ident| $load:expr, |$to:ident, $b:ident| $store:expr, $mask:expr) => {{
        // What a block can become, and a block's copy or an entity's word behind it.
        const SLACK: usize = $width * 5 + $width + 8;
        let (out, text) = (&mut *$out, $text);
        out.reserve(text.len() + SLACK + 64);
        let mut at = 0;
        // The vector's length is kept in a register: through memory it would hold each turn up.
        let mut filled = out.len();
        while at + 2 * $width <= text.len() {
            if out.capacity() - filled < SLACK {
                // SAFETY: so many bytes have been written.
                unsafe { out.set_len(filled) };
                out.reserve(text.len() - at + SLACK + 256);
            }
            let $p = text[at..at + 2 * $width].as_ptr();
            // SAFETY: two blocks of the text begin there.
            let $b = unsafe { $load };
            let mut mask: u32 = $mask;
            // SAFETY: there is room for all that the block can become and a block's copy behind it; what is counted as
            // filled was written by a store, or by an entity's word behind it. The block's rest is copied together with
            // what follows it in the text, of which there is a whole block.
            unsafe {
                let end = out.as_mut_ptr();
                let $to = end.add(filled);
                $store;
                let mut from = 0;
                while mask != 0 {
                    let place = mask.trailing_zeros() as usize;
                    let (entity, length) = ENTITIES[usize::from(text[at + place] & 15)];
                    filled += place - from;
                    end.add(filled).cast::<u64>().write_unaligned(entity.to_le());
                    filled += length;
                    from = place + 1;
                    let $p = $p.add(from);
                    let $b = $load;
                    let $to = end.add(filled);
                    $store;
                    mask &= mask - 1;
                }
                filled += $width - from;
                at += $width;
            }
        }
        // SAFETY: so many bytes have been written.
        unsafe { out.set_len(filled) };
        at
    }};
}

/// Sixteen bytes at a time; SSE2 is part of every x86-64 processor.
#[cfg(target_arch = "x86_64")]
fn escape_sse2(out: &mut Vec<u8>, text: &[u8]) {
    use std::arch::x86_64::{_mm_loadu_si128, _mm_storeu_si128};
    let at = escape_blocks!(
        out,
        text,
        16,
        |p| _mm_loadu_si128(p.cast()),
        |to, block| _mm_storeu_si128(to.cast(), block),
        special_mask(block)
    );
    escape_rest(out, &text[at..]);
}

/// Thirty-two bytes at a time: one shuffle by the low nibble and one comparison find the five. The text has more of them.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn escape_avx2(out: &mut Vec<u8>, text: &[u8]) {
    use std::arch::x86_64::{_mm256_loadu_si256, _mm256_storeu_si256};
    let at = escape_blocks!(
        out,
        text,
        32,
        |p| _mm256_loadu_si256(p.cast()),
        |to, block| _mm256_storeu_si256(to.cast(), block),
        special_mask_avx2(block)
    );
    escape_rest_avx2(out, &text[at..]);
}

/// Which of thirty-two bytes are special.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn special_mask_avx2(block: std::arch::x86_64::__m256i) -> u32 {
    use std::arch::x86_64::{_mm256_cmpeq_epi8, _mm256_movemask_epi8, _mm256_setr_epi8, _mm256_shuffle_epi8};
    // Place n holds the special byte whose low nibble is n. Others hold what no byte with that nibble is (place 0 must
    // not be 0, which a NUL would match).
    #[rustfmt::skip]
    let table = _mm256_setr_epi8(
        1, 0, 0x22, 0, 0, 0, 0x26, 0x27, 0, 0, 0, 0, 0x3C, 0, 0x3E, 0,
        1, 0, 0x22, 0, 0, 0, 0x26, 0x27, 0, 0, 0, 0, 0x3C, 0, 0x3E, 0,
    );
    _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, block), block)).cast_unsigned()
}

/// What the blocks of 32 left, from 32 bytes on and less than 64: two overlapping blocks are looked at and copied at once.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn escape_rest_avx2(out: &mut Vec<u8>, text: &[u8]) {
    use std::arch::x86_64::{_mm256_loadu_si256, _mm256_storeu_si256};
    const BLOCK: usize = 32;
    let (Some(first), Some(last)) = (text.first_chunk::<BLOCK>(), text.last_chunk::<BLOCK>()) else {
        return escape_rest(out, text);
    };
    let (length, behind) = (text.len(), text.len() - BLOCK);
    out.reserve(length);
    // SAFETY: each block is a chunk of the text; there is room for all of it behind the end, which the two stores fill.
    let specials = unsafe {
        let first = _mm256_loadu_si256(first.as_ptr().cast());
        let last = _mm256_loadu_si256(last.as_ptr().cast());
        let end = out.as_mut_ptr().add(out.len());
        _mm256_storeu_si256(end.cast(), first);
        _mm256_storeu_si256(end.add(behind).cast(), last);
        u64::from(special_mask_avx2(first)) | u64::from(special_mask_avx2(last)) << behind
    };
    if specials != 0 {
        return escape_marked::<{ 2 * BLOCK }>(out, text, specials);
    }
    // SAFETY: so many bytes have been written.
    unsafe { out.set_len(out.len() + length) };
}

/// Where the first of the five characters is.
#[inline]
pub fn find_special(bytes: &[u8]) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    {
        find_sse2(bytes)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        find_words(bytes)
    }
}

/// Sixteen bytes at a time.
#[cfg(target_arch = "x86_64")]
#[inline]
fn find_sse2(bytes: &[u8]) -> Option<usize> {
    use std::arch::x86_64::_mm_loadu_si128;
    let mut at = 0;
    while at + 16 <= bytes.len() {
        // SAFETY: `at..at + 16` lies in the slice by the loop's condition, and the load needs no alignment.
        let mask = special_mask(unsafe { _mm_loadu_si128(bytes.as_ptr().add(at).cast()) });
        if mask != 0 {
            return Some(at + mask.trailing_zeros() as usize);
        }
        at += 16;
    }
    find_words(&bytes[at..]).map(|found| at + found)
}

/// Eight bytes at a time: a byte is special if its difference to one of the five is zero.
#[inline]
fn find_words(bytes: &[u8]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let zero = |byte: u8| {
            let difference = word ^ (LOW * u64::from(byte));
            difference.wrapping_sub(LOW) & !difference & HIGH
        };
        if zero(b'&') | zero(b'<') | zero(b'>') | zero(b'\'') | zero(b'"') != 0 {
            break;
        }
        at += 8;
    }
    bytes[at..].iter().position(|&byte| is_special(byte)).map(|found| at + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Byte by byte.
    fn naive(text: &str) -> String {
        let mut out = String::new();
        for c in text.chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '\'' => out.push_str("&#39;"),
                '"' => out.push_str("&#34;"),
                c => out.push(c),
            }
        }
        out
    }

    #[test]
    fn every_place_of_every_special_is_found() {
        for length in 0..70 {
            for place in 0..length {
                for special in ['&', '<', '>', '\'', '"', '\u{e9}', '6', '|'] {
                    let mut text = "x".repeat(length);
                    text.replace_range(place..=place, &special.to_string());
                    let mut out = String::new();
                    escape_into(&mut out, &text);
                    assert_eq!(out, naive(&text), "{text}");
                    assert_eq!(find_words(text.as_bytes()), find_special(text.as_bytes()), "{text}");
                }
            }
        }
    }

    /// Every road must agree, on any bytes.
    #[track_caller]
    fn check_bytes(text: &[u8]) {
        let mut expected = b"start".to_vec();
        for &byte in text {
            match byte {
                b'&' => expected.extend(b"&amp;"),
                b'<' => expected.extend(b"&lt;"),
                b'>' => expected.extend(b"&gt;"),
                b'\'' => expected.extend(b"&#39;"),
                b'"' => expected.extend(b"&#34;"),
                byte => expected.push(byte),
            }
        }
        for road in [escape_bytes, escape_plain] {
            let mut out = b"start".to_vec();
            road(&mut out, text);
            assert_eq!(out, expected, "{text:?}");
        }
        #[cfg(target_arch = "x86_64")]
        {
            let mut out = b"start".to_vec();
            escape_sse2(&mut out, text);
            assert_eq!(out, expected, "sse2 {text:?}");
        }
    }

    #[test]
    fn all_roads_agree_on_any_bytes() {
        check_bytes(&(0..=255).collect::<Vec<u8>>());
        check_bytes(&[b'"'; 1000]);
        let mut state = 11_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize
        };
        for round in 0..4000 {
            let length = random() % 140;
            let text = (0..length).map(|_| match random() % (2 + round % 40) {
                0 => b"&<>'\""[random() % 5],
                _ => random() as u8,
            });
            check_bytes(&text.collect::<Vec<u8>>());
        }
    }

    #[test]
    fn random_text_is_escaped_as_byte_by_byte() {
        let alphabet: Vec<char> = "abc &<>'\"\u{e9}\u{20ac}\u{1f600}\n".chars().collect();
        let mut state = 7_u64;
        for _ in 0..2000 {
            let mut text = String::new();
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            for _ in 0..(state >> 40) % 90 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push(alphabet[(state >> 33) as usize % alphabet.len()]);
            }
            let mut out = String::new();
            escape_into(&mut out, &text);
            assert_eq!(out, naive(&text), "{text}");
        }
    }
}
