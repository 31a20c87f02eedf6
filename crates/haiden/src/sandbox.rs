//! The sandbox: what templates of strangers may not do.
//!
//! In: a user's choices. Out: what the host asks at every attribute, call and intercepted operator. The rules without a
//! policy are those of Jinja2's `SandboxedEnvironment` and `ImmutableSandboxedEnvironment`.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::value::value::Value;

/// Decisions of a user's own, beyond the sandbox's rules.
///
/// ```
/// use haiden::{Environment, Error, Sandbox, SandboxPolicy, Value};
///
/// struct NoPower;
///
/// impl SandboxPolicy for NoPower {
///     fn binary(&self, operator: &str, _left: &Value, _right: &Value) -> Option<Result<Value, Error>> {
///         (operator == "**").then(|| Ok(Value::from("too strong")))
///     }
/// }
///
/// let mut environment = Environment::new();
/// environment.set_sandbox(Some(Sandbox::new().policy(NoPower).intercept("**")));
/// assert_eq!(environment.render_str("{{ 2 ** 10 }} {{ 2 * 3 }}", haiden::context! {})?, "too strong 6");
/// # Ok::<(), haiden::Error>(())
/// ```
pub trait SandboxPolicy: Send + Sync {
    /// May a template read this attribute? It is asked for attributes that exist and that the sandbox's own rules allow.
    ///
    /// ```
    /// use haiden::{Environment, Object, Sandbox, SandboxPolicy, Value, context};
    ///
    /// #[derive(Debug, Clone, Object)]
    /// struct User { name: String, password: String }
    ///
    /// /// Nobody reads passwords.
    /// struct NoPasswords;
    ///
    /// impl SandboxPolicy for NoPasswords {
    ///     fn is_safe_attribute(&self, _: &Value, name: &str) -> bool {
    ///         name != "password"
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_sandbox(Some(Sandbox::new().policy(NoPasswords)));
    /// let user = Value::from_object(User { name: "Ann".into(), password: "s3cret".into() });
    /// assert_eq!(environment.render_str("{{ user.name }}", context! { user => &user })?, "Ann");
    /// // As in Jinja2, it is as if it were not there.
    /// assert_eq!(environment.render_str("{{ user.password }}", context! { user => &user })?, "");
    /// let error = environment.render_str("{{ user.password.upper() }}", context! { user }).unwrap_err();
    /// assert_eq!(error.kind(), haiden::ErrorKind::Security);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn is_safe_attribute(&self, _object: &Value, _name: &str) -> bool {
        true
    }

    /// May a template call this value? It is asked for functions and objects of the host, methods of values and the
    /// environment's globals; not for macros.
    ///
    /// ```
    /// use haiden::{Environment, ErrorKind, Sandbox, SandboxPolicy, Value, context};
    ///
    /// /// Templates may call nothing of the environment's own.
    /// struct NoGlobals;
    ///
    /// impl SandboxPolicy for NoGlobals {
    ///     fn is_safe_callable(&self, callable: &Value) -> bool {
    ///         !callable.to_string().starts_with("<function")
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_sandbox(Some(Sandbox::new().policy(NoGlobals)));
    /// let error = environment.render_str("{{ lipsum() }}", context! {}).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Security);
    /// ```
    fn is_safe_callable(&self, _callable: &Value) -> bool {
        true
    }

    /// The result of an intercepted binary operator; `None` for what the operator does otherwise.
    ///
    /// ```
    /// use haiden::{Environment, Error, ErrorKind, Sandbox, SandboxPolicy, Value, context};
    ///
    /// /// Texts are not repeated beyond a thousand times; numbers are multiplied as ever.
    /// struct NoFloods;
    ///
    /// impl SandboxPolicy for NoFloods {
    ///     fn binary(&self, _: &str, left: &Value, right: &Value) -> Option<Result<Value, Error>> {
    ///         let flood = left.as_str().is_some() && right.as_i64().is_some_and(|times| times > 1000);
    ///         flood.then(|| Err(Error::new(ErrorKind::Security, "too long")))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_sandbox(Some(Sandbox::new().policy(NoFloods).intercept("*")));
    /// assert_eq!(environment.render_str("{{ 'ab' * 2 }} {{ 2000 * 2000 }}", context! {})?, "abab 4000000");
    /// assert_eq!(environment.render_str("{{ 'ab' * n }}", context! { n => 5000 }).unwrap_err().message(), "too long");
    /// # Ok::<(), Error>(())
    /// ```
    fn binary(&self, _operator: &str, _left: &Value, _right: &Value) -> Option<Result<Value, Error>> {
        None
    }

    /// The result of an intercepted unary operator; `None` for what the operator does otherwise.
    ///
    /// ```
    /// use haiden::{Environment, Error, Sandbox, SandboxPolicy, Value, context};
    ///
    /// /// Below zero there is nothing.
    /// struct Positive;
    ///
    /// impl SandboxPolicy for Positive {
    ///     fn unary(&self, operator: &str, _: &Value) -> Option<Result<Value, Error>> {
    ///         (operator == "-").then(|| Ok(Value::from(0)))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_sandbox(Some(Sandbox::new().policy(Positive).intercept("u-")));
    /// assert_eq!(environment.render_str("{{ -n }} {{ 3 - n }}", context! { n => 7 })?, "0 -4");
    /// # Ok::<(), Error>(())
    /// ```
    fn unary(&self, _operator: &str, _value: &Value) -> Option<Result<Value, Error>> {
        None
    }
}

/// What templates of strangers may not do: [`Environment::set_sandbox`](crate::Environment::set_sandbox).
///
/// Attributes that start with an underscore are out of reach, ranges are short, `str.format` reads attributes by the same
/// rules. Fuel, output and depth have limits of their own: [`RenderLimits`](crate::RenderLimits).
///
/// ```
/// use haiden::{Environment, ErrorKind, Sandbox};
///
/// let mut environment = Environment::new();
/// environment.set_sandbox(Some(Sandbox::new().max_range(10)));
/// let error = environment.render_str("{{ range(11)|list }}", haiden::context! {}).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Overflow);
/// ```
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) is_immutable: bool,
    pub(crate) policy: Option<Arc<dyn SandboxPolicy>>,
    pub(crate) intercepted: Operators,
    pub(crate) max_range: usize,
}

/// Operators that are intercepted: binary ones by their sign, unary ones with a `u` before it.
pub(crate) type Operators = BTreeSet<String>;

impl Sandbox {
    /// The rules of Jinja2's `SandboxedEnvironment`.
    ///
    /// ```
    /// use haiden::{Environment, ErrorKind, Sandbox, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.set_sandbox(Some(Sandbox::new()));
    /// let error = environment.render_str("{{ 'x'.__class__.__name__ }}", context! {}).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Security);
    /// ```
    pub fn new() -> Sandbox {
        Sandbox { is_immutable: false, policy: None, intercepted: Operators::new(), max_range: 100_000 }
    }

    /// The rules of Jinja2's `ImmutableSandboxedEnvironment`: templates cannot change lists and dicts either.
    ///
    /// ```
    /// use haiden::{Environment, ErrorKind, Sandbox, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.set_sandbox(Some(Sandbox::immutable()));
    /// let error = environment.render_str("{{ items.append(1) }}", context! { items => vec![1] }).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Security);
    /// ```
    pub fn immutable() -> Sandbox {
        Sandbox { is_immutable: true, ..Sandbox::new() }
    }

    /// Asks a policy too.
    ///
    /// ```
    /// use haiden::{Environment, Object, Sandbox, SandboxPolicy, Value, context};
    ///
    /// #[derive(Debug, Object)]
    /// struct User { name: &'static str, password: &'static str }
    ///
    /// /// No template reads a password.
    /// struct NoPasswords;
    ///
    /// impl SandboxPolicy for NoPasswords {
    ///     fn is_safe_attribute(&self, _: &Value, name: &str) -> bool {
    ///         name != "password"
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_sandbox(Some(Sandbox::new().policy(NoPasswords)));
    /// let user = Value::from_object(User { name: "Ann", password: "secret" });
    /// let page = environment.render_str("{{ user.name }} {{ user.password is defined }}", context! { user })?;
    /// assert_eq!(page, "Ann False");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    #[must_use]
    pub fn policy(mut self, policy: impl SandboxPolicy + 'static) -> Sandbox {
        self.policy = Some(Arc::new(policy));
        self
    }

    /// Hands a binary operator (`+`, `-`, `*`, `/`, `//`, `%`, `**`) to the policy.
    ///
    /// ```
    /// use haiden::{Environment, Error, ErrorKind, Sandbox, SandboxPolicy, Value, context};
    ///
    /// struct ShortTexts;
    ///
    /// impl SandboxPolicy for ShortTexts {
    ///     fn binary(&self, _: &str, left: &Value, right: &Value) -> Option<Result<Value, Error>> {
    ///         let is_long = left.as_str().is_some() && right.as_i64().is_some_and(|times| times > 10);
    ///         is_long.then(|| Err(Error::new(ErrorKind::Security, "too long")))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_sandbox(Some(Sandbox::new().policy(ShortTexts).intercept("*")));
    /// assert_eq!(environment.render_str("{{ 'a' * 3 }} {{ 20 * 20 }}", context! {})?, "aaa 400");
    /// assert!(environment.render_str("{{ 'a' * 30 }}", context! {}).is_err());
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn intercept(mut self, operator: &str) -> Sandbox {
        self.intercepted.insert(operator.to_owned());
        self
    }

    /// Hands a unary operator (`+`, `-`) to the policy.
    ///
    /// ```
    /// use haiden::{Environment, Error, Sandbox, SandboxPolicy, Value, context};
    ///
    /// struct NothingNegative;
    ///
    /// impl SandboxPolicy for NothingNegative {
    ///     fn unary(&self, operator: &str, value: &Value) -> Option<Result<Value, Error>> {
    ///         (operator == "-").then(|| Ok(value.clone()))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_sandbox(Some(Sandbox::new().policy(NothingNegative).intercept_unary("-")));
    /// assert_eq!(environment.render_str("{{ -n }}", context! { n => 3 })?, "3");
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn intercept_unary(mut self, operator: &str) -> Sandbox {
        self.intercepted.insert(format!("u{operator}"));
        self
    }

    /// How many items a `range` may have; 100,000 unless set.
    ///
    /// ```
    /// use haiden::{Environment, Sandbox, context};
    ///
    /// let mut environment = Environment::new();
    /// environment.set_sandbox(Some(Sandbox::new().max_range(10)));
    /// assert_eq!(environment.render_str("{{ range(10)|sum }}", context! {})?, "45");
    /// assert!(environment.render_str("{{ range(11)|sum }}", context! {}).is_err());
    /// # Ok::<(), haiden::Error>(())
    /// ```
    #[must_use]
    pub fn max_range(mut self, items: usize) -> Sandbox {
        self.max_range = items;
        self
    }
}

impl Default for Sandbox {
    fn default() -> Sandbox {
        Sandbox::new()
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("is_immutable", &self.is_immutable)
            .field("policy", &self.policy.as_ref().map(|_| "a policy"))
            .field("intercepted", &self.intercepted)
            .field("max_range", &self.max_range)
            .finish()
    }
}
