//! `ast.literal_eval`: text that is a Python literal becomes the value.
//!
//! In: text. Out: a tree of plain values, or nothing for what is no literal (the caller keeps the text then). What native
//! values have no type for (sets, complex numbers, `...`) counts as no literal; a member of a set or a key of a dict that cannot be
//! hashed is an error, as it is in Python. Nesting is bounded as in CPython,
//! whose tokenizer refuses more than 200 open brackets.

use num_bigint::BigInt;

/// How many brackets may be open.
const MAX_OPEN: usize = 200;

/// How many digits a decimal integer may have: `sys.get_int_max_str_digits()`.
const MAX_DIGITS: usize = 4300;

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    None,
    Bool(bool),
    Int(BigInt),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    List(Vec<Literal>),
    Tuple(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
    Set(Vec<Literal>),
}

/// The literal that a text is. Text that starts with a blank is none.
///
/// # Errors
/// The type of what cannot be hashed and would have to be.
pub(crate) fn literal(text: &str) -> Result<Option<Literal>, &'static str> {
    let Some(literal) = parsed(text) else { return Ok(None) };
    let holds_a_set = literal.check()?;
    Ok(Some(literal).filter(|_| !holds_a_set))
}

impl Literal {
    /// Does it hold a set, or is it one? In Python's order of evaluation.
    fn check(&self) -> Result<bool, &'static str> {
        let all = |items: &[Literal]| items.iter().try_fold(false, |found, item| Ok(item.check()? | found));
        match self {
            Literal::List(items) | Literal::Tuple(items) => all(items),
            Literal::Set(items) => {
                for item in items {
                    item.check()?;
                    item.check_hash()?;
                }
                Ok(true)
            }
            Literal::Dict(entries) => entries.iter().try_fold(false, |found, (key, value)| {
                let holds_a_set = key.check()? | value.check()?;
                key.check_hash()?;
                Ok(found | holds_a_set)
            }),
            _ => Ok(false),
        }
    }

    /// Its type, or that of a part, if it cannot be hashed for that.
    fn check_hash(&self) -> Result<(), &'static str> {
        match self {
            Literal::List(_) => Err("list"),
            Literal::Dict(_) => Err("dict"),
            Literal::Set(_) => Err("set"),
            Literal::Tuple(items) => items.iter().try_for_each(Literal::check_hash),
            _ => Ok(()),
        }
    }
}

fn parsed(text: &str) -> Option<Literal> {
    if memchr::memchr(b'\r', text.as_bytes()).is_some() {
        // Python's tokenizer knows one kind of line break, in strings, too.
        return parsed(&text.replace("\r\n", "\n").replace('\r', "\n"));
    }
    let mut reader = Reader { rest: text, open: 0 };
    reader.skip_lines();
    if reader.rest.starts_with([' ', '\t']) {
        return None;
    }
    let value = reader.expressions()?;
    reader.skip_blanks();
    let line = reader.rest;
    reader.skip_lines();
    // To Python, blanks on a last line that does not end are an indentation; a form feed starts the line anew.
    let last = line.rsplit('\n').next().filter(|last| last.len() < line.len());
    let indented = last.is_some_and(|last| last.ends_with([' ', '\t']) && last.trim().is_empty());
    (reader.rest.is_empty() && !indented).then_some(value)
}

struct Reader<'t> {
    rest: &'t str,
    /// How many brackets are open: line breaks are blanks inside of them.
    open: usize,
}

impl Reader<'_> {
    /// Empty lines and comments before and after the expression.
    fn skip_lines(&mut self) {
        loop {
            let line = self.rest.trim_start_matches([' ', '\t', '\x0c']);
            if line.starts_with('#') {
                let end = line.find('\n').unwrap_or(line.len());
                self.rest = &line[end..];
            } else if let Some(rest) = line.strip_prefix('\n') {
                self.rest = rest;
            } else if line.is_empty() {
                self.rest = line;
                return;
            } else {
                return;
            }
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\x0c']);
            if self.open > 0 {
                self.rest = self.rest.trim_start_matches('\n');
                if self.rest.starts_with('#') {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = &self.rest[end..];
                    continue;
                }
                if self.rest.starts_with([' ', '\t', '\x0c']) {
                    continue;
                }
            }
            match self.rest.strip_prefix("\\\n") {
                Some(rest) if !rest.is_empty() => self.rest = rest,
                _ => return,
            }
        }
    }

    fn skip(&mut self, sign: char) -> bool {
        self.skip_blanks();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// `a` or `a, b,`: the whole text, or the inside of parentheses.
    fn expressions(&mut self) -> Option<Literal> {
        let first = self.expression()?;
        if !self.skip(',') {
            return Some(first);
        }
        let mut items = vec![first];
        loop {
            self.skip_blanks();
            if self.rest.is_empty() || self.rest.starts_with([')', '\n', '#']) {
                return Some(Literal::Tuple(items));
            }
            items.push(self.expression()?);
            if !self.skip(',') {
                return Some(Literal::Tuple(items));
            }
        }
    }

    fn expression(&mut self) -> Option<Literal> {
        self.skip_blanks();
        match self.rest.chars().next()? {
            '(' => self.bracketed(|reader| {
                if reader.skip(')') {
                    return Some(Literal::Tuple(Vec::new()));
                }
                let value = reader.expressions()?;
                reader.skip(')').then_some(value)
            }),
            '[' => self.bracketed(|reader| reader.items().map(Literal::List)),
            '{' => self.bracketed(Self::entries),
            '\'' | '"' => self.strings(),
            '0'..='9' | '.' => self.number(),
            '+' => self.signed(false),
            '-' => self.signed(true),
            _ => self.word(),
        }
    }

    /// What stands in brackets; `inside` reads the closing one too.
    fn bracketed(&mut self, inside: impl FnOnce(&mut Self) -> Option<Literal>) -> Option<Literal> {
        if self.open >= MAX_OPEN {
            return None;
        }
        self.rest = &self.rest[1..];
        self.open += 1;
        let value = inside(self);
        self.open -= 1;
        value
    }

    /// The items of a list and its end.
    fn items(&mut self) -> Option<Vec<Literal>> {
        let mut items = Vec::new();
        while !self.skip(']') {
            items.push(self.expression()?);
            if !self.skip(',') {
                return self.skip(']').then_some(items);
            }
        }
        Some(items)
    }

    /// The entries of a dict, or the members of a set, and the end.
    fn entries(&mut self) -> Option<Literal> {
        let (mut entries, mut members) = (Vec::new(), Vec::new());
        while !self.skip('}') {
            let key = self.expression()?;
            match (self.skip(':'), entries.is_empty(), members.is_empty()) {
                (true, _, true) => entries.push((key, self.expression()?)),
                (false, true, _) => members.push(key),
                _ => return None,
            }
            if !self.skip(',') {
                if !self.skip('}') {
                    return None;
                }
                break;
            }
        }
        Some(if members.is_empty() { Literal::Dict(entries) } else { Literal::Set(members) })
    }

    /// A number with a sign before it: `literal_eval` takes one.
    fn signed(&mut self, negative: bool) -> Option<Literal> {
        self.rest = &self.rest[1..];
        let number = self.unsigned()?;
        Some(if negative { negated(number) } else { number })
    }

    /// A number without sign, in brackets or not.
    fn unsigned(&mut self) -> Option<Literal> {
        self.skip_blanks();
        if self.rest.starts_with('(') {
            return self.bracketed(|reader| {
                let number = reader.unsigned()?;
                reader.skip(')').then_some(number)
            });
        }
        self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '.').then(|| self.number())?
    }

    fn word(&mut self) -> Option<Literal> {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let value = match word {
            "None" => Literal::None,
            "True" => Literal::Bool(true),
            "False" => Literal::Bool(false),
            _ if prefix(self.rest).is_some() => return self.strings(),
            _ => return None,
        };
        self.rest = rest;
        Some(value)
    }

    /// A number as Python writes it; imaginary ones are none of ours.
    fn number(&mut self) -> Option<Literal> {
        let bytes = self.rest.as_bytes();
        let mut end = 0;
        while let Some(&b) = bytes.get(end) {
            let sign = matches!(b, b'+' | b'-')
                && matches!(bytes[end - 1], b'e' | b'E')
                && !matches!(bytes.get(1), Some(b'x' | b'X'));
            if !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.') || (end > 0 && sign)) {
                break;
            }
            end += 1;
        }
        let (token, rest) = self.rest.split_at(end);
        if !well_joined(token) {
            return None;
        }
        let value = number(token)?;
        self.rest = rest;
        Some(value)
    }

    /// Texts one after the other are one.
    /// Strings one behind the other are one, all of text or all of bytes.
    fn strings(&mut self) -> Option<Literal> {
        let mut text = String::new();
        let Prefix { of_bytes, .. } = prefix(self.rest)?;
        loop {
            let next = prefix(self.rest).filter(|next| next.of_bytes == of_bytes)?;
            self.string(&mut text, &next)?;
            self.skip_blanks();
            if prefix(self.rest).is_none() {
                return Some(if of_bytes {
                    Literal::Bytes(text.chars().map(|c| c as u8).collect())
                } else {
                    Literal::Str(text)
                });
            }
        }
    }

    /// A string; of bytes, as text in which each byte is one character.
    fn string(&mut self, out: &mut String, prefix: &Prefix) -> Option<()> {
        let &Prefix { raw, of_bytes, len } = prefix;
        let body = &self.rest[len..];
        let quote =
            if body.starts_with("\"\"\"") || body.starts_with("'''") { &body[..3] } else { &body[..1] };
        let mut rest = &body[quote.len()..];
        loop {
            if let Some(after) = rest.strip_prefix(quote) {
                self.rest = after;
                return Some(());
            }
            let c = rest.chars().next()?;
            rest = &rest[c.len_utf8()..];
            match c {
                '\n' | '\r' if quote.len() == 1 => return None,
                c if of_bytes && !c.is_ascii() => return None,
                '\r' => {
                    rest = rest.strip_prefix('\n').unwrap_or(rest);
                    out.push('\n');
                }
                '\\' if raw => {
                    let next = rest.chars().next().filter(|next| !of_bytes || next.is_ascii())?;
                    out.push('\\');
                    out.push(next);
                    rest = &rest[next.len_utf8()..];
                }
                '\\' => rest = escape(out, rest, of_bytes)?,
                c => out.push(c),
            }
        }
    }
}

fn negated(number: Literal) -> Literal {
    match number {
        Literal::Int(value) => Literal::Int(-value),
        Literal::Float(value) => Literal::Float(-value),
        other => other,
    }
}

/// Does every underscore of a number stand between digits, or behind the `0x` of one?
fn well_joined(token: &str) -> bool {
    let bytes = token.as_bytes();
    let is_hex = token.starts_with("0x") || token.starts_with("0X");
    let has_prefix = bytes.first() == Some(&b'0') && bytes.get(1).is_some_and(u8::is_ascii_alphabetic);
    let is_digit = |b: &u8| if is_hex { b.is_ascii_hexdigit() } else { b.is_ascii_digit() };
    bytes.iter().enumerate().filter(|(_, b)| **b == b'_').all(|(at, _)| {
        let before = (at == 2 && has_prefix) || at.checked_sub(1).is_some_and(|at| is_digit(&bytes[at]));
        before && bytes.get(at + 1).is_some_and(is_digit)
    })
}

/// The value of a number's token, its underscores well placed.
fn number(token: &str) -> Option<Literal> {
    let plain: String = token.chars().filter(|&c| c != '_').collect();
    let radix = match plain.get(..2) {
        Some("0x" | "0X") => Some(16),
        Some("0o" | "0O") => Some(8),
        Some("0b" | "0B") => Some(2),
        _ => None,
    };
    if let Some(radix) = radix {
        let digits = &plain[2..];
        let all = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        return if all { BigInt::parse_bytes(digits.as_bytes(), radix).map(Literal::Int) } else { None };
    }
    if plain.bytes().all(|b| b.is_ascii_digit()) {
        let is_padded = plain.len() > 1 && plain.starts_with('0') && plain.bytes().any(|b| b != b'0');
        if is_padded || plain.len() > MAX_DIGITS {
            return None;
        }
        return BigInt::parse_bytes(plain.as_bytes(), 10).map(Literal::Int);
    }
    // Rust reads more than Python does only where letters stand: `inf`, `nan`.
    let is_float = plain.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if is_float && plain.bytes().any(|b| b.is_ascii_digit()) && !plain.starts_with(['e', 'E']) {
        return plain.parse().ok().map(Literal::Float);
    }
    None
}

/// What stands before a string's quote.
struct Prefix {
    raw: bool,
    of_bytes: bool,
    len: usize,
}

/// The prefix of the string that the text starts with, if it does.
fn prefix(text: &str) -> Option<Prefix> {
    let len = text.bytes().take(2).take_while(u8::is_ascii_alphabetic).count();
    let (letters, rest) = text.split_at(len);
    if !rest.starts_with(['\'', '"']) {
        return None;
    }
    let (raw, of_bytes) = match &*letters.to_ascii_lowercase() {
        "" | "u" => (false, false),
        "r" => (true, false),
        "b" => (false, true),
        "br" | "rb" => (true, true),
        _ => return None,
    };
    Some(Prefix { raw, of_bytes, len })
}

/// Reads what stands behind a backslash; returns what is left.
fn escape<'t>(out: &mut String, rest: &'t str, of_bytes: bool) -> Option<&'t str> {
    let c = rest.chars().next()?;
    if of_bytes && !c.is_ascii() {
        return None;
    }
    let after = &rest[c.len_utf8()..];
    let short = match c {
        '\n' => return Some(after),
        '\\' | '\'' | '"' => c,
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        'x' => return code_point(out, after, 2),
        'u' if !of_bytes => return code_point(out, after, 4),
        'U' if !of_bytes => return code_point(out, after, 8),
        'N' if !of_bytes => {
            let (name, after) = after.strip_prefix('{')?.split_once('}')?;
            out.push(haiden_syntax::character(name)?);
            return Some(after);
        }
        '0'..='7' => {
            let len = rest.bytes().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
            let value = u32::from_str_radix(&rest[..len], 8).ok()? & if of_bytes { 0xFF } else { u32::MAX };
            out.push(char::from_u32(value)?);
            return Some(&rest[len..]);
        }
        other => {
            out.push('\\');
            out.push(other);
            return Some(after);
        }
    };
    out.push(short);
    Some(after)
}

fn code_point<'t>(out: &mut String, rest: &'t str, digits: usize) -> Option<&'t str> {
    let text = rest.get(..digits).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    out.push(char::from_u32(u32::from_str_radix(text, 16).ok()?)?);
    Some(&rest[digits..])
}

#[cfg(test)]
mod tests {
    use super::{Literal, literal, parsed};

    fn shown(value: &Literal) -> String {
        let all = |items: &[Literal]| items.iter().map(shown).collect::<Vec<_>>().join(" ");
        match value {
            Literal::None => "None".to_owned(),
            Literal::Bool(value) => format!("{value}"),
            Literal::Int(value) => format!("{value}"),
            Literal::Float(value) => format!("{value:?}"),
            Literal::Str(text) => format!("{text:?}"),
            Literal::Bytes(bytes) => format!("b{bytes:?}"),
            Literal::List(items) => format!("[{}]", all(items)),
            Literal::Tuple(items) => format!("({})", all(items)),
            Literal::Dict(entries) => {
                let entries: Vec<String> =
                    entries.iter().map(|(key, value)| format!("{}:{}", shown(key), shown(value))).collect();
                format!("{{{}}}", entries.join(" "))
            }
            Literal::Set(items) => format!("{{{}}}", all(items)),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match literal(text) {
            Ok(value) => value.map_or_else(|| "-".to_owned(), |value| shown(&value)),
            Err(name) => format!("unhashable {name}"),
        };
        assert_eq!(found, expected, "{text:?}");
    }

    // What CPython 3.11 says of `literal_eval(parse(text, mode="eval"))`.
    #[test]
    fn literals_are_those_of_python() {
        for (text, expected) in [
            ("5", "5"),
            ("5 ", "5"),
            (" 5", "-"),
            ("\n5\n\n", "5"),
            ("\n 5", "-"),
            ("5 # five", "5"),
            ("# a\n5", "5"),
            ("1\n1", "-"),
            ("007", "-"),
            ("000", "0"),
            ("1_000", "1000"),
            ("1__0", "-"),
            ("1_", "-"),
            ("0x_f", "15"),
            ("0XfF", "255"),
            ("0o17", "15"),
            ("0b12", "-"),
            ("1e3", "1000.0"),
            ("1E-3", "0.001"),
            (".5", "0.5"),
            ("5.", "5.0"),
            (".", "-"),
            ("1_0.5_0", "10.5"),
            ("1._5", "-"),
            ("0_7.5", "7.5"),
            ("1.2.3", "-"),
            ("1+2", "-"),
            ("1+2j", "-"),
            ("-1", "-1"),
            ("+ 1", "1"),
            ("--1", "-"),
            ("-(1)", "-1"),
            ("-True", "-"),
            ("0x-1", "-"),
            ("0xe+1", "-"),
            ("true", "-"),
            ("True", "true"),
            ("None", "None"),
            ("inf", "-"),
            ("...", "-"),
            ("'a' \"b\"", "\"ab\""),
            ("'a\nb'", "-"),
            ("'''a\nb'''", "\"a\\nb\""),
            (r"'\x41\u00e4\101\q\''", r#""AäA\\q'""#),
            (r"'\N{BULLET}\N{latin small letter a}'", "\"\u{2022}a\""),
            (r"'\N{NO SUCH NAME}'", "-"),
            (r"'\Nx'", "-"),
            ("1#\r}", "-"),
            ("'''a\r\nb\rc'''", r#""a\nb\nc""#),
            (r"r'\n'", r#""\\n""#),
            ("b'a'", "b[97]"),
            (r"B'\x41\351\777' br'\n'", "b[65, 233, 255, 92, 110]"),
            (r"Rb'\u00e9'", "b[92, 117, 48, 48, 101, 57]"),
            (r"b'\N{BULLET}\q'", "b[92, 78, 123, 66, 85, 76, 76, 69, 84, 125, 92, 113]"),
            ("b'é'", "-"),
            ("b'\\é'", "-"),
            ("b'a' 'b'", "-"),
            ("'a' b'b'", "-"),
            ("bb'a'", "-"),
            ("bu'a'", "-"),
            ("b", "-"),
            ("[b'a', 'b']", "[b[97] \"b\"]"),
            ("f'a'", "-"),
            ("'a", "-"),
            ("a", "-"),
            ("()", "()"),
            ("(1)", "1"),
            ("(1,)", "(1)"),
            ("1, 2", "(1 2)"),
            ("1,", "(1)"),
            (",", "-"),
            ("[1, [2], ]", "[1 [2]]"),
            ("[,]", "-"),
            ("[1 2]", "-"),
            ("[1,\n # c\n 2]", "[1 2]"),
            ("{'a': 1, 2: [3]}", "{\"a\":1 2:[3]}"),
            ("{}", "{}"),
            ("{1}", "-"),
            ("{[1]}", "unhashable list"),
            ("{[1]: 2}", "unhashable list"),
            ("{(1, [2])}", "unhashable list"),
            ("{{1}}", "unhashable set"),
            ("{{}: 1}", "unhashable dict"),
            ("[{1}]", "-"),
            ("{1, 2: 3}", "-"),
            ("{1: 2, 3}", "-"),
            ("{1,}", "-"),
            ("{,}", "-"),
            ("{'a': [1], (1, {}): 2}", "unhashable dict"),
            ("{1, {2: []}}", "unhashable dict"),
            ("({2: {[]}},)", "unhashable list"),
            ("{ [0]}\n\n", "unhashable list"),
            ("-(-1)", "-"),
            ("- (1.5)", "-1.5"),
            ("-\n1", "-"),
            ("(-\n1)", "-1"),
            ("'a'\n'b'", "-"),
            ("1,\n", "(1)"),
            ("\x0c5\x0c", "5"),
            ("00_1", "-"),
            ("1e", "-"),
            ("1e+", "-"),
            ("1_e3", "-"),
            ("1e_3", "-"),
            ("0x", "-"),
            ("5 \\\n", "-"),
            ("[1", "-"),
            ("(1]", "-"),
            ("1)", "-"),
            ("", "-"),
            ("2012-11-12", "-"),
            ("1if", "-"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parsed(&nested(200)).is_some());
        assert!(parsed(&nested(201)).is_none());
        assert!(parsed(&"[".repeat(1_000_000)).is_none());
        assert!(parsed(&"-".repeat(1_000_000)).is_none());
        assert!(parsed(&"9".repeat(4300)).is_some());
        assert!(parsed(&"9".repeat(4301)).is_none());
    }
}
