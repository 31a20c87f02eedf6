//! Which template: by name, the first of several names, a list of all; and overlays, environments that differ a little.
//!
//! In: names, or what stands for them ([`Selection`]). Out: templates, with Jinja2's errors.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::environment::{Environment, Inner};
use crate::error::{Error, ErrorKind};
use crate::loader::LoadError;
use crate::template::Template;

/// A template, its name, or several names of which the first that exists is meant.
///
/// Texts, slices and templates turn into one: see [`Environment::get_or_select_template`].
#[derive(Clone)]
#[non_exhaustive]
pub enum Selection<'a> {
    /// One name.
    Name(&'a str),
    /// Several names, in the order in which they are tried.
    Names(Vec<&'a str>),
    /// A template that was loaded before.
    Template(Template),
}

impl<'a> From<&'a str> for Selection<'a> {
    fn from(name: &'a str) -> Selection<'a> {
        Selection::Name(name)
    }
}

impl<'a> From<&'a String> for Selection<'a> {
    fn from(name: &'a String) -> Selection<'a> {
        Selection::Name(name)
    }
}

impl<'a, N: AsRef<str>> From<&'a [N]> for Selection<'a> {
    fn from(names: &'a [N]) -> Selection<'a> {
        Selection::Names(names.iter().map(AsRef::as_ref).collect())
    }
}

impl<'a, N: AsRef<str>, const COUNT: usize> From<&'a [N; COUNT]> for Selection<'a> {
    fn from(names: &'a [N; COUNT]) -> Selection<'a> {
        Selection::from(&names[..])
    }
}

impl<'a, N: AsRef<str>> From<&'a Vec<N>> for Selection<'a> {
    fn from(names: &'a Vec<N>) -> Selection<'a> {
        Selection::from(&names[..])
    }
}

impl From<Template> for Selection<'_> {
    fn from(template: Template) -> Self {
        Selection::Template(template)
    }
}

impl From<&Template> for Selection<'_> {
    fn from(template: &Template) -> Self {
        Selection::Template(template.clone())
    }
}

impl Environment {
    /// The template of this name.
    ///
    /// # Errors
    /// There is none, it cannot be read, or its source is wrong.
    pub fn get_template(&self, name: &str) -> Result<Template, Error> {
        Ok(Template { inner: self.inner.clone(), program: self.inner.load(name)?.program })
    }

    /// The first of several templates that exists.
    ///
    /// ```
    /// use haiden::{Environment, ErrorKind};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_template("default.html", "plain")?;
    /// let template = environment.select_template(&["user.html", "default.html"])?;
    /// assert_eq!(template.name(), Some("default.html"));
    ///
    /// let error = environment.select_template(&["a.html", "b.html"]).err().unwrap();
    /// assert_eq!(error.kind(), ErrorKind::TemplatesNotFound);
    /// assert_eq!(error.message(), "none of the templates given were found: a.html, b.html");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// None exists, or the first that does cannot be loaded.
    pub fn select_template<N: AsRef<str>>(&self, names: &[N]) -> Result<Template, Error> {
        let mut tried = Vec::with_capacity(names.len());
        for name in names.iter().map(AsRef::as_ref) {
            match self.get_template(name) {
                Err(error) if error.kind() == ErrorKind::TemplateNotFound => tried.push(name),
                outcome => return outcome,
            }
        }
        let message = if tried.is_empty() {
            "Tried to select from an empty list of templates.".to_owned()
        } else {
            format!("none of the templates given were found: {}", tried.join(", "))
        };
        Err(Error::new(ErrorKind::TemplatesNotFound, message))
    }

    /// The template of a name, the first of several names that exists, or the template itself.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("a", "A")?;
    /// let by_name = environment.get_or_select_template("a")?;
    /// let first = environment.get_or_select_template(&["nope", "a"])?;
    /// let itself = environment.get_or_select_template(&first)?;
    /// assert_eq!([by_name.name(), first.name(), itself.name()], [Some("a"); 3]);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`get_template`](Environment::get_template) and [`select_template`](Environment::select_template).
    pub fn get_or_select_template<'a>(&self, selection: impl Into<Selection<'a>>) -> Result<Template, Error> {
        match selection.into() {
            Selection::Name(name) => self.get_template(name),
            Selection::Names(names) => self.select_template(&names),
            Selection::Template(template) => Ok(template),
        }
    }

    /// The names of all templates, sorted: those that were added, those of a sealed bundle, the loader's.
    ///
    /// ```
    /// use haiden::loader::DictLoader;
    ///
    /// let mut environment = haiden::Environment::new();
    /// environment.set_loader(DictLoader::new([("b.html", ""), ("a.txt", "")]));
    /// environment.add_template("c.html", "")?;
    /// let mut pages = environment.list_templates()?;
    /// pages.retain(|name| name.ends_with(".html"));
    /// assert_eq!(pages, ["b.html", "c.html"]);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is no loader and no other template, or the loader cannot tell.
    pub fn list_templates(&self) -> Result<Vec<String>, Error> {
        let settings = &self.inner.settings;
        let mut names: BTreeSet<String> = settings.sources.keys().cloned().collect();
        names.extend(self.inner.sealed_names().map(str::to_owned));
        match &settings.loader {
            Some(loader) => names.extend(loader.list_templates().map_err(|error| cannot_list(&error))?),
            None if names.is_empty() => {
                return Err(Error::new(ErrorKind::PythonAssertion, "No loader configured."));
            }
            None => {}
        }
        Ok(names.into_iter().collect())
    }

    /// An environment that is as this one at first, and has its templates in memory for itself: what is changed in one is not
    /// changed in the other. Loader, caches of bytecode, filters, functions and globals are shared, not copied.
    ///
    /// A bytecode cache can serve both: the options take part in its keys.
    ///
    /// ```
    /// use haiden::{AutoEscape, Environment};
    ///
    /// let mut pages = Environment::new();
    /// pages.set_autoescape(AutoEscape::On);
    /// pages.add_global("shop", "Salt & Pepper");
    /// let mut mails = pages.overlay();
    /// mails.set_autoescape(AutoEscape::Off);
    ///
    /// assert_eq!(pages.render_str("{{ shop }}", haiden::context! {})?, "Salt &amp; Pepper");
    /// assert_eq!(mails.render_str("{{ shop }}", haiden::context! {})?, "Salt & Pepper");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    #[must_use]
    pub fn overlay(&self) -> Environment {
        Environment { inner: Arc::new(Inner::new(self.inner.settings.clone())) }
    }
}

#[cold]
fn cannot_list(error: &LoadError) -> Error {
    let kind = if let LoadError::Unsupported(_) = error { ErrorKind::Type } else { ErrorKind::Load };
    Error::new(kind, error.to_string())
}
