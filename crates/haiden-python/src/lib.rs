//! The Python host: `haiden._native`.
//!
//! Templates are compiled by `haiden-compiler` and run by `haiden-runtime`'s machine, over the caller's own Python objects:
//! no value is copied or converted. [`host`] is the host, `verbs` its trait; `objects` makes the C interface safe for all
//! other modules; each other file that says `unsafe` (`register`, `attr_cache`, `states`, …) tells why at its top.
//!
//! Everything runs on a thread that is attached to the interpreter (see `register`).
#![deny(unsafe_code)]

#[cfg(Py_GIL_DISABLED)]
compile_error!(
    "haiden reads objects as CPython with its global lock lays them out: free-threaded builds (python3.14t) are not \
     supported; build it for an interpreter with the lock"
);

mod attr_cache;
mod blocks;
mod budget;
mod calls;
mod code;
mod contexts;
mod each;
mod errors;
mod execution;
mod files;
mod filters;
mod flights;
mod fresh;
mod guard;
mod host;
mod identity;
mod item_filters;
mod iterate;
mod json;
mod kept;
mod link;
mod loading;
mod machine;
mod module;
mod objects;
mod operators;
mod output;
mod outside;
mod printing;
mod register;
mod scope;
mod settings;
mod short_filters;
mod shortcut;
mod states;
mod stock;
mod stores;
mod template;
mod templates;
mod tests;
mod text_filters;
mod tree;
mod truncate;
mod types;
mod verbs;
mod waiting;
mod wanted;
