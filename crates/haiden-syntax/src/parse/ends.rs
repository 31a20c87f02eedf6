//! What the bodies of tags end with.
//!
//! In: the tags that close a body, known words or names that an extension chose. Out: whether the current token is one of
//! them, and what messages call them.

use crate::lex::token::{TokenKind, Word};
use crate::parse::Parser;

/// What a body ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// One of these words.
    Words(&'static [Word]),
    /// One of the names at this place of the parser's list.
    Custom(usize),
}

impl Ends {
    /// The end of the source.
    pub(super) const END: Ends = Ends::Words(&[]);
}

impl Parser<'_, '_> {
    /// Is the current token one of these?
    #[inline]
    pub(super) fn at_end(&self, ends: Ends) -> bool {
        match ends {
            Ends::Words(words) => self.current.word != Word::Other && words.contains(&self.current.word),
            Ends::Custom(place) => self.at_custom_end(place),
        }
    }

    #[cold]
    fn at_custom_end(&self, place: usize) -> bool {
        let name = self.text(self.current);
        self.at_kind(TokenKind::Name)
            && self.custom_ends.get(place).is_some_and(|ends| ends.iter().any(|end| end == name))
    }

    /// The names of the tags that end a body.
    pub(super) fn end_names(&self, ends: Ends) -> Vec<&str> {
        match ends {
            Ends::Words(words) => words.iter().map(|word| word.as_str()).collect(),
            Ends::Custom(place) => {
                self.custom_ends.get(place).into_iter().flatten().map(String::as_str).collect()
            }
        }
    }
}
