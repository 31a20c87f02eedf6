//! What the stores behind a server have in common: address, connections, time limits, health.
//!
//! In: a question, as a function that talks over one connection. Out: its answer, or an error after a bounded time.
//! Invariant: however a server behaves (silent, dripping, gone, garbage, a promise of 20 GB), a call takes at most the
//! time to connect and one operation's time twice, and at most as much memory as the largest entry; and an answer is
//! never taken for that to another question, because a connection that failed is not used again.
//!
//! Why no client library: these bounds are what the stores are for, and the libraries do not give them. `memcache` 0.21
//! needs `r2d2`, which waits its whole timeout on every call while a server is down, takes values of 1 GiB, and brings
//! 68 crates. `redis` 1.8 bounds each read, not the operation (a server that drips bytes holds a page as long as it
//! likes), buffers whatever is sent, never reconnects, and brings 56 crates. What the stores say (get, set, a few more)
//! is small beside that. The price is Cluster and Sentinel: who needs those writes a store over the `redis` crate,
//! as `examples/stores` shows, in some 40 lines. TLS is rustls's, if the feature `tls` is on.
//!
//! Reading order: `address`, `link` (one connection), `tls`, `client` (their pool), `options`.

mod address;
mod client;
mod link;
mod options;
#[cfg(feature = "fuzz")]
mod replies;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "remote/no_tls.rs"]
mod tls;

use std::time::Duration;

pub(crate) use self::address::{Address, Location, without_password};
pub(crate) use self::client::{Client, Timeouts};
pub(crate) use self::link::{Cause, Failure, Link, Talk};
pub(crate) use self::options::{Options, option_methods, wants_keys};
#[cfg(feature = "fuzz")]
pub use self::replies::Replies;
pub(crate) use self::tls::Tls;

/// As good as no limit, and a time that can be added to any other.
const LONGEST: Duration = Duration::from_hours(24 * 365);

impl Timeouts {
    /// The same, where somebody says `Duration::MAX` and means that there is no limit.
    pub(crate) fn bounded(self) -> Self {
        let Self { connect, operation, pause } = self;
        Self { connect: connect.min(LONGEST), operation: operation.min(LONGEST), pause: pause.min(LONGEST) }
    }
}
