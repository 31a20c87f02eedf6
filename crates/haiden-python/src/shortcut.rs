//! Templates of the stock loader, out of the stock caches, at one go.
//!
//! In: a loader, an environment, its cache, a template's name. Out: what `BaseLoader.load` has once it has asked
//! `get_source` and `get_bucket`; or nothing, and then Python's own methods go that way. Invariant: the short way is taken
//! only where nobody has overridden a method that lies on the long one, in a class or an instance, and where nothing is out of
//! the ordinary; but for the time, nobody can tell which it was. The source is read, hashed and looked up while other
//! threads run, and becomes a Python object only if it must be compiled.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use haiden_bytecode::Image;
use haiden_cache::{CacheError, cache_key};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::attr_cache::class_version;
use crate::code::Code;
use crate::files::{self, Read};
use crate::fresh::FileCheck;
use crate::identity::Identity;
use crate::register::Obj;
use crate::settings::{self, Known, SettingsObject};
use crate::stores::{self, Store};

/// A template's code or, if the cache has none, its source; its file's name; and what tells whether that has changed.
type Found = (Option<Code>, Option<String>, String, FileCheck);

/// What `BaseLoader.load` knows of a template before it compiles anything; `None` if it has to find out by itself.
#[pyfunction]
pub(crate) fn load_stock(
    loader: &Bound<'_, PyAny>,
    environment: &Bound<'_, PyAny>,
    cache: &Bound<'_, PyAny>,
    name: &Bound<'_, PyAny>,
) -> PyResult<Option<Found>> {
    let py = loader.py();
    if !is_stock(loader, cache)? {
        return Ok(None);
    }
    let Ok(name) = name.cast::<PyString>() else { return Ok(None) };
    let Ok(template) = name.to_str() else { return Ok(None) };
    let (Some(places), Some(keeping)) = (places(loader, template)?, Keeping::of(cache)?) else {
        return Ok(None);
    };
    let settings = environment.call_method0(intern!(py, "_machine_settings"))?;
    let settings = Obj::of(settings.cast::<SettingsObject>()?);
    let settings = settings::of(&settings);
    if !settings.compiles_all() {
        return Ok(None);
    }
    let options = settings::options(settings, py, Some(template))?;
    let known: &Known = &options;
    let answer = stores::outside(py, || ask(&places, &keeping, known, template).transpose())?;
    let Some(Answer { place, modified, identity, kept, source }) = answer else { return Ok(None) };
    let autoescape = known.options.autoescape;
    let code = kept.map(|image| {
        let names = (Some(template.to_owned()), Some(place.shown.clone()));
        Code::new(Arc::new(image), names, autoescape, Some(identity))
    });
    let Place { path, shown } = place;
    Ok(Some((code, source, shown.clone(), FileCheck::of(path.into(), modified))))
}

// ---- is it the ordinary case? ---------------------------------------------------------------------------------------

thread_local! {
    /// Pairs of classes, of a loader and a cache, by their versions; and whether their methods are the stock ones.
    static CLASSES: RefCell<Vec<(u32, u32, bool)>> = const { RefCell::new(Vec::new()) };
}

/// How many pairs of classes are remembered.
const MOST_CLASSES: usize = 16;

/// Do loader and cache do what the stock ones do?
fn is_stock(loader: &Bound<'_, PyAny>, cache: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = loader.py();
    let pair = (class_version(loader), class_version(cache));
    let known = CLASSES.with_borrow(|classes| {
        let known = classes.iter().find(|known| (known.0, known.1) == pair);
        known.filter(|_| pair.0 != 0 && pair.1 != 0).map(|known| known.2)
    });
    let stock = match known {
        Some(stock) => stock,
        None => look_at_classes(loader, cache)?,
    };
    if !stock {
        return Ok(false);
    }
    let (loader, cache) = (own(loader)?, own(cache)?);
    let methods = [
        intern!(py, "get_bucket"),
        intern!(py, "get_cache_key"),
        intern!(py, "get_source_checksum"),
        intern!(py, "load_bytecode"),
        intern!(py, "_get_cache_filename"),
    ];
    for method in methods {
        if cache.contains(method)? {
            return Ok(false);
        }
    }
    Ok(!loader.contains(intern!(py, "get_source"))?)
}

/// Asks Python, and remembers the answer until one of the classes changes.
#[cold]
fn look_at_classes(loader: &Bound<'_, PyAny>, cache: &Bound<'_, PyAny>) -> PyResult<bool> {
    let module = loader.py().import("haiden.loaders")?;
    let stock = module.getattr("_is_stock")?.call1((loader.get_type(), cache.get_type()))?.is_truthy()?;
    // Looking gave them versions, if they can have any.
    let pair = (class_version(loader), class_version(cache));
    CLASSES.with_borrow_mut(|classes| {
        if classes.len() >= MOST_CLASSES {
            classes.clear();
        }
        classes.push((pair.0, pair.1, stock));
    });
    Ok(stock)
}

/// What an instance has of its own.
fn own<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    Ok(object.getattr(intern!(object.py(), "__dict__"))?.cast_into()?)
}

/// A file that may have the source: its path, and as `os.path.normpath` gives it.
struct Place {
    path: String,
    shown: String,
}

/// Where a loader looks for a template; `None` if it does so in a way of its own.
fn places(loader: &Bound<'_, PyAny>, name: &str) -> PyResult<Option<Vec<Place>>> {
    let py = loader.py();
    let encoding = loader.getattr(intern!(py, "encoding"))?;
    let utf8 = encoding.cast::<PyString>().is_ok_and(|name| *name == "utf-8" || *name == "utf8");
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    if !utf8 || name.contains('\0') || !name.split('/').all(plain) {
        return Ok(None);
    }
    let searchpath = loader.getattr(intern!(py, "searchpath"))?;
    let Ok(directories) = searchpath.cast_exact::<PyList>() else { return Ok(None) };
    let mut places = Vec::with_capacity(directories.len());
    for directory in directories {
        let Ok(directory) = directory.cast_exact::<PyString>() else { return Ok(None) };
        let Ok(directory) = directory.to_str() else { return Ok(None) };
        let mut path = String::with_capacity(directory.len() + 1 + name.len());
        path.push_str(directory);
        if !directory.is_empty() && !directory.ends_with('/') {
            path.push('/');
        }
        path.push_str(name);
        // A path that begins with a slash has nothing before it.
        let shown = if path.strip_prefix('/').unwrap_or(&path).split('/').all(plain) {
            path.clone()
        } else {
            py.import("os.path")?.getattr("normpath")?.call1((&path,))?.extract()?
        };
        places.push(Place { path, shown });
    }
    Ok(Some(places))
}

/// Where a cache keeps its entries.
enum Keeping {
    /// Jinja2's: in this directory, in files with this before and this behind the key.
    Files(String, String, String),
    Store(Py<Store>),
}

impl Keeping {
    /// `None` if that is not as it usually is.
    fn of(cache: &Bound<'_, PyAny>) -> PyResult<Option<Keeping>> {
        let py = cache.py();
        let own = own(cache)?;
        if let Some(store) = own.get_item(intern!(py, "_store"))? {
            let store = store.cast::<Store>().ok();
            return Ok(store.map(|store| Keeping::Store(store.clone().unbind())));
        }
        let text = |name| -> PyResult<Option<String>> {
            let text = own.get_item(name)?;
            Ok(text.and_then(|text| text.cast_exact::<PyString>().ok()?.to_str().ok().map(str::to_owned)))
        };
        let (Some(directory), Some(pattern)) =
            (text(intern!(py, "directory"))?, text(intern!(py, "pattern"))?)
        else {
            return Ok(None);
        };
        let Some((before, behind)) = pattern.split_once("%s") else { return Ok(None) };
        let odd = |text: &str| text.contains(['%', '/', '\0']);
        if directory.is_empty() || odd(before) || odd(behind) {
            return Ok(None);
        }
        Ok(Some(Keeping::Files(directory, before.to_owned(), behind.to_owned())))
    }
}

// ---- without the interpreter ----------------------------------------------------------------------------------------

/// What was found.
struct Answer {
    place: Place,
    modified: f64,
    identity: Identity,
    /// What the cache has.
    kept: Option<Image>,
    /// The source, if the cache has nothing.
    source: Option<String>,
}

/// Reads the source and asks the cache; `None` if there is anything that Python should see for itself.
fn ask(places: &[Place], keeping: &Keeping, known: &Known, name: &str) -> Option<Result<Answer, CacheError>> {
    files::with_buffer(|contents| {
        let (place, modified) = places.iter().find_map(|place| {
            match files::read_regular(Path::new(&place.path), contents) {
                Read::Nothing => None,
                Read::Odd => Some(None),
                Read::Whole(modified) => Some(Some((place, modified))),
            }
        })??;
        let source = files::text(contents)?;
        let identity = Identity::new(known, &source);
        let kept = match keeping {
            Keeping::Files(directory, before, behind) => {
                let key = cache_key(name, Some(&place.shown));
                let path = format!("{directory}/{before}{key}{behind}");
                Ok(files::with_buffer(|entry| match files::read_regular(Path::new(&path), entry) {
                    Read::Nothing => Some(None),
                    Read::Odd => None,
                    Read::Whole(_) => Some(stores::in_bucket(entry, &identity)),
                })?)
            }
            Keeping::Store(store) => {
                stores::find(store.get().cache(), (name, Some(&place.shown), &source), &identity)
            }
        };
        let kept = match kept {
            Ok(kept) => kept,
            Err(error) => return Some(Err(error)),
        };
        let source = kept.is_none().then(|| source.into_owned());
        let place = Place { path: place.path.clone(), shown: place.shown.clone() };
        Some(Ok(Answer { place, modified, identity, kept, source }))
    })
}
