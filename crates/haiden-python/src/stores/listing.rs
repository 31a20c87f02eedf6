//! What a store tells of itself: statistics and entries, as plain objects that `haiden.cache` gives names to.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use haiden_cache::{BytecodeCache, CacheErrorKind, CacheStatistics};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use super::foreign::outside;

/// Key, checksum, bytecode, when it was made and last used (seconds since 1970), why it cannot be used.
pub(super) type Entry<'py> =
    (String, Option<String>, Bound<'py, PyBytes>, Option<f64>, Option<f64>, Option<&'static str>);

/// All sound entries, and with `damaged` the others, too. A store that fails in between is an error: half a list is none.
pub(super) fn entries<'py>(
    py: Python<'py>,
    cache: &dyn BytecodeCache,
    damaged: bool,
) -> PyResult<Vec<Entry<'py>>> {
    let found = outside(py, || {
        let mut found = Vec::new();
        for entry in cache.entries()? {
            match entry {
                Ok(entry) => found.push(Ok(entry)),
                Err(error) => match error.kind() {
                    CacheErrorKind::Rejected(reason) if damaged => {
                        found.push(Err((error.key().unwrap_or_default().to_owned(), reason.name())));
                    }
                    CacheErrorKind::Rejected(_) => {}
                    _ => return Err(error),
                },
            }
        }
        Ok(found)
    })?;
    let entry = |entry: Result<haiden_cache::CacheEntry, (String, &'static str)>| match entry {
        Ok(entry) => {
            let bytecode = PyBytes::new(py, &entry.bytecode);
            let times = (time(entry.created_at), time(entry.accessed_at));
            (entry.key, Some(entry.checksum), bytecode, times.0, times.1, None)
        }
        Err((key, reason)) => (key, None, PyBytes::new(py, b""), None, None, Some(reason)),
    };
    Ok(found.into_iter().map(entry).collect())
}

/// The figures by their names.
pub(super) fn dictionary<'py>(py: Python<'py>, figures: &CacheStatistics) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    for (name, value) in [
        ("hits", Some(figures.hits)),
        ("misses", Some(figures.misses)),
        ("size", figures.size),
        ("max_size", figures.max_size),
        ("max_bytes", figures.max_bytes),
        ("writes", Some(figures.writes)),
        ("skipped_writes", Some(figures.skipped_writes)),
        ("bytes_read", Some(figures.bytes_read)),
        ("bytes_written", Some(figures.bytes_written)),
        ("evictions", Some(figures.evictions)),
        ("load_failures", Some(figures.load_failures)),
        ("dump_failures", Some(figures.dump_failures)),
    ] {
        all.set_item(name, value)?;
    }
    all.set_item("time_saved", figures.time_saved.as_secs_f64())?;
    all.set_item("time_lost", figures.time_lost.as_secs_f64())?;
    let rejections = PyDict::new(py);
    for (reason, times) in figures.rejections.iter() {
        rejections.set_item(reason.name(), times)?;
    }
    all.set_item("rejections", rejections)?;
    all.set_item("others_can_write", figures.others_can_write)?;
    all.set_item("is_link", figures.is_link)?;
    let tiers = PyList::empty(py);
    for tier in &figures.tiers {
        let latency = tier.latency.map(|latency| latency.as_secs_f64());
        tiers.append((&tier.name, tier.left_out, latency, dictionary(py, &tier.statistics)?))?;
    }
    all.set_item("tiers", tiers)?;
    Ok(all)
}

fn time(time: Option<SystemTime>) -> Option<f64> {
    time?.duration_since(UNIX_EPOCH).ok().as_ref().map(Duration::as_secs_f64)
}
