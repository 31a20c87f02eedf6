//! `haiden._native.Template`, the base of `haiden.Template`: a linked program, and what Python does with it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use haiden_runtime::Vm;
use pyo3::exceptions::{PyException, PyKeyError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use crate::blocks::own_block;
use crate::budget::Budget;
use crate::code::Code;
use crate::contexts;
use crate::errors;
use crate::execution::{self, Begun, Execution};
use crate::host::{Extra, PyHost};
use crate::link::PyLinker;
use crate::objects::{self, Raised, Result};
use crate::output::Output;
use crate::register::{Attached, Obj};
use crate::scope::{Globals, visit_object};
use crate::settings;
use crate::states;
use crate::types::{self, Types};

pub(crate) type Program = haiden_runtime::Program<PyHost>;

/// What a template is.
struct State {
    code: Obj,
    globals: Obj,
    program: Arc<Program>,
}

/// The base class of `haiden.Template`.
#[pyclass(subclass, frozen, name = "Template", module = "haiden._native")]
pub(crate) struct Template(Attached<RefCell<Option<State>>>);

/// The program of an object that is a template; `None` if it is something else.
pub(crate) fn program_of(object: &Obj) -> Result<Option<Arc<Program>>> {
    match objects::ours_or_subclass::<Template>(object) {
        None => Ok(None),
        Some(template) => template.current(object),
    }
}

/// What a template is made of, apart from its name.
pub(crate) struct Parts<'a> {
    /// The settings of its environment.
    pub(crate) settings: &'a Obj,
    /// A [`Code`].
    pub(crate) code: Obj,
    pub(crate) globals: Obj,
    /// What tells whether its source is the latest, or `None`.
    pub(crate) up_to_date: Obj,
}

/// A template of this class, which is `haiden.Template` or a subclass; named as its code is.
pub(crate) fn make(types: &Types, class: &Obj, parts: Parts<'_>) -> Result<Obj> {
    let name = objects::ours::<Code>(&parts.code).and_then(|code| code.name.as_deref());
    let name = name.map_or_else(|| Ok(objects::none()), objects::text)?;
    make_named(types, class, parts, &name)
}

/// As [`make`], with the name of its code as an object.
pub(crate) fn make_named(types: &Types, class: &Obj, parts: Parts<'_>, name: &Obj) -> Result<Obj> {
    let Parts { settings, code, globals, up_to_date } = parts;
    let filename = objects::ours::<Code>(&code).map_or(Code::NO_FILE, Code::file);
    let filename = objects::text(filename)?;
    let this = objects::new_of::<Template>(class)?;
    let attributes = [
        (&types.own_environment, &settings::of(settings).environment),
        (&types.globals, &globals),
        (&types.own_name, name),
        (&types.own_filename, &filename),
        (&types.module, &objects::none()),
        (&types.uptodate, &up_to_date),
    ];
    // Nothing is linked that would have to learn of them; a subclass may have plans of its own.
    let set = if class.is(&types.template) { objects::set_attr_plainly } else { objects::set_attr };
    for (attribute, value) in attributes {
        set(&this, &attribute.object, value)?;
    }
    let Some(template) = objects::ours_or_subclass::<Template>(&this) else {
        return objects::raise(&objects::Class::Type.object(), "a class of templates expected");
    };
    match template.link_to(&this, settings, (code, globals), None) {
        Ok(_) => Ok(this),
        Err(error) => Err(Raised::from_error(objects::token(), error)),
    }
}

impl Template {
    /// The program, linked anew if the environment has changed.
    fn current(&self, this: &Obj) -> Result<Option<Arc<Program>>> {
        let Some(program) = self.0.peek().borrow().as_ref().map(|state| state.program.clone()) else {
            return Ok(None);
        };
        if is_current(&program)? {
            return Ok(Some(program));
        }
        let py = objects::token();
        match self.relink(this, None) {
            Ok(program) => Ok(Some(program)),
            Err(error) => Err(Raised::from_error(py, error)),
        }
    }

    /// Links the program anew, perhaps with other globals.
    fn relink(&self, this: &Obj, globals: Option<Obj>) -> PyResult<Arc<Program>> {
        let environment = this.bound(objects::token()).getattr("environment")?;
        let settings = environment.call_method0("_machine_settings")?;
        let (code, known) = {
            let state = self.0.peek().borrow();
            let state = state.as_ref().expect("it had a program just now");
            (state.code.clone(), state.globals.clone())
        };
        let settings = Obj::of(&settings);
        // Contexts of templates that were compiled before go by what the environment says now.
        let name = objects::ours::<Code>(&code).and_then(|code| code.name.as_deref());
        let autoescape = settings::autoescape(settings::of(&settings), objects::token(), name)?;
        self.link_to(this, &settings, (code, globals.unwrap_or(known)), Some(autoescape))
    }

    fn link_to(
        &self,
        this: &Obj,
        settings: &Obj,
        (code, globals): (Obj, Obj),
        autoescape: Option<bool>,
    ) -> PyResult<Arc<Program>> {
        let py = objects::token();
        let plain = this.bound(py).getattr(intern!(py, "_plain"))?.is_truthy()?;
        let program = link(py, settings, (&code, &globals), autoescape, plain)?;
        program.extra().owner.set(this.as_ptr());
        let old = self.0.peek().replace(Some(State { code, globals, program: program.clone() }));
        if let Some(old) = &old {
            old.program.extra().owner.set(std::ptr::null_mut());
        }
        Ok(program)
    }

    fn program(&self, this: &Bound<'_, Template>) -> PyResult<Arc<Program>> {
        let program = self.current(&Obj::of(this)).map_err(|raised| raised.take(this.py()))?;
        program.ok_or_else(|| PyTypeError::new_err("the template has no code"))
    }
}

/// Is what the program is linked to still what the environment has?
#[inline]
fn is_current(program: &Program) -> Result<bool> {
    let settings = program.extra().settings();
    if settings.is_stale() {
        return Ok(false);
    }
    let state = |table| if objects::is_dict(table) { states::of_table(table) } else { None };
    let states = state(&settings.filters).zip(state(&settings.tests));
    if states.is_some() && states == program.extra().seen.get() {
        return Ok(true);
    }
    has_same_functions(program, states)
}

/// Are the functions that the program is linked to those that the environment has, in these states of its tables?
#[inline(never)]
fn has_same_functions(program: &Program, states: Option<(u64, u64)>) -> Result<bool> {
    let settings = program.extra().settings();
    for reference in program.extra().references.borrow().iter() {
        let table = if reference.is_filter { &settings.filters } else { &settings.tests };
        let now = objects::dict_get(table, &reference.name.object, reference.name.hash)?;
        let same = match (&now, &reference.function) {
            (Some(now), Some(linked)) => now.is(linked),
            (None, None) => true,
            _ => false,
        };
        if !same {
            return Ok(false);
        }
    }
    program.extra().seen.set(states);
    Ok(true)
}

/// Links a program. `autoescape`: what the environment says by now, if the template was linked before.
fn link(
    py: Python<'_>,
    settings: &Obj,
    (code, globals): (&Obj, &Obj),
    autoescape: Option<bool>,
    plain: bool,
) -> PyResult<Arc<Program>> {
    let types = types::types(py)?.get(py);
    let Some(code) = objects::ours::<Code>(code) else {
        return Err(PyTypeError::new_err("code of `Environment.compile` expected"));
    };
    let known = settings::of(settings);
    let extra = Extra {
        settings: settings.clone(),
        globals: globals_of(py, globals)?,
        plain: plain && known.plain,
        autoescape: autoescape.unwrap_or(code.autoescape),
        filename: Some(code.file().into()),
        held: Cell::new(0),
        owner: Cell::new(std::ptr::null_mut()),
        objects: code.objects.as_ref().map(|objects| objects.get(py).clone()),
        references: RefCell::default(),
        seen: Cell::new(None),
    };
    let is_judged = code.is_judged || autoescape.is_some();
    let mut linker = PyLinker { types, settings: known, is_judged, references: Vec::new(), error: None };
    let name = code.name.as_deref();
    let program = haiden_runtime::link(code.image.clone(), name.map(Arc::from), extra, &mut linker);
    if let Some(raised) = linker.error {
        return Err(Raised::take(raised, py));
    }
    let program =
        program.map_err(|error| errors::link_error(py, types, &error, (name, code.filename.as_deref())))?;
    *program.extra().references.borrow_mut() = linker.references;
    #[expect(clippy::arc_with_non_send_sync, reason = "the machine counts programs so; `Attached` guards it")]
    Ok(Arc::new(program))
}

/// The dicts of a template's globals: of a `ChainMap` of two dicts both, else a copy.
fn globals_of(py: Python<'_>, globals: &Obj) -> PyResult<Globals> {
    if objects::is_dict(globals) {
        return Ok(Globals { own: None, shared: Some(globals.clone()) });
    }
    if globals.is(&objects::none()) {
        return Ok(Globals::NONE);
    }
    let known = types::types(py)?.get(py);
    let maps = objects::lookup_attr(globals, &known.maps.object).map_err(|raised| raised.take(py))?;
    if let Some(maps) = &maps
        && objects::is_list(maps)
        && objects::list_len(maps) == 2
        && let (Some(own), Some(shared)) = (objects::list_item(maps, 0), objects::list_item(maps, 1))
        && objects::is_dict(&own)
        && objects::is_dict(&shared)
    {
        return Ok(Globals { own: Some(own), shared: Some(shared) });
    }
    if let Some(maps) = maps {
        let maps = maps.bound(py);
        let maps: Vec<Obj> =
            maps.try_iter()?.map(|map| map.map(|map| Obj::of(&map))).collect::<PyResult<_>>()?;
        if let [own, shared] = &maps[..]
            && objects::is_dict(own)
            && objects::is_dict(shared)
        {
            return Ok(Globals { own: Some(own.clone()), shared: Some(shared.clone()) });
        }
    }
    let copy = objects::dict().map_err(|raised| raised.take(py))?;
    objects::dict_update(&copy, globals).map_err(|raised| raised.take(py))?;
    Ok(Globals { own: None, shared: Some(copy) })
}

/// The variables of a render, in a dict of its own.
fn variables<'py>(
    py: Python<'py>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    if let Some(kwargs) = kwargs
        && kwargs.contains(intern!(py, "self"))?
    {
        return Err(PyTypeError::new_err("Template.render() got multiple values for argument 'self'"));
    }
    if args.is_empty() {
        return Ok(kwargs.map_or_else(|| PyDict::new(py), Clone::clone));
    }
    if let Ok(first) = args.get_borrowed_item(0)
        && args.len() == 1
        && kwargs.is_none()
        && let Ok(first) = first.cast_exact::<PyDict>()
    {
        return first.copy();
    }
    Ok(py.get_type::<PyDict>().call(args, kwargs)?.cast_into()?)
}

/// Jinja2 puts variables beside the globals as keywords.
#[inline]
fn check_names(variables: &Obj) -> PyResult<()> {
    if objects::has_text_keys(variables) {
        return Ok(());
    }
    Err(PyTypeError::new_err("keywords must be strings"))
}

/// The page of a template.
fn render<'py>(this: &Bound<'py, Template>, variables: Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    let py = this.py();
    let template = this.get();
    let program = template.current(&Obj::of(this)).map_err(|raised| raised.take(py))?;
    let program = match program {
        Some(program) if program.extra().plain && !program.extra().settings().is_async => program,
        _ => return this.call_method1(intern!(py, "_render_by_functions"), (variables,)),
    };
    RENDERS.fetch_add(1, Ordering::Relaxed);
    let variables = Obj::of(&variables);
    check_names(&variables)?;
    let context = contexts::root(&program, variables);
    let scope = context.scope.clone();
    let mut out = Output::of_spare(SPARE_PAGE.take(), program.size_hint() + 64);
    let result = objects::enter_recursion().and_then(|_guard| {
        let _entered = Budget::enter(scope.budget.as_ref());
        let mut host = PyHost::new(scope.clone());
        let limits = host.limits();
        let mut vm = SPARE.take().unwrap_or_else(|| Box::new(Vm::idle()));
        let result = vm.run_template(&mut host, &mut out, &program, context, limits);
        vm.clear(SPARE_BYTES);
        SPARE.set(Some(vm));
        result
    });
    let page = result.and_then(|()| {
        program.remember_size(out.len());
        out.take_since(0)
    });
    if let Some(spare) = out.into_spare().filter(|spare| spare.capacity() <= SPARE_PAGE_BYTES) {
        SPARE_PAGE.set(spare);
    }
    // With an exception on its way the finish must not meet it in the indicator.
    let page = page.map_err(|raised| raised.take(py));
    scope.finish();
    page.map(|page| page.bound(py))
}

/// How many renders were started on the machine.
static RENDERS: AtomicU64 = AtomicU64::new(0);

/// How many renders were started on the machine in this process.
#[pyfunction]
pub(crate) fn renders() -> u64 {
    RENDERS.load(Ordering::Relaxed)
}

/// How many bytes a spare machine keeps for each of its tables.
const SPARE_BYTES: usize = 1 << 16;

/// How large a page may be for its room to be kept.
const SPARE_PAGE_BYTES: usize = 1 << 19;

thread_local! {
    /// The room of a page that is done.
    static SPARE_PAGE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// A machine that no render uses: it is empty, but has room.
    static SPARE: Cell<Option<Box<Vm<PyHost>>>> = const { Cell::new(None) };
}

#[pymethods]
impl Template {
    #[new]
    #[pyo3(signature = (*_arguments, **_keywords))]
    fn new(
        py: Python<'_>,
        _arguments: &Bound<'_, PyTuple>,
        _keywords: Option<&Bound<'_, PyDict>>,
    ) -> Template {
        Template(Attached::new(py, RefCell::new(None)))
    }

    /// The text of the template with these variables: a dict, keywords, or both.
    ///
    /// >>> Template("{{ a }}{{ b }}").render({"a": 1}, b=2)
    /// '12'
    #[pyo3(signature = (*args, **kwargs))]
    fn render<'py>(
        this: &Bound<'py, Template>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = this.py();
        let page = variables(py, args, kwargs).and_then(|variables| render(this, variables));
        match page {
            // What renders where things are awaited has handled its own.
            Err(error)
                if error.is_instance_of::<PyException>(py)
                    && !this.getattr("environment")?.getattr("is_async")?.is_truthy()? =>
            {
                this.call_method1(intern!(py, "_handle"), (error,))
            }
            page => page,
        }
    }

    /// An attribute is set: the machine learns of other globals, and that something is overridden.
    fn __setattr__(
        this: &Bound<'_, Template>,
        name: &Bound<'_, PyString>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (object, value) = (Obj::of(this), Obj::of(value));
        objects::set_attr_plainly(&object, &Obj::of(name), &value)
            .map_err(|raised| raised.take(this.py()))?;
        let template = this.get();
        let is_linked = template.0.get(this.py()).borrow().is_some();
        if is_linked && name == "globals" {
            template.relink(&object, Some(value))?;
        } else if is_linked && name == "_plain" {
            template.relink(&object, None)?;
        }
        Ok(())
    }

    fn __delattr__(this: &Bound<'_, Template>, name: &Bound<'_, PyString>) -> PyResult<()> {
        objects::del_attr_plainly(&Obj::of(this), &Obj::of(name)).map_err(|raised| raised.take(this.py()))
    }

    /// Starts to run the template, or one of its blocks, in a context; iterating over the result runs it.
    #[pyo3(signature = (context, block=None))]
    fn _start(
        this: &Bound<'_, Template>,
        context: &Bound<'_, PyAny>,
        block: Option<&str>,
    ) -> PyResult<Execution> {
        let py = this.py();
        let program = this.get().program(this)?;
        RENDERS.fetch_add(1, Ordering::Relaxed);
        let started = (|| {
            let scope = crate::scope::Scope::new(program.extra().settings.clone());
            let mut host = PyHost::new(scope);
            let object = Obj::of(context);
            let chain = host.chain_from(&object, &program)?;
            let context = host.context_from(&object, &program)?;
            context.set_chain(chain.clone());
            let limits = host.limits();
            let vm = match block {
                None => Vm::new(&mut host, &program, context.clone(), limits)?,
                Some(name) => {
                    let Some(reference) = own_block(&program, context.clone(), chain, name) else {
                        return Ok(Err(name));
                    };
                    Vm::of_block(&mut host, reference, limits)?
                }
            };
            Ok(Ok(Execution::new(&host, vm, context)))
        })();
        match started {
            Ok(Ok(execution)) => Ok(execution),
            Ok(Err(name)) => Err(PyKeyError::new_err(name.to_owned())),
            Err(raised) => Err(Raised::take(raised, py)),
        }
    }

    /// Starts to render in an asynchronous environment: the page if nothing has to be awaited, else what goes on when
    /// something was; `None` if rendering needs what Python code does.
    fn _begin<'py>(
        this: &Bound<'py, Template>,
        variables: &Bound<'py, PyDict>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = this.py();
        // A code generator of the user's own leaves a template without a program.
        let program = this.get().current(&Obj::of(this)).map_err(|raised| raised.take(py))?;
        let Some(program) = program.filter(|program| program.extra().plain) else { return Ok(None) };
        RENDERS.fetch_add(1, Ordering::Relaxed);
        check_names(&Obj::of(variables))?;
        match execution::begin(&program, Obj::of(variables)) {
            Ok(Begun::Over(page)) => Ok(Some(page.bound(py))),
            Ok(Begun::Waits(execution)) => Bound::new(py, execution).map(|run| Some(run.into_any())),
            Err(raised) => Err(raised.take(py)),
        }
    }

    /// The names of the blocks that the template defines.
    fn _block_names(this: &Bound<'_, Template>) -> PyResult<Vec<String>> {
        let program = this.get().program(this)?;
        let image = program.image();
        Ok(image.blocks().iter().map(|block| image.name(block.name).to_owned()).collect())
    }

    /// The names of templates that it extends, includes or imports by constants.
    fn _dependencies(this: &Bound<'_, Template>) -> PyResult<Vec<String>> {
        let program = this.get().program(this)?;
        let image = program.image();
        Ok(image.dependencies().iter().map(|each| image.string(each.name).to_owned()).collect())
    }

    /// Pairs of lines: the template's and the code's, which is counted in instructions.
    fn _debug_lines(this: &Bound<'_, Template>) -> PyResult<Vec<(u32, u32)>> {
        let program = this.get().program(this)?;
        let code = this.get().0.get(this.py()).borrow().as_ref().map(|state| state.code.clone());
        let code = code.ok_or_else(|| PyTypeError::new_err("the template has no code"))?;
        drop(program);
        Ok(objects::ours::<Code>(&code).map(Code::lines).unwrap_or_default())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        let Ok(state) = self.0.peek().try_borrow() else { return Ok(()) };
        let Some(state) = &*state else { return Ok(()) };
        visit_object(state.code.as_ptr(), &visit)?;
        visit_object(state.globals.as_ptr(), &visit)?;
        let extra = state.program.extra();
        if Arc::strong_count(&state.program) > 1 + extra.held.get() {
            // Someone holds the program's objects who does not show this template.
            return Ok(());
        }
        visit_object(extra.settings.as_ptr(), &visit)?;
        for dict in extra.globals.dicts().chain(&extra.objects) {
            visit_object(dict.as_ptr(), &visit)?;
        }
        for object in extra.references.borrow().iter().filter_map(|reference| reference.function.as_ref()) {
            visit_object(object.as_ptr(), &visit)?;
        }
        state
            .program
            .linked_filters()
            .filter_map(crate::filters::Filter::object)
            .try_for_each(|object| visit_object(object.as_ptr(), &visit))?;
        state
            .program
            .linked_tests()
            .filter_map(crate::tests::Test::object)
            .try_for_each(|object| visit_object(object.as_ptr(), &visit))
    }

    fn __clear__(&self) {
        if let Ok(mut state) = self.0.peek().try_borrow_mut() {
            let old = state.take();
            drop(state);
            if let Some(old) = &old {
                old.program.extra().owner.set(std::ptr::null_mut());
            }
        }
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        if let Some(state) = &*self.0.peek().borrow() {
            state.program.extra().owner.set(std::ptr::null_mut());
        }
    }
}
