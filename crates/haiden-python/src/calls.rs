//! Calls of Python objects: how a template's arguments become theirs.

use haiden_runtime::{Arguments, Fault, Host, Shape};

use crate::attr_cache::{Name, Site};
use crate::filters::{self, Filter};
use crate::host::PyHost;
use crate::objects::{self, Class, Result};
use crate::register::{Obj, Register};
use crate::scope::Context;
use crate::tests::{self, Test};
use crate::wanted::Wanted;

impl PyHost {
    /// The attribute that a site has not at hand.
    #[inline(never)]
    pub(crate) fn attr_in_reach(&mut self, register: &Register, site: &Site) -> Result<Register> {
        if let Some(object) = register.as_object() {
            if self.plain_attr {
                if let Some(value) = site.look(object)? {
                    return Ok(Register::object(value));
                }
            } else if self.is_async && self.waiting.is_idle() && self.attr_by_site {
                if let Some(value) = site.get(object)? {
                    return self.settled(Register::object(value));
                }
            } else if self.guarded
                && !self.is_async
                && let Some(item) = site.item_of_dict(object)?
            {
                return Ok(Register::object(item));
            }
        }
        self.attr_slowly(register, site)
    }

    /// The attribute of what is no object, and what is undefined.
    #[cold]
    #[inline(never)]
    fn attr_slowly(&mut self, register: &Register, site: &Site) -> Result<Register> {
        if !self.is_async {
            return self.attr_of(register, site);
        }
        if self.waiting.is_idle()
            && self.attr_by_site
            && let Some(object) = register.as_object()
        {
            let nothing = self.no_attr(object, site)?;
            return self.settled(nothing);
        }
        self.awaited(|host| host.attr_of(register, site))
    }

    fn attr_of(&mut self, register: &Register, site: &Site) -> Result<Register> {
        let object = self.object(register)?;
        if self.settings().hooks.getattr {
            if let Some(guard) = self.settings().guard
                && let Some(value) = self.guarded_attr(guard, &object, site)?
            {
                return Ok(value);
            }
            let name = site.name.clone();
            return self.ask(&self.types.getattr, &[object, name]).map(Register::object);
        }
        if (!self.plain_attr || register.as_object().is_none())
            && let Some(value) = site.get(&object)?
        {
            return Ok(Register::object(value));
        }
        self.no_attr(&object, site)
    }

    /// Calls a Python object as templates do.
    pub(crate) fn call_foreign(
        &mut self,
        context: &Context,
        callee: &Obj,
        arguments: Arguments<'_, PyHost>,
    ) -> Result<Obj> {
        // Python takes `*` and `**` apart before it calls anything; what cannot be called may raise then.
        let spread = match arguments.shape {
            Shape { star: false, star_star: false, .. } => None,
            _ => Some(self.spread(arguments)?),
        };
        let passed = Passed { arguments, spread: spread.as_ref() };
        let hooks = self.settings().hooks;
        let by_hook = hooks.call && (self.settings().guard.is_none() || !self.may_call(callee)?);
        if by_hook || hooks.context_call {
            return self.call_by_hook(context, callee, passed);
        }
        let (wanted, instead) = Wanted::of_callee(callee)?;
        let first = self.wanted(wanted, Some(context))?;
        let result = self.call_passed(instead.as_ref().unwrap_or(callee), (first.as_ref(), None), passed);
        match result {
            Err(raised) if raised.matches(&Class::StopIteration.object()) => {
                raised.clear();
                let hint = "value was undefined because a callable raised a StopIteration exception";
                self.new_undefined(Some(hint), None, None)
            }
            result => result,
        }
    }

    /// Calls through `Environment.call(context, callable, …)` of a sandbox, or through an overridden `Context.call`.
    #[inline(never)]
    fn call_by_hook(&mut self, context: &Context, callee: &Obj, passed: Passed<'_>) -> Result<Obj> {
        let settings = self.settings();
        let context = self.context_of(context)?;
        let callee = Register::object(callee.clone());
        if settings.hooks.call {
            let method = objects::get_attr(&settings.environment, &self.types.env_call.object)?;
            self.call_passed(&method, (Some(&context), Some(&callee)), passed)
        } else {
            let method = objects::get_attr(&context, &self.types.env_call.object)?;
            self.call_passed(&method, (None, Some(&callee)), passed)
        }
    }

    /// Applies a filter of an environment whose filters are a mapping of the user's own.
    pub(crate) fn filter_by_name(
        &mut self,
        context: &Context,
        name: &Name,
        value: &Register,
        arguments: Arguments<'_, PyHost>,
    ) -> Result<Register> {
        let function = objects::get_item(&self.settings().filters, &name.object)?;
        let first = self.wanted(Wanted::of(&function)?, Some(context))?;
        self.call_object(&function, (first.as_ref(), Some(value)), arguments).map(Register::object)
    }

    /// Applies a filter; what it returns may have to be awaited.
    #[inline]
    pub(crate) fn filter_now(
        &mut self,
        context: &Context,
        filter: &Filter,
        value: &Register,
        arguments: Arguments<'_, PyHost>,
    ) -> Result<Register> {
        let function = match filter {
            Filter::Function(function) => function,
            Filter::Named(name) => return self.filter_by_name(context, name, value, arguments),
        };
        if let Some(native) = function.native
            && let Some(result) = filters::apply(self, Some(context), native, value, arguments)?
        {
            return Ok(result);
        }
        let first = self.wanted(function.wanted, Some(context))?;
        self.call_object(&function.object, (first.as_ref(), Some(value)), arguments).map(Register::object)
    }

    /// Applies a test; what it returns may have to be awaited.
    #[inline]
    pub(crate) fn test_now(
        &mut self,
        context: &Context,
        test: &Test,
        value: &Register,
        arguments: Arguments<'_, PyHost>,
    ) -> Result<Register> {
        let (object, wanted) = match test {
            Test::Function(function) => {
                if let Some(native) = function.native
                    && let Some(holds) = tests::apply(self, native, value, arguments)?
                {
                    return Ok(Register::boolean(holds));
                }
                (function.object.clone(), function.wanted)
            }
            Test::Named(name) => {
                let object = objects::get_item(&self.settings().tests, &name.object)?;
                let wanted = Wanted::of(&object)?;
                (object, wanted)
            }
        };
        let first = self.wanted(wanted, Some(context))?;
        self.call_object(&object, (first.as_ref(), Some(value)), arguments).map(Register::object)
    }

    /// Calls a Python object; what it wants and `value` come before the arguments.
    pub(crate) fn call_object(
        &mut self,
        callee: &Obj,
        (wanted, value): (Option<&Obj>, Option<&Register>),
        arguments: Arguments<'_, PyHost>,
    ) -> Result<Obj> {
        let shape = arguments.shape;
        if shape.star || shape.star_star {
            let spread = self.spread(arguments)?;
            return self.call_spread(callee, (wanted, value), &spread);
        }
        if shape.keywords.is_empty() && wanted.is_none() {
            match (value, arguments.values) {
                (None, []) => return objects::call(callee, &[], None),
                (None, [one]) | (Some(one), []) => return objects::call(callee, &[self.object(one)?], None),
                (None, [one, two]) | (Some(one), [two]) => {
                    return objects::call(callee, &[self.object(one)?, self.object(two)?], None);
                }
                _ => {}
            }
        }
        let mut values = Vec::with_capacity(arguments.values.len() + 2);
        values.extend(wanted.cloned());
        for register in value.into_iter().chain(arguments.values) {
            values.push(self.object(register)?);
        }
        if shape.keywords.is_empty() {
            return objects::call(callee, &values, None);
        }
        let names = objects::tuple(shape.keywords.iter().map(|keyword| Ok(keyword.name.object.clone())))?;
        objects::call(callee, &values, Some(&names))
    }

    fn call_passed(
        &mut self,
        callee: &Obj,
        before: (Option<&Obj>, Option<&Register>),
        passed: Passed<'_>,
    ) -> Result<Obj> {
        match passed.spread {
            Some(spread) => self.call_spread(callee, before, spread),
            None => self.call_object(callee, before, passed.arguments),
        }
    }

    fn call_spread(
        &mut self,
        callee: &Obj,
        (wanted, value): (Option<&Obj>, Option<&Register>),
        spread: &Spread,
    ) -> Result<Obj> {
        let mut positional: Vec<Obj> = wanted.cloned().into_iter().collect();
        for register in value.into_iter().chain(&spread.positional) {
            positional.push(self.object(register)?);
        }
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
                    return Err(self.fault(Fault::KeywordTwice(&name)));
                }
                keywords.push((name, value));
            }
        }
        Ok(Spread { positional, keywords })
    }

    /// What `**value` gives to a call.
    pub(crate) fn keywords_of(&self, value: &Register) -> Result<Vec<(String, Register)>> {
        let mapping = self.object(value)?;
        if !objects::is_dict(&mapping) && objects::lookup_attr(&mapping, &self.types.keys.object)?.is_none() {
            let message = format!(
                "haiden.runtime.Context.call() argument after ** must be a mapping, not {}",
                objects::class_name(&mapping)
            );
            return objects::raise(&Class::Type.object(), &message);
        }
        let dict = objects::dict_of(&mapping)?;
        let (mut pairs, mut position) = (Vec::new(), 0);
        while let Some((key, value)) = objects::dict_next(&dict, &mut position) {
            if !objects::is_text(&key) {
                return objects::raise(&Class::Type.object(), "keywords must be strings");
            }
            pairs.push((objects::utf8(&key)?.to_owned(), Register::object(value)));
        }
        Ok(pairs)
    }
}

/// The arguments of a call, and what `*` and `**` in them hold, if there are such.
#[derive(Clone, Copy)]
struct Passed<'a> {
    arguments: Arguments<'a, PyHost>,
    spread: Option<&'a Spread>,
}

/// Arguments without `*` and `**`.
pub(crate) struct Spread {
    pub(crate) positional: Vec<Register>,
    pub(crate) keywords: Vec<(String, Register)>,
}
