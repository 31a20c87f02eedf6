//! Walks expressions, for whoever looks for names in them.

use haiden_syntax::ast::{Arguments, Expr, NSRef, Name};

/// What looks at names.
pub(super) trait Visit {
    /// A variable.
    fn name(&mut self, name: &Name);
    /// A namespace that is assigned to.
    fn namespace(&mut self, name: &NSRef);
    /// A place where all local variables are read.
    fn locals(&mut self) {}
}

/// Visits the names of an expression, in Jinja2's order of fields. Its depth is that of the tree.
pub(super) fn walk<V: Visit>(visit: &mut V, expr: &Expr<'_>) {
    match expr {
        Expr::Name(node) => visit.name(node),
        Expr::NSRef(node) => visit.namespace(node),
        Expr::Tuple(node) => walk_all(visit, &node.items),
        Expr::List(node) => walk_all(visit, &node.items),
        Expr::Dict(node) => {
            for pair in &node.items {
                walk(visit, &pair.key);
                walk(visit, &pair.value);
            }
        }
        Expr::CondExpr(node) => {
            walk(visit, &node.test);
            walk(visit, &node.expr1);
            walk_maybe(visit, node.expr2.as_ref());
        }
        Expr::Filter(node) => {
            walk_maybe(visit, node.node.as_ref());
            walk_arguments(visit, &node.arguments);
        }
        Expr::Test(node) => {
            walk(visit, &node.node);
            walk_arguments(visit, &node.arguments);
        }
        Expr::Call(node) => {
            walk(visit, &node.node);
            walk_arguments(visit, &node.arguments);
        }
        Expr::Getitem(node) => {
            walk(visit, &node.node);
            walk(visit, &node.arg);
        }
        Expr::Getattr(node) => walk(visit, &node.node),
        Expr::Slice(node) => {
            walk_maybe(visit, node.start.as_ref());
            walk_maybe(visit, node.stop.as_ref());
            walk_maybe(visit, node.step.as_ref());
        }
        Expr::Concat(node) => walk_all(visit, &node.nodes),
        Expr::Compare(node) => {
            walk(visit, &node.expr);
            for operand in &node.ops {
                walk(visit, &operand.expr);
            }
        }
        Expr::Binary(node) => {
            walk(visit, &node.left);
            walk(visit, &node.right);
        }
        Expr::Unary(node) => walk(visit, &node.node),
        Expr::MarkSafe(node) => walk(visit, &node.expr),
        Expr::MarkSafeIfAutoescape(node) => walk(visit, &node.expr),
        Expr::DerivedContextReference(_) => visit.locals(),
        Expr::Const(_)
        | Expr::TemplateData(_)
        | Expr::EnvironmentAttribute(_)
        | Expr::ExtensionAttribute(_)
        | Expr::ImportedName(_)
        | Expr::InternalName(_)
        | Expr::ContextReference(_) => {}
    }
}

pub(super) fn walk_all<V: Visit>(visit: &mut V, list: &[Expr<'_>]) {
    for expr in list {
        walk(visit, expr);
    }
}

pub(super) fn walk_maybe<V: Visit>(visit: &mut V, expr: Option<&Expr<'_>>) {
    if let Some(expr) = expr {
        walk(visit, expr);
    }
}

pub(super) fn walk_arguments<V: Visit>(visit: &mut V, arguments: &Arguments<'_>) {
    walk_all(visit, &arguments.args);
    for keyword in &arguments.kwargs {
        walk(visit, &keyword.value);
    }
    walk_maybe(visit, arguments.dyn_args.as_ref());
    walk_maybe(visit, arguments.dyn_kwargs.as_ref());
}
