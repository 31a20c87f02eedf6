//! The environment fingerprint: which options was a template compiled with?
//!
//! In: options by id. Out: 32 bytes; equal options give equal bytes whatever their order. `docs/image-format.md`
//! specifies ids and values, and has test vectors for whoever computes fingerprints in another language.

use std::collections::BTreeMap;

/// An option that has a say in what a template compiles to. The numbers are part of the format: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum OptionId {
    /// Text: `block_start_string`.
    BlockStart = 1,
    /// Text: `block_end_string`.
    BlockEnd = 2,
    /// Text: `variable_start_string`.
    VariableStart = 3,
    /// Text: `variable_end_string`.
    VariableEnd = 4,
    /// Text: `comment_start_string`.
    CommentStart = 5,
    /// Text: `comment_end_string`.
    CommentEnd = 6,
    /// Text: `line_statement_prefix`; left out if there is none.
    LineStatementPrefix = 7,
    /// Text: `line_comment_prefix`; left out if there is none.
    LineCommentPrefix = 8,
    /// Flag: `trim_blocks`.
    TrimBlocks = 9,
    /// Flag: `lstrip_blocks`.
    LstripBlocks = 10,
    /// Text: `newline_sequence`.
    NewlineSequence = 11,
    /// Flag: `keep_trailing_newline`.
    KeepTrailingNewline = 12,
    /// Flag: `autoescape` as resolved for this template.
    Autoescape = 13,
    /// A little-endian `u32` of [`extension_flags`]: the built-in extensions.
    Extensions = 14,
    /// Flag: `optimized`.
    Optimized = 15,
    /// Flag: the environment is sandboxed.
    Sandboxed = 16,
    /// Flag: a native environment (values instead of text).
    NativeTypes = 17,
    /// One byte: 0 no `finalize`, 1 one that is also applied to constants, 2 one that is applied when run only.
    FinalizeConst = 18,
    /// What user extensions add, each as name and its `cache_fingerprint()`, in their order of priority; every part
    /// with its length (a little-endian `u32`) before it.
    UserExtensions = 19,
    /// Flag: new-style gettext.
    NewstyleGettext = 20,
    /// Flag: the policy `ext.i18n.trimmed`.
    I18nTrimmed = 21,
    /// Text: the operators that a sandbox intercepts, sorted, each followed by a zero byte; unary ones as `u-`, `u+`.
    InterceptedOperators = 22,
    /// Text: the template's name, if a user extension's hook sees it.
    TemplateName = 23,
    /// Text: the names of filters that the compiler knows and that are other functions in this environment, sorted, each followed
    /// by `=` if a constant through it is still one, by `!` if not; left out if there are none.
    OtherFilters = 24,
}

/// Bits of [`OptionId::Extensions`].
pub mod extension_flags {
    /// `jinja2.ext.i18n`.
    pub const I18N: u32 = 1;
    /// `jinja2.ext.do`.
    pub const DO: u32 = 2;
    /// `jinja2.ext.loopcontrols`.
    pub const LOOP_CONTROLS: u32 = 4;
    /// `jinja2.ext.debug`.
    pub const DEBUG: u32 = 8;
}

/// Collects options; see [`Fingerprint::builder`].
#[derive(Clone, Debug, Default)]
pub struct Fingerprint {
    options: BTreeMap<u16, Box<[u8]>>,
}

impl Fingerprint {
    /// No options yet.
    pub fn builder() -> Fingerprint {
        Fingerprint::default()
    }

    /// Sets an option. If it was set before, the last value counts.
    #[must_use]
    pub fn option(mut self, id: OptionId, value: &[u8]) -> Fingerprint {
        self.options.insert(id as u16, value.into());
        self
    }

    /// Sets an option that is a flag: one byte, 0 or 1.
    #[must_use]
    pub fn flag(self, id: OptionId, value: bool) -> Fingerprint {
        self.option(id, &[u8::from(value)])
    }

    /// The canonical bytes: per option, by ascending id, id (`u16`), length (`u32`), value.
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (id, value) in &self.options {
            bytes.extend(id.to_le_bytes());
            bytes.extend((value.len() as u32).to_le_bytes());
            bytes.extend(value);
        }
        bytes
    }

    /// The fingerprint: the BLAKE3 digest of [`Fingerprint::canonical`].
    pub fn finish(&self) -> [u8; 32] {
        *blake3::hash(&self.canonical()).as_bytes()
    }
}

/// The digest of a source, as it stands in an image's header: BLAKE3 over its UTF-8 bytes.
pub fn source_digest(source: &str) -> [u8; 32] {
    *blake3::hash(source.as_bytes()).as_bytes()
}
