//! Templates that have to be waited for.
//!
//! In: a name. Out: a program, by way of a loader that waits; compiling and the bytecode cache work at once, as always. Invariant:
//! renders that need one template at the same time load it once, and any of them can drive the load: if one ends early, the
//! others go on. Nothing is loaded that nobody waits for.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, PoisonError};

use haiden_runtime::Program;

use crate::asynchronous::future::{Known, Shared};
use crate::asynchronous::render::BoxFuture;
use crate::environment::{Environment, Inner, Loaded};
use crate::error::{Error, ErrorKind};
use crate::loader::{LoadError, Source};
use crate::template::Template;
use crate::value::host::{NativeHost, Start};

/// A place that templates come from, which has to be waited for: a database, another service.
///
/// A closure is one: `|name: String| async move { .. }`.
///
/// ```
/// use haiden::loader::{AsyncLoader, LoadError, Source};
/// use haiden::{BoxFuture, Environment, context};
///
/// struct Database;
///
/// impl AsyncLoader for Database {
///     fn get_source<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Source, LoadError>> {
///         Box::pin(async move {
///             match name {
///                 "base" => Ok(Source::new("<{% block body %}{% endblock %}>")),
///                 "page" => Ok(Source::new("{% extends 'base' %}{% block body %}{{ n }}{% endblock %}")),
///                 _ => Err(LoadError::NotFound(None)),
///             }
///         })
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let mut environment = Environment::new();
/// environment.set_async_loader(Database);
/// let template = environment.get_template_async("page").await?;
/// assert_eq!(template.render_async(context! { n => 1 }).await?, "<1>");
/// # Ok::<(), haiden::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait AsyncLoader: Send + Sync {
    /// The source of template `name`. [`Source::up_to_date`] is asked at once: it must not block.
    ///
    /// ```
    /// use haiden::loader::{AsyncLoader, LoadError, Source};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// // A closure is a loader; what it says of a name is what the template is made of.
    /// let loader = |name: String| async move {
    ///     if name == "page" { Ok(Source::new("text")) } else { Err(LoadError::NotFound(None)) }
    /// };
    /// assert_eq!(loader.get_source("page").await.unwrap().text, "text");
    /// assert_eq!(loader.get_source("other").await.err(), Some(LoadError::NotFound(None)));
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`LoadError::NotFound`] if there is none, [`LoadError::Unreadable`] if it cannot be read.
    fn get_source<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Source, LoadError>>;
}

impl<F, R> AsyncLoader for F
where
    F: Fn(String) -> R + Send + Sync,
    R: Future<Output = Result<Source, LoadError>> + Send + 'static,
{
    fn get_source<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Source, LoadError>> {
        Box::pin(self(name.to_owned()))
    }
}

impl Environment {
    /// Where templates come from, if that has to be waited for. It takes the place of [`Environment::set_loader`]'s.
    ///
    /// Templates are got with [`Environment::get_template_async`]; those that they include, import and extend are loaded while they
    /// are rendered, so they have to be rendered with [`Template::render_async`]. What is in memory, was added with
    /// [`Environment::add_template`] or lies in a sealed bundle is at hand without waiting, in synchronous renders too. A bytecode cache
    /// is asked as always, in place: one that is far away keeps its thread waiting.
    ///
    /// ```
    /// use haiden::loader::{LoadError, Source};
    /// use haiden::{Environment, context};
    ///
    /// # async fn fetch(name: &str) -> Option<String> { (name == "a.txt").then(|| "A{{ n }}".to_owned()) }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = Environment::new();
    /// environment.set_async_loader(|name: String| async move {
    ///     fetch(&name).await.map(Source::new).ok_or(LoadError::NotFound(None))
    /// });
    /// let template = environment.get_template_async("a.txt").await?;
    /// assert_eq!(template.render(context! { n => 1 })?, "A1");
    /// assert!(environment.get_template_async("b.txt").await.is_err());
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_async_loader(&mut self, loader: impl AsyncLoader + 'static) {
        self.change(|settings| {
            settings.async_loader = Some(Arc::new(loader));
            settings.loader = None;
        });
    }

    /// The template of this name, which may have to be waited for. Any other loader than an asynchronous one is asked at once.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("a", "A")?;
    /// assert_eq!(environment.get_template_async("a").await?.name(), Some("a"));
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Environment::get_template`].
    pub fn get_template_async(&self, name: &str) -> BoxFuture<'static, Result<Template, Error>> {
        let (inner, name) = (self.inner.clone(), name.to_owned());
        Box::pin(async move {
            let program = match inner.clone().start(&name) {
                Start::Here(program) => program?,
                Start::Later(loading) => loading.await?,
            };
            Ok(Template { inner, program })
        })
    }

    /// The first of several templates that exists: [`Environment::select_template`] where templates may have to be waited for.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("default.html", "plain")?;
    /// let template = environment.select_template_async(&["user.html", "default.html"]).await?;
    /// assert_eq!(template.name(), Some("default.html"));
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Environment::select_template`].
    pub fn select_template_async<N: AsRef<str>>(
        &self,
        names: &[N],
    ) -> BoxFuture<'static, Result<Template, Error>> {
        let environment = self.clone();
        let names: Vec<String> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        Box::pin(async move {
            for name in &names {
                match environment.get_template_async(name).await {
                    Err(error) if error.kind() == ErrorKind::TemplateNotFound => {}
                    outcome => return outcome,
                }
            }
            Err(crate::select::none_found(&names.iter().map(String::as_str).collect::<Vec<_>>()))
        })
    }
}

/// The table of loads is emptied of forgotten ones when it has more than this.
const MANY_LOADS: usize = 32;

impl Inner {
    /// The template of this name, or the load of it that is to be waited for.
    pub(crate) fn start(self: Arc<Self>, name: &str) -> Start {
        let settings = &self.settings;
        let Some(loader) = settings.async_loader.clone() else {
            return Start::Here(self.program_at_once(name));
        };
        if settings.sources.contains_key(name) || self.is_sealed(name) {
            return Start::Here(self.program_at_once(name));
        }
        if let Some(loaded) = self.in_memory(name) {
            return Start::Here(Ok(loaded.program));
        }
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loading) = loads.get(name).and_then(Known::get)
            && loading.outcome().is_none()
        {
            return Start::Later(loading);
        }
        if loads.len() >= MANY_LOADS {
            loads.retain(|_, known| known.get().is_some());
        }
        let loading = Shared::new(self.clone().load_waiting(loader, name.into()));
        loads.insert(name.into(), loading.known());
        Start::Later(loading)
    }

    fn program_at_once(&self, name: &str) -> Result<Arc<Program<NativeHost>>, Error> {
        self.load(name).map(|loaded| loaded.program)
    }

    async fn load_waiting(
        self: Arc<Self>,
        loader: Arc<dyn AsyncLoader>,
        name: Arc<str>,
    ) -> Result<Arc<Program<NativeHost>>, Error> {
        // Another load may have ended between the look into memory and the entry of this one.
        let loaded = match self.templates.peek(&name, |loaded| self.is_fresh(loaded)) {
            Some(loaded) => Ok(loaded),
            None => self.load_now(&*loader, &name).await,
        };
        self.loads.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        loaded.map(|loaded| loaded.program)
    }

    async fn load_now(&self, loader: &dyn AsyncLoader, name: &Arc<str>) -> Result<Loaded, Error> {
        let generation = self.templates.generation();
        let source = loader.get_source(name).await.map_err(|error| self.load_error(name, error))?;
        let loaded = self.loaded(name, source)?;
        self.templates.insert(name.clone(), loaded.clone(), generation);
        Ok(loaded)
    }
}

/// Loads by name; nothing here keeps one.
pub(crate) type Loads = HashMap<Arc<str>, Known<Arc<Program<NativeHost>>>>;
