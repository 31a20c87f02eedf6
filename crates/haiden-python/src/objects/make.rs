//! Making objects: the caller is attached (see `register`).
#![expect(unsafe_code, reason = "the C interface")]

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr;

use pyo3::PyClass;
use pyo3::ffi;

use super::{Class, Raised, Result, is_dict, is_type, owned, raise, status, token};
use crate::register::Obj;

pub(crate) fn none() -> Obj {
    // SAFETY: a static object.
    unsafe { Obj::from_borrowed(ffi::Py_None()) }.expect("None exists")
}

pub(crate) fn boolean(value: bool) -> Obj {
    // SAFETY: static objects.
    unsafe { Obj::from_borrowed(if value { ffi::Py_True() } else { ffi::Py_False() }) }
        .expect("booleans exist")
}

pub(crate) fn integer(value: i64) -> Result<Obj> {
    // SAFETY: attached.
    owned(unsafe { ffi::PyLong_FromLongLong(value) })
}

/// The integer that a text of decimal digits says.
pub(crate) fn integer_of(digits: &str) -> Result<Obj> {
    let Ok(digits) = std::ffi::CString::new(digits) else {
        return raise(&Class::Value.object(), "digits expected");
    };
    // SAFETY: attached; a C string.
    owned(unsafe { ffi::PyLong_FromString(digits.as_ptr(), ptr::null_mut(), 10) })
}

pub(crate) fn float(value: f64) -> Result<Obj> {
    // SAFETY: attached.
    owned(unsafe { ffi::PyFloat_FromDouble(value) })
}

pub(crate) fn text(value: &str) -> Result<Obj> {
    // SAFETY: attached; the bytes are UTF-8 and live during the call.
    owned(unsafe { ffi::PyUnicode_FromStringAndSize(value.as_ptr().cast(), value.len() as ffi::Py_ssize_t) })
}

/// A text, interned.
pub(crate) fn intern(value: &str) -> Result<Obj> {
    let mut object = text(value)?.into_ptr();
    // SAFETY: an owned reference, which the function replaces by another.
    unsafe { ffi::PyUnicode_InternInPlace(&raw mut object) };
    owned(object)
}

/// A text of characters of one, two or four bytes, made as narrow as it can be.
pub(crate) fn text_of_units<T>(units: &[T]) -> Result<Obj> {
    const { assert!(matches!(size_of::<T>(), 1 | 2 | 4)) };
    let kind = size_of::<T>() as c_int;
    // SAFETY: attached; `units` are that many characters of `kind` bytes.
    owned(unsafe {
        ffi::PyUnicode_FromKindAndData(kind, units.as_ptr().cast(), units.len() as ffi::Py_ssize_t)
    })
}

/// A text of ASCII bytes.
#[inline]
pub(crate) fn text_of_ascii(bytes: &[u8]) -> Result<Obj> {
    debug_assert!(bytes.is_ascii());
    // SAFETY: attached; the new text has room for that many one-byte characters, and nobody has seen it yet.
    unsafe {
        let object = owned(ffi::PyUnicode_New(bytes.len() as ffi::Py_ssize_t, 127))?;
        let to = ffi::PyUnicode_DATA(object.as_ptr()).cast::<u8>();
        ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        Ok(object)
    }
}

/// Two texts of ASCII bytes, one behind the other.
pub(crate) fn text_of_two(left: &[u8], right: &[u8]) -> Result<Obj> {
    debug_assert!(left.is_ascii() && right.is_ascii());
    let length = left.len() + right.len();
    // SAFETY: attached; the new text has room for that many one-byte characters, and nobody has seen it yet.
    unsafe {
        let object = owned(ffi::PyUnicode_New(length as ffi::Py_ssize_t, 127))?;
        let to = ffi::PyUnicode_DATA(object.as_ptr()).cast::<u8>();
        ptr::copy_nonoverlapping(left.as_ptr(), to, left.len());
        ptr::copy_nonoverlapping(right.as_ptr(), to.add(left.len()), right.len());
        Ok(object)
    }
}

/// A character that a byte does not hold.
#[derive(Clone, Copy)]
pub(crate) struct Wide {
    /// Its place in the page.
    pub(crate) place: usize,
    pub(crate) character: u32,
}

/// A text of Latin-1 bytes, of which the first is at place `start` of a page, with wide characters (at least one) at the
/// places of some.
pub(crate) fn text_of_sparse(bytes: &[u8], start: usize, wide: &[Wide]) -> Result<Obj> {
    let most = wide.iter().map(|wide| wide.character).max().unwrap_or_default().clamp(0x100, 0x10_FFFF);
    let length = bytes.len();
    // SAFETY: attached; the new text has room for that many characters of two or four bytes, as its largest one needs
    // them, and nobody has seen it yet; all of them are written.
    unsafe {
        let object = owned(ffi::PyUnicode_New(length as ffi::Py_ssize_t, most))?;
        let data = ffi::PyUnicode_DATA(object.as_ptr());
        if most < 0x10000 {
            let units = std::slice::from_raw_parts_mut(data.cast::<MaybeUninit<u16>>(), length);
            fill(units, bytes, (start, wide), |character| character as u16);
        } else {
            let units = std::slice::from_raw_parts_mut(data.cast::<MaybeUninit<u32>>(), length);
            fill(units, bytes, (start, wide), |character| character);
        }
        Ok(object)
    }
}

fn fill<T: From<u8>>(
    units: &mut [MaybeUninit<T>],
    bytes: &[u8],
    (start, wide): (usize, &[Wide]),
    unit: impl Fn(u32) -> T,
) {
    for (unit, &byte) in units.iter_mut().zip(bytes) {
        unit.write(T::from(byte));
    }
    for wide in wide {
        units[wide.place - start].write(unit(wide.character));
    }
}

pub(crate) fn list(items: impl ExactSizeIterator<Item = Result<Obj>>) -> Result<Obj> {
    // SAFETY: attached.
    let list = owned(unsafe { ffi::PyList_New(items.len() as ffi::Py_ssize_t) })?;
    for (index, item) in items.enumerate() {
        // SAFETY: the place is empty; a list with null places is dropped safely.
        unsafe { ffi::PyList_SET_ITEM(list.as_ptr(), index as ffi::Py_ssize_t, item?.into_ptr()) };
    }
    Ok(list)
}

pub(crate) fn tuple(items: impl ExactSizeIterator<Item = Result<Obj>>) -> Result<Obj> {
    // SAFETY: attached.
    let tuple = owned(unsafe { ffi::PyTuple_New(items.len() as ffi::Py_ssize_t) })?;
    for (index, item) in items.enumerate() {
        // SAFETY: the place is empty, and nobody else has seen the tuple.
        unsafe { ffi::PyTuple_SET_ITEM(tuple.as_ptr(), index as ffi::Py_ssize_t, item?.into_ptr()) };
    }
    Ok(tuple)
}

pub(crate) fn dict() -> Result<Obj> {
    // SAFETY: attached.
    owned(unsafe { ffi::PyDict_New() })
}

pub(crate) fn slice(start: &Obj, stop: &Obj, step: &Obj) -> Result<Obj> {
    // SAFETY: the objects are alive.
    owned(unsafe { ffi::PySlice_New(start.as_ptr(), stop.as_ptr(), step.as_ptr()) })
}

/// `str.__new__(class, text)`: an instance of a subclass of `str`, without the subclass's own `__new__`.
pub(crate) fn subclass_text(class: &Obj, text: &Obj) -> Result<Obj> {
    let arguments = tuple([Ok(text.clone())].into_iter())?;
    // SAFETY: `str` has the slot, the class is a subclass of it (the caller's promise: it is `Markup`), and the arguments
    // are a tuple.
    owned(unsafe {
        let Some(make) = ffi::PyUnicode_Type.tp_new else { return Err(Raised(())) };
        make(class.as_ptr().cast(), arguments.as_ptr(), ptr::null_mut())
    })
}

/// Takes an object out of the garbage collector's sight, which refers to no object and never will.
pub(crate) fn untrack(object: &Obj) {
    // SAFETY: the object is alive; that it refers to none is the caller's promise, without which it would only leak.
    unsafe { ffi::PyObject_GC_UnTrack(object.as_ptr().cast()) }
}

/// `object.__new__(class)`.
pub(crate) fn bare(class: &Obj) -> Result<Obj> {
    let arguments = tuple([].into_iter())?;
    // SAFETY: `object` has the slot, which refuses what is not to be made by it; the class is a type (the caller's promise).
    owned(unsafe {
        let Some(make) = ffi::PyBaseObject_Type.tp_new else { return Err(Raised(())) };
        make(class.as_ptr().cast(), arguments.as_ptr(), ptr::null_mut())
    })
}

/// An instance of a subclass of one of our own classes, by that one's `__new__`, without arguments.
pub(crate) fn new_of<T: PyClass>(class: &Obj) -> Result<Obj> {
    let base = T::type_object_raw(token());
    // SAFETY: both are types that are alive; whether one is a subclass of the other is asked before the slot is called.
    unsafe {
        let is_subclass = is_type(class) && ffi::PyType_IsSubtype(class.as_ptr().cast(), base) != 0;
        let (true, Some(make)) = (is_subclass, (*base).tp_new) else {
            return raise(&Class::Type.object(), "a class of templates expected");
        };
        owned(make(class.as_ptr().cast(), tuple([].into_iter())?.as_ptr(), ptr::null_mut()))
    }
}

/// `list(iterable)`.
pub(crate) fn list_of(iterable: &Obj) -> Result<Obj> {
    // SAFETY: the object is alive.
    owned(unsafe { ffi::PySequence_List(iterable.as_ptr()) })
}

/// `dict(mapping)`, or the object itself if it is exactly a dict.
pub(crate) fn dict_of(mapping: &Obj) -> Result<Obj> {
    if is_dict(mapping) {
        return Ok(mapping.clone());
    }
    let copy = dict()?;
    // SAFETY: the objects are alive.
    status(unsafe { ffi::PyDict_Update(copy.as_ptr(), mapping.as_ptr()) })?;
    Ok(copy)
}

/// `dict.copy()` of a dict.
pub(crate) fn dict_copy(dict: &Obj) -> Result<Obj> {
    // SAFETY: the object is alive; what is no dict is an error.
    owned(unsafe { ffi::PyDict_Copy(dict.as_ptr()) })
}

/// `dict.update(mapping)` of a dict.
pub(crate) fn dict_update(dict: &Obj, mapping: &Obj) -> Result<()> {
    // SAFETY: the objects are alive; what is no dict is an error.
    status(unsafe { ffi::PyDict_Update(dict.as_ptr(), mapping.as_ptr()) }).map(drop)
}

/// The key becomes the last one of a dict that has it.
pub(crate) fn dict_move_to_end(dict: &Obj, key: &Obj, value: &Obj) -> Result<()> {
    // SAFETY: the objects are alive; what is no dict, or has no such key, is an error.
    status(unsafe { ffi::PyDict_DelItem(dict.as_ptr(), key.as_ptr()) })?;
    // SAFETY: as above.
    status(unsafe { ffi::PyDict_SetItem(dict.as_ptr(), key.as_ptr(), value.as_ptr()) }).map(drop)
}

/// A weak reference.
pub(crate) fn weak(object: &Obj) -> Result<Obj> {
    // SAFETY: the object is alive; what cannot be referred to weakly is an error.
    owned(unsafe { ffi::PyWeakref_NewRef(object.as_ptr(), ptr::null_mut()) })
}

/// `set.add(item)` of a set.
pub(crate) fn set_add(set: &Obj, item: &Obj) -> Result<()> {
    // SAFETY: the objects are alive; what is no set is an error.
    status(unsafe { ffi::PySet_Add(set.as_ptr(), item.as_ptr()) }).map(drop)
}

/// `set.discard(item)` of a set.
pub(crate) fn set_discard(set: &Obj, item: &Obj) -> Result<()> {
    // SAFETY: the objects are alive; what is no set is an error.
    status(unsafe { ffi::PySet_Discard(set.as_ptr(), item.as_ptr()) }).map(drop)
}
