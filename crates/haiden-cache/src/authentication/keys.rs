//! Keys: from a secret to the tags of entries.
//!
//! In: secrets of 32 bytes or more. Out: tags. Invariant: a secret is used for nothing but deriving, so it may be one
//! that the application has for other things too; and nothing here prints it.

use std::fmt;
use std::path::Path;

use crate::{CacheError, CacheErrorKind};

/// BLAKE3 contexts: a change makes every tag wrong.
const TAG_CONTEXT: &str = "haiden-cache 2026 entry tag v1";
const ID_CONTEXT: &str = "haiden-cache 2026 key id v1";

const MIN_SECRET: usize = 32;
/// More than this is no file of secrets.
const MAX_FILE: u64 = 64 << 10;

/// Secrets that sign and check entries: the first signs, all check.
///
/// ```
/// use haiden_cache::KeyRing;
///
/// let old = "the secret of last year, 32 bytes at least";
/// let new = "the secret of this year, 32 bytes at least";
/// let keys = KeyRing::new(new)?.with(old)?;
/// assert_eq!(keys.ids().count(), 2);
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    first: MacKey,
    others: Vec<MacKey>,
}

/// What a secret is good for.
#[derive(Clone)]
pub(crate) struct MacKey {
    id: u32,
    key: [u8; 32],
}

impl MacKey {
    fn derive(secret: &[u8]) -> Result<Self, CacheError> {
        if secret.len() < MIN_SECRET {
            let message = format!("a secret of {} bytes: at least {MIN_SECRET} are needed", secret.len());
            return Err(CacheError::new(CacheErrorKind::Secret, message));
        }
        let [a, b, c, d, ..] = blake3::derive_key(ID_CONTEXT, secret);
        let id = u32::from_le_bytes([a, b, c, d]).max(1); // zero is for entries without a tag
        Ok(Self { id, key: blake3::derive_key(TAG_CONTEXT, secret) })
    }

    /// Which key this is, for who holds several.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// The tag of these bytes.
    pub(crate) fn tag(&self, bytes: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.key, bytes)
    }
}

impl KeyRing {
    /// A ring of one secret of 32 bytes or more: random ones, or text that holds as much chance (64 hexadecimal
    /// digits, say).
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, CacheError> {
        Ok(Self { first: MacKey::derive(secret.as_ref())?, others: Vec::new() })
    }

    /// The same ring with another secret behind the others: it checks, but does not sign.
    pub fn with(mut self, secret: impl AsRef<[u8]>) -> Result<Self, CacheError> {
        self.others.push(MacKey::derive(secret.as_ref())?);
        Ok(self)
    }

    /// A ring from text: a secret on each line, the one that signs on the first; empty lines and lines that begin
    /// with `#` do not count, nor does white space around a secret.
    pub fn parse(text: &str) -> Result<Self, CacheError> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let Some(first) = lines.next() else {
            return Err(CacheError::new(CacheErrorKind::Secret, "there is no secret"));
        };
        lines.try_fold(Self::new(first)?, Self::with)
    }

    /// A ring from a file of such lines. A file that everybody can read, or others can write, is an error (Unix).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, CacheError> {
        use std::io::Read as _;
        let path = path.as_ref();
        let bad = |why: &str| CacheError::new(CacheErrorKind::Secret, format!("{}: {why}", path.display()));
        let failed = |error| CacheError::io(format_args!("cannot read {}", path.display()), error);
        let file = std::fs::File::open(path).map_err(failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            if file.metadata().map_err(failed)?.mode() & 0o027 != 0 {
                return Err(bad("a file of secrets is for its owner (mode 0600) or his group (0640)"));
            }
        }
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(bad("more than 64 KiB: this is no file of secrets"));
        }
        let text = str::from_utf8(&bytes).map_err(|_| {
            bad("a secret is a line of text: write its bytes as digits (`openssl rand -hex 32`)")
        })?;
        Self::parse(text).map_err(|error| bad(&error.to_string()))
    }

    /// The ids of the keys, in their order: they stand in entries, and say nothing of the secrets.
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        std::iter::once(&self.first).chain(&self.others).map(MacKey::id)
    }

    /// The key that signs.
    pub(crate) fn signer(&self) -> &MacKey {
        &self.first
    }

    /// The keys of this id: one, unless ids meet by chance.
    pub(crate) fn with_id(&self, id: u32) -> impl Iterator<Item = &MacKey> {
        std::iter::once(&self.first).chain(&self.others).filter(move |key| key.id == id)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({:08x?})", self.ids().collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn tags_are_stable_across_builds() {
        let key = KeyRing::new(SECRET).unwrap();
        assert_eq!(key.signer().id(), 744_426_551);
        let tag = key.signer().tag(b"bytes");
        assert_eq!(tag.to_hex().as_str(), "237ed7921be4dd854e7f27afb945cfd44420c02fd3d2c3530d0815eae3bb86cb");
    }

    #[test]
    fn text_of_secrets() {
        let ids = |text: &str| KeyRing::parse(text).map(|ring| ring.ids().collect::<Vec<_>>());
        let id = |secret: &str| KeyRing::new(secret).unwrap().signer().id();
        let other = "f".repeat(40);
        assert_eq!(ids(SECRET).unwrap(), [id(SECRET)]);
        let text = format!("# this year\r\n  {other}\r\n\n# last year\n{SECRET}");
        assert_eq!(ids(&text).unwrap(), [id(&other), id(SECRET)]);
        for bad in ["", "\n\n", "# nothing\n", "short", &format!("{SECRET}\nshort")] {
            let error = ids(bad).unwrap_err();
            assert_eq!(error.kind(), CacheErrorKind::Secret);
            assert!(!error.to_string().contains("short"), "{error}");
        }
        let shown = format!("{:?}", KeyRing::new(SECRET).unwrap());
        assert!(shown.starts_with("KeyRing([") && !shown.contains("0123"), "{shown}");
    }
}
