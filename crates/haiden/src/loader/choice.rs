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
    pub fn new() -> ChoiceLoader {
        ChoiceLoader::default()
    }

    /// These loaders, then `loader`.
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
