//! The filter `truncate`: as a value, and written without making one.
//!
//! In: a stock filter's value and arguments. Out: the text, cut, or `None` (nothing written) where the Python function is to
//! judge what was given instead of numbers.

use haiden_runtime::Arguments;

use crate::filters::{bind, method, plain_ascii};
use crate::host::PyHost;
use crate::objects::{self, Class, Result, Text};
use crate::output::Output;
use crate::register::{Obj, Register, View};
use crate::states;

const NAMES: [&str; 4] = ["length", "killwords", "end", "leeway"];

/// The text, cut.
pub(crate) fn apply(
    host: &mut PyHost,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
) -> Result<Option<Register>> {
    let Some(bound) = bind(arguments, NAMES) else { return Ok(None) };
    let Some(how) = Truncate::new(host, &bound)? else { return Ok(None) };
    cut(host, value, &how).map(|text| Some(Register::object(text)))
}

/// Writes a text of ASCII, cut; `false` if nothing is written.
pub(crate) fn emit(
    host: &mut PyHost,
    out: &mut Output,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
    escape: bool,
) -> Result<bool> {
    let Some(bytes) = plain_ascii(value)? else { return Ok(false) };
    if let Some(how) = Truncate::to_length(host, arguments)? {
        return emit_cut(out, bytes, &how, escape).map(|()| true);
    }
    let Some(bound) = bind(arguments, NAMES) else { return Ok(false) };
    let Some(how) = Truncate::new(host, &bound)? else { return Ok(false) };
    match &how.end {
        Some(end) if !objects::is_str(end) => return Ok(false),
        _ => {}
    }
    emit_cut(out, bytes, &how, escape).map(|()| true)
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
    /// Where all that is given is a length with room for the dots.
    #[inline]
    fn to_length(host: &PyHost, arguments: Arguments<'_, PyHost>) -> Result<Option<Truncate>> {
        let shape = arguments.shape;
        let is_length =
            shape.positional == 1 || shape.keywords.iter().all(|keyword| &*keyword.text == "length");
        match arguments.values {
            [length] if is_length && !shape.star && !shape.star_star => {
                let Some(length) = length.small().filter(|&length| length >= 3) else { return Ok(None) };
                let leeway = policy_leeway(host)?;
                let how = Truncate { length, leeway, killwords: false, end: None };
                Ok(Some(how).filter(|how| how.leeway >= 0))
            }
            _ => Ok(None),
        }
    }

    /// `None`: the function itself is to judge what was given instead of numbers.
    fn new(host: &mut PyHost, bound: &[Option<Register>; 4]) -> Result<Option<Truncate>> {
        let number = |register: &Option<Register>| match register.as_ref().map(Register::view) {
            None => Some(255),
            Some(View::Int(value)) => Some(value),
            Some(_) => None,
        };
        let Some(length) = number(&bound[0]) else { return Ok(None) };
        let leeway = match bound[3].as_ref().filter(|leeway| !matches!(leeway.view(), View::None)) {
            Some(leeway) => match leeway.view() {
                View::Int(value) => value,
                _ => return Ok(None),
            },
            None => policy_leeway(host)?,
        };
        let end = match &bound[2] {
            None => None,
            Some(end) => Some(host.object(end)?),
        };
        // What an object says of its truth is asked last, and only if something is cut.
        let killwords = match bound[1].as_ref().map(Register::view) {
            None | Some(View::None) => false,
            Some(View::Bool(value)) => value,
            Some(View::Int(value)) => value != 0,
            Some(View::Missing | View::Object(_)) => return Ok(None),
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
        Ok(Some(how))
    }

    fn end_length(&self) -> Result<i64> {
        match &self.end {
            None => Ok(3),
            Some(end) => objects::length(end).map(|length| length as i64),
        }
    }
}

/// How much longer a text may be by the environment's policies.
fn policy_leeway(host: &PyHost) -> Result<i64> {
    let settings = host.settings();
    let (policies, leeway) = (&settings.policies, &host.types.leeway);
    if !objects::is_dict(policies) {
        return objects::index(&objects::get_item(policies, &leeway.object)?);
    }
    let state = states::of_table(policies);
    if let Some((seen, leeway)) = settings.leeway.get()
        && state == Some(seen)
    {
        return Ok(leeway);
    }
    let Some(found) = objects::dict_get(policies, &leeway.object, leeway.hash)? else { return Ok(5) };
    if let (Some(leeway), Some(state)) = (objects::int_value(&found), state) {
        settings.leeway.set(Some((state, leeway)));
    }
    objects::index(&found)
}

fn emit_cut(out: &mut Output, text: &[u8], how: &Truncate, escape: bool) -> Result<()> {
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

fn cut(host: &PyHost, value: &Register, how: &Truncate) -> Result<Obj> {
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
