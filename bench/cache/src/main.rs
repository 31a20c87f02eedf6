//! When does a bytecode cache pay? A hit in every store against compiling, for templates of 1, 10 and 100 KB; and what of
//! a hit in a server is the network's.
//!
//! In: nothing, `--quick` (few rounds, only prints), `--servers` (prints their table), or `--serve FOLDER` (see [`serve`]). Out: tables on standard output
//! and in `docs/cache.md`, and the plot `docs/cache-hits.svg`. Invariant: every way ends with the same thing, a template
//! that is ready to render, and nothing is timed before all ways gave the same pages. Servers that are not installed are
//! left out; those that are started are stopped.

mod plot;
mod servers;
mod subject;

use std::fmt::Write;
use std::fs;
use std::io::{BufRead, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use bench_common::{clock, generated};
use haiden::loader::FileSystemLoader;

use crate::subject::{COMPILE, Servers, Way};

/// Templates of a size; each way goes through them in turn.
const TEMPLATES: usize = 32;
/// Kilobytes of a template.
const SIZES: [usize; 3] = [1, 10, 100];
/// Rounds; the ways are interleaved in each of them.
const ROUNDS: usize = 41;
const QUICK_ROUNDS: usize = 5;

/// What is timed beside the ways: the parts of a hit that are no cache's fault.
const PARTS: [&str; 3] = ["reading the source", "the source's digest (BLAKE3)", "the entry's digest (XXH3)"];

/// What one size took: names and median nanoseconds.
struct Column {
    ways: Vec<(&'static str, f64)>,
    parts: [f64; PARTS.len()],
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        [] => run(false),
        ["--quick"] => run(true),
        ["--servers"] => servers::table(ROUNDS).map(|table| println!("{table}")),
        ["--serve", folder] => serve(Path::new(folder)),
        _ => Err("the options are --quick, --servers, or --serve FOLDER".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(quick: bool) -> Result<(), String> {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let rounds = if quick { QUICK_ROUNDS } else { ROUNDS };
    let servers = Servers::start();
    let mut columns = Vec::with_capacity(SIZES.len());
    for kilobytes in SIZES {
        let folder = bench.join("target/cache").join(kilobytes.to_string());
        columns.push(measure(&folder, kilobytes, rounds, &servers)?);
    }
    drop(servers);
    let table = table(&columns);
    let of_servers = servers::table(rounds)?;
    println!("{table}\n\n{of_servers}");
    if quick {
        return Ok(());
    }
    let docs = bench.join("../docs");
    let names: Vec<&str> = columns[0].ways.iter().map(|way| way.0).collect();
    let rows: Vec<Vec<f64>> =
        columns.iter().map(|column| column.ways.iter().map(|way| way.1).collect()).collect();
    save(&docs.join("cache-hits.svg"), &plot::svg(&SIZES, &names, &rows))?;
    insert(&docs.join("cache.md"), "cache table", &table)?;
    insert(&docs.join("cache.md"), "server table", &of_servers)
}

/// Answers each line on standard input with the nanoseconds of processor time that it takes to get all templates of a folder
/// out of a sealed bundle that was opened just before: for who takes turns with other programs.
fn serve(folder: &Path) -> Result<(), String> {
    let scratch = std::env::temp_dir().join(format!("haiden-bench-{}", std::process::id()));
    fs::create_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
    let served = answer(folder, &scratch);
    fs::remove_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
    served
}

fn answer(folder: &Path, scratch: &Path) -> Result<(), String> {
    let site = subject::site(folder, scratch)?;
    for line in std::io::stdin().lock().lines() {
        line.map_err(|error| error.to_string())?;
        println!("{}", site()?);
        std::io::stdout().flush().map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn save(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Puts a table between its markers in the page.
fn insert(page: &Path, name: &str, table: &str) -> Result<(), String> {
    let (begin, end) = (format!("<!-- {name}: begin -->"), format!("<!-- {name}: end -->"));
    let text = fs::read_to_string(page).map_err(|error| format!("{}: {error}", page.display()))?;
    let inside = text.split_once(&begin).and_then(|(head, rest)| Some((head, rest.split_once(&end)?.1)));
    let (head, tail) = inside.ok_or_else(|| format!("{}: no `{begin}` ... `{end}`", page.display()))?;
    save(page, &format!("{head}{begin}\n\n{table}\n\n{end}{tail}"))
}

fn table(columns: &[Column]) -> String {
    let sizes: Vec<String> = SIZES.iter().map(|size| format!("{size} KB")).collect();
    let mut text = format!("| | {} |\n|---|{}", sizes.join(" | "), "---:|".repeat(SIZES.len()));
    for (way, (name, _)) in columns[0].ways.iter().enumerate() {
        let cells = columns.iter().map(|column| {
            let (compile, time) = (column.ways[0].1, column.ways[way].1);
            let speed =
                if *name == COMPILE { String::new() } else { format!(" ({}x)", digits(compile / time)) };
            format!("{} µs{speed}", digits(time / 1e3))
        });
        let _ = write!(text, "\n| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
    for (part, name) in PARTS.iter().enumerate() {
        let cells = columns.iter().map(|column| format!("{} µs", digits(column.parts[part] / 1e3)));
        let _ = write!(text, "\n| *{name}* | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
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
fn measure(folder: &Path, kilobytes: usize, rounds: usize, servers: &Servers) -> Result<Column, String> {
    let complain = |error: std::io::Error| format!("{}: {error}", folder.display());
    let templates = folder.join("templates");
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(complain)?;
    }
    fs::create_dir_all(&templates).map_err(complain)?;
    let names: Vec<String> = (0..TEMPLATES).map(|index| format!("page{index}.html")).collect();
    let mut sources = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        // Two characters differ, so that no two templates are one.
        let source = format!("{index:02}{}", generated::template((kilobytes << 10) - 2));
        fs::write(templates.join(name), &source).map_err(complain)?;
        sources.push(source);
    }
    let ways = subject::ways(&templates, folder, &names, servers)?;
    compare(&ways, &names)?;
    let misses: u64 = ways.iter().map(Way::misses).sum();
    if misses > 0 {
        return Err(format!("{misses} look-ups of {kilobytes} KB templates were no hits"));
    }
    let entries = subject::entries(&folder.join("entries"))?;
    let loader = FileSystemLoader::new(&templates);
    let get = |turn: usize, index: usize| match ways.get(turn) {
        Some(way) => way.get(&names[index]),
        None => match turn - ways.len() {
            0 => subject::read(&loader, &names[index]),
            1 => {
                subject::digest_source(&sources[index]);
                Ok(())
            }
            _ => subject::digest_entry(&entries[index]),
        },
    };
    let waits = |turn: usize| ways.get(turn).is_some_and(|way| way.waits);
    let times = interleave(rounds, ways.len() + PARTS.len(), waits, get)?;
    let (times, parts) = times.split_at(ways.len());
    let parts = parts.try_into().map_err(|_| "each part was timed")?;
    Ok(Column { ways: ways.iter().map(|way| way.name).zip(times.iter().copied()).collect(), parts })
}

/// All ways have to give the same pages.
fn compare(ways: &[Way], names: &[String]) -> Result<(), String> {
    let data = generated::data();
    for name in names {
        let page = ways[0].page(name, &data)?;
        for way in ways {
            if way.page(name, &data)? != page {
                return Err(format!("{name}: the page by way of \"{}\" differs", way.name));
            }
        }
    }
    Ok(())
}

/// Medians over the rounds; in each round every turn goes through all templates, every other round backwards.
fn interleave(
    rounds: usize,
    turns: usize,
    waits: impl Fn(usize) -> bool,
    get: impl Fn(usize, usize) -> Result<(), String>,
) -> Result<Vec<f64>, String> {
    let mut samples = vec![Vec::with_capacity(rounds); turns];
    for round in 0..=rounds {
        for turn in 0..turns {
            let turn = if round % 2 == 0 { turn } else { turns - 1 - turn };
            let (wall, start) = (Instant::now(), clock::thread_nanoseconds());
            (0..TEMPLATES).try_for_each(|index| get(turn, index))?;
            let spent = clock::thread_nanoseconds() - start;
            let spent = if waits(turn) { wall.elapsed().as_nanos() as f64 } else { spent as f64 };
            if round > 0 {
                samples[turn].push(spent / TEMPLATES as f64);
            }
        }
    }
    Ok(samples.into_iter().map(median).collect())
}

fn median(samples: Vec<f64>) -> f64 {
    quartiles(samples)[1]
}

/// The median, and the quartiles around it.
fn quartiles(mut samples: Vec<f64>) -> [f64; 3] {
    samples.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| samples[samples.len() * quarter / 4])
}
