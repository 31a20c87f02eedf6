//! The package's own classes as they were made, and whether a program has changed one since.
//!
//! In: classes; what they were made with stands in `_STOCK` of their modules. Out: whether a method is the stock one, which
//! the machine may do without a call. Invariant: a method that a program puts in a class's place, as instrumentation and
//! tests do, is called like one that a subclass overrides; [`Watch`] tells when to look again.

use std::cell::Cell;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule, PyType};

use crate::attr_cache::{Name, version_of};
use crate::objects::{self, Result};
use crate::register::Obj;
use crate::states;

/// What a class was made with.
pub(crate) struct Stock<'py>(Bound<'py, PyDict>);

impl<'py> Stock<'py> {
    /// Of a class in this module.
    pub(crate) fn of(py: Python<'py>, module: &str, class: &Bound<'py, PyAny>) -> PyResult<Stock<'py>> {
        let all = py.import(module)?.getattr("_STOCK")?;
        Ok(Stock(all.get_item(class)?.cast_into()?))
    }

    /// Is this what it had under the name?
    pub(crate) fn had(&self, name: &str, value: &Bound<'py, PyAny>) -> PyResult<bool> {
        Ok(self.0.get_item(name)?.is_some_and(|had| had.is(value)))
    }

    /// Does another class have something else under the name?
    pub(crate) fn differs(&self, class: &Bound<'py, PyAny>, name: &str) -> PyResult<bool> {
        Ok(!self.had(name, &class.getattr(name)?)?)
    }

    /// Does it under one of several names?
    pub(crate) fn any_differs(&self, class: &Bound<'py, PyAny>, names: &[&str]) -> PyResult<bool> {
        for name in names {
            if self.differs(class, name)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Is the class itself as it was?
    pub(crate) fn is_unchanged(&self, class: &Bound<'py, PyAny>) -> PyResult<bool> {
        let mut same = 0;
        for item in class.getattr("__dict__")?.call_method0("items")?.try_iter()? {
            let (name, now): (String, Bound<'py, PyAny>) = item?.extract()?;
            if self.had(&name, &now)? {
                same += 1;
            } else if !NOTES.contains(&&*name) {
                return Ok(false);
            }
        }
        Ok(same == self.0.len())
    }
}

/// What Python itself may add to a class that somebody looks at, or whose objects somebody pickles.
const NOTES: [&str; 4] = ["__annotations__", "__annotations_cache__", "__abstractmethods__", "__slotnames__"];

/// Classes, and their versions when they were looked at.
pub(crate) struct Watch(Box<[(Obj, u32)]>);

impl Watch {
    /// Of those that are classes.
    pub(crate) fn new(classes: &[&Bound<'_, PyAny>]) -> Watch {
        let classes = classes.iter().filter(|class| class.cast::<PyType>().is_ok());
        let seen = classes.map(|class| {
            // A look-up gives the class a version, if it can have one.
            let _ = class.getattr("__doc__");
            let class = Obj::of(class);
            let version = version_of(&class);
            (class, version)
        });
        Watch(seen.collect())
    }

    /// Has one of them changed, or a class that it inherits from?
    #[inline]
    pub(crate) fn has_changed(&self) -> bool {
        self.0.iter().any(|(class, version)| version_of(class) != *version)
    }
}

/// The functions of `haiden.filters` that its filters call: a program may have put others in their place.
pub(crate) struct Helpers {
    /// The names of the module.
    names: Obj,
    stock: Vec<(Name, Obj)>,
    /// A state of the names, and whether the functions were the stock ones then.
    seen: Cell<Option<(u64, bool)>>,
}

impl Helpers {
    const NAMES: [&str; 10] = [
        "_min_or_max",
        "htmlsafe_json_dumps",
        "ignore_case",
        "make_attrgetter",
        "make_multi_attrgetter",
        "prepare_map",
        "prepare_select_or_reject",
        "select_or_reject",
        "url_quote",
        "urlize",
    ];

    pub(crate) fn of(module: &Bound<'_, PyModule>) -> PyResult<Helpers> {
        // As the module was made, whatever a program has done to it before anything was compiled.
        let all = module.getattr("_STOCK")?;
        let mut stock = Vec::new();
        for helper in Helpers::NAMES {
            let name = Name::new(helper).map_err(|raised| raised.take(module.py()))?;
            stock.push((name, Obj::of(&all.get_item(helper)?)));
        }
        Ok(Helpers { names: Obj::of(&module.dict()), stock, seen: Cell::new(None) })
    }

    /// Are they all as they were? Else the filters must be Python's.
    pub(crate) fn are_stock(&self) -> Result<bool> {
        let state = states::of_table(&self.names);
        if let (Some((seen, answer)), Some(state)) = (self.seen.get(), state)
            && seen == state
        {
            return Ok(answer);
        }
        let mut answer = true;
        for (name, function) in &self.stock {
            let now = objects::dict_get(&self.names, &name.object, name.hash)?;
            answer = answer && now.is_some_and(|now| now.is(function));
        }
        self.seen.set(state.map(|state| (state, answer)));
        Ok(answer)
    }
}
