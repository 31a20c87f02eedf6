//! Attribute paths: the `attribute` argument of `sort`, `map`, `groupby` and others.
//!
//! `"a.b.0"` looks up `a`, then `b`, then item 0, each by the environment's rule; `"a,b"` (where several are allowed)
//! is a list of such paths. Anything that is no text is one step by that value.

use super::host::{BuiltinHost, ErrorClass, ValueKind};
use crate::host::Host;

/// One path.
pub(super) struct Path<H: Host> {
    steps: Vec<H::Register>,
    default: Option<H::Register>,
    fold_case: bool,
}

impl<H: BuiltinHost> Path<H> {
    /// The path that `attribute` means; none, or `None`, is the item itself.
    pub(super) fn new(
        host: &mut H,
        context: &H::Context,
        attribute: Option<&H::Register>,
        fold_case: bool,
    ) -> Result<Path<H>, H::Error> {
        let mut path = Path { steps: Vec::new(), default: None, fold_case };
        let Some(attribute) = attribute else { return Ok(path) };
        if let Some(text) = host.text(attribute).map(str::to_owned) {
            path.steps = steps(host, context, &text)?;
        } else if host.kind(attribute) != ValueKind::None {
            path.steps.push(attribute.clone());
        }
        Ok(path)
    }
    /// The path with `default` for each step that is undefined; `None` is no default.
    pub(super) fn with_default(mut self, host: &H, default: Option<&H::Register>) -> Path<H> {
        self.default = default.filter(|value| host.kind(value) != ValueKind::None).cloned();
        self
    }
    /// The path that takes texts as they are.
    pub(super) fn case_sensitive(mut self) -> Path<H> {
        self.fold_case = false;
        self
    }
    /// Follows the path.
    pub(super) fn get(
        &self,
        host: &mut H,
        context: &H::Context,
        item: &H::Register,
    ) -> Result<H::Register, H::Error> {
        let mut value = item.clone();
        for step in &self.steps {
            value = host.item(&value, step)?;
            if let Some(default) = &self.default
                && host.is_undefined(&value)
            {
                value = default.clone();
            }
        }
        if self.fold_case { fold_case(host, context, value) } else { Ok(value) }
    }
}

/// The paths of an attribute that may name several.
pub(super) fn several<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    attribute: Option<&H::Register>,
    fold_case: bool,
) -> Result<Vec<Path<H>>, H::Error> {
    let text = attribute.and_then(|attribute| host.text(attribute)).map(str::to_owned);
    let Some(text) = text else { return Ok(vec![Path::new(host, context, attribute, fold_case)?]) };
    text.split(',')
        .map(|path| Ok(Path { steps: steps(host, context, path)?, default: None, fold_case }))
        .collect()
}

/// A text in lower case; anything else as it is.
pub(super) fn fold_case<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: H::Register,
) -> Result<H::Register, H::Error> {
    match host.text(&value) {
        None => Ok(value),
        Some(text) if text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) => Ok(value),
        Some(_) => host.method(context, &value, "lower", &[]),
    }
}

fn steps<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    path: &str,
) -> Result<Vec<H::Register>, H::Error> {
    path.split('.').map(|step| one_step(host, context, step)).collect()
}

/// Digits only (in any script) are an integer.
fn one_step<H: BuiltinHost>(host: &mut H, context: &H::Context, step: &str) -> Result<H::Register, H::Error> {
    let value = host.new_text(step, false)?;
    let digits = if step.is_ascii() {
        !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit())
    } else {
        let digits = host.method(context, &value, "isdigit", &[])?;
        host.truth(&digits)?
    };
    if !digits {
        return Ok(value);
    }
    if let Ok(number) = step.parse::<i64>() {
        return Ok(host.integer(number));
    }
    if let Some(number) = host.number_int(&value, Some(10))? {
        return Ok(number);
    }
    let message = format!("invalid literal for int() with base 10: {}", host.repr(&value)?);
    Err(host.error(ErrorClass::Value, message))
}
