//! The command line as a user whom permissions stop. Run by root, the binary drops root first: root is stopped by nothing,
//! and such a test would prove nothing.
#![forbid(unsafe_code)]
#![cfg(unix)]

#[expect(dead_code, reason = "other tests need the rest")]
mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use common::{Folder, Ran};

const NOBODY: &str = "65534";

/// A folder that everybody can enter, with the binary in it.
fn folder(files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new(files);
    // By another process: a program that is open for writing, even in a child of another test, does not run.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_haiden")).arg(folder.path("haiden")).status();
    assert!(copied.expect("`cp` (coreutils)").success(), "no copy that others can run");
    mode(&folder, ".", 0o777);
    folder
}

fn mode(folder: &Folder, name: &str, mode: u32) {
    fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs the copy of the binary, not as root.
fn run(folder: &Folder, temporary: &str, arguments: &[&str]) -> Ran {
    let program = folder.path("haiden");
    let is_root = fs::metadata("/proc/self").map_or(true, |metadata| metadata.uid() == 0);
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={NOBODY}"))
            .arg(format!("--regid={NOBODY}"))
            .arg("--clear-groups")
            .arg(program);
        command
    } else {
        Command::new(program)
    };
    command.args(arguments).current_dir(folder.path(".")).env("TMPDIR", folder.path(temporary));
    let output = command.stdin(Stdio::null()).output().expect("`setpriv` (util-linux), which drops root");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let ran = Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!ran.err.contains("panicked"), "{ran:?}");
    ran
}

#[test]
fn an_unwritable_cache_stops_no_page() {
    let folder = folder(&[("t.txt", "page"), ("locked/x", ""), ("tmp/x", "")]);
    mode(&folder, "locked", 0o555);
    mode(&folder, "tmp", 0o555);
    let ran = run(&folder, "tmp", &["render", "t.txt", "--cache", "locked", "--stats"]);
    assert_eq!((ran.code, &*ran.out), (Some(0), "page"), "{ran:?}");
    assert!(ran.err.contains("dump failures             1"), "{ran:?}");
    assert_eq!(folder.list("locked"), ["x"]);
    // Nobody asked for the default directory: without it, pages are as right.
    let ran = run(&folder, "tmp", &["render", "t.txt"]);
    assert_eq!((ran.code, &*ran.out, &*ran.err), (Some(0), "page", ""), "{ran:?}");
    for arguments in [["render", "t.txt", "--cache", "locked/new"], ["cache", "warm", "locked/new", "."]] {
        let ran = run(&folder, "tmp", &arguments);
        assert_eq!((ran.code, &*ran.out), (Some(1), ""), "{ran:?}");
        assert!(ran.err.contains("locked/new") && ran.err.contains("ermission denied"), "{ran:?}");
    }
    // To look into it, it need not be writable; to fill it, it must.
    assert_eq!(run(&folder, "tmp", &["cache", "stats", "locked"]).code, Some(0));
    let ran = run(&folder, "tmp", &["cache", "warm", "locked", "."]);
    assert!(ran.code == Some(1) && ran.err.contains("ermission denied"), "{ran:?}");
    for name in ["locked", "tmp"] {
        mode(&folder, name, 0o755);
    }
}

/// As in an image of a container: what is there can be looked into, and what cannot be done is told as it is.
#[test]
fn a_cache_in_a_folder_that_may_not_be_written() {
    let folder = folder(&[("site/t.txt", "page"), ("locked/x", "")]);
    mode(&folder, "locked", 0o777);
    for url in ["sqlite:locked/cache.db", "locked"] {
        assert_eq!(run(&folder, ".", &["cache", "warm", url, "site"]).code, Some(0));
    }
    for name in folder.list("locked") {
        let file = fs::File::open(folder.path("locked").join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
    }
    mode(&folder, "locked", 0o555);
    let before = folder.list("locked");
    for command in ["stats", "verify"] {
        let ran = run(&folder, ".", &["cache", command, "sqlite:locked/cache.db"]);
        assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{ran:?}");
    }
    let ran = run(&folder, ".", &["cache", "gc", "locked", "--max-entries", "0"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.starts_with("removed 0 entries") && !ran.out.contains("last minute"), "{ran:?}");
    assert!(ran.err.contains("1 entries could not be removed"), "{ran:?}");
    assert_eq!(folder.list("locked"), before);
    mode(&folder, "locked", 0o755);
}

/// The user's own directory under the temporary one, where somebody else could have made it: what is wrong with it is told.
#[test]
fn an_unsafe_directory_says_why() {
    let folder = folder(&[("site/t.txt", "page"), ("tmp/x", "")]);
    mode(&folder, "tmp", 0o777);
    assert_eq!(run(&folder, "tmp", &["cache", "warm", "file:", "site"]).code, Some(0));
    let made = folder.list("tmp").into_iter().find(|name| name.starts_with("_haiden-cache-")).unwrap();
    mode(&folder, &format!("tmp/{made}"), 0o755);
    for arguments in [&["cache", "stats", "file:"][..], &["render", "site/t.txt", "--cache", "file:"]] {
        let ran = run(&folder, "tmp", arguments);
        assert_eq!((ran.code, &*ran.out), (Some(1), ""), "{ran:?}");
        assert!(ran.err.contains(&format!("{made}: has mode 0755, not 0700")), "{ran:?}");
    }
}

#[test]
fn what_may_not_be_read_says_so() {
    let folder = folder(&[("t.txt", "page"), ("secret.txt", "x"), ("site/a.txt", "x")]);
    let ran = run(&folder, ".", &["compile", "--bundle", "site.haiden", "site", "--sealed"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    mode(&folder, "secret.txt", 0o000);
    mode(&folder, "site.haiden", 0o000);
    let ran = run(&folder, ".", &["render", "secret.txt", "--cache", "none"]);
    assert!(ran.code == Some(1) && ran.err.contains("secret.txt"), "{ran:?}");
    let ran = run(&folder, ".", &["render", "--bundle", "site.haiden"]);
    assert!(ran.code == Some(1) && ran.err.contains("cannot read the bundle site.haiden"), "{ran:?}");
}

#[test]
fn an_unwritable_output_leaves_what_was_there() {
    let folder = folder(&[("t.txt", "new"), ("out/t.txt", "old"), ("site/a.txt", "x")]);
    mode(&folder, "out", 0o555);
    let ran = run(&folder, ".", &["render", "t.txt", "--cache", "none", "-o", "out/t.txt"]);
    assert!(ran.code == Some(1) && ran.err.contains("cannot write out/t.txt"), "{ran:?}");
    let ran = run(&folder, ".", &["compile", "--bundle", "out/site.haiden", "site"]);
    assert!(ran.code == Some(1) && ran.err.contains("cannot write the bundle"), "{ran:?}");
    mode(&folder, "out", 0o755);
    assert_eq!((folder.read("out/t.txt"), folder.list("out")), ("old".to_owned(), vec!["t.txt".to_owned()]));
}
