//! What the tables are good for besides running: suggestions for a mistyped name, and documentation.

use std::fmt::Write as _;

use super::spec::Spec;
use super::table::{FILTER_SPECS, GLOBAL_SPECS, TEST_SPECS};

/// The candidate that `name` was probably meant to be: the nearest one, if few letters differ. Of several the
/// first. Compares 64 letters at most.
pub fn suggest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let stem = stem.chars().take(64).count();
    let name: Vec<char> = name.chars().take(64).collect();
    let mut best = None;
    for candidate in candidates {
        let distance = distance(&name, candidate);
        // An ending that both have makes them no nearer.
        let same = !ending.is_empty() && candidate.rsplit_once('.').is_some_and(|(_, other)| other == ending);
        let most = 1 + if same { stem } else { name.len() } / 4;
        if distance <= most && distance < name.len() && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour.
fn distance(left: &[char], right: &str) -> usize {
    let right: Vec<char> = right.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, &a) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &b) in right.iter().enumerate() {
            let mut least =
                (above[column] + usize::from(a != b)).min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && a == right[column - 1] && left[row - 1] == b {
                least = least.min(before[column - 1] + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[right.len()]
}

/// The reference of all builtins.
pub fn markdown() -> String {
    let mut out = String::new();
    section(&mut out, "Filters", FILTER_SPECS);
    out.push('\n');
    section(&mut out, "Tests", TEST_SPECS);
    out.push('\n');
    section(&mut out, "Global functions", GLOBAL_SPECS);
    out
}

fn section(out: &mut String, title: &str, specs: &[Spec]) {
    let _ = writeln!(out, "## {title}");
    for spec in specs {
        let signature = spec.signature();
        let signature = if signature.is_empty() { signature } else { format!("({signature})") };
        let _ = writeln!(out, "\n### `{}{signature}`", spec.name);
        if !spec.aliases.is_empty() {
            let _ = writeln!(out, "\nAlso `{}`.", spec.aliases.join("`, `"));
        }
        let _ = writeln!(out, "\n{}\n\n```text", spec.summary());
        for example in spec.doc.lines().skip(1) {
            let _ = writeln!(out, "{example}");
        }
        out.push_str("```\n");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{markdown, suggest};
    use crate::builtins::spec::{MAX_PARAMETERS, Spec};
    use crate::builtins::{FILTER_SPECS, GLOBAL_SPECS, TEST_SPECS};

    fn check_table(specs: &[Spec], count: usize) {
        let names: Vec<&str> = specs.iter().flat_map(Spec::names).collect();
        assert_eq!(names.len(), count);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), count, "a name twice");
        assert!(specs.is_sorted_by_key(|spec| spec.name));
        for spec in specs {
            assert!(spec.parameters.len() <= MAX_PARAMETERS, "{}", spec.name);
            let documented = spec.doc.lines().count() - 1;
            assert!(documented > 0, "{} has no example", spec.name);
            assert_eq!(spec.examples().count(), documented, "{}: what is no example", spec.name);
            let required = spec.parameters.iter().map(|p| p.default.is_some());
            assert!(required.is_sorted(), "{}: a required parameter after an optional one", spec.name);
        }
    }

    #[test]
    fn tables() {
        check_table(FILTER_SPECS, 54);
        check_table(TEST_SPECS, 39);
        check_table(GLOBAL_SPECS, 6);
        let documented = FILTER_SPECS.len() + TEST_SPECS.len() + GLOBAL_SPECS.len();
        assert_eq!(markdown().matches("\n### ").count(), documented);
    }

    #[test]
    fn suggestions() {
        let check = |name: &str, expected: Option<&str>| {
            let names = FILTER_SPECS.iter().flat_map(Spec::names);
            assert_eq!(suggest(name, names), expected, "{name}");
        };
        check("uper", Some("upper"));
        check("lenght", Some("length"));
        check("tojsn", Some("tojson"));
        check("x", None);
        assert_eq!(suggest("bsae.html", ["nav.html", "base.html"]), Some("base.html"));
        assert_eq!(suggest("nope.html", ["deep.html"]), None);
        assert_eq!(suggest("nav.htm", ["nav.html"]), Some("nav.html"));
        check("", None);
        check("markdown", None);
    }
}
