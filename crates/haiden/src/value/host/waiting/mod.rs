//! Waiting: what verbs do in a render that can stop and go on.
//!
//! A verb that meets something that is still to come says here what it waits for, and suspends. Who drives the machine awaits
//! that and resumes; the machine calls the same verb once more. There are two ways to find the answer then:
//! - **By itself.** Futures in data, items of streams, templates: the same verb meets the same future again, which is done now.
//! - **From here.** What a *call* gave (of a function, method, filter or test) is a future that nobody else has: calling again
//!   would give another one. The verb that asked takes the outcome instead of calling.
//!
//! Builtin filters call others for each item (`map`, `select`) and read attributes (`sort`, `sum`). They cannot be left in the
//! middle, so they run more than once: the first time each such call gives no more than its future, all futures are awaited in
//! order, and then the filter runs again and its calls get the outcomes in the same order. A filter that meets a value that is
//! still to come goes on with a stand-in, to meet the others: they are awaited together, and it does not run once for each. So does
//! what prints a list of such. A run that goes on for nothing calls no user's code, and what is thrown away of the runs before has no
//! effect outside of the heap.
//!
//! Reading order: here what is waited for and how, [`values`], [`calls`], [`verbs`]; [`back`] is what futures ask the render to call.
//!
//! Invariants: an answer is taken by the verb that asked for it, because the machine calls that one first; in a synchronous
//! render [`NativeHost::waiting`] is `None` and nothing here runs, except to say that it cannot.

mod back;
mod calls;
mod values;
mod verbs;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use haiden_runtime::Program;

use crate::asynchronous::callback::Desk;
use crate::asynchronous::future::Shared;
use crate::asynchronous::sequence::Sequence;
use crate::asynchronous::{Deferred, cannot_wait_here, nothing_waits};
use crate::error::{Error, ErrorKind};
use crate::value::function::Returned;
use crate::value::host::NativeHost;
use crate::value::object::Foreign;
use crate::value::value::Value;
use crate::value::word::Word;

type Result<T> = std::result::Result<T, Error>;

/// A program that is being loaded.
pub(crate) type Loading = Shared<Arc<Program<NativeHost>>>;

/// A program that was asked for.
pub(crate) enum Start {
    /// It is at hand, or there is none.
    Here(Outcome),
    /// It has to be waited for.
    Later(Loading),
}

/// A program, or why there is none.
type Outcome = Result<Arc<Program<NativeHost>>>;

/// What is waited for.
pub(crate) enum Wait {
    /// What a call gave.
    Call(Shared<Value>),
    /// A value that the verb meets again.
    Value(Shared<Value>),
    /// Values that the verb meets again, one after the other; so many of them are done.
    Values(Vec<Shared<Value>>, usize),
    /// The next item.
    Item(Arc<Sequence>),
    /// The template of this name.
    Template(Arc<str>, Loading),
}

/// What a render that waits has under way.
#[derive(Default)]
pub(crate) struct Waiting {
    wait: Option<Wait>,
    /// A builtin filter's runs.
    runs: Option<Runs>,
    /// What the work that is being done looks ahead for.
    gathered: Option<Gathered>,
    /// What a filter gave that is to be printed.
    filtered: Option<Word>,
    /// How many machines run inside of verbs: nothing can wait there.
    inner: u32,
    /// What the templates came to that were waited for.
    templates: Vec<(Arc<str>, Outcome)>,
    /// Why what was waited for cannot be had, if it does not say so itself.
    failure: Option<Error>,
    /// What `finalize` gave for a value that is to be printed.
    finalized: Option<Word>,
    /// Where futures put the calls that they ask for, once one may.
    desk: Option<Arc<Desk>>,
    /// Those that are under way.
    calls: Vec<back::Call>,
}

/// The runs of a builtin filter.
#[derive(Default)]
struct Runs {
    /// What its calls gave, in order.
    futures: Vec<Shared<Value>>,
    /// How many the present run has met.
    met: usize,
    /// It has met one that is not done.
    lacks: bool,
    running: bool,
}

/// What work that has met something that is still to come goes on to meet, so that all of it is awaited before the work is done
/// again: what it makes meanwhile is thrown away, and it calls nothing.
#[derive(Default)]
struct Gathered {
    futures: Vec<Shared<Value>>,
    /// It has met something: a value that it works with is a stand-in.
    is_for_nothing: bool,
    /// How many foreign values and arenas there were before: those futures will be met again, later ones are made anew.
    foreign: usize,
    slots: usize,
}

/// How often a future may come to another future.
const MAX_FUTURES: usize = 16;

impl NativeHost {
    /// From now on verbs may suspend.
    pub(crate) fn wait_from_now_on(&mut self) {
        self.waiting = Some(Box::default());
    }

    /// The render is over: what runs in this host later does not suspend.
    pub(crate) fn wait_no_more(&mut self) {
        self.waiting = None;
    }

    /// Is this a render that can wait?
    pub(crate) fn can_wait(&self) -> bool {
        self.waiting.is_some()
    }

    /// Waits for what the verb that suspended asked for.
    pub(crate) async fn wait(&mut self) {
        poll_fn(|context| self.poll_wait(context)).await;
    }

    pub(crate) fn poll_wait(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.poll_own(context).is_ready() {
                return Poll::Ready(());
            }
            if !self.serve(context) {
                return Poll::Pending;
            }
        }
    }

    /// As [`NativeHost::poll_wait`], without the calls that futures ask for.
    fn poll_own(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(()) };
        match &mut waiting.wait {
            // The verb that called will ask for the outcome.
            Some(Wait::Call(future)) => {
                let outcome = ready!(future.poll(context));
                waiting.failure = outcome.err().filter(|_| future.outcome().is_none());
                return Poll::Ready(());
            }
            Some(Wait::Value(future)) => {
                let outcome = ready!(future.poll(context));
                waiting.failure = outcome.err().filter(|_| future.outcome().is_none());
            }
            Some(Wait::Values(futures, done)) => {
                while let Some(future) = futures.get(*done) {
                    let outcome = ready!(future.poll(context));
                    *done += 1;
                    waiting.failure = outcome.err().filter(|_| future.outcome().is_none());
                    if waiting.failure.is_some() {
                        break;
                    }
                }
            }
            Some(Wait::Item(sequence)) => waiting.failure = ready!(sequence.poll(context)).err(),
            Some(Wait::Template(name, loading)) => {
                let outcome = ready!(loading.poll(context));
                waiting.templates.push((name.clone(), outcome));
            }
            None => {}
        }
        waiting.wait = None;
        Poll::Ready(())
    }

    /// Asks for something, and suspends.
    fn wait_for<T>(&mut self, wait: Wait) -> Result<T> {
        let Some(waiting) = &mut self.waiting else { return Err(nothing_waits(wait.subject())) };
        if let Some(error) = waiting.failure.take() {
            return Err(error);
        }
        if waiting.inner > 0 {
            return Err(cannot_wait_here(wait.subject()));
        }
        waiting.wait = Some(wait);
        Err(Error::suspension())
    }

    /// An error unless a function may be called that gives a future.
    pub(crate) fn may_wait_for(&self, function: &str) -> Result<()> {
        match &self.waiting {
            None => Err(nothing_waits(&format!("what {function}() gives"))),
            Some(waiting) if waiting.inner > 0 => Err(cannot_wait_here(&format!("what {function}() gives"))),
            Some(_) => Ok(()),
        }
    }

    /// Enters or leaves a machine inside of a verb.
    pub(crate) fn count_inner(&mut self, enter: bool) {
        if let Some(waiting) = &mut self.waiting {
            waiting.inner = if enter { waiting.inner + 1 } else { waiting.inner.saturating_sub(1) };
        }
    }

    fn deferred(&self, word: Word) -> Option<&Deferred> {
        match word {
            Word::Foreign { slot, index } => match self.foreign(slot, index) {
                Foreign::Deferred(deferred) => Some(deferred),
                _ => None,
            },
            _ => None,
        }
    }

    fn future_in(&self, word: Word) -> Option<Shared<Value>> {
        match self.deferred(word)? {
            Deferred::Future(future) => Some(future.clone()),
            Deferred::Sequence(_) => None,
        }
    }

    /// The stream that a word is.
    pub(crate) fn sequence_in(&self, word: Word) -> Option<Arc<Sequence>> {
        match self.deferred(word)? {
            Deferred::Sequence(sequence) => Some(sequence.clone()),
            Deferred::Future(_) => None,
        }
    }
}

impl Wait {
    /// What messages call it.
    fn subject(&self) -> &'static str {
        match self {
            Wait::Call(_) => "what a call gives",
            Wait::Value(_) | Wait::Values(..) => "a value",
            Wait::Item(_) => "an asynchronous sequence",
            Wait::Template(..) => "a template",
        }
    }
}

#[cold]
fn too_many_futures() -> Error {
    Error::new(ErrorKind::Async, "a future comes to a future, and that to another, too often")
}

/// What user code has returned, as a value outside of any render.
pub(crate) fn value_of_returned(returned: impl Returned) -> Result<Value> {
    let mut host = NativeHost::default();
    let word = returned.into_word(&mut host)?;
    host.value(word)
}
