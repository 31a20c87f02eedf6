//! Reading attributes, items and the parts of containers.
#![expect(unsafe_code, reason = "the C interface")]

#[cfg(not(Py_3_13))]
use std::ffi::c_int;
use std::ptr;

use pyo3::ffi;

#[cfg(Py_3_11)]
use super::scalars::is_compact_ascii;
use super::{Class, Raised, Result, class, int_value, is_dict, is_range, owned, raise, status};
use crate::register::Obj;

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

/// `len(object)`.
pub(crate) fn length(object: &Obj) -> Result<usize> {
    // SAFETY: the object is alive.
    let length = unsafe { ffi::PyObject_Size(object.as_ptr()) };
    usize::try_from(length).map_err(|_| Raised(()))
}

/// `hash(text)` of an exact `str`.
#[inline]
pub(crate) fn text_hash(text: &Obj) -> Result<ffi::Py_hash_t> {
    debug_assert!(super::is_str(text));
    // SAFETY: a text, which has its hash in its head once somebody has asked for it.
    match unsafe { (*text.as_ptr().cast::<ffi::PyASCIIObject>()).hash } {
        -1 => hash(text),
        known => Ok(known),
    }
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
    // SAFETY: an exact dict; what is found is referenced before anything else can happen.
    #[cfg(Py_3_11)]
    unsafe {
        match probe(dict.as_ptr(), key.as_ptr(), hash) {
            Probe::Found(value) => return Ok(Obj::from_borrowed(value)),
            Probe::Absent => return Ok(None),
            Probe::Unknown => {}
        }
    }
    dict_look(dict, key, hash)
}

/// As [`dict_get`], by CPython.
#[cfg_attr(Py_3_11, inline(never))]
#[cfg_attr(not(Py_3_11), inline)]
fn dict_look(dict: &Obj, key: &Obj, hash: ffi::Py_hash_t) -> Result<Option<Obj>> {
    // SAFETY: an exact dict; the result is borrowed from it, so it is referenced before anything else can happen.
    unsafe {
        let value = _PyDict_GetItem_KnownHash(dict.as_ptr(), key.as_ptr(), hash);
        if value.is_null() {
            return if ffi::PyErr_Occurred().is_null() { Ok(None) } else { Err(Raised(())) };
        }
        Ok(Obj::from_borrowed(value))
    }
}

/// What a glance at a dict tells.
#[cfg(Py_3_11)]
enum Probe {
    Found(*mut ffi::PyObject),
    Absent,
    /// The dict must be searched.
    Unknown,
}

/// CPython's dict.
#[cfg(Py_3_11)]
#[repr(C)]
struct Dict {
    base: ffi::PyObject,
    used: ffi::Py_ssize_t,
    version: u64,
    keys: *mut Keys,
    values: *mut ffi::PyObject,
}

/// The table of its keys.
#[cfg(Py_3_11)]
#[repr(C)]
struct Keys {
    references: ffi::Py_ssize_t,
    log2_size: u8,
    log2_index_bytes: u8,
    kind: u8,
    version: u32,
    usable: ffi::Py_ssize_t,
    entries: ffi::Py_ssize_t,
}

/// Kinds of tables: of any keys, and of texts only.
#[cfg(Py_3_11)]
const GENERAL: u8 = 0;
#[cfg(Py_3_11)]
const TEXTS: u8 = 1;

/// Is every key of a dict a text?
pub(crate) fn has_text_keys(dict: &Obj) -> bool {
    debug_assert!(is_dict(dict));
    // SAFETY: an exact dict, alive; nothing runs while it is looked through. The layout is that of the versions this is built
    // for: only a table of any keys may have others than texts.
    unsafe {
        #[cfg(Py_3_11)]
        if (*(*dict.as_ptr().cast::<Dict>()).keys).kind != GENERAL {
            return true;
        }
        let (mut position, mut key) = (0, std::ptr::null_mut());
        while ffi::PyDict_Next(dict.as_ptr(), &raw mut position, &raw mut key, std::ptr::null_mut()) != 0 {
            if ffi::PyUnicode_Check(key) == 0 {
                return false;
            }
        }
        true
    }
}

/// Looks for a key in the places of a small dict, as CPython does, as long as no code of anyone need be asked.
///
/// # Safety
/// An exact dict and a key with its hash, alive.
#[cfg(Py_3_11)]
#[inline(always)]
unsafe fn probe(dict: *mut ffi::PyObject, key: *mut ffi::PyObject, hash: ffi::Py_hash_t) -> Probe {
    // Tables of which the places are bytes.
    const SMALL: u8 = 8;
    const FREE: i8 = -1;
    const MOST_STEPS: u32 = 4;
    // SAFETY: the layouts are those of the versions this is built for. Behind the head of the keys lies the index, of as
    // many bytes as the table has places, then the entries: hash, key and value, or, where all keys are texts, key and
    // value. A place that is free ends every search that comes to it.
    unsafe {
        let dict = dict.cast::<Dict>();
        let keys = (*dict).keys;
        if !(*dict).values.is_null() || (*keys).log2_size >= SMALL {
            return Probe::Unknown;
        }
        let index = keys.add(1).cast::<i8>();
        let entries = keys.add(1).byte_add(1 << (*keys).log2_index_bytes).cast::<*mut ffi::PyObject>();
        let (words, key_word) = match (*keys).kind {
            TEXTS => (2, 0),
            GENERAL => (3, 1),
            _ => return Probe::Unknown,
        };
        let mask = (1_usize << (*keys).log2_size) - 1;
        let (mut perturb, mut at) = (hash as usize, hash as usize & mask);
        for _ in 0..MOST_STEPS {
            let place = *index.add(at);
            if place < 0 {
                return if place == FREE { Probe::Absent } else { Probe::Unknown };
            }
            let entry = entries.add(words * place as usize + key_word);
            let (found, value) = (*entry, *entry.add(1));
            if found == key || is_same_ascii(found, key, hash) {
                return if value.is_null() { Probe::Unknown } else { Probe::Found(value) };
            }
            // Another text with the same hash might still be equal; in a table of other things, whatever it is.
            if words != 2 || (*found.cast::<ffi::PyASCIIObject>()).hash == hash {
                return Probe::Unknown;
            }
            perturb >>= 5;
            at = (at * 5 + perturb + 1) & mask;
        }
        Probe::Unknown
    }
}

/// Are two objects plainly equal texts: of one piece, ASCII, and with this hash? Keys that were read from JSON, say, are no
/// names that the interpreter shares.
///
/// # Safety
/// Both are alive.
#[cfg(Py_3_11)]
#[inline]
unsafe fn is_same_ascii(left: *mut ffi::PyObject, right: *mut ffi::PyObject, hash: ffi::Py_hash_t) -> bool {
    // SAFETY: an exact text of one piece and ASCII has its characters behind its head.
    unsafe {
        let of = |object: *mut ffi::PyObject| {
            let is_ascii = ffi::Py_TYPE(object) == class!(PyUnicode_Type)
                && is_compact_ascii(object)
                && (*object.cast::<ffi::PyASCIIObject>()).hash == hash;
            let characters = object.cast::<ffi::PyASCIIObject>().add(1).cast::<u8>();
            is_ascii
                .then(|| std::slice::from_raw_parts(characters, ffi::PyUnicode_GET_LENGTH(object) as usize))
        };
        matches!((of(left), of(right)), (Some(left), Some(right)) if left == right)
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

/// `iter(object)`, for `a, b = object`: Python has words of its own for that.
pub(crate) fn iter_to_unpack(object: &Obj) -> Result<Obj> {
    or_say(iter(object), object, |name| format!("cannot unpack non-iterable {name} object"))
}

/// `list(object)`, for `f(x, *object)`: Python has words of its own for that, too.
pub(crate) fn list_to_spread(object: &Obj) -> Result<Obj> {
    or_say(super::list_of(object), object, |name| format!("Value after * must be an iterable, not {name}"))
}

/// What iterating gave; where the class of the object cannot be iterated over, the error is what `words` makes of its name.
fn or_say(result: Result<Obj>, object: &Obj, words: impl FnOnce(&str) -> String) -> Result<Obj> {
    result.or_else(|raised| {
        // SAFETY: the object is alive, and so is its class.
        let iterable = unsafe {
            (*ffi::Py_TYPE(object.as_ptr())).tp_iter.is_some() || ffi::PySequence_Check(object.as_ptr()) != 0
        };
        if iterable || !raised.matches(&Class::Type.object()) {
            return Err(raised);
        }
        raised.clear();
        raise(&Class::Type.object(), &words(&class_name(object)))
    })
}

/// What Python's own errors call the class of an object.
pub(crate) fn class_name(object: &Obj) -> String {
    // SAFETY: the object is alive, and so is its class; a class's name ends with a zero, and lives as long as the class.
    let name = unsafe { std::ffi::CStr::from_ptr((*ffi::Py_TYPE(object.as_ptr())).tp_name) };
    name.to_string_lossy().into_owned()
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
