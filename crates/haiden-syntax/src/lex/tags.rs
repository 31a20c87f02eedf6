//! Inside of tags: names, numbers, strings, operators, and the tag's end.

use memchr::memchr2;

use super::chars::{is_identifier, is_name_char, is_space, newlines, skip_spaces, starts_with};
use super::lexer::{Lexer, State};
use super::token::{Token, TokenKind, Word};
use super::{numbers, strings};
use crate::error::SyntaxError;
use crate::repr::push_str_repr;

/// What a byte can begin inside of a tag.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Word,
    Digit,
    Quote,
    /// Anything beyond ASCII.
    Foreign,
    /// An operator, or nothing.
    Other,
}

impl Class {
    #[inline]
    fn of(byte: u8) -> Class {
        CLASSES[byte as usize]
    }

    const fn find(byte: u8) -> Class {
        match byte {
            b'\t'..=b'\r' | 0x1c..=b' ' => Class::Space,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Class::Word,
            b'0'..=b'9' => Class::Digit,
            b'"' | b'\'' => Class::Quote,
            0x80.. => Class::Foreign,
            _ => Class::Other,
        }
    }
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = Class::find(byte as u8);
        byte += 1;
    }
    classes
};

impl Lexer<'_> {
    /// The next token of a tag, white space left out unless it is asked for.
    pub(super) fn tag(&mut self, out: &mut Token) -> Result<(), SyntaxError> {
        let bytes = self.text.as_bytes();
        if self.state == State::LineStatement
            && self.brackets.is_empty()
            && let Some(end) = self.line_end()
        {
            self.state = State::Root;
            let kind = if self.raw { TokenKind::LineStatementEnd } else { TokenKind::BlockEnd };
            self.take_lines(out, kind, end);
            return Ok(());
        }
        let Some(&(mut byte)) = bytes.get(self.pos) else {
            self.eof(out);
            return Ok(());
        };
        let mut class = Class::of(byte);
        if class == Class::Space {
            // The end of a line statement is looked for again behind the blanks.
            if self.raw || self.state == State::LineStatement {
                let end = skip_spaces(self.text, self.pos);
                self.space(out, end);
                return Ok(());
            }
            self.skip_blanks(byte);
            let Some(&next) = bytes.get(self.pos) else {
                self.eof(out);
                return Ok(());
            };
            byte = next;
            class = Class::of(byte);
        }
        if self.may_close(byte)
            && self.brackets.is_empty()
            && let Some(end) = self.tag_close()
        {
            let kind =
                if self.state == State::Variable { TokenKind::VariableEnd } else { TokenKind::BlockEnd };
            self.state = State::Root;
            self.take_lines(out, kind, end);
            return Ok(());
        }
        match class {
            Class::Word => self.name(out),
            Class::Digit => self.number(out),
            Class::Quote => self.string(out, byte),
            Class::Foreign => self.foreign(out),
            _ => self.operator(out, byte),
        }
    }

    #[inline]
    fn space(&mut self, out: &mut Token, end: usize) {
        if end == self.pos + 1 && self.text.as_bytes()[self.pos] == b' ' {
            return self.take(out, TokenKind::Whitespace, end);
        }
        self.take_lines(out, TokenKind::Whitespace, end);
    }

    /// Moves over the blanks that begin with `first` here.
    #[inline]
    fn skip_blanks(&mut self, first: u8) {
        let bytes = self.text.as_bytes();
        let next = bytes.get(self.pos + 1).copied().unwrap_or(0);
        if first == b' ' && !matches!(Class::of(next), Class::Space | Class::Foreign) {
            self.pos += 1;
            return;
        }
        let end = skip_spaces(self.text, self.pos);
        self.line += newlines(&bytes[self.pos..end]);
        self.pos = end;
    }

    /// Whether the closing delimiter may begin with this byte.
    #[inline]
    fn may_close(&self, byte: u8) -> bool {
        let close = if self.state == State::Block { self.rules.block_end } else { self.rules.variable_end };
        matches!(byte, b'-' | b'+') || close.as_bytes().first() == Some(&byte)
    }

    /// The end of the closing delimiter, if one is here.
    #[inline]
    fn tag_close(&self) -> Option<usize> {
        match self.state {
            State::Block => self.block_close(self.pos, self.rules.block_end),
            State::Variable => {
                let rest = &self.text.as_bytes()[self.pos..];
                let close = self.rules.variable_end.as_bytes();
                if rest[0] == b'-' && starts_with(&rest[1..], close) {
                    return Some(skip_spaces(self.text, self.pos + 1 + close.len()));
                }
                starts_with(rest, close).then_some(self.pos + close.len())
            }
            _ => None,
        }
    }

    /// The end of a line statement, if only blanks follow: up to the last newline of the blanks, or all of
    /// them at the end of the source.
    fn line_end(&self) -> Option<usize> {
        let end = skip_spaces(self.text, self.pos);
        if end == self.text.len() {
            return Some(end);
        }
        self.text[self.pos..end].rfind('\n').map(|at| self.pos + at + 1)
    }

    #[inline]
    fn name(&mut self, out: &mut Token) -> Result<(), SyntaxError> {
        let bytes = self.text.as_bytes();
        let start = self.pos;
        let rest = &bytes[start + 1..];
        let more = rest.iter().position(|&byte| !matches!(Class::of(byte), Class::Word | Class::Digit));
        let length = more.unwrap_or(rest.len());
        if rest.get(length).is_some_and(|byte| !byte.is_ascii()) {
            return self.foreign(out);
        }
        let end = start + 1 + length;
        self.take(out, TokenKind::Name, end);
        out.word = Word::of(&bytes[start..end]);
        Ok(())
    }

    /// A name, a blank or a float that begins outside ASCII, or a name that goes on there.
    #[cold]
    fn foreign(&mut self, out: &mut Token) -> Result<(), SyntaxError> {
        let rest = &self.text[self.pos..];
        if rest.starts_with(numbers::is_decimal) && numbers::float_end(self.text, self.pos).is_some() {
            return self.number(out);
        }
        let length = rest.find(|c| !is_name_char(c)).unwrap_or(rest.len());
        if length > 0 {
            if !self.raw && !is_identifier(&rest[..length]) {
                return Err(self.error("Invalid character in identifier", self.pos));
            }
            self.take(out, TokenKind::Name, self.pos + length);
            // A word may end at a blank outside ASCII.
            out.word = Word::of(&rest.as_bytes()[..length]);
            return Ok(());
        }
        if rest.starts_with(is_space) {
            let end = skip_spaces(self.text, self.pos);
            self.space(out, end);
            return Ok(());
        }
        Err(self.unexpected())
    }

    #[inline(never)]
    fn number(&mut self, out: &mut Token) -> Result<(), SyntaxError> {
        let check = |why: Result<(), String>| why.map_err(|why| self.error(why, self.pos));
        if let Some(end) = numbers::float_end(self.text, self.pos) {
            if !self.raw {
                check(numbers::check_float(&self.text[self.pos..end]))?;
            }
            self.take(out, TokenKind::Float, end);
            return Ok(());
        }
        let end = numbers::integer_end(self.text, self.pos);
        if !self.raw {
            check(numbers::check_integer(&self.text[self.pos..end]))?;
        }
        self.take(out, TokenKind::Integer, end);
        Ok(())
    }

    #[inline(never)]
    fn string(&mut self, out: &mut Token, quote: u8) -> Result<(), SyntaxError> {
        let bytes = self.text.as_bytes();
        let mut at = self.pos + 1;
        let mut escaped = false;
        loop {
            let Some(distance) = memchr2(quote, b'\\', bytes.get(at..).unwrap_or_default()) else {
                return Err(self.unexpected());
            };
            at += distance;
            if bytes[at] == quote {
                break;
            }
            escaped = true;
            at += 2;
        }
        if escaped && !self.raw {
            strings::unescape(&self.text[self.pos + 1..at], self.rules.newline)
                .map_err(|message| self.error(message, self.pos))?;
        }
        self.take_lines(out, TokenKind::String, at + 1);
        Ok(())
    }

    fn operator(&mut self, out: &mut Token, byte: u8) -> Result<(), SyntaxError> {
        let next = self.text.as_bytes().get(self.pos + 1).copied().unwrap_or(0);
        let (kind, length) = match (byte, next) {
            (b'/', b'/') => (TokenKind::FloorDiv, 2),
            (b'*', b'*') => (TokenKind::Pow, 2),
            (b'=', b'=') => (TokenKind::Eq, 2),
            (b'!', b'=') => (TokenKind::Ne, 2),
            (b'>', b'=') => (TokenKind::GtEq, 2),
            (b'<', b'=') => (TokenKind::LtEq, 2),
            (b'+', _) => (TokenKind::Add, 1),
            (b'-', _) => (TokenKind::Sub, 1),
            (b'/', _) => (TokenKind::Div, 1),
            (b'*', _) => (TokenKind::Mul, 1),
            (b'%', _) => (TokenKind::Mod, 1),
            (b'~', _) => (TokenKind::Tilde, 1),
            (b'[', _) => (TokenKind::LBracket, 1),
            (b']', _) => (TokenKind::RBracket, 1),
            (b'(', _) => (TokenKind::LParen, 1),
            (b')', _) => (TokenKind::RParen, 1),
            (b'{', _) => (TokenKind::LBrace, 1),
            (b'}', _) => (TokenKind::RBrace, 1),
            (b'>', _) => (TokenKind::Gt, 1),
            (b'<', _) => (TokenKind::Lt, 1),
            (b'=', _) => (TokenKind::Assign, 1),
            (b'.', _) => (TokenKind::Dot, 1),
            (b':', _) => (TokenKind::Colon, 1),
            (b'|', _) => (TokenKind::Pipe, 1),
            (b',', _) => (TokenKind::Comma, 1),
            (b';', _) => (TokenKind::Semicolon, 1),
            _ => return Err(self.unexpected()),
        };
        match kind {
            TokenKind::LParen => self.brackets.push(b')'),
            TokenKind::LBracket => self.brackets.push(b']'),
            TokenKind::LBrace => self.brackets.push(b'}'),
            TokenKind::RParen | TokenKind::RBracket | TokenKind::RBrace => self.close_bracket(byte)?,
            _ => {}
        }
        self.take(out, kind, self.pos + length);
        Ok(())
    }

    fn close_bracket(&mut self, byte: u8) -> Result<(), SyntaxError> {
        match self.brackets.pop() {
            Some(expected) if expected == byte => Ok(()),
            Some(expected) => {
                let message = format!("unexpected '{}', expected '{}'", byte as char, expected as char);
                Err(self.error(message, self.pos))
            }
            None => Err(self.error(format!("unexpected '{}'", byte as char), self.pos)),
        }
    }

    #[cold]
    fn unexpected(&self) -> SyntaxError {
        let mut message = "unexpected char ".to_owned();
        let length = self.text[self.pos..].chars().next().map_or(0, char::len_utf8);
        push_str_repr(&mut message, &self.text[self.pos..self.pos + length]);
        let index = self.text[..self.pos].chars().count();
        let hint = match self.text[self.pos..].chars().next() {
            Some('\'' | '"') => Some("the text that begins here does not end"),
            Some('&') => Some("write `and`"),
            Some('!') => Some("write `not`"),
            Some('?') => Some("write `a if condition else b`"),
            _ => None,
        };
        self.error(format!("{message} at {index}"), self.pos).with_hint(hint.map(str::to_owned))
    }
}
