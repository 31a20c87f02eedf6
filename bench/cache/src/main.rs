//! When does a bytecode cache pay? A hit in memory, on disk and in one packed file, against compiling, for templates of 1,
//! 10 and 100 KB.
//!
//! In: nothing, or `--quick` (few rounds, only prints). Out: a table on standard output and in `docs/cache.md`, and the
//! plot `docs/cache-hits.svg`. Invariant: every way ends with the same thing, a template that is ready to render, and
//! nothing is timed before all ways gave the same pages.

mod plot;
mod subject;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use bench_common::{clock, generated};
use haiden::loader::FileSystemLoader;

use crate::subject::{WAYS, Way};

/// Templates of a size; each way goes through them in turn.
const TEMPLATES: usize = 32;
/// Kilobytes of a template.
const SIZES: [usize; 3] = [1, 10, 100];
/// Rounds; the ways are interleaved in each of them.
const ROUNDS: usize = 41;
const QUICK_ROUNDS: usize = 5;

const BEGIN: &str = "<!-- cache table: begin -->";
const END: &str = "<!-- cache table: end -->";

/// Median nanoseconds of each way at one size, and (last) of reading the source alone.
type Row = [f64; WAYS.len() + 1];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let quick = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--quick") => true,
        Some(other) => return Err(format!("no option `{other}`; there is --quick")),
    };
    let bench = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let rounds = if quick { QUICK_ROUNDS } else { ROUNDS };
    let [small, medium, large] = SIZES
        .map(|kilobytes| measure(&bench.join("target/cache").join(kilobytes.to_string()), kilobytes, rounds));
    let rows = [small?, medium?, large?];
    let table = table(&rows);
    println!("{table}");
    if quick {
        return Ok(());
    }
    let docs = bench.join("../docs");
    let plotted = rows.map(|row| std::array::from_fn(|way| row[way]));
    save(&docs.join("cache-hits.svg"), &plot::svg(&SIZES, &WAYS, &plotted))?;
    insert(&docs.join("cache.md"), &table)
}

fn save(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Puts the table between the markers of the page.
fn insert(page: &Path, table: &str) -> Result<(), String> {
    let text = fs::read_to_string(page).map_err(|error| format!("{}: {error}", page.display()))?;
    let inside = text.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let (head, tail) = inside.ok_or_else(|| format!("{}: no `{BEGIN}` ... `{END}`", page.display()))?;
    save(page, &format!("{head}{BEGIN}\n\n{table}\n\n{END}{tail}"))
}

fn table(rows: &[Row]) -> String {
    let sizes: Vec<String> = SIZES.iter().map(|size| format!("{size} KB")).collect();
    let mut text = format!("| | {} |\n|---|{}", sizes.join(" | "), "---:|".repeat(SIZES.len()));
    for (way, name) in WAYS.iter().enumerate() {
        let cells = rows.iter().map(|row| {
            let speed = if way == 0 { String::new() } else { format!(" ({}x)", digits(row[0] / row[way])) };
            format!("{} µs{speed}", digits(row[way] / 1e3))
        });
        let _ = write!(text, "\n| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
    let reading = rows.iter().map(|row| format!("{} µs", digits(row[WAYS.len()] / 1e3)));
    let _ = write!(
        text,
        "\n| *of that, reading the source (all but the last two)* | {} |",
        reading.collect::<Vec<_>>().join(" | ")
    );
    text
}

/// Three digits that say something.
fn digits(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Times all ways for templates of one size.
fn measure(folder: &Path, kilobytes: usize, rounds: usize) -> Result<Row, String> {
    let complain = |error: std::io::Error| format!("{}: {error}", folder.display());
    let sources = folder.join("templates");
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(complain)?;
    }
    fs::create_dir_all(&sources).map_err(complain)?;
    let names: Vec<String> = (0..TEMPLATES).map(|index| format!("page{index}.html")).collect();
    for (index, name) in names.iter().enumerate() {
        // Two characters differ, so that no two templates are one.
        let source = format!("{index:02}{}", generated::template((kilobytes << 10) - 2));
        fs::write(sources.join(name), source).map_err(complain)?;
    }
    let ways = subject::ways(&sources, folder, &names)?;
    compare(&ways, &names)?;
    let misses: u64 = ways.iter().map(Way::misses).sum();
    if misses > 0 {
        return Err(format!("{misses} look-ups of {kilobytes} KB templates were no hits"));
    }
    let loader = FileSystemLoader::new(&sources);
    interleave(rounds, |way, index| match ways.get(way) {
        Some(way) => way.get(&names[index]),
        None => subject::read(&loader, &names[index]),
    })
}

/// All ways have to give the same pages.
fn compare(ways: &[Way], names: &[String]) -> Result<(), String> {
    let data = generated::data();
    for name in names {
        let page = ways[0].page(name, &data)?;
        for (way, what) in ways.iter().zip(WAYS) {
            if way.page(name, &data)? != page {
                return Err(format!("{name}: the page by way of \"{what}\" differs"));
            }
        }
    }
    Ok(())
}

/// Medians over the rounds; in each round every way goes through all templates, every other round backwards.
fn interleave(rounds: usize, get: impl Fn(usize, usize) -> Result<(), String>) -> Result<Row, String> {
    let mut samples: [Vec<f64>; WAYS.len() + 1] = Default::default();
    for round in 0..=rounds {
        for turn in 0..samples.len() {
            let way = if round % 2 == 0 { turn } else { samples.len() - 1 - turn };
            let start = clock::thread_nanoseconds();
            (0..TEMPLATES).try_for_each(|index| get(way, index))?;
            let spent = (clock::thread_nanoseconds() - start) as f64 / TEMPLATES as f64;
            if round > 0 {
                samples[way].push(spent);
            }
        }
    }
    Ok(samples.map(|mut samples| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    }))
}
