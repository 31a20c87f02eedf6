//! Scratch directories, and running a test again as another user or in another process.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use haiden_cache::Bucket;

/// A directory that is removed with everything in it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static TURN: AtomicU32 = AtomicU32::new(0);
        let name = format!("haiden-cache-test-{}-{}", std::process::id(), TURN.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a scratch directory");
        chmod(&path, 0o755);
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod of a file of our own");
}

/// The names in a directory, sorted.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a readable directory");
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) fn filled(key: &str, bytecode: &[u8]) -> Bucket<'static> {
    let mut bucket = Bucket::new(key, "sum");
    bucket.set_bytecode(bytecode);
    bucket
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Set in the processes that tests start: what to do there.
pub(crate) const ROLE: &str = "HAIDEN_CACHE_TEST_ROLE";

pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// This test, in another process with a role, by way of `wrapper` (a program and its first arguments).
pub(crate) fn again(wrapper: &[&str], program: &Path, test: &str, role: &str) -> Command {
    let mut words = wrapper.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    words.push(program.to_str().expect("a path in UTF-8").to_owned());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(["--exact", test, "--nocapture", "--test-threads=1"]).env(ROLE, role);
    command
}

#[track_caller]
pub(crate) fn assert_success(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "the other process failed: {}\n{out}\n{err}", output.status);
    assert!(out.contains("1 passed"), "the other process ran no test:\n{out}\n{err}");
}

/// Runs `body` as a user whom permissions stop. As root, the test runs again as user 65534.
pub(crate) fn without_root(test: &str, body: impl FnOnce()) {
    if !is_root() {
        return body();
    }
    let scratch = Scratch::new();
    chmod(scratch.path(), 0o777);
    let program = scratch.join("test");
    // Copied by another process: what this one had open for writing, a child started meanwhile by another test could hold
    // open, and then the kernel does not run it.
    let this = std::env::current_exe().expect("this program");
    let copied = Command::new("cp").arg(this).arg(&program).status().expect("`cp` (coreutils) is needed");
    assert!(copied.success(), "no copy that others can run");
    chmod(&program, 0o755);
    let setpriv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let output = again(&setpriv, &program, test, "without root").env("TMPDIR", scratch.path()).output();
    let output =
        output.expect("`setpriv` (util-linux) is needed: run as root, this test has to drop root first");
    assert_success(&output);
}
