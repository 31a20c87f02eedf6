//! The fault table: whatever is wrong with the store, the page renders, and is right.
//!
//! Each fault meets twenty cold workers: environments that have nothing in memory and render a page of four templates
//! through the ill store. The table, on standard output, says what the statistics told, what time was lost, against
//! workers without a cache, and how long the slowest page took. The pause is the default's, a second; so is the deadline,
//! 100 ms, where there is one to wait for. `python/tests/test_cache_faults.py` is the same for Python.

#![cfg(unix)]

mod crowds;
mod directories;
mod liars;
mod own;
mod process;
mod servers;
mod sqlite;
mod table;

use std::path::Path;

use table::{Figures, LOOKUPS, Table};

#[test]
fn every_page_renders_whatever_is_wrong() {
    let mut table = Table::default();
    let scratch = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let path = scratch.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    };
    directories::directories(&mut table, &folder("directories"));
    directories::foreign(&mut table);
    directories::full_disk(&mut table, &folder("full"));
    directories::bundles(&mut table, &folder("bundles"));
    sqlite::sqlite(&mut table, &folder("sqlite"));
    for kind in &servers::KINDS {
        servers::servers(&mut table, kind);
        liars::liars(&mut table, kind);
    }
    own::own(&mut table);
    crowds::crowds(&mut table, &folder("crowds"));
    table.print();
}

/// What the table starts other processes for; without a role, nothing.
#[test]
fn in_another_process() {
    let Some(role) = process::role() else { return };
    match &role.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["writes", store, at] => crowds::write_for_ever(store, at),
        ["forks", store, at] => process::say(&crowds::fork_after_connecting(store, at)),
        ["meets a foreign directory", path] => {
            let cache = directories::open(Path::new(path));
            let told = |figures: &haiden::cache::CacheStatistics| {
                figures.hits == 0 && figures.dump_failures == LOOKUPS
            };
            process::say(&Figures::of("foreign-owned", &cache, table::nothing, told));
        }
        role => panic!("no such role: {role:?}"),
    }
}
