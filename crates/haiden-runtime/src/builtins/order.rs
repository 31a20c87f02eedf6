//! The filters that order and compare items: `dictsort`, `groupby`, `max`, `min`, `sort`, `unique`.

use super::host::{BuiltinHost, ErrorClass};
use super::path::{self, Path};
use super::sort::{less, less_lists, same, sorted};
use super::spec::Bound;
use crate::host::CompareOp;

pub(super) fn dictsort<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let by_value = match bound.get(1) {
        Some(by) => sorts_by_value(host, by)?,
        None => false,
    };
    let items = mapping_items(host, context, value)?;
    let reverse = reverse(host, bound, 2)?;
    let case_sensitive = !items.is_empty() && bound.flag(host, 0, false)?;
    let mut keys = Vec::with_capacity(items.len());
    for (key, item) in &items {
        let key = if by_value { item.clone() } else { key.clone() };
        keys.push(if case_sensitive { key } else { path::fold_case(host, context, key)? });
    }
    let order = sorted(host, &keys, reverse, |host, a, b| less(host, a, b))?;
    let mut pairs = Vec::with_capacity(order.len());
    for place in order {
        let (key, item) = &items[place];
        pairs.push(host.tuple(&[key.clone(), item.clone()])?);
    }
    host.list(&pairs)
}

/// Is it `"value"`, and not `"key"`? What cannot be compared to them, as a strict undefined value, raises its own error.
fn sorts_by_value<H: BuiltinHost>(host: &mut H, by: &H::Register) -> Result<bool, H::Error> {
    for (name, by_value) in [("key", false), ("value", true)] {
        let name = host.new_text(name, false)?;
        if same(host, by, &name)? {
            return Ok(by_value);
        }
    }
    let message = "You can only sort by either \"key\" or \"value\"".to_owned();
    Err(host.error(ErrorClass::FilterArgument, message))
}

/// The items of a mapping, or of what a method `items` returns.
pub(super) fn mapping_items<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
) -> Result<super::host::Items<H>, H::Error> {
    if let Some(items) = host.items(value)? {
        return Ok(items);
    }
    let items = host.method(context, value, "items", &[])?;
    let mut iterator = host.iterate(&items)?;
    let mut pairs = Vec::new();
    while let Some(pair) = host.next_pair(&mut iterator)? {
        pairs.push(pair);
    }
    Ok(pairs)
}

pub(super) fn sort<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let case_sensitive = bound.flag(host, 1, false)?;
    let paths = path::several(host, context, bound.get(2), !case_sensitive)?;
    let items = host.collect(value)?;
    let reverse = reverse(host, bound, 0)?;
    let width = paths.len();
    let mut keys = Vec::with_capacity(items.len() * width);
    for item in &items {
        for path in &paths {
            keys.push(path.get(host, context, item)?);
        }
    }
    let keys: Vec<_> = keys.chunks(width).collect();
    let order = sorted(host, &keys, reverse, |host, a, b| less_lists(host, a, b))?;
    let items: Vec<_> = order.into_iter().map(|place| items[place].clone()).collect();
    host.list(&items)
}

/// The argument `reverse`, which Python's `sorted` wants to be an integer.
fn reverse<H: BuiltinHost>(host: &mut H, bound: &Bound<H>, index: usize) -> Result<bool, H::Error> {
    Ok(bound.index(host, index, 0)? != 0)
}

pub(super) fn groupby<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let case_sensitive = bound.flag(host, 2, false)?;
    let path = Path::new(host, context, bound.get(0), !case_sensitive)?.with_default(host, bound.get(1));
    let items = host.collect(value)?;
    let keys = keys(host, context, &path, &items)?;
    let order = sorted(host, &keys, false, |host, a, b| less(host, a, b))?;
    let path = path.case_sensitive();
    let mut groups = Vec::new();
    let mut rest = &order[..];
    while let Some((&first, _)) = rest.split_first() {
        let mut count = 1;
        while count < rest.len() && same(host, &keys[first], &keys[rest[count]])? {
            count += 1;
        }
        let grouper =
            if case_sensitive { keys[first].clone() } else { path.get(host, context, &items[first])? };
        let members = rest[..count].iter().map(|&place| items[place].clone()).collect();
        groups.push(host.group(grouper, members)?);
        rest = &rest[count..];
    }
    host.list(&groups)
}

pub(super) fn max<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    extreme(host, context, value, bound, CompareOp::Gt)
}

pub(super) fn min<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    extreme(host, context, value, bound, CompareOp::Lt)
}

/// The first item that no later one beats.
fn extreme<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
    beats: CompareOp,
) -> Result<H::Register, H::Error> {
    let mut iterator = host.iterate(value)?;
    let Some(mut best) = host.next(&mut iterator)? else {
        return host.undefined_hint("No aggregated item, sequence was empty.");
    };
    let case_sensitive = bound.flag(host, 0, false)?;
    let path = Path::new(host, context, bound.get(1), !case_sensitive)?;
    let mut best_key = path.get(host, context, &best)?;
    while let Some(item) = host.next(&mut iterator)? {
        let key = path.get(host, context, &item)?;
        if host.compare_truth(beats, &key, &best_key)? {
            (best, best_key) = (item, key);
        }
    }
    Ok(best)
}

pub(super) fn unique<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let case_sensitive = bound.flag(host, 0, false)?;
    let path = Path::new(host, context, bound.get(1), !case_sensitive)?;
    let items = host.collect(value)?;
    let keys = keys(host, context, &path, &items)?;
    let places = host.unique(&keys)?;
    let items = places.into_iter().filter_map(|place| items.get(place).cloned()).collect();
    host.generator("sync_do_unique", items)
}

fn keys<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    path: &Path<H>,
    items: &[H::Register],
) -> Result<Vec<H::Register>, H::Error> {
    items.iter().map(|item| path.get(host, context, item)).collect()
}
