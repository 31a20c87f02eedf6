//! The one error of this crate.
//!
//! In: lexer, parser and option checks raise it. Out: kind, message, line, offset and hint for whoever shows it.
//! Invariant: message and line are exactly Jinja2's wherever Jinja2 raises the same error; what helps beyond
//! that is in the hint.

use std::fmt;

/// Which of Jinja2's exceptions an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// `TemplateSyntaxError`
    Syntax,
    /// `TemplateAssertionError`, a subclass of it
    Assertion,
    /// `AssertionError`: the options contradict each other
    Options,
}

/// Why a source was rejected.
#[derive(Clone, PartialEq, Eq)]
pub struct SyntaxError(Box<Repr>);

#[derive(Clone, PartialEq, Eq)]
struct Repr {
    kind: ErrorKind,
    message: String,
    line: u32,
    offset: u32,
    hint: Option<String>,
}

impl SyntaxError {
    #[cold]
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>, line: u32, offset: u32) -> Self {
        Self(Box::new(Repr { kind, message: message.into(), line, offset, hint: None }))
    }

    #[cold]
    pub(crate) fn with_hint(mut self, hint: Option<String>) -> Self {
        self.0.hint = hint;
        self
    }

    /// Moves the offset from normalised text to the source that was given.
    #[cold]
    pub(crate) fn map_offset(mut self, map: impl FnOnce(u32) -> u32) -> Self {
        self.0.offset = map(self.0.offset);
        self
    }

    /// Which exception it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What is wrong, in Jinja2's words.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Jinja2's line number; 0 if it concerns no line.
    pub fn line(&self) -> u32 {
        self.0.line
    }

    /// Byte offset into the source of the best place for a caret.
    pub fn offset(&self) -> u32 {
        self.0.offset
    }

    /// What may help, beyond Jinja2's words.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Debug for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyntaxError")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("line", &self.0.line)
            .field("offset", &self.0.offset)
            .field("hint", &self.0.hint)
            .finish()
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for SyntaxError {}
