//! The clock: processor time of the calling thread, which neighbours on the cores hardly move.

use rustix::time::{ClockId, clock_gettime};

/// Processor time of this thread so far, in nanoseconds.
pub fn thread_nanoseconds() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}
