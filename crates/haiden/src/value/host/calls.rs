//! Calls of values that are no macros: functions, methods, user objects.

use std::sync::Arc;

use haiden_runtime::{Arguments, Limits, Step, Vm, wrong_arguments};

use haiden_runtime::Fault;

use crate::error::{Error, ErrorKind};
use crate::value::function::{BoxedFunction, CallArguments};
use crate::value::heap::HeapObject;
use crate::value::host::{NativeHost, NativeIterator, Output, deeper};
use crate::value::object::{Foreign, guarded};
use crate::value::state::State;
use crate::value::typed::TypedCall;
use crate::value::value::Value;
use crate::value::word::{Global, Word};

/// Arguments with everything expanded.
pub(super) struct Expanded {
    pub(super) positional: Vec<Word>,
    pub(super) keywords: Vec<(Arc<str>, Word)>,
}

impl NativeHost {
    pub(super) fn expand(&mut self, arguments: Arguments<'_, NativeHost>) -> Result<Expanded, Error> {
        let shape = arguments.shape;
        let (fixed, rest) = arguments.values.split_at(shape.positional);
        let (named, extra) = rest.split_at(shape.keywords.len());
        let mut positional = fixed.to_vec();
        let mut keywords: Vec<(Arc<str>, Word)> = shape
            .keywords
            .iter()
            .map(|keyword| keyword.name.text().clone())
            .zip(named.iter().copied())
            .collect();
        let mut extra = extra.iter();
        if shape.star
            && let Some(&star) = extra.next()
        {
            positional.extend(self.expand_star(star)?);
        }
        if shape.star_star
            && let Some(&star_star) = extra.next()
        {
            for (name, word) in self.expand_star_star(star_star)? {
                if keywords.iter().any(|(known, _)| **known == *name) {
                    return Err(super::faults::error(Fault::KeywordTwice(&name)));
                }
                keywords.push((name.into(), word));
            }
        }
        Ok(Expanded { positional, keywords })
    }

    pub(super) fn expand_star(&mut self, word: Word) -> Result<Vec<Word>, Error> {
        self.items_or(word, |host| format!("Value after * must be an iterable, not {}", host.type_name(word)))
    }

    pub(super) fn expand_star_star(&mut self, word: Word) -> Result<Vec<(String, Word)>, Error> {
        self.refuse_undefined(word)?;
        let dict @ (Word::Map { .. } | Word::Dict(_)) = self.present(word) else {
            return Err(self.no_mapping(word));
        };
        let (keys, values) = self.entries(dict);
        let named = keys.into_iter().zip(values).map(|(key, value)| match key {
            Word::Str(text) => Ok((self.str(text).to_owned(), value)),
            _ => Err(Error::new(ErrorKind::Type, "keywords must be strings")),
        });
        named.collect()
    }

    fn no_mapping(&self, word: Word) -> Error {
        let name = self.type_name(word);
        Error::new(
            ErrorKind::Type,
            format!("jinja2.runtime.Context.call() argument after ** must be a mapping, not {name}"),
        )
    }

    /// Calls a value for user code.
    pub(crate) fn call_back(&mut self, callee: Word, positional: &[Word]) -> Result<Word, Error> {
        self.call_expanded(callee, positional, &[])
    }

    /// Calls a value of a user with values of a user.
    pub(crate) fn call_with_values(
        &mut self,
        callee: &Value,
        positional: &[Value],
        keywords: &[(&str, Value)],
    ) -> Result<Value, Error> {
        let callee = self.import(callee)?;
        self.call_word(callee, positional, keywords)
    }

    /// Calls a value with values of a user.
    pub(crate) fn call_word(
        &mut self,
        callee: Word,
        positional: &[Value],
        keywords: &[(&str, Value)],
    ) -> Result<Value, Error> {
        let positional =
            positional.iter().map(|value| self.import(value)).collect::<Result<Vec<_>, Error>>()?;
        let keywords = keywords
            .iter()
            .map(|(name, value)| Ok(((*name).into(), self.import(value)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        let outcome = self.call_checked(callee, &positional, &keywords)?;
        self.value(outcome)
    }

    /// Calls a value if the sandbox, where there is one, lets it be called.
    pub(crate) fn call_checked(
        &mut self,
        callee: Word,
        positional: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        if self.sandboxed {
            self.refuse_unsafe_call(callee)?;
        }
        self.call_expanded(callee, positional, keywords)
    }

    /// Calls a value.
    pub(super) fn call_value(
        &mut self,
        callee: Word,
        arguments: Arguments<'_, NativeHost>,
    ) -> Result<Word, Error> {
        // The most common calls need no expansion.
        if let (Word::Foreign { slot, index }, true) = (callee, arguments.shape.is_plain())
            && let Foreign::Function(function) = self.foreign(slot, index)
        {
            let function = function.clone();
            return function.invoke(self, CallArguments { positional: arguments.values, keywords: &[] });
        }
        let Expanded { positional, keywords } = self.expand(arguments)?;
        self.call_expanded(callee, &positional, &keywords)
    }

    /// Calls a user's filter or test: with the value first.
    pub(super) fn call_user(
        &mut self,
        function: &BoxedFunction,
        value: Word,
        arguments: Arguments<'_, NativeHost>,
    ) -> Result<Word, Error> {
        let expanded = self.expand(arguments)?;
        let mut positional = vec![value];
        positional.extend(expanded.positional);
        let keywords: Vec<(&str, Word)> =
            expanded.keywords.iter().map(|(name, word)| (&**name, *word)).collect();
        function.invoke(self, CallArguments { positional: &positional, keywords: &keywords })
    }

    pub(crate) fn call_expanded(
        &mut self,
        callee: Word,
        positional: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        match callee {
            Word::Global(global) => self.call_global(global, positional, keywords),
            Word::Undefined(_) | Word::Missing => self.undefined_call(callee, positional, keywords),
            Word::Foreign { slot, index } => {
                let foreign = self.foreign(slot, index).clone();
                self.call_foreign(&foreign, None, positional, keywords)
            }
            Word::Object(index) => self.call_object(callee, index, positional, keywords),
            _ => Err(self.not_callable(callee)),
        }
    }

    #[cold]
    fn not_callable(&self, callee: Word) -> Error {
        Error::new(ErrorKind::Type, format!("'{}' object is not callable", self.type_name(callee)))
    }

    fn call_object(
        &mut self,
        callee: Word,
        index: u32,
        positional: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        match &mut self.heap.objects[index as usize] {
            HeapObject::Method { receiver, name } => {
                let (receiver, name) = (*receiver, name.clone());
                self.call_member(receiver, &name, positional, keywords)
            }
            HeapObject::Alias(_) => self.call_global(Global::Dict, positional, keywords),
            HeapObject::Joiner { separator, used } => {
                if let Some(error) = refused("Joiner.__call__", positional, keywords) {
                    return Err(error);
                }
                if std::mem::replace(used, true) {
                    return Ok(*separator);
                }
                self.new_text("", false)
            }
            HeapObject::Macro(_) | HeapObject::Block(_) => {
                // Called back from a filter or a function: on a machine of its own.
                self.call_inside(|host, out, limits| {
                    host.machine_for(callee, index, (positional, keywords), out, limits)
                })
            }
            _ => Err(self.not_callable(callee)),
        }
    }

    /// A machine that will call a macro or a block.
    pub(super) fn machine_for(
        &mut self,
        callee: Word,
        index: u32,
        (positional, keywords): (&[Word], &[(Arc<str>, Word)]),
        out: &mut Output,
        limits: Limits,
    ) -> Result<Vm<NativeHost>, Error> {
        match &self.heap.objects[index as usize] {
            HeapObject::Macro(closure) => {
                let closure = closure.clone();
                let keywords: Vec<(&str, Word)> =
                    keywords.iter().map(|(name, word)| (&**name, *word)).collect();
                let markup = self.context(closure.context).autoescape;
                Vm::of_call(self, out, &closure, (positional, &keywords), markup, limits)
            }
            HeapObject::Block(block) => {
                let block = block.clone();
                let names = keywords.iter().map(|(name, _)| &**name);
                let wrong = wrong_arguments("BlockReference.__call__()", None, positional.len(), names);
                if let Some(words) = wrong {
                    return Err(Error::new(ErrorKind::Type, words));
                }
                Vm::of_block_call(self, out, block, limits)
            }
            _ => Err(self.not_callable(callee)),
        }
    }

    /// Runs a macro or block on a machine of its own. All those of a render draw on one fuel: it is as much again as the
    /// page's own.
    fn call_inside(
        &mut self,
        start: impl FnOnce(&mut NativeHost, &mut Output, Limits) -> Result<Vm<NativeHost>, Error> + Send,
    ) -> Result<Word, Error> {
        let limits = self.limits.machine;
        deeper(limits.depth, || {
            let mut out = Output::new(64, self.limits.output);
            let mut vm = start(self, &mut out, limits)?;
            self.count_inner(true);
            let step = vm.resume(self, &mut out);
            self.count_inner(false);
            let spent = limits.fuel - vm.fuel();
            self.limits.machine.fuel = self.limits.machine.fuel.saturating_sub(spent);
            match step {
                Step::Done | Step::Chunk => Ok(vm.result().unwrap_or(Word::Missing)),
                Step::Await(error) | Step::Err(error) => Err(error),
            }
        })
    }

    /// `receiver.name(…)` of a method that [`NativeHost::has_method`] says is there.
    pub(super) fn call_member(
        &mut self,
        receiver: Word,
        name: &str,
        positional: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        match self.present(receiver) {
            Word::Str(text) => self.str_method(text, name, positional, keywords),
            receiver @ (Word::Map { .. } | Word::Dict(_)) => {
                self.dict_method(receiver, name, positional, keywords)
            }
            receiver @ (Word::Items { .. } | Word::List(_) | Word::Tuple { .. }) => {
                self.list_method(receiver, name, positional, keywords)
            }
            receiver @ (Word::Int(_) | Word::Bool(_) | Word::Big { .. } | Word::Float(_)) => {
                self.number_method(receiver, name, positional, keywords)
            }
            Word::Foreign { slot, index } => {
                let foreign = self.foreign(slot, index).clone();
                self.call_foreign(&foreign, Some(name), positional, keywords)
            }
            Word::Object(index) => self.object_method(receiver, index, name, positional, keywords),
            class @ Word::Global(_) => self.unbound_dict_method(class, name, positional, keywords),
            other => Err(self.not_callable(other)),
        }
    }

    fn object_method(
        &mut self,
        receiver: Word,
        index: u32,
        name: &str,
        positional: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        match &mut self.heap.objects[index as usize] {
            HeapObject::Cycler { .. } if !(positional.is_empty() && keywords.is_empty()) => {
                let method = format!("Cycler.{name}");
                Err(refused(&method, positional, keywords).unwrap_or_else(|| self.not_callable(receiver)))
            }
            HeapObject::Cycler { items, at } if name == "next" => {
                let item = items[*at];
                *at = (*at + 1) % items.len();
                Ok(item)
            }
            HeapObject::Cycler { at, .. } => {
                *at = 0;
                Ok(Word::None)
            }
            HeapObject::Loop(_) if !keywords.is_empty() => {
                let method = format!("LoopContext.{name}");
                Err(refused(&method, &[], keywords).unwrap_or_else(|| self.not_callable(receiver)))
            }
            HeapObject::Loop(_) if name == "cycle" => {
                if positional.is_empty() {
                    return Err(Error::new(ErrorKind::Type, "no items for cycling given"));
                }
                let index = self.loop_number(index, |state, _| Ok(state.index0()))?;
                Ok(positional[index % positional.len()])
            }
            HeapObject::Loop(_) => {
                self.loop_number(index, |state, host| state.changed(host, positional)).map(Word::Bool)
            }
            HeapObject::Bytes(_) => self.bytes_method(receiver, name, positional, keywords),
            HeapObject::Range { .. } => self.list_method(receiver, name, positional, keywords),
            HeapObject::Context(context) => {
                let context = *context;
                let all = self.all_variables(context)?;
                match name {
                    "get_all" => Ok(all),
                    "resolve" => self.dict_method(all, "get", positional, keywords),
                    _ => self.dict_method(all, name, positional, keywords),
                }
            }
            _ => Err(self.not_callable(receiver)),
        }
    }

    /// Calls user code; `method`: one of an object's methods.
    fn call_foreign(
        &mut self,
        foreign: &Foreign,
        method: Option<&str>,
        positional: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        match foreign {
            Foreign::Function(function) => {
                let keywords: Vec<(&str, Word)> =
                    keywords.iter().map(|(name, word)| (&**name, *word)).collect();
                function.invoke(self, CallArguments { positional, keywords: &keywords })
            }
            Foreign::Object(object) => {
                let named: Vec<(&str, Word)> = keywords.iter().map(|(name, word)| (&**name, *word)).collect();
                let mut call = TypedCall::new(self, CallArguments { positional, keywords: &named });
                let what = method.unwrap_or("call");
                if guarded(object, what, |object| object.call_typed(method, &mut call))? {
                    return call.outcome;
                }
                let positional =
                    positional.iter().map(|&word| self.value(word)).collect::<Result<Vec<_>, _>>()?;
                let named = keywords
                    .iter()
                    .map(|(name, word)| Ok((&**name, self.value(*word)?)))
                    .collect::<Result<Vec<(&str, Value)>, Error>>()?;
                let state = State::new(self);
                let outcome = guarded(object, what, |object| match method {
                    Some(name) => object.call_method_in(&state, name, &positional, &named),
                    None => object.call_in(&state, &positional, &named),
                })??;
                self.import(&outcome)
            }
            Foreign::Deferred(deferred) => {
                Err(Error::new(ErrorKind::Type, format!("'{}' object is not callable", deferred.type_name())))
            }
        }
    }

    /// An iterator over values at hand.
    pub(super) fn iterator_over(items: Vec<Word>) -> NativeIterator {
        NativeIterator::Values { items, at: 0 }
    }
}

/// The error for a method of Jinja2's own classes that takes no arguments and is given some.
fn refused(method: &str, positional: &[Word], keywords: &[(Arc<str>, Word)]) -> Option<Error> {
    let message = match (keywords.first(), positional.len()) {
        (Some((name, _)), _) => format!("{method}() got an unexpected keyword argument '{name}'"),
        (None, 0) => return None,
        (None, given) => format!("{method}() takes 1 positional argument but {} were given", given + 1),
    };
    Some(Error::new(ErrorKind::Type, message))
}
