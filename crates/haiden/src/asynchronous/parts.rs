//! A page in parts, each as soon as it is complete, in a render that waits.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use haiden_runtime::{Step, Vm};

use crate::error::Error;
use crate::template::{Started, Template};
use crate::value::context::IntoContext;
use crate::value::host::{NativeHost, Output, Pooled};

/// The parts of a page, each as soon as it is complete: [`Template::stream_async`].
///
/// A [`futures_core::Stream`]; whoever wants no helper crate for streams takes [`next_chunk`](AsyncStream::next_chunk). Nothing beyond
/// the part that was taken last has been evaluated. An error is the last item. Dropping it ends the render.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let mut environment = haiden::Environment::new();
/// environment.add_async_function("row", |n: i64| async move { n * 2 });
/// let template = environment.template_from_str("{% for n in [1, 2] %}{{ row(n) }}{% endfor %}")?;
/// let mut parts = template.stream_async(haiden::context! {})?;
/// let mut sent = Vec::new();
/// while let Some(part) = parts.next_chunk().await {
///     sent.push(part?);
/// }
/// assert_eq!(sent, ["2", "4"]);
/// # Ok::<(), haiden::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AsyncStream {
    /// `None` once the page is over.
    run: Option<(Pooled, Vm<NativeHost>)>,
    out: Output,
}

impl Template {
    /// As [`Template::stream`], in a render that waits.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = haiden::Environment::new();
    /// environment.add_async_function("slow", || async { "rest" });
    /// let template = environment.template_from_str("head {{ slow() }}")?;
    /// let mut parts = template.stream_async(haiden::context! {})?;
    /// // The head can be sent before the rest is there.
    /// assert_eq!(parts.next_chunk().await.transpose()?.as_deref(), Some("head "));
    /// assert_eq!(parts.next_chunk().await.transpose()?.as_deref(), Some("rest"));
    /// assert!(parts.next_chunk().await.is_none());
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Template::stream`].
    pub fn stream_async(&self, context: impl IntoContext) -> Result<AsyncStream, Error> {
        let Started { mut parts, out, root } = self.start_waiting(context.into_context()?)?;
        let limits = parts.host.limits.machine;
        let machine = Vm::new(&mut parts.host, &self.program, root, limits)?;
        Ok(AsyncStream { run: Some((parts, machine)), out })
    }
}

impl AsyncStream {
    /// The next part; `None` at the end of the page. Nothing is lost if the future is dropped.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut environment = haiden::Environment::new();
    /// environment.add_async_function("broken", || async { Err::<i64, _>(haiden::Error::new(haiden::ErrorKind::Value, "gone")) });
    /// let template = environment.template_from_str("head {{ broken() }} foot")?;
    /// let mut parts = template.stream_async(haiden::context! {})?;
    /// assert_eq!(parts.next_chunk().await.unwrap()?, "head ");
    /// assert_eq!(parts.next_chunk().await.unwrap().unwrap_err().message(), "gone");
    /// assert!(parts.next_chunk().await.is_none(), "an error is the last item");
    /// # Ok::<(), haiden::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn next_chunk(&mut self) -> Option<Result<String, Error>> {
        poll_fn(|context| self.poll_chunk(context)).await
    }

    /// As [`AsyncStream::next_chunk`], to be polled.
    ///
    /// ```
    /// use std::task::{Context, Poll, Waker};
    ///
    /// let template = haiden::Environment::new().template_from_str("at once")?;
    /// let mut parts = template.stream_async(haiden::context! {})?;
    /// // Nothing is waited for here, so nobody has to be woken.
    /// let mut context = Context::from_waker(Waker::noop());
    /// let Poll::Ready(Some(part)) = parts.poll_chunk(&mut context) else { panic!("it is not there") };
    /// assert_eq!(part?, "at once");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<String, Error>>> {
        let Some((parts, machine)) = &mut self.run else { return Poll::Ready(None) };
        loop {
            ready!(parts.host.poll_wait(context));
            let last = match machine.resume_chunk(&mut parts.host, &mut self.out) {
                Step::Await(_) => continue,
                Step::Chunk => return Poll::Ready(Some(Ok(self.out.take()))),
                Step::Done => Ok(self.out.take()),
                Step::Err(error) => Err(error),
            };
            if let Some((parts, machine)) = self.run.take()
                && last.is_ok()
            {
                drop(machine);
                parts.put_back();
            }
            let is_nothing = last.as_ref().is_ok_and(String::is_empty);
            return Poll::Ready((!is_nothing).then_some(last));
        }
    }
}

impl Stream for AsyncStream {
    type Item = Result<String, Error>;
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_chunk(context)
    }
}

impl std::fmt::Debug for AsyncStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AsyncStream").field("is_over", &self.run.is_none()).finish_non_exhaustive()
    }
}
