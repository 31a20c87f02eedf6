//! The source with its line breaks made equal, and the way back.
//!
//! In: the source as given. Out: text in which every line break is `\n` and the last one is gone (unless it is
//! to be kept). Invariants: a source without `\r` is not copied; pieces without a line break are lent from the
//! source itself; an offset into the text maps back to one into the source.

use std::borrow::Cow;

use memchr::memchr;

use crate::error::{ErrorKind, SyntaxError};

#[derive(Debug, Clone)]
pub(crate) struct Source<'s> {
    original: &'s str,
    text: Cow<'s, str>,
    /// Where in the text a `\n` stands for `\r\n`, ascending.
    shrunk: Vec<u32>,
    /// Of a text that was made: where its parts are, ascending, and the places in the source that they stand for.
    places: Vec<(u32, u32)>,
}

impl<'s> Source<'s> {
    pub(crate) fn new(original: &'s str, keep_trailing_newline: bool) -> Result<Self, SyntaxError> {
        if u32::try_from(original.len()).is_err() {
            return Err(SyntaxError::new(ErrorKind::Syntax, "source is larger than 4 GiB", 1, 0));
        }
        let mut shrunk = Vec::new();
        let mut text = match memchr(b'\r', original.as_bytes()) {
            None => Cow::Borrowed(original),
            Some(first) => Cow::Owned(normalise(original, first, &mut shrunk)),
        };
        if !keep_trailing_newline && text.ends_with('\n') {
            match &mut text {
                Cow::Borrowed(text) => *text = &text[..text.len() - 1],
                Cow::Owned(text) => {
                    text.pop();
                }
            }
        }
        Ok(Self { original, text, shrunk, places: Vec::new() })
    }

    /// A text that was made of a source's tokens: where its parts are, and the places in the source that they stand for.
    pub(crate) fn made(text: String, places: Vec<(u32, u32)>) -> Self {
        // A place is there even if there is no token: it is what tells a made text from another.
        let places = if places.is_empty() { vec![(0, 0)] } else { places };
        Self { original: "", text: Cow::Owned(text), shrunk: Vec::new(), places }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The offset into the source of an offset into the text.
    #[inline]
    pub(crate) fn offset(&self, offset: u32) -> u32 {
        if self.shrunk.is_empty() && self.places.is_empty() {
            return offset;
        }
        self.offset_before(offset)
    }

    #[cold]
    fn offset_before(&self, offset: u32) -> u32 {
        if let Some(after) = self.places.partition_point(|&(start, _)| start <= offset).checked_sub(1) {
            return self.places[after].1;
        }
        offset + self.shrunk.partition_point(|&at| at < offset) as u32
    }

    /// A piece of the text, its line breaks made `newline`.
    #[inline]
    pub(crate) fn piece(&self, start: u32, end: u32, newline: &str) -> Cow<'s, str> {
        if newline == "\n" && matches!(self.text, Cow::Borrowed(_)) {
            return Cow::Borrowed(&self.original[start as usize..end as usize]);
        }
        self.changed_piece(start, end, newline)
    }

    #[cold]
    fn changed_piece(&self, start: u32, end: u32, newline: &str) -> Cow<'s, str> {
        let piece = &self.text[start as usize..end as usize];
        if !self.places.is_empty() {
            return Cow::Owned(if newline == "\n" { piece.to_owned() } else { piece.replace('\n', newline) });
        }
        if memchr(b'\n', piece.as_bytes()).is_none() {
            let from = self.offset(start) as usize;
            return Cow::Borrowed(&self.original[from..from + piece.len()]);
        }
        Cow::Owned(if newline == "\n" { piece.to_owned() } else { piece.replace('\n', newline) })
    }
}

fn normalise(original: &str, first: usize, shrunk: &mut Vec<u32>) -> String {
    let mut text = String::with_capacity(original.len());
    let mut from = 0;
    let mut next = Some(first);
    while let Some(at) = next {
        text.push_str(&original[from..at]);
        from = at + 1;
        if original.as_bytes().get(from) == Some(&b'\n') {
            shrunk.push(text.len() as u32);
            from += 1;
        }
        text.push('\n');
        next = memchr(b'\r', &original.as_bytes()[from..]).map(|distance| from + distance);
    }
    text.push_str(&original[from..]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_become_one_and_offsets_go_back() {
        let source = Source::new("a\r\nb\rc\n\r\nd\r\n", false).expect("small");
        assert_eq!(source.text(), "a\nb\nc\n\nd");
        assert_eq!(source.offset(2), 3);
        assert_eq!(source.offset(4), 5);
        assert_eq!(source.offset(7), 9);
        assert!(matches!(source.piece(2, 3, "\n"), Cow::Borrowed("b")));
        assert_eq!(source.piece(0, 3, "\r\n"), "a\r\nb");
    }
}
