//! Where a server is: `scheme://user:password@host:port/path?name=value`.
//!
//! In: the URL a user wrote. Out: its parts, decoded. Invariant: a URL that is not understood in every part is an
//! error, and no error nor `Debug` shows a password.

use std::fmt;
use std::path::PathBuf;

use super::Tls;
use crate::{CacheError, CacheErrorKind};

/// What can be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A name or an IP address (without brackets), and a port.
    Tcp(String, u16),
    /// A socket in the file system.
    Unix(PathBuf),
    /// No server.
    #[cfg(feature = "fuzz")]
    Replies(super::Replies),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
            #[cfg(feature = "fuzz")]
            Self::Replies(_) => write!(f, "replies"),
        }
    }
}

/// A URL, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) address: Address,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    /// What follows the host, without its slash; empty for a socket in the file system.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
}

impl Location {
    /// Takes apart a URL of this scheme, or of this scheme and `s`: the same over TLS. Then it says how the server is to
    /// prove itself, and `ca` is taken out of the query.
    pub(crate) fn parse_with_tls(
        url: &str,
        scheme: &str,
        default_port: u16,
    ) -> Result<(Self, Option<Tls>), CacheError> {
        let secure = format!("{scheme}s");
        let is_secure = url.split_once(':').is_some_and(|(found, _)| found == secure);
        let mut location = Self::parse(url, if is_secure { &secure } else { scheme }, default_port)?;
        let at = location.query.iter().position(|(name, _)| name == "ca");
        let authorities = at.map(|at| PathBuf::from(location.query.remove(at).1));
        let why = match (is_secure, &location.address) {
            (true, Address::Tcp(host, _)) => {
                let tls = Tls::new(host, authorities.as_deref())?;
                return Ok((location, Some(tls)));
            }
            (true, _) => "TLS is for hosts, not for sockets",
            (false, _) if authorities.is_none() => return Ok((location, None)),
            (false, _) => &format!("`ca` is for {secure}://, which has TLS"),
        };
        Err(CacheError::new(CacheErrorKind::Url, format!("{}: {why}", without_password(url))))
    }

    /// Takes apart a URL of this scheme, or of this scheme and `+unix`.
    pub(crate) fn parse(url: &str, scheme: &str, default_port: u16) -> Result<Self, CacheError> {
        let bad = |why: &str| {
            let message = format!("{}: {why}", without_password(url));
            CacheError::new(CacheErrorKind::Url, message)
        };
        let (found, rest) =
            url.split_once("://").ok_or_else(|| bad(&format!("expected {scheme}://HOST[:PORT]")))?;
        let is_unix = found.strip_prefix(scheme) == Some("+unix");
        if found != scheme && !is_unix {
            return Err(bad(&format!("expected {scheme}:// or {scheme}+unix://")));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let decode = |text: &str| decode(text).ok_or_else(|| bad("a percent sign that encodes no UTF-8"));
        let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        let query = query.collect::<Result<Vec<(String, String)>, CacheError>>()?;
        for (at, (name, _)) in query.iter().enumerate() {
            if query[..at].iter().any(|(other, _)| other == name) {
                return Err(bad(&format!("`{name}` is given twice")));
            }
        }
        // The last `@` before the path: a password may hold another.
        let authority = if is_unix { rest } else { rest.split('/').next().unwrap_or_default() };
        let (user, host) = match authority.rfind('@') {
            Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
            None => (None, rest),
        };
        let (user, password) = match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
            Some((user, password)) => (decode(user)?, decode(password)?),
            None => (String::new(), String::new()),
        };
        let some = |text: String| if text.is_empty() { None } else { Some(text) };
        let (address, path) = if is_unix {
            let path = decode(host)?;
            if !path.starts_with('/') {
                return Err(bad("the path of a socket begins with a slash"));
            }
            (Address::Unix(path.into()), String::new())
        } else {
            let (host, path) = host.split_once('/').unwrap_or((host, ""));
            (tcp(host, default_port).map_err(bad)?, decode(path)?)
        };
        Ok(Self { address, user: some(user), password: some(password), path, query })
    }
}

/// `host`, `host:port`, `[address]`, `[address]:port`.
fn tcp(text: &str, default_port: u16) -> Result<Address, &'static str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or("a bracket is not closed")?,
        None => text.find(':').map_or((text, ""), |at| text.split_at(at)),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|&port| port > 0).ok_or("a port is a number up to 65535")?,
        None if port.is_empty() => default_port,
        None => return Err("something follows the bracket"),
    };
    let is_bad = |byte: u8| byte.is_ascii_control() || byte == b' ' || byte == b',';
    if host.is_empty() || host.bytes().any(is_bad) {
        return Err("no name of a host (one server; several are a proxy's affair)");
    }
    Ok(Address::Tcp(host.to_owned(), port))
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(*rest.next()?).to_digit(16);
        bytes.push((digit()? << 4 | digit()?) as u8);
    }
    String::from_utf8(bytes).ok()
}

/// The URL as it may be shown, also if it is wrong and has no slashes.
pub(crate) fn without_password(url: &str) -> String {
    let Some(end) = url.rfind('@') else { return url.to_owned() };
    let start = url.find("://").map(|at| at + 3).or_else(|| url.find(':').map(|at| at + 1));
    let start = start.filter(|&start| start <= end).unwrap_or_default();
    format!("{}***{}", &url[..start], &url[end..])
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = self.password.as_ref().map(|_| "***");
        write!(f, "Location({}, user {:?}, password {password:?})", self.address, self.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, address: &str, user: &str, password: &str, path: &str) {
        let location = Location::parse(url, "redis", 6379).unwrap();
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let parts = (location.address.to_string(), text(&location.user), text(&location.password));
        assert_eq!(parts, (address.to_owned(), user.to_owned(), password.to_owned()), "{url}");
        assert_eq!(location.path, path, "{url}");
    }

    #[test]
    fn urls() {
        check("redis://cache", "cache:6379", "", "", "");
        check("redis://cache:7000/2", "cache:7000", "", "", "2");
        check("redis://:s%40cret@10.0.0.1/", "10.0.0.1:6379", "", "s@cret", "");
        check("redis://app:p:w@[::1]:7000/0", "[::1]:7000", "app", "p:w", "0");
        check("redis://app:p@ss@cache", "cache:6379", "app", "p@ss", "");
        check("redis+unix:///run/redis.sock?db=3", "/run/redis.sock", "", "", "");
        check("redis+unix://:secret@/run/redis.sock", "/run/redis.sock", "", "secret", "");
        let query = Location::parse("redis://h?prefix=a%2F&ttl=60&x", "redis", 1).unwrap().query;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(query, [pair("prefix", "a/"), pair("ttl", "60"), pair("x", "")]);
    }

    #[test]
    fn bad_urls_hide_passwords() {
        for url in [
            "",
            "cache:6379",
            "redis2://user:secret@cache",
            "redis+tls://cache",
            "redis://user:secret@",
            "redis://user:secret@host:0",
            "redis://user:secret@host:70000",
            "redis://[::1",
            "redis://[::1]7",
            "redis://a,b",
            "redis://a b",
            "redis://a\r\nb",
            "redis://user:secret@host/%zz",
            "redis://user:secret%@host",
            "redis://%ff@host",
            "redis+unix://run/redis.sock",
            "redis:user:secret@cache",
            "user:secret@cache",
            "redis://user:secret@cache?prefix=a&prefix=b",
        ] {
            let error = Location::parse(url, "redis", 6379).unwrap_err();
            assert_eq!(error.kind(), CacheErrorKind::Url, "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let location = Location::parse("redis://app:secret@host", "redis", 6379).unwrap();
        assert!(!format!("{location:?}").contains("secret"));
    }
}
