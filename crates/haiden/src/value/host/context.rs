//! Contexts: where free names are looked up and top-level variables are published.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use haiden_runtime::{Chain, Export, Program};
use hashbrown::HashTable;

use crate::error::Error;
use crate::value::arena::hash_text;
use crate::value::heap::SMALL;
use crate::value::host::NativeHost;
use crate::value::host::names::{Shared, Taken};
use crate::value::word::Word;

/// How many shapes a name remembers.
const WAYS: usize = 4;

/// A name as it is linked: for context variables, attributes, parameters and exports.
///
/// It remembers where the shapes it met last have it: 48 bits of a shape's id and 16 of the place in one atomic word, so
/// that threads that share a program cannot mix two memories up.
#[derive(Debug)]
pub struct Name {
    known: Shared,
    hash: u64,
    cache: [AtomicU64; WAYS],
    is_dict_method: bool,
}

impl Name {
    #[inline(always)]
    pub(crate) fn new(text: &str) -> Name {
        let hash = hash_text(text);
        Name::linked(Shared::of(text, hash), hash)
    }

    /// As [`new`](Self::new), for who has names at hand.
    #[inline(always)]
    pub(crate) fn of(text: &str, at_hand: &mut Taken) -> Name {
        let hash = hash_text(text);
        Name::linked(at_hand.name(text, hash), hash)
    }

    #[inline(always)]
    fn linked(known: Shared, hash: u64) -> Name {
        let is_dict_method = known.is_dict_method();
        Name { known, hash, cache: Default::default(), is_dict_method }
    }

    /// The same name at another place, which remembers for itself.
    #[inline]
    pub(crate) fn again(&self) -> Name {
        Name { known: self.known.clone(), cache: Default::default(), ..*self }
    }

    /// The name.
    #[inline]
    pub(crate) fn text(&self) -> &Arc<str> {
        self.known.text()
    }

    /// Does it name a method of dicts, which wins over an item?
    #[inline]
    pub(crate) fn is_dict_method(&self) -> bool {
        self.is_dict_method
    }
}

/// Variables by name, the last one that was set.
#[derive(Default)]
pub(crate) struct Variables {
    own: Entries,
    /// What another context has, under the own ones: an include takes what is there and copies nothing.
    below: Option<Arc<Entries>>,
}

/// Variables in the order of their first setting.
#[derive(Clone, Default)]
struct Entries {
    entries: Vec<(Arc<str>, u64, Word)>,
    table: Option<HashTable<u32>>,
}

impl Entries {
    #[inline]
    fn find(&self, name: &Name) -> Option<usize> {
        let is = |(text, hash, _): &(Arc<str>, u64, Word)| *hash == name.hash && **text == **name.text();
        match &self.table {
            None => self.entries.iter().position(is),
            Some(table) => {
                table.find(name.hash, |&place| is(&self.entries[place as usize])).map(|&p| p as usize)
            }
        }
    }

    #[inline]
    fn get(&self, name: &Name) -> Option<Word> {
        self.find(name).map(|place| self.entries[place].2)
    }

    fn set(&mut self, name: &Name, word: Word) {
        match self.find(name) {
            Some(place) => self.entries[place].2 = word,
            None => self.push(name.text().clone(), name.hash, word),
        }
    }

    fn push(&mut self, text: Arc<str>, hash: u64, word: Word) {
        self.entries.push((text, hash, word));
        let place = (self.entries.len() - 1) as u32;
        let entries = &self.entries;
        let hash_of = |&place: &u32| entries[place as usize].1;
        match &mut self.table {
            Some(table) => drop(table.insert_unique(hash, place, hash_of)),
            None if entries.len() > SMALL * 2 => {
                let mut table = HashTable::with_capacity(entries.len() * 2);
                for place in 0..entries.len() as u32 {
                    table.insert_unique(hash_of(&place), place, hash_of);
                }
                self.table = Some(table);
            }
            None => {}
        }
    }

    /// Sets all that `newer` has.
    fn merge(&mut self, newer: Entries) {
        for (text, hash, word) in newer.entries {
            match self.entries.iter().position(|(known, ..)| *known == text) {
                Some(place) => self.entries[place].2 = word,
                None => self.push(text, hash, word),
            }
        }
    }
}

impl Variables {
    /// What another context may have under its own variables.
    fn share(&mut self) -> Option<Arc<Entries>> {
        if !self.own.entries.is_empty() {
            let own = std::mem::take(&mut self.own);
            self.below = Some(Arc::new(match self.below.take() {
                None => own,
                Some(below) => {
                    let mut merged = Arc::unwrap_or_clone(below);
                    merged.merge(own);
                    merged
                }
            }));
        }
        self.below.clone()
    }

    #[inline]
    pub(crate) fn get(&self, name: &Name) -> Option<Word> {
        self.own.get(name).or_else(|| self.below.as_ref()?.get(name))
    }

    pub(crate) fn set(&mut self, name: &Name, word: Word) {
        self.own.set(name, word);
    }

    /// All settings; of one name, the last one counts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, Word)> {
        let below = self.below.iter().flat_map(|below| &below.entries);
        below.chain(&self.own.entries).map(|(name, _, word)| (name, *word))
    }

    fn by_text(&self, name: &str) -> Option<Word> {
        self.iter().filter(|(known, _)| ***known == *name).last().map(|(_, word)| word)
    }
}

/// A context.
pub(crate) struct ContextData {
    /// What the template has published, and locals that were handed in.
    pub(crate) variables: Variables,
    /// The names that are exported, in the order of their first export.
    pub(crate) exported: Vec<Arc<str>>,
    /// What the template was rendered with: a dict.
    pub(crate) base: Word,
    pub(crate) autoescape: bool,
    /// The template it is of: its place in [`NativeHost::programs`].
    pub(super) program: usize,
    /// The templates that share it; of one that is alone it is made when it is asked for.
    pub(super) chain: Option<Arc<Chain<NativeHost>>>,
}

impl NativeHost {
    /// A context for a render of `program` with `base`, a dict.
    pub(crate) fn root_context(&mut self, program: &Arc<Program<NativeHost>>, base: Word) -> u32 {
        self.add_context(program, Variables::default(), base)
    }

    /// A context for `program`.
    pub(super) fn add_context(
        &mut self,
        program: &Arc<Program<NativeHost>>,
        variables: Variables,
        base: Word,
    ) -> u32 {
        let (autoescape, program) = (program.extra().autoescape, self.place_of_program(program));
        let exported = Vec::new();
        self.contexts.push(ContextData { variables, exported, base, autoescape, program, chain: None });
        (self.contexts.len() - 1) as u32
    }

    /// A context like `parent` with `locals` on top.
    pub(super) fn derive(&mut self, parent: u32, locals: &[(&Name, Word)]) -> u32 {
        let (variables, base) = self.inherit(parent, locals);
        let ContextData { autoescape, program, .. } = *self.context(parent);
        let (exported, chain) = (Vec::new(), self.context(parent).chain.clone());
        self.contexts.push(ContextData { variables, exported, base, autoescape, program, chain });
        (self.contexts.len() - 1) as u32
    }

    /// The chain of a context.
    pub(super) fn chain_of(&mut self, context: u32) -> Arc<Chain<NativeHost>> {
        let data = &mut self.contexts[context as usize];
        data.chain.get_or_insert_with(|| Chain::of(&self.programs[data.program].program)).clone()
    }

    /// The context that calls, if there is one.
    pub(crate) fn calling_context(&self) -> Option<u32> {
        (self.contexts.len() > self.calling as usize).then_some(self.calling)
    }

    pub(crate) fn context(&self, context: u32) -> &ContextData {
        &self.contexts[context as usize]
    }

    pub(super) fn context_mut(&mut self, context: u32) -> &mut ContextData {
        &mut self.contexts[context as usize]
    }

    /// The value of a text key of a dict of an arena, through the name's memory.
    #[inline]
    pub(crate) fn map_get(&self, slot: u16, shape: u32, start: u32, name: &Name) -> Option<Word> {
        let arena = self.arena(slot);
        let id = arena.shapes[shape as usize].id;
        let cache = &name.cache[id as usize % WAYS];
        let cached = cache.load(Ordering::Relaxed);
        let place = if cached >> 16 == id {
            (cached & 0xFFFF) as usize
        } else {
            let place = arena.find_text(shape, name.text())?;
            if place <= 0xFFFF && id < 1 << 48 {
                cache.store(id << 16 | place as u64, Ordering::Relaxed);
            }
            place
        };
        Some(arena.words[start as usize + place].stamped(slot))
    }

    /// The variable `name` of a context.
    pub(crate) fn find_variable(&self, context: u32, name: &Name) -> Option<Word> {
        let data = self.context(context);
        if let Some(word) = data.variables.get(name) {
            return Some(word);
        }
        if let Some(word) = self.find_in_base(data.base, name) {
            return Some(word);
        }
        self.find_global(name)
    }

    fn find_in_base(&self, base: Word, name: &Name) -> Option<Word> {
        match base {
            Word::Map { slot, shape, start } => self.map_get(slot, shape, start, name),
            Word::Dict(dict) => self.dict_text(dict, name.text()),
            _ => None,
        }
    }

    fn find_global(&self, name: &Name) -> Option<Word> {
        if let Some((arena, Word::Map { shape, start, .. })) = self.templates().globals()
            && let Some(slot) = self.slots.iter().position(|known| Arc::ptr_eq(known, arena))
            && let Some(word) = self.map_get(slot as u16, *shape, *start, name)
        {
            return Some(word);
        }
        name.known.global().map(Word::Global)
    }

    pub(super) fn publish(&mut self, context: u32, name: &Name, word: Word, how: Export) {
        let data = self.context_mut(context);
        data.variables.set(name, word);
        match how {
            Export::Public if !data.exported.contains(name.text()) => {
                data.exported.push(name.text().clone());
            }
            Export::Imported => data.exported.retain(|known| *known != *name.text()),
            _ => {}
        }
    }

    /// The name of the template that a context is of.
    pub(crate) fn template_of(&self, context: u32) -> Option<String> {
        self.programs[self.context(context).program].program.name().map(ToString::to_string)
    }

    /// The exported variables of a context, in order.
    pub(crate) fn exports(&self, context: u32) -> Vec<(Arc<str>, Word)> {
        let data = self.context(context);
        let exported = data.exported.iter();
        exported.filter_map(|name| Some((name.clone(), data.variables.by_text(name)?))).collect()
    }

    /// The variables of `parent` with `locals` on top.
    pub(super) fn inherit(&mut self, parent: u32, locals: &[(&Name, Word)]) -> (Variables, Word) {
        let data = self.context_mut(parent);
        let mut variables = Variables { own: Entries::default(), below: data.variables.share() };
        let base = data.base;
        variables.own.entries.reserve_exact(locals.len());
        for (name, word) in locals {
            variables.set(name, *word);
        }
        (variables, base)
    }

    /// The variables of a context as a dict: later ones over earlier ones.
    pub(crate) fn all_variables(&mut self, context: u32) -> Result<Word, Error> {
        let (mut keys, mut values) = self.entries(self.context(context).base);
        let own: Vec<(Arc<str>, Word)> =
            self.context(context).variables.iter().map(|(name, word)| (name.clone(), word)).collect();
        for (name, word) in own {
            keys.push(self.new_text(&name, false)?);
            values.push(word);
        }
        let dict = self.dict_of(Vec::new(), Vec::new());
        for (key, value) in keys.into_iter().zip(values) {
            self.dict_set(dict, key, value)?;
        }
        Ok(dict)
    }
}
