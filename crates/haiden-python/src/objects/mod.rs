//! The C interface, made safe: each function here does one thing to Python objects.
//!
//! In and out: [`Obj`], never a bare pointer. Invariant: an `Err(Raised)` means that the interpreter's error indicator is
//! set, and `Ok` that it is not. That the thread is attached follows from there being an `Obj` (see `register`); functions
//! that take none say so.
#![expect(unsafe_code, reason = "the C interface")]

use std::ffi::c_int;
use std::ptr;

use pyo3::PyClass;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::register::Obj;

mod access;
mod filled;
mod make;
mod operate;
mod scalars;

pub(crate) use access::*;
pub(crate) use filled::Filled;
pub(crate) use make::*;
pub(crate) use operate::*;
pub(crate) use scalars::*;

/// A Python exception has been raised: it is in the interpreter's error indicator.
#[derive(Debug)]
#[must_use]
pub(crate) struct Raised(());

pub(crate) type Result<T> = std::result::Result<T, Raised>;

/// The address of one of CPython's types.
macro_rules! class {
    ($name:ident) => {
        (&raw mut pyo3::ffi::$name)
    };
}
pub(crate) use class;

#[expect(clippy::unused_self, reason = "the error itself is in the indicator")]
impl Raised {
    /// Puts a `PyErr` into the error indicator.
    pub(crate) fn from_error(py: Python<'_>, error: PyErr) -> Raised {
        error.restore(py);
        Raised(())
    }
    /// Takes it out.
    pub(crate) fn take(self, py: Python<'_>) -> PyErr {
        PyErr::fetch(py)
    }
    /// Is it an instance of this exception class?
    pub(crate) fn matches(&self, class: &Obj) -> bool {
        // SAFETY: the indicator is set (the type's invariant), the class is alive.
        unsafe { ffi::PyErr_ExceptionMatches(class.as_ptr()) != 0 }
    }
    /// Forgets it if it is an `Exception`: what ends a program (`KeyboardInterrupt`) stays.
    pub(crate) fn clear_exception(self) -> Result<()> {
        // SAFETY: a `Raised` exists, so the thread is attached and the indicator is set; the class is never freed.
        unsafe {
            if ffi::PyErr_ExceptionMatches(ffi::PyExc_Exception) == 0 {
                return Err(self);
            }
        }
        self.clear();
        Ok(())
    }
    /// Forgets it.
    pub(crate) fn clear(self) {
        // SAFETY: a `Raised` exists, so the thread is attached.
        unsafe { ffi::PyErr_Clear() }
    }
}

/// Raises what the C interface raised: an owned reference, or null with the indicator set.
#[inline(always)]
fn owned(object: *mut ffi::PyObject) -> Result<Obj> {
    // SAFETY: private: each caller passes what a function of the C interface returned just now.
    unsafe { Obj::from_owned(object) }.ok_or(Raised(()))
}

/// A status of the C interface: negative means that the indicator is set.
#[inline(always)]
fn status(code: c_int) -> Result<c_int> {
    if code < 0 { Err(Raised(())) } else { Ok(code) }
}

/// The number of the interpreter that runs: a process may have several.
pub(crate) fn interpreter(_: Python<'_>) -> i64 {
    // SAFETY: the thread is attached, so that there is one.
    unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) }
}

/// The token of the thread, which is attached while a host runs.
pub(crate) fn token() -> Python<'static> {
    // SAFETY: called by the host and its objects only, which run attached (see `register`).
    unsafe { Python::assume_attached() }
}

/// Raises `class(message)`.
pub(crate) fn raise<T>(class: &Obj, message: &str) -> Result<T> {
    let message = text(message)?;
    // SAFETY: both objects are alive.
    unsafe { ffi::PyErr_SetObject(class.as_ptr(), message.as_ptr()) };
    Err(Raised(()))
}

/// Runs `work` while what has been raised, if anything, is out of the indicator. It leaves none of its own.
pub(crate) fn aside(work: impl FnOnce()) {
    #[cfg(Py_3_12)]
    // SAFETY: attached (as for `token`); what was taken is put back, once.
    unsafe {
        let raised = ffi::PyErr_GetRaisedException();
        work();
        ffi::PyErr_SetRaisedException(raised);
    }
    #[cfg(not(Py_3_12))]
    // SAFETY: as above.
    unsafe {
        let (mut class, mut value, mut traceback) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        ffi::PyErr_Fetch(&raw mut class, &raw mut value, &raw mut traceback);
        work();
        ffi::PyErr_Restore(class, value, traceback);
    }
}

fn known(class: *mut ffi::PyObject) -> Obj {
    // SAFETY: a static exception class of the interpreter.
    unsafe { Obj::from_borrowed(class) }.expect("the interpreter's exception classes exist")
}

/// The exception classes that the host raises or looks for itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Class {
    Assertion,
    Attribute,
    Lookup,
    Type,
    Value,
    StopIteration,
    StopAsyncIteration,
    Recursion,
    Runtime,
}

impl Class {
    pub(crate) fn object(self) -> Obj {
        // SAFETY: the statics are set when the interpreter starts and never change.
        known(unsafe {
            match self {
                Class::Assertion => ffi::PyExc_AssertionError,
                Class::Attribute => ffi::PyExc_AttributeError,
                Class::Lookup => ffi::PyExc_LookupError,
                Class::Type => ffi::PyExc_TypeError,
                Class::Value => ffi::PyExc_ValueError,
                Class::StopIteration => ffi::PyExc_StopIteration,
                Class::StopAsyncIteration => ffi::PyExc_StopAsyncIteration,
                Class::Recursion => ffi::PyExc_RecursionError,
                Class::Runtime => ffi::PyExc_RuntimeError,
            }
        })
    }
}

macro_rules! exactly {
    ($($(#[$doc:meta])* $name:ident = $class:ident;)*) => {
        $($(#[$doc])*
        #[inline(always)]
        pub(crate) fn $name(object: &Obj) -> bool {
            object.kind() == class!($class)
        })*
    };
}
exactly! {
    is_int = PyLong_Type;
    is_bool = PyBool_Type;
    is_float = PyFloat_Type;
    is_str = PyUnicode_Type;
    is_list = PyList_Type;
    is_tuple = PyTuple_Type;
    is_dict = PyDict_Type;
    is_range = PyRange_Type;
}

/// Is it a `str` or of a subclass?
pub(crate) fn is_text(object: &Obj) -> bool {
    // SAFETY: the object is alive.
    unsafe { ffi::PyUnicode_Check(object.as_ptr()) != 0 }
}

/// Is its class this one or a subclass?
#[inline]
pub(crate) fn is_instance_of(object: &Obj, class: &Obj) -> bool {
    let class = class.as_ptr().cast::<ffi::PyTypeObject>();
    // SAFETY: both are alive; the caller's `class` is a type (its `Py_TYPE` is checked by `types`).
    object.kind() == class || unsafe { ffi::PyType_IsSubtype(object.kind(), class) != 0 }
}

/// Is it exactly of a type that templates loop over most, and that iterates at once?
#[inline]
pub(crate) fn is_builtin_container(object: &Obj) -> bool {
    is_list(object) || is_tuple(object) || is_dict(object) || is_range(object) || is_str(object)
}

/// Has it to be awaited? What `inspect.isawaitable` says.
pub(crate) fn is_awaitable(object: &Obj) -> Result<bool> {
    if is_builtin_container(object) || is_int(object) || is_bool(object) || is_float(object) {
        return Ok(false);
    }
    // SAFETY: an object's type is alive; the slots are null or a table.
    let has_slot = unsafe {
        let slots = (*object.kind()).tp_as_async;
        !slots.is_null() && (*slots).am_await.is_some()
    };
    if has_slot || object.kind() != class!(PyGen_Type) {
        return Ok(has_slot);
    }
    // A generator that is a coroutine in disguise (`types.coroutine`) says so in its code's flags.
    let code = get_attr(object, &intern("gi_code")?)?;
    let flags = index(&get_attr(&code, &intern("co_flags")?)?)?;
    Ok(flags & i64::from(ffi::CO_ITERABLE_COROUTINE) != 0)
}

/// Is it a type object?
pub(crate) fn is_type(object: &Obj) -> bool {
    // SAFETY: the object is alive.
    unsafe { ffi::PyType_Check(object.as_ptr()) != 0 }
}

/// Has the object's class a subscript slot?
pub(crate) fn has_subscript(object: &Obj) -> bool {
    // SAFETY: an object's type is alive; the slots are null or tables.
    unsafe {
        let mapping = (*object.kind()).tp_as_mapping;
        !mapping.is_null() && (*mapping).mp_subscript.is_some() || is_type(object)
    }
}

/// `callable(object)`.
pub(crate) fn is_callable(object: &Obj) -> bool {
    // SAFETY: the object is alive.
    unsafe { ffi::PyCallable_Check(object.as_ptr()) != 0 }
}

/// The Rust value of an object of one of our own classes; `None` if its class is another.
#[inline]
pub(crate) fn ours<T>(object: &Obj) -> Option<&T>
where
    T: PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + Sync,
{
    if object.kind() != T::type_object_raw(token()) {
        return None;
    }
    // SAFETY: `Py` and `Obj` are transparent over the same pointer, and the object's class is exactly `T`'s.
    let object = unsafe { &*ptr::from_ref(object).cast::<Py<T>>() };
    Some(object.get())
}

/// As [`ours`], where the class is at hand.
#[inline(always)]
pub(crate) fn ours_of<'a, T>(class: &Obj, object: &'a Obj) -> Option<&'a T>
where
    T: PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + Sync,
{
    debug_assert_eq!(class.as_ptr().cast(), T::type_object_raw(token()), "the type's class");
    if object.kind().cast() != class.as_ptr() {
        return None;
    }
    // SAFETY: as in `ours`.
    let object = unsafe { &*ptr::from_ref(object).cast::<Py<T>>() };
    Some(object.get())
}

/// An instance of one of our own classes, or of a subclass of it.
#[inline]
pub(crate) fn ours_or_subclass<T>(object: &Obj) -> Option<&T>
where
    T: PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + Sync,
{
    // SAFETY: both types are alive.
    if unsafe { ffi::PyType_IsSubtype(object.kind(), T::type_object_raw(token())) } == 0 {
        return None;
    }
    // SAFETY: `Py` and `Obj` are transparent over the same pointer, and an instance of a subclass starts as one of `T`.
    let object = unsafe { &*ptr::from_ref(object).cast::<Py<T>>() };
    Some(object.get())
}

/// A reference to an object that someone else keeps alive; `None` for null.
pub(crate) fn borrowed(object: *mut ffi::PyObject) -> Option<Obj> {
    // SAFETY: the caller's pointer is null or that of a live object: it is set to null when the object goes.
    unsafe { Obj::from_borrowed(object) }
}
