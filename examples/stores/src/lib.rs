//! Stores of your own: what Jinja2's documentation shows in Python, in Rust.
//!
//! A store has two methods that matter. It gives the bucket the bytes it finds, and keeps the bytes the bucket gives
//! it; that they are whole, of this template and of this version is the bucket's business. Both stores go by
//! `bucket.key()`, Jinja2's key of name and filename, as their models do: so each template has one place, and another
//! version of it is a miss. (The stores that haiden brings go by `bucket.content_key()`, where versions do not meet.)

#![forbid(unsafe_code)]

mod redis_store;
mod sqlite_store;

pub use redis_store::RedisStore;
pub use sqlite_store::SqliteStore;
