//! What is printed where it is not only text: values pass through `finalize`, or are kept as they are.
//!
//! In: values and texts that templates print. Out: the page, or the parts that an environment of native types joins. Invariant: only
//! environments with a `finalize`, of native types or with a budget come here.

use crate::host::PyHost;
use crate::objects::{self, Result};
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

    /// Prints a constant expression where values are kept as they are: Jinja writes it into its source as text, if it can.
    #[cold]
    pub(crate) fn print_folded(
        &self,
        out: &mut Output,
        context: Option<&Context>,
        value: &Register,
    ) -> Result<()> {
        let object = self.object(value)?;
        // A `finalize` that asks for what only a render has is not called before.
        let early = !matches!(self.settings().finalize, Some((_, Wanted::Context | Wanted::EvalContext)));
        let as_text = early && self.has_source(&object)?;
        let mut object = self.finalized(object, context)?;
        if as_text {
            object = objects::str_of(&object)?;
        }
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
