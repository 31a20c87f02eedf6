//! The bytecode cache over the `redis` crate, with whatever that offers: TLS, Cluster, Sentinel.
//!
//! The twin of the `RedisBytecodeCache` that Jinja2's documentation shows as a subclass in Python.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use haiden::cache::{Bucket, BytecodeCache, CacheError, Cleared, Counters};
use redis::{Client, Commands, Connection, RedisResult};

/// Neither connecting nor answering may take longer.
const LIMIT: Duration = Duration::from_millis(100);

/// Keeps bytecode in Redis under a prefix, for some seconds.
pub struct RedisStore {
    client: Client,
    connection: Mutex<Option<Connection>>,
    prefix: String,
    timeout: u64,
    counters: Counters,
}

impl RedisStore {
    /// A store over this client; entries expire after `timeout` seconds.
    pub fn new(client: Client, prefix: &str, timeout: u64) -> Self {
        let (connection, counters) = (Mutex::new(None), Counters::new());
        Self { client, connection, prefix: prefix.to_owned(), timeout, counters }
    }

    /// Runs a command. A connection that failed is not used again: `redis` does not reconnect by itself, and an answer
    /// that comes late would be taken for that to the next question.
    fn run<T>(&self, command: impl FnOnce(&mut Connection) -> RedisResult<T>) -> Result<T, CacheError> {
        let mut slot = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = match slot.take() {
            Some(connection) => connection,
            None => {
                let connection = self.client.get_connection_with_timeout(LIMIT).map_err(CacheError::other)?;
                connection.set_read_timeout(Some(LIMIT)).map_err(CacheError::other)?;
                connection.set_write_timeout(Some(LIMIT)).map_err(CacheError::other)?;
                connection
            }
        };
        let result = command(&mut connection).map_err(CacheError::other)?;
        *slot = Some(connection);
        Ok(result)
    }
}

impl BytecodeCache for RedisStore {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        let key = format!("{}{}", self.prefix, bucket.key());
        let data: Option<Vec<u8>> = self.run(|redis| redis.get(key))?;
        if let Some(data) = data {
            bucket.bytecode_from_string(&data);
        }
        Ok(())
    }

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        let key = format!("{}{}", self.prefix, bucket.key());
        let data = bucket.bytecode_to_string()?;
        self.run(|redis| redis.set_ex(key, data, self.timeout))
    }

    /// By steps, where the model asks for all `KEYS` at once, which stops the server while it looks.
    fn clear(&self) -> Result<Cleared, CacheError> {
        self.run(|redis| {
            let keys: Vec<String> =
                redis.scan_match::<_, String>(format!("{}*", self.prefix))?.collect::<RedisResult<_>>()?;
            let removed: u64 = if keys.is_empty() { 0 } else { redis.unlink(keys)? };
            Ok(Cleared::deleted(Some(removed), 0))
        })
    }

    fn counters(&self) -> Option<&Counters> {
        Some(&self.counters)
    }
}
