//! Settle: a host that is kept after its render gives up what later calls made.
//!
//! In: how much there was when the render was over. Out: the host as it was then, if nothing that was there then holds
//! anything newer; or else all of it, which counts as there from then on.
//!
//! Invariant: no word of what stays names anything that went.

use crate::value::heap::{Heap, HeapObject};
use crate::value::host::NativeHost;
use crate::value::word::{HEAP, Slot, Word};

/// How much a host has of everything.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watermark {
    text: usize,
    words: usize,
    bigs: usize,
    foreign: usize,
    lists: usize,
    dicts: usize,
    undefined: usize,
    objects: usize,
    slots: usize,
    contexts: usize,
    cells: usize,
    moved: usize,
    modules: usize,
    guests: usize,
}

/// How many bytes calls may make, about, before what they made is given up.
const KEPT: usize = 1 << 16;

impl NativeHost {
    /// How much there is now.
    pub(crate) fn watermark(&self) -> Watermark {
        let Heap { text, words, bigs, foreign, lists, dicts, undefined, objects, .. } = &self.heap;
        Watermark {
            text: text.len(),
            words: words.len(),
            bigs: bigs.len(),
            foreign: foreign.len(),
            lists: lists.len(),
            dicts: dicts.len(),
            undefined: undefined.len(),
            objects: objects.len(),
            slots: self.slots.len(),
            contexts: self.contexts.len(),
            cells: self.cells.len(),
            moved: self.moved.len(),
            modules: self.modules.len(),
            guests: self.guests.len(),
        }
    }

    /// The render is over: handles for what there is now are good until the host goes, others until what calls made is given
    /// up.
    pub(crate) fn settle(&mut self) -> Watermark {
        self.settled = self.heap.objects.len() as u32;
        self.watermark()
    }

    /// Gives up what was made since `mark`, once it is much. What comes back is the mark from now on.
    pub(crate) fn give_up_since(&mut self, mark: Watermark) -> Watermark {
        let now = self.watermark();
        if now.weight() - mark.weight() < KEPT {
            return mark;
        }
        if !self.can_give_up(mark, now) {
            return now;
        }
        let Heap { text, words, bigs, foreign, lists, dicts, undefined, objects, held } = &mut self.heap;
        let items: usize = lists[mark.lists..].iter().map(Vec::len).sum();
        *held = held.saturating_sub(items);
        text.truncate(mark.text);
        words.truncate(mark.words);
        bigs.truncate(mark.bigs);
        foreign.truncate(mark.foreign);
        lists.truncate(mark.lists);
        dicts.truncate(mark.dicts);
        undefined.truncate(mark.undefined);
        objects.truncate(mark.objects);
        self.slots.truncate(mark.slots);
        self.contexts.truncate(mark.contexts);
        self.cells.truncate(mark.cells);
        self.guests.truncate(mark.guests);
        let words = mark.words as u32;
        self.groups.retain(|&start| start < words);
        self.epoch += 1;
        mark
    }

    /// Does nothing from before the mark hold anything from after it?
    fn can_give_up(&self, mark: Watermark, now: Watermark) -> bool {
        // What remembers slots, templates and changed containers is not told apart by age.
        if now.moved != mark.moved || now.modules != mark.modules || !self.slot_by_address.is_empty() {
            return false;
        }
        let old = |&word: &Word| mark.has(word);
        let heap = &self.heap;
        heap.lists[..mark.lists].iter().all(|items| items.iter().all(old))
            && heap.dicts[..mark.dicts].iter().all(|dict| dict.keys.iter().chain(&dict.values).all(old))
            && heap.objects[..mark.objects].iter().all(|object| !matches!(object, HeapObject::Loop(_)))
            && self.cells[..mark.cells].iter().all(|(_, cells)| cells.iter().all(old))
            && self.contexts[..mark.contexts].iter().all(|context| {
                context.variables.iter().all(|(_, word)| mark.has(word)) && mark.has(context.base)
            })
    }
}

impl Watermark {
    /// About how many bytes there are.
    fn weight(self) -> usize {
        let Watermark { text, words, bigs, foreign, lists, dicts, undefined, objects, .. } = self;
        text + 16 * (words + foreign)
            + 64 * (bigs + lists + undefined + objects + self.cells)
            + 128 * (dicts + self.slots + self.contexts)
    }

    /// Was the word there?
    fn has(&self, word: Word) -> bool {
        let kept = |slot: Slot, end: usize, of: usize| {
            if slot == HEAP { end <= of } else { usize::from(slot) < self.slots }
        };
        match word {
            Word::Str(text) => kept(text.slot, (text.start + text.len) as usize, self.text),
            Word::Big { slot, index } => kept(slot, index as usize + 1, self.bigs),
            Word::Items { slot, start, len } | Word::Tuple { slot, start, len } => {
                kept(slot, (start + len) as usize, self.words)
            }
            Word::Foreign { slot, index } => kept(slot, index as usize + 1, self.foreign),
            Word::Map { slot, .. } => kept(slot, 0, 0),
            Word::List(index) => (index as usize) < self.lists,
            Word::Dict(index) => (index as usize) < self.dicts,
            Word::Undefined(index) => (index as usize) < self.undefined,
            Word::Object(index) => (index as usize) < self.objects,
            Word::Missing | Word::None | Word::Bool(_) | Word::Int(_) | Word::Float(_) | Word::Global(_) => {
                true
            }
        }
    }
}
