//! The toy's values: how they read, compare and add up. Python's rules, where the toy has them at all.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use haiden_runtime::{BlockReference, Chain, Closure, LoopState};

use crate::toy::{ToyContext, ToyError, ToyFunction, ToyHost};

/// The entries of a dict, in insertion order.
pub(crate) type Entries = Vec<(Toy, Toy)>;

/// Named values.
pub(crate) type Members = Vec<(Rc<str>, Toy)>;

/// A value of the toy.
#[derive(Clone)]
pub enum Toy {
    /// A variable that is not set.
    Missing,
    /// An undefined value and its message.
    Undefined(Rc<str>),
    /// `None`.
    None,
    /// A boolean.
    Bool(bool),
    /// A small integer.
    Int(i64),
    /// Text; `true`: markup.
    Str(Rc<str>, bool),
    /// A list.
    List(Rc<RefCell<Vec<Toy>>>),
    /// A tuple.
    Tuple(Rc<[Toy]>),
    /// A dict in insertion order.
    Dict(Rc<RefCell<Entries>>),
    /// A namespace.
    Namespace(Rc<RefCell<Members>>),
    /// A function of the toy: `range`, `namespace`, or a bound method.
    Function(&'static str, Option<Rc<Toy>>),
    /// A macro.
    Macro(Rc<Closure<ToyHost>>),
    /// A block.
    Block(Rc<BlockReference<ToyHost>>),
    /// `self`.
    Templates(ToyContext, Arc<Chain<ToyHost>>),
    /// A loop.
    Loop(Rc<RefCell<Option<Box<LoopState<ToyHost>>>>>),
    /// A module: its template, exports and text.
    Module(Rc<(Option<String>, Members, Toy)>),
    /// Something that the toy does not have.
    Unsupported(&'static str),
}

impl Toy {
    /// Plain text.
    pub fn text(text: &str) -> Toy {
        Toy::Str(text.into(), false)
    }
    /// A list.
    pub fn list(items: Vec<Toy>) -> Toy {
        Toy::List(Rc::new(RefCell::new(items)))
    }
    /// A dict of keys and values in turn.
    pub fn dict(pairs: &[Toy]) -> Toy {
        let dict = Toy::Dict(Rc::default());
        dict.extend_dict(pairs);
        dict
    }

    pub(crate) fn extend_dict(&self, pairs: &[Toy]) {
        let Toy::Dict(entries) = self else { return };
        let mut entries = entries.borrow_mut();
        for pair in pairs.chunks_exact(2) {
            match entries.iter_mut().find(|(key, _)| key.equals(&pair[0])) {
                Some((_, value)) => *value = pair[1].clone(),
                None => entries.push((pair[0].clone(), pair[1].clone())),
            }
        }
    }

    pub(crate) fn truth(&self) -> Result<bool, ToyError> {
        Ok(match self {
            Toy::Missing | Toy::Undefined(_) | Toy::None => false,
            Toy::Bool(value) => *value,
            Toy::Int(value) => *value != 0,
            Toy::Str(text, _) => !text.is_empty(),
            Toy::List(items) => !items.borrow().is_empty(),
            Toy::Tuple(items) => !items.is_empty(),
            Toy::Dict(entries) => !entries.borrow().is_empty(),
            Toy::Unsupported(what) => return Err(ToyError::Unsupported(what)),
            _ => true,
        })
    }

    /// The items; `None` if there are none to iterate over.
    pub(crate) fn items(&self) -> Option<Vec<Toy>> {
        Some(match self {
            Toy::Missing | Toy::Undefined(_) => Vec::new(),
            Toy::List(items) => items.borrow().clone(),
            Toy::Tuple(items) => items.to_vec(),
            Toy::Dict(entries) => entries.borrow().iter().map(|(key, _)| key.clone()).collect(),
            Toy::Str(text, _) => text.chars().map(|c| Toy::text(c.encode_utf8(&mut [0; 4]))).collect(),
            _ => return None,
        })
    }

    /// `str(value)`.
    pub(crate) fn show(&self, out: &mut String) -> Result<(), ToyError> {
        match self {
            Toy::Missing | Toy::Undefined(_) => {}
            Toy::Str(text, _) => out.push_str(text),
            other => other.represent(out)?,
        }
        Ok(())
    }

    /// `repr(value)`, for the text that needs no escapes.
    fn represent(&self, out: &mut String) -> Result<(), ToyError> {
        match self {
            Toy::None => out.push_str("None"),
            Toy::Bool(true) => out.push_str("True"),
            Toy::Bool(false) => out.push_str("False"),
            Toy::Int(value) => out.push_str(&value.to_string()),
            Toy::Str(text, false)
                if text.chars().all(|c| (' '..='~').contains(&c) && c != '\'' && c != '\\') =>
            {
                out.push('\'');
                out.push_str(text);
                out.push('\'');
            }
            Toy::Undefined(_) => out.push_str("Undefined"),
            Toy::List(items) => sequence(out, "[", &items.borrow(), "]")?,
            Toy::Tuple(items) if items.len() == 1 => sequence(out, "(", items, ",)")?,
            Toy::Tuple(items) => sequence(out, "(", items, ")")?,
            Toy::Dict(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.borrow().iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    key.represent(out)?;
                    out.push_str(": ");
                    value.represent(out)?;
                }
                out.push('}');
            }
            _ => return Err(ToyError::Unsupported("the text of this value")),
        }
        Ok(())
    }

    pub(crate) fn is_markup(&self) -> bool {
        matches!(self, Toy::Str(_, true) | Toy::Module(_))
    }

    pub(crate) fn equals(&self, other: &Toy) -> bool {
        match (self, other) {
            (Toy::None, Toy::None) | (Toy::Undefined(_) | Toy::Missing, Toy::Undefined(_) | Toy::Missing) => {
                true
            }
            (Toy::Str(left, _), Toy::Str(right, _)) => left == right,
            (Toy::List(left), Toy::List(right)) => all_equal(&left.borrow(), &right.borrow()),
            (Toy::Tuple(left), Toy::Tuple(right)) => all_equal(left, right),
            (Toy::Dict(left), Toy::Dict(right)) => {
                let (left, right) = (left.borrow(), right.borrow());
                let has =
                    |key: &Toy, value: &Toy| right.iter().any(|(k, v)| k.equals(key) && v.equals(value));
                left.len() == right.len() && left.iter().all(|(key, value)| has(key, value))
            }
            _ => matches!((self.number(), other.number()), (Some(left), Some(right)) if left == right),
        }
    }

    /// The integer, also of a boolean.
    pub(crate) fn number(&self) -> Option<i64> {
        match self {
            Toy::Int(value) => Some(*value),
            Toy::Bool(value) => Some(i64::from(*value)),
            _ => None,
        }
    }
}

pub(crate) fn all_equal(left: &[Toy], right: &[Toy]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.equals(right))
}

fn sequence(out: &mut String, open: &str, items: &[Toy], close: &str) -> Result<(), ToyError> {
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { ", " });
        item.represent(out)?;
    }
    out.push_str(close);
    Ok(())
}

/// HTML's five characters as `MarkupSafe` writes them.
pub(crate) fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
}

/// The filters that the toy has.
pub(crate) fn filter(name: &str) -> Option<ToyFunction> {
    Some(match name {
        "upper" => |value, _| with_text(value, str::to_uppercase),
        "lower" => |value, _| with_text(value, str::to_lowercase),
        "length" | "count" => |value, _| match value {
            Toy::Str(..) | Toy::List(_) | Toy::Tuple(_) | Toy::Dict(_) | Toy::Undefined(_) => {
                Ok(Toy::Int(value.items().unwrap_or_default().len() as i64))
            }
            _ => Err(ToyError::Unsupported("the length of this value")),
        },
        "safe" => |value, _| match value {
            Toy::Str(text, _) => Ok(Toy::Str(text.clone(), true)),
            _ => Err(ToyError::Unsupported("safe of anything but text")),
        },
        "default" | "d" => |value, arguments| match (value, arguments) {
            (Toy::Undefined(_), [default]) => Ok(default.clone()),
            (Toy::Undefined(_), []) => Ok(Toy::text("")),
            (_, [] | [_]) => Ok(value.clone()),
            _ => Err(ToyError::Unsupported("default with a flag")),
        },
        _ => return None,
    })
}

fn with_text(value: &Toy, change: fn(&str) -> String) -> Result<Toy, ToyError> {
    match value {
        Toy::Str(text, markup) if text.is_ascii() => Ok(Toy::Str(change(text).into(), *markup)),
        _ => Err(ToyError::Unsupported("case of anything but ASCII text")),
    }
}

/// The tests that the toy has.
pub(crate) fn test(name: &str) -> Option<ToyFunction> {
    Some(match name {
        "defined" => |value, _| Ok(Toy::Bool(!matches!(value, Toy::Undefined(_) | Toy::Missing))),
        "undefined" => |value, _| Ok(Toy::Bool(matches!(value, Toy::Undefined(_) | Toy::Missing))),
        "none" => |value, _| Ok(Toy::Bool(matches!(value, Toy::None))),
        "iterable" => |value, _| Ok(Toy::Bool(value.items().is_some())),
        "odd" => |value, _| parity(value, 1),
        "even" => |value, _| parity(value, 0),
        _ => return None,
    })
}

fn parity(value: &Toy, rest: i64) -> Result<Toy, ToyError> {
    let number = value.number().ok_or(ToyError::Unsupported("odd or even of anything but an integer"))?;
    Ok(Toy::Bool(number.rem_euclid(2) == rest))
}
