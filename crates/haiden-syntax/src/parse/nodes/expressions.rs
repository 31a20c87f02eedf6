//! Expressions that extensions build.

use std::borrow::Cow;

use super::{Arguments, Expression, FreeName, Nodes, split};
use crate::ast::{
    Binary, BinaryOp, Call, Compare, CompareOp, Concat, CondExpr, Constant, Ctx, Dict, Expr,
    ExtensionAttribute, Filter, Getattr, Getitem, Keyword, List, MarkSafe, MarkSafeIfAutoescape, Name,
    Operand, Pair, Test, Tuple, Unary, UnaryOp,
};
use crate::parse::Result;
use crate::parse::errors::repr;

impl<'s> Nodes<'_, 's, '_> {
    /// `none`
    pub fn none(&self) -> Expression<'s> {
        self.constant(Constant::None)
    }

    /// `true` or `false`
    pub fn boolean(&self, value: bool) -> Expression<'s> {
        self.constant(Constant::Bool(value))
    }

    /// An integer.
    pub fn integer(&self, value: i64) -> Expression<'s> {
        self.constant(Constant::Int(value))
    }

    /// A number with a point.
    pub fn float(&self, value: f64) -> Expression<'s> {
        self.constant(Constant::Float(value))
    }

    /// A text.
    pub fn string(&self, value: impl Into<Cow<'s, str>>) -> Expression<'s> {
        self.constant(Constant::Str(value.into()))
    }

    /// A variable.
    ///
    /// # Errors
    /// It is no name.
    pub fn name(&mut self, name: &str) -> Result<Expression<'s>> {
        let name = self.symbol(name)?;
        Ok(Expression { node: Expr::Name(Name { at: self.at, name, ctx: Ctx::Load }), height: 1 })
    }

    /// The value of a name that no template can spell.
    pub fn free(&self, name: FreeName) -> Expression<'s> {
        Expression { node: Expr::Name(Name { at: self.at, name: name.0, ctx: Ctx::Load }), height: 1 }
    }

    /// `[a, b]`
    ///
    /// # Errors
    /// It is too deep; so for all that follow.
    pub fn list(&self, items: impl IntoIterator<Item = Expression<'s>>) -> Result<Expression<'s>> {
        let (items, height) = split(items);
        self.above(Expr::List(Box::new(List { at: self.at, items })), height)
    }

    /// `(a, b)`
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn tuple(&self, items: impl IntoIterator<Item = Expression<'s>>) -> Result<Expression<'s>> {
        let (items, height) = split(items);
        self.above(Expr::Tuple(Box::new(Tuple { at: self.at, items, ctx: Ctx::Load })), height)
    }

    /// `{a: b}`
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn dict(
        &self,
        items: impl IntoIterator<Item = (Expression<'s>, Expression<'s>)>,
    ) -> Result<Expression<'s>> {
        let mut height = 0;
        let pairs = items.into_iter().map(|(key, value)| {
            height = height.max(key.height).max(value.height);
            Pair { at: self.at, key: key.node, value: value.node }
        });
        let items = pairs.collect();
        self.above(Expr::Dict(Box::new(Dict { at: self.at, items })), height + 1)
    }

    /// `object.name`
    ///
    /// # Errors
    /// It is no name.
    pub fn attribute(&mut self, object: Expression<'s>, name: &str) -> Result<Expression<'s>> {
        let attr = self.symbol(name)?;
        let node = Getattr { at: self.at, node: object.node, attr, ctx: Ctx::Load };
        self.above(Expr::Getattr(Box::new(node)), object.height)
    }

    /// `object[key]`
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn item(&self, object: Expression<'s>, key: Expression<'s>) -> Result<Expression<'s>> {
        let node = Getitem { at: self.at, node: object.node, arg: key.node, ctx: Ctx::Load };
        self.above(Expr::Getitem(Box::new(node)), object.height.max(key.height))
    }

    /// `function(arguments)`
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn call(
        &self,
        function: Expression<'s>,
        arguments: impl Into<Arguments<'s>>,
    ) -> Result<Expression<'s>> {
        let Arguments { given, height } = arguments.into();
        let node = Call { at: self.at, node: function.node, arguments: given };
        self.above(Expr::Call(Box::new(node)), function.height.max(height))
    }

    /// A call of a method of the extension, when the template is rendered.
    ///
    /// # Errors
    /// The method has no name.
    pub fn call_method(
        &mut self,
        method: &str,
        arguments: impl Into<Arguments<'s>>,
    ) -> Result<Expression<'s>> {
        let name = self.symbol(method)?;
        let owner = self.parser.custom.owner.clone();
        let identifier = self.parser.symbols.intern(&owner);
        let node = Expr::ExtensionAttribute(Box::new(ExtensionAttribute { at: self.at, identifier, name }));
        self.call(Expression { node, height: 1 }, arguments)
    }

    /// A keyword argument more.
    ///
    /// # Errors
    /// It is no name, or one of the arguments has it.
    pub fn keyword(
        &mut self,
        arguments: impl Into<Arguments<'s>>,
        name: &str,
        value: Expression<'s>,
    ) -> Result<Arguments<'s>> {
        let mut arguments = arguments.into();
        let key = self.symbol(name)?;
        if arguments.given.kwargs.iter().any(|known| known.key == key) {
            return Err(self.parser.fail(format!("the keyword argument {} is given twice", repr(name))));
        }
        arguments.height = arguments.height.max(value.height + 1);
        arguments.given.kwargs.push(Keyword { at: self.at, key, value: value.node });
        Ok(arguments)
    }

    /// `value|name(arguments)`
    ///
    /// # Errors
    /// The filter has no name.
    pub fn filter(
        &mut self,
        value: Expression<'s>,
        name: &str,
        arguments: impl Into<Arguments<'s>>,
    ) -> Result<Expression<'s>> {
        let Arguments { given, height } = arguments.into();
        let name = self.dotted(name)?;
        let node = Filter { at: self.at, node: Some(value.node), name, arguments: given };
        self.above(Expr::Filter(Box::new(node)), value.height.max(height))
    }

    /// `value is name(arguments)`
    ///
    /// # Errors
    /// The test has no name.
    pub fn test(
        &mut self,
        value: Expression<'s>,
        name: &str,
        arguments: impl Into<Arguments<'s>>,
    ) -> Result<Expression<'s>> {
        let Arguments { given, height } = arguments.into();
        let name = self.dotted(name)?;
        let node = Test { at: self.at, node: value.node, name, arguments: given };
        self.above(Expr::Test(Box::new(node)), value.height.max(height))
    }

    /// `left op right`
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn binary(
        &self,
        left: Expression<'s>,
        op: BinaryOp,
        right: Expression<'s>,
    ) -> Result<Expression<'s>> {
        let node = Binary { at: self.at, op, left: left.node, right: right.node };
        self.above(Expr::Binary(Box::new(node)), left.height.max(right.height))
    }

    /// `left op right` of a comparison.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn compare(
        &self,
        left: Expression<'s>,
        op: CompareOp,
        right: Expression<'s>,
    ) -> Result<Expression<'s>> {
        let ops = vec![Operand { at: self.at, op, expr: right.node }];
        let node = Compare { at: self.at, expr: left.node, ops };
        self.above(Expr::Compare(Box::new(node)), left.height.max(right.height + 1))
    }

    /// `not value`
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn not(&self, value: Expression<'s>) -> Result<Expression<'s>> {
        let node = Unary { at: self.at, op: UnaryOp::Not, node: value.node };
        self.above(Expr::Unary(Box::new(node)), value.height)
    }

    /// `a ~ b ~ c`
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn concat(&self, parts: impl IntoIterator<Item = Expression<'s>>) -> Result<Expression<'s>> {
        let (nodes, height) = split(parts);
        self.above(Expr::Concat(Box::new(Concat { at: self.at, nodes })), height)
    }

    /// `then if test else otherwise`
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn conditional(
        &self,
        test: Expression<'s>,
        then: Expression<'s>,
        otherwise: Option<Expression<'s>>,
    ) -> Result<Expression<'s>> {
        let height = otherwise.as_ref().map_or(0, |node| node.height).max(test.height).max(then.height);
        let expr2 = otherwise.map(|node| node.node);
        let node = CondExpr { at: self.at, test: test.node, expr1: then.node, expr2 };
        self.above(Expr::CondExpr(Box::new(node)), height)
    }

    /// The value as markup, which is not escaped when it is printed.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn mark_safe(&self, value: Expression<'s>) -> Result<Expression<'s>> {
        let node = MarkSafe { at: self.at, expr: value.node };
        self.above(Expr::MarkSafe(Box::new(node)), value.height)
    }

    /// The value as markup where autoescape is on.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn mark_safe_if_autoescape(&self, value: Expression<'s>) -> Result<Expression<'s>> {
        let node = MarkSafeIfAutoescape { at: self.at, expr: value.node };
        self.above(Expr::MarkSafeIfAutoescape(Box::new(node)), value.height)
    }
}
