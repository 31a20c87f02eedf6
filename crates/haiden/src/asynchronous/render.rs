//! Renders that wait: what [`Template::render`] and its sisters do, as futures.
//!
//! In: a template and a context, which is made into values at once. Out: a future that owns all it needs. Invariant: a future
//! that is dropped drops its render, wherever that was.

use std::future::Future;
use std::pin::Pin;

use haiden_runtime::{BlockReference, Chain, Step, Vm};

use crate::ask::{Expression, no_block};
use crate::error::Error;
use crate::module::Module;
use crate::template::{Started, Template};
use crate::value::context::IntoContext;
use crate::value::host::{NativeHost, Output, Pooled};
use crate::value::value::Value;

/// A future on the heap: what the asynchronous methods give, and what an [`AsyncLoader`](crate::loader::AsyncLoader) gives.
///
/// ```
/// use haiden::{BoxFuture, Environment, Error, context};
///
/// fn page() -> BoxFuture<'static, Result<String, Error>> {
///     match Environment::new().template_from_str("Hello {{ name }}!") {
///         Ok(template) => template.render_async(context! { name => "Ann" }),
///         Err(error) => Box::pin(async { Err(error) }),
///     }
/// }
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// assert_eq!(page().await?, "Hello Ann!");
/// # Ok::<(), Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A future that owns what it needs, and can fail.
type Rendering<T> = BoxFuture<'static, Result<T, Error>>;

/// A render that waits, and is over.
struct Finished {
    parts: Pooled,
    out: Output,
    root: u32,
}

/// Runs a machine to its end.
async fn drive(mut machine: Vm<NativeHost>, host: &mut NativeHost, out: &mut Output) -> Result<(), Error> {
    loop {
        match machine.resume(host, out) {
            Step::Done | Step::Chunk => return Ok(()),
            Step::Err(error) => return Err(error),
            Step::Await(_) => host.wait().await,
        }
    }
}

impl Template {
    /// Makes everything ready for a render that waits.
    pub(super) fn start_waiting(&self, context: Value) -> Result<Started, Error> {
        let mut started = self.start(context)?;
        started.parts.host.wait_from_now_on();
        Ok(started)
    }

    async fn finish(self, context: Result<Value, Error>) -> Result<Finished, Error> {
        let Started { mut parts, mut out, root } = self.start_waiting(context?)?;
        let limits = parts.host.limits.machine;
        let machine = Vm::new(&mut parts.host, &self.program, root, limits)?;
        drive(machine, &mut parts.host, &mut out).await?;
        self.program.remember_size(out.text.len());
        Ok(Finished { parts, out, root })
    }

    /// Renders it, and waits where it has to: for [asynchronous functions](crate::Environment::add_async_function), filters and
    /// tests, for [values that are still to come](Value::from_future), for [streams](Value::from_stream), and for
    /// [templates](crate::Environment::set_async_loader).
    ///
    /// The future owns all it needs and runs on any runtime: it can be spawned. Dropping it ends the render. Between two places where it
    /// waits it does not give way: its work is what [`Template::render`] does. See the [guide](crate::guide::asynchronous).
    ///
    /// ```
    /// use haiden::{Environment, context};
    ///
    /// # async fn load_user(id: i64) -> String { format!("user {id}") }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = Environment::new();
    /// environment.add_async_function("user", |id: i64| load_user(id));
    /// let template = environment.template_from_str("{% for id in ids %}{{ user(id) }}\n{% endfor %}")?;
    /// assert_eq!(template.render_async(context! { ids => [1, 2] }).await?, "user 1\nuser 2\n");
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Template::render`], and what is awaited fails with.
    pub fn render_async(&self, context: impl IntoContext) -> Rendering<String> {
        let (template, context) = (self.clone(), context.into_context());
        Box::pin(async move {
            let Finished { parts, out, .. } = template.finish(context).await?;
            parts.put_back();
            Ok(out.text)
        })
    }

    /// As [`Template::render_native`], in a render that waits.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = haiden::Environment::new();
    /// environment.set_native_types(true);
    /// environment.add_async_function("answer", || async { 42 });
    /// let value = environment.template_from_str("{{ answer() }}")?.render_native_async(haiden::context! {}).await?;
    /// assert_eq!(value.as_i64(), Some(42));
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Template::render_async`].
    pub fn render_native_async(&self, context: impl IntoContext) -> Rendering<Value> {
        let (template, context) = (self.clone(), context.into_context());
        Box::pin(async move {
            let Finished { mut parts, out, .. } = template.finish(context).await?;
            let value = parts.host.page_value(out)?;
            parts.put_back();
            Ok(value)
        })
    }

    /// As [`Template::render_block`], in a render that waits.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = haiden::Environment::new();
    /// environment.add_async_function("title", || async { "Home" });
    /// let template = environment.template_from_str("<h1>{% block title %}{{ title() }}{% endblock %}</h1>")?;
    /// assert_eq!(template.render_block_async("title", haiden::context! {}).await?, "Home");
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// There is no such block, and as [`Template::render_async`].
    pub fn render_block_async(&self, name: &str, context: impl IntoContext) -> Rendering<String> {
        let (template, context) = (self.clone(), context.into_context());
        let chain = Chain::of(&self.program);
        let block = chain.find(name).ok_or_else(|| no_block(name));
        Box::pin(async move {
            let block = block?;
            let Started { mut parts, mut out, root } = template.start_waiting(context?)?;
            let limits = parts.host.limits.machine;
            let block = BlockReference { context: root, chain, block, depth: 0 };
            let machine = Vm::of_block(&mut parts.host, block, limits)?;
            drive(machine, &mut parts.host, &mut out).await?;
            parts.put_back();
            Ok(out.text)
        })
    }

    /// As [`Template::module`], in a render that waits. The module's macros are called without waiting.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = haiden::Environment::new();
    /// environment.add_async_function("answer", || async { 42 });
    /// let template = environment.template_from_str("{% set found = answer() %}")?;
    /// let module = template.module_async(haiden::context! {}).await?;
    /// assert_eq!(module.get("found").and_then(|found| found.as_i64()), Some(42));
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Template::render_async`].
    pub fn module_async(&self, context: impl IntoContext) -> Rendering<Module> {
        let (template, context) = (self.clone(), context.into_context());
        Box::pin(async move {
            let context = context?;
            let Finished { parts, out, root } = template.clone().finish(Ok(context.clone())).await?;
            Module::of(&template, context, parts, root, out.text)
        })
    }
}

impl Expression {
    /// As [`Expression::eval`], and waits where it has to.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = haiden::Environment::new();
    /// environment.add_async_function("price", |id: i64| async move { id * 10 });
    /// let expression = environment.compile_expression("price(id) > 20")?;
    /// assert_eq!(expression.eval_async(haiden::context! { id => 3 }).await?.as_bool(), Some(true));
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Template::render_async`].
    pub fn eval_async(&self, context: impl IntoContext) -> Rendering<Value> {
        let (expression, context) = (self.clone(), context.into_context());
        Box::pin(async move {
            let Finished { mut parts, root, .. } = expression.template().clone().finish(context).await?;
            let value = expression.result(&mut parts.host, root)?;
            parts.put_back();
            Ok(value)
        })
    }
}
