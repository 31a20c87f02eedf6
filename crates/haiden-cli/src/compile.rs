//! `haiden compile`: a directory of templates becomes one file, a bundle.
//!
//! Every template is compiled before a byte is written, and the file is replaced whole: if one template is wrong, the old
//! bundle stays, and all that is wrong is told at once. The same templates and options give the same bytes.

use std::io::{self, Write};
use std::path::PathBuf;

use haiden::Environment;
use haiden::loader::FileSystemLoader;
use haiden_cache::{BundleBuilder, KeyRing};

use crate::Failure;
use crate::render::Mode;

/// Compile the templates of a directory into one file, a bundle.
///
/// `haiden render --bundle FILE`, and `Bundle::open` in a program, use it. Without --sealed the bundle is checked against
/// the sources: where one has changed, it is compiled. A sealed bundle needs no sources.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Directories of templates. Of two templates of one name, that of the earlier directory counts.
    #[arg(required = true, value_name = "DIR")]
    directories: Vec<PathBuf>,
    /// The file to write.
    #[arg(long, required = true, value_name = "FILE")]
    bundle: PathBuf,
    /// Let templates be rendered from the bundle alone, without their sources.
    #[arg(long)]
    sealed: bool,
    /// A file of secrets, one a line: the bundle is signed with the first.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Only files with this extension. May be given several times. [default: all files]
    #[arg(long, value_name = "EXT")]
    extension: Vec<String>,
    /// Which templates escape what they print; has to be the same where the bundle is used.
    #[arg(long, value_enum, default_value_t = Mode::Auto, value_name = "MODE")]
    autoescape: Mode,
    /// Leave out templates that cannot be compiled instead of failing.
    #[arg(long)]
    skip_errors: bool,
}

pub(crate) fn main(arguments: &Arguments) -> Result<(), Failure> {
    refuse_unless_directories(&arguments.directories)?;
    let mut environment = Environment::new();
    environment.set_loader(FileSystemLoader::with_search_paths(&arguments.directories));
    environment.set_autoescape(arguments.autoescape);
    let mut names = environment.list_templates().map_err(|error| error.report())?;
    names.retain(|name| arguments.takes(name));
    if names.is_empty() {
        return Err(Failure::Failed("there is no template to compile".to_owned()));
    }
    let mut builder = BundleBuilder::new().sealed(arguments.sealed);
    if let Some(path) = &arguments.key {
        builder = builder.signed_by(KeyRing::from_file(path).map_err(|error| error.to_string())?);
    }
    let mut wrong = Vec::new();
    for name in &names {
        if let Err(error) = environment.add_to_bundle(&mut builder, name) {
            wrong.push(error.report());
        } else if let Err(error) = environment.get_template(name) {
            // A filter or a test that the program which uses the bundle may well have.
            tell(&format!("warning: {}", error.report()));
        }
    }
    if !arguments.skip_errors && !wrong.is_empty() {
        return Err(Failure::Failed(wrong.join("\nerror: ")));
    }
    for report in &wrong {
        tell(&format!("left out: {report}"));
    }
    builder.write(&arguments.bundle).map_err(|error| error.to_string())?;
    let size = std::fs::metadata(&arguments.bundle).map_or(0, |metadata| metadata.len());
    let kind = if arguments.sealed { "sealed" } else { "checked against the sources" };
    let path = arguments.bundle.display();
    writeln!(io::stdout(), "{path}: {} templates, {size} bytes, {kind}", builder.len())
        .map_err(|error| Failure::output(&error))
}

/// Templates are compiled a directory at a time.
pub(crate) fn refuse_unless_directories(directories: &[PathBuf]) -> Result<(), Failure> {
    match directories.iter().find(|directory| !directory.is_dir()) {
        None => Ok(()),
        Some(file) if file.exists() => Err(Failure::Usage(format!(
            "{}: it is no directory: those of the templates are wanted",
            file.display()
        ))),
        Some(absent) => Err(Failure::Usage(format!("{}: there is no such directory", absent.display()))),
    }
}

impl Arguments {
    fn takes(&self, name: &str) -> bool {
        let ends_in = |extension: &String| {
            let extension = extension.trim_start_matches('.');
            name.strip_suffix(extension).is_some_and(|stem| stem.ends_with('.'))
        };
        self.extension.is_empty() || self.extension.iter().any(ends_in)
    }
}

fn tell(line: &str) {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(io::stderr(), "{line}");
}
