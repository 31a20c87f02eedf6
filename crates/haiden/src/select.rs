//! Which template: by name, the first of several names, a list of all; and overlays, environments that differ a little.
//!
//! In: names, or what stands for them ([`Selection`]). Out: templates, with Jinja2's errors.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::environment::{Environment, Inner};
use crate::error::{Error, ErrorKind};
use crate::loader::LoadError;
use crate::template::Template;

/// A template or its name: one of several of which the first that exists is meant.
///
/// Texts and templates turn into one: see [`Environment::select_template`].
///
/// ```
/// use haiden::{Candidate, Environment};
///
/// let mut environment = Environment::new();
/// environment.add_template("a", "A")?;
/// let loaded = environment.template_from_str("loaded")?;
/// let candidates: Vec<Candidate> = vec!["b".into(), (&loaded).into(), "a".into()];
/// assert_eq!(environment.select_template(&candidates)?.render(haiden::context! {})?, "loaded");
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Candidate<'a> {
    /// A name.
    Name(&'a str),
    /// A template that was loaded before: it exists.
    Template(Template),
}

impl<'a> From<&'a str> for Candidate<'a> {
    fn from(name: &'a str) -> Candidate<'a> {
        Candidate::Name(name)
    }
}

impl<'a, N: AsRef<str>> From<&'a N> for Candidate<'a> {
    fn from(name: &'a N) -> Candidate<'a> {
        Candidate::Name(name.as_ref())
    }
}

impl From<Template> for Candidate<'_> {
    fn from(template: Template) -> Self {
        Candidate::Template(template)
    }
}

impl From<&Template> for Candidate<'_> {
    fn from(template: &Template) -> Self {
        Candidate::Template(template.clone())
    }
}

impl<'a> From<&Candidate<'a>> for Candidate<'a> {
    fn from(candidate: &Candidate<'a>) -> Candidate<'a> {
        candidate.clone()
    }
}

/// A template, its name, or several of which the first that exists is meant.
///
/// Texts, templates and lists of either turn into one: see [`Environment::get_or_select_template`].
///
/// ```
/// use haiden::{Environment, Error, Selection, Template};
///
/// fn layout<'a>(environment: &Environment, which: impl Into<Selection<'a>>) -> Result<Template, Error> {
///     environment.get_or_select_template(which)
/// }
///
/// let mut environment = Environment::new();
/// environment.add_template("plain", "P")?;
/// assert_eq!(layout(&environment, "plain")?.name(), Some("plain"));
/// assert_eq!(layout(&environment, ["fancy", "plain"])?.name(), Some("plain"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Selection<'a> {
    /// One name, or a template that was loaded before.
    One(Candidate<'a>),
    /// Several, in the order in which they are tried.
    First(Vec<Candidate<'a>>),
}

/// Implements `From` for what is one.
macro_rules! ones {
    ($([$($parameter:tt)*] $One:ty;)*) => {
        $(impl<$($parameter)*> From<$One> for Selection<'a> {
            fn from(one: $One) -> Selection<'a> {
                Selection::One(one.into())
            }
        })*
    };
}
ones! {
    ['a] &'a str;
    ['a] &'a String;
    ['a] Candidate<'a>;
    ['a] Template;
    ['a] &Template;
}

/// Implements `From` for lists.
macro_rules! lists {
    ($([$($parameter:tt)*] $List:ty, $C:ty;)*) => {
        $(impl<$($parameter)*> From<$List> for Selection<'a>
        where
            Candidate<'a>: From<$C>,
        {
            fn from(candidates: $List) -> Selection<'a> {
                Selection::First(candidates.into_iter().map(Candidate::from).collect())
            }
        })*
    };
}
lists! {
    ['a, C] &'a [C], &'a C;
    ['a, C, const COUNT: usize] &'a [C; COUNT], &'a C;
    ['a, C] &'a Vec<C>, &'a C;
    ['a, C] Vec<C>, C;
    ['a, C, const COUNT: usize] [C; COUNT], C;
}

impl Environment {
    /// The template of this name.
    ///
    /// ```
    /// use haiden::{Environment, ErrorKind, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_template("hello.txt", "Hello {{ name }}!")?;
    /// assert_eq!(environment.get_template("hello.txt")?.render(context! { name => "Ann" })?, "Hello Ann!");
    /// let error = environment.get_template("hi.txt").unwrap_err();
    /// assert_eq!((error.kind(), error.message()), (ErrorKind::TemplateNotFound, "hi.txt"));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is none, it cannot be read, or its source is wrong.
    pub fn get_template(&self, name: &str) -> Result<Template, Error> {
        Ok(Template { inner: self.inner.clone(), program: self.inner.load(name)?.program })
    }

    /// The first of several templates that exists. Templates that were loaded before can stand among the names.
    ///
    /// ```
    /// use haiden::{Candidate, Environment, ErrorKind};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_template("default.html", "plain")?;
    /// let template = environment.select_template(["user.html", "default.html"])?;
    /// assert_eq!(template.name(), Some("default.html"));
    ///
    /// let fallback = environment.template_from_str("nothing")?;
    /// let first = environment.select_template([Candidate::from("user.html"), fallback.into()])?;
    /// assert_eq!(first.render(haiden::context! {})?, "nothing");
    ///
    /// let error = environment.select_template(["a.html", "b.html"]).err().unwrap();
    /// assert_eq!(error.kind(), ErrorKind::TemplatesNotFound);
    /// assert_eq!(error.message(), "none of the templates given were found: a.html, b.html");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// None exists, or the first that does cannot be loaded.
    pub fn select_template<'a, C>(&self, candidates: impl IntoIterator<Item = C>) -> Result<Template, Error>
    where
        C: Into<Candidate<'a>>,
    {
        let mut tried = Vec::new();
        for candidate in candidates {
            let name = match candidate.into() {
                Candidate::Name(name) => name,
                Candidate::Template(template) => return Ok(template),
            };
            match self.get_template(name) {
                Err(error) if error.kind() == ErrorKind::TemplateNotFound => tried.push(name),
                outcome => return outcome,
            }
        }
        Err(none_found(&tried))
    }

    /// The template of a name, the first of several that exists, or the template itself.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("a", "A")?;
    /// let by_name = environment.get_or_select_template("a")?;
    /// let first = environment.get_or_select_template(["nope", "a"])?;
    /// let itself = environment.get_or_select_template(&first)?;
    /// assert_eq!([by_name.name(), first.name(), itself.name()], [Some("a"); 3]);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`get_template`](Environment::get_template) and [`select_template`](Environment::select_template).
    pub fn get_or_select_template<'a>(&self, selection: impl Into<Selection<'a>>) -> Result<Template, Error> {
        match selection.into() {
            Selection::One(Candidate::Name(name)) => self.get_template(name),
            Selection::One(Candidate::Template(template)) => Ok(template),
            Selection::First(candidates) => self.select_template(candidates),
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

/// The error if none of several templates exists.
#[cold]
pub(crate) fn none_found(tried: &[&str]) -> Error {
    let message = if tried.is_empty() {
        "Tried to select from an empty list of templates.".to_owned()
    } else {
        format!("none of the templates given were found: {}", tried.join(", "))
    };
    Error::new(ErrorKind::TemplatesNotFound, message)
}

#[cold]
fn cannot_list(error: &LoadError) -> Error {
    let kind = if let LoadError::Unsupported(_) = error { ErrorKind::Type } else { ErrorKind::Load };
    Error::new(kind, error.to_string())
}
