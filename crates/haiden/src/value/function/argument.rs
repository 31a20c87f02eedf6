//! The types that arguments can have.

use std::sync::Arc;

use super::{Argument, KeywordArguments, Source};
use crate::error::Error;
use crate::python::number::{Int, Number};
use crate::value::host::NativeHost;
use crate::value::object::{Foreign, Object};
use crate::value::state::State;
use crate::value::typed::downcast;
use crate::value::value::Value;
use crate::value::word::{Str, Word};

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
            fn give<'a>(held: &'a $Type, _: &'a Source<'a>) -> $Type {
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

/// A text that is held: where it lies in the host, or itself.
#[doc(hidden)]
pub enum Text {
    There(Str),
    Own(Box<str>),
}

impl Argument for &str {
    type Held = Text;
    type Given<'a> = &'a str;
    fn hold(_: &mut NativeHost, word: Word) -> Option<Text> {
        match word {
            Word::Str(text) => Some(Text::There(text)),
            _ => None,
        }
    }
    fn detach(held: &mut Text, host: &NativeHost) {
        if let Text::There(text) = held {
            *held = Text::Own(host.str(*text).into());
        }
    }
    fn give<'a>(held: &'a Text, source: &'a Source<'a>) -> &'a str {
        match (held, source) {
            (Text::Own(text), _) => text,
            (Text::There(text), Source::Host(host)) => host.str(*text),
            (Text::There(_), Source::State(_)) => {
                unreachable!("what is held is detached before there is a state")
            }
        }
    }
    const NAME: &'static str = "text";
}

impl Argument for String {
    type Held = Text;
    type Given<'a> = String;
    fn hold(host: &mut NativeHost, word: Word) -> Option<Text> {
        <&str>::hold(host, word)
    }
    fn detach(held: &mut Text, host: &NativeHost) {
        <&str>::detach(held, host);
    }
    fn give<'a>(held: &'a Text, source: &'a Source<'a>) -> String {
        <&str>::give(held, source).to_owned()
    }
    const NAME: &'static str = "text";
}

impl Argument for Value {
    type Held = Value;
    type Given<'a> = Value;
    fn hold(host: &mut NativeHost, word: Word) -> Option<Value> {
        if let Word::Foreign { .. } = word
            && host.is_future(word)
        {
            return None;
        }
        host.value(word).ok()
    }
    fn give<'a>(held: &'a Value, _: &'a Source<'a>) -> Value {
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
    fn misfit(host: &mut NativeHost, word: Word) -> Option<Error> {
        T::misfit(host, word)
    }
    fn left_out() -> Option<Self::Held> {
        Some(None)
    }
    fn detach(held: &mut Self::Held, host: &NativeHost) {
        if let Some(held) = held {
            T::detach(held, host);
        }
    }
    fn give<'a>(held: &'a Self::Held, source: &'a Source<'a>) -> Self::Given<'a> {
        held.as_ref().map(|held| T::give(held, source))
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
    fn detach(held: &mut Self::Held, host: &NativeHost) {
        for held in held {
            T::detach(held, host);
        }
    }
    fn give<'a>(held: &'a Self::Held, source: &'a Source<'a>) -> Self::Given<'a> {
        held.iter().map(|held| T::give(held, source)).collect()
    }
    const NAME: &'static str = "a list of the right items";
}

impl Argument for &State<'_> {
    type Held = ();
    type Given<'a> = &'a State<'a>;
    fn hold(_: &mut NativeHost, _: Word) -> Option<()> {
        None
    }
    fn left_out() -> Option<()> {
        Some(())
    }
    fn give<'a>((): &'a (), source: &'a Source<'a>) -> &'a State<'a> {
        match source {
            Source::State(state) => state,
            Source::Host(_) => unreachable!("a function that takes a state is given one"),
        }
    }
    const NAME: &'static str = "the state, which is no argument";
    const TAKES_STATE: bool = true;
}

impl<T: Object> Argument for Arc<T> {
    type Held = Arc<T>;
    type Given<'a> = Arc<T>;
    fn hold(host: &mut NativeHost, word: Word) -> Option<Arc<T>> {
        let Word::Foreign { slot, index } = word else { return None };
        match host.foreign(slot, index) {
            Foreign::Object(object) => downcast(object),
            Foreign::Function(_) | Foreign::Deferred(_) => None,
        }
    }
    fn give<'a>(held: &'a Arc<T>, _: &'a Source<'a>) -> Arc<T> {
        held.clone()
    }
    const NAME: &'static str = "an object of another type";
}

/// Implements [`Argument`] for references to what is held.
macro_rules! reference_argument {
    ([$($Parameter:tt)*] $Type:ty, $Held:ty) => {
        impl<$($Parameter)*> Argument for &$Type {
            type Held = $Held;
            type Given<'a> = &'a $Type;
            fn hold(host: &mut NativeHost, word: Word) -> Option<$Held> {
                <$Held>::hold(host, word)
            }
            fn give<'a>(held: &'a $Held, _: &'a Source<'a>) -> &'a $Type {
                held
            }
            const NAME: &'static str = <$Held>::NAME;
            const TAKES_UNDEFINED: bool = <$Held>::TAKES_UNDEFINED;
            const TAKES_KEYWORDS: bool = <$Held>::TAKES_KEYWORDS;
            fn hold_keywords(
                host: &mut NativeHost,
                name: &str,
                keywords: &[(&str, Word)],
            ) -> Result<Option<$Held>, Error> {
                <$Held>::hold_keywords(host, name, keywords)
            }
        }
    };
}
reference_argument!([] Value, Value);
reference_argument!([] KeywordArguments, KeywordArguments);
reference_argument!([T: Object] T, Arc<T>);
