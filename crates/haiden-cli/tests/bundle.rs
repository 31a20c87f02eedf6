//! `haiden compile` and `haiden render --bundle` from the outside.
#![forbid(unsafe_code)]

mod common;

use std::fs;

use common::{Folder, Ran};
use haiden_cache::{BundleBuilder, ContentKey};

fn site() -> Folder {
    Folder::new(&[
        ("site/index.html", "{% extends '_layout.html' %}{% block body %}{{ who }}{% endblock %}"),
        ("site/_layout.html", "<b>{% block body %}{% endblock %}</b>"),
        ("site/sub/mail.txt", "Dear {{ who }}"),
    ])
}

#[track_caller]
fn succeeds(folder: &Folder, arguments: &[&str], out: &str) -> Ran {
    let ran = folder.run(arguments);
    assert_eq!((ran.code, &*ran.out), (Some(0), out), "{arguments:?}: {ran:?}");
    ran
}

fn compile(folder: &Folder, more: &[&str]) {
    let ran = folder.run(&[&["compile", "--bundle", "site.haiden", "site"], more].concat());
    assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{ran:?}");
    assert!(ran.out.starts_with("site.haiden: 3 templates, "), "{ran:?}");
}

#[test]
fn a_sealed_bundle_renders_without_sources() {
    let folder = site();
    compile(&folder, &["--sealed"]);
    fs::remove_dir_all(folder.path("site")).unwrap();
    let bundled =
        |more: &[&'static str]| [&["--bundle", "site.haiden", "--define", "who=<me>"], more].concat();
    let render = |more: &[&'static str]| [&["render"], &*bundled(more)].concat();
    folder.page(&bundled(&["index.html"]), "<b>&lt;me&gt;</b>");
    succeeds(&folder, &render(&["sub/mail.txt", "-o", "mail"]), "");
    assert_eq!(folder.read("mail"), "Dear <me>");
    let ran = succeeds(&folder, &render(&["-o", "out", "--stats"]), "");
    assert!(ran.err.starts_with("rendered 2 pages\nbundle\nhits                      3\n"), "{ran:?}");
    assert_eq!(folder.list("out"), ["index.html", "sub"], "a layout is no page");
    assert_eq!(folder.read("out/index.html"), "<b>&lt;me&gt;</b>");
    assert_eq!(folder.read("out/sub/mail.txt"), "Dear <me>");

    folder.fails(&bundled(&["site/index.html"]), 1, &["no such template in site.haiden"]);
    folder.fails(&bundled(&["--autoescape", "off"]), 1, &["options"]);
    folder.refused(&["render"], 2, &[]);
}

#[test]
fn a_source_checked_bundle_follows_its_sources() {
    let folder = site();
    compile(&folder, &[]);
    let render = [
        "render",
        "site/index.html",
        "--bundle",
        "site.haiden",
        "--define",
        "who=me",
        "--cache",
        "none",
        "--stats",
    ];
    let ran = succeeds(&folder, &render, "<b>me</b>");
    assert!(ran.err.contains("hits                      2\nmisses                    0"), "{ran:?}");
    folder.write("site/_layout.html", "<i>{% block body %}{% endblock %}</i>");
    let ran = succeeds(&folder, &render, "<i>me</i>");
    assert!(ran.err.contains("hits                      1\nmisses                    1"), "{ran:?}");
    folder.refused(&["render", "--bundle", "site.haiden"], 2, &["is not sealed"]);
}

#[test]
fn the_same_templates_give_the_same_bytes() {
    let bytes = || {
        let folder = site();
        compile(&folder, &["--sealed"]);
        fs::read(folder.path("site.haiden")).unwrap()
    };
    assert_eq!(bytes(), bytes());
}

#[test]
fn what_cannot_be_compiled() {
    let folder = site();
    compile(&folder, &[]);
    let old = fs::read(folder.path("site.haiden")).unwrap();
    folder.write("site/broken.html", "{% if %}");
    folder.write("site/worse.txt", "{{");
    folder.write("site/picture.png", b"\x89PNG\xff");
    let compile = ["compile", "--bundle", "site.haiden", "site"];
    folder.refused(&compile, 1, &["broken.html:1", "worse.txt:1", "picture.png"]);
    assert_eq!(fs::read(folder.path("site.haiden")).unwrap(), old, "the old bundle stays");
    assert_eq!(folder.list("."), ["site", "site.haiden"]);

    let ran = folder.run(&[&compile[..], &["--skip-errors"]].concat());
    assert_eq!((ran.code, ran.err.matches("left out: ").count()), (Some(0), 3), "{ran:?}");
    let ran = folder.run(&[&compile[..], &["--extension", ".txt", "--skip-errors"]].concat());
    assert!(ran.out.contains(": 1 templates"), "{ran:?}");

    folder.write("custom/a.txt", "{{ 5 | money }}");
    let ran = folder.run(&["compile", "--bundle", "custom.haiden", "custom"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.starts_with("warning: ") && ran.err.contains("money"), "{ran:?}");

    fs::create_dir(folder.path("empty")).unwrap();
    folder.refused(&["compile", "--bundle", "x", "empty"], 1, &["no template"]);
    folder.refused(&["compile", "--bundle", "x", "absent"], 2, &["no such directory"]);
    folder.refused(&["compile", "--bundle", "x", "site/index.html"], 2, &["it is no directory"]);
    folder.write("custom/a.txt", "fine");
    folder.refused(&["compile", "--bundle", "empty", "custom"], 1, &["cannot write the bundle empty"]);
    folder.refused(&["compile", "--bundle", "absent/x", "custom"], 1, &["cannot write the bundle"]);
    folder.refused(&["compile", "site"], 2, &["--bundle"]);
}

#[test]
fn bundles_that_are_none() {
    let folder = site();
    compile(&folder, &["--sealed"]);
    let good = fs::read(folder.path("site.haiden")).unwrap();
    let render = ["render", "--bundle", "bad.haiden", "index.html", "--define", "who=me"];
    folder.refused(&render, 1, &["cannot read the bundle bad.haiden"]);
    for (bytes, why) in [(&good[..40], "truncated"), (b"PK\x03\x04", "magic"), (b"", "truncated")] {
        folder.write("bad.haiden", bytes);
        folder.refused(&render, 1, &["bad.haiden is no bundle that can be used", why]);
    }
    let at = good.len() - 10;
    let damaged = [&good[..at], &[good[at] ^ 1], &good[at + 1..]].concat();
    folder.write("bad.haiden", damaged);
    let outcomes = ["index.html", "sub/mail.txt"].map(|name| {
        let ran = folder.run(&["render", "--bundle", "bad.haiden", name, "--define", "who=me"]);
        assert!(ran.code == Some(0) || ran.err.contains("cannot be used: digest"), "{ran:?}");
        ran.code
    });
    assert!(outcomes.contains(&Some(1)), "one entry is damaged");
    // With the sources at hand, it is a miss.
    let ran = folder.run(&[&render[..], &["--search", "site"]].concat());
    assert_eq!((ran.code, &*ran.out), (Some(0), "<b>me</b>"), "{ran:?}");
}

/// Names in a bundle are whatever its maker wrote.
#[test]
fn no_page_leaves_the_output() {
    for name in ["../victim", "/tmp/haiden-victim", "a/../../victim", "a/.."] {
        let folder = site();
        let mut builder = BundleBuilder::new().sealed(true);
        builder.add(name, ContentKey::new([]), "", b"not even bytecode").unwrap();
        fs::write(folder.path("evil.haiden"), builder.to_bytes().unwrap()).unwrap();
        let ran = folder.run(&["render", "--bundle", "evil.haiden", "-o", "out"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert_eq!(folder.list("."), ["evil.haiden", "site"], "{name}");
    }
}

#[test]
fn a_signed_bundle_needs_its_key() {
    let folder = site();
    folder.write("key", "0123456789abcdef0123456789abcdef");
    folder.write("other", "fedcba9876543210fedcba9876543210");
    #[cfg(unix)]
    for name in ["key", "other"] {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    compile(&folder, &["--sealed", "--key", "key"]);
    let render = ["--bundle", "site.haiden", "sub/mail.txt", "--define", "who=me"];
    folder.page(&[&render[..], &["--key", "key"]].concat(), "Dear me");
    folder.page(&render, "Dear me");
    folder.fails(&[&render[..], &["--key", "other"]].concat(), 1, &["authentication"]);
    compile(&folder, &["--sealed"]);
    folder.fails(&[&render[..], &["--key", "key"]].concat(), 1, &["authentication"]);
    folder.fails(&["site/index.html", "--key", "key"], 2, &["--bundle"]);
}
