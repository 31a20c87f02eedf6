//! The one error of the crate.
//!
//! Opaque and one word wide. `kind` is for programs, the message for people; the place is added where it is known. For
//! people there is [`Error::report`]: the message with the source line, a caret and the chain of templates.

use std::fmt::{self, Write as _};
use std::sync::{Arc, OnceLock};

/// What kind of error it is. Each kind has the class that Jinja2 or Python raises in its place: [`ErrorKind::class`].
///
/// ```
/// use haiden::{Environment, ErrorKind, context};
///
/// fn page(source: &str) -> String {
///     match Environment::new().render_str(source, context! {}) {
///         Ok(page) => page,
///         Err(error) if error.kind() == ErrorKind::Syntax => "your template has a mistake".to_owned(),
///         Err(error) => format!("sorry: {}", error.kind().class()),
///     }
/// }
/// assert_eq!(page("{% if %}"), "your template has a mistake");
/// assert_eq!(page("{{ 1 // 0 }}"), "sorry: ZeroDivisionError");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The template's syntax is wrong.
    Syntax,
    /// The template's syntax is right, but it cannot mean anything.
    Assertion,
    /// There is no such template.
    TemplateNotFound,
    /// There is none of several templates.
    TemplatesNotFound,
    /// A template or its data cannot be read.
    Load,
    /// An undefined value was used.
    Undefined,
    /// The template failed while it ran.
    Runtime,
    /// A filter was called with arguments that make no sense.
    FilterArgument,
    /// The sandbox forbids it.
    Security,
    /// Python's `TypeError`.
    Type,
    /// Python's `ValueError`.
    Value,
    /// Python's `UnicodeEncodeError`.
    UnicodeEncode,
    /// Python's `UnicodeDecodeError`.
    UnicodeDecode,
    /// Python's `ZeroDivisionError`.
    ZeroDivision,
    /// Python's `OverflowError`.
    Overflow,
    /// Python's `IndexError`.
    Index,
    /// Python's `KeyError`.
    Key,
    /// Python's `LookupError`.
    Lookup,
    /// Python's `AttributeError`.
    Attribute,
    /// Python's `AssertionError`.
    PythonAssertion,
    /// Python's `SyntaxError`: Python rejects what Jinja2 generates.
    PythonSyntax,
    /// Python's `RuntimeError`.
    PythonRuntime,
    /// Something is nested too deeply.
    Recursion,
    /// Something is too large.
    Memory,
    /// A limit of the environment was reached: output or fuel.
    Limit,
    /// The output could not be written.
    Write,
    /// Bytecode is not what it should be.
    Bytecode,
    /// Something has to be awaited where nothing can wait: see [`Template::render_async`](crate::Template::render_async).
    Async,
}

impl ErrorKind {
    /// The exception that Jinja2 or Python raises in its place.
    ///
    /// ```
    /// assert_eq!(haiden::ErrorKind::Undefined.class(), "UndefinedError");
    /// assert_eq!(haiden::ErrorKind::Type.class(), "TypeError");
    /// ```
    pub const fn class(self) -> &'static str {
        match self {
            ErrorKind::Syntax => "TemplateSyntaxError",
            ErrorKind::Assertion => "TemplateAssertionError",
            ErrorKind::TemplateNotFound => "TemplateNotFound",
            ErrorKind::TemplatesNotFound => "TemplatesNotFound",
            ErrorKind::Load | ErrorKind::Write => "OSError",
            ErrorKind::Undefined => "UndefinedError",
            ErrorKind::Runtime | ErrorKind::Limit | ErrorKind::Bytecode | ErrorKind::Async => {
                "TemplateRuntimeError"
            }
            ErrorKind::FilterArgument => "FilterArgumentError",
            ErrorKind::Security => "SecurityError",
            ErrorKind::Type => "TypeError",
            ErrorKind::Value => "ValueError",
            ErrorKind::UnicodeEncode => "UnicodeEncodeError",
            ErrorKind::UnicodeDecode => "UnicodeDecodeError",
            ErrorKind::ZeroDivision => "ZeroDivisionError",
            ErrorKind::Overflow => "OverflowError",
            ErrorKind::Index => "IndexError",
            ErrorKind::Key => "KeyError",
            ErrorKind::Lookup => "LookupError",
            ErrorKind::Attribute => "AttributeError",
            ErrorKind::PythonAssertion => "AssertionError",
            ErrorKind::PythonSyntax => "SyntaxError",
            ErrorKind::PythonRuntime => "RuntimeError",
            ErrorKind::Recursion => "RecursionError",
            ErrorKind::Memory => "MemoryError",
        }
    }
}

/// A place in a template: part of an error's trace.
///
/// ```
/// let source = "{% macro price(n) %}{{ n // 0 }}{% endmacro %}\n{{ price(1) }}";
/// let error = haiden::Environment::new().render_str(source, haiden::context! {}).unwrap_err();
/// let places: Vec<_> = error.trace().iter().map(|place| (&*place.what, place.line)).collect();
/// assert_eq!(places, [("macro 'price'", 1), ("", 2)]);
/// assert_eq!(error.trace()[1].source_line.as_deref(), Some("{{ price(1) }}"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The template's name; `None` for one made from a text.
    pub template: Option<Arc<str>>,
    /// The line, from 1; 0 if unknown.
    pub line: u32,
    /// The column, from 1, in characters; 0 if unknown.
    pub column: u32,
    /// What runs there: `template`, `block 'x'`, `macro 'x'`, …
    pub what: String,
    /// The line's text, if the source is at hand.
    pub source_line: Option<String>,
}

/// What went wrong: in a template, with its data, or with a loader or store.
///
/// ```
/// use haiden::{Environment, ErrorKind, context};
///
/// let mut environment = Environment::new();
/// environment.add_template("cart.html", "Total:\n  {{ price + tax }}")?;
/// let error = environment.get_template("cart.html")?.render(context! { price => 1, tax => "2" }).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Type);
/// assert_eq!((error.template(), error.line(), error.column()), (Some("cart.html"), Some(2), Some(12)));
/// println!("{}", error.report());
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone)]
pub struct Error(Box<Repr>);

#[derive(Clone)]
struct Repr {
    kind: ErrorKind,
    message: String,
    /// How much of the message is the path to a part of a value.
    path: usize,
    hint: Option<Hint>,
    trace: Vec<Place>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    /// It is no error, but a render that stops to wait.
    suspends: bool,
}

/// A line of advice, which may be costly to find: it is searched for when somebody asks.
#[derive(Clone)]
struct Hint {
    text: OnceLock<Option<String>>,
    search: Option<Search>,
}

type Search = Arc<dyn Fn() -> Option<String> + Send + Sync>;

impl Hint {
    fn text(&self) -> Option<&str> {
        self.text.get_or_init(|| self.search.as_ref().and_then(|search| search())).as_deref()
    }
}

impl Error {
    /// An error without a place: what a filter, function or loader of yours returns.
    ///
    /// ```
    /// use haiden::{Error, ErrorKind};
    ///
    /// let mut environment = haiden::Environment::new();
    /// environment.add_filter("even_half", |n: i64| {
    ///     if n % 2 == 0 { Ok(n / 2) } else { Err(Error::new(ErrorKind::Value, format!("{n} is odd"))) }
    /// });
    /// let error = environment.render_str("\n{{ 3 | even_half }}", haiden::context! {}).unwrap_err();
    /// assert_eq!((error.message(), error.line()), ("3 is odd", Some(2)));
    /// ```
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        let (message, trace) = (message.into(), Vec::new());
        Error(Box::new(Repr { kind, message, path: 0, hint: None, trace, source: None, suspends: false }))
    }

    /// No error, but a request to wait and come back. Nobody outside sees one.
    pub(crate) fn suspension() -> Error {
        let mut error = Error::new(ErrorKind::Async, "something has to be awaited");
        error.0.suspends = true;
        error
    }

    /// Is it a request to wait and come back?
    pub(crate) fn is_suspension(&self) -> bool {
        self.0.suspends
    }

    /// The error that caused this one.
    ///
    /// ```
    /// use haiden::{Environment, Error, ErrorKind};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_filter("number", |text: &str| {
    ///     text.parse::<f64>().map_err(|why| Error::new(ErrorKind::Value, "no number").with_source(why))
    /// });
    /// let error = environment.render_str("{{ 'x'|number }}", haiden::context! {}).unwrap_err();
    /// assert!(std::error::Error::source(&error).is_some());
    /// ```
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Error {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// A line of advice.
    ///
    /// ```
    /// use haiden::{Environment, Error, ErrorKind, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_function("price", |id: i64| {
    ///     let error = Error::new(ErrorKind::Lookup, format!("there is no article {id}"));
    ///     Err::<f64, _>(error.with_hint("numbers of articles have four digits".to_owned()))
    /// });
    /// let error = environment.render_str("{{ price(7) }}", context! {}).unwrap_err();
    /// assert_eq!(error.hint(), Some("numbers of articles have four digits"));
    /// ```
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Option<String>>) -> Error {
        let known = |text: String| Hint { text: OnceLock::from(Some(text)), search: None };
        self.0.hint = self.0.hint.take().or(hint.into().map(known));
        self
    }

    /// A line of advice that is searched for when somebody asks for it.
    pub(crate) fn with_hint_from(
        mut self,
        search: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Error {
        self.0.hint.get_or_insert_with(|| Hint { text: OnceLock::new(), search: Some(Arc::new(search)) });
        self
    }

    /// Sets the place, unless it is known already.
    #[must_use]
    pub(crate) fn at(mut self, trace: impl FnOnce() -> Vec<Place>) -> Error {
        if self.0.trace.is_empty() {
            self.0.trace = trace();
        }
        self
    }

    /// The outer frames of an error that has its inner ones.
    #[must_use]
    pub(crate) fn called_from(mut self, outer: Vec<Place>) -> Error {
        self.0.trace.extend(outer);
        self
    }

    /// The error of a part of a value, for what that part is in.
    #[must_use]
    pub(crate) fn inside(mut self, step: &str) -> Error {
        let Repr { message, path, .. } = &mut *self.0;
        let link = match (*path, message.starts_with('[')) {
            (0, _) => ": ",
            (_, true) => "",
            (_, false) => ".",
        };
        *path += step.len() + if *path == 0 { 0 } else { link.len() };
        *message = format!("{step}{link}{message}");
        self
    }

    /// What kind of error it is.
    ///
    /// ```
    /// use haiden::{Environment, ErrorKind, context};
    ///
    /// let error = Environment::new().render_str("{{ nobody.name }}", context! {}).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Undefined);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What went wrong, without the place.
    ///
    /// ```
    /// let error = haiden::Environment::new().render_str("{{ nobody.name }}", haiden::context! {}).unwrap_err();
    /// assert_eq!(error.message(), "'nobody' is undefined");
    /// assert_eq!(error.to_string(), "'nobody' is undefined (<template>, line 1)");
    /// ```
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// A line of advice, if there is one.
    ///
    /// ```
    /// let error = haiden::Environment::new().template_from_str("{{ name|uper }}").unwrap_err();
    /// assert_eq!(error.hint(), Some("did you mean `upper`?"));
    /// ```
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_ref()?.text()
    }

    /// The name of the template it happened in.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// let error = environment.add_template("a.html", "{% if %}").unwrap_err();
    /// assert_eq!(error.template(), Some("a.html"));
    /// ```
    pub fn template(&self) -> Option<&str> {
        self.0.trace.first()?.template.as_deref()
    }

    /// The line it happened on, from 1.
    ///
    /// ```
    /// let error = haiden::Environment::new().template_from_str("\n\n{% if %}").unwrap_err();
    /// assert_eq!(error.line(), Some(3));
    /// ```
    pub fn line(&self) -> Option<u32> {
        self.0.trace.first().map(|place| place.line).filter(|&line| line > 0)
    }

    /// The column it happened at, from 1, in characters.
    ///
    /// ```
    /// let error = haiden::Environment::new().render_str("ä {{ 1 // 0 }}", haiden::context! {}).unwrap_err();
    /// assert_eq!(error.column(), Some(8));
    /// ```
    pub fn column(&self) -> Option<u32> {
        self.0.trace.first().map(|place| place.column).filter(|&column| column > 0)
    }

    /// Where it happened, innermost first: the chain of includes, blocks and macros.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("inner", "{{ nobody.name }}")?;
    /// environment.add_template("outer", "\n{% include 'inner' %}")?;
    /// let error = environment.get_template("outer")?.render(haiden::context! {}).unwrap_err();
    /// let places: Vec<_> = error.trace().iter().map(|place| (place.template.as_deref(), place.line)).collect();
    /// assert_eq!(places, [(Some("inner"), 1), (Some("outer"), 2)]);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn trace(&self) -> &[Place] {
        &self.0.trace
    }

    /// The whole story for people: class and message, the source line with a caret, who called whom, advice.
    ///
    /// ```
    /// let error = haiden::Environment::new().render_str("\n{{ 1 // n }}", haiden::context! { n => 0 }).unwrap_err();
    /// assert!(error.report().starts_with("ZeroDivisionError: "));
    /// assert!(error.report().contains("2 | {{ 1 // n }}"));
    /// ```
    pub fn report(&self) -> String {
        let mut out = format!("{}: {}", self.0.kind.class(), self.0.message);
        let mut times = 1;
        for (index, place) in self.0.trace.iter().enumerate() {
            // The innermost is shown by itself.
            if index > 0 && self.0.trace.get(index + 1) == Some(place) {
                times += 1;
                continue;
            }
            out.push_str(if index == 0 { "\n  --> " } else { "\n  called from " });
            out.push_str(place.template.as_deref().unwrap_or("<template>"));
            if place.line > 0 {
                write!(out, ":{}", place.line).expect("writing to a string");
            }
            if place.column > 0 {
                write!(out, ":{}", place.column).expect("writing to a string");
            }
            if !place.what.is_empty() {
                write!(out, " in {}", place.what).expect("writing to a string");
            }
            if times > 1 {
                write!(out, ", {times} times").expect("writing to a string");
                times = 1;
            }
            if let (0, Some(line)) = (index, &place.source_line) {
                excerpt(&mut out, line, place.line, place.column);
            }
        }
        if let Some(hint) = self.hint() {
            write!(out, "\n  help: {hint}").expect("writing to a string");
        }
        out
    }
}

/// The longest piece of a line that is shown.
const SHOWN: usize = 100;

fn excerpt(out: &mut String, line: &str, number: u32, column: u32) {
    let number = number.to_string();
    let blank = " ".repeat(number.len());
    let at = (column.max(1) - 1) as usize;
    // Of a long line, what is around the column.
    let skip = if at > SHOWN - 20 { at - 40 } else { 0 };
    let shown: String =
        line.chars().skip(skip).take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    write!(out, "\n   {blank} |\n   {number} | {}", shown.trim_end()).expect("writing to a string");
    if column > 0 {
        write!(out, "\n   {blank} | {}^", " ".repeat(at - skip)).expect("writing to a string");
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is not found is named by its name alone.
        if let ErrorKind::TemplateNotFound | ErrorKind::TemplatesNotFound = self.0.kind {
            write!(f, "{}: ", self.0.kind.class())?;
        }
        f.write_str(&self.0.message)?;
        let Some(place) = self.0.trace.first() else { return Ok(()) };
        write!(f, " ({}", place.template.as_deref().unwrap_or("<template>"))?;
        if place.line > 0 {
            write!(f, ", line {}", place.line)?;
        }
        f.write_str(")")
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<crate::python::error::Error> for Error {
    fn from(error: crate::python::error::Error) -> Error {
        use crate::python::error::Error as Python;
        let kind = match error {
            Python::ZeroDivision(_) => ErrorKind::ZeroDivision,
            Python::Overflow(_) => ErrorKind::Overflow,
            Python::Value(_) => ErrorKind::Value,
            Python::Type(_) | Python::Complex => ErrorKind::Type,
            Python::Index(_) => ErrorKind::Index,
            Python::Key(_) => ErrorKind::Key,
            Python::Attribute(_) => ErrorKind::Attribute,
            Python::Lookup(_) => ErrorKind::Lookup,
            Python::UnicodeEncode(_) => ErrorKind::UnicodeEncode,
            Python::UnicodeDecode(_) => ErrorKind::UnicodeDecode,
            Python::Assertion(_) => ErrorKind::PythonAssertion,
            Python::TooLarge => ErrorKind::Memory,
        };
        Error::new(kind, error.message())
    }
}
