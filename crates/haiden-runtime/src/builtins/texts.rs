//! The filters over texts: `capitalize`, `center`, `format`, `lower`, `pprint`, `replace`, `string`, `title`,
//! `trim`, `truncate`, `upper`, `wordcount`, `wordwrap`.

use super::host::{BYTES, BuiltinHost, ErrorClass, TextOp, ValueKind};
use super::spec::Bound;
use crate::escape::escape_into;
use crate::host::{BinaryOp, CompareOp};

pub(super) fn capitalize<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    soft_method(host, context, value, "capitalize", &[])
}

pub(super) fn lower<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    soft_method(host, context, value, "lower", &[])
}

pub(super) fn upper<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    soft_method(host, context, value, "upper", &[])
}

pub(super) fn center<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let width = match bound.get(0) {
        Some(width) => width.clone(),
        None => host.integer(80),
    };
    soft_method(host, context, value, "center", &[width])
}

pub(super) fn trim<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    match bound.get(0) {
        Some(characters) => soft_method(host, context, value, "strip", std::slice::from_ref(characters)),
        None => soft_method(host, context, value, "strip", &[]),
    }
}

/// `soft_str(value).name(*arguments)`.
fn soft_method<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    name: &'static str,
    arguments: &[H::Register],
) -> Result<H::Register, H::Error> {
    let text = host.soft_str(value)?;
    host.method(context, &text, name, arguments)
}

pub(super) fn string<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    host.soft_str(value)
}

pub(super) fn title<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let text = host.soft_str(value)?;
    let title = host.text_filter(TextOp::Title, &text)?;
    host.new_text(&title, false)
}

pub(super) fn wordcount<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let text = host.soft_str(value)?;
    let count = host.wordcount(&text)?;
    Ok(host.integer(i64::try_from(count).unwrap_or(i64::MAX)))
}

pub(super) fn pprint<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let text = host.pretty(value)?;
    host.new_text(&text, false)
}

pub(super) fn format<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    if !bound.rest.is_empty() && !bound.keywords.is_empty() {
        let message = "can't handle positional and keyword arguments at the same time".to_owned();
        return Err(host.error(ErrorClass::FilterArgument, message));
    }
    let template = host.soft_str(value)?;
    host.format_percent(&template, &bound.rest, &bound.keywords)
}

pub(super) fn replace<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let (old, new) = (bound.required(0), bound.required(1));
    let count = match bound.some(host, 2) {
        Some(count) => count.clone(),
        None => host.integer(-1),
    };
    let (text, old, new) = if host.autoescape(context) {
        let escape = host.has_html(&old) || host.has_html(&new) && !host.has_html(value);
        let text = if escape { host.escape(value)? } else { host.soft_str(value)? };
        (text, host.soft_str(&old)?, host.soft_str(&new)?)
    } else {
        (host.plain_str(value)?, host.plain_str(&old)?, host.plain_str(&new)?)
    };
    host.method(context, &text, "replace", &[old, new, count])
}

pub(super) fn truncate<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let end = bound.get(2);
    let end_length = match end {
        Some(end) => i64::try_from(host.length(end)?).unwrap_or(i64::MAX),
        None => 3,
    };
    let length = bound.get(0).cloned().unwrap_or_else(|| host.integer(255));
    if fits(host, value, bound, &length, end_length)? {
        return Ok(value.clone());
    }
    let kill_words = bound.flag(host, 1, false)?;
    let length = host.to_index(&length)?;
    let Some(text) = host.text(value) else {
        let name = host.type_name(value);
        let (class, message) = if kill_words {
            (ErrorClass::Type, format!("can only concatenate {name} (not \"str\") to {name}"))
        } else if name == BYTES {
            (ErrorClass::Type, "a bytes-like object is required, not 'str'".to_owned())
        } else {
            (ErrorClass::Attribute, format!("'{name}' object has no attribute 'rsplit'"))
        };
        return Err(host.error(class, message));
    };
    let kept = usize::try_from(length - end_length).unwrap_or(0);
    let mut cut = character(text, kept).map_or(text, |at| &text[..at]);
    if !kill_words {
        cut = cut.rsplit_once(' ').map_or(cut, |(words, _)| words);
    }
    let markup = host.is_markup(value);
    let Some(end) = end else {
        let cut = [cut, "..."].concat();
        return host.new_text(&cut, markup);
    };
    let cut = cut.to_owned();
    let cut = host.new_text(&cut, markup)?;
    host.binary(BinaryOp::Add, &cut, end)
}

/// Is a value no longer than `truncate` leaves it, leeway included? Both numbers may be of any kind.
fn fits<H: BuiltinHost>(
    host: &mut H,
    value: &H::Register,
    bound: &Bound<H>,
    length: &H::Register,
    end_length: i64,
) -> Result<bool, H::Error> {
    let leeway = match bound.some(host, 3).cloned() {
        Some(leeway) => leeway,
        None => {
            let leeway = host.truncate_leeway();
            host.integer(leeway)
        }
    };
    if let (Some(length), Some(leeway)) = (plain(host, length), plain(host, &leeway))
        && let Some(text) = host.text(value)
        && length >= end_length
        && leeway >= 0
    {
        let most = length.saturating_add(leeway);
        return Ok(character(text, usize::try_from(most).unwrap_or(0)).is_none());
    }
    demand(host, "length", length, end_length)?;
    demand(host, "leeway", &leeway, 0)?;
    let size = i64::try_from(host.length(value)?).unwrap_or(i64::MAX);
    let most = host.binary(BinaryOp::Add, length, &leeway)?;
    let size = host.integer(size);
    host.compare_truth(CompareOp::Le, &size, &most)
}

/// A number that is an integer of usual size.
fn plain<H: BuiltinHost>(host: &mut H, number: &H::Register) -> Option<i64> {
    let whole = matches!(host.kind(number), ValueKind::Int | ValueKind::Bool);
    if whole { host.to_index(number).ok() } else { None }
}

/// A number of any kind that must not be below `least`.
fn demand<H: BuiltinHost>(
    host: &mut H,
    what: &str,
    number: &H::Register,
    least: i64,
) -> Result<(), H::Error> {
    let bound = host.integer(least);
    if host.compare_truth(CompareOp::Ge, number, &bound)? {
        return Ok(());
    }
    let mut message = format!("expected {what} >= {least}, got ");
    host.push_text(&mut message, number, false)?;
    Err(host.error(ErrorClass::Assertion, message))
}

/// Where character `index` starts, if the text has so many.
fn character(text: &str, index: usize) -> Option<usize> {
    if text.as_bytes().get(..=index)?.is_ascii() {
        return Some(index);
    }
    text.char_indices().nth(index).map(|(at, _)| at)
}

/// The width of `wordwrap`, of which Python asks little: it is compared first, and cuts only what is too long.
fn wrapping_width<H: BuiltinHost>(
    host: &mut H,
    bound: &Bound<H>,
    value: &H::Register,
) -> Result<i64, H::Error> {
    let Some(width) = bound.get(0) else { return Ok(79) };
    let text = host.text(value).unwrap_or_default();
    if text.is_empty() {
        return Ok(1);
    }
    if host.kind(width) != ValueKind::Float {
        if !matches!(host.kind(width), ValueKind::Int | ValueKind::Bool) {
            let zero = host.integer(0);
            host.compare_truth(CompareOp::Le, width, &zero)?;
        }
        return host.to_index(width);
    }
    let longest = text.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
    let longest = host.integer(i64::try_from(longest).unwrap_or(i64::MAX));
    let (zero, one) = (host.integer(0), host.integer(1));
    if host.compare_truth(CompareOp::Le, width, &zero)? {
        let message = format!("invalid width {} (must be > 0)", host.repr(width)?);
        return Err(host.error(ErrorClass::Value, message));
    }
    let cuts = bound.flag(host, 1, true)? && host.compare_truth(CompareOp::Gt, &longest, width)?;
    if cuts && host.compare_truth(CompareOp::Ge, width, &one)? {
        let message = "slice indices must be integers or None or have an __index__ method".to_owned();
        return Err(host.error(ErrorClass::Type, message));
    }
    // Wider than every word is as wide as any line.
    let whole = host.binary(BinaryOp::FloorDiv, width, &one)?;
    let whole = host.number_int(&whole, None)?.map_or(Ok(i64::MAX), |whole| host.to_index(&whole))?;
    Ok(whole.max(1))
}

/// Anything but a text has no lines to wrap.
fn check_wrapped<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
) -> Result<(), H::Error> {
    if host.text(value).is_some() {
        return Ok(());
    }
    if host.type_name(value) == BYTES {
        // They have lines, which are no texts.
        let message = "cannot use a string pattern on a bytes-like object".to_owned();
        return Err(host.error(ErrorClass::Type, message));
    }
    // An undefined value has its own error for this.
    host.method(context, value, "splitlines", &[])?;
    let message = format!("'{}' object has no attribute 'splitlines'", host.type_name(value));
    Err(host.error(ErrorClass::Attribute, message))
}

/// The lines of a text, with `between` between them.
fn wrapped<H: BuiltinHost>(
    host: &mut H,
    bound: &Bound<H>,
    value: &H::Register,
    between: &str,
) -> Result<String, H::Error> {
    let width = wrapping_width(host, bound, value)?;
    let break_long_words = bound.flag(host, 1, true)?;
    let break_on_hyphens = bound.flag(host, 3, true)?;
    let op = TextOp::WordWrap { width, break_long_words, wrapstring: between, break_on_hyphens };
    host.text_filter(op, value)
}

pub(super) fn wordwrap<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<H::Register, H::Error> {
    let (wrapstring, markup) = match bound.some(host, 2).cloned() {
        None => (host.newline_sequence().to_owned(), false),
        Some(given) => {
            let Some(text) = host.text(&given).map(str::to_owned) else {
                if host.type_name(&given) == BYTES
                    && (host.text(value).is_some() || host.type_name(value) == BYTES)
                {
                    if host.length(value)? > 0 {
                        let message = "sequence item 0: expected a bytes-like object, str found".to_owned();
                        return Err(host.error(ErrorClass::Type, message));
                    }
                    let zero = host.integer(0);
                    return host.binary(BinaryOp::Mul, &given, &zero);
                }
                if host.is_undefined(&given) {
                    // One that has attributes fails when it is called, behind the lines.
                    let join = host.new_text("join", false)?;
                    host.attribute(&given, &join)?;
                    check_wrapped(host, context, value)?;
                    wrapped(host, bound, value, "")?;
                }
                // An undefined value has its own error for this.
                host.method(context, &given, "join", &[])?;
                let message = format!("'{}' object has no attribute 'join'", host.type_name(&given));
                return Err(host.error(ErrorClass::Attribute, message));
            };
            (text, host.is_markup(&given))
        }
    };
    if host.type_name(value) == BYTES && host.length(value)? == 0 {
        return host.new_text("", markup);
    }
    check_wrapped(host, context, value)?;
    let text = wrapped(host, bound, value, if markup { "\n" } else { &wrapstring })?;
    if !markup {
        return host.new_text(&text, false);
    }
    // `Markup.join` escapes what it joins. No line of the text has a line end in it.
    let mut out = String::with_capacity(text.len());
    for (place, line) in text.split('\n').enumerate() {
        out.push_str(if place == 0 { "" } else { &wrapstring });
        escape_into(&mut out, line);
    }
    host.reserve(out.len())?;
    host.new_text(&out, true)
}
