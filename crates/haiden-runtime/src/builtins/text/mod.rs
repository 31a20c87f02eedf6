//! The algorithms of filters that are only about text: `title`, `wordcount`, `wordwrap`, `striptags`, `urlencode`,
//! `urlize`; and `filesizeformat`.
//!
//! In: `&str` and options. Out: text, appended. What is ASCII is decided here; about other characters a host is asked
//! ([`Characters`]), since versions of Python know different versions of Unicode. A host's
//! [`super::BuiltinHost::text_filter`] is a call of [`apply`].

mod entities;
mod plain;
mod quote;
mod striptags;
#[cfg(test)]
mod tests;
mod urlize;
mod wordwrap;

pub use plain::{filesizeformat, title, wordcount};
pub use quote::quote;
pub use striptags::{striptags, unescape};
pub use urlize::{Links, is_scheme, rel, urlize};
pub use wordwrap::{Wrapping, wordwrap};

use std::fmt::Write as _;

use super::host::{ErrorClass, TextOp};

/// What a host knows of characters that are not ASCII. No method is asked about ASCII.
pub trait Characters {
    /// `\w` of `re`: `isalnum()` or an underline.
    fn is_word(&self, character: char) -> bool;
    /// `isspace()`.
    fn is_space(&self, character: char) -> bool;
    /// `isdecimal()`.
    fn is_decimal(&self, character: char) -> bool;
    /// Appends `character.upper()`.
    fn push_upper(&self, out: &mut String, character: char);
    /// Appends `text.lower()`, of a text that has such characters.
    fn push_lower(&self, out: &mut String, text: &str);
}

/// Why a text cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// The class of the exception.
    pub class: ErrorClass,
    /// Its text.
    pub message: String,
}

impl TextError {
    fn new(class: ErrorClass, message: impl Into<String>) -> TextError {
        TextError { class, message: message.into() }
    }
    fn too_large() -> TextError {
        TextError::new(ErrorClass::Overflow, "the result is larger than the limit allows")
    }
}

/// What [`apply`] needs to know of the host.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The policy `urlize.rel`.
    pub urlize_rel: Option<&'a str>,
    /// The most bytes that a text may have.
    pub limit: usize,
}

/// Does to a text what `op` says.
///
/// # Errors
/// What Python raises; an `OverflowError` beyond the limit; a `FilterArgumentError` for a scheme that is none.
pub fn apply(
    op: TextOp<'_>,
    text: &str,
    characters: &impl Characters,
    rules: Rules<'_>,
) -> Result<String, TextError> {
    let mut out = String::with_capacity(text.len());
    match op {
        TextOp::Title => title(&mut out, text, characters),
        TextOp::StripTags => striptags(&mut out, text, characters)?,
        TextOp::Quote { for_query } => quote(&mut out, text.as_bytes(), for_query),
        TextOp::WordWrap { width, break_long_words, wrapstring, break_on_hyphens } => {
            let wrapping = Wrapping { width, break_long_words, wrapstring, break_on_hyphens };
            wordwrap(&mut out, text, wrapping, characters, rules.limit)?;
        }
        TextOp::Urlize { trim_url_limit, rel: given, nofollow, target, extra_schemes } => {
            for scheme in extra_schemes {
                if !is_scheme(scheme, characters) {
                    let message = format!("{} is not a valid URI scheme prefix.", quoted(scheme));
                    return Err(TextError::new(ErrorClass::FilterArgument, message));
                }
            }
            let rel = rel(given, nofollow, rules.urlize_rel, characters);
            let links = Links { trim_url_limit, rel: rel.as_deref(), target, extra_schemes };
            urlize(&mut out, text, links, characters);
        }
    }
    if out.len() > rules.limit.max(text.len()) { Err(TextError::too_large()) } else { Ok(out) }
}

/// The text as `repr` writes it, but for what cannot be printed beyond ASCII.
pub(crate) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\x1f' | '\x7f' => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            _ => {
                if c == '\\' || c == quote {
                    out.push('\\');
                }
                out.push(c);
            }
        }
    }
    out.push(quote);
    out
}

fn is_word(characters: &impl Characters, c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { characters.is_word(c) }
}

fn is_space(characters: &impl Characters, c: char) -> bool {
    match c {
        '\t'..='\r' | '\x1c'..=' ' => true,
        '\0'..='\x7f' => false,
        _ => characters.is_space(c),
    }
}

fn is_decimal(characters: &impl Characters, c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { characters.is_decimal(c) }
}

/// The characters that end a line; `\r\n` is one end.
pub(super) fn is_line_end(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// `text.splitlines()`.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let at = if is_line_end(first) { 0 } else { rest.find(is_line_end).unwrap_or(rest.len()) };
        let (line, end) = rest.split_at(at);
        let size = end.chars().next().map_or(0, char::len_utf8);
        rest = end.strip_prefix("\r\n").unwrap_or(&end[size..]);
        Some(line)
    })
}

/// `len(text)`.
fn len(text: &str) -> usize {
    text.chars().count()
}

/// The byte at which character `index` starts; the length of the text if it has no such character.
fn byte_of(text: &str, index: usize) -> usize {
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}
