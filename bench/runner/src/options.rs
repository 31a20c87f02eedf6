//! The command line of the runner.

use bench_common::Workload;

const HELP: &str = "\
usage: bench/run [OPTIONS]

Builds all engines, compares their pages byte for byte, times them in interleaved rounds,
counts instructions, prints the tables and writes them into bench/README.md.

  --quick              few rounds, no instruction counts, README untouched
  --verify             compare the pages and stop
  --engines A,B        only these engines (minijinja and byhand are always there)
  --workloads A,B      only these workloads; README untouched
  --focus ENGINE       whose summary is printed (haiden)
  --callgrind          count instructions even with --quick
  --no-callgrind       do not count instructions
  --no-python          leave out the Python host
  --cache              only: cache hits against compiling, in Rust and in Python beside Jinja2's; writes
                       docs/cache.md and its plot
  --no-cache           leave that out
  --no-write           leave README.md and docs/cache.md untouched
";

/// What was asked for.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Options {
    /// Few rounds.
    pub(crate) quick: bool,
    /// Stop after the comparison of the pages.
    pub(crate) verify_only: bool,
    /// Count instructions.
    pub(crate) callgrind: bool,
    /// Run the comparison on the Python host too.
    pub(crate) python: bool,
    /// Measure cache hits.
    pub(crate) cache: bool,
    /// Nothing but that.
    pub(crate) cache_only: bool,
    /// Write the tables into the README.
    pub(crate) write: bool,
    /// Only these engines; empty for all.
    pub(crate) engines: Vec<String>,
    /// Only these workloads; empty for all.
    pub(crate) workloads: Vec<String>,
    /// Whose summary is printed.
    pub(crate) focus: String,
    /// How many times each process is started anew: layouts and hash seeds differ.
    pub(crate) launches: usize,
    /// Interleaved rounds in each launch.
    pub(crate) rounds: usize,
}

impl Options {
    /// Reads the command line; nothing if it asked for help.
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            quick: false,
            verify_only: false,
            callgrind: true,
            python: true,
            cache: true,
            cache_only: false,
            write: true,
            engines: Vec::new(),
            workloads: Vec::new(),
            focus: "haiden".to_owned(),
            launches: 3,
            rounds: 15,
        };
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("`{argument}` needs a value"));
            match argument.as_str() {
                "--help" | "-h" => {
                    print!("{HELP}");
                    return Ok(None);
                }
                "--quick" => options.hurry(),
                "--verify" => options.verify_only = true,
                "--callgrind" => options.callgrind = true,
                "--no-callgrind" => options.callgrind = false,
                "--no-python" => options.python = false,
                "--cache" => options.cache_only = true,
                "--no-cache" => options.cache = false,
                "--no-write" => options.write = false,
                "--engines" => options.engines = names(&value()?, &known_engines())?,
                "--workloads" => {
                    options.workloads = names(&value()?, &Workload::ALL.map(Workload::name))?;
                    options.write = false;
                    options.python = false;
                    options.cache = false;
                }
                "--focus" => options.focus = names(&value()?, &known_engines())?.concat(),
                _ => return Err(format!("no option `{argument}`; see --help")),
            }
        }
        Ok(Some(options))
    }

    fn hurry(&mut self) {
        self.quick = true;
        self.callgrind = false;
        self.write = false;
        self.launches = 1;
        self.rounds = 7;
    }
}

fn known_engines() -> Vec<&'static str> {
    crate::ENGINES.iter().map(|engine| engine.name).collect()
}

fn names(list: &str, known: &[&str]) -> Result<Vec<String>, String> {
    let check = |name: &str| {
        let error = || format!("no `{name}`; known: {}", known.join(", "));
        known.contains(&name).then(|| name.to_owned()).ok_or_else(error)
    };
    list.split(',').map(check).collect()
}
