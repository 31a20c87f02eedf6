//! Registers: owned Python objects and the words that hold them.
//!
//! An [`Obj`] owns one reference to a Python object. A [`Register`] is one word: an integer of 63 bits (bit 0 is set), a
//! small constant, "nothing at all" (one of the constants), or an [`Obj`], the only one whose three lowest bits are clear.
//!
//! # Attached
//! Reference counts may be touched only while the thread is attached to the interpreter. Neither type is `Send` nor
//! `Sync`; both are made only from what an attached thread was handed; and none is in reach of what runs
//! detached (`Python::detach` takes only what is `Send`). What must live in a Python object, and so might be dropped on
//! any thread, is wrapped in [`Attached`], which gives access only to who shows a token, and which CPython drops in
//! `tp_dealloc`, where a thread is attached.
#![expect(unsafe_code, reason = "reference counts and tagged pointers")]

use std::num::NonZeroU64;
use std::ptr::NonNull;

use pyo3::ffi;
use pyo3::prelude::*;

/// A reference to a Python object, owned.
#[repr(transparent)]
pub(crate) struct Obj(NonNull<ffi::PyObject>);

impl Obj {
    /// Takes over a reference that a function of the C interface returned; `None` for null.
    ///
    /// # Safety
    /// `object` is null or an owned reference, and the thread is attached.
    #[inline(always)]
    pub(crate) unsafe fn from_owned(object: *mut ffi::PyObject) -> Option<Obj> {
        NonNull::new(object).map(Obj)
    }

    /// A reference to what someone else holds; `None` for null.
    ///
    /// # Safety
    /// `object` is null or points to a live object, and the thread is attached.
    #[inline(always)]
    pub(crate) unsafe fn from_borrowed(object: *mut ffi::PyObject) -> Option<Obj> {
        let object = NonNull::new(object)?;
        // SAFETY: the caller's promise.
        unsafe { ffi::Py_INCREF(object.as_ptr()) };
        Some(Obj(object))
    }

    /// A bound object's reference, once more.
    pub(crate) fn of<T>(object: &Bound<'_, T>) -> Obj {
        // SAFETY: a `Bound` is alive, and proves that the thread is attached.
        unsafe { Obj::from_borrowed(object.as_ptr()) }.expect("a bound object is never null")
    }

    /// As PyO3 knows it.
    pub(crate) fn bound<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        // SAFETY: the object is alive while `self` is.
        unsafe { Bound::from_borrowed_ptr(py, self.as_ptr()) }
    }

    /// The pointer, borrowed.
    #[inline(always)]
    pub(crate) fn as_ptr(&self) -> *mut ffi::PyObject {
        self.0.as_ptr()
    }

    /// The pointer, given away.
    #[inline(always)]
    pub(crate) fn into_ptr(self) -> *mut ffi::PyObject {
        let object = self.0.as_ptr();
        std::mem::forget(self);
        object
    }

    /// The object's type.
    #[inline(always)]
    pub(crate) fn kind(&self) -> *mut ffi::PyTypeObject {
        // SAFETY: the object is alive.
        unsafe { ffi::Py_TYPE(self.as_ptr()) }
    }

    /// Is it the same object?
    #[inline(always)]
    pub(crate) fn is(&self, other: &Obj) -> bool {
        self.0 == other.0
    }
}

impl Clone for Obj {
    #[inline(always)]
    fn clone(&self) -> Obj {
        // SAFETY: the object is alive, and the thread is attached (module's documentation).
        unsafe { ffi::Py_INCREF(self.as_ptr()) };
        Obj(self.0)
    }
}

impl Drop for Obj {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: this reference is owned, and the thread is attached (module's documentation).
        unsafe { ffi::Py_DECREF(self.as_ptr()) }
    }
}

/// One register.
#[repr(transparent)]
pub(crate) struct Register(NonZeroU64);

const FALSE: NonZeroU64 = NonZeroU64::new(2).unwrap();
const TRUE: NonZeroU64 = NonZeroU64::new(2 | 8).unwrap();
const NONE: NonZeroU64 = NonZeroU64::new(4).unwrap();
const MISSING: NonZeroU64 = NonZeroU64::new(6).unwrap();

/// What a register holds.
pub(crate) enum View<'a> {
    Missing,
    None,
    Bool(bool),
    Int(i64),
    Object(&'a Obj),
}

impl Register {
    /// Nothing.
    pub(crate) const MISSING: Register = Register(MISSING);
    /// `None`.
    pub(crate) const NONE: Register = Register(NONE);

    /// A boolean.
    #[inline(always)]
    pub(crate) const fn boolean(value: bool) -> Register {
        Register(if value { TRUE } else { FALSE })
    }

    /// An integer.
    #[inline(always)]
    pub(crate) fn integer(value: i64) -> Register {
        let shifted = value << 1;
        if shifted >> 1 == value {
            Register(NonZeroU64::MIN | shifted as u64)
        } else {
            Register::large(value)
        }
    }

    #[cold]
    #[inline(never)]
    fn large(value: i64) -> Register {
        // SAFETY: the thread is attached (module's documentation); null becomes the missing register.
        match unsafe { Obj::from_owned(ffi::PyLong_FromLongLong(value)) } {
            Some(object) => Register::object(object),
            None => Register::MISSING,
        }
    }

    /// As an assignment, never by a call.
    #[inline(always)]
    pub(crate) fn put(&mut self, value: Register) {
        let old = std::mem::replace(self, value);
        if old.is_object() {
            // SAFETY: as in `drop`, which is left out.
            unsafe { ffi::Py_DECREF(old.0.get() as *mut ffi::PyObject) }
        }
        std::mem::forget(old);
    }

    /// An object.
    #[inline(always)]
    pub(crate) fn object(object: Obj) -> Register {
        // SAFETY: an object's address is not zero.
        Register(unsafe { NonZeroU64::new_unchecked(object.into_ptr() as u64) })
    }

    #[inline(always)]
    pub(crate) fn is_missing(&self) -> bool {
        self.0 == MISSING
    }

    #[inline(always)]
    #[expect(clippy::verbose_bit_mask, reason = "a test instruction, not a count of zeros")]
    fn is_object(&self) -> bool {
        self.0.get() & 7 == 0
    }

    /// The object, if it is one.
    #[inline(always)]
    pub(crate) fn as_object(&self) -> Option<&Obj> {
        if self.is_object() {
            // SAFETY: the word is an owned pointer (objects are aligned to 8), and both types are transparent over it.
            Some(unsafe { &*std::ptr::from_ref(self).cast::<Obj>() })
        } else {
            None
        }
    }

    /// The integer, if it is held as one.
    #[inline(always)]
    pub(crate) fn small(&self) -> Option<i64> {
        if self.0.get() & 1 == 1 { Some(self.0.get() as i64 >> 1) } else { None }
    }

    /// The boolean, if it is held as one.
    #[inline(always)]
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.0 {
            TRUE => Some(true),
            FALSE => Some(false),
            _ => None,
        }
    }

    #[inline(always)]
    pub(crate) fn view(&self) -> View<'_> {
        if let Some(value) = self.small() {
            return View::Int(value);
        }
        if let Some(object) = self.as_object() {
            return View::Object(object);
        }
        match self.0 {
            TRUE => View::Bool(true),
            FALSE => View::Bool(false),
            NONE => View::None,
            _ => View::Missing,
        }
    }
}

impl Clone for Register {
    #[inline(always)]
    fn clone(&self) -> Register {
        if let Some(object) = self.as_object() {
            std::mem::forget(object.clone());
        }
        Register(self.0)
    }
}

impl Drop for Register {
    #[inline(always)]
    fn drop(&mut self) {
        if self.is_object() {
            // SAFETY: the word is an owned pointer, dropped once, and the thread is attached (module's documentation).
            unsafe { ffi::Py_DECREF(self.0.get() as *mut ffi::PyObject) }
        }
    }
}

/// Something that a Python object holds and that only an attached thread may look at.
pub(crate) struct Attached<T>(T);

// SAFETY: access needs a token, which only an attached thread has, and the interpreter lets one thread be attached at a
// time (the module does not declare itself free of the interpreter's lock); the owner is a Python object, which is
// deallocated by an attached thread.
unsafe impl<T> Send for Attached<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Attached<T> {}

impl<T> Attached<T> {
    /// Wraps.
    pub(crate) fn new(_py: Python<'_>, value: T) -> Attached<T> {
        Attached(value)
    }
    /// Looks.
    pub(crate) fn get(&self, _py: Python<'_>) -> &T {
        &self.0
    }
    /// Looks, inside `__traverse__` or `__clear__` or while the caller holds an [`Obj`] of the owner: the thread is
    /// attached there, too, but no token is at hand.
    pub(crate) fn peek(&self) -> &T {
        &self.0
    }
}
