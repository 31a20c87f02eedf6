//! A bucket: one template's place in a cache.
//!
//! In: keys and, later, bytecode from an engine or a store. Out: the framed bytes a store keeps, or the bytecode an
//! engine loads. Invariant: bytecode that came in through `load_bytecode` or `bytecode_from_string` was written under
//! this bucket's content key; anything else leaves the bucket empty with a [`Rejection`].

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use crate::{CacheError, CacheErrorKind, ContentKey, DEFAULT_MAX_ENTRY_BYTES, Frame, KeyRing, Rejection};

/// Where a bucket's Jinja2-shaped keys come from when somebody asks.
pub(crate) trait Origin: Send + Sync {
    fn key(&self) -> String;
    fn checksum(&self) -> String;
}

/// Holds the bytecode of one template on its way to or from a store.
///
/// A bucket has two addresses. [`content_key`](Bucket::content_key) covers everything that decides the bytecode and is
/// what the stores of this crate use. [`key`](Bucket::key) and [`checksum`](Bucket::checksum) are Jinja2's (name and
/// source); they are computed when they are first read. Either is safe to store under: loading checks the content key.
///
/// ```
/// use haiden_cache::Bucket;
///
/// let mut written = Bucket::new("key", "checksum");
/// written.set_bytecode(&b"bytecode"[..]);
/// let stored = written.bytecode_to_string()?;
///
/// let mut read = Bucket::new("key", "checksum");
/// read.bytecode_from_string(&stored);
/// assert_eq!(read.bytecode().map(|code| &code[..]), Some(&b"bytecode"[..]));
///
/// // Another source: Jinja2's rule, the bucket stays empty.
/// let mut other = Bucket::new("key", "another checksum");
/// other.bytecode_from_string(&stored);
/// assert!(other.bytecode().is_none());
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
pub struct Bucket<'a> {
    content_key: ContentKey,
    key: OnceLock<String>,
    checksum: OnceLock<String>,
    origin: Option<Box<dyn Origin + 'a>>,
    source_bytes: Option<usize>,
    /// Which of several tiers filled it.
    tier: Option<usize>,
    bytecode: Option<Arc<[u8]>>,
    created_at: Option<SystemTime>,
    rejection: Option<Rejection>,
    max_entry_bytes: usize,
    /// Whose tags entries need on their way in, and get on their way out.
    keys: Option<Arc<KeyRing>>,
    /// Whether the bytecode comes from an entry whose tag was right, or from this process's own memory.
    authentic: bool,
}

impl<'a> Bucket<'a> {
    /// A bucket made by hand. Its content key is derived from the two, so that it behaves as Jinja2's: bytecode
    /// stored under the same key with another checksum is not loaded.
    pub fn new(key: impl Into<String>, checksum: impl Into<String>) -> Self {
        let (key, checksum) = (key.into(), checksum.into());
        let parts = [("bucket key", key.as_bytes()), ("source checksum", checksum.as_bytes())];
        let mut bucket = Self::empty(ContentKey::new(parts), None);
        bucket.key = key.into();
        bucket.checksum = checksum.into();
        bucket
    }

    /// A bucket whose key and checksum are asked of `origin`, if ever.
    pub(crate) fn lazy(content_key: ContentKey, origin: Box<dyn Origin + 'a>) -> Self {
        Self::empty(content_key, Some(origin))
    }

    fn empty(content_key: ContentKey, origin: Option<Box<dyn Origin + 'a>>) -> Self {
        Self {
            content_key,
            key: OnceLock::new(),
            checksum: OnceLock::new(),
            origin,
            source_bytes: None,
            tier: None,
            bytecode: None,
            created_at: None,
            rejection: None,
            max_entry_bytes: DEFAULT_MAX_ENTRY_BYTES,
            keys: None,
            authentic: false,
        }
    }

    /// The same bucket under this content key.
    #[must_use]
    pub fn with_content_key(mut self, content_key: ContentKey) -> Self {
        self.content_key = content_key;
        self
    }

    /// The same bucket, refusing entries larger than this. The default is [`DEFAULT_MAX_ENTRY_BYTES`].
    #[must_use]
    pub fn with_max_entry_bytes(mut self, bytes: usize) -> Self {
        self.max_entry_bytes = bytes;
        self
    }

    /// The same bucket, of a source of this size. It says what a hit is worth.
    #[must_use]
    pub fn with_source_bytes(mut self, bytes: usize) -> Self {
        self.source_bytes = Some(bytes);
        self
    }

    /// The size of the source, if it is known.
    pub fn source_bytes(&self) -> Option<usize> {
        self.source_bytes
    }

    /// Which of several tiers filled it.
    pub(crate) fn tier(&self) -> Option<usize> {
        self.tier
    }

    pub(crate) fn set_tier(&mut self, tier: usize) {
        self.tier = Some(tier);
    }

    /// Jinja2's key: what [`get_cache_key`](crate::BytecodeCache::get_cache_key) says.
    pub fn key(&self) -> &str {
        self.key.get_or_init(|| self.origin.as_ref().map(|origin| origin.key()).unwrap_or_default())
    }

    /// Jinja2's checksum: what [`get_source_checksum`](crate::BytecodeCache::get_source_checksum) says.
    pub fn checksum(&self) -> &str {
        self.checksum.get_or_init(|| self.origin.as_ref().map(|origin| origin.checksum()).unwrap_or_default())
    }

    /// The address that covers all that decides the bytecode.
    pub fn content_key(&self) -> &ContentKey {
        &self.content_key
    }

    /// The bytecode, if there is some.
    pub fn bytecode(&self) -> Option<&Arc<[u8]>> {
        self.bytecode.as_ref()
    }

    /// Puts bytecode in. An empty slice empties the bucket.
    pub fn set_bytecode(&mut self, bytecode: impl Into<Arc<[u8]>>) {
        let bytecode = bytecode.into();
        self.reset();
        self.bytecode = (!bytecode.is_empty()).then_some(bytecode);
    }

    /// When the loaded entry was written; what [`set_created_at`](Self::set_created_at) said; else unknown.
    pub fn created_at(&self) -> Option<SystemTime> {
        self.created_at
    }

    /// Says when the bytecode was made. Without it, writing takes the system's time.
    pub fn set_created_at(&mut self, time: SystemTime) {
        self.created_at = Some(time);
    }

    /// Why the last load left the bucket empty although something was there.
    pub fn rejection(&self) -> Option<Rejection> {
        self.rejection
    }

    /// Empties the bucket and notes why what was found is not used. For stores and engines that check more than the
    /// frame; see also [`reject_bucket`](crate::BytecodeCache::reject_bucket).
    pub fn reject(&mut self, reason: Rejection) {
        self.reset();
        self.rejection = Some(reason);
    }

    /// Empties the bucket.
    pub fn reset(&mut self) {
        self.bytecode = None;
        self.created_at = None;
        self.rejection = None;
        self.authentic = false;
    }

    /// Loads from a reader, to its end. What is not an entry of this bucket leaves it empty with a
    /// [`rejection`](Self::rejection); only a failing read is an error.
    pub fn load_bytecode(&mut self, reader: impl Read) -> io::Result<()> {
        self.reset();
        let mut bytes = Vec::new();
        reader.take((self.max_entry_bytes as u64).saturating_add(1)).read_to_end(&mut bytes)?;
        self.bytecode_from_string(&bytes);
        Ok(())
    }

    /// Loads from the bytes of a stored entry, as [`load_bytecode`](Self::load_bytecode) does.
    pub fn bytecode_from_string(&mut self, bytes: &[u8]) {
        self.bytecode_from_entry(bytes, self.max_entry_bytes);
    }

    /// As [`bytecode_from_string`](Self::bytecode_from_string), with a store's own bound on the size.
    pub(crate) fn bytecode_from_entry(&mut self, bytes: &[u8], max: usize) {
        match Frame::parse_signed(bytes, max) {
            Ok((frame, _)) if frame.content_key != self.content_key => self.reject(Rejection::Key),
            Ok((frame, signature)) => {
                let authentic = match &self.keys {
                    Some(keys) if !signature.is_some_and(|signature| signature.is_by(keys)) => {
                        return self.reject(Rejection::Authentication);
                    }
                    keys => keys.is_some(),
                };
                self.set_bytecode(frame.bytecode);
                // Bundles that are to be the same bytes each time say nothing of when.
                let created_at = Some(frame.created_at).filter(|&time| time != SystemTime::UNIX_EPOCH);
                (self.created_at, self.authentic) = (created_at, authentic);
            }
            Err(reason) => self.reject(reason),
        }
    }

    /// Takes bytecode out of this process's memory, where nobody else can have put it.
    pub(crate) fn bytecode_from_memory(&mut self, bytecode: Arc<[u8]>, created_at: SystemTime) {
        self.set_bytecode(bytecode);
        (self.created_at, self.authentic) = (Some(created_at), true);
    }

    /// Asks for tags of these keys from now on; gives back what was asked for until now.
    pub(crate) fn set_keys(&mut self, keys: Option<Arc<KeyRing>>) -> Option<Arc<KeyRing>> {
        std::mem::replace(&mut self.keys, keys)
    }

    /// Whether the bytecode, if there is some, is known to be of a holder of the keys.
    pub(crate) fn is_authentic(&self) -> bool {
        self.authentic
    }

    /// The same content, to be written with a tag.
    pub(crate) fn signed_by(&self, keys: &Arc<KeyRing>) -> Bucket<'_> {
        let mut bucket = Bucket::lazy(self.content_key, Box::new(self));
        bucket.bytecode.clone_from(&self.bytecode);
        bucket.created_at = self.created_at;
        bucket.max_entry_bytes = self.max_entry_bytes;
        bucket.source_bytes = self.source_bytes;
        bucket.keys = Some(Arc::clone(keys));
        bucket
    }

    /// Writes the entry. An empty bucket is an error: "can't write empty bucket".
    pub fn write_bytecode(&self, mut writer: impl Write) -> Result<(), CacheError> {
        writer.write_all(&self.bytecode_to_string()?)?;
        Ok(())
    }

    /// The bytes of the entry. An empty bucket is an error: "can't write empty bucket".
    pub fn bytecode_to_string(&self) -> Result<Vec<u8>, CacheError> {
        self.entry_written_at(self.created_at.unwrap_or_else(SystemTime::now))
    }

    /// The bytes of the entry, written at this time.
    pub(crate) fn entry_written_at(&self, created_at: SystemTime) -> Result<Vec<u8>, CacheError> {
        let bytecode = self.filled()?;
        let frame = Frame { created_at, content_key: self.content_key, checksum: self.checksum(), bytecode };
        match &self.keys {
            Some(keys) => frame.encode_signed(keys),
            None => frame.encode(),
        }
    }

    /// The bytecode, or the error of an empty bucket.
    pub(crate) fn filled(&self) -> Result<&Arc<[u8]>, CacheError> {
        let empty = || CacheError::new(CacheErrorKind::EmptyBucket, "can't write empty bucket");
        self.bytecode.as_ref().ok_or_else(empty)
    }

    /// The same bucket without borrows: computes key and checksum if nobody did.
    pub fn into_owned(mut self) -> Bucket<'static> {
        self.key();
        self.checksum();
        Bucket {
            content_key: self.content_key,
            key: std::mem::take(&mut self.key),
            checksum: std::mem::take(&mut self.checksum),
            origin: None,
            source_bytes: self.source_bytes,
            tier: self.tier,
            bytecode: self.bytecode.take(),
            created_at: self.created_at,
            rejection: self.rejection,
            max_entry_bytes: self.max_entry_bytes,
            keys: self.keys.take(),
            authentic: self.authentic,
        }
    }
}

/// A bucket made of another one asks that one.
impl Origin for &Bucket<'_> {
    fn key(&self) -> String {
        Bucket::key(self).to_owned()
    }

    fn checksum(&self) -> String {
        Bucket::checksum(self).to_owned()
    }
}

impl fmt::Debug for Bucket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("content_key", &self.content_key)
            .field("key", &self.key.get())
            .field("checksum", &self.checksum.get())
            .field("bytes", &self.bytecode.as_ref().map(|bytecode| bytecode.len()))
            .field("created_at", &self.created_at)
            .field("rejection", &self.rejection)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_bucket_cannot_be_written() {
        let mut bucket = Bucket::new("key", "");
        for _ in 0..2 {
            let error = bucket.write_bytecode(Vec::new()).unwrap_err();
            assert_eq!(
                (error.kind(), error.to_string().as_str()),
                (CacheErrorKind::EmptyBucket, "can't write empty bucket")
            );
            bucket.set_bytecode(Vec::new());
        }
    }

    #[test]
    fn another_key_is_rejected() {
        let mut bucket = Bucket::new("key", "sum");
        bucket.set_bytecode(&b"code"[..]);
        let entry = bucket.bytecode_to_string().unwrap();
        for (key, checksum) in [("key", "other"), ("other", "sum"), ("", ""), ("keysum", "")] {
            let mut other = Bucket::new(key, checksum);
            other.set_bytecode(&b"old"[..]);
            other.bytecode_from_string(&entry);
            assert_eq!((other.bytecode(), other.rejection()), (None, Some(Rejection::Key)));
        }
    }

    #[test]
    fn a_reader_without_end_is_cut_off() {
        let mut bucket = Bucket::new("key", "").with_max_entry_bytes(1000);
        bucket.load_bytecode(io::repeat(0)).unwrap();
        assert_eq!(bucket.rejection(), Some(Rejection::Magic));

        let mut large = Bucket::new("key", "");
        large.set_bytecode(vec![7; 2000]);
        bucket.load_bytecode(&large.bytecode_to_string().unwrap()[..]).unwrap();
        assert_eq!(bucket.rejection(), Some(Rejection::Oversize));

        let mut all = Bucket::new("key", "").with_max_entry_bytes(usize::MAX);
        all.load_bytecode(&large.bytecode_to_string().unwrap()[..]).unwrap();
        assert_eq!(all.bytecode().map(|code| code.len()), Some(2000));
    }

    #[test]
    fn a_failing_reader_is_an_error() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let mut bucket = Bucket::new("key", "");
        bucket.set_bytecode(&b"old"[..]);
        assert!(bucket.load_bytecode(Broken).is_err());
        assert!(bucket.bytecode().is_none());
    }

    #[test]
    fn owned_buckets_keep_everything() {
        let mut bucket = Bucket::new("key", "sum");
        bucket.set_bytecode(&b"code"[..]);
        bucket.set_created_at(SystemTime::UNIX_EPOCH);
        let entry = bucket.bytecode_to_string().unwrap();
        let owned = bucket.into_owned();
        assert_eq!((owned.key(), owned.checksum()), ("key", "sum"));
        assert_eq!(owned.bytecode_to_string().unwrap(), entry);
    }
}
