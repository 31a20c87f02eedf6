//! An environment for chat templates: the settings that `transformers` renders them with.
//!
//! In: a function that tells the time. Out: an [`Environment`], and [`Generations`], which says what of a page its
//! `{% generation %}` tags have written.
//!
//! - white space: `trim_blocks`, `lstrip_blocks`; nothing is escaped
//! - `{% break %}`, `{% continue %}`; `{% generation %}…{% endgeneration %}`
//! - a sandbox in which nothing can be changed
//! - `tojson` with the arguments of Python's `json.dumps`, without escapes for HTML, keys in their own order
//! - `raise_exception(message)`, `strftime_now(format)`

use std::sync::{Arc, Mutex, PoisonError};

use haiden::extension::{Call, Extension, Parser, Signature, Statement, SyntaxError};
use haiden::{Environment, Error, ErrorKind, Extensions, JsonOptions, KeywordArguments, Sandbox, Value};

/// An environment for templates of people whom nobody knows.
pub(crate) fn environment(
    now: impl Fn(&str) -> String + Send + Sync + 'static,
    generations: Generations,
) -> Environment {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_extensions(Extensions::LOOP_CONTROLS);
    environment.add_extension(generations);
    environment.set_sandbox(Some(Sandbox::immutable()));
    environment.add_filter("tojson", to_json);
    environment.add_function("raise_exception", |message: Value| -> Result<String, Error> {
        Err(Error::new(ErrorKind::Runtime, message.to_string()))
    });
    environment.add_function("strftime_now", move |format: &str| now(format));
    environment
}

/// `json.dumps`, with its arguments by name.
#[expect(clippy::needless_pass_by_value, reason = "a filter gets values")]
fn to_json(value: Value, keywords: KeywordArguments) -> Result<String, Error> {
    keywords.only(&["ensure_ascii", "indent", "separators", "sort_keys"])?;
    let flag = |name: &str| keywords.get(name).and_then(Value::as_bool).unwrap_or(false);
    let options = JsonOptions {
        ensure_ascii: flag("ensure_ascii"),
        sort_keys: flag("sort_keys"),
        indent: keywords.get("indent").and_then(indentation),
        separators: keywords.get("separators").and_then(separators),
    };
    value.to_json(&options)
}

/// `indent=2` or `indent='\t'`
fn indentation(indent: &Value) -> Option<String> {
    let blanks = |count: i64| " ".repeat(usize::try_from(count).unwrap_or(0));
    indent.as_str().map(str::to_owned).or_else(|| indent.as_i64().map(blanks))
}

/// `separators=(',', ':')`
fn separators(pair: &Value) -> Option<(String, String)> {
    let text = |place| pair.get_item(place)?.as_str().map(str::to_owned);
    Some((text(0)?, text(1)?))
}

/// What `{% generation %}` tags wrote: the parts of a page that the model said itself.
#[derive(Clone, Default)]
pub(crate) struct Generations {
    texts: Arc<Mutex<Vec<String>>>,
}

impl Generations {
    /// The texts since the last call, in their order.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.texts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Extension for Generations {
    fn name(&self) -> &'static str {
        "chat.Generations"
    }
    fn version(&self) -> &'static str {
        "1"
    }
    fn tags(&self) -> Vec<&str> {
        vec!["generation"]
    }
    fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
        let (body, _) = parser.parse_body(&["endgeneration"])?;
        let call = parser.nodes().call_method("generated", [])?;
        Ok(vec![parser.nodes().call_block(call, Signature::default(), body)?])
    }
    fn call(&self, _: &str, call: &mut Call<'_>) -> Result<Value, Error> {
        let text = call.caller(&[])?;
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_string());
        Ok(text)
    }
}
