//! A server that misbehaves.
//!
//! In: a function from what was asked to an [`Answer`]. Out: a port on loopback that gives such answers. Invariant: it
//! runs until it goes out of scope.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// What a [`FakeServer`] does when it is asked something.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Sends these bytes.
    Bytes(Vec<u8>),
    /// Sends them one by one, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// Sends them, then closes the connection.
    Last(Vec<u8>),
    /// Nothing; the connection stays open.
    Silence,
}

/// A server for one's worst days.
///
/// ```
/// use haiden_cache::testkit::{Answer, FakeServer};
/// use haiden_cache::{Bucket, BytecodeCache, RedisBytecodeCache};
///
/// let server = FakeServer::start(|_| Answer::Bytes(b"$20000000000\r\n".to_vec()));
/// let cache = RedisBytecodeCache::builder(server.url("redis")).unauthenticated().connect()?;
/// cache.lookup(&mut Bucket::new("key", "sum"))?; // a miss: failures are ignored, and counted
/// assert_eq!((cache.statistics().misses, cache.statistics().load_failures), (1, 1));
/// # Ok::<(), haiden_cache::CacheError>(())
/// ```
#[derive(Debug)]
pub struct FakeServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    connections: AtomicUsize,
    questions: AtomicUsize,
}

impl FakeServer {
    /// Starts a server. `answer` gets what arrived at once, which for a small question is the question.
    ///
    /// # Panics
    /// If there is no free port.
    pub fn start(answer: impl Fn(&[u8]) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared::default());
        let (answer, server) = (Arc::new(answer), Arc::clone(&shared));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if server.stopped.load(SeqCst) {
                    return;
                }
                server.connections.fetch_add(1, SeqCst);
                let (answer, server) = (Arc::clone(&answer), Arc::clone(&server));
                std::thread::spawn(move || {
                    // A client that goes away is what is to be expected.
                    let _ = server.serve(stream, &*answer);
                });
            }
        });
        Self { address, shared }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, with this scheme.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(SeqCst)
    }

    /// How many questions arrived.
    pub fn questions(&self) -> usize {
        self.shared.questions.load(SeqCst)
    }
}

impl Shared {
    fn serve(
        &self,
        mut stream: TcpStream,
        answer: &(impl Fn(&[u8]) -> Answer + ?Sized),
    ) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut question = vec![0; 1 << 16];
        while !self.stopped.load(SeqCst) {
            let length = stream.read(&mut question)?;
            if length == 0 {
                return Ok(());
            }
            self.questions.fetch_add(1, SeqCst);
            match answer(&question[..length]) {
                Answer::Bytes(bytes) => stream.write_all(&bytes)?,
                Answer::Drip(bytes, pause) => {
                    for byte in bytes {
                        stream.write_all(&[byte])?;
                        std::thread::sleep(pause);
                    }
                }
                Answer::Last(bytes) => return stream.write_all(&bytes),
                Answer::Silence => {}
            }
        }
        Ok(())
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, SeqCst);
        let _ = TcpStream::connect(self.address); // wakes the thread that accepts
    }
}
