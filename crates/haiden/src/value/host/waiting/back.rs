//! Calls back: what the futures that a render awaits ask it to call, each on a machine of its own.
//!
//! In: the requests on the render's desk. Out: their outcomes. All of them go on side by side: one that waits holds up no other, so
//! futures may wait for calls in any order. Invariants: each has its own [`Waiting`], which is the host's while it runs; all
//! draw on one fuel, and no more of them are under way at once than frames may be open.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use haiden_runtime::{Step, Vm};

use crate::asynchronous::callback::{Asked, Reply, Request};
use crate::asynchronous::render::BoxFuture;
use crate::asynchronous::{nothing_waits, polled};
use crate::error::{Error, ErrorKind};
use crate::value::heap::HeapObject;
use crate::value::host::{NativeHost, Output};
use crate::value::value::Value;
use crate::value::word::Word;

use super::Waiting;

type Result<T> = std::result::Result<T, Error>;

/// A call that is under way.
pub(super) struct Call {
    context: u32,
    work: Work,
    /// Taken by the host while it runs.
    waiting: Option<Box<Waiting>>,
    reply: Reply,
    /// The futures that wait for it.
    asking: Box<[u64]>,
}

enum Work {
    /// It has not begun.
    Asked(Request),
    /// Of a macro or a block.
    Machine(Box<(Vm<NativeHost>, Output)>),
    /// Of anything else.
    Other { callee: Word, positional: Vec<Word>, keywords: Vec<(Arc<str>, Word)> },
}

impl NativeHost {
    /// What a call gives that this render is asked for once the future is polled.
    pub(crate) fn call_later(&mut self, request: Request) -> BoxFuture<'static, Result<Value>> {
        match &mut self.waiting {
            Some(waiting) => waiting.desk.get_or_insert_default().ask(request),
            None => Box::pin(async { Err(nothing_waits("what `call_async` gives")) }),
        }
    }

    /// Goes on with all calls that were asked for. Is one of them over?
    pub(super) fn serve(&mut self, context: &mut Context<'_>) -> bool {
        let Some(waiting) = &mut self.waiting else { return false };
        let Some(desk) = waiting.desk.clone() else { return false };
        let mut calls = mem::take(&mut waiting.calls);
        let mut one_is_over = false;
        for mut asked in desk.take(context.waker()) {
            if calls.len() < self.limits.machine.depth {
                let waiting = Some(Box::new(Waiting { desk: Some(desk.clone()), ..Waiting::default() }));
                let Asked { request, reply, asking } = asked;
                let context = request.context;
                calls.push(Call { context, work: Work::Asked(request), waiting, reply, asking });
            } else {
                asked.reply.give(Err(Error::new(ErrorKind::Recursion, "maximum recursion depth exceeded")));
                one_is_over = true;
            }
        }
        let calling = self.calling;
        calls.retain_mut(|call| {
            let is_over = self.go_on(call, context).is_ready();
            one_is_over |= is_over;
            !is_over
        });
        self.calling = calling;
        if let Some(waiting) = &mut self.waiting {
            waiting.calls = calls;
        }
        one_is_over
    }

    /// Goes on with a call, as far as it comes.
    fn go_on(&mut self, call: &mut Call, context: &mut Context<'_>) -> Poll<()> {
        if call.reply.is_pointless() {
            return Poll::Ready(());
        }
        let _within = polled::within(&call.asking);
        mem::swap(&mut self.waiting, &mut call.waiting);
        self.calling = call.context;
        let outcome = self.poll_call(&mut call.work, context);
        mem::swap(&mut self.waiting, &mut call.waiting);
        outcome.map(|outcome| call.reply.give(outcome))
    }

    fn poll_call(&mut self, work: &mut Work, context: &mut Context<'_>) -> Poll<Result<Value>> {
        loop {
            ready!(self.poll_own(context));
            match self.resume_call(work) {
                Err(error) if error.is_suspension() => {}
                outcome => return Poll::Ready(outcome.and_then(|word| self.value(word))),
            }
        }
    }

    fn resume_call(&mut self, work: &mut Work) -> Result<Word> {
        if let Work::Asked(request) = work {
            let begun = self.begin(request)?;
            *work = begun;
        }
        match work {
            Work::Asked(_) => Ok(Word::Missing),
            Work::Machine(machine) => {
                let (machine, out) = &mut **machine;
                machine.limit_fuel(self.limits.machine.fuel);
                let before = machine.fuel();
                let step = machine.resume(self, out);
                let spent = before.saturating_sub(machine.fuel());
                self.limits.machine.fuel = self.limits.machine.fuel.saturating_sub(spent);
                match step {
                    Step::Done | Step::Chunk => Ok(machine.result().unwrap_or(Word::Missing)),
                    Step::Await(error) | Step::Err(error) => Err(error),
                }
            }
            Work::Other { callee, positional, keywords } => {
                self.awaited(&[], |host| host.call_expanded(*callee, positional, keywords))
            }
        }
    }

    fn begin(&mut self, request: &Request) -> Result<Work> {
        let callee = self.import(&request.callee)?;
        let callee = self.settled(callee)?;
        if self.sandboxed {
            self.refuse_unsafe_call(callee)?;
        }
        let positional = request.positional.iter().map(|value| self.import(value));
        let mut positional = positional.collect::<Result<Vec<Word>>>()?;
        let keywords = request.keywords.iter().map(|(name, value)| Ok((name.clone(), self.import(value)?)));
        let mut keywords = keywords.collect::<Result<Vec<(Arc<str>, Word)>>>()?;
        if let Word::Object(index) = callee
            && let HeapObject::Macro(_) | HeapObject::Block(_) = self.heap.objects[index as usize]
        {
            let mut out = Output::new(64, self.limits.output);
            let limits = self.limits.machine;
            let machine = self.machine_for(callee, index, (&positional, &keywords), &mut out, limits)?;
            return Ok(Work::Machine(Box::new((machine, out))));
        }
        for word in positional.iter_mut().chain(keywords.iter_mut().map(|(_, word)| word)) {
            *word = self.settled(*word)?;
        }
        Ok(Work::Other { callee, positional, keywords })
    }
}
