//! The environment that a case asks for: options, translations, policies.
//!
//! In: a case. Out: its environment, or what native values do not have of it. Invariant: `corpus/environments.py` makes the same
//! of the same fields.

use std::collections::BTreeMap;

use haiden::loader::DictLoader;
use haiden::{
    AutoEscape, Environment, Extensions, GettextStyle, JsonOptions, NullTranslations, Policies, Sandbox,
    Translations, UndefinedKind,
};
use serde_json::Value as Json;

use super::Case;

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
    let indent = recorded.get("indent").and_then(Json::as_u64).map(|spaces| " ".repeat(spaces as usize));
    let mut options = JsonOptions {
        sort_keys: flag("sort_keys", false),
        ensure_ascii: flag("ensure_ascii", true),
        indent,
        ..JsonOptions::default()
    };
    if let Some([item, key]) = recorded.get("separators").and_then(Json::as_array).map(Vec::as_slice) {
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        options.separators = Some((text(item), text(key)));
    }
    options
}
