//! Calls of Python objects: how a template's arguments become theirs.

use haiden_runtime::{Arguments, Host};

use crate::attr_cache::Site;
use crate::host::PyHost;
use crate::objects::{self, Class, Result};
use crate::register::{Obj, Register};

impl PyHost {
    /// The attribute of what is no object, and what is undefined.
    #[cold]
    #[inline(never)]
    pub(crate) fn attr_slowly(&mut self, register: &Register, site: &Site) -> Result<Register> {
        let object = self.object(register)?;
        if register.as_object().is_none()
            && let Some(value) = site.get(&object)?
        {
            return Ok(Register::object(value));
        }
        self.new_undefined(None, Some(&object), Some(&site.name.object)).map(Register::object)
    }

    /// Calls a Python object; `first` comes before the arguments.
    pub(crate) fn call_object(
        &mut self,
        callee: &Obj,
        first: Option<&Register>,
        arguments: Arguments<'_, PyHost>,
    ) -> Result<Obj> {
        let shape = arguments.shape;
        if shape.star || shape.star_star {
            return self.call_spread(callee, first, arguments);
        }
        if shape.keywords.is_empty() {
            match (first, arguments.values) {
                (None, []) => return objects::call(callee, &[], None),
                (None, [one]) | (Some(one), []) => return objects::call(callee, &[self.object(one)?], None),
                (None, [one, two]) | (Some(one), [two]) => {
                    return objects::call(callee, &[self.object(one)?, self.object(two)?], None);
                }
                _ => {}
            }
        }
        let mut values = Vec::with_capacity(arguments.values.len() + 1);
        for register in first.into_iter().chain(arguments.values) {
            values.push(self.object(register)?);
        }
        if shape.keywords.is_empty() {
            return objects::call(callee, &values, None);
        }
        let names = objects::tuple(shape.keywords.iter().map(|keyword| Ok(keyword.name.object.clone())))?;
        objects::call(callee, &values, Some(&names))
    }

    fn call_spread(
        &mut self,
        callee: &Obj,
        first: Option<&Register>,
        arguments: Arguments<'_, PyHost>,
    ) -> Result<Obj> {
        let spread = self.spread(arguments)?;
        let positional = first.into_iter().chain(&spread.positional).map(|value| self.object(value));
        let positional = positional.collect::<Result<Vec<_>>>()?;
        let keywords = objects::dict()?;
        for (name, value) in &spread.keywords {
            objects::dict_set(&keywords, &objects::intern(name)?, &self.object(value)?)?;
        }
        objects::call_with(callee, &objects::tuple(positional.into_iter().map(Ok))?, &keywords)
    }

    /// The arguments, `*args` and `**kwargs` taken apart.
    pub(crate) fn spread(&mut self, arguments: Arguments<'_, PyHost>) -> Result<Spread> {
        let shape = arguments.shape;
        let (fixed, rest) = arguments.values.split_at(shape.positional.min(arguments.values.len()));
        let (named, mut extra) = rest.split_at(shape.keywords.len().min(rest.len()));
        let mut positional = fixed.to_vec();
        let names = shape.keywords.iter().map(|keyword| keyword.text.to_string());
        let mut keywords: Vec<(String, Register)> = names.zip(named.iter().cloned()).collect();
        if shape.star
            && let Some((star, left)) = extra.split_first()
        {
            positional.extend(self.star(star)?);
            extra = left;
        }
        if shape.star_star
            && let Some(star_star) = extra.first()
        {
            for (name, value) in self.star_star(star_star)? {
                if keywords.iter().any(|(known, _)| *known == name) {
                    let message = format!("got multiple values for keyword argument '{name}'");
                    return objects::raise(&Class::Type.object(), &message);
                }
                keywords.push((name, value));
            }
        }
        Ok(Spread { positional, keywords })
    }
}

/// Arguments without `*` and `**`.
pub(crate) struct Spread {
    pub(crate) positional: Vec<Register>,
    pub(crate) keywords: Vec<(String, Register)>,
}
