//! The Python host: the verbs of [`Host`] on live Python objects.
//!
//! A verb that has a fast road takes it when the types are exactly those it is made for; else it does what Jinja does,
//! through CPython's own functions.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use haiden_runtime::{Limits, Program, Undefined};

use crate::attr_cache::{self, Name, Site};
use crate::objects::{self, Class, Result};
use crate::output::Output;
use crate::register::{Obj, Register, View};
use crate::scope::{Context, Globals, Running, Scope};
use crate::settings::{self, Settings};
use crate::types::{self, Types};
use crate::waiting::Waiting;
use crate::wanted::Wanted;

/// The host of one render, or of one call from Python into a template.
#[expect(clippy::struct_excessive_bools, reason = "what the settings say, at hand")]
pub(crate) struct PyHost {
    pub(crate) types: &'static Types,
    pub(crate) scope: Rc<Scope>,
    /// The settings of the program that runs.
    pub(crate) settings: Obj,
    pub(crate) fast: bool,
    /// Attributes are looked up as `Environment.getattr` does, and values are printed as they are.
    pub(crate) plain_attr: bool,
    /// As above, but what is found may have to be awaited.
    pub(crate) attr_by_site: bool,
    pub(crate) plain_item: bool,
    pub(crate) plain_print: bool,
    /// A sandbox with the stock rules: an item that is there is always safe.
    pub(crate) guarded: bool,
    /// An overridden `call` sees all calls.
    pub(crate) calls_by_hook: bool,
    /// The program that asked for a template last, for imports: they see its globals.
    pub(crate) importer: Option<Arc<Program<PyHost>>>,
    /// The template that was found last.
    pub(crate) found: Option<Obj>,
    /// What verbs get may have to be awaited.
    pub(crate) is_async: bool,
    pub(crate) waiting: Waiting,
    /// What the frames of an error's trace see, while it is made.
    pub(crate) witnessed: Vec<Witnessed>,
    /// When the machine has let other threads have the interpreter, or might have for the first time.
    pub(crate) let_go: Option<Instant>,
    _running: Running,
}

/// What a frame of a trace sees: its context, and locals by name.
pub(crate) type Witnessed = (Context, Vec<(Obj, Register)>);

/// What the host keeps with a program.
pub(crate) struct Extra {
    /// A `Settings`.
    pub(crate) settings: Obj,
    pub(crate) globals: Globals,
    /// Rendering needs nothing that Python code does.
    pub(crate) plain: bool,
    pub(crate) autoescape: bool,
    pub(crate) filename: Option<Arc<str>>,
    /// How many Python objects of ours hold the program and show its template to the garbage collector.
    pub(crate) held: Cell<usize>,
    /// The template that owns the program; null once it is gone.
    pub(crate) owner: Cell<*mut pyo3::ffi::PyObject>,
    /// A tuple of the objects of the tree that it was compiled from, if there are any.
    pub(crate) objects: Option<Obj>,
    /// The environment's functions that the program is linked to.
    pub(crate) references: RefCell<Vec<Reference>>,
    /// The states of the environment's filters and tests in which they were those that the program is linked to.
    pub(crate) seen: Cell<Option<(u64, u64)>>,
}

/// A filter or test that a program is linked to.
pub(crate) struct Reference {
    pub(crate) name: Name,
    pub(crate) is_filter: bool,
    pub(crate) function: Option<Obj>,
}

impl Extra {
    /// The template that owns the program.
    pub(crate) fn owner(&self) -> Option<Obj> {
        objects::borrowed(self.owner.get())
    }
    /// The settings.
    pub(crate) fn settings(&self) -> &Settings {
        settings::of(&self.settings)
    }
}

impl PyHost {
    /// What a render may use up. CPython's own limit ends deeper nesting of machines; the fuel is given by the slice, so
    /// that a template that calls no Python code can be interrupted, and lets other threads run.
    pub(crate) const LIMITS: Limits = Limits { depth: 500, fuel: Self::SLICE };
    /// Turns of loops and calls of macros between two looks at signals.
    pub(crate) const SLICE: u64 = 4096;

    pub(crate) fn new(scope: Rc<Scope>) -> PyHost {
        let types = types::loaded().expect("compile has loaded them");
        let mut host = PyHost {
            types,
            settings: scope.settings.clone(),
            let_go: None,
            _running: Running::new(&scope),
            scope,
            fast: true,
            plain_attr: true,
            attr_by_site: true,
            plain_item: true,
            plain_print: true,
            guarded: false,
            calls_by_hook: false,
            importer: None,
            found: None,
            is_async: false,
            waiting: Waiting::default(),
            witnessed: Vec::new(),
        };
        host.adopt();
        host
    }

    /// Does what the settings say from now on.
    fn adopt(&mut self) {
        let settings = settings::of(&self.settings);
        self.fast = settings.fast;
        self.is_async = settings.is_async;
        self.attr_by_site = !settings.hooks.getattr;
        self.plain_attr = self.attr_by_site && !settings.is_async;
        self.plain_item = !settings.hooks.getitem;
        self.guarded = settings.guard.is_some();
        self.calls_by_hook = settings.hooks.call && settings.guard.is_none();
        self.plain_print = settings.finalize.is_none() && !settings.native && self.scope.budget.is_none();
    }

    /// What a machine of this host may use up; where there is a budget, each turn is paid for out of it.
    pub(crate) fn limits(&self) -> Limits {
        match &self.scope.budget {
            None => PyHost::LIMITS,
            Some(budget) => Limits { depth: budget.depth(), fuel: 0 },
        }
    }

    /// Is what is written still within the limit?
    pub(crate) fn check_output(&self, out: &Output) -> Result<()> {
        match &self.scope.budget {
            None => Ok(()),
            Some(budget) => budget.check_output(self, out.len()),
        }
    }

    /// Runs a program of this environment from now on.
    #[inline]
    pub(crate) fn enter_settings(&mut self, settings: &Obj) {
        if !settings.is(&self.settings) {
            self.settings = settings.clone();
            self.adopt();
        }
    }

    /// The settings of the program that runs.
    #[inline]
    pub(crate) fn settings(&self) -> &Settings {
        settings::of(&self.settings)
    }

    /// A method of the environment, called.
    pub(crate) fn ask(&self, method: &Name, arguments: &[Obj]) -> Result<Obj> {
        objects::call_method(&self.settings().environment, &method.object, arguments)
    }

    /// A register's value as an object.
    #[inline]
    pub(crate) fn object(&self, register: &Register) -> Result<Obj> {
        match register.view() {
            View::Object(object) => Ok(object.clone()),
            View::Int(value) => objects::integer(value),
            View::Bool(value) => Ok(objects::boolean(value)),
            View::None => Ok(objects::none()),
            View::Missing => self.new_undefined(None, None, None),
        }
    }

    /// `Undefined(hint, obj, name)`.
    pub(crate) fn new_undefined(
        &self,
        hint: Option<&str>,
        object: Option<&Obj>,
        name: Option<&Obj>,
    ) -> Result<Obj> {
        let settings = self.settings();
        if settings.plain_undefined {
            let hint = hint.map_or_else(|| Ok(objects::none()), objects::text)?;
            let object = object.unwrap_or(&self.types.missing).clone();
            let name = name.cloned().unwrap_or_else(objects::none);
            if self.fast {
                let parts = [hint.clone(), object.clone(), name.clone(), self.types.undefined_error.clone()];
                if let Some(nothing) = self.types.nothing.make(parts)? {
                    return Ok(nothing);
                }
            }
            return objects::call(&settings.undefined, &[hint, object, name], None);
        }
        // As Jinja calls them, so that a class may have its own arguments.
        let (mut values, mut names) = (Vec::new(), Vec::new());
        if let Some(hint) = hint {
            values.push(objects::text(hint)?);
        }
        for (value, keyword) in [(object, "obj"), (name, "name")] {
            if let Some(value) = value {
                values.push(value.clone());
                names.push(objects::intern(keyword)?);
            }
        }
        let names = objects::tuple(names.into_iter().map(Ok))?;
        objects::call(&settings.undefined, &values, Some(&names))
    }

    /// What is undefined because an object has no such attribute.
    pub(crate) fn no_attr(&self, object: &Obj, site: &Site) -> Result<Register> {
        if site.may_be_missing {
            return Ok(Register::MISSING);
        }
        self.new_undefined(None, Some(object), Some(&site.name)).map(Register::object)
    }

    pub(crate) fn explain(&self, why: Undefined<'_>) -> Result<Obj> {
        let named = |name: &str, hint: Option<&str>| {
            let name = objects::text(name)?;
            self.new_undefined(hint, None, Some(&name))
        };
        match why {
            Undefined::Name(name) => named(name, None),
            Undefined::Parameter(name) => named(name, Some(&format!("parameter '{name}' was not provided"))),
            Undefined::Hint(hint) => self.new_undefined(Some(hint), None, None),
            // An inline `if` without `else` is of the plain class, whatever the environment's is.
            Undefined::NoElse(position) => {
                let hint = format!(
                    "the inline if-expression on {position} evaluated to false and no else section was defined."
                );
                let nothing = [objects::text(&hint)?, self.types.missing.clone(), objects::none()];
                objects::call(&self.types.undefined, &nothing, None)
            }
            Undefined::NoParentBlock(name) => {
                named("super", Some(&format!("there is no parent block called '{name}'.")))
            }
            Undefined::NoCaller => named("caller", Some("No caller defined")),
            Undefined::NoExport { template, position, name } => {
                let hint = format!(
                    "the template '{template}' (imported on {position}) does not export the requested name '{name}'"
                );
                named(name, Some(&hint))
            }
            Undefined::NoPreviousItem => self.new_undefined(Some("there is no previous item"), None, None),
            Undefined::NoNextItem => self.new_undefined(Some("there is no next item"), None, None),
        }
    }

    /// Is it an instance of `Undefined`?
    pub(crate) fn is_undefined(&self, register: &Register) -> bool {
        match register.view() {
            View::Missing => true,
            View::Object(object) => objects::is_instance_of(object, &self.types.undefined),
            _ => false,
        }
    }

    /// Is the object exactly of this class?
    #[inline(always)]
    pub(crate) fn is_exactly(object: &Obj, class: &Obj) -> bool {
        object.kind().cast() == class.as_ptr()
    }

    /// `str(value)` or, with `escape`, `markupsafe.escape(value)`, written.
    #[inline(always)]
    pub(crate) fn print(&self, out: &mut Output, value: &Register, escape: bool) -> Result<()> {
        match value.view() {
            View::Int(value) => out.push_int(value),
            View::Object(object) => {
                if objects::is_str(object) {
                    out.push_text(objects::characters(object)?, escape);
                } else if let Some(value) = objects::int_value(object) {
                    out.push_int(value);
                } else {
                    return self.print_object(out, object, escape);
                }
            }
            View::Bool(value) => out.push_ascii(if value { b"True" } else { b"False" }),
            View::None => out.push_ascii(b"None"),
            View::Missing => {}
        }
        Ok(())
    }

    #[inline(never)]
    pub(crate) fn print_object(&self, out: &mut Output, object: &Obj, escape: bool) -> Result<()> {
        if self.fast {
            if objects::is_float(object) {
                return print_float(out, objects::float_value(object));
            }
            if PyHost::is_exactly(object, &self.types.markup) {
                out.push_text(objects::characters(object)?, false);
                return Ok(());
            }
            if PyHost::is_exactly(object, &self.types.undefined) && self.settings().plain_undefined {
                return Ok(());
            }
        }
        if escape && let Some(html) = objects::lookup_attr(object, &self.types.html.object)? {
            let text = objects::str_of(&objects::call(&html, &[], None)?)?;
            out.push_text(objects::characters(&text)?, false);
            return Ok(());
        }
        let text = objects::str_of(object)?;
        out.push_text(objects::characters(&text)?, escape);
        Ok(())
    }

    /// An output for a machine that runs programs of this environment.
    pub(crate) fn output(&self, capacity: usize) -> Output {
        if self.settings().native { Output::of_parts() } else { Output::new(capacity) }
    }

    /// What a function wants before its other arguments.
    pub(crate) fn wanted(&self, wanted: Wanted, context: Option<&Context>) -> Result<Option<Obj>> {
        match (wanted, context) {
            (Wanted::Nothing, _) => Ok(None),
            (Wanted::Environment, _) => Ok(Some(self.settings().environment.clone())),
            (Wanted::Context, Some(context)) => self.context_of(context).map(Some),
            (Wanted::EvalContext, Some(context)) => self.eval_context_of(context).map(Some),
            (Wanted::Context | Wanted::EvalContext, None) => {
                objects::raise(&Class::Runtime.object(), "there is no context here")
            }
        }
    }

    /// Has the value an `__html__` method?
    pub(crate) fn has_html(&self, register: &Register) -> Result<bool> {
        match register.as_object() {
            Some(object) if objects::is_str(object) || objects::is_int(object) => Ok(false),
            Some(object) => Ok(objects::lookup_attr(object, &self.types.html.object)?.is_some()),
            None => Ok(false),
        }
    }

    /// A text, marked safe or not.
    pub(crate) fn finish_text(&self, text: Obj, markup: bool) -> Result<Register> {
        let text = if markup { objects::subclass_text(&self.types.markup, &text)? } else { text };
        Ok(Register::object(text))
    }

    /// What `write` writes, as a text.
    pub(crate) fn build(
        &self,
        markup: bool,
        write: impl FnOnce(&PyHost, &mut Output) -> Result<()>,
    ) -> Result<Register> {
        let mut out = Output::new(64);
        write(self, &mut out)?;
        self.finish_text(out.take_since(0)?, markup)
    }

    /// `object[key]` of Jinja: the item, else the attribute, else undefined.
    pub(crate) fn get_item(&self, object: &Obj, key: &Register) -> Result<Register> {
        if (self.plain_item || self.guarded)
            && self.fast
            && let Some(item) = plain_item(object, key)?
        {
            return Ok(item);
        }
        if !self.plain_item {
            let key = self.object(key)?;
            if self.settings().guard.is_some()
                && let Some(item) = PyHost::guarded_item(object, &key)?
            {
                return Ok(item);
            }
            return self.ask(&self.types.getitem, &[object.clone(), key]).map(Register::object);
        }
        let key = self.object(key)?;
        let is_text = objects::is_text(&key);
        let skip = is_text && !objects::has_subscript(object);
        if !skip {
            if self.fast && objects::is_dict(object) && objects::is_str(&key) {
                // It was looked for already.
            } else if let Some(value) = attr_cache::any_item_or_none(object, &key)? {
                return Ok(Register::object(value));
            }
        }
        if is_text && let Some(value) = objects::lookup_attr(object, &objects::str_of(&key)?)? {
            return Ok(Register::object(value));
        }
        self.new_undefined(None, Some(object), Some(&key)).map(Register::object)
    }

    /// The variable `name` of a context.
    #[inline]
    pub(crate) fn find(&self, context: &crate::scope::ContextData, name: &Name) -> Result<Option<Register>> {
        if context.object.get().is_some() {
            return self.find_in_object(context, name);
        }
        if let Some(value) = context.variable(&name.object) {
            return Ok(Some(value));
        }
        if let Some(value) = objects::dict_get(&context.base, &name.object, name.hash)? {
            return Ok(Some(Register::object(value)));
        }
        let globals = &context.globals;
        for dict in [&globals.own, &globals.shared].into_iter().flatten() {
            if let Some(value) = objects::dict_get(dict, &name.object, name.hash)? {
                return Ok(Some(Register::object(value)));
            }
        }
        Ok(None)
    }
}

/// The item of an exact list under an integer, or of an exact dict under an exact text, if it is there.
#[inline]
fn plain_item(object: &Obj, key: &Register) -> Result<Option<Register>> {
    if let Some(index) = key.small() {
        if !objects::is_list(object) {
            return Ok(None);
        }
        let index = if index < 0 { index + objects::list_len(object) as i64 } else { index };
        let item = usize::try_from(index).ok().and_then(|index| objects::list_item(object, index));
        return Ok(item.map(Register::object));
    }
    match key.as_object() {
        Some(key) if objects::is_str(key) && objects::is_dict(object) => {
            let hash = objects::text_hash(key)?;
            objects::dict_get(object, key, hash).map(|item| item.map(Register::object))
        }
        _ => Ok(None),
    }
}

/// `repr` of a float. Shortest digits are the same everywhere; their layout is Python's own where it has an exponent below
/// zero, and for what is not finite.
fn print_float(out: &mut Output, value: f64) -> Result<()> {
    if value.abs() >= 1e-4 && value.is_finite() {
        out.push_ascii(zmij::Buffer::new().format_finite(value).as_bytes());
        return Ok(());
    }
    objects::with_float_repr(value, |text| out.push_ascii(text))
}
