//! Extensions: tags of one's own, and changes to sources ([`Preprocessor`]) and their tokens ([`StreamFilter`]) before they are
//! parsed.
//!
//! An [`Extension`] says which tags it has and parses them with the template's own [`Parser`]: it reads what stands in the tag,
//! takes bodies, and builds with [`Nodes`] what the tag means, out of what templates can do anyway. What it does when the
//! template is rendered is a method ([`Extension::call`]) that the nodes call.
//!
//! ```
//! use haiden::extension::{Call, Extension, Parser, Signature, Statement, SyntaxError};
//! use haiden::{Environment, Error, Value, context};
//!
//! /// `{% shout %}…{% endshout %}`: its body, louder.
//! struct Shout;
//!
//! impl Extension for Shout {
//!     fn name(&self) -> &str { "app.Shout" }
//!     fn version(&self) -> &str { "1" }
//!     fn tags(&self) -> Vec<&str> { vec!["shout"] }
//!
//!     fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
//!         let (body, _) = parser.parse_body(&["endshout"])?;
//!         let call = parser.nodes().call_method("shout", [])?;
//!         Ok(vec![parser.nodes().call_block(call, Signature::default(), body)?])
//!     }
//!
//!     fn call(&self, _: &str, call: &mut Call<'_>) -> Result<Value, Error> {
//!         Ok(Value::from(call.caller(&[])?.to_string().to_uppercase() + "!"))
//!     }
//! }
//!
//! let mut environment = Environment::new();
//! environment.add_extension(Shout);
//! let page = environment.render_str("{% shout %}hello {{ name }}{% endshout %}", context! { name => "Ann" })?;
//! assert_eq!(page, "HELLO ANN!");
//! # Ok::<(), Error>(())
//! ```
//!
//! A tag without a call leaves nothing to do at run time: it is as fast as what it stands for.
//!
//! ```
//! use haiden::extension::{BinaryOp, Body, Extension, Parser, Statement, SyntaxError};
//! use haiden::{Environment, context};
//!
//! /// `{% unless test %}…{% endunless %}`
//! struct Unless;
//!
//! impl Extension for Unless {
//!     fn name(&self) -> &str { "app.Unless" }
//!     fn version(&self) -> &str { "1" }
//!     fn tags(&self) -> Vec<&str> { vec!["unless"] }
//!     fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
//!         let test = parser.parse_expression()?;
//!         let (body, _) = parser.parse_body(&["endunless"])?;
//!         Ok(vec![parser.nodes().if_else(test, Body::default(), body)?])
//!     }
//! }
//!
//! let mut environment = Environment::new();
//! environment.add_extension(Unless);
//! let template = environment.template_from_str("{% unless sold %}In stock{% endunless %}")?;
//! assert_eq!(template.render(context! { sold => false })?, "In stock");
//! assert_eq!(template.render(context! { sold => true })?, "");
//! let error = environment.template_from_str("\n{% unless sold %}").err().unwrap();
//! assert_eq!(error.line(), Some(2));
//! # Ok::<(), haiden::Error>(())
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub use haiden_syntax::ast::{BinaryOp, CompareOp};
pub use haiden_syntax::{
    Arguments, Body, Expression, FreeName, Nodes, Parser, Signature, Statement, StreamToken as Token,
    SyntaxError, Target, TokenKind, TokenRef,
};
use haiden_syntax::{CustomTags, TagSet};

use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::value::function::{BoxedFunction, CallArguments};
use crate::value::host::NativeHost;
use crate::value::object::panicked;
use crate::value::state::State;
use crate::value::value::Value;
use crate::value::word::Word;

/// Tags of one's own, and changes before they are parsed: see the [module](self).
pub trait Extension: Send + Sync {
    /// A name that no other extension has: it takes part in the keys of bytecode caches.
    fn name(&self) -> &str;

    /// What changes whenever the extension makes something else of the same tag: a number, and its settings if
    /// [`parse`](Extension::parse) looks at any. It takes part in the keys of bytecode caches.
    fn version(&self) -> &str;

    /// The tags that begin its statements. Jinja2's own cannot be replaced; of two extensions with one tag, the later has it.
    fn tags(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Parses one of its tags. The parser stands behind the tag's name, and must stand at the tag's end afterwards: before
    /// its `%}`, of the last tag if there are several.
    ///
    /// # Errors
    /// What is wrong with the tag: what the parser says, or [`Parser::fail`].
    fn parse<'s>(&self, tag: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
        Err(parser.fail(format!("the extension '{}' does not parse its tag '{tag}'", self.name())))
    }

    /// What changes sources before they are read, if it does: [`Preprocessor`].
    fn preprocessor(&self) -> Option<&dyn Preprocessor> {
        None
    }

    /// What changes tokens before they are parsed, if it does: [`StreamFilter`].
    fn stream_filter(&self) -> Option<&dyn StreamFilter> {
        None
    }

    /// Does what a node of [`Nodes::call_method`] asks for, while a template is rendered.
    ///
    /// # Errors
    /// What the call fails with; by default that there is no such method.
    fn call(&self, method: &str, call: &mut Call<'_>) -> Result<Value, Error> {
        let _ = call;
        let message = format!("the extension '{}' has no method '{method}'", self.name());
        Err(Error::new(ErrorKind::Attribute, message))
    }
}

/// Changes sources before they are read: Jinja2's `Extension.preprocess`.
///
/// Several extensions do so in the order in which they were added. Lines and columns of errors are those of what the last
/// one makes. What is made of a source is kept under the source's key, so it must not change unless the extension's
/// [`version`](Extension::version) does.
///
/// ```
/// use std::borrow::Cow;
///
/// use haiden::extension::{Extension, Preprocessor};
/// use haiden::{Environment, Error, context};
///
/// /// `@name` at the start of a line is short for `{% include 'name' %}`.
/// struct At;
///
/// impl Extension for At {
///     fn name(&self) -> &str { "app.At" }
///     fn version(&self) -> &str { "1" }
///     fn preprocessor(&self) -> Option<&dyn Preprocessor> { Some(self) }
/// }
///
/// impl Preprocessor for At {
///     fn preprocess<'s>(&self, source: &'s str, _: Option<&str>) -> Result<Cow<'s, str>, Error> {
///         if !source.contains('@') { return Ok(source.into()) }
///         let line = |line: &str| match line.strip_prefix('@') {
///             Some(name) => format!("{{% include '{name}' %}}"),
///             None => line.to_owned(),
///         };
///         Ok(source.split('\n').map(line).collect::<Vec<_>>().join("\n").into())
///     }
/// }
///
/// let mut environment = Environment::new();
/// environment.add_extension(At);
/// environment.add_template("head", "<{{ title }}>")?;
/// assert_eq!(environment.render_str("@head\ntext", context! { title => "T" })?, "<T>\ntext");
/// # Ok::<(), Error>(())
/// ```
pub trait Preprocessor: Send + Sync {
    /// What is read in place of a source. `name`: the template's, if it has one and [`sees_name`](Preprocessor::sees_name)
    /// says so.
    ///
    /// # Errors
    /// What is wrong with the source.
    fn preprocess<'s>(&self, source: &'s str, name: Option<&str>) -> Result<Cow<'s, str>, Error>;

    /// Does it want to know a template's name? Then equal sources of two names share no entry of a bytecode cache.
    fn sees_name(&self) -> bool {
        false
    }
}

/// Changes the tokens of sources before they are parsed: Jinja2's `Extension.filter_stream`.
///
/// It gets the tokens that the parser reads: neither comments nor white space inside of tags are among them. Several
/// extensions do so in the order in which they were added.
///
/// ```
/// use haiden::extension::{Extension, StreamFilter, SyntaxError, Token, TokenKind};
/// use haiden::{Environment, context};
///
/// /// `_(text)` outside of tags is short for `{{ gettext('text') }}`, as Jinja2's documentation has it.
/// struct InlineGettext;
///
/// impl Extension for InlineGettext {
///     fn name(&self) -> &str { "app.InlineGettext" }
///     fn version(&self) -> &str { "1" }
///     fn stream_filter(&self) -> Option<&dyn StreamFilter> { Some(self) }
/// }
///
/// impl StreamFilter for InlineGettext {
///     fn filter_stream(&self, tokens: Vec<Token>) -> Result<Vec<Token>, SyntaxError> {
///         let mut out = Vec::new();
///         for token in tokens {
///             if token.kind != TokenKind::Data { out.push(token); continue }
///             let (mut rest, line) = (token.text.as_str(), token.line);
///             while let Some((before, call)) = rest.split_once("_(") {
///                 let Some((message, after)) = call.split_once(')') else { return Err(token.fail("unclosed _(")) };
///                 out.push(Token::new(line, TokenKind::Data, before));
///                 out.push(Token::new(line, TokenKind::VariableBegin, ""));
///                 out.push(Token::new(line, TokenKind::Name, "gettext"));
///                 out.push(Token::new(line, TokenKind::LParen, "("));
///                 out.push(Token::new(line, TokenKind::String, format!("{message:?}")));
///                 out.push(Token::new(line, TokenKind::RParen, ")"));
///                 out.push(Token::new(line, TokenKind::VariableEnd, ""));
///                 rest = after;
///             }
///             out.push(Token::new(line, TokenKind::Data, rest));
///         }
///         Ok(out)
///     }
/// }
///
/// let mut environment = Environment::new();
/// environment.add_extension(InlineGettext);
/// environment.add_function("gettext", |text: &str| text.to_uppercase());
/// assert_eq!(environment.render_str("<b>_(hello)</b> {{ n }} _(you)!", context! { n => 1 })?, "<b>HELLO</b> 1 YOU!");
/// let error = environment.render_str("\n_(hello", context! {}).unwrap_err();
/// assert_eq!(error.message(), "unclosed _(");
/// # Ok::<(), haiden::Error>(())
/// ```
pub trait StreamFilter: Send + Sync {
    /// The tokens that are parsed in place of these.
    ///
    /// # Errors
    /// What is wrong with the tokens: [`Token::fail`].
    fn filter_stream(&self, tokens: Vec<Token>) -> Result<Vec<Token>, SyntaxError>;
}

/// A call of an extension's method: its arguments, and the body of a call block.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
///
/// use haiden::extension::{Call, Extension, Parser, Signature, Statement, SyntaxError};
/// use haiden::{Environment, Error, Value, context};
///
/// /// `{% cache key %}…{% endcache %}`: renders its body once for each key.
/// #[derive(Default)]
/// struct FragmentCache(Mutex<HashMap<String, Value>>);
///
/// impl Extension for FragmentCache {
///     fn name(&self) -> &str { "app.FragmentCache" }
///     fn version(&self) -> &str { "1" }
///     fn tags(&self) -> Vec<&str> { vec!["cache"] }
///
///     fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
///         let key = parser.parse_expression()?;
///         let (body, _) = parser.parse_body(&["endcache"])?;
///         let call = parser.nodes().call_method("fragment", [key])?;
///         Ok(vec![parser.nodes().call_block(call, Signature::default(), body)?])
///     }
///
///     fn call(&self, _: &str, call: &mut Call<'_>) -> Result<Value, Error> {
///         let key = call.argument(0)?.to_string();
///         if let Some(known) = self.0.lock().unwrap().get(&key) {
///             return Ok(known.clone());
///         }
///         let fragment = call.caller(&[])?;
///         self.0.lock().unwrap().insert(key, fragment.clone());
///         Ok(fragment)
///     }
/// }
///
/// let mut environment = Environment::new();
/// environment.add_extension(FragmentCache::default());
/// let template = environment.template_from_str("{% cache 'menu' %}{{ n }}{% endcache %}")?;
/// assert_eq!(template.render(context! { n => 1 })?, "1");
/// assert_eq!(template.render(context! { n => 2 })?, "1");
/// # Ok::<(), Error>(())
/// ```
pub struct Call<'a> {
    host: &'a mut NativeHost,
    arguments: CallArguments<'a>,
}

impl Call<'_> {
    /// How many arguments without a name there are.
    pub fn len(&self) -> usize {
        self.arguments.positional.len()
    }

    /// Are there no arguments without a name?
    pub fn is_empty(&self) -> bool {
        self.arguments.positional.is_empty()
    }

    /// The argument at this place; undefined if there are fewer.
    ///
    /// # Errors
    /// It cannot leave the template: a macro, say.
    pub fn argument(&mut self, place: usize) -> Result<Value, Error> {
        match self.arguments.positional.get(place) {
            Some(&word) => self.host.value(word),
            None => Ok(Value::UNDEFINED),
        }
    }

    /// The argument of this name; undefined if it was not given.
    ///
    /// ```
    /// use haiden::extension::{Call, Extension, Parser, Statement, SyntaxError};
    /// use haiden::{Environment, Error, Value, context};
    ///
    /// /// `{% icon 'home' %}`, and what of it is given by name.
    /// struct Icons;
    ///
    /// impl Extension for Icons {
    ///     fn name(&self) -> &str { "app.Icons" }
    ///     fn version(&self) -> &str { "1" }
    ///     fn tags(&self) -> Vec<&str> { vec!["icon"] }
    ///     fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
    ///         let name = parser.parse_expression()?;
    ///         let call = parser.nodes().call_method("icon", [name])?;
    ///         Ok(vec![parser.nodes().print(call)])
    ///     }
    ///     fn call(&self, _: &str, call: &mut Call<'_>) -> Result<Value, Error> {
    ///         let size = call.keyword("size")?;
    ///         assert!(size.is_undefined() && call.len() == 1 && !call.has_caller());
    ///         Ok(Value::from(format!("<svg {}>", call.argument(0)?)))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.add_extension(Icons);
    /// assert_eq!(environment.render_str("{% icon 'home' %}", context! {})?, "<svg home>");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`argument`](Call::argument).
    pub fn keyword(&mut self, name: &str) -> Result<Value, Error> {
        match self.named(name) {
            Some(word) => self.host.value(word),
            None => Ok(Value::UNDEFINED),
        }
    }

    fn named(&self, name: &str) -> Option<Word> {
        self.arguments.keywords.iter().find(|(known, _)| *known == name).map(|(_, word)| *word)
    }

    /// The render that calls: its variables, its template, its environment.
    ///
    /// ```
    /// use haiden::extension::{Call, Extension, Parser, Statement, SyntaxError};
    /// use haiden::{Environment, Error, Value, context};
    ///
    /// /// `{% whoami %}`: the name of the user that the page is rendered for.
    /// struct WhoAmI;
    ///
    /// impl Extension for WhoAmI {
    ///     fn name(&self) -> &str { "app.WhoAmI" }
    ///     fn version(&self) -> &str { "1" }
    ///     fn tags(&self) -> Vec<&str> { vec!["whoami"] }
    ///     fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
    ///         let call = parser.nodes().call_method("name", [])?;
    ///         Ok(vec![parser.nodes().print(call)])
    ///     }
    ///     fn call(&self, _: &str, call: &mut Call<'_>) -> Result<Value, Error> {
    ///         Ok(call.state().lookup("user")?.unwrap_or_else(|| "nobody".into()))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.add_extension(WhoAmI);
    /// assert_eq!(environment.render_str("{% whoami %}", context! { user => "Ann" })?, "Ann");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn state(&mut self) -> State<'_> {
        State::new(self.host)
    }

    /// Is it the call of a call block, which has a body?
    pub fn has_caller(&self) -> bool {
        self.named("caller").is_some()
    }

    /// Renders the body of the call block: markup where autoescape is on.
    ///
    /// # Errors
    /// There is none, or what it fails with.
    pub fn caller(&mut self, arguments: &[Value]) -> Result<Value, Error> {
        let Some(caller) = self.named("caller") else {
            return Err(Error::new(ErrorKind::Undefined, "No caller defined"));
        };
        let arguments =
            arguments.iter().map(|value| self.host.import(value)).collect::<Result<Vec<_>, _>>()?;
        let outcome = self.host.call_back(caller, &arguments)?;
        self.host.value(outcome)
    }
}

/// The extensions of an environment.
#[derive(Clone, Default)]
pub(crate) struct ExtensionSet {
    /// Each with its name.
    list: Vec<(String, Arc<dyn Extension>)>,
    by_tag: BTreeMap<String, usize>,
    fingerprint: Vec<u8>,
}

impl ExtensionSet {
    /// These and one more, which replaces one of its name.
    fn with(&self, extension: Arc<dyn Extension>) -> ExtensionSet {
        let name = extension.name().to_owned();
        let mut list = self.list.clone();
        list.retain(|(known, _)| *known != name);
        list.push((name, extension));
        let mut set = ExtensionSet { list, ..ExtensionSet::default() };
        for (place, (name, extension)) in set.list.iter().enumerate() {
            set.by_tag.extend(extension.tags().into_iter().map(|tag| (tag.to_owned(), place)));
            for part in [name, extension.version()] {
                set.fingerprint.extend((part.len() as u32).to_le_bytes());
                set.fingerprint.extend(part.as_bytes());
            }
        }
        set
    }

    /// Does a template's name have a say in what is compiled?
    pub(crate) fn sees_names(&self) -> bool {
        self.preprocessors().any(|(_, hook)| hook.sees_name())
    }

    fn preprocessors(&self) -> impl Iterator<Item = (&str, &dyn Preprocessor)> {
        self.list.iter().filter_map(|(name, extension)| Some((&**name, extension.preprocessor()?)))
    }

    /// What is read in place of a source.
    pub(crate) fn preprocess<'s>(&self, source: &'s str, name: Option<&str>) -> Result<Cow<'s, str>, Error> {
        let mut text = Cow::Borrowed(source);
        for (extension, hook) in self.preprocessors() {
            let name = name.filter(|_| hook.sees_name());
            let outcome = catch_unwind(AssertUnwindSafe(|| match &text {
                Cow::Borrowed(text) => hook.preprocess(text, name),
                Cow::Owned(text) => hook.preprocess(text, name).map(|text| Cow::Owned(text.into_owned())),
            }));
            text = outcome
                .unwrap_or_else(|panic| Err(panicked(&format!("the extension '{extension}'"), &*panic)))?;
        }
        Ok(text)
    }

    /// A method of an extension as a function.
    pub(crate) fn method(&self, identifier: &str, method: &str) -> Option<BoxedFunction> {
        let (name, extension) = self.list.iter().find(|(name, _)| name == identifier)?;
        let (extension, called) = (extension.clone(), method.to_owned());
        let call = move |host: &mut NativeHost, arguments: CallArguments<'_>| {
            let outcome = extension.call(&called, &mut Call { host, arguments })?;
            host.import(&outcome)
        };
        Some(BoxedFunction { name: format!("{name}.{method}").into(), call: Arc::new(call) })
    }
}

impl TagSet for ExtensionSet {
    fn tags(&self) -> Vec<String> {
        self.by_tag.keys().cloned().collect()
    }
    fn owner(&self, tag: &str) -> Option<&str> {
        self.by_tag.get(tag).map(|&place| &*self.list[place].0)
    }
    fn parse<'s>(&self, tag: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
        let Some(&place) = self.by_tag.get(tag) else { return Err(parser.fail("no such tag")) };
        let (name, extension) = &self.list[place];
        let outcome = catch_unwind(AssertUnwindSafe(|| extension.parse(tag, &mut *parser)));
        outcome.unwrap_or_else(|panic| {
            Err(parser.fail(panicked(&format!("the extension '{name}'"), &*panic).message()))
        })
    }
    fn filters_stream(&self) -> bool {
        self.list.iter().any(|(_, extension)| extension.stream_filter().is_some())
    }
    fn filter_stream(&self, mut tokens: Vec<Token>) -> Result<Vec<Token>, SyntaxError> {
        for (name, extension) in &self.list {
            let Some(filter) = extension.stream_filter() else { continue };
            let first = tokens.first().map_or_else(
                || Token::new(1, TokenKind::Eof, ""),
                |token| Token::new(token.line, TokenKind::Eof, ""),
            );
            let outcome = catch_unwind(AssertUnwindSafe(|| filter.filter_stream(tokens)));
            tokens = outcome.unwrap_or_else(|panic| {
                Err(first.fail(panicked(&format!("the extension '{name}'"), &*panic).message()))
            })?;
        }
        Ok(tokens)
    }
    fn fingerprint(&self) -> &[u8] {
        &self.fingerprint
    }
}

impl Environment {
    /// Adds tags of one's own: see [`extension`](crate::extension). One with the name of another replaces it.
    ///
    /// ```
    /// use haiden::extension::{Extension, Parser, Statement, SyntaxError};
    ///
    /// /// `{% hr %}` prints a line.
    /// struct Rule;
    ///
    /// impl Extension for Rule {
    ///     fn name(&self) -> &str { "app.Rule" }
    ///     fn version(&self) -> &str { "1" }
    ///     fn tags(&self) -> Vec<&str> { vec!["hr"] }
    ///     fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
    ///         Ok(vec![parser.nodes().text("<hr>")])
    ///     }
    /// }
    ///
    /// let mut environment = haiden::Environment::new();
    /// environment.add_extension(Rule);
    /// assert_eq!(environment.render_str("a{% hr %}b", haiden::context! {})?, "a<hr>b");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn add_extension(&mut self, extension: impl Extension + 'static) {
        let set = Arc::new(self.inner.settings.extensions.with(Arc::new(extension)));
        self.change(|settings| {
            settings.options.outside = true;
            settings.options.syntax.custom_tags = CustomTags::new(set.clone());
            settings.extensions = set;
        });
    }
}
