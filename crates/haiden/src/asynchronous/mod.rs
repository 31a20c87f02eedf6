//! Asynchronous templates: renders that wait, and values that are waited for.
//!
//! In: templates, and futures and streams as values, functions, filters, tests and loaders. Out: futures that no runtime is
//! chosen for. A render is a machine that stops where it has to wait and goes on when it is woken; all that knows of waiting
//! while a template runs is in `value::host::waiting`. Invariant: a render without waiting runs the same code as
//! [`Template::render`](crate::Template::render), and a synchronous render pays nothing for any of this.
//!
//! - [`future`]: a future whose outcome many can await
//! - [`sequence`]: a stream as a value
//! - [`function`]: functions, filters and tests that give futures
//! - [`callback`]: calls that a future asks its render for
//! - [`render`]: `render_async` and its sisters, [`parts`]: a page part by part
//! - [`loading`]: loaders that wait

pub(crate) mod callback;
pub(crate) mod function;
pub(crate) mod future;
pub(crate) mod loading;
pub(crate) mod parts;
pub(crate) mod polled;
pub(crate) mod render;
pub(crate) mod sequence;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_core::Stream;

use crate::asynchronous::future::Shared;
use crate::asynchronous::sequence::Sequence;
use crate::error::{Error, ErrorKind};
use crate::value::function::Returned;
use crate::value::host::value_of_returned;
use crate::value::object::Foreign;
use crate::value::value::{Repr, Value};

/// A value that has to be waited for.
#[derive(Clone)]
pub(crate) enum Deferred {
    Future(Shared<Value>),
    Sequence(Arc<Sequence>),
}

impl Deferred {
    /// What messages call its type: the names of what Python has in their places.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Deferred::Future(_) => "coroutine",
            Deferred::Sequence(_) => "async_generator",
        }
    }

    pub(crate) fn is(&self, other: &Deferred) -> bool {
        match (self, other) {
            (Deferred::Future(left), Deferred::Future(right)) => left.is(right),
            (Deferred::Sequence(left), Deferred::Sequence(right)) => Arc::ptr_eq(left, right),
            _ => false,
        }
    }

    pub(crate) fn into_value(self) -> Value {
        Value(Repr::Foreign(Foreign::Deferred(self)))
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} object>", self.type_name())
    }
}

impl Value {
    /// A value that is still to come: whatever the future gives.
    ///
    /// A render that waits ([`Template::render_async`](crate::Template::render_async)) awaits it where the template uses it: prints
    /// it, reads an attribute or an item of it, loops over it, tests it, hands it to a filter or function. One that is never used is
    /// never polled. It may be awaited by many and any number of times; the future runs once.
    ///
    /// An [`Object`](crate::Object) whose method takes time returns one: that is what an asynchronous method is.
    ///
    /// ```
    /// use haiden::{Environment, Value, context};
    ///
    /// # async fn load_user(id: i64) -> Value { [("name", Value::from(format!("user {id}")))].into_iter().collect() }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let template = Environment::new().template_from_str("{{ user.name }}")?;
    /// let user = Value::from_future(load_user(7));
    /// assert_eq!(template.render_async(context! { user }).await?, "user 7");
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_future<F>(future: F) -> Value
    where
        F: Future<Output: Returned> + Send + 'static,
    {
        let outcome = async move { value_of_returned(future.await) };
        Deferred::Future(Shared::new(outcome)).into_value()
    }

    /// A sequence whose items are still to come, from any stream: what Python calls an asynchronous generator.
    ///
    /// In a render that waits, `for` takes its items one by one as they come, and filters like `list` and `join` take them all
    /// first. The items can be taken once; after something has taken all that were left, these stay at hand.
    ///
    /// ```
    /// use haiden::{Environment, Value, context};
    ///
    /// # use std::task::Poll;
    /// # let mut rows = (1..=3).into_iter();
    /// # struct Rows<I>(I);
    /// # impl<I: Iterator<Item = i64> + Unpin> futures_core::Stream for Rows<I> {
    /// #     type Item = i64;
    /// #     fn poll_next(mut self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<Option<i64>> {
    /// #         Poll::Ready(self.0.next())
    /// #     }
    /// # }
    /// # let stream = Rows(rows);
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let template = Environment::new().template_from_str("{% for row in rows %}{{ loop.index }}: {{ row }}\n{% endfor %}")?;
    /// let page = template.render_async(context! { rows => Value::from_stream(stream) }).await?;
    /// assert_eq!(page, "1: 1\n2: 2\n3: 3\n");
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_stream<S>(stream: S) -> Value
    where
        S: Stream<Item: Returned> + Send + 'static,
    {
        Deferred::Sequence(Arc::new(Sequence::new(stream))).into_value()
    }
}

/// The error for something asynchronous where nothing can wait. `what` is the subject of the sentence.
#[cold]
pub(crate) fn nothing_waits(what: &str) -> Error {
    Error::new(ErrorKind::Async, format!("{what} has to be awaited, and this render cannot wait"))
        .with_hint("render the template with `render_async`".to_owned())
}

/// The error for something asynchronous inside of what cannot be left and come back to.
#[cold]
pub(crate) fn cannot_wait_here(what: &str) -> Error {
    Error::new(
        ErrorKind::Async,
        format!("{what} has to be awaited, and code that a Rust function calls back cannot wait"),
    )
    .with_hint(
        "await it in the template first, and use the result; or call back with `State::call_async`"
            .to_owned(),
    )
}
