//! JSON text of values, as `json.dumps(value, **policies['json.dumps_kwargs'])` writes it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, ErrorKind};
use crate::policies::JsonOptions;
use crate::value::host::{NativeHost, Templates};
use crate::value::object::panicked;
use crate::value::word::Word;

type Result<T> = std::result::Result<T, Error>;

/// How deep values may be nested in JSON.
const MAX_JSON_DEPTH: usize = 400;

/// How to write.
#[derive(Clone, Copy)]
struct Style<'a> {
    indent: Option<&'a str>,
    /// Between items, and behind a key.
    separators: (&'a str, &'a str),
    sort_keys: bool,
    ascii: bool,
}

impl NativeHost {
    /// `json.dumps(value, indent=indent)` by the environment's policies.
    pub(super) fn dump_json(&mut self, word: Word, indent: Option<&str>) -> Result<String> {
        let templates = self.templates.clone();
        let policies = templates.as_deref().map_or(super::alone::default_policies(), Templates::policies);
        if let Some(dump) = &policies.json_dumps_function {
            let value = self.value(word)?;
            return catch_unwind(AssertUnwindSafe(|| dump(&value, indent)))
                .unwrap_or_else(|panic| Err(panicked("json_dumps_function", &*panic)));
        }
        self.json_text(word, &policies.json_dumps_kwargs, indent)
    }

    /// `json.dumps(value, …)`
    pub(super) fn json_text(
        &mut self,
        word: Word,
        options: &JsonOptions,
        indent: Option<&str>,
    ) -> Result<String> {
        let indent = indent.or(options.indent.as_deref());
        let separators = match &options.separators {
            Some((item, key)) => (&**item, &**key),
            None if indent.is_some() => (",", ": "),
            None => (", ", ": "),
        };
        let style = Style { indent, separators, sort_keys: options.sort_keys, ascii: options.ensure_ascii };
        let mut out = String::new();
        self.write_json(&mut out, word, style, 0)?;
        Ok(out)
    }

    fn write_json(&mut self, out: &mut String, word: Word, style: Style<'_>, depth: usize) -> Result<()> {
        if depth > MAX_JSON_DEPTH {
            return Err(Error::new(
                ErrorKind::Recursion,
                "maximum recursion depth exceeded while encoding JSON",
            ));
        }
        if out.len() > self.limits.size {
            return Err(self.too_many());
        }
        match self.present(word) {
            Word::None => out.push_str("null"),
            Word::Bool(value) => out.push_str(if value { "true" } else { "false" }),
            Word::Int(value) => out.push_str(itoa::Buffer::new().format(value)),
            Word::Float(value) => crate::python::json::write_float(out, value),
            Word::Big { .. } => self.show(out, word)?,
            Word::Str(text) => write_text(out, self.str(text), style),
            Word::Items { .. } | Word::List(_) | Word::Tuple { .. } => {
                let items = self.items_of(word)?;
                json_container(self, out, ('[', ']'), style, depth, items.len(), |host, out, place| {
                    host.write_json(out, items[place], style, depth + 1)
                })?;
            }
            dict @ (Word::Map { .. } | Word::Dict(_)) => {
                let entries = self.json_entries(dict, style.sort_keys)?;
                json_container(self, out, ('{', '}'), style, depth, entries.len(), |host, out, place| {
                    let (key, value) = entries[place];
                    host.write_json_key(out, key, style)?;
                    out.push_str(style.separators.1);
                    host.write_json(out, value, style, depth + 1)
                })?;
            }
            other => {
                if let Some((value, _)) = self.settled_pair(other, Word::None)? {
                    return self.write_json(out, value, style, depth);
                }
                let name = NativeHost::type_name(self, other);
                let message = format!("Object of type {name} is not JSON serializable");
                return Err(Error::new(ErrorKind::Type, message));
            }
        }
        Ok(())
    }

    /// Entries, in the order of their keys if wanted.
    fn json_entries(&mut self, dict: Word, sorted: bool) -> Result<Vec<(Word, Word)>> {
        let (keys, values) = self.entries(dict);
        let entries: Vec<(Word, Word)> = keys.into_iter().zip(values).collect();
        if sorted { self.sorted_by_key(&entries, false, |&(key, _)| key) } else { Ok(entries) }
    }

    fn write_json_key(&mut self, out: &mut String, key: Word, style: Style<'_>) -> Result<()> {
        match key {
            Word::Str(text) => write_text(out, self.str(text), style),
            Word::None | Word::Bool(_) | Word::Int(_) | Word::Float(_) | Word::Big { .. } => {
                out.push('"');
                self.write_json(out, key, style, 0)?;
                out.push('"');
            }
            other => {
                let name = NativeHost::type_name(self, other);
                let message = format!("keys must be str, int, float, bool or None, not {name}");
                return Err(Error::new(ErrorKind::Type, message));
            }
        }
        Ok(())
    }
}

fn write_text(out: &mut String, text: &str, style: Style<'_>) {
    if style.ascii {
        crate::python::json::write_string(out, text, false);
    } else {
        crate::python::json::write_string_unicode(out, text);
    }
}

fn json_container(
    host: &mut NativeHost,
    out: &mut String,
    (open, close): (char, char),
    style: Style<'_>,
    depth: usize,
    len: usize,
    mut item: impl FnMut(&mut NativeHost, &mut String, usize) -> Result<()>,
) -> Result<()> {
    out.push(open);
    let line = |out: &mut String, depth: usize| {
        if let Some(indent) = style.indent {
            out.push('\n');
            for _ in 0..depth {
                out.push_str(indent);
            }
        }
    };
    for place in 0..len {
        if place > 0 {
            out.push_str(style.separators.0);
        }
        line(out, depth + 1);
        item(host, out, place)?;
    }
    if len > 0 {
        line(out, depth);
    }
    out.push(close);
    Ok(())
}
