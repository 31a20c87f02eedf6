//! Functions: closures with typed arguments as filters, tests and functions of templates.
//!
//! In: a closure. Out: a [`BoxedFunction`], which checks a call's arguments and takes them as the closure's types. The types
//! are in [`mod@argument`], those of results in [`returned`].
//!
//! Invariant: a closure that takes no [`State`] pays nothing for those that do: whether one does is known when it is
//! compiled.

mod argument;
mod keywords;
mod returned;
mod serde;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub use self::keywords::KeywordArguments;
pub use self::serde::Serde;
use crate::error::{Error, ErrorKind};
use crate::value::host::NativeHost;
use crate::value::object::panicked;
use crate::value::state::State;
use crate::value::word::Word;

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

/// A closure that templates can call: up to eight arguments of types that implement [`Argument`], a result that implements
/// [`Returned`]. Trailing parameters of type `Option` may be left out. A parameter of type `&`[`State`] is no argument: it
/// is the context that the call is made in.
///
/// `|name: &str, times: Option<i64>| -> String { .. }` is one.
///
/// ```
/// use haiden::{Environment, State, Value, context};
///
/// fn shout(text: &str, times: Option<usize>) -> String {
///     text.to_uppercase() + &"!".repeat(times.unwrap_or(1))
/// }
///
/// let mut environment = Environment::new();
/// environment.add_filter("shout", shout);
/// environment.add_function("zip", |left: Vec<Value>, right: Vec<Value>| {
///     left.into_iter().zip(right).map(|(left, right)| vec![left, right]).collect::<Vec<_>>()
/// });
/// environment.add_test("of_this_page", |state: &State, name: &str| state.template_name().as_deref() == Some(name));
/// let page = environment.render_str("{{ 'hi'|shout }} {{ 'hi'|shout(2) }} {{ zip([1, 2], 'ab'|list) }}", context! {})?;
/// assert_eq!(page, "HI! HI!! [[1, 'a'], [2, 'b']]");
/// # Ok::<(), haiden::Error>(())
/// ```
pub trait Function<R, A>: Typed<R, A> + Send + Sync + 'static {}

impl<R, A, F: Typed<R, A> + Send + Sync + 'static> Function<R, A> for F {}

/// What can be called with these types.
#[doc(hidden)]
pub trait Typed<R, A> {
    /// Calls it.
    fn invoke(&self, arguments: A) -> R;
}

/// Where arguments are given from.
#[doc(hidden)]
pub enum Source<'a> {
    /// The host: texts are borrowed from it.
    Host(&'a NativeHost),
    /// The state that the function takes, which has the host for itself.
    State(State<'a>),
}

/// A type that a function's argument can have: integers, floats, `bool`, `&str`, `String`, [`Value`](crate::Value), `Option` and
/// `Vec` of such, `&T` and `Arc<T>` of an [`Object`](trait@crate::Object), [`Serde`] of any data, [`KeywordArguments`], `&`[`State`].
///
/// ```
/// use haiden::{Environment, Serde, Value, context};
///
/// #[derive(serde::Deserialize)]
/// struct Item { name: String, price: f64 }
///
/// let mut environment = Environment::new();
/// environment.add_filter("total", |items: Serde<Vec<Item>>| items.0.iter().map(|item| item.price).sum::<f64>());
/// environment.add_filter("repeated", |text: &str, times: usize, between: Option<&str>| vec![text; times].join(between.unwrap_or("")));
/// environment.add_filter("kind", |value: &Value| if value.as_str().is_some() { "text" } else { "something else" });
/// let source = "{{ [{'name': 'Tea', 'price': 2.5}]|total }} {{ 'a'|repeated(3, '-') }} {{ 'a'|kind }}";
/// assert_eq!(environment.render_str(source, context! {})?, "2.5 a-a-a text");
/// let error = environment.render_str("{{ 'a'|repeated('b') }}", context! {}).unwrap_err();
/// assert_eq!(error.message(), "repeated() argument 2 must be an integer, not str");
/// # Ok::<(), haiden::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a function that templates call",
    label = "templates do not know this type",
    note = "a `Value` takes anything, `Serde<T>` what serde can deserialize"
)]
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
    /// Why the value does not fit, if more is to be said than what its type must be.
    #[doc(hidden)]
    fn misfit(_: &mut NativeHost, _: Word) -> Option<Error> {
        None
    }
    /// The argument when it is left out; `None` if it must be given.
    #[doc(hidden)]
    fn left_out() -> Option<Self::Held> {
        None
    }
    /// Takes what is held out of the host, which is about to change.
    #[doc(hidden)]
    fn detach(_: &mut Self::Held, _: &NativeHost) {}
    /// The argument itself.
    #[doc(hidden)]
    fn give<'a>(held: &'a Self::Held, source: &'a Source<'a>) -> Self::Given<'a>;
    /// What messages call the type.
    #[doc(hidden)]
    const NAME: &'static str;
    /// May the value be undefined?
    #[doc(hidden)]
    const TAKES_UNDEFINED: bool = false;
    /// Are these all the arguments that have a name?
    #[doc(hidden)]
    const TAKES_KEYWORDS: bool = false;
    /// Is it the context, and no argument?
    #[doc(hidden)]
    const TAKES_STATE: bool = false;
    /// Takes the arguments that have a name.
    #[doc(hidden)]
    fn hold_keywords(_: &mut NativeHost, _: &str, _: &[(&str, Word)]) -> Result<Option<Self::Held>, Error> {
        Ok(None)
    }
}

/// The types of a function's arguments: a tuple of [`Argument`]s.
///
/// ```
/// use haiden::{Environment, Function, Parameters, Returned};
///
/// /// Adds a function under two names; what its types may be is for whoever calls this.
/// fn add_twice<R, A, F>(environment: &mut Environment, names: [&str; 2], function: F)
/// where
///     R: Returned,
///     A: Parameters,
///     F: Function<R, A> + for<'a> Function<R, A::Given<'a>> + Copy,
/// {
///     for name in names {
///         environment.add_function(name, function);
///     }
/// }
///
/// let mut environment = Environment::new();
/// add_twice(&mut environment, ["sum", "plus"], |a: i64, b: i64| a + b);
/// assert_eq!(environment.render_str("{{ sum(1, 2) }} {{ plus(3, 4) }}", haiden::context! {})?, "3 7");
/// # Ok::<(), haiden::Error>(())
/// ```
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
    /// Takes what is held out of the host, which is about to change.
    #[doc(hidden)]
    fn detach(held: &mut Self::Held, host: &NativeHost);
    /// The arguments themselves.
    #[doc(hidden)]
    fn give<'a>(held: &'a Self::Held, source: &'a Source<'a>) -> Self::Given<'a>;
    /// Is one of them the context?
    #[doc(hidden)]
    const TAKES_STATE: bool;
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
        call_typed::<R, A, F>(&function, &called, host, &arguments)
    };
    BoxedFunction { name, call: Arc::new(call) }
}

/// Calls what has these types; `name` is for messages.
#[inline]
pub(crate) fn call_typed<R, A, F>(
    function: &F,
    name: &str,
    host: &mut NativeHost,
    arguments: &CallArguments<'_>,
) -> Result<Word, Error>
where
    R: Returned,
    A: Parameters,
    F: Typed<R, A> + for<'a> Typed<R, A::Given<'a>>,
{
    let held = A::hold(host, name, arguments)?;
    invoke_held::<R, A, F>(function, host, held).into_word(host)
}

/// Calls a closure with the arguments that are held.
#[inline]
pub(crate) fn invoke_held<R, A, F>(function: &F, host: &mut NativeHost, mut held: A::Held) -> R
where
    A: Parameters,
    F: Typed<R, A> + for<'a> Typed<R, A::Given<'a>>,
{
    if A::TAKES_STATE {
        A::detach(&mut held, host);
        let source = Source::State(State::new(host));
        Typed::<R, A::Given<'_>>::invoke(function, A::give(&held, &source))
    } else {
        let source = Source::Host(host);
        Typed::<R, A::Given<'_>>::invoke(function, A::give(&held, &source))
    }
}

/// A type that a function's result can have: numbers, texts, [`Value`](crate::Value), `Option` and `Vec` of such, an
/// [`Object`](trait@crate::Object) or an `Arc` of one, [`Serde`] of any data, and a `Result` of any of them.
///
/// ```
/// use haiden::{Environment, Error, ErrorKind, Serde, context};
///
/// #[derive(serde::Serialize)]
/// struct User { name: &'static str }
///
/// let mut environment = Environment::new();
/// environment.add_function("user", |id: u32| -> Result<Serde<User>, Error> {
///     if id == 1 { Ok(Serde(User { name: "Ann" })) } else { Err(Error::new(ErrorKind::Lookup, "no such user")) }
/// });
/// environment.add_function("nothing", || None::<i64>);
/// assert_eq!(environment.render_str("{{ user(1).name }} {{ nothing() }}", context! {})?, "Ann None");
/// assert!(environment.render_str("{{ user(2).name }}", context! {}).is_err());
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a function that templates call",
    label = "templates do not know this type",
    note = "`Serde(result)` gives any data that serde can serialize"
)]
pub trait Returned {
    /// The result as a value.
    #[doc(hidden)]
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error>;
}

macro_rules! functions {
    ($($count:literal: $($Type:ident $place:tt $value:ident),*;)*) => {
        $(impl<F, R, $($Type),*> Typed<R, ($($Type,)*)> for F
        where
            F: Fn($($Type),*) -> R,
        {
            fn invoke(&self, ($($value,)*): ($($Type,)*)) -> R {
                self($($value),*)
            }
        }
        impl<$($Type: Argument),*> Parameters for ($($Type,)*) {
            type Held = ($($Type::Held,)*);
            type Given<'a> = ($($Type::Given<'a>,)*);
            fn hold(host: &mut NativeHost, name: &str, arguments: &CallArguments<'_>) -> Result<Self::Held, Error> {
                let others = [$(u8::from($Type::TAKES_STATE) + u8::from($Type::TAKES_KEYWORDS)),*];
                let takes = $count - others.iter().map(|&other| usize::from(other)).sum::<usize>();
                check(name, arguments, takes, [$($Type::TAKES_KEYWORDS),*].contains(&true))?;
                let states = [$(usize::from($Type::TAKES_STATE)),*];
                Ok(($(argument::<$Type>(host, name, arguments, $place - states[..$place].iter().sum::<usize>())?,)*))
            }
            fn detach(held: &mut Self::Held, host: &NativeHost) {
                $($Type::detach(&mut held.$place, host);)*
            }
            fn give<'a>(held: &'a Self::Held, source: &'a Source<'a>) -> Self::Given<'a> {
                ($($Type::give(&held.$place, source),)*)
            }
            const TAKES_STATE: bool = $($Type::TAKES_STATE)||*;
        })*
    };
}
impl<F, R> Typed<R, ()> for F
where
    F: Fn() -> R,
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
    fn detach((): &mut (), _: &NativeHost) {}
    fn give<'a>((): &'a (), _: &'a Source<'a>) {}
    const TAKES_STATE: bool = false;
}
functions! {
    1: A 0 a;
    2: A 0 a, B 1 b;
    3: A 0 a, B 1 b, C 2 c;
    4: A 0 a, B 1 b, C 2 c, D 3 d;
    5: A 0 a, B 1 b, C 2 c, D 3 d, E 4 e;
    6: A 0 a, B 1 b, C 2 c, D 3 d, E 4 e, G 5 g;
    7: A 0 a, B 1 b, C 2 c, D 3 d, E 4 e, G 5 g, H 6 h;
    8: A 0 a, B 1 b, C 2 c, D 3 d, E 4 e, G 5 g, H 6 h, I 7 i;
}

#[cold]
fn unexpected_keyword(name: &str, keyword: &str) -> Error {
    Error::new(ErrorKind::Type, format!("{name}() got an unexpected keyword argument '{keyword}'"))
}

fn check(name: &str, arguments: &CallArguments<'_>, takes: usize, keywords: bool) -> Result<(), Error> {
    if !keywords && let Some((keyword, _)) = arguments.keywords.first() {
        let hint = "its arguments have no names: it takes such by a parameter of type `KeywordArguments`";
        return Err(unexpected_keyword(name, keyword).with_hint(hint.to_owned()));
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

#[cold]
fn misfit<T: Argument>(host: &mut NativeHost, name: &str, word: Word, place: usize) -> Error {
    if let Some(error) = T::misfit(host, word) {
        return Error::new(error.kind(), format!("{name}() argument {}: {}", place + 1, error.message()));
    }
    let got = host.type_name(word);
    Error::new(ErrorKind::Type, format!("{name}() argument {} must be {}, not {got}", place + 1, T::NAME))
}

fn argument<T: Argument>(
    host: &mut NativeHost,
    name: &str,
    arguments: &CallArguments<'_>,
    place: usize,
) -> Result<T::Held, Error> {
    if T::TAKES_STATE {
        // It is held as nothing, and left out always.
        if let Some(held) = T::left_out() {
            return Ok(held);
        }
    }
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
    let mut word = word;
    loop {
        if let Some(held) = T::hold(host, word) {
            return Ok(held);
        }
        word = late_argument::<T>(host, name, word, place)?;
    }
}

/// What an argument has come to that only had to be waited for; the error if it does not fit.
#[cold]
fn late_argument<T: Argument>(
    host: &mut NativeHost,
    name: &str,
    word: Word,
    place: usize,
) -> Result<Word, Error> {
    match host.arrived(word)? {
        Some(word) => Ok(word),
        None => Err(misfit::<T>(host, name, word, place)),
    }
}
