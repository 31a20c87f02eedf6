//! The options that decide how a source is read.
//!
//! In: the caller sets fields of [`Syntax`]. Out: lexer and parser read them. Invariant: nothing else
//! influences tokens and tree, so these fields are what a cache must key on.

use std::borrow::Cow;

use crate::error::{ErrorKind, SyntaxError};
use crate::tags::CustomTags;

/// The options of lexer and parser, named as `jinja2.Environment` names them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Syntax {
    /// `{%`
    pub block_start_string: Cow<'static, str>,
    /// `%}`
    pub block_end_string: Cow<'static, str>,
    /// `{{`
    pub variable_start_string: Cow<'static, str>,
    /// `}}`
    pub variable_end_string: Cow<'static, str>,
    /// `{#`
    pub comment_start_string: Cow<'static, str>,
    /// `#}`
    pub comment_end_string: Cow<'static, str>,
    /// What starts a line that is a statement.
    pub line_statement_prefix: Option<Cow<'static, str>>,
    /// What starts a comment that ends with its line.
    pub line_comment_prefix: Option<Cow<'static, str>>,
    /// Whether the newline after a block tag is dropped.
    pub trim_blocks: bool,
    /// Whether blanks before a block tag that starts its line are dropped.
    pub lstrip_blocks: bool,
    /// What every line break of text and strings becomes: `\n`, `\r\n` or `\r`.
    pub newline_sequence: Cow<'static, str>,
    /// Whether a newline at the very end stays.
    pub keep_trailing_newline: bool,
    /// The built-in extensions that are on.
    pub extensions: Extensions,
    /// The tags that extensions add.
    pub custom_tags: CustomTags,
}

impl Default for Syntax {
    fn default() -> Self {
        Self {
            block_start_string: Cow::Borrowed("{%"),
            block_end_string: Cow::Borrowed("%}"),
            variable_start_string: Cow::Borrowed("{{"),
            variable_end_string: Cow::Borrowed("}}"),
            comment_start_string: Cow::Borrowed("{#"),
            comment_end_string: Cow::Borrowed("#}"),
            line_statement_prefix: None,
            line_comment_prefix: None,
            trim_blocks: false,
            lstrip_blocks: false,
            newline_sequence: Cow::Borrowed("\n"),
            keep_trailing_newline: false,
            extensions: Extensions::NONE,
            custom_tags: CustomTags::default(),
        }
    }
}

impl Syntax {
    /// Jinja2's checks of an environment, and one of ours: a delimiter is never empty.
    pub fn validate(&self) -> Result<(), SyntaxError> {
        let error = |message: &str| Err(SyntaxError::new(ErrorKind::Options, message, 0, 0));
        // Jinja2 compares them as a chain, so block and comment may start alike.
        if self.block_start_string == self.variable_start_string
            || self.variable_start_string == self.comment_start_string
        {
            return error("block, variable and comment start strings must be different.");
        }
        if !matches!(self.newline_sequence.as_ref(), "\r" | "\r\n" | "\n") {
            return error("'newline_sequence' must be one of '\\n', '\\r\\n', or '\\r'.");
        }
        let empty = |text: &Option<Cow<'static, str>>| text.as_ref().is_some_and(|text| text.is_empty());
        if self.block_start_string.is_empty()
            || self.block_end_string.is_empty()
            || self.variable_start_string.is_empty()
            || self.variable_end_string.is_empty()
            || self.comment_start_string.is_empty()
            || self.comment_end_string.is_empty()
            || empty(&self.line_statement_prefix)
            || empty(&self.line_comment_prefix)
        {
            return error("delimiters and prefixes must not be empty.");
        }
        Ok(())
    }
}

/// A set of built-in extensions and their two switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Extensions(u8);

impl Extensions {
    /// No extension.
    pub const NONE: Self = Self(0);
    /// `jinja2.ext.i18n`: `{% trans %}`
    pub const I18N: Self = Self(1);
    /// `jinja2.ext.do`: `{% do %}`
    pub const DO: Self = Self(1 << 1);
    /// `jinja2.ext.loopcontrols`: `{% break %}` and `{% continue %}`
    pub const LOOP_CONTROLS: Self = Self(1 << 2);
    /// `jinja2.ext.debug`: `{% debug %}`
    pub const DEBUG: Self = Self(1 << 3);
    /// `environment.newstyle_gettext`
    pub const NEWSTYLE_GETTEXT: Self = Self(1 << 4);
    /// The policy `ext.i18n.trimmed`
    pub const I18N_TRIMMED: Self = Self(1 << 5);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set without the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` is in here.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The set as bits, for a fingerprint.
    pub const fn bits(self) -> u8 {
        self.0
    }
}
