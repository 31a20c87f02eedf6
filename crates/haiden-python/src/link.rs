//! Link: the constants, names and references of an image become Python objects.

use haiden_bytecode::{Constant, Strings};
use haiden_runtime::{LinkedReader, Linker};

use crate::attr_cache::Name;
use crate::filters::{self, Filter, Native};
use crate::host::{PyHost, Reference};
use crate::objects::{self, Raised, Result};
use crate::register::{Obj, Register};
use crate::settings::Settings;
use crate::tests::{self, NativeTest, Test};
use crate::types::Types;

/// What a constant was linked to.
#[derive(Clone)]
pub(crate) enum Linked {
    /// A value that can be shared.
    Value(Register),
    /// Containers that hold something new each time, or are it.
    Tuple(Box<[Linked]>),
    List(Box<[Linked]>),
    Dict(Box<[Linked]>),
}

impl Linked {
    /// The constant's value; lists and dicts are new each time.
    pub(crate) fn make(&self, host: &PyHost) -> Result<Register> {
        let parts = |parts: &[Linked]| -> Result<Vec<Obj>> {
            parts.iter().map(|part| host.object(&part.make(host)?)).collect()
        };
        let object = match self {
            Linked::Value(value) => return Ok(value.clone()),
            Linked::Tuple(items) => objects::tuple(parts(items)?.into_iter().map(Ok))?,
            Linked::List(items) => objects::list(parts(items)?.into_iter().map(Ok))?,
            Linked::Dict(items) => {
                let dict = objects::dict()?;
                for pair in parts(items)?.chunks_exact(2) {
                    objects::dict_set(&dict, &pair[0], &pair[1])?;
                }
                dict
            }
        };
        Ok(Register::object(object))
    }
}

/// Links for one environment.
pub(crate) struct PyLinker<'a> {
    pub(crate) types: &'static Types,
    pub(crate) settings: &'a Settings,
    /// The template was linked before, or the compile that made its code knew all of its filters and tests.
    pub(crate) is_judged: bool,
    /// The functions that were found, to look whether they are still the environment's.
    pub(crate) references: Vec<Reference>,
    /// The first thing that went wrong.
    pub(crate) error: Option<Raised>,
}

impl PyLinker<'_> {
    fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(raised) => {
                // The first one stays in the indicator; nothing that could raise is called after it.
                self.error.get_or_insert(raised);
                None
            }
        }
    }

    fn scalar(&self, strings: Strings<'_>, constant: &Constant) -> Result<Register> {
        let object = match constant {
            Constant::Bool(value) => return Ok(Register::boolean(*value)),
            Constant::Int(value) => return Ok(Register::integer(*value)),
            Constant::BigInt(digits) => objects::integer_of(strings.at(*digits))?,
            Constant::Float(value) => objects::float(*value)?,
            Constant::Str(index) => self.types.name(strings.at(*index))?.object,
            Constant::Markup(index) => {
                objects::subclass_text(&self.types.markup, &objects::text(strings.at(*index))?)?
            }
            Constant::None | Constant::Tuple(_) | Constant::List(_) | Constant::Dict(_) => {
                return Ok(Register::NONE);
            }
        };
        Ok(Register::object(object))
    }

    /// The environment's function of this name, if its table is a dict.
    fn found(&mut self, is_filter: bool, name: &str) -> Option<Obj> {
        let table = if is_filter { &self.settings.filters } else { &self.settings.tests };
        let found = self.types.name(name).and_then(|name| {
            let function = objects::dict_get(table, &name.object, name.hash)?;
            self.references.push(Reference { name, is_filter, function: function.clone() });
            // Jinja asks with `get`: `None` is no function.
            Ok(function.filter(|function| !function.is(&objects::none())))
        });
        self.keep(found).flatten()
    }
}

impl Linker<PyHost> for PyLinker<'_> {
    fn constant(&mut self, strings: Strings<'_>, constant: &Constant, parts: &[Linked]) -> Linked {
        if self.error.is_some() {
            return Linked::Value(Register::NONE);
        }
        match constant {
            Constant::List(_) => Linked::List(parts.into()),
            Constant::Dict(_) => Linked::Dict(parts.into()),
            Constant::Tuple(_) => Linked::Tuple(parts.into()),
            scalar => {
                let value = self.scalar(strings, scalar);
                Linked::Value(self.keep(value).unwrap_or(Register::NONE))
            }
        }
    }
    fn name(&mut self, name: &str) -> Name {
        self.types.name(name).expect("an interned text can be made")
    }
    fn another_name(&mut self, _name: &str, linked: &Name) -> Name {
        linked.clone()
    }
    fn forgives(&self) -> bool {
        self.is_judged
    }
    fn site_kind(&self) -> bool {
        self.settings.fast
    }
    fn reads(&self, reader: &LinkedReader<'_, PyHost>) -> bool {
        // What they do with an undefined value they do with nothing at all, too.
        let needs_no_value = match reader {
            LinkedReader::Test(Test::Function(function)) => {
                matches!(function.native, Some(NativeTest::Defined | NativeTest::Undefined))
            }
            LinkedReader::Filter(Filter::Function(function)) => function.native == Some(Native::Default),
            _ => false,
        };
        let settings = self.settings;
        needs_no_value && settings.fast && settings.plain_undefined && !settings.is_async
    }
    fn filter(&mut self, name: &str) -> Option<Filter> {
        if !objects::is_dict(&self.settings.filters) {
            return named(&self.settings.filters, name).map(Filter::Named);
        }
        let object = self.found(true, name)?;
        let function = filters::Function::new(self.types, object);
        self.keep(function).map(Filter::Function)
    }
    fn test(&mut self, name: &str) -> Option<Test> {
        if !objects::is_dict(&self.settings.tests) {
            return named(&self.settings.tests, name).map(Test::Named);
        }
        let object = self.found(false, name)?;
        let function = tests::Function::new(self.types, object);
        self.keep(function).map(Test::Function)
    }
}

/// A name that a mapping of the user's own has.
fn named(table: &Obj, name: &str) -> Option<Name> {
    let name = Name::new(name).ok()?;
    match objects::contains(table, &name.object) {
        Ok(true) => Some(name),
        Ok(false) => None,
        Err(raised) => {
            // What its `__contains__` fails with, its `__getitem__` will say better.
            raised.clear();
            Some(name)
        }
    }
}
