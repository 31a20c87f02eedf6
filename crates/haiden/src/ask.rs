//! What else a template can be asked for: its page as a value, one block; bare expressions, filters and tests.

use std::sync::Arc;

use haiden_runtime::{BlockReference, Chain, Vm};

use crate::environment::{Environment, compile_error};
use crate::error::{Error, ErrorKind};
use crate::template::{Started, Template};
use crate::value::context::IntoContext;
use crate::value::host::{NativeHost, deeper};
use crate::value::object::Keywords;
use crate::value::value::Value;
use crate::value::word::Word;

impl Template {
    /// Renders it to a value: see [`Environment::set_native_types`]. In any other environment the value is the page's text.
    /// [`Value::deserialize_into`] makes it a type of yours.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.set_native_types(true);
    /// let value = environment.template_from_str("{{ [1, n] }}")?.render_native(haiden::context! { n => 2 })?;
    /// assert_eq!(value.len(), Some(2));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_native(&self, context: impl IntoContext) -> Result<Value, Error> {
        let Started { mut parts, mut out, root } = self.start(context.into_context()?)?;
        self.run(&mut parts, &mut out, root)?;
        let value = parts.host.page_value(out)?;
        parts.put_back();
        Ok(value)
    }

    /// The names of the blocks that this template defines itself, in its order.
    ///
    /// ```
    /// let template = haiden::Environment::new().template_from_str("{% block a %}{% block b %}{% endblock %}{% endblock %}")?;
    /// assert_eq!(template.block_names(), ["a", "b"]);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn block_names(&self) -> Vec<String> {
        Chain::of(&self.program).names().into_iter().map(str::to_owned).collect()
    }

    /// Renders one of the blocks that this template defines itself, without the rest of it: what stands outside of the
    /// block is not run.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("page", "{% extends 'base' %}{% block title %}Hi {{ name }}{% endblock %}")?;
    /// let title = environment.get_template("page")?.render_block("title", haiden::context! { name => "Ada" })?;
    /// assert_eq!(title, "Hi Ada");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is no such block, and as [`Template::render`].
    pub fn render_block(&self, name: &str, context: impl IntoContext) -> Result<String, Error> {
        let chain = Chain::of(&self.program);
        let Some(block) = chain.find(name) else { return Err(no_block(name)) };
        let Started { mut parts, mut out, root } = self.start(context.into_context()?)?;
        let limits = parts.host.limits.machine;
        let block = BlockReference { context: root, chain, block, depth: 0 };
        let (host, to) = (&mut parts.host, &mut out);
        deeper(limits.depth, || Vm::render_block(host, to, block, limits))?;
        parts.put_back();
        Ok(out.text)
    }
}

#[cold]
pub(crate) fn no_block(name: &str) -> Error {
    Error::new(ErrorKind::Key, crate::value::host::quoted(name))
}

/// An expression that is ready to be evaluated: [`Environment::compile_expression`].
///
/// ```
/// let is_large = haiden::Environment::new().compile_expression("total > 100 and not customer.is_new")?;
/// let order = haiden::context! { total => 250, customer => haiden::Value::from_iter([("is_new", false.into())]) };
/// assert_eq!(is_large.eval(order)?.as_bool(), Some(true));
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone)]
pub struct Expression {
    template: Template,
    undefined_to_none: bool,
}

impl Expression {
    /// Whether an undefined result is `None` (it is, unless set) or undefined.
    ///
    /// ```
    /// let expression = haiden::Environment::new().compile_expression("user.name")?;
    /// let user = haiden::Value::from_iter([("age", 3.into())]);
    /// assert!(expression.eval(haiden::context! { user => &user })?.is_none());
    /// assert!(expression.undefined_to_none(false).eval(haiden::context! { user => &user })?.is_undefined());
    /// # Ok::<(), haiden::Error>(())
    /// ```
    #[must_use]
    pub fn undefined_to_none(self, on: bool) -> Expression {
        Expression { undefined_to_none: on, ..self }
    }

    /// Its value; [`Value::deserialize_into`] makes it a type of yours.
    ///
    /// ```
    /// let expression = haiden::Environment::new().compile_expression("[n, n * 2]|sum")?;
    /// assert_eq!(expression.eval(haiden::context! { n => 2 })?.as_i64(), Some(6));
    /// assert_eq!(expression.eval(haiden::context! { n => 0.5 })?.as_f64(), Some(1.5));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn eval(&self, context: impl IntoContext) -> Result<Value, Error> {
        let Started { mut parts, mut out, root } = self.template.start(context.into_context()?)?;
        self.template.run(&mut parts, &mut out, root)?;
        let value = self.result(&mut parts.host, root)?;
        parts.put_back();
        Ok(value)
    }

    pub(crate) fn template(&self) -> &Template {
        &self.template
    }

    /// The value of a render that is over.
    pub(crate) fn result(&self, host: &mut NativeHost, root: u32) -> Result<Value, Error> {
        let found = host.exports(root).into_iter().find(|(name, _)| &**name == "result");
        match found {
            Some((_, Word::Undefined(_) | Word::Missing)) | None if self.undefined_to_none => Ok(Value::NONE),
            None => Ok(Value::UNDEFINED),
            Some((_, word)) => host.value(word),
        }
    }
}

impl Environment {
    /// Applies a filter to a value, outside of a template: one of Jinja2's, or one that was added.
    ///
    /// ```
    /// let environment = haiden::Environment::new();
    /// let text = environment.call_filter("replace", &"a-b".into(), &["-".into(), "+".into()], &[])?;
    /// assert_eq!(text.as_str(), Some("a+b"));
    /// let rounded = environment.call_filter("round", &2.567.into(), &[], &[("precision", 1.into())])?;
    /// assert_eq!(rounded.as_f64(), Some(2.6));
    /// let error = environment.call_filter("uper", &"a".into(), &[], &[]).unwrap_err();
    /// assert_eq!((error.message(), error.hint()), ("No filter named 'uper'.", Some("did you mean `upper`?")));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is no such filter, or what it fails with.
    pub fn call_filter(
        &self,
        name: &str,
        value: &Value,
        positional: &[Value],
        keywords: Keywords<'_>,
    ) -> Result<Value, Error> {
        self.in_a_context(|host, root| host.call_filter(root, name, value, (positional, keywords)))
    }

    /// Asks a test about a value, outside of a template: one of Jinja2's, or one that was added.
    ///
    /// ```
    /// let environment = haiden::Environment::new();
    /// assert!(environment.call_test("divisibleby", &9.into(), &[3.into()], &[])?);
    /// assert!(!environment.call_test("string", &9.into(), &[], &[])?);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is no such test, or what it fails with.
    pub fn call_test(
        &self,
        name: &str,
        value: &Value,
        positional: &[Value],
        keywords: Keywords<'_>,
    ) -> Result<bool, Error> {
        self.in_a_context(|host, root| host.call_test(root, name, value, (positional, keywords)))
    }

    /// Does something in the context of an empty template.
    fn in_a_context<T>(
        &self,
        work: impl FnOnce(&mut NativeHost, u32) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Started { mut parts, root, .. } = self.template_from_str("")?.start(Value::NONE)?;
        let outcome = work(&mut parts.host, root)?;
        parts.put_back();
        Ok(outcome)
    }

    /// An expression without a template around it.
    ///
    /// ```
    /// let environment = haiden::Environment::new();
    /// let expression = environment.compile_expression("price * 2 > limit")?;
    /// assert_eq!(expression.eval(haiden::context! { price => 3, limit => 5 })?.to_string(), "True");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the source.
    pub fn compile_expression(&self, source: &str) -> Result<Expression, Error> {
        let options = self.inner.options(None);
        let read = self.inner.preprocess(source, None)?;
        let image = haiden_syntax::parse_expression(&read, &options.syntax)
            .map_err(haiden_compiler::CompileError::from)
            .and_then(|ast| haiden_compiler::compile_ast(&ast, &options))
            .map_err(|error| compile_error(&error, &read, None))?;
        let program = self.inner.link(image, None, &Arc::from(source), None)?;
        let template = Template { inner: self.inner.clone(), program };
        Ok(Expression { template, undefined_to_none: true })
    }
}
