//! Extensions: tags of one's own.
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

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub use haiden_syntax::ast::{BinaryOp, CompareOp};
pub use haiden_syntax::{
    Arguments, Body, Expression, FreeName, Nodes, Parser, Signature, Statement, SyntaxError, Target,
    TokenKind, TokenRef,
};
use haiden_syntax::{CustomTags, TagSet};

use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::value::function::{BoxedFunction, CallArguments};
use crate::value::host::NativeHost;
use crate::value::object::panicked;
use crate::value::value::Value;
use crate::value::word::Word;

/// Tags of one's own: see the [module](self).
pub trait Extension: Send + Sync {
    /// A name that no other extension has: it takes part in the keys of bytecode caches.
    fn name(&self) -> &str;

    /// What changes whenever the extension makes something else of the same tag: a number, and its settings if
    /// [`parse`](Extension::parse) looks at any. It takes part in the keys of bytecode caches.
    fn version(&self) -> &str;

    /// The tags that begin its statements. Jinja2's own cannot be replaced; of two extensions with one tag, the later has it.
    fn tags(&self) -> Vec<&str>;

    /// Parses one of its tags. The parser stands behind the tag's name, and must stand at the tag's end afterwards: before
    /// its `%}`, of the last tag if there are several.
    ///
    /// # Errors
    /// What is wrong with the tag: what the parser says, or [`Parser::fail`].
    fn parse<'s>(&self, tag: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError>;

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
    fn fingerprint(&self) -> &[u8] {
        &self.fingerprint
    }
}

impl Environment {
    /// Adds tags of one's own: see [`extension`](crate::extension). One with the name of another replaces it.
    pub fn add_extension(&mut self, extension: impl Extension + 'static) {
        let set = Arc::new(self.inner.settings.extensions.with(Arc::new(extension)));
        self.change(|settings| {
            settings.options.outside = true;
            settings.options.syntax.custom_tags = CustomTags::new(set.clone());
            settings.extensions = set;
        });
    }
}
