//! A world in which nothing comes at once: every variable is a future, every template has to be waited for.
//!
//! In: a case's variables and templates. Out: values and a loader that are pending before they give anything, and an executor that
//! waits for them. What templates make of them must be what they make of the same values at hand.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use haiden::loader::{LoadError, Source};
use haiden::{Environment, Error, Value};
use serde_json::Value as Json;

/// Is pending once.
#[derive(Default)]
struct Pause {
    was_polled: bool,
}

impl Future for Pause {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.was_polled {
            return Poll::Ready(());
        }
        self.was_polled = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A value that does not come at once.
pub(crate) fn later(value: Value) -> Value {
    Value::from_future(async {
        Pause::default().await;
        value
    })
}

/// The variables, none of which comes at once.
///
/// # Errors
/// They cannot be values.
pub(crate) fn variables(context: &Json) -> Result<Value, Error> {
    let Json::Object(variables) = context else { return Value::from_serialize(context) };
    let later = |(name, value): (&String, &Json)| Ok((name.clone(), later(Value::from_serialize(value)?)));
    variables.iter().map(later).collect()
}

/// Makes an environment wait for its templates.
pub(crate) fn load_later(environment: &mut Environment, templates: BTreeMap<String, String>) {
    environment.set_async_loader(move |name: String| {
        let source = templates.get(&name).cloned();
        async move {
            Pause::default().await;
            source.map(Source::new).ok_or(LoadError::NotFound(None))
        }
    });
}

/// Runs a future that wakes itself.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}
