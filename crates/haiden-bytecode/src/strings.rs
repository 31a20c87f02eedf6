//! Strings and names of an image, at hand: for who reads many of them.
//!
//! In: an image's text, and where its strings end in it. Out: a string by its number. Invariant: they are those of a verified
//! image, so that every string that it names is there.

use crate::plain::Numbers;

/// The strings of an image, at hand.
#[derive(Clone, Copy)]
pub struct Strings<'a> {
    text: &'a str,
    ends: Numbers<'a>,
}

impl<'a> Strings<'a> {
    /// Strings that end there in a text, behind where the first one starts.
    #[inline]
    pub(crate) fn new(text: &'a str, ends: Numbers<'a>) -> Strings<'a> {
        Strings { text, ends }
    }
    /// String `index`.
    #[inline]
    pub fn at(self, index: u32) -> &'a str {
        let range = self.ends.at(index as usize) as usize..self.ends.at(index as usize + 1) as usize;
        &self.text[range]
    }
}

/// The names of an image, at hand.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    strings: Strings<'a>,
    names: Numbers<'a>,
}

impl<'a> Names<'a> {
    /// Names that are these strings.
    #[inline]
    pub(crate) fn new(strings: Strings<'a>, names: Numbers<'a>) -> Names<'a> {
        Names { strings, names }
    }
    /// Name `index`.
    #[inline]
    pub fn at(self, index: u32) -> &'a str {
        self.strings.at(self.names.at(index as usize))
    }
    /// All of them, in order.
    #[inline]
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'a str> {
        self.names.iter().map(move |name| self.strings.at(name))
    }
}
