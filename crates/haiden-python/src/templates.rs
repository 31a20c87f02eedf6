//! Templates by name: what `extends`, `include` and `import` ask for.

use std::sync::Arc;

use haiden_runtime::Program;

use crate::host::PyHost;
use crate::objects::{self, Class, Result};
use crate::register::{Obj, Register};
use crate::template;

/// The template that a value names or is.
pub(crate) fn get(host: &PyHost, name: &Register, from: &Program<PyHost>) -> Result<Arc<Program<PyHost>>> {
    let name = host.object(name)?;
    if let Some(program) = template::program_of(&name)? {
        return Ok(program);
    }
    let found = host.ask(&host.types.get_template, &[name, parent_name(from)?])?;
    as_program(&found)
}

/// The first template of a list of names that exists, or the one that a name names.
pub(crate) fn select(
    host: &mut PyHost,
    names: &Register,
    from: &Arc<Program<PyHost>>,
    ignore_missing: bool,
) -> Result<Option<Arc<Program<PyHost>>>> {
    host.importer = Some(from.clone());
    let names = host.object(names)?;
    if let Some(program) = template::program_of(&names)? {
        return Ok(Some(program));
    }
    match host.ask(&host.types.get_or_select_template, &[names, parent_name(from)?]) {
        Ok(found) => as_program(&found).map(Some),
        Err(raised) if ignore_missing && raised.matches(&host.types.not_found) => {
            raised.clear();
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

fn parent_name(from: &Program<PyHost>) -> Result<Obj> {
    from.name().map_or_else(|| Ok(objects::none()), |name| objects::text(name))
}

fn as_program(found: &Obj) -> Result<Arc<Program<PyHost>>> {
    match template::program_of(found)? {
        Some(program) => Ok(program),
        None => objects::raise(&Class::Type.object(), "the loader returned something that is no template"),
    }
}
