//! Loading templates: what `Environment._load_template` and `Template.from_code` do, at one go.
//!
//! In: an environment and a template's name. Out: the template, from the environment's cache or by its loader; or nothing,
//! and then Python goes that way by itself. Invariant: the short way is taken only where the methods on the long one are the
//! stock ones, the cache is an `LRUCache` and nothing is out of the ordinary; but for the time, nobody can tell which it was.

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::fresh;
use crate::host::PyHost;
use crate::objects::{self, Result};
use crate::register::Obj;
use crate::settings::{self, Loading, Settings, SettingsObject};
use crate::template;
use crate::types::{self, Types};

/// The template of this name; `None` if Python has to find out by itself.
#[pyfunction]
pub(crate) fn load_template(
    environment: &Bound<'_, PyAny>,
    name: &Bound<'_, PyAny>,
    globals: &Bound<'_, PyAny>,
) -> PyResult<Option<Py<PyAny>>> {
    let py = environment.py();
    if name.cast_exact::<PyString>().is_err() {
        return Ok(None);
    }
    let types = types::types(py)?.get(py);
    let (environment, name) = (Obj::of(environment), Obj::of(name));
    let globals = if globals.is_none() { None } else { Some(Obj::of(globals)) };
    let found = settings_of(types, &environment)
        .and_then(|settings| find(types, settings::of(&settings), &name, globals.as_ref()));
    match found {
        Ok(template) => Ok(template.map(|template| template.bound(py).unbind())),
        Err(raised) => Err(raised.take(py)),
    }
}

/// A template of what `Environment.compile` returned, as the stock class makes it.
#[pyfunction]
pub(crate) fn make_template(
    class: &Bound<'_, PyAny>,
    environment: &Bound<'_, PyAny>,
    code: &Bound<'_, PyAny>,
    globals: &Bound<'_, PyAny>,
    up_to_date: &Bound<'_, PyAny>,
) -> PyResult<Py<PyAny>> {
    let py = class.py();
    let types = types::types(py)?.get(py);
    let environment = Obj::of(environment);
    let made = settings_of(types, &environment).and_then(|settings| {
        let parts = template::Parts {
            settings: &settings,
            code: Obj::of(code),
            globals: Obj::of(globals),
            up_to_date: Obj::of(up_to_date),
        };
        template::make(types, &Obj::of(class), parts)
    });
    made.map(|template| template.bound(py).unbind()).map_err(|raised| raised.take(py))
}

/// The settings of an environment.
pub(crate) fn settings_of(types: &Types, environment: &Obj) -> Result<Obj> {
    let known = objects::lookup_attr(environment, &types.own_settings.object)?;
    if let Some(known) = known.filter(|known| objects::ours::<SettingsObject>(known).is_some())
        && !settings::of(&known).is_stale()
    {
        return Ok(known);
    }
    let settings = objects::call_method(environment, &types.machine_settings.object, &[])?;
    match objects::ours::<SettingsObject>(&settings) {
        Some(_) => Ok(settings),
        None => objects::raise(&objects::Class::Type.object(), "an environment's settings expected"),
    }
}

fn find(types: &Types, settings: &Settings, name: &Obj, globals: Option<&Obj>) -> Result<Option<Obj>> {
    let environment = &settings.environment;
    let Some(loading) = settings.loading.as_ref().filter(|_| settings.fast) else { return Ok(None) };
    let Some(loader) = loading.loader.get(environment)?.filter(|loader| !loader.is(&objects::none())) else {
        return Ok(None);
    };
    let Some(cache) = loading.cache.get(environment)? else { return Ok(None) };
    if cache.is(&objects::none()) {
        let template = load(types, settings, loading, (&loader, name, globals))?;
        settings.loaded(false);
        return Ok(Some(template));
    }
    if !PyHost::is_exactly(&cache, &types.lru_cache) {
        return Ok(None);
    }
    let Some(entries) = loading.entries.get(&cache)?.filter(objects::is_dict) else { return Ok(None) };
    let key = objects::tuple([objects::weak(&loader), Ok(name.clone())].into_iter())?;
    let memory = Memory { entries: &entries, key: &key };
    match memory.find(types, settings, loading, globals)? {
        InMemory::Latest(template) => return Ok(Some(template)),
        InMemory::Foreign => return Ok(None),
        InMemory::Nothing => {}
    }
    let _flight = settings.flights.enter(types, name)?;
    load_once(types, settings, loading, (&loader, name, globals), (&memory, &cache))
}

/// What another thread has loaded meanwhile, or what the loader says.
fn load_once(
    types: &Types,
    settings: &Settings,
    loading: &Loading,
    (loader, name, globals): (&Obj, &Obj, Option<&Obj>),
    (memory, cache): (&Memory<'_>, &Obj),
) -> Result<Option<Obj>> {
    if let InMemory::Latest(template) = memory.find(types, settings, loading, globals)? {
        return Ok(Some(template));
    }
    let template = load(types, settings, loading, (loader, name, globals))?;
    settings.loaded(false);
    keep(types, cache, memory.entries, memory.key, &template)?;
    Ok(Some(template))
}

/// The place of a template in the environment's cache.
struct Memory<'m> {
    entries: &'m Obj,
    key: &'m Obj,
}

/// What is there.
enum InMemory {
    Latest(Obj),
    /// A template of another class.
    Foreign,
    Nothing,
}

impl Memory<'_> {
    /// The template, as the one that was used last, if it is the latest.
    fn find(
        &self,
        types: &Types,
        settings: &Settings,
        loading: &Loading,
        globals: Option<&Obj>,
    ) -> Result<InMemory> {
        let Memory { entries, key } = self;
        let Some(template) = objects::dict_get(entries, key, objects::hash(key)?)? else {
            return Ok(InMemory::Nothing);
        };
        if !PyHost::is_exactly(&template, &loading.class) {
            return Ok(InMemory::Foreign);
        }
        if !is_latest(loading, &settings.environment, &template)? {
            return Ok(InMemory::Nothing);
        }
        objects::dict_move_to_end(entries, key, &template)?;
        if let Some(globals) = globals
            && objects::truth(globals)?
        {
            let own = objects::get_attr(&template, &types.globals.object)?;
            objects::call_method(&own, &types.update.object, std::slice::from_ref(globals))?;
        }
        settings.loaded(true);
        Ok(InMemory::Latest(template))
    }
}

/// Is a template that was loaded before still the latest?
fn is_latest(loading: &Loading, environment: &Obj, template: &Obj) -> Result<bool> {
    let reload = loading.auto_reload.get(environment)?;
    if !reload.map_or(Ok(true), |reload| objects::truth(&reload))? {
        return Ok(true);
    }
    match loading.uptodate.get(template)? {
        Some(check) if !check.is(&objects::none()) => fresh::says_latest(&check),
        _ => Ok(true),
    }
}

/// What the loader says, with globals put together.
fn load(
    types: &Types,
    settings: &Settings,
    loading: &Loading,
    (loader, name, globals): (&Obj, &Obj, Option<&Obj>),
) -> Result<Obj> {
    let environment = &settings.environment;
    let globals = if loading.plain_globals {
        let own = globals.map_or_else(objects::dict, |globals| Ok(globals.clone()))?;
        let shared = objects::get_attr(environment, &types.globals.object);
        let chain = objects::bare(&types.chain_map)?;
        objects::set_attr(&chain, &types.maps.object, &objects::list([Ok(own), shared].into_iter())?)?;
        chain
    } else {
        let globals = globals.map_or_else(objects::none, Clone::clone);
        objects::call_method(environment, &types.make_globals_name.object, &[globals])?
    };
    objects::call_method(loader, &types.load.object, &[environment.clone(), name.clone(), globals])
}

/// Keeps a template in the environment's cache as the one that was used last.
fn keep(types: &Types, cache: &Obj, entries: &Obj, key: &Obj, template: &Obj) -> Result<()> {
    let capacity = objects::get_attr(cache, &types.capacity.object)?;
    let there = objects::dict_get(entries, key, objects::hash(key)?)?.is_some();
    let has_room = objects::int_value(&capacity).is_some_and(|capacity| {
        usize::try_from(capacity).is_ok_and(|room| objects::dict_len(entries) < room)
    });
    if there || !has_room {
        return objects::set_item(cache, key, template);
    }
    objects::dict_set(entries, key, template)
}

/// A template of a code that came by its name alone, by the class's `from_code`.
pub(crate) fn from_code(types: &Types, settings: &Obj, name: &Obj, code: Obj, globals: Obj) -> Result<Obj> {
    let known = settings::of(settings);
    match &known.loading {
        Some(loading) if loading.plain_making => {
            let parts = template::Parts { settings, code, globals, up_to_date: objects::none() };
            template::make_named(types, &loading.class, parts, name)
        }
        _ => {
            let environment = &known.environment;
            let class = objects::get_attr(environment, &objects::intern("template_class")?)?;
            objects::call_method(&class, &types.from_code_name.object, &[environment.clone(), code, globals])
        }
    }
}
