//! A stream as a value: items that come one by one, taken once.
//!
//! Invariants: an item that has come waits here until something takes it, so a verb that is asked again finds it; the stream is
//! polled by one at a time, and whoever finds it in use gets an error instead of waiting for a lock.

use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::asynchronous::future::Shared;
use crate::error::{Error, ErrorKind};
use crate::value::function::Returned;
use crate::value::host::value_of_returned;
use crate::value::object::panicked;
use crate::value::value::Value;

type Item = Result<Value, Error>;

/// A stream whose type is forgotten.
trait Items: Send {
    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<Item>>;
}

struct Pinned<S>(Pin<Box<S>>);

impl<S: Stream<Item: Returned> + Send> Items for Pinned<S> {
    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<Item>> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll_next(context)));
        match polled {
            Ok(polled) => polled.map(|item| item.map(value_of_returned)),
            Err(panic) => Poll::Ready(Some(Err(panicked("a stream", &*panic)))),
        }
    }
}

/// A stream as a value.
pub(crate) struct Sequence(Mutex<State>);

enum State {
    /// Its items come; this one has come and waits.
    Open { items: Box<dyn Items>, next: Option<Item> },
    /// There are no more.
    Over,
    /// Something takes, or has taken, all that were left: a list of them.
    Whole(Shared<Value>),
}

impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sequence")
    }
}

/// What there is to take.
pub(crate) enum Next {
    Item(Item),
    Over,
    /// Something has to be awaited first.
    NotYet,
}

impl Sequence {
    pub(crate) fn new<S: Stream<Item: Returned> + Send + 'static>(stream: S) -> Sequence {
        Sequence(Mutex::new(State::Open { items: Box::new(Pinned(Box::pin(stream))), next: None }))
    }

    fn lock(&self) -> Result<MutexGuard<'_, State>, Error> {
        match self.0.try_lock() {
            Ok(state) => Ok(state),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                Err(Error::new(ErrorKind::Async, "an asynchronous sequence is in use elsewhere"))
            }
        }
    }

    /// The next item, if it has come.
    pub(crate) fn take(&self) -> Result<Next, Error> {
        Ok(match &mut *self.lock()? {
            State::Open { next, .. } => next.take().map_or(Next::NotYet, Next::Item),
            State::Over | State::Whole(_) => Next::Over,
        })
    }

    /// Gives an item back that was taken.
    pub(crate) fn give_back(&self, item: Value) -> Result<(), Error> {
        if let State::Open { next, .. } = &mut *self.lock()? {
            *next = Some(Ok(item));
        }
        Ok(())
    }

    /// Waits until there is something to take.
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut state = match self.lock() {
            Ok(state) => state,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let State::Open { items, next } = &mut *state else { return Poll::Ready(Ok(())) };
        if next.is_none() {
            match ready!(items.poll_item(context)) {
                Some(item) => *next = Some(item),
                None => *state = State::Over,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The list that all items were or are taken to, if they are.
    pub(crate) fn whole(&self) -> Result<Option<Shared<Value>>, Error> {
        match &*self.lock()? {
            State::Whole(list) => Ok(Some(list.clone())),
            _ => Ok(None),
        }
    }

    /// Takes all items that are left to a list, of `most` items at most.
    pub(crate) fn collect(&self, most: usize) -> Result<Shared<Value>, Error> {
        let mut state = self.lock()?;
        let list = match mem::replace(&mut *state, State::Over) {
            State::Whole(list) => list,
            State::Over => Shared::new(async { Ok(Value::from(Vec::<Value>::new())) }),
            State::Open { items, next } => Shared::new(collect(items, next, most)),
        };
        *state = State::Whole(list.clone());
        Ok(list)
    }
}

async fn collect(mut items: Box<dyn Items>, first: Option<Item>, most: usize) -> Item {
    let mut list = Vec::new();
    list.extend(first.transpose()?);
    while let Some(item) = std::future::poll_fn(|context| items.poll_item(context)).await {
        if list.len() >= most {
            let message = format!("more than the limit of {most} items of an asynchronous sequence");
            return Err(Error::new(ErrorKind::Memory, message));
        }
        list.push(item?);
    }
    Ok(list.into_iter().collect())
}
