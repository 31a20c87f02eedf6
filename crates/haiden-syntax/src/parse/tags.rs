//! Tags of extensions: how they are found, and what they ask of the parser.
//!
//! In: a tag that is none of Jinja2's. Out: the statements that its extension builds. Names are Jinja2's: `parse_expression`,
//! `parse_tuple`, `parse_statements` is [`Parser::parse_body`] here.
//!
//! Invariant: whatever an extension does, the tree keeps the limits of the parser's own, or there is an error with a line.

use std::mem::take;
use std::sync::Arc;

use crate::MAX_NESTING;
use crate::ast::{At, Stmt};
use crate::error::SyntaxError;
use crate::lex::TokenRef;
use crate::lex::token::{Token, TokenKind};
use crate::parse::ends::Ends;
use crate::parse::expressions::TupleRule;
use crate::parse::nodes::{Arguments, Body, Expression, FreeName, Nodes, Signature, Target};
use crate::parse::{Depth, Parser, Result, error_at, push};

/// The tag of an extension that is parsed.
#[derive(Clone, Default)]
pub(super) struct Custom {
    /// The extension's identifier.
    pub(super) owner: Arc<str>,
    /// Its name in the source, which is where its nodes say they are.
    pub(super) tag: Option<Token>,
}

impl<'s, 't> Parser<'s, 't> {
    /// Is this a tag of an extension?
    #[cold]
    pub(super) fn is_custom_tag(&self, tag: Token) -> bool {
        self.syntax.custom_tags.set().is_some_and(|tags| tags.owner(self.text(tag)).is_some())
    }

    /// Parses a tag of an extension, and adds what it stands for to `body`.
    #[cold]
    pub(super) fn custom_tag(&mut self, tag: Token, body: &mut Vec<Stmt<'s>>) -> Result<()> {
        let Some(tags) = self.syntax.custom_tags.set().cloned() else { return Err(self.unknown_tag(tag)) };
        let name = self.text(tag).to_owned();
        let owner = tags.owner(&name).unwrap_or_default().into();
        self.skip()?;
        let custom = Custom { owner, tag: Some(tag) };
        let (outer, ends) = (std::mem::replace(&mut self.custom, custom), self.ends.len());
        let depth = self.depth;
        let statements = tags.parse(&name, self)?;
        self.custom = outer;
        if self.depth != depth || self.ends.len() != ends {
            return Err(error_at(
                format!("the extension hides an error in its tag {}", super::errors::repr(&name)),
                tag,
            ));
        }
        for statement in statements {
            self.check_nesting(statement.height)?;
            self.tallest = self.tallest.max(statement.height);
            push(body, statement.node);
        }
        Ok(())
    }

    /// An error if statements of this height are too deep here.
    pub(super) fn check_nesting(&self, height: u32) -> Result<()> {
        if self.depth / Depth::Level as u32 + height > MAX_NESTING {
            return Err(self.error(format!("nested too deeply: more than {MAX_NESTING} levels")));
        }
        Ok(())
    }

    // ---- the token stream ------------------------------------------------------------------------------------

    /// The line of the tag that is parsed.
    pub fn tag_line(&self) -> u32 {
        self.custom.tag.map_or(0, |tag| tag.line)
    }

    /// The current token.
    pub fn current(&self) -> TokenRef<'_> {
        self.token(self.current)
    }

    /// The token behind the current one.
    ///
    /// # Errors
    /// There is text that is no token.
    pub fn peek(&mut self) -> Result<TokenRef<'_>> {
        let token = self.look()?;
        Ok(self.token(token))
    }

    fn token(&self, token: Token) -> TokenRef<'_> {
        TokenRef {
            line: token.line,
            kind: token.kind,
            name: token.kind.as_str(),
            text: self.text(token),
            offset: self.source.offset(token.start),
        }
    }

    /// Is the current token of this kind?
    pub fn is_at(&self, kind: TokenKind) -> bool {
        self.at_kind(kind)
    }

    /// Is the current token this name?
    pub fn is_at_name(&self, name: &str) -> bool {
        self.at_kind(TokenKind::Name) && self.text(self.current) == name
    }

    /// Moves behind the current token if it is of this kind; says whether it was.
    ///
    /// # Errors
    /// There is text that is no token.
    pub fn skip_if(&mut self, kind: TokenKind) -> Result<bool> {
        self.skip_kind(kind)
    }

    /// Moves behind the current token if it is this name; says whether it was.
    ///
    /// # Errors
    /// There is text that is no token.
    pub fn skip_if_name(&mut self, name: &str) -> Result<bool> {
        let found = self.is_at_name(name);
        if found {
            self.skip()?;
        }
        Ok(found)
    }

    /// Moves behind the current token, which must be of this kind, and gives its text.
    ///
    /// # Errors
    /// It is another one.
    pub fn expect(&mut self, kind: TokenKind) -> Result<String> {
        let token = self.expect_kind(kind)?;
        Ok(self.text(token).to_owned())
    }

    /// Moves behind the current token, which must be this name.
    ///
    /// # Errors
    /// It is another one.
    pub fn expect_name(&mut self, name: &str) -> Result<()> {
        if self.is_at_name(name) { self.skip() } else { Err(self.unexpected(name)) }
    }

    /// An error of the tag that is parsed, at its line.
    pub fn fail(&self, message: impl Into<String>) -> SyntaxError {
        error_at(message, self.custom.tag.unwrap_or(self.current))
    }

    // ---- parts of tags -----------------------------------------------------------------------------------------

    /// An expression: `a + b if c else d`.
    ///
    /// # Errors
    /// There is none.
    pub fn parse_expression(&mut self) -> Result<Expression<'s>> {
        let node = self.expression()?;
        Ok(Expression { node, height: self.height })
    }

    /// An expression that is not conditional: `if` may follow it as a word of the tag.
    ///
    /// # Errors
    /// There is none.
    pub fn parse_unconditional(&mut self) -> Result<Expression<'s>> {
        let node = self.unconditional()?;
        Ok(Expression { node, height: self.height })
    }

    /// One expression, or several with commas as a tuple.
    ///
    /// # Errors
    /// There is none.
    pub fn parse_tuple(&mut self) -> Result<Expression<'s>> {
        let node = self.tuple(TupleRule::Plain)?;
        Ok(Expression { node, height: self.height })
    }

    /// What a value is assigned to: a name, a namespace's attribute, or a tuple of them.
    ///
    /// # Errors
    /// There is none, or something that cannot be assigned to.
    pub fn parse_target(&mut self) -> Result<Target<'s>> {
        Ok(Target(self.assign_target(TupleRule::Target { namespaces: true })?))
    }

    /// Parameters in parentheses, as those of macros.
    ///
    /// # Errors
    /// There are none.
    pub fn parse_signature(&mut self) -> Result<Signature<'s>> {
        let (args, defaults) = self.signature()?;
        Ok(Signature { args, defaults })
    }

    /// Arguments in parentheses, as those of calls.
    ///
    /// # Errors
    /// There are none.
    pub fn parse_arguments(&mut self) -> Result<Arguments<'s>> {
        let given = self.arguments()?;
        Ok(Arguments { given, height: self.height })
    }

    /// The end of the tag, and the statements behind it up to one of the tags `ends`; the parser stands behind its name then.
    /// Gives which one it was, by its place in `ends`.
    ///
    /// # Errors
    /// The tag does not end here, or none of `ends` follows.
    pub fn parse_body(&mut self, ends: &[&str]) -> Result<(Body<'s>, usize)> {
        if ends.is_empty() {
            return Err(self.fail("a body must end with some tag"));
        }
        let place = self.custom_ends.len();
        self.custom_ends.push(ends.iter().map(|&end| end.to_owned()).collect());
        let outer = take(&mut self.tallest);
        let statements = self.body_until(Ends::Custom(place))?;
        let height = std::mem::replace(&mut self.tallest, outer);
        self.tallest = self.tallest.max(height);
        let end = self.advance()?;
        self.custom_ends.truncate(place);
        let found = ends.iter().position(|&name| name == self.text(end)).unwrap_or_default();
        Ok((Body { statements, height: height.max(1) }, found))
    }

    /// A name that no template can spell: a place for a value that only the tag knows.
    pub fn free_name(&mut self) -> FreeName {
        self.free_names += 1;
        FreeName(self.symbols.intern(&format!("\0{}", self.free_names)))
    }

    /// Builds nodes, which say that they come from the tag that is parsed.
    pub fn nodes(&mut self) -> Nodes<'_, 's, 't> {
        let at = self.custom.tag.map_or_else(At::default, |tag| self.at(tag));
        Nodes::new(self, at)
    }
}
