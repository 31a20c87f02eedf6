//! One connection, with a deadline over each exchange of question and answer.
//!
//! In: bytes to send; lines and counted bytes to expect. Out: those, or a failure with its cause. Invariant: nothing is
//! read or written after the deadline (an eighth of the limit aside, to spare system calls), and memory grows with what
//! has arrived, not with what was announced.
//!
//! Values are lent out of the buffer they were received in: a store copies them once, into the bucket.

use std::io::{self, IoSlice, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::Address;
use super::tls::{Tls, TlsStream};
use crate::{CacheError, CacheErrorKind};

/// Why an exchange came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The server had closed the connection before it answered: normal for one that was idle.
    Stale,
    /// The deadline.
    Slow,
    /// Any other failure of the connection, or an answer that is none.
    Broken,
    /// The server answered properly, and the answer is no.
    Refused,
}

/// An error and its cause.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: CacheError,
    pub(crate) cause: Cause,
}

/// What a part of an exchange yields.
pub(crate) type Talk<T> = Result<T, Failure>;

/// The longest line of an answer that is read.
const MAX_LINE: usize = 4096;
/// The buffer of a connection: as much as one read takes, and an entry of 64 KB with all that is said about it.
const BUFFER: usize = 128 << 10;
/// What an idle connection keeps of a buffer that had to grow.
const KEPT: usize = 256 << 10;

/// A connection.
#[derive(Debug)]
pub(crate) struct Link {
    stream: Stream,
    peer: String,
    /// What has arrived and is not read yet: `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    limit: Duration,
    deadline: Instant,
    /// The time limits that the socket has now.
    armed: Duration,
    /// Whether anything was received in this exchange.
    heard: bool,
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
    Tls(TlsStream),
    #[cfg(feature = "fuzz")]
    Replies(super::Replies),
}

impl Link {
    /// Connects within this time, looking up the name and shaking hands included.
    pub(crate) fn connect(address: &Address, tls: Option<&Tls>, limit: Duration) -> Talk<Self> {
        let deadline = Instant::now() + limit;
        let stream = match address {
            Address::Tcp(host, port) => connect_tcp(host, *port, deadline).and_then(|socket| match tls {
                None => Ok(Stream::Tcp(socket)),
                Some(tls) => tls.connect(socket, deadline).map(Stream::Tls),
            }),
            Address::Unix(path) => connect_unix(path.clone(), deadline),
            #[cfg(feature = "fuzz")]
            Address::Replies(replies) => Ok(Stream::Replies(replies.clone())),
        };
        let peer = address.to_string();
        let stream = stream.map_err(|error| {
            if is_timeout(&error) {
                return late(&format!("{peer}: cannot connect"), limit, error);
            }
            Failure { error: unavailable(&peer, "cannot connect", error), cause: Cause::Broken }
        })?;
        let (buffer, armed) = (vec![0; BUFFER], Duration::ZERO);
        Ok(Self { stream, peer, buffer, start: 0, end: 0, limit, deadline, armed, heard: false })
    }

    /// Begins an exchange that has to end within this time.
    pub(crate) fn begin(&mut self, limit: Duration) {
        (self.limit, self.deadline, self.heard) = (limit, Instant::now() + limit, false);
        if self.is_quiet() && self.buffer.len() > KEPT {
            (self.buffer, self.start, self.end) = (vec![0; BUFFER], 0, 0);
        }
    }

    /// Whether everything that arrived was expected: only then may the connection serve another exchange.
    pub(crate) fn is_quiet(&self) -> bool {
        self.start == self.end
    }

    /// Sends these pieces, one after the other.
    pub(crate) fn send(&mut self, pieces: &[&[u8]]) -> Talk<()> {
        let mut slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut rest = &mut slices[..];
        IoSlice::advance_slices(&mut rest, 0); // drops empty ones
        while !rest.is_empty() {
            self.arm()?;
            match self.stream.write_vectored(rest) {
                Ok(0) => return Err(self.failed(io::ErrorKind::WriteZero.into())),
                Ok(sent) => IoSlice::advance_slices(&mut rest, sent),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(())
    }

    /// The next line, without its end (CR LF).
    pub(crate) fn line(&mut self) -> Talk<Vec<u8>> {
        let mut searched = 0;
        loop {
            let unread = &self.buffer[self.start..self.end];
            if let Some(at) = unread[searched..].iter().position(|&byte| byte == b'\n') {
                let end = searched + at;
                let Some(line) = unread[..end].strip_suffix(b"\r").map(<[u8]>::to_vec) else {
                    return Err(self.garbage("a line that ends without a carriage return"));
                };
                self.start += end + 1;
                return Ok(line);
            }
            searched = unread.len();
            if searched > MAX_LINE {
                return Err(self.garbage("a line without an end"));
            }
            self.receive()?;
        }
    }

    /// So many bytes, and the end of line behind them. The caller has compared the number with what he is ready to take.
    pub(crate) fn counted(&mut self, length: usize) -> Talk<&[u8]> {
        let whole = length.saturating_add(2);
        while self.end - self.start < whole {
            self.receive()?;
        }
        let start = self.start;
        if self.buffer[start + length..start + whole] != *b"\r\n" {
            return Err(self.garbage("more bytes than it announced"));
        }
        self.start += whole;
        Ok(&self.buffer[start..start + length])
    }

    /// The failure of a server that says what its protocol does not allow.
    pub(crate) fn garbage(&self, what: &str) -> Failure {
        let error = CacheError::new(CacheErrorKind::Protocol, format!("{}: {what}", self.peer));
        Failure { error, cause: Cause::Broken }
    }

    /// The failure of something that is no server of this kind.
    pub(crate) fn no_server(&self, kind: &str, answer: &[u8]) -> Failure {
        let printable = |letter: char| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter };
        let answer: String = String::from_utf8_lossy(answer).chars().take(100).map(printable).collect();
        self.garbage(&format!("it answers `{answer}`, as no {kind} server does"))
    }

    /// The failure of a server that says no.
    pub(crate) fn refused(&self, kind: CacheErrorKind, answer: &[u8]) -> Failure {
        let answer = String::from_utf8_lossy(&answer[..answer.len().min(200)]).into_owned();
        Failure { error: CacheError::new(kind, format!("{}: {answer}", self.peer)), cause: Cause::Refused }
    }

    /// Reads at least one byte into the buffer. What is in it is moved only where there is no room behind it; a full one grows
    /// to twice its size.
    fn receive(&mut self) -> Talk<()> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() && self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(2 * self.end, 0);
        }
        loop {
            self.arm()?;
            match self.stream.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Err(self.failed(io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => {
                    self.end += read;
                    self.heard = true;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// Gives the socket the time that is left.
    fn arm(&mut self) -> Talk<()> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.failed(io::ErrorKind::TimedOut.into()));
        }
        // What it has is good enough if it is not much later: this spares two system calls in most exchanges.
        if self.armed < left / 2 || self.armed > left + self.limit / 8 {
            self.stream.set_timeouts(left).map_err(|error| self.failed(error))?;
            self.armed = left;
        }
        Ok(())
    }

    fn failed(&self, error: io::Error) -> Failure {
        use io::ErrorKind::{
            BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof, WriteZero,
        };
        if is_timeout(&error) {
            return late(&self.peer, self.limit, error);
        }
        let gone = [BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof, WriteZero];
        let cause = if !self.heard && gone.contains(&error.kind()) { Cause::Stale } else { Cause::Broken };
        Failure { error: unavailable(&self.peer, "the connection failed", error), cause }
    }
}

impl Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(into),
            Self::Tls(stream) => stream.read(into),
            #[cfg(feature = "fuzz")]
            Self::Replies(replies) => Ok(replies.read(into)),
        }
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(pieces),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write_vectored(pieces),
            Self::Tls(stream) => stream.write_vectored(pieces),
            #[cfg(feature = "fuzz")]
            Self::Replies(_) => Ok(pieces.iter().map(|piece| piece.len()).sum()),
        }
    }

    fn set_timeouts(&mut self, time: Duration) -> io::Result<()> {
        let limit = Some(time);
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(limit).and(stream.set_write_timeout(limit)),
            #[cfg(unix)]
            Self::Unix(stream) => stream.set_read_timeout(limit).and(stream.set_write_timeout(limit)),
            Self::Tls(stream) => {
                stream.set_timeouts(time);
                Ok(())
            }
            #[cfg(feature = "fuzz")]
            Self::Replies(_) => Ok(()),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// The failure of a server that has not answered in time.
fn late(what: &str, limit: Duration, error: io::Error) -> Failure {
    let message = format!("{what}: no answer within {limit:?}");
    let error = CacheError::new(CacheErrorKind::Unavailable, message).with_source(error);
    Failure { error, cause: Cause::Slow }
}

fn unavailable(peer: &str, what: &str, error: io::Error) -> CacheError {
    let message = format!("{peer}: {what}: {error}");
    CacheError::new(CacheErrorKind::Unavailable, message).with_source(error)
}

fn connect_tcp(host: &str, port: u16, deadline: Instant) -> io::Result<TcpStream> {
    let left = || Some(deadline.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero());
    let late = || io::Error::from(io::ErrorKind::TimedOut);
    let addresses = match host.parse() {
        Ok(address) => vec![std::net::SocketAddr::new(address, port)],
        Err(_) => {
            let host = host.to_owned();
            within(left().ok_or_else(late)?, move || Ok((host.as_str(), port).to_socket_addrs()?.collect()))?
        }
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, left().ok_or_else(late)?) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(unix)]
fn connect_unix(path: std::path::PathBuf, deadline: Instant) -> io::Result<Stream> {
    let left = deadline.saturating_duration_since(Instant::now());
    within(left, move || std::os::unix::net::UnixStream::connect(path)).map(Stream::Unix)
}

#[cfg(not(unix))]
fn connect_unix(_: std::path::PathBuf, _: Instant) -> io::Result<Stream> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Does in a thread of its own what the system offers no time limit for. If it is late, the thread ends by itself, and
/// nobody hears its result.
fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new().name("haiden-connect".to_owned()).spawn(move || {
        let _ = sender.send(work()); // nobody waits any more
    })?;
    receiver.recv_timeout(limit).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
