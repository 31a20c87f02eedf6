//! Which templates escape what they print.

use std::fmt;
use std::sync::Arc;

/// Which templates escape what they print for HTML.
///
/// ```
/// use std::sync::Arc;
///
/// use haiden::{AutoEscape, Environment, context};
///
/// let mut environment = Environment::new();
/// environment.set_autoescape(AutoEscape::ByName(Arc::new(|name| name.is_some_and(|name| name.starts_with("web/")))));
/// environment.add_template("web/a", "{{ text }}")?;
/// environment.add_template("mail/a", "{{ text }}")?;
/// assert_eq!(environment.get_template("web/a")?.render(context! { text => "<" })?, "&lt;");
/// assert_eq!(environment.get_template("mail/a")?.render(context! { text => "<" })?, "<");
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone, Default)]
pub enum AutoEscape {
    /// None.
    #[default]
    Off,
    /// All.
    On,
    /// As this function says for the template's name (`None`: a template made from a text).
    ByName(Arc<ByName>),
}

/// Says for a template's name whether the template escapes.
type ByName = dyn Fn(Option<&str>) -> bool + Send + Sync;

impl AutoEscape {
    /// Jinja2's `select_autoescape()`: on for names that end in `.html`, `.htm` or `.xml`, in any case, and for
    /// templates made from a text.
    ///
    /// ```
    /// use haiden::AutoEscape;
    ///
    /// let mut environment = haiden::Environment::new();
    /// environment.set_autoescape(AutoEscape::by_extension());
    /// environment.add_template("page.html", "{{ text }}")?;
    /// environment.add_template("mail.txt", "{{ text }}")?;
    /// let context = haiden::context! { text => "<3" };
    /// assert_eq!(environment.get_template("page.html")?.render(&context)?, "&lt;3");
    /// assert_eq!(environment.get_template("mail.txt")?.render(&context)?, "<3");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    pub fn by_extension() -> AutoEscape {
        AutoEscape::select(&["html", "htm", "xml"], &[], true, false)
    }

    /// Jinja2's `select_autoescape` with its arguments: on for names that end in a dot and one of `enabled`, off for
    /// those of `disabled`, `default_for_string` for templates made from a text, `default` for all others.
    ///
    /// ```
    /// use haiden::AutoEscape;
    ///
    /// let autoescape = AutoEscape::select(&["html"], &["txt"], false, true);
    /// assert!(autoescape.for_name(Some("a.html")) && autoescape.for_name(Some("a.svg")));
    /// assert!(!autoescape.for_name(Some("a.txt")) && !autoescape.for_name(None));
    /// ```
    pub fn select(
        enabled: &[&str],
        disabled: &[&str],
        default_for_string: bool,
        default: bool,
    ) -> AutoEscape {
        let endings = |extensions: &[&str]| -> Vec<String> {
            extensions.iter().map(|e| format!(".{}", e.trim_start_matches('.').to_lowercase())).collect()
        };
        let (enabled, disabled) = (endings(enabled), endings(disabled));
        AutoEscape::ByName(Arc::new(move |name| {
            let Some(name) = name else { return default_for_string };
            let name = name.to_lowercase();
            if enabled.iter().any(|ending| name.ends_with(&**ending)) {
                return true;
            }
            !disabled.iter().any(|ending| name.ends_with(&**ending)) && default
        }))
    }

    /// Whether the template of this name escapes.
    ///
    /// ```
    /// use haiden::AutoEscape;
    ///
    /// assert!(AutoEscape::by_extension().for_name(Some("index.HTML")));
    /// assert!(!AutoEscape::Off.for_name(Some("index.html")));
    /// ```
    pub fn for_name(&self, name: Option<&str>) -> bool {
        match self {
            AutoEscape::Off => false,
            AutoEscape::On => true,
            AutoEscape::ByName(decide) => decide(name),
        }
    }
}

impl From<bool> for AutoEscape {
    fn from(on: bool) -> AutoEscape {
        if on { AutoEscape::On } else { AutoEscape::Off }
    }
}

impl fmt::Debug for AutoEscape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AutoEscape::Off => "Off",
            AutoEscape::On => "On",
            AutoEscape::ByName(_) => "ByName(..)",
        })
    }
}
