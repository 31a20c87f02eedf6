//! A template that runs part by part: the iterator behind `generate`, `root_render_func` and `blocks`.

use std::cell::RefCell;

use haiden_runtime::Vm;
use haiden_runtime::vm::Step;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::host::PyHost;
use crate::objects::{self, Result};
use crate::output::Output;
use crate::register::{Attached, Obj};
use crate::scope::{Context, Member};

struct Data {
    vm: Vm<PyHost>,
    out: Output,
    context: Context,
}

/// A run of a template, which goes on when the next part is asked for.
#[pyclass(frozen, name = "Execution", module = "haiden._native")]
pub(crate) struct Execution(Attached<(RefCell<State>, Member)>);

enum State {
    Ready(Box<Data>),
    Running,
    Over,
}

impl Execution {
    pub(crate) fn new(host: &PyHost, vm: Vm<PyHost>, context: Context) -> Execution {
        let member = Member::new(&context, None);
        context.scope.expose();
        let data = Data { vm, out: host.output(256), context };
        Execution(Attached::new(objects::token(), (RefCell::new(State::Ready(Box::new(data))), member)))
    }
}

#[pymethods]
impl Execution {
    fn __iter__(this: Bound<'_, Execution>) -> Bound<'_, Execution> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let state = &self.0.get(py).0;
        let mut data = match state.replace(State::Running) {
            State::Ready(data) => data,
            State::Over => {
                state.replace(State::Over);
                return Ok(None);
            }
            State::Running => return Err(PyValueError::new_err("generator already executing")),
        };
        let step = objects::enter_recursion().map(|_guard| {
            let mut host = PyHost::new(data.context.scope.clone());
            let step = data.vm.resume_chunk(&mut host, &mut data.out);
            (step, host)
        });
        let part = match step {
            Ok((Step::Chunk, host)) => part(&host, &mut data.out),
            Ok((Step::Done, _)) => {
                let old = state.replace(State::Over);
                drop((old, data));
                return Ok(None);
            }
            Ok((Step::Await(raised) | Step::Err(raised), _)) | Err(raised) => Err(raised),
        };
        match part {
            Ok(part) => {
                state.replace(State::Ready(data));
                Ok(Some(part.bound(py)))
            }
            Err(raised) => {
                let error = raised.take(py);
                state.replace(State::Over);
                drop(data);
                Err(error)
            }
        }
    }

    /// Ends it: what it holds is let go.
    fn close(&self, py: Python<'_>) {
        let old = self.0.get(py).0.replace(State::Over);
        drop(old);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.0.peek().1.traverse(&visit)
    }

    fn __clear__(&self) {
        let old =
            self.0.peek().0.try_borrow_mut().map(|mut state| std::mem::replace(&mut *state, State::Over));
        drop(old);
    }
}

/// What was written, taken out.
fn part(host: &PyHost, out: &mut Output) -> Result<Obj> {
    let Some(parts) = &mut out.parts else { return out.take_since(0) };
    let mut parts = std::mem::take(parts);
    if parts.len() == 1
        && let Some(part) = parts.pop()
    {
        return Ok(part);
    }
    host.joined(parts)
}
