//! How values are printed: `str`, `repr`, escaping, and the output they are printed to.

use std::fmt::Write as _;

use crate::asynchronous::Deferred;
use crate::error::{Error, ErrorKind};
use crate::python::number::Number;
use crate::python::repr::write_repr;
use crate::value::heap::{HeapObject, ViewOf};
use crate::value::host::NativeHost;
use crate::value::host::printing::Printed;
use crate::value::object::{Foreign, Object, guarded};
use crate::value::word::{Str, Word};

/// A page in the making.
#[derive(Debug)]
pub struct Output {
    pub(crate) text: String,
    /// How many bytes may still be here: the limit, without what was taken.
    room: u64,
    limit: u64,
    /// What was printed, where pages are values.
    pub(super) printed: Vec<Printed>,
}

impl Output {
    pub(crate) fn new(capacity: usize, limit: u64) -> Output {
        Output { text: String::with_capacity(capacity), room: limit, limit, printed: Vec::new() }
    }

    /// Takes what is written so far.
    pub(crate) fn take(&mut self) -> String {
        self.printed.clear();
        if self.room != u64::MAX {
            self.room = self.room.saturating_sub(self.text.len() as u64);
        }
        std::mem::take(&mut self.text)
    }

    #[inline]
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.text.len() as u64 > self.room {
            return Err(over_limit(self.limit));
        }
        Ok(())
    }
}

#[cold]
fn over_limit(limit: u64) -> Error {
    Error::new(ErrorKind::Limit, format!("the output is larger than the limit of {limit} bytes"))
}

/// Is it an iterator of Python's, not a generator function's?
fn is_iterator(name: &str) -> bool {
    name.ends_with("iterator") || name == "reversed"
}

/// How deep containers are printed.
const MAX_DEPTH: usize = 200;

/// Appends text with HTML's five characters as `MarkupSafe` writes them.
pub(crate) fn escape_into(out: &mut String, text: &str) {
    haiden_runtime::escape::escape_into(out, text);
}

impl NativeHost {
    /// `str(value)`.
    pub(crate) fn show(&mut self, out: &mut String, word: Word) -> Result<(), Error> {
        match word {
            Word::Str(text) => out.push_str(self.str(text)),
            Word::Int(value) => out.push_str(itoa::Buffer::new().format(value)),
            Word::Missing => {}
            Word::Undefined(_) => out.push_str(&self.undefined_text(word)?),
            Word::Object(index) => {
                if let HeapObject::Module { body, .. } = self.heap.objects[index as usize] {
                    return self.show(out, body);
                }
                self.represent(out, word)?;
            }
            Word::Foreign { slot, index } => match self.foreign(slot, index).clone() {
                Foreign::Object(object) => {
                    out.push_str(&guarded(&object, "to_text", Object::to_text)?);
                }
                Foreign::Deferred(Deferred::Future(_)) => return self.show_future(out, &word),
                other => write!(out, "{other:?}").expect("writing to a string"),
            },
            other => self.represent(out, other)?,
        }
        Ok(())
    }

    // These three are apart so that the functions they serve leave the words they are given as they are.

    #[cold]
    #[inline(never)]
    fn show_future(&mut self, out: &mut String, word: &Word) -> Result<(), Error> {
        let word = self.settled(*word)?;
        self.show(out, word)
    }

    #[cold]
    #[inline(never)]
    fn html_of_future(&mut self, word: &Word) -> Result<Option<String>, Error> {
        let word = self.settled(*word)?;
        self.html_of(word)
    }

    #[cold]
    #[inline(never)]
    fn represent_future(&mut self, out: &mut String, word: &Word, open: &mut Vec<Word>) -> Result<(), Error> {
        let word = self.settled(*word)?;
        self.represent_at(out, word, open)
    }

    /// `repr(value)`.
    pub(crate) fn represent(&mut self, out: &mut String, word: Word) -> Result<(), Error> {
        let start = out.len();
        let outcome = if self.can_wait() {
            self.looking_ahead(|host| host.represent_at(out, word, &mut Vec::new()))
        } else {
            self.represent_at(out, word, &mut Vec::new())
        };
        if outcome.is_err() {
            // A verb that suspends has done nothing.
            out.truncate(start);
        }
        outcome
    }

    fn represent_at(&mut self, out: &mut String, word: Word, open: &mut Vec<Word>) -> Result<(), Error> {
        let word = self.present(word);
        match word {
            Word::Missing | Word::Undefined(_) => out.push_str("Undefined"),
            Word::None => out.push_str("None"),
            Word::Bool(value) => out.push_str(if value { "True" } else { "False" }),
            Word::Int(value) => out.push_str(itoa::Buffer::new().format(value)),
            Word::Float(value) => crate::python::number::float::write_repr(out, value),
            Word::Big { .. } => {
                if let Some(Number::Int(int)) = self.number(word) {
                    int.write(out)?;
                }
            }
            Word::Str(text) if text.markup => {
                out.push_str("Markup(");
                write_repr(out, self.str(text));
                out.push(')');
            }
            Word::Str(text) => write_repr(out, self.str(text)),
            // A sandbox has a range of its own.
            Word::Global(crate::value::word::Global::Range) if self.sandboxed => {
                out.push_str("<function safe_range>");
            }
            Word::Global(global) => out.push_str(global.shown()),
            Word::Foreign { slot, index } => {
                let foreign = self.foreign(slot, index);
                match foreign {
                    Foreign::Deferred(Deferred::Future(_)) if self.templates.is_some() => {
                        return self.represent_future(out, &word, open);
                    }
                    Foreign::Object(object) => {
                        out.push_str(&guarded(object, "to_text", Object::to_text)?);
                    }
                    _ => write!(out, "{foreign:?}").expect("writing to a string"),
                }
            }
            Word::Items { .. } | Word::List(_) => self.sequence(out, word, ("[", "]"), open)?,
            Word::Tuple { len: 1, .. } => self.sequence(out, word, ("(", ",)"), open)?,
            Word::Tuple { .. } => self.sequence(out, word, ("(", ")"), open)?,
            Word::Map { .. } | Word::Dict(_) => self.mapping(out, word, open)?,
            Word::Object(index) => self.represent_object(out, index, word, open)?,
        }
        Ok(())
    }

    /// Notes that a container is being printed; `false` if it is already, or the nesting is too deep.
    fn enter(open: &mut Vec<Word>, word: Word) -> Result<bool, Error> {
        if open.len() >= MAX_DEPTH {
            return Err(Error::new(ErrorKind::Recursion, "the value is nested too deeply to be printed"));
        }
        let same = |known: &Word| match (*known, word) {
            (Word::List(left), Word::List(right)) | (Word::Dict(left), Word::Dict(right)) => left == right,
            _ => false,
        };
        if open.iter().any(same) {
            return Ok(false);
        }
        open.push(word);
        Ok(true)
    }

    fn sequence(
        &mut self,
        out: &mut String,
        word: Word,
        (left, right): (&str, &str),
        open: &mut Vec<Word>,
    ) -> Result<(), Error> {
        out.push_str(left);
        if NativeHost::enter(open, word)? {
            for (index, item) in self.items_of(word)?.into_iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                self.represent_at(out, item, open)?;
            }
            open.pop();
        } else {
            out.push_str("...");
        }
        out.push_str(right);
        Ok(())
    }

    fn mapping(&mut self, out: &mut String, word: Word, open: &mut Vec<Word>) -> Result<(), Error> {
        out.push('{');
        if NativeHost::enter(open, word)? {
            let (keys, values) = self.entries(word);
            for (index, (key, value)) in keys.into_iter().zip(values).enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                self.represent_at(out, key, open)?;
                out.push_str(": ");
                self.represent_at(out, value, open)?;
            }
            open.pop();
        } else {
            out.push_str("...");
        }
        out.push('}');
        Ok(())
    }

    fn represent_object(
        &mut self,
        out: &mut String,
        index: u32,
        word: Word,
        open: &mut Vec<Word>,
    ) -> Result<(), Error> {
        let shown = match &self.heap.objects[index as usize] {
            HeapObject::Range { start, stop, step: 1 } => format!("range({start}, {stop})"),
            HeapObject::Range { start, stop, step } => format!("range({start}, {stop}, {step})"),
            HeapObject::Slice(parts) => {
                let parts = *parts;
                out.push_str("slice(");
                for (index, part) in parts.into_iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    self.represent_at(out, part, open)?;
                }
                out.push(')');
                return Ok(());
            }
            HeapObject::Bytes(bytes) => {
                crate::python::repr::write_bytes_repr(out, bytes);
                return Ok(());
            }
            HeapObject::Class(name) => format!("<class '{name}'>"),
            HeapObject::Alias(shown) => shown.clone(),
            HeapObject::Namespace(dict) => {
                let dict = Word::Dict(*dict);
                out.push_str("<Namespace ");
                self.mapping(out, dict, open)?;
                out.push('>');
                return Ok(());
            }
            HeapObject::View { dict, of } => {
                let (dict, of) = (*dict, *of);
                if of == ViewOf::Items {
                    out.push_str("dict_items(");
                } else {
                    out.push_str(if of == ViewOf::Keys { "dict_keys(" } else { "dict_values(" });
                }
                let _ = dict;
                self.sequence(out, word, ("[", "]"), open)?;
                out.push(')');
                return Ok(());
            }
            HeapObject::Macro(closure) => match closure.name() {
                Some(name) => format!("<Macro {}>", super::undefined::quoted(name)),
                None => "<Macro anonymous>".to_owned(),
            },
            HeapObject::Block(_) => "<jinja2.runtime.BlockReference object>".to_owned(),
            HeapObject::Templates { context, .. } => match self.template_of(*context) {
                Some(name) => format!("<TemplateReference {}>", super::undefined::quoted(&name)),
                None => "<TemplateReference None>".to_owned(),
            },
            HeapObject::Module { name, .. } => match name {
                Some(name) => format!("<TemplateModule {}>", super::undefined::quoted(name)),
                None => "<TemplateModule memory>".to_owned(),
            },
            HeapObject::Loop(_) => {
                let length = self.loop_number(index, haiden_runtime::LoopState::length)?;
                let taken = self.loop_number(index, |state, _| Ok(state.index0() + 1))?;
                format!("<LoopContext {taken}/{length}>")
            }
            HeapObject::Generator { name, .. } if is_iterator(name) => format!("<{name} object>"),
            HeapObject::Generator { name, .. } => format!("<generator object {name}>"),
            HeapObject::Method { name, receiver } => {
                let (name, receiver) = (name.clone(), *receiver);
                if let (true, Word::Str(Str { markup, .. }), "format" | "format_map") =
                    (self.sandboxed, receiver, &*name)
                {
                    // The sandbox puts a function of its own in their place.
                    format!("<function {}.{name}>", if markup { "Markup" } else { "str" })
                } else if matches!(receiver, Word::Str(Str { markup: true, .. }))
                    && super::arity::of_markup(&name).is_some()
                {
                    let mut shown = String::new();
                    self.represent(&mut shown, receiver)?;
                    format!("<bound method Markup.{name} of {shown}>")
                } else if matches!(receiver, Word::Global(_)) && &*name != "fromkeys" {
                    format!("<method '{name}' of 'dict' objects>")
                } else {
                    format!("<built-in method {name} of {} object>", self.type_name(receiver))
                }
            }
            HeapObject::Cycler { .. } => "<jinja2.utils.Cycler object>".to_owned(),
            HeapObject::Joiner { .. } => "<jinja2.utils.Joiner object>".to_owned(),
            HeapObject::Context(_) => "<Context>".to_owned(),
        };
        out.push_str(&shown);
        Ok(())
    }

    /// Python's name of a value's type.
    pub(crate) fn type_name(&self, word: Word) -> &str {
        match word {
            Word::Missing | Word::Undefined(_) => {
                let class = self.undefined_class(word);
                class.rsplit_once('.').map_or(class, |(_, name)| name)
            }
            Word::None => "NoneType",
            Word::Bool(_) => "bool",
            Word::Int(_) | Word::Big { .. } => "int",
            Word::Float(_) => "float",
            Word::Str(text) => {
                if text.markup {
                    "Markup"
                } else {
                    "str"
                }
            }
            Word::Items { .. } | Word::List(_) => "list",
            Word::Tuple { .. } if super::filters::group_member(self, word, "list").is_some() => "_GroupTuple",
            Word::Tuple { .. } => "tuple",
            Word::Map { .. } | Word::Dict(_) => "dict",
            Word::Global(crate::value::word::Global::Lipsum) => "function",
            Word::Global(crate::value::word::Global::Range) if self.sandboxed => "function",
            Word::Global(_) => "type",
            Word::Foreign { slot, index } => match self.foreign(slot, index) {
                Foreign::Object(object) => object.type_name(),
                Foreign::Function(_) => "function",
                Foreign::Deferred(deferred) => deferred.type_name(),
            },
            Word::Object(index) => match &self.heap.objects[index as usize] {
                HeapObject::Range { .. } => "range",
                HeapObject::Slice(_) => "slice",
                HeapObject::Bytes(_) => "bytes",
                HeapObject::Class(_) => "type",
                HeapObject::Alias(_) => "types.GenericAlias",
                HeapObject::Namespace(_) => "Namespace",
                HeapObject::Cycler { .. } => "Cycler",
                HeapObject::Joiner { .. } => "Joiner",
                HeapObject::Generator { name, .. } if is_iterator(name) => name,
                HeapObject::Generator { .. } => "generator",
                HeapObject::View { of: ViewOf::Items, .. } => "dict_items",
                HeapObject::View { of: ViewOf::Keys, .. } => "dict_keys",
                HeapObject::View { of: ViewOf::Values, .. } => "dict_values",
                HeapObject::Method { receiver: Word::Global(_), name } if &**name != "fromkeys" => {
                    "method_descriptor"
                }
                HeapObject::Method { .. } => "builtin_function_or_method",
                HeapObject::Macro(_) => "Macro",
                HeapObject::Block(_) => "BlockReference",
                HeapObject::Templates { .. } => "TemplateReference",
                HeapObject::Loop(_) => "LoopContext",
                HeapObject::Module { .. } => "TemplateModule",
                HeapObject::Context(_) => "Context",
            },
        }
    }

    /// What messages about missing members call a value.
    pub(crate) fn object_name(&self, word: Word) -> String {
        match word {
            Word::None => "None".to_owned(),
            Word::Str(text) if text.markup => "markupsafe.Markup object".to_owned(),
            Word::Missing | Word::Undefined(_) => format!("{} object", self.undefined_class(word)),
            Word::Object(index) => match &self.heap.objects[index as usize] {
                HeapObject::Macro(_)
                | HeapObject::Block(_)
                | HeapObject::Templates { .. }
                | HeapObject::Loop(_)
                | HeapObject::Context(_) => format!("jinja2.runtime.{} object", self.type_name(word)),
                HeapObject::Namespace(_) | HeapObject::Cycler { .. } | HeapObject::Joiner { .. } => {
                    format!("jinja2.utils.{} object", self.type_name(word))
                }
                HeapObject::Module { .. } => "jinja2.environment.TemplateModule object".to_owned(),
                _ => format!("{} object", self.type_name(word)),
            },
            Word::Tuple { .. } if super::filters::group_member(self, word, "list").is_some() => {
                "jinja2.filters._GroupTuple object".to_owned()
            }
            _ => format!("{} object", self.type_name(word)),
        }
    }

    /// Has a value markup that needs no escaping?
    pub(crate) fn has_markup(&mut self, word: Word) -> Result<bool, Error> {
        match word {
            Word::Str(text) => Ok(text.markup),
            Word::Undefined(_) => self.undefined_is_markup(word),
            _ => Ok(self.html_of(word)?.is_some()),
        }
    }

    /// Markup for a value that needs no escaping, if it has such.
    pub(crate) fn html_of(&mut self, word: Word) -> Result<Option<String>, Error> {
        Ok(match word {
            Word::Str(text) if text.markup => Some(self.str(text).to_owned()),
            Word::Object(index) => match self.heap.objects[index as usize] {
                HeapObject::Module { body, .. } => {
                    let mut out = String::new();
                    self.show(&mut out, body)?;
                    Some(out)
                }
                _ => None,
            },
            Word::Foreign { slot, index } => match self.foreign(slot, index) {
                Foreign::Object(object) => guarded(object, "to_html", Object::to_html)?,
                Foreign::Function(_) | Foreign::Deferred(Deferred::Sequence(_)) => None,
                Foreign::Deferred(Deferred::Future(_)) => return self.html_of_future(&word),
            },
            Word::Undefined(_) => self.undefined_html(word)?,
            _ => None,
        })
    }

    /// Appends `escape(value)`.
    pub(crate) fn show_escaped(&mut self, out: &mut String, word: Word) -> Result<(), Error> {
        match word {
            Word::Str(text) if text.markup => out.push_str(self.str(text)),
            Word::Str(text) => escape_into(out, self.str(text)),
            Word::Int(_) | Word::Float(_) | Word::Bool(_) | Word::None => self.show(out, word)?,
            _ => {
                if let Some(html) = self.html_of(word)? {
                    out.push_str(&html);
                    return Ok(());
                }
                let mut text = String::new();
                self.show(&mut text, word)?;
                escape_into(out, &text);
            }
        }
        Ok(())
    }
}
