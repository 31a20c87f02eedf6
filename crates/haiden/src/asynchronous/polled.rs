//! Which shared futures this thread polls right now, one inside the other.
//!
//! In: futures and calls, as they are polled. Out: whether one that is to be awaited is among those that wait for whoever awaits it. A
//! call that a future asks for is polled by the render and not by the future, so it remembers which futures asked. Invariant: what
//! was noted is forgotten when the poll is over, in a panic too.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static POLLED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Forgets, when it is dropped, what was noted since there were so many.
pub(crate) struct Within(usize);

impl Drop for Within {
    fn drop(&mut self) {
        POLLED.with_borrow_mut(|polled| polled.truncate(self.0));
    }
}

/// A number that no other future has.
pub(crate) fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Until this is dropped, the thread polls for these futures.
pub(crate) fn within(numbers: &[u64]) -> Within {
    POLLED.with_borrow_mut(|polled| {
        let before = polled.len();
        polled.extend_from_slice(numbers);
        Within(before)
    })
}

/// Does the thread poll for this future?
pub(crate) fn is_within(number: u64) -> bool {
    POLLED.with_borrow(|polled| polled.contains(&number))
}

/// The futures that the thread polls for, the outermost first.
pub(crate) fn all() -> Box<[u64]> {
    POLLED.with_borrow(|polled| polled.as_slice().into())
}
