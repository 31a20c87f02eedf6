//! Outside of tags: text, comments, raw sections, line comments, and the white space around tags.

use memchr::memmem;

use super::chars::{is_space, newlines, skip_spaces, starts_with};
use super::lexer::{Lexer, State};
use super::token::{Token, TokenKind};
use crate::error::SyntaxError;

impl Lexer<'_> {
    /// Text up to the next tag, then the tag's beginning.
    #[inline]
    pub(super) fn root(&mut self, out: &mut Token) {
        let start = self.pos;
        let Some(tag) = self.rules.find(self.text, start) else {
            if start == self.text.len() {
                return self.eof(out);
            }
            return self.take_lines(out, TokenKind::Data, self.text.len());
        };
        let lstrip = tag.kind != TokenKind::VariableBegin;
        let data_end = self.stripped(start, tag.at, tag.sign, lstrip);
        self.text_until(out, data_end, tag.at);
        let kind = match tag.kind {
            TokenKind::LineStatementBegin if !self.raw => TokenKind::BlockBegin,
            kind => kind,
        };
        self.then(out, kind, tag.end);
        self.state = match tag.kind {
            TokenKind::VariableBegin => State::Variable,
            TokenKind::BlockBegin => State::Block,
            TokenKind::CommentBegin => State::Comment,
            TokenKind::RawBegin => State::Raw,
            TokenKind::LineStatementBegin => State::LineStatement,
            _ => State::LineComment,
        };
    }

    /// The text up to `data_end`; what follows it up to `next` is dropped, but counted.
    #[inline]
    fn text_until(&mut self, out: &mut Token, data_end: usize, next: usize) {
        let start = self.pos;
        self.take(out, TokenKind::Data, data_end);
        self.line += newlines(&self.text.as_bytes()[start..next]);
        self.pos = next;
    }

    /// A token behind the text in `out`, or instead of it if there is none.
    #[inline]
    fn then(&mut self, out: &mut Token, kind: TokenKind, end: usize) {
        if out.start == out.end {
            self.take_lines(out, kind, end);
        } else {
            let mut token = *out;
            self.take_lines(&mut token, kind, end);
            self.pending = Some(token);
        }
    }

    /// Where the text from `start` to `end` ends after the tag behind it took its white space.
    #[inline]
    fn stripped(&self, start: usize, end: usize, sign: u8, lstrip: bool) -> usize {
        let text = &self.text[start..end];
        if sign == b'-' {
            return start + text.trim_end_matches(is_space).len();
        }
        if sign == b'+' || !lstrip || !self.rules.lstrip_blocks {
            return end;
        }
        let line = memchr::memrchr(b'\n', text.as_bytes()).map_or(0, |at| at + 1);
        let blank = (line > 0 || self.line_starting) && text[line..].chars().all(is_space);
        if blank { start + line } else { end }
    }

    /// The end of a tag that closes with `close` at `at`: with `-` it takes the white space behind it,
    /// without a sign and with `trim_blocks` one newline.
    #[inline]
    pub(super) fn block_close(&self, at: usize, close: &str) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let rest = &bytes[at..];
        let sign = rest.first().copied().filter(|byte| matches!(byte, b'-' | b'+'));
        if let Some(sign) = sign
            && starts_with(&rest[1..], close.as_bytes())
        {
            let end = at + 1 + close.len();
            return Some(if sign == b'-' { skip_spaces(self.text, end) } else { end });
        }
        if !starts_with(rest, close.as_bytes()) {
            return None;
        }
        let end = at + close.len();
        let newline = self.rules.trim_blocks && bytes.get(end) == Some(&b'\n');
        Some(end + usize::from(newline))
    }

    /// What a comment says, then its end.
    pub(super) fn comment(&mut self, out: &mut Token) -> Result<(), SyntaxError> {
        let start = self.pos;
        let rest = &self.text.as_bytes()[start..];
        let Some(distance) = memmem::find(rest, self.rules.comment_end.as_bytes()) else {
            return self.unclosed(out, "Missing end of comment tag");
        };
        let mut close = start + distance;
        if distance > 0 && matches!(rest[distance - 1], b'-' | b'+') {
            close -= 1;
        }
        let end = self.block_close(close, self.rules.comment_end).unwrap_or(close);
        self.take_lines(out, TokenKind::Comment, close);
        self.then(out, TokenKind::CommentEnd, end);
        self.state = State::Root;
        Ok(())
    }

    /// The text of a raw section, then its end.
    pub(super) fn raw_text(&mut self, out: &mut Token) -> Result<(), SyntaxError> {
        let start = self.pos;
        let Some((at, sign, end)) = self.find_endraw(start) else {
            return self.unclosed(out, "Missing end of raw directive");
        };
        let data_end = self.stripped(start, at, sign, true);
        self.text_until(out, data_end, at);
        self.then(out, TokenKind::RawEnd, end);
        self.state = State::Root;
        Ok(())
    }

    /// Where `{% endraw %}` begins, its sign, and where it ends.
    fn find_endraw(&self, start: usize) -> Option<(usize, u8, usize)> {
        let bytes = self.text.as_bytes();
        let mut from = start;
        while let Some(distance) = memmem::find(&bytes[from..], self.rules.block_start.as_bytes()) {
            let at = from + distance;
            let mut word = at + self.rules.block_start.len();
            let sign = bytes.get(word).copied().filter(|byte| matches!(byte, b'-' | b'+')).unwrap_or(0);
            word += usize::from(sign != 0);
            word = skip_spaces(self.text, word);
            if bytes[word..].starts_with(b"endraw") {
                let close = skip_spaces(self.text, word + 6);
                if let Some(end) = self.block_close(close, self.rules.block_end) {
                    return Some((at, sign, end));
                }
            }
            from = at + 1;
        }
        None
    }

    /// An error unless the source ends right here, which Jinja2 lets pass.
    fn unclosed(&self, out: &mut Token, message: &str) -> Result<(), SyntaxError> {
        if self.pos < self.text.len() {
            return Err(self.error(message, self.pos));
        }
        self.eof(out);
        Ok(())
    }

    /// What a line comment says, then its empty end.
    pub(super) fn line_comment(&mut self, out: &mut Token) {
        let rest = &self.text.as_bytes()[self.pos..];
        let end = self.pos + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.take(out, TokenKind::LineComment, end);
        self.then(out, TokenKind::LineCommentEnd, end);
        self.line_starting = false;
        self.state = State::Root;
    }
}
