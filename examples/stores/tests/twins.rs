//! The stores pass the suite that haiden's own stores pass, and serve an engine.

#![cfg(unix)]

use std::cell::Cell;
use std::sync::Arc;

use haiden::cache::BytecodeCache;
use haiden::{Environment, context};
use haiden_cache::testkit::{Server, store_suite};
use haiden_example_stores::{RedisStore, SqliteStore};

/// Three processes one after the other; the third has another version of the template.
fn check(open: impl Fn() -> Arc<dyn BytecodeCache>) {
    let render = |source: &str| {
        let cache = open();
        let mut environment = Environment::new();
        environment.set_bytecode_cache(Some(Arc::clone(&cache)));
        environment.add_template("page", source).unwrap();
        let page = environment.get_template("page").unwrap().render(context! { name => "World" }).unwrap();
        (page, cache.statistics().hits, cache.statistics().writes)
    };
    assert_eq!(render("Hello {{ name }}!"), ("Hello World!".to_owned(), 0, 1));
    assert_eq!(render("Hello {{ name }}!"), ("Hello World!".to_owned(), 1, 0));
    assert_eq!(render("Bye {{ name }}!"), ("Bye World!".to_owned(), 0, 1));
}

#[test]
fn redis() {
    let Some(server) = Server::redis(&[]) else { return };
    let client = redis::Client::open(server.url("redis")).unwrap();
    let turn = Cell::new(0);
    store_suite(|| {
        turn.set(turn.get() + 1);
        RedisStore::new(client.clone(), &format!("suite {}:", turn.get()), 3600)
    });
    check(|| Arc::new(RedisStore::new(client.clone(), "jinja2:", 3600)));
}

#[test]
fn sqlite() {
    let scratch = tempfile::tempdir().unwrap();
    let turn = Cell::new(0);
    store_suite(|| {
        turn.set(turn.get() + 1);
        SqliteStore::new(scratch.path().join(turn.get().to_string())).unwrap()
    });
    check(|| Arc::new(SqliteStore::new(scratch.path().join("site.sqlite")).unwrap()));
}
