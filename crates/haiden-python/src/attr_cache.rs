//! Attribute sites: a name, and where the objects that were seen last keep it.
//!
//! Jinja's rule for `a.b`: the attribute; if there is none, the item; else undefined. A site takes a shorter road for what
//! it has seen, and each road agrees with [`Site::generic`]:
//! * an exact `dict`, if `dict` itself has no attribute of that name: the item;
//! * an instance of a class with the generic `__getattribute__`: what the class has under the name is known as long as the
//!   class's version tag is (CPython takes it away when the class or a base of it changes). A property is called; a slot is
//!   read; if the class has nothing, the instance's own values or dictionary decide.
//!
//! Instances lie in memory in another way in each version of CPython, see [`values_of`] and [`dictionary_of`].
#![expect(unsafe_code, reason = "CPython's layouts of classes and instances")]

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;

use crate::guard::Suspicion;
use crate::objects::{self, Class, Result, Text, class};
use crate::output::Output;
use crate::register::Obj;
use crate::states;
use crate::types;

unsafe extern "C" {
    fn _PyType_Lookup(class: *mut ffi::PyTypeObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject;
}

/// A name, interned.
#[derive(Clone)]
pub(crate) struct Name {
    pub(crate) object: Obj,
    pub(crate) hash: ffi::Py_hash_t,
    /// What a sandbox thinks of it.
    suspicion: Suspicion,
    /// `dict` has an attribute of this name.
    is_of_dict: bool,
}

impl Name {
    pub(crate) fn new(text: &str) -> Result<Name> {
        let object = objects::intern(text)?;
        let hash = objects::hash(&object)?;
        let is_of_dict = objects::class_has(class!(PyDict_Type), &object);
        Ok(Name { object, hash, suspicion: Suspicion::of(text), is_of_dict })
    }

    /// As a Rust text.
    pub(crate) fn text(&self) -> &str {
        objects::utf8(&self.object).unwrap_or_default()
    }
}

/// A name at a place where attributes are read.
///
/// There are many of them in a program: what one needs of its [`Name`] lies in it, and it fits into 64 bytes.
pub(crate) struct Site {
    pub(crate) name: Obj,
    hash: ffi::Py_hash_t,
    /// What a sandbox thinks of the name.
    pub(crate) suspicion: Suspicion,
    fast: bool,
    /// `dict` has no attribute of this name.
    item_of_dict: bool,
    /// Who gets the value takes nothing at all as an undefined one.
    pub(crate) may_be_missing: bool,
    memory: Cell<Memory>,
    /// The state of the dictionary of the instance that was seen last, and what it has, borrowed: as long as a dictionary is
    /// in that state, it has it.
    seen: Cell<(u64, *mut ffi::PyObject)>,
}

#[derive(Clone, Copy)]
struct Memory {
    /// The class's version tag; 0 for none.
    version: u32,
    road: Road,
}

#[derive(Clone, Copy)]
enum Road {
    Generic,
    /// The class has nothing: the instance's value at this place of the class's shared keys.
    #[cfg(Py_3_11)]
    Instance(u32),
    /// The class has nothing, and the instance keeps its dictionary at this offset.
    #[cfg(not(Py_3_11))]
    Dictionary(isize),
    /// A property, borrowed from the class.
    Property(*mut ffi::PyObject),
    /// A slot at this offset.
    Slot(isize),
}

/// The class's version tag, 0 if it has none.
///
/// Before 3.11 a flag says whether the tag is valid; since then an invalid one is 0.
///
/// # Safety
/// The class is alive.
#[inline(always)]
pub(crate) unsafe fn version(class: *mut ffi::PyTypeObject) -> u32 {
    // SAFETY: the caller's class is alive.
    unsafe {
        #[cfg(not(Py_3_11))]
        {
            const VALID_VERSION_TAG: u64 = 1 << 19;
            if (*class).tp_flags as u64 & VALID_VERSION_TAG == 0 {
                return 0;
            }
        }
        (*class).tp_version_tag
    }
}

/// The version tag of an object's class, 0 if it has none: another one says that the class, or a base of it, has changed.
pub(crate) fn class_version(object: &Bound<'_, PyAny>) -> u32 {
    // SAFETY: an object's class is alive.
    unsafe { version(ffi::Py_TYPE(object.as_ptr())) }
}

/// The version tag of a class, 0 if it has none.
pub(crate) fn version_of(class: &Obj) -> u32 {
    debug_assert!(objects::is_type(class), "a class");
    // SAFETY: it is a class, and alive.
    unsafe { version(class.as_ptr().cast()) }
}

impl Site {
    #[inline]
    pub(crate) fn new(name: &Name, fast: bool) -> Site {
        Site {
            name: name.object.clone(),
            hash: name.hash,
            suspicion: name.suspicion,
            fast,
            item_of_dict: fast && !name.is_of_dict,
            may_be_missing: false,
            memory: Cell::new(Memory { version: 0, road: Road::Generic }),
            seen: Cell::new((0, ptr::null_mut())),
        }
    }

    /// The item of an exact dict, if dicts have no attribute of that name.
    #[inline]
    pub(crate) fn item_of_dict(&self, object: &Obj) -> Result<Option<Obj>> {
        if self.item_of_dict && objects::is_dict(object) {
            objects::dict_get(object, &self.name, self.hash)
        } else {
            Ok(None)
        }
    }

    /// The attribute, else the item, else `None`.
    #[inline(always)]
    pub(crate) fn get(&self, object: &Obj) -> Result<Option<Obj>> {
        match self.at_hand(object) {
            Some(value) => Ok(Some(value)),
            None => self.look(object),
        }
    }

    /// The attribute, if the road to it is short and known.
    #[inline(always)]
    pub(crate) fn at_hand(&self, object: &Obj) -> Option<Obj> {
        // SAFETY: null or what the object holds.
        unsafe { Obj::from_borrowed(self.pointer_at_hand(object)) }
    }

    /// Is the attribute there, and the road to it short and known?
    #[inline(always)]
    pub(crate) fn is_at_hand(&self, object: &Obj) -> bool {
        !self.pointer_at_hand(object).is_null()
    }

    /// Prints the attribute if it is at hand, and a text of ASCII characters or an integer of few digits; `false` if not.
    #[inline(always)]
    pub(crate) fn print_at_hand(&self, out: &mut Output, object: &Obj, escape: bool) -> bool {
        // SAFETY: null or what the object holds. The reference is not given back, and nothing is released meanwhile: no
        // Python code runs.
        let Some(value) = unsafe { Obj::from_owned(self.pointer_at_hand(object)) }.map(ManuallyDrop::new)
        else {
            return false;
        };
        if objects::is_str(&value) {
            let Some(text) = objects::ascii(&value) else { return false };
            out.push_text(Text::Ascii(text), escape);
        } else if let Some(value) = objects::int_value(&value) {
            out.push_int(value);
        } else {
            return false;
        }
        true
    }

    /// The attribute, borrowed, if the road to it is short and known; else null.
    #[inline(always)]
    fn pointer_at_hand(&self, object: &Obj) -> *mut ffi::PyObject {
        let memory = self.memory.get();
        // SAFETY: an object's class is alive. A class without a version has the one of a site that knows none, of which
        // the road is the generic one.
        if memory.version != unsafe { version(object.kind()) } {
            return ptr::null_mut();
        }
        #[cfg(Py_3_11)]
        if let Road::Instance(place) = memory.road {
            // SAFETY: the version is the one for which the road was found; see `take`. A dictionary in the state that was
            // seen is the one that was seen, and has what it had.
            unsafe {
                let values = values_of(object.as_ptr());
                if !values.is_null() {
                    return *values.add(place as usize);
                }
                let (dictionary, (seen, value)) = (dictionary_of(object.as_ptr()), self.seen.get());
                let is_seen = !dictionary.is_null() && states::is_in(dictionary, seen);
                return if is_seen { value } else { ptr::null_mut() };
            }
        }
        if let Road::Slot(offset) = memory.road {
            // SAFETY: the version is the one for which the road was found: a member descriptor of the class says that there
            // is a pointer; it may be null.
            return unsafe { *object.as_ptr().byte_offset(offset).cast::<*mut ffi::PyObject>() };
        }
        ptr::null_mut()
    }

    /// As [`Site::get`], where nothing is at hand.
    #[inline(never)]
    pub(crate) fn look(&self, object: &Obj) -> Result<Option<Obj>> {
        if self.item_of_dict && objects::is_dict(object) {
            return objects::dict_get(object, &self.name, self.hash);
        }
        let memory = self.memory.get();
        // SAFETY: an object's class is alive.
        let version = unsafe { version(object.kind()) };
        if memory.version != version || version == 0 {
            return self.learn(object);
        }
        // SAFETY: the version is the one for which the road was found.
        match unsafe { self.take(memory.road, object) } {
            Some(value) => Ok(Some(value)),
            None => self.other(memory.road, object),
        }
    }

    /// The value at the end of a road that runs no code.
    ///
    /// # Safety
    /// The road was found for the object's class, which has not changed since.
    #[inline(always)]
    unsafe fn take(&self, road: Road, object: &Obj) -> Option<Obj> {
        let pointer = object.as_ptr();
        match road {
            #[cfg(Py_3_11)]
            Road::Instance(place) => {
                // SAFETY: the class keeps the values of its instances parallel to its shared keys (`road_of_instance`), or
                // in a dictionary. Either may be null.
                unsafe {
                    let values = values_of(pointer);
                    if !values.is_null() {
                        return Obj::from_borrowed(*values.add(place as usize));
                    }
                    let dictionary = Obj::from_borrowed(dictionary_of(pointer))?;
                    self.in_dictionary(&dictionary)
                }
            }
            #[cfg(not(Py_3_11))]
            Road::Dictionary(offset) => {
                // SAFETY: the class says that its instances have a pointer to a dictionary there; it may be null.
                let dictionary =
                    unsafe { Obj::from_borrowed(*pointer.byte_offset(offset).cast::<*mut ffi::PyObject>()) }?;
                self.in_dictionary(&dictionary)
            }
            Road::Slot(offset) => {
                // SAFETY: a member descriptor of the class says that there is a pointer; it may be null.
                unsafe { Obj::from_borrowed(*pointer.byte_offset(offset).cast::<*mut ffi::PyObject>()) }
            }
            Road::Property(_) | Road::Generic => None,
        }
    }

    fn in_dictionary(&self, dictionary: &Obj) -> Option<Obj> {
        if !objects::is_dict(dictionary) {
            return None;
        }
        let state = states::of_any(dictionary);
        if let Some(state) = state
            && state == self.seen.get().0
        {
            return objects::borrowed(self.seen.get().1);
        }
        match objects::dict_get(dictionary, &self.name, self.hash) {
            Ok(value) => {
                if let (Some(state), Some(value)) = (state, &value)
                    && states::of_any(dictionary) == Some(state)
                {
                    self.seen.set((state, value.as_ptr()));
                }
                value
            }
            Err(raised) => {
                // The generic road meets the same error and reports it.
                raised.clear();
                None
            }
        }
    }

    #[inline(never)]
    fn other(&self, road: Road, object: &Obj) -> Result<Option<Obj>> {
        let Road::Property(property) = road else { return self.generic(object) };
        // SAFETY: the property lives in the class, whose version is unchanged; its getter is its first member. It is
        // referenced before it runs, since it may change the class.
        let getter = unsafe { Obj::from_borrowed(*property.cast::<*mut ffi::PyObject>().add(2)) };
        let Some(getter) = getter else { return self.generic(object) };
        match objects::call(&getter, std::slice::from_ref(object), None) {
            Ok(value) => Ok(Some(value)),
            Err(raised) if raised.matches(&Class::Attribute.object()) => {
                raised.clear();
                // A property that fails so is followed by `__getattr__`, but a class that has one is not generic.
                self.item(object)
            }
            Err(raised) => Err(raised),
        }
    }

    /// Finds the road for the object's class, and the attribute.
    #[cold]
    #[inline(never)]
    fn learn(&self, object: &Obj) -> Result<Option<Obj>> {
        if let Some(attributes) = namespace_attributes(object)?
            && self.fast
            && objects::utf8(&self.name).unwrap_or_default() != "__class__"
        {
            return objects::dict_get(&attributes, &self.name, self.hash);
        }
        let value = self.generic(object)?;
        if self.fast {
            // SAFETY: an object's class is alive.
            unsafe { self.remember(object.kind()) };
        }
        Ok(value)
    }

    unsafe fn remember(&self, class: *mut ffi::PyTypeObject) {
        // SAFETY: the class is alive. `_PyType_Lookup` gives it a version tag if it can have one; what it returns is
        // borrowed from a class's dictionary and looked at before anything else runs.
        unsafe {
            let generic = ffi::PyObject_GenericGetAttr as *const ();
            if (*class).tp_getattro.is_none_or(|function| function as *const () != generic) {
                return;
            }
            let found = _PyType_Lookup(class, self.name.as_ptr());
            let version = version(class);
            if version == 0 {
                return;
            }
            let road = if found.is_null() { self.road_of_instance(class) } else { road_of_descriptor(found) };
            self.memory.set(Memory { version, road });
        }
    }

    #[cfg(Py_3_11)]
    unsafe fn road_of_instance(&self, class: *mut ffi::PyTypeObject) -> Road {
        const MANAGED_DICT: u64 = 1 << 4;
        const INLINE_VALUES: u64 = 1 << 2;
        const NEEDED: u64 = if cfg!(Py_3_13) { MANAGED_DICT | INLINE_VALUES } else { MANAGED_DICT };
        // SAFETY: a class with managed dictionaries is a heap type; its shared keys, if it has some, are a header of 32
        // bytes (byte 9: the logarithm of the size of the index in bytes, bytes 24 to 32: how many entries), the
        // index, then entries of key and value.
        unsafe {
            if (*class).tp_flags & NEEDED != NEEDED {
                return Road::Generic;
            }
            // Since 3.14 slots of the class may lie between an instance's head and its values.
            if cfg!(Py_3_14) && (*class).tp_basicsize != size_of::<ffi::PyObject>() as isize {
                return Road::Generic;
            }
            let keys = (*class.cast::<ffi::PyHeapTypeObject>()).ht_cached_keys.cast::<usize>();
            if keys.is_null() {
                return Road::Generic;
            }
            let index = 1_usize << *keys.cast::<u8>().add(9);
            let count = keys.add(3).cast::<isize>().read();
            let entries = keys.byte_add(32 + index).cast::<[*mut ffi::PyObject; 2]>();
            let place = (0..count).find(|&n| (*entries.offset(n))[0] == self.name.as_ptr());
            place.map_or(Road::Generic, |place| Road::Instance(place as u32))
        }
    }

    #[cfg(not(Py_3_11))]
    unsafe fn road_of_instance(&self, class: *mut ffi::PyTypeObject) -> Road {
        // SAFETY: the class is alive.
        match unsafe { (*class).tp_dictoffset } {
            offset if offset > 0 => Road::Dictionary(offset as isize),
            _ => Road::Generic,
        }
    }

    /// The slow road, which all others agree with.
    #[inline(never)]
    fn generic(&self, object: &Obj) -> Result<Option<Obj>> {
        match objects::lookup_attr(object, &self.name)? {
            Some(value) => Ok(Some(value)),
            None => self.item(object),
        }
    }

    fn item(&self, object: &Obj) -> Result<Option<Obj>> {
        item_or_none(object, &self.name)
    }
}

/// The values of an instance, parallel to the shared keys of its class; null if it keeps them in a dictionary.
///
/// In 3.11 a pointer to them lies four words before the instance. In 3.12 it is three words before it, where the dictionary
/// would be, less one, so that it is odd. Since 3.13 they are part of the instance: behind its head come four bytes, of which
/// the last says whether they count, and with the next word the values.
///
/// # Safety
/// The object is alive, and its class keeps values so ([`Site::road_of_instance`]).
#[cfg(Py_3_11)]
#[inline(always)]
unsafe fn values_of(object: *mut ffi::PyObject) -> *const *mut ffi::PyObject {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(not(Py_3_12))]
        {
            *object.cast::<*const *mut ffi::PyObject>().sub(4)
        }
        #[cfg(all(Py_3_12, not(Py_3_13)))]
        {
            let values = *object.cast::<*const *mut ffi::PyObject>().sub(3);
            if values.addr() & 1 == 1 { values.byte_add(1) } else { ptr::null() }
        }
        #[cfg(Py_3_13)]
        {
            let head = object.add(1).cast::<*mut ffi::PyObject>();
            if *head.cast::<u8>().add(3) == 1 { head.add(1) } else { ptr::null() }
        }
    }
}

/// The dictionary of an instance that has no values of its own; null if there is none.
///
/// # Safety
/// As for [`values_of`], which has returned null.
#[cfg(Py_3_11)]
#[inline]
unsafe fn dictionary_of(object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise: three words before the instance lies the pointer, in all these versions.
    unsafe { *object.cast::<*mut ffi::PyObject>().sub(3) }
}

/// The dict of the attributes of a `namespace()`; `None` for anything else.
pub(crate) fn namespace_attributes(object: &Obj) -> Result<Option<Obj>> {
    let types = types::loaded()?;
    if object.kind().cast() != types.namespace.as_ptr() {
        return Ok(None);
    }
    // Its own `__getattribute__` would look into that dict.
    let attributes = objects::generic_get_attr(object, &types.namespace_attributes.object)?;
    Ok(objects::is_dict(&attributes).then_some(attributes))
}

/// What a descriptor that a class has under the name means for its instances.
unsafe fn road_of_descriptor(found: *mut ffi::PyObject) -> Road {
    // SAFETY: the object is alive.
    unsafe {
        if ffi::Py_TYPE(found) == class!(PyProperty_Type) {
            return Road::Property(found);
        }
        slot_of(found).map_or(Road::Generic, Road::Slot)
    }
}

/// The offset of the slot that a descriptor is for.
///
/// # Safety
/// `found` is null or alive.
pub(crate) unsafe fn slot_of(found: *mut ffi::PyObject) -> Option<isize> {
    #[repr(C)]
    struct MemberDescriptor {
        base: ffi::PyObject,
        class: *mut ffi::PyTypeObject,
        name: *mut ffi::PyObject,
        qualname: *mut ffi::PyObject,
        member: *mut ffi::PyMemberDef,
    }
    const OBJECT_EX: std::ffi::c_int = 16;
    // SAFETY: the object is alive; the layouts are those of the exact types that are asked for.
    unsafe {
        if found.is_null() || ffi::Py_TYPE(found) != class!(PyMemberDescr_Type) {
            return None;
        }
        let member = (*found.cast::<MemberDescriptor>()).member;
        ((*member).type_code == OBJECT_EX).then(|| (*member).offset)
    }
}

/// `object[key]` for a text key, or `None` where Jinja says undefined.
fn item_or_none(object: &Obj, key: &Obj) -> Result<Option<Obj>> {
    // Without a subscript slot nothing but a `TypeError` could come.
    if objects::has_subscript(object) { any_item_or_none(object, key) } else { Ok(None) }
}

/// `object[key]`, or `None` where Jinja says undefined.
pub(crate) fn any_item_or_none(object: &Obj, key: &Obj) -> Result<Option<Obj>> {
    match objects::get_item(object, key) {
        Ok(value) => Ok(Some(value)),
        Err(raised) => {
            let quiet = [Class::Lookup, Class::Type, Class::Attribute];
            if quiet.iter().any(|class| raised.matches(&class.object())) {
                raised.clear();
                Ok(None)
            } else {
                Err(raised)
            }
        }
    }
}
