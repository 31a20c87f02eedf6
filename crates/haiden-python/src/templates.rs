//! Templates by name: what `extends`, `include` and `import` ask for.

use std::sync::Arc;

use haiden_bytecode::include_flags;
use haiden_runtime::Program;

use crate::fresh;
use crate::host::PyHost;
use crate::kept::Kept;
use crate::objects::{self, Class, Result};
use crate::register::{Obj, Register};
use crate::template;

/// The template that a value names or is.
pub(crate) fn get(
    host: &mut PyHost,
    name: &Register,
    from: &Program<PyHost>,
) -> Result<Arc<Program<PyHost>>> {
    let name = host.object(name)?;
    if let Some(program) = itself(host, &name)? {
        return Ok(program);
    }
    if let Some(program) = kept(host, &name)? {
        return Ok(program);
    }
    load(host, name, from)
}

/// The template that a value names or is, for its module.
pub(crate) fn import(
    host: &mut PyHost,
    name: &Register,
    from: &Arc<Program<PyHost>>,
) -> Result<Arc<Program<PyHost>>> {
    // The module may be made for globals that only the importing template has.
    host.importer = Some(from.clone());
    let name = host.object(name)?;
    if let Some(program) = itself(host, &name)? {
        return Ok(program);
    }
    if let Some(program) = kept(host, &name)? {
        host.settings().loaded(true);
        return Ok(program);
    }
    load(host, name, from)
}

fn load(host: &mut PyHost, name: Obj, from: &Program<PyHost>) -> Result<Arc<Program<PyHost>>> {
    let found = host.ask(&host.types.get_template, &[name, parent_name(from)?])?;
    as_program(host, found)
}

/// The first template of a list of names that exists, or the one that a name names.
pub(crate) fn select(
    host: &mut PyHost,
    names: &Register,
    from: &Arc<Program<PyHost>>,
    flags: u8,
) -> Result<Option<Arc<Program<PyHost>>>> {
    host.importer = Some(from.clone());
    let names = host.object(names)?;
    if let Some(program) = itself(host, &names)? {
        return Ok(Some(program));
    }
    if let Some(program) = kept(host, &names)? {
        host.settings().loaded(true);
        return Ok(Some(program));
    }
    // As Jinja asks, by what stands in the source.
    let method = if flags & include_flags::NAMED != 0 {
        &host.types.get_template
    } else if flags & include_flags::SELECT != 0 {
        &host.types.select_template
    } else {
        &host.types.get_or_select_template
    };
    let ignore_missing = flags & include_flags::IGNORE_MISSING != 0;
    match host.ask(method, &[names, parent_name(from)?]) {
        Ok(found) => as_program(host, found).map(Some),
        Err(raised) if ignore_missing && raised.matches(&host.types.not_found) => {
            raised.clear();
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

/// The template that a value is, where none of the environment's methods may have other plans for it.
fn itself(host: &PyHost, value: &Obj) -> Result<Option<Arc<Program<PyHost>>>> {
    if host.settings().loading.is_some() { template::program_of(value) } else { Ok(None) }
}

/// The template of this name that the environment's cache has, if it is up to date: what `Environment.get_template` would
/// return, where nothing of it is overridden.
fn kept(host: &PyHost, name: &Obj) -> Result<Option<Arc<Program<PyHost>>>> {
    let settings = host.settings();
    let Some(loading) = settings.loading.as_ref().filter(|_| host.fast && objects::is_str(name)) else {
        return Ok(None);
    };
    if let Some(template) = Kept::find(settings, name)? {
        return template::program_of(&template);
    }
    let environment = &settings.environment;
    let (Some(loader), Some(cache)) = (loading.loader.get(environment)?, loading.cache.get(environment)?)
    else {
        return Ok(None);
    };
    if !PyHost::is_exactly(&cache, &host.types.lru_cache) || loader.is(&objects::none()) {
        return Ok(None);
    }
    let Some(entries) = loading.entries.get(&cache)?.filter(objects::is_dict) else { return Ok(None) };
    let (key, hash) = settings.cache_key(&loader, name)?;
    let Some(template) = objects::dict_get(&entries, &key, hash)? else { return Ok(None) };
    if !PyHost::is_exactly(&template, &loading.class) {
        return Ok(None);
    }
    if let Some(reload) = loading.auto_reload.get(environment)?
        && objects::truth(&reload)?
    {
        let Some(check) = loading.uptodate.get(&template)? else { return Ok(None) };
        if !check.is(&objects::none()) && !fresh::says_latest(&check)? {
            return Ok(None);
        }
    }
    // It is the one that was used last now.
    objects::dict_move_to_end(&entries, &key, &template)?;
    Kept::remember(host, name, (key, hash), &template)?;
    template::program_of(&template)
}

fn parent_name(from: &Program<PyHost>) -> Result<Obj> {
    from.name().map_or_else(|| Ok(objects::none()), |name| objects::text(name))
}

fn as_program(host: &mut PyHost, found: Obj) -> Result<Arc<Program<PyHost>>> {
    match template::program_of(&found)? {
        Some(program) => {
            // No cache may have it: its context is made next, perhaps by a method of the template itself.
            host.found = Some(found);
            Ok(program)
        }
        None => objects::raise(&Class::Type.object(), "the loader returned something that is no template"),
    }
}
