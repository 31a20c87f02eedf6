//! Writes the tables and the summary as Markdown.

use std::fmt::Write;
use std::path::Path;

use bench_common::{Mode, Workload};

use crate::ENGINES;
use crate::figures::{count, digits, geometric_mean, time};
use crate::measure::{Entrant, Group};

const BEGIN: &str = "<!-- rust tables: begin -->";
const END: &str = "<!-- rust tables: end -->";

/// All tables, then the summary of `focus`.
pub(crate) fn tables(groups: &[Group], focus: &str) -> String {
    let mut text = String::new();
    for (title, mode) in [
        ("Render, context prepared", Mode::Prepared),
        ("Render, context serialised from structs each time", Mode::Serialize),
        ("Compile, and load + link", Mode::Compile),
    ] {
        let groups: Vec<&Group> = groups.iter().filter(|group| group.mode == mode).collect();
        if groups.is_empty() {
            continue;
        }
        table(&mut text, title, &groups, true, time_cell);
        if groups.iter().flat_map(|group| &group.entrants).any(|entrant| entrant.instructions.is_some()) {
            table(&mut text, &format!("{title}: instructions"), &groups, false, count_cell);
        }
    }
    summary(&mut text, groups, focus);
    text
}

/// Replaces what stands between the markers of the README.
pub(crate) fn write(readme: &Path, tables: &str) -> Result<(), String> {
    let complain = |error: std::io::Error| format!("{}: {error}", readme.display());
    let text = std::fs::read_to_string(readme).map_err(complain)?;
    let inside = text.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let (head, tail) = inside.ok_or_else(|| format!("{}: no `{BEGIN}` ... `{END}`", readme.display()))?;
    std::fs::write(readme, format!("{head}{BEGIN}\n\n{}\n\n{END}{tail}", tables.trim())).map_err(complain)
}

type Cell = fn(&Entrant) -> String;

fn time_cell(entrant: &Entrant) -> String {
    format!("{} ({}x)", time(entrant.time), digits(entrant.speed))
}

fn count_cell(entrant: &Entrant) -> String {
    entrant.instructions.map_or_else(|| "-".to_owned(), count)
}

fn table(text: &mut String, title: &str, groups: &[&Group], means: bool, cell: Cell) {
    let workloads: Vec<&str> = groups.iter().map(|group| group.workload.name()).collect();
    let mean = if means { " geometric mean |" } else { "" };
    let _ = writeln!(text, "### {title}\n\n| engine | {} |{mean}", workloads.join(" | "));
    let _ = writeln!(text, "|---|{}{}", "---:|".repeat(groups.len()), if means { "---:|" } else { "" });
    for (name, mode) in rows(groups) {
        let found: Vec<Option<&Entrant>> = groups.iter().map(|group| entrant(group, name, mode)).collect();
        let cells = found.iter().map(|entrant| entrant.map_or_else(|| "-".to_owned(), cell));
        let speeds: Vec<f64> = found.iter().flatten().map(|entrant| entrant.speed).collect();
        let complete = speeds.len() == groups.len();
        let mean = geometric_mean(&speeds).filter(|_| complete).map(|mean| format!(" {}x |", digits(mean)));
        let mean = if means { mean.unwrap_or_else(|| " - |".to_owned()) } else { String::new() };
        let label = if mode == Mode::Load { format!("{name}, load + link") } else { name.to_owned() };
        let _ = writeln!(text, "| {label} | {} |{mean}", cells.collect::<Vec<_>>().join(" | "));
    }
    if means {
        let best = groups.iter().map(|group| best_peer(group, "haiden").map_or("-", |peer| peer.engine.name));
        let _ = writeln!(text, "| *best dynamic peer* | {} | |", best.collect::<Vec<_>>().join(" | "));
    }
    text.push('\n');
}

/// Engines and modes that occur in `groups`, in the order of the tables.
fn rows(groups: &[&Group]) -> Vec<(&'static str, Mode)> {
    let all = ENGINES.iter().flat_map(|engine| Mode::ALL.map(|mode| (engine.name, mode)));
    all.filter(|&(name, mode)| groups.iter().any(|group| entrant(group, name, mode).is_some())).collect()
}

fn entrant<'a>(group: &'a Group, name: &str, mode: Mode) -> Option<&'a Entrant> {
    group.entrants.iter().find(|entrant| entrant.engine.name == name && entrant.case.mode == mode)
}

/// The fastest engine that reads templates, other than `focus`.
fn best_peer<'a>(group: &'a Group, focus: &str) -> Option<&'a Entrant> {
    let peers =
        group.entrants.iter().filter(|entrant| entrant.engine.dynamic && entrant.engine.name != focus);
    peers.min_by(|left, right| left.time.total_cmp(&right.time))
}

/// How `focus` stands against minijinja, the best peer of each workload, and askama.
fn summary(text: &mut String, groups: &[Group], focus: &str) {
    let mut lines = String::new();
    for mode in [Mode::Prepared, Mode::Serialize, Mode::Compile] {
        let mut speeds = Vec::new();
        let mut against_best = Vec::new();
        for group in groups.iter().filter(|group| group.mode == mode) {
            let Some(own) = entrant(group, focus, mode) else { continue };
            speeds.push(own.speed);
            if let Some(peer) = best_peer(group, focus) {
                against_best.push((group.workload, own.speed / peer.speed));
            }
        }
        let Some(mean) = geometric_mean(&speeds) else { continue };
        let ratios: Vec<f64> = against_best.iter().map(|&(_, ratio)| ratio).collect();
        let _ = writeln!(
            lines,
            "- {}: geometric mean {}x minijinja (default), {}x the best dynamic peer of each workload; slower \
             than that peer on: {}.",
            mode.name(),
            digits(mean),
            geometric_mean(&ratios).map_or_else(|| "-".to_owned(), digits),
            slower(&against_best),
        );
    }
    for group in
        groups.iter().filter(|group| group.workload == Workload::Shop && group.mode == Mode::Prepared)
    {
        if let (Some(own), Some(askama)) =
            (entrant(group, focus, group.mode), entrant(group, "askama", Mode::Struct))
        {
            let _ = writeln!(lines, "- shop, prepared: {}x askama.", digits(own.speed / askama.speed));
        }
    }
    for group in groups {
        if let Some(load) = entrant(group, focus, Mode::Load) {
            let name = group.workload.name();
            let _ =
                writeln!(lines, "- {name}: load + link in 1/{} of minijinja's compile.", digits(load.speed));
        }
    }
    if !lines.is_empty() {
        let _ = writeln!(text, "### {focus} in short\n\n{lines}");
    }
}

fn slower(against_best: &[(Workload, f64)]) -> String {
    let names = against_best.iter().filter(|&&(_, ratio)| ratio < 1.0);
    let names: Vec<String> =
        names.map(|&(workload, ratio)| format!("{} ({}x)", workload.name(), digits(ratio))).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
