//! Attributes, items and slices, by Jinja2's rules: `a.b` looks for the attribute first, `a['b']` for the item.

use std::sync::Arc;

use haiden_bytecode::LoopField;
use haiden_bytecode::image::{CATCH_CALLER, CATCH_KWARGS, CATCH_VARARGS, EXPLICIT_CALLER};
use haiden_runtime::{BlockReference, Fault, Host, LoopState};

use crate::error::{Error, ErrorKind};
use crate::value::heap::{HeapObject, range_len};
use crate::value::host::subscript::range_item;
use crate::value::host::{Name, NativeHost};
use crate::value::object::{Foreign, guarded};
use crate::value::word::{Global, Word};

impl NativeHost {
    /// `object.name`
    #[inline]
    pub(super) fn attribute(&mut self, object: Word, name: &Name) -> Result<Word, Error> {
        if let Word::Map { slot, shape, start } = object
            && !name.is_dict_method()
            && self.moved_nothing()
        {
            return Ok(match self.map_get(slot, shape, start, name) {
                Some(word) => word,
                None => self.no_member(object, name.text().clone()),
            });
        }
        self.attribute_by_text(object, name.text())
    }

    #[inline]
    pub(super) fn moved_nothing(&self) -> bool {
        self.moved.is_empty()
    }

    /// `object.name`: the attribute, then the item, then undefined.
    pub(crate) fn attribute_by_text(&mut self, object: Word, name: &str) -> Result<Word, Error> {
        let object = self.present_settled(object)?;
        if let Some(word) = self.safe_member(object, name)? {
            return Ok(word);
        }
        let key = match object {
            Word::Map { .. } | Word::Dict(_) | Word::Foreign { .. } => self.new_text(name, false)?,
            Word::Undefined(_) | Word::Missing => {
                let key = self.new_text(name, false)?;
                return self.undefined_item(object, key);
            }
            Word::Object(index) if matches!(self.heap.objects[index as usize], HeapObject::Namespace(_)) => {
                return Ok(self.no_member(object, name));
            }
            _ => return Ok(self.no_member(object, name)),
        };
        match self.find_item(object, key)? {
            Some(word) => Ok(word),
            None => Ok(self.no_member(object, name)),
        }
    }

    /// The attribute itself: what Python's `getattr` finds.
    pub(crate) fn member(&mut self, object: Word, name: &str) -> Result<Option<Word>, Error> {
        let object = self.present(object);
        if name == "__class__" {
            return Ok(Some(self.class_of(object)));
        }
        match object {
            Word::Undefined(_) | Word::Missing => {
                if name.starts_with("__") {
                    return Ok(None);
                }
                self.undefined_attr(object, name).map(Some)
            }
            Word::Object(index) => self.object_member(object, index, name),
            Word::Foreign { slot, index } => match self.foreign(slot, index).clone() {
                Foreign::Object(user) => match guarded(&user, "get_attr", |user| user.get_attr(name))? {
                    Some(value) => self.import(&value).map(Some),
                    None if guarded(&user, "has_method", |user| user.has_method(name))? => {
                        Ok(Some(self.method_of(object, name)))
                    }
                    None => Ok(None),
                },
                Foreign::Function(_) | Foreign::Deferred(_) => Ok(None),
            },
            Word::Int(_) | Word::Bool(_) | Word::Big { .. } | Word::Float(_) => {
                Ok(self.number_member(object, name))
            }
            _ => match super::filters::group_member(self, object, name) {
                Some(place) => self.find_item(object, Word::Int(place as i64)),
                None => Ok(NativeHost::has_method(object, name).then(|| self.method_of(object, name))),
            },
        }
    }

    /// `value.__class__`
    #[cold]
    fn class_of(&mut self, object: Word) -> Word {
        let name = match object {
            Word::None => "NoneType".to_owned(),
            other => {
                let shown = self.object_name(other);
                shown.strip_suffix(" object").unwrap_or(&shown).to_owned()
            }
        };
        self.heap.object(HeapObject::Class(name))
    }

    fn number_member(&mut self, object: Word, name: &str) -> Option<Word> {
        match name {
            "real" => Some(if let Word::Bool(value) = object { Word::Int(i64::from(value)) } else { object }),
            "imag" => Some(if let Word::Float(_) = object { Word::Float(0.0) } else { Word::Int(0) }),
            "numerator" if !matches!(object, Word::Float(_)) => {
                Some(if let Word::Bool(value) = object { Word::Int(i64::from(value)) } else { object })
            }
            "denominator" if !matches!(object, Word::Float(_)) => Some(Word::Int(1)),
            _ => NativeHost::has_method(object, name).then(|| self.method_of(object, name)),
        }
    }

    pub(super) fn method_of(&mut self, receiver: Word, name: &str) -> Word {
        self.heap.object(HeapObject::Method { receiver, name: name.into() })
    }

    /// Has a value's type a method of this name?
    pub(super) fn has_method(object: Word, name: &str) -> bool {
        match object {
            Word::Str(text) => super::methods_str::is_method(name, text.markup),
            Word::Items { .. } | Word::List(_) => super::methods_list::is_list_method(name),
            Word::Tuple { .. } => matches!(name, "count" | "index"),
            Word::Map { .. } | Word::Dict(_) => super::methods_dict::is_method(name),
            Word::Int(_) | Word::Bool(_) | Word::Big { .. } => {
                matches!(name, "bit_length" | "conjugate" | "bit_count" | "as_integer_ratio" | "to_bytes")
            }
            Word::Global(Global::Dict) => name == "fromkeys" || super::methods_dict::is_unbound(name),
            Word::Float(_) => matches!(name, "is_integer" | "conjugate" | "hex" | "as_integer_ratio"),
            _ => false,
        }
    }

    fn object_member(&mut self, object: Word, index: u32, name: &str) -> Result<Option<Word>, Error> {
        Ok(match &self.heap.objects[index as usize] {
            HeapObject::Namespace(dict) => self.dict_text(*dict, name),
            HeapObject::Module { members, name: template, .. } => {
                match members.iter().find(|(known, _)| **known == *name) {
                    Some((_, word)) => Some(*word),
                    None if name == "__name__" => match template.clone() {
                        Some(template) => Some(self.new_text(&template, false)?),
                        None => Some(Word::None),
                    },
                    None => None,
                }
            }
            HeapObject::Templates { context, chain } => {
                let (context, chain) = (*context, chain.clone());
                chain.find(name).map(|block| {
                    self.heap.object(HeapObject::Block(BlockReference { context, chain, block, depth: 0 }))
                })
            }
            HeapObject::Block(block) if name == "super" => {
                let next = BlockReference { depth: block.depth + 1, ..block.clone() };
                let block_name = block.chain.name(block.block).unwrap_or_default().to_owned();
                Some(if next.chain.definition(next.block, next.depth).is_some() {
                    self.heap.object(HeapObject::Block(next))
                } else {
                    let hint =
                        format!("there is no parent block called {}.", super::undefined::quoted(&block_name));
                    self.heap.undefined(crate::value::heap::Reason::Hint(hint.into()))
                })
            }
            HeapObject::Macro(closure) => {
                let program = closure.program.clone();
                let function = closure.function;
                let flags = program.function(function).flags;
                match name {
                    "name" => match program.function_name(function) {
                        Some(name) => Some(self.new_text(name, false)?),
                        None => Some(Word::None),
                    },
                    "arguments" => {
                        let names: Vec<&str> = program.parameter_names(function).collect();
                        let names = names
                            .into_iter()
                            .map(|name| self.new_text(name, false))
                            .collect::<Result<Vec<_>, _>>()?;
                        Some(self.new_tuple(&names)?)
                    }
                    "catch_kwargs" => Some(Word::Bool(flags & CATCH_KWARGS != 0)),
                    "catch_varargs" => Some(Word::Bool(flags & CATCH_VARARGS != 0)),
                    "caller" => Some(Word::Bool(flags & CATCH_CALLER != 0)),
                    "explicit_caller" => Some(Word::Bool(flags & EXPLICIT_CALLER != 0)),
                    _ => None,
                }
            }
            HeapObject::Cycler { items, at } => match name {
                "current" => Some(items[*at]),
                "pos" => Some(Word::Int(*at as i64)),
                "items" => {
                    let items = items.clone();
                    Some(self.new_tuple(&items)?)
                }
                "next" | "reset" => Some(self.method_of(object, name)),
                _ => None,
            },
            HeapObject::Joiner { separator, used } => match name {
                "sep" => Some(*separator),
                "used" => Some(Word::Bool(*used)),
                _ => None,
            },
            HeapObject::Loop(_) => return self.loop_member(object, index, name),
            HeapObject::Range { start, stop, step } => match name {
                "start" => Some(Word::Int(*start)),
                "stop" => Some(Word::Int(*stop)),
                "step" => Some(Word::Int(*step)),
                "count" | "index" => Some(self.method_of(object, name)),
                _ => None,
            },
            HeapObject::Class(whole) => {
                let (module, class) = whole.rsplit_once('.').unwrap_or(("builtins", whole));
                let text = match name {
                    "__name__" | "__qualname__" => class.to_owned(),
                    "__module__" => module.to_owned(),
                    _ => return Ok(None),
                };
                Some(self.new_text(&text, false)?)
            }
            HeapObject::Bytes(_) if super::methods_bytes::is_method(name) => {
                Some(self.method_of(object, name))
            }
            HeapObject::Slice(parts) => match name {
                "start" => Some(parts[0]),
                "stop" => Some(parts[1]),
                "step" => Some(parts[2]),
                _ => None,
            },
            HeapObject::Context(context) => match name {
                "get" | "resolve" | "get_all" | "keys" | "values" | "items" => {
                    let _ = context;
                    Some(self.method_of(object, name))
                }
                _ => None,
            },
            _ => None,
        })
    }

    fn loop_member(&mut self, object: Word, index: u32, name: &str) -> Result<Option<Word>, Error> {
        let field = match name {
            "index" | "index0" | "first" | "last" => None,
            "revindex" => Some(LoopField::Revindex),
            "revindex0" => Some(LoopField::Revindex0),
            "length" => Some(LoopField::Length),
            "depth" => Some(LoopField::Depth),
            "depth0" => Some(LoopField::Depth0),
            "previtem" => Some(LoopField::Previtem),
            "nextitem" => Some(LoopField::Nextitem),
            "cycle" | "changed" => return Ok(Some(self.method_of(object, name))),
            _ => return Ok(None),
        };
        let read = |state: &mut LoopState<NativeHost>, host: &mut NativeHost| match (field, name) {
            (Some(field), _) => state.get(host, field),
            (None, "index") => Ok(Word::Int(state.index0() as i64 + 1)),
            (None, "index0") => Ok(Word::Int(state.index0() as i64)),
            (None, "first") => Ok(Word::Bool(state.index0() == 0)),
            (None, _) => state.is_last(host).map(Word::Bool),
        };
        self.loop_number(index, read).map(Some)
    }

    /// `object[key]`: the item, then for a text key the attribute, then undefined.
    pub(crate) fn item_of(&mut self, object: Word, key: Word) -> Result<Word, Error> {
        let object = self.present_settled(object)?;
        let key = if let Word::Foreign { .. } = key { self.settled(key)? } else { key };
        if let Word::Undefined(_) | Word::Missing = object {
            return self.undefined_item(object, key);
        }
        if let Some(parts) = self.slice_parts(key) {
            // Jinja2 leaves slices to Python: what has none is an error, not an undefined value.
            return self.slice_of(object, parts);
        }
        if let Some(word) = self.find_item(object, key)? {
            return Ok(word);
        }
        if let Word::Str(text) = key {
            let name = self.str(text).to_owned();
            if let Some(word) = self.safe_member(object, &name)? {
                return Ok(word);
            }
        }
        self.no_item(object, key)
    }

    /// The item itself: what Python's `[]` finds.
    pub(crate) fn find_item(&mut self, object: Word, key: Word) -> Result<Option<Word>, Error> {
        Ok(match object {
            Word::Map { .. } | Word::Dict(_) => match self.dict_find(object, key) {
                Ok(found) => found,
                // An unhashable key finds nothing.
                Err(error) if error.kind() == ErrorKind::Type => None,
                Err(error) => return Err(error),
            },
            Word::Items { slot, start, len } | Word::Tuple { slot, start, len } => {
                let place = self.place_of(key, len as usize);
                place.map(|place| self.run(slot, start, len)[place].stamped(slot))
            }
            Word::List(list) => {
                let place = self.place_of(key, self.heap.lists[list as usize].len());
                place.map(|place| self.heap.lists[list as usize][place])
            }
            Word::Str(text) => {
                let Some(index) = self.index_key(key) else { return Ok(None) };
                self.char_of(text, index)
            }
            Word::Object(index) => match &self.heap.objects[index as usize] {
                HeapObject::Range { start, stop, step } => {
                    let (start, stop, step) = (*start, *stop, *step);
                    let place = self.place_of(key, range_len(start, stop, step));
                    place.map(|place| range_item(start, step, place))
                }
                HeapObject::Bytes(bytes) => {
                    self.place_of(key, bytes.len()).map(|place| Word::Int(bytes[place].into()))
                }
                HeapObject::Templates { chain, context } => {
                    let (chain, context) = (chain.clone(), *context);
                    let Word::Str(name) = key else { return Ok(None) };
                    let found = chain.find(self.str(name));
                    found.map(|block| {
                        let reference = BlockReference { context, chain, block, depth: 0 };
                        self.heap.object(HeapObject::Block(reference))
                    })
                }
                _ => None,
            },
            Word::Foreign { slot, index } => match self.foreign(slot, index).clone() {
                Foreign::Object(object) => {
                    let key = self.value(key)?;
                    match guarded(&object, "get_item", |object| object.get_item(&key))? {
                        Some(value) => Some(self.import(&value)?),
                        None => None,
                    }
                }
                Foreign::Function(_) | Foreign::Deferred(_) => None,
            },
            Word::Global(Global::Dict) => Some(self.alias_of_dict(key)?),
            _ => None,
        })
    }

    /// `namespace.name = value`
    pub(super) fn set_member(&mut self, object: Word, name: &Name, value: Word) -> Result<(), Error> {
        let dict = match object {
            Word::Object(index) => match self.heap.objects[index as usize] {
                HeapObject::Namespace(dict) => Some(dict),
                _ => None,
            },
            _ => None,
        };
        let Some(dict) = dict else { return self.set_item_of(object, name.text(), value) };
        // The key is text that the program owns; the dict wants its own.
        if let Some(place) = self.dict_place(dict, name.text()) {
            self.heap.dicts[dict as usize].values[place] = value;
            return Ok(());
        }
        let key = self.new_text(name.text(), false)?;
        self.dict_set(Word::Dict(dict), key, value)
    }

    /// `object['name'] = value`: what `{% set object.name %}…{% endset %}` means for what is no namespace.
    #[cold]
    fn set_item_of(&mut self, object: Word, name: &str, value: Word) -> Result<(), Error> {
        // Jinja2 has no rule for this; templates that may change nothing must not change this way either.
        if self.is_immutable() {
            return Err(self.fault(Fault::NotANamespace));
        }
        let object = self.settled(object)?;
        match self.present(object) {
            Word::Map { .. } | Word::Dict(_) => {
                let dict = self.make_mutable(object);
                let key = self.new_text(name, false)?;
                self.dict_set(dict, key, value)
            }
            Word::Items { .. } | Word::List(_) => {
                Err(Error::new(ErrorKind::Type, "list indices must be integers or slices, not str"))
            }
            other => {
                let class = self.type_name(other);
                let message = format!("'{class}' object does not support item assignment");
                Err(Error::new(ErrorKind::Type, message))
            }
        }
    }

    /// A global function, by what it makes.
    pub(super) fn call_global(
        &mut self,
        global: Global,
        positional: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word, Error> {
        let all: Vec<Word>;
        let values = if keywords.is_empty() {
            positional
        } else {
            all = positional.iter().copied().chain(keywords.iter().map(|(_, word)| *word)).collect();
            &all
        };
        match global {
            Global::Range => self.make_range(positional, keywords),
            Global::Dict | Global::Namespace => {
                let name = if global == Global::Dict { "dict" } else { "Namespace" };
                let dict = self.make_dict(name, positional, keywords)?;
                let Word::Dict(index) = dict else { return Ok(dict) };
                Ok(if global == Global::Dict { dict } else { self.heap.object(HeapObject::Namespace(index)) })
            }
            Global::Lipsum => {
                let keywords: Vec<haiden_runtime::Keyword<NativeHost>> = keywords
                    .iter()
                    .map(|(name, _)| haiden_runtime::Keyword {
                        text: (&**name).into(),
                        name: Name::new(name),
                    })
                    .collect();
                let shape = haiden_runtime::Shape {
                    positional: positional.len(),
                    keywords: keywords.into_boxed_slice(),
                    star: false,
                    star_star: false,
                };
                haiden_runtime::builtins::lipsum(self, haiden_runtime::Arguments { values, shape: &shape })
            }
            Global::Cycler => {
                if let Some((keyword, _)) = keywords.first() {
                    let message = format!("Cycler.__init__() got an unexpected keyword argument '{keyword}'");
                    return Err(Error::new(ErrorKind::Type, message));
                }
                if positional.is_empty() {
                    return Err(Error::new(ErrorKind::PythonRuntime, "at least one item has to be provided"));
                }
                Ok(self.heap.object(HeapObject::Cycler { items: positional.to_vec(), at: 0 }))
            }
            Global::Joiner => {
                if positional.len() > 1 {
                    let message = format!(
                        "Joiner.__init__() takes from 1 to 2 positional arguments but {} were given",
                        positional.len() + 1
                    );
                    return Err(Error::new(ErrorKind::Type, message));
                }
                if let Some((keyword, _)) = keywords.iter().find(|(name, _)| &**name != "sep") {
                    let message = format!("Joiner.__init__() got an unexpected keyword argument '{keyword}'");
                    return Err(Error::new(ErrorKind::Type, message));
                }
                let given = positional
                    .first()
                    .copied()
                    .or_else(|| keywords.iter().find(|(name, _)| &**name == "sep").map(|(_, word)| *word));
                let separator = match given {
                    Some(separator) => separator,
                    None => self.new_text(", ", false)?,
                };
                Ok(self.heap.object(HeapObject::Joiner { separator, used: false }))
            }
        }
    }

    fn make_range(&mut self, positional: &[Word], keywords: &[(Arc<str>, Word)]) -> Result<Word, Error> {
        if !keywords.is_empty() {
            return Err(Error::new(ErrorKind::Type, "range() takes no keyword arguments"));
        }
        let mut numbers = Vec::new();
        for &word in positional {
            if let Word::Big { .. } = word {
                let message = "a range of integers beyond 64 bits is not supported";
                return Err(Error::new(ErrorKind::Overflow, message));
            }
            numbers.push(self.whole(word)?);
        }
        let (start, stop, step) = match numbers[..] {
            [stop] => (0, stop, 1),
            [start, stop] => (start, stop, 1),
            [start, stop, step] => (start, stop, step),
            [] => return Err(Error::new(ErrorKind::Type, "range expected at least 1 argument, got 0")),
            _ => {
                let message = format!("range expected at most 3 arguments, got {}", numbers.len());
                return Err(Error::new(ErrorKind::Type, message));
            }
        };
        if step == 0 {
            return Err(Error::new(ErrorKind::Value, "range() arg 3 must not be zero"));
        }
        self.refuse_long_range(range_len(start, stop, step))?;
        Ok(self.heap.object(HeapObject::Range { start, stop, step }))
    }
}
