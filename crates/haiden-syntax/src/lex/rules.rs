//! Where tags begin: Jinja2's root rule, compiled from the options.
//!
//! In: the options. Out: [`Rules::find`] gives the first tag from a position on. Invariants: of the tags that
//! may begin at one position the longest delimiter wins, then the name that sorts last, and `raw` beats all;
//! a search never looks twice at the same stretch for the same prefix.

use memchr::{memchr, memchr2, memchr3, memmem};

use super::chars::{is_space, skip_spaces, starts_with};
use super::token::TokenKind;
use crate::options::Syntax;

/// A tag's beginning.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TagStart {
    pub(crate) kind: TokenKind,
    pub(crate) at: usize,
    pub(crate) end: usize,
    /// `-`, `+` or 0.
    pub(crate) sign: u8,
}

/// A delimiter and its rank by length and name.
#[derive(Debug, Clone, Copy)]
struct Delimiter<'t> {
    kind: TokenKind,
    text: &'t str,
    rank: (usize, &'static str),
}

/// A prefix of lines, and its next place if that is known.
#[derive(Debug, Clone)]
struct Prefix<'t> {
    delimiter: Delimiter<'t>,
    next: Next,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    Unknown,
    Never,
    /// Where the blanks before it begin, and where it ends.
    At(usize, usize),
}

pub(crate) struct Rules<'t> {
    /// Best rank first.
    delimiters: [Delimiter<'t>; 3],
    first_bytes: [u8; 3],
    distinct: usize,
    line_statement: Option<Prefix<'t>>,
    line_comment: Option<Prefix<'t>>,
    pub(super) block_start: &'t str,
    pub(super) block_end: &'t str,
    pub(super) variable_end: &'t str,
    pub(super) comment_end: &'t str,
    pub(super) trim_blocks: bool,
    pub(super) lstrip_blocks: bool,
    pub(super) newline: &'t str,
}

impl<'t> Delimiter<'t> {
    fn new(kind: TokenKind, text: &'t str) -> Self {
        Self { kind, text, rank: (text.chars().count(), kind.as_str()) }
    }
}

impl<'t> Rules<'t> {
    #[inline(always)]
    pub(crate) fn new(syntax: &'t Syntax) -> Self {
        let mut delimiters = [
            Delimiter::new(TokenKind::VariableBegin, &syntax.variable_start_string),
            Delimiter::new(TokenKind::CommentBegin, &syntax.comment_start_string),
            Delimiter::new(TokenKind::BlockBegin, &syntax.block_start_string),
        ];
        delimiters.sort_by_key(|delimiter| std::cmp::Reverse(delimiter.rank));
        let mut first_bytes = [0; 3];
        let mut distinct = 0;
        for delimiter in &delimiters {
            let byte = delimiter.text.as_bytes().first().copied().unwrap_or(0);
            if !first_bytes[..distinct].contains(&byte) {
                first_bytes[distinct] = byte;
                distinct += 1;
            }
        }
        let prefix = |kind, text: &'t Option<std::borrow::Cow<'static, str>>| {
            text.as_deref().map(|text| Prefix { delimiter: Delimiter::new(kind, text), next: Next::Unknown })
        };
        Self {
            delimiters,
            first_bytes,
            distinct,
            line_statement: prefix(TokenKind::LineStatementBegin, &syntax.line_statement_prefix),
            line_comment: prefix(TokenKind::LineCommentBegin, &syntax.line_comment_prefix),
            block_start: &syntax.block_start_string,
            block_end: &syntax.block_end_string,
            variable_end: &syntax.variable_end_string,
            comment_end: &syntax.comment_end_string,
            trim_blocks: syntax.trim_blocks,
            lstrip_blocks: syntax.lstrip_blocks,
            newline: &syntax.newline_sequence,
        }
    }

    /// The first tag that begins at `from` or later.
    #[inline]
    pub(crate) fn find(&mut self, text: &str, from: usize) -> Option<TagStart> {
        if self.line_statement.is_none() && self.line_comment.is_none() {
            return self.find_delimiter(text, from, text.len()).map(|(tag, _)| tag);
        }
        self.find_with_prefixes(text, from)
    }

    #[inline]
    fn find_delimiter(
        &self,
        text: &str,
        from: usize,
        limit: usize,
    ) -> Option<(TagStart, (usize, &'static str))> {
        let bytes = text.as_bytes();
        let [a, b, c] = self.first_bytes;
        let mut at = from;
        loop {
            let rest = bytes.get(at..limit)?;
            at += match self.distinct {
                1 => memchr(a, rest),
                2 => memchr2(a, b, rest),
                _ => memchr3(a, b, c, rest),
            }?;
            let here = &bytes[at..];
            for delimiter in &self.delimiters {
                if starts_with(here, delimiter.text.as_bytes()) {
                    let raw = if starts_with(here, self.block_start.as_bytes()) {
                        self.raw_begin(text, at)
                    } else {
                        None
                    };
                    return Some(match raw {
                        Some(tag) => (tag, (usize::MAX, "")),
                        None => {
                            (signed(bytes, delimiter.kind, at, at + delimiter.text.len()), delimiter.rank)
                        }
                    });
                }
            }
            at += 1;
        }
    }

    /// `{% raw %}` at this place, where a block start is.
    #[inline]
    fn raw_begin(&self, text: &str, at: usize) -> Option<TagStart> {
        let bytes = text.as_bytes();
        let start = signed(bytes, TokenKind::RawBegin, at, at + self.block_start.len());
        let word = skip_spaces(text, start.end);
        if !bytes[word..].starts_with(b"raw") {
            return None;
        }
        let close = skip_spaces(text, word + 3);
        let rest = &text[close..];
        let end = if rest.starts_with(self.block_end) {
            close + self.block_end.len()
        } else {
            rest.strip_prefix('-')?.strip_prefix(self.block_end)?;
            skip_spaces(text, close + 1 + self.block_end.len())
        };
        Some(TagStart { end, ..start })
    }

    fn find_with_prefixes(&mut self, text: &str, from: usize) -> Option<TagStart> {
        let statement = self.line_statement.as_mut().and_then(|prefix| prefix.find(text, from));
        let comment = self.line_comment.as_mut().and_then(|prefix| prefix.find(text, from));
        let best = [statement, comment]
            .into_iter()
            .flatten()
            .min_by_key(|(tag, rank)| (tag.at, std::cmp::Reverse(*rank)));
        let limit = best.map_or(text.len(), |(tag, _)| (tag.at + 1).min(text.len()));
        [self.find_delimiter(text, from, limit), best]
            .into_iter()
            .flatten()
            .min_by_key(|(tag, rank)| (tag.at, std::cmp::Reverse(*rank)))
            .map(|(tag, _)| tag)
    }
}

impl Prefix<'_> {
    /// The first line with this prefix whose blanks begin at `from` or later.
    fn find(&mut self, text: &str, from: usize) -> Option<(TagStart, (usize, &'static str))> {
        match self.next {
            Next::At(at, _) if at >= from => {}
            Next::Never => return None,
            Next::At(..) | Next::Unknown => self.next = self.search(text, from),
        }
        let Next::At(at, end) = self.next else { return None };
        Some((signed(text.as_bytes(), self.delimiter.kind, at, end), self.delimiter.rank))
    }

    fn search(&self, text: &str, from: usize) -> Next {
        let statement = self.delimiter.kind == TokenKind::LineStatementBegin;
        for distance in memmem::find_iter(&text.as_bytes()[from..], self.delimiter.text) {
            let prefix = from + distance;
            let before = &text[..prefix];
            let blanks = if statement {
                before.trim_end_matches([' ', '\t', '\x0b'])
            } else {
                before.trim_end_matches(|c| c != '\n' && is_space(c))
            };
            let line_start = blanks.is_empty() || blanks.ends_with('\n');
            if blanks.len() >= from && (line_start || !statement) {
                return Next::At(blanks.len(), prefix + self.delimiter.text.len());
            }
        }
        Next::Never
    }
}

/// A tag start with the sign that may follow it.
#[inline]
fn signed(bytes: &[u8], kind: TokenKind, at: usize, end: usize) -> TagStart {
    match bytes.get(end) {
        Some(&sign @ (b'-' | b'+')) => TagStart { kind, at, end: end + 1, sign },
        _ => TagStart { kind, at, end, sign: 0 },
    }
}
