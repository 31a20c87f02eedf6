//! URLs of caches.
//!
//! In: a URL and the keys for it. Out: the cache, whose failures are errors. Invariant: a server that others share is not
//! written without a key, unless the user says so.

use std::io;
use std::path::PathBuf;

use clap::Args;
use haiden_cache::{CacheUrl, Failures, KeyRing, Opened, Opening};

use super::failed;
use crate::Failure;

/// Who may have written what the cache holds.
#[derive(Args)]
pub(super) struct Access {
    /// A file of secrets, one a line: entries are signed with the first, and those signed with none are misses.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Write to a server without signing: everybody who can write there can then change your pages.
    #[arg(long, conflicts_with = "key")]
    unauthenticated: bool,
}

impl Access {
    /// Whether entries have to be signed.
    pub(super) fn has_keys(&self) -> bool {
        self.key.is_some()
    }
}

/// Opens a cache that is there already: looking makes nothing, and neither does emptying.
pub(super) fn open_existing(url: &str, access: &Access, read_only: bool) -> Result<Opened, Failure> {
    let named = CacheUrl::parse(url).map_err(|error| failed(url, &error))?;
    if let Some(path) = named.path()
        && let Err(error) = path.metadata()
        && error.kind() == io::ErrorKind::NotFound
    {
        return Err(Failure::Failed(format!("{}: there is no such cache", CacheUrl::without_password(url))));
    }
    open(url, access, read_only)
}

/// Opens the cache at a URL, for reading only or for writing too.
pub(super) fn open(url: &str, access: &Access, read_only: bool) -> Result<Opened, Failure> {
    let named = CacheUrl::parse(url).map_err(|error| failed(url, &error))?;
    if named.is_shared() && !read_only && access.key.is_none() && !access.unauthenticated {
        return Err(Failure::Usage(format!(
            "{}: others may write there, too: name a file of secrets with --key, or say --unauthenticated",
            CacheUrl::without_password(url)
        )));
    }
    let mut opening = Opening::new().read_only(read_only).failures(Failures::Raise);
    // What is only looked at is never run.
    if access.unauthenticated || read_only {
        opening = opening.unauthenticated();
    }
    if let Some(path) = &access.key {
        opening = opening.keys(KeyRing::from_file(path).map_err(|error| Failure::Failed(error.to_string()))?);
    }
    opening.open(url).map_err(|error| failed(url, &error))
}
