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

mod call;
mod hooks;
mod set;

use std::sync::Arc;

use haiden_syntax::CustomTags;
pub use haiden_syntax::ast::{BinaryOp, CompareOp};
pub use haiden_syntax::{
    Arguments, Body, Expression, FreeName, Nodes, Parser, Signature, Statement, StreamToken as Token,
    SyntaxError, Target, TokenKind, TokenRef,
};

pub use self::call::Call;
pub use self::hooks::{Preprocessor, StreamFilter};
pub(crate) use self::set::ExtensionSet;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::value::value::Value;

/// Tags of one's own, and changes before they are parsed: see the [module](self).
///
/// ```
/// use haiden::extension::{Extension, Parser, Statement, SyntaxError};
/// use haiden::{Environment, context};
///
/// /// `{% br %}`
/// struct Break;
///
/// impl Extension for Break {
///     fn name(&self) -> &str { "app.Break" }
///     fn version(&self) -> &str { "1" }
///     fn tags(&self) -> Vec<&str> { vec!["br"] }
///     fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
///         let text = parser.nodes().string("<br>");
///         Ok(vec![parser.nodes().print(text)])
///     }
/// }
///
/// let mut environment = Environment::new();
/// environment.add_extension(Break);
/// assert_eq!(environment.render_str("one{% br %}two", context! {})?, "one<br>two");
/// # Ok::<(), haiden::Error>(())
/// ```
pub trait Extension: Send + Sync {
    /// A name that no other extension has: it takes part in the keys of bytecode caches.
    ///
    /// ```
    /// use haiden::Environment;
    /// use haiden::extension::Extension;
    ///
    /// /// Says nothing but its name and version.
    /// struct Named(&'static str, &'static str);
    ///
    /// impl Extension for Named {
    ///     fn name(&self) -> &str { self.0 }
    ///     fn version(&self) -> &str { self.1 }
    /// }
    ///
    /// // Bytecode of one environment is not taken for the other's.
    /// let image = |extension| {
    ///     let mut environment = Environment::new();
    ///     environment.add_extension(extension);
    ///     environment.compile_to_image(None, "text")
    /// };
    /// assert_ne!(image(Named("app.A", "1"))?, image(Named("app.B", "1"))?);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn name(&self) -> &str;

    /// What changes whenever the extension makes something else of the same tag: a number, and its settings if
    /// [`parse`](Extension::parse) looks at any. It takes part in the keys of bytecode caches.
    ///
    /// ```
    /// use haiden::Environment;
    /// use haiden::extension::Extension;
    ///
    /// /// Parses its tags by these settings.
    /// struct Configured { version: String }
    ///
    /// impl Configured {
    ///     fn new(wide: bool) -> Configured { Configured { version: format!("3, wide: {wide}") } }
    /// }
    ///
    /// impl Extension for Configured {
    ///     fn name(&self) -> &str { "app.Configured" }
    ///     fn version(&self) -> &str { &self.version }
    /// }
    ///
    /// let image = |extension| {
    ///     let mut environment = Environment::new();
    ///     environment.add_extension(extension);
    ///     environment.compile_to_image(None, "text")
    /// };
    /// assert_ne!(image(Configured::new(true))?, image(Configured::new(false))?);
    /// assert_eq!(image(Configured::new(true))?, image(Configured::new(true))?);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn version(&self) -> &str;

    /// The tags that begin its statements. Jinja2's own cannot be replaced; of two extensions with one tag, the later has it.
    ///
    /// ```
    /// use haiden::extension::{Extension, Parser, Statement, SyntaxError};
    /// use haiden::{Environment, context};
    ///
    /// /// `{% hr %}` and `{% br %}`
    /// struct Lines;
    ///
    /// impl Extension for Lines {
    ///     fn name(&self) -> &str { "app.Lines" }
    ///     fn version(&self) -> &str { "1" }
    ///     fn tags(&self) -> Vec<&str> { vec!["hr", "br"] }
    ///     fn parse<'s>(&self, tag: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
    ///         let text = parser.nodes().string(format!("<{tag}>"));
    ///         Ok(vec![parser.nodes().print(text)])
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.add_extension(Lines);
    /// assert_eq!(environment.render_str("{% hr %}a{% br %}b", context! {})?, "<hr>a<br>b");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn tags(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Parses one of its tags. The parser stands behind the tag's name, and must stand at the tag's end afterwards: before
    /// its `%}`, of the last tag if there are several.
    ///
    /// ```
    /// use haiden::extension::{Arguments, BinaryOp, Extension, Parser, Statement, SyntaxError, TokenKind};
    /// use haiden::{Environment, context};
    ///
    /// /// `{% twice x %}` prints what an expression is, two times.
    /// struct Twice;
    ///
    /// impl Extension for Twice {
    ///     fn name(&self) -> &str { "app.Twice" }
    ///     fn version(&self) -> &str { "1" }
    ///     fn tags(&self) -> Vec<&str> { vec!["twice"] }
    ///     fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
    ///         if parser.is_at(TokenKind::BlockEnd) {
    ///             return Err(parser.fail("twice what?"));
    ///         }
    ///         let value = parser.parse_expression()?;
    ///         let two = parser.nodes().integer(2);
    ///         let text = parser.nodes().filter(value, "string", Arguments::default())?;
    ///         let twice = parser.nodes().binary(text, BinaryOp::Mul, two)?;
    ///         Ok(vec![parser.nodes().print(twice)])
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.add_extension(Twice);
    /// assert_eq!(environment.render_str("{% twice n + 1 %}", context! { n => 1 })?, "22");
    /// let error = environment.render_str("{% twice %}", context! {}).unwrap_err();
    /// assert_eq!((error.message(), error.line()), ("twice what?", Some(1)));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the tag: what the parser says, or [`Parser::fail`].
    fn parse<'s>(&self, tag: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
        Err(parser.fail(format!("the extension '{}' does not parse its tag '{tag}'", self.name())))
    }

    /// What changes sources before they are read, if it does: [`Preprocessor`].
    ///
    /// ```
    /// use std::borrow::Cow;
    ///
    /// use haiden::extension::{Extension, Preprocessor};
    /// use haiden::{Environment, Error, context};
    ///
    /// /// Tabs are two spaces.
    /// struct Tabs;
    ///
    /// impl Extension for Tabs {
    ///     fn name(&self) -> &str { "app.Tabs" }
    ///     fn version(&self) -> &str { "1" }
    ///     fn preprocessor(&self) -> Option<&dyn Preprocessor> { Some(self) }
    /// }
    ///
    /// impl Preprocessor for Tabs {
    ///     fn preprocess<'s>(&self, source: &'s str, _: Option<&str>) -> Result<Cow<'s, str>, Error> {
    ///         Ok(source.replace('\t', "  ").into())
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.add_extension(Tabs);
    /// assert_eq!(environment.render_str("a:\t{{ 1 }}", context! {})?, "a:  1");
    /// # Ok::<(), Error>(())
    /// ```
    fn preprocessor(&self) -> Option<&dyn Preprocessor> {
        None
    }

    /// What changes tokens before they are parsed, if it does: [`StreamFilter`].
    ///
    /// ```
    /// use haiden::extension::{Extension, StreamFilter, SyntaxError, Token, TokenKind};
    /// use haiden::{Environment, context};
    ///
    /// /// Text between tags in capitals; what is printed stays.
    /// struct Capitals;
    ///
    /// impl Extension for Capitals {
    ///     fn name(&self) -> &str { "app.Capitals" }
    ///     fn version(&self) -> &str { "1" }
    ///     fn stream_filter(&self) -> Option<&dyn StreamFilter> { Some(self) }
    /// }
    ///
    /// impl StreamFilter for Capitals {
    ///     fn filter_stream(&self, mut tokens: Vec<Token>) -> Result<Vec<Token>, SyntaxError> {
    ///         for token in tokens.iter_mut().filter(|token| token.kind == TokenKind::Data) {
    ///             token.text = token.text.to_uppercase();
    ///         }
    ///         Ok(tokens)
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.add_extension(Capitals);
    /// assert_eq!(environment.render_str("hello {{ name }}", context! { name => "Ann" })?, "HELLO Ann");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn stream_filter(&self) -> Option<&dyn StreamFilter> {
        None
    }

    /// Does what a node of [`Nodes::call_method`] asks for, while a template is rendered.
    ///
    /// ```
    /// use haiden::extension::{Call, Extension, Parser, Statement, SyntaxError};
    /// use haiden::{Environment, Error, Value, context};
    ///
    /// /// `{% answer %}`: the tag leaves a call in the page, and this answers it.
    /// struct Own;
    ///
    /// impl Extension for Own {
    ///     fn name(&self) -> &str { "app.Own" }
    ///     fn version(&self) -> &str { "1" }
    ///     fn tags(&self) -> Vec<&str> { vec!["answer"] }
    ///     fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
    ///         let call = parser.nodes().call_method("answer", [])?;
    ///         Ok(vec![parser.nodes().print(call)])
    ///     }
    ///     fn call(&self, method: &str, call: &mut Call<'_>) -> Result<Value, Error> {
    ///         match method {
    ///             "answer" => Ok(Value::from(42)),
    ///             other => Err(Error::new(haiden::ErrorKind::Attribute, other)),
    ///         }
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.add_extension(Own);
    /// assert_eq!(environment.render_str("{% answer %}", context! {})?, "42");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// What the call fails with; by default that there is no such method.
    fn call(&self, method: &str, call: &mut Call<'_>) -> Result<Value, Error> {
        let _ = call;
        let message = format!("the extension '{}' has no method '{method}'", self.name());
        Err(Error::new(ErrorKind::Attribute, message))
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
