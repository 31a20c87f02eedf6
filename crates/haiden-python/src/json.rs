//! `tojson` for what is plainly JSON: `None`, booleans, numbers, texts, lists, tuples and dicts with text keys, of exactly
//! these types, written as `json.dumps` writes them and made safe for HTML.
//!
//! In: a value and the policies. Out: the text, or `None`: then Python's `json` has the word, which may know more types,
//! and raises the errors. No Python code runs here, so what is written cannot change under it.

use std::cmp::Ordering;

use crate::host::PyHost;
use crate::objects::{self, Result, Text};
use crate::register::{Obj, Register, View};

/// How deep values may be nested.
const DEEPEST: usize = 64;
/// The widest indention.
const WIDEST: i64 = 32;

/// How JSON is written.
struct How {
    sort_keys: bool,
    ensure_ascii: bool,
    indent: Option<usize>,
}

/// The value as JSON; `None` if Python is to write it.
pub(crate) fn dumps(host: &PyHost, value: &Register, indent: Option<&Register>) -> Result<Option<String>> {
    let Some(how) = how(host, indent)? else { return Ok(None) };
    if !is_stock(host)? {
        return Ok(None);
    }
    let mut out = String::with_capacity(128);
    if value.is_missing() {
        return Ok(None);
    }
    let written = how.value(&host.object(value)?, 0, &mut out)?;
    Ok(written.map(|()| out))
}

/// What the policies and the call ask for; `None` if it is out of the ordinary.
fn how(host: &PyHost, indent: Option<&Register>) -> Result<Option<How>> {
    let (policies, types) = (&host.settings().policies, host.types);
    if !objects::is_dict(policies) {
        return Ok(None);
    }
    let policy = |name: &crate::attr_cache::Name| objects::dict_get(policies, &name.object, name.hash);
    let (Some(function), Some(options)) = (policy(&types.dumps_function)?, policy(&types.dumps_kwargs)?)
    else {
        return Ok(None);
    };
    if !function.is(&objects::none()) || !objects::is_dict(&options) {
        return Ok(None);
    }
    let mut how = How { sort_keys: false, ensure_ascii: true, indent: None };
    let mut position = 0;
    while let Some((name, value)) = objects::dict_next(&options, &mut position) {
        if !objects::is_str(&name) || !objects::is_bool(&value) {
            return Ok(None);
        }
        match objects::utf8(&name)? {
            "sort_keys" => how.sort_keys = objects::truth(&value)?,
            "ensure_ascii" => how.ensure_ascii = objects::truth(&value)?,
            _ => return Ok(None),
        }
    }
    how.indent = match indent.map(Register::view) {
        None | Some(View::None) => None,
        Some(View::Int(width)) if (0..=WIDEST).contains(&width) => Some(width as usize),
        Some(_) => return Ok(None),
    };
    Ok(Some(how))
}

/// Is `json.dumps` what Python came with? It is if nobody has imported it.
fn is_stock(host: &PyHost) -> Result<bool> {
    let modules = &host.types.modules;
    let name = &host.types.json;
    if !objects::is_dict(modules) {
        return Ok(false);
    }
    let Some(module) = objects::dict_get(modules, &name.object, name.hash)? else { return Ok(true) };
    let Some(dumps) = objects::lookup_attr(&module, &host.types.dumps.object)? else { return Ok(false) };
    let seen = &host.types.stock_dumps;
    if seen.borrow().as_ref().is_some_and(|seen| seen.is(&dumps)) {
        return Ok(true);
    }
    let says = |attribute: &crate::attr_cache::Name, expected: &str| -> Result<bool> {
        let Some(found) = objects::lookup_attr(&dumps, &attribute.object)? else { return Ok(false) };
        Ok(objects::is_str(&found) && objects::utf8(&found)? == expected)
    };
    let stock = says(&host.types.dunder_module, "json")? && says(&host.types.dunder_name, "dumps")?;
    if stock {
        let old = seen.replace(Some(dumps));
        drop(old);
    }
    Ok(stock)
}

impl How {
    /// Writes a value; `None` if it is not plainly JSON.
    fn value(&self, object: &Obj, depth: usize, out: &mut String) -> Result<Option<()>> {
        if objects::is_text(object) {
            return self.text(object, out);
        }
        if objects::is_dict(object) {
            return self.dict(object, depth, out);
        }
        if objects::is_list(object) || objects::is_tuple(object) {
            return self.items(object, depth, out);
        }
        if objects::is_float(object) {
            let value = objects::float_value(object);
            if value.is_finite() {
                objects::with_float_repr(value, |digits| out.extend(digits.iter().map(|&c| char::from(c))))?;
            } else {
                let name = if value.is_nan() { "NaN" } else { "Infinity" };
                out.push_str(if value < 0.0 { "-" } else { "" });
                out.push_str(name);
            }
        } else if let Some(value) = objects::int_value(object) {
            out.push_str(&value.to_string());
        } else if objects::is_bool(object) {
            out.push_str(if objects::truth(object)? { "true" } else { "false" });
        } else if object.is(&objects::none()) {
            out.push_str("null");
        } else {
            return Ok(None);
        }
        Ok(Some(()))
    }

    fn items(&self, object: &Obj, depth: usize, out: &mut String) -> Result<Option<()>> {
        let at = |index| {
            if objects::is_list(object) {
                objects::list_item(object, index)
            } else {
                objects::tuple_item(object, index)
            }
        };
        if depth == DEEPEST {
            return Ok(None);
        }
        let mut index = 0;
        while let Some(item) = at(index) {
            self.part(index == 0, '[', depth, out);
            if self.value(&item, depth + 1, out)?.is_none() {
                return Ok(None);
            }
            index += 1;
        }
        self.end(index == 0, "[]", depth, out);
        Ok(Some(()))
    }

    fn dict(&self, object: &Obj, depth: usize, out: &mut String) -> Result<Option<()>> {
        if depth == DEEPEST {
            return Ok(None);
        }
        let (mut pairs, mut position) = (Vec::with_capacity(objects::dict_len(object)), 0);
        while let Some((key, value)) = objects::dict_next(object, &mut position) {
            if !objects::is_str(&key) {
                return Ok(None);
            }
            pairs.push((key, value));
        }
        if self.sort_keys {
            // The characters of a key that is in a dict can be had: it was hashed.
            pairs.sort_by(|(a, _), (b, _)| match (objects::characters(a), objects::characters(b)) {
                (Ok(a), Ok(b)) => order(a, b),
                _ => Ordering::Equal,
            });
        }
        for (index, (key, value)) in pairs.iter().enumerate() {
            self.part(index == 0, '{', depth, out);
            if self.text(key, out)?.is_none() {
                return Ok(None);
            }
            out.push_str(": ");
            if self.value(value, depth + 1, out)?.is_none() {
                return Ok(None);
            }
        }
        self.end(pairs.is_empty(), "{}", depth, out);
        Ok(Some(()))
    }

    /// What comes before an item: the bracket or the comma, and a line of its own.
    fn part(&self, first: bool, open: char, depth: usize, out: &mut String) {
        match (first, self.indent) {
            (true, _) => out.push(open),
            (false, None) => out.push_str(", "),
            (false, Some(_)) => out.push(','),
        }
        self.line(depth + 1, out);
    }

    fn end(&self, empty: bool, brackets: &str, depth: usize, out: &mut String) {
        if empty {
            out.push_str(brackets);
        } else {
            self.line(depth, out);
            out.push_str(&brackets[1..]);
        }
    }

    fn line(&self, depth: usize, out: &mut String) {
        if let Some(indent) = self.indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    }

    /// A text in quotes; `None` if it has a lone surrogate that would have to stay.
    fn text(&self, object: &Obj, out: &mut String) -> Result<Option<()>> {
        out.push('"');
        let all = match objects::characters(object)? {
            Text::Ascii(bytes) => {
                self.ascii(bytes, out);
                true
            }
            Text::Latin1(units) => units.iter().all(|&unit| self.character(unit.into(), out)),
            Text::Two(units) => units.iter().all(|&unit| self.character(unit.into(), out)),
            Text::Four(units) => units.iter().all(|&unit| self.character(unit, out)),
        };
        out.push('"');
        Ok(all.then_some(()))
    }

    /// ASCII inside of quotes, safe in HTML too.
    fn ascii(&self, bytes: &[u8], out: &mut String) {
        let is_special = |&byte: &u8| {
            byte < 0x20
                || matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&' | b'\'')
                || byte == 0x7F && self.ensure_ascii
        };
        let mut rest = bytes;
        while let Some(found) = rest.iter().position(is_special) {
            let (clean, special) = rest.split_at(found);
            out.push_str(std::str::from_utf8(clean).unwrap_or_default());
            match special[0] {
                b'"' => out.push_str("\\\""),
                b'\\' => out.push_str("\\\\"),
                b'\n' => out.push_str("\\n"),
                b'\r' => out.push_str("\\r"),
                b'\t' => out.push_str("\\t"),
                8 => out.push_str("\\b"),
                12 => out.push_str("\\f"),
                other => write_unit(other.into(), out),
            }
            rest = &special[1..];
        }
        out.push_str(std::str::from_utf8(rest).unwrap_or_default());
    }

    fn character(&self, c: u32, out: &mut String) -> bool {
        if c < 0x80 {
            self.ascii(&[c as u8], out);
        } else if !self.ensure_ascii {
            let Some(c) = char::from_u32(c) else { return false };
            out.push(c);
        } else if c < 0x10000 {
            write_unit(c, out);
        } else {
            write_unit(0xD800 + ((c - 0x10000) >> 10), out);
            write_unit(0xDC00 + ((c - 0x10000) & 0x3FF), out);
        }
        true
    }
}

fn write_unit(unit: u32, out: &mut String) {
    use std::fmt::Write;
    let _ = write!(out, "\\u{unit:04x}");
}

/// The order of texts by their characters.
fn order(a: Text<'_>, b: Text<'_>) -> Ordering {
    match (a, b) {
        (Text::Ascii(a), Text::Ascii(b)) => a.cmp(b),
        (a, b) => units(a).cmp(units(b)),
    }
}

fn units(text: Text<'_>) -> Box<dyn Iterator<Item = u32> + '_> {
    match text {
        Text::Ascii(units) | Text::Latin1(units) => Box::new(units.iter().map(|&unit| unit.into())),
        Text::Two(units) => Box::new(units.iter().map(|&unit| unit.into())),
        Text::Four(units) => Box::new(units.iter().copied()),
    }
}
