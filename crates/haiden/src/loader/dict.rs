//! Templates in a map.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::loader::{LoadError, Loader, Source};

type Templates = Arc<RwLock<BTreeMap<String, Arc<str>>>>;

/// Templates in a map from name to source. Clones share the map.
///
/// ```
/// use haiden::loader::{DictLoader, Loader};
///
/// let loader = DictLoader::new([("index.html", "hello")]);
/// loader.insert("about.html", "us");
/// assert_eq!(loader.list_templates()?, ["about.html", "index.html"]);
/// # Ok::<(), haiden::loader::LoadError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct DictLoader {
    templates: Templates,
}

impl DictLoader {
    /// The loader of these templates.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.set_loader(haiden::loader::DictLoader::new([("a", "A{{ n }}"), ("b", "B")]));
    /// assert_eq!(environment.get_template("a")?.render(haiden::context! { n => 1 })?, "A1");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn new<N: Into<String>, S: AsRef<str>>(templates: impl IntoIterator<Item = (N, S)>) -> DictLoader {
        let templates =
            templates.into_iter().map(|(name, source)| (name.into(), Arc::from(source.as_ref()))).collect();
        DictLoader { templates: Arc::new(RwLock::new(templates)) }
    }

    /// Adds or replaces a template. An environment with `auto_reload` sees the change.
    ///
    /// ```
    /// let loader = haiden::loader::DictLoader::default();
    /// let mut environment = haiden::Environment::new();
    /// environment.set_loader(loader.clone());
    /// loader.insert("a", "old");
    /// assert_eq!(environment.get_template("a")?.render(haiden::context! {})?, "old");
    /// loader.insert("a", "new");
    /// assert_eq!(environment.get_template("a")?.render(haiden::context! {})?, "new");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn insert(&self, name: impl Into<String>, source: impl AsRef<str>) {
        let mut templates = self.templates.write().unwrap_or_else(PoisonError::into_inner);
        templates.insert(name.into(), Arc::from(source.as_ref()));
    }

    /// Removes a template; says whether there was one.
    ///
    /// ```
    /// let loader = haiden::loader::DictLoader::new([("a", "A")]);
    /// assert!(loader.remove("a"));
    /// assert!(!loader.remove("a"));
    /// ```
    pub fn remove(&self, name: &str) -> bool {
        self.templates.write().unwrap_or_else(PoisonError::into_inner).remove(name).is_some()
    }
}

fn source_of(templates: &Templates, name: &str) -> Option<Arc<str>> {
    templates.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
}

impl Loader for DictLoader {
    fn get_source(&self, name: &str) -> Result<Source, LoadError> {
        let text = source_of(&self.templates, name).ok_or(LoadError::NotFound(None))?;
        let (templates, name, loaded) = (self.templates.clone(), name.to_owned(), text.clone());
        let up_to_date = move || source_of(&templates, &name).is_some_and(|now| now == loaded);
        Ok(Source { text: text.as_ref().to_owned(), filename: None, up_to_date: Some(Arc::new(up_to_date)) })
    }

    fn list_templates(&self) -> Result<Vec<String>, LoadError> {
        Ok(self.templates.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect())
    }
}
