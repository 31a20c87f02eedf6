//! From tree to image: resolve, build, optimize, lower.
//!
//! In: a template's source and [`Options`]. Out: an [`Image`](haiden_bytecode::Image), or the [`CompileError`] that
//! Jinja2 raises for the same source. [`compile`] is the road; each verb on it is a function of its own, and what it
//! yields can be printed: [`Scopes`] says where each name lives, [`Ir`] is the tree with names replaced by places.
//! Invariants: no input or output, no clock, no random numbers; the same source and options give the same bytes; no
//! hash map decides an order. Recursion is bounded by the depth limits of the tree.
#![forbid(unsafe_code)]

mod build;
mod error;
mod fingerprint;
pub mod ir;
mod lower;
mod optimize;
mod options;
mod pipeline;
pub mod resolve;
mod tables;

pub use build::build;
pub use error::{CompileError, ErrorKind};
pub use fingerprint::SEMANTICS;
pub use ir::Ir;
pub use lower::lower;
pub use optimize::optimize;
pub use options::{KNOWN_FILTERS, Options};
pub use pipeline::{compile, compile_ast};
pub use resolve::{Load, Scopes, resolve};
