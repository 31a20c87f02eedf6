//! Appending to a page: short texts and integers, as both hosts print them.
//!
//! In: a page in the making and what to append. Out: the page. A call of `memcpy` costs as much as all else that printing
//! a short text needs, so those are copied here, without a branch on each length.
#![expect(unsafe_code, reason = "an audited file: copies whose range is checked beside them")]

/// Appends bytes; a few of them without a call.
#[inline(always)]
pub fn append(units: &mut Vec<u8>, bytes: &[u8]) {
    let length = bytes.len();
    units.reserve(length);
    // SAFETY: there is room for `length` bytes behind the end. Two loads and stores that overlap cover any length
    // between their width and its double, so each branch writes all `length` bytes and reads no others.
    unsafe {
        let from = bytes.as_ptr();
        let to = units.as_mut_ptr().add(units.len());
        macro_rules! both_ends {
            ($word:ty) => {{
                let first = from.cast::<$word>().read_unaligned();
                let last = from.add(length - size_of::<$word>()).cast::<$word>().read_unaligned();
                to.cast::<$word>().write_unaligned(first);
                to.add(length - size_of::<$word>()).cast::<$word>().write_unaligned(last);
            }};
        }
        match length {
            0 => {}
            1 => *to = *from,
            2..=3 => both_ends!(u16),
            4..=7 => both_ends!(u32),
            8..=15 => both_ends!(u64),
            16..=32 => both_ends!(u128),
            33..=64 => both_ends!([u128; 2]),
            _ => std::ptr::copy_nonoverlapping(from, to, length),
        }
        units.set_len(units.len() + length);
    }
}

static PAIRS: [[u8; 2]; 100] = {
    let mut table = [[0; 2]; 100];
    let mut n = 0;
    while n < 100 {
        table[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    table
};

/// The four digits of a number below 10,000, zeros in front, the first one in the lowest byte.
#[inline(always)]
fn four_digits(value: u32) -> u32 {
    let ([a, b], [c, d]) = (PAIRS[(value / 100) as usize], PAIRS[(value % 100) as usize]);
    u32::from_le_bytes([a, b, c, d])
}

/// Appends digits straight into the page. Numbers of up to eight digits are written as one word, zeros in front shifted out:
/// no branch depends on how many there are.
#[inline(always)]
pub fn append_int(units: &mut Vec<u8>, value: u32) {
    const ROOM: usize = 16;
    if units.capacity() - units.len() < ROOM {
        grow(units, ROOM);
    }
    let mut high = 0;
    let mut rest = value;
    // SAFETY: there is room for sixteen bytes behind the end. At most two digits come first, then a word of eight of which
    // the first `length` are kept; all that is counted has been written.
    unsafe {
        let mut end = units.as_mut_ptr().add(units.len());
        if value < 10_000 {
            let word = four_digits(value);
            let zeros = ((word ^ 0x3030_3030).trailing_zeros() / 8).min(3);
            end.cast::<u32>().write_unaligned((word >> (8 * zeros)).to_le());
            units.set_len(units.len() + 4 - zeros as usize);
            return;
        }
        if value >= 100_000_000 {
            let first = value / 100_000_000;
            rest = value % 100_000_000;
            let pair = PAIRS[first as usize];
            if first >= 10 {
                *end = pair[0];
                end = end.add(1);
                high += 1;
            }
            *end = pair[1];
            end = end.add(1);
            high += 1;
        }
        let word = u64::from(four_digits(rest / 10_000)) | u64::from(four_digits(rest % 10_000)) << 32;
        let zeros = if high > 0 { 0 } else { (word ^ 0x3030_3030_3030_3030).trailing_zeros() / 8 };
        end.cast::<u64>().write_unaligned((word >> (8 * zeros)).to_le());
        units.set_len(units.len() + high + 8 - zeros as usize);
    }
}

/// How long a text is at most that is copied in a block of one size.
pub(crate) const BLOCK: usize = 32;

/// A short text, which lies at the start of a block that may be read as a whole.
///
/// Invariant: the first `length` bytes of the block, which are no more than it has, are ASCII.
#[derive(Clone, Copy)]
pub struct Short<'a> {
    block: &'a [u8; BLOCK],
    length: usize,
}

impl<'a> Short<'a> {
    /// The text `start..end` of `whole`.
    ///
    /// # Safety
    /// `start..end` is ASCII and no longer than a block, and a block lies in `whole` from `start` on.
    #[inline(always)]
    pub(crate) unsafe fn new(whole: &'a str, start: u32, end: u32) -> Short<'a> {
        let (start, length) = (start as usize, (end - start) as usize);
        debug_assert!(length <= BLOCK && start + BLOCK <= whole.len());
        debug_assert!(whole.as_bytes()[start..start + length].is_ascii());
        // SAFETY: the caller's promise.
        let block = unsafe { &*whole.as_ptr().add(start).cast::<[u8; BLOCK]>() };
        Short { block, length }
    }

    /// The text.
    #[inline]
    pub fn text(self) -> &'a str {
        // SAFETY: the invariant.
        unsafe { std::str::from_utf8_unchecked(self.block.get_unchecked(..self.length)) }
    }
}

/// Appends a short text by copying all of its block, so that no branch depends on its length.
#[inline(always)]
pub fn append_short(out: &mut Vec<u8>, text: Short<'_>) {
    if out.capacity() - out.len() < BLOCK {
        grow(out, BLOCK);
    }
    // SAFETY: there is room for the block behind the end, and no more of it is kept than was written.
    unsafe {
        out.as_mut_ptr().add(out.len()).cast::<[u8; BLOCK]>().write(*text.block);
        out.set_len(out.len() + text.length);
    }
}

#[cold]
#[inline(never)]
fn grow(out: &mut Vec<u8>, more: usize) {
    out.reserve(more);
}

/// As [`append`], to a text.
#[inline(always)]
pub fn push(out: &mut String, text: &str) {
    // SAFETY: what is appended is UTF-8.
    append(unsafe { out.as_mut_vec() }, text.as_bytes());
}

/// As [`append_short`], to a text.
#[inline(always)]
pub fn push_short(out: &mut String, text: Short<'_>) {
    // SAFETY: what is appended is ASCII.
    append_short(unsafe { out.as_mut_vec() }, text);
}

/// As [`append_int`], to a text.
#[inline(always)]
pub fn push_int(out: &mut String, value: u32) {
    // SAFETY: what is appended is ASCII.
    append_int(unsafe { out.as_mut_vec() }, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_appended() {
        let whole: String = ('a'..='z').cycle().take(100).collect();
        for start in 0..=whole.len() - BLOCK {
            for length in 0..=BLOCK {
                let (mut by_block, mut by_length) = (String::from("-"), String::from("-"));
                // SAFETY: a block of ASCII lies there.
                let short = unsafe { Short::new(&whole, start as u32, (start + length) as u32) };
                push_short(&mut by_block, short);
                push(&mut by_length, short.text());
                let expected = format!("-{}", &whole[start..start + length]);
                assert_eq!((by_block, by_length), (expected.clone(), expected));
            }
        }
    }

    #[test]
    fn integers_are_appended_as_they_are_written() {
        let mut value = 1_u64;
        while u32::try_from(value).is_ok() {
            for near in [value - 1, value, value + 1] {
                let Ok(near) = u32::try_from(near) else { continue };
                let mut out = String::from("-");
                push_int(&mut out, near);
                assert_eq!(out, format!("-{near}"));
            }
            value = value * 3 + 1;
        }
        for value in (0..1100).chain([9999, 10_000, 99_999, 100_000, 999_999_999, 1_000_000_000, u32::MAX]) {
            let mut out = String::new();
            push_int(&mut out, value);
            assert_eq!(out, value.to_string());
        }
    }
}
