//! Futures and streams that do not come at once.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// A future that is pending so many times before it gives its value.
pub(crate) struct Later<T> {
    value: Option<T>,
    times: u32,
}

/// A value that does not come at once.
pub(crate) fn later<T>(value: T) -> Later<T> {
    Later { value: Some(value), times: 2 }
}

impl<T: Unpin> Future for Later<T> {
    type Output = T;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        if self.times > 0 {
            self.times -= 1;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.value.take().expect("polled after its end"))
    }
}

/// A stream whose items do not come at once.
pub(crate) struct Trickle<T> {
    items: VecDeque<T>,
    waits: bool,
}

/// A stream of these items.
pub(crate) fn trickle<T>(items: impl IntoIterator<Item = T>) -> Trickle<T> {
    Trickle { items: items.into_iter().collect(), waits: true }
}

impl<T: Unpin> Stream for Trickle<T> {
    type Item = T;
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.waits = !self.waits;
        if !self.waits {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.items.pop_front())
    }
}
