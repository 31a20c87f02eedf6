//! When does a bytecode cache pay? A hit in memory, on disk and in one packed file, against
//! compiling, for templates of 1, 10 and 100 KB.
//!
//! In: nothing, or the path of the plot. Out: a Markdown table on standard output and the plot as
//! SVG. Invariant: every way ends with the same thing, a template that is ready to render.
//! Without the feature `wired` a stand-in shows that the program works; its figures say nothing
//! about haiden and its plot stays in the build folder.

mod plot;
mod subject;

use std::fmt::Write;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bench_common::{clock, generated};

use crate::subject::Subject;

/// Templates in the packed file and in the folder; a hit takes them in turn.
const TEMPLATES: usize = 32;
/// Kilobytes of a template.
const SIZES: [usize; 3] = [1, 10, 100];
/// Rounds; the ways are interleaved in each of them.
const ROUNDS: usize = 15;

/// The ways to a template that is ready, in the order of the table.
const WAYS: [&str; 5] = ["source file, compile", "compile", "disk hit", "packed hit", "memory hit"];

/// Median nanoseconds of each way at one size.
type Row = [f64; WAYS.len()];

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
    let bench = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let default = if subject::STAND_IN { "target/cache-stand-in.svg" } else { "../docs/cache-hits.svg" };
    let path = std::env::args_os().nth(1).map_or_else(|| bench.join(default), PathBuf::from);
    let folder = bench.join("target/cache");
    let rows = SIZES.map(|kilobytes| measure(&folder.join(kilobytes.to_string()), kilobytes));
    let [small, medium, large] = rows;
    let rows = [small?, medium?, large?];
    println!("Subject: {}\n\n{}", subject::NAME, table(&rows));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
    }
    fs::write(&path, plot::svg(&SIZES, &WAYS, &rows)).map_err(|error| format!("{}: {error}", path.display()))
}

fn table(rows: &[Row]) -> String {
    let mut text = format!("| template | {} |\n|---|{}", WAYS.join(" | "), "---:|".repeat(WAYS.len()));
    for (kilobytes, row) in SIZES.iter().zip(rows) {
        let cells = row.map(|time| format!("{:.2} µs", time / 1e3));
        let _ = write!(text, "\n| {kilobytes} KB | {} |", cells.join(" | "));
    }
    text
}

/// Where one template is in the packed bytes.
type Span = std::ops::Range<usize>;

/// Times all ways for templates of one size.
fn measure(folder: &Path, kilobytes: usize) -> Result<Row, String> {
    let complain = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(complain)?;
    let mut subject = Subject::new();
    let (mut packed, mut spans) = (Vec::new(), Vec::new());
    let mut sources = Vec::new();
    for index in 0..TEMPLATES {
        let name = format!("page{index}.html");
        // One character differs, so that no two templates are one.
        let source = format!("{index:02}{}", generated::template((kilobytes << 10) - 2));
        let image = subject.image(&name, &source)?;
        fs::write(folder.join(format!("{index}.source")), &source).map_err(complain)?;
        fs::write(folder.join(format!("{index}.image")), &image).map_err(complain)?;
        spans.push(packed.len()..packed.len() + image.len());
        packed.extend_from_slice(&image);
        subject.keep(&name, &source)?;
        sources.push((name, source));
    }
    fs::write(folder.join("packed"), &packed).map_err(complain)?;
    let packed = fs::read(folder.join("packed")).map_err(complain)?;
    let paths = |kind: &str| -> Vec<PathBuf> {
        (0..TEMPLATES).map(|index| folder.join(format!("{index}.{kind}"))).collect()
    };
    let (source_paths, image_paths) = (paths("source"), paths("image"));
    let ways: [&dyn Fn(usize) -> Result<(), String>; WAYS.len()] = [
        &|index| {
            let source = fs::read_to_string(&source_paths[index]).map_err(|error| error.to_string())?;
            subject.compile(&sources[index].0, &source)
        },
        &|index| subject.compile(&sources[index].0, &sources[index].1),
        &|index| {
            // The key of a hit needs the source's state, so a hit asks for it.
            black_box(fs::metadata(&source_paths[index]).map_err(|error| error.to_string())?);
            subject.load(&fs::read(&image_paths[index]).map_err(|error| error.to_string())?)
        },
        &|index| {
            black_box(fs::metadata(&source_paths[index]).map_err(|error| error.to_string())?);
            let span: Span = spans[index].clone();
            subject.load(&packed[span])
        },
        &|index| subject.recall(&sources[index].0),
    ];
    interleave(&ways)
}

/// Medians over the rounds; in each round every way goes through all templates.
fn interleave(ways: &[&dyn Fn(usize) -> Result<(), String>; WAYS.len()]) -> Result<Row, String> {
    let mut samples: [Vec<f64>; WAYS.len()] = Default::default();
    for round in 0..=ROUNDS {
        for (way, samples) in ways.iter().zip(&mut samples) {
            let start = clock::thread_nanoseconds();
            (0..TEMPLATES).try_for_each(way)?;
            let spent = (clock::thread_nanoseconds() - start) as f64 / TEMPLATES as f64;
            if round > 0 {
                samples.push(spent);
            }
        }
    }
    Ok(samples.map(|mut samples| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    }))
}
