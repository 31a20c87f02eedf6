//! The options the stores of this crate have in common: clock, failure policy, who hears warnings.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::SystemTime;

use crate::cache::warn_on_stderr;
use crate::{CacheError, Failures};

/// Tells a store the time. The default is the system's clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// A clock that asks this function.
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time.
    pub fn now(&self) -> SystemTime {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(SystemTime::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Hears of failures.
#[derive(Clone)]
pub(crate) struct Listener(Arc<dyn Fn(&CacheError) + Send + Sync>);

impl Listener {
    pub(crate) fn new(listener: impl Fn(&CacheError) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    pub(crate) fn hears(&self, error: &CacheError) {
        (self.0)(error);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// A failure policy with its listener. Each kind of failure is told once: an unwritable directory fails for every
/// template, and says so only the first time.
#[derive(Default)]
pub(crate) struct Policy {
    pub(crate) failures: Failures,
    pub(crate) listener: Option<Listener>,
    told: AtomicU32,
}

impl Policy {
    /// Is this the first failure of its kind?
    pub(crate) fn is_news(&self, error: &CacheError) -> bool {
        let bit = error.kind().bit();
        self.told.fetch_or(bit, Relaxed) & bit == 0
    }

    pub(crate) fn warn(&self, error: &CacheError) {
        if !self.is_news(error) {
            return;
        }
        match &self.listener {
            Some(listener) => listener.hears(error),
            None => warn_on_stderr(error),
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.failures)
    }
}
