//! `template.format(…)`: replacement fields, their numbering, their nested specifications.
//!
//! In: a template and a source of fields. Out: text, appended. Invariant: order of look-ups and error texts
//! are Python's; nesting ends at one level, as there.

use crate::python::error::{Error, Result};
use crate::python::percent::Conversion;
use crate::python::unicode;

/// Where fields come from.
pub(crate) trait Fields {
    /// A value.
    type Value;
    /// What goes wrong in values; ours among it.
    type Error: From<Error>;

    /// A positional argument; the error for one that is not there is [`missing_positional`].
    fn positional(&mut self, index: usize) -> std::result::Result<Self::Value, Self::Error>;
    /// A keyword argument.
    fn named(&mut self, name: &str) -> std::result::Result<Self::Value, Self::Error>;
    /// `value.name`.
    fn attribute(&mut self, value: Self::Value, name: &str) -> std::result::Result<Self::Value, Self::Error>;
    /// `value[index]`.
    fn item(&mut self, value: Self::Value, index: usize) -> std::result::Result<Self::Value, Self::Error>;
    /// `value["key"]`.
    fn keyed(&mut self, value: Self::Value, key: &str) -> std::result::Result<Self::Value, Self::Error>;
    /// `str`, `repr` or `ascii` of the value, as a value.
    fn convert(
        &mut self,
        value: Self::Value,
        how: Conversion,
    ) -> std::result::Result<Self::Value, Self::Error>;
    /// Append `format(value, spec)`.
    fn format(
        &mut self,
        out: &mut String,
        value: &Self::Value,
        spec: &str,
    ) -> std::result::Result<(), Self::Error>;
}

/// The error for a positional argument that is not there.
pub(crate) fn missing_positional(index: usize, rules: Rules) -> Error {
    if rules == Rules::Formatter {
        return Error::Index("tuple index out of range".into());
    }
    Error::Index(format!("Replacement index {index} out of range for positional args tuple").into())
}

/// Which of Python's two formatters it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// `str.format`.
    Str,
    /// `string.Formatter`: fields that only start with nothing or a number are not numbered, every specification is a
    /// template.
    Formatter,
}

/// Whether fields are numbered by themselves or by the template.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbering {
    Open,
    Automatic,
    Manual,
}

struct State<'f, F> {
    fields: &'f mut F,
    numbering: Numbering,
    next: usize,
    rules: Rules,
    max_bytes: usize,
}

/// One replacement field, in pieces of the template.
struct Field<'t> {
    name: &'t str,
    conversion: Option<char>,
    spec: &'t str,
    spec_has_fields: bool,
}

fn error(text: &'static str) -> Error {
    Error::Value(text.into())
}

/// Append `template.format(…)`.
pub(crate) fn format<F: Fields>(
    out: &mut String,
    template: &str,
    fields: &mut F,
    rules: Rules,
    max_bytes: usize,
) -> std::result::Result<(), F::Error> {
    let depth = if rules == Rules::Str { 2 } else { 3 };
    State { fields, numbering: Numbering::Open, next: 0, rules, max_bytes }.build(out, template, depth)
}

impl<F: Fields> State<'_, F> {
    fn build(&mut self, out: &mut String, template: &str, depth: u8) -> std::result::Result<(), F::Error> {
        if depth == 0 {
            return Err(error("Max string recursion exceeded").into());
        }
        let start = out.len();
        let mut rest = template;
        while let Some(at) = memchr::memchr2(b'{', b'}', rest.as_bytes()) {
            let brace = &rest[at..=at];
            let after = &rest[at + 1..];
            if after.starts_with(brace) {
                out.push_str(&rest[..=at]);
                rest = &after[1..];
                continue;
            }
            if brace == "}" {
                return Err(error("Single '}' encountered in format string").into());
            }
            if after.is_empty() {
                return Err(error("Single '{' encountered in format string").into());
            }
            // What stands before the field is written first: nobody sees it if the field fails.
            out.push_str(&rest[..at]);
            let (field, left) = read_field(after)?;
            rest = left;
            self.render(out, &field, depth)?;
            if out.len() - start > self.max_bytes {
                return Err(Error::TooLarge.into());
            }
        }
        out.push_str(rest);
        Ok(())
    }

    fn render(
        &mut self,
        out: &mut String,
        field: &Field<'_>,
        depth: u8,
    ) -> std::result::Result<(), F::Error> {
        let mut value = self.look_up(field.name)?;
        if let Some(c) = field.conversion {
            let how = match c {
                's' => Conversion::Str,
                'r' => Conversion::Repr,
                'a' => Conversion::Ascii,
                _ => return Err(unknown_conversion(c).into()),
            };
            value = self.fields.convert(value, how)?;
        }
        if !field.spec_has_fields && (self.rules == Rules::Str || depth > 1) {
            return self.fields.format(out, &value, field.spec);
        }
        let mut spec = String::new();
        self.build(&mut spec, field.spec, depth - 1)?;
        self.fields.format(out, &value, &spec)
    }

    fn look_up(&mut self, name: &str) -> std::result::Result<F::Value, F::Error> {
        let end = memchr::memchr2(b'.', b'[', name.as_bytes()).unwrap_or(name.len());
        let (first, mut rest) = name.split_at(end);
        let index = integer(first)?;
        // `string.Formatter` numbers a field by its whole name.
        let numbered = self.rules == Rules::Str || rest.is_empty();
        let mut value = match index {
            Some(index) => {
                if numbered {
                    self.number(Some(index))?;
                }
                self.fields.positional(index)?
            }
            None if first.is_empty() && numbered => {
                let index = self.number(None)?;
                self.fields.positional(index)?
            }
            None => self.fields.named(first)?,
        };
        while !rest.is_empty() {
            let (step, left) = read_step(rest)?;
            rest = left;
            value = match step {
                Step::Attribute(name) => self.fields.attribute(value, name)?,
                Step::Item(name) => match integer(name)? {
                    Some(index) => self.fields.item(value, index)?,
                    None => self.fields.keyed(value, name)?,
                },
            };
        }
        Ok(value)
    }

    /// The number of a field, given or counted; never both in one template.
    fn number(&mut self, given: Option<usize>) -> Result<usize> {
        let wanted = if given.is_none() { Numbering::Automatic } else { Numbering::Manual };
        if self.numbering == Numbering::Open {
            self.numbering = wanted;
        }
        if self.numbering != wanted {
            return Err(error(if given.is_none() {
                "cannot switch from manual field specification to automatic field numbering"
            } else {
                "cannot switch from automatic field numbering to manual field specification"
            }));
        }
        Ok(given.unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        }))
    }
}

fn unknown_conversion(c: char) -> Error {
    Error::Value(if c > ' ' && c < '\x7f' {
        format!("Unknown conversion specifier {c}").into()
    } else {
        format!("Unknown conversion specifier \\x{:x}", u32::from(c)).into()
    })
}

/// Decimal digits of any script and nothing else.
fn integer(text: &str) -> Result<Option<usize>> {
    let mut value = 0i64;
    for c in text.chars() {
        let Some(digit) = unicode::decimal(c) else { return Ok(None) };
        value = value
            .checked_mul(10)
            .and_then(|n| n.checked_add(digit.into()))
            .ok_or_else(|| error("Too many decimal digits in format string"))?;
    }
    Ok((!text.is_empty()).then_some(value as usize))
}

enum Step<'t> {
    Attribute(&'t str),
    Item(&'t str),
}

/// `.name` or `[key]`.
fn read_step(text: &str) -> Result<(Step<'_>, &str)> {
    let (step, rest) = if let Some(after) = text.strip_prefix('.') {
        let end = memchr::memchr2(b'.', b'[', after.as_bytes()).unwrap_or(after.len());
        let (name, rest) = after.split_at(end);
        (Step::Attribute(name), rest)
    } else if let Some(after) = text.strip_prefix('[') {
        let (key, rest) = after.split_once(']').ok_or_else(|| error("Missing ']' in format string"))?;
        (Step::Item(key), rest)
    } else {
        return Err(error("Only '.' or '[' may follow ']' in format field specifier"));
    };
    let (Step::Attribute(name) | Step::Item(name)) = step;
    if name.is_empty() {
        return Err(error("Empty attribute in format string"));
    }
    Ok((step, rest))
}

/// A field, and what follows its closing brace.
fn read_field(text: &str) -> Result<(Field<'_>, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let end = loop {
        match bytes.get(at) {
            None => return Err(error("expected '}' before end of string")),
            Some(b'{') => return Err(error("unexpected '{' in field name")),
            Some(b'[') => at = memchr::memchr(b']', &bytes[at..]).map_or(bytes.len(), |close| at + close),
            Some(b'}' | b':' | b'!') => break at,
            Some(_) => at += 1,
        }
    };
    let mut field = Field { name: &text[..end], conversion: None, spec: "", spec_has_fields: false };
    let mut rest = &text[end + 1..];
    if bytes[end] == b'}' {
        return Ok((field, rest));
    }
    if bytes[end] == b'!' {
        let mut chars = rest.chars();
        let missing = || error("end of string while looking for conversion specifier");
        field.conversion = Some(chars.next().ok_or_else(missing)?);
        match chars.next() {
            Some('}') => return Ok((field, chars.as_str())),
            Some(':') | None => rest = chars.as_str(),
            Some(_) => return Err(error("expected ':' after conversion specifier")),
        }
    }
    let mut depth = 1u32;
    for at in memchr::memchr2_iter(b'{', b'}', rest.as_bytes()) {
        if rest.as_bytes()[at] == b'{' {
            field.spec_has_fields = true;
            depth += 1;
            continue;
        }
        depth -= 1;
        if depth == 0 {
            field.spec = &rest[..at];
            return Ok((field, &rest[at + 1..]));
        }
    }
    Err(error("unmatched '{' in format spec"))
}
