//! The road from source to image.

use haiden_bytecode::{Image, assemble};
use haiden_syntax::ast::At;
use haiden_syntax::parse_with;

use crate::error::{CompileError, ErrorKind};
use crate::options::Options;
use crate::tables::Tables;
use crate::{build, lower, optimize, resolve};

/// Compiles a template.
///
/// # Errors
/// What Jinja2 raises for the same source; a template that is too large for an image.
pub fn compile(source: &str, options: &Options) -> Result<Image, CompileError> {
    let mut tables = Tables::take();
    let ast = parse_with(source, &options.syntax, &mut tables.workspace)?;
    let scopes = resolve::resolve_with(&ast, &mut tables);
    let mut ir = build::build_with(&scopes, options, &mut tables)?;
    optimize(&mut ir, options);
    let mut code = lower::room_for(&ir, source);
    lower::lower_with(&ir, source, options, &mut tables, &mut code)?;
    ir.give_back(&mut tables);
    scopes.give_back(&mut tables);
    tables.workspace.symbols = ast.symbols;
    tables.keep();
    assemble(code).map_err(|error| CompileError::new(ErrorKind::TooLarge, error.0, At::default()))
}
