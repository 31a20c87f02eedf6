//! The filters over sequences: `batch`, `first`, `items`, `join`, `last`, `length`, `list`, `random`, `reverse`,
//! `slice`, `sum`.

use super::host::{BYTES, BuiltinHost, ErrorClass};
use super::path::Path;
use super::spec::Bound;
use crate::host::{BinaryOp, CompareOp};

pub(super) fn batch<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let line_count = bound.required(0);
    let mut iterator = host.iterate(value)?;
    let mut lines = Vec::new();
    let mut line = Vec::new();
    while let Some(item) = host.next(&mut iterator)? {
        let length = length_register(host, line.len());
        if host.compare_truth(CompareOp::Eq, &length, &line_count)? {
            lines.push(host.list(&line)?);
            line.clear();
        }
        line.push(item);
    }
    if !line.is_empty() {
        if let Some(fill) = bound.some(host, 1).cloned() {
            let length = length_register(host, line.len());
            if host.compare_truth(CompareOp::Lt, &length, &line_count)? {
                let wanted = usize::try_from(host.to_index(&line_count)?).unwrap_or(0);
                host.reserve(wanted)?;
                line.resize(wanted.max(line.len()), fill);
            }
        }
        lines.push(host.list(&line)?);
    }
    host.generator("do_batch", lines)
}

fn length_register<H: BuiltinHost>(host: &mut H, length: usize) -> H::Register {
    host.integer(i64::try_from(length).unwrap_or(i64::MAX))
}

pub(super) fn slice<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let items = host.collect(value)?;
    let slices = bound.required(0);
    if host.is_undefined(&slices) {
        let length = length_register(host, items.len());
        host.binary(BinaryOp::FloorDiv, &length, &slices)?;
    }
    let slices = host.to_index(&slices)?;
    if slices == 0 {
        let message = "integer division or modulo by zero".to_owned();
        return Err(host.error(ErrorClass::ZeroDivision, message));
    }
    let slices = usize::try_from(slices).unwrap_or(0);
    host.reserve(slices)?;
    let fill = bound.some(host, 1).cloned();
    let mut parts = Vec::new();
    let mut rest = &items[..];
    for number in 0..slices {
        let longer = number < items.len() % slices;
        let (part, left) = rest.split_at(items.len() / slices + usize::from(longer));
        rest = left;
        let list = host.list(part)?;
        if let Some(fill) = &fill
            && !longer
        {
            host.extend_list(&list, std::slice::from_ref(fill))?;
        }
        parts.push(list);
    }
    host.generator("sync_do_slice", parts)
}

pub(super) fn first<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let mut iterator = host.iterate(value)?;
    match host.next(&mut iterator)? {
        Some(item) => Ok(item),
        None => host.undefined_hint("No first item, sequence was empty."),
    }
}

pub(super) fn last<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    if let Some(text) = host.text(value)
        && let Some((at, _)) = text.char_indices().next_back()
    {
        let last = text[at..].to_owned();
        // `reversed` asks for items, and an item of markup is markup.
        let markup = host.is_markup(value);
        return host.new_text(&last, markup);
    }
    let Some(reversed) = host.reversed(value)? else {
        let message = format!("'{}' object is not reversible", host.type_name(value));
        return Err(host.error(ErrorClass::Type, message));
    };
    let mut iterator = host.iterate(&reversed)?;
    match host.next(&mut iterator)? {
        Some(item) => Ok(item),
        None => host.undefined_hint("No last item, sequence was empty."),
    }
}

pub(super) fn reverse<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    if let Some(text) = host.text(value) {
        let reversed: String = text.chars().rev().collect();
        let markup = host.is_markup(value);
        return host.new_text(&reversed, markup);
    }
    if let Some(reversed) = host.reversed(value)? {
        return Ok(reversed);
    }
    if !host.is_iterable(value)? {
        return Err(host.error(ErrorClass::FilterArgument, "argument must be iterable".to_owned()));
    }
    let mut items = match host.collect(value) {
        Err(error) if host.is_type_error(&error) => {
            return Err(host.error(ErrorClass::FilterArgument, "argument must be iterable".to_owned()));
        }
        items => items?,
    };
    items.reverse();
    host.list(&items)
}

pub(super) fn random<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let length = host.length(value)?;
    if length == 0 {
        return host.undefined_hint("No random item, sequence was empty.");
    }
    let place = host.random_below(length).min(length - 1);
    let place = length_register(host, place);
    host.item(value, &place)
}

pub(super) fn length<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let length = host.length(value)?;
    Ok(length_register(host, length))
}

pub(super) fn list<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let items = host.collect(value)?;
    host.list(&items)
}

pub(super) fn items<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let mut pairs = Vec::new();
    if !host.is_undefined(value) {
        let Some(items) = host.items(value)? else {
            let message = "Can only get item pairs from a mapping.".to_owned();
            return Err(host.error(ErrorClass::Type, message));
        };
        for (key, item) in items {
            pairs.push(host.tuple(&[key, item])?);
        }
    }
    host.generator("do_items", pairs)
}

pub(super) fn sum<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let path = Path::new(host, context, bound.get(0), false)?;
    let mut iterator = host.iterate(value)?;
    let start = match bound.get(1) {
        Some(start) => start.clone(),
        None => host.integer(0),
    };
    let prefix = if host.type_name(&start) == BYTES { "b" } else { "" };
    if host.text(&start).is_some() || !prefix.is_empty() {
        let what = if prefix.is_empty() { "strings" } else { BYTES };
        let message = format!("sum() can't sum {what} [use {prefix}''.join(seq) instead]");
        return Err(host.error(ErrorClass::Type, message));
    }
    let mut items = Vec::with_capacity(host.remaining(&iterator).unwrap_or(0).min(1 << 16));
    while let Some(item) = host.next(&mut iterator)? {
        items.push(path.get(host, context, &item)?);
    }
    host.sum(&items, &start)
}

pub(super) fn join<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let path = match bound.some(host, 1).cloned() {
        None => None,
        Some(attribute) => Some(Path::new(host, context, Some(&attribute), false)?),
    };
    let delimiter = match bound.get(0) {
        Some(delimiter) => delimiter.clone(),
        None => host.new_text("", false)?,
    };
    if !host.autoescape(context) {
        return join_plain(host, context, value, delimiter, path.as_ref());
    }
    let mut iterator = host.iterate(value)?;
    let html_delimiter = host.has_html(&delimiter);
    let mut items = Vec::with_capacity(host.remaining(&iterator).unwrap_or(0).min(1 << 12));
    let mut html_item = false;
    while let Some(mut item) = host.next(&mut iterator)? {
        if let Some(path) = &path {
            item = path.get(host, context, &item)?;
        }
        html_item |= host.has_html(&item);
        items.push(item);
    }
    if html_delimiter {
        return join_with_markup(host, &delimiter, &items);
    }
    let separator = text_once(host, delimiter)?;
    let mut out = String::with_capacity(items.len().min(1 << 12) * 16);
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            host.push_text(&mut out, &separator, html_item)?;
        }
        host.push_text(&mut out, item, html_item)?;
    }
    host.new_text(&out, html_item)
}

/// A text; anything else is made one, once.
fn text_once<H: BuiltinHost>(host: &mut H, value: H::Register) -> Result<H::Register, H::Error> {
    if host.text(&value).is_some() { Ok(value) } else { host.soft_str(&value) }
}

/// `str(delimiter).join(map(str, value))`: what is wrong with the delimiter is told first, unless attributes of the items are
/// wanted.
fn join_plain<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    delimiter: H::Register,
    path: Option<&Path<H>>,
) -> Result<H::Register, H::Error> {
    let (separator, mut iterator) = if path.is_some() {
        let iterator = host.iterate(value)?;
        (text_once(host, delimiter)?, iterator)
    } else {
        (text_once(host, delimiter)?, host.iterate(value)?)
    };
    let mut out = String::new();
    let mut first = true;
    while let Some(mut item) = host.next(&mut iterator)? {
        if let Some(path) = path {
            item = path.get(host, context, &item)?;
        }
        if !std::mem::replace(&mut first, false) {
            host.push_text(&mut out, &separator, false)?;
        }
        host.push_text(&mut out, &item, false)?;
    }
    host.new_text(&out, false)
}

/// `soft_str(delimiter).join(map(soft_str, items))`.
fn join_with_markup<H: BuiltinHost>(
    host: &mut H,
    delimiter: &H::Register,
    items: &[H::Register],
) -> Result<H::Register, H::Error> {
    let delimiter = host.soft_str(delimiter)?;
    let markup = host.is_markup(&delimiter);
    let separator = host.text(&delimiter).unwrap_or_default().to_owned();
    let mut out = String::new();
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push_str(&separator);
        }
        let item = host.soft_str(item)?;
        host.push_text(&mut out, &item, markup)?;
    }
    host.new_text(&out, markup)
}
