//! `haiden._native.Code`: what `Environment.compile` returns: an image, and the names that belong to it here.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use haiden_bytecode::{Header, Image, Rejection};
use haiden_compiler::SEMANTICS;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3::{PyTraverseError, PyVisit};

use crate::identity::Identity;
use crate::register::{Attached, Obj};
use crate::scope::visit_object;
use crate::settings::{self, SettingsObject};

/// A compiled template.
#[pyclass(frozen, weakref, name = "Code", module = "haiden._native")]
pub(crate) struct Code {
    pub(crate) image: Arc<Image>,
    pub(crate) name: Option<String>,
    pub(crate) filename: Option<String>,
    pub(crate) autoescape: bool,
    /// What it was compiled from; `None` for code of a tree, which no cache keeps.
    pub(crate) identity: Option<Identity>,
    /// What it says itself that it was compiled from, if nobody has compared that with anything yet.
    pub(crate) claimed: Option<Header>,
    /// A tuple of the objects of the tree that it was compiled from. With any, it has no bytes: they mean nothing elsewhere.
    pub(crate) objects: Option<Attached<Obj>>,
    /// The compile that made it knew all of its filters and tests: where another environment lacks one, its call fails, as in
    /// Jinja2. What a cache has found is judged when it is linked, as if it had been compiled there and then.
    pub(crate) is_judged: bool,
}

#[pymethods]
impl Code {
    /// The code of an image's bytes; `is_judged`: a compile that knew its filters and tests wrote them for whoever comes.
    #[staticmethod]
    #[pyo3(signature = (data, name=None, filename=None, autoescape=false, is_judged=false))]
    fn from_bytes(
        data: &[u8],
        name: Option<String>,
        filename: Option<String>,
        autoescape: bool,
        is_judged: bool,
    ) -> PyResult<Code> {
        let loaded = haiden_bytecode::load(data).and_then(|(header, image)| match header.semantics {
            SEMANTICS => Ok((header, image)),
            _ => Err(Rejection::Semantics),
        });
        let (header, image) = loaded.map_err(|rejection| PyValueError::new_err(rejection.to_string()))?;
        let code = Code::new(Arc::new(image), (name, filename), autoescape, None);
        Ok(Code { claimed: Some(header), is_judged, ..code })
    }

    /// Does it come out of bytes that nobody has compared with a source and options?
    #[getter]
    fn is_claimed(&self) -> bool {
        self.claimed.is_some()
    }

    /// The code of a source, if these bytes say of themselves that they are that, with an environment's options; else `None`.
    #[pyo3(signature = (settings, source, name=None, filename=None))]
    fn proven(
        &self,
        settings: &Bound<'_, SettingsObject>,
        source: &str,
        name: Option<String>,
        filename: Option<String>,
    ) -> PyResult<Option<Code>> {
        let object = Obj::of(settings);
        let known = settings::of(&object);
        let Some(claimed) = &self.claimed else { return Ok(None) };
        let found = Identity::of_source(known, settings.py(), source, name.as_deref())?;
        let Some((identity, autoescape)) = found else { return Ok(None) };
        let is_it = identity.expected().check(claimed).is_ok();
        Ok(is_it.then(|| Code::new(self.image.clone(), (name, filename), autoescape, Some(identity))))
    }

    /// May a cache keep it? Not what was compiled from a tree that Python code has made.
    #[getter]
    fn is_portable(&self) -> bool {
        (self.identity.is_some() || self.claimed.is_some()) && self.objects.is_none()
    }

    /// The image's bytes. An image that refers to objects of its tree has none.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        if self.objects.is_some() {
            return Err(PyValueError::new_err("the template holds objects that only this process has"));
        }
        let unknown = Header { semantics: SEMANTICS, flags: 0, source: [0; 32], fingerprint: [0; 32] };
        let header = self.identity.as_ref().map(Identity::header).or(self.claimed).unwrap_or(unknown);
        Ok(PyBytes::new(py, &haiden_bytecode::to_bytes(&self.image, &header)))
    }

    /// The names of templates that it extends, includes or imports by constants.
    fn dependencies(&self) -> Vec<&str> {
        self.image.dependencies().iter().map(|dependency| self.image.string(dependency.name)).collect()
    }

    /// The code under other names.
    #[pyo3(signature = (name=None, filename=None, autoescape=None))]
    fn renamed(
        &self,
        py: Python<'_>,
        name: Option<String>,
        filename: Option<String>,
        autoescape: Option<bool>,
    ) -> Code {
        let objects = self.objects.as_ref().map(|objects| Attached::new(py, objects.get(py).clone()));
        let autoescape = autoescape.unwrap_or(self.autoescape);
        Code { image: self.image.clone(), name, filename, autoescape, objects, ..*self }
    }

    /// The instructions, for people.
    fn disassemble(&self) -> String {
        haiden_bytecode::disassemble(&self.image)
    }

    #[getter]
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
    #[getter]
    fn filename(&self) -> Option<&str> {
        self.filename.as_deref()
    }
    /// As code of Python has it.
    #[getter]
    fn co_filename(&self) -> &str {
        self.file()
    }
    #[getter]
    fn autoescape(&self) -> bool {
        self.autoescape
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.objects.iter().try_for_each(|objects| visit_object(objects.peek().as_ptr(), &visit))
    }
    #[expect(clippy::unused_self, reason = "the ring is cut in the template")]
    fn __clear__(&self) {}

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (Arc::as_ptr(&self.image) as usize).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        match &self.name {
            Some(name) => format!("<Code of '{name}'>"),
            None => "<Code>".to_owned(),
        }
    }
}

impl Code {
    /// What is shown as the file of a template that has none.
    pub(crate) const NO_FILE: &str = "<template>";

    pub(crate) fn file(&self) -> &str {
        self.filename.as_deref().unwrap_or(Code::NO_FILE)
    }

    pub(crate) fn new(
        image: Arc<Image>,
        (name, filename): (Option<String>, Option<String>),
        autoescape: bool,
        identity: Option<Identity>,
    ) -> Code {
        Code { image, name, filename, autoescape, identity, claimed: None, objects: None, is_judged: false }
    }

    /// Pairs of lines: the template's, and how many instructions come before; both grow.
    pub(crate) fn lines(&self) -> Vec<(u32, u32)> {
        let mut lines: Vec<(u32, u32)> = Vec::new();
        for line in self.image.lines() {
            if lines.last().is_none_or(|&(last, _)| last != line.line) {
                lines.push((line.line, line.pc + 1));
            }
        }
        lines
    }
}
