//! The native host: the machine's verbs over words.
//!
//! `mod` has what all verbs stand on: slots, text, imports and exports of values. The verbs are by topic: [`verbs`] the
//! trait itself, [`access`] attributes and items, [`operators`], [`compare`], [`iterate`], [`calls`], `methods` of
//! text, lists and dicts, [`text`] how values are printed, [`undefined`].

mod access;
mod alone;
mod apply;
mod arity;
mod bind;
mod byname;
mod calls;
mod compare;
mod context;
mod deep;
mod faults;
mod filters;
mod format;
mod gettext;
mod guests;
mod iterate;
mod json;
mod lazy;
mod link;
mod methods_bytes;
mod methods_dict;
mod methods_list;
mod methods_number;
mod methods_str;
mod names;
mod operators;
mod pool;
mod printing;
mod sandbox;
mod settle;
mod sort;
mod subscript;
mod text;
mod undefined;
mod verbs;
mod waiting;

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use haiden_runtime::{Limits, Program};

pub(crate) use alone::{call_value, equal_values, json_of_value, order_values, show_value};
pub(crate) use context::{ContextData, Name};
pub(crate) use deep::deeper;
pub(crate) use filters::NativeFilter;
pub(crate) use gettext::{Sister, alias_of_gettext, translating};
pub(crate) use iterate::NativeIterator;
pub(crate) use link::{Extra, NativeLinker};
pub(crate) use pool::{Parts, Pooled};
pub(crate) use settle::Watermark;
pub(crate) use text::Output;
pub(crate) use undefined::{UndefinedType, quoted};
pub(crate) use waiting::{Start, value_of_returned};

use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::policies::Policies;
use crate::python::number::Number;
use crate::python::number::int::Int;
use crate::sandbox::Sandbox;
use crate::value::arena::{Arena, too_large};
use crate::value::bytes::Bytes;
use crate::value::function::BoxedFunction;
use crate::value::heap::{Heap, HeapObject};
use crate::value::object::Foreign;
use crate::value::value::{Repr, Value};
use crate::value::word::{HEAP, Slot, Str, Word};

/// The arena of slot 0, which stands for the heap.
static NOTHING: LazyLock<Arc<Arena>> = LazyLock::new(Arc::default);

/// Up to so many slots are searched one by one.
const FEW_SLOTS: usize = 16;

/// What a render may use up of the host's own things.
///
/// ```
/// use haiden::{Environment, ErrorKind, Limits, RenderLimits, context};
///
/// let mut environment = Environment::new();
/// environment.set_limits(RenderLimits {
///     machine: Limits { fuel: 1_000, ..Limits::default() },
///     output: 10_000,
///     ..RenderLimits::default()
/// });
/// let error = environment.render_str("{% for n in range(10000) %}{% endfor %}", context! {}).unwrap_err();
/// assert_eq!((error.kind(), error.message()), (ErrorKind::Limit, "the render has used up its fuel"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderLimits {
    /// Frames and work: see [`Limits`]. Machines inside one another (functions that call macros or render
    /// templates) are as many as frames at most.
    pub machine: Limits,
    /// Bytes of output; `u64::MAX` for any number.
    pub output: u64,
    /// Items of a `range`, of a repeated list, characters of a repeated text.
    pub size: usize,
    /// Bytes of all the texts, lists, tuples and large integers that a render makes, about.
    pub heap: usize,
}

impl Default for RenderLimits {
    fn default() -> RenderLimits {
        RenderLimits { machine: Limits::default(), output: u64::MAX, size: 100_000_000, heap: 1 << 30 }
    }
}

/// What the native host asks of an environment.
pub(crate) trait Templates: Send + Sync {
    /// The environment itself.
    fn environment(self: Arc<Self>) -> Option<Environment>;
    /// The program of a template.
    fn program(&self, name: &str) -> Result<Arc<Program<NativeHost>>, Error>;
    /// The environment's own globals.
    fn globals(&self) -> Option<&(Arc<Arena>, Word)>;
    /// What kind of undefined values there are.
    fn undefined(&self) -> &UndefinedType;
    /// The limits of a render.
    fn limits(&self) -> RenderLimits;
    /// The settings of filters.
    fn policies(&self) -> &Policies;
    /// What every printed value passes through.
    fn finalize(&self) -> Option<&BoxedFunction>;
    /// Are pages values?
    fn native_types(&self) -> bool;
    /// The sandbox that templates run in.
    fn sandbox(&self) -> Option<&Sandbox>;
    /// A method of an extension.
    fn extension_method(&self, identifier: &str, method: &str) -> Option<BoxedFunction>;
    /// What ends a line of what filters make.
    fn newline_sequence(&self) -> &'static str;
    /// The program of a template, in a render that can wait for it.
    fn start_loading(self: Arc<Self>, name: &str) -> Start {
        Start::Here(self.program(name))
    }
    /// A filter that the user has added.
    fn user_filter(&self, name: &str) -> Option<BoxedFunction>;
    /// A test that the user has added.
    fn user_test(&self, name: &str) -> Option<BoxedFunction>;
    /// The names of all filters that the user has added.
    fn user_names(&self, filters: bool) -> Vec<String>;
}

/// The host of one render.
pub struct NativeHost {
    /// `None`: there are none.
    templates: Option<Arc<dyn Templates>>,
    pub(crate) heap: Heap,
    /// The arenas in use; slot 0 stands for the heap and is empty.
    slots: Vec<Arc<Arena>>,
    /// Where an arena is among them, once there are many.
    slot_by_address: hashbrown::HashMap<usize, Slot>,
    /// Containers of arenas that were changed: what they became.
    moved: hashbrown::HashMap<(Slot, u32, bool), Word>,
    contexts: Vec<ContextData>,
    /// The context that calls a function of the host.
    pub(crate) calling: u32,
    cells: Vec<(Option<u32>, Vec<Word>)>,
    /// The programs of contexts and those that ran.
    programs: Vec<Entered>,
    modules: Vec<(u64, Word)>,
    /// The templates that constants named: a page includes one version of a template.
    selected: Vec<(Str, Arc<Program<NativeHost>>)>,
    /// Where the tuples lie that `groupby` made: their parts have names.
    groups: BTreeSet<u32>,
    undefined_type: UndefinedType,
    /// Modules of Rust that are here too, and their contexts here.
    guests: Vec<(Arc<dyn Any + Send + Sync>, u32)>,
    /// Printed values are written at once: there is no `finalize`, and pages are text.
    plain_print: bool,
    /// Pages are values.
    pub(crate) native_types: bool,
    /// There is a sandbox.
    sandboxed: bool,
    pub(crate) limits: RenderLimits,
    /// How many machines run inside one another: calls of macros from user code.
    machines: u32,
    /// What a render that can wait has under way; `None` for one that cannot.
    waiting: Option<Box<waiting::Waiting>>,
    /// The number of this render, once one of its objects has a handle outside.
    home: Option<u64>,
    /// How often what later calls had made was given up, and how many objects were there before those calls.
    epoch: u32,
    settled: u32,
    /// Room for a text in the making.
    scratch: String,
    pub(crate) random: u64,
}

/// A program and the slot of its constants.
struct Entered {
    program: Arc<Program<NativeHost>>,
    slot: Slot,
}

impl Default for NativeHost {
    /// A host without templates.
    fn default() -> NativeHost {
        NativeHost {
            templates: None,
            heap: Heap::default(),
            slots: vec![NOTHING.clone()],
            slot_by_address: hashbrown::HashMap::new(),
            moved: hashbrown::HashMap::new(),
            contexts: Vec::new(),
            calling: 0,
            cells: Vec::new(),
            programs: Vec::new(),
            modules: Vec::new(),
            selected: Vec::new(),
            groups: BTreeSet::new(),
            undefined_type: UndefinedType::default(),
            guests: Vec::new(),
            plain_print: true,
            native_types: false,
            sandboxed: false,
            limits: RenderLimits::default(),
            machines: 0,
            waiting: None,
            home: None,
            epoch: 0,
            settled: 0,
            scratch: String::new(),
            random: 0,
        }
    }
}

impl NativeHost {
    /// Gives a host that has none its templates, and what they say of limits, undefined values and globals.
    pub(crate) fn use_templates(&mut self, templates: Arc<dyn Templates>) {
        self.undefined_type = templates.undefined().clone();
        self.limits = templates.limits();
        self.native_types = templates.native_types();
        self.plain_print = !self.native_types && templates.finalize().is_none();
        self.sandboxed = templates.sandbox().is_some();
        if let Some((arena, _)) = templates.globals() {
            self.slot_of(arena);
        }
        self.templates = Some(templates);
    }

    #[inline]
    pub(crate) fn templates(&self) -> &dyn Templates {
        self.templates.as_deref().unwrap_or(&alone::NoTemplates)
    }

    /// The environment that the templates are of.
    pub(crate) fn environment(&self) -> Option<Environment> {
        self.templates.clone()?.environment()
    }

    /// The place of a program among those of this render.
    fn place_of_program(&mut self, program: &Arc<Program<NativeHost>>) -> usize {
        if let Some(place) = self.programs.iter().position(|known| Arc::ptr_eq(&known.program, program)) {
            return place;
        }
        let constants = program.extra().constants.get();
        let slot = constants.and_then(|constants| self.slot_of(constants)).unwrap_or(HEAP);
        self.programs.push(Entered { program: program.clone(), slot });
        self.programs.len() - 1
    }

    // ---- arenas ----------------------------------------------------------------------------------------------

    #[inline]
    pub(crate) fn arena(&self, slot: Slot) -> &Arena {
        &self.slots[usize::from(slot)]
    }

    /// The slot of an arena, if there is room for it.
    fn slot_of(&mut self, arena: &Arc<Arena>) -> Option<Slot> {
        // The slots keep their arenas alive, so an address means one arena.
        let address = |arena: &Arc<Arena>| Arc::as_ptr(arena).addr();
        let slot = Slot::try_from(self.slots.len()).ok()?;
        if self.slots.len() < FEW_SLOTS {
            if let Some(known) = self.slots.iter().position(|known| Arc::ptr_eq(known, arena)) {
                return Some(known as Slot);
            }
        } else {
            if self.slot_by_address.is_empty() {
                let known = self.slots.iter().zip(0..);
                self.slot_by_address.extend(known.map(|(known, slot)| (address(known), slot)));
            }
            if let Some(&known) = self.slot_by_address.get(&address(arena)) {
                return Some(known);
            }
            self.slot_by_address.insert(address(arena), slot);
        }
        self.slots.push(arena.clone());
        Some(slot)
    }

    /// A value of an arena that this render may have for itself.
    pub(crate) fn adopt(&mut self, arena: Arc<Arena>, word: Word) -> Result<Word, Error> {
        if self.slots.len() < FEW_SLOTS && !self.slots.iter().any(|known| Arc::ptr_eq(known, &arena)) {
            self.slots.push(arena);
            return Ok(word.stamped(self.slots.len() as Slot - 1));
        }
        self.import(&Value(Repr::Arena(arena, word)))
    }

    /// The text of a word.
    #[inline]
    pub(crate) fn str(&self, text: Str) -> &str {
        let whole = if text.slot == HEAP { &self.heap.text } else { &self.arena(text.slot).text };
        &whole[text.start as usize..(text.start + text.len) as usize]
    }

    /// The items of a tuple, or of a list of an arena.
    #[inline]
    pub(crate) fn run(&self, slot: Slot, start: u32, len: u32) -> &[Word] {
        let words = if slot == HEAP { &self.heap.words } else { &self.arena(slot).words };
        &words[start as usize..(start + len) as usize]
    }

    /// A container of an arena that was changed is elsewhere now.
    #[inline]
    pub(crate) fn present(&self, word: Word) -> Word {
        if self.moved.is_empty() {
            return word;
        }
        let key = match word {
            Word::Items { slot, start, .. } => (slot, start, false),
            Word::Map { slot, start, .. } => (slot, start, true),
            _ => return word,
        };
        self.moved.get(&key).copied().unwrap_or(word)
    }

    /// Moves a list of an arena to the heap, so that it can change.
    pub(crate) fn make_mutable(&mut self, word: Word) -> Word {
        match self.present(word) {
            Word::Items { slot, start, len } => {
                let items = self.run(slot, start, len).iter().map(|item| item.stamped(slot)).collect();
                let list = self.heap.list(items);
                self.moved.insert((slot, start, false), list);
                list
            }
            Word::Map { slot, shape, start } => {
                let keys: Vec<Word> = self.arena(slot).shapes[shape as usize]
                    .keys
                    .iter()
                    .map(|key| key.stamped(slot))
                    .collect();
                let values: Vec<Word> = self
                    .run(slot, start, keys.len() as u32)
                    .iter()
                    .map(|value| value.stamped(slot))
                    .collect();
                let dict = self.dict_of(keys, values);
                self.moved.insert((slot, start, true), dict);
                dict
            }
            other => other,
        }
    }

    // ---- making values ---------------------------------------------------------------------------------------

    /// New text.
    pub(crate) fn new_text(&mut self, text: &str, markup: bool) -> Result<Word, Error> {
        let start = self.heap.text.len();
        self.heap.text.push_str(text);
        self.text_since(start, markup)
    }

    /// The text that was appended to the heap since `start`.
    pub(crate) fn text_since(&mut self, start: usize, markup: bool) -> Result<Word, Error> {
        let end = u32::try_from(self.heap.text.len()).map_err(|_| too_large())?;
        if end as usize > self.limits.heap {
            return Err(self.heap_is_full());
        }
        Ok(Word::Str(Str { slot: HEAP, markup, start: start as u32, len: end - start as u32 }))
    }

    /// Writes a text with `write`, which may look at everything else, and makes it a value.
    pub(crate) fn build_text(
        &mut self,
        markup: bool,
        write: impl FnOnce(&mut NativeHost, &mut String) -> Result<(), Error>,
    ) -> Result<Word, Error> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let outcome = write(self, &mut scratch);
        let word = outcome.and_then(|()| self.new_text(&scratch, markup));
        self.scratch = scratch;
        word
    }

    pub(crate) fn new_tuple(&mut self, items: &[Word]) -> Result<Word, Error> {
        let start = u32::try_from(self.heap.words.len()).map_err(|_| too_large())?;
        self.heap.words.extend_from_slice(items);
        Ok(Word::Tuple { slot: HEAP, start, len: items.len() as u32 })
    }

    pub(crate) fn new_number(&mut self, number: Number) -> Word {
        match number {
            Number::Int(Int::Small(value)) => Word::Int(value),
            Number::Int(Int::Big(value)) => {
                self.heap.held += value.bits() as usize / (8 * size_of::<Word>());
                self.heap.bigs.push(*value);
                Word::Big { slot: HEAP, index: (self.heap.bigs.len() - 1) as u32 }
            }
            Number::Float(value) => Word::Float(value),
        }
    }

    /// The number that a value is; booleans are integers.
    pub(crate) fn number(&self, word: Word) -> Option<Number> {
        Some(match word {
            Word::Bool(value) => Number::Int(Int::Small(i64::from(value))),
            Word::Int(value) => Number::Int(Int::Small(value)),
            Word::Float(value) => Number::Float(value),
            Word::Big { slot, index } => {
                let bigs = if slot == HEAP { &self.heap.bigs } else { &self.arena(slot).bigs };
                Number::Int(Int::Big(Box::new(bigs[index as usize].clone())))
            }
            _ => return None,
        })
    }

    /// The integer that a value is, clamped to 64 bits; booleans are integers.
    pub(crate) fn integer_of(&self, word: Word) -> Option<i64> {
        match word {
            Word::Int(value) => Some(value),
            Word::Bool(value) => Some(i64::from(value)),
            Word::Big { .. } => match self.number(word)? {
                Number::Int(int) => Some(crate::python::text::index::clamp(&int)),
                Number::Float(_) => None,
            },
            _ => None,
        }
    }

    pub(crate) fn foreign(&self, slot: Slot, index: u32) -> &Foreign {
        let foreign = if slot == HEAP { &self.heap.foreign } else { &self.arena(slot).foreign };
        &foreign[index as usize]
    }

    // ---- values from outside and to outside --------------------------------------------------------------------

    /// A user's value in this render.
    pub(crate) fn import(&mut self, value: &Value) -> Result<Word, Error> {
        Ok(match &value.0 {
            Repr::Undefined(why) => {
                let why = why.as_deref().unwrap_or("an undefined value");
                self.heap.undefined(crate::value::heap::Reason::Hint(why.into()))
            }
            Repr::Invalid(error) => return Err((**error).clone()),
            Repr::None => Word::None,
            Repr::Bool(value) => Word::Bool(*value),
            Repr::Int(value) => Word::Int(*value),
            Repr::Float(value) => Word::Float(*value),
            Repr::Big(value) => self.new_number(Number::Int(Int::from((**value).clone()))),
            Repr::Str(text, markup) => self.new_text(text, *markup)?,
            Repr::Arena(arena, word) => match self.slot_of(arena) {
                Some(slot) => word.stamped(slot),
                None => self.copy_in(arena, *word)?,
            },
            Repr::Foreign(foreign) => {
                if let Some(word) = self.own_object(foreign) {
                    return Ok(word);
                }
                if let Some(bytes) = foreign.bytes() {
                    return self.new_bytes(bytes.to_vec());
                }
                self.heap.foreign.push(foreign.clone());
                Word::Foreign { slot: HEAP, index: (self.heap.foreign.len() - 1) as u32 }
            }
        })
    }

    /// Copies a value of an arena to the heap: there are too many arenas to give it a slot.
    fn copy_in(&mut self, arena: &Arc<Arena>, word: Word) -> Result<Word, Error> {
        Ok(match word {
            Word::Str(text) => self.new_text(arena.str(text), text.markup)?,
            Word::Big { index, .. } => {
                self.new_number(Number::Int(Int::from(arena.bigs[index as usize].clone())))
            }
            Word::Foreign { index, .. } => {
                self.heap.foreign.push(arena.foreign[index as usize].clone());
                Word::Foreign { slot: HEAP, index: (self.heap.foreign.len() - 1) as u32 }
            }
            Word::Items { start, len, .. } | Word::Tuple { start, len, .. } => {
                let run = &arena.words[start as usize..(start + len) as usize];
                let items =
                    run.iter().map(|&item| self.copy_in(arena, item)).collect::<Result<Vec<_>, _>>()?;
                if matches!(word, Word::Tuple { .. }) {
                    self.new_tuple(&items)?
                } else {
                    self.heap.list(items)
                }
            }
            Word::Map { shape, start, .. } => {
                let keys = &arena.shapes[shape as usize].keys;
                let run = &arena.words[start as usize..start as usize + keys.len()];
                let values =
                    run.iter().map(|&item| self.copy_in(arena, item)).collect::<Result<Vec<_>, _>>()?;
                let keys = keys.iter().map(|&key| self.copy_in(arena, key)).collect::<Result<Vec<_>, _>>()?;
                self.dict_of(keys, values)
            }
            other => other,
        })
    }

    /// A value of this render for a user: copied into an arena of its own, unless it lies in one as a whole.
    pub(crate) fn value(&mut self, word: Word) -> Result<Value, Error> {
        let word = self.present(word);
        Ok(match word {
            Word::Missing => Value::UNDEFINED,
            Word::Undefined(index) => Value(Repr::Undefined(Some(self.undefined_message(index).into()))),
            Word::None => Value::NONE,
            Word::Bool(value) => Value::from(value),
            Word::Int(value) => Value::from(value),
            Word::Float(value) => Value::from(value),
            Word::Str(text) if text.slot == HEAP => Value(Repr::Str(Arc::from(self.str(text)), text.markup)),
            Word::Foreign { slot, index } => Value(Repr::Foreign(self.foreign(slot, index).clone())),
            _ => {
                if let Some((slot, own)) = whole_in_arena(word)
                    && self.moved.is_empty()
                {
                    return Ok(Value(Repr::Arena(self.slots[usize::from(slot)].clone(), own)));
                }
                if let Some(bytes) = self.bytes(word) {
                    return Ok(Value::from_object(Bytes(bytes.into())));
                }
                if let Word::Object(index) = word
                    && let Some(bound) = self.bind(index)?
                {
                    return Ok(Value::from_object(bound));
                }
                let mut arena = Arena::default();
                let word = self.copy_out(&mut arena, word, 0)?;
                Value::from_arena(arena, word)
            }
        })
    }

    fn copy_out(&mut self, arena: &mut Arena, word: Word, depth: usize) -> Result<Word, Error> {
        if depth > crate::value::arena::MAX_DEPTH {
            return Err(Error::new(
                ErrorKind::Recursion,
                "the value is nested too deeply to leave the template",
            ));
        }
        let word = self.present(word);
        Ok(match word {
            Word::Missing | Word::Undefined(_) => Word::None,
            Word::None | Word::Bool(_) | Word::Int(_) | Word::Float(_) | Word::Global(_) => word,
            Word::Str(text) => arena.push_text(self.str(text), text.markup)?,
            Word::Big { slot, index } => {
                let bigs = if slot == HEAP { &self.heap.bigs } else { &self.arena(slot).bigs };
                arena.push_big(bigs[index as usize].clone())
            }
            Word::Foreign { slot, index } => arena.push_foreign(self.foreign(slot, index).clone()),
            Word::Tuple { .. } => {
                let items = self.items_of(word)?;
                let items = self.copy_all(arena, &items, depth)?;
                arena.push_tuple(&items)?
            }
            Word::Map { .. } | Word::Dict(_) => {
                let (keys, values) = self.entries(word);
                let keys = self.copy_all(arena, &keys, depth)?;
                let values = self.copy_all(arena, &values, depth)?;
                arena.push_map(keys, &values)?
            }
            Word::Items { .. } | Word::List(_) => {
                let items = self.items_of(word)?;
                let items = self.copy_all(arena, &items, depth)?;
                arena.push_list(&items)?
            }
            Word::Object(ref index) => match &self.heap.objects[*index as usize] {
                HeapObject::Range { .. } | HeapObject::View { .. } | HeapObject::Generator { .. } => {
                    let items = self.items_of(word)?;
                    let items = self.copy_all(arena, &items, depth)?;
                    arena.push_list(&items)?
                }
                HeapObject::Bytes(bytes) => {
                    arena.push_foreign(Foreign::Object(Arc::new(Bytes(bytes.as_slice().into()))))
                }
                HeapObject::Namespace(dict) => self.copy_out(arena, Word::Dict(*dict), depth + 1)?,
                _ => match self.bind(*index)? {
                    Some(bound) => arena.push_foreign(Foreign::Object(Arc::new(bound))),
                    None => {
                        let mut text = String::new();
                        self.show(&mut text, word)?;
                        arena.push_text(&text, false)?
                    }
                },
            },
        })
    }

    fn copy_all(&mut self, arena: &mut Arena, words: &[Word], depth: usize) -> Result<Vec<Word>, Error> {
        words.iter().map(|&word| self.copy_out(arena, word, depth + 1)).collect()
    }
}

/// The slot of a value that lies in an arena as a whole, and its word there.
fn whole_in_arena(word: Word) -> Option<(Slot, Word)> {
    let slot = match word {
        Word::Str(text) => text.slot,
        Word::Big { slot, .. }
        | Word::Items { slot, .. }
        | Word::Tuple { slot, .. }
        | Word::Map { slot, .. } => slot,
        _ => return None,
    };
    (slot != HEAP).then(|| (slot, word.unstamped()))
}
