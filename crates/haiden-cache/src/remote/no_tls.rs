//! What stands for TLS where it is not built: nothing that could be made.
//!
//! In: the name of a server. Out: an error that says so. Invariant: no value of these types exists.

use std::io::{self, IoSlice};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::{CacheError, CacheErrorKind};

#[derive(Debug)]
pub(crate) enum Tls {}

impl Tls {
    pub(crate) fn new(_: &str, _: Option<&Path>) -> Result<Self, CacheError> {
        let message = "this was built without TLS (the cargo feature `tls`)";
        Err(CacheError::new(CacheErrorKind::Unsupported, message))
    }

    pub(crate) fn connect(&self, _: TcpStream, _: Instant) -> io::Result<TlsStream> {
        match *self {}
    }
}

#[derive(Debug)]
pub(crate) enum TlsStream {}

impl TlsStream {
    pub(crate) fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn write_vectored(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn set_timeouts(&mut self, _: Duration) {
        match *self {}
    }
}
