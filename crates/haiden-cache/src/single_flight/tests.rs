//! Threads that meet at one key: who computes, who waits, and what wakes them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::*;

type Flights = SingleFlight<&'static str, Result<usize, String>>;

/// Waits until this many threads wait for others.
fn until_waiting(flights: &Flights, threads: usize) {
    while lock(&flights.table).waiting.len() < threads {
        thread::yield_now();
    }
}

fn is_empty(flights: &Flights) -> bool {
    let table = lock(&flights.table);
    table.flights.is_empty() && table.waiting.is_empty()
}

/// Eight threads ask for one key; the leader's closure ends when the seven others wait.
fn eight(flights: &Flights, value: &Result<usize, String>) -> (usize, Vec<Result<usize, String>>) {
    let computed = AtomicUsize::new(0);
    let ask = || {
        flights.run(&"page", || {
            computed.fetch_add(1, SeqCst);
            until_waiting(flights, 7);
            value.clone()
        })
    };
    let got = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    (computed.into_inner(), got)
}

#[test]
fn one_computes_for_all() {
    for value in [Ok(42), Err("no such filter".to_owned())] {
        let flights = Flights::new();
        let (computed, got) = eight(&flights, &value);
        assert_eq!(computed, 1);
        assert_eq!(got, vec![value; 8]);
        assert!(is_empty(&flights));
    }
}

#[test]
fn a_flight_is_no_cache() {
    let flights = Flights::new();
    assert_eq!(flights.run(&"page", || Ok(1)), Ok(1));
    assert_eq!(flights.run(&"page", || Ok(2)), Ok(2));
}

#[test]
fn a_panicking_leader_wakes_its_waiters() {
    let flights = Flights::new();
    let computed = AtomicUsize::new(0);
    let ask = || {
        catch_unwind(AssertUnwindSafe(|| {
            flights.run(&"page", || {
                let turn = computed.fetch_add(1, SeqCst);
                if turn == 0 {
                    until_waiting(&flights, 7);
                    panic!("the first compile panics");
                }
                Ok(turn)
            })
        }))
    };
    let got: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(got.iter().filter(|result| result.is_err()).count(), 1, "only the leader sees its panic");
    assert!(got.iter().flatten().all(Result::is_ok));
    assert!(is_empty(&flights));
}

#[test]
fn reentry_on_the_same_thread_computes() {
    let flights = Flights::new();
    let value = flights.run(&"page", || flights.run(&"page", || Ok(7)).map(|inner| inner + 1));
    assert_eq!(value, Ok(8));
    assert!(is_empty(&flights));
}

#[test]
fn a_circle_of_threads_does_not_wait_for_itself() {
    let flights = Flights::with_patience(Duration::from_hours(1));
    let both_lead = Barrier::new(2);
    let ask = |first: &'static str, second: &'static str| {
        flights.run(&first, || {
            both_lead.wait();
            flights.run(&second, || Ok(1)).map(|inner| inner + 1)
        })
    };
    let (a, b) = thread::scope(|scope| {
        let other = scope.spawn(|| ask("b", "a"));
        (ask("a", "b"), other.join().unwrap())
    });
    // One of them computed the other's page itself; the other got either value.
    assert!(a.is_ok() && b.is_ok());
    assert!(is_empty(&flights));
}

#[test]
fn who_waits_too_long_takes_over() {
    let flights = Flights::with_patience(Duration::from_millis(20));
    let leads = Barrier::new(2);
    thread::scope(|scope| {
        let slow = scope.spawn(|| {
            flights.run(&"page", || {
                leads.wait();
                leads.wait();
                Ok(1)
            })
        });
        leads.wait();
        assert_eq!(flights.run(&"page", || Ok(2)), Ok(2));
        leads.wait();
        assert_eq!(slow.join().unwrap(), Ok(1));
    });
    assert!(is_empty(&flights));
}

#[test]
fn a_flight_of_before_a_fork_is_ignored() {
    let flights = Flights::with_patience(Duration::from_hours(1));
    let other = thread::spawn(|| thread::current().id()).join().unwrap();
    let state = Mutex::new(State::Flying);
    let process = std::process::id().wrapping_add(1);
    let left = Arc::new(Flight { leader: other, process, state, ended: Condvar::new() });
    lock(&flights.table).flights.insert("page", left);
    assert_eq!(flights.run(&"page", || Ok(3)), Ok(3));
    assert!(is_empty(&flights));
}

#[test]
fn waiting_goes_through_the_hook() {
    let flights = Flights::new();
    let wrapped = AtomicUsize::new(0);
    let around = |wait: &mut (dyn FnMut() + Send)| {
        wrapped.fetch_add(1, SeqCst);
        wait();
    };
    let leads = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            flights.run(&"page", || {
                leads.wait();
                until_waiting(&flights, 1);
                Ok(1)
            })
        });
        leads.wait();
        assert_eq!(flights.run_with(&"page", || Ok(2), around), Ok(1));
    });
    assert_eq!(wrapped.into_inner(), 1);
    // A hook that does not wait, or that panics, harms nobody else.
    let unwound = catch_unwind(AssertUnwindSafe(|| hook_that(&flights, |_| panic!("the hook panics"))));
    assert!(unwound.is_err());
    assert_eq!(hook_that(&flights, |_| {}), Ok(2));
    assert!(is_empty(&flights));
}

fn hook_that(flights: &Flights, hook: impl FnMut(&mut (dyn FnMut() + Send))) -> Result<usize, String> {
    let (leads, done) = (Barrier::new(2), Mutex::new(()));
    thread::scope(|scope| {
        let held = lock(&done);
        scope.spawn(|| {
            flights.run(&"page", || {
                leads.wait();
                drop(lock(&done));
                Ok(1)
            })
        });
        leads.wait();
        let result = catch_unwind(AssertUnwindSafe(|| flights.run_with(&"page", || Ok(2), hook)));
        drop(held);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
