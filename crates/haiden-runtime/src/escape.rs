//! HTML escaping, as both hosts print text.
//!
//! In: text. Out: the text with `&`, `<`, `>`, `'` and `"` as `MarkupSafe` 2 and 3 write them: `&amp;`, `&lt;`, `&gt;`,
//! `&#39;`, `&#34;`. Bytes are looked at sixteen at a time where the processor can, eight at a time elsewhere.
#![expect(unsafe_code, reason = "the design's audited file for vectorised escaping")]

/// The entity of each special byte by its low four bits, which differ for all five.
const ENTITIES: [&str; 16] = {
    let mut table = [""; 16];
    table[0x6] = "&amp;";
    table[0xC] = "&lt;";
    table[0xE] = "&gt;";
    table[0x7] = "&#39;";
    table[0x2] = "&#34;";
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
    let bytes = text.as_bytes();
    let mut from = 0;
    let mut at = 0;
    while let Some(found) = find_special(&bytes[at..]) {
        at += found;
        out.push_str(&text[from..at]);
        out.push_str(ENTITIES[usize::from(bytes[at] & 15)]);
        at += 1;
        from = at;
    }
    out.push_str(&text[from..]);
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

/// Sixteen bytes at a time; SSE2 is part of every x86-64 processor.
#[cfg(target_arch = "x86_64")]
#[inline]
fn find_sse2(bytes: &[u8]) -> Option<usize> {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    };
    let mut at = 0;
    while at + 16 <= bytes.len() {
        // SAFETY: `at..at + 16` lies in the slice by the loop's condition, the load needs no alignment, and SSE2 is part
        // of the x86-64 baseline.
        let mask = unsafe {
            let block = _mm_loadu_si128(bytes.as_ptr().add(at).cast());
            let is = |byte: u8| _mm_cmpeq_epi8(block, _mm_set1_epi8(byte.cast_signed()));
            let quotes = _mm_or_si128(is(b'"'), is(b'\''));
            let angles = _mm_or_si128(is(b'<'), is(b'>'));
            _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, angles), is(b'&')))
        };
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
