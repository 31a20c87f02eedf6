//! Undefined values that are reported.
//!
//! In: another type, and a callback. Out: that type's answers; the callback hears of them where Jinja2's logger does.

use super::{Missing, Misuse, Undefined};
use crate::error::{Error, ErrorKind};
use crate::value::object::Keywords;
use crate::value::value::Value;

/// How grave it is what a [`LoggingUndefined`] tells.
///
/// ```
/// use haiden::LogLevel;
///
/// // As the crate `log` would have it.
/// let name = |level: LogLevel| match level {
///     LogLevel::Warning => "WARN",
///     LogLevel::Error => "ERROR",
/// };
/// assert_eq!(name(LogLevel::Error), "ERROR");
/// ```
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
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    ///
    /// use haiden::{Environment, LoggingUndefined, UndefinedKind, context};
    ///
    /// let count = Arc::new(AtomicUsize::new(0));
    /// let counted = count.clone();
    /// let mut environment = Environment::new();
    /// environment.set_undefined(LoggingUndefined::new(UndefinedKind::Default, move |_, _| {
    ///     counted.fetch_add(1, Relaxed);
    /// }));
    /// environment.render_str("{{ a }} {{ b }} {{ c is defined }}", context! {})?;
    /// assert_eq!(count.load(Relaxed), 2, "to ask whether it is defined is no use of it");
    /// # Ok::<(), haiden::Error>(())
    /// ```
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
