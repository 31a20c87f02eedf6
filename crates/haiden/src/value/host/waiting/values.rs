//! Values that are still to come, where a verb uses them: it meets them again when it is called once more.

use std::sync::Arc;

use haiden_runtime::Program;

use crate::asynchronous::future::Shared;
use crate::asynchronous::nothing_waits;
use crate::asynchronous::sequence::{Next, Sequence};
use crate::error::Error;
use crate::value::heap::HeapObject;
use crate::value::host::{NativeHost, NativeIterator};
use crate::value::value::Value;
use crate::value::word::{Slot, Word};

use super::{MAX_FUTURES, Start, Wait, too_many_futures};

type Result<T> = std::result::Result<T, Error>;

impl NativeHost {
    /// The value of a word that is used now: what a future has come to.
    #[cold]
    #[inline(never)]
    pub(crate) fn settled(&mut self, word: Word) -> Result<Word> {
        // A copy: who calls this need not make one of what is printed, say.
        let mut word = word;
        for _ in 0..MAX_FUTURES {
            let Some(future) = self.future_in(word) else { return self.bytes_from_outside(word) };
            let stays = self.stays(word, &future);
            let value = self.outcome(future, stays)?;
            word = self.import(&value)?;
        }
        Err(too_many_futures())
    }

    /// Python's `in`. An answer may have to wait in the middle of a generator.
    #[inline]
    pub(crate) fn is_in(&mut self, item: Word, container: Word) -> Result<bool> {
        if self.waiting.is_none() {
            return self.contains(item, container);
        }
        let item = self.settled(item)?;
        self.again_if_it_suspends(&[container], |host| host.contains(item, container))
    }

    /// Two words that are used now, if one is a future.
    pub(crate) fn settled_pair(&mut self, left: Word, right: Word) -> Result<Option<(Word, Word)>> {
        let needs_none = |word| self.future_in(word).is_none() && !self.is_bytes_outside(word);
        if needs_none(left) && needs_none(right) {
            return Ok(None);
        }
        Ok(Some((self.settled(left)?, self.settled(right)?)))
    }

    /// As [`NativeHost::present`], of a word that is used now.
    #[inline]
    pub(crate) fn present_settled(&mut self, word: Word) -> Result<Word> {
        if let Word::Foreign { .. } = word {
            return self.settled_present(&word);
        }
        Ok(self.present(word))
    }

    #[cold]
    #[inline(never)]
    fn settled_present(&mut self, word: &Word) -> Result<Word> {
        let settled = self.settled(*word)?;
        Ok(self.present(settled))
    }

    /// What a future has come to that the verb meets again: the same one, if it `stays`.
    pub(super) fn outcome(&mut self, future: Shared<Value>, stays: bool) -> Result<Value> {
        let is_for_nothing = self.is_for_nothing();
        if !is_for_nothing && let Some(runs) = self.runs() {
            let known = runs.futures.get(runs.met).cloned();
            runs.met += 1;
            if let Some(outcome) = known.as_ref().unwrap_or(&future).outcome() {
                if known.is_none() {
                    runs.futures.push(future);
                }
                return outcome;
            }
            runs.futures.push(future);
            runs.lacks = true;
            return self.stand_in();
        }
        if let Some(outcome) = future.outcome() {
            return outcome;
        }
        match self.gathered() {
            Some(gathered) if stays => {
                gathered.futures.push(future);
                self.stand_in()
            }
            Some(_) if is_for_nothing => Err(Error::suspension()),
            _ => self.wait_for(Wait::Value(future)),
        }
    }

    /// The stand-in for a value that is still to come. A number, for most of what filters do with values can be done with it.
    fn stand_in(&mut self) -> Result<Value> {
        match self.gathered() {
            Some(gathered) => {
                gathered.is_for_nothing = true;
                Ok(Value::from(0))
            }
            None => Err(Error::suspension()),
        }
    }

    /// All items of a stream that are left.
    pub(crate) fn items_of_sequence(&mut self, sequence: &Sequence) -> Result<Vec<Word>> {
        let list = match sequence.whole()? {
            Some(list) => list,
            // Before it is touched: in a synchronous render it stays as it is.
            None if self.waiting.is_none() => return Err(nothing_waits("an asynchronous sequence")),
            None => sequence.collect(self.limits.size)?,
        };
        let value = self.outcome(list, true)?;
        let word = self.import(&value)?;
        self.items_of(word)
    }

    /// Starts to iterate over a stream, or what a future has come to: one by one, if this is a render that can wait for the
    /// next item, and no filter that has to run again.
    #[cold]
    pub(crate) fn iterate_deferred(&mut self, word: &Word) -> Result<NativeIterator> {
        let word = self.settled(*word)?;
        let (Some(sequence), Word::Foreign { slot, index }) = (self.sequence_in(word), word) else {
            return self.start_iteration(word);
        };
        if self.waiting.is_some() && self.runs().is_none() && sequence.whole()?.is_none() {
            return Ok(NativeIterator::Sequence { slot, index });
        }
        Ok(NativeIterator::Values { items: self.items_of_sequence(&sequence)?, at: 0 })
    }

    /// All that is left of a stream.
    #[cold]
    pub(crate) fn rest_of_sequence(&mut self, iterator: &NativeIterator) -> Result<Vec<Word>> {
        let &NativeIterator::Sequence { slot, index } = iterator else { return Ok(Vec::new()) };
        match self.sequence_in(Word::Foreign { slot, index }) {
            Some(sequence) => self.items_of_sequence(&sequence),
            None => Ok(Vec::new()),
        }
    }

    /// Gives the item that was taken last back to where it came from.
    #[cold]
    pub(crate) fn step_back(&mut self, iterator: &mut NativeIterator, item: Word) -> Result<()> {
        match iterator {
            NativeIterator::Run { at, .. } | NativeIterator::Map { at, .. } => *at -= 1,
            NativeIterator::List { at, .. }
            | NativeIterator::Dict { at, .. }
            | NativeIterator::Values { at, .. } => *at -= 1,
            NativeIterator::Generator(index) => {
                if let HeapObject::Generator { at, .. } = &mut self.heap.objects[*index as usize] {
                    *at -= 1;
                }
            }
            NativeIterator::Sequence { slot, index } => {
                let value = self.value(item)?;
                if let Some(sequence) = self.sequence_in(Word::Foreign { slot: *slot, index: *index }) {
                    sequence.give_back(value)?;
                }
            }
            // Their items are no futures.
            NativeIterator::Range { .. } | NativeIterator::Chars { .. } => {}
        }
        Ok(())
    }

    /// The next item of the stream that lies there.
    #[cold]
    pub(crate) fn next_of_sequence(&mut self, slot: Slot, index: u32) -> Result<Option<Word>> {
        let Some(sequence) = self.sequence_in(Word::Foreign { slot, index }) else { return Ok(None) };
        match sequence.take()? {
            Next::Item(item) => self.import(&item?).map(Some),
            Next::Over => Ok(None),
            Next::NotYet => self.wait_for(Wait::Item(sequence)),
        }
    }

    /// A template, where that may have to be waited for.
    pub(crate) fn template_awaited(&mut self, name: &str) -> Result<Arc<Program<NativeHost>>> {
        let known = self.waiting.iter().flat_map(|waiting| &waiting.templates);
        if let Some((_, outcome)) = known.rev().find(|(known, _)| **known == *name) {
            return outcome.clone();
        }
        let Some(templates) = self.templates.clone() else { return self.templates().program(name) };
        match templates.start_loading(name) {
            Start::Here(program) => program,
            Start::Later(loading) => self.wait_for(Wait::Template(name.into(), loading)),
        }
    }

    /// Is the word something that is still to come?
    pub(crate) fn is_future(&self, word: Word) -> bool {
        self.future_in(word).is_some()
    }

    /// What an argument has come to, if it had to be waited for: of a stream, the list of its items.
    #[cold]
    pub(crate) fn arrived(&mut self, word: Word) -> Result<Option<Word>> {
        let settled = self.settled(word)?;
        if let Some(sequence) = self.sequence_in(settled) {
            let items = self.items_of_sequence(&sequence)?;
            return Ok(Some(self.heap.list(items)));
        }
        Ok(self.is_future(word).then_some(settled))
    }

    /// These values where some are futures: what they have come to. `None`: none is.
    pub(crate) fn settled_values(&mut self, words: &[Word]) -> Result<Option<Vec<Word>>> {
        if !words.iter().any(|word| self.future_in(*word).is_some()) {
            return Ok(None);
        }
        words.iter().map(|word| self.settled(*word)).collect::<Result<_>>().map(Some)
    }
}
