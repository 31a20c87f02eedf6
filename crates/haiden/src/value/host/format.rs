//! `%` and `str.format` on values; in markup, what is put in is escaped.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::python::number::parse::{parse_float, parse_int};
use crate::python::number::{Int, Number};
use crate::python::percent::{self, Conversion, Kind, Values};
use crate::python::strformat::{self, Fields, Rules};
use crate::value::heap::HeapObject;
use crate::value::host::NativeHost;
use crate::value::word::{Str, Word};

type Result<T> = std::result::Result<T, Error>;

/// The right side of `%`.
struct PercentValues<'h> {
    host: &'h mut NativeHost,
    right: Word,
    /// The items of a tuple.
    tuple: Option<Vec<Word>>,
    escape: bool,
}

impl Values for PercentValues<'_> {
    type Value = Word;
    type Error = Error;

    fn tuple_len(&self) -> Option<usize> {
        self.tuple.as_ref().map(Vec::len)
    }
    fn positional(&mut self, index: usize) -> Result<Word> {
        let word = match &self.tuple {
            Some(items) => items.get(index).copied().unwrap_or(Word::None),
            None => self.right,
        };
        self.host.present_settled(word)
    }
    fn is_mapping(&self) -> bool {
        match self.host.present(self.right) {
            Word::Map { .. } | Word::Dict(_) | Word::Items { .. } | Word::List(_) | Word::Undefined(_) => {
                true
            }
            Word::Object(index) => matches!(
                self.host.heap.objects[index as usize],
                HeapObject::Range { .. } | HeapObject::Bytes(_) | HeapObject::Templates { .. }
            ),
            _ => false,
        }
    }
    fn keyed(&mut self, key: &str) -> Result<Word> {
        let key = self.host.new_text(key, false)?;
        self.host.subscript(self.right, key)
    }
    fn kind<'a>(&'a self, value: &'a Word) -> Kind<'a> {
        match *value {
            _ if self.escape => Kind::Other,
            Word::Str(text) => Kind::Text(self.host.str(text)),
            word => match self.host.number(word) {
                Some(Number::Int(value)) => Kind::Int(value),
                Some(Number::Float(value)) => Kind::Float(value),
                None => Kind::Other,
            },
        }
    }
    fn refuse(&self, value: &Word) -> Result<()> {
        self.host.refuse_undefined(*value)
    }
    fn helped_int(&self, value: &Word) -> Option<Result<Option<Int>>> {
        let number = |word| match word {
            Word::Str(text) => Ok(Some(parse_int(self.host.str(text), 10)?)),
            word => match self.host.number(word) {
                Some(Number::Int(value)) => Ok(Some(value)),
                Some(Number::Float(value)) => Ok(Some(Int::from_f64(value)?)),
                None => Ok(None),
            },
        };
        self.escape.then(|| number(*value))
    }
    fn helped_float(&self, value: &Word) -> Option<Result<f64>> {
        let number = |word| match word {
            Word::Str(text) => Ok(parse_float(self.host.str(text))?),
            word => match self.host.number(word) {
                Some(Number::Int(value)) => Ok(value.to_f64()?),
                Some(Number::Float(value)) => Ok(value),
                None => {
                    let name = self.host.type_name(word);
                    let message = format!("float() argument must be a string or a real number, not '{name}'");
                    Err(Error::new(ErrorKind::Type, message))
                }
            },
        };
        self.escape.then(|| number(*value))
    }
    fn type_name(&self, value: &Word) -> String {
        if self.escape { "_MarkupEscapeHelper".to_owned() } else { self.host.type_name(*value).to_owned() }
    }
    fn write(&mut self, out: &mut String, value: &Word, how: Conversion) -> Result<()> {
        match (how, self.escape) {
            (Conversion::Str, false) => self.host.show(out, *value),
            (Conversion::Str, true) => self.host.show_escaped(out, *value),
            (Conversion::Repr | Conversion::Ascii, escape) => {
                let mut shown = String::new();
                self.host.represent(&mut shown, *value)?;
                if how == Conversion::Ascii {
                    let plain = std::mem::take(&mut shown);
                    crate::python::repr::write_ascii_escaped(&mut shown, &plain);
                }
                if escape {
                    super::text::escape_into(out, &shown);
                } else {
                    out.push_str(&shown);
                }
                Ok(())
            }
        }
    }
}

/// The arguments of `str.format`.
struct FormatFields<'h> {
    host: &'h mut NativeHost,
    positional: &'h [Word],
    keywords: &'h [(Arc<str>, Word)],
    /// The mapping of `format_map`.
    mapping: Option<Word>,
    escape: bool,
    rules: Rules,
}

impl Fields for FormatFields<'_> {
    type Value = Word;
    type Error = Error;

    fn positional(&mut self, index: usize) -> Result<Word> {
        if self.mapping.is_some() && self.rules == Rules::Str {
            return Err(Error::new(ErrorKind::Value, "Format string contains positional fields"));
        }
        self.positional
            .get(index)
            .copied()
            .ok_or_else(|| strformat::missing_positional(index, self.rules).into())
    }
    fn named(&mut self, name: &str) -> Result<Word> {
        let found = match self.mapping {
            Some(mapping) => {
                let key = self.host.new_text(name, false)?;
                return self.host.subscript(mapping, key);
            }
            None => self.keywords.iter().find(|(known, _)| **known == *name).map(|(_, word)| *word),
        };
        found.ok_or_else(|| Error::new(ErrorKind::Key, super::undefined::quoted(name)))
    }
    fn attribute(&mut self, value: Word, name: &str) -> Result<Word> {
        if self.host.sandboxed {
            // As a template reads it, not as Python does.
            return self.host.attribute_by_text(value, name);
        }
        match self.host.member(value, name)? {
            Some(word) => Ok(word),
            None => Err(self.host.no_attribute(value, name)),
        }
    }
    fn item(&mut self, value: Word, index: usize) -> Result<Word> {
        if self.host.sandboxed {
            return self.host.item_of(value, Word::Int(index as i64));
        }
        self.host.subscript(value, Word::Int(index as i64))
    }
    fn keyed(&mut self, value: Word, key: &str) -> Result<Word> {
        let key = self.host.new_text(key, false)?;
        if self.host.sandboxed { self.host.item_of(value, key) } else { self.host.subscript(value, key) }
    }
    fn convert(&mut self, value: Word, how: Conversion) -> Result<Word> {
        let mut shown = String::new();
        match how {
            Conversion::Str => self.host.show(&mut shown, value)?,
            Conversion::Repr => self.host.represent(&mut shown, value)?,
            Conversion::Ascii => {
                let mut plain = String::new();
                self.host.represent(&mut plain, value)?;
                crate::python::repr::write_ascii_escaped(&mut shown, &plain);
            }
        }
        self.host.new_text(&shown, false)
    }
    fn format(&mut self, out: &mut String, value: &Word, spec: &str) -> Result<()> {
        if !self.escape {
            return self.host.format_value(out, *value, spec);
        }
        if let Some(html) = self.host.html_of(*value)? {
            if !spec.is_empty() {
                let message = match *value {
                    Word::Str(_) => "Unsupported format specification for Markup.".to_owned(),
                    other => format!(
                        "Format specifier {spec} given, but {} does not define __html_format__. A class that \
                         defines __html__ must define __html_format__ to work with format specifiers.",
                        self.host.type_name(other)
                    ),
                };
                return Err(Error::new(ErrorKind::Value, message));
            }
            out.push_str(&html);
            return Ok(());
        }
        let mut shown = String::new();
        self.host.format_value(&mut shown, *value, spec)?;
        super::text::escape_into(out, &shown);
        Ok(())
    }
}

impl NativeHost {
    /// `template % right`
    pub(super) fn percent(&mut self, template: Str, right: Word) -> Result<Word> {
        let tuple = match self.present(right) {
            Word::Tuple { .. } => Some(self.items_of(right)?),
            _ => None,
        };
        let limit = self.limits.size;
        self.build_text(template.markup, |host, out| {
            let pattern = host.str(template).to_owned();
            let escape = template.markup;
            let mut values = PercentValues { host, right, tuple, escape };
            percent::format(out, &pattern, &mut values, limit)
        })
    }

    /// `text.format(…)`
    pub(super) fn format_method(
        &mut self,
        text: Str,
        args: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word> {
        self.format_with(text, args, keywords, None)
    }

    pub(super) fn format_map(&mut self, text: Str, mapping: Word) -> Result<Word> {
        self.format_with(text, &[], &[], Some(mapping))
    }

    fn format_with(
        &mut self,
        text: Str,
        positional: &[Word],
        keywords: &[(Arc<str>, Word)],
        mapping: Option<Word>,
    ) -> Result<Word> {
        let limit = self.limits.size;
        self.build_text(text.markup, |host, out| {
            let pattern = host.str(text).to_owned();
            // Markup and sandboxes format with Python's `string.Formatter`.
            let rules = if text.markup || host.sandboxed { Rules::Formatter } else { Rules::Str };
            let mut fields = FormatFields { host, positional, keywords, mapping, escape: text.markup, rules };
            strformat::format(out, &pattern, &mut fields, rules, limit)
        })
    }

    /// `format(value, spec)`
    pub(super) fn format_value(&mut self, out: &mut String, word: Word, spec: &str) -> Result<()> {
        let limit = self.limits.size;
        match word {
            Word::Str(text) => {
                crate::python::format::format_str(out, self.str(text), spec, limit)?;
                return Ok(());
            }
            Word::Bool(value) if !spec.is_empty() => {
                crate::python::format::format_int(out, &Int::Small(value.into()), spec, "bool", limit)?;
                return Ok(());
            }
            _ => {}
        }
        if spec.is_empty() {
            return self.show(out, word);
        }
        match self.number(word) {
            Some(Number::Int(value)) => crate::python::format::format_int(out, &value, spec, "int", limit)?,
            Some(Number::Float(value)) => crate::python::format::format_float(out, value, spec, limit)?,
            None => {
                let message =
                    format!("unsupported format string passed to {}.__format__", self.type_name(word));
                return Err(Error::new(ErrorKind::Type, message));
            }
        }
        Ok(())
    }
}
