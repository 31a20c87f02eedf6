//! The filters that make HTML, JSON and URLs: `escape`, `forceescape`, `safe`, `striptags`, `tojson`, `urlencode`,
//! `urlize`, `xmlattr`; and `attr` and `default`.

use super::host::{BuiltinHost, ErrorClass, TextOp, ValueKind};
use super::order::mapping_items;
use super::spec::Bound;
use crate::host::{BinaryOp, CompareOp};

/// The widest indention that `tojson` makes of a number.
const WIDEST: i64 = 1 << 16;

pub(super) fn attr<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let name = bound.required(0);
    if host.text(&name).is_none() {
        // It is looked for in the dicts of classes first.
        host.unique(std::slice::from_ref(&name))?;
        let message = format!("attribute name must be string, not '{}'", host.type_name(&name));
        return Err(host.error(ErrorClass::Type, message));
    }
    host.attribute(value, &name)
}

pub(super) fn default<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let replace = host.is_undefined(value) || (bound.flag(host, 1, false)? && !host.truth(value)?);
    match bound.get(0) {
        _ if !replace => Ok(value.clone()),
        Some(default) => Ok(default.clone()),
        None => host.new_text("", false),
    }
}

pub(super) fn escape<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    host.escape(value)
}

pub(super) fn forceescape<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let text = html_or_text(host, value)?;
    host.escape(&text)
}

/// `str(value.__html__())` if there is that, else `str(value)`.
fn html_or_text<H: BuiltinHost>(host: &mut H, value: &H::Register) -> Result<H::Register, H::Error> {
    if host.has_html(value) {
        let html = host.html(value)?;
        return host.plain_str(&html);
    }
    host.plain_str(value)
}

pub(super) fn safe<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    host.mark_safe(value)
}

pub(super) fn striptags<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let text = html_or_text(host, value)?;
    let stripped = host.text_filter(TextOp::StripTags, &text)?;
    host.new_text(&stripped, false)
}

pub(super) fn tojson<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let indent = match bound.some(host, 0).cloned() {
        // A text is written without a look at it.
        Some(_) if host.text(value).is_some() => None,
        None => None,
        Some(indent) => Some(json_indent(host, &indent)?),
    };
    let json = host.to_json(value, indent.as_deref())?;
    host.new_text(&html_safe(json), true)
}

/// What `json.dumps` puts before a line: a text as it is, or so many spaces.
fn json_indent<H: BuiltinHost>(host: &mut H, indent: &H::Register) -> Result<String, H::Error> {
    if let Some(text) = host.text(indent) {
        return Ok(text.to_owned());
    }
    if host.is_undefined(indent) {
        // `' ' * undefined` has an error of its own.
        let space = host.new_text(" ", false)?;
        host.binary(BinaryOp::Mul, &space, indent)?;
    }
    let width = host.to_index(indent)?.clamp(0, WIDEST);
    Ok(" ".repeat(usize::try_from(width).unwrap_or(0)))
}

/// JSON that can stand in HTML and in a script.
fn html_safe(json: String) -> String {
    let special = |character| matches!(character, '<' | '>' | '&' | '\'');
    if !json.contains(special) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 32);
    for character in json.chars() {
        match character {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\'' => out.push_str("\\u0027"),
            _ => out.push(character),
        }
    }
    out
}

pub(super) fn urlencode<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    if host.text(value).is_some() || !host.is_undefined(value) && !host.is_iterable(value)? {
        let quoted = quote(host, value, false)?;
        return host.new_text(&quoted, false);
    }
    let mut out = String::new();
    if host.kind(value) == ValueKind::Mapping
        && let Some(items) = host.items(value)?
    {
        for (key, item) in items {
            push_pair(host, &mut out, &key, &item)?;
        }
    } else {
        let mut iterator = host.iterate(value)?;
        while let Some((key, item)) = host.next_pair(&mut iterator)? {
            push_pair(host, &mut out, &key, &item)?;
        }
    }
    host.new_text(&out, false)
}

fn push_pair<H: BuiltinHost>(
    host: &mut H,
    out: &mut String,
    key: &H::Register,
    value: &H::Register,
) -> Result<(), H::Error> {
    if !out.is_empty() {
        out.push('&');
    }
    out.push_str(&quote(host, key, true)?);
    out.push('=');
    out.push_str(&quote(host, value, true)?);
    Ok(())
}

fn quote<H: BuiltinHost>(host: &mut H, value: &H::Register, for_query: bool) -> Result<String, H::Error> {
    if let Some(bytes) = host.byte_string(value) {
        let mut out = String::new();
        super::text::quote(&mut out, bytes, for_query);
        return Ok(out);
    }
    let text = host.plain_str(value)?;
    host.text_filter(TextOp::Quote { for_query }, &text)
}

pub(super) fn urlize<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let limit = bound.some(host, 0).cloned();
    let whole = limit.as_ref().filter(|limit| matches!(host.kind(limit), ValueKind::Int | ValueKind::Bool));
    let trim_url_limit = whole.map(|limit| host.to_index(limit)).transpose()?;
    let rel = rel(host, bound)?;
    let nofollow = bound.flag(host, 1, false)?;
    let extra_schemes = match bound.some(host, 4).cloned() {
        None => host.urlize_extra_schemes(),
        Some(given) => {
            let mut schemes = Vec::new();
            for scheme in host.collect(&given)? {
                schemes.push(scheme_text(host, &scheme)?);
            }
            schemes
        }
    };
    let escaped = host.escape(value)?;
    let op = |trim_url_limit, target| TextOp::Urlize {
        trim_url_limit,
        rel: rel.as_deref(),
        nofollow,
        target,
        extra_schemes: &extra_schemes,
    };
    let target = match bound.some(host, 2).cloned() {
        Some(target) => {
            if host.text(&target).is_none() {
                // Whether the schemes are such comes before what the target is.
                host.text_filter(op(None, None), &escaped)?;
            }
            target_text(host, &target)?
        }
        None => host.urlize_target(),
    };
    let op = |trim_url_limit| op(trim_url_limit, target.as_deref());
    let linked = host.text_filter(op(trim_url_limit), &escaped)?;
    if let Some(limit) = limit
        && trim_url_limit.is_none()
        && host.text_filter(op(Some(0)), &escaped)? != linked
    {
        refuse_limit(host, &limit)?;
    }
    let markup = host.autoescape(context);
    host.new_text(&linked, markup)
}

/// The error for a limit that is no integer, once there is an address to compare it with.
fn refuse_limit<H: BuiltinHost>(host: &mut H, limit: &H::Register) -> Result<(), H::Error> {
    let length = host.integer(i64::MAX);
    if host.compare_truth(CompareOp::Gt, &length, limit)? {
        host.to_index(limit)?;
    }
    Ok(())
}

/// The argument `rel`: nothing if it is false; else Jinja splits it.
fn rel<H: BuiltinHost>(host: &mut H, bound: &Bound<H>) -> Result<Option<String>, H::Error> {
    let Some(value) = bound.get(3) else { return Ok(None) };
    match host.text(value).map(str::to_owned) {
        Some(text) => Ok(Some(text)),
        None if !host.truth(value)? => Ok(None),
        None => {
            let message = format!("'{}' object has no attribute 'split'", host.type_name(value));
            Err(host.error(ErrorClass::Attribute, message))
        }
    }
}

/// A scheme such as `tel:` or `ssh://`.
fn scheme_text<H: BuiltinHost>(host: &mut H, scheme: &H::Register) -> Result<String, H::Error> {
    if let Some(text) = host.text(scheme) {
        return Ok(text.to_owned());
    }
    let message = format!("expected string or bytes-like object, got '{}'", host.type_name(scheme));
    Err(host.error(ErrorClass::Type, message))
}

/// The argument `target`: nothing if it is false, whatever the policy says.
fn target_text<H: BuiltinHost>(host: &mut H, target: &H::Register) -> Result<Option<String>, H::Error> {
    if !host.truth(target)? {
        return Ok(None);
    }
    let mut text = String::new();
    host.push_text(&mut text, target, false)?;
    Ok(Some(text))
}

pub(super) fn xmlattr<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let mut out = String::new();
    for (key, item) in mapping_items(host, context, value)? {
        if matches!(host.kind(&item), ValueKind::None | ValueKind::Undefined) {
            continue;
        }
        check_attribute_name(host, &key)?;
        out.push(' ');
        host.push_text(&mut out, &key, true)?;
        out.push_str("=\"");
        host.push_text(&mut out, &item, true)?;
        out.push('"');
    }
    let spaced = bound.flag(host, 0, true)?;
    let markup = host.autoescape(context);
    host.new_text(if spaced { &out } else { out.strip_prefix(' ').unwrap_or_default() }, markup)
}

fn check_attribute_name<H: BuiltinHost>(host: &mut H, key: &H::Register) -> Result<(), H::Error> {
    let bad = |c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '/' | '>' | '=');
    match host.text(key).map(|text| text.contains(bad)) {
        Some(false) => Ok(()),
        Some(true) => {
            let message = format!("Invalid character in attribute name: {}", host.repr(key)?);
            Err(host.error(ErrorClass::Value, message))
        }
        None => {
            let message = format!("expected string or bytes-like object, got '{}'", host.type_name(key));
            Err(host.error(ErrorClass::Type, message))
        }
    }
}
