//! The filter `indent`.

use super::host::{BuiltinHost, ErrorClass, ValueKind};
use super::spec::Bound;
use super::text::is_line_end;
use crate::escape::escape_into;
use crate::host::BinaryOp;

/// The longest text that `indent` makes.
const LONGEST: usize = 1 << 28;

pub(super) fn indent<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let (indention, by_markup) = indention(host, bound)?;
    // As Jinja: the newline is added first, then it matters whether blank lines are indented, last the first one.
    if host.text(value).is_none() {
        return Err(not_a_text(host, value, bound));
    }
    let blank = bound.flag(host, 2, false)?;
    let first = bound.flag(host, 1, false)?;
    let markup = host.is_markup(value);
    let text = host.text(value).unwrap_or_default();
    let lines = lines(text);
    let size = text.len().saturating_add(indention.len().saturating_mul(lines.len()));
    if size > LONGEST {
        return Err(host.error(ErrorClass::Overflow, "the indented text is too long".to_owned()));
    }
    let (out, markup) = if by_markup && !markup {
        indent_by_markup(&lines, &indention, first, blank)
    } else {
        (indent_lines(&lines, &indention, first, blank, size), markup)
    };
    host.reserve(out.len())?;
    host.new_text(&out, markup)
}

/// The error of `value += "\n"`: an undefined value has its own.
#[cold]
fn not_a_text<H: BuiltinHost>(host: &mut H, value: &H::Register, bound: &Bound<H>) -> H::Error {
    if host.is_undefined(value) {
        let sum = host.new_text("\n", false).and_then(|newline| host.binary(BinaryOp::Add, value, &newline));
        if let Err(error) = sum {
            return error;
        }
    }
    let name = host.type_name(value);
    if name == "list" {
        // `+=` takes the newline as an item; only then is the value no text.
        if let Err(error) = bound.flag(host, 2, false) {
            return error;
        }
        let message = "'list' object has no attribute 'splitlines'".to_owned();
        return host.error(ErrorClass::Attribute, message);
    }
    host.error(ErrorClass::Type, format!("unsupported operand type(s) for +=: '{name}' and 'str'"))
}

/// What is put before a line, and whether it is markup.
fn indention<H: BuiltinHost>(host: &mut H, bound: &Bound<H>) -> Result<(String, bool), H::Error> {
    let Some(width) = bound.get(0) else { return Ok(("    ".to_owned(), false)) };
    if let Some(text) = host.text(width) {
        return Ok((text.to_owned(), host.is_markup(width)));
    }
    let is_huge = host.kind(width) == ValueKind::Int && matches!(host.to_index(width)?, i64::MIN | i64::MAX);
    if is_huge || host.is_undefined(width) {
        // `' ' * undefined` has an error of its own, and so has a number beyond 64 bits.
        let (width, space) = (width.clone(), host.new_text(" ", false)?);
        host.binary(BinaryOp::Mul, &space, &width)?;
    }
    let width = usize::try_from(host.to_index(width)?).unwrap_or(0);
    host.reserve(width)?;
    if width > LONGEST {
        return Err(host.error(ErrorClass::Overflow, "the indention is too long".to_owned()));
    }
    Ok((" ".repeat(width), false))
}

fn indent_lines(lines: &[&str], indention: &str, first: bool, blank: bool, size: usize) -> String {
    let mut out = String::with_capacity(size);
    for (place, line) in lines.iter().enumerate() {
        let indented = if place == 0 { first } else { blank || !line.is_empty() };
        out.push_str(if place == 0 { "" } else { "\n" });
        out.push_str(if indented { indention } else { "" });
        out.push_str(line);
    }
    out
}

/// A text indented by markup: whatever Jinja adds to the markup is escaped, and that may be markup then.
fn indent_by_markup(lines: &[&str], indention: &str, first: bool, blank: bool) -> (String, bool) {
    let mut out = String::new();
    for (place, line) in lines.iter().enumerate() {
        out.push_str(if place == 0 { "" } else { "\n" });
        if place > 0 && (blank || !line.is_empty()) {
            out.push_str(indention);
        }
        if blank || place > 0 {
            escape_into(&mut out, line);
        } else {
            out.push_str(line);
        }
    }
    if !first {
        return (out, blank);
    }
    let mut whole = indention.to_owned();
    if blank {
        whole.push_str(&out);
    } else {
        escape_into(&mut whole, &out);
    }
    (whole, true)
}

/// Python's `splitlines` of the text with a newline at its end.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if !is_line_end(character) {
            continue;
        }
        let mut next = at + character.len_utf8();
        lines.push(&text[start..at]);
        if character == '\r'
            && let Some(&(_, '\n')) = characters.peek()
        {
            characters.next();
            next += 1;
        } else if character == '\r' && next == text.len() {
            // The newline that is added belongs to this line end.
            return lines;
        }
        start = next;
    }
    lines.push(&text[start..]);
    lines
}

#[cfg(test)]
mod tests {
    use super::{indent_by_markup, lines};

    #[test]
    fn lines_of_text() {
        let check = |text: &str, expected: &[&str]| assert_eq!(lines(text), expected, "{text:?}");
        check("", &[""]);
        check("a", &["a"]);
        check("a\n", &["a", ""]);
        check("a\r", &["a"]);
        check("a\r\nb\rc\u{2028}d", &["a", "b", "c", "d"]);
        check("a\n\r\n", &["a", "", ""]);
    }

    /// The outputs are Jinja2's.
    #[test]
    fn by_markup() {
        let check = |first, blank, expected: &str, markup| {
            let indented = indent_by_markup(&["a<", "b<"], "> ", first, blank);
            assert_eq!(indented, (expected.to_owned(), markup), "first {first}, blank {blank}");
        };
        check(false, false, "a<\n> b&lt;", false);
        check(true, false, "> a&lt;\n&gt; b&amp;lt;", true);
        check(false, true, "a&lt;\n> b&lt;", true);
        check(true, true, "> a&lt;\n> b&lt;", true);
    }
}
