//! Bind: handles for what lives in a render.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;
use crate::value::bound::Bound;
use crate::value::heap::HeapObject;
use crate::value::host::NativeHost;
use crate::value::object::Foreign;
use crate::value::word::Word;

/// The number of the next render that needs one.
static NEXT: AtomicU64 = AtomicU64::new(1);

impl NativeHost {
    /// A handle for an object of the heap, if it is one that cannot leave the render otherwise.
    pub(super) fn bind(&mut self, index: u32) -> Result<Option<Bound>, Error> {
        let is_callable = match self.heap.objects[index as usize] {
            HeapObject::Macro(_)
            | HeapObject::Block(_)
            | HeapObject::Method { .. }
            | HeapObject::Loop(_)
            | HeapObject::Joiner { .. } => true,
            HeapObject::Cycler { .. }
            | HeapObject::Module { .. }
            | HeapObject::Templates { .. }
            | HeapObject::Context(_) => false,
            _ => return Ok(None),
        };
        let word = Word::Object(index);
        let mut shown = String::new();
        self.show(&mut shown, word)?;
        let class = self.type_name(word).to_owned();
        let render = *self.home.get_or_insert_with(|| NEXT.fetch_add(1, Ordering::Relaxed));
        let epoch = if index < self.settled { 0 } else { self.epoch };
        Ok(Some(Bound { render, epoch, index, shown, class, is_callable }))
    }

    /// The object that a handle is for, if it is of this render.
    pub(crate) fn resolve_bound(&self, bound: &Bound) -> Option<Word> {
        let is_there = bound.index < self.settled
            || bound.epoch == self.epoch && (bound.index as usize) < self.heap.objects.len();
        (self.home == Some(bound.render) && is_there).then_some(Word::Object(bound.index))
    }

    /// The object of this render that a value from outside is a handle for.
    pub(super) fn own_object(&self, foreign: &Foreign) -> Option<Word> {
        self.home?;
        let Foreign::Object(object) = foreign else { return None };
        let any: &dyn std::any::Any = &**object;
        self.resolve_bound(any.downcast_ref()?)
    }
}
