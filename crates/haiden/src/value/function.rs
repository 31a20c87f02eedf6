//! Functions: closures with typed arguments as filters, tests and functions of templates.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::python::number::{Int, Number};
use crate::value::host::NativeHost;
use crate::value::object::panicked;
use crate::value::value::Value;
use crate::value::word::{Str, Word};

/// The arguments of a call to user code.
#[doc(hidden)]
pub struct CallArguments<'a> {
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
        catch_unwind(AssertUnwindSafe(|| (self.call)(host, arguments)))
            .unwrap_or_else(|panic| Err(panicked(&self.name, &*panic)))
    }
}

/// A closure that templates can call: up to five arguments of types that implement [`Argument`], a result that implements
/// [`Returned`]. Trailing parameters of type `Option` may be left out.
///
/// `|name: &str, times: Option<i64>| -> String { .. }` is one.
pub trait Function<R, A>: Send + Sync + 'static {
    /// Calls it.
    #[doc(hidden)]
    fn invoke(&self, arguments: A) -> R;
}

/// A type that a function's argument can have.
pub trait Argument {
    /// What is kept of the value while the function is called.
    #[doc(hidden)]
    type Held;
    /// What the function gets: the type itself, but for references.
    #[doc(hidden)]
    type Given<'a>;
    /// Takes the value; `None` if its type does not fit.
    #[doc(hidden)]
    fn hold(host: &mut NativeHost, word: Word) -> Option<Self::Held>;
    /// The argument when it is left out; `None` if it must be given.
    #[doc(hidden)]
    fn left_out() -> Option<Self::Held> {
        None
    }
    /// The argument itself.
    #[doc(hidden)]
    fn give<'a>(held: &'a Self::Held, host: &'a NativeHost) -> Self::Given<'a>;
    /// What messages call the type.
    #[doc(hidden)]
    const NAME: &'static str;
    /// May the value be undefined?
    #[doc(hidden)]
    const TAKES_UNDEFINED: bool = false;
    /// Are these all the arguments that have a name?
    #[doc(hidden)]
    const TAKES_KEYWORDS: bool = false;
    /// Takes the arguments that have a name.
    #[doc(hidden)]
    fn hold_keywords(_: &mut NativeHost, _: &str, _: &[(&str, Word)]) -> Result<Option<Self::Held>, Error> {
        Ok(None)
    }
}

/// The arguments with a name that a function was called with: its last parameter, if it takes any.
///
/// ```
/// use haiden::{Environment, KeywordArguments};
///
/// let mut environment = Environment::new();
/// environment.add_filter("money", |amount: f64, keywords: KeywordArguments| -> Result<String, haiden::Error> {
///     keywords.only(&["unit"])?;
///     Ok(format!("{amount:.2} {}", keywords.get("unit").and_then(|unit| unit.as_str()).unwrap_or("EUR")))
/// });
/// assert_eq!(environment.render_str("{{ 3|money }}, {{ 3|money(unit='CHF') }}", haiden::context! {})?, "3.00 EUR, 3.00 CHF");
/// let error = environment.render_str("{{ 3|money(uint='CHF') }}", haiden::context! {}).unwrap_err();
/// assert_eq!(error.message(), "money() got an unexpected keyword argument 'uint'");
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct KeywordArguments {
    function: Arc<str>,
    values: Vec<(String, Value)>,
}

impl KeywordArguments {
    /// The argument of this name, if it was given.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The arguments in the order of the call.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(name, value)| (&**name, value))
    }

    /// An error if there are others than these.
    ///
    /// # Errors
    /// Python's `TypeError` for a keyword that a function does not have.
    pub fn only(&self, names: &[&str]) -> Result<(), Error> {
        match self.values.iter().find(|(name, _)| !names.contains(&&**name)) {
            Some((name, _)) => Err(unexpected_keyword(&self.function, name)),
            None => Ok(()),
        }
    }
}

impl Argument for KeywordArguments {
    type Held = KeywordArguments;
    type Given<'a> = KeywordArguments;
    fn hold(_: &mut NativeHost, _: Word) -> Option<KeywordArguments> {
        None
    }
    fn give<'a>(held: &'a KeywordArguments, _: &'a NativeHost) -> KeywordArguments {
        held.clone()
    }
    const NAME: &'static str = "arguments with a name";
    const TAKES_KEYWORDS: bool = true;
    fn hold_keywords(
        host: &mut NativeHost,
        name: &str,
        keywords: &[(&str, Word)],
    ) -> Result<Option<Self>, Error> {
        let values = keywords.iter().map(|(name, word)| Ok(((*name).to_owned(), host.value(*word)?)));
        let values = values.collect::<Result<_, Error>>()?;
        Ok(Some(KeywordArguments { function: name.into(), values }))
    }
}

/// The types of a function's arguments: a tuple of [`Argument`]s.
pub trait Parameters {
    /// What is kept of the values.
    #[doc(hidden)]
    type Held;
    /// What the function gets.
    #[doc(hidden)]
    type Given<'a>;
    /// Takes the values.
    #[doc(hidden)]
    fn hold(host: &mut NativeHost, name: &str, arguments: &CallArguments<'_>) -> Result<Self::Held, Error>;
    /// The arguments themselves.
    #[doc(hidden)]
    fn give<'a>(held: &'a Self::Held, host: &'a NativeHost) -> Self::Given<'a>;
}

/// A function with its types forgotten; `name` is for messages.
pub(crate) fn boxed<R, A, F>(function: F, name: &str) -> BoxedFunction
where
    R: Returned,
    A: Parameters,
    F: Function<R, A> + for<'a> Function<R, A::Given<'a>>,
{
    let name: Arc<str> = name.into();
    let called = name.clone();
    let call = move |host: &mut NativeHost, arguments: CallArguments<'_>| -> Result<Word, Error> {
        let held = A::hold(host, &called, &arguments)?;
        let result = Function::<R, A::Given<'_>>::invoke(&function, A::give(&held, host));
        result.into_word(host)
    };
    BoxedFunction { name, call: Arc::new(call) }
}

/// A type that a function's result can have.
pub trait Returned {
    /// The result as a value.
    #[doc(hidden)]
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error>;
}

macro_rules! functions {
    ($($count:literal: $($Type:ident $place:tt $value:ident),*;)*) => {
        $(impl<F, R, $($Type),*> Function<R, ($($Type,)*)> for F
        where
            F: Fn($($Type),*) -> R + Send + Sync + 'static,
        {
            fn invoke(&self, ($($value,)*): ($($Type,)*)) -> R {
                self($($value),*)
            }
        }
        impl<$($Type: Argument),*> Parameters for ($($Type,)*) {
            type Held = ($($Type::Held,)*);
            type Given<'a> = ($($Type::Given<'a>,)*);
            fn hold(host: &mut NativeHost, name: &str, arguments: &CallArguments<'_>) -> Result<Self::Held, Error> {
                check(name, arguments, $count, [$($Type::TAKES_KEYWORDS),*].contains(&true))?;
                Ok(($(argument::<$Type>(host, name, arguments, $place)?,)*))
            }
            fn give<'a>(held: &'a Self::Held, host: &'a NativeHost) -> Self::Given<'a> {
                ($($Type::give(&held.$place, host),)*)
            }
        })*
    };
}
impl<F, R> Function<R, ()> for F
where
    F: Fn() -> R + Send + Sync + 'static,
{
    fn invoke(&self, (): ()) -> R {
        self()
    }
}
impl Parameters for () {
    type Held = ();
    type Given<'a> = ();
    fn hold(_: &mut NativeHost, name: &str, arguments: &CallArguments<'_>) -> Result<(), Error> {
        check(name, arguments, 0, false)
    }
    fn give<'a>((): &'a (), _: &'a NativeHost) {}
}
functions! {
    1: A 0 a;
    2: A 0 a, B 1 b;
    3: A 0 a, B 1 b, C 2 c;
    4: A 0 a, B 1 b, C 2 c, D 3 d;
    5: A 0 a, B 1 b, C 2 c, D 3 d, E 4 e;
}

#[cold]
fn unexpected_keyword(name: &str, keyword: &str) -> Error {
    Error::new(ErrorKind::Type, format!("{name}() got an unexpected keyword argument '{keyword}'"))
}

fn check(name: &str, arguments: &CallArguments<'_>, takes: usize, keywords: bool) -> Result<(), Error> {
    let takes = takes - usize::from(keywords);
    if !keywords && let Some((keyword, _)) = arguments.keywords.first() {
        return Err(unexpected_keyword(name, keyword));
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
) -> Result<T::Held, Error> {
    if T::TAKES_KEYWORDS
        && let Some(held) = T::hold_keywords(host, name, arguments.keywords)?
    {
        return Ok(held);
    }
    let Some(&word) = arguments.positional.get(place) else {
        return T::left_out().ok_or_else(|| {
            Error::new(ErrorKind::Type, format!("{name}() is missing argument {}", place + 1))
        });
    };
    if !T::TAKES_UNDEFINED {
        host.refuse_undefined(word)?;
    }
    T::hold(host, word).ok_or_else(|| {
        let got = host.type_name(word).to_owned();
        let message = format!("{name}() argument {} must be {}, not {got}", place + 1, T::NAME);
        Error::new(ErrorKind::Type, message)
    })
}

/// Implements [`Argument`] for types that are held as they are.
macro_rules! plain_argument {
    ($Type:ty, $name:expr, $host:ident, $word:ident => $hold:expr) => {
        impl Argument for $Type {
            type Held = $Type;
            type Given<'a> = $Type;
            fn hold($host: &mut NativeHost, $word: Word) -> Option<$Type> {
                let _ = &$host;
                $hold
            }
            fn give<'a>(held: &'a $Type, _: &'a NativeHost) -> $Type {
                *held
            }
            const NAME: &'static str = $name;
        }
    };
}

macro_rules! integers {
    ($($Type:ty)*) => {
        $(plain_argument!($Type, "an integer", host, word => match word {
            Word::Int(value) => value.try_into().ok(),
            Word::Big { .. } => match host.number(word)? {
                Number::Int(Int::Big(value)) => (*value).try_into().ok(),
                _ => None,
            },
            _ => None,
        });)*
    };
}
integers! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }

plain_argument!(f64, "a number", host, word => match word {
    Word::Float(value) => Some(value),
    Word::Int(value) => Some(value as f64),
    Word::Bool(value) => Some(f64::from(u8::from(value))),
    other => host.number(other)?.to_f64().ok(),
});
plain_argument!(f32, "a number", host, word => f64::hold(host, word).map(|value| value as f32));
plain_argument!(bool, "a boolean", host, word => match word {
    Word::Bool(value) => Some(value),
    _ => None,
});

impl Argument for &str {
    type Held = Str;
    type Given<'a> = &'a str;
    fn hold(_: &mut NativeHost, word: Word) -> Option<Str> {
        match word {
            Word::Str(text) => Some(text),
            _ => None,
        }
    }
    fn give<'a>(held: &'a Str, host: &'a NativeHost) -> &'a str {
        host.str(*held)
    }
    const NAME: &'static str = "text";
}

impl Argument for String {
    type Held = Str;
    type Given<'a> = String;
    fn hold(host: &mut NativeHost, word: Word) -> Option<Str> {
        <&str>::hold(host, word)
    }
    fn give<'a>(held: &'a Str, host: &'a NativeHost) -> String {
        host.str(*held).to_owned()
    }
    const NAME: &'static str = "text";
}

impl Argument for Value {
    type Held = Value;
    type Given<'a> = Value;
    fn hold(host: &mut NativeHost, word: Word) -> Option<Value> {
        host.value(word).ok()
    }
    fn give<'a>(held: &'a Value, _: &'a NativeHost) -> Value {
        held.clone()
    }
    const NAME: &'static str = "a value that is not nested too deeply";
    const TAKES_UNDEFINED: bool = true;
}

impl<T: Argument> Argument for Option<T> {
    type Held = Option<T::Held>;
    type Given<'a> = Option<T::Given<'a>>;
    fn hold(host: &mut NativeHost, word: Word) -> Option<Self::Held> {
        match word {
            Word::None | Word::Undefined(_) | Word::Missing => Some(None),
            word => T::hold(host, word).map(Some),
        }
    }
    fn left_out() -> Option<Self::Held> {
        Some(None)
    }
    fn give<'a>(held: &'a Self::Held, host: &'a NativeHost) -> Self::Given<'a> {
        held.as_ref().map(|held| T::give(held, host))
    }
    const NAME: &'static str = T::NAME;
    const TAKES_UNDEFINED: bool = true;
}

impl<T: Argument> Argument for Vec<T> {
    type Held = Vec<T::Held>;
    type Given<'a> = Vec<T::Given<'a>>;
    fn hold(host: &mut NativeHost, word: Word) -> Option<Self::Held> {
        let items = match word {
            Word::Str(_) | Word::Map { .. } | Word::Dict(_) => return None,
            word => host.items_of(word).ok()?,
        };
        items.into_iter().map(|item| T::hold(host, item)).collect()
    }
    fn give<'a>(held: &'a Self::Held, host: &'a NativeHost) -> Self::Given<'a> {
        held.iter().map(|held| T::give(held, host)).collect()
    }
    const NAME: &'static str = "a list of the right items";
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
returned_integers! { i8 i16 i32 i64 i128 u8 u16 u32 u64 usize }
impl<T: Returned> Returned for Vec<T> {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        let items = self.into_iter().map(|item| item.into_word(host)).collect::<Result<Vec<_>, _>>()?;
        Ok(host.heap.list(items))
    }
}
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
