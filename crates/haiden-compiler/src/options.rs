//! What decides how a tree becomes an image.
//!
//! In: the caller sets fields. Invariant: nothing else but the source influences the image, so these fields are what
//! a cache must key on.

use haiden_syntax::Syntax;

/// The filters that the compiler knows something of, sorted: what becomes of a constant, or that they take the context, so that
/// Jinja2 does not call them while it compiles. Environments may have other functions of these names.
pub const KNOWN_FILTERS: [&str; 15] = [
    "abs",
    "capitalize",
    "d",
    "default",
    "e",
    "escape",
    "lower",
    "map",
    "random",
    "reject",
    "rejectattr",
    "safe",
    "select",
    "selectattr",
    "upper",
];

/// The options of the compiler.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "independent options of the environment")]
pub struct Options {
    /// How the source is read.
    pub syntax: Syntax,
    /// Whether this template escapes what it prints.
    pub autoescape: bool,
    /// Fold constants and fuse instructions; without it the plain path is taken, which the tests compare with.
    pub optimize: bool,
    /// The environment has a `finalize`: printed constants pass through it, so they are not text.
    pub finalize: bool,
    /// The host intercepts operators: they are neither folded nor fused.
    pub intercepted: bool,
    /// Which of [`KNOWN_FILTERS`] are other functions, sorted by name; and whether Jinja2 would call them while it compiles.
    pub filters: Vec<(&'static str, bool)>,
    /// The host has extensions that make trees: what these may refer to outside of the template is there.
    pub outside: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            syntax: Syntax::default(),
            autoescape: false,
            optimize: true,
            finalize: false,
            intercepted: false,
            filters: Vec::new(),
            outside: false,
        }
    }
}
