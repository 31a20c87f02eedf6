//! Statements.

use haiden_syntax::ast::{
    Assign, AssignBlock, At, Block, Break, CallBlock, Continue, Ctx, EvalContextModifier, Expr, ExprStmt,
    Extends, FilterBlock, For, FromImport, If, Import, ImportName, Include, Macro, Name, Output,
    OverlayScope, Scope, ScopedEvalContextModifier, Stmt, With,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::{Node, Tree, class_of, flag, items, optional, unexpected};

impl Tree {
    pub(super) fn statement(&mut self, node: Node<'_, '_>) -> PyResult<Stmt<'static>> {
        let class = class_of(node)?;
        let at = self.at(node)?;
        Ok(match class.to_str()? {
            "Output" => Stmt::Output(Output { at, nodes: self.fields(node, "nodes")? }),
            "Extends" => Stmt::Extends(Box::new(Extends { at, template: self.field(node, "template")? })),
            "For" => self.for_loop(node, at)?,
            "If" => Stmt::If(Box::new(self.condition(node, at)?)),
            "Macro" => self.macro_(node, at)?,
            "CallBlock" => self.call_block(node, at)?,
            "FilterBlock" => {
                let body = self.body(node, "body")?;
                let filter = node.getattr("filter")?;
                let Expr::Filter(filter) = self.expr(&filter)? else {
                    return Err(unexpected("a filter node", &filter));
                };
                Stmt::FilterBlock(Box::new(FilterBlock { at, body, filter }))
            }
            "With" => self.with(node, at)?,
            "Block" => Stmt::Block(Box::new(Block {
                at,
                name: self.symbol(node, "name")?,
                body: self.body(node, "body")?,
                scoped: flag(node, "scoped")?,
                required: flag(node, "required")?,
            })),
            "Include" | "Import" | "FromImport" => self.template(node, at)?,
            "ExprStmt" => Stmt::ExprStmt(Box::new(ExprStmt { at, node: self.field(node, "node")? })),
            "Assign" => {
                let target = self.target(&node.getattr("target")?, Ctx::Store)?;
                Stmt::Assign(Box::new(Assign { at, target, node: self.field(node, "node")? }))
            }
            "AssignBlock" => self.assign_block(node, at)?,
            "Continue" => Stmt::Continue(Continue { at }),
            "Break" => Stmt::Break(Break { at }),
            _ => self.scope(node, at)?,
        })
    }

    #[inline(never)]
    fn for_loop(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Stmt<'static>> {
        let target = self.target(&node.getattr("target")?, Ctx::Store)?;
        if matches!(target, Expr::NSRef(_)) {
            return Err(PyValueError::new_err("the target of a loop cannot be an attribute of a namespace"));
        }
        Ok(Stmt::For(Box::new(For {
            at,
            target,
            iter: self.field(node, "iter")?,
            body: self.body(node, "body")?,
            else_: self.maybe_body(node, "else_")?,
            test: self.maybe(node, "test")?,
            recursive: flag(node, "recursive")?,
        })))
    }

    /// The statements in a field that may be `None`.
    fn maybe_body(&mut self, node: Node<'_, '_>, field: &str) -> PyResult<Vec<Stmt<'static>>> {
        match optional(node, field)? {
            Some(_) => self.body(node, field),
            None => Ok(Vec::new()),
        }
    }

    #[inline(never)]
    fn condition(&mut self, node: Node<'_, '_>, at: At) -> PyResult<If<'static>> {
        let test = self.field(node, "test")?;
        let body = self.body(node, "body")?;
        let arm = |item: PyResult<Bound<'_, PyAny>>| {
            let item = item?;
            if class_of(&item)?.to_str()? != "If" {
                return Err(unexpected("a node of class If", &item));
            }
            let at = self.at(&item)?;
            let test = self.field(&item, "test")?;
            // As for Jinja2, an `elif` has no arms of its own.
            Ok(If { at, test, body: self.body(&item, "body")?, elif_: Vec::new(), else_: Vec::new() })
        };
        let elif_ = items(node, "elif_")?.map(arm).collect::<PyResult<_>>()?;
        Ok(If { at, test, body, elif_, else_: self.maybe_body(node, "else_")? })
    }

    /// Parameters and their defaults.
    fn signature(&mut self, node: Node<'_, '_>) -> PyResult<(Vec<Name>, Vec<Expr<'static>>)> {
        let args: Vec<Name> =
            items(node, "args")?.map(|item| self.target_name(&item?, Ctx::Param)).collect::<PyResult<_>>()?;
        let defaults = self.fields(node, "defaults")?;
        if defaults.len() > args.len() {
            return Err(PyValueError::new_err("a macro has more defaults than parameters"));
        }
        Ok((args, defaults))
    }

    #[inline(never)]
    fn macro_(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Stmt<'static>> {
        let name = self.symbol(node, "name")?;
        let (args, defaults) = self.signature(node)?;
        let body = self.body(node, "body")?;
        Ok(Stmt::Macro(Box::new(Macro { at, name, args, defaults, body })))
    }

    #[inline(never)]
    fn call_block(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Stmt<'static>> {
        let call = node.getattr("call")?;
        if class_of(&call)?.to_str()? != "Call" {
            return Err(unexpected("a node of class Call", &call));
        }
        let place = self.at(&call)?;
        let call = Box::new(self.call(&call, place)?);
        let (args, defaults) = self.signature(node)?;
        let body = self.body(node, "body")?;
        Ok(Stmt::CallBlock(Box::new(CallBlock { at, call, args, defaults, body })))
    }

    #[inline(never)]
    fn with(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Stmt<'static>> {
        let mut targets: Vec<Expr<'static>> =
            items(node, "targets")?.map(|item| self.target(&item?, Ctx::Param)).collect::<PyResult<_>>()?;
        let mut values = self.fields(node, "values")?;
        let pairs = targets.len().min(values.len());
        targets.truncate(pairs);
        values.truncate(pairs);
        Ok(Stmt::With(Box::new(With { at, targets, values, body: self.body(node, "body")? })))
    }

    /// A statement that names another template.
    #[inline(never)]
    fn template(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Stmt<'static>> {
        let template = self.field(node, "template")?;
        let with_context = flag(node, "with_context")?;
        Ok(match class_of(node)?.to_str()? {
            "Include" => {
                let ignore_missing = flag(node, "ignore_missing")?;
                Stmt::Include(Box::new(Include { at, template, with_context, ignore_missing }))
            }
            "Import" => {
                let target = self.symbol(node, "target")?;
                Stmt::Import(Box::new(Import { at, template, target, with_context }))
            }
            _ => {
                let name = |item: PyResult<Bound<'_, PyAny>>| {
                    let item = item?;
                    Ok(match item.cast::<PyTuple>() {
                        Ok(pair) => {
                            let (name, alias) = (pair.get_item(0)?, pair.get_item(1)?);
                            ImportName { at, name: self.named(&name)?, alias: Some(self.named(&alias)?) }
                        }
                        Err(_) => ImportName { at, name: self.named(&item)?, alias: None },
                    })
                };
                let names = items(node, "names")?.map(name).collect::<PyResult<_>>()?;
                Stmt::FromImport(Box::new(FromImport { at, template, names, with_context }))
            }
        })
    }

    #[inline(never)]
    fn assign_block(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Stmt<'static>> {
        let target = self.target(&node.getattr("target")?, Ctx::Store)?;
        let filter = match optional(node, "filter")? {
            None => None,
            Some(filter) => match self.expr(&filter)? {
                Expr::Filter(filter) => Some(filter),
                _ => return Err(unexpected("a filter node", &filter)),
            },
        };
        Ok(Stmt::AssignBlock(Box::new(AssignBlock { at, target, filter, body: self.body(node, "body")? })))
    }

    /// Scopes, and what changes the evaluation context.
    #[inline(never)]
    fn scope(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Stmt<'static>> {
        Ok(match class_of(node)?.to_str()? {
            "Scope" => Stmt::Scope(Box::new(Scope { at, body: self.body(node, "body")? })),
            "OverlayScope" => {
                let context = self.field(node, "context")?;
                Stmt::OverlayScope(Box::new(OverlayScope { at, context, body: self.body(node, "body")? }))
            }
            "EvalContextModifier" => {
                let options = self.keywords(node, "options")?;
                Stmt::EvalContextModifier(Box::new(EvalContextModifier { at, options }))
            }
            "ScopedEvalContextModifier" => {
                let options = self.keywords(node, "options")?;
                let body = self.body(node, "body")?;
                Stmt::ScopedEvalContextModifier(Box::new(ScopedEvalContextModifier { at, options, body }))
            }
            _ => return Err(unexpected("a statement node", node)),
        })
    }
}
