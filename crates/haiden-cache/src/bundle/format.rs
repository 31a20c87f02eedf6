//! The bytes of a bundle: where things lie, and the index that finds them. `docs/bundle-format.md` specifies them.
//!
//! In: any bytes. Out: an [`Index`] over them, or a [`Rejection`]. Invariant: an index is canonical (ascending keys and
//! names, entries one behind the other without gaps), so a look-up is a search, and every length was compared with what
//! is there before it was used. What the entries hold is not looked at here.

use std::cmp::Ordering;
use std::ops::Range;

use twox_hash::XxHash3_128;

use crate::{ContentKey, Rejection, Signature};

pub(super) const MAGIC: [u8; 8] = *b"\x89HDB\r\n\x1a\n";
pub(super) const VERSION: u16 = 1;
pub(super) const HEADER: usize = 64;
/// Where the digested part begins.
pub(super) const DIGESTED: usize = 32;
/// Content key, offset, length.
pub(super) const ENTRY: usize = 48;
/// End in the text, entry.
pub(super) const NAME: usize = 8;
pub(super) const FLAG_SEALED: u16 = 1;
pub(super) const FLAG_TAG: u16 = 2;
/// The tag stands between index and entries.
pub(super) const TAG: usize = 32;

/// What the header and the tables of a bundle say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) sealed: bool,
    pub(super) entries: usize,
    pub(super) names: usize,
    text: Range<usize>,
    /// The key that is said to have made the tag.
    key_id: Option<u32>,
}

/// One record of the entry table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) key: ContentKey,
    pub(super) span: Range<usize>,
}

impl Index {
    /// Reads and checks header and tables.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Rejection> {
        let start = &bytes[..bytes.len().min(MAGIC.len())];
        if !MAGIC.starts_with(start) {
            return Err(Rejection::Magic);
        }
        if u16::from_le_bytes(field(bytes, 8)?) != VERSION {
            return Err(Rejection::Version);
        }
        let reserved: [u8; 6] = field(bytes, 10)?;
        let flags = u16::from_le_bytes(field(bytes, 32)?);
        let entries = u64::from(u32::from_le_bytes(field(bytes, 40)?));
        let names = u64::from(u32::from_le_bytes(field(bytes, 44)?));
        let text_length = u64::from(u32::from_le_bytes(field(bytes, 48)?));
        let total = u64::from_le_bytes(field(bytes, 56)?);
        match total.cmp(&(bytes.len() as u64)) {
            Ordering::Greater => return Err(Rejection::Truncated),
            Ordering::Less => return Err(Rejection::Trailing),
            Ordering::Equal => {}
        }
        // None of these can overflow: each factor is below 2^32.
        let text_start = HEADER as u64 + entries * ENTRY as u64 + names * NAME as u64;
        let end = text_start + text_length;
        let tag_length = if flags & FLAG_TAG == 0 { 0 } else { TAG as u64 };
        if end + tag_length > total {
            return Err(Rejection::Structure);
        }
        // All of them are at most `total`, the length of a slice.
        let text = text_start as usize..end as usize;
        if u128::from_le_bytes(field(bytes, 16)?) != XxHash3_128::oneshot(&bytes[DIGESTED..text.end]) {
            return Err(Rejection::Digest);
        }
        let key_id = u32::from_le_bytes(field(bytes, 36)?);
        let key_id = if flags & FLAG_TAG == 0 && key_id == 0 { None } else { Some(key_id) };
        let unused = reserved != [0; 6] || field(bytes, 34)? != [0; 2] || field(bytes, 52)? != [0; 4];
        let tagged = flags & FLAG_TAG != 0;
        if flags & !(FLAG_SEALED | FLAG_TAG) != 0 || unused || tagged != key_id.is_some_and(|id| id != 0) {
            return Err(Rejection::Structure);
        }
        let index = Self {
            sealed: flags & FLAG_SEALED != 0,
            entries: entries as usize,
            names: names as usize,
            text,
            key_id,
        };
        index.check_entries(bytes)?;
        index.check_names(bytes)?;
        Ok(index)
    }

    /// Keys ascend; the entries lie behind the index, one behind the other, up to the end.
    fn check_entries(&self, bytes: &[u8]) -> Result<(), Rejection> {
        let mut end = self.text.end + if self.key_id.is_some() { TAG } else { 0 };
        let mut last: Option<ContentKey> = None;
        for at in 0..self.entries {
            let record = record(bytes, at)?;
            if last.is_some_and(|last| last >= record.key) || record.span.start != end {
                return Err(Rejection::Structure);
            }
            if record.span.is_empty() {
                return Err(Rejection::Structure);
            }
            end = record.span.end;
            last = Some(record.key);
        }
        if end == bytes.len() { Ok(()) } else { Err(Rejection::Structure) }
    }

    /// Names are UTF-8, ascend, fill their text, and each leads to an entry.
    fn check_names(&self, bytes: &[u8]) -> Result<(), Rejection> {
        let mut end = 0;
        let mut last: Option<&str> = None;
        for at in 0..self.names {
            let (name, entry) = self.name(bytes, at)?;
            if last.is_some_and(|last| last >= name) || entry >= self.entries {
                return Err(Rejection::Structure);
            }
            end = self.name_end(bytes, at)?;
            last = Some(name);
        }
        if end == self.text.len() { Ok(()) } else { Err(Rejection::Structure) }
    }

    /// The tag, if there is one: it is over header and index, and so over the place and content key of each entry.
    pub(super) fn signature<'b>(&self, bytes: &'b [u8]) -> Option<Signature<'b>> {
        let (signed, rest) = bytes.split_at_checked(self.text.end)?;
        Some(Signature::new(self.key_id?, signed, rest.get(..TAG)?))
    }

    /// Name `at`, and the number of its entry.
    pub(super) fn name<'b>(&self, bytes: &'b [u8], at: usize) -> Result<(&'b str, usize), Rejection> {
        let name = str::from_utf8(self.name_bytes(bytes, at)?).map_err(|_| Rejection::Structure)?;
        let entry = u32::from_le_bytes(field(bytes, self.name_place(at) + 4)?);
        Ok((name, entry as usize))
    }

    /// As they are sorted: names are in the order of their bytes.
    fn name_bytes<'b>(&self, bytes: &'b [u8], at: usize) -> Result<&'b [u8], Rejection> {
        let start = if at == 0 { 0 } else { self.name_end(bytes, at - 1)? };
        let end = self.name_end(bytes, at)?;
        let text = bytes.get(self.text.clone()).ok_or(Rejection::Structure)?;
        text.get(start..end).ok_or(Rejection::Structure)
    }

    fn name_place(&self, at: usize) -> usize {
        HEADER + self.entries * ENTRY + at * NAME
    }

    fn name_end(&self, bytes: &[u8], at: usize) -> Result<usize, Rejection> {
        Ok(u32::from_le_bytes(field(bytes, self.name_place(at))?) as usize)
    }

    /// The entry of this content key.
    pub(super) fn find_key(&self, bytes: &[u8], key: &ContentKey) -> Option<Record> {
        let at = search(self.entries, |at| Some(record(bytes, at).ok()?.key.cmp(key)))?;
        record(bytes, at).ok()
    }

    /// The entry of the template of this name.
    pub(super) fn find_name(&self, bytes: &[u8], name: &str) -> Option<Record> {
        let at = search(self.names, |at| Some(self.name_bytes(bytes, at).ok()?.cmp(name.as_bytes())))?;
        record(bytes, self.name(bytes, at).ok()?.1).ok()
    }
}

/// Entry `at` of the table; its span lies within the bytes.
pub(super) fn record(bytes: &[u8], at: usize) -> Result<Record, Rejection> {
    let place = HEADER + at * ENTRY;
    let key = ContentKey::from_bytes(field(bytes, place)?);
    let offset = u64::from_le_bytes(field(bytes, place + 32)?);
    let length = u64::from_le_bytes(field(bytes, place + 40)?);
    let end = offset.checked_add(length).ok_or(Rejection::Structure)?;
    if end > bytes.len() as u64 {
        return Err(Rejection::Structure);
    }
    Ok(Record { key, span: offset as usize..end as usize })
}

/// Binary search over `0..count`.
fn search(count: usize, compare: impl Fn(usize) -> Option<Ordering>) -> Option<usize> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match compare(middle)? {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => return Some(middle),
        }
    }
    None
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Rejection> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(Rejection::Truncated)
}
