//! [`BuiltinHost`]: what the builtin filters and tests ask of a host beyond [`Host`], in Python's terms.
//!
//! A verb does what the Python function or method of the same name does, including its exceptions. What can be said
//! with the verbs of [`Host`] (arithmetic, comparison, truth, item access, iteration, lists, tuples) is not here.
//!
//! A builtin asks several verbs and cannot be stopped between them: while it runs, no verb may suspend. A host that
//! suspends does so before or after the whole filter or test.

use crate::host::{BinaryOp, Host, Undefined};

/// The name of the type that has the methods of text without being text.
pub(super) const BYTES: &str = "bytes";

/// A world of values that the builtins can work on.
pub trait BuiltinHost: Host {
    // ---- what a value is ----------------------------------------------------------------------------------------

    /// The kind of a value.
    fn kind(&self, value: &Self::Register) -> ValueKind;
    /// The text of a value that is a `str` (markup included); else `None`.
    fn text<'a>(&'a self, value: &'a Self::Register) -> Option<&'a str>;
    /// Is the value a `Markup`?
    fn is_markup(&self, value: &Self::Register) -> bool;
    /// Has the value an `__html__` method?
    fn has_html(&mut self, value: &Self::Register) -> bool {
        self.is_markup(value)
    }
    /// Is the value undefined (or missing)?
    fn is_undefined(&self, value: &Self::Register) -> bool {
        self.kind(value) == ValueKind::Undefined
    }
    /// Can `len(value)` be had, and has it `__getitem__`?
    fn is_sequence(&mut self, value: &Self::Register) -> Result<bool, Self::Error>;
    /// Does `iter(value)` work? An exception other than `TypeError` is the verb's.
    fn is_iterable(&mut self, value: &Self::Register) -> Result<bool, Self::Error>;
    /// `callable(value)`.
    fn is_callable(&self, value: &Self::Register) -> bool;
    /// `left is right`.
    fn is_identical(&self, left: &Self::Register, right: &Self::Register) -> bool;
    /// `type(value).__name__`.
    fn type_name(&self, value: &Self::Register) -> String;
    /// `repr(value)`.
    fn repr(&mut self, value: &Self::Register) -> Result<String, Self::Error>;
    /// What the error says that using this undefined value raises.
    fn undefined_message(&mut self, value: &Self::Register) -> String;

    // ---- texts --------------------------------------------------------------------------------------------------

    /// A new text.
    fn new_text(&mut self, text: &str, markup: bool) -> Result<Self::Register, Self::Error>;
    /// The bytes of Python's `bytes`, if the host keeps such values itself.
    fn byte_string(&self, _value: &Self::Register) -> Option<&[u8]> {
        None
    }
    /// `str(value)`: never markup.
    fn plain_str(&mut self, value: &Self::Register) -> Result<Self::Register, Self::Error>;
    /// `markupsafe.soft_str(value)`: `str(value)`, but a text (markup too) is returned as it is.
    fn soft_str(&mut self, value: &Self::Register) -> Result<Self::Register, Self::Error>;
    /// `markupsafe.escape(value)`.
    fn escape(&mut self, value: &Self::Register) -> Result<Self::Register, Self::Error>;
    /// `value.__html__()` of a value for which [`BuiltinHost::has_html`] is true.
    fn html(&mut self, value: &Self::Register) -> Result<Self::Register, Self::Error> {
        Ok(value.clone())
    }
    /// Appends `str(value)`; with `escape`, `markupsafe.escape(value)`.
    fn push_text(
        &mut self,
        into: &mut String,
        value: &Self::Register,
        escape: bool,
    ) -> Result<(), Self::Error> {
        let text = if escape { self.escape(value)? } else { self.plain_str(value)? };
        into.push_str(self.text(&text).unwrap_or_default());
        Ok(())
    }
    /// A transformation of a text. `text` is one ([`BuiltinHost::text`] returns something). [`super::text::apply`] does
    /// it.
    fn text_filter(&mut self, op: TextOp<'_>, text: &Self::Register) -> Result<String, Self::Error>;
    /// The number of words (`\w+`) in a text: [`super::text::wordcount`].
    fn wordcount(&mut self, text: &Self::Register) -> Result<usize, Self::Error>;

    // ---- numbers ------------------------------------------------------------------------------------------------

    /// Is it Python's `TypeError`?
    fn is_type_error(&self, error: &Self::Error) -> bool;
    /// `operator.index(value)`; an `OverflowError` if it is too large.
    fn to_index(&mut self, value: &Self::Register) -> Result<i64, Self::Error>;
    /// `abs(value)`.
    fn absolute(&mut self, value: &Self::Register) -> Result<Self::Register, Self::Error>;
    /// `int(value, base)` for a text, else `int(value)`; where that raises `TypeError` or `ValueError`,
    /// `int(float(value))`; `None` where that raises one of them or `OverflowError`. No base: what was given is no
    /// integer, so `int(text, base)` raises `TypeError`.
    fn number_int(
        &mut self,
        value: &Self::Register,
        base: Option<i64>,
    ) -> Result<Option<Self::Register>, Self::Error>;
    /// `float(value)`; `None` where that raises `TypeError` or `ValueError`.
    fn number_float(&mut self, value: &Self::Register) -> Result<Option<Self::Register>, Self::Error>;
    /// A float.
    fn new_float(&mut self, value: f64) -> Result<Self::Register, Self::Error>;
    /// `round(value, precision)`, or `ceil(value * 10**precision) / 10**precision`, or that with `floor`. No precision
    /// (`None` was given): `round(value)` resp. the `TypeError` of `10 ** None`.
    fn round(
        &mut self,
        value: &Self::Register,
        precision: Option<i64>,
        method: RoundMethod,
    ) -> Result<Self::Register, Self::Error>;
    /// `sum(items, start)`, where `start` is no text. This adds one after the other, as CPython does before 3.12; later
    /// versions compensate for the rounding of floats.
    fn sum(
        &mut self,
        items: &[Self::Register],
        start: &Self::Register,
    ) -> Result<Self::Register, Self::Error> {
        let mut total = start.clone();
        for item in items {
            total = self.binary(BinaryOp::Add, &total, item)?;
        }
        Ok(total)
    }
    /// `float(value)`. Unlike with [`BuiltinHost::number_float`], what `float` raises is raised: `TypeError` for what is
    /// neither text nor number.
    fn real(&mut self, value: &Self::Register) -> Result<f64, Self::Error>;
    /// A random number below `below`, which is not 0.
    fn random_below(&mut self, below: usize) -> usize;

    // ---- collections --------------------------------------------------------------------------------------------

    /// `len(value)`.
    fn length(&mut self, value: &Self::Register) -> Result<usize, Self::Error>;
    /// The items of `iter(value)`.
    fn collect(&mut self, value: &Self::Register) -> Result<Vec<Self::Register>, Self::Error> {
        let mut iterator = self.iterate(value)?;
        let mut items = Vec::with_capacity(self.remaining(&iterator).unwrap_or(0).min(1 << 16));
        while let Some(item) = self.next(&mut iterator)? {
            items.push(item);
        }
        Ok(items)
    }
    /// The items of a mapping; `None` if it is none (`collections.abc.Mapping`).
    fn items(&mut self, value: &Self::Register) -> Result<Option<Items<Self>>, Self::Error>;
    /// `reversed(value)`; `None` if that raises `TypeError`.
    fn reversed(&mut self, value: &Self::Register) -> Result<Option<Self::Register>, Self::Error>;
    /// The places of the keys that equal no key before them, by Python's hash and `==`; `TypeError` for a key that
    /// cannot be hashed.
    fn unique(&mut self, keys: &[Self::Register]) -> Result<Vec<usize>, Self::Error>;
    /// The tuple of `groupby`: `(grouper, list)` with these names as attributes.
    fn group(
        &mut self,
        grouper: Self::Register,
        items: Vec<Self::Register>,
    ) -> Result<Self::Register, Self::Error>;
    /// A generator (it can be iterated once and has no length) of these items; `name` is the Python function's.
    fn generator(
        &mut self,
        name: &'static str,
        items: Vec<Self::Register>,
    ) -> Result<Self::Register, Self::Error>;
    /// As [`BuiltinHost::generator`], one that fails behind these items: a host whose generators cannot fails at once.
    fn generator_until(
        &mut self,
        _name: &'static str,
        _items: Vec<Self::Register>,
        error: Self::Error,
    ) -> Result<Self::Register, Self::Error> {
        Err(error)
    }
    /// A filter is about to make this many values or bytes out of numbers that a template gave: the error if that is
    /// over the host's limits.
    fn reserve(&mut self, _count: usize) -> Result<(), Self::Error> {
        Ok(())
    }

    // ---- objects ------------------------------------------------------------------------------------------------

    /// `receiver.name(*arguments)`, a Python method (not through the template's attribute rules).
    fn method(
        &mut self,
        context: &Self::Context,
        receiver: &Self::Register,
        name: &'static str,
        arguments: &[Self::Register],
    ) -> Result<Self::Register, Self::Error>;
    /// Jinja's `attr` filter: the attribute, never the item; undefined if there is none.
    fn attribute(
        &mut self,
        value: &Self::Register,
        name: &Self::Register,
    ) -> Result<Self::Register, Self::Error>;
    /// `template % arguments`, resp. `template % keywords` if there are any. `template` is a text.
    fn format_percent(
        &mut self,
        template: &Self::Register,
        arguments: &[Self::Register],
        keywords: &[(String, Self::Register)],
    ) -> Result<Self::Register, Self::Error>;
    /// `json.dumps(value, sort_keys=True, indent=indent)` (or what the environment's policies say instead), not yet
    /// safe for HTML.
    fn to_json(&mut self, value: &Self::Register, indent: Option<&str>) -> Result<String, Self::Error>;
    /// `pprint.pformat(value)`. This knows `dict`, `list`, `tuple` and `str`.
    fn pretty(&mut self, value: &Self::Register) -> Result<String, Self::Error> {
        super::pretty::pretty(self, value)
    }

    // ---- the environment ----------------------------------------------------------------------------------------

    /// A name, for a call's keyword argument.
    fn link_name(&mut self, name: &str) -> Self::Name;
    /// The environment's filter of this name.
    fn named_filter(&mut self, name: &str) -> Option<Self::Filter>;
    /// The environment's test of this name.
    fn named_test(&mut self, name: &str) -> Option<Self::Test>;
    /// The policy `truncate.leeway`.
    fn truncate_leeway(&self) -> i64 {
        5
    }
    /// The policy `urlize.rel`.
    fn urlize_rel(&self) -> Option<String> {
        Some("noopener".to_owned())
    }
    /// The policy `urlize.target`.
    fn urlize_target(&self) -> Option<String> {
        None
    }
    /// The policy `urlize.extra_schemes`.
    fn urlize_extra_schemes(&self) -> Vec<String> {
        Vec::new()
    }
    /// The environment's `newline_sequence`.
    fn newline_sequence(&self) -> &'static str {
        "\n"
    }
    /// Makes an undefined value that says `hint`.
    fn undefined_hint(&mut self, hint: &str) -> Result<Self::Register, Self::Error> {
        self.undefined(Undefined::Hint(hint))
    }
    /// An exception.
    fn error(&mut self, class: ErrorClass, message: String) -> Self::Error;
}

/// The items of a mapping.
pub type Items<H> = Vec<(<H as Host>::Register, <H as Host>::Register)>;

/// What a value is, as far as the tests distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Undefined, or missing.
    Undefined,
    /// `None`.
    None,
    /// `True` or `False`.
    Bool,
    /// An `int` (no `bool`).
    Int,
    /// A `float`.
    Float,
    /// Another `numbers.Number`.
    OtherNumber,
    /// A `str`.
    Text,
    /// A `collections.abc.Mapping`.
    Mapping,
    /// Anything else.
    Other,
}

/// How [`BuiltinHost::round`] rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the methods' names")]
pub enum RoundMethod {
    Common,
    Ceil,
    Floor,
}

/// The class of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the classes' names")]
pub enum ErrorClass {
    FilterArgument,
    TemplateRuntime,
    Type,
    Value,
    Assertion,
    Attribute,
    Index,
    Overflow,
    ZeroDivision,
}

/// What [`BuiltinHost::text_filter`] does.
#[derive(Clone, Copy, Debug)]
pub enum TextOp<'a> {
    /// Jinja's `title`.
    Title,
    /// `Markup.striptags`.
    StripTags,
    /// `urllib.parse.quote`; for a query, `/` is quoted too and a space is `+`.
    Quote {
        /// For a query?
        for_query: bool,
    },
    /// Each line through `textwrap.wrap`.
    WordWrap {
        /// The width.
        width: i64,
        /// Break words that are longer?
        break_long_words: bool,
        /// What stands between lines.
        wrapstring: &'a str,
        /// Break after hyphens?
        break_on_hyphens: bool,
    },
    /// Jinja's `urlize`, of a text that is escaped.
    Urlize {
        /// The longest text of a link.
        trim_url_limit: Option<i64>,
        /// The `rel` argument.
        rel: Option<&'a str>,
        /// Add `nofollow` to it? The policy's words are added in any case.
        nofollow: bool,
        /// The `target` attribute (the policy's already, if none was given).
        target: Option<&'a str>,
        /// Further schemes; each is to be checked (`FilterArgumentError`).
        extra_schemes: &'a [String],
    },
}
