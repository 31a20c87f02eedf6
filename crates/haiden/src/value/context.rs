//! What templates are rendered with: `context!`, and data that becomes a context.

use std::sync::Arc;

use serde::ser::Serialize;

use crate::error::Error;
use crate::value::serialize::{Paused, Writer};
use crate::value::value::{Repr, Value};

/// What a template is rendered with: see [`context!`](crate::context!).
#[doc(hidden)]
pub struct ContextBuilder {
    writer: Writer,
    variables: Result<Paused, Error>,
}

impl Default for ContextBuilder {
    fn default() -> ContextBuilder {
        let mut writer = Writer::for_render();
        let variables = Paused::new(&mut writer);
        ContextBuilder { writer, variables }
    }
}

impl ContextBuilder {
    /// Adds a variable.
    #[must_use]
    pub fn with<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> ContextBuilder {
        let ContextBuilder { mut writer, variables } = self;
        let variables = variables.and_then(|variables| variables.with(&mut writer, name, value));
        ContextBuilder { writer, variables }
    }

    /// The dict of all variables.
    pub fn build(self) -> Context {
        let ContextBuilder { mut writer, variables } = self;
        let word = variables.and_then(|variables| variables.finish(&mut writer));
        Context(word.map(|word| Value(Repr::Arena(Arc::new(writer.finish_for_render()), word))))
    }
}

/// The variables of [`context!`](crate::context!), or why one of them cannot be a value.
///
/// ```
/// use haiden::{Context, Environment, context};
///
/// let shop: Context = context! { shop => "Corner" };
/// assert_eq!(Environment::new().render_str("{{ shop }}", &shop)?, "Corner");
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Debug)]
pub struct Context(Result<Value, Error>);

/// What [`Template::render`](crate::Template::render) takes: a [`Value`] made before, `context! {..}`, or any data that
/// serde can serialize to a mapping.
///
/// ```
/// use std::collections::HashMap;
///
/// use haiden::{Environment, Value, context};
///
/// #[derive(serde::Serialize)]
/// struct Page { title: &'static str }
///
/// let template = Environment::new().template_from_str("<{{ title }}>")?;
/// assert_eq!(template.render(context! { title => "T" })?, "<T>");
/// assert_eq!(template.render(&Page { title: "T" })?, "<T>");
/// assert_eq!(template.render(&HashMap::from([("title", "T")]))?, "<T>");
/// // Made into values once, for many renders.
/// let page = Value::from_serialize(&Page { title: "T" })?;
/// assert_eq!(template.render(&page)?, "<T>");
/// # Ok::<(), haiden::Error>(())
/// ```
pub trait IntoContext {
    /// The variables.
    ///
    /// ```
    /// use haiden::{Environment, IntoContext, context};
    ///
    /// let values = context! { a => 1 }.into_context()?;
    /// assert_eq!(values.to_string(), "{'a': 1}");
    /// // A text is data that serde can serialize, but no mapping: it has no variables.
    /// assert!(Environment::new().render_str("{{ a }}", "text").is_err());
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// Why they cannot be values.
    fn into_context(self) -> Result<Value, Error>;
}

impl IntoContext for Context {
    fn into_context(self) -> Result<Value, Error> {
        self.0
    }
}

impl IntoContext for &Context {
    fn into_context(self) -> Result<Value, Error> {
        match &self.0 {
            Ok(value) => Ok(value.clone()),
            Err(error) => Err(error.clone()),
        }
    }
}

impl<T: Serialize + ?Sized> IntoContext for &T
where
    T: NotContext,
{
    fn into_context(self) -> Result<Value, Error> {
        self.to_context()
    }
}

/// Data that becomes a context through serde; a [`Value`] is one already.
#[doc(hidden)]
pub trait NotContext: Serialize {
    /// The context.
    fn to_context(&self) -> Result<Value, Error> {
        Value::for_render(self)
    }
}
impl<T: Serialize + ?Sized> NotContext for T {}

/// Variables for a render, by name: `context! { name => value, other }`.
///
/// Values are anything that serde can serialize, [`Value`]s included.
///
/// ```
/// let items = vec!["a", "b"];
/// let page = haiden::Environment::new()
///     .render_str("{{ title }}: {{ items | join(', ') }}", haiden::context! { title => "Things", items })?;
/// assert_eq!(page, "Things: a, b");
/// # Ok::<(), haiden::Error>(())
/// ```
#[macro_export]
macro_rules! context {
    ($($name:ident $(=> $value:expr)?),* $(,)?) => {
        $crate::__private::ContextBuilder::default()
            $(.with(stringify!($name), $crate::__context_value!($name $(=> $value)?)))*
            .build()
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __context_value {
    ($name:ident) => {
        &$name
    };
    ($name:ident => $value:expr) => {
        &$value
    };
}
