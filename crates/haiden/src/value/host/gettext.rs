//! `gettext` and its sisters: functions of a catalogue that format as the template's style wants.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::translations::{GettextStyle, Translations};
use crate::value::function::{BoxedFunction, CallArguments};
use crate::value::host::{Name, NativeHost};
use crate::value::word::{Str, Word};

type Result<T> = std::result::Result<T, Error>;

/// Which of the four functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sister {
    Gettext,
    Ngettext,
    Pgettext,
    Npgettext,
}

impl Sister {
    fn parameters(self) -> &'static [&'static str] {
        match self {
            Sister::Gettext => &["message"],
            Sister::Ngettext => &["msgid1", "msgid2", "n"],
            Sister::Pgettext => &["context", "message"],
            Sister::Npgettext => &["context", "msgid1", "msgid2", "n"],
        }
    }

    fn has_context(self) -> bool {
        matches!(self, Sister::Pgettext | Sister::Npgettext)
    }

    fn counts(self) -> bool {
        matches!(self, Sister::Ngettext | Sister::Npgettext)
    }
}

/// A function of a catalogue.
pub(crate) fn translating(
    name: &'static str,
    sister: Sister,
    catalog: Arc<dyn Translations>,
    style: GettextStyle,
) -> BoxedFunction {
    let call = move |host: &mut NativeHost, given: CallArguments<'_>| {
        let arguments = bind(host, name, sister, style, &given)?;
        let message = host.translate(&*catalog, sister, &arguments)?;
        match style {
            GettextStyle::Old => Ok(message),
            GettextStyle::New => host.format_message(message, sister, &arguments, given.keywords),
        }
    };
    BoxedFunction { name: name.into(), call: Arc::new(call) }
}

/// `_`: the `gettext` of the context that calls it.
pub(crate) fn alias_of_gettext() -> BoxedFunction {
    let name = Name::new("gettext");
    let call = move |host: &mut NativeHost, given: CallArguments<'_>| {
        let function = match host.find_variable(host.calling, &name) {
            Some(function) => function,
            None => host.heap.undefined(crate::value::heap::Reason::Name("gettext".into())),
        };
        let keywords: Vec<(Arc<str>, Word)> =
            given.keywords.iter().map(|(name, word)| ((*name).into(), *word)).collect();
        host.call_expanded(function, given.positional, &keywords)
    };
    BoxedFunction { name: "_gettext_alias".into(), call: Arc::new(call) }
}

/// The arguments in their order.
fn bind(
    host: &NativeHost,
    name: &str,
    sister: Sister,
    style: GettextStyle,
    given: &CallArguments<'_>,
) -> Result<Vec<Word>> {
    let wrong = |message: String| Err(Error::new(ErrorKind::Type, message));
    let parameters = sister.parameters();
    let mut arguments = given.positional.to_vec();
    if arguments.len() > parameters.len() {
        let (takes, given) = (parameters.len(), arguments.len());
        let s = if takes == 1 { "" } else { "s" };
        return wrong(format!("{name}() takes {takes} positional argument{s} but {given} were given"));
    }
    if style == GettextStyle::Old {
        for (keyword, _) in given.keywords {
            match parameters.iter().position(|parameter| parameter == keyword) {
                None => return wrong(format!("{name}() got an unexpected keyword argument '{keyword}'")),
                Some(place) if place < given.positional.len() => {
                    return wrong(format!("{name}() got multiple values for argument '{keyword}'"));
                }
                Some(_) => {}
            }
        }
        for parameter in &parameters[arguments.len()..] {
            let found = given.keywords.iter().find(|(keyword, _)| keyword == parameter);
            arguments.extend(found.map(|(_, word)| *word));
        }
    }
    if arguments.len() < parameters.len() {
        let missing = parameters.len() - arguments.len();
        let s = if missing == 1 { "" } else { "s" };
        return wrong(format!("{name}() missing {missing} required positional argument{s}"));
    }
    for &word in &arguments {
        host.check_equality(word)?;
    }
    Ok(arguments)
}

impl NativeHost {
    /// A message in the catalogue's words.
    fn translate(&mut self, catalog: &dyn Translations, sister: Sister, arguments: &[Word]) -> Result<Word> {
        let (context, rest) = arguments.split_at(usize::from(sister.has_context()));
        let text = |word: Option<&Word>| match word {
            Some(Word::Str(text)) => Some(self.str(*text)),
            _ => None,
        };
        let count = if sister.counts() { rest.last().copied() } else { None };
        let n = match count {
            // Catalogues count in integers; `1.0` is one.
            Some(Word::Float(1.0)) => 1,
            count => count.and_then(|count| self.integer_of(count)).unwrap_or_default(),
        };
        let (context, first, second) = (text(context.first()), text(rest.first()), text(rest.get(1)));
        let found = match (sister, context, first, second) {
            (Sister::Gettext, _, Some(message), _) => catalog.gettext(message),
            (Sister::Ngettext, _, Some(singular), Some(plural)) => catalog.ngettext(singular, plural, n),
            (Sister::Pgettext, Some(context), Some(message), _) => catalog.pgettext(context, message),
            (Sister::Npgettext, Some(context), Some(singular), Some(plural)) => {
                catalog.npgettext(context, singular, plural, n)
            }
            // What is no text stands in no catalogue.
            _ => None,
        };
        if let Some(message) = found {
            return self.new_text(&message, false);
        }
        let plural = match count {
            Some(count) => !self.is_equal(count, Word::Int(1))?,
            None => false,
        };
        Ok(rest[usize::from(plural)])
    }

    /// `message % variables`, as markup where autoescape is on.
    fn format_message(
        &mut self,
        message: Word,
        sister: Sister,
        arguments: &[Word],
        keywords: &[(&str, Word)],
    ) -> Result<Word> {
        let message = if self.context(self.calling).autoescape {
            haiden_runtime::Host::mark_safe(self, &message)?
        } else {
            message
        };
        let mut variables = keywords.to_vec();
        let mut set_default = |name: &'static str, word: Option<&Word>| {
            if let Some(word) = word
                && !variables.iter().any(|(known, _)| *known == name)
            {
                variables.push((name, *word));
            }
        };
        if sister.has_context() {
            set_default("context", arguments.first());
        }
        if sister.counts() {
            set_default("num", arguments.last());
        }
        let right = haiden_runtime::Host::keywords(self, &variables)?;
        match message {
            Word::Str(template @ Str { .. }) => self.percent(template, right),
            other => self.arithmetic(haiden_runtime::BinaryOp::Mod, other, right),
        }
    }
}
