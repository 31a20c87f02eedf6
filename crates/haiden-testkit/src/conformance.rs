//! Conformance: the recorded cases on every host and path.
//!
//! In: files of cases (`corpus/render/*.json`; the format is that of the recordings: options, templates and a context,
//! and what Jinja2 3.1.6 makes of them). Out: for each host and path how many passed, and what differs. Known failures
//! stand in `corpus/ledger.toml` with a reason, per host; a line that passes, or that names no case, is an error.

mod environment;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use haiden::{Error, Value};
use serde::Deserialize;
use serde_json::Value as Json;

pub use self::environment::environment;
use crate::awaiting;
use crate::toy::{Toy, ToyContext, ToyError, ToyHost, link_toy, render_toy_in};

/// A recorded case.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the recording's own names; see `docs/conformance.md`")]
pub struct Case {
    pub name: String,
    pub template: String,
    #[serde(default)]
    pub context: Json,
    #[serde(default)]
    pub options: BTreeMap<String, Json>,
    #[serde(default)]
    pub templates: BTreeMap<String, String>,
    pub entry: Option<String>,
    pub environment: Option<String>,
    pub setup: Option<Json>,
    pub policies: Option<Json>,
    /// Text; another value for native types.
    pub expected: Option<Json>,
    pub expected_type: Option<String>,
    pub expected_repr: Option<String>,
    pub expected_chunks: Option<Vec<String>>,
    pub error: Option<String>,
    pub error_message: Option<String>,
    pub error_lineno: Option<u32>,
    pub renders: Option<u32>,
    pub artifact: Option<Json>,
}

/// A host and a path through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    /// Native values, compiled afresh.
    Native,
    /// Native values, through an image's bytes.
    NativeImage,
    /// Native values, without optimisation.
    NativePlain,
    /// Native values, where every variable and every template has to be awaited.
    NativeAwaiting,
    /// The toy host, which suspends at every verb that may.
    Toy,
}

impl Runner {
    /// All of them.
    pub const ALL: [Runner; 5] =
        [Runner::Native, Runner::NativeImage, Runner::NativePlain, Runner::NativeAwaiting, Runner::Toy];

    /// What reports call it.
    pub const fn name(self) -> &'static str {
        match self {
            Runner::Native => "native, fresh",
            Runner::NativeImage => "native, image",
            Runner::NativePlain => "native, unoptimised",
            Runner::NativeAwaiting => "native, awaiting",
            Runner::Toy => "toy, suspending",
        }
    }

    /// The host, as the ledger calls it.
    pub const fn host(self) -> &'static str {
        match self {
            Runner::Native | Runner::NativeImage => "native",
            Runner::NativePlain => "unoptimised",
            Runner::NativeAwaiting => "awaiting",
            Runner::Toy => "toy",
        }
    }
}

/// What came of a case.
enum Outcome {
    Pass,
    Fail(String),
    /// The toy does not have what the case needs.
    Beyond,
}

/// The counts of one runner.
#[derive(Debug, Default)]
pub struct Tally {
    /// Cases that gave what was recorded.
    pub passed: usize,
    /// Cases that the ledger lists.
    pub known: usize,
    /// Cases that the host cannot express (the toy only).
    pub beyond: usize,
    /// Everything else, with what differs.
    pub failures: Vec<String>,
    /// How many cases there are.
    pub total: usize,
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The cases of a file.
///
/// # Errors
/// The file cannot be read or is no list of cases.
pub fn cases_of(path: &Path) -> Result<Vec<Case>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The cases of the corpus, in the order of file names.
///
/// # Errors
/// As [`cases_of`].
pub fn corpus() -> Result<Vec<Case>, String> {
    let folder = root().join("corpus/render");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        cases.extend(cases_of(&path)?);
    }
    Ok(cases)
}

/// Known failures by case, and why, of one host.
pub type Ledger = BTreeMap<String, String>;

/// The ledger of a host: `native`, `unoptimised` or `awaiting` (which have all of native's), or `toy`.
///
/// # Errors
/// The file cannot be read.
pub fn ledger(host: &str) -> Result<Ledger, String> {
    let path = root().join("corpus/ledger.toml");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut all: BTreeMap<String, Ledger> =
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut known = all.remove(host).unwrap_or_default();
    if matches!(host, "unoptimised" | "awaiting") {
        known.extend(all.remove("native").unwrap_or_default());
    }
    Ok(known)
}

/// Runs cases. `ledger`: the known failures; with `whole`, a line of it that names no case is an error.
pub fn run(runner: Runner, cases: &[Case], ledger: &Ledger, whole: bool) -> Tally {
    let mut tally = Tally { total: cases.len(), ..Tally::default() };
    let mut unseen: BTreeMap<&str, &str> = ledger.iter().map(|(name, why)| (&**name, &**why)).collect();
    for case in cases {
        let why = unseen.remove(&*case.name);
        match (outcome(runner, case), why) {
            (Outcome::Pass, None) => tally.passed += 1,
            (Outcome::Pass, Some(why)) => {
                tally
                    .failures
                    .push(format!("{}: passes now; strike its line in the ledger ({why})", case.name));
            }
            (Outcome::Fail(_), Some(_)) => tally.known += 1,
            (Outcome::Beyond, _) => tally.beyond += 1,
            (Outcome::Fail(difference), None) => tally.failures.push(format!("{}: {difference}", case.name)),
        }
    }
    if whole {
        tally
            .failures
            .extend(unseen.keys().map(|name| format!("{name}: stands in the ledger but is no case")));
    }
    tally
}

fn outcome(runner: Runner, case: &Case) -> Outcome {
    match runner {
        Runner::Toy => toy(case),
        Runner::NativeAwaiting => match native_awaiting(case) {
            Ok(()) => Outcome::Pass,
            Err(difference) => Outcome::Fail(difference),
        },
        _ => match native(runner, case) {
            Ok(()) => Outcome::Pass,
            Err(difference) => Outcome::Fail(difference),
        },
    }
}

fn native(runner: Runner, case: &Case) -> Result<(), String> {
    let mut environment = environment(case)?;
    if runner == Runner::NativePlain {
        environment.set_optimized(false);
    }
    let context = Value::from_serialize(&case.context).map_err(|error| error.to_string())?;
    let render = || -> Result<String, Error> {
        let template = match &case.entry {
            Some(entry) => environment.get_template(entry)?,
            None if runner == Runner::NativeImage => {
                let bytes = environment.compile_to_image(None, &case.template)?;
                environment.load_image(None, &bytes)?
            }
            None => environment.template_from_str(&case.template)?,
        };
        if case.expected_repr.is_some() {
            return Ok(format!("{:?}", template.render_native(&context)?));
        }
        if case.expected_chunks.is_some() && runner != Runner::NativePlain {
            let chunks = template.stream(&context)?.collect::<Result<Vec<String>, Error>>()?;
            return Ok(format!("{chunks:?}"));
        }
        let mut page = String::new();
        for _ in 0..case.renders.unwrap_or(1) {
            page = template.render(&context)?;
        }
        Ok(page)
    };
    judge(runner, case, render())
}

fn native_awaiting(case: &Case) -> Result<(), String> {
    let mut environment = environment(case)?;
    awaiting::load_later(&mut environment, case.templates.clone());
    let render = async || -> Result<String, Error> {
        let context = awaiting::variables(&case.context)?;
        let template = match &case.entry {
            Some(entry) => environment.get_template_async(entry).await?,
            None => environment.template_from_str(&case.template)?,
        };
        if case.expected_repr.is_some() {
            return Ok(format!("{:?}", template.render_native_async(&context).await?));
        }
        if case.expected_chunks.is_some() {
            let (mut stream, mut chunks) = (template.stream_async(&context)?, Vec::new());
            while let Some(chunk) = stream.next_chunk().await {
                chunks.push(chunk?);
            }
            return Ok(format!("{chunks:?}"));
        }
        let mut page = String::new();
        for _ in 0..case.renders.unwrap_or(1) {
            page = template.render_async(&context).await?;
        }
        Ok(page)
    };
    judge(Runner::NativeAwaiting, case, awaiting::block_on(render()))
}

/// Is the outcome what was recorded?
fn judge(runner: Runner, case: &Case, outcome: Result<String, Error>) -> Result<(), String> {
    let chunks = case.expected_chunks.as_ref().filter(|_| runner != Runner::NativePlain);
    let chunks = chunks.map(|chunks| Json::String(format!("{chunks:?}")));
    // Of a value, what Python's `repr` shows.
    let repr = case.expected_repr.as_ref().map(|repr| Json::String(repr.clone()));
    match (outcome, chunks.as_ref().or(repr.as_ref()).or(case.expected.as_ref()), &case.error) {
        (Ok(page), Some(expected), _) if *expected == page => Ok(()),
        (Ok(page), Some(expected), _) => Err(format!("{page:?} instead of {expected:?}")),
        (Ok(page), None, Some(class)) => Err(format!("{page:?} instead of {class}")),
        (Ok(_), None, None) => Err("the case says neither output nor error".to_owned()),
        (Err(error), Some(expected), _) => Err(format!("{} instead of {expected:?}", error.report())),
        (Err(error), None, class) => {
            let class = class.as_deref().unwrap_or_default();
            if error.kind().class() != class {
                return Err(format!("{} instead of {class}: {:?}", error.report(), case.error_message));
            }
            if let Some(line) = case.error_lineno
                && error.line() != Some(line)
            {
                return Err(format!("line {:?} instead of {line}: {}", error.line(), error.message()));
            }
            let jinja_writes_it =
                !matches!(class, "TypeError" | "ValueError" | "OverflowError" | "SyntaxError");
            if let Some(message) = &case.error_message
                && jinja_writes_it
                && error.message() != message
            {
                return Err(format!("{:?} instead of {message:?}", error.message()));
            }
            Ok(())
        }
    }
}

/// What JSON is to the toy; `None` if it has no such value.
fn toy_value(value: &Json) -> Option<Toy> {
    Some(match value {
        Json::Null => Toy::None,
        Json::Bool(value) => Toy::Bool(*value),
        Json::Number(number) => Toy::Int(number.as_i64()?),
        Json::String(text) => Toy::text(text),
        Json::Array(items) => Toy::list(items.iter().map(toy_value).collect::<Option<_>>()?),
        Json::Object(entries) => {
            let mut flat = Vec::new();
            for (key, value) in entries {
                flat.push(Toy::text(key));
                flat.push(toy_value(value)?);
            }
            Toy::dict(&flat)
        }
    })
}

fn toy(case: &Case) -> Outcome {
    let plain = case.options.keys().all(|option| !matches!(option.as_str(), "undefined" | "enable_async"))
        && case.setup.is_none()
        && case.policies.is_none()
        && case.environment.is_none();
    let Ok(environment) = environment(case) else { return Outcome::Beyond };
    let (Some(expected), true) = (&case.expected, plain) else { return Outcome::Beyond };
    let Json::Object(variables) = &case.context else { return Outcome::Beyond };
    let Some(variables) = variables
        .iter()
        .map(|(name, value)| Some((name.clone(), toy_value(value)?)))
        .collect::<Option<Vec<_>>>()
    else {
        return Outcome::Beyond;
    };
    let escapes = match case.options.get("autoescape") {
        None | Some(Json::Bool(false)) => false,
        Some(Json::Bool(true)) => true,
        Some(_) => return Outcome::Beyond,
    };
    let compile = |source: &str, name: Option<&str>| {
        let bytes = environment.compile_to_image(name, source).ok()?;
        let (_, image) = haiden_bytecode::load(&bytes).ok()?;
        link_toy(Arc::new(image), name).ok()
    };
    let mut host = ToyHost::default();
    host.autoescape = escapes;
    for (name, source) in &case.templates {
        if let Some(program) = compile(source, Some(name)) {
            host.add_template(name, program);
        }
    }
    let main = match &case.entry {
        Some(entry) => case.templates.get(entry).and_then(|source| compile(source, Some(entry))),
        None => compile(&case.template, None),
    };
    let Some(program) = main else { return Outcome::Beyond };
    let context = ToyContext::new(&program, variables);
    context.set_autoescape(escapes);
    match render_toy_in(&mut host, &program, context) {
        Ok((page, _)) if *expected == page => Outcome::Pass,
        Ok((page, stops)) => Outcome::Fail(format!("{page:?} instead of {expected:?} after {stops} stops")),
        Err(ToyError::Unsupported(_)) => Outcome::Beyond,
        Err(error) => Outcome::Fail(format!("{error:?} instead of {expected:?}")),
    }
}

/// The report of a run: a line a runner, then what failed.
pub fn report(tallies: &[(Runner, Tally)], most: usize) -> String {
    let mut out = String::new();
    for (runner, tally) in tallies {
        let beyond =
            if tally.beyond > 0 { format!(", {} beyond the toy", tally.beyond) } else { String::new() };
        writeln!(
            out,
            "{:<20} {:>5} passed of {}, {} known failures{beyond}, {} failures",
            runner.name(),
            tally.passed,
            tally.total,
            tally.known,
            tally.failures.len()
        )
        .expect("writing to a string");
    }
    for (runner, tally) in tallies {
        for failure in tally.failures.iter().take(most) {
            writeln!(out, "{}: {failure}", runner.name()).expect("writing to a string");
        }
    }
    out
}
