//! What the compiler's stages make of a source, as text: `haiden dump`.

use haiden_compiler::{build, lower, optimize, resolve};

use crate::environment::Environment;
use crate::error::{Error, ErrorKind};

/// A stage of the compiler.
///
/// ```
/// use haiden::{Environment, Stage};
///
/// let code = Environment::new().dump("{{ a }}", None, Stage::Code)?;
/// println!("{code}");
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The lexer's tokens.
    Tokens,
    /// The parser's tree.
    Ast,
    /// Where each name lives.
    Scopes,
    /// The tree with places, optimised.
    Ir,
    /// The instructions.
    Code,
    /// The image: header, sections, instructions.
    Image,
}

impl Environment {
    /// What a stage makes of a source.
    ///
    /// ```
    /// let environment = haiden::Environment::new();
    /// let tokens = environment.dump("a{{ b }}", None, haiden::Stage::Tokens)?;
    /// assert!(tokens.contains("variable_begin"));
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the source.
    pub fn dump(&self, source: &str, name: Option<&str>, stage: Stage) -> Result<String, Error> {
        // Says what is wrong, with the place; from here on the source is known to compile.
        let image = self.inner.compile(source, name)?;
        let options = self.inner.options(name);
        let identity = self.inner.identity(source, name);
        let source = &*self.inner.preprocess(source, name)?;
        let wrong = |error: &dyn std::fmt::Display| Error::new(ErrorKind::Syntax, error.to_string());
        Ok(match stage {
            Stage::Tokens => haiden_syntax::lex(source, &options.syntax).map_err(|e| wrong(&e))?.dump(),
            Stage::Ast => haiden_syntax::parse(source, &options.syntax).map_err(|e| wrong(&e))?.dump(),
            Stage::Scopes => {
                let ast = haiden_syntax::parse(source, &options.syntax).map_err(|e| wrong(&e))?;
                resolve(&ast).to_string()
            }
            Stage::Ir => {
                let ast = haiden_syntax::parse(source, &options.syntax).map_err(|e| wrong(&e))?;
                let scopes = resolve(&ast);
                let mut ir = build(&scopes, &options).map_err(|e| wrong(&e))?;
                optimize(&mut ir, &options);
                // The instructions prove that the tree can be lowered.
                lower(&ir, source, &options).map_err(|e| wrong(&e))?;
                ir.to_string()
            }
            Stage::Code => haiden_bytecode::disassemble(&image),
            Stage::Image => {
                let bytes = haiden_bytecode::to_bytes(&image, &identity.header());
                haiden_bytecode::describe(&bytes).map_err(|e| wrong(&e))?
            }
        })
    }
}
