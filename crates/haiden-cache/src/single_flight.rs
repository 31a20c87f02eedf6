//! Single flight: of several threads that need one thing at once, one makes it.
//!
//! In: a key and a closure from each caller. Out: the value the first caller's closure made, for all of them.
//! Invariant: nobody waits for a thread that (directly or through others) waits for him, nor for one that is gone: a
//! leader that panics wakes its waiters and one of them leads next.
//!
//! This is no cache: a flight ends when its value is there. Look into the cache inside the closure, because between
//! your own look and the call another flight may have ended.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// How long a caller waits for another before it does the work itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// Lets concurrent callers of one key share one computation.
///
/// Errors are values: use `V = Result<T, E>`, and waiters of a failed flight get its error instead of failing again,
/// one after the other.
///
/// ```
/// use haiden_cache::SingleFlight;
///
/// let flights: SingleFlight<&str, usize> = SingleFlight::new();
/// assert_eq!(flights.run(&"page.html", || 42), 42);
/// ```
#[derive(Debug)]
pub struct SingleFlight<K, V> {
    table: Mutex<Table<K, V>>,
    patience: Duration,
}

#[derive(Debug)]
struct Table<K, V> {
    flights: HashMap<K, Arc<Flight<V>>>,
    /// Which thread waits for which.
    waiting: HashMap<ThreadId, ThreadId>,
}

#[derive(Debug)]
struct Flight<V> {
    leader: ThreadId,
    process: u32,
    state: Mutex<State<V>>,
    ended: Condvar,
}

#[derive(Debug)]
enum State<V> {
    Flying,
    Landed(V),
    Abandoned,
}

enum Seat<V> {
    Leader(Arc<Flight<V>>),
    Passenger(Arc<Flight<V>>),
    /// Waiting would not end: compute without telling anybody.
    Alone,
}

enum Waited<V> {
    Landed(V),
    Abandoned,
    TooLong,
}

impl<K: Eq + Hash + Clone, V: Clone + Send> SingleFlight<K, V> {
    /// No flights yet; callers wait 5 seconds for each other at most.
    pub fn new() -> Self {
        Self::with_patience(PATIENCE)
    }

    /// As [`new`](Self::new), with another bound on waiting. Who waited that long takes over.
    pub fn with_patience(patience: Duration) -> Self {
        let table = Table { flights: HashMap::new(), waiting: HashMap::new() };
        Self { table: Mutex::new(table), patience }
    }

    /// The value for this key: from `compute`, or from another thread that is computing it now.
    ///
    /// A call from inside `compute` for the same key computes by itself, and so does one whose waiting would close a
    /// circle of threads. A panic of `compute` goes to its own caller only.
    pub fn run(&self, key: &K, compute: impl FnOnce() -> V) -> V {
        self.run_with(key, compute, |wait| wait())
    }

    /// As [`run`](Self::run); waiting happens inside `around_wait`, which has to call the function it gets. A host with
    /// a global lock releases it there.
    pub fn run_with(
        &self,
        key: &K,
        compute: impl FnOnce() -> V,
        mut around_wait: impl FnMut(&mut (dyn FnMut() + Send)),
    ) -> V {
        loop {
            let flight = match self.board(key) {
                Seat::Alone => return compute(),
                Seat::Leader(flight) => return self.lead(key, &flight, compute),
                Seat::Passenger(flight) => flight,
            };
            let queued = Queued { table: &self.table, thread: thread::current().id() };
            let (patience, mut waited) = (self.patience, None);
            around_wait(&mut || waited = Some(flight.wait(patience)));
            drop(queued);
            match waited {
                Some(Waited::Landed(value)) => return value,
                Some(Waited::Abandoned) => {}
                Some(Waited::TooLong) => self.end(key, &flight, State::Abandoned),
                None => return compute(), // `around_wait` did not wait
            }
        }
    }

    /// Finds a place for the calling thread, and notes for whom it is going to wait.
    fn board(&self, key: &K) -> Seat<V> {
        let me = thread::current().id();
        let process = std::process::id();
        let mut table = lock(&self.table);
        match table.flights.get(key) {
            // The leader of a flight of another process stayed behind when this one forked.
            Some(flight) if flight.process == process => {
                let flight = Arc::clone(flight);
                if table.would_wait_for(flight.leader, me) {
                    return Seat::Alone;
                }
                table.waiting.insert(me, flight.leader);
                Seat::Passenger(flight)
            }
            _ => {
                let state = Mutex::new(State::Flying);
                let flight = Arc::new(Flight { leader: me, process, state, ended: Condvar::new() });
                table.flights.insert(key.clone(), Arc::clone(&flight));
                Seat::Leader(flight)
            }
        }
    }

    fn lead(&self, key: &K, flight: &Arc<Flight<V>>, compute: impl FnOnce() -> V) -> V {
        let leading = Leading { flights: self, key, flight };
        let value = compute();
        self.end(key, flight, State::Landed(value.clone()));
        // It has landed: there is nothing left to abandon.
        std::mem::forget(leading);
        value
    }

    /// Ends a flight that is still flying, and takes it off the table.
    fn end(&self, key: &K, flight: &Arc<Flight<V>>, state: State<V>) {
        let mut table = lock(&self.table);
        if table.flights.get(key).is_some_and(|listed| Arc::ptr_eq(listed, flight)) {
            table.flights.remove(key);
        }
        drop(table);
        // Who waits has taken it from the table; so nobody does, and waking somebody asks the system.
        if Arc::strong_count(flight) == 1 {
            return;
        }
        let mut current = lock(&flight.state);
        if matches!(*current, State::Flying) {
            *current = state;
            flight.ended.notify_all();
        }
    }
}

impl<K: Eq + Hash + Clone, V: Clone + Send> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> Table<K, V> {
    /// Whether `thread` is `me`, or waits for somebody who (in the end) waits for `me`. Edges that would close a
    /// circle are never added, so the walk ends.
    fn would_wait_for(&self, mut thread: ThreadId, me: ThreadId) -> bool {
        loop {
            if thread == me {
                return true;
            }
            match self.waiting.get(&thread) {
                Some(&next) => thread = next,
                None => return false,
            }
        }
    }
}

impl<V: Clone> Flight<V> {
    fn wait(&self, patience: Duration) -> Waited<V> {
        let start = Instant::now();
        let mut state = lock(&self.state);
        loop {
            match &*state {
                State::Landed(value) => return Waited::Landed(value.clone()),
                State::Abandoned => return Waited::Abandoned,
                State::Flying => {}
            }
            let left = patience.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Waited::TooLong;
            }
            let waited = self.ended.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Abandons the flight when its leader unwinds; does nothing to a flight that has landed.
struct Leading<'a, K: Eq + Hash + Clone, V: Clone + Send> {
    flights: &'a SingleFlight<K, V>,
    key: &'a K,
    flight: &'a Arc<Flight<V>>,
}

impl<K: Eq + Hash + Clone, V: Clone + Send> Drop for Leading<'_, K, V> {
    fn drop(&mut self) {
        self.flights.end(self.key, self.flight, State::Abandoned);
    }
}

/// Takes the calling thread off the list of those who wait.
struct Queued<'a, K, V> {
    table: &'a Mutex<Table<K, V>>,
    thread: ThreadId,
}

impl<K, V> Drop for Queued<'_, K, V> {
    fn drop(&mut self) {
        lock(self.table).waiting.remove(&self.thread);
    }
}

/// Every update is complete when its guard goes, so a poisoned lock still guards sound data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
