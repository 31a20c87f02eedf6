//! Calls that a future asks the render for that awaits it: what [`State::call_async`](crate::State::call_async) is made of.
//!
//! In: a value to call and its arguments. Out: a future of what the call gives. The future has no way to the render's values; it
//! puts the call on the render's desk, and whoever drives the render takes it from there. Invariants: whoever asked gets an
//! answer, be it that the render has ended; a future that is never polled asks for nothing.

use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use crate::asynchronous::polled;
use crate::asynchronous::render::BoxFuture;
use crate::error::{Error, ErrorKind};
use crate::value::object::Keywords;
use crate::value::value::Value;

type Result<T> = std::result::Result<T, Error>;

/// A call to be made.
pub(crate) struct Request {
    pub(crate) callee: Value,
    pub(crate) positional: Vec<Value>,
    pub(crate) keywords: Vec<(Arc<str>, Value)>,
    /// The context that it is made in.
    pub(crate) context: u32,
}

/// A call that somebody waits for.
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) reply: Reply,
    /// The futures that go on when it is made: it cannot wait for them.
    pub(crate) asking: Box<[u64]>,
}

/// Where the calls lie that a render is asked for.
#[derive(Default)]
pub(crate) struct Desk(Mutex<Papers>);

#[derive(Default)]
struct Papers {
    asked: Vec<Asked>,
    /// Whoever drives the render.
    waker: Option<Waker>,
}

/// What a call gives, for whoever asked for it.
#[derive(Default)]
struct Answer(Mutex<(Option<Result<Value>>, Option<Waker>)>);

/// Who has to answer. Dropped without an answer, it says that the render has ended.
pub(crate) struct Reply(Option<Arc<Answer>>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Request {
    pub(crate) fn new(callee: &Value, positional: &[Value], keywords: Keywords<'_>, context: u32) -> Request {
        let keywords = keywords.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        Request { callee: callee.clone(), positional: positional.to_vec(), keywords, context }
    }
}

impl Desk {
    /// What a call gives that is put here as soon as the future is polled.
    pub(crate) fn ask(self: &Arc<Self>, request: Request) -> BoxFuture<'static, Result<Value>> {
        let desk = Arc::downgrade(self);
        Box::pin(async move {
            let answer = Arc::new(Answer::default());
            put(&desk, Asked { request, reply: Reply(Some(answer.clone())), asking: polled::all() })?;
            poll_fn(|context| answer.poll(context)).await
        })
    }

    /// Takes what lies here; what is put here later wakes this waker.
    pub(crate) fn take(&self, waker: &Waker) -> Vec<Asked> {
        let mut papers = lock(&self.0);
        match &mut papers.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        mem::take(&mut papers.asked)
    }
}

fn put(desk: &Weak<Desk>, asked: Asked) -> Result<()> {
    let desk = desk.upgrade().ok_or_else(render_is_over)?;
    let waker = {
        let mut papers = lock(&desk.0);
        papers.asked.push(asked);
        papers.waker.take()
    };
    waker.into_iter().for_each(Waker::wake);
    Ok(())
}

impl Answer {
    fn poll(&self, context: &mut Context<'_>) -> Poll<Result<Value>> {
        let (outcome, waker) = &mut *lock(&self.0);
        match outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn give(&self, given: Result<Value>) {
        let waker = {
            let (outcome, waker) = &mut *lock(&self.0);
            *outcome = Some(given);
            waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Reply {
    /// Does nobody wait for it any more?
    pub(crate) fn is_pointless(&self) -> bool {
        self.0.as_ref().is_none_or(|answer| Arc::strong_count(answer) == 1)
    }

    pub(crate) fn give(&mut self, outcome: Result<Value>) {
        if let Some(answer) = self.0.take() {
            answer.give(outcome);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(answer) = self.0.take() {
            answer.give(Err(render_is_over()));
        }
    }
}

#[cold]
fn render_is_over() -> Error {
    Error::new(ErrorKind::Async, "a call was asked of a render that is over")
}
