//! Trees as text: Python's `repr` of Jinja2's tree, and an indented form for people.
//!
//! In: an [`Ast`]. Out: text. Invariant: the first form is byte for byte what Python prints; nothing recurses.

use std::fmt::Write as _;

use crate::ast::{Ast, Constant, ImportName, Symbols};
use crate::walk::{Field, NodeRef};

/// What is still to be printed.
enum Work<'a, 's> {
    Text(&'static str),
    Node(NodeRef<'a, 's>),
    Field(Field<'a, 's>),
}

impl Ast<'_> {
    /// What `repr(environment.parse(source))` gives.
    pub fn to_repr(&self) -> String {
        let mut out = String::new();
        let mut todo = vec![Work::Node(NodeRef::Template(self))];
        while let Some(work) = todo.pop() {
            match work {
                Work::Text(text) => out.push_str(text),
                Work::Node(node) => {
                    out.push_str(node.class());
                    out.push('(');
                    todo.push(Work::Text(")"));
                    let fields = node.fields();
                    for (index, (name, value)) in fields.into_iter().enumerate().rev() {
                        todo.extend([Work::Field(value), Work::Text("="), Work::Text(name)]);
                        if index > 0 {
                            todo.push(Work::Text(", "));
                        }
                    }
                }
                Work::Field(Field::Node(Some(node))) => todo.push(Work::Node(node)),
                Work::Field(field) if is_list(field) => {
                    todo.push(Work::Text("]"));
                    for (index, node) in field.nodes().into_iter().enumerate().rev() {
                        todo.push(Work::Node(node));
                        if index > 0 {
                            todo.push(Work::Text(", "));
                        }
                    }
                    out.push('[');
                }
                Work::Field(field) => push_value(&mut out, field, self),
            }
        }
        out
    }

    /// One line a node: line and offset, then, indented, class and plain fields.
    pub fn dump(&self) -> String {
        let mut out = String::new();
        let mut todo = vec![(NodeRef::Template(self), "", 0)];
        while let Some((node, role, depth)) = todo.pop() {
            let at = node.at();
            write!(out, "{:>5} {:>7}  {:indent$}", at.line, at.offset, "", indent = depth * 2)
                .expect("writing to a string");
            if !role.is_empty() {
                out.push_str(role);
                out.push_str(": ");
            }
            out.push_str(node.class());
            let from = todo.len();
            for (name, field) in node.fields() {
                let nodes = field.nodes();
                if nodes.is_empty() && !is_list(field) && !matches!(field, Field::Node(None)) {
                    write!(out, " {name}=").expect("writing to a string");
                    push_value(&mut out, field, self);
                }
                todo.extend(nodes.into_iter().map(|node| (node, name, depth + 1)));
            }
            todo[from..].reverse();
            out.push('\n');
        }
        out
    }
}

fn is_list(field: Field<'_, '_>) -> bool {
    matches!(
        field,
        Field::Stmts(_)
            | Field::Exprs(_)
            | Field::Ifs(_)
            | Field::Names(_)
            | Field::Keywords(_)
            | Field::Pairs(_)
            | Field::Operands(_)
    )
}

/// Prints a field that holds no nodes.
fn push_value(out: &mut String, field: Field<'_, '_>, ast: &Ast<'_>) {
    match field {
        Field::Symbol(symbol) => push_str_repr(out, ast.symbols.name(symbol)),
        Field::Text(text) => push_str_repr(out, text),
        Field::Data(data) => push_str_repr(out, ast.texts.get(data)),
        Field::Bool(value) => out.push_str(if value { "True" } else { "False" }),
        Field::Constant(value) => push_constant(out, value),
        Field::Imports(names) => push_imports(out, names, &ast.symbols),
        _ => out.push_str("None"),
    }
}

fn push_imports(out: &mut String, names: &[ImportName], symbols: &Symbols) {
    out.push('[');
    for (index, import) in names.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        match import.alias {
            None => push_str_repr(out, symbols.name(import.name)),
            Some(alias) => {
                out.push('(');
                push_str_repr(out, symbols.name(import.name));
                out.push_str(", ");
                push_str_repr(out, symbols.name(alias));
                out.push(')');
            }
        }
    }
    out.push(']');
}

fn push_constant(out: &mut String, value: &Constant<'_>) {
    match value {
        Constant::None => out.push_str("None"),
        Constant::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
        Constant::Int(value) => write!(out, "{value}").expect("writing to a string"),
        Constant::BigInt(value) => write!(out, "{value}").expect("writing to a string"),
        Constant::Float(value) => push_float_repr(out, *value),
        Constant::Str(text) => push_str_repr(out, text),
        Constant::Object(number) => write!(out, "<object {number}>").expect("writing to a string"),
    }
}

/// Python's `repr` of a float.
fn push_float_repr(out: &mut String, value: f64) {
    if !value.is_finite() {
        let text = if value.is_nan() { "nan" } else { "inf" };
        out.push_str(if value < 0.0 { "-inf" } else { text });
        return;
    }
    // Rust's shortest digits are Python's; only the layout differs.
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').expect("the format has an exponent");
    let exponent: i32 = exponent.parse().expect("the format's exponent is a small number");
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        out.push_str(&plain);
        if !plain.contains('.') {
            out.push_str(".0");
        }
        return;
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    write!(out, "{digits}e{sign}{:02}", exponent.unsigned_abs()).expect("writing to a string");
}

/// Python's `repr` of a string.
pub(crate) fn push_str_repr(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c == quote => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            _ if is_printable(c) => out.push(c),
            _ => push_escape(out, u32::from(c)),
        }
    }
    out.push(quote);
}

fn push_escape(out: &mut String, code: u32) {
    match code {
        0..=0xFF => write!(out, "\\x{code:02x}"),
        0x100..=0xFFFF => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    }
    .expect("writing to a string");
}

/// Whether Python prints a character as itself; Rust's `Debug` of text decides by the same categories.
fn is_printable(c: char) -> bool {
    let mut buffer = [b'a'; 5];
    let length = c.encode_utf8(&mut buffer[1..]).len();
    let text = std::str::from_utf8(&buffer[..=length]).expect("a letter and a character");
    text.escape_debug().nth(1) == Some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_pythons() {
        let check = |value: f64, expected: &str| {
            let mut out = String::new();
            push_float_repr(&mut out, value);
            assert_eq!(out, expected);
        };
        check(0.1 + 0.2, "0.30000000000000004");
        check(1e15, "1000000000000000.0");
        check(1e16, "1e+16");
        check(1e-4, "0.0001");
        check(1.5e-5, "1.5e-05");
        check(f64::INFINITY, "inf");
        check(-0.0, "-0.0");
        check(123_456_789_012_345_680.0, "1.2345678901234568e+17");
    }

    #[test]
    fn strings_are_pythons() {
        let check = |text: &str, expected: &str| {
            let mut out = String::new();
            push_str_repr(&mut out, text);
            assert_eq!(out, expected);
        };
        check("a'b", "\"a'b\"");
        check("a'b\"c\\\n", "'a\\'b\"c\\\\\\n'");
        check("\u{a0}\u{feff}\u{301}\u{1f600}\0\u{7f}", "'\\xa0\\ufeff\u{301}\u{1f600}\\x00\\x7f'");
    }
}
