//! The output: characters of one, two or four bytes, as wide as the widest that came.
//!
//! Most pages are ASCII or Latin-1 and stay bytes to the end, where one copy makes the text. A wider character widens
//! what is there once. Marks count characters, so they survive the widening.

use haiden_runtime::{append, escape};

use crate::objects::{self, Result, Text};
use crate::register::Obj;

/// A page in progress.
pub(crate) struct Output {
    units: Units,
    /// No character beyond ASCII came (there may be none left in spite of `false`).
    ascii: bool,
    /// The values themselves, where they are not to become text.
    pub(crate) parts: Option<Vec<Obj>>,
}

enum Units {
    One(Vec<u8>),
    Two(Vec<u16>),
    Four(Vec<u32>),
}

impl Output {
    /// An empty page with room for `capacity` characters.
    pub(crate) fn new(capacity: usize) -> Output {
        Output { units: Units::One(Vec::with_capacity(capacity)), ascii: true, parts: None }
    }

    /// An empty page that keeps values as they are.
    pub(crate) fn of_parts() -> Output {
        Output { parts: Some(Vec::new()), ..Output::new(0) }
    }

    /// How many characters (or parts) there are.
    pub(crate) fn len(&self) -> usize {
        if let Some(parts) = &self.parts {
            return parts.len();
        }
        match &self.units {
            Units::One(units) => units.len(),
            Units::Two(units) => units.len(),
            Units::Four(units) => units.len(),
        }
    }

    /// Template text.
    #[inline(always)]
    pub(crate) fn push(&mut self, text: &str, ascii: bool) {
        if let Units::One(units) = &mut self.units
            && ascii
        {
            append::append(units, text.as_bytes());
        } else if ascii {
            self.push_text(Text::Ascii(text.as_bytes()), false);
        } else {
            self.push_wide(text);
        }
    }

    /// Template text that is a part of `whole`: a short one is copied in a block of one size, so that no branch depends
    /// on its length.
    #[inline(always)]
    pub(crate) fn push_part(&mut self, text: &str, whole: &str, ascii: bool) {
        match &mut self.units {
            Units::One(units) if ascii => append::append_part(units, text, whole),
            _ => self.push(text, ascii),
        }
    }

    /// ASCII bytes that need no escape.
    #[inline]
    pub(crate) fn push_ascii(&mut self, bytes: &[u8]) {
        match &mut self.units {
            Units::One(units) => append::append(units, bytes),
            Units::Two(units) => units.extend(bytes.iter().map(|&byte| u16::from(byte))),
            Units::Four(units) => units.extend(bytes.iter().map(|&byte| u32::from(byte))),
        }
    }

    #[cold]
    fn push_wide(&mut self, text: &str) {
        for c in text.chars() {
            let c = u32::from(c);
            self.make_room(c);
            match &mut self.units {
                Units::One(units) => units.push(c as u8),
                Units::Two(units) => units.push(c as u16),
                Units::Four(units) => units.push(c),
            }
        }
    }

    /// Widens until `c` fits.
    fn make_room(&mut self, c: u32) {
        self.ascii &= c < 0x80;
        if c < 0x100 {
            return;
        }
        if let Units::One(units) = &self.units {
            let wider = units.iter().map(|&unit| u16::from(unit));
            self.units = Units::Two(wider.collect());
        }
        if c >= 0x10000
            && let Units::Two(units) = &self.units
        {
            self.units = Units::Four(units.iter().map(|&unit| u32::from(unit)).collect());
        }
    }

    /// Characters, escaped or not.
    #[inline(always)]
    pub(crate) fn push_text(&mut self, text: Text<'_>, escape: bool) {
        if let (Units::One(units), Text::Ascii(bytes)) = (&mut self.units, text) {
            if escape { escape::escape_bytes(units, bytes) } else { append::append(units, bytes) }
        } else {
            self.push_other(text, escape);
        }
    }

    #[inline(never)]
    fn push_other(&mut self, text: Text<'_>, escape: bool) {
        match text {
            Text::Ascii(_) => {}
            Text::Latin1(_) => self.ascii = false,
            Text::Two(_) => self.make_room(0xFFFF),
            Text::Four(_) => self.make_room(0x10_FFFF),
        }
        match (&mut self.units, text) {
            (Units::One(units), Text::Ascii(bytes) | Text::Latin1(bytes)) => {
                if escape {
                    escape::escape_bytes(units, bytes);
                } else {
                    append::append(units, bytes);
                }
            }
            (Units::Two(units), Text::Ascii(bytes) | Text::Latin1(bytes)) => push_bytes(units, bytes, escape),
            (Units::Four(units), Text::Ascii(bytes) | Text::Latin1(bytes)) => {
                push_bytes(units, bytes, escape);
            }
            (Units::Two(units), Text::Two(text)) => push_units(units, text, escape),
            (Units::Four(units), Text::Two(text)) => push_units(units, text, escape),
            (Units::Four(units), Text::Four(text)) => push_units(units, text, escape),
            // `make_room` has widened.
            (Units::One(_), Text::Two(_) | Text::Four(_)) | (Units::Two(_), Text::Four(_)) => {}
        }
    }

    /// An integer.
    #[inline(always)]
    pub(crate) fn push_int(&mut self, value: i64) {
        if let Units::One(units) = &mut self.units
            && let Ok(value) = u32::try_from(value)
        {
            append::append_int(units, value);
        } else {
            self.push_large_int(value);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_large_int(&mut self, value: i64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut rest = value.unsigned_abs();
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if value < 0 {
            at -= 1;
            digits[at] = b'-';
        }
        self.push_ascii(&digits[at..]);
    }

    /// What was written since `mark`, as a text; it is taken out of the page.
    pub(crate) fn take_since(&mut self, mark: usize) -> Result<Obj> {
        let ascii = self.ascii;
        match &mut self.units {
            Units::One(units) => take(units, mark, |bytes| {
                if ascii { objects::text_of_ascii(bytes) } else { objects::text_of_units(bytes) }
            }),
            Units::Two(units) => take(units, mark, objects::text_of_units),
            Units::Four(units) => take(units, mark, objects::text_of_units),
        }
    }
}

fn take<T>(units: &mut Vec<T>, mark: usize, make: impl FnOnce(&[T]) -> Result<Obj>) -> Result<Obj> {
    let mark = mark.min(units.len());
    let text = make(&units[mark..]);
    units.truncate(mark);
    text
}

/// The entity of a special character.
fn entity(c: u32) -> Option<&'static [u8]> {
    Some(match c {
        0x26 => b"&amp;",
        0x3C => b"&lt;",
        0x3E => b"&gt;",
        0x27 => b"&#39;",
        0x22 => b"&#34;",
        _ => return None,
    })
}

/// Bytes into wider units.
fn push_bytes<T: From<u8>>(units: &mut Vec<T>, mut bytes: &[u8], escape: bool) {
    if escape {
        while let Some(found) = escape::find_special(bytes) {
            units.extend(bytes[..found].iter().map(|&byte| T::from(byte)));
            units.extend(
                entity(u32::from(bytes[found])).unwrap_or_default().iter().map(|&byte| T::from(byte)),
            );
            bytes = &bytes[found + 1..];
        }
    }
    units.extend(bytes.iter().map(|&byte| T::from(byte)));
}

/// Wide units into units that are as wide or wider.
fn push_units<T: From<u8> + From<S>, S: Copy + Into<u32>>(units: &mut Vec<T>, text: &[S], escape: bool) {
    if !escape {
        units.extend(text.iter().map(|&unit| T::from(unit)));
        return;
    }
    units.reserve(text.len());
    for &unit in text {
        match entity(unit.into()) {
            Some(entity) => units.extend(entity.iter().map(|&byte| T::from(byte))),
            None => units.push(T::from(unit)),
        }
    }
}
