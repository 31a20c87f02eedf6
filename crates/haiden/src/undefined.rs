//! Undefined types: what a value that is not there does when a template uses it.
//!
//! In: which value is missing ([`Missing`]) and what is done with it. Out: a text, a truth, items, or an error. The four kinds
//! that Jinja2 has ([`UndefinedKind`]), one that reports to a callback ([`LoggingUndefined`]), and what users write.
//!
//! Invariant: a type has no state of its own in a render; the value that is missing arrives with each question.

mod logging;
mod missing;

pub use self::logging::{LogLevel, LoggingUndefined};
pub use self::missing::Missing;
use crate::error::Error;
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
    ///
    /// ```
    /// use haiden::{Environment, Undefined, context};
    ///
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn type_name(&self) -> &str { "app.Own" }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// let error = environment.render_str("{{ nothing|tojson }}", context! {}).unwrap_err();
    /// assert_eq!(error.message(), "Object of type Own is not JSON serializable");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    #[expect(clippy::unnecessary_literal_bound, reason = "types may name themselves by their data")]
    fn type_name(&self) -> &str {
        "Undefined"
    }

    /// What printing it writes.
    ///
    /// ```
    /// use haiden::{Environment, Error, Missing, Undefined, context};
    ///
    /// /// Says in the page what to fill in.
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn to_text(&self, missing: &Missing<'_>) -> Result<String, Error> {
    ///         Ok(format!("<{}?>", missing.name().unwrap_or_default()))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// assert_eq!(environment.render_str("Dear {{ name }}", context! {})?, "Dear <name?>");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// It must not be printed.
    fn to_text(&self, missing: &Missing<'_>) -> Result<String, Error> {
        UndefinedKind::Default.to_text(missing)
    }

    /// Is that text markup, which needs no escaping?
    ///
    /// ```
    /// use haiden::{Environment, Error, Missing, Undefined, context};
    ///
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn to_text(&self, _: &Missing<'_>) -> Result<String, Error> { Ok("<b>?</b>".to_owned()) }
    ///     fn is_markup(&self) -> bool { true }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// environment.set_autoescape(haiden::AutoEscape::On);
    /// assert_eq!(environment.render_str("{{ nothing }} {{ '<' }}", context! {})?, "<b>?</b> &lt;");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn is_markup(&self) -> bool {
        false
    }

    /// Is it true in a condition?
    ///
    /// ```
    /// use haiden::{Environment, Error, Missing, Undefined, context};
    ///
    /// /// May be printed; a condition that asks it has a misspelt name.
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn is_true(&self, missing: &Missing<'_>) -> Result<bool, Error> { Err(missing.error()) }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// assert_eq!(environment.render_str("{{ user_name }}", context! {})?, "");
    /// assert!(environment.render_str("{% if user_name %}yes{% endif %}", context! { username => 1 }).is_err());
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// It must not stand in a condition.
    fn is_true(&self, missing: &Missing<'_>) -> Result<bool, Error> {
        UndefinedKind::Default.is_true(missing)
    }

    /// The items to iterate over.
    ///
    /// ```
    /// use haiden::{Environment, Error, Missing, Undefined, Value, context};
    ///
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn iterate(&self, _: &Missing<'_>) -> Result<Vec<Value>, Error> { Ok(vec![Value::from("nothing here")]) }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// assert_eq!(environment.render_str("{% for item in items %}<li>{{ item }}{% endfor %}", context! {})?, "<li>nothing here");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// It must not be iterated over.
    fn iterate(&self, missing: &Missing<'_>) -> Result<Vec<Value>, Error> {
        UndefinedKind::Default.iterate(missing)
    }

    /// Its length.
    ///
    /// ```
    /// use haiden::{Environment, Error, Missing, Undefined, context};
    ///
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn length(&self, missing: &Missing<'_>) -> Result<usize, Error> { Err(missing.error()) }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// let error = environment.render_str("{{ items|length }}", context! {}).unwrap_err();
    /// assert_eq!(error.message(), "'items' is undefined");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// It must not be asked for it.
    fn length(&self, missing: &Missing<'_>) -> Result<usize, Error> {
        UndefinedKind::Default.length(missing)
    }

    /// May it be compared with `==`, be a key, be searched with `in`? Two undefined values of one type are equal, and equal to nothing else.
    ///
    /// ```
    /// use haiden::{Environment, Error, Missing, Undefined, context};
    ///
    /// /// To compare it is a mistake.
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn check_equality(&self, missing: &Missing<'_>) -> Result<(), Error> { Err(missing.error()) }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// assert!(environment.render_str("{{ status == 'open' }}", context! { state => "open" }).is_err(), "misspelt");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// It may not.
    fn check_equality(&self, missing: &Missing<'_>) -> Result<(), Error> {
        UndefinedKind::Default.check_equality(missing)
    }

    /// `value.name`; `None`: the undefined value itself.
    ///
    /// ```
    /// use haiden::{Environment, Error, Missing, Undefined, Value, context};
    ///
    /// /// Links lead nowhere; of any other attribute there is no end.
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn get_attr(&self, _: &Missing<'_>, name: &str) -> Result<Option<Value>, Error> {
    ///         Ok((name == "url").then(|| Value::from("#")))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// assert_eq!(environment.render_str("{{ user.url }} {{ user.friend.url }}", context! {})?, "# #");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// It has no attributes.
    fn get_attr(&self, missing: &Missing<'_>, name: &str) -> Result<Option<Value>, Error> {
        let _ = name;
        Err(self.fail(missing, Misuse::Attribute))
    }

    /// `value[key]`; `None`: the undefined value itself.
    ///
    /// ```
    /// use haiden::{Environment, Error, Missing, Undefined, Value, context};
    ///
    /// /// A table without entries shows the keys.
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn get_item(&self, _: &Missing<'_>, key: &Value) -> Result<Option<Value>, Error> {
    ///         Ok(Some(Value::from(format!("[{key}]"))))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// assert_eq!(environment.render_str("{{ texts['hello'] }}", context! {})?, "[hello]");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// It has no items.
    fn get_item(&self, missing: &Missing<'_>, key: &Value) -> Result<Option<Value>, Error> {
        let _ = key;
        Err(self.fail(missing, Misuse::Item))
    }

    /// `value(…)`; `None`: the undefined value itself.
    ///
    /// ```
    /// use haiden::{Environment, Error, Keywords, Missing, Undefined, Value, context};
    ///
    /// /// A function that is not there gives its argument back.
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn call(&self, _: &Missing<'_>, positional: &[Value], _: Keywords<'_>) -> Result<Option<Value>, Error> {
    ///         Ok(positional.first().cloned())
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// assert_eq!(environment.render_str("{{ translate('Hello') }}", context! {})?, "Hello");
    /// # Ok::<(), haiden::Error>(())
    /// ```
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
    ///
    /// ```
    /// use haiden::{Environment, Error, ErrorKind, Missing, Misuse, Undefined, context};
    ///
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn fail(&self, missing: &Missing<'_>, misuse: Misuse) -> Error {
    ///         let what = if misuse == Misuse::Call { "no such function" } else { "no such value" };
    ///         Error::new(ErrorKind::Undefined, format!("{what}: {}", missing.name().unwrap_or_default()))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// let fails = |source| environment.render_str(source, context! {}).unwrap_err().message().to_owned();
    /// assert_eq!((fails("{{ f() }}"), fails("{{ x + 1 }}")), ("no such function: f".into(), "no such value: x".into()));
    /// # Ok::<(), haiden::Error>(())
    /// ```
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
