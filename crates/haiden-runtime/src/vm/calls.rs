//! Calls: what is entered, and how arguments reach the parameters of a macro.

use haiden_bytecode::FunctionKind;
use haiden_bytecode::image::{CATCH_CALLER, CATCH_KWARGS, CATCH_VARARGS, EXPLICIT_CALLER};
use haiden_bytecode::ops;

use crate::host::{Arguments, Called, Callee, Closure, Fault, Host};
use crate::program::{Program, Shape};
use crate::vm::frames::Finish;
use crate::vm::{Limits, Pending, Step, Vm};

/// Arguments by place, and by name.
type Spread<H> = (Vec<<H as Host>::Register>, Vec<(String, <H as Host>::Register)>);

/// What Python says of a call of a method that takes this one parameter beside `self`, or none, with so many arguments by place and
/// these by name; `None` if that is right.
pub fn wrong_arguments<'a>(
    method: &str,
    parameter: Option<&str>,
    positional: usize,
    keywords: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let (takes, mut named) = (usize::from(parameter.is_some()), 0);
    for name in keywords {
        named += 1;
        match parameter {
            Some(parameter) if parameter == name && positional == 0 => {}
            Some(parameter) if parameter == name => {
                return Some(format!("{method} got multiple values for argument '{name}'"));
            }
            _ => return Some(format!("{method} got an unexpected keyword argument '{name}'")),
        }
    }
    if positional > takes {
        let (plural, given) = (if takes == 0 { "" } else { "s" }, 1 + positional);
        let takes = 1 + takes;
        return Some(format!("{method} takes {takes} positional argument{plural} but {given} were given"));
    }
    let missing = parameter.filter(|_| positional + named == 0);
    missing.map(|name| format!("{method} missing 1 required positional argument: '{name}'"))
}

impl<H: Host> Vm<H> {
    /// Enters what `callee` is with the arguments that start at register `first` of the running frame; its output goes to
    /// `finish`.
    #[inline(never)]
    pub(super) fn enter(
        &mut self,
        host: &mut H,
        callee: &H::Register,
        first: u16,
        shape: &Shape<H>,
        finish: Finish<H>,
    ) -> Result<(), H::Error> {
        self.enter_here(host, callee, first, shape, finish)
    }

    /// As [`Vm::enter`], where a call of it would cost more than its code.
    #[inline(always)]
    fn enter_here(
        &mut self,
        host: &mut H,
        callee: &H::Register,
        first: u16,
        shape: &Shape<H>,
        finish: Finish<H>,
    ) -> Result<(), H::Error> {
        let base = self.frames.last().map_or(0, |frame| frame.registers);
        let first = base + usize::from(first);
        if let Callee::Macro(closure) = host.callee(callee)
            && shape.is_plain()
            && self.frames.len() < self.limits.depth
        {
            let entry = closure.program.entry(closure.function);
            if entry.positional.is_some_and(|most| shape.positional <= usize::from(most)) {
                let arguments = first..first + shape.positional;
                let checks = usize::from(entry.checks);
                let given = checks <= shape.positional
                    && !self.registers[arguments.clone()].iter().any(|argument| H::is_missing(argument));
                let place = self.place(&closure.program);
                let entry = (entry, if given { checks } else { 0 });
                let scope = (closure.context.clone(), closure.cells.clone());
                self.push_entered(place, closure.function, entry, scope, arguments, finish);
                return Ok(());
            }
        }
        self.enter_bound(host, callee, first, shape, finish)
    }

    /// As [`Vm::enter`], where the arguments must be bound.
    #[inline(never)]
    fn enter_bound(
        &mut self,
        host: &mut H,
        callee: &H::Register,
        first: usize,
        shape: &Shape<H>,
        finish: Finish<H>,
    ) -> Result<(), H::Error> {
        let (callee, values) = (callee.clone(), self.registers[first..first + shape.registers()].to_vec());
        self.enter_with(host, &callee, &values, shape, finish)
    }

    /// Calls a method, the result of which is written: `true` if the machine has entered it.
    #[inline(never)]
    pub(super) fn emit_call_method(
        &mut self,
        host: &mut H,
        out: &mut H::Output,
        program: &Program<H>,
        word: u64,
    ) -> Result<bool, H::Error> {
        let Some(frame) = self.frames.last() else { return Ok(true) };
        let (register, shape) = (ops::a(word), &program.shapes[usize::from(ops::c(word))]);
        let site = &program.sites()[usize::from(ops::b(word))];
        let receiver = frame.registers + usize::from(register);
        let values = &self.registers[receiver + 1..receiver + 1 + shape.registers()];
        let arguments = Arguments { values, shape };
        let called = host.call_method(&frame.context, &self.registers[receiver], site, arguments)?;
        let escape = match ops::x(word) {
            0 => false,
            1 => true,
            _ => host.autoescape(&frame.context),
        };
        let value = match called {
            Called::Enter(callee) => {
                let through = host.writes_through() && (!escape || host.autoescape(&frame.context));
                if self.fuel == 0 {
                    self.fuel = host.refuel()?.max(1);
                }
                self.fuel -= 1;
                if through {
                    self.enter_here(host, &callee, register + 1, shape, Finish::Nothing)?;
                } else {
                    let finish = self.printed(host, out, escape);
                    self.enter_here(host, &callee, register + 1, shape, finish)?;
                }
                return Ok(true);
            }
            Called::Value(value) => value,
        };
        self.emit(host, out, value, escape)?;
        Ok(false)
    }

    /// The result of a call here is no text yet: it is captured, then printed, escaped if it is no markup.
    pub(super) fn printed(&self, host: &mut H, out: &mut H::Output, escape: bool) -> Finish<H> {
        let markup = self.frames.last().is_some_and(|frame| host.autoescape(&frame.context));
        Finish::Printed { mark: host.mark(out), markup, escape }
    }

    /// Writes a value; if the host suspends, that is left to do.
    pub(super) fn emit(
        &mut self,
        host: &mut H,
        out: &mut H::Output,
        value: H::Register,
        escape: bool,
    ) -> Result<(), H::Error> {
        let context = self.frames.last().map(|frame| &frame.context);
        match host.emit_in(out, context, &value, escape) {
            Ok(()) => Ok(()),
            Err(error) => self.emit_later(error, value, escape),
        }
    }

    /// A value was not written: if the host has suspended, that is left to do.
    #[cold]
    #[inline(never)]
    pub(super) fn emit_later<T>(
        &mut self,
        error: H::Error,
        value: H::Register,
        escape: bool,
    ) -> Result<T, H::Error> {
        if H::is_suspension(&error) {
            self.pending = Some(Pending::Emit { value, escape });
        }
        Err(error)
    }

    /// Enters what `callee` is; its output goes to `finish`.
    #[inline(never)]
    fn enter_with(
        &mut self,
        host: &mut H,
        callee: &H::Register,
        values: &[H::Register],
        shape: &Shape<H>,
        finish: Finish<H>,
    ) -> Result<(), H::Error> {
        match host.callee(callee) {
            Callee::Macro(closure) => {
                let closure = closure.clone();
                self.push_call(host, &closure, Arguments { values, shape }, finish)
            }
            Callee::Block(block) => {
                let block = block.clone();
                if shape.registers() > 0 {
                    Vm::take(host, "BlockReference.__call__()", None, Arguments { values, shape })?;
                }
                self.push_block(host, block, finish)
            }
            Callee::Loop => {
                let recursion = host.take_loop(callee).map(|state| {
                    let recursion = (state.recursion().cloned(), state.depth0());
                    host.put_loop(callee, state);
                    recursion
                });
                let arguments = Arguments { values, shape };
                let iterable = Vm::take(host, "LoopContext.__call__()", Some("iterable"), arguments)?;
                match (recursion, iterable) {
                    (Some((Some(closure), depth)), Some(iterable)) => {
                        self.push_loop(host, &closure, depth + 1, iterable, finish)
                    }
                    _ => Vm::fault(host, Fault::NotRecursive),
                }
            }
            Callee::Foreign => Vm::fault(host, Fault::BadImage("a call of something foreign")),
        }
    }

    /// Calls one of the machine's own callables from outside a machine, as [`Vm::call`]: `loop(items)`, say.
    ///
    /// # Errors
    /// As [`Vm::render`].
    pub fn call_value(
        host: &mut H,
        out: &mut H::Output,
        callee: &H::Register,
        values: &[H::Register],
        limits: Limits,
    ) -> Result<H::Register, H::Error> {
        let mut vm = Vm::empty(limits);
        let finish = Finish::Value { mark: host.mark(out), markup: false };
        vm.enter_with(host, callee, values, &Shape::positional(values.len()), finish)?;
        match vm.resume(host, out) {
            Step::Done | Step::Chunk => Ok(vm.result.take().unwrap_or_else(H::missing)),
            Step::Await(error) | Step::Err(error) => Err(error),
        }
    }

    /// Pushes a macro with the arguments of a call in the running code.
    ///
    /// `arguments` must not lie in the machine's own registers: pushing moves them.
    pub(crate) fn push_call(
        &mut self,
        host: &mut H,
        closure: &Closure<H>,
        arguments: Arguments<'_, H>,
        finish: Finish<H>,
    ) -> Result<(), H::Error> {
        let shape = arguments.shape;
        if shape.is_plain() {
            return self.push_macro(host, closure, arguments.values, &[], finish);
        }
        let (positional, keywords) = Vm::spread(host, arguments)?;
        let keywords: Vec<(&str, H::Register)> =
            keywords.iter().map(|(name, value)| (&**name, value.clone())).collect();
        self.push_macro(host, closure, &positional, &keywords, finish)
    }

    /// The argument of a method that takes this one parameter beside `self`, or none. Other arguments are what Python says of them.
    fn take(
        host: &mut H,
        method: &str,
        parameter: Option<&str>,
        arguments: Arguments<'_, H>,
    ) -> Result<Option<H::Register>, H::Error> {
        let (positional, keywords) = Vm::spread(host, arguments)?;
        let names = keywords.iter().map(|(name, _)| &**name);
        if let Some(words) = wrong_arguments(method, parameter, positional.len(), names) {
            return Vm::fault(host, Fault::WrongArguments(&words));
        }
        Ok(positional.into_iter().chain(keywords.into_iter().map(|(_, value)| value)).next())
    }

    /// Arguments by place and by name, `*` and `**` taken apart.
    fn spread(host: &mut H, arguments: Arguments<'_, H>) -> Result<Spread<H>, H::Error> {
        let shape = arguments.shape;
        let (fixed, rest) = arguments.values.split_at(shape.positional.min(arguments.values.len()));
        let (named, mut extra) = rest.split_at(shape.keywords.len().min(rest.len()));
        let mut positional = fixed.to_vec();
        let mut keywords: Vec<(String, H::Register)> = shape
            .keywords
            .iter()
            .map(|keyword| keyword.text.to_string())
            .zip(named.iter().cloned())
            .collect();
        if shape.star
            && let Some((star, left)) = extra.split_first()
        {
            positional.extend(host.star(star)?);
            extra = left;
        }
        if shape.star_star
            && let Some(star_star) = extra.first()
        {
            for (name, value) in host.star_star(star_star)? {
                if shape.keywords.iter().any(|keyword| *keyword.text == *name) {
                    return Vm::fault(host, Fault::KeywordTwice(&name));
                }
                keywords.push((name, value));
            }
        }
        Ok((positional, keywords))
    }

    /// Pushes a macro with these arguments.
    pub(crate) fn push_macro(
        &mut self,
        host: &mut H,
        closure: &Closure<H>,
        positional: &[H::Register],
        keywords: &[(&str, H::Register)],
        finish: Finish<H>,
    ) -> Result<(), H::Error> {
        let program = &closure.program;
        let function = program.function(closure.function);
        if !matches!(function.kind, FunctionKind::Macro | FunctionKind::CallBlock) {
            return Vm::fault(host, Fault::BadImage("a macro that is none"));
        }
        let parameters = program.image().parameters(function).len();
        let context = closure.context.clone();
        self.push(host, program, closure.function, context, closure.cells.clone(), finish)?;
        let first = self.registers.len() - usize::from(function.registers);
        let given = positional.len().min(parameters);
        for (place, value) in self.registers[first..].iter_mut().zip(&positional[..given]) {
            *place = value.clone();
        }
        let simple = function.flags & (CATCH_VARARGS | CATCH_KWARGS | CATCH_CALLER) == 0;
        if simple && keywords.is_empty() && positional.len() <= parameters {
            return Ok(());
        }
        let bound = self.bind_rest(host, closure, first, positional, keywords);
        if bound.is_err() {
            // The caller's mistake: it is told where the call is.
            self.frames.pop();
        }
        bound
    }

    /// Everything but plain positional arguments. Jinja's order: positional, keywords by parameter, `caller`, then
    /// `kwargs`, then `varargs`, and what is left over is an error.
    fn bind_rest(
        &mut self,
        host: &mut H,
        closure: &Closure<H>,
        first: usize,
        positional: &[H::Register],
        keywords: &[(&str, H::Register)],
    ) -> Result<(), H::Error> {
        let program = &closure.program;
        let function = program.function(closure.function);
        let name = closure.name();
        let parameters: Vec<&str> = program.parameter_names(closure.function).collect();
        let mut left: Vec<(&str, H::Register)> = Vec::new();
        let mut caller = None;
        for (keyword, value) in keywords {
            if let Some(index) = parameters.iter().position(|parameter| parameter == keyword) {
                if index < positional.len() {
                    // Jinja looks only at the parameters that no position filled: the name is left over.
                    left.push((keyword, value.clone()));
                } else {
                    self.registers[first + index] = value.clone();
                }
            } else if *keyword == "caller" && function.flags & CATCH_CALLER != 0 {
                caller = Some(value.clone());
            } else {
                left.push((keyword, value.clone()));
            }
        }
        let varargs = first + parameters.len();
        let kwargs = varargs + usize::from(function.flags & CATCH_VARARGS != 0);
        if function.flags & CATCH_KWARGS != 0 {
            self.registers[kwargs] = host.keywords(&left)?;
        } else if let Some((keyword, _)) = left.first() {
            let fault = if left.iter().any(|(keyword, _)| *keyword == "caller") {
                Fault::UnexpectedCaller { name }
            } else {
                Fault::UnexpectedKeyword { name, keyword }
            };
            return Vm::fault(host, fault);
        }
        if function.flags & CATCH_VARARGS != 0 {
            let rest = positional.get(parameters.len()..).unwrap_or_default();
            self.registers[varargs] = host.tuple(rest)?;
        } else if positional.len() > parameters.len() {
            return Vm::fault(host, Fault::TooManyArguments { name, takes: parameters.len() });
        }
        if function.flags & CATCH_CALLER != 0 && function.flags & EXPLICIT_CALLER == 0 {
            let register = kwargs + usize::from(function.flags & CATCH_KWARGS != 0);
            self.registers[register] = match caller {
                Some(caller) if !host.is_none(&caller) => caller,
                _ => host.undefined(crate::host::Undefined::NoCaller)?,
            };
        }
        Ok(())
    }
}
