//! Compares the pages of all engines byte for byte, before anything is timed.
//!
//! The measure is the page written by hand; where there is none (generated templates), the first
//! engine's. Only askama's pages are normalised: it spells entities as numbers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bench_common::templates::{Dialect, TemplateSet};
use bench_common::{Case, Data, Mode, Workload};

use crate::entrant::{Built, Peer};

/// Renders every case of every engine once; the error shows the first difference.
pub(crate) fn pages(engines: &[Built], folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for workload in Workload::ALL {
        let mut pages: Vec<(String, Vec<u8>)> = Vec::new();
        for built in engines {
            for &case in built.cases.iter().filter(|case| case.workload == workload) {
                pages.push((format!("{} {case}", built.engine.name), page(built, case, folder)?));
            }
        }
        let by_hand = |(name, _): &&(String, Vec<u8>)| name.starts_with("byhand ");
        let Some((measure, expected)) = pages.iter().find(by_hand).or(pages.first()) else { continue };
        if expected.is_empty() {
            return Err(format!("{measure}: the page is empty"));
        }
        for (name, page) in &pages {
            if let Some(difference) = difference(expected, page) {
                return Err(format!("{name} differs from {measure} {difference}"));
            }
        }
        keep(&folder.join(format!("{}.html", workload.name())), expected)?;
        hand_over(workload, folder)?;
        eprintln!("{:9} {:2} pages of {:6} bytes agree", workload.name(), pages.len(), expected.len());
    }
    Ok(())
}

/// Where an engine's page of `case` is kept.
pub(crate) fn page_path(folder: &Path, engine: &str, case: Case) -> PathBuf {
    folder.join(format!("{}-{}-{engine}.html", case.workload.name(), case.mode.name()))
}

fn page(built: &Built, case: Case, folder: &Path) -> Result<Vec<u8>, String> {
    let path = page_path(folder, built.engine.name, case);
    let mut peer = Peer::start(&built.path)?;
    peer.ask(&format!("prepare {case} {}", path.display()))?;
    if case.mode == Mode::Compile || case.mode == Mode::Load {
        peer.ask("time 1")?; // these pages were not made by what is timed: see that it works
    }
    let page = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(if built.engine.name == "askama" { named_entities(&page) } else { page })
}

fn keep(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes what the Python host needs to make the same page: the data and the sources.
fn hand_over(workload: Workload, folder: &Path) -> Result<(), String> {
    let set = TemplateSet::of(Dialect::Jinja, workload);
    let sources: BTreeMap<_, _> = set.sources.into_iter().collect();
    let task = serde_json::json!({ "entry": set.entry, "sources": sources, "data": Data::of(workload) });
    keep(&folder.join(format!("{}.json", workload.name())), task.to_string().as_bytes())
}

/// The one normalisation: `&#60;` and the like become `&lt;`.
fn named_entities(page: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(page);
    text.replace("&#60;", "&lt;").replace("&#62;", "&gt;").replace("&#38;", "&amp;").into_bytes()
}

/// Nothing, or where and how `found` is not `expected`.
fn difference(expected: &[u8], found: &[u8]) -> Option<String> {
    if expected == found {
        return None;
    }
    let at = expected.iter().zip(found).take_while(|(left, right)| left == right).count();
    let around = |page: &[u8]| {
        let stretch = &page[at.saturating_sub(60)..(at + 60).min(page.len())];
        format!("{:?}", String::from_utf8_lossy(stretch))
    };
    Some(format!(
        "at byte {at} ({} against {} bytes):\n  expected {}\n  found    {}",
        expected.len(),
        found.len(),
        around(expected),
        around(found)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_found_and_shown() {
        assert_eq!(difference(b"same", b"same"), None);
        for (expected, found, at) in
            [("abc", "abd", "at byte 2"), ("abc", "ab", "at byte 2"), ("", "x", "at byte 0")]
        {
            let shown = difference(expected.as_bytes(), found.as_bytes()).expect("they differ");
            assert!(shown.starts_with(at), "{shown}");
        }
    }

    #[test]
    fn only_the_spelling_of_entities_is_normalised() {
        assert_eq!(
            named_entities(b"a &#60;&#62;&#38;&#34; < \xc3\xa9"),
            "a &lt;&gt;&amp;&#34; < é".as_bytes()
        );
    }
}
