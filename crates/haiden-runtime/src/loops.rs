//! The state of a loop, and what `loop.*` reads from it.
//!
//! A loop's state lives in a slot of its frame. Only when a template uses `loop` as a value does the host take it over
//! (see [`Host::share_loop`]); the slot then holds that value.

use haiden_bytecode::LoopField;

use crate::host::{Host, Undefined};

/// A loop in progress.
pub struct LoopState<H: Host> {
    /// Where items come from.
    iterator: H::Iterator,
    /// How many items were taken, less those that a filter refused.
    taken: usize,
    /// The item after the present one, if something looked ahead.
    ahead: Option<H::Register>,
    /// How deep the recursion is, from 0.
    depth: u32,
    /// Remember the item before.
    keep_previous: bool,
    /// What few loops have: the state is moved when a loop starts, and each time a shared loop is used.
    rare: Option<Box<Rare<H>>>,
}

/// What few loops have.
struct Rare<H: Host> {
    /// The present item, kept only if the body reads `loop.previtem` or `loop` is shared.
    present: Option<H::Register>,
    /// The item before.
    previous: Option<H::Register>,
    /// The length, once something asked.
    length: Option<usize>,
    /// The last values of `loop.changed`.
    changed: Option<Vec<H::Register>>,
    /// Items that [`LoopState::length`] has taken so far.
    collected: Vec<H::Register>,
    /// The code that looks ahead through the loop's filter: where it goes on, and whether it wants all items.
    looking: Option<(usize, bool)>,
    /// The filter has seen all items: those that are left have passed.
    passed: bool,
    /// What the loop's own call runs again, if it is recursive.
    recursion: Option<crate::host::Closure<H>>,
}

/// What happens when a loop's filter has looked for an item.
pub(crate) enum Looked {
    /// It looks for more.
    More,
    /// The code at this place goes on.
    Back(usize),
    /// Nothing had asked it to look.
    Never,
}

impl<H: Host> Default for Rare<H> {
    fn default() -> Rare<H> {
        Rare {
            present: None,
            previous: None,
            length: None,
            changed: None,
            collected: Vec::new(),
            looking: None,
            passed: false,
            recursion: None,
        }
    }
}

impl<H: Host> LoopState<H> {
    /// A loop over `iterator` that has not started.
    #[inline]
    pub fn new(iterator: H::Iterator, depth: u32, keep_previous: bool) -> LoopState<H> {
        LoopState { iterator, taken: 0, ahead: None, depth, keep_previous, rare: None }
    }

    fn rare(&mut self) -> &mut Rare<H> {
        self.rare.get_or_insert_default()
    }

    /// The next item, into a register, if the host has it at hand: is there one?
    #[inline(always)]
    pub(crate) fn next_fast(&mut self, host: &mut H, into: &mut H::Register) -> Option<bool> {
        if self.ahead.is_some() || self.keep_previous {
            return None;
        }
        let any = host.next_fast(&mut self.iterator, into)?;
        self.taken += usize::from(any);
        Some(any)
    }

    /// The next item.
    pub fn next(&mut self, host: &mut H) -> Result<Option<H::Register>, H::Error> {
        let item = match self.ahead.take() {
            None => host.next(&mut self.iterator)?,
            ahead => ahead,
        };
        if self.keep_previous {
            self.remember(item.as_ref());
        }
        self.taken += usize::from(item.is_some());
        Ok(item)
    }

    /// The next item, unpacked to two.
    #[inline]
    pub fn next_pair(&mut self, host: &mut H) -> Result<Option<crate::host::Pair<H>>, H::Error> {
        if self.ahead.is_none() && !self.keep_previous {
            let pair = host.next_pair(&mut self.iterator)?;
            self.taken += usize::from(pair.is_some());
            return Ok(pair);
        }
        self.next_ahead_pair(host)
    }

    /// As [`LoopState::next_pair`]: the item is taken when it has been unpacked, which may suspend.
    #[inline(never)]
    fn next_ahead_pair(&mut self, host: &mut H) -> Result<Option<crate::host::Pair<H>>, H::Error> {
        self.look_ahead(host)?;
        let mut pair = [H::missing(), H::missing()];
        if let Some(item) = &self.ahead {
            host.unpack(item, &mut pair)?;
        }
        let [first, second] = pair;
        Ok(self.next(host)?.map(|_| (first, second)))
    }

    #[cold]
    fn remember(&mut self, item: Option<&H::Register>) {
        if let Some(item) = item {
            let rare = self.rare();
            rare.previous = rare.present.replace(item.clone());
        }
    }

    /// Takes the present item out of the counts.
    pub fn skip(&mut self) {
        self.taken = self.taken.saturating_sub(1);
    }

    /// `loop.index0`, or 0 before the first item.
    #[inline]
    pub fn index0(&self) -> usize {
        self.taken.saturating_sub(1)
    }

    /// `loop.depth0`.
    pub fn depth0(&self) -> u32 {
        self.depth
    }

    /// What calling the loop runs, if it is recursive.
    pub fn recursion(&self) -> Option<&crate::host::Closure<H>> {
        self.rare.as_ref()?.recursion.as_ref()
    }

    /// Sets what calling the loop runs.
    pub(crate) fn set_recursion(&mut self, closure: crate::host::Closure<H>) {
        self.rare().recursion = Some(closure);
    }

    #[inline(never)]
    fn look_ahead(&mut self, host: &mut H) -> Result<bool, H::Error> {
        if self.ahead.is_none() {
            self.ahead = host.next(&mut self.iterator)?;
        }
        Ok(self.ahead.is_some())
    }

    /// Must the loop's filter look for the next item, or for all of them? It goes on at `place` then.
    pub(crate) fn looks(&mut self, place: usize, all: bool) -> bool {
        if self.ahead.is_some() && !all {
            return false;
        }
        let rare = self.rare();
        if !rare.passed {
            rare.looking = Some((place, all));
        }
        !rare.passed
    }

    /// The next item for the loop's filter.
    pub(crate) fn pull(&mut self, host: &mut H) -> Result<Option<H::Register>, H::Error> {
        host.next(&mut self.iterator)
    }

    /// The loop's filter has found this item; no more, if it is missing.
    pub(crate) fn looked(&mut self, host: &mut H, item: &H::Register) -> Looked {
        let rare = self.rare();
        let Some((place, all)) = rare.looking else { return Looked::Never };
        if H::is_missing(item) {
            rare.passed = true;
            let rest = std::mem::take(&mut rare.collected);
            self.iterator = host.iterate_over(rest);
        } else if all {
            rare.collected.push(item.clone());
            return Looked::More;
        } else {
            self.ahead = Some(item.clone());
        }
        self.rare().looking = None;
        Looked::Back(place)
    }

    /// `loop.last`, if the host knows how many items are left.
    #[inline]
    pub(crate) fn is_last_fast(&self, host: &mut H) -> Option<bool> {
        if self.ahead.is_some() {
            return Some(false);
        }
        host.remaining(&self.iterator).map(|remaining| remaining == 0)
    }

    /// `loop.last`.
    #[inline(always)]
    pub fn is_last(&mut self, host: &mut H) -> Result<bool, H::Error> {
        if self.ahead.is_none()
            && let Some(remaining) = host.remaining(&self.iterator)
        {
            return Ok(remaining == 0);
        }
        Ok(!self.look_ahead(host)?)
    }

    /// `loop.length`: if neither the iterator nor what it goes through can tell, the rest of it is taken now.
    pub fn length(&mut self, host: &mut H) -> Result<usize, H::Error> {
        if let Some(length) = self.rare.as_ref().and_then(|rare| rare.length) {
            return Ok(length);
        }
        let left = if let Some(left) = host.remaining(&self.iterator) {
            left
        } else if let Some(length) = host.length_of(&self.iterator)? {
            self.rare().length = Some(length);
            return Ok(length);
        } else {
            // What was taken stays here should the host suspend: the machine asks again.
            while let Some(item) = host.next(&mut self.iterator)? {
                self.rare().collected.push(item);
            }
            let rest = std::mem::take(&mut self.rare().collected);
            let left = rest.len();
            self.iterator = host.iterate_over(rest);
            left
        };
        let length = self.taken + left + usize::from(self.ahead.is_some());
        self.rare().length = Some(length);
        Ok(length)
    }

    /// `loop.<field>`.
    pub fn get(&mut self, host: &mut H, field: LoopField) -> Result<H::Register, H::Error> {
        let number = match field {
            LoopField::Length => self.length(host)? as i64,
            // There may be more items than what is iterated over says.
            LoopField::Revindex => self.length(host)? as i64 - self.index0() as i64,
            LoopField::Revindex0 => self.length(host)? as i64 - self.taken as i64,
            LoopField::Depth => i64::from(self.depth) + 1,
            LoopField::Depth0 => i64::from(self.depth),
            LoopField::Previtem => {
                return match self.rare.as_ref().and_then(|rare| rare.previous.as_ref()) {
                    Some(item) => Ok(item.clone()),
                    None => host.undefined(Undefined::NoPreviousItem),
                };
            }
            LoopField::Nextitem => {
                self.look_ahead(host)?;
                return match &self.ahead {
                    Some(item) => Ok(item.clone()),
                    None => host.undefined(Undefined::NoNextItem),
                };
            }
        };
        Ok(host.integer(number))
    }

    /// `loop.changed(*values)`.
    pub fn changed(&mut self, host: &mut H, values: &[H::Register]) -> Result<bool, H::Error> {
        let last = self.rare.as_ref().and_then(|rare| rare.changed.as_ref());
        if let Some(last) = last
            && last.len() == values.len()
            && host.equal(last, values)?
        {
            return Ok(false);
        }
        self.rare().changed = Some(values.to_vec());
        Ok(true)
    }

    /// From now on every member must work, since the host shows the loop as a value.
    pub fn prepare_to_share(&mut self) {
        self.keep_previous = true;
    }

    /// The present item becomes known (it was taken before the loop was shared).
    pub fn set_present(&mut self, item: H::Register) {
        self.rare().present.get_or_insert(item);
    }
}
