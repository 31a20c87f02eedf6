//! Servers whose answers are known beforehand, for the target `replies` and its first inputs.
//!
//! In: a mode and answers. Out: a cache that is asked, and gets these. Invariant: the buckets are always the same ones, so that
//! an answer can hold a sound entry for them.

use std::time::Duration;

use haiden::cache::{Bucket, BytecodeCache, MemcachedBytecodeCache, RedisBytecodeCache};
use haiden_cache::Replies;

/// The largest bytecode that is taken.
pub const MAX_ENTRY: usize = 4096;
/// The answers of a Memcached server.
pub const MEMCACHED: u8 = 0;
/// The answers of a Redis server that wants a password.
pub const REDIS: u8 = 1;
/// The bit of Redis without one.
pub const NO_PASSWORD: u8 = 2;
/// What keys begin with.
pub const PREFIX: &str = "p/";

/// A template's bucket.
pub fn bucket(number: usize) -> Bucket<'static> {
    Bucket::new(format!("key {number}"), "sum")
}

/// The same with bytecode in it.
pub fn filled(number: usize) -> Bucket<'static> {
    let mut bucket = bucket(number);
    bucket.set_bytecode(vec![7; 20 + number]);
    bucket
}

/// A cache whose server gives these answers: bits 2 and 3 of the mode say how much of them arrives at once.
pub fn cache(mode: u8, answers: &[u8]) -> Box<dyn BytecodeCache> {
    let replies = Replies::new(answers, [usize::MAX, 1, 7, 100][usize::from(mode >> 2 & 3)]);
    macro_rules! opened {
        ($builder:expr) => {
            $builder
                .prefix(PREFIX)
                .max_entry_bytes(MAX_ENTRY)
                // Time is what these answers do not take.
                .operation_timeout(Duration::from_secs(60))
                .retry_after(Duration::ZERO)
                .replies(replies)
                .unauthenticated()
                .connect()
                .expect("the URL is sound")
        };
    }
    if mode & REDIS == 0 {
        return Box::new(opened!(MemcachedBytecodeCache::builder("memcached://server")));
    }
    let url = if mode & NO_PASSWORD == 0 { "redis://user:secret@server/1" } else { "redis://server" };
    Box::new(opened!(RedisBytecodeCache::builder(url)))
}
