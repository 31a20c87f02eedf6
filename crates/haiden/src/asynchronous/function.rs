//! Functions, filters and tests that give futures.

use std::future::Future;
use std::sync::Arc;

use crate::asynchronous::Deferred;
use crate::asynchronous::future::Shared;
use crate::environment::Environment;
use crate::error::Error;
use crate::value::function::{BoxedFunction, CallArguments, Function, Parameters, Returned, invoke_held};
use crate::value::host::{NativeHost, value_of_returned};
use crate::value::object::Foreign;
use crate::value::value::{Repr, Value};
use crate::value::word::Word;

/// A closure that gives a future, with its types forgotten.
fn boxed<R, A, F>(function: F, name: &str) -> BoxedFunction
where
    R: Future<Output: Returned> + Send + 'static,
    A: Parameters,
    F: Function<R, A> + for<'a> Function<R, A::Given<'a>>,
{
    let name: Arc<str> = name.into();
    let called = name.clone();
    let call = move |host: &mut NativeHost, arguments: CallArguments<'_>| -> Result<Word, Error> {
        host.may_wait_for(&called)?;
        let held = A::hold(host, &called, &arguments)?;
        let future = match host.call_before() {
            Some(future) => future,
            None => {
                let result = invoke_held::<R, A, F>(&function, host, held);
                Shared::new(async move { value_of_returned(result.await) })
            }
        };
        host.import(&Deferred::Future(future).into_value())
    };
    BoxedFunction { name, call: Arc::new(call) }
}

impl Value {
    /// A function that templates can call, whose result a render that waits awaits: see
    /// [`Environment::add_async_function`].
    ///
    /// ```
    /// use haiden::{Environment, Value, context};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let double = Value::from_async_function(|n: i64| async move { n * 2 });
    /// let template = Environment::new().template_from_str("{{ double(21) }}")?;
    /// assert_eq!(template.render_async(context! { double }).await?, "42");
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_async_function<R, A>(
        function: impl Function<R, A> + for<'a> Function<R, A::Given<'a>>,
    ) -> Value
    where
        R: Future<Output: Returned> + Send + 'static,
        A: Parameters,
    {
        Value(Repr::Foreign(Foreign::Function(boxed(function, "function"))))
    }
}

impl Environment {
    /// Adds a function that all templates can call and that gives a future: the render awaits it where it is called.
    ///
    /// Only a render that waits ([`Template::render_async`](crate::Template::render_async) and its sisters) can call it; in any other
    /// the call is an error of kind [`ErrorKind::Async`](crate::ErrorKind::Async). Arguments that are references have to be copied
    /// before the future starts: `|name: &str| { let name = name.to_owned(); async move { .. } }`, or `|name: String| async move {
    /// .. }`.
    ///
    /// ```
    /// use haiden::{Environment, ErrorKind, context};
    ///
    /// # async fn price_of(id: i64) -> f64 { id as f64 + 0.5 }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = Environment::new();
    /// environment.add_async_function("price", |id: i64| price_of(id));
    /// let template = environment.template_from_str("{{ price(7) }}")?;
    /// assert_eq!(template.render_async(context! {}).await?, "7.5");
    /// assert_eq!(template.render(context! {}).unwrap_err().kind(), ErrorKind::Async);
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_async_function<R, A>(
        &mut self,
        name: &str,
        function: impl Function<R, A> + for<'a> Function<R, A::Given<'a>>,
    ) where
        R: Future<Output: Returned> + Send + 'static,
        A: Parameters,
    {
        let function = Value(Repr::Foreign(Foreign::Function(boxed(function, name))));
        self.add_global(name, function);
    }

    /// Adds a filter that gives a future: as [`Environment::add_async_function`]. `map` awaits it for each item, one after the
    /// other.
    ///
    /// ```
    /// use haiden::{Environment, context};
    ///
    /// # async fn translate(text: String) -> String { text.to_uppercase() }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = Environment::new();
    /// environment.add_async_filter("translate", |text: String| translate(text));
    /// let template = environment.template_from_str("{{ 'a'|translate }} {{ ['b', 'c']|map('translate')|join }}")?;
    /// assert_eq!(template.render_async(context! {}).await?, "A BC");
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_async_filter<R, A>(
        &mut self,
        name: &str,
        filter: impl Function<R, A> + for<'a> Function<R, A::Given<'a>>,
    ) where
        R: Future<Output: Returned> + Send + 'static,
        A: Parameters,
    {
        let filter = boxed(filter, name);
        self.change(|settings| settings.insert_filter(name, filter));
    }

    /// Adds a test that gives a future: as [`Environment::add_async_function`]. `select` and `reject` await it for each item, one
    /// after the other.
    ///
    /// ```
    /// use haiden::{Environment, context};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = Environment::new();
    /// environment.add_async_test("in_stock", |id: i64| async move { id % 2 == 0 });
    /// let template = environment.template_from_str("{{ 4 is in_stock }} {{ [1, 2, 3]|select('in_stock')|list }}")?;
    /// assert_eq!(template.render_async(context! {}).await?, "True [2]");
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_async_test<R, A>(
        &mut self,
        name: &str,
        test: impl Function<R, A> + for<'a> Function<R, A::Given<'a>>,
    ) where
        R: Future<Output: Returned> + Send + 'static,
        A: Parameters,
    {
        let test = boxed(test, name);
        self.change(|settings| settings.insert_test(name, test));
    }

    /// A closure that every printed value passes through, and that gives a future: [`Environment::set_finalize`] where it has to be
    /// waited for. Only renders that wait can print then.
    ///
    /// ```
    /// use haiden::{Environment, Value, context};
    ///
    /// # async fn name_of(id: i64) -> String { format!("user {id}") }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = Environment::new();
    /// environment.set_async_finalize(|value: Value| async move {
    ///     match value.as_i64() {
    ///         Some(id) => Value::from(name_of(id).await),
    ///         None => value,
    ///     }
    /// });
    /// let template = environment.template_from_str("{{ 7 }}, {{ 'you' }}")?;
    /// assert_eq!(template.render_async(context! {}).await?, "user 7, you");
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_async_finalize<R, A>(
        &mut self,
        finalize: impl Function<R, A> + for<'a> Function<R, A::Given<'a>>,
    ) where
        R: Future<Output: Returned> + Send + 'static,
        A: Parameters,
    {
        let finalize = boxed(finalize, "finalize");
        self.change(|settings| settings.finalize = Some(finalize));
    }
}
