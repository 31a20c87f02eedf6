//! Threads that need one template at once: one loads it, the others wait for it.
//!
//! In: the name of a template that the environment's cache has not. Out: a [`Flight`], with which this thread loads it, or
//! nothing, once another thread has. Nobody waits who loads something already, so that threads never wait for each other;
//! nor for a thread that was left behind when the process forked; nor for ever: who has waited long loads by himself.
//!
//! Invariant: a flight is over when its [`Flight`] goes, however that comes about, and whoever waited goes on.
#![expect(unsafe_code, reason = "the number of the thread")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::objects::{self, Raised, Result};
use crate::register::{Attached, Obj};
use crate::types::{self, Types};

/// How many seconds a thread waits for another before it loads the template itself (as `haiden_cache::SingleFlight`).
const PATIENCE: f64 = 5.0;

/// The templates of an environment that are being loaded.
#[derive(Clone, Default)]
pub(crate) struct Flights(Rc<RefCell<Vec<Underway>>>);

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

/// The right to load a template; while it lasts, others wait.
#[must_use]
pub(crate) struct Flight {
    flights: Flights,
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
    /// Loads a template: `None` if another thread did so meanwhile, or was awaited in vain.
    pub(crate) fn enter(&self, types: &Types, name: &Obj) -> Result<Option<Flight>> {
        let thread = this_thread();
        if LOADING.get() == 0
            && let Some(lock) = self.lock_of(types, name)?
        {
            let patience = [objects::boolean(true), objects::float(PATIENCE)?];
            let acquired = objects::call_method(&lock, &types.acquire.object, &patience)?;
            if objects::truth(&acquired)? {
                objects::call_method(&lock, &types.release.object, &[])?;
            }
            return Ok(None);
        }
        self.0.borrow_mut().push(Underway {
            name: name.clone(),
            thread,
            process: std::process::id(),
            lock: None,
        });
        LOADING.set(LOADING.get() + 1);
        Ok(Some(Flight { flights: self.clone(), name: name.clone(), thread }))
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

impl Drop for Flight {
    /// The template is loaded, or cannot be.
    fn drop(&mut self) {
        LOADING.set(LOADING.get().saturating_sub(1));
        let mut flights = self.flights.0.borrow_mut();
        let place = flights
            .iter()
            .position(|underway| underway.thread == self.thread && underway.name.is(&self.name));
        let underway = place.map(|place| flights.swap_remove(place));
        drop(flights);
        if let Some(lock) = underway.and_then(|underway| underway.lock) {
            // What has been raised meanwhile is set aside: the lock is asked in its absence.
            objects::aside(|| {
                let released =
                    types::loaded().and_then(|types| objects::call_method(&lock, &types.release.object, &[]));
                if let Err(raised) = released {
                    raised.clear();
                }
            });
        }
    }
}

/// A flight as a context manager, for templates that Python code loads.
#[pyclass(frozen, name = "Flight", module = "haiden._native")]
pub(crate) struct FlightObject(Attached<(Flights, Obj, RefCell<Option<Flight>>)>);

impl FlightObject {
    pub(crate) fn new(py: Python<'_>, flights: &Flights, name: &Bound<'_, PyAny>) -> FlightObject {
        FlightObject(Attached::new(py, (flights.clone(), Obj::of(name), RefCell::default())))
    }
}

#[pymethods]
impl FlightObject {
    fn __enter__(&self, py: Python<'_>) -> PyResult<()> {
        let (flights, name, flight) = self.0.get(py);
        let types = types::types(py)?.get(py);
        let entered = flights.enter(types, name).map_err(|raised| raised.take(py))?;
        drop(flight.replace(entered));
        Ok(())
    }

    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyTuple>) {
        let (_, _, flight) = self.0.get(py);
        drop(flight.take());
    }
}
