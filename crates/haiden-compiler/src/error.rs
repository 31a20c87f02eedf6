//! Why a template cannot be compiled.
//!
//! In: the parser's error, or what Jinja2's code generator would object to. Out: kind, message, line, offset for
//! whoever shows it. Invariant: message and line are Jinja2's wherever Jinja2 raises the same error.

use std::fmt;

use haiden_syntax::SyntaxError;
use haiden_syntax::ast::At;

/// Which exception an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// `TemplateSyntaxError`
    Syntax,
    /// `TemplateAssertionError`, a subclass of it
    Assertion,
    /// `AssertionError`: the options contradict each other
    Options,
    /// Python's `SyntaxError`: Jinja2 generates code that Python rejects
    Python,
    /// The tree holds a node that only Jinja2's generated Python can express
    Unsupported,
    /// A measure of the template is beyond what an image can hold
    TooLarge,
}

/// Why a template cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError(Box<Repr>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Repr {
    kind: ErrorKind,
    message: String,
    line: u32,
    offset: u32,
    hint: Option<String>,
}

impl CompileError {
    #[cold]
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>, at: At) -> Self {
        Self(Box::new(Repr { kind, message: message.into(), line: at.line, offset: at.offset, hint: None }))
    }

    #[cold]
    pub(crate) fn assertion(message: impl Into<String>, at: At) -> Self {
        Self::new(ErrorKind::Assertion, message, at)
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

impl From<SyntaxError> for CompileError {
    #[cold]
    fn from(error: SyntaxError) -> Self {
        use haiden_syntax::ErrorKind as Syntax;
        let kind = match error.kind() {
            Syntax::Syntax => ErrorKind::Syntax,
            Syntax::Assertion => ErrorKind::Assertion,
            Syntax::Options => ErrorKind::Options,
        };
        Self(Box::new(Repr {
            kind,
            message: error.message().to_owned(),
            line: error.line(),
            offset: error.offset(),
            hint: error.hint().map(str::to_owned),
        }))
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for CompileError {}
