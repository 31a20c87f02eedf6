//! A server, asked over a pool of connections, and left alone while it is ill.
//!
//! In: exchanges. Out: their results. Invariant: only a connection whose last exchange ended as it should goes back to
//! the pool; an exchange is tried a second time only if an idle connection turned out to be closed.

use std::fmt;
use std::time::Duration;

use super::{Address, Cause, Failure, Link, Talk, Tls};
use crate::breaker::{Breaker, Harm};
use crate::pool::Pool;
use crate::{CacheError, CacheErrorKind};

const MAX_IDLE: usize = 8;
const MAX_IDLE_AGE: Duration = Duration::from_secs(55);

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// Connecting, looking up the name included.
    pub(crate) connect: Duration,
    /// One exchange.
    pub(crate) operation: Duration,
    /// The first pause of a server that failed.
    pub(crate) pause: Duration,
}

type Greeting = dyn Fn(&mut Link) -> Talk<()> + Send + Sync;

/// A server.
pub(crate) struct Client {
    address: Address,
    tls: Option<Tls>,
    timeouts: Timeouts,
    /// What is said first on each connection.
    greeting: Box<Greeting>,
    pool: Pool<Link>,
    health: Breaker,
    /// A server that is full, or may not be written, still answers readers.
    writing: Breaker,
}

impl Client {
    /// A server that is not connected to yet.
    pub(crate) fn new(
        address: Address,
        tls: Option<Tls>,
        timeouts: Timeouts,
        greeting: impl Fn(&mut Link) -> Talk<()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            address,
            tls,
            timeouts,
            greeting: Box::new(greeting),
            // A socket that is closed in a child stays open in its parent.
            pool: Pool::new(MAX_IDLE, MAX_IDLE_AGE, drop),
            health: Breaker::new(timeouts.pause),
            writing: Breaker::new(timeouts.pause),
        }
    }

    /// Where it is.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// An exchange. It may be begun a second time, so it has to be one that may be repeated.
    pub(crate) fn exchange<T>(&self, mut talk: impl FnMut(&mut Link) -> Talk<T>) -> Result<T, CacheError> {
        if !self.health.admits() {
            return Err(self.paused("it failed lately, and is not asked for a while"));
        }
        let result = self.attempt(&mut talk);
        match result.as_ref().map_err(|failure| failure.cause) {
            Ok(_) | Err(Cause::Refused) => self.health.succeeded(),
            Err(Cause::Slow) => self.health.failed(Harm::Slow),
            Err(Cause::Stale | Cause::Broken) => self.health.failed(Harm::Quick),
        }
        result.map_err(|failure| failure.error)
    }

    /// An exchange that writes. A server that refuses to be written is not asked for a while.
    pub(crate) fn write<T>(&self, talk: impl FnMut(&mut Link) -> Talk<T>) -> Result<T, CacheError> {
        if !self.writing.admits() {
            return Err(self.paused("it refused to be written, and is only read for a while"));
        }
        let result = self.exchange(talk);
        match result.as_ref().map_err(CacheError::kind) {
            Ok(_) => self.writing.succeeded(),
            Err(CacheErrorKind::Full | CacheErrorKind::ReadOnly | CacheErrorKind::Denied) => {
                self.writing.failed(Harm::Slow);
            }
            Err(_) => {}
        }
        result
    }

    fn attempt<T>(&self, talk: &mut impl FnMut(&mut Link) -> Talk<T>) -> Talk<T> {
        if let Some(mut link) = self.pool.take() {
            link.begin(self.timeouts.operation);
            match talk(&mut link) {
                Err(Failure { cause: Cause::Stale, .. }) => self.pool.clear(), // the others will be no better
                result => return self.ended(link, result),
            }
        }
        let mut link = Link::connect(&self.address, self.tls.as_ref(), self.timeouts.connect)?;
        link.begin(self.timeouts.operation);
        (self.greeting)(&mut link)?;
        let result = talk(&mut link);
        self.ended(link, result)
    }

    fn ended<T>(&self, link: Link, result: Talk<T>) -> Talk<T> {
        let is_sound = matches!(result, Ok(_) | Err(Failure { cause: Cause::Refused, .. }));
        if is_sound && link.is_quiet() {
            self.pool.give(link);
        }
        result
    }

    fn paused(&self, why: &str) -> CacheError {
        CacheError::new(CacheErrorKind::Unavailable, format!("{}: {why}", self.address))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.address)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}
