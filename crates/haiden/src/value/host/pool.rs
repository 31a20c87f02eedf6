//! Hosts and machines that are used again: a render of a small page would spend a third of its time on making and freeing
//! their vectors.
//!
//! Each thread keeps a few, and no data in them: they are emptied when a render ends, not when the next one starts, and
//! what has grown large is freed. A render that fails or panics keeps nothing.

use std::cell::RefCell;
use std::mem::size_of;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use haiden_runtime::Vm;

use crate::value::heap::Heap;
use crate::value::host::{NOTHING, NativeHost, UndefinedType};
use crate::value::serialize::recycle;

/// How many a thread keeps: renders in renders take more than one.
const KEPT: usize = 4;

/// The most room, in bytes, that a vector keeps.
const MOST: usize = 1 << 16;

/// What a render needs.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) host: NativeHost,
    pub(crate) machine: Vm<NativeHost>,
}

thread_local! {
    #[expect(clippy::vec_box, reason = "the boxes are what is kept: moving the parts costs more than a small page")]
    static POOL: RefCell<Vec<Box<Parts>>> = const { RefCell::new(Vec::new()) };
}

/// The parts of a render, from the pool.
pub(crate) struct Pooled(Box<Parts>);

impl Pooled {
    pub(crate) fn new() -> Pooled {
        // While a thread ends its pool is gone.
        Pooled(POOL.try_with(|pool| pool.borrow_mut().pop()).ok().flatten().unwrap_or_default())
    }

    /// Puts the parts back, empty.
    pub(crate) fn put_back(mut self) {
        self.0.host.clear();
        self.0.machine.clear(MOST);
        // While a thread ends there is no pool any more, and the parts are dropped.
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < KEPT {
                pool.push(self.0);
            }
        });
    }
}

impl Deref for Pooled {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Parts {
        &mut self.0
    }
}

/// Empties a vector; what has grown large is freed.
fn clear<T>(items: &mut Vec<T>) {
    items.clear();
    if items.capacity() * size_of::<T>() > MOST {
        *items = Vec::new();
    }
}

fn clear_text(text: &mut String) {
    text.clear();
    if text.capacity() > MOST {
        *text = String::new();
    }
}

impl NativeHost {
    /// Forgets everything but the room for it.
    fn clear(&mut self) {
        let Heap { text, words, bigs, foreign, lists, dicts, undefined, objects, held } = &mut self.heap;
        *held = 0;
        clear_text(text);
        clear(words);
        clear(bigs);
        clear(foreign);
        clear(lists);
        clear(dicts);
        clear(undefined);
        clear(objects);
        let NativeHost { templates, slots, slot_by_address, moved, contexts, cells, programs, .. } = self;
        *templates = None;
        slots.drain(1..).filter_map(Arc::into_inner).for_each(recycle);
        clear(contexts);
        clear(cells);
        clear(programs);
        if !moved.is_empty() {
            *moved = hashbrown::HashMap::default();
        }
        if !slot_by_address.is_empty() {
            *slot_by_address = hashbrown::HashMap::default();
            *slots = vec![NOTHING.clone()];
        }
        let NativeHost { modules, selected, groups, scratch, random, .. } = self;
        clear(modules);
        clear(selected);
        groups.clear();
        clear_text(scratch);
        *random = 0;
        clear(&mut self.guests);
        self.calling = 0;
        self.machines = 0;
        self.waiting = None;
        self.home = None;
        self.epoch = 0;
        self.settled = 0;
        self.undefined_type = UndefinedType::default();
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Pooled};
    use crate::{Environment, context};

    /// What every vector of the pool has room for, after a render of `source`.
    fn room_after(source: &str) -> usize {
        Environment::new().render_str(source, context! { n => 20_000 }).expect("a page");
        let parts = Pooled::new();
        let heap = &parts.host.heap;
        assert_eq!(heap.text.len() + heap.lists.len() + heap.objects.len() + parts.host.programs.len(), 0);
        assert!(parts.host.templates.is_none());
        let room = heap.text.capacity().max(heap.words.capacity() * 16);
        parts.put_back();
        room
    }

    #[test]
    fn a_render_leaves_room_but_no_data_and_not_much_of_it() {
        assert!(room_after("{{ 'abc' ~ n }}{{ [1, (2, n)] }}") > 0);
        assert!(
            room_after("{% for i in range(n) %}{{ ('abcdef' ~ i, [i])|string|upper }}{% endfor %}") <= MOST
        );
    }
}
