//! The cache in a Memcached server.
//!
//! In: buckets. Out: items under `PREFIX NAMESPACE / CONTENT KEY`. Invariant: what is sent as a key is a checked prefix
//! and hexadecimal digits, and nothing is sent that the server would refuse for its size: it drops the old value when
//! it refuses a new one.
//!
//! Reading order: `protocol` (what is said), `namespace` (how `clear` works without emptying the server), then this.
//! [`remote`](crate::remote) says why the client is our own.

mod namespace;
mod protocol;

use std::sync::Arc;
use std::time::Duration;

use self::namespace::Namespace;
use crate::remote::{Client, Link, Location, Options, Talk, option_methods};
use crate::{
    Authenticated, Bucket, BytecodeCache, CacheError, CacheErrorKind, Cleared, Clock, ContentKey, Counters,
    Failures, Frame, KeyRing,
};

/// Memcached takes items of 1 MiB, with key and header, unless told otherwise.
const MAX_ENTRY_BYTES: usize = 1_000_000;
const NOTICE_CLEAR_AFTER: Duration = Duration::from_secs(5);
/// Questions in one round trip. They have to fit into the buffers of both sides, or both would wait for each other.
const BATCH: usize = 200;

/// Keeps bytecode in a Memcached server (1.6 or newer), for all processes of all machines that use it.
///
/// ```no_run
/// use std::time::Duration;
/// use haiden_cache::{KeyRing, MemcachedBytecodeCache};
///
/// let keys = KeyRing::from_file("cache.keys")?;
/// let cache = MemcachedBytecodeCache::new("memcached://cache.example:11211", keys)?;
///
/// // Jinja2's `prefix`, `timeout` and `ignore_memcache_errors=False`:
/// let cache = MemcachedBytecodeCache::builder("memcached://10.0.0.7?prefix=shop/")
///     .expire_after(Duration::from_hours(24))
///     .failures(haiden_cache::Failures::Raise)
///     .unauthenticated()
///     .connect()?;
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
///
/// **The URL** is `memcached://HOST[:PORT]` or `memcached+unix:///PATH`, with `prefix=TEXT` and `timeout=SECONDS` as
/// query. It names one server. No connection is made before the first lookup. `memcacheds://` is Memcached over TLS
/// (`memcached -Z`), with the cargo feature `tls`: the server has to show a certificate for its name, of an authority that the
/// system believes, or of one in the file that `ca=FILE` names.
///
/// **Limits.** Bytecode of more than 1,000,000 bytes is not sent (`TooLarge`, counted as a dump failure).
///
/// **Time.** Connecting and each operation take 100 ms at most. A server that did not answer in time, or failed three
/// times in a row, is left alone for a second, then for two, up to thirty; then one lookup tries it again.
///
/// **Trust.** Whoever reaches the server can write it. Bytecode is verified before it runs, but a forged entry can print
/// something else than your template does. So entries are signed ([`Authenticated`]), or somebody has to say that they
/// need not be ([`MemcachedBuilder::unauthenticated`]).
///
/// **Forking.** A child makes connections of its own.
///
/// **`clear()`** invalidates: it gives the cache another namespace, and the entries of the old one are never asked for
/// again; their bytes stay until the server needs the room. Other processes notice within five seconds. The server's
/// other contents are not touched.
#[derive(Debug)]
pub struct MemcachedBytecodeCache {
    client: Client,
    options: Options,
    namespace: Namespace,
    counters: Counters,
}

impl MemcachedBytecodeCache {
    /// The cache at this URL, with entries that are signed with the first of these keys.
    pub fn new(url: &str, keys: impl Into<Arc<KeyRing>>) -> Result<Authenticated<Self>, CacheError> {
        Self::builder(url).connect_signed(keys)
    }

    /// All options.
    pub fn builder(url: impl Into<String>) -> MemcachedBuilder {
        let options = Options::new(MAX_ENTRY_BYTES);
        MemcachedBuilder { url: url.into(), options, notice_clear_after: NOTICE_CLEAR_AFTER }
    }

    /// The key of the bucket's item, for tools; it asks the server for the namespace.
    pub fn item_key(&self, bucket: &Bucket<'_>) -> Result<String, CacheError> {
        self.client.exchange(|link| self.key(link, bucket.content_key()))
    }

    fn key(&self, link: &mut Link, key: &ContentKey) -> Talk<String> {
        let namespace = self.namespace.get(link, &self.options.prefix)?;
        Ok(format!("{}{namespace:016x}/{key}", self.options.prefix))
    }

    fn max_item_bytes(&self) -> usize {
        self.options.max_entry_bytes.saturating_add(Frame::MAX_OVERHEAD)
    }
}

impl BytecodeCache for MemcachedBytecodeCache {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        let max = self.max_item_bytes();
        self.client.exchange(|link| {
            let key = self.key(link, bucket.content_key())?;
            protocol::get(link, &key, max, |bytes| bucket.bytecode_from_entry(bytes, max))
        })
    }

    /// In one round trip for each two hundred.
    fn load_many(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
        let max = self.max_item_bytes();
        for buckets in buckets.chunks_mut(BATCH) {
            self.client.exchange(|link| {
                let keys = buckets.iter().map(|bucket| self.key(link, bucket.content_key()));
                let keys = keys.collect::<Talk<Vec<_>>>()?;
                protocol::get_many(link, &keys, max, |index, bytes| {
                    buckets[index].bytecode_from_entry(bytes, max);
                })
            })?;
        }
        Ok(())
    }

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        self.options.refuse_if_larger(bucket.filled()?.len())?;
        self.options.refuse_if_read_only()?;
        let now = self.options.clock.now();
        let entry = bucket.entry_written_at(bucket.created_at().unwrap_or(now))?;
        let expiry = protocol::expiry(self.options.expire_after, now);
        self.client.write(|link| {
            let key = self.key(link, bucket.content_key())?;
            protocol::set(link, &key, expiry, &entry)
        })
    }

    /// Begins another namespace.
    fn clear(&self) -> Result<Cleared, CacheError> {
        self.options.refuse_if_read_only()?;
        self.client.write(|link| self.namespace.replace(link, &self.options.prefix))?;
        Ok(Cleared::invalidated())
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
}

/// The options of a [`MemcachedBytecodeCache`].
#[derive(Debug)]
#[must_use]
pub struct MemcachedBuilder {
    url: String,
    options: Options,
    notice_clear_after: Duration,
}

impl MemcachedBuilder {
    option_methods!();

    /// After how long a `clear()` of another process is noticed at the latest; five seconds by default. Looking costs a
    /// round trip.
    pub fn notice_clear_after(mut self, time: Duration) -> Self {
        self.notice_clear_after = time;
        self
    }

    /// The cache, without signatures. No connection is made yet; it is an error if URL or prefix are not sound, and, of
    /// kind [`Secret`](CacheErrorKind::Secret), without [`unauthenticated`](Self::unauthenticated).
    pub fn connect(self) -> Result<MemcachedBytecodeCache, CacheError> {
        let waived = self.options.refuse_unless_waived();
        let cache = self.open()?;
        waived.map(|()| cache)
    }

    /// The cache with entries that are signed with the first of these keys; those that are signed with none are misses.
    pub fn connect_signed(
        self,
        keys: impl Into<Arc<KeyRing>>,
    ) -> Result<Authenticated<MemcachedBytecodeCache>, CacheError> {
        Ok(Authenticated::new(self.open()?, keys))
    }

    fn open(mut self) -> Result<MemcachedBytecodeCache, CacheError> {
        let (location, tls) = Location::parse_with_tls(&self.url, "memcached", 11211)?;
        if location.user.is_some() || location.password.is_some() || !location.path.is_empty() {
            let message = format!("memcached://{}: it has neither users nor databases", location.address);
            return Err(CacheError::new(CacheErrorKind::Url, message));
        }
        self.options.take_query(&location.query)?;
        self.options.check()?;
        Ok(MemcachedBytecodeCache {
            client: Client::new(
                self.options.address(location.address),
                tls,
                self.options.timeouts.bounded(),
                |_| Ok(()),
            ),
            namespace: Namespace::new(self.notice_clear_after),
            options: self.options,
            counters: Counters::new(),
        })
    }
}
