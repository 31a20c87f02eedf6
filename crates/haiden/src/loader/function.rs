//! Templates from a function.

use crate::loader::{LoadError, Loader, Source};

/// Asks a function for each template; `Ok(None)` is a template that does not exist.
///
/// ```
/// use haiden::loader::{FunctionLoader, LoadError, Source};
///
/// let loader = FunctionLoader::new(|name: &str| -> Result<Option<Source>, LoadError> {
///     Ok(name.strip_prefix("hello/").map(|who| Source::new(format!("Hello {who}!"))))
/// });
/// let mut environment = haiden::Environment::new();
/// environment.set_loader(loader);
/// assert_eq!(environment.get_template("hello/you")?.render(haiden::context! {})?, "Hello you!");
/// # Ok::<(), haiden::Error>(())
/// ```
pub struct FunctionLoader<F> {
    function: F,
}

impl<F: Fn(&str) -> Result<Option<Source>, LoadError> + Send + Sync> FunctionLoader<F> {
    /// The loader that asks `function`.
    ///
    /// ```
    /// use haiden::loader::{FunctionLoader, LoadError, Source};
    ///
    /// let mut environment = haiden::Environment::new();
    /// environment.set_loader(FunctionLoader::new(|name| match name {
    ///     "a" => Ok(Some(Source::new("A"))),
    ///     "locked" => Err(LoadError::Unreadable("it is locked".to_owned())),
    ///     _ => Ok(None),
    /// }));
    /// assert_eq!(environment.get_template("a")?.render(haiden::context! {})?, "A");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn new(function: F) -> FunctionLoader<F> {
        FunctionLoader { function }
    }
}

impl<F: Fn(&str) -> Result<Option<Source>, LoadError> + Send + Sync> Loader for FunctionLoader<F> {
    fn get_source(&self, name: &str) -> Result<Source, LoadError> {
        (self.function)(name)?.ok_or(LoadError::NotFound(None))
    }
}
