//! The declaration of a builtin, and the binding of a call's arguments to it.
//!
//! In: a [`Spec`] and a call's [`Arguments`]. Out: [`Bound`], or the `TypeError` that CPython raises, word for word. A
//! call with positional arguments only allocates nothing.

use std::fmt::Write as _;

use super::host::{BuiltinHost, ErrorClass, ValueKind};
use crate::host::{Arguments, Host};

/// The most parameters that a builtin has besides its value.
pub const MAX_PARAMETERS: usize = 5;

/// A parameter of a builtin.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its default as Python source; `None` if it must be given.
    pub default: Option<&'static str>,
}

/// What Python says of a call that does not fit depends on how the function is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// In Python.
    Python,
    /// In C, with one argument.
    NativeOne,
    /// In C, with two arguments.
    NativeTwo,
    /// A class in C with rules of its own: the host binds its arguments.
    Host,
}

/// Further arguments, beyond the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Further {
    /// None.
    None,
    /// `*items`.
    Items,
    /// `*args, **kwargs`.
    All,
}

/// An example of a documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The template.
    pub template: &'static str,
    /// What it renders, with nothing in its context.
    pub output: String,
}

/// The declaration of a filter, a test or a global function.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Its name.
    pub name: &'static str,
    /// Its other names.
    pub aliases: &'static [&'static str],
    /// The name of Jinja's function, for error messages.
    pub python: &'static str,
    /// How that function is written.
    pub style: Style,
    /// The parameter that Jinja puts before the value (Python, of a class: `self`); empty if none.
    pub injected: &'static str,
    /// The name of the value's parameter; empty for a global function, which has none.
    pub value: &'static str,
    /// The other parameters.
    pub parameters: &'static [Parameter],
    /// Which further arguments are taken.
    pub further: Further,
    /// What it does: one sentence, then examples (`template → output`), a line each.
    pub doc: &'static str,
}

impl Spec {
    /// Its names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
    /// What it does: a sentence.
    pub fn summary(&self) -> &'static str {
        self.doc.lines().next().unwrap_or_default()
    }
    /// Its examples. A line end is written `\n` in a documentation's output.
    pub fn examples(&self) -> impl Iterator<Item = Example> + use<> {
        let lines = self.doc.lines().skip(1);
        lines
            .filter_map(|line| line.split_once(" → "))
            .map(|(template, output)| Example { template, output: output.replace("\\n", "\n") })
    }
    /// The parameters as they are written in a template: `(linecount, fill_with=none)`.
    pub fn signature(&self) -> String {
        let mut out = String::new();
        for parameter in self.parameters {
            let separator = if out.is_empty() { "" } else { ", " };
            out.push_str(separator);
            out.push_str(parameter.name);
            if let Some(default) = parameter.default {
                out.push('=');
                out.push_str(default);
            }
        }
        let further = match self.further {
            Further::None => return out,
            Further::Items => "*items",
            Further::All => "*args, **kwargs",
        };
        out.push_str(if out.is_empty() { "" } else { ", " });
        out.push_str(further);
        out
    }
    /// How many arguments come before the parameters.
    fn before(&self) -> usize {
        usize::from(!self.value.is_empty()) + usize::from(!self.injected.is_empty())
    }
}

/// The arguments of a call, bound to the parameters.
pub struct Bound<H: Host> {
    values: [Option<H::Register>; MAX_PARAMETERS],
    /// Further positional arguments.
    pub rest: Vec<H::Register>,
    /// Further keyword arguments.
    pub keywords: Vec<(String, H::Register)>,
}

impl<H: Host> Bound<H> {
    /// Sets the parameter of this name, if there is one that was not given.
    fn set(&mut self, spec: &Spec, name: &str, value: &H::Register) -> bool {
        let index = spec.parameters.iter().position(|parameter| parameter.name == name);
        match index.and_then(|index| self.values.get_mut(index)) {
            Some(place @ None) => {
                *place = Some(value.clone());
                true
            }
            _ => false,
        }
    }
}

impl<H: BuiltinHost> Bound<H> {
    /// Parameter `index`, if it was given.
    pub fn get(&self, index: usize) -> Option<&H::Register> {
        self.values.get(index)?.as_ref()
    }
    /// Parameter `index`, if it was given and is not `None`.
    pub fn some(&self, host: &H, index: usize) -> Option<&H::Register> {
        self.get(index).filter(|value| host.kind(value) != ValueKind::None)
    }
    /// Parameter `index`, which must be given: the binding has seen to that.
    pub fn required(&self, index: usize) -> H::Register {
        self.get(index).cloned().unwrap_or_else(H::missing)
    }
    /// The truth of parameter `index`.
    pub fn flag(&self, host: &mut H, index: usize, default: bool) -> Result<bool, H::Error> {
        self.get(index).map_or(Ok(default), |value| host.truth(value))
    }
    /// The integer in parameter `index`.
    pub fn index(&self, host: &mut H, index: usize, default: i64) -> Result<i64, H::Error> {
        self.get(index).map_or(Ok(default), |value| host.to_index(value))
    }
}

/// Binds a call's arguments.
///
/// # Errors
/// The `TypeError` of a call that does not fit.
pub fn bind<H: BuiltinHost>(
    host: &mut H,
    spec: &Spec,
    arguments: Arguments<'_, H>,
) -> Result<Bound<H>, H::Error> {
    let mut bound =
        Bound { values: [const { None }; MAX_PARAMETERS], rest: Vec::new(), keywords: Vec::new() };
    let shape = arguments.shape;
    let (positional, mut others) = arguments.values.split_at(shape.positional.min(arguments.values.len()));
    let fits = positional.len() <= spec.parameters.len();
    if shape.is_plain() && (fits || spec.further != Further::None) {
        place(spec, &mut bound, positional.iter().cloned());
        return complete(host, spec, bound, positional.len());
    }
    if fits && !shape.star && !shape.star_star && spec.style == Style::Python {
        place(spec, &mut bound, positional.iter().cloned());
        let named = shape.keywords.iter().zip(others);
        if named.clone().all(|(keyword, value)| bound.set(spec, &keyword.text, value)) {
            return complete(host, spec, bound, positional.len());
        }
        bound.values = [const { None }; MAX_PARAMETERS];
    }
    let mut positional = positional.to_vec();
    let mut keywords: Vec<(String, H::Register)> = Vec::new();
    for (keyword, value) in shape.keywords.iter().zip(others) {
        keywords.push((keyword.text.to_string(), value.clone()));
    }
    others = others.get(shape.keywords.len()..).unwrap_or_default();
    if shape.star
        && let Some((star, left)) = others.split_first()
    {
        positional.extend(host.star(star)?);
        others = left;
    }
    if shape.star_star
        && let Some(star_star) = others.first()
    {
        for (name, value) in host.star_star(star_star)? {
            if keywords.iter().any(|(known, _)| *known == name) {
                let message = format!("{}() got multiple values for keyword argument '{name}'", spec.python);
                return Err(host.error(ErrorClass::Type, message));
            }
            keywords.push((name, value));
        }
    }
    let given = positional.len();
    place(spec, &mut bound, positional.into_iter());
    for (name, value) in keywords {
        bind_keyword(host, spec, &mut bound, name, value)?;
    }
    complete(host, spec, bound, given)
}

fn place<H: Host>(spec: &Spec, bound: &mut Bound<H>, positional: impl Iterator<Item = H::Register>) {
    for (index, value) in positional.enumerate() {
        if index < spec.parameters.len() {
            bound.values[index] = Some(value);
        } else if spec.further != Further::None {
            bound.rest.push(value);
        }
    }
}

fn bind_keyword<H: BuiltinHost>(
    host: &mut H,
    spec: &Spec,
    bound: &mut Bound<H>,
    name: String,
    value: H::Register,
) -> Result<(), H::Error> {
    let python = spec.python;
    let message = if matches!(spec.style, Style::NativeOne | Style::NativeTwo) {
        format!("{}{python}() takes no keyword arguments", module(spec))
    } else if let Some(index) = spec.parameters.iter().position(|p| p.name == name) {
        if bound.values[index].is_none() {
            bound.values[index] = Some(value);
            return Ok(());
        }
        format!("{python}() got multiple values for argument '{name}'")
    } else if !name.is_empty() && (name == spec.value || name == spec.injected) {
        format!("{python}() got multiple values for argument '{name}'")
    } else if spec.further == Further::All {
        bound.keywords.push((name, value));
        return Ok(());
    } else {
        format!("{python}() got an unexpected keyword argument '{name}'")
    };
    Err(host.error(ErrorClass::Type, message))
}

/// Were enough arguments given, and not too many?
fn complete<H: BuiltinHost>(
    host: &mut H,
    spec: &Spec,
    bound: Bound<H>,
    given: usize,
) -> Result<Bound<H>, H::Error> {
    let given_all = given <= spec.parameters.len() || spec.further != Further::None;
    let missing = |index: &usize| spec.parameters[*index].default.is_none() && bound.values[*index].is_none();
    let missing: Vec<usize> = (0..spec.parameters.len()).filter(missing).collect();
    if given_all && missing.is_empty() {
        return Ok(bound);
    }
    let message = match spec.style {
        Style::NativeOne => format!("{}() takes exactly one argument ({} given)", spec.python, given + 1),
        Style::NativeTwo => format!("{} expected 2 arguments, got {}", spec.python, given + 1),
        Style::Python | Style::Host if given_all => missing_message(spec, &missing),
        Style::Python | Style::Host => too_many_message(spec, given),
    };
    Err(host.error(ErrorClass::Type, message))
}

fn module(spec: &Spec) -> &'static str {
    if spec.style == Style::NativeTwo { "_operator." } else { "" }
}

fn missing_message(spec: &Spec, missing: &[usize]) -> String {
    let plural = if missing.len() == 1 { "" } else { "s" };
    let mut message =
        format!("{}() missing {} required positional argument{plural}: ", spec.python, missing.len());
    for (place, &index) in missing.iter().enumerate() {
        let last = place + 1 == missing.len();
        let separator = match (place, last, missing.len()) {
            (0, ..) => "",
            (_, true, 2) => " and ",
            (_, true, _) => ", and ",
            _ => ", ",
        };
        let _ = write!(message, "{separator}'{}'", spec.parameters[index].name);
    }
    message
}

fn too_many_message(spec: &Spec, given: usize) -> String {
    let most = spec.before() + spec.parameters.len();
    let defaults = spec.parameters.iter().filter(|p| p.default.is_some()).count();
    let given = given + spec.before();
    let takes = if defaults > 0 {
        format!("from {} to {most} positional arguments", most - defaults)
    } else {
        format!("{most} positional argument{}", if most == 1 { "" } else { "s" })
    };
    format!("{}() takes {takes} but {given} {} given", spec.python, if given == 1 { "was" } else { "were" })
}

#[cfg(test)]
mod tests {
    use super::{Spec, missing_message, too_many_message};
    use crate::builtins::{FILTER_SPECS, GLOBAL_SPECS};

    fn spec(name: &str) -> &'static Spec {
        let mut specs = FILTER_SPECS.iter().chain(GLOBAL_SPECS);
        specs.find(|spec| spec.name == name).expect("a builtin")
    }

    #[test]
    fn messages() {
        let missing = |name, missing: &[usize]| missing_message(spec(name), missing);
        assert_eq!(missing("batch", &[0]), "do_batch() missing 1 required positional argument: 'linecount'");
        assert_eq!(
            missing("replace", &[0, 1]),
            "do_replace() missing 2 required positional arguments: 'old' and 'new'"
        );
        let too_many = |name, given| too_many_message(spec(name), given);
        assert_eq!(too_many("upper", 1), "do_upper() takes 1 positional argument but 2 were given");
        assert_eq!(too_many("first", 1), "sync_do_first() takes 2 positional arguments but 3 were given");
        assert_eq!(too_many("sort", 4), "do_sort() takes from 2 to 5 positional arguments but 6 were given");
        assert_eq!(
            too_many("lipsum", 5),
            "generate_lorem_ipsum() takes from 0 to 4 positional arguments but 5 were given"
        );
        assert_eq!(
            too_many("joiner", 2),
            "Joiner.__init__() takes from 1 to 2 positional arguments but 3 were given"
        );
    }

    #[test]
    fn signatures() {
        let check = |name, expected| assert_eq!(spec(name).signature(), expected);
        check("upper", "");
        check("batch", "linecount, fill_with=none");
        check("map", "*args, **kwargs");
        check("cycler", "*items");
        check("lipsum", "n=5, html=true, min=20, max=100");
    }

    #[test]
    fn examples() {
        let indent: Vec<_> = spec("indent").examples().map(|example| example.output).collect();
        assert_eq!(indent, ["  - a\n  - b"]);
        assert_eq!(spec("default").examples().count(), 2);
        assert_eq!(spec("upper").summary(), "The text in upper case.");
    }
}
