//! Templates by name: what `extends`, `include` and `import` ask for.

use std::sync::Arc;

use haiden_runtime::Program;

use crate::host::PyHost;
use crate::module;
use crate::objects::{self, Class, Result};
use crate::register::{Obj, Register, View};

/// The template that a value names or is.
pub(crate) fn get(host: &PyHost, name: &Register) -> Result<Arc<Program<PyHost>>> {
    let name = host.object(name)?;
    if let Some(program) = module::as_program(&name) {
        return Ok(program);
    }
    fail_if_undefined(host, &name)?;
    let Some(loader) = &host.scope.loader else {
        return objects::raise(&Class::Type.object(), "no loader for this environment specified");
    };
    let found = objects::call(loader, &[name], None)?;
    match module::as_program(&found) {
        Some(program) => Ok(program),
        None => objects::raise(&Class::Type.object(), "the loader returned something that is no template"),
    }
}

/// The first template of a list of names that exists, or the one that a name names.
pub(crate) fn select(
    host: &PyHost,
    names: &Register,
    ignore_missing: bool,
) -> Result<Option<Arc<Program<PyHost>>>> {
    let is_one = match names.view() {
        View::Object(object) => {
            objects::is_text(object) || module::as_program(object).is_some() || host.is_undefined(names)
        }
        _ => false,
    };
    if is_one {
        return match get(host, names) {
            Ok(program) => Ok(Some(program)),
            Err(raised) if ignore_missing && raised.matches(&host.types.not_found) => {
                raised.clear();
                Ok(None)
            }
            Err(raised) => Err(raised),
        };
    }
    let all = objects::list_of(&host.object(names)?)?;
    for index in 0..objects::list_len(&all) {
        let Some(name) = objects::list_item(&all, index) else { break };
        match get(host, &Register::object(name)) {
            Ok(program) => return Ok(Some(program)),
            Err(raised)
                if raised.matches(&host.types.not_found) || raised.matches(&host.types.undefined_error) =>
            {
                raised.clear();
            }
            Err(raised) => return Err(raised),
        }
    }
    if ignore_missing {
        return Ok(None);
    }
    let error = objects::call(&host.types.none_found, &[all], None)?;
    Err(objects::raise_object(&error))
}

fn fail_if_undefined(host: &PyHost, name: &Obj) -> Result<()> {
    if !objects::is_instance_of(name, &host.types.undefined) {
        return Ok(());
    }
    let fail = objects::intern("_fail_with_undefined_error")?;
    match objects::lookup_attr(name, &fail)? {
        Some(fail) => objects::call(&fail, &[], None).map(drop),
        None => Ok(()),
    }
}
