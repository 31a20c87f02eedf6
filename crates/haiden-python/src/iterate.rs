//! Iteration: over lists, tuples, dicts and their views, and ranges without an iterator object.
//!
//! Each road behaves as CPython's own iterator: a list's length is asked anew for each item, a dict that changes its size
//! is an error.

use crate::host::PyHost;
use crate::objects::{self, Class, DictView, Result};
use crate::register::{Obj, Register};

/// An iterator in progress.
pub(crate) enum Iter {
    List {
        list: Obj,
        next: usize,
    },
    Tuple {
        tuple: Obj,
        next: usize,
    },
    Dict {
        dict: Obj,
        part: DictView,
        position: isize,
        size: usize,
        left: usize,
    },
    Range {
        next: i64,
        step: i64,
        left: i64,
    },
    /// An iterator, and what it goes through.
    Object {
        iterator: Obj,
        source: Obj,
    },
    /// An asynchronous iterator, whose items the host awaits, and what it goes through.
    Awaited {
        iterator: Obj,
        source: Obj,
    },
    Values(std::vec::IntoIter<Register>),
}

impl PyHost {
    /// All items at once, as `list(value)` has them: an object is asked how many there are. What is asynchronous is refused.
    pub(crate) fn listed(&self, value: &Register) -> Result<Vec<Register>> {
        let object = self.object(value)?;
        let mut iterator = match Iter::plain(&object) {
            Some(iterator) if self.fast => iterator,
            _ => Iter::List { list: objects::list_of(&object)?, next: 0 },
        };
        iterator.rest()
    }

    /// All items at once, as a loop has them: nothing is asked how many there are. What is asynchronous is refused.
    pub(crate) fn items_now(&self, value: &Register) -> Result<Vec<Register>> {
        Iter::new(&self.object(value)?, self.fast)?.rest()
    }
}

impl Iter {
    fn rest(&mut self) -> Result<Vec<Register>> {
        let mut items = Vec::new();
        while let Some(item) = self.next()? {
            items.push(item);
        }
        Ok(items)
    }

    /// Starts.
    #[inline]
    pub(crate) fn new(object: &Obj, fast: bool) -> Result<Iter> {
        match Iter::plain(object) {
            Some(iterator) if fast => Ok(iterator),
            _ => Ok(Iter::Object { iterator: objects::iter(object)?, source: object.clone() }),
        }
    }

    /// Starts with what needs no iterator object.
    #[inline]
    fn plain(object: &Obj) -> Option<Iter> {
        if objects::is_list(object) {
            return Some(Iter::List { list: object.clone(), next: 0 });
        }
        if objects::is_tuple(object) {
            return Some(Iter::Tuple { tuple: object.clone(), next: 0 });
        }
        if objects::is_dict(object) {
            return Some(Iter::dict(object.clone(), DictView::Keys));
        }
        if objects::is_range(object)
            && let Some((next, step, left)) = objects::range_parts(object)
            && step.checked_mul(left).and_then(|width| next.checked_add(width)).is_some()
        {
            return Some(Iter::Range { next, step, left });
        }
        let (dict, part) = objects::view_of(object)?;
        Some(Iter::dict(dict, part))
    }

    fn dict(dict: Obj, part: DictView) -> Iter {
        let size = objects::dict_len(&dict);
        Iter::Dict { dict, part, position: 0, size, left: size }
    }

    /// The next item of a list or a range.
    #[inline(always)]
    pub(crate) fn next_fast(&mut self, into: &mut Register) -> Option<bool> {
        into.put(match self {
            Iter::List { list, next } => {
                let Some(item) = objects::list_item(list, *next) else { return Some(false) };
                *next += 1;
                Register::object(item)
            }
            Iter::Range { next, step, left } => {
                if *left <= 0 {
                    return Some(false);
                }
                let value = *next;
                *left -= 1;
                *next += *step;
                Register::integer(value)
            }
            _ => return None,
        });
        Some(true)
    }

    /// The next item.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Result<Option<Register>> {
        match self {
            Iter::List { list, next } => {
                let item = objects::list_item(list, *next);
                *next += usize::from(item.is_some());
                Ok(item.map(Register::object))
            }
            Iter::Range { next, step, left } => {
                if *left <= 0 {
                    return Ok(None);
                }
                let value = *next;
                *left -= 1;
                *next += *step;
                Ok(Some(Register::integer(value)))
            }
            _ => self.next_other(),
        }
    }

    #[inline(never)]
    fn next_other(&mut self) -> Result<Option<Register>> {
        match self {
            Iter::Tuple { tuple, next } => {
                let item = objects::tuple_item(tuple, *next);
                *next += usize::from(item.is_some());
                Ok(item.map(Register::object))
            }
            Iter::Dict { part, .. } => {
                let part = *part;
                let Some((key, value)) = self.next_entry()? else { return Ok(None) };
                Ok(Some(Register::object(match part {
                    DictView::Keys => key,
                    DictView::Values => value,
                    DictView::Items => objects::tuple([Ok(key), Ok(value)].into_iter())?,
                })))
            }
            Iter::Values(values) => Ok(values.next()),
            Iter::Object { iterator, .. } => Ok(objects::iter_next(iterator)?.map(Register::object)),
            Iter::List { .. } | Iter::Range { .. } | Iter::Awaited { .. } => Ok(None),
        }
    }

    fn next_entry(&mut self) -> Result<Option<(Obj, Obj)>> {
        let Iter::Dict { dict, position, size, left, .. } = self else { return Ok(None) };
        if objects::dict_len(dict) != *size {
            *left = 0;
            // As CPython's iterator: it stays broken.
            *size = usize::MAX;
            return objects::raise(&Class::Runtime.object(), "dictionary changed size during iteration");
        }
        let entry = objects::dict_next(dict, position);
        *left = if entry.is_some() { left.saturating_sub(1) } else { 0 };
        Ok(entry)
    }

    /// The next item of the items of a dict, in two.
    #[inline]
    pub(crate) fn next_pair(&mut self) -> Option<Result<Option<(Register, Register)>>> {
        let Iter::Dict { part: DictView::Items, .. } = self else { return None };
        let entry = self.next_entry();
        Some(entry.map(|entry| entry.map(|(key, value)| (Register::object(key), Register::object(value)))))
    }

    /// How many items are left, if that is known.
    #[inline]
    pub(crate) fn remaining(&self) -> Option<usize> {
        match self {
            Iter::List { list, next } => Some(objects::list_len(list).saturating_sub(*next)),
            Iter::Tuple { tuple, next } => Some(objects::tuple_len(tuple) - next),
            Iter::Dict { left, .. } => Some(*left),
            Iter::Range { left, .. } => Some(*left as usize),
            Iter::Values(values) => Some(values.len()),
            Iter::Object { .. } | Iter::Awaited { .. } => None,
        }
    }

    /// `len()` of what is iterated over, if it has one.
    pub(crate) fn length(&self) -> Result<Option<usize>> {
        let (Iter::Object { source, .. } | Iter::Awaited { source, .. }) = self else { return Ok(None) };
        match objects::length(source) {
            Err(raised) if raised.matches(&Class::Type.object()) => {
                raised.clear();
                Ok(None)
            }
            length => length.map(Some),
        }
    }
}
