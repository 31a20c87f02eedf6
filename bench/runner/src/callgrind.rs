//! Counts instructions per run under valgrind: free of noise, unlike times.
//!
//! Only what happens inside the driver's `measured_region` is counted, after three warm runs.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::measure::{Entrant, Group};

/// Runs inside the counted region.
const RUNS: u64 = 2;

/// Fills in the instructions of all groups; without valgrind it says so and leaves them out.
pub(crate) fn counts(groups: &mut [Group], folder: &Path) -> Result<(), String> {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        eprintln!("note: no valgrind, so no instruction counts");
        return Ok(());
    }
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for group in groups {
        eprintln!("counting {}:{}", group.workload.name(), group.mode.name());
        for entrant in &mut group.entrants {
            entrant.instructions = Some(count(entrant, folder)?);
        }
    }
    Ok(())
}

fn count(entrant: &Entrant, folder: &Path) -> Result<f64, String> {
    let label = format!("{} {}", entrant.engine.name, entrant.case);
    let file = folder.join(label.replace([' ', ':'], "-"));
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind", "--toggle-collect=*measured_region*"]);
    valgrind.arg(format!("--callgrind-out-file={}", file.display())).arg(&entrant.path);
    valgrind.args(["once", &entrant.case.to_string(), "3", &RUNS.to_string()]);
    let output = valgrind.output().map_err(|error| format!("valgrind: {error}"))?;
    if !output.status.success() {
        return Err(format!("{label} under valgrind: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let profile = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    match total(&profile) {
        Some(total) if total > 0 => Ok(total as f64 / RUNS as f64),
        _ => Err(format!("{label}: valgrind counted nothing in `measured_region`")),
    }
}

/// The sum that the profile states.
fn total(profile: &str) -> Option<u64> {
    let line = profile.lines().rev().find_map(|line| line.strip_prefix("totals: "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn totals_are_read() {
        assert_eq!(super::total("events: Ir\nfn=(1) x\n1 20\ntotals: 1234\n"), Some(1234));
        assert_eq!(super::total("events: Ir\n"), None);
    }
}
