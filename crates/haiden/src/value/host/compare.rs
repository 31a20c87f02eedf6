//! Equality, order, membership and hashes, by Python's rules.

use std::cmp::Ordering;

use haiden_runtime::CompareOp;

use crate::error::{Error, ErrorKind};
use crate::python::number::compare::compare as compare_numbers;
use crate::python::number::convert::{hash_float, hash_int};
use crate::python::number::{Int, Number};
use crate::value::arena::{hash_number, hash_text};
use crate::value::heap::{HeapObject, ViewOf, range_len};
use crate::value::host::NativeHost;
use crate::value::word::Word;

/// How deep containers are compared.
const MAX_DEPTH: usize = 200;

#[cold]
fn too_deep() -> Error {
    Error::new(ErrorKind::Recursion, "maximum recursion depth exceeded in comparison")
}

impl NativeHost {
    /// Python's `==`.
    pub(crate) fn is_equal(&mut self, left: Word, right: Word) -> Result<bool, Error> {
        self.equal_at(left, right, 0)
    }

    fn equal_at(&mut self, left: Word, right: Word, depth: usize) -> Result<bool, Error> {
        let (left, right) = (self.present(left), self.present(right));
        Ok(match (left, right) {
            (Word::Int(left), Word::Int(right)) => left == right,
            (Word::Str(left), Word::Str(right)) => self.str(left) == self.str(right),
            (Word::Undefined(_) | Word::Missing, _) | (_, Word::Undefined(_) | Word::Missing) => {
                self.check_equality(left)?;
                self.check_equality(right)?;
                matches!(left, Word::Undefined(_) | Word::Missing)
                    && matches!(right, Word::Undefined(_) | Word::Missing)
                    && self.same_undefined(left, right)
            }
            (Word::None, Word::None) => true,
            (Word::List(left), Word::List(right)) if left == right => true,
            (Word::Dict(left), Word::Dict(right)) if left == right => true,
            (Word::Items { .. } | Word::List(_), Word::Items { .. } | Word::List(_))
            | (Word::Tuple { .. }, Word::Tuple { .. }) => {
                if depth > MAX_DEPTH {
                    return Err(too_deep());
                }
                if self.length_of(left)? != self.length_of(right)? {
                    return Ok(false);
                }
                let (left, right) = (self.items_of(left)?, self.items_of(right)?);
                for (left, right) in left.into_iter().zip(right) {
                    if !NativeHost::is_same(left, right) && !self.equal_at(left, right, depth + 1)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Word::Map { .. } | Word::Dict(_), Word::Map { .. } | Word::Dict(_)) => {
                if depth > MAX_DEPTH {
                    return Err(too_deep());
                }
                if self.length_of(left)? != self.length_of(right)? {
                    return Ok(false);
                }
                let (keys, values) = self.entries(left);
                for (key, value) in keys.into_iter().zip(values) {
                    match self.dict_find(right, key)? {
                        Some(other)
                            if NativeHost::is_same(value, other)
                                || self.equal_at(value, other, depth + 1)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
            (Word::Global(left), Word::Global(right)) => left == right,
            (Word::Foreign { .. }, _) | (_, Word::Foreign { .. }) => {
                if let Some((left, right)) = self.settled_pair(left, right)? {
                    return self.equal_at(left, right, depth);
                }
                match (left, right) {
                    (Word::Foreign { slot, index }, Word::Foreign { slot: other, index: place }) => {
                        self.foreign(slot, index).is(self.foreign(other, place))
                    }
                    _ => false,
                }
            }
            (Word::Object(left), Word::Object(right)) => left == right || self.equal_objects(left, right)?,
            _ => match (self.number(left), self.number(right)) {
                (Some(left), Some(right)) => compare_numbers(&left, &right) == Some(Ordering::Equal),
                _ => false,
            },
        })
    }

    fn equal_objects(&mut self, left: u32, right: u32) -> Result<bool, Error> {
        let ranges = (&self.heap.objects[left as usize], &self.heap.objects[right as usize]);
        Ok(match ranges {
            (HeapObject::Bytes(left), HeapObject::Bytes(right)) => left == right,
            (HeapObject::Class(left), HeapObject::Class(right))
            | (HeapObject::Alias(left), HeapObject::Alias(right)) => left == right,
            (
                HeapObject::Range { start, stop, step },
                HeapObject::Range { start: other, stop: end, step: stride },
            ) => {
                let length = range_len(*start, *stop, *step);
                length == range_len(*other, *end, *stride)
                    && (length == 0 || start == other)
                    && (length <= 1 || step == stride)
            }
            (HeapObject::View { of: ViewOf::Values, .. }, _) => false,
            (HeapObject::View { of, .. }, HeapObject::View { of: other, .. }) if of == other => {
                let (left, right) = (self.items_of(Word::Object(left))?, self.items_of(Word::Object(right))?);
                if left.len() != right.len() {
                    return Ok(false);
                }
                for item in left {
                    if !self.any_equal(item, &right)? {
                        return Ok(false);
                    }
                }
                true
            }
            _ => false,
        })
    }

    /// Are two values one object? CPython asks this before `==` wherever it looks into a container.
    fn is_same(left: Word, right: Word) -> bool {
        match (left, right) {
            (Word::Undefined(left), Word::Undefined(right)) => left == right,
            (Word::Float(left), Word::Float(right)) => left.to_bits() == right.to_bits(),
            _ => false,
        }
    }

    pub(crate) fn any_equal(&mut self, wanted: Word, items: &[Word]) -> Result<bool, Error> {
        for &item in items {
            if NativeHost::is_same(item, wanted) || self.is_equal(item, wanted)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The order of two values, `None` for unordered numbers; a `TypeError` if they have none.
    pub(crate) fn order(
        &mut self,
        op: CompareOp,
        left: Word,
        right: Word,
    ) -> Result<Option<Ordering>, Error> {
        self.order_at(op, left, right, 0)
    }

    fn order_at(
        &mut self,
        op: CompareOp,
        left: Word,
        right: Word,
        depth: usize,
    ) -> Result<Option<Ordering>, Error> {
        let (left, right) = (self.present(left), self.present(right));
        // Python asks the right side first if its class is a subclass of the left one's.
        if self.is_subclass_of_undefined(left, right) {
            self.refuse_undefined(right)?;
        }
        self.refuse_undefined(left)?;
        self.refuse_undefined(right)?;
        match (left, right) {
            (Word::Int(left), Word::Int(right)) => Ok(Some(left.cmp(&right))),
            (Word::Str(left), Word::Str(right)) => Ok(Some(self.str(left).cmp(self.str(right)))),
            (Word::Items { .. } | Word::List(_), Word::Items { .. } | Word::List(_))
            | (Word::Tuple { .. }, Word::Tuple { .. }) => {
                if depth > MAX_DEPTH {
                    return Err(too_deep());
                }
                let (left, right) = (self.items_of(left)?, self.items_of(right)?);
                for (&left, &right) in left.iter().zip(&right) {
                    if !NativeHost::is_same(left, right) && !self.equal_at(left, right, depth + 1)? {
                        return self.order_at(op, left, right, depth + 1);
                    }
                }
                Ok(Some(left.len().cmp(&right.len())))
            }
            _ => {
                if let (Some(left), Some(right)) = (self.number(left), self.number(right)) {
                    return Ok(compare_numbers(&left, &right));
                }
                if let (Some(left), Some(right)) = (self.bytes(left), self.bytes(right)) {
                    return Ok(Some(left.cmp(right)));
                }
                if let Some((left, right)) = self.settled_pair(left, right)? {
                    return self.order_at(op, left, right, depth);
                }
                Err(self.no_order(op, left, right))
            }
        }
    }

    #[cold]
    fn no_order(&self, op: CompareOp, left: Word, right: Word) -> Error {
        let sign = match op {
            CompareOp::Lt => "<",
            CompareOp::Le => "<=",
            CompareOp::Gt => ">",
            _ => ">=",
        };
        let (left, right) = (self.type_name(left), self.type_name(right));
        let message = format!("'{sign}' not supported between instances of '{left}' and '{right}'");
        Error::new(ErrorKind::Type, message)
    }

    /// Python's `in`.
    pub(crate) fn contains(&mut self, item: Word, container: Word) -> Result<bool, Error> {
        match self.present_settled(container)? {
            Word::Str(text) => {
                if let Word::Str(part) = item {
                    return Ok(crate::python::text::find::contains(self.str(text), self.str(part)));
                }
                let name = self.type_name(item);
                let message = format!("'in <string>' requires string as left operand, not {name}");
                Err(Error::new(ErrorKind::Type, message))
            }
            dict @ (Word::Map { .. } | Word::Dict(_)) => Ok(self.dict_find(dict, item)?.is_some()),
            word @ (Word::Undefined(_) | Word::Missing) => {
                self.check_equality(word)?;
                let items = self.items_of(word)?;
                self.any_equal(item, &items)
            }
            Word::Object(index) => {
                if let HeapObject::Range { start, stop, step } = self.heap.objects[index as usize] {
                    let Some(Number::Int(Int::Small(value))) = self.number(item) else {
                        let items = self.items_of(container)?;
                        return self.any_equal(item, &items);
                    };
                    let inside = if step > 0 {
                        (start..stop).contains(&value)
                    } else {
                        value <= start && value > stop
                    };
                    return Ok(inside && (i128::from(value) - i128::from(start)) % i128::from(step) == 0);
                }
                if let HeapObject::Bytes(_) = self.heap.objects[index as usize] {
                    return self.in_bytes(item, Word::Object(index));
                }
                if let HeapObject::View { dict, of: ViewOf::Keys } = self.heap.objects[index as usize] {
                    return Ok(self.dict_find(dict, item)?.is_some());
                }
                let items = self.membership_items(container)?;
                self.any_equal(item, &items)
            }
            _ => {
                let items = self.membership_items(container)?;
                self.any_equal(item, &items)
            }
        }
    }

    fn membership_items(&mut self, container: Word) -> Result<Vec<Word>, Error> {
        self.items_or(container, |host| {
            format!("argument of type '{}' is not iterable", host.type_name(container))
        })
    }

    /// The hash of a dict's key; a `TypeError` if it has none.
    pub(crate) fn hash_of(&mut self, word: Word) -> Result<u64, Error> {
        self.hash_at(word, 0)
    }

    fn hash_at(&mut self, word: Word, depth: usize) -> Result<u64, Error> {
        Ok(match self.present(word) {
            Word::Str(text) => hash_text(self.str(text)),
            Word::Int(value) => hash_number(hash_int(&Int::Small(value))),
            Word::Bool(value) => hash_number(i64::from(value)),
            Word::Float(value) => hash_number(hash_float(value)),
            Word::None => 1,
            Word::Big { .. } => match self.number(word) {
                Some(Number::Int(int)) => hash_number(hash_int(&int)),
                _ => 0,
            },
            Word::Tuple { .. } => {
                if depth > MAX_DEPTH {
                    return Err(too_deep());
                }
                let mut hash = 3_u64;
                for item in self.items_of(word)? {
                    hash = hash.rotate_left(5).wrapping_mul(0x9E37_79B9_7F4A_7C15)
                        ^ self.hash_at(item, depth + 1)?;
                }
                hash
            }
            Word::Items { .. } | Word::List(_) | Word::Map { .. } | Word::Dict(_) => {
                let message = format!("unhashable type: '{}'", self.type_name(word));
                return Err(Error::new(ErrorKind::Type, message));
            }
            Word::Undefined(_) | Word::Missing => {
                self.check_equality(word)?;
                4
            }
            Word::Object(index) => {
                if let HeapObject::View { of: ViewOf::Items | ViewOf::Keys, .. } | HeapObject::Slice(_) =
                    self.heap.objects[index as usize]
                {
                    let message = format!("unhashable type: '{}'", self.type_name(word));
                    return Err(Error::new(ErrorKind::Type, message));
                }
                if let Some(bytes) = self.bytes(word) {
                    return Ok(hash_text(&String::from_utf8_lossy(bytes)));
                }
                u64::from(index) << 8 | 5
            }
            Word::Global(global) => global as u64 + 6,
            Word::Foreign { index, .. } => u64::from(index) << 8 | 7,
        })
    }
}
