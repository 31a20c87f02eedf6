//! What is printed where it is not only text: values pass through `finalize`, or are kept as they are.
//!
//! In: values and texts that templates print. Out: the page, or the parts that an environment of native types joins. Invariant: only
//! environments with a `finalize`, of native types or with a budget come here.

use crate::host::PyHost;
use crate::objects::{self, Class, Result};
use crate::output::Output;
use crate::register::{Obj, Register};
use crate::scope::Context;
use crate::wanted::Wanted;

impl PyHost {
    /// As [`PyHost::print`], where values go through a function first or are kept as they are.
    #[inline(never)]
    pub(crate) fn print_specially(
        &self,
        out: &mut Output,
        context: Option<&Context>,
        value: &Register,
        escape: bool,
    ) -> Result<()> {
        let object = self.finalized(self.object(value)?, context)?;
        match &mut out.parts {
            None => self.print(out, &Register::object(object), escape)?,
            // What is no text is not escaped.
            Some(parts) => parts.push(object),
        }
        self.check_output(out)
    }

    /// What `finalize` makes of a value that is to be printed.
    fn finalized(&self, object: Obj, context: Option<&Context>) -> Result<Obj> {
        let Some((finalize, wanted)) = &self.settings().finalize else { return Ok(object) };
        match (self.wanted(*wanted, context)?, object) {
            (None, object) => objects::call(finalize, &[object], None),
            (Some(first), object) => objects::call(finalize, &[first, object], None),
        }
    }

    /// Prints a constant expression where values go through a function: Jinja calls it while it compiles, with the escaped
    /// constant, and when the template runs, with the constant as it is, if that is too early for it or raises.
    #[cold]
    pub(crate) fn print_constant(
        &self,
        out: &mut Output,
        context: Option<&Context>,
        value: &Register,
        folded: bool,
        escape: bool,
    ) -> Result<()> {
        if out.parts.is_some() {
            return self.print_folded(out, context, value);
        }
        if self.finalizes_early() {
            let constant = if folded {
                self.build(true, |host, out| host.print(out, value, true))
            } else {
                Ok(value.clone())
            };
            let text = constant
                .and_then(|constant| self.finalized(self.object(&constant)?, context))
                .and_then(|object| objects::str_of(&object));
            match text {
                Ok(text) => {
                    out.push_text(objects::characters(&text)?, false);
                    return self.check_output(out);
                }
                Err(raised) => raised.clear_exception()?,
            }
        }
        self.print_specially(out, context, value, escape)
    }

    /// Prints what a filter made of a block, or what a call block called: Jinja neither finalizes nor escapes it, and joins it
    /// with the rest.
    pub(crate) fn print_text(&self, out: &mut Output, value: &Register) -> Result<()> {
        let object = self.object(value)?;
        match &mut out.parts {
            None if objects::is_text(&object) => out.push_text(objects::characters(&object)?, false),
            None => {
                let message =
                    format!("sequence item 0: expected str instance, {} found", objects::class_name(&object));
                return objects::raise(&Class::Type.object(), &message);
            }
            Some(parts) => parts.push(object),
        }
        self.check_output(out)
    }

    /// May `finalize` be called before a template runs? Not if it asks for what only a render has.
    fn finalizes_early(&self) -> bool {
        !matches!(self.settings().finalize, Some((_, Wanted::Context | Wanted::EvalContext)))
    }

    /// Prints a constant expression where values are kept as they are: Jinja writes it into its source as text, if it can.
    fn print_folded(&self, out: &mut Output, context: Option<&Context>, value: &Register) -> Result<()> {
        let object = self.object(value)?;
        let early = if self.finalizes_early() && self.has_source(&object)? {
            let text = self.finalized(object.clone(), context).and_then(|object| objects::str_of(&object));
            text.map_or_else(|raised| raised.clear_exception().map(|()| None), |text| Ok(Some(text)))?
        } else {
            None
        };
        let object = early.map_or_else(|| self.finalized(object, context), Ok)?;
        if let Some(parts) = &mut out.parts {
            parts.push(object);
        }
        self.check_output(out)
    }

    /// Could the value stand in Python's source? `jinja2.compiler.has_safe_repr`.
    fn has_source(&self, object: &Obj) -> Result<bool> {
        let _guard = objects::enter_recursion()?;
        if objects::is_list(object) {
            return self.all_have_source(
                (0..objects::list_len(object)).map_while(|at| objects::list_item(object, at)),
            );
        }
        if objects::is_tuple(object) {
            return self.all_have_source(
                (0..objects::tuple_len(object)).map_while(|at| objects::tuple_item(object, at)),
            );
        }
        if objects::is_dict(object) {
            let mut position = 0;
            let entries = std::iter::from_fn(|| objects::dict_next(object, &mut position));
            return self.all_have_source(entries.flat_map(|(key, value)| [key, value]));
        }
        Ok(objects::is_int(object)
            || objects::is_bool(object)
            || objects::is_float(object)
            || objects::is_str(object)
            || objects::is_range(object)
            || PyHost::is_exactly(object, &self.types.markup)
            || object.as_ptr() == objects::none().as_ptr())
    }

    fn all_have_source(&self, items: impl Iterator<Item = Obj>) -> Result<bool> {
        for item in items {
            if !self.has_source(&item)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Values that were kept as they are, as one: what the environment makes of them.
    pub(crate) fn joined(&self, parts: Vec<Obj>) -> Result<Obj> {
        let parts = objects::list(parts.into_iter().map(Ok))?;
        self.ask(&self.types.concat, &[parts])
    }

    /// Template text, where values go through a function first or are kept as they are.
    pub(crate) fn write_specially(&self, out: &mut Output, text: &str, ascii: bool) -> Result<()> {
        match &mut out.parts {
            None => out.push(text, ascii),
            Some(parts) => parts.push(objects::text(text)?),
        }
        self.check_output(out)
    }
}
