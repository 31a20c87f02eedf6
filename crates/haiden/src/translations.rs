//! Translations: where the messages of `{% trans %}`, `_(..)` and their sisters come from.
//!
//! In: a user's catalogue. Out: functions that templates call, in one of Jinja2's two styles.

use std::sync::Arc;

use crate::value::function::BoxedFunction;
use crate::value::host::{Sister, alias_of_gettext, translating};

/// A catalogue of messages. Each method returns `None` for a message that it does not have: it stays as it is.
///
/// ```
/// use haiden::{Environment, GettextStyle, Translations};
///
/// struct German;
///
/// impl Translations for German {
///     fn gettext(&self, message: &str) -> Option<String> {
///         (message == "Hello %(name)s!").then(|| "Hallo %(name)s!".to_owned())
///     }
/// }
///
/// let mut environment = Environment::new();
/// environment.install_translations(German, GettextStyle::New);
/// let page = environment.render_str("{% trans %}Hello {{ name }}!{% endtrans %}", haiden::context! { name => "Ada" })?;
/// assert_eq!(page, "Hallo Ada!");
/// # Ok::<(), haiden::Error>(())
/// ```
pub trait Translations: Send + Sync {
    /// The translation of a message.
    ///
    /// ```
    /// use haiden::{Environment, GettextStyle, Translations, context};
    ///
    /// /// Every message in capitals, so that those stand out that are not translated.
    /// struct Pseudo;
    ///
    /// impl Translations for Pseudo {
    ///     fn gettext(&self, message: &str) -> Option<String> {
    ///         Some(message.to_uppercase())
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.install_translations(Pseudo, GettextStyle::New);
    /// assert_eq!(environment.render_str("{{ _('Send') }} {% trans %}now{% endtrans %} or later", context! {})?, "SEND NOW or later");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn gettext(&self, message: &str) -> Option<String>;

    /// The translation of a message for `n` things.
    ///
    /// ```
    /// use haiden::{Environment, GettextStyle, Translations, context};
    ///
    /// struct German;
    ///
    /// impl Translations for German {
    ///     fn gettext(&self, _: &str) -> Option<String> { None }
    ///     fn ngettext(&self, singular: &str, _: &str, n: i64) -> Option<String> {
    ///         (singular == "%(n)s apple").then(|| if n == 1 { "%(n)s Apfel" } else { "%(n)s Äpfel" }.to_owned())
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.install_translations(German, GettextStyle::New);
    /// let source = "{% trans n %}{{ n }} apple{% pluralize %}{{ n }} apples{% endtrans %}";
    /// assert_eq!(environment.render_str(source, context! { n => 3 })?, "3 Äpfel");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn ngettext(&self, _singular: &str, _plural: &str, _n: i64) -> Option<String> {
        None
    }

    /// The translation of a message in a context. By default there is none.
    ///
    /// ```
    /// use haiden::{Environment, GettextStyle, Translations, context};
    ///
    /// struct German;
    ///
    /// impl Translations for German {
    ///     fn gettext(&self, _: &str) -> Option<String> { None }
    ///     fn pgettext(&self, context: &str, message: &str) -> Option<String> {
    ///         let translated = match (context, message) {
    ///             ("month", "May") => "Mai",
    ///             ("permission", "May") => "Darf",
    ///             _ => return None,
    ///         };
    ///         Some(translated.to_owned())
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.install_translations(German, GettextStyle::New);
    /// let page = environment.render_str("{{ pgettext('month', 'May') }} {{ pgettext('permission', 'May') }}", context! {})?;
    /// assert_eq!(page, "Mai Darf");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn pgettext(&self, _context: &str, _message: &str) -> Option<String> {
        None
    }

    /// The translation of a message for `n` things in a context. By default there is none.
    ///
    /// ```
    /// use haiden::{Environment, GettextStyle, Translations, context};
    ///
    /// struct German;
    ///
    /// impl Translations for German {
    ///     fn gettext(&self, _: &str) -> Option<String> { None }
    ///     fn npgettext(&self, context: &str, singular: &str, _: &str, n: i64) -> Option<String> {
    ///         let (one, many) = match (context, singular) {
    ///             ("seat", "bank") => ("Bank", "Bänke"),
    ///             ("money", "bank") => ("Bank", "Banken"),
    ///             _ => return None,
    ///         };
    ///         Some(if n == 1 { one } else { many }.to_owned())
    ///     }
    /// }
    ///
    /// let mut environment = Environment::new();
    /// environment.install_translations(German, GettextStyle::New);
    /// let source = "{{ npgettext('seat', 'bank', 'banks', 2) }}, {{ npgettext('money', 'bank', 'banks', 2) }}";
    /// assert_eq!(environment.render_str(source, context! {})?, "Bänke, Banken");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    fn npgettext(&self, _context: &str, _singular: &str, _plural: &str, _n: i64) -> Option<String> {
        None
    }
}

/// A catalogue without messages: everything stays as it is.
///
/// ```
/// use haiden::{Environment, GettextStyle, NullTranslations, context};
///
/// let mut environment = Environment::new();
/// environment.install_translations(NullTranslations, GettextStyle::default());
/// assert_eq!(environment.render_str("{% trans n %}{{ n }} cup{% pluralize %}{{ n }} cups{% endtrans %}", context! { n => 2 })?, "2 cups");
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NullTranslations;

impl Translations for NullTranslations {
    fn gettext(&self, _: &str) -> Option<String> {
        None
    }
}

/// Who puts values into translated messages.
///
/// ```
/// use haiden::{Environment, GettextStyle, NullTranslations, context};
///
/// let mut environment = Environment::new();
/// environment.install_translations(NullTranslations, GettextStyle::Old);
/// assert_eq!(environment.render_str("{{ _('100 %') }} {{ _('Hi %(n)s') % {'n': 1} }}", context! {})?, "100 % Hi 1");
/// environment.install_translations(NullTranslations, GettextStyle::New);
/// assert_eq!(environment.render_str("{{ _('100 %%') }} {{ _('Hi %(n)s', n=1) }}", context! {})?, "100 % Hi 1");
/// # Ok::<(), haiden::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GettextStyle {
    /// The template: `_('Hello %(name)s') % {'name': name}`. A `%` in a message is only a `%`.
    #[default]
    Old,
    /// The function: `_('Hello %(name)s', name=name)`. It escapes where autoescape is on, and takes every message for a
    /// format.
    New,
}

/// The functions of a catalogue, by their names.
pub(crate) fn functions(
    catalog: &Arc<dyn Translations>,
    style: GettextStyle,
) -> impl Iterator<Item = (&'static str, BoxedFunction)> {
    let sisters = [
        ("gettext", Sister::Gettext),
        ("ngettext", Sister::Ngettext),
        ("pgettext", Sister::Pgettext),
        ("npgettext", Sister::Npgettext),
    ];
    sisters.map(|(name, sister)| (name, translating(name, sister, catalog.clone(), style))).into_iter()
}

/// `_`: it calls the `gettext` of the context it is called in.
pub(crate) fn alias() -> BoxedFunction {
    alias_of_gettext()
}
