//! The pattern of file names: one `%s`, where the key goes.
//!
//! In: what the user wrote, as Python's `%` reads it. Out: names for keys, and keys for names. Invariant: a name is one
//! component, fits into 255 bytes with the ending of a temporary file, and gives its key back; a file whose name does
//! not is not ours, whatever `*` would match.

use crate::{CacheError, CacheErrorKind, ContentKey};

const KEY_LENGTH: usize = 64;
/// `.` + 16 digits + `.tmp`
const TEMP_ENDING: usize = 21;
const MAX_NAME: usize = 255;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    prefix: String,
    suffix: String,
}

impl Pattern {
    pub(crate) fn parse(pattern: &str) -> Result<Self, CacheError> {
        let refuse = |why: &str| {
            let message = format!("the cache file pattern {pattern:?} {why}");
            Err(CacheError::new(CacheErrorKind::Pattern, message))
        };
        let mut parts = vec![String::new()];
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            let literal = match c {
                '%' => match chars.next() {
                    Some('s') => {
                        parts.push(String::new());
                        continue;
                    }
                    Some('%') => '%',
                    Some(other) => {
                        return refuse(&format!("contains %{other}: only %s and %% have a meaning"));
                    }
                    None => return refuse("ends in a single %: write %% for a percent sign"),
                },
                '\0' => return refuse("contains a NUL character"),
                c if std::path::is_separator(c) => {
                    return refuse("contains a path separator: it names files, not directories");
                }
                c => c,
            };
            parts.last_mut().expect("there is always a last part").push(literal);
        }
        let Ok([prefix, suffix]) = <[String; 2]>::try_from(parts) else {
            return refuse("must contain %s exactly once, where the key goes");
        };
        let length = prefix.len() + KEY_LENGTH + suffix.len() + TEMP_ENDING;
        if length > MAX_NAME {
            let room = MAX_NAME - KEY_LENGTH - TEMP_ENDING;
            return refuse(&format!("is too long: at most {room} bytes beside the %s"));
        }
        Ok(Self { prefix, suffix })
    }

    /// The file name of an entry.
    pub(crate) fn name(&self, key: &ContentKey) -> String {
        format!("{}{key}{}", self.prefix, self.suffix)
    }

    /// The name of a file that is to become an entry.
    pub(crate) fn temp_name(&self, key: &ContentKey, random: u64) -> String {
        format!("{}{key}{}.{random:016x}.tmp", self.prefix, self.suffix)
    }

    /// The key of the entry that has this name.
    pub(crate) fn key(&self, name: &[u8]) -> Option<ContentKey> {
        let digits = name.strip_prefix(self.prefix.as_bytes())?.strip_suffix(self.suffix.as_bytes())?;
        ContentKey::from_hex(str::from_utf8(digits).ok()?)
    }

    /// Whether this is the name of a temporary file of this pattern.
    pub(crate) fn is_temp(&self, name: &[u8]) -> bool {
        let Some((entry, ending)) = name.split_last_chunk::<TEMP_ENDING>() else { return false };
        let random = &ending[1..17];
        ending[0] == b'.'
            && ending.ends_with(b".tmp")
            && random.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
            && self.key(entry).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_their_key_back() {
        let key = ContentKey::new([("source", &b"x"[..])]);
        for (pattern, name) in [
            ("__jinja2_%s.cache", format!("__jinja2_{key}.cache")),
            ("%s", key.to_hex()),
            ("100%%-%s%%", format!("100%-{key}%")),
            ("%%s%s", format!("%s{key}")),
            ("größe %s", format!("größe {key}")),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            assert_eq!(pattern.name(&key), name);
            assert_eq!(pattern.key(name.as_bytes()), Some(key));
            assert!(!pattern.is_temp(name.as_bytes()));
            let temp = pattern.temp_name(&key, 7);
            assert!(pattern.is_temp(temp.as_bytes()));
            assert_eq!(pattern.key(temp.as_bytes()), None);
        }
    }

    #[test]
    fn other_names_are_not_ours() {
        let pattern = Pattern::parse("%s.cache").unwrap();
        let jinja2 = format!("__jinja2_{}.cache", "0".repeat(40));
        let long = format!("{}.cache", "0".repeat(65));
        for name in ["", ".cache", "notes.cache", &jinja2, &long, "\u{fffd}.cache", ".0123456789abcdef.tmp"] {
            assert_eq!(pattern.key(name.as_bytes()), None, "{name}");
            assert!(!pattern.is_temp(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn bad_patterns_say_why() {
        let long = format!("{}%s", "x".repeat(171));
        for (pattern, why) in [
            ("", "exactly once"),
            ("cache", "exactly once"),
            ("%s-%s", "exactly once"),
            ("%%s", "exactly once"),
            ("%d%s", "contains %d"),
            ("%s%", "single %"),
            ("%(key)s", "contains %("),
            ("sub/%s", "path separator"),
            ("../%s", "path separator"),
            ("/%s", "path separator"),
            ("a\0%s", "NUL"),
            (&long, "too long: at most 170"),
        ] {
            let error = Pattern::parse(pattern).expect_err(pattern);
            assert_eq!(error.kind(), CacheErrorKind::Pattern);
            assert!(error.to_string().contains(why), "{error}");
        }
        assert!(Pattern::parse(&format!("{}%s", "x".repeat(170))).is_ok());
    }
}
