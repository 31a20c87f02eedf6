//! The options of an environment, one method each.
//!
//! In: a choice. Out: the handle has new settings and nothing in memory; other handles keep what they have.

use std::sync::Arc;

use haiden_cache::BytecodeCache;
use haiden_syntax::{Extensions, Syntax};

use crate::autoescape::AutoEscape;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::loader::Loader;
use crate::policies::Policies;
use crate::sandbox::Sandbox;
use crate::template_cache::CacheSize;
use crate::translations::{self, GettextStyle, Translations};
use crate::undefined::Undefined;
use crate::value::function::{Function, Parameters, Returned, boxed};
use crate::value::host::{RenderLimits, UndefinedType};
use crate::value::object::Foreign;
use crate::value::value::{Repr, Value};

impl Environment {
    /// Where templates come from.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.set_loader(haiden::loader::DictLoader::new([("a.txt", "A{{ n }}")]));
    /// assert_eq!(environment.get_template("a.txt")?.render(haiden::context! { n => 1 })?, "A1");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn set_loader(&mut self, loader: impl Loader + 'static) {
        self.change(|settings| {
            settings.loader = Some(Arc::new(loader));
            settings.async_loader = None;
        });
    }

    /// Which templates escape what they print.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.set_autoescape(true);
    /// assert_eq!(environment.render_str("{{ '<' }}", haiden::context! {})?, "&lt;");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn set_autoescape(&mut self, autoescape: impl Into<AutoEscape>) {
        self.change(|settings| settings.autoescape = autoescape.into());
    }

    /// How many templates are kept in memory.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.set_cache_size(haiden::CacheSize::Unbounded);
    /// assert_eq!(environment.cache_statistics().max_size, None);
    /// environment.set_cache_size(50);
    /// assert_eq!(environment.cache_statistics().max_size, Some(50));
    /// ```
    pub fn set_cache_size(&mut self, size: impl Into<CacheSize>) {
        self.change(|settings| settings.cache_size = size.into());
    }

    /// Whether a template in memory is looked at again when it is asked for.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// let templates = Arc::new(haiden::loader::DictLoader::new([("a", "old")]));
    /// let mut environment = haiden::Environment::new();
    /// environment.set_loader(templates.clone());
    /// environment.set_auto_reload(false);
    /// assert_eq!(environment.get_template("a")?.render(haiden::context! {})?, "old");
    /// templates.insert("a", "new");
    /// assert_eq!(environment.get_template("a")?.render(haiden::context! {})?, "old");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn set_auto_reload(&mut self, reload: bool) {
        self.change(|settings| settings.auto_reload = reload);
    }

    /// Where bytecode is kept between processes; `None` for nowhere.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use haiden::cache::{BytecodeCache, MemoryBytecodeCache};
    ///
    /// let cache = Arc::new(MemoryBytecodeCache::new(100, 1 << 20));
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("a", "A")?;
    /// environment.set_bytecode_cache(Some(cache.clone()));
    /// environment.get_template("a")?;
    /// assert_eq!(cache.statistics().size, Some(1));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn set_bytecode_cache(&mut self, cache: Option<Arc<dyn BytecodeCache>>) {
        self.change(|settings| settings.bytecode_cache = cache);
    }

    /// What undefined values do: one of Jinja2's types ([`UndefinedKind`](crate::UndefinedKind)), one that reports
    /// ([`LoggingUndefined`](crate::LoggingUndefined)), or one of your own.
    ///
    /// ```
    /// use haiden::{Environment, UndefinedKind};
    ///
    /// let mut environment = Environment::new();
    /// environment.set_undefined(UndefinedKind::Strict);
    /// let error = environment.render_str("{{ nobody }}", haiden::context! {}).unwrap_err();
    /// assert_eq!(error.message(), "'nobody' is undefined");
    /// ```
    pub fn set_undefined(&mut self, undefined: impl Undefined + 'static) {
        let undefined = UndefinedType::new(undefined);
        self.change(|settings| settings.undefined = undefined);
    }

    /// What a render may use up.
    ///
    /// ```
    /// use haiden::{Environment, ErrorKind, RenderLimits};
    ///
    /// let mut environment = Environment::new();
    /// environment.set_limits(RenderLimits { output: 10, ..RenderLimits::default() });
    /// let error = environment.render_str("{{ 'x' * 11 }}", haiden::context! {}).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Limit);
    /// ```
    pub fn set_limits(&mut self, limits: RenderLimits) {
        self.change(|settings| settings.limits = limits);
    }

    /// A closure that every printed value passes through, constants too, before it becomes text and is escaped. As in Jinja2, which
    /// does so while it compiles, a constant is escaped before, and what the closure makes of it is not.
    ///
    /// ```
    /// use haiden::{Environment, Value};
    ///
    /// let mut environment = Environment::new();
    /// environment.set_finalize(|value: Value| if value.is_none() { Value::from("") } else { value });
    /// assert_eq!(environment.render_str("[{{ none }}]", haiden::context! {})?, "[]");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn set_finalize<R, A>(&mut self, finalize: impl Function<R, A> + for<'a> Function<R, A::Given<'a>>)
    where
        R: Returned,
        A: Parameters,
    {
        self.change(|settings| settings.finalize = Some(boxed(finalize, "finalize")));
    }

    /// Whether pages are values: Jinja2's `NativeEnvironment`. A page that prints one value and nothing else is that value,
    /// any other is its text, read as a Python literal if it is one; nothing is escaped. So is what macros, blocks and
    /// `set` blocks make. See [`Template::render_native`](crate::Template::render_native).
    ///
    /// ```
    /// use haiden::Environment;
    ///
    /// let mut environment = Environment::new();
    /// environment.set_native_types(true);
    /// let template = environment.template_from_str("[{% for n in numbers %}{{ n * 2 }},{% endfor %}]")?;
    /// assert_eq!(format!("{:?}", template.render_native(haiden::context! { numbers => vec![1, 2] })?), "[2, 4]");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn set_native_types(&mut self, on: bool) {
        self.change(|settings| settings.native_types = on);
    }

    /// The sandbox that templates run in; `None` for none.
    ///
    /// ```
    /// use haiden::{Environment, ErrorKind, Sandbox};
    ///
    /// let mut environment = Environment::new();
    /// environment.set_sandbox(Some(Sandbox::immutable()));
    /// let error = environment.render_str("{{ items.append(1) }}", haiden::context! { items => vec![0] }).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Security);
    /// ```
    pub fn set_sandbox(&mut self, sandbox: Option<Sandbox>) {
        self.change(|settings| {
            settings.options.intercepted =
                sandbox.as_ref().is_some_and(|sandbox| !sandbox.intercepted.is_empty());
            settings.sandbox = sandbox;
        });
    }

    /// The settings of filters and extensions.
    ///
    /// ```
    /// use haiden::{Environment, JsonOptions, Policies};
    ///
    /// let mut environment = Environment::new();
    /// let json = JsonOptions { sort_keys: false, ..JsonOptions::default() };
    /// environment.set_policies(Policies { json_dumps_kwargs: json, ..Policies::default() });
    /// assert_eq!(environment.render_str("{{ {'b': 1, 'a': 2}|tojson }}", haiden::context! {})?, r#"{"b": 1, "a": 2}"#);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn set_policies(&mut self, policies: Policies) {
        self.change(|settings| {
            let extensions = &mut settings.options.syntax.extensions;
            *extensions = if policies.i18n_trimmed {
                extensions.with(Extensions::I18N_TRIMMED)
            } else {
                extensions.without(Extensions::I18N_TRIMMED)
            };
            settings.policies = policies;
        });
    }

    /// The settings of filters and extensions.
    ///
    /// ```
    /// assert_eq!(haiden::Environment::new().policies().truncate_leeway, 5);
    /// ```
    pub fn policies(&self) -> &Policies {
        &self.inner.settings.policies
    }

    /// Switches `{% trans %}` on and takes its messages from a catalogue: the functions `gettext`, `ngettext`, `pgettext`,
    /// `npgettext` and `_` become globals. [`NullTranslations`](crate::NullTranslations) leaves every message as it is.
    ///
    /// ```
    /// use haiden::{Environment, GettextStyle, NullTranslations};
    ///
    /// let mut environment = Environment::new();
    /// environment.install_translations(NullTranslations, GettextStyle::New);
    /// let source = "{% trans n=n %}one tree{% pluralize %}{{ n }} trees{% endtrans %}";
    /// assert_eq!(environment.render_str(source, haiden::context! { n => 3 })?, "3 trees");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn install_translations(&mut self, catalog: impl Translations + 'static, style: GettextStyle) {
        let catalog: Arc<dyn Translations> = Arc::new(catalog);
        self.change(|settings| {
            let syntax = &mut settings.options.syntax;
            syntax.extensions = syntax.extensions.with(Extensions::I18N);
            syntax.extensions = match style {
                GettextStyle::Old => syntax.extensions.without(Extensions::NEWSTYLE_GETTEXT),
                GettextStyle::New => syntax.extensions.with(Extensions::NEWSTYLE_GETTEXT),
            };
            for (name, function) in translations::functions(&catalog, style) {
                Arc::make_mut(&mut settings.globals)
                    .insert(name.to_owned(), Value(Repr::Foreign(Foreign::Function(function))));
            }
        });
    }

    /// How sources are read: delimiters, white space, line statements, extensions.
    ///
    /// ```
    /// use haiden::{Environment, Syntax};
    ///
    /// let mut environment = Environment::new();
    /// let syntax = Syntax { variable_start_string: "<<".into(), variable_end_string: ">>".into(), ..Syntax::default() };
    /// environment.set_syntax(syntax)?;
    /// assert_eq!(environment.render_str("<<1 + 1>> {{", haiden::context! {})?, "2 {{");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// Options that contradict each other.
    pub fn set_syntax(&mut self, syntax: Syntax) -> Result<(), Error> {
        syntax.validate().map_err(|error| Error::new(ErrorKind::PythonAssertion, error.message()))?;
        self.change(|settings| {
            // Tags belong to extensions, not to the way sources are read.
            let custom_tags = std::mem::take(&mut settings.options.syntax.custom_tags);
            settings.options.syntax = Syntax { custom_tags, ..syntax };
            if settings.policies.i18n_trimmed {
                let extensions = &mut settings.options.syntax.extensions;
                *extensions = extensions.with(Extensions::I18N_TRIMMED);
            }
        });
        Ok(())
    }

    /// The options of the syntax.
    ///
    /// ```
    /// assert_eq!(haiden::Environment::new().syntax().block_start_string, "{%");
    /// ```
    pub fn syntax(&self) -> &Syntax {
        &self.inner.settings.options.syntax
    }

    /// Whether one newline behind a block tag is dropped.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.set_trim_blocks(true);
    /// assert_eq!(environment.render_str("{% if true %}\na\n{% endif %}\nb", haiden::context! {})?, "a\nb");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn set_trim_blocks(&mut self, on: bool) {
        self.change(|settings| settings.options.syntax.trim_blocks = on);
    }

    /// Whether blanks before a block tag at the start of a line are dropped.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.set_lstrip_blocks(true);
    /// assert_eq!(environment.render_str("a\n  {% if true %}b{% endif %}", haiden::context! {})?, "a\nb");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn set_lstrip_blocks(&mut self, on: bool) {
        self.change(|settings| settings.options.syntax.lstrip_blocks = on);
    }

    /// Whether a newline at the very end of a source is kept.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// assert_eq!(environment.render_str("a\n", haiden::context! {})?, "a");
    /// environment.set_keep_trailing_newline(true);
    /// assert_eq!(environment.render_str("a\n", haiden::context! {})?, "a\n");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn set_keep_trailing_newline(&mut self, on: bool) {
        self.change(|settings| settings.options.syntax.keep_trailing_newline = on);
    }

    /// Switches built-in extensions on.
    ///
    /// ```
    /// use haiden::{Environment, Extensions};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_extensions(Extensions::DO.with(Extensions::LOOP_CONTROLS));
    /// let source = "{% for n in [1, 2, 3] %}{% if n == 2 %}{% break %}{% endif %}{{ n }}{% endfor %}";
    /// assert_eq!(environment.render_str(source, haiden::context! {})?, "1");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn add_extensions(&mut self, extensions: Extensions) {
        self.change(|settings| {
            let syntax = &mut settings.options.syntax;
            syntax.extensions = syntax.extensions.with(extensions);
        });
    }

    /// Whether constants are folded and instructions fused (they are); the output is the same.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.set_optimized(false);
    /// assert_eq!(environment.render_str("{{ 1 + 1 }}", haiden::context! {})?, "2");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn set_optimized(&mut self, on: bool) {
        self.change(|settings| settings.options.optimize = on);
    }
}
