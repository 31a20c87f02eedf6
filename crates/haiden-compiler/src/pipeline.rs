//! The road from source to image.

use haiden_bytecode::{Code, Image, assemble};
use haiden_syntax::ast::{Ast, At};
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
    let code = code_of(&ast, source, options, &mut tables)?;
    tables.workspace.symbols = ast.symbols;
    tables.workspace.texts = ast.texts.emptied();
    tables.keep();
    image(code)
}

/// Compiles a tree that was made elsewhere. Its offsets only say which node comes before which.
///
/// # Errors
/// What Jinja2 raises for the same tree; a template that is too large for an image.
pub fn compile_ast(ast: &Ast<'_>, options: &Options) -> Result<Image, CompileError> {
    let mut tables = Tables::take();
    let code = code_of(ast, "", options, &mut tables)?;
    tables.keep();
    image(code)
}

fn code_of(
    ast: &Ast<'_>,
    source: &str,
    options: &Options,
    tables: &mut Tables,
) -> Result<Code, CompileError> {
    let scopes = resolve::resolve_with(ast, tables);
    let mut ir = build::build_with(&scopes, options, tables)?;
    optimize(&mut ir, options);
    let mut code = lower::room_for(&ir, source);
    lower::lower_with(&ir, source, options, tables, &mut code)?;
    ir.give_back(tables);
    scopes.give_back(tables);
    Ok(code)
}

fn image(code: Code) -> Result<Image, CompileError> {
    assemble(code).map_err(|error| CompileError::new(ErrorKind::TooLarge, error.0, At::default()))
}
