//! `haiden cache explain`: which cache has a template's bytecode, and why the others do not.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use haiden::Environment;
use haiden::loader::FileSystemLoader;
use haiden_cache::{
    Bucket, BytecodeCache, CacheError, CacheErrorKind, CacheUrl, Tier, TierAnswer, TierOutcome,
    TieredBytecodeCache,
};
use serde_json::json;

use super::{open, print, show};
use crate::Failure;
use crate::render::{Mode, split};

/// Tell which cache has a template's bytecode, and why the others do not.
#[derive(Args)]
pub(super) struct Arguments {
    /// The template's file.
    #[arg(value_name = "TEMPLATE")]
    template: PathBuf,
    /// The caches, in the order in which they are asked.
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// Which templates escape what they print: it is part of the key.
    #[arg(long, value_enum, default_value_t = Mode::Auto, value_name = "MODE")]
    autoescape: Mode,
    #[command(flatten)]
    access: open::Access,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn main(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.template.is_dir() {
        let message =
            format!("{} is a directory: the file of one template is wanted", arguments.template.display());
        return Err(Failure::Usage(message));
    }
    let (directory, name) = split(&arguments.template)?;
    let mut environment = Environment::new();
    environment.set_loader(FileSystemLoader::new(directory));
    environment.set_autoescape(arguments.autoescape);
    let (key, bytes) = environment.content_key(&name).map_err(|error| error.report())?;
    let mut tiers = Vec::new();
    for url in &arguments.urls {
        let cache: Arc<dyn BytecodeCache> = match open::open_existing(url, &arguments.access, true) {
            Ok(opened) => opened.cache,
            // The others may answer all the same.
            Err(Failure::Failed(message)) => Arc::new(Unopened(message)),
            Err(failure) => return Err(failure),
        };
        tiers.push(Tier::new(CacheUrl::without_password(url), cache));
    }
    let answers = TieredBytecodeCache::new(tiers).explain(&key, Some(bytes));
    let found = answers.iter().position(|answer| matches!(answer.outcome, TierOutcome::Hit { .. }));
    let answered_by = found.map(|at| answers[at].name.as_str());
    if arguments.json {
        let tiers: Vec<_> = answers.iter().map(value).collect();
        return print(
            &json!({ "key": key.to_hex(), "answered_by": answered_by, "tiers": tiers }).to_string(),
        );
    }
    let mut lines = vec![format!("key {key}")];
    for (at, answer) in answers.iter().enumerate() {
        let reached =
            if found.is_some_and(|found| at > found) { " (never asked: one above answers)" } else { "" };
        lines.push(format!("{}: {}{reached}", answer.name, outcome(answer)));
    }
    lines.push(match answered_by {
        Some(name) => format!("{name} answers"),
        None => "no cache answers: the template is compiled".to_owned(),
    });
    print(&lines.join("\n"))
}

/// A cache that cannot be opened.
struct Unopened(String);

impl BytecodeCache for Unopened {
    fn load_bytecode(&self, _: &mut Bucket<'_>) -> Result<(), CacheError> {
        Err(CacheError::new(CacheErrorKind::Unavailable, &*self.0))
    }

    fn dump_bytecode(&self, _: &Bucket<'_>) -> Result<(), CacheError> {
        Err(CacheError::new(CacheErrorKind::Unavailable, &*self.0))
    }
}

fn outcome(answer: &TierAnswer) -> String {
    let took = answer.took;
    match &answer.outcome {
        TierOutcome::Hit { bytes, created_at } => {
            let made = show::time(*created_at).map(|time| format!(", made {time}")).unwrap_or_default();
            format!("has it: {bytes} bytes{made}, in {took:.0?}")
        }
        TierOutcome::Absent => format!(
            "does not have it ({took:.0?}): it was never written there, or the source, an option or the version of \
             haiden was another one"
        ),
        TierOutcome::Rejected(reason) => format!("has an entry that is not used: {reason}"),
        TierOutcome::Failed(error) => {
            // What names the cache already need not name it twice.
            let error = error.to_string();
            format!("fails: {}", error.strip_prefix(&format!("{}: ", answer.name)).unwrap_or(&error))
        }
        other => format!("{other:?}"),
    }
}

fn value(answer: &TierAnswer) -> serde_json::Value {
    let (outcome, detail) = match &answer.outcome {
        TierOutcome::Hit { bytes, created_at } => {
            ("hit", json!({ "bytes": bytes, "created_at": show::time(*created_at) }))
        }
        TierOutcome::Absent => ("absent", json!(null)),
        TierOutcome::Rejected(reason) => ("rejected", json!(reason.name())),
        TierOutcome::Failed(error) => ("failed", json!(error.to_string())),
        other => ("other", json!(format!("{other:?}"))),
    };
    json!({ "name": answer.name, "outcome": outcome, "detail": detail, "seconds": answer.took.as_secs_f64() })
}
