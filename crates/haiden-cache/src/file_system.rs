//! The cache in a directory: one file per entry.
//!
//! In: buckets. Out: files named by content key. Invariant: no locks, for readers or writers: a file is published
//! whole under a name that says what is in it, so the worst a race can do is to write the same thing twice.
//!
//! Reading order: `pattern` (names), `directory` (what is opened and how it is judged), `publish` (how a file appears).

mod collect;
mod directory;
mod pattern;
mod publish;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use self::directory::{Directory, Found, Stored};
use self::pattern::Pattern;
use self::publish::{TempNames, publish};
use crate::bounds::{Budget, Plan};
use crate::policy::{Listener, Policy};
use crate::{
    Bounds, Bucket, BytecodeCache, CacheEntry, CacheError, CacheErrorKind, CacheStatistics, Cleared, Clock,
    Collected, ContentKey, Counters, DEFAULT_MAX_ENTRY_BYTES, Entries, Failures, Frame, Rejection,
};

/// The name of entries unless told otherwise; Jinja2's.
pub const DEFAULT_PATTERN: &str = "__jinja2_%s.cache";

/// A hit updates an entry's time of last use at most this often.
const TOUCH_AFTER: Duration = Duration::from_hours(1);
/// A temporary file older than this belongs to a writer that was killed.
const TEMP_AGE: Duration = Duration::from_hours(1);

/// Keeps bytecode in a directory, for this process and all later ones.
///
/// ```
/// use haiden_cache::{Bucket, BytecodeCache, FileSystemBytecodeCache};
///
/// let directory = std::env::temp_dir().join(format!("file-system-cache-{}", std::process::id()));
/// let cache = FileSystemBytecodeCache::new(Some(&directory), "%s.cache")?;
///
/// let mut bucket = Bucket::new("key", "checksum");
/// bucket.set_bytecode(&b"bytecode"[..]);
/// cache.set_bucket(&bucket)?;
///
/// // Another process, later:
/// let cache = FileSystemBytecodeCache::new(Some(&directory), "%s.cache")?;
/// let mut bucket = Bucket::new("key", "checksum");
/// cache.lookup(&mut bucket)?;
/// assert!(bucket.bytecode().is_some());
/// assert_eq!(cache.statistics().hits, 1);
/// assert_eq!(cache.clear()?.removed, Some(1));
/// # std::fs::remove_dir(directory)?;
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
///
/// **The directory.** One that is named is created if it is missing (mode 0700; its parents are not created) and
/// otherwise taken as it is; [`CacheStatistics::others_can_write`] tells when its entries are only as trustworthy as
/// other users. Without a name it is `_haiden-cache-UID` in the system's temporary directory, which must belong to this
/// user with mode 0700. It is opened once: if it is removed later, lookups miss and writes fail until the cache is
/// opened anew.
///
/// **The pattern** names the entries. `%s` stands for the content key (64 hexadecimal digits), `%%` for a percent sign.
///
/// **`clear()`** deletes the files whose name is the pattern around a content key, and temporary files of that pattern
/// that are older than an hour. It deletes nothing else, not even what Jinja2 wrote there under the same pattern.
///
/// Entries are written whole or not at all, by a temporary file and a rename, and not flushed to the disk unless
/// [`sync`](FileSystemBuilder::sync) says so: what a crash leaves fails its digest and is a miss.
///
/// **Bounds.** With [`max_bytes`](FileSystemBuilder::max_bytes) or [`max_entries`](FileSystemBuilder::max_entries), entries that
/// were used longest ago (to the hour: a hit notes its time once an hour) make room for new ones. A process reads the
/// directory before it writes its first entry, and whenever it has written a sixteenth of a bound; so one writer never
/// exceeds a bound, threads at once exceed it by an entry each, and processes by at most a sixteenth each. Reading costs
/// nothing more.
#[derive(Debug)]
pub struct FileSystemBytecodeCache {
    directory: Directory,
    pattern: Pattern,
    temp_names: TempNames,
    read_only: bool,
    sync: bool,
    max_entry_bytes: usize,
    budget: Option<Budget>,
    policy: Policy,
    clock: Clock,
    counters: Counters,
}

impl FileSystemBytecodeCache {
    /// Opens the cache in this directory, or in the user's default one.
    pub fn new(directory: Option<&Path>, pattern: &str) -> Result<Self, CacheError> {
        let builder = Self::builder().pattern(pattern);
        match directory {
            Some(directory) => builder.directory(directory).open(),
            None => builder.open(),
        }
    }

    /// All options.
    pub fn builder() -> FileSystemBuilder {
        FileSystemBuilder::default()
    }

    /// The directory, as it was named.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The path of the bucket's entry, whether or not it exists.
    pub fn path_of(&self, bucket: &Bucket<'_>) -> PathBuf {
        self.directory.path().join(self.pattern.name(bucket.content_key()))
    }

    /// The keys of the entries, in order.
    fn keys(&self) -> Result<Vec<ContentKey>, CacheError> {
        let mut keys = Vec::new();
        for name in self.directory.names()? {
            keys.extend(self.pattern.key(&name?));
        }
        keys.sort_unstable();
        Ok(keys)
    }

    fn max_file_bytes(&self) -> usize {
        self.max_entry_bytes.saturating_add(Frame::MAX_OVERHEAD)
    }

    fn read(&self, key: &ContentKey) -> Result<Found, CacheError> {
        self.directory.read(&self.pattern.name(key), self.max_file_bytes())
    }

    /// The entry of a key, as listings show it. `None` if it was removed meanwhile.
    fn entry(&self, key: &ContentKey) -> Option<Result<CacheEntry, CacheError>> {
        let frame = |stored: &Stored| {
            let frame = Frame::parse(&stored.bytes, self.max_file_bytes())?;
            if frame.content_key != *key {
                return Err(Rejection::Key);
            }
            let mut entry = CacheEntry::from_frame(&frame);
            entry.accessed_at = Some(stored.modified.max(frame.created_at));
            Ok(entry)
        };
        let result = match self.read(key) {
            Ok(Found::Nothing) => return None,
            Ok(Found::Refused(reason)) => Err(reason),
            Ok(Found::Entry(stored)) => frame(&stored),
            Err(error) => return Some(Err(error)),
        };
        Some(result.map_err(|reason| {
            let path = self.directory.path().join(self.pattern.name(key));
            let message = format!("{}: {reason}", path.display());
            CacheError::new(CacheErrorKind::Rejected(reason), message).with_key(key.to_hex())
        }))
    }

    /// Removes what writers that were killed left behind.
    fn sweep(&self, name: &[u8], now: SystemTime) {
        let Ok(name) = str::from_utf8(name) else { return };
        let age = self.directory.modified(name).and_then(|modified| now.duration_since(modified).ok());
        if age.is_some_and(|age| age > TEMP_AGE) {
            let _ = self.directory.remove(name); // next time, then
        }
    }

    fn refuse_if_read_only(&self) -> Result<(), CacheError> {
        if self.read_only {
            let message = format!("the cache in {} is opened read-only", self.directory.path().display());
            return Err(CacheError::new(CacheErrorKind::ReadOnly, message));
        }
        Ok(())
    }
}

impl BytecodeCache for FileSystemBytecodeCache {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        let stored = match self.read(bucket.content_key())? {
            Found::Nothing => return Ok(()),
            Found::Refused(reason) => {
                bucket.reject(reason);
                return Ok(());
            }
            Found::Entry(stored) => stored,
        };
        bucket.bytecode_from_entry(&stored.bytes, self.max_file_bytes());
        if bucket.bytecode().is_some() && !self.read_only {
            let unused = self.clock.now().duration_since(stored.modified).unwrap_or_default();
            if unused > TOUCH_AFTER {
                stored.touch();
            }
        }
        Ok(())
    }

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        let length = bucket.filled()?.len();
        self.refuse_if_read_only()?;
        if length > self.max_entry_bytes {
            let message = format!("{length} bytes of bytecode: at most {}", self.max_entry_bytes);
            return Err(CacheError::new(CacheErrorKind::TooLarge, message));
        }
        let created_at = bucket.created_at().unwrap_or_else(|| self.clock.now());
        let bytes = bucket.entry_written_at(created_at)?;
        let size = bytes.len() as u64;
        if let Some(budget) = &self.budget
            && let Some(room) = budget.admit(size)?
        {
            self.make_room(room)?;
        }
        publish(&self.directory, &self.pattern, &self.temp_names, bucket.content_key(), &bytes, self.sync)?;
        if let Some(budget) = &self.budget {
            budget.wrote(size);
        }
        Ok(())
    }

    /// Deletes the files of this pattern, and what its killed writers left. A file that cannot be deleted is counted
    /// and the others are deleted.
    fn clear(&self) -> Result<Cleared, CacheError> {
        self.refuse_if_read_only()?;
        if let Some(budget) = &self.budget {
            budget.forget();
        }
        let now = SystemTime::now(); // compared with the file system's times, not with our entries'
        let (mut removed, mut failed) = (0, 0);
        for name in self.directory.names()? {
            let name = name?;
            if let Some(key) = self.pattern.key(&name) {
                match self.directory.remove(&self.pattern.name(&key)) {
                    Ok(was_there) => removed += u64::from(was_there),
                    Err(_) => failed += 1,
                }
            } else if self.pattern.is_temp(&name) {
                self.sweep(&name, now);
            }
        }
        Ok(Cleared::deleted(Some(removed), failed))
    }

    fn counters(&self) -> Option<&Counters> {
        Some(&self.counters)
    }

    fn failures(&self) -> Failures {
        self.policy.failures
    }

    fn warn(&self, error: &CacheError) {
        self.policy.warn(error);
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Reads the directory.
    fn size(&self) -> Option<u64> {
        Some(self.keys().ok()?.len() as u64)
    }

    fn max_size(&self) -> Option<u64> {
        self.budget.as_ref()?.bounds().max_entries
    }

    fn max_bytes(&self) -> Option<u64> {
        self.budget.as_ref()?.bounds().max_bytes
    }

    /// The time of last use is known to the hour. What killed writers left is swept, too.
    fn collect(&self, bounds: &Bounds, dry_run: bool) -> Result<Collected, CacheError> {
        self.collect_as(&Plan::collection(bounds), dry_run)
    }

    fn statistics(&self) -> CacheStatistics {
        let mut statistics = self.counters.snapshot();
        statistics.size = self.size();
        statistics.max_size = self.max_size();
        statistics.max_bytes = self.max_bytes();
        statistics.others_can_write = self.directory.others_can_write();
        statistics.is_link = self.directory.is_link();
        statistics
    }

    /// In the order of keys. The time of last use is at most an hour behind.
    fn entries(&self) -> Result<Entries<'_>, CacheError> {
        let keys = self.keys()?;
        Ok(Box::new(keys.into_iter().filter_map(|key| self.entry(&key))))
    }
}

/// The options of a [`FileSystemBytecodeCache`].
///
/// ```no_run
/// use haiden_cache::{Failures, FileSystemBytecodeCache};
///
/// let cache = FileSystemBytecodeCache::builder()
///     .directory("/var/cache/site")
///     .read_only(true)
///     .failures(Failures::Warn)
///     .open()?;
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct FileSystemBuilder {
    directory: Option<PathBuf>,
    temp_root: Option<PathBuf>,
    pattern: String,
    read_only: bool,
    sync: bool,
    max_entry_bytes: usize,
    bounds: Bounds,
    policy: Policy,
    clock: Clock,
}

impl Default for FileSystemBuilder {
    fn default() -> Self {
        Self {
            directory: None,
            temp_root: None,
            pattern: DEFAULT_PATTERN.to_owned(),
            read_only: false,
            sync: false,
            max_entry_bytes: DEFAULT_MAX_ENTRY_BYTES,
            bounds: Bounds::default(),
            policy: Policy::default(),
            clock: Clock::default(),
        }
    }
}

impl FileSystemBuilder {
    /// The directory of the entries. Without one, the user's own under the temporary directory.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Where the user's own directory is made, instead of the system's temporary directory.
    pub fn temp_root(mut self, root: impl Into<PathBuf>) -> Self {
        self.temp_root = Some(root.into());
        self
    }

    /// The pattern of file names; [`DEFAULT_PATTERN`] by default.
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.pattern = pattern.into();
        self
    }

    /// Only reads entries; the directory has to exist. Not even times of last use are written.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Flushes each entry to the disk before it is published. Off by default: it costs more than compiling.
    pub fn sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// The largest bytecode that is written or read; [`DEFAULT_MAX_ENTRY_BYTES`] by default.
    pub fn max_entry_bytes(mut self, bytes: usize) -> Self {
        self.max_entry_bytes = bytes;
        self
    }

    /// Both bounds at once; their age does not count here.
    pub(crate) fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Keeps at most so many entries: those that were used longest ago make room for new ones. By default there is no
    /// such bound.
    pub fn max_entries(mut self, entries: u64) -> Self {
        self.bounds.max_entries = Some(entries);
        self
    }

    /// Keeps entries whose files take at most so many bytes, as [`max_entries`](Self::max_entries) does.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.bounds.max_bytes = Some(bytes);
        self
    }

    /// What happens when the directory cannot be read or written.
    pub fn failures(mut self, failures: Failures) -> Self {
        self.policy.failures = failures;
        self
    }

    /// Who hears of failures under [`Failures::Warn`], instead of standard error. Each kind of failure is told once.
    pub fn warn_with(mut self, listener: impl Fn(&CacheError) + Send + Sync + 'static) -> Self {
        self.policy.listener = Some(Listener::new(listener));
        self
    }

    /// Where entries get their times from.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the cache. Fails for a pattern that cannot name files, a directory that cannot be opened or made, and if
    /// the default directory is not safe.
    pub fn open(self) -> Result<FileSystemBytecodeCache, CacheError> {
        let pattern = Pattern::parse(&self.pattern)?;
        let directory = match self.directory {
            Some(path) => Directory::open_named(&path, !self.read_only)?,
            None => {
                let root = self.temp_root.unwrap_or_else(std::env::temp_dir);
                Directory::open_private(&root, !self.read_only)?
            }
        };
        Ok(FileSystemBytecodeCache {
            directory,
            pattern,
            temp_names: TempNames::default(),
            read_only: self.read_only,
            sync: self.sync,
            max_entry_bytes: self.max_entry_bytes,
            budget: Budget::new(self.bounds),
            policy: self.policy,
            clock: self.clock,
            counters: Counters::new(),
        })
    }
}
