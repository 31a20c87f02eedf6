//! The toy host: the smallest world of values that speaks the whole `Host` trait.
//!
//! Values are text, integers, lists, tuples and dicts; errors are text. It suspends at *every* verb that may suspend:
//! the first call of a verb only asks, the second one answers. So whatever the machine does around a verb must survive
//! being stopped there, or the corpus shows it. It is also the trait's executable documentation: read `host` next to
//! `haiden_runtime::host`.

mod host;
mod value;

use std::rc::Rc;
use std::sync::Arc;

use haiden_bytecode::{Constant, Image, Strings};
use haiden_runtime::{Chain, Limits, LinkError, Linker, Program, Step, Vm, link};

pub use host::{ToyContext, ToyHost};
pub use value::Toy;

/// What a toy verb fails with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToyError {
    /// No error: come back.
    Suspended,
    /// What went wrong.
    Message(String),
    /// The template needs something that the toy does not have.
    Unsupported(&'static str),
}

impl From<&str> for ToyError {
    fn from(message: &str) -> ToyError {
        ToyError::Message(message.to_owned())
    }
}

/// A filter or test of the toy.
pub type ToyFunction = fn(&Toy, &[Toy]) -> Result<Toy, ToyError>;

/// Links images for the toy.
#[derive(Debug, Default)]
pub struct ToyLinker;

impl Linker<ToyHost> for ToyLinker {
    fn constant(&mut self, strings: Strings<'_>, constant: &Constant, parts: &[Toy]) -> Toy {
        match constant {
            Constant::None => Toy::None,
            Constant::Bool(value) => Toy::Bool(*value),
            Constant::Int(value) => Toy::Int(*value),
            Constant::BigInt(_) | Constant::Float(_) => {
                Toy::Unsupported("numbers that are not small integers")
            }
            Constant::Str(index) => Toy::text(strings.at(*index)),
            Constant::Markup(index) => Toy::Str(Rc::from(strings.at(*index)), true),
            Constant::Tuple(_) => Toy::Tuple(parts.into()),
            Constant::List(_) => Toy::list(parts.to_vec()),
            Constant::Dict(_) => Toy::dict(parts),
        }
    }
    fn name(&mut self, name: &str) -> Rc<str> {
        name.into()
    }
    fn site_kind(&self) {}
    fn filter(&mut self, name: &str) -> Option<ToyFunction> {
        value::filter(name)
    }
    fn test(&mut self, name: &str) -> Option<ToyFunction> {
        value::test(name)
    }
}

/// Links an image for the toy.
///
/// # Errors
/// [`LinkError`] if it uses a filter or test that the toy does not have.
pub fn link_toy(image: Arc<Image>, name: Option<&str>) -> Result<Arc<Program<ToyHost>>, LinkError> {
    link(image, name.map(Arc::from), (), &mut ToyLinker).map(Arc::new)
}

/// Renders a program to the end, resuming it after every suspension. Returns the page and how often it was stopped.
///
/// # Errors
/// What the render fails with.
pub fn render_toy(
    host: &mut ToyHost,
    program: &Arc<Program<ToyHost>>,
    variables: Vec<(String, Toy)>,
) -> Result<(String, usize), ToyError> {
    render_toy_in(host, program, ToyContext::new(program, variables))
}

/// As [`render_toy`], in a context made before.
///
/// # Errors
/// What the render fails with.
pub fn render_toy_in(
    host: &mut ToyHost,
    program: &Arc<Program<ToyHost>>,
    context: ToyContext,
) -> Result<(String, usize), ToyError> {
    let mut out = String::new();
    let mut vm = Vm::new(host, program, context, Limits::default())?;
    let mut stops = 0;
    loop {
        match vm.resume(host, &mut out) {
            Step::Done => return Ok((out, stops)),
            Step::Err(error) => return Err(error),
            Step::Await(_) | Step::Chunk => stops += 1,
        }
    }
}

/// The chain of one program, for contexts made outside the machine.
pub(crate) fn chain_of(program: &Arc<Program<ToyHost>>) -> Arc<Chain<ToyHost>> {
    Chain::of(program)
}
