//! Native values: words over arenas, the render's heap, and the host that runs templates over them.
//!
//! [`word`] is what a register holds, [`arena`] immutable data, [`serialize`] the way in from serde, [`deserialize`] the way
//! out, [`heap`] what a
//! render makes, [`value`] what users hold, [`object`] and [`function`] their code,
//! [`state`] what it sees of a render, [`bound`] what it
//! is handed of it, [`bytes`] what bytes are outside of a render, [`to_value`] and [`typed`] what derived objects
//! stand on, [`host`] the machine's verbs.

pub(crate) mod arena;
pub(crate) mod bound;
mod bytes;
pub(crate) mod context;
pub(crate) mod deserialize;
pub(crate) mod function;
mod handover;
pub(crate) mod heap;
pub(crate) mod host;
pub(crate) mod object;
pub(crate) mod serialize;
pub(crate) mod shape;
pub(crate) mod state;
pub(crate) mod to_value;
pub(crate) mod typed;
#[expect(clippy::module_inception, reason = "`Value` is what the module is named after")]
pub(crate) mod value;
pub(crate) mod word;
