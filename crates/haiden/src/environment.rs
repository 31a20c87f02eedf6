//! The environment: options, loaders, filters, globals, and the templates that were loaded with them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use haiden_bytecode::Image;
use haiden_cache::{Bundle, BytecodeCache, CacheEntry, CacheStatistics, SingleFlight};
use haiden_compiler::{CompileError, Options};
use haiden_runtime::builtins::{FILTER_SPECS, Spec, TEST_SPECS, suggest};
use haiden_runtime::{LinkError, Program, link};
use haiden_syntax::Extensions;

use crate::asynchronous::loading::{AsyncLoader, Loads};
use crate::asynchronous::nothing_waits;
use crate::autoescape::AutoEscape;
use crate::bundle::sealed_names;
use crate::error::{Error, ErrorKind, Place};
use crate::extension::ExtensionSet;
use crate::loader::{LoadError, Loader, Source, UpToDate};
use crate::policies::Policies;
use crate::sandbox::Sandbox;
use crate::template::Template;
use crate::template_cache::{CacheSize, TemplateCache};
use crate::translations;
use crate::value::arena::Arena;
use crate::value::context::IntoContext;
use crate::value::function::{BoxedFunction, Function, Parameters, Returned, boxed};
use crate::value::host::{Extra, NativeHost, NativeLinker, RenderLimits, Start, Templates, UndefinedType};
use crate::value::object::Foreign;
use crate::value::value::{Repr, Value};
use crate::value::word::Word;

/// A template that is in memory.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) program: Arc<Program<NativeHost>>,
    pub(crate) up_to_date: Option<UpToDate>,
}

/// What an environment is made of.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) options: Options,
    pub(crate) autoescape: AutoEscape,
    pub(crate) loader: Option<Arc<dyn Loader>>,
    pub(crate) async_loader: Option<Arc<dyn AsyncLoader>>,
    pub(crate) sources: Arc<BTreeMap<String, Arc<str>>>,
    pub(crate) cache_size: CacheSize,
    pub(crate) auto_reload: bool,
    pub(crate) bytecode_cache: Option<Arc<dyn BytecodeCache>>,
    pub(crate) bundle: Option<Arc<Bundle>>,
    filters: Arc<BTreeMap<String, BoxedFunction>>,
    tests: Arc<BTreeMap<String, BoxedFunction>>,
    pub(crate) globals: Arc<BTreeMap<String, Value>>,
    pub(crate) undefined: UndefinedType,
    pub(crate) limits: RenderLimits,
    pub(crate) policies: Policies,
    pub(crate) sandbox: Option<Sandbox>,
    pub(crate) finalize: Option<BoxedFunction>,
    pub(crate) native_types: bool,
    pub(crate) extensions: Arc<ExtensionSet>,
}

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    globals: Option<(Arc<Arena>, Word)>,
    pub(crate) templates: TemplateCache<Loaded>,
    pub(crate) flights: SingleFlight<(u64, Arc<str>), Result<Loaded, Error>>,
    /// The loads that are waited for.
    pub(crate) loads: Mutex<Loads>,
    /// The options' fingerprint, without autoescape and with it.
    pub(crate) fingerprints: [OnceLock<[u8; 32]>; 2],
}

/// Options, loaders, filters and globals; the place that templates come from.
///
/// Set it up once, then share it: it is `Send + Sync`, rendering takes no lock, and a clone is another handle to the same
/// templates. Changing an option afterwards gives this handle new settings and an empty template cache; other handles
/// and templates keep what they have.
///
/// ```
/// use haiden::{AutoEscape, Environment};
///
/// let mut environment = Environment::new();
/// environment.set_autoescape(AutoEscape::by_extension());
/// environment.add_template("hello.html", "<p>Hello {{ name }}!</p>")?;
/// let page = environment.get_template("hello.html")?.render(haiden::context! { name => "A & B" })?;
/// assert_eq!(page, "<p>Hello A &amp; B!</p>");
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone)]
pub struct Environment {
    pub(crate) inner: Arc<Inner>,
}

impl Default for Environment {
    fn default() -> Environment {
        Environment::new()
    }
}

impl Settings {
    pub(crate) fn insert_filter(&mut self, name: &str, filter: BoxedFunction) {
        Arc::make_mut(&mut self.filters).insert(name.to_owned(), filter);
        // The compiler knows what the stock one makes of a constant.
        if let Some(&name) = haiden_compiler::KNOWN_FILTERS.iter().find(|&&known| known == name) {
            let others = &mut self.options.filters;
            others.push((name, true));
            others.sort_unstable();
            others.dedup();
        }
    }

    pub(crate) fn insert_test(&mut self, name: &str, test: BoxedFunction) {
        Arc::make_mut(&mut self.tests).insert(name.to_owned(), test);
    }
}

impl Environment {
    /// An environment with Jinja2's defaults: no loader, no autoescape, 400 templates in memory, reloading on.
    ///
    /// ```
    /// let environment = haiden::Environment::new();
    /// assert_eq!(environment.render_str("{{ 'a'|upper }}", haiden::context! {})?, "A");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn new() -> Environment {
        let settings = Settings {
            options: Options::default(),
            autoescape: AutoEscape::Off,
            loader: None,
            async_loader: None,
            sources: Arc::default(),
            cache_size: CacheSize::default(),
            auto_reload: true,
            bytecode_cache: None,
            bundle: None,
            filters: Arc::default(),
            tests: Arc::default(),
            globals: Arc::default(),
            undefined: UndefinedType::default(),
            limits: RenderLimits::default(),
            policies: Policies::default(),
            sandbox: None,
            finalize: None,
            native_types: false,
            extensions: Arc::default(),
        };
        Environment { inner: Arc::new(Inner::new(settings)) }
    }

    /// Changes settings: what was loaded with the old ones is forgotten.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.inner.settings.clone();
        change(&mut settings);
        self.inner = Arc::new(Inner::new(settings));
    }

    /// Adds a filter: a closure whose first argument is the value.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_filter("money", |amount: f64| format!("{amount:.2} EUR"));
    /// assert_eq!(environment.render_str("{{ 3 | money }}", haiden::context! {})?, "3.00 EUR");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn add_filter<R, A>(
        &mut self,
        name: &str,
        filter: impl Function<R, A> + for<'a> Function<R, A::Given<'a>>,
    ) where
        R: Returned,
        A: Parameters,
    {
        self.change(|settings| settings.insert_filter(name, boxed(filter, name)));
    }

    /// Adds a test: a closure whose first argument is the value, and whose result is its truth.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_test("longer", |text: &str, than: i64| text.chars().count() as i64 > than);
    /// assert_eq!(environment.render_str("{{ 'abc' is longer(2) }}", haiden::context! {})?, "True");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn add_test<R, A>(
        &mut self,
        name: &str,
        test: impl Function<R, A> + for<'a> Function<R, A::Given<'a>>,
    ) where
        R: Returned,
        A: Parameters,
    {
        self.change(|settings| settings.insert_test(name, boxed(test, name)));
    }

    /// Adds a function that all templates can call.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_function("area", |width: f64, height: Option<f64>| width * height.unwrap_or(width));
    /// assert_eq!(environment.render_str("{{ area(2) }} {{ area(2, 1.5) }}", haiden::context! {})?, "4.0 3.0");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn add_function<R, A>(
        &mut self,
        name: &str,
        function: impl Function<R, A> + for<'a> Function<R, A::Given<'a>>,
    ) where
        R: Returned,
        A: Parameters,
    {
        let function = Value(Repr::Foreign(Foreign::Function(boxed(function, name))));
        self.add_global(name, function);
    }

    /// Adds a variable that all templates see.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_global("shop", "Corner");
    /// assert_eq!(environment.render_str("{{ shop }}", haiden::context! {})?, "Corner");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn add_global(&mut self, name: &str, value: impl Into<Value>) {
        self.change(|settings| {
            drop(Arc::make_mut(&mut settings.globals).insert(name.to_owned(), value.into()));
        });
    }

    /// Adds a template under a name of its own; it wins over the loader's. Its syntax is checked now.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("base", "<{% block body %}{% endblock %}>")?;
    /// let page = environment.render_str("{% extends 'base' %}{% block body %}x{% endblock %}", haiden::context! {})?;
    /// assert_eq!(page, "<x>");
    /// assert!(environment.add_template("broken", "{% if %}").is_err());
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the source.
    pub fn add_template(&mut self, name: &str, source: &str) -> Result<(), Error> {
        self.inner.compile(source, Some(name))?;
        self.change(|settings| {
            drop(Arc::make_mut(&mut settings.sources).insert(name.to_owned(), source.into()));
        });
        Ok(())
    }

    // ---- templates -------------------------------------------------------------------------------------------

    /// A template of a text. It is not kept in memory and uses no bytecode cache.
    ///
    /// ```
    /// let template = haiden::Environment::new().template_from_str("{{ n * 2 }}")?;
    /// assert_eq!(template.render(haiden::context! { n => 4 })?, "8");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the source.
    pub fn template_from_str(&self, source: &str) -> Result<Template, Error> {
        self.template_from_named_str(None, source)
    }

    /// As [`Environment::template_from_str`], with a name for messages and autoescape.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.set_autoescape(haiden::AutoEscape::by_extension());
    /// let template = environment.template_from_named_str(Some("a.html"), "{{ '<' }}")?;
    /// assert_eq!(template.render(haiden::context! {})?, "&lt;");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the source.
    pub fn template_from_named_str(&self, name: Option<&str>, source: &str) -> Result<Template, Error> {
        let image = self.inner.compile(source, name)?;
        let program = self.inner.link(image, name.map(Arc::from).as_ref(), &source.into(), None)?;
        Ok(Template { inner: self.inner.clone(), program })
    }

    /// Renders a text.
    ///
    /// ```
    /// assert_eq!(haiden::Environment::new().render_str("{{ n }}", haiden::context! { n => 1 })?, "1");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the source, or what the render fails with.
    pub fn render_str(&self, source: &str, context: impl IntoContext) -> Result<String, Error> {
        self.template_from_str(source)?.render(context)
    }

    /// Forgets all templates in memory. One that is being loaded meanwhile is not kept, and who asks for it from now on does
    /// not get that one.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("a", "A")?;
    /// environment.get_template("a")?;
    /// environment.clear_cache();
    /// assert_eq!(environment.cache_entries().count(), 0);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn clear_cache(&self) {
        self.inner.templates.clear();
        self.inner.loads.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The templates in memory, the one used longest ago first. The key is the name; the checksum is Jinja2's of the
    /// source; the bytecode is the image.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("a", "A")?;
    /// environment.get_template("a")?;
    /// let keys: Vec<String> = environment.cache_entries().map(|entry| entry.key).collect();
    /// assert_eq!(keys, ["a"]);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn cache_entries(&self) -> impl Iterator<Item = CacheEntry> + '_ {
        self.inner.templates.entries().into_iter().map(|kept| self.inner.entry(&kept))
    }

    /// What the templates in memory were good for.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("a", "A")?;
    /// environment.get_template("a")?;
    /// environment.get_template("a")?;
    /// let statistics = environment.cache_statistics();
    /// assert_eq!((statistics.hits, statistics.misses, statistics.size), (1, 1, Some(1)));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn cache_statistics(&self) -> CacheStatistics {
        self.inner.templates.statistics()
    }
}

impl Inner {
    pub(crate) fn new(mut settings: Settings) -> Inner {
        // Most templates have the mode's plain answer: their options need no copy.
        settings.options.autoescape = settings.autoescape.for_name(None);
        settings.options.finalize = settings.finalize.is_some() || settings.native_types;
        if settings.options.syntax.extensions.contains(Extensions::I18N)
            && !settings.globals.contains_key("_")
        {
            let alias = Value(Repr::Foreign(Foreign::Function(translations::alias())));
            Arc::make_mut(&mut settings.globals).insert("_".to_owned(), alias);
        }
        let globals = (!settings.globals.is_empty()).then(|| {
            let entries = settings.globals.iter().map(|(name, value)| (name.clone(), value.clone()));
            match entries.collect::<Value>().0 {
                Repr::Arena(arena, word) => (arena, word),
                _ => (Arc::new(Arena::default()), Word::None),
            }
        });
        let templates = TemplateCache::new(settings.cache_size);
        let (flights, loads) = (SingleFlight::new(), Mutex::default());
        Inner { settings, globals, templates, flights, loads, fingerprints: Default::default() }
    }

    /// The options for a template of this name.
    pub(crate) fn options(&self, name: Option<&str>) -> Cow<'_, Options> {
        let options = &self.settings.options;
        let autoescape = self.settings.autoescape.for_name(name);
        if options.autoescape == autoescape {
            return Cow::Borrowed(options);
        }
        Cow::Owned(Options { autoescape, ..options.clone() })
    }

    /// Compiles a source.
    pub(crate) fn compile(&self, source: &str, name: Option<&str>) -> Result<Image, Error> {
        let source = self.preprocess(source, name)?;
        haiden_compiler::compile(&source, &self.options(name))
            .map_err(|error| compile_error(&error, &source, name))
    }

    /// What is read in place of a source.
    pub(crate) fn preprocess<'s>(&self, source: &'s str, name: Option<&str>) -> Result<Cow<'s, str>, Error> {
        self.settings.extensions.preprocess(source, name)
    }

    /// Links an image.
    pub(crate) fn link(
        &self,
        image: Image,
        name: Option<&Arc<str>>,
        source: &Arc<str>,
        filename: Option<PathBuf>,
    ) -> Result<Arc<Program<NativeHost>>, Error> {
        let shown = name.map(|name| &**name);
        let autoescape = self.settings.autoescape.for_name(shown);
        let extra = Extra { autoescape, source: source.clone(), filename, constants: OnceLock::new() };
        let mut linker = NativeLinker::new(self, &image);
        let program = link(Arc::new(image), name.cloned(), extra, &mut linker)
            .map_err(|error| self.link_error(&error, source, shown))?;
        // The program was made just now: nobody has set them before.
        if !linker.arena.is_empty() {
            let _ = program.extra().constants.set(Arc::new(linker.arena));
        }
        Ok(Arc::new(program))
    }

    pub(crate) fn source(&self, name: &str) -> Result<Source, Error> {
        if let Some(source) = self.settings.sources.get(name) {
            return Ok(Source::new(&**source));
        }
        let Some(loader) = &self.settings.loader else {
            if self.settings.async_loader.is_some() {
                return Err(nothing_waits(&format!("template {name:?}")));
            }
            if self.settings.sources.is_empty() && self.sealed_names().next().is_none() {
                return Err(Error::new(ErrorKind::Type, "no loader for this environment specified"));
            }
            return Err(self.not_found(name, None));
        };
        loader.get_source(name).map_err(|error| self.load_error(name, error))
    }

    pub(crate) fn load_error(&self, name: &str, error: LoadError) -> Error {
        match error {
            LoadError::NotFound(message) => self.not_found(name, message),
            error => Error::new(ErrorKind::Load, error.to_string()).with_source(error),
        }
    }

    fn not_found(&self, name: &str, message: Option<String>) -> Error {
        let error = Error::new(ErrorKind::TemplateNotFound, message.unwrap_or_else(|| name.to_owned()));
        let (name, loader) = (name.to_owned(), self.settings.loader.clone());
        let (sources, bundle) = (self.settings.sources.clone(), self.settings.bundle.clone());
        // Whoever asks for a template that may be missing needs no list of all templates.
        error.with_hint_from(move || {
            let mut names: Vec<String> = sources.keys().cloned().collect();
            names.extend(sealed_names(bundle.as_deref()).map(str::to_owned));
            let mut why = None;
            match loader.as_ref().map(Loader::list_templates) {
                Some(Ok(listed)) => names.extend(listed),
                // What a loader cannot read says more than that it has not found anything.
                Some(Err(error @ LoadError::Unreadable(_))) => why = Some(error.to_string()),
                Some(Err(_)) | None => {}
            }
            let near = suggest(&name, names.iter().map(String::as_str));
            near.map(|near| format!("did you mean `{near}`?")).or(why)
        })
    }

    #[cold]
    fn link_error(&self, error: &LinkError, source: &str, name: Option<&str>) -> Error {
        let specs = if error.is_filter { FILTER_SPECS } else { TEST_SPECS };
        let user = self.user_names(error.is_filter);
        let builtin = specs.iter().flat_map(Spec::names).map(str::to_owned);
        let names: Vec<String> = builtin.chain(user).collect();
        let near = suggest(&error.name, names.iter().map(String::as_str));
        let place = place(source, name, error.line, error.column);
        Error::new(ErrorKind::Assertion, error.to_string())
            .with_hint(near.map(|near| format!("did you mean `{near}`?")))
            .at(|| vec![place])
    }
}

fn place(source: &str, name: Option<&str>, line: u32, column: u32) -> Place {
    let source_line =
        line.checked_sub(1).and_then(|line| source.lines().nth(line as usize)).map(str::to_owned);
    Place { template: name.map(Arc::from), line, column, what: String::new(), source_line }
}

#[cold]
pub(crate) fn compile_error(error: &CompileError, source: &str, name: Option<&str>) -> Error {
    use haiden_compiler::ErrorKind as Compile;
    let kind = match error.kind() {
        Compile::Syntax => ErrorKind::Syntax,
        Compile::Assertion => ErrorKind::Assertion,
        Compile::Options => ErrorKind::PythonAssertion,
        Compile::Python => ErrorKind::PythonSyntax,
        Compile::Unsupported => ErrorKind::Runtime,
        Compile::TooLarge => ErrorKind::Memory,
    };
    let offset = (error.offset() as usize).min(source.len());
    let before = source.get(..offset).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line_of_offset = before.matches('\n').count() as u32 + 1;
    let column =
        if line_of_offset == error.line() { before[line_start..].chars().count() as u32 + 1 } else { 0 };
    Error::new(kind, error.message())
        .with_hint(error.hint().map(str::to_owned))
        .at(|| vec![place(source, name, error.line(), column)])
}

impl Templates for Inner {
    fn environment(self: Arc<Self>) -> Option<Environment> {
        Some(Environment { inner: self })
    }
    fn program(&self, name: &str) -> Result<Arc<Program<NativeHost>>, Error> {
        self.load(name).map(|loaded| loaded.program)
    }
    fn start_loading(self: Arc<Self>, name: &str) -> Start {
        self.start(name)
    }
    fn globals(&self) -> Option<&(Arc<Arena>, Word)> {
        self.globals.as_ref()
    }
    fn undefined(&self) -> &UndefinedType {
        &self.settings.undefined
    }
    fn policies(&self) -> &Policies {
        &self.settings.policies
    }
    fn finalize(&self) -> Option<&BoxedFunction> {
        self.settings.finalize.as_ref()
    }
    fn native_types(&self) -> bool {
        self.settings.native_types
    }
    fn sandbox(&self) -> Option<&Sandbox> {
        self.settings.sandbox.as_ref()
    }
    fn extension_method(&self, identifier: &str, method: &str) -> Option<BoxedFunction> {
        self.settings.extensions.method(identifier, method)
    }
    fn newline_sequence(&self) -> &'static str {
        match &*self.settings.options.syntax.newline_sequence {
            "\r\n" => "\r\n",
            "\r" => "\r",
            _ => "\n",
        }
    }
    fn limits(&self) -> RenderLimits {
        self.settings.limits
    }
    fn user_filter(&self, name: &str) -> Option<BoxedFunction> {
        self.settings.filters.get(name).cloned()
    }
    fn user_test(&self, name: &str) -> Option<BoxedFunction> {
        self.settings.tests.get(name).cloned()
    }
    fn user_names(&self, filters: bool) -> Vec<String> {
        let table = if filters { &self.settings.filters } else { &self.settings.tests };
        table.keys().cloned().collect()
    }
}
