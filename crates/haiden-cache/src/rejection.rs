//! Why an entry that was there is not used.
//!
//! The list is closed and ordered, so that statistics are an array and print the same way every time. It holds the
//! frame's reasons and those an engine finds behind the frame; the cache itself never looks into the bytecode.

use std::fmt;

macro_rules! rejections {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Why a stored entry was turned down. Whatever the reason, the lookup is a miss.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rejection {
            $($(#[$doc])* $variant,)*
        }

        impl Rejection {
            /// Every reason, in the order in which statistics list them.
            pub const ALL: &'static [Rejection] = &[$(Rejection::$variant),*];

            /// The reason in one or two lower-case words.
            pub fn name(self) -> &'static str {
                match self { $(Rejection::$variant => $name,)* }
            }
        }
    };
}

rejections! {
    /// The bytes do not begin as an entry (or an image) does.
    Magic = "magic",
    /// Written by a format version this build does not read.
    Version = "version",
    /// Compiled for another instruction set (found by the engine).
    InstructionSet = "instruction set",
    /// Compiled under other options (found by the engine).
    Options = "options",
    /// Compiled from another source (found by the engine).
    Source = "source",
    /// A sound entry, but of another key.
    Key = "key",
    /// The digest over header and bytecode differs.
    Digest = "digest",
    /// An authentication tag is wrong, missing, or of a key we do not hold.
    Authentication = "authentication",
    /// The entry ends early.
    Truncated = "truncated",
    /// Something follows the entry's end.
    Trailing = "trailing bytes",
    /// Larger than the cap.
    Oversize = "too large",
    /// A field holds what no writer of this version writes, or the image is malformed (found by the engine).
    Structure = "structure",
    /// A directory, FIFO, device or symbolic link stands at the entry's place.
    NotAFile = "not a file",
    /// The entry is there, but may not be read.
    Unreadable = "unreadable",
}

const COUNT: usize = Rejection::ALL.len();

impl Rejection {
    pub(crate) const COUNT: usize = COUNT;
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How often each [`Rejection`] happened.
///
/// ```
/// use haiden_cache::{Rejection, Rejections};
///
/// let mut seen = Rejections::default();
/// seen.add(Rejection::Truncated, 2);
/// assert_eq!(seen.get(Rejection::Truncated), 2);
/// assert_eq!(seen.iter().collect::<Vec<_>>(), [(Rejection::Truncated, 2)]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Rejections([u64; COUNT]);

impl Rejections {
    /// How often this reason was seen.
    pub fn get(&self, reason: Rejection) -> u64 {
        self.0[reason as usize]
    }

    /// Counts a reason `times` more.
    pub fn add(&mut self, reason: Rejection, times: u64) {
        self.0[reason as usize] += times;
    }

    /// All reasons together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The reasons that were seen at least once, in the order of [`Rejection::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Rejection, u64)> + '_ {
        Rejection::ALL.iter().map(|&reason| (reason, self.get(reason))).filter(|&(_, count)| count > 0)
    }
}

impl fmt::Debug for Rejections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
