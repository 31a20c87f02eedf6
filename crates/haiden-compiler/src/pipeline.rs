//! The road from source to image.

use haiden_bytecode::ops::Kind;
use haiden_bytecode::{Code, Image, Op, assemble};
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
    let image =
        assemble(code).map_err(|error| CompileError::new(ErrorKind::TooLarge, error.0, At::default()))?;
    debug_assert!(
        get_attr_has_sites_of_its_own(&image),
        "an attribute site that is read has another instruction"
    );
    Ok(image)
}

/// Linking takes what one `GetAttr` does with an attribute site for all that is done with it.
fn get_attr_has_sites_of_its_own(image: &Image) -> bool {
    let mut sites: Vec<(u32, bool)> = Vec::new();
    for word in image.code().iter() {
        let Some(op) = Op::from_code(word as u8) else { continue };
        let operands = op.info().operands.iter().filter(|(_, kind)| *kind == Kind::Site);
        sites.extend(operands.map(|(field, _)| (field.of(word), op == Op::GetAttr)));
    }
    sites.sort_unstable();
    sites.windows(2).all(|pair| pair[0].0 != pair[1].0 || !(pair[0].1 || pair[1].1))
}
