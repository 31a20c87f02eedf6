//! A template engine that speaks Jinja2 exactly, for Rust.
//!
//! Templates that people wrote for Jinja2 give the same bytes here, many times faster. An [`Environment`] has options,
//! filters and a [`loader`]; it gives [`Template`]s, which render with anything that serde can serialize.
//!
//! ```
//! use haiden::{AutoEscape, Environment};
//!
//! #[derive(serde::Serialize)]
//! struct Item { name: &'static str, price: f64 }
//!
//! let mut environment = Environment::new();
//! environment.set_autoescape(AutoEscape::by_extension());
//! environment.add_filter("money", |amount: f64| format!("{amount:.2}"));
//! environment.add_template("list.html", "
//! {%- for item in items %}
//! <li>{{ loop.index }}. {{ item.name }}: {{ item.price | money }}</li>
//! {%- endfor %}")?;
//! let items = [Item { name: "Salt & Pepper", price: 2.5 }, Item { name: "Tea", price: 4.0 }];
//! let page = environment.get_template("list.html")?.render(haiden::context! { items })?;
//! assert_eq!(page, "\n<li>1. Salt &amp; Pepper: 2.50</li>\n<li>2. Tea: 4.00</li>");
//! # Ok::<(), haiden::Error>(())
//! ```
//!
//! The [`guide`] has pages to read: start, language, interface, renders that wait, cache, coming from MiniJinja.
//!
//! # Bytecode cache
//!
//! Compiled templates can be kept between processes: see [`haiden_cache`] and
//! [`Environment::set_bytecode_cache`]. A whole site fits into one file: [`Environment::bundle`], [`cache::Bundle`]. A hostile or stale entry is a miss, never a wrong page.
//!
//! # Errors
//!
//! There is one [`Error`]. It knows the template, line and column, and [`Error::report`] shows the source line with a
//! caret and who included or called whom.
#![forbid(unsafe_code)]

mod ask;
mod asynchronous;
mod autoescape;
mod bundle;
mod bytecode;
mod dump;
mod environment;
mod error;
pub mod extension;
pub mod guide;
mod load;
pub mod loader;
mod meta;
mod module;
mod options;
mod policies;
mod prefetch;
#[expect(
    dead_code,
    reason = "Python's meaning of numbers and text is complete; the last filters use the rest"
)]
mod python;
mod sandbox;
mod select;
mod stream;
mod template;
mod template_cache;
mod translations;
mod undefined;
mod value;

pub use ask::Expression;
pub use asynchronous::parts::AsyncStream;
pub use asynchronous::render::BoxFuture;
pub use autoescape::AutoEscape;
pub use bytecode::{check_image, describe_image};
pub use dump::Stage;
pub use environment::Environment;
pub use error::{Error, ErrorKind, Place};
pub use haiden_cache as cache;
pub use haiden_runtime::Limits;
pub use haiden_syntax::{Extensions, Syntax};
pub use meta::{GETTEXT_FUNCTIONS, Message};
pub use module::Module;
pub use policies::{JsonDumps, JsonOptions, Policies};
pub use sandbox::{Sandbox, SandboxPolicy};
pub use select::{Candidate, Selection};
pub use stream::Stream;
pub use template::Template;
pub use template_cache::CacheSize;
pub use translations::{GettextStyle, NullTranslations, Translations};
pub use undefined::{LogLevel, LoggingUndefined, Missing, Misuse, Undefined, UndefinedKind};
pub use value::context::{Context, IntoContext};
pub use value::deserialize::ValueDeserializer;
pub use value::function::{Argument, Function, KeywordArguments, Parameters, Returned, Serde};
pub use value::host::RenderLimits;
pub use value::object::{Keywords, Object};
pub use value::state::State;
pub use value::to_value::ToValue;
pub use value::value::Value;

#[cfg(feature = "derive")]
#[doc = include_str!("derive.md")]
pub use haiden_derive::Object;
#[cfg(feature = "derive")]
#[doc = include_str!("methods.md")]
pub use haiden_derive::methods;

#[doc(hidden)]
pub mod __private {
    pub use crate::value::context::ContextBuilder;
    pub use crate::value::typed::{NoMethods, SaysMethods, TypedCall, call_alone, says_methods, serialized};
}
