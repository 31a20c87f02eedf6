//! Expressions.

use haiden_syntax::ast::{
    Arguments, At, Binary, BinaryOp, Call, Compare, CompareOp, Concat, CondExpr, ContextReference, Ctx,
    DerivedContextReference, Dict, EnvironmentAttribute, Expr, ExtensionAttribute, Filter, Getattr, Getitem,
    ImportedName, Keyword, List, MarkSafe, MarkSafeIfAutoescape, NSRef, Name, Operand, Pair, Slice, Symbol,
    Test, Tuple, Unary, UnaryOp,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::{INTERNAL, Node, Tree, class_of, items, optional, text, unexpected};

impl Tree {
    /// The expression in a field.
    pub(super) fn field(&mut self, node: Node<'_, '_>, field: &str) -> PyResult<Expr<'static>> {
        let value = node.getattr(field)?;
        self.expr(&value)
    }

    /// The expression in a field, if there is one.
    pub(super) fn maybe(&mut self, node: Node<'_, '_>, field: &str) -> PyResult<Option<Expr<'static>>> {
        optional(node, field)?.map(|value| self.expr(&value)).transpose()
    }

    /// The expressions in a field.
    pub(super) fn fields(&mut self, node: Node<'_, '_>, field: &str) -> PyResult<Vec<Expr<'static>>> {
        items(node, field)?.map(|item| self.expr(&item?)).collect()
    }

    /// An expression. It recurses as deep as the tree, so it only chooses; the work is elsewhere.
    pub(super) fn expr(&mut self, node: Node<'_, '_>) -> PyResult<Expr<'static>> {
        let class = class_of(node)?;
        let class = class.to_str()?;
        let at = self.at(node)?;
        self.deeper(|tree| {
            if let Some(op) = binary_op(class) {
                return tree.binary(node, op, at);
            }
            match class {
                "Name" => tree.name(node, at),
                "Const" => tree.constant(&node.getattr("value")?, at),
                "TemplateData" => tree.template_data(node, at),
                "Getattr" => tree.attr(node, at),
                "Getitem" => tree.item(node, at),
                "Call" => Ok(Expr::Call(Box::new(tree.call(node, at)?))),
                "Filter" => Ok(Expr::Filter(Box::new(tree.filter(node, at)?))),
                "Test" => tree.test(node, at),
                "Not" => tree.unary(node, UnaryOp::Not, at),
                "Neg" => tree.unary(node, UnaryOp::Neg, at),
                "Pos" => tree.unary(node, UnaryOp::Pos, at),
                "Compare" => tree.compare(node, at),
                "CondExpr" => tree.conditional(node, at),
                "Tuple" | "List" | "Concat" | "Dict" => tree.several(node, class, at),
                _ => tree.rare(node, class, at),
            }
        })
    }

    #[inline(never)]
    fn name(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Expr<'static>> {
        let ctx = match text(&node.getattr("ctx")?)?.to_str()? {
            "load" => Ctx::Load,
            "store" => Ctx::Store,
            "param" => Ctx::Param,
            other => return Err(PyValueError::new_err(format!("a name with the unknown ctx '{other}'"))),
        };
        Ok(Expr::Name(Name { at, name: self.symbol(node, "name")?, ctx }))
    }

    #[inline(never)]
    fn attr(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Expr<'static>> {
        let object = self.field(node, "node")?;
        let attr = self.symbol(node, "attr")?;
        Ok(Expr::Getattr(Box::new(Getattr { at, node: object, attr, ctx: Ctx::Load })))
    }

    #[inline(never)]
    fn item(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Expr<'static>> {
        let object = self.field(node, "node")?;
        let arg = self.field(node, "arg")?;
        Ok(Expr::Getitem(Box::new(Getitem { at, node: object, arg, ctx: Ctx::Load })))
    }

    #[inline(never)]
    pub(super) fn call(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Call<'static>> {
        let callee = self.field(node, "node")?;
        Ok(Call { at, node: callee, arguments: self.arguments(node)? })
    }

    #[inline(never)]
    pub(super) fn filter(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Filter<'static>> {
        let value = self.maybe(node, "node")?;
        let name = self.symbol(node, "name")?;
        Ok(Filter { at, node: value, name, arguments: self.arguments(node)? })
    }

    #[inline(never)]
    fn test(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Expr<'static>> {
        let value = self.field(node, "node")?;
        let name = self.symbol(node, "name")?;
        let arguments = self.arguments(node)?;
        Ok(Expr::Test(Box::new(Test { at, node: value, name, arguments })))
    }

    #[inline(never)]
    fn arguments(&mut self, node: Node<'_, '_>) -> PyResult<Arguments<'static>> {
        Ok(Arguments {
            args: self.fields(node, "args")?,
            kwargs: self.keywords(node, "kwargs")?,
            dyn_args: self.maybe(node, "dyn_args")?,
            dyn_kwargs: self.maybe(node, "dyn_kwargs")?,
        })
    }

    /// `Keyword`s; a `Pair` with a constant key does as well.
    pub(super) fn keywords(&mut self, node: Node<'_, '_>, field: &str) -> PyResult<Vec<Keyword<'static>>> {
        let keyword = |item: PyResult<Bound<'_, PyAny>>| {
            let item = item?;
            let key = item.getattr("key")?;
            let key = if class_of(&key)?.to_str()? == "Const" { key.getattr("value")? } else { key };
            let at = self.at(&item)?;
            Ok(Keyword { at, key: self.named(&key)?, value: self.field(&item, "value")? })
        };
        items(node, field)?.map(keyword).collect()
    }

    #[inline(never)]
    fn unary(&mut self, node: Node<'_, '_>, op: UnaryOp, at: At) -> PyResult<Expr<'static>> {
        Ok(Expr::Unary(Box::new(Unary { at, op, node: self.field(node, "node")? })))
    }

    #[inline(never)]
    fn binary(&mut self, node: Node<'_, '_>, op: BinaryOp, at: At) -> PyResult<Expr<'static>> {
        let left = self.field(node, "left")?;
        let right = self.field(node, "right")?;
        Ok(Expr::Binary(Box::new(Binary { at, op, left, right })))
    }

    #[inline(never)]
    fn compare(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Expr<'static>> {
        let expr = self.field(node, "expr")?;
        let operand = |item: PyResult<Bound<'_, PyAny>>| {
            let item = item?;
            let op = compare_op(text(&item.getattr("op")?)?.to_str()?)?;
            Ok(Operand { at: self.at(&item)?, op, expr: self.field(&item, "expr")? })
        };
        let ops: Vec<Operand<'static>> = items(node, "ops")?.map(operand).collect::<PyResult<_>>()?;
        if ops.is_empty() {
            return Ok(expr);
        }
        Ok(Expr::Compare(Box::new(Compare { at, expr, ops })))
    }

    #[inline(never)]
    fn conditional(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Expr<'static>> {
        let test = self.field(node, "test")?;
        let expr1 = self.field(node, "expr1")?;
        let expr2 = self.maybe(node, "expr2")?;
        Ok(Expr::CondExpr(Box::new(CondExpr { at, test, expr1, expr2 })))
    }

    /// What has a list of expressions.
    #[inline(never)]
    fn several(&mut self, node: Node<'_, '_>, class: &str, at: At) -> PyResult<Expr<'static>> {
        Ok(match class {
            "Tuple" => {
                let items = self.fields(node, "items")?;
                Expr::Tuple(Box::new(Tuple { at, items, ctx: Ctx::Load }))
            }
            "List" => Expr::List(Box::new(List { at, items: self.fields(node, "items")? })),
            "Concat" => Expr::Concat(Box::new(Concat { at, nodes: self.fields(node, "nodes")? })),
            _ => {
                let pair = |item: PyResult<Bound<'_, PyAny>>| {
                    let item = item?;
                    let at = self.at(&item)?;
                    Ok(Pair { at, key: self.field(&item, "key")?, value: self.field(&item, "value")? })
                };
                let items = items(node, "items")?.map(pair).collect::<PyResult<_>>()?;
                Expr::Dict(Box::new(Dict { at, items }))
            }
        })
    }

    /// What only extensions make, or what stands in few places.
    #[inline(never)]
    fn rare(&mut self, node: Node<'_, '_>, class: &str, at: At) -> PyResult<Expr<'static>> {
        Ok(match class {
            "NSRef" => {
                let (name, attr) = (self.symbol(node, "name")?, self.symbol(node, "attr")?);
                Expr::NSRef(Box::new(NSRef { at, name, attr }))
            }
            "Slice" => {
                let start = self.maybe(node, "start")?;
                let stop = self.maybe(node, "stop")?;
                let step = self.maybe(node, "step")?;
                Expr::Slice(Box::new(Slice { at, start, stop, step }))
            }
            "InternalName" => Expr::Name(Name { at, name: self.internal(node)?, ctx: Ctx::Load }),
            "EnvironmentAttribute" => {
                let name = self.symbol(node, "name")?;
                Expr::EnvironmentAttribute(Box::new(EnvironmentAttribute { at, name }))
            }
            "ExtensionAttribute" => {
                let (identifier, name) = (self.symbol(node, "identifier")?, self.symbol(node, "name")?);
                Expr::ExtensionAttribute(Box::new(ExtensionAttribute { at, identifier, name }))
            }
            "ImportedName" => {
                let importname = self.symbol(node, "importname")?;
                Expr::ImportedName(Box::new(ImportedName { at, importname }))
            }
            "MarkSafe" => Expr::MarkSafe(Box::new(MarkSafe { at, expr: self.field(node, "expr")? })),
            "MarkSafeIfAutoescape" => {
                let expr = self.field(node, "expr")?;
                Expr::MarkSafeIfAutoescape(Box::new(MarkSafeIfAutoescape { at, expr }))
            }
            "ContextReference" => Expr::ContextReference(ContextReference { at }),
            "DerivedContextReference" => Expr::DerivedContextReference(DerivedContextReference { at }),
            _ => return Err(unexpected("an expression node", node)),
        })
    }

    /// The name of an `InternalName`, as no template can spell it.
    fn internal(&mut self, node: Node<'_, '_>) -> PyResult<Symbol> {
        let name = node.getattr("name")?;
        let name = format!("{INTERNAL}{}", text(&name)?.to_str()?);
        Ok(self.symbols.intern(&name))
    }

    /// What something is bound to. Its `ctx` is what it has to be there, whatever the node says.
    pub(super) fn target(&mut self, node: Node<'_, '_>, ctx: Ctx) -> PyResult<Expr<'static>> {
        let class = class_of(node)?;
        let class = class.to_str()?;
        match class {
            "Name" | "InternalName" => Ok(Expr::Name(self.target_name(node, ctx)?)),
            "Tuple" | "List" => {
                let at = self.at(node)?;
                let items = self.deeper(|tree| {
                    items(node, "items")?.map(|item| tree.target(&item?, ctx)).collect::<PyResult<_>>()
                })?;
                Ok(Expr::Tuple(Box::new(Tuple { at, items, ctx })))
            }
            "NSRef" if ctx == Ctx::Store => self.expr(node),
            _ => Err(unexpected("a target", node)),
        }
    }

    /// A target that is a name.
    pub(super) fn target_name(&mut self, node: Node<'_, '_>, ctx: Ctx) -> PyResult<Name> {
        let at = self.at(node)?;
        let name = match class_of(node)?.to_str()? {
            "Name" => self.symbol(node, "name")?,
            "InternalName" => self.internal(node)?,
            _ => return Err(unexpected("a name", node)),
        };
        Ok(Name { at, name, ctx })
    }
}

fn binary_op(class: &str) -> Option<BinaryOp> {
    Some(match class {
        "Add" => BinaryOp::Add,
        "Sub" => BinaryOp::Sub,
        "Mul" => BinaryOp::Mul,
        "Div" => BinaryOp::Div,
        "FloorDiv" => BinaryOp::FloorDiv,
        "Mod" => BinaryOp::Mod,
        "Pow" => BinaryOp::Pow,
        "And" => BinaryOp::And,
        "Or" => BinaryOp::Or,
        _ => return None,
    })
}

fn compare_op(op: &str) -> PyResult<CompareOp> {
    Ok(match op {
        "eq" => CompareOp::Eq,
        "ne" => CompareOp::Ne,
        "gt" => CompareOp::Gt,
        "gteq" => CompareOp::GtEq,
        "lt" => CompareOp::Lt,
        "lteq" => CompareOp::LtEq,
        "in" => CompareOp::In,
        "notin" => CompareOp::NotIn,
        other => return Err(PyValueError::new_err(format!("unknown operator '{other}'"))),
    })
}
