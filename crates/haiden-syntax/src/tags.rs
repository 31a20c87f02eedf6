//! Tags that extensions add: what the parser asks whoever has them.
//!
//! In: a name that is no tag of Jinja2's. Out: whose tag it is, and the statements it stands for. Invariant: two sets with
//! one fingerprint make the same tree of the same source; caches rely on it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::error::SyntaxError;
use crate::lex::stream::StreamToken;
use crate::parse::{Parser, Statement};

/// Tags of extensions.
pub trait TagSet: Send + Sync {
    /// The tags, for advice about misspelled ones.
    fn tags(&self) -> Vec<String>;

    /// The identifier of the extension that has this tag; `None` if there is none.
    fn owner(&self, tag: &str) -> Option<&str>;

    /// Parses a tag of this set. The parser stands behind its name.
    ///
    /// # Errors
    /// What is wrong with the tag.
    fn parse<'s>(&self, tag: &str, parser: &mut Parser<'s, '_>) -> Result<Vec<Statement<'s>>, SyntaxError>;

    /// Does any extension filter tokens? Then [`filter_stream`](TagSet::filter_stream) is asked.
    fn filters_stream(&self) -> bool {
        false
    }

    /// The tokens that the parser reads in place of those of a source. Tokens that it never sees (comments, white space) are
    /// not among them.
    ///
    /// # Errors
    /// What is wrong with the tokens.
    fn filter_stream(&self, tokens: Vec<StreamToken>) -> Result<Vec<StreamToken>, SyntaxError> {
        Ok(tokens)
    }

    /// What the extensions add to a fingerprint of the options: as each one's name and version, each part with its length
    /// (a little-endian `u32`) before it.
    fn fingerprint(&self) -> &[u8];
}

/// The tags that extensions add; none by default. Sets with one fingerprint are equal.
#[derive(Clone, Default)]
pub struct CustomTags(Option<Arc<dyn TagSet>>);

impl CustomTags {
    /// These tags.
    pub fn new(tags: Arc<dyn TagSet>) -> CustomTags {
        CustomTags(Some(tags))
    }

    /// Whoever has the tags.
    pub fn set(&self) -> Option<&Arc<dyn TagSet>> {
        self.0.as_ref()
    }

    pub(crate) fn filters_stream(&self) -> bool {
        self.0.as_ref().is_some_and(|tags| tags.filters_stream())
    }

    pub(crate) fn tags(&self) -> Vec<String> {
        self.0.as_ref().map(|tags| tags.tags()).unwrap_or_default()
    }

    /// What they add to a fingerprint of the options; empty if there are none.
    pub fn fingerprint(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |tags| tags.fingerprint())
    }
}

impl PartialEq for CustomTags {
    fn eq(&self, other: &CustomTags) -> bool {
        self.fingerprint() == other.fingerprint()
    }
}

impl Eq for CustomTags {}

impl Hash for CustomTags {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint().hash(state);
    }
}

impl fmt::Debug for CustomTags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CustomTags").field(&self.tags()).finish()
    }
}
