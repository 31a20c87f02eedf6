//! Connections that wait for their next use.
//!
//! In: connections that are sound and idle. Out: the one used last, or none: then the caller makes a new one.
//! Invariant: nobody blocks here, and a connection is used only by the process that made it. A forked child may inherit
//! the lock as another thread of its parent held it, so the lock is only ever tried: who does not get it works without
//! the pool.

use std::fmt;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

/// How often the lock is tried; it is held for some nanoseconds.
const TRIES: usize = 100;

/// Idle connections, the last used on top.
pub(crate) struct Pool<C> {
    shelf: Mutex<Shelf<C>>,
    max_idle: usize,
    max_age: Duration,
    /// What to do with the connections of a parent process.
    disown: fn(C),
}

struct Shelf<C> {
    process: u32,
    idle: Vec<(C, Instant)>,
}

impl<C> Pool<C> {
    /// An empty pool. `disown` gets rid of what the parent process left in it, without disturbing the parent.
    pub(crate) fn new(max_idle: usize, max_age: Duration, disown: fn(C)) -> Self {
        let shelf = Shelf { process: std::process::id(), idle: Vec::new() };
        Self { shelf: Mutex::new(shelf), max_idle, max_age, disown }
    }

    /// The connection that was used last.
    pub(crate) fn take(&self) -> Option<C> {
        let mut shelf = self.shelf()?;
        let (connection, since) = shelf.idle.pop()?;
        if since.elapsed() > self.max_age {
            shelf.idle.clear(); // the others wait even longer
            return None;
        }
        Some(connection)
    }

    /// Keeps a sound connection, which this process made. Whose shelf it is was asked when it was taken, or will be.
    pub(crate) fn give(&self, connection: C) {
        if let Some(mut shelf) = self.lock()
            && shelf.idle.len() < self.max_idle
        {
            shelf.idle.push((connection, Instant::now()));
        }
    }

    /// Drops every idle connection: one of them turned out to be dead.
    pub(crate) fn clear(&self) {
        if let Some(mut shelf) = self.shelf() {
            shelf.idle.clear();
        }
    }

    /// The shelf, without what a parent process left on it.
    fn shelf(&self) -> Option<MutexGuard<'_, Shelf<C>>> {
        let mut shelf = self.lock()?;
        let process = std::process::id();
        if shelf.process != process {
            shelf.process = process;
            for (connection, _) in shelf.idle.drain(..) {
                (self.disown)(connection);
            }
        }
        Some(shelf)
    }

    fn lock(&self) -> Option<MutexGuard<'_, Shelf<C>>> {
        (0..TRIES).find_map(|_| match self.shelf.try_lock() {
            Ok(shelf) => Some(shelf),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()), // a list is always sound
            Err(TryLockError::WouldBlock) => {
                std::thread::yield_now();
                None
            }
        })
    }
}

impl<C> fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool(at most {} idle)", self.max_idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    #[test]
    fn the_last_comes_first_and_the_pool_is_bounded() {
        let pool = Pool::new(2, LONG, drop);
        assert_eq!(pool.take(), None::<i32>);
        for connection in [1, 2, 3] {
            pool.give(connection);
        }
        assert_eq!([pool.take(), pool.take(), pool.take()], [Some(2), Some(1), None]);
    }

    #[test]
    fn what_waited_too_long_is_dropped() {
        let pool = Pool::new(2, Duration::ZERO, drop);
        pool.give(1);
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(pool.take(), None);
    }

    #[test]
    fn a_parents_connections_are_not_used() {
        let pool = Pool::new(2, LONG, |connection: Box<i32>| drop(connection));
        pool.give(Box::new(1));
        pool.shelf().unwrap().process += 1;
        assert_eq!(pool.take(), None);
        pool.give(Box::new(2));
        assert_eq!(pool.take().as_deref(), Some(&2));
    }

    #[test]
    fn a_lock_that_is_never_freed_stops_nobody() {
        let pool = Pool::new(2, LONG, drop);
        pool.give(1);
        let held = pool.shelf.lock().unwrap();
        assert_eq!(pool.take(), None);
        pool.give(2);
        drop(held);
        assert_eq!(pool.take(), Some(1));
    }
}
