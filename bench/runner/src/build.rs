//! Builds every engine by a cargo call of its own, so that no engine gets the features of another.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::ENGINES;
use crate::entrant::{Built, Peer};
use crate::options::Options;

/// The engines that were asked for, built, with the cases that each one knows.
pub(crate) fn engines(home: &Path, options: &Options) -> Result<Vec<Built>, String> {
    let mut engines = Vec::new();
    for engine in ENGINES {
        let reference = ["minijinja", "byhand"].contains(&engine.name);
        if !reference
            && !options.engines.is_empty()
            && !options.engines.iter().any(|name| name == engine.name)
        {
            continue;
        }
        let package = format!("engine-{}", engine.name);
        eprintln!("building {package}");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--release", "--package", &package]).current_dir(home);
        let status = cargo.stdin(Stdio::null()).status().map_err(|error| format!("cargo: {error}"))?;
        if !status.success() {
            return Err(format!("{package} does not build"));
        }
        let path = home.join("target/release").join(&package);
        let reply = Peer::start(&path)?.ask("list")?;
        let cases = reply.split_whitespace().map(str::parse).collect::<Result<Vec<_>, _>>()?;
        if cases.is_empty() {
            eprintln!("note: {} is not wired in, left out", engine.name);
            continue;
        }
        engines.push(Built { engine, path, cases });
    }
    Ok(engines)
}
