//! The filters that need no Python function where their values are plain; what each of them is made of is in files of its own.
//!
//! [`apply`] is the filter as a value; [`emit`] writes the result without making it, where that can be done.

use haiden_runtime::{Arguments, Host};

use crate::attr_cache::Name;
use crate::host::PyHost;
use crate::item_filters;
use crate::json;
use crate::objects::{self, Class, Result, Text};
use crate::output::Output;
use crate::register::{Obj, Register};
use crate::scope::Context;
use crate::short_filters;
use crate::text_filters;
use crate::truncate;
use crate::types::{Types, stock_of};
use crate::wanted::Wanted;

/// What a filter was linked to.
pub(crate) enum Filter {
    /// A function of the environment.
    Function(Function),
    /// The environment's filters are no dict: it is asked each time.
    Named(Name),
}

impl Filter {
    /// The function, if it is known.
    pub(crate) fn object(&self) -> Option<&Obj> {
        match self {
            Filter::Function(function) => Some(&function.object),
            Filter::Named(_) => None,
        }
    }
}

/// A function of the environment that templates use by name.
pub(crate) struct Function {
    pub(crate) object: Obj,
    pub(crate) wanted: Wanted,
    /// The machine's own way of applying it.
    pub(crate) native: Option<Native>,
}

impl Function {
    /// What templates use a Python function as.
    pub(crate) fn new(types: &Types, object: Obj) -> Result<Function> {
        let native = if types.helpers.are_stock()? { stock_of(&types.stock_filters, &object) } else { None };
        let wanted = Wanted::of(&object)?;
        Ok(Function { object, wanted, native })
    }
}

/// A filter of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Native {
    Capitalize,
    Center,
    Default,
    Escape,
    FileSizeFormat,
    First,
    Float,
    Format,
    GroupBy,
    Int,
    Join,
    Last,
    Length,
    List,
    Lower,
    Map,
    Max,
    Min,
    Reject,
    RejectAttr,
    Replace,
    Reverse,
    Round,
    Safe,
    Select,
    SelectAttr,
    Sort,
    String,
    StripTags,
    Sum,
    Title,
    ToJson,
    Trim,
    Truncate,
    Unique,
    Upper,
    UrlEncode,
    Urlize,
    WordCount,
    WordWrap,
    XmlAttr,
}

impl Native {
    /// The stock functions, by their names in `haiden.filters`.
    pub(crate) const STOCK: &'static [(&'static str, Native)] = &[
        ("do_default", Native::Default),
        ("escape", Native::Escape),
        ("do_format", Native::Format),
        ("do_join", Native::Join),
        ("builtins.len", Native::Length),
        ("do_lower", Native::Lower),
        ("do_mark_safe", Native::Safe),
        ("soft_str", Native::String),
        ("do_tojson", Native::ToJson),
        ("do_truncate", Native::Truncate),
        ("do_upper", Native::Upper),
        ("do_capitalize", Native::Capitalize),
        ("do_first", Native::First),
        ("do_int", Native::Int),
        ("do_last", Native::Last),
        ("do_list", Native::List),
        ("do_replace", Native::Replace),
        ("do_trim", Native::Trim),
        ("do_groupby", Native::GroupBy),
        ("do_map", Native::Map),
        ("do_max", Native::Max),
        ("do_min", Native::Min),
        ("do_reject", Native::Reject),
        ("do_rejectattr", Native::RejectAttr),
        ("do_select", Native::Select),
        ("do_selectattr", Native::SelectAttr),
        ("do_sort", Native::Sort),
        ("do_sum", Native::Sum),
        ("do_unique", Native::Unique),
        ("do_center", Native::Center),
        ("do_filesizeformat", Native::FileSizeFormat),
        ("do_float", Native::Float),
        ("do_reverse", Native::Reverse),
        ("do_round", Native::Round),
        ("do_striptags", Native::StripTags),
        ("do_title", Native::Title),
        ("do_urlencode", Native::UrlEncode),
        ("do_urlize", Native::Urlize),
        ("do_wordcount", Native::WordCount),
        ("do_wordwrap", Native::WordWrap),
        ("do_xmlattr", Native::XmlAttr),
    ];
}

/// The arguments by name: `names` are the parameters after the value. `None` for arguments that the function itself is to
/// judge.
pub(crate) fn bind<const N: usize>(
    arguments: Arguments<'_, PyHost>,
    names: [&str; N],
) -> Option<[Option<Register>; N]> {
    let mut bound = [const { None }; N];
    let shape = arguments.shape;
    if shape.star || shape.star_star || arguments.values.len() > N {
        return None;
    }
    let (positional, named) = arguments.values.split_at(shape.positional);
    for (place, value) in bound.iter_mut().zip(positional) {
        *place = Some(value.clone());
    }
    for (keyword, value) in shape.keywords.iter().zip(named) {
        let place = names.iter().position(|known| **known == *keyword.text)?;
        if bound[place].is_some() {
            return None;
        }
        bound[place] = Some(value.clone());
    }
    Some(bound)
}

/// Applies a filter; `None` if the function itself is to judge the arguments, or to be given a context where there is none.
pub(crate) fn apply(
    host: &mut PyHost,
    context: Option<&Context>,
    filter: Native,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
) -> Result<Option<Register>> {
    let plain = arguments.shape.registers() == 0;
    Ok(match filter {
        Native::Default if arguments.shape.is_plain() && arguments.values.len() == 1 => {
            Some(if host.is_undefined(value) { &arguments.values[0] } else { value }.clone())
        }
        Native::Default => match bind(arguments, ["default_value", "boolean"]) {
            Some(bound) => Some(default(host, value, bound)?),
            None => None,
        },
        Native::Escape if plain => Some(match value.as_object() {
            Some(object) if PyHost::is_exactly(object, &host.types.markup) => value.clone(),
            _ => host.build(true, |host, out| host.print(out, value, true))?,
        }),
        Native::Safe if plain => Some(host.mark_safe(value)?),
        Native::String if plain => Some(Register::object(soft_str(host, value)?)),
        Native::Length if plain => Some(Register::integer(objects::length(&host.object(value)?)? as i64)),
        Native::Upper | Native::Lower if plain => {
            if host.fast
                && let Some(bytes) = markup_ascii(host, value)?
            {
                let text = if filter == Native::Upper {
                    bytes.to_ascii_uppercase()
                } else {
                    bytes.to_ascii_lowercase()
                };
                return host.finish_text(objects::text_of_ascii(&text)?, true).map(Some);
            }
            let name = if filter == Native::Upper { &host.types.upper } else { &host.types.lower };
            Some(Register::object(method(&soft_str(host, value)?, name, &[])?))
        }
        Native::Format if arguments.shape.is_plain() => Some(format(host, value, arguments)?),
        Native::Join if !host.iterates_at_once(value) => None,
        Native::Join => match (bind(arguments, ["d", "attribute"]), context) {
            (Some([separator, None]), Some(context)) => Some(join(host, context, value, separator)?),
            _ => None,
        },
        Native::ToJson if host.fast => match bind(arguments, ["indent"]) {
            Some([indent]) => match json::dumps(host, value, indent.as_ref())? {
                Some(text) => Some(host.finish_text(objects::text(&text)?, true)?),
                None => None,
            },
            None => None,
        },
        Native::Truncate => truncate::apply(host, value, arguments)?,
        Native::GroupBy
        | Native::Map
        | Native::Max
        | Native::Min
        | Native::Reject
        | Native::RejectAttr
        | Native::Select
        | Native::SelectAttr
        | Native::Sort
        | Native::Sum
        | Native::Unique => item_filters::apply(host, context, filter, value, arguments)?,
        Native::Center
        | Native::FileSizeFormat
        | Native::Float
        | Native::Reverse
        | Native::Round
        | Native::StripTags
        | Native::Title
        | Native::UrlEncode
        | Native::Urlize
        | Native::WordCount
        | Native::WordWrap
        | Native::XmlAttr => text_filters::apply(host, context, filter, value, arguments)?,
        other => short_filters::apply(host, other, value, arguments)?,
    })
}

/// Applies a filter and writes the result, if that needs no object; `false` if it does, and nothing is written.
pub(crate) fn emit(
    host: &mut PyHost,
    out: &mut Output,
    filter: Native,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
    escape: bool,
) -> Result<bool> {
    match filter {
        Native::Upper | Native::Lower if arguments.shape.registers() == 0 => {
            if let Some(bytes) = plain_ascii(value)? {
                emit_case(out, bytes, filter == Native::Upper, escape);
                return Ok(true);
            }
            if host.fast
                && let Some(bytes) = markup_ascii(host, value)?
            {
                emit_case(out, bytes, filter == Native::Upper, false);
                return Ok(true);
            }
            Ok(false)
        }
        Native::Default if arguments.shape.is_plain() && arguments.values.len() == 1 => {
            let value = if host.is_undefined(value) { &arguments.values[0] } else { value };
            host.print(out, value, escape).map(|()| true)
        }
        Native::Length if arguments.shape.registers() == 0 => {
            out.push_int(objects::length(&host.object(value)?)? as i64);
            Ok(true)
        }
        Native::ToJson => {
            let Some([indent]) = bind(arguments, ["indent"]) else { return Ok(false) };
            let Some(text) = json::dumps(host, value, indent.as_ref())? else { return Ok(false) };
            out.push(&text, text.is_ascii());
            Ok(true)
        }
        Native::Truncate => truncate::emit(host, out, value, arguments, escape),
        Native::Join if escape && host.iterates_at_once(value) => emit_joined(host, out, value, arguments),
        Native::Format => emit_fixed(out, value, arguments),
        _ => Ok(false),
    }
}

/// ASCII in upper or lower case; short texts need no memory.
fn emit_case(out: &mut Output, bytes: &[u8], upper: bool, escape: bool) {
    let change = |bytes: &mut [u8]| {
        if upper { bytes.make_ascii_uppercase() } else { bytes.make_ascii_lowercase() }
    };
    let mut small = [0; 64];
    if let Some(small) = small.get_mut(..bytes.len()) {
        small.copy_from_slice(bytes);
        change(small);
        out.push_text(Text::Ascii(small), escape);
    } else {
        let mut changed = bytes.to_vec();
        change(&mut changed);
        out.push_text(Text::Ascii(&changed), escape);
    }
}

/// The bytes of an exact `str` that is ASCII.
pub(crate) fn plain_ascii(value: &Register) -> Result<Option<&[u8]>> {
    let Some(object) = value.as_object().filter(|object| objects::is_str(object)) else { return Ok(None) };
    Ok(match objects::characters(object)? {
        Text::Ascii(bytes) => Some(bytes),
        _ => None,
    })
}

/// The bytes of exact markup that is ASCII.
fn markup_ascii<'a>(host: &PyHost, value: &'a Register) -> Result<Option<&'a [u8]>> {
    let is_markup = |object: &&Obj| PyHost::is_exactly(object, &host.types.markup);
    let Some(object) = value.as_object().filter(is_markup) else { return Ok(None) };
    Ok(match objects::characters(object)? {
        Text::Ascii(bytes) => Some(bytes),
        _ => None,
    })
}

/// `markupsafe.soft_str(value)`.
fn soft_str(host: &PyHost, value: &Register) -> Result<Obj> {
    let object = host.object(value)?;
    if objects::is_text(&object) { Ok(object) } else { objects::str_of(&object) }
}

/// `object.name(*arguments)`.
pub(crate) fn method(object: &Obj, name: &Name, arguments: &[Obj]) -> Result<Obj> {
    let Some(method) = objects::lookup_attr(object, &name.object)? else {
        let message = format!("'{}' object has no attribute '{}'", objects::class_name(object), name.text());
        return objects::raise(&Class::Attribute.object(), &message);
    };
    objects::call(&method, arguments, None)
}

fn default(
    host: &mut PyHost,
    value: &Register,
    [default, boolean]: [Option<Register>; 2],
) -> Result<Register> {
    let mut replace = host.is_undefined(value);
    if !replace && let Some(boolean) = boolean {
        replace = host.truth(&boolean)? && !host.truth(value)?;
    }
    if !replace {
        return Ok(value.clone());
    }
    match default {
        Some(default) => Ok(default),
        None => objects::text("").map(Register::object),
    }
}

fn join(
    host: &mut PyHost,
    context: &Context,
    value: &Register,
    separator: Option<Register>,
) -> Result<Register> {
    let escapes = context.autoescape.get();
    let separator = match separator {
        None => Register::object(objects::text("")?),
        // `str(d).join(value)`: what is wrong with it is told first, and also if nothing is to be joined.
        Some(separator) if !escapes => text_once(host, separator)?,
        Some(separator) => separator,
    };
    let mut items = if escapes { host.listed(value)? } else { host.items_now(value)? };
    let (separator, safe) = if escapes && host.has_html(&separator)? {
        // Texts are joined: the separator's, which escapes if it is markup, and those of the items.
        for item in &mut items {
            *item = Register::object(soft_str(host, item)?);
        }
        let separator = Register::object(soft_str(host, &separator)?);
        let safe = host.has_html(&separator)?;
        (separator, safe)
    } else {
        let mut safe = false;
        for item in items.iter().filter(|_| escapes) {
            safe = safe || host.has_html(item)?;
        }
        (if safe { separator } else { text_once(host, separator)? }, safe)
    };
    host.build(safe, |host, out| {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                host.print(out, &separator, safe)?;
            }
            host.print(out, item, safe)?;
        }
        Ok(())
    })
}

/// A text; anything else is made one, once.
fn text_once(host: &PyHost, value: Register) -> Result<Register> {
    if value.as_object().is_some_and(objects::is_str) {
        return Ok(value);
    }
    objects::str_of(&host.object(&value)?).map(Register::object)
}

/// Joining, then escaping what is no markup, is the same as escaping the parts and joining them.
fn emit_joined(
    host: &mut PyHost,
    out: &mut Output,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
) -> Result<bool> {
    let shape = arguments.shape;
    if !shape.is_plain() || shape.positional > 1 {
        return Ok(false);
    }
    let separator = arguments.values.first();
    if separator.is_some_and(|separator| !separator.as_object().is_some_and(objects::is_str)) {
        return Ok(false);
    }
    // Of other things an error must come before the first part is written.
    match value.as_object() {
        Some(list) if objects::is_list(list) || objects::is_tuple(list) => {}
        _ => return Ok(false),
    }
    let mut iterator = host.iterate(value)?;
    let mut first = true;
    while let Some(item) = iterator.next()? {
        if !first && let Some(separator) = separator {
            host.print(out, separator, true)?;
        }
        host.print(out, &item, true)?;
        first = false;
    }
    Ok(true)
}

/// `value % arguments`.
fn format(host: &mut PyHost, value: &Register, arguments: Arguments<'_, PyHost>) -> Result<Register> {
    let template = soft_str(host, value)?;
    let arguments = host.tuple(arguments.values)?;
    objects::remainder(&template, &host.object(&arguments)?).map(Register::object)
}

/// `"%.2f"|format(number)`, which needs no escape: money on every second page.
fn emit_fixed(out: &mut Output, value: &Register, arguments: Arguments<'_, PyHost>) -> Result<bool> {
    if !arguments.shape.is_plain() || plain_ascii(value)? != Some(b"%.2f") {
        return Ok(false);
    }
    let number = match arguments.values {
        [number] => number.as_object().filter(|number| objects::is_float(number)),
        _ => None,
    };
    let Some(number) = number.map(objects::float_value) else { return Ok(false) };
    // Hundredths are decided where the rest is clearly no tie; CPython's own routine does what is near one.
    let scaled = number.abs() * 100.0;
    let rounded = scaled.round();
    if scaled < 1e12 && (scaled - rounded).abs() < 0.499 {
        if number.is_sign_negative() {
            out.push_ascii(b"-");
        }
        let hundredths = rounded as i64;
        let rest = (hundredths % 100) as u8;
        out.push_int(hundredths / 100);
        out.push_ascii(&[b'.', b'0' + rest / 10, b'0' + rest % 10]);
    } else {
        objects::with_float_text(number, 'f', 2, 0, |text| out.push_ascii(text))?;
    }
    Ok(true)
}
