//! Entries as text and as JSON. Times are UTC, as RFC 3339 writes them.

use std::time::{SystemTime, UNIX_EPOCH};

use haiden_cache::CacheEntry;
use serde_json::{Value, json};

/// `2026-11-25T15:04:05Z`; nothing for a time that is unknown.
pub(super) fn time(time: Option<SystemTime>) -> Option<String> {
    let seconds = time?.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// Year, month and day of a day since 1970, by counting eras of 400 years that begin in March.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // from 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month, day)
}

/// One line of a list.
pub(super) fn line(entry: &CacheEntry) -> String {
    let used = time(entry.accessed_at).unwrap_or_else(|| "-".to_owned());
    let made = time(entry.created_at).unwrap_or_else(|| "-".to_owned());
    format!("{}  {:>9} bytes  made {made}  used {used}", entry.key, entry.bytecode.len())
}

/// All that is known of an entry.
pub(super) fn long(entry: &CacheEntry) -> String {
    let or_unknown = |time: Option<String>| time.unwrap_or_else(|| "unknown".to_owned());
    format!(
        "key              {}\nchecksum         {}\nbytecode         {} bytes\nmade             {}\nused             {}\n",
        entry.key,
        entry.checksum,
        entry.bytecode.len(),
        or_unknown(time(entry.created_at)),
        or_unknown(time(entry.accessed_at)),
    )
}

/// An entry as JSON.
pub(super) fn value(entry: &CacheEntry) -> Value {
    json!({
        "key": entry.key,
        "checksum": entry.checksum,
        "bytes": entry.bytecode.len(),
        "created_at": time(entry.created_at),
        "accessed_at": time(entry.accessed_at),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(time(Some(UNIX_EPOCH + Duration::from_secs(seconds))).as_deref(), Some(text));
        }
        assert_eq!(time(None), None);
    }
}
