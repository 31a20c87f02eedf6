//! `haiden._native.Store`: the stores of `haiden-cache`, for `haiden.cache`.
//!
//! In: a template's source, the environment's settings. Out: its code, or nothing. Invariant: the key is the one that the
//! `haiden` crate makes of the same source and options, so that either language reads what the other wrote; the interpreter
//! is not held while a store works.

mod foreign;
mod listing;
mod open;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use haiden_bytecode::{Expected, Header, Image};
use haiden_cache::{
    Bounds, Bucket, Bundle, BundleBuilder, BytecodeCache, CacheError, Rejection, source_checksum,
};
use haiden_compiler::SEMANTICS;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};
use twox_hash::XxHash3_128;

pub(crate) use self::foreign::outside;
pub(crate) use self::open::{Keys, Stores};
use crate::code::Code;
use crate::identity::Identity;
use crate::register::Obj;
use crate::settings::{self, SettingsObject};
use crate::{loading, objects, types};

/// A store, or several as tiers.
#[pyclass(frozen, name = "Store", module = "haiden._native")]
pub(crate) struct Store {
    cache: Arc<dyn BytecodeCache>,
    /// The same, if it is a bundle.
    bundle: Option<Arc<Bundle>>,
    /// The caches of Python's in it.
    held: Vec<Py<PyAny>>,
}

/// The template of a lookup: name, file name, source.
type Wanted = (String, Option<String>, String);

/// One of several lookups: its place among them, and what its image is known by.
struct Asked {
    at: usize,
    template: Wanted,
    identity: Identity,
    autoescape: bool,
}

#[pymethods]
impl Store {
    /// The code of a source, if the store has it; nothing of an environment whose templates Python code parses.
    #[pyo3(signature = (settings, source, name, filename=None))]
    fn load(
        &self,
        settings: &Bound<'_, SettingsObject>,
        source: &str,
        name: &str,
        filename: Option<&str>,
    ) -> PyResult<Option<Code>> {
        let py = settings.py();
        let object = Obj::of(settings);
        let known = settings::of(&object);
        let found = Identity::of_source(known, py, source, Some(name))?;
        let Some((identity, autoescape)) = found else { return Ok(None) };
        let image = outside(py, || find(&*self.cache, (name, filename, source), &identity))?;
        let code = |image| {
            Code::new(
                Arc::new(image),
                (Some(name.to_owned()), filename.map(str::to_owned)),
                autoescape,
                Some(identity),
            )
        };
        Ok(image.map(code))
    }

    /// As `load`, of several at once: in one round trip, if the store can.
    fn load_many(
        &self,
        settings: &Bound<'_, SettingsObject>,
        templates: Vec<Wanted>,
    ) -> PyResult<Vec<Option<Code>>> {
        let py = settings.py();
        let object = Obj::of(settings);
        let known = settings::of(&object);
        let mut codes: Vec<Option<Code>> = templates.iter().map(|_| None).collect();
        let mut asked = Vec::with_capacity(templates.len());
        for (at, template) in templates.into_iter().enumerate() {
            let found = Identity::of_source(known, py, &template.2, Some(&template.0))?;
            if let Some((identity, autoescape)) = found {
                asked.push(Asked { at, template, identity, autoescape });
            }
        }
        let cache = &*self.cache;
        let images = outside(py, || load_many(cache, &asked))?;
        for (Asked { at, template, identity, autoescape }, image) in asked.into_iter().zip(images) {
            let (name, filename, _) = template;
            codes[at] = image
                .map(|image| Code::new(Arc::new(image), (Some(name), filename), autoescape, Some(identity)));
        }
        Ok(codes)
    }

    /// Keeps the code of a source. What has no identity is not kept. `compiling` is what compiling took, in seconds.
    #[pyo3(signature = (code, source, name, filename=None, compiling=None))]
    fn dump(
        &self,
        code: &Bound<'_, Code>,
        source: &str,
        name: &str,
        filename: Option<&str>,
        compiling: Option<f64>,
    ) -> PyResult<()> {
        let (py, code) = (code.py(), code.get());
        let (Some(identity), None) = (&code.identity, &code.objects) else { return Ok(()) };
        let (cache, image) = (&*self.cache, &*code.image);
        outside(py, || {
            if let Some(took) = compiling.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
                cache.observe_compile(source.len(), took);
            }
            let mut bucket = cache.empty_bucket(name, filename, source, identity.content_key());
            bucket.set_bytecode(haiden_bytecode::to_bytes(image, &identity.header()));
            cache.set_bucket(&bucket)
        })
    }

    /// What lies under the key of a bucket that was made by hand.
    fn load_bytes<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        checksum: &str,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let mut bucket = Bucket::new(key, checksum);
        outside(py, || self.cache.lookup(&mut bucket))?;
        Ok(bucket.bytecode().map(|bytes| PyBytes::new(py, bytes)))
    }

    /// Keeps the bytes of a bucket that was made by hand.
    fn dump_bytes(&self, py: Python<'_>, key: &str, checksum: &str, bytes: &[u8]) -> PyResult<()> {
        let mut bucket = Bucket::new(key, checksum);
        bucket.set_bytecode(bytes);
        outside(py, || self.cache.set_bucket(&bucket))
    }

    /// Clears; how far that reaches (`nothing`, `invalidates`, `deletes`), how many were deleted, how many could not be.
    fn clear(&self, py: Python<'_>) -> PyResult<(&'static str, Option<u64>, u64)> {
        use haiden_cache::ClearReach;
        let cleared = outside(py, || self.cache.clear())?;
        let reach = match cleared.reach {
            ClearReach::Nothing => "nothing",
            ClearReach::Invalidates => "invalidates",
            ClearReach::Deletes => "deletes",
        };
        Ok((reach, cleared.removed, cleared.failed))
    }

    /// The figures by their names.
    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let figures = outside(py, || Ok(self.cache.statistics()))?;
        listing::dictionary(py, &figures)
    }

    /// All sound entries; with `damaged`, the others, too.
    fn entries<'py>(&self, py: Python<'py>, damaged: bool) -> PyResult<Vec<listing::Entry<'py>>> {
        listing::entries(py, &*self.cache, damaged)
    }

    /// Brings the store within bounds: how many entries were removed, their bytes, how many stay, their bytes, how many
    /// could not be removed. `max_age` is in seconds.
    #[pyo3(signature = (max_age, max_bytes, max_entries, dry_run))]
    fn collect(
        &self,
        py: Python<'_>,
        max_age: Option<f64>,
        max_bytes: Option<u64>,
        max_entries: Option<u64>,
        dry_run: bool,
    ) -> PyResult<[u64; 5]> {
        let max_age = max_age.map(open::seconds).transpose()?;
        let bounds = Bounds { max_age, max_bytes, max_entries };
        let done = outside(py, || self.cache.collect(&bounds, dry_run))?;
        Ok([done.removed, done.removed_bytes, done.kept, done.kept_bytes, done.failed])
    }

    /// Is it a sealed bundle?
    #[getter]
    fn is_sealed(&self) -> bool {
        self.bundle.as_ref().is_some_and(|bundle| bundle.is_sealed())
    }

    /// The names in a bundle.
    fn names(&self) -> Vec<&str> {
        self.bundle.as_ref().map(|bundle| bundle.names().collect()).unwrap_or_default()
    }

    /// A template of a sealed bundle, by its name; `None` if there is none, a text that says why the one that is there cannot
    /// be used. The interpreter is kept: what there is to do takes less than what others would do meanwhile.
    fn template(
        &self,
        environment: &Bound<'_, PyAny>,
        name: &Bound<'_, PyString>,
        globals: &Bound<'_, PyAny>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let Some(bundle) = &self.bundle else { return Ok(None) };
        let py = environment.py();
        let types = types::types(py)?.get(py);
        let settings =
            loading::settings_of(types, &Obj::of(environment)).map_err(|raised| raised.take(py))?;
        let text = name.to_str()?;
        let options = settings::options(settings::of(&settings), py, Some(text))?;
        let expected = Expected { semantics: SEMANTICS, fingerprint: options.fingerprint, source: None };
        let (header, image) = match sealed(bundle, text, &expected) {
            None => return Ok(None),
            Some(Err(rejection)) => return Ok(Some(PyString::new(py, rejection.name()).into_any().unbind())),
            Some(Ok(loaded)) => loaded,
        };
        let identity = Some(Identity::of_header(&header));
        let names = (Some(text.to_owned()), None);
        let code = Code::new(Arc::new(image), names, options.options.autoescape, identity);
        let code = Obj::of(&Bound::new(py, code)?);
        objects::untrack(&code);
        let made = loading::from_code(types, &settings, &Obj::of(name), code, Obj::of(globals));
        made.map(|template| Some(template.bound(py).unbind())).map_err(|raised| raised.take(py))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.held.iter().try_for_each(|cache| visit.call(cache))
    }
    #[expect(clippy::unused_self, reason = "the ring is cut in the cache's dictionary")]
    fn __clear__(&self) {}
}

/// The image of a template of a sealed bundle, or why the one that is there cannot be used.
fn sealed(bundle: &Bundle, name: &str, expected: &Expected) -> Option<Result<(Header, Image), Rejection>> {
    let started = Instant::now();
    let range = match bundle.template_range(name)? {
        Ok(range) => range,
        Err(rejection) => return Some(Err(rejection)),
    };
    let loaded = haiden_bytecode::load_shared(bundle.bytes(), range, expected).map_err(|rejection| {
        let rejection = reason(&rejection);
        bundle.reject(rejection);
        rejection
    });
    if let Ok((_, image)) = &loaded {
        record_hit(bundle, image.text().len(), started.elapsed());
    }
    Some(loaded)
}

/// Writes a bundle of codes with their names and sources.
#[pyfunction]
#[pyo3(signature = (path, codes, sealed, keys=None))]
#[expect(clippy::needless_pass_by_value, reason = "what Python hands in is converted")]
pub(crate) fn write_bundle(
    py: Python<'_>,
    path: std::path::PathBuf,
    codes: Vec<(String, Py<Code>, String)>,
    sealed: bool,
    keys: Option<PyRef<'_, Keys>>,
) -> PyResult<()> {
    let mut builder = BundleBuilder::new().sealed(sealed);
    if let Some(keys) = &keys {
        builder = builder.signed_by(keys.ring());
    }
    for (name, code, source) in &codes {
        let code = code.get();
        let (Some(identity), None) = (&code.identity, &code.objects) else {
            let message = format!("{name:?} was compiled by Python code: no bundle can hold it");
            return Err(pyo3::exceptions::PyValueError::new_err(message));
        };
        let bytes = haiden_bytecode::to_bytes(&code.image, &identity.header());
        let added = builder.add(name, identity.content_key(), &source_checksum(source), &bytes);
        added.map_err(|error| failed(py, &error))?;
    }
    write(py, &builder, &path)
}

fn write(py: Python<'_>, builder: &BundleBuilder, path: &Path) -> PyResult<()> {
    py.detach(|| builder.write(path)).map_err(|error| failed(py, &error))
}

impl Store {
    pub(crate) fn cache(&self) -> &dyn BytecodeCache {
        &*self.cache
    }
}

/// The image of a template (its name, file name, source), if the cache has it.
pub(crate) fn find(
    cache: &dyn BytecodeCache,
    (name, filename, source): (&str, Option<&str>, &str),
    identity: &Identity,
) -> Result<Option<Image>, CacheError> {
    let started = Instant::now();
    let mut bucket = cache.get_bucket(name, filename, source, identity.content_key())?;
    let image = loaded(cache, &mut bucket, identity);
    if image.is_some() {
        record_hit(cache, source.len(), started.elapsed());
    }
    Ok(image)
}

/// What the bytes of Python's `Bucket` begin with.
pub(crate) const BUCKET_MAGIC: &[u8] = b"haiden\x02";

/// The image in the bytes of Python's `Bucket` (magic; how long the checksum is, and how long mark and image; a digest of these;
/// checksum, mark, image; then whatever somebody has put there), if it is the one that is meant.
pub(crate) fn in_bucket(contents: &[u8], identity: &Identity) -> Option<Image> {
    let (checksum, rest) = contents.strip_prefix(BUCKET_MAGIC)?.split_first_chunk()?;
    let (body, rest) = rest.split_first_chunk()?;
    let (found, rest) = rest.split_first_chunk()?;
    let start = usize::from(u16::from_le_bytes(*checksum));
    let end = start.checked_add(usize::try_from(u64::from_le_bytes(*body)).ok()?)?;
    let digested = rest.get(..end)?;
    if digest(digested) != *found {
        return None;
    }
    let image = digested[start..].strip_prefix(b"i")?;
    haiden_bytecode::load_expected(image, &identity.expected()).ok().map(|(_, image)| image)
}

/// The digest of the bytes of a bucket: it finds damage, as that of a frame does.
fn digest(bytes: &[u8]) -> [u8; 16] {
    XxHash3_128::oneshot(bytes).to_le_bytes()
}

/// [`digest`], for Python.
#[pyfunction]
pub(crate) fn bucket_digest(bytes: &[u8]) -> [u8; 16] {
    digest(bytes)
}

fn load_many(cache: &dyn BytecodeCache, asked: &[Asked]) -> Result<Vec<Option<Image>>, CacheError> {
    let mut buckets = Vec::with_capacity(asked.len());
    for Asked { template: (name, filename, source), identity, .. } in asked {
        buckets.push(cache.empty_bucket(name, filename.as_deref(), source, identity.content_key()));
    }
    let started = Instant::now();
    cache.lookup_many(&mut buckets.iter_mut().collect::<Vec<_>>())?;
    let share = started.elapsed() / u32::try_from(buckets.len()).unwrap_or(u32::MAX).max(1);
    let images = buckets.iter_mut().zip(asked).map(|(bucket, asked)| {
        let started = Instant::now();
        let image = loaded(cache, bucket, &asked.identity)?;
        record_hit(cache, asked.template.2.len(), share + started.elapsed());
        Some(image)
    });
    Ok(images.collect())
}

/// The image in a bucket that was looked up, if it can be used; else the hit becomes a miss.
fn loaded(cache: &dyn BytecodeCache, bucket: &mut Bucket<'_>, identity: &Identity) -> Option<Image> {
    let bytes = bucket.bytecode()?;
    match haiden_bytecode::load_shared(bytes, 0..bytes.len(), &identity.expected()) {
        Ok((_, image)) => Some(image),
        Err(rejection) => {
            cache.reject_bucket(bucket, reason(&rejection));
            None
        }
    }
}

fn record_hit(cache: &dyn BytecodeCache, source_bytes: usize, loading: Duration) {
    if let Some(counters) = cache.counters() {
        counters.record_hit(source_bytes, loading);
    }
}

/// Why an image was rejected, in the cache's words.
fn reason(rejection: &haiden_bytecode::Rejection) -> Rejection {
    use haiden_bytecode::Rejection as Of;
    match rejection {
        Of::Magic => Rejection::Magic,
        Of::Version(_) => Rejection::Version,
        Of::InstructionSet | Of::Semantics => Rejection::InstructionSet,
        Of::Options => Rejection::Options,
        Of::Source => Rejection::Source,
        Of::Digest => Rejection::Digest,
        Of::Truncated => Rejection::Truncated,
        Of::Structure(_) => Rejection::Structure,
    }
}

/// `haiden.cache.CacheError`.
#[cold]
pub(crate) fn failed(py: Python<'_>, error: &CacheError) -> PyErr {
    let kind = format!("{:?}", error.kind());
    let kind = kind.split(['(', ' ']).next().unwrap_or_default();
    let class = py.import("haiden.cache").and_then(|module| module.getattr("CacheError"));
    match class.and_then(|class| class.call1((kind, error.to_string()))) {
        Ok(raised) => PyErr::from_value(raised),
        Err(other) => other,
    }
}
