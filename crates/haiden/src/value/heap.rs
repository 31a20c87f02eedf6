//! The render's own heap: what templates make while they run.
//!
//! Text, tuples and large integers are only appended. Lists and dicts are behind an index, which is their identity, so
//! that all words for one see its changes. Everything goes at once when the render ends.

use std::sync::Arc;

use haiden_runtime::{BlockReference, Chain, Closure, LoopState};
use hashbrown::HashTable;
use num_bigint::BigInt;

use crate::error::Error;
use crate::value::host::NativeHost;
use crate::value::object::Foreign;
use crate::value::word::Word;

/// Containers with more entries than this are searched through a table.
pub(crate) const SMALL: usize = 8;

/// A dict: keys and values in insertion order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dict {
    pub(crate) keys: Vec<Word>,
    pub(crate) values: Vec<Word>,
    /// Places by hash, if there are many.
    pub(crate) table: Option<HashTable<(u64, u32)>>,
}

/// Why a value is undefined.
#[derive(Clone, Debug)]
pub(crate) enum Reason {
    /// This message.
    Hint(Box<str>),
    /// This message, and of the default type whatever the environment's type is.
    Plain(Box<str>),
    /// The sandbox forbids it: this message.
    Unsafe(Box<str>),
    /// No variable of this name.
    Name(Box<str>),
    /// No such attribute or item of an object; the name is text, or the `repr` of what it is.
    Member { object: Word, name: Arc<str>, is_text: bool },
}

/// What part of a dict a view shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewOf {
    Keys,
    Values,
    Items,
}

/// Any other object that a template makes.
pub(crate) enum HeapObject {
    Range {
        start: i64,
        stop: i64,
        step: i64,
    },
    Slice([Word; 3]),
    /// Bytes: `str.encode()`.
    Bytes(Vec<u8>),
    /// `value.__class__`: the class's name with its module.
    Class(String),
    /// `dict[key]`: what Python shows of it. It makes dicts, as `dict` does.
    Alias(String),
    Namespace(u32),
    Cycler {
        items: Vec<Word>,
        at: usize,
    },
    Joiner {
        separator: Word,
        used: bool,
    },
    /// A generator: what is left of its items, and what Python calls it. `error`: what taking one more fails with.
    Generator {
        name: &'static str,
        items: Vec<Word>,
        at: usize,
        error: Option<Error>,
    },
    View {
        dict: Word,
        of: ViewOf,
    },
    Method {
        receiver: Word,
        name: Arc<str>,
    },
    Macro(Closure<NativeHost>),
    Block(BlockReference<NativeHost>),
    Templates {
        context: u32,
        chain: Arc<Chain<NativeHost>>,
    },
    Loop(Option<Box<LoopState<NativeHost>>>),
    Module {
        name: Option<Arc<str>>,
        members: Vec<(Arc<str>, Word)>,
        body: Word,
    },
    Context(u32),
}

/// The heap.
#[derive(Default)]
pub(crate) struct Heap {
    pub(crate) text: String,
    pub(crate) words: Vec<Word>,
    pub(crate) bigs: Vec<BigInt>,
    pub(crate) foreign: Vec<Foreign>,
    pub(crate) lists: Vec<Vec<Word>>,
    pub(crate) dicts: Vec<Dict>,
    pub(crate) undefined: Vec<Reason>,
    pub(crate) objects: Vec<HeapObject>,
    /// How many words lists were made of, and large integers are worth.
    pub(crate) held: usize,
}

impl Heap {
    pub(crate) fn list(&mut self, items: Vec<Word>) -> Word {
        self.held += items.len();
        self.lists.push(items);
        Word::List((self.lists.len() - 1) as u32)
    }

    pub(crate) fn object(&mut self, object: HeapObject) -> Word {
        self.objects.push(object);
        Word::Object((self.objects.len() - 1) as u32)
    }

    pub(crate) fn undefined(&mut self, reason: Reason) -> Word {
        self.undefined.push(reason);
        Word::Undefined((self.undefined.len() - 1) as u32)
    }
}

/// Items of a range.
pub(crate) fn range_len(start: i64, stop: i64, step: i64) -> usize {
    let (low, high) = if step > 0 { (start, stop) } else { (stop, start) };
    if low >= high {
        return 0;
    }
    let distance = (i128::from(high) - i128::from(low) - 1) / i128::from(step).abs() + 1;
    usize::try_from(distance).unwrap_or(usize::MAX)
}
