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
    if let Some(program) = kept(host, &name)? {
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
    if let Some(program) = kept(host, &names)? {
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

/// The template of this name that the environment's cache has, if it is up to date: what `Environment.get_template` would
/// return, where nothing of it is overridden.
fn kept(host: &PyHost, name: &Obj) -> Result<Option<Arc<Program<PyHost>>>> {
    let (settings, types) = (host.settings(), host.types);
    let Some(template_class) = settings.loads_as.as_ref().filter(|_| host.fast && objects::is_str(name))
    else {
        return Ok(None);
    };
    let environment = &settings.environment;
    let loader = objects::get_attr(environment, &types.loader.object)?;
    let cache = objects::get_attr(environment, &types.cache.object)?;
    if !PyHost::is_exactly(&cache, &types.lru_cache) || loader.is(&objects::none()) {
        return Ok(None);
    }
    let mapping = objects::get_attr(&cache, &types.mapping.object)?;
    let key = settings.cache_key(&loader, name)?;
    if !objects::is_dict(&mapping) {
        return Ok(None);
    }
    let Some(template) = objects::dict_get(&mapping, &key, objects::hash(&key)?)? else { return Ok(None) };
    if !PyHost::is_exactly(&template, template_class) {
        return Ok(None);
    }
    if objects::truth(&objects::get_attr(environment, &types.auto_reload.object)?)? {
        let current = objects::get_attr(&template, &types.uptodate.object)?;
        if !current.is(&objects::none()) && !objects::truth(&objects::call(&current, &[], None)?)? {
            return Ok(None);
        }
    }
    // It is the one that was used last now.
    objects::dict_move_to_end(&mapping, &key, &template)?;
    template::program_of(&template)
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
