//! The instruction table, the image format, its verifier and its printer.
//!
//! This crate is where the compiler and the virtual machine meet, and the only place: it knows neither templates nor
//! values. [`ops`] declares the instruction set, [`image`] the data of an image, `load` is the only door for bytes from
//! outside.
#![forbid(unsafe_code)]

pub mod assemble;
pub mod image;
pub mod ops;

pub use assemble::{At, Code, TooFar, TooLarge, assemble};
pub use image::{
    BlockEntry, CallShape, Constant, Dependency, DependencyKind, Escape, Function, FunctionKind, Image, Line,
    LoopField, Reference, ReferenceCall, include_flags, loop_flags,
};
pub use ops::{Op, code};
