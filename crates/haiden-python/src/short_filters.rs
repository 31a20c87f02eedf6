//! Filters that are one step on values of exact types: `trim`, `first`, `last`, `list`, `int`, `replace`, `capitalize`.
//!
//! In: a stock filter's value and arguments. Out: the result, or `None` for anything that is not plainly of such a type, and
//! then the Python function decides.

use haiden_runtime::Arguments;

use crate::filters::Native;
use crate::host::PyHost;
use crate::objects::{self, Result};
use crate::register::{Obj, Register, View};

/// Applies one of these filters.
pub(crate) fn apply(
    host: &PyHost,
    filter: Native,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
) -> Result<Option<Register>> {
    if !host.fast {
        return Ok(None);
    }
    let object = match value.view() {
        View::Object(object) => object,
        View::Int(_) | View::Bool(_) if filter == Native::Int && arguments.values.is_empty() => {
            return Ok(Some(Register::integer(
                value.small().unwrap_or(i64::from(value.as_bool() == Some(true))),
            )));
        }
        _ => return Ok(None),
    };
    match (filter, arguments.values) {
        (Native::Replace, [old, new]) if arguments.shape.is_plain() => replace(host, object, old, new),
        (Native::Trim, []) if has_bare_ends(object)? => Ok(Some(value.clone())),
        (Native::Trim, []) => text_method(object, &host.types.strip.object),
        (Native::Capitalize, []) => text_method(object, &host.types.capitalize.object),
        (Native::First, []) => Ok(end_of(object, false)),
        (Native::Last, []) => Ok(end_of(object, true)),
        (Native::List, []) if objects::is_builtin_container(object) => {
            objects::list_of(object).map(|list| Some(Register::object(list)))
        }
        (Native::Int, []) => integer(object),
        _ => Ok(None),
    }
}

/// Is it an exact `str` of ASCII that neither begins nor ends with what `strip` takes away? Then that returns it itself.
fn has_bare_ends(object: &Obj) -> Result<bool> {
    if !objects::is_str(object) {
        return Ok(false);
    }
    let objects::Text::Ascii(bytes) = objects::characters(object)? else { return Ok(false) };
    let stays =
        |end: Option<&u8>| end.is_some_and(|byte| !matches!(byte, b'\t'..=b'\r' | 0x1C..=0x1F | b' '));
    Ok(stays(bytes.first()) && stays(bytes.last()))
}

fn text_method(object: &Obj, name: &Obj) -> Result<Option<Register>> {
    if !objects::is_str(object) {
        return Ok(None);
    }
    objects::call_method(object, name, &[]).map(|text| Some(Register::object(text)))
}

/// `text.replace(old, new)`: of plain texts, it is one whether text is escaped or not.
fn replace(host: &PyHost, object: &Obj, old: &Register, new: &Register) -> Result<Option<Register>> {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return Ok(None) };
    if ![object, old, new].into_iter().all(objects::is_str) {
        return Ok(None);
    }
    let arguments = [old.clone(), new.clone()];
    objects::call_method(object, &host.types.replace.object, &arguments)
        .map(|text| Some(Register::object(text)))
}

/// The first or last item of a list or tuple that has one.
fn end_of(object: &Obj, last: bool) -> Option<Register> {
    let at = |length: usize| if last { length.checked_sub(1) } else { Some(0) };
    let item = if objects::is_list(object) {
        objects::list_item(object, at(objects::list_len(object))?)
    } else if objects::is_tuple(object) {
        objects::tuple_item(object, at(objects::tuple_len(object))?)
    } else {
        None
    };
    item.map(Register::object)
}

/// The integer of a text of a few digits.
fn integer(object: &Obj) -> Result<Option<Register>> {
    const MOST_DIGITS: usize = 18;
    if objects::is_int(object) {
        return Ok(Some(Register::object(object.clone())));
    }
    if !objects::is_str(object) {
        return Ok(None);
    }
    let objects::Text::Ascii(digits) = objects::characters(object)? else { return Ok(None) };
    if digits.is_empty() || digits.len() > MOST_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return Ok(None);
    }
    let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    Ok(Some(Register::integer(value)))
}
