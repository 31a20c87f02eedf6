//! What `map`, `select`, `sort` and their kin do to each item: a path of attributes, a filter, a test, as one callable.
//!
//! In: the arguments of such a filter. Out: an [`Each`], which the machine applies itself or hands to Python (generators
//! and `sorted` call it), or `None` for anything that is not plainly of the kind the machine knows, and then the filter's
//! own Python function decides. Invariant: what it returns or raises for an item, Jinja's function does.

use std::rc::Rc;

use haiden_runtime::{Arguments, Host, Keyword, Shape};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::attr_cache::Name;
use crate::filters;
use crate::host::PyHost;
use crate::objects::{self, Raised, Result};
use crate::register::{Attached, Obj, Register, View};
use crate::scope::{Context, Scope, visit_object};
use crate::tests;
use crate::wanted::Wanted;

/// The names that a path may have: attributes or items, one behind the other.
pub(crate) struct Path {
    steps: Vec<Register>,
    /// What stands for an undefined step.
    default: Option<Obj>,
}

impl Path {
    /// The path that an argument names: a text with dots, an index, or nothing.
    pub(crate) fn new(attribute: Option<&Register>) -> Result<Option<Path>> {
        let steps = match attribute.map(Register::view) {
            None | Some(View::None) => Vec::new(),
            Some(View::Int(index)) => vec![Register::integer(index)],
            Some(View::Object(name)) if objects::is_str(name) => {
                let objects::Text::Ascii(name) = objects::characters(name)? else { return Ok(None) };
                let Ok(name) = std::str::from_utf8(name) else { return Ok(None) };
                let mut steps = Vec::new();
                for step in name.split('.') {
                    steps.push(if !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
                        // An index that no container has so many items for is left to Python.
                        let Ok(index) = step.parse::<u32>() else { return Ok(None) };
                        Register::integer(i64::from(index))
                    } else {
                        Register::object(objects::intern(step)?)
                    });
                }
                steps
            }
            Some(_) => return Ok(None),
        };
        Ok(Some(Path { steps, default: None }))
    }

    /// As it is, with something that stands for undefined steps.
    pub(crate) fn with_default(self, host: &PyHost, default: Option<&Register>) -> Result<Path> {
        let default = match default {
            Some(default) if !matches!(default.view(), View::None) => Some(host.object(default)?),
            _ => None,
        };
        Ok(Path { default, ..self })
    }

    /// What is there.
    fn get(&self, host: &PyHost, item: Register) -> Result<Register> {
        let mut item = item;
        for step in &self.steps {
            item = host.get_item(&host.object(&item)?, step)?;
            if let Some(default) = &self.default
                && host.is_undefined(&item)
            {
                item = Register::object(default.clone());
            }
        }
        Ok(item)
    }
}

/// What is done with what the path leads to.
enum Work {
    /// Nothing.
    Nothing,
    /// Text in lower case: the keys of comparisons that ignore case.
    Fold,
    /// Each of several paths, as a list.
    Several { paths: Vec<Path>, fold: bool },
    /// A filter.
    Filter { filter: filters::Function, passed: Passed },
    /// Does the test's answer (the value's truth) say to keep the item?
    Test { test: Option<tests::Function>, passed: Passed, keep: bool },
}

/// What is passed on for each item.
struct Passed {
    values: Vec<Register>,
    shape: Shape<PyHost>,
    /// What the function wants before the item.
    first: Option<Obj>,
}

impl Passed {
    fn nothing() -> Passed {
        Passed { values: Vec::new(), shape: Shape::positional(0), first: None }
    }

    /// The arguments behind the first `skipped` ones, for a function that wants something first.
    fn new(
        host: &PyHost,
        context: &Context,
        wanted: Wanted,
        arguments: Arguments<'_, PyHost>,
        skipped: usize,
    ) -> Result<Passed> {
        let given = arguments.shape;
        let mut keywords = Vec::with_capacity(given.keywords.len());
        for keyword in &given.keywords {
            keywords.push(Keyword { text: keyword.text.clone(), name: Name::new(&keyword.text)? });
        }
        let shape = Shape {
            positional: given.positional - skipped,
            keywords: keywords.into_boxed_slice(),
            star: false,
            star_star: false,
        };
        let values = arguments.values[skipped..].to_vec();
        Ok(Passed { values, shape, first: host.wanted(wanted, Some(context))? })
    }

    fn arguments(&self) -> Arguments<'_, PyHost> {
        Arguments { values: &self.values, shape: &self.shape }
    }
}

/// What is done to each item.
pub(crate) struct Each {
    scope: Rc<Scope>,
    path: Path,
    work: Work,
}

impl Each {
    fn new(host: &PyHost, path: Path, work: Work) -> Each {
        Each { scope: Scope::new(host.settings.clone()), path, work }
    }

    /// Looks up an attribute; `fold`: the key of a comparison that ignores case.
    pub(crate) fn getter(host: &PyHost, path: Path, fold: bool) -> Each {
        Each::new(host, path, if fold { Work::Fold } else { Work::Nothing })
    }

    /// Looks up several attributes, which commas separate: a list.
    pub(crate) fn several(host: &PyHost, attribute: Option<&Register>, fold: bool) -> Result<Option<Each>> {
        let names = match attribute.map(Register::view) {
            Some(View::Object(name)) if objects::is_str(name) => {
                let objects::Text::Ascii(name) = objects::characters(name)? else { return Ok(None) };
                let Ok(name) = std::str::from_utf8(name) else { return Ok(None) };
                let names = name.split(',').map(|name| objects::text(name).map(Register::object));
                names.collect::<Result<Vec<_>>>()?.into_iter().map(Some).collect()
            }
            _ => vec![attribute.cloned()],
        };
        let mut paths = Vec::with_capacity(names.len());
        for name in &names {
            let Some(path) = Path::new(name.as_ref())? else { return Ok(None) };
            paths.push(path);
        }
        let none = Path { steps: Vec::new(), default: None };
        Ok(Some(Each::new(host, none, Work::Several { paths, fold })))
    }

    /// Is the key a list of one?
    pub(crate) fn is_of_one(&self) -> bool {
        matches!(&self.work, Work::Several { paths, .. } if paths.len() == 1)
    }

    /// Applies a filter by name, the first of the arguments; the others are the filter's.
    pub(crate) fn filter(
        host: &PyHost,
        context: &Context,
        arguments: Arguments<'_, PyHost>,
    ) -> Result<Option<Each>> {
        let settings = host.settings();
        let Some(found) = named(&settings.filters, &arguments.values[0])? else { return Ok(None) };
        let filter = filters::Function::new(host.types, found)?;
        let passed = Passed::new(host, context, filter.wanted, arguments, 1)?;
        let nothing = Path { steps: Vec::new(), default: None };
        Ok(Some(Each::new(host, nothing, Work::Filter { filter, passed })))
    }

    /// Asks a test of what is at the path; its name is the argument behind the first `skipped` ones. Without a name, the
    /// value's truth answers.
    pub(crate) fn test(
        host: &PyHost,
        context: &Context,
        path: Path,
        (arguments, skipped): (Arguments<'_, PyHost>, usize),
        keep: bool,
    ) -> Result<Option<Each>> {
        if arguments.shape.positional <= skipped {
            // Jinja looks at no other arguments then.
            return Ok(Some(Each::new(
                host,
                path,
                Work::Test { test: None, passed: Passed::nothing(), keep },
            )));
        }
        let Some(found) = named(&host.settings().tests, &arguments.values[skipped])? else { return Ok(None) };
        let test = tests::Function::new(host.types, found)?;
        let passed = Passed::new(host, context, test.wanted, arguments, skipped + 1)?;
        Ok(Some(Each::new(host, path, Work::Test { test: Some(test), passed, keep })))
    }

    /// Does it.
    pub(crate) fn apply(&self, host: &mut PyHost, item: Register) -> Result<Register> {
        let value = self.path.get(host, item)?;
        match &self.work {
            Work::Nothing => Ok(value),
            Work::Fold => fold(host, value),
            Work::Several { paths, fold: folds } => {
                let mut keys = Vec::with_capacity(paths.len());
                for path in paths {
                    let key = path.get(host, value.clone())?;
                    keys.push(if *folds { fold(host, key)? } else { key });
                }
                host.list(&keys)
            }
            Work::Filter { filter, passed } => {
                if let Some(native) = filter.native
                    && let Some(result) = filters::apply(host, None, native, &value, passed.arguments())?
                {
                    return Ok(result);
                }
                let first = (passed.first.as_ref(), Some(&value));
                host.call_object(&filter.object, first, passed.arguments()).map(Register::object)
            }
            Work::Test { test, passed, keep } => {
                let answer = match test {
                    None => host.truth(&value)?,
                    Some(test) => test.ask(host, &value, (passed.arguments(), passed.first.as_ref()))?,
                };
                Ok(Register::boolean(answer == *keep))
            }
        }
    }

    /// As a callable of Python's.
    pub(crate) fn into_callable(self) -> Result<Obj> {
        let py = objects::token();
        match Bound::new(py, EachItem(Attached::new(py, self))) {
            Ok(each) => objects::get_attr(&Obj::of(&each), &objects::intern("apply")?),
            Err(error) => Err(Raised::from_error(py, error)),
        }
    }

    fn objects(&self) -> impl Iterator<Item = &Obj> {
        let passed = match &self.work {
            Work::Filter { passed, .. } | Work::Test { passed, .. } => Some(passed),
            _ => None,
        };
        let function = match &self.work {
            Work::Filter { filter, .. } => Some(&filter.object),
            Work::Test { test: Some(test), .. } => Some(&test.object),
            _ => None,
        };
        let values = passed
            .into_iter()
            .flat_map(|passed| passed.values.iter().filter_map(Register::as_object).chain(&passed.first));
        values.chain(function).chain(&self.path.default).chain([&self.scope.settings])
    }
}

/// Text in lower case, anything else as it is. What says that it is text is taken for it.
fn fold(host: &PyHost, value: Register) -> Result<Register> {
    let Some(object) = value.as_object() else { return Ok(value) };
    let is_other =
        objects::is_int(object) || objects::is_float(object) || objects::is_builtin_container(object);
    let is_text = objects::is_text(object) || !is_other && objects::is_instance(object, &host.types.str)?;
    if !is_text {
        return Ok(value);
    }
    objects::call_method(object, &host.types.lower.object, &[]).map(Register::object)
}

/// The function that a dict of the environment has under the name that a register holds.
fn named(table: &Obj, name: &Register) -> Result<Option<Obj>> {
    match name.as_object() {
        Some(name) if objects::is_str(name) && objects::is_dict(table) => {
            objects::dict_get(table, name, objects::text_hash(name)?)
        }
        _ => Ok(None),
    }
}

/// An [`Each`] as Python sees it.
#[pyclass(frozen, name = "EachItem", module = "haiden._native")]
struct EachItem(Attached<Each>);

#[pymethods]
impl EachItem {
    /// Does it to an item.
    fn apply<'py>(&self, item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = item.py();
        let each = self.0.get(py);
        let mut host = PyHost::new(each.scope.clone());
        let found = objects::enter_recursion().and_then(|_guard| {
            let found = each.apply(&mut host, Register::object(Obj::of(item)))?;
            host.object(&found)
        });
        found.map(|found| found.bound(py)).map_err(|raised| raised.take(py))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.0.peek().objects().try_for_each(|object| visit_object(object.as_ptr(), &visit))
    }
    #[expect(clippy::unused_self, reason = "a ring that it is in goes through a dict, which is cut")]
    fn __clear__(&self) {}
}
