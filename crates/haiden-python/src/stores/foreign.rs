//! A cache that Python code implements, as a store of Rust's: so that it can be a tier, or have signed entries.
//!
//! In: buckets. Out: calls of the object's `load_bytecode`, `dump_bytecode` and, if it has them, `load_many`, `clear`,
//! `entries`, with parcels: buckets that carry an entry's bytes as they are, under the content key. Invariant: what
//! comes back is the entry of that key or a miss; an exception is a failure of the store; what is not an `Exception`
//! (`KeyboardInterrupt`, say) is no matter of stores, and raised as soon as they have ended ([`outside`]). The object belongs
//! to the `Store` objects that it is a part of, which show it to Python's garbage collector; a store here only refers to it.

use std::cell::RefCell;
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use haiden_cache::{
    Bucket, BytecodeCache, CacheEntry, CacheError, CacheErrorKind, Cleared, Counters,
    DEFAULT_MAX_ENTRY_BYTES, Entries, Failures, Frame,
};
use pyo3::exceptions::{PyException, PyNotImplementedError, PyRuntimeWarning};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyWeakrefMethods, PyWeakrefReference};

use super::failed;

thread_local! {
    /// What was raised under a store of this thread and is not for the store to swallow.
    static INTERRUPT: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Lets a store work while others have the interpreter.
pub(crate) fn outside<T: Send>(
    py: Python<'_>,
    work: impl Send + FnOnce() -> Result<T, CacheError>,
) -> PyResult<T> {
    let result = py.detach(work);
    match INTERRUPT.take() {
        Some(interrupt) => Err(interrupt),
        None => result.map_err(|error| failed(py, &error)),
    }
}

/// Where a cache of Python's is.
enum Place {
    Weak(Py<PyWeakrefReference>),
    /// Its class allows no weak references.
    Strong(Py<PyAny>),
}

/// A cache of Python's.
pub(super) struct Foreign {
    cache: Place,
    counters: Counters,
    read_only: bool,
    failures: Failures,
    /// Has anybody been warned yet?
    warned: AtomicBool,
}

impl Foreign {
    /// Whoever makes a `Store` of it has to keep the object.
    pub(super) fn new(cache: &Bound<'_, PyAny>, read_only: bool, failures: Failures) -> Foreign {
        let cache = match PyWeakrefReference::new(cache) {
            Ok(weak) => Place::Weak(weak.unbind()),
            Err(_) => Place::Strong(cache.clone().unbind()),
        };
        Foreign { cache, counters: Counters::new(), read_only, failures, warned: AtomicBool::new(false) }
    }

    /// Does something with the Python object.
    fn with<T>(&self, work: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>) -> Result<T, CacheError> {
        Python::attach(|py| {
            let cache = match &self.cache {
                Place::Weak(weak) => weak.bind(py).upgrade(),
                Place::Strong(cache) => Some(cache.bind(py).clone()),
            };
            let gone = || CacheError::new(CacheErrorKind::Unavailable, "the cache is gone");
            work(&cache.ok_or_else(gone)?).map_err(|error| told(py, error))
        })
    }
}

impl BytecodeCache for Foreign {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        let parcel = (bucket.content_key().to_hex(), bucket.checksum());
        let found = self.with(|cache| {
            let parcel = parcel_class(cache.py())?.call1(parcel)?;
            cache.call_method1(intern!(cache.py(), "load_bytecode"), (&parcel,))?;
            contents(&parcel)
        })?;
        if let Some(bytes) = found {
            bucket.bytecode_from_string(&bytes);
        }
        Ok(())
    }

    fn load_many(&self, buckets: &mut [&mut Bucket<'_>]) -> Result<(), CacheError> {
        let parcels: Vec<_> =
            buckets.iter().map(|bucket| (bucket.content_key().to_hex(), bucket.checksum())).collect();
        let found = self.with(|cache| {
            let py = cache.py();
            let class = parcel_class(py)?;
            let made = parcels.into_iter().map(|parcel| class.call1(parcel)).collect::<PyResult<Vec<_>>>()?;
            match cache.getattr_opt(intern!(py, "load_many"))? {
                Some(load_many) => drop(load_many.call1((PyList::new(py, &made)?,))?),
                None => made.iter().try_for_each(|parcel| {
                    cache.call_method1(intern!(py, "load_bytecode"), (parcel,)).map(drop)
                })?,
            }
            made.iter().map(contents).collect::<PyResult<Vec<_>>>()
        })?;
        for (bucket, bytes) in buckets.iter_mut().zip(found) {
            if let Some(bytes) = bytes {
                bucket.bytecode_from_string(&bytes);
            }
        }
        Ok(())
    }

    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        let entry = bucket.bytecode_to_string()?;
        let parcel = (bucket.content_key().to_hex(), bucket.checksum(), entry);
        self.with(|cache| {
            let parcel = parcel_class(cache.py())?.call1(parcel)?;
            cache.call_method1(intern!(cache.py(), "dump_bytecode"), (parcel,)).map(drop)
        })
    }

    fn clear(&self) -> Result<Cleared, CacheError> {
        self.with(|cache| {
            let py = cache.py();
            let base = py.import("haiden.bccache")?.getattr("BytecodeCache")?.getattr("clear")?;
            let clear = cache.getattr_opt(intern!(py, "clear"))?;
            let Some(clear) = clear else { return Ok(Cleared::default()) };
            if clear.getattr_opt(intern!(py, "__func__"))?.is_some_and(|own| own.is(&base)) {
                return Ok(Cleared::default());
            }
            Ok(Cleared::deleted(clear.call0()?.extract().ok(), 0))
        })
    }

    fn counters(&self) -> Option<&Counters> {
        Some(&self.counters)
    }

    fn failures(&self) -> Failures {
        self.failures
    }

    /// Once: what is ill fails for every template.
    fn warn(&self, error: &CacheError) {
        if !self.warned.swap(true, Relaxed) {
            warn(error);
        }
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn size(&self) -> Option<u64> {
        let size = |cache: &Bound<'_, PyAny>| match cache.getattr_opt(intern!(cache.py(), "_size"))? {
            Some(size) => size.call0()?.extract(),
            None => Ok(None),
        };
        self.with(size).ok().flatten()
    }

    fn entries(&self) -> Result<Entries<'_>, CacheError> {
        let found = self.with(|cache| {
            let Some(entries) = cache.getattr_opt(intern!(cache.py(), "entries"))? else {
                return Err(PyNotImplementedError::new_err("this cache cannot list its entries"));
            };
            let py = cache.py();
            let bytes = |entry: PyResult<Bound<'_, PyAny>>| {
                let entry = entry?;
                let key = entry.getattr(intern!(py, "key"))?.extract::<String>()?;
                Ok((key, entry.getattr(intern!(py, "bytecode"))?.extract::<Vec<u8>>()?))
            };
            entries.call0()?.try_iter()?.map(bytes).collect::<PyResult<Vec<_>>>()
        })?;
        let entry = |(key, bytes): (String, Vec<u8>)| match Frame::parse(&bytes, DEFAULT_MAX_ENTRY_BYTES) {
            Ok(frame) => Ok(CacheEntry::from_frame(&frame)),
            Err(reason) => {
                Err(CacheError::new(CacheErrorKind::Rejected(reason), reason.to_string()).with_key(key))
            }
        };
        Ok(Box::new(found.into_iter().map(entry)))
    }
}

/// A failure as a Python warning, which the program may show, turn off or make an error of.
pub(super) fn warn(error: &CacheError) {
    let Ok(message) = CString::new(format!("bytecode cache: {error}").replace('\0', " ")) else { return };
    Python::attach(|py| {
        let told = PyErr::warn(py, py.get_type::<PyRuntimeWarning>().as_any(), &message, 1);
        if let Err(raised) = told {
            INTERRUPT.set(Some(raised));
        }
    });
}

/// The class of buckets whose bytes are passed on as they are.
fn parcel_class(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("haiden._clients")?.getattr(intern!(py, "Parcel"))
}

fn contents(parcel: &Bound<'_, PyAny>) -> PyResult<Option<Vec<u8>>> {
    parcel.getattr(intern!(parcel.py(), "code"))?.extract()
}

/// An exception as a failure of the store.
fn told(py: Python<'_>, error: PyErr) -> CacheError {
    let message = error.to_string();
    if !error.is_instance_of::<PyException>(py) {
        INTERRUPT.set(Some(error));
        return CacheError::new(CacheErrorKind::Other, message);
    }
    if error.is_instance_of::<PyNotImplementedError>(py) {
        return CacheError::new(CacheErrorKind::Unsupported, message);
    }
    CacheError::other(error)
}
