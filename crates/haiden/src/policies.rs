//! Policies: settings of single filters and extensions, by the names that Jinja2 gives them.

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::value::value::Value;

/// A function that writes a value as JSON, with the indentation that the filter was given: [`Policies::json_dumps_function`].
///
/// ```
/// use std::sync::Arc;
///
/// use haiden::{Environment, JsonDumps, Policies, context};
///
/// let dumps: JsonDumps = Arc::new(|value, _indent| Ok(serde_json::to_string(value).unwrap_or_default()));
/// let mut environment = Environment::new();
/// environment.set_policies(Policies { json_dumps_function: Some(dumps), ..Policies::default() });
/// assert_eq!(environment.render_str("{{ [1, 'ä']|tojson }}", context! {})?, "[1,\"ä\"]");
/// # Ok::<(), haiden::Error>(())
/// ```
pub type JsonDumps = Arc<dyn Fn(&Value, Option<&str>) -> Result<String, Error> + Send + Sync>;

/// Settings of single filters and extensions: Jinja2's `Environment.policies`.
///
/// ```
/// use haiden::{Environment, Policies};
///
/// let mut environment = Environment::new();
/// environment.set_policies(Policies { truncate_leeway: 0, ..Policies::default() });
/// assert_eq!(environment.render_str("{{ 'Salt and pepper'|truncate(12) }}", haiden::context! {})?, "Salt and...");
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone)]
pub struct Policies {
    /// `truncate.leeway`: how much longer than its length a text may be before `truncate` cuts it.
    pub truncate_leeway: i64,
    /// `urlize.rel`: words of the attribute `rel` of every link that `urlize` makes.
    pub urlize_rel: Option<String>,
    /// `urlize.target`: the attribute `target` of these links.
    pub urlize_target: Option<String>,
    /// `urlize.extra_schemes`: schemes that `urlize` takes for links besides `http`, `https` and `mailto`.
    pub urlize_extra_schemes: Vec<String>,
    /// `json.dumps_kwargs`: how `tojson` writes.
    pub json_dumps_kwargs: JsonOptions,
    /// `json.dumps_function`: what `tojson` calls instead of writing JSON itself; what it returns is made safe for HTML.
    pub json_dumps_function: Option<JsonDumps>,
    /// `ext.i18n.trimmed`: whether `{% trans %}` joins its lines unless it says `notrimmed`.
    pub i18n_trimmed: bool,
}

impl Default for Policies {
    fn default() -> Policies {
        Policies {
            truncate_leeway: 5,
            urlize_rel: Some("noopener".to_owned()),
            urlize_target: None,
            urlize_extra_schemes: Vec::new(),
            json_dumps_kwargs: JsonOptions::default(),
            json_dumps_function: None,
            i18n_trimmed: false,
        }
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policies")
            .field("truncate_leeway", &self.truncate_leeway)
            .field("urlize_rel", &self.urlize_rel)
            .field("urlize_target", &self.urlize_target)
            .field("urlize_extra_schemes", &self.urlize_extra_schemes)
            .field("json_dumps_kwargs", &self.json_dumps_kwargs)
            .field("json_dumps_function", &self.json_dumps_function.as_ref().map(|_| "a function"))
            .field("i18n_trimmed", &self.i18n_trimmed)
            .finish()
    }
}

/// The arguments of Python's `json.dumps` that decide what text it writes.
///
/// ```
/// use haiden::{Environment, JsonOptions, Policies, context};
///
/// let json = JsonOptions { ensure_ascii: false, sort_keys: false, ..JsonOptions::default() };
/// let mut environment = Environment::new();
/// environment.set_policies(Policies { json_dumps_kwargs: json, ..Policies::default() });
/// assert_eq!(environment.render_str("{{ {'b': 'ä', 'a': 1}|tojson }}", context! {})?, r#"{"b": "ä", "a": 1}"#);
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonOptions {
    /// Whether the entries of mappings are sorted by key.
    pub sort_keys: bool,
    /// Whether characters beyond ASCII are written as escapes.
    pub ensure_ascii: bool,
    /// What a level of nesting is indented by, if the filter does not say; `None` for everything on one line.
    pub indent: Option<String>,
    /// What stands between items, and between a key and its value; `None` for Python's choice.
    pub separators: Option<(String, String)>,
}

impl Default for JsonOptions {
    fn default() -> JsonOptions {
        JsonOptions { sort_keys: true, ensure_ascii: true, indent: None, separators: None }
    }
}
