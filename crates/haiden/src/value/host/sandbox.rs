//! The sandbox's questions: may this attribute be read, this value be called?
//!
//! Jinja2 asks about attributes only after it has found them, and items are never asked about. Values here have fewer
//! attributes than Python's, so those that every Python object has are told by name: reading one is unsafe there.

use haiden_runtime::{BinaryOp, UnaryOp};

use crate::error::{Error, ErrorKind};
use crate::sandbox::Sandbox;
use crate::value::heap::{HeapObject, Reason};
use crate::value::host::NativeHost;
use crate::value::object::{Foreign, guarded, panicked};
use crate::value::value::Value;
use crate::value::word::{Global, Word};

type Result<T> = std::result::Result<T, Error>;

/// The attributes of Python's `object`.
const OF_EVERY_OBJECT: [&str; 22] = [
    "__class__",
    "__delattr__",
    "__dir__",
    "__doc__",
    "__eq__",
    "__format__",
    "__ge__",
    "__getattribute__",
    "__gt__",
    "__hash__",
    "__init__",
    "__init_subclass__",
    "__le__",
    "__lt__",
    "__ne__",
    "__new__",
    "__reduce__",
    "__reduce_ex__",
    "__repr__",
    "__setattr__",
    "__sizeof__",
    "__str__",
];

/// The attributes that functions, methods or classes have besides.
const OF_CALLABLES: [&str; 12] = [
    "__call__",
    "__closure__",
    "__code__",
    "__defaults__",
    "__dict__",
    "__func__",
    "__globals__",
    "__kwdefaults__",
    "__module__",
    "__name__",
    "__qualname__",
    "__self__",
];

/// The attributes that containers and texts have besides.
const OF_CONTAINERS: [&str; 8] =
    ["__add__", "__contains__", "__getitem__", "__iter__", "__len__", "__mul__", "__mod__", "__setitem__"];

/// The attributes that numbers have besides.
const OF_NUMBERS: [&str; 8] =
    ["__abs__", "__add__", "__bool__", "__float__", "__index__", "__int__", "__mul__", "__sub__"];

/// Does a method change the value it is of?
fn modifies(object: Word, name: &str) -> bool {
    match object {
        Word::Map { .. } | Word::Dict(_) => {
            matches!(name, "clear" | "pop" | "popitem" | "setdefault" | "update")
        }
        Word::Items { .. } | Word::List(_) => {
            matches!(name, "append" | "clear" | "pop" | "reverse" | "insert" | "sort" | "extend" | "remove")
        }
        _ => false,
    }
}

impl NativeHost {
    /// Runs `ask` with the sandbox, if there is one.
    fn with_sandbox<T>(&mut self, ask: impl FnOnce(&mut NativeHost, &Sandbox) -> T) -> Option<T> {
        if !self.sandboxed {
            return None;
        }
        let templates = self.templates.clone()?;
        templates.sandbox().map(|sandbox| ask(self, sandbox))
    }

    /// May templates change no lists and dicts?
    pub(super) fn is_immutable(&self) -> bool {
        self.templates().sandbox().is_some_and(|sandbox| sandbox.is_immutable)
    }

    /// As [`NativeHost::member`], as far as the sandbox lets the template see it.
    #[inline]
    pub(super) fn safe_member(&mut self, object: Word, name: &str) -> Result<Option<Word>> {
        let found = self.member(object, name)?;
        if self.sandboxed { self.judge_member(object, name, found) } else { Ok(found) }
    }

    fn judge_member(&mut self, object: Word, name: &str, found: Option<Word>) -> Result<Option<Word>> {
        let object = self.present(object);
        if found.is_none() && !self.python_has(object, name) {
            return Ok(None);
        }
        let is_format = matches!(object, Word::Str(_)) && matches!(name, "format" | "format_map");
        let is_safe = is_format
            || (!name.starts_with('_') && !self.is_internal(object, name) && {
                let safe = self.with_sandbox(|host, sandbox| {
                    if sandbox.is_immutable && modifies(object, name) {
                        return Ok(false);
                    }
                    let Some(policy) = &sandbox.policy else { return Ok(true) };
                    let value = host.value(object)?;
                    user("is_safe_attribute", || policy.is_safe_attribute(&value, name))
                });
                safe.transpose()?.unwrap_or(true)
            });
        if is_safe {
            return Ok(found);
        }
        let name = super::undefined::quoted(name);
        let class = super::undefined::quoted(self.type_name(object));
        let message = format!("access to attribute {name} of {class} object is unsafe.");
        Ok(Some(self.heap.undefined(Reason::Unsafe(message.into()))))
    }

    /// Is it the `mro` of a class?
    fn is_internal(&self, object: Word, name: &str) -> bool {
        name == "mro" && self.is_class(object)
    }

    fn is_class(&self, object: Word) -> bool {
        match object {
            // The sandbox's `range` is a function.
            Word::Global(global) => !matches!(global, Global::Lipsum | Global::Range),
            Word::Object(index) => matches!(self.heap.objects[index as usize], HeapObject::Class(_)),
            _ => false,
        }
    }

    /// Has Python's object an attribute that ours does not show?
    fn python_has(&self, object: Word, name: &str) -> bool {
        if self.is_class(object)
            && matches!(name, "mro" | "__mro__" | "__subclasses__" | "__bases__" | "__base__")
        {
            return true;
        }
        if !name.starts_with("__") {
            return false;
        }
        OF_EVERY_OBJECT.contains(&name)
            || match object {
                Word::Str(_)
                | Word::Items { .. }
                | Word::List(_)
                | Word::Tuple { .. }
                | Word::Map { .. }
                | Word::Dict(_) => OF_CONTAINERS.contains(&name),
                Word::Bool(_) | Word::Int(_) | Word::Big { .. } | Word::Float(_) => {
                    OF_NUMBERS.contains(&name)
                }
                Word::Global(_) => OF_CALLABLES.contains(&name),
                Word::Foreign { slot, index } => {
                    matches!(self.foreign(slot, index), Foreign::Function(_)) && OF_CALLABLES.contains(&name)
                }
                Word::Object(index) => match self.heap.objects[index as usize] {
                    HeapObject::Method { .. } | HeapObject::Class(_) => OF_CALLABLES.contains(&name),
                    _ => matches!(name, "__dict__" | "__module__" | "__call__"),
                },
                _ => false,
            }
    }

    /// An error if the sandbox does not let a template call this value.
    pub(super) fn refuse_unsafe_call(&mut self, callee: Word) -> Result<()> {
        let is_safe = match callee {
            Word::Foreign { slot, index } => match self.foreign(slot, index).clone() {
                Foreign::Object(object) => {
                    guarded(&object, "is_safe_to_call", |object| object.is_safe_to_call(None))?
                }
                Foreign::Function(_) | Foreign::Deferred(_) => true,
            },
            Word::Object(index) => match &self.heap.objects[index as usize] {
                HeapObject::Method { receiver: Word::Foreign { slot, index }, name } => {
                    let name = name.clone();
                    match self.foreign(*slot, *index).clone() {
                        Foreign::Object(object) => {
                            guarded(&object, "is_safe_to_call", |object| object.is_safe_to_call(Some(&name)))?
                        }
                        Foreign::Function(_) | Foreign::Deferred(_) => true,
                    }
                }
                _ => true,
            },
            _ => true,
        };
        let asked = self.with_sandbox(|host, sandbox| {
            let Some(policy) = &sandbox.policy else { return Ok(true) };
            let value = host.callable_value(callee)?;
            user("is_safe_callable", || policy.is_safe_callable(&value))
        });
        if is_safe && asked.transpose()?.unwrap_or(true) {
            return Ok(());
        }
        let mut shown = String::new();
        self.represent(&mut shown, callee)?;
        Err(Error::new(ErrorKind::Security, format!("{shown} is not safely callable")))
    }

    /// A callable as a policy sees it: methods by their names, as nothing else of them leaves a render.
    fn callable_value(&mut self, callee: Word) -> Result<Value> {
        if let Word::Object(index) = callee
            && let HeapObject::Method { name, .. } = &self.heap.objects[index as usize]
        {
            return Ok(Value::from(&**name));
        }
        self.value(callee)
    }

    /// An error if a sandbox forbids ranges of this length.
    pub(super) fn refuse_long_range(&mut self, len: usize) -> Result<()> {
        let most = self.with_sandbox(|_, sandbox| sandbox.max_range);
        match most {
            Some(most) if len > most => {
                let message =
                    format!("Range too big. The sandbox blocks ranges larger than MAX_RANGE ({most}).");
                Err(Error::new(ErrorKind::Overflow, message))
            }
            _ => Ok(()),
        }
    }

    /// A binary operator of a template whose operators are intercepted.
    pub(super) fn ask_binary(&mut self, op: BinaryOp, left: Word, right: Word) -> Result<Word> {
        let sign = sign(op);
        let answer = self.with_sandbox(|host, sandbox| {
            let policy = sandbox.policy.as_ref().filter(|_| sandbox.intercepted.contains(sign))?;
            let values = host.value(left).and_then(|left| Ok((left, host.value(right)?)));
            let asked =
                values.and_then(|(left, right)| user("binary", || policy.binary(sign, &left, &right)));
            answer(host, asked)
        });
        answer.flatten().unwrap_or_else(|| self.arithmetic(op, left, right))
    }

    /// A unary operator of such a template.
    pub(super) fn ask_unary(&mut self, op: UnaryOp, value: Word) -> Result<Word> {
        let sign = if op == UnaryOp::Neg { "u-" } else { "u+" };
        let answer = self.with_sandbox(|host, sandbox| {
            let policy = sandbox.policy.as_ref().filter(|_| sandbox.intercepted.contains(sign))?;
            let asked =
                host.value(value).and_then(|value| user("unary", || policy.unary(&sign[1..], &value)));
            answer(host, asked)
        });
        answer.flatten().unwrap_or_else(|| self.signed(op, value))
    }
}

/// An operator by its sign.
fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::FloorDiv => "//",
        BinaryOp::Mod => "%",
        BinaryOp::Pow => "**",
    }
}

/// A policy's answer as a value of the render; `None` if it leaves the operator alone.
fn answer(host: &mut NativeHost, asked: Result<Option<Result<Value>>>) -> Option<Result<Word>> {
    match asked {
        Err(error) => Some(Err(error)),
        Ok(answer) => answer.map(|outcome| outcome.and_then(|value| host.import(&value))),
    }
}

/// Calls a method of a user's policy; a panic in it becomes an error.
fn user<T>(method: &str, call: impl FnOnce() -> T) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call))
        .map_err(|panic| panicked(&format!("{method} of the sandbox's policy"), &*panic))
}
