//! Reading numbers and texts.
#![expect(unsafe_code, reason = "the C interface")]

use std::ffi::{CStr, c_int};
use std::ptr;

use pyo3::ffi;

use super::{Raised, Result, is_float, is_int, is_text, owned};
use crate::register::Obj;

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
    // SAFETY: the caller's promise; a digit is read only if the size says that it is there.
    unsafe {
        let long = object.cast::<Long>();
        // Most are of one digit.
        if (*long).base.ob_size == 1 {
            return Some(i64::from(*(&raw const (*long).digits).cast::<u32>()));
        }
        other_long_value(long)
    }
}

#[cfg(not(Py_3_12))]
#[repr(C)]
struct Long {
    base: ffi::PyVarObject,
    digits: [u32; 2],
}

/// As [`long_value`], of those that are zero, negative, or of two digits.
#[cfg(not(Py_3_12))]
#[inline(never)]
unsafe fn other_long_value(long: *mut Long) -> Option<i64> {
    // SAFETY: as for `long_value`.
    unsafe {
        let digits = (&raw const (*long).digits).cast::<u32>();
        let wide = || i64::from(*digits) | (i64::from(*digits.add(1)) << 30);
        Some(match (*long).base.ob_size {
            0 => 0,
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
    match ascii(object) {
        Some(bytes) => Ok(Text::Ascii(bytes)),
        None => other_characters(object),
    }
}

/// The characters of a `str` (or of a subclass), if all are ASCII.
#[inline(always)]
pub(crate) fn ascii(object: &Obj) -> Option<&[u8]> {
    debug_assert!(is_text(object));
    let pointer = object.as_ptr();
    // SAFETY: a text. One of one piece is always ready, and if it is ASCII, its characters lie behind its head; texts never
    // change.
    unsafe {
        if !is_compact_ascii(pointer) {
            return None;
        }
        let length = ffi::PyUnicode_GET_LENGTH(pointer) as usize;
        let data = pointer.cast::<ffi::PyASCIIObject>().add(1).cast::<u8>();
        Some(std::slice::from_raw_parts(data, length))
    }
}

/// Is a text of one piece, and ASCII?
///
/// # Safety
/// A text, alive.
#[inline(always)]
pub(super) unsafe fn is_compact_ascii(text: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(not(Py_3_14))]
        {
            ffi::PyUnicode_IS_COMPACT_ASCII(text) != 0
        }
        #[cfg(Py_3_14)]
        {
            let both = state_bit(COMPACT) | state_bit(ASCII);
            (*text.cast::<ffi::PyASCIIObject>()).state & both == both
        }
    }
}

/// Is a text ASCII?
///
/// # Safety
/// A text, alive.
unsafe fn is_ascii(text: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(not(Py_3_14))]
        {
            ffi::PyUnicode_IS_ASCII(text) != 0
        }
        #[cfg(Py_3_14)]
        {
            (*text.cast::<ffi::PyASCIIObject>()).state & state_bit(ASCII) != 0
        }
    }
}

/// Where the fields of a text's state are: behind two bits that tell how it is interned, and three of its kind.
#[cfg(Py_3_14)]
const COMPACT: u32 = 5;
#[cfg(Py_3_14)]
const ASCII: u32 = 6;

/// A bit of a text's state. C's compilers begin to fill such a word where its first byte lies.
#[cfg(Py_3_14)]
const fn state_bit(index: u32) -> u32 {
    if cfg!(target_endian = "big") { 1 << (u32::BITS - 1 - index) } else { 1 << index }
}

#[inline(never)]
fn other_characters(object: &Obj) -> Result<Text<'_>> {
    let pointer = object.as_ptr();
    // SAFETY: a text, made ready where the version has texts that are not; its data are `length` units of its kind, and
    // texts never change.
    unsafe {
        #[cfg(not(Py_3_12))]
        if ffi::PyUnicode_IS_READY(pointer) == 0 {
            super::status(ffi::PyUnicode_READY(pointer))?;
        }
        let length = ffi::PyUnicode_GET_LENGTH(pointer) as usize;
        let data = ffi::PyUnicode_DATA(pointer);
        Ok(match ffi::PyUnicode_KIND(pointer) {
            1 => {
                let bytes = std::slice::from_raw_parts(data.cast::<u8>(), length);
                if is_ascii(pointer) { Text::Ascii(bytes) } else { Text::Latin1(bytes) }
            }
            2 => Text::Two(std::slice::from_raw_parts(data.cast(), length)),
            _ => Text::Four(std::slice::from_raw_parts(data.cast(), length)),
        })
    }
}

/// Have two exact `str` the same characters? Each is as narrow as it can be, so equal ones are of one width.
pub(crate) fn same_text(left: &Obj, right: &Obj) -> Result<bool> {
    Ok(match (characters(left)?, characters(right)?) {
        (Text::Ascii(left), Text::Ascii(right)) | (Text::Latin1(left), Text::Latin1(right)) => left == right,
        (Text::Two(left), Text::Two(right)) => left == right,
        (Text::Four(left), Text::Four(right)) => left == right,
        _ => false,
    })
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
