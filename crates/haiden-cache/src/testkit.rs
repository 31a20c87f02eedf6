//! The conformance suite for stores, ours and yours.
//!
//! In: a function that makes an empty store. Out: a table of cases, each passed or failed with a reason. Invariant: the
//! suite uses the public trait only, so a store that passes works in an engine.
//!
//! ```
//! use haiden_cache::MemoryBytecodeCache;
//! use haiden_cache::testkit::store_suite;
//!
//! store_suite(|| MemoryBytecodeCache::new(1000, 64 << 20));
//! ```

mod cases;
mod fake;
#[cfg(unix)]
mod server;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use self::fake::{Answer, FakeServer};
#[cfg(unix)]
pub use self::server::Server;
use crate::{Bucket, BytecodeCache};

/// Runs every case, and prints the table if one fails.
///
/// # Panics
/// If a case fails.
pub fn store_suite<S: BytecodeCache>(make: impl Fn() -> S) {
    StoreSuite::new(make).run().assert_passed();
}

/// Changes the stored bytes of a bucket's entry behind the store's back.
pub type Damage<'d, S> = dyn Fn(&S, &Bucket<'_>, &dyn Fn(&mut Vec<u8>)) + 'd;

/// The suite with its hooks.
///
/// ```
/// use std::{collections::BTreeMap, sync::Mutex};
/// use haiden_cache::{Bucket, BytecodeCache, CacheError};
/// use haiden_cache::testkit::StoreSuite;
///
/// #[derive(Default)]
/// struct Map(Mutex<BTreeMap<String, Vec<u8>>>);
///
/// impl BytecodeCache for Map {
///     fn load_bytecode(&self, bucket: &mut Bucket) -> Result<(), CacheError> {
///         if let Some(bytes) = self.0.lock().unwrap().get(bucket.key()) {
///             bucket.bytecode_from_string(bytes);
///         }
///         Ok(())
///     }
///     fn dump_bytecode(&self, bucket: &Bucket) -> Result<(), CacheError> {
///         self.0.lock().unwrap().insert(bucket.key().to_owned(), bucket.bytecode_to_string()?);
///         Ok(())
///     }
/// }
///
/// let report = StoreSuite::new(Map::default)
///     .damage(|map, bucket, change| change(map.0.lock().unwrap().get_mut(bucket.key()).unwrap()))
///     .run();
/// report.assert_passed();
/// println!("{report}");
/// ```
pub struct StoreSuite<'s, S> {
    make: Box<dyn Fn() -> S + 's>,
    damage: Option<Box<Damage<'s, S>>>,
}

impl<'s, S: BytecodeCache> StoreSuite<'s, S> {
    /// The suite for stores that `make` makes. Each has to be empty and share nothing with the others.
    pub fn new(make: impl Fn() -> S + 's) -> Self {
        Self { make: Box::new(make), damage: None }
    }

    /// Also judges what the store does with damaged entries. The hook applies the function it gets to the stored bytes
    /// of the bucket's entry; a store that keeps no frames has none.
    #[must_use]
    pub fn damage(mut self, damage: impl Fn(&S, &Bucket<'_>, &dyn Fn(&mut Vec<u8>)) + 's) -> Self {
        self.damage = Some(Box::new(damage));
        self
    }

    /// Runs every case on a store of its own.
    pub fn run(&self) -> SuiteReport {
        let cases: [(&'static str, Case<S>); 13] = [
            ("a missing entry is a miss", cases::missing),
            ("what was written is read", cases::round_trip),
            ("the same key is overwritten", cases::overwrite),
            ("keys do not meet", cases::keys_do_not_meet),
            ("500 buckets at once", cases::many),
            ("an empty bucket is an error", cases::empty),
            ("large bytecode, or a clear refusal", cases::large),
            ("odd keys", cases::odd_keys),
            ("another source is a miss", cases::other_source),
            ("writers and readers of one key", cases::concurrent),
            ("clear keeps its promise", cases::clear),
            ("entries tell the truth", cases::entries),
            ("each call is counted once", cases::counted),
        ];
        let mut results: Vec<_> = cases.iter().map(|(name, case)| (*name, self.judge(case))).collect();
        if let Some(damage) = &self.damage {
            let case = |store: &S| cases::damaged(store, damage.as_ref());
            results.push(("damaged entries are misses", self.judge(case)));
        }
        SuiteReport { results }
    }

    /// One case on a store of its own. A panic in the store is a verdict, too.
    fn judge(&self, case: impl Fn(&S) -> Verdict) -> Verdict {
        let store = (self.make)();
        catch_unwind(AssertUnwindSafe(|| case(&store))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<&str>().copied();
            let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            Err(format!("a panic: {}", text.unwrap_or("without a message")))
        })
    }
}

type Verdict = Result<(), String>;
type Case<S> = fn(&S) -> Verdict;

/// What became of each case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteReport {
    results: Vec<(&'static str, Verdict)>,
}

impl SuiteReport {
    /// The cases in the order in which they ran, each passed or failed with a reason.
    pub fn results(&self) -> impl Iterator<Item = (&'static str, Result<(), &str>)> {
        self.results.iter().map(|(name, verdict)| (*name, verdict.as_ref().copied().map_err(String::as_str)))
    }

    /// Whether every case passed.
    pub fn passed(&self) -> bool {
        self.results.iter().all(|(_, verdict)| verdict.is_ok())
    }

    /// Insists that every case passed.
    ///
    /// # Panics
    /// With the table, if one failed.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.passed(), "the store fails its conformance suite:\n{self}");
    }
}

/// The reports of several stores side by side: a line for each case, a column for each store.
///
/// ```
/// use haiden_cache::MemoryBytecodeCache;
/// use haiden_cache::testkit::{StoreSuite, SuiteTable};
///
/// let mut table = SuiteTable::default();
/// table.add("memory", Some(StoreSuite::new(|| MemoryBytecodeCache::new(1000, 64 << 20)).run()));
/// table.add("a server that is not here", None);
/// println!("{table}");
/// table.assert_passed();
/// ```
#[derive(Debug, Clone, Default)]
pub struct SuiteTable {
    columns: Vec<(String, Option<SuiteReport>)>,
}

impl SuiteTable {
    /// Adds a store. Without a report, its column says that it was not tested.
    pub fn add(&mut self, store: impl Into<String>, report: Option<SuiteReport>) {
        self.columns.push((store.into(), report));
    }

    /// Insists that every case of every store passed.
    ///
    /// # Panics
    /// With the report of the first store that failed.
    #[track_caller]
    pub fn assert_passed(&self) {
        for (store, report) in &self.columns {
            if let Some(report) = report {
                assert!(report.passed(), "{store} fails the conformance suite:\n{report}");
            }
        }
    }
}

impl fmt::Display for SuiteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reports = || self.columns.iter().filter_map(|(_, report)| report.as_ref());
        // The longest report names every case: some stores have no hook for one of them.
        let Some(all) = reports().max_by_key(|report| report.results.len()) else { return Ok(()) };
        let width = all.results.iter().map(|(case, _)| case.len()).max().unwrap_or(0);
        write!(f, "{:width$}", "")?;
        for (store, _) in &self.columns {
            write!(f, "  {store}")?;
        }
        writeln!(f)?;
        for (case, _) in &all.results {
            write!(f, "{case:width$}")?;
            for (store, report) in &self.columns {
                let found =
                    report.as_ref().map(|report| report.results.iter().find(|(name, _)| name == case));
                let cell = match found {
                    None => "not here",
                    Some(None) => "-",
                    Some(Some((_, Ok(())))) => "passed",
                    Some(Some((_, Err(_)))) => "FAILED",
                };
                write!(f, "  {cell:0$}", store.len())?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for SuiteReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, verdict) in self.results() {
            match verdict {
                Ok(()) => writeln!(f, "  passed  {name}")?,
                Err(why) => writeln!(f, "  FAILED  {name}: {why}")?,
            }
        }
        Ok(())
    }
}
