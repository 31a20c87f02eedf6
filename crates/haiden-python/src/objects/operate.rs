//! Operators and calls.
#![expect(unsafe_code, reason = "the C interface")]

use std::ffi::c_int;
use std::ptr;

use pyo3::ffi;

use super::{Class, Result, owned, raise, status, tuple_len};
use crate::register::Obj;

macro_rules! operators {
    ($($name:ident = $function:expr;)*) => {
        $(pub(crate) fn $name(left: &Obj, right: &Obj) -> Result<Obj> {
            // SAFETY: the objects are alive.
            owned(unsafe { $function(left.as_ptr(), right.as_ptr()) })
        })*
    };
}
operators! {
    add = ffi::PyNumber_Add;
    subtract = ffi::PyNumber_Subtract;
    multiply = ffi::PyNumber_Multiply;
    divide = ffi::PyNumber_TrueDivide;
    floor_divide = ffi::PyNumber_FloorDivide;
    remainder = ffi::PyNumber_Remainder;
}

pub(crate) fn power(left: &Obj, right: &Obj) -> Result<Obj> {
    // SAFETY: the objects are alive.
    owned(unsafe { ffi::PyNumber_Power(left.as_ptr(), right.as_ptr(), ffi::Py_None()) })
}

pub(crate) fn negative(value: &Obj) -> Result<Obj> {
    // SAFETY: the object is alive.
    owned(unsafe { ffi::PyNumber_Negative(value.as_ptr()) })
}

pub(crate) fn positive(value: &Obj) -> Result<Obj> {
    // SAFETY: the object is alive.
    owned(unsafe { ffi::PyNumber_Positive(value.as_ptr()) })
}

/// A rich comparison; `op` is one of CPython's numbers.
pub(crate) fn compare(op: c_int, left: &Obj, right: &Obj) -> Result<Obj> {
    // SAFETY: the objects are alive.
    owned(unsafe { ffi::PyObject_RichCompare(left.as_ptr(), right.as_ptr(), op) })
}

/// `left == right`, where the same object is equal to itself (as in `list.__eq__`).
pub(crate) fn equal(left: &Obj, right: &Obj) -> Result<bool> {
    // SAFETY: the objects are alive.
    status(unsafe { ffi::PyObject_RichCompareBool(left.as_ptr(), right.as_ptr(), ffi::Py_EQ) })
        .map(|equal| equal != 0)
}

/// `item in container`.
pub(crate) fn contains(container: &Obj, item: &Obj) -> Result<bool> {
    // SAFETY: the objects are alive.
    status(unsafe { ffi::PySequence_Contains(container.as_ptr(), item.as_ptr()) }).map(|found| found != 0)
}

/// `isinstance(object, class)`, which asks what the object itself says its class is.
pub(crate) fn is_instance(object: &Obj, class: &Obj) -> Result<bool> {
    // SAFETY: the objects are alive.
    status(unsafe { ffi::PyObject_IsInstance(object.as_ptr(), class.as_ptr()) }).map(|found| found != 0)
}

/// `callee(*arguments, **keywords)`: `values` are the positional arguments, then those that `names` (a tuple) names.
pub(crate) fn call(callee: &Obj, values: &[Obj], names: Option<&Obj>) -> Result<Obj> {
    let named = names.map_or(0, tuple_len);
    let positional = values.len() - named;
    let names = names.map_or(ptr::null_mut(), Obj::as_ptr);
    // SAFETY: `Obj` is transparent over a pointer, so `values` is an array of them; all are alive during the call.
    owned(unsafe { ffi::PyObject_Vectorcall(callee.as_ptr(), values.as_ptr().cast(), positional, names) })
}

/// `object.name(*arguments)`.
pub(crate) fn call_method(object: &Obj, name: &Obj, arguments: &[Obj]) -> Result<Obj> {
    let mut values: [*mut ffi::PyObject; 5] = [ptr::null_mut(); 5];
    debug_assert!(arguments.len() < values.len());
    values[0] = object.as_ptr();
    let count = 1 + arguments.len().min(values.len() - 1);
    for (place, value) in values[1..].iter_mut().zip(arguments) {
        *place = value.as_ptr();
    }
    // SAFETY: the object and so many arguments, all alive during the call.
    owned(unsafe { ffi::PyObject_VectorcallMethod(name.as_ptr(), values.as_ptr(), count, ptr::null_mut()) })
}

/// `object.name = value`.
pub(crate) fn set_attr(object: &Obj, name: &Obj, value: &Obj) -> Result<()> {
    // SAFETY: the objects are alive.
    status(unsafe { ffi::PyObject_SetAttr(object.as_ptr(), name.as_ptr(), value.as_ptr()) }).map(drop)
}

/// `object.__setattr__(object, name, value)`.
pub(crate) fn set_attr_plainly(object: &Obj, name: &Obj, value: &Obj) -> Result<()> {
    // SAFETY: the objects are alive.
    let set = unsafe { ffi::PyObject_GenericSetAttr(object.as_ptr(), name.as_ptr(), value.as_ptr()) };
    status(set).map(drop)
}

/// `object.__delattr__(object, name)`.
pub(crate) fn del_attr_plainly(object: &Obj, name: &Obj) -> Result<()> {
    // SAFETY: the objects are alive; without a value the attribute is deleted.
    let deleted = unsafe { ffi::PyObject_GenericSetAttr(object.as_ptr(), name.as_ptr(), ptr::null_mut()) };
    status(deleted).map(drop)
}

/// `object.__getattribute__(object, name)`.
pub(crate) fn generic_get_attr(object: &Obj, name: &Obj) -> Result<Obj> {
    // SAFETY: the objects are alive.
    owned(unsafe { ffi::PyObject_GenericGetAttr(object.as_ptr(), name.as_ptr()) })
}

/// `object.name`.
pub(crate) fn get_attr(object: &Obj, name: &Obj) -> Result<Obj> {
    // SAFETY: the objects are alive.
    owned(unsafe { ffi::PyObject_GetAttr(object.as_ptr(), name.as_ptr()) })
}

/// `callee(*arguments, **keywords)` with a tuple and a dict.
pub(crate) fn call_with(callee: &Obj, arguments: &Obj, keywords: &Obj) -> Result<Obj> {
    // SAFETY: a tuple and a dict, which their makers promise; the objects are alive.
    owned(unsafe { ffi::PyObject_Call(callee.as_ptr(), arguments.as_ptr(), keywords.as_ptr()) })
}

/// How many machines may run inside one another on a thread: about as many as Jinja's calls fit into Python's own limit.
const MACHINES: u32 = 250;

/// How much of the thread's stack must be left for one more machine and what it calls. Threads of some systems have 128 KiB
/// in all; a build without optimizations needs more for each step.
const ROOM: usize = if cfg!(debug_assertions) { 384 << 10 } else { 40 << 10 };

thread_local! {
    static RUNNING: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// Is there room for another machine on the stack? Raises `RecursionError` if not.
pub(crate) fn enter_recursion() -> Result<RecursionGuard> {
    let running = RUNNING.get();
    if running >= MACHINES || stacker::remaining_stack().is_some_and(|left| left < ROOM) {
        return raise(&Class::Recursion.object(), "maximum recursion depth exceeded in a template");
    }
    // SAFETY: attached; the guard leaves.
    status(unsafe { ffi::Py_EnterRecursiveCall(c" in a template".as_ptr()) })?;
    RUNNING.set(running + 1);
    Ok(RecursionGuard(()))
}

/// Leaves what [`enter_recursion`] entered.
pub(crate) struct RecursionGuard(());

impl Drop for RecursionGuard {
    fn drop(&mut self) {
        RUNNING.set(RUNNING.get() - 1);
        // SAFETY: entered by whoever made the guard.
        unsafe { ffi::Py_LeaveRecursiveCall() }
    }
}

/// `object[key] = value`.
pub(crate) fn set_item(object: &Obj, key: &Obj, value: &Obj) -> Result<()> {
    // SAFETY: the objects are alive.
    status(unsafe { ffi::PyObject_SetItem(object.as_ptr(), key.as_ptr(), value.as_ptr()) }).map(drop)
}
