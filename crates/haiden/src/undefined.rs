//! Undefined types: what a value that is not there does when a template uses it.
//!
//! In: which value is missing ([`Missing`]) and what is done with it. Out: a text, a truth, items, or an error. The four kinds
//! that Jinja2 has ([`UndefinedKind`]), one that reports to a callback ([`LoggingUndefined`]), and what users write.
//!
//! Invariant: a type has no state of its own in a render; the value that is missing arrives with each question.

use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::value::host::NativeHost;
use crate::value::object::Keywords;
use crate::value::value::Value;

/// What undefined values do when they are used: Jinja2's own types.
///
/// ```
/// use haiden::{Environment, UndefinedKind, context};
///
/// let page = |kind: UndefinedKind, source: &str| {
///     let mut environment = Environment::new();
///     environment.set_undefined(kind);
///     environment.render_str(source, context! {}).map_err(|error| error.message().to_owned())
/// };
/// assert_eq!(page(UndefinedKind::Default, "[{{ user }}]"), Ok("[]".into()));
/// assert_eq!(page(UndefinedKind::Default, "[{{ user.name }}]"), Err("'user' is undefined".into()));
/// assert_eq!(page(UndefinedKind::Chainable, "[{{ user.name }}]"), Ok("[]".into()));
/// assert_eq!(page(UndefinedKind::Debug, "[{{ user }}]"), Ok("[{{ user }}]".into()));
/// assert_eq!(page(UndefinedKind::Strict, "[{{ user }}]"), Err("'user' is undefined".into()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UndefinedKind {
    /// They print as nothing, are false and empty; anything else is an error.
    #[default]
    Default,
    /// As `Default`, but attributes and items of them are undefined too.
    Chainable,
    /// As `Default`, but they print what is missing.
    Debug,
    /// Everything but asking whether they are defined is an error.
    Strict,
}

/// What a template does with an undefined value that is an error.
///
/// ```
/// use haiden::{Environment, Error, Missing, Misuse, Undefined, context};
///
/// /// Says what was tried.
/// struct Telling;
///
/// impl Undefined for Telling {
///     fn fail(&self, missing: &Missing<'_>, misuse: Misuse) -> Error {
///         Error::new(missing.error().kind(), format!("{misuse:?} of what is not there: {}", missing.message()))
///     }
/// }
///
/// let mut environment = Environment::new();
/// environment.set_undefined(Telling);
/// let error = environment.render_str("{{ user.name }}", context! {}).unwrap_err();
/// assert_eq!(error.message(), "Attribute of what is not there: 'user' is undefined");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misuse {
    /// `value.name`
    Attribute,
    /// `value[key]`
    Item,
    /// `value()`
    Call,
    /// It is the name of a template.
    Template,
    /// Anything else: `value + 1`, `value < 1`, `value|int`, …
    Other,
}

/// A type of undefined values.
///
/// Every method has a default: that of [`UndefinedKind::Default`]. To change a kind a little, ask it for the rest.
///
/// ```
/// use haiden::{Environment, Error, Missing, Undefined, UndefinedKind};
///
/// /// Prints a mark that is easy to search for, and has attributes without end.
/// struct Marked;
///
/// impl Undefined for Marked {
///     fn to_text(&self, missing: &Missing<'_>) -> Result<String, Error> {
///         Ok(format!("[MISSING: {}]", missing.message()))
///     }
///     fn get_attr(&self, missing: &Missing<'_>, name: &str) -> Result<Option<haiden::Value>, Error> {
///         UndefinedKind::Chainable.get_attr(missing, name)
///     }
/// }
///
/// let mut environment = Environment::new();
/// environment.set_undefined(Marked);
/// let page = environment.render_str("{{ user.name.first }}{{ items|length }}", haiden::context! { user => 1 })?;
/// assert_eq!(page, "[MISSING: 'int object' has no attribute 'name']0");
/// # Ok::<(), haiden::Error>(())
/// ```
pub trait Undefined: Send + Sync {
    /// The class with its module, as messages name it: `app.Marked`.
    #[expect(clippy::unnecessary_literal_bound, reason = "types may name themselves by their data")]
    fn type_name(&self) -> &str {
        "Undefined"
    }

    /// What printing it writes.
    ///
    /// # Errors
    /// It must not be printed.
    fn to_text(&self, missing: &Missing<'_>) -> Result<String, Error> {
        UndefinedKind::Default.to_text(missing)
    }

    /// Is that text markup, which needs no escaping?
    fn is_markup(&self) -> bool {
        false
    }

    /// Is it true in a condition?
    ///
    /// # Errors
    /// It must not stand in a condition.
    fn is_true(&self, missing: &Missing<'_>) -> Result<bool, Error> {
        UndefinedKind::Default.is_true(missing)
    }

    /// The items to iterate over.
    ///
    /// # Errors
    /// It must not be iterated over.
    fn iterate(&self, missing: &Missing<'_>) -> Result<Vec<Value>, Error> {
        UndefinedKind::Default.iterate(missing)
    }

    /// Its length.
    ///
    /// # Errors
    /// It must not be asked for it.
    fn length(&self, missing: &Missing<'_>) -> Result<usize, Error> {
        UndefinedKind::Default.length(missing)
    }

    /// May it be compared with `==`, be a key, be searched with `in`? Two undefined values of one type are equal, and equal to nothing else.
    ///
    /// # Errors
    /// It may not.
    fn check_equality(&self, missing: &Missing<'_>) -> Result<(), Error> {
        UndefinedKind::Default.check_equality(missing)
    }

    /// `value.name`; `None`: the undefined value itself.
    ///
    /// # Errors
    /// It has no attributes.
    fn get_attr(&self, missing: &Missing<'_>, name: &str) -> Result<Option<Value>, Error> {
        let _ = name;
        Err(self.fail(missing, Misuse::Attribute))
    }

    /// `value[key]`; `None`: the undefined value itself.
    ///
    /// # Errors
    /// It has no items.
    fn get_item(&self, missing: &Missing<'_>, key: &Value) -> Result<Option<Value>, Error> {
        let _ = key;
        Err(self.fail(missing, Misuse::Item))
    }

    /// `value(…)`; `None`: the undefined value itself.
    ///
    /// # Errors
    /// It cannot be called.
    fn call(
        &self,
        missing: &Missing<'_>,
        positional: &[Value],
        keywords: Keywords<'_>,
    ) -> Result<Option<Value>, Error> {
        let _ = (positional, keywords);
        Err(self.fail(missing, Misuse::Call))
    }

    /// The error for a use that it does not allow.
    fn fail(&self, missing: &Missing<'_>, misuse: Misuse) -> Error {
        let _ = misuse;
        missing.error()
    }

    /// The kind of Jinja2's that it is, nothing more and nothing less.
    #[doc(hidden)]
    fn as_kind(&self) -> Option<UndefinedKind> {
        None
    }
}

impl UndefinedKind {
    /// An error if such values must not even be looked at.
    fn look(self, missing: &Missing<'_>) -> Result<(), Error> {
        if self == UndefinedKind::Strict { Err(missing.error()) } else { Ok(()) }
    }

    /// The member of an undefined value.
    fn member(self, missing: &Missing<'_>) -> Result<Option<Value>, Error> {
        if self == UndefinedKind::Chainable { Ok(None) } else { Err(missing.error()) }
    }
}

impl Undefined for UndefinedKind {
    fn type_name(&self) -> &str {
        match self {
            UndefinedKind::Default => "jinja2.runtime.Undefined",
            UndefinedKind::Chainable => "jinja2.runtime.ChainableUndefined",
            UndefinedKind::Debug => "jinja2.runtime.DebugUndefined",
            UndefinedKind::Strict => "jinja2.runtime.StrictUndefined",
        }
    }
    fn to_text(&self, missing: &Missing<'_>) -> Result<String, Error> {
        self.look(missing)?;
        Ok(if *self == UndefinedKind::Debug { missing.debug_text() } else { String::new() })
    }
    fn is_markup(&self) -> bool {
        *self == UndefinedKind::Chainable
    }
    fn is_true(&self, missing: &Missing<'_>) -> Result<bool, Error> {
        self.look(missing).map(|()| false)
    }
    fn iterate(&self, missing: &Missing<'_>) -> Result<Vec<Value>, Error> {
        self.look(missing).map(|()| Vec::new())
    }
    fn length(&self, missing: &Missing<'_>) -> Result<usize, Error> {
        self.look(missing).map(|()| 0)
    }
    fn check_equality(&self, missing: &Missing<'_>) -> Result<(), Error> {
        self.look(missing)
    }
    fn get_attr(&self, missing: &Missing<'_>, _: &str) -> Result<Option<Value>, Error> {
        self.member(missing)
    }
    fn get_item(&self, missing: &Missing<'_>, _: &Value) -> Result<Option<Value>, Error> {
        self.member(missing)
    }
    fn as_kind(&self) -> Option<UndefinedKind> {
        Some(*self)
    }
}

/// An undefined value, as its type sees it: what is missing.
///
/// ```
/// use haiden::{Environment, Error, Missing, Undefined, context};
///
/// /// Prints what was searched where.
/// struct Searched;
///
/// impl Undefined for Searched {
///     fn to_text(&self, missing: &Missing<'_>) -> Result<String, Error> {
///         Ok(format!("no {} in {}", missing.name().unwrap_or("?"), missing.object().unwrap_or("the context".into())))
///     }
/// }
///
/// let mut environment = Environment::new();
/// environment.set_undefined(Searched);
/// let page = environment.render_str("{{ user }}, {{ shop.owner }}", context! { shop => std::collections::HashMap::from([("name", 1)]) })?;
/// assert_eq!(page, "no user in the context, no owner in dict object");
/// # Ok::<(), Error>(())
/// ```
pub struct Missing<'a> {
    host: &'a NativeHost,
    /// Where the host has the reason; `None`: there is none.
    index: Option<u32>,
}

impl<'a> Missing<'a> {
    pub(crate) fn new(host: &'a NativeHost, index: Option<u32>) -> Missing<'a> {
        Missing { host, index }
    }

    /// What errors say: `'user' is undefined`, `'dict object' has no attribute 'name'`, or a message of its own.
    pub fn message(&self) -> String {
        match self.index {
            Some(index) => self.host.undefined_message(index),
            None => "a variable is not set".to_owned(),
        }
    }

    /// The name of the variable, attribute or item; `None` if a message says why the value is missing.
    pub fn name(&self) -> Option<&'a str> {
        self.host.undefined_name(self.index?)
    }

    /// What the attribute or item was searched in: `dict object`.
    pub fn object(&self) -> Option<String> {
        self.host.undefined_object(self.index?)
    }

    /// Jinja2's error for it: [`ErrorKind::Undefined`], or
    /// [`ErrorKind::Security`] for what a sandbox forbids.
    pub fn error(&self) -> Error {
        self.host.missing_error(self.index)
    }

    fn debug_text(&self) -> String {
        self.index.map(|index| self.host.debug_text(index)).unwrap_or_default()
    }
}

impl fmt::Debug for Missing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Missing").field(&self.message()).finish()
    }
}

/// How grave it is what a [`LoggingUndefined`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogLevel {
    /// An undefined value was printed, iterated over, or stood in a condition.
    Warning,
    /// An attribute of one was asked for, or it was the name of a template.
    Error,
}

/// Reports uses of undefined values to a callback, and leaves what they do to another type: Jinja2's `make_logging_undefined`.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use haiden::{Environment, LogLevel, LoggingUndefined, UndefinedKind};
///
/// let lines = Arc::new(Mutex::new(Vec::new()));
/// let log = lines.clone();
/// let undefined = LoggingUndefined::new(UndefinedKind::Chainable, move |level, message| {
///     assert_eq!(level, LogLevel::Warning);
///     log.lock().unwrap().push(message.to_owned());
/// });
///
/// let mut environment = Environment::new();
/// environment.set_undefined(undefined);
/// assert_eq!(environment.render_str("Hello {{ user.name }}!", haiden::context! {})?, "Hello !");
/// assert_eq!(*lines.lock().unwrap(), ["Template variable warning: 'user' is undefined"]);
/// # Ok::<(), haiden::Error>(())
/// ```
pub struct LoggingUndefined<U, F> {
    base: U,
    log: F,
}

impl<U: Undefined, F: Fn(LogLevel, &str) + Send + Sync> LoggingUndefined<U, F> {
    /// Undefined values that do what those of `base` do, and tell `log` about it.
    pub fn new(base: U, log: F) -> LoggingUndefined<U, F> {
        LoggingUndefined { base, log }
    }

    fn warn(&self, missing: &Missing<'_>) {
        (self.log)(LogLevel::Warning, &format!("Template variable warning: {}", missing.message()));
    }

    /// Tells about an error where Jinja2 does: not of each use, and not of another error of the type's own.
    fn report(&self, error: Error, misuse: Misuse) -> Error {
        let own = matches!(error.kind(), ErrorKind::Undefined | ErrorKind::Security);
        if own && matches!(misuse, Misuse::Attribute | Misuse::Template) {
            (self.log)(LogLevel::Error, &format!("Template variable error: {}", error.message()));
        }
        error
    }
}

impl<U: Undefined, F: Fn(LogLevel, &str) + Send + Sync> Undefined for LoggingUndefined<U, F> {
    fn type_name(&self) -> &'static str {
        "jinja2.runtime.LoggingUndefined"
    }
    fn to_text(&self, missing: &Missing<'_>) -> Result<String, Error> {
        self.warn(missing);
        self.base.to_text(missing)
    }
    fn is_markup(&self) -> bool {
        self.base.is_markup()
    }
    fn is_true(&self, missing: &Missing<'_>) -> Result<bool, Error> {
        self.warn(missing);
        self.base.is_true(missing)
    }
    fn iterate(&self, missing: &Missing<'_>) -> Result<Vec<Value>, Error> {
        self.warn(missing);
        self.base.iterate(missing)
    }
    fn length(&self, missing: &Missing<'_>) -> Result<usize, Error> {
        self.base.length(missing)
    }
    fn check_equality(&self, missing: &Missing<'_>) -> Result<(), Error> {
        self.base.check_equality(missing)
    }
    fn get_attr(&self, missing: &Missing<'_>, name: &str) -> Result<Option<Value>, Error> {
        self.base.get_attr(missing, name).map_err(|error| self.report(error, Misuse::Attribute))
    }
    fn get_item(&self, missing: &Missing<'_>, key: &Value) -> Result<Option<Value>, Error> {
        self.base.get_item(missing, key)
    }
    fn call(
        &self,
        missing: &Missing<'_>,
        positional: &[Value],
        keywords: Keywords<'_>,
    ) -> Result<Option<Value>, Error> {
        // Jinja2 looks for a mark at whatever it calls.
        self.get_attr(missing, "jinja_pass_arg")?;
        self.base.call(missing, positional, keywords)
    }
    fn fail(&self, missing: &Missing<'_>, misuse: Misuse) -> Error {
        self.report(self.base.fail(missing, misuse), misuse)
    }
}
