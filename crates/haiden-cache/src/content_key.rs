//! The content key: one name for everything that decides what a compilation yields.
//!
//! In: labelled parts (format, instruction set, compiler semantics, environment fingerprint, source), handed in by an
//! engine. Out: 32 bytes. Invariant: parts are length-prefixed and labelled, so no two part lists hash alike by
//! moving a byte from one part to its neighbour.

use std::fmt;

/// The BLAKE3 context; a change of how parts are laid out changes it.
const CONTEXT: &str = "haiden-cache 2026 content key v1";

/// The address of a cache entry: a BLAKE3 digest over all that went into the bytecode.
///
/// Entries under a content key never change, so nothing can be stale: another source, option, compiler or format is
/// another key.
///
/// ```
/// use haiden_cache::ContentKey;
///
/// let key = ContentKey::new([("format", &b"1"[..]), ("source", b"Hello {{ name }}!")]);
/// let other = ContentKey::new([("format", &b"2"[..]), ("source", b"Hello {{ name }}!")]);
/// assert_ne!(key, other);
/// assert_eq!(ContentKey::from_hex(&key.to_hex()), Some(key));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentKey([u8; 32]);

impl ContentKey {
    /// Hashes labelled parts, in this order.
    pub fn new<'p>(parts: impl IntoIterator<Item = (&'p str, &'p [u8])>) -> Self {
        let mut builder = Self::builder();
        for (label, bytes) in parts {
            builder.part(label, bytes);
        }
        builder.finish()
    }

    /// Hashes part by part. Clone a builder that holds the parts which stay, and add the source to each clone.
    pub fn builder() -> ContentKeyBuilder {
        ContentKeyBuilder(blake3::Hasher::new_derive_key(CONTEXT))
    }

    /// A key from its 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key from 64 lower-case hexadecimal digits; `None` for anything else.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let digits = hex.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Display for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentKey({self})")
    }
}

/// Collects the parts of a [`ContentKey`].
#[derive(Clone, Debug)]
pub struct ContentKeyBuilder(blake3::Hasher);

impl ContentKeyBuilder {
    /// Adds a part: length and text of its label, length and bytes of its content.
    pub fn part(&mut self, label: &str, bytes: &[u8]) -> &mut Self {
        for piece in [label.as_bytes(), bytes] {
            self.0.update(&(piece.len() as u64).to_le_bytes());
            self.0.update(piece);
        }
        self
    }

    /// The key of the parts so far.
    pub fn finish(&self) -> ContentKey {
        ContentKey(*self.0.finalize().as_bytes())
    }
}

/// Lower-case hexadecimal digits of some bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |byte: &u8| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    let digits: Vec<[u8; 2]> = bytes.iter().map(digits).collect();
    String::from_utf8(digits.into_flattened()).expect("digits are ASCII")
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let lists: &[&[(&str, &[u8])]] = &[
            &[],
            &[("", b"")],
            &[("", b""), ("", b"")],
            &[("a", b"bc")],
            &[("ab", b"c")],
            &[("a", b"b"), ("c", b"")],
            &[("a", b""), ("bc", b"")],
            &[("bc", b""), ("a", b"")],
        ];
        let mut keys: Vec<_> = lists.iter().map(|list| ContentKey::new(list.iter().copied())).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), lists.len());
    }

    #[test]
    fn hex_is_strict() {
        let key = ContentKey::new([("source", &b"x"[..])]);
        assert_eq!(ContentKey::from_hex(&key.to_hex()), Some(key));
        for bad in [String::new(), key.to_hex()[..63].to_owned(), key.to_hex().to_uppercase(), "é".repeat(32)]
        {
            assert_eq!(ContentKey::from_hex(&bad), None, "{bad:?}");
        }
    }

    #[test]
    fn keys_are_stable_across_builds() {
        // A change here makes every entry in every store a miss: bump `CONTEXT` when it is meant.
        let key = ContentKey::new([("format", &b"1"[..]), ("source", b"Hello")]);
        assert_eq!(key.to_hex(), "38d20aa8e647943f40eb81e7f150fa1cf2f6f3a45e7fcfb23d77c5883bd1aca3");
    }

    #[test]
    fn builder_clones_share_a_prefix() {
        let mut prefix = ContentKey::builder();
        prefix.part("format", b"1");
        let whole = ContentKey::new([("format", &b"1"[..]), ("source", b"x")]);
        assert_eq!(prefix.clone().part("source", b"x").finish(), whole);
    }
}
