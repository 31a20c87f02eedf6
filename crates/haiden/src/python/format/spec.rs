//! The mini language of format specifications.
//!
//! In: the specification's text, and what is meant if it says nothing. Out: a [`Spec`], or Python's error.

use crate::python::error::{Error, Result};
use crate::python::unicode;

/// Where the fill goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// `<`: behind the value.
    Left,
    /// `>`: before the value.
    Right,
    /// `^`: on both sides.
    Center,
    /// `=`: between sign and digits.
    AfterSign,
}

/// How the sign of a number that is not negative shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// `+`.
    Plus,
    /// `-`: not at all.
    Minus,
    /// A space.
    Space,
}

/// What stands between groups of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grouping {
    /// `,` or `_`.
    pub(crate) separator: char,
    /// Digits in a group.
    pub(crate) size: usize,
}

/// A specification, parsed.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) fill: char,
    pub(crate) align: Align,
    pub(crate) sign: Option<Sign>,
    pub(crate) no_negative_zero: bool,
    pub(crate) alternate: bool,
    pub(crate) width: usize,
    pub(crate) grouping: Option<Grouping>,
    pub(crate) precision: Option<usize>,
    /// The presentation type.
    pub(crate) kind: char,
}

fn align_of(c: Option<char>) -> Option<Align> {
    match c? {
        '<' => Some(Align::Left),
        '>' => Some(Align::Right),
        '^' => Some(Align::Center),
        '=' => Some(Align::AfterSign),
        _ => None,
    }
}

/// What is left to read.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.0.chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.0.strip_prefix(wanted);
        self.0 = found.unwrap_or(self.0);
        found.is_some()
    }

    fn skip(&mut self) {
        let mut chars = self.0.chars();
        chars.next();
        self.0 = chars.as_str();
    }

    /// Decimal digits of any script.
    fn integer(&mut self) -> Result<Option<usize>> {
        let mut value = None;
        while let Some(digit) = self.peek().and_then(unicode::decimal) {
            let next = value.unwrap_or(0i64).checked_mul(10).and_then(|n| n.checked_add(digit.into()));
            value = Some(next.ok_or(Error::Value("Too many decimal digits in format string".into()))?);
            self.skip();
        }
        Ok(value.map(|value| value as usize))
    }
}

impl Spec {
    /// Parse `text`; `kind` and `align` hold where it says nothing; errors name the type.
    pub(crate) fn parse(text: &str, kind: char, align: Align, type_name: &str) -> Result<Self> {
        let mut spec = Self {
            fill: ' ',
            align,
            sign: None,
            no_negative_zero: false,
            alternate: false,
            width: 0,
            grouping: None,
            precision: None,
            kind,
        };
        let mut reader = Reader(text);
        spec.read_flags(&mut reader, align);
        spec.width = reader.integer()?.unwrap_or(0);
        spec.read_grouping(&mut reader)?;
        if reader.take('.') {
            let missing = || Error::Value("Format specifier missing precision".into());
            spec.precision = Some(reader.integer()?.ok_or_else(missing)?);
        }
        let mut rest = reader.0.chars();
        if let Some(kind) = rest.next() {
            if rest.next().is_some() {
                let text = format!("Invalid format specifier '{text}' for object of type '{type_name}'");
                return Err(Error::Value(text.into()));
            }
            spec.kind = kind;
        }
        spec.check_grouping()?;
        Ok(spec)
    }

    fn read_flags(&mut self, reader: &mut Reader<'_>, default_align: Align) {
        let mut ahead = reader.0.chars();
        let (first, second) = (ahead.next(), ahead.next());
        let (mut has_fill, mut has_align) = (false, true);
        if let (Some(fill), Some(align)) = (first, align_of(second)) {
            (self.fill, self.align, has_fill) = (fill, align, true);
            reader.0 = ahead.as_str();
        } else if let Some(align) = align_of(first) {
            self.align = align;
            reader.skip();
        } else {
            has_align = false;
        }
        self.sign = match reader.peek() {
            Some('+') => Some(Sign::Plus),
            Some('-') => Some(Sign::Minus),
            Some(' ') => Some(Sign::Space),
            _ => None,
        };
        if self.sign.is_some() {
            reader.skip();
        }
        self.no_negative_zero = reader.take('z');
        self.alternate = reader.take('#');
        if !has_fill && reader.take('0') {
            self.fill = '0';
            if !has_align && default_align == Align::Right {
                self.align = Align::AfterSign;
            }
        }
    }

    fn read_grouping(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let comma = reader.take(',');
        let underscore = reader.take('_');
        if underscore && (comma || reader.peek() == Some(',')) {
            return Err(Error::Value("Cannot specify both ',' and '_'.".into()));
        }
        if comma || underscore {
            self.grouping = Some(Grouping { separator: if comma { ',' } else { '_' }, size: 3 });
        }
        Ok(())
    }

    fn check_grouping(&mut self) -> Result<()> {
        let Some(grouping) = &mut self.grouping else { return Ok(()) };
        match self.kind {
            'd' | 'e' | 'f' | 'g' | 'E' | 'G' | '%' | 'F' | '\0' => Ok(()),
            'b' | 'o' | 'x' | 'X' if grouping.separator == '_' => {
                grouping.size = 4;
                Ok(())
            }
            kind if kind > ' ' && kind < '\u{80}' => {
                Err(Error::Value(format!("Cannot specify '{}' with '{kind}'.", grouping.separator).into()))
            }
            kind => {
                let code = u32::from(kind);
                Err(Error::Value(
                    format!("Cannot specify '{}' with '\\x{code:x}'.", grouping.separator).into(),
                ))
            }
        }
    }
}
