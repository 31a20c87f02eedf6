//! Loaders by the first part of a name.

use std::collections::BTreeMap;

use crate::loader::{LoadError, Loader, Source};

/// Chooses a loader by the part of the name before the delimiter, and asks it for the rest.
///
/// ```
/// use haiden::loader::{DictLoader, Loader, PrefixLoader};
///
/// let loader = PrefixLoader::new("/").with("mail", DictLoader::new([("order.txt", "Thank you!")]));
/// assert_eq!(loader.get_source("mail/order.txt")?.text, "Thank you!");
/// assert!(loader.get_source("order.txt").is_err());
/// # Ok::<(), haiden::loader::LoadError>(())
/// ```
pub struct PrefixLoader {
    delimiter: String,
    loaders: BTreeMap<String, Box<dyn Loader>>,
}

impl PrefixLoader {
    /// No loader yet; prefixes end at `delimiter`.
    ///
    /// ```
    /// use haiden::loader::{DictLoader, Loader, PrefixLoader};
    ///
    /// let loader = PrefixLoader::new("::").with("forms", DictLoader::new([("field", "<input>")]));
    /// assert_eq!(loader.get_source("forms::field")?.text, "<input>");
    /// # Ok::<(), haiden::loader::LoadError>(())
    /// ```
    pub fn new(delimiter: impl Into<String>) -> PrefixLoader {
        PrefixLoader { delimiter: delimiter.into(), loaders: BTreeMap::new() }
    }

    /// These loaders, and `loader` for names that start with `prefix`.
    ///
    /// ```
    /// use haiden::loader::{DictLoader, Loader, PrefixLoader};
    ///
    /// let loader = PrefixLoader::new("/").with("shop", DictLoader::new([("a", "")])).with("mail", DictLoader::new([("b", "")]));
    /// assert_eq!(loader.list_templates()?, ["mail/b", "shop/a"]);
    /// # Ok::<(), haiden::loader::LoadError>(())
    /// ```
    #[must_use]
    pub fn with(mut self, prefix: impl Into<String>, loader: impl Loader + 'static) -> PrefixLoader {
        self.loaders.insert(prefix.into(), Box::new(loader));
        self
    }
}

impl Loader for PrefixLoader {
    fn get_source(&self, name: &str) -> Result<Source, LoadError> {
        let found = name
            .split_once(&*self.delimiter)
            .and_then(|(prefix, rest)| self.loaders.get(prefix).map(|loader| (loader, rest)));
        let Some((loader, rest)) = found else { return Err(LoadError::NotFound(None)) };
        match loader.get_source(rest) {
            // The rest of the name means nothing to whoever asked.
            Err(LoadError::NotFound(_)) => Err(LoadError::NotFound(None)),
            outcome => outcome,
        }
    }

    fn list_templates(&self) -> Result<Vec<String>, LoadError> {
        let mut names = Vec::new();
        for (prefix, loader) in &self.loaders {
            let rest = loader.list_templates()?;
            names.extend(rest.into_iter().map(|name| format!("{prefix}{}{name}", self.delimiter)));
        }
        names.sort();
        Ok(names)
    }
}
