//! The module `haiden._native`: `compile`, `load` and `Program`.

use std::sync::Arc;

use haiden_bytecode::{Header, Image};
use haiden_runtime::Vm;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors;
use crate::host::{Extra, PyHost};
use crate::link::PyLinker;
use crate::objects::{self, Raised};
use crate::output::Output;
use crate::register::{Attached, Obj};
use crate::scope::{ContextData, Scope};
use crate::types;

type Linked = Arc<haiden_runtime::Program<PyHost>>;

/// A compiled and linked template.
#[pyclass(frozen, module = "haiden._native")]
pub(crate) struct Program {
    program: Attached<Linked>,
    fast: bool,
}

/// The program that an object is.
pub(crate) fn as_program(object: &Obj) -> Option<Linked> {
    objects::ours::<Program>(object).map(|program| program.program.peek().clone())
}

#[pymethods]
impl Program {
    /// Renders with the variables of `context`; `loader` finds other templates by name.
    #[pyo3(signature = (context, loader=None))]
    fn render<'py>(
        &self,
        py: Python<'py>,
        context: &Bound<'py, PyDict>,
        loader: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let program = self.program.get(py);
        let base = if context.is_exact_instance_of::<PyDict>() { context.clone() } else { context.copy()? };
        let scope = Scope::new(loader.map(Obj::of), self.fast);
        let extra = program.extra();
        let dicts = (Obj::of(&base), extra.globals.clone());
        let context = ContextData::new(scope.clone(), dicts, Vec::new(), program);
        let mut out = Output::new(program.size_hint() + 64);
        let result = objects::enter_recursion().and_then(|_guard| {
            let mut host = PyHost::new(scope.clone());
            Vm::render(&mut host, &mut out, program, context, PyHost::LIMITS)
        });
        let page = result.and_then(|()| {
            program.remember_size(out.len());
            out.take_since(0)
        });
        // With an exception on its way the finish must not meet it in the indicator.
        let page = page.map_err(|raised| raised.take(py));
        scope.finish();
        page.map(|page| page.bound(py))
    }

    /// The image as bytes; its header names no source.
    fn image<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let header = Header { semantics: 0, flags: 0, source: [0; 32], fingerprint: [0; 32] };
        PyBytes::new(py, &haiden_bytecode::to_bytes(self.program.get(py).image(), &header))
    }

    /// The template's name.
    #[getter]
    fn name(&self, py: Python<'_>) -> Option<String> {
        self.program.get(py).name().map(ToString::to_string)
    }

    /// The instructions, for people.
    fn disassemble(&self, py: Python<'_>) -> String {
        haiden_bytecode::disassemble(self.program.get(py).image())
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        match self.program.get(py).name() {
            Some(name) => format!("<Program '{name}'>"),
            None => "<Program>".to_owned(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The module refers to the program and its scope's contexts to themselves: cut both rings.
        let module = self.program.peek().extra().module.take();
        if let Some(module) = module {
            let scope = crate::machine::as_module(&module).map(|module| module.context.scope.clone());
            drop(module);
            if let Some(scope) = scope {
                scope.finish();
            }
        }
    }
}

/// What a template is linked with.
#[derive(Clone, Copy)]
struct Environment<'a, 'py> {
    name: Option<&'a str>,
    autoescape: bool,
    filters: Option<&'a Bound<'py, PyDict>>,
    tests: Option<&'a Bound<'py, PyDict>>,
    globals: Option<&'a Bound<'py, PyDict>>,
    fast: bool,
}

impl Environment<'_, '_> {
    fn link(self, py: Python<'_>, image: Arc<Image>) -> PyResult<Program> {
        let types = types::types(py)?.get(py);
        let exact = |dict: Option<&Bound<'_, PyDict>>| match dict {
            None => Ok(None),
            Some(dict) if dict.is_exact_instance_of::<PyDict>() => Ok(Some(Obj::of(dict))),
            Some(dict) => dict.copy().map(|copy| Some(Obj::of(&copy))),
        };
        let (filters, tests) = (exact(self.filters)?, exact(self.tests)?);
        let globals = exact(self.globals)?.unwrap_or_else(|| types.globals.clone());
        let extra = Extra { globals, autoescape: self.autoescape, module: None.into() };
        let mut linker = PyLinker {
            types,
            filters: filters.as_ref(),
            tests: tests.as_ref(),
            fast: self.fast,
            error: None,
        };
        let program = haiden_runtime::link(image, self.name.map(Arc::from), extra, &mut linker);
        if let Some(raised) = linker.error {
            return Err(Raised::take(raised, py));
        }
        let program = program.map_err(|error| errors::link_error(py, types, &error, self.name))?;
        #[expect(
            clippy::arc_with_non_send_sync,
            reason = "the machine counts programs so; `Attached` guards it"
        )]
        let program = Arc::new(program);
        Ok(Program { program: Attached::new(py, program), fast: self.fast })
    }
}

/// Compiles a template.
#[pyfunction]
#[pyo3(signature = (source, *, name=None, autoescape=false, filters=None, tests=None, globals=None, fast=true))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of a Python function")]
fn compile(
    py: Python<'_>,
    source: &str,
    name: Option<&str>,
    autoescape: bool,
    filters: Option<&Bound<'_, PyDict>>,
    tests: Option<&Bound<'_, PyDict>>,
    globals: Option<&Bound<'_, PyDict>>,
    fast: bool,
) -> PyResult<Program> {
    let types = types::types(py)?.get(py);
    let options = haiden_compiler::Options { autoescape, ..haiden_compiler::Options::default() };
    let image = haiden_compiler::compile(source, &options)
        .map_err(|error| errors::compile_error(py, types, &error, name))?;
    Environment { name, autoescape, filters, tests, globals, fast }.link(py, Arc::new(image))
}

/// Loads an image that [`Program::image`] made.
#[pyfunction]
#[pyo3(signature = (image, *, name=None, autoescape=false, filters=None, tests=None, globals=None, fast=true))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of a Python function")]
fn load(
    py: Python<'_>,
    image: &[u8],
    name: Option<&str>,
    autoescape: bool,
    filters: Option<&Bound<'_, PyDict>>,
    tests: Option<&Bound<'_, PyDict>>,
    globals: Option<&Bound<'_, PyDict>>,
    fast: bool,
) -> PyResult<Program> {
    let (_, image) =
        haiden_bytecode::load(image).map_err(|rejection| PyValueError::new_err(rejection.to_string()))?;
    Environment { name, autoescape, filters, tests, globals, fast }.link(py, Arc::new(image))
}

#[pymodule]
#[pyo3(gil_used = true)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Program>()?;
    module.add_function(wrap_pyfunction!(compile, module)?)?;
    module.add_function(wrap_pyfunction!(load, module)?)
}
