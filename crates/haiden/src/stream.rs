//! A page in parts: each is there as soon as it is complete.

use haiden_runtime::{Step, Vm};

use crate::error::Error;
use crate::template::{Started, Template};
use crate::value::context::IntoContext;
use crate::value::host::{NativeHost, Output, Pooled, deeper};

/// The parts of a page, as Jinja2's `Template.generate` yields them: [`Template::stream`].
///
/// Nothing beyond the part that was taken last has been evaluated. An error is the last item.
///
/// ```
/// let template = haiden::Environment::new().template_from_str("a{{ 1 // n }}z")?;
/// let mut parts = template.stream(haiden::context! { n => 0 })?;
/// assert_eq!(parts.next().unwrap()?, "a");
/// assert!(parts.next().unwrap().is_err());
/// assert!(parts.next().is_none());
/// # Ok::<(), haiden::Error>(())
/// ```
pub struct Stream {
    /// `None` once the page is over.
    run: Option<(Pooled, Vm<NativeHost>)>,
    out: Output,
}

impl Template {
    /// Renders it part by part: a text, a printed value, a macro's result.
    ///
    /// ```
    /// let environment = haiden::Environment::new();
    /// let template = environment.template_from_str("a{% for i in items %}{{ i }}{% endfor %}z")?;
    /// let parts: Result<Vec<String>, haiden::Error> = template.stream(haiden::context! { items => vec![1, 2] })?.collect();
    /// assert_eq!(parts?, ["a", "1", "2", "z"]);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// A context that is no mapping or cannot be serialized; what the template fails with is an item of the stream.
    pub fn stream(&self, context: impl IntoContext) -> Result<Stream, Error> {
        let Started { mut parts, out, root } = self.start(context.into_context()?)?;
        let limits = parts.host.limits.machine;
        let machine = Vm::new(&mut parts.host, &self.program, root, limits)?;
        Ok(Stream { run: Some((parts, machine)), out })
    }
}

impl Iterator for Stream {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let (parts, machine) = self.run.as_mut()?;
        let (host, out) = (&mut parts.host, &mut self.out);
        let step = deeper(host.limits.machine.depth, || Ok(machine.resume_chunk(host, out)));
        match step.unwrap_or_else(Step::Err) {
            Step::Chunk => Some(Ok(self.out.take())),
            Step::Done => {
                let (parts, machine) = self.run.take()?;
                drop(machine);
                parts.put_back();
                let rest = self.out.take();
                if rest.is_empty() { None } else { Some(Ok(rest)) }
            }
            Step::Await(error) | Step::Err(error) => {
                self.run = None;
                Some(Err(error))
            }
        }
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("is_over", &self.run.is_none()).finish_non_exhaustive()
    }
}
