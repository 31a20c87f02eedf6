//! Functions: closures with typed arguments as filters, tests and functions of templates.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::value::host::NativeHost;
use crate::value::value::Value;
use crate::value::word::Word;

/// The arguments of a call to user code.
pub(crate) struct CallArguments<'a> {
    pub(crate) positional: &'a [Word],
    pub(crate) keywords: &'a [(&'a str, Word)],
}

type Call = dyn Fn(&mut NativeHost, CallArguments<'_>) -> Result<Word, Error> + Send + Sync;

/// A function with its types forgotten.
#[derive(Clone)]
pub struct BoxedFunction {
    pub(crate) name: Arc<str>,
    pub(crate) call: Arc<Call>,
}

impl fmt::Debug for BoxedFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<function {}>", self.name)
    }
}

impl BoxedFunction {
    /// Calls it; a panic in it becomes an error that names it.
    pub(crate) fn invoke(&self, host: &mut NativeHost, arguments: CallArguments<'_>) -> Result<Word, Error> {
        catch_unwind(AssertUnwindSafe(|| (self.call)(host, arguments))).unwrap_or_else(|panic| {
            let why = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "no message".to_owned());
            Err(Error::new(ErrorKind::Runtime, format!("{} panicked: {why}", self.name)))
        })
    }
}

/// A closure that templates can call: up to five arguments of types that implement [`Argument`], a result that implements
/// [`Returned`]. A last parameter of type `Option` may be left out.
pub trait Function<Marker>: Send + Sync + 'static {
    /// The closure with its types forgotten; `name` is for messages.
    fn boxed(self, name: &str) -> BoxedFunction;
}

/// A type that a function's argument can have.
pub trait Argument: Sized {
    /// The argument from a value; `None` if the type does not fit.
    #[doc(hidden)]
    fn from_word(host: &mut NativeHost, word: Word) -> Option<Self>;
    /// The argument when it is left out; `None` if it must be given.
    #[doc(hidden)]
    fn left_out() -> Option<Self> {
        None
    }
    /// What messages call the type.
    #[doc(hidden)]
    const NAME: &'static str;
}

/// A type that a function's result can have.
pub trait Returned {
    /// The result as a value.
    #[doc(hidden)]
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error>;
}

macro_rules! functions {
    ($($count:literal: $($Type:ident $place:tt),*;)*) => {
        $(impl<F, R, $($Type),*> Function<(R, $($Type,)*)> for F
        where
            F: Fn($($Type),*) -> R + Send + Sync + 'static,
            R: Returned,
            $($Type: Argument,)*
        {
            fn boxed(self, name: &str) -> BoxedFunction {
                let name: Arc<str> = name.into();
                let called = name.clone();
                let call = move |host: &mut NativeHost, arguments: CallArguments<'_>| -> Result<Word, Error> {
                    check(&called, &arguments, $count)?;
                    let _ = &arguments;
                    let result = self($(argument::<$Type>(host, &called, &arguments, $place)?),*);
                    result.into_word(host)
                };
                BoxedFunction { name, call: Arc::new(call) }
            }
        })*
    };
}
functions! {
    0: ;
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, E 4;
}

fn check(name: &str, arguments: &CallArguments<'_>, takes: usize) -> Result<(), Error> {
    if let Some((keyword, _)) = arguments.keywords.first() {
        return Err(Error::new(
            ErrorKind::Type,
            format!("{name}() got an unexpected keyword argument '{keyword}'"),
        ));
    }
    if arguments.positional.len() > takes {
        let given = arguments.positional.len();
        let s = if takes == 1 { "" } else { "s" };
        return Err(Error::new(
            ErrorKind::Type,
            format!("{name}() takes {takes} positional argument{s} but {given} were given"),
        ));
    }
    Ok(())
}

fn argument<T: Argument>(
    host: &mut NativeHost,
    name: &str,
    arguments: &CallArguments<'_>,
    place: usize,
) -> Result<T, Error> {
    let Some(&word) = arguments.positional.get(place) else {
        return T::left_out().ok_or_else(|| {
            Error::new(ErrorKind::Type, format!("{name}() is missing argument {}", place + 1))
        });
    };
    host.refuse_undefined(word)?;
    T::from_word(host, word).ok_or_else(|| {
        let got = host.type_name(word).to_owned();
        let message = format!("{name}() argument {} must be {}, not {got}", place + 1, T::NAME);
        Error::new(ErrorKind::Type, message)
    })
}

macro_rules! integers {
    ($($Type:ty)*) => {
        $(impl Argument for $Type {
            fn from_word(_: &mut NativeHost, word: Word) -> Option<Self> {
                match word {
                    Word::Int(value) => value.try_into().ok(),
                    _ => None,
                }
            }
            const NAME: &'static str = stringify!($Type);
        })*
    };
}
integers! { i8 i16 i32 i64 u8 u16 u32 u64 usize isize }

impl Argument for f64 {
    fn from_word(host: &mut NativeHost, word: Word) -> Option<Self> {
        match word {
            Word::Float(value) => Some(value),
            Word::Int(value) => Some(value as f64),
            Word::Bool(value) => Some(f64::from(u8::from(value))),
            other => host.number(other)?.to_f64().ok(),
        }
    }
    const NAME: &'static str = "a number";
}

impl Argument for bool {
    fn from_word(_: &mut NativeHost, word: Word) -> Option<Self> {
        match word {
            Word::Bool(value) => Some(value),
            _ => None,
        }
    }
    const NAME: &'static str = "a boolean";
}

impl Argument for String {
    fn from_word(host: &mut NativeHost, word: Word) -> Option<Self> {
        match word {
            Word::Str(text) => Some(host.str(text).to_owned()),
            _ => None,
        }
    }
    const NAME: &'static str = "text";
}

impl Argument for Value {
    fn from_word(host: &mut NativeHost, word: Word) -> Option<Self> {
        host.value(word).ok()
    }
    const NAME: &'static str = "a value";
}

impl<T: Argument> Argument for Option<T> {
    fn from_word(host: &mut NativeHost, word: Word) -> Option<Self> {
        match word {
            Word::None => Some(None),
            word => T::from_word(host, word).map(Some),
        }
    }
    fn left_out() -> Option<Self> {
        Some(None)
    }
    const NAME: &'static str = T::NAME;
}

impl Returned for String {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        host.new_text(&self, false)
    }
}
impl Returned for &'static str {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        host.new_text(self, false)
    }
}
impl Returned for Value {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        host.import(&self)
    }
}
impl Returned for () {
    fn into_word(self, _: &mut NativeHost) -> Result<Word, Error> {
        Ok(Word::None)
    }
}
impl Returned for bool {
    fn into_word(self, _: &mut NativeHost) -> Result<Word, Error> {
        Ok(Word::Bool(self))
    }
}
impl Returned for f64 {
    fn into_word(self, _: &mut NativeHost) -> Result<Word, Error> {
        Ok(Word::Float(self))
    }
}
macro_rules! returned_integers {
    ($($Type:ty)*) => {
        $(impl Returned for $Type {
            fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
                host.import(&Value::from(self))
            }
        })*
    };
}
returned_integers! { i8 i16 i32 i64 u8 u16 u32 u64 usize }
impl<T: Returned> Returned for Option<T> {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        match self {
            Some(value) => value.into_word(host),
            None => Ok(Word::None),
        }
    }
}
impl<T: Returned> Returned for Result<T, Error> {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        self?.into_word(host)
    }
}
