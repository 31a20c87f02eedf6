//! Objects: values whose behaviour a user writes.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::asynchronous::Deferred;
use crate::error::{Error, ErrorKind};
use crate::value::function::BoxedFunction;
use crate::value::state::State;
use crate::value::typed::TypedCall;
use crate::value::value::Value;

/// Keyword arguments of a call.
///
/// ```
/// use haiden::{Environment, Keywords, Value};
///
/// let more: Keywords<'_> = &[("precision", Value::from(1))];
/// let rounded = Environment::new().call_filter("round", &Value::from(2.567), &[], more)?;
/// assert_eq!(rounded.as_f64(), Some(2.6));
/// # Ok::<(), haiden::Error>(())
/// ```
pub type Keywords<'a> = &'a [(&'a str, Value)];

/// A value whose behaviour a user writes.
///
/// Every method has a default: an object has no attributes, no items, cannot be called or iterated over. Structs become
/// objects by [`#[derive(Object)]`](derive@crate::Object).
///
/// ```
/// use haiden::{Environment, Object, Value};
///
/// #[derive(Debug)]
/// struct Clock;
///
/// impl Object for Clock {
///     fn get_attr(&self, name: &str) -> Option<Value> {
///         (name == "hour").then(|| Value::from(12))
///     }
/// }
///
/// let page = Environment::new()
///     .render_str("{{ clock.hour }} {{ clock.second is defined }}", haiden::context! { clock => Value::from_object(Clock) })?;
/// assert_eq!(page, "12 False");
/// # Ok::<(), haiden::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no object of templates",
    note = "`#[derive(Debug, haiden::Object)]` makes a struct one; or write `impl haiden::Object`"
)]
pub trait Object: Any + fmt::Debug + Send + Sync {
    /// What error messages call values of this type.
    ///
    /// ```
    /// use haiden::{Environment, Object, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct Money;
    ///
    /// impl Object for Money {
    ///     fn type_name(&self) -> &str { "Money" }
    /// }
    ///
    /// let money = Value::from_object(Money);
    /// let error = Environment::new().render_str("{{ money + 1 }}", context! { money }).unwrap_err();
    /// assert_eq!(error.message(), "unsupported operand type(s) for +: 'Money' and 'int'");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    #[expect(clippy::unnecessary_literal_bound, reason = "objects may name themselves by their data")]
    fn type_name(&self) -> &str {
        "object"
    }

    /// `object.name`; `None` if there is no such attribute.
    ///
    /// ```
    /// use haiden::{Environment, Object, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct Point { x: i64, y: i64 }
    ///
    /// impl Object for Point {
    ///     fn get_attr(&self, name: &str) -> Option<Value> {
    ///         match name {
    ///             "x" => Some(self.x.into()),
    ///             "y" => Some(self.y.into()),
    ///             _ => None,
    ///         }
    ///     }
    /// }
    ///
    /// let point = Value::from_object(Point { x: 1, y: 2 });
    /// assert_eq!(Environment::new().render_str("{{ point.x }}/{{ point.y }}{{ point.z }}", context! { point })?, "1/2");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn get_attr(&self, _name: &str) -> Option<Value> {
        None
    }

    /// The names of its attributes: messages that one is not there look for the nearest of them, and
    /// [`Value::deserialize_into`] a map reads these.
    ///
    /// ```
    /// use haiden::{Environment, Object, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct User;
    ///
    /// impl Object for User {
    ///     fn attributes(&self) -> Vec<&str> { vec!["name"] }
    ///     fn get_attr(&self, name: &str) -> Option<Value> { (name == "name").then(|| "Ann".into()) }
    /// }
    ///
    /// let user = Value::from_object(User);
    /// let map: std::collections::BTreeMap<String, String> = user.deserialize_into()?;
    /// assert_eq!(map["name"], "Ann");
    /// let error = Environment::new().render_str("{{ user.named.upper() }}", context! { user }).unwrap_err();
    /// assert!(error.report().contains("name"), "{}", error.report());
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn attributes(&self) -> Vec<&str> {
        Vec::new()
    }

    /// `object[key]`; `None` if there is no such item.
    ///
    /// ```
    /// use haiden::{Environment, Object, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct Squares;
    ///
    /// impl Object for Squares {
    ///     fn get_item(&self, key: &Value) -> Option<Value> {
    ///         key.as_i64().map(|n| Value::from(n * n))
    ///     }
    /// }
    ///
    /// let squares = Value::from_object(Squares);
    /// assert_eq!(Environment::new().render_str("{{ squares[7] }} {{ squares['x'] is defined }}", context! { squares })?, "49 False");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn get_item(&self, _key: &Value) -> Option<Value> {
        None
    }

    /// Is it callable, as the test of this name says?
    ///
    /// ```
    /// use haiden::{Environment, Error, Keywords, Object, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct Dice;
    ///
    /// impl Object for Dice {
    ///     fn is_callable(&self) -> bool { true }
    ///     fn call(&self, _: &[Value], _: Keywords<'_>) -> Result<Value, Error> { Ok(Value::from(4)) }
    /// }
    ///
    /// let dice = Value::from_object(Dice);
    /// assert_eq!(Environment::new().render_str("{{ dice() if dice is callable else dice }}", context! { dice })?, "4");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn is_callable(&self) -> bool {
        false
    }

    /// `object(…)`.
    ///
    /// ```
    /// use haiden::{Environment, Error, Keywords, Object, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct Adder(i64);
    ///
    /// impl Object for Adder {
    ///     fn is_callable(&self) -> bool { true }
    ///     fn call(&self, positional: &[Value], _: Keywords<'_>) -> Result<Value, Error> {
    ///         Ok(Value::from(self.0 + positional.iter().filter_map(Value::as_i64).sum::<i64>()))
    ///     }
    /// }
    ///
    /// let add = Value::from_object(Adder(40));
    /// assert_eq!(Environment::new().render_str("{{ add(1, 1) }} {{ add is callable }}", context! { add })?, "42 True");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// What the call fails with; by default that the object cannot be called.
    fn call(&self, _positional: &[Value], _keywords: Keywords<'_>) -> Result<Value, Error> {
        Err(Error::new(ErrorKind::Type, format!("'{}' object is not callable", self.type_name())))
    }

    /// `object.name(…)`. By default the attribute is called.
    ///
    /// ```
    /// use haiden::{Environment, Error, Keywords, Object, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct Greeter;
    ///
    /// impl Object for Greeter {
    ///     fn has_method(&self, name: &str) -> bool { name == "greet" }
    ///     fn call_method(&self, _: &str, positional: &[Value], keywords: Keywords<'_>) -> Result<Value, Error> {
    ///         let greeting = keywords.iter().find(|(name, _)| *name == "with").map_or("Hello".into(), |(_, with)| with.clone());
    ///         Ok(Value::from(format!("{greeting} {}!", positional.first().unwrap_or(&Value::NONE))))
    ///     }
    /// }
    ///
    /// let greeter = Value::from_object(Greeter);
    /// let page = Environment::new().render_str("{{ greeter.greet('Ann') }} {{ greeter.greet('Bo', with='Hi') }}", context! { greeter })?;
    /// assert_eq!(page, "Hello Ann! Hi Bo!");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// What the call fails with; by default that there is no such attribute.
    fn call_method(&self, name: &str, positional: &[Value], keywords: Keywords<'_>) -> Result<Value, Error> {
        match self.get_attr(name).as_ref().and_then(Value::as_object) {
            Some(object) => object.call(positional, keywords),
            None => Err(Error::new(
                ErrorKind::Undefined,
                format!("'{} object' has no attribute '{name}'", self.type_name()),
            )),
        }
    }

    /// [`call`](Object::call) with the render that calls.
    ///
    /// ```
    /// use haiden::{Environment, Error, Keywords, Object, State, Value, context};
    ///
    /// /// A variable of the template, by its name.
    /// #[derive(Debug)]
    /// struct Lookup;
    ///
    /// impl Object for Lookup {
    ///     fn is_callable(&self) -> bool { true }
    ///     fn call_in(&self, state: &State<'_>, positional: &[Value], _: Keywords<'_>) -> Result<Value, Error> {
    ///         let name = positional.first().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
    ///         Ok(state.lookup(&name)?.unwrap_or(Value::NONE))
    ///     }
    /// }
    ///
    /// let var = Value::from_object(Lookup);
    /// assert_eq!(Environment::new().render_str("{{ var('a') }} {{ var('b') }}", context! { var, a => 1 })?, "1 None");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// As `call`.
    fn call_in(
        &self,
        _state: &State<'_>,
        positional: &[Value],
        keywords: Keywords<'_>,
    ) -> Result<Value, Error> {
        self.call(positional, keywords)
    }

    /// [`call_method`](Object::call_method) with the render that calls.
    ///
    /// ```
    /// use haiden::{Environment, Error, Keywords, Object, State, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct Urls;
    ///
    /// impl Object for Urls {
    ///     fn has_method(&self, name: &str) -> bool { name == "to" }
    ///     fn call_method_in(&self, state: &State<'_>, _: &str, positional: &[Value], _: Keywords<'_>) -> Result<Value, Error> {
    ///         let root = state.lookup("root")?.unwrap_or_else(|| "".into());
    ///         Ok(Value::from(format!("{root}/{}", positional.first().unwrap_or(&Value::NONE))))
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.add_global("url", Value::from_object(Urls));
    /// assert_eq!(environment.render_str("{{ url.to('a.css') }}", context! { root => "/shop" })?, "/shop/a.css");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As `call_method`.
    fn call_method_in(
        &self,
        _state: &State<'_>,
        name: &str,
        positional: &[Value],
        keywords: Keywords<'_>,
    ) -> Result<Value, Error> {
        self.call_method(name, positional, keywords)
    }

    /// Calls it, or a method of it, with arguments of the types that it wants; `false` if it has no such method, or knows no
    /// types.
    #[doc(hidden)]
    fn call_typed(&self, _method: Option<&str>, _call: &mut TypedCall<'_>) -> bool {
        false
    }

    /// Has it something that can be called under this name?
    ///
    /// ```
    /// use haiden::{Environment, Error, Keywords, Object, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct Door;
    ///
    /// impl Object for Door {
    ///     fn has_method(&self, name: &str) -> bool { name == "open" }
    ///     fn call_method(&self, _: &str, _: &[Value], _: Keywords<'_>) -> Result<Value, Error> { Ok("creak".into()) }
    /// }
    ///
    /// let door = Value::from_object(Door);
    /// let page = Environment::new().render_str("{{ door.open is defined }} {{ door.shut is defined }}", context! { door })?;
    /// assert_eq!(page, "True False");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn has_method(&self, _name: &str) -> bool {
        false
    }

    /// May templates in a sandbox call it, or this method of it? What deletes or sends should say no.
    ///
    /// ```
    /// use haiden::{Environment, Error, ErrorKind, Keywords, Object, Sandbox, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct Account;
    ///
    /// impl Object for Account {
    ///     fn has_method(&self, name: &str) -> bool { matches!(name, "balance" | "close") }
    ///     fn call_method(&self, _: &str, _: &[Value], _: Keywords<'_>) -> Result<Value, Error> { Ok(Value::from(7)) }
    ///     fn is_safe_to_call(&self, method: Option<&str>) -> bool { method == Some("balance") }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_sandbox(Some(Sandbox::new()));
    /// let account = Value::from_object(Account);
    /// assert_eq!(environment.render_str("{{ account.balance() }}", context! { account => &account })?, "7");
    /// let error = environment.render_str("{{ account.close() }}", context! { account }).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Security);
    /// # Ok::<(), Error>(())
    /// ```
    fn is_safe_to_call(&self, _method: Option<&str>) -> bool {
        true
    }

    /// The items to iterate over; `None` if it is not iterable. [`Value::deserialize_into`] a sequence reads them, too.
    ///
    /// ```
    /// use haiden::{Environment, Object, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct Countdown(i64);
    ///
    /// impl Object for Countdown {
    ///     fn iterate(&self) -> Option<Vec<Value>> {
    ///         Some((1..=self.0).rev().map(Value::from).collect())
    ///     }
    ///     fn length(&self) -> Option<usize> {
    ///         usize::try_from(self.0).ok()
    ///     }
    /// }
    ///
    /// let source = "{% for n in count %}{{ n }} {% endfor %}{{ count|length }}{{ '!' if count }}";
    /// let page = Environment::new().render_str(source, context! { count => Value::from_object(Countdown(3)) })?;
    /// assert_eq!(page, "3 2 1 3!");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn iterate(&self) -> Option<Vec<Value>> {
        None
    }

    /// Its length, if it has one.
    ///
    /// ```
    /// use haiden::{Environment, Object, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct Cart(usize);
    ///
    /// impl Object for Cart {
    ///     fn length(&self) -> Option<usize> { Some(self.0) }
    /// }
    ///
    /// let page = |count| Environment::new().render_str("{{ cart|length if cart else 'empty' }}", context! { cart => Value::from_object(Cart(count)) });
    /// assert_eq!((page(2)?, page(0)?), ("2".to_owned(), "empty".to_owned()));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn length(&self) -> Option<usize> {
        None
    }

    /// Is it true in a condition?
    ///
    /// ```
    /// use haiden::{Environment, Object, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct Switch(bool);
    ///
    /// impl Object for Switch {
    ///     fn is_true(&self) -> bool { self.0 }
    /// }
    ///
    /// let page = |on| Environment::new().render_str("{{ 'on' if switch else 'off' }}", context! { switch => Value::from_object(Switch(on)) });
    /// assert_eq!((page(true)?, page(false)?), ("on".to_owned(), "off".to_owned()));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn is_true(&self) -> bool {
        self.length() != Some(0)
    }

    /// What printing it writes: `<User object>` by default.
    ///
    /// Python writes `<User object at 0x7f3a…>` of an object that says nothing else. An address is another one in each run, so that
    /// no two pages would be the same, and tells strangers where things lie: there is none here. Nor is it the `Debug`, which tells
    /// what templates may not see: a field that is skipped, say.
    ///
    /// ```
    /// use haiden::{Environment, Object, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct Plain;
    /// impl Object for Plain {}
    ///
    /// #[derive(Debug)]
    /// struct Price(u32);
    /// impl Object for Price {
    ///     fn to_text(&self) -> String {
    ///         format!("{}.{:02} €", self.0 / 100, self.0 % 100)
    ///     }
    /// }
    ///
    /// let values = context! { plain => Value::from_object(Plain), price => Value::from_object(Price(1999)) };
    /// assert_eq!(Environment::new().render_str("{{ plain }} {{ price }}", values)?, "<object object> 19.99 €");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn to_text(&self) -> String {
        format!("<{} object>", self.type_name())
    }

    /// Markup for it that needs no escaping, if it has such (`__html__`).
    ///
    /// ```
    /// use haiden::{Environment, Object, Value, context};
    ///
    /// #[derive(Debug)]
    /// struct Icon(&'static str);
    ///
    /// impl Object for Icon {
    ///     fn to_text(&self) -> String { self.0.to_owned() }
    ///     fn to_html(&self) -> Option<String> { Some(format!("<img src='{}.svg'>", self.0)) }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.set_autoescape(true);
    /// let page = environment.render_str("{{ icon }} {{ [icon]|join }}", context! { icon => Value::from_object(Icon("home")) })?;
    /// assert_eq!(page, "<img src='home.svg'> <img src='home.svg'>");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn to_html(&self) -> Option<String> {
        None
    }
}

/// Calls a method of a user's object; a panic in it becomes an error.
pub(crate) fn guarded<T>(
    object: &Arc<dyn Object>,
    method: &str,
    call: impl FnOnce(&dyn Object) -> T,
) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(|| call(&**object)))
        .map_err(|panic| panicked(&format!("{method} of a {}", object.type_name()), &*panic))
}

/// The error for a panic in user code.
#[cold]
pub(crate) fn panicked(what: &str, panic: &(dyn Any + Send)) -> Error {
    let why = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::new(ErrorKind::Runtime, format!("{what} panicked: {why}"))
}

/// What an arena holds of user code.
#[derive(Clone)]
pub(crate) enum Foreign {
    Object(Arc<dyn Object>),
    Function(BoxedFunction),
    /// What has to be waited for.
    Deferred(Deferred),
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Foreign::Object(object) => f.write_str(&object.to_text()),
            Foreign::Function(function) => write!(f, "<function {}>", function.name),
            Foreign::Deferred(deferred) => write!(f, "{deferred:?}"),
        }
    }
}

impl Foreign {
    pub(crate) fn is(&self, other: &Foreign) -> bool {
        match (self, other) {
            (Foreign::Object(left), Foreign::Object(right)) => Arc::ptr_eq(left, right),
            (Foreign::Function(left), Foreign::Function(right)) => Arc::ptr_eq(&left.call, &right.call),
            (Foreign::Deferred(left), Foreign::Deferred(right)) => left.is(right),
            _ => false,
        }
    }
}
