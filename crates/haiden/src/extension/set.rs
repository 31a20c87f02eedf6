//! The extensions of an environment, as parser and renders ask them.
//!
//! In: what a parser or a render wants of a tag, a source, a method. Out: the answer of the extension that is in charge.
//! Invariant: a panic of an extension is an error that names it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use haiden_syntax::{Parser, Statement, StreamToken as Token, SyntaxError, TagSet, TokenKind};

use super::{Call, Extension, Preprocessor};
use crate::error::Error;
use crate::value::function::{BoxedFunction, CallArguments};
use crate::value::host::NativeHost;
use crate::value::object::panicked;

/// The extensions of an environment.
#[derive(Clone, Default)]
pub(crate) struct ExtensionSet {
    /// Each with its name.
    list: Vec<(String, Arc<dyn Extension>)>,
    by_tag: BTreeMap<String, usize>,
    fingerprint: Vec<u8>,
}

impl ExtensionSet {
    /// These and one more, which replaces one of its name.
    pub(super) fn with(&self, extension: Arc<dyn Extension>) -> ExtensionSet {
        let name = extension.name().to_owned();
        let mut list = self.list.clone();
        list.retain(|(known, _)| *known != name);
        list.push((name, extension));
        let mut set = ExtensionSet { list, ..ExtensionSet::default() };
        for (place, (name, extension)) in set.list.iter().enumerate() {
            set.by_tag.extend(extension.tags().into_iter().map(|tag| (tag.to_owned(), place)));
            for part in [name, extension.version()] {
                set.fingerprint.extend((part.len() as u32).to_le_bytes());
                set.fingerprint.extend(part.as_bytes());
            }
        }
        set
    }

    /// Does a template's name have a say in what is compiled?
    pub(crate) fn sees_names(&self) -> bool {
        self.preprocessors().any(|(_, hook)| hook.sees_name())
    }

    fn preprocessors(&self) -> impl Iterator<Item = (&str, &dyn Preprocessor)> {
        self.list.iter().filter_map(|(name, extension)| Some((&**name, extension.preprocessor()?)))
    }

    /// What is read in place of a source.
    pub(crate) fn preprocess<'s>(&self, source: &'s str, name: Option<&str>) -> Result<Cow<'s, str>, Error> {
        let mut text = Cow::Borrowed(source);
        for (extension, hook) in self.preprocessors() {
            let name = name.filter(|_| hook.sees_name());
            let outcome = catch_unwind(AssertUnwindSafe(|| match &text {
                Cow::Borrowed(text) => hook.preprocess(text, name),
                Cow::Owned(text) => hook.preprocess(text, name).map(|text| Cow::Owned(text.into_owned())),
            }));
            text = outcome
                .unwrap_or_else(|panic| Err(panicked(&format!("the extension '{extension}'"), &*panic)))?;
        }
        Ok(text)
    }

    /// A method of an extension as a function.
    pub(crate) fn method(&self, identifier: &str, method: &str) -> Option<BoxedFunction> {
        let (name, extension) = self.list.iter().find(|(name, _)| name == identifier)?;
        let (extension, called) = (extension.clone(), method.to_owned());
        let call = move |host: &mut NativeHost, arguments: CallArguments<'_>| {
            let outcome = extension.call(&called, &mut Call { host, arguments })?;
            host.import(&outcome)
        };
        Some(BoxedFunction { name: format!("{name}.{method}").into(), call: Arc::new(call) })
    }
}

impl TagSet for ExtensionSet {
    fn tags(&self) -> Vec<String> {
        self.by_tag.keys().cloned().collect()
    }
    fn owner(&self, tag: &str) -> Option<&str> {
        self.by_tag.get(tag).map(|&place| &*self.list[place].0)
    }
    fn parse<'s>(&self, tag: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError> {
        let Some(&place) = self.by_tag.get(tag) else { return Err(parser.fail("no such tag")) };
        let (name, extension) = &self.list[place];
        let outcome = catch_unwind(AssertUnwindSafe(|| extension.parse(tag, &mut *parser)));
        outcome.unwrap_or_else(|panic| {
            Err(parser.fail(panicked(&format!("the extension '{name}'"), &*panic).message()))
        })
    }
    fn filters_stream(&self) -> bool {
        self.list.iter().any(|(_, extension)| extension.stream_filter().is_some())
    }
    fn filter_stream(&self, mut tokens: Vec<Token>) -> Result<Vec<Token>, SyntaxError> {
        for (name, extension) in &self.list {
            let Some(filter) = extension.stream_filter() else { continue };
            let first = tokens.first().map_or_else(
                || Token::new(1, TokenKind::Eof, ""),
                |token| Token::new(token.line, TokenKind::Eof, ""),
            );
            let outcome = catch_unwind(AssertUnwindSafe(|| filter.filter_stream(tokens)));
            tokens = outcome.unwrap_or_else(|panic| {
                Err(first.fail(panicked(&format!("the extension '{name}'"), &*panic).message()))
            })?;
        }
        Ok(tokens)
    }
    fn fingerprint(&self) -> &[u8] {
        &self.fingerprint
    }
}
