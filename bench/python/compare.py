"""The Python host: Jinja2 and its peers against haiden, on live Python objects.

In: the tasks of `tasks.py`. Out: tables of times and ratios, with ``--write`` also between the markers of
``bench/README.md``. Nothing is timed before every engine's page is byte for byte the expected one. What cannot be installed
is said and left out.

The clock is the processor time of this thread; engines are interleaved A B C C B A in each round;
a ratio is the median of the ratios of the rounds. The script makes its own virtual environment.
"""

import argparse
import gc
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

import tasks

HERE = pathlib.Path(__file__).resolve().parent
BENCH = HERE.parent
VENV = BENCH / ".venv"
BEGIN, END = "<!-- python tables: begin -->", "<!-- python tables: end -->"
SAMPLE_NS = 4_000_000


# --- the environment of this script -------------------------------------------------------------


def enter_venv():
    """Runs this script again in the virtual environment, which is made when it is missing."""
    python = VENV / "bin" / "python"
    if pathlib.Path(sys.prefix) == VENV:
        if "--native" not in sys.argv:
            install_haiden(python)
        return
    requirements = HERE / "requirements.txt"
    stamp = VENV / "installed"
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        lines = [line for line in requirements.read_text().splitlines() if line and not line.startswith("#")]
        for line in lines:
            # The reference must be there; a peer that cannot be had is left out.
            needed = line.startswith(("Jinja2", "MarkupSafe"))
            if subprocess.run([*pip, line], check=needed).returncode != 0:
                print(f"note: could not get {line}", file=sys.stderr)
        stamp.write_text(requirements.read_text())
    os.execv(python, [str(python), *sys.argv])


def install_haiden(python):
    """Builds the wheel from this tree and installs it next to the peers."""
    project = BENCH.parent / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--force-reinstall", "--no-deps", str(project)], check=True)


# --- the clock and the check ---------------------------------------------------------------------


def verify(label, expected, found):
    """Ends the program where ``found`` is not ``expected``."""
    if found == expected:
        return
    pairs = enumerate(zip(expected, found))
    at = next((i for i, (a, b) in pairs if a != b), min(len(expected), len(found)))
    around = slice(max(0, at - 60), at + 60)
    sys.exit(
        f"error: {label} differs at character {at} ({len(expected)} against {len(found)}):\n"
        f"  expected {expected[around]!r}\n  found    {found[around]!r}"
    )


def sample(function, runs):
    """Nanoseconds of processor time per run."""
    start = time.thread_time_ns()
    for _ in range(runs):
        function()
    return (time.thread_time_ns() - start) / runs


def compare(functions, rounds):
    """Median time of each function and the median ratio of the first one to it."""
    runs = []
    for function in functions:
        sample(function, 2)
        runs.append(max(1, int(SAMPLE_NS / max(1, sample(function, 2)))))
    order = [*range(len(functions)), *reversed(range(len(functions)))]
    samples = [[] for _ in functions]
    for _ in range(rounds):
        spent = [0.0] * len(functions)
        for index in order:
            spent[index] += sample(functions[index], runs[index]) / 2
        for index, value in enumerate(spent):
            samples[index].append(value)
    medians = [statistics.median(own) for own in samples]
    ratios = [statistics.median(a / b for a, b in zip(samples[0], own)) for own in samples]
    return list(zip(medians, ratios))


# --- the report ---------------------------------------------------------------------------------


def digits(value):
    """Three significant digits."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def human(nanoseconds):
    """A time with its unit."""
    if nanoseconds < 1e3:
        return f"{digits(nanoseconds)} ns"
    if nanoseconds < 1e6:
        return f"{digits(nanoseconds / 1e3)} µs"
    return f"{digits(nanoseconds / 1e6)} ms"


def table(title, columns, engines, results):
    """Markdown; ``results[workload][engine name]`` is a time and a ratio."""
    lines = [f"### {title}", "", f"| engine | {' | '.join(columns)} | geometric mean |"]
    lines.append("|---|" + "---:|" * (len(columns) + 1))
    for engine in engines:
        found = [results[workload].get(engine.name) for workload in columns]
        if not any(found):
            continue
        cells = ["-" if pair is None else f"{human(pair[0])} ({digits(pair[1])}x)" for pair in found]
        logs = [math.log(pair[1]) for pair in found if pair is not None]
        mean = f"{digits(math.exp(sum(logs) / len(logs)))}x" if logs else "-"
        note = "" if len(logs) == len(columns) else f" (of {len(logs)})"
        lines.append(f"| {engine.name} | {' | '.join(cells)} | {mean}{note} |")
    return "\n".join(lines)


def write(tables):
    """Replaces what stands between the markers of the README."""
    readme = BENCH / "README.md"
    text = readme.read_text()
    head, _, rest = text.partition(BEGIN)
    _, found, tail = rest.partition(END)
    if not found:
        sys.exit(f"error: {readme}: no `{BEGIN}` ... `{END}`")
    readme.write_text(f"{head}{BEGIN}\n\n{tables}\n\n{END}{tail}")


def engines_for(arguments):
    """The engines that are there; the first one is the reference."""
    from engines import ByHand, Chameleon, Haiden, Jinja2, Jinja2Again, Mako, MiniJinja

    made = []
    for make in (Jinja2, lambda: Haiden(arguments.native), Jinja2Again, MiniJinja, Mako, Chameleon, ByHand):
        try:
            made.append(make())
        except ImportError as error:
            if arguments.native is not None and "_native" in str(error):
                sys.exit(f"error: {arguments.native}: {error}")
            print(f"note: left out, not installed: {error.name or error}", file=sys.stderr)
    return made


def prepared(engines, names, make):
    """The functions that `make` makes, once each has given the page that is expected; by workload."""
    found = {}
    for name in names:
        work = tasks.task(name)
        pairs = [(engine, make(engine, work)) for engine in engines]
        pairs = [(engine, function) for engine, function in pairs if function is not None]
        expected = work.expected
        for engine, function in pairs:
            page = function()
            page = page.render(work.context) if hasattr(page, "render") else page
            expected = page if expected is None else expected
            verify(f"{engine.name} {name}", expected, page)
        print(f"{name:12} {len(pairs)} pages of {len(expected)} characters agree", file=sys.stderr)
        found[name] = pairs
    return found


def timed(found, rounds):
    """Times and ratios by workload and engine."""
    results = {}
    for name, pairs in found.items():
        print(f"timing {name}", file=sys.stderr)
        spent = compare([function for _, function in pairs], rounds)
        results[name] = {engine.name: pair for (engine, _), pair in zip(pairs, spent)}
    return results


def measure(engines, rounds, only):
    """Verifies, then times; a table for each kind of measurement."""

    def wanted(names):
        return [name for name in names if not only or name in only]

    pages = prepared(engines, wanted(tasks.RENDERED), lambda engine, work: engine.renderer(work))
    waiting = prepared(engines, wanted(tasks.WITHOUT_AWAIT), lambda engine, work: engine.async_renderer(work))
    able = [engine for engine in engines if engine.name not in ("Mako", "Chameleon", "Python by hand")]
    prepared(able, wanted(tasks.GENERATED), lambda engine, work: engine.renderer(work))
    sources = {name: tasks.task(name).sources for name in wanted(tasks.GENERATED)}
    compilers = {
        name: [(engine, engine.compiler(texts)) for engine in able] for name, texts in sources.items()
    }
    hits = prepared(engines, wanted(tasks.GENERATED), lambda engine, work: engine.loader(work))
    gc.freeze()
    kinds = [
        ("Python host: render", pages),
        ("Python host: `render_async`, nothing awaited", waiting),
        ("Python host: compile", compilers),
        ("Python host: `get_template` out of `FileSystemBytecodeCache`", hits),
    ]
    return [(title, list(found), timed(found, rounds)) for title, found in kinds if found]


def processes(arguments, engines, rounds):
    """The table of whole processes."""
    import tempfile

    import processes

    packages = [engine.package for engine in engines if engine.name in ("Jinja2", "haiden")]
    if arguments.native is not None:
        print("note: whole processes are measured with an installed package only", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory(prefix="haiden-bench-") as folder:
        found = processes.measure(packages, folder, rounds)
    named = {engine.package: engine.name for engine in engines if hasattr(engine, "package")}
    named["jinja2"] = "Jinja2"
    results = {
        title: {named[package]: pair for package, pair in pairs.items()} for title, pairs in found.items()
    }
    return [("Python host: whole processes, over the bare interpreter", list(results), results)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--write", action="store_true", help="write the tables into bench/README.md")
    parser.add_argument("--native", type=pathlib.Path, help="file of haiden's native module")
    parser.add_argument("--workloads", default="", help="only these, separated by semicolons or commas")
    arguments = parser.parse_args()
    enter_venv()
    names = [*tasks.RECORDED, *tasks.GENERATED]
    if not all((tasks.PAGES / f"{name}.json").exists() for name in names):
        subprocess.run([str(BENCH / "run"), "--verify", "--no-python"], check=True)
    engines = engines_for(arguments)
    only = [name for name in arguments.workloads.replace(";", ",").split(",") if name]
    rounds = 5 if arguments.quick else 21
    measured = measure(engines, rounds, only)
    if not only:
        measured += processes(arguments, engines, rounds)
    tables = [table(title, columns, engines, results) for title, columns, results in measured]
    print("\n\n".join(tables))
    if arguments.write:
        write("\n\n".join(tables))


if __name__ == "__main__":
    main()
