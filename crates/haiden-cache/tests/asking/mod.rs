//! Asking a store behind the back of its counters.

use haiden_cache::{Bucket, BytecodeCache, CacheError};

/// What the store has under this key, without counting.
pub(crate) fn load<C: BytecodeCache + ?Sized>(cache: &C, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
    let mut bucket = Bucket::new(key, "sum");
    cache.load_bytecode(&mut bucket)?;
    Ok(bucket.bytecode().map(|code| code.to_vec()))
}
