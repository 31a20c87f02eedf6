//! Sign, prefix, grouped digits and fill, put in their places.
//!
//! In: the parts of a number, or text, and a [`Spec`]. Out: the field, appended. Invariant: at least as wide
//! as the width says, and never longer than the limit.

use super::spec::{Align, Grouping, Sign, Spec};
use crate::python::error::{Error, Result};
use crate::python::text::pad::push_fill;

/// A number in parts, all ASCII but a single character's text.
pub(super) struct Parts<'a> {
    pub(super) negative: bool,
    /// `0x` and its like.
    pub(super) prefix: &'a str,
    /// The digits that are grouped.
    pub(super) digits: &'a str,
    /// What follows them.
    pub(super) rest: &'a str,
}

fn check(width: usize, fill: char, max_bytes: usize) -> Result<()> {
    // Grouping zeros may add one place to the width.
    if width > 0 && width.saturating_mul(fill.len_utf8()).saturating_add(1) > max_bytes {
        return Err(Error::TooLarge);
    }
    Ok(())
}

/// Append text of `size` code points in its field.
pub(super) fn pad(out: &mut String, text: &str, size: usize, spec: &Spec, max_bytes: usize) -> Result<()> {
    check(spec.width, spec.fill, max_bytes)?;
    let missing = spec.width.saturating_sub(size);
    let left = match spec.align {
        Align::Left => 0,
        Align::Right | Align::AfterSign => missing,
        Align::Center => missing / 2,
    };
    push_fill(out, spec.fill, left);
    out.push_str(text);
    push_fill(out, spec.fill, missing - left);
    Ok(())
}

/// Append a number in its field.
pub(super) fn number(out: &mut String, parts: &Parts<'_>, spec: &Spec, max_bytes: usize) -> Result<()> {
    check(spec.width, spec.fill, max_bytes)?;
    let sign = match (parts.negative, spec.sign) {
        (true, _) => "-",
        (false, Some(Sign::Plus)) => "+",
        (false, Some(Sign::Space)) => " ",
        (false, _) => "",
    };
    let around = sign.len() + parts.prefix.len() + parts.rest.chars().count();
    let zeros_to = if spec.fill == '0' && spec.align == Align::AfterSign {
        spec.width.saturating_sub(around)
    } else {
        0
    };
    let grouped = match spec.grouping {
        Some(grouping) if !parts.digits.is_empty() => Some(group(parts.digits, grouping, zeros_to)),
        _ => None,
    };
    let digits = grouped.as_deref().unwrap_or(parts.digits);
    let missing = spec.width.saturating_sub(around + digits.len());
    let (left, inner) = match spec.align {
        Align::Left => (0, 0),
        Align::Right => (missing, 0),
        Align::Center => (missing / 2, 0),
        Align::AfterSign => (0, missing),
    };
    push_fill(out, spec.fill, left);
    out.push_str(sign);
    out.push_str(parts.prefix);
    push_fill(out, spec.fill, inner);
    out.push_str(digits);
    out.push_str(parts.rest);
    push_fill(out, spec.fill, missing - left - inner);
    Ok(())
}

/// Digits in groups from the right, with zeros before them up to a width.
fn group(digits: &str, grouping: Grouping, width: usize) -> String {
    let mut reversed = Vec::with_capacity(digits.len().max(width) * 4 / 3 + 2);
    let mut source = digits.bytes().rev();
    loop {
        let in_group = reversed.len() % (grouping.size + 1);
        match source.next() {
            None if reversed.len() >= width && in_group != 0 => break,
            digit => {
                if in_group == grouping.size {
                    reversed.push(grouping.separator as u8);
                }
                reversed.push(digit.unwrap_or(b'0'));
            }
        }
    }
    reversed.reverse();
    String::from_utf8(reversed).expect("digits and separators are ASCII")
}
