//! What the builtin filters and tests ask of the native host.

use haiden_runtime::builtins::text::{self, Rules};
use haiden_runtime::builtins::{
    BuiltinFilter, BuiltinHost, ErrorClass, RoundMethod, TextOp, ValueKind, find_filter, find_test,
};

use crate::error::{Error, ErrorKind};
use crate::python::characters::Unicode14;
use crate::python::filters;
use crate::python::number::{Int, Number};
use crate::value::function::BoxedFunction;
use crate::value::heap::{HeapObject, ViewOf};
use crate::value::host::link::NativeTest;
use crate::value::host::{Name, NativeHost};
use crate::value::object::{Foreign, Object, guarded};
use crate::value::word::{Str, Word};

/// A filter as it is linked.
#[derive(Clone)]
pub enum NativeFilter {
    /// One of Jinja2's.
    Builtin(BuiltinFilter<NativeHost>),
    /// One of the user's.
    User(BoxedFunction),
}

type Result<T> = std::result::Result<T, Error>;

/// How large an integer may become, in bits.
const MAX_BITS: u64 = 1 << 24;

impl NativeHost {
    fn plain_text(&mut self, word: Word) -> Result<String> {
        let mut out = String::new();
        self.show(&mut out, word)?;
        Ok(out)
    }
}

impl BuiltinHost for NativeHost {
    fn kind(&self, value: &Word) -> ValueKind {
        match *value {
            Word::Missing | Word::Undefined(_) => ValueKind::Undefined,
            Word::None => ValueKind::None,
            Word::Bool(_) => ValueKind::Bool,
            Word::Int(_) | Word::Big { .. } => ValueKind::Int,
            Word::Float(_) => ValueKind::Float,
            Word::Str(_) => ValueKind::Text,
            Word::Map { .. } | Word::Dict(_) => ValueKind::Mapping,
            _ => ValueKind::Other,
        }
    }
    fn text<'a>(&'a self, value: &'a Word) -> Option<&'a str> {
        match value {
            Word::Str(text) => Some(self.str(*text)),
            _ => None,
        }
    }
    fn is_markup(&self, value: &Word) -> bool {
        matches!(value, Word::Str(Str { markup: true, .. }))
    }
    fn has_html(&mut self, value: &Word) -> bool {
        self.has_markup(*value).unwrap_or(false)
    }
    fn is_sequence(&mut self, value: &Word) -> Result<bool> {
        Ok(match self.present(*value) {
            Word::Str(_)
            | Word::Items { .. }
            | Word::List(_)
            | Word::Tuple { .. }
            | Word::Map { .. }
            | Word::Dict(_) => true,
            word @ (Word::Undefined(_) | Word::Missing) => self.undefined_length(word).is_ok(),
            Word::Object(index) => {
                matches!(self.heap.objects[index as usize], HeapObject::Range { .. } | HeapObject::Bytes(_))
            }
            Word::Foreign { slot, index } => match self.foreign(slot, index) {
                Foreign::Object(object) => guarded(object, "length", Object::length)?.is_some(),
                Foreign::Function(_) | Foreign::Deferred(_) => false,
            },
            _ => false,
        })
    }
    fn is_iterable(&mut self, value: &Word) -> Result<bool> {
        if let Word::Object(index) = *value
            && matches!(self.heap.objects[index as usize], HeapObject::Loop(_))
        {
            // To ask must not take its items.
            return Ok(true);
        }
        match self.start_iteration(*value) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Type => Ok(false),
            Err(error) => Err(error),
        }
    }
    fn is_callable(&self, value: &Word) -> bool {
        match *value {
            Word::Undefined(_) | Word::Missing | Word::Global(_) => true,
            Word::Foreign { slot, index } => match self.foreign(slot, index) {
                Foreign::Function(_) => true,
                Foreign::Deferred(_) => false,
                Foreign::Object(object) => {
                    guarded(object, "is_callable", Object::is_callable).unwrap_or_default()
                }
            },
            Word::Object(index) => matches!(
                self.heap.objects[index as usize],
                HeapObject::Macro(_)
                    | HeapObject::Block(_)
                    | HeapObject::Loop(_)
                    | HeapObject::Method { .. }
                    | HeapObject::Joiner { .. }
                    | HeapObject::Alias(_)
            ),
            _ => false,
        }
    }
    fn is_identical(&self, left: &Word, right: &Word) -> bool {
        match (self.present(*left), self.present(*right)) {
            (Word::None, Word::None) => true,
            (Word::Bool(left), Word::Bool(right)) => left == right,
            // Numbers have no identity here: what cannot be told apart counts as one object.
            (Word::Int(left), Word::Int(right)) => left == right,
            (Word::Float(left), Word::Float(right)) => left.to_bits() == right.to_bits(),
            (Word::Big { slot, index }, Word::Big { slot: other, index: place }) => {
                (slot, index) == (other, place)
            }
            (Word::Str(left), Word::Str(right)) => {
                // CPython has one object for no text, and one for each character of Latin-1; not so of markup.
                left == right
                    || !left.markup
                        && !right.markup
                        && self.str(left) == self.str(right)
                        && self.str(left).chars().next().is_none_or(|first| {
                            first.len_utf8() == left.len as usize && u32::from(first) < 256
                        })
            }
            (Word::Items { slot, start, len }, Word::Items { slot: other, start: place, len: length }) => {
                (slot, start, len) == (other, place, length)
            }
            (Word::Tuple { slot, start, len }, Word::Tuple { slot: other, start: place, len: length }) => {
                len == 0 && length == 0 || (slot, start, len) == (other, place, length)
            }
            (Word::Map { slot, start, .. }, Word::Map { slot: other, start: place, .. }) => {
                (slot, start) == (other, place)
            }
            // CPython has one object for no bytes, and one for each byte.
            (left @ Word::Object(_), right @ Word::Object(_))
                if self.bytes(left).is_some_and(|bytes| bytes.len() <= 1) =>
            {
                self.bytes(left) == self.bytes(right)
            }
            (Word::List(left), Word::List(right)) | (Word::Dict(left), Word::Dict(right)) => left == right,
            (Word::Object(left), Word::Object(right)) | (Word::Undefined(left), Word::Undefined(right)) => {
                left == right
            }
            (Word::Global(left), Word::Global(right)) => left == right,
            (Word::Foreign { slot, index }, Word::Foreign { slot: other, index: place }) => {
                self.foreign(slot, index).is(self.foreign(other, place))
            }
            _ => false,
        }
    }
    fn type_name(&self, value: &Word) -> String {
        NativeHost::type_name(self, *value).to_owned()
    }
    fn repr(&mut self, value: &Word) -> Result<String> {
        let mut out = String::new();
        self.represent(&mut out, *value)?;
        Ok(out)
    }
    fn undefined_message(&mut self, value: &Word) -> String {
        match value {
            Word::Undefined(index) => NativeHost::undefined_message(self, *index),
            _ => "a variable is not set".to_owned(),
        }
    }

    fn new_text(&mut self, text: &str, markup: bool) -> Result<Word> {
        NativeHost::new_text(self, text, markup)
    }
    fn plain_str(&mut self, value: &Word) -> Result<Word> {
        match *value {
            Word::Str(text) => Ok(Word::Str(Str { markup: false, ..text })),
            word => self.build_text(false, |host, out| host.show(out, word)),
        }
    }
    fn soft_str(&mut self, value: &Word) -> Result<Word> {
        match *value {
            word @ Word::Str(_) => Ok(word),
            word => self.build_text(false, |host, out| host.show(out, word)),
        }
    }
    fn escape(&mut self, value: &Word) -> Result<Word> {
        match *value {
            word @ Word::Str(Str { markup: true, .. }) => Ok(word),
            word => self.build_text(true, |host, out| host.show_escaped(out, word)),
        }
    }
    fn html(&mut self, value: &Word) -> Result<Word> {
        match self.html_of(*value)? {
            Some(html) => NativeHost::new_text(self, &html, true),
            None => Ok(*value),
        }
    }
    fn push_text(&mut self, into: &mut String, value: &Word, escape: bool) -> Result<()> {
        if escape {
            self.show_escaped(into, *value)?;
        } else {
            self.show(into, *value)?;
        }
        if into.len() > self.limits.size { Err(self.too_many()) } else { Ok(()) }
    }
    fn byte_string(&self, value: &Word) -> Option<&[u8]> {
        self.bytes(*value)
    }
    fn text_filter(&mut self, op: TextOp<'_>, value: &Word) -> Result<String> {
        let whole = match value {
            Word::Str(text) => self.str(*text),
            _ => "",
        };
        let rel = self.urlize_rel();
        let rules = Rules { urlize_rel: rel.as_deref(), limit: self.limits.size };
        Ok(text::apply(op, whole, &Unicode14, rules)?)
    }
    fn wordcount(&mut self, text: &Word) -> Result<usize> {
        Ok(match text {
            Word::Str(text) => text::wordcount(self.str(*text), &Unicode14),
            _ => 0,
        })
    }

    fn is_type_error(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::Type
    }
    fn to_index(&mut self, value: &Word) -> Result<i64> {
        self.whole(*value)
    }
    fn absolute(&mut self, value: &Word) -> Result<Word> {
        let Some(number) = self.number(*value) else {
            let name = NativeHost::type_name(self, *value);
            return Err(Error::new(ErrorKind::Type, format!("bad operand type for abs(): '{name}'")));
        };
        Ok(self.new_number(number.abs()))
    }
    fn newline_sequence(&self) -> &'static str {
        self.templates().newline_sequence()
    }
    fn number_int(&mut self, value: &Word, base: Option<i64>) -> Result<Option<Word>> {
        let digits = self.digits(*value)?;
        // The base is for text only.
        let base = if digits.is_some() { Some(10) } else { base };
        match digits.unwrap_or(*value) {
            Word::Undefined(_) | Word::Missing => Err(self.undefined_error(*value)),
            Word::Str(text) => {
                let found = match base {
                    Some(base) => filters::number::int_of_text(self.str(text), base),
                    None => match crate::python::number::parse::parse_float(self.str(text)) {
                        Ok(value) => filters::number::int_of_float(value)?,
                        Err(_) => None,
                    },
                };
                Ok(found.map(|int| self.new_number(Number::Int(int))))
            }
            Word::Float(value) => {
                let found = filters::number::int_of_float(value)?;
                Ok(found.map(|int| self.new_number(Number::Int(int))))
            }
            word => Ok(self.number(word).map(|number| self.new_number(number))),
        }
    }
    fn number_float(&mut self, value: &Word) -> Result<Option<Word>> {
        match self.digits(*value)?.unwrap_or(*value) {
            Word::Undefined(_) | Word::Missing => Err(self.undefined_error(*value)),
            Word::Str(text) => {
                Ok(crate::python::number::parse::parse_float(self.str(text)).ok().map(Word::Float))
            }
            word => match self.number(word) {
                Some(number) => Ok(Some(Word::Float(number.to_f64()?))),
                None => Ok(None),
            },
        }
    }
    fn new_float(&mut self, value: f64) -> Result<Word> {
        Ok(Word::Float(value))
    }
    fn round(&mut self, value: &Word, precision: Option<i64>, method: RoundMethod) -> Result<Word> {
        let Some(number) = self.number(*value) else {
            if !matches!(method, RoundMethod::Common) {
                self.refuse_undefined(*value)?;
            }
            let name = NativeHost::type_name(self, *value);
            let message = match method {
                RoundMethod::Common => format!("type {name} doesn't define __round__ method"),
                _ => format!("can't multiply sequence by non-int of type '{name}'"),
            };
            return Err(Error::new(ErrorKind::Type, message));
        };
        let method = match method {
            RoundMethod::Common => filters::number::Method::Common,
            RoundMethod::Ceil => filters::number::Method::Ceil,
            RoundMethod::Floor => filters::number::Method::Floor,
        };
        let rounded = filters::number::round(&number, precision.unwrap_or(0), method, MAX_BITS)?;
        Ok(match (precision, rounded) {
            // Without digits, Python's `round` gives an integer.
            (None, Number::Float(value)) => self.new_number(Number::Int(Int::from_f64(value)?)),
            (_, rounded) => self.new_number(rounded),
        })
    }
    fn real(&mut self, value: &Word) -> Result<f64> {
        let Some(Word::Float(real)) = self.number_float(value)? else {
            if !matches!(value, Word::Str(_)) && self.bytes(*value).is_none() {
                let name = NativeHost::type_name(self, *value);
                let message = format!("float() argument must be a string or a real number, not '{name}'");
                return Err(Error::new(ErrorKind::Type, message));
            }
            let shown = self.repr(value)?;
            return Err(Error::new(ErrorKind::Value, format!("could not convert string to float: {shown}")));
        };
        Ok(real)
    }
    fn random_below(&mut self, below: usize) -> usize {
        // splitmix64 (Steele, Lea, Flood 2014), seeded once per render.
        if self.random == 0 {
            use std::hash::BuildHasher;
            self.random = std::hash::RandomState::new().hash_one(below) | 1;
        }
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % below.max(1) as u64) as usize
    }

    fn length(&mut self, value: &Word) -> Result<usize> {
        self.length_of(*value)
    }
    fn collect(&mut self, value: &Word) -> Result<Vec<Word>> {
        self.items_of(*value)
    }
    fn items(&mut self, value: &Word) -> Result<Option<Vec<(Word, Word)>>> {
        Ok(match self.present(*value) {
            word @ (Word::Map { .. } | Word::Dict(_)) => {
                let (keys, values) = self.entries(word);
                Some(keys.into_iter().zip(values).collect())
            }
            _ => None,
        })
    }
    fn reversed(&mut self, value: &Word) -> Result<Option<Word>> {
        let reversible = match self.present(*value) {
            Word::Str(_)
            | Word::Items { .. }
            | Word::List(_)
            | Word::Tuple { .. }
            | Word::Map { .. }
            | Word::Dict(_)
            | Word::Undefined(_)
            | Word::Missing => true,
            Word::Object(index) => {
                matches!(
                    self.heap.objects[index as usize],
                    HeapObject::Range { .. } | HeapObject::View { .. } | HeapObject::Bytes(_)
                )
            }
            Word::Foreign { slot, index } => match self.foreign(slot, index) {
                Foreign::Object(object) => guarded(object, "length", Object::length)?.is_some(),
                Foreign::Function(_) | Foreign::Deferred(_) => false,
            },
            _ => false,
        };
        if !reversible {
            return Ok(None);
        }
        let name = match self.present(*value) {
            Word::Items { .. } | Word::List(_) => "list_reverseiterator",
            Word::Map { .. } | Word::Dict(_) => "dict_reversekeyiterator",
            Word::Object(index) => match &self.heap.objects[index as usize] {
                HeapObject::View { of: ViewOf::Values, .. } => "dict_reversevalueiterator",
                HeapObject::View { of: ViewOf::Items, .. } => "dict_reverseitemiterator",
                HeapObject::View { .. } => "dict_reversekeyiterator",
                HeapObject::Bytes(_) => "reversed",
                _ => "range_iterator",
            },
            _ => "reversed",
        };
        let items = match self.present(*value) {
            word @ (Word::Undefined(_) | Word::Missing) => self.undefined_reversed(word)?,
            word => {
                let mut items = self.items_of(word)?;
                items.reverse();
                items
            }
        };
        Ok(Some(self.heap.object(HeapObject::Generator { name, items, at: 0, error: None })))
    }
    fn unique(&mut self, keys: &[Word]) -> Result<Vec<usize>> {
        let dict = self.dict_of(Vec::new(), Vec::new());
        let mut places = Vec::new();
        for (place, &key) in keys.iter().enumerate() {
            if self.dict_find(dict, key)?.is_none() {
                self.dict_set(dict, key, Word::None)?;
                places.push(place);
            }
        }
        Ok(places)
    }
    fn group(&mut self, grouper: Word, items: Vec<Word>) -> Result<Word> {
        let list = self.heap.list(items);
        let tuple = self.new_tuple(&[grouper, list])?;
        if let Word::Tuple { start, .. } = tuple {
            self.groups.insert(start);
        }
        Ok(tuple)
    }
    fn generator(&mut self, name: &'static str, items: Vec<Word>) -> Result<Word> {
        Ok(self.heap.object(HeapObject::Generator { name, items, at: 0, error: None }))
    }
    fn generator_until(&mut self, name: &'static str, items: Vec<Word>, error: Error) -> Result<Word> {
        if items.is_empty() || error.is_suspension() || super::lazy::is_limit(&error) {
            return Err(error);
        }
        Ok(self.heap.object(HeapObject::Generator { name, items, at: 0, error: Some(error) }))
    }
    fn reserve(&mut self, count: usize) -> Result<()> {
        if count > self.limits.size { Err(self.too_many()) } else { Ok(()) }
    }

    fn method(&mut self, _: &u32, receiver: &Word, name: &'static str, arguments: &[Word]) -> Result<Word> {
        if let (Word::Str(text), []) = (*receiver, arguments)
            && let Some(method) = NativeHost::text_method(name)
        {
            return self.simple(text, method);
        }
        if let Word::Undefined(_) | Word::Missing = receiver {
            let method = self.undefined_attr(*receiver, name)?;
            return self.call_expanded(method, arguments, &[]);
        }
        if let (Word::Object(index), "items") = (*receiver, name)
            && let HeapObject::Cycler { .. } = &self.heap.objects[index as usize]
        {
            return Err(Error::new(ErrorKind::Type, "'tuple' object is not callable"));
        }
        if !NativeHost::has_method(self.present(*receiver), name) {
            return Err(self.no_attribute(*receiver, name));
        }
        self.call_member(*receiver, name, arguments, &[])
    }
    fn attribute(&mut self, value: &Word, name: &Word) -> Result<Word> {
        let name = self.plain_text(*name)?;
        match self.safe_member(*value, &name)? {
            Some(word) => Ok(word),
            None => Ok(self.no_member(*value, name)),
        }
    }
    fn format_percent(
        &mut self,
        template: &Word,
        arguments: &[Word],
        keywords: &[(String, Word)],
    ) -> Result<Word> {
        let Word::Str(template) = *template else { return Ok(*template) };
        let right = if keywords.is_empty() {
            self.new_tuple(arguments)?
        } else {
            let dict = self.dict_of(Vec::new(), Vec::new());
            for (name, value) in keywords {
                let key = NativeHost::new_text(self, name, false)?;
                self.dict_set(dict, key, *value)?;
            }
            dict
        };
        self.percent(template, right)
    }
    fn to_json(&mut self, value: &Word, indent: Option<&str>) -> Result<String> {
        self.dump_json(*value, indent)
    }
    fn truncate_leeway(&self) -> i64 {
        self.templates().policies().truncate_leeway
    }
    fn urlize_rel(&self) -> Option<String> {
        self.templates().policies().urlize_rel.clone()
    }
    fn urlize_target(&self) -> Option<String> {
        self.templates().policies().urlize_target.clone()
    }
    fn urlize_extra_schemes(&self) -> Vec<String> {
        self.templates().policies().urlize_extra_schemes.clone()
    }

    fn link_name(&mut self, name: &str) -> Name {
        Name::new(name)
    }
    fn named_filter(&mut self, name: &str) -> Option<NativeFilter> {
        match self.templates().user_filter(name) {
            Some(function) => Some(NativeFilter::User(function)),
            None => find_filter::<NativeHost>(name).map(NativeFilter::Builtin),
        }
    }
    fn named_test(&mut self, name: &str) -> Option<NativeTest> {
        match self.templates().user_test(name) {
            Some(function) => Some(NativeTest::User(function)),
            None => find_test::<NativeHost>(name).map(NativeTest::Builtin),
        }
    }
    fn error(&mut self, class: ErrorClass, message: String) -> Error {
        Error::new(kind_of(class), message)
    }
}

/// The kind of error that a class of exceptions is.
fn kind_of(class: ErrorClass) -> ErrorKind {
    match class {
        ErrorClass::FilterArgument => ErrorKind::FilterArgument,
        ErrorClass::TemplateRuntime => ErrorKind::Runtime,
        ErrorClass::Type => ErrorKind::Type,
        ErrorClass::Value => ErrorKind::Value,
        ErrorClass::Assertion => ErrorKind::PythonAssertion,
        ErrorClass::Attribute => ErrorKind::Attribute,
        ErrorClass::Index => ErrorKind::Index,
        ErrorClass::Overflow => ErrorKind::Overflow,
        ErrorClass::ZeroDivision => ErrorKind::ZeroDivision,
    }
}

impl From<text::TextError> for Error {
    fn from(error: text::TextError) -> Error {
        Error::new(kind_of(error.class), error.message)
    }
}

/// The name that a group's tuple gives its parts, if it is one.
pub(super) fn group_member(host: &NativeHost, object: Word, name: &str) -> Option<usize> {
    let Word::Tuple { slot: crate::value::word::HEAP, start, len: 2 } = object else { return None };
    let place = match name {
        "grouper" => 0,
        "list" => 1,
        _ => return None,
    };
    host.groups.contains(&start).then_some(place)
}
