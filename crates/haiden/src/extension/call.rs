//! What an extension does while a template is rendered: the call of a method, as it sees it.
//!
//! In: the arguments of a node of `Nodes::call_method`. Out: values; what cannot leave the render is an error.

use crate::error::{Error, ErrorKind};
use crate::value::function::CallArguments;
use crate::value::host::NativeHost;
use crate::value::state::State;
use crate::value::value::Value;
use crate::value::word::Word;

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
    pub(super) host: &'a mut NativeHost,
    pub(super) arguments: CallArguments<'a>,
}

impl Call<'_> {
    /// How many arguments without a name there are.
    ///
    /// ```
    /// use haiden::extension::{Call, Extension, Parser, Statement, SyntaxError};
    /// use haiden::{Environment, Error, Value, context};
    ///
    /// /// `{% count %}`: counts what it passes on.
    /// struct Own;
    ///
    /// impl Extension for Own {
    ///     fn name(&self) -> &str { "app.Own" }
    ///     fn version(&self) -> &str { "1" }
    ///     fn tags(&self) -> Vec<&str> { vec!["count"] }
    ///     fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
    ///         let arguments = [parser.parse_expression()?, parser.nodes().string("more")];
    ///         let call = parser.nodes().call_method("count", arguments)?;
    ///         Ok(vec![parser.nodes().print(call)])
    ///     }
    ///     fn call(&self, _: &str, call: &mut Call<'_>) -> Result<Value, Error> {
    ///         Ok(Value::from(call.len() as i64))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.add_extension(Own);
    /// assert_eq!(environment.render_str("{% count 7 %}", context! {})?, "2");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.arguments.positional.len()
    }

    /// Are there no arguments without a name?
    ///
    /// ```
    /// use haiden::extension::{Call, Extension, Parser, Statement, SyntaxError};
    /// use haiden::{Environment, Error, Value, context};
    ///
    /// /// `{% now %}` takes nothing.
    /// struct Own;
    ///
    /// impl Extension for Own {
    ///     fn name(&self) -> &str { "app.Own" }
    ///     fn version(&self) -> &str { "1" }
    ///     fn tags(&self) -> Vec<&str> { vec!["now"] }
    ///     fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
    ///         let call = parser.nodes().call_method("now", [])?;
    ///         Ok(vec![parser.nodes().print(call)])
    ///     }
    ///     fn call(&self, _: &str, call: &mut Call<'_>) -> Result<Value, Error> {
    ///         assert!(call.is_empty());
    ///         Ok(Value::from("noon"))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.add_extension(Own);
    /// assert_eq!(environment.render_str("{% now %}", context! {})?, "noon");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.arguments.positional.is_empty()
    }

    /// The argument at this place; undefined if there are fewer.
    ///
    /// ```
    /// use haiden::extension::{Call, Extension, Parser, Statement, SyntaxError};
    /// use haiden::{Environment, Error, Value, context};
    ///
    /// /// `{% double n %}`
    /// struct Own;
    ///
    /// impl Extension for Own {
    ///     fn name(&self) -> &str { "app.Own" }
    ///     fn version(&self) -> &str { "1" }
    ///     fn tags(&self) -> Vec<&str> { vec!["double"] }
    ///     fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
    ///         let argument = parser.parse_expression()?;
    ///         let call = parser.nodes().call_method("double", [argument])?;
    ///         Ok(vec![parser.nodes().print(call)])
    ///     }
    ///     fn call(&self, _: &str, call: &mut Call<'_>) -> Result<Value, Error> {
    ///         assert!(call.argument(1)?.is_undefined());
    ///         Ok(Value::from(call.argument(0)?.as_i64().unwrap_or(0) * 2))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.add_extension(Own);
    /// assert_eq!(environment.render_str("{% double n %}", context! { n => 21 })?, "42");
    /// # Ok::<(), Error>(())
    /// ```
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
    ///
    /// ```
    /// use haiden::extension::{Call, Extension, Parser, Signature, Statement, SyntaxError};
    /// use haiden::{Environment, Error, Value, context};
    ///
    /// /// `{% box %}…{% endbox %}`: the call of its block has a body.
    /// struct Own;
    ///
    /// impl Extension for Own {
    ///     fn name(&self) -> &str { "app.Own" }
    ///     fn version(&self) -> &str { "1" }
    ///     fn tags(&self) -> Vec<&str> { vec!["box"] }
    ///     fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
    ///         let (body, _) = parser.parse_body(&["endbox"])?;
    ///         let call = parser.nodes().call_method("box", [])?;
    ///         Ok(vec![parser.nodes().call_block(call, Signature::default(), body)?])
    ///     }
    ///     fn call(&self, _: &str, call: &mut Call<'_>) -> Result<Value, Error> {
    ///         if !call.has_caller() { return Ok(Value::from("[]")) }
    ///         Ok(Value::from(format!("[{}]", call.caller(&[])?)))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.add_extension(Own);
    /// assert_eq!(environment.render_str("{% box %}a{% endbox %}", context! {})?, "[a]");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn has_caller(&self) -> bool {
        self.named("caller").is_some()
    }

    /// Renders the body of the call block: markup where autoescape is on.
    ///
    /// ```
    /// use haiden::extension::{Call, Extension, Parser, Signature, Statement, SyntaxError};
    /// use haiden::{Environment, Error, Value, context};
    ///
    /// /// `{% thrice %}…{% endthrice %}`: renders its body three times, each time anew.
    /// struct Own;
    ///
    /// impl Extension for Own {
    ///     fn name(&self) -> &str { "app.Own" }
    ///     fn version(&self) -> &str { "1" }
    ///     fn tags(&self) -> Vec<&str> { vec!["thrice"] }
    ///     fn parse<'s>(&self, _: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
    ///         let (body, _) = parser.parse_body(&["endthrice"])?;
    ///         let call = parser.nodes().call_method("thrice", [])?;
    ///         Ok(vec![parser.nodes().call_block(call, Signature::default(), body)?])
    ///     }
    ///     fn call(&self, _: &str, call: &mut Call<'_>) -> Result<Value, Error> {
    ///         let bodies = (0..3).map(|_| call.caller(&[])).collect::<Result<Vec<_>, _>>()?;
    ///         Ok(bodies.iter().map(|body| body.to_string()).collect::<String>().into())
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.add_extension(Own);
    /// environment.add_template("page", "{% set c = cycler('a', 'b') %}{% thrice %}{{ c.next() }}{% endthrice %}")?;
    /// assert_eq!(environment.get_template("page")?.render(context! {})?, "aba");
    /// # Ok::<(), Error>(())
    /// ```
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
