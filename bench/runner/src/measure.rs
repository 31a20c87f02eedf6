//! Times the engines in interleaved rounds.
//!
//! In: the engines. Out: groups of entrants with a median time and the median of the per-round
//! ratios to minijinja. A group is what is compared: one workload, in one mode for the engines that
//! read templates, with the compiled pages beside them. Each round walks through the group and the
//! next round walks back, so that a slow drift of the machine meets all alike.

use std::path::{Path, PathBuf};

use bench_common::{Case, Mode, Workload};

use crate::entrant::{Built, Engine, Peer};
use crate::figures::median;
use crate::options::Options;
use crate::verify::page_path;

/// Time of one sample.
const SAMPLE_NANOSECONDS: f64 = 4e6;
/// The engine that all are divided by.
const REFERENCE: &str = "minijinja";

/// One engine in one case.
pub(crate) struct Entrant {
    /// Which engine.
    pub(crate) engine: Engine,
    /// Its program.
    pub(crate) path: PathBuf,
    /// What it does.
    pub(crate) case: Case,
    /// Nanoseconds per run, one value per round.
    samples: Vec<f64>,
    /// Median nanoseconds per run.
    pub(crate) time: f64,
    /// How many times faster than the reference, median over the rounds.
    pub(crate) speed: f64,
    /// Instructions per run.
    pub(crate) instructions: Option<f64>,
}

/// What is compared with each other.
pub(crate) struct Group {
    /// Templates and data.
    pub(crate) workload: Workload,
    /// How the engines that read templates get their data, or `Compile`.
    pub(crate) mode: Mode,
    /// The reference among them.
    pub(crate) entrants: Vec<Entrant>,
}

/// The comparisons that `engines` allow.
pub(crate) fn groups(engines: &[Built], options: &Options) -> Vec<Group> {
    let wanted = |workload: &Workload| {
        options.workloads.is_empty() || options.workloads.iter().any(|name| name == workload.name())
    };
    let mut groups = Vec::new();
    for (mode, beside) in
        [(Mode::Prepared, Mode::Struct), (Mode::Serialize, Mode::Struct), (Mode::Compile, Mode::Load)]
    {
        for &workload in mode.workloads().iter().filter(|workload| wanted(workload)) {
            let mut entrants = Vec::new();
            for built in engines {
                for mode in [mode, beside] {
                    let case = Case { workload, mode };
                    if built.cases.contains(&case) {
                        entrants.push(Entrant::new(built, case));
                    }
                }
            }
            groups.push(Group { workload, mode, entrants });
        }
    }
    groups
}

/// Fills in the times of all groups.
pub(crate) fn times(groups: &mut [Group], options: &Options, pages: &Path) -> Result<(), String> {
    for group in groups {
        eprintln!("timing {}:{}", group.workload.name(), group.mode.name());
        for _ in 0..options.launches {
            group.launch(options.rounds, pages)?;
        }
        group.conclude();
    }
    Ok(())
}

impl Entrant {
    fn new(built: &Built, case: Case) -> Self {
        Self {
            engine: built.engine,
            path: built.path.clone(),
            case,
            samples: Vec::new(),
            time: f64::NAN,
            speed: f64::NAN,
            instructions: None,
        }
    }

    fn start(&self, pages: &Path) -> Result<Running, String> {
        let mut peer = Peer::start(&self.path)?;
        let page = page_path(pages, self.engine.name, self.case);
        peer.ask(&format!("prepare {} {}", self.case, page.display()))?;
        // Find how many runs fill a sample: first roughly, then from a warm one.
        let mut runs = 1;
        for _ in 0..3 {
            let spent = peer.ask_number(&format!("time {runs}"))?.max(1) as f64;
            runs = (SAMPLE_NANOSECONDS * f64::from(runs) / spent).clamp(1.0, 1e6) as u32;
        }
        Ok(Running { peer, runs })
    }
}

/// A warm engine and the number of runs in a sample.
struct Running {
    peer: Peer,
    runs: u32,
}

impl Group {
    fn launch(&mut self, rounds: usize, pages: &Path) -> Result<(), String> {
        let started = self.entrants.iter().map(|entrant| entrant.start(pages));
        let mut running = started.collect::<Result<Vec<_>, _>>()?;
        for round in 0..rounds {
            for step in 0..running.len() {
                let index = if round % 2 == 0 { step } else { running.len() - 1 - step };
                let Running { peer, runs } = &mut running[index];
                let spent = peer.ask_number(&format!("time {runs}"))?;
                self.entrants[index].samples.push(spent as f64 / f64::from(*runs));
            }
        }
        Ok(())
    }

    fn conclude(&mut self) {
        let reference = self.entrants.iter().find(|entrant| entrant.engine.name == REFERENCE);
        let reference = reference.map(|entrant| entrant.samples.clone()).unwrap_or_default();
        for entrant in &mut self.entrants {
            let ratios: Vec<f64> =
                reference.iter().zip(&entrant.samples).map(|(base, own)| base / own).collect();
            entrant.time = median(&entrant.samples);
            entrant.speed = median(&ratios);
        }
    }
}
