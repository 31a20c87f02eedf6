//! What the benchmark's engines share, so that they differ in the engine only.
//!
//! In: nothing but the source. Out: the data of every workload ([`data`]), the template sets
//! ([`templates`]), generated templates ([`generated`]), the bodies of the user filters
//! ([`filters`]) and the line protocol that the runner speaks ([`driver`]).
//! Invariant: everything is deterministic; two builds on two machines make the same bytes.

pub mod case;
pub mod clock;
pub mod data;
pub mod driver;
pub mod filters;
pub mod generated;
mod random;
pub mod templates;

pub use case::{Case, Mode, Workload};
pub use data::Data;
pub use driver::{Engine, Job};
