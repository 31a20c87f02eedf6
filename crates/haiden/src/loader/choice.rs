//! The first of several loaders that has a template.

use std::collections::BTreeSet;

use crate::loader::{LoadError, Loader, Source};

/// Asks several loaders in turn; the first that has the template wins.
///
/// ```
/// use haiden::loader::{ChoiceLoader, DictLoader, Loader};
///
/// let own = DictLoader::new([("a", "own a")]);
/// let shared = DictLoader::new([("a", "shared a"), ("b", "shared b")]);
/// let loader = ChoiceLoader::new().or(own).or(shared);
/// assert_eq!(loader.get_source("a")?.text, "own a");
/// assert_eq!(loader.get_source("b")?.text, "shared b");
/// # Ok::<(), haiden::loader::LoadError>(())
/// ```
#[derive(Default)]
pub struct ChoiceLoader {
    loaders: Vec<Box<dyn Loader>>,
}

impl ChoiceLoader {
    /// No loader yet: nothing is found.
    ///
    /// ```
    /// use haiden::loader::{ChoiceLoader, LoadError, Loader};
    ///
    /// assert_eq!(ChoiceLoader::new().get_source("a").unwrap_err(), LoadError::NotFound(None));
    /// ```
    pub fn new() -> ChoiceLoader {
        ChoiceLoader::default()
    }

    /// These loaders, then `loader`.
    ///
    /// ```
    /// use haiden::loader::{ChoiceLoader, DictLoader, FileSystemLoader, Loader};
    ///
    /// // What users have changed, then what the program brings along.
    /// let loader = ChoiceLoader::new().or(FileSystemLoader::new("overrides")).or(DictLoader::new([("a", "A")]));
    /// assert_eq!(loader.get_source("a")?.text, "A");
    /// # Ok::<(), haiden::loader::LoadError>(())
    /// ```
    #[must_use]
    pub fn or(mut self, loader: impl Loader + 'static) -> ChoiceLoader {
        self.loaders.push(Box::new(loader));
        self
    }
}

impl Loader for ChoiceLoader {
    fn get_source(&self, name: &str) -> Result<Source, LoadError> {
        for loader in &self.loaders {
            match loader.get_source(name) {
                Err(LoadError::NotFound(_)) => {}
                outcome => return outcome,
            }
        }
        Err(LoadError::NotFound(None))
    }

    fn list_templates(&self) -> Result<Vec<String>, LoadError> {
        let mut names = BTreeSet::new();
        for loader in &self.loaders {
            names.extend(loader.list_templates()?);
        }
        Ok(names.into_iter().collect())
    }
}
