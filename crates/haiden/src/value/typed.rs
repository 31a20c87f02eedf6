//! Typed calls: what the code of `#[derive(Object)]` and `#[methods]` stands on.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::error::{Error, ErrorKind};
use crate::value::function::{CallArguments, Parameters, Returned, Typed, call_typed};
use crate::value::host::NativeHost;
use crate::value::object::{Keywords, Object};
use crate::value::value::{Repr, Value};
use crate::value::word::Word;

/// A call of an object's method, whose arguments are taken as the method's types.
pub struct TypedCall<'a> {
    pub(crate) host: &'a mut NativeHost,
    pub(crate) arguments: CallArguments<'a>,
    /// What came of it.
    pub(crate) outcome: Result<Word, Error>,
}

impl fmt::Debug for TypedCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedCall")
    }
}

impl<'a> TypedCall<'a> {
    pub(crate) fn new(host: &'a mut NativeHost, arguments: CallArguments<'a>) -> TypedCall<'a> {
        TypedCall { host, arguments, outcome: Ok(Word::None) }
    }

    /// Runs the method; `name` is for messages.
    pub fn run<R, A>(&mut self, name: &str, method: &(impl Typed<R, A> + for<'b> Typed<R, A::Given<'b>>))
    where
        R: Returned,
        A: Parameters,
    {
        self.outcome = call_typed::<R, A, _>(method, name, self.host, &self.arguments);
    }
}

/// Calls an object or a method of it outside of a render; `run` says whether there is such a method.
pub fn call_alone(
    object: &dyn Object,
    method: Option<&str>,
    positional: &[Value],
    keywords: Keywords<'_>,
    run: impl FnOnce(&mut TypedCall<'_>) -> bool,
) -> Result<Value, Error> {
    let host = &mut NativeHost::default();
    let positional = positional.iter().map(|value| host.import(value)).collect::<Result<Vec<_>, _>>()?;
    let keywords = keywords.iter().map(|(name, value)| Ok((*name, host.import(value)?)));
    let keywords = keywords.collect::<Result<Vec<_>, Error>>()?;
    let arguments = CallArguments { positional: &positional, keywords: &keywords };
    let mut call = TypedCall::new(host, arguments);
    if !run(&mut call) {
        let class = object.type_name();
        return Err(match method {
            Some(name) => {
                Error::new(ErrorKind::Undefined, format!("'{class} object' has no attribute '{name}'"))
            }
            None => Error::new(ErrorKind::Type, format!("'{class}' object is not callable")),
        });
    }
    let word = call.outcome?;
    host.value(word)
}

/// The value of a field that is given through serde.
pub fn serialized<T: Serialize + ?Sized>(data: &T) -> Value {
    Value::from_serialize(data).unwrap_or_else(|error| Value(Repr::Invalid(Arc::new(error))))
}

/// What types have that have no block of methods: inherent functions of the same names win.
pub trait NoMethods {
    /// The names of getters.
    fn __haiden_getters() -> &'static [&'static str] {
        &[]
    }
    /// The names of methods.
    fn __haiden_methods() -> &'static [&'static str] {
        &[]
    }
    /// The names of methods that are forbidden in a sandbox.
    fn __haiden_forbidden() -> &'static [&'static str] {
        &[]
    }
    /// What a getter gives.
    fn __haiden_get(&self, _: &str) -> Option<Value> {
        None
    }
    /// Can the object itself be called?
    fn __haiden_is_callable() -> bool {
        false
    }
    /// Calls the object itself; `false` if it cannot be.
    fn __haiden_call_itself(&self, _: &mut TypedCall<'_>) -> bool {
        false
    }
    /// Calls a method; `false` if there is none.
    fn __haiden_call(&self, _: &str, _: &mut TypedCall<'_>) -> bool {
        false
    }
}

impl<T: ?Sized> NoMethods for T {}

/// A struct that says that it has a block of methods.
#[diagnostic::on_unimplemented(
    message = "the methods of `{Self}` would not be seen",
    label = "add `#[haiden(methods)]` to the struct: it is generic, and the block may ask more of its types than it does"
)]
pub trait SaysMethods {}

/// Only for types that say that they have methods.
pub fn says_methods<T: SaysMethods + ?Sized>() {}

/// An object as one of a type, if it is of that type.
pub(crate) fn downcast<T: Object>(object: &Arc<dyn Object>) -> Option<Arc<T>> {
    let any: Arc<dyn Any + Send + Sync> = object.clone();
    any.downcast().ok()
}
