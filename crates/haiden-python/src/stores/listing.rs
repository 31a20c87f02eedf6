//! What a store tells of itself: statistics and entries, as plain objects that `haiden.cache` gives names to.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use haiden_cache::{BytecodeCache, CacheStatistics};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use super::foreign::outside;

/// Key, checksum, bytecode, when it was made and last used (seconds since 1970).
pub(super) type Entry<'py> = (String, String, Bound<'py, PyBytes>, Option<f64>, Option<f64>);

/// All sound entries.
pub(super) fn entries<'py>(py: Python<'py>, cache: &dyn BytecodeCache) -> PyResult<Vec<Entry<'py>>> {
    let entries = outside(py, || Ok(cache.entries()?.filter_map(Result::ok).collect::<Vec<_>>()))?;
    let entry = |entry: haiden_cache::CacheEntry| {
        let bytecode = PyBytes::new(py, &entry.bytecode);
        (entry.key, entry.checksum, bytecode, time(entry.created_at), time(entry.accessed_at))
    };
    Ok(entries.into_iter().map(entry).collect())
}

/// The figures by their names.
pub(super) fn dictionary<'py>(py: Python<'py>, figures: &CacheStatistics) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    for (name, value) in [
        ("hits", Some(figures.hits)),
        ("misses", Some(figures.misses)),
        ("size", figures.size),
        ("max_size", figures.max_size),
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
