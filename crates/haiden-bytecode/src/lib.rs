//! The instruction table, the image format, its verifier and its printer.
//!
//! This crate is where the compiler and the virtual machine meet, and the only place: it knows neither templates nor
//! values. [`ops`] declares the instruction set, [`image`] the data of an image, `load` is the only door for bytes from
//! outside.
#![forbid(unsafe_code)]

pub mod assemble;
mod encode;
pub mod fingerprint;
pub mod format;
pub mod image;
mod lines;
mod load;
mod markdown;
mod name_list;
pub mod ops;
mod plain;
mod print;
mod readers;
mod rejection;
mod rules;
mod strings;
mod verify;

pub use assemble::{At, Code, TooFar, TooLarge, assemble};
pub use encode::to_bytes;
pub use fingerprint::{Fingerprint, OptionId, source_digest};
pub use format::{Header, Maxima, header_flags};
pub use image::{
    BlockEntry, CallShape, Constant, Dependency, DependencyKind, Escape, Function, FunctionKind, Image, Line,
    LoopField, Reference, ReferenceCall, Site, include_flags, loop_flags,
};
pub use load::{Expected, load, load_expected, load_shared, peek_header};
pub use markdown::markdown;
pub use name_list::NameList;
pub use ops::{Op, code};
pub use plain::{Numbers, Span, Words};
pub use print::{describe, disassemble};
pub use rejection::{Fault, Rejection};
pub use strings::{Names, Strings};
pub use verify::verify;
