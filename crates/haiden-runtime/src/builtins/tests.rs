//! The tests.

use super::host::{BuiltinHost, ValueKind};
use super::spec::Bound;
use crate::host::{BinaryOp, CompareOp};

/// Tests of the value alone.
macro_rules! plain {
    ($($name:ident: |$host:ident, $value:ident| $holds:expr;)*) => {$(
        pub(super) fn $name<H: BuiltinHost>(
            $host: &mut H,
            _context: &H::Context,
            $value: &H::Register,
            _bound: &Bound<H>,
        ) -> Result<bool, H::Error> {
            $holds
        }
    )*};
}

/// Tests that look only at what the value is.
macro_rules! kinds {
    ($($name:ident: |$host:ident, $value:ident| $holds:expr;)*) => {
        plain! {$(
            $name: |$host, $value| Ok($holds);
        )*}
    };
}

kinds! {
    boolean: |host, value| host.kind(value) == ValueKind::Bool;
    callable: |host, value| host.is_callable(value);
    defined: |host, value| !host.is_undefined(value);
    escaped: |host, value| host.has_html(value);
    float: |host, value| host.kind(value) == ValueKind::Float;
    integer: |host, value| host.kind(value) == ValueKind::Int;
    mapping: |host, value| host.kind(value) == ValueKind::Mapping;
    none: |host, value| host.kind(value) == ValueKind::None;
    number: |host, value| matches!(
        host.kind(value),
        ValueKind::Bool | ValueKind::Int | ValueKind::Float | ValueKind::OtherNumber
    );
    string: |host, value| host.kind(value) == ValueKind::Text;
    undefined: |host, value| host.is_undefined(value);
}

plain! {
    even: |host, value| remainder(host, value, 0);
    is_false: |host, value| Ok(host.kind(value) == ValueKind::Bool && !host.truth(value)?);
    is_true: |host, value| Ok(host.kind(value) == ValueKind::Bool && host.truth(value)?);
    iterable: |host, value| host.is_iterable(value);
    odd: |host, value| remainder(host, value, 1);
    sequence: |host, value| host.is_sequence(value);
}

/// `value % 2 == wanted`.
fn remainder<H: BuiltinHost>(host: &mut H, value: &H::Register, wanted: i64) -> Result<bool, H::Error> {
    let two = host.integer(2);
    let remainder = host.binary(BinaryOp::Mod, value, &two)?;
    let wanted = host.integer(wanted);
    host.compare_truth(CompareOp::Eq, &remainder, &wanted)
}

pub(super) fn divisibleby<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<bool, H::Error> {
    let remainder = host.binary(BinaryOp::Mod, value, &bound.required(0))?;
    let zero = host.integer(0);
    host.compare_truth(CompareOp::Eq, &remainder, &zero)
}

pub(super) fn filter<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<bool, H::Error> {
    host.unique(std::slice::from_ref(value))?;
    let name = host.text(value).map(str::to_owned);
    Ok(name.is_some_and(|name| host.named_filter(&name).is_some()))
}

pub(super) fn test<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<bool, H::Error> {
    host.unique(std::slice::from_ref(value))?;
    let name = host.text(value).map(str::to_owned);
    Ok(name.is_some_and(|name| host.named_test(&name).is_some()))
}

pub(super) fn lower<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<bool, H::Error> {
    text_method(host, context, value, "islower")
}

pub(super) fn upper<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    _bound: &Bound<H>,
) -> Result<bool, H::Error> {
    text_method(host, context, value, "isupper")
}

fn text_method<H: BuiltinHost>(
    host: &mut H,
    context: &H::Context,
    value: &H::Register,
    name: &'static str,
) -> Result<bool, H::Error> {
    let text = host.plain_str(value)?;
    let holds = host.method(context, &text, name, &[])?;
    host.truth(&holds)
}

/// Tests that compare the value with another one.
macro_rules! comparisons {
    ($($name:ident: $op:ident;)*) => {$(
        pub(super) fn $name<H: BuiltinHost>(
            host: &mut H,
            _context: &H::Context,
            value: &H::Register,
            bound: &Bound<H>,
        ) -> Result<bool, H::Error> {
            host.compare_truth(CompareOp::$op, value, &bound.required(0))
        }
    )*};
}

comparisons! {
    eq: Eq;
    ne: Ne;
    lt: Lt;
    le: Le;
    gt: Gt;
    ge: Ge;
    contained: In;
}

#[expect(clippy::unnecessary_wraps, reason = "all tests have one signature")]
pub(super) fn sameas<H: BuiltinHost>(
    host: &mut H,
    _context: &H::Context,
    value: &H::Register,
    bound: &Bound<H>,
) -> Result<bool, H::Error> {
    let other = bound.required(0);
    let same = host.is_identical(value, &other);
    Ok(same)
}
