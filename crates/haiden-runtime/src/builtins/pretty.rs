//! The filter `pprint`: values as Python's `pprint.pformat` writes them, 80 columns wide.

use super::host::{BuiltinHost, ValueKind};
use super::sort::{less, sorted};
use super::text::is_line_end;

/// How wide a line may be.
const WIDTH: i64 = 80;

/// How deep containers are looked into; what is deeper is written as `repr` writes it.
const MAX_DEPTH: usize = 64;

/// A value, ready to be written.
struct Node {
    /// It on one line.
    flat: String,
    parts: Parts,
}

enum Parts {
    None,
    Text(String),
    /// What closes a list or tuple, and its items.
    Items(&'static str, Vec<Node>),
    /// The keys, on one line, and values.
    Pairs(Vec<(String, Node)>),
}

/// `pprint.pformat(value)`, of the builtin containers and texts; anything else is written as `repr` writes it.
///
/// # Errors
/// What the value's `repr` fails with.
pub(super) fn pretty<H: BuiltinHost>(host: &mut H, value: &H::Register) -> Result<String, H::Error> {
    let node = node(host, value, &mut Vec::new())?;
    let mut out = String::new();
    write(host, &mut out, &node, Place { indent: 0, allowance: 0, level: 0 })?;
    Ok(out)
}

fn node<H: BuiltinHost>(
    host: &mut H,
    value: &H::Register,
    around: &mut Vec<H::Register>,
) -> Result<Node, H::Error> {
    let name = host.type_name(value);
    if name == "str" && !host.is_markup(value) {
        let flat = host.repr(value)?;
        let text = host.text(value).unwrap_or_default().to_owned();
        return Ok(Node { flat, parts: Parts::Text(text) });
    }
    let dict = name == "dict" && host.kind(value) == ValueKind::Mapping;
    let nested = around.len() >= MAX_DEPTH || around.iter().any(|outer| host.is_identical(outer, value));
    if nested || !dict && name != "list" && name != "tuple" {
        return Ok(Node { flat: host.repr(value)?, parts: Parts::None });
    }
    around.push(value.clone());
    let node = if dict { pairs(host, value, around) } else { items(host, value, around, name == "list") };
    around.pop();
    let node = node?;
    host.reserve(node.flat.len())?;
    Ok(node)
}

fn items<H: BuiltinHost>(
    host: &mut H,
    value: &H::Register,
    around: &mut Vec<H::Register>,
    list: bool,
) -> Result<Node, H::Error> {
    let mut nodes = Vec::new();
    for item in host.collect(value)? {
        nodes.push(node(host, &item, around)?);
    }
    let close = match (list, nodes.len()) {
        (true, _) => "]",
        (false, 1) => ",)",
        (false, _) => ")",
    };
    let mut flat = String::from(if list { "[" } else { "(" });
    for (place, node) in nodes.iter().enumerate() {
        flat.push_str(if place == 0 { "" } else { ", " });
        flat.push_str(&node.flat);
    }
    flat.push_str(close);
    Ok(Node { flat, parts: Parts::Items(close, nodes) })
}

/// The items of a dict, by key; keys that have no order are ordered by type.
fn pairs<H: BuiltinHost>(
    host: &mut H,
    value: &H::Register,
    around: &mut Vec<H::Register>,
) -> Result<Node, H::Error> {
    let (keys, values): (Vec<_>, Vec<_>) = host.items(value)?.unwrap_or_default().into_iter().unzip();
    let order = sorted(host, &keys, false, |host, a, b| {
        Ok(less(host, a, b).unwrap_or_else(|_| host.type_name(a) < host.type_name(b)))
    })?;
    let mut flat = String::from("{");
    let mut nodes = Vec::with_capacity(order.len());
    for place in order {
        let key = node(host, &keys[place], around)?.flat;
        let value = node(host, &values[place], around)?;
        flat.push_str(if nodes.is_empty() { "" } else { ", " });
        flat.push_str(&key);
        flat.push_str(": ");
        flat.push_str(&value.flat);
        nodes.push((key, value));
    }
    flat.push('}');
    Ok(Node { flat, parts: Parts::Pairs(nodes) })
}

/// Where a value is written.
#[derive(Clone, Copy)]
struct Place {
    /// The column of its first character.
    indent: i64,
    /// How many characters follow on its last line.
    allowance: i64,
    /// How many containers are around it.
    level: usize,
}

fn write<H: BuiltinHost>(host: &mut H, out: &mut String, node: &Node, at: Place) -> Result<(), H::Error> {
    if width(&node.flat) <= WIDTH - at.indent - at.allowance {
        out.push_str(&node.flat);
        return Ok(());
    }
    match &node.parts {
        Parts::None => out.push_str(&node.flat),
        Parts::Text(text) => return write_text(host, out, text, at),
        Parts::Items(close, nodes) => {
            out.push_str(&node.flat[..1]);
            for (place, node) in nodes.iter().enumerate() {
                let last = place + 1 == nodes.len();
                let allowance = if last { at.allowance + width(close) } else { 1 };
                separate(out, place, at.indent + 1);
                write(host, out, node, Place { indent: at.indent + 1, allowance, level: at.level + 1 })?;
            }
            out.push_str(close);
        }
        Parts::Pairs(pairs) => {
            out.push('{');
            for (place, (key, node)) in pairs.iter().enumerate() {
                let last = place + 1 == pairs.len();
                separate(out, place, at.indent + 1);
                out.push_str(key);
                out.push_str(": ");
                let indent = at.indent + 1 + width(key) + 2;
                let allowance = if last { at.allowance + 1 } else { 1 };
                write(host, out, node, Place { indent, allowance, level: at.level + 1 })?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn separate(out: &mut String, place: usize, indent: i64) {
    if place > 0 {
        out.push(',');
        new_line(out, indent);
    }
}

fn new_line(out: &mut String, indent: i64) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', usize::try_from(indent).unwrap_or(0)));
}

fn width(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

/// A text that is too wide: pieces of it, below each other, in brackets unless a container's are around it.
fn write_text<H: BuiltinHost>(
    host: &mut H,
    out: &mut String,
    text: &str,
    mut at: Place,
) -> Result<(), H::Error> {
    let bare = at.level == 0;
    if bare {
        at.indent += 1;
        at.allowance += 1;
    }
    let pieces = pieces(host, text, WIDTH - at.indent, at.allowance)?;
    let brackets = bare && pieces.len() > 1;
    out.push_str(if brackets { "(" } else { "" });
    for (place, piece) in pieces.iter().enumerate() {
        if place > 0 {
            new_line(out, at.indent);
        }
        out.push_str(piece);
    }
    out.push_str(if brackets { ")" } else { "" });
    Ok(())
}

/// The text as literals: lines, and of longer lines as many words as fit.
fn pieces<H: BuiltinHost>(
    host: &mut H,
    text: &str,
    room: i64,
    allowance: i64,
) -> Result<Vec<String>, H::Error> {
    let mut pieces = Vec::new();
    let mut lines = lines(text).peekable();
    while let Some(line) = lines.next() {
        let last_line = lines.peek().is_none();
        let whole = quoted(host, line)?;
        if width(&whole) <= if last_line { room - allowance } else { room } {
            pieces.push(whole);
            continue;
        }
        let mut current = 0..0;
        let mut literal = String::new();
        let mut words = words(line).peekable();
        while let Some(end) = words.next() {
            let last = last_line && words.peek().is_none();
            let longer = quoted(host, &line[current.start..end])?;
            if width(&longer) <= if last { room - allowance } else { room } {
                literal = longer;
            } else {
                if !current.is_empty() {
                    pieces.push(std::mem::take(&mut literal));
                }
                current.start = current.end;
                literal = quoted(host, &line[current.start..end])?;
            }
            current.end = end;
        }
        if !current.is_empty() {
            pieces.push(literal);
        }
    }
    Ok(pieces)
}

fn quoted<H: BuiltinHost>(host: &mut H, text: &str) -> Result<String, H::Error> {
    let text = host.new_text(text, false)?;
    host.repr(&text)
}

/// The lines, with their ends.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let at = if is_line_end(first) { 0 } else { rest.find(is_line_end).unwrap_or(rest.len()) };
        let end = match &rest[at..] {
            pair if pair.starts_with("\r\n") => at + 2,
            other => at + other.chars().next().map_or(0, char::len_utf8),
        };
        let (line, after) = rest.split_at(end);
        rest = after;
        Some(line)
    })
}

/// Where words end, with the white space behind them.
fn words(line: &str) -> impl Iterator<Item = usize> {
    let space = |c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c);
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &line[at..];
        if rest.is_empty() {
            return None;
        }
        let word = rest.find(space).unwrap_or(rest.len());
        let gap = rest[word..].find(|c| !space(c)).unwrap_or(rest.len() - word);
        at += word + gap;
        Some(at)
    })
}
