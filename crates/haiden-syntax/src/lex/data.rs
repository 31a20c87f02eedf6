//! Outside of tags: text, comments, raw sections, line comments, and the white space around tags.

use memchr::memmem;

use super::chars::{is_space, newlines, skip_spaces};
use super::lexer::{Lexer, State};
use super::token::{Token, TokenKind};
use crate::error::SyntaxError;

impl Lexer<'_> {
    /// Text up to the next tag, then the tag's beginning.
    #[inline]
    pub(super) fn root(&mut self) -> Token {
        let start = self.pos;
        let Some(tag) = self.rules.find(self.text, start) else {
            if start == self.text.len() {
                return self.eof();
            }
            return self.take_lines(TokenKind::Data, self.text.len());
        };
        let lstrip = tag.kind != TokenKind::VariableBegin;
        let data_end = self.stripped(start, tag.at, tag.sign, lstrip);
        let data = self.take(TokenKind::Data, data_end);
        self.line += newlines(&self.text.as_bytes()[start..tag.at]);
        self.pos = tag.at;
        let mut begin = self.take_lines(tag.kind, tag.end);
        if tag.kind == TokenKind::LineStatementBegin && !self.raw {
            begin.kind = TokenKind::BlockBegin;
        }
        self.state = match tag.kind {
            TokenKind::VariableBegin => State::Variable,
            TokenKind::BlockBegin => State::Block,
            TokenKind::CommentBegin => State::Comment,
            TokenKind::RawBegin => State::Raw,
            TokenKind::LineStatementBegin => State::LineStatement,
            _ => State::LineComment,
        };
        self.text_then(data, begin)
    }

    /// The text if there is any, and the token behind it.
    #[inline]
    fn text_then(&mut self, text: Token, then: Token) -> Token {
        if text.start == text.end {
            return then;
        }
        self.pending = Some(then);
        text
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
            && rest[1..].starts_with(close.as_bytes())
        {
            let end = at + 1 + close.len();
            return Some(if sign == b'-' { skip_spaces(self.text, end) } else { end });
        }
        if !rest.starts_with(close.as_bytes()) {
            return None;
        }
        let end = at + close.len();
        let newline = self.rules.trim_blocks && bytes.get(end) == Some(&b'\n');
        Some(end + usize::from(newline))
    }

    /// What a comment says, then its end.
    pub(super) fn comment(&mut self) -> Result<Token, SyntaxError> {
        let start = self.pos;
        let rest = &self.text.as_bytes()[start..];
        let Some(distance) = memmem::find(rest, self.rules.comment_end.as_bytes()) else {
            return self.unclosed("Missing end of comment tag");
        };
        let mut close = start + distance;
        if distance > 0 && matches!(rest[distance - 1], b'-' | b'+') {
            close -= 1;
        }
        let end = self.block_close(close, self.rules.comment_end).unwrap_or(close);
        let says = self.take_lines(TokenKind::Comment, close);
        let finish = self.take_lines(TokenKind::CommentEnd, end);
        self.state = State::Root;
        Ok(self.text_then(says, finish))
    }

    /// The text of a raw section, then its end.
    pub(super) fn raw_text(&mut self) -> Result<Token, SyntaxError> {
        let start = self.pos;
        let Some((at, sign, end)) = self.find_endraw(start) else {
            return self.unclosed("Missing end of raw directive");
        };
        let data_end = self.stripped(start, at, sign, true);
        let data = self.take(TokenKind::Data, data_end);
        self.line += newlines(&self.text.as_bytes()[start..at]);
        self.pos = at;
        let finish = self.take_lines(TokenKind::RawEnd, end);
        self.state = State::Root;
        Ok(self.text_then(data, finish))
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
    fn unclosed(&self, message: &str) -> Result<Token, SyntaxError> {
        if self.pos == self.text.len() {
            return Ok(self.eof());
        }
        Err(self.error(message, self.pos))
    }

    /// What a line comment says, then its empty end.
    pub(super) fn line_comment(&mut self) -> Token {
        let rest = &self.text.as_bytes()[self.pos..];
        let end = self.pos + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let says = self.take(TokenKind::LineComment, end);
        let finish = self.take(TokenKind::LineCommentEnd, end);
        self.line_starting = false;
        self.state = State::Root;
        self.text_then(says, finish)
    }
}
