//! The filters that apply a filter or test to each item: `map`, `reject`, `rejectattr`, `select`, `selectattr`.
//!
//! Jinja's are generators; here all items are taken at once and handed out by one.

use super::host::{BuiltinHost, ErrorClass};
use super::path::Path;
use super::spec::Bound;
use crate::host::{Arguments, Host};
use crate::program::{Keyword, Shape};

/// Arguments that are passed on for each item.
struct Passed<H: Host> {
    values: Vec<H::Register>,
    shape: Shape<H>,
}

impl<H: BuiltinHost> Passed<H> {
    fn new(host: &mut H, positional: &[H::Register], keywords: &[(String, H::Register)]) -> Passed<H> {
        let mut values = positional.to_vec();
        values.extend(keywords.iter().map(|(_, value)| value.clone()));
        let names = keywords
            .iter()
            .map(|(name, _)| Keyword { text: name.as_str().into(), name: host.link_name(name) });
        let keywords = names.collect();
        let shape = Shape { positional: positional.len(), keywords, star: false, star_star: false };
        Passed { values, shape }
    }
    fn arguments(&self) -> Arguments<'_, H> {
        Arguments { values: &self.values, shape: &self.shape }
    }
}

pub(super) fn map<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let mut out = Vec::new();
    match map_all(host, context, value, bound, &mut out) {
        Ok(()) => host.generator("sync_do_map", out),
        Err(error) => host.generator_until("sync_do_map", out, error),
    }
}

fn map_all<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
    out: &mut Vec<H::Register>,
) -> Result<(), H::Error> {
    if host.truth(value)? {
        let keyword = |name: &str| bound.keywords.iter().find(|(k, _)| k == name).map(|(_, value)| value);
        let path = match keyword("attribute") {
            Some(attribute) if bound.rest.is_empty() => {
                let other = bound.keywords.iter().find(|(k, _)| k != "attribute" && k != "default");
                if let Some((other, _)) = other {
                    let message = format!("Unexpected keyword argument '{other}'");
                    return Err(host.error(ErrorClass::FilterArgument, message));
                }
                let path = Path::new(host, context, Some(attribute), false)?;
                Some(path.with_default(host, keyword("default")))
            }
            _ => None,
        };
        if let Some(path) = path {
            let mut iterator = host.iterate(value)?;
            while let Some(item) = host.next(&mut iterator)? {
                out.push(path.get(host, context, &item)?);
            }
        } else {
            let Some((name, positional)) = bound.rest.split_first() else {
                let message = "map requires a filter argument".to_owned();
                return Err(host.error(ErrorClass::FilterArgument, message));
            };
            map_filter(host, context, value, name, positional, &bound.keywords, out)?;
        }
    }
    Ok(())
}

fn map_filter<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    name: &H::Register,
    positional: &[H::Register],
    keywords: &[(String, H::Register)],
    out: &mut Vec<H::Register>,
) -> Result<(), H::Error> {
    let passed = Passed::new(host, positional, keywords);
    let mut filter = None;
    let mut iterator = host.iterate(value)?;
    while let Some(item) = host.next(&mut iterator)? {
        if filter.is_none() {
            filter = host.text(name).map(str::to_owned).and_then(|name| host.named_filter(&name));
        }
        let Some(filter) = &filter else { return Err(unknown(host, "filter", name)) };
        out.push(host.filter(context, filter, &item, passed.arguments())?);
    }
    Ok(())
}

pub(super) fn select<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    choose(host, context, value, bound, Choice { keep: true, attribute: false })
}

pub(super) fn reject<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    choose(host, context, value, bound, Choice { keep: false, attribute: false })
}

pub(super) fn selectattr<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    choose(host, context, value, bound, Choice { keep: true, attribute: true })
}

pub(super) fn rejectattr<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    choose(host, context, value, bound, Choice { keep: false, attribute: true })
}

#[derive(Clone, Copy)]
struct Choice {
    /// Keep the items that the test is true of (or those that it is false of)?
    keep: bool,
    /// Is an attribute tested?
    attribute: bool,
}

fn choose<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
    choice: Choice,
) -> Result<H::Register, H::Error> {
    let mut kept = Vec::new();
    match choose_all(host, context, value, bound, choice, &mut kept) {
        Ok(()) => host.generator("select_or_reject", kept),
        Err(error) => host.generator_until("select_or_reject", kept, error),
    }
}

fn choose_all<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
    choice: Choice,
    kept: &mut Vec<H::Register>,
) -> Result<(), H::Error> {
    if host.truth(value)? {
        let mut arguments = &bound.rest[..];
        let mut path = None;
        if choice.attribute {
            let Some((attribute, rest)) = arguments.split_first() else {
                let message = "Missing parameter for attribute name".to_owned();
                return Err(host.error(ErrorClass::FilterArgument, message));
            };
            path = Some(Path::new(host, context, Some(attribute), false)?);
            arguments = rest;
        }
        let name = arguments.first();
        let positional = arguments.get(1..).unwrap_or_default();
        let passed = Passed::new(host, positional, &bound.keywords);
        let mut test = None;
        let mut iterator = host.iterate(value)?;
        while let Some(item) = host.next(&mut iterator)? {
            let tested = match &path {
                Some(path) => path.get(host, context, &item)?,
                None => item.clone(),
            };
            let holds = if let Some(name) = name {
                if test.is_none() {
                    test = host.text(name).map(str::to_owned).and_then(|name| host.named_test(&name));
                }
                let Some(test) = &test else { return Err(unknown(host, "test", name)) };
                host.test(context, test, &tested, passed.arguments())?
            } else {
                host.truth(&tested)?
            };
            if holds == choice.keep {
                kept.push(item);
            }
        }
    }
    Ok(())
}

/// The error for a name that is no filter resp. test.
fn unknown<H: BuiltinHost>(host: &mut H, what: &str, name: &H::Register) -> H::Error {
    // What cannot be hashed cannot be looked up.
    if let Err(error) = host.unique(std::slice::from_ref(name)) {
        return error;
    }
    let mut message = match host.repr(name) {
        Ok(name) => format!("No {what} named {name}."),
        Err(error) => return error,
    };
    if host.is_undefined(name) {
        let why = host.undefined_message(name);
        message.push_str(" (");
        message.push_str(&why);
        message.push_str("; did you forget to quote the callable name?)");
    }
    host.error(ErrorClass::TemplateRuntime, message)
}
