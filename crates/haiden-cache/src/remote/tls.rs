//! TLS over a connection, with rustls and ring.
//!
//! In: the name of a server, and whose certificates to believe. Out: a stream. Invariant: nothing of ours is sent before the
//! server has shown a certificate for its name; each read and write of the socket ends at the deadline, so that a server that
//! drips bytes gains nothing here either.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::{CacheError, CacheErrorKind};

/// How a server is to prove that it is the right one.
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    /// For a server of this name: believes the certificates in a PEM file, or the system's.
    pub(crate) fn new(host: &str, authorities: Option<&Path>) -> Result<Self, CacheError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| {
            CacheError::new(
                CacheErrorKind::Url,
                format!("{host}: no name that a certificate can bear: {error}"),
            )
        })?;
        let roots = match authorities {
            Some(path) => of_file(path)?,
            None => of_system()?,
        };
        // The provider is named: what the process has installed, or not, does not matter.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config =
            config.map_err(|error| CacheError::new(CacheErrorKind::Other, format!("TLS: {error}")))?;
        let config = config.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { config: Arc::new(config), name })
    }

    /// Shakes hands over a new connection.
    pub(crate) fn connect(&self, socket: TcpStream, deadline: Instant) -> io::Result<TlsStream> {
        let mut socket = Timed { socket, deadline };
        let connection = ClientConnection::new(Arc::clone(&self.config), self.name.clone());
        let mut connection = connection.map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Ok(TlsStream(Box::new(StreamOwned::new(connection, socket))))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({:?})", self.name)
    }
}

fn of_file(path: &Path) -> Result<RootCertStore, CacheError> {
    let failed = |why: String| CacheError::new(CacheErrorKind::Io, format!("{}: {why}", path.display()));
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(failed("there is no certificate in it (PEM)".to_owned()));
    }
    Ok(roots)
}

/// One that rustls cannot read is passed over, as browsers do.
fn of_system() -> Result<RootCertStore, CacheError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let message = "this system has no certificates to believe: name a file of them, `?ca=FILE`";
        return Err(CacheError::new(CacheErrorKind::Missing, message));
    }
    Ok(roots)
}

/// A connection that is encrypted.
#[derive(Debug)]
pub(crate) struct TlsStream(Box<StreamOwned<ClientConnection, Timed>>);

impl TlsStream {
    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }

    /// What was written is on its way when this returns.
    pub(crate) fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = self.0.write_vectored(pieces)?;
        self.0.flush()?;
        Ok(written)
    }

    pub(crate) fn set_timeouts(&mut self, limit: Duration) {
        self.0.sock.deadline = Instant::now() + limit;
    }
}

/// A socket that is not waited for after a deadline.
#[derive(Debug)]
struct Timed {
    socket: TcpStream,
    deadline: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Option<Duration>> {
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(Some(left)),
        }
    }
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        self.socket.read(into)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
