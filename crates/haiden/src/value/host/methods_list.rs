//! Methods of lists, tuples and ranges that templates call.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::value::host::NativeHost;
use crate::value::word::Word;

use super::arity::wrong_call;

/// Is this a method of lists?
pub(super) fn is_list_method(name: &str) -> bool {
    matches!(
        name,
        "append"
            | "clear"
            | "copy"
            | "count"
            | "extend"
            | "index"
            | "insert"
            | "pop"
            | "remove"
            | "reverse"
            | "sort"
    )
}

impl NativeHost {
    /// `receiver.name(…)` of a list, tuple or range.
    pub(super) fn list_method(
        &mut self,
        receiver: Word,
        name: &str,
        args: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        let class = self.type_name(receiver).to_owned();
        if name == "sort" {
            return self.sort_in_place(receiver, args, keywords);
        }
        if !keywords.is_empty() {
            return Err(wrong_call(&class, name, args.len(), keywords));
        }
        match (name, args) {
            ("count", [wanted]) => {
                let mut count = 0;
                for item in self.items_of(receiver)? {
                    count += i64::from(self.is_equal(item, *wanted)?);
                }
                return Ok(Word::Int(count));
            }
            ("index", [wanted, bounds @ ..]) if bounds.is_empty() || bounds.len() < 3 && class != "range" => {
                return self.index_in(receiver, *wanted, bounds);
            }
            ("copy", []) => {
                let items = self.items_of(receiver)?;
                return Ok(self.heap.list(items));
            }
            _ => {}
        }
        let Word::List(list) = self.make_mutable(receiver) else {
            return Err(wrong_call(&class, name, args.len(), &[]));
        };
        let list = list as usize;
        match (name, args) {
            ("append", [item]) => {
                if self.heap.lists[list].len() >= self.limits.size {
                    return Err(self.too_many());
                }
                self.room_for(1)?;
                self.heap.held += 1;
                self.heap.lists[list].push(*item);
            }
            ("extend", [more]) => {
                let items = self.items_of(*more)?;
                if self.heap.lists[list].len() + items.len() > self.limits.size {
                    return Err(self.too_many());
                }
                self.room_for(items.len())?;
                self.heap.held += items.len();
                self.heap.lists[list].extend(items);
            }
            ("insert", [index, item]) => {
                let index = self.whole(*index)?;
                let len = self.heap.lists[list].len() as i64;
                let place = if index < 0 { (index + len).max(0) } else { index.min(len) };
                self.room_for(1)?;
                self.heap.held += 1;
                self.heap.lists[list].insert(place as usize, *item);
            }
            ("pop", []) => {
                return self.heap.lists[list]
                    .pop()
                    .ok_or_else(|| Error::new(ErrorKind::Index, "pop from empty list"));
            }
            ("pop", [index]) => {
                let index = self.whole(*index)?;
                let len = self.heap.lists[list].len();
                if len == 0 {
                    return Err(Error::new(ErrorKind::Index, "pop from empty list"));
                }
                let place = if index < 0 { index + len as i64 } else { index };
                let place = usize::try_from(place).ok().filter(|&place| place < len);
                let place = place.ok_or_else(|| Error::new(ErrorKind::Index, "pop index out of range"))?;
                return Ok(self.heap.lists[list].remove(place));
            }
            ("remove", [wanted]) => {
                for place in 0..self.heap.lists[list].len() {
                    let item = self.heap.lists[list][place];
                    if self.is_equal(item, *wanted)? {
                        self.heap.lists[list].remove(place);
                        return Ok(Word::None);
                    }
                }
                return Err(Error::new(ErrorKind::Value, "list.remove(x): x not in list"));
            }
            ("reverse", []) => self.heap.lists[list].reverse(),
            ("clear", []) => self.heap.lists[list].clear(),
            _ => return Err(wrong_call(&class, name, args.len(), &[])),
        }
        Ok(Word::None)
    }

    /// An argument that must be an integer.
    pub(super) fn whole(&self, word: Word) -> Result<i64, Error> {
        self.integer_of(word).ok_or_else(|| {
            let name = self.type_name(word);
            Error::new(ErrorKind::Type, format!("'{name}' object cannot be interpreted as an integer"))
        })
    }

    fn index_in(&mut self, receiver: Word, wanted: Word, bounds: &[Word]) -> Result<Word, Error> {
        let items = self.items_of(receiver)?;
        let mut limits = [0, items.len() as i64];
        for (limit, &bound) in limits.iter_mut().zip(bounds) {
            let bound = self.index_key(bound).ok_or_else(|| {
                let message = "slice indices must be integers or have an __index__ method";
                Error::new(ErrorKind::Type, message)
            })?;
            *limit =
                if bound < 0 { (bound + items.len() as i64).max(0) } else { bound.min(items.len() as i64) };
        }
        for (place, &item) in items.iter().enumerate() {
            if (limits[0]..limits[1]).contains(&(place as i64)) && self.is_equal(item, wanted)? {
                return Ok(Word::Int(place as i64));
            }
        }
        let message = if matches!(receiver, Word::Tuple { .. }) {
            "tuple.index(x): x not in tuple".to_owned()
        } else if matches!(receiver, Word::Object(_)) && self.index_key(wanted).is_none() {
            "sequence.index(x): x not in sequence".to_owned()
        } else {
            let mut shown = String::new();
            self.represent(&mut shown, wanted)?;
            format!("{shown} is not in {}", self.type_name(receiver))
        };
        Err(Error::new(ErrorKind::Value, message))
    }

    fn sort_in_place(
        &mut self,
        receiver: Word,
        args: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        if args.len() > 2 {
            let message = format!("sort() takes at most 2 arguments ({} given)", args.len());
            return Err(Error::new(ErrorKind::Type, message));
        }
        if !args.is_empty() {
            return Err(Error::new(ErrorKind::Type, "sort() takes no positional arguments"));
        }
        let mut reverse = false;
        for (name, value) in keywords {
            match &**name {
                "reverse" => reverse = self.whole(*value)? != 0,
                "key" if matches!(value, Word::None) => {}
                _ => {
                    let message = format!("'{name}' is an invalid keyword argument for sort()");
                    return Err(Error::new(ErrorKind::Type, message));
                }
            }
        }
        let items = self.items_of(receiver)?;
        let sorted = self.sorted_by_key(&items, reverse, |&item| item)?;
        if let Word::List(list) = self.make_mutable(receiver) {
            self.heap.lists[list as usize] = sorted;
        }
        Ok(Word::None)
    }
}
