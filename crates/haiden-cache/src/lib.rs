//! The bytecode cache: buckets, stores and their statistics. It moves bytes under keys and knows no template.
//!
//! In: keys and bytecode from an engine. Out: the same bytecode, in this process or a later one, or a miss. Invariant:
//! whatever lies in a store, an engine gets what was written under its content key, or nothing. The cache knows no
//! template and no instruction; that the bytecode itself is sound is for the engine to verify.
//!
//! # Using a cache
//!
//! An engine asks for a template's bucket, and fills it if it comes back empty:
//!
//! ```
//! use haiden_cache::{BytecodeCache, CacheError, ContentKey, MemoryBytecodeCache};
//!
//! fn compile(source: &str) -> Vec<u8> {
//!     source.bytes().rev().collect()
//! }
//!
//! fn bytecode(cache: &dyn BytecodeCache, name: &str, source: &str) -> Result<Vec<u8>, CacheError> {
//!     let content_key = ContentKey::new([
//!         ("format", &b"1"[..]),
//!         ("options", b"autoescape=on"),
//!         ("source", source.as_bytes()),
//!     ]);
//!     let mut bucket = cache.get_bucket(name, None, source, content_key)?;
//!     if let Some(bytecode) = bucket.bytecode() {
//!         return Ok(bytecode.to_vec());
//!     }
//!     let bytecode = compile(source);
//!     bucket.set_bytecode(&bytecode[..]);
//!     cache.set_bucket(&bucket)?;
//!     Ok(bytecode)
//! }
//!
//! let cache = MemoryBytecodeCache::new(400, 64 << 20);
//! assert_eq!(bytecode(&cache, "a.txt", "Hello")?, b"olleH");
//! assert_eq!(bytecode(&cache, "b.txt", "Hello")?, b"olleH"); // the same source under another name: a hit
//!
//! let statistics = cache.statistics();
//! assert_eq!((statistics.hits, statistics.misses), (1, 1));
//! println!("{statistics}");
//! # Ok::<(), CacheError>(())
//! ```
//!
//! An engine that finds the bytecode of a hit unusable says so with [`reject_bucket`](BytecodeCache::reject_bucket),
//! which turns the hit into a miss with a [`Rejection`]. It reports what hits were worth with
//! [`Counters::record_time`]. No cache is `Option::None`.
//!
//! # Stores
//!
//! | store | keeps entries | bounded by | `clear()` |
//! |---|---|---|---|
//! | [`MemoryBytecodeCache`] | in this process | entries and bytes, least recently used goes first | deletes all |
//! | [`FileSystemBytecodeCache`] (Unix) | in files of a directory | entries and bytes, if told so; least recently used goes first | deletes files of its pattern |
//! | `SqliteBytecodeCache` (feature `sqlite`) | in one file, for many processes | entries and bytes, if told so; least recently used goes first | deletes all |
//! | [`Bundle`] | in one read-only file, a site at a time | what was put in | nothing: compile it anew |
//! | [`MemcachedBytecodeCache`] | in a Memcached server | the server | invalidates, within seconds everywhere |
//! | [`RedisBytecodeCache`] | in a Redis server | the server | deletes its own keys |
//! | yours: [`BytecodeCache`] | wherever you like | | says how far it reaches: [`ClearReach`] |
//!
//! ```no_run
//! use haiden_cache::{BytecodeCache, FileSystemBytecodeCache, DEFAULT_PATTERN};
//!
//! // The user's own directory under the temporary directory, as Jinja2 chooses it:
//! let cache = FileSystemBytecodeCache::new(None, DEFAULT_PATTERN)?;
//! for entry in cache.entries()? {
//!     let entry = entry?;
//!     println!("{} {} bytes", entry.key, entry.bytecode.len());
//! }
//! # Ok::<(), haiden_cache::CacheError>(())
//! ```
//!
//! [`Authenticated`] wraps any of them, for a store that others can write.
//! [`TieredBytecodeCache`] makes one cache of several: the fastest first. [`ReadOnly`], [`Counted`], [`BestEffort`] and
//! [`Pausing`] each change one thing about a cache.
//!
//! # Who does what
//!
//! | layer | does | does not |
//! |---|---|---|
//! | engine | content key, compiling, verifying bytecode | know where bytes lie |
//! | [`get_bucket`](BytecodeCache::get_bucket), [`set_bucket`](BytecodeCache::set_bucket) | count, apply [`Failures`] | move bytes |
//! | [`load_bytecode`](BytecodeCache::load_bytecode), [`dump_bytecode`](BytecodeCache::dump_bytecode) | move bytes | count, swallow errors |
//! | [`Bucket`], [`Frame`] | frame and check bytes | know where they come from |
//!
//! # Threads
//!
//! Stores are `Send + Sync`. [`SingleFlight`] lets threads that need one template at once compile it once.
#![forbid(unsafe_code)]

mod authentication;
mod bounds;
mod breaker;
mod bucket;
mod bundle;
mod cache;
mod content_key;
mod entry;
mod error;
#[cfg(unix)]
mod file_system;
mod frame;
mod memcached;
mod memory;
mod policy;
mod pool;
mod redis;
mod rejection;
mod remote;
mod single_flight;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statistics;
#[cfg(feature = "testkit")]
pub mod testkit;
mod tiers;
mod url;
mod wrap;

pub use authentication::{Authenticated, KeyRing};
pub use bounds::{Bounds, Collected};
pub use bucket::Bucket;
pub use bundle::{Bundle, BundleBuilder};
pub use cache::{BytecodeCache, ClearReach, Cleared, Entries, Failures, cache_key, source_checksum};
pub use content_key::{ContentKey, ContentKeyBuilder};
pub use entry::CacheEntry;
pub use error::{CacheError, CacheErrorKind};
#[cfg(unix)]
pub use file_system::{DEFAULT_PATTERN, FileSystemBuilder, FileSystemBytecodeCache};
pub use frame::{DEFAULT_MAX_ENTRY_BYTES, Frame, Signature};
pub use memcached::{MemcachedBuilder, MemcachedBytecodeCache};
pub use memory::MemoryBytecodeCache;
pub use policy::Clock;
pub use redis::{RedisBuilder, RedisBytecodeCache};
pub use rejection::{Rejection, Rejections};
#[cfg(feature = "fuzz")]
pub use remote::Replies;
pub use single_flight::SingleFlight;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteBuilder, SqliteBytecodeCache};
pub use statistics::{CacheStatistics, Counters};
pub use tiers::{Gate, Tier, TierAnswer, TierOutcome, TierStatistics, TieredBytecodeCache};
pub use url::{CacheUrl, Opened, Opening};
pub use wrap::{BestEffort, Counted, Pausing, ReadOnly};
