//! Arguments and results that go through serde.

use std::cell::Cell;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Argument, Returned, Source};
use crate::error::Error;
use crate::value::host::NativeHost;
use crate::value::value::Value;
use crate::value::word::Word;

/// An argument that serde deserializes, or a result that it serializes: for types of your own.
///
/// ```
/// use haiden::{Environment, Serde, context};
///
/// #[derive(serde::Deserialize)]
/// struct Line { price: f64, count: Option<u32> }
///
/// #[derive(serde::Serialize)]
/// struct Total { sum: f64, lines: usize }
///
/// let mut environment = Environment::new();
/// environment.add_filter("total", |Serde(lines): Serde<Vec<Line>>| {
///     let sum = lines.iter().map(|line| line.price * f64::from(line.count.unwrap_or(1))).sum();
///     Serde(Total { sum, lines: lines.len() })
/// });
/// let page = environment.render_str("{{ [{'price': 2.5}, {'price': 1, 'count': 3}]|total }}", context! {})?;
/// assert_eq!(page, "{'sum': 5.5, 'lines': 2}");
///
/// let error = environment.render_str("{{ [{'price': 1}, {'price': 'x'}]|total }}", context! {}).unwrap_err();
/// assert_eq!(error.message(), "total() argument 1: [1].price: invalid type: string \"x\", expected f64");
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Serde<T>(pub T);

impl<T: DeserializeOwned> Argument for Serde<T> {
    type Held = Cell<Option<T>>;
    type Given<'a> = Serde<T>;
    fn hold(host: &mut NativeHost, word: Word) -> Option<Self::Held> {
        let value = host.value(word).ok()?;
        value.deserialize_into().ok().map(|data| Cell::new(Some(data)))
    }
    fn misfit(host: &mut NativeHost, word: Word) -> Option<Error> {
        let value = match host.value(word) {
            Ok(value) => value,
            Err(error) => return Some(error),
        };
        value.deserialize_into::<T>().err()
    }
    fn give<'a>(held: &'a Self::Held, _: &'a Source<'a>) -> Serde<T> {
        Serde(held.take().expect("an argument is given once"))
    }
    const NAME: &'static str = "data of another type";
}

impl<T: Serialize> Returned for Serde<T> {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        host.import(&Value::from_serialize(&self.0)?)
    }
}
