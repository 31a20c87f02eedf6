//! `{% trans %}`: what stands in it becomes a call of `gettext` or one of its sisters.

use crate::ast::{
    Arguments, Assign, At, Binary, BinaryOp, Call, Ctx, Dict, Expr, Keyword, MarkSafeIfAutoescape, Name,
    Output, Pair, Stmt, Symbol,
};
use crate::error::{ErrorKind, SyntaxError};
use crate::lex::is_space;
use crate::lex::token::{Token, TokenKind, Word};
use crate::options::Extensions;
use crate::parse::statements::string;
use crate::parse::{Parser, Result, error_at};

/// What a `trans` tag says before its text.
struct Head<'s> {
    variables: Vec<(Symbol, Expr<'s>)>,
    /// The variable that counts.
    count: Option<Expr<'s>>,
    count_is_num: bool,
    /// `_trans`, if the count is a call that must not be made twice.
    assignment: Option<Stmt<'s>>,
    context: Option<Expr<'s>>,
    trimmed: Option<bool>,
}

/// A text with `%(name)s` for what is printed in it.
struct Message {
    names: Vec<(Symbol, Token)>,
    text: String,
}

impl<'s> Parser<'s, '_> {
    pub(super) fn trans(&mut self, body: &mut Vec<Stmt<'s>>) -> Result<()> {
        let tag = self.advance()?;
        let at = self.at(tag);
        self.operand_line = at.line;
        let mut head = self.trans_head(at)?;
        self.operand_line = 0;
        self.require(TokenKind::BlockEnd)?;
        let singular = self.message(true)?;
        if head.count.is_none()
            && let Some(&(name, _)) = singular.names.first()
        {
            head.count = Some(Expr::Name(Name { at, name, ctx: Ctx::Load }));
            head.count_is_num = self.symbols.name(name) == "num";
        }
        let mut names = singular.names.clone();
        let mut plural = None;
        if self.at_word(Word::Pluralize) {
            self.skip()?;
            if !self.at_kind(TokenKind::BlockEnd) {
                self.plural_count(&mut head)?;
            }
            self.require(TokenKind::BlockEnd)?;
            let message = self.message(false)?;
            names.extend(&message.names);
            plural = Some(message.text);
        }
        self.skip()?;
        let referenced = !names.is_empty();
        for (name, token) in names {
            if !head.variables.iter().any(|(known, _)| *known == name) {
                let at = At { line: at.line, offset: self.source.offset(token.start) };
                head.variables.push((name, Expr::Name(Name { at, name, ctx: Ctx::Load })));
            }
        }
        if plural.is_some() && head.count.is_none() {
            return Err(error_at("pluralize without variables", tag));
        }
        let mut singular = singular.text;
        let extensions = self.syntax.extensions;
        if head.trimmed.unwrap_or(extensions.contains(Extensions::I18N_TRIMMED)) {
            singular = trim(&singular);
            plural = plural.map(|text| trim(&text));
        }
        body.extend(head.assignment.take());
        let node = self.translation(at, singular, plural, head, referenced);
        body.push(Stmt::Output(Output { at, nodes: vec![node] }));
        Ok(())
    }

    fn trans_head(&mut self, at: At) -> Result<Head<'s>> {
        let mut head = Head {
            variables: Vec::new(),
            count: None,
            count_is_num: false,
            assignment: None,
            context: None,
            trimmed: None,
        };
        if self.at_kind(TokenKind::String) {
            // One token: strings are not joined here.
            let token = self.current;
            head.context = Some(string(at, self.string(token)?));
            self.skip()?;
        }
        while !self.at_kind(TokenKind::BlockEnd) {
            if !head.variables.is_empty() {
                self.require(TokenKind::Comma)?;
            }
            if self.skip_kind(TokenKind::Colon)? {
                break;
            }
            let token = self.expect_kind(TokenKind::Name)?;
            let name = self.symbol(token);
            if head.variables.iter().any(|(known, _)| *known == name) {
                let message =
                    format!("translatable variable {} defined twice.", super::errors::repr(self.text(token)));
                return Err(SyntaxError::new(ErrorKind::Assertion, message, token.line, token.start));
            }
            let value = if self.skip_kind(TokenKind::Assign)? {
                self.expression()?
            } else if head.trimmed.is_none() && matches!(token.word, Word::Trimmed | Word::NoTrimmed) {
                head.trimmed = Some(token.is(Word::Trimmed));
                continue;
            } else {
                let at = At { line: at.line, offset: self.source.offset(token.start) };
                Expr::Name(Name { at, name, ctx: Ctx::Load })
            };
            if head.count.is_none() {
                head.count_is_num = self.text(token) == "num";
                head.count = Some(value.clone());
                if matches!(value, Expr::Call(_)) {
                    self.count_once(&mut head, at, name, value);
                    continue;
                }
            }
            head.variables.push((name, value));
        }
        Ok(head)
    }

    /// The count is a call: its value is kept in `_trans`.
    fn count_once(&mut self, head: &mut Head<'s>, at: At, name: Symbol, value: Expr<'s>) {
        let unnumbered = At { line: 0, offset: at.offset };
        let kept = self.symbols.intern("_trans");
        let count = Expr::Name(Name { at, name: kept, ctx: Ctx::Load });
        let target = Expr::Name(Name { at: unnumbered, name: kept, ctx: Ctx::Store });
        head.assignment = Some(Stmt::Assign(Box::new(Assign { at: unnumbered, target, node: value })));
        head.variables.push((name, count.clone()));
        head.count = Some(count);
    }

    fn plural_count(&mut self, head: &mut Head<'s>) -> Result<()> {
        let token = self.expect_kind(TokenKind::Name)?;
        let name = self.symbol(token);
        let Some((_, value)) = head.variables.iter().find(|(known, _)| *known == name) else {
            let message =
                format!("unknown variable {} for pluralization", super::errors::repr(self.text(token)));
            return Err(SyntaxError::new(ErrorKind::Assertion, message, token.line, token.start));
        };
        head.count = Some(value.clone());
        head.count_is_num = self.text(token) == "num";
        Ok(())
    }

    /// Text and printed names up to the next tag, whose name is current then.
    fn message(&mut self, pluralize: bool) -> Result<Message> {
        let mut message = Message { names: Vec::new(), text: String::new() };
        loop {
            match self.current.kind {
                TokenKind::Data => {
                    message.text.push_str(&self.data(self.current).replace('%', "%%"));
                    self.skip()?;
                }
                TokenKind::VariableBegin => {
                    self.skip()?;
                    let token = self.expect_kind(TokenKind::Name)?;
                    message.names.push((self.symbol(token), token));
                    message.text.push_str("%(");
                    message.text.push_str(self.text(token));
                    message.text.push_str(")s");
                    self.require(TokenKind::VariableEnd)?;
                }
                TokenKind::BlockBegin => {
                    self.skip()?;
                    return match self.current.word {
                        Word::EndTrans => Ok(message),
                        Word::Pluralize if pluralize => Ok(message),
                        Word::Pluralize => {
                            Err(self.error("a translatable section can have only one pluralize section"))
                        }
                        Word::Trans => {
                            Err(self.error("trans blocks can't be nested; did you mean `endtrans`?"))
                        }
                        _ => {
                            let saw =
                                if self.at_kind(TokenKind::Name) { self.text(self.current) } else { "None" };
                            Err(self.error(format!(
                                "control structures in translatable sections are not allowed; saw `{saw}`"
                            )))
                        }
                    };
                }
                _ => return Err(self.error("unclosed translation block")),
            }
        }
    }

    fn translation(
        &mut self,
        at: At,
        mut singular: String,
        mut plural: Option<String>,
        head: Head<'s>,
        referenced: bool,
    ) -> Expr<'s> {
        let newstyle = self.syntax.extensions.contains(Extensions::NEWSTYLE_GETTEXT);
        if !referenced && !newstyle {
            singular = singular.replace("%%", "%");
            plural = plural.map(|text| text.replace("%%", "%"));
        }
        let function = match (head.context.is_some(), plural.is_some()) {
            (false, false) => "gettext",
            (false, true) => "ngettext",
            (true, false) => "pgettext",
            (true, true) => "npgettext",
        };
        let mut args: Vec<Expr<'s>> = head.context.into_iter().collect();
        args.push(string(at, singular));
        let skip_num = head.count_is_num && plural.is_some();
        if let Some(plural) = plural {
            args.push(string(at, plural));
            args.extend(head.count);
        }
        let name = self.symbols.intern(function);
        let node = Expr::Name(Name { at, name, ctx: Ctx::Load });
        let mut arguments = Arguments { args, ..Arguments::default() };
        if newstyle {
            for (key, value) in head.variables {
                if !(skip_num && self.symbols.name(key) == "num") {
                    arguments.kwargs.push(Keyword { at, key, value });
                }
            }
            return Expr::Call(Box::new(Call { at, node, arguments }));
        }
        let expr = Expr::Call(Box::new(Call { at, node, arguments }));
        let left = Expr::MarkSafeIfAutoescape(Box::new(MarkSafeIfAutoescape { at, expr }));
        if head.variables.is_empty() {
            return left;
        }
        let pairs = head.variables.into_iter().map(|(key, value)| {
            let key = string(at, self.symbols.name(key).to_owned());
            Pair { at, key, value }
        });
        let right = Expr::Dict(Box::new(Dict { at, items: pairs.collect() }));
        Expr::Binary(Box::new(Binary { at, op: BinaryOp::Mod, left, right }))
    }
}

/// Blanks around line breaks become one blank, those at the ends go.
fn trim(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim_matches(is_space);
    while let Some(at) = rest.find('\n') {
        out.push_str(rest[..at].trim_end_matches(is_space));
        out.push(' ');
        rest = rest[at..].trim_start_matches(is_space);
    }
    out.push_str(rest);
    out
}
