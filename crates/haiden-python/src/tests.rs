//! The tests that need no Python function: a handful, until the builtins that all hosts share reach this one.

use haiden_runtime::{Arguments, CompareOp, Host};

use crate::attr_cache::Name;
use crate::host::PyHost;
use crate::objects::{self, Class, Result};
use crate::register::{Obj, Register, View};
use crate::types::{Types, stock_of};
use crate::wanted::Wanted;

/// What a test was linked to.
pub(crate) enum Test {
    /// A function of the environment.
    Function(Function),
    /// The environment's tests are no dict: it is asked each time.
    Named(Name),
}

impl Test {
    /// The function, if it is known.
    pub(crate) fn object(&self) -> Option<&Obj> {
        match self {
            Test::Function(function) => Some(&function.object),
            Test::Named(_) => None,
        }
    }
}

/// A function of the environment that templates use by name.
pub(crate) struct Function {
    pub(crate) object: Obj,
    pub(crate) wanted: Wanted,
    /// The machine's own way of asking.
    pub(crate) native: Option<NativeTest>,
}

impl Function {
    /// What templates use a Python function as.
    pub(crate) fn new(types: &Types, object: Obj) -> Result<Function> {
        let native = stock_of(&types.stock_tests, &object);
        let wanted = Wanted::of(&object)?;
        Ok(Function { object, wanted, native })
    }

    /// What it answers; `first` is what it wants before the value.
    pub(crate) fn ask(
        &self,
        host: &mut PyHost,
        value: &Register,
        (arguments, first): (Arguments<'_, PyHost>, Option<&Obj>),
    ) -> Result<bool> {
        if let Some(native) = self.native
            && let Some(holds) = apply(host, native, value, arguments)?
        {
            return Ok(holds);
        }
        let answer = host.call_object(&self.object, (first, Some(value)), arguments)?;
        objects::truth(&answer)
    }
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
    /// The stock functions, by their names in `haiden.tests`.
    pub(crate) const STOCK: &'static [(&'static str, NativeTest)] = &[
        ("test_boolean", NativeTest::Boolean),
        ("builtins.callable", NativeTest::Callable),
        ("test_defined", NativeTest::Defined),
        ("test_divisibleby", NativeTest::DivisibleBy),
        ("test_even", NativeTest::Even),
        ("test_false", NativeTest::False),
        ("test_in", NativeTest::In),
        ("test_iterable", NativeTest::Iterable),
        ("test_none", NativeTest::None),
        ("test_odd", NativeTest::Odd),
        ("test_sameas", NativeTest::SameAs),
        ("test_string", NativeTest::String),
        ("test_true", NativeTest::True),
        ("test_undefined", NativeTest::Undefined),
        ("operator.eq", NativeTest::Compare(CompareOp::Eq)),
        ("operator.ne", NativeTest::Compare(CompareOp::Ne)),
        ("operator.lt", NativeTest::Compare(CompareOp::Lt)),
        ("operator.le", NativeTest::Compare(CompareOp::Le)),
        ("operator.gt", NativeTest::Compare(CompareOp::Gt)),
        ("operator.ge", NativeTest::Compare(CompareOp::Ge)),
    ];
}

/// Applies a test; `None` if the function itself is to judge the arguments.
pub(crate) fn apply(
    host: &mut PyHost,
    test: NativeTest,
    value: &Register,
    arguments: Arguments<'_, PyHost>,
) -> Result<Option<bool>> {
    if !arguments.shape.is_plain() {
        return Ok(None);
    }
    let holds = match (test, arguments.values) {
        (NativeTest::Compare(op), [other]) => host.compare_truth(op, value, other)?,
        (NativeTest::In, [seq]) => host.compare_truth(CompareOp::In, value, seq)?,
        (NativeTest::DivisibleBy, [number]) => is_multiple(host, value, number, 0)?,
        (NativeTest::SameAs, [other]) => host.object(value)?.is(&host.object(other)?),
        (NativeTest::Defined, []) => !host.is_undefined(value),
        (NativeTest::Undefined, []) => host.is_undefined(value),
        (NativeTest::Even, []) => is_multiple(host, value, &Register::integer(2), 0)?,
        (NativeTest::Odd, []) => is_multiple(host, value, &Register::integer(2), 1)?,
        (NativeTest::Iterable, []) => is_iterable(&host.object(value)?)?,
        (simple, []) => {
            let object = host.object(value)?;
            match simple {
                NativeTest::Boolean => objects::is_bool(&object),
                NativeTest::True => object.is(&objects::boolean(true)),
                NativeTest::False => object.is(&objects::boolean(false)),
                NativeTest::None => object.is(&objects::none()),
                NativeTest::String => objects::is_text(&object),
                NativeTest::Callable => objects::is_callable(&object),
                _ => return Ok(None),
            }
        }
        _ => return Ok(None),
    };
    Ok(Some(holds))
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
