//! State: what a function sees of the render that calls it.
//!
//! It has the host for itself while the function runs: arguments that borrow from the host are copied before.

use std::cell::RefCell;
use std::fmt;

use crate::asynchronous::callback::Request;
use crate::asynchronous::render::BoxFuture;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::value::host::{Name, NativeHost};
use crate::value::object::Keywords;
use crate::value::value::Value;

/// The render that calls a function, filter or test: its variables, template and environment. What Jinja2's
/// `pass_context`, `pass_eval_context` and `pass_environment` hand in.
///
/// A closure takes it as `&State`, before its arguments. Closures that take none pay nothing for it.
///
/// ```
/// use haiden::{Environment, Error, State, context};
///
/// let mut environment = Environment::new();
/// environment.add_filter("translate", |state: &State, text: &str| -> Result<String, Error> {
///     let language = state.lookup("language")?;
///     Ok(match language.as_ref().and_then(|language| language.as_str()) {
///         Some("de") => format!("{text} (auf Deutsch)"),
///         _ => text.to_owned(),
///     })
/// });
/// let template = environment.template_from_str("{{ 'Hello'|translate }}")?;
/// assert_eq!(template.render(context! { language => "de" })?, "Hello (auf Deutsch)");
/// assert_eq!(template.render(context! {})?, "Hello");
/// # Ok::<(), Error>(())
/// ```
pub struct State<'a> {
    host: RefCell<&'a mut NativeHost>,
    /// The context that the call is made in; `None` outside of a render.
    context: Option<u32>,
}

impl<'a> State<'a> {
    pub(crate) fn new(host: &'a mut NativeHost) -> State<'a> {
        let context = host.calling_context();
        State { host: RefCell::new(host), context }
    }

    /// The variable of this name, if there is one: what the template has set at its top level, else what it is rendered
    /// with, else a global. As in Jinja2, a function does not see loop variables and what is set inside of blocks, loops
    /// and macros.
    ///
    /// ```
    /// use haiden::{Environment, State, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_global("shop", "Corner");
    /// environment.add_function("see", |state: &State, name: &str| state.lookup(name));
    /// let source = "{% set here = 1 %}{% for i in [7] %}{{ see('here') }} {{ see('given') }} {{ see('shop') }} {{ see('i') }}{% endfor %}";
    /// assert_eq!(environment.render_str(source, context! { given => 2 })?, "1 2 Corner None");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// The value is nested too deeply to leave the template.
    pub fn lookup(&self, name: &str) -> Result<Option<Value>, Error> {
        let Some(context) = self.context else { return Ok(None) };
        let host = &mut **self.host.borrow_mut();
        let word = host.find_variable(context, &Name::new(name));
        word.map(|word| host.value(word)).transpose()
    }

    /// All variables as a dict: those that [`lookup`](State::lookup) finds, without globals.
    ///
    /// ```
    /// use haiden::{Environment, State, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_function("all", |state: &State| state.variables());
    /// let page = environment.render_str("{% set b = 2 %}{{ all() }}", context! { a => 1 })?;
    /// assert_eq!(page, "{'a': 1, 'b': 2}");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// One of them is nested too deeply to leave the template.
    pub fn variables(&self) -> Result<Value, Error> {
        let Some(context) = self.context else { return Ok(Value::NONE) };
        let host = &mut **self.host.borrow_mut();
        let all = host.all_variables(context)?;
        host.value(all)
    }

    /// The variables that the template exports so far: those that it set at its top level, without those that start with an
    /// underscore.
    ///
    /// ```
    /// use haiden::{Environment, State, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_function("exports", |state: &State| state.exported_names());
    /// let page = environment.render_str("{% set b = 1 %}{% set _a = 2 %}{% set a = 3 %}{{ exports() }}", context! { c => 4 })?;
    /// assert_eq!(page, "['b', 'a']");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn exported_names(&self) -> Vec<String> {
        let host = self.host.borrow();
        let exports = self.context.map(|context| host.exports(context));
        exports.into_iter().flatten().map(|(name, _)| name.to_string()).collect()
    }

    /// The name of the template that calls; `None` for one made from a text.
    ///
    /// ```
    /// use haiden::{Environment, State, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_function("where", |state: &State| state.template_name());
    /// environment.add_template("inner", "{{ where() }}")?;
    /// assert_eq!(environment.render_str("{{ where() }} {% include 'inner' %}", context! {})?, "None inner");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn template_name(&self) -> Option<String> {
        self.host.borrow().template_of(self.context?)
    }

    /// Is what the template prints here escaped?
    ///
    /// ```
    /// use haiden::{Environment, State, Value, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_filter("lines", |state: &State, text: &str| {
    ///     if state.is_autoescape() { Value::from_safe_string(text.replace('\n', "<br>")) } else { Value::from(text) }
    /// });
    /// let source = "{{ 'a\nb'|lines }} {% autoescape true %}{{ 'a\nb'|lines }}{% endautoescape %}";
    /// assert_eq!(environment.render_str(source, context! {})?, "a\nb a<br>b");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn is_autoescape(&self) -> bool {
        self.context.is_some_and(|context| self.host.borrow().context(context).autoescape)
    }

    /// The environment: to load and render other templates, say.
    ///
    /// ```
    /// use haiden::{Environment, Error, State, Value, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_template("card", "[{{ name }}]")?;
    /// environment.add_function("card", |state: &State, name: &str| -> Result<Value, Error> {
    ///     let card = state.environment().get_template("card")?.render(context! { name })?;
    ///     Ok(Value::from_safe_string(card))
    /// });
    /// assert_eq!(environment.render_str("{{ card('Ann') }}", context! {})?, "[Ann]");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn environment(&self) -> Environment {
        self.host.borrow().environment().unwrap_or_default()
    }

    /// Applies a filter, one of Jinja2's or one that was added, as the template would here.
    ///
    /// ```
    /// use haiden::{Environment, State, Value, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_filter("brief", |state: &State, text: &Value| -> Result<Value, haiden::Error> {
    ///     let title = state.call_filter("title", text, &[], &[])?;
    ///     state.call_filter("truncate", &title, &[9.into()], &[("end", "…".into()), ("leeway", 0.into())])
    /// });
    /// assert_eq!(environment.render_str("{{ 'salt and pepper'|brief }}", context! {})?, "Salt…");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is no such filter, or what it fails with.
    pub fn call_filter(
        &self,
        name: &str,
        value: &Value,
        positional: &[Value],
        keywords: Keywords<'_>,
    ) -> Result<Value, Error> {
        let Some(context) = self.context else { return Err(no_render(name)) };
        self.host.borrow_mut().call_filter(context, name, value, (positional, keywords))
    }

    /// Asks a test, one of Jinja2's or one that was added, as the template would here.
    ///
    /// ```
    /// use haiden::{Environment, State, Value, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_test("odd_or_zero", |state: &State, n: &Value| {
    ///     Ok::<_, haiden::Error>(state.call_test("odd", n, &[], &[])? || state.call_test("eq", n, &[0.into()], &[])?)
    /// });
    /// assert_eq!(environment.render_str("{{ [0, 1, 2, 3]|select('odd_or_zero')|list }}", context! {})?, "[0, 1, 3]");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is no such test, or what it fails with.
    pub fn call_test(
        &self,
        name: &str,
        value: &Value,
        positional: &[Value],
        keywords: Keywords<'_>,
    ) -> Result<bool, Error> {
        let Some(context) = self.context else { return Err(no_render(name)) };
        self.host.borrow_mut().call_test(context, name, value, (positional, keywords))
    }

    /// Calls a value: a function, an object, or a macro that the template handed in. It gives what the call gives in a
    /// template: markup of a macro where autoescape is on.
    ///
    /// ```
    /// use haiden::{Environment, Error, State, Value, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_function("twice", |state: &State, what: Value| -> Result<Value, Error> {
    ///     let (first, second) = (state.call(&what, &[1.into()], &[])?, state.call(&what, &[2.into()], &[])?);
    ///     Ok(Value::from(format!("{first}{second}")))
    /// });
    /// environment.add_function("add", |a: i64| a + 40);
    /// assert_eq!(environment.render_str("{{ twice(add) }}", context! {})?, "4142");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// The value cannot be called, or what the call fails with.
    pub fn call(&self, callee: &Value, positional: &[Value], keywords: Keywords<'_>) -> Result<Value, Error> {
        let host = &mut **self.host.borrow_mut();
        let outcome = host.call_with_values(callee, positional, keywords);
        host.calling = self.context.unwrap_or_default();
        outcome
    }

    /// Calls a value, and waits for what it waits for: as [`State::call`], in a render that waits.
    ///
    /// What runs for a [`State::call`] cannot wait, because the Rust code around it cannot: a macro that awaits something is an error
    /// there. The future that this gives has no part of the state: an [asynchronous function](Environment::add_async_function), or an
    /// object's method that gives a [future](Value::from_future), awaits it, and the render makes the call meanwhile. A future that is
    /// never polled calls nothing.
    ///
    /// ```
    /// use haiden::{Environment, Error, State, Value, context};
    ///
    /// # async fn load_user(id: i64) -> String { format!("user {id}") }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = Environment::new();
    /// environment.add_async_function("user", |id: i64| load_user(id));
    /// environment.add_async_function("twice", |state: &State, what: Value| {
    ///     let (first, second) = (state.call_async(&what, &[1.into()], &[]), state.call_async(&what, &[2.into()], &[]));
    ///     async move { Ok::<_, Error>(format!("{} {}", first.await?, second.await?)) }
    /// });
    /// let template = environment.template_from_str("{% macro card(id) %}[{{ user(id) }}]{% endmacro %}{{ twice(card) }}")?;
    /// assert_eq!(template.render_async(context! {}).await?, "[user 1] [user 2]");
    /// # Ok::<(), Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`State::call`]; this render cannot wait, or it is over before the call was made.
    pub fn call_async(
        &self,
        callee: &Value,
        positional: &[Value],
        keywords: Keywords<'_>,
    ) -> BoxFuture<'static, Result<Value, Error>> {
        let request = Request::new(callee, positional, keywords, self.context.unwrap_or_default());
        self.host.borrow_mut().call_later(request)
    }
}

#[cold]
fn no_render(name: &str) -> Error {
    Error::new(ErrorKind::Runtime, format!("'{name}' is called outside of a render: see Environment"))
}

impl fmt::Debug for State<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("template", &self.template_name()).finish_non_exhaustive()
    }
}
