//! Conformance: the recorded cases on every host and path.
//!
//! In: files of cases (`corpus/render/*.json`; the format is that of the recordings: options, templates and a context,
//! and what Jinja2 3.1.6 makes of them). Out: for each host and path how many passed, and what differs. Known failures
//! stand in `corpus/ledger.toml` with a reason, per host; a line that passes, or that names no case, is an error.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use haiden::loader::DictLoader;
use haiden::{
    AutoEscape, Environment, Error, Extensions, GettextStyle, JsonOptions, NullTranslations, Policies, Sandbox,
    Translations, UndefinedKind, Value,
};
use serde::Deserialize;
use serde_json::Value as Json;

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
    /// The toy host, which suspends at every verb that may.
    Toy,
}

impl Runner {
    /// All of them.
    pub const ALL: [Runner; 4] = [Runner::Native, Runner::NativeImage, Runner::NativePlain, Runner::Toy];

    /// What reports call it.
    pub const fn name(self) -> &'static str {
        match self {
            Runner::Native => "native, fresh",
            Runner::NativeImage => "native, image",
            Runner::NativePlain => "native, unoptimised",
            Runner::Toy => "toy, suspending",
        }
    }

    /// The host, as the ledger calls it.
    pub const fn host(self) -> &'static str {
        match self {
            Runner::Native | Runner::NativeImage => "native",
            Runner::NativePlain => "unoptimised",
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

/// The ledger of a host: `native`, `unoptimised` (which has all of native's) or `toy`.
///
/// # Errors
/// The file cannot be read.
pub fn ledger(host: &str) -> Result<Ledger, String> {
    let path = root().join("corpus/ledger.toml");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut all: BTreeMap<String, Ledger> =
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut known = all.remove(host).unwrap_or_default();
    if host == "unoptimised" {
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
        _ => match native(runner, case) {
            Ok(()) => Outcome::Pass,
            Err(difference) => Outcome::Fail(difference),
        },
    }
}

/// The environment that a case asks for.
///
/// # Errors
/// The case wants what native values do not have.
pub fn environment(case: &Case) -> Result<Environment, String> {
    let mut environment = Environment::new();
    let mut syntax = environment.syntax().clone();
    for (option, value) in &case.options {
        let text = || value.as_str().unwrap_or_default().to_owned().into();
        let on = value.as_bool().unwrap_or_default();
        match option.as_str() {
            "block_start_string" => syntax.block_start_string = text(),
            "block_end_string" => syntax.block_end_string = text(),
            "variable_start_string" => syntax.variable_start_string = text(),
            "variable_end_string" => syntax.variable_end_string = text(),
            "comment_start_string" => syntax.comment_start_string = text(),
            "comment_end_string" => syntax.comment_end_string = text(),
            "line_statement_prefix" => syntax.line_statement_prefix = Some(text()),
            "line_comment_prefix" => syntax.line_comment_prefix = Some(text()),
            "newline_sequence" => syntax.newline_sequence = text(),
            "trim_blocks" => syntax.trim_blocks = on,
            "lstrip_blocks" => syntax.lstrip_blocks = on,
            "keep_trailing_newline" => syntax.keep_trailing_newline = on,
            // What a render that waits for nothing gives is the same.
            "enable_async" => {}
            "optimized" => environment.set_optimized(on),
            "autoescape" => match value {
                Json::Bool(on) => environment.set_autoescape(*on),
                _ => environment.set_autoescape(selected(&value["$select_autoescape"])),
            },
            "undefined" => environment.set_undefined(match value.as_str() {
                Some("ChainableUndefined") => UndefinedKind::Chainable,
                Some("DebugUndefined") => UndefinedKind::Debug,
                Some("StrictUndefined") => UndefinedKind::Strict,
                _ => UndefinedKind::Default,
            }),
            "extensions" => {
                for extension in value.as_array().into_iter().flatten() {
                    syntax.extensions = syntax.extensions.with(match extension.as_str() {
                        Some("jinja2.ext.i18n") => Extensions::I18N,
                        Some("jinja2.ext.do") => Extensions::DO,
                        Some("jinja2.ext.loopcontrols") => Extensions::LOOP_CONTROLS,
                        _ => Extensions::DEBUG,
                    });
                }
            }
            other => return Err(format!("the option {other} is not reached yet")),
        }
    }
    match case.environment.as_deref() {
        None => {}
        Some("SandboxedEnvironment") => environment.set_sandbox(Some(Sandbox::new())),
        Some("ImmutableSandboxedEnvironment") => environment.set_sandbox(Some(Sandbox::immutable())),
        Some("NativeEnvironment") => environment.set_native_types(true),
        Some(class) => return Err(format!("{class} is not reached yet")),
    }
    environment.set_syntax(syntax).map_err(|error| error.message().to_owned())?;
    if let Some(setup) = &case.setup {
        install(&mut environment, setup)?;
    }
    if let Some(policies) = &case.policies {
        environment.set_policies(policies_of(policies)?);
    }
    environment.set_loader(DictLoader::new(case.templates.iter()));
    Ok(environment)
}

/// What `select_autoescape` makes of its arguments.
fn selected(arguments: &Json) -> AutoEscape {
    let endings = |name: &str, default: &[&str]| -> Vec<String> {
        let given = arguments.get(name).and_then(Json::as_array);
        given.map_or_else(
            || default.iter().map(|&ending| ending.to_owned()).collect(),
            |given| given.iter().filter_map(|ending| Some(ending.as_str()?.to_owned())).collect(),
        )
    };
    let flag = |name: &str, default: bool| arguments.get(name).and_then(Json::as_bool).unwrap_or(default);
    let enabled = endings("enabled_extensions", &["html", "htm", "xml"]);
    let disabled = endings("disabled_extensions", &[]);
    AutoEscape::select(
        &enabled.iter().map(String::as_str).collect::<Vec<_>>(),
        &disabled.iter().map(String::as_str).collect::<Vec<_>>(),
        flag("default_for_string", true),
        flag("default", false),
    )
}

/// Translations by text, or by `context|text`.
struct Messages(BTreeMap<String, String>);

impl Translations for Messages {
    fn gettext(&self, message: &str) -> Option<String> {
        self.0.get(message).cloned()
    }

    fn ngettext(&self, singular: &str, plural: &str, n: i64) -> Option<String> {
        self.gettext(if n == 1 { singular } else { plural })
    }

    fn pgettext(&self, context: &str, message: &str) -> Option<String> {
        self.0.get(&format!("{context}|{message}")).cloned()
    }

    fn npgettext(&self, context: &str, singular: &str, plural: &str, n: i64) -> Option<String> {
        self.pgettext(context, if n == 1 { singular } else { plural })
    }
}

/// Installs the translations that a case asks for.
fn install(environment: &mut Environment, setup: &Json) -> Result<(), String> {
    let style = |fields: &Json| match fields.get("newstyle").and_then(Json::as_bool) {
        Some(true) => GettextStyle::New,
        _ => GettextStyle::Old,
    };
    if let Some(null) = setup.get("install_null_translations") {
        environment.install_translations(NullTranslations, style(null));
        return Ok(());
    }
    let messages = setup.get("messages").and_then(Json::as_object);
    let messages = messages.ok_or_else(|| format!("the setup {setup} is not reached yet"))?;
    let texts = messages.iter().filter_map(|(text, other)| Some((text.clone(), other.as_str()?.to_owned())));
    environment.install_translations(Messages(texts.collect()), style(setup));
    Ok(())
}

/// The policies that a case asks for.
fn policies_of(recorded: &Json) -> Result<Policies, String> {
    let mut policies = Policies::default();
    let text = |value: &Json| value.as_str().map(str::to_owned);
    for (name, value) in recorded.as_object().into_iter().flatten() {
        match name.as_str() {
            "ext.i18n.trimmed" => policies.i18n_trimmed = value.as_bool().unwrap_or_default(),
            "truncate.leeway" => policies.truncate_leeway = value.as_i64().unwrap_or_default(),
            "urlize.rel" => policies.urlize_rel = text(value),
            "urlize.target" => policies.urlize_target = text(value),
            "urlize.extra_schemes" => {
                policies.urlize_extra_schemes =
                    value.as_array().into_iter().flatten().filter_map(text).collect();
            }
            "json.dumps_kwargs" => policies.json_dumps_kwargs = json_options(value),
            other => return Err(format!("the policy {other} is not reached yet")),
        }
    }
    Ok(policies)
}

/// Arguments of `json.dumps`, with its defaults.
fn json_options(recorded: &Json) -> JsonOptions {
    let flag = |name: &str, default: bool| recorded.get(name).and_then(Json::as_bool).unwrap_or(default);
    let mut options = JsonOptions::default();
    options.sort_keys = flag("sort_keys", false);
    options.ensure_ascii = flag("ensure_ascii", true);
    options.indent =
        recorded.get("indent").and_then(Json::as_u64).map(|spaces| " ".repeat(spaces as usize));
    if let Some([item, key]) = recorded.get("separators").and_then(Json::as_array).map(Vec::as_slice) {
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        options.separators = Some((text(item), text(key)));
    }
    options
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
