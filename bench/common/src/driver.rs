//! The engine's side of the protocol: one line in, one line out.
//!
//! | line | reply |
//! |---|---|
//! | `list` | `ok CASE CASE ...`: what the engine can do |
//! | `prepare CASE PATH` | renders once, writes the page to PATH, `ok BYTES` |
//! | `time N` | `ok NANOSECONDS` of processor time for N runs of the prepared case |
//!
//! A reply that starts with `error` ends the conversation. As a command, `once CASE WARM N` does
//! WARM runs and then N more inside [`measured_region`], for callgrind to count.

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::process::ExitCode;

use crate::case::{Case, Mode};
use crate::clock::thread_nanoseconds;

/// A case made ready.
pub struct Job {
    /// What it renders, for the comparison.
    pub page: String,
    /// Does what is timed, once.
    pub run: Box<dyn FnMut() -> Result<(), String>>,
}

impl Job {
    /// A job that renders pages.
    pub fn rendering(mut render: impl FnMut() -> Result<String, String> + 'static) -> Result<Self, String> {
        let page = render()?;
        let run = move || {
            black_box(render()?);
            Ok(())
        };
        Ok(Self { page, run: Box::new(run) })
    }

    /// A job that does something else on the way to `page`.
    pub fn other(page: String, run: impl FnMut() -> Result<(), String> + 'static) -> Self {
        Self { page, run: Box::new(run) }
    }
}

/// A template engine under measurement.
pub trait Engine {
    /// The modes it has.
    fn modes(&self) -> &'static [Mode];

    /// Makes `case` ready; what it allocates may live as long as the process.
    fn prepare(&self, case: Case) -> Result<Job, String>;
}

/// The `main` of every engine.
pub fn main(engine: &dyn Engine) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => converse(engine),
        ["once", case, warm, count] => once(engine, case, warm, count),
        _ => Err("usage: ENGINE [once CASE WARM N]".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn converse(engine: &dyn Engine) -> Result<(), String> {
    let mut job = None;
    let mut replies = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let reply = match answer(engine, &mut job, &line) {
            Ok(text) => format!("ok {text}"),
            Err(message) => format!("error {}", message.replace('\n', " | ")),
        };
        let sent = writeln!(replies, "{reply}").and_then(|()| replies.flush());
        sent.map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn answer(engine: &dyn Engine, job: &mut Option<Job>, line: &str) -> Result<String, String> {
    match line.split(' ').collect::<Vec<_>>()[..] {
        ["list"] => {
            let cases = engine.modes().iter().flat_map(|&mode| {
                mode.workloads().iter().map(move |&workload| Case { workload, mode }.to_string())
            });
            Ok(cases.collect::<Vec<_>>().join(" "))
        }
        ["prepare", case, path] => {
            let made = job.insert(engine.prepare(case.parse()?)?);
            std::fs::write(path, &made.page).map_err(|error| format!("{path}: {error}"))?;
            Ok(made.page.len().to_string())
        }
        ["time", count] => {
            let job = job.as_mut().ok_or("nothing is prepared")?;
            let count = number(count)?;
            // The processor ran another engine since our last sample.
            repeat(job, (count / 8).clamp(1, 64))?;
            let start = thread_nanoseconds();
            repeat(job, count)?;
            Ok((thread_nanoseconds() - start).to_string())
        }
        _ => Err(format!("`{line}` is no request")),
    }
}

fn once(engine: &dyn Engine, case: &str, warm: &str, count: &str) -> Result<(), String> {
    let mut job = engine.prepare(case.parse()?)?;
    repeat(&mut job, number(warm)?)?;
    measured_region(&mut job, number(count)?)
}

/// The function by whose name callgrind knows when to count.
#[inline(never)]
fn measured_region(job: &mut Job, count: u64) -> Result<(), String> {
    for _ in 0..count {
        (job.run)()?;
    }
    Ok(())
}

fn repeat(job: &mut Job, count: u64) -> Result<(), String> {
    (0..count).try_for_each(|_| (job.run)())
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}
