//! The filters that need no Python function: a handful, until the builtins that all hosts share reach this one.
//!
//! [`apply`] is the filter as a value; [`emit`] writes the result without making it, where that can be done.

use haiden_runtime::{Arguments, Host};

use crate::attr_cache::Name;
use crate::host::PyHost;
use crate::objects::{self, Class, Result, Text};
use crate::output::Output;
use crate::register::{Obj, Register, View};
use crate::scope::Context;

/// What a filter was linked to.
pub(crate) enum Filter {
    /// A function of the environment.
    Python(Obj),
    /// One of ours.
    Native(Native),
}

/// A filter of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Native {
    Default,
    Escape,
    Format,
    Join,
    Length,
    Lower,
    Safe,
    String,
    Truncate,
    Upper,
}

impl Native {
    /// The filter of this name.
    pub(crate) fn named(name: &str) -> Option<Native> {
        Some(match name {
            "d" | "default" => Native::Default,
            "e" | "escape" => Native::Escape,
            "format" => Native::Format,
            "join" => Native::Join,
            "count" | "length" => Native::Length,
            "lower" => Native::Lower,
            "safe" => Native::Safe,
            "string" => Native::String,
            "truncate" => Native::Truncate,
            "upper" => Native::Upper,
            _ => return None,
        })
    }
}

/// The arguments by name: `names` are the parameters after the value.
pub(crate) fn bind<const N: usize>(
    host: &mut PyHost,
    arguments: Arguments<'_, PyHost>,
    names: [&str; N],
) -> Result<[Option<Register>; N]> {
    let mut bound = [const { None }; N];
    let shape = arguments.shape;
    if !shape.star && !shape.star_star && arguments.values.len() <= N {
        let (positional, named) = arguments.values.split_at(shape.positional);
        for (place, value) in bound.iter_mut().zip(positional) {
            *place = Some(value.clone());
        }
        let mut plain = true;
        for (keyword, value) in shape.keywords.iter().zip(named) {
            match names.iter().position(|known| **known == *keyword.text) {
                Some(place) if bound[place].is_none() => bound[place] = Some(value.clone()),
                _ => plain = false,
            }
        }
        if plain {
            return Ok(bound);
        }
        bound = [const { None }; N];
    }
    let spread = host.spread(arguments)?;
    if spread.positional.len() > N {
        let given = spread.positional.len() + 1;
        let message = format!("takes at most {} arguments but {given} were given", N + 1);
        return objects::raise(&Class::Type.object(), &message);
    }
    for (place, value) in bound.iter_mut().zip(spread.positional) {
        *place = Some(value);
    }
    for (name, value) in spread.keywords {
        let message = match names.iter().position(|known| *known == name) {
            None => format!("got an unexpected keyword argument '{name}'"),
            Some(place) if bound[place].is_some() => format!("got multiple values for argument '{name}'"),
            Some(place) => {
                bound[place] = Some(value);
                continue;
            }
        };
        return objects::raise(&Class::Type.object(), &message);
    }
    Ok(bound)
}

/// Applies a filter.
pub(crate) fn apply(
    host: &mut PyHost,
    context: &Context,
    filter: Native,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
) -> Result<Register> {
    match filter {
        Native::Default => default(host, value, arguments),
        Native::Escape => {
            bind(host, arguments, [])?;
            match value.as_object() {
                Some(object) if PyHost::is_exactly(object, &host.types.markup) => Ok(value.clone()),
                _ => host.build(true, |host, out| host.print(out, value, true)),
            }
        }
        Native::Safe => {
            bind(host, arguments, [])?;
            host.mark_safe(value)
        }
        Native::String => {
            bind(host, arguments, [])?;
            soft_str(host, value).map(Register::object)
        }
        Native::Length => {
            bind(host, arguments, [])?;
            Ok(Register::integer(objects::length(&host.object(value)?)? as i64))
        }
        Native::Upper | Native::Lower => {
            bind(host, arguments, [])?;
            let name = if filter == Native::Upper { &host.types.upper } else { &host.types.lower };
            method(&soft_str(host, value)?, name, &[]).map(Register::object)
        }
        Native::Format => format(host, value, arguments),
        Native::Join => {
            let [separator, attribute] = bind(host, arguments, ["d", "attribute"])?;
            join(host, context, value, separator, attribute)
        }
        Native::Truncate => {
            let bound = bind(host, arguments, ["length", "killwords", "end", "leeway"])?;
            let how = Truncate::new(host, &bound)?;
            truncate(host, value, &how).map(Register::object)
        }
    }
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
        Native::Truncate => {
            let Some(bytes) = plain_ascii(value)? else { return Ok(false) };
            let bound = bind(host, arguments, ["length", "killwords", "end", "leeway"])?;
            let how = Truncate::new(host, &bound)?;
            match &how.end {
                Some(end) if !objects::is_str(end) => return Ok(false),
                _ => {}
            }
            emit_truncated(out, bytes, &how, escape).map(|()| true)
        }
        Native::Join if escape => emit_joined(host, out, value, arguments),
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
fn plain_ascii(value: &Register) -> Result<Option<&[u8]>> {
    let Some(object) = value.as_object().filter(|object| objects::is_str(object)) else { return Ok(None) };
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
fn method(object: &Obj, name: &Name, arguments: &[Obj]) -> Result<Obj> {
    let Some(method) = objects::lookup_attr(object, &name.object)? else {
        let message = format!("object has no attribute '{}'", name.text());
        return objects::raise(&Class::Attribute.object(), &message);
    };
    objects::call(&method, arguments, None)
}

fn default(host: &mut PyHost, value: &Register, arguments: Arguments<'_, PyHost>) -> Result<Register> {
    let (default, boolean) = if arguments.shape.is_plain() && arguments.values.len() == 1 {
        (Some(arguments.values[0].clone()), None)
    } else {
        let [default, boolean] = bind(host, arguments, ["default_value", "boolean"])?;
        (default, boolean)
    };
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
    attribute: Option<Register>,
) -> Result<Register> {
    let mut items = host.star(value)?;
    if let Some(attribute) = attribute.filter(|attribute| !matches!(attribute.view(), View::None)) {
        for item in &mut items {
            *item = host.item(item, &attribute)?;
        }
    }
    let separator = match separator {
        Some(separator) => separator,
        None => Register::object(objects::text("")?),
    };
    let mut safe = false;
    if context.autoescape.get() {
        safe = host.has_html(&separator)?;
        for item in &items {
            safe = safe || host.has_html(item)?;
        }
    }
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

/// `value % arguments`, or `value % keywords`.
fn format(host: &mut PyHost, value: &Register, arguments: Arguments<'_, PyHost>) -> Result<Register> {
    let spread = host.spread(arguments)?;
    let template = soft_str(host, value)?;
    if spread.keywords.is_empty() {
        let arguments = host.tuple(&spread.positional)?;
        return objects::remainder(&template, &host.object(&arguments)?).map(Register::object);
    }
    if !spread.positional.is_empty() {
        let message = "can't handle positional and keyword arguments at the same time";
        return objects::raise(&host.types.filter_argument_error, message);
    }
    let keywords = objects::dict()?;
    for (name, value) in &spread.keywords {
        objects::dict_set(&keywords, &objects::intern(name)?, &host.object(value)?)?;
    }
    objects::remainder(&template, &keywords).map(Register::object)
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

/// How a text is cut.
struct Truncate {
    length: i64,
    leeway: i64,
    killwords: bool,
    /// What is put at its end; `...` if nothing was given.
    end: Option<Obj>,
}

impl Truncate {
    fn new(host: &mut PyHost, bound: &[Option<Register>; 4]) -> Result<Truncate> {
        let number = |register: &Option<Register>, default: i64| match register {
            None => Ok(default),
            Some(register) => match register.view() {
                View::None => Ok(default),
                View::Int(value) => Ok(value),
                _ => objects::index(&host.object(register)?),
            },
        };
        let (length, leeway) = (number(&bound[0], 255)?, number(&bound[3], 5)?);
        let end = match &bound[2] {
            None => None,
            Some(end) => Some(host.object(end)?),
        };
        let killwords = match &bound[1] {
            None => false,
            Some(killwords) => host.truth(killwords)?,
        };
        let how = Truncate { length, leeway, killwords, end };
        let end = how.end_length()?;
        if length < end {
            let message = format!("expected length >= {end}, got {length}");
            return objects::raise(&Class::Assertion.object(), &message);
        }
        if leeway < 0 {
            return objects::raise(
                &Class::Assertion.object(),
                &format!("expected leeway >= 0, got {leeway}"),
            );
        }
        Ok(how)
    }

    fn end_length(&self) -> Result<i64> {
        match &self.end {
            None => Ok(3),
            Some(end) => objects::length(end).map(|length| length as i64),
        }
    }
}

fn emit_truncated(out: &mut Output, text: &[u8], how: &Truncate, escape: bool) -> Result<()> {
    if text.len() as i64 <= how.length.saturating_add(how.leeway) {
        out.push_text(Text::Ascii(text), escape);
        return Ok(());
    }
    let mut kept = &text[..(how.length - how.end_length()?) as usize];
    if !how.killwords
        && let Some(space) = kept.iter().rposition(|&byte| byte == b' ')
    {
        kept = &kept[..space];
    }
    out.push_text(Text::Ascii(kept), escape);
    match &how.end {
        None => out.push_text(Text::Ascii(b"..."), escape),
        Some(end) => out.push_text(objects::characters(end)?, escape),
    }
    Ok(())
}

fn truncate(host: &mut PyHost, value: &Register, how: &Truncate) -> Result<Obj> {
    let text = host.object(value)?;
    if objects::length(&text)? as i64 <= how.length.saturating_add(how.leeway) {
        return Ok(text);
    }
    let end = match &how.end {
        None => objects::text("...")?,
        Some(end) => end.clone(),
    };
    let stop = objects::integer(how.length - how.end_length()?)?;
    let mut kept = objects::get_item(&text, &objects::slice(&objects::none(), &stop, &objects::none())?)?;
    if !how.killwords {
        let parts = method(&kept, &host.types.rsplit, &[objects::text(" ")?, objects::integer(1)?])?;
        kept = objects::get_item(&parts, &objects::integer(0)?)?;
    }
    objects::add(&kept, &end)
}
