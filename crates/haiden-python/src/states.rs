//! The states of dictionaries, by numbers: as long as a number is the same, nothing has changed.
//!
//! In: an exact dict. Out: the number of its state, or none where no number can be trusted. Invariant: no two states of any dicts
//! have the same number.
//!
//! CPython numbers the states itself until 3.13. Since 3.14 it tells whoever watches a dictionary that it is going to change
//! ([`PyDict_Watch`][watch]), and we do the numbering. Watching has a price for the dictionary and for who asks, so there are two
//! questions: [`of_any`] asks CPython, and has no answer any more; [`of_table`] is for dictionaries that are read often and seldom
//! change, as an environment's filters.
//!
//! [watch]: https://docs.python.org/3/c-api/dict.html#c.PyDict_Watch
#![expect(unsafe_code, reason = "the numbers that CPython gives to the states of dictionaries")]

use pyo3::ffi;

use crate::objects;
use crate::register::Obj;

/// The number of the state that a dict is in. `None` where it has none that can be trusted: since 3.13 the attributes of an
/// instance change under the dictionary that shows them.
#[inline]
pub(crate) fn of_any(dict: &Obj) -> Option<u64> {
    debug_assert!(objects::is_dict(dict));
    #[cfg(Py_3_14)]
    {
        None
    }
    // SAFETY: an exact dict, which is alive.
    #[cfg(not(Py_3_14))]
    unsafe {
        if cfg!(Py_3_13) && !(*dict.as_ptr().cast::<Dictionary>()).values.is_null() {
            return None;
        }
        Some(version(dict.as_ptr()))
    }
}

/// Is a dict in the state that had this number? A number may be of another dict: then it is not.
///
/// # Safety
/// A dict, which is alive.
#[inline]
pub(crate) unsafe fn is_in(dict: *mut ffi::PyObject, state: u64) -> bool {
    #[cfg(Py_3_14)]
    {
        let _ = (dict, state);
        false
    }
    // SAFETY: the caller's promise.
    #[cfg(not(Py_3_14))]
    unsafe {
        version(dict) == state
    }
}

/// The number of the state that a dict is in which changes seldom.
#[inline]
pub(crate) fn of_table(dict: &Obj) -> Option<u64> {
    #[cfg(Py_3_14)]
    {
        watched::state_of(dict)
    }
    #[cfg(not(Py_3_14))]
    {
        of_any(dict)
    }
}

/// CPython's dict, in all versions that number states.
#[cfg(not(Py_3_14))]
#[repr(C)]
struct Dictionary {
    base: ffi::PyObject,
    used: ffi::Py_ssize_t,
    version: u64,
    keys: *mut ffi::PyDictKeysObject,
    values: *mut ffi::PyObject,
}

/// CPython's own number.
///
/// # Safety
/// A dict, which is alive.
#[cfg(not(Py_3_14))]
#[inline]
unsafe fn version(dict: *mut ffi::PyObject) -> u64 {
    // SAFETY: the caller's promise; the layout is that of all versions this is built for.
    unsafe { (*dict.cast::<Dictionary>()).version }
}

#[cfg(Py_3_14)]
mod watched {
    //! Numbers of our own, for dictionaries that are watched.

    use std::ffi::c_int;
    use std::sync::{Mutex, OnceLock, PoisonError};

    use hashbrown::HashMap;
    use pyo3::ffi;

    use crate::objects;
    use crate::register::Obj;

    type Callback = unsafe extern "C" fn(
        event: c_int,
        dict: *mut ffi::PyObject,
        key: *mut ffi::PyObject,
        value: *mut ffi::PyObject,
    ) -> c_int;

    unsafe extern "C" {
        fn PyDict_AddWatcher(callback: Callback) -> c_int;
        fn PyDict_Watch(watcher: c_int, dict: *mut ffi::PyObject) -> c_int;
    }

    /// The dictionaries that are watched and have not changed since, by their addresses, and the last number that was given.
    static STATES: Mutex<States> = Mutex::new(States { numbers: None, last: 0 });

    struct States {
        numbers: Option<HashMap<usize, u64>>,
        last: u64,
    }

    /// Our number among those who watch; an interpreter has eight.
    static WATCHER: OnceLock<Option<c_int>> = OnceLock::new();

    pub(super) fn state_of(dict: &Obj) -> Option<u64> {
        debug_assert!(objects::is_dict(dict));
        let address = dict.as_ptr().addr();
        let known = {
            let states = STATES.lock().unwrap_or_else(PoisonError::into_inner);
            states.numbers.as_ref().and_then(|numbers| numbers.get(&address).copied())
        };
        known.or_else(|| watch(dict))
    }

    #[cold]
    fn watch(dict: &Obj) -> Option<u64> {
        // SAFETY: attached to the interpreter; the callback is a function of this library, which stays loaded.
        let add = || Some(unsafe { PyDict_AddWatcher(changes) }).filter(|&watcher| quiet(watcher));
        let watcher = (*WATCHER.get_or_init(add))?;
        // SAFETY: an exact dict, alive.
        if !quiet(unsafe { PyDict_Watch(watcher, dict.as_ptr()) }) {
            return None;
        }
        let mut states = STATES.lock().unwrap_or_else(PoisonError::into_inner);
        states.last += 1;
        let number = states.last;
        states.numbers.get_or_insert_default().insert(dict.as_ptr().addr(), number);
        Some(number)
    }

    /// Has it been done? What was raised if not is nobody's concern: then there are no numbers.
    fn quiet(status: c_int) -> bool {
        if status < 0 {
            // SAFETY: attached to the interpreter.
            unsafe { ffi::PyErr_Clear() };
        }
        status >= 0
    }

    /// A dictionary that is watched is going to change, or to end.
    unsafe extern "C" fn changes(
        _event: c_int,
        dict: *mut ffi::PyObject,
        _key: *mut ffi::PyObject,
        _value: *mut ffi::PyObject,
    ) -> c_int {
        let mut states = STATES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(numbers) = &mut states.numbers {
            numbers.remove(&dict.addr());
        }
        0
    }
}
