//! Real servers for tests: started on loopback at a free port, stopped when they go out of scope.
//!
//! In: which server. Out: its address, and a hand on its process. Invariant: a server outlives its test only if the
//! test's process is killed; a test that finds no server fails where servers are required, and says so elsewhere.

use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// Set to anything but nothing, it makes a missing server an error.
const REQUIRED: &str = "HAIDEN_TEST_SERVERS_REQUIRED";
const START_LIMIT: Duration = Duration::from_secs(20);

/// A running server.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    arguments: Vec<String>,
    port: u16,
    child: Child,
}

impl Server {
    /// A Memcached, with further arguments. `None` if there is none here.
    ///
    /// # Panics
    /// If it does not start, or is not there and the environment variable `HAIDEN_TEST_SERVERS_REQUIRED` is set.
    pub fn memcached(arguments: &[&str]) -> Option<Self> {
        let mut all = vec!["--listen=127.0.0.1", "--udp-port=0"];
        if rustix::process::geteuid().is_root() {
            all.push("--user=nobody"); // it refuses to be root
        }
        all.extend(arguments);
        Self::start("memcached", "HAIDEN_MEMCACHED", &all, "--port=")
    }

    /// A Memcached that is spoken to over TLS alone, with this certificate and its key.
    ///
    /// # Panics
    /// As [`memcached`](Self::memcached).
    pub fn memcached_tls(certificate: &str, key: &str) -> Option<Self> {
        let files = format!("--extended=ssl_chain_cert={certificate},ssl_key={key}");
        Self::memcached(&["--enable-ssl", &files])
    }

    /// A Redis that keeps nothing on disk, with further arguments. `None` if there is none here.
    ///
    /// # Panics
    /// As [`memcached`](Self::memcached).
    pub fn redis(arguments: &[&str]) -> Option<Self> {
        Self::redis_at("--port ", arguments)
    }

    /// A Redis that is spoken to over TLS alone; the arguments name its certificate.
    ///
    /// # Panics
    /// As [`memcached`](Self::memcached).
    pub fn redis_tls(arguments: &[&str]) -> Option<Self> {
        Self::redis_at("--tls-auth-clients no --port 0 --tls-port ", arguments)
    }

    fn redis_at(port_option: &str, arguments: &[&str]) -> Option<Self> {
        let folder = std::env::temp_dir();
        let folder = folder.to_str().expect("a temporary directory in UTF-8");
        let mut all = vec!["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
        all.extend(arguments);
        Self::start("redis-server", "HAIDEN_REDIS_SERVER", &all, port_option)
    }

    fn start(name: &str, variable: &str, arguments: &[&str], port_option: &str) -> Option<Self> {
        let Some(program) = find(name, variable) else {
            let why = format!("no {name} found: install it (`./test` does), or name it in {variable}");
            assert!(std::env::var_os(REQUIRED).is_none(), "{why}");
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            // Past the test harness, which would swallow it.
            let _ = writeln!(std::io::stderr(), "NOT TESTED {test}: {why}");
            return None;
        };
        for _ in 0..5 {
            let port = free_port();
            let mut arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
            arguments.extend(format!("{port_option}{port}").split(' ').map(str::to_owned));
            let child = spawn(&program, &arguments);
            let mut server = Self { program: program.clone(), arguments, port, child };
            if server.is_up() {
                return Some(server);
            }
        }
        panic!("{} does not start", program.display());
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Its URL, with this scheme.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address())
    }

    /// Stops it in its tracks, and waits until it has stopped: it neither answers nor goes away.
    ///
    /// # Panics
    /// If the signal cannot be sent.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(Pid::from_child(&self.child)), stopped).expect("a child that stops");
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// If the signal cannot be sent.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills it.
    pub fn kill(&mut self) {
        let _ = self.child.kill(); // gone already
        let _ = self.child.wait();
    }

    /// Starts it again, empty, at the same port.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.kill();
        self.child = spawn(&self.program, &self.arguments);
        assert!(self.is_up(), "{} does not start again", self.program.display());
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a signal to a child");
    }

    /// Waits until it accepts connections; false if it ends instead.
    fn is_up(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < START_LIMIT {
            // In this order: if it ended because somebody else has the port, that one is not taken for it.
            let answers = TcpStream::connect_timeout(&self.address(), Duration::from_secs(1)).is_ok();
            std::thread::sleep(Duration::from_millis(5));
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return false;
            }
            if answers {
                return true;
            }
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(program: &PathBuf, arguments: &[String]) -> Child {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()))
}

/// The program that the variable names, or the first of this name on the path.
fn find(name: &str, variable: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// A port that is free, below those that systems give to outgoing connections: one of these could take it while a
/// server is down between two runs. No two servers of a process get the same.
fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static START: OnceLock<u32> = OnceLock::new();
    static TURN: AtomicU32 = AtomicU32::new(0);
    // Processes begin at different places.
    let start = *START.get_or_init(|| RandomState::new().hash_one(std::process::id()) as u32 % COUNT);
    loop {
        let port = FIRST + (start + TURN.fetch_add(1, Relaxed)) % COUNT;
        let port = u16::try_from(port).expect("below 32,000");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
