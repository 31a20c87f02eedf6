//! Errors: what the machine finds wrong becomes a Python exception; every exception that leaves a template says where.

use std::mem;
use std::rc::Rc;

use haiden_bytecode::FunctionKind;
use haiden_compiler::{CompileError, ErrorKind};
use haiden_runtime::{Fault, LinkError, TraceFrame};
use pyo3::exceptions::{PyRuntimeError, PyStopAsyncIteration, PyStopIteration};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::code::Code;
use crate::host::{PyHost, Witnessed};
use crate::objects::{self, Class, Raised};
use crate::register::Obj;
use crate::scope::Context;
use crate::types::Types;

/// The exception for something that went wrong in the machine itself.
pub(crate) fn fault(host: &PyHost, fault: Fault<'_>) -> Raised {
    let types = host.types;
    let named = |name: Option<&str>| name.map_or_else(|| "None".to_owned(), |name| format!("'{name}'"));
    let runtime = || types.runtime_error.clone();
    let kind = || Class::Type.object();
    let (class, message) = match fault {
        Fault::NoFilter(name) => (runtime(), format!("No filter named '{name}' found.")),
        Fault::NoTest(name) => (runtime(), format!("No test named '{name}' found.")),
        Fault::NotANamespace => (runtime(), "cannot assign attribute on non-namespace object".to_owned()),
        Fault::TooManyArguments { name, takes } => {
            (kind(), format!("macro {} takes not more than {takes} argument(s)", named(name)))
        }
        Fault::UnexpectedKeyword { name, keyword } => {
            (kind(), format!("macro {} takes no keyword argument '{keyword}'", named(name)))
        }
        Fault::DuplicateArgument { name, argument } => {
            (kind(), format!("macro {} got two values for argument '{argument}'", named(name)))
        }
        Fault::KeywordTwice(name) => (
            kind(),
            format!("haiden.runtime.Context.call() got multiple values for keyword argument '{name}'"),
        ),
        Fault::UnexpectedCaller { name } => (
            kind(),
            format!(
                "macro {} was invoked with two values for the special caller argument. This is most likely a bug.",
                named(name)
            ),
        ),
        Fault::ExtendedTwice => (runtime(), "extended multiple times".to_owned()),
        Fault::RequiredBlock(name) => (runtime(), format!("Required block '{name}' not found")),
        Fault::WrongArguments(message) => (kind(), message.to_owned()),
        Fault::NotRecursive => {
            (kind(), "The loop must have the 'recursive' marker to be called recursively.".to_owned())
        }
        Fault::EmptyCycle => (kind(), "no items for cycling given".to_owned()),
        Fault::TooDeep => (Class::Recursion.object(), "maximum recursion depth exceeded".to_owned()),
        Fault::OutputLimit(limit) => {
            (types.limit_error.clone(), format!("the output is longer than the limit of {limit} characters"))
        }
        Fault::OutOfFuel => (types.limit_error.clone(), "the render has used up its fuel".to_owned()),
        Fault::BadImage(what) => (runtime(), format!("the bytecode is wrong: {what}")),
    };
    match objects::raise::<()>(&class, &message) {
        Err(raised) => raised,
        Ok(()) => unreachable!("`raise` returns an error"),
    }
}

/// Puts the templates into the exception's traceback: the innermost frame first, each with its variables.
pub(crate) fn locate(host: &mut PyHost, error: Raised, trace: &[TraceFrame]) -> Raised {
    let py = objects::token();
    let mut error = error.take(py);
    let witnessed = mem::take(&mut host.witnessed);
    let variables = variables(host, &witnessed);
    // What is let go may run Python code, which must not find an exception in the indicator.
    drop(witnessed);
    // The exception itself matters more than a traceback that could not be made.
    let _ = add_frames(py, &error, trace, &variables);
    if let Some(outer) = ended_early(py, &error, trace, host.is_async) {
        outer.set_cause(py, Some(error));
        let _ = add_frames(py, &outer, trace, &variables);
        error = outer;
    }
    drop(variables);
    Raised::from_error(py, error)
}

/// The variables that the frames of a trace see, as dicts: those of the context, and locals over them. Macros are left out: who
/// keeps the exception for a while would keep a ring.
fn variables(host: &PyHost, witnessed: &[Witnessed]) -> Vec<Obj> {
    let mut all: Vec<Obj> = Vec::with_capacity(witnessed.len());
    // Frames of one context come one after the other.
    let mut known: Option<(&Context, Obj)> = None;
    for (context, locals) in witnessed {
        let shared = known.as_ref().filter(|(of, _)| Rc::ptr_eq(of, context)).map(|(_, dict)| dict.clone());
        let made = shared.map_or_else(|| host.data_of(context), Ok).and_then(|shared| {
            known = Some((context, shared.clone()));
            if locals.is_empty() {
                return Ok(shared);
            }
            let own = objects::dict_copy(&shared)?;
            for (name, value) in locals.iter().filter(|(_, value)| !PyHost::is_part_of(value, context)) {
                objects::dict_set(&own, name, &host.object(value)?)?;
            }
            Ok(own)
        });
        match made {
            Ok(dict) => all.push(dict),
            Err(raised) => {
                // A context that raises when it is asked for its variables shows none.
                raised.clear();
                all.extend(objects::dict().map_err(Raised::clear));
            }
        }
    }
    all
}

/// The end of an iteration must not end whoever iterates over a page: roots and blocks, which are generators to Python, turn
/// it into an error, as generators do.
fn ended_early(py: Python<'_>, error: &PyErr, trace: &[TraceFrame], is_async: bool) -> Option<PyErr> {
    let ended = if error.is_instance_of::<PyStopIteration>(py) {
        "StopIteration"
    } else if is_async && error.is_instance_of::<PyStopAsyncIteration>(py) {
        "StopAsyncIteration"
    } else {
        return None;
    };
    let is_generator =
        |frame: &TraceFrame| matches!(frame.function, FunctionKind::Root | FunctionKind::Block);
    trace.iter().any(is_generator).then(|| {
        let kind = if is_async { "async generator" } else { "generator" };
        PyRuntimeError::new_err(format!("{kind} raised {ended}"))
    })
}

fn add_frames(py: Python<'_>, error: &PyErr, trace: &[TraceFrame], variables: &[Obj]) -> PyResult<()> {
    let frames = trace.iter().zip(variables).map(|(frame, variables)| {
        let what = match (&frame.function, &frame.name) {
            (FunctionKind::Block, Some(name)) => format!("block '{name}'"),
            (FunctionKind::Root, _) => "top-level template code".to_owned(),
            _ => "template".to_owned(),
        };
        (frame.template.as_deref().unwrap_or(Code::NO_FILE), frame.line, what, variables.bound(py))
    });
    let frames = PyList::new(py, frames.collect::<Vec<_>>())?;
    let traceback =
        py.import("haiden._traces")?.call_method1("with_frames", (error.traceback(py), frames))?;
    error.set_traceback(py, Some(traceback.cast_into()?));
    Ok(())
}

/// How many frames of templates a traceback shows at most.
pub(crate) const MAX_FRAMES: usize = 60;

/// The exception for a template that cannot be compiled.
pub(crate) fn compile_error(
    py: Python<'_>,
    types: &Types,
    error: &CompileError,
    place: (Option<&str>, Option<&str>),
) -> PyErr {
    let class = match error.kind() {
        ErrorKind::Assertion => &types.assertion_error,
        ErrorKind::Options => return pyo3::exceptions::PyAssertionError::new_err(error.message().to_owned()),
        ErrorKind::Python => return pyo3::exceptions::PySyntaxError::new_err(error.message().to_owned()),
        ErrorKind::Syntax | ErrorKind::Unsupported | ErrorKind::TooLarge => &types.syntax_error,
    };
    exception(py, class, error.message(), error.line(), place)
}

/// The exception for a filter or test that the environment does not have.
pub(crate) fn link_error(
    py: Python<'_>,
    types: &Types,
    error: &LinkError,
    place: (Option<&str>, Option<&str>),
) -> PyErr {
    exception(py, &types.assertion_error, &error.to_string(), error.line, place)
}

pub(crate) fn exception(
    py: Python<'_>,
    class: &Obj,
    message: &str,
    line: u32,
    (name, filename): (Option<&str>, Option<&str>),
) -> PyErr {
    match class.bound(py).call1((message, line, name, filename)) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}
