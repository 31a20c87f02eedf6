//! The module `haiden._native`: compiling, and the classes.

use std::path::PathBuf;
use std::sync::Arc;

use haiden_bytecode::Image;
use haiden_bytecode::image::Reference;
use haiden_cache::Bundle;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::code::Code;
use crate::contexts::ContextHandle;
use crate::execution::Execution;
use crate::files::{self, Read};
use crate::flights::FlightObject;
use crate::fresh::{FileCheck, SourceCheck};
use crate::identity::Identity;
use crate::machine::{Block, Loop, Macro, TemplateReference};
use crate::register::{Attached, Obj};
use crate::settings::{self, Settings, SettingsObject};
use crate::stores::{self, Keys, Store, Stores};
use crate::template::{self, Template};
use crate::{errors, loading, objects, shortcut, tree, types};

/// Sources of so many bytes are compiled while others have the interpreter. Less takes so little time that it would cost more
/// to get the interpreter back.
const LARGE: usize = 4096;

/// Compiles a template's source.
#[pyfunction]
#[pyo3(signature = (settings, source, name=None, filename=None))]
fn compile(
    settings: &Bound<'_, SettingsObject>,
    source: &str,
    name: Option<String>,
    filename: Option<String>,
) -> PyResult<Code> {
    let py = settings.py();
    let object = Obj::of(settings);
    let known = settings::of(&object);
    let options = settings::options(known, py, name.as_deref())?;
    let types = types::types(py)?.get(py);
    let wanted = &options.options;
    let work = || haiden_compiler::compile(source, wanted);
    let image = if source.len() < LARGE { work() } else { py.detach(work) }
        .map_err(|error| errors::compile_error(py, types, &error, (name.as_deref(), filename.as_deref())))?;
    let identity = Identity::new(&options, source);
    finish(py, known, image, (name, filename), options.options.autoescape, Some(identity))
}

/// The code of an image's bytes, if they are what [`compile`] makes of this source here; else `None`.
#[pyfunction]
#[pyo3(signature = (settings, data, source, name=None, filename=None))]
fn load(
    settings: &Bound<'_, SettingsObject>,
    data: &[u8],
    source: &str,
    name: Option<String>,
    filename: Option<String>,
) -> PyResult<Option<Code>> {
    let object = Obj::of(settings);
    let known = settings::of(&object);
    let found = Identity::of_source(known, settings.py(), source, name.as_deref())?;
    let Some((identity, autoescape)) = found else { return Ok(None) };
    let Ok((_, image)) = haiden_bytecode::load_expected(data, &identity.expected()) else { return Ok(None) };
    Ok(Some(Code::new(Arc::new(image), (name, filename), autoescape, Some(identity))))
}

/// As [`load`], of the file of a bucket.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "what Python hands in is converted")]
#[pyo3(signature = (settings, path, source, name=None, filename=None))]
fn load_file(
    settings: &Bound<'_, SettingsObject>,
    path: PathBuf,
    source: &str,
    name: Option<String>,
    filename: Option<String>,
) -> PyResult<Option<Code>> {
    let py = settings.py();
    let object = Obj::of(settings);
    let known = settings::of(&object);
    let found = Identity::of_source(known, py, source, name.as_deref())?;
    let Some((identity, autoescape)) = found else { return Ok(None) };
    let image = py.detach(|| {
        files::with_buffer(|contents| match files::read_regular(&path, contents) {
            Read::Whole(_) => stores::in_bucket(contents, &identity),
            Read::Nothing | Read::Odd => None,
        })
    });
    let names = (name, filename);
    Ok(image.map(|image| Code::new(Arc::new(image), names, autoescape, Some(identity))))
}

/// Compiles a tree of `haiden.nodes`.
#[pyfunction]
#[pyo3(signature = (settings, template, name=None, filename=None))]
fn compile_tree(
    settings: &Bound<'_, SettingsObject>,
    template: &Bound<'_, PyAny>,
    name: Option<String>,
    filename: Option<String>,
) -> PyResult<Code> {
    let py = settings.py();
    let object = Obj::of(settings);
    let known = settings::of(&object);
    let options = settings::options(known, py, name.as_deref())?;
    let wanted = &options.options;
    let (ast, objects) = tree::convert(template)?;
    let types = types::types(py)?.get(py);
    let image = py
        .detach(|| haiden_compiler::compile_ast(&ast, wanted))
        .map_err(|error| errors::compile_error(py, types, &error, (name.as_deref(), filename.as_deref())))?;
    let mut code = finish(py, known, image, (name, filename), options.options.autoescape, None)?;
    if !objects.is_empty() {
        let objects = objects::tuple(objects.into_iter().map(Ok)).map_err(|raised| raised.take(py))?;
        code.objects = Some(Attached::new(py, objects));
    }
    Ok(code)
}

/// An image becomes code, if the environment has all filters and tests that it must have.
pub(crate) fn finish(
    py: Python<'_>,
    settings: &Settings,
    image: Image,
    (name, filename): (Option<String>, Option<String>),
    autoescape: bool,
    identity: Option<Identity>,
) -> PyResult<Code> {
    // Both tables have their names in the order in which Jinja2 meets them.
    let mut unknown: Option<(&Reference, String)> = None;
    let tables = [(image.filters(), &settings.filters, "filter"), (image.tests(), &settings.tests, "test")];
    for (references, table, kind) in tables {
        for reference in references.iter().filter(|reference| reference.hard) {
            let known = image.name(reference.name);
            let table = table.bound(py);
            // Jinja2 asks with `get`: `None` is no function.
            let is_there = match table.cast_exact::<PyDict>() {
                Ok(table) => table.get_item(known)?.is_some_and(|function| !function.is_none()),
                Err(_) => table.contains(known)?,
            };
            if is_there {
                continue;
            }
            if unknown.as_ref().is_none_or(|(other, _)| reference.place < other.place) {
                unknown = Some((reference, format!("No {kind} named '{known}'.")));
            }
            break;
        }
    }
    if let Some((reference, message)) = unknown {
        let line = reference.line;
        let class = &types::types(py)?.get(py).assertion_error;
        return Err(errors::exception(py, class, &message, line, (name.as_deref(), filename.as_deref())));
    }
    Ok(Code { is_judged: true, ..Code::new(Arc::new(image), (name, filename), autoescape, identity) })
}

#[pymodule]
#[pyo3(gil_used = true)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    types::belong(module.py());
    module.add_class::<Block>()?;
    module.add_class::<Code>()?;
    module.add_class::<ContextHandle>()?;
    module.add_class::<Execution>()?;
    module.add_class::<FileCheck>()?;
    module.add_class::<FlightObject>()?;
    module.add_class::<Keys>()?;
    module.add_class::<Loop>()?;
    module.add_class::<Macro>()?;
    module.add_class::<SettingsObject>()?;
    module.add_class::<SourceCheck>()?;
    module.add_class::<Store>()?;
    module.add_class::<Stores>()?;
    module.add_class::<Template>()?;
    module.add_class::<TemplateReference>()?;
    module.add_function(wrap_pyfunction!(load, module)?)?;
    module.add_function(wrap_pyfunction!(load_file, module)?)?;
    module.add_function(wrap_pyfunction!(files::read_source, module)?)?;
    module.add_function(wrap_pyfunction!(shortcut::load_stock, module)?)?;
    module.add_function(wrap_pyfunction!(loading::load_template, module)?)?;
    module.add_function(wrap_pyfunction!(loading::make_template, module)?)?;
    // What a fault of the machine reaches Python as.
    module.add("PanicException", module.py().get_type::<pyo3::panic::PanicException>())?;
    module.add("BUCKET_MAGIC", pyo3::types::PyBytes::new(module.py(), stores::BUCKET_MAGIC))?;
    module.add("BUNDLE_MAGIC", pyo3::types::PyBytes::new(module.py(), Bundle::MAGIC))?;
    module.add_function(wrap_pyfunction!(stores::write_bundle, module)?)?;
    module.add_function(wrap_pyfunction!(stores::bucket_digest, module)?)?;
    module.add_function(wrap_pyfunction!(template::renders, module)?)?;
    module.add_function(wrap_pyfunction!(compile, module)?)?;
    module.add_function(wrap_pyfunction!(compile_tree, module)?)
}
