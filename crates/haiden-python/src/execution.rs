//! A template that runs part by part: the iterator behind `generate`, `root_render_func` and `blocks`.

use std::cell::RefCell;
use std::sync::Arc;

use haiden_runtime::vm::Step;
use haiden_runtime::{Program, Vm};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::budget::Budget;
use crate::contexts;
use crate::host::PyHost;
use crate::objects::{self, Raised, Result};
use crate::output::Output;
use crate::register::{Attached, Obj};
use crate::scope::{Context, Member, visit_object};
use crate::waiting::{Wait, Waiting};

struct Data {
    vm: Vm<PyHost>,
    out: Output,
    context: Context,
    /// What it waits for or has been told.
    waiting: Waiting,
    /// What [`Execution::take`] hands out.
    found: Option<Obj>,
}

/// A run of a template, which goes on when the next part is asked for.
///
/// Iterating runs it part by part. In an asynchronous environment `run` says why it stopped (see `haiden._async`).
#[pyclass(frozen, name = "Execution", module = "haiden._native")]
pub(crate) struct Execution(Attached<(RefCell<State>, Member)>);

enum State {
    Ready(Box<Data>),
    Running,
    Over,
}

/// Why a run stopped: the numbers are those of `haiden._async`.
enum Stop {
    Over = 0,
    Part = 1,
    Waits = 2,
}

impl Execution {
    pub(crate) fn new(host: &PyHost, vm: Vm<PyHost>, context: Context) -> Execution {
        let out = host.output(256);
        Execution::of(Data { vm, out, context, waiting: Waiting::default(), found: None })
    }

    fn of(data: Data) -> Execution {
        let member = Member::new(&data.context, None);
        data.context.scope.expose();
        Execution(Attached::new(objects::token(), (RefCell::new(State::Ready(Box::new(data))), member)))
    }

    /// Works on the data, which are away for so long.
    fn with<T>(&self, py: Python<'_>, work: impl FnOnce(&mut Data) -> Result<T>) -> PyResult<Option<T>> {
        let state = &self.0.get(py).0;
        let mut data = match state.replace(State::Running) {
            State::Ready(data) => data,
            State::Over => {
                state.replace(State::Over);
                return Ok(None);
            }
            State::Running => return Err(PyValueError::new_err("generator already executing")),
        };
        match work(&mut data) {
            Ok(value) => {
                state.replace(State::Ready(data));
                Ok(Some(value))
            }
            Err(raised) => {
                let error = raised.take(py);
                state.replace(State::Over);
                drop(data);
                Err(error)
            }
        }
    }
}

/// A run that has begun.
pub(crate) enum Begun {
    /// It is over already: the page.
    Over(Obj),
    Waits(Execution),
}

/// Renders a template with these variables until it is over or has to wait.
pub(crate) fn begin(program: &Arc<Program<PyHost>>, variables: Obj) -> Result<Begun> {
    let context = contexts::root(program, variables);
    let mut host = PyHost::new(context.scope.clone());
    let limits = host.limits();
    let vm = Vm::new(&mut host, program, context.clone(), limits)?;
    let out = Output::new(program.size_hint() + 64);
    let mut data = Data { vm, out, context, waiting: Waiting::default(), found: None };
    match data.run(true)? {
        Stop::Over | Stop::Part => {
            let page = data.found.take().map_or_else(|| objects::text(""), Ok)?;
            program.remember_size(objects::length(&page)?);
            Ok(Begun::Over(page))
        }
        Stop::Waits => Ok(Begun::Waits(Execution::of(data))),
    }
}

/// What ran with it has run.
impl Drop for Data {
    fn drop(&mut self) {
        self.context.scope.let_go();
    }
}

impl Data {
    /// Runs until there is a reason to stop; the end of a part is none for the whole.
    fn run(&mut self, whole: bool) -> Result<Stop> {
        let _guard = objects::enter_recursion()?;
        let _entered = Budget::enter(self.context.scope.budget.as_ref());
        let mut host = PyHost::new(self.context.scope.clone());
        host.waiting = std::mem::take(&mut self.waiting);
        let step = if whole {
            self.vm.resume(&mut host, &mut self.out)
        } else {
            self.vm.resume_chunk(&mut host, &mut self.out)
        };
        match step {
            Step::Chunk => {
                self.found = Some(part(&host, &mut self.out)?);
                Ok(Stop::Part)
            }
            Step::Done => {
                self.found = match self.vm.result() {
                    Some(value) => Some(host.object(&value)?),
                    None if whole => Some(part(&host, &mut self.out)?),
                    None => None,
                };
                Ok(Stop::Over)
            }
            Step::Err(raised) => Err(raised),
            Step::Await(raised) => {
                let Wait::Asked(awaitable) = std::mem::take(&mut host.waiting.wait) else {
                    return Err(raised);
                };
                raised.clear();
                self.waiting = host.waiting;
                self.found = Some(awaitable);
                Ok(Stop::Waits)
            }
        }
    }
}

#[pymethods]
impl Execution {
    fn __iter__(this: Bound<'_, Execution>) -> Bound<'_, Execution> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let part = self.with(py, |data| match data.run(false)? {
            Stop::Over => Ok(None),
            Stop::Part => Ok(data.found.take()),
            Stop::Waits => Err(nothing_waits()),
        })?;
        if let Some(None) = part {
            self.close(py);
        }
        Ok(part.flatten().map(|part| part.bound(py)))
    }

    /// Runs until there is a reason to stop.
    fn run(&self, py: Python<'_>, whole: bool) -> PyResult<u8> {
        let stop = self.with(py, |data| data.run(whole))?;
        Ok(stop.map_or(Stop::Over as u8, |stop| stop as u8))
    }

    /// What it stopped with: the part, what is to be awaited, or the result.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self.with(py, |data| Ok(data.found.take()))?;
        Ok(found.flatten().map(|found| found.bound(py)))
    }

    /// What was awaited has come to this.
    fn answer(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let value = Obj::of(value);
        self.with(py, |data| {
            data.waiting.wait = Wait::Answered(value);
            Ok(())
        })?;
        Ok(())
    }

    /// What was awaited has raised this.
    fn fail(&self, py: Python<'_>, error: &Bound<'_, PyAny>) -> PyResult<()> {
        let error = Obj::of(error);
        self.with(py, |data| {
            data.waiting.wait = Wait::Failed(error);
            Ok(())
        })?;
        Ok(())
    }

    /// Ends it: what it holds is let go.
    fn close(&self, py: Python<'_>) {
        let old = self.0.get(py).0.replace(State::Over);
        drop(old);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        let (state, member) = self.0.peek();
        if let Ok(state) = state.try_borrow()
            && let State::Ready(data) = &*state
        {
            for object in data.waiting.wait.object().into_iter().chain(&data.found) {
                visit_object(object.as_ptr(), &visit)?;
            }
        }
        member.traverse(&visit)
    }

    fn __clear__(&self) {
        let old =
            self.0.peek().0.try_borrow_mut().map(|mut state| std::mem::replace(&mut *state, State::Over));
        drop(old);
    }
}

fn nothing_waits() -> Raised {
    let error =
        PyRuntimeError::new_err("an asynchronous template is iterated over by something that cannot wait");
    Raised::from_error(objects::token(), error)
}

/// What was written, taken out.
fn part(host: &PyHost, out: &mut Output) -> Result<Obj> {
    if let Some(budget) = &host.scope.budget {
        budget.hand_out(out.len());
    }
    let Some(parts) = &mut out.parts else { return out.take_since(0) };
    let mut parts = std::mem::take(parts);
    if parts.len() == 1
        && let Some(part) = parts.pop()
    {
        return Ok(part);
    }
    host.joined(parts)
}
