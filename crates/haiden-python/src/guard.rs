//! The sandbox as it is out of the box: what a stranger's template may read and call, decided here where that is plain.
//!
//! Python code has the last word: whatever is not plainly safe goes to `SandboxedEnvironment`'s own methods, and so does
//! everything in an environment that overrides one of them. Invariant: what is let through here, they let through too.
#![expect(unsafe_code, reason = "what bound methods are bound to")]

use std::ffi::CStr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::attr_cache::Site;
use crate::host::PyHost;
use crate::objects::{self, Result, class};
use crate::register::{Obj, Register};
use crate::stock::Stock;
use crate::wanted;

unsafe extern "C" {
    fn PyMethod_Self(method: *mut ffi::PyObject) -> *mut ffi::PyObject;
    static mut PyMethod_Type: ffi::PyTypeObject;
}

/// Which of the two stock sandboxes an environment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// `SandboxedEnvironment`.
    Sandboxed,
    /// `ImmutableSandboxedEnvironment`: methods that change containers are unsafe too.
    Immutable,
}

/// The methods that must be the stock ones.
const METHODS: [&str; 7] =
    ["getattr", "getitem", "_guarded", "wrap_str_format", "unsafe_undefined", "call", "is_safe_callable"];

/// The names that `haiden.sandbox.modifies_known_mutable` may object to.
const MUTATORS: [&str; 19] = [
    "add",
    "append",
    "appendleft",
    "clear",
    "difference_update",
    "discard",
    "extend",
    "extendleft",
    "insert",
    "pop",
    "popitem",
    "popleft",
    "remove",
    "reverse",
    "rotate",
    "setdefault",
    "sort",
    "symmetric_difference_update",
    "update",
];

impl Guard {
    /// The guard of an environment; `None` for one that is no sandbox, or one with rules of its own.
    pub(crate) fn of(environment: &Bound<'_, PyAny>) -> PyResult<Option<Guard>> {
        let py = environment.py();
        let modules = py.import("sys")?.getattr("modules")?;
        let Ok(module) = modules.get_item("haiden.sandbox") else { return Ok(None) };
        let (stock, immutable) =
            (module.getattr("SandboxedEnvironment")?, module.getattr("ImmutableSandboxedEnvironment")?);
        let class = environment.get_type();
        if !class.as_any().is_instance_of::<pyo3::types::PyType>() || !class.is_subclass(&stock)? {
            return Ok(None);
        }
        let own = environment.getattr("__dict__")?;
        let own = own.cast::<PyDict>()?;
        let (stock, immutable) =
            (Stock::of(py, "haiden.sandbox", &stock)?, Stock::of(py, "haiden.sandbox", &immutable)?);
        for name in METHODS {
            if own.contains(name)? || stock.differs(&class, name)? {
                return Ok(None);
            }
        }
        let safe = class.getattr("is_safe_attribute")?;
        Ok(if own.contains("is_safe_attribute")? {
            None
        } else if stock.had("is_safe_attribute", &safe)? {
            Some(Guard::Sandboxed)
        } else if immutable.had("is_safe_attribute", &safe)? {
            Some(Guard::Immutable)
        } else {
            None
        })
    }
}

/// What a guard thinks of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspicion {
    None,
    /// A method of that name may change a container.
    Mutates,
    /// The name begins with an underscore.
    Private,
}

impl Suspicion {
    /// What a guard thinks of this name.
    pub(crate) fn of(name: &str) -> Suspicion {
        if name.starts_with('_') {
            Suspicion::Private
        } else if MUTATORS.contains(&name) {
            Suspicion::Mutates
        } else {
            Suspicion::None
        }
    }
}

impl PyHost {
    /// `object.name` where that is plainly safe, or plainly undefined; `None` if Python code is to decide.
    pub(crate) fn guarded_attr(&self, guard: Guard, object: &Obj, site: &Site) -> Result<Option<Register>> {
        let suspicious = match site.suspicion {
            Suspicion::None => false,
            Suspicion::Mutates => guard == Guard::Immutable,
            Suspicion::Private => true,
        };
        if suspicious || is_internal(object) {
            return Ok(None);
        }
        let Some(value) = site.get(object)? else {
            return self.no_attr(object, site).map(Some);
        };
        Ok(if formats_text(&value) { None } else { Some(Register::object(value)) })
    }

    /// `object[key]` of a plain container, if it has such an item.
    pub(crate) fn guarded_item(object: &Obj, key: &Obj) -> Result<Option<Register>> {
        if !objects::is_builtin_container(object) {
            return Ok(None);
        }
        Ok(crate::attr_cache::any_item_or_none(object, key)?.map(Register::object))
    }

    /// Is the callable plainly safe?
    pub(crate) fn may_call(&self, callee: &Obj) -> Result<bool> {
        if wanted::has_no_mark(callee) {
            return Ok(true);
        }
        for name in [&self.types.unsafe_callable, &self.types.alters_data] {
            if let Some(mark) = objects::lookup_attr(callee, &name.object)?
                && objects::truth(&mark)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Is it of a kind that has internal attributes without an underscore?
fn is_internal(object: &Obj) -> bool {
    let kind = object.kind();
    kind == class!(PyFunction_Type)
        || kind == &raw mut PyMethod_Type
        || kind == class!(PyGen_Type)
        || kind == class!(PyCoro_Type)
        || kind == class!(PyAsyncGen_Type)
        || kind == class!(PyCode_Type)
        || kind == class!(PyFrame_Type)
        || kind == class!(PyTraceBack_Type)
        || objects::is_type(object)
}

/// Is it a method of a text that may be `format` or `format_map`?
fn formats_text(value: &Obj) -> bool {
    let kind = value.kind();
    // SAFETY: the value is of the class that was asked for; a method holds what it is bound to, and a built-in function its
    // definition, whose name is a C string.
    unsafe {
        if kind == &raw mut PyMethod_Type {
            let bound = PyMethod_Self(value.as_ptr());
            return !bound.is_null() && ffi::PyUnicode_Check(bound) != 0;
        }
        if kind != class!(PyCFunction_Type) {
            return false;
        }
        let bound = ffi::PyCFunction_GetSelf(value.as_ptr());
        if bound.is_null() {
            ffi::PyErr_Clear();
            return false;
        }
        if ffi::PyUnicode_Check(bound) == 0 {
            return false;
        }
        let definition = (*value.as_ptr().cast::<ffi::PyCFunctionObject>()).m_ml;
        let name = CStr::from_ptr((*definition).ml_name).to_bytes();
        name == b"format" || name == b"format_map"
    }
}
