//! Python's `object[key]`, and slices.
//!
//! Jinja2's own `a[b]` turns what is not there into an undefined value, and so looks with [`NativeHost::find_item`].
//! Where Python itself subscribes (slices, formatting) it is an error with Python's message.

use crate::error::{Error, ErrorKind};
use crate::python::text::index::{item as char_at, slice as slice_text, slice_indices};
use crate::value::heap::{HeapObject, range_len};
use crate::value::host::NativeHost;
use crate::value::object::Foreign;
use crate::value::word::{Global, Str, Word};

type Result<T> = std::result::Result<T, Error>;

/// Item `place` of a range, which it has.
pub(super) fn range_item(start: i64, step: i64, place: usize) -> Word {
    // The item itself fits; the product on the way to it may not.
    Word::Int(start.wrapping_add(step.wrapping_mul(place as i64)))
}

impl NativeHost {
    /// The parts of a slice.
    pub(super) fn slice_parts(&self, key: Word) -> Option<[Word; 3]> {
        match key {
            Word::Object(index) => match self.heap.objects[index as usize] {
                HeapObject::Slice(parts) => Some(parts),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn index_key(&self, key: Word) -> Option<i64> {
        match key {
            Word::Int(_) | Word::Bool(_) | Word::Big { .. } => self.integer_of(key),
            _ => None,
        }
    }

    pub(super) fn place_of(&self, key: Word, len: usize) -> Option<usize> {
        let index = self.index_key(key)?;
        let index = if index < 0 { index.checked_add(len as i64)? } else { index };
        usize::try_from(index).ok().filter(|&place| place < len)
    }

    /// A character of a text.
    pub(super) fn char_of(&self, text: Str, index: i64) -> Option<Word> {
        let whole = self.str(text);
        let found = char_at(whole, index)?;
        let offset = found.as_ptr() as usize - whole.as_ptr() as usize;
        Some(Word::Str(Str { start: text.start + offset as u32, len: found.len() as u32, ..text }))
    }

    /// `object[key]` as Python has it: what is not there is an error.
    pub(super) fn subscript(&mut self, object: Word, key: Word) -> Result<Word> {
        let object = self.present(object);
        if let Word::Undefined(_) | Word::Missing = object {
            return self.undefined_item(object, key);
        }
        if let Some(parts) = self.slice_parts(key) {
            return self.slice_of(object, parts);
        }
        if let Word::Map { .. } | Word::Dict(_) = object {
            return match self.dict_find(object, key)? {
                Some(word) => Ok(word),
                None => Err(self.key_error(key)),
            };
        }
        match self.find_item(object, key)? {
            Some(word) => Ok(word),
            None => Err(self.no_subscript(object, key)),
        }
    }

    /// Python's `AttributeError`.
    #[cold]
    pub(super) fn no_attribute(&self, object: Word, name: &str) -> Error {
        let message = match (self.type_name(object), object) {
            ("Namespace", _) => name.to_owned(),
            ("type", Word::Global(global)) => {
                format!("type object '{}' has no attribute '{name}'", global.class_name())
            }
            (class, _) => format!("'{class}' object has no attribute '{name}'"),
        };
        Error::new(ErrorKind::Attribute, message)
    }

    /// `KeyError`, whose message is the key's `repr`.
    #[cold]
    pub(super) fn key_error(&mut self, key: Word) -> Error {
        let mut shown = String::new();
        match self.represent(&mut shown, key) {
            Ok(()) => Error::new(ErrorKind::Key, shown),
            Err(error) => error,
        }
    }

    #[cold]
    fn no_subscript(&mut self, object: Word, key: Word) -> Error {
        let class = self.type_name(object).to_owned();
        let is_index = self.index_key(key).is_some();
        let (kind, message) = match object {
            Word::Str(_) if is_index => (ErrorKind::Index, "string index out of range".to_owned()),
            Word::Str(_) => {
                (ErrorKind::Type, format!("string indices must be integers, not '{}'", self.type_name(key)))
            }
            Word::Items { .. } | Word::List(_) | Word::Tuple { .. } if is_index => {
                (ErrorKind::Index, format!("{class} index out of range"))
            }
            Word::Object(index) => match self.heap.objects[index as usize] {
                HeapObject::Range { .. } if is_index => {
                    (ErrorKind::Index, "range object index out of range".to_owned())
                }
                HeapObject::Range { .. } => (ErrorKind::Type, self.wrong_index(&class, key)),
                HeapObject::Templates { .. } => return self.key_error(key),
                _ => (ErrorKind::Type, format!("'{class}' object is not subscriptable")),
            },
            Word::Items { .. } | Word::List(_) | Word::Tuple { .. } => {
                (ErrorKind::Type, self.wrong_index(&class, key))
            }
            Word::Global(Global::Lipsum) => {
                (ErrorKind::Type, "'function' object is not subscriptable".to_owned())
            }
            Word::Global(global) => {
                (ErrorKind::Type, format!("type '{}' is not subscriptable", global.class_name()))
            }
            Word::Foreign { slot, index } if !matches!(self.foreign(slot, index), Foreign::Function(_)) => {
                return self.key_error(key);
            }
            _ => (ErrorKind::Type, format!("'{class}' object is not subscriptable")),
        };
        Error::new(kind, message)
    }

    fn wrong_index(&self, class: &str, key: Word) -> String {
        format!("{class} indices must be integers or slices, not {}", self.type_name(key))
    }

    /// `dict[key]`: Python's alias of a class that says what is in it. Classes among the keys are shown by their names.
    pub(super) fn alias_of_dict(&mut self, key: Word) -> Result<Word> {
        let keys = match self.present(key) {
            Word::Tuple { slot, start, len } if len > 0 => {
                self.run(slot, start, len).iter().map(|word| word.stamped(slot)).collect()
            }
            key => vec![key],
        };
        let mut shown = "dict[".to_owned();
        for (index, key) in keys.into_iter().enumerate() {
            shown.push_str(if index > 0 { ", " } else { "" });
            match self.present(key) {
                Word::Global(Global::Lipsum) => shown.push_str("jinja2.utils.generate_lorem_ipsum"),
                Word::Global(global @ (Global::Dict | Global::Range)) => shown.push_str(global.class_name()),
                Word::Global(global) => {
                    shown.push_str("jinja2.utils.");
                    shown.push_str(global.class_name());
                }
                key => self.represent(&mut shown, key)?,
            }
        }
        shown.push(']');
        Ok(self.heap.object(HeapObject::Alias(shown)))
    }

    /// `object[start:stop:step]`
    pub(super) fn slice_of(&mut self, object: Word, parts: [Word; 3]) -> Result<Word> {
        if let Word::Undefined(_) | Word::Missing = object {
            let key = self.heap.object(HeapObject::Slice(parts));
            return self.undefined_item(object, key);
        }
        if let Word::Global(Global::Dict) = object {
            let key = self.heap.object(HeapObject::Slice(parts));
            return self.alias_of_dict(key);
        }
        let sliceable = match object {
            Word::Str(_) | Word::Items { .. } | Word::List(_) | Word::Tuple { .. } => true,
            Word::Object(index) => {
                matches!(self.heap.objects[index as usize], HeapObject::Range { .. } | HeapObject::Bytes(_))
            }
            _ => false,
        };
        if !sliceable {
            return Err(self.no_slice(object));
        }
        let mut bounds = [None; 3];
        for (bound, part) in bounds.iter_mut().zip(parts) {
            *bound = match part {
                Word::None | Word::Missing => None,
                other => Some(self.slice_bound(other)?),
            };
        }
        let [start, stop, step] = bounds;
        match object {
            Word::Str(text) => self.build_text(text.markup, |host, out| {
                slice_text(out, host.str(text), start, stop, step)?;
                Ok(())
            }),
            Word::Object(index) => match &self.heap.objects[index as usize] {
                &HeapObject::Range { start: first, stop: last, step: stride } => {
                    let found = slice_indices(range_len(first, last, stride), start, stop, step)?;
                    let at = |place: i64| first.saturating_add(stride.saturating_mul(place));
                    let range = HeapObject::Range {
                        start: at(found.start),
                        stop: at(found.stop),
                        step: stride.saturating_mul(found.step),
                    };
                    Ok(self.heap.object(range))
                }
                HeapObject::Bytes(bytes) => {
                    let found = slice_indices(bytes.len(), start, stop, step)?;
                    let picked = places(&found).map(|place| bytes[place]).collect();
                    self.new_bytes(picked)
                }
                _ => Err(self.no_slice(object)),
            },
            _ => {
                let items = self.items_of(object)?;
                let found = slice_indices(items.len(), start, stop, step)?;
                let picked: Vec<Word> = places(&found).map(|place| items[place]).collect();
                if matches!(object, Word::Tuple { .. }) {
                    return self.new_tuple(&picked);
                }
                Ok(self.heap.list(picked))
            }
        }
    }

    /// A bound of a slice, or of a search in a text.
    pub(super) fn slice_bound(&self, word: Word) -> Result<i64> {
        self.index_key(word).ok_or_else(|| {
            let message = "slice indices must be integers or None or have an __index__ method";
            Error::new(ErrorKind::Type, message)
        })
    }

    #[cold]
    fn no_slice(&mut self, object: Word) -> Error {
        match object {
            Word::Map { .. } | Word::Dict(_) => Error::new(ErrorKind::Type, "unhashable type: 'slice'"),
            Word::Object(index)
                if matches!(self.heap.objects[index as usize], HeapObject::Templates { .. }) =>
            {
                Error::new(ErrorKind::Type, "unhashable type: 'slice'")
            }
            _ => self.no_subscript(object, Word::None),
        }
    }
}

/// The places that a slice picks.
fn places(found: &crate::python::text::index::SliceIndices) -> impl Iterator<Item = usize> {
    let (start, step) = (found.start, found.step);
    (0..found.count as i64).map(move |n| (start + n * step) as usize)
}
