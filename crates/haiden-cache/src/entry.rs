//! One stored entry, as listings show it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::Frame;

/// An entry of a cache with what is known of it.
///
/// `key` is the address the store keeps the entry under: for the stores of this crate the content key, in hexadecimal
/// digits (one entry may serve several template names, so Jinja2's key of name and filename is not recorded).
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub struct CacheEntry {
    /// The address of the entry.
    pub key: String,
    /// The checksum of the source, as [`get_source_checksum`](crate::BytecodeCache::get_source_checksum) gave it.
    pub checksum: String,
    /// The bytecode.
    pub bytecode: Arc<[u8]>,
    /// When the entry was written (UTC); `None` where a store cannot tell.
    pub created_at: Option<SystemTime>,
    /// When it was last used (UTC), as finely as the store notes it; `None` where a store cannot tell.
    pub accessed_at: Option<SystemTime>,
}

impl CacheEntry {
    /// An entry without times.
    pub fn new(key: impl Into<String>, checksum: impl Into<String>, bytecode: impl Into<Arc<[u8]>>) -> Self {
        let (key, checksum, bytecode) = (key.into(), checksum.into(), bytecode.into());
        Self { key, checksum, bytecode, created_at: None, accessed_at: None }
    }

    /// What a frame tells.
    pub fn from_frame(frame: &Frame<'_>) -> Self {
        let entry = Self::new(frame.content_key.to_hex(), frame.checksum, frame.bytecode);
        Self { created_at: Some(frame.created_at), ..entry }
    }
}

impl fmt::Debug for CacheEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheEntry")
            .field("key", &self.key)
            .field("checksum", &self.checksum)
            .field("bytes", &self.bytecode.len())
            .field("created_at", &self.created_at)
            .field("accessed_at", &self.accessed_at)
            .finish()
    }
}
