//! Filters of texts and numbers whose plain cases need no Python code: `title`, `wordcount`, `striptags`, `wordwrap`,
//! `urlencode`, `urlize`, `xmlattr`, `center`, `filesizeformat`, `round`, `float`, `reverse`.
//!
//! In: a stock filter's value and arguments. Out: the result, or `None` for anything else than exact types and ASCII, and
//! then the Python function decides. The texts are made by the functions that native values use, too.

use haiden_runtime::Arguments;
use haiden_runtime::builtins::TextOp;
use haiden_runtime::builtins::text::{self, Characters, Rules};
use haiden_runtime::escape::escape_into;

use crate::attr_cache::Name;
use crate::filters::{Native, bind};
use crate::host::PyHost;
use crate::objects::{self, Result, Text};
use crate::register::{Obj, Register, View};
use crate::scope::Context;

/// Applies one of these filters.
pub(crate) fn apply(
    host: &PyHost,
    context: Option<&Context>,
    filter: Native,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
) -> Result<Option<Register>> {
    if !host.fast {
        return Ok(None);
    }
    let plain = arguments.values.is_empty();
    match filter {
        Native::Title if plain => match soft_ascii(host, value)? {
            Some(text) => made(TextOp::Title, text),
            None => Ok(None),
        },
        Native::WordCount if plain => Ok(soft_ascii(host, value)?
            .map(|text| Register::integer(text::wordcount(text, &Ascii).try_into().unwrap_or(i64::MAX)))),
        Native::StripTags if plain => match ascii(value)? {
            Some(text) if !text.contains(['<', '&']) => made(TextOp::StripTags, text),
            _ => Ok(None),
        },
        Native::UrlEncode if plain => url_encode(value),
        Native::Urlize => urlize(host, context, value, arguments),
        Native::WordWrap => word_wrap(host, value, arguments),
        Native::XmlAttr => xml_attr(host, context, value, arguments),
        Native::Center => center(host, value, arguments),
        Native::FileSizeFormat => file_size(value, arguments),
        Native::Round => round(host, value, arguments),
        Native::Float if plain => Ok(match value.view() {
            View::Int(number) => Some(Register::object(objects::float(number as f64)?)),
            View::Object(number) if objects::is_float(number) => Some(value.clone()),
            _ => None,
        }),
        Native::Reverse if plain => match value.as_object() {
            Some(items) if objects::is_list(items) || objects::is_tuple(items) => {
                objects::call(&host.types.reversed, std::slice::from_ref(items), None)
                    .map(|items| Some(Register::object(items)))
            }
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

/// What the text functions ask of characters beyond ASCII, of which they get none here.
struct Ascii;

impl Characters for Ascii {
    fn is_word(&self, character: char) -> bool {
        character.is_alphanumeric()
    }
    fn is_space(&self, character: char) -> bool {
        character.is_whitespace()
    }
    fn is_decimal(&self, character: char) -> bool {
        character.is_numeric()
    }
    fn push_upper(&self, out: &mut String, character: char) {
        out.extend(character.to_uppercase());
    }
    fn push_lower(&self, out: &mut String, text: &str) {
        out.push_str(&text.to_lowercase());
    }
}

/// An exact `str` that is ASCII.
fn ascii(value: &Register) -> Result<Option<&str>> {
    match value.as_object() {
        Some(object) if objects::is_str(object) => ascii_of(object),
        _ => Ok(None),
    }
}

/// As [`ascii`], of exact markup too: for what makes a new text of it.
fn soft_ascii<'a>(host: &PyHost, value: &'a Register) -> Result<Option<&'a str>> {
    match value.as_object() {
        Some(object) if objects::is_str(object) || PyHost::is_exactly(object, &host.types.markup) => {
            ascii_of(object)
        }
        _ => Ok(None),
    }
}

fn ascii_of(object: &Obj) -> Result<Option<&str>> {
    Ok(match objects::characters(object)? {
        Text::Ascii(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    })
}

/// What a text function makes; what it refuses, the Python function refuses in its own words.
fn made(op: TextOp<'_>, text: &str) -> Result<Option<Register>> {
    text_of(op, text, None)
        .map_or(Ok(None), |made| objects::text(&made).map(|text| Some(Register::object(text))))
}

fn text_of(op: TextOp<'_>, text: &str, urlize_rel: Option<&str>) -> Option<String> {
    text::apply(op, text, &Ascii, Rules { urlize_rel, limit: usize::MAX }).ok()
}

/// Text as a part of an address; an exact dict of plain keys and values as a query string.
fn url_encode(value: &Register) -> Result<Option<Register>> {
    let quote = |text: &str| made(TextOp::Quote { for_query: false }, text);
    match value.view() {
        View::Int(number) => quote(&number.to_string()),
        View::Object(text) if objects::is_str(text) => quote(objects::utf8(text)?),
        View::Object(dict) if objects::is_dict(dict) => {
            let (mut out, mut position) = (String::new(), 0);
            while let Some((key, value)) = objects::dict_next(dict, &mut position) {
                let (Some(key), Some(value)) = (plain_text(&key)?, plain_text(&value)?) else {
                    return Ok(None);
                };
                if !out.is_empty() {
                    out.push('&');
                }
                text::quote(&mut out, key.as_bytes(), true);
                out.push('=');
                text::quote(&mut out, value.as_bytes(), true);
            }
            objects::text(&out).map(|text| Some(Register::object(text)))
        }
        _ => Ok(None),
    }
}

/// The text of an exact `str` of ASCII or of an integer.
fn plain_text(object: &Obj) -> Result<Option<String>> {
    if let Some(number) = objects::int_value(object) {
        return Ok(Some(number.to_string()));
    }
    if !objects::is_str(object) {
        return Ok(None);
    }
    Ok(ascii_of(object)?.map(str::to_owned))
}

/// An argument that is a text or was not given (or `None`); `Err` for any other.
fn optional_text(argument: Option<&Register>) -> Result<std::result::Result<Option<&str>, ()>> {
    match argument.map(Register::view) {
        None | Some(View::None) => Ok(Ok(None)),
        Some(View::Object(text)) if objects::is_str(text) => Ok(ascii_of(text)?.map(Some).ok_or(())),
        Some(_) => Ok(Err(())),
    }
}

/// A policy, if the policies are a dict and it is a text or `None`; `Err` if not.
fn policy(host: &PyHost, name: &Name) -> Result<std::result::Result<Option<Register>, ()>> {
    let policies = &host.settings().policies;
    if !objects::is_dict(policies) {
        return Ok(Err(()));
    }
    Ok(match objects::dict_get(policies, &name.object, name.hash)? {
        Some(policy) if policy.is(&objects::none()) => Ok(None),
        Some(policy) if objects::is_str(&policy) => Ok(Some(Register::object(policy))),
        _ => Err(()),
    })
}

fn urlize(
    host: &PyHost,
    context: Option<&Context>,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
) -> Result<Option<Register>> {
    let (Some(context), Some(text)) = (context, ascii(value)?) else { return Ok(None) };
    let Some([limit, nofollow, target, rel]) =
        bind(arguments, ["trim_url_limit", "nofollow", "target", "rel"])
    else {
        return Ok(None);
    };
    let types = host.types;
    let (Ok(policy_rel), Ok(policy_target), Ok(None)) = (
        policy(host, &types.urlize_rel)?,
        policy(host, &types.urlize_target)?,
        policy(host, &types.urlize_extra_schemes)?,
    ) else {
        return Ok(None);
    };
    let limit = match limit.as_ref().map(Register::view) {
        None | Some(View::None) => None,
        Some(View::Int(limit)) => Some(limit),
        Some(_) => return Ok(None),
    };
    let nofollow = match nofollow.as_ref().map(Register::view) {
        None => false,
        Some(View::Bool(nofollow)) => nofollow,
        Some(_) => return Ok(None),
    };
    let (Ok(rel), Ok(given)) = (optional_text(rel.as_ref())?, optional_text(target.as_ref())?) else {
        return Ok(None);
    };
    let (Ok(policy_rel), Ok(policy_target)) =
        (optional_text(policy_rel.as_ref())?, optional_text(policy_target.as_ref())?)
    else {
        return Ok(None);
    };
    let op = TextOp::Urlize {
        trim_url_limit: limit,
        rel,
        nofollow,
        target: given.or(policy_target),
        extra_schemes: &[],
    };
    let mut escaped = String::with_capacity(text.len());
    escape_into(&mut escaped, text);
    let Some(linked) = text_of(op, &escaped, policy_rel) else { return Ok(None) };
    host.finish_text(objects::text(&linked)?, context.autoescape.get()).map(Some)
}

fn word_wrap(host: &PyHost, value: &Register, arguments: Arguments<'_, PyHost>) -> Result<Option<Register>> {
    let names = ["width", "break_long_words", "wrapstring", "break_on_hyphens"];
    let (Some(text), Some([width, long, between, hyphens])) = (ascii(value)?, bind(arguments, names)) else {
        return Ok(None);
    };
    let width = match width.as_ref().map(Register::view) {
        None => 79,
        Some(View::Int(width)) if width > 0 => width,
        Some(_) => return Ok(None),
    };
    let flag = |argument: &Option<Register>| match argument {
        None => Some(true),
        Some(argument) => argument.as_bool(),
    };
    let (Some(break_long_words), Some(break_on_hyphens)) = (flag(&long), flag(&hyphens)) else {
        return Ok(None);
    };
    let between = match between.as_ref().map(Register::view) {
        None | Some(View::None) => {
            let environment = &host.settings().environment;
            Register::object(objects::get_attr(environment, &host.types.newline_sequence.object)?)
        }
        Some(View::Object(between)) => Register::object(between.clone()),
        Some(_) => return Ok(None),
    };
    let Some(wrapstring) = ascii(&between)? else { return Ok(None) };
    made(TextOp::WordWrap { width, break_long_words, wrapstring, break_on_hyphens }, text)
}

/// The attributes of an element, from an exact dict of plain values.
fn xml_attr(
    host: &PyHost,
    context: Option<&Context>,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
) -> Result<Option<Register>> {
    let (Some(context), Some([autospace])) = (context, bind(arguments, ["autospace"])) else {
        return Ok(None);
    };
    let autospace = match &autospace {
        None => true,
        Some(autospace) => match autospace.as_bool() {
            Some(autospace) => autospace,
            None => return Ok(None),
        },
    };
    let Some(dict) = value.as_object().filter(|dict| objects::is_dict(dict)) else { return Ok(None) };
    let (mut out, mut position) = (String::new(), 0);
    while let Some((name, value)) = objects::dict_next(dict, &mut position) {
        if value.is(&objects::none()) || objects::is_instance_of(&value, &host.types.undefined) {
            continue;
        }
        // The name must be a text; what else it is, Python says.
        let name = if objects::is_str(&name) { plain_text(&name)? } else { None };
        let (Some(name), Some(value)) = (name, plain_text(&value)?) else { return Ok(None) };
        let is_bad = |byte| matches!(byte, b'\t'..=b'\r' | b' ' | b'/' | b'>' | b'=');
        if name.bytes().any(is_bad) {
            return Ok(None);
        }
        if autospace || !out.is_empty() {
            out.push(' ');
        }
        escape_into(&mut out, &name);
        out.push_str("=\"");
        escape_into(&mut out, &value);
        out.push('"');
    }
    host.finish_text(objects::text(&out)?, context.autoescape.get()).map(Some)
}

fn center(host: &PyHost, value: &Register, arguments: Arguments<'_, PyHost>) -> Result<Option<Register>> {
    let Some([width]) = bind(arguments, ["width"]) else { return Ok(None) };
    let Some(text) = value.as_object().filter(|text| objects::is_str(text)) else { return Ok(None) };
    let width = match &width {
        None => objects::integer(80)?,
        Some(width) => host.object(width)?,
    };
    objects::call_method(text, &host.types.center.object, &[width]).map(|text| Some(Register::object(text)))
}

fn file_size(value: &Register, arguments: Arguments<'_, PyHost>) -> Result<Option<Register>> {
    let Some([binary]) = bind(arguments, ["binary"]) else { return Ok(None) };
    let binary = match &binary {
        None => false,
        Some(binary) => match binary.as_bool() {
            Some(binary) => binary,
            None => return Ok(None),
        },
    };
    let size = match value.view() {
        View::Int(size) => size as f64,
        View::Object(size) if objects::is_float(size) => objects::float_value(size),
        View::Object(size) => match objects::int_value(size) {
            Some(size) => size as f64,
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let mut out = String::new();
    if text::filesizeformat(&mut out, size, binary).is_err() {
        return Ok(None);
    }
    objects::text(&out).map(|text| Some(Register::object(text)))
}

fn round(host: &PyHost, value: &Register, arguments: Arguments<'_, PyHost>) -> Result<Option<Register>> {
    let Some([precision, None]) = bind(arguments, ["precision", "method"]) else { return Ok(None) };
    let number = host.object(value)?;
    if !objects::is_float(&number) && !objects::is_int(&number) {
        return Ok(None);
    }
    let precision = match &precision {
        None => objects::integer(0)?,
        Some(precision) => host.object(precision)?,
    };
    objects::call(&host.types.round, &[number, precision], None).map(|number| Some(Register::object(number)))
}
