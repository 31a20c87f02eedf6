//! `haiden cache`: looking into a bytecode cache, filling it, emptying it.
//!
//! In: the URL of a cache. Out: what is in it, as text or JSON. Failures of the cache are errors here, whatever they are to a
//! program that renders. Each command is a function; `open` turns URLs into caches, `show` entries into text.

mod explain;
mod open;
mod show;
mod warm;

use std::error::Error as _;
use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, Subcommand};
use haiden_cache::{
    Bounds, Bucket, BytecodeCache, CacheError, CacheErrorKind, CacheUrl, ClearReach, ContentKey, Opened,
    Rejection,
};
use serde_json::{Value, json};

use self::open::Access;
use crate::Failure;

/// What help says of URLs.
const URLS: &str = "\
Caches:
  DIR, file:DIR                  a directory of entries; `file:` alone is your own default one
  sqlite:FILE                    a file of SQLite's
  bundle:FILE                    what `haiden compile --bundle` made; read-only
  memcached://HOST[:PORT]        a Memcached server; memcached+unix:///SOCKET
  redis://HOST[:PORT][/NUMBER]   a Redis server; redis://USER:PASSWORD@HOST, redis+unix:///SOCKET
  memcacheds://, rediss://HOST[?ca=FILE]   the same over TLS
Options follow a question mark: ?max_bytes=64M&max_entries=5000 for the first two,
?prefix=TEXT&timeout=SECONDS for servers.";

/// Look into a bytecode cache, fill it, empty it.
#[derive(Args)]
#[command(after_help = URLS)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// How many entries there are, how large, how old, how many damaged.
    #[command(after_help = URLS)]
    Stats(One),
    /// List the entries.
    #[command(after_help = URLS)]
    List(One),
    /// Show one entry and the bytecode in it.
    #[command(after_help = URLS)]
    Show {
        #[command(flatten)]
        one: One,
        /// The entry's key, or the beginning of it.
        #[arg(value_name = "KEY")]
        entry: String,
    },
    /// Tell which cache has a template's bytecode, and why the others do not.
    #[command(after_help = URLS)]
    Explain(explain::Arguments),
    /// Check every entry and the bytecode in it; status 1 if one is damaged.
    #[command(after_help = URLS)]
    Verify(One),
    /// Remove entries that were not used for long (directories and SQLite files).
    #[command(after_help = URLS)]
    Gc(Gc),
    /// Delete the entries.
    #[command(after_help = URLS)]
    Clear(One),
    /// Compile templates into the cache.
    #[command(after_help = URLS)]
    Warm(warm::Arguments),
}

/// One cache.
#[derive(Args)]
struct One {
    /// The cache.
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    access: Access,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Gc {
    #[command(flatten)]
    one: One,
    /// Remove what was not used for so many days.
    #[arg(long, value_name = "DAYS")]
    max_age: Option<u64>,
    /// Keep at most so much: bytes, or with K, M, G.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_size: Option<u64>,
    /// Keep at most so many entries.
    #[arg(long, value_name = "NUMBER")]
    max_entries: Option<u64>,
    /// Remove nothing, only tell.
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn main(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Stats(one) => stats(one),
        Command::List(one) => list(one),
        Command::Show { one, entry } => show_entry(one, entry),
        Command::Explain(arguments) => explain::main(arguments),
        Command::Verify(one) => verify(one),
        Command::Gc(arguments) => gc(arguments),
        Command::Clear(one) => clear(one),
        Command::Warm(arguments) => warm::main(arguments),
    }
}

impl One {
    /// To look into it.
    fn open(&self) -> Result<Opened, Failure> {
        open::open_existing(&self.url, &self.access, true)
    }

    /// The URL as messages show it.
    fn shown(&self) -> String {
        CacheUrl::without_password(&self.url)
    }

    /// To change what is there.
    fn open_to_write(&self) -> Result<Opened, Failure> {
        open::open_existing(&self.url, &self.access, false)
    }

    /// Prints the text, or the value with `--json`.
    fn print(&self, text: &str, value: &Value) -> Result<(), Failure> {
        let out = if self.json { &value.to_string() } else { text.trim_end() };
        print(out)
    }
}

/// A line or more on standard output.
fn print(text: &str) -> Result<(), Failure> {
    if text.is_empty() {
        return Ok(());
    }
    writeln!(io::stdout(), "{text}").map_err(|error| Failure::output(&error))
}

/// What went wrong, with what is behind it where the message (Jinja2's) does not say it.
pub(crate) fn why(error: &CacheError) -> String {
    match (error.kind(), error.source()) {
        (CacheErrorKind::UnsafeDirectory, Some(cause)) => format!("{error} ({cause})"),
        _ => error.to_string(),
    }
}

/// What went wrong with a cache. What its URL says already is not said twice.
fn failed(url: &str, error: &CacheError) -> Failure {
    let (shown, why) = (CacheUrl::without_password(url), why(error));
    let why = match why.strip_prefix("cache directory ").unwrap_or(&why).split_once(": ") {
        Some((what, rest)) if shown.contains(what) => rest,
        _ => &why,
    };
    let message = format!("{shown}: {why}");
    match error.kind() {
        CacheErrorKind::Url => Failure::Usage(message),
        _ => Failure::Failed(message),
    }
}

/// How many entries there are and what they take.
#[derive(Default)]
struct Figures {
    entries: u64,
    bytes: u64,
    damaged: u64,
    oldest: Option<std::time::SystemTime>,
    newest: Option<std::time::SystemTime>,
    last_used: Option<std::time::SystemTime>,
}

fn stats(one: &One) -> Result<(), Failure> {
    let Opened { cache, .. } = one.open()?;
    let mut figures = Figures::default();
    let listed = match cache.entries() {
        Ok(entries) => {
            for entry in entries {
                figures.add(entry).map_err(|error| failed(&one.url, &error))?;
            }
            true
        }
        Err(error) if error.kind() == CacheErrorKind::Unsupported => {
            // That it cannot be counted says nothing of whether it is there.
            cache.load_bytecode(&mut Bucket::new("stats", "")).map_err(|error| failed(&one.url, &error))?;
            false
        }
        Err(error) => return Err(failed(&one.url, &error)),
    };
    let statistics = cache.statistics();
    let size = if listed { Some(figures.entries + figures.damaged) } else { statistics.size };
    let text = figures.text(size, listed, statistics.others_can_write);
    let value = json!({
        "size": size,
        "max_size": statistics.max_size,
        "max_bytes": statistics.max_bytes,
        "bytes": listed.then_some(figures.bytes),
        "damaged": listed.then_some(figures.damaged),
        "oldest": show::time(figures.oldest),
        "newest": show::time(figures.newest),
        "last_used": show::time(figures.last_used),
        "others_can_write": statistics.others_can_write,
    });
    one.print(&text, &value)
}

impl Figures {
    fn add(&mut self, entry: Result<haiden_cache::CacheEntry, CacheError>) -> Result<(), CacheError> {
        match entry {
            Ok(entry) => {
                self.entries += 1;
                self.bytes += entry.bytecode.len() as u64;
                self.oldest = [self.oldest, entry.created_at].into_iter().flatten().min();
                self.newest = self.newest.max(entry.created_at);
                self.last_used = self.last_used.max(entry.accessed_at);
            }
            Err(error) if matches!(error.kind(), CacheErrorKind::Rejected(_)) => self.damaged += 1,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn text(&self, size: Option<u64>, listed: bool, others_can_write: bool) -> String {
        let mut text = match size {
            Some(size) => format!("entries    {size}\n"),
            None => "entries    unknown: this store cannot count them\n".to_owned(),
        };
        let mut line = |label: &str, value: Option<String>| {
            text.extend(value.map(|value| format!("{label:<11}{value}\n")));
        };
        line("bytes", listed.then(|| self.bytes.to_string()));
        line("damaged", (self.damaged > 0).then(|| self.damaged.to_string()));
        line("oldest", show::time(self.oldest));
        line("newest", show::time(self.newest));
        line("last used", show::time(self.last_used));
        line("warning", others_can_write.then(|| "others can write here".to_owned()));
        text
    }
}

fn list(one: &One) -> Result<(), Failure> {
    let Opened { cache, .. } = one.open()?;
    let (mut values, mut lines) = (Vec::new(), Vec::new());
    for entry in cache.entries().map_err(|error| failed(&one.url, &error))? {
        match entry {
            Ok(entry) => {
                lines.push(show::line(&entry));
                values.push(show::value(&entry));
            }
            Err(error) => {
                lines.push(format!("damaged: {error}"));
                values.push(json!({ "key": error.key(), "damaged": error.to_string() }));
            }
        }
    }
    one.print(&lines.join("\n"), &Value::Array(values))
}

fn show_entry(one: &One, key: &str) -> Result<(), Failure> {
    let Opened { cache, .. } = one.open()?;
    let mut found = None;
    for entry in cache.entries().map_err(|error| failed(&one.url, &error))? {
        let its_key = match &entry {
            Ok(entry) => &entry.key,
            Err(error) if matches!(error.kind(), CacheErrorKind::Rejected(_)) => {
                error.key().unwrap_or_default()
            }
            Err(error) => return Err(failed(&one.url, error)),
        };
        if its_key.starts_with(key) && found.replace(entry).is_some() {
            return Err(Failure::Usage(format!("several entries' keys begin with {key:?}")));
        }
    }
    let entry =
        found.ok_or_else(|| format!("{}: there is no entry whose key begins with {key:?}", one.shown()))?;
    let entry = entry.map_err(|error| format!("{}: the entry is damaged: {error}", one.shown()))?;
    let described = haiden::describe_image(&entry.bytecode)
        .unwrap_or_else(|reason| format!("the bytecode cannot be used by this version: {reason}\n"));
    let mut value = show::value(&entry);
    value["image"] = Value::String(described.clone());
    one.print(&format!("{}\n{described}", show::long(&entry)), &value)
}

fn verify(one: &One) -> Result<(), Failure> {
    let Opened { cache, .. } = one.open()?;
    let (mut sound, mut problems) = (0_u64, Vec::new());
    for entry in cache.entries().map_err(|error| failed(&one.url, &error))? {
        match entry {
            Ok(entry) => match (haiden::check_image(&entry.bytecode), one.access.has_keys()) {
                (Err(reason), _) => problems.push(format!("{}: bytecode: {reason}", entry.key)),
                // A listing shows what lies there, whoever wrote it: that a key has signed it shows when it is asked for.
                (Ok(()), true) => {
                    match refusal(cache.as_ref(), &entry.key).map_err(|error| failed(&one.url, &error))? {
                        Some(reason) => problems.push(format!("{}: {reason}", entry.key)),
                        None => sound += 1,
                    }
                }
                (Ok(()), false) => sound += 1,
            },
            Err(error) if matches!(error.kind(), CacheErrorKind::Rejected(_)) => {
                problems.push(error.to_string());
            }
            Err(error) => return Err(failed(&one.url, &error)),
        }
    }
    let text = format!("{}\n{sound} sound, {} not", problems.join("\n"), problems.len());
    one.print(text.trim_start(), &json!({ "sound": sound, "problems": problems }))?;
    match problems.len() {
        0 => Ok(()),
        count => Err(Failure::Failed(format!(
            "{}: {count} of {} entries would be misses",
            one.shown(),
            sound + count as u64
        ))),
    }
}

/// Why the entry of this key is no hit, if it is none.
fn refusal(cache: &dyn BytecodeCache, key: &str) -> Result<Option<Rejection>, CacheError> {
    let Some(key) = ContentKey::from_hex(key) else { return Ok(None) };
    let mut bucket = Bucket::new("", "").with_content_key(key);
    cache.load_bytecode(&mut bucket)?;
    Ok(bucket.rejection())
}

fn gc(arguments: &Gc) -> Result<(), Failure> {
    let one = &arguments.one;
    let named = CacheUrl::parse(&one.url).map_err(|error| failed(&one.url, &error))?;
    if !matches!(named, CacheUrl::Directory(..) | CacheUrl::Sqlite(..)) {
        return Err(Failure::Usage(format!(
            "{}: only directories and SQLite files are collected; servers drop entries by themselves",
            one.shown()
        )));
    }
    let named = named.bounds();
    let bounds = Bounds {
        max_age: arguments.max_age.map(|days| Duration::from_secs(days.saturating_mul(24 * 3600))),
        max_bytes: arguments.max_size.or(named.max_bytes),
        max_entries: arguments.max_entries.or(named.max_entries),
    };
    if bounds.is_unbounded() {
        return Err(Failure::Usage(
            "name a bound: --max-age, --max-size or --max-entries, or one in the URL (`?max_bytes=64M`)"
                .to_owned(),
        ));
    }
    let Opened { cache, .. } = one.open_to_write()?;
    let done = cache.collect(&bounds, arguments.dry_run).map_err(|error| failed(&one.url, &error))?;
    let verb = if arguments.dry_run { "would remove" } else { "removed" };
    let over = bounds.max_entries.is_some_and(|max| done.kept > max)
        || bounds.max_bytes.is_some_and(|max| done.kept_bytes > max);
    // What could not be removed is told below.
    let spared = over && done.failed == 0;
    let text = format!(
        "{verb} {} entries ({} bytes), {} stay ({} bytes){}",
        done.removed,
        done.removed_bytes,
        done.kept,
        done.kept_bytes,
        if spared { ": what was written or used within the last minute is not removed" } else { "" }
    );
    let value = json!({
        "removed": done.removed,
        "removed_bytes": done.removed_bytes,
        "kept": done.kept,
        "kept_bytes": done.kept_bytes,
        "failed": done.failed,
        "dry_run": arguments.dry_run,
    });
    one.print(&text, &value)?;
    match done.failed {
        0 => Ok(()),
        failed => Err(Failure::Failed(format!("{}: {failed} entries could not be removed", one.shown()))),
    }
}

fn clear(one: &One) -> Result<(), Failure> {
    let Opened { cache, .. } = one.open_to_write()?;
    let cleared = cache.clear().map_err(|error| failed(&one.url, &error))?;
    let count = cleared.removed.map_or_else(|| "the".to_owned(), |removed| removed.to_string());
    let (reach, text) = match cleared.reach {
        ClearReach::Deletes => ("deletes", format!("deleted {count} entries")),
        ClearReach::Invalidates => {
            let text = "no entry is found any more; their bytes remain in the store until it drops them";
            ("invalidates", text.to_owned())
        }
        ClearReach::Nothing => ("nothing", "this store cannot be cleared".to_owned()),
    };
    let value = json!({ "reach": reach, "removed": cleared.removed, "failed": cleared.failed });
    one.print(&text, &value)?;
    match (cleared.reach, cleared.failed) {
        (ClearReach::Nothing, _) => Err(Failure::Failed(format!("{}: nothing was cleared", one.shown()))),
        (_, 0) => Ok(()),
        (_, failed) => {
            Err(Failure::Failed(format!("{}: {failed} entries could not be deleted", one.shown())))
        }
    }
}

/// A number of bytes: `1000`, `64K`, `2M`, `1G`.
fn size(text: &str) -> Result<u64, String> {
    Bounds::parse_bytes(text).ok_or_else(|| "a number of bytes, or one with K, M or G, is wanted".to_owned())
}
