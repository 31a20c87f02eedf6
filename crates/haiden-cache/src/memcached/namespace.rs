//! The namespace of a prefix: a number in every key, which `clear` replaces.
//!
//! In: a connection. Out: the number that is valid now, at most some seconds old. Invariant: a number never comes back:
//! it is 64 random bits, not a counter. A counter that the server evicts would begin at one again, and what had been
//! cleared would be found again.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

use super::protocol;
use crate::remote::{Link, Talk};

/// The item that holds it, behind the prefix.
const ITEM: &str = "namespace";
/// Sixteen hexadecimal digits, with some room to say no to more.
const MAX_ITEM: usize = 64;

/// What this process knows of the namespace.
#[derive(Debug)]
pub(super) struct Namespace {
    start: Instant,
    keep_for: Duration,
    /// Zero while it is unknown.
    number: AtomicU64,
    /// Until when it is taken as valid, in nanoseconds after `start`.
    known_until: AtomicU64,
}

impl Namespace {
    /// Nothing is known yet; the server is asked again after this time.
    pub(super) fn new(keep_for: Duration) -> Self {
        let (number, known_until) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { start: Instant::now(), keep_for, number, known_until }
    }

    /// The number in use.
    pub(super) fn get(&self, link: &mut Link, prefix: &str) -> Talk<u64> {
        let number = self.number.load(Relaxed);
        if number != 0 && self.nanos() < self.known_until.load(Relaxed) {
            return Ok(number);
        }
        let item = format!("{prefix}{ITEM}");
        if let Some(number) = read(link, &item)? {
            return Ok(self.learn(number));
        }
        let number = random();
        if protocol::add(link, &item, format!("{number:016x}").as_bytes())? {
            return Ok(self.learn(number));
        }
        // Somebody else was quicker; or the item holds what this store would not write.
        match read(link, &item)? {
            Some(number) => Ok(self.learn(number)),
            None => self.replace(link, prefix).map(|()| self.number.load(Relaxed)),
        }
    }

    /// Puts another number in its place.
    pub(super) fn replace(&self, link: &mut Link, prefix: &str) -> Talk<()> {
        let number = random();
        protocol::set(link, &format!("{prefix}{ITEM}"), 0, format!("{number:016x}").as_bytes())?;
        self.learn(number);
        Ok(())
    }

    fn learn(&self, number: u64) -> u64 {
        self.number.store(number, Relaxed);
        let keep_for = u64::try_from(self.keep_for.as_nanos()).unwrap_or(u64::MAX);
        let until = self.nanos().saturating_add(keep_for);
        self.known_until.store(until, Relaxed);
        number
    }

    fn nanos(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

fn read(link: &mut Link, item: &str) -> Talk<Option<u64>> {
    let mut number = None;
    protocol::get(link, item, MAX_ITEM, |digits| {
        let is_plain = digits.len() == 16 && digits.iter().all(u8::is_ascii_hexdigit);
        let digits = str::from_utf8(digits).ok().filter(|_| is_plain);
        number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    })?;
    Ok(number.filter(|&number| number != 0))
}

/// A number that nobody had before: keyed by the standard library's random state.
fn random() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id()); // a forked child has its parent's random state
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    hasher.write_u128(now.as_nanos());
    hasher.finish().max(1)
}
