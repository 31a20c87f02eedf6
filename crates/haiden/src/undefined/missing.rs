//! What is missing, for the type of the undefined value.
//!
//! In: the host's note of why a value is undefined. Out: names, messages, the error.

use std::fmt;

use crate::error::Error;
use crate::value::host::NativeHost;

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
    ///
    /// ```
    /// use haiden::{Environment, Error, Missing, Undefined, context};
    ///
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn to_text(&self, missing: &Missing<'_>) -> Result<String, Error> {
    ///         Ok(missing.message())
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// let page = environment.render_str("{{ a }}; {{ b.c }}; {{ 'x'|first|default(d) }}", context! { b => 1 })?;
    /// assert_eq!(page, "'a' is undefined; 'int object' has no attribute 'c'; x");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn message(&self) -> String {
        match self.index {
            Some(index) => self.host.undefined_message(index),
            None => "a variable is not set".to_owned(),
        }
    }

    /// The name of the variable, attribute or item; `None` if a message says why the value is missing.
    ///
    /// ```
    /// use haiden::{Environment, Error, Missing, Undefined, context};
    ///
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn to_text(&self, missing: &Missing<'_>) -> Result<String, Error> {
    ///         Ok(format!("{:?}", missing.name()))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// let page = environment.render_str("{{ a }} {{ b.c }} {{ []|first }}", context! { b => 1 })?;
    /// assert_eq!(page, r#"Some("a") Some("c") None"#);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn name(&self) -> Option<&'a str> {
        self.host.undefined_name(self.index?)
    }

    /// What the attribute or item was searched in: `dict object`.
    ///
    /// ```
    /// use haiden::{Environment, Error, Missing, Undefined, context};
    ///
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn to_text(&self, missing: &Missing<'_>) -> Result<String, Error> {
    ///         Ok(missing.object().unwrap_or_else(|| "variable".to_owned()))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// assert_eq!(environment.render_str("{{ a }}, {{ 'text'.size }}", context! {})?, "variable, str object");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn object(&self) -> Option<String> {
        self.host.undefined_object(self.index?)
    }

    /// Jinja2's error for it: [`ErrorKind::Undefined`](crate::ErrorKind::Undefined), or
    /// [`ErrorKind::Security`](crate::ErrorKind::Security) for what a sandbox forbids.
    ///
    /// ```
    /// use haiden::{Environment, Error, Missing, Undefined, context};
    ///
    /// struct Own;
    ///
    /// impl Undefined for Own {
    ///     fn to_text(&self, missing: &Missing<'_>) -> Result<String, Error> {
    ///         Err(missing.error())
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(Own);
    /// let error = environment.render_str("Hello {{ name }}", context! {}).unwrap_err();
    /// assert_eq!((error.kind(), error.message()), (haiden::ErrorKind::Undefined, "'name' is undefined"));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn error(&self) -> Error {
        self.host.missing_error(self.index)
    }

    pub(super) fn debug_text(&self) -> String {
        self.index.map(|index| self.host.debug_text(index)).unwrap_or_default()
    }
}

impl fmt::Debug for Missing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Missing").field(&self.message()).finish()
    }
}
