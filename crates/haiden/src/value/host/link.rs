//! Link: constants, names, filters and tests of an image for the native host.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use haiden_bytecode::{Constant, Image, Strings};
use haiden_runtime::Linker;
use haiden_runtime::builtins::{BuiltinTest, find_filter, find_test};

use crate::value::arena::Arena;
use crate::value::host::names::Taken;
use crate::value::host::{Name, NativeFilter, NativeHost, Templates};
use crate::value::word::Word;

/// What a program of the native host keeps.
pub struct Extra {
    /// The template escapes what it prints.
    pub(crate) autoescape: bool,
    /// The source, for error messages.
    pub(crate) source: Arc<str>,
    /// The file it came from.
    pub(crate) filename: Option<PathBuf>,
    /// The constants' data, if there are any; set once, right after linking.
    pub(crate) constants: OnceLock<Arc<Arena>>,
}

/// A test as it is linked.
pub enum NativeTest {
    /// One of Jinja2's.
    Builtin(BuiltinTest<NativeHost>),
    /// One of the user's.
    User(crate::value::function::BoxedFunction),
}

/// Links images for the native host.
pub(crate) struct NativeLinker<'a> {
    pub(crate) templates: &'a dyn Templates,
    pub(crate) arena: Arena,
    /// The thread's names, for as long as this lives.
    names: Taken,
}

impl<'a> NativeLinker<'a> {
    /// A linker for an image, with room for the texts of its constants.
    pub(crate) fn new(templates: &'a dyn Templates, image: &Image) -> NativeLinker<'a> {
        let mut arena = Arena::default();
        let strings = image.strings();
        let lengths = image.constants().iter().map(|constant| match *constant {
            Constant::Str(index) | Constant::Markup(index) => strings.at(index).len(),
            _ => 0,
        });
        arena.text.reserve(lengths.sum());
        NativeLinker { templates, arena, names: Taken::new() }
    }
}

impl Linker<NativeHost> for NativeLinker<'_> {
    #[inline]
    fn constant(&mut self, strings: Strings<'_>, constant: &Constant, parts: &[Word]) -> Word {
        let arena = &mut self.arena;
        // An image's text is below 4 GiB, so its constants are; a word that does not fit becomes none.
        let word = match constant {
            Constant::None => Ok(Word::None),
            Constant::Bool(value) => Ok(Word::Bool(*value)),
            Constant::Int(value) => Ok(Word::Int(*value)),
            Constant::Float(value) => Ok(Word::Float(*value)),
            Constant::BigInt(index) => {
                Ok(strings.at(*index).parse().map_or(Word::None, |value| arena.push_big(value)))
            }
            Constant::Str(index) => arena.push_text(strings.at(*index), false),
            Constant::Markup(index) => arena.push_text(strings.at(*index), true),
            Constant::Tuple(_) => arena.push_tuple(parts),
            Constant::List(_) => arena.push_list(parts),
            Constant::Dict(_) => {
                let keys = parts.iter().step_by(2).copied().collect();
                let values: Vec<Word> = parts.iter().skip(1).step_by(2).copied().collect();
                arena.push_map(keys, &values)
            }
        };
        word.unwrap_or(Word::None)
    }
    #[inline]
    fn name(&mut self, name: &str) -> Name {
        Name::of(name, &mut self.names)
    }
    fn text(&mut self, _name: &str, linked: &Name) -> Arc<str> {
        linked.text().clone()
    }
    fn another_name(&mut self, _name: &str, linked: &Name) -> Name {
        linked.again()
    }
    fn site_kind(&self) {}
    fn filter(&mut self, name: &str) -> Option<NativeFilter> {
        if let Some(function) = self.templates.user_filter(name) {
            return Some(NativeFilter::User(function));
        }
        find_filter::<NativeHost>(name).map(NativeFilter::Builtin)
    }
    fn test(&mut self, name: &str) -> Option<NativeTest> {
        if let Some(function) = self.templates.user_test(name) {
            return Some(NativeTest::User(function));
        }
        find_test::<NativeHost>(name).map(NativeTest::Builtin)
    }
}

impl NativeHost {
    /// A constant of the program whose constants are in `slot`. Lists and dicts are new each time.
    #[inline]
    pub(super) fn load_constant(&mut self, slot: u16, word: Word) -> Word {
        match word {
            Word::Str(_) | Word::Tuple { .. } | Word::Big { .. } => word.stamped(slot),
            Word::Items { .. } | Word::Map { .. } => self.instantiate(slot, word),
            other => other,
        }
    }

    fn instantiate(&mut self, slot: u16, word: Word) -> Word {
        match word {
            Word::Items { start, len, .. } => {
                let parts = self.run(slot, start, len).to_vec();
                let items = parts.into_iter().map(|part| self.load_constant(slot, part)).collect();
                self.heap.list(items)
            }
            Word::Map { shape, start, .. } => {
                let keys = self.arena(slot).shapes[shape as usize].keys.clone();
                let parts = self.run(slot, start, keys.len() as u32).to_vec();
                let values: Vec<Word> =
                    parts.into_iter().map(|part| self.load_constant(slot, part)).collect();
                let keys: Vec<Word> = keys.into_iter().map(|key| key.stamped(slot)).collect();
                // Keys of a literal may be equal: the last value counts.
                let dict = self.dict_of(Vec::new(), Vec::new());
                for (key, value) in keys.into_iter().zip(values) {
                    // Constants are scalars or tuples of them: they have hashes and compare.
                    let _ = self.dict_set(dict, key, value);
                }
                dict
            }
            other => other.stamped(slot),
        }
    }
}
