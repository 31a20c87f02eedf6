//! An environment as the machine knows it: what is read once, so that a render need not ask.
//!
//! In: a `haiden.Environment`. Out: [`Settings`], which linked programs hold. Invariant: when an attribute of the
//! environment is set, its settings are stale, and whoever finds them so links anew ([`SettingsObject::invalidate`]).

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use haiden_compiler::Options;
use haiden_syntax::{CustomTags, Extensions, Syntax};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};
use pyo3::{PyTraverseError, PyVisit};

use crate::attr_cache::Site;
use crate::budget::Limits;
use crate::flights::{FlightObject, Flights};
use crate::guard::Guard;
use crate::identity::fingerprint;
use crate::kept::Kept;
use crate::objects;
use crate::register::{Attached, Obj};
use crate::scope::visit_object;
use crate::states;
use crate::stock::{Stock, Watch};
use crate::types::{self, Types};
use crate::wanted::Wanted;

/// What the machine knows of an environment.
#[expect(clippy::struct_excessive_bools, reason = "independent facts about an environment")]
pub(crate) struct Settings {
    pub(crate) environment: Obj,
    pub(crate) undefined: Obj,
    /// `undefined` is `haiden.Undefined` itself.
    pub(crate) plain_undefined: bool,
    /// The function that printed values go through, and what it wants before them.
    pub(crate) finalize: Option<(Obj, Wanted)>,
    pub(crate) filters: Obj,
    pub(crate) tests: Obj,
    pub(crate) policies: Obj,
    pub(crate) hooks: Hooks,
    /// The environment is a sandbox with the stock rules.
    pub(crate) guard: Option<Guard>,
    /// What a render may use up; `None` if there are no limits.
    pub(crate) limits: Option<Limits>,
    /// Contexts are of the class that the machine knows.
    pub(crate) plain_context: bool,
    /// Values are kept as they are, not as text: `NativeEnvironment`.
    pub(crate) native: bool,
    /// What verbs get may have to be awaited.
    pub(crate) is_async: bool,
    /// `render` needs nothing that Python code does.
    pub(crate) plain: bool,
    /// Take the fast roads.
    pub(crate) fast: bool,
    /// Where a loaded template is found, if that is done as `Environment` does it.
    pub(crate) loading: Option<Loading>,
    /// Keys of the environment's cache, by name: the name, a weak reference to the loader, the key and its hash.
    keys: RefCell<Vec<(Obj, Obj, CacheKey)>>,
    /// Templates that are being loaded.
    pub(crate) flights: Flights,
    /// Templates that were found there.
    pub(crate) kept: RefCell<Vec<Rc<Kept>>>,
    /// A state of the policies, and how much longer by them a text may be that is to be cut.
    pub(crate) leeway: Cell<Option<(u64, i64)>>,
    /// The options for templates that are not escaped, and for those that are.
    known: RefCell<[Option<Seen>; 2]>,
    compiles_source: bool,
    /// The extensions that only Python code knows.
    foreign: Vec<Obj>,
    extension_count: usize,
    compiles_tree: bool,
    stale: Cell<bool>,
    /// The classes that the rest was read from.
    classes: Watch,
    /// How many templates were asked for by name: those that were in memory, and those that were loaded.
    loads: Cell<[u64; 2]>,
}

/// Options, and the last state of the table of filters that they went for.
type Seen = (Rc<Known>, Option<u64>);

/// The options that templates of an environment are compiled with.
pub(crate) struct Known {
    pub(crate) options: Options,
    pub(crate) fingerprint: [u8; 32],
}

/// What an environment loads templates as, and the attributes that say which it has.
pub(crate) struct Loading {
    /// The class of templates.
    pub(crate) class: Obj,
    /// `from_code` of that class is the stock one.
    pub(crate) plain_making: bool,
    /// Globals are put together as the stock class does it.
    pub(crate) plain_globals: bool,
    pub(crate) loader: Site,
    pub(crate) cache: Site,
    pub(crate) entries: Site,
    pub(crate) auto_reload: Site,
    pub(crate) uptodate: Site,
}

/// A key of an environment's cache, and its hash.
pub(crate) type CacheKey = (Obj, isize);

/// How many keys are kept at most.
const KEYS: usize = 32;

/// Which methods of an environment, or of its contexts, are overridden.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one per method")]
pub(crate) struct Hooks {
    pub(crate) getattr: bool,
    pub(crate) getitem: bool,
    /// `Environment.call` of a sandbox, or an overridden `Context.call`.
    pub(crate) call: bool,
    pub(crate) context_call: bool,
    pub(crate) resolve: bool,
    /// Operators that a sandbox intercepts.
    pub(crate) operators: bool,
    /// `call_filter` and `call_test`, by which filters like `map` apply others.
    pub(crate) filters_and_tests: bool,
}

/// A [`Settings`] as Python holds it: in the environment's `__dict__`, and in what was linked.
#[pyclass(frozen, name = "Settings", module = "haiden._native")]
pub(crate) struct SettingsObject(Attached<Settings>);

/// The settings that an object is.
pub(crate) fn of(object: &Obj) -> &Settings {
    objects::ours::<SettingsObject>(object).expect("programs hold settings").0.peek()
}

impl Settings {
    /// Counts a template that was asked for by name.
    pub(crate) fn loaded(&self, from_memory: bool) {
        let [hits, misses] = self.loads.get();
        self.loads.set([hits + u64::from(from_memory), misses + u64::from(!from_memory)]);
    }

    /// The key under which the environment's cache has a template.
    pub(crate) fn cache_key(&self, loader: &Obj, name: &Obj) -> objects::Result<CacheKey> {
        // A loader has one weak reference like this, and another loader at its address has another one.
        let reference = objects::weak(loader)?;
        let keys = self.keys.borrow();
        if let Some((_, _, key)) = keys.iter().find(|(known, of, _)| known.is(name) && of.is(&reference)) {
            return Ok(key.clone());
        }
        drop(keys);
        let key = objects::tuple([Ok(reference.clone()), Ok(name.clone())].into_iter())?;
        let hash = objects::hash(&key)?;
        let key = (key, hash);
        let mut keys = self.keys.borrow_mut();
        if keys.len() >= KEYS {
            keys.clear();
        }
        keys.push((name.clone(), reference, key.clone()));
        Ok(key)
    }

    /// Is this source compiled without Python? Not where one of Python's extensions may have a say in it: it has a hook for
    /// all sources, or the source has the name of one of its tags in it.
    pub(crate) fn compiles(&self, py: Python<'_>, source: &str) -> PyResult<bool> {
        if !self.compiles_source || self.foreign.is_empty() {
            return Ok(self.compiles_source);
        }
        for extension in &self.foreign {
            let extension = extension.bound(py);
            for hook in ["preprocess", "filter_stream"] {
                if !is_stock(&extension.getattr(hook)?, hook) {
                    return Ok(false);
                }
            }
            for tag in extension.getattr("tags")?.try_iter()? {
                if tag?
                    .cast::<PyString>()
                    .map_or(Ok(true), |tag| tag.to_str().map(|tag| has_word(source, tag)))?
                {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Is every source compiled without Python?
    pub(crate) fn compiles_all(&self) -> bool {
        self.compiles_source && self.foreign.is_empty()
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.stale.get() || self.classes.has_changed()
    }
}

/// Is it a bound method of `haiden.ext.Extension` itself?
fn is_stock(method: &Bound<'_, PyAny>, name: &str) -> bool {
    let says = |attribute: &str, expected: &str| {
        let found = method.getattr("__func__").and_then(|function| function.getattr(attribute));
        found.is_ok_and(|found| found.eq(expected).unwrap_or(false))
    };
    says("__module__", "haiden.ext") && says("__qualname__", &format!("Extension.{name}"))
}

/// Has the source this name in it, on its own? (It has, wherever a character beyond ASCII stands beside it.)
fn has_word(source: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    source.match_indices(word).any(|(at, _)| {
        !is_part(source[..at].chars().next_back()) && !is_part(source[at + word.len()..].chars().next())
    })
}

#[pymethods]
impl SettingsObject {
    #[new]
    fn new(environment: &Bound<'_, PyAny>) -> PyResult<SettingsObject> {
        let py = environment.py();
        types::check_interpreter(py)?;
        let types = types::types(py)?.get(py);
        Ok(SettingsObject(Attached::new(py, read(environment, types)?)))
    }

    /// Is this source compiled without Python?
    fn compiles_source(&self, py: Python<'_>, source: &str) -> PyResult<bool> {
        self.0.get(py).compiles(py, source)
    }

    /// How many extensions the environment had.
    #[getter]
    fn extension_count(&self, py: Python<'_>) -> usize {
        self.0.get(py).extension_count
    }

    /// Trees are compiled without Python.
    #[getter]
    fn compiles_tree(&self, py: Python<'_>) -> bool {
        self.0.get(py).compiles_tree
    }

    /// Around the loading of a template: other threads that need it wait, or this one for another.
    fn flight(&self, py: Python<'_>, name: &Bound<'_, PyString>) -> FlightObject {
        FlightObject::new(py, &self.0.get(py).flights, name)
    }

    /// Counts a template that was asked for by name.
    fn loaded(&self, py: Python<'_>, from_memory: bool) {
        self.0.get(py).loaded(from_memory);
    }

    /// How many of them were in memory, and how many were loaded.
    #[getter]
    fn loads(&self, py: Python<'_>) -> (u64, u64) {
        self.0.get(py).loads.get().into()
    }

    /// Has the environment changed since, or a class of it?
    #[getter]
    fn stale(&self, py: Python<'_>) -> bool {
        self.0.get(py).is_stale()
    }

    /// The environment has changed.
    fn invalidate(&self, py: Python<'_>) {
        self.0.get(py).stale.set(true);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let settings = self.0.peek();
        for object in [
            &settings.environment,
            &settings.undefined,
            &settings.filters,
            &settings.tests,
            &settings.policies,
        ]
        .into_iter()
        .chain(&settings.foreign)
        {
            visit_object(object.as_ptr(), &visit)?;
        }
        if let Some(loading) = &settings.loading {
            visit_object(loading.class.as_ptr(), &visit)?;
        }
        match &settings.finalize {
            Some((finalize, _)) => visit_object(finalize.as_ptr(), &visit),
            None => Ok(()),
        }
    }
    #[expect(clippy::unused_self, reason = "the ring is cut in the environment's dictionary")]
    fn __clear__(&self) {}
}

/// The module that knows what the classes were made with.
const HOME: &str = "haiden.environment";

/// The methods that `Template.render` calls.
const RENDERING: [&str; 2] = ["new_context", "root_render_func"];

fn read(environment: &Bound<'_, PyAny>, types: &Types) -> PyResult<Settings> {
    let py = environment.py();
    let of = |name: &str| environment.getattr(name).map(|object| Obj::of(&object));
    let stock = Stock::of(py, HOME, &types.environment.bound(py))?;
    let class = environment.get_type();
    let own = environment.getattr("__dict__")?;
    let own = own.cast::<PyDict>()?;
    let overridden =
        |name: &str| -> PyResult<bool> { Ok(own.contains(name)? || stock.differs(class.as_any(), name)?) };
    let any = |names: &[&str]| -> PyResult<bool> {
        for name in names {
            if overridden(name)? {
                return Ok(true);
            }
        }
        Ok(false)
    };
    let truth = |name: &str| environment.getattr(name)?.is_truthy();
    let (sandboxed, is_async) = (truth("sandboxed")?, truth("is_async")?);
    let context_class = environment.getattr("context_class")?;
    let context_class = context_class.cast::<PyType>()?;
    let stock_context = Stock::of(py, HOME, &types.context.bound(py))?;
    let resolve = stock_context.differs(context_class, "resolve_or_missing")?;
    let context_call = stock_context.differs(context_class, "call")?;
    let undefined = environment.getattr("undefined")?;
    let generator = code_generator(environment)?;
    let native = generator == CodeGenerator::Native;
    let plain_context =
        context_class.is(types.context.bound(py)) && stock_context.is_unchanged(context_class)?;
    let concat = if native { native } else { !overridden("concat")? };
    let finalize = environment.getattr("finalize")?;
    let finalize =
        if finalize.is_none() { None } else { Some((Obj::of(&finalize), Wanted::of_bound(&finalize)?)) };
    let operators = sandboxed
        && (environment.getattr("intercepted_binops")?.is_truthy()?
            || environment.getattr("intercepted_unops")?.is_truthy()?);
    let compiles_tree = generator != CodeGenerator::Foreign && !any(&["_generate", "_compile"])?;
    let parses = ["_parse", "preprocess", "_tokenize", "lexer", "lex", "iter_extensions"];
    let compiles_source = compiles_tree && !any(&parses)?;
    let loading = ["get_template", "get_or_select_template", "_load_template", "join_path"];
    let template_class = environment.getattr("template_class")?;
    let stock_template = Stock::of(py, HOME, &types.template.bound(py))?;
    let plain_loading = !any(&loading)? && !stock_template.differs(&template_class, "is_up_to_date")?;
    let from_code = template_class.getattr("from_code")?.getattr_opt("__func__")?;
    let plain_making = from_code.is_some_and(|function| function.is(types.from_code.bound(py)));
    let plain_templates = !stock_template.any_differs(&types.template.bound(py), &RENDERING)?;
    let plain_undefined = undefined.is(types.undefined.bound(py))
        && Stock::of(py, HOME, &undefined)?.is_unchanged(&undefined)?;
    let plain_globals = !overridden("make_globals")?;
    let fast = std::env::var_os("HAIDEN_NO_FAST").is_none_or(|value| value.is_empty());
    let loading = plain_loading.then(|| Loading {
        class: Obj::of(&template_class),
        plain_making,
        plain_globals,
        loader: Site::new(&types.loader, fast),
        cache: Site::new(&types.cache, fast),
        entries: Site::new(&types.entries, fast),
        auto_reload: Site::new(&types.auto_reload, fast),
        uptodate: Site::new(&types.uptodate, fast),
    });
    Ok(Settings {
        plain_undefined,
        undefined: Obj::of(&undefined),
        finalize,
        filters: of("filters")?,
        tests: of("tests")?,
        policies: of("policies")?,
        hooks: Hooks {
            getattr: overridden("getattr")?,
            getitem: overridden("getitem")?,
            call: sandboxed,
            context_call,
            resolve,
            operators,
            filters_and_tests: any(&["call_filter", "call_test"])?,
        },
        guard: if sandboxed { Guard::of(environment)? } else { None },
        limits: Limits::of(environment)?,
        plain_context,
        native,
        is_async,
        plain: plain_context && plain_templates && concat && !native,
        fast,
        loading,
        keys: RefCell::default(),
        flights: Flights::default(),
        kept: RefCell::default(),
        leeway: Cell::new(None),
        known: RefCell::default(),
        compiles_source,
        foreign: extensions(environment)?.1,
        extension_count: environment.getattr("extensions")?.len()?,
        compiles_tree,
        stale: Cell::new(false),
        classes: Watch::new(&[class.as_any(), context_class, &undefined, &template_class]),
        loads: Cell::default(),
        environment: Obj::of(environment),
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CodeGenerator {
    Stock,
    Native,
    Foreign,
}

/// Which class of code generators an environment has; `CodeGenerator` itself is not imported for that.
fn code_generator(environment: &Bound<'_, PyAny>) -> PyResult<CodeGenerator> {
    let own = environment.getattr("__dict__")?;
    let mut found = own.cast::<PyDict>()?.get_item("code_generator_class")?;
    for class in environment.get_type().mro() {
        if found.is_some() {
            break;
        }
        let names = class.getattr("__dict__")?;
        if names.contains("code_generator_class")? {
            found = Some(names.get_item("code_generator_class")?);
        }
    }
    let Some(found) = found else { return Ok(CodeGenerator::Stock) };
    let Ok(class) = found.cast::<PyType>() else { return Ok(CodeGenerator::Stock) };
    let module = class.module()?;
    let known = [
        ("haiden.compiler", "CodeGenerator", CodeGenerator::Stock),
        ("haiden.nativetypes", "NativeCodeGenerator", CodeGenerator::Native),
    ];
    let name = class.name()?;
    let kind = known.into_iter().find(|(home, known, _)| module == *home && name == *known);
    Ok(kind.map_or(CodeGenerator::Foreign, |(_, _, kind)| kind))
}

/// The built-in extensions as flags, and those that only Python code knows.
fn extensions(environment: &Bound<'_, PyAny>) -> PyResult<(Extensions, Vec<Obj>)> {
    let all = environment.getattr("extensions")?;
    let (mut flags, mut foreign) = (Extensions::NONE, Vec::new());
    for extension in all.call_method0("values")?.try_iter()? {
        let extension = extension?;
        let class = extension.get_type();
        if class.module()? != "haiden.ext" {
            foreign.push(Obj::of(&extension));
            continue;
        }
        flags = match class.name()?.to_str()? {
            "InternationalizationExtension" => {
                // Of the environment that the extension was made for: it may have come from another one.
                let own = extension.getattr("environment")?;
                let newstyle = match own.getattr_opt("newstyle_gettext")? {
                    Some(newstyle) => newstyle.is_truthy()?,
                    None => false,
                };
                let i18n = flags.with(Extensions::I18N);
                if newstyle { i18n.with(Extensions::NEWSTYLE_GETTEXT) } else { i18n }
            }
            "ExprStmtExtension" => flags.with(Extensions::DO),
            "LoopControlExtension" => flags.with(Extensions::LOOP_CONTROLS),
            "WithExtension" | "AutoEscapeExtension" => flags,
            _ => {
                foreign.push(Obj::of(&extension));
                flags
            }
        };
    }
    if flags.contains(Extensions::I18N)
        && let Ok(trimmed) = environment.getattr("policies")?.get_item("ext.i18n.trimmed")
        && trimmed.is_truthy()?
    {
        flags = flags.with(Extensions::I18N_TRIMMED);
    }
    Ok((flags, foreign))
}

/// Does an environment, whose autoescape may depend on the name, escape the template of this name?
pub(crate) fn autoescape(settings: &Settings, py: Python<'_>, name: Option<&str>) -> PyResult<bool> {
    let autoescape = settings.environment.bound(py).getattr("autoescape")?;
    if autoescape.is_callable() { autoescape.call1((name,))?.is_truthy() } else { autoescape.is_truthy() }
}

/// The options that an environment has, for the template of this name.
pub(crate) fn options(settings: &Settings, py: Python<'_>, name: Option<&str>) -> PyResult<Rc<Known>> {
    let autoescape = autoescape(settings, py, name)?;
    let place = usize::from(autoescape);
    // Whoever puts a function into a table tells nobody.
    let state = if settings.fast && objects::is_dict(&settings.filters) {
        states::of_table(&settings.filters)
    } else {
        None
    };
    // Looking at a function may run Python code, which may come back here.
    let known = settings.known.borrow()[place].clone();
    if let Some((known, seen)) = &known
        && state.is_some()
        && *seen == state
    {
        return Ok(known.clone());
    }
    let filters = other_filters(settings, py)?;
    let known = match known {
        Some((known, _)) if known.options.filters == filters => known,
        _ => {
            let options = Options { filters, ..read_options(settings, py, autoescape)? };
            Rc::new(Known { fingerprint: fingerprint(settings, &options), options })
        }
    };
    // A policy takes part in the options of this extension: whoever sets one tells nobody.
    if !known.options.syntax.extensions.contains(Extensions::I18N) {
        settings.known.borrow_mut()[place] = Some((known.clone(), state));
    }
    Ok(known)
}

/// The filters that the compiler knows and that are other functions here, and whether Jinja calls these while it compiles.
fn other_filters(settings: &Settings, py: Python<'_>) -> PyResult<Vec<(&'static str, bool)>> {
    let mut others = Vec::new();
    let table = &settings.filters;
    if !objects::is_dict(table) {
        return Ok(others);
    }
    for (filter, name, stock) in &types::types(py)?.get(py).known_filters {
        let found = objects::dict_get(table, &name.object, name.hash).map_err(|raised| raised.take(py))?;
        let folds = match &found {
            Some(found) if found.is(stock) => continue,
            Some(found) if !found.is(&objects::none()) => {
                Wanted::of_bound(&found.bound(py))? != Wanted::Context
            }
            _ => false,
        };
        others.push((*filter, folds));
    }
    Ok(others)
}

fn read_options(settings: &Settings, py: Python<'_>, autoescape: bool) -> PyResult<Options> {
    let environment = settings.environment.bound(py);
    let text = |name: &str, default: &'static str| -> PyResult<Cow<'static, str>> {
        let value = environment.getattr(name)?;
        let Ok(text) = value.cast::<PyString>() else {
            return Err(PyTypeError::new_err(format!("{name} must be a string")));
        };
        let text = text.to_str()?;
        Ok(if text == default { Cow::Borrowed(default) } else { Cow::Owned(text.to_owned()) })
    };
    let prefix = |name: &str| -> PyResult<Option<Cow<'static, str>>> {
        if environment.getattr(name)?.is_none() { Ok(None) } else { text(name, "#").map(Some) }
    };
    let truth = |name: &str| environment.getattr(name)?.is_truthy();
    Ok(Options {
        syntax: Syntax {
            block_start_string: text("block_start_string", "{%")?,
            block_end_string: text("block_end_string", "%}")?,
            variable_start_string: text("variable_start_string", "{{")?,
            variable_end_string: text("variable_end_string", "}}")?,
            comment_start_string: text("comment_start_string", "{#")?,
            comment_end_string: text("comment_end_string", "#}")?,
            line_statement_prefix: prefix("line_statement_prefix")?,
            line_comment_prefix: prefix("line_comment_prefix")?,
            trim_blocks: truth("trim_blocks")?,
            lstrip_blocks: truth("lstrip_blocks")?,
            newline_sequence: text("newline_sequence", "\n")?,
            keep_trailing_newline: truth("keep_trailing_newline")?,
            extensions: extensions(&environment)?.0,
            // Extensions of Python parse with a parser of their own.
            custom_tags: CustomTags::default(),
        },
        autoescape,
        optimize: truth("optimized")?,
        finalize: settings.finalize.is_some() || settings.native,
        intercepted: settings.hooks.operators,
        filters: Vec::new(),
        outside: true,
    })
}
