//! The command line with wrong arguments, templates, data files and cache directories: a message and the exit code.
#![forbid(unsafe_code)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::Folder;

// ---- bad input ---------------------------------------------------------------------------------------------------

#[test]
fn wrong_arguments_are_status_2() {
    let folder = Folder::new(&[("t.txt", "x"), ("dir/t.txt", "x")]);
    folder.fails(&["t.txt", "--define", "name"], 2, &["--define name", "no `=`", "NAME=VALUE"]);
    folder.fails(&["t.txt", "--define", "=x"], 2, &["no name before the `=`"]);
    folder.fails(&["t.txt", "dir"], 2, &["dir is a directory"]);
    folder.fails(&["dir", "dir"], 2, &["dir is a directory"]);
    for arguments in [
        &[][..],
        &["render"],
        &["render", "t.txt", "--no-such"],
        &["bake"],
        &["dump", "t.txt", "--stage", "x"],
    ] {
        let ran = folder.run(arguments);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{arguments:?}: {ran:?}");
    }
    for arguments in [&["--help"][..], &["help"], &["help", "render"], &["--version"]] {
        let ran = folder.run(arguments);
        assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{arguments:?}");
        assert!(ran.out.contains("haiden"), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn templates_that_cannot_be() {
    let folder = Folder::new(&[
        ("broken.txt", "fine\n{% if %}"),
        ("gone.txt", "{% include 'prat.txt' %}"),
        ("part.txt", ""),
        ("filter.txt", "\n  {{ x | uper }}"),
        ("secret.txt", "secret"),
        ("site/_only.txt", ""),
    ]);
    folder.write("latin1.txt", b"caf\xe9");
    folder.fails(&["nowhere.txt"], 1, &["nowhere.txt: there is no such file"]);
    folder.fails(&["broken.txt"], 1, &["TemplateSyntaxError", "broken.txt:2", "| {% if %}"]);
    folder.fails(&["gone.txt"], 1, &["TemplateNotFound", "gone.txt:1:4", "did you mean `part.txt`?"]);
    folder.fails(&["filter.txt"], 1, &["TemplateAssertionError", "filter.txt:2:", "did you mean `upper`?"]);
    folder.fails(&["latin1.txt"], 1, &["latin1.txt", "UTF-8"]);
    folder.fails(&["site"], 1, &["there is no page"]);
    let secret = folder.path("secret.txt");
    for way in [
        "../secret.txt",
        "x/../../secret.txt",
        "./../secret.txt",
        "..",
        ".",
        "",
        "/",
        secret.to_str().expect("UTF-8"),
    ] {
        folder.write("site/t.txt", format!("{{% include {way:?} %}}"));
        folder.fails(&["site/t.txt"], 1, &["TemplateNotFound", "t.txt:1:"]);
    }
}

#[test]
fn data_that_cannot_be() {
    let folder = Folder::new(&[
        ("t.txt", "{{ a }}"),
        ("cut.json", "{\"a\": [1,"),
        ("list.json", "[1, 2]"),
        ("empty.json", ""),
        ("nan.json", "{\"a\": NaN}"),
        ("bad.toml", "a = [1,\n"),
        ("twice.toml", "a = 1\na = 2\n"),
        ("bad.yaml", "a: [1, 2\nb: }"),
        ("number.yaml", "1: one\n"),
        ("data.ini", "a=1"),
        ("dir.json/x", ""),
    ]);
    folder.write("latin1.json", b"{\"a\": \"\xe9\"}");
    for (kind, open, close) in [("json", "{\"a\":", "}"), ("yaml", "{a: ", "}"), ("toml", "a = [", "]")] {
        let (open, close) = match kind {
            "toml" => (format!("a = {}", "[".repeat(100_000)), "]".repeat(100_000)),
            _ => (open.repeat(100_000), close.repeat(100_000)),
        };
        folder.write(&format!("deep.{kind}"), format!("{open}1{close}"));
    }
    for (file, says) in [
        ("nowhere.json", "No such file"),
        ("cut.json", "line 1"),
        ("list.json", "holds a list"),
        ("empty.json", "EOF"),
        ("nan.json", "line 1"),
        ("bad.toml", "line"),
        ("twice.toml", "duplicate key"),
        ("bad.yaml", "line"),
        ("number.yaml", "must be text"),
        ("data.ini", "must end in .json"),
        ("dir.json", "no regular file"),
        ("latin1.json", "not UTF-8"),
        ("deep.json", "recursion limit"),
        ("deep.yaml", "cannot use deep.yaml"),
        ("deep.toml", "recursion depth"),
    ] {
        folder.fails(&["t.txt", "--data", file, "-o", "page"], 1, &[&format!("cannot use {file}: "), says]);
        assert!(!folder.path("page").exists(), "{file}");
    }
}

#[cfg(unix)]
#[test]
fn pipes_and_links_block_nothing() {
    let folder = Folder::new(&[
        ("t.txt", "{% include 'fifo' %}"),
        ("loop.txt", "{% include 'self' %}"),
        ("site/a.txt", "a"),
    ]);
    for name in ["fifo", "fifo.json", "site/fifo"] {
        let made = Command::new("mkfifo").arg(folder.path(name)).status().expect("mkfifo");
        assert!(made.success());
    }
    std::os::unix::fs::symlink("self", folder.path("self")).expect("a link");
    std::os::unix::fs::symlink("..", folder.path("site/up")).expect("a link");
    folder.fails(&["fifo"], 1, &["fifo: it is no regular file"]);
    folder.fails(&["t.txt"], 1, &["TemplateNotFound", "t.txt:1:"]);
    folder.fails(&["t.txt", "--data", "fifo.json"], 1, &["it is no regular file"]);
    folder.fails(&["self"], 1, &["self: "]);
    folder.fails(&["loop.txt"], 1, &["loop.txt:1:"]);
    folder.page(&["site"], "a");
    let ran = folder.run(&["dump", "fifo"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
}

// ---- cache directories -------------------------------------------------------------------------------------------

#[test]
fn a_cache_directory_that_is_none_is_an_error_before_any_page() {
    let folder = Folder::new(&[("t.txt", "x"), ("file", "old")]);
    for cache in ["file", "file/below"] {
        let ran = folder.run(&["render", "t.txt", "--cache", cache, "-o", "page"]);
        assert_eq!(ran.code, Some(1), "{cache}: {ran:?}");
        assert!(
            ran.err.contains("cannot use the cache directory") && ran.err.contains("--cache none"),
            "{ran:?}"
        );
        assert!(!folder.path("page").exists());
    }
    assert_eq!(folder.read("file"), "old");
}

#[cfg(unix)]
#[test]
fn hostile_cache_directories() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new(&[("t.txt", "page"), ("real/x", ""), ("victim", "untouched")]);
    for name in ["open", "locked"] {
        fs::create_dir(folder.path(name)).expect("a directory");
    }
    symlink("real", folder.path("link")).expect("a link");
    let mode = |name: &str, mode| {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode)).expect("our directory");
    };
    mode("open", 0o777);
    mode("locked", 0o555);
    for cache in ["open", "link", "locked"] {
        for _ in 0..2 {
            // One that was named may be refused, but never gives another page.
            let ran = folder.run(&["render", "t.txt", "--cache", cache, "--stats"]);
            match ran.code {
                Some(0) => assert_eq!(ran.out, "page", "{cache}: {ran:?}"),
                code => assert_eq!((code, &*ran.out), (Some(1), ""), "{cache}: {ran:?}"),
            }
        }
    }
    // Entries that are links, directories or pipes are misses.
    let Some(entry) = folder.list("open").first().map(|name| format!("open/{name}")) else { return };
    let planted: [fn(&Path); 4] = [
        |entry| symlink("../victim", entry).expect("a link"),
        |entry| symlink("/dev/zero", entry).expect("a link"),
        |entry| fs::create_dir(entry).expect("a directory"),
        |entry| assert!(Command::new("mkfifo").arg(entry).status().expect("mkfifo").success()),
    ];
    for plant in planted {
        let path = folder.path(&entry);
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
        plant(&path);
        let ran = folder.run(&["render", "t.txt", "--cache", "open"]);
        assert_eq!((ran.code, &*ran.out), (Some(0), "page"), "{ran:?}");
        assert_eq!(folder.read("victim"), "untouched");
    }
    mode("locked", 0o755);
}
