//! `haiden._native.Code`: what `Environment.compile` returns: an image, and the names that belong to it here.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use haiden_bytecode::{Header, Image};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::identity::Identity;

/// A compiled template.
#[pyclass(frozen, weakref, name = "Code", module = "haiden._native")]
pub(crate) struct Code {
    pub(crate) image: Arc<Image>,
    pub(crate) name: Option<String>,
    pub(crate) filename: Option<String>,
    pub(crate) autoescape: bool,
    /// What it was compiled from; `None` for code of a tree, which no cache keeps.
    pub(crate) identity: Option<Identity>,
}

#[pymethods]
impl Code {
    /// The code of an image's bytes.
    #[staticmethod]
    #[pyo3(signature = (data, name=None, filename=None, autoescape=false))]
    fn from_bytes(
        data: &[u8],
        name: Option<String>,
        filename: Option<String>,
        autoescape: bool,
    ) -> PyResult<Code> {
        match haiden_bytecode::load(data) {
            Ok((_, image)) => Ok(Code { image: Arc::new(image), name, filename, autoescape, identity: None }),
            Err(rejection) => Err(PyValueError::new_err(rejection.to_string())),
        }
    }

    /// May a cache keep it? Not what was compiled from a tree that Python code has made.
    #[getter]
    fn is_portable(&self) -> bool {
        self.identity.is_some()
    }

    /// The image's bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let unknown = Header { semantics: 0, flags: 0, source: [0; 32], fingerprint: [0; 32] };
        let header = self.identity.as_ref().map_or(unknown, Identity::header);
        PyBytes::new(py, &haiden_bytecode::to_bytes(&self.image, &header))
    }

    /// The code under other names.
    #[pyo3(signature = (name=None, filename=None, autoescape=None))]
    fn renamed(&self, name: Option<String>, filename: Option<String>, autoescape: Option<bool>) -> Code {
        let autoescape = autoescape.unwrap_or(self.autoescape);
        Code { image: self.image.clone(), name, filename, autoescape, identity: self.identity }
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
        self.filename.as_deref().unwrap_or("<template>")
    }
    #[getter]
    fn autoescape(&self) -> bool {
        self.autoescape
    }

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
