//! `haiden cache` from the outside: what it prints, what it changes, what it refuses.
#![forbid(unsafe_code)]

#[expect(dead_code, reason = "other tests need the rest")]
mod common;

use std::fs;
use std::time::{Duration, SystemTime};

use common::{Folder, Ran};
#[cfg(unix)]
use haiden_cache::testkit::Server;
use serde_json::Value;

fn site() -> Folder {
    Folder::new(&[
        ("site/index.html", "{% extends '_layout.html' %}{% block body %}{{ who }}{% endblock %}"),
        ("site/_layout.html", "<b>{% block body %}{% endblock %}</b>"),
        ("site/mail.txt", "Dear {{ who }}"),
    ])
}

/// The caches that need no server.
const LOCAL: [&str; 3] = ["file:cache", "cache", "sqlite:cache.db"];

#[track_caller]
fn succeeds(folder: &Folder, arguments: &[&str]) -> Ran {
    let ran = folder.run(&[&["cache"], arguments].concat());
    assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{arguments:?}: {ran:?}");
    ran
}

#[track_caller]
fn json(folder: &Folder, arguments: &[&str]) -> Value {
    let ran = folder.run(&[&["cache"], arguments, &["--json"]].concat());
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {ran:?}"))
}

#[test]
fn warm_stats_list_show_verify_clear() {
    for url in LOCAL {
        let folder = site();
        let ran = succeeds(&folder, &["warm", url, "site"]);
        assert_eq!(ran.out, "3 templates: 3 written, 0 already there\n", "{url}");
        assert_eq!(json(&folder, &["warm", url, "site"])["already_there"], 3, "{url}");

        let stats = succeeds(&folder, &["stats", url]).out;
        assert!(
            stats.starts_with("entries    3\nbytes      ") && stats.contains("\noldest     20"),
            "{url}: {stats}"
        );
        let stats = json(&folder, &["stats", url]);
        assert_eq!((&stats["size"], &stats["damaged"]), (&Value::from(3), &Value::from(0)), "{url}: {stats}");

        let list = json(&folder, &["list", url]);
        let keys: Vec<&str> =
            list.as_array().unwrap().iter().map(|entry| entry["key"].as_str().unwrap()).collect();
        assert_eq!(keys.len(), 3, "{url}: {list}");
        assert_eq!(succeeds(&folder, &["list", url]).out.lines().count(), 3);
        let shown = succeeds(&folder, &["show", url, &keys[1][..12]]).out;
        assert!(shown.starts_with(&format!("key              {}\n", keys[1])), "{url}: {shown}");
        assert!(shown.contains("\ninstruction set  "), "{url}: {shown}");
        folder.refused(&["cache", "show", url, "nosuchkey"], 1, &["no entry whose key begins with"]);
        folder.refused(&["cache", "show", url, ""], 2, &["several entries"]);

        assert_eq!(succeeds(&folder, &["verify", url]).out, "3 sound, 0 not\n", "{url}");
        assert_eq!(succeeds(&folder, &["clear", url]).out, "deleted 3 entries\n", "{url}");
        assert_eq!(succeeds(&folder, &["stats", url]).out, "entries    0\nbytes      0\n", "{url}");
        assert_eq!(succeeds(&folder, &["list", url]).out, "");
    }
}

#[test]
fn a_warm_cache_is_hit_by_render() {
    let folder = site();
    succeeds(&folder, &["warm", "cache", "site"]);
    let ran = folder.run(&["render", "site/index.html", "--cache", "cache", "--define", "who=x", "--stats"]);
    assert!(ran.err.contains("hits                      2\nmisses                    0"), "{ran:?}");
}

#[test]
fn damage_is_found() {
    let folder = site();
    succeeds(&folder, &["warm", "cache", "site"]);
    let name = folder.list("cache")[1].clone();
    let path = folder.path("cache").join(name);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let ran = folder.run(&["cache", "verify", "cache"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.ends_with("2 sound, 1 not\n") && ran.out.contains("digest"), "{ran:?}");
    assert!(ran.err.contains("1 of 3 entries would be misses"), "{ran:?}");
    assert!(succeeds(&folder, &["stats", "cache"]).out.contains("\ndamaged    1\n"));
    assert!(succeeds(&folder, &["list", "cache"]).out.contains("damaged: "));
    let list = json(&folder, &["list", "cache"]);
    let damaged = list.as_array().unwrap().iter().find(|entry| !entry["damaged"].is_null()).unwrap();
    let key = damaged["key"].as_str().unwrap();
    folder.refused(&["cache", "show", "cache", key], 1, &["cache: the entry is damaged: ", "digest"]);
}

/// One template that a store does not take keeps nobody from the others.
#[test]
fn what_is_too_large_is_left_out_and_told() {
    let folder = site();
    folder.write("site/a-long-one.txt", "x".repeat(100_000));
    for url in ["file:cache?max_bytes=50K", "sqlite:cache.db?max_bytes=50K"] {
        let ran = folder.run(&["cache", "warm", url, "site"]);
        let told = "4 templates: 3 written, 0 already there, 1 left out\n";
        assert_eq!((ran.code, &*ran.out), (Some(1), told), "{ran:?}");
        assert!(ran.err.contains("left out: a-long-one.txt: an entry of 100"), "{ran:?}");
        assert!(ran.err.ends_with(&format!("error: {url}: 1 of 4 templates were left out\n")), "{ran:?}");
    }
}

#[test]
fn explain_tells_who_answers() {
    let folder = site();
    fs::create_dir(folder.path("empty")).unwrap();
    succeeds(&folder, &["warm", "cache", "site"]);
    folder.run(&["compile", "--bundle", "site.haiden", "site"]);
    let explain = ["explain", "site/mail.txt", "empty", "cache", "bundle:site.haiden"];
    let text = succeeds(&folder, &explain).out;
    for part in [
        "\nempty: does not have it",
        "\ncache: has it: ",
        "\nbundle:site.haiden: has it: ",
        "(never asked",
        "\ncache answers\n",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let value = json(&folder, &explain);
    assert_eq!(value["answered_by"], "cache");
    let outcomes: Vec<_> = value["tiers"].as_array().unwrap().iter().map(|tier| &tier["outcome"]).collect();
    assert_eq!(outcomes, ["absent", "hit", "hit"]);
    // Another option is another key.
    let text = succeeds(&folder, &["explain", "site/mail.txt", "cache", "--autoescape", "on"]).out;
    assert!(text.ends_with("no cache answers: the template is compiled\n"), "{text}");
}

#[test]
fn gc_keeps_bounds() {
    let folder = site();
    succeeds(&folder, &["warm", "cache", "site"]);
    let young = succeeds(&folder, &["gc", "cache", "--max-entries", "1"]);
    assert!(young.out.contains("removed 0 ") && young.out.contains("within the last minute"), "{young:?}");
    for name in folder.list("cache") {
        let file = fs::File::open(folder.path("cache").join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(48)).unwrap();
    }
    let ran = succeeds(&folder, &["gc", "cache", "--max-entries", "1", "--dry-run"]);
    assert!(ran.out.starts_with("would remove 2 entries"), "{ran:?}");
    assert_eq!(json(&folder, &["gc", "cache", "--max-size", "1G", "--max-age", "3"])["removed"], 0);
    assert_eq!(json(&folder, &["gc", "cache", "--max-age", "1"])["removed"], 3);
    folder.refused(&["cache", "gc", "cache"], 2, &["name a bound"]);
    folder.refused(&["cache", "gc", "cache", "--max-size", "1X"], 2, &["K, M or G"]);
    for url in ["file:absent", "sqlite:absent.db"] {
        folder.refused(&["cache", "gc", url, "--max-age", "1"], 1, &["no such cache"]);
        folder.refused(&["cache", "clear", url], 1, &["no such cache"]);
    }
    folder.run(&["compile", "--bundle", "site.haiden", "site"]);
    let collected = ["cache", "gc", "bundle:site.haiden", "--max-age", "1"];
    folder.refused(&collected, 2, &["only directories and SQLite files"]);
    assert_eq!(folder.list("."), ["cache", "site", "site.haiden"], "looking makes nothing");
}

/// A cache that is bounded by its URL: whoever writes keeps to it, and `gc` needs no other bound.
#[test]
fn urls_with_bounds() {
    for url in ["file:cache", "sqlite:cache.db"] {
        let folder = site();
        let bounded = format!("{url}?max_entries=2&max_bytes=64K");
        assert_eq!(json(&folder, &["warm", url, "site"])["written"], 3);
        let gc = json(&folder, &["gc", &bounded]);
        assert_eq!((&gc["removed"], &gc["kept"]), (&Value::from(0), &Value::from(3)), "what is young stays");
        let folder = site();
        assert_eq!(json(&folder, &["warm", &bounded, "site"])["written"], 3, "{url}");
        let stats = json(&folder, &["stats", &bounded]);
        assert_eq!(
            (&stats["size"], &stats["max_size"], &stats["max_bytes"]),
            (&Value::from(2), &Value::from(2), &Value::from(65536)),
            "{url}: {stats}"
        );
        folder.refused(
            &["cache", "gc", &format!("{url}?max_entries=x"), "--max-age", "1"],
            2,
            &["a number is wanted"],
        );
        folder.refused(
            &["render", "site/mail.txt", "--cache", &format!("{url}?size=1")],
            2,
            &["max_bytes and max_entries"],
        );
    }
}

#[test]
fn what_cannot_be_opened_says_why() {
    let folder = site();
    folder.write("file", "");
    for (url, code, why) in [
        ("", 2, "this one is empty"),
        ("absent", 1, "absent: there is no such cache"),
        ("file:absent", 1, "there is no such cache"),
        ("Redis://127.0.0.1", 2, "is no kind of cache"),
        ("redis:127.0.0.1", 2, "expected redis://HOST[:PORT]"),
        ("file", 1, "Not a directory"),
        ("bundle:file", 1, "truncated"),
        ("sqlite:absent.db", 1, "absent.db: there is no such cache"),
        ("ftp://host", 2, "is no kind of cache"),
        ("redis://127.0.0.1:1/0", 1, "127.0.0.1:1"),
        ("memcached://127.0.0.1:1", 1, "memcached://127.0.0.1:1"),
        ("sqlite:", 2, "names a file"),
        ("bundle://", 2, "names a file"),
        ("sqlite:site", 1, "site is a directory"),
        ("rediss://127.0.0.1:1?ca=file", 1, "there is no certificate in it"),
        ("redis://127.0.0.1:1?ca=file", 2, "`ca` is for rediss://"),
        ("redis://127.0.0.1:99999", 2, "65535"),
        ("redis://127.0.0.1/x", 2, "a database is a number"),
        ("redis://127.0.0.1/0?size=1", 2, "expected prefix=TEXT"),
    ] {
        folder.refused(&["cache", "list", url], code, &[why]);
        folder.refused(&["cache", "stats", url], code, &[]);
    }
    folder.refused(
        &["cache", "stats", "redis:me:secret@127.0.0.1"],
        2,
        &["redis:***@127.0.0.1: expected redis://"],
    );
    for command in ["stats", "list", "verify"] {
        let ran = folder.run(&["cache", command, "redis://me:secret@127.0.0.1:1/0", "--json"]);
        assert!(
            ran.code == Some(1) && ran.err.contains("***@127.0.0.1:1") && !ran.err.contains("secret"),
            "{ran:?}"
        );
    }
    let explain = json(&folder, &["explain", "site/mail.txt", "redis://:secret@127.0.0.1:1"]);
    assert_eq!(
        (&explain["tiers"][0]["name"], &explain["tiers"][0]["outcome"]),
        (&"redis://***@127.0.0.1:1".into(), &"failed".into())
    );
    assert_eq!(folder.list("."), ["file", "site"], "looking makes nothing");
    for url in ["redis://127.0.0.1:1/0", "memcached://127.0.0.1:1"] {
        folder.refused(&["cache", "warm", url, "site"], 2, &["--key", "--unauthenticated"]);
        folder.refused(&["cache", "warm", url, "site", "--unauthenticated"], 1, &[url]);
    }
    folder.refused(&["cache", "warm", "cache", "absent"], 2, &["no such directory"]);
    folder.refused(&["cache", "warm", "cache", "site/mail.txt"], 2, &["it is no directory"]);
    folder.refused(&["cache", "warm", "no/cache", "site"], 1, &["is to be made in does not exist"]);
    folder.refused(&["cache", "explain", "site", "cache"], 2, &["the file of one template is wanted"]);
    folder.refused(&["cache", "explain", "site/absent.txt", "cache"], 1, &["there is no such file"]);
    folder.refused(&["cache", "gc", "memcached://h", "--max-age", "1"], 2, &["only directories and SQLite"]);
    let answer = json(&folder, &["explain", "site/mail.txt", "absent", "redis://127.0.0.1:1"]);
    assert_eq!(answer["tiers"][0]["detail"], "absent: there is no such cache");
    folder.run(&["compile", "--bundle", "site.haiden", "site"]);
    folder.refused(&["cache", "warm", "bundle:site.haiden", "site"], 2, &["read-only"]);
    let ran = folder.run(&["cache", "clear", "bundle:site.haiden"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
}

#[test]
fn what_is_wrong_is_left_out_and_told() {
    let folder = site();
    folder.write("site/broken.html", "{% if %}");
    folder.write("site/custom.html", "{{ 1 | money }}");
    let ran = folder.run(&["cache", "warm", "cache", "site"]);
    assert_eq!(
        (ran.code, &*ran.out),
        (Some(1), "5 templates: 4 written, 0 already there, 1 left out\n"),
        "{ran:?}"
    );
    assert!(ran.err.contains("warning: ") && ran.err.contains("left out: "), "{ran:?}");
}

#[test]
fn signed_entries_need_the_key() {
    let folder = site();
    folder.write("key", "0123456789abcdef0123456789abcdef");
    folder.write("other", "fedcba9876543210fedcba9876543210");
    #[cfg(unix)]
    for name in ["key", "other"] {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    succeeds(&folder, &["warm", "cache", "site", "--key", "key"]);
    let outcome = |key: &[&str]| {
        json(&folder, &[&["explain", "site/mail.txt", "cache"], key].concat())["tiers"][0]["detail"].clone()
    };
    assert!(outcome(&["--key", "key"])["bytes"].is_u64());
    assert_eq!(outcome(&["--key", "other"]), "authentication");
    folder.refused(&["cache", "warm", "cache", "site", "--key", "absent"], 1, &["absent"]);
    // Whoever verifies with a key is told what others wrote.
    for (key, code, said) in [("key", 0, "3 sound, 0 not\n"), ("other", 1, "0 sound, 3 not\n")] {
        let ran = folder.run(&["cache", "verify", "cache", "--key", key]);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.out.ends_with(said), "{ran:?}");
    }
    assert_eq!(succeeds(&folder, &["verify", "cache"]).out, "3 sound, 0 not\n");
}

/// Rendering through a cache that a URL names: what one run writes the next one takes, and one that is ill is done without.
#[cfg(unix)]
#[test]
fn renders_through_urls() {
    fn check(folder: &Folder, cache: &str, more: &[&str]) {
        let render = [&["render", "site/mail.txt", "--stats", "--cache", cache], more].concat();
        let fresh = folder.run(&render);
        assert!(fresh.code == Some(0) && fresh.err.contains("misses"), "{cache}: {fresh:?}");
        let cached = folder.run(&render);
        assert_eq!((cached.code, &cached.out), (Some(0), &fresh.out), "{cache}: {cached:?}");
        let misses = cached.err.lines().find(|line| line.starts_with("misses")).unwrap_or_default();
        assert!(misses.ends_with(" 0"), "{cache}: {cached:?}");
    }
    let folder = site();
    folder.write("keys", "a secret that is long enough to be one\n");
    let owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(folder.path("keys"), owner).expect("the owner's alone");
    check(&folder, "sqlite:cache.db", &[]);
    check(&folder, "signed", &["--key", "keys"]);
    check(&folder, "file:plain", &[]);
    if let Some(mut redis) = Server::redis(&[]) {
        let url = redis.url("redis").clone();
        folder.refused(&["render", "site/mail.txt", "--cache", &url], 2, &["--unauthenticated", "--key"]);
        check(&folder, &url, &["--key", "keys"]);
        redis.kill();
        let alone = folder.run(&["render", "site/mail.txt", "--cache", &url, "--unauthenticated"]);
        assert_eq!(alone.code, Some(0), "{alone:?}");
    }
    folder.refused(&["render", "site/mail.txt", "--cache", "ftp://x"], 2, &["ftp"]);
    folder.refused(&["render", "site/mail.txt", "--key", "keys"], 2, &["--cache", "--bundle"]);
}

/// A real site, in every kind of cache: `warm`, and then everything that looks into it agrees about what is there.
#[cfg(unix)]
#[test]
fn the_example_site() {
    let templates = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/site/templates");
    let count = 20;
    let folder = Folder::new(&[("key", "0123456789abcdef0123456789abcdef")]);
    let owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(folder.path("key"), owner).unwrap();
    let page = format!("{templates}/product.html");
    let check = |url: &str, listed: bool| {
        let keyed = |arguments: &[&str]| json(&folder, &[arguments, &["--key", "key"]].concat());
        let warmed = keyed(&["warm", url, templates]);
        assert_eq!(
            (&warmed["templates"], &warmed["written"]),
            (&count.into(), &count.into()),
            "{url}: {warmed}"
        );
        assert_eq!(keyed(&["warm", url, templates])["already_there"], count, "{url}");
        let stats = keyed(&["stats", url]);
        let explained = keyed(&["explain", &page, url]);
        assert_eq!(explained["answered_by"], url, "{url}: {explained}");
        if listed {
            assert_eq!((&stats["size"], &stats["damaged"]), (&count.into(), &0.into()), "{url}: {stats}");
            assert!(stats["bytes"].as_u64() > Some(10_000), "{url}: {stats}");
            assert_eq!(keyed(&["list", url]).as_array().map(Vec::len), Some(count), "{url}");
            assert_eq!(keyed(&["verify", url])["sound"], count, "{url}");
            let shown = keyed(&["show", url, explained["key"].as_str().unwrap()]);
            assert!(shown["image"].as_str().unwrap().contains("instruction set"), "{url}: {shown}");
        } else {
            assert_eq!((&stats["size"], &stats["bytes"]), (&Value::Null, &Value::Null), "{url}: {stats}");
        }
        let reach = if listed { "deletes" } else { "invalidates" };
        assert_eq!(keyed(&["clear", url])["reach"], reach, "{url}");
        assert_eq!(keyed(&["explain", &page, url])["answered_by"], Value::Null, "{url}");
    };
    check("file:cache", true);
    check("sqlite:cache.db", true);
    if let Some(redis) = Server::redis(&[]) {
        check(&redis.url("redis"), true);
    }
    if let Some(memcached) = Server::memcached(&[]) {
        check(&memcached.url("memcached"), false);
    }
}

/// Against the real thing, where it is installed: warmed, looked into, cleared, and gone.
#[cfg(unix)]
#[test]
fn servers() {
    let check = |mut server: Server, scheme: &str, countable: bool| {
        let folder = site();
        let url = &*server.url(scheme);
        let warm = ["warm", url, "site", "--unauthenticated"];
        assert_eq!(succeeds(&folder, &warm).out, "3 templates: 3 written, 0 already there\n", "{url}");
        assert_eq!(json(&folder, &warm)["already_there"], 3, "{url}");
        assert_eq!(json(&folder, &["explain", "site/mail.txt", url])["answered_by"], url);
        let size = &json(&folder, &["stats", url])["size"];
        assert_eq!(size.as_u64(), countable.then_some(3), "{url}");
        folder.refused(&["cache", "clear", url], 2, &["--unauthenticated"]);
        succeeds(&folder, &["clear", url, "--unauthenticated"]);
        assert_eq!(json(&folder, &["explain", "site/mail.txt", url])["answered_by"], Value::Null, "{url}");
        server.kill();
        let gone = format!("error: {url}: cannot connect");
        folder.refused(&["cache", "warm", url, "site", "--unauthenticated"], 1, &[&gone]);
        for command in ["stats", "list", "verify"] {
            folder.refused(&["cache", command, url], 1, &[url]);
        }
    };
    // Where they are not installed there is nothing to ask.
    if let Some(redis) = Server::redis(&[]) {
        let folder = site();
        let wrong = redis.url("memcached");
        folder.refused(&["cache", "stats", &wrong], 1, &["unknown command", "as no Memcached server does"]);
        redis.pause();
        folder.refused(&["cache", "stats", &redis.url("redis")], 1, &["no answer within 100ms"]);
        redis.resume();
        check(redis, "redis", true);
    }
    if let Some(memcached) = Server::memcached(&[]) {
        let wrong = memcached.url("redis");
        site().refused(&["cache", "stats", &wrong], 1, &["`ERROR`, as no Redis server does"]);
        check(memcached, "memcached", false);
    }
}
