//! Loaders: where templates' sources come from.
//!
//! In: a template's name. Out: its [`Source`], or that there is none. A loader knows no template language, no cache and
//! no environment. The five here are Jinja2's; a sixth is anything that implements [`Loader`], or [`AsyncLoader`] if it has to be
//! waited for.

mod choice;
mod dict;
mod directory;
mod function;
mod prefix;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

pub use crate::asynchronous::loading::AsyncLoader;
pub use choice::ChoiceLoader;
pub use dict::DictLoader;
pub use directory::FileSystemLoader;
pub use function::FunctionLoader;
pub use prefix::PrefixLoader;

/// Says whether a template that was loaded is still what its loader would load now.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// use haiden::loader::{FunctionLoader, Source, UpToDate};
///
/// let has_changed = Arc::new(AtomicBool::new(false));
/// let watched = has_changed.clone();
/// let mut environment = haiden::Environment::new();
/// environment.set_loader(FunctionLoader::new(move |_| {
///     let (text, watched) = (if watched.load(Ordering::Relaxed) { "new" } else { "old" }, watched.clone());
///     let up_to_date: UpToDate = Arc::new(move || !watched.load(Ordering::Relaxed));
///     Ok(Some(Source { up_to_date: Some(up_to_date), ..Source::new(text) }))
/// }));
/// assert_eq!(environment.get_template("a")?.render(haiden::context! {})?, "old");
/// has_changed.store(true, Ordering::Relaxed);
/// assert_eq!(environment.get_template("a")?.render(haiden::context! {})?, "new");
/// # Ok::<(), haiden::Error>(())
/// ```
pub type UpToDate = Arc<dyn Fn() -> bool + Send + Sync>;

/// The source of a template.
///
/// ```
/// use haiden::loader::Source;
///
/// let source = Source { filename: Some("mails/order.txt".into()), ..Source::new("Thank you!") };
/// assert!(source.up_to_date.is_none());
/// ```
pub struct Source {
    /// The text.
    pub text: String,
    /// The file it came from, if it came from one.
    pub filename: Option<PathBuf>,
    /// Whether it is still up to date; `None` for sources that never change.
    pub up_to_date: Option<UpToDate>,
}

impl Source {
    /// A source that came from no file and never changes.
    ///
    /// ```
    /// assert_eq!(haiden::loader::Source::new("Hello").text, "Hello");
    /// ```
    pub fn new(text: impl Into<String>) -> Source {
        Source { text: text.into(), filename: None, up_to_date: None }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("text", &self.text)
            .field("filename", &self.filename)
            .field("up_to_date", &self.up_to_date.is_some())
            .finish()
    }
}

/// Why a loader has no source.
///
/// ```
/// use haiden::ErrorKind;
/// use haiden::loader::{FunctionLoader, LoadError};
///
/// let mut environment = haiden::Environment::new();
/// environment.set_loader(FunctionLoader::new(|name| match name {
///     "secret" => Err(LoadError::Unreadable("permission denied".to_owned())),
///     _ => Err(LoadError::NotFound(Some(format!("{name} is not in the shop's database")))),
/// }));
/// let error = environment.get_template("secret").unwrap_err();
/// assert_eq!((error.kind(), error.message()), (ErrorKind::Load, "permission denied"));
/// let error = environment.get_template("a").unwrap_err();
/// assert_eq!((error.kind(), error.message()), (ErrorKind::TemplateNotFound, "a is not in the shop's database"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// There is no template of this name. The message is for people; `None` means the name says enough.
    NotFound(Option<String>),
    /// There is one, but it cannot be read; the message says why.
    Unreadable(String),
    /// The loader cannot do this.
    Unsupported(&'static str),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::NotFound(Some(message)) | LoadError::Unreadable(message) => f.write_str(message),
            LoadError::NotFound(None) => f.write_str("there is no such template"),
            LoadError::Unsupported(message) => f.write_str(message),
        }
    }
}
impl std::error::Error for LoadError {}

/// A place that templates come from.
///
/// ```
/// use haiden::loader::{LoadError, Loader, Source};
///
/// /// Every template says its own name.
/// struct Echo;
///
/// impl Loader for Echo {
///     fn get_source(&self, name: &str) -> Result<Source, LoadError> {
///         Ok(Source::new(format!("I am {name}.")))
///     }
/// }
///
/// let mut environment = haiden::Environment::new();
/// environment.set_loader(Echo);
/// assert_eq!(environment.get_template("a.txt")?.render(haiden::context! {})?, "I am a.txt.");
/// # Ok::<(), haiden::Error>(())
/// ```
pub trait Loader: Send + Sync {
    /// The source of template `name`.
    ///
    /// ```
    /// use haiden::loader::{DictLoader, LoadError, Loader};
    ///
    /// let loader = DictLoader::new([("a.txt", "text")]);
    /// assert_eq!(loader.get_source("a.txt")?.text, "text");
    /// assert_eq!(loader.get_source("b.txt").err(), Some(LoadError::NotFound(None)));
    /// # Ok::<(), LoadError>(())
    /// ```
    ///
    /// # Errors
    /// [`LoadError::NotFound`] if there is none, [`LoadError::Unreadable`] if it cannot be read.
    fn get_source(&self, name: &str) -> Result<Source, LoadError>;

    /// The names of all templates, sorted.
    ///
    /// ```
    /// use haiden::loader::{DictLoader, FunctionLoader, LoadError, Loader, Source};
    ///
    /// assert_eq!(DictLoader::new([("b", ""), ("a", "")]).list_templates()?, ["a", "b"]);
    /// // Nobody knows for which names a function has a template.
    /// let function = FunctionLoader::new(|name: &str| Ok(Some(Source::new(name))));
    /// assert!(matches!(function.list_templates(), Err(LoadError::Unsupported(_))));
    /// # Ok::<(), LoadError>(())
    /// ```
    ///
    /// # Errors
    /// [`LoadError::Unsupported`] if the loader cannot tell.
    fn list_templates(&self) -> Result<Vec<String>, LoadError> {
        Err(LoadError::Unsupported("this loader cannot iterate over all templates"))
    }
}

impl<L: Loader + ?Sized> Loader for Arc<L> {
    fn get_source(&self, name: &str) -> Result<Source, LoadError> {
        (**self).get_source(name)
    }
    fn list_templates(&self) -> Result<Vec<String>, LoadError> {
        (**self).list_templates()
    }
}

impl<L: Loader + ?Sized> Loader for Box<L> {
    fn get_source(&self, name: &str) -> Result<Source, LoadError> {
        (**self).get_source(name)
    }
    fn list_templates(&self) -> Result<Vec<String>, LoadError> {
        (**self).list_templates()
    }
}
