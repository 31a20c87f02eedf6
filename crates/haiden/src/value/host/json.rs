//! JSON text of values, as `json.dumps(value, sort_keys=True)` writes it.

use crate::error::{Error, ErrorKind};
use crate::value::host::NativeHost;
use crate::value::word::Word;

type Result<T> = std::result::Result<T, Error>;

/// How deep values may be nested in JSON.
const MAX_JSON_DEPTH: usize = 400;

impl NativeHost {
    pub(super) fn write_json(
        &mut self,
        out: &mut String,
        word: Word,
        indent: Option<&str>,
        depth: usize,
    ) -> Result<()> {
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
            Word::Str(text) => crate::python::json::write_string(out, self.str(text), false),
            Word::Items { .. } | Word::List(_) | Word::Tuple { .. } => {
                let items = self.items_of(word)?;
                json_container(self, out, ('[', ']'), indent, depth, items.len(), |host, out, place| {
                    host.write_json(out, items[place], indent, depth + 1)
                })?;
            }
            dict @ (Word::Map { .. } | Word::Dict(_)) => {
                let entries = self.sorted_entries(dict)?;
                json_container(self, out, ('{', '}'), indent, depth, entries.len(), |host, out, place| {
                    let (key, value) = entries[place];
                    host.write_json_key(out, key)?;
                    out.push_str(": ");
                    host.write_json(out, value, indent, depth + 1)
                })?;
            }
            other => {
                let name = NativeHost::type_name(self, other);
                let message = format!("Object of type {name} is not JSON serializable");
                return Err(Error::new(ErrorKind::Type, message));
            }
        }
        Ok(())
    }

    /// Entries in the order of their keys, as `sort_keys` has them.
    fn sorted_entries(&mut self, dict: Word) -> Result<Vec<(Word, Word)>> {
        let (keys, values) = self.entries(dict);
        let entries: Vec<(Word, Word)> = keys.into_iter().zip(values).collect();
        self.sorted_by_key(&entries, false, |&(key, _)| key)
    }

    fn write_json_key(&mut self, out: &mut String, key: Word) -> Result<()> {
        match key {
            Word::Str(text) => crate::python::json::write_string(out, self.str(text), false),
            Word::None | Word::Bool(_) | Word::Int(_) | Word::Float(_) | Word::Big { .. } => {
                out.push('"');
                self.write_json(out, key, None, 0)?;
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

fn json_container(
    host: &mut NativeHost,
    out: &mut String,
    (open, close): (char, char),
    indent: Option<&str>,
    depth: usize,
    len: usize,
    mut item: impl FnMut(&mut NativeHost, &mut String, usize) -> Result<()>,
) -> Result<()> {
    out.push(open);
    let line = |out: &mut String, depth: usize| {
        if let Some(indent) = indent {
            out.push('\n');
            for _ in 0..depth {
                out.push_str(indent);
            }
        }
    };
    for place in 0..len {
        if place > 0 {
            out.push_str(if indent.is_some() { "," } else { ", " });
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
