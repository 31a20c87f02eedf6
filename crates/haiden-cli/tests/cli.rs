//! The command line from the outside: the built binary in directories of its own.
//!
//! Each test is a folder of files, arguments, and what must come out: pages, messages, the exit code. No run may panic,
//! and none may hang: a run that is not over in time is killed and fails its test.
#![forbid(unsafe_code)]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a run may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_mins(1);

/// A directory with files.
struct Folder(TempDir);

/// What a run gave.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a temporary directory"));
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is below the folder")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn start(&self, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_haiden"))
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts")
    }

    fn run(&self, arguments: &[&str]) -> Ran {
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
    fn page(&self, arguments: &[&str], expected: &str) {
        let ran = self.run(&[&["render", "--cache", "none"], arguments].concat());
        assert_eq!((ran.code, &*ran.out, &*ran.err), (Some(0), expected, ""), "{arguments:?}");
    }

    /// `render` without a cache must fail with this code, print nothing, and say all of these.
    fn fails(&self, arguments: &[&str], code: i32, says: &[&str]) {
        let ran = self.run(&[&["render", "--cache", "none"], arguments].concat());
        assert_eq!((ran.code, &*ran.out), (Some(code), ""), "{arguments:?}: {ran:?}");
        assert!(ran.err.starts_with("error: "), "{arguments:?}: {ran:?}");
        for part in says {
            assert!(ran.err.contains(part), "{arguments:?}: no {part:?} in {ran:?}");
        }
        let longest = ran.err.lines().map(|line| line.chars().count()).max();
        assert!(longest < Some(300), "{arguments:?}: a line of {longest:?} characters");
    }

    /// The names of the files in a directory.
    fn list(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(directory)).expect("a directory");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

fn reader(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        String::from_utf8(bytes).expect("the output is UTF-8")
    })
}

/// The exit code; `None` if a signal ended it.
fn wait(child: &mut Child) -> Option<i32> {
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

// ---- pages -------------------------------------------------------------------------------------------------------

#[test]
fn data_and_definitions_become_a_page() {
    let folder = Folder::new(&[
        ("t.txt", "{{ name }}: {{ tags | join('+') }} {{ nested.deep }}{{ extra }}"),
        ("d.json", r#"{"name": "json", "tags": ["a", 1], "nested": {"deep": 1.5}}"#),
        ("d.yaml", "name: yaml\ntags: [a, 1]\nnested: {deep: 1.5}\n"),
        ("d.yml", "name: yml\ntags: [a, 1]\nnested: {deep: 1.5}\n"),
        ("d.toml", "name = 'toml'\ntags = ['a', 1]\nnested = {deep = 1.5}\n"),
        ("late.json", r#"{"name": "late"}"#),
    ]);
    for kind in ["json", "yaml", "yml", "toml"] {
        folder.page(&["t.txt", "--data", &format!("d.{kind}")], &format!("{kind}: a+1 1.5"));
    }
    folder.page(&["t.txt", "--data", "d.json", "--data", "late.json"], "late: a+1 1.5");
    folder.page(&["t.txt", "--data", "late.json", "--data", "d.json"], "json: a+1 1.5");
    folder
        .page(&["t.txt", "--define", "name=a=b", "--data", "d.json", "--define", "extra=!"], "a=b: a+1 1.5!");
    folder.page(&["t.txt", "--data", "d.json", "--define", "name="], ": a+1 1.5");
}

#[test]
fn numbers_of_data_files() {
    let folder = Folder::new(&[
        ("t.txt", "{{ a }} {{ a is integer }}"),
        ("big.toml", "a = 1000000000000000000000000000000000000000000"),
    ]);
    for (number, page) in [
        ("0", "0 True"),
        ("-7", "-7 True"),
        ("18446744073709551615", "18446744073709551615 True"),
        ("-18446744073709551617", "-18446744073709551617 True"),
        ("170141183460469231731687303715884105727", "170141183460469231731687303715884105727 True"),
        (
            "1000000000000000000000000000000000000000000000",
            "1000000000000000000000000000000000000000000000 True",
        ),
        ("2.5", "2.5 False"),
        ("-0.0", "-0.0 False"),
        ("1e2", "100.0 False"),
        ("1E-7", "1e-07 False"),
        ("[1.5, {\"$\": 2.0}]", "[1.5, {'$': 2.0}] False"),
    ] {
        folder.write("d.json", format!("{{\"a\": {number}}}"));
        folder.page(&["t.txt", "--data", "d.json"], page);
    }
    folder.fails(&["t.txt", "--data", "big.toml"], 1, &["cannot use big.toml"]);
}

#[test]
fn a_template_finds_its_neighbours_and_what_is_searched() {
    let folder = Folder::new(&[
        ("pages/p.html", "{% extends 'base.html' %}{% block b %}{% include 'near.html' %}{% endblock %}"),
        ("pages/near.html", "near"),
        ("lib/base.html", "<{% block b %}{% endblock %}>"),
    ]);
    folder.page(&["pages/p.html", "--search", "lib"], "<near>");
    folder.fails(&["pages/p.html"], 1, &["TemplateNotFound", "'base.html'", "p.html:1:4"]);
    folder.fails(&["pages/p.html", "--search", "nowhere"], 2, &["nowhere", "no such directory"]);
}

#[test]
fn the_template_that_was_named_is_the_one_that_is_rendered() {
    let folder = Folder::new(&[
        ("a/t.txt", "a{% include 'part.txt' %}"),
        ("a/part.txt", "(a)"),
        ("b/t.txt", "b{% include 'part.txt' %}"),
        ("b/part.txt", "(b)"),
        ("lib/t.txt", "lib"),
    ]);
    folder.page(&["a/t.txt", "b/t.txt"], "a(a)b(b)");
    folder.page(&["b/t.txt", "a/t.txt"], "b(b)a(a)");
    folder.page(&["b/t.txt", "--search", "lib"], "b(b)");
    folder.page(&["a", "--search", "lib"], "(a)a(a)");
}

#[test]
fn autoescape_modes() {
    let folder = Folder::new(&[
        ("t.html", "{{ x }}"),
        ("t.txt", "{{ x }}"),
        ("t.xml", "{{ x }}"),
        ("t.htm", "{{ x }}"),
    ]);
    let (raw, escaped) = ("<&'\">", "&lt;&amp;&#39;&#34;&gt;");
    let define = format!("x={raw}");
    for (file, mode, expected) in [
        ("t.html", None, escaped),
        ("t.htm", None, escaped),
        ("t.xml", Some("auto"), escaped),
        ("t.txt", Some("auto"), raw),
        ("t.txt", Some("on"), escaped),
        ("t.html", Some("off"), raw),
    ] {
        let mut arguments = vec![file, "--define", &define];
        arguments.extend(mode.into_iter().flat_map(|mode| ["--autoescape", mode]));
        folder.page(&arguments, expected);
    }
    let ran = folder.run(&["render", "t.txt", "--autoescape", "perhaps"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

#[test]
fn a_directory_becomes_a_directory_and_the_second_run_hits_the_cache() {
    let folder = Folder::new(&[
        ("site/index.html", "{% extends '_base.html' %}{% block b %}{{ name }}{% endblock %}"),
        ("site/_base.html", "<{% block b %}{% endblock %}>"),
        ("site/sub/page.txt", "{% include '_parts/p.txt' %}{{ name }}"),
        ("site/_parts/p.txt", "part "),
        ("site/.hidden.html", "{{ broken"),
        ("d.json", r#"{"name": "A & B"}"#),
    ]);
    let run = |output: &str| {
        let ran =
            folder.run(&["render", "site", "--data", "d.json", "--cache", "cache", "-o", output, "--stats"]);
        assert_eq!((ran.code, &*ran.out), (Some(0), ""), "{ran:?}");
        assert_eq!(folder.list(output), ["index.html", "sub"]);
        assert_eq!(folder.list(&format!("{output}/sub")), ["page.txt"]);
        assert_eq!(folder.read(&format!("{output}/index.html")), "<A &amp; B>");
        assert_eq!(folder.read(&format!("{output}/sub/page.txt")), "part A & B");
        ["hits", "misses"].map(|name| statistic(&ran.err, name))
    };
    assert_eq!(run("first"), ["0", "4"]);
    assert_eq!(run("second"), ["4", "0"]);
    folder.write("site/_parts/p.txt", "part ");
    assert_eq!(run("third"), ["4", "0"], "same text, new time");
    for name in folder.list("cache") {
        folder.write(&format!("cache/{name}"), "rubbish");
    }
    assert_eq!(run("fourth"), ["0", "4"], "rubbish is a miss");
    assert_eq!(run("fifth"), ["4", "0"], "and is replaced");
}

fn statistic(text: &str, name: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).trim().to_owned()
}

#[test]
fn statistics_without_a_cache() {
    let folder = Folder::new(&[("t.txt", "x")]);
    let ran = folder.run(&["render", "t.txt", "--cache", "none", "--stats"]);
    assert_eq!((&*ran.out, &*ran.err), ("x", "rendered 1 page\nno bytecode cache\n"));
}

// ---- output ------------------------------------------------------------------------------------------------------

#[test]
fn an_error_leaves_the_old_page_and_no_part_of_a_new_one() {
    let folder = Folder::new(&[
        ("t.txt", "begun {{ 1 // n }}"),
        ("zero.json", r#"{"n": 0}"#),
        ("one.json", r#"{"n": 1}"#),
    ]);
    folder.page(&["t.txt", "--data", "one.json", "-o", "out/page.txt"], "");
    assert_eq!(folder.read("out/page.txt"), "begun 1");
    for output in ["out/page.txt", "out/new.txt"] {
        folder.fails(&["t.txt", "--data", "zero.json", "-o", output], 1, &["ZeroDivisionError", "t.txt:1:"]);
    }
    assert_eq!(folder.list("out"), ["page.txt"]);
    assert_eq!(folder.read("out/page.txt"), "begun 1");
    folder.fails(&["t.txt", "--data", "zero.json"], 1, &["ZeroDivisionError"]);
}

#[test]
fn outputs_that_cannot_be() {
    let folder =
        Folder::new(&[("t.txt", "x"), ("u.txt", "y"), ("sub/t.txt", "z"), ("file", "old"), ("dir/x", "")]);
    folder.fails(&["t.txt", "sub/t.txt", "-o", "out"], 2, &["two templates would be written to"]);
    folder.fails(&["t.txt", "t.txt", "-o", "out"], 2, &["two templates would be written to"]);
    folder.fails(&["t.txt", "u.txt", "-o", "file"], 2, &["-o names a file"]);
    folder.fails(&["t.txt", "-o", "dir"], 1, &["cannot write dir"]);
    folder.fails(&["t.txt", "-o", "file/below.txt"], 1, &["cannot write file/below.txt"]);
    folder.fails(&["t.txt", "u.txt", "-o", "file/below"], 1, &["cannot write file/below/t.txt"]);
    assert_eq!(folder.read("file"), "old");
    assert_eq!(folder.list("."), ["dir", "file", "sub", "t.txt", "u.txt"]);
}

#[cfg(unix)]
#[test]
fn an_unwritable_output_directory() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new(&[("t.txt", "x"), ("locked/page.txt", "old")]);
    fs::set_permissions(folder.path("locked"), fs::Permissions::from_mode(0o555)).expect("our directory");
    let ran = folder.run(&["render", "t.txt", "--cache", "none", "-o", "locked/page.txt"]);
    // Root may write everywhere.
    if ran.code != Some(0) {
        assert_eq!((ran.code, &*folder.read("locked/page.txt")), (Some(1), "old"));
        assert!(ran.err.contains("cannot write locked/page.txt"), "{ran:?}");
    }
    assert_eq!(folder.list("locked"), ["page.txt"]);
    fs::set_permissions(folder.path("locked"), fs::Permissions::from_mode(0o755)).expect("our directory");
}

#[cfg(unix)]
#[test]
fn a_device_can_be_the_output() {
    let folder = Folder::new(&[("t.txt", "x")]);
    folder.page(&["t.txt", "-o", "/dev/null"], "");
    folder.page(&["t.txt", "-o", "/dev/stdout"], "x");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = Folder::new(&[("t.txt", "{% for i in range(200000) %}{{ i }}\n{% endfor %}")]);
    for arguments in [&["render", "t.txt", "--cache", "none"][..], &["dump", "t.txt"]] {
        let mut child = folder.start(arguments);
        drop(child.stdout.take());
        let err = reader(child.stderr.take().expect("it is piped"));
        assert_eq!(wait(&mut child), Some(0), "{arguments:?}");
        assert_eq!(err.join().expect("the reader does not panic"), "", "{arguments:?}");
    }
    let mut child = folder.start(&["render", "t.txt", "--cache", "none"]);
    let mut out = child.stdout.take().expect("it is piped");
    let mut first = [0; 1];
    out.read_exact(&mut first).expect("a byte");
    drop(out);
    let err = reader(child.stderr.take().expect("it is piped"));
    assert_eq!((wait(&mut child), &first), (Some(0), b"0"));
    assert_eq!(err.join().expect("the reader does not panic"), "");
}

#[test]
fn closed_standard_error_changes_no_exit_code() {
    let folder = Folder::new(&[("t.txt", "{{ x")]);
    let mut child = folder.start(&["render", "t.txt", "--cache", "none"]);
    drop(child.stderr.take());
    assert_eq!(wait(&mut child), Some(1));
}

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

// ---- dump --------------------------------------------------------------------------------------------------------

#[test]
fn every_stage_can_be_shown() {
    let folder = Folder::new(&[
        ("t.html", "<b>{% set x = 1 %}{{ x + y | upper }}{% macro m(a) %}{{ a }}{% endmacro %}</b>"),
        ("bad.html", "{% frob %}"),
    ]);
    for (stage, shows) in [
        ("tokens", &["variable_begin", "'upper'", "'<b>'"][..]),
        ("ast", &["Template", "Macro name='m'", "Filter", "Add"]),
        ("scopes", &["frame 0", "frame 1", "y: resolve"]),
        ("ir", &["function 0 Root", "Enter", "Text(\"<b>\")"]),
        ("code", &["function 0: root()", "ResolveName", "Return"]),
        ("image", &["format", "fingerprint", "section", "Return"]),
    ] {
        let ran = folder.run(&["dump", "--stage", stage, "t.html"]);
        assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{stage}");
        for part in shows {
            assert!(ran.out.contains(part), "{stage}: no {part:?} in\n{}", ran.out);
        }
        assert_eq!(
            folder.run(&["dump", "--stage", stage, "t.html"]).out,
            ran.out,
            "{stage}: the same each time"
        );
    }
    let default = folder.run(&["dump", "t.html"]).out;
    assert_eq!(default, folder.run(&["dump", "t.html", "--stage", "code"]).out);
    assert_eq!(default, folder.run(&["dump", "t.html", "--autoescape", "true"]).out);
    assert_ne!(default, folder.run(&["dump", "t.html", "--autoescape", "false"]).out);
    for (file, says) in
        [("bad.html", "unknown tag 'frob'"), ("nowhere", "no such file"), (".", "no such file")]
    {
        let ran = folder.run(&["dump", file]);
        assert_eq!((ran.code, &*ran.out), (Some(1), ""), "{ran:?}");
        assert!(ran.err.contains(says), "{ran:?}");
    }
}
