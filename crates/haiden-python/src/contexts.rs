//! Contexts that Python sees: a `Context` and an `EvalContext` are made when something asks for them.
//!
//! Until then a context is [`ContextData`] alone. From then on the variables live in the object's `vars` and `parent`, so
//! that Python code and the machine see the same; [`ContextHandle`] leads from the object back to the data.

use std::sync::Arc;

use haiden_runtime::{Host, Program};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::attr_cache::Name;
use crate::host::PyHost;
use crate::objects::{self, Class, Raised, Result};
use crate::register::{Attached, Obj, Register};
use crate::scope::{Context, ContextData, ContextObject, Globals, Member, Scope};
use crate::settings;

/// What a `Context` object knows of the machine.
#[pyclass(frozen, name = "ContextHandle", module = "haiden._native")]
pub(crate) struct ContextHandle(Attached<(Context, Member)>);

#[pymethods]
impl ContextHandle {
    /// `eval_ctx` was asked for: it is switched together with the machine from now on.
    fn share_eval_context(&self, py: Python<'_>, eval_context: &Bound<'_, PyAny>) -> PyResult<()> {
        let context = &self.0.get(py).0;
        if context.eval_context.borrow().is_none() {
            eval_context.setattr("autoescape", context.autoescape.get())?;
            *context.eval_context.borrow_mut() = Some(Obj::of(eval_context));
        }
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.0.peek().1.traverse(&visit)
    }
    #[expect(clippy::unused_self, reason = "the ring is cut where it is closed: in the scope")]
    fn __clear__(&self) {}
}

impl PyHost {
    /// The `Context` of a context.
    pub(crate) fn context_of(&self, context: &Context) -> Result<Obj> {
        if let Some(seen) = context.object.get() {
            return Ok(seen.object.clone());
        }
        let parent = objects::dict()?;
        for source in context.globals.dicts().chain([&context.base]) {
            objects::dict_update(&parent, source)?;
        }
        let settings = context.program.extra().settings();
        let name = context.program.name().map_or_else(|| Ok(objects::none()), |name| objects::text(name))?;
        let globals = globals_object(&context.program)?;
        let object = objects::call(
            &self.types.context,
            &[settings.environment.clone(), parent.clone(), name, objects::dict()?, globals],
            None,
        )?;
        let vars = objects::get_attr(&object, &self.types.vars.object)?;
        let variables = context.variables.take();
        for (index, (name, value)) in variables.iter().enumerate() {
            let to = if index < context.inherited { &parent } else { &vars };
            objects::dict_set(to, name, &self.object(value)?)?;
        }
        let exported = objects::get_attr(&object, &self.types.exported_vars.object)?;
        for name in context.exported.borrow().iter() {
            objects::set_add(&exported, name)?;
        }
        let seen = ContextObject { object: object.clone(), vars, parent: Some(parent) };
        bind(self, context, seen)?;
        self.show_blocks(context, &object)?;
        Ok(object)
    }

    /// The `EvalContext` of a context.
    pub(crate) fn eval_context_of(&self, context: &Context) -> Result<Obj> {
        if let Some(known) = &*context.eval_context.borrow() {
            return Ok(known.clone());
        }
        let object = self.context_of(context)?;
        objects::get_attr(&object, &self.types.eval_ctx.object)
    }

    /// The context that a `Context` object is; one that Python code made becomes that of `program`.
    pub(crate) fn context_from(&self, object: &Obj, program: &Arc<Program<PyHost>>) -> Result<Context> {
        let handle = objects::get_attr(object, &self.types.machine.object)?;
        if let Some(handle) = objects::ours::<ContextHandle>(&handle) {
            let known = &handle.0.peek().0;
            if Arc::ptr_eq(&known.program, program) {
                return Ok(known.clone());
            }
        }
        let vars = objects::get_attr(object, &self.types.vars.object)?;
        if !objects::is_dict(&vars) {
            return objects::raise(&Class::Type.object(), "the `vars` of a context must be a dict");
        }
        let parent = objects::get_attr(object, &self.types.parent.object)?;
        let plain = !program.extra().settings().hooks.resolve;
        let parent = (plain && objects::is_dict(&parent)).then_some(parent);
        let scope = Scope::new(program.extra().settings.clone());
        let context = ContextData::new(scope, (objects::dict()?, Globals::NONE), Vec::new(), program);
        // Only one that something has looked at can differ from what the template was compiled for.
        let own = objects::get_attr(object, &self.types.dict.object)?;
        let name = &self.types.eval_ctx;
        if objects::is_dict(&own)
            && let Some(eval_context) = objects::dict_get(&own, &name.object, name.hash)?
        {
            let autoescape = objects::get_attr(&eval_context, &self.types.autoescape.object)?;
            context.autoescape.set(objects::truth(&autoescape)?);
            *context.eval_context.borrow_mut() = Some(eval_context);
        }
        bind(self, &context, ContextObject { object: object.clone(), vars, parent })?;
        context.scope.expose();
        Ok(context)
    }

    /// The variable `name` of a context that Python has seen.
    #[inline(never)]
    pub(crate) fn find_in_object(&self, context: &ContextData, name: &Name) -> Result<Option<Register>> {
        let Some(seen) = context.object.get() else { return Ok(None) };
        let Some(parent) = &seen.parent else {
            let found = objects::call_method(
                &seen.object,
                &self.types.resolve_or_missing.object,
                std::slice::from_ref(&name.object),
            )?;
            return Ok((!found.is(&self.types.missing)).then(|| Register::object(found)));
        };
        for dict in [&seen.vars, parent] {
            if let Some(value) = objects::dict_get(dict, &name.object, name.hash)? {
                return Ok(Some(Register::object(value)));
            }
        }
        Ok(None)
    }

    /// All variables of a context in a dict.
    pub(crate) fn all_of(&self, context: &Context) -> Result<Obj> {
        self.variables_of(context, |_| true)
    }

    /// The same without what [`is_part_of`](PyHost::is_part_of) the render.
    pub(crate) fn data_of(&self, context: &Context) -> Result<Obj> {
        self.variables_of(context, |value| !PyHost::is_part_of(value, context))
    }

    /// Is it a macro, say, that holds the render it came from? Who keeps one keeps all, until the garbage collector comes.
    pub(crate) fn is_part_of(value: &Register, context: &Context) -> bool {
        value.as_object().is_some_and(|object| crate::machine::is_member_of(object, &context.scope))
    }

    fn variables_of(&self, context: &Context, wanted: impl Fn(&Register) -> bool) -> Result<Obj> {
        if let Some(seen) = context.object.get() {
            let all = objects::call_method(&seen.object, &self.types.get_all.object, &[])?;
            return objects::dict_of(&all);
        }
        let all = objects::dict()?;
        for source in context.globals.dicts().chain([&context.base]) {
            objects::dict_update(&all, source)?;
        }
        let variables = context.variables.borrow().clone();
        for (name, value) in variables.iter().filter(|(_, value)| wanted(value)) {
            objects::dict_set(&all, name, &self.object(value)?)?;
        }
        Ok(all)
    }

    /// A context of the environment's own class: what its templates make, asked for in Python.
    pub(crate) fn context_by_class(
        &self,
        program: &Arc<Program<PyHost>>,
        vars: Obj,
        locals: &[(&Name, Register)],
    ) -> Result<Context> {
        let Some(owner) = program.extra().owner() else {
            return objects::raise(&Class::Runtime.object(), "the template is gone");
        };
        let all = objects::dict()?;
        for (name, value) in locals {
            objects::dict_set(&all, &name.object, &self.object(value)?)?;
        }
        let method = objects::get_attr(&owner, &objects::intern("new_context")?)?;
        let object = objects::call(&method, &[vars, objects::boolean(true), all], None)?;
        let context = self.context_from(&object, program)?;
        self.scope.keep(object, &context);
        Ok(context)
    }

    /// The template has a parent now: its blocks stand behind those that the object has.
    pub(crate) fn add_blocks(&self, context: &Context, parent: &Arc<Program<PyHost>>) -> Result<()> {
        let (Some(seen), Some(owner)) = (context.object.get(), parent.extra().owner()) else { return Ok(()) };
        let known = objects::get_attr(&seen.object, &self.types.blocks.object)?;
        append_blocks(self, &known, &owner)
    }

    fn show_blocks(&self, context: &Context, object: &Obj) -> Result<()> {
        let known = objects::get_attr(object, &self.types.blocks.object)?;
        let chain = context.chain_made();
        let alone = std::slice::from_ref(&*context.program);
        for program in chain.as_ref().map_or(alone, |chain| chain.programs()) {
            if let Some(owner) = program.extra().owner() {
                append_blocks(self, &known, &owner)?;
            }
        }
        Ok(())
    }

    /// Switches autoescape, also where Python sees it.
    pub(crate) fn switch_autoescape(&self, context: &Context, on: bool) {
        context.autoescape.set(on);
        let known = context.eval_context.borrow().clone();
        if let Some(known) = known {
            // A class of evaluation contexts that refuses keeps its own opinion.
            let _ = objects::set_attr(&known, &self.types.autoescape.object, &objects::boolean(on))
                .map_err(Raised::clear);
        }
    }

    /// Has the importing template globals that another one has not? Then its modules are made for it alone.
    pub(crate) fn more_globals(&self, program: &Arc<Program<PyHost>>) -> Result<Option<Obj>> {
        let Some(importer) = &self.importer else { return Ok(None) };
        let Some(own) = importer.extra().globals.own.as_ref().filter(|own| objects::dict_len(own) > 0) else {
            return Ok(None);
        };
        let more = objects::dict()?;
        let mut position = 0;
        while let Some((name, value)) = objects::dict_next(own, &mut position) {
            let hash = objects::hash(&name)?;
            let mut known = false;
            for dict in program.extra().globals.dicts() {
                known = known || objects::dict_get(dict, &name, hash)?.is_some();
            }
            if !known {
                objects::dict_set(&more, &name, &value)?;
            }
        }
        Ok((objects::dict_len(&more) > 0).then_some(more))
    }
}

/// The data's object is this one, and the object's data are these.
fn bind(host: &PyHost, context: &Context, seen: ContextObject) -> Result<()> {
    let handle =
        ContextHandle(Attached::new(objects::token(), (context.clone(), Member::new(context, None))));
    let handle = match Bound::new(objects::token(), handle) {
        Ok(handle) => Obj::of(&handle),
        Err(error) => return Err(Raised::from_error(objects::token(), error)),
    };
    objects::set_attr(&seen.object, &host.types.machine.object, &handle)?;
    let _ = context.object.set(seen);
    Ok(())
}

/// A template's globals as Python has them.
fn globals_object(program: &Arc<Program<PyHost>>) -> Result<Obj> {
    match program.extra().owner() {
        Some(owner) => objects::get_attr(&owner, &objects::intern("globals")?),
        None => Ok(objects::none()),
    }
}

fn append_blocks(host: &PyHost, known: &Obj, template: &Obj) -> Result<()> {
    let blocks = objects::get_attr(template, &host.types.blocks.object)?;
    if !objects::is_dict(&blocks) || !objects::is_dict(known) {
        return Ok(());
    }
    let mut position = 0;
    while let Some((name, block)) = objects::dict_next(&blocks, &mut position) {
        let list = match objects::dict_get(known, &name, objects::hash(&name)?)? {
            Some(list) => list,
            None => {
                let list = objects::list(std::iter::empty())?;
                objects::dict_set(known, &name, &list)?;
                list
            }
        };
        objects::list_append(&list, &block)?;
    }
    Ok(())
}

/// A context for a template that is rendered with the variables of a dict.
pub(crate) fn root(program: &Arc<Program<PyHost>>, base: Obj) -> Context {
    let scope = Scope::new(program.extra().settings.clone());
    ContextData::new(scope, (base, program.extra().globals.clone()), Vec::new(), program)
}

/// A context whose variables are those of another one, with locals on top.
pub(crate) fn inherited(
    host: &mut PyHost,
    program: &Arc<Program<PyHost>>,
    parent: &Context,
    locals: &[(&Name, Register)],
) -> Result<Context> {
    let plain = settings::of(&program.extra().settings).plain_context;
    if !plain {
        let all = host.all_of(parent)?;
        return host.context_by_class(program, all, locals);
    }
    let (base, globals, variables) = if parent.object.get().is_some() {
        let variables = locals.iter().map(|(name, value)| (name.object.clone(), value.clone())).collect();
        // A copy: what Python sees as `parent` of the one is not the other's.
        (objects::dict_copy(&host.all_of(parent)?)?, Globals::NONE, variables)
    } else {
        (parent.base.clone(), parent.globals.clone(), with_locals(parent, locals))
    };
    Ok(ContextData::new(parent.scope.clone(), (base, globals), variables, program))
}

/// The same template's context with locals on top; it shares the chain.
pub(crate) fn derived(host: &mut PyHost, context: &Context, locals: &[(&Name, Register)]) -> Result<Context> {
    let derived = inherited(host, &context.program, context, locals)?;
    derived.autoescape.set(context.autoescape.get());
    let chain = host.chain(context);
    derived.set_chain(chain);
    Ok(derived)
}

/// The same template's context with locals and, on top of them, the items of a mapping.
pub(crate) fn overlaid(
    host: &mut PyHost,
    context: &Context,
    locals: &[(&Name, Register)],
    variables: &Register,
) -> Result<Context> {
    let overlaid = derived(host, context, locals)?;
    let variables = objects::dict_of(&host.object(variables)?)?;
    let mut position = 0;
    while let Some((name, value)) = objects::dict_next(&variables, &mut position) {
        // No template can name what is no text.
        if objects::is_text(&name) {
            let name = objects::intern(objects::utf8(&name)?)?;
            overlaid.set_variable(host, &name, Register::object(value))?;
        }
    }
    Ok(overlaid)
}

/// The variables of a context with locals on top.
fn with_locals(context: &ContextData, locals: &[(&Name, Register)]) -> Vec<(Obj, Register)> {
    let own = context.variables.borrow();
    let mut variables = Vec::with_capacity(own.len() + locals.len());
    variables.extend(own.iter().cloned());
    variables.extend(locals.iter().map(|(name, value)| (name.object.clone(), value.clone())));
    variables
}
