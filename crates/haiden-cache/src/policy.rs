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

type WarningHook = Arc<dyn Fn(&CacheError) + Send + Sync>;

/// A failure policy with its listener. Each kind of failure is told once: an unwritable directory fails for every
/// template, and says so only the first time.
#[derive(Default)]
pub(crate) struct Policy {
    pub(crate) failures: Failures,
    pub(crate) hook: Option<WarningHook>,
    told: AtomicU32,
}

impl Policy {
    pub(crate) fn warn(&self, error: &CacheError) {
        let bit = error.kind().bit();
        if self.told.fetch_or(bit, Relaxed) & bit != 0 {
            return;
        }
        match &self.hook {
            Some(hook) => hook(error),
            None => warn_on_stderr(error),
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.failures)
    }
}
