//! This program again, in another process.
//!
//! In: a role. Out: the process, or the figures that it gives. Invariant: without a role, the test that plays them does
//! nothing.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::table::Figures;

/// Set in the processes that the table starts: the words of their role, one a line.
const ROLE: &str = "HAIDEN_FAULT_TEST_ROLE";
/// Before figures, so that they are not taken for what the test harness says.
const MARK: &str = "figures: ";

pub(crate) fn role() -> Option<Vec<String>> {
    Some(std::env::var(ROLE).ok()?.split('\n').map(str::to_owned).collect())
}

/// This program with a role, by way of `wrapper` (a program and its first arguments).
pub(crate) fn another(wrapper: &[&str], program: &Path, role: &[&str]) -> Command {
    let mut words = wrapper.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    words.push(program.to_str().expect("a path in UTF-8").to_owned());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(["--exact", "in_another_process", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role.join("\n"));
    command
}

pub(crate) fn this_program() -> std::path::PathBuf {
    std::env::current_exe().expect("this program")
}

/// Says figures to the process that started this one.
pub(crate) fn say(figures: &Figures) {
    writeln!(std::io::stdout(), "\n{MARK}{}", figures.to_line()).expect("somebody listens");
}

/// The figures that another process said.
pub(crate) fn heard(output: &Output) -> Figures {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "the other process failed: {}\n{out}\n{err}", output.status);
    let said = out.lines().find_map(|line| Figures::from_line(line.strip_prefix(MARK)?));
    said.unwrap_or_else(|| panic!("the other process said no figures:\n{out}\n{err}"))
}
