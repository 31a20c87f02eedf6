//! Templates that are ready to be rendered.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use haiden_runtime::Program;

use crate::environment::Inner;
use crate::error::{Error, ErrorKind};
use crate::value::context::IntoContext;
use crate::value::host::{NativeHost, Output, Parts, Pooled, deeper, quoted};
use crate::value::object::{Keywords, Object};
use crate::value::value::{Repr, Value};
use crate::value::word::Word;

/// A template of an [`Environment`](crate::Environment), ready to be rendered any number of times, by any number of
/// threads at once.
///
/// As a value ([`Value::from_object`]) it is what `include`, `extends` and `import` take in place of a name, alone or in a list;
/// it has Jinja2's `name`, `filename`, `module` and `render(…)`.
///
/// ```
/// use haiden::{Environment, Value, context};
///
/// let environment = Environment::new();
/// let layout = environment.template_from_str("<{% block body %}{% endblock %}>")?;
/// let page = environment.render_str(
///     "{% extends layout %}{% block body %}{{ n }}{% endblock %}",
///     context! { n => 1, layout => Value::from_object(layout) },
/// )?;
/// assert_eq!(page, "<1>");
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone)]
pub struct Template {
    pub(crate) inner: Arc<Inner>,
    pub(crate) program: Arc<Program<NativeHost>>,
}

/// A render that can begin.
pub(crate) struct Started {
    pub(crate) parts: Pooled,
    pub(crate) out: Output,
    /// The context of the template.
    pub(crate) root: u32,
}

/// How much more room than for the last page there is at first: what is escaped asks for some beyond its end.
const SPARE: usize = 128;

impl Template {
    /// The name it was loaded under; `None` for one made from a text.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("a.html", "")?;
    /// assert_eq!(environment.get_template("a.html")?.name(), Some("a.html"));
    /// assert_eq!(environment.template_from_str("")?.name(), None);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.program.name().map(|name| &**name)
    }

    /// The file it came from.
    ///
    /// ```
    /// use haiden::loader::{FunctionLoader, Source};
    ///
    /// let mut environment = haiden::Environment::new();
    /// environment.set_loader(FunctionLoader::new(|name| {
    ///     Ok(Some(Source { filename: Some(format!("/srv/{name}").into()), ..Source::new("") }))
    /// }));
    /// assert_eq!(environment.get_template("a.html")?.filename(), Some("/srv/a.html".as_ref()));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn filename(&self) -> Option<&std::path::Path> {
        self.program.extra().filename.as_deref()
    }

    /// Renders it.
    ///
    /// `context` is `context! {..}`, a reference to a [`Value`] that was made before (nothing is copied then), or to any
    /// data that serde serializes to a mapping.
    ///
    /// ```
    /// let template = haiden::Environment::new().template_from_str("Hello {{ name }}!")?;
    /// assert_eq!(template.render(haiden::context! { name => "Ada" })?, "Hello Ada!");
    /// let user = std::collections::BTreeMap::from([("name", "Bob")]);
    /// assert_eq!(template.render(&user)?, "Hello Bob!");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the template fails with; a context that is no mapping or cannot be serialized.
    pub fn render(&self, context: impl IntoContext) -> Result<String, Error> {
        self.render_value(context.into_context()?)
    }

    /// Not generic: the machine is compiled once, not with every kind of data.
    fn render_value(&self, context: Value) -> Result<String, Error> {
        let Started { mut parts, mut out, root } = self.start(context)?;
        self.run(&mut parts, &mut out, root)?;
        parts.put_back();
        self.program.remember_size(out.text.len());
        Ok(out.text)
    }

    /// Makes everything ready for a render.
    #[inline]
    pub(crate) fn start(&self, context: Value) -> Result<Started, Error> {
        let mut parts = Pooled::new();
        let host = &mut parts.host;
        host.use_templates(self.inner.clone());
        let base = match context.0 {
            Repr::Arena(arena, word @ Word::Map { .. }) => host.adopt(arena, word)?,
            Repr::None | Repr::Undefined(_) => Word::None,
            other => return Err(no_mapping(&Value(other))),
        };
        let out = Output::new(self.program.size_hint() + SPARE, host.limits.output);
        let root = host.root_context(&self.program, base);
        Ok(Started { parts, out, root })
    }

    /// Runs it to its end.
    #[inline]
    pub(crate) fn run(&self, parts: &mut Pooled, out: &mut Output, root: u32) -> Result<(), Error> {
        let Parts { host, machine } = &mut **parts;
        let limits = host.limits.machine;
        deeper(limits.depth, || machine.run_template(host, out, &self.program, root, limits))
    }

    /// Renders it to a writer. The page is rendered completely first: an error of the template writes nothing.
    ///
    /// ```
    /// let mut page = Vec::new();
    /// haiden::Environment::new().template_from_str("{{ n }}!")?.render_to(haiden::context! { n => 1 }, &mut page)?;
    /// assert_eq!(page, b"1!");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Template::render`], and what the writer fails with.
    pub fn render_to(&self, context: impl IntoContext, mut writer: impl Write) -> Result<(), Error> {
        let page = self.render(context)?;
        writer.write_all(page.as_bytes()).map_err(|error| {
            Error::new(ErrorKind::Write, format!("the page could not be written: {error}")).with_source(error)
        })
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "<Template {}>", quoted(name)),
            None => f.write_str("<Template memory>"),
        }
    }
}

impl Object for Template {
    fn type_name(&self) -> &'static str {
        "Template"
    }
    fn get_attr(&self, name: &str) -> Option<Value> {
        match name {
            "name" => Some(self.name().into()),
            "filename" => Some(self.filename().map(|path| path.to_string_lossy()).into()),
            "module" => self.module(&Value::NONE).ok().map(Value::from_object),
            _ => None,
        }
    }
    fn attributes(&self) -> Vec<&str> {
        vec!["name", "filename", "module", "render"]
    }
    fn to_text(&self) -> String {
        format!("{self:?}")
    }
    fn has_method(&self, name: &str) -> bool {
        name == "render"
    }
    fn call_method(&self, name: &str, positional: &[Value], keywords: Keywords<'_>) -> Result<Value, Error> {
        if name != "render" || positional.len() > 1 {
            let message = format!("a template has no method '{name}' of {} arguments", positional.len());
            return Err(Error::new(ErrorKind::Type, message));
        }
        let mut variables: Vec<(String, Value)> = Vec::new();
        for (name, value) in positional.iter().flat_map(Value::entries) {
            variables.push((name.to_string(), value));
        }
        variables.extend(keywords.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.render(&variables.into_iter().collect::<Value>()).map(Value::from)
    }
}

#[cold]
fn no_mapping(context: &Value) -> Error {
    Error::new(ErrorKind::Type, format!("the context must be a mapping of names to values, not {context:?}"))
}
