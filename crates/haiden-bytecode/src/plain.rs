//! The plain tables of an image, which are read where they lie: in the bytes that they came in.
//!
//! In: bytes that may be shared (those of a bundle, of a cache's entry, or an image's own), and where the tables lie in them.
//! Out: views ([`Words`], [`Numbers`]) that read one entry at a time. Everything is little-endian, and nothing need be aligned.
//! Invariant: every table lies in the bytes.

use std::ops::Range;
use std::sync::Arc;

use crate::image::Site;

/// Instructions where they lie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Words<'a>(&'a [[u8; 8]]);

/// Numbers where they lie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Numbers<'a>(&'a [[u8; 4]]);

macro_rules! view {
    ($view:ident, $number:ident, $bytes:literal) => {
        impl<'a> $view<'a> {
            /// These.
            #[inline(always)]
            pub fn new(entries: &'a [[u8; $bytes]]) -> $view<'a> {
                $view(entries)
            }
            /// How many there are.
            #[inline(always)]
            pub fn len(self) -> usize {
                self.0.len()
            }
            /// Are there none?
            pub fn is_empty(self) -> bool {
                self.0.is_empty()
            }
            /// The one at this place.
            ///
            /// # Panics
            /// If there is none.
            #[inline(always)]
            pub fn at(self, place: usize) -> $number {
                $number::from_le_bytes(self.0[place])
            }
            /// Those at these places.
            ///
            /// # Panics
            /// If there are not so many.
            #[inline(always)]
            #[must_use]
            pub fn run(self, places: Range<usize>) -> $view<'a> {
                $view(&self.0[places])
            }
            /// All of them, in order.
            #[inline(always)]
            pub fn iter(
                self,
            ) -> impl DoubleEndedIterator<Item = $number> + ExactSizeIterator + Clone + use<'a> {
                self.0.iter().map(|bytes| $number::from_le_bytes(*bytes))
            }
            /// As they lie there.
            #[inline(always)]
            pub fn raw(self) -> &'a [[u8; $bytes]] {
                self.0
            }
        }

        impl std::fmt::Debug for $view<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_list().entries(self.iter()).finish()
            }
        }
    };
}

view!(Words, u64, 8);
view!(Numbers, u32, 4);

/// Where a table lies in the bytes, and how many entries it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first byte.
    pub start: usize,
    /// How many entries there are.
    pub count: usize,
}

impl Span {
    /// The entries of this table.
    #[inline]
    fn of<const N: usize>(self, bytes: &[u8]) -> &[[u8; N]] {
        bytes[self.start..self.start + N * self.count].as_chunks().0
    }
}

/// Bytes, and where in them the plain tables lie: what [`Image`](crate::Image) keeps of what it was loaded from.
#[derive(Clone)]
pub(crate) struct Plain {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) code: Span,
    pub(crate) parameters: Span,
    pub(crate) ends: Span,
    pub(crate) names: Span,
    pub(crate) sites: Span,
    pub(crate) lines: Span,
}

/// The plain tables as a compiler makes them.
pub(crate) struct Tables<'a> {
    pub(crate) code: &'a [u64],
    pub(crate) parameters: &'a [u32],
    pub(crate) ends: &'a [u32],
    pub(crate) names: &'a [u32],
    pub(crate) sites: &'a [Site],
    pub(crate) lines: &'a [u32],
}

impl Plain {
    /// Tables in bytes of their own.
    pub(crate) fn own(tables: &Tables<'_>) -> Plain {
        let numbers = [tables.parameters, tables.ends, tables.names, tables.lines];
        let count: usize = numbers.iter().map(|numbers| numbers.len()).sum();
        let words = tables.code.len() + tables.sites.len();
        let mut bytes = Vec::with_capacity(8 * words + 4 * count);
        bytes.extend(tables.code.iter().flat_map(|word| word.to_le_bytes()));
        let code = Span { start: 0, count: tables.code.len() };
        let sites = Span { start: bytes.len(), count: tables.sites.len() };
        bytes.extend(tables.sites.iter().flat_map(|site| site.word().to_le_bytes()));
        let [parameters, ends, names, lines] = numbers.map(|numbers| {
            let start = bytes.len();
            bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            Span { start, count: numbers.len() }
        });
        Plain { bytes: bytes.into(), code, parameters, ends, names, sites, lines }
    }

    #[inline]
    pub(crate) fn code(&self) -> Words<'_> {
        Words(self.code.of(&self.bytes))
    }
    #[inline]
    pub(crate) fn parameters(&self) -> Numbers<'_> {
        Numbers(self.parameters.of(&self.bytes))
    }
    #[inline]
    pub(crate) fn ends(&self) -> Numbers<'_> {
        Numbers(self.ends.of(&self.bytes))
    }
    #[inline]
    pub(crate) fn names(&self) -> Numbers<'_> {
        Numbers(self.names.of(&self.bytes))
    }
    #[inline]
    pub(crate) fn sites(&self) -> Words<'_> {
        Words(self.sites.of(&self.bytes))
    }
    #[inline]
    pub(crate) fn lines(&self) -> Numbers<'_> {
        Numbers(self.lines.of(&self.bytes))
    }
}

impl PartialEq for Plain {
    fn eq(&self, other: &Plain) -> bool {
        fn numbers(plain: &Plain) -> [Numbers<'_>; 4] {
            [plain.parameters(), plain.ends(), plain.names(), plain.lines()]
        }
        self.code() == other.code() && self.sites() == other.sites() && numbers(self) == numbers(other)
    }
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plain")
            .field("code", &self.code())
            .field("parameters", &self.parameters())
            .field("ends", &self.ends())
            .field("names", &self.names())
            .field("sites", &self.sites())
            .field("lines", &self.lines())
            .finish()
    }
}
