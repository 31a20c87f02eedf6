//! The guide: pages to read, whose examples run as tests.
//!
//! - [`start`]: the first template, a folder of templates, data of your own
//! - [`language`]: what templates can say
//! - [`api`]: environments, templates, values, functions, errors, sandboxes, tags
//! - [`asynchronous`]: renders that wait
//! - [`cache`]: bytecode between processes, and sites in one file
//! - [`coming_from_minijinja`]: what is called otherwise, and what templates print otherwise
//!
//! Whoever wants to change haiden itself finds recipes in `docs/recipes/`: a filter, an instruction, a statement, a store.

#[doc = include_str!("start.md")]
pub mod start {}

#[doc = include_str!("language.md")]
pub mod language {}

#[doc = include_str!("api.md")]
pub mod api {}

#[doc = include_str!("asynchronous.md")]
pub mod asynchronous {}

#[doc = include_str!("cache.md")]
pub mod cache {}

#[doc = include_str!("minijinja.md")]
pub mod coming_from_minijinja {}

/// The example of the repository's first page.
#[cfg(doctest)]
#[doc = include_str!("../../../../README.md")]
mod readme {}
