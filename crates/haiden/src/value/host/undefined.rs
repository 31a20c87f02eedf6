//! Undefined values in a render: their messages, and what their type makes of each use.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use haiden_runtime::builtins::{BuiltinHost, suggest};

use crate::error::{Error, ErrorKind};
use crate::python::repr::write_repr;
use crate::undefined::{Missing, Misuse, Undefined, UndefinedKind};
use crate::value::heap::Reason;
use crate::value::host::NativeHost;
use crate::value::object::{Foreign, guarded, panicked};
use crate::value::value::Value;
use crate::value::word::Word;

/// What undefined values of a render do.
#[derive(Clone, Default)]
pub(crate) struct UndefinedType {
    /// One of Jinja2's own, unless there is another one.
    kind: UndefinedKind,
    custom: Option<Arc<dyn Undefined>>,
}

impl UndefinedType {
    pub(crate) fn new(undefined: impl Undefined + 'static) -> UndefinedType {
        match undefined.as_kind() {
            Some(kind) => UndefinedType { kind, custom: None },
            None => UndefinedType { kind: UndefinedKind::Default, custom: Some(Arc::new(undefined)) },
        }
    }
}

impl NativeHost {
    /// The message of an undefined value.
    pub(crate) fn undefined_message(&self, index: u32) -> String {
        match &self.heap.undefined[index as usize] {
            Reason::Hint(hint) | Reason::Unsafe(hint) | Reason::Plain(hint) => hint.to_string(),
            Reason::Name(name) => format!("{} is undefined", quoted(name)),
            Reason::Member { object, name, is_text } => {
                let object = self.object_name(*object);
                if *is_text {
                    format!("{} has no attribute {}", quoted(&object), quoted(name))
                } else {
                    format!("{object} has no element {name}")
                }
            }
        }
    }

    /// The name that an undefined value was searched by.
    pub(crate) fn undefined_name(&self, index: u32) -> Option<&str> {
        match &self.heap.undefined[index as usize] {
            Reason::Hint(_) | Reason::Unsafe(_) | Reason::Plain(_) => None,
            Reason::Name(name) => Some(name),
            Reason::Member { name, .. } => Some(name),
        }
    }

    /// What an undefined value was searched in.
    pub(crate) fn undefined_object(&self, index: u32) -> Option<String> {
        match self.heap.undefined[index as usize] {
            Reason::Member { object, .. } => Some(self.object_name(object)),
            _ => None,
        }
    }

    /// Jinja2's error for an undefined value.
    pub(crate) fn missing_error(&self, index: Option<u32>) -> Error {
        let Some(index) = index else { return Error::new(ErrorKind::Undefined, "a variable is not set") };
        let reason = &self.heap.undefined[index as usize];
        let kind = if let Reason::Unsafe(_) = reason { ErrorKind::Security } else { ErrorKind::Undefined };
        let error = Error::new(kind, self.undefined_message(index));
        match reason {
            Reason::Name(name) => error.with_hint(self.near_name(name)),
            Reason::Member { object, name, is_text: true } => {
                error.with_hint(self.near_member(*object, name))
            }
            _ => error,
        }
    }

    // ---- what their type makes of them ------------------------------------------------------------------------

    /// Asks the type of an undefined value. A panic in a user's type becomes an error.
    fn ask<T>(&self, word: Word, ask: impl FnOnce(&dyn Undefined, &Missing<'_>) -> T) -> Result<T, Error> {
        let index = if let Word::Undefined(index) = word { Some(index) } else { None };
        let missing = Missing::new(self, index);
        let kind = self.undefined_kind(word);
        match &self.undefined_type.custom {
            Some(custom) if !self.is_plain(word) => {
                let answer = catch_unwind(AssertUnwindSafe(|| ask(&**custom, &missing)));
                answer.map_err(|panic| panicked("an undefined type", &*panic))
            }
            _ => Ok(ask(&kind, &missing)),
        }
    }

    /// What an inline `if` without `else` gives is of Jinja2's default type everywhere.
    fn is_plain(&self, word: Word) -> bool {
        match word {
            Word::Undefined(index) => matches!(self.heap.undefined[index as usize], Reason::Plain(_)),
            _ => false,
        }
    }

    /// Which of Jinja2's kinds a value is, if there is no other type.
    fn undefined_kind(&self, word: Word) -> UndefinedKind {
        if self.is_plain(word) { UndefinedKind::Default } else { self.undefined_type.kind }
    }

    /// The error for using an undefined value.
    pub(crate) fn undefined_error(&self, word: Word) -> Error {
        self.misuse(word, Misuse::Other)
    }

    /// The error for using an undefined value in this way.
    pub(crate) fn misuse(&self, word: Word, misuse: Misuse) -> Error {
        self.ask(word, |undefined, missing| undefined.fail(missing, misuse)).unwrap_or_else(|error| error)
    }

    /// An error if the value is undefined.
    #[inline]
    pub(crate) fn refuse_undefined(&self, word: Word) -> Result<(), Error> {
        match word {
            Word::Undefined(_) | Word::Missing => Err(self.undefined_error(word)),
            _ => Ok(()),
        }
    }

    /// The class of an undefined value with its module.
    pub(crate) fn undefined_class(&self, word: Word) -> &str {
        match &self.undefined_type.custom {
            Some(custom) if !self.is_plain(word) => custom.type_name(),
            _ => match self.undefined_kind(word) {
                UndefinedKind::Default => UndefinedKind::Default.type_name(),
                UndefinedKind::Chainable => UndefinedKind::Chainable.type_name(),
                UndefinedKind::Debug => UndefinedKind::Debug.type_name(),
                UndefinedKind::Strict => UndefinedKind::Strict.type_name(),
            },
        }
    }

    /// `str(value)`
    pub(crate) fn undefined_text(&self, word: Word) -> Result<String, Error> {
        self.ask(word, |undefined, missing| undefined.to_text(missing))?
    }

    /// `value.__html__()`, if it has that.
    pub(crate) fn undefined_html(&self, word: Word) -> Result<Option<String>, Error> {
        if self.undefined_is_markup(word)? { self.undefined_text(word).map(Some) } else { Ok(None) }
    }

    /// Has it `__html__`?
    pub(crate) fn undefined_is_markup(&self, word: Word) -> Result<bool, Error> {
        self.ask(word, |undefined, _| undefined.is_markup())
    }

    /// `bool(value)`
    pub(crate) fn undefined_truth(&self, word: Word) -> Result<bool, Error> {
        self.ask(word, |undefined, missing| undefined.is_true(missing))?
    }

    /// `iter(value)`
    pub(crate) fn undefined_items(&mut self, word: Word) -> Result<Vec<Word>, Error> {
        let items = self.ask(word, |undefined, missing| undefined.iterate(missing))??;
        items.iter().map(|item| self.import(item)).collect()
    }

    /// `len(value)`
    pub(crate) fn undefined_length(&self, word: Word) -> Result<usize, Error> {
        self.ask(word, |undefined, missing| undefined.length(missing))?
    }

    /// The items from the last to the first, as Python's `reversed` takes them.
    pub(crate) fn undefined_reversed(&mut self, word: Word) -> Result<Vec<Word>, Error> {
        let length = self.undefined_length(word)?;
        self.reserve(length)?;
        (0..length).rev().map(|place| self.undefined_item(word, Word::Int(place as i64))).collect()
    }

    /// An error if the value is undefined and must not be compared or be a key.
    pub(crate) fn check_equality(&self, word: Word) -> Result<(), Error> {
        match word {
            Word::Undefined(_) | Word::Missing => {
                self.ask(word, |undefined, missing| undefined.check_equality(missing))?
            }
            _ => Ok(()),
        }
    }

    /// Are two undefined values of one type?
    pub(crate) fn same_undefined(&self, left: Word, right: Word) -> bool {
        self.is_plain(left) == self.is_plain(right)
            || self.undefined_type.custom.is_none() && self.undefined_type.kind == UndefinedKind::Default
    }

    /// Is the left one of Jinja2's default type, and the right one of another?
    pub(crate) fn is_subclass_of_undefined(&self, left: Word, right: Word) -> bool {
        matches!((left, right), (Word::Undefined(_) | Word::Missing, Word::Undefined(_) | Word::Missing))
            && self.is_plain(left)
            && !self.same_undefined(left, right)
    }

    /// `value.name`
    pub(crate) fn undefined_attr(&mut self, word: Word, name: &str) -> Result<Word, Error> {
        let found = self.ask(word, |undefined, missing| undefined.get_attr(missing, name))??;
        self.import_or(found, word)
    }

    /// `value[key]`
    pub(crate) fn undefined_item(&mut self, word: Word, key: Word) -> Result<Word, Error> {
        // Jinja2's own types do not look at the key.
        let key = if self.undefined_type.custom.is_some() { self.key_value(key)? } else { Value::NONE };
        let found = self.ask(word, |undefined, missing| undefined.get_item(missing, &key))??;
        self.import_or(found, word)
    }

    /// A key for a user; of a slice, its `repr`.
    fn key_value(&mut self, key: Word) -> Result<Value, Error> {
        if let Word::Object(_) = key {
            let mut shown = String::new();
            self.represent(&mut shown, key)?;
            return Ok(Value::from(shown));
        }
        self.value(key)
    }

    /// `value(…)`
    pub(crate) fn undefined_call(
        &mut self,
        word: Word,
        positional: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        let words = positional.iter().chain(keywords.iter().map(|(_, word)| word));
        let values = match words.map(|&word| self.value(word)).collect::<Result<Vec<_>, _>>() {
            Ok(values) => values,
            Err(error) => {
                // An argument that cannot be had (a filter over items that fails) matters only to a call that takes place.
                self.ask(word, |undefined, missing| undefined.call(missing, &[], &[]))??;
                return Err(error);
            }
        };
        let (positional, values) = values.split_at(positional.len());
        let keywords: Vec<(&str, Value)> =
            keywords.iter().zip(values).map(|((name, _), value)| (&**name, value.clone())).collect();
        let found = self.ask(word, |undefined, missing| undefined.call(missing, positional, &keywords))??;
        self.import_or(found, word)
    }

    fn import_or(&mut self, value: Option<Value>, word: Word) -> Result<Word, Error> {
        value.map_or(Ok(word), |value| self.import(&value))
    }

    // ---- texts ------------------------------------------------------------------------------------------------

    /// What a `DebugUndefined` prints.
    pub(crate) fn debug_text(&self, index: u32) -> String {
        match &self.heap.undefined[index as usize] {
            Reason::Hint(hint) | Reason::Unsafe(hint) | Reason::Plain(hint) => {
                format!("{{{{ undefined value printed: {hint} }}}}")
            }
            Reason::Name(name) => format!("{{{{ {name} }}}}"),
            Reason::Member { object, name, is_text } => {
                let name = if *is_text { quoted(name) } else { name.to_string() };
                format!("{{{{ no such element: {}[{name}] }}}}", self.object_name(*object))
            }
        }
    }

    /// The undefined value of a member that an object does not have.
    pub(crate) fn no_member(&mut self, object: Word, name: impl Into<Arc<str>>) -> Word {
        self.heap.undefined(Reason::Member { object, name: name.into(), is_text: true })
    }

    /// The undefined value of an item that an object does not have.
    pub(crate) fn no_item(&mut self, object: Word, key: Word) -> Result<Word, Error> {
        if let Word::Str(text) = key {
            let name = self.str(text).to_owned();
            return Ok(self.no_member(object, name));
        }
        let mut name = String::new();
        self.represent(&mut name, key)?;
        Ok(self.heap.undefined(Reason::Member { object, name: name.into(), is_text: false }))
    }

    /// A variable whose name is close to one that is undefined.
    fn near_name(&self, name: &str) -> Option<String> {
        let data = self.contexts.last()?;
        let mut names: Vec<&str> = data.variables.iter().map(|(name, _)| &**name).collect();
        if let Word::Map { slot, shape, .. } = data.base {
            let arena = self.arena(slot);
            names.extend(arena.shapes[shape as usize].keys.iter().filter_map(|key| match key {
                Word::Str(text) => Some(arena.str(*text)),
                _ => None,
            }));
        }
        names.extend(["range", "dict", "cycler", "joiner", "namespace"]);
        suggest(name, names).map(|near| format!("did you mean `{near}`?"))
    }

    fn near_member(&self, object: Word, name: &str) -> Option<String> {
        if let Word::Foreign { slot, index } = object {
            let Foreign::Object(object) = self.foreign(slot, index) else { return None };
            let near =
                guarded(object, "attributes", |object| suggest(name, object.attributes()).map(str::to_owned));
            return near.ok().flatten().map(|near| format!("did you mean `{near}`?"));
        }
        if let Word::Str(text) = self.present(object) {
            let near = suggest(name, super::methods_str::method_names(text.markup));
            return near.map(|near| format!("did you mean `{near}`?"));
        }
        let keys = match self.present(object) {
            Word::Map { slot, shape, .. } => {
                self.arena(slot).shapes[shape as usize].keys.iter().map(|key| key.stamped(slot)).collect()
            }
            Word::Dict(dict) => self.heap.dicts[dict as usize].keys.clone(),
            _ => return None,
        };
        let names = keys.iter().filter_map(|key| match key {
            Word::Str(text) => Some(self.str(*text)),
            _ => None,
        });
        suggest(name, names).map(|near| format!("did you mean `{near}`?"))
    }
}

pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::new();
    write_repr(&mut out, text);
    out
}
