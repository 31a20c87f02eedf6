//! Deep: machines inside one another, when functions call macros or render templates.
//!
//! In: what runs a machine. Out: its outcome. A machine needs no stack for what templates call, but a function of Rust between
//! two machines does, and how much is its own affair. After so many machines on one stack the next one runs on a new
//! stack, of a thread that is waited for; so all of them together may be as many as the limit of frames says.
//!
//! Invariant: no template makes the stack overflow by calling functions that call templates.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::thread;

use crate::error::{Error, ErrorKind};

/// How many machines run on one stack.
const ON_ONE_STACK: usize = 12;

/// The size of the stacks that are made: what the system commits of one is what is used of it.
const STACK: usize = 4 << 20;

/// How many machines run inside one another.
#[derive(Clone, Copy, Default)]
struct Depth {
    on_this_stack: usize,
    in_all: usize,
}

thread_local! {
    static DEPTH: Cell<Depth> = const { Cell::new(Depth { on_this_stack: 0, in_all: 0 }) };
}

/// Sets the depth back, in a panic too.
struct Restored(Depth);

impl Drop for Restored {
    fn drop(&mut self) {
        DEPTH.set(self.0);
    }
}

/// Runs a machine inside of those that run already, at most `limit` in all.
#[inline]
pub(crate) fn deeper<T: Send>(
    limit: usize,
    run: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let depth = DEPTH.get();
    if depth.on_this_stack >= ON_ONE_STACK || depth.in_all >= limit {
        return on_a_new_stack(limit, depth, run);
    }
    let _restored = Restored(depth);
    DEPTH.set(Depth { on_this_stack: depth.on_this_stack + 1, in_all: depth.in_all + 1 });
    run()
}

#[cold]
fn on_a_new_stack<T: Send>(
    limit: usize,
    depth: Depth,
    run: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let too_deep = || Error::new(ErrorKind::Recursion, "maximum recursion depth exceeded");
    if depth.in_all >= limit {
        return Err(too_deep());
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("haiden-deep".to_owned()).stack_size(STACK);
        let started = thread.spawn_scoped(scope, || {
            DEPTH.set(Depth { on_this_stack: 1, in_all: depth.in_all + 1 });
            run()
        });
        match started {
            Ok(running) => running.join().unwrap_or_else(|panic| resume_unwind(panic)),
            // No thread to be had: what is left of this stack is not to be relied on.
            Err(error) => Err(too_deep().with_source(error)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::deeper;
    use crate::error::{Error, ErrorKind};

    /// Goes `left` machines deeper; each takes some of the stack.
    fn dive(limit: usize, left: usize) -> Result<usize, Error> {
        let room = std::hint::black_box([left as u8; 16 << 10]);
        deeper(limit, || if left == 0 { Ok(0) } else { dive(limit, left - 1).map(|deep| deep + 1) })
            .map(|deep| deep + usize::from(room[0] != left as u8))
    }

    #[test]
    fn as_many_as_the_limit_says_run_inside_one_another() {
        assert_eq!(dive(500, 499).expect("deep enough"), 499);
        assert_eq!(dive(100, 100).expect_err("too deep").kind(), ErrorKind::Recursion);
        assert_eq!(dive(3, 2).expect("deep enough"), 2);
        assert_eq!(dive(3, 3).expect_err("too deep").kind(), ErrorKind::Recursion);
    }

    #[test]
    fn a_panic_comes_through_and_leaves_nothing_behind() {
        for _ in 0..3 {
            let outcome = std::panic::catch_unwind(|| {
                fn dive(left: usize) -> Result<(), Error> {
                    deeper(500, || if left == 0 { panic!("deep down") } else { dive(left - 1) })
                }
                dive(40)
            });
            assert_eq!(outcome.expect_err("a panic").downcast_ref::<&str>(), Some(&"deep down"));
        }
        assert_eq!(dive(20, 18).expect("nothing is left behind"), 18);
    }
}
