//! Modules: what a template exports, its macros included, in the hands of Rust.
//!
//! In: a template and what it is rendered with. Out: what it wrote, and its variables and macros, which can be called at any
//! time after: the host of the render is kept for them. Calls at once, or one inside of another, are made on hosts of
//! their own, for which the template is rendered anew.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, ErrorKind};
use crate::template::{Started, Template};
use crate::value::bound::Bound;
use crate::value::context::IntoContext;
use crate::value::host::{Pooled, Watermark};
use crate::value::object::{Keywords, Object};
use crate::value::typed::TypedCall;
use crate::value::value::Value;
use crate::value::word::Word;

/// How many hosts a module keeps.
const KEPT: usize = 8;

/// What a template exports: the variables and macros of its top level, and what it writes. See [`Template::module`].
///
/// A clone is another handle for the same module. As a value ([`Value::from_object`]) it is what `{% import %}` gives. A
/// macro that is handed what lives in the render that calls (a macro of it, the body of a `{% call %}`) runs as a part of that
/// render, in a copy of the module.
///
/// ```
/// use haiden::{Environment, Value, context};
///
/// let mut environment = Environment::new();
/// environment.add_template("forms", "{% macro field(name, kind='text') %}<{{ kind }} {{ name }}>{% endmacro %}")?;
/// let forms = environment.get_template("forms")?.module(context! {})?;
/// assert_eq!(forms.call("field", &["age".into()], &[("kind", "number".into())])?.as_str(), Some("<number age>"));
///
/// environment.add_global("forms", Value::from_object(forms));
/// assert_eq!(environment.render_str("{{ forms.field('name') }}", context! {})?, "<text name>");
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone)]
pub struct Module(Arc<Kept>);

struct Kept {
    template: Template,
    /// What it was rendered with.
    context: Value,
    body: String,
    exports: BTreeMap<Arc<str>, Export>,
    /// Hosts that nothing uses.
    idle: Mutex<Vec<Instance>>,
}

/// What stands behind an exported name.
enum Export {
    Value(Value),
    /// What lives in the host: a macro.
    Bound {
        class: String,
        shown: String,
        is_callable: bool,
    },
}

/// A host in which the template was rendered.
struct Instance {
    parts: Pooled,
    root: u32,
    exports: Vec<(Arc<str>, Word)>,
    mark: Watermark,
}

impl Instance {
    /// Renders the template; the second result is what it wrote.
    fn new(template: &Template, context: Value) -> Result<(Instance, String), Error> {
        let Started { mut parts, mut out, root } = template.start(context)?;
        template.run(&mut parts, &mut out, root)?;
        Ok((Instance::of(parts, root), out.text))
    }

    /// The host of a render that is over.
    fn of(mut parts: Pooled, root: u32) -> Instance {
        let exports = parts.host.exports(root);
        let mark = parts.host.settle();
        Instance { parts, root, exports, mark }
    }

    fn word(&self, name: &str) -> Option<Word> {
        self.exports.iter().find(|(known, _)| **known == *name).map(|(_, word)| *word)
    }
}

impl Kept {
    /// Does something in a host that nothing else uses.
    fn inside<T>(&self, work: impl FnOnce(&mut Instance) -> Result<T, Error>) -> Result<T, Error> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let known = idle().pop();
        let mut instance = match known {
            Some(instance) => instance,
            None => Instance::new(&self.template, self.context.clone())?.0,
        };
        let limits = instance.parts.host.limits;
        instance.parts.host.calling = instance.root;
        let outcome = work(&mut instance);
        let host = &mut instance.parts.host;
        host.limits = limits;
        instance.mark = host.give_up_since(instance.mark);
        let mut idle = idle();
        if idle.len() < KEPT {
            idle.push(instance);
        }
        outcome
    }

    fn call(&self, name: &str, positional: &[Value], keywords: Keywords<'_>) -> Result<Value, Error> {
        self.inside(|instance| {
            let Some(word) = instance.word(name) else { return Err(self.no_member(name)) };
            instance.parts.host.call_word(word, positional, keywords)
        })
    }

    /// Calls what is exported under a name in the host that calls, if it is handed what lives there; `false` if not.
    fn call_as_guest(self: &Arc<Self>, name: &str, call: &mut TypedCall<'_>) -> bool {
        let given = &call.arguments;
        let words = given.positional.iter().copied().chain(given.keywords.iter().map(|(_, word)| *word));
        if !matches!(self.exports.get(name), Some(Export::Bound { .. })) || !call.host.lives_here(words) {
            return false;
        }
        let program = &self.template.program;
        let itself: Arc<dyn Any + Send + Sync> = self.clone();
        let member = call.host.guest_member(&itself, program, &self.context, name);
        call.outcome = member.and_then(|member| {
            let Some(word) = member else { return Err(self.no_member(name)) };
            let keywords: Vec<_> =
                given.keywords.iter().map(|(name, word)| ((*name).into(), *word)).collect();
            call.host.call_checked(word, given.positional, &keywords)
        });
        true
    }

    #[cold]
    fn no_member(&self, name: &str) -> Error {
        let name = crate::value::host::quoted(name);
        let template =
            self.template.name().map_or_else(|| "<template>".to_owned(), crate::value::host::quoted);
        Error::new(ErrorKind::Undefined, format!("the template {template} does not export {name}"))
    }
}

impl Module {
    pub(crate) fn new(template: &Template, context: Value) -> Result<Module, Error> {
        let (instance, body) = Instance::new(template, context.clone())?;
        Module::with(template, context, instance, body)
    }

    /// The module of a render that is over. What it has waited for is in it; its macros are called without waiting.
    pub(crate) fn of(
        template: &Template,
        context: Value,
        mut parts: Pooled,
        root: u32,
        body: String,
    ) -> Result<Module, Error> {
        parts.host.wait_no_more();
        Module::with(template, context, Instance::of(parts, root), body)
    }

    fn with(
        template: &Template,
        context: Value,
        mut instance: Instance,
        body: String,
    ) -> Result<Module, Error> {
        let mut exports = BTreeMap::new();
        for (name, word) in instance.exports.clone() {
            let value = instance.parts.host.value(word)?;
            let export = match value.downcast_object::<Bound>() {
                Some(bound) => Export::Bound {
                    class: bound.class.clone(),
                    shown: bound.shown.clone(),
                    is_callable: bound.is_callable,
                },
                None => Export::Value(value),
            };
            exports.insert(name, export);
        }
        let idle = Mutex::new(vec![instance]);
        Ok(Module(Arc::new(Kept { template: template.clone(), context, body, exports, idle })))
    }

    /// What the template writes.
    ///
    /// ```
    /// let template = haiden::Environment::new().template_from_str("{% set a = 1 %}text")?;
    /// assert_eq!(template.module(haiden::context! {})?.body(), "text");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn body(&self) -> &str {
        &self.0.body
    }

    /// The exported names, sorted.
    ///
    /// ```
    /// let template = haiden::Environment::new().template_from_str("{% set b = 1 %}{% macro a() %}{% endmacro %}{% set _c = 1 %}")?;
    /// assert!(template.module(haiden::context! {})?.names().eq(["a", "b"]));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.exports.keys().map(|name| &**name)
    }

    /// The variable or macro of this name: what the template sets at its top level, without names that start with an
    /// underscore. A macro can be called wherever a value can, in other templates too.
    ///
    /// ```
    /// use haiden::{Environment, context};
    ///
    /// let environment = Environment::new();
    /// let source = "{% set total = 2 * n %}{% macro double(x) %}{{ 2 * x }}{% endmacro %}";
    /// let module = environment.template_from_str(source)?.module(context! { n => 21 })?;
    /// assert_eq!(module.get("total").and_then(|total| total.as_i64()), Some(42));
    /// let double = module.get("double").unwrap();
    /// assert_eq!(environment.render_str("{{ double(4) }} {{ double.name }}", context! { double })?, "8 double");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn get(&self, name: &str) -> Option<Value> {
        let (name, export) = self.0.exports.get_key_value(name)?;
        Some(match export {
            Export::Value(value) => value.clone(),
            Export::Bound { .. } => Value::from_object(Member { module: self.0.clone(), name: name.clone() }),
        })
    }

    /// All exported variables and macros.
    ///
    /// ```
    /// let template = haiden::Environment::new().template_from_str("{% set a = 1 %}{% set b = 'x' %}{% set _c = 2 %}")?;
    /// let exports = template.module(haiden::context! {})?.exports();
    /// assert_eq!(format!("{exports:?}"), r#"{"a": 1, "b": 'x'}"#);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn exports(&self) -> BTreeMap<String, Value> {
        let names = self.names();
        names.filter_map(|name| Some((name.to_owned(), self.get(name)?))).collect()
    }

    /// Calls an exported macro. It gives what the call gives in a template: markup, where the template escapes.
    ///
    /// What macros share, such as a `namespace`, they share from call to call; but not with calls made at the same time, or
    /// by the functions that a macro calls: these are made on a copy of the module, for which the template runs anew.
    ///
    /// ```
    /// use haiden::{Environment, ErrorKind, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.set_autoescape(true);
    /// let template = environment.template_from_str("{% macro b(text) %}<b>{{ text }}</b>{% endmacro %}")?;
    /// let module = template.module(context! {})?;
    /// let bold = module.call("b", &["1 < 2".into()], &[])?;
    /// assert!(bold.is_safe());
    /// assert_eq!(bold.as_str(), Some("<b>1 &lt; 2</b>"));
    /// assert_eq!(module.call("i", &[], &[]).unwrap_err().kind(), ErrorKind::Undefined);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is no such macro, the arguments do not fit, or what the macro fails with.
    pub fn call(&self, name: &str, positional: &[Value], keywords: Keywords<'_>) -> Result<Value, Error> {
        self.0.call(name, positional, keywords)
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names().collect();
        f.debug_struct("Module").field("template", &self.0.template.name()).field("names", &names).finish()
    }
}

impl Object for Module {
    fn type_name(&self) -> &'static str {
        "TemplateModule"
    }
    fn get_attr(&self, name: &str) -> Option<Value> {
        self.get(name)
    }
    fn attributes(&self) -> Vec<&str> {
        self.names().collect()
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(self.0.exports.get(name), Some(Export::Bound { is_callable: true, .. }))
    }
    fn call_method(&self, name: &str, positional: &[Value], keywords: Keywords<'_>) -> Result<Value, Error> {
        self.call(name, positional, keywords)
    }
    fn call_typed(&self, method: Option<&str>, call: &mut TypedCall<'_>) -> bool {
        method.is_some_and(|name| self.0.call_as_guest(name, call))
    }
    fn to_text(&self) -> String {
        self.0.body.clone()
    }
    fn to_html(&self) -> Option<String> {
        Some(self.0.body.clone())
    }
}

/// What a module exports and keeps in its host: a macro.
struct Member {
    module: Arc<Kept>,
    name: Arc<str>,
}

impl Member {
    /// What Python's `getattr` finds.
    fn member(&self, name: &str) -> Option<Value> {
        let found = self.module.inside(|instance| {
            let Some(word) = instance.word(&self.name) else { return Ok(None) };
            let host = &mut instance.parts.host;
            host.member(word, name)?.map(|word| host.value(word)).transpose()
        });
        found.ok().flatten()
    }

    fn bound(&self) -> (&str, &str, bool) {
        match self.module.exports.get(&self.name) {
            Some(Export::Bound { class, shown, is_callable }) => (class, shown, *is_callable),
            _ => ("object", "", false),
        }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.bound().1)
    }
}

impl Object for Member {
    fn to_text(&self) -> String {
        format!("{self:?}")
    }
    fn type_name(&self) -> &str {
        self.bound().0
    }
    fn is_callable(&self) -> bool {
        self.bound().2
    }
    fn call(&self, positional: &[Value], keywords: Keywords<'_>) -> Result<Value, Error> {
        self.module.call(&self.name, positional, keywords)
    }
    fn call_typed(&self, method: Option<&str>, call: &mut TypedCall<'_>) -> bool {
        method.is_none() && self.module.call_as_guest(&self.name, call)
    }
    fn get_attr(&self, name: &str) -> Option<Value> {
        // A method stays in its host: it is called there.
        self.member(name).filter(|member| member.downcast_object::<Bound>().is_none())
    }
    fn has_method(&self, name: &str) -> bool {
        let is_callable =
            |member: Value| member.downcast_object::<Bound>().is_some_and(|bound| bound.is_callable);
        self.member(name).is_some_and(is_callable)
    }
    fn call_method(&self, name: &str, positional: &[Value], keywords: Keywords<'_>) -> Result<Value, Error> {
        self.module.inside(|instance| {
            let host = &mut instance.parts.host;
            let word = instance.exports.iter().find(|(known, _)| *known == self.name);
            let method = word.map(|(_, word)| host.member(*word, name)).transpose()?.flatten();
            match method {
                Some(method) => host.call_word(method, positional, keywords),
                None => {
                    let message = format!("'{} object' has no attribute '{name}'", self.type_name());
                    Err(Error::new(ErrorKind::Undefined, message))
                }
            }
        })
    }
}

impl Template {
    /// Renders it for what it exports: what a template that imports it sees, macros that can be called included.
    ///
    /// ```
    /// let environment = haiden::Environment::new();
    /// let template = environment.template_from_str("{% set total = 2 * n %}{% set _hidden = 1 %}done")?;
    /// let module = template.module(haiden::context! { n => 21 })?;
    /// assert_eq!(module.get("total").and_then(|total| total.as_i64()), Some(42));
    /// assert_eq!((module.names().len(), module.body()), (1, "done"));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn module(&self, context: impl IntoContext) -> Result<Module, Error> {
        Module::new(self, context.into_context()?)
    }
}
