//! A bundle: the bytecode of a whole site in one read-only file.
//!
//! In: a file that [`BundleBuilder`] wrote, or any bytes. Out: bytecode by content key (a [`BytecodeCache`]) and, from a
//! sealed bundle, by template name. Invariant: the index is proven when a bundle is opened, an entry whenever it is asked
//! for; what is damaged is an error at the first and a miss at the second, and never a panic.
//!
//! The file is read once, when it is opened: what happens to it later does not matter. `docs/bundle-format.md` specifies it.

mod builder;
mod format;

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

pub use self::builder::BundleBuilder;
use self::format::{Index, Record};
use crate::{
    Bucket, BytecodeCache, CacheEntry, CacheError, CacheErrorKind, CacheStatistics, Counters,
    DEFAULT_MAX_ENTRY_BYTES, Entries, Frame, KeyRing, Rejection,
};

const MAX_ENTRY_BYTES: usize = DEFAULT_MAX_ENTRY_BYTES + Frame::MAX_OVERHEAD;
/// The largest bundle that is opened: 1 GiB.
const MAX_BUNDLE_BYTES: u64 = 1 << 30;

/// Many templates' bytecode in one file, opened read-only.
///
/// As a [`BytecodeCache`] it answers by content key: a template whose source or options changed since is a miss. A
/// **sealed** bundle also answers by [name](Self::template), so that a site runs without its sources; there, the
/// bundle is the truth.
///
/// ```
/// use haiden_cache::{Bucket, BundleBuilder, Bundle, BytecodeCache};
///
/// let bucket = Bucket::new("key", "checksum");
/// let mut builder = BundleBuilder::new();
/// builder.add("page.html", *bucket.content_key(), bucket.checksum(), b"bytecode")?;
/// let path = std::env::temp_dir().join(format!("bundle-{}.haiden", std::process::id()));
/// builder.write(&path)?;
///
/// let bundle = Bundle::open(&path)?;
/// let mut bucket = Bucket::new("key", "checksum");
/// bundle.lookup(&mut bucket)?;
/// assert!(bucket.bytecode().is_some());
/// assert_eq!(bundle.template("page.html"), None, "it is not sealed: the source has the say");
/// # std::fs::remove_file(path)?;
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
#[derive(Debug)]
pub struct Bundle {
    path: Option<PathBuf>,
    bytes: Arc<[u8]>,
    index: Index,
    keys: Option<Arc<KeyRing>>,
    counters: Counters,
    others_can_write: bool,
}

impl Bundle {
    /// What the file of every bundle begins with.
    pub const MAGIC: &[u8] = &format::MAGIC;

    /// Reads a bundle. A file that is none, or is damaged in its index, is an error of kind
    /// [`Rejected`](CacheErrorKind::Rejected).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CacheError> {
        Self::read(path.as_ref(), None)
    }

    /// As [`open`](Self::open), for a bundle that was [signed](BundleBuilder::signed_by) with one of these keys. The tag over
    /// the index is checked now, that of an entry when it is asked for. Any other bundle is refused
    /// ([`Authentication`](Rejection::Authentication)).
    pub fn open_signed(path: impl AsRef<Path>, keys: impl Into<Arc<KeyRing>>) -> Result<Self, CacheError> {
        Self::read(path.as_ref(), Some(keys.into()))
    }

    fn read(path: &Path, keys: Option<Arc<KeyRing>>) -> Result<Self, CacheError> {
        let doing = || format!("cannot read the bundle {}", path.display());
        let failed = |error| CacheError::io(doing(), error);
        let refused = |reason| {
            let message = format!("{} is no bundle that can be used: {reason}", path.display());
            CacheError::new(CacheErrorKind::Rejected(reason), message)
        };
        // What is no file is not even opened, as far as that can be told beforehand.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Err(refused(Rejection::NotAFile));
        }
        let mut file = open_at_once(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(refused(Rejection::NotAFile));
        }
        if metadata.len() > MAX_BUNDLE_BYTES {
            return Err(refused(Rejection::Oversize));
        }
        let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, metadata.len() as usize).collect();
        let own = Arc::get_mut(&mut bytes).expect("nobody else has it yet");
        file.read_exact(own).map_err(failed)?;
        let others_can_write = others_can_write(&metadata);
        let bundle = Self::parse(bytes, keys).map_err(refused)?;
        Ok(Self { path: Some(path.to_owned()), others_can_write, ..bundle })
    }

    /// A bundle in memory.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, CacheError> {
        Self::in_memory(bytes.into().into(), None)
    }

    /// As [`from_bytes`](Self::from_bytes), for a signed bundle.
    pub fn from_bytes_signed(
        bytes: impl Into<Vec<u8>>,
        keys: impl Into<Arc<KeyRing>>,
    ) -> Result<Self, CacheError> {
        Self::in_memory(bytes.into().into(), Some(keys.into()))
    }

    fn in_memory(bytes: Arc<[u8]>, keys: Option<Arc<KeyRing>>) -> Result<Self, CacheError> {
        Self::parse(bytes, keys).map_err(|reason| {
            let message = format!("these bytes are no bundle that can be used: {reason}");
            CacheError::new(CacheErrorKind::Rejected(reason), message)
        })
    }

    fn parse(bytes: Arc<[u8]>, keys: Option<Arc<KeyRing>>) -> Result<Self, Rejection> {
        let index = Index::parse(&bytes)?;
        if let Some(keys) = &keys
            && !index.signature(&bytes).is_some_and(|signature| signature.is_by(keys))
        {
            return Err(Rejection::Authentication);
        }
        Ok(Self { path: None, bytes, index, keys, counters: Counters::new(), others_can_write: false })
    }

    /// The file, as it was named.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether templates may be taken by name, without their sources.
    pub fn is_sealed(&self) -> bool {
        self.index.sealed
    }

    /// The names of the templates, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        (0..self.index.names).filter_map(|at| Some(self.index.name(&self.bytes, at).ok()?.0))
    }

    /// The bytecode of a template of a sealed bundle; `None` if it has none, or the bundle is not sealed. A damaged entry
    /// is an `Err`. Counts.
    pub fn template(&self, name: &str) -> Option<Result<&[u8], Rejection>> {
        self.template_range(name).map(|found| found.map(|range| &self.bytes[range]))
    }

    /// As [`template`](Self::template): where the bytecode lies in the bundle's [bytes](Self::bytes).
    pub fn template_range(&self, name: &str) -> Option<Result<Range<usize>, Rejection>> {
        if !self.index.sealed {
            return None;
        }
        let record = self.index.find_name(&self.bytes, name);
        let found = record.map(|record| {
            let frame = self.frame(&record)?;
            let start = record.span.start + frame.bytecode_start();
            Ok(start..start + frame.bytecode.len())
        });
        self.counters.found(found.as_ref().map(|found| found.clone().map(|range| range.len())));
        found
    }

    /// The whole file, for engines that read bytecode where it lies.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// The entry of a template by its name, sealed or not, as listings show it. Counts nothing.
    pub fn entry(&self, name: &str) -> Option<Result<CacheEntry, Rejection>> {
        let record = self.index.find_name(&self.bytes, name)?;
        Some(self.frame(&record).map(|frame| listed(&frame)))
    }

    /// For engines: the bytecode that [`template`](Self::template) returned cannot be used. Turns the hit into a miss.
    pub fn reject(&self, reason: Rejection) {
        self.counters.revoke_hit(reason);
    }

    /// An entry, proven.
    fn frame(&self, record: &Record) -> Result<Frame<'_>, Rejection> {
        let bytes = self.bytes.get(record.span.clone()).ok_or(Rejection::Structure)?;
        let (frame, signature) = Frame::parse_signed(bytes, MAX_ENTRY_BYTES)?;
        if let Some(keys) = &self.keys
            && !signature.is_some_and(|signature| signature.is_by(keys))
        {
            return Err(Rejection::Authentication);
        }
        if frame.content_key == record.key { Ok(frame) } else { Err(Rejection::Key) }
    }
}

impl BytecodeCache for Bundle {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        if let Some(record) = self.index.find_key(&self.bytes, bucket.content_key()) {
            let trusted = if self.keys.is_some() { self.frame(&record).map(drop) } else { Ok(()) };
            match (trusted, self.bytes.get(record.span.clone())) {
                (Ok(()), Some(bytes)) => bucket.bytecode_from_entry(bytes, MAX_ENTRY_BYTES),
                (Ok(()), None) => bucket.reject(Rejection::Structure),
                (Err(reason), _) => bucket.reject(reason),
            }
        }
        Ok(())
    }

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        bucket.filled()?;
        Err(CacheError::new(CacheErrorKind::ReadOnly, "a bundle is read-only: compile it anew"))
    }

    fn counters(&self) -> Option<&Counters> {
        Some(&self.counters)
    }

    fn is_read_only(&self) -> bool {
        true
    }

    fn size(&self) -> Option<u64> {
        Some(self.index.entries as u64)
    }

    fn max_size(&self) -> Option<u64> {
        self.size()
    }

    fn statistics(&self) -> CacheStatistics {
        let mut statistics = self.counters.snapshot();
        statistics.size = self.size();
        statistics.max_size = self.max_size();
        statistics.others_can_write = self.others_can_write;
        statistics
    }

    /// In the order of keys. A bundle does not tell when entries were used, and as a rule not when they were made.
    fn entries(&self) -> Result<Entries<'_>, CacheError> {
        Ok(Box::new((0..self.index.entries).map(|at| {
            let record = format::record(&self.bytes, at);
            let key = record.as_ref().map(|record| record.key.to_hex()).ok();
            let frame = record.and_then(|record| self.frame(&record));
            frame.map(|frame| listed(&frame)).map_err(|reason| {
                let message = format!("entry {at} of the bundle: {reason}");
                let error = CacheError::new(CacheErrorKind::Rejected(reason), message);
                match key {
                    Some(key) => error.with_key(key),
                    None => error,
                }
            })
        })))
    }
}

/// Opens a file. A FIFO that has come into its place would have waited for a writer.
fn open_at_once(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    options.open(path)
}

/// An entry without the time that stands for none.
fn listed(frame: &Frame<'_>) -> CacheEntry {
    let entry = CacheEntry::from_frame(frame);
    CacheEntry { created_at: entry.created_at.filter(|&time| time != UNIX_EPOCH), ..entry }
}

#[cfg(unix)]
fn others_can_write(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let me = rustix::process::geteuid().as_raw();
    (metadata.uid() != me && metadata.uid() != 0) || metadata.mode() & 0o022 != 0
}

#[cfg(not(unix))]
fn others_can_write(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests;
