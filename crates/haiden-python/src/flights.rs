//! Threads that need one template at once: one loads it, the others wait for it.
//!
//! In: the name of a template that the environment's cache has not. Out: a [`Flight`], with which this thread loads it, or
//! nothing, once another thread has. Nobody waits who loads something already, so that threads never wait for each other;
//! nor for a thread that was left behind when the process forked.
#![expect(unsafe_code, reason = "the number of the thread")]

use std::cell::{Cell, RefCell};

use pyo3::ffi;
use pyo3::prelude::*;

use crate::objects::{self, Raised, Result};
use crate::register::Obj;
use crate::types::Types;

/// The templates of an environment that are being loaded.
#[derive(Default)]
pub(crate) struct Flights(RefCell<Vec<Underway>>);

/// A template that is being loaded.
struct Underway {
    name: Obj,
    thread: u64,
    process: u32,
    /// A `_thread.lock` that is taken until the flight is over, once somebody waits.
    lock: Option<Obj>,
}

thread_local! {
    /// How many templates this thread is loading.
    static LOADING: Cell<usize> = const { Cell::new(0) };
}

/// The right to load a template, to be given back by [`Flight::end`].
#[must_use]
pub(crate) struct Flight<'f> {
    flights: &'f Flights,
    name: Obj,
    thread: u64,
}

fn this_thread() -> u64 {
    // SAFETY: a question that any thread may ask.
    unsafe { ffi::PyThread_get_thread_ident() as u64 }
}

fn new_lock() -> Result<Obj> {
    let py = objects::token();
    let lock = py.import("_thread").and_then(|module| module.call_method0("allocate_lock"));
    lock.map(|lock| Obj::of(&lock)).map_err(|error| Raised::from_error(py, error))
}

impl Flights {
    /// Loads a template: `None` if another thread did so meanwhile.
    pub(crate) fn enter(&self, types: &Types, name: &Obj) -> Result<Option<Flight<'_>>> {
        let thread = this_thread();
        if LOADING.get() == 0
            && let Some(lock) = self.lock_of(types, name)?
        {
            objects::call_method(&lock, &types.acquire.object, &[])?;
            objects::call_method(&lock, &types.release.object, &[])?;
            return Ok(None);
        }
        self.0.borrow_mut().push(Underway {
            name: name.clone(),
            thread,
            process: std::process::id(),
            lock: None,
        });
        LOADING.set(LOADING.get() + 1);
        Ok(Some(Flight { flights: self, name: name.clone(), thread }))
    }

    /// The lock that the thread holds which is loading this template.
    fn lock_of(&self, types: &Types, name: &Obj) -> Result<Option<Obj>> {
        let same = |underway: &&mut Underway| objects::same_text(&underway.name, name).unwrap_or(false);
        if self.0.borrow().is_empty() {
            return Ok(None);
        }
        let fresh = new_lock()?;
        objects::call_method(&fresh, &types.acquire.object, &[])?;
        let process = std::process::id();
        let mut flights = self.0.borrow_mut();
        flights.retain(|underway| underway.process == process);
        Ok(flights.iter_mut().find(same).map(|underway| underway.lock.get_or_insert(fresh).clone()))
    }
}

impl Flight<'_> {
    /// The template is loaded, or cannot be: who waits goes on.
    pub(crate) fn end<T>(self, types: &Types, outcome: Result<T>) -> Result<T> {
        LOADING.set(LOADING.get().saturating_sub(1));
        let mut flights = self.flights.0.borrow_mut();
        let place = flights
            .iter()
            .position(|underway| underway.thread == self.thread && underway.name.is(&self.name));
        let lock = place.and_then(|place| flights.swap_remove(place).lock);
        drop(flights);
        let Some(lock) = lock else { return outcome };
        // What was raised is set aside: the lock is asked in its absence.
        let raised = match outcome {
            Ok(value) => {
                objects::call_method(&lock, &types.release.object, &[])?;
                return Ok(value);
            }
            Err(raised) => raised.take(objects::token()),
        };
        objects::call_method(&lock, &types.release.object, &[])?;
        Err(Raised::from_error(objects::token(), raised))
    }
}
