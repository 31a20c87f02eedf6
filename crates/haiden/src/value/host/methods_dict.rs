//! Dicts: look-ups, changes, and the methods that templates call.

use std::sync::Arc;

use hashbrown::HashTable;

use crate::error::{Error, ErrorKind};
use crate::value::arena::hash_text;
use crate::value::heap::{Dict, HeapObject, SMALL, ViewOf};
use crate::value::host::NativeHost;
use crate::value::host::arity::wrong_call;
use crate::value::word::Word;

/// Is this a method of dicts? Methods win over items in `a.b`.
pub(crate) fn is_method(name: &str) -> bool {
    matches!(
        name,
        "items"
            | "keys"
            | "values"
            | "get"
            | "copy"
            | "pop"
            | "popitem"
            | "clear"
            | "update"
            | "setdefault"
            | "fromkeys"
    )
}

/// Is it a method that is there as `dict.name`, too? Those that change nothing: a sandbox would not see whose they are.
pub(super) fn is_unbound(name: &str) -> bool {
    matches!(name, "items" | "keys" | "values" | "get" | "copy")
}

impl NativeHost {
    /// `dict.name(…)`: the dict is the first argument.
    pub(super) fn unbound_dict_method(
        &mut self,
        class: Word,
        name: &str,
        args: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        if !is_unbound(name) {
            return self.dict_method(class, name, args, keywords);
        }
        let message = match args.split_first() {
            None => format!("unbound method dict.{name}() needs an argument"),
            Some((dict, args)) => match self.present(*dict) {
                dict @ (Word::Map { .. } | Word::Dict(_)) => {
                    return self.dict_method(dict, name, args, keywords);
                }
                other => {
                    let other = self.type_name(other);
                    format!("descriptor '{name}' for 'dict' objects doesn't apply to a '{other}' object")
                }
            },
        };
        Err(Error::new(ErrorKind::Type, message))
    }

    /// A new dict of keys that are different, and their values.
    pub(crate) fn dict_of(&mut self, keys: Vec<Word>, values: Vec<Word>) -> Word {
        self.heap.dicts.push(Dict { keys, values, table: None });
        Word::Dict((self.heap.dicts.len() - 1) as u32)
    }

    /// Builds the table of a dict that has grown large.
    fn index_dict(&mut self, dict: u32) -> Result<(), Error> {
        let data = &self.heap.dicts[dict as usize];
        if data.table.is_some() || data.keys.len() <= SMALL {
            return Ok(());
        }
        let mut table = HashTable::with_capacity(data.keys.len() * 2);
        for place in 0..data.keys.len() {
            let key = self.heap.dicts[dict as usize].keys[place];
            let hash = self.hash_of(key)?;
            table.insert_unique(hash, (hash, place as u32), |&(hash, _)| hash);
        }
        self.heap.dicts[dict as usize].table = Some(table);
        Ok(())
    }

    /// The place of a key in a dict of the heap.
    fn heap_place(&mut self, dict: u32, key: Word) -> Result<Option<usize>, Error> {
        let hash = self.hash_of(key)?;
        self.index_dict(dict)?;
        let candidates: Vec<u32> = match &self.heap.dicts[dict as usize].table {
            Some(table) => {
                table.iter_hash(hash).filter(|&&(known, _)| known == hash).map(|&(_, place)| place).collect()
            }
            None => (0..self.heap.dicts[dict as usize].keys.len() as u32).collect(),
        };
        for place in candidates {
            let known = self.heap.dicts[dict as usize].keys[place as usize];
            if self.is_equal(known, key)? {
                return Ok(Some(place as usize));
            }
        }
        Ok(None)
    }

    /// The place of a text key in a dict of the heap.
    pub(super) fn dict_place(&self, dict: u32, name: &str) -> Option<usize> {
        let data = &self.heap.dicts[dict as usize];
        let is = |key: Word| matches!(key, Word::Str(text) if self.str(text) == name);
        match &data.table {
            None => data.keys.iter().position(|&key| is(key)),
            Some(table) => {
                let hash = hash_text(name);
                table
                    .find(hash, |&(_, place)| is(data.keys[place as usize]))
                    .map(|&(_, place)| place as usize)
            }
        }
    }

    /// The value of a text key in a dict of the heap.
    pub(super) fn dict_text(&self, dict: u32, name: &str) -> Option<Word> {
        self.dict_place(dict, name).map(|place| self.heap.dicts[dict as usize].values[place])
    }

    /// The value of a key of any dict.
    pub(crate) fn dict_find(&mut self, dict: Word, key: Word) -> Result<Option<Word>, Error> {
        match self.present(dict) {
            Word::Map { slot, shape, start } => {
                let place = if let Word::Str(text) = key {
                    let name = self.str(text);
                    self.arena(slot).find_text(shape, name)
                } else {
                    let hash = self.hash_of(key)?;
                    let arena = self.slots[usize::from(slot)].clone();
                    let mut failed = None;
                    let found = arena.find_key(shape, hash, |known| {
                        self.is_equal(known.stamped(slot), key).unwrap_or_else(|error| {
                            failed = Some(error);
                            false
                        })
                    });
                    match failed {
                        Some(error) => return Err(error),
                        None => found,
                    }
                };
                Ok(place.map(|place| self.arena(slot).words[start as usize + place].stamped(slot)))
            }
            Word::Dict(dict) => {
                let place = self.heap_place(dict, key)?;
                Ok(place.map(|place| self.heap.dicts[dict as usize].values[place]))
            }
            _ => Ok(None),
        }
    }

    /// `dict[key] = value` for a dict of the heap.
    pub(crate) fn dict_set(&mut self, dict: Word, key: Word, value: Word) -> Result<(), Error> {
        let Word::Dict(dict) = dict else { return Ok(()) };
        if let Some(place) = self.heap_place(dict, key)? {
            self.heap.dicts[dict as usize].values[place] = value;
            return Ok(());
        }
        let hash = self.hash_of(key)?;
        self.room_for(2)?;
        self.heap.held += 2;
        let data = &mut self.heap.dicts[dict as usize];
        let place = data.keys.len() as u32;
        data.keys.push(key);
        data.values.push(value);
        if let Some(table) = &mut data.table {
            table.insert_unique(hash, (hash, place), |&(hash, _)| hash);
        }
        Ok(())
    }

    fn dict_remove(&mut self, dict: u32, place: usize) -> (Word, Word) {
        let data = &mut self.heap.dicts[dict as usize];
        data.table = None;
        (data.keys.remove(place), data.values.remove(place))
    }

    /// What `dict(…)` and `namespace(…)` make.
    pub(super) fn make_dict(
        &mut self,
        name: &str,
        positional: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        if positional.len() > 1 {
            let message = format!("{name} expected at most 1 argument, got {}", positional.len());
            return Err(Error::new(ErrorKind::Type, message));
        }
        let dict = self.dict_of(Vec::new(), Vec::new());
        if let Some(&source) = positional.first() {
            self.dict_update(dict, source)?;
        }
        for (name, value) in keywords {
            let key = self.new_text(name, false)?;
            self.dict_set(dict, key, *value)?;
        }
        Ok(dict)
    }

    fn dict_update(&mut self, dict: Word, source: Word) -> Result<(), Error> {
        self.refuse_undefined(source)?;
        let source = self.present(source);
        if let Word::Map { .. } | Word::Dict(_) = source {
            let (keys, values) = self.entries(source);
            for (key, value) in keys.into_iter().zip(values) {
                self.dict_set(dict, key, value)?;
            }
            return Ok(());
        }
        for (index, item) in self.items_of(source)?.into_iter().enumerate() {
            let pair = self.items_or(item, |_| {
                format!("cannot convert dictionary update sequence element #{index} to a sequence")
            })?;
            let [key, value] = pair[..] else {
                let message = format!(
                    "dictionary update sequence element #{index} has length {}; 2 is required",
                    pair.len()
                );
                return Err(Error::new(ErrorKind::Value, message));
            };
            self.dict_set(dict, key, value)?;
        }
        Ok(())
    }

    /// `receiver.name(…)` of a dict.
    pub(super) fn dict_method(
        &mut self,
        receiver: Word,
        name: &str,
        args: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        if name == "update" && args.len() < 2 {
            let dict = self.make_mutable(receiver);
            for &source in args {
                self.dict_update(dict, source)?;
            }
            for (name, value) in keywords {
                let key = self.new_text(name, false)?;
                self.dict_set(dict, key, *value)?;
            }
            return Ok(Word::None);
        }
        if !keywords.is_empty() {
            return Err(wrong_call("dict", name, args.len(), keywords));
        }
        match (name, args) {
            ("items", []) => Ok(self.heap.object(HeapObject::View { dict: receiver, of: ViewOf::Items })),
            ("keys", []) => Ok(self.heap.object(HeapObject::View { dict: receiver, of: ViewOf::Keys })),
            ("values", []) => Ok(self.heap.object(HeapObject::View { dict: receiver, of: ViewOf::Values })),
            ("get", [key, rest @ ..]) if rest.len() < 2 => {
                let found = self.dict_find(receiver, *key)?;
                Ok(found.unwrap_or_else(|| rest.first().copied().unwrap_or(Word::None)))
            }
            ("copy", []) => {
                let (keys, values) = self.entries(receiver);
                Ok(self.dict_of(keys, values))
            }
            ("clear", []) => {
                if let Word::Dict(dict) = self.make_mutable(receiver) {
                    self.heap.dicts[dict as usize] = Dict::default();
                }
                Ok(Word::None)
            }
            ("pop", [key, rest @ ..]) if rest.len() < 2 => {
                if self.length_of(receiver)? == 0 && rest.is_empty() {
                    return Err(self.key_error(*key));
                }
                let Word::Dict(dict) = self.make_mutable(receiver) else { return Ok(Word::None) };
                match self.heap_place(dict, *key)? {
                    Some(place) => Ok(self.dict_remove(dict, place).1),
                    None => match rest.first() {
                        Some(default) => Ok(*default),
                        None => Err(self.key_error(*key)),
                    },
                }
            }
            ("popitem", []) => {
                let Word::Dict(dict) = self.make_mutable(receiver) else { return Ok(Word::None) };
                match self.heap.dicts[dict as usize].keys.len().checked_sub(1) {
                    Some(place) => {
                        let (key, value) = self.dict_remove(dict, place);
                        self.new_tuple(&[key, value])
                    }
                    None => Err(Error::new(ErrorKind::Key, "'popitem(): dictionary is empty'")),
                }
            }
            ("setdefault", [key, rest @ ..]) if rest.len() < 2 => {
                let dict = self.make_mutable(receiver);
                if let Some(found) = self.dict_find(dict, *key)? {
                    return Ok(found);
                }
                let value = rest.first().copied().unwrap_or(Word::None);
                self.dict_set(dict, *key, value)?;
                Ok(value)
            }
            ("fromkeys", [keys, rest @ ..]) if rest.len() < 2 => {
                let value = rest.first().copied().unwrap_or(Word::None);
                let dict = self.dict_of(Vec::new(), Vec::new());
                for key in self.items_of(*keys)? {
                    self.dict_set(dict, key, value)?;
                }
                Ok(dict)
            }
            _ => Err(wrong_call("dict", name, args.len(), &[])),
        }
    }
}
