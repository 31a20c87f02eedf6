//! Templates by name, once more: what a page that includes the same template for each of its rows asks for.
//!
//! [`Kept`] remembers of one look-up in the environment's cache what it rested on: the dictionaries of the environment, the
//! cache, the template and its loader, and what their classes are. CPython numbers the states of its dictionaries, so that
//! nothing of it has changed as long as those numbers are the same, and the template is the one that it was.
//!
//! Invariant: what a pointer here points to is held by a dictionary whose number was looked at just before. Versions of
//! CPython that do not number the dictionaries of instances, or keep them elsewhere, remember nothing.
#![expect(unsafe_code, reason = "pointers to what dictionaries hold")]

use std::cell::Cell;
use std::rc::Rc;

use pyo3::ffi;

use crate::attr_cache::{Name, version};
use crate::fresh::{self, Rests};
use crate::host::PyHost;
use crate::objects::{self, Result};
use crate::register::Obj;
use crate::settings::{CacheKey, Settings};
use crate::states;

/// How many names are kept at most.
const NAMES: usize = 32;

/// What the attributes of an instance rest on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    class: u32,
    /// Where the instance has the pointer to its dictionary.
    place: isize,
    dict: u64,
}

impl Stamp {
    /// The stamp of an instance that keeps its attributes in a dictionary; `None` for others.
    ///
    /// # Safety
    /// The object is alive.
    unsafe fn of(object: *mut ffi::PyObject) -> Option<Stamp> {
        // SAFETY: the caller's promise; an instance's dictionary is alive and exactly a dict, or else it is not looked at.
        unsafe {
            let (place, class) = (place_of_dictionary(object)?, version(ffi::Py_TYPE(object)));
            let dict = *object.byte_offset(place).cast::<*mut ffi::PyObject>();
            if dict.is_null() || class == 0 || ffi::Py_TYPE(dict) != objects::class!(PyDict_Type) {
                return None;
            }
            let dict = states::of_any(&Obj::from_borrowed(dict)?)?;
            Some(Stamp { class, place, dict })
        }
    }

    /// Is the instance as it was?
    ///
    /// # Safety
    /// The object is alive.
    #[inline]
    unsafe fn holds(self, object: *mut ffi::PyObject) -> bool {
        // SAFETY: the caller's promise. The version is that of a class whose instances have their pointers at that place.
        unsafe {
            if version(ffi::Py_TYPE(object)) != self.class {
                return false;
            }
            let dict = *object.byte_offset(self.place).cast::<*mut ffi::PyObject>();
            !dict.is_null() && states::is_in(dict, self.dict)
        }
    }
}

/// Where an instance has the pointer to its dictionary, if its class has the stock look-up of attributes.
///
/// # Safety
/// The object is alive.
unsafe fn place_of_dictionary(object: *mut ffi::PyObject) -> Option<isize> {
    const MANAGED_DICT: u64 = 1 << 4;
    if cfg!(Py_3_12) {
        // These versions keep the attributes of instances elsewhere.
        return None;
    }
    // SAFETY: the object is alive, and its class says where the pointer to the dictionary is. It is null as long as the
    // attributes are kept without one.
    unsafe {
        let class = ffi::Py_TYPE(object);
        let generic = ffi::PyObject_GenericGetAttr as *const ();
        if (*class).tp_getattro.is_none_or(|function| function as *const () != generic) {
            return None;
        }
        if cfg!(Py_3_11) && (*class).tp_flags & MANAGED_DICT != 0 {
            return Some(-3 * size_of::<*mut ffi::PyObject>().cast_signed());
        }
        Some((*class).tp_dictoffset).filter(|&place| place > 0)
    }
}

/// An attribute that an instance has in its dictionary, and of which its class knows nothing.
fn own(object: &Obj, name: &Name) -> Result<Option<Obj>> {
    if objects::class_has(object.kind(), &name.object) {
        return Ok(None);
    }
    // It may have none before somebody asks.
    drop(objects::lookup_attr(object, &crate::types::loaded()?.dict.object)?);
    // SAFETY: the object is alive, and its dictionary is, too.
    let dict = unsafe {
        let Some(place) = place_of_dictionary(object.as_ptr()) else { return Ok(None) };
        Obj::from_borrowed(*object.as_ptr().byte_offset(place).cast())
    };
    match dict.filter(objects::is_dict) {
        Some(dict) => objects::dict_get(&dict, &name.object, name.hash),
        None => Ok(None),
    }
}

/// What a look-up of a template by name has found, and what that rested on.
pub(crate) struct Kept {
    name: Obj,
    environment: Stamp,
    cache: (*mut ffi::PyObject, Stamp),
    /// The cache's entries, and the state in which the template was the last one.
    entries: (*mut ffi::PyObject, Cell<u64>),
    /// What it has there.
    key: (Obj, ffi::Py_hash_t),
    template: (*mut ffi::PyObject, Stamp),
    source: Source,
}

/// What says that the template is up to date.
#[derive(Clone, Copy)]
enum Source {
    /// Nobody asks.
    Any,
    /// The loader's mapping, which has the source.
    Mapping { loader: (*mut ffi::PyObject, Stamp), mapping: (*mut ffi::PyObject, u64) },
    /// A callable, which is to be asked each time.
    Asked(*mut ffi::PyObject),
}

impl Kept {
    /// Remembers a template that was found under a name, and moved to the end of the cache's entries.
    pub(crate) fn remember(host: &PyHost, name: &Obj, key: CacheKey, template: &Obj) -> Result<()> {
        let settings = host.settings();
        if let Some(kept) = Kept::new(host, settings, (name, key), template)? {
            let mut all = settings.kept.borrow_mut();
            all.retain(|known| !known.name.is(name));
            if all.len() >= NAMES {
                all.clear();
            }
            all.push(Rc::new(kept));
        }
        Ok(())
    }

    fn new(
        host: &PyHost,
        settings: &Settings,
        (name, key): (&Obj, CacheKey),
        template: &Obj,
    ) -> Result<Option<Kept>> {
        let types = host.types;
        let environment = &settings.environment;
        let Some(cache) = own(environment, &types.cache)? else { return Ok(None) };
        let Some(entries) = own(&cache, &types.entries)?.filter(objects::is_dict) else { return Ok(None) };
        let (Some(_), Some(reload)) =
            (own(environment, &types.loader)?, own(environment, &types.auto_reload)?)
        else {
            return Ok(None);
        };
        let Some(check) = own(template, &types.uptodate)? else { return Ok(None) };
        let source = if reload.is(&objects::boolean(false)) || check.is(&objects::none()) {
            Source::Any
        } else if !reload.is(&objects::boolean(true)) {
            return Ok(None);
        } else {
            match fresh::rests_on(&check)? {
                Rests::Mapping(loader, mapping) => {
                    if own(&loader, &types.mapping)?.is_none_or(|own| !own.is(&mapping)) {
                        return Ok(None);
                    }
                    // SAFETY: the objects are alive.
                    let Some(stamp) = (unsafe { Stamp::of(loader.as_ptr()) }) else { return Ok(None) };
                    let Some(state) = states::of_any(&mapping) else { return Ok(None) };
                    Source::Mapping { loader: (loader.as_ptr(), stamp), mapping: (mapping.as_ptr(), state) }
                }
                Rests::OnItself => Source::Asked(check.as_ptr()),
                Rests::OnSomething => return Ok(None),
            }
        };
        // SAFETY: the objects are alive.
        let stamps = unsafe {
            (Stamp::of(environment.as_ptr()), Stamp::of(cache.as_ptr()), Stamp::of(template.as_ptr()))
        };
        let (Some(environment), Some(cache_stamp), Some(template_stamp)) = stamps else { return Ok(None) };
        let Some(state) = states::of_any(&entries) else { return Ok(None) };
        Ok(Some(Kept {
            name: name.clone(),
            environment,
            cache: (cache.as_ptr(), cache_stamp),
            entries: (entries.as_ptr(), Cell::new(state)),
            key,
            template: (template.as_ptr(), template_stamp),
            source,
        }))
    }

    /// The template of this name, if nothing has changed since it was remembered; it is the last one in the cache now.
    pub(crate) fn find(settings: &Settings, name: &Obj) -> Result<Option<Obj>> {
        let known = settings.kept.borrow().iter().find(|kept| kept.name.is(name)).cloned();
        let Some(kept) = known else { return Ok(None) };
        // SAFETY: the environment is alive. While the number of its dictionary is the same, the cache is in it and alive,
        // and so are the entries in the cache's dictionary.
        let entries = unsafe {
            let holds = kept.environment.holds(settings.environment.as_ptr())
                && kept.cache.1.holds(kept.cache.0)
                && ffi::Py_TYPE(kept.entries.0) == objects::class!(PyDict_Type);
            if !holds {
                return Ok(None);
            }
            Obj::from_borrowed(kept.entries.0)
        };
        let Some(entries) = entries else { return Ok(None) };
        let is_last = states::of_any(&entries) == Some(kept.entries.1.get());
        let template = if is_last {
            // SAFETY: the entries have it, as they had.
            unsafe { Obj::from_borrowed(kept.template.0) }
        } else {
            objects::dict_get(&entries, &kept.key.0, kept.key.1)?
        };
        let Some(template) = template.filter(|template| template.as_ptr() == kept.template.0) else {
            return Ok(None);
        };
        // SAFETY: the template is alive, and while the number of its dictionary is the same, what it is checked by is in
        // that; so is the loader, which that holds, and the mapping in the loader's dictionary.
        unsafe {
            if !kept.template.1.holds(template.as_ptr()) {
                return Ok(None);
            }
            match kept.source {
                Source::Any => {}
                Source::Mapping { loader, mapping } => {
                    if !loader.1.holds(loader.0) || !states::is_in(mapping.0, mapping.1) {
                        return Ok(None);
                    }
                }
                Source::Asked(check) => match Obj::from_borrowed(check) {
                    Some(check) if fresh::says_latest(&check)? => {}
                    _ => return Ok(None),
                },
            }
        }
        if !is_last {
            objects::dict_move_to_end(&entries, &kept.key.0, &template)?;
            if let Some(state) = states::of_any(&entries) {
                kept.entries.1.set(state);
            }
        }
        Ok(Some(template))
    }
}
