//! What a source needs, without rendering it: variables, templates, messages to translate.
//!
//! In: a source, read with the environment's options. Out: what Jinja2's `jinja2.meta` and `jinja2.ext` find.

use std::collections::BTreeSet;

use haiden_compiler::{Load, resolve};
use haiden_syntax::Ast;
use haiden_syntax::ast::{Constant, Expr};
use haiden_syntax::walk::NodeRef;

use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::value::word::Global;

/// The functions whose calls are messages to translate, if no others are named.
///
/// ```
/// use haiden::{Environment, GETTEXT_FUNCTIONS};
///
/// let names: Vec<&str> = GETTEXT_FUNCTIONS.into_iter().chain(["t"]).collect();
/// let messages = Environment::new().extract_translations("{{ _('a') }}{{ t('b') }}", &names)?;
/// assert_eq!(messages.len(), 2);
/// # Ok::<(), haiden::Error>(())
/// ```
pub const GETTEXT_FUNCTIONS: [&str; 5] = ["_", "gettext", "ngettext", "pgettext", "npgettext"];

/// A message to translate: a call of one of the functions.
///
/// ```
/// use haiden::{Environment, GETTEXT_FUNCTIONS, Message};
///
/// let messages = Environment::new().extract_translations("\n{{ ngettext('%(num)s apple', '%(num)s apples', n) }}", &GETTEXT_FUNCTIONS)?;
/// let arguments = vec![Some("%(num)s apple".to_owned()), Some("%(num)s apples".to_owned()), None];
/// assert_eq!(messages, [Message { line: 2, function: "ngettext".to_owned(), arguments }]);
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The line of the call.
    pub line: u32,
    /// The function that is called.
    pub function: String,
    /// Its arguments: literal texts, and `None` for everything else.
    pub arguments: Vec<Option<String>>,
}

impl Environment {
    /// The variables that a source looks up in its context, on whichever path; globals are left out.
    ///
    /// ```
    /// let environment = haiden::Environment::new();
    /// let names = environment.undeclared_variables("{% set foo = 42 %}{{ bar + foo }}")?;
    /// assert_eq!(names, ["bar".to_owned()].into());
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the source.
    pub fn undeclared_variables(&self, source: &str) -> Result<BTreeSet<String>, Error> {
        match self.inner.compile(source, None) {
            // Jinja2 looks at the tree: what only Python's compiler refuses is no concern of this.
            Err(error) if error.kind() != ErrorKind::PythonSyntax => return Err(error),
            _ => {}
        }
        let source = self.inner.preprocess(source, None)?;
        let ast = self.tree(&source)?;
        let scopes = resolve(&ast);
        let own =
            |name: &str| self.inner.settings.globals.contains_key(name) || Global::named(name).is_some();
        let names = scopes
            .all_variables()
            .filter(|variable| variable.load == Load::Resolve)
            .map(|variable| ast.symbols.name(variable.name))
            .filter(|name| !own(name));
        Ok(names.map(str::to_owned).collect())
    }

    /// The names of the templates that a source extends, includes or imports; `None` for each that is computed.
    ///
    /// ```
    /// let environment = haiden::Environment::new();
    /// let names = environment.referenced_templates("{% extends 'layout.html' %}{% include helper %}")?;
    /// assert_eq!(names, [Some("layout.html".to_owned()), None]);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the source's syntax.
    pub fn referenced_templates(&self, source: &str) -> Result<Vec<Option<String>>, Error> {
        let source = self.inner.preprocess(source, None)?;
        let names = self.tree(&source)?.referenced();
        Ok(names.into_iter().map(|name| name.map(std::borrow::Cow::into_owned)).collect())
    }

    /// The messages to translate of a source: calls of these functions, `{% trans %}` among them. [`GETTEXT_FUNCTIONS`]
    /// are Jinja2's.
    ///
    /// ```
    /// use haiden::{Environment, Extensions, GETTEXT_FUNCTIONS};
    ///
    /// let mut environment = Environment::new();
    /// environment.add_extensions(Extensions::I18N);
    /// let messages = environment.extract_translations("{% trans %}Hello {{ name }}!{% endtrans %}", &GETTEXT_FUNCTIONS)?;
    /// assert_eq!(messages[0].arguments, [Some("Hello %(name)s!".to_owned())]);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the source's syntax.
    pub fn extract_translations(&self, source: &str, functions: &[&str]) -> Result<Vec<Message>, Error> {
        let source = self.inner.preprocess(source, None)?;
        let ast = self.tree(&source)?;
        let messages = ast.walk().filter_map(|node| {
            let NodeRef::Call(call) = node else { return None };
            let Expr::Name(callee) = &call.node else { return None };
            let function = ast.symbols.name(callee.name);
            functions.contains(&function).then(|| {
                let given = &call.arguments;
                let others = given.kwargs.len()
                    + usize::from(given.dyn_args.is_some())
                    + usize::from(given.dyn_kwargs.is_some());
                let texts = given.args.iter().map(text_of).chain(std::iter::repeat_n(None, others));
                Message { line: call.at.line, function: function.to_owned(), arguments: texts.collect() }
            })
        });
        Ok(messages.collect())
    }

    fn tree<'s>(&self, source: &'s str) -> Result<Ast<'s>, Error> {
        let wrong = |error: haiden_syntax::SyntaxError| {
            crate::environment::compile_error(&error.into(), source, None)
        };
        haiden_syntax::parse(source, &self.inner.settings.options.syntax).map_err(wrong)
    }
}

fn text_of(argument: &Expr<'_>) -> Option<String> {
    match argument {
        Expr::Const(constant) => match &constant.value {
            Constant::Str(text) => Some(text.to_string()),
            _ => None,
        },
        _ => None,
    }
}
