//! The filters that do something to each item: `map`, `select` and its kin, `sort`, `groupby`, `unique`, `min`, `max`, `sum`.
//!
//! What is done to an item is an [`Each`]. Lazy filters stay what they are in Jinja, generators of Python, which call it;
//! the others go through the items here. `None` where the filter's Python function is to judge the arguments.

use std::cmp::Ordering;

use haiden_runtime::{Arguments, Host};

use crate::each::{Each, Path};
use crate::filters::{Native, bind};
use crate::host::PyHost;
use crate::objects::{self, Result, Text};
use crate::register::{Obj, Register};
use crate::scope::Context;

/// Applies one of these filters.
pub(crate) fn apply(
    host: &mut PyHost,
    context: Option<&Context>,
    filter: Native,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
) -> Result<Option<Register>> {
    let shape = arguments.shape;
    if !host.fast || host.is_async || shape.star || shape.star_star {
        return Ok(None);
    }
    match filter {
        Native::Map => map(host, context, value, arguments),
        Native::Select => choose(host, context, value, (arguments, 0), true),
        Native::Reject => choose(host, context, value, (arguments, 0), false),
        Native::SelectAttr => choose(host, context, value, (arguments, 1), true),
        Native::RejectAttr => choose(host, context, value, (arguments, 1), false),
        Native::Sort => sort(host, value, arguments),
        Native::GroupBy => group(host, value, arguments),
        Native::Unique => unique(host, value, arguments),
        Native::Min | Native::Max => extreme(host, value, arguments, filter == Native::Max),
        Native::Sum => sum(host, value, arguments),
        _ => Ok(None),
    }
}

fn map(
    host: &PyHost,
    context: Option<&Context>,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
) -> Result<Option<Register>> {
    let each = if arguments.shape.positional > 0 {
        let Some(context) = context.filter(|_| !host.settings().hooks.filters_and_tests) else {
            return Ok(None);
        };
        Each::filter(host, context, arguments)?
    } else {
        let Some([Some(attribute), default]) = bind(arguments, ["attribute", "default"]) else {
            return Ok(None);
        };
        let Some(path) = Path::new(Some(&attribute))? else { return Ok(None) };
        Some(Each::getter(host, path.with_default(host, default.as_ref())?, false))
    };
    let Some(each) = each else { return Ok(None) };
    let arguments = [host.object(value)?, each.into_callable()?];
    objects::call(&host.types.mapped, &arguments, None).map(|items| Some(Register::object(items)))
}

/// `skipped`: how many arguments come before the test's name.
fn choose(
    host: &PyHost,
    context: Option<&Context>,
    value: &Register,
    (arguments, skipped): (Arguments<'_, PyHost>, usize),
    keep: bool,
) -> Result<Option<Register>> {
    let Some(context) = context.filter(|_| !host.settings().hooks.filters_and_tests) else { return Ok(None) };
    if arguments.shape.positional < skipped {
        return Ok(None);
    }
    let attribute = arguments.values.first().filter(|_| skipped > 0);
    let Some(path) = Path::new(attribute)? else { return Ok(None) };
    let Some(each) = Each::test(host, context, path, (arguments, skipped), keep)? else { return Ok(None) };
    let arguments = [host.object(value)?, each.into_callable()?];
    objects::call(&host.types.chosen, &arguments, None).map(|items| Some(Register::object(items)))
}

/// The truth of an argument that is false unless given.
fn flag(host: &mut PyHost, argument: Option<&Register>) -> Result<bool> {
    argument.map_or(Ok(false), |argument| host.truth(argument))
}

fn sort(host: &mut PyHost, value: &Register, arguments: Arguments<'_, PyHost>) -> Result<Option<Register>> {
    let Some([reverse, case_sensitive, attribute]) =
        bind(arguments, ["reverse", "case_sensitive", "attribute"])
    else {
        return Ok(None);
    };
    let folds = !flag(host, case_sensitive.as_ref())?;
    // What `sorted` does not take for a truth value, it says itself.
    let reverse = match reverse.as_ref() {
        None => false,
        Some(reverse) => match PyHost::bool(reverse) {
            Some(reverse) => reverse,
            None => return Ok(None),
        },
    };
    let Some(each) = Each::several(host, attribute.as_ref(), folds)? else { return Ok(None) };
    let items = host.listed(value)?;
    let keys = keys(host, &each, &items)?;
    let order = order(host, &keys, each.is_of_one(), reverse)?;
    let items: Vec<Register> = order.into_iter().map(|place| items[place].clone()).collect();
    host.list(&items).map(Some)
}

fn keys(host: &mut PyHost, each: &Each, items: &[Register]) -> Result<Vec<Obj>> {
    let mut keys = Vec::with_capacity(items.len());
    for item in items {
        let key = each.apply(host, item.clone())?;
        keys.push(host.object(&key)?);
    }
    Ok(keys)
}

/// The places of keys in their order, as `sorted` would have it; `of_one`: each is a list of one.
fn order(host: &PyHost, keys: &[Obj], of_one: bool, reverse: bool) -> Result<Vec<usize>> {
    let mut places: Vec<usize> = (0..keys.len()).collect();
    let single: Option<Vec<Obj>> =
        if of_one { keys.iter().map(|key| objects::list_item(key, 0)).collect() } else { None };
    if let Some(plain) = Plain::of(single.as_deref().unwrap_or(keys))? {
        // Both are stable; `sorted` in reverse keeps the order of what is equal.
        places.sort_by(|&left, &right| {
            let order = plain.compare(left, right);
            if reverse { order.reverse() } else { order }
        });
        return Ok(places);
    }
    let keys = objects::list(keys.iter().cloned().map(Ok))?;
    let indices = objects::list((0..places.len()).map(|place| objects::integer(place as i64)))?;
    let by = objects::get_attr(&keys, &objects::intern("__getitem__")?)?;
    let names = objects::tuple([objects::intern("key"), objects::intern("reverse")].into_iter())?;
    let sorted = objects::call(&host.types.sorted, &[indices, by, objects::boolean(reverse)], Some(&names))?;
    for (place, at) in places.iter_mut().enumerate() {
        let index = objects::list_item(&sorted, place).as_ref().and_then(objects::int_value);
        *at = index.and_then(|index| usize::try_from(index).ok()).unwrap_or_default();
    }
    Ok(places)
}

/// Keys of one kind, whose order is known without asking Python.
enum Plain<'a> {
    Texts(Vec<&'a [u8]>),
    Numbers(Vec<i64>),
    Floats(Vec<f64>),
}

impl Plain<'_> {
    /// The keys, if all are texts of ASCII, integers of 64 bits, or floats that are numbers.
    fn of(keys: &[Obj]) -> Result<Option<Plain<'_>>> {
        let Some(first) = keys.first() else { return Ok(Some(Plain::Numbers(Vec::new()))) };
        if objects::is_str(first) {
            let mut texts = Vec::with_capacity(keys.len());
            for key in keys {
                match objects::is_str(key).then(|| objects::characters(key)).transpose()? {
                    Some(Text::Ascii(bytes)) => texts.push(bytes),
                    _ => return Ok(None),
                }
            }
            return Ok(Some(Plain::Texts(texts)));
        }
        if objects::is_int(first) {
            return Ok(keys.iter().map(objects::int_value).collect::<Option<_>>().map(Plain::Numbers));
        }
        let number = |key: &Obj| {
            let value = objects::is_float(key).then(|| objects::float_value(key))?;
            Some(value).filter(|value| !value.is_nan())
        };
        Ok(keys.iter().map(number).collect::<Option<_>>().map(Plain::Floats))
    }

    fn compare(&self, left: usize, right: usize) -> Ordering {
        match self {
            Plain::Texts(keys) => keys[left].cmp(keys[right]),
            Plain::Numbers(keys) => keys[left].cmp(&keys[right]),
            Plain::Floats(keys) => keys[left].partial_cmp(&keys[right]).unwrap_or(Ordering::Equal),
        }
    }
}

fn group(host: &mut PyHost, value: &Register, arguments: Arguments<'_, PyHost>) -> Result<Option<Register>> {
    let Some([Some(attribute), default, case_sensitive]) =
        bind(arguments, ["attribute", "default", "case_sensitive"])
    else {
        return Ok(None);
    };
    let settings = host.settings();
    if settings.hooks.getitem && settings.guard.is_none() {
        // Jinja looks each key up twice: who counts is to count the same.
        return Ok(None);
    }
    let folds = !flag(host, case_sensitive.as_ref())?;
    let (Some(path), Some(exact)) = (Path::new(Some(&attribute))?, Path::new(Some(&attribute))?) else {
        return Ok(None);
    };
    let key = Each::getter(host, path.with_default(host, default.as_ref())?, folds);
    let exact = Each::getter(host, exact.with_default(host, default.as_ref())?, false);
    let items = host.listed(value)?;
    let keys = keys(host, &key, &items)?;
    let order = order(host, &keys, false, false)?;
    let mut groups: Vec<(usize, Vec<Register>)> = Vec::new();
    for place in order {
        let item = items[place].clone();
        match groups.last_mut() {
            Some((of, group)) if keys[*of].is(&keys[place]) || objects::equal(&keys[*of], &keys[place])? => {
                group.push(item);
            }
            _ => groups.push((place, vec![item])),
        }
    }
    let mut pairs = Vec::with_capacity(groups.len());
    for (first, group) in groups {
        let grouper =
            if folds { exact.apply(host, group[0].clone())? } else { Register::object(keys[first].clone()) };
        let group = host.list(&group)?;
        let pair = objects::tuple([host.object(&grouper), host.object(&group)].into_iter())?;
        pairs.push(Register::object(objects::call(&host.types.group_of, &[pair], None)?));
    }
    host.list(&pairs).map(Some)
}

fn unique(host: &mut PyHost, value: &Register, arguments: Arguments<'_, PyHost>) -> Result<Option<Register>> {
    let Some([case_sensitive, attribute]) = bind(arguments, ["case_sensitive", "attribute"]) else {
        return Ok(None);
    };
    let folds = !flag(host, case_sensitive.as_ref())?;
    let Some(path) = Path::new(attribute.as_ref())? else { return Ok(None) };
    let arguments = [host.object(value)?, Each::getter(host, path, folds).into_callable()?];
    objects::call(&host.types.distinct, &arguments, None).map(|items| Some(Register::object(items)))
}

fn extreme(
    host: &mut PyHost,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
    largest: bool,
) -> Result<Option<Register>> {
    let Some([case_sensitive, attribute]) = bind(arguments, ["case_sensitive", "attribute"]) else {
        return Ok(None);
    };
    let folds = !flag(host, case_sensitive.as_ref())?;
    let Some(path) = Path::new(attribute.as_ref())? else { return Ok(None) };
    let function = if largest { &host.types.max } else { &host.types.min };
    let environment = host.settings().environment.clone();
    let key = Each::getter(host, path, folds).into_callable()?;
    let arguments = [environment, host.object(value)?, function.clone(), key];
    objects::call(&host.types.extreme, &arguments, None).map(|item| Some(Register::object(item)))
}

fn sum(host: &PyHost, value: &Register, arguments: Arguments<'_, PyHost>) -> Result<Option<Register>> {
    let Some([attribute, start]) = bind(arguments, ["attribute", "start"]) else { return Ok(None) };
    let start = match &start {
        None => objects::integer(0)?,
        Some(start) => host.object(start)?,
    };
    let mut items = host.object(value)?;
    if let Some(attribute) =
        attribute.filter(|attribute| !matches!(attribute.view(), crate::register::View::None))
    {
        let Some(path) = Path::new(Some(&attribute))? else { return Ok(None) };
        let getter = Each::getter(host, path, false).into_callable()?;
        items = objects::call(&host.types.map, &[getter, items], None)?;
    }
    objects::call(&host.types.sum, &[items, start], None).map(|sum| Some(Register::object(sum)))
}
