//! The road from source to image.

use haiden_bytecode::{Image, assemble};
use haiden_syntax::ast::At;
use haiden_syntax::parse;

use crate::error::{CompileError, ErrorKind};
use crate::options::Options;
use crate::{build, lower, optimize, resolve};

/// Compiles a template.
///
/// # Errors
/// What Jinja2 raises for the same source; a template that is too large for an image.
pub fn compile(source: &str, options: &Options) -> Result<Image, CompileError> {
    let ast = parse(source, &options.syntax)?;
    let scopes = resolve(&ast);
    let ir = optimize(build(&scopes, options)?, options);
    let code = lower(&ir, source, options)?;
    assemble(code).map_err(|error| CompileError::new(ErrorKind::TooLarge, error.0, At::default()))
}
