//! Trees of `haiden.nodes` become trees of the compiler: what extensions, subclasses of the parser and user code make.
//!
//! In: a `nodes.Template`. Out: an [`Ast`], and the objects that its constants refer to by number. A node is known by the
//! name of its class, as for Jinja2's visitors. Invariants: what comes out obeys the rules of the compiler's own parser
//! (depth, the kinds of targets, no more defaults than parameters), whatever goes in: a tree that breaks them, is endless
//! or has fields of other types is a Python exception.

mod constants;
mod expressions;
mod statements;

use haiden_syntax::ast::{Ast, At, Stmt, Symbol, Symbols, Texts};
use haiden_syntax::{MAX_NESTING, MAX_TREE_DEPTH};
use pyo3::exceptions::{PyRecursionError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::register::Obj;

/// The most nodes of a tree. Nodes that stand in several places count as often.
const MAX_NODES: u32 = 20_000_000;
/// What the names of variables begin with that no template can name.
const INTERNAL: char = '\0';

/// A node, or the value of a field.
type Node<'a, 'py> = &'a Bound<'py, PyAny>;

/// A tree while it is converted.
#[derive(Default)]
struct Tree {
    symbols: Symbols,
    texts: Texts<'static>,
    objects: Vec<Obj>,
    nodes: u32,
    /// How deep the statement, and the expression in it, that is converted lie.
    statements: u32,
    expressions: u32,
}

/// The compiler's tree of a `nodes.Template`, and the objects that it refers to.
pub(crate) fn convert(template: Node<'_, '_>) -> PyResult<(Ast<'static>, Vec<Obj>)> {
    let class = class_of(template)?;
    if class.to_str()? != "Template" {
        return Err(PyTypeError::new_err("Can't compile non template nodes"));
    }
    let mut tree = Tree::default();
    let body = tree.body(template, "body")?;
    Ok((Ast { body, symbols: tree.symbols, texts: tree.texts }, tree.objects))
}

impl Tree {
    /// Where a node stands: its line, and a number that says which node comes first.
    fn at(&mut self, node: Node<'_, '_>) -> PyResult<At> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(PyValueError::new_err("the tree has too many nodes"));
        }
        let line = match node.getattr_opt("lineno")? {
            Some(line) if !line.is_none() => u32::try_from(line.extract::<i64>()?).unwrap_or(0),
            _ => 0,
        };
        Ok(At { line, offset: self.nodes })
    }

    /// One level deeper into expressions.
    fn deeper<T>(&mut self, work: impl FnOnce(&mut Tree) -> PyResult<T>) -> PyResult<T> {
        if self.expressions >= MAX_TREE_DEPTH {
            return Err(too_deep());
        }
        self.expressions += 1;
        let result = work(self);
        self.expressions -= 1;
        result
    }

    /// The statements in a field.
    fn body(&mut self, node: Node<'_, '_>, field: &str) -> PyResult<Vec<Stmt<'static>>> {
        if self.statements > MAX_NESTING {
            return Err(too_deep());
        }
        self.statements += 1;
        let statements = items(node, field)?.map(|item| self.statement(&item?)).collect();
        self.statements -= 1;
        statements
    }

    /// The name in a field.
    fn symbol(&mut self, node: Node<'_, '_>, field: &str) -> PyResult<Symbol> {
        let name = node.getattr(field)?;
        self.named(&name)
    }

    fn named(&mut self, name: Node<'_, '_>) -> PyResult<Symbol> {
        Ok(self.symbols.intern(text(name)?.to_str()?))
    }
}

#[cold]
fn too_deep() -> PyErr {
    PyRecursionError::new_err("the tree is nested too deeply")
}

/// The name of a node's class.
fn class_of<'py>(node: Node<'_, 'py>) -> PyResult<Bound<'py, PyString>> {
    node.get_type().name()
}

/// The error for something that is no node, or none that can stand there.
#[cold]
fn unexpected(what: &str, found: Node<'_, '_>) -> PyErr {
    match found.get_type().name() {
        Ok(class) => PyTypeError::new_err(format!("{what} expected, got '{class}'")),
        Err(error) => error,
    }
}

fn text<'a, 'py>(value: Node<'a, 'py>) -> PyResult<&'a Bound<'py, PyString>> {
    value.cast::<PyString>().map_err(|_| unexpected("a string", value))
}

/// The truth of a field.
fn flag(node: Node<'_, '_>, field: &str) -> PyResult<bool> {
    node.getattr(field)?.is_truthy()
}

/// The items of a field that holds several; they are read as they are asked for.
fn items<'py>(
    node: Node<'_, 'py>,
    field: &str,
) -> PyResult<impl Iterator<Item = PyResult<Bound<'py, PyAny>>> + use<'py>> {
    node.getattr(field)?.try_iter()
}

/// A field, unless it is `None`.
fn optional<'py>(node: Node<'_, 'py>, field: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let value = node.getattr(field)?;
    Ok(if value.is_none() { None } else { Some(value) })
}
