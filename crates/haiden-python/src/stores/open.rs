//! Making stores: one function for each kind, and keys.
//!
//! In: what a constructor of `haiden.cache` was given. Out: a [`Store`]. Invariant: what cannot be opened is an error now; a
//! server is not asked before the first lookup.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[cfg(unix)]
use haiden_cache::FileSystemBytecodeCache;
use haiden_cache::{
    Authenticated, Bundle, BytecodeCache, CacheError, Failures, Gate, KeyRing, MemcachedBytecodeCache,
    MemoryBytecodeCache, Opening, Pausing, RedisBytecodeCache, SqliteBytecodeCache, Tier,
    TieredBytecodeCache,
};
use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::foreign::{Foreign, warn};
use super::{Store, failed};

/// Secrets that sign and check entries.
#[pyclass(frozen, name = "Keys", module = "haiden._native")]
pub(crate) struct Keys(Arc<KeyRing>);

impl Keys {
    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.0)
    }
}

#[pymethods]
#[expect(clippy::needless_pass_by_value, reason = "what Python hands in is converted")]
impl Keys {
    #[new]
    fn new(py: Python<'_>, secrets: Vec<Vec<u8>>) -> PyResult<Keys> {
        let mut secrets = secrets.iter();
        let Some(first) = secrets.next() else { return Err(PyValueError::new_err("there is no secret")) };
        let ring = KeyRing::new(first).and_then(|ring| secrets.try_fold(ring, KeyRing::with));
        ring.map(|ring| Keys(Arc::new(ring))).map_err(|error| failed(py, &error))
    }

    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Keys> {
        KeyRing::from_file(path).map(|ring| Keys(Arc::new(ring))).map_err(|error| failed(py, &error))
    }

    #[getter]
    fn ids(&self) -> Vec<u32> {
        self.0.ids().collect()
    }
}

/// What a server's constructor takes beside the URL.
struct Remote {
    prefix: Option<String>,
    timeout: Option<f64>,
    connect_timeout: Option<f64>,
    operation_timeout: Option<f64>,
    retry_after: Option<f64>,
    max_entry_bytes: Option<usize>,
    read_only: bool,
    failures: String,
}

impl<'a, 'py> FromPyObject<'a, 'py> for Remote {
    type Error = PyErr;

    fn extract(options: Borrowed<'a, 'py, PyAny>) -> PyResult<Remote> {
        Ok(Remote {
            prefix: option(&options, "prefix")?,
            timeout: option(&options, "timeout")?,
            connect_timeout: option(&options, "connect_timeout")?,
            operation_timeout: option(&options, "operation_timeout")?,
            retry_after: option(&options, "retry_after")?,
            max_entry_bytes: option(&options, "max_entry_bytes")?,
            read_only: option(&options, "read_only")?,
            failures: option(&options, "failures")?,
        })
    }
}

/// An option by its name, which the error tells if it is of another type.
fn option<'py, T: FromPyObjectOwned<'py>>(options: &Bound<'py, PyAny>, name: &str) -> PyResult<T> {
    let py = options.py();
    options.get_item(name)?.extract::<T>().map_err(|error| {
        let error: PyErr = error.into();
        PyErr::from_type(error.get_type(py), format!("{name}: {}", error.value(py)))
    })
}

/// One tier: its name, its store, whether it is always asked, what happens when it fails, whether it is only read.
type TierParts<'py> = (String, PyRef<'py, Store>, bool, Option<String>, bool);

macro_rules! configured {
    ($builder:expr, $remote:expr, $keys:expr, $unauthenticated:expr) => {{
        let mut builder =
            $builder.read_only($remote.read_only).failures(failures(&$remote.failures)?).warn_with(warn);
        if let Some(prefix) = $remote.prefix {
            builder = builder.prefix(prefix);
        }
        if let Some(time) = $remote.timeout {
            builder = builder.expire_after(seconds(time)?);
        }
        if let Some(time) = $remote.connect_timeout {
            builder = builder.connect_timeout(seconds(time)?);
        }
        if let Some(time) = $remote.operation_timeout {
            builder = builder.operation_timeout(seconds(time)?);
        }
        if let Some(time) = $remote.retry_after {
            builder = builder.retry_after(seconds(time)?);
        }
        if let Some(bytes) = $remote.max_entry_bytes {
            builder = builder.max_entry_bytes(bytes);
        }
        match $keys {
            Some(keys) => builder.connect_signed(keys.ring()).map(Store::of),
            None if $unauthenticated => builder.unauthenticated().connect().map(Store::of),
            None => builder.connect().map(Store::of),
        }
    }};
}

/// Bounds of bytes and of entries, if there are any.
macro_rules! bounded {
    ($builder:ident, $bounds:expr) => {
        if let Some(bytes) = $bounds.0 {
            $builder = $builder.max_bytes(bytes);
        }
        if let Some(entries) = $bounds.1 {
            $builder = $builder.max_entries(entries);
        }
    };
}

/// The constructors of stores.
#[pyclass(frozen, name = "Stores", module = "haiden._native")]
pub(crate) struct Stores;

#[pymethods]
#[expect(clippy::needless_pass_by_value, reason = "what Python hands in is converted")]
impl Stores {
    #[staticmethod]
    fn memory(max_entries: usize, max_bytes: usize) -> Store {
        Store::of(MemoryBytecodeCache::new(max_entries, max_bytes))
    }

    #[staticmethod]
    fn directory(
        py: Python<'_>,
        path: Option<PathBuf>,
        pattern: String,
        read_only: bool,
        sync: bool,
        bounds: (Option<u64>, Option<u64>),
        on_failure: &str,
    ) -> PyResult<Store> {
        #[cfg(unix)]
        {
            let builder = FileSystemBytecodeCache::builder().pattern(pattern).read_only(read_only).sync(sync);
            let builder = builder.failures(failures(on_failure)?).warn_with(warn);
            let mut builder = match path {
                Some(path) => builder.directory(path),
                None => builder,
            };
            bounded!(builder, bounds);
            Store::opened(py, py.detach(|| builder.open()))
        }
        #[cfg(not(unix))]
        {
            let _ = (path, pattern, read_only, sync, bounds, on_failure);
            let message = "no directories of entries on this system";
            Err(failed(py, &CacheError::new(haiden_cache::CacheErrorKind::Unsupported, message)))
        }
    }

    #[staticmethod]
    fn sqlite(
        py: Python<'_>,
        path: PathBuf,
        busy_timeout: f64,
        read_only: bool,
        bounds: (Option<u64>, Option<u64>),
        on_failure: &str,
    ) -> PyResult<Store> {
        let builder = SqliteBytecodeCache::builder(path).busy_timeout(seconds(busy_timeout)?);
        let mut builder = builder.read_only(read_only).failures(failures(on_failure)?).warn_with(warn);
        bounded!(builder, bounds);
        Store::opened(py, py.detach(|| builder.open()))
    }

    #[staticmethod]
    fn memcached(
        py: Python<'_>,
        url: String,
        remote: Remote,
        keys: Option<PyRef<'_, Keys>>,
        unauthenticated: bool,
    ) -> PyResult<Store> {
        let builder = MemcachedBytecodeCache::builder(url);
        configured!(builder, remote, keys, unauthenticated).map_err(|error| failed(py, &error))
    }

    #[staticmethod]
    fn redis(
        py: Python<'_>,
        url: String,
        remote: Remote,
        keys: Option<PyRef<'_, Keys>>,
        unauthenticated: bool,
    ) -> PyResult<Store> {
        let builder = RedisBytecodeCache::builder(url);
        configured!(builder, remote, keys, unauthenticated).map_err(|error| failed(py, &error))
    }

    #[staticmethod]
    #[pyo3(name = "bundle")]
    fn open_bundle(py: Python<'_>, path: PathBuf, keys: Option<PyRef<'_, Keys>>) -> PyResult<Store> {
        let keys = keys.map(|keys| keys.ring());
        let bundle = py.detach(|| match keys {
            Some(keys) => Bundle::open_signed(path, keys),
            None => Bundle::open(path),
        });
        let bundle = Arc::new(bundle.map_err(|error| failed(py, &error))?);
        Ok(Store { cache: Arc::clone(&bundle) as _, bundle: Some(bundle), held: Vec::new() })
    }

    /// A cache that Python code implements; left alone for a while after it failed.
    #[staticmethod]
    fn foreign(cache: Bound<'_, PyAny>, read_only: bool, on_failure: &str) -> PyResult<Store> {
        let store = Store::of(Pausing::new(Foreign::new(&cache, read_only, failures(on_failure)?)));
        Ok(Store { held: vec![cache.unbind()], ..store })
    }

    /// Several as one.
    #[staticmethod]
    fn tiers(py: Python<'_>, tiers: Vec<TierParts<'_>>) -> PyResult<Store> {
        let (mut all, mut held) = (Vec::with_capacity(tiers.len()), Vec::new());
        for (name, store, always, on_failure, read_only) in tiers {
            held.extend(store.held.iter().map(|cache| cache.clone_ref(py)));
            let mut tier = Tier::new(name, Arc::clone(&store.cache));
            if always {
                tier = tier.gate(Gate::Always);
            }
            if let Some(on_failure) = on_failure {
                tier = tier.failures(failures(&on_failure)?);
            }
            all.push(if read_only { tier.read_only() } else { tier });
        }
        Ok(Store { held, ..Store::of(TieredBytecodeCache::new(all)) })
    }

    /// The store with signed entries.
    #[staticmethod]
    fn signed(py: Python<'_>, store: PyRef<'_, Store>, keys: PyRef<'_, Keys>) -> Store {
        let held = store.held.iter().map(|cache| cache.clone_ref(py)).collect();
        Store { held, ..Store::of(Authenticated::new(Arc::clone(&store.cache), keys.ring())) }
    }

    /// The store at a URL.
    #[staticmethod]
    fn open(
        py: Python<'_>,
        url: &str,
        keys: Option<PyRef<'_, Keys>>,
        unauthenticated: bool,
        read_only: bool,
        on_failure: &str,
    ) -> PyResult<Store> {
        let mut opening = Opening::new().read_only(read_only).failures(failures(on_failure)?).warn_with(warn);
        if let Some(keys) = keys {
            opening = opening.keys(keys.ring());
        }
        if unauthenticated {
            opening = opening.unauthenticated();
        }
        let opened = py.detach(|| opening.open(url)).map_err(|error| failed(py, &error))?;
        Ok(Store { cache: opened.cache, bundle: None, held: Vec::new() })
    }
}

impl Store {
    fn of(cache: impl BytecodeCache + 'static) -> Store {
        Store { cache: Arc::new(cache), bundle: None, held: Vec::new() }
    }

    fn opened(py: Python<'_>, cache: Result<impl BytecodeCache + 'static, CacheError>) -> PyResult<Store> {
        cache.map(Store::of).map_err(|error| failed(py, &error))
    }
}

fn failures(name: &str) -> PyResult<Failures> {
    match name {
        "ignore" => Ok(Failures::Ignore),
        "warn" => Ok(Failures::Warn),
        "raise" => Ok(Failures::Raise),
        _ => Err(PyValueError::new_err(format!("failures={name:?}: expected 'ignore', 'warn' or 'raise'"))),
    }
}

/// What takes longer counts as this: a century. Clocks cannot tell a time that is further off.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

pub(super) fn seconds(seconds: f64) -> PyResult<Duration> {
    if seconds > LONGEST.as_secs_f64() {
        return Ok(LONGEST);
    }
    Duration::try_from_secs_f64(seconds)
        .map_err(|error| PyValueError::new_err(format!("{seconds} seconds: {error}")))
}
