//! The tests that need no Python function: a handful, until the builtins that all hosts share reach this one.

use haiden_runtime::{Arguments, CompareOp, Host};

use crate::filters::bind;
use crate::host::PyHost;
use crate::objects::{self, Class, Result};
use crate::register::{Obj, Register, View};

/// What a test was linked to.
pub(crate) enum Test {
    /// A function of the environment.
    Python(Obj),
    /// One of ours.
    Native(NativeTest),
}

/// A test of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NativeTest {
    Boolean,
    Callable,
    Compare(CompareOp),
    Defined,
    DivisibleBy,
    Even,
    False,
    In,
    Iterable,
    None,
    Odd,
    SameAs,
    String,
    True,
    Undefined,
}

impl NativeTest {
    /// The test of this name.
    pub(crate) fn named(name: &str) -> Option<NativeTest> {
        Some(match name {
            "boolean" => NativeTest::Boolean,
            "callable" => NativeTest::Callable,
            "defined" => NativeTest::Defined,
            "divisibleby" => NativeTest::DivisibleBy,
            "even" => NativeTest::Even,
            "false" => NativeTest::False,
            "in" => NativeTest::In,
            "iterable" => NativeTest::Iterable,
            "none" => NativeTest::None,
            "odd" => NativeTest::Odd,
            "sameas" => NativeTest::SameAs,
            "string" => NativeTest::String,
            "true" => NativeTest::True,
            "undefined" => NativeTest::Undefined,
            "==" | "eq" | "equalto" => NativeTest::Compare(CompareOp::Eq),
            "!=" | "ne" => NativeTest::Compare(CompareOp::Ne),
            "<" | "lt" | "lessthan" => NativeTest::Compare(CompareOp::Lt),
            "<=" | "le" => NativeTest::Compare(CompareOp::Le),
            ">" | "gt" | "greaterthan" => NativeTest::Compare(CompareOp::Gt),
            ">=" | "ge" => NativeTest::Compare(CompareOp::Ge),
            _ => return None,
        })
    }
}

/// Applies a test.
pub(crate) fn apply(
    host: &mut PyHost,
    test: NativeTest,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
) -> Result<bool> {
    match test {
        NativeTest::Compare(op) => {
            let other = one(host, arguments, "b")?;
            return host.compare_truth(op, value, &other);
        }
        NativeTest::In => {
            let seq = one(host, arguments, "seq")?;
            return host.compare_truth(CompareOp::In, value, &seq);
        }
        NativeTest::DivisibleBy => {
            let number = one(host, arguments, "num")?;
            return is_multiple(host, value, &number, 0);
        }
        NativeTest::SameAs => {
            let other = one(host, arguments, "other")?;
            return Ok(host.object(value)?.is(&host.object(&other)?));
        }
        _ => {}
    }
    bind(host, arguments, [])?;
    match test {
        NativeTest::Defined => Ok(!host.is_undefined(value)),
        NativeTest::Undefined => Ok(host.is_undefined(value)),
        NativeTest::Even => is_multiple(host, value, &Register::integer(2), 0),
        NativeTest::Odd => is_multiple(host, value, &Register::integer(2), 1),
        NativeTest::Iterable => is_iterable(&host.object(value)?),
        simple => {
            let object = host.object(value)?;
            Ok(match simple {
                NativeTest::Boolean => objects::is_bool(&object),
                NativeTest::True => object.is(&objects::boolean(true)),
                NativeTest::False => object.is(&objects::boolean(false)),
                NativeTest::None => object.is(&objects::none()),
                NativeTest::String => objects::is_text(&object),
                _ => objects::is_callable(&object),
            })
        }
    }
}

/// The one argument.
fn one(host: &mut PyHost, arguments: Arguments<'_, PyHost>, name: &str) -> Result<Register> {
    if arguments.shape.is_plain() && arguments.values.len() == 1 {
        return Ok(arguments.values[0].clone());
    }
    let [argument] = bind(host, arguments, [name])?;
    let Some(argument) = argument else {
        let message = format!("missing 1 required positional argument: '{name}'");
        return objects::raise(&Class::Type.object(), &message);
    };
    Ok(argument)
}

/// `value % number == rest`.
fn is_multiple(host: &mut PyHost, value: &Register, number: &Register, rest: i64) -> Result<bool> {
    if let (Some(value), View::Int(number)) = (PyHost::int(value), number.view())
        && number > 0
    {
        return Ok(value.rem_euclid(number) == rest);
    }
    let remainder = host.binary(haiden_runtime::BinaryOp::Mod, value, number)?;
    host.compare_truth(CompareOp::Eq, &remainder, &Register::integer(rest))
}

/// Does `iter(value)` work?
fn is_iterable(object: &Obj) -> Result<bool> {
    match objects::iter(object) {
        Ok(_) => Ok(true),
        Err(raised) if raised.matches(&Class::Type.object()) => {
            raised.clear();
            Ok(false)
        }
        Err(raised) => Err(raised),
    }
}
