//! The built binary in a directory of its own. No run may panic, and none may hang: one that is not over in time is
//! killed and fails its test.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a run may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_mins(1);

/// A directory with files.
pub(crate) struct Folder(TempDir);

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    pub(crate) fn new(files: &[(&str, &str)]) -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a temporary directory"));
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is below the folder")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_haiden"))
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts")
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let mut child = self.start(arguments);
        let out = reader(child.stdout.take().expect("it is piped"));
        let err = reader(child.stderr.take().expect("it is piped"));
        let code = wait(&mut child);
        let ran = Ran {
            code,
            out: out.join().expect("the reader does not panic"),
            err: err.join().expect("the reader does not panic"),
        };
        assert!(!ran.err.contains("panicked"), "{arguments:?}: {ran:?}");
        ran
    }

    /// `render` without a cache must give this page.
    pub(crate) fn page(&self, arguments: &[&str], expected: &str) {
        let ran = self.run(&[&["render", "--cache", "none"], arguments].concat());
        assert_eq!((ran.code, &*ran.out, &*ran.err), (Some(0), expected, ""), "{arguments:?}");
    }

    /// `render` without a cache must fail with this code, print nothing, and say all of these.
    pub(crate) fn fails(&self, arguments: &[&str], code: i32, says: &[&str]) {
        self.refused(&[&["render", "--cache", "none"], arguments].concat(), code, says);
    }

    /// A command must fail with this code, print nothing, and say all of these.
    pub(crate) fn refused(&self, arguments: &[&str], code: i32, says: &[&str]) {
        let ran = self.run(arguments);
        assert_eq!((ran.code, &*ran.out), (Some(code), ""), "{arguments:?}: {ran:?}");
        assert!(ran.err.starts_with("error: "), "{arguments:?}: {ran:?}");
        for part in says {
            assert!(ran.err.contains(part), "{arguments:?}: no {part:?} in {ran:?}");
        }
        let longest = ran.err.lines().map(|line| line.chars().count()).max();
        assert!(longest < Some(300), "{arguments:?}: a line of {longest:?} characters");
    }

    /// The names of the files in a directory.
    pub(crate) fn list(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(directory)).expect("a directory");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

pub(crate) fn reader(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        String::from_utf8(bytes).expect("the output is UTF-8")
    })
}

/// The exit code; `None` if a signal ended it.
pub(crate) fn wait(child: &mut Child) -> Option<i32> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status.code();
        }
        if started.elapsed() > PATIENCE {
            child.kill().expect("a child can be killed");
            panic!("the run hangs");
        }
        thread::sleep(Duration::from_millis(5));
    }
}
