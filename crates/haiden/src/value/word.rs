//! Words: what a register of the native host holds.
//!
//! A word is 16 bytes and `Copy`: an immediate, or an index into an arena. It never owns and never borrows, so registers
//! move for free and nothing is counted. Which arena a word's indices mean is its *slot*: slot 0 is the render's own
//! heap, the others are the immutable arenas that the render uses. Words inside an arena have slot 0 for "this arena";
//! loading one stamps the slot that the arena has in the render.
//!
//! The layout is fixed: all kinds that have a slot have it in the same two bytes, so that stamping is one store.

/// A slot of the render's arena table.
pub(crate) type Slot = u16;

/// The render's own heap.
pub(crate) const HEAP: Slot = 0;

/// Text: a run of an arena's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, packed(2))]
pub struct Str {
    pub(crate) slot: Slot,
    pub(crate) start: u32,
    pub(crate) len: u32,
    /// It is safe markup.
    pub(crate) markup: bool,
}

/// A value, as a register holds it.
#[derive(Clone, Copy, Debug, Default)]
#[repr(u8)]
pub enum Word {
    /// A variable that is not set.
    #[default]
    Missing,
    /// `None`
    None,
    /// A boolean.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// A float.
    Float(f64),
    /// Text.
    Str(Str),
    /// A larger integer.
    Big { slot: Slot, index: u32 },
    /// A list of an immutable arena: a run of its words.
    Items { slot: Slot, start: u32, len: u32 },
    /// A tuple: a run of an arena's words.
    Tuple { slot: Slot, start: u32, len: u32 },
    /// A dict of an immutable arena: values at `start`, keys in the shape.
    Map { slot: Slot, shape: u32, start: u32 },
    /// A host object of an arena: a user's object or function.
    Foreign { slot: Slot, index: u32 },
    /// A list of the heap.
    List(u32),
    /// A dict of the heap.
    Dict(u32),
    /// An undefined value.
    Undefined(u32),
    /// Another object of the heap.
    Object(u32),
    /// A global function of every environment.
    Global(Global),
}

/// The global functions of every environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Global {
    Range,
    Dict,
    Cycler,
    Joiner,
    Namespace,
    Lipsum,
}

impl Global {
    /// The function of this name.
    pub(crate) fn named(name: &str) -> Option<Global> {
        Some(match name {
            "range" => Global::Range,
            "dict" => Global::Dict,
            "cycler" => Global::Cycler,
            "joiner" => Global::Joiner,
            "namespace" => Global::Namespace,
            "lipsum" => Global::Lipsum,
            _ => return None,
        })
    }

    /// What printing it writes.
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Global::Range => "<class 'range'>",
            Global::Dict => "<class 'dict'>",
            Global::Cycler => "<class 'jinja2.utils.Cycler'>",
            Global::Joiner => "<class 'jinja2.utils.Joiner'>",
            Global::Namespace => "<class 'jinja2.utils.Namespace'>",
            Global::Lipsum => "<function generate_lorem_ipsum>",
        }
    }

    /// The name of the class it is; of the function for `lipsum`.
    pub(crate) fn class_name(self) -> &'static str {
        match self {
            Global::Range => "range",
            Global::Dict => "dict",
            Global::Cycler => "Cycler",
            Global::Joiner => "Joiner",
            Global::Namespace => "Namespace",
            Global::Lipsum => "generate_lorem_ipsum",
        }
    }
}

impl Word {
    /// The word as it reads from slot `slot`, where it lies in that slot's arena. Words of the heap name their slots
    /// themselves.
    #[inline]
    pub(crate) fn stamped(mut self, slot: Slot) -> Word {
        self.stamp(slot);
        self
    }

    /// As [`Word::stamped`], in place.
    #[inline(always)]
    pub(crate) fn stamp(&mut self, slot: Slot) {
        if slot != HEAP {
            self.set_slot(slot);
        }
    }

    /// The word as it lies in the arena it is of.
    pub(crate) fn unstamped(mut self) -> Word {
        self.set_slot(HEAP);
        self
    }

    #[inline(always)]
    fn set_slot(&mut self, new: Slot) {
        match self {
            Word::Str(Str { slot, .. })
            | Word::Big { slot, .. }
            | Word::Items { slot, .. }
            | Word::Tuple { slot, .. }
            | Word::Map { slot, .. }
            | Word::Foreign { slot, .. } => *slot = new,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Word;

    #[test]
    fn a_word_is_two_machine_words() {
        assert_eq!(std::mem::size_of::<Word>(), 16);
        assert_eq!(std::mem::size_of::<Option<Word>>(), 16);
    }
}
