//! The cache in a Redis or Valkey server.
//!
//! In: buckets. Out: strings under `PREFIX CONTENT KEY`. Invariant: only keys of that shape are read, written or
//! deleted, and never by a command that stops the server (`KEYS`) or empties it (`FLUSHDB`).
//!
//! Reading order: `protocol` (what is said), then this. [`remote`](crate::remote) says why the client is our own.

mod protocol;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::remote::{Client, Location, Options, option_methods, without_password};
use crate::{
    Authenticated, Bucket, BytecodeCache, CacheEntry, CacheError, CacheErrorKind, Cleared, Clock, ContentKey,
    Counters, DEFAULT_MAX_ENTRY_BYTES, Entries, Failures, Frame, KeyRing, Rejection,
};

/// Keys in one round trip.
const BATCH: usize = 200;
/// Entries read at once when all are listed.
const PAGE: usize = 16;
/// How many keys the server looks at in one step of a scan.
const SCAN_COUNT: &str = "1000";
/// Steps of a scan at most, and how long it may take: a server that never ends it is not followed for ever.
const SCAN_STEPS: usize = 200_000;
const SCAN_TIME: Duration = Duration::from_mins(1);
/// Beyond so many keys in a database, `size` is not worth the scan; nor if that takes longer than this.
const MAX_COUNTED: i64 = 10_000;
const COUNT_TIME: Duration = Duration::from_secs(1);
/// The most entries that are listed.
const MAX_LISTED: usize = 1 << 20;

/// Keeps bytecode in a Redis server (or one that speaks its protocol), for all processes of all machines that use it.
///
/// ```no_run
/// use std::time::Duration;
/// use haiden_cache::{KeyRing, RedisBytecodeCache};
///
/// let keys = KeyRing::from_file("cache.keys")?;
/// let cache = RedisBytecodeCache::new("redis://:secret@cache.example:6379/0", keys)?;
///
/// let cache = RedisBytecodeCache::builder("redis://app:secret@10.0.0.7/2?prefix=shop/")
///     .expire_after(Duration::from_hours(24))
///     .unauthenticated()
///     .connect()?;
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
///
/// **The URL** is `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]` or `redis+unix://[[USER]:PASSWORD@]/PATH[?db=N]`, with
/// `prefix=TEXT` and `timeout=SECONDS` as query. No connection is made before the first lookup. `rediss://` is Redis
/// over TLS, with the cargo feature `tls`: the server has to show a certificate for its name, of an authority that the system
/// believes, or of one in the file that `ca=FILE` names.
///
/// **Time.** Connecting and each operation take 100 ms at most. A server that did not answer in time, or failed three
/// times in a row, is left alone for a second, then for two, up to thirty; then one lookup tries it again. A server
/// that is full, or may not be written, is read as before and written again after a pause.
///
/// **Trust.** Whoever can write the database can forge entries, so it wants keys or a waiver; see
/// [`MemcachedBytecodeCache`](crate::MemcachedBytecodeCache).
///
/// **Forking.** A child makes connections of its own.
///
/// **`clear()`** deletes the keys that consist of the prefix and a content key, step by step (`SCAN`, `UNLINK`), so that
/// the server goes on answering others. It deletes nothing else.
///
/// [`size`](BytecodeCache::size) counts in the same way, if the database holds 10,000 keys at most; else it is unknown.
#[derive(Debug)]
pub struct RedisBytecodeCache {
    client: Client,
    options: Options,
    counters: Counters,
}

impl RedisBytecodeCache {
    /// The cache at this URL, with entries that are signed with the first of these keys.
    pub fn new(url: &str, keys: impl Into<Arc<KeyRing>>) -> Result<Authenticated<Self>, CacheError> {
        Self::builder(url).connect_signed(keys)
    }

    /// All options.
    pub fn builder(url: impl Into<String>) -> RedisBuilder {
        RedisBuilder { url: url.into(), options: Options::new(DEFAULT_MAX_ENTRY_BYTES) }
    }

    /// The key under which the bucket's entry lies.
    pub fn key_of(&self, bucket: &Bucket<'_>) -> String {
        self.key(bucket.content_key())
    }

    fn key(&self, key: &ContentKey) -> String {
        format!("{}{key}", self.options.prefix)
    }

    fn max_value_bytes(&self) -> usize {
        self.options.max_entry_bytes.saturating_add(Frame::MAX_OVERHEAD)
    }

    /// Reads the values of these keys, one after the other, and says which key each is for.
    fn get_many(&self, keys: &[String], mut found: impl FnMut(usize, &[u8])) -> Result<(), CacheError> {
        let words: Vec<_> = std::iter::once("MGET").chain(keys.iter().map(String::as_str)).collect();
        self.client.exchange(|link| {
            protocol::ask(link, &words)?;
            protocol::strings(link, keys.len(), self.max_value_bytes(), &mut found)
        })
    }

    /// Walks over all keys of this cache; the function gets them by the hundreds, some twice.
    fn scan(
        &self,
        limit: Duration,
        mut found: impl FnMut(Vec<ContentKey>) -> Result<(), CacheError>,
    ) -> Result<(), CacheError> {
        let pattern = format!("{}*", self.options.prefix); // no character of a prefix means anything in a pattern
        let key = |name: &[u8]| {
            ContentKey::from_hex(str::from_utf8(name).ok()?.strip_prefix(&self.options.prefix)?)
        };
        let (mut cursor, start) = ("0".to_owned(), Instant::now());
        for _ in 0..SCAN_STEPS {
            let mut keys = Vec::new(); // grows with what arrives, not with what is announced
            cursor = self.client.exchange(|link| {
                keys.clear();
                protocol::ask(link, &["SCAN", &cursor, "MATCH", &pattern, "COUNT", SCAN_COUNT])?;
                protocol::scanned(link, |name| keys.extend(key(name)))
            })?;
            found(keys)?;
            if cursor == "0" {
                return Ok(());
            }
            if start.elapsed() > limit {
                break;
            }
        }
        let message = format!("{}: a scan without an end", self.client.address());
        Err(CacheError::new(CacheErrorKind::Protocol, message))
    }

    fn keys(&self, limit: Duration) -> Result<Vec<ContentKey>, CacheError> {
        let mut keys = Vec::new();
        self.scan(limit, |found| {
            keys.extend(found);
            if keys.len() <= MAX_LISTED {
                return Ok(());
            }
            let message = format!("{}: more than {MAX_LISTED} entries", self.client.address());
            Err(CacheError::new(CacheErrorKind::TooLarge, message))
        })?;
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    /// Some entries, as listings show them. What was removed meanwhile is left out.
    fn page(&self, keys: &[ContentKey]) -> Vec<Result<CacheEntry, CacheError>> {
        let names: Vec<_> = keys.iter().map(|key| self.key(key)).collect();
        let mut entries = Vec::new();
        let result = self.get_many(&names, |index, bytes| {
            let frame = Frame::parse(bytes, self.max_value_bytes()).and_then(|frame| {
                if frame.content_key == keys[index] { Ok(frame) } else { Err(Rejection::Key) }
            });
            entries.push(frame.map(|frame| CacheEntry::from_frame(&frame)).map_err(|reason| {
                let message = format!("{}: {}: {reason}", self.client.address(), names[index]);
                CacheError::new(CacheErrorKind::Rejected(reason), message).with_key(keys[index].to_hex())
            }));
        });
        entries.extend(result.err().map(Err));
        entries
    }
}

impl BytecodeCache for RedisBytecodeCache {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        let (key, max) = (self.key(bucket.content_key()), self.max_value_bytes());
        self.client.exchange(|link| {
            protocol::ask(link, &["GET", &key])?;
            if let Some(bytes) = protocol::string(link, max)? {
                bucket.bytecode_from_entry(bytes, max);
            }
            Ok(())
        })
    }

    /// In one round trip for each two hundred.
    fn load_many(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
        let max = self.max_value_bytes();
        for buckets in buckets.chunks_mut(BATCH) {
            let keys: Vec<_> = buckets.iter().map(|bucket| self.key(bucket.content_key())).collect();
            self.get_many(&keys, |index, bytes| buckets[index].bytecode_from_entry(bytes, max))?;
        }
        Ok(())
    }

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        self.options.refuse_if_larger(bucket.filled()?.len())?;
        self.options.refuse_if_read_only()?;
        let created_at = bucket.created_at().unwrap_or_else(|| self.options.clock.now());
        let entry = bucket.entry_written_at(created_at)?;
        let key = self.key(bucket.content_key());
        let expiry = self.options.expire_after.map(|time| time.as_millis().clamp(1, 1 << 50).to_string());
        let expiry = expiry.as_ref().map_or(vec![], |millis| vec!["PX", millis]);
        self.client.write(|link| {
            protocol::ask_with_value(link, &["SET", &key], &entry, &expiry)?;
            protocol::done(link)
        })
    }

    /// Deletes the entries, a thousand keys of the database at a time.
    fn clear(&self) -> Result<Cleared, CacheError> {
        self.options.refuse_if_read_only()?;
        let mut removed = 0;
        self.scan(SCAN_TIME, |keys| {
            if keys.is_empty() {
                return Ok(());
            }
            let names: Vec<_> = keys.iter().map(|key| self.key(key)).collect();
            let words: Vec<_> = std::iter::once("UNLINK").chain(names.iter().map(String::as_str)).collect();
            removed += self.client.write(|link| {
                protocol::ask(link, &words)?;
                protocol::number(link)
            })?;
            Ok(())
        })?;
        Ok(Cleared::deleted(u64::try_from(removed).ok(), 0))
    }

    fn counters(&self) -> Option<&Counters> {
        Some(&self.counters)
    }

    fn failures(&self) -> Failures {
        self.options.policy.failures
    }

    fn warn(&self, error: &CacheError) {
        self.options.policy.warn(error);
    }

    fn is_read_only(&self) -> bool {
        self.options.read_only
    }

    /// Unknown if the database holds more than 10,000 keys, or they are not counted within a second.
    fn size(&self) -> Option<u64> {
        let keys = self.client.exchange(|link| {
            protocol::ask(link, &["DBSIZE"])?;
            protocol::number(link)
        });
        if keys.ok()? > MAX_COUNTED {
            return None;
        }
        Some(self.keys(COUNT_TIME).ok()?.len() as u64)
    }

    /// In the order of keys. When an entry was used last is not known.
    fn entries(&self) -> Result<Entries<'_>, CacheError> {
        let keys = self.keys(SCAN_TIME)?;
        let pages = keys.len().div_ceil(PAGE);
        let page = move |at: usize| self.page(&keys[at * PAGE..keys.len().min((at + 1) * PAGE)]);
        Ok(Box::new((0..pages).flat_map(page)))
    }
}

/// The options of a [`RedisBytecodeCache`].
#[derive(Debug)]
#[must_use]
pub struct RedisBuilder {
    url: String,
    options: Options,
}

impl RedisBuilder {
    option_methods!();

    /// The cache, without signatures. No connection is made yet; it is an error if URL or prefix are not sound, and, of
    /// kind [`Secret`](CacheErrorKind::Secret), without [`unauthenticated`](Self::unauthenticated).
    pub fn connect(self) -> Result<RedisBytecodeCache, CacheError> {
        let waived = self.options.refuse_unless_waived();
        let cache = self.open()?;
        waived.map(|()| cache)
    }

    /// The cache with entries that are signed with the first of these keys; those that are signed with none are misses.
    pub fn connect_signed(
        self,
        keys: impl Into<Arc<KeyRing>>,
    ) -> Result<Authenticated<RedisBytecodeCache>, CacheError> {
        Ok(Authenticated::new(self.open()?, keys))
    }

    fn open(mut self) -> Result<RedisBytecodeCache, CacheError> {
        let (mut location, tls) = Location::parse_with_tls(&self.url, "redis", 6379)?;
        if let Some(at) = location.query.iter().position(|(name, _)| name == "db") {
            location.path = location.query.remove(at).1;
        }
        let database = if location.path.is_empty() { Some(0) } else { location.path.parse::<u32>().ok() };
        let Some(database) = database else {
            let message = format!("{}: a database is a number", without_password(&self.url));
            return Err(CacheError::new(CacheErrorKind::Url, message));
        };
        self.options.take_query(&location.query)?;
        self.options.check()?;
        let greeting = protocol::greeting(location.user.as_deref(), location.password.as_deref(), database);
        Ok(RedisBytecodeCache {
            client: Client::new(
                self.options.address(location.address),
                tls,
                self.options.timeouts.bounded(),
                move |link| greeting.say(link),
            ),
            options: self.options,
            counters: Counters::new(),
        })
    }
}
