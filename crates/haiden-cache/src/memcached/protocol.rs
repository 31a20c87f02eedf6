//! Memcached's meta protocol, as much as the store says of it.
//!
//! In: keys and entries. Out: the server's answers. Invariant: each answer names the key it is for, and is compared
//! with the question; a length is compared with the bound before anything is read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::CacheErrorKind;
use crate::remote::{Failure, Link, Talk};

/// What a number of seconds may be at most; more is taken for a date.
const MAX_RELATIVE: u64 = 30 * 24 * 60 * 60;

/// How `T` is written: nothing, seconds from now, or, beyond 30 days, a date. A date is what the server would take a
/// larger number for: one in 1970, and the entry would be gone at once.
pub(super) fn expiry(after: Option<Duration>, now: SystemTime) -> u64 {
    let Some(after) = after else { return 0 };
    let seconds = after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0));
    if seconds <= MAX_RELATIVE {
        return seconds;
    }
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    now.saturating_add(seconds).min(i32::MAX as u64) // what every server can read
}

/// Hands on the value of a key, if there is one. An empty one (the mark of a lease that others use) is none.
pub(super) fn get(link: &mut Link, key: &str, max: usize, found: impl FnOnce(&[u8])) -> Talk<()> {
    link.send(&[b"mg ", key.as_bytes(), b" v k\r\n"])?;
    match answer(link)? {
        Answer::Missing => {}
        Answer::Value { key: of, length } if of == key.as_bytes() => {
            let bytes = value(link, length, max)?;
            if !bytes.is_empty() {
                found(bytes);
            }
        }
        other => return Err(other.unexpected(link)),
    }
    Ok(())
}

/// Hands on the values of several keys, with their positions in the list.
pub(super) fn get_many(
    link: &mut Link,
    keys: &[String],
    max: usize,
    mut found: impl FnMut(usize, &[u8]),
) -> Talk<()> {
    let mut question = String::new();
    for key in keys {
        question.extend(["mg ", key, " v k q\r\n"]); // quiet: a miss says nothing
    }
    link.send(&[question.as_bytes(), b"mn\r\n"])?;
    let mut next = 0;
    loop {
        match answer(link)? {
            Answer::End => return Ok(()),
            // In the order of the questions, so a key that was passed by will not come.
            Answer::Value { key, length } => match keys[next..].iter().position(|k| k.as_bytes() == key) {
                Some(at) => {
                    let bytes = value(link, length, max)?;
                    if !bytes.is_empty() {
                        found(next + at, bytes);
                    }
                    next += at + 1;
                }
                None => return Err(link.garbage("a value that nobody asked for")),
            },
            other => return Err(other.unexpected(link)),
        }
    }
}

/// Keeps a value.
pub(super) fn set(link: &mut Link, key: &str, expiry: u64, value: &[u8]) -> Talk<()> {
    match store(link, key, &format!(" T{expiry}"), value)? {
        Answer::Stored => Ok(()),
        other => Err(other.unexpected(link)),
    }
}

/// Keeps a value if there is none; says whether it did.
pub(super) fn add(link: &mut Link, key: &str, value: &[u8]) -> Talk<bool> {
    match store(link, key, " ME", value)? {
        Answer::Stored => Ok(true),
        Answer::NotStored => Ok(false),
        other => Err(other.unexpected(link)),
    }
}

fn store(link: &mut Link, key: &str, flags: &str, value: &[u8]) -> Talk<Answer> {
    let command = format!("ms {key} {}{flags}\r\n", value.len());
    link.send(&[command.as_bytes(), value, b"\r\n"])?;
    answer(link)
}

#[derive(Debug)]
enum Answer {
    Value { key: Vec<u8>, length: usize },
    Missing,
    Stored,
    NotStored,
    End,
    Other(Vec<u8>),
}

fn answer(link: &mut Link) -> Talk<Answer> {
    let line = link.line()?;
    // Flags of the question come back behind the word, with some versions even behind a miss.
    let word = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    Ok(match word {
        b"EN" => Answer::Missing,
        b"HD" => Answer::Stored,
        b"NS" => Answer::NotStored,
        b"MN" => Answer::End,
        _ => match value_line(&line) {
            Some((key, length)) => Answer::Value { key: key.to_vec(), length },
            None => Answer::Other(line),
        },
    })
}

/// `VA <length> k<key>`.
fn value_line(line: &[u8]) -> Option<(&[u8], usize)> {
    let mut words = line.strip_prefix(b"VA ")?.split(|&byte| byte == b' ');
    let length = words.next()?;
    // Digits only: `parse` would take a sign.
    let length = length.iter().all(u8::is_ascii_digit).then_some(length)?;
    let length = str::from_utf8(length).ok()?.parse().ok()?;
    Some((words.next()?.strip_prefix(b"k")?, length))
}

fn value(link: &mut Link, length: usize, max: usize) -> Talk<&[u8]> {
    if length > max {
        return Err(link.garbage(&format!("announces {length} bytes: at most {max} are taken")));
    }
    link.counted(length)
}

impl Answer {
    /// The failure of an answer that does not fit the question.
    fn unexpected(self, link: &Link) -> Failure {
        let Self::Other(line) = self else { return link.garbage(&format!("does not expect {self:.100?}")) };
        let starts = |with: &[u8]| line.starts_with(with);
        if starts(b"SERVER_ERROR object too large") {
            link.refused(CacheErrorKind::TooLarge, &line)
        } else if starts(b"SERVER_ERROR out of memory") {
            link.refused(CacheErrorKind::Full, &line)
        } else if starts(b"SERVER_ERROR") {
            link.refused(CacheErrorKind::Other, &line)
        } else if line == b"ERROR" {
            link.garbage("no meta protocol: memcached 1.6 or newer is needed")
        } else {
            link.no_server("Memcached", &line)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_thirty_days_is_a_date() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let day = Duration::from_hours(24);
        assert_eq!(expiry(None, now), 0);
        assert_eq!(expiry(Some(Duration::from_millis(1)), now), 1, "zero would be for ever");
        assert_eq!(expiry(Some(day * 30), now), 2_592_000);
        assert_eq!(expiry(Some(day * 31), now), 1_700_000_000 + 31 * 86_400);
        assert_eq!(expiry(Some(Duration::MAX), now), i32::MAX as u64);
    }

    #[test]
    fn value_lines() {
        assert_eq!(value_line(b"VA 12 kkey"), Some((&b"key"[..], 12)));
        assert_eq!(value_line(b"VA 0 k"), Some((&b""[..], 0)));
        for bad in [
            &b"VA"[..],
            b"VA 12",
            b"VA 12 hey",
            b"VA +1 kkey",
            b"VA -1 kkey",
            b"VA 99999999999999999999 kkey",
        ] {
            assert_eq!(value_line(bad), None, "{}", bad.escape_ascii());
        }
    }
}
