//! Why bytes are no image for us.
//!
//! In: what `load` and `verify` find. Out: a typed reason, with a stable short word for statistics
//! ([`Rejection::reason`]) and a sentence for people (`Display`). Nothing here allocates.

use std::fmt;

/// What is wrong inside an image, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The table it is in: the name of a section, or `header`.
    pub place: &'static str,
    /// The entry of that table (for code, counted over the whole code).
    pub at: u32,
    /// What is wrong.
    pub what: &'static str,
}

impl Fault {
    pub(crate) const fn new(place: &'static str, at: usize, what: &'static str) -> Fault {
        Fault { place, at: at as u32, what }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.place, self.at, self.what)
    }
}

impl std::error::Error for Fault {}

/// Why bytes are no image for us. Always the same cure: compile again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// They are no image at all, or were mangled as text.
    Magic,
    /// The format's version (given) is not ours.
    Version(u32),
    /// They were made for another instruction set.
    InstructionSet,
    /// The compiler that made them gave the same source another meaning.
    Semantics,
    /// They were compiled with other options (the environment fingerprint differs).
    Options,
    /// They were compiled from another source.
    Source,
    /// The checksum around them does not match (said by whoever frames images; `load` never does).
    Digest,
    /// They are shorter than they say.
    Truncated,
    /// Something in them contradicts itself.
    Structure(Fault),
}

impl Rejection {
    /// A stable short word for statistics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Rejection::Magic => "magic",
            Rejection::Version(_) => "version",
            Rejection::InstructionSet => "instruction-set",
            Rejection::Semantics => "semantics",
            Rejection::Options => "options",
            Rejection::Source => "source",
            Rejection::Digest => "digest",
            Rejection::Truncated => "truncated",
            Rejection::Structure(_) => "structure",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::Magic => f.write_str("not a bytecode image"),
            Rejection::Version(found) => {
                write!(f, "image format {found}, this engine reads {}", crate::format::FORMAT_VERSION)
            }
            Rejection::InstructionSet => f.write_str("made for another instruction set"),
            Rejection::Semantics => f.write_str("made by a compiler with other semantics"),
            Rejection::Options => f.write_str("compiled with other options"),
            Rejection::Source => f.write_str("compiled from another source"),
            Rejection::Digest => f.write_str("the checksum does not match"),
            Rejection::Truncated => f.write_str("shorter than it says"),
            Rejection::Structure(fault) => write!(f, "broken: {fault}"),
        }
    }
}

impl std::error::Error for Rejection {}

impl From<Fault> for Rejection {
    fn from(fault: Fault) -> Rejection {
        Rejection::Structure(fault)
    }
}
