//! Operators: floats and small integers at once, everything else as CPython does it.

use haiden_runtime::{BinaryOp, CompareOp, Host, UnaryOp};
use pyo3::ffi;

use crate::attr_cache::Name;
use crate::host::PyHost;
use crate::objects::{self, Result, Text};
use crate::register::{Obj, Register, View};
use crate::scope::Context;

impl PyHost {
    /// `left op right`.
    pub(crate) fn operate(&self, op: BinaryOp, left: &Register, right: &Register) -> Result<Register> {
        let (left_register, right_register) = (left, right);
        if op == BinaryOp::Add
            && self.fast
            && let Some(text) = added_texts(left, right)?
        {
            return Ok(Register::object(text));
        }
        if self.fast
            && let (Some(left), Some(right)) = (exact_double(left), exact_double(right))
        {
            // Two integers come here for division, or because the result is too large for a word.
            let integers = left_register.small().is_some() && right_register.small().is_some();
            let value = match op {
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul if integers => None,
                BinaryOp::Add => Some(left + right),
                BinaryOp::Sub => Some(left - right),
                BinaryOp::Mul => Some(left * right),
                BinaryOp::Div if right != 0.0 => Some(left / right),
                _ => None,
            };
            if let Some(value) = value {
                return objects::float(value).map(Register::object);
            }
        }
        let (left, right) = (self.object(left)?, self.object(right)?);
        let operator = match op {
            BinaryOp::Add => objects::add,
            BinaryOp::Sub => objects::subtract,
            BinaryOp::Mul => objects::multiply,
            BinaryOp::Div => objects::divide,
            BinaryOp::FloorDiv => objects::floor_divide,
            BinaryOp::Mod => objects::remainder,
            BinaryOp::Pow => objects::power,
        };
        operator(&left, &right).map(Register::object)
    }

    /// `left op right` in a sandbox that intercepts operators: this one, or others.
    pub(crate) fn operate_by_hook(
        &mut self,
        context: &Context,
        op: BinaryOp,
        left: &Register,
        right: &Register,
    ) -> Result<Register> {
        let symbol = objects::intern(op.symbol())?;
        if !self.intercepts(&self.types.intercepted_binops, &symbol)? {
            return self.binary(op, left, right);
        }
        let arguments = [self.context_of(context)?, symbol, self.object(left)?, self.object(right)?];
        self.ask(&self.types.call_binop, &arguments).map(Register::object)
    }

    /// `op value`, likewise.
    pub(crate) fn operate_on_one_by_hook(
        &mut self,
        context: &Context,
        op: UnaryOp,
        value: &Register,
    ) -> Result<Register> {
        let symbol = objects::intern(op.symbol())?;
        if !self.intercepts(&self.types.intercepted_unops, &symbol)? {
            return self.unary(op, value);
        }
        let arguments = [self.context_of(context)?, symbol, self.object(value)?];
        self.ask(&self.types.call_unop, &arguments).map(Register::object)
    }

    fn intercepts(&self, operators: &Name, symbol: &Obj) -> Result<bool> {
        let operators = objects::get_attr(&self.settings().environment, &operators.object)?;
        objects::contains(&operators, symbol)
    }

    /// Whether two exact texts are equal; `None` if it is not that what is asked.
    #[inline]
    pub(crate) fn texts_are_equal(
        &self,
        op: CompareOp,
        left: &Register,
        right: &Register,
    ) -> Result<Option<bool>> {
        if !self.fast || !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return Ok(None);
        }
        let (Some(left), Some(right)) = (left.as_object(), right.as_object()) else { return Ok(None) };
        if !objects::is_str(left) || !objects::is_str(right) {
            return Ok(None);
        }
        let equal = left.is(right) || objects::same_text(left, right)?;
        Ok(Some(equal == (op == CompareOp::Eq)))
    }

    /// `left op right` of a comparison.
    #[expect(clippy::float_cmp, reason = "Python's own comparison")]
    pub(crate) fn order(&self, op: CompareOp, left: &Register, right: &Register) -> Result<Register> {
        if let Some(holds) = self.texts_are_equal(op, left, right)? {
            return Ok(Register::boolean(holds));
        }
        if self.fast
            && let (Some(left), Some(right)) = (exact_double(left), exact_double(right))
        {
            let holds = match op {
                CompareOp::Eq => Some(left == right),
                CompareOp::Ne => Some(left != right),
                CompareOp::Lt => Some(left < right),
                CompareOp::Le => Some(left <= right),
                CompareOp::Gt => Some(left > right),
                CompareOp::Ge => Some(left >= right),
                CompareOp::In | CompareOp::NotIn => None,
            };
            if let Some(holds) = holds {
                return Ok(Register::boolean(holds));
            }
        }
        let (left, right) = (self.object(left)?, self.object(right)?);
        let op = match op {
            CompareOp::Eq => ffi::Py_EQ,
            CompareOp::Ne => ffi::Py_NE,
            CompareOp::Lt => ffi::Py_LT,
            CompareOp::Le => ffi::Py_LE,
            CompareOp::Gt => ffi::Py_GT,
            CompareOp::Ge => ffi::Py_GE,
            CompareOp::In => return objects::contains(&right, &left).map(Register::boolean),
            CompareOp::NotIn => {
                return objects::contains(&right, &left).map(|found| Register::boolean(!found));
            }
        };
        objects::compare(op, &left, &right).map(Register::object)
    }
}

/// `left + right` of two exact texts, both ASCII, of which neither is empty.
fn added_texts(left: &Register, right: &Register) -> Result<Option<Obj>> {
    let (Some(left), Some(right)) = (left.as_object(), right.as_object()) else { return Ok(None) };
    if !objects::is_str(left) || !objects::is_str(right) {
        return Ok(None);
    }
    match (objects::characters(left)?, objects::characters(right)?) {
        // Of an empty one and another, Python returns the other itself.
        (Text::Ascii(left), Text::Ascii(right)) if !left.is_empty() && !right.is_empty() => {
            objects::text_of_two(left, right).map(Some)
        }
        _ => Ok(None),
    }
}

/// The value of an exact float, or of an integer that a float holds exactly.
fn exact_double(register: &Register) -> Option<f64> {
    const LIMIT: i64 = 1 << 53;
    match register.view() {
        View::Object(object) if objects::is_float(object) => Some(objects::float_value(object)),
        View::Int(value) if (-LIMIT..=LIMIT).contains(&value) => Some(value as f64),
        _ => None,
    }
}

/// Texts, joined by `~`.
impl PyHost {
    /// Is it a `str`, or something else that has no class of the user's?
    pub(crate) fn is_plain_text(value: &Register) -> bool {
        value.as_object().is_none_or(|object| {
            objects::is_str(object) || objects::is_int(object) || objects::is_float(object)
        })
    }

    /// Joins values, of which some may be markup; then the result is, too, and the others are escaped.
    pub(crate) fn markup_join(&self, values: &[Register]) -> Result<Register> {
        let mut texts = Vec::with_capacity(values.len());
        let mut safe = false;
        for value in values {
            // What is no text becomes one first: whether it has an `__html__` does not matter.
            let text = match value.as_object() {
                Some(object) if !objects::is_text(object) => Register::object(objects::str_of(object)?),
                _ => value.clone(),
            };
            safe = safe || self.has_html(&text)?;
            texts.push(text);
        }
        self.build(safe, |host, out| {
            texts.iter().try_for_each(|text| match text.as_object() {
                // Python joins the characters of subclasses, whatever their `__str__` says.
                Some(text) if !safe && objects::is_text(text) => {
                    out.push_text(objects::characters(text)?, false);
                    Ok(())
                }
                _ => host.print(out, text, safe),
            })
        })
    }
}
