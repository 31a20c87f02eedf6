//! Instances of a class with slots, made without its `__init__`, which only fills them.
#![expect(unsafe_code, reason = "the C interface; slots by their offsets")]

use std::cell::Cell;

use pyo3::ffi;

use super::{Result, class, owned};
use crate::attr_cache::{Name, slot_of, version};
use crate::register::Obj;

unsafe extern "C" {
    fn _PyType_Lookup(class: *mut ffi::PyTypeObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject;
}

/// A class of which instances are made by filling `N` slots.
pub(crate) struct Filled<const N: usize> {
    class: Obj,
    /// What the class's `__init__` must be.
    init: Obj,
    init_name: Name,
    slots: [Name; N],
    /// The version of the class for which the offsets are right; 0 for none.
    seen: Cell<u32>,
    offsets: Cell<[isize; N]>,
}

impl<const N: usize> Filled<N> {
    /// For a class whose `__init__` is `init` and does no more than fill these slots.
    pub(crate) fn new(class: &Obj, init: &Obj, slots: [Name; N]) -> Result<Filled<N>> {
        Ok(Filled {
            class: class.clone(),
            init: init.clone(),
            init_name: Name::new("__init__")?,
            slots,
            seen: Cell::new(0),
            offsets: Cell::new([0; N]),
        })
    }

    /// An instance; `None` where the class is no longer what it was.
    pub(crate) fn make(&self, values: [Obj; N]) -> Result<Option<Obj>> {
        let class = self.class.as_ptr().cast::<ffi::PyTypeObject>();
        // SAFETY: the class is alive.
        let now = unsafe { version(class) };
        if (now == 0 || now != self.seen.get()) && !self.look() {
            return Ok(None);
        }
        let offsets = self.offsets.get();
        // SAFETY: the class is a heap type that allocates as all do (`look`); the offsets are those of its slots, which
        // are null in a new instance.
        unsafe {
            let object = owned(ffi::PyType_GenericAlloc(class, 0))?;
            for (value, offset) in values.into_iter().zip(offsets) {
                object.as_ptr().byte_offset(offset).cast::<*mut ffi::PyObject>().write(value.into_ptr());
            }
            Ok(Some(object))
        }
    }

    /// Finds the offsets; `false` if the class is no such class.
    #[cold]
    #[inline(never)]
    fn look(&self) -> bool {
        let class = self.class.as_ptr().cast::<ffi::PyTypeObject>();
        self.seen.set(0);
        // SAFETY: the class is alive, and so is what it has; a look-up gives it a version if it can have one.
        unsafe {
            let alloc = ffi::PyType_GenericAlloc as *const ();
            let new = (*class!(PyBaseObject_Type)).tp_new.map(|function| function as *const ());
            let plain = (*class).tp_alloc.is_some_and(|function| function as *const () == alloc)
                && (*class).tp_new.map(|function| function as *const ()) == new
                && _PyType_Lookup(class, self.init_name.object.as_ptr()) == self.init.as_ptr();
            if !plain {
                return false;
            }
            let mut offsets = [0; N];
            for (offset, name) in offsets.iter_mut().zip(&self.slots) {
                match slot_of(_PyType_Lookup(class, name.object.as_ptr())) {
                    Some(found) => *offset = found,
                    None => return false,
                }
            }
            self.offsets.set(offsets);
            self.seen.set(version(class));
        }
        true
    }
}
