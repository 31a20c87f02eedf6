//! Waiting: in an asynchronous template whatever a verb gets may have to be awaited.
//!
//! A verb that gets something awaitable leaves it here and suspends. Who drives the machine awaits it, leaves the answer
//! here, and resumes: the machine calls the same verb once more, which takes the answer.
//!
//! Invariant: an answer is taken by the verb that asked for it, because the machine calls that one first.

use std::mem;

use haiden_runtime::{Arguments, Called, Callee, Host};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::attr_cache::Site;
use crate::host::PyHost;
use crate::iterate::Iter;
use crate::objects::{self, Class, Raised, Result};
use crate::register::{Obj, Register};
use crate::scope::Context;
use crate::types;

pyo3::create_exception!(
    haiden._native,
    Suspension,
    PyRuntimeError,
    "A machine stops to wait; seen where nothing can."
);

/// What a host waits for, or has been told.
#[derive(Default)]
pub(crate) enum Wait {
    #[default]
    Nothing,
    /// This is to be awaited.
    Asked(Obj),
    /// What was awaited has come to this.
    Answered(Obj),
    /// What was awaited has raised this.
    Failed(Obj),
}

impl Wait {
    /// What it holds.
    pub(crate) fn object(&self) -> Option<&Obj> {
        match self {
            Wait::Nothing => None,
            Wait::Asked(object) | Wait::Answered(object) | Wait::Failed(object) => Some(object),
        }
    }
}

/// What an asynchronous host has under way.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) wait: Wait,
    /// The method that a call is to be of, once it is found.
    method: Option<Register>,
}

impl Waiting {
    /// Has nothing been asked for, and no answer come?
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.wait, Wait::Nothing)
    }
}

/// Is the exception in the indicator a request to wait?
pub(crate) fn is_suspension(raised: &Raised) -> bool {
    match types::loaded() {
        Ok(types) => raised.matches(&types.suspension),
        Err(_) => false,
    }
}

fn raise(exception: &Obj) -> Raised {
    let py = objects::token();
    Raised::from_error(py, PyErr::from_value(exception.bound(py)))
}

impl PyHost {
    /// What `get` gets, once it has been awaited if it must be.
    pub(crate) fn awaited(&mut self, get: impl FnOnce(&mut PyHost) -> Result<Register>) -> Result<Register> {
        match mem::take(&mut self.waiting.wait) {
            Wait::Answered(value) => return Ok(Register::object(value)),
            Wait::Failed(error) => return Err(raise(&error)),
            Wait::Nothing | Wait::Asked(_) => {}
        }
        let value = get(self)?;
        self.settled(value)
    }

    /// The value, once it has been awaited if it must be, where nothing has been awaited yet.
    pub(crate) fn settled(&mut self, value: Register) -> Result<Register> {
        match value.as_object() {
            Some(object) if objects::is_awaitable(object)? => Err(self.suspend(object.clone())),
            _ => Ok(value),
        }
    }

    /// Is the value one that a verb returns at once: has nothing been asked for, and is it plainly nothing to await?
    #[inline]
    pub(crate) fn is_over(&self, value: &Obj) -> bool {
        self.waiting.is_idle()
            && (objects::is_builtin_container(value) || objects::is_int(value) || objects::is_float(value))
    }

    /// Suspends until this has been awaited.
    fn suspend(&mut self, awaitable: Obj) -> Raised {
        self.waiting.wait = Wait::Asked(awaitable);
        let message = "something has to be awaited where nothing can wait";
        match objects::raise::<()>(&self.types.suspension, message) {
            Err(raised) => raised,
            Ok(()) => unreachable!("`raise` returns an error"),
        }
    }

    /// As [`Host::call_method`], where both the method and its result may have to be awaited.
    pub(crate) fn call_method_awaited(
        &mut self,
        context: &Context,
        receiver: &Register,
        site: &Site,
        arguments: Arguments<'_, PyHost>,
    ) -> Result<Called<PyHost>> {
        let callee = match self.waiting.method.take() {
            Some(callee) => callee,
            None => self.attr(receiver, site)?,
        };
        if !matches!(self.callee(&callee), Callee::Foreign) {
            return Ok(Called::Enter(callee));
        }
        let result = self.call(context, &callee, arguments);
        if matches!(self.waiting.wait, Wait::Asked(_)) {
            // The verb comes back for the answer, and must not look the method up again.
            self.waiting.method = Some(callee);
        }
        result.map(Called::Value)
    }

    /// Is there nothing to wait for while a filter goes through the value?
    pub(crate) fn iterates_at_once(&self, value: &Register) -> bool {
        !self.is_async || value.as_object().is_none_or(objects::is_builtin_container)
    }

    /// Starts to iterate, over what is asynchronous too.
    pub(crate) fn iterate_awaited(&mut self, value: &Register) -> Result<Iter> {
        let object = self.object(value)?;
        if !objects::is_builtin_container(&object)
            && let Some(start) = objects::lookup_attr(&object, &self.types.aiter.object)?
        {
            return Ok(Iter::Awaited { iterator: objects::call(&start, &[], None)?, source: object });
        }
        Iter::new(&object, self.fast)
    }

    /// The next item of an asynchronous iterator.
    pub(crate) fn next_awaited(&mut self, iterator: &Obj) -> Result<Option<Register>> {
        let iterator = iterator.clone();
        let item = self.awaited(move |host| {
            objects::call_method(&iterator, &host.types.anext.object, &[]).map(Register::object)
        });
        match item {
            Err(raised) if raised.matches(&Class::StopAsyncIteration.object()) => {
                raised.clear();
                Ok(None)
            }
            item => item.map(Some),
        }
    }
}
