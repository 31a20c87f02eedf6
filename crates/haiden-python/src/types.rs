//! The Python classes and names that the host needs, looked up once for the process.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::attr_cache::Name;
use crate::objects::{self, Raised, Result};
use crate::register::{Attached, Obj};

/// Classes and names.
pub(crate) struct Types {
    /// `markupsafe.Markup`
    pub(crate) markup: Obj,
    /// `haiden.runtime.Undefined`
    pub(crate) undefined: Obj,
    /// `haiden.runtime.Namespace`
    pub(crate) namespace: Obj,
    /// The object that says "no object" to `Undefined`.
    pub(crate) missing: Obj,
    pub(crate) undefined_error: Obj,
    pub(crate) runtime_error: Obj,
    pub(crate) assertion_error: Obj,
    pub(crate) syntax_error: Obj,
    pub(crate) not_found: Obj,
    pub(crate) none_found: Obj,
    pub(crate) filter_argument_error: Obj,
    /// `__html__`
    pub(crate) html: Name,
    pub(crate) upper: Name,
    pub(crate) lower: Name,
    pub(crate) rsplit: Name,
    pub(crate) add_note: Name,
    /// The default globals, a dict.
    pub(crate) globals: Obj,
}

static TYPES: PyOnceLock<Attached<Types>> = PyOnceLock::new();

/// The classes and names; imports `markupsafe` and our own Python modules when it is called first.
pub(crate) fn types(py: Python<'_>) -> PyResult<&'static Attached<Types>> {
    TYPES.get_or_try_init(py, || load(py).map(|types| Attached::new(py, types)))
}

/// As [`types`], in code that runs only after something was compiled.
pub(crate) fn loaded() -> Result<&'static Types> {
    let py = objects::token();
    match types(py) {
        Ok(types) => Ok(types.get(py)),
        Err(error) => Err(Raised::from_error(py, error)),
    }
}

fn load(py: Python<'_>) -> PyResult<Types> {
    let runtime = py.import("haiden.runtime")?;
    let exceptions = py.import("haiden.exceptions")?;
    let of = |module: &Bound<'_, PyModule>, name: &str| module.getattr(name).map(|object| Obj::of(&object));
    let name = |text: &str| Name::new(text).map_err(|raised| raised.take(py));
    let globals = runtime.getattr("DEFAULT_GLOBALS")?;
    let globals = globals.cast_exact::<PyDict>()?;
    Ok(Types {
        markup: of(&py.import("markupsafe")?, "Markup")?,
        undefined: of(&runtime, "Undefined")?,
        namespace: of(&runtime, "Namespace")?,
        missing: of(&runtime, "missing")?,
        undefined_error: of(&exceptions, "UndefinedError")?,
        runtime_error: of(&exceptions, "TemplateRuntimeError")?,
        assertion_error: of(&exceptions, "TemplateAssertionError")?,
        syntax_error: of(&exceptions, "TemplateSyntaxError")?,
        not_found: of(&exceptions, "TemplateNotFound")?,
        filter_argument_error: of(&exceptions, "FilterArgumentError")?,
        none_found: of(&exceptions, "TemplatesNotFound")?,
        html: name("__html__")?,
        upper: name("upper")?,
        lower: name("lower")?,
        rsplit: name("rsplit")?,
        add_note: name("add_note")?,
        globals: Obj::of(globals),
    })
}
