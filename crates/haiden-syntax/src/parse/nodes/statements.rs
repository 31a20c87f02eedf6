//! Statements that extensions build.

use std::borrow::Cow;

use super::{Arguments, Body, Expression, Nodes, Signature, Statement, Target};
use crate::ast::{
    Assign, AssignBlock, Block, CallBlock, Ctx, Expr, ExprStmt, Extends, Filter, FilterBlock, For, If,
    Import, Include, Keyword, Macro, Output, Scope, ScopedEvalContextModifier, Stmt, TemplateData, With,
};
use crate::parse::Result;
use crate::parse::statements::set_ctx;

impl<'s> Nodes<'_, 's, '_> {
    fn statement(&self, node: Stmt<'s>, height: u32) -> Result<Statement<'s>> {
        self.parser.check_nesting(height)?;
        Ok(Statement { node, height })
    }

    /// Text as it stands in templates: it is never escaped.
    pub fn text(&mut self, text: impl Into<Cow<'s, str>>) -> Statement<'s> {
        let node = Expr::TemplateData(TemplateData { at: self.at, data: self.parser.texts.push(text) });
        Statement { node: Stmt::Output(Output { at: self.at, nodes: vec![node] }), height: 1 }
    }

    /// `{{ value }}`
    pub fn print(&self, value: Expression<'s>) -> Statement<'s> {
        Statement { node: Stmt::Output(Output { at: self.at, nodes: vec![value.node] }), height: 1 }
    }

    /// `{% do value %}`
    pub fn evaluate(&self, value: Expression<'s>) -> Statement<'s> {
        Statement { node: Stmt::ExprStmt(Box::new(ExprStmt { at: self.at, node: value.node })), height: 1 }
    }

    /// `{% set target = value %}`
    pub fn assign(&self, target: Target<'s>, value: Expression<'s>) -> Statement<'s> {
        let node = Assign { at: self.at, target: target.0, node: value.node };
        Statement { node: Stmt::Assign(Box::new(node)), height: 1 }
    }

    /// `{% set target %}body{% endset %}`
    ///
    /// # Errors
    /// It is too deep; so for all that follow.
    pub fn assign_block(&self, target: Target<'s>, body: impl Into<Body<'s>>) -> Result<Statement<'s>> {
        let Body { statements, height } = body.into();
        let node = AssignBlock { at: self.at, target: target.0, filter: None, body: statements };
        self.statement(Stmt::AssignBlock(Box::new(node)), height)
    }

    /// `{% if test %}body{% else %}otherwise{% endif %}`
    ///
    /// # Errors
    /// As [`assign_block`](Self::assign_block).
    pub fn if_else(
        &self,
        test: Expression<'s>,
        body: impl Into<Body<'s>>,
        otherwise: impl Into<Body<'s>>,
    ) -> Result<Statement<'s>> {
        let (body, otherwise) = (body.into(), otherwise.into());
        let height = body.height.max(otherwise.height);
        let node = If {
            at: self.at,
            test: test.node,
            body: body.statements,
            elif_: Vec::new(),
            else_: otherwise.statements,
        };
        self.statement(Stmt::If(Box::new(node)), height)
    }

    /// `{% for target in items %}body{% else %}otherwise{% endfor %}`
    ///
    /// # Errors
    /// As [`assign_block`](Self::assign_block).
    pub fn for_loop(
        &self,
        target: Target<'s>,
        items: Expression<'s>,
        body: impl Into<Body<'s>>,
        otherwise: impl Into<Body<'s>>,
    ) -> Result<Statement<'s>> {
        if contains_namespace(&target.0) {
            return Err(self.parser.fail("a loop cannot assign to an attribute"));
        }
        let (body, otherwise) = (body.into(), otherwise.into());
        let height = body.height.max(otherwise.height);
        let node = For {
            at: self.at,
            target: target.0,
            iter: items.node,
            body: body.statements,
            else_: otherwise.statements,
            test: None,
            recursive: false,
        };
        self.statement(Stmt::For(Box::new(node)), height)
    }

    /// `{% with target = value %}body{% endwith %}`
    ///
    /// # Errors
    /// As [`assign_block`](Self::assign_block).
    pub fn with(
        &self,
        values: impl IntoIterator<Item = (Target<'s>, Expression<'s>)>,
        body: impl Into<Body<'s>>,
    ) -> Result<Statement<'s>> {
        let body = body.into();
        let (mut targets, mut nodes) = (Vec::new(), Vec::new());
        for (target, value) in values {
            let mut target = target.0;
            if contains_namespace(&target) {
                return Err(self.parser.fail("`with` cannot assign to an attribute"));
            }
            set_ctx(&mut target, Ctx::Param);
            targets.push(target);
            nodes.push(value.node);
        }
        let node = With { at: self.at, targets, values: nodes, body: body.statements };
        self.statement(Stmt::With(Box::new(node)), body.height)
    }

    /// `{% call(signature) call %}body{% endcall %}`
    ///
    /// # Errors
    /// `call` is no call.
    pub fn call_block(
        &self,
        call: Expression<'s>,
        signature: Signature<'s>,
        body: impl Into<Body<'s>>,
    ) -> Result<Statement<'s>> {
        let Expr::Call(call) = call.node else { return Err(self.parser.fail("a call block needs a call")) };
        let body = body.into();
        let Signature { args, defaults } = signature;
        let node = CallBlock { at: self.at, call, args, defaults, body: body.statements };
        self.statement(Stmt::CallBlock(Box::new(node)), body.height)
    }

    /// `{% macro name(signature) %}body{% endmacro %}`
    ///
    /// # Errors
    /// It is no name.
    pub fn macro_definition(
        &mut self,
        name: &str,
        signature: Signature<'s>,
        body: impl Into<Body<'s>>,
    ) -> Result<Statement<'s>> {
        let Target(Expr::Name(target)) = self.target(name)? else { return Err(self.parser.fail("no name")) };
        let body = body.into();
        let Signature { args, defaults } = signature;
        let node = Macro { at: self.at, name: target.name, args, defaults, body: body.statements };
        self.statement(Stmt::Macro(Box::new(node)), body.height)
    }

    /// `{% filter name(arguments) %}body{% endfilter %}`
    ///
    /// # Errors
    /// The filter has no name.
    pub fn filter_block(
        &mut self,
        name: &str,
        arguments: impl Into<Arguments<'s>>,
        body: impl Into<Body<'s>>,
    ) -> Result<Statement<'s>> {
        let name = self.dotted(name)?;
        let filter = Box::new(Filter { at: self.at, node: None, name, arguments: arguments.into().given });
        let body = body.into();
        let node = FilterBlock { at: self.at, body: body.statements, filter };
        self.statement(Stmt::FilterBlock(Box::new(node)), body.height)
    }

    /// `{% block name %}body{% endblock %}`; `scoped`: it sees the variables around it.
    ///
    /// # Errors
    /// It is no name.
    pub fn block(&mut self, name: &str, body: impl Into<Body<'s>>, scoped: bool) -> Result<Statement<'s>> {
        let name = self.symbol(name)?;
        let body = body.into();
        let node = Block { at: self.at, name, body: body.statements, scoped, required: false };
        self.statement(Stmt::Block(Box::new(node)), body.height)
    }

    /// `{% extends template %}`
    pub fn extends(&self, template: Expression<'s>) -> Statement<'s> {
        let node = Extends { at: self.at, template: template.node };
        Statement { node: Stmt::Extends(Box::new(node)), height: 1 }
    }

    /// `{% include template %}`
    pub fn include(
        &self,
        template: Expression<'s>,
        with_context: bool,
        ignore_missing: bool,
    ) -> Statement<'s> {
        let node = Include { at: self.at, template: template.node, with_context, ignore_missing };
        Statement { node: Stmt::Include(Box::new(node)), height: 1 }
    }

    /// `{% import template as name %}`
    ///
    /// # Errors
    /// It is no name.
    pub fn import(
        &mut self,
        template: Expression<'s>,
        name: &str,
        with_context: bool,
    ) -> Result<Statement<'s>> {
        let Target(Expr::Name(target)) = self.target(name)? else { return Err(self.parser.fail("no name")) };
        let node = Import { at: self.at, template: template.node, target: target.name, with_context };
        self.statement(Stmt::Import(Box::new(node)), 1)
    }

    /// A scope: what the body sets is not seen outside of it.
    ///
    /// # Errors
    /// As [`assign_block`](Self::assign_block).
    pub fn scope(&self, body: impl Into<Body<'s>>) -> Result<Statement<'s>> {
        let body = body.into();
        self.statement(Stmt::Scope(Box::new(Scope { at: self.at, body: body.statements })), body.height)
    }

    /// `{% autoescape on %}body{% endautoescape %}`
    ///
    /// # Errors
    /// As [`assign_block`](Self::assign_block).
    pub fn autoescape(&mut self, on: Expression<'s>, body: impl Into<Body<'s>>) -> Result<Statement<'s>> {
        let body = body.into();
        let key = self.parser.symbols.intern("autoescape");
        let options = vec![Keyword { at: self.at, key, value: on.node }];
        let modifier = ScopedEvalContextModifier { at: self.at, options, body: body.statements };
        let inner = vec![Stmt::ScopedEvalContextModifier(Box::new(modifier))];
        self.statement(Stmt::Scope(Box::new(Scope { at: self.at, body: inner })), body.height + 1)
    }
}

/// Is an attribute among what is assigned to?
fn contains_namespace(target: &Expr<'_>) -> bool {
    match target {
        Expr::NSRef(_) => true,
        Expr::Tuple(tuple) => tuple.items.iter().any(contains_namespace),
        _ => false,
    }
}
