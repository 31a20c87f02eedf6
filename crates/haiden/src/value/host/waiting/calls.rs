//! Calls that give futures: the verb takes the outcome instead of calling again; builtin filters run again.

use crate::asynchronous::future::Shared;
use crate::error::Error;
use crate::value::heap::HeapObject;
use crate::value::host::NativeHost;
use crate::value::value::Value;
use crate::value::word::{HEAP, Word};

use super::{Gathered, MAX_FUTURES, Runs, Wait, too_many_futures};

type Result<T> = std::result::Result<T, Error>;

impl NativeHost {
    /// The runs of the builtin filter that is running.
    pub(super) fn runs(&mut self) -> Option<&mut Runs> {
        self.waiting.as_mut()?.runs.as_mut().filter(|runs| runs.running)
    }

    /// What this call gave in a run before.
    pub(crate) fn call_before(&mut self) -> Option<Shared<Value>> {
        let runs = self.runs()?;
        runs.futures.get(runs.met).cloned()
    }

    /// The outcome of the call that this verb has asked for.
    fn answer(&mut self) -> Option<Result<Value>> {
        let waiting = self.waiting.as_mut().filter(|waiting| {
            // A call inside of a filter or of an inner machine has asked for nothing.
            waiting.inner == 0 && waiting.runs.as_ref().is_none_or(|runs| !runs.running)
        })?;
        match &waiting.wait {
            Some(Wait::Call(future)) => {
                let outcome = match waiting.failure.take() {
                    Some(error) => Err(error),
                    None => future.outcome()?,
                };
                waiting.wait = None;
                Some(outcome)
            }
            _ => None,
        }
    }

    /// What a call with these values gives, once it has been awaited if it must be.
    pub(crate) fn awaited(
        &mut self,
        values: &[Word],
        call: impl FnOnce(&mut NativeHost) -> Result<Word>,
    ) -> Result<Word> {
        if self.is_for_nothing() {
            return Ok(Word::None);
        }
        let mut word = match self.answer() {
            Some(outcome) => self.import(&outcome?)?,
            None => self.again_if_it_suspends(values, call)?,
        };
        for _ in 0..MAX_FUTURES {
            let Some(future) = self.future_in(word) else { return Ok(word) };
            let outcome = match self.runs() {
                Some(runs) => {
                    let future = runs.futures.get(runs.met).cloned().unwrap_or_else(|| {
                        runs.futures.push(future.clone());
                        future
                    });
                    runs.met += 1;
                    match future.outcome() {
                        Some(outcome) => outcome,
                        // The run goes on, to meet the others; what it makes of this is thrown away.
                        None => {
                            runs.lacks = true;
                            return Ok(Word::None);
                        }
                    }
                }
                None => match future.outcome() {
                    Some(outcome) => outcome,
                    None => return self.wait_for(Wait::Call(future)),
                },
            };
            word = self.import(&outcome?)?;
        }
        Err(too_many_futures())
    }

    /// What `finalize` gave for the value that this verb prints, if that had to wait once more then.
    pub(crate) fn finalized_before(&mut self) -> Option<Word> {
        self.waiting.as_mut()?.finalized.take()
    }

    /// This verb will be called once more, and is not to ask `finalize` again.
    pub(crate) fn keep_finalized(&mut self, word: Word) {
        if let Some(waiting) = &mut self.waiting {
            waiting.finalized = Some(word);
        }
    }

    /// What the work that is being done looks ahead for.
    pub(super) fn gathered(&mut self) -> Option<&mut Gathered> {
        self.waiting.as_mut()?.gathered.as_mut()
    }

    /// Is what is being done thrown away?
    pub(crate) fn is_for_nothing(&self) -> bool {
        let gathered = self.waiting.as_ref().and_then(|waiting| waiting.gathered.as_ref());
        gathered.is_some_and(|gathered| gathered.is_for_nothing)
    }

    /// Will work that is done again meet this value again, and not one that was made anew?
    pub(super) fn stays(&self, word: Word, future: &Shared<Value>) -> bool {
        let Some(gathered) = self.waiting.as_ref().and_then(|waiting| waiting.gathered.as_ref()) else {
            return false;
        };
        match word {
            // Or what made the word keeps the future: an object's attribute.
            Word::Foreign { slot: HEAP, index } => {
                (index as usize) < gathered.foreign || future.is_kept_elsewhere()
            }
            Word::Foreign { slot, .. } => usize::from(slot) < gathered.slots,
            _ => false,
        }
    }

    /// Does work that looks ahead. What it has met that is still to come is to be awaited before it is done again.
    fn gather<T>(
        &mut self,
        work: impl FnOnce(&mut NativeHost) -> Result<T>,
    ) -> (Result<T>, Vec<Shared<Value>>) {
        let (foreign, slots) = (self.heap.foreign.len(), self.slots.len());
        if let Some(waiting) = &mut self.waiting {
            waiting.gathered = Some(Gathered { foreign, slots, ..Gathered::default() });
        }
        let outcome = work(self);
        let gathered = self.waiting.as_mut().and_then(|waiting| waiting.gathered.take());
        (outcome, gathered.unwrap_or_default().futures)
    }

    /// Does work that a verb does once more if it suspends, and that may meet many values that are still to come.
    #[cold]
    pub(crate) fn looking_ahead<T>(&mut self, work: impl FnOnce(&mut NativeHost) -> Result<T>) -> Result<T> {
        if self.gathered().is_some() {
            return work(self);
        }
        let (outcome, futures) = self.gather(work);
        if futures.is_empty() { outcome } else { self.wait_for(Wait::Values(futures, 0)) }
    }

    /// Runs a builtin filter until its calls have all they need.
    pub(super) fn run_again(
        &mut self,
        value: Word,
        mut filter: impl FnMut(&mut NativeHost) -> Result<Word>,
    ) -> Result<Word> {
        let taken = self.taken_of_generators(&[value]);
        loop {
            let Some(waiting) = &mut self.waiting else { return filter(self) };
            let runs = waiting.runs.get_or_insert_default();
            (runs.met, runs.lacks, runs.running) = (0, false, true);
            let (outcome, ahead) = self.gather(&mut filter);
            let Some(runs) = self.waiting.as_mut().and_then(|waiting| waiting.runs.as_mut()) else {
                return outcome;
            };
            runs.running = false;
            if !runs.lacks && ahead.is_empty() {
                if let Some(waiting) = &mut self.waiting {
                    waiting.runs = None;
                }
                return outcome;
            }
            let missing = runs.futures.iter().chain(&ahead).filter(|future| future.outcome().is_none());
            let missing: Vec<Shared<Value>> = missing.cloned().collect();
            self.give_back_to_generators(&taken);
            if !missing.is_empty() {
                return self.wait_for(Wait::Values(missing, 0));
            }
        }
    }

    /// Does what will be done once more if it suspends: the generators among the values are as before then.
    pub(crate) fn again_if_it_suspends<T>(
        &mut self,
        values: &[Word],
        work: impl FnOnce(&mut NativeHost) -> Result<T>,
    ) -> Result<T> {
        let taken = self.taken_of_generators(values);
        let outcome = work(self);
        if outcome.as_ref().is_err_and(Error::is_suspension) {
            self.give_back_to_generators(&taken);
        }
        outcome
    }

    /// The generators among these values, and how many items were taken of each.
    fn taken_of_generators(&self, words: &[Word]) -> Vec<(u32, usize)> {
        let taken = words.iter().filter_map(|word| match word {
            Word::Object(index) => match &self.heap.objects[*index as usize] {
                HeapObject::Generator { at, .. } => Some((*index, *at)),
                _ => None,
            },
            _ => None,
        });
        taken.collect()
    }

    fn give_back_to_generators(&mut self, taken: &[(u32, usize)]) {
        for (index, before) in taken {
            if let HeapObject::Generator { at, .. } = &mut self.heap.objects[*index as usize] {
                *at = *before;
            }
        }
    }
}
