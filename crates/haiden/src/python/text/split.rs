//! `split`, `rsplit`, `splitlines`, `partition`, `rpartition`.
//!
//! In: text, a separator or none, at most how many cuts (below 0: no limit). Out: pieces of the text, in
//! their order. Invariant: nothing is copied.

use crate::python::error::{Error, Result};
use crate::python::unicode;

fn separator(sep: &str) -> Result<&str> {
    if sep.is_empty() { Err(Error::Value("empty separator".into())) } else { Ok(sep) }
}

/// `text.split(sep, max)`.
pub(crate) fn split<'a>(text: &'a str, sep: Option<&str>, max: i64) -> Result<Vec<&'a str>> {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let Some(sep) = sep else { return Ok(split_spaces(text, max, unicode::is_space)) };
    Ok(text.splitn(max.saturating_add(1), separator(sep)?).collect())
}

/// `text.rsplit(sep, max)`.
pub(crate) fn rsplit<'a>(text: &'a str, sep: Option<&str>, max: i64) -> Result<Vec<&'a str>> {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let mut pieces: Vec<&str> = match sep {
        None => rsplit_spaces(text, max, unicode::is_space),
        Some(sep) => text.rsplitn(max.saturating_add(1), separator(sep)?).collect(),
    };
    pieces.reverse();
    Ok(pieces)
}

/// At white space: no empty pieces; the last one keeps the space at its end if the cuts ran out.
pub(crate) fn split_spaces(text: &str, max: usize, is_space: fn(char) -> bool) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        if pieces.len() == max {
            pieces.push(rest);
            break;
        }
        let end = rest.find(is_space).unwrap_or(rest.len());
        pieces.push(&rest[..end]);
        rest = rest[end..].trim_start_matches(is_space);
    }
    pieces
}

/// The same from the end, the last piece first.
pub(crate) fn rsplit_spaces(text: &str, max: usize, is_space: fn(char) -> bool) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_end_matches(is_space);
    while !rest.is_empty() {
        if pieces.len() == max {
            pieces.push(rest);
            break;
        }
        let start = rest.char_indices().rfind(|(_, c)| is_space(*c)).map_or(0, |(at, c)| at + c.len_utf8());
        pieces.push(&rest[start..]);
        rest = rest[..start].trim_end_matches(is_space);
    }
    pieces
}

/// The code points that end a line; `\r\n` counts as one end.
pub(crate) fn is_line_end(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// `text.splitlines(keep_ends)`, line by line.
pub(crate) fn lines(text: &str, keep_ends: bool) -> impl Iterator<Item = &str> {
    lines_at(text, keep_ends, is_line_end)
}

/// The same, where these characters end a line.
pub(crate) fn lines_at(
    text: &str,
    keep_ends: bool,
    is_line_end: fn(char) -> bool,
) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (end, next) = match rest.find(is_line_end) {
            None => (rest.len(), rest.len()),
            Some(at) => {
                let tail = &rest[at..];
                let one = tail.chars().next().map_or(0, char::len_utf8);
                (at, at + if tail.starts_with("\r\n") { 2 } else { one })
            }
        };
        let line = &rest[..if keep_ends { next } else { end }];
        rest = &rest[next..];
        Some(line)
    })
}

/// `text.partition(sep)`.
pub(crate) fn partition<'a>(text: &'a str, sep: &'a str) -> Result<(&'a str, &'a str, &'a str)> {
    Ok(text.split_once(separator(sep)?).map_or((text, "", ""), |(before, after)| (before, sep, after)))
}

/// `text.rpartition(sep)`.
pub(crate) fn rpartition<'a>(text: &'a str, sep: &'a str) -> Result<(&'a str, &'a str, &'a str)> {
    Ok(text.rsplit_once(separator(sep)?).map_or(("", "", text), |(before, after)| (before, sep, after)))
}
