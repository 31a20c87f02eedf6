//! The stream of tokens in the hands of extensions, before the parser reads it.
//!
//! In: a source, and extensions that filter its tokens. Out: the tokens that they let through, and a text that these lie in.
//!
//! Invariant: whatever an extension makes, each token is one that the lexer could have made.

use super::lexer::{Lexer, State};
use super::source::Source;
use super::token::{Token, TokenKind, Word};
use super::{chars, token};
use crate::error::{ErrorKind, SyntaxError};
use crate::options::Syntax;
use crate::repr::push_str_repr;

/// A token as extensions get it: see [`TagSet::filter_stream`](crate::TagSet::filter_stream).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamToken {
    /// Its line, from 1.
    pub line: u32,
    /// What it is.
    pub kind: TokenKind,
    /// Its text, line breaks made `\n`; of a string with its quotes. What begins and ends tags says nothing by its text.
    pub text: String,
    /// Where it starts in the source, if it stands there.
    offset: Option<u32>,
}

impl StreamToken {
    /// A token that does not stand in the source.
    pub fn new(line: u32, kind: TokenKind, text: impl Into<String>) -> StreamToken {
        StreamToken { line, kind, text: text.into(), offset: None }
    }

    /// An error at this token.
    pub fn fail(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError::new(ErrorKind::Syntax, message, self.line, self.offset.unwrap_or_default())
    }
}

/// The tokens of a source as its extensions let them through, and the text that they lie in.
#[cold]
pub(crate) fn filtered<'s>(
    source: &Source<'s>,
    syntax: &Syntax,
    state: State,
) -> Result<(Source<'s>, Vec<Token>), SyntaxError> {
    let mut tokens = Vec::new();
    let mut lexer = Lexer::new(source.text(), syntax, state, false, Vec::new());
    loop {
        let mut token = Token::START;
        lexer.next(&mut token).map_err(|error| error.map_offset(|offset| source.offset(offset)))?;
        if token.kind == TokenKind::Eof {
            break;
        }
        let text = &source.text()[token.start as usize..token.end as usize];
        let offset = Some(source.offset(token.start));
        tokens.push(StreamToken { line: token.line, kind: token.kind, text: text.to_owned(), offset });
    }
    if let Some(tags) = syntax.custom_tags.set() {
        tokens = tags.filter_stream(tokens)?;
    }
    let (mut text, mut list, mut places) = (String::new(), Vec::with_capacity(tokens.len()), Vec::new());
    let mut last = 0;
    for token in tokens {
        if token.kind == TokenKind::Eof || token.kind.is_trivia() {
            continue;
        }
        check(&token, syntax)?;
        last = token.offset.unwrap_or(last);
        let (start, word) = (text.len(), word_of(&token));
        text.push_str(&token.text);
        // Tokens do not touch, so that each place has one token.
        text.push('\n');
        let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(text.len() - 1)) else {
            return Err(token.fail("the tokens of the extensions are larger than 4 GiB"));
        };
        places.push((start, last));
        list.push(Token { kind: token.kind, word, line: token.line, start, end });
    }
    Ok((Source::made(text, places), list))
}

fn word_of(token: &StreamToken) -> Word {
    if token.kind == TokenKind::Name { Word::of(token.text.as_bytes()) } else { token::Word::Other }
}

/// An error if the lexer could not have made the token.
fn check(token: &StreamToken, syntax: &Syntax) -> Result<(), SyntaxError> {
    let is_right = match token.kind {
        TokenKind::Name => chars::is_identifier(&token.text),
        TokenKind::String | TokenKind::Integer | TokenKind::Float => is_one_token(token, syntax),
        // The text of all others means nothing to the parser, or may be anything.
        _ => true,
    };
    if is_right {
        return Ok(());
    }
    let mut message = format!("an extension makes a token of type {} of ", token.kind.as_str());
    push_str_repr(&mut message, &token.text);
    Err(token.fail(message))
}

/// Is the text just this token?
fn is_one_token(token: &StreamToken, syntax: &Syntax) -> bool {
    let mut lexer = Lexer::new(&token.text, syntax, State::Variable, true, Vec::new());
    let mut found = Token::START;
    lexer.next(&mut found).is_ok()
        && (found.kind, found.start, found.end as usize) == (token.kind, 0, token.text.len())
}
