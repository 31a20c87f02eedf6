//! What a function wants before its other arguments: the context, the evaluation context or the environment.
//!
//! `pass_context` and its sisters set the attribute `jinja_pass_arg`. Most functions have none, and the look-up is short
//! for the kinds of callables that templates call most.
#![expect(unsafe_code, reason = "the dictionaries of functions")]

use pyo3::ffi;
use pyo3::prelude::*;

use crate::objects::{self, Result, class};
use crate::register::Obj;
use crate::types;

unsafe extern "C" {
    fn _PyObject_GetDictPtr(object: *mut ffi::PyObject) -> *mut *mut ffi::PyObject;
    fn PyMethod_Function(method: *mut ffi::PyObject) -> *mut ffi::PyObject;
    static mut PyMethod_Type: ffi::PyTypeObject;
}

/// What a function wants first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Nothing,
    Context,
    EvalContext,
    Environment,
}

impl Wanted {
    /// What a function wants, as [`Wanted::of`].
    pub(crate) fn of_bound(function: &Bound<'_, PyAny>) -> PyResult<Wanted> {
        types::types(function.py())?;
        Wanted::of(&Obj::of(function)).map_err(|raised| raised.take(function.py()))
    }

    /// What a function wants.
    pub(crate) fn of(function: &Obj) -> Result<Wanted> {
        if has_no_mark(function) {
            return Ok(Wanted::Nothing);
        }
        let types = types::loaded()?;
        let Some(mark) = objects::lookup_attr(function, &types.jinja_pass_arg.object)? else {
            return Ok(Wanted::Nothing);
        };
        let known = [
            (&types.wants_context, Wanted::Context),
            (&types.wants_eval_context, Wanted::EvalContext),
            (&types.wants_environment, Wanted::Environment),
        ];
        Ok(known
            .into_iter()
            .find(|(object, _)| object.is(&mark))
            .map_or(Wanted::Nothing, |(_, wanted)| wanted))
    }

    /// What something that a template calls wants; the callable to call instead, if its `__call__` has the mark.
    #[inline]
    pub(crate) fn of_callee(callee: &Obj) -> Result<(Wanted, Option<Obj>)> {
        if has_no_mark(callee) { Ok((Wanted::Nothing, None)) } else { Wanted::of_any(callee) }
    }

    #[inline(never)]
    fn of_any(callee: &Obj) -> Result<(Wanted, Option<Obj>)> {
        let types = types::loaded()?;
        if !objects::is_type(callee)
            && callee.kind() != class!(PyFunction_Type)
            && let Some(call) = objects::lookup_attr(callee, &types.call.object)?
        {
            let wanted = Wanted::of(&call)?;
            if wanted != Wanted::Nothing {
                return Ok((wanted, Some(call)));
            }
        }
        Wanted::of(callee).map(|wanted| (wanted, None))
    }
}

/// Is it a callable that has no mark for sure: a built-in one, or a function without attributes?
#[inline]
pub(crate) fn has_no_mark(callee: &Obj) -> bool {
    let kind = callee.kind();
    if kind == class!(PyCFunction_Type) {
        return true;
    }
    let function = if kind == &raw mut PyMethod_Type {
        // SAFETY: a method's function, which it holds.
        unsafe { PyMethod_Function(callee.as_ptr()) }
    } else {
        callee.as_ptr()
    };
    // SAFETY: the object is alive; a function's dictionary is null until an attribute is set.
    unsafe {
        if ffi::Py_TYPE(function) != class!(PyFunction_Type) {
            return false;
        }
        let place = _PyObject_GetDictPtr(function);
        !place.is_null() && (*place).is_null()
    }
}
