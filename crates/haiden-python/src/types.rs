//! The Python classes and names that the host needs, looked up once for the process.

use std::cell::RefCell;

use hashbrown::HashMap;
use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::attr_cache::Name;
use crate::filters::Native;
use crate::machine;
use crate::objects::{self, Raised, Result};
use crate::register::{Attached, Obj};
use crate::stock::Helpers;
use crate::tests::NativeTest;

macro_rules! types {
    ($( $field:ident = $module:ident . $name:literal; )*; $( $text:ident = $literal:literal; )*) => {
        /// Classes, functions and names.
        pub(crate) struct Types {
            $( pub(crate) $field: Obj, )*
            $( pub(crate) $text: Name, )*
            /// The exception by which a verb says that something must be awaited.
            pub(crate) suspension: Obj,
            /// The classes of what the machine calls itself.
            pub(crate) macro_class: Obj,
            pub(crate) block_class: Obj,
            pub(crate) loop_class: Obj,
            /// The function `json.dumps`, once it was found to be Python's own.
            pub(crate) stock_dumps: RefCell<Option<Obj>>,
            /// `Undefined`, made without a call.
            pub(crate) nothing: objects::Filled<4>,
            /// Names of which templates have spoken lately.
            names: RefCell<HashMap<Box<str>, Name>>,
            /// The stock filters that the machine has its own way of applying, as Python functions.
            pub(crate) stock_filters: Vec<(Obj, Native)>,
            /// The stock filters that the compiler knows, by name.
            pub(crate) known_filters: Vec<(&'static str, Name, Obj)>,
            /// What these call in Python.
            pub(crate) helpers: Helpers,
            /// The stock tests, likewise.
            pub(crate) stock_tests: Vec<(Obj, NativeTest)>,
        }

        fn load(py: Python<'_>) -> PyResult<Types> {
            let of = |module: &str, name: &str| -> PyResult<Obj> {
                let module = py.import(module.replace('_', "."))?;
                let object = name.split('.').try_fold(module.into_any(), |object, name| object.getattr(name))?;
                Ok(Obj::of(&object))
            };
            let named = |text: &str| Name::new(text).map_err(|raised| raised.take(py));
            let filters = py.import("haiden.filters")?;
            let tests = py.import("haiden.tests")?;
            let undefined = of("haiden_runtime", "Undefined")?;
            let nothing = objects::Filled::new(
                &undefined,
                &of("haiden_runtime", "Undefined.__init__")?,
                [
                    named("_undefined_hint")?,
                    named("_undefined_obj")?,
                    named("_undefined_name")?,
                    named("_undefined_exception")?,
                ],
            );
            Ok(Types {
                nothing: nothing.map_err(|raised| raised.take(py))?,
                $( $field: of(stringify!($module), $name)?, )*
                $( $text: named($literal)?, )*
                stock_dumps: RefCell::default(),
                names: RefCell::default(),
                suspension: Obj::of(&py.get_type::<crate::waiting::Suspension>()),
                macro_class: Obj::of(&py.get_type::<machine::Macro>()),
                block_class: Obj::of(&py.get_type::<machine::Block>()),
                loop_class: Obj::of(&py.get_type::<machine::Loop>()),
                stock_filters: stock(&filters, Native::STOCK)?,
                known_filters: known_filters(&filters)?,
                helpers: Helpers::of(&filters)?,
                stock_tests: stock(&tests, NativeTest::STOCK)?,
            })
        }
    };
}

types! {
    markup = markupsafe."Markup";
    modules = sys."modules";
    undefined = haiden_runtime."Undefined";
    context = haiden_runtime."Context";
    environment = haiden_environment."Environment";
    template = haiden_environment."Template";
    from_code = haiden_environment."Template.from_code.__func__";
    lru_cache = haiden_utils."LRUCache";
    chain_map = collections."ChainMap";
    make_module = haiden_environment."_module_of";
    namespace = haiden_utils."Namespace";
    mapped = haiden_filters."_mapped";
    chosen = haiden_filters."_chosen";
    distinct = haiden_filters."_distinct";
    extreme = haiden_filters."_extreme";
    group_of = haiden_filters."_GroupTuple._make";
    str = builtins."str";
    sorted = builtins."sorted";
    sum = builtins."sum";
    map = builtins."map";
    min = builtins."min";
    max = builtins."max";
    reversed = builtins."reversed";
    round = builtins."round";
    missing = haiden_utils."missing";
    wants_context = haiden_utils."_PassArg.context";
    wants_eval_context = haiden_utils."_PassArg.eval_context";
    wants_environment = haiden_utils."_PassArg.environment";
    runtime_error = haiden_exceptions."TemplateRuntimeError";
    assertion_error = haiden_exceptions."TemplateAssertionError";
    syntax_error = haiden_exceptions."TemplateSyntaxError";
    not_found = haiden_exceptions."TemplateNotFound";
    undefined_error = haiden_exceptions."UndefinedError";
    limit_error = haiden_exceptions."LimitError";
    ;
    html = "__html__";
    json = "json";
    dumps = "dumps";
    dumps_function = "json.dumps_function";
    dumps_kwargs = "json.dumps_kwargs";
    dunder_module = "__module__";
    call = "__call__";
    loader = "loader";
    cache = "cache";
    mapping = "mapping";
    entries = "_mapping";
    get = "get";
    keys = "keys";
    auto_reload = "auto_reload";
    uptodate = "_uptodate";
    namespace_attributes = "_Namespace__attrs";
    upper = "upper";
    lower = "lower";
    rsplit = "rsplit";
    acquire = "acquire";
    release = "release";
    strip = "strip";
    center = "center";
    newline_sequence = "newline_sequence";
    urlize_rel = "urlize.rel";
    urlize_target = "urlize.target";
    urlize_extra_schemes = "urlize.extra_schemes";
    capitalize = "capitalize";
    replace = "replace";
    jinja_pass_arg = "jinja_pass_arg";
    get_template = "get_template";
    select_template = "select_template";
    get_or_select_template = "get_or_select_template";
    getattr = "getattr";
    getitem = "getitem";
    eval_ctx = "eval_ctx";
    autoescape = "autoescape";
    vars = "vars";
    parent = "parent";
    blocks = "blocks";
    made_for = "_haiden_made_for";
    exported_vars = "exported_vars";
    resolve_or_missing = "resolve_or_missing";
    machine = "_machine";
    get_all = "get_all";
    get_exported = "get_exported";
    concat = "concat";
    env_call = "call";
    module = "_module";
    maps = "maps";
    load = "load";
    update = "update";
    globals = "globals";
    capacity = "capacity";
    own_name = "name";
    own_filename = "filename";
    own_environment = "environment";
    own_settings = "_settings";
    from_code_name = "from_code";
    make_globals_name = "make_globals";
    machine_settings = "_machine_settings";
    dict = "__dict__";
    dunder_name = "__name__";
    leeway = "truncate.leeway";
    aiter = "__aiter__";
    unsafe_callable = "unsafe_callable";
    alters_data = "alters_data";
    anext = "__anext__";
    call_binop = "call_binop";
    call_unop = "call_unop";
    intercepted_binops = "intercepted_binops";
    intercepted_unops = "intercepted_unops";
}

/// How many names are kept at most, and how long they may be.
const NAMES: usize = 1 << 13;
const NAME_BYTES: usize = 64;

impl Types {
    /// A name: what [`Name::new`] makes, without making it each time. Templates of a site speak of the same things.
    pub(crate) fn name(&self, text: &str) -> Result<Name> {
        if text.len() > NAME_BYTES {
            return Name::new(text);
        }
        if let Some(known) = self.names.borrow().get(text) {
            return Ok(known.clone());
        }
        let name = Name::new(text)?;
        let mut names = self.names.borrow_mut();
        if names.len() >= NAMES {
            names.clear();
        }
        names.insert(text.into(), name.clone());
        Ok(name)
    }
}

/// The functions of a module that the machine knows, by their names there, in the order of their addresses; `len` and the like
/// are the interpreter's.
fn stock<T: Copy>(module: &Bound<'_, PyModule>, names: &[(&str, T)]) -> PyResult<Vec<(Obj, T)>> {
    let builtins = module.py().import("builtins")?;
    let operators = module.py().import("operator")?;
    let mut found = Vec::with_capacity(names.len());
    for &(name, what) in names {
        let function = if let Some(name) = name.strip_prefix("builtins.") {
            builtins.getattr(name)?
        } else if let Some(name) = name.strip_prefix("operator.") {
            operators.getattr(name)?
        } else {
            module.getattr(name)?
        };
        found.push((Obj::of(&function), what));
    }
    found.sort_by_key(|(function, _)| function.as_ptr());
    Ok(found)
}

/// The filters that the compiler knows.
fn known_filters(module: &Bound<'_, PyModule>) -> PyResult<Vec<(&'static str, Name, Obj)>> {
    let py = module.py();
    let known = haiden_compiler::KNOWN_FILTERS.into_iter().map(|filter| {
        let function = match filter {
            "abs" => py.import("builtins")?.getattr(filter)?,
            "e" | "escape" => module.getattr("escape")?,
            "safe" => module.getattr("do_mark_safe")?,
            "d" => module.getattr("do_default")?,
            _ => module.getattr(format!("do_{filter}"))?,
        };
        let name = Name::new(filter).map_err(|raised| raised.take(py))?;
        Ok((filter, name, Obj::of(&function)))
    });
    known.collect()
}

/// What a function of the user's tables is, if it is one of those.
pub(crate) fn stock_of<T: Copy>(stock: &[(Obj, T)], function: &Obj) -> Option<T> {
    let place = stock.partition_point(|(known, _)| known.as_ptr() < function.as_ptr());
    stock.get(place).filter(|(known, _)| known.is(function)).map(|&(_, what)| what)
}

static TYPES: PyOnceLock<Attached<Types>> = PyOnceLock::new();
/// The interpreter that imported this module.
static OWNER: PyOnceLock<i64> = PyOnceLock::new();

/// Notes whose objects the machine will hold. CPython up to 3.11 gives the module to other interpreters without a word.
pub(crate) fn belong(py: Python<'_>) {
    OWNER.get_or_init(py, || objects::interpreter(py));
}

/// An error in other interpreters: what the machine holds is not theirs.
pub(crate) fn check_interpreter(py: Python<'_>) -> PyResult<()> {
    match OWNER.get(py) {
        Some(&owner) if owner != objects::interpreter(py) => Err(PyImportError::new_err(
            "haiden belongs to another interpreter of this process: it works in the first one that imports it",
        )),
        _ => Ok(()),
    }
}

/// The classes and names; imports our own Python modules when it is called first.
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
