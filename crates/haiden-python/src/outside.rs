//! What a tree may refer to outside of its template: attributes of the environment and of extensions, imports, objects.
//!
//! In: a path as the compiler writes it. Out: the object, looked up each time, since attributes may change. Invariant: an
//! image from elsewhere can only name what its environment has; an object that is not there is an error.

use std::sync::Arc;

use haiden_runtime::Program;
use pyo3::prelude::*;

use crate::host::PyHost;
use crate::objects::{self, Class, Raised, Result};
use crate::register::Obj;

/// The object that a path names.
pub(crate) fn find(program: &Arc<Program<PyHost>>, path: &str) -> Result<Obj> {
    let (kind, name) = path.split_once(':').unwrap_or(("", path));
    let environment = &program.extra().settings().environment;
    match kind {
        "environment" => objects::get_attr(environment, &objects::intern(name)?),
        "extension" => {
            let (identifier, name) = name.rsplit_once(':').unwrap_or((name, ""));
            let all = objects::get_attr(environment, &objects::intern("extensions")?)?;
            let extension = objects::get_item(&all, &objects::text(identifier)?)?;
            objects::get_attr(&extension, &objects::intern(name)?)
        }
        "import" => import(name),
        "object" => {
            let number = name.parse::<usize>().ok();
            let all = program.extra().objects.as_ref();
            match all.zip(number).and_then(|(all, number)| objects::tuple_item(all, number)) {
                Some(object) => Ok(object),
                None => {
                    objects::raise(&Class::Runtime.object(), "the template holds an object that is not here")
                }
            }
        }
        _ => objects::raise(
            &Class::Runtime.object(),
            "the template refers to something that no environment has",
        ),
    }
}

/// `import name`, or `from module import name` where there is a dot.
fn import(name: &str) -> Result<Obj> {
    let py = objects::token();
    let imported = match name.rsplit_once('.') {
        None => py.import(name).map(|module| Obj::of(&module)),
        Some((module, member)) => py
            .import(module)
            .and_then(|module| {
                module
                    .getattr(member)
                    .or_else(|error| py.import(name).map(Bound::into_any).map_err(|_| error))
            })
            .map(|object| Obj::of(&object)),
    };
    imported.map_err(|error| Raised::from_error(py, error))
}
