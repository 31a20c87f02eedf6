//! The filters over numbers: `abs`, `filesizeformat`, `float`, `int`, `round`.

use super::host::{BuiltinHost, ErrorClass, RoundMethod, ValueKind};
use super::spec::Bound;

pub(super) fn abs<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    host.absolute(value)
}

pub(super) fn filesizeformat<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let size = host.real(value)?;
    let binary = bound.flag(host, 0, false)?;
    let mut text = String::new();
    super::text::filesizeformat(&mut text, size, binary)
        .map_err(|error| host.error(error.class, error.message))?;
    host.new_text(&text, false)
}

pub(super) fn float<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    match (host.number_float(value)?, bound.get(0)) {
        (Some(number), _) => Ok(number),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => host.new_float(0.0),
    }
}

pub(super) fn int<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let base = match bound.get(1) {
        None => Some(10),
        Some(base) if matches!(host.kind(base), ValueKind::Int | ValueKind::Bool) => {
            Some(host.to_index(base)?)
        }
        Some(_) => None,
    };
    match (host.number_int(value, base)?, bound.get(0)) {
        (Some(number), _) => Ok(number),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Ok(host.integer(0)),
    }
}

pub(super) fn round<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    if let Some(method) = bound.get(1)
        && host.text(method).is_none()
    {
        // The method is looked for in a set.
        host.unique(std::slice::from_ref(method))?;
    }
    let method = match bound.get(1).map(|method| host.text(method).unwrap_or_default()) {
        None | Some("common") => RoundMethod::Common,
        Some("ceil") => RoundMethod::Ceil,
        Some("floor") => RoundMethod::Floor,
        Some(_) => {
            let message = "method must be common, ceil or floor".to_owned();
            return Err(host.error(ErrorClass::FilterArgument, message));
        }
    };
    let precision = match bound.get(0) {
        None => Some(0),
        Some(precision) if host.kind(precision) == ValueKind::None => None,
        Some(precision) => Some(host.to_index(precision)?),
    };
    host.round(value, precision, method)
}
