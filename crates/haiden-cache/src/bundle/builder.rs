//! Making a bundle.
//!
//! In: bytecode under names and content keys. Out: the bytes of a bundle, or its file. Invariant: what was added decides
//! the bytes, not the order or the time of adding.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use twox_hash::XxHash3_128;

use super::format::{DIGESTED, ENTRY, FLAG_SEALED, FLAG_TAG, HEADER, MAGIC, NAME, TAG, VERSION};
use crate::{CacheError, CacheErrorKind, ContentKey, Frame, KeyRing};

/// Collects templates and makes a bundle of them.
///
/// ```
/// use haiden_cache::{Bundle, BundleBuilder, ContentKey};
///
/// let key = ContentKey::new([("source", &b"Hello"[..])]);
/// let mut builder = BundleBuilder::new().sealed(true);
/// builder.add("hello.txt", key, "", b"bytecode")?;
/// let bundle = Bundle::from_bytes(builder.to_bytes()?)?;
/// assert_eq!(bundle.template("hello.txt"), Some(Ok(&b"bytecode"[..])));
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct BundleBuilder {
    sealed: bool,
    created_at: SystemTime,
    keys: Option<Arc<KeyRing>>,
    names: BTreeMap<String, ContentKey>,
    frames: BTreeMap<ContentKey, Vec<u8>>,
}

impl Default for BundleBuilder {
    fn default() -> Self {
        let created_at = SystemTime::UNIX_EPOCH;
        Self { sealed: false, created_at, keys: None, names: BTreeMap::new(), frames: BTreeMap::new() }
    }
}

impl BundleBuilder {
    /// An empty bundle, checked against the sources.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether templates may be taken from the bundle by name, without their sources.
    pub fn sealed(mut self, sealed: bool) -> Self {
        self.sealed = sealed;
        self
    }

    /// When the entries say they were made. By default they do not say, so that equal templates give equal bytes.
    pub fn created_at(mut self, time: SystemTime) -> Self {
        self.created_at = time;
        self
    }

    /// Signs the bundle, and the entries that are added from now on, with the first of these keys: for a file that others
    /// could change on its way. See [`Bundle::open_signed`](crate::Bundle::open_signed).
    pub fn signed_by(mut self, keys: impl Into<Arc<KeyRing>>) -> Self {
        self.keys = Some(keys.into());
        self
    }

    /// Adds a template. Templates of one content key share an entry.
    ///
    /// Fails for a name that was added with another content key, for an empty bytecode, and for a checksum longer than
    /// 1024 bytes.
    pub fn add(
        &mut self,
        name: &str,
        content_key: ContentKey,
        checksum: &str,
        bytecode: &[u8],
    ) -> Result<(), CacheError> {
        let frame = Frame { created_at: self.created_at, content_key, checksum, bytecode };
        let frame = match &self.keys {
            Some(keys) => frame.encode_signed(keys)?,
            None => frame.encode()?,
        };
        match self.names.entry(name.to_owned()) {
            Entry::Occupied(known) if *known.get() != content_key => {
                let message = format!("two different templates are called {name:?}");
                return Err(CacheError::new(CacheErrorKind::Other, message));
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(place) => drop(place.insert(content_key)),
        }
        self.frames.entry(content_key).or_insert(frame);
        Ok(())
    }

    /// How many templates were added.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no template was added.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The bytes of the bundle. Fails if names or entries are too many for the format (2³² of either).
    pub fn to_bytes(&self) -> Result<Vec<u8>, CacheError> {
        let count = |number: usize| {
            let message = "too many templates for one bundle";
            u32::try_from(number).map_err(|_| CacheError::new(CacheErrorKind::TooLarge, message))
        };
        let text: usize = self.names.keys().map(String::len).sum();
        let tag_length = if self.keys.is_some() { TAG } else { 0 };
        let index_end = HEADER + self.frames.len() * ENTRY + self.names.len() * NAME + text + tag_length;
        let total = index_end + self.frames.values().map(Vec::len).sum::<usize>();
        let mut out = Vec::with_capacity(total);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 6 + 16]);
        let sealed = if self.sealed { FLAG_SEALED } else { 0 };
        let tagged = if self.keys.is_some() { FLAG_TAG } else { 0 };
        out.extend_from_slice(&(sealed | tagged).to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        let key_id = self.keys.as_ref().map_or(0, |keys| keys.signer().id());
        out.extend_from_slice(&key_id.to_le_bytes());
        out.extend_from_slice(&count(self.frames.len())?.to_le_bytes());
        out.extend_from_slice(&count(self.names.len())?.to_le_bytes());
        out.extend_from_slice(&count(text)?.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&(total as u64).to_le_bytes());
        let mut offset = index_end as u64;
        for (key, frame) in &self.frames {
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(&offset.to_le_bytes());
            out.extend_from_slice(&(frame.len() as u64).to_le_bytes());
            offset += frame.len() as u64;
        }
        let numbers: BTreeMap<&ContentKey, u32> = self.frames.keys().zip(0..).collect();
        let mut end = 0;
        for (name, key) in &self.names {
            end += name.len() as u32; // their sum was counted above
            out.extend_from_slice(&end.to_le_bytes());
            out.extend_from_slice(&numbers[key].to_le_bytes());
        }
        out.extend(self.names.keys().flat_map(|name| name.bytes()));
        let digest = XxHash3_128::oneshot(&out[DIGESTED..]);
        out[16..32].copy_from_slice(&digest.to_le_bytes());
        if let Some(keys) = &self.keys {
            let tag = keys.signer().tag(&out);
            out.extend_from_slice(tag.as_bytes());
        }
        out.extend(self.frames.values().flatten());
        Ok(out)
    }

    /// Writes the bundle to a file: whoever opens `path` meanwhile sees the old file or the new one, whole. The bytes are
    /// on the disk when it returns.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), CacheError> {
        let path = path.as_ref();
        let bytes = self.to_bytes()?;
        publish(path, &bytes)
            .map_err(|error| CacheError::io(format!("cannot write the bundle {}", path.display()), error))
    }
}

fn publish(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let (mut temp, mut file) = loop {
        let random = RandomState::new().hash_one(name);
        let mut temp = name.to_owned();
        temp.push(format!(".{random:016x}.tmp"));
        let temp = path.with_file_name(temp);
        match OpenOptions::new().write(true).create_new(true).open(&temp) {
            Ok(file) => break (Temp(Some(temp)), file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    };
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    if let Some(temp) = &temp.0 {
        fs::rename(temp, path)?;
    }
    temp.0 = None;
    sync_directory(path);
    Ok(())
}

/// After a crash the directory should name the new file. Where directories cannot be flushed, the old one stays.
fn sync_directory(path: &Path) {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Ok(directory) = File::open(parent.unwrap_or(Path::new("."))) {
        let _ = directory.sync_all();
    }
}

/// Removes the temporary file, unless it got its final name.
struct Temp(Option<PathBuf>);

impl Drop for Temp {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}
