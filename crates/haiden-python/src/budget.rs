//! What a render may use up, where its environment has limits.
//!
//! In: `Environment.render_limits`. Out: a [`Budget`], which all machines of a render share: those of macros that Python code
//! calls, and those of templates that it renders meanwhile, whichever environment these are of.
//!
//! Invariant: without limits a render pays for one look at the thread's budget, and no more.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use haiden_runtime::Fault;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::errors;
use crate::host::PyHost;
use crate::objects::Result;

/// The limits of an environment.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    fuel: u64,
    output: usize,
    depth: usize,
}

impl Limits {
    /// Those that an environment has; `None` if it has none.
    pub(crate) fn of(environment: &Bound<'_, PyAny>) -> PyResult<Option<Limits>> {
        let limits = environment.getattr("render_limits")?;
        if limits.is_none() {
            return Ok(None);
        }
        let number = |name: &str| -> PyResult<Option<u64>> {
            let value = limits
                .getattr(name)
                .map_err(|_| PyTypeError::new_err("`render_limits` must be `haiden.RenderLimits` or None"))?;
            if value.is_none() {
                return Ok(None);
            }
            value.extract().map(Some).map_err(|_| {
                PyValueError::new_err(format!("the limit {name} must be an integer that is not negative"))
            })
        };
        let size = |value: Option<u64>| value.map(|value| usize::try_from(value).unwrap_or(usize::MAX));
        Ok(Some(Limits {
            fuel: number("fuel")?.unwrap_or(u64::MAX),
            output: size(number("output")?).unwrap_or(usize::MAX),
            depth: size(number("depth")?)
                .map_or(PyHost::LIMITS.depth, |depth| depth.min(PyHost::LIMITS.depth)),
        }))
    }
}

/// What is left of the limits.
pub(crate) struct Budget {
    limits: Limits,
    fuel: Cell<u64>,
    /// Characters that were handed out already, part by part.
    handed_out: Cell<usize>,
    /// That of the render in whose course this one began.
    outer: Option<Rc<Budget>>,
}

thread_local! {
    /// That of the render that is going on.
    static CURRENT: RefCell<Option<Rc<Budget>>> = const { RefCell::new(None) };
}

impl Budget {
    /// That of a render which begins now, in an environment with these limits.
    pub(crate) fn begin(limits: Option<Limits>) -> Option<Rc<Budget>> {
        let outer = CURRENT.with_borrow(Clone::clone);
        match limits {
            None => outer,
            Some(limits) => {
                let (fuel, handed_out) = (Cell::new(limits.fuel), Cell::new(0));
                Some(Rc::new(Budget { limits, fuel, handed_out, outer }))
            }
        }
    }

    /// What begins from now on, until the guard goes, has its part in this budget.
    pub(crate) fn enter(budget: Option<&Rc<Budget>>) -> Option<Entered> {
        budget.map(|budget| Entered(CURRENT.replace(Some(budget.clone()))))
    }

    /// How deep frames may nest.
    pub(crate) fn depth(&self) -> usize {
        self.limits.depth
    }

    /// Pays for one turn or call; says whether it is time to look at signals.
    pub(crate) fn spend(&self, host: &PyHost) -> Result<bool> {
        if let Some(outer) = &self.outer {
            outer.spend(host)?;
        }
        let Some(left) = self.fuel.get().checked_sub(1) else {
            return Err(errors::fault(host, Fault::OutOfFuel));
        };
        self.fuel.set(left);
        Ok(left.is_multiple_of(PyHost::SLICE))
    }

    /// Is an output of this length, after what was handed out, within the limit?
    #[inline]
    pub(crate) fn check_output(&self, host: &PyHost, length: usize) -> Result<()> {
        if self.handed_out.get().saturating_add(length) > self.limits.output {
            return Err(errors::fault(host, Fault::OutputLimit(self.limits.output as u64)));
        }
        Ok(())
    }

    /// A part of this length was handed out.
    pub(crate) fn hand_out(&self, length: usize) {
        self.handed_out.set(self.handed_out.get().saturating_add(length));
    }
}

/// The budget of the render in whose course another one is going on.
pub(crate) struct Entered(Option<Rc<Budget>>);

impl Drop for Entered {
    fn drop(&mut self) {
        // What is replaced is dropped when the cell is free again.
        drop(CURRENT.replace(self.0.take()));
    }
}
