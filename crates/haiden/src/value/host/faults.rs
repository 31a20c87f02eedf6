//! What errors say: faults of the machine, reasons for undefined values, templates that are missing, places.

use std::sync::Arc;

use haiden_bytecode::FunctionKind;
use haiden_runtime::{Fault, Host, Program, TraceFrame, Undefined};

use crate::error::{Error, ErrorKind, Place};
use crate::template::Template;
use crate::value::heap::Reason;
use crate::value::host::NativeHost;
use crate::value::host::undefined::quoted;
use crate::value::object::Foreign;
use crate::value::word::Word;

type Result<T> = std::result::Result<T, Error>;

/// Why a value is undefined.
pub(super) fn reason(why: Undefined<'_>) -> Reason {
    match why {
        Undefined::Name(name) => Reason::Name(name.into()),
        Undefined::Parameter(name) => {
            let name = quoted(name);
            Reason::Hint(format!("parameter {name} was not provided").into())
        }
        Undefined::Hint(hint) => Reason::Hint(hint.into()),
        Undefined::NoElse(position) => Reason::Plain(
            format!(
                "the inline if-expression on {position} evaluated to false and no else section was defined."
            )
            .into(),
        ),
        Undefined::NoParentBlock(name) => {
            let name = quoted(name);
            Reason::Hint(format!("there is no parent block called {name}.").into())
        }
        Undefined::NoCaller => Reason::Hint("No caller defined".into()),
        Undefined::NoExport { template, position, name } => {
            let (template, name) = (quoted(template), quoted(name));
            Reason::Hint(
                    format!(
                        "the template {template} (imported on {position}) does not export the requested name {name}"
                    )
                    .into(),
                )
        }
        Undefined::NoPreviousItem => Reason::Hint("there is no previous item".into()),
        Undefined::NoNextItem => Reason::Hint("there is no next item".into()),
    }
}

/// The error for something that went wrong in the machine itself.
#[cold]
pub(super) fn error(fault: Fault<'_>) -> Error {
    let named = |name: Option<&str>| name.map_or_else(|| "None".to_owned(), quoted);
    let (kind, message) = match fault {
        Fault::NoFilter(name) => (ErrorKind::Runtime, format!("No filter named {} found.", quoted(name))),
        Fault::NoTest(name) => (ErrorKind::Runtime, format!("No test named {} found.", quoted(name))),
        Fault::NotANamespace => {
            (ErrorKind::Runtime, "cannot assign attribute on non-namespace object".to_owned())
        }
        Fault::TooManyArguments { name, takes } => {
            (ErrorKind::Type, format!("macro {} takes not more than {takes} argument(s)", named(name)))
        }
        Fault::UnexpectedKeyword { name, keyword } => {
            let keyword = quoted(keyword);
            (ErrorKind::Type, format!("macro {} takes no keyword argument {keyword}", named(name)))
        }
        Fault::DuplicateArgument { name, argument } => {
            let argument = quoted(argument);
            (ErrorKind::Type, format!("macro {} got two values for argument {argument}", named(name)))
        }
        Fault::KeywordTwice(name) => (
            ErrorKind::Type,
            format!("jinja2.runtime.Context.call() got multiple values for keyword argument '{name}'"),
        ),
        Fault::UnexpectedCaller { name } => (
            ErrorKind::Type,
            format!(
                "macro {} was invoked with two values for the special caller argument. This is most likely a bug.",
                named(name)
            ),
        ),
        Fault::ExtendedTwice => (ErrorKind::Runtime, "extended multiple times".to_owned()),
        Fault::RequiredBlock(name) => {
            (ErrorKind::Runtime, format!("Required block {} not found", quoted(name)))
        }
        Fault::WrongArguments(message) => (ErrorKind::Type, message.to_owned()),
        Fault::NotRecursive => (
            ErrorKind::Type,
            "The loop must have the 'recursive' marker to be called recursively.".to_owned(),
        ),
        Fault::EmptyCycle => (ErrorKind::Type, "no items for cycling given".to_owned()),
        Fault::TooDeep => (ErrorKind::Recursion, "maximum recursion depth exceeded".to_owned()),
        Fault::OutputLimit(limit) => {
            (ErrorKind::Limit, format!("the output is larger than the limit of {limit} bytes"))
        }
        Fault::OutOfFuel => (ErrorKind::Limit, "the render has used up its fuel".to_owned()),
        Fault::BadImage(what) => (ErrorKind::Bytecode, format!("the bytecode is wrong: {what}")),
    };
    Error::new(kind, message)
}

/// Is it the name that is undefined?
fn is_undefined(name: Word, error: &Error) -> bool {
    matches!(name, Word::Undefined(_)) && error.kind() == ErrorKind::Undefined
}

impl NativeHost {
    /// The program of a template that was loaded before, if the value is one.
    pub(super) fn loaded_template(&self, word: Word) -> Option<Arc<Program<NativeHost>>> {
        let Word::Foreign { slot, index } = word else { return None };
        let Foreign::Object(object) = self.foreign(slot, index) else { return None };
        let any: &dyn std::any::Any = &**object;
        any.downcast_ref::<Template>().map(|template| template.program.clone())
    }

    /// The first template of a list of names that exists.
    pub(super) fn first_of(
        &mut self,
        names: Word,
        from: &Arc<Program<NativeHost>>,
        missing: impl Fn(&Error) -> bool,
    ) -> Result<Arc<Program<NativeHost>>> {
        let names = if self.is_true(names)? { self.items_of(names)? } else { Vec::new() };
        let mut shown: Vec<String> = Vec::new();
        for &name in &names {
            match self.template(&name, from) {
                Ok(program) => return Ok(program),
                Err(error) if missing(&error) || is_undefined(name, &error) => {
                    let mut text = String::new();
                    match name {
                        Word::Undefined(index) => text = self.undefined_message(index),
                        other => self.show(&mut text, other)?,
                    }
                    shown.push(text);
                }
                Err(error) => return Err(error),
            }
        }
        let message = if names.is_empty() {
            "Tried to select from an empty list of templates.".to_owned()
        } else {
            format!("none of the templates given were found: {}", shown.join(", "))
        };
        Err(Error::new(ErrorKind::TemplatesNotFound, message))
    }

    pub(super) fn place_of_frame(&self, frame: &TraceFrame) -> Place {
        let program = self.programs.iter().find(|known| known.program.name() == frame.template.as_ref());
        let source_line = program.and_then(|known| {
            let line = frame.line.checked_sub(1)? as usize;
            known.program.extra().source.lines().nth(line).map(str::to_owned)
        });
        let name = frame.name.as_deref().unwrap_or_default();
        let what = match frame.function {
            FunctionKind::Root => String::new(),
            FunctionKind::Block => format!("block '{name}'"),
            FunctionKind::Macro => format!("macro '{name}'"),
            FunctionKind::CallBlock => "a call block".to_owned(),
            FunctionKind::Loop => "a recursive loop".to_owned(),
            FunctionKind::Overlay => "an overlay scope".to_owned(),
        };
        Place { template: frame.template.clone(), line: frame.line, column: frame.column, what, source_line }
    }
}
