//! `haiden dump`: what a stage of the compiler makes of a template.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use haiden::{AutoEscape, Environment, Stage};

use crate::Failure;

/// Show what a stage of the compiler makes of a template.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The template; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Which stage to show.
    #[arg(long, value_enum, default_value_t = StageName::Code)]
    stage: StageName,
    /// Compile with autoescape on. [default: by the file's extension]
    #[arg(long)]
    autoescape: Option<bool>,
}

#[derive(Clone, Copy, ValueEnum)]
enum StageName {
    /// What the lexer yields.
    Tokens,
    /// The tree.
    Ast,
    /// Where each name lives.
    Scopes,
    /// The intermediate form, optimised.
    Ir,
    /// The instructions.
    Code,
    /// The image: header, sections, instructions.
    Image,
}

pub(crate) fn main(arguments: &Arguments) -> Result<(), Failure> {
    let shown = arguments.file.display().to_string();
    let source = if shown == "-" {
        io::read_to_string(io::stdin())
    } else if arguments.file.is_file() {
        std::fs::read_to_string(&arguments.file)
    } else {
        return Err(Failure::Failed(format!("{shown}: there is no such file")));
    };
    let source = source.map_err(|error| format!("cannot read {shown}: {error}"))?;
    let mut environment = Environment::new();
    environment.set_autoescape(match arguments.autoescape {
        None => AutoEscape::by_extension(),
        Some(true) => AutoEscape::On,
        Some(false) => AutoEscape::Off,
    });
    let stage = match arguments.stage {
        StageName::Tokens => Stage::Tokens,
        StageName::Ast => Stage::Ast,
        StageName::Scopes => Stage::Scopes,
        StageName::Ir => Stage::Ir,
        StageName::Code => Stage::Code,
        StageName::Image => Stage::Image,
    };
    let text = environment.dump(&source, Some(&shown), stage).map_err(|error| error.report())?;
    writeln!(io::stdout(), "{}", text.trim_end()).map_err(|error| Failure::output(&error))
}
