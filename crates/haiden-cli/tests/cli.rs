//! The command line from the outside: pages, where they are written, and what stages show.
//!
//! Each test is a folder of files, arguments, and what must come out: pages, messages, the exit code.
#![forbid(unsafe_code)]

mod common;

use std::fs;
use std::io::Read;

use common::{Folder, reader, wait};

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
