//! The values of `nodes.Const`: what has a literal is one, anything else is an object of the tree.

use std::borrow::Cow;

use haiden_syntax::ast::{
    At, Const, Constant, Ctx, Dict, Expr, List, MarkSafeIfAutoescape, Pair, TemplateData, Tuple,
};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::{Node, Tree, text};
use crate::register::Obj;

impl Tree {
    /// A constant, which is made anew each time if it is a list or a dict.
    pub(super) fn constant(&mut self, value: Node<'_, '_>, at: At) -> PyResult<Expr<'static>> {
        if let Ok(items) = value.cast_exact::<PyTuple>() {
            let items = self.deeper(|tree| items.iter().map(|item| tree.constant(&item, at)).collect())?;
            return Ok(Expr::Tuple(Box::new(Tuple { at, items, ctx: Ctx::Load })));
        }
        if let Ok(items) = value.cast_exact::<PyList>() {
            let items = self.deeper(|tree| items.iter().map(|item| tree.constant(&item, at)).collect())?;
            return Ok(Expr::List(Box::new(List { at, items })));
        }
        if let Ok(dict) = value.cast_exact::<PyDict>() {
            let items = self.deeper(|tree| {
                let pair = |(key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
                    Ok(Pair { at, key: tree.constant(&key, at)?, value: tree.constant(&value, at)? })
                };
                dict.iter().map(pair).collect::<PyResult<_>>()
            })?;
            return Ok(Expr::Dict(Box::new(Dict { at, items })));
        }
        let value = match scalar(value) {
            Some(constant) => constant,
            None => self.object(value),
        };
        Ok(Expr::Const(Box::new(Const { at, value })))
    }

    /// An object of the tree, by number.
    fn object(&mut self, object: Node<'_, '_>) -> Constant<'static> {
        let known = self.objects.iter().position(|known| known.as_ptr() == object.as_ptr());
        let number = known.unwrap_or_else(|| {
            self.objects.push(Obj::of(object));
            self.objects.len() - 1
        });
        Constant::Object(number as u32)
    }

    /// Text of the template. Lone surrogates make it an object that is marked safe.
    pub(super) fn template_data(&mut self, node: Node<'_, '_>, at: At) -> PyResult<Expr<'static>> {
        let data = node.getattr("data")?;
        let data = text(&data)?;
        Ok(match data.to_str() {
            Ok(data) => Expr::TemplateData(TemplateData { at, data: self.texts.push(data.to_owned()) }),
            Err(_) => {
                let expr = Expr::Const(Box::new(Const { at, value: self.object(data) }));
                Expr::MarkSafeIfAutoescape(Box::new(MarkSafeIfAutoescape { at, expr }))
            }
        })
    }
}

/// The literal of a value that has one.
fn scalar(value: Node<'_, '_>) -> Option<Constant<'static>> {
    if value.is_none() {
        return Some(Constant::None);
    }
    if let Ok(value) = value.cast_exact::<PyBool>() {
        return Some(Constant::Bool(value.is_true()));
    }
    if let Ok(value) = value.cast_exact::<PyFloat>() {
        return Some(Constant::Float(value.value()));
    }
    if let Ok(value) = value.cast_exact::<PyString>() {
        return value.to_str().ok().map(|text| Constant::Str(Cow::Owned(text.to_owned())));
    }
    let value = value.cast_exact::<PyInt>().ok()?;
    if let Ok(value) = value.extract::<i64>() {
        return Some(Constant::Int(value));
    }
    // Python refuses to print the largest ones; those stay objects.
    let digits = value.str().ok()?;
    Some(Constant::BigInt(Box::new(digits.to_str().ok()?.parse().ok()?)))
}
