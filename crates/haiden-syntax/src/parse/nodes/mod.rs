//! The node builder: what extensions say their tags mean.
//!
//! In: expressions and bodies that were parsed, names, constants. Out: [`Expression`]s and [`Statement`]s, whose inside nobody
//! sees: how the tree is stored can change. A shape that no template could have (a call block without a call, a name that is
//! none, a tree that is too deep) is an error with the tag's line.
//!
//! Invariant: what comes out keeps the rules of the parser's own trees.

mod expressions;
mod statements;

use crate::MAX_TREE_DEPTH;
use crate::ast::{self, At, Const, Constant, Ctx, Expr, Name, Stmt, Symbol};
use crate::parse::errors::repr;
use crate::parse::{Parser, Result};

/// An expression of the tree.
#[derive(Clone, Debug)]
pub struct Expression<'s> {
    pub(in crate::parse) node: Expr<'s>,
    /// How many levels it has.
    pub(in crate::parse) height: u32,
}

/// A statement of the tree.
#[derive(Clone, Debug)]
pub struct Statement<'s> {
    pub(in crate::parse) node: Stmt<'s>,
    /// How many levels of statements it has.
    pub(in crate::parse) height: u32,
}

/// Statements in a row.
#[derive(Clone, Debug, Default)]
pub struct Body<'s> {
    pub(in crate::parse) statements: Vec<Stmt<'s>>,
    /// How many levels of statements it has, and one.
    pub(in crate::parse) height: u32,
}

impl<'s> FromIterator<Statement<'s>> for Body<'s> {
    fn from_iter<I: IntoIterator<Item = Statement<'s>>>(statements: I) -> Body<'s> {
        let mut body = Body { statements: Vec::new(), height: 1 };
        for statement in statements {
            body.height = body.height.max(statement.height + 1);
            body.statements.push(statement.node);
        }
        body
    }
}

impl<'s, const COUNT: usize> From<[Statement<'s>; COUNT]> for Body<'s> {
    fn from(statements: [Statement<'s>; COUNT]) -> Body<'s> {
        statements.into_iter().collect()
    }
}

impl<'s> From<Vec<Statement<'s>>> for Body<'s> {
    fn from(statements: Vec<Statement<'s>>) -> Body<'s> {
        statements.into_iter().collect()
    }
}

impl<'s> From<Statement<'s>> for Body<'s> {
    fn from(statement: Statement<'s>) -> Body<'s> {
        Body::from([statement])
    }
}

/// What a value is assigned to.
#[derive(Clone, Debug)]
pub struct Target<'s>(pub(in crate::parse) Expr<'s>);

/// A name that no template can spell: see [`Parser::free_name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreeName(pub(in crate::parse) Symbol);

/// The parameters of a macro or a call block.
#[derive(Clone, Debug, Default)]
pub struct Signature<'s> {
    pub(in crate::parse) args: Vec<Name>,
    pub(in crate::parse) defaults: Vec<Expr<'s>>,
}

/// The arguments of a call, a filter or a test; none by default.
#[derive(Clone, Debug, Default)]
pub struct Arguments<'s> {
    pub(in crate::parse) given: ast::Arguments<'s>,
    /// How many levels the highest of them has, and one.
    pub(in crate::parse) height: u32,
}

impl<'s, const COUNT: usize> From<[Expression<'s>; COUNT]> for Arguments<'s> {
    fn from(args: [Expression<'s>; COUNT]) -> Arguments<'s> {
        args.into_iter().collect()
    }
}

impl<'s> From<Vec<Expression<'s>>> for Arguments<'s> {
    fn from(args: Vec<Expression<'s>>) -> Arguments<'s> {
        args.into_iter().collect()
    }
}

impl<'s> FromIterator<Expression<'s>> for Arguments<'s> {
    fn from_iter<I: IntoIterator<Item = Expression<'s>>>(args: I) -> Arguments<'s> {
        let (args, height) = split(args);
        Arguments { given: ast::Arguments { args, ..ast::Arguments::default() }, height: height + 1 }
    }
}

/// The nodes of expressions, and the height of the highest.
fn split<'s>(items: impl IntoIterator<Item = Expression<'s>>) -> (Vec<Expr<'s>>, u32) {
    let mut height = 0;
    let nodes = items.into_iter().map(|item| {
        height = height.max(item.height);
        item.node
    });
    (nodes.collect(), height)
}

/// Builds nodes: see [`Parser::nodes`].
pub struct Nodes<'b, 's, 't> {
    parser: &'b mut Parser<'s, 't>,
    at: At,
}

impl<'b, 's, 't> Nodes<'b, 's, 't> {
    pub(in crate::parse) fn new(parser: &'b mut Parser<'s, 't>, at: At) -> Nodes<'b, 's, 't> {
        Nodes { parser, at }
    }

    /// Nodes that say they come from another line, as errors in them do.
    #[must_use]
    pub fn at_line(mut self, line: u32) -> Nodes<'b, 's, 't> {
        self.at.line = line;
        self
    }

    /// A name that templates can spell.
    fn symbol(&mut self, name: &str) -> Result<Symbol> {
        if !crate::lex::is_identifier(name) {
            return Err(self.parser.fail(format!("{} is no name", repr(name))));
        }
        Ok(self.parser.symbols.intern(name))
    }

    /// A name with dots, as those of filters and tests.
    fn dotted(&mut self, name: &str) -> Result<Symbol> {
        if !name.split('.').all(crate::lex::is_identifier) {
            return Err(self.parser.fail(format!("{} is no name", repr(name))));
        }
        Ok(self.parser.symbols.intern(name))
    }

    /// An expression whose parts have this height.
    fn above(&self, node: Expr<'s>, parts: u32) -> Result<Expression<'s>> {
        if parts >= MAX_TREE_DEPTH {
            let message = format!("expression is nested too deeply: more than {MAX_TREE_DEPTH} levels");
            return Err(self.parser.fail(message));
        }
        Ok(Expression { node, height: parts + 1 })
    }

    fn constant(&self, value: Constant<'s>) -> Expression<'s> {
        Expression { node: Expr::Const(Box::new(Const { at: self.at, value })), height: 1 }
    }

    // ---- targets and parameters -----------------------------------------------------------------------------------

    /// A variable that is bound.
    ///
    /// # Errors
    /// It is no name, or a constant's.
    pub fn target(&mut self, name: &str) -> Result<Target<'s>> {
        let symbol = self.symbol(name)?;
        if matches!(name, "true" | "false" | "none" | "True" | "False" | "None") {
            return Err(self.parser.fail("can't assign to 'name'"));
        }
        Ok(self.free_target(FreeName(symbol)))
    }

    /// A name that no template can spell, bound.
    pub fn free_target(&self, name: FreeName) -> Target<'s> {
        Target(Expr::Name(Name { at: self.at, name: name.0, ctx: Ctx::Store }))
    }

    /// Parameters without defaults.
    ///
    /// # Errors
    /// One is no name.
    pub fn signature(&mut self, names: &[&str]) -> Result<Signature<'s>> {
        let mut args = Vec::with_capacity(names.len());
        for name in names {
            let Target(Expr::Name(name)) = self.target(name)? else { continue };
            args.push(Name { ctx: Ctx::Param, ..name });
        }
        Ok(Signature { args, defaults: Vec::new() })
    }
}
