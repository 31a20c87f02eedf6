//! HTML escaping by hand: eight bytes are looked at together, clean stretches are copied whole,
//! and the entity comes from a table, because a branch on the character cannot be predicted.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Appends `text` with `& < > " '` as entities.
pub(crate) fn escaped(page: &mut String, text: &str) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let mut hits = special(u64::from_le_bytes(*chunk));
        while hits != 0 {
            copied = replace(page, text, copied, at + hits.trailing_zeros() as usize / 8);
            hits &= hits - 1;
        }
        at += 8;
    }
    for rest in at..bytes.len() {
        copied = replace(page, text, copied, rest);
    }
    page.push_str(&text[copied..]);
}

/// If the byte at `at` is special, appends what precedes it and its entity; says what is copied.
#[inline]
fn replace(page: &mut String, text: &str, copied: usize, at: usize) -> usize {
    let byte = text.as_bytes()[at];
    let (candidate, entity) = ENTITIES[usize::from(byte & 15)];
    if candidate != byte {
        return copied;
    }
    page.push_str(&text[copied..at]);
    page.push_str(entity);
    at + 1
}

/// High bits where a byte may be special; a borrow can raise a false alarm behind a true one.
fn special(word: u64) -> u64 {
    let equals = |byte: u8| {
        let different = word ^ (ONES * u64::from(byte));
        different.wrapping_sub(ONES) & !different
    };
    (equals(b'&') | equals(b'<') | equals(b'>') | equals(b'"') | equals(b'\'')) & HIGHS
}

/// By the low four bits, which differ among the five; no byte ends in 0 and is special.
const ENTITIES: [(u8, &str); 16] = {
    let mut table = [(0xff, ""); 16];
    table[(b'&' & 15) as usize] = (b'&', "&amp;");
    table[(b'<' & 15) as usize] = (b'<', "&lt;");
    table[(b'>' & 15) as usize] = (b'>', "&gt;");
    table[(b'"' & 15) as usize] = (b'"', "&#34;");
    table[(b'\'' & 15) as usize] = (b'\'', "&#39;");
    table
};

#[cfg(test)]
mod tests {
    #[test]
    fn every_place_in_a_chunk() {
        for length in 0..20 {
            for at in 0..=length {
                for (special, entity) in
                    [("&", "&amp;"), ("<<", "&lt;&lt;"), ("=\"6", "=&#34;6"), ("é'", "é&#39;")]
                {
                    let (head, tail) = ("x".repeat(at), "%".repeat(length - at));
                    let mut page = String::new();
                    super::escaped(&mut page, &format!("{head}{special}{tail}"));
                    assert_eq!(page, format!("{head}{entity}{tail}"));
                }
            }
        }
    }
}
