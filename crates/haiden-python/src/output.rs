//! The output: characters of one, two or four bytes, as wide as the widest that came.
//!
//! Most pages are ASCII or Latin-1 and stay bytes to the end, where one copy makes the text. Where a wider character comes
//! now and then, the page stays bytes, too: the character is noted with its place, and put there at the end. Where there are
//! many of them, what is there is widened once. Marks count characters, so they survive the widening.

use haiden_runtime::append::{self, Short};
use haiden_runtime::escape;

use crate::objects::{self, Result, Text, Wide};
use crate::register::Obj;

/// A page in progress.
pub(crate) struct Output {
    units: Units,
    /// The characters that a byte does not hold, by place, as long as the units are bytes.
    wide: Vec<Wide>,
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
        Output { units: Units::One(Vec::with_capacity(capacity)), wide: Vec::new(), ascii: true, parts: None }
    }

    /// An empty page in the room of another one.
    pub(crate) fn of_spare(mut spare: Vec<u8>, capacity: usize) -> Output {
        spare.clear();
        spare.reserve(capacity);
        Output { units: Units::One(spare), ..Output::new(0) }
    }

    /// The room of the page, if it is of bytes.
    pub(crate) fn into_spare(self) -> Option<Vec<u8>> {
        match self.units {
            Units::One(units) => Some(units),
            Units::Two(_) | Units::Four(_) => None,
        }
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

    /// Short template text.
    #[inline(always)]
    pub(crate) fn push_short(&mut self, text: Short<'_>) {
        match &mut self.units {
            Units::One(units) => append::append_short(units, text),
            _ => self.push_text(Text::Ascii(text.text().as_bytes()), false),
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
        self.ascii = false;
        for c in text.chars() {
            let c = u32::from(c);
            self.make_room(c);
            match &mut self.units {
                Units::One(units) => push_sparse(units, &mut self.wide, c),
                Units::Two(units) => units.push(c as u16),
                Units::Four(units) => units.push(c),
            }
        }
        self.widen_if_many();
    }

    /// Widens units of two bytes if `c` needs more.
    fn make_room(&mut self, c: u32) {
        if c >= 0x10000
            && let Units::Two(units) = &self.units
        {
            self.units = Units::Four(units.iter().map(|&unit| u32::from(unit)).collect());
        }
    }

    /// Widens bytes if a fair part of the page does not fit into them.
    fn widen_if_many(&mut self) {
        const FEW: usize = 256;
        let Units::One(units) = &self.units else { return };
        if self.wide.len() < FEW.max(units.len() / 32) {
            return;
        }
        let wide = std::mem::take(&mut self.wide);
        self.units = if wide.iter().all(|wide| wide.character < 0x10000) {
            Units::Two(widened(units, &wide, |c| c as u16))
        } else {
            Units::Four(widened(units, &wide, |c| c))
        };
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
        self.ascii &= matches!(text, Text::Ascii(_));
        if matches!(text, Text::Four(_)) {
            self.make_room(0x10_FFFF);
        }
        match (&mut self.units, text) {
            (Units::One(units), Text::Ascii(bytes) | Text::Latin1(bytes)) => {
                if escape {
                    escape::escape_bytes(units, bytes);
                } else {
                    append::append(units, bytes);
                }
            }
            (Units::One(units), Text::Two(text)) => {
                push_units_sparse(units, &mut self.wide, text, escape);
                self.widen_if_many();
            }
            (Units::One(units), Text::Four(text)) => {
                push_units_sparse(units, &mut self.wide, text, escape);
                self.widen_if_many();
            }
            (Units::Two(units), Text::Ascii(bytes) | Text::Latin1(bytes)) => push_bytes(units, bytes, escape),
            (Units::Four(units), Text::Ascii(bytes) | Text::Latin1(bytes)) => {
                push_bytes(units, bytes, escape);
            }
            (Units::Two(units), Text::Two(text)) => push_units(units, text, escape),
            (Units::Four(units), Text::Two(text)) => push_units(units, text, escape),
            (Units::Four(units), Text::Four(text)) => push_units(units, text, escape),
            // `make_room` has widened.
            (Units::Two(_), Text::Four(_)) => {}
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
            Units::One(units) if self.wide.last().is_some_and(|wide| wide.place >= mark) => {
                let first = self.wide.partition_point(|wide| wide.place < mark);
                let text = objects::text_of_sparse(&units[mark..], mark, &self.wide[first..]);
                self.wide.truncate(first);
                units.truncate(mark);
                text
            }
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

/// Bytes and the characters among them that are wider, in units that hold them all.
fn widened<T: From<u8>>(bytes: &[u8], wide: &[Wide], unit: impl Fn(u32) -> T) -> Vec<T> {
    let mut units: Vec<T> = bytes.iter().map(|&byte| T::from(byte)).collect();
    for wide in wide {
        units[wide.place] = unit(wide.character);
    }
    units
}

/// A character among bytes.
#[inline]
fn push_sparse(units: &mut Vec<u8>, wide: &mut Vec<Wide>, character: u32) {
    if character >= 0x100 {
        wide.push(Wide { place: units.len(), character });
    }
    // What stands in for a wide one is of no account.
    units.push(character as u8);
}

/// Wide units among bytes: what fits into bytes goes there in pieces.
fn push_units_sparse<S: Copy + Into<u32>>(
    units: &mut Vec<u8>,
    wide: &mut Vec<Wide>,
    mut text: &[S],
    escape: bool,
) {
    let mut piece = [0; 64];
    units.reserve(text.len());
    while !text.is_empty() {
        let mut length = 0;
        for (place, &unit) in piece.iter_mut().zip(text) {
            let character = unit.into();
            if character >= 0x100 {
                break;
            }
            *place = character as u8;
            length += 1;
        }
        if escape {
            escape::escape_bytes(units, &piece[..length]);
        } else {
            append::append(units, &piece[..length]);
        }
        text = &text[length..];
        if let Some((&first, rest)) = text.split_first()
            && length < piece.len()
        {
            push_sparse(units, wide, first.into());
            text = rest;
        }
    }
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
