//! Renders a page twice, as two processes would, through a store of your own.
//!
//! `cargo run -- redis://127.0.0.1/` or `cargo run -- bytecode.sqlite`

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use haiden::cache::BytecodeCache;
use haiden::{Environment, context};
use haiden_example_stores::{RedisStore, SqliteStore};

fn main() -> Result<(), Box<dyn Error>> {
    let place = std::env::args().nth(1).ok_or("name a Redis URL or a SQLite file")?;
    let cache: Arc<dyn BytecodeCache> = if place.starts_with("redis") {
        Arc::new(RedisStore::new(redis::Client::open(place)?, "jinja2:", 3600))
    } else {
        Arc::new(SqliteStore::new(place)?)
    };
    let mut out = std::io::stdout();
    for _ in 0..2 {
        let mut environment = Environment::new();
        environment.set_bytecode_cache(Some(Arc::clone(&cache)));
        environment.add_template("hello.txt", "Hello {{ name }}!")?;
        let page = environment.get_template("hello.txt")?.render(context! { name => "World" })?;
        writeln!(out, "{page}")?;
    }
    Ok(write!(out, "{}", cache.statistics())?)
}
