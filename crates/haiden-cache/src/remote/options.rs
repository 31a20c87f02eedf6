//! The options that stores behind a server have in common.
//!
//! In: a URL's query, or a builder's calls. Out: [`Options`]. Invariants: a prefix is made of characters that no
//! protocol gives a meaning, so no key can be taken for a command or a pattern; and what others may write is not believed
//! unless it is signed, or somebody said so.

use std::time::Duration;

use super::{Address, Timeouts};
use crate::policy::Policy;
use crate::{CacheError, CacheErrorKind, Clock};

/// Jinja2's prefix of keys.
const PREFIX: &str = "jinja2/bytecode/";
/// Connecting, and each operation.
const TIMEOUT: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_secs(1);
const MAX_PREFIX: usize = 128;

/// What may be chosen.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) prefix: String,
    pub(crate) expire_after: Option<Duration>,
    pub(crate) timeouts: Timeouts,
    pub(crate) max_entry_bytes: usize,
    pub(crate) read_only: bool,
    /// Entries need no signature.
    pub(crate) unauthenticated: bool,
    pub(crate) policy: Policy,
    pub(crate) clock: Clock,
    /// What is read instead of a server's answers.
    #[cfg(feature = "fuzz")]
    pub(crate) replies: Option<super::Replies>,
}

impl Options {
    /// The defaults.
    pub(crate) fn new(max_entry_bytes: usize) -> Self {
        Self {
            prefix: PREFIX.to_owned(),
            expire_after: None,
            timeouts: Timeouts { connect: TIMEOUT, operation: TIMEOUT, pause: PAUSE },
            max_entry_bytes,
            read_only: false,
            unauthenticated: false,
            policy: Policy::default(),
            clock: Clock::default(),
            #[cfg(feature = "fuzz")]
            replies: None,
        }
    }

    /// Takes over `prefix` and `timeout` (Jinja2's names; the latter in seconds) from a URL. Another name is an error.
    pub(crate) fn take_query(&mut self, query: &[(String, String)]) -> Result<(), CacheError> {
        let bad = |message: String| CacheError::new(CacheErrorKind::Url, message);
        for (name, value) in query {
            match (name.as_str(), value.parse()) {
                ("prefix", _) => self.prefix.clone_from(value),
                ("timeout", Ok(0)) => self.expire_after = None,
                ("timeout", Ok(seconds)) => self.expire_after = Some(Duration::from_secs(seconds)),
                ("timeout", Err(_)) => return Err(bad(format!("timeout={value}: expected whole seconds"))),
                // What it is set to may be a secret that was meant for another place.
                _ => return Err(bad(format!("no option `{name}`: expected prefix=TEXT or timeout=SECONDS"))),
            }
        }
        Ok(())
    }

    /// The address to connect to, if the URL says this one.
    #[cfg_attr(not(feature = "fuzz"), expect(clippy::unused_self, reason = "there is but one"))]
    pub(crate) fn address(&self, named: Address) -> Address {
        #[cfg(feature = "fuzz")]
        if let Some(replies) = &self.replies {
            return Address::Replies(replies.clone());
        }
        named
    }

    /// Refuses a prefix that a protocol could misread.
    pub(crate) fn check(&self) -> Result<(), CacheError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/-".contains(&byte);
        if self.prefix.len() <= MAX_PREFIX && self.prefix.bytes().all(is_plain) {
            return Ok(());
        }
        let message =
            format!("{:.150?}: a prefix is at most {MAX_PREFIX} letters, digits, `_.:/-`", self.prefix);
        Err(CacheError::new(CacheErrorKind::Pattern, message))
    }

    /// The error of a store whose entries are neither signed nor believed as they are.
    pub(crate) fn refuse_unless_waived(&self) -> Result<(), CacheError> {
        if self.unauthenticated { Ok(()) } else { Err(wants_keys()) }
    }

    /// The error of a store that is only read.
    pub(crate) fn refuse_if_read_only(&self) -> Result<(), CacheError> {
        if self.read_only {
            return Err(CacheError::new(CacheErrorKind::ReadOnly, "this cache is opened read-only"));
        }
        Ok(())
    }

    /// The error of bytecode that is too large.
    pub(crate) fn refuse_if_larger(&self, length: usize) -> Result<(), CacheError> {
        if length > self.max_entry_bytes {
            let message = format!("{length} bytes of bytecode: at most {}", self.max_entry_bytes);
            return Err(CacheError::new(CacheErrorKind::TooLarge, message));
        }
        Ok(())
    }
}

/// The error of a server that is opened without keys.
pub(crate) fn wants_keys() -> CacheError {
    let message = "others may write there, too: name the keys that sign entries, or say that none are wanted";
    CacheError::new(CacheErrorKind::Secret, message)
}

/// The methods of a builder that has `options: Options`.
macro_rules! option_methods {
    () => {
        /// What every key begins with: at most 128 letters, digits and `_.:/-`. Jinja2's `jinja2/bytecode/` by default.
        /// Caches with one prefix share their entries, and `clear()`.
        pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
            self.options.prefix = prefix.into();
            self
        }

        /// The server drops an entry after this time (Jinja2's `timeout`). By default it keeps them until it needs the
        /// room: no entry is ever stale.
        pub fn expire_after(mut self, time: Duration) -> Self {
            self.options.expire_after = (!time.is_zero()).then_some(time);
            self
        }

        /// How long connecting may take, looking up the name included; 100 ms by default.
        pub fn connect_timeout(mut self, limit: Duration) -> Self {
            self.options.timeouts.connect = limit;
            self
        }

        /// How long one operation may take, from the question's first byte to the answer's last; 100 ms by default. A
        /// cache that needs longer has lost against the compiler already.
        pub fn operation_timeout(mut self, limit: Duration) -> Self {
            self.options.timeouts.operation = limit;
            self
        }

        /// For how long a server is left alone after it did not answer in time, or failed three times in a row; a second
        /// by default, doubled each time, up to thirty. It comes back at the first answer.
        pub fn retry_after(mut self, pause: Duration) -> Self {
            self.options.timeouts.pause = pause;
            self
        }

        /// The largest bytecode that is written or read.
        pub fn max_entry_bytes(mut self, bytes: usize) -> Self {
            self.options.max_entry_bytes = bytes;
            self
        }

        /// Only reads entries.
        pub fn read_only(mut self, read_only: bool) -> Self {
            self.options.read_only = read_only;
            self
        }

        /// Entries are neither signed nor checked for who wrote them: everybody who can write to the server can then
        /// change your pages. [`connect`](Self::connect) wants this to be said.
        pub fn unauthenticated(mut self) -> Self {
            self.options.unauthenticated = true;
            self
        }

        /// What happens when the server fails. `Ignore`, the default, is Jinja2's `ignore_memcache_errors=True`.
        pub fn failures(mut self, failures: Failures) -> Self {
            self.options.policy.failures = failures;
            self
        }

        /// Who hears of failures under [`Failures::Warn`], instead of standard error. Each kind of failure is told once.
        pub fn warn_with(mut self, listener: impl Fn(&CacheError) + Send + Sync + 'static) -> Self {
            self.options.policy.listener = Some($crate::policy::Listener::new(listener));
            self
        }

        /// Reads these replies instead of asking the server.
        #[cfg(feature = "fuzz")]
        pub fn replies(mut self, replies: $crate::Replies) -> Self {
            self.options.replies = Some(replies);
            self
        }

        /// Where entries get their times from.
        pub fn clock(mut self, clock: Clock) -> Self {
            self.options.clock = clock;
            self
        }
    };
}
pub(crate) use option_methods;
