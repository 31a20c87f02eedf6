//! `wordwrap`: Python's `textwrap` as the filter calls it.
//!
//! In: text and options. Out: lines, joined, appended. Invariant: one pass over each line; widths are code
//! points.

use crate::python::error::{Error, Result};
use crate::python::text::index::{byte_of, len};
use crate::python::text::split::lines;
use crate::python::unicode;

/// How to wrap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options<'a> {
    /// The longest line.
    pub(crate) width: i64,
    /// Cut words that are longer than a line.
    pub(crate) break_long_words: bool,
    /// What stands between lines.
    pub(crate) wrapstring: &'a str,
    /// Words may be cut behind their hyphens.
    pub(crate) break_on_hyphens: bool,
}

/// Append `text|wordwrap(…)`.
pub(crate) fn wordwrap(out: &mut String, text: &str, options: Options<'_>, max_bytes: usize) -> Result<()> {
    let start = out.len();
    for (at, line) in lines(text, false).enumerate() {
        if options.width <= 0 {
            let text = format!("invalid width {} (must be > 0)", options.width);
            return Err(Error::Value(text.into()));
        }
        if at > 0 {
            out.push_str(options.wrapstring);
        }
        let chunks = if options.break_on_hyphens { split_hyphens(line) } else { split_spaces(line) };
        wrap(out, chunks, options);
        if out.len() - start > max_bytes {
            return Err(Error::TooLarge);
        }
    }
    Ok(())
}

/// A piece of the line and its length in code points.
type Chunk<'a> = (&'a str, usize);

fn is_blank((text, _): Chunk<'_>) -> bool {
    text.chars().all(unicode::is_space)
}

/// Put chunks on lines.
fn wrap(out: &mut String, mut chunks: Vec<Chunk<'_>>, options: Options<'_>) {
    let width = options.width.unsigned_abs() as usize;
    chunks.reverse();
    let mut line: Vec<Chunk<'_>> = Vec::new();
    let mut any_line = false;
    while let Some(&next) = chunks.last() {
        line.clear();
        let mut used = 0;
        if any_line && is_blank(next) {
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
        if line.last().is_some_and(|&chunk| is_blank(chunk)) {
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
    options: Options<'_>,
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
fn is_space(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ')
}

/// Runs of white space and what is between them.
fn split_spaces(text: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_space(c) != is_space(first)).unwrap_or(rest.len());
        chunks.push((&rest[..end], len(&rest[..end])));
        rest = &rest[end..];
    }
    chunks
}

/// A letter, as opposed to a digit or a sign.
fn is_letter(c: char) -> bool {
    unicode::is_word(c) && unicode::decimal(c).is_none()
}

/// What may stand before a dash.
fn is_word_or_mark(c: char) -> bool {
    matches!(c, '!' | '"' | '\'' | '&' | '.' | ',' | '?') || unicode::is_word(c)
}

/// A line by code points, for looking both ways.
struct Line {
    chars: Vec<char>,
}

impl Line {
    fn is(&self, at: Option<usize>, test: impl Fn(char) -> bool) -> bool {
        at.and_then(|at| self.chars.get(at)).is_some_and(|&c| test(c))
    }

    fn before(&self, at: usize, back: usize, test: impl Fn(char) -> bool) -> bool {
        self.is(at.checked_sub(back), test)
    }

    /// The end of a run of two or more hyphens at `at` that a word character follows.
    fn dash_end(&self, at: usize) -> Option<usize> {
        let run = self.chars[at..].iter().take_while(|&&c| c == '-').count();
        (run >= 2 && self.is(Some(at + run), unicode::is_word)).then_some(at + run)
    }

    /// Whether the hyphen at `at` joins parts of a word.
    fn joins(&self, at: usize) -> bool {
        let hyphen = |c| c == '-';
        let letters_before = self.before(at, 1, is_letter)
            && (self.before(at, 2, is_letter)
                || (self.before(at, 2, hyphen) && self.before(at, 3, is_letter)));
        letters_before
            && self.is(Some(at + 1), is_letter)
            && (self.is(Some(at + 2), is_letter)
                || (self.is(Some(at + 2), hyphen) && self.is(Some(at + 3), is_letter)))
    }

    /// Where the chunk that starts at `at` ends.
    fn chunk_end(&self, at: usize) -> usize {
        let size = self.chars.len();
        if is_space(self.chars[at]) {
            return (at..size).find(|&i| !is_space(self.chars[i])).unwrap_or(size);
        }
        if self.chars[at] == '-'
            && self.before(at, 1, is_word_or_mark)
            && let Some(end) = self.dash_end(at)
        {
            return end;
        }
        let mut end = at + 1;
        while end < size && !is_space(self.chars[end]) {
            if self.chars[end] == '-' {
                if self.joins(end) {
                    return end + 1;
                }
                if is_word_or_mark(self.chars[end - 1]) && self.dash_end(end).is_some() {
                    return end;
                }
            }
            end += 1;
        }
        end
    }
}

/// White space, words, parts of words that end in a hyphen, and dashes.
fn split_hyphens(text: &str) -> Vec<Chunk<'_>> {
    if memchr::memchr(b'-', text.as_bytes()).is_none() {
        return split_spaces(text);
    }
    let line = Line { chars: text.chars().collect() };
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
