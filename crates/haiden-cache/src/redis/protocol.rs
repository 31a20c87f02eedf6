//! Redis' protocol (RESP 2), as much as the store says of it.
//!
//! In: commands as words. Out: replies of the kind each caller expects; any other is a failure. Invariant: a length is
//! compared with its bound before anything is read, and replies are nested no deeper than the one that is.

use crate::CacheErrorKind;
use crate::remote::{Link, Talk};

/// The longest key that a scan may return.
const MAX_KEY: usize = 4096;
/// The most keys in one step of a scan; the server may return more than it was asked to look at, but not so many.
const MAX_KEYS: usize = 1 << 16;

/// What is said first on a connection. It holds a password and has no `Debug`.
pub(super) struct Greeting {
    question: Vec<u8>,
    replies: usize,
}

/// Logs in, and chooses a database, if there is anything to say.
pub(super) fn greeting(user: Option<&str>, password: Option<&str>, database: u32) -> Greeting {
    let mut greeting = Greeting { question: Vec::new(), replies: 0 };
    let mut say = |words: &[&str]| {
        greeting.question.extend(command(words, 0));
        greeting.replies += 1;
    };
    match (user, password) {
        (Some(user), password) => say(&["AUTH", user, password.unwrap_or_default()]),
        (None, Some(password)) => say(&["AUTH", password]),
        (None, None) => {}
    }
    if database != 0 {
        say(&["SELECT", &database.to_string()]);
    }
    greeting
}

impl Greeting {
    /// Says it. A server that wants another password answers, but nothing else can be asked then.
    pub(super) fn say(&self, link: &mut Link) -> Talk<()> {
        if self.replies > 0 {
            link.send(&[&self.question])?;
        }
        (0..self.replies).try_for_each(|_| done(link))
    }
}

/// Sends a command.
pub(super) fn ask(link: &mut Link, words: &[&str]) -> Talk<()> {
    link.send(&[&command(words, 0)])
}

/// Sends a command with a large word in it.
pub(super) fn ask_with_value(link: &mut Link, before: &[&str], value: &[u8], after: &[&str]) -> Talk<()> {
    let mut head = command(before, 1 + after.len());
    push_number(&mut head, b'$', value.len());
    let mut tail = b"\r\n".to_vec();
    push_words(&mut tail, after);
    link.send(&[&head, value, &tail])
}

/// The bytes of a command, of which so many words are still to come.
fn command(words: &[&str], more: usize) -> Vec<u8> {
    let mut bytes =
        Vec::with_capacity(words.iter().map(|word| word.len() + LENGTH_LINES).sum::<usize>() + LENGTH_LINES);
    push_number(&mut bytes, b'*', words.len() + more);
    push_words(&mut bytes, words);
    bytes
}

/// What a word takes besides itself: the line of its length, and the end of its own.
const LENGTH_LINES: usize = 16;

fn push_words(bytes: &mut Vec<u8>, words: &[&str]) {
    for word in words {
        push_number(bytes, b'$', word.len());
        bytes.extend_from_slice(word.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
}

/// A line of a sign and a number.
fn push_number(bytes: &mut Vec<u8>, sign: u8, number: usize) {
    bytes.push(sign);
    if number < 100 {
        bytes.extend((number >= 10).then_some(b'0' + (number / 10) as u8));
        bytes.push(b'0' + (number % 10) as u8);
    } else {
        bytes.extend_from_slice(number.to_string().as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
}

/// `+OK`.
pub(super) fn done(link: &mut Link) -> Talk<()> {
    match head(link)? {
        (b'+', _) => Ok(()),
        other => Err(unexpected(link, &other)),
    }
}

/// A number.
pub(super) fn number(link: &mut Link) -> Talk<i64> {
    match head(link)? {
        (b':', digits) => integer(link, &digits),
        other => Err(unexpected(link, &other)),
    }
}

/// A string of at most so many bytes, or none.
pub(super) fn string(link: &mut Link, max: usize) -> Talk<Option<&[u8]>> {
    let (kind, digits) = head(link)?;
    if kind != b'$' {
        return Err(unexpected(link, &(kind, digits)));
    }
    match integer(link, &digits)? {
        -1 => Ok(None),
        length => match usize::try_from(length) {
            Ok(length) if length <= max => link.counted(length).map(Some),
            _ => Err(link.garbage(&format!("announces {length} bytes: at most {max} are taken"))),
        },
    }
}

/// A list of this many strings, one after the other.
pub(super) fn strings(
    link: &mut Link,
    count: usize,
    max: usize,
    found: &mut impl FnMut(usize, &[u8]),
) -> Talk<()> {
    if list(link)? != count {
        return Err(link.garbage("a list of another length"));
    }
    for index in 0..count {
        if let Some(bytes) = string(link, max)? {
            found(index, bytes);
        }
    }
    Ok(())
}

/// A step of a scan: where to go on. The function gets the keys.
pub(super) fn scanned(link: &mut Link, mut found: impl FnMut(&[u8])) -> Talk<String> {
    if list(link)? != 2 {
        return Err(link.garbage("no step of a scan"));
    }
    let cursor = string(link, 20)?.and_then(|cursor| str::from_utf8(cursor).ok()).map(str::to_owned);
    let cursor =
        cursor.filter(|cursor| !cursor.is_empty() && cursor.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(cursor) = cursor else { return Err(link.garbage("no cursor")) };
    let count = list(link)?;
    for _ in 0..count {
        string(link, MAX_KEY)?.into_iter().for_each(&mut found);
    }
    Ok(cursor)
}

fn list(link: &mut Link) -> Talk<usize> {
    let (kind, digits) = head(link)?;
    if kind != b'*' {
        return Err(unexpected(link, &(kind, digits)));
    }
    let count = usize::try_from(integer(link, &digits)?).ok().filter(|&count| count <= MAX_KEYS);
    count.ok_or_else(|| link.garbage("a list of impossible length"))
}

/// The kind of a reply, and the rest of its line.
type Head = (u8, Vec<u8>);

fn head(link: &mut Link) -> Talk<Head> {
    let mut line = link.line()?;
    if line.is_empty() {
        return Err(link.garbage("an empty line"));
    }
    let kind = line.remove(0);
    Ok((kind, line))
}

fn integer(link: &Link, digits: &[u8]) -> Talk<i64> {
    let number = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| link.garbage("no number"))
}

/// The failure of a reply of another kind: an error of the server's, or garbage.
fn unexpected(link: &Link, (kind, rest): &Head) -> crate::remote::Failure {
    if *kind != b'-' {
        let line = [&[*kind], &rest[..]].concat();
        return link.no_server("Redis", &line);
    }
    let word = rest.split(|&byte| byte == b' ').next().unwrap_or_default();
    let kind = match word {
        b"OOM" => CacheErrorKind::Full,
        b"READONLY" => CacheErrorKind::ReadOnly,
        b"NOAUTH" | b"WRONGPASS" | b"NOPERM" => CacheErrorKind::Denied,
        _ => CacheErrorKind::Other,
    };
    link.refused(kind, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_counted_in_bytes() {
        assert_eq!(command(&["GET", "größe"], 0), "*2\r\n$3\r\nGET\r\n$7\r\ngröße\r\n".as_bytes());
        for length in [0, 9, 10, 99, 100, 12_345] {
            let word = "x".repeat(length);
            let expected = format!("*{}\r\n${length}\r\n{word}\r\n", 1 + length);
            assert_eq!(command(&[&word], length), expected.as_bytes());
        }
    }

    #[test]
    fn greetings() {
        let said = |user, password, database| {
            let greeting = greeting(user, password, database);
            (String::from_utf8(greeting.question).unwrap(), greeting.replies)
        };
        assert_eq!(said(None, None, 0), (String::new(), 0));
        assert_eq!(said(None, Some("s"), 0), ("*2\r\n$4\r\nAUTH\r\n$1\r\ns\r\n".to_owned(), 1));
        let (question, replies) = said(Some("u"), Some("s"), 12);
        assert_eq!(replies, 2);
        assert_eq!(question, "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\ns\r\n*2\r\n$6\r\nSELECT\r\n$2\r\n12\r\n");
    }
}
