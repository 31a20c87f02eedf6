//! The frame around a stored entry.
//!
//! In: any bytes. Out: a [`Frame`] that borrows from them, or a [`Rejection`]. Invariant: parsing is total: no panic,
//! no allocation, every length is compared with what is there before it is used.
//!
//! ```text
//!   0  magic            8   89 'H' 'D' 'C' 0D 0A 1A 0A   (a transfer in text mode breaks it)
//!   8  frame version    u16
//!  10  reserved         6   zero
//!  16  digest           16  XXH3-128 of bytes 32 .. end of bytecode
//!  32  flags            u16 bit 0: an authentication tag follows the bytecode
//!  34  checksum length  u16
//!  36  key id           u32 which key made the tag; zero without one
//!  40  created          u64 seconds since 1970, UTC
//!  48  created          u32 nanoseconds
//!  52  reserved         u32 zero
//!  56  content key      32
//!  88  bytecode length  u64
//!  96  source checksum  (text, as `get_source_checksum` gave it)
//!      bytecode
//!      tag              32, when flag bit 0 is set
//! ```
//! All numbers are little-endian. The digest finds accidents, not attackers; a tag is for those. It is keyed BLAKE3 over
//! everything before it, and it is checked by [`Signature::is_by`], not here: who has no keys takes an entry with a tag
//! as he takes one without.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use twox_hash::XxHash3_128;

use crate::{CacheError, CacheErrorKind, ContentKey, KeyRing, Rejection};

const MAGIC: [u8; 8] = *b"\x89HDC\r\n\x1a\n";
const VERSION: u16 = 1;
const HEADER: usize = 96;
const DIGESTED: usize = 32;
const TAG: usize = 32;
const FLAG_TAG: u16 = 1;
const MAX_CHECKSUM: usize = 1024;

/// The largest entry a bucket reads unless told otherwise: 64 MiB.
pub const DEFAULT_MAX_ENTRY_BYTES: usize = 64 << 20;

/// A stored entry, taken apart: what a store writes around the bytecode.
///
/// Stores that go through [`Bucket`](crate::Bucket) never meet it; it is for tools that read entries without knowing
/// their key.
///
/// ```
/// use std::time::SystemTime;
/// use haiden_cache::{ContentKey, Frame, Rejection};
///
/// let content_key = ContentKey::new([("source", &b"x"[..])]);
/// let frame = Frame { created_at: SystemTime::UNIX_EPOCH, content_key, checksum: "", bytecode: b"code" };
/// let bytes = frame.encode()?;
/// assert_eq!(Frame::parse(&bytes, 1 << 20).unwrap().bytecode, b"code");
/// assert_eq!(Frame::parse(&bytes[..50], 1 << 20).unwrap_err(), Rejection::Truncated);
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'b> {
    /// When the entry was written.
    pub created_at: SystemTime,
    /// The entry's address.
    pub content_key: ContentKey,
    /// The checksum of the source it was compiled from; empty if nobody told.
    pub checksum: &'b str,
    /// The bytecode.
    pub bytecode: &'b [u8],
}

impl<'b> Frame<'b> {
    /// The bytes to store.
    ///
    /// Fails for an empty bytecode and for a checksum longer than 1024 bytes. A time before 1970 is written as 1970.
    pub fn encode(&self) -> Result<Vec<u8>, CacheError> {
        self.encode_with(0, 0)
    }

    /// The bytes to store, with a tag of the ring's first key. Fails as [`encode`](Self::encode) does.
    pub fn encode_signed(&self, keys: &KeyRing) -> Result<Vec<u8>, CacheError> {
        let mut out = self.encode_with(FLAG_TAG, keys.signer().id())?;
        let tag = keys.signer().tag(&out);
        out.extend_from_slice(tag.as_bytes());
        Ok(out)
    }

    fn encode_with(&self, flags: u16, key_id: u32) -> Result<Vec<u8>, CacheError> {
        if self.bytecode.is_empty() {
            return Err(CacheError::new(CacheErrorKind::EmptyBucket, "can't write empty bucket"));
        }
        if self.checksum.len() > MAX_CHECKSUM {
            let message =
                format!("a source checksum of {} bytes: at most {MAX_CHECKSUM}", self.checksum.len());
            return Err(CacheError::new(CacheErrorKind::TooLarge, message));
        }
        let created = self.created_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut out = Vec::with_capacity(HEADER + self.checksum.len() + self.bytecode.len() + TAG);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 6 + 16]);
        out.extend_from_slice(&flags.to_le_bytes());
        out.extend_from_slice(&(self.checksum.len() as u16).to_le_bytes());
        out.extend_from_slice(&key_id.to_le_bytes());
        out.extend_from_slice(&created.as_secs().to_le_bytes());
        out.extend_from_slice(&created.subsec_nanos().to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(self.content_key.as_bytes());
        out.extend_from_slice(&(self.bytecode.len() as u64).to_le_bytes());
        out.extend_from_slice(self.checksum.as_bytes());
        out.extend_from_slice(self.bytecode);
        let digest = XxHash3_128::oneshot(&out[DIGESTED..]);
        out[16..32].copy_from_slice(&digest.to_le_bytes());
        Ok(out)
    }

    /// Takes an entry apart that is at most `max` bytes long. Whether a tag is right is not asked.
    pub fn parse(bytes: &'b [u8], max: usize) -> Result<Self, Rejection> {
        Self::parse_signed(bytes, max).map(|(frame, _)| frame)
    }

    /// As [`parse`](Self::parse), with the tag, if there is one.
    pub fn parse_signed(bytes: &'b [u8], max: usize) -> Result<(Self, Option<Signature<'b>>), Rejection> {
        let start = &bytes[..bytes.len().min(MAGIC.len())];
        if !MAGIC.starts_with(start) {
            return Err(Rejection::Magic);
        }
        let version = u16::from_le_bytes(field(bytes, 8)?);
        if version != VERSION {
            return Err(Rejection::Version);
        }
        let reserved: [u8; 6] = field(bytes, 10)?;
        let flags = u16::from_le_bytes(field(bytes, 32)?);
        let checksum_length = u64::from(u16::from_le_bytes(field(bytes, 34)?));
        let reserved_too: [u8; 4] = field(bytes, 52)?;
        let length = u64::from_le_bytes(field(bytes, 88)?);
        let tag_length = if flags & FLAG_TAG == 0 { 0 } else { TAG as u64 };

        let total =
            length.checked_add(HEADER as u64 + checksum_length + tag_length).ok_or(Rejection::Oversize)?;
        if total > max as u64 {
            return Err(Rejection::Oversize);
        }
        let total = total as usize; // at most `max`, which is a usize
        if bytes.len() < total {
            return Err(Rejection::Truncated);
        }
        if bytes.len() > total {
            return Err(Rejection::Trailing);
        }
        let end = total - tag_length as usize;
        if u128::from_le_bytes(field(bytes, 16)?) != XxHash3_128::oneshot(&bytes[DIGESTED..end]) {
            return Err(Rejection::Digest);
        }
        let key_id = u32::from_le_bytes(field(bytes, 36)?);
        let signature =
            (tag_length > 0).then(|| Signature { key_id, signed: &bytes[..end], tag: &bytes[end..] });
        let unused = reserved != [0; 6] || reserved_too != [0; 4];
        if flags & !FLAG_TAG != 0
            || (key_id == 0) == signature.is_some()
            || unused
            || length == 0
            || checksum_length > MAX_CHECKSUM as u64
        {
            return Err(Rejection::Structure);
        }
        let bytecode = HEADER + checksum_length as usize;
        let checksum = str::from_utf8(&bytes[HEADER..bytecode]).map_err(|_| Rejection::Structure)?;
        let frame = Self {
            created_at: created_at(bytes)?,
            content_key: ContentKey::from_bytes(field(bytes, 56)?),
            checksum,
            bytecode: &bytes[bytecode..end],
        };
        Ok((frame, signature))
    }

    /// Where in the entry the bytecode starts.
    pub(crate) fn bytecode_start(&self) -> usize {
        HEADER + self.checksum.len()
    }

    /// How many bytes an entry takes beyond its bytecode, at most.
    pub(crate) const MAX_OVERHEAD: usize = HEADER + MAX_CHECKSUM + TAG;
}

/// The tag of an entry, and what it is over: everything before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature<'b> {
    key_id: u32,
    signed: &'b [u8],
    tag: &'b [u8],
}

impl<'b> Signature<'b> {
    /// The tag of other bytes than an entry's.
    pub(crate) fn new(key_id: u32, signed: &'b [u8], tag: &'b [u8]) -> Self {
        Self { key_id, signed, tag }
    }

    /// Which key it is said to be by.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// Whether it was made with a key of this ring, for these bytes.
    pub fn is_by(&self, keys: &KeyRing) -> bool {
        // `blake3::Hash` compares in constant time.
        let Ok(tag) = blake3::Hash::from_slice(self.tag) else { return false };
        keys.with_id(self.key_id).any(|key| key.tag(self.signed) == tag)
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Rejection> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(Rejection::Truncated)
}

fn created_at(bytes: &[u8]) -> Result<SystemTime, Rejection> {
    let seconds = u64::from_le_bytes(field(bytes, 40)?);
    let nanos = u32::from_le_bytes(field(bytes, 48)?);
    if nanos >= 1_000_000_000 {
        return Err(Rejection::Structure);
    }
    UNIX_EPOCH.checked_add(Duration::new(seconds, nanos)).ok_or(Rejection::Structure)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 1 << 20;
    static SAMPLE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();

    fn sample() -> Vec<u8> {
        let content_key = ContentKey::new([("source", &b"Hello"[..])]);
        let created_at = UNIX_EPOCH + Duration::new(1_700_000_000, 5);
        let frame = Frame { created_at, content_key, checksum: "da39", bytecode: b"the bytecode" };
        frame.encode().expect("a small frame")
    }

    /// The frame with one field overwritten and the digest made right again.
    fn forged(at: usize, field: &[u8]) -> Vec<u8> {
        let mut bytes = sample();
        bytes[at..at + field.len()].copy_from_slice(field);
        let digest = XxHash3_128::oneshot(&bytes[DIGESTED..]);
        bytes[16..32].copy_from_slice(&digest.to_le_bytes());
        bytes
    }

    #[test]
    fn round_trip() {
        let bytes = sample();
        let frame = Frame::parse(&bytes, MAX).unwrap();
        assert_eq!((frame.checksum, frame.bytecode), ("da39", &b"the bytecode"[..]));
        assert_eq!(frame.created_at, UNIX_EPOCH + Duration::new(1_700_000_000, 5));
        assert_eq!(frame.encode().unwrap(), bytes);
    }

    #[test]
    fn truncated_at_every_length() {
        let bytes = sample();
        for length in 0..bytes.len() {
            assert_eq!(Frame::parse(&bytes[..length], MAX), Err(Rejection::Truncated), "{length}");
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let good = sample();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                let result = Frame::parse(&bytes, MAX);
                // The six reserved bytes of the head are outside the digest, and checked by themselves.
                let reason = result.expect_err(&format!("byte {at}, bit {bit}"));
                match at {
                    0..8 => assert_eq!(reason, Rejection::Magic),
                    8..10 => assert_eq!(reason, Rejection::Version),
                    10..16 => assert_eq!(reason, Rejection::Structure),
                    16..32 | 96.. => assert_eq!(reason, Rejection::Digest),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn forged_fields() {
        let cases: &[(usize, &[u8], Rejection)] = &[
            (32, &[2, 0], Rejection::Structure),       // an unknown flag
            (36, &[1, 0, 0, 0], Rejection::Structure), // a key id without a tag
            (32, &[1, 0], Rejection::Truncated),       // a tag that is not there
            (52, &[1, 0, 0, 0], Rejection::Structure), // reserved
            (48, &[255; 4], Rejection::Structure),     // four milliard nanoseconds
            (40, &[255; 8], Rejection::Structure),     // the year 584 milliard
            (88, &[255; 8], Rejection::Oversize),      // a length that overflows
            (88, &(1u64 << 40).to_le_bytes(), Rejection::Oversize),
            (88, &13u64.to_le_bytes(), Rejection::Truncated),
            (88, &11u64.to_le_bytes(), Rejection::Trailing),
            (34, &[255, 255], Rejection::Truncated),
            (96, &[0xFF], Rejection::Structure), // a checksum that is no UTF-8
        ];
        for (at, field, reason) in cases {
            assert_eq!(Frame::parse(&forged(*at, field), MAX), Err(*reason), "at {at}");
        }
    }

    #[test]
    fn a_tag_is_checked_by_who_has_keys() {
        let ring = |secret: &str| KeyRing::new(secret.repeat(32)).unwrap();
        let (frame, none) = Frame::parse_signed(SAMPLE.get_or_init(sample), MAX).unwrap();
        assert_eq!(none, None);
        let bytes = frame.encode_signed(&ring("a")).unwrap();
        let (same, signature) = Frame::parse_signed(&bytes, MAX).unwrap();
        let signature = signature.unwrap();
        assert_eq!((same, Frame::parse(&bytes, MAX)), (frame, Ok(frame)));
        assert!(signature.is_by(&ring("a")) && !signature.is_by(&ring("b")));
        assert!(signature.is_by(&ring("b").with("a".repeat(32)).unwrap()));
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let digest = XxHash3_128::oneshot(&bytes[DIGESTED..bytes.len() - TAG]);
            bytes[16..32].copy_from_slice(&digest.to_le_bytes());
            if let Ok((_, signature)) = Frame::parse_signed(&bytes, MAX) {
                // A digest that was flipped and made right again is the one that was signed.
                let is_good = signature.is_some_and(|signature| signature.is_by(&ring("a")));
                assert_eq!(is_good, (16..32).contains(&at), "byte {at}");
            }
        }
        for length in 0..bytes.len() {
            assert_eq!(Frame::parse(&bytes[..length], MAX), Err(Rejection::Truncated), "{length}");
        }
    }

    #[test]
    fn edges() {
        let bytes = sample();
        assert!(Frame::parse(&bytes, bytes.len()).is_ok());
        assert_eq!(Frame::parse(&bytes, bytes.len() - 1), Err(Rejection::Oversize));
        assert_eq!(Frame::parse(b"<html>", MAX), Err(Rejection::Magic));
        let mut long = bytes.clone();
        long.push(0);
        assert_eq!(Frame::parse(&long, MAX), Err(Rejection::Trailing));

        let frame = Frame::parse(&bytes, MAX).unwrap();
        let empty = Frame { bytecode: b"", ..frame };
        assert_eq!(empty.encode().unwrap_err().to_string(), "can't write empty bucket");
        let wordy = "x".repeat(MAX_CHECKSUM + 1);
        let wordy = Frame { checksum: &wordy, ..frame };
        assert_eq!(wordy.encode().unwrap_err().kind(), CacheErrorKind::TooLarge);
        let early = Frame { created_at: UNIX_EPOCH - Duration::from_secs(9), ..frame };
        assert_eq!(Frame::parse(&early.encode().unwrap(), MAX).unwrap().created_at, UNIX_EPOCH);
    }
}
