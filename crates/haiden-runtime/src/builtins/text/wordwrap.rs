//! `wordwrap`: Python's `textwrap` as the filter calls it.
//!
//! In: text and options. Out: lines, joined, appended. Invariant: one pass over each line; widths are code
//! points.

use super::{Characters, TextError, byte_of, is_decimal, is_space, is_word, len, lines};
use crate::builtins::ErrorClass;

/// How to wrap.
#[derive(Clone, Copy, Debug)]
pub struct Wrapping<'a> {
    /// The longest line.
    pub width: i64,
    /// Cut words that are longer than a line.
    pub break_long_words: bool,
    /// What stands between lines.
    pub wrapstring: &'a str,
    /// Words may be cut behind their hyphens.
    pub break_on_hyphens: bool,
}

/// Appends `text|wordwrap(…)`.
///
/// # Errors
/// `ValueError` for a width that is not above 0; `OverflowError` beyond the limit.
pub fn wordwrap(
    out: &mut String,
    text: &str,
    options: Wrapping<'_>,
    characters: &impl Characters,
    max_bytes: usize,
) -> Result<(), TextError> {
    let start = out.len();
    for (at, line) in lines(text).enumerate() {
        if options.width <= 0 {
            let message = format!("invalid width {} (must be > 0)", options.width);
            return Err(TextError::new(ErrorClass::Value, message));
        }
        if at > 0 {
            out.push_str(options.wrapstring);
        }
        let chunks =
            if options.break_on_hyphens { split_hyphens(line, characters) } else { split_spaces(line) };
        wrap(out, chunks, options, characters);
        if out.len() - start > max_bytes {
            return Err(TextError::too_large());
        }
    }
    Ok(())
}

/// A piece of the line and its length in code points.
type Chunk<'a> = (&'a str, usize);

fn is_blank((text, _): Chunk<'_>, characters: &impl Characters) -> bool {
    text.chars().all(|c| is_space(characters, c))
}

/// Put chunks on lines.
fn wrap(out: &mut String, mut chunks: Vec<Chunk<'_>>, options: Wrapping<'_>, characters: &impl Characters) {
    let width = options.width.unsigned_abs() as usize;
    chunks.reverse();
    let mut line: Vec<Chunk<'_>> = Vec::new();
    let mut any_line = false;
    while let Some(&next) = chunks.last() {
        line.clear();
        let mut used = 0;
        if any_line && is_blank(next, characters) {
            chunks.pop();
        }
        while let Some(&chunk) = chunks.last()
            && used + chunk.1 <= width
        {
            line.push(chunk);
            used += chunk.1;
            chunks.pop();
        }
        if let Some(&long) = chunks.last()
            && long.1 > width
        {
            cut_long(&mut chunks, long, &mut line, width - used, options);
        }
        if line.last().is_some_and(|&chunk| is_blank(chunk, characters)) {
            line.pop();
        }
        if line.is_empty() {
            continue;
        }
        if any_line {
            out.push_str(options.wrapstring);
        }
        any_line = true;
        out.extend(line.iter().map(|chunk| chunk.0));
    }
}

/// Put what fits of a long word on the line, or the whole of it on a line of its own.
fn cut_long<'a>(
    chunks: &mut Vec<Chunk<'a>>,
    long: Chunk<'a>,
    line: &mut Vec<Chunk<'a>>,
    left: usize,
    options: Wrapping<'_>,
) {
    if !options.break_long_words {
        if line.is_empty() {
            line.push(long);
            chunks.pop();
        }
        return;
    }
    let (mut end, mut size) = (byte_of(long.0, left), left);
    if options.break_on_hyphens
        && let Some(hyphen) = long.0[..end].rfind('-')
        && long.0[..hyphen].bytes().any(|b| b != b'-')
    {
        end = hyphen + 1;
        size = len(&long.0[..end]);
    }
    line.push((&long.0[..end], size));
    chunks.pop();
    chunks.push((&long.0[end..], long.1 - size));
}

/// White space as `textwrap` knows it.
fn is_gap(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ')
}

/// Runs of white space and what is between them.
fn split_spaces(text: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_gap(c) != is_gap(first)).unwrap_or(rest.len());
        chunks.push((&rest[..end], len(&rest[..end])));
        rest = &rest[end..];
    }
    chunks
}

/// A line by code points, for looking both ways.
struct Line<'a, C> {
    chars: Vec<char>,
    characters: &'a C,
}

impl<C: Characters> Line<'_, C> {
    /// A letter, as opposed to a digit or a sign.
    fn is_letter(&self, c: char) -> bool {
        is_word(self.characters, c) && !is_decimal(self.characters, c)
    }

    /// What may stand before a dash.
    fn is_word_or_mark(&self, c: char) -> bool {
        matches!(c, '!' | '"' | '\'' | '&' | '.' | ',' | '?') || is_word(self.characters, c)
    }

    fn is(&self, at: Option<usize>, test: impl Fn(char) -> bool) -> bool {
        at.and_then(|at| self.chars.get(at)).is_some_and(|&c| test(c))
    }

    fn before(&self, at: usize, back: usize, test: impl Fn(char) -> bool) -> bool {
        self.is(at.checked_sub(back), test)
    }

    /// The end of a run of two or more hyphens at `at` that a word character follows.
    fn dash_end(&self, at: usize) -> Option<usize> {
        let run = self.chars[at..].iter().take_while(|&&c| c == '-').count();
        (run >= 2 && self.is(Some(at + run), |c| is_word(self.characters, c))).then_some(at + run)
    }

    /// Whether the hyphen at `at` joins parts of a word.
    fn joins(&self, at: usize) -> bool {
        let hyphen = |c| c == '-';
        let letter = |c| self.is_letter(c);
        let letters_before = self.before(at, 1, letter)
            && (self.before(at, 2, letter) || (self.before(at, 2, hyphen) && self.before(at, 3, letter)));
        letters_before
            && self.is(Some(at + 1), letter)
            && (self.is(Some(at + 2), letter)
                || (self.is(Some(at + 2), hyphen) && self.is(Some(at + 3), letter)))
    }

    /// Where the chunk that starts at `at` ends.
    fn chunk_end(&self, at: usize) -> usize {
        let size = self.chars.len();
        if is_gap(self.chars[at]) {
            return (at..size).find(|&i| !is_gap(self.chars[i])).unwrap_or(size);
        }
        if self.chars[at] == '-'
            && self.before(at, 1, |c| self.is_word_or_mark(c))
            && let Some(end) = self.dash_end(at)
        {
            return end;
        }
        let mut end = at + 1;
        while end < size && !is_gap(self.chars[end]) {
            if self.chars[end] == '-' {
                if self.joins(end) {
                    return end + 1;
                }
                if self.is_word_or_mark(self.chars[end - 1]) && self.dash_end(end).is_some() {
                    return end;
                }
            }
            end += 1;
        }
        end
    }
}

/// White space, words, parts of words that end in a hyphen, and dashes.
fn split_hyphens<'a>(text: &'a str, characters: &impl Characters) -> Vec<Chunk<'a>> {
    if !text.contains('-') {
        return split_spaces(text);
    }
    let line = Line { chars: text.chars().collect(), characters };
    let mut chunks = Vec::new();
    let (mut at, mut byte) = (0, 0);
    while at < line.chars.len() {
        let end = line.chunk_end(at);
        let bytes: usize = line.chars[at..end].iter().map(|c| c.len_utf8()).sum();
        chunks.push((&text[byte..byte + bytes], end - at));
        (at, byte) = (end, byte + bytes);
    }
    chunks
}
