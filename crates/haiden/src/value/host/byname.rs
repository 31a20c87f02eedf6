//! Filters and tests that Rust calls by their names.

use haiden_runtime::builtins::{BuiltinHost, FILTER_SPECS, Spec, TEST_SPECS, suggest};
use haiden_runtime::{Arguments, Host, Keyword, Shape};

use crate::error::{Error, ErrorKind};
use crate::value::host::undefined::quoted;
use crate::value::host::{Name, NativeHost};
use crate::value::object::Keywords;
use crate::value::value::Value;
use crate::value::word::Word;

impl NativeHost {
    /// Applies a filter in a context.
    pub(crate) fn call_filter(
        &mut self,
        context: u32,
        name: &str,
        value: &Value,
        (positional, keywords): (&[Value], Keywords<'_>),
    ) -> Result<Value, Error> {
        let Some(filter) = self.named_filter(name) else { return Err(self.no_such(name, true)) };
        let value = self.import(value)?;
        let (values, shape) = self.arguments_of(positional, keywords)?;
        let outcome = self.filter(&context, &filter, &value, Arguments { values: &values, shape: &shape })?;
        self.value(outcome)
    }

    /// Asks a test in a context.
    pub(crate) fn call_test(
        &mut self,
        context: u32,
        name: &str,
        value: &Value,
        (positional, keywords): (&[Value], Keywords<'_>),
    ) -> Result<bool, Error> {
        let Some(test) = self.named_test(name) else { return Err(self.no_such(name, false)) };
        let value = self.import(value)?;
        let (values, shape) = self.arguments_of(positional, keywords)?;
        self.test(&context, &test, &value, Arguments { values: &values, shape: &shape })
    }

    fn arguments_of(
        &mut self,
        positional: &[Value],
        keywords: Keywords<'_>,
    ) -> Result<(Vec<Word>, Shape<NativeHost>), Error> {
        let all = positional.iter().chain(keywords.iter().map(|(_, value)| value));
        let values = all.map(|value| self.import(value)).collect::<Result<Vec<_>, _>>()?;
        let names = keywords.iter().map(|(name, _)| Keyword { text: (*name).into(), name: Name::new(name) });
        let shape =
            Shape { positional: positional.len(), keywords: names.collect(), star: false, star_star: false };
        Ok((values, shape))
    }

    #[cold]
    fn no_such(&self, name: &str, is_filter: bool) -> Error {
        let (what, specs) = if is_filter { ("filter", FILTER_SPECS) } else { ("test", TEST_SPECS) };
        let mut names = self.templates().user_names(is_filter);
        names.extend(specs.iter().flat_map(Spec::names).map(str::to_owned));
        let near =
            suggest(name, names.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
        Error::new(ErrorKind::Runtime, format!("No {what} named {}.", quoted(name))).with_hint(near)
    }
}
