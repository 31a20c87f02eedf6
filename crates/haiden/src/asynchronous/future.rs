//! A future whose outcome many can await: the same value may lie in several renders, and be read again and again.
//!
//! In: a future, run once. Out: its outcome, kept. Invariants: whoever waits can drive it, so one waiter's end leaves the others
//! nothing to lose; no lock is held while user code runs; a future that waits for itself is an error.

use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};

use crate::asynchronous::polled;
use crate::error::{Error, ErrorKind};
use crate::value::object::panicked;

/// A future on the heap that any thread can poll.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A future that is shared.
pub(crate) struct Shared<T>(Arc<Cell<T>>);

/// Who holds a shared future without keeping it.
pub(crate) struct Known<T>(Weak<Cell<T>>);

struct Cell<T> {
    number: u64,
    state: Mutex<State<T>>,
    waiters: Arc<Waiters>,
}

enum State<T> {
    /// Nobody polls it now.
    Idle(Boxed<Result<T, Error>>),
    /// This thread does.
    Polled(ThreadId),
    Done(Result<T, Error>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared(self.0.clone())
    }
}

impl<T> Shared<T> {
    pub(crate) fn is(&self, other: &Shared<T>) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Does anything keep it but this and one other?
    pub(crate) fn is_kept_elsewhere(&self) -> bool {
        Arc::strong_count(&self.0) > 2
    }

    pub(crate) fn known(&self) -> Known<T> {
        Known(Arc::downgrade(&self.0))
    }
}

impl<T> Known<T> {
    /// The future, if somebody still keeps it.
    pub(crate) fn get(&self) -> Option<Shared<T>> {
        self.0.upgrade().map(Shared)
    }
}

impl<T: Clone> Shared<T> {
    pub(crate) fn new(future: impl Future<Output = Result<T, Error>> + Send + 'static) -> Shared<T> {
        let state = Mutex::new(State::Idle(Box::pin(future)));
        Shared(Arc::new(Cell { number: polled::number(), state, waiters: Arc::default() }))
    }

    /// What it has come to, if it is done.
    pub(crate) fn outcome(&self) -> Option<Result<T, Error>> {
        match &*lock(&self.0.state) {
            State::Done(outcome) => Some(outcome.clone()),
            _ => None,
        }
    }

    /// Drives it.
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Result<T, Error>> {
        let Cell { number, state, waiters } = &*self.0;
        if polled::is_within(*number) {
            return Poll::Ready(match self.outcome() {
                Some(outcome) => outcome,
                None => Err(waits_for_itself()),
            });
        }
        // Before the state is read: who polls now will wake everybody that is here by then.
        waiters.add(context.waker());
        let mut future = {
            let mut state = lock(state);
            let me = thread::current().id();
            match mem::replace(&mut *state, State::Polled(me)) {
                State::Idle(future) => future,
                State::Done(outcome) => {
                    *state = State::Done(outcome.clone());
                    // Who waited was taken when it was done; who has come since finds it done.
                    let waited = waiters.take();
                    drop(state);
                    drop(waited);
                    return Poll::Ready(outcome);
                }
                State::Polled(thread) => {
                    *state = State::Polled(thread);
                    if thread == me {
                        return Poll::Ready(Err(waits_for_itself()));
                    }
                    return Poll::Pending;
                }
            }
        };
        waiters.forget_calls();
        let waker = Waker::from(waiters.clone());
        let within = polled::within(&[*number]);
        let polled =
            catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut Context::from_waker(&waker))))
                .unwrap_or_else(|panic| Poll::Ready(Err(panicked("a future", &*panic))));
        drop(within);
        match &polled {
            Poll::Ready(outcome) => {
                let outcome = State::Done(outcome.clone());
                let wakers = {
                    // Together: who finds it done forgets those that wait, so they must have been taken by then.
                    let mut state = lock(state);
                    *state = outcome;
                    waiters.take()
                };
                wakers.into_iter().for_each(Waker::wake);
            }
            Poll::Pending => {
                *lock(state) = State::Idle(future);
                if waiters.forget_calls() {
                    waiters.wake_by_ref();
                }
            }
        }
        polled
    }
}

impl<T: Clone> Future for Shared<T> {
    type Output = Result<T, Error>;
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Shared::poll(&self, context)
    }
}

#[cold]
fn waits_for_itself() -> Error {
    Error::new(ErrorKind::Async, "a future waits for itself")
}

/// Who waits for a future; waking it wakes all of them.
#[derive(Default)]
struct Waiters(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    wakers: Vec<Waker>,
    /// Has it been woken since somebody last asked?
    called: bool,
}

impl Waiters {
    fn add(&self, waker: &Waker) {
        let wakers = &mut lock(&self.0).wakers;
        if !wakers.iter().any(|known| known.will_wake(waker)) {
            wakers.push(waker.clone());
        }
    }

    /// Those that wait; nobody does after that.
    fn take(&self) -> Vec<Waker> {
        mem::take(&mut lock(&self.0).wakers)
    }

    /// Has it been woken since this was last called?
    fn forget_calls(&self) -> bool {
        mem::take(&mut lock(&self.0).called)
    }
}

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        let wakers = {
            let mut calls = lock(&self.0);
            calls.called = true;
            mem::take(&mut calls.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::hint;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// Wakes a thread.
    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    fn wait(future: &Shared<usize>) -> usize {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            match future.poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(outcome) => return outcome.expect("a number"),
                Poll::Pending => thread::park(),
            }
        }
    }

    #[test]
    fn nobody_waits_for_what_is_done() {
        const THREADS: usize = 4;
        const ROUNDS: usize = 100_000;
        // Long enough for the others to wait, and for a thread to be stopped at its end.
        let future = |round| async move {
            (0..round % 200).for_each(|_| hint::spin_loop());
            Ok(round)
        };
        let futures: Arc<[_]> = (0..ROUNDS).map(|round| Shared::new(future(round))).collect();
        let round = Arc::new(AtomicUsize::new(0));
        let (done, finished) = mpsc::channel();
        for _ in 0..THREADS {
            let (futures, arrived, done) = (futures.clone(), round.clone(), done.clone());
            thread::spawn(move || {
                for (round, future) in futures.iter().enumerate() {
                    arrived.fetch_add(1, SeqCst);
                    while arrived.load(SeqCst) < round * THREADS + 2 {
                        thread::yield_now();
                    }
                    assert_eq!(wait(future), round);
                }
                done.send(()).expect("the test waits");
            });
        }
        for _ in 0..THREADS {
            finished.recv_timeout(Duration::from_mins(1)).expect("no thread waits for ever");
        }
    }
}
