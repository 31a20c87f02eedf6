//! Values outside of a render: how they are shown and compared.

use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};

use haiden_runtime::{CompareOp, Program};

use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::policies::{JsonOptions, Policies};
use crate::sandbox::Sandbox;
use crate::value::arena::Arena;
use crate::value::function::BoxedFunction;
use crate::value::host::{NativeHost, RenderLimits, Templates, UndefinedType};
use crate::value::object::Keywords;
use crate::value::value::Value;
use crate::value::word::Word;

/// What filters do where no environment says otherwise.
pub(super) fn default_policies() -> &'static Policies {
    static POLICIES: LazyLock<Policies> = LazyLock::new(Policies::default);
    &POLICIES
}

fn default_undefined() -> &'static UndefinedType {
    static UNDEFINED: LazyLock<UndefinedType> = LazyLock::new(UndefinedType::default);
    &UNDEFINED
}

/// No templates.
pub(super) struct NoTemplates;

impl Templates for NoTemplates {
    fn environment(self: Arc<Self>) -> Option<Environment> {
        None
    }
    fn program(&self, name: &str) -> Result<Arc<Program<NativeHost>>, Error> {
        Err(Error::new(ErrorKind::TemplateNotFound, name))
    }
    fn globals(&self) -> Option<&(Arc<Arena>, Word)> {
        None
    }
    fn undefined(&self) -> &UndefinedType {
        default_undefined()
    }
    fn policies(&self) -> &Policies {
        default_policies()
    }
    fn finalize(&self) -> Option<&BoxedFunction> {
        None
    }
    fn native_types(&self) -> bool {
        false
    }
    fn sandbox(&self) -> Option<&Sandbox> {
        None
    }
    fn extension_method(&self, _: &str, _: &str) -> Option<BoxedFunction> {
        None
    }
    fn newline_sequence(&self) -> &'static str {
        "\n"
    }
    fn limits(&self) -> RenderLimits {
        RenderLimits::default()
    }
    fn user_filter(&self, _: &str) -> Option<BoxedFunction> {
        None
    }
    fn user_test(&self, _: &str) -> Option<BoxedFunction> {
        None
    }
    fn user_names(&self, _: bool) -> Vec<String> {
        Vec::new()
    }
}

/// Runs `work` on a host without templates that has imported values.
fn alone<T>(work: impl FnOnce(&mut NativeHost) -> T) -> T {
    work(&mut NativeHost::default())
}

/// A value as JSON text.
pub(crate) fn json_of_value(value: &Value, options: &JsonOptions) -> Result<String, Error> {
    alone(|host| {
        let word = host.import(value)?;
        host.json_text(word, options, None)
    })
}

/// Calls a value.
pub(crate) fn call_value(
    callee: &Value,
    positional: &[Value],
    keywords: Keywords<'_>,
) -> Result<Value, Error> {
    alone(|host| host.call_with_values(callee, positional, keywords))
}

/// What printing a value writes, or its `repr`.
pub(crate) fn show_value(value: &Value, repr: bool) -> String {
    alone(|host| {
        let mut out = String::new();
        let word = host
            .import(value)
            .and_then(|word| if repr { host.represent(&mut out, word) } else { host.show(&mut out, word) });
        match word {
            Ok(()) => out,
            Err(error) => format!("<{}>", error.message()),
        }
    })
}

/// Are two values equal in Python?
pub(crate) fn equal_values(left: &Value, right: &Value) -> bool {
    alone(|host| {
        let words = host.import(left).and_then(|left| Ok((left, host.import(right)?)));
        words.and_then(|(left, right)| host.is_equal(left, right)).unwrap_or(false)
    })
}

/// The order of two values in Python, if they have one.
pub(crate) fn order_values(left: &Value, right: &Value) -> Option<Ordering> {
    alone(|host| {
        let words = host.import(left).and_then(|left| Ok((left, host.import(right)?)));
        words.and_then(|(left, right)| host.order(CompareOp::Lt, left, right)).ok().flatten()
    })
}
