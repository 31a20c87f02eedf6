//! The C interface, made safe: each function here does one thing to Python objects.
//!
//! In and out: [`Obj`], never a bare pointer. Invariant: an `Err(Raised)` means that the interpreter's error indicator is
//! set, and `Ok` that it is not. That the thread is attached follows from there being an `Obj` (see `register`); functions
//! that take none say so.
#![expect(unsafe_code, reason = "the C interface")]

use std::ffi::{CStr, c_int};
use std::ptr;

use pyo3::PyClass;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::register::Obj;

/// A Python exception has been raised: it is in the interpreter's error indicator.
#[derive(Debug)]
#[must_use]
pub(crate) struct Raised(());

pub(crate) type Result<T> = std::result::Result<T, Raised>;

unsafe extern "C" {
    #[cfg(not(Py_3_13))]
    fn _PyObject_LookupAttr(
        o: *mut ffi::PyObject,
        n: *mut ffi::PyObject,
        out: *mut *mut ffi::PyObject,
    ) -> c_int;
    fn _PyDict_GetItem_KnownHash(
        dict: *mut ffi::PyObject,
        key: *mut ffi::PyObject,
        hash: ffi::Py_hash_t,
    ) -> *mut ffi::PyObject;
    fn _PyType_Lookup(class: *mut ffi::PyTypeObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject;
}

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
                Class::Recursion => ffi::PyExc_RecursionError,
                Class::Runtime => ffi::PyExc_RuntimeError,
            }
        })
    }
}

// ---- what an object is ---------------------------------------------------------------------------------------------

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

// ---- making objects (the caller is attached) -----------------------------------------------------------------------

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

// ---- reading objects -----------------------------------------------------------------------------------------------

/// The value of an exact `int` that is not too large.
#[inline(always)]
pub(crate) fn int_value(object: &Obj) -> Option<i64> {
    if !is_int(object) {
        return None;
    }
    // SAFETY: an exact int; the layout is that of the version this is built for.
    unsafe { long_value(object.as_ptr()) }
}

#[cfg(not(Py_3_12))]
#[inline(always)]
unsafe fn long_value(object: *mut ffi::PyObject) -> Option<i64> {
    #[repr(C)]
    struct Long {
        base: ffi::PyVarObject,
        digits: [u32; 2],
    }
    // SAFETY: the caller's promise; a digit is read only if the size says that it is there.
    unsafe {
        let long = object.cast::<Long>();
        let digits = (&raw const (*long).digits).cast::<u32>();
        let wide = || i64::from(*digits) | (i64::from(*digits.add(1)) << 30);
        Some(match (*long).base.ob_size {
            0 => 0,
            1 => i64::from(*digits),
            -1 => -i64::from(*digits),
            2 => wide(),
            -2 => -wide(),
            _ => return None,
        })
    }
}

#[cfg(Py_3_12)]
#[inline(always)]
unsafe fn long_value(object: *mut ffi::PyObject) -> Option<i64> {
    #[repr(C)]
    struct Long {
        base: ffi::PyObject,
        tag: usize,
        digits: [u32; 2],
    }
    // SAFETY: the caller's promise; a digit is read only if the tag says that it is there.
    unsafe {
        let long = object.cast::<Long>();
        let digits = (&raw const (*long).digits).cast::<u32>();
        let sign = 1 - ((*long).tag & 3) as i64;
        match (*long).tag >> 3 {
            0 => Some(0),
            1 => Some(sign * i64::from(*digits)),
            2 => Some(sign * (i64::from(*digits) | (i64::from(*digits.add(1)) << 30))),
            _ => None,
        }
    }
}

/// `operator.index(object)` as far as it fits.
pub(crate) fn index(object: &Obj) -> Result<i64> {
    // SAFETY: the object is alive; the indicator tells -1 from an error.
    unsafe {
        let value = ffi::PyNumber_AsSsize_t(object.as_ptr(), ffi::PyExc_OverflowError);
        if value == -1 && !ffi::PyErr_Occurred().is_null() { Err(Raised(())) } else { Ok(value as i64) }
    }
}

/// The value of an exact `float`.
pub(crate) fn float_value(object: &Obj) -> f64 {
    debug_assert!(is_float(object));
    // SAFETY: an exact float.
    unsafe { ffi::PyFloat_AS_DOUBLE(object.as_ptr()) }
}

/// Writes `repr` of a float.
pub(crate) fn with_float_repr(value: f64, write: impl FnOnce(&[u8])) -> Result<()> {
    const ADD_DOT_0: c_int = 2;
    with_float_text(value, 'r', 0, ADD_DOT_0, write)
}

/// Writes a float as CPython formats it.
pub(crate) fn with_float_text(
    value: f64,
    format: char,
    precision: c_int,
    flags: c_int,
    write: impl FnOnce(&[u8]),
) -> Result<()> {
    // SAFETY: attached; the result is null or a C string that is ours to free.
    unsafe {
        let text = ffi::PyOS_double_to_string(value, format as _, precision, flags, ptr::null_mut());
        if text.is_null() {
            ffi::PyErr_NoMemory();
            return Err(Raised(()));
        }
        write(CStr::from_ptr(text).to_bytes());
        ffi::PyMem_Free(text.cast());
    }
    Ok(())
}

/// The characters of a text.
#[derive(Clone, Copy)]
pub(crate) enum Text<'a> {
    Ascii(&'a [u8]),
    Latin1(&'a [u8]),
    Two(&'a [u16]),
    Four(&'a [u32]),
}

/// The characters of a `str` (or of a subclass).
#[inline(always)]
pub(crate) fn characters(object: &Obj) -> Result<Text<'_>> {
    debug_assert!(is_text(object));
    let pointer = object.as_ptr();
    // SAFETY: a text, made ready where the version has texts that are not; its data are `length` units of its kind, and
    // texts never change.
    unsafe {
        #[cfg(not(Py_3_12))]
        if ffi::PyUnicode_IS_READY(pointer) == 0 {
            status(ffi::PyUnicode_READY(pointer))?;
        }
        let length = ffi::PyUnicode_GET_LENGTH(pointer) as usize;
        let data = ffi::PyUnicode_DATA(pointer);
        Ok(match ffi::PyUnicode_KIND(pointer) {
            1 => {
                let bytes = std::slice::from_raw_parts(data.cast::<u8>(), length);
                if ffi::PyUnicode_IS_ASCII(pointer) != 0 { Text::Ascii(bytes) } else { Text::Latin1(bytes) }
            }
            2 => Text::Two(std::slice::from_raw_parts(data.cast(), length)),
            _ => Text::Four(std::slice::from_raw_parts(data.cast(), length)),
        })
    }
}

/// A text as UTF-8; lone surrogates are an error.
pub(crate) fn utf8(object: &Obj) -> Result<&str> {
    let mut length = 0;
    // SAFETY: a text; the bytes live as long as it, and are UTF-8.
    unsafe {
        let bytes = ffi::PyUnicode_AsUTF8AndSize(object.as_ptr(), &raw mut length);
        if bytes.is_null() {
            return Err(Raised(()));
        }
        Ok(std::str::from_utf8_unchecked(std::slice::from_raw_parts(bytes.cast(), length as usize)))
    }
}

/// `str(object)`, an exact `str` or of a subclass.
pub(crate) fn str_of(object: &Obj) -> Result<Obj> {
    // SAFETY: the object is alive.
    owned(unsafe { ffi::PyObject_Str(object.as_ptr()) })
}

/// `len(object)`.
pub(crate) fn length(object: &Obj) -> Result<usize> {
    // SAFETY: the object is alive.
    let length = unsafe { ffi::PyObject_Size(object.as_ptr()) };
    usize::try_from(length).map_err(|_| Raised(()))
}

/// `hash(object)`.
pub(crate) fn hash(object: &Obj) -> Result<ffi::Py_hash_t> {
    // SAFETY: the object is alive.
    match unsafe { ffi::PyObject_Hash(object.as_ptr()) } {
        -1 => Err(Raised(())),
        hash => Ok(hash),
    }
}

/// `bool(object)`.
#[inline]
pub(crate) fn truth(object: &Obj) -> Result<bool> {
    // SAFETY: the object is alive.
    status(unsafe { ffi::PyObject_IsTrue(object.as_ptr()) }).map(|truth| truth != 0)
}

/// The attribute, or `None` if there is none; no `AttributeError` is made where that can be helped.
#[inline]
pub(crate) fn lookup_attr(object: &Obj, name: &Obj) -> Result<Option<Obj>> {
    let mut value = ptr::null_mut();
    // SAFETY: the objects are alive; the result is an owned reference or null.
    unsafe {
        #[cfg(not(Py_3_13))]
        let found = _PyObject_LookupAttr(object.as_ptr(), name.as_ptr(), &raw mut value);
        #[cfg(Py_3_13)]
        let found = ffi::PyObject_GetOptionalAttr(object.as_ptr(), name.as_ptr(), &raw mut value);
        status(found)?;
        Ok(Obj::from_owned(value))
    }
}

/// `object[key]`.
pub(crate) fn get_item(object: &Obj, key: &Obj) -> Result<Obj> {
    // SAFETY: the objects are alive.
    owned(unsafe { ffi::PyObject_GetItem(object.as_ptr(), key.as_ptr()) })
}

/// What a class (or a base of it) has under this name; no descriptor is called, no reference is taken.
pub(crate) fn class_has(class: *mut ffi::PyTypeObject, name: &Obj) -> bool {
    // SAFETY: the caller's type is alive.
    !unsafe { _PyType_Lookup(class, name.as_ptr()) }.is_null()
}

/// The value of an exact dict under a key whose hash is known.
#[inline(always)]
pub(crate) fn dict_get(dict: &Obj, key: &Obj, hash: ffi::Py_hash_t) -> Result<Option<Obj>> {
    debug_assert!(is_dict(dict));
    // SAFETY: an exact dict; the result is borrowed from it, so it is referenced before anything else can happen.
    unsafe {
        let value = _PyDict_GetItem_KnownHash(dict.as_ptr(), key.as_ptr(), hash);
        if value.is_null() {
            return if ffi::PyErr_Occurred().is_null() { Ok(None) } else { Err(Raised(())) };
        }
        Ok(Obj::from_borrowed(value))
    }
}

/// `dict[key] = value` of a dict.
pub(crate) fn dict_set(dict: &Obj, key: &Obj, value: &Obj) -> Result<()> {
    // SAFETY: the objects are alive; what is no dict is an error.
    status(unsafe { ffi::PyDict_SetItem(dict.as_ptr(), key.as_ptr(), value.as_ptr()) }).map(drop)
}

/// The entry of an exact dict at `position`, which moves on.
#[inline]
pub(crate) fn dict_next(dict: &Obj, position: &mut isize) -> Option<(Obj, Obj)> {
    let (mut key, mut value) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: an exact dict; key and value are borrowed from it and referenced at once.
    unsafe {
        if ffi::PyDict_Next(dict.as_ptr(), position, &raw mut key, &raw mut value) == 0 {
            return None;
        }
        Some((Obj::from_borrowed(key)?, Obj::from_borrowed(value)?))
    }
}

/// How many entries an exact dict has.
#[inline]
pub(crate) fn dict_len(dict: &Obj) -> usize {
    // SAFETY: an exact dict.
    unsafe { ffi::PyDict_Size(dict.as_ptr()) as usize }
}

/// Item `index` of an exact list, if it has so many.
#[inline(always)]
pub(crate) fn list_item(list: &Obj, index: usize) -> Option<Obj> {
    // SAFETY: an exact list; the place is below its size, and the item is referenced at once.
    unsafe {
        if index >= ffi::PyList_GET_SIZE(list.as_ptr()) as usize {
            return None;
        }
        Obj::from_borrowed(ffi::PyList_GET_ITEM(list.as_ptr(), index as ffi::Py_ssize_t))
    }
}

/// How many items an exact list has.
#[inline(always)]
pub(crate) fn list_len(list: &Obj) -> usize {
    // SAFETY: an exact list.
    unsafe { ffi::PyList_GET_SIZE(list.as_ptr()) as usize }
}

/// Item `index` of an exact tuple, if it has so many.
#[inline(always)]
pub(crate) fn tuple_item(tuple: &Obj, index: usize) -> Option<Obj> {
    // SAFETY: an exact tuple; the place is below its size.
    unsafe {
        if index >= ffi::PyTuple_GET_SIZE(tuple.as_ptr()) as usize {
            return None;
        }
        Obj::from_borrowed(ffi::PyTuple_GET_ITEM(tuple.as_ptr(), index as ffi::Py_ssize_t))
    }
}

/// How many items an exact tuple has.
#[inline(always)]
pub(crate) fn tuple_len(tuple: &Obj) -> usize {
    // SAFETY: an exact tuple.
    unsafe { ffi::PyTuple_GET_SIZE(tuple.as_ptr()) as usize }
}

/// `list.append(item)`.
pub(crate) fn list_append(list: &Obj, item: &Obj) -> Result<()> {
    // SAFETY: the objects are alive; what is no list is an error.
    status(unsafe { ffi::PyList_Append(list.as_ptr(), item.as_ptr()) }).map(drop)
}

/// `tuple(iterable)`.
pub(crate) fn tuple_of(iterable: &Obj) -> Result<Obj> {
    // SAFETY: the object is alive.
    owned(unsafe { ffi::PySequence_Tuple(iterable.as_ptr()) })
}

/// `iter(object)`.
pub(crate) fn iter(object: &Obj) -> Result<Obj> {
    // SAFETY: the object is alive.
    owned(unsafe { ffi::PyObject_GetIter(object.as_ptr()) })
}

/// `next(iterator)`.
#[inline]
pub(crate) fn iter_next(iterator: &Obj) -> Result<Option<Obj>> {
    // SAFETY: what `iter` returned; null means the end or an error.
    unsafe {
        match Obj::from_owned(ffi::PyIter_Next(iterator.as_ptr())) {
            None if !ffi::PyErr_Occurred().is_null() => Err(Raised(())),
            item => Ok(item),
        }
    }
}

/// The dict of a dict view (`keys()`, `values()` or `items()` of an exact dict), and which one it is.
pub(crate) fn view_of(object: &Obj) -> Option<(Obj, DictView)> {
    #[repr(C)]
    struct View {
        base: ffi::PyObject,
        dict: *mut ffi::PyObject,
    }
    let class = object.kind();
    let which = if class == class!(PyDictItems_Type) {
        DictView::Items
    } else if class == class!(PyDictValues_Type) {
        DictView::Values
    } else if class == class!(PyDictKeys_Type) {
        DictView::Keys
    } else {
        return None;
    };
    // SAFETY: the three types share this layout in all versions this is built for; the dict may be null only in a view
    // that is being torn down.
    let dict = unsafe { Obj::from_borrowed((*object.as_ptr().cast::<View>()).dict) }?;
    is_dict(&dict).then_some((dict, which))
}

/// Which part of a dict's entries a view shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DictView {
    Keys,
    Values,
    Items,
}

/// Start, step and length of a `range`, if they are small.
pub(crate) fn range_parts(object: &Obj) -> Option<(i64, i64, i64)> {
    #[repr(C)]
    struct Range {
        base: ffi::PyObject,
        start: *mut ffi::PyObject,
        stop: *mut ffi::PyObject,
        step: *mut ffi::PyObject,
        length: *mut ffi::PyObject,
    }
    debug_assert!(is_range(object));
    // SAFETY: an exact range; its members are ints, which it holds.
    unsafe {
        let range = object.as_ptr().cast::<Range>();
        let read = |part: *mut ffi::PyObject| Obj::from_borrowed(part).and_then(|part| int_value(&part));
        Some((read((*range).start)?, read((*range).step)?, read((*range).length)?))
    }
}

// ---- operators and calls -------------------------------------------------------------------------------------------

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

/// `callee(*arguments, **keywords)`: `values` are the positional arguments, then those that `names` (a tuple) names.
pub(crate) fn call(callee: &Obj, values: &[Obj], names: Option<&Obj>) -> Result<Obj> {
    let named = names.map_or(0, tuple_len);
    let positional = values.len() - named;
    let names = names.map_or(ptr::null_mut(), Obj::as_ptr);
    // SAFETY: `Obj` is transparent over a pointer, so `values` is an array of them; all are alive during the call.
    owned(unsafe { ffi::PyObject_Vectorcall(callee.as_ptr(), values.as_ptr().cast(), positional, names) })
}

/// `callee(*arguments, **keywords)` with a tuple and a dict.
pub(crate) fn call_with(callee: &Obj, arguments: &Obj, keywords: &Obj) -> Result<Obj> {
    // SAFETY: a tuple and a dict, which their makers promise; the objects are alive.
    owned(unsafe { ffi::PyObject_Call(callee.as_ptr(), arguments.as_ptr(), keywords.as_ptr()) })
}

/// Is there room for another call on the C stack? Raises `RecursionError` if not.
pub(crate) fn enter_recursion() -> Result<RecursionGuard> {
    // SAFETY: attached; the guard leaves.
    status(unsafe { ffi::Py_EnterRecursiveCall(c" in a template".as_ptr()) })?;
    Ok(RecursionGuard(()))
}

/// Leaves what [`enter_recursion`] entered.
pub(crate) struct RecursionGuard(());

impl Drop for RecursionGuard {
    fn drop(&mut self) {
        // SAFETY: entered by whoever made the guard.
        unsafe { ffi::Py_LeaveRecursiveCall() }
    }
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

/// `object[key] = value`.
pub(crate) fn set_item(object: &Obj, key: &Obj, value: &Obj) -> Result<()> {
    // SAFETY: the objects are alive.
    status(unsafe { ffi::PyObject_SetItem(object.as_ptr(), key.as_ptr(), value.as_ptr()) }).map(drop)
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

/// Raises an exception object.
pub(crate) fn raise_object(exception: &Obj) -> Raised {
    // SAFETY: both objects are alive.
    unsafe { ffi::PyErr_SetObject(exception.kind().cast(), exception.as_ptr()) };
    Raised(())
}
