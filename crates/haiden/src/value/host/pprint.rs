//! `pprint.pformat(value)`: containers that do not fit into 80 columns go over several lines, dicts in the order of
//! their keys.

use crate::error::{Error, ErrorKind};
use crate::python::repr::write_repr;
use crate::python::text::split;
use crate::value::host::NativeHost;
use crate::value::word::Word;

type Result<T> = std::result::Result<T, Error>;

const WIDTH: usize = 80;

/// How deep containers are printed.
const MAX_DEPTH: usize = 200;

/// A line break and so many blanks.
fn new_line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Where a value is written: `indent` blanks before it, `allowance` characters behind it on its last line.
#[derive(Clone, Copy)]
struct At {
    indent: usize,
    allowance: usize,
    level: usize,
}

impl NativeHost {
    /// `pprint.pformat(value)`
    pub(super) fn pretty_text(&mut self, word: Word) -> Result<String> {
        let mut out = String::new();
        self.pretty_at(&mut out, word, At { indent: 0, allowance: 0, level: 0 })?;
        Ok(out)
    }

    /// The `repr` with dicts in the order of their keys, on one line.
    fn sorted_repr(&mut self, out: &mut String, word: Word, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::new(ErrorKind::Recursion, "maximum recursion depth exceeded in comparison"));
        }
        let word = self.present(word);
        let (left, right) = match word {
            Word::Map { .. } | Word::Dict(_) => {
                out.push('{');
                for (place, (key, value)) in self.pretty_entries(word)?.into_iter().enumerate() {
                    out.push_str(if place > 0 { ", " } else { "" });
                    self.sorted_repr(out, key, depth + 1)?;
                    out.push_str(": ");
                    self.sorted_repr(out, value, depth + 1)?;
                }
                out.push('}');
                return Ok(());
            }
            Word::Items { .. } | Word::List(_) => ("[", "]"),
            Word::Tuple { len: 1, .. } => ("(", ",)"),
            Word::Tuple { .. } => ("(", ")"),
            other => return self.represent(out, other),
        };
        out.push_str(left);
        for (place, item) in self.items_of(word)?.into_iter().enumerate() {
            out.push_str(if place > 0 { ", " } else { "" });
            self.sorted_repr(out, item, depth + 1)?;
        }
        out.push_str(right);
        Ok(())
    }

    /// Entries by key; keys that have no order are ordered by their types' names.
    fn pretty_entries(&mut self, dict: Word) -> Result<Vec<(Word, Word)>> {
        let (keys, values) = self.entries(dict);
        let entries = keys.into_iter().zip(values).collect();
        self.sort_by_key(entries, &mut |host, left: (Word, Word), right: (Word, Word)| match host
            .is_less(left.0, right.0)
        {
            Err(error) if error.kind() == ErrorKind::Type => {
                Ok(host.type_name(left.0) < host.type_name(right.0))
            }
            outcome => outcome,
        })
    }

    fn pretty_at(&mut self, out: &mut String, word: Word, at: At) -> Result<()> {
        let start = out.len();
        self.sorted_repr(out, word, at.level)?;
        if width(&out[start..]) + at.indent + at.allowance <= WIDTH {
            return Ok(());
        }
        let word = self.present(word);
        let inner = At { level: at.level + 1, ..at };
        let closing = match word {
            Word::Map { .. } | Word::Dict(_) => {
                out.truncate(start);
                return self.pretty_dict(out, word, inner);
            }
            Word::Str(text) if !text.markup && text.len > 0 => {
                out.truncate(start);
                let text = self.str(text).to_owned();
                pretty_str(out, &text, inner);
                return Ok(());
            }
            Word::Items { .. } | Word::List(_) => "]",
            Word::Tuple { len: 1, .. } => ",)",
            Word::Tuple { .. } => ")",
            _ => return Ok(()),
        };
        out.truncate(start);
        out.push(if closing == "]" { '[' } else { '(' });
        let items = self.items_of(word)?;
        let indent = inner.indent + 1;
        for (place, &item) in items.iter().enumerate() {
            if place > 0 {
                out.push(',');
                new_line(out, indent);
            }
            let last = place + 1 == items.len();
            let allowance = if last { inner.allowance + closing.len() } else { 1 };
            self.pretty_at(out, item, At { indent, allowance, ..inner })?;
        }
        out.push_str(closing);
        Ok(())
    }

    fn pretty_dict(&mut self, out: &mut String, dict: Word, at: At) -> Result<()> {
        out.push('{');
        let entries = self.pretty_entries(dict)?;
        let indent = at.indent + 1;
        for (place, &(key, value)) in entries.iter().enumerate() {
            if place > 0 {
                out.push(',');
                new_line(out, indent);
            }
            let start = out.len();
            self.sorted_repr(out, key, at.level)?;
            out.push_str(": ");
            let column = indent + width(&out[start..]);
            let last = place + 1 == entries.len();
            let allowance = if last { at.allowance + 1 } else { 1 };
            self.pretty_at(out, value, At { indent: column, allowance, ..at })?;
        }
        out.push('}');
        Ok(())
    }
}

fn repr_of(text: &str) -> String {
    let mut out = String::new();
    write_repr(&mut out, text);
    out
}

/// A text that is too long for its line: broken behind blanks.
fn pretty_str(out: &mut String, text: &str, at: At) {
    let outermost = at.level == 1;
    let extra = usize::from(outermost);
    let (indent, allowance) = (at.indent + extra, at.allowance + extra);
    let room = WIDTH.saturating_sub(indent);
    let lines: Vec<&str> = split::lines(text, true).collect();
    let mut chunks = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let last_line = place + 1 == lines.len();
        let shown = repr_of(line);
        if width(&shown) <= room.saturating_sub(if last_line { allowance } else { 0 }) {
            chunks.push(shown);
            continue;
        }
        let parts = words_with_blanks(line);
        let mut current = String::new();
        for (number, part) in parts.iter().enumerate() {
            let last = last_line && number + 1 == parts.len();
            let candidate = format!("{current}{part}");
            if width(&repr_of(&candidate)) > room.saturating_sub(if last { allowance } else { 0 }) {
                if !current.is_empty() {
                    chunks.push(repr_of(&current));
                }
                (*part).clone_into(&mut current);
            } else {
                current = candidate;
            }
        }
        if !current.is_empty() {
            chunks.push(repr_of(&current));
        }
    }
    if let [chunk] = &chunks[..] {
        out.push_str(chunk);
        return;
    }
    out.push_str(if outermost { "(" } else { "" });
    for (place, chunk) in chunks.iter().enumerate() {
        if place > 0 {
            new_line(out, indent);
        }
        out.push_str(chunk);
    }
    out.push_str(if outermost { ")" } else { "" });
}

/// Words, each with the blanks behind it.
fn words_with_blanks(line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut in_blanks) = (0, false);
    for (at, c) in line.char_indices() {
        let blank = crate::python::unicode::is_space(c);
        if in_blanks && !blank {
            parts.push(&line[start..at]);
            start = at;
        }
        in_blanks = blank;
    }
    if start < line.len() {
        parts.push(&line[start..]);
    }
    parts
}
