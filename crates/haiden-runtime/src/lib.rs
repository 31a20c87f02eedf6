//! The virtual machine, the [`Host`] trait and the builtins.
//!
//! [`program::link`] turns an image into a program of one host; [`vm::Vm`] runs programs. Nothing here knows what a
//! value is: that is the host's business, see [`host`].
#![deny(unsafe_code)]

pub mod append;
pub mod builtins;
pub mod escape;
mod faults;
pub mod host;
pub mod loops;
mod operators;
pub mod program;
mod sites;
pub mod vm;
mod window;

pub use host::{
    Arguments, BinaryOp, BlockReference, Called, Callee, Closure, CompareOp, Export, Fault, Host,
    LinkedReader, Linker, TraceFrame, UnaryOp, Undefined,
};
pub use loops::LoopState;
pub use program::{Chain, Keyword, LinkError, Program, Shape, link};
pub use vm::{Limits, Step, Vm, wrong_arguments};
