//! The machine's own callables and containers, as Python sees them when they leave a template: macros, blocks, `self`,
//! `loop`, modules.
//!
//! Calling one from Python starts a machine of its own on a host of its own, in the scope that the object was made in.

use std::cell::RefCell;
use std::rc::Rc;

use haiden_runtime::loops::LoopState;
use haiden_runtime::{BlockReference, Closure, Vm};
use pyo3::exceptions::{PyKeyError, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{PyClass, PyClassInitializer, PyTraverseError, PyVisit};

use crate::budget::Budget;
use crate::execution::Execution;
use crate::host::PyHost;
use crate::objects::{self, Result};
use crate::output::Output;
use crate::register::{Attached, Obj, Register};
use crate::scope::{Context, Member, Scope};
use crate::settings;
use crate::types::Types;

type Inner<T> = Attached<(T, Member)>;

/// A macro.
#[pyclass(frozen, weakref, module = "haiden.runtime", name = "Macro")]
pub(crate) struct Macro(Inner<Closure<PyHost>>);

/// A block: `super`, `self.name`.
#[pyclass(frozen, weakref, module = "haiden.runtime", name = "BlockReference")]
pub(crate) struct Block(Inner<BlockReference<PyHost>>);

/// `self`.
#[pyclass(frozen, weakref, module = "haiden.runtime", name = "TemplateReference")]
pub(crate) struct TemplateReference(Inner<Context>);

/// `loop`.
#[pyclass(frozen, weakref, module = "haiden.runtime", name = "LoopContext")]
pub(crate) struct Loop(Attached<LoopData>);

struct LoopData {
    state: RefCell<Option<Box<LoopState<PyHost>>>>,
    scope: Rc<Scope>,
}

/// Makes a Python object of one of the classes.
fn make<T: PyClass + Into<PyClassInitializer<T>>>(value: T) -> Result<Register> {
    let py = objects::token();
    match Bound::new(py, value) {
        Ok(object) => Ok(Register::object(Obj::of(&object))),
        Err(error) => Err(objects::Raised::from_error(py, error)),
    }
}

fn inner<T>(value: T, member: Member) -> Inner<T> {
    Attached::new(objects::token(), (value, member))
}

pub(crate) fn make_macro(closure: Closure<PyHost>) -> Result<Register> {
    let member = Member::new(&closure.context, closure.cells.as_ref()).holding(&closure.program);
    make(Macro(inner(closure, member)))
}

pub(crate) fn make_block(block: BlockReference<PyHost>) -> Result<Register> {
    let member = Member::new(&block.context, None);
    make(Block(inner(block, member)))
}

pub(crate) fn make_self(context: &Context) -> Result<Register> {
    make(TemplateReference(inner(context.clone(), Member::new(context, None))))
}

pub(crate) fn share_loop(state: Box<LoopState<PyHost>>, scope: &Rc<Scope>) -> Result<Register> {
    let data = LoopData { state: RefCell::new(Some(state)), scope: scope.clone() };
    make(Loop(Attached::new(objects::token(), data)))
}

#[inline(always)]
pub(crate) fn as_macro<'a>(types: &Types, object: &'a Obj) -> Option<&'a Closure<PyHost>> {
    objects::ours_of::<Macro>(&types.macro_class, object).map(|object| &object.0.peek().0)
}

#[inline(always)]
pub(crate) fn as_block<'a>(types: &Types, object: &'a Obj) -> Option<&'a BlockReference<PyHost>> {
    objects::ours_of::<Block>(&types.block_class, object).map(|object| &object.0.peek().0)
}

#[inline(always)]
pub(crate) fn is_loop(types: &Types, object: &Obj) -> bool {
    objects::ours_of::<Loop>(&types.loop_class, object).is_some()
}

pub(crate) fn take_loop(object: &Obj) -> Option<Box<LoopState<PyHost>>> {
    objects::ours::<Loop>(object)?.0.peek().state.borrow_mut().take()
}

pub(crate) fn put_loop(object: &Obj, state: Box<LoopState<PyHost>>) {
    if let Some(object) = objects::ours::<Loop>(object) {
        *object.0.peek().state.borrow_mut() = Some(state);
    }
}

/// Does the object count as a member of this scope?
pub(crate) fn is_member_of(object: &Obj, scope: &Scope) -> bool {
    let member = if let Some(object) = objects::ours::<Macro>(object) {
        &object.0.peek().1
    } else if let Some(object) = objects::ours::<Block>(object) {
        &object.0.peek().1
    } else if let Some(object) = objects::ours::<TemplateReference>(object) {
        &object.0.peek().1
    } else {
        return false;
    };
    member.is_of(scope)
}

/// Runs something on a machine of its own and turns the result into an object.
fn run<'py>(
    py: Python<'py>,
    scope: &Rc<Scope>,
    work: impl FnOnce(&mut PyHost, &mut Output) -> Result<Register>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut host = PyHost::new(scope.clone());
    let mut out = host.output(256);
    let _entered = Budget::enter(scope.budget.as_ref());
    let result = objects::enter_recursion().and_then(|_guard| {
        let register = work(&mut host, &mut out)?;
        host.object(&register)
    });
    result.map(|object| object.bound(py)).map_err(|raised| raised.take(py))
}

/// Starts something on a machine of its own that may wait; the result is to be awaited.
fn awaitable<'py>(
    py: Python<'py>,
    context: &Context,
    start: impl FnOnce(&mut PyHost, &mut Output) -> Result<Vm<PyHost>>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut host = PyHost::new(context.scope.clone());
    let mut out = host.output(0);
    let vm = start(&mut host, &mut out).map_err(|raised| raised.take(py))?;
    let execution = Execution::new(&host, vm, context.clone());
    py.import("haiden._async")?.call_method1("finish", (Bound::new(py, execution)?,))
}

#[pymethods]
impl Macro {
    #[pyo3(signature = (*arguments, **keywords))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (closure, _) = self.0.get(py);
        let function = closure.program.function(closure.function);
        let mut markup = function.flags & haiden_bytecode::image::AUTOESCAPE != 0;
        let mut positional: Vec<Register> =
            arguments.iter().map(|value| Register::object(Obj::of(&value))).collect();
        if let Some(autoescape) = eval_context(arguments)? {
            markup = autoescape;
            positional.remove(0);
        }
        let keywords: Vec<(String, Register)> = match keywords {
            None => Vec::new(),
            Some(keywords) => keywords
                .iter()
                .map(|(key, value)| Ok((key.extract()?, Register::object(Obj::of(&value)))))
                .collect::<PyResult<_>>()?,
        };
        let keywords: Vec<(&str, Register)> =
            keywords.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let given = (&positional[..], &keywords[..]);
        if settings::of(&closure.context.scope.settings).is_async {
            return awaitable(py, &closure.context, |host, out| {
                let limits = host.limits();
                Vm::of_call(host, out, closure, given, markup, limits)
            });
        }
        run(py, &closure.context.scope, |host, out| {
            let limits = host.limits();
            Vm::call(host, out, closure, given.0, given.1, markup, limits)
        })
    }

    #[getter]
    fn name(&self, py: Python<'_>) -> Option<String> {
        self.0.get(py).0.name().map(str::to_owned)
    }

    #[getter]
    fn arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let closure = &self.0.get(py).0;
        PyTuple::new(py, closure.program.parameter_names(closure.function))
    }

    #[getter]
    fn catch_kwargs(&self, py: Python<'_>) -> bool {
        self.flag(py, haiden_bytecode::image::CATCH_KWARGS)
    }

    #[getter]
    fn catch_varargs(&self, py: Python<'_>) -> bool {
        self.flag(py, haiden_bytecode::image::CATCH_VARARGS)
    }

    #[getter]
    fn explicit_caller(&self, py: Python<'_>) -> bool {
        self.flag(py, haiden_bytecode::image::EXPLICIT_CALLER)
    }

    #[getter]
    fn caller(&self, py: Python<'_>) -> bool {
        self.flag(py, haiden_bytecode::image::CATCH_CALLER)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        match self.0.get(py).0.name() {
            Some(name) => format!("<Macro '{name}'>"),
            None => "<Macro anonymous>".to_owned(),
        }
    }

    /// It cannot change: it is its own copy.
    fn __copy__(this: Bound<'_, Macro>) -> Bound<'_, Macro> {
        this
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.0.peek().1.traverse(&visit)
    }
    #[expect(clippy::unused_self, reason = "the ring is cut where it is closed: in the scope")]
    fn __clear__(&self) {}
}

/// Is the first argument of a macro an evaluation context? Then it says whether the result is markup.
fn eval_context(arguments: &Bound<'_, PyTuple>) -> PyResult<Option<bool>> {
    let Ok(first) = arguments.get_item(0) else { return Ok(None) };
    let class = first.get_type();
    let is_one = class.mro().iter().any(|class| {
        class.getattr("__module__").is_ok_and(|module| module.eq("haiden.nodes").unwrap_or(false))
            && class.getattr("__name__").is_ok_and(|name| name.eq("EvalContext").unwrap_or(false))
    });
    if is_one { first.getattr("autoescape")?.is_truthy().map(Some) } else { Ok(None) }
}

impl Macro {
    fn flag(&self, py: Python<'_>, flag: u8) -> bool {
        let closure = &self.0.get(py).0;
        closure.program.function(closure.function).flags & flag != 0
    }
}

#[pymethods]
impl Block {
    fn __call__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let block = &self.0.get(py).0;
        if settings::of(&block.context.scope.settings).is_async {
            return awaitable(py, &block.context, |host, out| {
                let limits = host.limits();
                Vm::of_block_call(host, out, block.clone(), limits)
            });
        }
        run(py, &block.context.scope, |host, out| {
            let limits = host.limits();
            Vm::call_block(host, out, block.clone(), limits)
        })
    }

    /// The next outer definition.
    #[getter]
    #[pyo3(name = "super")]
    fn outer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let block = &self.0.get(py).0;
        run(py, &block.context.scope, |host, _| {
            let outer = BlockReference { depth: block.depth + 1, ..block.clone() };
            if block.chain.definition(outer.block, outer.depth).is_some() {
                return make_block(outer);
            }
            let name = block.chain.name(block.block).unwrap_or_default();
            haiden_runtime::Host::undefined(host, haiden_runtime::Undefined::NoParentBlock(name))
        })
    }

    /// It cannot change: it is its own copy.
    fn __copy__(this: Bound<'_, Block>) -> Bound<'_, Block> {
        this
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.0.peek().1.traverse(&visit)
    }
    #[expect(clippy::unused_self, reason = "the ring is cut where it is closed: in the scope")]
    fn __clear__(&self) {}
}

#[pymethods]
impl TemplateReference {
    fn __getitem__<'py>(&self, py: Python<'py>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let context = &self.0.get(py).0;
        let chain = context.chain();
        let found = name.extract::<&str>().ok().and_then(|name| chain.find(name));
        let Some(block) = found else {
            // What cannot be hashed is no key at all.
            name.hash()?;
            return Err(PyKeyError::new_err(name.clone().unbind()));
        };
        let block = BlockReference { context: context.clone(), chain, block, depth: 0 };
        run(py, &context.scope, |_, _| make_block(block))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let name = self.0.get(py).0.program.name().map(|name| PyString::new(py, name).repr());
        let name = name.transpose()?.map_or_else(|| Ok("None".to_owned()), |name| name.extract())?;
        Ok(format!("<TemplateReference {name}>"))
    }

    /// It cannot change: it is its own copy.
    fn __copy__(this: Bound<'_, TemplateReference>) -> Bound<'_, TemplateReference> {
        this
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.0.peek().1.traverse(&visit)
    }
    #[expect(clippy::unused_self, reason = "the ring is cut where it is closed: in the scope")]
    fn __clear__(&self) {}
}

#[pymethods]
impl Loop {
    #[getter]
    fn index(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |state, _| Ok(state.index0() + 1))
    }
    #[getter]
    fn index0(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |state, _| Ok(state.index0()))
    }
    #[getter]
    fn first(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |state, _| Ok(state.index0() == 0))
    }
    #[getter]
    fn last(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, LoopState::is_last)
    }
    #[getter]
    fn length<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.field(py, haiden_bytecode::LoopField::Length)
    }
    #[getter]
    fn revindex<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.field(py, haiden_bytecode::LoopField::Revindex)
    }
    #[getter]
    fn revindex0<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.field(py, haiden_bytecode::LoopField::Revindex0)
    }
    #[getter]
    fn depth<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.field(py, haiden_bytecode::LoopField::Depth)
    }
    #[getter]
    fn depth0<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.field(py, haiden_bytecode::LoopField::Depth0)
    }
    #[getter]
    fn previtem<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.field(py, haiden_bytecode::LoopField::Previtem)
    }
    #[getter]
    fn nextitem<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.field(py, haiden_bytecode::LoopField::Nextitem)
    }

    #[pyo3(signature = (*values))]
    fn cycle<'py>(&self, py: Python<'py>, values: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        if values.is_empty() {
            return Err(PyTypeError::new_err("no items for cycling given"));
        }
        let index = self.with(py, |state, _| Ok(state.index0()))?;
        values.get_item(index % values.len())
    }

    #[pyo3(signature = (*values))]
    fn changed(&self, py: Python<'_>, values: &Bound<'_, PyTuple>) -> PyResult<bool> {
        let values: Vec<Register> = values.iter().map(|value| Register::object(Obj::of(&value))).collect();
        self.with(py, |state, host| state.changed(host, &values))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, LoopState::length)
    }

    fn __iter__(this: Bound<'_, Loop>) -> Bound<'_, Loop> {
        this
    }

    /// The loop's next item, which it will not take itself then, and the loop.
    fn __next__<'py>(this: &Bound<'py, Loop>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let item = this.get().with(this.py(), |state, host| match state.next(host)? {
            Some(item) => host.object(&item).map(Some),
            None => Ok(None),
        })?;
        let py = this.py();
        item.map(|item| PyTuple::new(py, [item.bound(py), this.clone().into_any()])).transpose()
    }

    /// Runs the body of a recursive loop again.
    fn __call__<'py>(this: &Bound<'py, Loop>, iterable: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let callee = Register::object(Obj::of(this));
        let values = [Register::object(Obj::of(iterable))];
        run(this.py(), &this.get().0.get(this.py()).scope, |host, out| {
            let limits = host.limits();
            Vm::call_value(host, out, &callee, &values, limits)
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (index, length) = self.with(py, |state, host| Ok((state.index0() + 1, state.length(host)?)))?;
        Ok(format!("<LoopContext {index}/{length}>"))
    }
}

impl Loop {
    /// Works on the state, which is away for so long: who comes back to it meanwhile gets an error.
    fn with<T>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut LoopState<PyHost>, &mut PyHost) -> Result<T>,
    ) -> PyResult<T> {
        let data = self.0.get(py);
        let Some(mut state) = data.state.borrow_mut().take() else {
            return Err(PyRuntimeError::new_err("the loop is in use"));
        };
        let result = work(&mut state, &mut PyHost::new(data.scope.clone()));
        *data.state.borrow_mut() = Some(state);
        result.map_err(|raised| raised.take(py))
    }

    fn field<'py>(&self, py: Python<'py>, field: haiden_bytecode::LoopField) -> PyResult<Bound<'py, PyAny>> {
        let value = self.with(py, |state, host| {
            let value = state.get(host, field)?;
            host.object(&value)
        });
        value.map(|value| value.bound(py))
    }
}
