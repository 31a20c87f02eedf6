//! Loop slots: where a frame has its loops.
//!
//! A loop's state lies in the slot itself until the template uses `loop` as a value; then the host has it, and each turn
//! borrows it back.

use crate::host::{Fault, Host};
use crate::loops::LoopState;
use crate::vm::Vm;

/// A loop slot: the state itself, or the value that has taken it over.
#[repr(u8)]
pub(crate) enum LoopSlot<H: Host> {
    Idle,
    Own(LoopState<H>),
    Shared(H::Register),
}

impl<H: Host> LoopSlot<H> {
    /// Starts a loop over `value`, whose state this slot has then.
    #[inline(never)]
    pub(super) fn start(
        &mut self,
        host: &mut H,
        value: &H::Register,
        depth: u32,
        keep_previous: bool,
    ) -> Result<(), H::Error> {
        *self = LoopSlot::Own(LoopState::new(host.iterate(value)?, depth, keep_previous));
        Ok(())
    }

    /// Ends the loop.
    #[inline(never)]
    pub(super) fn end(&mut self) {
        *self = LoopSlot::Idle;
    }

    /// The next item of a loop that the host has not at hand.
    #[inline(never)]
    pub(super) fn next_slow(&mut self, host: &mut H, into: &mut H::Register) -> Result<bool, H::Error> {
        let item = match self {
            LoopSlot::Own(state) => state.next(host)?,
            LoopSlot::Shared(value) => with_shared(host, value, LoopState::next)?,
            LoopSlot::Idle => None,
        };
        let Some(item) = item else { return Ok(false) };
        *into = item;
        Ok(true)
    }

    /// The next item, unpacked to two registers.
    #[inline(never)]
    pub(super) fn next_pair(&mut self, host: &mut H, into: &mut [H::Register]) -> Result<bool, H::Error> {
        let pair = match self {
            LoopSlot::Own(state) => state.next_pair(host)?,
            LoopSlot::Shared(value) => with_shared(host, value, LoopState::next_pair)?,
            LoopSlot::Idle => None,
        };
        let (Some(pair), [first, second]) = (pair, into) else { return Ok(false) };
        (*first, *second) = pair;
        Ok(true)
    }
}

/// Runs `work` on a loop that a value has taken over.
fn with_shared<H: Host, T>(
    host: &mut H,
    value: &H::Register,
    work: impl FnOnce(&mut LoopState<H>, &mut H) -> Result<T, H::Error>,
) -> Result<T, H::Error> {
    let Some(mut state) = host.take_loop(value) else {
        return Vm::fault(host, Fault::BadImage("a loop that is in use"));
    };
    let result = work(&mut state, host);
    host.put_loop(value, state);
    result
}
