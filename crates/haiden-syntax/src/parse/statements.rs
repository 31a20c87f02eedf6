//! Statements: a method for each tag.

use crate::ast::{Arguments, Call, Texts};
use crate::ast::{
    Assign, AssignBlock, At, Block, Break, CallBlock, Const, Constant, ContextReference, Continue, Ctx, Expr,
    ExprStmt, Extends, ExtensionAttribute, FilterBlock, For, FromImport, If, Import, ImportName, Include,
    Keyword, Macro, NSRef, Name, Output, Scope, ScopedEvalContextModifier, Stmt, Symbol, With,
};
use crate::error::{ErrorKind, SyntaxError};
use crate::lex::token::{Token, TokenKind, Word};
use crate::options::Extensions;
use crate::parse::ends::Ends;
use crate::parse::expressions::TupleRule;
use crate::parse::{Parser, Result, error_at, push};

/// Parameters and their defaults.
pub(super) type Parameters<'s> = (Vec<Name>, Vec<Expr<'s>>);

impl<'s> Parser<'s, '_> {
    /// Parses the statement whose tag is current and adds it to `body`.
    pub(super) fn statement(&mut self, body: &mut Vec<Stmt<'s>>) -> Result<()> {
        let tag = self.current;
        if tag.kind != TokenKind::Name {
            return Err(self.error("tag name expected"));
        }
        self.tags.push(tag);
        let statement = self.tag(tag, body);
        self.tags.pop();
        if let Some(statement) = statement? {
            push(body, statement);
        }
        Ok(())
    }

    fn tag(&mut self, tag: Token, body: &mut Vec<Stmt<'s>>) -> Result<Option<Stmt<'s>>> {
        let on = |extension| self.syntax.extensions.contains(extension);
        let statement = match tag.word {
            Word::For => self.for_loop()?,
            Word::If => self.if_chain()?,
            Word::Block => self.block()?,
            Word::Extends => self.extends()?,
            Word::Print => self.print()?,
            Word::Macro => self.macro_definition()?,
            Word::Include => self.include()?,
            Word::From => self.import_names()?,
            Word::Import => self.import()?,
            Word::Set => self.set()?,
            Word::With => self.with()?,
            Word::Autoescape => self.autoescape()?,
            Word::Call => self.call_block()?,
            Word::Filter => self.filter_block()?,
            Word::Do if on(Extensions::DO) => {
                self.skip()?;
                let node = self.tuple(TupleRule::Plain)?;
                Stmt::ExprStmt(Box::new(ExprStmt { at: self.at(tag), node }))
            }
            Word::Break if on(Extensions::LOOP_CONTROLS) => {
                self.skip()?;
                Stmt::Break(Break { at: self.at(tag) })
            }
            Word::Continue if on(Extensions::LOOP_CONTROLS) => {
                self.skip()?;
                Stmt::Continue(Continue { at: self.at(tag) })
            }
            Word::Debug if on(Extensions::DEBUG) => self.debug()?,
            Word::Trans if on(Extensions::I18N) => {
                self.trans(body)?;
                return Ok(None);
            }
            _ if self.is_custom_tag(tag) => {
                self.custom_tag(tag, body)?;
                return Ok(None);
            }
            _ => {
                // The tag is no block that could be closed.
                self.tags.pop();
                let error = self.unknown_tag(tag);
                self.tags.push(tag);
                return Err(error);
            }
        };
        Ok(Some(statement))
    }

    /// The body behind a tag's end, up to one of `ends`, which becomes current.
    fn block_body(&mut self, ends: &'static [Word]) -> Result<Vec<Stmt<'s>>> {
        self.body_until(Ends::Words(ends))
    }

    /// As [`Parser::block_body`], with ends of any kind.
    pub(super) fn body_until(&mut self, ends: Ends) -> Result<Vec<Stmt<'s>>> {
        self.skip_kind(TokenKind::Colon)?;
        self.require(TokenKind::BlockEnd)?;
        let body = self.body(ends)?;
        if self.at_kind(TokenKind::Eof) {
            return Err(self.end_of_template(ends));
        }
        Ok(body)
    }

    /// As [`Parser::block_body`], with the end taken.
    fn whole_body(&mut self, end: &'static [Word]) -> Result<Vec<Stmt<'s>>> {
        let body = self.block_body(end)?;
        self.skip()?;
        Ok(body)
    }

    fn set(&mut self) -> Result<Stmt<'s>> {
        let tag = self.advance()?;
        let at = self.at(tag);
        let target = self.assign_target(TupleRule::Target { namespaces: true })?;
        if self.skip_kind(TokenKind::Assign)? {
            let node = self.tuple(TupleRule::Plain)?;
            return Ok(Stmt::Assign(Box::new(Assign { at, target, node })));
        }
        let filter = match self.filters(None)? {
            Some(Expr::Filter(filter)) => Some(filter),
            _ => None,
        };
        let body = self.whole_body(&[Word::EndSet])?;
        Ok(Stmt::AssignBlock(Box::new(AssignBlock { at, target, filter, body })))
    }

    fn for_loop(&mut self) -> Result<Stmt<'s>> {
        let tag = self.expect_word(Word::For)?;
        let target = self.assign_target(TupleRule::Target { namespaces: false })?;
        self.expect_word(Word::In)?;
        let iter = self.tuple(TupleRule::NoConditional)?;
        let test = if self.skip_word(Word::If)? { Some(self.expression()?) } else { None };
        let recursive = self.skip_word(Word::Recursive)?;
        let body = self.block_body(&[Word::EndFor, Word::Else])?;
        let else_ =
            if self.advance()?.is(Word::EndFor) { Vec::new() } else { self.whole_body(&[Word::EndFor])? };
        Ok(Stmt::For(Box::new(For { at: self.at(tag), target, iter, body, else_, test, recursive })))
    }

    fn if_chain(&mut self) -> Result<Stmt<'s>> {
        const ENDS: &[Word] = &[Word::Elif, Word::Else, Word::EndIf];
        let tag = self.expect_word(Word::If)?;
        let mut at = self.at(tag);
        let mut first: Option<If<'s>> = None;
        loop {
            let test = self.tuple(TupleRule::NoConditional)?;
            let body = self.block_body(ENDS)?;
            let branch = If { at, test, body, elif_: Vec::new(), else_: Vec::new() };
            match &mut first {
                None => first = Some(branch),
                Some(first) => first.elif_.push(branch),
            }
            let end = self.advance()?;
            if end.is(Word::Elif) {
                at = self.here();
                continue;
            }
            if end.is(Word::Else) {
                let else_ = self.whole_body(&[Word::EndIf])?;
                if let Some(first) = &mut first {
                    first.else_ = else_;
                }
            }
            break;
        }
        match first {
            Some(first) => Ok(Stmt::If(Box::new(first))),
            None => Err(self.error("internal parsing error")),
        }
    }

    fn with(&mut self) -> Result<Stmt<'s>> {
        let tag = self.advance()?;
        let (mut targets, mut values) = (Vec::new(), Vec::new());
        while !self.at_kind(TokenKind::BlockEnd) {
            if !targets.is_empty() {
                self.require(TokenKind::Comma)?;
            }
            let mut target = self.assign_target(TupleRule::Target { namespaces: false })?;
            set_ctx(&mut target, Ctx::Param);
            targets.push(target);
            self.require(TokenKind::Assign)?;
            values.push(self.expression()?);
        }
        let body = self.whole_body(&[Word::EndWith])?;
        Ok(Stmt::With(Box::new(With { at: self.at(tag), targets, values, body })))
    }

    fn autoescape(&mut self) -> Result<Stmt<'s>> {
        let tag = self.advance()?;
        let at = self.at(tag);
        let value = self.expression()?;
        let key = self.symbols.intern("autoescape");
        let unnumbered = At { line: 0, offset: at.offset };
        let options = vec![Keyword { at: unnumbered, key, value }];
        let body = self.whole_body(&[Word::EndAutoescape])?;
        let modifier = ScopedEvalContextModifier { at, options, body };
        let body = vec![Stmt::ScopedEvalContextModifier(Box::new(modifier))];
        Ok(Stmt::Scope(Box::new(Scope { at: unnumbered, body })))
    }

    fn block(&mut self) -> Result<Stmt<'s>> {
        let tag = self.advance()?;
        let name_token = self.expect_kind(TokenKind::Name)?;
        let name = self.symbol(name_token);
        let scoped = self.skip_word(Word::Scoped)?;
        let required = self.skip_word(Word::Required)?;
        if self.at_kind(TokenKind::Sub) {
            return Err(self.error(
                "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an \
                 underscore instead.",
            ));
        }
        let body = self.whole_body(&[Word::EndBlock])?;
        if required && !body.iter().all(|node| is_blank(node, &self.texts)) {
            return Err(self.error("Required blocks can only contain comments or whitespace"));
        }
        if self.at_kind(TokenKind::Name) && self.text(self.current) == self.text(name_token) {
            self.skip()?;
        }
        Ok(Stmt::Block(Box::new(Block { at: self.at(tag), name, body, scoped, required })))
    }

    fn extends(&mut self) -> Result<Stmt<'s>> {
        let tag = self.advance()?;
        let template = self.expression()?;
        Ok(Stmt::Extends(Box::new(Extends { at: self.at(tag), template })))
    }

    /// `with context` or `without context`, if it is here.
    fn import_context(&mut self) -> Result<Option<bool>> {
        if !matches!(self.current.word, Word::With | Word::Without) || !self.look()?.is(Word::Context) {
            return Ok(None);
        }
        let with = self.advance()?.is(Word::With);
        self.skip()?;
        Ok(Some(with))
    }

    /// Behind a name of a `from`, Jinja2 compares the word and not the kind of token: `'with' context` passes.
    fn unquote_context(&mut self) -> Result<()> {
        if self.at_kind(TokenKind::String) {
            match &*self.string(self.current)? {
                "with" => self.current.word = Word::With,
                "without" => self.current.word = Word::Without,
                _ => {}
            }
        }
        Ok(())
    }

    fn include(&mut self) -> Result<Stmt<'s>> {
        let tag = self.advance()?;
        let template = self.expression()?;
        let ignore_missing = self.at_word(Word::Ignore) && self.look()?.is(Word::Missing);
        if ignore_missing {
            self.skip()?;
            self.skip()?;
        }
        let with_context = self.import_context()?.unwrap_or(true);
        Ok(Stmt::Include(Box::new(Include { at: self.at(tag), template, with_context, ignore_missing })))
    }

    fn import(&mut self) -> Result<Stmt<'s>> {
        let tag = self.advance()?;
        let template = self.expression()?;
        self.expect_word(Word::As)?;
        let target = self.name_target()?.name;
        let with_context = self.import_context()?.unwrap_or(false);
        Ok(Stmt::Import(Box::new(Import { at: self.at(tag), template, target, with_context })))
    }

    fn import_names(&mut self) -> Result<Stmt<'s>> {
        let tag = self.advance()?;
        let template = self.expression()?;
        self.expect_word(Word::Import)?;
        let mut names: Vec<ImportName> = Vec::new();
        let with_context = loop {
            if !names.is_empty() {
                self.require(TokenKind::Comma)?;
            }
            if !self.at_kind(TokenKind::Name) {
                return Err(self.unexpected(TokenKind::Name.describe()));
            }
            if let found @ Some(_) = self.import_context()? {
                break found;
            }
            let token = self.current;
            let name = self.name_target()?;
            if self.text(token).starts_with('_') {
                let message = "names starting with an underline can not be imported";
                return Err(SyntaxError::new(ErrorKind::Assertion, message, token.line, token.start));
            }
            let alias = if self.skip_word(Word::As)? { Some(self.name_target()?.name) } else { None };
            names.push(ImportName { at: name.at, name: name.name, alias });
            self.unquote_context()?;
            let found = self.import_context()?;
            if found.is_some() || !self.at_kind(TokenKind::Comma) {
                break found;
            }
        };
        let with_context = with_context.unwrap_or(false);
        Ok(Stmt::FromImport(Box::new(FromImport { at: self.at(tag), template, names, with_context })))
    }

    pub(super) fn signature(&mut self) -> Result<Parameters<'s>> {
        let (mut args, mut defaults) = (Vec::new(), Vec::new());
        self.require(TokenKind::LParen)?;
        while !self.at_kind(TokenKind::RParen) {
            if !args.is_empty() {
                self.require(TokenKind::Comma)?;
            }
            let arg = Name { ctx: Ctx::Param, ..self.name_target()? };
            if self.skip_kind(TokenKind::Assign)? {
                defaults.push(self.expression()?);
            } else if !defaults.is_empty() {
                return Err(self.error("non-default argument follows default argument"));
            }
            args.push(arg);
        }
        self.require(TokenKind::RParen)?;
        Ok((args, defaults))
    }

    fn call_block(&mut self) -> Result<Stmt<'s>> {
        let tag = self.advance()?;
        let (args, defaults) =
            if self.at_kind(TokenKind::LParen) { self.signature()? } else { (Vec::new(), Vec::new()) };
        let Expr::Call(call) = self.expression()? else { return Err(error_at("expected call", tag)) };
        let body = self.whole_body(&[Word::EndCall])?;
        Ok(Stmt::CallBlock(Box::new(CallBlock { at: self.at(tag), call, args, defaults, body })))
    }

    fn filter_block(&mut self) -> Result<Stmt<'s>> {
        let tag = self.advance()?;
        let first = self.filter_call(None)?;
        let Some(Expr::Filter(filter)) = self.filters(Some(first))? else {
            return Err(self.error("internal parsing error"));
        };
        let body = self.whole_body(&[Word::EndFilter])?;
        Ok(Stmt::FilterBlock(Box::new(FilterBlock { at: self.at(tag), body, filter })))
    }

    fn macro_definition(&mut self) -> Result<Stmt<'s>> {
        let tag = self.advance()?;
        let name = self.name_target()?.name;
        let (args, defaults) = self.signature()?;
        let body = self.whole_body(&[Word::EndMacro])?;
        Ok(Stmt::Macro(Box::new(Macro { at: self.at(tag), name, args, defaults, body })))
    }

    fn print(&mut self) -> Result<Stmt<'s>> {
        let tag = self.advance()?;
        let mut nodes = Vec::new();
        while !self.at_kind(TokenKind::BlockEnd) {
            if !nodes.is_empty() {
                self.require(TokenKind::Comma)?;
            }
            nodes.push(self.expression()?);
        }
        Ok(Stmt::Output(Output { at: self.at(tag), nodes }))
    }

    fn debug(&mut self) -> Result<Stmt<'s>> {
        let tag = self.advance()?;
        let at = self.at(tag);
        let identifier = self.symbols.intern("jinja2.ext.DebugExtension");
        let name = self.symbols.intern("_render");
        let unnumbered = At { line: 0, offset: at.offset };
        let node = Expr::ExtensionAttribute(Box::new(ExtensionAttribute { at, identifier, name }));
        let args = vec![Expr::ContextReference(ContextReference { at: unnumbered })];
        let arguments = Arguments { args, ..Arguments::default() };
        let call = Expr::Call(Box::new(Call { at, node, arguments }));
        Ok(Stmt::Output(Output { at, nodes: vec![call] }))
    }

    // ---- targets ---------------------------------------------------------------------------------------------

    /// A single name that is bound.
    fn name_target(&mut self) -> Result<Name> {
        let token = self.expect_kind(TokenKind::Name)?;
        let name = self.symbol(token);
        if is_constant(token.word) {
            return Err(error_at("can't assign to 'name'", token));
        }
        Ok(Name { at: self.at(token), name, ctx: Ctx::Store })
    }

    /// A name, a namespace attribute or a tuple of them.
    pub(super) fn assign_target(&mut self, rule: TupleRule) -> Result<Expr<'s>> {
        let token = self.current;
        let mut target = self.tuple(rule)?;
        if let Some(class) = not_assignable(&target, &self.symbols) {
            let at = target.at();
            let message = format!("can't assign to '{class}'");
            return Err(SyntaxError::new(ErrorKind::Syntax, message, at.line, token.start));
        }
        set_ctx(&mut target, Ctx::Store);
        Ok(target)
    }

    /// `ns.attr` behind the name `ns`, whose dot is current.
    pub(super) fn namespace_attribute(&mut self, token: Token, name: Symbol) -> Result<Expr<'s>> {
        self.skip()?;
        let attr = self.expect_kind(TokenKind::Name)?;
        let attr = self.symbol(attr);
        Ok(Expr::NSRef(Box::new(NSRef { at: self.at(token), name, attr })))
    }
}

/// Names that are constants cannot be bound.
fn is_constant(word: Word) -> bool {
    matches!(
        word,
        Word::TrueLower
            | Word::TrueUpper
            | Word::FalseLower
            | Word::FalseUpper
            | Word::NoneLower
            | Word::NoneUpper
    )
}

/// The class of the node that keeps a target from being bound, as Jinja2 names it: of a tuple the tuple itself.
fn not_assignable(target: &Expr<'_>, symbols: &crate::ast::Symbols) -> Option<String> {
    match target {
        Expr::Name(name) => {
            let constant =
                matches!(symbols.name(name.name), "true" | "false" | "none" | "True" | "False" | "None");
            constant.then(|| "name".to_owned())
        }
        Expr::NSRef(_) => None,
        Expr::Tuple(tuple) => {
            let bad = tuple.items.iter().any(|item| not_assignable(item, symbols).is_some());
            bad.then(|| "tuple".to_owned())
        }
        other => Some(crate::walk::NodeRef::from(other).class().to_lowercase()),
    }
}

pub(super) fn set_ctx(target: &mut Expr<'_>, ctx: Ctx) {
    match target {
        Expr::Name(name) => name.ctx = ctx,
        Expr::Tuple(tuple) => {
            tuple.ctx = ctx;
            for item in &mut tuple.items {
                set_ctx(item, ctx);
            }
        }
        _ => {}
    }
}

/// Is this what a required block may hold?
fn is_blank(statement: &Stmt<'_>, texts: &Texts<'_>) -> bool {
    let Stmt::Output(output) = statement else { return false };
    output.nodes.iter().all(|node| match node {
        Expr::TemplateData(node) => {
            let text = texts.get(node.data);
            !text.is_empty() && text.chars().all(crate::lex::is_space)
        }
        _ => false,
    })
}

/// A string constant.
pub(super) fn string<'s>(at: At, value: impl Into<std::borrow::Cow<'s, str>>) -> Expr<'s> {
    Expr::Const(Box::new(Const { at, value: Constant::Str(value.into()) }))
}
