//! What Python calls a space, a word character and an identifier.

/// Whether `str.isspace` and `\s` hold.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// Whether Jinja2's pattern of names accepts the character (which is more than identifiers may hold).
pub(crate) fn is_name_char(c: char) -> bool {
    if c.is_ascii() {
        return c == '_' || c.is_ascii_alphanumeric();
    }
    let letter = unicode_ident::is_xid_continue(c) || c.is_numeric() || is_odd_letter(c);
    letter && !in_ranges(c, NEW_MARKS)
}

/// Letters that no identifier may hold.
fn is_odd_letter(c: char) -> bool {
    matches!(c, '\u{37a}' | '\u{2e2f}' | '\u{fc5e}'..='\u{fc63}' | '\u{fdfa}' | '\u{fdfb}')
        || (matches!(c, '\u{fe70}'..='\u{fe7e}') && u32::from(c).is_multiple_of(2))
}

/// Whether `str.isidentifier` holds.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first == '_' || unicode_ident::is_xid_start(first))
        && chars.all(unicode_ident::is_xid_continue)
}

fn in_ranges(c: char, ranges: &[(u32, u32)]) -> bool {
    let code = u32::from(c);
    let next = ranges.partition_point(|&(start, _)| start <= code);
    next > 0 && code <= ranges[next - 1].1
}

/// Marks that Unicode added after Jinja2's table was made, so its pattern does not know them.
const NEW_MARKS: &[(u32, u32)] = &[
    (0x898, 0x89f),
    (0x8ca, 0x8d2),
    (0xb55, 0xb55),
    (0xc3c, 0xc3c),
    (0xd81, 0xd81),
    (0xeba, 0xeba),
    (0x1715, 0x1715),
    (0x180f, 0x180f),
    (0x1abf, 0x1ace),
    (0x1dfa, 0x1dfa),
    (0xa82c, 0xa82c),
    (0x10eab, 0x10eac),
    (0x10f82, 0x10f85),
    (0x11070, 0x11070),
    (0x11073, 0x11074),
    (0x110c2, 0x110c2),
    (0x111ce, 0x111cf),
    (0x11930, 0x11935),
    (0x11937, 0x11938),
    (0x1193b, 0x1193e),
    (0x11940, 0x11940),
    (0x11942, 0x11943),
    (0x119d1, 0x119d7),
    (0x119da, 0x119e0),
    (0x119e4, 0x119e4),
    (0x16f4f, 0x16f4f),
    (0x16f7f, 0x16f87),
    (0x16fe4, 0x16fe4),
    (0x16ff0, 0x16ff1),
    (0x1cf00, 0x1cf2d),
    (0x1cf30, 0x1cf46),
    (0x1e130, 0x1e136),
    (0x1e2ae, 0x1e2ae),
    (0x1e2ec, 0x1e2ef),
];

/// The end of the run of spaces that starts at `from`.
#[inline]
pub(crate) fn skip_spaces(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut pos = from;
    while pos < bytes.len() {
        let byte = bytes[pos];
        if byte.is_ascii() {
            if !matches!(byte, b'\t'..=b'\r' | 0x1c..=b' ') {
                return pos;
            }
            pos += 1;
        } else {
            match text[pos..].chars().next() {
                Some(c) if is_space(c) => pos += c.len_utf8(),
                _ => return pos,
            }
        }
    }
    pos
}

/// How many newlines there are.
#[inline]
pub(crate) fn newlines(bytes: &[u8]) -> u32 {
    if bytes.len() < 16 {
        return bytes.iter().map(|&byte| u32::from(byte == b'\n')).sum();
    }
    memchr::memchr_iter(b'\n', bytes).count() as u32
}

/// `starts_with` for delimiters, which are too short to be worth a call.
#[inline]
pub(crate) fn starts_with(bytes: &[u8], short: &[u8]) -> bool {
    bytes.len() >= short.len() && short.iter().zip(bytes).all(|(left, right)| left == right)
}
