//! Arguments with a name.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{Argument, Source, unexpected_keyword};
use crate::error::Error;
use crate::value::host::NativeHost;
use crate::value::value::Value;
use crate::value::word::Word;

/// The arguments with a name that a function was called with: its last parameter, if it takes any.
///
/// ```
/// use haiden::{Environment, KeywordArguments};
///
/// let mut environment = Environment::new();
/// environment.add_filter("money", |amount: f64, keywords: KeywordArguments| -> Result<String, haiden::Error> {
///     keywords.only(&["unit"])?;
///     Ok(format!("{amount:.2} {}", keywords.get("unit").and_then(|unit| unit.as_str()).unwrap_or("EUR")))
/// });
/// assert_eq!(environment.render_str("{{ 3|money }}, {{ 3|money(unit='CHF') }}", haiden::context! {})?, "3.00 EUR, 3.00 CHF");
/// let error = environment.render_str("{{ 3|money(uint='CHF') }}", haiden::context! {}).unwrap_err();
/// assert_eq!(error.message(), "money() got an unexpected keyword argument 'uint'");
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct KeywordArguments {
    function: Arc<str>,
    values: Vec<(String, Value)>,
}

impl KeywordArguments {
    /// The argument of this name, if it was given.
    ///
    /// ```
    /// use haiden::{Environment, KeywordArguments, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_function("link", |to: &str, keywords: KeywordArguments| match keywords.get("title") {
    ///     Some(title) => format!("{title}: {to}"),
    ///     None => to.to_owned(),
    /// });
    /// assert_eq!(environment.render_str("{{ link('/') }} {{ link('/', title='Home') }}", context! {})?, "/ Home: /");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The argument of this name as any type that serde can deserialize; `None` if it was not given, or is `None`.
    ///
    /// ```
    /// use haiden::{Environment, Error, KeywordArguments, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_filter("cut", |text: &str, named: &KeywordArguments| -> Result<String, Error> {
    ///     let at: usize = named.get_as("at")?.unwrap_or(3);
    ///     Ok(text.chars().take(at).collect())
    /// });
    /// assert_eq!(environment.render_str("{{ 'abcdef'|cut }} {{ 'abcdef'|cut(at=2) }}", context! {})?, "abc ab");
    /// let error = environment.render_str("{{ 'abcdef'|cut(at=-1) }}", context! {}).unwrap_err();
    /// assert_eq!(error.message(), "cut() argument 'at': integer -1 does not fit in u64");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// It does not fit the type.
    pub fn get_as<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.deserialize_into().map_err(|error| {
            let quoted = crate::value::host::quoted(name);
            Error::new(error.kind(), format!("{}() argument {quoted}: {}", self.function, error.message()))
        })
    }

    /// The arguments in the order of the call.
    ///
    /// ```
    /// use haiden::{Environment, KeywordArguments, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_function("query", |keywords: KeywordArguments| {
    ///     keywords.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    /// });
    /// assert_eq!(environment.render_str("{{ query(page=2, q='tea') }}", context! {})?, "page=2&q=tea");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(name, value)| (&**name, value))
    }

    /// An error if there are others than these.
    ///
    /// ```
    /// use haiden::{Environment, Error, KeywordArguments, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_function("link", |keywords: KeywordArguments| -> Result<&str, Error> {
    ///     keywords.only(&["to", "title"])?;
    ///     Ok("a link")
    /// });
    /// assert_eq!(environment.render_str("{{ link(to='/') }}", context! {})?, "a link");
    /// let error = environment.render_str("{{ link(heading='x') }}", context! {}).unwrap_err();
    /// assert_eq!(error.message(), "link() got an unexpected keyword argument 'heading'");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// Python's `TypeError` for a keyword that a function does not have.
    pub fn only(&self, names: &[&str]) -> Result<(), Error> {
        match self.values.iter().find(|(name, _)| !names.contains(&&**name)) {
            Some((name, _)) => Err(unexpected_keyword(&self.function, name)),
            None => Ok(()),
        }
    }
}

impl Argument for KeywordArguments {
    type Held = KeywordArguments;
    type Given<'a> = KeywordArguments;
    fn hold(_: &mut NativeHost, _: Word) -> Option<KeywordArguments> {
        None
    }
    fn give<'a>(held: &'a KeywordArguments, _: &'a Source<'a>) -> KeywordArguments {
        held.clone()
    }
    const NAME: &'static str = "arguments with a name";
    const TAKES_KEYWORDS: bool = true;
    fn hold_keywords(
        host: &mut NativeHost,
        name: &str,
        keywords: &[(&str, Word)],
    ) -> Result<Option<Self>, Error> {
        let values = keywords.iter().map(|(name, word)| Ok(((*name).to_owned(), host.value(*word)?)));
        let values = values.collect::<Result<_, Error>>()?;
        Ok(Some(KeywordArguments { function: name.into(), values }))
    }
}
