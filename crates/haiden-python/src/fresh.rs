//! What the stock loaders give as the third part of `get_source`: is the source still the latest?
//!
//! Each is a callable, as Jinja's are; the machine asks without a call when a template includes or extends another.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::objects::{self, Result};
use crate::register::{Attached, Obj};
use crate::scope::visit_object;
use crate::types;

/// Is `source` still what the loader's `mapping` has under the name?
#[pyclass(frozen, name = "SourceCheck", module = "haiden._native")]
pub(crate) struct SourceCheck(Attached<Source>);

struct Source {
    loader: Obj,
    name: Obj,
    latest: Obj,
}

impl Source {
    /// `source == loader.mapping.get(name)`
    fn is_latest(&self) -> Result<bool> {
        let types = types::loaded()?;
        let mapping = objects::get_attr(&self.loader, &types.mapping.object)?;
        let found = if objects::is_dict(&mapping) && objects::is_str(&self.name) {
            objects::dict_get(&mapping, &self.name, objects::hash(&self.name)?)?
        } else {
            Some(objects::call_method(&mapping, &types.get.object, std::slice::from_ref(&self.name))?)
        };
        let found = found.unwrap_or_else(objects::none);
        if found.is(&self.latest) && objects::is_str(&found) {
            return Ok(true);
        }
        objects::truth(&objects::compare(ffi::Py_EQ, &self.latest, &found)?)
    }
}

#[pymethods]
impl SourceCheck {
    #[new]
    fn new(loader: &Bound<'_, PyAny>, name: &Bound<'_, PyAny>, source: &Bound<'_, PyAny>) -> SourceCheck {
        let parts = Source { loader: Obj::of(loader), name: Obj::of(name), latest: Obj::of(source) };
        SourceCheck(Attached::new(loader.py(), parts))
    }

    fn __call__(&self, py: Python<'_>) -> PyResult<bool> {
        self.0.get(py).is_latest().map_err(|raised| raised.take(py))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        let parts = self.0.peek();
        [&parts.loader, &parts.name, &parts.latest]
            .into_iter()
            .try_for_each(|object| visit_object(object.as_ptr(), &visit))
    }
    #[expect(clippy::unused_self, reason = "the ring is cut in the template's dictionary")]
    fn __clear__(&self) {}
}

/// Was the file last changed at this time?
#[pyclass(frozen, name = "FileCheck", module = "haiden._native")]
pub(crate) struct FileCheck {
    path: std::path::PathBuf,
    modified: f64,
}

impl FileCheck {
    pub(crate) fn of(path: std::path::PathBuf, modified: f64) -> FileCheck {
        FileCheck { path, modified }
    }
}

#[pymethods]
impl FileCheck {
    #[new]
    fn new(path: std::path::PathBuf, modified: f64) -> FileCheck {
        FileCheck { path, modified }
    }

    fn __call__(&self) -> bool {
        modified(&self.path) == Some(self.modified)
    }
}

/// `os.path.getmtime`: `None` where there is no such file.
fn modified(path: &std::path::Path) -> Option<f64> {
    time_of(&std::fs::metadata(path).ok()?)
}

/// When a file was last changed, as Python's `st_mtime` says it.
pub(crate) fn time_of(about: &std::fs::Metadata) -> Option<f64> {
    let time = about.modified().ok()?;
    let (seconds, rest) = match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => (since.as_secs() as f64, since.subsec_nanos()),
        // Python counts the fraction forwards from the whole second before.
        Err(before) => {
            let before = before.duration();
            match before.subsec_nanos() {
                0 => (-(before.as_secs() as f64), 0),
                rest => (-(before.as_secs() as f64) - 1.0, 1_000_000_000 - rest),
            }
        }
    };
    Some(seconds + 1e-9 * f64::from(rest))
}

/// What it rests on whether a source is the latest.
pub(crate) enum Rests {
    /// On what the mapping of the loader has, as long as it is this mapping in this state.
    Mapping(Obj, Obj),
    /// On nothing but what the callable itself finds out.
    OnItself,
    /// On what is not known.
    OnSomething,
}

/// What it rests on, where a callable has just said that a source is the latest.
pub(crate) fn rests_on(check: &Obj) -> Result<Rests> {
    if let Some(check) = objects::ours::<SourceCheck>(check) {
        let parts = check.0.peek();
        let mapping = objects::get_attr(&parts.loader, &types::loaded()?.mapping.object)?;
        if objects::is_dict(&mapping)
            && objects::is_str(&parts.name)
            && objects::is_str(&parts.latest)
            && objects::dict_get(&mapping, &parts.name, objects::hash(&parts.name)?)?
                .is_some_and(|found| found.is(&parts.latest))
        {
            return Ok(Rests::Mapping(parts.loader.clone(), mapping));
        }
    }
    let is_file = objects::ours::<FileCheck>(check).is_some();
    Ok(if is_file { Rests::OnItself } else { Rests::OnSomething })
}

/// Does this callable say that a source is the latest?
pub(crate) fn says_latest(check: &Obj) -> Result<bool> {
    if let Some(check) = objects::ours::<SourceCheck>(check) {
        return check.0.peek().is_latest();
    }
    if let Some(check) = objects::ours::<FileCheck>(check) {
        return Ok(check.__call__());
    }
    objects::truth(&objects::call(check, &[], None)?)
}
