//! haiden on its native host under measurement.
//!
//! Everything that knows haiden's API is in `adapter.rs`; without the feature `wired` the engine
//! says that it has no modes, and the runner leaves it out.

#[cfg(feature = "wired")]
mod adapter;

use std::process::ExitCode;

#[cfg(feature = "wired")]
fn main() -> ExitCode {
    bench_common::driver::main(&adapter::Haiden)
}

#[cfg(not(feature = "wired"))]
fn main() -> ExitCode {
    use bench_common::{Case, Engine, Job, Mode};

    struct Absent;

    impl Engine for Absent {
        fn modes(&self) -> &'static [Mode] {
            &[]
        }

        fn prepare(&self, _: Case) -> Result<Job, String> {
            Err("built without the feature `wired`".to_owned())
        }
    }

    bench_common::driver::main(&Absent)
}
