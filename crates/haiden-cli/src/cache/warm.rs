//! `haiden cache warm`: templates are compiled into a cache before anybody asks for them.

use std::error::Error as _;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use haiden::Environment;
use haiden::loader::FileSystemLoader;
use haiden_cache::{BundleBuilder, BytecodeCache, CacheError, CacheErrorKind, CacheUrl};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{failed, open, print};
use crate::Failure;
use crate::compile::refuse_unless_directories;
use crate::render::Mode;

/// Compile templates into a cache.
#[derive(Args)]
pub(super) struct Arguments {
    /// The cache.
    #[arg(value_name = "URL")]
    url: String,
    /// Directories of templates. Of two templates of one name, that of the earlier directory counts.
    #[arg(required = true, value_name = "DIR")]
    directories: Vec<PathBuf>,
    /// Which templates escape what they print; has to be the same where the cache is used.
    #[arg(long, value_enum, default_value_t = Mode::Auto, value_name = "MODE")]
    autoescape: Mode,
    #[command(flatten)]
    access: open::Access,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn main(arguments: &Arguments) -> Result<(), Failure> {
    refuse_unless_directories(&arguments.directories)?;
    let cache = open::open(&arguments.url, &arguments.access, false)?.cache;
    if cache.is_read_only() {
        return Err(Failure::Usage(format!(
            "{}: it is read-only",
            CacheUrl::without_password(&arguments.url)
        )));
    }
    let mut environment = Environment::new();
    environment.set_loader(FileSystemLoader::with_search_paths(&arguments.directories));
    environment.set_autoescape(arguments.autoescape);
    environment.set_cache_size(0);
    environment.set_bytecode_cache(Some(cache.clone()));
    let names = environment.list_templates().map_err(|error| error.report())?;
    let bar = bar(names.len());
    let mut wrong = 0_u64;
    for name in &names {
        bar.set_message(name.clone());
        if let Err(error) = environment.get_template(name) {
            let (kind, report) = match store_error(&error) {
                // One that does not fit says nothing of the others.
                Some(refusal) if refusal.kind() == CacheErrorKind::TooLarge => {
                    ("left out", format!("{name}: {refusal}"))
                }
                Some(failure) => {
                    bar.finish_and_clear();
                    return Err(failed(&arguments.url, failure));
                }
                // A filter or a test that is not known here does not show in the bytecode.
                None if environment.add_to_bundle(&mut BundleBuilder::new(), name).is_ok() => {
                    ("warning", error.report())
                }
                None => ("left out", error.report()),
            };
            wrong += u64::from(kind == "left out");
            bar.suspend(|| tell(&format!("{kind}: {report}")));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    report(arguments, cache.as_ref(), names.len(), wrong)
}

fn report(
    arguments: &Arguments,
    cache: &dyn BytecodeCache,
    templates: usize,
    wrong: u64,
) -> Result<(), Failure> {
    let figures = cache.statistics();
    let (written, there) = (figures.writes, figures.hits);
    if arguments.json {
        let value =
            json!({ "templates": templates, "written": written, "already_there": there, "left_out": wrong });
        print(&value.to_string())?;
    } else {
        let left_out = if wrong > 0 { format!(", {wrong} left out") } else { String::new() };
        print(&format!("{templates} templates: {written} written, {there} already there{left_out}"))?;
    }
    match wrong {
        0 => Ok(()),
        wrong => Err(Failure::Failed(format!(
            "{}: {wrong} of {templates} templates were left out",
            CacheUrl::without_password(&arguments.url)
        ))),
    }
}

/// What the cache has failed with, if it was the cache.
fn store_error(error: &haiden::Error) -> Option<&CacheError> {
    error.source()?.downcast_ref()
}

/// A bar if somebody watches.
fn bar(templates: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}");
    ProgressBar::new(templates as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn tell(line: &str) {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(io::stderr(), "{line}");
}
