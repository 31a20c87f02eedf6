//! Undefined values: Jinja2's four kinds and what each allows.

use std::sync::Arc;

use haiden_runtime::builtins::suggest;

use crate::error::{Error, ErrorKind};
use crate::python::repr::write_repr;
use crate::value::heap::Reason;
use crate::value::host::NativeHost;
use crate::value::word::Word;

/// What undefined values do when they are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UndefinedKind {
    /// They print as nothing, are false and empty; anything else is an error.
    #[default]
    Default,
    /// As `Default`, but attributes and items of them are undefined too.
    Chainable,
    /// As `Default`, but they print what is missing.
    Debug,
    /// Everything but asking whether they are defined is an error.
    Strict,
}

impl NativeHost {
    /// The message of an undefined value.
    pub(crate) fn undefined_message(&self, index: u32) -> String {
        match &self.heap.undefined[index as usize] {
            Reason::Hint(hint) | Reason::Unsafe(hint) => hint.to_string(),
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

    /// The error for using an undefined value.
    pub(crate) fn undefined_error(&self, word: Word) -> Error {
        match word {
            Word::Undefined(index) => {
                let kind = match &self.heap.undefined[index as usize] {
                    Reason::Unsafe(_) => ErrorKind::Security,
                    _ => ErrorKind::Undefined,
                };
                let error = Error::new(kind, self.undefined_message(index));
                match &self.heap.undefined[index as usize] {
                    Reason::Name(name) => error.with_hint(self.near_name(name)),
                    Reason::Member { object, name, is_text: true } => {
                        error.with_hint(self.near_member(*object, name))
                    }
                    _ => error,
                }
            }
            _ => Error::new(ErrorKind::Undefined, "a variable is not set"),
        }
    }

    /// An error if the value is undefined.
    #[inline]
    pub(crate) fn refuse_undefined(&self, word: Word) -> Result<(), Error> {
        match word {
            Word::Undefined(_) | Word::Missing => Err(self.undefined_error(word)),
            _ => Ok(()),
        }
    }

    /// An error if the value is undefined and such may not even be looked at.
    #[inline]
    pub(crate) fn refuse_strict(&self, word: Word) -> Result<(), Error> {
        if self.undefined_kind == UndefinedKind::Strict { self.refuse_undefined(word) } else { Ok(()) }
    }

    /// What a `DebugUndefined` prints.
    pub(crate) fn debug_text(&self, index: u32) -> String {
        match &self.heap.undefined[index as usize] {
            Reason::Hint(hint) | Reason::Unsafe(hint) => format!("{{{{ undefined value printed: {hint} }}}}"),
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
