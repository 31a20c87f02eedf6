//! The Python host: the verbs of [`Host`] on live Python objects.
//!
//! A verb that has a fast road takes it when the types are exactly those it is made for; else it does what Jinja does,
//! through CPython's own functions.

use std::rc::Rc;

use haiden_runtime::{Limits, Undefined};

use crate::attr_cache::{self, Name};
use crate::objects::{self, Result};
use crate::output::Output;
use crate::register::{Obj, Register, View};
use crate::scope::Scope;
use crate::types::{self, Types};

/// The host of one render, or of one call from Python into a template.
pub(crate) struct PyHost {
    pub(crate) types: &'static Types,
    pub(crate) scope: Rc<Scope>,
    pub(crate) fast: bool,
}

/// What the host keeps with a program.
pub(crate) struct Extra {
    /// An exact dict.
    pub(crate) globals: Obj,
    pub(crate) autoescape: bool,
    /// The module, once the template was imported without context. It refers back to the program; who owns the program
    /// for Python cuts the ring.
    pub(crate) module: std::cell::RefCell<Option<Obj>>,
}

impl PyHost {
    /// What a render may use up. CPython's own limit ends deeper nesting of machines.
    pub(crate) const LIMITS: Limits = Limits { depth: 500, fuel: u64::MAX };

    pub(crate) fn new(scope: Rc<Scope>) -> PyHost {
        let types = types::loaded().expect("compile has loaded them");
        PyHost { types, fast: scope.fast, scope }
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
        let hint = match hint {
            Some(hint) => objects::text(hint)?,
            None => objects::none(),
        };
        let object = object.unwrap_or(&self.types.missing).clone();
        let name = name.cloned().unwrap_or_else(objects::none);
        objects::call(&self.types.undefined, &[hint, object, name], None)
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
            Undefined::NoParentBlock(name) => {
                named("super", Some(&format!("there is no parent block called '{name}'.")))
            }
            Undefined::NoCaller => named("caller", Some("No caller defined")),
            Undefined::NoExport { template, line, name } => {
                let hint = format!(
                    "the template '{template}' (imported on line {line}) does not export the requested name '{name}'"
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
            if PyHost::is_exactly(object, &self.types.undefined) {
                return Ok(());
            }
        }
        if escape && let Some(html) = objects::lookup_attr(object, &self.types.html.object)? {
            let text = objects::str_of(&objects::call(&html, &[], None)?)?;
            out.push_text(objects::characters(&text)?, false);
            return Ok(());
        }
        let text = objects::str_of(object)?;
        // `escape` looks at what `str` returned, too: it may be markup.
        let escape = escape && !PyHost::is_exactly(&text, &self.types.markup);
        out.push_text(objects::characters(&text)?, escape);
        Ok(())
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
        if self.fast
            && let Some(index) = key.small()
            && objects::is_list(object)
        {
            let length = objects::list_len(object) as i64;
            let index = if index < 0 { index + length } else { index };
            if let Some(item) =
                usize::try_from(index).ok().and_then(|index| objects::list_item(object, index))
            {
                return Ok(Register::object(item));
            }
        }
        let key = self.object(key)?;
        let is_text = objects::is_text(&key);
        let skip = is_text && !objects::has_subscript(object);
        if !skip {
            if self.fast && objects::is_dict(object) && objects::is_str(&key) {
                let hash = objects::hash(&key)?;
                if let Some(value) = objects::dict_get(object, &key, hash)? {
                    return Ok(Register::object(value));
                }
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
    pub(crate) fn find(context: &crate::scope::ContextData, name: &Name) -> Result<Option<Register>> {
        if let Some(value) = context.variable(&name.object) {
            return Ok(Some(value));
        }
        if let Some(value) = objects::dict_get(&context.base, &name.object, name.hash)? {
            return Ok(Some(Register::object(value)));
        }
        Ok(objects::dict_get(&context.globals, &name.object, name.hash)?.map(Register::object))
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
