//! Engines as the runner sees them: a name, a program, a conversation.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use bench_common::Case;

/// An engine of the comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Engine {
    /// Its package without `engine-`.
    pub(crate) name: &'static str,
    /// Whether it reads templates at run time.
    pub(crate) dynamic: bool,
}

/// An engine that was built.
pub(crate) struct Built {
    /// Which one.
    pub(crate) engine: Engine,
    /// Its program.
    pub(crate) path: PathBuf,
    /// What it can do.
    pub(crate) cases: Vec<Case>,
}

/// A running engine.
pub(crate) struct Peer {
    name: String,
    child: Child,
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts the program at `path`.
    pub(crate) fn start(path: &Path) -> Result<Self, String> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut command = Command::new(path);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("{}: {error}", path.display()))?;
        let requests = child.stdin.take();
        let replies = child.stdout.take().ok_or("a piped child has no output")?;
        Ok(Self { name, child, requests, replies: BufReader::new(replies) })
    }

    /// Sends a line, waits for the reply, returns what follows `ok`.
    pub(crate) fn ask(&mut self, request: &str) -> Result<String, String> {
        let requests = self.requests.as_mut().ok_or("the conversation is over")?;
        let mut reply = String::new();
        let asked = writeln!(requests, "{request}").and_then(|()| requests.flush());
        let heard = asked.and_then(|()| self.replies.read_line(&mut reply));
        heard.map_err(|error| format!("{}: {request}: {error}", self.name))?;
        match reply.trim_end().strip_prefix("ok") {
            Some(text) => Ok(text.trim_start().to_owned()),
            None if reply.is_empty() => Err(format!("{}: died at `{request}`", self.name)),
            None => Err(format!("{}: {request}: {}", self.name, reply.trim_end())),
        }
    }

    /// Sends a line whose reply is a number.
    pub(crate) fn ask_number(&mut self, request: &str) -> Result<u64, String> {
        let reply = self.ask(request)?;
        reply.parse().map_err(|_| format!("{}: {request}: `{reply}` is no number", self.name))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.requests = None; // the end of its input ends the program
        let _ = self.child.wait();
    }
}
