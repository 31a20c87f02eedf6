//! What `docs/cache.md` tells to type can be typed.
//!
//! In: the page. Out: a run of each command in it, in a folder with templates. Invariant: a command that is written there in
//! another way than it works fails here.

#[expect(dead_code, reason = "each test binary uses its part")]
mod common;

use std::fs;

use common::Folder;

const PAGE: &str = include_str!("../../../docs/cache.md");

fn site() -> Folder {
    let folder = Folder::new(&[
        ("templates/index.html", "{% extends '_layout.html' %}{% block body %}{{ 1 + 1 }}{% endblock %}"),
        ("templates/_layout.html", "<b>{% block body %}{% endblock %}</b>"),
        ("key", "0123456789abcdef0123456789abcdef"),
    ]);
    #[cfg(unix)]
    {
        let owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(folder.path("key"), owner).unwrap();
    }
    folder
}

#[track_caller]
fn runs(folder: &Folder, command: &str) {
    let words: Vec<_> = command.split_whitespace().collect();
    assert_eq!(words[0], "haiden", "{command}");
    let ran = folder.run(&words[1..]);
    assert_eq!(ran.code, Some(0), "{command}: {ran:?}");
}

/// Blocks of a console, one after the other.
#[test]
fn consoles() {
    let folder = site();
    let blocks = PAGE.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let commands: Vec<_> = blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("$ ")).collect();
    assert!(commands.len() >= 2, "{commands:?}");
    for command in commands {
        runs(&folder, command);
    }
    assert_eq!(fs::read_to_string(folder.path("public/index.html")).unwrap(), "<b>2</b>");
}

/// The table of `haiden cache`, with each kind of cache that needs no server. What stands for something gets a value.
#[test]
fn the_table_of_commands() {
    let section = PAGE.split("## From the command line").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut rows: Vec<_> = section.lines().filter(|line| line.starts_with("| `haiden cache ")).collect();
    assert_eq!(rows.len(), 7, "{rows:?}");
    rows.sort_by_key(|row| row.contains("cache clear")); // the last, so that the others have something to look into
    for url in ["cache", "file:cache?max_bytes=64M&max_entries=5000", "sqlite:cache.db"] {
        let folder = site();
        for row in &rows {
            let cell = row.split('|').nth(1).unwrap().trim();
            let mut commands = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
            let explained = folder.run(&["cache", "explain", "templates/index.html", url, "--json"]);
            let key = explained.out.split('"').nth(3).unwrap_or_default();
            for command in &mut commands {
                if !command.starts_with("haiden") {
                    *command = format!("haiden cache {command}");
                }
                for (name, value) in [
                    ("DIR…", "templates"),
                    ("TEMPLATE", "templates/index.html"),
                    ("URL…", url),
                    ("URL", url),
                    ("KEY", key),
                    ("DAYS", "30"),
                    ("SIZE", "1M"),
                    ("N", "100"),
                ] {
                    let words = command.split(' ').map(|word| if word == name { value } else { word });
                    *command = words.collect::<Vec<_>>().join(" ");
                }
                runs(&folder, command);
            }
        }
    }
}

/// Options that the page names are options.
#[test]
fn options() {
    let folder = site();
    for command in [
        "haiden compile --sealed --key key --bundle signed.haiden templates",
        "haiden render --key key --bundle signed.haiden -o public",
        "haiden cache warm cache templates --key key",
        "haiden cache verify cache --key key --json",
        "haiden cache stats bundle:signed.haiden --key key",
    ] {
        for word in command.split_whitespace().filter(|word| word.starts_with("--")) {
            assert!(PAGE.contains(word), "{word}");
        }
        runs(&folder, command);
    }
}
