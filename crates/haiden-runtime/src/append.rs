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

/// The eight digits of a number below 100,000,000, zeros in front, the first one in the lowest byte; each is a number below
/// ten, not a character.
#[inline(always)]
fn eight_digits(value: u32) -> u64 {
    // Two numbers of four digits side by side, then four of two, then eight of one. The products stay inside of their
    // places; divided by the powers of two they are exact for numbers of so many digits.
    let fours = u64::from(value / 10_000) | u64::from(value % 10_000) << 32;
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let pairs = hundreds | (fours - hundreds * 100) << 16;
    let tens = ((pairs * 103) >> 10) & 0x000F_000F_000F_000F;
    tens | (pairs - tens * 10) << 8
}

/// Appends digits straight into the page. Numbers of up to eight digits are written as one word, zeros in front shifted out:
/// no branch depends on how many there are.
#[inline(always)]
pub fn append_int(units: &mut Vec<u8>, value: u32) {
    const ROOM: usize = 16;
    const MOST: u32 = 100_000_000;
    if units.capacity() - units.len() < ROOM {
        grow(units, ROOM);
    }
    if value >= MOST {
        append_pair(units, value / MOST);
        // SAFETY: room for more than ten bytes was made.
        unsafe { append_word(units, eight_digits(value % MOST), 0) };
    } else {
        let digits = eight_digits(value);
        // Of nothing but zeros, the last stays.
        let zeros = (digits | 1 << 56).trailing_zeros() / 8;
        // SAFETY: room for more than eight bytes was made.
        unsafe { append_word(units, digits, zeros) };
    }
}

/// Appends a number of one or two digits.
#[cold]
fn append_pair(units: &mut Vec<u8>, value: u32) {
    if value >= 10 {
        units.push(b'0' + (value / 10) as u8);
    }
    units.push(b'0' + (value % 10) as u8);
}

/// Appends eight digits without the first ones.
///
/// # Safety
/// There is room for eight bytes behind the end, and no more than seven are left out.
#[inline(always)]
unsafe fn append_word(units: &mut Vec<u8>, digits: u64, without: u32) {
    const CHARACTERS: u64 = 0x3030_3030_3030_3030;
    debug_assert!(without < 8 && units.capacity() - units.len() >= size_of::<u64>());
    // SAFETY: the caller's promise; what is counted has been written.
    unsafe {
        let end = units.as_mut_ptr().add(units.len());
        end.cast::<u64>().write_unaligned(((digits | CHARACTERS) >> (8 * without)).to_le());
        units.set_len(units.len() + 8 - without as usize);
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
        for value in
            (0..200_000).chain([99_999_999, 100_000_000, 100_000, 999_999_999, 1_000_000_000, u32::MAX])
        {
            let mut out = String::new();
            push_int(&mut out, value);
            assert_eq!(out, value.to_string());
        }
    }
}
