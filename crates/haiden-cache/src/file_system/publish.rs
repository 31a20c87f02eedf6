//! Publishing an entry: under its name there is, at any time, a whole entry or none.
//!
//! In: a name and bytes. Out: the file, by a temporary file and a rename. Invariant: a publication that fails leaves
//! no file behind; one that is killed leaves a temporary file which [`clear`](crate::BytecodeCache::clear) sweeps.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::renameat;
use rustix::io::Errno;

use super::directory::{Directory, create_new};
use super::pattern::Pattern;
use crate::{CacheError, ContentKey};

const ATTEMPTS: usize = 16;

/// Makes names that others cannot predict: keyed by the standard library's random state, which needs no file.
#[derive(Debug, Default)]
pub(crate) struct TempNames {
    keys: RandomState,
    turn: AtomicU64,
}

impl TempNames {
    fn next(&self) -> u64 {
        let mut hasher = self.keys.build_hasher();
        hasher.write_u64(self.turn.fetch_add(1, Relaxed));
        hasher.write_u32(std::process::id()); // a forked child has its parent's keys and turn
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        hasher.write_u128(now.as_nanos());
        hasher.finish()
    }
}

/// Writes an entry.
pub(crate) fn publish(
    directory: &Directory,
    pattern: &Pattern,
    temp_names: &TempNames,
    key: &ContentKey,
    bytes: &[u8],
    sync: bool,
) -> Result<(), CacheError> {
    let name = pattern.name(key);
    let failed = |error: std::io::Error| directory.error("write", &name, error);
    let mut attempt = 0;
    let (mut temp, mut file) = loop {
        let temp = pattern.temp_name(key, temp_names.next());
        match create_new(directory, &temp) {
            Ok(file) => break (TempFile { directory, name: Some(temp) }, file),
            Err(Errno::EXIST) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(failed(error.into())),
        }
    };
    file.write_all(bytes).map_err(failed)?;
    if sync {
        file.sync_data().map_err(failed)?;
    }
    drop(file);
    temp.rename(&name).map_err(|error| failed(error.into()))
}

/// Removes the temporary file, unless it got its final name.
struct TempFile<'a> {
    directory: &'a Directory,
    name: Option<String>,
}

impl TempFile<'_> {
    fn rename(&mut self, name: &str) -> Result<(), Errno> {
        if let Some(temp) = &self.name {
            renameat(self.directory.fd(), temp, self.directory.fd(), name)?;
        }
        self.name = None;
        Ok(())
    }
}

impl Drop for TempFile<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let _ = self.directory.remove(name); // swept by a later `clear`
        }
    }
}
