//! Iteration: over what, in which order, and the items of containers.

use haiden_runtime::LoopState;

use crate::error::{Error, ErrorKind};
use crate::value::heap::{HeapObject, ViewOf, range_len};
use crate::value::host::NativeHost;
use crate::value::object::{Foreign, Object, guarded};
use crate::value::word::{HEAP, Slot, Str, Word};

/// An iteration in progress. It copies no container: it holds a place in one.
#[derive(Debug)]
#[repr(u8)]
pub enum NativeIterator {
    /// A run of an arena's words.
    Run { slot: Slot, start: u32, at: u32, end: u32 },
    /// A list of the heap, which may change meanwhile.
    List { list: u32, at: usize },
    /// Entries of a dict of an arena.
    Map { slot: Slot, shape: u32, start: u32, at: u32, len: u32, of: ViewOf },
    /// Entries of a dict of the heap, and how many there were at the start.
    Dict { dict: u32, at: usize, len: usize, of: ViewOf },
    /// Integers.
    Range { next: i64, step: i64, left: usize },
    /// Characters of a text, from a byte on.
    Chars { text: Str, at: u32 },
    /// What is left of a generator.
    Generator(u32),
    /// Values that were taken before.
    Values { items: Vec<Word>, at: usize },
    /// Items of a stream, as they come. It holds only where the stream is: most loops would pay for dropping more.
    Sequence { slot: Slot, index: u32 },
}

impl NativeHost {
    /// Starts to iterate. Over a stream it takes the items as they come, where it can wait for them.
    pub(super) fn start_iteration(&mut self, word: Word) -> Result<NativeIterator, Error> {
        Ok(match self.present(word) {
            Word::Items { slot, start, len } | Word::Tuple { slot, start, len } => {
                NativeIterator::Run { slot, start, at: start, end: start + len }
            }
            Word::List(list) => NativeIterator::List { list, at: 0 },
            Word::Str(text) => NativeIterator::Chars { text, at: 0 },
            word @ (Word::Map { .. } | Word::Dict(_)) => self.start_view(word, ViewOf::Keys),
            Word::Undefined(_) | Word::Missing => {
                NativeIterator::Values { items: self.undefined_items(word)?, at: 0 }
            }
            Word::Object(index) => match &self.heap.objects[index as usize] {
                HeapObject::Range { start, stop, step } => {
                    NativeIterator::Range { next: *start, step: *step, left: range_len(*start, *stop, *step) }
                }
                HeapObject::Generator { .. } => NativeIterator::Generator(index),
                HeapObject::Loop(_) => {
                    // The items that are left, each with the loop, which will not take them then.
                    let mut items = Vec::new();
                    while let Some(item) = self.loop_number(index, haiden_runtime::LoopState::next)? {
                        items.push(self.new_tuple(&[item, word])?);
                        self.room_for(items.len())?;
                    }
                    NativeIterator::Values { items, at: 0 }
                }
                HeapObject::Templates { .. } => {
                    // Python takes what has items for a sequence: here it asks for a block `0`.
                    let error = Some(Error::new(ErrorKind::Key, "0"));
                    let items = HeapObject::Generator { name: "iterator", items: Vec::new(), at: 0, error };
                    match self.heap.object(items) {
                        Word::Object(items) => NativeIterator::Generator(items),
                        _ => return Err(self.not_iterable(word)),
                    }
                }
                HeapObject::Bytes(bytes) => {
                    let items = bytes.iter().map(|&byte| Word::Int(byte.into())).collect();
                    NativeIterator::Values { items, at: 0 }
                }
                HeapObject::View { dict, of } => {
                    let (dict, of) = (*dict, *of);
                    let dict = self.present(dict);
                    self.start_view(dict, of)
                }
                _ => return Err(self.not_iterable(word)),
            },
            Word::Foreign { slot, index } => {
                let items = match self.foreign(slot, index).clone() {
                    Foreign::Object(object) => guarded(&object, "iterate", Object::iterate)?,
                    Foreign::Function(_) => None,
                    Foreign::Deferred(_) => return self.iterate_deferred(&word),
                };
                let Some(items) = items else { return Err(self.not_iterable(word)) };
                let items = items.iter().map(|item| self.import(item)).collect::<Result<_, _>>()?;
                NativeIterator::Values { items, at: 0 }
            }
            _ => return Err(self.not_iterable(word)),
        })
    }

    fn start_view(&self, dict: Word, of: ViewOf) -> NativeIterator {
        match dict {
            Word::Map { slot, shape, start } => {
                let len = self.arena(slot).shapes[shape as usize].keys.len() as u32;
                NativeIterator::Map { slot, shape, start, at: 0, len, of }
            }
            Word::Dict(dict) => {
                NativeIterator::Dict { dict, at: 0, len: self.heap.dicts[dict as usize].keys.len(), of }
            }
            _ => NativeIterator::Values { items: Vec::new(), at: 0 },
        }
    }

    #[cold]
    fn not_iterable(&self, word: Word) -> Error {
        Error::new(ErrorKind::Type, format!("'{}' object is not iterable", self.type_name(word)))
    }

    /// The next item of what most loops are over.
    #[inline(always)]
    pub(super) fn next_at_hand(&mut self, iterator: &mut NativeIterator, into: &mut Word) -> Option<bool> {
        match iterator {
            NativeIterator::Range { next, step, left } => {
                if *left == 0 {
                    return Some(false);
                }
                *into = Word::Int(*next);
                *left -= 1;
                *next = next.wrapping_add(*step);
                Some(true)
            }
            NativeIterator::Run { slot, at, end, .. } if self.moved_nothing() => {
                if *at >= *end {
                    return Some(false);
                }
                let words = if *slot == HEAP { &self.heap.words } else { &self.arena(*slot).words };
                *into = *words.get(*at as usize)?;
                into.stamp(*slot);
                *at += 1;
                Some(true)
            }
            _ => None,
        }
    }

    /// The next item.
    pub(super) fn next_item(&mut self, iterator: &mut NativeIterator) -> Result<Option<Word>, Error> {
        let mut item = Word::Missing;
        match self.next_at_hand(iterator, &mut item) {
            Some(any) => Ok(any.then_some(item)),
            None => self.next_of_others(iterator),
        }
    }

    #[inline(never)]
    fn next_of_others(&mut self, iterator: &mut NativeIterator) -> Result<Option<Word>, Error> {
        Ok(match iterator {
            NativeIterator::Run { slot, start, at, end } => {
                if !self.moved_nothing()
                    && let Some(list) = self.moved_list(*slot, *start)
                {
                    // The list was changed: from here on its new place counts.
                    *iterator = NativeIterator::List { list, at: (*at - *start) as usize };
                    return self.next_item(iterator);
                }
                if at == end {
                    return Ok(None);
                }
                let word = self.run(*slot, *at, 1)[0].stamped(*slot);
                *at += 1;
                Some(word)
            }
            NativeIterator::List { list, at } => {
                let item = self.heap.lists[*list as usize].get(*at).copied();
                *at += usize::from(item.is_some());
                item
            }
            NativeIterator::Values { items, at } => {
                let item = items.get(*at).copied();
                *at += usize::from(item.is_some());
                item
            }
            NativeIterator::Sequence { slot, index } => return self.next_of_sequence(*slot, *index),
            _ => return self.next_of_rest(iterator),
        })
    }

    fn next_of_rest(&mut self, iterator: &mut NativeIterator) -> Result<Option<Word>, Error> {
        match iterator {
            NativeIterator::Map { of: ViewOf::Items, .. }
            | NativeIterator::Dict { of: ViewOf::Items, .. } => match self.next_entry(iterator)? {
                Some((key, value)) => self.new_tuple(&[key, value]).map(Some),
                None => Ok(None),
            },
            NativeIterator::Map { of, .. } | NativeIterator::Dict { of, .. } => {
                let of = *of;
                let entry = self.next_entry(iterator)?;
                Ok(entry.map(|(key, value)| if of == ViewOf::Keys { key } else { value }))
            }
            NativeIterator::Chars { text, at } => {
                let rest = &self.str(*text)[*at as usize..];
                let Some(c) = rest.chars().next() else { return Ok(None) };
                let len = c.len_utf8() as u32;
                let word = Word::Str(Str { markup: false, start: text.start + *at, len, ..*text });
                *at += len;
                Ok(Some(word))
            }
            NativeIterator::Generator(index) => {
                let HeapObject::Generator { items, at, error, .. } = &mut self.heap.objects[*index as usize]
                else {
                    return Ok(None);
                };
                if *at == items.len()
                    && let Some(error) = error.take()
                {
                    return Err(error);
                }
                let item = items.get(*at).copied();
                *at += usize::from(item.is_some());
                Ok(item)
            }
            _ => Ok(None),
        }
    }

    /// Where a list of an arena is now, if it was changed.
    #[cold]
    fn moved_list(&self, slot: Slot, start: u32) -> Option<u32> {
        match self.present(Word::Items { slot, start, len: 0 }) {
            Word::List(list) => Some(list),
            _ => None,
        }
    }

    /// The next key and value of a dict.
    #[inline]
    fn next_entry(&mut self, iterator: &mut NativeIterator) -> Result<Option<(Word, Word)>, Error> {
        match iterator {
            NativeIterator::Map { slot, shape, start, at, len, of } => {
                if !self.moved_nothing()
                    && let Word::Dict(dict) =
                        self.present(Word::Map { slot: *slot, shape: *shape, start: *start })
                {
                    *iterator = NativeIterator::Dict { dict, at: *at as usize, len: *len as usize, of: *of };
                    return self.next_entry(iterator);
                }
                if at == len {
                    return Ok(None);
                }
                let arena = self.arena(*slot);
                let key = arena.shapes[*shape as usize].keys[*at as usize].stamped(*slot);
                let value = arena.words[(*start + *at) as usize].stamped(*slot);
                *at += 1;
                Ok(Some((key, value)))
            }
            NativeIterator::Dict { dict, at, len, .. } => {
                let dict = &self.heap.dicts[*dict as usize];
                if dict.keys.len() != *len {
                    let message = "dictionary changed size during iteration";
                    return Err(Error::new(ErrorKind::PythonRuntime, message));
                }
                let entry = dict.keys.get(*at).map(|&key| (key, dict.values[*at]));
                *at += usize::from(entry.is_some());
                Ok(entry)
            }
            _ => Ok(None),
        }
    }

    #[inline]
    pub(super) fn next_two(&mut self, iterator: &mut NativeIterator) -> Result<Option<(Word, Word)>, Error> {
        if let NativeIterator::Map { of: ViewOf::Items, .. }
        | NativeIterator::Dict { of: ViewOf::Items, .. } = iterator
        {
            return self.next_entry(iterator);
        }
        let Some(item) = self.next_item(iterator)? else { return Ok(None) };
        let mut pair = [Word::Missing; 2];
        match self.unpack_into(item, &mut pair) {
            Ok(()) => Ok(Some((pair[0], pair[1]))),
            Err(error) => {
                if error.is_suspension() {
                    self.step_back(iterator, item)?;
                }
                Err(error)
            }
        }
    }

    /// How many items are left, if that is known: a stream cannot tell.
    pub(super) fn items_left(&self, iterator: &NativeIterator) -> Option<usize> {
        Some(match iterator {
            NativeIterator::Sequence { .. } => return None,
            NativeIterator::Run { slot, start, at, end } => match self.moved_list(*slot, *start) {
                Some(list) => self.heap.lists[list as usize].len().saturating_sub((at - start) as usize),
                None => (end - at) as usize,
            },
            NativeIterator::List { list, at } => self.heap.lists[*list as usize].len().saturating_sub(*at),
            NativeIterator::Map { at, len, .. } => (len - at) as usize,
            NativeIterator::Dict { at, len, .. } => len - at,
            NativeIterator::Range { left, .. } => *left,
            NativeIterator::Values { items, at } => items.len() - at,
            NativeIterator::Chars { text, at } => {
                let rest = &self.str(*text)[*at as usize..];
                rest.chars().count()
            }
            NativeIterator::Generator(index) => match &self.heap.objects[*index as usize] {
                HeapObject::Generator { items, at, .. } => items.len() - at,
                _ => 0,
            },
        })
    }

    /// All items of a value, in order.
    pub(crate) fn items_of(&mut self, word: Word) -> Result<Vec<Word>, Error> {
        let iterator = self.start_iteration(word)?;
        self.rest_of(iterator)
    }

    fn rest_of(&mut self, mut iterator: NativeIterator) -> Result<Vec<Word>, Error> {
        let Some(left) = self.items_left(&iterator) else { return self.rest_of_sequence(&iterator) };
        if left > self.limits.size {
            return Err(self.too_many());
        }
        self.room_for(left)?;
        let mut items = Vec::with_capacity(left.min(1 << 16));
        while let Some(item) = self.next_item(&mut iterator)? {
            if items.len() >= self.limits.size {
                return Err(self.too_many());
            }
            items.push(item);
        }
        Ok(items)
    }

    /// All items of a value; `refusal` is the message if it has none.
    pub(super) fn items_or(
        &mut self,
        word: Word,
        refusal: impl FnOnce(&NativeHost) -> String,
    ) -> Result<Vec<Word>, Error> {
        match self.start_iteration(word) {
            Err(error) if error.kind() == ErrorKind::Type => Err(Error::new(ErrorKind::Type, refusal(self))),
            Err(error) => Err(error),
            Ok(iterator) => self.rest_of(iterator),
        }
    }

    /// An error if the render's heap has no room for so many more words.
    #[inline]
    pub(super) fn room_for(&self, words: usize) -> Result<(), Error> {
        let all = words.saturating_add(self.heap.words.len()).saturating_add(self.heap.held);
        let bytes = all.saturating_mul(size_of::<Word>()).saturating_add(self.heap.text.len());
        if bytes > self.limits.heap { Err(self.heap_is_full()) } else { Ok(()) }
    }

    #[cold]
    pub(super) fn heap_is_full(&self) -> Error {
        let message = format!("the render holds more than the limit of {} bytes", self.limits.heap);
        Error::new(ErrorKind::Memory, message)
    }

    #[cold]
    pub(crate) fn too_many(&self) -> Error {
        let message = format!("more than the limit of {} items or characters", self.limits.size);
        Error::new(ErrorKind::Memory, message)
    }

    /// Keys and values of a dict; nothing of anything else.
    pub(crate) fn entries(&self, word: Word) -> (Vec<Word>, Vec<Word>) {
        match self.present(word) {
            Word::Map { slot, shape, start } => {
                let arena = self.arena(slot);
                let keys = &arena.shapes[shape as usize].keys;
                let values = &arena.words[start as usize..start as usize + keys.len()];
                let stamped = |words: &[Word]| words.iter().map(|word| word.stamped(slot)).collect();
                (stamped(keys), stamped(values))
            }
            Word::Dict(dict) => {
                let dict = &self.heap.dicts[dict as usize];
                (dict.keys.clone(), dict.values.clone())
            }
            _ => (Vec::new(), Vec::new()),
        }
    }

    /// Exactly as many items as there is room for.
    pub(super) fn unpack_into(&mut self, word: Word, into: &mut [Word]) -> Result<(), Error> {
        if let Word::Tuple { slot, start, len } | Word::Items { slot, start, len } = self.present(word)
            && len as usize == into.len()
        {
            for (place, item) in into.iter_mut().zip(self.run(slot, start, len)) {
                *place = item.stamped(slot);
            }
            return Ok(());
        }
        let mut iterator = self.start_iteration(word).map_err(|error| match error.kind() {
            ErrorKind::Type => Error::new(
                ErrorKind::Type,
                format!("cannot unpack non-iterable {} object", self.type_name(word)),
            ),
            _ => error,
        })?;
        if let NativeIterator::Sequence { .. } = iterator {
            // All at once: to come back in the middle would lose those before.
            iterator = NativeHost::iterator_over(self.rest_of_sequence(&iterator)?);
        }
        let expected = into.len();
        for (index, place) in into.iter_mut().enumerate() {
            let Some(item) = self.next_item(&mut iterator)? else {
                let message = format!("not enough values to unpack (expected {expected}, got {index})");
                return Err(Error::new(ErrorKind::Value, message));
            };
            *place = item;
        }
        if self.next_item(&mut iterator)?.is_some() {
            let message = format!("too many values to unpack (expected {expected})");
            return Err(Error::new(ErrorKind::Value, message));
        }
        Ok(())
    }

    /// `len(value)`.
    pub(crate) fn length_of(&mut self, word: Word) -> Result<usize, Error> {
        Ok(match self.present(word) {
            Word::Str(text) => crate::python::text::index::len(self.str(text)),
            Word::Items { len, .. } | Word::Tuple { len, .. } => len as usize,
            Word::List(list) => self.heap.lists[list as usize].len(),
            Word::Map { slot, shape, .. } => self.arena(slot).shapes[shape as usize].keys.len(),
            Word::Dict(dict) => self.heap.dicts[dict as usize].keys.len(),
            word @ (Word::Undefined(_) | Word::Missing) => self.undefined_length(word)?,
            Word::Object(index) => match &self.heap.objects[index as usize] {
                HeapObject::Range { start, stop, step } => range_len(*start, *stop, *step),
                HeapObject::View { dict, .. } => return self.length_of(*dict),
                HeapObject::Bytes(bytes) => bytes.len(),
                HeapObject::Loop(_) => self.loop_number(index, LoopState::length)?,
                _ => return Err(self.no_length(word)),
            },
            Word::Foreign { slot, index } => {
                let length = match self.foreign(slot, index) {
                    Foreign::Object(object) => guarded(object, "length", Object::length)?,
                    Foreign::Function(_) | Foreign::Deferred(_) => None,
                };
                length.ok_or_else(|| self.no_length(word))?
            }
            _ => return Err(self.no_length(word)),
        })
    }

    #[cold]
    fn no_length(&self, word: Word) -> Error {
        Error::new(ErrorKind::Type, format!("object of type '{}' has no len()", self.type_name(word)))
    }

    /// Reads something from a loop that a template uses as a value.
    pub(super) fn loop_number<T>(
        &mut self,
        index: u32,
        read: impl FnOnce(&mut LoopState<NativeHost>, &mut NativeHost) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let taken = match &mut self.heap.objects[index as usize] {
            HeapObject::Loop(state) => state.take(),
            _ => None,
        };
        let Some(mut state) = taken else {
            return Err(Error::new(ErrorKind::Runtime, "the loop is in use"));
        };
        let value = read(&mut state, self);
        if let HeapObject::Loop(place) = &mut self.heap.objects[index as usize] {
            *place = Some(state);
        }
        value
    }
}
