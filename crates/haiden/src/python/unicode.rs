//! What Python 3.11 knows about a code point: classes and case mappings of Unicode 14.
//!
//! In: a `char`. Out: its flags, decimal value and mappings. Invariant: equal to Python 3.11 for every
//! code point, whatever Unicode version Rust's own standard library speaks.
//!
//! `unicode14.bin` is written by `tests/record/unicode_table.py`, all numbers little-endian: four `u32`
//! lengths; `u16` block numbers (one for 128 code points); `u16` record numbers; records (flags, decimal
//! value or 255, then the upper, lower, title and folded mapping as `i32` differences, or as an index of
//! a longer mapping where the flag says so); longer mappings (three `u32` code points, 0 is padding).

const STAGE1: usize = read_u32(0) as usize;
const STAGE2: usize = read_u32(4) as usize;
const RECORDS: usize = read_u32(8) as usize;
const LONGER: usize = read_u32(12) as usize;
const STAGE1_AT: usize = 16;
const STAGE2_AT: usize = STAGE1_AT + 2 * STAGE1;
const RECORDS_AT: usize = STAGE2_AT + 2 * STAGE2;
const LONGER_AT: usize = RECORDS_AT + 24 * RECORDS;

static BLOCKS: [u16; STAGE1] = read_u16s(STAGE1_AT);
static NUMBERS: [u16; STAGE2] = read_u16s(STAGE2_AT);
static TABLE: [Record; RECORDS] = read_records();
static LONG_MAPPINGS: [[char; 3]; LONGER] = read_longer();

const fn read_u32(at: usize) -> u32 {
    const BYTES: &[u8] = include_bytes!("unicode14.bin");
    u32::from_le_bytes([BYTES[at], BYTES[at + 1], BYTES[at + 2], BYTES[at + 3]])
}

const fn read_u16s<const N: usize>(at: usize) -> [u16; N] {
    const BYTES: &[u8] = include_bytes!("unicode14.bin");
    let mut table = [0; N];
    let mut i = 0;
    while i < N {
        table[i] = u16::from_le_bytes([BYTES[at + 2 * i], BYTES[at + 2 * i + 1]]);
        i += 1;
    }
    table
}

const fn read_records() -> [Record; RECORDS] {
    let mut table = [Record { flags: 0, decimal: 0, mappings: [0; 4] }; RECORDS];
    let mut i = 0;
    while i < RECORDS {
        let at = RECORDS_AT + 24 * i;
        table[i].flags = read_u32(at);
        table[i].decimal = read_u32(at + 4);
        let mut j = 0;
        while j < 4 {
            table[i].mappings[j] = read_u32(at + 8 + 4 * j).cast_signed();
            j += 1;
        }
        i += 1;
    }
    table
}

const fn read_longer() -> [[char; 3]; LONGER] {
    let mut table = [['\0'; 3]; LONGER];
    let mut i = 0;
    while i < LONGER {
        let mut j = 0;
        while j < 3 {
            table[i][j] = match char::from_u32(read_u32(LONGER_AT + 12 * i + 4 * j)) {
                Some(c) => c,
                None => panic!("a mapping is a scalar value"),
            };
            j += 1;
        }
        i += 1;
    }
    table
}

#[derive(Clone, Copy)]
struct Record {
    flags: u32,
    decimal: u32,
    mappings: [i32; 4],
}

/// `isalpha`.
pub(crate) const ALPHA: u32 = 1;
/// `isdecimal`.
pub(crate) const DECIMAL: u32 = 1 << 1;
/// `isdigit`.
pub(crate) const DIGIT: u32 = 1 << 2;
/// `isnumeric`.
pub(crate) const NUMERIC: u32 = 1 << 3;
/// `isspace`.
pub(crate) const SPACE: u32 = 1 << 4;
/// `islower`.
pub(crate) const LOWER: u32 = 1 << 5;
/// `isupper`.
pub(crate) const UPPER: u32 = 1 << 6;
/// A title case letter that is not upper case.
pub(crate) const TITLE: u32 = 1 << 7;
/// `isprintable`.
pub(crate) const PRINTABLE: u32 = 1 << 8;
/// May start an identifier (`_` included).
pub(crate) const XID_START: u32 = 1 << 9;
/// May go on in an identifier.
pub(crate) const XID_CONTINUE: u32 = 1 << 10;
/// Has the property `Cased`.
pub(crate) const CASED: u32 = 1 << 11;
/// Is skipped when the place of a final sigma is looked for.
pub(crate) const CASE_IGNORABLE: u32 = 1 << 12;
/// `isalnum`.
pub(crate) const ALNUM: u32 = ALPHA | DECIMAL | DIGIT | NUMERIC;

/// Which case mapping is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mapping {
    /// To upper case.
    Upper,
    /// To lower case, without the rule of the final sigma.
    Lower,
    /// To title case.
    Title,
    /// Folded, for comparison without case.
    Fold,
}

fn record(c: char) -> &'static Record {
    let point = c as usize;
    let block = usize::from(BLOCKS[point >> 7]);
    &TABLE[usize::from(NUMBERS[(block << 7) | (point & 127)])]
}

/// All flags of a code point.
pub(crate) fn flags(c: char) -> u32 {
    record(c).flags
}

/// Whether a code point has one of `wanted`.
pub(crate) fn has(c: char, wanted: u32) -> bool {
    flags(c) & wanted != 0
}

/// Python's white space, as `str.split()`, `str.strip()` and `\s` see it.
pub(crate) fn is_space(c: char) -> bool {
    match c {
        '\t'..='\r' | '\x1c'..=' ' => true,
        '\0'..='\x7f' => false,
        _ => has(c, SPACE),
    }
}

/// `\w` of Python's `re` for text.
pub(crate) fn is_word(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { has(c, ALNUM) }
}

/// Whether `repr` shows the code point as it is.
pub(crate) fn is_printable(c: char) -> bool {
    if c.is_ascii() { (' '..='~').contains(&c) } else { has(c, PRINTABLE) }
}

/// The value of a decimal digit of any script.
pub(crate) fn decimal(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let value = record(c).decimal;
    (value < 10).then_some(value)
}

/// Append the full case mapping of `c`.
pub(crate) fn map_into(out: &mut String, c: char, mapping: Mapping) {
    let found = record(c);
    let value = found.mappings[mapping as usize];
    if found.flags & (1 << (16 + mapping as u32)) == 0 {
        out.push(char::from_u32((c as u32).wrapping_add_signed(value)).unwrap_or(c));
        return;
    }
    let longer = &LONG_MAPPINGS[value.unsigned_abs() as usize];
    out.extend(longer.iter().copied().take_while(|&c| c != '\0'));
}
