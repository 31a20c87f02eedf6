//! Calls that give futures: the verb takes the outcome instead of calling again; builtin filters run again.

use crate::asynchronous::future::Shared;
use crate::error::Error;
use crate::value::heap::HeapObject;
use crate::value::host::NativeHost;
use crate::value::value::Value;
use crate::value::word::Word;

use super::{MAX_FUTURES, Runs, Wait, too_many_futures};

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
                        None => return Ok(Word::None),
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
            while let Some(future) = runs.futures.get(runs.done) {
                if future.outcome().is_none() {
                    let future = future.clone();
                    return self.wait_for(Wait::Value(future));
                }
                runs.done += 1;
            }
            (runs.met, runs.running) = (0, true);
            let known = runs.futures.len();
            let outcome = filter(self);
            let Some(runs) = self.waiting.as_mut().and_then(|waiting| waiting.runs.as_mut()) else {
                return outcome;
            };
            runs.running = false;
            let met_others = runs.futures.len() > known;
            if !met_others {
                if let Some(waiting) = &mut self.waiting {
                    waiting.runs = None;
                }
                return outcome;
            }
            self.give_back_to_generators(&taken);
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
